/* acts.json, written by another implementation (make-acts.py). */
#include "tests/support/vectors.h"

#include "proto/act.h"
#include "proto/crypto.h"
#include "proto/ref.h"
#include "proto/wire.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void same_bytes(
    const json_t *row, const char *key, const void *got, size_t size)
{
	uint8_t want[HF_ID_SIZE];

	vectors_copy(row, key, want, size);
	cr_expect_arr_eq(
	    got, want, size, "%s: %s", vectors_text(row, "name"), key);
}

/* What is read from an act writes the same bytes again. */
static void same_again(const char *name, const struct hf_act *a)
{
	uint8_t core[HF_CORE_MAX], sigs[HF_SIGS_MAX], frame[HF_ACT_MAX];
	size_t core_size, sigs_size, size;

	cr_assert_eq(
	    hf_core_encode(&a->core, core, sizeof(core), &core_size), HF_OK);
	cr_assert_eq(hf_sigs_encode(a->signatures, a->signature_count, sigs,
			 sizeof(sigs), &sigs_size),
	    HF_OK);
	cr_assert_eq(hf_act_encode((struct hf_bytes){core, core_size},
			 a->envelope_bytes, (struct hf_bytes){sigs, sigs_size},
			 a->body_bytes, frame, sizeof(frame), &size),
	    HF_OK);
	cr_expect(
	    size == a->frame.size && memcmp(frame, a->frame.data, size) == 0,
	    "%s: not the same again", name);
}

/* They leave out checks, not results. */
static void shorter_readings(const char *name, const struct hf_act *a)
{
	struct hf_envelope envelope;
	struct hf_act again;

	cr_assert_eq(
	    hf_act_decode_again(&again, a->frame.data, a->frame.size), HF_OK);
	/* a reading clears all of it first, so bytes may be compared */
	/* NOLINTNEXTLINE */
	cr_expect(memcmp(&again, a, sizeof(again)) == 0, "%s", name);
	memset(&envelope, 0, sizeof(envelope));
	cr_assert_eq(
	    hf_act_peek(&envelope, a->frame.data, a->frame.size), HF_OK);
	/* NOLINTNEXTLINE */
	cr_expect(
	    memcmp(&envelope, &a->envelope, sizeof(envelope)) == 0, "%s", name);
	for (size_t n = 0; n < a->core_bytes.size; n++)
		cr_assert_neq(hf_act_peek(&envelope, a->frame.data, n), HF_OK,
		    "%s", name);
	cr_assert_eq(
	    hf_act_peek(&envelope, a->frame.data, HF_ACT_MAX + 1u), HF_TOO_BIG);
}

Test(act_vectors, takes_the_valid_ones_and_names_them_alike)
{
	json_t *root = vectors_load("acts.json"), *row;
	size_t i;

	cr_assert(hf_crypto_init() == HF_OK);
	cr_assert(json_array_size(vectors_get(root, "valid")) > 0);
	json_array_foreach (vectors_get(root, "valid"), i, row) {
		const char *name = vectors_text(row, "name");
		char text[128];
		struct hf_act a;
		size_t size;
		uint8_t *frame = vectors_bytes(vectors_get(row, "hex"), &size);
		enum hf_err err = hf_act_decode(&a, frame, size);

		cr_assert_eq(err, HF_OK, "%s: %s", name, hf_err_text(err));
		cr_expect_eq(hf_act_verify(&a), HF_OK, "%s", name);
		cr_expect_eq(a.core.kind, vectors_uint(row, "kind"));
		same_bytes(row, "id", &a.id, sizeof(a.id));
		same_bytes(row, "digest", &a.digest, sizeof(a.digest));
		same_again(name, &a);
		shorter_readings(name, &a);
		hf_words(text, sizeof(text), &a.id, sizeof(a.id), 6);
		cr_expect_str_eq(text, vectors_text(row, "words"), "%s", name);
		if (json_object_get(row, "ref") != NULL) {
			hf_ref(text, hf_desk_country(&a.envelope.from),
			    a.core.created, &a.digest);
			cr_expect_str_eq(text, vectors_text(row, "ref"));
		}
		free(frame);
	}
	json_decref(root);
}

Test(act_vectors, refuses_the_invalid_ones_with_their_error)
{
	json_t *root = vectors_load("acts.json"), *row;
	size_t i;

	cr_assert(hf_crypto_init() == HF_OK);
	cr_assert(json_array_size(vectors_get(root, "invalid")) > 0);
	json_array_foreach (vectors_get(root, "invalid"), i, row) {
		const char *name = vectors_text(row, "name");
		bool verify = strcmp(vectors_text(row, "by"), "verify") == 0;
		enum hf_err want = (enum hf_err)vectors_uint(row, "error");
		struct hf_act a;
		size_t size;
		uint8_t *frame = vectors_bytes(vectors_get(row, "hex"), &size);
		enum hf_err err = hf_act_decode(&a, frame, size);

		if (verify) {
			cr_assert_eq(err, HF_OK, "%s does not decode", name);
			err = hf_act_verify(&a);
		}
		cr_expect_eq(err, want, "%s: %s, not %s", name,
		    hf_err_info(err)->name, hf_err_info(want)->name);
		free(frame);
	}
	json_decref(root);
}
