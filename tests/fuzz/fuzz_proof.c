/*
 * Inclusion and consistency against the definitions of RFC 6962, 2.1.1 and
 * 2.1.2, which recurse where proto/merkle.c counts bits.
 * Input: a byte (0 inclusion, else consistency), two numbers of 8 bytes, big
 * endian, two hashes, the path.
 */
#include "proto/merkle.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static uint64_t split(uint64_t n)
{
	uint64_t k = 1;

	while (k < n - k)
		k *= 2;
	return k;
}

/* Root over leaf m of n by the path, whose last hash is the topmost. */
static bool included(uint64_t m, uint64_t n, const struct hf_hash *path,
    unsigned count, struct hf_hash *h)
{
	uint64_t k;

	if (n == 1)
		return count == 0;
	if (count == 0)
		return false;
	k = split(n);
	if (m < k) {
		if (!included(m, k, path, count - 1, h))
			return false;
		*h = hf_merkle_node(h, &path[count - 1]);
	} else {
		if (!included(m - k, n - k, path, count - 1, h))
			return false;
		*h = hf_merkle_node(&path[count - 1], h);
	}
	return true;
}

/* Old and new root by SUBPROOF(m, D[n], whole); `a` is the old root. */
static bool consistent(uint64_t m, uint64_t n, bool whole,
    const struct hf_hash *path, unsigned count, struct hf_hash *a,
    struct hf_hash *b)
{
	uint64_t k;

	if (m == n) {
		if (count != (whole ? 0 : 1))
			return false;
		if (!whole)
			*a = path[0];
		*b = *a;
		return true;
	}
	if (count == 0)
		return false;
	k = split(n);
	if (m <= k) {
		if (!consistent(m, k, whole, path, count - 1, a, b))
			return false;
		*b = hf_merkle_node(b, &path[count - 1]);
		return true;
	}
	if (!consistent(m - k, n - k, false, path, count - 1, a, b))
		return false;
	*a = hf_merkle_node(&path[count - 1], a);
	*b = hf_merkle_node(&path[count - 1], b);
	return true;
}

struct input {
	uint8_t kind, numbers[16];
	struct hf_hash hash[2], path[2 * HF_TREE_DEPTH_MAX];
	unsigned count;
	uint64_t m, n;
};

static void one_leaf(const struct input *in)
{
	struct hf_hash root, mine = in->hash[0];
	bool ok = in->n > 0 && in->m < in->n &&
		  in->n <= UINT64_C(1) << HF_TREE_DEPTH_MAX &&
		  included(in->m, in->n, in->path, in->count, &mine);
	enum hf_err err = hf_merkle_path_root(
	    &in->hash[0], in->m, in->n, in->path, in->count, &root);

	MUST((err == HF_OK) == ok, "inclusion: another shape");
	MUST(!ok || memcmp(&root, &mine, sizeof(root)) == 0,
	    "inclusion: another root");
	err = hf_merkle_verify_path(
	    &in->hash[0], in->m, in->n, in->path, in->count, &in->hash[1]);
	MUST((err == HF_OK) ==
		 (ok && memcmp(&mine, &in->hash[1], sizeof(mine)) == 0),
	    "inclusion: another verdict");
	if (ok)
		MUST(hf_merkle_verify_path(&in->hash[0], in->m, in->n, in->path,
			 in->count, &mine) == HF_OK,
		    "inclusion: the right root refused");
}

static void two_trees(const struct input *in)
{
	struct hf_hash a = in->hash[0], b = in->hash[0];
	bool ok = in->m > 0 && in->m < in->n &&
		  in->n <= UINT64_C(1) << HF_TREE_DEPTH_MAX &&
		  consistent(in->m, in->n, true, in->path, in->count, &a, &b);
	enum hf_err err;

	if (in->m == 0 || in->m >= in->n)
		return; /* no recursion to compare with */
	/* with the roots that it leads to, if the old one can be met */
	ok = ok && memcmp(&a, &in->hash[0], sizeof(a)) == 0;
	err = hf_merkle_verify_consistency(
	    in->m, &in->hash[0], in->n, &b, in->path, in->count);
	MUST((err == HF_OK) == ok, "consistency: another verdict");
	if (!ok)
		return;
	b.b[0] ^= 1;
	MUST(hf_merkle_verify_consistency(in->m, &in->hash[0], in->n, &b,
		 in->path, in->count) == HF_PROOF,
	    "consistency: a wrong root taken");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input in;

	fuzz_init();
	memset(&in, 0, sizeof(in));
	fuzz_take(&data, &size, &in.kind, 1);
	fuzz_take(&data, &size, in.numbers, sizeof(in.numbers));
	for (unsigned i = 0; i < 8; i++) {
		in.m = in.m << 8 | in.numbers[i];
		in.n = in.n << 8 | in.numbers[8 + i];
	}
	fuzz_take(&data, &size, in.hash, sizeof(in.hash));
	while (size >= HF_HASH_SIZE && in.count < 2 * HF_TREE_DEPTH_MAX)
		fuzz_take(&data, &size, &in.path[in.count++], HF_HASH_SIZE);
	if (in.kind == 0)
		one_leaf(&in);
	else
		two_trees(&in);
	return 0;
}
