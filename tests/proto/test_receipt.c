/* Receipts: form, proof, and the act that they are for. */
#include "proto/act.h"
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/merkle.h"
#include "proto/note.h"
#include "tests/proto/heads.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static bool same(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size) == 0;
}

/* Decode, then verify; the first error. */
static enum hf_err judge(const uint8_t *bytes, size_t size, const char *origin,
    const struct hf_key *key, struct hf_receipt *r, uint64_t *tree_size)
{
	enum hf_err err = hf_receipt_decode(r, bytes, size);

	return err ? err : hf_receipt_verify(r, origin, key, tree_size);
}

static void check_good(const json_t *row, const struct hf_receipt *r,
    const uint8_t *bytes, size_t size)
{
	struct hf_hash path[HF_TREE_DEPTH_MAX];
	uint8_t out[HF_RECEIPT_MAX], *leaf;
	size_t leaf_size, out_size;
	unsigned count = (unsigned)vectors_uint(row, "path_count");

	leaf = vectors_bytes(vectors_get(row, "leaf"), &leaf_size);
	cr_expect_eq(r->index, vectors_uint(row, "index"));
	cr_expect_eq(r->path.size, count * 32u);
	cr_assert_eq(r->leaf_bytes.size, leaf_size);
	cr_expect(same(r->leaf_bytes.data, leaf, leaf_size));
	memcpy(path, r->path.data, r->path.size);
	cr_assert(hf_receipt_encode(r->leaf_bytes, r->index, path, count,
		      r->note, out, sizeof(out), &out_size) == HF_OK);
	cr_expect(out_size == size && same(out, bytes, size));
	cr_assert(hf_receipt_encode(r->leaf_bytes, r->index, path, count,
		      r->note, out, size - 1, &out_size) == HF_TOO_BIG);
	free(leaf);
}

Test(receipt, vectors_are_judged_as_they_say)
{
	json_t *root = vectors_load("receipts.json");
	const json_t *row;
	size_t i;

	cr_assert(hf_crypto_init() == HF_OK);
	json_array_foreach (vectors_get(root, "receipts"), i, row) {
		const char *name = vectors_text(row, "name");
		uint64_t error = vectors_uint(row, "error"), tree_size = 0;
		struct hf_receipt r;
		struct hf_key key;
		uint8_t *bytes;
		size_t size;

		bytes = vectors_bytes(vectors_get(row, "bytes"), &size);
		vectors_copy(row, "key", key.b, sizeof(key.b));
		cr_expect_eq(judge(bytes, size, vectors_text(row, "origin"),
				 &key, &r, &tree_size),
		    error, "%s", name);
		if (error == 0) {
			cr_expect_eq(tree_size, vectors_uint(row, "size"));
			check_good(row, &r, bytes, size);
		}
		cr_expect(error == 0 || tree_size == 0, "%s", name);
		free(bytes);
	}
	cr_assert_geq(i, 20);
	json_decref(root);
}

/* C2SP tlog-proof, letter by letter. */
Test(receipt, is_written_as_a_proof_file)
{
	static const uint8_t leaf[] = {1, 2, 3};
	struct hf_receipt r = {.leaf_bytes = {leaf, sizeof(leaf)},
	    .index = 41,
	    .note = {(const uint8_t *)"head\n\nsigned\n", 13}};
	uint8_t path[2 * HF_HASH_SIZE];
	char out[HF_PROOF_TEXT_MAX];
	size_t size, got;

	memset(path, 0, HF_HASH_SIZE);
	memset(path + HF_HASH_SIZE, 0xff, HF_HASH_SIZE);
	r.path = (struct hf_bytes){path, sizeof(path)};
	cr_assert_eq(hf_receipt_proof(&r, out, sizeof(out), &size), HF_OK);
	cr_expect_str_eq(out, "c2sp.org/tlog-proof@v1\n"
			      "extra AQID\n"
			      "index 41\n"
			      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
			      "//////////////////////////////////////////8=\n"
			      "\n"
			      "head\n\nsigned\n");
	cr_expect_eq(size, strlen(out));
	for (size_t n = 0; n <= size; n++)
		cr_expect_eq(hf_receipt_proof(&r, out, n, &got), HF_TOO_BIG);
	r.path.size = 0;
	cr_assert_eq(hf_receipt_proof(&r, out, sizeof(out), &size), HF_OK);
	cr_expect_str_eq(out, "c2sp.org/tlog-proof@v1\nextra AQID\nindex 41\n\n"
			      "head\n\nsigned\n");
}

/* A receipt for `act` in a tree of 2^20 entries, with a true path. */
static size_t make_receipt(uint8_t out[HF_RECEIPT_MAX], const struct signer *s,
    const struct hf_ledger_leaf *leaf, uint64_t index)
{
	struct hf_hash path[20], r;
	uint8_t bytes[HF_LEDGER_LEAF_MAX];
	char note[HF_NOTE_MAX];
	size_t leaf_size, note_size, size;

	cr_assert(hf_ledger_leaf_encode(
		      leaf, bytes, sizeof(bytes), &leaf_size) == HF_OK);
	r = hf_merkle_leaf(bytes, leaf_size);
	for (unsigned i = 0; i < 20; i++) {
		path[i] = hf_merkle_leaf(&i, sizeof(i));
		r = ((index >> i) & 1) != 0 ? hf_merkle_node(&path[i], &r)
					    : hf_merkle_node(&r, &path[i]);
	}
	note_size = head_write(note, s, 1u << 20, &r);
	cr_assert(
	    hf_receipt_encode((struct hf_bytes){bytes, leaf_size}, index, path,
		20, (struct hf_bytes){(const uint8_t *)note, note_size}, out,
		HF_RECEIPT_MAX, &size) == HF_OK);
	return size;
}

static struct hf_act an_act(struct hf_ledger_leaf *leaf)
{
	static const uint8_t envelope[] = {1, 2}, sigs[] = {3, 4, 5};
	struct hf_act act = {
	    .envelope_bytes = {envelope, sizeof(envelope)},
	    .sigs_bytes = {sigs, sizeof(sigs)},
	};

	cr_assert(hf_crypto_init() == HF_OK);
	memset(act.id.b, 6, sizeof(act.id.b));
	memset(act.digest.b, 7, sizeof(act.digest.b));
	*leaf = (struct hf_ledger_leaf){
	    .type = HF_ENTRY_OWN,
	    .epoch = 1,
	    .entered = {UINT64_C(1795257723250)},
	    .bound_ms = HF_BOUND_UNKNOWN,
	    .id = act.id,
	    .core = act.digest,
	    .envelope = hf_hash(HF_TAG_ENVELOPE, envelope, sizeof(envelope)),
	    .sigs = hf_hash(HF_TAG_SIGS, sigs, sizeof(sigs)),
	};
	return act;
}

Test(receipt, of_a_million_entries_is_about_a_kilobyte_and_every_bit_counts)
{
	struct signer s = signer_of(1), other = signer_of(2);
	struct hf_ledger_leaf leaf;
	uint8_t bytes[HF_RECEIPT_MAX];
	struct hf_receipt r;
	uint64_t tree_size;
	size_t size;

	an_act(&leaf);
	size = make_receipt(bytes, &s, &leaf, 0xabcde);
	cr_assert_lt(size, 1200, "%zu bytes", size);
	cr_assert(
	    judge(bytes, size, HEAD_ORIGIN, &s.key, &r, &tree_size) == HF_OK);
	cr_assert_eq(tree_size, 1u << 20);
	cr_assert(judge(bytes, size, HEAD_ORIGIN, &other.key, &r, &tree_size) ==
		  HF_CHECKPOINT);
	cr_assert(judge(bytes, size, "holdfast/JP/2", &s.key, &r, &tree_size) ==
		  HF_CHECKPOINT);
	for (size_t bit = 0; bit < size * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert(judge(bytes, size, HEAD_ORIGIN, &s.key, &r,
			      &tree_size) != HF_OK,
		    "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 0; cut < size; cut++)
		cr_assert(hf_receipt_decode(&r, bytes, cut) != HF_OK);
}

Test(receipt, is_for_one_act_only)
{
	struct signer s = signer_of(1);
	struct hf_ledger_leaf leaf;
	struct hf_act act = an_act(&leaf), wrong;
	uint8_t bytes[HF_RECEIPT_MAX];
	struct hf_receipt r;
	size_t size = make_receipt(bytes, &s, &leaf, 5);

	cr_assert(hf_receipt_decode(&r, bytes, size) == HF_OK);
	cr_assert(hf_receipt_is_for(&r, &act) == HF_OK);
	wrong = act;
	wrong.id.b[31] ^= 1;
	cr_assert(hf_receipt_is_for(&r, &wrong) == HF_RECEIPT);
	wrong = act;
	wrong.digest.b[0] ^= 1;
	cr_assert(hf_receipt_is_for(&r, &wrong) == HF_RECEIPT);
	wrong = act;
	wrong.envelope_bytes.size--;
	cr_assert(hf_receipt_is_for(&r, &wrong) == HF_RECEIPT);
	wrong = act;
	wrong.sigs_bytes.size--;
	cr_assert(hf_receipt_is_for(&r, &wrong) == HF_RECEIPT);
	r.leaf.type = HF_ENTRY_FOREIGN;
	cr_assert(hf_receipt_is_for(&r, &act) == HF_OK);
	r.leaf.type = HF_ENTRY_MACHINE;
	cr_assert(hf_receipt_is_for(&r, &act) == HF_OK);
	r.leaf.type = HF_ENTRY_DELIVERED;
	cr_assert(hf_receipt_is_for(&r, &act) == HF_RECEIPT);
}

Test(receipt, parts_above_their_limits_are_not_written)
{
	static const uint8_t big[HF_NOTE_MAX + 1];
	static const struct hf_hash path[HF_TREE_DEPTH_MAX + 1];
	struct hf_bytes leaf = {big, 100}, note = {big, 100};
	uint8_t out[HF_RECEIPT_MAX];
	size_t size;

	cr_assert(hf_receipt_encode(leaf, UINT64_C(1) << 48, path, 3, note, out,
		      sizeof(out), &size) == HF_RANGE);
	cr_assert(hf_receipt_encode(leaf, 1, path, HF_TREE_DEPTH_MAX + 1, note,
		      out, sizeof(out), &size) == HF_TOO_BIG);
	leaf.size = HF_LEDGER_LEAF_MAX + 1;
	cr_assert(hf_receipt_encode(leaf, 1, path, 3, note, out, sizeof(out),
		      &size) == HF_TOO_BIG);
	leaf.size = HF_LEDGER_LEAF_MAX;
	note.size = HF_NOTE_MAX + 1;
	cr_assert(hf_receipt_encode(leaf, 1, path, 3, note, out, sizeof(out),
		      &size) == HF_TOO_BIG);
	note.size = HF_NOTE_MAX;
	cr_assert(hf_receipt_encode(leaf, 1, path, HF_TREE_DEPTH_MAX, note, out,
		      sizeof(out), &size) == HF_OK);
}

/* ---- a head in any form comes back as it was ---- */

static void add_signature(
    char *note, const char *name, size_t payload, uint8_t fill)
{
	struct hf_note_signature s = {
	    .name = {(const uint8_t *)name, strlen(name)},
	    .payload_size = payload};

	memset(s.payload, fill, payload);
	cr_assert_gt(hf_note_signature_write(note + strlen(note),
			 HF_NOTE_MAX + 1 - strlen(note), &s),
	    0);
}

Test(receipt, whatever_its_head_looks_like_it_comes_back)
{
	static const struct {
		const char *what, *origin, *size, *root, *more;
		size_t own;
		const char *cosigned[5];
		bool packed;
	} rows[] = {
	    {"ours", "holdfast/JP/1", "1", NULL, "", 64,
		{"holdfast/JP/witness", "holdfast/US/witness"}, true},
	    {"not cosigned", "holdfast/JP/1", "1", NULL, "", 64, {NULL}, false},
	    {"out of order", "holdfast/JP/1", "1", NULL, "", 64,
		{"holdfast/US/witness", "holdfast/JP/witness"}, false},
	    {"twice the same", "holdfast/JP/1", "1", NULL, "", 64,
		{"holdfast/US/witness", "holdfast/US/witness"}, false},
	    {"five", "holdfast/JP/1", "1", NULL, "", 64,
		{"holdfast/AA/witness", "holdfast/BB/witness",
		    "holdfast/CC/witness", "holdfast/DD/witness",
		    "holdfast/EE/witness"},
		false},
	    {"a country in small letters", "holdfast/JP/1", "1", NULL, "", 64,
		{"holdfast/us/witness"}, false},
	    {"another witness", "holdfast/JP/1", "1", NULL, "", 64,
		{"witness.example/us"}, false},
	    {"as long, but another", "holdfast/JP/1", "1", NULL, "", 64,
		{"holdfast/US/watcher"}, false},
	    {"a key of another kind", "holdfast/JP/1", "1", NULL, "", 65,
		{"holdfast/US/witness"}, false},
	    {"an extension line", "holdfast/JP/1", "1", NULL, "more\n", 64,
		{"holdfast/US/witness"}, false},
	    {"a long origin", "holdfast/JP/1/and/so/on/and/on", "1", NULL, "",
		64, {"holdfast/US/witness"}, false},
	    {"an origin with a plus", "hold+fast", "1", NULL, "", 64,
		{"holdfast/US/witness"}, false},
	    {"no size", "holdfast/JP/1", "one", NULL, "", 64,
		{"holdfast/US/witness"}, false},
	    {"a short root", "holdfast/JP/1", "1", "AAAA", "", 64,
		{"holdfast/US/witness"}, false},
	    {"no root", "holdfast/JP/1", "1", "!", "", 64,
		{"holdfast/US/witness"}, false},
	};
	struct hf_ledger_leaf leaf;
	struct hf_act act = an_act(&leaf);
	uint8_t bytes[HF_LEDGER_LEAF_MAX], out[HF_RECEIPT_MAX];
	size_t leaf_size, size;
	struct hf_hash root;

	(void)act;
	cr_assert(hf_crypto_init() == HF_OK);
	cr_assert_eq(
	    hf_ledger_leaf_encode(&leaf, bytes, sizeof(bytes), &leaf_size),
	    HF_OK);
	root = hf_merkle_leaf(bytes, leaf_size);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char note[HF_NOTE_MAX + 1], base64[64];
		struct hf_receipt_head head = {.note_size = 0};
		struct hf_receipt r;

		hf_base64(base64, sizeof(base64), root.b, sizeof(root.b));
		snprintf(note, sizeof(note), "%s\n%s\n%s\n%s\n", rows[i].origin,
		    rows[i].size, rows[i].root == NULL ? base64 : rows[i].root,
		    rows[i].more);
		/* the key's name, which may not have a plus */
		add_signature(note,
		    strchr(rows[i].origin, '+') ? "plain" : rows[i].origin,
		    rows[i].own, 9);
		for (unsigned k = 0; k < 5 && rows[i].cosigned[k] != NULL; k++)
			add_signature(
			    note, rows[i].cosigned[k], 72, (uint8_t)(k + 1));
		cr_assert_eq(
		    hf_receipt_head(&head,
			(struct hf_bytes){(const uint8_t *)note, strlen(note)}),
		    HF_OK, "%s", rows[i].what);
		cr_expect_eq(head.packed_size < strlen(note), rows[i].packed,
		    "%s", rows[i].what);
		cr_assert_eq(hf_receipt_encode_under(&head,
				 (struct hf_bytes){bytes, leaf_size}, 0, NULL,
				 0, out, sizeof(out), &size),
		    HF_OK, "%s", rows[i].what);
		cr_assert_eq(hf_receipt_decode(&r, out, size), HF_OK, "%s",
		    rows[i].what);
		cr_expect(r.note.size == strlen(note) &&
			      same(r.note.data, note, r.note.size),
		    "%s", rows[i].what);
	}
}

Test(receipt, a_head_that_verified_is_known_by_its_bytes_key_and_origin)
{
	static struct hf_known_heads known;
	struct signer s = signer_of(1), other = signer_of(2);
	struct hf_ledger_leaf leaf;
	struct hf_act act = an_act(&leaf);
	uint8_t out[HF_RECEIPT_MAX];
	size_t size = make_receipt(out, &s, &leaf, 77);
	struct hf_receipt r;
	uint64_t tree;

	(void)act;
	cr_assert_eq(hf_receipt_decode(&r, out, size), HF_OK);
	for (unsigned i = 0; i < 2; i++) {
		cr_expect_eq(hf_receipt_verify_known(
				 &r, HEAD_ORIGIN, &s.key, &known, &tree),
		    HF_OK);
		cr_expect_eq(tree, UINT64_C(1) << 20);
		cr_expect_eq(hf_receipt_verify_known(
				 &r, HEAD_ORIGIN, &other.key, &known, &tree),
		    HF_CHECKPOINT, "another key");
		cr_expect_eq(hf_receipt_verify_known(
				 &r, "holdfast/JP/2", &s.key, &known, &tree),
		    HF_CHECKPOINT, "another log");
	}
	cr_expect_eq(known.next, 1);
	/* rows where nothing is yet are no heads of no bytes */
	r.note.size = 0;
	cr_expect_eq(
	    hf_receipt_verify_known(&r, HEAD_ORIGIN, &s.key, &known, &tree),
	    HF_CHECKPOINT);
}

Test(receipt, a_head_of_a_long_origin_verifies)
{
	static const char origin[] = "holdfast.example/a/long/origin";
	struct signer s = signer_of(1);
	struct hf_ledger_leaf leaf;
	struct hf_act act = an_act(&leaf);
	uint8_t bytes[HF_LEDGER_LEAF_MAX], out[HF_RECEIPT_MAX];
	char text[256], note[HF_NOTE_MAX];
	struct hf_hash root;
	struct hf_sig sig;
	struct hf_receipt r;
	size_t leaf_size, n, size;
	uint64_t tree;

	(void)act;
	cr_assert_eq(
	    hf_ledger_leaf_encode(&leaf, bytes, sizeof(bytes), &leaf_size),
	    HF_OK);
	root = hf_merkle_leaf(bytes, leaf_size);
	n = hf_checkpoint_text(text, sizeof(text), origin, 1, &root);
	crypto_sign_detached(sig.b, NULL, (uint8_t *)text, n, s.secret);
	cr_assert_eq(hf_checkpoint_note(
			 note, sizeof(note), &n, text, origin, &s.key, &sig),
	    HF_OK);
	cr_assert_eq(
	    hf_receipt_encode((struct hf_bytes){bytes, leaf_size}, 0, NULL, 0,
		(struct hf_bytes){(uint8_t *)note, n}, out, sizeof(out), &size),
	    HF_OK);
	cr_assert_eq(hf_receipt_decode(&r, out, size), HF_OK);
	cr_expect_eq(hf_receipt_verify(&r, origin, &s.key, &tree), HF_OK);
	cr_expect_eq(
	    hf_receipt_decode(&r, out, HF_RECEIPT_MAX + 1), HF_TOO_BIG);
}
