/*
 * life_answers: the asked side's answers to asks, with the term rules
 * (SPEC 5.6, 5.7): acknowledge, accept, decline, report, follow-up-received,
 * decided.
 *
 * An ask is answered once.  A report in a case opened by an order may count
 * as accept: providers report what they have preserved rather than promise
 * to preserve.  A report is never refused for being late or out of season
 * (what a provider says is always heard); then it is a report only.
 */
#include "proto/life_internal.h"

#include <assert.h>
#include <string.h>

#define GRANTED 1u /* choice of decided */

static bool is_opening(const struct life_past *p)
{
	return p->re_gen == 1;
}

static bool is_widen(const struct hf_life_act *ask)
{
	return ask->kind == HF_KIND_AMEND && ask->envelope.change == HF_WIDEN;
}

static bool is_late(const struct life_past *p)
{
	uint64_t not_after = p->re->envelope.not_after.ms;

	return not_after != 0 && p->act->entered.ms > not_after;
}

static uint64_t later_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/** Is the ask still to be answered, in the phase that its answer needs? */
static bool is_open_ask(const struct life_past *p)
{
	if (life_answered(p->s, p->re_gen))
		return false;
	if (is_opening(p))
		return p->s->phase != HF_ASKED_ACCEPTED;
	if (p->re->kind == HF_KIND_EXTEND)
		return life_hold_in_force(p->s);
	return !is_widen(p->re) || p->s->phase == HF_ASKED_ACCEPTED;
}

static enum life_no check_first_term(const struct life_past *p)
{
	const struct hf_profile *rules = p->c->profile;
	const struct hf_envelope *e = &p->act->envelope;
	uint64_t from = e->term_from.ms, until = e->term_until.ms;

	if (!life_holds_data(p->opening))
		return LIFE_ALLOWED;
	if (until == 0 || until < from ||
	    until < life_later(from, rules->term_min_s) ||
	    until > life_later(from, rules->term_max_s))
		return LIFE_TERM;
	return LIFE_ALLOWED;
}

static enum life_no check_extended_term(const struct life_past *p)
{
	const struct hf_profile *rules = p->c->profile;
	uint64_t until = p->act->envelope.term_until.ms;
	uint64_t hold = p->s->hold_until.ms;
	uint64_t base = later_of(hold, p->act->entered.ms);

	if (until <= hold || until > life_later(base, rules->term_max_s))
		return LIFE_TERM;
	if (rules->total_max_s != 0 &&
	    until > life_later(p->s->hold_from.ms, rules->total_max_s))
		return LIFE_TERM;
	return p->s->extensions < rules->extensions_max ? LIFE_ALLOWED
							: LIFE_TERM;
}

/** The term of an accept, or of a report that counts as one. */
static enum life_no check_term(const struct life_past *p)
{
	if (is_opening(p))
		return check_first_term(p);
	if (p->re->kind == HF_KIND_EXTEND)
		return check_extended_term(p);
	return LIFE_ALLOWED;
}

static enum life_no check_ttl(const struct life_past *p)
{
	uint32_t ttl_s = p->act->envelope.ttl_s;

	if (!is_opening(p) || p->opening->envelope.measure != HF_TRACE_LIVE)
		return LIFE_ALLOWED;
	return ttl_s > 0 && ttl_s <= p->c->profile->live_ttl_max_s
		   ? LIFE_ALLOWED
		   : LIFE_TERM;
}

static enum life_no check_scope(const struct life_past *p)
{
	unsigned asked = p->re->envelope.categories;

	if (!is_opening(p) && !is_widen(p->re))
		return LIFE_ALLOWED;
	return (p->act->envelope.categories & ~asked) == 0 ? LIFE_ALLOWED
							   : LIFE_SCOPE;
}

enum life_no life_check_acknowledge(const struct life_past *p)
{
	const struct hf_envelope *ours = &p->act->envelope;
	const struct hf_envelope *theirs = &p->opening->envelope;

	if (ours->rules_version != theirs->rules_version ||
	    memcmp(ours->rules_profile.b, theirs->rules_profile.b,
		sizeof(ours->rules_profile.b)) != 0)
		return LIFE_RULES;
	return LIFE_ALLOWED;
}

enum life_no life_check_accept(const struct life_past *p)
{
	enum life_no no;

	if (p->re->kind == HF_KIND_FOLLOW_UP)
		return LIFE_RE;
	if (!is_open_ask(p))
		return LIFE_STATE;
	if (is_late(p))
		return LIFE_LATE;
	if ((no = check_scope(p)) != LIFE_ALLOWED ||
	    (no = check_ttl(p)) != LIFE_ALLOWED)
		return no;
	return check_term(p);
}

enum life_no life_check_decline(const struct life_past *p)
{
	return life_answered(p->s, p->re_gen) ? LIFE_STATE : LIFE_ALLOWED;
}

/** Is the report on the opening or an extend of an order? */
static bool is_on_order(const struct life_past *p)
{
	assert(p->re_track == HF_TRACK_ASKING);
	return p->opening->kind == HF_KIND_ORDER && p->re->clause == 0 &&
	       (is_opening(p) || p->re->kind == HF_KIND_EXTEND);
}

static bool counts_as_accept(const struct life_past *p)
{
	const struct hf_envelope *e = &p->act->envelope;

	return is_on_order(p) &&
	       p->opening->envelope.measure != HF_TRACE_LIVE &&
	       (e->result == LIFE_PRESERVED || e->result == LIFE_PARTLY) &&
	       e->term_until.ms != 0 && p->a->phase == HF_ASKING_OPEN &&
	       !life_paused(p->a, p->s) && is_open_ask(p) && !is_late(p);
}

enum life_no life_check_report(const struct life_past *p)
{
	return counts_as_accept(p) ? check_term(p) : LIFE_ALLOWED;
}

enum life_no life_check_received(const struct life_past *p)
{
	if (p->re->kind != HF_KIND_FOLLOW_UP)
		return LIFE_RE;
	if (life_answered(p->s, p->re_gen) || p->s->suspended_by != 0)
		return LIFE_STATE;
	return is_late(p) ? LIFE_LATE : LIFE_ALLOWED;
}

enum life_no life_check_decided(const struct life_past *p)
{
	uint64_t entered = p->act->entered.ms;
	uint64_t until = p->act->envelope.term_until.ms;
	uint64_t base = later_of(entered, p->s->hold_until.ms);

	if (p->re_gen != p->s->suspended_by)
		return LIFE_RE;
	if (p->act->envelope.choice != GRANTED)
		return LIFE_ALLOWED;
	return until > entered &&
		       until <= life_later(base, p->c->profile->term_max_s)
		   ? LIFE_ALLOWED
		   : LIFE_TERM;
}

void life_acknowledge(const struct life_past *p, struct hf_asked_facet *next)
{
	(void)p;
	next->phase = HF_ASKED_ACKNOWLEDGED;
	next->confirmed_rules = true;
}

static void answer_ask(
    const struct life_past *p, struct hf_asked_facet *next, bool accepted)
{
	/* every ask is answered once, and asks are at most HF_ASKS_MAX */
	assert(next->ask_count < HF_ASKS_MAX);
	next->answered[next->ask_count].gen = p->re_gen;
	next->answered[next->ask_count].accepted = accepted;
	next->ask_count++;
}

/** Take up categories accepted for the ask at re_gen (SPEC 5.6): what was
 * narrowed away before the newer ask stays away. */
static void gain_scope(const struct life_past *p, struct hf_asked_facet *next)
{
	unsigned taken =
	    p->act->envelope.categories & p->re->envelope.categories;
	uint32_t newer =
	    p->re_gen > next->scope_re ? p->re_gen : next->scope_re;

	next->categories =
	    life_less_narrowed(p->c, next->categories, next->scope_re, newer);
	next->categories |= life_less_narrowed(p->c, taken, p->re_gen, newer);
	next->scope_re = newer;
}

void life_accept(const struct life_past *p, struct hf_asked_facet *next)
{
	const struct hf_envelope *e = &p->act->envelope;

	answer_ask(p, next, true);
	if (is_opening(p)) {
		next->phase = HF_ASKED_ACCEPTED;
		if (life_holds_data(p->opening)) {
			next->hold_from = e->term_from;
			next->hold_until = e->term_until;
		}
		if (p->opening->envelope.measure == HF_TRACE_LIVE)
			next->live_ttl_s = e->ttl_s;
		gain_scope(p, next);
	} else if (p->re->kind == HF_KIND_EXTEND) {
		next->hold_until = e->term_until;
		next->extensions++;
	} else if (is_widen(p->re)) {
		gain_scope(p, next);
	}
}

void life_decline(const struct life_past *p, struct hf_asked_facet *next)
{
	answer_ask(p, next, false);
	if (is_opening(p))
		next->phase = HF_ASKED_DECLINED;
}

void life_report(const struct life_past *p, struct hf_asked_facet *next)
{
	if (is_on_order(p))
		next->result = p->act->envelope.result;
	if (counts_as_accept(p))
		life_accept(p, next);
}

void life_received(const struct life_past *p, struct hf_asked_facet *next)
{
	answer_ask(p, next, true);
	next->suspended_by = p->re_gen;
}

void life_decided(const struct life_past *p, struct hf_asked_facet *next)
{
	next->suspended_by = 0;
	if (p->act->envelope.choice == GRANTED)
		next->hold_until = p->act->envelope.term_until;
}
