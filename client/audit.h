/*
 * audit: one pass over an archive: what it counts, what it finds.
 */
#ifndef HF_CLIENT_AUDIT_H
#define HF_CLIENT_AUDIT_H

#include "client/cmd.h"
#include "client/judge.h"

#include "proto/cosign.h"

#define AUDIT_REPORT_MAX 20u /* problems told in words */
#define AUDIT_NO_ENTRY UINT64_MAX

/** What was found wrong; all are counted, the first ones kept. */
struct findings {
	uint64_t count;
	/* the smallest entry that is named, of the pass if it found anything:
	 * what replay finds then is a consequence; AUDIT_NO_ENTRY: none */
	uint64_t first;
	bool settled;
	char first_text[JUDGE_TEXT + 64];
	json_t *texts; /* owned */
};

struct audit {
	const struct out *out;
	unsigned threads;            /* that verify; 0: one a core */
	struct archive *archive;     /* owned */
	struct roster *roster;       /* owned; the newest documents */
	struct cosigners *witnesses; /* owned */
	struct judge_head head;
	unsigned head_witnesses;
	/* [n]: receipts whose head n witnesses cosigned */
	uint64_t witnessed[HF_COSIGNATURE_MAX + 1];
	uint64_t certificates; /* of peers, that they erased */
	uint64_t forks;        /* proved by entries */
	json_t *forked;        /* owned; in words */
	uint64_t entries, acts, verified, sent, receipted, received;
	uint64_t disputed;         /* SPEC 5.11, by the newest documents */
	uint64_t cases;            /* replay.h */
	unsigned pins, pins_known; /* countries; of these in the home too */
	struct findings found;
};

/** Open an archive.  Errors: those of archive_open and archive_roster;
 * *what then says which part of it */
HF_MUST_USE enum hf_err audit_open(
    struct audit *a, const struct out *out, const char *dir, const char **what);
void audit_close(struct audit *a);
/** Something is wrong with an entry, or with none (AUDIT_NO_ENTRY). */
void audit_finds(struct audit *a, uint64_t entry, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/**
 * Everything that the archive itself can prove: hashes against the signed
 * head, each entry, each receipt.  `each` (may be NULL) gets every entry
 * whose leaf could be read.
 * Errors: ours only (HF_NOMEM, HF_FILE), of each
 */
HF_MUST_USE enum hf_err audit_verify(struct audit *a,
    enum hf_err (*each)(
	void *ctx, const struct archive_entry *e, const struct judged *d),
    void *ctx);

/** A count on a terminal's stderr, at most ten times a second; it is wiped
 * by the last call (done == total).  total 0: unknown */
struct progress {
	const struct out *out;
	const char *what; /* "fetched" */
	struct instant begin, shown;
};
void progress_show(struct progress *p, uint64_t done, uint64_t total);
void progress_end(struct progress *p);

#endif
