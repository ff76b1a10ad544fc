/*
 * desk_read: what parties read: cases, their acts and bodies.
 *
 * Reading what is in a case is on record, for its officer and minute.  A
 * case that may not be read is answered like one that is not here, so that
 * references cannot be tried out.
 */
#include "broker/engine/desk.h"

#include <string.h>

#define SCAN_MAX 512u /* cases looked at for one answer */

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

/* One case of a listing, if it is to be in it. */
static enum hf_err list_case(struct request *r, struct pack *rows,
    const struct hf_id *id, bool open_only, unsigned *count)
{
	struct case_record c;
	enum hf_err err = case_load(r->e, id, &c);

	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	if (c.kind == 0 || (open_only && !is_open(&c)) ||
	    case_access(r->e, &c, r->who) == ACCESS_NONE)
		return HF_OK;
	(*count)++;
	return summary_pack(r->e, rows, &c, r->who);
}

enum hf_err desk_cases(struct request *r)
{
	struct hf_bytes none = {NULL, 0}, key, value;
	struct hf_id at = {{0}};
	bool after = desk_arg_id(r, 1, &at) == HF_OK;
	bool open_only = desk_arg_uint(r, 3, 0) != 0;
	unsigned limit = desk_arg_limit(r, 2, SUMMARY_ROWS), count = 0;
	unsigned scanned = 0;
	struct pack rows;
	enum hf_err err;

	pack_init(&rows, r->rows, HF_FRAME_MAX);
	while ((err = txn_next(r->e->txn, TABLE_CASES, none,
		    after ? bytes_of(at.b, sizeof(at.b)) : none, after, &key,
		    &value)) == HF_OK &&
	       count < limit && scanned++ < SCAN_MAX) {
		if (key.size != sizeof(at.b))
			return HF_CORRUPT;
		memcpy(at.b, key.data, sizeof(at.b));
		after = true;
		err = list_case(r, &rows, &at, open_only, &count);
		if (err != HF_OK)
			return err;
	}
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	desk_put_rows(r, &rows, count, err == HF_OK);
	if (err == HF_OK)
		pack_bin(&r->out, at.b, sizeof(at.b));
	return HF_OK;
}

enum hf_err desk_open_case(
    struct request *r, struct case_record *c, enum case_access *access)
{
	char ref[HF_REF_MAX] = {0};
	struct hf_id id;
	enum hf_err err = desk_arg_id(r, 1, &id);

	if (err != HF_OK && r->arg[2].bytes.size > 0 &&
	    r->arg[2].bytes.size < sizeof(ref)) {
		memcpy(ref, r->arg[2].bytes.data, r->arg[2].bytes.size);
		/* who sends a bin may have put a NUL into it */
		err = strlen(ref) == r->arg[2].bytes.size
			  ? case_by_ref(r->e, ref, &id)
			  : HF_NOTFOUND;
	}
	if (err == HF_OK)
		err = case_load(r->e, &id, c);
	if (err == HF_NOTFOUND || (err == HF_OK && c->kind == 0))
		return HF_UNKNOWN_CASE;
	if (err != HF_OK)
		return err;
	*access = case_access(r->e, c, r->who);
	if (*access != ACCESS_NONE)
		return tally_read(r->e, &r->who->sign, &c->id);
	err = tally_refusal(r->e, &r->who->sign, HF_READ_DENIED);
	return err == HF_OK ? HF_UNKNOWN_CASE : err;
}

enum hf_err desk_case(struct request *r)
{
	enum case_access access;
	struct case_record c;
	enum hf_err err = desk_open_case(r, &c, &access);

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

/* One act as a row, unless it needs another page (*fits). */
static enum hf_err pack_act(struct request *r, struct pack *rows,
    const struct case_record *c, unsigned track, uint32_t gen,
    enum case_access access, bool *fits)
{
	uint8_t frame[HF_ACT_MAX], receipt[HF_RECEIPT_MAX];
	size_t size, receipt_size;
	struct hf_act act;
	uint64_t index;
	enum hf_err err = case_place(r->e, &c->id, track, gen, &index);

	if (err == HF_OK)
		err = case_act_frame(r->e, c, index, access == ACCESS_FULL,
		    frame, sizeof(frame), &size);
	if (err == HF_NOTFOUND ||
	    (err == HF_OK && hf_act_decode(&act, frame, size) != HF_OK))
		err = HF_CORRUPT;
	if (err == HF_OK)
		err = ledger_home_receipt(r->e, index, receipt, &receipt_size);
	if (err == HF_NOTFOUND) { /* no signed head covers it yet */
		receipt_size = 0;
		err = HF_OK;
	}
	if (err != HF_OK)
		return err;
	/* the largest act and its receipt are more than a page, and fit a
	 * frame: a page has one row at least */
	*fits =
	    rows->at == 0 || rows->at + size + receipt_size <= HF_PAGE_BYTES;
	if (!*fits)
		return HF_OK;
	pack_array(rows, 4);
	pack_bin(rows, frame, size);
	pack_bin(rows, receipt, receipt_size);
	pack_uint(rows, track > HF_TRACK_ASKED
			    ? 0
			    : r->e->work_acts[track][gen - 1].clause);
	pack_uint(rows, index);
	return HF_OK;
}

enum hf_err desk_acts(struct request *r)
{
	uint64_t track = desk_arg_uint(r, 2, 0), gen = desk_arg_uint(r, 3, 1);
	unsigned limit = desk_arg_limit(r, 4, HF_PAGE_ROWS), count = 0;
	enum case_access access;
	struct case_record c;
	struct pack rows;
	bool fits = true;
	enum hf_err err;

	if (track >= HF_TRACK_COUNT)
		return HF_RANGE;
	err = desk_open_case(r, &c, &access);
	if (err == HF_OK && !may_read_track(r, &c, (unsigned)track))
		err = HF_READ_DENIED;
	if (err == HF_OK)
		err = case_fold(r->e, &c);
	if (err != HF_OK)
		return err;
	if (gen == 0)
		gen = 1;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	while (gen <= c.gens[track] && count < limit) {
		err = pack_act(r, &rows, &c, (unsigned)track, (uint32_t)gen,
		    access, &fits);
		if (err != HF_OK)
			return err;
		if (!fits)
			break;
		gen++;
		count++;
	}
	desk_put_rows(r, &rows, count, gen <= c.gens[track]);
	if (gen <= c.gens[track])
		pack_uint(&r->out, gen);
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
	if (case_access(r->e, &c, r->who) == ACCESS_NONE) {
		err = tally_refusal(r->e, &r->who->sign, HF_READ_DENIED);
		return err == HF_OK ? HF_UNKNOWN_ACT : err;
	}
	if (case_access(r->e, &c, r->who) != ACCESS_FULL ||
	    !may_read_track(r, &c, e.track))
		return HF_READ_DENIED;
	err = tally_read(r->e, &r->who->sign, &c.id);
	if (err == HF_OK)
		err = case_body_get(r->e, &c, &act, r->rows, &size);
	if (err == HF_NOTFOUND && sigs.size > 1) /* it was taken back */
		err = HF_ERASED;
	if (err != HF_OK)
		return err;
	pack_map(&r->out, 1);
	pack_uint(&r->out, 1);
	pack_bin(&r->out, r->rows, size);
	return HF_OK;
}
