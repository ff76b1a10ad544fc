/* disclosures.json, written by another implementation
 * (make-disclosures.py). */
#include "tests/support/vectors.h"

#include "proto/crypto.h"
#include "proto/leaf.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct hf_leaves l;
static struct hf_cite c;

static json_t *rows_of(const json_t *root, const char *part, const char *which)
{
	json_t *rows = vectors_get(vectors_get(root, part), which);

	cr_assert(json_array_size(rows) > 0);
	return rows;
}

static void check_list(const json_t *row, const uint8_t *data, size_t size)
{
	const char *name = vectors_text(row, "name");
	uint8_t root[HF_HASH_SIZE], again[HF_ACT_MAX];
	struct hf_hash got;
	json_t *hex;
	size_t i, again_size;

	cr_assert_eq(hf_leaves_decode(&l, data, size), HF_OK, "%s", name);
	cr_assert_eq(l.count, vectors_uint(row, "count"), "%s", name);
	got = hf_leaves_root(&l);
	vectors_copy(row, "root", root, sizeof(root));
	cr_expect_arr_eq(got.b, root, sizeof(root), "%s: root", name);
	cr_assert_eq(json_array_size(vectors_get(row, "salts")), l.count);
	json_array_foreach (vectors_get(row, "salts"), i, hex) {
		size_t salt_size;
		uint8_t *salt = vectors_bytes(hex, &salt_size);

		cr_assert_eq(salt_size, HF_SALT_SIZE);
		cr_expect_arr_eq(l.leaf[i].salt, salt, HF_SALT_SIZE,
		    "%s: salt %zu", name, i);
		free(salt);
	}
	cr_assert_eq(
	    hf_leaves_encode(&l, again, sizeof(again), &again_size), HF_OK);
	cr_expect(again_size == size && memcmp(again, data, size) == 0,
	    "%s: not the same again", name);
}

static void check_cite(const json_t *row, const uint8_t *data, size_t size)
{
	const char *name = vectors_text(row, "name");
	uint8_t id[HF_ID_SIZE];
	json_t *shown;
	size_t i;

	cr_assert_eq(hf_cite_decode(&c, data, size), HF_OK, "%s", name);
	cr_expect_eq(c.count, vectors_uint(row, "count"), "%s", name);
	vectors_copy(row, "id", id, sizeof(id));
	cr_expect_arr_eq(&c.id, id, sizeof(id), "%s: id", name);
	cr_assert_eq(json_array_size(vectors_get(row, "shown")), c.shown_count);
	json_array_foreach (vectors_get(row, "shown"), i, shown) {
		size_t value_size;
		uint8_t *value =
		    vectors_bytes(vectors_get(shown, "value"), &value_size);

		cr_expect_eq(c.index[i], vectors_uint(shown, "index"));
		cr_expect_eq(c.shown[i].field, vectors_uint(shown, "field"));
		cr_expect(
		    c.shown[i].value.size == value_size &&
			memcmp(c.shown[i].value.data, value, value_size) == 0,
		    "%s: value %zu", name, i);
		free(value);
	}
}

Test(leaf_vectors, takes_the_valid_ones)
{
	json_t *root = vectors_load("disclosures.json"), *row;
	size_t i, size;

	cr_assert_eq(hf_crypto_init(), HF_OK);
	json_array_foreach (rows_of(root, "lists", "valid"), i, row) {
		uint8_t *data = vectors_bytes(vectors_get(row, "hex"), &size);

		check_list(row, data, size);
		free(data);
	}
	json_array_foreach (rows_of(root, "disclosures", "valid"), i, row) {
		uint8_t *data = vectors_bytes(vectors_get(row, "hex"), &size);

		check_cite(row, data, size);
		free(data);
	}
	json_decref(root);
}

static void check_refused(const json_t *rows, bool lists)
{
	json_t *row;
	size_t i, size;

	json_array_foreach (rows, i, row) {
		uint8_t *data = vectors_bytes(vectors_get(row, "hex"), &size);
		enum hf_err want = (enum hf_err)vectors_uint(row, "error");
		enum hf_err err = lists ? hf_leaves_decode(&l, data, size)
					: hf_cite_decode(&c, data, size);

		cr_expect_eq(err, want, "%s: %s, not %s",
		    vectors_text(row, "name"), hf_err_info(err)->name,
		    hf_err_info(want)->name);
		free(data);
	}
}

Test(leaf_vectors, refuses_the_invalid_ones_with_their_error)
{
	json_t *root = vectors_load("disclosures.json");

	cr_assert_eq(hf_crypto_init(), HF_OK);
	check_refused(rows_of(root, "lists", "invalid"), true);
	check_refused(rows_of(root, "disclosures", "invalid"), false);
	json_decref(root);
}
