/*
 * life_rules: the state table of SPEC 5.13 and the judgement by it.
 *
 * The table here and the table there say the same and change together
 * (tests/proto/test_life.c holds every cell).  What a row cannot say, a
 * check beside it says: it runs last, when phases, needs and `re` are right.
 */
#include "proto/life_internal.h"

#include <stddef.h>

#define N (1u << HF_ASKED_NEW)
#define K (1u << HF_ASKED_ACKNOWLEDGED)
#define A (1u << HF_ASKED_ACCEPTED)
#define LIVE (N | K | A)
#define O (1u << HF_ASKING_OPEN)
#define W (1u << HF_ASKING_WITHDRAWN)
#define ANY (~0u)
#define ASKING (1u << HF_TRACK_ASKING)
#define ASKED (1u << HF_TRACK_ASKED)
#define NEED(what) (LIFE_NEED_##what)
#define RE(what) (LIFE_RE_##what)

static const struct life_rule rules[] = {
    /* kind, tracks, asked, asking, needs, re, check, steps */
    {HF_KIND_REQUEST, ASKING, ANY, O, 0, RE(NONE), NULL, life_open, NULL},
    {HF_KIND_ORDER, ASKING, ANY, O, 0, RE(NONE), NULL, life_open, NULL},
    {HF_KIND_AMEND, ASKING, LIVE, O, 0, RE(NONE), life_check_amend, life_amend,
	NULL},
    {HF_KIND_EXTEND, ASKING, A, O, NEED(HOLD), RE(NONE), life_check_ask,
	life_extend, NULL},
    {HF_KIND_FOLLOW_UP, ASKING, A, O, NEED(HOLD), RE(NONE),
	life_check_follow_up, life_follow_up, NULL},
    {HF_KIND_GO_ON, ASKING, ANY, O, 0, RE(OTHER), life_check_go_on, life_go_on,
	NULL},
    {HF_KIND_WITHDRAW, ASKING, LIVE, O, 0, RE(NONE), NULL, life_withdraw, NULL},
    {HF_KIND_CLOSE, ASKING, ANY, O | W, 0, RE(NONE), NULL, life_close, NULL},
    {HF_KIND_RELEASE, ASKING, ANY, O, NEED(ORDER), RE(NONE), NULL,
	life_withdraw, NULL},

    {HF_KIND_ACKNOWLEDGE, ASKED, N, ANY, 0, RE(OPENING), life_check_acknowledge,
	NULL, life_acknowledge},
    {HF_KIND_PROGRESS, ASKED, LIVE, ANY, 0, RE(OTHER), NULL, NULL, NULL},
    {HF_KIND_ACCEPT, ASKED, LIVE, O, NEED(UNPAUSED), RE(ASK), life_check_accept,
	NULL, life_accept},
    {HF_KIND_DECLINE, ASKED, LIVE, O, 0, RE(ASK), life_check_decline, NULL,
	life_decline},
    {HF_KIND_ADVISE, ASKED, LIVE, ANY, NEED(UNPAUSED), RE(OTHER), NULL, NULL,
	life_advise},
    {HF_KIND_HOP, ASKED, LIVE, ANY, 0, RE(OTHER), NULL, NULL, NULL},
    {HF_KIND_WITHHELD_HOP, ASKED, LIVE, ANY, 0, RE(OTHER), NULL, NULL, NULL},
    {HF_KIND_REPORT, ASKED, LIVE, ANY, 0, RE(OTHER), life_check_report, NULL,
	life_report},
    {HF_KIND_LIVE_STARTED, ASKED, A, O,
	NEED(UNPAUSED) | NEED(TRACE) | NEED(IDLE), RE(OTHER), NULL, NULL,
	life_live_started},
    {HF_KIND_LIVE_STOPPED, ASKED, A, ANY, NEED(RUNNING), RE(EITHER), NULL, NULL,
	life_live_stopped},
    {HF_KIND_LIVE_IMPOSSIBLE, ASKED, LIVE, ANY, NEED(TRACE) | NEED(IDLE),
	RE(OTHER), NULL, NULL, life_live_impossible},
    {HF_KIND_FOLLOW_UP_RECEIVED, ASKED, A, O, NEED(HOLD), RE(ASK),
	life_check_received, NULL, life_received},
    {HF_KIND_DECIDED, ASKED, A, ANY, NEED(RECEIVED), RE(OTHER),
	life_check_decided, NULL, life_decided},
    {HF_KIND_END, ASKED, LIVE, ANY, 0, RE(EITHER), life_check_end, NULL,
	life_end},

    {HF_KIND_QUERY, ASKING | ASKED, LIVE, O | W, 0, RE(EITHER), NULL, NULL,
	NULL},
    {HF_KIND_ANSWER, ASKING | ASKED, ANY, ANY, 0, RE(OTHER), life_check_answer,
	NULL, NULL},
    {HF_KIND_NOTE, ASKING | ASKED, ANY, ANY, 0, RE(NONE), NULL, NULL, NULL},
    {HF_KIND_RETRACT, ASKING | ASKED, ANY, ANY, 0, RE(OWN), NULL, NULL, NULL},
    {HF_KIND_CONFIRM, ASKING | ASKED, ANY, ANY, 0, RE(OWN), life_check_confirm,
	NULL, NULL},

    {HF_KIND_GRANT, 0, 0, 0, 0, RE(NONE), NULL, NULL, NULL},
    {HF_KIND_ASSIGN, 0, 0, 0, 0, RE(NONE), NULL, NULL, NULL},
    {HF_KIND_LEGAL_HOLD, 0, 0, 0, 0, RE(NONE), NULL, NULL, NULL},

    {HF_KIND_EXPIRE, ASKED, A, ANY, NEED(HOLD), RE(EITHER), life_check_expire,
	NULL, life_expire},
    {HF_KIND_LAPSE, ASKED, N | K, ANY, 0, RE(OPENING), life_check_lapse, NULL,
	life_lapse},
    {HF_KIND_LIVE_TIMEOUT, ASKED, A, ANY, NEED(RUNNING), RE(EITHER),
	life_check_timeout, NULL, life_live_stopped},
    {HF_KIND_UNSUPPORTED, ASKED, N, ANY, 0, RE(OPENING), NULL, NULL,
	life_unsupported},
};

const struct life_rule *life_rule_of(unsigned kind)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].kind == kind)
			return &rules[i];
	return NULL;
}

static const struct {
	enum hf_err err;
	unsigned clause;
} verdicts[LIFE_NO_COUNT] = {
    [LIFE_ALLOWED] = {HF_OK, 0},
    [LIFE_UNKNOWN] = {HF_NOT_ALLOWED, 106},
    [LIFE_PLACE] = {HF_NOT_ALLOWED, 401},
    [LIFE_RE] = {HF_NOT_ALLOWED, 401},
    [LIFE_STATE] = {HF_NOT_ALLOWED, 503},
    [LIFE_TERM] = {HF_TERM, 507},
    [LIFE_LATE] = {HF_LAPSED, 507},
    [LIFE_SCOPE] = {HF_NOT_ALLOWED, 507},
    [LIFE_EARLY] = {HF_NOT_ALLOWED, 508},
    [LIFE_RULES] = {HF_NOT_ALLOWED, 510},
    [LIFE_NO_RULES] = {HF_NOT_SUPPORTED, 510},
    [LIFE_ASKS] = {HF_NOT_ALLOWED, 513},
};

enum hf_err life_no_err(enum life_no no)
{
	return verdicts[no].err;
}

unsigned life_no_clause(enum life_no no)
{
	return verdicts[no].clause;
}

bool life_rules_known(
    const struct hf_profile *profile, const struct hf_life_act *opening)
{
	unsigned measure = opening->envelope.measure;

	return profile != NULL && opening->clause == 0 &&
	       opening->envelope.rules_version == 1 && measure < 32 &&
	       (profile->measures >> measure & 1u) != 0;
}

static bool needs_met(const struct life_past *p, unsigned needs)
{
	bool running = p->s->live == HF_LIVE_RUNNING;
	unsigned met = 0;

	met |= life_hold_in_force(p->s) ? NEED(HOLD) : 0;
	met |= life_paused(p->a, p->s) ? 0 : NEED(UNPAUSED);
	met |= p->s->suspended_by != 0 ? NEED(RECEIVED) : 0;
	met |= p->opening->envelope.measure == HF_TRACE_LIVE ? NEED(TRACE) : 0;
	met |= running ? NEED(RUNNING) : NEED(IDLE);
	met |= p->opening->kind == HF_KIND_ORDER ? NEED(ORDER) : 0;
	return (needs & ~met) == 0;
}

/** Find what `re` names in one track up to `gen`, newest first: acts are
 * mostly answered soon. */
static bool find_re(struct life_past *p, unsigned track, uint32_t gen)
{
	const struct hf_life_act *acts =
	    track == HF_TRACK_ASKING ? p->c->asking : p->c->asked;

	for (; gen > 0; gen--) {
		if (life_same_id(&acts[gen - 1].id, &p->act->envelope.re)) {
			p->re = &acts[gen - 1];
			p->re_track = track;
			p->re_gen = gen;
			return true;
		}
	}
	return false;
}

static bool resolve_re(struct life_past *p, unsigned how)
{
	const struct hf_envelope *e = &p->act->envelope;

	switch ((enum life_re)how) {
	case LIFE_RE_NONE:
		return true;
	case LIFE_RE_OPENING:
		return find_re(p, HF_TRACK_ASKING, 1);
	case LIFE_RE_ASK:
		return find_re(p, HF_TRACK_ASKING, e->seen_gen) &&
		       p->re->clause == 0 && life_asks(p->re);
	case LIFE_RE_OTHER:
		return find_re(p, e->track ^ 1u, e->seen_gen);
	case LIFE_RE_OWN:
		return find_re(p, e->track, e->gen - 1);
	case LIFE_RE_EITHER:
		return find_re(p, e->track ^ 1u, e->seen_gen) ||
		       find_re(p, e->track, e->gen - 1);
	}
	return false;
}

enum life_no life_judge(struct life_past *p)
{
	const struct hf_envelope *e = &p->act->envelope;
	const struct life_rule *rule = life_rule_of(p->act->kind);

	if (e->unknown_critical)
		return LIFE_UNKNOWN;
	if (rule == NULL)
		return p->act->kind >= HF_KIND_OPTIONAL ? LIFE_ALLOWED
							: LIFE_UNKNOWN;
	if ((rule->tracks >> e->track & 1u) == 0 ||
	    (rule->asking_step == life_open && e->gen != 1))
		return LIFE_PLACE;
	if (e->track == HF_TRACK_ASKED && p->s->phase == HF_ASKED_NEW &&
	    rule->kind != HF_KIND_UNSUPPORTED &&
	    !life_rules_known(p->c->profile, p->opening))
		return LIFE_NO_RULES;
	if ((rule->asked >> p->s->phase & 1u) == 0 ||
	    (rule->asking >> p->a->phase & 1u) == 0 ||
	    !needs_met(p, rule->needs))
		return LIFE_STATE;
	if (!resolve_re(p, rule->re))
		return LIFE_RE;
	return rule->check == NULL ? LIFE_ALLOWED : rule->check(p);
}
