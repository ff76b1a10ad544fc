/* Disclosed fields that their author took back (SPEC 12.11). */
#include "tests/broker/wires.h"

#include "broker/engine/intake.h"

#include <criterion/criterion.h>
#include <string.h>

struct told {
	struct wires *w;
	struct node *jp, *us;
	struct hf_id id, hop;
	uint32_t slot[2]; /* of the case's key, JP and US, before */
};

static enum hf_err body_of(
    struct node *n, const struct hf_id *case_id, const struct hf_id *act)
{
	static uint8_t out[HF_FRAME_MAX];
	struct case_record c = node_case(n, case_id);
	enum hf_err err;
	size_t size;

	node_look(n);
	err = case_body_get(n->engine, &c, act, out, &size);
	node_look_end(n);
	return err;
}

static enum hf_err key_in(struct node *n, uint32_t slot)
{
	uint8_t key[HF_KEY_SIZE];
	enum hf_err err;

	node_look(n);
	err = store_key_get(n->txn, slot, key);
	node_look_end(n);
	return err;
}

/* A trace that US accepted, and its hop, at both. */
static struct told tell(uint64_t seed)
{
	struct told t = {.w = wires_new(fed_running("JP", "US", NULL), seed)};
	struct draft d;

	t.jp = fed_node(t.w->f, "JP");
	t.us = fed_node(t.w->f, "US");
	wires_connect_all(t.w);
	draft_open(&d, t.w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	t.id = must_submit(&d);
	wires_run(t.w);
	draft_accept(&d, t.w->f, "us.ncp", &t.id, 40);
	must_submit(&d);
	draft_next(
	    &d, t.w->f, "us.ncp", HF_KIND_HOP, HF_TRACK_ASKED, &t.id, &t.id);
	t.hop = must_submit(&d);
	wires_run(t.w);
	cr_assert(same_state(t.jp, t.us, &t.id));
	EXPECT("the hop at JP", body_of(t.jp, &t.id, &t.hop), HF_OK);
	t.slot[0] = node_case(t.jp, &t.id).key_slot;
	t.slot[1] = node_case(t.us, &t.id).key_slot;
	return t;
}

static void take_back(struct told *t, const struct hf_id *act)
{
	struct draft d;

	draft_next(&d, t->w->f, "us.ncp", HF_KIND_RETRACT, HF_TRACK_ASKED,
	    &t->id, act);
	must_submit(&d);
}

static void expect_gone(struct node *n, const struct told *t, uint32_t slot)
{
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;

	EXPECT("its body", body_of(n, &t->id, &t->hop), HF_NOTFOUND);
	EXPECT("the opening's", body_of(n, &t->id, &t->id), HF_OK);
	EXPECT("the old key", key_in(n, slot), HF_ERASED);
	cr_assert_neq(node_case(n, &t->id).key_slot, slot);
	cr_assert_eq(node_statements(n, HF_ENTRY_WITHDRAWN, &t->id), 1);
	cr_assert(node_last_statement(n, HF_ENTRY_WITHDRAWN, &s, buffer));
	cr_assert_eq(s.detail.size, HF_ID_SIZE);
	cr_assert_eq(memcmp(s.detail.data, t->hop.b, HF_ID_SIZE), 0);
}

static bool certified(struct node *n, const struct told *t, const char *by)
{
	struct row_key k = {0};
	struct hf_bytes row;
	enum hf_err err;

	row_add(&k, t->hop.b, HF_ID_SIZE);
	row_add(&k, by, HF_COUNTRY_SIZE);
	row_add(&k, "erased", 6);
	node_look(n);
	err = txn_get(n->txn, TABLE_RECEIPTS, row_bytes(&k), &row);
	node_look_end(n);
	return err == HF_OK;
}

Test(withdraw, a_hop_taken_back_is_gone_at_both_and_each_certifies)
{
	struct told t = tell(1);

	take_back(&t, &t.hop);
	wires_run_for(t.w, 2000, 500);
	expect_gone(t.us, &t, t.slot[1]);
	expect_gone(t.jp, &t, t.slot[0]);
	cr_assert(certified(t.us, &t, "JP"), "JP tells US");
	cr_assert(certified(t.jp, &t, "US"), "US tells JP");
	cr_assert_eq(wires_waiting(t.w, "JP"), 0);
	cr_assert_eq(wires_waiting(t.w, "US"), 0);
	cr_assert(same_state(t.jp, t.us, &t.id));
	node_restart(t.jp);
	expect_gone(t.jp, &t, t.slot[0]);
	wires_free(t.w);
}

Test(withdraw, an_opening_or_a_note_is_not_withdrawn)
{
	struct told t = tell(2);
	struct hf_id note;
	struct draft d;

	draft_next(
	    &d, t.w->f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &t.id, NULL);
	note = must_submit(&d);
	wires_run(t.w);
	take_back(&t, &note);
	wires_run_for(t.w, 2000, 500);
	EXPECT("the note", body_of(t.jp, &t.id, &note), HF_OK);
	cr_assert_eq(node_statements(t.jp, HF_ENTRY_WITHDRAWN, NULL), 0);
	cr_assert_eq(node_case(t.jp, &t.id).key_slot, t.slot[0]);
	wires_free(t.w);
}

Test(withdraw, a_legal_hold_keeps_it_until_it_is_lifted)
{
	struct told t = tell(3);
	struct draft d;

	for (unsigned choice = 1; choice <= 2; choice++) {
		draft_next(&d, t.w->f, "jp.ops", HF_KIND_LEGAL_HOLD,
		    HF_TRACK_INNER_ASKING, &t.id, NULL);
		d.env.choice = choice;
		draft_has(&d, HF_E_CHOICE);
		must_submit(&d);
		if (choice == 1)
			take_back(&t, &t.hop);
		wires_run_for(t.w, 2000, 500);
		if (choice == 1)
			EXPECT("held", body_of(t.jp, &t.id, &t.hop), HF_OK);
	}
	expect_gone(t.jp, &t, t.slot[0]);
	wires_free(t.w);
}

Test(withdraw, a_crash_before_the_key_is_destroyed_is_made_good)
{
	static struct signed_act a;
	struct told t = tell(4);
	struct intake_result result;
	struct draft d;

	draft_next(&d, t.w->f, "us.ncp", HF_KIND_RETRACT, HF_TRACK_ASKED, &t.id,
	    &t.hop);
	draft_sign(&d, &a);
	turn_begin(t.us);
	EXPECT("retract",
	    intake_own(t.us->engine,
		roster_officer(engine_roster(t.us->engine),
		    hf_desk_country(&d.author->desk), &d.author->sign),
		bytes_of(a.frame, a.size), nothing, &result),
	    HF_OK);
	turn_end_crash(t.us);
	EXPECT("still there", key_in(t.us, t.slot[1]), HF_OK);
	cr_assert_eq(node_statements(t.us, HF_ENTRY_WITHDRAWN, NULL), 0);
	node_restart(t.us);
	expect_gone(t.us, &t, t.slot[1]);
	wires_free(t.w);
}
