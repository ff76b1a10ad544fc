/*
 * memory: pairs of checksummed 512-byte slots in a file, written in turn with
 * O_DSYNC.  A torn slot fails its check and the other one still holds what was
 * there before.
 *
 * The file is made whole, with good slots that say nothing, and renamed into
 * place.  So a slot that does not read is damage, never youth.
 */
#ifndef HF_SIGNER_MEMORY_H
#define HF_SIGNER_MEMORY_H

#include "proto/types.h"

#define MEMORY_NAME_MAX 32u

/** What a pair holds. */
struct memory_row {
	char name[MEMORY_NAME_MAX]; /* NUL-terminated */
	uint64_t size;
	struct hf_hash root;
};

struct memory; /* opaque */

/** Where the signer remembers: each epoch of the ledger has a file. */
void memory_path(char *out, size_t capacity, const char *dir, uint32_t epoch);

/** Open, or create with `pairs` pairs that hold nothing.
 * Errors: HF_FILE, HF_NOMEM; a file that is too short has damaged pairs */
HF_MUST_USE enum hf_err memory_open(
    struct memory **out, const char *path, unsigned pairs);
void memory_close(struct memory *m);
unsigned memory_pairs(const struct memory *m);
/** What a pair holds; size 0: nothing.  Errors: HF_CORRUPT (both slots) */
HF_MUST_USE enum hf_err memory_get(
    const struct memory *m, unsigned pair, struct memory_row *row);
/** On disk when it returns.  Errors: HF_FILE (also when the pair was written
 * as often as it can count: such a file is nobody's) */
HF_MUST_USE enum hf_err memory_put(
    struct memory *m, unsigned pair, const struct memory_row *row);

#endif
