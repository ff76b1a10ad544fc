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
