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

/* A hop of US with a field to show, and an act that shows it. */
static struct hf_id cite_hop(struct told *t)
{
	static const uint8_t leaf = 0;
	struct draft d;

	draft_next(
	    &d, t->w->f, "us.ncp", HF_KIND_HOP, HF_TRACK_ASKED, &t->id, &t->id);
	d.leaf_count = 1;
	d.policy[0] = HF_SHARE_REQUESTER;
	t->hop = must_submit(&d);
	draft_next(&d, t->w->f, "us.ncp", HF_KIND_REPORT, HF_TRACK_ASKED,
	    &t->id, &t->id);
	d.env.result = 3;
	d.env.categories = HF_TRAFFIC;
	draft_has(&d, HF_E_RESULT);
	draft_has(&d, HF_E_CATEGORIES);
	d.env.cite_count = 1;
	d.env.cites[0].act = t->hop;
	d.env.cites[0].leaves = bytes_of(&leaf, 1);
	draft_has(&d, HF_E_CITES);
	return must_submit(&d);
}

Test(withdraw, an_act_that_cites_is_withdrawn_too)
{
	struct told t = tell(5);
	struct hf_id cites = cite_hop(&t);

	wires_run(t.w);
	EXPECT("there", body_of(t.jp, &t.id, &cites), HF_OK);
	take_back(&t, &cites);
	wires_run_for(t.w, 2000, 500);
	EXPECT("at JP", body_of(t.jp, &t.id, &cites), HF_NOTFOUND);
	EXPECT("at US", body_of(t.us, &t.id, &cites), HF_NOTFOUND);
	EXPECT("the hop stays", body_of(t.jp, &t.id, &t.hop), HF_OK);
	wires_free(t.w);
}

/* Both desks are of one country: there is nobody to be told. */
Test(withdraw, at_home_it_is_certified_once)
{
	struct wires *w = wires_new(fed_running("US", NULL), 6);
	struct told t = {.w = w, .us = fed_node(w->f, "US")};
	struct draft d;
	uint32_t slot;

	draft_open(&d, w->f, "us.ncp", HF_KIND_ORDER, "us.isp");
	t.id = must_submit(&d);
	draft_accept(&d, w->f, "us.isp", &t.id, 40);
	must_submit(&d);
	draft_next(
	    &d, w->f, "us.isp", HF_KIND_HOP, HF_TRACK_ASKED, &t.id, &t.id);
	t.hop = must_submit(&d);
	slot = node_case(t.us, &t.id).key_slot;
	draft_next(
	    &d, w->f, "us.isp", HF_KIND_RETRACT, HF_TRACK_ASKED, &t.id, &t.hop);
	must_submit(&d);
	wires_run_for(w, 2000, 500);
	expect_gone(t.us, &t, slot);
	cr_assert_eq(wires_waiting(w, "US"), 0);
	wires_free(w);
}

/* What its own broker should have refused takes nothing back. */
Test(withdraw, a_void_retract_takes_nothing_back)
{
	static struct signed_act a;
	struct told t = tell(7);
	struct hf_id other = {{5}};
	struct intake in = {
	    .e = t.us->engine, .type = HF_ENTRY_OWN, .entered = t.w->f->now};
	struct intake_result r;
	struct draft d;

	draft_next(&d, t.w->f, "us.ncp", HF_KIND_RETRACT, HF_TRACK_ASKED, &t.id,
	    &other);
	draft_sign(&d, &a);
	EXPECT("decode", hf_act_decode(&in.act, a.frame, a.size), HF_OK);
	turn_begin(t.us);
	EXPECT("load", intake_load(&in), HF_OK);
	hf_life_act_from(&in.life, &in.act.core, &in.act.envelope,
	    &in.act.digest, &in.act.id, in.entered);
	EXPECT("fold", case_fold_for(t.us->engine, &in.c, &in.life), HF_OK);
	EXPECT("enter", intake_enter(&in, &r), HF_OK);
	turn_end(t.us);
	wires_run_for(t.w, 2000, 500);
	cr_assert_neq(node_clause(t.us, &t.id, HF_TRACK_ASKED,
			  node_case(t.us, &t.id).gens[HF_TRACK_ASKED]),
	    0);
	EXPECT("the hop", body_of(t.jp, &t.id, &t.hop), HF_OK);
	cr_assert_eq(node_statements(t.jp, HF_ENTRY_WITHDRAWN, NULL), 0);
	cr_assert(same_state(t.jp, t.us, &t.id));
	wires_free(t.w);
}
