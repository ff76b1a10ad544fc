/*
 * signer: signs tree heads and nothing else, never one that is smaller
 * than, or inconsistent with, the last (DESIGN 7).
 *
 * Memory: two checksummed 512-byte slots, written in turn with O_DSYNC
 * before the signature leaves.  Knows no LMDB and no network.
 */
#ifndef HF_SIGNER_H
#define HF_SIGNER_H

#include "keys/secret.h"
#include "proto/merkle.h"

/** Request in a RECORD_SIGN payload: canonical array
 * [new size, root bin32, old size, consistency path bin]; answer in
 * RECORD_SIGNED: code (enum hf_err) and the signed note. */
struct signer_state; /* opaque */

/** Errors: HF_FILE, HF_CORRUPT (both slots damaged), HF_NOMEM */
HF_MUST_USE enum hf_err signer_open(struct signer_state **out, const char *path,
    const char *origin, const struct secret *secret);
void signer_close(struct signer_state *s);
/** What was last signed; size 0 if nothing. */
void signer_last(
    const struct signer_state *s, uint64_t *size, struct hf_hash *root);
/** Errors: HF_ROLLBACK (smaller, or not consistent), HF_RANGE (empty, or no
 * tree can be so large), HF_FILE (memory) */
HF_MUST_USE enum hf_err signer_sign(struct signer_state *s, uint64_t size,
    const struct hf_hash *root, uint64_t old_size, const struct hf_hash *path,
    unsigned path_count, char *note, size_t capacity, size_t *note_size);

#endif
