/*
 * reconcile: are the ledgers of two countries at one about what they
 * exchanged (SPEC 13.8)?
 */
#ifndef HF_CLIENT_RECONCILE_H
#define HF_CLIENT_RECONCILE_H

#include "client/archive.h"
#include "proto/act.h"

#define RECONCILE_ACTS 256u /* of one range, unless said otherwise */

enum reconcile_what {
	RECONCILE_MISSING, /* one has the act, the other has it not */
	RECONCILE_DIFFERS, /* both have it, with another content */
	RECONCILE_REFUSED, /* not there, because it was refused there */
	RECONCILE_LATER,   /* not there: that archive ends before it entered */
	RECONCILE_RANGE,   /* acts between two ids differ */
};
struct reconcile_row {
	enum reconcile_what what;
	struct hf_country has, lacks; /* of DIFFERS, RANGE: both */
	struct hf_id act;             /* RANGE: the first id */
	struct hf_id until;           /* RANGE: the id it ends before */
	bool known; /* kind, entry, entered are known: the archive has it */
	unsigned kind;
	struct hf_id case_id;
	char ref[HF_REF_MAX];   /* empty: not known */
	uint64_t entry;         /* in the ledger of `has` */
	struct instant entered; /* there */
	bool receipted;         /* `lacks` has given a receipt for it */
	unsigned refusal;       /* code */
	const char *part;       /* of DIFFERS: "signatures" */
	uint64_t count_has, count_lacks; /* RANGE: acts here, there */
};
typedef enum hf_err reconcile_each(void *ctx, const struct reconcile_row *row);

struct reconciled {
	struct hf_country country[2];
	uint64_t acts[2];     /* of the exchange */
	uint64_t differences; /* MISSING, DIFFERS, RANGE */
	uint64_t explained;   /* REFUSED, LATER */
	uint64_t unreadable;
};

/**
 * Two archives, of two countries, act by act.
 * Errors: HF_NOTFOUND, HF_CHECKPOINT (no head that names a country),
 *         HF_USAGE (one country twice), HF_CORRUPT, HF_FULL, HF_FILE,
 *         HF_NOMEM, of each
 */
HF_MUST_USE enum hf_err reconcile_archives(struct archive *a, struct archive *b,
    reconcile_each *each, void *ctx, struct reconciled *out);

/** Which part of the exchange a summary tells, and how finely. */
struct reconcile_span {
	struct hf_id from, until; /* ids below `until` only */
	unsigned acts;            /* of one range; 1: every act by itself */
};
/** All of it, by RECONCILE_ACTS. */
struct reconcile_span reconcile_all(void);
/** Write the range digests of what `a` has of the exchange with `peer`.
 * Errors: as above, HF_FILE (out) */
HF_MUST_USE enum hf_err reconcile_write(struct archive *a,
    struct hf_country peer, const struct reconcile_span *span, FILE *out,
    struct reconciled *result);
/** Compare an archive with the summary that the other country wrote.
 * *line  of the file where it is malformed
 * Errors: as above, HF_RANGE (the summary is malformed), HF_USAGE (it is of
 * other countries) */
HF_MUST_USE enum hf_err reconcile_read(struct archive *a, FILE *summary,
    reconcile_each *each, void *ctx, struct reconciled *result, unsigned *line);

#endif
