/* Rows that are not what was written: whoever reads one says that it is damage,
 * and takes it for nothing else. */
#include "tests/broker/wires.h"

#include "broker/engine/copy.h"
#include "broker/engine/heads.h"
#include "broker/engine/intake.h"
#include "broker/engine/link.h"

#include <criterion/criterion.h>
#include <string.h>

static const uint8_t junk[] = {0xc1, 0xc1, 0xc1};

static void put_row(
    struct node *n, enum table table, struct hf_bytes key, struct hf_bytes row)
{
	struct txn *t;

	EXPECT("begin", txn_begin(&t, n->store), HF_OK);
	EXPECT("put", txn_put(t, table, key, row), HF_OK);
	EXPECT("commit", txn_commit(t), HF_OK);
}

static void put_at(
    struct node *n, enum table table, uint64_t index, struct hf_bytes row)
{
	uint8_t key[8];

	put_be64(key, index);
	put_row(n, table, bytes_of(key, sizeof(key)), row);
}

static uint64_t index_of(struct node *n, const struct hf_id *act)
{
	uint64_t index;

	node_look(n);
	EXPECT("index", ledger_index_of(n->engine, act, &index), HF_OK);
	node_look_end(n);
	return index;
}

/* The signed parts of an act, one of them junk: 0 core, 1 envelope. */
static void damage_act(struct node *n, const struct hf_id *act, unsigned which)
{
	static uint8_t row[8192];
	uint64_t index = index_of(n, act);
	struct hf_bytes part[3];
	struct pack p;

	node_look(n);
	EXPECT("act",
	    ledger_act(n->engine, index, &part[0], &part[1], &part[2]), HF_OK);
	part[which] = bytes_of(junk, sizeof(junk));
	pack_init(&p, row, sizeof(row));
	pack_array(&p, 3);
	for (unsigned i = 0; i < 3; i++)
		pack_bin(&p, part[i].data, part[i].size);
	node_look_end(n);
	put_at(n, TABLE_ACTS, index, packed(&p));
}

/* What a turn says that has this event; nothing of it stays. */
static enum hf_err turn_says(struct node *n, enum event_type type,
    struct hf_key key, struct hf_bytes frame)
{
	struct event ev = node_event(n, type);
	enum hf_err err;

	ev.conn = 9;
	ev.key = key;
	ev.frame = frame;
	turn_begin(n);
	err = engine_step(n->engine, &ev);
	turn_abandon(n);
	return err;
}

static enum hf_err desk_says(
    struct node *n, unsigned desk, unsigned op, struct hf_bytes args)
{
	static uint8_t frame[4096];
	struct pack p;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_uint(&p, op);
	pack_uint(&p, 1);
	pack_raw(&p, args);
	return turn_says(n, EVENT_DESK_FRAME,
	    secret_transport_key(n->officers[desk].secret), packed(&p));
}

static enum hf_err fold(struct node *n, const struct case_record *c)
{
	enum hf_err err;

	node_look(n);
	err = case_fold(n->engine, c);
	node_look_end(n);
	return err;
}

static struct hf_bytes no_args(void)
{
	return bytes_of("\x80", 1);
}

Test(damage, an_act_that_is_none_is_not_folded)
{
	for (unsigned which = 0; which < 2; which++) {
		struct federation *f = fed_running("JP", "US", NULL);
		struct node *jp = fed_node(f, "JP");
		struct hf_id id = fed_request(f);
		struct case_record c = node_case(jp, &id);
		static struct signed_act note;
		struct draft d;

		draft_next(&d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKING,
		    &id, NULL);
		d.env.seen_gen = 0;
		d.env.present &= ~(UINT64_C(1) << HF_E_SEEN);
		draft_sign(&d, &note);
		EXPECT("whole", fold(jp, &c), HF_OK);
		damage_act(jp, &id, which);
		EXPECT("damaged", fold(jp, &c), HF_CORRUPT);
		EXPECT("nor is anything entered in its case",
		    fed_submit(jp, d.author, &note, nothing, NULL), HF_CORRUPT);
		fed_free(f);
	}
}

/* Each act has seen the other's before. */
Test(damage, a_case_without_some_of_its_acts_is_not_folded)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id id = fed_request(f), act;
	struct case_record c, less;
	uint64_t index;
	struct draft d;

	for (unsigned i = 0; i < 2; i++) {
		draft_next(&d, f, i == 0 ? "us.ncp" : "jp.ncp", HF_KIND_NOTE,
		    i == 0 ? HF_TRACK_ASKED : HF_TRACK_ASKING, &id, NULL);
		act = must_submit(&d);
		EXPECT("carry",
		    fed_carry(i == 0 ? us : jp, i == 0 ? jp : us, &act, NULL),
		    HF_OK);
	}
	draft_next(&d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
	must_submit(&d);
	c = less = node_case(us, &id);
	EXPECT("whole", fold(us, &c), HF_OK);
	less.gens[HF_TRACK_ASKED] = 0;
	EXPECT("one has seen more", fold(us, &less), HF_CORRUPT);
	less = c;
	less.gens[HF_TRACK_ASKING] = 1;
	EXPECT("so has the other", fold(us, &less), HF_CORRUPT);
	index = index_of(us, &id);
	turn_begin(us);
	EXPECT("place",
	    case_place_put(us->engine, &id, HF_TRACK_ASKED, 2, index, f->now),
	    HF_OK);
	EXPECT(
	    "another act stands there", case_fold(us->engine, &c), HF_CORRUPT);
	turn_abandon(us);
	fed_free(f);
}

Test(damage, an_act_that_is_none_is_neither_shown_nor_sent_nor_cited)
{
	static struct args a;
	static struct signed_act citing;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id id = fed_request(f), other = fed_request(f), note;
	uint8_t out[HF_RECEIPT_MAX], leaf = 0;
	size_t size;
	struct draft d;

	draft_next(
	    &d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKING, &id, NULL);
	note = must_submit(&d);
	damage_act(jp, &note, 0);
	args_begin(&a, 2);
	args_bin(&a, 1, id.b, sizeof(id.b));
	args_uint(&a, 2, HF_TRACK_INNER_ASKING);
	EXPECT(
	    "shown", desk_says(jp, NCP, HF_OP_ACTS, args_end(&a)), HF_CORRUPT);

	damage_act(jp, &other, 1);
	draft_next(&d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	d.env.cite_count = 1;
	d.env.cites[0].act = other;
	d.env.cites[0].leaves = bytes_of(&leaf, 1);
	draft_has(&d, HF_E_CITES);
	EXPECT("cited", draft_submit(&d, &citing, NULL), HF_CORRUPT);

	damage_act(jp, &id, 0);
	pack_init(&a.p, a.bytes, sizeof(a.bytes));
	pack_array(&a.p, 5);
	pack_uint(&a.p, HF_LINK_FETCH);
	pack_bin(&a.p, id.b, sizeof(id.b));
	pack_uint(&a.p, HF_TRACK_ASKING);
	pack_uint(&a.p, 1);
	pack_uint(&a.p, 1);
	EXPECT("sent",
	    turn_says(jp, EVENT_PEER_FRAME, secret_transport_key(us->broker),
		packed(&a.p)),
	    HF_CORRUPT);

	damage_act(us, &id, 1);
	node_look(us);
	EXPECT("proved", ledger_home_receipt(us->engine, 0, out, &size), HF_OK);
	node_look_end(us);
	{
		uint64_t index = index_of(us, &id);

		node_look(us);
		EXPECT("whose it is",
		    ledger_home_receipt(us->engine, index, out, &size),
		    HF_CORRUPT);
		node_look_end(us);
	}
	fed_free(f);
}

Test(damage, a_leaf_that_is_none_is_told)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_ledger_leaf leaf;
	uint8_t row[64];
	struct pack p;

	pack_init(&p, row, sizeof(row));
	pack_array(&p, 2);
	pack_bin(&p, junk, sizeof(junk));
	pack_bin(&p, NULL, 0);
	put_at(jp, TABLE_ENTRIES, 1, packed(&p));
	node_look(jp);
	EXPECT("leaf", ledger_leaf(jp->engine, 1, &leaf), HF_CORRUPT);
	EXPECT("the next", ledger_leaf(jp->engine, 2, &leaf), HF_OK);
	node_look_end(jp);
	fed_free(f);
}

static void put_receipt(struct node *n, const struct hf_id *act,
    const char *country, struct hf_bytes row)
{
	struct row_key k = {0};

	row_add(&k, act->b, sizeof(act->b));
	row_add(&k, country, HF_COUNTRY_SIZE);
	put_row(n, TABLE_RECEIPTS, row_bytes(&k), row);
}

Test(damage, a_receipt_that_is_none_is_told)
{
	static const uint8_t large[HF_RECEIPT_MAX + 1];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id id = fed_request(f);
	uint64_t index = index_of(us, &id);
	uint8_t out[HF_RECEIPT_MAX];
	size_t size;

	put_receipt(us, &id, "JP", bytes_of(large, sizeof(large)));
	node_look(us);
	EXPECT("too large", ledger_home_receipt(us->engine, index, out, &size),
	    HF_CORRUPT);
	EXPECT("under a head that is none",
	    ledger_receipt_under(us->engine, index, us->size,
		bytes_of(large, sizeof(large)), out, sizeof(out), &size),
	    HF_TOO_BIG);
	node_look_end(us);
	EXPECT(
	    "auditors", desk_says(jp, AUD, HF_OP_RECEIPTS, no_args()), HF_OK);
	put_receipt(jp, &id, "US", bytes_of(junk, sizeof(junk)));
	EXPECT("auditors", desk_says(jp, AUD, HF_OP_RECEIPTS, no_args()),
	    HF_CORRUPT);
	fed_free(f);
}

static enum hf_err any_slot(void *ctx, uint32_t slot)
{
	(void)ctx;
	(void)slot;
	return HF_OK;
}

static enum hf_err slots(struct node *n)
{
	struct txn *t;
	enum hf_err err;

	EXPECT("begin", txn_begin(&t, n->store), HF_OK);
	err = engine_case_slots(n->engine, t, any_slot, NULL);
	txn_abort(t);
	return err;
}

Test(damage, a_case_under_a_key_that_is_none_is_told)
{
	static const unsigned ops[] = {
	    HF_OP_CASES, HF_OP_STATES, HF_OP_CERTIFICATES};
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");

	fed_request(f);
	EXPECT("whole", slots(jp), HF_OK);
	put_row(jp, TABLE_CASES, bytes_of("short", 5),
	    bytes_of(junk, sizeof(junk)));
	EXPECT("slots", slots(jp), HF_CORRUPT);
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		EXPECT("a listing", desk_says(jp, AUD, ops[i], no_args()),
		    HF_CORRUPT);
	fed_free(f);
}

Test(damage, a_case_of_another_form_is_told)
{
	static const uint8_t head[] = {0xdc, 0, 25, 2};
	static uint8_t row[1024];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_id id = fed_request(f);
	struct hf_bytes key = bytes_of(id.b, sizeof(id.b)), value;
	struct case_record c;
	size_t size;

	node_look(jp);
	EXPECT("row", txn_get(jp->txn, TABLE_CASES, key, &value), HF_OK);
	cr_assert_leq(value.size, sizeof(row));
	memcpy(row, value.data, size = value.size);
	node_look_end(jp);
	cr_assert_arr_eq(row, head, sizeof(head));
	row[3] = 1;
	put_row(jp, TABLE_CASES, key, bytes_of(row, size));
	EXPECT("version 1", node_case_err(jp, &id, &c), HF_CORRUPT);
	EXPECT("slots", slots(jp), HF_CORRUPT);
	fed_free(f);
}

Test(damage, a_ledger_larger_than_any_is_not_opened)
{
	struct federation *f = fed_running("JP", NULL);
	struct node *jp = fed_node(f, "JP");
	struct engine_options o = jp->engine->options;
	uint8_t size[8];
	struct engine *e;
	struct txn *t;

	put_be64(size, UINT64_C(1) << 60);
	put_row(jp, TABLE_META, bytes_of("ledger-size", 11),
	    bytes_of(size, sizeof(size)));
	EXPECT("begin", txn_begin(&t, jp->store), HF_OK);
	EXPECT("open", engine_open(&e, &o, t, jp->size, &jp->root_hash),
	    HF_CORRUPT);
	txn_abort(t);
	fed_free(f);
}

Test(damage, a_body_that_is_none_is_told)
{
	static uint8_t out[HF_FRAME_MAX], large[HF_BODY_MAX + HF_TAG_SIZE + 1];
	static const size_t sizes[] = {3, HF_TAG_SIZE + 8, sizeof(large)};
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_id id = fed_request(f);
	struct case_record c = node_case(jp, &id);
	uint64_t index = index_of(jp, &id);

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size;

		put_at(jp, TABLE_BODIES, index, bytes_of(large, sizes[i]));
		node_look(jp);
		EXPECT("body", case_body_get(jp->engine, &c, &id, out, &size),
		    HF_CORRUPT);
		node_look_end(jp);
	}
	fed_free(f);
}

Test(damage, a_head_that_is_none_is_told)
{
	static const uint8_t large[HF_NOTE_MAX + 1];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_bytes note;
	struct row_key k;
	uint64_t size;

	heads_row(&k, us->country, "head");
	put_row(jp, TABLE_PEERS, row_bytes(&k), bytes_of(large, 8));
	turn_begin(jp);
	EXPECT("of a peer", heads_held(jp->engine, us->country, &size, &note),
	    HF_CORRUPT);
	EXPECT("lost", heads_lost(jp->engine, us->country, &note), HF_CORRUPT);
	turn_abandon(jp);
	heads_row(&k, us->country, "epoch");
	put_row(
	    jp, TABLE_PEERS, row_bytes(&k), bytes_of("\0\0\0\0\0\0\0\1", 8));
	turn_begin(jp);
	EXPECT("none was", heads_lost(jp->engine, us->country, &note), HF_OK);
	cr_assert_eq(note.size, 0);
	turn_abandon(jp);
	heads_row(&k, us->country, "lost-head");
	put_row(jp, TABLE_PEERS, row_bytes(&k), bytes_of(large, sizeof(large)));
	turn_begin(jp);
	EXPECT("lost", heads_lost(jp->engine, us->country, &note), HF_CORRUPT);
	turn_abandon(jp);
	fed_free(f);
}

/* A row of the inbox of jp.ncp; `more`: its key is longer than one. */
static void put_inbox(struct node *n, uint64_t sequence, bool more)
{
	struct row_key k = {0};

	row_add(&k, "jp.ncp", 7);
	row_add_be64(&k, sequence);
	if (more)
		row_add_u8(&k, 1);
	put_row(n, TABLE_INBOX, row_bytes(&k), bytes_of(junk, sizeof(junk)));
}

Test(damage, an_inbox_row_that_is_none_is_told)
{
	for (unsigned more = 0; more < 2; more++) {
		struct federation *f = fed_running("JP", "US", NULL);
		struct node *jp = fed_node(f, "JP");
		static const uint8_t watch[] = {0x93, HF_OP_WATCH, 1, 0x80};
		struct event ev = node_event(jp, EVENT_DESK_FRAME);
		struct hf_hash root;
		uint64_t size;
		bool changed;

		EXPECT(
		    "none", desk_says(jp, NCP, HF_OP_INBOX, no_args()), HF_OK);
		put_inbox(jp, 1000, more);
		EXPECT("by page", desk_says(jp, NCP, HF_OP_INBOX, no_args()),
		    HF_CORRUPT);
		ev.conn = 9;
		ev.key = secret_transport_key(jp->officers[NCP].secret);
		ev.frame = bytes_of(watch, sizeof(watch));
		turn_begin(jp);
		EXPECT("watch", engine_step(jp->engine, &ev), HF_OK);
		EXPECT("pushed", engine_end(jp->engine, &size, &root, &changed),
		    HF_CORRUPT);
		turn_abandon(jp);
		fed_free(f);
	}
}
