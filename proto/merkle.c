/*
 * RFC 6962 trees without recursion.
 *
 * A tree of n leaves is a left-to-right row of complete subtrees, one for
 * each bit set in n, largest first; everything that is stored is complete.
 * So the root of any range that begins at a multiple of its first subtree is
 * folded from right to left, and a path is climbed from the leaf upwards:
 * at level l the node is index >> l, its sibling the same with the last bit
 * turned.  A sibling that begins past the end does not exist: the node is
 * then promoted unchanged, which is what the RFC's split at the largest power
 * of two comes to.
 *
 * A consistency proof from m to n is, seen from below, the path of the last
 * complete subtree of the old tree, preceded by that subtree's own hash
 * unless it is the whole old tree (its root is then known).  The verifiers
 * are those of RFC 9162, 2.1.3.2 and 2.1.4.2, with its names fn, sn, fr, sr.
 */
#include "proto/merkle.h"

#include "proto/crypto.h"

#include <assert.h>
#include <string.h>

#define SIZE_LIMIT (UINT64_C(1) << HF_TREE_DEPTH_MAX)

static bool same(const struct hf_hash *a, const struct hf_hash *b)
{
	return hf_equal(a->b, b->b, sizeof(a->b));
}

static struct hf_hash empty_root(void)
{
	return hf_sha256_2((struct hf_bytes){0}, (struct hf_bytes){0});
}

struct hf_hash hf_merkle_leaf(const void *data, size_t size)
{
	static const uint8_t zero = 0x00;

	return hf_sha256_2(
	    (struct hf_bytes){&zero, 1}, (struct hf_bytes){data, size});
}

struct hf_hash hf_merkle_node(const struct hf_hash *l, const struct hf_hash *r)
{
	uint8_t bytes[1 + 2 * HF_HASH_SIZE] = {0x01};

	memcpy(bytes + 1, l->b, HF_HASH_SIZE);
	memcpy(bytes + 1 + HF_HASH_SIZE, r->b, HF_HASH_SIZE);
	return hf_sha256_2(
	    (struct hf_bytes){bytes, sizeof(bytes)}, (struct hf_bytes){0});
}

struct hf_hash hf_merkle_root(const struct hf_hash *leaves, size_t count)
{
	struct hf_frontier f = {0};

	for (size_t i = 0; i < count; i++) {
		enum hf_err err = hf_frontier_add(&f, &leaves[i], NULL, NULL);

		assert(err == HF_OK);
		(void)err;
	}
	return hf_frontier_root(&f);
}

/*
 * Root of the leaves [begin, end), where begin is a multiple of the largest
 * power of two that is not above end - begin.
 */
static enum hf_err range_root(const struct hf_nodes *n, uint64_t begin,
    uint64_t end, struct hf_hash *root)
{
	struct hf_hash sum, left;
	bool first = true;

	assert(begin < end);
	for (unsigned level = 0; begin < end; level++) {
		uint64_t width = UINT64_C(1) << level;
		enum hf_err err;

		if (((end - begin) & width) == 0)
			continue;
		end -= width;
		err = n->get(n->ctx, level, end >> level, &left);
		if (err != HF_OK)
			return err;
		sum = first ? left : hf_merkle_node(&left, &sum);
		first = false;
	}
	*root = sum;
	return HF_OK;
}

enum hf_err hf_merkle_tree_root(
    const struct hf_nodes *n, uint64_t size, struct hf_hash *root)
{
	if (size > SIZE_LIMIT)
		return HF_RANGE;
	if (size == 0) {
		*root = empty_root();
		return HF_OK;
	}
	return range_root(n, 0, size, root);
}

static bool has_sibling(unsigned level, uint64_t index, uint64_t size)
{
	return (index ^ 1) << level < size;
}

static enum hf_err sibling(const struct hf_nodes *n, unsigned level,
    uint64_t index, uint64_t size, struct hf_hash *out)
{
	uint64_t begin = (index ^ 1) << level;
	uint64_t width = UINT64_C(1) << level;

	if (width > size - begin)
		width = size - begin;
	return range_root(n, begin, begin + width, out);
}

/*
 * The siblings from the node (level, index) up to the root of the tree of
 * `size` leaves, added to path at *count.
 */
static enum hf_err climb(const struct hf_nodes *n, unsigned level,
    uint64_t index, uint64_t size, struct hf_hash *path, unsigned *count)
{
	for (; ((size - 1) >> level) > 0; level++, index >>= 1) {
		enum hf_err err;

		if (!has_sibling(level, index, size))
			continue;
		err = sibling(n, level, index, size, &path[*count]);
		if (err != HF_OK)
			return err;
		(*count)++;
	}
	return HF_OK;
}

enum hf_err hf_merkle_path(const struct hf_nodes *n, uint64_t index,
    uint64_t size, struct hf_hash path[HF_TREE_DEPTH_MAX], unsigned *count)
{
	*count = 0;
	if (size > SIZE_LIMIT || index >= size)
		return HF_RANGE;
	return climb(n, 0, index, size, path, count);
}

enum hf_err hf_merkle_path_near(const struct hf_nodes *n,
    struct hf_path_memo *memo, uint64_t index, uint64_t size,
    struct hf_hash path[HF_TREE_DEPTH_MAX], unsigned *count)
{
	bool known = memo->size == size;

	*count = 0;
	if (size > SIZE_LIMIT || index >= size)
		return HF_RANGE;
	memo->size = 0; /* until it is whole again */
	for (unsigned l = 0; ((size - 1) >> l) > 0; l++) {
		uint64_t at = index >> l;
		enum hf_err err;

		if (!has_sibling(l, at, size))
			continue;
		if (!known || memo->index >> l != at) {
			err = sibling(n, l, at, size, &memo->sibling[l]);
			if (err != HF_OK)
				return err;
		}
		path[(*count)++] = memo->sibling[l];
	}
	memo->index = index;
	memo->size = size;
	return HF_OK;
}

/* RFC 9162, 2.1.3.2: fn, sn and r on the way to the root. */
struct ascent {
	uint64_t fn, sn;
	struct hf_hash r;
};

static bool ascend(struct ascent *a, const struct hf_hash *sibling)
{
	if (a->sn == 0)
		return false;
	if ((a->fn & 1) != 0 || a->fn == a->sn) {
		a->r = hf_merkle_node(sibling, &a->r);
		while ((a->fn & 1) == 0) {
			a->fn >>= 1;
			a->sn >>= 1;
		}
	} else {
		a->r = hf_merkle_node(&a->r, sibling);
	}
	a->fn >>= 1;
	a->sn >>= 1;
	return true;
}

enum hf_err hf_merkle_path_root(const struct hf_hash *leaf_hash, uint64_t index,
    uint64_t size, const struct hf_hash *path, unsigned count,
    struct hf_hash *root)
{
	struct ascent a = {index, size - 1, *leaf_hash};

	if (size > SIZE_LIMIT || index >= size)
		return HF_PROOF;
	for (unsigned i = 0; i < count; i++)
		if (!ascend(&a, &path[i]))
			return HF_PROOF;
	if (a.sn != 0)
		return HF_PROOF;
	*root = a.r;
	return HF_OK;
}

enum hf_err hf_merkle_verify_path(const struct hf_hash *leaf_hash,
    uint64_t index, uint64_t size, const struct hf_hash *path, unsigned count,
    const struct hf_hash *root)
{
	struct hf_hash r;
	enum hf_err err =
	    hf_merkle_path_root(leaf_hash, index, size, path, count, &r);

	return err == HF_OK && same(&r, root) ? HF_OK : HF_PROOF;
}

/* From here on the trail has been, with these siblings to come. */
static bool joins(const struct hf_path_trail *t, const struct ascent *a,
    const struct hf_hash *path, unsigned left)
{
	if (left > t->most || t->left[left].index != a->fn ||
	    t->left[left].last != a->sn || !same(&t->left[left].node, &a->r))
		return false;
	for (; left > 0; left--)
		if (!same(&t->left[left].sibling, path++))
			return false;
	return true;
}

enum hf_err hf_merkle_verify_near(struct hf_path_trail *trail,
    const struct hf_hash *leaf_hash, uint64_t index, uint64_t size,
    const struct hf_hash *path, unsigned count, const struct hf_hash *root)
{
	struct ascent a = {index, size - 1, *leaf_hash};
	unsigned left;

	if (size > SIZE_LIMIT || index >= size || count > HF_TREE_DEPTH_MAX)
		return HF_PROOF;
	for (left = count; left > 0; left--, path++) {
		if (joins(trail, &a, path, left)) {
			trail->most = count;
			return HF_OK;
		}
		trail->left[left].index = a.fn;
		trail->left[left].last = a.sn;
		trail->left[left].node = a.r;
		trail->left[left].sibling = *path;
		if (!ascend(&a, path))
			break;
	}
	/* what was written is known only if it led to the root */
	trail->most = 0;
	if (left > 0 || a.sn != 0 || !same(&a.r, root))
		return HF_PROOF;
	trail->most = count;
	return HF_OK;
}

enum hf_err hf_merkle_consistency(const struct hf_nodes *n, uint64_t old_size,
    uint64_t new_size, struct hf_hash path[2 * HF_TREE_DEPTH_MAX],
    unsigned *count)
{
	unsigned level = 0;
	uint64_t index;
	enum hf_err err;

	*count = 0;
	if (new_size > SIZE_LIMIT || old_size > new_size)
		return HF_RANGE;
	if (old_size == 0 || old_size == new_size)
		return HF_OK;
	while (((old_size >> level) & 1) == 0)
		level++;
	index = (old_size >> level) - 1;
	if (index > 0) {
		err = n->get(n->ctx, level, index, &path[0]);
		if (err != HF_OK)
			return err;
		*count = 1;
	}
	return climb(n, level, index, new_size, path, count);
}

/* RFC 9162, 2.1.4.2, for 0 < old_size < new_size. */
static enum hf_err verify_growth(uint64_t old_size,
    const struct hf_hash *old_root, uint64_t new_size,
    const struct hf_hash *new_root, const struct hf_hash *path, unsigned count)
{
	uint64_t fn = old_size - 1, sn = new_size - 1;
	bool whole = (old_size & (old_size - 1)) == 0;
	struct hf_hash fr, sr;

	if (count == 0)
		return HF_PROOF;
	while ((fn & 1) != 0) {
		fn >>= 1;
		sn >>= 1;
	}
	fr = sr = whole ? *old_root : path[0];
	for (unsigned i = whole ? 0 : 1; i < count; i++) {
		if (sn == 0)
			return HF_PROOF;
		if ((fn & 1) != 0 || fn == sn) {
			fr = hf_merkle_node(&path[i], &fr);
			sr = hf_merkle_node(&path[i], &sr);
			assert(fn != 0); /* odd, or as large as sn */
			while ((fn & 1) == 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			sr = hf_merkle_node(&sr, &path[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && same(&fr, old_root) && same(&sr, new_root) ? HF_OK
								     : HF_PROOF;
}

enum hf_err hf_merkle_verify_consistency(uint64_t old_size,
    const struct hf_hash *old_root, uint64_t new_size,
    const struct hf_hash *new_root, const struct hf_hash *path, unsigned count)
{
	struct hf_hash none;

	if (new_size > SIZE_LIMIT || old_size > new_size)
		return HF_PROOF;
	if (old_size > 0 && old_size < new_size)
		return verify_growth(
		    old_size, old_root, new_size, new_root, path, count);
	if (count > 0)
		return HF_PROOF;
	if (old_size == new_size && !same(old_root, new_root))
		return HF_PROOF;
	none = empty_root();
	return old_size > 0 || same(old_root, &none) ? HF_OK : HF_PROOF;
}

enum hf_err hf_frontier_add(struct hf_frontier *f,
    const struct hf_hash *leaf_hash,
    enum hf_err (*put)(
	void *ctx, unsigned level, uint64_t index, const struct hf_hash *node),
    void *ctx)
{
	struct hf_hash h = *leaf_hash;
	unsigned level = 0;
	unsigned at;

	if (f->size >= SIZE_LIMIT)
		return HF_TOO_BIG;
	at = (unsigned)__builtin_popcountll(f->size);
	for (;;) {
		if (put != NULL) {
			enum hf_err err = put(ctx, level, f->size >> level, &h);

			if (err != HF_OK)
				return err;
		}
		if (((f->size >> level) & 1) == 0)
			break;
		h = hf_merkle_node(&f->node[--at], &h);
		level++;
	}
	f->node[at] = h;
	f->size++;
	return HF_OK;
}

struct hf_hash hf_frontier_root(const struct hf_frontier *f)
{
	unsigned at = (unsigned)__builtin_popcountll(f->size);
	struct hf_hash root;

	if (at == 0)
		return empty_root();
	root = f->node[--at];
	while (at > 0)
		root = hf_merkle_node(&f->node[--at], &root);
	return root;
}
