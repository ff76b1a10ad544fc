/*
 * desk_audit: what auditors fetch to replay and verify everything offline.
 */
#include <uthash.h>

#include "broker/engine/desk.h"

#include <string.h>

#define ENTRY_ROOM 7168u /* bytes of one entry row at most */

static bool is_auditor(const struct request *r)
{
	return r->desk_type == DESK_AUDITOR || r->desk_type == DESK_OVERSIGHT ||
	       r->desk_type == DESK_OPERATOR;
}

/* The receipt that came with a foreign act: its time of entry at home. */
static enum hf_err foreign_receipt(struct engine *e,
    const struct hf_ledger_leaf *leaf, struct hf_bytes envelope,
    struct hf_bytes *receipt)
{
	struct hf_envelope env;
	struct hf_country author;
	struct row_key k = { 0 };

	if (hf_envelope_decode(&env, envelope.data, envelope.size) != HF_OK)
		return HF_CORRUPT;
	author = hf_desk_country(&env.from);
	row_add(&k, leaf->id.b, sizeof(leaf->id.b));
	row_add(&k, author.s, HF_COUNTRY_SIZE);
	return txn_get(e->txn, TABLE_RECEIPTS, row_bytes(&k), receipt);
}

static enum hf_err pack_entry(
    struct engine *e, struct pack *rows, uint64_t index)
{
	struct hf_bytes leaf, payload, core, envelope, sigs;
	struct hf_ledger_leaf decoded;
	enum hf_err err = ledger_entry(e, index, &leaf, &payload);

	if (err == HF_OK)
		err = hf_ledger_leaf_decode(&decoded, leaf.data, leaf.size);
	if (err != HF_OK)
		return HF_CORRUPT;
	err = ledger_act(e, index, &core, &envelope, &sigs);
	if (err == HF_NOTFOUND)
		core = envelope = sigs = bytes_of(NULL, 0);
	else if (err == HF_OK && decoded.type == HF_ENTRY_FOREIGN)
		err = foreign_receipt(e, &decoded, envelope, &payload);
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	pack_array(rows, 5);
	pack_bin(rows, leaf.data, leaf.size);
	pack_bin(rows, core.data, core.size);
	pack_bin(rows, envelope.data, envelope.size);
	pack_bin(rows, sigs.data, sigs.size);
	pack_bin(rows, payload.data, payload.size);
	return HF_OK;
}

enum hf_err desk_entries(struct request *r)
{
	uint64_t index = desk_arg_uint(r, 1, 0);
	uint64_t size = r->e->frontier_saved.size; /* committed ones */
	unsigned count = 0;
	struct pack rows;

	if (!is_auditor(r))
		return HF_READ_DENIED;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (; index < size && count < HF_PAGE_ROWS &&
	       rows.at + ENTRY_ROOM <= HF_PAGE_BYTES;
	     index++, count++) {
		enum hf_err err = pack_entry(r->e, &rows, index);

		if (err != HF_OK)
			return err;
	}
	pack_map(&r->out, index < size ? 2 : 1);
	desk_put_rows(r, &rows, count);
	if (index < size) {
		pack_uint(&r->out, 2);
		pack_uint(&r->out, index);
	}
	return HF_OK;
}

enum hf_err desk_head(struct request *r)
{
	struct hf_bytes none = {NULL, 0}, key, note;
	enum hf_err err =
	    txn_last(r->e->txn, TABLE_CHECKPOINTS, none, &key, &note);

	if (err != HF_OK)
		return err;
	pack_map(&r->out, 1);
	pack_uint(&r->out, 1);
	pack_str(&r->out, (const char *)note.data, note.size);
	return HF_OK;
}

enum hf_err desk_consistency(struct request *r)
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	struct hf_nodes nodes = ledger_nodes(r->e);
	uint64_t old_size = desk_arg_uint(r, 1, 0);
	uint64_t new_size = desk_arg_uint(r, 2, 0);
	unsigned count = 0;
	enum hf_err err;

	if (old_size == 0 || old_size > new_size ||
	    new_size > r->e->frontier_saved.size)
		return HF_RANGE;
	err = hf_merkle_consistency(&nodes, old_size, new_size, path, &count);
	if (err != HF_OK)
		return err;
	pack_map(&r->out, 1);
	pack_uint(&r->out, 1);
	pack_bin(&r->out, path, count * sizeof(*path));
	return HF_OK;
}

enum hf_err desk_receipt(struct request *r)
{
	uint8_t receipt[HF_RECEIPT_MAX];
	size_t size;
	enum hf_err err = ledger_receipt(r->e, desk_arg_uint(r, 1, UINT64_MAX),
	    receipt, sizeof(receipt), &size);

	if (err != HF_OK)
		return err;
	pack_map(&r->out, 1);
	pack_uint(&r->out, 1);
	pack_bin(&r->out, receipt, size);
	return HF_OK;
}

/* State and digest as the broker has them: replay must arrive there. */
enum hf_err desk_states(struct request *r)
{
	struct hf_bytes none = {NULL, 0};
	struct hf_id at = {{0}};
	bool after = desk_arg_id(r, 1, &at) == HF_OK, more = false;
	unsigned count = 0;
	struct pack rows;

	if (!is_auditor(r))
		return HF_READ_DENIED;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (;;) {
		struct case_record c;
		struct hf_bytes key, value;
		struct hf_hash digest;
		enum hf_err err = txn_next(r->e->txn, TABLE_CASES, none,
		    after ? bytes_of(at.b, sizeof(at.b)) : none, after, &key,
		    &value);

		if (err == HF_NOTFOUND)
			break;
		if (err == HF_OK && count == HF_PAGE_ROWS) {
			more = true;
			break;
		}
		if (err != HF_OK)
			return err;
		memcpy(at.b, key.data, sizeof(at.b));
		after = true;
		err = case_load(r->e, &at, &c);
		if (err != HF_OK)
			return err;
		if (c.kind == 0)
			continue;
		err = case_fold(r->e, &c);
		if (err != HF_OK)
			return err;
		digest = hf_case_digest(r->e->work);
		pack_array(&rows, 3);
		pack_bin(&rows, c.id.b, sizeof(c.id.b));
		pack_uint(&rows, r->e->work->state);
		pack_bin(&rows, digest.b, sizeof(digest.b));
		count++;
	}
	pack_map(&r->out, more ? 2 : 1);
	desk_put_rows(r, &rows, count);
	if (more) {
		pack_uint(&r->out, 2);
		pack_bin(&r->out, at.b, sizeof(at.b));
	}
	return HF_OK;
}

/* The receipt of the other country for an act of ours: its index there. */
static enum hf_err delivered_index(struct engine *e, const struct hf_id *act,
    struct hf_country to, uint64_t *index)
{
	struct row_key k = {0};
	struct hf_receipt receipt;
	struct hf_bytes row;
	enum hf_err err;

	*index = 0;
	row_add(&k, act->b, sizeof(act->b));
	row_add(&k, to.s, HF_COUNTRY_SIZE);
	err = txn_get(e->txn, TABLE_RECEIPTS, row_bytes(&k), &row);
	if (err == HF_NOTFOUND)
		return HF_OK;
	if (err == HF_OK &&
	    hf_receipt_decode(&receipt, row.data, row.size) != HF_OK)
		return HF_CORRUPT;
	if (err == HF_OK)
		*index = receipt.index + 1; /* 0 is "none" */
	return err;
}

enum hf_err desk_receipts(struct request *r)
{
	uint64_t at = desk_arg_uint(r, 1, 0);
	uint64_t size = r->e->frontier_saved.size, end;
	unsigned count = 0;
	struct pack rows;

	if (!is_auditor(r))
		return HF_READ_DENIED;
	end = size - at > 1024 ? at + 1024 : size;
	if (at > size)
		at = end = size;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (; at < end && count < HF_PAGE_ROWS; at++) {
		struct hf_bytes core, envelope, sigs;
		struct hf_ledger_leaf leaf;
		struct hf_envelope e;
		struct hf_country to;
		uint64_t delivered;
		enum hf_err err = ledger_leaf(r->e, at, &leaf);

		if (err != HF_OK)
			return err;
		if (leaf.type != HF_ENTRY_OWN && leaf.type != HF_ENTRY_MACHINE)
			continue;
		err = ledger_act(r->e, at, &core, &envelope, &sigs);
		if (err == HF_OK)
			err = hf_envelope_decode(
			    &e, envelope.data, envelope.size);
		if (err != HF_OK)
			return HF_CORRUPT;
		to = hf_desk_country(&e.to);
		if (same_country(&to, &r->e->options.country) ||
		    e.track >= HF_TRACK_INNER_ASKING)
			continue;
		err = delivered_index(r->e, &leaf.id, to, &delivered);
		if (err != HF_OK)
			return err;
		pack_array(&rows, 4);
		pack_bin(&rows, leaf.id.b, sizeof(leaf.id.b));
		pack_uint(&rows, at);
		pack_text(&rows, to.s);
		pack_uint(&rows, delivered);
		count++;
	}
	pack_map(&r->out, at < size ? 2 : 1);
	desk_put_rows(r, &rows, count);
	if (at < size) {
		pack_uint(&r->out, 2);
		pack_uint(&r->out, at);
	}
	return HF_OK;
}
