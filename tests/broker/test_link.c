/* Between brokers: what one has entered the other gets, once in effect,
 * whatever happens to frames and processes (SPEC 10). */
#include "tests/broker/wires.h"

#include "broker/engine/link.h"

#include <criterion/criterion.h>
#include <string.h>

static struct hf_id submit_note(
    struct federation *f, const char *author, const struct hf_id *id)
{
	struct draft d;

	draft_next(&d, f, author, HF_KIND_NOTE,
	    author[0] == 'j' ? HF_TRACK_ASKING : HF_TRACK_ASKED, id, NULL);
	return must_submit(&d);
}

static struct hf_id submit_request(struct federation *f, const char *to)
{
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, to);
	return must_submit(&d);
}

static uint64_t index_of(struct node *n, const struct hf_id *act)
{
	uint64_t index;

	node_look(n);
	EXPECT("index", ledger_index_of(n->engine, act, &index), HF_OK);
	node_look_end(n);
	return index;
}

/* The newest row of a desk's inbox says `delivered` with this code. */
static void expect_told(struct node *n, const char *desk, unsigned code)
{
	struct row_key prefix = {0};
	struct hf_bytes key, value;
	struct wire w;

	row_add(&prefix, desk, strlen(desk) + 1);
	node_look(n);
	EXPECT("inbox row",
	    txn_last(n->txn, TABLE_INBOX, row_bytes(&prefix), &key, &value),
	    HF_OK);
	wire_init(&w, value.data, value.size);
	wire_array(&w, 8, 8);
	for (unsigned i = 0; i < 6; i++)
		wire_skip(&w);
	cr_assert_eq(wire_uint(&w, 255), HF_ENTRY_DELIVERED);
	cr_assert_eq(wire_uint(&w, 9999), code);
	node_look_end(n);
}

Test(link, a_request_arrives_and_its_receipt_comes_back)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 1);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_id id, note;

	wires_connect_all(w);
	wires_run(w);
	id = submit_request(w->f, "us.ncp");
	cr_assert_eq(wires_waiting(w, "JP"), 1);
	wires_run(w);
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	cr_assert(same_state(jp, us, &id));
	cr_assert_eq(node_statements(jp, HF_ENTRY_DELIVERED, &id), 1);
	expect_told(jp, "jp.ncp", 0);
	note = submit_note(w->f, "us.ncp", &id);
	wires_run(w);
	cr_assert_eq(wires_waiting(w, "US"), 0);
	cr_assert_eq(node_statements(us, HF_ENTRY_DELIVERED, &note), 1);
	cr_assert(same_state(jp, us, &id));
	wires_free(w);
}

Test(link, what_was_entered_while_it_was_down_goes_when_it_is_up)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 2);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_id id = submit_request(w->f, "us.ncp");

	for (unsigned i = 0; i < 70; i++) /* more than a window of frames */
		submit_note(w->f, "jp.ncp", &id);
	cr_assert_eq(wires_waiting(w, "JP"), 71);
	cr_assert_not(link_is_up(jp->engine, us->country));
	wires_connect_all(w);
	wires_run(w);
	cr_assert(link_is_up(jp->engine, us->country));
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	cr_assert(same_state(jp, us, &id));
	wires_free(w);
}

/* A round: frames get lost, doubled and reordered, brokers crash between
 * commit and answer; in the end both hold the same, each act once. */
static void rough_round(uint64_t seed)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), seed);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_id id, notes[24];
	unsigned count = 0;

	w->lose = (unsigned)chance_below(&w->chance, 300);
	w->twice = (unsigned)chance_below(&w->chance, 300);
	w->shuffle = (unsigned)chance_below(&w->chance, 1000);
	wires_connect_all(w);
	id = submit_request(w->f, "us.ncp");
	while (count < 24) {
		unsigned what = (unsigned)chance_below(&w->chance, 10);

		if (what < 6 || us->engine == NULL)
			notes[count++] = submit_note(w->f, "jp.ncp", &id);
		else if (what == 6) {
			node_restart(us);
			wires_cut(w, "JP", "US");
			wires_connect_all(w);
		} else if (what == 7) {
			node_restart(jp);
			wires_cut(w, "JP", "US");
			wires_connect_all(w);
		} else {
			wires_run_for(w, 500, 250);
		}
	}
	w->lose = 0;
	wires_run_for(w, 90000, 5000);
	cr_assert_eq(wires_waiting(w, "JP"), 0, "seed %lu: %u wait",
	    (unsigned long)seed, wires_waiting(w, "JP"));
	cr_assert(same_state(jp, us, &id), "seed %lu", (unsigned long)seed);
	for (unsigned i = 0; i < count; i++) {
		cr_assert_eq(node_statements(jp, HF_ENTRY_DELIVERED, &notes[i]),
		    1, "seed %lu: note %u", (unsigned long)seed, i);
		(void)index_of(us, &notes[i]);
	}
	cr_assert_eq(
	    node_case(us, &id).gens[0], 25, "seed %lu", (unsigned long)seed);
	cr_assert_eq(node_statements(us, HF_ENTRY_CONFLICT, NULL), 0);
	wires_free(w);
}

Test(link, everything_arrives_once_in_effect_however_rough_it_is)
{
	for (uint64_t seed = 1; seed <= 12; seed++)
		rough_round(seed);
}

Test(link, a_crash_before_the_answer_repeats_the_same_decision)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 3);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_id id;
	uint64_t index;

	wires_connect_all(w);
	wires_run(w);
	w->drop_type = HF_LINK_ACK;
	id = submit_request(w->f, "us.ncp");
	wires_run(w);
	index = index_of(us, &id);
	cr_assert_eq(wires_waiting(w, "JP"), 1, "not answered, so kept");
	node_restart(us);
	w->drop_type = 0;
	wires_cut(w, "JP", "US");
	wires_connect_all(w);
	wires_run(w);
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	cr_assert_eq(index_of(us, &id), index);
	cr_assert_eq(node_statements(jp, HF_ENTRY_DELIVERED, &id), 1);
	/* and the sender's crash between commit and sending */
	w->drop_type = HF_LINK_BATCH;
	id = submit_request(w->f, "us.ncp");
	node_restart(jp);
	w->drop_type = 0;
	wires_cut(w, "JP", "US");
	wires_connect_all(w);
	wires_run(w);
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	cr_assert(same_state(jp, us, &id));
	wires_free(w);
}

static size_t make_batch(uint8_t *out, size_t capacity, uint64_t sequence,
    struct hf_bytes act, struct hf_bytes receipt)
{
	struct pack p;
	size_t size;

	pack_init(&p, out, capacity);
	pack_array(&p, 3);
	pack_uint(&p, HF_LINK_BATCH);
	pack_uint(&p, sequence);
	pack_array(&p, 1);
	pack_array(&p, 2);
	pack_bin(&p, act.data, act.size);
	pack_bin(&p, receipt.data, receipt.size);
	EXPECT("batch", pack_finish(&p, &size), HF_OK);
	return size;
}

/* Code of the only answer in the newest ack that flies. */
static unsigned flying_code(const struct wires *w)
{
	const struct wire_frame *frame = &w->flying[w->flying_count - 1];
	unsigned code;
	struct wire r;

	cr_assert_gt(w->flying_count, 0);
	cr_assert_eq(frame->type, HF_LINK_ACK);
	wire_init(&r, frame->bytes, frame->size);
	wire_array(&r, 3, 4);
	wire_uint(&r, 255);
	wire_uint(&r, UINT64_MAX);
	cr_assert_eq(wire_array(&r, 1, 1), 1);
	wire_array(&r, 2, 2);
	wire_uint(&r, UINT64_MAX);
	code = (unsigned)wire_uint(&r, 9999);
	EXPECT("ack", r.err, HF_OK);
	return code;
}

Test(link, a_refusal_is_repeated_and_counted_once)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 4);
	struct node *us = fed_node(w->f, "US");
	uint8_t frame[512], junk[40] = {0x91, 0x01};
	size_t size = make_batch(frame, sizeof(frame), 7,
	    bytes_of(junk, sizeof(junk)), bytes_of(junk, 1));
	unsigned code;

	wires_connect_all(w);
	wires_run(w);
	wires_inject(w, "JP", "US", frame, size);
	code = flying_code(w);
	cr_assert_eq(hf_err_info((enum hf_err)code)->class, HF_CLASS_PEER);
	cr_assert_eq(node_rows(us, TABLE_TALLY), 1);
	wires_cut(w, "JP", "US");
	fed_wait(w->f, 120); /* the minute is over; its count is on record */
	node_restart(us);
	wires_connect_all(w);
	wires_run(w);
	wires_inject(w, "JP", "US", frame, size);
	cr_assert_eq(flying_code(w), code);
	wires_run(w);
	fed_wait(w->f, 120);
	wires_run_for(w, 1000, 1000);
	cr_assert_eq(node_statements(us, HF_ENTRY_REFUSED, NULL), 1);
	wires_free(w);
}

Test(link, the_sender_is_told_of_a_refusal_and_stops)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 5);
	struct node *jp = fed_node(w->f, "JP");
	uint8_t frame[64];
	struct hf_id id;
	struct pack p;
	size_t size;

	wires_connect_all(w);
	wires_run(w);
	w->drop_type = HF_LINK_BATCH;
	id = submit_request(w->f, "us.ncp");
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_uint(&p, HF_LINK_ACK);
	pack_uint(&p, 1);
	pack_array(&p, 1);
	pack_array(&p, 2);
	pack_uint(&p, 1);
	pack_uint(&p, HF_REVOKED);
	EXPECT("ack", pack_finish(&p, &size), HF_OK);
	wires_inject(w, "US", "JP", frame, size);
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	cr_assert_eq(node_statements(jp, HF_ENTRY_DELIVERED, &id), 1);
	expect_told(jp, "jp.ncp", HF_REVOKED);
	wires_free(w);
}

/* An ack is believed only with a receipt that proves it. */
Test(link, an_answer_without_proof_delivers_nothing)
{
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), 6);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	uint8_t frame[HF_RECEIPT_MAX + 64], receipt[HF_RECEIPT_MAX];
	struct hf_key key = secret_transport_key(us->broker);
	struct hf_id id, other;
	struct pack p;
	size_t size, receipt_size;

	wires_connect_all(w);
	wires_run(w);
	other = submit_request(w->f, "us.ncp");
	wires_run(w);
	receipt_size = node_receipt(us, &other, receipt); /* of another act */
	w->drop_type = HF_LINK_BATCH;
	id = submit_request(w->f, "us.ncp");
	for (unsigned i = 0; i < 2; i++) {
		pack_init(&p, frame, sizeof(frame));
		pack_array(&p, 4);
		pack_uint(&p, HF_LINK_ACK);
		pack_uint(&p, 2);
		pack_array(&p, 1);
		pack_array(&p, 2);
		pack_uint(&p, 2);
		pack_uint(&p, 0);
		receipt[receipt_size - 8] ^= i == 0 ? 0 : 1;
		pack_bin(&p, receipt, receipt_size);
		EXPECT("ack", pack_finish(&p, &size), HF_OK);
		w->cut_count = 0;
		wires_inject(w, "US", "JP", frame, size);
		cr_assert_eq(wires_waiting(w, "JP"), 1, "try %u", i);
		cr_assert_eq(node_statements(jp, HF_ENTRY_DELIVERED, &id), 0);
		cr_assert(wires_was_cut(w, "JP", &key), "try %u", i);
	}
	wires_free(w);
}

Test(link, an_act_out_of_order_brings_its_past_with_it)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 8);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	static uint8_t frame[HF_FRAME_MAX], act[HF_ACT_MAX];
	uint8_t receipt[HF_RECEIPT_MAX];
	struct hf_id id, last = {{0}};
	struct case_record c;
	size_t size, act_size, receipt_size;
	uint64_t index;

	wires_connect_all(w);
	wires_run(w);
	w->drop_type = HF_LINK_BATCH;
	id = submit_request(w->f, "us.ncp");
	for (unsigned i = 0; i < 45; i++)
		last = submit_note(w->f, "jp.ncp", &id);
	receipt_size = node_receipt(jp, &last, receipt);
	index = index_of(jp, &last);
	c = node_case(jp, &id);
	node_look(jp);
	EXPECT("frame",
	    case_act_frame(
		jp->engine, &c, index, true, act, sizeof(act), &act_size),
	    HF_OK);
	node_look_end(jp);
	size = make_batch(frame, sizeof(frame), 46, bytes_of(act, act_size),
	    bytes_of(receipt, receipt_size));
	wires_inject(w, "JP", "US", frame, size);
	wires_run(w);
	cr_assert_eq(w->carried[HF_LINK_BATCH], 0);
	cr_assert_geq(w->carried[HF_LINK_ACTS], 3, "it takes several frames");
	cr_assert(same_state(jp, us, &id));
	cr_assert_eq(node_case(us, &id).gens[0], 46);
	wires_free(w);
}

Test(link, only_a_party_fetches_a_case)
{
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), 9);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_id id;
	uint8_t frame[64];
	struct pack p;
	size_t size;

	wires_connect_all(w);
	wires_run(w);
	id = submit_request(w->f, "us.ncp");
	wires_run(w);
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 5);
	pack_uint(&p, HF_LINK_FETCH);
	pack_bin(&p, id.b, sizeof(id.b));
	pack_uint(&p, 0);
	pack_uint(&p, 1);
	pack_uint(&p, 1);
	EXPECT("fetch", pack_finish(&p, &size), HF_OK);
	wires_inject(w, "DE", "JP", frame, size);
	cr_assert_eq(w->flying_count, 0);
	cr_assert_eq(node_rows(jp, TABLE_TALLY), 1);
	wires_inject(w, "US", "JP", frame, size);
	cr_assert_eq(w->flying_count, 1);
	cr_assert_eq(w->flying[0].type, HF_LINK_ACTS);
	wires_free(w);
}

Test(link, a_newer_roster_is_fetched_before_the_act_is_judged)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 10);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_id id;

	wires_connect_all(w);
	wires_run(w);
	w->drop_type = HF_LINK_DOCUMENT;
	fed_build(jp);
	fed_give(jp, jp); /* the peers do not get it */
	wires_run(w);
	w->drop_type = 0;
	id = submit_request(w->f, "us.ncp");
	wires_run(w);
	cr_assert_eq(w->carried[HF_LINK_BUSY], 1);
	cr_assert_eq(
	    roster_doc(engine_roster(us->engine), jp->country)->head.version,
	    2);
	wires_run_for(w, 3000, 250);
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	cr_assert(same_state(jp, us, &id));
	wires_free(w);
}

Test(link, silence_is_down_and_comes_back_by_itself)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 11);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_id id;

	wires_connect_all(w);
	wires_run_for(w, 60000, 1000);
	cr_assert(link_is_up(jp->engine, us->country), "pings keep it up");
	w->lose = 1000;
	id = submit_request(w->f, "us.ncp");
	wires_run_for(w, 40000, 1000);
	cr_assert_not(link_is_up(jp->engine, us->country));
	w->lose = 0;
	wires_run_for(w, 40000, 1000);
	cr_assert(link_is_up(jp->engine, us->country));
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	cr_assert(same_state(jp, us, &id));
	wires_free(w);
}

Test(link, that_the_peer_can_reach_us_does_not_mean_that_we_reach_it)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 16);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");

	wires_connect_all(w);
	wires_run(w);
	w->up[0][1] = false; /* and nobody has noticed */
	wires_run_for(w, 40000, 1000);
	cr_assert_not(link_is_up(jp->engine, us->country));
	cr_assert(link_is_up(us->engine, jp->country));
	wires_free(w);
}

Test(link, frames_that_break_the_protocol_are_cut)
{
	static const struct {
		const char *what;
		uint8_t bytes[8];
		size_t size;
	} bad[] = {
	    {"nothing", {0}, 0},
	    {"no array", {0x01}, 1},
	    {"unknown type", {0x91, 0x7f}, 2},
	    {"a batch of nothing", {0x93, 3, 1, 0x90}, 4},
	    {"hello cut short", {0x96, 1, 1, 1}, 4},
	    {"an ack of sequence 0", {0x94, 4, 0, 0x91, 0x92, 0, 1, 0}, 7},
	    {"a fetch of an inner track", {0x95, 8, 0xc4, 0}, 4},
	    {"trailing bytes", {0x92, 10, 1, 0}, 4},
	};
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 12);
	struct hf_key key = secret_transport_key(fed_node(w->f, "JP")->broker);
	struct hf_key stranger = {{1}};
	struct event ev;

	wires_connect_all(w);
	wires_run(w);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w->cut_count = 0;
		wires_inject(w, "JP", "US", bad[i].bytes, bad[i].size);
		cr_assert(wires_was_cut(w, "US", &key), "%s", bad[i].what);
		cr_assert_eq(w->flying_count, 0, "%s", bad[i].what);
	}
	ev = node_event(fed_node(w->f, "US"), EVENT_PEER_FRAME);
	ev.key = stranger;
	ev.frame = bytes_of("\x92\x0a\x01", 3); /* a ping */
	node_turn(fed_node(w->f, "US"), &ev);
	cr_assert(wires_was_cut(w, "US", &stranger));
	cr_assert_eq(w->flying_count, 0);
	wires_free(w);
}

/* The first head that JP ever signed, to US. */
static void inject_first_head(struct wires *w)
{
	struct node *jp = fed_node(w->f, "JP");
	uint8_t frame[HF_NOTE_MAX + 16];
	struct hf_bytes key, note;
	struct pack p;
	size_t size;

	node_look(jp);
	EXPECT("first",
	    txn_next(jp->txn, TABLE_CHECKPOINTS, nothing, nothing, false, &key,
		&note),
	    HF_OK);
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 4);
	pack_uint(&p, HF_LINK_HEAD);
	pack_str(&p, (const char *)note.data, note.size);
	pack_uint(&p, 0);
	pack_bin(&p, NULL, 0);
	EXPECT("head", pack_finish(&p, &size), HF_OK);
	node_look_end(jp);
	wires_inject(w, "JP", "US", frame, size);
}

Test(link, heads_travel_and_the_newest_is_kept)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 13);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_bytes row;
	unsigned heads;

	wires_connect_all(w);
	wires_run_for(w, 2000, 500);
	jp->clock_certain = false; /* the ledger grows by a statement */
	wires_run_for(w, 2000, 500);
	node_look(us);
	EXPECT("head",
	    txn_get(us->txn, TABLE_PEERS, bytes_of("JPhead", 6), &row), HF_OK);
	cr_assert_eq(get_be64(row.data), jp->size);
	node_look_end(us);
	inject_first_head(w);
	node_look(us);
	EXPECT("head",
	    txn_get(us->txn, TABLE_PEERS, bytes_of("JPhead", 6), &row), HF_OK);
	cr_assert_eq(get_be64(row.data), jp->size, "a late one is passed over");
	node_look_end(us);
	wires_run_for(w, 5000, 500); /* it is told what was cosigned */
	heads = w->carried[HF_LINK_HEAD];
	wires_run_for(w, 5000, 500);
	cr_assert_eq(w->carried[HF_LINK_HEAD], heads, "no news, no head");
	wires_free(w);
}

Test(link, what_waits_for_thirty_days_is_on_record)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 14);
	struct node *jp = fed_node(w->f, "JP");

	submit_request(w->f, "us.ncp");
	fed_wait(w->f, 29 * 86400);
	wires_run_for(w, 1, 1);
	cr_assert_eq(node_statements(jp, HF_ENTRY_OUTBOX_ALARM, NULL), 0);
	fed_wait(w->f, 86400);
	wires_run_for(w, 1, 1);
	cr_assert_eq(node_statements(jp, HF_ENTRY_OUTBOX_ALARM, NULL), 1);
	fed_wait(w->f, 7200);
	wires_run_for(w, 1, 1);
	cr_assert_eq(
	    node_statements(jp, HF_ENTRY_OUTBOX_ALARM, NULL), 1, "once a day");
	cr_assert_geq(wires_waiting(w, "JP"), 1, "and it is never discarded");
	wires_free(w);
}

Test(link, nothing_is_due_that_waits_for_the_clock)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct event ev;

	jp->clock_certain = false;
	jp->wall_error_ms = -200000;
	fed_wait(f, 2 * 3600);
	ev = node_event(jp, EVENT_TIMER);
	node_turn(jp, &ev);
	cr_assert_gt(engine_next_mono(jp->engine), ev.mono_ms,
	    "it would turn for ever and do nothing");
	jp->clock_certain = true;
	jp->wall_error_ms = 0;
	ev = node_event(jp, EVENT_CLOCK);
	node_turn(jp, &ev);
	cr_assert_gt(engine_next_mono(jp->engine), ev.mono_ms);
	fed_free(f);
}

Test(link, an_abandoned_turn_loses_nothing)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 15);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_id id;
	struct event ev;

	wires_connect_all(w);
	wires_run(w);
	w->drop_type = HF_LINK_HEAD;
	id = submit_request(w->f, "us.ncp");
	cr_assert_eq(w->flying[0].type, HF_LINK_BATCH);
	while (w->flying_count == 1 && w->flying[0].type == HF_LINK_BATCH) {
		struct wire_frame frame = w->flying[0];

		w->flying_count = 0;
		wires_inject(w, "JP", "US", frame.bytes, frame.size);
		free(frame.bytes);
	}
	cr_assert_eq(w->flying[0].type, HF_LINK_ACK);
	/* the ack is decided and then the store is full */
	turn_begin(jp);
	ev = node_event(jp, EVENT_PEER_FRAME);
	ev.conn = wire_dialled(wire_node(w, us));
	ev.key = secret_transport_key(us->broker);
	ev.frame = bytes_of(w->flying[0].bytes, w->flying[0].size);
	EXPECT("ack", engine_step(jp->engine, &ev), HF_OK);
	turn_abandon(jp);
	free(w->flying[0].bytes);
	w->flying_count = 0;
	cr_assert_eq(wires_waiting(w, "JP"), 1);
	wires_run_for(w, 2000, 250);
	cr_assert_eq(wires_waiting(w, "JP"), 0, "it is sent again");
	cr_assert_eq(node_statements(jp, HF_ENTRY_DELIVERED, &id), 1);
	wires_free(w);
}

Test(link, a_counter_that_is_not_whole_is_damage)
{
	static const uint8_t zeros[16];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct row_key k = {0};
	uint64_t value;

	row_add(&k, us->country.s, HF_COUNTRY_SIZE);
	row_add(&k, "got", 3);
	for (size_t size = 0; size <= sizeof(zeros); size++) {
		turn_begin(jp);
		EXPECT("put",
		    txn_put(jp->txn, TABLE_PEERS, row_bytes(&k),
			bytes_of(zeros, size)),
		    HF_OK);
		EXPECT("read",
		    link_counter(jp->engine, us->country, "got", &value),
		    size == 8 ? HF_OK : HF_CORRUPT);
		turn_abandon(jp);
	}
	fed_free(f);
}

/* Between two turns nobody says that a line is dead; who asks is told. */
Test(link, who_asks_after_a_long_silence_is_told_that_it_is_down)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 40);
	struct reply r;
	struct wire at;

	wires_connect_all(w);
	wires_run(w);
	for (unsigned i = 0; i < 2; i++) {
		r = desk_ask(
		    w, fed_officer(w->f, "jp.ncp"), 9, HF_OP_PEERS, nothing);
		cr_assert(reply_has(&r, 1, &at));
		wire_array(&at, 1, 1);
		wire_array(&at, 7, 7);
		wire_skip(&at);
		cr_assert_eq(wire_bool(&at), i == 0);
		fed_wait(w->f, 31);
	}
	wires_free(w);
}

/* Who is told to wait is asked again when that time has passed. */
Test(link, a_busy_peer_is_asked_again_when_it_said)
{
	static const uint8_t busy[] = {0x92, HF_LINK_BUSY, 0xcd, 0x03, 0x84};
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 41);
	struct node *jp = fed_node(w->f, "JP");
	uint64_t mono;

	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	w->drop_type = HF_LINK_BATCH;
	submit_request(w->f, "us.ncp");
	wires_inject(w, "US", "JP", busy, sizeof(busy));
	wires_run(w);
	w->drop_type = 0;
	mono = w->f->now.ms - FED_START_MS;
	cr_assert_leq(engine_next_mono(jp->engine), mono + 900);
	cr_assert_eq(wires_waiting(w, "JP"), 1);
	wires_run_for(w, 2000, 450);
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	wires_free(w);
}

/* Its own document is gone: it says so by a zero, and speaks on. */
Test(link, a_broker_without_a_document_of_its_own_is_still_reached)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 43);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_id id = submit_request(w->f, "us.ncp");
	struct event ev = node_event(jp, EVENT_UNPIN);

	ev.country = jp->country;
	node_turn(jp, &ev);
	wires_connect_all(w);
	wires_run_for(w, 2000, 500);
	cr_assert(link_is_up(jp->engine, us->country));
	cr_assert(link_is_up(us->engine, jp->country));
	cr_assert_eq(wires_waiting(w, "JP"), 0, "what was entered goes");
	cr_assert(same_state(jp, us, &id));
	cr_assert_eq(w->carried[HF_LINK_DOCUMENT], 0, "there is none");
	{
		static const uint8_t busy[] = {0x92, HF_LINK_BUSY, 1};

		wires_inject(w, "US", "JP", busy, sizeof(busy));
		wires_run(w);
		cr_assert_eq(w->carried[HF_LINK_DOCUMENT], 0);
	}
	wires_free(w);
}

Test(link, a_new_document_waits_for_who_is_down)
{
	struct wires *w = wires_new(fed_running("DE", "JP", "US", NULL), 44);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");

	wires_connect_all(w);
	wires_run(w);
	wires_cut(w, "JP", "US");
	fed_build(jp);
	fed_give(jp, jp);
	wires_run(w);
	cr_assert_eq(
	    roster_doc(engine_roster(fed_node(w->f, "DE")->engine), jp->country)
		->head.version,
	    2, "who is there gets it at once");
	cr_assert_eq(
	    roster_doc(engine_roster(us->engine), jp->country)->head.version,
	    1);
	wires_connect(w, "JP", "US");
	wires_run_for(w, 2000, 500);
	cr_assert_eq(
	    roster_doc(engine_roster(us->engine), jp->country)->head.version,
	    2);
	wires_free(w);
}

/* Full to the last: the peer comes again later than when it is only busy. */
Test(link, a_full_store_takes_nothing_and_asks_for_patience)
{
	struct federation *f = fed_new("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct event ev;
	struct wires *w;
	struct hf_id id;
	struct args a;

	us->map_size = 2u << 20;
	fed_start(f);
	w = wires_new(f, 45);
	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	id = submit_request(f, "us.ncp");
	wires_run(w);
	us->engine->options.emergency_percent = 1;
	ev = node_event(us, EVENT_TIMER);
	node_turn(us, &ev);
	submit_note(f, "jp.ncp", &id);
	wires_run(w);
	cr_assert_eq(wires_waiting(w, "JP"), 1);
	cr_assert_eq(link_find(jp->engine, us->country)->busy_mono,
	    f->now.ms - FED_START_MS + LINK_BUSY_FULL_MS);
	/* nor what it asked for */
	pack_init(&a.p, a.bytes, sizeof(a.bytes));
	pack_array(&a.p, 5);
	pack_uint(&a.p, HF_LINK_FETCH);
	pack_bin(&a.p, id.b, sizeof(id.b));
	pack_uint(&a.p, HF_TRACK_ASKING);
	pack_uint(&a.p, 2);
	pack_uint(&a.p, 2);
	wires_inject(w, "US", "JP", a.bytes, a.p.at);
	wires_run(w);
	cr_assert_gt(w->carried[HF_LINK_ACTS], 0);
	cr_assert_eq(node_case(us, &id).gens[HF_TRACK_ASKING], 1);
	us->engine->options.emergency_percent = 0;
	wires_run_for(w, 12000, 1000);
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	cr_assert(same_state(jp, us, &id));
	wires_free(w);
}

Test(link, a_hello_is_of_its_country_and_of_this_version)
{
	static const struct {
		const char *what, *country;
		unsigned min, max, nonce;
		bool cut;
	} tries[] = {
	    {"as it should be", "JP", 1, 1, 16, false},
	    {"of a range", "JP", 0, 9, 16, false},
	    {"another country's", "US", 1, 1, 16, true},
	    {"of the next version", "JP", 2, 3, 16, true},
	    {"of the one before", "JP", 0, 0, 16, true},
	    {"with another nonce", "JP", 1, 1, 15, true},
	};
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 46);
	struct hf_key key = secret_transport_key(fed_node(w->f, "JP")->broker);

	cr_assert_eq(HF_PROTOCOL_VERSION, 1);
	wires_connect_all(w);
	wires_run(w);
	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		static const uint8_t nonce[16];
		uint8_t frame[64];
		struct pack p;

		pack_init(&p, frame, sizeof(frame));
		pack_array(&p, 6);
		pack_uint(&p, HF_LINK_HELLO);
		pack_uint(&p, tries[i].min);
		pack_uint(&p, tries[i].max);
		pack_text(&p, tries[i].country);
		pack_uint(&p, 0);
		pack_bin(&p, nonce, tries[i].nonce);
		w->cut_count = w->carried[HF_LINK_WELCOME] = 0;
		wires_inject(w, "JP", "US", frame, packed(&p).size);
		wires_run(w);
		cr_assert_eq(wires_was_cut(w, "US", &key), tries[i].cut, "%s",
		    tries[i].what);
		cr_assert_eq(w->carried[HF_LINK_WELCOME] > 0, !tries[i].cut,
		    "%s", tries[i].what);
	}
	wires_free(w);
}
