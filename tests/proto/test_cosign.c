/* Cosignatures and proofs of forks (SPEC 6.6, 6.8): the vectors. */
#include "proto/cosign.h"
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct hf_bytes text_bytes(const char *s)
{
	return (struct hf_bytes){(const uint8_t *)s, strlen(s)};
}

static json_t *load(void)
{
	cr_assert(hf_crypto_init() == HF_OK);
	return vectors_load("cosignatures.json");
}

Test(cosign, vectors_are_judged_as_they_say)
{
	json_t *root = load();
	const json_t *row;
	size_t i;

	json_array_foreach (vectors_get(root, "cosignatures"), i, row) {
		const char *name = vectors_text(row, "name");
		bool ok = vectors_bool(row, "ok");
		uint64_t seconds = 4711;
		struct hf_key key;

		vectors_copy(row, "key", key.b, sizeof(key.b));
		cr_expect_eq(
		    hf_cosign_verify(text_bytes(vectors_text(row, "note")),
			vectors_text(row, "witness"), &key, &seconds) == HF_OK,
		    ok, "%s", name);
		cr_expect_eq(seconds, ok ? vectors_uint(row, "seconds") : 4711,
		    "%s", name);
	}
	cr_assert_geq(i, 14);
	json_decref(root);
}

Test(cosign, a_note_takes_a_line_where_it_belongs)
{
	json_t *root = load();
	const json_t *row;
	size_t i;

	json_array_foreach (vectors_get(root, "added"), i, row) {
		const char *to = vectors_text(row, "to");
		char out[HF_NOTE_MAX + 1];
		size_t size = 0;

		cr_assert_eq(
		    hf_cosign_add(text_bytes(vectors_text(row, "note")),
			text_bytes(vectors_text(row, "line")), out, sizeof(out),
			&size),
		    HF_OK, "%s", vectors_text(row, "name"));
		cr_expect(size == strlen(to) && memcmp(out, to, size) == 0,
		    "%s", vectors_text(row, "name"));
		/* exactly so much room, and no byte less */
		cr_expect_eq(
		    hf_cosign_add(text_bytes(vectors_text(row, "note")),
			text_bytes(vectors_text(row, "line")), out, size + 1,
			&size),
		    HF_OK);
		cr_expect_eq(
		    hf_cosign_add(text_bytes(vectors_text(row, "note")),
			text_bytes(vectors_text(row, "line")), out, size,
			&size),
		    HF_TOO_BIG);
		/* the log's own line is none */
		cr_expect_eq(
		    hf_cosign_add(text_bytes(vectors_text(row, "note")),
			text_bytes(
			    strstr(vectors_text(row, "note"), "\n\n") + 2),
			out, sizeof(out), &size),
		    HF_CHECKPOINT);
	}
	cr_assert_eq(i, 5);
	json_decref(root);
}

Test(cosign, forks_are_judged_as_they_say_and_made_so)
{
	json_t *root = load();
	const json_t *row;
	size_t i;

	json_array_foreach (vectors_get(root, "forks"), i, row) {
		bool ok = vectors_bool(row, "ok");
		const char *origin = vectors_text(row, "origin");
		size_t size = 0;
		uint8_t *proof =
		    vectors_bytes(json_object_get(row, "proof"), &size);
		uint64_t entries = 4711;
		struct hf_key key;

		vectors_copy(row, "key", key.b, sizeof(key.b));
		cr_expect_eq(
		    hf_fork_check(proof, size, origin, &key, &entries) == HF_OK,
		    ok, "%s", vectors_text(row, "name"));
		cr_expect_eq(entries, ok ? 70u : 4711u);
		free(proof);
	}
	cr_assert_geq(i, 10);
	json_decref(root);
}

/* What C makes of the notes of the good proof, whichever comes first. */
Test(cosign, a_fork_has_one_encoding)
{
	json_t *root = load();
	const json_t *row = json_array_get(vectors_get(root, "forks"), 0);
	const char *origin = vectors_text(row, "origin");
	size_t size = 0, made;
	uint8_t *proof = vectors_bytes(json_object_get(row, "proof"), &size);
	uint8_t out[HF_FORK_MAX];
	struct hf_bytes note[2];
	struct hf_key key;

	vectors_copy(row, "key", key.b, sizeof(key.b));
	/* map, 1, origin, 2, str8 note, 3, str8 note */
	note[0] = (struct hf_bytes){proof + 1 + 1 + 1 + strlen(origin) + 3,
	    proof[1 + 1 + 1 + strlen(origin) + 2]};
	note[1] = (struct hf_bytes){
	    note[0].data + note[0].size + 3, note[0].data[note[0].size + 2]};
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(hf_fork_encode(origin, &key, note[i], note[1 - i],
				 out, &made),
		    HF_OK);
		cr_assert(made == size && memcmp(out, proof, size) == 0);
	}
	cr_assert_eq(hf_fork_encode(origin, &key, note[0], note[0], out, &made),
	    HF_CHECKPOINT);
	free(proof);
	json_decref(root);
}

Test(cosign, a_note_has_at_most_four)
{
	json_t *root = load();
	const json_t *row = json_array_get(vectors_get(root, "added"), 0);
	const char *line = vectors_text(row, "line");
	char note[HF_NOTE_MAX + 1], next[HF_NOTE_MAX + 1], other[200];
	struct hf_bytes name;
	size_t size;

	snprintf(note, sizeof(note), "%s", vectors_text(row, "note"));
	cr_assert_not(hf_cosign_name(text_bytes(note), 0, &name));
	for (unsigned i = 0; i < 5; i++) {
		enum hf_err err;

		snprintf(other, sizeof(other), "%s", line);
		*strstr(other, "US") = (char)('A' + i);
		err = hf_cosign_add(text_bytes(note), text_bytes(other), next,
		    sizeof(next), &size);
		cr_assert_eq(err, i < 4 ? HF_OK : HF_TOO_MANY, "%u", i);
		if (err == HF_OK)
			snprintf(note, sizeof(note), "%s", next);
		cr_assert_eq(
		    hf_cosign_name(text_bytes(note), i, &name), err == HF_OK);
	}
	json_decref(root);
}

Test(cosign, the_message_and_the_line_are_those_of_the_standard)
{
	uint8_t message[HF_COSIGN_MESSAGE_MAX];
	static const char wanted[] = "cosignature/v1\ntime 1679315147\nx\n";
	char name[HF_WITNESS_NAME_MAX];

	hf_witness_name(name, (struct hf_country){"US"});
	cr_assert_str_eq(name, "holdfast/US/witness");
	cr_assert_eq(hf_cosign_message(message, 1679315147, text_bytes("x\n")),
	    sizeof(wanted) - 1);
	cr_assert_eq(memcmp(message, wanted, sizeof(wanted) - 1), 0);
}
