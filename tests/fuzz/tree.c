#include "tests/fuzz/tree.h"

#include "proto/ledger.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define ORIGIN "holdfast/US/1"

static struct hf_hash leaf(uint64_t i)
{
	uint8_t byte = (uint8_t)i;

	return hf_merkle_leaf(&byte, 1);
}

/* The tree over leaves from..to, as RFC 6962 2.1 defines it. */
static struct hf_hash over(uint64_t from, uint64_t to)
{
	struct hf_hash left, right;
	uint64_t k = 1;

	if (to - from == 1)
		return leaf(from);
	while (2 * k < to - from)
		k *= 2;
	left = over(from, from + k);
	right = over(from + k, to);
	return hf_merkle_node(&left, &right);
}

struct hf_hash tree_root(uint64_t size)
{
	MUST(size > 0 && size <= TREE_MAX, "a tree that is not kept");
	return over(0, size);
}

static enum hf_err node(
    void *ctx, unsigned level, uint64_t index, struct hf_hash *out)
{
	(void)ctx;
	*out = over(index << level, (index + 1) << level);
	return HF_OK;
}

struct secret *tree_secret(void)
{
	static const uint8_t seed[HF_SEED_SIZE] = {7};
	struct secret *s = secret_import(SECRET_REGISTRAR, seed, sizeof(seed));

	MUST(s != NULL, "secret_import");
	return s;
}

static void put_path(struct pack *p, uint64_t old, uint64_t size)
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	struct hf_nodes nodes = {node, NULL};
	unsigned count = 0;

	if (old > 0 && old < size)
		MUST(hf_merkle_consistency(&nodes, old, size, path, &count) ==
			 HF_OK,
		    "hf_merkle_consistency");
	pack_bin(
	    p, count == 0 ? (const void *)"" : path, count * sizeof(*path));
}

size_t tree_sign_record(uint8_t *out, uint64_t old, uint64_t size)
{
	struct hf_hash root = tree_root(size);
	struct pack p;
	size_t n = 0;

	pack_init(&p, out, HF_FRAME_MAX);
	pack_array(&p, 4);
	pack_uint(&p, size);
	pack_bin(&p, root.b, sizeof(root.b));
	pack_uint(&p, old);
	put_path(&p, old, size);
	MUST(pack_finish(&p, &n) == HF_OK, "a record too large");
	return n;
}

size_t tree_cosign_record(uint8_t *out, uint64_t old, uint64_t size)
{
	char text[HF_NOTE_MAX], note[HF_NOTE_MAX];
	struct hf_hash root = tree_root(size);
	struct secret *s = tree_secret();
	struct hf_key key = secret_sign_key(s);
	size_t n = hf_checkpoint_text(text, sizeof(text), ORIGIN, size, &root);
	struct hf_sig sig = secret_sign(s, text, n);
	struct pack p;

	secret_free(s);
	MUST(hf_checkpoint_note(
		 note, sizeof(note), &n, text, ORIGIN, &key, &sig) == HF_OK,
	    "hf_checkpoint_note");
	pack_init(&p, out, HF_FRAME_MAX);
	pack_array(&p, 6);
	pack_text(&p, ORIGIN);
	pack_bin(&p, key.b, sizeof(key.b));
	pack_str(&p, note, n);
	pack_uint(&p, old);
	put_path(&p, old, size);
	pack_bool(&p, old > 0);
	MUST(pack_finish(&p, &n) == HF_OK, "a record too large");
	return n;
}
