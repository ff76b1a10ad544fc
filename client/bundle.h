/*
 * bundle: a case as evidence in one file (SPEC 13.4): what it holds, judged
 * without a broker, a home or a clock.
 *
 * Who exports and who verifies run the same code over the same members: the
 * model below is made of members alone, and the pages for people and scripts
 * are written from the model.  So a page that says what the acts do not is
 * found by writing it again.
 */
#ifndef HF_CLIENT_BUNDLE_H
#define HF_CLIENT_BUNDLE_H

#include "client/cosigners.h"
#include "client/show.h"
#include "client/tar.h"

/** The checks, in the order of the screen. */
enum bundle_kind {
	BUNDLE_MANIFEST,
	BUNDLE_SIGNATURE,
	BUNDLE_PINS,
	BUNDLE_DOCUMENTS,
	BUNDLE_ACTS,
	BUNDLE_FIELDS,
	BUNDLE_RECEIPTS,
	BUNDLE_LIFE,
	BUNDLE_PAGES,
	BUNDLE_KINDS
};

#define BUNDLE_FINDINGS_MAX 256u /* kept; all are counted */
struct bundle_finding {
	enum bundle_kind kind;
	bool note; /* true of the case, not wrong with the bundle */
	enum hf_err err;
	char member[TAR_NAME_MAX + 1];
	char what[160];
};

/** A receipt of an act; `r` borrows from its member. */
struct bundle_receipt {
	struct hf_country by;
	struct hf_receipt r;
	uint32_t epoch; /* of the head it stands under */
	uint64_t size;  /* of the tree it stands in; 0: does not verify */
};

/** A head that verifies; `note` borrows from its member. */
struct bundle_head {
	struct hf_country by;
	uint32_t epoch;
	uint64_t size; /* of the tree; 0: none */
	struct hf_bytes note;
};

/** Beside view->acts[track][gen - 1]. */
struct bundle_act {
	struct hf_cite *cite; /* owned; NULL: nothing of its leaves is shown */
	unsigned receipt_count;
	struct bundle_receipt receipts[2];
};

struct bundle_doc {
	struct hf_country country;
	uint32_t version;
	struct country_doc *doc; /* owned */
};
/** An entry that stands in a document by its proof (country_entry_check). */
struct bundle_entry {
	struct hf_country country;
	uint32_t version; /* of the document */
	struct country_entry entry;
};
struct bundle_pin {
	struct hf_country country;
	struct hf_key root;
};

#define BUNDLE_DOCS_MAX 256u
#define BUNDLE_ENTRIES_MAX 256u
struct bundle {
	struct tar tar;
	struct view *view; /* acts of tracks 0 and 1; bodies as disclosed */
	struct bundle_act *more[2];
	unsigned pin_count;
	struct bundle_pin pins[HF_COUNTRY_MAX];
	unsigned doc_count;
	struct bundle_doc docs[BUNDLE_DOCS_MAX];
	unsigned entry_count;
	struct bundle_entry *entries[BUNDLE_ENTRIES_MAX]; /* owned */
	struct hf_key exporter;
	const struct officer_entry *officer; /* who exported; NULL: unknown */
	struct bundle_head head;             /* newest of his broker */
	struct cosigners *witnesses;         /* owned; of these documents */
	unsigned checked[BUNDLE_KINDS], failed[BUNDLE_KINDS];
	unsigned fields_shown, fields_withheld, proofs;
	unsigned finding_count;
	struct bundle_finding findings[BUNDLE_FINDINGS_MAX];
};

/**
 * Read and judge pins, documents, entries, acts, leaves, receipts, proofs
 * and heads, and fold the life cycle.  What is wrong becomes findings.
 * tar      taken, also on an error
 * Errors:  HF_NOMEM, HF_MISSING_KEY (no opening act: there is no case to
 *          tell of; *out has the findings all the same)
 */
HF_MUST_USE enum hf_err bundle_open(struct bundle **out, struct tar *tar);
void bundle_free(struct bundle *b);

/** The pages (SPEC 13.4), NUL-terminated and malloc'ed; NULL: no memory. */
char *bundle_case_json(const struct bundle *b);
char *bundle_html(const struct bundle *b);
extern const char bundle_readme[];

/**
 * Add pages, manifest and signature to an opened bundle, in order.
 * Errors: HF_NOMEM, HF_TOO_BIG, HF_TOO_MANY, of the signer
 */
HF_MUST_USE enum hf_err bundle_seal(struct bundle *b, struct signer *signer);

/** The checks that bundle_open leaves: order and hashes of the members, the
 * signature, the pages. */
void bundle_check(struct bundle *b);
/** What the verifier pinned against the bundle's pins; `mine` may be NULL.
 * Countries that he did not pin become notes.  *anchored: none did. */
void bundle_check_pins(
    struct bundle *b, const struct roster *mine, bool *anchored);
bool bundle_ok(const struct bundle *b);

/**
 * Everything that this officer may see of the case, judged and sealed.
 * withhold  names of fields that are not disclosed
 * what      out, on an error: in words, or empty
 */
HF_MUST_USE enum hf_err bundle_collect(struct bundle **out, struct home *h,
    struct link *l, const char *ref, const struct args *withhold);

/* shared among bundle*.c */

void bundle_finds(struct bundle *b, enum bundle_kind kind, bool note,
    enum hf_err err, const char *member, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/** Newest entry of a type that `key` names: officers by signing key, brokers
 * by epoch (key NULL), revocations by key. */
const struct officer_entry *bundle_officer(
    const struct bundle *b, struct hf_country c, const struct hf_key *key);
const struct revocation_entry *bundle_revocation(
    const struct bundle *b, struct hf_country c, const struct hf_key *key);
/** The newest document issued by `at`, if nothing here shows that the officer
 * stands in it; NULL: it does, or there is no such document. */
const struct bundle_doc *bundle_leaves_out(const struct bundle *b,
    struct hf_country c, const struct hf_key *key, struct instant at);
const struct broker_entry *bundle_broker(
    const struct bundle *b, struct hf_country c, uint32_t epoch);
const struct hf_profile *bundle_profile(
    const struct bundle *b, const struct hf_hash *digest);
/** Of a head that verifies; `entered` as for cosigners_judge. */
void bundle_cosigned(struct bundle *b, struct hf_bytes note,
    struct instant entered, const char *member);
HF_MUST_USE enum hf_err bundle_read_acts(struct bundle *b);
/** "acts/0-1", "receipts/0-1.US" (by NULL: without the country) */
void bundle_name(char out[TAR_NAME_MAX + 1], const char *folder, unsigned track,
    uint32_t gen, const struct hf_country *by);
/** Of the manifest's signature: what it must say. */
void bundle_comment(const struct bundle *b, char out[FILE_COMMENT_MAX + 1]);
/** The acts in the order of their entry. */
struct bundle_place {
	unsigned track;
	uint32_t gen;
};
/** malloc'ed; NULL: no memory. */
struct bundle_place *bundle_timeline(const struct bundle *b, unsigned *count);

#endif
