/*
 * seal: bodies sealed to desks, in padded sizes (SPEC 3.5).
 */
#ifndef HF_PROTO_SEAL_H
#define HF_PROTO_SEAL_H

#include "proto/types.h"

struct hf_recipient {
	struct hf_desk desk;
	uint32_t epoch;
	struct hf_key key; /* the desk's sealing key; unused when reading */
	uint8_t sealed[HF_SEALED_KEY_SIZE];
};

/** A body as read; borrows. */
struct hf_body {
	unsigned recipient_count;
	struct hf_recipient recipients[HF_RECIPIENT_MAX];
	const uint8_t *nonce;
	struct hf_bytes box;
};

/** Random bytes of one body. */
struct hf_seal_chance {
	uint8_t key[HF_KEY_SIZE];
	uint8_t nonce[HF_NONCE_SIZE];
	uint8_t ephemeral[HF_RECIPIENT_MAX][HF_KEY_SIZE];
};

/** The smallest bucket of SPEC 3.5 that holds `size`, 0 if none. */
size_t hf_body_bucket(size_t size);

/** Pad and seal `plain` (a leaf list).  Errors: HF_TOO_BIG, HF_RANGE */
HF_MUST_USE enum hf_err hf_body_seal(const uint8_t *plain, size_t plain_size,
    const struct hf_recipient *recipients, unsigned count,
    const struct hf_key *author, const struct hf_hash *envelope_commitment,
    const struct hf_seal_chance *chance, uint8_t *out, size_t capacity,
    size_t *size);
/** Parse only (brokers may, to check form).  Errors: 1xxx, HF_PADDING */
HF_MUST_USE enum hf_err hf_body_decode(
    struct hf_body *body, const void *data, size_t size);
/** Open with the body key.  `out` has box.size bytes; *size is the leaf
 * list without padding.  Errors: HF_OPEN, HF_PADDING */
HF_MUST_USE enum hf_err hf_body_open(const struct hf_body *body,
    const uint8_t body_key[HF_KEY_SIZE], const struct hf_key *author,
    const struct hf_hash *envelope_commitment, uint8_t *out, size_t *size);

#endif
