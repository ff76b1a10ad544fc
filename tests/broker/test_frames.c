/* What a peer may say that is wrong, late or of no use (SPEC 10). */
#include "tests/broker/wires.h"

#include "broker/engine/intake.h"
#include "broker/engine/link.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A frame by its form: [ unsigned: array of so many; u unsigned: uint;
 * t char *: text; b void *, unsigned: bytes; s void *, unsigned: text. */
static size_t form(
    uint8_t *frame, size_t capacity, const char *members, va_list more)
{
	struct pack p;
	size_t size;

	pack_init(&p, frame, capacity);
	for (; *members != '\0'; members++) {
		const void *data;

		switch (*members) {
		case '[':
			pack_array(&p, va_arg(more, unsigned));
			break;
		case 'u':
			pack_uint(&p, va_arg(more, unsigned));
			break;
		case 't':
			pack_text(&p, va_arg(more, const char *));
			break;
		case 'b':
			data = va_arg(more, const void *);
			pack_bin(&p, data, va_arg(more, unsigned));
			break;
		default:
			data = va_arg(more, const void *);
			pack_str(&p, data, va_arg(more, unsigned));
		}
	}
	EXPECT("frame", pack_finish(&p, &size), HF_OK);
	return size;
}

/* `from` says it to `to`; did that cut it? */
static bool is_cut_for(
    struct wires *w, const char *from, const char *to, const char *members, ...)
{
	static uint8_t frame[HF_FRAME_MAX];
	struct hf_key key = secret_transport_key(fed_node(w->f, from)->broker);
	va_list more;
	size_t size;

	va_start(more, members);
	size = form(frame, sizeof(frame), members, more);
	va_end(more);
	w->cut_count = 0;
	wires_inject(w, from, to, frame, size);
	return wires_was_cut(w, to, &key);
}
#define CUT(...) cr_assert(is_cut_for(w, "JP", "US", __VA_ARGS__))
#define KEPT(...) cr_assert_not(is_cut_for(w, "JP", "US", __VA_ARGS__))

static struct wires *connected(uint64_t seed)
{
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), seed);

	wires_connect_all(w);
	wires_run_for(w, 2000, 500);
	return w;
}

static struct peer *peer_of(struct wires *w, const char *at, const char *of)
{
	return link_peer(
	    fed_node(w->f, at)->engine, fed_node(w->f, of)->country);
}

Test(frames, hello_and_welcome_are_of_who_says_them)
{
	static const uint8_t nonce[16];
	struct wires *w = connected(1);

	KEPT("[uuutub", 6, HF_LINK_HELLO, 1, 1, "JP", 0, nonce, 16);
	KEPT("[uuutub", 6, HF_LINK_HELLO, 0, 9, "JP", 0, nonce, 16);
	CUT("[uuutub", 6, HF_LINK_HELLO, 1, 1, "DE", 0, nonce, 16);
	CUT("[uuutub", 6, HF_LINK_HELLO, 2, 9, "JP", 0, nonce, 16);
	CUT("[uuutub", 6, HF_LINK_HELLO, 0, 0, "JP", 0, nonce, 16);
	CUT("[uuutub", 6, HF_LINK_HELLO, 1, 1, "JP", 0, nonce, 15);
	/* a welcome comes back on the connection that we dialled */
	CUT("[uutuuu", 6, HF_LINK_WELCOME, 1, "JP", 0, 1, 1);
	peer_of(w, "US", "JP")->conn = wire_accepted(0);
	KEPT("[uutuuu", 6, HF_LINK_WELCOME, 1, "JP", 0, 1, 1);
	CUT("[uutuuu", 6, HF_LINK_WELCOME, 2, "JP", 0, 1, 1);
	CUT("[uutuuu", 6, HF_LINK_WELCOME, 1, "DE", 0, 1, 1);
	wires_free(w);
}

/* Who is busy gets the newest document, once in the time that it names. */
Test(frames, who_says_busy_is_left_alone_for_so_long)
{
	struct wires *w = connected(2);
	struct peer *jp = peer_of(w, "US", "JP");
	unsigned documents = w->carried[HF_LINK_DOCUMENT];

	KEPT("[uu", 2, HF_LINK_BUSY, 3000);
	KEPT("[uu", 2, HF_LINK_BUSY, 9000);
	cr_assert_eq(jp->busy_mono,
	    fed_node(w->f, "US")->engine->mono_ms + 3000, "the first counts");
	wires_run(w);
	cr_assert_eq(w->carried[HF_LINK_DOCUMENT], documents + 1);
	CUT("[uu", 2, HF_LINK_BUSY, 0xffffffff);
	CUT("[u", 1, HF_LINK_BUSY);
	jp->welcomed = false;
	jp->busy_mono = 0;
	KEPT("[uu", 2, HF_LINK_BUSY, 3000);
	wires_run(w);
	cr_assert_eq(w->carried[HF_LINK_DOCUMENT], documents + 1);
	wires_free(w);
}

/* Nothing goes to who is busy; then what waits goes. */
Test(frames, what_waits_for_who_is_busy_goes_when_the_time_is_over)
{
	struct wires *w = connected(3);
	struct draft d;

	cr_assert_not(is_cut_for(w, "US", "JP", "[uu", 2, HF_LINK_BUSY, 3000));
	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	must_submit(&d);
	wires_run_for(w, 2000, 500);
	cr_assert_eq(wires_waiting(w, "JP"), 1);
	wires_run_for(w, 2000, 500);
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	wires_free(w);
}

Test(frames, a_document_comes_in_its_parts_or_not_at_all)
{
	static uint8_t part[HF_DOC_PART + 1];
	struct wires *w = connected(4);
	struct peer *jp = peer_of(w, "US", "JP");

	KEPT("[uuub", 4, HF_LINK_DOCUMENT, 0, 3, part, 100);
	cr_assert_eq(jp->upload_next, 1);
	KEPT("[uuub", 4, HF_LINK_DOCUMENT, 1, 3, part, 100);
	cr_assert_eq(jp->upload_next, 2);
	KEPT("[uuub", 4, HF_LINK_DOCUMENT, 1, 3, part, 100);
	cr_assert_eq(jp->upload_next, 0, "it came twice: begun anew");
	KEPT("[uuub", 4, HF_LINK_DOCUMENT, 0, 3, part, 100);
	KEPT("[uuub", 4, HF_LINK_DOCUMENT, 1, 2, part, 100);
	cr_assert_eq(jp->upload_next, 0, "of another number of parts");
	KEPT("[uuub", 4, HF_LINK_DOCUMENT, 0, 0, part, 100);
	cr_assert_eq(jp->upload_next, 0, "of none");
	CUT("[uuub", 4, HF_LINK_DOCUMENT, 0, 1, part, HF_DOC_PART + 1);
	CUT("[uuub", 4, HF_LINK_DOCUMENT, 0, 1, part, 0);
	CUT("[uuub", 4, HF_LINK_DOCUMENT, 0, 1, part, 100);
	cr_assert_null(jp->upload, "what is whole is judged and dropped");
	wires_free(w);
}

Test(frames, a_fetch_names_places_that_there_can_be)
{
	struct wires *w = connected(5);
	struct hf_id id = fed_request(w->f);
	unsigned acts;

	wires_run(w);
	acts = w->carried[HF_LINK_ACTS];
	CUT("[ubuuu", 5, HF_LINK_FETCH, id.b, HF_ID_SIZE, 0, 0, 1);
	CUT("[ubuuu", 5, HF_LINK_FETCH, id.b, HF_ID_SIZE, 2, 1, 1);
	CUT("[ubuuu", 5, HF_LINK_FETCH, id.b, HF_ID_SIZE - 1, 0, 1, 1);
	KEPT("[ubuuu", 5, HF_LINK_FETCH, id.b, HF_ID_SIZE, 0, 2, 1);
	KEPT("[ubuuu", 5, HF_LINK_FETCH, id.b, HF_ID_SIZE, 1, 1, 9);
	wires_run(w);
	cr_assert_eq(w->carried[HF_LINK_ACTS], acts, "there is none");
	KEPT("[ubuuu", 5, HF_LINK_FETCH, id.b, HF_ID_SIZE, 0, 1, 9);
	wires_run(w);
	cr_assert_eq(w->carried[HF_LINK_ACTS], acts + 1);
	wires_free(w);
}

Test(frames, a_batch_is_of_acts_with_receipts)
{
	static uint8_t bytes[100];
	struct wires *w = connected(6);

	CUT("[uu[", 3, HF_LINK_BATCH, 1, 0);
	CUT("[uu[[b", 3, HF_LINK_BATCH, 1, 1, 1, bytes, 100);
	CUT("[uu[[bb", 3, HF_LINK_BATCH, 1, 2, 2, bytes, 100, bytes, 0);
	CUT("[uu[[bu", 3, HF_LINK_BATCH, 1, 2, 2, bytes, 100, 1);
	CUT("[uu[[uu", 3, HF_LINK_ACK, 1, 1, 2, 0, 0);
	CUT("[uu[[uu[uu", 3, HF_LINK_ACK, 1, 2, 1, 7, 7, 2, 7, 7);
	KEPT("[uu[[uu", 3, HF_LINK_ACK, 1, 1, 2, 77, 4001);
	wires_free(w);
}

/* Sequences that are far behind are forgotten, a part at a time. */
Test(frames, refusals_are_remembered_for_so_long)
{
	static uint8_t bytes[100];
	struct wires *w = connected(7);
	struct node *us = fed_node(w->f, "US");
	unsigned before = node_rows(us, TABLE_PEERS);

	for (unsigned i = 1; i <= 70; i++)
		KEPT("[uu[[bb", 3, HF_LINK_BATCH, i, 1, 2, bytes, 100, bytes,
		    100);
	cr_assert_geq(node_rows(us, TABLE_PEERS), before + 70);
	bytes[0] = 1; /* under a sequence that was refused: another act */
	KEPT("[uu[[bb", 3, HF_LINK_BATCH, 70, 1, 2, bytes, 100, bytes, 100);
	KEPT("[uu[[bb", 3, HF_LINK_BATCH, 9000, 1, 2, bytes, 100, bytes, 100);
	cr_assert_leq(node_rows(us, TABLE_PEERS), before + 10);
	KEPT("[uu[[bb", 3, HF_LINK_BATCH, 9001, 1, 2, bytes, 100, bytes, 100);
	cr_assert_leq(node_rows(us, TABLE_PEERS), before + 4);
	wires_free(w);
}

/* ---- heads ---- */

Test(frames, proofs_and_heads_of_other_forms_are_cut)
{
	static uint8_t path[2 * HF_TREE_DEPTH_MAX * HF_HASH_SIZE + 32];
	struct wires *w = connected(8);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct peer *p = peer_of(w, "US", "JP");
	char note[HF_NOTE_MAX];
	unsigned n = (unsigned)node_note(jp, jp->size, &jp->root_hash, note);
	unsigned size = (unsigned)us->size, proofs;

	CUT("[usub", 4, HF_LINK_HEAD, note, n, 0, path, 33);
	CUT("[uuub", 4, HF_LINK_PROOF, 1, 2, path, (unsigned)sizeof(path));
	KEPT("[uuub", 4, HF_LINK_PROOF, 1, 2, path, 32);
	wires_run(w);
	proofs = w->carried[HF_LINK_PROOF];
	KEPT("[uuu", 3, HF_LINK_PROVE, 0, 1);
	KEPT("[uuu", 3, HF_LINK_PROVE, 2, 1);
	KEPT("[uuu", 3, HF_LINK_PROVE, 1, size + 1000);
	wires_run(w);
	cr_assert_eq(w->carried[HF_LINK_PROOF], proofs, "of what is not there");
	KEPT("[uuu", 3, HF_LINK_PROVE, 1, size);
	wires_run(w);
	cr_assert_eq(w->carried[HF_LINK_PROOF], proofs + 1);
	/* of what was asked, and of nothing else */
	p->prove.wanted = true;
	p->prove.size[0] = 1;
	p->prove.size[1] = 3;
	p->prove.again_mono = UINT64_MAX;
	KEPT("[uuub", 4, HF_LINK_PROOF, 1, 2, path, 32);
	KEPT("[uuub", 4, HF_LINK_PROOF, 2, 3, path, 32);
	cr_assert_not(p->unproven);
	KEPT("[uuub", 4, HF_LINK_PROOF, 1, 3, path, 0);
	cr_assert(p->unproven);
	cr_assert(p->prove.wanted);
	wires_free(w);
}

Test(frames, heads_of_nobody_here_are_passed_over)
{
	struct wires *w = connected(9);
	struct node *us = fed_node(w->f, "US"), *de = fed_node(w->f, "DE");
	unsigned before = node_rows(us, TABLE_PEERS);
	char note[HF_NOTE_MAX];
	unsigned n = (unsigned)node_note(de, de->size, &de->root_hash, note);

	KEPT("[uts", 3, HF_LINK_SEEN, "US", note, n);
	KEPT("[uts", 3, HF_LINK_SEEN, "BR", note, n);
	KEPT("[uts", 3, HF_LINK_SEEN, "JP", note, n);
	KEPT("[uts", 3, HF_LINK_SEEN, "DE", note, n);
	cr_assert_eq(node_rows(us, TABLE_PEERS), before);
	wires_free(w);
}

/* ---- sides that are fetched back ---- */

Test(frames, a_list_that_nobody_asked_for_is_passed_over)
{
	static const uint8_t id[HF_ID_SIZE + 1] = {1};
	struct wires *w = connected(10);
	unsigned lists;

	KEPT("[us[b", 4, HF_LINK_RECALLED, "x", 1, 0, id, 0);
	CUT("[ub", 2, HF_LINK_RECALL, id, 5);
	CUT("[ub", 2, HF_LINK_RECALL, id, HF_ID_SIZE + 1);
	CUT("[u", 1, HF_LINK_RECALL);
	wires_run(w);
	lists = w->carried[HF_LINK_RECALLED];
	KEPT("[ub", 2, HF_LINK_RECALL, id, 0);
	KEPT("[ub", 2, HF_LINK_RECALL, id, HF_ID_SIZE);
	wires_run(w);
	cr_assert_eq(w->carried[HF_LINK_RECALLED], lists + 2);
	wires_free(w);
}

/* JP misses something since an operator said so. */
Test(frames, a_list_of_lost_sides_is_read_with_care)
{
	static const uint8_t id[HF_ID_SIZE] = {1};
	struct wires *w = connected(11);
	struct node *us = fed_node(w->f, "US"), *de = fed_node(w->f, "DE");
	struct hf_hash root = {{1}};
	char ours[HF_NOTE_MAX], theirs[HF_NOTE_MAX];
	unsigned n = (unsigned)node_note(us, us->size, &root, ours);
	unsigned m = (unsigned)node_note(de, de->size, &root, theirs);

	us->engine->recall_epoch = 1;
	w->drop_type = HF_LINK_RECALLED; /* of those that it asks */
	CUT("[us[b", 4, HF_LINK_RECALLED, "x", 0, 0, id, 5);
	CUT("[us[b", 4, HF_LINK_RECALLED, "x", 1, 0, id, 0);
	CUT("[us[b", 4, HF_LINK_RECALLED, ours, n, 0, id, 0);
	CUT("[us[b", 4, HF_LINK_RECALLED, theirs, m, 0, id, 0);
	CUT("[us[[buub", 4, HF_LINK_RECALLED, "", 0, 1, 3, id, HF_ID_SIZE, 9999,
	    0, id, 0);
	us->engine->options.epoch = 2; /* so ours is of an epoch before */
	KEPT("[us[b", 4, HF_LINK_RECALLED, ours, n, 0, id, HF_ID_SIZE);
	cr_assert_eq(peer_of(w, "US", "JP")->recall.lost_size, us->size);
	/* what is listed and never given is left out in the end */
	us->engine->options.epoch = 1;
	KEPT("[us[[buub", 4, HF_LINK_RECALLED, "", 0, 1, 3, id, HF_ID_SIZE, 2,
	    0, id, 0);
	wires_run_for(w, 60000, 1000);
	cr_assert_eq(wires_logged(w, "US", HF_NOTFOUND), 1);
	cr_assert_eq(node_statements(us, HF_ENTRY_SIDES_BACK, NULL), 1);
	wires_free(w);
}

/* ---- connections ---- */

static void peer_event(struct wires *w, enum event_type type, const char *of,
    uint64_t conn, uint32_t code)
{
	struct node *us = fed_node(w->f, "US");
	struct event ev = node_event(us, type);

	if (of != NULL)
		ev.key = secret_transport_key(fed_node(w->f, of)->broker);
	ev.conn = conn;
	ev.code = code;
	w->cut_count = 0;
	node_turn(us, &ev);
}

Test(frames, a_connection_that_ends_is_of_one_peer_or_of_all)
{
	struct wires *w = connected(12);
	struct peer *jp = peer_of(w, "US", "JP"), *de = peer_of(w, "US", "DE");
	struct hf_key own = secret_transport_key(fed_node(w->f, "US")->broker);
	uint64_t conn = jp->conn;

	peer_event(w, EVENT_PEER_DOWN, "JP", conn + 1, 0);
	cr_assert_eq(jp->conn, conn, "an older one of it");
	peer_event(w, EVENT_PEER_DOWN, "JP", 0, HF_TCP);
	cr_assert_eq(jp->conn, 0);
	cr_assert_eq(jp->cause, HF_TCP);
	cr_assert_neq(de->conn, 0);
	peer_event(w, EVENT_PEER_DOWN, "US", conn, 0);
	cr_assert_neq(de->conn, 0);
	peer_event(w, EVENT_PEER_DOWN, NULL, 0, 0);
	cr_assert_eq(de->conn, 0, "the gate is gone");
	peer_event(w, EVENT_PEER_UP, "US", conn, 0);
	cr_assert(wires_was_cut(w, "US", &own), "nobody is his own peer");
	wires_free(w);
}

/* Where the broker is another's by now, what it says counts for nothing. */
Test(frames, who_is_not_pinned_any_more_is_cut_and_counted)
{
	struct wires *w = connected(13);
	struct node *us = fed_node(w->f, "US");
	struct event ev = node_event(us, EVENT_UNPIN);
	unsigned before = node_rows(us, TABLE_TALLY);

	ev.country = fed_node(w->f, "JP")->country;
	node_turn(us, &ev);
	node_turn(us, &ev); /* twice is no harm */
	CUT("[uu", 2, HF_LINK_PING, 1);
	cr_assert_eq(node_rows(us, TABLE_TALLY), before + 1);
	ev = node_event(us, EVENT_COSIGNED);
	ev.country = fed_node(w->f, "JP")->country;
	node_turn(us, &ev);
	cr_assert_eq(peer_of(w, "US", "JP")->conn, 0);
	wires_free(w);
}

/* ---- what the gates and the signer say ---- */

Test(frames, a_desk_that_is_gone_is_not_pushed_to)
{
	struct wires *w = connected(14);
	struct node *us = fed_node(w->f, "US");
	struct event ev = node_event(us, EVENT_DESK_GONE);

	for (uint64_t conn = 1; conn <= 3; conn++)
		desk_ask(w, &us->officers[NCP], conn, HF_OP_WATCH, nothing);
	desk_forget(w);
	ev.conn = 2;
	node_turn(us, &ev);
	node_turn(us, &ev); /* it is gone already */
	fed_request(w->f);
	cr_assert_eq(w->caught_count, 2);
	desk_forget(w);
	ev = node_event(us, EVENT_DESK_GONE); /* the gate is */
	node_turn(us, &ev);
	fed_request(w->f);
	cr_assert_eq(w->caught_count, 0);
	wires_free(w);
}

Test(frames, the_figures_of_a_gate_stand_in_the_status)
{
	struct wires *w = connected(15);
	struct node *us = fed_node(w->f, "US");
	struct event ev = node_event(us, EVENT_DESK_FIGURES);
	struct reply r;

	ev.code = 3;
	ev.count = 4;
	node_turn(us, &ev);
	ev = node_event(us, EVENT_PEER_FIGURES);
	ev.code = 5;
	ev.count = 6;
	node_turn(us, &ev);
	r = desk_ask(w, &us->officers[NCP], 1, HF_OP_STATUS, nothing);
	for (unsigned i = 0; i < 4; i++)
		cr_assert_eq(reply_uint(&r, (int)(14 + i)), 3 + i);
	wires_free(w);
}

Test(frames, what_the_signer_says_of_a_head_is_followed)
{
	static const uint8_t size[] = {0x91, 7};
	static const enum hf_err says[] = {
	    HF_RANGE, HF_ROLLBACK, HF_WITNESS_FORGOT};
	struct wires *w = connected(16);
	struct node *us = fed_node(w->f, "US");
	struct peer *jp = peer_of(w, "US", "JP");

	for (unsigned i = 0; i < 3; i++) {
		struct event ev = node_event(us, EVENT_COSIGNED);

		ev.country = fed_node(w->f, "JP")->country;
		ev.code = (uint32_t)says[i];
		ev.frame = bytes_of(size, sizeof(size));
		node_turn(us, &ev);
		cr_assert_eq(w->flying_count, i == 0, "where to begin");
		wires_run(w);
		cr_assert_eq(jp->unproven, i > 0);
	}
	cr_assert_eq(wires_logged(w, "US", HF_WITNESS_FORGOT), 1);
	wires_free(w);
}
