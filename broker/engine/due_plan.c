/*
 * due_plan: which deadlines a case has, read off its fold (SPEC 12.7).
 *
 * The whole plan is made anew at every change and compared with the rows
 * that are there: no event has to remember which deadline it starts or ends.
 */
#include "broker/engine/intake.h"

#include <assert.h>

#define QUERIES_MAX 64u /* of one track that are watched */

/** A case being planned. */
struct planning {
	const struct engine *e;
	const struct case_record *c;
	const struct hf_case *w;
	const struct hf_asking_facet *a;
	const struct hf_asked_facet *s;
	unsigned sides;
	struct plan *plan;
};

uint32_t due_gen(unsigned track, uint32_t gen)
{
	return (uint32_t)track << 16 | gen;
}

static void add(
    const struct planning *p, unsigned type, uint32_t gen, struct instant at)
{
	struct plan *plan = p->plan;

	if (at.ms == 0 || plan->count == PLAN_MAX)
		return;
	plan->row[plan->count].type = type;
	plan->row[plan->count].gen = gen;
	plan->row[plan->count].at = at;
	plan->count++;
}

/** `s` seconds after `t`; far terms are cut at the end of time. */
static struct instant after(struct instant t, uint64_t s)
{
	uint64_t room_s = (HF_TIME_LIMIT - 1 - t.ms) / 1000;

	assert(t.ms < HF_TIME_LIMIT);
	return (struct instant){
	    s < room_s ? t.ms + s * 1000 : HF_TIME_LIMIT - 1};
}

static struct instant later_of(struct instant a, struct instant b)
{
	return a.ms > b.ms ? a : b;
}

/* A provider that said "never held" owes no decision any more. */
static bool is_reported(const struct planning *p, const struct hf_id *ask)
{
	for (uint32_t i = 0; i < p->w->asked_folded; i++) {
		const struct hf_life_act *act = &p->w->asked[i];

		if (act->kind == HF_KIND_REPORT && act->clause == 0 &&
		    same_id(&act->envelope.re, ask))
			return true;
	}
	return false;
}

/** Nobody decided, acknowledged: both sides watch, each by its own entry. */
static void plan_asks(const struct planning *p)
{
	const struct hf_profile *rules = p->w->profile;
	unsigned urgency = p->a->urgency <= HF_EMERGENCY ? p->a->urgency : 0;
	uint32_t gens[HF_ASKS_MAX];
	unsigned count = hf_case_open_asks(p->w, gens, HF_ASKS_MAX);

	if (rules == NULL)
		return;
	assert(count <= HF_ASKS_MAX);
	for (unsigned i = 0; i < count; i++) {
		const struct hf_life_act *ask = &p->w->asking[gens[i] - 1];
		struct instant base = later_of(ask->entered, p->c->opened);

		if (p->c->kind == HF_KIND_ORDER && is_reported(p, &ask->id))
			continue;
		if (gens[i] == 1 && (p->sides & 2u) != 0)
			add(p, HF_DUE_PENDING, due_gen(0, 1),
			    after(p->c->opened, rules->pending_s));
		add(p, HF_DUE_DECIDE, due_gen(0, gens[i]),
		    after(base, rules->decide_s[urgency]));
	}
	if (p->s->phase == HF_ASKED_NEW && p->a->phase == HF_ASKING_OPEN &&
	    p->s->result == 0)
		add(p, HF_DUE_ACKNOWLEDGE, due_gen(0, 1),
		    after(p->c->opened, rules->acknowledge_s[urgency]));
}

/** The first hop of an accepted trace. */
static void plan_hop(const struct planning *p)
{
	const struct hf_life_act *accept = NULL;
	unsigned measure = p->c->measure;

	if (p->c->kind != HF_KIND_REQUEST || p->w->profile == NULL ||
	    (measure != HF_TRACE_HISTORICAL && measure != HF_TRACE_LIVE) ||
	    p->s->phase != HF_ASKED_ACCEPTED)
		return;
	for (uint32_t i = 0; i < p->w->asked_folded; i++) {
		const struct hf_life_act *act = &p->w->asked[i];

		if (act->clause != 0)
			continue;
		if (act->kind == HF_KIND_HOP ||
		    act->kind == HF_KIND_WITHHELD_HOP)
			return;
		if (act->kind == HF_KIND_ACCEPT && accept == NULL)
			accept = act;
	}
	if (accept != NULL)
		add(p, HF_DUE_FIRST_HOP, due_gen(1, accept->envelope.gen),
		    after(accept->entered, p->w->profile->hop_s));
}

static void plan_replies(const struct planning *p)
{
	uint32_t gens[QUERIES_MAX];

	for (unsigned track = 0; track <= HF_TRACK_ASKED; track++) {
		const struct hf_life_act *acts =
		    track == HF_TRACK_ASKING ? p->w->asking : p->w->asked;
		unsigned count =
		    hf_case_open_queries(p->w, track, gens, QUERIES_MAX);

		for (unsigned i = 0; i < count && i < QUERIES_MAX; i++)
			add(p, HF_DUE_REPLY, due_gen(track, gens[i]),
			    acts[gens[i] - 1].envelope.due);
	}
}

/** Where the asked side's broker speaks by itself (SPEC 5.8). */
static void plan_machine(const struct planning *p)
{
	const struct hf_asked_facet *s = p->s;

	if ((p->sides & 2u) == 0)
		return;
	if (s->phase == HF_ASKED_NEW || s->phase == HF_ASKED_ACKNOWLEDGED)
		add(p, HF_DUE_LAPSE, 1, p->w->asking[0].envelope.not_after);
	/* hold_until of the fold is none while suspended */
	if (s->phase == HF_ASKED_ACCEPTED)
		add(p, HF_DUE_EXPIRE, 0, p->w->hold_until);
	p->plan->live_ms = (uint64_t)s->live_ttl_s * 1000;
	if (s->phase == HF_ASKED_ACCEPTED && s->live == HF_LIVE_RUNNING)
		add(p, HF_DUE_LIVE_TIMEOUT, 0,
		    after(s->live_since, s->live_ttl_s));
}

/** The review of a follow-up that suspends the end. */
static void plan_review(const struct planning *p)
{
	if ((p->sides & 2u) == 0 || p->s->suspended_by == 0)
		return;
	for (uint32_t i = p->w->asked_folded; i-- > 0;) {
		const struct hf_life_act *act = &p->w->asked[i];

		if (act->kind != HF_KIND_FOLLOW_UP_RECEIVED || act->clause != 0)
			continue;
		add(p, HF_DUE_REVIEW, due_gen(1, i + 1), act->envelope.due);
		return;
	}
}

static bool is_confirmed(
    const struct hf_life_act *acts, uint32_t count, const struct hf_id *id)
{
	for (uint32_t i = 0; i < count; i++)
		if (acts[i].kind == HF_KIND_CONFIRM && acts[i].clause == 0 &&
		    same_id(&acts[i].envelope.re, id))
			return true;
	return false;
}

/** Acts of our side that rest on an outsider's word. */
static void plan_confirms(const struct planning *p, unsigned track)
{
	bool asking = track == HF_TRACK_ASKING;
	const struct hf_life_act *acts = asking ? p->w->asking : p->w->asked;
	uint32_t count = asking ? p->w->asking_folded : p->w->asked_folded;

	for (uint32_t i = 0; i < count; i++) {
		const struct hf_life_act *act = &acts[i];
		struct instant at = act->envelope.outsider.confirm_by;

		if (act->clause != 0 ||
		    !HF_HAS(&act->envelope, HF_E_OUTSIDER) ||
		    is_confirmed(acts, count, &act->id))
			continue;
		if (at.ms == 0 && p->w->profile != NULL)
			at = after(act->entered, p->w->profile->confirm_s);
		add(p, HF_DUE_CONFIRM, due_gen(track, i + 1), at);
	}
}

void due_plan(
    const struct engine *e, const struct case_record *c, struct plan *plan)
{
	const struct hf_case *w = e->work;
	struct planning p = {
	    .e = e,
	    .c = c,
	    .w = w,
	    .a = &w->a[w->asking_folded],
	    .s = &w->s[w->asked_folded],
	    .sides = case_sides(e, c),
	    .plan = plan,
	};

	plan->count = 0;
	if (c->erased)
		return;
	plan_machine(&p);
	if (c->ended.ms != 0 && !c->legal_hold)
		add(&p, HF_DUE_ERASE, 0, c->retain_until);
	plan_asks(&p);
	plan_hop(&p);
	plan_review(&p);
	if ((p.sides & 1u) != 0)
		plan_confirms(&p, HF_TRACK_ASKING);
	if ((p.sides & 2u) != 0)
		plan_confirms(&p, HF_TRACK_ASKED);
	plan_replies(&p);
}
