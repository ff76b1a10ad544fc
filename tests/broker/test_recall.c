/* A broker that lost data, and what its peers give back (SPEC 12.12). */
#include "tests/broker/wires.h"

#include "broker/engine/intake.h"
#include "broker/engine/link.h"

#include <criterion/criterion.h>
#include <string.h>

struct loss {
	struct wires *w;
	struct node *jp, *us;
	struct hf_id id;   /* of a case whose later acts are lost */
	struct hf_id lost; /* of a case that is lost whole */
	char old[NODE_DIR_MAX + 4];
};

/* Both ways there is one case before the copy is made. */
static struct loss before_loss(uint64_t seed)
{
	struct loss l = {.w = wires_new(fed_running("JP", "US", NULL), seed)};
	struct draft d;

	l.jp = fed_node(l.w->f, "JP");
	l.us = fed_node(l.w->f, "US");
	wires_connect_all(l.w);
	draft_open(&d, l.w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	l.id = must_submit(&d);
	wires_run_for(l.w, 1000, 500);
	node_backup(l.jp, l.old);
	wires_connect_all(l.w);
	wires_run_for(l.w, 1000, 500);
	return l;
}

static struct hf_id note(struct loss *l, const char *by, const struct hf_id *id)
{
	bool jp = strncmp(by, "jp", 2) == 0;
	struct draft d;
	struct hf_id made;

	draft_next(&d, l->w->f, by, HF_KIND_NOTE,
	    jp ? HF_TRACK_ASKING : HF_TRACK_ASKED, id, NULL);
	made = must_submit(&d);
	wires_run_for(l->w, 200, 100);
	return made;
}

/* What JP will have lost: acts of its own and of US, and a new case. */
static void go_on(struct loss *l, unsigned notes)
{
	struct draft d;

	draft_accept(&d, l->w->f, "us.ncp", &l->id, 55);
	must_submit(&d);
	wires_run_for(l->w, 500, 250);
	for (unsigned i = 0; i < notes; i++)
		note(l, i % 3 == 2 ? "us.ncp" : "jp.ncp", &l->id);
	draft_open(&d, l->w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	l->lost = must_submit(&d);
	wires_run_for(l->w, 500, 250);
	note(l, "jp.ncp", &l->lost);
	cr_assert(same_state(l->jp, l->us, &l->id));
	cr_assert(same_state(l->jp, l->us, &l->lost));
}

static void lose(struct loss *l)
{
	wires_cut(l->w, "JP", "US");
	wires_cut(l->w, "US", "JP");
	node_lose(l->jp, l->old);
}

static unsigned entries(struct node *n, unsigned type)
{
	struct hf_ledger_leaf leaf;
	unsigned count = 0;

	node_look(n);
	for (uint64_t i = 0; i < n->size; i++) {
		EXPECT("leaf", ledger_leaf(n->engine, i, &leaf), HF_OK);
		count += leaf.type == type;
	}
	node_look_end(n);
	return count;
}

Test(recall, own_sides_come_back_with_their_times)
{
	struct loss l = before_loss(1);
	struct case_record before, after;
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;
	struct hf_country us = {"US"};
	uint64_t lost;

	go_on(&l, 9);
	before = node_case(l.jp, &l.id);
	lost = l.jp->size;
	lose(&l);
	after = node_case(l.jp, &l.id);
	cr_assert_lt(after.gens[0] + after.gens[1],
	    before.gens[0] + before.gens[1], "control: it is lost");
	EXPECT("control: the whole case", node_case_err(l.jp, &l.lost, &after),
	    HF_NOTFOUND);
	cr_assert(node_last_statement(l.jp, HF_ENTRY_EPOCH, &s, buffer));
	cr_assert_eq(s.code, 1, "the epoch before");
	cr_assert_eq(s.count, lost);
	cr_assert_eq(s.detail.size, HF_HASH_SIZE);
	wires_connect_all(l.w);
	wires_run_for(l.w, 4000, 250);
	after = node_case(l.jp, &l.id);
	cr_assert_eq(after.gens[0], before.gens[0]);
	cr_assert_eq(after.gens[1], before.gens[1]);
	cr_assert(same_state(l.jp, l.us, &l.id));
	cr_assert(same_state(l.jp, l.us, &l.lost));
	cr_assert_eq(entries(l.jp, HF_ENTRY_RECALLED), 6 + 2);
	cr_assert(node_last_statement(l.jp, HF_ENTRY_SIDES_BACK, &s, buffer));
	cr_assert_eq(s.text.size, 2);
	cr_assert_eq(memcmp(s.text.data, us.s, 2), 0);
	cr_assert_eq(s.count, lost, "the head that US knew");
	node_look(l.jp);
	cr_assert_not(recall_pending(l.jp->engine, us));
	node_look_end(l.jp);
	cr_assert_eq(wires_waiting(l.w, "JP"), 0, "receipts are back too");
	cr_assert_gt(wires_logged(l.w, "US", HF_NEW_EPOCH), 0);
	/* and it goes on, both ways */
	note(&l, "jp.ncp", &l.id);
	note(&l, "us.ncp", &l.id);
	cr_assert(same_state(l.jp, l.us, &l.id));
	cr_assert_eq(node_statements(l.us, HF_ENTRY_CONFLICT, NULL), 0);
	cr_assert_eq(node_statements(l.jp, HF_ENTRY_CONFLICT, NULL), 0);
	wires_free(l.w);
}

Test(recall, nothing_is_decided_until_they_are_back)
{
	struct loss l = before_loss(2);
	struct intake_result r;
	struct signed_act a;
	struct draft d;

	go_on(&l, 3);
	lose(&l);
	draft_next(
	    &d, l.w->f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &l.id, NULL);
	EXPECT("a note", draft_submit(&d, &a, &r), HF_RECALLING);
	/* deadlines pass, and JP says nothing of a silence that it forgot */
	wires_run_for(l.w, 9000, 500);
	cr_assert_eq(node_statements(l.jp, HF_ENTRY_ABSENT, &l.id), 0);
	wires_connect_all(l.w);
	wires_run_for(l.w, 6000, 250);
	note(&l, "jp.ncp", &l.id);
	cr_assert(same_state(l.jp, l.us, &l.id));
	wires_free(l.w);
}

Test(recall, a_long_side_comes_back_over_a_bad_line)
{
	struct loss l = before_loss(3);
	struct case_record before, after;

	go_on(&l, 90);
	before = node_case(l.jp, &l.id);
	lose(&l);
	l.w->lose = 200;
	l.w->twice = 200;
	l.w->shuffle = 200;
	wires_connect_all(l.w);
	wires_run_for(l.w, 12000, 250);
	l.w->lose = 0;
	wires_run_for(l.w, 8000, 250);
	after = node_case(l.jp, &l.id);
	cr_assert_eq(after.gens[0], before.gens[0]);
	cr_assert_eq(after.gens[1], before.gens[1]);
	cr_assert(same_state(l.jp, l.us, &l.id));
	cr_assert(same_state(l.jp, l.us, &l.lost));
	cr_assert_eq(node_statements(l.jp, HF_ENTRY_SIDES_BACK, NULL), 1);
	wires_free(l.w);
}

/* The list gets lost, then the acts do. */
Test(recall, what_gets_lost_is_asked_for_again)
{
	struct loss l = before_loss(5);

	go_on(&l, 3);
	lose(&l);
	l.w->drop_type = HF_LINK_RECALLED;
	wires_connect_all(l.w);
	wires_run_for(l.w, 2000, 250);
	l.w->drop_type = HF_LINK_ACTS;
	wires_run_for(l.w, 6000, 250);
	cr_assert_gt(l.w->carried[HF_LINK_RECALLED], 0);
	cr_assert_eq(entries(l.jp, HF_ENTRY_RECALLED), 0);
	l.w->drop_type = 0;
	wires_run_for(l.w, 6000, 250);
	cr_assert_eq(entries(l.jp, HF_ENTRY_RECALLED), 4);
	cr_assert(same_state(l.jp, l.us, &l.id));
	cr_assert_eq(node_statements(l.jp, HF_ENTRY_SIDES_BACK, NULL), 1);
	wires_free(l.w);
}

/* A page that is there already leaves the one in work alone. */
Test(recall, a_page_that_comes_again_is_passed_over)
{
	static const uint8_t nothing_new[] = {
	    0x94, HF_LINK_RECALLED, 0xa0, 0x90, 0xc4, HF_ID_SIZE};
	uint8_t page[sizeof(nothing_new) + HF_ID_SIZE];
	struct loss l = before_loss(6);
	struct hf_key key = secret_transport_key(l.us->broker);
	struct peer *us;

	go_on(&l, 3);
	lose(&l);
	l.w->drop_type = HF_LINK_ACTS;
	wires_connect_all(l.w);
	wires_run_for(l.w, 1000, 250);
	us = link_peer(l.jp->engine, l.us->country);
	cr_assert_gt(us->recall.count, 0, "control: a page is in work");
	memset(&us->recall.next, 0x70, HF_ID_SIZE);
	memcpy(page, nothing_new, sizeof(nothing_new));
	memset(page + sizeof(nothing_new), 0x70, HF_ID_SIZE);
	wires_inject(l.w, "US", "JP", page, sizeof(page));
	cr_assert_gt(us->recall.count, 0);
	cr_assert_not(wires_was_cut(l.w, "JP", &key));
	l.w->drop_type = 0;
	wires_run_for(l.w, 8000, 250);
	cr_assert(same_state(l.jp, l.us, &l.lost));
	wires_free(l.w);
}

Test(recall, an_epoch_begins_by_an_operator_only)
{
	struct engine_options o;
	struct federation *f = fed_running("JP", NULL);
	struct node *jp = fed_node(f, "JP");
	struct engine *e;
	struct txn *t;

	o = jp->engine->options;
	EXPECT("begin", txn_begin(&t, jp->store), HF_OK);
	o.epoch = 2;
	EXPECT("epoch 2", engine_open(&e, &o, t, 0, &jp->root_hash), HF_EPOCH);
	o.accept_rollback = true;
	EXPECT("accepted", engine_open(&e, &o, t, 0, &jp->root_hash), HF_OK);
	engine_free(e);
	o.epoch = 0;
	EXPECT("back", engine_open(&e, &o, t, 0, &jp->root_hash), HF_EPOCH);
	txn_abort(t);
	fed_free(f);
}

/* Without a loss nobody may put own acts into our ledger. */
Test(recall, own_acts_are_not_taken_from_a_peer_otherwise)
{
	struct loss l = before_loss(4);
	struct hf_id made = note(&l, "jp.ncp", &l.id);
	struct intake_result r;

	EXPECT(
	    "carried back", fed_carry(l.us, l.jp, &made, &r), HF_WRONG_COUNTRY);
	wires_free(l.w);
}

/* ---- many cases ---- */

#define CASES 70u /* more than a page of the list has */

static struct hf_id open_case(struct wires *w, const char *by, const char *to)
{
	struct draft d;

	draft_open(&d, w->f, by, HF_KIND_REQUEST, to);
	return must_submit(&d);
}

/* US has cases with DE among those of JP, and some that JP only answers. */
Test(recall, a_long_list_comes_in_pages_of_its_country_alone)
{
	struct federation *f = fed_running("DE", "JP", "US", NULL);
	struct wires *w = wires_new(f, 20);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id id[CASES];
	char old[NODE_DIR_MAX + 4];

	wires_connect_all(w);
	wires_run_for(w, 1000, 500);
	node_backup(jp, old);
	wires_connect_all(w);
	for (unsigned i = 0; i < CASES; i++) {
		bool answers = i % 10 == 9;

		id[i] = answers ? open_case(w, "us.ncp", "jp.ncp")
				: open_case(w, "jp.ncp", "us.ncp");
		if (i % 5 == 0)
			open_case(w, "us.ncp", "de.ncp");
		wires_run_for(w, 200, 100);
	}
	wires_cut(w, "JP", "US");
	wires_cut(w, "US", "JP");
	wires_cut(w, "JP", "DE");
	wires_cut(w, "DE", "JP");
	node_lose(jp, old);
	w->carried[HF_LINK_RECALLED] = 0;
	wires_connect(w, "JP", "US");
	wires_run_for(w, 8000, 250);
	cr_assert_geq(w->carried[HF_LINK_RECALLED], 2, "pages");
	for (unsigned i = 0; i < CASES; i++)
		cr_assert(same_state(jp, us, &id[i]), "case %u", i);
	cr_assert_eq(node_statements(jp, HF_ENTRY_SIDES_BACK, NULL), 1);
	cr_assert_eq(node_rows(jp, TABLE_CASES), CASES, "none of DE's");
	wires_free(w);
}

/* A list is read a bounded part at a time. */
Test(recall, cases_of_others_cost_a_bounded_answer)
{
	struct loss l = before_loss(21);
	struct case_record c = node_case(l.us, &l.id);

	go_on(&l, 1);
	desk_set(&c.from, "de.ncp");
	turn_begin(l.us);
	for (unsigned i = 0; i < 2200; i++) {
		c.id = (struct hf_id){{0, (uint8_t)(i >> 8), (uint8_t)i}};
		EXPECT("save", case_save(l.us->engine, &c), HF_OK);
	}
	turn_end(l.us);
	lose(&l);
	l.w->carried[HF_LINK_RECALLED] = 0;
	wires_connect_all(l.w);
	wires_run_for(l.w, 8000, 250);
	cr_assert_geq(l.w->carried[HF_LINK_RECALLED], 3);
	cr_assert(same_state(l.jp, l.us, &l.id));
	cr_assert_eq(node_statements(l.jp, HF_ENTRY_SIDES_BACK, NULL), 1);
	wires_free(l.w);
}

/* ---- what the peer does not know, or says wrongly ---- */

/* A case that the other side opened is recalled as well. */
Test(recall, nothing_is_decided_in_a_case_that_the_peer_opened)
{
	struct loss l = before_loss(22);
	struct hf_id id = open_case(l.w, "us.ncp", "jp.ncp");
	static struct signed_act a;
	struct draft d;

	wires_run_for(l.w, 500, 250);
	wires_cut(l.w, "JP", "US");
	wires_cut(l.w, "US", "JP");
	node_lose(l.jp, l.old);
	EXPECT("control: it is lost",
	    node_case_err(l.jp, &id, &(struct case_record){.kind = 0}),
	    HF_NOTFOUND);
	wires_connect_all(l.w);
	wires_run_for(l.w, 4000, 250);
	cr_assert(same_state(l.jp, l.us, &id));
	l.jp->engine->recall_epoch++; /* as if more had been lost */
	draft_next(
	    &d, l.w->f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
	EXPECT("a note", draft_submit(&d, &a, NULL), HF_RECALLING);
	wires_free(l.w);
}

/* US never got a head of JP's ledger: nothing is said of what it was. */
Test(recall, a_peer_that_knows_no_head_gives_back_what_it_holds)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 23);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	uint8_t buffer[HF_PAYLOAD_MAX];
	char old[NODE_DIR_MAX + 4];
	struct hf_statement s;
	struct hf_id id;

	w->drop_type = HF_LINK_HEAD;
	wires_connect_all(w);
	wires_run_for(w, 1000, 500);
	node_backup(jp, old);
	wires_connect_all(w);
	id = open_case(w, "jp.ncp", "us.ncp");
	wires_run_for(w, 1000, 500);
	wires_cut(w, "JP", "US");
	wires_cut(w, "US", "JP");
	node_lose(jp, old);
	wires_connect_all(w);
	wires_run_for(w, 4000, 250);
	cr_assert(same_state(jp, us, &id));
	cr_assert(node_last_statement(jp, HF_ENTRY_SIDES_BACK, &s, buffer));
	cr_assert_eq(s.count, 0);
	cr_assert_eq(s.detail.size, 0);
	wires_free(w);
}

Test(recall, it_waits_for_a_link_that_broke)
{
	struct loss l = before_loss(24);

	go_on(&l, 3);
	lose(&l);
	l.w->drop_type = HF_LINK_RECALLED;
	wires_connect_all(l.w);
	wires_run_for(l.w, 1000, 250);
	wires_cut(l.w, "JP", "US");
	wires_cut(l.w, "US", "JP");
	l.w->drop_type = 0;
	wires_run_for(l.w, 8000, 500);
	cr_assert_eq(entries(l.jp, HF_ENTRY_RECALLED), 0);
	wires_connect_all(l.w);
	wires_run_for(l.w, 6000, 250);
	cr_assert_eq(entries(l.jp, HF_ENTRY_RECALLED), 4);
	cr_assert(same_state(l.jp, l.us, &l.id));
	wires_free(l.w);
}

Test(recall, a_list_that_is_none_is_refused)
{
	struct loss l = before_loss(25);
	struct hf_key key = secret_transport_key(l.us->broker);
	struct hf_hash root = {{1}};
	uint8_t frame[HF_NOTE_MAX + 64];
	char note[HF_NOTE_MAX];
	struct pack p;
	size_t size;

	go_on(&l, 1);
	lose(&l);
	l.w->drop_type = HF_LINK_RECALLED;
	wires_connect_all(l.w);
	wires_run_for(l.w, 500, 250);
	for (unsigned i = 0; i < 2; i++) {
		/* a head of an epoch that never was; a row that is none */
		l.jp->epoch = 7;
		size = node_note(l.jp, 5, &root, note);
		l.jp->epoch = 2;
		pack_init(&p, frame, sizeof(frame));
		pack_array(&p, 4);
		pack_uint(&p, HF_LINK_RECALLED);
		pack_str(&p, note, i == 0 ? size : 0);
		pack_array(&p, i == 0 ? 0 : 2);
		for (unsigned k = 0; i == 1 && k < 2; k++)
			pack_uint(&p, 9);
		pack_bin(&p, NULL, 0);
		l.w->cut_count = 0;
		wires_inject(l.w, "US", "JP", frame, packed(&p).size);
		cr_assert(wires_was_cut(l.w, "JP", &key), "try %u", i);
	}
	cr_assert_eq(node_statements(l.jp, HF_ENTRY_SIDES_BACK, NULL), 0);
	wires_free(l.w);
}

/* What came back has the receipt that it had. */
Test(recall, a_desk_gets_the_receipt_that_an_act_had)
{
	static struct args a;
	struct loss l = before_loss(26);
	struct hf_receipt receipt;
	struct hf_bytes bytes;
	struct hf_id made;
	struct reply r;
	struct wire at;
	uint64_t index;

	made = note(&l, "jp.ncp", &l.id);
	lose(&l);
	wires_connect_all(l.w);
	wires_run_for(l.w, 4000, 250);
	node_look(l.jp);
	EXPECT("index", ledger_index_of(l.jp->engine, &made, &index), HF_OK);
	node_look_end(l.jp);
	args_begin(&a, 1);
	args_uint(&a, 1, index);
	r = desk_ask(
	    l.w, fed_officer(l.w->f, "jp.ncp"), 9, HF_OP_RECEIPT, args_end(&a));
	EXPECT("receipt", r.code, HF_OK);
	cr_assert(reply_has(&r, 1, &at));
	bytes = wire_bin(&at, 1, HF_RECEIPT_MAX);
	EXPECT("decode", hf_receipt_decode(&receipt, bytes.data, bytes.size),
	    HF_OK);
	cr_assert_eq(receipt.leaf.type, HF_ENTRY_OWN);
	cr_assert_eq(receipt.leaf.epoch, 1, "of the ledger that was lost");
	cr_assert_arr_eq(receipt.leaf.id.b, made.b, HF_ID_SIZE);
	wires_free(l.w);
}

/* The first thing that a new epoch says is what was signed and is gone. */
Test(recall, an_epoch_begins_with_what_was_lost)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	char old[NODE_DIR_MAX + 4];
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;
	struct hf_hash root;
	uint64_t lost;

	node_backup(jp, old);
	fed_request(f);
	lost = jp->size;
	root = jp->root_hash;
	node_lose(jp, old);
	cr_assert(node_last_statement(jp, HF_ENTRY_EPOCH, &s, buffer));
	cr_assert_eq(s.count, lost);
	cr_assert_eq(s.detail.size, HF_HASH_SIZE);
	cr_assert_arr_eq(s.detail.data, root.b, HF_HASH_SIZE);
	node_restart(jp);
	cr_assert_eq(node_statements(jp, HF_ENTRY_EPOCH, NULL), 1, "once");
	fed_free(f);
}
