/*
 * intake: what entering an act means, whoever sent it.
 *
 * intake_own.c and intake_foreign.c decide whether an act enters; here it
 * does, in one transaction: ledger, case, place, body, rows of what depends
 * on it, deadlines, inboxes, outbox, and last the decision that a duplicate
 * will be given.
 */
#include "broker/engine/intake.h"
#include "proto/crypto.h"

#include <assert.h>
#include <string.h>

struct hf_id intake_case_id(const struct hf_act *act)
{
	return HF_HAS(&act->envelope, HF_E_CASE) ? act->envelope.case_id
						 : act->id;
}

enum hf_err intake_load(struct intake *in)
{
	const struct hf_envelope *env = &in->act.envelope;
	struct hf_id id = intake_case_id(&in->act);
	bool by_asking = env->track == HF_TRACK_ASKING;
	enum hf_err err;

	in->opens = !HF_HAS(env, HF_E_CASE);
	if (in->opens != (by_asking && env->gen == 1)) {
		in->clause = 303;
		return HF_SHAPE;
	}
	err = case_load(in->e, &id, &in->c);
	if (err != HF_NOTFOUND)
		return err;
	in->create = true;
	in->c = (struct case_record){
	    .id = id,
	    .from = by_asking ? env->from : env->to,
	    .to = by_asking ? env->to : env->from,
	    .opened = in->e->now,
	};
	return HF_OK;
}

/* A frame may hold several acts: another's fault is not this one's. */
static bool is_preverified(const struct intake *in)
{
	const struct event *ev = in->e->event;

	return ev->verified && ev->verify_err == HF_OK;
}

enum hf_err intake_decode(struct intake *in, struct hf_bytes frame)
{
	return is_preverified(in)
		   ? hf_act_decode_again(&in->act, frame.data, frame.size)
		   : hf_act_decode(&in->act, frame.data, frame.size);
}

enum hf_err intake_verify(struct intake *in)
{
	return is_preverified(in) ? HF_OK : hf_act_verify(&in->act);
}

enum hf_err intake_cosigners(
    struct intake *in, struct instant at, unsigned *count)
{
	const struct hf_act *act = &in->act;
	struct hf_country country = hf_desk_country(&act->envelope.from);

	for (unsigned i = 1; i < act->signature_count; i++) {
		const struct hf_key *key = &act->signatures[i].key;
		const struct officer_entry *who;
		enum hf_err err;

		in->clause = 304;
		err = in->type == HF_ENTRY_OWN
			  ? roster_officer_now(
				in->e->roster, country, key, at, &who)
			  : roster_officer_check(
				in->e->roster, country, key, at, &who);
		if (err != HF_OK)
			return err;
		if (who->role == ROLE_AUDITOR || who->role == ROLE_OPERATOR)
			return HF_ROLE;
	}
	in->clause = 0;
	*count = act->signature_count;
	return HF_OK;
}

enum hf_err intake_again(struct intake *in, struct intake_result *result)
{
	struct decision d;
	enum hf_err err = decision_get(in->e, &in->act.id, &d);

	if (err != HF_OK)
		return err;
	*result = (struct intake_result){
	    .id = in->act.id,
	    .case_id = intake_case_id(&in->act),
	    .index = d.index,
	    .state = d.state,
	    .flags = d.flags | HF_SUBMIT_DUPLICATE,
	    .clause = d.clause,
	};
	return HF_OK;
}

/** What the opening fixes for the whole case. */
static enum hf_err open_case(struct intake *in)
{
	const struct hf_envelope *env = &in->act.envelope;
	struct case_record *c = &in->c;

	c->kind = in->act.core.kind;
	c->from = env->from;
	c->to = env->to;
	c->measure = env->measure;
	c->basis = env->basis;
	c->urgency = env->urgency;
	c->opened = in->e->now;
	c->profile = env->rules_profile;
	hf_ref(c->ref, hf_desk_country(&env->from), in->act.core.created,
	    &in->act.digest);
	return case_ref_add(in->e, c->ref, &c->id);
}

static enum hf_err put_receipt(struct intake *in)
{
	struct hf_country from = hf_desk_country(&in->act.envelope.from);
	struct row_key k = {0};

	row_add(&k, in->act.id.b, sizeof(in->act.id.b));
	row_add(&k, from.s, HF_COUNTRY_SIZE);
	return txn_put(in->e->txn, TABLE_RECEIPTS, row_bytes(&k), in->receipt);
}

/** Ledger, place, body: what is stored of the act itself. */
static enum hf_err store_act(struct intake *in, uint64_t *index)
{
	const struct hf_envelope *env = &in->act.envelope;
	struct engine *e = in->e;
	enum hf_err err;

	if ((err = ledger_add_act(e, in->type, &in->act, index)) != HF_OK)
		return err;
	if (in->create &&
	    (err = store_key_new(e->txn, &in->c.key_slot)) != HF_OK)
		return err;
	if (in->opens && (err = open_case(in)) != HF_OK)
		return err;
	if ((err = case_place_put(e, &in->c.id, env->track, env->gen, *index,
		 in->entered)) != HF_OK)
		return err;
	if (hf_entry_came(in->type) && (err = put_receipt(in)) != HF_OK)
		return err;
	if (in->act.body_bytes.size > 0 && !in->c.erased)
		return case_body_put(
		    e, &in->c, &in->act.id, *index, in->act.body_bytes);
	return HF_OK;
}

/** One act more waits for its past (status shows how many). */
static enum hf_err count_waiting(struct engine *e)
{
	uint64_t waiting;
	enum hf_err err = meta_get(e, "waiting", &waiting);

	return err == HF_OK ? meta_set(e, "waiting", waiting + 1) : err;
}

/** Its effect on the case.  e->work holds the case as checked. */
static enum hf_err apply(struct intake *in)
{
	struct engine *e = in->e;
	enum hf_err err;

	if (in->act.envelope.track > HF_TRACK_ASKED) {
		err = case_fold(e, &in->c);
		if (err == HF_OK)
			err = inner_apply(in);
	} else if (in->waits) {
		err = count_waiting(e);
	} else {
		err = case_fold_add(e, &in->c, &in->life);
		if (err == HF_OK)
			err = case_take_waiting(e, &in->c);
	}
	if (err == HF_OK)
		err = lineage_put(in);
	return err == HF_OK ? settle_folded(e, &in->c) : err;
}

/** A row for each desk of ours that has a part in the act, once. */
static enum hf_err tell_desks(struct intake *in)
{
	const struct hf_envelope *env = &in->act.envelope;
	const struct hf_desk *desks[3] = {&env->to, &env->from, NULL};

	if (env->track == HF_TRACK_INNER_ASKING)
		desks[2] = &in->c.from;
	if (env->track == HF_TRACK_INNER_ASKED)
		desks[2] = &in->c.to;
	for (unsigned i = 0; i < 3; i++) {
		bool told = desks[i] == NULL || !desk_is_ours(in->e, desks[i]);
		enum hf_err err;

		for (unsigned j = 0; j < i && !told; j++)
			told = same_desk(desks[i], desks[j]);
		if (told)
			continue;
		err = inbox_put(in->e, desks[i], &in->c, &in->act.id,
		    in->act.core.kind, env->track, &env->from, 0);
		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}

static enum hf_err tell_peer(struct intake *in, uint64_t index, unsigned *flags)
{
	const struct hf_envelope *env = &in->act.envelope;

	if (in->type == HF_ENTRY_FOREIGN || env->track > HF_TRACK_ASKED ||
	    desk_is_ours(in->e, &env->to))
		return HF_OK;
	*flags |= HF_SUBMIT_NOT_DELIVERED;
	return outbox_put(
	    in->e, hf_desk_country(&env->to), &in->c, &in->act, index);
}

/** A refusal on a ground that the profile does not name (SPEC 8.2). */
static bool is_outside_profile(const struct intake *in)
{
	const struct hf_profile *p = in->e->work->profile;
	unsigned kind = in->act.core.kind;

	return p != NULL &&
	       (kind == HF_KIND_DECLINE || kind == HF_KIND_WITHHELD_HOP) &&
	       !hf_profile_has_ground(p, in->act.envelope.reason);
}

enum hf_err intake_enter(struct intake *in, struct intake_result *result)
{
	struct decision d = {.clause = in->clause};
	enum hf_err err;

	if ((err = store_act(in, &d.index)) != HF_OK ||
	    (err = apply(in)) != HF_OK)
		return err;
	if (is_outside_profile(in))
		d.flags |= HF_SUBMIT_OUTSIDE_PROFILE;
	if ((err = tell_desks(in)) != HF_OK ||
	    (err = tell_peer(in, d.index, &d.flags)) != HF_OK)
		return err;
	d.state = in->c.state;
	*result = (struct intake_result){
	    .id = in->act.id,
	    .case_id = in->c.id,
	    .index = d.index,
	    .state = d.state,
	    .flags = d.flags,
	    .clause = d.clause,
	};
	return decision_put(in->e, &in->act.id, &d);
}
