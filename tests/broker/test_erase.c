/* The end of a file (SPEC 12.8). */
#include "tests/broker/fixture.h"

#include "broker/engine/intake.h"

#include <criterion/criterion.h>
#include <string.h>

static void tick(struct node *n)
{
	turn_begin(n);
	turn_end(n);
}

/** A request, carried, and withdrawn at home. */
static struct hf_id withdrawn(struct federation *f, struct hf_id *act)
{
	struct draft d;
	struct hf_id id;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	id = must_submit(&d);
	cr_assert_eq(
	    fed_carry(fed_node(f, "JP"), fed_node(f, "US"), &id, NULL), HF_OK);
	draft_next(
	    &d, f, "jp.ncp", HF_KIND_WITHDRAW, HF_TRACK_ASKING, &id, NULL);
	*act = must_submit(&d);
	return id;
}

static enum hf_err body_of(struct node *n, const struct hf_id *id)
{
	static uint8_t out[HF_FRAME_MAX];
	struct case_record c = node_case(n, id);
	enum hf_err err;
	size_t size;

	node_look(n);
	err = case_body_get(n->engine, &c, id, out, &size);
	node_look_end(n);
	return err;
}

static enum hf_err key_of(struct node *n, const struct hf_id *id)
{
	struct case_record c = node_case(n, id);
	uint8_t key[HF_KEY_SIZE];
	enum hf_err err;

	node_look(n);
	err = store_key_get(n->txn, c.key_slot, key);
	node_look_end(n);
	return err;
}

Test(erase, makes_bodies_unreadable_and_certifies)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id act, id = withdrawn(f, &act);
	struct draft d;

	cr_assert_eq(node_case(jp, &id).retain_until.ms, f->now.ms + 3000);
	fed_wait(f, 2);
	tick(jp);
	cr_assert_eq(body_of(jp, &id), HF_OK);
	fed_wait(f, 1);
	tick(jp);
	cr_assert(node_case(jp, &id).erased);
	cr_assert_eq(body_of(jp, &id), HF_ERASED);
	cr_assert_eq(key_of(jp, &id), HF_ERASED);
	cr_assert_eq(node_rows(jp, TABLE_BODIES), 0);
	cr_assert_eq(node_rows(jp, TABLE_DUE), 0);
	cr_assert_eq(node_statements(jp, HF_ENTRY_ERASED, &id), 1);
	/* nobody erases the other's copy */
	cr_assert_eq(body_of(us, &id), HF_OK);
	/* what was not delivered yet travels without its body */
	cr_assert_eq(fed_carry(jp, us, &act, NULL), HF_OK);
	cr_assert_eq(node_case(us, &id).state, HF_STATE_WITHDRAWN);
	draft_next(&d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	cr_assert_eq(draft_submit(&d, &a, NULL), HF_ERASED);
	/* and what arrives later is kept without one */
	draft_next(&d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
	act = must_submit(&d);
	cr_assert_eq(fed_carry(us, jp, &act, NULL), HF_OK);
	cr_assert_eq(node_case(jp, &id).gens[HF_TRACK_ASKED], 1);
	cr_assert_eq(node_rows(jp, TABLE_BODIES), 0);
	fed_free(f);
}

Test(erase, goes_on_after_a_crash_between_intent_and_certificate)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_id act, id = withdrawn(f, &act);
	uint32_t slot;

	fed_wait(f, 3);
	turn_begin(jp);
	turn_end_crash(jp);
	cr_assert_not(node_case(jp, &id).erased);
	cr_assert_eq(key_of(jp, &id), HF_OK);
	/* between key and certificate the act goes without what is gone */
	slot = node_case(jp, &id).key_slot;
	EXPECT("destroy", store_keys_destroy(jp->store, &slot, 1), HF_OK);
	EXPECT("carry", fed_carry(jp, fed_node(f, "US"), &act, NULL), HF_OK);
	node_restart(jp);
	cr_assert(node_case(jp, &id).erased);
	cr_assert_eq(key_of(jp, &id), HF_ERASED);
	cr_assert_eq(node_statements(jp, HF_ENTRY_ERASED, &id), 1);
	node_restart(jp);
	cr_assert_eq(node_statements(jp, HF_ENTRY_ERASED, &id), 1);
	fed_free(f);
}

static void legal_hold(
    struct federation *f, const struct hf_id *id, unsigned choice)
{
	struct draft d;

	draft_next(&d, f, "jp.ops", HF_KIND_LEGAL_HOLD, HF_TRACK_INNER_ASKING,
	    id, NULL);
	d.env.choice = choice;
	draft_has(&d, HF_E_CHOICE);
	must_submit(&d);
}

Test(erase, stops_for_a_legal_hold_until_it_is_lifted)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_id act, id = withdrawn(f, &act);

	legal_hold(f, &id, 1);
	cr_assert(node_case(jp, &id).legal_hold);
	fed_wait(f, 100);
	tick(jp);
	cr_assert_not(node_case(jp, &id).erased);
	cr_assert_eq(body_of(jp, &id), HF_OK);
	legal_hold(f, &id, 2);
	tick(jp);
	tick(jp);
	cr_assert(node_case(jp, &id).erased);
	cr_assert_eq(body_of(jp, &id), HF_ERASED);
	fed_free(f);
}

Test(erase, waits_while_a_hold_is_in_force_and_while_time_is_uncertain)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id act, id = withdrawn(f, &act);
	struct draft d;

	draft_accept(&d, f, "us.ncp", &id, 20);
	must_submit(&d);
	fed_wait(f, 10);
	tick(us);
	cr_assert_eq(node_case(us, &id).ended.ms, 0);
	fed_wait(f, 10);
	tick(us);
	cr_assert_eq(node_case(us, &id).state, HF_STATE_EXPIRED);
	us->clock_certain = false;
	fed_wait(f, 3);
	tick(us);
	cr_assert_not(node_case(us, &id).erased);
	us->clock_certain = true;
	tick(us);
	cr_assert(node_case(us, &id).erased);
	fed_free(f);
}
