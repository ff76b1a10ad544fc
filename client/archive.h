/*
 * archive: a fetched ledger on the auditor's disk (SPEC 13.1), read from
 * front to end in constant memory.
 *
 * Nothing here trusts the archive: a reader checks forms only; what the
 * entries are worth is judge.h's business.
 */
#ifndef HF_CLIENT_ARCHIVE_H
#define HF_CLIENT_ARCHIVE_H

#include "client/link.h"
#include "keys/roster.h"
#include "proto/act.h"
#include "proto/ledger.h"

#include <stdio.h>

#define ARCHIVE_HEADS_MAX 16u /* bytes: array and bin heads of one frame */
#define ARCHIVE_ENTRY_MAX \
	(HF_LEDGER_LEAF_MAX + HF_CORE_MAX + HF_ENVELOPE_MAX + HF_SIGS_MAX + \
	    HF_RECEIPT_MAX + ARCHIVE_HEADS_MAX)
#define ARCHIVE_RECEIPT_MAX \
	(HF_ID_SIZE + HF_COUNTRY_SIZE + HF_RECEIPT_MAX + ARCHIVE_HEADS_MAX)

/** One entry as stored; `leaf` to `payload` borrow from the frame. */
struct archive_entry {
	uint64_t index;
	uint64_t offset; /* of its frame in the file `ledger` */
	struct hf_bytes leaf, core, envelope, sigs, payload;
};

struct archive; /* opaque */

/** Open for reading.  Errors: HF_FILE, HF_NOMEM */
HF_MUST_USE enum hf_err archive_open(struct archive **out, const char *dir);
void archive_close(struct archive *a);
const char *archive_dir(const struct archive *a);
/** The signed note as stored; HF_NOTFOUND without one. */
HF_MUST_USE enum hf_err archive_head(
    struct archive *a, char note[HF_NOTE_MAX + 1]);
/** Back to the first entry. */
HF_MUST_USE enum hf_err archive_rewind(struct archive *a);
/** The next entry; HF_NOTFOUND after the last whole one, HF_CORRUPT for a
 * frame that is none (entry->index names it). */
HF_MUST_USE enum hf_err archive_next(
    struct archive *a, struct archive_entry *entry);
/** The same, read into the caller's memory; archive_next's lasts until the
 * next read. */
HF_MUST_USE enum hf_err archive_next_into(struct archive *a,
    uint8_t frame[ARCHIVE_ENTRY_MAX], struct archive_entry *entry);
/** The entry whose frame begins at `offset` (as archive_next told); any
 * thread. */
HF_MUST_USE enum hf_err archive_at(const struct archive *a,
    uint8_t frame[ARCHIVE_ENTRY_MAX], uint64_t index, uint64_t offset,
    struct archive_entry *entry);
/** All documents and pins of the archive, the newest of each country in
 * force; a document of a country that is not pinned is passed over.
 * *out: to be freed with roster_free.
 * Errors: HF_FILE, HF_CORRUPT (pins), those of roster_add */
HF_MUST_USE enum hf_err archive_roster(
    const struct archive *a, struct roster **out);
/** The same, and the witnesses that any of these documents names. */
struct cosigners;
HF_MUST_USE enum hf_err archive_roster_and(
    const struct archive *a, struct roster **out, struct cosigners *witnesses);
/** Pin in `r` what the archive pins.  Errors: HF_FILE, HF_CORRUPT */
HF_MUST_USE enum hf_err archive_pins(const struct archive *a, struct roster *r);
/** The bytes of one version, malloc'ed.  Errors: those of home_read */
HF_MUST_USE enum hf_err archive_document(const struct archive *a,
    struct hf_country c, uint32_t version, uint8_t **data, size_t *size);

/** Rows of `receipts` and of `states`, one by one.
 * Errors: HF_NOTFOUND (no such file; after the last whole row), HF_CORRUPT */
struct archive_rows; /* opaque */
struct archive_receipt {
	struct hf_id act;
	struct hf_country to;
	struct hf_bytes receipt; /* lends until the next row */
};
struct archive_state {
	struct hf_id case_id;
	unsigned state;
	struct hf_hash digest;
};
HF_MUST_USE enum hf_err archive_receipts_open(
    const struct archive *a, struct archive_rows **out);
HF_MUST_USE enum hf_err archive_receipts_next(
    struct archive_rows *rows, struct archive_receipt *r);
/** The same, read into the caller's memory. */
HF_MUST_USE enum hf_err archive_receipts_next_into(struct archive_rows *rows,
    uint8_t into[ARCHIVE_RECEIPT_MAX], struct archive_receipt *r);
/** The same of `certificates`, whose rows say a case in place of an act. */
HF_MUST_USE enum hf_err archive_certificates_open(
    const struct archive *a, struct archive_rows **out);
HF_MUST_USE enum hf_err archive_states_open(
    const struct archive *a, struct archive_rows **out);
HF_MUST_USE enum hf_err archive_states_next(
    struct archive_rows *rows, struct archive_state *s);
void archive_rows_close(struct archive_rows *rows);

/** Each row of `receipts` and of `states`; `each` ends it by another code
 * than HF_OK.  Errors: as above, of each */
HF_MUST_USE enum hf_err archive_receipts(const struct archive *a,
    enum hf_err (*each)(void *ctx, const struct hf_id *act,
	struct hf_country to, struct hf_bytes receipt),
    void *ctx);
HF_MUST_USE enum hf_err archive_states(const struct archive *a,
    enum hf_err (*each)(void *ctx, const struct hf_id *case_id, unsigned state,
	const struct hf_hash *digest),
    void *ctx);

#endif
