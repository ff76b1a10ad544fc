/*
 * desk_audit: what auditors fetch to replay and verify everything offline.
 */
#include "broker/engine/desk.h"

#include <string.h>

/* bytes of one row at most, its heads too */
#define ENTRY_ROOM \
	(HF_LEDGER_LEAF_MAX + HF_CORE_MAX + HF_ENVELOPE_MAX + HF_SIGS_MAX + \
	    HF_RECEIPT_MAX + 16u)
#define SCAN_MAX 1024u /* rows looked at for one answer */

/* Who reads the whole ledger (SPEC 12.9). */
static bool is_auditor(const struct request *r)
{
	if (r->desk_type == DESK_PROVIDER)
		return false;
	return r->desk_type == DESK_AUDITOR || r->desk_type == DESK_OVERSIGHT ||
	       r->desk_type == DESK_OPERATOR || r->who->role == ROLE_AUDITOR ||
	       r->who->role == ROLE_OPERATOR;
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
	else if (err == HF_OK && hf_entry_came(decoded.type))
		err = ledger_came_with(e, index, &payload);
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
	unsigned limit = desk_arg_limit(r, 2, HF_PAGE_ROWS), count = 0;
	struct pack rows;

	if (!is_auditor(r))
		return HF_READ_DENIED;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (; index < size && count < limit &&
	       rows.at + ENTRY_ROOM <= HF_PAGE_BYTES;
	     index++, count++) {
		enum hf_err err = pack_entry(r->e, &rows, index);

		if (err != HF_OK)
			return err;
	}
	desk_put_rows(r, &rows, count, index < size);
	if (index < size)
		pack_uint(&r->out, index);
	return HF_OK;
}

enum hf_err desk_head(struct request *r)
{
	struct hf_bytes note;
	uint64_t size;
	enum hf_err err = ledger_note(r->e, &size, &note);

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

/* Is the entry an act of a case this desk reads, or a statement about one? */
static enum hf_err may_see_entry(struct request *r, uint64_t index)
{
	struct hf_bytes core, envelope, sigs;
	struct hf_ledger_leaf leaf;
	struct hf_envelope env;
	struct case_record c;
	uint64_t subject;
	enum hf_err err;

	if (is_auditor(r))
		return HF_OK;
	err = ledger_leaf(r->e, index, &leaf);
	if (err != HF_OK)
		return err;
	subject = index;
	if (!hf_entry_is_act(leaf.type) &&
	    !is_there(r->e, ledger_index_of(r->e, &leaf.id, &subject)))
		return HF_READ_DENIED;
	err = ledger_act(r->e, subject, &core, &envelope, &sigs);
	if (err == HF_OK)
		err = hf_envelope_decode(&env, envelope.data, envelope.size);
	if (err == HF_OK)
		err = case_load(r->e,
		    HF_HAS(&env, HF_E_CASE) ? &env.case_id : &leaf.id, &c);
	if (err != HF_OK)
		return HF_CORRUPT;
	return case_access(r->e, &c, r->who) == ACCESS_NONE ? HF_READ_DENIED
							    : HF_OK;
}

/* What the broker of another country gave for the act at `index`, or how it
 * countersigned the absence there. */
static enum hf_err foreign_receipt_at(
    struct request *r, uint64_t index, struct hf_bytes *receipt)
{
	struct hf_ledger_leaf leaf;
	struct hf_country country = {0};
	struct row_key k = {0};
	enum hf_err err = ledger_leaf(r->e, index, &leaf);

	if (err == HF_OK && r->arg[2].bytes.size != HF_COUNTRY_SIZE)
		err = HF_RANGE;
	if (err != HF_OK)
		return err;
	memcpy(country.s, r->arg[2].bytes.data, HF_COUNTRY_SIZE);
	if (leaf.type == HF_ENTRY_ABSENT) {
		absence_row(&k, &leaf, &country);
	} else {
		row_add(&k, leaf.id.b, HF_ID_SIZE);
		row_add(&k, country.s, HF_COUNTRY_SIZE);
	}
	return txn_get(r->e->txn, TABLE_RECEIPTS, row_bytes(&k), receipt);
}

/* Under the newest head that enough witnesses cosigned, if one covers it
 * (SPEC 6.9). */
static enum hf_err own_receipt(
    struct engine *e, uint64_t index, uint8_t *out, size_t *size)
{
	struct hf_bytes note;
	struct hf_ledger_leaf leaf;
	uint64_t tree_size;
	enum hf_err err = ledger_leaf(e, index, &leaf);

	if (err == HF_OK && leaf.type == HF_ENTRY_RECALLED)
		return ledger_home_receipt(e, index, out, size);
	if (err == HF_OK)
		err = heads_witnessed(e, &tree_size, &note);
	if (err == HF_OK && tree_size > index)
		return ledger_receipt_under(
		    e, index, tree_size, note, out, HF_RECEIPT_MAX, size);
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	return ledger_receipt(e, index, out, HF_RECEIPT_MAX, size);
}

enum hf_err desk_receipt(struct request *r)
{
	uint8_t own[HF_RECEIPT_MAX];
	struct hf_bytes receipt = {own, 0};
	uint64_t index = desk_arg_uint(r, 1, UINT64_MAX);
	enum hf_err err = index < r->e->frontier_saved.size
			      ? may_see_entry(r, index)
			      : HF_RANGE;

	if (err == HF_OK && r->arg[2].has)
		err = foreign_receipt_at(r, index, &receipt);
	else if (err == HF_OK)
		err = own_receipt(r->e, index, own, &receipt.size);
	if (err != HF_OK)
		return err;
	pack_map(&r->out, 1);
	pack_uint(&r->out, 1);
	pack_bin(&r->out, receipt.data, receipt.size);
	return HF_OK;
}

static enum hf_err pack_state(
    struct engine *e, struct pack *rows, const struct case_record *c)
{
	struct hf_hash digest;
	enum hf_err err = case_fold(e, c);

	if (err != HF_OK)
		return err;
	digest = hf_case_digest(e->work);
	pack_array(rows, 3);
	pack_bin(rows, c->id.b, sizeof(c->id.b));
	pack_uint(rows, e->work->state);
	pack_bin(rows, digest.b, sizeof(digest.b));
	return HF_OK;
}

/* State and digest as the broker folds them: a replay must arrive there. */
enum hf_err desk_states(struct request *r)
{
	struct hf_bytes none = {NULL, 0}, key, value;
	struct hf_id at = {{0}};
	bool after = desk_arg_id(r, 1, &at) == HF_OK;
	unsigned limit = desk_arg_limit(r, 2, HF_PAGE_ROWS), count = 0;
	unsigned scanned = 0;
	struct pack rows;
	enum hf_err err;

	if (!is_auditor(r))
		return HF_READ_DENIED;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	while ((err = txn_next(r->e->txn, TABLE_CASES, none,
		    after ? bytes_of(at.b, sizeof(at.b)) : none, after, &key,
		    &value)) == HF_OK &&
	       count < limit && scanned++ < SCAN_MAX) {
		struct case_record c;

		if (key.size != sizeof(at.b))
			return HF_CORRUPT;
		memcpy(at.b, key.data, sizeof(at.b));
		after = true;
		err = case_load(r->e, &at, &c);
		if (err == HF_OK && c.kind != 0) {
			err = pack_state(r->e, &rows, &c);
			count++;
		}
		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
	}
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	desk_put_rows(r, &rows, count, err == HF_OK);
	if (err == HF_OK)
		pack_bin(&r->out, at.b, sizeof(at.b));
	return HF_OK;
}

/* The receipt of the other country for an act of ours and its index there;
 * empty and 0 while there is none (0 is no act's index: a ledger begins with
 * `start`). */
static enum hf_err delivered(struct engine *e, const struct hf_id *act,
    struct hf_country to, struct hf_bytes *row, uint64_t *index)
{
	struct row_key k = {0};
	struct hf_receipt receipt;
	enum hf_err err;

	*row = bytes_of(NULL, 0);
	*index = 0;
	row_add(&k, act->b, sizeof(act->b));
	row_add(&k, to.s, HF_COUNTRY_SIZE);
	err = txn_get(e->txn, TABLE_RECEIPTS, row_bytes(&k), row);
	if (err == HF_NOTFOUND)
		return HF_OK;
	if (err == HF_OK &&
	    hf_receipt_decode(&receipt, row->data, row->size) != HF_OK)
		return HF_CORRUPT;
	if (err == HF_OK)
		*index = receipt.index;
	return err;
}

/* One entry of ours, if it is an act that was to go abroad. */
static enum hf_err pack_sent(
    struct engine *e, struct pack *rows, uint64_t index, unsigned *count)
{
	struct hf_bytes core, envelope, sigs;
	struct hf_ledger_leaf leaf;
	struct hf_envelope env;
	struct hf_country to;
	struct hf_bytes receipt;
	uint64_t there;
	enum hf_err err = ledger_leaf(e, index, &leaf);

	if (err != HF_OK || !hf_entry_is_act(leaf.type) ||
	    leaf.type == HF_ENTRY_FOREIGN)
		return err;
	err = ledger_act(e, index, &core, &envelope, &sigs);
	if (err == HF_OK)
		err = hf_envelope_decode(&env, envelope.data, envelope.size);
	if (err != HF_OK)
		return HF_CORRUPT;
	to = hf_desk_country(&env.to);
	if (same_country(&to, &e->options.country))
		return HF_OK;
	err = delivered(e, &leaf.id, to, &receipt, &there);
	if (err != HF_OK)
		return err;
	pack_array(rows, 5);
	pack_bin(rows, leaf.id.b, sizeof(leaf.id.b));
	pack_uint(rows, index);
	pack_text(rows, to.s);
	pack_uint(rows, there);
	pack_bin(rows, receipt.data, receipt.size);
	(*count)++;
	return HF_OK;
}

enum hf_err desk_receipts(struct request *r)
{
	uint64_t at = desk_arg_uint(r, 1, 0);
	uint64_t size = r->e->frontier_saved.size;
	unsigned count = 0, scanned = 0;
	struct pack rows;

	if (!is_auditor(r))
		return HF_READ_DENIED;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (; at < size && count < HF_PAGE_ROWS && scanned < SCAN_MAX &&
	       rows.at + ENTRY_ROOM <= HF_PAGE_BYTES;
	     at++, scanned++) {
		enum hf_err err = pack_sent(r->e, &rows, at, &count);

		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
	}
	desk_put_rows(r, &rows, count, at < size);
	if (at < size)
		pack_uint(&r->out, at);
	return HF_OK;
}

/* The certificate of erasure that the other country of a case sent. */
static enum hf_err pack_certificate(struct engine *e, struct pack *rows,
    const struct case_record *c, unsigned *count)
{
	struct hf_country peer = hf_desk_country(&c->from);
	struct row_key k = {0};
	struct hf_bytes receipt;
	enum hf_err err;

	if (same_country(&peer, &e->options.country))
		peer = hf_desk_country(&c->to);
	row_add(&k, c->id.b, sizeof(c->id.b));
	row_add(&k, peer.s, HF_COUNTRY_SIZE);
	row_add(&k, "erased", 6);
	err = txn_get(e->txn, TABLE_RECEIPTS, row_bytes(&k), &receipt);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	pack_array(rows, 3);
	pack_bin(rows, c->id.b, sizeof(c->id.b));
	pack_text(rows, peer.s);
	pack_bin(rows, receipt.data, receipt.size);
	(*count)++;
	return HF_OK;
}

enum hf_err desk_certificates(struct request *r)
{
	struct hf_bytes none = {NULL, 0}, key, value;
	struct hf_id at = {{0}};
	bool after = desk_arg_id(r, 1, &at) == HF_OK;
	unsigned count = 0, scanned = 0;
	struct pack rows;
	enum hf_err err;

	if (!is_auditor(r))
		return HF_READ_DENIED;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	while ((err = txn_next(r->e->txn, TABLE_CASES, none,
		    after ? bytes_of(at.b, sizeof(at.b)) : none, after, &key,
		    &value)) == HF_OK &&
	       count < HF_PAGE_ROWS && scanned++ < SCAN_MAX &&
	       rows.at + ENTRY_ROOM <= HF_PAGE_BYTES) {
		struct case_record c;

		if (key.size != sizeof(at.b))
			return HF_CORRUPT;
		memcpy(at.b, key.data, sizeof(at.b));
		after = true;
		err = case_load(r->e, &at, &c);
		if (err == HF_OK)
			err = pack_certificate(r->e, &rows, &c, &count);
		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
	}
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	desk_put_rows(r, &rows, count, err == HF_OK);
	if (err == HF_OK)
		pack_bin(&r->out, at.b, sizeof(at.b));
	return HF_OK;
}
