/* Turns, opening, time, and what is handed to the outside. */
#include "tests/broker/wires.h"

#include "broker/engine/intake.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reopened_certain;

static enum hf_err reopen(
    struct node *n, uint64_t last_size, const struct hf_hash *last_root)
{
	struct engine_options options = {.country = n->country,
	    .epoch = 1,
	    .ledger_key = secret_sign_key(n->broker)};
	struct engine *e = NULL;
	struct txn *t;
	enum hf_err err;

	EXPECT("begin", txn_begin(&t, n->store), HF_OK);
	err = engine_open(&e, &options, t, last_size, last_root);
	txn_abort(t);
	reopened_certain = e != NULL && engine_clock_certain(e);
	engine_free(e);
	return err;
}

Test(engine, opens_only_on_the_ledger_that_was_signed)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_hash wrong = jp->root_hash;

	fed_request(f);
	EXPECT("as signed", reopen(jp, jp->size, &jp->root_hash), HF_OK);
	EXPECT("a memory that is gone", reopen(jp, 0, &wrong), HF_ROLLBACK);
	EXPECT("a smaller ledger", reopen(jp, jp->size + 1, &jp->root_hash),
	    HF_ROLLBACK);
	wrong.b[0] ^= 1;
	EXPECT("another root", reopen(jp, jp->size, &wrong), HF_CORRUPT);
	fed_free(f);
}

Test(engine, a_changed_entry_is_found_before_anything_is_served)
{
	static const enum table tables[] = {
	    TABLE_ENTRIES, TABLE_ACTS, TABLE_NODES};
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");

	fed_request(f);
	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct hf_bytes key, value;
		struct row_key k = {0};
		uint8_t row[8192];
		struct txn *t;
		size_t size;

		EXPECT("begin", txn_begin(&t, jp->store), HF_OK);
		/* of nodes the one nearest the root: it is always read */
		EXPECT("row",
		    tables[i] == TABLE_NODES
			? txn_next(t, tables[i], nothing, nothing, false, &key,
			      &value)
			: txn_last(t, tables[i], nothing, &key, &value),
		    HF_OK);
		row_add(&k, key.data, key.size);
		size = value.size;
		memcpy(row, value.data, size);
		row[size - 20] ^= 4;
		EXPECT("put",
		    txn_put(t, tables[i], row_bytes(&k), bytes_of(row, size)),
		    HF_OK);
		EXPECT("commit", txn_commit(t), HF_OK);
		EXPECT(
		    "open", reopen(jp, jp->size, &jp->root_hash), HF_CORRUPT);
		row[size - 20] ^= 4;
		EXPECT("begin", txn_begin(&t, jp->store), HF_OK);
		EXPECT("put",
		    txn_put(t, tables[i], row_bytes(&k), bytes_of(row, size)),
		    HF_OK);
		EXPECT("commit", txn_commit(t), HF_OK);
		EXPECT("mended", reopen(jp, jp->size, &jp->root_hash), HF_OK);
	}
	fed_free(f);
}

/* What a store says of its format; 0: nothing. */
static void say_format(struct node *n, uint64_t format)
{
	struct hf_bytes key = bytes_of("format", 6);
	uint8_t row[8];
	struct txn *t;

	put_be64(row, format);
	EXPECT("begin", txn_begin(&t, n->store), HF_OK);
	EXPECT("format",
	    format == 0 ? txn_del(t, TABLE_META, key)
			: txn_put(t, TABLE_META, key, bytes_of(row, 8)),
	    HF_OK);
	EXPECT("commit", txn_commit(t), HF_OK);
}

static uint64_t said_format(struct node *n)
{
	uint64_t format;

	node_look(n);
	EXPECT("format", meta_get(n->engine, "format", &format), HF_OK);
	node_look_end(n);
	return format;
}

Test(engine, takes_a_store_of_its_own_format_only)
{
	static const uint8_t no_document[] = {1, 2, 3};
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct txn *t;

	fed_request(f);
	cr_assert_eq(said_format(jp), STORE_FORMAT);
	EXPECT("its own", reopen(jp, jp->size, &jp->root_hash), HF_OK);
	/* whatever else is not as it should be: rows of another format mean
	 * nothing */
	EXPECT("begin", txn_begin(&t, jp->store), HF_OK);
	EXPECT("document",
	    txn_put(t, TABLE_DOCS, bytes_of("JP", 2),
		bytes_of(no_document, sizeof(no_document))),
	    HF_OK);
	EXPECT("commit", txn_commit(t), HF_OK);
	say_format(jp, 0);
	EXPECT("before there was a mark", reopen(jp, 0, NULL), HF_STORE_OLD);
	say_format(jp, STORE_FORMAT - 1);
	EXPECT("older", reopen(jp, 0, NULL), HF_STORE_OLD);
	say_format(jp, STORE_FORMAT + 1);
	EXPECT("newer", reopen(jp, 0, NULL), HF_STORE_NEW);
	say_format(jp, UINT64_MAX);
	EXPECT("much newer", reopen(jp, 0, NULL), HF_STORE_NEW);
	cr_assert_eq(said_format(jp), UINT64_MAX, "as it was");
	fed_free(f);
}

Test(engine, marks_a_store_with_its_first_entry)
{
	struct federation *f = fed_new("JP", NULL);
	struct node *jp = fed_node(f, "JP");
	struct event ev;

	snprintf(jp->dir, sizeof(jp->dir), "/tmp/hf-test-XXXXXX");
	cr_assert_not_null(mkdtemp(jp->dir));
	node_open_store(jp);
	node_open_engine(jp);
	ev = node_event(jp, EVENT_TIMER);
	node_turn(jp, &ev);
	cr_assert_eq(said_format(jp), 0, "nothing was entered");
	node_close(jp);
	node_open_store(jp);
	node_open_engine(jp);
	ev = node_event(jp, EVENT_START);
	node_turn(jp, &ev);
	cr_assert_eq(said_format(jp), STORE_FORMAT);
	fed_free(f);
}

Test(engine, an_abandoned_turn_leaves_nothing)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct intake_result result;
	uint64_t size = jp->engine->frontier.size;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &a);
	turn_begin(jp);
	EXPECT("enter",
	    intake_own(jp->engine,
		roster_officer(engine_roster(jp->engine),
		    hf_desk_country(&d.author->desk), &d.author->sign),
		bytes_of(a.frame, a.size), nothing, &result),
	    HF_OK);
	cr_assert(engine_can_abandon(jp->engine));
	turn_abandon(jp);
	cr_assert_eq(jp->engine->frontier.size, size);
	cr_assert_eq(jp->engine->sequence_inbox, 0);
	EXPECT("again", fed_submit(jp, d.author, &a, nothing, &result), HF_OK);
	cr_assert_eq(result.index, size);
	fed_free(f);
}

/* Up to `max` rows of `size` bytes; returns how many found room. */
static unsigned fill_store(struct txn *t, size_t size, unsigned max)
{
	static uint8_t row[1 << 16];
	unsigned n = 0;

	for (; n < max; n++) {
		uint8_t key[5] = {0xff, size < sizeof(row), (uint8_t)(n >> 16),
		    (uint8_t)(n >> 8), (uint8_t)n};
		enum hf_err err = txn_put(t, TABLE_META,
		    bytes_of(key, sizeof(key)), bytes_of(row, size));

		if (err == HF_FULL)
			break;
		EXPECT("fill", err, HF_OK);
	}
	return n;
}

/* A transaction that has no page left, and is sound still: how much finds
 * room is learned with two others. */
static struct txn *begin_without_room(struct store *store)
{
	static const size_t size[] = {1 << 16, 3000};
	unsigned rows[] = {0, 0};
	struct txn *t;

	for (unsigned i = 0; i < 2; i++) {
		EXPECT("begin", txn_begin(&t, store), HF_OK);
		for (unsigned j = 0; j < i; j++)
			(void)fill_store(t, size[j], rows[j]);
		rows[i] = fill_store(t, size[i], UINT16_MAX);
		cr_assert(rows[i] > 0 && rows[i] < UINT16_MAX);
		txn_abort(t);
	}
	EXPECT("begin", txn_begin(&t, store), HF_OK);
	for (unsigned j = 0; j < 2; j++)
		cr_assert_eq(fill_store(t, size[j], rows[j]), rows[j]);
	return t;
}

static void idle_turn(struct node *n)
{
	struct event ev = node_event(n, EVENT_TIMER);

	node_turn(n, &ev);
}

Test(engine, what_is_entered_gets_its_receipt_though_the_note_finds_no_room)
{
	static const uint8_t template[] = {0x92, 0x07};
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct intake_result result;
	struct hf_hash root;
	char note[HF_NOTE_MAX];
	uint8_t receipt[HF_RECEIPT_MAX];
	const struct effect *answer;
	unsigned stored;
	size_t note_size;
	uint64_t size;
	struct draft d;
	struct txn *t;
	bool changed;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &a);
	turn_begin(jp);
	EXPECT("enter",
	    intake_own(jp->engine,
		roster_officer(engine_roster(jp->engine),
		    hf_desk_country(&d.author->desk), &d.author->sign),
		bytes_of(a.frame, a.size), nothing, &result),
	    HF_OK);
	EXPECT("answer",
	    effect_send_receipts(jp->engine, false, 1,
		bytes_of(template, sizeof(template)), &result.index, 1),
	    HF_OK);
	EXPECT("end", engine_end(jp->engine, &size, &root, &changed), HF_OK);
	EXPECT("commit", txn_commit(jp->txn), HF_OK);
	jp->txn = NULL;
	stored = node_rows(jp, TABLE_CHECKPOINTS);
	note_size = node_note(jp, size, &root, note);

	t = begin_without_room(jp->store);
	EXPECT("receipts",
	    engine_receipts(
		jp->engine, t, bytes_of(note, note_size), jp->effects),
	    HF_OK);
	txn_abort(t);
	answer = effects_at(jp->effects, effects_count(jp->effects) - 1);
	cr_assert_eq(answer->type, EFFECT_DESK_SEND);
	cr_assert_gt(answer->bytes.size, sizeof(template) + note_size);
	effects_free(jp->effects);
	jp->effects = NULL;
	jp->size = size;
	jp->root_hash = root;

	/* nor do later receipts need it; a turn without work stores it (one
	 * that is abandoned puts it off) */
	fed_before_turn = NULL;
	cr_assert_gt(node_receipt(jp, &a.id, receipt), note_size);
	idle_turn(jp);
	cr_assert_eq(node_rows(jp, TABLE_CHECKPOINTS), stored);
	fed_wait(f, 2);
	idle_turn(jp);
	cr_assert_eq(node_rows(jp, TABLE_CHECKPOINTS), stored + 1);
	idle_turn(jp);
	cr_assert_eq(node_rows(jp, TABLE_CHECKPOINTS), stored + 1);
	fed_free(f);
}

/* An abandoned turn has stored nothing, and the reads that come next are not
 * refused for the sake of a note. */
Test(engine, a_note_that_found_no_room_is_stored_later)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_hash root;
	uint64_t size;
	unsigned stored;
	bool changed;

	(void)fed_request(f);
	stored = node_rows(jp, TABLE_CHECKPOINTS);
	fed_wait(f, 2);
	turn_begin(jp);
	EXPECT("end", engine_end(jp->engine, &size, &root, &changed), HF_OK);
	txn_abort(jp->txn); /* say, it was full */
	jp->txn = NULL;
	engine_abandon(jp->engine);
	for (unsigned i = 0; i < 2; i++) {
		fed_wait(f, 1);
		idle_turn(jp);
		cr_assert_eq(node_rows(jp, TABLE_CHECKPOINTS), stored);
	}
	fed_wait(f, 10);
	idle_turn(jp);
	cr_assert_eq(node_rows(jp, TABLE_CHECKPOINTS), stored + 1);
	fed_free(f);
}

Test(engine, a_turn_that_changed_the_roster_cannot_be_abandoned)
{
	struct federation *f = fed_running("JP", NULL);
	struct node *jp = fed_node(f, "JP");
	struct event ev;

	fed_build(jp);
	turn_begin(jp);
	ev = node_event(jp, EVENT_DOCUMENT);
	ev.frame = bytes_of(jp->doc->bytes, jp->doc->size);
	EXPECT("document", engine_step(jp->engine, &ev), HF_OK);
	cr_assert_not(engine_can_abandon(jp->engine));
	turn_end(jp);
	fed_free(f);
}

Test(engine, the_clock_is_on_record_whichever_event_tells_of_it)
{
	struct federation *f = fed_running("JP", NULL);
	struct node *jp = fed_node(f, "JP");
	struct event ev;

	jp->clock_certain = false;
	ev = node_event(jp, EVENT_TIMER);
	node_turn(jp, &ev);
	node_turn(jp, &ev);
	cr_assert_eq(node_statements(jp, HF_ENTRY_CLOCK, NULL), 1, "uncertain");
	jp->clock_certain = true;
	ev = node_event(jp, EVENT_CLOCK);
	node_turn(jp, &ev);
	cr_assert_eq(
	    node_statements(jp, HF_ENTRY_CLOCK, NULL), 2, "certain again");
	fed_free(f);
}

Test(engine, a_broker_that_went_down_uncertain_comes_up_uncertain)
{
	struct federation *f = fed_running("JP", NULL);
	struct node *jp = fed_node(f, "JP");

	for (unsigned i = 0; i < 3; i++) {
		struct event ev;

		jp->clock_certain = i != 1;
		ev = node_event(jp, EVENT_TIMER);
		node_turn(jp, &ev);
		EXPECT("open", reopen(jp, jp->size, &jp->root_hash), HF_OK);
		cr_assert_eq(reopened_certain, jp->clock_certain);
	}
	fed_free(f);
}

Test(engine, start_and_stop_are_on_record_and_stop_writes_the_tally)
{
	struct wires *w = wires_new(fed_running("JP", NULL), 1);
	struct node *jp = fed_node(w->f, "JP");
	struct event ev = node_event(jp, EVENT_ALARM);

	cr_assert_eq(node_statements(jp, HF_ENTRY_START, NULL), 1);
	ev.code = HF_NOT_IN_ROSTER;
	ev.count = 17;
	node_turn(jp, &ev);
	ev.count = 3;
	node_turn(jp, &ev);
	cr_assert_eq(node_statements(jp, HF_ENTRY_REFUSED, NULL), 0);
	ev = node_event(jp, EVENT_STOP);
	node_turn(jp, &ev);
	cr_assert_eq(node_statements(jp, HF_ENTRY_STOP, NULL), 1);
	{
		uint8_t buffer[HF_PAYLOAD_MAX];
		struct hf_statement s;

		cr_assert(
		    node_last_statement(jp, HF_ENTRY_REFUSED, &s, buffer));
		cr_assert_eq(s.count, 20);
		cr_assert_eq(s.code, HF_NOT_IN_ROSTER);
	}
	wires_free(w);
}

static unsigned key_effects;

static void count_keys(struct node *n, const struct effect *e, void *ctx)
{
	(void)n;
	(void)ctx;
	key_effects += e->type == EFFECT_KEYS;
}

static void count_each(void *ctx, const struct hf_key *key)
{
	(void)key;
	(*(unsigned *)ctx)++;
}

static unsigned admitted(const struct node *n, bool peers)
{
	unsigned count = 0;

	engine_keys(n->engine, peers, n->fed->now, count_each, &count);
	return count;
}

Test(engine, time_changes_who_is_admitted_and_the_gates_are_told)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct event ev;

	for (unsigned i = 0; i < jp->entry_count; i++)
		if (jp->entries[i].type == ENTRY_OFFICER &&
		    strcmp(jp->entries[i].u.officer.desk.s, "jp.isp") == 0)
			jp->entries[i].u.officer.valid_until.ms =
			    f->now.ms + 60000;
	fed_publish(jp);
	cr_assert_eq(admitted(jp, false), FED_DESKS);
	cr_assert_eq(admitted(jp, true), 1);
	cr_assert_eq(engine_next_due(jp->engine).ms, f->now.ms + 60000);
	jp->carry = count_keys;
	key_effects = 0;
	fed_wait(f, 30);
	ev = node_event(jp, EVENT_TIMER);
	node_turn(jp, &ev);
	cr_assert_eq(key_effects, 0);
	fed_wait(f, 30);
	ev = node_event(jp, EVENT_TIMER);
	node_turn(jp, &ev);
	cr_assert_eq(key_effects, 1);
	cr_assert_eq(admitted(jp, false), FED_DESKS - 1);
	ev = node_event(jp, EVENT_TIMER);
	node_turn(jp, &ev);
	cr_assert_eq(key_effects, 1, "once");
	fed_free(f);
}

/* In a turn that was not committed nobody was told. */
Test(engine, an_abandoned_turn_leaves_what_time_changes_to_be_told)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_hash root;
	struct event ev;
	uint64_t size;
	bool changed;

	for (unsigned i = 0; i < jp->entry_count; i++)
		if (jp->entries[i].type == ENTRY_OFFICER)
			jp->entries[i].u.officer.valid_until.ms =
			    f->now.ms + 60000;
	fed_publish(jp);
	jp->carry = count_keys;
	key_effects = 0;
	fed_wait(f, 61);
	turn_begin(jp);
	EXPECT("end", engine_end(jp->engine, &size, &root, &changed), HF_OK);
	turn_abandon(jp);
	cr_assert_eq(key_effects, 0);
	ev = node_event(jp, EVENT_TIMER);
	node_turn(jp, &ev);
	cr_assert_eq(key_effects, 1);
	fed_free(f);
}

static unsigned term_ends;

static void count_ends(struct node *n, const struct effect *e, void *ctx)
{
	(void)n;
	(void)ctx;
	term_ends += e->type == EFFECT_LOG && e->code == HF_TERM_ENDS;
}

/* Days after a document that says 20: one telling a day from day 7 to 19. */
Test(engine, a_broker_whose_term_ends_is_told_of_two_weeks_before)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");

	for (unsigned i = 0; i < us->entry_count; i++)
		if (us->entries[i].type == ENTRY_BROKER)
			us->entries[i].u.broker.valid_until.ms =
			    f->now.ms + 20 * UINT64_C(86400000);
	fed_publish(us);
	jp->carry = count_ends;
	term_ends = 0;
	for (unsigned day = 1; day < 25; day++) {
		unsigned before = term_ends;

		fed_wait(f, 86400);
		for (unsigned i = 0; i < 3; i++) {
			struct event ev = node_event(jp, EVENT_TIMER);

			node_turn(jp, &ev);
		}
		cr_expect_eq(term_ends - before, day >= 7 && day < 20,
		    "day %u: %u", day, term_ends - before);
	}
	fed_free(f);
}

static void count_dial(void *ctx, struct hf_country c, const struct hf_key *key,
    const struct broker_entry *broker)
{
	unsigned *count = ctx;

	(void)key;
	cr_assert_str_neq(c.s, "JP");
	cr_assert_gt(broker->endpoint_count, 0);
	(*count)++;
}

Test(engine, peers_are_dialled_unless_their_ledger_key_is_revoked)
{
	struct federation *f = fed_running("JP", "US", "DE", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct country_entry e = {.type = ENTRY_REVOCATION};
	unsigned count = 0;

	engine_dials(jp->engine, count_dial, &count);
	cr_assert_eq(count, 2);
	e.u.revocation.key = secret_sign_key(us->broker);
	e.u.revocation.since = e.u.revocation.revoked = f->now;
	e.u.revocation.reason = 1;
	fed_entry(us, &e);
	fed_publish(us);
	count = 0;
	engine_dials(jp->engine, count_dial, &count);
	cr_assert_eq(count, 1);
	cr_assert_eq(admitted(jp, true), 1);
	fed_free(f);
}

/* What preverify says is what the engine would find, never less. */
Test(engine, preverify_vouches_only_for_acts_that_it_saw)
{
	static struct signed_act good, bad;
	static uint8_t frame[HF_FRAME_MAX];
	struct federation *f = fed_running("JP", "US", NULL);
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &good);
	d.break_signature = true;
	draft_sign(&d, &bad);
	for (unsigned type = HF_LINK_HELLO; type <= HF_LINK_LAST; type++) {
		bool acts = type == HF_LINK_BATCH || type == HF_LINK_ACTS;

		for (unsigned i = 0; i < 2; i++) {
			const struct signed_act *a = i == 0 ? &good : &bad;
			struct pack p;
			size_t size;

			pack_init(&p, frame, sizeof(frame));
			pack_array(&p, 3);
			pack_uint(&p, type);
			pack_uint(&p, 1);
			pack_array(&p, 2);
			for (unsigned k = 0; k < 2; k++) {
				const struct signed_act *b = k == 0 ? &good : a;

				pack_array(&p, 2);
				pack_bin(&p, b->frame, b->size);
				pack_bin(&p, "r", 1);
			}
			EXPECT("frame", pack_finish(&p, &size), HF_OK);
			EXPECT("peer",
			    engine_preverify(
				EVENT_PEER_FRAME, bytes_of(frame, size)),
			    !acts    ? HF_FRAME
			    : i == 0 ? HF_OK
				     : HF_SIGNATURE);
		}
	}
	for (unsigned op = 0; op <= HF_OP_COUNT; op++) {
		struct pack p;
		size_t size;

		pack_init(&p, frame, sizeof(frame));
		pack_array(&p, 3);
		pack_uint(&p, op);
		pack_uint(&p, 1);
		pack_map(&p, 1);
		pack_uint(&p, 1);
		pack_bin(&p, bad.frame, bad.size);
		EXPECT("frame", pack_finish(&p, &size), HF_OK);
		EXPECT("desk",
		    engine_preverify(EVENT_DESK_FRAME, bytes_of(frame, size)),
		    op == HF_OP_SUBMIT ? HF_SIGNATURE : HF_FRAME);
	}
	fed_free(f);
}

Test(engine, consistency_is_only_proved_of_what_is_committed)
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	uint64_t size = jp->size;
	struct hf_hash root = jp->root_hash;
	unsigned count;
	struct txn *t;

	fed_request(f);
	EXPECT("begin", txn_begin(&t, jp->store), HF_OK);
	EXPECT("grown",
	    engine_consistency(jp->engine, t, size, jp->size, path, &count),
	    HF_OK);
	EXPECT("verifies",
	    hf_merkle_verify_consistency(
		size, &root, jp->size, &jp->root_hash, path, count),
	    HF_OK);
	EXPECT("shrinking",
	    engine_consistency(jp->engine, t, jp->size, size, path, &count),
	    HF_RANGE);
	EXPECT("not there",
	    engine_consistency(jp->engine, t, size, jp->size + 1, path, &count),
	    HF_RANGE);
	txn_abort(t);
	fed_free(f);
}

/* A document that comes as somebody's term ends. */
Test(engine, what_time_and_a_document_change_at_once_is_told_once)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct event ev;

	for (unsigned i = 0; i < jp->entry_count; i++)
		if (jp->entries[i].type == ENTRY_OFFICER &&
		    strcmp(jp->entries[i].u.officer.desk.s, "jp.isp") == 0)
			jp->entries[i].u.officer.valid_until.ms =
			    f->now.ms + 60000;
	fed_publish(jp);
	fed_build(jp);
	jp->carry = count_keys;
	key_effects = 0;
	fed_wait(f, 61);
	fed_give(jp, jp);
	cr_assert_eq(key_effects, 1);
	cr_assert_eq(admitted(jp, false), FED_DESKS - 1);
	ev = node_event(jp, EVENT_TIMER);
	node_turn(jp, &ev);
	cr_assert_eq(key_effects, 1);
	fed_free(f);
}
