/*
 * intake_foreign: an act from a peer, with the receipt of its author's own
 * broker (SPEC 12.6).
 *
 * The home broker has judged clock and quota; everything that can be told
 * from bytes alone is checked again.  What is not allowed by its own past is
 * stored all the same, void: refusing it would leave a hole in a sequence
 * that the other side already counts.
 *
 * After a rollback our own acts come back in the same way, with the receipts
 * of this ledger's earlier epoch (recall.c).
 */
#include "broker/engine/intake.h"
#include "proto/crypto.h"

#include <assert.h>
#include <string.h>

#define CLAUSE_FOREIGN 1206u
#define CLAUSE_ROOM 1214u
#define PROOF_MAX \
	(HF_CORE_MAX + HF_ENVELOPE_MAX + HF_SIGS_MAX + HF_RECEIPT_MAX + 16u)

static enum hf_err no(struct intake *in, unsigned clause, enum hf_err err)
{
	in->clause = clause;
	return err;
}

/** Asking and asked country are the peer and we, one way or the other.
 * author  out: whose act it is */
static enum hf_err check_parties(
    struct intake *in, const struct hf_country *peer, struct hf_country *author)
{
	const struct hf_envelope *env = &in->act.envelope;
	struct hf_country from = hf_desk_country(&env->from);
	struct hf_country to = hf_desk_country(&env->to);
	const struct hf_country *own = &in->e->options.country;

	*author = from;
	if (env->track > HF_TRACK_ASKED || same_country(peer, own))
		return no(in, CLAUSE_FOREIGN, HF_WRONG_COUNTRY);
	if (same_country(&from, peer) && same_country(&to, own))
		return HF_OK;
	if (!same_country(&from, own) || !same_country(&to, peer) ||
	    !recall_pending(in->e, *peer))
		return no(in, CLAUSE_FOREIGN, HF_WRONG_COUNTRY);
	in->type = HF_ENTRY_RECALLED;
	return HF_OK;
}

/** The receipt proves that the author's ledger has this act, and when; our own
 * had it in an earlier epoch. */
static enum hf_err check_receipt(
    struct intake *in, const struct hf_country *author, struct hf_key *ledger)
{
	const struct hf_kind_info *info = hf_kind_info(in->act.core.kind);
	bool machine = info != NULL && info->machine;
	const struct hf_key *key;
	struct hf_receipt r;
	uint64_t tree_size;
	enum hf_err err;

	err = hf_receipt_decode(&r, in->receipt.data, in->receipt.size);
	if (err != HF_OK)
		return no(in, 604, err);
	err = hf_receipt_is_for(&r, &in->act);
	if (err != HF_OK)
		return no(in, 604, err);
	if (r.leaf.type != (machine ? HF_ENTRY_MACHINE : HF_ENTRY_OWN))
		return no(in, 602, HF_RECEIPT);
	if (in->type == HF_ENTRY_RECALLED &&
	    r.leaf.epoch >= in->e->options.epoch)
		return no(in, 602, HF_RECEIPT);
	key = roster_ledger_key(in->e->roster, *author, r.leaf.epoch);
	if (key == NULL)
		return no(in, 603, HF_CHECKPOINT);
	err = roster_receipt_check_known(
	    in->e->roster, *author, &r, &in->e->known_heads, &tree_size);
	if (err != HF_OK)
		return no(in, 604, err);
	in->entered = r.leaf.entered;
	*ledger = *key;
	return HF_OK;
}

/** The author could sign at the time of entry, and did.  *who is NULL for a
 * machine act. */
static enum hf_err check_author(struct intake *in,
    const struct hf_country *author, const struct officer_entry **who)
{
	const struct country_doc *doc = roster_doc(in->e->roster, *author);
	const struct hf_kind_info *info = hf_kind_info(in->act.core.kind);
	struct hf_key ledger;
	unsigned count;
	enum hf_err err;

	*who = NULL;
	if (doc == NULL)
		return no(in, 403, HF_UNKNOWN_COUNTRY);
	if (in->act.envelope.roster > doc->head.version)
		return no(in, CLAUSE_FOREIGN, HF_BUSY);
	if ((err = check_receipt(in, author, &ledger)) != HF_OK)
		return err;
	if (info != NULL && info->machine)
		return same_key(&in->act.core.author, &ledger)
			   ? HF_OK
			   : no(in, 304, HF_ROLE);
	err = roster_officer_check(
	    in->e->roster, *author, &in->act.core.author, in->entered, who);
	if (err != HF_OK)
		return no(in, 403, err);
	err = intake_cosigners(in, in->entered, &count);
	if (err == HF_OK && (err = intake_verify(in)) != HF_OK)
		in->clause = 304;
	return err;
}

static enum hf_err check_case(
    struct intake *in, const struct officer_entry *who)
{
	char ref[HF_REF_MAX];
	struct hf_id held;
	enum hf_err err = intake_load(in);

	if (err != HF_OK)
		return err;
	/* its own broker has entered it: only the last room is kept from it */
	if (in->e->pressure > 1 &&
	    room_for(in->e, in->act.core.kind, in->opens,
		in->opens ? in->act.envelope.urgency : in->c.urgency) != HF_OK)
		return no(in, CLAUSE_ROOM, HF_BUSY);
	err = rules_sender(
	    in->e, &in->act, who, in->opens ? NULL : &in->c, &in->clause);
	if (err != HF_OK || !in->opens)
		return err;
	hf_ref(ref, hf_desk_country(&in->act.envelope.from),
	    in->act.core.created, &in->act.digest);
	err = case_by_ref(in->e, ref, &held);
	if (err == HF_OK && !same_id(&held, &in->act.id))
		return no(in, 309, HF_REF_TAKEN);
	return err == HF_NOTFOUND ? HF_OK : err;
}

/** Two acts for one place: the first stands, both are kept. */
static enum hf_err keep_conflict(struct intake *in)
{
	uint8_t proof[PROOF_MAX];
	struct pack p;
	enum hf_err err;

	pack_init(&p, proof, sizeof(proof));
	pack_array(&p, 4);
	pack_bin(&p, in->act.core_bytes.data, in->act.core_bytes.size);
	pack_bin(&p, in->act.envelope_bytes.data, in->act.envelope_bytes.size);
	pack_bin(&p, in->act.sigs_bytes.data, in->act.sigs_bytes.size);
	pack_bin(&p, in->receipt.data, in->receipt.size);
	err = conflict_keep(in->e, &in->c.id, &in->act.digest, &in->act.id,
	    packed(&p), HF_GENERATION);
	return err == HF_OK ? no(in, 502, HF_GENERATION) : err;
}

/** Where it stands and what its past says of it. */
static enum hf_err check_place(struct intake *in)
{
	const struct hf_envelope *env = &in->act.envelope;
	uint64_t index;
	enum hf_err err;

	err = case_place(in->e, &in->c.id, env->track, env->gen, &index);
	if (err == HF_OK)
		return keep_conflict(in);
	if (err != HF_NOTFOUND)
		return err;
	hf_life_act_from(&in->life, &in->act.core, env, &in->act.digest,
	    &in->act.id, in->entered);
	err = case_fold_for(in->e, &in->c, &in->life);
	if (err != HF_OK)
		return err;
	in->judged = hf_case_check(in->e->work, &in->life, &in->clause);
	switch (in->judged) {
	case HF_CHAIN:
	case HF_GENERATION:
	case HF_MANY_ACTS:
		return in->judged;
	case HF_PAST_MISSING:
		in->waits = true;
		return HF_OK;
	default: /* in effect, or void with in->clause */
		return HF_OK;
	}
}

/** An opening under rules that are not known here is answered so. */
static enum hf_err answer_unsupported(struct intake *in)
{
	bool unknown = in->judged == HF_NOT_SUPPORTED ||
		       (in->judged != HF_OK && in->clause == 106);
	enum hf_err err;

	if (!in->opens || !unknown || recall_holds(in->e, &in->c))
		return HF_OK;
	err = machine_act(
	    in->e, &in->c, HF_KIND_UNSUPPORTED, HF_TRACK_ASKED, &in->c.id);
	return is_refusal(err) ? HF_OK : err;
}

static enum hf_err enter(struct intake *in, const struct hf_country *author,
    struct intake_result *result)
{
	const struct officer_entry *who;
	enum hf_err err;

	if ((err = check_author(in, author, &who)) != HF_OK ||
	    (err = check_case(in, who)) != HF_OK ||
	    (err = check_place(in)) != HF_OK)
		return err;
	if ((err = intake_enter(in, result)) != HF_OK ||
	    (err = answer_unsupported(in)) != HF_OK)
		return err;
	return in->waits ? HF_PAST_MISSING : HF_OK;
}

enum hf_err intake_foreign(struct engine *e, struct hf_country peer,
    struct hf_bytes frame, struct hf_bytes receipt,
    struct intake_result *result)
{
	struct intake in = {
	    .e = e, .type = HF_ENTRY_FOREIGN, .receipt = receipt};
	struct hf_country author;
	enum hf_err err;

	*result = (struct intake_result){0};
	if (frame.size > HF_ACT_MAX)
		return HF_TOO_BIG;
	err = intake_decode(&in, frame);
	if (err != HF_OK)
		return err;
	result->id = in.act.id;
	result->case_id = intake_case_id(&in.act);
	err = check_parties(&in, &peer, &author);
	if (err == HF_OK)
		err = intake_again(&in, result);
	if (err == HF_NOTFOUND)
		err = enter(&in, &author, result);
	if (err != HF_OK)
		result->clause = in.clause;
	return err;
}
