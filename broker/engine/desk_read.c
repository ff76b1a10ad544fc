/*
 * desk_read: what parties read: inbox, cases, acts, bodies, deadlines.
 * Reading a case's content is tallied.
 */
#include <uthash.h>

#include "broker/engine/desk.h"

#include <string.h>

#define ROW_BYTES 768u /* a summary is at most about 500 */
#define SCAN_MAX 512u  /* cases looked at for one answer */

static unsigned limit_of(const struct request *r, unsigned key)
{
	uint64_t n = desk_arg_uint(r, key, HF_PAGE_ROWS);

	return n == 0 || n > HF_PAGE_ROWS ? HF_PAGE_ROWS : (unsigned)n;
}

static bool has_room(const struct pack *rows, size_t more)
{
	return rows->at + more <= HF_PAGE_BYTES;
}

/* ---- inbox ---- */

enum hf_err desk_inbox(struct request *r)
{
	struct row_key prefix = {0}, from;
	uint64_t sequence = desk_arg_uint(r, 1, 0);
	unsigned limit = limit_of(r, 2), count = 0;
	struct pack rows;
	bool more = false;

	row_add(&prefix, r->who->desk.s, strlen(r->who->desk.s) + 1);
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (;;) {
		struct hf_bytes key, value;
		struct wire w;
		enum hf_err err;

		from = prefix;
		row_add_be64(&from, sequence);
		err = txn_next(r->e->txn, TABLE_INBOX, row_bytes(&prefix),
		    row_bytes(&from), true, &key, &value);
		if (err == HF_NOTFOUND)
			break;
		if (err != HF_OK)
			return err;
		if (count == limit || !has_room(&rows, ROW_BYTES)) {
			more = true;
			break;
		}
		sequence = get_be64(key.data + key.size - 8);
		wire_init(&w, value.data, value.size);
		wire_array(&w, 7, 7);
		pack_array(&rows, 7);
		pack_uint(&rows, sequence);
		for (unsigned i = 0; i < 6; i++)
			pack_raw(&rows, wire_skip(&w));
		wire_skip(&w);
		wire_close(&w);
		if (wire_finish(&w) != HF_OK)
			return HF_CORRUPT;
		count++;
	}
	pack_map(&r->out, more ? 2 : 1);
	desk_put_rows(r, &rows, count);
	if (more) {
		pack_uint(&r->out, 2);
		pack_uint(&r->out, sequence);
	}
	return HF_OK;
}

/* ---- cases ---- */

static bool is_open(const struct case_record *c)
{
	switch (c->state) {
	case HF_STATE_RELEASED:
	case HF_STATE_ENDED:
	case HF_STATE_DECLINED:
	case HF_STATE_EXPIRED:
	case HF_STATE_LAPSED:
	case HF_STATE_NOT_SUPPORTED:
		return false;
	default:
		return !c->erased;
	}
}

enum hf_err desk_cases(struct request *r)
{
	struct hf_bytes none = {NULL, 0};
	struct hf_id at = {{0}};
	bool after = desk_arg_id(r, 1, &at) == HF_OK, more = false;
	bool open_only = desk_arg_uint(r, 3, 0) != 0;
	unsigned limit = limit_of(r, 2), count = 0;
	struct pack rows;

	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (unsigned scanned = 0;; scanned++) {
		struct case_record c;
		struct hf_bytes key, value;
		enum hf_err err = txn_next(r->e->txn, TABLE_CASES, none,
		    after ? bytes_of(at.b, sizeof(at.b)) : none, after, &key,
		    &value);

		if (err == HF_NOTFOUND)
			break;
		if (err != HF_OK)
			return err;
		if (count == limit || scanned == SCAN_MAX ||
		    !has_room(&rows, ROW_BYTES)) {
			more = true;
			break;
		}
		memcpy(at.b, key.data, sizeof(at.b));
		after = true;
		err = case_load(r->e, &at, &c);
		if (err != HF_OK)
			return err;
		if (c.kind == 0 || (open_only && !is_open(&c)) ||
		    case_access(r->e, &c, r->who) == ACCESS_NONE)
			continue;
		err = summary_pack(r->e, &rows, &c, r->who);
		if (err != HF_OK)
			return err;
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

/* The case of argument 1 (id) or 2 (reference), if it may be read. */
static enum hf_err open_case(
    struct request *r, struct case_record *c, enum case_access *access)
{
	char ref[HF_REF_MAX] = {0};
	struct hf_id id;
	enum hf_err err = desk_arg_id(r, 1, &id);

	if (err != HF_OK && r->arg[2].has &&
	    r->arg[2].bytes.size < sizeof(ref)) {
		memcpy(ref, r->arg[2].bytes.data, r->arg[2].bytes.size);
		err = case_by_ref(r->e, ref, &id);
	}
	if (err == HF_OK)
		err = case_load(r->e, &id, c);
	if (err == HF_NOTFOUND || (err == HF_OK && c->kind == 0))
		return HF_UNKNOWN_CASE;
	if (err != HF_OK)
		return err;
	*access = case_access(r->e, c, r->who);
	if (*access == ACCESS_NONE)
		return HF_READ_DENIED;
	return tally_read(r->e, &r->who->sign, &c->id);
}

enum hf_err desk_case(struct request *r)
{
	enum case_access access;
	struct case_record c;
	enum hf_err err = open_case(r, &c, &access);

	return err == HF_OK ? summary_pack(r->e, &r->out, &c, r->who) : err;
}

/* ---- acts ---- */

/* Each inner track is for its own side's desks. */
static bool may_read_track(
    const struct request *r, const struct case_record *c, unsigned track)
{
	const struct hf_desk *side;

	if (track < HF_TRACK_INNER_ASKING)
		return true;
	side = track == HF_TRACK_INNER_ASKING ? &c->from : &c->to;
	if (!desk_is_ours(r->e, side))
		return false;
	/* the other side of a domestic case is another desk of ours */
	return same_desk(&r->who->desk, side) ||
	       !same_desk(&r->who->desk,
		   track == HF_TRACK_INNER_ASKING ? &c->to : &c->from);
}

/* The receipt of the author's own broker; empty while there is none. */
static enum hf_err author_receipt(struct engine *e, uint64_t index,
    const struct hf_id *act, struct hf_country author, uint8_t *out,
    size_t *size)
{
	struct row_key k = {0};
	struct hf_bytes row;
	enum hf_err err;

	*size = 0;
	if (same_country(&author, &e->options.country)) {
		err = ledger_receipt(e, index, out, HF_RECEIPT_MAX, size);
	} else {
		row_add(&k, act->b, sizeof(act->b));
		row_add(&k, author.s, HF_COUNTRY_SIZE);
		err = txn_get(e->txn, TABLE_RECEIPTS, row_bytes(&k), &row);
		if (err == HF_OK && row.size <= HF_RECEIPT_MAX) {
			memcpy(out, row.data, row.size);
			*size = row.size;
		}
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err pack_act(struct request *r, struct pack *rows,
    const struct case_record *c, uint64_t index, unsigned clause,
    enum case_access access)
{
	uint8_t frame[HF_ACT_MAX], receipt[HF_RECEIPT_MAX];
	size_t size, receipt_size;
	struct hf_act act;
	enum hf_err err = case_act_frame(
	    r->e, c, index, access == ACCESS_FULL, frame, sizeof(frame), &size);

	if (err == HF_OK && hf_act_decode(&act, frame, size) != HF_OK)
		err = HF_CORRUPT;
	if (err == HF_OK)
		err = author_receipt(r->e, index, &act.id,
		    hf_desk_country(&act.envelope.from), receipt,
		    &receipt_size);
	if (err != HF_OK)
		return err;
	if (!has_room(rows, size + receipt_size + 32))
		return HF_FULL; /* the next page */
	pack_array(rows, 4);
	pack_bin(rows, frame, size);
	pack_bin(rows, receipt, receipt_size);
	pack_uint(rows, clause);
	pack_uint(rows, index);
	return HF_OK;
}

static unsigned clause_of(const struct engine *e, unsigned track, uint32_t gen)
{
	if (track == HF_TRACK_ASKING)
		return e->work->asking[gen - 1].clause;
	if (track == HF_TRACK_ASKED)
		return e->work->asked[gen - 1].clause;
	return 0;
}

enum hf_err desk_acts(struct request *r)
{
	unsigned track = (unsigned)desk_arg_uint(r, 2, 0);
	uint64_t gen = desk_arg_uint(r, 3, 1);
	unsigned limit = limit_of(r, 4), count = 0;
	enum case_access access;
	struct case_record c;
	struct pack rows;
	enum hf_err err;

	if (track >= HF_TRACK_COUNT)
		return HF_RANGE;
	err = open_case(r, &c, &access);
	if (err == HF_OK && !may_read_track(r, &c, track))
		err = HF_READ_DENIED;
	if (err == HF_OK)
		err = case_fold(r->e, &c);
	if (err != HF_OK)
		return err;
	if (gen == 0)
		gen = 1;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (; gen <= c.gens[track] && count < limit; gen++, count++) {
		uint64_t index;

		err = case_place(r->e, &c.id, track, (uint32_t)gen, &index);
		if (err == HF_OK)
			err = pack_act(r, &rows, &c, index,
			    clause_of(r->e, track, (uint32_t)gen), access);
		if (err == HF_FULL && count > 0)
			break;
		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
	}
	pack_map(&r->out, gen <= c.gens[track] ? 2 : 1);
	desk_put_rows(r, &rows, count);
	if (gen <= c.gens[track]) {
		pack_uint(&r->out, 2);
		pack_uint(&r->out, gen);
	}
	return HF_OK;
}

enum hf_err desk_body(struct request *r)
{
	struct hf_bytes core, envelope, sigs;
	struct hf_envelope e;
	struct hf_id act;
	struct case_record c;
	uint64_t index;
	size_t size;
	enum hf_err err = desk_arg_id(r, 1, &act);

	if (err == HF_OK)
		err = ledger_index_of(r->e, &act, &index);
	if (err == HF_OK)
		err = ledger_act(r->e, index, &core, &envelope, &sigs);
	if (err == HF_OK)
		err = hf_envelope_decode(&e, envelope.data, envelope.size);
	if (err == HF_OK)
		err = case_load(
		    r->e, HF_HAS(&e, HF_E_CASE) ? &e.case_id : &act, &c);
	if (err != HF_OK)
		return err;
	if (case_access(r->e, &c, r->who) != ACCESS_FULL ||
	    !may_read_track(r, &c, e.track))
		return HF_READ_DENIED;
	err = tally_read(r->e, &r->who->sign, &c.id);
	if (err == HF_OK)
		err = case_body_get(r->e, &c, &act, r->rows, &size);
	if (err != HF_OK)
		return err;
	pack_map(&r->out, 1);
	pack_uint(&r->out, 1);
	pack_bin(&r->out, r->rows, size);
	return HF_OK;
}

/* ---- orders, deadlines ---- */

enum hf_err desk_orders(struct request *r)
{
	struct hf_id dependent = {{0}};
	enum case_access access;
	struct case_record c;
	unsigned count = 0;
	struct pack rows;
	enum hf_err err = open_case(r, &c, &access);
	bool first = true;

	if (err != HF_OK)
		return err;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	while (count < HF_PAGE_ROWS && has_room(&rows, ROW_BYTES)) {
		struct case_record order;

		err = case_next_dependent(r->e, &c.id, &dependent, first);
		first = false;
		if (err == HF_NOTFOUND)
			break;
		if (err == HF_OK)
			err = case_load(r->e, &dependent, &order);
		if (err == HF_NOTFOUND)
			continue;
		if (err != HF_OK)
			return err;
		if (case_access(r->e, &order, r->who) == ACCESS_NONE)
			continue;
		err = summary_pack(r->e, &rows, &order, r->who);
		if (err != HF_OK)
			return err;
		count++;
	}
	pack_map(&r->out, 1);
	desk_put_rows(r, &rows, count);
	return HF_OK;
}

enum hf_err desk_deadlines(struct request *r)
{
	struct hf_bytes none = {NULL, 0};
	struct row_key from = {0};
	unsigned count = 0;
	struct pack rows;

	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (unsigned i = 0; i < SCAN_MAX && count < HF_PAGE_ROWS; i++) {
		struct hf_bytes key, value;
		struct case_record c;
		struct hf_id id;
		enum hf_err err = txn_next(r->e->txn, TABLE_DUE, none,
		    row_bytes(&from), from.size > 0, &key, &value);

		if (err == HF_NOTFOUND)
			break;
		if (err != HF_OK)
			return err;
		if (key.size != 8 + 1 + HF_ID_SIZE + 4)
			return HF_CORRUPT;
		from.size = 0;
		row_add(&from, key.data, key.size);
		memcpy(id.b, key.data + 9, sizeof(id.b));
		if (key.data[8] > HF_DUE_OUTBOX_ALARM ||
		    case_load(r->e, &id, &c) != HF_OK ||
		    case_access(r->e, &c, r->who) == ACCESS_NONE)
			continue;
		pack_array(&rows, 4);
		pack_bin(&rows, id.b, sizeof(id.b));
		pack_uint(&rows, key.data[8]);
		pack_uint(&rows, get_be64(key.data));
		pack_bin(&rows, NULL, 0);
		count++;
	}
	pack_map(&r->out, 1);
	desk_put_rows(r, &rows, count);
	return HF_OK;
}
