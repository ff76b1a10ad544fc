/* Receipts: a leaf, its path, and the signed head it leads to (SPEC 6.4). */
#include "proto/act.h"
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/pack.h"
#include "proto/text.h"
#include "proto/wire.h"

#include <assert.h>
#include <string.h>

#define INDEX_MAX ((UINT64_C(1) << HF_TREE_DEPTH_MAX) - 1)

enum receipt_key { R_LEAF = 1, R_INDEX, R_PATH, R_CHECKPOINT };
#define ALL_KEYS \
	(1u << R_LEAF | 1u << R_INDEX | 1u << R_PATH | 1u << R_CHECKPOINT)

enum hf_err hf_receipt_encode(struct hf_bytes leaf, uint64_t index,
    const struct hf_hash *path, unsigned path_count, struct hf_bytes note,
    uint8_t *out, size_t capacity, size_t *size)
{
	struct pack p;

	if (index > INDEX_MAX)
		return HF_RANGE;
	if (leaf.size > HF_LEDGER_LEAF_MAX || path_count > HF_TREE_DEPTH_MAX ||
	    note.size > HF_NOTE_MAX)
		return HF_TOO_BIG;
	pack_init(
	    &p, out, capacity < HF_RECEIPT_MAX ? capacity : HF_RECEIPT_MAX);
	pack_map(&p, R_CHECKPOINT);
	pack_uint(&p, R_LEAF);
	pack_bin(&p, leaf.data, leaf.size);
	pack_uint(&p, R_INDEX);
	pack_uint(&p, index);
	pack_uint(&p, R_PATH);
	pack_bin(&p, path, path_count * sizeof(*path));
	pack_uint(&p, R_CHECKPOINT);
	pack_str(&p, (const char *)note.data, note.size);
	return pack_finish(&p, size);
}

enum hf_err hf_receipt_decode(
    struct hf_receipt *r, const void *data, size_t size)
{
	struct hf_receipt read = {0};
	unsigned seen = 0;
	struct wire w;
	enum hf_err err;
	int key;

	if (size > HF_RECEIPT_MAX)
		return HF_TOO_BIG;
	wire_init(&w, data, size);
	wire_map(&w, R_CHECKPOINT);
	while ((key = wire_key(&w)) >= 0) {
		if (key == R_LEAF)
			read.leaf_bytes = wire_bin(&w, 1, HF_LEDGER_LEAF_MAX);
		else if (key == R_INDEX)
			read.index = wire_uint(&w, INDEX_MAX);
		else if (key == R_PATH)
			read.path = wire_bin(&w, 0, HF_PATH_MAX);
		else if (key == R_CHECKPOINT)
			read.note = wire_str(&w, 1, HF_NOTE_MAX);
		else
			wire_fail(&w, HF_UNKNOWN_KEY);
		if (key <= R_CHECKPOINT)
			seen |= 1u << key;
	}
	wire_close(&w);
	err = wire_finish(&w);
	if (err != HF_OK)
		return err;
	if (seen != ALL_KEYS)
		return HF_MISSING_KEY;
	if (read.path.size % HF_HASH_SIZE != 0)
		return HF_RANGE;
	err = hf_ledger_leaf_decode(
	    &read.leaf, read.leaf_bytes.data, read.leaf_bytes.size);
	if (err == HF_OK)
		*r = read;
	return err;
}

enum hf_err hf_receipt_verify(const struct hf_receipt *r, const char *origin,
    const struct hf_key *key, uint64_t *tree_size)
{
	struct hf_hash path[HF_TREE_DEPTH_MAX], leaf, root;
	uint64_t size;
	enum hf_err err;

	assert(r->path.size <= sizeof(path));
	err = hf_checkpoint_verify(r->note, origin, key, &size, &root);
	if (err != HF_OK)
		return err;
	if (r->path.size > 0)
		memcpy(path, r->path.data, r->path.size);
	leaf = hf_merkle_leaf(r->leaf_bytes.data, r->leaf_bytes.size);
	err = hf_merkle_verify_path(&leaf, r->index, size, path,
	    (unsigned)(r->path.size / HF_HASH_SIZE), &root);
	if (err == HF_OK)
		*tree_size = size;
	return err;
}

static void add_base64(struct text *t, const void *data, size_t size)
{
	char base64[(HF_LEDGER_LEAF_MAX + 2) / 3 * 4 + 1];

	assert(size <= HF_LEDGER_LEAF_MAX);
	hf_base64(base64, sizeof(base64), data, size);
	text_add(t, base64);
	text_add_char(t, '\n');
}

enum hf_err hf_receipt_proof(
    const struct hf_receipt *r, char *out, size_t capacity, size_t *size)
{
	struct text t;

	if (capacity == 0)
		return HF_TOO_BIG;
	text_init(&t, out, capacity);
	text_add(&t, "c2sp.org/tlog-proof@v1\nextra ");
	add_base64(&t, r->leaf_bytes.data, r->leaf_bytes.size);
	text_add(&t, "index ");
	text_add_uint(&t, r->index, 0);
	text_add_char(&t, '\n');
	for (size_t at = 0; at < r->path.size; at += HF_HASH_SIZE)
		add_base64(&t, r->path.data + at, HF_HASH_SIZE);
	text_add_char(&t, '\n');
	text_add_bytes(&t, r->note.data, r->note.size);
	*size = t.at;
	return t.full ? HF_TOO_BIG : HF_OK;
}

enum hf_err hf_receipt_is_for(
    const struct hf_receipt *r, const struct hf_act *act)
{
	struct hf_hash envelope, sigs;

	if (r->leaf.type != HF_ENTRY_OWN && r->leaf.type != HF_ENTRY_FOREIGN &&
	    r->leaf.type != HF_ENTRY_MACHINE)
		return HF_RECEIPT;
	envelope = hf_hash(HF_TAG_ENVELOPE, act->envelope_bytes.data,
	    act->envelope_bytes.size);
	sigs = hf_hash(HF_TAG_SIGS, act->sigs_bytes.data, act->sigs_bytes.size);
	if (!hf_equal(&r->leaf.id, &act->id, sizeof(act->id)) ||
	    !hf_equal(&r->leaf.core, &act->digest, sizeof(act->digest)) ||
	    !hf_equal(&r->leaf.envelope, &envelope, sizeof(envelope)) ||
	    !hf_equal(&r->leaf.sigs, &sigs, sizeof(sigs)))
		return HF_RECEIPT;
	return HF_OK;
}
