/* Heads of ledgers: offered, cosigned, compared (SPEC 6.6 to 6.9, 10.3). */
#include "tests/broker/wires.h"

#include "broker/engine/link.h"
#include "proto/cosign.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct hf_id request(struct wires *w)
{
	struct draft d;

	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	return must_submit(&d);
}

/* The newest head of `n`, as its ledger stores it. */
static size_t newest_note(struct node *n, char out[HF_NOTE_MAX + 1])
{
	struct hf_bytes note;
	uint64_t size;

	node_look(n);
	EXPECT("note", ledger_note(n->engine, &size, &note), HF_OK);
	cr_assert_eq(size, n->size);
	memcpy(out, note.data, note.size);
	out[note.size] = '\0';
	node_look_end(n);
	return note.size;
}

static bool is_cosigned(struct node *n, struct node *by)
{
	struct hf_key key = secret_sign_key(by->witness);
	char note[HF_NOTE_MAX + 1], name[HF_WITNESS_NAME_MAX];
	size_t size = newest_note(n, note);
	uint64_t seconds;

	hf_witness_name(name, by->country);
	return hf_cosign_verify(bytes_of(note, size), name, &key, &seconds) ==
	       HF_OK;
}

static uint64_t counter(struct node *n, const char *name)
{
	uint64_t value;

	node_look(n);
	EXPECT(name, meta_get(n->engine, name, &value), HF_OK);
	node_look_end(n);
	return value;
}

Test(heads, a_cosignature_comes_back_and_stands_in_the_receipt)
{
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), 1);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct node *de = fed_node(w->f, "DE");
	uint8_t receipt[HF_RECEIPT_MAX];
	struct hf_receipt r;
	struct hf_id id;
	size_t size;

	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	id = request(w);
	wires_run_for(w, 7000, 500);
	cr_assert(is_cosigned(jp, us));
	cr_assert(is_cosigned(jp, de));
	cr_assert(is_cosigned(us, jp));
	cr_assert_eq(counter(jp, "witnessed"), jp->size);
	cr_assert_eq(counter(jp, "witnessed-at") / 60000, w->f->now.ms / 60000);
	size = node_receipt(jp, &id, receipt);
	EXPECT("receipt", hf_receipt_decode(&r, receipt, size), HF_OK);
	cr_assert_not_null(
	    memmem(r.note.data, r.note.size, "holdfast/US/witness", 19));
	/* after a restart JP does not know what they cosigned, and is told */
	wires_cut(w, "JP", "US");
	wires_cut(w, "US", "JP");
	node_restart(jp);
	cr_assert_lt(counter(jp, "witnessed"), jp->size, "a new head");
	cr_assert_not(is_cosigned(jp, us));
	wires_connect_all(w);
	wires_run_for(w, 5000, 500);
	cr_assert(is_cosigned(jp, us));
	wires_free(w);
}

/* The size of the tree of operation 14's receipt, which must verify; its
 * note must be cosigned by `by`, if that is not NULL. */
static uint64_t receipt_size(
    struct wires *w, struct node *n, uint64_t index, struct node *by)
{
	struct hf_key key = secret_sign_key(n->broker), witness;
	char name[HF_WITNESS_NAME_MAX];
	uint64_t tree_size, seconds;
	struct hf_bytes bytes;
	struct hf_receipt r;
	struct reply reply;
	struct args a;
	struct wire at;

	args_begin(&a, 1);
	args_uint(&a, 1, index);
	reply = desk_ask(w, &n->officers[AUD], 7, HF_OP_RECEIPT, args_end(&a));
	EXPECT("operation 14", reply.code, HF_OK);
	cr_assert(reply_has(&reply, 1, &at));
	bytes = wire_bin(&at, 1, HF_RECEIPT_MAX);
	EXPECT("receipt", hf_receipt_decode(&r, bytes.data, bytes.size), HF_OK);
	EXPECT("verify",
	    hf_receipt_verify(&r, "holdfast/JP/1", &key, &tree_size), HF_OK);
	if (by != NULL) {
		witness = secret_sign_key(by->witness);
		hf_witness_name(name, by->country);
		EXPECT("cosigned",
		    hf_cosign_verify(r.note, name, &witness, &seconds), HF_OK);
	}
	return tree_size;
}

Test(heads, a_receipt_asked_for_later_is_a_cosigned_one)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 10);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	uint64_t cosigned;

	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	request(w);
	wires_run_for(w, 5000, 500);
	cosigned = jp->size;
	cr_assert_eq(receipt_size(w, jp, cosigned - 1, us), cosigned);
	/* nobody has seen the newest head yet */
	wires_cut(w, "JP", "US");
	request(w);
	cr_assert_gt(jp->size, cosigned);
	cr_assert_eq(receipt_size(w, jp, cosigned - 1, us), cosigned);
	cr_assert_eq(receipt_size(w, jp, jp->size - 1, NULL), jp->size);
	wires_free(w);
}

/* Frames get doubled and late: an old head is no fork and no failed proof. */
Test(heads, a_late_head_does_no_harm)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 9);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	const struct peer *p;
	uint8_t frame[HF_NOTE_MAX + 32];
	char note[HF_NOTE_MAX];
	struct pack k;
	size_t n = node_note(jp, jp->size, &jp->root_hash, note);

	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 4);
	pack_uint(&k, HF_LINK_HEAD);
	pack_str(&k, note, n);
	pack_uint(&k, 0);
	pack_bin(&k, NULL, 0);
	EXPECT("frame", pack_finish(&k, &n), HF_OK);
	wires_connect_all(w);
	for (unsigned i = 0; i < 3; i++) {
		request(w);
		wires_run_for(w, 5000, 500);
		cr_assert(is_cosigned(jp, us), "round %u", i);
		wires_inject(w, "JP", "US", frame, n);
		wires_run_for(w, 1000, 500);
	}
	p = link_find(us->engine, jp->country);
	cr_assert_not(p->unproven);
	cr_assert_eq(node_statements(us, HF_ENTRY_FORK, NULL), 0);
	wires_free(w);
}

/* Twice the line is lost; what they cosigned is asked for until it is here. */
Test(heads, a_cosignature_that_is_lost_is_asked_for_again)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 10);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	unsigned answers;

	wires_connect_all(w);
	wires_run_for(w, 5000, 500);
	request(w);
	w->drop_type = HF_LINK_COSIGNED;
	wires_run_for(w, 3000, 500);
	cr_assert_not(is_cosigned(jp, us));
	w->drop_type = 0;
	/* they answer "from there", and the line after it is lost again */
	answers = w->carried[HF_LINK_COSIGNED];
	for (unsigned i = 0; w->carried[HF_LINK_COSIGNED] == answers; i++) {
		cr_assert_lt(i, 100);
		wires_run_for(w, 500, 500);
	}
	w->drop_type = HF_LINK_COSIGNED;
	wires_run_for(w, 3000, 500);
	w->drop_type = 0;
	wires_run_for(w, 25000, 500);
	cr_assert(is_cosigned(jp, us));
	wires_free(w);
}

Test(heads, rough_links_delay_cosignatures_only)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 2);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");

	w->lose = 300;
	w->twice = 300;
	w->shuffle = 300;
	wires_connect_all(w);
	for (unsigned i = 0; i < 5; i++) {
		request(w);
		wires_run_for(w, 10000, 500);
	}
	w->lose = w->twice = w->shuffle = 0;
	request(w);
	wires_run_for(w, 40000, 500);
	cr_assert(is_cosigned(jp, us));
	cr_assert_eq(node_statements(us, HF_ENTRY_FORK, NULL), 0);
	wires_free(w);
}

/* A head of JP's key that JP's broker never had. */
static void show_false_head(
    struct wires *w, const char *to, uint64_t size, uint8_t fill)
{
	struct node *jp = fed_node(w->f, "JP");
	struct hf_hash root;
	char note[HF_NOTE_MAX];
	uint8_t frame[HF_NOTE_MAX + 32];
	struct pack p;
	size_t n;

	memset(&root, fill, sizeof(root));
	n = node_note(jp, size, &root, note);
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 4);
	pack_uint(&p, HF_LINK_HEAD);
	pack_str(&p, note, n);
	pack_uint(&p, 0);
	pack_bin(&p, NULL, 0);
	EXPECT("frame", pack_finish(&p, &n), HF_OK);
	wires_inject(w, "JP", to, frame, n);
}

Test(heads, a_fork_shown_to_two_peers_is_found_within_a_minute)
{
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), 3);
	struct node *us = fed_node(w->f, "US"), *de = fed_node(w->f, "DE");
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_key key = secret_sign_key(fed_node(w->f, "JP")->broker);
	struct hf_statement s;
	uint64_t entries, cosigned;

	wires_connect(w, "JP", "US");
	wires_connect(w, "US", "JP");
	wires_run_for(w, 3000, 500);
	/* DE hears another story from JP, then US and DE talk */
	show_false_head(w, "DE", fed_node(w->f, "JP")->size, 7);
	wires_connect(w, "US", "DE");
	wires_connect(w, "DE", "US");
	wires_run_for(w, 60000, 1000);
	cr_assert_eq(node_statements(us, HF_ENTRY_FORK, NULL), 1);
	cr_assert_eq(node_statements(de, HF_ENTRY_FORK, NULL), 1);
	cr_assert(node_last_statement(us, HF_ENTRY_FORK, &s, buffer));
	EXPECT("the proof",
	    hf_fork_check(
		s.detail.data, s.detail.size, "holdfast/JP/1", &key, &entries),
	    HF_OK);
	/* nothing of JP is cosigned any more, and nobody is told twice */
	node_look(us);
	EXPECT("cosigned",
	    link_counter(
		us->engine, (struct hf_country){"JP"}, "cosigned", &cosigned),
	    HF_OK);
	node_look_end(us);
	request(w);
	wires_run_for(w, 200000, 1000);
	node_look(us);
	EXPECT("cosigned",
	    link_counter(
		us->engine, (struct hf_country){"JP"}, "cosigned", &entries),
	    HF_OK);
	node_look_end(us);
	cr_assert_eq(entries, cosigned);
	cr_assert_eq(node_statements(us, HF_ENTRY_FORK, NULL), 1);
	node_restart(us);
	cr_assert_eq(node_statements(us, HF_ENTRY_FORK, NULL), 1);
	wires_free(w);
}

Test(heads, a_fork_of_another_size_is_not_proved_and_not_cosigned)
{
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), 4);
	struct node *de = fed_node(w->f, "DE");
	const struct peer *p;

	wires_connect(w, "JP", "US");
	wires_connect(w, "US", "JP");
	wires_run_for(w, 3000, 500);
	show_false_head(w, "DE", fed_node(w->f, "JP")->size - 1, 9);
	wires_connect_all(w);
	wires_run_for(w, 60000, 1000);
	p = link_find(de->engine, (struct hf_country){"JP"});
	cr_assert_not_null(p);
	cr_assert(p->unproven, "DE holds two stories and no proof");
	cr_assert_not(is_cosigned(fed_node(w->f, "JP"), de));
	cr_assert(is_cosigned(fed_node(w->f, "JP"), fed_node(w->f, "US")));
	wires_free(w);
}

Test(heads, what_one_epoch_could_not_prove_does_not_stop_the_next)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 6);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	const struct peer *p;
	char old[NODE_DIR_MAX + 4];

	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	node_backup(jp, old);
	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	show_false_head(w, "US", jp->size - 1, 9);
	wires_run_for(w, 70000, 1000);
	p = link_find(us->engine, (struct hf_country){"JP"});
	cr_assert(p->unproven, "control");
	wires_cut(w, "JP", "US");
	wires_cut(w, "US", "JP");
	node_lose(jp, old);
	wires_connect_all(w);
	wires_run_for(w, 70000, 1000);
	p = link_find(us->engine, (struct hf_country){"JP"});
	cr_assert_not(p->unproven);
	cr_assert(is_cosigned(jp, us));
	wires_free(w);
}

Test(heads, an_honest_log_proves_its_heads)
{
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), 5);
	struct node *de = fed_node(w->f, "DE"), *us = fed_node(w->f, "US");
	unsigned proofs;

	/* JP's heads reach US and DE at different sizes */
	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	for (unsigned i = 0; i < 6; i++) {
		request(w);
		if (i == 2)
			wires_cut(w, "JP", "DE");
		if (i == 4) {
			wires_connect(w, "JP", "DE");
			wires_connect(w, "DE", "JP");
		}
		wires_run_for(w, 61000, 1000);
	}
	proofs = w->carried[HF_LINK_PROOF];
	cr_assert_gt(proofs, 0, "nobody was put to the proof");
	for (unsigned i = 0; i < 2; i++) {
		const struct peer *p = link_find(
		    (i == 0 ? us : de)->engine, (struct hf_country){"JP"});

		cr_assert_not(p->unproven);
	}
	cr_assert_eq(node_statements(us, HF_ENTRY_FORK, NULL), 0);
	cr_assert_eq(node_statements(de, HF_ENTRY_FORK, NULL), 0);
	cr_assert(is_cosigned(fed_node(w->f, "JP"), de));
	wires_free(w);
}

Test(heads, a_witness_whose_memory_is_gone_cosigns_after_an_operators_act_only)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 6);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct event ev;
	char path[100];

	wires_connect_all(w);
	request(w);
	wires_run_for(w, 5000, 500);
	cr_assert(is_cosigned(jp, us));
	snprintf(path, sizeof(path), "%s/witness.mem", us->dir);
	witness_close(us->cosigner);
	us->cosigner = NULL;
	cr_assert_eq(unlink(path), 0);
	request(w);
	wires_run_for(w, 5000, 500);
	cr_assert_not(is_cosigned(jp, us));
	ev = node_event(us, EVENT_UNPIN);
	ev.country = jp->country;
	node_turn(us, &ev);
	ev = node_event(us, EVENT_PIN);
	ev.country = jp->country;
	ev.key = secret_sign_key(jp->root);
	node_turn(us, &ev);
	fed_give(us, jp);
	wires_connect_all(w);
	request(w);
	wires_run_for(w, 45000, 500);
	cr_assert(is_cosigned(jp, us));
	wires_free(w);
}

Test(heads, frames_that_make_no_sense_are_refused)
{
	static const uint8_t path31[31] = {1};
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 7);
	struct node *us = fed_node(w->f, "US");
	struct hf_key jp = secret_transport_key(fed_node(w->f, "JP")->broker);

	for (unsigned i = 0; i < 6; i++) {
		uint8_t frame[256];
		struct pack p;
		size_t n;

		wires_connect_all(w);
		wires_run(w);
		w->cut_count = 0;
		pack_init(&p, frame, sizeof(frame));
		switch (i) {
		case 0: /* a head without a note */
			pack_array(&p, 4);
			pack_uint(&p, HF_LINK_HEAD);
			pack_str(&p, "holdfast/JP/1\n", 14);
			pack_uint(&p, 0);
			pack_bin(&p, NULL, 0);
			break;
		case 1: /* a path that is none */
			pack_array(&p, 4);
			pack_uint(&p, HF_LINK_PROOF);
			pack_uint(&p, 1);
			pack_uint(&p, 2);
			pack_bin(&p, path31, sizeof(path31));
			break;
		case 2: /* a cosignature of what we never signed */
			pack_array(&p, 3);
			pack_uint(&p, HF_LINK_COSIGNED);
			pack_uint(&p, us->size + 1);
			pack_str(&p, "x\n", 2);
			break;
		case 3: /* one that is none */
			pack_array(&p, 3);
			pack_uint(&p, HF_LINK_COSIGNED);
			pack_uint(&p, us->size);
			pack_str(&p, "x\n", 2);
			break;
		case 4: /* a fork of nobody */
			pack_array(&p, 2);
			pack_uint(&p, HF_LINK_FORKED);
			pack_bin(&p, path31, sizeof(path31));
			break;
		default: /* too much */
			pack_array(&p, 4);
			pack_uint(&p, HF_LINK_PROVE);
			pack_uint(&p, 1);
			pack_uint(&p, 2);
			pack_uint(&p, 3);
		}
		EXPECT("frame", pack_finish(&p, &n), HF_OK);
		wires_inject(w, "JP", "US", frame, n);
		cr_assert(wires_was_cut(w, "US", &jp), "case %u", i);
	}
	wires_free(w);
}

Test(heads, a_receipt_with_three_cosignatures_is_small)
{
	static char note[HF_NOTE_MAX + 1];
	struct federation *f = fed_running("JP", "US", "DE", "BR", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_ledger_leaf leaf = {.type = HF_ENTRY_OWN,
	    .epoch = 1,
	    .entered = f->now,
	    .bound_ms = HF_BOUND_UNKNOWN};
	struct hf_hash root, path[20];
	uint8_t bytes[HF_LEDGER_LEAF_MAX], receipt[HF_RECEIPT_MAX];
	size_t size, leaf_size, total;

	memset(path, 3, sizeof(path));
	EXPECT("leaf",
	    hf_ledger_leaf_encode(&leaf, bytes, sizeof(bytes), &leaf_size),
	    HF_OK);
	root = hf_merkle_leaf(bytes, leaf_size);
	EXPECT("root",
	    hf_merkle_path_root(
		&root, 77777, UINT64_C(1) << 20, path, 20, &root),
	    HF_OK);
	/* a tree of 2^20 */
	size = node_note(jp, UINT64_C(1) << 20, &root, note);
	for (unsigned i = 1; i < f->count; i++) {
		struct node *by = &f->nodes[i];
		struct hf_key key = secret_sign_key(by->witness);
		uint8_t message[HF_COSIGN_MESSAGE_MAX];
		char name[HF_WITNESS_NAME_MAX], line[HF_COSIGN_LINE_MAX];
		char joined[HF_NOTE_MAX + 1];
		struct hf_bytes text = bytes_of(note, size);
		struct hf_sig sig;
		size_t n;

		text.size = (size_t)(strstr(note, "\n\n") - note) + 1;
		n = hf_cosign_message(message, f->now.ms / 1000, text);
		sig = secret_sign(by->witness, message, n);
		hf_witness_name(name, by->country);
		n = hf_cosign_line(line, name, &key, f->now.ms / 1000, &sig);
		EXPECT("add",
		    hf_cosign_add(bytes_of(note, size), bytes_of(line, n),
			joined, sizeof(joined), &size),
		    HF_OK);
		memcpy(note, joined, size + 1);
	}
	EXPECT("receipt",
	    hf_receipt_encode(bytes_of(bytes, leaf_size), 77777, path, 20,
		bytes_of(note, size), receipt, sizeof(receipt), &total),
	    HF_OK);
	cr_assert_leq(total, 1200, "%zu bytes", total);
	fed_free(f);
}

/* A head of `of` that `from` passes on. */
static void show_seen(struct wires *w, const char *from, const char *to,
    const char *of, uint64_t size)
{
	struct hf_hash root = {{5}};
	char note[HF_NOTE_MAX];
	uint8_t frame[HF_NOTE_MAX + 32];
	struct pack p;
	size_t n = node_note(fed_node(w->f, of), size, &root, note);

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_uint(&p, HF_LINK_SEEN);
	pack_text(&p, of);
	pack_str(&p, note, n);
	EXPECT("frame", pack_finish(&p, &n), HF_OK);
	wires_inject(w, from, to, frame, n);
}

/* ---- those who are honest ---- */

static bool was_cut(struct wires *w, const char *at, const char *from)
{
	struct hf_key key = secret_transport_key(fed_node(w->f, from)->broker);

	return wires_was_cut(w, at, &key);
}

static void say_forked(
    struct wires *w, const char *origin, struct secret *signer)
{
	struct hf_key key = secret_sign_key(signer);
	char note[2][HF_NOTE_MAX + 1], text[256];
	uint8_t proof[HF_FORK_MAX], frame[HF_FORK_MAX + 16];
	struct pack p;
	size_t n[2], size;

	for (unsigned i = 0; i < 2; i++) {
		struct hf_hash root = {{(uint8_t)(i + 1)}};
		struct hf_sig sig;

		size = hf_checkpoint_text(text, sizeof(text), origin, 9, &root);
		sig = secret_sign(signer, text, size);
		EXPECT("note",
		    hf_checkpoint_note(note[i], sizeof(note[i]), &n[i], text,
			origin, &key, &sig),
		    HF_OK);
	}
	EXPECT("proof",
	    hf_fork_encode(origin, &key, bytes_of(note[0], n[0]),
		bytes_of(note[1], n[1]), proof, &size),
	    HF_OK);
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 2);
	pack_uint(&p, HF_LINK_FORKED);
	pack_bin(&p, proof, size);
	EXPECT("frame", pack_finish(&p, &size), HF_OK);
	wires_inject(w, "US", "JP", frame, size);
}

/* Countries trust different countries, and hear of new epochs in turn. */
Test(heads, who_tells_of_a_ledger_that_is_not_known_here_is_not_cut)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 11);
	struct secret *other = secret_new(SECRET_REGISTRAR);

	wires_connect_all(w);
	wires_run_for(w, 2000, 500);
	say_forked(w, "holdfast/BR/1", other);
	say_forked(w, "holdfast/US/2", other);
	cr_assert_not(was_cut(w, "JP", "US"));
	say_forked(w, "holdfast/US/1", other);
	cr_assert(was_cut(w, "JP", "US"), "a forged one");
	cr_assert_eq(
	    node_statements(fed_node(w->f, "JP"), HF_ENTRY_FORK, NULL), 0);
	secret_free(other);
	wires_free(w);
}

/* Time counts while the link is up. */
Test(heads, who_cannot_be_asked_is_not_accused)
{
	struct wires *w = wires_new(fed_running("JP", "DE", NULL), 12);

	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	w->drop_type = HF_LINK_PROOF;
	show_false_head(w, "DE", 1, 1); /* a reason to ask */
	wires_run_for(w, 20000, 1000);
	wires_cut(w, "JP", "DE");
	wires_run_for(w, 300000, 10000);
	wires_connect(w, "JP", "DE");
	wires_run_for(w, 20000, 1000);
	cr_assert_eq(wires_logged(w, "DE", HF_UNPROVEN), 0);
	wires_run_for(w, 30000, 1000);
	cr_assert_eq(wires_logged(w, "DE", HF_UNPROVEN), 1);
	wires_free(w);
}

Test(heads, an_idle_ledger_raises_no_alarm)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 13);
	struct node *jp = fed_node(w->f, "JP");
	uint64_t before;

	wires_connect_all(w);
	wires_run_for(w, 5000, 500);
	before = jp->size;
	wires_run_for(w, 1800000, 10000);
	cr_assert_eq(jp->size, before, "nothing happened");
	cr_assert_eq(wires_logged(w, "JP", HF_UNWITNESSED), 0);
	wires_free(w);
}

/* A broker whose data are from before is told so, and keeps its links. */
Test(heads, a_peer_that_knows_more_than_we_do_is_not_cut)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 14);
	uint8_t frame[32];
	struct pack p;
	size_t size;

	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	for (unsigned i = 0; i < 2; i++) {
		pack_init(&p, frame, sizeof(frame));
		pack_array(&p, 3);
		pack_uint(&p, HF_LINK_COSIGNED);
		pack_uint(&p, fed_node(w->f, "JP")->size + 100);
		pack_text(&p, "");
		EXPECT("frame", pack_finish(&p, &size), HF_OK);
		wires_inject(w, "US", "JP", frame, size);
		wires_run_for(w, 2000, 500);
	}
	cr_assert_not(was_cut(w, "JP", "US"));
	cr_assert_geq(wires_logged(w, "JP", HF_ROLLBACK), 1);
	wires_free(w);
}

/* A document may name another key for the epoch that runs.  That is the fault
 * of whoever signed it: what is held here is not damaged, and who passes heads
 * on is not to blame. */
Test(heads, another_key_for_one_epoch_is_not_proved_and_stops_nobody)
{
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), 19);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct secret *first = jp->broker;

	wires_connect_all(w);
	request(w);
	wires_run_for(w, 3000, 500);
	jp->broker = secret_next_epoch(first);
	cr_assert_not_null(jp->broker);
	jp->entries[0].u.broker.ledger = secret_sign_key(jp->broker);
	fed_build(jp);
	fed_give(us, jp);
	for (unsigned more = 0; more < 2; more++) {
		show_false_head(w, "US", jp->size + more, 3);
		show_seen(w, "DE", "US", "JP", jp->size + more);
	}
	cr_assert(link_find(us->engine, jp->country)->unproven);
	cr_assert_not(was_cut(w, "US", "JP"));
	cr_assert_not(was_cut(w, "US", "DE"));
	cr_assert_eq(node_statements(us, HF_ENTRY_FORK, NULL), 0);
	secret_free(first);
	wires_free(w);
}

/* Its ledger shrank: it cannot prove that the smaller head is a prefix. */
Test(heads, a_smaller_head_is_put_to_the_proof)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 15);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");

	wires_connect_all(w);
	request(w);
	wires_run_for(w, 3000, 500);
	show_false_head(w, "US", jp->size - 2, 7);
	wires_run_for(w, 70000, 1000);
	cr_assert(link_find(us->engine, jp->country)->unproven);
	wires_free(w);
}

/* DE, which has heard nothing of JP, is told while its link is up. */
Test(heads, a_peer_that_is_there_is_told_of_a_fork_at_once)
{
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), 18);

	wires_connect(w, "JP", "US");
	wires_connect(w, "US", "DE");
	wires_run_for(w, 3000, 500);
	show_false_head(w, "US", fed_node(w->f, "JP")->size, 7);
	wires_run_for(w, 1000, 500);
	cr_assert_eq(
	    node_statements(fed_node(w->f, "DE"), HF_ENTRY_FORK, NULL), 1);
	wires_free(w);
}

Test(heads, a_peer_that_comes_later_is_told_of_a_fork)
{
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), 16);

	wires_connect(w, "JP", "US");
	wires_run_for(w, 3000, 500);
	show_false_head(w, "US", fed_node(w->f, "JP")->size, 7);
	cr_assert_eq(
	    node_statements(fed_node(w->f, "US"), HF_ENTRY_FORK, NULL), 1);
	node_restart(fed_node(w->f, "US"));
	wires_connect(w, "DE", "US");
	wires_run_for(w, 2000, 500);
	cr_assert_eq(
	    node_statements(fed_node(w->f, "DE"), HF_ENTRY_FORK, NULL), 1);
	wires_free(w);
}

Test(heads, a_ledger_that_nobody_cosigns_raises_an_alarm)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 8);
	struct node *jp = fed_node(w->f, "JP");

	wires_connect_all(w);
	wires_run_for(w, 5000, 500);
	w->drop_type = HF_LINK_COSIGNED;
	request(w);
	wires_run_for(w, 650000, 10000);
	cr_assert_gt(jp->engine->witness_alarm_mono, jp->engine->mono_ms);
	wires_free(w);
}

/* A head of nothing can be of any ledger: there is nothing to prove. */
Test(heads, a_head_of_no_entries_asks_for_no_proof)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 40);
	struct node *us = fed_node(w->f, "US");
	struct hf_key key = secret_transport_key(us->broker);
	struct hf_hash root =
	    hf_frontier_root(&(struct hf_frontier){.size = 0});
	uint8_t frame[HF_NOTE_MAX + 64];
	char note[HF_NOTE_MAX];
	struct pack p;

	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	w->carried[HF_LINK_PROVE] = 0;
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 4);
	pack_uint(&p, HF_LINK_HEAD);
	pack_str(&p, note, node_note(us, 0, &root, note));
	pack_uint(&p, 0);
	pack_bin(&p, NULL, 0);
	wires_inject(w, "US", "JP", frame, packed(&p).size);
	wires_run(w);
	cr_assert_eq(w->carried[HF_LINK_PROVE], 0);
	cr_assert_not(wires_was_cut(w, "JP", &key));
	wires_free(w);
}

/* A proof of what was not asked is passed over; one that is none proves
 * nothing. */
Test(heads, a_proof_is_of_what_was_asked)
{
	static const uint8_t path[HF_HASH_SIZE] = {1};
	static const struct {
		uint64_t more[2]; /* than was asked */
		size_t path;
		bool cut;
	} tries[] = {
	    {{1, 0}, HF_HASH_SIZE, false},
	    {{0, 1}, HF_HASH_SIZE, false},
	    {{0, 0}, HF_HASH_SIZE - 1, true},
	    {{0, 0}, HF_HASH_SIZE, false},
	    {{0, 0}, 0, false},
	};
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 41);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_key key = secret_transport_key(us->broker);
	struct peer *p;

	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	p = link_peer(jp->engine, us->country);
	p->prove.wanted = true; /* as after two heads that may be of two logs */
	p->prove.size[0] = 3;
	p->prove.size[1] = 5;
	p->prove.again_mono = UINT64_MAX;
	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		uint8_t frame[128];
		struct pack k;

		pack_init(&k, frame, sizeof(frame));
		pack_array(&k, 4);
		pack_uint(&k, HF_LINK_PROOF);
		pack_uint(&k, 3 + tries[i].more[0]);
		pack_uint(&k, 5 + tries[i].more[1]);
		pack_bin(&k, path, tries[i].path);
		w->cut_count = 0;
		wires_inject(w, "US", "JP", frame, packed(&k).size);
		cr_assert(p->prove.wanted, "try %u", i);
		cr_assert_eq(
		    wires_was_cut(w, "JP", &key), tries[i].cut, "try %u", i);
		cr_assert_eq(p->unproven, i >= 3, "try %u", i);
	}
	{ /* more than it is */
		static const uint8_t more[] = {
		    0x95, HF_LINK_PROOF, 3, 5, 0xc4, 0, 1};

		w->cut_count = 0;
		wires_inject(w, "US", "JP", more, sizeof(more));
		cr_assert(wires_was_cut(w, "JP", &key));
	}
	wires_free(w);
}
