/*
 * desk: one request, one response; sessions, inboxes and pushed events.
 *
 * The gate says which transport key a connection has; who that is, and
 * whether he may speak, is asked of the roster again for each frame.
 */
#include <uthash.h>

#include "broker/engine/desk.h"
#include "proto/crypto.h"

#include <stdlib.h>
#include <string.h>

#define SESSIONS_MAX 1024u
#define PUSH_ROWS 64u /* of one watcher a turn */

struct desk_table *desk_table_new(void)
{
	struct desk_table *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->rows = malloc(HF_FRAME_MAX);
	d->out = malloc(HF_FRAME_MAX);
	if (d->rows == NULL || d->out == NULL) {
		desk_table_free(d);
		return NULL;
	}
	return d;
}

static void drop(struct desk_table *d, struct desk_session *s)
{
	HASH_DEL(d->sessions, s);
	d->count--;
	free(s->upload);
	free(s);
}

void desk_table_free(struct desk_table *d)
{
	struct desk_session *s, *next;

	if (d == NULL)
		return;
	HASH_ITER (hh, d->sessions, s, next) {
		drop(d, s);
	}
	free(d->rows);
	free(d->out);
	free(d);
}

void desk_gone(struct engine *e, uint64_t conn)
{
	struct desk_session *s = NULL, *next;

	if (conn == 0) { /* the gate is gone: all of them */
		HASH_ITER (hh, e->desks->sessions, s, next) {
			drop(e->desks, s);
		}
		return;
	}
	HASH_FIND(hh, e->desks->sessions, &conn, sizeof(conn), s);
	if (s != NULL)
		drop(e->desks, s);
}

struct desk_session *desk_session_of(struct request *r)
{
	struct desk_table *d = r->e->desks;
	struct desk_session *s = NULL;

	HASH_FIND(hh, d->sessions, &r->ev->conn, sizeof(r->ev->conn), s);
	if (s != NULL)
		return s;
	if (d->count == SESSIONS_MAX || (s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->conn = r->ev->conn;
	s->key = r->ev->key;
	s->desk = r->who->desk;
	HASH_ADD(hh, d->sessions, conn, sizeof(s->conn), s);
	d->count++;
	return s;
}

/* ---- inbox and events ---- */

static void inbox_key(
    struct row_key *k, const struct hf_desk *desk, uint64_t sequence)
{
	*k = (struct row_key){0};
	row_add(k, desk->s, strlen(desk->s) + 1);
	row_add_be64(k, sequence);
}

enum hf_err inbox_put(struct engine *e, const struct hf_desk *desk,
    const struct case_record *c, const struct hf_id *act, unsigned kind,
    unsigned track, const struct hf_desk *from, unsigned type)
{
	uint8_t row[192];
	struct row_key k;
	struct pack p;
	size_t size;
	enum hf_err err;

	pack_init(&p, row, sizeof(row));
	pack_array(&p, 7);
	pack_bin(&p, c->id.b, sizeof(c->id.b));
	pack_bin(&p, act->b, sizeof(act->b));
	pack_uint(&p, kind);
	pack_uint(&p, track);
	pack_text(&p, from->s);
	pack_uint(&p, e->now.ms);
	pack_uint(&p, type);
	err = pack_finish(&p, &size);
	if (err != HF_OK)
		return err;
	inbox_key(&k, desk, ++e->sequence_inbox);
	err = txn_put(e->txn, TABLE_INBOX, row_bytes(&k), bytes_of(row, size));
	for (struct desk_session *s = e->desks->sessions;
	     s != NULL && err == HF_OK; s = s->hh.next)
		if (s->watching && same_desk(&s->desk, desk))
			err = desk_push(e, s);
	return err;
}

/* [1, desk, sequence, map] of one inbox row */
static enum hf_err push_row(struct engine *e, struct desk_session *s,
    uint64_t sequence, struct hf_bytes row)
{
	uint8_t frame[256];
	struct pack p;
	struct wire w;
	size_t size;
	enum hf_err err;

	wire_init(&w, row.data, row.size);
	wire_array(&w, 7, 7);
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 4);
	pack_uint(&p, HF_EVENT);
	pack_text(&p, s->desk.s);
	pack_uint(&p, sequence);
	pack_map(&p, 7);
	for (unsigned i = 1; i <= 7; i++) {
		pack_uint(&p, i);
		pack_raw(&p, wire_skip(&w));
	}
	wire_close(&w);
	if (wire_finish(&w) != HF_OK)
		return HF_CORRUPT;
	err = pack_finish(&p, &size);
	return err == HF_OK
		   ? effect_send(e, false, s->conn, bytes_of(frame, size), true)
		   : err;
}

enum hf_err desk_push(struct engine *e, struct desk_session *s)
{
	struct row_key prefix = {0}, from;

	row_add(&prefix, s->desk.s, strlen(s->desk.s) + 1);
	for (unsigned i = 0; i < PUSH_ROWS; i++) {
		struct hf_bytes key, value;
		enum hf_err err;

		inbox_key(&from, &s->desk, s->cursor);
		err = txn_next(e->txn, TABLE_INBOX, row_bytes(&prefix),
		    row_bytes(&from), true, &key, &value);
		if (err == HF_NOTFOUND)
			return HF_OK;
		if (err != HF_OK)
			return err;
		s->cursor = get_be64(key.data + key.size - 8);
		err = push_row(e, s, s->cursor, value);
		if (err != HF_OK)
			return err;
	}
	/* it lags: it must watch again from its own cursor */
	s->watching = false;
	return HF_OK;
}

static enum hf_err desk_watch(struct request *r)
{
	struct desk_session *s = desk_session_of(r);

	if (s == NULL)
		return HF_BUSY;
	s->watching = true;
	s->cursor = desk_arg_uint(r, 1, 0);
	if (s->cursor > r->e->sequence_inbox)
		s->cursor = r->e->sequence_inbox; /* from now on */
	pack_map(&r->out, 0);
	return desk_push(r->e, s);
}

/* ---- submit ---- */

static enum hf_err desk_submit(struct request *r)
{
	struct intake_result result = {0};
	struct hf_bytes opening = {NULL, 0};
	enum hf_err err;

	if (!r->arg[1].has)
		return HF_MISSING_KEY;
	if (r->arg[2].has) {
		opening = r->arg[2].bytes;
		if (opening.size != HF_SALT_SIZE + HF_ID_SIZE)
			return HF_RANGE;
	}
	err = intake_own(r->e, r->who, r->arg[1].bytes, opening, &result);
	if (err != HF_OK) {
		effect_log(r->e, err, "submit-refused", &result.case_id,
		    &result.id, NULL);
		return err;
	}
	effect_log(r->e, HF_OK, "entered", &result.case_id, &result.id, NULL);
	pack_map(&r->out, 5);
	pack_uint(&r->out, 1);
	pack_bin(&r->out, result.id.b, sizeof(result.id.b));
	pack_uint(&r->out, 2);
	pack_uint(&r->out, result.index);
	pack_uint(&r->out, 4);
	pack_bin(&r->out, result.case_id.b, sizeof(result.case_id.b));
	pack_uint(&r->out, 5);
	pack_uint(&r->out, result.state);
	pack_uint(&r->out, 6);
	pack_uint(&r->out, result.flags);
	r->has_receipt = true;
	r->receipt_index = result.index;
	return HF_OK;
}

/* ---- one request ---- */

static const desk_op ops[HF_OP_COUNT] = {
    [HF_OP_HELLO] = desk_hello,
    [HF_OP_SUBMIT] = desk_submit,
    [HF_OP_INBOX] = desk_inbox,
    [HF_OP_CASES] = desk_cases,
    [HF_OP_CASE] = desk_case,
    [HF_OP_ACTS] = desk_acts,
    [HF_OP_WATCH] = desk_watch,
    [HF_OP_ROSTER] = desk_roster,
    [HF_OP_DOCUMENT] = desk_document,
    [HF_OP_PUBLISH] = desk_publish,
    [HF_OP_ENTRIES] = desk_entries,
    [HF_OP_HEAD] = desk_head,
    [HF_OP_CONSISTENCY] = desk_consistency,
    [HF_OP_RECEIPT] = desk_receipt,
    [HF_OP_STATUS] = desk_status,
    [HF_OP_PEERS] = desk_peers,
    [HF_OP_QUEUE] = desk_queue,
    [HF_OP_DEADLINES] = desk_deadlines,
    [HF_OP_ORDERS] = desk_orders,
    [HF_OP_STATES] = desk_states,
    [HF_OP_RECEIPTS] = desk_receipts,
    [HF_OP_BODY] = desk_body,
};

enum hf_err desk_arg_id(const struct request *r, unsigned key, struct hf_id *id)
{
	if (!r->arg[key].has || r->arg[key].bytes.size != sizeof(id->b))
		return HF_MISSING_KEY;
	memcpy(id->b, r->arg[key].bytes.data, sizeof(id->b));
	return HF_OK;
}

uint64_t desk_arg_uint(const struct request *r, unsigned key, uint64_t fallback)
{
	return r->arg[key].has ? r->arg[key].number : fallback;
}

void desk_put_rows(struct request *r, const struct pack *rows, unsigned count)
{
	pack_uint(&r->out, 1);
	pack_array(&r->out, count);
	pack_raw(&r->out, bytes_of(rows->data, rows->at));
}

static void read_args(struct request *r, struct wire *w)
{
	int key;

	wire_map(w, HF_MAP_MAX);
	while ((key = wire_key(w)) >= 0) {
		if (key == 0 || key >= (int)DESK_ARGS) {
			wire_skip(w); /* of a later version */
			continue;
		}
		r->arg[key].has = true;
		switch (wire_peek(w)) {
		case WIRE_UINT:
			r->arg[key].number = wire_uint(w, UINT64_MAX);
			break;
		case WIRE_BOOL:
			r->arg[key].number = wire_bool(w);
			break;
		case WIRE_STR:
			r->arg[key].bytes = wire_str(w, 0, HF_TEXT_MAX);
			break;
		default:
			r->arg[key].bytes = wire_bin(w, 0, HF_FRAME_MAX);
			break;
		}
	}
	wire_close(w);
}

static void begin_response(struct request *r, enum hf_err code)
{
	pack_init(&r->out, r->e->desks->out, HF_FRAME_MAX);
	pack_array(&r->out, r->has_receipt ? 5 : 4);
	pack_uint(&r->out, HF_RESPONSE);
	pack_uint(&r->out, r->id);
	pack_uint(&r->out, (uint64_t)code);
}

static enum hf_err respond(struct request *r, enum hf_err err)
{
	struct hf_bytes frame;
	size_t size;

	if (err != HF_OK) {
		r->has_receipt = false;
		begin_response(r, err);
		pack_map(&r->out, 0);
	}
	err = pack_finish(&r->out, &size);
	if (err != HF_OK)
		return HF_INTERNAL;
	frame = bytes_of(r->out.data, size);
	if (!r->has_receipt)
		return effect_send(r->e, false, r->ev->conn, frame, false);
	return effect_send_receipts(
	    r->e, false, r->ev->conn, frame, &r->receipt_index, 1);
}

static enum hf_err run(struct request *r)
{
	enum hf_err err;

	if (r->op >= HF_OP_COUNT || ops[r->op] == NULL)
		return respond(r, HF_FRAME);
	/* room for a head of five members is kept by writing it last */
	r->has_receipt = r->op == HF_OP_SUBMIT;
	begin_response(r, HF_OK);
	r->has_receipt = false;
	err = ops[r->op](r);
	if (err == HF_NOTFOUND)
		err = r->op == HF_OP_CASE ? HF_UNKNOWN_CASE : HF_UNKNOWN_ACT;
	if (err != HF_OK && err != HF_ERASED && !is_refusal(err) &&
	    hf_err_info(err)->class != HF_CLASS_NONE)
		return err; /* the turn is lost */
	if (err != HF_OK) {
		enum hf_err tally = tally_refusal(r->e, &r->who->sign, err);

		if (tally != HF_OK)
			return tally;
	}
	return respond(r, err);
}

/* The officer behind this connection, as of this transaction. */
static enum hf_err identify(struct request *r)
{
	struct engine *e = r->e;
	const struct officer_entry *o =
	    roster_officer_by_transport(e->roster, &r->ev->key);
	const struct desk_entry *desk;
	enum hf_err err;

	if (o == NULL || !desk_is_ours(e, &o->desk))
		return HF_UNKNOWN_OFFICER;
	err = roster_officer_check(e->roster, &o->sign, e->now, &r->who);
	if (err != HF_OK)
		return err;
	desk = roster_desk(e->roster, &o->desk);
	r->desk_type = desk == NULL ? 0 : desk->type;
	return HF_OK;
}

enum hf_err desk_frame(struct engine *e, const struct event *ev)
{
	struct request r = {.e = e, .ev = ev, .rows = e->desks->rows};
	struct wire w;
	enum hf_err err = identify(&r);

	if (err != HF_OK) {
		effect_simple(e, EFFECT_CUT, &ev->key, 0);
		return tally_refusal(e, &ev->key, err);
	}
	wire_init(&w, ev->frame.data, ev->frame.size);
	wire_array(&w, 3, 3);
	r.op = (unsigned)wire_uint(&w, UINT16_MAX);
	r.id = wire_uint(&w, UINT64_MAX);
	if (w.err != HF_OK) {
		effect_simple(e, EFFECT_CUT, &ev->key, 0);
		return tally_refusal(e, &r.who->sign, HF_FRAME);
	}
	read_args(&r, &w);
	wire_close(&w);
	err = wire_finish(&w);
	if (err != HF_OK) {
		enum hf_err tally = tally_refusal(e, &r.who->sign, err);

		return tally == HF_OK ? respond(&r, err) : tally;
	}
	return run(&r);
}
