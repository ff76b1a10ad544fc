/*
 * desk_due: deadlines, and the orders that rest on a case.
 */
#include "broker/engine/desk.h"

#include <string.h>

#define SCAN_MAX 1024u /* rows looked at for one answer */

/* The act that a deadline hangs on; zeros when there is none. */
static enum hf_err act_of(
    struct engine *e, const struct due_row *d, struct hf_id *act)
{
	struct hf_ledger_leaf leaf;
	uint64_t index;
	enum hf_err err;

	*act = (struct hf_id){{0}};
	if ((d->gen & 0xffffu) == 0)
		return HF_OK;
	err = case_place(e, &d->id, d->gen >> 16, d->gen & 0xffffu, &index);
	if (err == HF_OK)
		err = ledger_leaf(e, index, &leaf);
	if (err == HF_OK)
		*act = leaf.id;
	return err == HF_NOTFOUND ? HF_CORRUPT : err;
}

static enum hf_err pack_due(
    struct request *r, struct pack *rows, const struct due_row *d)
{
	struct hf_id act;
	enum hf_err err = act_of(r->e, d, &act);

	pack_array(rows, 4);
	pack_bin(rows, d->id.b, sizeof(d->id.b));
	pack_uint(rows, d->type);
	pack_uint(rows, d->at.ms);
	pack_bin(rows, act.b, id_is_zero(&act) ? 0 : sizeof(act.b));
	return err;
}

/* Where a page of one case ended: type u8, gen be32. */
#define CASE_CURSOR 5u

static enum hf_err due_of_case(struct request *r)
{
	struct hf_bytes cursor = r->arg[2].bytes;
	uint8_t next[CASE_CURSOR];
	enum case_access access;
	struct due_row d = {.type = 0};
	struct case_record c;
	unsigned count = 0;
	struct pack rows;
	enum hf_err err;

	if (cursor.size == CASE_CURSOR) {
		d.type = cursor.data[0];
		d.gen = get_be32(cursor.data + 1);
	} else if (cursor.size > 0) {
		return HF_RANGE;
	}
	/* argument 2 is no reference here */
	r->arg[2].bytes = bytes_of(NULL, 0);
	err = desk_open_case(r, &c, &access);
	if (err != HF_OK)
		return err;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	d.id = c.id;
	while (
	    count < HF_PAGE_ROWS && (err = due_show_case(r->e, &d)) == HF_OK) {
		err = pack_due(r, &rows, &d);
		if (err != HF_OK)
			return err;
		count++;
	}
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	desk_put_rows(r, &rows, count, err == HF_OK);
	next[0] = (uint8_t)d.type;
	put_be32(next + 1, d.gen);
	if (err == HF_OK)
		pack_bin(&r->out, next, sizeof(next));
	return HF_OK;
}

static bool may_read(struct request *r, const struct hf_id *id)
{
	struct case_record c;

	return is_there(r->e, case_load(r->e, id, &c)) &&
	       case_access(r->e, &c, r->who) != ACCESS_NONE;
}

enum hf_err desk_deadlines(struct request *r)
{
	unsigned count = 0, scanned = 0;
	struct row_key at = {0};
	struct due_row d;
	struct pack rows;
	enum hf_err err = HF_OK;

	if (r->arg[1].has)
		return due_of_case(r);
	if (r->arg[2].bytes.size > sizeof(at.b))
		return HF_RANGE;
	if (r->arg[2].bytes.size > 0)
		row_add(&at, r->arg[2].bytes.data, r->arg[2].bytes.size);
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	while (count < HF_PAGE_ROWS && scanned++ < SCAN_MAX &&
	       (err = due_show(r->e, &at, &d)) == HF_OK) {
		if (!may_read(r, &d.id))
			continue;
		err = pack_due(r, &rows, &d);
		if (err != HF_OK)
			return err;
		count++;
	}
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	desk_put_rows(r, &rows, count, err == HF_OK);
	if (err == HF_OK)
		pack_bin(&r->out, at.b, at.size);
	return HF_OK;
}

enum hf_err desk_orders(struct request *r)
{
	struct hf_id dependent = {{0}};
	bool first = desk_arg_id(r, 2, &dependent) != HF_OK;
	enum case_access access;
	struct case_record c;
	unsigned count = 0;
	struct pack rows;
	enum hf_err err = desk_open_case(r, &c, &access);

	if (err != HF_OK)
		return err;
	pack_init(&rows, r->rows, HF_FRAME_MAX);
	while (count < SUMMARY_ROWS && (err = case_next_dependent(r->e, &c.id,
					    &dependent, first)) == HF_OK) {
		struct case_record order;

		first = false;
		err = case_load(r->e, &dependent, &order);
		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
		if (case_access(r->e, &order, r->who) == ACCESS_NONE)
			continue;
		err = summary_pack(r->e, &rows, &order, r->who);
		if (err != HF_OK)
			return err;
		count++;
	}
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	desk_put_rows(r, &rows, count, err == HF_OK);
	if (err == HF_OK)
		pack_bin(&r->out, dependent.b, sizeof(dependent.b));
	return HF_OK;
}
