/*
 * casebook: an archive (archive.h) sorted into its cases: the acts of each,
 * what the broker stated about it, what peers receipted; folded, and with
 * the history of its deadlines.
 *
 * Memory holds one case, however many there are.  Forms only are checked
 * here: whether the archive is true is what `audit verify` answers.
 */
#ifndef HF_CLIENT_CASEBOOK_H
#define HF_CLIENT_CASEBOOK_H

#include "client/archive.h"
#include "proto/deadlines.h"

#define BOOK_ACTS_MAX 2048u       /* of one case: four tracks of 512 */
#define BOOK_STATEMENTS_MAX 4096u /* about one case */
#define BOOK_DUES_MAX 1024u       /* deadlines that a case had, in all */
#define BOOK_SLACK_MS 60000u      /* so late may a broker run a deadline */

/** One entry, read.  Lent for the call. */
struct book_entry {
	uint64_t index, offset;
	struct hf_bytes payload;
	struct hf_ledger_leaf leaf;
	bool is_act;
	struct hf_core core; /* of an act */
	struct hf_envelope envelope;
	struct hf_id case_id;
	struct instant entered;        /* at the author's own broker */
	uint64_t receipt_index;        /* of a foreign act: its entry there */
	struct hf_statement statement; /* of another entry */
};
/** False when its form is none. */
bool book_entry_read(struct book_entry *e, const struct archive_entry *raw);
/** Whose ledger it is, and how many entries its head covers; the signature is
 * not looked at.  Errors: HF_NOTFOUND, HF_CHECKPOINT */
HF_MUST_USE enum hf_err book_head(
    struct archive *a, struct hf_country *country, uint64_t *size);
typedef enum hf_err book_each(void *ctx, const struct book_entry *e);

struct book_act {
	uint64_t index; /* in the ledger */
	struct hf_id id;
	struct instant here;    /* entered in this ledger */
	struct instant entered; /* at the author's own broker */
	unsigned type;          /* HF_ENTRY_OWN, _FOREIGN, _MACHINE */
	unsigned kind, track, choice;
	uint32_t gen, seen_gen;
	struct hf_desk from, to;
	unsigned lineage_count;
	struct {
		unsigned type;
		struct hf_id id;
	} lineage[HF_LINEAGE_MAX];
	bool placed;      /* it stands at its place on its track */
	bool receipted;   /* the archive has a receipt of the other country */
	bool delivered;   /* the broker stated so, with this code */
	unsigned refusal; /* 0: receipted */
	bool unconfirmed; /* stated, of an outsider's act */
};
struct book_statement {
	uint64_t index;
	unsigned type;
	struct instant at;
	unsigned code;
	struct hf_desk text; /* empty when it is none */
	struct hf_id detail; /* zeros when it is none */
};
struct book_case {
	struct hf_id id;
	char name[HF_REF_MAX]; /* its reference; the first digits of the id
				  while the opening is not here */
	bool has_opening, cut; /* cut: more rows than a case can have */
	struct hf_desk from, to;
	unsigned kind, measure, basis, sides;
	struct instant opened; /* the opening's entry in this ledger */
	unsigned act_count, statement_count;
	struct book_act acts[BOOK_ACTS_MAX]; /* by ledger index */
	struct book_statement statements[BOOK_STATEMENTS_MAX];
	struct hf_case fold; /* with an opening: over all that is here */
	struct hf_life_act held[2][HF_TRACK_ACTS_MAX];
	uint64_t arrived[2][HF_TRACK_ACTS_MAX]; /* their ledger indices */
	uint32_t held_count[2];                 /* contiguous from gen 1 */
};

enum book_due_end {
	BOOK_DUE_RUNS,   /* when the archive ends */
	BOOK_DUE_KEPT,   /* answered in time */
	BOOK_DUE_PASSED, /* it came while the broker could tell the time */
};
struct book_due {
	struct hf_due due;
	enum book_due_end end;
	struct instant fell; /* passed: when the broker had to see it */
	bool sure;           /* not only because a statement may be about it */
};
struct book_history {
	unsigned due_count;
	struct book_due due[BOOK_DUES_MAX];
	struct instant ended; /* SPEC 12.8; 0: the file has not ended */
};

struct book; /* opaque */

/**
 * Sort the archive.  `each` (may be NULL) gets every entry that can be read,
 * in order.  archive, roster: borrowed until book_free.
 * Errors: HF_NOTFOUND, HF_CHECKPOINT (no head that names a country),
 *         HF_CORRUPT (a damaged file), HF_FULL, HF_FILE, HF_NOMEM, of each
 */
HF_MUST_USE enum hf_err book_new(struct book **out, struct archive *a,
    const struct roster *roster, book_each *each, void *ctx);
void book_free(struct book *b);
/** The country whose ledger it is; the newest time of entry in it. */
struct hf_country book_country(const struct book *b);
struct instant book_end(const struct book *b);
/** Entries; those of them that could not be read. */
uint64_t book_entries(const struct book *b);
uint64_t book_unreadable(const struct book *b);
/** The next case, by id; lent until the next call.
 * Errors: HF_NOTFOUND (the end), HF_CORRUPT, HF_FILE */
HF_MUST_USE enum hf_err book_next(struct book *b, struct book_case **out);
/** Fold what had arrived before ledger index `limit`, as far as it chains.
 * False: not even the opening had. */
bool book_fold(struct book_case *c, uint64_t limit);
/** Which deadlines the case had, up to `now`, and how each ended; when the
 * file ended.  Folds c anew; c->fold is whole again afterwards. */
void book_history(const struct book *b, struct book_case *c, struct instant now,
    struct book_history *h);
/** `at`, or the end of the time in which the broker did not run or did not
 * know the time, if it falls into such. */
struct instant book_lit(const struct book *b, struct instant at);
/** Newest statement of a type about the case, NULL if none. */
const struct book_statement *book_stated(
    const struct book_case *c, unsigned type);
bool book_legal_hold(const struct book_case *c);
/** The opening's first act; NULL while it is not here. */
const struct book_act *book_opening(const struct book_case *c);
/** The country on the other side; the own one of a case at home. */
struct hf_country book_peer(const struct book *b, const struct book_case *c);

#endif
