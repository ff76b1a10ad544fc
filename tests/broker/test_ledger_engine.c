/* The ledger in the store: receipts, reading back, abandoning (SPEC 6). */
#include "tests/broker/fixture.h"

#include "broker/engine/intake.h"
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <string.h>

static void some_requests(struct federation *f, unsigned count)
{
	struct draft d;

	for (unsigned i = 0; i < count; i++) {
		draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
		must_submit(&d);
	}
}

Test(ledger_engine, every_entry_has_a_receipt_that_verifies)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_key key = secret_sign_key(jp->broker);
	uint8_t bytes[HF_RECEIPT_MAX];
	uint64_t tree_size;
	size_t size;

	some_requests(f, 13);
	cr_assert_gt(jp->size, 13);
	node_look(jp);
	for (uint64_t i = 0; i < jp->size; i++) {
		struct hf_receipt r;

		cr_assert_eq(
		    ledger_receipt(jp->engine, i, bytes, sizeof(bytes), &size),
		    HF_OK);
		cr_assert_eq(hf_receipt_decode(&r, bytes, size), HF_OK);
		cr_assert_eq(
		    hf_receipt_verify(&r, "holdfast/JP/1", &key, &tree_size),
		    HF_OK);
		cr_assert_eq(r.index, i);
		cr_assert_eq(tree_size, jp->size);
	}
	cr_assert_eq(
	    ledger_receipt(jp->engine, jp->size, bytes, sizeof(bytes), &size),
	    HF_NOTFOUND);
	node_look_end(jp);
	fed_free(f);
}

Test(ledger_engine, reading_back_finds_the_root_from_any_boundary)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_frontier frontier;
	struct hf_hash root;

	some_requests(f, 9);
	node_look(jp);
	for (uint64_t from = 0; from <= jp->size; from++) {
		cr_assert_eq(
		    ledger_verify_range(jp->engine, from, jp->size, &root),
		    HF_OK);
		cr_assert(same_hash(&root, &jp->root_hash));
	}
	cr_assert_eq(ledger_frontier(jp->engine, jp->size, &frontier), HF_OK);
	root = hf_frontier_root(&frontier);
	cr_assert(same_hash(&root, &jp->root_hash));
	cr_assert_eq(ledger_frontier(jp->engine, jp->size * 2 + 1, &frontier),
	    HF_CORRUPT);
	node_look_end(jp);
	fed_free(f);
}

/** Turn one bit of a stored row and read back. */
static bool is_noticed(
    struct node *n, enum table table, uint64_t index, size_t at)
{
	static uint8_t row[8192];
	struct hf_bytes value;
	struct hf_hash root;
	uint8_t key[8];
	enum hf_err err;
	size_t size;

	put_be64(key, index);
	cr_assert_eq(
	    txn_get(n->txn, table, bytes_of(key, sizeof(key)), &value), HF_OK);
	size = value.size;
	memcpy(row, value.data, size);
	row[at % size] ^= 0x10;
	cr_assert_eq(txn_put(n->txn, table, bytes_of(key, sizeof(key)),
			 bytes_of(row, size)),
	    HF_OK);
	err = ledger_verify_range(n->engine, index, n->size, &root);
	row[at % size] ^= 0x10;
	cr_assert_eq(txn_put(n->txn, table, bytes_of(key, sizeof(key)),
			 bytes_of(row, size)),
	    HF_OK);
	return err != HF_OK || !same_hash(&root, &n->root_hash);
}

/* The same by what reads all back beside the work. */
static bool is_scrubbed(
    struct node *n, enum table table, struct hf_bytes key, size_t at)
{
	struct hf_bytes value;
	struct row_key k = {0};
	uint8_t row[8192];
	uint64_t index = 0;
	enum hf_err err;
	size_t size;

	row_add(&k, key.data, key.size);
	EXPECT("row", txn_get(n->txn, table, row_bytes(&k), &value), HF_OK);
	size = value.size;
	memcpy(row, value.data, size);
	row[at % size] ^= 0x10;
	EXPECT("put",
	    txn_put(n->txn, table, row_bytes(&k), bytes_of(row, size)), HF_OK);
	err = ledger_scrub(n->engine, &index, n->size);
	row[at % size] ^= 0x10;
	EXPECT("put",
	    txn_put(n->txn, table, row_bytes(&k), bytes_of(row, size)), HF_OK);
	return err == HF_CORRUPT && index < n->size;
}

Test(ledger_engine, every_row_that_is_read_back_is_as_it_was_signed)
{
	static const enum table tables[] = {
	    TABLE_ENTRIES, TABLE_ACTS, TABLE_NODES};
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	uint64_t index = 0;

	some_requests(f, 5);
	node_look(jp);
	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct row_key from = {0};
		struct hf_bytes key, value;
		size_t at = 0;

		while (txn_next(jp->txn, tables[i], nothing, row_bytes(&from),
			   from.size > 0, &key, &value) == HF_OK) {
			from.size = 0;
			row_add(&from, key.data, key.size);
			for (unsigned k = 0; k < 5; k++, at += 37)
				cr_assert(is_scrubbed(jp, tables[i],
					      row_bytes(&from), at),
				    "table %u, byte %zu", i, at);
		}
		cr_assert_gt(at, 0);
	}
	EXPECT("whole", ledger_scrub(jp->engine, &index, jp->size), HF_OK);
	cr_assert_eq(index, jp->size);
	node_look_end(jp);
	fed_free(f);
}

Test(ledger_engine, what_the_start_left_unread_is_read_beside_the_work)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct engine *e = jp->engine;
	static uint8_t row[8192];
	struct hf_bytes value;
	struct row_key k = {0};
	uint64_t size, damaged;
	struct hf_hash root;
	bool changed;

	some_requests(f, 5);
	e->scrub_end = jp->size - 2; /* as if the rest had been read */
	cr_assert_leq(engine_next_mono(e), e->mono_ms + 20);
	fed_wait(f, 1);
	turn_begin(jp);
	turn_end(jp);
	cr_assert_eq(e->scrub_at, e->scrub_end);
	e->scrub_at = 0;
	fed_wait(f, 1);
	turn_begin(jp);
	row_add_be64(&k, 1);
	EXPECT("row", txn_get(jp->txn, TABLE_ENTRIES, row_bytes(&k), &value),
	    HF_OK);
	memcpy(row, value.data, value.size);
	row[value.size / 2] ^= 1;
	EXPECT("put",
	    txn_put(jp->txn, TABLE_ENTRIES, row_bytes(&k),
		bytes_of(row, value.size)),
	    HF_OK);
	EXPECT("end", engine_end(e, &size, &root, &changed), HF_CORRUPT);
	cr_assert(engine_damaged(e, &damaged));
	cr_assert_eq(damaged, 1);
	turn_abandon(jp);
	fed_free(f);
}

Test(ledger_engine, a_flipped_bit_is_noticed_before_it_is_signed)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_hash root;
	uint64_t last;

	some_requests(f, 3);
	last = jp->size - 1;
	node_look(jp);
	for (size_t at = 0; at < 150; at++) {
		cr_assert(is_noticed(jp, TABLE_ENTRIES, last, at),
		    "entry byte %zu", at);
		cr_assert(is_noticed(jp, TABLE_ACTS, last, at * 3),
		    "act byte %zu", at * 3);
	}
	cr_assert_eq(
	    ledger_verify_range(jp->engine, last, jp->size, &root), HF_OK);
	cr_assert(same_hash(&root, &jp->root_hash));
	node_look_end(jp);
	fed_free(f);
}

Test(ledger_engine, an_abandoned_turn_leaves_nothing)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct intake_result first, second;
	const struct officer_entry *who;
	struct case_record c;
	uint64_t size = jp->size;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &a);
	turn_begin(jp);
	who = roster_officer(engine_roster(jp->engine),
	    hf_desk_country(&d.author->desk), &d.author->sign);
	cr_assert_eq(intake_own(jp->engine, who, bytes_of(a.frame, a.size),
			 bytes_of(NULL, 0), &first),
	    HF_OK);
	turn_abandon(jp);
	cr_assert_eq(node_case_err(jp, &a.id, &c), HF_NOTFOUND);
	cr_assert_eq(
	    fed_submit(jp, d.author, &a, bytes_of(NULL, 0), &second), HF_OK);
	cr_assert_eq(second.index, first.index);
	cr_assert_eq(second.flags, HF_SUBMIT_NOT_DELIVERED, "not a duplicate");
	cr_assert_eq(jp->size, size + 1);
	fed_free(f);
}

Test(ledger_engine, statements_are_leaves_of_their_payload)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_statement s = {
	    .type = HF_ENTRY_ABSENT, .code = 3, .text = {0}};
	struct hf_bytes leaf_bytes, payload;
	struct hf_ledger_leaf leaf;
	struct hf_hash digest;
	uint64_t index;

	s.text = bytes_of("us.ncp", 6);
	turn_begin(jp);
	cr_assert_eq(ledger_add_statement(jp->engine, &s, &index), HF_OK);
	turn_end(jp);
	node_look(jp);
	cr_assert_eq(
	    ledger_entry(jp->engine, index, &leaf_bytes, &payload), HF_OK);
	cr_assert_eq(ledger_leaf(jp->engine, index, &leaf), HF_OK);
	digest = hf_hash(HF_TAG_STATEMENT, payload.data, payload.size);
	cr_assert(same_hash(&leaf.core, &digest));
	cr_assert_eq(leaf.entered.ms, f->now.ms);
	cr_assert_eq(leaf.bound_ms, 5);
	cr_assert_eq(leaf.epoch, 1);
	node_look_end(jp);
	fed_free(f);
}
