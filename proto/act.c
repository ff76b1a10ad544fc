/*
 * act: the four parts, their commitments to each other, signatures.
 */
#include "proto/act.h"

#include "proto/crypto.h"
#include "proto/leaf.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <string.h>

#define SUITE 1u

static void expect_key(struct wire *w, int key)
{
	if (wire_key(w) != key)
		wire_fail(w, HF_MISSING_KEY);
}

enum hf_err hf_core_decode(struct hf_core *core, const void *data, size_t size)
{
	struct wire w;

	memset(core, 0, sizeof(*core));
	if (size > HF_CORE_MAX)
		return HF_TOO_BIG;
	wire_init(&w, data, size);
	wire_map(&w, 7);
	expect_key(&w, 1);
	core->suite = (unsigned)wire_uint(&w, UINT16_MAX);
	expect_key(&w, 2);
	core->kind = (unsigned)wire_uint(&w, 191);
	expect_key(&w, 3);
	wire_bin_copy(&w, core->author.b, HF_KEY_SIZE);
	expect_key(&w, 4);
	core->created = wire_time(&w);
	expect_key(&w, 5);
	wire_bin_copy(&w, core->root.b, HF_HASH_SIZE);
	expect_key(&w, 6);
	wire_bin_copy(&w, core->body.b, HF_HASH_SIZE);
	expect_key(&w, 7);
	wire_bin_copy(&w, core->envelope.b, HF_HASH_SIZE);
	wire_close(&w);
	if (w.err == HF_OK && core->suite != SUITE)
		wire_fail(&w, HF_SUITE);
	if (w.err == HF_OK && core->kind == 0)
		wire_fail(&w, HF_RANGE);
	return wire_finish(&w);
}

enum hf_err hf_core_encode(
    const struct hf_core *core, uint8_t *out, size_t capacity, size_t *size)
{
	struct hf_core back;
	struct pack p;
	enum hf_err err;

	pack_init(&p, out, capacity);
	pack_map(&p, 7);
	pack_uint(&p, 1);
	pack_uint(&p, core->suite);
	pack_uint(&p, 2);
	pack_uint(&p, core->kind);
	pack_uint(&p, 3);
	pack_bin(&p, core->author.b, HF_KEY_SIZE);
	pack_uint(&p, 4);
	pack_uint(&p, core->created.ms);
	pack_uint(&p, 5);
	pack_bin(&p, core->root.b, HF_HASH_SIZE);
	pack_uint(&p, 6);
	pack_bin(&p, core->body.b, HF_HASH_SIZE);
	pack_uint(&p, 7);
	pack_bin(&p, core->envelope.b, HF_HASH_SIZE);
	err = pack_finish(&p, size);
	return err == HF_OK ? hf_core_decode(&back, out, *size) : err;
}

static void read_sigs(struct wire *w, struct hf_signature *out, unsigned *count)
{
	*count = wire_array(w, 0, HF_SIGNATURE_MAX);
	for (unsigned i = 0; i < *count && w->err == HF_OK; i++) {
		wire_array(w, 2, 2);
		wire_bin_copy(w, out[i].key.b, HF_KEY_SIZE);
		wire_bin_copy(w, out[i].sig.b, HF_SIG_SIZE);
		wire_close(w);
		for (unsigned k = 0; k < i; k++)
			if (memcmp(&out[k].key, &out[i].key, HF_KEY_SIZE) == 0)
				wire_fail(w, HF_SIGNATURE);
	}
	wire_close(w);
}

enum hf_err hf_sigs_decode(
    struct hf_signature *out, unsigned *count, const void *data, size_t size)
{
	struct wire w;

	wire_init(&w, data, size);
	read_sigs(&w, out, count);
	return wire_finish(&w);
}

enum hf_err hf_sigs_encode(const struct hf_signature *sigs, unsigned count,
    uint8_t *out, size_t capacity, size_t *size)
{
	struct hf_signature back[HF_SIGNATURE_MAX];
	struct pack p;
	enum hf_err err;

	*size = 0;
	if (count > HF_SIGNATURE_MAX)
		return HF_TOO_MANY;
	pack_init(&p, out, capacity);
	pack_array(&p, count);
	for (unsigned i = 0; i < count; i++) {
		pack_array(&p, 2);
		pack_bin(&p, sigs[i].key.b, HF_KEY_SIZE);
		pack_bin(&p, sigs[i].sig.b, HF_SIG_SIZE);
	}
	err = pack_finish(&p, size);
	return err == HF_OK ? hf_sigs_decode(back, &count, out, *size) : err;
}

enum hf_err hf_act_encode(struct hf_bytes core, struct hf_bytes envelope,
    struct hf_bytes sigs, struct hf_bytes body, uint8_t *out, size_t capacity,
    size_t *size)
{
	struct hf_signature back[HF_SIGNATURE_MAX];
	struct pack p;
	unsigned count;
	enum hf_err err;

	*size = 0;
	if (core.size > HF_CORE_MAX || envelope.size > HF_ENVELOPE_MAX ||
	    body.size > HF_BODY_MAX)
		return HF_TOO_BIG;
	if (core.size == 0 || envelope.size == 0)
		return HF_RANGE;
	/* these alone go in as they are */
	if ((err = hf_sigs_decode(back, &count, sigs.data, sigs.size)) != HF_OK)
		return err;
	pack_init(&p, out, capacity < HF_ACT_MAX ? capacity : HF_ACT_MAX);
	pack_array(&p, 4);
	pack_bin(&p, core.data, core.size);
	pack_bin(&p, envelope.data, envelope.size);
	pack_raw(&p, sigs);
	pack_bin(&p, body.data, body.size);
	return pack_finish(&p, size);
}

struct hf_hash hf_core_digest(struct hf_bytes core)
{
	return hf_hash(HF_TAG_CORE, core.data, core.size);
}

struct hf_id hf_act_id(struct instant created, const struct hf_hash *digest)
{
	struct hf_id id;

	for (unsigned i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(created.ms >> (40 - 8 * i));
	memcpy(id.b + 6, digest->b, HF_ID_SIZE - 6);
	return id;
}

struct hf_hash hf_act_to_sign(const struct hf_hash *digest)
{
	return hf_hash(HF_TAG_SIGN_ACT, digest->b, sizeof(digest->b));
}

/* A machine act has no leaves and no body of its own (SPEC 3.4). */
static enum hf_err check_machine(const struct hf_act *a)
{
	static const struct hf_leaves none;
	struct hf_hash root = hf_leaves_root(&none);

	if (a->signature_count != 0)
		return HF_SIGNATURE;
	if (a->body_bytes.size != 0 || a->envelope.policy.size != 0)
		return HF_SHAPE;
	return memcmp(&root, &a->core.root, sizeof(root)) == 0 ? HF_OK
							       : HF_PROOF;
}

static enum hf_err check_authority(const struct hf_act *a)
{
	const struct hf_kind_info *k = hf_kind_info(a->core.kind);

	if (k != NULL && k->machine)
		return check_machine(a);
	if (a->signature_count == 0 ||
	    memcmp(&a->signatures[0].key, &a->core.author, HF_KEY_SIZE) != 0)
		return HF_SIGNATURE;
	return HF_OK;
}

static enum hf_err check_commitments(const struct hf_act *a)
{
	struct hf_hash h = hf_hash(
	    HF_TAG_ENVELOPE, a->envelope_bytes.data, a->envelope_bytes.size);

	if (memcmp(&h, &a->core.envelope, sizeof(h)) != 0)
		return HF_PROOF;
	if (a->body_bytes.size == 0 && a->signature_count > 0)
		return HF_OK; /* a skeleton: its digest still stands */
	h = hf_hash(HF_TAG_BODY, a->body_bytes.data, a->body_bytes.size);
	return memcmp(&h, &a->core.body, sizeof(h)) == 0 ? HF_OK : HF_PROOF;
}

/* The parts, and what can be read off them without a hash. */
static enum hf_err read_parts(
    struct hf_act *act, const void *frame, size_t size)
{
	struct wire w;
	size_t sigs_begin;
	enum hf_err err;

	memset(act, 0, sizeof(*act));
	if (size > HF_ACT_MAX)
		return HF_TOO_BIG;
	act->frame = (struct hf_bytes){frame, size};
	wire_init(&w, frame, size);
	wire_array(&w, 4, 4);
	act->core_bytes = wire_bin(&w, 1, HF_CORE_MAX);
	act->envelope_bytes = wire_bin(&w, 1, HF_ENVELOPE_MAX);
	sigs_begin = w.at;
	read_sigs(&w, act->signatures, &act->signature_count);
	act->sigs_bytes =
	    (struct hf_bytes){w.data + sigs_begin, w.at - sigs_begin};
	act->body_bytes = wire_bin(&w, 0, HF_BODY_MAX);
	wire_close(&w);
	err = wire_finish(&w);
	if (err == HF_OK)
		err = hf_core_decode(
		    &act->core, act->core_bytes.data, act->core_bytes.size);
	if (err == HF_OK)
		err = hf_envelope_decode(&act->envelope,
		    act->envelope_bytes.data, act->envelope_bytes.size);
	return err;
}

static void name_it(struct hf_act *act)
{
	act->digest = hf_core_digest(act->core_bytes);
	act->id = hf_act_id(act->core.created, &act->digest);
}

enum hf_err hf_act_decode(struct hf_act *act, const void *frame, size_t size)
{
	enum hf_err err = read_parts(act, frame, size);

	if (err == HF_OK)
		err = check_authority(act);
	if (err == HF_OK)
		err = hf_act_check_shape(act->core.kind, &act->envelope);
	if (err == HF_OK)
		err = check_commitments(act);
	if (err == HF_OK)
		name_it(act);
	return err;
}

enum hf_err hf_act_decode_again(
    struct hf_act *act, const void *frame, size_t size)
{
	enum hf_err err = read_parts(act, frame, size);

	if (err == HF_OK)
		name_it(act);
	return err;
}

enum hf_err hf_act_peek(
    struct hf_envelope *envelope, const void *frame, size_t size)
{
	struct wire w;
	struct hf_bytes bytes;

	if (size > HF_ACT_MAX)
		return HF_TOO_BIG;
	wire_init(&w, frame, size);
	wire_array(&w, 4, 4);
	wire_skip(&w);
	bytes = wire_bin(&w, 1, HF_ENVELOPE_MAX);
	return w.err == HF_OK
		   ? hf_envelope_decode(envelope, bytes.data, bytes.size)
		   : w.err;
}

enum hf_err hf_act_verify(const struct hf_act *act)
{
	struct hf_hash message = hf_act_to_sign(&act->digest);

	for (unsigned i = 0; i < act->signature_count; i++) {
		enum hf_err err = hf_verify(&act->signatures[i].key,
		    &act->signatures[i].sig, &message, sizeof(message));

		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}
