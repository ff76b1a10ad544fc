/*
 * leaf: the content of an act as salted leaves under one root.
 */
#include "proto/leaf.h"

#include "proto/catalogue.h"
#include "proto/crypto.h"
#include "proto/leaf_internal.h"
#include "proto/merkle.h"

#include <string.h>

void hf_leaves_salt(struct hf_leaves *l)
{
	for (unsigned i = 0; i < l->count; i++) {
		uint8_t index = (uint8_t)i;
		struct hf_hash h = hf_hash2(HF_TAG_SALT,
		    (struct hf_bytes){l->seed, sizeof(l->seed)},
		    (struct hf_bytes){&index, 1});

		memcpy(l->leaf[i].salt, h.b, HF_SALT_SIZE);
	}
}

/* The bytes of a leaf are hashed in two runs: the head with salt and field,
 * then the value as it stands, so no leaf is ever copied. */
struct hf_hash leaf_hash(const struct hf_leaf *l)
{
	uint8_t head[1 + 1 + 2 + HF_SALT_SIZE + 5];
	struct pack p;

	head[0] = 0x00; /* RFC 6962 leaf */
	pack_init(&p, head + 1, sizeof(head) - 1);
	pack_array(&p, 3);
	pack_bin(&p, l->salt, HF_SALT_SIZE);
	pack_uint(&p, l->field);
	return hf_sha256_2((struct hf_bytes){head, p.at + 1}, l->value);
}

struct hf_hash leaf_root(unsigned count, const struct hf_hash *mth)
{
	uint8_t be[4] = {0, 0, 0, (uint8_t)count};

	return hf_hash2(HF_TAG_LEAF_ROOT, (struct hf_bytes){be, sizeof(be)},
	    (struct hf_bytes){mth->b, sizeof(mth->b)});
}

struct hf_hash hf_leaves_root(const struct hf_leaves *l)
{
	struct hf_hash hashes[HF_LEAF_MAX], mth;

	for (unsigned i = 0; i < l->count; i++)
		hashes[i] = leaf_hash(&l->leaf[i]);
	mth = hf_merkle_root(hashes, l->count);
	return leaf_root(l->count, &mth);
}

/* Order and type of leaf i after `previous`. */
static enum hf_err check_leaf(
    const struct hf_leaf *l, const struct hf_leaf *previous)
{
	const struct hf_field_info *f = hf_field_info(l->field);

	if (previous != NULL && l->field < previous->field)
		return HF_KEY_ORDER;
	if (previous != NULL && l->field == previous->field &&
	    (f == NULL || !f->repeats))
		return HF_KEY_ORDER;
	if (l->value.size > HF_LEAF_BYTES_MAX)
		return HF_TOO_BIG;
	return hf_field_check(l->field, l->value);
}

enum hf_err hf_leaves_encode(
    const struct hf_leaves *l, uint8_t *out, size_t capacity, size_t *size)
{
	struct pack p;

	if (l->count > HF_LEAF_MAX)
		return HF_TOO_MANY;
	pack_init(&p, out, capacity);
	pack_array(&p, 2);
	pack_bin(&p, l->seed, sizeof(l->seed));
	pack_array(&p, l->count);
	for (unsigned i = 0; i < l->count; i++) {
		enum hf_err err =
		    check_leaf(&l->leaf[i], i > 0 ? &l->leaf[i - 1] : NULL);

		if (err != HF_OK)
			return err;
		pack_array(&p, 2);
		pack_uint(&p, l->leaf[i].field);
		pack_raw(&p, l->leaf[i].value);
	}
	return pack_finish(&p, size);
}

enum hf_err hf_leaves_decode(struct hf_leaves *l, const void *data, size_t size)
{
	struct wire w;

	memset(l, 0, sizeof(*l));
	wire_init(&w, data, size);
	wire_array(&w, 2, 2);
	wire_bin_copy(&w, l->seed, sizeof(l->seed));
	l->count = wire_array(&w, 0, HF_LEAF_MAX);
	for (unsigned i = 0; i < l->count && w.err == HF_OK; i++) {
		wire_array(&w, 2, 2);
		l->leaf[i].field = (unsigned)wire_uint(&w, UINT16_MAX);
		l->leaf[i].value = wire_skip(&w);
		wire_close(&w);
		if (w.err == HF_OK)
			wire_fail(&w, check_leaf(&l->leaf[i],
					  i > 0 ? &l->leaf[i - 1] : NULL));
	}
	wire_close(&w);
	wire_close(&w);
	if (wire_finish(&w) != HF_OK) {
		l->count = 0;
		return w.err;
	}
	hf_leaves_salt(l);
	return HF_OK;
}
