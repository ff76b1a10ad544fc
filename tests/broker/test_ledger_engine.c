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
	who = roster_officer(engine_roster(jp->engine), &d.author->sign);
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
