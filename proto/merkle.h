/*
 * merkle: RFC 6962 trees: roots, inclusion and consistency proofs.
 *
 * Pure.  Stored nodes are reached through a callback that returns the hash
 * of the complete subtree at (level, index): the leaves
 * [index << level, (index + 1) << level).  So the store may keep tiles or
 * single nodes as it likes.
 */
#ifndef HF_PROTO_MERKLE_H
#define HF_PROTO_MERKLE_H

#include "proto/types.h"

struct hf_hash hf_merkle_leaf(const void *data, size_t size);
struct hf_hash hf_merkle_node(const struct hf_hash *l, const struct hf_hash *r);
/** Root over leaf hashes held in memory (small trees). */
struct hf_hash hf_merkle_root(const struct hf_hash *leaves, size_t count);

struct hf_nodes {
	/** Fill *out; HF_NOTFOUND if that node is not stored. */
	enum hf_err (*get)(
	    void *ctx, unsigned level, uint64_t index, struct hf_hash *out);
	void *ctx;
};

/** Root of the tree of the first `size` leaves.
 * Errors: HF_RANGE (size above 2^48), of get */
HF_MUST_USE enum hf_err hf_merkle_tree_root(
    const struct hf_nodes *n, uint64_t size, struct hf_hash *root);
/** Inclusion path of leaf `index` in the tree of `size` leaves, leaf upwards.
 * Errors: HF_RANGE (no such leaf, size above 2^48), of get */
HF_MUST_USE enum hf_err hf_merkle_path(const struct hf_nodes *n, uint64_t index,
    uint64_t size, struct hf_hash path[HF_TREE_DEPTH_MAX], unsigned *count);
/** The last path that was read with it, for the next one: neighbours in one
 * tree share all but a few siblings.  Begins as zeros. */
struct hf_path_memo {
	uint64_t index, size; /* 0: nothing yet */
	struct hf_hash sibling[HF_TREE_DEPTH_MAX];
};
/** hf_merkle_path; `memo` is of the same `n`. */
HF_MUST_USE enum hf_err hf_merkle_path_near(const struct hf_nodes *n,
    struct hf_path_memo *memo, uint64_t index, uint64_t size,
    struct hf_hash path[HF_TREE_DEPTH_MAX], unsigned *count);
/** The root that a path leads to.  Errors: HF_PROOF (not of that shape) */
HF_MUST_USE enum hf_err hf_merkle_path_root(const struct hf_hash *leaf_hash,
    uint64_t index, uint64_t size, const struct hf_hash *path, unsigned count,
    struct hf_hash *root);
/** RFC 9162, 2.1.3.2.  The path shows index and shape, not the size as such:
 * take size and root from one signed head.  Errors: HF_PROOF */
HF_MUST_USE enum hf_err hf_merkle_verify_path(const struct hf_hash *leaf_hash,
    uint64_t index, uint64_t size, const struct hf_hash *path, unsigned count,
    const struct hf_hash *root);
/** The way that the last path took to a root, by the siblings still to come:
 * a neighbour's path joins it after a step or two.  Of one tree; begins as
 * zeros. */
struct hf_path_trail {
	unsigned most; /* steps known: left[1] to left[most] */
	struct {
		uint64_t index, last; /* of the node and of the last, there */
		struct hf_hash node, sibling;
	} left[HF_TREE_DEPTH_MAX + 1];
};
/** hf_merkle_verify_path; every sibling is compared, but what the trail has
 * hashed already is not hashed again.  `trail` is of this size and root. */
HF_MUST_USE enum hf_err hf_merkle_verify_near(struct hf_path_trail *trail,
    const struct hf_hash *leaf_hash, uint64_t index, uint64_t size,
    const struct hf_hash *path, unsigned count, const struct hf_hash *root);
/** That the tree of `old_size` leaves begins the one of `new_size`; empty when
 * old_size is 0 or new_size.  Errors: HF_RANGE (shrinking, above 2^48), of get
 */
HF_MUST_USE enum hf_err hf_merkle_consistency(const struct hf_nodes *n,
    uint64_t old_size, uint64_t new_size,
    struct hf_hash path[2 * HF_TREE_DEPTH_MAX], unsigned *count);
/** RFC 9162, 2.1.4.2.  Errors: HF_PROOF */
HF_MUST_USE enum hf_err hf_merkle_verify_consistency(uint64_t old_size,
    const struct hf_hash *old_root, uint64_t new_size,
    const struct hf_hash *new_root, const struct hf_hash *path, unsigned count);

/**
 * Appending: the frontier is the roots of the complete subtrees of the tree
 * so far, largest first.  hf_frontier_add calls `put` for every node that
 * becomes complete (the leaf itself first, level 0); `put` may be NULL.
 * Errors: HF_TOO_BIG at 2^48 leaves, of put; the frontier is then unchanged.
 */
struct hf_frontier {
	uint64_t size;
	struct hf_hash node[HF_TREE_DEPTH_MAX];
};
HF_MUST_USE enum hf_err hf_frontier_add(struct hf_frontier *f,
    const struct hf_hash *leaf_hash,
    enum hf_err (*put)(
	void *ctx, unsigned level, uint64_t index, const struct hf_hash *node),
    void *ctx);
struct hf_hash hf_frontier_root(const struct hf_frontier *f);

#endif
