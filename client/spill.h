/*
 * spill: sorting more rows than memory holds: a temporary table on disk,
 * written in any order and read in the order of its keys.
 *
 * The client's only door to lmdb.h.
 */
#ifndef HF_CLIENT_SPILL_H
#define HF_CLIENT_SPILL_H

#include "proto/types.h"

#define SPILL_KEY_MAX 128u /* bytes */

struct spill; /* opaque */

/**
 * Make the table on the disk of `dir`, else of $TMPDIR or /tmp; no name of it
 * stays there.
 * size_max  bytes that the table may take on disk
 * Errors: HF_FILE, HF_NOMEM
 */
HF_MUST_USE enum hf_err spill_new(
    struct spill **out, const char *dir, uint64_t size_max);
/** Close it, and it is gone. */
void spill_free(struct spill *s);
/** Errors: HF_FULL (size_max, or the disk), HF_FILE */
HF_MUST_USE enum hf_err spill_put(
    struct spill *s, struct hf_bytes key, struct hf_bytes value);
/** The first row, then the next ones; nothing can be put any more.  Both
 * lend until the next call.  Errors: HF_NOTFOUND (the end), HF_FILE */
HF_MUST_USE enum hf_err spill_next(
    struct spill *s, struct hf_bytes *key, struct hf_bytes *value);

#endif
