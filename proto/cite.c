/*
 * cite: some leaves of a signed act shown, the others withheld but counted
 * (SPEC 3.8).
 *
 * Writer and reader walk the same tree in the same order.  A range without
 * shown leaves costs one hash, so four leaves of twenty cost about six.  The
 * walk keeps its own small stack: 64 leaves are 6 levels deep.
 */
#include "proto/catalogue.h"
#include "proto/crypto.h"
#include "proto/leaf_internal.h"
#include "proto/merkle.h"

#include <assert.h>
#include <string.h>

#define WALK_DEPTH 8

static unsigned split(unsigned n)
{
	unsigned k = 1;

	while (2 * k < n)
		k *= 2;
	return k;
}

static bool any_shown(const bool *shown, unsigned begin, unsigned end)
{
	for (unsigned i = begin; i < end; i++)
		if (shown[i])
			return true;
	return false;
}

/* Hidden hashes, left to right. */
static void hide(const struct hf_hash *all, const bool *shown, unsigned count,
    uint8_t *out, size_t *size)
{
	struct {
		unsigned begin, end;
	} stack[WALK_DEPTH * 2];
	unsigned top = 0;

	assert(count > 0);
	*size = 0;
	stack[0].begin = 0;
	stack[top++].end = count;
	while (top > 0) {
		unsigned begin = stack[--top].begin, end = stack[top].end;
		unsigned middle;

		if (!any_shown(shown, begin, end)) {
			struct hf_hash h =
			    hf_merkle_root(all + begin, end - begin);

			memcpy(out + *size, h.b, sizeof(h.b));
			*size += sizeof(h.b);
			continue;
		}
		if (end - begin == 1)
			continue;
		middle = begin + split(end - begin);
		stack[top].begin = middle;
		stack[top++].end = end;
		stack[top].begin = begin;
		stack[top++].end = middle;
	}
}

enum hf_err hf_cite_encode(const struct hf_leaves *l, struct hf_bytes core,
    struct hf_bytes sigs, const uint8_t *index, unsigned n, uint8_t *out,
    size_t capacity, size_t *size)
{
	struct hf_hash all[HF_LEAF_MAX];
	uint8_t hidden[HF_LEAF_MAX * HF_HASH_SIZE];
	bool shown[HF_LEAF_MAX] = {false};
	size_t hidden_size;
	struct pack p;

	if (n == 0)
		return HF_RANGE;
	for (unsigned i = 0; i < n; i++) {
		if (index[i] >= l->count || (i > 0 && index[i] <= index[i - 1]))
			return HF_RANGE;
		shown[index[i]] = true;
	}
	for (unsigned i = 0; i < l->count; i++)
		all[i] = leaf_hash(&l->leaf[i]);
	hide(all, shown, l->count, hidden, &hidden_size);
	pack_init(&p, out, capacity);
	pack_map(&p, 5);
	pack_uint(&p, 1);
	pack_bin(&p, core.data, core.size);
	pack_uint(&p, 2);
	pack_raw(&p, sigs);
	pack_uint(&p, 3);
	pack_uint(&p, l->count);
	pack_uint(&p, 4);
	pack_array(&p, n);
	for (unsigned i = 0; i < n; i++) {
		const struct hf_leaf *leaf = &l->leaf[index[i]];
		uint8_t bytes[HF_LEAF_BYTES_MAX + 32];
		struct pack q;

		pack_init(&q, bytes, sizeof(bytes));
		pack_array(&q, 3);
		pack_bin(&q, leaf->salt, HF_SALT_SIZE);
		pack_uint(&q, leaf->field);
		pack_raw(&q, leaf->value);
		if (q.err != HF_OK)
			return q.err;
		pack_array(&p, 2);
		pack_uint(&p, index[i]);
		pack_bin(&p, bytes, q.at);
	}
	pack_uint(&p, 5);
	pack_bin(&p, hidden, hidden_size);
	return pack_finish(&p, size);
}

static void read_leaf(struct wire *outer, struct hf_leaf *leaf)
{
	struct hf_bytes b = wire_bin(outer, 1, HF_LEAF_BYTES_MAX + 32);
	struct wire w;

	if (outer->err != HF_OK)
		return;
	wire_init(&w, b.data, b.size);
	wire_array(&w, 3, 3);
	wire_bin_copy(&w, leaf->salt, HF_SALT_SIZE);
	leaf->field = (unsigned)wire_uint(&w, UINT16_MAX);
	leaf->value = wire_skip(&w);
	wire_close(&w);
	if (wire_finish(&w) == HF_OK)
		w.err = hf_field_check(leaf->field, leaf->value);
	if (w.err != HF_OK)
		wire_fail(outer, w.err);
}

static void expect_key(struct wire *w, int key)
{
	if (wire_key(w) != key)
		wire_fail(w, HF_MISSING_KEY);
}

static void read_shown(struct wire *w, struct hf_cite *c)
{
	c->shown_count = wire_array(w, 1, HF_LEAF_MAX);
	for (unsigned i = 0; i < c->shown_count && w->err == HF_OK; i++) {
		wire_array(w, 2, 2);
		c->index[i] = (uint8_t)wire_uint(w, HF_LEAF_MAX - 1);
		read_leaf(w, &c->shown[i]);
		wire_close(w);
		if (c->index[i] >= c->count ||
		    (i > 0 && c->index[i] <= c->index[i - 1]))
			wire_fail(w, HF_RANGE);
	}
	wire_close(w);
}

/* Root of the tree from shown leaves and hidden hashes.  The left parts wait
 * on a stack until their right siblings are known. */
static bool rebuild(
    const struct hf_cite *c, struct hf_bytes hidden, struct hf_hash *mth)
{
	struct {
		unsigned begin, end;
		bool join; /* both halves are done: join the two newest */
	} work[WALK_DEPTH * 4];
	struct hf_hash done[WALK_DEPTH * 2];
	bool shown[HF_LEAF_MAX] = {false};
	unsigned top = 0, ready = 0, next = 0;
	size_t used = 0;

	for (unsigned i = 0; i < c->shown_count; i++)
		shown[c->index[i]] = true;
	work[top].begin = 0;
	work[top].join = false;
	work[top++].end = c->count;
	while (top > 0) {
		unsigned begin = work[--top].begin, end = work[top].end;
		unsigned middle;

		if (work[top].join) {
			ready--;
			done[ready - 1] =
			    hf_merkle_node(&done[ready - 1], &done[ready]);
			continue;
		}
		if (!any_shown(shown, begin, end)) {
			if (hidden.size - used < HF_HASH_SIZE)
				return false;
			memcpy(
			    done[ready++].b, hidden.data + used, HF_HASH_SIZE);
			used += HF_HASH_SIZE;
			continue;
		}
		if (end - begin == 1) {
			done[ready++] = leaf_hash(&c->shown[next++]);
			continue;
		}
		middle = begin + split(end - begin);
		work[top++].join = true;
		work[top].begin = middle;
		work[top].join = false;
		work[top++].end = end;
		work[top].begin = begin;
		work[top].join = false;
		work[top++].end = middle;
	}
	*mth = done[0];
	return used == hidden.size;
}

static enum hf_err verify(const struct hf_cite *c, struct hf_bytes hidden)
{
	struct hf_hash mth, root, message = hf_act_to_sign(&c->digest);

	if (!rebuild(c, hidden, &mth))
		return HF_DISCLOSURE;
	root = leaf_root(c->count, &mth);
	if (!hf_equal(&root, &c->core.root, sizeof(root)))
		return HF_DISCLOSURE;
	if (c->signature_count == 0 ||
	    !hf_equal(
		&c->signatures[0].key, &c->core.author, sizeof(c->core.author)))
		return HF_SIGNATURE;
	for (unsigned i = 0; i < c->signature_count; i++) {
		enum hf_err err = hf_verify(&c->signatures[i].key,
		    &c->signatures[i].sig, &message, sizeof(message));

		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}

enum hf_err hf_cite_decode(struct hf_cite *cite, const void *data, size_t size)
{
	struct hf_bytes sigs, hidden;
	struct wire w;
	enum hf_err err;

	memset(cite, 0, sizeof(*cite));
	wire_init(&w, data, size);
	wire_map(&w, 5);
	expect_key(&w, 1);
	cite->core_bytes = wire_bin(&w, 1, HF_CORE_MAX);
	expect_key(&w, 2);
	sigs = wire_skip(&w);
	expect_key(&w, 3);
	cite->count = (unsigned)wire_uint(&w, HF_LEAF_MAX);
	expect_key(&w, 4);
	read_shown(&w, cite);
	expect_key(&w, 5);
	hidden = wire_bin(&w, 0, HF_LEAF_MAX * HF_HASH_SIZE);
	wire_close(&w);
	err = wire_finish(&w);
	if (err == HF_OK)
		err = hf_core_decode(
		    &cite->core, cite->core_bytes.data, cite->core_bytes.size);
	if (err == HF_OK)
		err = hf_sigs_decode(cite->signatures, &cite->signature_count,
		    sigs.data, sigs.size);
	if (err != HF_OK)
		return err;
	cite->digest = hf_core_digest(cite->core_bytes);
	cite->id = hf_act_id(cite->core.created, &cite->digest);
	return verify(cite, hidden);
}
