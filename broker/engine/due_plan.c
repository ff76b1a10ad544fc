/*
 * due_plan: which deadlines a case has, read off its fold: those of SPEC
 * 12.7 (proto/deadlines.h), and where the broker acts by itself.
 *
 * The whole plan is made anew at every change and compared with the rows
 * that are there: no event has to remember which deadline it starts or ends.
 */
#include "broker/engine/intake.h"
#include "proto/deadlines.h"

#include <assert.h>

uint32_t due_gen(unsigned track, uint32_t gen)
{
	return (uint32_t)track << 16 | gen;
}

static void add(
    struct plan *plan, unsigned type, uint32_t gen, struct instant at)
{
	if (at.ms == 0)
		return;
	assert(plan->count < PLAN_MAX);
	plan->row[plan->count].type = type;
	plan->row[plan->count].gen = gen;
	plan->row[plan->count].at = at;
	plan->count++;
}

/** Where the asked side's broker speaks by itself (SPEC 5.8). */
static void plan_machine(struct plan *plan, const struct hf_case *w)
{
	const struct hf_asked_facet *s = &w->s[w->asked_folded];

	if (s->phase == HF_ASKED_NEW || s->phase == HF_ASKED_ACKNOWLEDGED)
		add(plan, HF_DUE_LAPSE, 1, w->asking[0].envelope.not_after);
	/* hold_until of the fold is none while suspended */
	if (s->phase == HF_ASKED_ACCEPTED)
		add(plan, HF_DUE_EXPIRE, 0, w->hold_until);
	plan->live_ms = (uint64_t)s->live_ttl_s * 1000;
	if (s->phase == HF_ASKED_ACCEPTED && s->live == HF_LIVE_RUNNING)
		add(plan, HF_DUE_LIVE_TIMEOUT, 0,
		    hf_later(s->live_since, s->live_ttl_s));
}

void due_plan(
    const struct engine *e, const struct case_record *c, struct plan *plan)
{
	struct hf_due due[HF_DUES_MAX];
	unsigned sides = case_sides(e, c), count;

	plan->count = 0;
	if (c->erased)
		return;
	if ((sides & HF_SIDE_ASKED) != 0)
		plan_machine(plan, e->work);
	if (c->ended.ms != 0 && !c->legal_hold)
		add(plan, HF_DUE_ERASE, 0, c->retain_until);
	count = hf_case_deadlines(e->work, c->opened, sides, due, HF_DUES_MAX);
	for (unsigned i = 0; i < count; i++)
		add(plan, due[i].type, due_gen(due[i].track, due[i].gen),
		    due[i].at);
}
