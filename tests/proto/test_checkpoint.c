/* Key ids, notes and checkpoints: what is refused is mostly in the vectors. */
#include "proto/crypto.h"
#include "proto/ledger.h"
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

Test(checkpoint, key_ids_and_notes_are_those_that_others_know)
{
	json_t *root = vectors_load("checkpoints.json");
	const json_t *row;
	struct hf_key key;
	uint8_t id[4], want[4];
	size_t i;

	cr_assert(hf_crypto_init() == HF_OK);
	json_array_foreach (vectors_get(root, "key_ids"), i, row) {
		vectors_copy(row, "key", key.b, sizeof(key.b));
		vectors_copy(row, "id", want, sizeof(want));
		hf_note_key_id(id, vectors_text(row, "name"), &key);
		cr_expect(same(id, want, 4), "%s", vectors_text(row, "name"));
	}
	cr_assert_eq(i, 3);
	json_array_foreach (vectors_get(root, "notes"), i, row) {
		const char *s = vectors_text(row, "note");
		const char *text = vectors_text(row, "text");
		struct hf_bytes note = {(const uint8_t *)s, strlen(s)}, got;

		vectors_copy(row, "key", key.b, sizeof(key.b));
		cr_assert(hf_note_open(note, vectors_text(row, "name"), &key,
			      &got) == HF_OK);
		cr_assert(
		    got.size == strlen(text) && same(got.data, text, got.size));
	}
	cr_assert_eq(i, 1);
	json_decref(root);
}

Test(checkpoint, vectors_are_judged_as_they_say)
{
	json_t *root = vectors_load("checkpoints.json");
	const json_t *row;
	size_t i;

	cr_assert(hf_crypto_init() == HF_OK);
	json_array_foreach (vectors_get(root, "checkpoints"), i, row) {
		const char *name = vectors_text(row, "name");
		const json_t *hex = json_object_get(row, "note_hex");
		const char *text = hex ? NULL : vectors_text(row, "note");
		size_t note_size = hex ? 0 : strlen(text);
		uint8_t *note = hex ? vectors_bytes(hex, &note_size)
				    : (uint8_t *)strdup(text);
		bool ok = vectors_bool(row, "ok");
		struct hf_hash got = {0}, want = {0};
		struct hf_key key;
		uint64_t size = 4711;

		vectors_copy(row, "key", key.b, sizeof(key.b));
		cr_expect_eq(
		    hf_checkpoint_verify((struct hf_bytes){note, note_size},
			vectors_text(row, "origin"), &key, &size, &got),
		    ok ? HF_OK : HF_CHECKPOINT, "%s", name);
		if (ok)
			vectors_copy(row, "root", want.b, sizeof(want.b));
		cr_expect_eq(
		    size, ok ? vectors_uint(row, "size") : 4711, "%s", name);
		cr_expect(same(&got, &want, sizeof(got)), "%s", name);
		free(note);
	}
	cr_assert_geq(i, 70);
	json_decref(root);
}

/* A note of two signatures has freedom (the other's), one alone has none. */
Test(checkpoint, every_bit_and_every_length_of_a_note_counts)
{
	struct signer s = signer_of(1);
	struct hf_hash root = hf_merkle_leaf("root", 4), got;
	char buf[HF_NOTE_MAX];
	size_t note_size = head_write(buf, &s, 1234567, &root);
	struct hf_bytes note = {(const uint8_t *)buf, note_size};
	uint64_t size;

	cr_assert(hf_checkpoint_verify(
		      note, HEAD_ORIGIN, &s.key, &size, &got) == HF_OK);
	cr_assert(size == 1234567 && same(&got, &root, sizeof(got)));
	for (size_t bit = 0; bit < note_size * 8; bit++) {
		buf[bit / 8] = (char)(buf[bit / 8] ^ (1 << bit % 8));
		cr_assert(hf_checkpoint_verify(note, HEAD_ORIGIN, &s.key, &size,
			      &got) == HF_CHECKPOINT,
		    "bit %zu", bit);
		buf[bit / 8] = (char)(buf[bit / 8] ^ (1 << bit % 8));
	}
	for (note.size = 0; note.size < note_size; note.size++)
		cr_assert(hf_checkpoint_verify(note, HEAD_ORIGIN, &s.key, &size,
			      &got) == HF_CHECKPOINT,
		    "%zu bytes", note.size);
}

Test(checkpoint, what_does_not_fit_is_said)
{
	struct signer s = signer_of(1);
	struct hf_hash root = hf_merkle_leaf("root", 4);
	char text[256], buf[HF_NOTE_MAX + 200], long_text[HF_NOTE_MAX];
	struct hf_sig sig = {{0}};
	size_t length, size, note_size = head_write(buf, &s, 70, &root);

	length = hf_checkpoint_text(text, sizeof(text), HEAD_ORIGIN, 70, &root);
	for (size_t capacity = 1; capacity <= length; capacity++)
		cr_assert_eq(
		    hf_checkpoint_text(buf, capacity, HEAD_ORIGIN, 70, &root),
		    0);
	cr_assert_eq(
	    hf_checkpoint_text(buf, length + 1, HEAD_ORIGIN, 70, &root),
	    length);
	for (size_t capacity = 0; capacity <= note_size; capacity++)
		cr_assert(hf_checkpoint_note(buf, capacity, &size, text,
			      HEAD_ORIGIN, &s.key, &sig) == HF_TOO_BIG);
	cr_assert(hf_checkpoint_note(buf, note_size + 1, &size, text,
		      HEAD_ORIGIN, &s.key, &sig) == HF_OK);
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	cr_assert(hf_checkpoint_note(buf, sizeof(buf), &size, text, long_text,
		      &s.key, &sig) == HF_TOO_BIG);
	strcpy(long_text + sizeof(long_text) - 100, "\n");
	cr_assert(hf_checkpoint_note(buf, sizeof(buf), &size, long_text,
		      HEAD_ORIGIN, &s.key, &sig) == HF_TOO_BIG);
}

/* A note names the log in its first line; nothing else is looked at. */
Test(checkpoint, an_origin_is_read_off_a_note)
{
	static const struct {
		const char *note, *country;
		uint32_t epoch;
	} rows[] = {{"holdfast/JP/1\n", "JP", 1},
	    {"holdfast/XK/4294967295\nmore", "XK", UINT32_MAX},
	    {"holdfast/JP/4294967296\n", NULL, 0}, {"", NULL, 0},
	    {"holdfast/JP/1", NULL, 0}, {"holdfast/JP\n", NULL, 0},
	    {"holdfist/JP/1\n", NULL, 0}, {"holdfast/jP/1\n", NULL, 0},
	    {"holdfast/J1/1\n", NULL, 0}, {"holdfast/JPN1\n", NULL, 0},
	    {"holdfast/JP/x\n", NULL, 0}, {"holdfast/JP/\n", NULL, 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hf_bytes note = {
		    (const uint8_t *)rows[i].note, strlen(rows[i].note)};
		struct hf_country c = {"ZZ"};
		uint32_t epoch = 7;

		cr_expect_eq(hf_note_origin(note, &c, &epoch),
		    rows[i].country ? HF_OK : HF_CHECKPOINT, "%zu", i);
		cr_expect_str_eq(
		    c.s, rows[i].country ? rows[i].country : "ZZ", "%zu", i);
		cr_expect_eq(epoch, rows[i].country ? rows[i].epoch : 7);
	}
}

/* Signed all the same: what a note must hold. */
Test(checkpoint, a_signed_text_of_another_form_is_no_head)
{
	static const struct {
		const char *text;
		enum hf_err err;
	} rows[] = {{HEAD_ORIGIN "\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
				 "AAA=\n",
			HF_OK},
	    {HEAD_ORIGIN "\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
			 "more\n",
		HF_OK},
	    {HEAD_ORIGIN "\n", HF_CHECKPOINT},
	    {HEAD_ORIGIN "\n1\n", HF_CHECKPOINT},
	    {HEAD_ORIGIN "\n1\nAAAA\n", HF_CHECKPOINT},
	    {HEAD_ORIGIN "\n-1\nAAAA\n", HF_CHECKPOINT},
	    {"holdfast/JP/2\n1\nAAAA\n", HF_CHECKPOINT}};
	struct signer s = signer_of(1);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char note[HF_NOTE_MAX + 1];
		struct hf_hash root;
		struct hf_sig sig;
		uint64_t n;
		size_t size;

		crypto_sign_detached(sig.b, NULL, (const uint8_t *)rows[i].text,
		    strlen(rows[i].text), s.secret);
		cr_assert_eq(hf_checkpoint_note(note, sizeof(note), &size,
				 rows[i].text, HEAD_ORIGIN, &s.key, &sig),
		    HF_OK);
		cr_expect_eq(hf_checkpoint_verify(
				 (struct hf_bytes){(const uint8_t *)note, size},
				 HEAD_ORIGIN, &s.key, &n, &root),
		    rows[i].err, "%zu", i);
	}
}

Test(checkpoint, origins_name_country_and_epoch)
{
	char out[HF_ORIGIN_MAX];

	hf_origin(out, (struct hf_country){"JP"}, 1);
	cr_assert_str_eq(out, "holdfast/JP/1");
	hf_origin(out, (struct hf_country){"XK"}, UINT32_MAX);
	cr_assert_str_eq(out, "holdfast/XK/4294967295");
}

Test(checkpoint, key_names_have_no_space_and_no_plus)
{
	static const struct {
		const char *name;
		bool ok;
	} rows[] = {{"a", true}, {"holdfast/JP/1", true},
	    {"z\xc3\xbcrich", true}, {"a\xe2\x80\x94", true}, {"", false},
	    {"a b", false}, {"a+b", false}, {"a\tb", false}, {"a\nb", false},
	    {"a\xc2\xa0", false}, {"\xc2\x85", false}, {"a\xe2\x80\x83", false},
	    {"\xe1\x9a\x80x", false}, {"\xe3\x80\x80", false}, {"\xff", false},
	    {"\xc2", false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(
		    hf_note_name_ok(rows[i].name, strlen(rows[i].name)),
		    rows[i].ok, "row %zu: \"%s\"", i, rows[i].name);
}
