/* packed-receipts.json, written by another implementation
 * (make-packed-receipts.py). */
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct hf_bytes member(const json_t *row, const char *key)
{
	const char *s = vectors_text(row, key);

	return (struct hf_bytes){(const uint8_t *)s, strlen(s)};
}

static void expect(
    const json_t *row, enum hf_err got, enum hf_err wanted, const char *what)
{
	cr_expect_eq(got, wanted, "%s: %s: %s, not %s", what,
	    vectors_text(row, "name"), hf_err_info(got)->name,
	    hf_err_info(wanted)->name);
}

/* A head that is ready for one note is made anew for the next, also for one
 * of the same length. */
static void under_heads_by_turns(const struct hf_receipt *r,
    struct hf_bytes note, struct hf_receipt_head *head)
{
	uint8_t want[HF_RECEIPT_MAX], got[HF_RECEIPT_MAX], other[HF_NOTE_MAX];
	const struct hf_hash *path = (const struct hf_hash *)r->path.data;
	unsigned count = (unsigned)(r->path.size / HF_HASH_SIZE);
	size_t want_size, size;

	memcpy(other, note.data, note.size);
	other[note.size - 2] ^= 1;
	for (unsigned i = 0; i < 4; i++) {
		struct hf_bytes n = {i % 2 == 0 ? note.data : other, note.size};

		cr_assert_eq(hf_receipt_encode(r->leaf_bytes, r->index, path,
				 count, n, want, sizeof(want), &want_size),
		    HF_OK);
		cr_assert_eq(hf_receipt_head(head, n), HF_OK);
		cr_assert_eq(hf_receipt_head(head, n), HF_OK);
		cr_assert_eq(
		    hf_receipt_encode_under(head, r->leaf_bytes, r->index, path,
			count, got, sizeof(got), &size),
		    HF_OK);
		cr_assert_eq(size, want_size);
		cr_assert_arr_eq(got, want, size);
	}
}

/* What verified is known; nothing else is, whatever it has in common. */
static void known_and_not(const struct hf_receipt *r, const char *origin,
    const struct hf_key *key, struct hf_known_heads *known)
{
	static struct hf_receipt bad;
	uint8_t note[HF_NOTE_MAX], path[HF_PATH_MAX];
	struct hf_key other = *key;
	uint64_t size = 0, again = 0;

	cr_assert_eq(
	    hf_receipt_verify_known(r, origin, key, known, &size), HF_OK);
	cr_assert_eq(
	    hf_receipt_verify_known(r, origin, key, known, &again), HF_OK);
	cr_assert_eq(size, again);
	other.b[5] ^= 4;
	cr_expect_neq(
	    hf_receipt_verify_known(r, origin, &other, known, &again), HF_OK);
	cr_expect_neq(
	    hf_receipt_verify_known(r, "holdfast/XX/9", key, known, &again),
	    HF_OK);
	memcpy(note, r->note.data, r->note.size);
	bad = *r;
	bad.note = (struct hf_bytes){note, r->note.size};
	for (size_t i = 0; i < r->note.size; i++) {
		note[i] ^= 1;
		if (hf_receipt_verify(&bad, origin, key, &again) != HF_OK)
			cr_expect_neq(hf_receipt_verify_known(
					  &bad, origin, key, known, &again),
			    HF_OK, "byte %zu of the note", i);
		note[i] ^= 1;
	}
	if (r->path.size == 0)
		return;
	memcpy(path, r->path.data, r->path.size);
	path[0] ^= 1;
	bad.path.data = path;
	cr_expect_eq(hf_receipt_verify_known(&bad, origin, key, known, &again),
	    HF_PROOF);
}

Test(packed, receipts_give_their_note_back)
{
	json_t *root = vectors_load("packed-receipts.json");
	static struct hf_receipt_head head;
	static struct hf_known_heads known;
	struct hf_key ledger;
	const json_t *row;
	size_t i, size, again_size;

	cr_assert_eq(hf_crypto_init(), HF_OK);
	vectors_copy(root, "ledger", ledger.b, sizeof(ledger.b));
	json_array_foreach (vectors_get(root, "receipts"), i, row) {
		uint8_t *bytes =
		    vectors_bytes(vectors_get(row, "bytes"), &size);
		uint8_t again[HF_RECEIPT_MAX];
		struct hf_hash path[HF_TREE_DEPTH_MAX];
		enum hf_err wanted = (enum hf_err)vectors_uint(row, "error");
		struct hf_receipt r;
		uint64_t tree_size;
		enum hf_err err = hf_receipt_decode(&r, bytes, size);

		if (err == HF_OK)
			err = hf_receipt_verify(&r,
			    vectors_text(root, "origin"), &ledger, &tree_size);
		expect(row, err, wanted, "receipt");
		if (wanted == HF_OK && err == HF_OK) {
			struct hf_bytes note = member(row, "note");

			cr_assert_eq(r.note.size, note.size);
			cr_assert_arr_eq(r.note.data, note.data, note.size);
			memcpy(path, r.path.data, r.path.size);
			cr_assert_eq(
			    hf_receipt_encode(r.leaf_bytes, r.index, path,
				(unsigned)(r.path.size / HF_HASH_SIZE), note,
				again, sizeof(again), &again_size),
			    HF_OK);
			cr_assert_eq(again_size, size);
			cr_assert_arr_eq(again, bytes, size);
			under_heads_by_turns(&r, note, &head);
			known_and_not(
			    &r, vectors_text(root, "origin"), &ledger, &known);
		}
		free(bytes);
	}
	cr_assert_geq(i, 15);
	json_decref(root);
}
