/*
 * intake: what the files that enter acts share among themselves: keys of
 * rows, places, folding, entering, settling.  Others use internal.h.
 */
#ifndef HF_ENGINE_INTAKE_H
#define HF_ENGINE_INTAKE_H

#include "broker/engine/internal.h"
#include "proto/deadlines.h"

#define MINUTE_MS UINT64_C(60000)
#define SKEW_MS (5u * MINUTE_MS) /* SPEC 12.1 */
/* Gens of a shared track that officers' own acts leave free for machine
 * acts, ends and withdrawals (SPEC 12.3). */
#define TRACK_RESERVE 16u
#define AT_ONCE ((struct instant){1}) /* a due row that is due always */

/* ---- helpers.c: keys of rows ---- */

/** A composite key being built; big-endian, so that memcmp orders it. */
struct row_key {
	uint8_t b[STORE_KEY_MAX];
	size_t size;
};
void row_add(struct row_key *k, const void *data, size_t size);
void row_add_u8(struct row_key *k, unsigned v);
void row_add_be32(struct row_key *k, uint32_t v);
void row_add_be64(struct row_key *k, uint64_t v);
struct hf_bytes row_bytes(const struct row_key *k); /* borrows */
bool same_id(const struct hf_id *a, const struct hf_id *b);
bool same_key(const struct hf_key *a, const struct hf_key *b);
bool same_hash(const struct hf_hash *a, const struct hf_hash *b);
bool same_desk(const struct hf_desk *a, const struct hf_desk *b);
bool same_country(const struct hf_country *a, const struct hf_country *b);
bool desk_is_ours(const struct engine *e, const struct hf_desk *desk);

/* ---- ledger.c ---- */

/** Decoded leaf of an entry.  Errors: HF_NOTFOUND, HF_CORRUPT */
HF_MUST_USE enum hf_err ledger_leaf(
    struct engine *e, uint64_t index, struct hf_ledger_leaf *leaf);
/** What was decided of an act, for its duplicates. */
struct decision {
	uint64_t index;
	enum hf_state state;
	unsigned flags; /* enum hf_submit_flag */
	unsigned clause;
};
HF_MUST_USE enum hf_err decision_put(
    struct engine *e, const struct hf_id *act, const struct decision *d);
HF_MUST_USE enum hf_err decision_get(
    struct engine *e, const struct hf_id *act, struct decision *d);

/* ---- cases.c ---- */

/** Put an act at its place.  entered: by its author's own broker. */
HF_MUST_USE enum hf_err case_place_put(struct engine *e, const struct hf_id *id,
    unsigned track, uint32_t gen, uint64_t index, struct instant entered);
HF_MUST_USE enum hf_err case_place_get(struct engine *e, const struct hf_id *id,
    unsigned track, uint32_t gen, uint64_t *index, struct instant *entered);
HF_MUST_USE enum hf_err case_place_del(
    struct engine *e, const struct hf_id *id, unsigned track, uint32_t gen);
/** Let another desk of ours read the case (a grant act). */
HF_MUST_USE enum hf_err case_grant(
    struct engine *e, const struct hf_id *id, const struct hf_desk *desk);
/** `dependent` rests on `basis`; type: enum hf_lineage. */
HF_MUST_USE enum hf_err case_depend(struct engine *e, const struct hf_id *basis,
    const struct hf_id *dependent, unsigned type);
/** Withdrawn, closed, or ended by the asked side: nothing rests on it. */
bool case_is_over(const struct case_record *c);
struct hf_country case_other_country(
    const struct engine *e, const struct case_record *c);

/* ---- case_fold.c ---- */

/** The act at a place as the fold wants it.  Errors: HF_NOTFOUND */
HF_MUST_USE enum hf_err case_act_load(struct engine *e, const struct hf_id *id,
    unsigned track, uint32_t gen, struct hf_life_act *out);
/** Prepare e->work for judging `act`: the folded case, or the empty one. */
HF_MUST_USE enum hf_err case_fold_for(struct engine *e,
    const struct case_record *c, const struct hf_life_act *act);
/** Append the next act of its track, fold again, count it in `c`. */
HF_MUST_USE enum hf_err case_fold_add(
    struct engine *e, struct case_record *c, const struct hf_life_act *act);
/** Take up acts that waited and whose past is now there. */
HF_MUST_USE enum hf_err case_take_waiting(
    struct engine *e, struct case_record *c);
/** Keep an act that lost its place, or never chained, as proof. */
HF_MUST_USE enum hf_err conflict_keep(struct engine *e,
    const struct hf_id *case_id, const struct hf_hash *digest,
    const struct hf_id *act, struct hf_bytes proof, enum hf_err code);

/* ---- intake.c ---- */

/** An act on its way in; what is checked fills it. */
struct intake {
	struct engine *e;
	struct hf_act act;
	struct case_record c;
	struct hf_life_act life;
	enum hf_entry_type type;
	struct instant entered;  /* by its author's own broker */
	struct hf_bytes receipt; /* of a foreign act */
	enum hf_err judged;      /* hf_case_check's answer, abroad */
	unsigned clause;
	bool opens;  /* gen 1 of the asking track */
	bool create; /* there is no record yet */
	bool waits;
};
/** Id of the case an act belongs to (its own, of an opening). */
struct hf_id intake_case_id(const struct hf_act *act);
/** Load the record into in->c, or prepare one (in->create).
 * Errors: HF_SHAPE (no case though no opening, or the reverse) */
HF_MUST_USE enum hf_err intake_load(struct intake *in);
/** Everything that entering means, checks being done. */
HF_MUST_USE enum hf_err intake_enter(
    struct intake *in, struct intake_result *result);
/** The answer to an act that is here already. */
HF_MUST_USE enum hf_err intake_again(
    struct intake *in, struct intake_result *result);
/** Read the frame into in->act; form and commitments are looked at unless
 * another thread has. */
HF_MUST_USE enum hf_err intake_decode(struct intake *in, struct hf_bytes frame);
/** Verify signatures unless another thread has. */
HF_MUST_USE enum hf_err intake_verify(struct intake *in);
/** Co-signers are officers of the author's country who may approve. */
HF_MUST_USE enum hf_err intake_cosigners(
    struct intake *in, struct instant at, unsigned *count);

/* ---- intake_inner.c ---- */

/** Does an act of an inner track continue it?  Errors: HF_CHAIN,
 * HF_GENERATION, HF_PAST_MISSING, HF_MANY_ACTS, HF_NOT_ALLOWED */
HF_MUST_USE enum hf_err inner_check(struct intake *in);
/** Effects of grant, assign, legal-hold on the record. */
HF_MUST_USE enum hf_err inner_apply(struct intake *in);

/* ---- lineage.c ---- */

/** Check what an order rests on; fills in->c.bases.
 * opening  as of intake_own */
HF_MUST_USE enum hf_err lineage_check(
    struct intake *in, struct hf_bytes opening);
/** Rows of what in->c rests on. */
HF_MUST_USE enum hf_err lineage_put(struct intake *in);
/** The case is over: queue the release of what rests on it. */
HF_MUST_USE enum hf_err lineage_release(
    struct engine *e, const struct case_record *c);
/** A queued release: unless another basis is live. */
HF_MUST_USE enum hf_err lineage_run(struct engine *e, struct case_record *c);

/* ---- settle.c ---- */

/** intake_settle for a case that is folded into e->work. */
HF_MUST_USE enum hf_err settle_folded(struct engine *e, struct case_record *c);

/* ---- due.c, due_plan.c ---- */

#define HF_DUE_RELEASE 14u          /* internal; never shown */
#define HF_DUE_WITHDRAW 15u         /* the same */
#define PLAN_MAX (HF_DUES_MAX + 4u) /* with what brokers do by themselves */
struct plan {
	unsigned count;
	struct {
		unsigned type;
		uint32_t gen;
		struct instant at;
	} row[PLAN_MAX];
	uint64_t live_ms; /* time to live of the live-timeout among them */
};
/** The deadlines of the case folded in e->work. */
void due_plan(
    const struct engine *e, const struct case_record *c, struct plan *p);
/** Make the stored rows of a case those of the plan. */
HF_MUST_USE enum hf_err due_apply(
    struct engine *e, const struct hf_id *id, const struct plan *p);
/** A deadline to be shown.  gen: due_gen of the act it hangs on, 0 none */
struct due_row {
	struct hf_id id;
	unsigned type;
	uint32_t gen;
	struct instant at;
};
/** The next deadline of all cases after the row whose key is `at` (none: the
 * first), live traces before the others, each by time.  HF_NOTFOUND ends. */
HF_MUST_USE enum hf_err due_show(
    struct engine *e, struct row_key *at, struct due_row *d);
/** The next one of the case d->id that has not passed; d->type 0: the
 * first. */
HF_MUST_USE enum hf_err due_show_case(struct engine *e, struct due_row *d);
/** A gen and its track in one number, for the due table. */
uint32_t due_gen(unsigned track, uint32_t gen);

/** What is known of the silence of `awaited` on the act at (track, gen), into
 * count, time and detail (lent by the transaction) of an absent statement. */
HF_MUST_USE enum hf_err absence_known(struct engine *e, struct case_record *c,
    const struct hf_desk *awaited, unsigned track, uint32_t gen,
    struct hf_statement *s);

/* ---- link_statement.c ---- */

/** Key in TABLE_RECEIPTS of what is known of an absence and a country: of ours
 * its receipt for the countersignature, of theirs the index of ours, be64. */
void absence_row(struct row_key *k, const struct hf_ledger_leaf *leaf,
    const struct hf_country *country);

/* ---- due_fire.c ---- */

/** A deadline has come: its act or statement.  The row is gone already. */
HF_MUST_USE enum hf_err due_fire(
    struct engine *e, const struct hf_id *id, unsigned type, uint32_t gen);

/* ---- erase.c ---- */

/** `retain_s` of our own profile for the basis, else of the pinned one. */
/** The case folded in e->work: due rows of at once for disclosed fields that
 * were taken back and are still here. */
HF_MUST_USE enum hf_err withdraw_plan(
    struct engine *e, const struct case_record *c);
/** Destroy the body that the retract at (track, gen) takes back. */
HF_MUST_USE enum hf_err withdraw_begin(
    struct engine *e, struct case_record *c, unsigned track, uint32_t gen);
/** The key in `slot` is destroyed.  Errors: HF_NOTFOUND (not by us) */
HF_MUST_USE enum hf_err withdraw_done(struct engine *e, uint32_t slot);

uint64_t erase_retain_s(const struct engine *e, const struct case_record *c);

#endif
