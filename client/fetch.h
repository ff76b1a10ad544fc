/*
 * fetch: a broker's ledger into an archive on disk (SPEC 13.1).
 *
 * It can be ended anywhere and goes on after the last whole entry.
 */
#ifndef HF_CLIENT_FETCH_H
#define HF_CLIENT_FETCH_H

#include "client/audit.h"

/** Where a paged answer goes on: by number, or by id once there is one. */
struct page {
	uint64_t from;
	struct hf_id after;
	bool by_id, has_after, more;
};
/**
 * One page of `op`; `row` reads one member of its rows at the reader's place.
 * p->more: there is another one.
 * Errors: those of link_call, of the reader, of row
 */
HF_MUST_USE enum hf_err page_call(struct link *l, enum hf_op op, struct page *p,
    enum hf_err (*row)(void *ctx, struct wire *w), void *ctx);

struct fetched {
	uint64_t before, entries; /* in the archive: then, now */
	uint64_t head_size;
	char problem[160]; /* of an error: what, in words */
};
/**
 * Fetch into `dir`, which is made when it is not there.
 * Errors: HF_OTHER_LEDGER (what was fetched before is no prefix of it),
 * HF_CHECKPOINT, HF_PROOF (entries do not hash to the head), HF_CORRUPT (the
 * archive), HF_FILE, those of link_call
 */
HF_MUST_USE enum hf_err fetch_archive(struct session *s, const char *dir,
    const struct out *out, struct fetched *result);

#endif
