/*
 * witness: cosigns other brokers' heads, each origin's only forward
 * (SPEC 6.6, 6.7; C2SP tlog-witness: what is cosigned is on disk before).
 *
 * Memory: for each of up to 64 origins two checksummed 512-byte slots, written
 * in turn with O_DSYNC before the cosignature leaves.
 */
#ifndef HF_WITNESS_H
#define HF_WITNESS_H

#include "keys/secret.h"
#include "proto/cosign.h"
#include "proto/ledger.h"

struct witness_state; /* opaque */

/** A head to be cosigned. */
struct witness_ask {
	const char *origin;
	struct hf_key key; /* the log's */
	struct hf_bytes note;
	uint64_t old_size; /* where the proof begins; 0: none */
	const struct hf_hash *path;
	unsigned path_count;
	bool known; /* the caller knows that this origin was cosigned before */
};

/** secret  that of the witness key; borrowed
 * Errors: HF_FILE, HF_CORRUPT (the file is none of ours), HF_NOMEM */
HF_MUST_USE enum hf_err witness_open(struct witness_state **out,
    const char *path, struct hf_country country, const struct secret *secret);
void witness_close(struct witness_state *w);
/** What was cosigned last of an origin; 0 if nothing. */
uint64_t witness_size(const struct witness_state *w, const char *origin);
/**
 * line  out: the cosignature, newline included
 * Errors: HF_CHECKPOINT (not signed by `key`), HF_RANGE (the proof must begin
 * at witness_size), HF_ROLLBACK (smaller, another tree, not consistent),
 * HF_WITNESS_FORGOT (known, but not to this memory; or memory is damaged and
 * this origin is not in the rest), HF_FULL (64 origins), HF_FILE
 */
HF_MUST_USE enum hf_err witness_cosign(struct witness_state *w,
    const struct witness_ask *ask, uint64_t seconds,
    char line[HF_COSIGN_LINE_MAX], size_t *line_size);

/**
 * The same from a record: the canonical array [origin, key bin32, note str,
 * old size, path bin, known bool].
 * out  the line; with HF_RANGE the array [size that the proof must begin at]
 * Errors: HF_FRAME (no such record), as witness_cosign
 */
HF_MUST_USE enum hf_err witness_record(struct witness_state *w,
    struct hf_bytes record, uint64_t seconds, char out[HF_COSIGN_LINE_MAX],
    size_t *size);

#endif
