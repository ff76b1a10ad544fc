/*
 * leaf: salted leaves, their root, partial disclosure (SPEC 3.6 to 3.8).
 */
#ifndef HF_PROTO_LEAF_H
#define HF_PROTO_LEAF_H

#include "proto/act.h"
#include "proto/pack.h"
#include "proto/types.h"
#include "proto/wire.h"

/** One leaf: its field and the canonical bytes of its value (borrowed). */
struct hf_leaf {
	unsigned field;
	struct hf_bytes value;
	uint8_t salt[HF_SALT_SIZE];
};

struct hf_leaves {
	unsigned count;
	uint8_t seed[HF_SEED_SIZE];
	struct hf_leaf leaf[HF_LEAF_MAX];
};

/** Salts of all leaves from the seed. */
void hf_leaves_salt(struct hf_leaves *l);
struct hf_hash hf_leaves_root(const struct hf_leaves *l);
/** Plain leaf list (SPEC 3.6), without padding.  Leaves ascending by field;
 * values are checked against the catalogue's types.  Errors: HF_RANGE,
 * HF_KEY_ORDER, HF_TYPE, HF_UNKNOWN_KEY (critical field), HF_TOO_BIG */
HF_MUST_USE enum hf_err hf_leaves_encode(
    const struct hf_leaves *l, uint8_t *out, size_t capacity, size_t *size);
/** Strict; `l` borrows from `data`; salts are filled in. */
HF_MUST_USE enum hf_err hf_leaves_decode(
    struct hf_leaves *l, const void *data, size_t size);

/** A disclosure as read; borrows. */
struct hf_cite {
	struct hf_bytes core_bytes;
	struct hf_core core;
	struct hf_hash digest;
	struct hf_id id;
	unsigned signature_count;
	struct hf_signature signatures[HF_SIGNATURE_MAX];
	unsigned count; /* leaves of the act */
	unsigned shown_count;
	uint8_t index[HF_LEAF_MAX]; /* of the shown, ascending */
	struct hf_leaf shown[HF_LEAF_MAX];
};

/** Show the leaves `index[0..n)` (ascending) of an act. */
HF_MUST_USE enum hf_err hf_cite_encode(const struct hf_leaves *l,
    struct hf_bytes core, struct hf_bytes sigs, const uint8_t *index,
    unsigned n, uint8_t *out, size_t capacity, size_t *size);
/** Read and verify root and signatures.
 * Errors: 1xxx, HF_DISCLOSURE, HF_SIGNATURE */
HF_MUST_USE enum hf_err hf_cite_decode(
    struct hf_cite *cite, const void *data, size_t size);

#endif
