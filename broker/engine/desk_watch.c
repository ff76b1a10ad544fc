/*
 * desk_watch: inboxes of desks, read by page or pushed.
 *
 * A watcher has a cursor, and at the end of a turn gets the rows after it,
 * in order, a page a turn; a watcher that lags gets the next page in a turn
 * that engine_next_mono asks for.  So an event is never lost by a slow
 * start, and one watcher costs a bounded part of a turn.
 */
#include "broker/engine/desk.h"

#include <string.h>

#define PUSH_ROWS 64u /* of one watcher a turn */
#define ROW_MEMBERS 8u
#define ROW_BYTES 160u
#define PAGE_ROWS 48u /* ten values each: a frame has 1,024 */

static void inbox_key(
    struct row_key *k, const struct hf_desk *desk, uint64_t sequence)
{
	*k = (struct row_key){0};
	row_add(k, desk->s, strlen(desk->s) + 1);
	row_add_be64(k, sequence);
}

/** What stands in a desk's inbox. */
struct inbox_row {
	const struct hf_id *case_id, *act;
	unsigned kind, track;
	const struct hf_desk *from;
	unsigned type, code;
};

static enum hf_err put(
    struct engine *e, const struct hf_desk *desk, const struct inbox_row *row)
{
	uint8_t bytes[ROW_BYTES];
	struct row_key k;
	struct pack p;

	pack_init(&p, bytes, sizeof(bytes));
	pack_array(&p, ROW_MEMBERS);
	pack_bin(&p, row->case_id->b, sizeof(row->case_id->b));
	pack_bin(&p, row->act->b, sizeof(row->act->b));
	pack_uint(&p, row->kind);
	pack_uint(&p, row->track);
	pack_text(&p, row->from->s);
	pack_uint(&p, e->now.ms);
	pack_uint(&p, row->type);
	pack_uint(&p, row->code);
	for (struct desk_session *s = e->desks->sessions; s != NULL;
	     s = s->hh.next)
		if (same_desk(&s->desk, desk))
			s->news = true;
	inbox_key(&k, desk, ++e->sequence_inbox);
	return txn_put(e->txn, TABLE_INBOX, row_bytes(&k), packed(&p));
}

enum hf_err inbox_put(struct engine *e, const struct hf_desk *desk,
    const struct case_record *c, const struct hf_id *act, unsigned kind,
    unsigned track, const struct hf_desk *from, unsigned type)
{
	struct inbox_row row = {&c->id, act, kind, track, from, type, 0};

	return put(e, desk, &row);
}

enum hf_err inbox_delivered(struct engine *e, const struct hf_desk *desk,
    const struct case_record *c, const struct hf_id *act, unsigned kind,
    unsigned track, unsigned code)
{
	struct inbox_row row = {
	    &c->id, act, kind, track, desk, HF_ENTRY_DELIVERED, code};

	return put(e, desk, &row);
}

/* The first row of a desk after `sequence`. */
static enum hf_err next_row(struct engine *e, const struct hf_desk *desk,
    uint64_t *sequence, struct hf_bytes *row)
{
	struct row_key prefix = {0}, from;
	struct hf_bytes key;
	enum hf_err err;

	row_add(&prefix, desk->s, strlen(desk->s) + 1);
	inbox_key(&from, desk, *sequence);
	err = txn_next(e->txn, TABLE_INBOX, row_bytes(&prefix),
	    row_bytes(&from), true, &key, row);
	if (err == HF_OK && key.size != prefix.size + 8)
		return HF_CORRUPT;
	if (err == HF_OK)
		*sequence = get_be64(key.data + prefix.size);
	return err;
}

/* ---- by page ---- */

enum hf_err desk_inbox(struct request *r)
{
	uint64_t sequence = desk_arg_uint(r, 1, 0), at = sequence;
	unsigned limit = desk_arg_limit(r, 2, PAGE_ROWS), count = 0;
	struct hf_bytes row;
	struct pack rows;
	enum hf_err err;

	pack_init(&rows, r->rows, HF_FRAME_MAX);
	while ((err = next_row(r->e, &r->who->desk, &at, &row)) == HF_OK &&
	       count < limit) {
		struct wire w;

		wire_init(&w, row.data, row.size);
		wire_array(&w, ROW_MEMBERS, ROW_MEMBERS);
		pack_array(&rows, ROW_MEMBERS + 1);
		pack_uint(&rows, at);
		for (unsigned i = 0; i < ROW_MEMBERS; i++)
			pack_raw(&rows, wire_skip(&w));
		wire_close(&w);
		if (wire_finish(&w) != HF_OK)
			return HF_CORRUPT;
		sequence = at;
		count++;
	}
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	desk_put_rows(r, &rows, count, err == HF_OK);
	if (err == HF_OK)
		pack_uint(&r->out, sequence);
	return HF_OK;
}

/* ---- pushed ---- */

enum hf_err desk_watch(struct request *r)
{
	struct desk_session *s = desk_session_of(r);

	if (s == NULL)
		return HF_BUSY;
	s->watching = true;
	s->news = true;
	s->desk = r->who->desk;
	s->cursor = desk_arg_uint(r, 1, 0);
	if (s->cursor > r->e->sequence_inbox)
		s->cursor = r->e->sequence_inbox; /* from now on */
	pack_map(&r->out, 1);
	pack_uint(&r->out, 1);
	pack_uint(&r->out, s->cursor);
	return HF_OK;
}

/* [1, desk, sequence, map] of one inbox row */
static enum hf_err push_row(struct engine *e, uint64_t conn,
    const struct hf_desk *desk, uint64_t sequence, struct hf_bytes row)
{
	uint8_t frame[ROW_BYTES + 64];
	struct pack p;
	struct wire w;

	wire_init(&w, row.data, row.size);
	wire_array(&w, ROW_MEMBERS, ROW_MEMBERS);
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 4);
	pack_uint(&p, HF_EVENT);
	pack_text(&p, desk->s);
	pack_uint(&p, sequence);
	pack_map(&p, ROW_MEMBERS);
	for (unsigned i = 1; i <= ROW_MEMBERS; i++) {
		pack_uint(&p, i);
		pack_raw(&p, wire_skip(&w));
	}
	wire_close(&w);
	if (wire_finish(&w) != HF_OK)
		return HF_CORRUPT;
	return effect_send_pack(e, false, conn, &p);
}

/* A page for one watcher, if he may still listen. */
static enum hf_err push(struct engine *e, struct desk_session *s)
{
	const struct officer_entry *o =
	    roster_officer_by_transport(e->roster, e->options.country, &s->key);

	if (o == NULL || !same_desk(&o->desk, &s->desk) ||
	    roster_officer_now(
		e->roster, e->options.country, &o->sign, e->now, &o) != HF_OK) {
		s->watching = false;
		effect_simple(e, EFFECT_CUT, &s->key, 0);
		return HF_OK;
	}
	for (unsigned i = 0; i < PUSH_ROWS; i++) {
		struct hf_bytes row;
		enum hf_err err = next_row(e, &o->desk, &s->cursor, &row);

		if (err == HF_NOTFOUND) {
			s->news = false;
			return HF_OK;
		}
		if (err == HF_OK)
			err = push_row(e, s->conn, &o->desk, s->cursor, row);
		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}

enum hf_err desk_push_all(struct engine *e)
{
	enum hf_err err = HF_OK;

	for (struct desk_session *s = e->desks->sessions;
	     s != NULL && err == HF_OK; s = s->hh.next)
		if (s->watching && s->news)
			err = push(e, s);
	return err;
}

bool desk_lags(const struct engine *e)
{
	for (const struct desk_session *s = e->desks->sessions; s != NULL;
	     s = s->hh.next)
		if (s->watching && s->news)
			return true;
	return false;
}

void desk_begin(struct engine *e)
{
	for (struct desk_session *s = e->desks->sessions; s != NULL;
	     s = s->hh.next) {
		s->watching_saved = s->watching;
		s->cursor_saved = s->cursor;
	}
}

void desk_abandon(struct engine *e)
{
	for (struct desk_session *s = e->desks->sessions; s != NULL;
	     s = s->hh.next) {
		s->watching = s->watching_saved;
		s->cursor = s->cursor_saved;
		s->news = true;
	}
}
