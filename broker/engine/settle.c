/*
 * settle: what follows from a change of a case: the cached state, its end,
 * deadlines, and the release of what rests on it.
 */
#include "broker/engine/intake.h"
#include "proto/deadlines.h"

static void take_results(struct engine *e, struct case_record *c)
{
	const struct hf_case *w = e->work;

	c->state = w->state;
	c->result = w->s[w->asked_folded].result;
	c->hold_until = w->hold_until;
	c->outside_profile = w->outside_profile;
	c->unproven = w->unproven;
	c->urgency = w->a[w->asking_folded].urgency;
	c->state_digest = hf_case_digest(w);
	if (!hf_case_ended(w)) {
		c->ended = c->retain_until = (struct instant){0};
	} else if (c->ended.ms == 0) {
		c->ended = e->now;
		c->retain_until = hf_later(e->now, erase_retain_s(e, c));
	}
}

enum hf_err settle_folded(struct engine *e, struct case_record *c)
{
	bool was_over = case_is_over(c);
	struct plan plan = {0};
	enum hf_err err;

	if (c->gens[HF_TRACK_ASKING] > 0) {
		take_results(e, c);
		due_plan(e, c, &plan);
	}
	err = case_save(e, c);
	if (err == HF_OK)
		err = due_apply(e, &c->id, &plan);
	if (err == HF_OK && c->gens[HF_TRACK_ASKING] > 0)
		err = withdraw_plan(e, c);
	if (err == HF_OK && case_is_over(c) && !was_over)
		err = lineage_release(e, c);
	return err;
}

enum hf_err intake_settle(struct engine *e, struct case_record *c)
{
	enum hf_err err = case_fold(e, c);

	if (err == HF_OK)
		err = case_take_waiting(e, c);
	return err == HF_OK ? settle_folded(e, c) : err;
}
