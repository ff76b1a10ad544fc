/*
 * reconcile_internal: what comparing archives and comparing summaries share.
 */
#ifndef HF_CLIENT_RECONCILE_INTERNAL_H
#define HF_CLIENT_RECONCILE_INTERNAL_H

#include "client/reconcile.h"
#include "client/spill.h"

#include <string.h>

/** One act of the exchange, as one archive has it. */
struct element {
	uint64_t entry;
	unsigned kind;
	struct hf_id case_id;
	struct instant entered;
	struct hf_hash core, envelope, sigs;
	bool foreign;   /* it came with the other's receipt, */
	uint64_t there; /* which tells its entry there */
};

/** An id, and who has it. */
struct pair {
	struct hf_id id;
	bool has[2];
	struct element e[2];
	bool receipted[2]; /* side i has the other's receipt for it, */
	uint64_t there[2]; /* which tells its entry there */
	unsigned refusal[2];
};

struct reconciling {
	struct reconciled *result;
	struct archive *archive[2]; /* [1] NULL: a summary */
	struct instant end[2];      /* newest time of entry */
	uint64_t size[2];           /* entries under the head */
	struct spill *by_id, *by_case;
	uint64_t rows;
	/* the row of by_id that comes next */
	bool begun;
	enum hf_err next;
	struct hf_bytes key, value;
};

static inline bool same_country(struct hf_country a, struct hf_country b)
{
	return strcmp(a.s, b.s) == 0;
}

static inline bool same_hash(const struct hf_hash *a, const struct hf_hash *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/** Make the tables on the disk of `dir`; reconcile_finish removes them, also
 * when this failed. */
HF_MUST_USE enum hf_err reconcile_begin(struct reconciling *r, const char *dir);
void reconcile_finish(struct reconciling *r);
/** Everything of r->archive[side] that is of the exchange. */
HF_MUST_USE enum hf_err reconcile_take(struct reconciling *r, unsigned side);
/** The next id that somebody has.  HF_NOTFOUND: the end. */
HF_MUST_USE enum hf_err reconcile_next(struct reconciling *r, struct pair *p);
/** Begin a row about an act that `side` has. */
void reconcile_row_init(struct reconciling *r, struct reconcile_row *row,
    const struct pair *p, unsigned side);
/** Keep a row until all are found; count it. */
HF_MUST_USE enum hf_err reconcile_keep(
    struct reconciling *r, const struct reconcile_row *row);
/** `side` has it, the other has not: why not. */
HF_MUST_USE enum hf_err reconcile_keep_missing(
    struct reconciling *r, const struct pair *p, unsigned side);
/** Everything that was kept, case by case, with its reference. */
HF_MUST_USE enum hf_err reconcile_hand_out(
    struct reconciling *r, reconcile_each *each, void *ctx);

#endif
