/*
 * life_asked: advice, live traces and the ends of a case on the asked track,
 * with the machine acts (SPEC 5.6, 5.8).
 */
#include "proto/life_internal.h"

/** The asked side lets go of what it holds; otherwise of what nobody asks
 * for any more. */
enum life_no life_check_end(const struct life_past *p)
{
	return p->s->phase == HF_ASKED_ACCEPTED || p->a->phase != HF_ASKING_OPEN
		   ? LIFE_ALLOWED
		   : LIFE_STATE;
}

enum life_no life_check_expire(const struct life_past *p)
{
	if (life_suspended(p->c->profile, p->s))
		return LIFE_STATE;
	return p->act->entered.ms >= p->s->hold_until.ms ? LIFE_ALLOWED
							 : LIFE_EARLY;
}

enum life_no life_check_lapse(const struct life_past *p)
{
	uint64_t not_after = p->opening->envelope.not_after.ms;

	return not_after != 0 && p->act->entered.ms >= not_after ? LIFE_ALLOWED
								 : LIFE_EARLY;
}

/** With `at` the broker vouches for the end by another clock than the one
 * that gives the time of entry. */
enum life_no life_check_timeout(const struct life_past *p)
{
	uint64_t end = life_later(p->s->live_since.ms, p->s->live_ttl_s);

	return p->act->entered.ms >= end || HF_HAS(&p->act->envelope, HF_E_AT)
		   ? LIFE_ALLOWED
		   : LIFE_EARLY;
}

void life_advise(const struct life_past *p, struct hf_asked_facet *next)
{
	next->advise = p->act->envelope.gen;
}

/** A start given in the future must not lengthen the time to live. */
void life_live_started(const struct life_past *p, struct hf_asked_facet *next)
{
	struct instant at = p->act->envelope.at;

	next->live = HF_LIVE_RUNNING;
	next->live_since = at.ms < p->act->entered.ms ? at : p->act->entered;
}

void life_live_stopped(const struct life_past *p, struct hf_asked_facet *next)
{
	(void)p;
	next->live = HF_LIVE_STOPPED;
}

void life_live_impossible(
    const struct life_past *p, struct hf_asked_facet *next)
{
	(void)p;
	next->live = HF_LIVE_IMPOSSIBLE;
}

static void finish(struct hf_asked_facet *next, enum hf_asked_phase phase)
{
	next->phase = phase;
	next->suspended_by = 0;
	if (next->live == HF_LIVE_RUNNING)
		next->live = HF_LIVE_STOPPED;
}

void life_end(const struct life_past *p, struct hf_asked_facet *next)
{
	(void)p;
	finish(next, HF_ASKED_ENDED);
}

void life_expire(const struct life_past *p, struct hf_asked_facet *next)
{
	(void)p;
	finish(next, HF_ASKED_EXPIRED);
}

void life_lapse(const struct life_past *p, struct hf_asked_facet *next)
{
	(void)p;
	finish(next, HF_ASKED_LAPSED);
}

void life_unsupported(const struct life_past *p, struct hf_asked_facet *next)
{
	(void)p;
	finish(next, HF_ASKED_UNSUPPORTED);
}
