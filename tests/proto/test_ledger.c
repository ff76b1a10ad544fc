/* Ledger leaves and the payloads of statements. */
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static bool same(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size) == 0;
}

static void read_leaf(struct hf_ledger_leaf *l, const json_t *row)
{
	*l = (struct hf_ledger_leaf){
	    .type = (unsigned)vectors_uint(row, "type"),
	    .epoch = (uint32_t)vectors_uint(row, "epoch"),
	    .entered = {vectors_uint(row, "entered")},
	    .bound_ms = (uint32_t)vectors_uint(row, "bound"),
	};
	vectors_copy(row, "id", l->id.b, sizeof(l->id.b));
	vectors_copy(row, "core", l->core.b, sizeof(l->core.b));
	vectors_copy(row, "envelope", l->envelope.b, sizeof(l->envelope.b));
	vectors_copy(row, "sigs", l->sigs.b, sizeof(l->sigs.b));
}

static bool leaf_same(
    const struct hf_ledger_leaf *a, const struct hf_ledger_leaf *b)
{
	return a->type == b->type && a->epoch == b->epoch &&
	       a->entered.ms == b->entered.ms && a->bound_ms == b->bound_ms &&
	       same(&a->id, &b->id, 32) && same(&a->core, &b->core, 32) &&
	       same(&a->envelope, &b->envelope, 32) &&
	       same(&a->sigs, &b->sigs, 32);
}

/* What decodes at all must be written back to the very same bytes. */
static void leaf_is_canonical(const uint8_t *bytes, size_t size)
{
	uint8_t out[HF_LEDGER_LEAF_MAX];
	struct hf_ledger_leaf l;
	size_t out_size;

	if (hf_ledger_leaf_decode(&l, bytes, size) != HF_OK)
		return;
	cr_assert(
	    hf_ledger_leaf_encode(&l, out, sizeof(out), &out_size) == HF_OK);
	cr_assert(out_size == size && same(out, bytes, size));
}

Test(ledger, leaves_of_the_vectors_are_read_and_written)
{
	json_t *root = vectors_load("receipts.json");
	const json_t *row;
	size_t i;

	cr_assert(hf_crypto_init() == HF_OK);
	json_array_foreach (vectors_get(root, "leaves"), i, row) {
		const char *name = vectors_text(row, "name");
		uint64_t error = vectors_uint(row, "error");
		struct hf_ledger_leaf want, got;
		uint8_t out[HF_LEDGER_LEAF_MAX], *bytes;
		size_t size, out_size;

		bytes = vectors_bytes(vectors_get(row, "bytes"), &size);
		cr_expect_eq(hf_ledger_leaf_decode(&got, bytes, size), error,
		    "%s", name);
		if (error == 0) {
			read_leaf(&want, row);
			cr_expect(leaf_same(&got, &want), "%s", name);
			cr_assert(hf_ledger_leaf_encode(&want, out, sizeof(out),
				      &out_size) == HF_OK);
			cr_expect(out_size == size && same(out, bytes, size),
			    "%s", name);
			cr_assert(hf_ledger_leaf_encode(&want, out, size - 1,
				      &out_size) == HF_TOO_BIG);
			for (size_t s = 0; s < size; s++)
				cr_assert(hf_ledger_leaf_decode(
					      &got, bytes, s) != HF_OK);
			for (size_t bit = 0; bit < size * 8; bit++) {
				bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
				leaf_is_canonical(bytes, size);
				bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			}
		}
		free(bytes);
	}
	cr_assert_geq(i, 8);
	json_decref(root);
}

Test(ledger, every_type_has_a_name_and_its_own_rules)
{
	for (unsigned type = 0; type < 300; type++) {
		bool act = type >= HF_ENTRY_OWN && type <= HF_ENTRY_RECALLED;
		bool statement = type >= 10 && type <= HF_ENTRY_LAST;
		struct hf_ledger_leaf l = {.type = type, .sigs = {{1}}}, back;
		struct hf_statement s = {.type = type};
		uint8_t out[HF_PAYLOAD_MAX];
		size_t size;

		cr_expect_eq(
		    hf_entry_type_name(type) != NULL, act || statement);
		cr_expect_eq(hf_ledger_leaf_encode(&l, out, sizeof(out), &size),
		    act ? HF_OK : HF_RANGE, "type %u", type);
		l.sigs.b[0] = 0;
		cr_expect_eq(hf_ledger_leaf_encode(&l, out, sizeof(out), &size),
		    act || statement ? HF_OK : HF_RANGE, "type %u", type);
		if (act || statement)
			cr_expect(
			    hf_ledger_leaf_decode(&back, out, size) == HF_OK &&
			    leaf_same(&back, &l));
		cr_expect_eq(hf_statement_encode(&s, out, sizeof(out), &size),
		    statement ? HF_OK : HF_RANGE, "type %u", type);
	}
}

static void read_statement(
    struct hf_statement *s, const json_t *row, uint8_t **detail)
{
	const char *text = vectors_text(row, "text");

	*s = (struct hf_statement){
	    .type = (unsigned)vectors_uint(row, "type"),
	    .text = {(const uint8_t *)text, strlen(text)},
	    .code = vectors_uint(row, "code"),
	    .count = vectors_uint(row, "count"),
	    .time = {vectors_uint(row, "time")},
	};
	vectors_copy(row, "subject", s->subject.b, sizeof(s->subject.b));
	vectors_copy(row, "key", s->key.b, sizeof(s->key.b));
	*detail = vectors_bytes(vectors_get(row, "detail"), &s->detail.size);
	s->detail.data = *detail;
}

static bool bytes_same(struct hf_bytes a, struct hf_bytes b)
{
	return a.size == b.size &&
	       (a.size == 0 || same(a.data, b.data, a.size));
}

static bool statement_same(
    const struct hf_statement *a, const struct hf_statement *b)
{
	return a->type == b->type && same(&a->subject, &b->subject, 32) &&
	       bytes_same(a->text, b->text) && a->code == b->code &&
	       a->count == b->count && same(&a->key, &b->key, 32) &&
	       a->time.ms == b->time.ms && bytes_same(a->detail, b->detail);
}

static void statement_is_canonical(const uint8_t *bytes, size_t size)
{
	uint8_t out[HF_PAYLOAD_MAX];
	struct hf_statement s;
	size_t out_size;

	if (hf_statement_decode(&s, bytes, size) != HF_OK)
		return;
	cr_assert(
	    hf_statement_encode(&s, out, sizeof(out), &out_size) == HF_OK);
	cr_assert(out_size == size && same(out, bytes, size));
}

Test(ledger, statements_of_the_vectors_are_read_and_written)
{
	json_t *root = vectors_load("receipts.json");
	const json_t *row;
	size_t i;

	cr_assert(hf_crypto_init() == HF_OK);
	json_array_foreach (vectors_get(root, "statements"), i, row) {
		const char *name = vectors_text(row, "name");
		uint64_t error = vectors_uint(row, "error");
		struct hf_statement want, got = {.type = 99};
		struct hf_hash digest, want_digest;
		uint8_t out[HF_PAYLOAD_MAX], *bytes, *detail;
		size_t size, out_size;

		bytes = vectors_bytes(vectors_get(row, "bytes"), &size);
		cr_expect_eq(
		    hf_statement_decode(&got, bytes, size), error, "%s", name);
		if (error != 0) {
			cr_expect_eq(got.type, 99, "%s", name);
			free(bytes);
			continue;
		}
		read_statement(&want, row, &detail);
		cr_expect(statement_same(&got, &want), "%s", name);
		cr_assert(hf_statement_encode(
			      &want, out, sizeof(out), &out_size) == HF_OK);
		cr_expect(
		    out_size == size && same(out, bytes, size), "%s", name);
		cr_assert(hf_statement_encode(
			      &want, out, size - 1, &out_size) == HF_TOO_BIG);
		digest = hf_hash(HF_TAG_STATEMENT, bytes, size);
		vectors_copy(row, "digest", want_digest.b, 32);
		cr_expect(same(&digest, &want_digest, 32), "%s", name);
		for (size_t s = 0; s < size; s++)
			cr_assert(hf_statement_decode(&got, bytes, s) != HF_OK);
		for (size_t bit = 0; bit < size * 8; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			statement_is_canonical(bytes, size);
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		free(detail);
		free(bytes);
	}
	cr_assert_geq(i, 12);
	json_decref(root);
}

Test(ledger, a_statement_that_would_not_decode_is_not_written)
{
	static const uint8_t big[HF_PAYLOAD_MAX];
	struct hf_statement s = {.type = HF_ENTRY_START};
	uint8_t out[2 * HF_PAYLOAD_MAX];
	size_t size;

	s.text = (struct hf_bytes){(const uint8_t *)"\xff", 1};
	cr_assert(hf_statement_encode(&s, out, sizeof(out), &size) == HF_UTF8);
	s.text.size = 0;
	s.detail = (struct hf_bytes){big, sizeof(big)};
	cr_assert(
	    hf_statement_encode(&s, out, sizeof(out), &size) == HF_TOO_BIG);
	s.detail.size = sizeof(big) - 7; /* map, type, key, head of three */
	cr_assert(hf_statement_encode(&s, out, sizeof(out), &size) == HF_OK);
	cr_assert_eq(size, HF_PAYLOAD_MAX);
	cr_assert(hf_statement_decode(&s, out, size) == HF_OK);
	s.time.ms = HF_TIME_LIMIT;
	cr_assert(hf_statement_encode(&s, out, sizeof(out), &size) == HF_RANGE);
}

Test(ledger, a_leaf_beyond_the_end_of_time_is_neither_written_nor_read)
{
	struct hf_ledger_leaf leaf = {.type = HF_ENTRY_OWN,
				  .entered = {HF_TIME_LIMIT - 1}},
			      back;
	uint8_t out[HF_LEDGER_LEAF_MAX + 1] = {0};
	size_t size;

	cr_expect_eq(
	    hf_ledger_leaf_encode(&leaf, out, sizeof(out), &size), HF_OK);
	cr_expect_eq(hf_ledger_leaf_decode(&back, out, size), HF_OK);
	leaf.entered.ms++;
	cr_expect_eq(
	    hf_ledger_leaf_encode(&leaf, out, sizeof(out), &size), HF_RANGE);
	cr_expect_eq(
	    hf_ledger_leaf_decode(&back, out, sizeof(out)), HF_TOO_BIG);
}

Test(ledger, an_entry_is_an_act_or_a_statement)
{
	cr_expect_not(hf_entry_is_act(0));
	cr_expect(hf_entry_is_act(HF_ENTRY_OWN));
	cr_expect(hf_entry_is_act(HF_ENTRY_RECALLED));
	cr_expect_not(hf_entry_is_act(HF_ENTRY_LAST));
	cr_expect_not(hf_entry_came(HF_ENTRY_OWN));
	cr_expect(hf_entry_came(HF_ENTRY_FOREIGN));
	cr_expect(hf_entry_came(HF_ENTRY_RECALLED));
}
