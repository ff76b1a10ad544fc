/*
 * life_asking: kinds of the asking track, and those that both tracks have.
 */
#include "proto/life_internal.h"

/** Room for one more ask in what the asked facet remembers (SPEC 5.13). */
enum life_no life_check_ask(const struct life_past *p)
{
	return p->a->asks < HF_ASKS_MAX ? LIFE_ALLOWED : LIFE_ASKS;
}

enum life_no life_check_amend(const struct life_past *p)
{
	return life_asks(p->act) ? life_check_ask(p) : LIFE_ALLOWED;
}

/** One follow-up at a time: the newest must be out of the way. */
enum life_no life_check_follow_up(const struct life_past *p)
{
	uint32_t newest = p->a->last_follow_up;
	uint64_t not_after;

	if (newest == 0)
		return life_check_ask(p);
	if (p->s->suspended_by == newest)
		return LIFE_STATE;
	not_after = p->c->asking[newest - 1].envelope.not_after.ms;
	if (!life_answered(p->s, newest) &&
	    (not_after == 0 || p->act->entered.ms <= not_after))
		return LIFE_STATE;
	return life_check_ask(p);
}

enum life_no life_check_go_on(const struct life_past *p)
{
	if (p->re_gen != p->s->advise)
		return LIFE_RE;
	return life_paused(p->a, p->s) ? LIFE_ALLOWED : LIFE_STATE;
}

/** A query of the other side, in effect, that this track has not answered. */
enum life_no life_check_answer(const struct life_past *p)
{
	const struct hf_envelope *e = &p->act->envelope;
	const struct hf_life_act *own =
	    e->track == HF_TRACK_ASKING ? p->c->asking : p->c->asked;

	if (p->re->kind != HF_KIND_QUERY || p->re->clause != 0)
		return LIFE_RE;
	for (uint32_t i = 0; i + 1 < e->gen; i++)
		if (own[i].kind == HF_KIND_ANSWER && own[i].clause == 0 &&
		    life_same_id(&own[i].envelope.re, &e->re))
			return LIFE_STATE;
	return LIFE_ALLOWED;
}

enum life_no life_check_confirm(const struct life_past *p)
{
	return HF_HAS(&p->re->envelope, HF_E_OUTSIDER) ? LIFE_ALLOWED : LIFE_RE;
}

void life_open(const struct life_past *p, struct hf_asking_facet *next)
{
	next->urgency = p->act->envelope.urgency;
	next->asks = 1;
}

/** Narrowing leaves no trace in the facet: it is read off the acts, because
 * it may be later than an ask that is accepted later still. */
void life_amend(const struct life_past *p, struct hf_asking_facet *next)
{
	if (p->act->envelope.change == HF_CHANGE_URGENCY)
		next->urgency = p->act->envelope.urgency;
	if (life_asks(p->act))
		next->asks++;
}

void life_extend(const struct life_past *p, struct hf_asking_facet *next)
{
	(void)p;
	next->asks++;
}

void life_follow_up(const struct life_past *p, struct hf_asking_facet *next)
{
	next->asks++;
	next->last_follow_up = p->act->envelope.gen;
}

void life_withdraw(const struct life_past *p, struct hf_asking_facet *next)
{
	next->phase = HF_ASKING_WITHDRAWN;
	next->ended_gen = p->act->envelope.gen;
}

void life_go_on(const struct life_past *p, struct hf_asking_facet *next)
{
	next->answered_advise = p->re_gen;
	if (p->act->envelope.choice == 2)
		life_withdraw(p, next);
}

void life_close(const struct life_past *p, struct hf_asking_facet *next)
{
	if (next->phase == HF_ASKING_OPEN)
		next->ended_gen = p->act->envelope.gen;
	next->phase = HF_ASKING_CLOSED;
}
