/*
 * judge: is one entry of an archive what it says (SPEC 6, 7, 12.1, 12.6)?
 *
 * Entries are judged in order, because the ledger itself says which country
 * documents were in force when: an officer's standing is that of the time.
 * Nothing is believed but the roots that the archive pins.
 */
#ifndef HF_CLIENT_JUDGE_H
#define HF_CLIENT_JUDGE_H

#include "client/archive.h"
#include "client/cosigners.h"

/** The signed head of an archive, verified. */
struct judge_head {
	char note[HF_NOTE_MAX + 1];
	struct hf_country country;
	uint32_t epoch;
	uint64_t size;
	struct hf_hash root;
};
/** Errors: HF_NOTFOUND (no head), HF_CORRUPT, HF_CHECKPOINT (form, or not
 * signed by the ledger key that `roster` has for its country and epoch) */
HF_MUST_USE enum hf_err judge_head_read(struct judge_head *head,
    const char note[HF_NOTE_MAX + 1], const struct roster *roster);

#define JUDGE_TEXT 160u
#define JUDGE_FRAME_MAX (HF_CORE_MAX + HF_ENVELOPE_MAX + HF_SIGS_MAX + 16u)
/** What nothing changes while an archive is judged, so that any thread may
 * look at it. */
struct judge_base {
	const struct roster *newest;
	const struct cosigners *witnesses;
};
/** A receipt, and what its bytes alone tell.  That it verifies is kept with
 * the key: where another one rules, it is verified again. */
struct judged_receipt {
	enum hf_err err; /* why it cannot be read */
	struct hf_receipt receipt;
	bool verified; /* by the key that `by` has for this epoch */
	struct hf_country by;
	uint32_t epoch;
	struct hf_key key;
	struct cosigned cosigned; /* when it verified */
};
/** One entry, taken apart.  `statement` borrows from the archive's entry, as
 * `came` does, `act` from `frame`: so it is not copied. */
struct judged {
	/* what its bytes alone tell */
	enum hf_err leaf_err, act_err;
	bool act_hashed;            /* the act is the one of the leaf */
	enum hf_err signed_err;     /* of hf_act_verify, when it is */
	struct judged_receipt came; /* with an act from elsewhere */
	struct hf_hash hash;        /* of the leaf in the tree */
	struct hf_ledger_leaf leaf;
	bool is_act;            /* `act` and `entered` are filled, else perhaps
				   `statement` */
	struct hf_act act;      /* without its body */
	struct instant entered; /* at the author's own broker */
	struct hf_statement statement;
	/* of a fork that is proved: whose, and the size of both trees */
	struct hf_country forked;
	uint64_t forked_at;
	/* what is wrong, in words; empty: nothing */
	char problem[JUDGE_TEXT];
	uint8_t frame[JUDGE_FRAME_MAX];
};
/** Of an act: its case, and the country it goes to. */
struct hf_id judged_case(const struct judged *d);

struct judge; /* opaque */
/**
 * What the entry's bytes tell, whatever stands before it: digests,
 * signatures of officers, and of brokers by the keys of the newest documents.
 * Nearly all the work, and for any thread.  Then judge_prepared, in order.
 * e  borrowed as long as `out`
 */
void judge_prepare(const struct judge_base *b, const struct archive_entry *e,
    struct judged *out);
/** The same of a receipt of `by`. */
void judge_receipt_prepare(const struct judge_base *b, struct hf_country by,
    struct hf_bytes bytes, struct judged_receipt *out);
/** base   the archive's newest; copied, what it names borrowed until
 *         judge_free
 * Errors: HF_NOMEM, those of archive_pins */
HF_MUST_USE enum hf_err judge_new(struct judge **out, const struct archive *a,
    const struct judge_base *base, const struct judge_head *head);
void judge_free(struct judge *j);
/** The next entry in order, which judge_prepare has prepared.  HF_OK also when
 * something is wrong with it.
 * Errors: ours only (HF_NOMEM, HF_FILE) */
HF_MUST_USE enum hf_err judge_prepared(
    struct judge *j, const struct archive_entry *e, struct judged *out);
/** Both. */
HF_MUST_USE enum hf_err judge_entry(
    struct judge *j, const struct archive_entry *e, struct judged *out);
/** Does this receipt of `to` prove the act of `leaf`?  NULL: yes, else what
 * is wrong; lent until the next call. */
const char *judge_receipt(struct judge *j, const struct hf_ledger_leaf *leaf,
    struct hf_country to, struct judged_receipt *receipt);
/** Does this receipt of `by` prove that it erased its copy of the case?  As
 * above, by the documents of `newest`; cosignatures too, with witnesses.
 * *at: when; NULL: not wanted */
const char *judge_certificate(const struct roster *newest,
    const struct cosigners *witnesses, const struct hf_id *case_id,
    struct hf_country by, struct hf_bytes receipt, struct instant *at);
/** Are the cosignatures of a note true?  As cosigners_judge; one of a witness
 * that no document names is a problem too. */
struct cosigned judge_cosigned(
    const struct judge *j, struct hf_bytes note, struct instant entered);
/** [n]: how many receipts so far stand under heads of n witnesses, of those
 * that are true. */
const uint64_t *judge_witnessed(const struct judge *j);

#endif
