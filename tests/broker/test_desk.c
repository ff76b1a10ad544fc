/* What a desk may ask, and what it gets (SPEC 11). */
#include "tests/broker/wires.h"

#include "broker/engine/desk.h"
#include "proto/ref.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONN 5000u

static struct reply ask(
    struct wires *w, const char *desk, unsigned op, struct hf_bytes args)
{
	return desk_ask(w, fed_officer(w->f, desk), CONN, op, args);
}

static struct reply ask_case(
    struct wires *w, const char *desk, unsigned op, const struct hf_id *id)
{
	static struct args a;

	args_begin(&a, 1);
	args_bin(&a, 1, id->b, sizeof(id->b));
	return ask(w, desk, op, args_end(&a));
}

static struct reply submit(
    struct wires *w, const char *desk, const struct signed_act *act)
{
	static struct args a;

	args_begin(&a, 1);
	args_bin(&a, 1, act->frame, act->size);
	return ask(w, desk, HF_OP_SUBMIT, args_end(&a));
}

/* Rows of a page (member 1). */
static unsigned rows_of(const struct reply *r)
{
	struct wire at;

	cr_assert(reply_has(r, 1, &at));
	return wire_array(&at, 0, HF_ARRAY_MAX);
}

static void sign_request(struct wires *w, struct signed_act *a)
{
	struct draft d;

	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, a);
}

Test(desk, hello_says_who_you_are_and_when_you_were_here)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 1);
	struct reply r = ask(w, "jp.ncp", HF_OP_HELLO, nothing);
	uint64_t first = w->f->now.ms;
	struct hf_bytes text;
	struct wire at;

	EXPECT("hello", r.code, HF_OK);
	cr_assert_eq(reply_uint(&r, 5), 0, "never before");
	cr_assert_eq(reply_uint(&r, 4), ROLE_DUTY);
	cr_assert(reply_has(&r, 2, &at));
	text = wire_str(&at, 1, HF_DESK_MAX);
	cr_assert_eq(text.size, 6);
	cr_assert_eq(memcmp(text.data, "jp.ncp", 6), 0);
	fed_wait(w->f, 60);
	r = ask(w, "jp.ncp", HF_OP_HELLO, nothing);
	cr_assert_eq(reply_uint(&r, 5), first);
	cr_assert_eq(reply_uint(&r, 7), fed_node(w->f, "JP")->size);
	wires_free(w);
}

Test(desk, a_submit_is_answered_with_a_receipt_that_verifies)
{
	static struct signed_act a;
	static struct hf_act act;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 2);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_key key = secret_sign_key(jp->broker);
	struct hf_receipt receipt;
	struct reply r;
	uint64_t size, index;

	sign_request(w, &a);
	r = submit(w, "jp.ncp", &a);
	EXPECT("submit", r.code, HF_OK);
	EXPECT("act", hf_act_decode(&act, a.frame, a.size), HF_OK);
	EXPECT("receipt",
	    hf_receipt_decode(&receipt, r.receipt.data, r.receipt.size), HF_OK);
	EXPECT("head",
	    hf_receipt_verify(&receipt, "holdfast/JP/1", &key, &size), HF_OK);
	EXPECT("for it", hf_receipt_is_for(&receipt, &act), HF_OK);
	index = reply_uint(&r, 2);
	cr_assert_eq(receipt.index, index);
	cr_assert_eq(reply_uint(&r, 5), HF_STATE_UNACKNOWLEDGED);
	cr_assert_eq(reply_uint(&r, 6), HF_SUBMIT_NOT_DELIVERED);
	fed_wait(w->f, 30);
	r = submit(w, "jp.ncp", &a);
	EXPECT("again", r.code, HF_OK);
	cr_assert_eq(reply_uint(&r, 2), index);
	cr_assert_eq(
	    reply_uint(&r, 6), HF_SUBMIT_NOT_DELIVERED | HF_SUBMIT_DUPLICATE);
	cr_assert_gt(r.receipt.size, 0);
	wires_free(w);
}

Test(desk, a_refused_submit_says_why)
{
	static struct signed_act a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 3);
	struct draft d;
	struct reply r;

	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.break_signature = true;
	draft_sign(&d, &a);
	r = submit(w, "jp.ncp", &a);
	EXPECT("signature", r.code, HF_SIGNATURE);
	cr_assert_eq(reply_uint(&r, 7), 304);
	cr_assert_eq(r.receipt.size, 0);
	r = submit(w, "jp.isp", &a); /* not the author */
	cr_assert_neq(r.code, HF_OK);
	r = ask(w, "jp.ncp", HF_OP_SUBMIT, nothing);
	EXPECT("no act", r.code, HF_MISSING_KEY);
	cr_assert_eq(node_rows(fed_node(w->f, "JP"), TABLE_CASES), 0);
	wires_free(w);
}

/* An act that preverify did not see must not pass for verified. */
Test(desk, a_signature_is_checked_wherever_the_act_stands_in_the_frame)
{
	static struct signed_act a;
	static struct args args;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 4);
	struct draft d;
	struct reply r;

	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.break_signature = true;
	draft_sign(&d, &a);
	args_begin(&args, 2);
	args_uint(&args, 0, 1); /* of no meaning, before it */
	args_bin(&args, 1, a.frame, a.size);
	r = ask(w, "jp.ncp", HF_OP_SUBMIT, args_end(&args));
	EXPECT("behind another key", r.code, HF_SIGNATURE);
	wires_free(w);
}

Test(desk, malformed_frames_are_answered_or_cut)
{
	static const struct {
		const char *what;
		uint8_t bytes[8];
		size_t size;
		bool answered;
	} bad[] = {
	    {"nothing", {0}, 0, false},
	    {"no array", {0x01}, 1, false},
	    {"no id", {0x93, 1}, 2, false},
	    {"id of a wrong type", {0x93, 1, 0xc0}, 3, false},
	    {"no args", {0x93, 1, 9}, 3, false},
	    {"args of a wrong type", {0x93, 1, 9, 0x90}, 4, true},
	    {"an unknown op", {0x93, 0x60, 9, 0x80}, 4, true},
	    {"op 0", {0x93, 0, 9, 0x80}, 4, true},
	    {"trailing bytes", {0x93, 1, 9, 0x80, 0}, 5, true},
	    {"a key twice", {0x93, 1, 9, 0x82, 1, 1, 1, 1}, 8, true},
	};
	struct wires *w = wires_new(fed_running("JP", NULL), 5);
	struct hf_key key =
	    secret_transport_key(fed_officer(w->f, "jp.ncp")->secret);

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w->cut_count = 0;
		desk_forget(w);
		desk_say(w, "JP", &key, CONN, bad[i].bytes, bad[i].size);
		cr_assert_eq(w->caught_count, bad[i].answered ? 1 : 0, "%s",
		    bad[i].what);
		cr_assert_eq(wires_was_cut(w, "JP", &key), !bad[i].answered,
		    "%s", bad[i].what);
	}
	wires_free(w);
}

Test(desk, who_is_not_in_the_roster_gets_nothing)
{
	static const uint8_t hello[] = {0x93, 1, 1, 0x80};
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 6);
	struct hf_key keys[2] = {
	    {{7}}, secret_transport_key(fed_officer(w->f, "us.ncp")->secret)};

	for (unsigned i = 0; i < 2; i++) {
		desk_say(w, "JP", &keys[i], CONN, hello, sizeof(hello));
		cr_assert_eq(w->caught_count, 0);
		cr_assert(wires_was_cut(w, "JP", &keys[i]));
	}
	cr_assert_eq(node_rows(fed_node(w->f, "JP"), TABLE_TALLY), 2);
	wires_free(w);
}

static void revoke(struct node *n, const struct hf_key *key)
{
	struct country_entry e = {.type = ENTRY_REVOCATION};

	e.u.revocation.key = *key;
	e.u.revocation.since = n->fed->now;
	e.u.revocation.revoked = n->fed->now;
	e.u.revocation.reason = 1;
	fed_entry(n, &e);
	fed_publish(n);
}

Test(desk, a_revoked_officer_is_cut_and_hears_nothing_more)
{
	static const uint8_t hello[] = {0x93, 1, 1, 0x80};
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 7);
	struct officer *ncp = fed_officer(w->f, "jp.ncp");
	struct hf_key key = secret_transport_key(ncp->secret);
	struct hf_id id = fed_request(w->f), note;
	struct draft d;

	EXPECT("watch", ask(w, "jp.ncp", HF_OP_WATCH, nothing).code, HF_OK);
	w->cut_count = 0;
	desk_forget(w);
	revoke(fed_node(w->f, "JP"), &ncp->sign);
	cr_assert(wires_was_cut(w, "JP", &key), "at once, without a frame");
	draft_next(&d, w->f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
	note = must_submit(&d);
	EXPECT("carry",
	    fed_carry(fed_node(w->f, "US"), fed_node(w->f, "JP"), &note, NULL),
	    HF_OK);
	cr_assert_eq(w->caught_count, 0, "no event");
	desk_say(w, "JP", &key, CONN, hello, sizeof(hello));
	cr_assert_eq(w->caught_count, 0, "nor any answer");
	wires_free(w);
}

Test(desk, a_revocation_stands_when_the_clock_goes_back)
{
	static const uint8_t hello[] = {0x93, 1, 1, 0x80};
	static const int64_t jumps[] = {
	    -1000, -3600000, -86400000, INT64_C(-31536000000)};
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 7);
	struct node *jp = fed_node(w->f, "JP");
	struct officer *ncp = fed_officer(w->f, "jp.ncp");
	struct hf_key key = secret_transport_key(ncp->secret);
	struct intake_result result;
	static struct signed_act a;
	struct draft d;

	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &a);
	revoke(jp, &ncp->sign);
	for (unsigned i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		/* known to be wrong, and not */
		for (unsigned certain = 0; certain < 2; certain++) {
			jp->wall_error_ms = jumps[i];
			jp->clock_certain = certain;
			EXPECT("an act",
			    fed_submit(jp, ncp, &a, nothing, &result),
			    HF_REVOKED);
			w->cut_count = 0;
			desk_forget(w);
			desk_say(w, "JP", &key, CONN, hello, sizeof(hello));
			cr_assert_eq(w->caught_count, 0, "no answer");
			cr_assert(wires_was_cut(w, "JP", &key));
		}
	}
	wires_free(w);
}

Test(desk, who_may_not_read_a_case_cannot_tell_that_it_is_here)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 8);
	struct hf_id id = fed_request(w->f), none = {{9}};
	static const unsigned ops[] = {
	    HF_OP_CASE, HF_OP_ACTS, HF_OP_ORDERS, HF_OP_DEADLINES};
	struct reply r;

	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		EXPECT("provider", ask_case(w, "jp.isp", ops[i], &id).code,
		    HF_UNKNOWN_CASE);
		EXPECT("not here", ask_case(w, "jp.isp", ops[i], &none).code,
		    HF_UNKNOWN_CASE);
		EXPECT("party", ask_case(w, "jp.ncp", ops[i], &id).code, HF_OK);
		EXPECT(
		    "auditor", ask_case(w, "jp.aud", ops[i], &id).code, HF_OK);
	}
	EXPECT("body", ask_case(w, "jp.isp", HF_OP_BODY, &id).code,
	    HF_UNKNOWN_ACT);
	EXPECT("auditor", ask_case(w, "jp.aud", HF_OP_BODY, &id).code,
	    HF_READ_DENIED);
	EXPECT("party", ask_case(w, "jp.ncp", HF_OP_BODY, &id).code, HF_OK);
	r = ask(w, "jp.isp", HF_OP_CASES, nothing);
	cr_assert_eq(rows_of(&r), 0);
	r = ask(w, "jp.ncp", HF_OP_CASES, nothing);
	cr_assert_eq(rows_of(&r), 1);
	EXPECT("entries", ask(w, "jp.ncp", HF_OP_ENTRIES, nothing).code,
	    HF_READ_DENIED);
	EXPECT("states", ask(w, "jp.isp", HF_OP_STATES, nothing).code,
	    HF_READ_DENIED);
	wires_free(w);
}

/* The act in the first row of an answer to `acts`. */
static struct hf_act first_act(const struct reply *r)
{
	struct hf_act act;
	struct hf_bytes b;
	struct wire at;

	cr_assert(reply_has(r, 1, &at));
	cr_assert_gt(wire_array(&at, 1, HF_PAGE_ROWS), 0);
	wire_array(&at, 4, 4);
	b = wire_bin(&at, 1, HF_ACT_MAX);
	EXPECT("act", hf_act_decode(&act, b.data, b.size), HF_OK);
	return act;
}

/* A bin is no text: it may begin with a NUL, and no row has an empty key. */
Test(desk, a_reference_of_nothing_names_no_case)
{
	static const unsigned ops[] = {HF_OP_CASE, HF_OP_ACTS, HF_OP_ORDERS};
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 20);
	char refs[4][HF_REF_MAX] = {"\0", "\0JP-7K2", "JP-\0"};
	size_t sizes[4] = {1, 4, 4};
	static struct signed_act act;
	static struct args a;
	struct draft d;

	/* a case's own, and more after it */
	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &act);
	EXPECT("submit", submit(w, "jp.ncp", &act).code, HF_OK);
	hf_ref(refs[3], fed_node(w->f, "JP")->country, d.created, &act.digest);
	sizes[3] = strlen(refs[3]) + 1;
	for (unsigned i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		for (unsigned k = 0; k < 4; k++) {
			struct reply r;

			args_begin(&a, 1);
			args_bin(&a, 2, refs[k], sizes[k]);
			r = ask(w, "jp.ncp", ops[i], args_end(&a));
			EXPECT("no such case", r.code, HF_UNKNOWN_CASE);
			args_begin(&a, 1);
			args_bin(&a, 2, refs[3], sizes[3] - 1);
			r = ask(w, "jp.ncp", ops[i], args_end(&a));
			EXPECT("the case", r.code, HF_OK);
		}
	wires_free(w);
}

Test(desk, a_receipt_is_for_who_reads_the_case)
{
	static const struct {
		const char *desk;
		enum hf_err act, statement;
	} who[] = {
	    {"jp.ncp", HF_OK, HF_READ_DENIED},
	    {"jp.isp", HF_READ_DENIED, HF_READ_DENIED},
	    {"jp.aud", HF_OK, HF_OK},
	};
	static struct args a;
	static struct signed_act act;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 17);
	struct reply r;
	uint64_t index;

	sign_request(w, &act);
	r = submit(w, "jp.ncp", &act);
	index = reply_uint(&r, 2);
	for (unsigned i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		args_begin(&a, 1);
		args_uint(&a, 1, index);
		r = ask(w, who[i].desk, HF_OP_RECEIPT, args_end(&a));
		EXPECT(who[i].desk, r.code, who[i].act);
		args_begin(&a, 1);
		args_uint(&a, 1, 0); /* the start */
		r = ask(w, who[i].desk, HF_OP_RECEIPT, args_end(&a));
		EXPECT(who[i].desk, r.code, who[i].statement);
		/* of the other country: nothing came back yet */
		args_begin(&a, 2);
		args_uint(&a, 1, index);
		pack_uint(&a.p, 2);
		pack_text(&a.p, "US");
		r = ask(w, who[i].desk, HF_OP_RECEIPT, args_end(&a));
		EXPECT(who[i].desk, r.code,
		    who[i].act == HF_OK ? HF_UNKNOWN_ACT : who[i].act);
	}
	args_begin(&a, 2);
	args_uint(&a, 1, index);
	pack_uint(&a.p, 2);
	pack_text(&a.p, "USA");
	r = ask(w, "jp.ncp", HF_OP_RECEIPT, args_end(&a));
	EXPECT("no country", r.code, HF_RANGE);
	args_begin(&a, 1);
	args_uint(&a, 1, UINT64_MAX);
	r = ask(w, "jp.aud", HF_OP_RECEIPT, args_end(&a));
	EXPECT("not there", r.code, HF_RANGE);
	wires_free(w);
}

/* The proof that it arrived, which the sender's desk keeps. */
Test(desk, the_other_sides_receipt_is_given_once_it_is_back)
{
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 18);
	struct hf_receipt receipt;
	struct hf_id id;
	struct wire at;
	struct hf_bytes b;
	struct hf_key key;
	struct reply r;
	uint64_t index, size;

	wires_connect_all(w);
	wires_run(w);
	id = fed_request(w->f);
	wires_run(w);
	node_look(fed_node(w->f, "JP"));
	EXPECT("index",
	    ledger_index_of(fed_node(w->f, "JP")->engine, &id, &index), HF_OK);
	node_look_end(fed_node(w->f, "JP"));
	args_begin(&a, 2);
	args_uint(&a, 1, index);
	pack_uint(&a.p, 2);
	pack_text(&a.p, "US");
	r = ask(w, "jp.ncp", HF_OP_RECEIPT, args_end(&a));
	EXPECT("receipt", r.code, HF_OK);
	cr_assert(reply_has(&r, 1, &at));
	b = wire_bin(&at, 1, HF_RECEIPT_MAX);
	EXPECT("form", hf_receipt_decode(&receipt, b.data, b.size), HF_OK);
	key = secret_sign_key(fed_node(w->f, "US")->broker);
	EXPECT("verifies",
	    hf_receipt_verify(&receipt, "holdfast/US/1", &key, &size), HF_OK);
	cr_assert_eq(receipt.leaf.type, HF_ENTRY_FOREIGN);
	cr_assert(same_id(&receipt.leaf.id, &id));
	wires_free(w);
}

Test(desk, auditors_read_acts_without_bodies)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 9);
	struct hf_id id = fed_request(w->f);
	struct reply r = ask_case(w, "jp.aud", HF_OP_ACTS, &id);
	struct hf_act act = first_act(&r);

	cr_assert_eq(act.body_bytes.size, 0);
	cr_assert(same_id(&act.id, &id));
	r = ask_case(w, "jp.ncp", HF_OP_ACTS, &id);
	act = first_act(&r);
	cr_assert_gt(act.body_bytes.size, 0);
	wires_free(w);
}

Test(desk, reading_is_on_record_once_a_minute)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 10);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_id id = fed_request(w->f);
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;
	struct instant due;

	for (unsigned i = 0; i < 5; i++)
		ask_case(w, "jp.ncp", HF_OP_CASE, &id);
	cr_assert_eq(node_statements(jp, HF_ENTRY_READ, NULL), 0);
	due = engine_next_due(jp->engine);
	cr_assert_neq(due.ms, 0);
	cr_assert_leq(due.ms, (w->f->now.ms / 60000 + 1) * 60000,
	    "the end of the minute is waited for");
	fed_wait(w->f, 60);
	wires_run_for(w, 1, 1);
	cr_assert_eq(node_statements(jp, HF_ENTRY_READ, &id), 1);
	cr_assert(node_last_statement(jp, HF_ENTRY_READ, &s, buffer));
	cr_assert_eq(s.count, 5);
	cr_assert(same_key(&s.key, &fed_officer(w->f, "jp.ncp")->sign));
	wires_free(w);
}

/* Sequences of the events on CONN so far; each greater than the last. */
static unsigned events(const struct wires *w, uint64_t *last)
{
	unsigned count = 0;

	for (unsigned i = 0; i < w->caught_count; i++) {
		uint64_t sequence;
		struct wire at;

		wire_init(&at, w->caught[i].bytes, w->caught[i].size);
		wire_array(&at, 4, 5);
		if (wire_uint(&at, 1) != HF_EVENT)
			continue;
		wire_desk(&at);
		sequence = wire_uint(&at, UINT64_MAX);
		wire_skip(&at);
		wire_close(&at);
		EXPECT("event", wire_finish(&at), HF_OK);
		cr_assert_gt(sequence, *last);
		*last = sequence;
		count++;
	}
	return count;
}

static void timer(struct wires *w, const char *node)
{
	struct event ev = node_event(fed_node(w->f, node), EVENT_TIMER);

	node_turn(fed_node(w->f, node), &ev);
}

Test(desk, a_watcher_gets_what_was_and_what_comes_in_order)
{
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 11);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_id id = fed_request(w->f);
	uint64_t last = 0;
	struct draft d;
	unsigned got;

	for (unsigned i = 0; i < 99; i++) {
		draft_next(&d, w->f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING,
		    &id, NULL);
		must_submit(&d);
	}
	args_begin(&a, 1);
	args_uint(&a, 1, 0);
	EXPECT(
	    "watch", ask(w, "jp.ncp", HF_OP_WATCH, args_end(&a)).code, HF_OK);
	got = events(w, &last);
	cr_assert_eq(got, 64, "a page a turn");
	cr_assert_leq(engine_next_mono(jp->engine), jp->engine->mono_ms + 1,
	    "the rest at once");
	desk_forget(w);
	timer(w, "JP");
	got = events(w, &last);
	cr_assert_eq(got, 36);
	desk_forget(w);
	draft_next(
	    &d, w->f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	must_submit(&d);
	cr_assert_eq(events(w, &last), 1);
	desk_forget(w);
	args_begin(&a, 1);
	args_uint(&a, 1, UINT64_MAX);
	ask(w, "jp.ncp", HF_OP_WATCH, args_end(&a));
	cr_assert_eq(events(w, &last), 0, "only from now on");
	draft_next(
	    &d, w->f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	must_submit(&d);
	cr_assert_eq(events(w, &last), 1);
	wires_free(w);
}

Test(desk, an_abandoned_turn_does_not_skip_an_event)
{
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 12);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_hash root;
	uint64_t last = 0, size;
	struct draft d;
	struct hf_id id;
	bool changed;

	args_begin(&a, 1);
	args_uint(&a, 1, 0);
	ask(w, "jp.ncp", HF_OP_WATCH, args_end(&a));
	turn_begin(jp);
	EXPECT("row",
	    inbox_put(jp->engine, &fed_officer(w->f, "jp.ncp")->desk,
		&(struct case_record){.kind = 1}, &(struct hf_id){{1}}, 1, 0,
		&fed_officer(w->f, "jp.ncp")->desk, 0),
	    HF_OK);
	EXPECT("end", engine_end(jp->engine, &size, &root, &changed), HF_OK);
	turn_abandon(jp);
	cr_assert_eq(events(w, &last), 0);
	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	id = must_submit(&d);
	cr_assert_eq(events(w, &last), 1);
	cr_assert_eq(node_case(jp, &id).gens[0], 1);
	wires_free(w);
}

Test(desk, pages_go_on_where_they_ended)
{
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 13);
	unsigned cases = 0, rows = 0, pages = 0;
	uint64_t next = 0;
	struct wire at;
	struct reply r;
	struct hf_id id = {{0}};
	bool more;

	for (unsigned i = 0; i < 70; i++) {
		struct draft d;

		draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
		must_submit(&d);
	}
	do {
		args_begin(&a, pages > 0 ? 1 : 0);
		if (pages > 0)
			args_bin(&a, 1, id.b, sizeof(id.b));
		r = ask(w, "jp.ncp", HF_OP_CASES, args_end(&a));
		EXPECT("cases", r.code, HF_OK);
		cases += rows_of(&r);
		more = reply_has(&r, 2, &at);
		if (more)
			wire_bin_copy(&at, id.b, sizeof(id.b));
		cr_assert_lt(pages++, 10);
	} while (more);
	cr_assert_eq(cases, 70);
	do {
		args_begin(&a, 1);
		args_uint(&a, 1, next);
		r = ask(w, "jp.ncp", HF_OP_INBOX, args_end(&a));
		EXPECT("inbox", r.code, HF_OK);
		rows += rows_of(&r);
		more = reply_has(&r, 2, &at);
		if (more)
			next = wire_uint(&at, UINT64_MAX);
		cr_assert_lt(pages++, 20);
	} while (more);
	cr_assert_eq(rows, 70);
	wires_free(w);
}

Test(desk, the_largest_act_can_be_read)
{
	static struct args a;
	static struct signed_act act;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 14);
	struct hf_id id = fed_request(w->f);
	struct draft d;
	struct reply r;

	draft_next(
	    &d, w->f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	d.leaf_count = 11;
	d.leaf_size = 3700;
	EXPECT("large", draft_submit(&d, &act, NULL), HF_OK);
	cr_assert_gt(act.size, 40000);
	args_begin(&a, 2);
	args_bin(&a, 1, id.b, sizeof(id.b));
	args_uint(&a, 3, 1);
	r = ask(w, "jp.ncp", HF_OP_ACTS, args_end(&a));
	EXPECT("acts", r.code, HF_OK);
	cr_assert_eq(rows_of(&r), reply_has(&r, 2, &(struct wire){0}) ? 1 : 2);
	args_begin(&a, 2);
	args_bin(&a, 1, id.b, sizeof(id.b));
	args_uint(&a, 3, 2);
	r = ask(w, "jp.ncp", HF_OP_ACTS, args_end(&a));
	EXPECT("acts", r.code, HF_OK);
	cr_assert_eq(rows_of(&r), 1);
	wires_free(w);
}

Test(desk, the_broker_in_figures)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 15);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_id id = fed_request(w->f), last = id;
	struct draft d;
	struct reply r;

	for (unsigned i = 0; i < 2; i++) {
		draft_next(&d, w->f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING,
		    &id, NULL);
		last = must_submit(&d);
	}
	EXPECT("waits", fed_carry(jp, us, &last, NULL), HF_PAST_MISSING);
	r = ask(w, "us.ops", HF_OP_STATUS, nothing);
	EXPECT("status", r.code, HF_OK);
	cr_assert_eq(reply_uint(&r, 2), us->size);
	cr_assert_eq(reply_uint(&r, 3), 2);
	cr_assert_eq(reply_uint(&r, 4), 1);
	cr_assert_eq(reply_uint(&r, 6), 1, "one waits for its past");
	wires_connect_all(w);
	wires_run(w);
	r = ask(w, "us.ops", HF_OP_STATUS, nothing);
	cr_assert_eq(reply_uint(&r, 6), 0);
	cr_assert_eq(reply_uint(&r, 3), 3);
	r = ask(w, "jp.ncp", HF_OP_PEERS, nothing);
	cr_assert_eq(rows_of(&r), 1);
	r = ask(w, "jp.ncp", HF_OP_QUEUE, nothing);
	cr_assert_eq(rows_of(&r), 0);
	wires_cut(w, "JP", "US");
	draft_next(
	    &d, w->f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	must_submit(&d);
	r = ask(w, "jp.ncp", HF_OP_QUEUE, nothing);
	cr_assert_eq(rows_of(&r), 1);
	r = ask(w, "jp.isp", HF_OP_QUEUE, nothing);
	cr_assert_eq(rows_of(&r), 0, "not of another desk's cases");
	r = ask(w, "jp.ncp", HF_OP_DEADLINES, nothing);
	cr_assert_gt(rows_of(&r), 0);
	r = ask_case(w, "jp.ncp", HF_OP_DEADLINES, &id);
	cr_assert_gt(rows_of(&r), 0);
	wires_free(w);
}

/* The only row of acts sent abroad: `id`, with a receipt of `by`. */
static void check_sent(
    const struct reply *r, struct node *by, const struct hf_id *id)
{
	struct hf_key key = secret_sign_key(by->broker);
	struct hf_receipt receipt;
	struct hf_bytes bytes;
	struct hf_id act;
	uint64_t index, size;
	struct wire at;

	cr_assert(reply_has(r, 1, &at));
	wire_array(&at, 1, 1);
	wire_array(&at, 5, 5);
	wire_bin_copy(&at, &act, sizeof(act));
	cr_assert_eq(memcmp(&act, id, sizeof(act)), 0);
	wire_uint(&at, UINT64_MAX);
	wire_country(&at);
	index = wire_uint(&at, UINT64_MAX);
	bytes = wire_bin(&at, 1, HF_RECEIPT_MAX);
	EXPECT("row", at.err, HF_OK);
	EXPECT("receipt", hf_receipt_decode(&receipt, bytes.data, bytes.size),
	    HF_OK);
	EXPECT("head",
	    hf_receipt_verify(&receipt, "holdfast/US/1", &key, &size), HF_OK);
	cr_assert_eq(receipt.index, index);
	cr_assert_eq(memcmp(&receipt.leaf.id, id, sizeof(*id)), 0);
}

Test(desk, an_auditor_gets_everything_to_verify_offline)
{
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 16);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX], old, now;
	struct hf_frontier f = {.size = 0};
	uint64_t index = 0, size = jp->size;
	struct hf_id id;
	struct wire at;
	struct reply r;
	bool more;

	old = jp->root_hash;
	wires_connect_all(w);
	id = fed_request(w->f);
	wires_run(w);
	now = jp->root_hash;
	do {
		args_begin(&a, 1);
		args_uint(&a, 1, index);
		r = ask(w, "jp.aud", HF_OP_ENTRIES, args_end(&a));
		EXPECT("entries", r.code, HF_OK);
		cr_assert(reply_has(&r, 1, &at));
		for (unsigned n = wire_array(&at, 0, HF_PAGE_ROWS); n > 0;
		     n--) {
			struct hf_bytes leaf;
			struct hf_hash h;

			wire_array(&at, 5, 5);
			leaf = wire_bin(&at, 1, HF_LEDGER_LEAF_MAX);
			for (unsigned i = 0; i < 4; i++)
				wire_skip(&at);
			wire_close(&at);
			h = hf_merkle_leaf(leaf.data, leaf.size);
			if (f.size < jp->size)
				EXPECT("leaf",
				    hf_frontier_add(&f, &h, NULL, NULL), HF_OK);
			index++;
		}
		more = reply_has(&r, 2, &at);
	} while (more);
	cr_assert_geq(f.size, size);
	now = hf_frontier_root(&f);
	args_begin(&a, 2);
	args_uint(&a, 1, size);
	args_uint(&a, 2, f.size);
	r = ask(w, "jp.aud", HF_OP_CONSISTENCY, args_end(&a));
	cr_assert(reply_has(&r, 1, &at));
	{
		struct hf_bytes b = wire_bin(&at, 0, sizeof(path));

		memcpy(path, b.data, b.size);
		EXPECT("consistency",
		    hf_merkle_verify_consistency(size, &old, f.size, &now, path,
			(unsigned)(b.size / sizeof(*path))),
		    HF_OK);
	}
	r = ask(w, "jp.aud", HF_OP_STATES, nothing);
	cr_assert_eq(rows_of(&r), 1);
	r = ask(w, "jp.aud", HF_OP_RECEIPTS, nothing);
	cr_assert_eq(rows_of(&r), 1);
	check_sent(&r, fed_node(w->f, "US"), &id);
	EXPECT("head", ask(w, "jp.aud", HF_OP_HEAD, nothing).code, HF_OK);
	args_begin(&a, 1);
	args_uint(&a, 1, 0);
	EXPECT("a statement of others",
	    ask(w, "jp.ncp", HF_OP_RECEIPT, args_end(&a)).code, HF_READ_DENIED);
	cr_assert_eq(node_case(jp, &id).gens[0], 1);
	wires_free(w);
}

/* ---- who watched, and may no more ---- */

static unsigned frames_to(const struct wires *w, uint64_t conn)
{
	unsigned count = 0;

	for (unsigned i = 0; i < w->caught_count; i++)
		count += w->caught[i].conn == conn;
	return count;
}

/* By a document that leaves him out, or puts him at another desk. */
Test(desk, a_watcher_of_another_desk_hears_nothing_of_this_one)
{
	for (unsigned moved = 0; moved < 2; moved++) {
		struct wires *w =
		    wires_new(fed_running("JP", "US", NULL), 30 + moved);
		struct node *jp = fed_node(w->f, "JP");
		struct hf_key key =
		    secret_transport_key(fed_officer(w->f, "jp.ncp")->secret);
		struct hf_id id = fed_request(w->f), act;
		struct draft d;

		EXPECT("watch", ask(w, "jp.ncp", HF_OP_WATCH, nothing).code,
		    HF_OK);
		for (unsigned i = 0; i < jp->entry_count; i++) {
			struct country_entry *e = &jp->entries[i];

			if (e->type != ENTRY_OFFICER ||
			    strcmp(e->u.officer.desk.s, "jp.ncp") != 0)
				continue;
			if (moved)
				desk_set(&e->u.officer.desk, "jp.ca");
			else
				*e = jp->entries[--jp->entry_count];
			break;
		}
		fed_publish(jp);
		desk_forget(w);
		w->cut_count = 0;
		draft_next(&d, w->f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED,
		    &id, NULL);
		act = must_submit(&d);
		EXPECT("carry", fed_carry(fed_node(w->f, "US"), jp, &act, NULL),
		    HF_OK);
		cr_assert_eq(frames_to(w, CONN), 0, "moved %u", moved);
		cr_assert(wires_was_cut(w, "JP", &key), "moved %u", moved);
		wires_free(w);
	}
}

/* Two desks of one country watch; each hears what is its own. */
Test(desk, a_watcher_hears_of_its_own_desk_alone)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 38);
	struct draft d;

	EXPECT("one", ask(w, "jp.ncp", HF_OP_WATCH, nothing).code, HF_OK);
	EXPECT("the other",
	    desk_ask(
		w, fed_officer(w->f, "jp.ca"), CONN + 1, HF_OP_WATCH, nothing)
		.code,
	    HF_OK);
	desk_forget(w);
	draft_open(&d, w->f, "jp.ca", HF_KIND_REQUEST, "us.ncp");
	must_submit(&d);
	cr_assert_eq(frames_to(w, CONN), 0);
	cr_assert_eq(frames_to(w, CONN + 1), 1);
	wires_free(w);
}

Test(desk, who_has_heard_everything_wakes_nobody)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 33);
	struct node *jp = fed_node(w->f, "JP");
	uint64_t mono = w->f->now.ms - FED_START_MS;

	EXPECT("watch", ask(w, "jp.ncp", HF_OP_WATCH, nothing).code, HF_OK);
	timer(w, "JP");
	cr_assert(engine_next_mono(jp->engine) == 0 ||
		  engine_next_mono(jp->engine) > mono + 1);
	wires_free(w);
}

/* ---- statements about a case ---- */

static struct reply receipt_of(
    struct wires *w, const char *desk, uint64_t index, const char *country)
{
	static struct args a;

	args_begin(&a, country != NULL ? 2 : 1);
	args_uint(&a, 1, index);
	if (country != NULL) {
		pack_uint(&a.p, 2);
		pack_text(&a.p, country);
	}
	return ask(w, desk, HF_OP_RECEIPT, args_end(&a));
}

/* The newest entry of a type. */
static uint64_t newest_of(struct node *n, unsigned type)
{
	struct hf_ledger_leaf leaf;
	uint64_t at = n->size;

	node_look(n);
	do {
		cr_assert_gt(at, 0, "no entry of type %u", type);
		EXPECT("leaf", ledger_leaf(n->engine, --at, &leaf), HF_OK);
	} while (leaf.type != type);
	node_look_end(n);
	return at;
}

Test(desk, who_waited_in_vain_gets_the_proof_of_it)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 34);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_receipt receipt;
	struct hf_bytes bytes;
	struct draft d;
	struct reply r;
	struct wire at;
	uint64_t index;

	wires_connect_all(w);
	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	must_submit(&d);
	wires_run_for(w, 9000, 500);
	index = newest_of(jp, HF_ENTRY_ABSENT);
	EXPECT("of his case", receipt_of(w, "jp.ncp", index, NULL).code, HF_OK);
	EXPECT("of another's", receipt_of(w, "jp.isp", index, NULL).code,
	    HF_READ_DENIED);
	r = receipt_of(w, "jp.ncp", index, "US");
	EXPECT("countersigned", r.code, HF_OK);
	cr_assert(reply_has(&r, 1, &at));
	bytes = wire_bin(&at, 1, HF_RECEIPT_MAX);
	EXPECT("decode", hf_receipt_decode(&receipt, bytes.data, bytes.size),
	    HF_OK);
	cr_assert_eq(receipt.leaf.type, HF_ENTRY_COUNTERSIGNED);
	wires_free(w);
}

Test(desk, what_a_broker_did_by_itself_has_no_body)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 35);
	struct node *us = fed_node(w->f, "US");
	struct hf_id id = fed_request(w->f);
	struct hf_ledger_leaf leaf;

	fed_wait(w->f, 11);
	timer(w, "US");
	{
		uint64_t index = newest_of(us, HF_ENTRY_MACHINE);

		node_look(us);
		EXPECT("leaf", ledger_leaf(us->engine, index, &leaf), HF_OK);
		node_look_end(us);
	}
	EXPECT(
	    "the opening", ask_case(w, "us.ncp", HF_OP_BODY, &id).code, HF_OK);
	EXPECT("the lapse", ask_case(w, "us.ncp", HF_OP_BODY, &leaf.id).code,
	    HF_UNKNOWN_ACT);
	wires_free(w);
}

/* ---- before a head is signed ---- */

static void step_desk(struct node *n, unsigned op, struct hf_bytes args)
{
	static uint8_t frame[HF_FRAME_MAX];
	struct event ev = node_event(n, EVENT_DESK_FRAME);
	struct pack p;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_uint(&p, op);
	pack_uint(&p, 1);
	pack_raw(&p, args);
	ev.conn = CONN;
	ev.key = secret_transport_key(n->officers[NCP].secret);
	ev.frame = packed(&p);
	EXPECT("step", engine_step(n->engine, &ev), HF_OK);
}

Test(desk, an_act_of_this_turn_is_shown_without_a_receipt)
{
	static struct signed_act act;
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 36);
	struct node *jp = fed_node(w->f, "JP");
	const struct effect *e;
	struct hf_id id;
	struct wire at;
	struct draft d;

	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &act);
	id = act.id;
	turn_begin(jp);
	args_begin(&a, 1);
	args_bin(&a, 1, act.frame, act.size);
	step_desk(jp, HF_OP_SUBMIT, args_end(&a));
	args_begin(&a, 1);
	args_bin(&a, 1, id.b, sizeof(id.b));
	step_desk(jp, HF_OP_ACTS, args_end(&a));
	e = effects_at(jp->effects, effects_count(jp->effects) - 1);
	cr_assert_eq(e->type, EFFECT_DESK_SEND);
	wire_init(&at, e->bytes.data, e->bytes.size);
	wire_array(&at, 4, 4);
	wire_uint(&at, 1);
	wire_uint(&at, 1);
	cr_assert_eq(wire_uint(&at, 9999), HF_OK);
	wire_map(&at, 1);
	cr_assert_eq(wire_key(&at), 1);
	cr_assert_eq(wire_array(&at, 1, 1), 1);
	wire_array(&at, 4, 4);
	cr_assert_gt(wire_bin(&at, 1, HF_ACT_MAX).size, 0);
	cr_assert_eq(wire_bin(&at, 0, HF_RECEIPT_MAX).size, 0);
	turn_end(jp);
	wires_free(w);
}

/* The first turn of a broker: its document, and a desk that asks. */
Test(desk, there_is_no_head_before_the_first_is_signed)
{
	struct federation *f = fed_new("JP", NULL);
	struct node *jp = fed_node(f, "JP");
	const struct effect *e;
	struct event ev;
	struct wire at;

	snprintf(jp->dir, sizeof(jp->dir), "/tmp/hf-test-XXXXXX");
	cr_assert_not_null(mkdtemp(jp->dir));
	node_open_store(jp);
	node_open_engine(jp);
	turn_begin(jp);
	for (unsigned i = 0; i < 3; i++) {
		static const enum event_type types[] = {
		    EVENT_START, EVENT_PIN, EVENT_DOCUMENT};

		ev = node_event(jp, types[i]);
		ev.country = jp->country;
		ev.key = secret_sign_key(jp->root);
		ev.frame = bytes_of(jp->doc->bytes, jp->doc->size);
		EXPECT("step", engine_step(jp->engine, &ev), HF_OK);
	}
	step_desk(jp, HF_OP_HEAD, bytes_of("\x80", 1));
	e = effects_at(jp->effects, effects_count(jp->effects) - 1);
	cr_assert_eq(e->type, EFFECT_DESK_SEND);
	wire_init(&at, e->bytes.data, e->bytes.size);
	wire_array(&at, 4, 4);
	wire_uint(&at, 1);
	wire_uint(&at, 1);
	cr_assert_eq(wire_uint(&at, 9999), HF_UNKNOWN_ACT);
	turn_end(jp);
	fed_free(f);
}
