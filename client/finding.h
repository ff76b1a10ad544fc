/*
 * finding: one answer to an auditor's question, and the questions: gaps,
 * orphans, uncovered, erasures.  All are answered from an archive alone.
 */
#ifndef HF_CLIENT_FINDING_H
#define HF_CLIENT_FINDING_H

#include "client/casebook.h"

#define FINDING_TEXT 192u
#define FINDING_NO_ENTRY UINT64_MAX

struct finding {
	const char *what;       /* one word, for scripts: "missing" */
	char ref[HF_REF_MAX];   /* of the case; empty: of none */
	struct hf_id case_id;   /* zeros: of none */
	struct hf_id act;       /* zeros: none */
	uint64_t entry;         /* FINDING_NO_ENTRY: none */
	struct hf_country peer; /* empty: none */
	struct instant at;      /* 0: none */
	struct instant until;   /* 0: none */
	char text[FINDING_TEXT];
};
typedef enum hf_err finding_each(void *ctx, const struct finding *f);

/** A question being answered. */
struct asking {
	struct archive *archive;
	const struct roster *roster;
	struct instant now; /* 0: the archive's end; then set to it */
	finding_each *each;
	void *ctx;
	bool certified;      /* erasures: also what peers certified */
	struct asking *peer; /* erasures: the other country's archive, NULL */
	uint64_t unreadable; /* out: entries that could not be read */
	uint64_t cut;        /* out: cases with more rows than one can have */
};

/** Begin a finding about a case (NULL: about none). */
void finding_init(
    struct finding *f, const char *what, const struct book_case *c);
void finding_text(struct finding *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** The same act, case. */
bool finding_same_id(const struct hf_id *a, const struct hf_id *b);

/*
 * The questions.  Errors of all: those of book_new, of book_next, of each.
 *
 * gaps: what is not there although it should be.
 *   missing           generations of a track that something here names
 *   out-of-order      an act that came before the one before it
 *   waits             an act whose past has not come
 *   no-receipt        an act sent abroad, without a receipt
 *   no-statement      a deadline passed, and the broker did not say so
 *   crash             a start without a stop before it
 *   clock             a time in which the broker did not know the time
 *   epoch             a new epoch of the ledger
 *   index-backwards   receipts of a peer: a later entry with an earlier time,
 *                     or two entries at one index
 */
HF_MUST_USE enum hf_err gaps_find(struct asking *q);
/**
 * orphans: orphan (an order without a live case), unknown (its lineage is a
 * commitment), never-followed (a preservation that ended without a
 * follow-up).
 */
HF_MUST_USE enum hf_err orphans_find(struct asking *q);
/**
 * uncovered: holds promised by this country: uncovered (no live, confirmed
 * order beneath), short (the orders end before the hold), unknown (there
 * are masked orders that may lie beneath).  until: the hold's end.
 */
HF_MUST_USE enum hf_err uncovered_find(struct asking *q);
/**
 * erasures: no-certificate (retained too long), no-case (a certificate for a
 * case that is not here).  By the certificates that the broker has of peers:
 * peer-silent (its copy should be gone by its country's profile, and no
 * certificate came), peer-false (one that does not verify), and with
 * q->certified peer-certified.  With q->peer also peer-no-certificate, of
 * cases that both have.
 */
HF_MUST_USE enum hf_err erasures_find(struct asking *q);

#endif
