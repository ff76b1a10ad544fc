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

Test(packed, receipts_give_their_note_back)
{
	json_t *root = vectors_load("packed-receipts.json");
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
		}
		free(bytes);
	}
	cr_assert_geq(i, 15);
	json_decref(root);
}
