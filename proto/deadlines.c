#include "proto/deadlines.h"

#include <assert.h>
#include <string.h>

#define QUERIES_MAX 64u /* of one track that are watched */

/** A case being planned. */
struct planning {
	const struct hf_case *c;
	const struct hf_asking_facet *a;
	const struct hf_asked_facet *s;
	struct instant opened;
	unsigned sides;
	struct hf_due *out;
	unsigned count, max;
};

struct instant hf_later(struct instant t, uint64_t s)
{
	uint64_t room_s = (HF_TIME_LIMIT - 1 - t.ms) / 1000;

	assert(t.ms < HF_TIME_LIMIT);
	return (struct instant){
	    s < room_s ? t.ms + s * 1000 : HF_TIME_LIMIT - 1};
}

bool hf_case_ended(const struct hf_case *c)
{
	const struct hf_asking_facet *a = &c->a[c->asking_folded];
	const struct hf_asked_facet *s = &c->s[c->asked_folded];
	bool holds = s->phase == HF_ASKED_ACCEPTED && s->hold_until.ms != 0;

	if (hf_case_terminal(c))
		return true;
	return a->phase != HF_ASKING_OPEN && !holds &&
	       s->live != HF_LIVE_RUNNING;
}

static void add(struct planning *p, enum hf_deadline type, unsigned track,
    uint32_t gen, struct instant at)
{
	if (at.ms == 0 || p->count == p->max)
		return;
	p->out[p->count++] = (struct hf_due){type, track, gen, at};
}

/* A provider that said "never held" owes no decision any more. */
static bool is_reported(const struct hf_case *c, const struct hf_id *ask)
{
	for (uint32_t i = 0; i < c->asked_folded; i++) {
		const struct hf_life_act *act = &c->asked[i];

		if (act->kind == HF_KIND_REPORT && act->clause == 0 &&
		    memcmp(&act->envelope.re, ask, sizeof(*ask)) == 0)
			return true;
	}
	return false;
}

/** Nobody decided, acknowledged: both sides watch, each by its own entry. */
static void plan_asks(struct planning *p)
{
	const struct hf_profile *rules = p->c->profile;
	unsigned urgency = p->a->urgency <= HF_EMERGENCY ? p->a->urgency : 0;
	uint32_t gens[HF_ASKS_MAX];
	unsigned count = hf_case_open_asks(p->c, gens, HF_ASKS_MAX);

	if (rules == NULL)
		return;
	assert(count <= HF_ASKS_MAX);
	for (unsigned i = 0; i < count; i++) {
		const struct hf_life_act *ask = &p->c->asking[gens[i] - 1];
		struct instant base = ask->entered;

		if (p->c->asking[0].kind == HF_KIND_ORDER &&
		    is_reported(p->c, &ask->id))
			continue;
		if (base.ms < p->opened.ms)
			base = p->opened;
		if (gens[i] == 1 && (p->sides & HF_SIDE_ASKED) != 0)
			add(p, HF_DUE_PENDING, HF_TRACK_ASKING, 1,
			    hf_later(p->opened, rules->pending_s));
		add(p, HF_DUE_DECIDE, HF_TRACK_ASKING, gens[i],
		    hf_later(base, rules->decide_s[urgency]));
	}
	if (p->s->phase == HF_ASKED_NEW && p->a->phase == HF_ASKING_OPEN &&
	    p->s->result == 0)
		add(p, HF_DUE_ACKNOWLEDGE, HF_TRACK_ASKING, 1,
		    hf_later(p->opened, rules->acknowledge_s[urgency]));
}

/** The first hop of an accepted trace. */
static void plan_hop(struct planning *p)
{
	const struct hf_life_act *opening = &p->c->asking[0], *accept = NULL;
	unsigned measure = opening->envelope.measure;

	if (opening->kind != HF_KIND_REQUEST || p->c->profile == NULL ||
	    (measure != HF_TRACE_HISTORICAL && measure != HF_TRACE_LIVE) ||
	    p->s->phase != HF_ASKED_ACCEPTED)
		return;
	for (uint32_t i = 0; i < p->c->asked_folded; i++) {
		const struct hf_life_act *act = &p->c->asked[i];

		if (act->clause != 0)
			continue;
		if (act->kind == HF_KIND_HOP ||
		    act->kind == HF_KIND_WITHHELD_HOP)
			return;
		if (act->kind == HF_KIND_ACCEPT && accept == NULL)
			accept = act;
	}
	assert(accept != NULL); /* nothing else accepts a request */
	add(p, HF_DUE_FIRST_HOP, HF_TRACK_ASKED, accept->envelope.gen,
	    hf_later(accept->entered, p->c->profile->hop_s));
}

static void plan_replies(struct planning *p)
{
	uint32_t gens[QUERIES_MAX];

	for (unsigned track = 0; track <= HF_TRACK_ASKED; track++) {
		const struct hf_life_act *acts =
		    track == HF_TRACK_ASKING ? p->c->asking : p->c->asked;
		unsigned count =
		    hf_case_open_queries(p->c, track, gens, QUERIES_MAX);

		for (unsigned i = 0; i < count && i < QUERIES_MAX; i++)
			add(p, HF_DUE_REPLY, track, gens[i],
			    acts[gens[i] - 1].envelope.due);
	}
}

/** The review of a follow-up that suspends the end. */
static void plan_review(struct planning *p)
{
	if ((p->sides & HF_SIDE_ASKED) == 0 || p->s->suspended_by == 0)
		return;
	for (uint32_t i = p->c->asked_folded; i-- > 0;) {
		const struct hf_life_act *act = &p->c->asked[i];

		if (act->kind != HF_KIND_FOLLOW_UP_RECEIVED || act->clause != 0)
			continue;
		add(p, HF_DUE_REVIEW, HF_TRACK_ASKED, i + 1, act->envelope.due);
		return;
	}
}

static bool is_confirmed(
    const struct hf_life_act *acts, uint32_t count, const struct hf_id *id)
{
	for (uint32_t i = 0; i < count; i++)
		if (acts[i].kind == HF_KIND_CONFIRM && acts[i].clause == 0 &&
		    memcmp(&acts[i].envelope.re, id, sizeof(*id)) == 0)
			return true;
	return false;
}

/** Acts of the own side that rest on an outsider's word. */
static void plan_confirms(struct planning *p, unsigned track)
{
	bool asking = track == HF_TRACK_ASKING;
	const struct hf_life_act *acts = asking ? p->c->asking : p->c->asked;
	uint32_t count = asking ? p->c->asking_folded : p->c->asked_folded;

	for (uint32_t i = 0; i < count; i++) {
		const struct hf_life_act *act = &acts[i];
		struct instant at = act->envelope.outsider.confirm_by;

		if (act->clause != 0 ||
		    !HF_HAS(&act->envelope, HF_E_OUTSIDER) ||
		    is_confirmed(acts, count, &act->id))
			continue;
		if (at.ms == 0 && p->c->profile != NULL)
			at = hf_later(act->entered, p->c->profile->confirm_s);
		add(p, HF_DUE_CONFIRM, track, i + 1, at);
	}
}

unsigned hf_case_deadlines(const struct hf_case *c, struct instant opened,
    unsigned sides, struct hf_due *out, unsigned max)
{
	struct planning p = {
	    .c = c,
	    .a = &c->a[c->asking_folded],
	    .s = &c->s[c->asked_folded],
	    .opened = opened,
	    .sides = sides,
	    .out = out,
	    .max = max,
	};

	assert(c->asking_count > 0);
	plan_asks(&p);
	plan_hop(&p);
	plan_review(&p);
	if ((sides & HF_SIDE_ASKING) != 0)
		plan_confirms(&p, HF_TRACK_ASKING);
	if ((sides & HF_SIDE_ASKED) != 0)
		plan_confirms(&p, HF_TRACK_ASKED);
	plan_replies(&p);
	return p.count;
}
