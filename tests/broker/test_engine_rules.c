/* Small decisions of the engine, each in a table: what a copy of the store is
 * worth, which witnesses count, what may be erased or still entered, what a
 * desk may ask. */
#include "tests/broker/wires.h"

#include "broker/engine/copy.h"
#include "broker/engine/heads.h"
#include "broker/engine/intake.h"
#include "broker/engine/link.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONN 6000u

/* ---- copies (SPEC 12.12, DESIGN 8) ---- */

static enum hf_err count_slots(void *ctx, uint32_t slot)
{
	unsigned *left = ctx;

	(void)slot;
	return (*left)-- == 0 ? HF_KEYSLOT : HF_OK;
}

/* What is said of the store of `n` as a copy of JP's. */
static enum hf_err judge_copy(struct node *n, const char *country)
{
	struct engine_copy copy;
	struct hf_country c = {{0}};
	struct engine *e;
	struct txn *t;
	enum hf_err err;

	memcpy(c.s, country, HF_COUNTRY_SIZE);
	EXPECT("begin", txn_begin(&t, n->store), HF_OK);
	err = engine_open_copy(&e, c, t);
	if (err == HF_OK)
		err = engine_check_copy(e, t, &copy);
	engine_free(e);
	txn_abort(t);
	return err;
}

/* The newest note there is. */
static void put_note(
    struct node *n, uint64_t key, const char *note, size_t size)
{
	uint8_t k[8];

	put_be64(k, key);
	turn_begin(n);
	EXPECT("note",
	    txn_put(n->txn, TABLE_CHECKPOINTS, bytes_of(k, sizeof(k)),
		bytes_of(note, size)),
	    HF_OK);
	EXPECT("commit", txn_commit(n->txn), HF_OK);
	n->txn = NULL;
	engine_abandon(n->engine);
	effects_free(n->effects);
	n->effects = NULL;
}

Test(copies, the_newest_head_in_it_is_of_its_entries)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_hash root = {{3}};
	uint64_t size = jp->size, key = 1000000;
	struct secret *other;
	char note[HF_NOTE_MAX];
	size_t n;

	EXPECT("as it is", judge_copy(jp, "JP"), HF_OK);
	EXPECT("of another country", judge_copy(jp, "US"), HF_CHECKPOINT);
	n = node_note(jp, size, &root, note);
	put_note(jp, size, note, n);
	EXPECT("another root", judge_copy(jp, "JP"), HF_CORRUPT);
	put_note(jp, key++, note, n);
	EXPECT("under another size", judge_copy(jp, "JP"), HF_CHECKPOINT);
	n = node_note(jp, key, &root, note);
	put_note(jp, key++, note, n);
	EXPECT("beyond its entries", judge_copy(jp, "JP"), HF_CHECKPOINT);
	jp->epoch = 7;
	n = node_note(jp, key, &root, note);
	jp->epoch = 1;
	put_note(jp, key++, note, n);
	EXPECT(
	    "of an epoch without a key", judge_copy(jp, "JP"), HF_CHECKPOINT);
	other = jp->broker;
	jp->broker = jp->witness;
	n = node_note(jp, key, &root, note);
	jp->broker = other;
	put_note(jp, key++, note, n);
	EXPECT("by another key", judge_copy(jp, "JP"), HF_CHECKPOINT);
	put_note(jp, key++, "no note", 7);
	EXPECT("none", judge_copy(jp, "JP"), HF_CORRUPT);
	fed_free(f);
}

Test(copies, a_broker_that_has_signed_nothing_yet_has_good_ones)
{
	struct federation *f = fed_new("JP", NULL);
	struct node *jp = fed_node(f, "JP");

	snprintf(jp->dir, sizeof(jp->dir), "/tmp/hf-test-XXXXXX");
	cr_assert_not_null(mkdtemp(jp->dir));
	node_open_store(jp);
	EXPECT("empty", judge_copy(jp, "JP"), HF_OK);
	fed_free(f);
}

/* The start reads entries anew and needs few nodes; a copy is read whole. */
Test(copies, a_node_of_the_tree_that_rotted_is_found)
{
	static const uint8_t key[9] = {255}, node[HF_HASH_SIZE] = {7};
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct engine_options o = jp->engine->options;
	struct engine *e;
	struct txn *t;

	EXPECT("begin", txn_begin(&t, jp->store), HF_OK);
	EXPECT("put",
	    txn_put(t, TABLE_NODES, bytes_of(key, sizeof(key)),
		bytes_of(node, sizeof(node))),
	    HF_OK);
	EXPECT("commit", txn_commit(t), HF_OK);
	EXPECT("begin", txn_begin(&t, jp->store), HF_OK);
	EXPECT("the start does not need it",
	    engine_open(&e, &o, t, jp->size, &jp->root_hash), HF_OK);
	engine_free(e);
	txn_abort(t);
	EXPECT("a copy", judge_copy(jp, "JP"), HF_CORRUPT);
	fed_free(f);
}

Test(copies, a_root_that_is_not_that_of_the_entries_is_found)
{
	static const uint8_t node[HF_HASH_SIZE] = {7};
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_bytes key, value;
	struct row_key k = {0};
	struct txn *t;

	EXPECT("begin", txn_begin(&t, jp->store), HF_OK);
	EXPECT("nearest the root",
	    txn_next(t, TABLE_NODES, nothing, nothing, false, &key, &value),
	    HF_OK);
	row_add(&k, key.data, key.size);
	EXPECT("put",
	    txn_put(
		t, TABLE_NODES, row_bytes(&k), bytes_of(node, sizeof(node))),
	    HF_OK);
	EXPECT("commit", txn_commit(t), HF_OK);
	EXPECT("a copy", judge_copy(jp, "JP"), HF_CORRUPT);
	fed_free(f);
}

Test(copies, every_key_slot_is_told_until_somebody_fails)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_id id = fed_request(f);
	struct case_record c;
	unsigned left;

	fed_request(f);
	fed_request(f);
	c = node_case(jp, &id);
	c.erased = true;
	turn_begin(jp);
	EXPECT("erased", case_save(jp->engine, &c), HF_OK);
	turn_end(jp);
	for (unsigned most = 1; most <= 2; most++) {
		struct txn *t;

		left = most;
		EXPECT("begin", txn_begin(&t, jp->store), HF_OK);
		EXPECT("slots",
		    engine_case_slots(jp->engine, t, count_slots, &left),
		    most == 1 ? HF_KEYSLOT : HF_OK);
		txn_abort(t);
	}
	cr_assert_eq(left, 0, "two are not erased");
	fed_free(f);
}

/* ---- witnesses (SPEC 6.9) ---- */

static uint64_t witnessed(struct node *n)
{
	struct hf_bytes note;
	uint64_t size = 0;

	node_look(n);
	if (heads_witnessed(n->engine, &size, &note) != HF_OK)
		size = 0;
	node_look_end(n);
	return size;
}

Test(witnesses, those_that_the_policy_names_count_and_as_many)
{
	static const struct {
		unsigned named, quorum;
		const char *names[2];
		bool enough;
	} tries[] = {
	    {0, 1, {NULL, NULL}, true},
	    {0, 2, {NULL, NULL}, true},
	    {0, 3, {NULL, NULL}, false},
	    {1, 1, {"US", NULL}, true},
	    {1, 2, {"US", NULL}, false},
	    {2, 1, {"BR", "DE"}, true},
	    {1, 1, {"BR", NULL}, false},
	};
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), 1);
	struct node *jp = fed_node(w->f, "JP");
	struct engine_options *o = &jp->engine->options;

	wires_connect_all(w);
	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		uint64_t before = jp->size;

		o->witness_count = tries[i].named;
		o->witness_quorum = tries[i].quorum;
		for (unsigned k = 0; k < tries[i].named; k++)
			memcpy(o->witnesses[k].s, tries[i].names[k], 3);
		fed_request(w->f);
		wires_run_for(w, 5000, 500);
		cr_assert_eq(
		    witnessed(jp) > before, tries[i].enough, "try %u", i);
	}
	wires_free(w);
}

/* A broker without a witness is shown heads, and asked for nothing. */
Test(witnesses, a_country_may_have_none)
{
	static const struct {
		uint64_t age;
		unsigned quorum;
		bool alarm;
	} tries[] = {{0, 1, false}, {5000, 0, false}, {5000, 1, false}};
	struct federation *f = fed_new("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct wires *w;

	us->entries[0].u.broker.has_witness = false;
	fed_build(us);
	fed_start(f);
	w = wires_new(f, 2);
	wires_connect_all(w);
	fed_request(f);
	wires_run_for(w, 5000, 500);
	cr_assert_gt(w->carried[HF_LINK_HEAD], 0);
	cr_assert_eq(witnessed(jp), 0);
	cr_assert_eq(link_find(jp->engine, us->country)->again_mono, 0);
	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		jp->engine->options.witness_max_age_ms = tries[i].age;
		jp->engine->options.witness_quorum = tries[i].quorum;
		wires_run_for(w, 20000, 2000);
		cr_assert_eq(wires_logged(w, "JP", HF_UNWITNESSED) > 0,
		    tries[i].alarm, "nobody could");
	}
	wires_free(w);
}

/* Those who are asked for a cosignature and do not give it. */
Test(witnesses, nobody_is_missed_who_could_not_cosign)
{
	static const struct {
		const char *named;
		bool unpinned, alarm;
	} tries[] = {
	    {"US", false, true}, {"BR", false, false}, {"US", true, false}};

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct wires *w =
		    wires_new(fed_running("JP", "US", NULL), 50 + i);
		struct node *jp = fed_node(w->f, "JP");
		struct engine_options *o = &jp->engine->options;
		struct event ev = node_event(jp, EVENT_UNPIN);

		o->witness_max_age_ms = 5000;
		o->witness_count = o->witness_quorum = 1;
		memcpy(o->witnesses[0].s, tries[i].named, 3);
		w->drop_type = HF_LINK_COSIGNED;
		wires_connect_all(w);
		wires_run(w);
		ev.country = fed_node(w->f, "US")->country;
		if (tries[i].unpinned)
			node_turn(jp, &ev);
		wires_run_for(w, 20000, 2000);
		cr_assert_eq(wires_logged(w, "JP", HF_UNWITNESSED) > 0,
		    tries[i].alarm, "try %u", i);
		wires_free(w);
	}
}

/* ---- the end of a file (SPEC 12.8) ---- */

Test(erasing, only_what_is_over_and_held_by_nobody_is_erased)
{
	static const struct {
		bool legal_hold, erased, ended, in_time;
		enum hf_err code;
	} tries[] = {
	    {true, false, true, false, HF_LEGAL_HOLD},
	    {false, true, true, false, HF_NOT_ALLOWED},
	    {false, false, false, false, HF_NOT_ALLOWED},
	    {false, false, true, true, HF_NOT_ALLOWED},
	    {false, false, true, false, HF_OK},
	};
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_id id = fed_request(f);

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct case_record c = node_case(jp, &id);

		c.legal_hold = tries[i].legal_hold;
		c.erased = tries[i].erased;
		c.ended.ms = tries[i].ended ? 1 : 0;
		c.retain_until.ms = f->now.ms + (tries[i].in_time ? 1000 : 0);
		turn_begin(jp);
		EXPECT("begin", erase_begin(jp->engine, &c), tries[i].code);
		turn_abandon(jp);
	}
	fed_free(f);
}

/* ---- room (SPEC 12.14) ---- */

Test(room, what_ends_is_entered_longer_than_what_begins)
{
	static const unsigned ends[] = {HF_KIND_WITHDRAW, HF_KIND_CLOSE,
	    HF_KIND_END, HF_KIND_LIVE_STOPPED, HF_KIND_RETRACT, HF_KIND_EXPIRE};
	static const struct {
		unsigned pressure, kind, urgency;
		bool opens;
		enum hf_err code;
	} tries[] = {
	    {0, HF_KIND_REQUEST, HF_ROUTINE, true, HF_OK},
	    {1, HF_KIND_REQUEST, HF_ROUTINE, true, HF_NEARLY_FULL},
	    {1, HF_KIND_REQUEST, HF_URGENT, true, HF_OK},
	    {1, HF_KIND_NOTE, HF_ROUTINE, false, HF_OK},
	    {2, HF_KIND_NOTE, HF_URGENT, false, HF_NEARLY_FULL},
	    {2, HF_KIND_OPTIONAL - 1, HF_URGENT, false, HF_NEARLY_FULL},
	    {2, HF_KIND_REQUEST, HF_EMERGENCY, true, HF_OK},
	};
	static struct engine e;

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		e.pressure = tries[i].pressure;
		EXPECT("room",
		    room_for(
			&e, tries[i].kind, tries[i].opens, tries[i].urgency),
		    tries[i].code);
	}
	e.pressure = 2;
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		EXPECT(
		    "an end", room_for(&e, ends[i], false, HF_ROUTINE), HF_OK);
}

/* ---- desks ---- */

static struct reply ask(
    struct wires *w, const char *desk, unsigned op, struct hf_bytes args)
{
	return desk_ask(w, fed_officer(w->f, desk), CONN, op, args);
}

Test(asking, a_documents_parts_are_those_it_has)
{
	static struct args a;
	static const struct {
		const char *country;
		uint64_t part, version;
		enum hf_err code;
	} tries[] = {
	    {"JP", 0, 1, HF_OK},
	    {"JP", 999, 1, HF_RANGE},
	    {"JP", 0, 9, HF_UNKNOWN_ACT},
	    {"US", 0, 1, HF_OK},
	    {"BR", 0, 1, HF_UNKNOWN_COUNTRY},
	    {"J", 0, 1, HF_MISSING_KEY},
	};
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 3);

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		args_begin(&a, 3);
		args_bin(&a, 1, tries[i].country, strlen(tries[i].country));
		args_uint(&a, 2, tries[i].part);
		args_uint(&a, 3, tries[i].version);
		EXPECT(tries[i].country,
		    ask(w, "jp.ncp", HF_OP_DOCUMENT, args_end(&a)).code,
		    tries[i].code);
	}
	wires_free(w);
}

Test(asking, a_document_is_published_part_by_part)
{
	static struct args a;
	static uint8_t part[HF_DOC_PART + 1];
	static const struct {
		uint64_t part, parts;
		size_t size;
		enum hf_err code;
	} tries[] = {
	    {0, 3, 100, HF_OK},
	    {1, 3, 100, HF_OK},
	    {2, 2, 100, HF_FRAME},
	    {0, 2, 100, HF_OK},
	    {1, 3, 100, HF_FRAME},
	    {0, 2, HF_DOC_PART + 1, HF_FRAME},
	    {0, 2, 0, HF_FRAME},
	    {0, 0, 100, HF_FRAME},
	};
	struct wires *w = wires_new(fed_running("JP", NULL), 4);

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct reply r;
		struct wire at;

		args_begin(&a, 3);
		args_uint(&a, 1, tries[i].part);
		args_uint(&a, 2, tries[i].parts);
		args_bin(&a, 3, part, tries[i].size);
		r = ask(w, "jp.ops", HF_OP_PUBLISH, args_end(&a));
		EXPECT("part", r.code, tries[i].code);
		cr_assert_not(reply_has(&r, 1, &at), "it is not whole");
	}
	wires_free(w);
}

/* Who waits for an answer is told that the store is full. */
Test(asking, who_may_ask_is_told_that_the_store_is_full)
{
	static const uint8_t hello[] = {0x93, 1, 1, 0x80, 0};
	static const struct {
		const char *desk;
		enum event_type type;
		size_t size;
		bool told;
	} tries[] = {
	    {"jp.ncp", EVENT_DESK_FRAME, 4, true},
	    {"jp.ncp", EVENT_DESK_FRAME, 5, true}, /* malformed, with an id */
	    {"jp.ncp", EVENT_DESK_FRAME, 1, false},
	    {"us.ncp", EVENT_DESK_FRAME, 4, false},
	    {"jp.ncp", EVENT_TIMER, 4, false},
	};
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct event ev;

		turn_begin(jp);
		ev = node_event(jp, tries[i].type);
		ev.key =
		    secret_transport_key(fed_officer(f, tries[i].desk)->secret);
		ev.frame = bytes_of(hello, tries[i].size);
		engine_answer_full(jp->engine, &ev);
		cr_assert_eq(
		    effects_count(jp->effects), tries[i].told, "try %u", i);
		turn_abandon(jp);
	}
	fed_free(f);
}

Test(asking, arguments_of_other_types_are_taken_for_what_they_are)
{
	static const uint8_t all[] = {0x81, 3, 0xc2}, open[] = {0x81, 3, 0xc3};
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 6);
	struct reply r;
	struct wire at;

	fed_request(w->f);
	EXPECT("false",
	    ask(w, "jp.ncp", HF_OP_CASES, bytes_of(all, sizeof(all))).code,
	    HF_OK);
	EXPECT("true",
	    ask(w, "jp.ncp", HF_OP_CASES, bytes_of(open, sizeof(open))).code,
	    HF_OK);
	for (uint64_t limit = 0; limit <= 1000; limit += 1000) {
		args_begin(&a, 1);
		args_uint(&a, 2, limit);
		r = ask(w, "jp.ncp", HF_OP_CASES, args_end(&a));
		cr_assert(reply_has(&r, 1, &at), "what there is room for");
		cr_assert_eq(wire_array(&at, 0, HF_ARRAY_MAX), 1);
	}
	wires_free(w);
}

/* Of the time in which a key was in a thief's hands (SPEC 5.11). */
Test(asking, acts_of_a_stolen_key_are_disputed)
{
	static const struct {
		unsigned desk; /* whose key: NCP signed, CA did not */
		int since_s, revoked_s;
		bool disputed;
	} tries[] = {
	    {NCP, -5, 5, true},
	    {CA, -5, 5, false},
	    {NCP, 1, 5, false},
	    {NCP, -5, -1, false},
	};

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct country_entry entry = {.type = ENTRY_REVOCATION};
		struct wires *w =
		    wires_new(fed_running("JP", "US", NULL), 7 + i);
		struct node *jp = fed_node(w->f, "JP");
		struct hf_id id = fed_request(w->f);
		uint64_t at = w->f->now.ms;
		struct hf_id note;
		struct args a;
		struct reply r;
		struct wire v;
		struct draft d;

		draft_next(&d, w->f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING,
		    &id, NULL);
		note = must_submit(&d);
		EXPECT("carry",
		    fed_carry(jp, fed_node(w->f, "US"), &note, NULL), HF_OK);
		entry.u.revocation.key = jp->officers[tries[i].desk].sign;
		entry.u.revocation.since.ms =
		    at + (uint64_t)(tries[i].since_s * 1000);
		entry.u.revocation.revoked.ms =
		    at + (uint64_t)(tries[i].revoked_s * 1000);
		entry.u.revocation.reason = 1;
		fed_wait(w->f, 6);
		fed_entry(jp, &entry);
		fed_publish(jp);
		args_begin(&a, 1);
		args_bin(&a, 1, id.b, sizeof(id.b));
		r = ask(w, "us.ncp", HF_OP_CASE, args_end(&a));
		EXPECT("case", r.code, HF_OK);
		cr_assert(reply_has(&r, HF_S_DISPUTED, &v));
		cr_assert_eq(wire_bool(&v), tries[i].disputed, "try %u", i);
		wires_free(w);
	}
}

/* ---- documents in the store ---- */

Test(stored_documents, count_for_nothing_without_the_root_that_signed_them)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct secret *other = secret_new(SECRET_ROOT);
	struct event ev = node_event(us, EVENT_UNPIN);

	ev.country = jp->country;
	node_turn(us, &ev);
	node_close(us);
	node_open_store(us);
	node_open_engine(us);
	cr_assert_null(roster_doc(engine_roster(us->engine), jp->country));
	ev = node_event(us, EVENT_PIN);
	ev.country = jp->country;
	ev.key = secret_sign_key(other);
	node_turn(us, &ev);
	cr_assert_null(roster_doc(engine_roster(us->engine), jp->country));
	node_close(us);
	node_open_store(us);
	node_open_engine(us);
	cr_assert_null(roster_doc(engine_roster(us->engine), jp->country));
	ev = node_event(us, EVENT_UNPIN);
	ev.country = jp->country;
	node_turn(us, &ev);
	ev = node_event(us, EVENT_PIN);
	ev.country = jp->country;
	ev.key = secret_sign_key(jp->root);
	node_turn(us, &ev);
	cr_assert_not_null(roster_doc(engine_roster(us->engine), jp->country));
	secret_free(other);
	fed_free(f);
}

/* ---- heads that the signer gives back ---- */

Test(own_heads, only_the_head_of_these_entries_is_published)
{
	static char large[HF_NOTE_MAX + 1];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_hash other = {{1}};
	char note[HF_NOTE_MAX];
	size_t n;

	node_look(jp);
	jp->effects = effects_new();
	EXPECT("too large",
	    engine_receipts(jp->engine, jp->txn, bytes_of(large, sizeof(large)),
		jp->effects),
	    HF_TOO_BIG);
	n = node_note(jp, jp->size, &other, note);
	EXPECT("another root",
	    engine_receipts(
		jp->engine, jp->txn, bytes_of(note, n), jp->effects),
	    HF_CHECKPOINT);
	n = node_note(jp, jp->size + 1, &jp->root_hash, note);
	EXPECT("another size",
	    engine_receipts(
		jp->engine, jp->txn, bytes_of(note, n), jp->effects),
	    HF_CHECKPOINT);
	n = node_note(jp, jp->size, &jp->root_hash, note);
	EXPECT("its own",
	    engine_receipts(
		jp->engine, jp->txn, bytes_of(note, n), jp->effects),
	    HF_OK);
	effects_free(jp->effects);
	jp->effects = NULL;
	node_look_end(jp);
	EXPECT("only frames are verified beforehand",
	    engine_preverify(EVENT_TIMER, nothing), HF_FRAME);
	fed_free(f);
}

/* A case outlives the trust in the other country, and shows who works on it. */
Test(asking, a_case_is_shown_as_its_desk_left_it)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 60);
	struct node *jp = fed_node(w->f, "JP");
	struct event ev = node_event(jp, EVENT_UNPIN);
	struct hf_id id = fed_request(w->f);
	struct args a;
	struct draft d;
	struct reply r;
	struct wire at;

	for (unsigned i = 0; i < 2; i++) {
		args_begin(&a, 1);
		args_bin(&a, 1, id.b, sizeof(id.b));
		r = ask(w, "jp.ncp", HF_OP_CASE, args_end(&a));
		EXPECT("case", r.code, HF_OK);
		cr_assert(reply_has(&r, HF_S_DISPUTED, &at));
		cr_assert_not(wire_bool(&at));
		cr_assert(reply_has(&r, HF_S_ASSIGNEE, &at));
		if (i == 0) {
			cr_assert_eq(wire_peek(&at), WIRE_NIL, "nobody");
			draft_next(&d, w->f, "jp.ncp", HF_KIND_ASSIGN,
			    HF_TRACK_INNER_ASKING, &id, NULL);
			d.env.assignee = d.author->sign;
			draft_has(&d, HF_E_ASSIGNEE);
			must_submit(&d);
			ev.country = fed_node(w->f, "US")->country;
			node_turn(jp, &ev);
		} else {
			cr_assert_arr_eq(
			    wire_bin(&at, HF_KEY_SIZE, HF_KEY_SIZE).data,
			    d.author->sign.b, HF_KEY_SIZE);
		}
	}
	wires_free(w);
}

/* Who reads for his country sees the inner track of its side. */
Test(asking, an_auditor_is_shown_the_side_of_his_country)
{
	static const struct {
		const char *desk;
		uint64_t side, inner_gen;
	} tries[] = {{"us.aud", 1, 1}, {"us.ncp", 1, 1}, {"jp.aud", 0, 0}};
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 61);
	struct hf_id id = fed_request(w->f);
	struct args a;
	struct draft d;
	struct reply r;

	draft_next(
	    &d, w->f, "us.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKED, &id, NULL);
	must_submit(&d);
	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		args_begin(&a, 1);
		args_bin(&a, 1, id.b, sizeof(id.b));
		r = ask(w, tries[i].desk, HF_OP_CASE, args_end(&a));
		EXPECT(tries[i].desk, r.code, HF_OK);
		cr_assert_eq(reply_uint(&r, HF_S_SIDE), tries[i].side);
		cr_assert_eq(
		    reply_uint(&r, HF_S_INNER_GEN), tries[i].inner_gen);
	}
	wires_free(w);
}
