/* A peer's broker that says what is not so, under its own good signature. */
#include "tests/broker/wires.h"

#include "broker/engine/heads.h"
#include "broker/engine/intake.h"
#include "broker/engine/link.h"
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* A receipt of `n` for whatever it likes: of a ledger of this one entry. */
static size_t forge(struct node *n, const struct hf_ledger_leaf *leaf,
    uint8_t out[HF_RECEIPT_MAX])
{
	uint8_t bytes[HF_LEDGER_LEAF_MAX];
	char note[HF_NOTE_MAX];
	struct hf_hash root;
	size_t size, note_size;

	EXPECT("leaf", hf_ledger_leaf_encode(leaf, bytes, sizeof(bytes), &size),
	    HF_OK);
	root = hf_merkle_leaf(bytes, size);
	note_size = node_note(n, 1, &root, note);
	EXPECT("receipt",
	    hf_receipt_encode(bytes_of(bytes, size), 0, NULL, 0,
		bytes_of(note, note_size), out, HF_RECEIPT_MAX, &size),
	    HF_OK);
	return size;
}

static struct hf_ledger_leaf leaf_at(struct node *n, uint64_t index)
{
	struct hf_ledger_leaf leaf;

	node_look(n);
	EXPECT("leaf", ledger_leaf(n->engine, index, &leaf), HF_OK);
	node_look_end(n);
	return leaf;
}

static uint64_t index_of(struct node *n, const struct hf_id *act)
{
	uint64_t index;

	node_look(n);
	EXPECT("index", ledger_index_of(n->engine, act, &index), HF_OK);
	node_look_end(n);
	return index;
}

static struct hf_id request(struct wires *w, const char *to)
{
	struct draft d;

	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, to);
	return must_submit(&d);
}

static struct wires *connected(uint64_t seed, struct federation *f)
{
	struct wires *w = wires_new(f, seed);

	wires_connect_all(w);
	wires_run_for(w, 3000, 500);
	return w;
}

/* ---- receipts ---- */

/* US says that it has received the act of JP's that waits first. */
static void acknowledge(struct wires *w, struct hf_bytes receipt)
{
	static uint8_t frame[HF_FRAME_MAX];
	struct pack p;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 4);
	pack_uint(&p, HF_LINK_ACK);
	pack_uint(&p, 1);
	pack_array(&p, 1);
	pack_array(&p, 2);
	pack_uint(&p, 1);
	pack_uint(&p, 0);
	pack_bin(&p, receipt.data, receipt.size);
	wires_inject(w, "US", "JP", frame, packed(&p).size);
}

Test(false_peer, a_receipt_of_anything_else_delivers_nothing)
{
	struct wires *w = connected(1, fed_running("JP", "US", NULL));
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_key key = secret_transport_key(us->broker);
	uint8_t receipt[HF_RECEIPT_MAX];
	struct hf_id id;

	w->drop_type = HF_LINK_BATCH;
	id = request(w, "us.ncp");
	for (unsigned i = 0; i < 6; i++) {
		struct hf_ledger_leaf leaf = leaf_at(jp, index_of(jp, &id));

		leaf.type = i == 0 ? HF_ENTRY_MACHINE : HF_ENTRY_FOREIGN;
		leaf.id.b[9] ^= i == 1;
		leaf.core.b[9] ^= i == 2;
		leaf.envelope.b[9] ^= i == 3;
		leaf.sigs.b[9] ^= i == 4;
		w->cut_count = 0;
		acknowledge(w, bytes_of(receipt, forge(us, &leaf, receipt)));
		cr_assert_eq(wires_was_cut(w, "JP", &key), i < 5, "try %u", i);
		cr_assert_eq(wires_waiting(w, "JP"), i < 5, "try %u", i);
		cr_assert_eq(
		    node_statements(jp, HF_ENTRY_DELIVERED, &id), i == 5);
	}
	wires_free(w);
}

/* ---- statements ---- */

struct said {
	struct hf_statement s;
	const char *payload; /* instead of the statement */
	unsigned leaf_type;  /* 0: the statement's */
	bool other_digest;
};

/* What JP answers when US says it of a case: HF_OK with a receipt, LINK_TAKEN
 * without one, or a refusal. */
static unsigned answer(
    struct wires *w, const struct hf_id *id, const struct said *said)
{
	static uint64_t sequence = 100;
	static uint8_t frame[HF_FRAME_MAX];
	struct node *us = fed_node(w->f, "US");
	uint8_t payload[HF_PAYLOAD_MAX], receipt[HF_RECEIPT_MAX];
	struct hf_ledger_leaf leaf = {.id = *id, .epoch = 1};
	size_t size;
	unsigned code;
	struct wire at;
	struct pack p;

	if (said->payload != NULL)
		memcpy(payload, said->payload, size = strlen(said->payload));
	else
		EXPECT("statement",
		    hf_statement_encode(
			&said->s, payload, sizeof(payload), &size),
		    HF_OK);
	leaf.type = said->leaf_type != 0 ? said->leaf_type : said->s.type;
	leaf.entered = w->f->now;
	leaf.core = hf_hash(HF_TAG_STATEMENT, payload, size);
	leaf.core.b[3] ^= said->other_digest;
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 4);
	pack_uint(&p, HF_LINK_STATEMENT);
	pack_uint(&p, ++sequence);
	pack_bin(&p, receipt, forge(us, &leaf, receipt));
	pack_bin(&p, payload, size);
	wires_inject(w, "US", "JP", frame, packed(&p).size);
	cr_assert_eq(w->flying_count, 1);
	cr_assert_eq(w->flying[0].type, HF_LINK_ACK);
	wire_init(&at, w->flying[0].bytes, w->flying[0].size);
	wire_array(&at, 3, 4);
	wire_uint(&at, HF_LINK_ACK);
	wire_uint(&at, UINT64_MAX);
	wire_array(&at, 1, 1);
	wire_array(&at, 2, 2);
	cr_assert_eq(wire_uint(&at, UINT64_MAX), sequence);
	code = (unsigned)wire_uint(&at, 9999);
	cr_assert_eq(at.err, HF_OK);
	w->flying_count = 0;
	free(w->flying[0].bytes);
	return code;
}

Test(false_peer, a_statement_is_what_its_receipt_says_of_a_case_of_both)
{
	struct wires *w = connected(2, fed_running("JP", "US", "DE", NULL));
	struct hf_id id = request(w, "us.ncp"), third = request(w, "de.ncp");
	struct hf_id none = {{8}};
	const struct hf_statement erased = {.type = HF_ENTRY_ERASED,
				      .subject = id,
				      .time = w->f->now},
				  withdrawn = {.type = HF_ENTRY_WITHDRAWN,
				      .subject = id,
				      .time = w->f->now,
				      .detail = bytes_of(id.b, sizeof(id.b))},
				  absent = {.type = HF_ENTRY_ABSENT,
				      .subject = id,
				      .code = HF_DUE_DECIDE,
				      .text = bytes_of("jp.ncp", 6)};
	struct said said = {.s = erased};

	wires_run_for(w, 1000, 500);
	said.other_digest = true;
	cr_assert_eq(answer(w, &id, &said), HF_RECEIPT, "of another");
	said = (struct said){.payload = "no", .leaf_type = HF_ENTRY_ERASED};
	cr_assert_eq(answer(w, &id, &said), HF_RECEIPT, "no statement");
	said = (struct said){.s = erased, .leaf_type = HF_ENTRY_ABSENT};
	cr_assert_eq(answer(w, &id, &said), HF_RECEIPT, "two types");
	said = (struct said){.s = erased};
	cr_assert_eq(answer(w, &none, &said), HF_UNKNOWN_CASE);
	cr_assert_eq(answer(w, &third, &said), HF_UNKNOWN_CASE, "DE's");
	said.s = withdrawn;
	said.s.detail.size--;
	cr_assert_eq(answer(w, &id, &said), HF_RECEIPT, "of no act");
	said.s = absent;
	said.s.text = bytes_of("jp.nc", 5);
	cr_assert_eq(answer(w, &id, &said), HF_RECEIPT, "no desk of the case");
	said.s = withdrawn;
	cr_assert_eq(answer(w, &id, &said), LINK_TAKEN);
	said.s = absent;
	cr_assert_eq(answer(w, &id, &said), 0);
	said.s = erased;
	cr_assert_eq(answer(w, &id, &said), LINK_TAKEN);
	{ /* and its certificate is there for auditors */
		struct reply r = desk_ask(w, fed_officer(w->f, "jp.aud"), 5,
		    HF_OP_CERTIFICATES, nothing);
		struct wire at;

		EXPECT("certificates", r.code, HF_OK);
		cr_assert(reply_has(&r, 1, &at));
		cr_assert_eq(wire_array(&at, 0, HF_ARRAY_MAX), 1);
		wire_array(&at, 3, 3);
		cr_assert_eq(memcmp(wire_bin(&at, HF_ID_SIZE, HF_ID_SIZE).data,
				 id.b, HF_ID_SIZE),
		    0);
		cr_assert_eq(memcmp(wire_str(&at, 2, 2).data, "US", 2), 0);
	}
	wires_free(w);
}

Test(false_peer, a_countersignature_is_of_this_absence_or_none)
{
	static const struct {
		unsigned type;
		bool other_id, other_core;
		enum hf_err code;
	} tries[] = {
	    {HF_ENTRY_FOREIGN, false, false, HF_RECEIPT},
	    {HF_ENTRY_COUNTERSIGNED, true, false, HF_RECEIPT},
	    {HF_ENTRY_COUNTERSIGNED, false, true, HF_RECEIPT},
	    {HF_ENTRY_COUNTERSIGNED, false, false, HF_OK},
	};
	struct wires *w = connected(3, fed_running("JP", "US", NULL));
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_id id = request(w, "us.ncp");
	struct hf_statement absent = {.type = HF_ENTRY_ABSENT,
				.subject = id,
				.code = HF_DUE_DECIDE,
				.text = bytes_of("us.ncp", 6)},
			    counter;
	uint8_t receipt[HF_RECEIPT_MAX], payload[HF_PAYLOAD_MAX];
	struct outbox_row row = {0};
	struct hf_ledger_leaf leaf;
	uint64_t damaged;
	uint8_t key[8];
	struct pack k;
	struct hf_bytes bytes;
	const struct peer *p;
	size_t size;

	turn_begin(jp);
	EXPECT("absent", ledger_add_statement(jp->engine, &absent, &row.index),
	    HF_OK);
	turn_end(jp);
	p = link_find(jp->engine, us->country);
	leaf = leaf_at(jp, row.index);
	counter = (struct hf_statement){.type = HF_ENTRY_COUNTERSIGNED,
	    .subject = id,
	    .text = bytes_of("JP", 2),
	    .code = HF_DUE_DECIDE,
	    .time = leaf.entered,
	    .detail = bytes_of(leaf.core.b, HF_HASH_SIZE)};
	EXPECT("counter",
	    hf_statement_encode(&counter, payload, sizeof(payload), &size),
	    HF_OK);
	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct hf_ledger_leaf theirs = {
		    .type = tries[i].type, .epoch = 1, .id = id};

		theirs.entered = w->f->now;
		theirs.id.b[4] ^= tries[i].other_id;
		theirs.core = hf_hash(HF_TAG_STATEMENT, payload, size);
		theirs.core.b[4] ^= tries[i].other_core;
		bytes = bytes_of(receipt, forge(us, &theirs, receipt));
		turn_begin(jp);
		EXPECT("countersigned",
		    link_countersigned(jp->engine, p, &row, bytes),
		    tries[i].code);
		turn_end(jp);
	}
	turn_begin(jp);
	cr_assert_neq(
	    link_countersigned(jp->engine, p, &row, bytes_of("no receipt", 10)),
	    HF_OK);
	turn_abandon(jp);
	/* what is no absence, what is damaged, and what is not here */
	damaged = row.index;
	pack_init(&k, payload, sizeof(payload));
	pack_array(&k, 2);
	EXPECT("leaf",
	    hf_ledger_leaf_encode(&leaf, receipt, sizeof(receipt), &size),
	    HF_OK);
	pack_bin(&k, receipt, size);
	pack_bin(&k, "junk", 4);
	put_be64(key, damaged);
	bytes = bytes_of(receipt, forge(us, &leaf, receipt));
	turn_begin(jp);
	EXPECT("damage",
	    txn_put(
		jp->txn, TABLE_ENTRIES, bytes_of(key, sizeof(key)), packed(&k)),
	    HF_OK);
	row.index = 0;
	EXPECT("start", link_countersigned(jp->engine, p, &row, bytes),
	    HF_RECEIPT);
	row.index = damaged;
	EXPECT("an absence that cannot be read",
	    link_countersigned(jp->engine, p, &row, bytes), HF_CORRUPT);
	row.index = jp->size + 1000;
	EXPECT("nothing", link_countersigned(jp->engine, p, &row, bytes),
	    HF_CORRUPT);
	turn_abandon(jp);
	wires_free(w);
}

/* ---- documents ---- */

static void send_document(struct wires *w, const struct country_doc *d)
{
	static uint8_t frame[HF_FRAME_MAX];
	uint8_t *stripped;
	struct pack p;
	size_t size;

	EXPECT("strip", country_doc_strip(d, &stripped, &size), HF_OK);
	cr_assert_leq(size, HF_DOC_PART);
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 4);
	pack_uint(&p, HF_LINK_DOCUMENT);
	pack_uint(&p, 0);
	pack_uint(&p, 1);
	pack_bin(&p, stripped, size);
	wires_inject(w, "US", "JP", frame, packed(&p).size);
	free(stripped);
}

/* Kept as proof, and that is all: the peer speaks on. */
Test(false_peer, two_documents_of_one_version_are_kept_and_not_in_force)
{
	struct wires *w = connected(4, fed_running("JP", "US", "DE", NULL));
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_key key = secret_transport_key(us->broker);
	struct country_doc *first = us->doc;
	struct hf_hash held = first->head_digest;

	us->doc = NULL;
	fed_wait(w->f, 1);
	fed_build(us);
	cr_assert_eq(us->doc->head.version, 1, "as the first");
	send_document(w, us->doc);
	cr_assert_eq(node_statements(jp, HF_ENTRY_CONFLICT, NULL), 1);
	cr_assert_arr_eq(
	    roster_doc(engine_roster(jp->engine), us->country)->head_digest.b,
	    held.b, HF_HASH_SIZE);
	country_doc_free(us->doc);
	us->doc = first;
	/* another country's broker key is nobody's to take */
	for (unsigned i = 0; i < us->entry_count; i++)
		if (us->entries[i].type == ENTRY_BROKER)
			us->entries[i].u.broker.transport =
			    secret_transport_key(fed_node(w->f, "DE")->broker);
	fed_build(us);
	send_document(w, us->doc);
	cr_assert_eq(node_statements(jp, HF_ENTRY_CONFLICT, NULL), 2);
	cr_assert_eq(
	    roster_doc(engine_roster(jp->engine), us->country)->head.version,
	    1);
	cr_assert_not(wires_was_cut(w, "JP", &key));
	wires_free(w);
}

/* ---- countries without a broker ---- */

/* DE is in the roster and has no broker: nobody's peer, witness or log. */
Test(false_peer, a_country_without_a_broker_is_passed_over)
{
	static const char *const origins[] = {
	    "holdfast/BR/1", "elsewhere.example/log", "holdfast/DE/1"};
	struct federation *f = fed_new("DE", "JP", "US", NULL);
	struct node *de = fed_node(f, "DE");
	struct node *jp, *us;
	struct hf_key key;
	struct wires *w;
	struct reply r;
	struct wire at;

	for (unsigned i = 0; i < de->entry_count; i++)
		if (de->entries[i].type == ENTRY_BROKER)
			de->entries[i] = de->entries[--de->entry_count];
	fed_build(de);
	fed_start(f);
	w = wires_new(f, 5);
	jp = fed_node(f, "JP");
	us = fed_node(f, "US");
	key = secret_transport_key(us->broker);
	wires_connect(w, "JP", "US");
	request(w, "us.ncp");
	wires_run_for(w, 5000, 500);
	r = desk_ask(w, fed_officer(f, "jp.ncp"), 5, HF_OP_PEERS, nothing);
	cr_assert(reply_has(&r, 1, &at));
	cr_assert_eq(wire_array(&at, 0, HF_ARRAY_MAX), 1, "US alone");
	{
		uint64_t size;
		struct hf_bytes note;

		node_look(jp);
		EXPECT("US has cosigned",
		    heads_witnessed(jp->engine, &size, &note), HF_OK);
		node_look_end(jp);
	}
	for (unsigned i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		uint8_t frame[512], proof[256];
		struct pack p, k;

		pack_init(&p, proof, sizeof(proof));
		pack_map(&p, 3);
		pack_uint(&p, 1);
		pack_text(&p, origins[i]);
		pack_uint(&p, 2);
		pack_text(&p, "a");
		pack_uint(&p, 3);
		pack_text(&p, "b");
		pack_init(&k, frame, sizeof(frame));
		pack_array(&k, 2);
		pack_uint(&k, HF_LINK_FORKED);
		pack_bin(&k, proof, packed(&p).size);
		wires_inject(w, "US", "JP", frame, packed(&k).size);
		cr_assert_not(wires_was_cut(w, "JP", &key), "%s", origins[i]);
	}
	wires_free(w);
}
