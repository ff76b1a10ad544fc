/*
 * seal: bodies in padded sizes, sealed to desks (SPEC 3.5).
 *
 * Sizes on the wire tell an eavesdropper what was said; only the buckets
 * are left of them.
 */
#include "proto/seal.h"

#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <string.h>

#define PAD_BEGIN 0x80u
/* A box of fewer bytes has a shorter head; behind the keys of many desks the
 * least bucket would leave less. */
#define BOX_HEAD 3u
#define BOX_MIN 256u
#define AD_PREFIX "holdfast/1/body"
#define AD_SIZE (sizeof(AD_PREFIX) + HF_KEY_SIZE + HF_HASH_SIZE)

size_t hf_body_bucket(size_t size)
{
	static const size_t small[] = {640, 1280, 1900, 3900};
	size_t k;

	for (unsigned i = 0; i < 4; i++)
		if (size <= small[i])
			return small[i];
	k = (size + 200 + 4095) / 4096;
	return 4096 * k - 200 <= HF_BODY_MAX ? 4096 * k - 200 : 0;
}

static struct hf_bytes additional(uint8_t out[AD_SIZE],
    const struct hf_key *author, const struct hf_hash *envelope)
{
	memcpy(out, AD_PREFIX, sizeof(AD_PREFIX)); /* with its NUL */
	memcpy(out + sizeof(AD_PREFIX), author->b, HF_KEY_SIZE);
	memcpy(
	    out + sizeof(AD_PREFIX) + HF_KEY_SIZE, envelope->b, HF_HASH_SIZE);
	return (struct hf_bytes){out, AD_SIZE};
}

static void pack_head(struct pack *p, const struct hf_recipient *recipients,
    unsigned count, const uint8_t *nonce)
{
	pack_array(p, 3);
	pack_array(p, count);
	for (unsigned i = 0; i < count; i++) {
		pack_array(p, 3);
		pack_text(p, recipients[i].desk.s);
		pack_uint(p, recipients[i].epoch);
		pack_bin(p, recipients[i].sealed, HF_SEALED_KEY_SIZE);
	}
	pack_bin(p, nonce, HF_NONCE_SIZE);
}

enum hf_err hf_body_seal(const uint8_t *plain, size_t plain_size,
    const struct hf_recipient *recipients, unsigned count,
    const struct hf_key *author, const struct hf_hash *envelope_commitment,
    const struct hf_seal_chance *chance, uint8_t *out, size_t capacity,
    size_t *size)
{
	struct hf_recipient sealed[HF_RECIPIENT_MAX];
	uint8_t padded[HF_BODY_MAX], box[HF_BODY_MAX + HF_TAG_SIZE];
	uint8_t ad[AD_SIZE];
	size_t head, bucket, box_size;
	struct pack p;
	enum hf_err err;

	if (count == 0 || count > HF_RECIPIENT_MAX)
		return HF_RANGE;
	for (unsigned i = 0; i < count; i++) {
		sealed[i] = recipients[i];
		err = hf_box_seal(sealed[i].sealed, chance->key,
		    &recipients[i].key, chance->ephemeral[i]);
		if (err != HF_OK)
			return err;
	}
	pack_init(&p, out, capacity);
	pack_head(&p, sealed, count, chance->nonce);
	err = pack_finish(&p, &head);
	if (err != HF_OK)
		return err;
	box_size = plain_size + 1 + HF_TAG_SIZE;
	if (box_size < BOX_MIN)
		box_size = BOX_MIN;
	bucket = hf_body_bucket(head + BOX_HEAD + box_size);
	if (bucket == 0 || bucket > capacity)
		return HF_TOO_BIG;
	box_size = bucket - head - BOX_HEAD;
	memcpy(padded, plain, plain_size);
	memset(padded + plain_size, 0, box_size - HF_TAG_SIZE - plain_size);
	padded[plain_size] = PAD_BEGIN;
	hf_aead_seal(box, padded, box_size - HF_TAG_SIZE,
	    additional(ad, author, envelope_commitment), chance->nonce,
	    chance->key);
	pack_bin(&p, box, box_size);
	hf_wipe(padded, sizeof(padded));
	return pack_finish(&p, size);
}

enum hf_err hf_body_decode(struct hf_body *body, const void *data, size_t size)
{
	struct hf_bytes nonce;
	struct wire w;

	memset(body, 0, sizeof(*body));
	wire_init(&w, data, size);
	wire_array(&w, 3, 3);
	body->recipient_count = wire_array(&w, 1, HF_RECIPIENT_MAX);
	for (unsigned i = 0; i < body->recipient_count && w.err == HF_OK; i++) {
		wire_array(&w, 3, 3);
		body->recipients[i].desk = wire_desk(&w);
		body->recipients[i].epoch = (uint32_t)wire_uint(&w, UINT32_MAX);
		wire_bin_copy(
		    &w, body->recipients[i].sealed, HF_SEALED_KEY_SIZE);
		wire_close(&w);
	}
	wire_close(&w);
	nonce = wire_bin(&w, HF_NONCE_SIZE, HF_NONCE_SIZE);
	body->nonce = nonce.data;
	body->box = wire_bin(&w, HF_TAG_SIZE + 1, HF_BODY_MAX);
	wire_close(&w);
	if (wire_finish(&w) != HF_OK)
		return w.err;
	return hf_body_bucket(size) == size ? HF_OK : HF_PADDING;
}

enum hf_err hf_body_open(const struct hf_body *body,
    const uint8_t body_key[HF_KEY_SIZE], const struct hf_key *author,
    const struct hf_hash *envelope_commitment, uint8_t *out, size_t *size)
{
	uint8_t ad[AD_SIZE];
	size_t at = body->box.size - HF_TAG_SIZE;
	enum hf_err err = hf_aead_open(out, body->box.data, body->box.size,
	    additional(ad, author, envelope_commitment), body->nonce, body_key);

	if (err != HF_OK)
		return err;
	while (at > 0 && out[at - 1] == 0)
		at--;
	if (at == 0 || out[at - 1] != PAD_BEGIN)
		return HF_PADDING;
	*size = at - 1;
	return HF_OK;
}
