/* The deadlines of SPEC 12.7, read off a fold. */
#include "proto/deadlines.h"
#include "tests/proto/life_rig.h"

#include <criterion/criterion.h>

#define BOTH (HF_SIDE_ASKING | HF_SIDE_ASKED)

/* The deadline of a type, 0 if there is none; there may be one only. */
static uint64_t due_at(struct rig *r, enum hf_deadline type, unsigned sides)
{
	struct hf_due due[HF_DUES_MAX];
	struct instant opened = r->acts[Q][0].entered;
	uint64_t at = 0;
	unsigned n;

	n = hf_case_deadlines(&r->c, opened, sides, due, HF_DUES_MAX);
	for (unsigned i = 0; i < n; i++)
		if (due[i].type == type) {
			cr_assert_eq(at, 0, "twice");
			at = due[i].at.ms;
		}
	return at;
}

static struct rig *opened(unsigned measure)
{
	struct rig *r = rig_new();

	rig_reset(r);
	r->profile.pending_s = 3;
	r->profile.hop_s = 7;
	r->profile.confirm_s = 11;
	for (unsigned i = 0; i < 3; i++) {
		r->profile.acknowledge_s[i] = 5 + i;
		r->profile.decide_s[i] = 20 + i;
	}
	rig_open(r, HF_KIND_REQUEST, measure);
	rig_fold(r);
	return r;
}

Test(deadlines, an_opening_is_to_be_acknowledged_and_decided)
{
	struct rig *r = opened(HF_PRESERVATION);
	uint64_t at = r->acts[Q][0].entered.ms;
	struct hf_life_act a;

	cr_assert_eq(due_at(r, HF_DUE_ACKNOWLEDGE, BOTH),
	    at + r->profile.acknowledge_s[r->c.a[1].urgency] * 1000);
	cr_assert_eq(due_at(r, HF_DUE_DECIDE, BOTH),
	    at + r->profile.decide_s[r->c.a[1].urgency] * 1000);
	cr_assert_eq(due_at(r, HF_DUE_PENDING, BOTH), at + 3000);
	cr_assert_eq(due_at(r, HF_DUE_PENDING, HF_SIDE_ASKING), 0,
	    "the asked side alone tells that it has not decided");
	a = rig_accept(r);
	rig_must(r, &a);
	for (unsigned type = HF_DUE_PENDING; type <= HF_DUE_REVIEW; type++)
		cr_assert_eq(
		    due_at(r, (enum hf_deadline)type, BOTH), 0, "%u", type);
	free(r);
}

Test(deadlines, an_accepted_trace_owes_its_first_hop)
{
	struct rig *r = opened(HF_TRACE_HISTORICAL);
	struct hf_life_act a = rig_accept(r);

	rig_must(r, &a);
	cr_assert_eq(
	    due_at(r, HF_DUE_FIRST_HOP, HF_SIDE_ASKING), a.entered.ms + 7000);
	a = rig_reply(r, S, HF_KIND_WITHHELD_HOP, Q, 1);
	rig_must(r, &a);
	cr_assert_eq(due_at(r, HF_DUE_FIRST_HOP, BOTH), 0);
	free(r);
}

Test(deadlines, what_rests_on_a_word_is_confirmed_by_its_own_side)
{
	struct rig *r = opened(HF_PRESERVATION);
	struct hf_life_act a = rig_reply(r, S, HF_KIND_PROGRESS, Q, 1);

	a.envelope.present |= UINT64_C(1) << HF_E_OUTSIDER;
	rig_must(r, &a);
	cr_assert_eq(
	    due_at(r, HF_DUE_CONFIRM, HF_SIDE_ASKED), a.entered.ms + 11000);
	cr_assert_eq(due_at(r, HF_DUE_CONFIRM, HF_SIDE_ASKING), 0);
	rig_reset(r);
	rig_open(r, HF_KIND_REQUEST, HF_PRESERVATION);
	a = rig_make(r, Q, HF_KIND_NOTE);
	a.envelope.present |= UINT64_C(1) << HF_E_OUTSIDER;
	a.envelope.outsider.confirm_by.ms = 4711;
	rig_must(r, &a);
	cr_assert_eq(due_at(r, HF_DUE_CONFIRM, HF_SIDE_ASKING), 4711);
	cr_assert_eq(due_at(r, HF_DUE_CONFIRM, HF_SIDE_ASKED), 0);
	free(r);
}

Test(deadlines, a_file_ends_when_nothing_is_held_or_asked)
{
	struct rig *r = opened(HF_PRESERVATION);
	struct hf_life_act a;

	cr_assert(!hf_case_ended(&r->c));
	a = rig_accept(r);
	rig_must(r, &a);
	a = rig_make(r, Q, HF_KIND_WITHDRAW);
	rig_must(r, &a);
	cr_assert(!hf_case_ended(&r->c), "the hold is in force");
	a = rig_reply(r, S, HF_KIND_END, Q, 1);
	rig_must(r, &a);
	cr_assert(hf_case_ended(&r->c));
	free(r);
}

Test(deadlines, a_far_term_is_cut_at_the_end_of_time)
{
	struct instant t = {5000};

	cr_assert_eq(hf_later(t, 2).ms, 7000);
	cr_assert_eq(hf_later(t, UINT64_MAX).ms, HF_TIME_LIMIT - 1);
}

static unsigned all_due(struct rig *r, unsigned max)
{
	struct hf_due due[HF_DUES_MAX];

	return hf_case_deadlines(&r->c, r->acts[Q][0].entered, BOTH, due, max);
}

Test(deadlines, no_more_are_told_than_there_is_room_for)
{
	struct rig *r = opened(HF_PRESERVATION);

	cr_assert_eq(
	    all_due(r, HF_DUES_MAX), 3, "pending, decide, acknowledge");
	for (unsigned max = 0; max < 3; max++)
		cr_assert_eq(all_due(r, max), max);
	free(r);
}

Test(deadlines, rules_that_are_not_known_give_none)
{
	struct rig *r = opened(HF_TRACE_HISTORICAL);
	struct hf_life_act a = rig_make(r, Q, HF_KIND_NOTE);

	a.envelope.present |= UINT64_C(1) << HF_E_OUTSIDER;
	rig_must(r, &a);
	cr_assert_gt(due_at(r, HF_DUE_CONFIRM, BOTH), 0);
	r->c.profile = NULL;
	cr_assert_eq(due_at(r, HF_DUE_DECIDE, BOTH), 0);
	cr_assert_eq(due_at(r, HF_DUE_FIRST_HOP, BOTH), 0);
	cr_assert_eq(due_at(r, HF_DUE_CONFIRM, BOTH), 0);
	r->acts[Q][1].envelope.outsider.confirm_by.ms = 4711;
	cr_assert_eq(due_at(r, HF_DUE_CONFIRM, BOTH), 4711, "its own");
	free(r);
}

Test(deadlines, an_urgency_of_a_later_version_is_taken_for_the_least)
{
	struct rig *r = opened(HF_PRESERVATION);
	uint64_t at = r->acts[Q][0].entered.ms;

	r->acts[Q][0].envelope.urgency = HF_EMERGENCY + 1;
	rig_fold(r);
	cr_assert_eq(due_at(r, HF_DUE_DECIDE, BOTH), at + 20000);
	cr_assert_eq(due_at(r, HF_DUE_ACKNOWLEDGE, BOTH), at + 5000);
	free(r);
}

Test(deadlines, a_report_on_an_order_is_its_decision_if_it_is_in_effect)
{
	struct rig *r = rig_new();
	struct hf_life_act a;

	r->profile.decide_s[0] = 20;
	rig_open(r, HF_KIND_ORDER, HF_PRESERVATION);
	a = rig_make(r, Q, HF_KIND_AMEND);
	a.envelope.change = HF_WIDEN;
	a.envelope.categories = 1;
	rig_must(r, &a);
	for (unsigned i = 0; i < 3; i++) {
		struct hf_due due[HF_DUES_MAX];
		unsigned n, asks = 0;

		/* a void one, then on the other ask, then on the opening */
		a = rig_reply(r, S, HF_KIND_REPORT, Q, i == 1 ? 2 : 1);
		a.envelope.result = 3;
		a.envelope.categories = 15;
		a.envelope.unknown_critical = i == 0;
		cr_assert_eq(rig_enter(r, &a), i == 0 ? 106u : 0u);
		n = hf_case_deadlines(
		    &r->c, r->acts[Q][0].entered, BOTH, due, HF_DUES_MAX);
		for (unsigned k = 0; k < n; k++)
			asks += due[k].type == HF_DUE_DECIDE;
		cr_assert_eq(asks, 2 - i, "%u", i);
	}
	free(r);
}

Test(deadlines, the_first_hop_is_counted_from_the_first_accept)
{
	struct rig *r = opened(HF_TRACE_HISTORICAL);
	struct hf_life_act a = rig_accept(r);
	uint64_t at = a.entered.ms;

	rig_must(r, &a);
	r->now_ms += 1000;
	a = rig_make(r, Q, HF_KIND_EXTEND);
	rig_must(r, &a);
	a = rig_reply(r, S, HF_KIND_ACCEPT, Q, 2);
	a.envelope.categories = 15;
	a.envelope.term_until.ms = r->now_ms + 70000;
	rig_must(r, &a);
	a = rig_reply(r, S, HF_KIND_HOP, Q, 1);
	a.envelope.unknown_critical = true;
	cr_assert_eq(rig_enter(r, &a), 106u);
	cr_assert_eq(
	    due_at(r, HF_DUE_FIRST_HOP, BOTH), at + 7000, "a void hop is none");
	a = rig_reply(r, S, HF_KIND_HOP, Q, 1);
	rig_must(r, &a);
	cr_assert_eq(due_at(r, HF_DUE_FIRST_HOP, BOTH), 0);
	free(r);
}

Test(deadlines, a_query_without_a_date_has_none_and_sixty_four_are_watched)
{
	struct rig *r = opened(HF_PRESERVATION);
	struct hf_life_act a = rig_reply(r, S, HF_KIND_QUERY, Q, 1);
	unsigned before;

	rig_must(r, &a);
	cr_assert_eq(due_at(r, HF_DUE_REPLY, BOTH), 0);
	a = rig_reply(r, S, HF_KIND_QUERY, Q, 1);
	a.envelope.due.ms = 4711;
	rig_must(r, &a);
	cr_assert_eq(due_at(r, HF_DUE_REPLY, BOTH), 4711);
	before = all_due(r, HF_DUES_MAX);
	for (unsigned i = 2; i < 70; i++) {
		a = rig_reply(r, S, HF_KIND_QUERY, Q, 1);
		a.envelope.due.ms = 4711;
		rig_put(r, &a);
	}
	rig_fold(r);
	cr_assert_eq(all_due(r, HF_DUES_MAX), before + 62);
	free(r);
}

Test(deadlines, a_follow_up_that_suspends_is_reviewed)
{
	struct rig *r = opened(HF_PRESERVATION);
	struct hf_life_act a = rig_accept(r);

	rig_must(r, &a);
	a = rig_make(r, Q, HF_KIND_FOLLOW_UP);
	rig_must(r, &a);
	cr_assert_eq(due_at(r, HF_DUE_REVIEW, BOTH), 0);
	a = rig_reply(r, S, HF_KIND_FOLLOW_UP_RECEIVED, Q, 2);
	a.envelope.due.ms = 4711;
	rig_must(r, &a);
	/* neither a later act nor one that is void hides it */
	a = rig_make(r, S, HF_KIND_NOTE);
	rig_must(r, &a);
	a = rig_reply(r, S, HF_KIND_FOLLOW_UP_RECEIVED, Q, 2);
	a.envelope.due.ms = 4712;
	cr_assert_neq(rig_enter(r, &a), 0u);
	cr_assert_eq(due_at(r, HF_DUE_REVIEW, HF_SIDE_ASKED), 4711);
	cr_assert_eq(due_at(r, HF_DUE_REVIEW, HF_SIDE_ASKING), 0);
	free(r);
}

Test(deadlines, only_the_confirmation_in_effect_of_that_very_word_counts)
{
	struct rig *r = opened(HF_PRESERVATION);
	uint64_t word = UINT64_C(1) << HF_E_OUTSIDER;
	struct hf_life_act a;

	for (unsigned i = 0; i < 3; i++) {
		a = rig_reply(r, S, HF_KIND_PROGRESS, Q, 1);
		a.envelope.present |= word;
		a.envelope.outsider.confirm_by.ms = 4711;
		a.envelope.unknown_critical = i == 1;
		(void)rig_enter(r, &a);
	}
	for (unsigned i = 0; i < 2; i++) {
		a = rig_reply(r, S, HF_KIND_CONFIRM, S, i == 0 ? 1 : 3);
		a.envelope.unknown_critical = i == 0;
		(void)rig_enter(r, &a);
	}
	/* the void word owes nothing, the last is confirmed; the first is due
	 * (due_at wants one only) */
	cr_assert_eq(due_at(r, HF_DUE_CONFIRM, HF_SIDE_ASKED), 4711);
	free(r);
}

Test(deadlines, a_consultation_that_was_accepted_ends_with_its_asking)
{
	struct rig *r = opened(HF_CONSULT);
	struct hf_life_act a = rig_accept(r);

	a.envelope.term_from.ms = a.envelope.term_until.ms = 0;
	rig_must(r, &a);
	cr_assert_not(hf_case_ended(&r->c));
	a = rig_make(r, Q, HF_KIND_WITHDRAW);
	rig_must(r, &a);
	cr_assert(hf_case_ended(&r->c), "there is nothing to release");
	free(r);
}
