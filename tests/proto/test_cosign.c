/* Cosignatures and proofs of forks (SPEC 6.6, 6.8): the vectors. */
#include "proto/cosign.h"
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/note.h"
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
	for (unsigned i = 0; i < 2; i++) {
		struct hf_bytes none = {note[i].data, 3}, torn = note[i];

		torn.size--; /* of its last line */
		cr_assert_eq(
		    hf_fork_encode(origin, &key, none, note[1 - i], out, &made),
		    HF_CHECKPOINT);
		cr_assert_eq(
		    hf_fork_encode(origin, &key, note[1 - i], none, out, &made),
		    HF_CHECKPOINT);
		cr_assert_eq(
		    hf_fork_encode(origin, &key, torn, note[1 - i], out, &made),
		    HF_CHECKPOINT);
		cr_assert_eq(
		    hf_fork_encode(origin, &key, note[1 - i], torn, out, &made),
		    HF_CHECKPOINT);
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

/* ---- notes put together line by line ---- */

static struct hf_bytes witness_line(
    char out[HF_NOTE_MAX], const char *name, size_t payload)
{
	struct hf_note_signature s = {
	    .name = text_bytes(name), .payload_size = payload};
	size_t size;

	memset(s.payload, 1, payload);
	size = hf_note_signature_write(out, HF_NOTE_MAX, &s);
	cr_assert_gt(size, 0);
	return (struct hf_bytes){(const uint8_t *)out, size};
}

static struct hf_bytes note_of(
    char out[HF_NOTE_MAX + 1], const char *text, const char *lines)
{
	int n = snprintf(out, HF_NOTE_MAX + 1, "%s\n%s", text, lines);

	cr_assert_leq(n, (int)HF_NOTE_MAX);
	return text_bytes(out);
}

Test(cosign, what_is_no_note_and_no_line_is_refused)
{
	static const struct {
		const char *note, *line;
	} rows[] = {{"no blank line\n", NULL}, {"", NULL},
	    {"x\n\n\xe2\x80\x94 a AAAA", NULL}, {"x\n\nnot signed\n", NULL},
	    {NULL, ""}, {NULL, "no line's end"}, {NULL, "not signed\n"},
	    {NULL, "\xe2\x80\x94\n"}, {NULL, "\xe2\x80\x94 name\n"},
	    {NULL, "\xe2\x80\x94 name !\n"}, {NULL, "\xe2\x80\x94 name AAA=\n"},
	    {NULL, "two\nlines\n"}};
	char line[HF_NOTE_MAX], note[HF_NOTE_MAX + 1], out[HF_NOTE_MAX + 1];
	struct hf_bytes good, any, name;
	struct hf_key key = {{0}};
	uint8_t fork[HF_FORK_MAX];
	uint64_t seconds;
	size_t size;

	cr_assert(hf_crypto_init() == HF_OK);
	good = witness_line(line, "holdfast/US/witness", 72);
	any = note_of(note, "holdfast/JP/1\n1\nx\n", "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hf_bytes n =
		    rows[i].note == NULL ? any : text_bytes(rows[i].note);
		struct hf_bytes l =
		    rows[i].line == NULL ? good : text_bytes(rows[i].line);

		cr_expect_eq(hf_cosign_add(n, l, out, sizeof(out), &size),
		    HF_CHECKPOINT, "%zu", i);
		cr_expect_eq(hf_cosign_verify_line(
				 l, n, "holdfast/US/witness", &key, &seconds),
		    HF_CHECKPOINT, "%zu", i);
		if (rows[i].note == NULL)
			continue;
		cr_expect_eq(
		    hf_cosign_verify(n, "holdfast/US/witness", &key, &seconds),
		    HF_CHECKPOINT, "%zu", i);
		cr_expect_not(hf_cosign_name(n, 0, &name), "%zu", i);
		cr_expect_eq(
		    hf_fork_encode("holdfast/JP/1", &key, n, any, fork, &size),
		    HF_CHECKPOINT, "%zu", i);
		cr_expect_eq(
		    hf_fork_encode("holdfast/JP/1", &key, any, n, fork, &size),
		    HF_CHECKPOINT, "%zu", i);
	}
	/* by another key than the one that is asked for */
	cr_expect_eq(hf_cosign_verify_line(
			 good, any, "holdfast/US/witness", &key, &seconds),
	    HF_CHECKPOINT);
}

Test(cosign, only_a_witness_cosigns)
{
	static const struct {
		const char *name;
		size_t payload;
		bool ok;
	} rows[] = {{"holdfast/US/witness", 72, true}, {"x/witness", 72, true},
	    {"/witness", 72, false}, {"short", 72, false},
	    {"holdfast/US/witnes5", 72, false},
	    {"holdfast/US/witness", 64, false},
	    {"holdfast/US/witness", 73, false}};
	char line[HF_NOTE_MAX], note[HF_NOTE_MAX + 1], out[HF_NOTE_MAX + 1];
	size_t size;

	cr_assert(hf_crypto_init() == HF_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hf_bytes name,
		    l = witness_line(line, rows[i].name, rows[i].payload);
		struct hf_bytes n = note_of(note, "xx\n", line);

		cr_expect_eq(hf_cosign_name(n, 0, &name), rows[i].ok, "%zu", i);
		n = note_of(note, "xx\n", "");
		cr_expect_eq(hf_cosign_add(n, l, out, sizeof(out), &size),
		    rows[i].ok ? HF_OK : HF_CHECKPOINT, "%zu", i);
	}
}

/* By their names, whichever came first; a shorter name before a longer one
 * that begins with it. */
Test(cosign, lines_stand_in_the_order_of_their_names)
{
	static const char *const names[] = {"holdfast/AA/witness",
	    "holdfast/JP/witness", "i/witness", "i/witness/witness"};
	static const unsigned orders[][4] = {
	    {0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}};
	char note[HF_NOTE_MAX + 1], next[HF_NOTE_MAX + 1], line[HF_NOTE_MAX];
	size_t size;

	cr_assert(hf_crypto_init() == HF_OK);
	for (unsigned i = 0; i < 4; i++) {
		struct hf_bytes n = note_of(note, "xx\n", "");

		for (unsigned k = 0; k < 4; k++) {
			struct hf_bytes l =
			    witness_line(line, names[orders[i][k]], 72);

			cr_assert_eq(
			    hf_cosign_add(n, l, next, sizeof(next), &size),
			    HF_OK);
			memcpy(note, next, size);
			n = (struct hf_bytes){(const uint8_t *)note, size};
		}
		for (unsigned k = 0; k < 4; k++) {
			struct hf_bytes name;

			cr_assert(hf_cosign_name(n, k, &name));
			cr_expect(
			    name.size == strlen(names[k]) &&
				memcmp(name.data, names[k], name.size) == 0,
			    "%u: %.*s", i, (int)name.size, name.data);
		}
	}
}

Test(cosign, a_text_that_is_too_long_is_not_cosigned)
{
	char text[HF_COSIGN_MESSAGE_MAX + 1], line[HF_NOTE_MAX];
	char note[HF_NOTE_MAX + 1];
	uint8_t message[HF_COSIGN_MESSAGE_MAX];
	struct hf_note_signature s = {.payload_size = 72};
	struct hf_key key = {{0}};
	uint64_t seconds;
	size_t size;

	cr_assert(hf_crypto_init() == HF_OK);
	memset(text, 'x', sizeof(text));
	memcpy(text + sizeof(text) - 2, "\n", 2);
	cr_expect_eq(hf_cosign_message(message, 1, text_bytes(text)), 0);
	s.name = text_bytes("holdfast/US/witness");
	hf_note_key_id_of(
	    s.key_id, "holdfast/US/witness", HF_NOTE_COSIGNATURE, &key);
	size = hf_note_signature_write(line, sizeof(line), &s);
	cr_assert_gt(size, 0);
	cr_expect_eq(hf_cosign_verify(note_of(note, text, line),
			 "holdfast/US/witness", &key, &seconds),
	    HF_CHECKPOINT);
	/* nor is a line written where there is no room for it */
	for (size_t room = 1; room <= size; room++)
		cr_expect_eq(hf_note_signature_write(line, room, &s), 0);
	cr_expect_eq(hf_note_signature_write(line, size + 1, &s), size);
}

/* The proof of the vectors with one thing changed. */
Test(cosign, a_fork_that_is_told_otherwise_is_none)
{
	json_t *root = load();
	const json_t *row = json_array_get(vectors_get(root, "forks"), 0);
	const char *origin = vectors_text(row, "origin");
	size_t size = 0, at = 1 + 1 + 1 + strlen(origin) + 1 + 2;
	uint8_t *proof = vectors_bytes(json_object_get(row, "proof"), &size);
	static uint8_t big[HF_FORK_MAX + 1];
	uint64_t entries;
	struct hf_key key;

	vectors_copy(row, "key", key.b, sizeof(key.b));
	cr_assert_eq(hf_fork_check(proof, size, origin, &key, &entries), HF_OK);
	cr_expect_eq(hf_fork_check(big, sizeof(big), origin, &key, &entries),
	    HF_TOO_BIG);
	cr_expect_eq(
	    hf_fork_check(proof, size, "holdfast/JP/11", &key, &entries),
	    HF_CHECKPOINT, "another name");
	cr_expect_eq(
	    hf_fork_check(proof, size, "holdfast/JP/2", &key, &entries),
	    HF_CHECKPOINT, "another log");
	proof[1 + 1 + 1 + strlen(origin)] = 4;
	cr_expect_eq(
	    hf_fork_check(proof, size, origin, &key, &entries), HF_RANGE);
	proof[1 + 1 + 1 + strlen(origin)] = 2;
	memset(proof + at, 'x', 8);
	for (size_t i = at; i < at + 200; i++)
		if (proof[i] == '\n')
			proof[i] = 'x';
	cr_expect_eq(hf_fork_check(proof, size, origin, &key, &entries),
	    HF_CHECKPOINT, "no note");
	free(proof);
	json_decref(root);
}
