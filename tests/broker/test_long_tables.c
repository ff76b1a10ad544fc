/* Long tables: one answer looks at a bounded number of rows, says where it goes
 * on, and leaves nothing out (SPEC 11); and what is more than one turn does. */
#include "tests/broker/wires.h"

#include "broker/engine/intake.h"
#include "broker/engine/link.h"

#include <criterion/criterion.h>
#include <string.h>

#define CONN 5000u
#define MANY 70u          /* more than a page of rows */
#define BEYOND_SCAN 1100u /* more than one answer looks at */

/* All rows that a desk gets, and in how many answers; `more` reads where the
 * next begins into *a, or says that this was the last. */
static unsigned all_rows(struct wires *w, const char *desk, unsigned op,
    void (*more)(struct args *a, struct wire *at), unsigned *answers)
{
	static struct args a;
	struct hf_bytes args = nothing;
	unsigned rows = 0;

	for (*answers = 1;; ++*answers) {
		struct reply r =
		    desk_ask(w, fed_officer(w->f, desk), CONN, op, args);
		struct wire at;

		EXPECT("a page", r.code, HF_OK);
		cr_assert(reply_has(&r, 1, &at));
		rows += wire_array(&at, 0, HF_ARRAY_MAX);
		if (!reply_has(&r, 2, &at))
			return rows;
		cr_assert_lt(*answers, 50, "it goes on for ever");
		more(&a, &at);
		args = args_end(&a);
		desk_forget(w);
	}
}

static void after_number(struct args *a, struct wire *at)
{
	args_begin(a, 1);
	args_uint(a, 1, wire_uint(at, UINT64_MAX));
}

static void after_id(struct args *a, struct wire *at)
{
	struct hf_bytes id = wire_bin(at, HF_ID_SIZE, HF_ID_SIZE);

	args_begin(a, 1);
	args_bin(a, 1, id.data, id.size);
}

static void after_key(struct args *a, struct wire *at)
{
	struct hf_bytes key = wire_bin(at, 1, STORE_KEY_MAX);

	args_begin(a, 1);
	args_bin(a, 2, key.data, key.size);
}

static struct hf_id id_of(unsigned i)
{
	struct hf_id id = {{0x20, (uint8_t)(i >> 8), (uint8_t)i}};

	return id;
}

/* Records like that of `id`, before it in the order of the table. */
static void fill_cases(struct node *n, const struct hf_id *id, unsigned kind,
    const char *to, unsigned count)
{
	struct case_record c = node_case(n, id);

	if (to != NULL)
		desk_set(&c.to, to);
	c.kind = kind;
	turn_begin(n);
	for (unsigned i = 0; i < count; i++) {
		c.id = id_of(i);
		EXPECT("save", case_save(n->engine, &c), HF_OK);
	}
	turn_end(n);
}

/* ---- what is looked at ---- */

Test(long_tables, cases_that_one_may_not_read_cost_a_bounded_answer)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 1);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_id id = fed_request(w->f);
	unsigned answers;
	struct draft d;

	fill_cases(jp, &id, HF_KIND_REQUEST, NULL, BEYOND_SCAN);
	draft_open(&d, w->f, "jp.ncp", HF_KIND_ORDER, "jp.isp");
	must_submit(&d);
	cr_assert_eq(all_rows(w, "jp.isp", HF_OP_CASES, after_id, &answers), 1,
	    "its own order is found behind them");
	cr_assert_gt(answers, 1);
	wires_free(w);
}

Test(long_tables, cases_without_an_opening_cost_a_bounded_answer)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 2);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_id id = fed_request(w->f);
	unsigned answers;

	fill_cases(jp, &id, 0, NULL, BEYOND_SCAN);
	cr_assert_eq(
	    all_rows(w, "jp.aud", HF_OP_STATES, after_id, &answers), 1);
	cr_assert_eq(answers, 2);
	cr_assert_eq(
	    all_rows(w, "jp.aud", HF_OP_CERTIFICATES, after_id, &answers), 0);
	cr_assert_eq(answers, 2);
	wires_free(w);
}

Test(long_tables, deadlines_of_others_cost_a_bounded_answer)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 3);
	struct node *jp = fed_node(w->f, "JP");
	unsigned answers;
	struct draft d;

	turn_begin(jp);
	for (unsigned i = 0; i < BEYOND_SCAN; i++) {
		struct hf_id other = id_of(i);

		EXPECT("due",
		    due_set(jp->engine, &other, HF_DUE_DECIDE, 0,
			(struct instant){w->f->now.ms + 500}),
		    HF_OK);
	}
	turn_end(jp);
	draft_open(&d, w->f, "jp.ncp", HF_KIND_ORDER, "jp.isp");
	must_submit(&d);
	cr_assert_gt(
	    all_rows(w, "jp.isp", HF_OP_DEADLINES, after_key, &answers), 0);
	cr_assert_gt(answers, 1);
	wires_free(w);
}

Test(long_tables, a_queue_of_others_costs_a_bounded_answer)
{
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 4);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_id id = fed_request(w->f);
	struct case_record c = node_case(jp, &id);
	struct hf_act act = {.core.kind = HF_KIND_NOTE, .id = id};
	struct reply r;
	struct wire at;

	turn_begin(jp);
	for (unsigned i = 0; i < BEYOND_SCAN; i++)
		EXPECT("put",
		    outbox_put(
			jp->engine, fed_node(w->f, "US")->country, &c, &act, 1),
		    HF_OK);
	turn_end(jp);
	args_begin(&a, 1);
	args_bin(&a, 1, "US", 2);
	r = desk_ask(
	    w, fed_officer(w->f, "jp.isp"), CONN, HF_OP_QUEUE, args_end(&a));
	EXPECT("queue", r.code, HF_OK);
	cr_assert(reply_has(&r, 1, &at));
	cr_assert_eq(wire_array(&at, 0, HF_ARRAY_MAX), 0, "of no case of his");
	cr_assert(reply_has(&r, 2, &at), "it goes on");
	cr_assert_eq(wire_uint(&at, UINT64_MAX), 1024);
	wires_free(w);
}

Test(long_tables, entries_that_were_not_sent_cost_a_bounded_answer)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 5);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_statement s = {.type = HF_ENTRY_PENDING, .subject = {{1}}};
	unsigned answers;
	uint64_t index;

	turn_begin(jp);
	for (unsigned i = 0; i < BEYOND_SCAN; i++)
		EXPECT("state", ledger_add_statement(jp->engine, &s, &index),
		    HF_OK);
	turn_end(jp);
	fed_request(w->f);
	cr_assert_eq(
	    all_rows(w, "jp.aud", HF_OP_RECEIPTS, after_number, &answers), 1);
	cr_assert_eq(answers, 2);
	wires_free(w);
}

/* ---- what fits a page ---- */

Test(long_tables, a_page_of_entries_ends_before_its_frame_does)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 6);
	struct node *us = fed_node(w->f, "US");
	unsigned answers;
	struct draft d;

	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	for (unsigned i = 0; i < 2 * HF_PAGE_ROWS; i++) {
		draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
		must_submit(&d);
	}
	wires_run_for(w, 2000, 500);
	cr_assert_eq(wires_waiting(w, "JP"), 0, "all are delivered");
	cr_assert_eq(
	    all_rows(w, "jp.aud", HF_OP_RECEIPTS, after_number, &answers),
	    2 * HF_PAGE_ROWS);
	cr_assert_eq(
	    all_rows(w, "us.aud", HF_OP_ENTRIES, after_number, &answers),
	    us->size);
	cr_assert_gt(answers, us->size / HF_PAGE_ROWS + 1,
	    "what came with a receipt is long");
	draft_open(&d, w->f, "us.ncp", HF_KIND_ORDER, "us.isp");
	must_submit(&d);
	cr_assert_eq(
	    all_rows(w, "us.aud", HF_OP_RECEIPTS, after_number, &answers), 0,
	    "what came, and what stays at home, was not sent");
	wires_free(w);
}

/* The certificate of US for a case, as link_statement.c keeps it. */
static void certify(struct node *jp, const struct hf_id *id, size_t size)
{
	static const uint8_t receipt[HF_RECEIPT_MAX];
	struct row_key k = {0};

	row_add(&k, id->b, sizeof(id->b));
	row_add(&k, "US", HF_COUNTRY_SIZE);
	row_add(&k, "erased", 6);
	EXPECT("certificate",
	    txn_put(jp->txn, TABLE_RECEIPTS, row_bytes(&k),
		bytes_of(receipt, size)),
	    HF_OK);
}

Test(long_tables, every_certificate_is_given)
{
	static const size_t sizes[] = {300, 1500}; /* rows, bytes of a page */
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 7);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_id id = fed_request(w->f);

	fill_cases(jp, &id, HF_KIND_REQUEST, NULL, MANY);
	for (unsigned k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		unsigned answers;

		turn_begin(jp);
		for (unsigned i = 0; i < MANY; i++) {
			struct hf_id one = id_of(i);

			certify(jp, &one, sizes[k]);
		}
		turn_end(jp);
		cr_assert_eq(all_rows(w, "jp.aud", HF_OP_CERTIFICATES, after_id,
				 &answers),
		    MANY);
		cr_assert_gt(answers, 1 + k);
	}
	wires_free(w);
}

Test(long_tables, large_acts_wait_for_the_next_frame)
{
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 8);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct draft d;
	struct hf_id id;

	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	id = must_submit(&d);
	for (unsigned i = 0; i < 3; i++) {
		draft_next(&d, w->f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING,
		    &id, NULL);
		d.leaf_count = 8;
		d.leaf_size = 3000;
		must_submit(&d);
	}
	wires_connect_all(w);
	wires_run(w);
	cr_assert_geq(w->carried[HF_LINK_BATCH], 2, "three are no frame");
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	cr_assert(same_state(jp, us, &id));
	/* nor when they are fetched */
	pack_init(&a.p, a.bytes, sizeof(a.bytes));
	pack_array(&a.p, 5);
	pack_uint(&a.p, HF_LINK_FETCH);
	pack_bin(&a.p, id.b, sizeof(id.b));
	pack_uint(&a.p, HF_TRACK_ASKING);
	pack_uint(&a.p, 2);
	pack_uint(&a.p, 4);
	w->carried[HF_LINK_ACTS] = 0;
	wires_inject(w, "US", "JP", a.bytes, a.p.at);
	cr_assert_eq(w->flying_count, 1);
	cr_assert_eq(w->flying[0].type, HF_LINK_ACTS);
	cr_assert_lt(w->flying[0].size, HF_FRAME_MAX);
	{
		struct wire at;

		wire_init(&at, w->flying[0].bytes, w->flying[0].size);
		wire_array(&at, 3, 3);
		wire_uint(&at, HF_LINK_ACTS);
		wire_skip(&at);
		cr_assert_eq(wire_array(&at, 1, 3), 2, "the third waits");
	}
	wires_free(w);
}

/* ---- what one turn does ---- */

Test(long_tables, a_minute_of_many_refusals_is_written_in_several_turns)
{
	struct federation *f = fed_running("JP", NULL);
	struct node *jp = fed_node(f, "JP");
	struct event ev;

	turn_begin(jp);
	for (unsigned i = 0; i < 300; i++) {
		struct hf_key key = {{(uint8_t)(i >> 8), (uint8_t)i}};

		EXPECT("count",
		    tally_refusal(jp->engine, &key, HF_NOT_IN_ROSTER), HF_OK);
	}
	turn_end(jp);
	fed_wait(f, 61);
	ev = node_event(jp, EVENT_TIMER);
	node_turn(jp, &ev);
	cr_assert_eq(node_statements(jp, HF_ENTRY_REFUSED, NULL), 256);
	cr_assert_leq(
	    engine_next_due(jp->engine).ms, f->now.ms, "the rest is due");
	node_turn(jp, &ev);
	cr_assert_eq(node_statements(jp, HF_ENTRY_REFUSED, NULL), 300);
	fed_free(f);
}

Test(long_tables, who_watches_on_too_many_connections_is_told_to_come_again)
{
	struct wires *w = wires_new(fed_running("JP", NULL), 9);
	struct node *jp = fed_node(w->f, "JP");
	struct officer *o = fed_officer(w->f, "jp.ncp");
	struct event gone = node_event(jp, EVENT_DESK_GONE);

	for (uint64_t conn = 1; conn <= 1024; conn++) {
		EXPECT("watch", desk_ask(w, o, conn, HF_OP_WATCH, nothing).code,
		    HF_OK);
		desk_forget(w);
	}
	EXPECT("one more", desk_ask(w, o, 2000, HF_OP_WATCH, nothing).code,
	    HF_BUSY);
	EXPECT("hello needs none",
	    desk_ask(w, o, 2000, HF_OP_HELLO, nothing).code, HF_OK);
	gone.conn = 7;
	node_turn(jp, &gone);
	EXPECT("a place is free",
	    desk_ask(w, o, 2000, HF_OP_WATCH, nothing).code, HF_OK);
	wires_free(w);
}

/* A node of the tree that the start did not need, as damage leaves it. */
static void damage_leaf(struct node *n, uint64_t index)
{
	struct row_key k = {0};
	uint8_t node[HF_HASH_SIZE] = {7};
	struct txn *t;

	row_add_u8(&k, 255);
	row_add_be64(&k, index);
	EXPECT("begin", txn_begin(&t, n->store), HF_OK);
	EXPECT("node",
	    txn_put(
		t, TABLE_NODES, row_bytes(&k), bytes_of(node, sizeof(node))),
	    HF_OK);
	EXPECT("commit", txn_commit(t), HF_OK);
}

/* The start reads the newest 100,000 entries; the rest is read beside the
 * work, a slice at a time. */
Test(long_tables, an_old_entry_that_rotted_is_found_beside_the_work)
{
	struct federation *f = fed_new("JP", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_statement s = {.type = HF_ENTRY_PENDING, .subject = {{1}}};
	uint64_t index, slice, mono;
	struct hf_hash root;
	bool changed;

	jp->map_size = 512u << 20;
	fed_start(f);
	turn_begin(jp);
	for (unsigned i = 0; i < 100400; i++)
		EXPECT("state", ledger_add_statement(jp->engine, &s, &index),
		    HF_OK);
	turn_end(jp);
	node_close(jp);
	node_open_store(jp);
	damage_leaf(jp, 300);
	node_open_engine(jp);
	slice = jp->engine->scrub_end;
	cr_assert_gt(slice, 300, "what the start left unread");
	for (unsigned i = 0; i < 2; i++) {
		struct event ev = node_event(jp, EVENT_TIMER);

		cr_assert_not(engine_damaged(jp->engine, &index));
		mono = engine_next_mono(jp->engine);
		if (i == 1)
			cr_assert_eq(mono, ev.mono_ms + 20, "soon");
		for (unsigned k = 0; i == 1 && k < 2; k++) {
			node_turn(jp, &ev); /* too soon: nothing is read */
			cr_assert_eq(jp->engine->scrub_at, 256);
		}
		f->now.ms += 20;
		ev = node_event(jp, EVENT_TIMER);
		turn_begin(jp);
		EXPECT("a slice",
		    engine_end(jp->engine, &slice, &root, &changed),
		    i == 0 ? HF_OK : HF_CORRUPT);
		if (i == 0)
			EXPECT("commit", txn_commit(jp->txn), HF_OK);
		else
			txn_abort(jp->txn);
		jp->txn = NULL;
		effects_free(jp->effects);
		jp->effects = NULL;
	}
	cr_assert(engine_damaged(jp->engine, &index));
	cr_assert_eq(index, 300);
	fed_free(f);
}
