/*
 * Single rules of the life cycle that the state table leaves to other
 * clauses: terms, scope, suspension, live traces, rules, chains, bounds.
 */
#include "tests/proto/life_rig.h"

#include <criterion/criterion.h>

static struct rig *opened(unsigned kind, unsigned measure)
{
	struct rig *r = rig_new();

	rig_open(r, kind, measure);
	return r;
}

static struct rig *accepted(unsigned kind, unsigned measure)
{
	struct rig *r = opened(kind, measure);
	struct hf_life_act act = rig_accept(r);

	rig_must(r, &act);
	return r;
}

static enum hf_err try(
    struct rig *r, const struct hf_life_act *act, unsigned *clause)
{
	enum hf_err err = hf_case_check(&r->c, act, clause);

	if (err == HF_OK || *clause != 0)
		cr_expect_eq(rig_enter(r, act), *clause);
	(*rig_count(r, act->envelope.track))--;
	rig_fold(r);
	return err;
}

/** Extends asked and accepted up to the hold ends given, in seconds. */
static struct hf_life_act extended(struct rig *r, uint64_t until_ms)
{
	struct hf_life_act act = rig_make(r, Q, HF_KIND_EXTEND);

	rig_must(r, &act);
	act = rig_reply(r, S, HF_KIND_ACCEPT, Q, r->c.asking_count);
	act.envelope.term_until.ms = until_ms;
	return act;
}

Test(life, holds_first_terms_to_the_profile)
{
	static const struct {
		uint64_t from, length;
		enum hf_err want;
	} table[] = {{0, 10000, HF_OK}, {0, 9999, HF_TERM}, {0, 100000, HF_OK},
	    {0, 100001, HF_TERM}, {HF_TIME_LIMIT - 5000000, 60000, HF_OK},
	    {50, (uint64_t)-60, HF_TERM}};
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct hf_life_act act = rig_accept(r);
		unsigned clause;

		act.envelope.term_from.ms = r->now_ms + table[i].from;
		act.envelope.term_until.ms =
		    act.envelope.term_from.ms + table[i].length;
		cr_expect_eq(try(r, &act, &clause), table[i].want, "row %u", i);
		cr_expect_eq(clause, table[i].want == HF_OK ? 0u : 507u);
	}
	free(r);
}

Test(life, holds_extensions_to_the_profile)
{
	static const struct {
		uint64_t until_s, now_s; /* from the opening */
		enum hf_err want;
	} table[] = {
	    {60, 1, HF_TERM}, /* no later than the hold's end */
	    {61, 1, HF_OK},
	    {160, 1, HF_OK}, /* term_max after the hold's end */
	    {161, 1, HF_TERM},
	    {170, 70, HF_OK}, /* or after entry, once that is later */
	    {171, 70, HF_TERM},
	};
	struct rig *r = accepted(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act;
	uint64_t zero = r->now_ms;
	unsigned clause;

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		r->now_ms = zero + table[i].now_s * 1000;
		act = extended(r, zero + table[i].until_s * 1000);
		cr_expect_eq(try(r, &act, &clause), table[i].want, "row %u", i);
	}
	r->now_ms = zero;
	act = extended(r, zero + 160000);
	rig_must(r, &act);
	cr_expect_eq(r->c.hold_until.ms, zero + 160000);
	act = extended(r, zero + 251000);
	cr_expect_eq(try(r, &act, &clause), HF_TERM, "beyond the total");
	act = extended(r, zero + 250000);
	rig_must(r, &act);
	r->profile.total_max_s = 0;
	act = extended(r, zero + 260000);
	cr_expect_eq(try(r, &act, &clause), HF_TERM, "a third extension");
	r->profile.extensions_max = 3;
	cr_expect_eq(try(r, &act, &clause), HF_OK, "no total");
	free(r);
}

Test(life, follows_the_profiles_there_are)
{
	static const char *const names[] = {
	    "budapest", "us-2703f", "japan", "test"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct hf_profile *p = hf_profile_by_name(names[i]);
		struct rig *r = rig_new();
		struct hf_life_act act;
		unsigned clause;

		cr_assert_not_null(p, "%s", names[i]);
		r->c.profile = p;
		rig_open(r, HF_KIND_REQUEST, HF_PRESERVATION);
		act = rig_accept(r);
		act.envelope.term_until.ms = r->now_ms + p->term_min_s * 1000;
		cr_expect_eq(try(r, &act, &clause), HF_OK, "%s", names[i]);
		act.envelope.term_until.ms--;
		cr_expect_eq(try(r, &act, &clause), HF_TERM, "%s", names[i]);
		act.envelope.term_until.ms = r->now_ms + p->term_max_s * 1000;
		rig_must(r, &act);
		act = extended(
		    r, act.envelope.term_until.ms + p->term_max_s * 1000);
		cr_expect_eq(try(r, &act, &clause),
		    p->extensions_max == 0 ||
			    (p->total_max_s != 0 &&
				p->total_max_s < 2 * p->term_max_s)
			? HF_TERM
			: HF_OK,
		    "%s", names[i]);
		free(r);
	}
}

Test(life, takes_no_late_answer)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act;
	unsigned clause;

	r->now_ms += 40000;
	act = rig_accept(r);
	cr_expect_eq(try(r, &act, &clause), HF_OK, "at its not-after");
	act.entered.ms++;
	cr_expect_eq(try(r, &act, &clause), HF_LAPSED);
	cr_expect_eq(clause, 507u);
	act = rig_reply(r, S, HF_KIND_LAPSE, Q, 1);
	act.entered.ms--;
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED);
	cr_expect_eq(clause, 508u);
	act.entered.ms++;
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_LAPSED);
	cr_expect(hf_case_terminal(&r->c));
	free(r);
}

static unsigned narrow_or_widen(
    struct rig *r, unsigned change, unsigned categories)
{
	struct hf_life_act act = rig_make(r, Q, HF_KIND_AMEND);

	act.envelope.change = change;
	act.envelope.categories = categories;
	rig_must(r, &act);
	return r->c.asking_count;
}

static unsigned take(struct rig *r, uint32_t ask, unsigned categories)
{
	struct hf_life_act act = rig_reply(r, S, HF_KIND_ACCEPT, Q, ask);

	act.envelope.categories = categories;
	act.envelope.term_from.ms = r->now_ms;
	act.envelope.term_until.ms = r->now_ms + 60000;
	return rig_enter(r, &act);
}

Test(life, keeps_the_scope_that_was_narrowed)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);
	uint32_t first, second;

	/* narrowed before the accept, which does not give it back */
	(void)narrow_or_widen(r, HF_NARROW, HF_CONTENT);
	cr_expect_eq(take(r, 1, HF_SUBSCRIBER | HF_CONTENT), 0u);
	cr_expect_eq(r->c.scope, (unsigned)HF_SUBSCRIBER);
	/* narrowing acts at once, a widening only when accepted */
	first = narrow_or_widen(r, HF_WIDEN, HF_TRAFFIC);
	cr_expect_eq(r->c.scope, (unsigned)HF_SUBSCRIBER);
	(void)narrow_or_widen(r, HF_NARROW, HF_TRAFFIC | HF_SUBSCRIBER);
	cr_expect_eq(r->c.scope, 0u);
	second = narrow_or_widen(r, HF_WIDEN, HF_CONTENT | HF_OTHER);
	cr_expect_eq(take(r, second, HF_TRAFFIC), 507u, "not asked for");
	cr_expect_eq(take(r, second, HF_CONTENT), 0u);
	cr_expect_eq(r->c.scope, (unsigned)HF_CONTENT, "nothing comes back");
	cr_expect_eq(take(r, first, HF_TRAFFIC), 0u);
	cr_expect_eq(r->c.scope, (unsigned)HF_CONTENT,
	    "a narrowing between the two asks still counts");
	cr_expect_eq(take(r, first, HF_TRAFFIC), 503u, "answered once");
	free(r);
}

Test(life, suspends_expiry_from_receipt_to_decision)
{
	struct rig *r = accepted(HF_KIND_REQUEST, HF_PRESERVATION);
	uint64_t zero = r->now_ms;
	struct hf_life_act act = rig_make(r, Q, HF_KIND_FOLLOW_UP);
	unsigned clause;

	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_ACCEPTED, "announced only");
	act = rig_make(r, Q, HF_KIND_FOLLOW_UP);
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED, "one at a time");
	act = rig_reply(r, S, HF_KIND_FOLLOW_UP_RECEIVED, Q, 2);
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_SUSPENDED);
	cr_expect(r->c.suspended);
	cr_expect_eq(r->c.hold_until.ms, 0u);
	r->now_ms = zero + 80000;
	act = rig_reply(r, S, HF_KIND_EXPIRE, Q, 1);
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED);
	act = rig_reply(r, S, HF_KIND_DECIDED, Q, 2);
	act.envelope.choice = 1;
	act.envelope.term_until.ms = r->now_ms;
	cr_expect_eq(try(r, &act, &clause), HF_TERM, "granted until now");
	act.envelope.term_until.ms = r->now_ms + 100001;
	cr_expect_eq(try(r, &act, &clause), HF_TERM, "beyond term_max");
	act.envelope.choice = 2;
	cr_expect_eq(try(r, &act, &clause), HF_OK);
	act.envelope.choice = 1;
	act.envelope.term_until.ms--;
	rig_must(r, &act);
	cr_expect_eq(r->c.hold_until.ms, zero + 180000);
	cr_expect_eq(r->c.state, HF_STATE_ACCEPTED);
	act = rig_make(r, Q, HF_KIND_FOLLOW_UP);
	rig_must(r, &act);
	free(r);
}

Test(life, expires_under_a_profile_that_does_not_suspend)
{
	struct rig *r = accepted(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act = rig_make(r, Q, HF_KIND_FOLLOW_UP);
	unsigned clause;

	r->profile.suspends = false;
	rig_must(r, &act);
	act = rig_reply(r, S, HF_KIND_FOLLOW_UP_RECEIVED, Q, 2);
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_ACCEPTED);
	cr_expect_neq(r->c.hold_until.ms, 0u);
	r->now_ms = r->c.hold_until.ms;
	act = rig_reply(r, S, HF_KIND_EXPIRE, S, 1);
	act.entered.ms--;
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED);
	cr_expect_eq(clause, 508u);
	act.entered.ms++;
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_EXPIRED);
	cr_expect_eq(r->c.hold_until.ms, 0u);
	free(r);
}

Test(life, lets_a_pending_follow_up_lapse)
{
	struct rig *r = accepted(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act = rig_make(r, Q, HF_KIND_FOLLOW_UP);
	unsigned clause;

	act.envelope.not_after.ms = r->now_ms + 10;
	rig_must(r, &act);
	r->now_ms += 11;
	act = rig_reply(r, S, HF_KIND_FOLLOW_UP_RECEIVED, Q, 2);
	cr_expect_eq(try(r, &act, &clause), HF_LAPSED);
	act = rig_make(r, Q, HF_KIND_FOLLOW_UP);
	rig_must(r, &act);
	/* by the asked side's clock the first was in time; then not both */
	act = rig_reply(r, S, HF_KIND_FOLLOW_UP_RECEIVED, Q, 2);
	act.entered.ms--;
	rig_must(r, &act);
	act = rig_reply(r, S, HF_KIND_FOLLOW_UP_RECEIVED, Q, 3);
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED);
	cr_expect_eq(clause, 503u);
	r->c.asked_count--;
	rig_fold(r);
	act = rig_reply(r, S, HF_KIND_DECLINE, Q, 3);
	act.envelope.reason = 7;
	rig_must(r, &act);
	cr_expect_not(r->c.outside_profile);
	act = rig_make(r, Q, HF_KIND_FOLLOW_UP);
	rig_must(r, &act);
	act = rig_reply(r, S, HF_KIND_DECLINE, Q, 4);
	act.envelope.reason = 8;
	rig_must(r, &act);
	cr_expect(r->c.outside_profile);
	free(r);
}

Test(life, bounds_a_live_trace)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_TRACE_LIVE);
	uint64_t zero = r->now_ms;
	struct hf_life_act act = rig_accept(r);
	unsigned clause;

	act.envelope.ttl_s = 0;
	cr_expect_eq(try(r, &act, &clause), HF_TERM);
	act.envelope.ttl_s = 51;
	cr_expect_eq(try(r, &act, &clause), HF_TERM);
	act.envelope.ttl_s = 50;
	rig_must(r, &act);
	act = rig_reply(r, S, HF_KIND_LIVE_STARTED, Q, 1);
	act.envelope.at.ms = zero + 1000000; /* gains nothing */
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_TRACING);
	r->now_ms = zero + 49999;
	act = rig_reply(r, S, HF_KIND_LIVE_TIMEOUT, S, 2);
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED);
	cr_expect_eq(clause, 508u);
	act.entered.ms++;
	rig_must(r, &act);
	cr_expect_eq(r->c.s[r->c.asked_folded].live, HF_LIVE_STOPPED);
	act = rig_reply(r, S, HF_KIND_LIVE_STARTED, Q, 1);
	rig_must(r, &act);
	act = rig_reply(r, S, HF_KIND_END, Q, 1);
	rig_must(r, &act);
	cr_expect_eq(r->c.s[r->c.asked_folded].live, HF_LIVE_STOPPED);
	cr_expect_eq(r->c.state, HF_STATE_ENDED);
	free(r);
}

Test(life, pauses_until_the_advice_is_answered)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act = rig_reply(r, S, HF_KIND_ADVISE, Q, 1);
	unsigned clause;

	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_ADVISED);
	act = rig_reply(r, Q, HF_KIND_GO_ON, S, 1);
	act.envelope.choice = 1;
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_UNACKNOWLEDGED);
	act = rig_accept(r);
	rig_seen(r, &act, 1); /* has not seen the go-on */
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED);
	act = rig_accept(r);
	rig_must(r, &act);
	act = rig_reply(r, Q, HF_KIND_GO_ON, S, 1);
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED, "answered once");
	act = rig_reply(r, S, HF_KIND_ADVISE, Q, 1);
	rig_must(r, &act);
	act = rig_reply(r, Q, HF_KIND_GO_ON, S, 1);
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED, "not the newest");
	cr_expect_eq(clause, 401u);
	act = rig_reply(r, Q, HF_KIND_GO_ON, S, 3);
	act.envelope.choice = 2;
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_WITHDRAWN);
	cr_expect_neq(r->c.hold_until.ms, 0u, "the asked side still holds");
	act = rig_reply(r, S, HF_KIND_END, Q, 3);
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_RELEASED);
	free(r);
}

static struct hf_life_act report(struct rig *r, uint32_t re, unsigned result)
{
	struct hf_life_act act = rig_reply(r, S, HF_KIND_REPORT, Q, re);

	act.envelope.result = result;
	act.envelope.categories = 3;
	act.envelope.term_from.ms = r->now_ms;
	act.envelope.term_until.ms = r->now_ms + 60000;
	return act;
}

Test(life, takes_a_providers_report_for_an_accept)
{
	struct rig *r = opened(HF_KIND_ORDER, HF_PRESERVATION);
	struct hf_life_act act = report(r, 1, 3);
	unsigned clause;

	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_UNACKNOWLEDGED, "never held");
	act = report(r, 1, 2);
	act.envelope.term_until.ms += 100000;
	cr_expect_eq(try(r, &act, &clause), HF_TERM);
	act = report(r, 1, 2);
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_PARTLY_PRESERVED);
	cr_expect_eq(r->c.hold_until.ms, r->now_ms + 60000);
	cr_expect_eq(r->c.scope, 3u);
	act = report(r, 1, 1); /* the rest; its term is for people */
	act.envelope.term_until.ms += 1000000;
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_PRESERVED);
	cr_expect_eq(r->c.hold_until.ms, r->now_ms + 60000);
	act = rig_make(r, Q, HF_KIND_EXTEND);
	rig_must(r, &act);
	act = report(r, 2, 1);
	act.envelope.term_until.ms = r->now_ms + 90000;
	rig_must(r, &act);
	cr_expect_eq(r->c.hold_until.ms, r->now_ms + 90000);
	cr_expect_eq(r->c.s[r->c.asked_folded].extensions, 1u);
	free(r);
}

Test(life, never_shows_accepted_as_preserved)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act = report(r, 1, 1);

	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_UNACKNOWLEDGED);
	cr_expect_eq(take(r, 1, 3), 0u);
	act = report(r, 1, 1);
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_ACCEPTED);
	free(r);
	r = opened(HF_KIND_ORDER, HF_PRESERVATION);
	r->now_ms += 50000;
	act = report(r, 1, 1); /* late: heard, but no accept */
	rig_must(r, &act);
	cr_expect_eq(r->c.state, HF_STATE_UNACKNOWLEDGED);
	free(r);
}

Test(life, asks_for_known_and_equal_rules)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act = rig_reply(r, S, HF_KIND_ACKNOWLEDGE, Q, 1);
	unsigned clause;

	act.envelope.rules_version = 2;
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED);
	cr_expect_eq(clause, 510u);
	act.envelope.rules_version = 1;
	act.envelope.rules_profile.b[31] = 1;
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED);
	cr_expect_eq(clause, 510u);
	for (unsigned i = 0; i < 3; i++) {
		rig_reset(r);
		rig_open(r, HF_KIND_REQUEST, HF_PRESERVATION);
		r->acts[Q][0].envelope.rules_version = i == 0 ? 2 : 1;
		r->c.profile = i == 1 ? NULL : &r->profile;
		r->profile.measures = i == 2 ? 1u << HF_CONSULT : 0x1e;
		rig_fold(r);
		act = rig_reply(r, S, HF_KIND_NOTE, Q, 1);
		cr_expect_eq(try(r, &act, &clause), HF_NOT_SUPPORTED);
		cr_expect_eq(clause, 510u);
		cr_expect_eq(rig_enter(r, &act), 510u);
		act = rig_make(r, Q, HF_KIND_WITHDRAW);
		cr_expect_eq(try(r, &act, &clause), HF_OK);
		act = rig_reply(r, S, HF_KIND_UNSUPPORTED, Q, 1);
		rig_must(r, &act);
		cr_expect_eq(r->c.state, HF_STATE_NOT_SUPPORTED);
		act = rig_reply(r, S, HF_KIND_NOTE, Q, 1);
		cr_expect_eq(try(r, &act, &clause), HF_OK);
		act = r->acts[Q][0];
		r->c.asking_count = r->c.asked_count = 0;
		rig_fold(r);
		cr_expect_eq(
		    hf_case_check(&r->c, &act, &clause), HF_NOT_SUPPORTED);
	}
	free(r);
}

Test(life, answers_an_opening_of_a_later_version)
{
	static const unsigned kinds[] = {HF_KIND_REQUEST, HF_KIND_NOTICE, 99};
	struct rig *r = rig_new();

	for (unsigned i = 0; i < 3; i++) {
		struct hf_life_act act;

		rig_reset(r);
		act = rig_make(r, Q, kinds[i]);
		act.envelope.rules_version = 1;
		act.envelope.measure = HF_PRESERVATION;
		act.envelope.unknown_critical = i == 0;
		cr_expect_eq(rig_enter(r, &act), 106u);
		act = rig_reply(r, S, HF_KIND_PROGRESS, Q, 1);
		cr_expect_eq(rig_enter(r, &act), 510u);
		act = rig_reply(r, S, HF_KIND_UNSUPPORTED, Q, 1);
		rig_must(r, &act);
	}
	free(r);
}

Test(life, refuses_what_does_not_chain)
{
	struct rig *r = accepted(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act good = rig_make(r, S, HF_KIND_NOTE), act;
	unsigned clause;

	rig_must(r, &good);
	good = rig_make(r, Q, HF_KIND_NOTE);
	for (unsigned i = 0; i < 7; i++) {
		static const enum hf_err want[] = {HF_OK, HF_CHAIN, HF_CHAIN,
		    HF_CHAIN, HF_GENERATION, HF_PAST_MISSING, HF_PAST_MISSING};

		act = good;
		act.envelope.prev.b[9] ^= i == 1;
		act.envelope.seen.b[9] ^= i == 2;
		act.envelope.case_id.b[9] ^= i == 3;
		act.envelope.gen -= i == 4;
		act.envelope.gen += i == 5;
		act.envelope.seen_gen += i == 6;
		cr_expect_eq(
		    hf_case_check(&r->c, &act, &clause), want[i], "%u", i);
		if (want[i] != HF_CHAIN)
			continue;
		rig_put(r, &act);
		cr_expect_eq(hf_case_fold(&r->c), HF_CHAIN, "%u", i);
		cr_expect_eq(r->c.asking_folded, 1u);
		cr_expect_eq(r->c.asked_folded, 2u);
		cr_expect_eq(r->acts[Q][1].clause, 502u);
		r->c.asking_count--;
		rig_fold(r);
	}
	rig_must(r, &good);
	act = rig_make(r, Q, HF_KIND_NOTE);
	rig_seen(r, &act, 1);
	cr_expect_eq(hf_case_check(&r->c, &act, &clause), HF_CHAIN, "unseen");
	act = rig_make(r, S, HF_KIND_NOTE);
	rig_seen(r, &act, 0);
	cr_expect_eq(hf_case_check(&r->c, &act, &clause), HF_CHAIN);
	act = rig_make(r, Q, HF_KIND_REQUEST);
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED);
	cr_expect_eq(clause, 401u);
	act.envelope.track = HF_TRACK_INNER_ASKING;
	cr_expect_eq(hf_case_check(&r->c, &act, &clause), HF_CHAIN);
	rig_reset(r);
	act = rig_make(r, Q, HF_KIND_AMEND);
	cr_expect_eq(hf_case_check(&r->c, &act, &clause), HF_CHAIN);
	free(r);
}

Test(life, bounds_acts_and_asks)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act;
	uint32_t gens[4];
	unsigned clause;

	for (unsigned i = 2; i <= HF_ASKS_MAX; i++)
		(void)narrow_or_widen(r, HF_WIDEN, 1);
	act = rig_make(r, Q, HF_KIND_AMEND);
	act.envelope.change = HF_WIDEN;
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED);
	cr_expect_eq(clause, 513u);
	act.envelope.change = HF_CHANGE_URGENCY;
	act.envelope.urgency = HF_EMERGENCY;
	rig_must(r, &act);
	cr_expect_eq(r->c.a[r->c.asking_folded].urgency, 2u);
	cr_expect_eq(hf_case_open_asks(&r->c, gens, 4), HF_ASKS_MAX);
	cr_expect_eq(gens[3], 4u);
	cr_expect_eq(take(r, 1, 1), 0u);
	for (unsigned i = 2; i <= HF_ASKS_MAX; i++) {
		act = rig_reply(r, S, HF_KIND_DECLINE, Q, i);
		rig_must(r, &act);
	}
	cr_expect_eq(hf_case_open_asks(&r->c, gens, 4), 0u);
	while (r->c.asking_count < HF_TRACK_ACTS_MAX) {
		act = rig_make(r, Q, HF_KIND_NOTE);
		rig_put(r, &act);
	}
	rig_fold(r);
	act = rig_make(r, Q, HF_KIND_NOTE);
	cr_expect_eq(hf_case_check(&r->c, &act, &clause), HF_MANY_ACTS);
	rig_put(r, &act);
	cr_expect_eq(hf_case_fold(&r->c), HF_MANY_ACTS);
	free(r);
}

Test(life, counts_open_queries_and_unconfirmed_words)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act = rig_reply(r, S, HF_KIND_QUERY, Q, 1);
	uint32_t gens[2] = {0};
	unsigned clause;

	act.envelope.present |= UINT64_C(1) << HF_E_OUTSIDER;
	rig_must(r, &act);
	cr_expect(r->c.unproven);
	cr_expect_eq(hf_case_open_queries(&r->c, S, gens, 2), 1u);
	cr_expect_eq(gens[0], 1u);
	act = rig_reply(r, Q, HF_KIND_ANSWER, S, 1);
	act.envelope.unknown_critical = true;
	cr_expect_eq(rig_enter(r, &act), 106u);
	cr_expect_eq(hf_case_open_queries(&r->c, S, gens, 2), 1u, "still");
	act = rig_reply(r, Q, HF_KIND_ANSWER, S, 1);
	rig_must(r, &act);
	cr_expect_eq(hf_case_open_queries(&r->c, S, gens, 2), 0u);
	act = rig_reply(r, Q, HF_KIND_ANSWER, S, 1);
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED, "answered once");
	act = rig_reply(r, S, HF_KIND_CONFIRM, S, 1);
	act.envelope.unknown_critical = true;
	cr_expect_eq(rig_enter(r, &act), 106u);
	cr_expect(r->c.unproven, "a void act confirms nothing");
	act = rig_reply(r, S, HF_KIND_CONFIRM, S, 1);
	rig_must(r, &act);
	cr_expect_not(r->c.unproven);
	act = rig_reply(r, S, HF_KIND_CONFIRM, S, 2);
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED, "no outsider");
	cr_expect_eq(clause, 401u);
	free(r);
}

/* One thing about the acts that are held is wrong; both tracks are folded up
 * to the act before it. */
Test(life, folds_a_track_up_to_where_it_breaks)
{
	static const struct {
		const char *what;
		unsigned track;
		uint32_t at, asking, asked;
	} rows[] = {{"an opening that has seen something", Q, 0, 0, 0},
	    {"an opening of an optional kind", Q, 0, 0, 0},
	    {"an act of the other track", S, 1, 1, 1},
	    {"a place of another act", S, 1, 1, 1},
	    {"another act before it", S, 1, 1, 1},
	    {"another case", S, 0, 1, 0}};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = accepted(HF_KIND_REQUEST, HF_PRESERVATION);
		struct hf_life_act act = rig_make(r, S, HF_KIND_NOTE), *bad;

		rig_must(r, &act);
		bad = &r->acts[rows[i].track][rows[i].at];
		bad->envelope.seen_gen += i == 0;
		if (i == 1)
			bad->kind = HF_KIND_OPTIONAL;
		bad->envelope.track ^= i == 2;
		bad->envelope.gen += i == 3;
		bad->envelope.prev.b[3] ^= i == 4;
		bad->envelope.case_id.b[3] ^= i == 5;
		cr_expect_eq(hf_case_fold(&r->c), HF_CHAIN, "%s", rows[i].what);
		cr_expect_eq(bad->clause, 502u, "%s", rows[i].what);
		cr_expect_eq(
		    r->c.asking_folded, rows[i].asking, "%s", rows[i].what);
		cr_expect_eq(
		    r->c.asked_folded, rows[i].asked, "%s", rows[i].what);
		free(r);
	}
}

Test(life, refuses_a_place_that_no_act_can_have)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act = rig_make(r, S, HF_KIND_NOTE);
	unsigned clause;

	act.envelope.gen = 0;
	cr_expect_eq(hf_case_check(&r->c, &act, &clause), HF_CHAIN);
	act.envelope.gen = 1;
	act.envelope.seen_gen = HF_TRACK_ACTS_MAX + 1;
	cr_expect_eq(hf_case_check(&r->c, &act, &clause), HF_MANY_ACTS);
	r->c.asked_count = HF_TRACK_ACTS_MAX + 1;
	cr_expect_eq(hf_case_fold(&r->c), HF_MANY_ACTS);
	cr_expect_eq(r->c.asking_folded, 0u);
	free(r);
}

Test(life, needs_a_term_where_data_are_held_and_only_there)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act = rig_accept(r);
	unsigned clause;

	act.envelope.term_from.ms = act.envelope.term_until.ms = 0;
	cr_expect_eq(try(r, &act, &clause), HF_TERM, "no term");
	act.envelope.term_from.ms = HF_TIME_LIMIT - 1;
	act.envelope.term_until.ms = HF_TIME_LIMIT - 1;
	cr_expect_eq(try(r, &act, &clause), HF_TERM, "the end of time");
	rig_reset(r);
	r->profile.measures |= 1; /* a measure before those that hold */
	rig_open(r, HF_KIND_REQUEST, 0);
	act = rig_accept(r);
	act.envelope.term_from.ms = act.envelope.term_until.ms = 0;
	cr_expect_eq(try(r, &act, &clause), HF_OK);
	rig_reset(r);
	rig_open(r, HF_KIND_REQUEST, HF_PRESERVATION);
	r->acts[Q][0].envelope.measure = 40;
	rig_fold(r);
	act = rig_accept(r);
	cr_expect_eq(try(r, &act, &clause), HF_NOT_SUPPORTED, "no such bit");
	free(r);
}

Test(life, an_opening_without_an_end_never_lapses)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act;
	unsigned clause;

	r->now_ms += 1000000;
	act = rig_reply(r, S, HF_KIND_LAPSE, Q, 1);
	cr_expect_eq(try(r, &act, &clause), HF_OK);
	r->acts[Q][0].envelope.not_after.ms = 0;
	rig_fold(r);
	cr_expect_eq(try(r, &act, &clause), HF_NOT_ALLOWED);
	cr_expect_eq(clause, 508u);
	free(r);
}

Test(life, counts_no_void_ask_and_no_void_query)
{
	struct rig *r = opened(HF_KIND_REQUEST, HF_PRESERVATION);
	struct hf_life_act act = rig_make(r, Q, HF_KIND_AMEND);
	uint32_t gens[4];

	act.envelope.change = HF_WIDEN;
	act.envelope.categories = 1;
	act.envelope.unknown_critical = true;
	cr_expect_eq(rig_enter(r, &act), 106u);
	cr_expect_eq(hf_case_open_asks(&r->c, gens, 4), 1u);
	for (unsigned i = 0; i < 4; i++) {
		act = rig_reply(r, S, HF_KIND_QUERY, Q, 1);
		act.envelope.unknown_critical = i == 0;
		(void)rig_enter(r, &act);
	}
	act = rig_reply(r, Q, HF_KIND_ANSWER, S, 3);
	rig_must(r, &act);
	/* more than there is room for are counted all the same */
	cr_expect_eq(hf_case_open_queries(&r->c, S, gens, 1), 2u);
	cr_expect_eq(gens[0], 2u);
	cr_expect_eq(hf_case_open_queries(&r->c, S, gens, 4), 2u);
	cr_expect_eq(gens[1], 4u);
	free(r);
}
