/*
 * desk: one request, one response.
 *
 * The gate says which transport key a connection has; who that is, and
 * whether he may speak, is asked of the roster again for each frame, in the
 * transaction that answers it.  Who may not is cut and learns nothing.  Any
 * other frame with a request id in it is answered exactly once.
 */
#include "broker/engine/desk.h"
#include "proto/crypto.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS_MAX 1024u

/* ---- sessions ---- */

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

static struct desk_session *find(struct desk_table *d, uint64_t conn)
{
	struct desk_session *s = NULL;

	HASH_FIND(hh, d->sessions, &conn, sizeof(conn), s);
	return s;
}

void desk_gone(struct engine *e, uint64_t conn)
{
	struct desk_session *s, *next;

	if (conn == 0) { /* the gate is gone, and all of them with it */
		HASH_ITER (hh, e->desks->sessions, s, next) {
			drop(e->desks, s);
		}
		return;
	}
	s = find(e->desks, conn);
	if (s != NULL)
		drop(e->desks, s);
}

struct desk_session *desk_session_of(struct request *r)
{
	struct desk_table *d = r->e->desks;
	struct desk_session *s = find(d, r->ev->conn);

	/* a gate that died may use a number again, for somebody else */
	if (s != NULL && !same_key(&s->key, &r->ev->key)) {
		drop(d, s);
		s = NULL;
	}
	if (s != NULL)
		return s;
	if (d->count == SESSIONS_MAX || (s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->conn = r->ev->conn;
	s->key = r->ev->key;
	HASH_ADD(hh, d->sessions, conn, sizeof(s->conn), s);
	if (s->lost) {
		free(s);
		return NULL;
	}
	d->count++;
	return s;
}

/* ---- arguments and results ---- */

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

unsigned desk_arg_limit(const struct request *r, unsigned key, unsigned most)
{
	uint64_t n = desk_arg_uint(r, key, most);

	return n == 0 || n > most ? most : (unsigned)n;
}

void desk_put_rows(
    struct request *r, const struct pack *rows, unsigned count, bool more)
{
	pack_map(&r->out, more ? 2 : 1);
	pack_uint(&r->out, 1);
	pack_array(&r->out, count);
	pack_raw(&r->out, bytes_of(rows->data, rows->at));
	if (more)
		pack_uint(&r->out, 2);
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

enum hf_err desk_parse(struct request *r, struct hf_bytes frame)
{
	struct wire w;

	wire_init(&w, frame.data, frame.size);
	wire_array(&w, 3, 3);
	r->op = (unsigned)wire_uint(&w, UINT16_MAX);
	r->id = wire_uint(&w, UINT64_MAX);
	r->has_id = w.err == HF_OK;
	read_args(r, &w);
	wire_close(&w);
	return wire_finish(&w);
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
    [HF_OP_CERTIFICATES] = desk_certificates,
};

/* The head of a response; a submit that is done has a receipt to come. */
static void begin_response(struct request *r, enum hf_err code)
{
	bool receipt = r->op == HF_OP_SUBMIT && code == HF_OK;

	pack_init(&r->out, r->e->desks->out, HF_FRAME_MAX);
	pack_array(&r->out, receipt ? 5 : 4);
	pack_uint(&r->out, HF_RESPONSE);
	pack_uint(&r->out, r->id);
	pack_uint(&r->out, (uint64_t)code);
}

static enum hf_err send(struct request *r)
{
	struct hf_bytes frame = packed(&r->out); /* pages are bounded */

	if (!r->has_receipt)
		return effect_send(r->e, false, r->ev->conn, frame);
	return effect_send_receipts(
	    r->e, false, r->ev->conn, frame, &r->receipt_index, 1);
}

/* Say no, and count it: who knocks often shows in the ledger. */
static enum hf_err refuse(struct request *r, enum hf_err code)
{
	bool counts = code != HF_BUSY && code != HF_NEARLY_FULL;
	enum hf_err err =
	    counts ? tally_refusal(r->e, &r->who->sign, code) : HF_OK;

	if (err != HF_OK)
		return err;
	r->has_receipt = false;
	begin_response(r, code);
	pack_map(&r->out, r->clause != 0 ? 1 : 0);
	if (r->clause != 0) {
		pack_uint(&r->out, 7);
		pack_uint(&r->out, r->clause);
	}
	return send(r);
}

static enum hf_err run(struct request *r)
{
	enum hf_err err;

	if (r->op >= HF_OP_COUNT || ops[r->op] == NULL)
		return refuse(r, HF_FRAME);
	begin_response(r, HF_OK);
	err = ops[r->op](r);
	if (err == HF_OK)
		return send(r);
	if (err == HF_NOTFOUND)
		err = HF_UNKNOWN_ACT;
	return is_refusal(err) ? refuse(r, err) : err; /* the turn is lost */
}

/* The officer behind this connection, as of this transaction. */
static enum hf_err identify(struct request *r)
{
	struct engine *e = r->e;
	const struct officer_entry *o = roster_officer_by_transport(
	    e->roster, e->options.country, &r->ev->key);
	const struct desk_entry *desk;
	enum hf_err err;

	if (o == NULL)
		return HF_UNKNOWN_OFFICER;
	err = roster_officer_now(
	    e->roster, e->options.country, &o->sign, e->now, &o);
	if (err != HF_OK)
		return err;
	desk = roster_desk(e->roster, &o->desk);
	assert(desk != NULL); /* an officer's is in his document */
	r->who_copy = *o;
	r->who = &r->who_copy;
	r->desk_type = desk->type;
	return HF_OK;
}

enum hf_err desk_frame(struct engine *e, const struct event *ev)
{
	struct request r = {.e = e, .ev = ev, .rows = e->desks->rows};
	enum hf_err err = identify(&r);

	if (err != HF_OK) {
		desk_gone(e, ev->conn);
		effect_simple(e, EFFECT_CUT, &ev->key, 0);
		return tally_refusal(e, &ev->key, err);
	}
	err = desk_parse(&r, ev->frame);
	if (err == HF_OK)
		return run(&r);
	if (r.has_id)
		return refuse(&r, err);
	effect_simple(e, EFFECT_CUT, &ev->key, 0);
	return tally_refusal(e, &r.who->sign, err);
}

void desk_answer_full(struct engine *e, const struct event *ev)
{
	struct request r = {.e = e, .ev = ev, .rows = e->desks->rows};

	if (identify(&r) != HF_OK)
		return;
	if (desk_parse(&r, ev->frame) != HF_OK && !r.has_id)
		return;
	begin_response(&r, HF_FULL);
	pack_map(&r.out, 0);
	/* without memory he is not answered: his time-out says as much */
	(void)send(&r);
}
