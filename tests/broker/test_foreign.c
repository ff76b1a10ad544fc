/* What comes from abroad: proved, in its place, void or waiting (SPEC 5.4,
 * 12.6). */
#include "tests/broker/fixture.h"

#include "broker/engine/intake.h"

#include <criterion/criterion.h>
#include <string.h>

/** What a broken broker would do: enter an act without judging it. */
static void force(struct node *n, const struct signed_act *a)
{
	struct intake in = {
	    .e = n->engine, .type = HF_ENTRY_OWN, .entered = n->fed->now};
	struct intake_result result;

	EXPECT("decode", hf_act_decode(&in.act, a->frame, a->size), HF_OK);
	turn_begin(n);
	EXPECT("load", intake_load(&in), HF_OK);
	hf_life_act_from(&in.life, &in.act.core, &in.act.envelope,
	    &in.act.digest, &in.act.id, in.entered);
	EXPECT("fold", case_fold_for(n->engine, &in.c, &in.life), HF_OK);
	EXPECT("enter", intake_enter(&in, &result), HF_OK);
	turn_end(n);
}

/** The same without any place in a case: only the ledger has it. */
static void force_leaf(struct node *n, const struct signed_act *a)
{
	struct hf_act act;
	uint64_t index;

	EXPECT("decode", hf_act_decode(&act, a->frame, a->size), HF_OK);
	turn_begin(n);
	EXPECT("ledger", ledger_add_act(n->engine, HF_ENTRY_OWN, &act, &index),
	    HF_OK);
	turn_end(n);
}

static enum hf_err bring_signed(struct node *from, struct node *to,
    const struct signed_act *a, struct intake_result *result)
{
	uint8_t receipt[HF_RECEIPT_MAX];
	size_t size = node_receipt(from, &a->id, receipt);

	return fed_bring(to, from->country, bytes_of(a->frame, a->size),
	    bytes_of(receipt, size), result);
}

Test(foreign, a_void_act_from_abroad_keeps_its_gen)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct intake_result result;
	struct hf_id id = fed_request(f), note;
	struct draft d;

	draft_next(&d, f, "jp.ncp", HF_KIND_EXTEND, HF_TRACK_ASKING, &id, NULL);
	d.env.term_until.ms = f->now.ms + 30000;
	d.env.not_after.ms = f->now.ms + 5000;
	draft_has(&d, HF_E_TERM);
	draft_has(&d, HF_E_NOT_AFTER);
	EXPECT("at home", draft_submit(&d, &a, NULL), HF_NOT_ALLOWED);
	force(jp, &a);
	EXPECT("carry", fed_carry(jp, us, &a.id, &result), HF_OK);
	cr_assert_eq(result.clause, 503);
	cr_assert_eq(node_clause(us, &id, HF_TRACK_ASKING, 2), 503);
	cr_assert_eq(node_clause(jp, &id, HF_TRACK_ASKING, 2), 503);
	draft_next(&d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	note = must_submit(&d);
	EXPECT("the next", fed_carry(jp, us, &note, NULL), HF_OK);
	cr_assert_eq(node_clause(us, &id, HF_TRACK_ASKING, 3), 0);
	cr_assert(same_state(us, jp, &id));
	fed_free(f);
}

Test(foreign, an_act_waits_for_its_past)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct intake_result result;
	struct hf_id first, second, third;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	first = must_submit(&d);
	draft_next(
	    &d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &first, NULL);
	second = must_submit(&d);
	draft_next(
	    &d, f, "jp.ncp", HF_KIND_WITHDRAW, HF_TRACK_ASKING, &first, NULL);
	third = must_submit(&d);
	EXPECT("third", fed_carry(jp, us, &third, &result), HF_PAST_MISSING);
	EXPECT("second", fed_carry(jp, us, &second, NULL), HF_PAST_MISSING);
	EXPECT("third again", fed_carry(jp, us, &third, &result), HF_OK);
	cr_assert(result.flags & HF_SUBMIT_DUPLICATE);
	cr_assert_eq(node_case(us, &first).kind, 0);
	EXPECT("first", fed_carry(jp, us, &first, NULL), HF_OK);
	cr_assert_eq(node_case(us, &first).gens[HF_TRACK_ASKING], 3);
	cr_assert_eq(node_case(us, &first).state, HF_STATE_WITHDRAWN);
	cr_assert(same_state(us, jp, &first));
	fed_free(f);
}

Test(foreign, two_acts_for_one_place_are_kept_as_proof)
{
	static struct signed_act a, b, early;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id id = fed_request(f);
	struct draft d, other;

	draft_next(&d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	other = d;
	hf_random(other.env.salt, sizeof(other.env.salt));
	EXPECT("one", draft_submit(&d, &a, NULL), HF_OK);
	EXPECT("carry", fed_carry(jp, us, &a.id, NULL), HF_OK);
	draft_sign(&other, &b);
	force_leaf(jp, &b);
	for (unsigned i = 0; i < 2; i++)
		EXPECT("other", bring_signed(jp, us, &b, NULL), HF_GENERATION);
	cr_assert_eq(node_rows(us, TABLE_CONFLICTS), 1);
	cr_assert_eq(node_statements(us, HF_ENTRY_CONFLICT, &b.id), 1);
	cr_assert_eq(node_case(us, &id).gens[HF_TRACK_ASKING], 2);

	/* one that waited and does not chain must not stop the track */
	other.env.gen = 4;
	other.env.prev = b.digest;
	draft_has(&other, HF_E_PREV);
	hf_random(other.env.salt, sizeof(other.env.salt));
	draft_sign(&other, &early);
	force_leaf(jp, &early);
	EXPECT("early", bring_signed(jp, us, &early, NULL), HF_PAST_MISSING);
	for (unsigned gen = 3; gen <= 4; gen++) {
		struct hf_id note;

		draft_next(
		    &d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
		note = must_submit(&d);
		EXPECT("on", fed_carry(jp, us, &note, NULL), HF_OK);
	}
	cr_assert_eq(node_case(us, &id).gens[HF_TRACK_ASKING], 4);
	cr_assert_eq(node_rows(us, TABLE_CONFLICTS), 2);
	fed_free(f);
}

Test(foreign, what_comes_from_abroad_must_be_proved)
{
	static struct signed_act a, b;
	struct federation *f = fed_running("JP", "US", "DE", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	uint8_t receipt[HF_RECEIPT_MAX], other[HF_RECEIPT_MAX];
	struct hf_bytes ra, rb, fa;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	EXPECT("a", draft_submit(&d, &a, NULL), HF_OK);
	hf_random(d.env.salt, sizeof(d.env.salt));
	EXPECT("b", draft_submit(&d, &b, NULL), HF_OK);
	fa = bytes_of(a.frame, a.size);
	ra = bytes_of(receipt, node_receipt(jp, &a.id, receipt));
	rb = bytes_of(other, node_receipt(jp, &b.id, other));
	EXPECT("another's receipt", fed_bring(us, jp->country, fa, rb, NULL),
	    HF_RECEIPT);
	cr_assert_neq(fed_bring(us, jp->country, fa, nothing, NULL), HF_OK);
	EXPECT("another peer",
	    fed_bring(us, fed_node(f, "DE")->country, fa, ra, NULL),
	    HF_WRONG_COUNTRY);
	EXPECT("another country",
	    fed_bring(fed_node(f, "DE"), jp->country, fa, ra, NULL),
	    HF_WRONG_COUNTRY);
	for (size_t i = 0; i < ra.size; i++) {
		receipt[i] ^= 0x40;
		cr_assert_neq(fed_bring(us, jp->country, fa, ra, NULL), HF_OK,
		    "receipt byte %zu", i);
		receipt[i] ^= 0x40;
	}
	cr_assert_eq(node_rows(us, TABLE_CASES), 0);

	/* ledgered by a broken broker, yet not signed by its officer */
	hf_random(d.env.salt, sizeof(d.env.salt));
	d.break_signature = true;
	draft_sign(&d, &b);
	force_leaf(jp, &b);
	EXPECT("forged", bring_signed(jp, us, &b, NULL), HF_SIGNATURE);
	draft_open(&d, f, "jp.aud", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &b);
	force_leaf(jp, &b);
	EXPECT("role", bring_signed(jp, us, &b, NULL), HF_ROLE);
	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.env.roster++;
	draft_sign(&d, &b);
	force_leaf(jp, &b);
	EXPECT("document to come", bring_signed(jp, us, &b, NULL), HF_BUSY);
	cr_assert_eq(node_rows(us, TABLE_CASES), 0);
	EXPECT("whole", fed_bring(us, jp->country, fa, ra, NULL), HF_OK);
	fed_free(f);
}

Test(foreign, a_machine_act_is_of_the_brokers_own_key)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_ledger_leaf leaf;
	struct hf_id id = fed_request(f), other = fed_request(f);
	uint64_t index;

	for (unsigned i = 0; i < 2; i++) {
		const struct hf_id *which = i == 0 ? &id : &other;
		struct case_record c = node_case(us, which);

		us->clock_certain = false;
		fed_wait(f, i == 0 ? 10 : 0);
		us->engine->options.ledger_key.b[0] ^= i == 0 ? 1 : 0;
		turn_begin(us);
		EXPECT("lapse",
		    machine_act(
			us->engine, &c, HF_KIND_LAPSE, HF_TRACK_ASKED, which),
		    HF_OK);
		us->engine->options.ledger_key.b[0] ^= i == 0 ? 1 : 0;
		turn_end(us);
		node_look(us);
		EXPECT("place",
		    case_place(us->engine, which, HF_TRACK_ASKED, 1, &index),
		    HF_OK);
		EXPECT("leaf", ledger_leaf(us->engine, index, &leaf), HF_OK);
		node_look_end(us);
		cr_assert_eq(leaf.type, HF_ENTRY_MACHINE);
		EXPECT("carry", fed_carry(us, jp, &leaf.id, NULL),
		    i == 0 ? HF_ROLE : HF_OK);
		cr_assert_eq(node_case(jp, which).state,
		    i == 0 ? HF_STATE_UNACKNOWLEDGED : HF_STATE_LAPSED);
	}
	fed_free(f);
}

Test(foreign, unknown_rules_are_answered_unsupported)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct case_record c;
	struct draft d;
	struct hf_id answer;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.env.rules_profile.b[0] ^= 1;
	EXPECT("at home", draft_submit(&d, &a, NULL), HF_NOT_SUPPORTED);
	force(jp, &a);
	EXPECT("carry", fed_carry(jp, us, &a.id, NULL), HF_OK);
	c = node_case(us, &a.id);
	cr_assert_eq(c.state, HF_STATE_NOT_SUPPORTED);
	cr_assert_eq(
	    node_kind_at(us, &a.id, HF_TRACK_ASKED, 1), HF_KIND_UNSUPPORTED);
	node_look(us);
	EXPECT("load",
	    case_act_load(us->engine, &a.id, HF_TRACK_ASKED, 1,
		&us->engine->work_acts[0][0]),
	    HF_OK);
	answer = us->engine->work_acts[0][0].id;
	node_look_end(us);
	EXPECT("the machine act", fed_carry(us, jp, &answer, NULL), HF_OK);
	cr_assert_eq(node_case(jp, &a.id).state, HF_STATE_NOT_SUPPORTED);
	fed_free(f);
}

/* An act that came before the opening, by a desk that is no party to it, loses
 * its place; what waits under no opening at all is nobody's. */
Test(foreign, who_is_no_party_does_not_write_in_a_case)
{
	static struct signed_act opening, early;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct draft d;

	for (unsigned i = 0; i < 2; i++) {
		draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
		EXPECT("opening", draft_submit(&d, &opening, NULL), HF_OK);
		draft_next(&d, f, i == 0 ? "jp.ca" : "jp.ncp", HF_KIND_NOTE,
		    HF_TRACK_ASKING, &opening.id, NULL);
		if (i == 1)
			desk_set(&d.env.to, "us.ca");
		draft_sign(&d, &early);
		force_leaf(jp, &early);
		EXPECT("early", bring_signed(jp, us, &early, NULL),
		    HF_PAST_MISSING);
		EXPECT("opening", fed_carry(jp, us, &opening.id, NULL), HF_OK);
		cr_assert_eq(
		    node_case(us, &opening.id).gens[HF_TRACK_ASKING], 1);
		cr_assert_eq(
		    node_statements(us, HF_ENTRY_CONFLICT, &early.id), 1);
	}
	fed_free(f);
}

Test(foreign, what_does_not_chain_is_refused)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id id = fed_request(f);
	struct intake_result r;
	struct draft d;

	draft_next(&d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	d.env.prev.b[0] ^= 1;
	draft_sign(&d, &a);
	force_leaf(jp, &a);
	EXPECT("another past", bring_signed(jp, us, &a, &r), HF_CHAIN);
	cr_assert_eq(r.clause, 502);
	cr_assert_eq(node_case(us, &id).gens[HF_TRACK_ASKING], 1);
	fed_free(f);
}

/* Inner tracks do not cross, nobody is his own peer, and what we never sent
 * does not come back. */
Test(foreign, acts_come_from_the_other_side_of_a_case_only)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", "DE", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id id = fed_request(f);
	struct draft d;

	draft_next(
	    &d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKING, &id, NULL);
	desk_set(&d.env.to, "us.ncp");
	draft_sign(&d, &a);
	force_leaf(jp, &a);
	EXPECT(
	    "an inner one", bring_signed(jp, us, &a, NULL), HF_WRONG_COUNTRY);
	draft_open(&d, f, "us.ncp", HF_KIND_ORDER, "us.isp");
	draft_sign(&d, &a);
	force_leaf(us, &a);
	EXPECT(
	    "from ourselves", bring_signed(us, us, &a, NULL), HF_WRONG_COUNTRY);
	draft_open(&d, f, "us.ncp", HF_KIND_REQUEST, "de.ncp");
	draft_sign(&d, &a);
	force_leaf(us, &a);
	us->engine->recall_epoch = 1;
	EXPECT("ours to a third, back from JP",
	    fed_bring(
		us, jp->country, bytes_of(a.frame, a.size), nothing, NULL),
	    HF_WRONG_COUNTRY);
	fed_free(f);
}

/* Thirty bits of a digest: two openings may have one reference. */
Test(foreign, a_reference_that_is_taken_is_not_taken_twice)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id other = {{9}};
	char ref[HF_REF_MAX];
	struct draft d;

	for (unsigned i = 0; i < 2; i++) {
		draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
		EXPECT("home", draft_submit(&d, &a, NULL), HF_OK);
		hf_ref(ref, jp->country, d.created, &a.digest);
		turn_begin(us);
		EXPECT("taken",
		    case_ref_add(us->engine, ref, i == 0 ? &other : &a.id),
		    HF_OK);
		turn_end(us);
		EXPECT("carry", fed_carry(jp, us, &a.id, NULL),
		    i == 0 ? HF_REF_TAKEN : HF_OK);
	}
	fed_free(f);
}

/* A receipt says by its type whose act it is. */
Test(foreign, a_receipt_of_another_kind_of_entry_proves_nothing)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_act act;
	uint64_t index;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &a);
	EXPECT("decode", hf_act_decode(&act, a.frame, a.size), HF_OK);
	turn_begin(jp);
	EXPECT("as a machine's",
	    ledger_add_act(jp->engine, HF_ENTRY_MACHINE, &act, &index), HF_OK);
	turn_end(jp);
	EXPECT("its type", bring_signed(jp, us, &a, NULL), HF_RECEIPT);
	fed_free(f);
}

/* ---- of a later version (SPEC 1.6) ---- */

#define LATER_OPENING 77u /* a kind that no version here knows */

Test(foreign, an_opening_of_a_later_version_is_kept_void_and_answered)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct intake_result r;
	struct draft d;

	draft_open(&d, f, "jp.ncp", LATER_OPENING, "us.ncp");
	d.env.present &= ~(UINT64_C(1) << HF_E_RULES);
	draft_sign(&d, &a);
	force(jp, &a);
	EXPECT("carry", fed_carry(jp, us, &a.id, &r), HF_OK);
	cr_assert_eq(r.clause, 106);
	cr_assert_eq(node_clause(us, &a.id, HF_TRACK_ASKING, 1), 106);
	cr_assert(same_state(jp, us, &a.id) ||
		  node_case(us, &a.id).gens[HF_TRACK_ASKED] == 1);
	fed_free(f);
}

Test(foreign, what_opens_no_case_names_one)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct intake_result r;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_OPTIONAL + 9, "us.ncp");
	d.env.track = HF_TRACK_ASKED;
	draft_sign(&d, &a);
	force_leaf(jp, &a);
	EXPECT("of no case", bring_signed(jp, us, &a, &r), HF_SHAPE);
	cr_assert_eq(r.clause, 303);
	fed_free(f);
}

Test(foreign, a_kind_that_is_not_known_is_kept_and_counts_as_speech)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;
	struct hf_id id = fed_request(f), act;
	struct draft d;

	draft_next(
	    &d, f, "us.ncp", HF_KIND_OPTIONAL + 9, HF_TRACK_ASKED, &id, NULL);
	act = must_submit(&d);
	EXPECT("carry", fed_carry(us, jp, &act, NULL), HF_OK);
	cr_assert_eq(
	    node_kind_at(jp, &id, HF_TRACK_ASKED, 1), HF_KIND_OPTIONAL + 9);
	cr_assert(same_state(jp, us, &id));
	/* who took it back took nothing back that was disclosed */
	draft_next(&d, f, "us.ncp", HF_KIND_RETRACT, HF_TRACK_ASKED, &id, &act);
	act = must_submit(&d);
	EXPECT("carry", fed_carry(us, jp, &act, NULL), HF_OK);
	cr_assert_eq(node_statements(us, HF_ENTRY_WITHDRAWN, NULL), 0);
	fed_wait(f, 8);
	turn_begin(jp);
	turn_end(jp);
	cr_assert(node_last_statement(jp, HF_ENTRY_ABSENT, &s, buffer));
	cr_assert_eq(s.count, HF_SILENT_UNDECIDED, "somebody was there");
	fed_free(f);
}

/* ---- what its own broker should have refused ---- */

Test(foreign, a_track_has_an_end)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id id = fed_request(f);
	struct intake_result r;
	struct draft d;

	draft_next(&d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	d.env.gen = HF_TRACK_ACTS_MAX + 1;
	draft_sign(&d, &a);
	force_leaf(jp, &a);
	EXPECT("beyond it", bring_signed(jp, us, &a, &r), HF_MANY_ACTS);
	cr_assert_eq(r.clause, 501);
	fed_free(f);
}

/* Who may co-sign is asked as of the time of entry, by what is known now. */
Test(foreign, a_cosigner_is_an_officer_who_could_sign_then)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct country_entry entry = {.type = ENTRY_REVOCATION};
	struct intake_result r;
	struct hf_id act[2];
	struct draft d;

	for (unsigned i = 0; i < 2; i++) {
		draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
		d.cosigner = fed_officer(f, "jp.ca");
		act[i] = must_submit(&d);
	}
	EXPECT("two signatures", fed_carry(jp, us, &act[0], &r), HF_OK);
	entry.u.revocation.key = d.cosigner->sign;
	entry.u.revocation.since.ms = f->now.ms - 2000;
	entry.u.revocation.revoked.ms = f->now.ms - 1000;
	entry.u.revocation.reason = 1;
	fed_wait(f, 1);
	fed_entry(jp, &entry);
	fed_publish(jp);
	EXPECT("it was revoked by then", fed_carry(jp, us, &act[1], &r),
	    HF_REVOKED);
	cr_assert_eq(r.clause, 304);
	/* and at home: who keeps the broker does not approve */
	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.cosigner = fed_officer(f, "jp.ops");
	{
		static struct signed_act a;

		EXPECT("an operator", draft_submit(&d, &a, &r), HF_ROLE);
		cr_assert_eq(r.clause, 304);
	}
	fed_free(f);
}

Test(foreign, who_brings_the_act_of_another_has_entered_nothing)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct intake_result r;
	struct event ev;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	EXPECT("own", draft_submit(&d, &a, NULL), HF_OK);
	EXPECT("carry", fed_carry(jp, us, &a.id, NULL), HF_OK);
	EXPECT("by an officer of US",
	    fed_submit(us, fed_officer(f, "us.ncp"), &a, nothing, &r),
	    HF_GENERATION);
	cr_assert_eq(r.clause, 1201);
	/* nor does anybody act for a country that is not trusted any more */
	draft_next(&d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &a.id, NULL);
	EXPECT("note", draft_submit(&d, &a, NULL), HF_OK);
	ev = node_event(us, EVENT_UNPIN);
	ev.country = jp->country;
	node_turn(us, &ev);
	EXPECT("unpinned", fed_carry(jp, us, &a.id, &r), HF_UNKNOWN_COUNTRY);
	cr_assert_eq(r.clause, 403);
	fed_free(f);
}

/* What an opening of a later version asks for nobody can tell. */
Test(foreign, unknown_rules_are_not_answered_before_sides_are_back)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.env.rules_profile.b[0] ^= 1;
	draft_sign(&d, &a);
	force(jp, &a);
	us->engine->recall_epoch = 1;
	EXPECT("carry", fed_carry(jp, us, &a.id, NULL), HF_OK);
	cr_assert_eq(node_case(us, &a.id).gens[HF_TRACK_ASKED], 0);
	fed_free(f);
}

/* Nobody here has a profile for the basis: it is kept for no time. */
Test(foreign, a_case_under_rules_that_nobody_knows_is_erased_soon)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.env.rules_profile.b[0] ^= 1;
	d.env.basis = 99;
	draft_sign(&d, &a);
	force(jp, &a);
	EXPECT("carry", fed_carry(jp, us, &a.id, NULL), HF_OK);
	cr_assert_eq(node_case(us, &a.id).state, HF_STATE_NOT_SUPPORTED);
	fed_wait(f, 1);
	turn_begin(us);
	turn_end(us);
	cr_assert(node_case(us, &a.id).erased);
	cr_assert_eq(node_statements(us, HF_ENTRY_ERASED, &a.id), 1);
	fed_free(f);
}
