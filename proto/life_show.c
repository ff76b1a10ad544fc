/*
 * life_show: facts over both facets, what is shown (SPEC 5.9), and the
 * digest that replay compares (SPEC 5.14).
 */
#include "proto/crypto.h"
#include "proto/life_internal.h"
#include "proto/pack.h"

#include <assert.h>
#include <string.h>

#define STATE_BYTES_MAX 1024u /* 64 asks of at most 7 bytes, 22 numbers */

bool life_same_id(const struct hf_id *a, const struct hf_id *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool life_asks(const struct hf_life_act *act)
{
	switch (act->kind) {
	case HF_KIND_REQUEST:
	case HF_KIND_ORDER:
	case HF_KIND_EXTEND:
	case HF_KIND_FOLLOW_UP:
		return true;
	case HF_KIND_AMEND:
		return act->envelope.change == HF_WIDEN ||
		       act->envelope.change == HF_CORRECT;
	default:
		return false;
	}
}

bool life_holds_data(const struct hf_life_act *opening)
{
	return opening->envelope.measure >= HF_PRESERVATION &&
	       opening->envelope.measure <= HF_TRACE_LIVE;
}

bool life_asked_live(const struct hf_asked_facet *s)
{
	return s->phase <= HF_ASKED_ACCEPTED;
}

bool life_hold_in_force(const struct hf_asked_facet *s)
{
	return s->phase == HF_ASKED_ACCEPTED && s->hold_until.ms != 0;
}

bool life_paused(
    const struct hf_asking_facet *a, const struct hf_asked_facet *s)
{
	return s->advise > a->answered_advise;
}

bool life_suspended(
    const struct hf_profile *profile, const struct hf_asked_facet *s)
{
	return profile != NULL && profile->suspends && s->suspended_by != 0;
}

bool life_answered(const struct hf_asked_facet *s, uint32_t ask_gen)
{
	for (uint32_t i = 0; i < s->ask_count; i++)
		if (s->answered[i].gen == ask_gen)
			return true;
	return false;
}

unsigned life_less_narrowed(
    const struct hf_case *c, unsigned categories, uint32_t after, uint32_t upto)
{
	for (uint32_t gen = after + 1; gen <= upto; gen++) {
		const struct hf_life_act *act = &c->asking[gen - 1];

		if (act->kind == HF_KIND_AMEND && act->clause == 0 &&
		    act->envelope.change == HF_NARROW)
			categories &= ~act->envelope.categories;
	}
	return categories;
}

uint64_t life_later(uint64_t ms, uint64_t s)
{
	if (ms >= HF_TIME_LIMIT || s > (HF_TIME_LIMIT - ms) / 1000)
		return HF_TIME_LIMIT;
	return ms + s * 1000;
}

static const struct hf_asking_facet *newest_asking(const struct hf_case *c)
{
	return &c->a[c->asking_folded];
}

static const struct hf_asked_facet *newest_asked(const struct hf_case *c)
{
	return &c->s[c->asked_folded];
}

/** An accepted case: what is under way, then what is known. */
static enum hf_state state_of_accepted(
    const struct hf_case *c, const struct hf_asked_facet *s)
{
	if (s->live == HF_LIVE_RUNNING)
		return HF_STATE_TRACING;
	if (life_suspended(c->profile, s))
		return HF_STATE_SUSPENDED;
	if (s->result == LIFE_PRESERVED)
		return HF_STATE_PRESERVED;
	if (s->result == LIFE_PARTLY)
		return HF_STATE_PARTLY_PRESERVED;
	return HF_STATE_ACCEPTED;
}

static enum hf_state state_of(const struct hf_case *c)
{
	const struct hf_asking_facet *a = newest_asking(c);
	const struct hf_asked_facet *s = newest_asked(c);

	switch (s->phase) {
	case HF_ASKED_UNSUPPORTED:
		return HF_STATE_NOT_SUPPORTED;
	case HF_ASKED_LAPSED:
		return HF_STATE_LAPSED;
	case HF_ASKED_DECLINED:
		return HF_STATE_DECLINED;
	case HF_ASKED_ENDED:
		return a->phase == HF_ASKING_OPEN ? HF_STATE_ENDED
						  : HF_STATE_RELEASED;
	case HF_ASKED_EXPIRED:
		return HF_STATE_EXPIRED;
	case HF_ASKED_NEW:
	case HF_ASKED_ACKNOWLEDGED:
	case HF_ASKED_ACCEPTED:
		break;
	}
	if (a->phase == HF_ASKING_WITHDRAWN)
		return HF_STATE_WITHDRAWN;
	if (a->phase == HF_ASKING_CLOSED)
		return HF_STATE_CLOSED;
	if (life_paused(a, s))
		return HF_STATE_ADVISED;
	if (s->phase == HF_ASKED_ACCEPTED)
		return state_of_accepted(c, s);
	return s->phase == HF_ASKED_NEW ? HF_STATE_UNACKNOWLEDGED
					: HF_STATE_ACKNOWLEDGED;
}

static bool confirmed(
    const struct hf_life_act *acts, uint32_t count, const struct hf_id *id)
{
	for (uint32_t i = 0; i < count; i++)
		if (acts[i].kind == HF_KIND_CONFIRM && acts[i].clause == 0 &&
		    life_same_id(&acts[i].envelope.re, id))
			return true;
	return false;
}

/** Does the track rest on an outsider's word that nobody confirmed? */
static bool is_unproven(const struct hf_life_act *acts, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (acts[i].clause == 0 &&
		    HF_HAS(&acts[i].envelope, HF_E_OUTSIDER) &&
		    !confirmed(acts, count, &acts[i].id))
			return true;
	return false;
}

static bool is_outside_profile(const struct hf_case *c)
{
	if (c->profile == NULL)
		return false;
	for (uint32_t i = 0; i < c->asked_folded; i++)
		if (c->asked[i].kind == HF_KIND_DECLINE &&
		    c->asked[i].clause == 0 &&
		    !hf_profile_has_ground(
			c->profile, c->asked[i].envelope.reason))
			return true;
	return false;
}

void life_show(struct hf_case *c)
{
	const struct hf_asked_facet *s = newest_asked(c);

	c->scope =
	    life_less_narrowed(c, s->categories, s->scope_re, c->asking_folded);
	c->state = state_of(c);
	c->suspended = life_suspended(c->profile, s);
	c->hold_until = (struct instant){0};
	if (life_hold_in_force(s) && !c->suspended)
		c->hold_until = s->hold_until;
	c->outside_profile = is_outside_profile(c);
	c->unproven = is_unproven(c->asking, c->asking_folded) ||
		      is_unproven(c->asked, c->asked_folded);
}

bool hf_case_asked_live(const struct hf_case *c)
{
	return life_asked_live(newest_asked(c));
}

bool hf_case_terminal(const struct hf_case *c)
{
	return !hf_case_asked_live(c);
}

bool hf_case_paused(const struct hf_case *c)
{
	return life_paused(newest_asking(c), newest_asked(c));
}

unsigned hf_case_open_asks(
    const struct hf_case *c, uint32_t *gens, unsigned max)
{
	unsigned count = 0;

	if (newest_asking(c)->phase != HF_ASKING_OPEN || !hf_case_asked_live(c))
		return 0;
	for (uint32_t gen = 1; gen <= c->asking_folded; gen++) {
		const struct hf_life_act *act = &c->asking[gen - 1];

		if (act->clause != 0 || !life_asks(act) ||
		    life_answered(newest_asked(c), gen))
			continue;
		if (count < max)
			gens[count] = gen;
		count++;
	}
	return count;
}

static bool answered_by(
    const struct hf_life_act *acts, uint32_t count, const struct hf_id *id)
{
	for (uint32_t i = 0; i < count; i++)
		if (acts[i].kind == HF_KIND_ANSWER && acts[i].clause == 0 &&
		    life_same_id(&acts[i].envelope.re, id))
			return true;
	return false;
}

unsigned hf_case_open_queries(
    const struct hf_case *c, unsigned track, uint32_t *gens, unsigned max)
{
	bool asking = track == HF_TRACK_ASKING;
	const struct hf_life_act *own = asking ? c->asking : c->asked;
	const struct hf_life_act *other = asking ? c->asked : c->asking;
	uint32_t own_count = asking ? c->asking_folded : c->asked_folded;
	uint32_t other_count = asking ? c->asked_folded : c->asking_folded;
	unsigned count = 0;

	for (uint32_t i = 0; i < own_count; i++) {
		if (own[i].kind != HF_KIND_QUERY || own[i].clause != 0 ||
		    answered_by(other, other_count, &own[i].id))
			continue;
		if (count < max)
			gens[count] = i + 1;
		count++;
	}
	return count;
}

static void pack_asking(struct pack *p, const struct hf_asking_facet *a)
{
	pack_array(p, 7);
	pack_uint(p, a->gen);
	pack_uint(p, (uint64_t)a->phase);
	pack_uint(p, a->ended_gen);
	pack_uint(p, a->urgency);
	pack_uint(p, a->asks);
	pack_uint(p, a->last_follow_up);
	pack_uint(p, a->answered_advise);
}

static void pack_asked(struct pack *p, const struct hf_asked_facet *s)
{
	pack_array(p, 15);
	pack_uint(p, s->gen);
	pack_uint(p, (uint64_t)s->phase);
	pack_bool(p, s->confirmed_rules);
	pack_uint(p, s->hold_from.ms);
	pack_uint(p, s->hold_until.ms);
	pack_uint(p, s->categories);
	pack_uint(p, s->scope_re);
	pack_uint(p, s->extensions);
	pack_uint(p, s->suspended_by);
	pack_uint(p, s->advise);
	pack_uint(p, (uint64_t)s->live);
	pack_uint(p, s->live_since.ms);
	pack_uint(p, s->live_ttl_s);
	pack_uint(p, s->result);
	pack_array(p, s->ask_count);
	for (uint32_t i = 0; i < s->ask_count; i++) {
		pack_array(p, 2);
		pack_uint(p, s->answered[i].gen);
		pack_bool(p, s->answered[i].accepted);
	}
}

struct hf_hash hf_case_digest(const struct hf_case *c)
{
	uint8_t bytes[STATE_BYTES_MAX];
	size_t size = 0;
	struct pack p;
	enum hf_err err;

	pack_init(&p, bytes, sizeof(bytes));
	pack_array(&p, 2);
	pack_asking(&p, newest_asking(c));
	pack_asked(&p, newest_asked(c));
	err = pack_finish(&p, &size);
	assert(err == HF_OK);
	(void)err;
	return hf_hash(HF_TAG_STATE, bytes, size);
}
