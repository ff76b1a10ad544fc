/*
 * intake_inner: the inner tracks (SPEC 12.10), which never cross the border
 * and change no shared state: notes among colleagues, grants, assignments
 * and the legal hold.
 */
#include "broker/engine/intake.h"

#include <assert.h>

#define CHOICE_SET 1u

static bool is_inner_kind(unsigned kind)
{
	return kind == HF_KIND_NOTE || kind == HF_KIND_GRANT ||
	       kind == HF_KIND_ASSIGN || kind == HF_KIND_LEGAL_HOLD ||
	       kind >= HF_KIND_OPTIONAL;
}

static enum hf_err no(struct intake *in, unsigned clause, enum hf_err err)
{
	in->clause = clause;
	return err;
}

/** `digest` must be that of the act at (track, gen). */
static enum hf_err check_link(struct intake *in, unsigned track, uint32_t gen,
    const struct hf_hash *digest)
{
	struct hf_ledger_leaf leaf;
	uint64_t index;

	if (case_place(in->e, &in->c.id, track, gen, &index) != HF_OK ||
	    ledger_leaf(in->e, index, &leaf) != HF_OK)
		return HF_CORRUPT;
	return same_hash(digest, &leaf.core) ? HF_OK : no(in, 502, HF_CHAIN);
}

/** Does seen_gen not decrease along the track? */
static enum hf_err check_before(struct intake *in)
{
	const struct hf_envelope *env = &in->act.envelope;
	struct hf_life_act before;
	enum hf_err err;

	if (env->gen == 1)
		return HF_OK;
	err = check_link(in, env->track, env->gen - 1, &env->prev);
	if (err != HF_OK)
		return err;
	if (case_act_load(
		in->e, &in->c.id, env->track, env->gen - 1, &before) != HF_OK)
		return HF_CORRUPT;
	return env->seen_gen >= before.envelope.seen_gen
		   ? HF_OK
		   : no(in, 502, HF_CHAIN);
}

enum hf_err inner_check(struct intake *in)
{
	const struct hf_envelope *env = &in->act.envelope;
	unsigned shared = env->track - HF_TRACK_INNER_ASKING;
	uint32_t newest = in->c.gens[env->track];
	enum hf_err err;

	assert(env->track > HF_TRACK_ASKED);
	if (!is_inner_kind(in->act.core.kind) || env->unknown_critical)
		return no(in, 401, HF_NOT_ALLOWED);
	if (env->gen <= newest)
		return no(in, 502, HF_GENERATION);
	if (env->gen > newest + 1)
		return no(in, 502, HF_CHAIN);
	if (env->gen > HF_TRACK_ACTS_MAX)
		return no(in, 501, HF_MANY_ACTS);
	if (env->seen_gen > in->c.gens[shared])
		return no(in, 502, HF_CHAIN);
	err = check_before(in);
	if (err == HF_OK && env->seen_gen > 0)
		err = check_link(in, shared, env->seen_gen, &env->seen);
	return err;
}

enum hf_err inner_apply(struct intake *in)
{
	const struct hf_envelope *env = &in->act.envelope;

	in->c.gens[env->track] = env->gen;
	switch (in->act.core.kind) {
	case HF_KIND_GRANT:
		return case_grant(in->e, &in->c.id, &env->to);
	case HF_KIND_ASSIGN:
		in->c.assignees[env->track - HF_TRACK_INNER_ASKING] =
		    env->assignee;
		return HF_OK;
	case HF_KIND_LEGAL_HOLD:
		in->c.legal_hold = env->choice == CHOICE_SET;
		return HF_OK;
	default:
		return HF_OK;
	}
}
