/*
 * Leaves, their root, and what a disclosure may and may not hide.
 */
#include "proto/catalogue.h"
#include "proto/crypto.h"
#include "proto/leaf.h"
#include "tests/proto/act_rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static uint64_t chance_state;

static uint32_t chance(uint32_t below)
{
	chance_state =
	    chance_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(chance_state >> 33) % below;
}

static uint8_t values[HF_LEAF_MAX][64];

/* `count` leaves: session ids (a field that may repeat) of odd sizes. */
static void make_leaves(struct hf_leaves *l, unsigned count)
{
	memset(l, 0, sizeof(*l));
	l->count = count;
	for (unsigned i = 0; i < sizeof(l->seed); i++)
		l->seed[i] = (uint8_t)chance(256);
	for (unsigned i = 0; i < count; i++) {
		uint8_t bytes[48];
		struct pack p;
		size_t size = 1 + chance(sizeof(bytes) - 1);

		for (size_t k = 0; k < size; k++)
			bytes[k] = (uint8_t)chance(256);
		pack_init(&p, values[i], sizeof(values[i]));
		pack_bin(&p, bytes, size);
		l->leaf[i].field = HF_F_SESSION_ID;
		l->leaf[i].value = (struct hf_bytes){values[i], p.at};
	}
	hf_leaves_salt(l);
}

/* A core over these leaves, signed by signer 1. */
struct signed_core {
	uint8_t core[HF_CORE_MAX], sigs[HF_SIGS_MAX];
	size_t core_size, sigs_size;
};

static void sign_leaves(struct signed_core *s, const struct hf_leaves *l)
{
	static struct act_rig r;
	struct hf_act act;

	rig_request(&r);
	r.core.root = hf_leaves_root(l);
	rig_build(&r);
	cr_assert_eq(hf_act_decode(&act, r.frame, r.size), HF_OK);
	memcpy(s->core, act.core_bytes.data, act.core_bytes.size);
	memcpy(s->sigs, act.sigs_bytes.data, act.sigs_bytes.size);
	s->core_size = act.core_bytes.size;
	s->sigs_size = act.sigs_bytes.size;
}

static unsigned pick(uint8_t *index, unsigned count)
{
	unsigned n = 0;

	while (n == 0)
		for (unsigned i = n = 0; i < count; i++)
			if (chance(3) == 0)
				index[n++] = (uint8_t)i;
	return n;
}

Test(leaf, a_disclosure_verifies_and_no_tampered_one_does)
{
	static struct hf_leaves l;
	static struct hf_cite cite;
	static struct signed_core s;
	static uint8_t out[HF_CITE_MAX];

	cr_assert_eq(hf_crypto_init(), HF_OK);
	for (uint64_t seed = 1; seed <= 120; seed++) {
		uint8_t index[HF_LEAF_MAX];
		unsigned count, n;
		size_t size;

		chance_state = seed;
		count = 1 + chance(HF_LEAF_MAX);
		make_leaves(&l, count);
		sign_leaves(&s, &l);
		n = pick(index, count);
		cr_assert_eq(
		    hf_cite_encode(&l, (struct hf_bytes){s.core, s.core_size},
			(struct hf_bytes){s.sigs, s.sigs_size}, index, n, out,
			sizeof(out), &size),
		    HF_OK, "seed %llu", (unsigned long long)seed);
		cr_assert_eq(hf_cite_decode(&cite, out, size), HF_OK,
		    "seed %llu", (unsigned long long)seed);
		cr_assert_eq(cite.count, count);
		cr_assert_eq(cite.shown_count, n);
		for (unsigned i = 0; i < n; i++) {
			const struct hf_leaf *was = &l.leaf[index[i]];

			cr_assert_eq(cite.index[i], index[i]);
			cr_assert_eq(cite.shown[i].value.size, was->value.size);
			cr_assert_arr_eq(cite.shown[i].value.data,
			    was->value.data, was->value.size);
		}
		/* one bit anywhere: core, signature, count, index, salt,
		 * value, hidden hash */
		for (unsigned k = 0; k < 60; k++) {
			size_t at = chance((uint32_t)size);
			uint8_t bit = (uint8_t)(1u << chance(8));

			out[at] ^= bit;
			cr_expect_neq(hf_cite_decode(&cite, out, size), HF_OK,
			    "seed %llu byte %zu bit %u",
			    (unsigned long long)seed, at, bit);
			out[at] ^= bit;
		}
		cr_expect_neq(hf_cite_decode(&cite, out, size - 1), HF_OK);
	}
}

Test(leaf, a_disclosure_of_nothing_or_of_what_is_not_there_is_refused)
{
	static struct hf_leaves l;
	static struct signed_core s;
	static uint8_t out[HF_CITE_MAX];
	uint8_t twice[] = {1, 1}, far[] = {9}, one[] = {0};
	size_t size;

	cr_assert_eq(hf_crypto_init(), HF_OK);
	chance_state = 5;
	make_leaves(&l, 4);
	sign_leaves(&s, &l);
	struct hf_bytes core = {s.core, s.core_size};
	struct hf_bytes sigs = {s.sigs, s.sigs_size};

	cr_expect_eq(
	    hf_cite_encode(&l, core, sigs, one, 0, out, sizeof(out), &size),
	    HF_RANGE);
	cr_expect_eq(
	    hf_cite_encode(&l, core, sigs, twice, 2, out, sizeof(out), &size),
	    HF_RANGE);
	cr_expect_eq(
	    hf_cite_encode(&l, core, sigs, far, 1, out, sizeof(out), &size),
	    HF_RANGE);
	cr_expect_eq(hf_cite_encode(&l, core, sigs, one, 1, out, 100, &size),
	    HF_TOO_BIG);
	for (size_t i = 0; i < 200; i++) {
		static struct hf_cite cite;

		cr_expect_neq(hf_cite_decode(&cite, out, i), HF_OK);
	}
}

Test(leaf, lists_are_read_as_written_and_strictly)
{
	static struct hf_leaves l, back;
	static uint8_t out[HF_BODY_MAX];
	size_t size;

	cr_assert_eq(hf_crypto_init(), HF_OK);
	for (unsigned count = 0; count <= HF_LEAF_MAX; count++) {
		struct hf_hash a, b;

		chance_state = count + 100;
		make_leaves(&l, count);
		cr_assert_eq(
		    hf_leaves_encode(&l, out, sizeof(out), &size), HF_OK);
		cr_assert_eq(hf_leaves_decode(&back, out, size), HF_OK);
		a = hf_leaves_root(&l);
		b = hf_leaves_root(&back);
		cr_assert_arr_eq(a.b, b.b, sizeof(a.b));
		for (size_t k = 0; k < size; k += 7)
			cr_expect_neq(hf_leaves_decode(&back, out, k), HF_OK);
	}
	make_leaves(&l, 2);
	l.leaf[0].field = HF_F_SESSION_ID;
	l.leaf[1].field = HF_F_PATH; /* before it */
	cr_expect_eq(
	    hf_leaves_encode(&l, out, sizeof(out), &size), HF_KEY_ORDER);
	l.leaf[0].field = l.leaf[1].field = HF_F_TICKET; /* stands once */
	cr_expect_eq(
	    hf_leaves_encode(&l, out, sizeof(out), &size), HF_KEY_ORDER);
	l.leaf[1].field = 1000; /* unknown and critical */
	cr_expect_eq(
	    hf_leaves_encode(&l, out, sizeof(out), &size), HF_UNKNOWN_KEY);
	l.leaf[1].field = HF_FIELD_OPTIONAL; /* unknown, kept */
	cr_expect_eq(hf_leaves_encode(&l, out, sizeof(out), &size), HF_OK);
	l.leaf[1].field = HF_F_SOURCE_PORT; /* bytes are no number */
	l.leaf[0].field = HF_F_SOURCE_PORT;
	cr_expect_eq(hf_leaves_encode(&l, out, sizeof(out), &size), HF_TYPE);
	l.count = HF_LEAF_MAX + 1;
	cr_expect_eq(
	    hf_leaves_encode(&l, out, sizeof(out), &size), HF_TOO_MANY);
}

/* A salt shown tells nothing of another: they come from one seed, but by a
 * hash, and differ. */
Test(leaf, salts_differ_by_leaf_and_by_seed)
{
	static struct hf_leaves a, b;

	cr_assert_eq(hf_crypto_init(), HF_OK);
	chance_state = 1;
	make_leaves(&a, HF_LEAF_MAX);
	chance_state = 2;
	make_leaves(&b, HF_LEAF_MAX);
	for (unsigned i = 0; i < HF_LEAF_MAX; i++) {
		cr_expect_arr_neq(a.leaf[i].salt, b.leaf[i].salt, HF_SALT_SIZE);
		for (unsigned k = 0; k < i; k++)
			cr_expect_arr_neq(
			    a.leaf[i].salt, a.leaf[k].salt, HF_SALT_SIZE);
	}
}

Test(leaf, lists_that_would_not_be_read_are_not_written)
{
	static struct hf_leaves l;
	static struct signed_core s;
	static uint8_t out[HF_BODY_MAX], big[HF_LEAF_BYTES_MAX + 1];
	uint8_t one[] = {0};
	size_t size;

	cr_assert_eq(hf_crypto_init(), HF_OK);
	chance_state = 6;
	make_leaves(&l, 2);
	sign_leaves(&s, &l);
	/* a field that nobody knows may not stand twice */
	l.leaf[0].field = l.leaf[1].field = HF_FIELD_OPTIONAL + 3;
	cr_expect_eq(
	    hf_leaves_encode(&l, out, sizeof(out), &size), HF_KEY_ORDER);
	l.leaf[1].field++;
	cr_expect_eq(hf_leaves_encode(&l, out, sizeof(out), &size), HF_OK);
	l.leaf[0].value = (struct hf_bytes){big, sizeof(big)};
	cr_expect_eq(hf_leaves_encode(&l, out, sizeof(out), &size), HF_TOO_BIG);
	l.leaf[0].value.size += 64;
	cr_expect_eq(hf_cite_encode(&l, (struct hf_bytes){s.core, s.core_size},
			 (struct hf_bytes){s.sigs, s.sigs_size}, one, 1, out,
			 sizeof(out), &size),
	    HF_TOO_BIG);
}
