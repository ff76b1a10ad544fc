/*
 * cosign: witnesses' cosignatures on a checkpoint (C2SP tlog-cosignature,
 * version 1, Ed25519; SPEC 6.6), and the proof of a fork (SPEC 6.8).
 */
#ifndef HF_PROTO_COSIGN_H
#define HF_PROTO_COSIGN_H

#include "proto/types.h"

#define HF_WITNESS_NAME_MAX 24u /* "holdfast/JP/witness" and the NUL */
#define HF_WITNESS_NAME_SIZE 19u
#define HF_WITNESS_NAME_CC 9u      /* where the country stands in it */
#define HF_COSIGN_MESSAGE_MAX 320u /* what a witness signs */
#define HF_COSIGN_LINE_MAX 160u    /* one line of a note, newline included */
#define HF_COSIGNATURE_MAX 4u      /* of one note */
#define HF_FORK_MAX 900u           /* bytes: a proof of a fork */

void hf_witness_name(char out[HF_WITNESS_NAME_MAX], struct hf_country c);

/** What a witness signs: "cosignature/v1", the time in seconds and the
 * checkpoint's text.  Returns its size, 0 if it does not fit. */
size_t hf_cosign_message(
    uint8_t out[HF_COSIGN_MESSAGE_MAX], uint64_t seconds, struct hf_bytes text);
/** The line of a note; NUL after it.  Returns its size, newline included. */
size_t hf_cosign_line(char out[HF_COSIGN_LINE_MAX], const char *name,
    const struct hf_key *key, uint64_t seconds, const struct hf_sig *sig);
/**
 * Does `line` (newline included) cosign the note's text?
 * *seconds  out, when
 * Errors: HF_CHECKPOINT
 */
HF_MUST_USE enum hf_err hf_cosign_verify_line(struct hf_bytes line,
    struct hf_bytes note, const char *name, const struct hf_key *key,
    uint64_t *seconds);
/** The same of the line under that name in the note itself; one that does not
 * verify spoils it.  HF_NOTFOUND: it has none. */
HF_MUST_USE enum hf_err hf_cosign_verify(struct hf_bytes note, const char *name,
    const struct hf_key *key, uint64_t *seconds);
/** The note with this line: instead of one of the same name, else so that
 * names ascend.  Errors: HF_CHECKPOINT (no note, no cosignature), HF_TOO_MANY,
 * HF_TOO_BIG */
HF_MUST_USE enum hf_err hf_cosign_add(struct hf_bytes note,
    struct hf_bytes line, char *out, size_t capacity, size_t *size);
/** i-th name of the cosignature lines; false past the end. */
bool hf_cosign_name(struct hf_bytes note, unsigned i, struct hf_bytes *name);

/** Two notes of one origin and size with different roots, in canonical order
 * and without cosignatures.  Errors: HF_CHECKPOINT (they prove nothing) */
HF_MUST_USE enum hf_err hf_fork_encode(const char *origin,
    const struct hf_key *key, struct hf_bytes a, struct hf_bytes b,
    uint8_t out[HF_FORK_MAX], size_t *size);
/** Is it a proof that the holder of `key` signed two trees of one size?
 * *entries  out, that size.  Errors: 1xxx, HF_CHECKPOINT */
HF_MUST_USE enum hf_err hf_fork_check(const void *data, size_t size,
    const char *origin, const struct hf_key *key, uint64_t *entries);

#endif
