/*
 * ledger: appending entries and reading them back (SPEC 6).
 *
 * An entry is a leaf (digests only) and, of a statement, its payload; of an
 * act the signed parts stand in TABLE_ACTS under the same index.  Every
 * complete subtree is a row of TABLE_NODES, so any proof is a few dozen
 * reads and nothing is ever recomputed to answer.
 *
 * That leaves the question who notices a flipped bit.  ledger_verify_range
 * does, before a head is signed: it reads the batch's leaves from where they
 * were stored, hashes them anew over the nodes of the tree before, and lets
 * the caller compare the root with the one that appending arrived at.
 */
#include "broker/engine/intake.h"
#include "proto/crypto.h"

#include <assert.h>
#include <string.h>

#define ENTRY_ROW_MAX (HF_LEDGER_LEAF_MAX + HF_PAYLOAD_MAX + 16u)
#define ACT_ROW_MAX (HF_CORE_MAX + HF_ENVELOPE_MAX + HF_SIGS_MAX + 16u)
#define DECISION_SIZE 14u /* index be64, state u8, flags u8, clause be32 */

static void index_key(struct row_key *k, uint64_t index)
{
	*k = (struct row_key){0};
	row_add_be64(k, index);
}

static void node_key(struct row_key *k, unsigned level, uint64_t index)
{
	*k = (struct row_key){0};
	/* the leaves, which are half of all, come last: new ones at the end */
	row_add_u8(k, 255u - level);
	row_add_be64(k, index);
}

static enum hf_err put_node(
    void *ctx, unsigned level, uint64_t index, const struct hf_hash *node)
{
	struct engine *e = ctx;
	struct row_key k;

	node_key(&k, level, index);
	return txn_put(e->txn, TABLE_NODES, row_bytes(&k),
	    bytes_of(node->b, sizeof(node->b)));
}

static enum hf_err get_node(
    void *ctx, unsigned level, uint64_t index, struct hf_hash *out)
{
	struct engine *e = ctx;
	struct hf_bytes value;
	struct row_key k;
	enum hf_err err;

	node_key(&k, level, index);
	err = txn_get(e->txn, TABLE_NODES, row_bytes(&k), &value);
	if (err != HF_OK)
		return err;
	if (value.size != sizeof(out->b))
		return HF_CORRUPT;
	memcpy(out->b, value.data, sizeof(out->b));
	return HF_OK;
}

struct hf_nodes ledger_nodes(struct engine *e)
{
	return (struct hf_nodes){get_node, e};
}

static enum hf_err append(struct engine *e, struct hf_ledger_leaf *leaf,
    struct hf_bytes payload, uint64_t *index)
{
	uint8_t bytes[HF_LEDGER_LEAF_MAX], row[ENTRY_ROW_MAX];
	struct hf_hash hash;
	struct row_key k;
	struct pack p;
	size_t size;
	enum hf_err err;

	leaf->epoch = e->options.epoch;
	leaf->entered = e->now;
	leaf->bound_ms = e->event->bound_ms;
	err = hf_ledger_leaf_encode(leaf, bytes, sizeof(bytes), &size);
	if (err != HF_OK)
		return err;
	hash = hf_merkle_leaf(bytes, size);
	pack_init(&p, row, sizeof(row));
	pack_array(&p, 2);
	pack_bin(&p, bytes, size);
	pack_bin(&p, payload.data, payload.size);
	*index = e->frontier.size;
	index_key(&k, *index);
	err = txn_put(e->txn, TABLE_ENTRIES, row_bytes(&k), packed(&p));
	if (err == HF_OK)
		err = hf_frontier_add(&e->frontier, &hash, put_node, e);
	if (err == HF_OK)
		e->turn_dirty = true;
	return err;
}

static enum hf_err put_act_row(
    struct engine *e, uint64_t index, const struct hf_act *act)
{
	uint8_t row[ACT_ROW_MAX];
	struct row_key k;
	struct pack p;

	pack_init(&p, row, sizeof(row));
	pack_array(&p, 3);
	pack_bin(&p, act->core_bytes.data, act->core_bytes.size);
	pack_bin(&p, act->envelope_bytes.data, act->envelope_bytes.size);
	pack_bin(&p, act->sigs_bytes.data, act->sigs_bytes.size);
	index_key(&k, index);
	return txn_put(e->txn, TABLE_ACTS, row_bytes(&k), packed(&p));
}

enum hf_err ledger_add_act(struct engine *e, enum hf_entry_type type,
    const struct hf_act *act, uint64_t *index)
{
	struct hf_ledger_leaf leaf = {
	    .type = type,
	    .id = act->id,
	    .core = act->digest,
	    .envelope = act->core.envelope, /* decoding has compared them */
	    .sigs = hf_hash(
		HF_TAG_SIGS, act->sigs_bytes.data, act->sigs_bytes.size),
	};
	struct decision d = {0};
	enum hf_err err;

	assert(hf_entry_is_act(type));
	err = append(e, &leaf, bytes_of(NULL, 0), index);
	if (err == HF_OK)
		err = put_act_row(e, *index, act);
	if (err != HF_OK)
		return err;
	d.index = *index; /* what is decided joins it at the end */
	return decision_put(e, &act->id, &d);
}

enum hf_err ledger_add_statement(
    struct engine *e, const struct hf_statement *s, uint64_t *index)
{
	struct hf_ledger_leaf leaf = {.type = s->type, .id = s->subject};
	uint8_t payload[HF_PAYLOAD_MAX];
	size_t size;
	enum hf_err err;

	err = hf_statement_encode(s, payload, sizeof(payload), &size);
	if (err != HF_OK)
		return err;
	leaf.core = hf_hash(HF_TAG_STATEMENT, payload, size);
	return append(e, &leaf, bytes_of(payload, size), index);
}

/** Read an array of `count` bins that this file wrote. */
static enum hf_err read_bins(
    struct hf_bytes row, struct hf_bytes *bins, unsigned count)
{
	struct wire w;

	wire_init(&w, row.data, row.size);
	wire_array(&w, count, count);
	for (unsigned i = 0; i < count; i++)
		bins[i] = wire_bin(&w, 0, HF_FRAME_MAX);
	wire_close(&w);
	return wire_finish(&w) == HF_OK ? HF_OK : HF_CORRUPT;
}

static enum hf_err read_row(struct engine *e, enum table table, uint64_t index,
    struct hf_bytes *bins, unsigned count)
{
	struct hf_bytes row;
	struct row_key k;
	enum hf_err err;

	index_key(&k, index);
	err = txn_get(e->txn, table, row_bytes(&k), &row);
	return err == HF_OK ? read_bins(row, bins, count) : err;
}

enum hf_err ledger_entry(struct engine *e, uint64_t index,
    struct hf_bytes *leaf, struct hf_bytes *payload)
{
	struct hf_bytes bins[2] = {{NULL, 0}, {NULL, 0}};
	enum hf_err err = read_row(e, TABLE_ENTRIES, index, bins, 2);

	if (err != HF_OK)
		return err;
	*leaf = bins[0];
	*payload = bins[1];
	return HF_OK;
}

enum hf_err ledger_leaf(
    struct engine *e, uint64_t index, struct hf_ledger_leaf *leaf)
{
	struct hf_bytes bytes, payload;
	enum hf_err err = ledger_entry(e, index, &bytes, &payload);

	if (err != HF_OK)
		return err;
	err = hf_ledger_leaf_decode(leaf, bytes.data, bytes.size);
	return err == HF_OK ? HF_OK : HF_CORRUPT;
}

enum hf_err ledger_act(struct engine *e, uint64_t index, struct hf_bytes *core,
    struct hf_bytes *envelope, struct hf_bytes *sigs)
{
	struct hf_bytes bins[3];
	enum hf_err err = read_row(e, TABLE_ACTS, index, bins, 3);

	if (err != HF_OK)
		return err;
	*core = bins[0];
	*envelope = bins[1];
	*sigs = bins[2];
	return HF_OK;
}

enum hf_err decision_put(
    struct engine *e, const struct hf_id *act, const struct decision *d)
{
	uint8_t row[DECISION_SIZE];

	put_be64(row, d->index);
	row[8] = (uint8_t)d->state;
	row[9] = (uint8_t)d->flags;
	put_be32(row + 10, d->clause);
	return txn_put(e->txn, TABLE_IDS, bytes_of(act->b, sizeof(act->b)),
	    bytes_of(row, sizeof(row)));
}

enum hf_err decision_get(
    struct engine *e, const struct hf_id *act, struct decision *d)
{
	struct hf_bytes row;
	enum hf_err err =
	    txn_get(e->txn, TABLE_IDS, bytes_of(act->b, sizeof(act->b)), &row);

	if (err != HF_OK)
		return err;
	if (row.size != DECISION_SIZE)
		return HF_CORRUPT;
	d->index = get_be64(row.data);
	d->state = (enum hf_state)row.data[8];
	d->flags = row.data[9];
	d->clause = get_be32(row.data + 10);
	return HF_OK;
}

enum hf_err ledger_index_of(
    struct engine *e, const struct hf_id *act, uint64_t *index)
{
	struct decision d;
	enum hf_err err = decision_get(e, act, &d);

	if (err == HF_OK)
		*index = d.index;
	return err;
}

enum hf_err ledger_note(struct engine *e, uint64_t *size, struct hf_bytes *note)
{
	struct hf_bytes key;
	enum hf_err err;

	if (e->note_entries > e->note_storing) { /* no row is as new */
		*size = e->note_entries;
		*note = bytes_of(e->note, e->note_size);
		return HF_OK;
	}
	err =
	    txn_last(e->txn, TABLE_CHECKPOINTS, bytes_of(NULL, 0), &key, note);
	if (err == HF_OK && key.size != 8)
		return HF_CORRUPT;
	*size = err == HF_OK ? get_be64(key.data) : 0;
	return err;
}

enum hf_err ledger_receipt(struct engine *e, uint64_t index, uint8_t *out,
    size_t capacity, size_t *size)
{
	struct hf_bytes note;
	uint64_t tree_size;
	enum hf_err err = ledger_note(e, &tree_size, &note);

	if (err != HF_OK)
		return err;
	return tree_size <= index ? HF_NOTFOUND
				  : ledger_receipt_under(e, index, tree_size,
					note, out, capacity, size);
}

enum hf_err ledger_came_with(
    struct engine *e, uint64_t index, struct hf_bytes *receipt)
{
	struct hf_bytes core, envelope, sigs;
	struct hf_ledger_leaf leaf;
	struct hf_country author;
	struct hf_envelope env;
	struct row_key k = {0};

	if (ledger_leaf(e, index, &leaf) != HF_OK ||
	    ledger_act(e, index, &core, &envelope, &sigs) != HF_OK ||
	    hf_envelope_decode(&env, envelope.data, envelope.size) != HF_OK)
		return HF_CORRUPT;
	author = hf_desk_country(&env.from);
	row_add(&k, leaf.id.b, sizeof(leaf.id.b));
	row_add(&k, author.s, HF_COUNTRY_SIZE);
	return txn_get(e->txn, TABLE_RECEIPTS, row_bytes(&k), receipt);
}

enum hf_err ledger_home_receipt(
    struct engine *e, uint64_t index, uint8_t out[HF_RECEIPT_MAX], size_t *size)
{
	struct hf_ledger_leaf leaf;
	struct hf_bytes row;
	enum hf_err err = ledger_leaf(e, index, &leaf);

	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	if (!hf_entry_came(leaf.type))
		return ledger_receipt(e, index, out, HF_RECEIPT_MAX, size);
	err = ledger_came_with(e, index, &row);
	if (err != HF_OK || row.size > HF_RECEIPT_MAX)
		return err == HF_OK ? HF_CORRUPT : err;
	memcpy(out, row.data, row.size);
	*size = row.size;
	return HF_OK;
}

enum hf_err ledger_receipt_under(struct engine *e, uint64_t index,
    uint64_t tree_size, struct hf_bytes note, uint8_t *out, size_t capacity,
    size_t *size)
{
	struct hf_hash path[HF_TREE_DEPTH_MAX];
	struct hf_bytes leaf, payload;
	struct hf_nodes nodes = ledger_nodes(e);
	unsigned count;
	enum hf_err err;

	err = hf_merkle_path_near(
	    &nodes, &e->path_memo, index, tree_size, path, &count);
	if (err == HF_OK)
		err = ledger_entry(e, index, &leaf, &payload);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	err = hf_receipt_head(&e->receipt_head, note);
	return err == HF_OK ? hf_receipt_encode_under(&e->receipt_head, leaf,
				  index, path, count, out, capacity, size)
			    : err;
}

enum hf_err ledger_frontier(
    struct engine *e, uint64_t size, struct hf_frontier *f)
{
	uint64_t begin = 0;
	unsigned at = 0;

	*f = (struct hf_frontier){.size = size};
	if (size >> HF_TREE_DEPTH_MAX != 0)
		return HF_CORRUPT;
	for (unsigned level = HF_TREE_DEPTH_MAX; level-- > 0;) {
		uint64_t width = UINT64_C(1) << level;
		enum hf_err err;

		if ((size & width) == 0)
			continue;
		err = get_node(e, level, begin >> level, &f->node[at]);
		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
		begin += width;
		at++;
	}
	return HF_OK;
}

/** The leaf's digests are those of the parts stored beside it. */
static enum hf_err verify_parts(struct engine *e, uint64_t index,
    const struct hf_ledger_leaf *leaf, struct hf_bytes payload)
{
	struct hf_hash core_digest, envelope_digest, sigs_digest;
	struct hf_bytes core, envelope, sigs;
	enum hf_err err;

	if (!hf_entry_is_act(leaf->type)) {
		core_digest =
		    hf_hash(HF_TAG_STATEMENT, payload.data, payload.size);
		return same_hash(&core_digest, &leaf->core) ? HF_OK
							    : HF_CORRUPT;
	}
	err = ledger_act(e, index, &core, &envelope, &sigs);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	core_digest = hf_core_digest(core);
	envelope_digest =
	    hf_hash(HF_TAG_ENVELOPE, envelope.data, envelope.size);
	sigs_digest = hf_hash(HF_TAG_SIGS, sigs.data, sigs.size);
	return same_hash(&core_digest, &leaf->core) &&
		       same_hash(&envelope_digest, &leaf->envelope) &&
		       same_hash(&sigs_digest, &leaf->sigs)
		   ? HF_OK
		   : HF_CORRUPT;
}

/* The nodes that entry `index` completes are what they should be. */
static enum hf_err verify_nodes(
    struct engine *e, uint64_t index, struct hf_hash hash)
{
	for (unsigned level = 0;; level++) {
		struct hf_hash stored, left;
		uint64_t at = index >> level;
		enum hf_err err = get_node(e, level, at, &stored);

		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
		if (!same_hash(&stored, &hash))
			return HF_CORRUPT;
		if (at % 2 == 0)
			return HF_OK;
		err = get_node(e, level, at - 1, &left);
		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
		hash = hf_merkle_node(&left, &stored);
	}
}

enum hf_err ledger_scrub(struct engine *e, uint64_t *index, uint64_t to)
{
	struct hf_bytes bytes, payload;
	struct hf_ledger_leaf leaf;

	for (; *index < to; ++*index) {
		enum hf_err err = ledger_entry(e, *index, &bytes, &payload);

		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
		if (hf_ledger_leaf_decode(&leaf, bytes.data, bytes.size) !=
		    HF_OK)
			return HF_CORRUPT;
		err = verify_parts(e, *index, &leaf, payload);
		if (err == HF_OK)
			err = verify_nodes(
			    e, *index, hf_merkle_leaf(bytes.data, bytes.size));
		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}

enum hf_err ledger_verify_range(
    struct engine *e, uint64_t from, uint64_t to, struct hf_hash *root)
{
	struct hf_bytes bytes, payload;
	struct hf_ledger_leaf leaf;
	struct hf_frontier f;
	enum hf_err err;

	err = ledger_frontier(e, from, &f);
	for (uint64_t i = from; err == HF_OK && i < to; i++) {
		struct hf_hash hash;

		err = ledger_entry(e, i, &bytes, &payload);
		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
		hash = hf_merkle_leaf(bytes.data, bytes.size);
		if (hf_ledger_leaf_decode(&leaf, bytes.data, bytes.size) !=
		    HF_OK)
			return HF_CORRUPT;
		err = verify_parts(e, i, &leaf, payload);
		if (err == HF_OK)
			err = hf_frontier_add(&f, &hash, NULL, NULL);
	}
	if (err == HF_OK)
		*root = hf_frontier_root(&f);
	return err;
}
