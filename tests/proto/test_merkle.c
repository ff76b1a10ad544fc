/*
 * Trees and proofs against three others: the published vectors, vectors
 * written by another program, and a naive recursive reading of RFC 6962 that
 * stands in this file.
 *
 * A size that is wrong but gives the path the same turns cannot be told from
 * the path alone (leaf 0 of 3 and leaf 0 of 4 are both "two times from the
 * left"); the signed head carries size and root together.  So a wrong size
 * must be judged here as the naive reading judges it, a wrong index must
 * always be refused.
 */
#include "proto/crypto.h"
#include "proto/merkle.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 70u    /* leaves of the exhaustive trees */
#define ALL_BITS 20u /* up to this size every bit of every hash is flipped */
#define LEVELS 7u

static bool same(const struct hf_hash *a, const struct hf_hash *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* ---- the naive reading ---- */

static size_t split(size_t n)
{
	size_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static struct hf_hash pair(struct hf_hash l, struct hf_hash r)
{
	uint8_t b[65] = {1};

	memcpy(b + 1, l.b, 32);
	memcpy(b + 33, r.b, 32);
	return hf_sha256_2(
	    (struct hf_bytes){b, 20}, (struct hf_bytes){b + 20, 45});
}

static struct hf_hash naive_root(const struct hf_hash *d, size_t n)
{
	if (n == 0)
		return hf_sha256_2((struct hf_bytes){0}, (struct hf_bytes){0});
	if (n == 1)
		return d[0];
	return pair(
	    naive_root(d, split(n)), naive_root(d + split(n), n - split(n)));
}

static unsigned naive_path(
    struct hf_hash *out, size_t m, const struct hf_hash *d, size_t n)
{
	size_t k = split(n);
	unsigned count;

	if (n == 1)
		return 0;
	if (m < k) {
		count = naive_path(out, m, d, k);
		out[count] = naive_root(d + k, n - k);
	} else {
		count = naive_path(out, m - k, d + k, n - k);
		out[count] = naive_root(d, k);
	}
	return count + 1;
}

static unsigned naive_proof(struct hf_hash *out, size_t m,
    const struct hf_hash *d, size_t n, bool whole)
{
	size_t k = split(n);
	unsigned count;

	if (m == n) {
		if (!whole)
			out[0] = naive_root(d, n);
		return whole ? 0 : 1;
	}
	if (m <= k) {
		count = naive_proof(out, m, d, k, whole);
		out[count] = naive_root(d + k, n - k);
	} else {
		count = naive_proof(out, m - k, d + k, n - k, false);
		out[count] = naive_root(d, k);
	}
	return count + 1;
}

/* Root that a path leads to; false if its length is not that of the place.
 * The path is eaten from its end, going down. */
static bool naive_climb(struct hf_hash *root, struct hf_hash leaf, size_t m,
    size_t n, const struct hf_hash *path, unsigned count)
{
	size_t k = split(n);

	if (n == 1) {
		*root = leaf;
		return count == 0;
	}
	if (count == 0)
		return false;
	if (m < k) {
		if (!naive_climb(root, leaf, m, k, path, count - 1))
			return false;
		*root = pair(*root, path[count - 1]);
	} else {
		if (!naive_climb(root, leaf, m - k, n - k, path, count - 1))
			return false;
		*root = pair(path[count - 1], *root);
	}
	return true;
}

static bool naive_grow(struct hf_hash *was, struct hf_hash *is, size_t m,
    size_t n, bool whole, const struct hf_hash *old_root,
    const struct hf_hash *path, unsigned count)
{
	size_t k = split(n);

	if (m == n) {
		if (count != (whole ? 0 : 1))
			return false;
		*was = *is = whole ? *old_root : path[0];
		return true;
	}
	if (count == 0)
		return false;
	if (m <= k) {
		if (!naive_grow(
			was, is, m, k, whole, old_root, path, count - 1))
			return false;
		*is = pair(*is, path[count - 1]);
	} else {
		if (!naive_grow(was, is, m - k, n - k, false, old_root, path,
			count - 1))
			return false;
		*was = pair(path[count - 1], *was);
		*is = pair(path[count - 1], *is);
	}
	return true;
}

/* ---- a store of nodes in memory, filled by the frontier ---- */

struct nodes {
	struct hf_hash at[LEVELS][COUNT + 2];
	bool have[LEVELS][COUNT + 2];
	unsigned puts;
	unsigned fail_after; /* puts that still succeed */
	unsigned get_fails;  /* the n-th get from now fails; 0 never */
};

static enum hf_err put(
    void *ctx, unsigned level, uint64_t index, const struct hf_hash *node)
{
	struct nodes *s = ctx;

	if (s->puts++ >= s->fail_after)
		return HF_FULL;
	cr_assert(level < LEVELS && index < COUNT + 2);
	cr_assert(
	    !s->have[level][index], "node %u/%u twice", level, (unsigned)index);
	s->at[level][index] = *node;
	s->have[level][index] = true;
	return HF_OK;
}

static enum hf_err get(
    void *ctx, unsigned level, uint64_t index, struct hf_hash *out)
{
	struct nodes *s = ctx;

	if (s->get_fails > 0 && --s->get_fails == 0)
		return HF_CORRUPT;
	if (level >= LEVELS || index >= COUNT + 2 || !s->have[level][index])
		return HF_NOTFOUND;
	*out = s->at[level][index];
	return HF_OK;
}

struct forest {
	struct hf_hash leaves[COUNT];
	struct hf_hash roots[COUNT + 1];
	struct nodes store;
	struct hf_frontier frontier;
};

static struct forest *grown(void)
{
	struct forest *f = calloc(1, sizeof(*f));

	cr_assert(f != NULL && hf_crypto_init() == HF_OK);
	f->store.fail_after = UINT32_MAX;
	f->roots[0] = naive_root(NULL, 0);
	for (unsigned i = 0; i < COUNT; i++) {
		uint8_t name[4] = {0, 0, 0, (uint8_t)i};

		f->leaves[i] = hf_merkle_leaf(name, sizeof(name));
		f->roots[i + 1] = naive_root(f->leaves, i + 1);
		cr_assert(hf_frontier_add(&f->frontier, &f->leaves[i], put,
			      &f->store) == HF_OK);
		struct hf_hash root = hf_frontier_root(&f->frontier);
		cr_assert(same(&root, &f->roots[i + 1]), "size %u", i + 1);
	}
	return f;
}

/* ---- tests ---- */

static void check_tree(const json_t *row)
{
	const json_t *data = vectors_get(row, "leaves");
	const json_t *roots = vectors_get(row, "roots");
	size_t count = json_array_size(data);
	struct hf_hash leaves[COUNT], want, got;
	struct hf_frontier f = {0};

	cr_assert(count <= COUNT && json_array_size(roots) == count + 1);
	for (size_t i = 0; i <= count; i++) {
		size_t size;
		uint8_t *b = vectors_bytes(json_array_get(roots, i), &size);

		cr_assert_eq(size, sizeof(want.b));
		memcpy(want.b, b, size);
		free(b);
		got = hf_merkle_root(leaves, i);
		cr_expect(same(&got, &want), "root of %zu leaves", i);
		got = hf_frontier_root(&f);
		cr_expect(same(&got, &want), "frontier of %zu leaves", i);
		if (i == count)
			break;
		b = vectors_bytes(json_array_get(data, i), &size);
		leaves[i] = hf_merkle_leaf(b, size);
		free(b);
		cr_assert(hf_frontier_add(&f, &leaves[i], NULL, NULL) == HF_OK);
	}
}

Test(merkle, roots_are_those_of_the_vectors)
{
	json_t *rows = vectors_load("trees.json");
	const json_t *row;
	size_t i;

	cr_assert(hf_crypto_init() == HF_OK);
	cr_assert_geq(json_array_size(rows), 2);
	json_array_foreach (rows, i, row)
		check_tree(row);
	json_decref(rows);
}

static unsigned read_path(const json_t *row, struct hf_hash *path)
{
	const json_t *hashes = vectors_get(row, "path");
	const json_t *hex;
	size_t i;

	cr_assert_leq(json_array_size(hashes), HF_TREE_DEPTH_MAX);
	json_array_foreach (hashes, i, hex) {
		size_t size;
		uint8_t *b = vectors_bytes(hex, &size);

		cr_assert_eq(size, sizeof(path[i].b));
		memcpy(path[i].b, b, size);
		free(b);
	}
	return (unsigned)json_array_size(hashes);
}

Test(merkle, proofs_of_the_vectors_are_judged_as_they_say)
{
	json_t *root = vectors_load("proofs.json");
	struct hf_hash path[HF_TREE_DEPTH_MAX], a, b;
	const json_t *row;
	size_t i;

	cr_assert(hf_crypto_init() == HF_OK);
	json_array_foreach (vectors_get(root, "inclusion"), i, row) {
		unsigned count = read_path(row, path);
		bool ok = vectors_bool(row, "ok");

		vectors_copy(row, "leaf_hash", a.b, sizeof(a.b));
		vectors_copy(row, "root", b.b, sizeof(b.b));
		cr_expect_eq(
		    hf_merkle_verify_path(&a, vectors_uint(row, "index"),
			vectors_uint(row, "size"), path, count, &b),
		    ok ? HF_OK : HF_PROOF, "inclusion %zu: %s", i,
		    vectors_text(row, "name"));
	}
	cr_assert_geq(i, 20);
	json_array_foreach (vectors_get(root, "consistency"), i, row) {
		unsigned count = read_path(row, path);
		bool ok = vectors_bool(row, "ok");

		vectors_copy(row, "old_root", a.b, sizeof(a.b));
		vectors_copy(row, "new_root", b.b, sizeof(b.b));
		cr_expect_eq(
		    hf_merkle_verify_consistency(vectors_uint(row, "old_size"),
			&a, vectors_uint(row, "new_size"), &b, path, count),
		    ok ? HF_OK : HF_PROOF, "consistency %zu: %s", i,
		    vectors_text(row, "name"));
	}
	cr_assert_geq(i, 20);
	json_decref(root);
}

Test(merkle, stored_trees_have_the_roots_of_the_naive_reading)
{
	struct forest *f = grown();
	struct hf_nodes n = {get, &f->store};

	for (unsigned size = 0; size <= COUNT; size++) {
		struct hf_hash root, small = hf_merkle_root(f->leaves, size);

		cr_assert(hf_merkle_tree_root(&n, size, &root) == HF_OK);
		cr_assert(same(&root, &f->roots[size]), "size %u", size);
		cr_assert(same(&small, &f->roots[size]), "size %u", size);
	}
	/* Every complete subtree was put, and once. */
	for (unsigned level = 0; level < LEVELS; level++)
		for (unsigned i = 0; i < COUNT + 2; i++)
			cr_assert_eq(f->store.have[level][i],
			    (i + 1) << level <= COUNT, "%u/%u", level, i);
	free(f);
}

/* Each hash changed in turn: in small trees by every single bit, in large
 * ones by one bit each. */
#define FOR_EACH_TAMPER(bit, size, count) \
	for ((bit) = 0; (bit) < (count)*256u; \
	     (bit) += (size) <= ALL_BITS ? 1 : 251)

static void flip(struct hf_hash *path, unsigned bit)
{
	path[bit / 256].b[bit % 256 / 8] ^= (uint8_t)(1u << bit % 8);
}

static void check_inclusion(struct forest *f, unsigned index, unsigned size)
{
	unsigned bit;
	struct hf_nodes n = {get, &f->store};
	struct hf_hash path[HF_TREE_DEPTH_MAX], want[LEVELS + 1], root;
	const struct hf_hash *leaf = &f->leaves[index];
	unsigned count, want_count;

	want_count = naive_path(want, index, f->leaves, size);
	cr_assert(hf_merkle_path(&n, index, size, path, &count) == HF_OK);
	cr_assert_eq(count, want_count, "leaf %u of %u", index, size);
	cr_assert(memcmp(path, want, count * sizeof(path[0])) == 0,
	    "leaf %u of %u", index, size);
#define VERIFY(i, s, c) \
	hf_merkle_verify_path(leaf, (i), (s), path, (c), &f->roots[size])
	cr_assert(VERIFY(index, size, count) == HF_OK);

	FOR_EACH_TAMPER(bit, size, count)
	{
		flip(path, bit);
		cr_assert(VERIFY(index, size, count) == HF_PROOF,
		    "leaf %u of %u, bit %u", index, size, bit);
		flip(path, bit);
	}
	path[count] = f->leaves[0];
	cr_assert(VERIFY(index, size, count + 1) == HF_PROOF);
	cr_assert(count == 0 || VERIFY(index, size, count - 1) == HF_PROOF);
	for (unsigned i = 0; i <= COUNT + 2; i++)
		cr_assert(i == index || VERIFY(i, size, count) == HF_PROOF,
		    "leaf %u of %u as %u", index, size, i);
	for (unsigned s = 0; s <= 2 * COUNT; s++) {
		bool ok = index < s &&
			  naive_climb(&root, *leaf, index, s, path, count) &&
			  same(&root, &f->roots[size]);

		cr_assert_eq(VERIFY(index, s, count), ok ? HF_OK : HF_PROOF,
		    "leaf %u of %u in %u", index, size, s);
	}
	leaf = &f->leaves[(index + 1) % COUNT];
	cr_assert(VERIFY(index, size, count) == HF_PROOF);
#undef VERIFY
}

Test(merkle, every_path_verifies_and_nothing_near_it)
{
	struct forest *f = grown();

	for (unsigned size = 1; size <= COUNT; size++)
		for (unsigned index = 0; index < size; index++)
			check_inclusion(f, index, size);
	free(f);
}

/* Whatever path was read before. */
Test(merkle, a_path_near_another_is_the_same_path)
{
	struct forest *f = grown();
	struct hf_nodes n = {get, &f->store};
	struct hf_path_memo memo = {.size = 0};
	struct hf_hash path[HF_TREE_DEPTH_MAX], want[HF_TREE_DEPTH_MAX];
	unsigned count, want_count, step = 0;

	for (unsigned size = 1; size <= COUNT; size++)
		for (unsigned i = 0; i < 3 * size; i++, step += 1 + i % 7) {
			unsigned index = i < size ? i : step % size;
			unsigned of = i % 5 == 4 ? index + 1 : size;

			cr_assert(hf_merkle_path(&n, index, of, want,
				      &want_count) == HF_OK);
			cr_assert(hf_merkle_path_near(&n, &memo, index, of,
				      path, &count) == HF_OK);
			cr_assert_eq(count, want_count, "%u of %u", index, of);
			cr_assert(
			    memcmp(path, want, count * sizeof(*path)) == 0,
			    "%u of %u", index, of);
		}
	cr_assert(hf_merkle_path_near(&n, &memo, COUNT, COUNT, path, &count) ==
		  HF_RANGE);
	free(f);
}

/* The same verdict, whatever the trail has seen: true paths of neighbours and
 * of others, each of them also with a bit changed, cut, made longer, under
 * another index or another leaf. */
static void check_near(struct forest *f, struct hf_path_trail *trail,
    unsigned index, unsigned size, unsigned how)
{
	struct hf_nodes n = {get, &f->store};
	struct hf_hash path[HF_TREE_DEPTH_MAX + 1];
	const struct hf_hash *leaf = &f->leaves[index], *root = &f->roots[size];
	unsigned count, named = index;
	enum hf_err err = hf_merkle_path(&n, index, size, path, &count);

	cr_assert(err == HF_OK);
	if (how % 8 < 4 && count > 0) /* nearest the root or the leaf, too */
		flip(path, how % 8 < 2 ? how * 37 % (count * 256)
				       : (how % 8 == 2 ? 0 : count * 256 - 1));
	else if (how % 8 == 4)
		leaf = &f->leaves[(index + 1) % COUNT];
	else if (how % 8 == 5)
		named = (index + 1) % size;
	else if (how % 8 == 6)
		path[count++] = f->leaves[how % COUNT];
	else if (how % 8 == 7 && count > 0)
		count--;
	err = hf_merkle_verify_path(leaf, named, size, path, count, root);
	for (unsigned again = 0; again < 2; again++)
		cr_assert_eq(hf_merkle_verify_near(
				 trail, leaf, named, size, path, count, root),
		    err, "leaf %u of %u, %u", index, size, how);
}

Test(merkle, a_path_on_a_trail_gets_the_same_verdict)
{
	struct forest *f = grown();
	unsigned step = 0;

	for (unsigned size = 1; size <= COUNT; size++) {
		struct hf_path_trail trail = {.most = 0};
		struct hf_nodes n = {get, &f->store};
		struct hf_hash path[HF_TREE_DEPTH_MAX];
		unsigned count;

		for (unsigned i = 0; i < 8 * size; i++, step++) {
			unsigned index = i < size ? i : step * 7 % size;

			cr_assert(hf_merkle_path(
				      &n, index, size, path, &count) == HF_OK);
			cr_assert(hf_merkle_verify_near(&trail,
				      &f->leaves[index], index, size, path,
				      count, &f->roots[size]) == HF_OK,
			    "leaf %u of %u", index, size);
			if (i % 3 != 0)
				check_near(f, &trail,
				    i % 2 == 0 ? index : (index + 1) % size,
				    size, step);
		}
	}
	free(f);
}

static void check_consistency(struct forest *f, unsigned m, unsigned n)
{
	unsigned bit;
	struct hf_nodes nodes = {get, &f->store};
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX], want[LEVELS + 2], was, is;
	const struct hf_hash *old_root = &f->roots[m], *new_root = &f->roots[n];
	unsigned count, want_count;

	want_count = naive_proof(want, m, f->leaves, n, true);
	cr_assert(hf_merkle_consistency(&nodes, m, n, path, &count) == HF_OK);
	cr_assert_eq(count, want_count, "%u to %u", m, n);
	cr_assert(
	    memcmp(path, want, count * sizeof(path[0])) == 0, "%u to %u", m, n);
#define VERIFY(a, b, c) \
	hf_merkle_verify_consistency((a), old_root, (b), new_root, path, (c))
	cr_assert(VERIFY(m, n, count) == HF_OK, "%u to %u", m, n);

	FOR_EACH_TAMPER(bit, n, count)
	{
		flip(path, bit);
		cr_assert(VERIFY(m, n, count) == HF_PROOF, "%u to %u, bit %u",
		    m, n, bit);
		flip(path, bit);
	}
	path[count] = f->leaves[0];
	cr_assert(VERIFY(m, n, count + 1) == HF_PROOF);
	cr_assert(count == 0 || VERIFY(m, n, count - 1) == HF_PROOF);
	for (unsigned a = 1; a <= COUNT; a++) {
		bool ok =
		    a <= n &&
		    naive_grow(&was, &is, a, n, true, old_root, path, count) &&
		    same(&was, old_root) && same(&is, new_root);

		cr_assert_eq(VERIFY(a, n, count), ok ? HF_OK : HF_PROOF,
		    "%u to %u as %u", m, n, a);
	}
	for (unsigned b = 0; b <= 2 * COUNT; b++) {
		bool ok =
		    m <= b &&
		    naive_grow(&was, &is, m, b, true, old_root, path, count) &&
		    same(&was, old_root) && same(&is, new_root);

		cr_assert_eq(VERIFY(m, b, count), ok ? HF_OK : HF_PROOF,
		    "%u to %u as to %u", m, n, b);
	}
	old_root = &f->roots[m - 1];
	cr_assert(VERIFY(m, n, count) == HF_PROOF);
	old_root = &f->roots[m];
	new_root = &f->roots[n - 1];
	cr_assert(VERIFY(m, n, count) == HF_PROOF);
#undef VERIFY
}

Test(merkle, every_pair_of_sizes_is_consistent_and_nothing_near_it)
{
	struct forest *f = grown();

	for (unsigned n = 1; n <= COUNT; n++)
		for (unsigned m = 1; m <= n; m++)
			check_consistency(f, m, n);
	free(f);
}

Test(merkle, a_place_outside_the_tree_is_refused)
{
	struct forest *f = grown();
	struct hf_nodes n = {get, &f->store};
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX], root;
	uint64_t deep = UINT64_C(1) << HF_TREE_DEPTH_MAX;
	unsigned count;

	cr_assert(hf_merkle_path(&n, 5, 5, path, &count) == HF_RANGE);
	cr_assert(hf_merkle_path(&n, 0, 0, path, &count) == HF_RANGE);
	cr_assert(hf_merkle_path(&n, 0, deep + 1, path, &count) == HF_RANGE);
	cr_assert(hf_merkle_tree_root(&n, deep + 1, &root) == HF_RANGE);
	cr_assert(hf_merkle_consistency(&n, 6, 5, path, &count) == HF_RANGE);
	cr_assert(
	    hf_merkle_consistency(&n, 6, deep + 1, path, &count) == HF_RANGE);
	cr_assert(hf_merkle_consistency(&n, 0, 5, path, &count) == HF_OK);
	cr_assert_eq(count, 0);
	cr_assert(hf_merkle_verify_path(&root, UINT64_MAX, UINT64_MAX, path, 0,
		      &root) == HF_PROOF);
	cr_assert(hf_merkle_verify_path(
		      &root, 0, UINT64_MAX, path, 40, &root) == HF_PROOF);
	/* A true path, but in a tree that may not be so large. */
	root = hf_merkle_node(&f->roots[3], &f->leaves[0]);
	cr_assert(hf_merkle_verify_path(&f->leaves[0], deep, deep + 1,
		      &f->roots[3], 1, &root) == HF_PROOF);
	cr_assert(hf_merkle_verify_consistency(
		      3, &f->roots[3], 5, &f->roots[5], NULL, 0) == HF_PROOF);
	cr_assert(hf_merkle_verify_path(
		      &f->leaves[0], 0, 2, NULL, 0, &f->roots[2]) == HF_PROOF);
	cr_assert(hf_merkle_verify_consistency(UINT64_MAX, &root, UINT64_MAX,
		      &root, path, 0) == HF_PROOF);
	free(f);
}

/* Each get fails in turn: the error comes through, whatever was asked. */
Test(merkle, errors_of_the_store_come_through)
{
	struct forest *f = grown();
	struct hf_nodes n = {get, &f->store};
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX], root;
	unsigned count, calls[3] = {0};
	enum hf_err err;

	for (unsigned what = 0; what < 3; what++) {
		do {
			f->store.get_fails = ++calls[what];
			if (what == 0)
				err = hf_merkle_tree_root(&n, 63, &root);
			else if (what == 1)
				err = hf_merkle_path(&n, 20, 63, path, &count);
			else
				err = hf_merkle_consistency(
				    &n, 21, 63, path, &count);
			cr_assert(err == HF_OK || err == HF_CORRUPT);
		} while (err != HF_OK);
		cr_assert_gt(calls[what], 5, "case %u", what);
		f->store.get_fails = 0;
	}
	cr_assert(hf_merkle_tree_root(&n, COUNT + 8, &root) == HF_NOTFOUND);
	free(f);
}

Test(merkle, a_failed_put_leaves_the_frontier_as_it_was)
{
	struct forest *f = grown();

	for (unsigned size = 0; size < COUNT; size++) {
		struct hf_frontier fr = {0}, before;
		unsigned puts = (unsigned)__builtin_ctz(size + 1) + 1;

		for (unsigned i = 0; i < size; i++)
			cr_assert(hf_frontier_add(
				      &fr, &f->leaves[i], NULL, NULL) == HF_OK);
		before = fr;
		for (unsigned ok = 0; ok < puts; ok++) {
			struct nodes s = {.fail_after = ok};

			cr_assert(hf_frontier_add(&fr, &f->leaves[size], put,
				      &s) == HF_FULL);
			cr_assert_eq(s.puts, ok + 1);
			cr_assert(memcmp(&fr, &before, sizeof(fr)) == 0);
		}
	}
	free(f);
}

/* A tree of equal leaves: the node at a level is the same everywhere, so
 * trees of any size cost nothing. */
static enum hf_err equal_get(
    void *ctx, unsigned level, uint64_t index, struct hf_hash *out)
{
	const struct hf_hash *levels = ctx;

	(void)index;
	*out = levels[level];
	return HF_OK;
}

Test(merkle, trees_up_to_the_depth_limit_work)
{
	static const uint64_t sizes[] = {(UINT64_C(1) << 48),
	    (UINT64_C(1) << 48) - 1, (UINT64_C(1) << 47) + 1,
	    (UINT64_C(1) << 47) - 1, UINT64_C(0x5a5a5a5a5a5a), 1u << 20};
	struct hf_hash levels[HF_TREE_DEPTH_MAX + 1];
	struct hf_nodes n = {equal_get, levels};
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX], roots[6];
	struct hf_frontier f = {.size = UINT64_C(1) << 48};
	unsigned count;

	cr_assert(hf_crypto_init() == HF_OK);
	levels[0] = hf_merkle_leaf("x", 1);
	for (unsigned i = 1; i <= HF_TREE_DEPTH_MAX; i++)
		levels[i] = hf_merkle_node(&levels[i - 1], &levels[i - 1]);
	for (size_t i = 0; i < 6; i++) {
		uint64_t s = sizes[i], at[] = {0, 1, s / 3, s - 2, s - 1};

		cr_assert(hf_merkle_tree_root(&n, s, &roots[i]) == HF_OK);
		for (size_t k = 0; k < 5; k++) {
			cr_assert(hf_merkle_path(&n, at[k], s, path, &count) ==
				  HF_OK);
			cr_assert_leq(count, HF_TREE_DEPTH_MAX);
			cr_assert(hf_merkle_verify_path(&levels[0], at[k], s,
				      path, count, &roots[i]) == HF_OK);
		}
		for (size_t k = 0; k <= i; k++) {
			uint64_t old =
			    sizes[i] < sizes[k] ? sizes[i] : sizes[k];
			uint64_t new =
			    sizes[i] < sizes[k] ? sizes[k] : sizes[i];
			size_t a = old == sizes[i] ? i : k;
			size_t b = old == sizes[i] ? k : i;

			cr_assert(hf_merkle_consistency(
				      &n, old, new, path, &count) == HF_OK);
			cr_assert_leq(count, HF_TREE_DEPTH_MAX + 1);
			cr_assert(hf_merkle_verify_consistency(old, &roots[a],
				      new, &roots[b], path, count) == HF_OK);
		}
	}
	cr_assert(hf_frontier_add(&f, &levels[0], NULL, NULL) == HF_TOO_BIG);

	/* The largest frontier: all 48 places taken, then folded to one. */
	f.size = (UINT64_C(1) << 48) - 1;
	for (unsigned i = 0; i < HF_TREE_DEPTH_MAX; i++)
		f.node[i] = levels[HF_TREE_DEPTH_MAX - 1 - i];
	roots[2] = hf_frontier_root(&f);
	cr_assert(same(&roots[2], &roots[1]));
	cr_assert(hf_frontier_add(&f, &levels[0], NULL, NULL) == HF_OK);
	roots[2] = hf_frontier_root(&f);
	cr_assert(same(&roots[2], &roots[0]));
}

static enum hf_err get_none(
    void *ctx, unsigned level, uint64_t index, struct hf_hash *out)
{
	(void)ctx;
	(void)level;
	(void)index;
	(void)out;
	return HF_NOTFOUND;
}

Test(merkle, a_path_near_another_is_refused_where_a_path_is)
{
	struct hf_nodes none = {get_none, NULL};
	struct hf_path_memo memo = {0};
	struct hf_hash path[HF_TREE_DEPTH_MAX];
	uint64_t limit = UINT64_C(1) << 48;
	unsigned count;

	cr_expect_eq(
	    hf_merkle_path_near(&none, &memo, 0, limit + 1, path, &count),
	    HF_RANGE);
	cr_expect_eq(
	    hf_merkle_path_near(&none, &memo, 5, 5, path, &count), HF_RANGE);
	cr_expect_eq(
	    hf_merkle_path_near(&none, &memo, 4, 6, path, &count), HF_NOTFOUND);
	cr_expect_eq(memo.size, 0, "nothing is remembered of it");
	cr_expect_eq(
	    hf_merkle_path_near(&none, &memo, 0, 1, path, &count), HF_OK);
	cr_expect_eq(count, 0);
}
