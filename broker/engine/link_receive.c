/*
 * link_receive: batches in, acknowledgements in, and the rest that a peer
 * may send.
 *
 * A batch is answered after the commit, with our own receipt for each act:
 * proof for the sender that the act has arrived here.  A repeated act finds
 * its first decision and gets the same answer.
 */
#include "broker/engine/link.h"
#include "proto/crypto.h"

#include <stdlib.h>
#include <string.h>

/* ---- batches ---- */

struct answers {
	unsigned count, receipts;
	struct {
		uint64_t sequence;
		unsigned code;
	} row[HF_ARRAY_MAX];
	uint64_t index[LINK_BATCH_ACTS];
};

static void answer(struct answers *a, uint64_t sequence, unsigned code)
{
	a->row[a->count].sequence = sequence;
	a->row[a->count++].code = code;
}

/* Gens that an act which waits is missing: asked of the peer. */
static enum hf_err ask_for_past(
    struct engine *e, struct peer *p, const struct intake_result *r)
{
	struct hf_bytes core, envelope, sigs;
	struct hf_envelope env;
	struct case_record c;
	uint8_t frame[64];
	struct pack k;
	size_t size;
	enum hf_err err = case_load(e, &r->case_id, &c);

	if (err == HF_NOTFOUND)
		memset(&c, 0, sizeof(c));
	else if (err != HF_OK)
		return err;
	err = ledger_act(e, r->index, &core, &envelope, &sigs);
	if (err == HF_OK)
		err = hf_envelope_decode(&env, envelope.data, envelope.size);
	if (err != HF_OK)
		return HF_CORRUPT;
	if (p->conn == 0 || env.track > HF_TRACK_ASKED ||
	    c.gens[env.track] + 1 >= env.gen)
		return HF_OK; /* what is missing is our own */
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 5);
	pack_uint(&k, HF_LINK_FETCH);
	pack_bin(&k, r->case_id.b, sizeof(r->case_id.b));
	pack_uint(&k, env.track);
	pack_uint(&k, c.gens[env.track] + 1);
	pack_uint(&k, env.gen - 1);
	err = pack_finish(&k, &size);
	return err == HF_OK
		   ? effect_send(e, true, p->conn, bytes_of(frame, size), false)
		   : err;
}

static enum hf_err take_act(struct engine *e, struct peer *p, uint64_t sequence,
    struct hf_bytes act, struct hf_bytes receipt, struct answers *a)
{
	struct intake_result r;
	enum hf_err err;

	memset(&r, 0, sizeof(r));
	err = intake_foreign(e, p->country, act, receipt, &r);
	if (err == HF_PAST_MISSING) {
		err = ask_for_past(e, p, &r);
		if (err != HF_OK)
			return err;
	}
	if (err == HF_OK) {
		effect_log(e, HF_OK, "received", &r.case_id, &r.id, NULL);
		a->index[a->receipts++] = r.index;
		answer(a, sequence, 0);
		return HF_OK;
	}
	if (!is_refusal(err))
		return err;
	effect_log(e, err, "received-refused", &r.case_id, &r.id, p->country.s);
	if (err == HF_BUSY)
		return HF_BUSY;
	answer(a, sequence, (unsigned)err);
	return tally_refusal(e, &e->event->key, err);
}

static enum hf_err send_ack(
    struct engine *e, uint64_t conn, uint64_t got, const struct answers *a)
{
	uint8_t frame[4096];
	struct pack k;
	size_t size;
	enum hf_err err;

	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 3 + a->receipts);
	pack_uint(&k, HF_LINK_ACK);
	pack_uint(&k, got);
	pack_array(&k, a->count);
	for (unsigned i = 0; i < a->count; i++) {
		pack_array(&k, 2);
		pack_uint(&k, a->row[i].sequence);
		pack_uint(&k, a->row[i].code);
	}
	err = pack_finish(&k, &size);
	return err == HF_OK ? effect_send_receipts(e, true, conn,
				  bytes_of(frame, size), a->index, a->receipts)
			    : err;
}

static enum hf_err note_got(
    struct engine *e, const struct peer *p, uint64_t sequence, uint64_t *got)
{
	enum hf_err err = link_counter(e, p->country, "got", got);

	if (err != HF_OK || sequence <= *got)
		return err;
	*got = sequence;
	return link_counter_set(e, p->country, "got", sequence);
}

enum hf_err link_batch(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	struct answers a = {.count = 0};
	uint64_t sequence = wire_uint(w, UINT64_MAX - HF_ARRAY_MAX), got;
	unsigned n = wire_array(w, 1, LINK_BATCH_ACTS);
	enum hf_err err = HF_OK;

	for (; n > 0 && w->err == HF_OK && err == HF_OK; n--, sequence++) {
		struct hf_bytes act, receipt;

		wire_array(w, 2, 2);
		act = wire_bin(w, 1, HF_ACT_MAX);
		receipt = wire_bin(w, 1, HF_RECEIPT_MAX);
		wire_close(w);
		if (w->err == HF_OK)
			err = take_act(e, p, sequence, act, receipt, &a);
	}
	if (err == HF_BUSY) /* not now: what came before is answered */
		err = link_send_small(e, ev->conn, HF_LINK_BUSY, 1000, true);
	else if (err == HF_OK) {
		wire_close(w);
		wire_close(w);
		err = wire_finish(w);
	}
	if (err != HF_OK || a.count == 0)
		return err;
	err = note_got(e, p, a.row[a.count - 1].sequence, &got);
	return err == HF_OK ? send_ack(e, ev->conn, got, &a) : err;
}

/* ---- acknowledgements ---- */

/* The peer's receipt of our act: checked, kept, on record, shown. */
static enum hf_err delivered(struct engine *e, struct peer *p,
    const struct outbox_row *row, unsigned code, struct hf_bytes receipt)
{
	struct hf_statement s = {.type = HF_ENTRY_DELIVERED,
	    .subject = row->act,
	    .text = bytes_of(p->country.s, HF_COUNTRY_SIZE),
	    .code = code};
	struct row_key k = {0};
	struct case_record c;
	uint64_t index;
	struct hf_desk *own;
	enum hf_err err = HF_OK;

	if (code == 0) {
		row_add(&k, row->act.b, sizeof(row->act.b));
		row_add(&k, p->country.s, HF_COUNTRY_SIZE);
		err = txn_put(e->txn, TABLE_RECEIPTS, row_bytes(&k), receipt);
	}
	if (err == HF_OK)
		err = ledger_add_statement(e, &s, &index);
	if (err == HF_OK)
		err = case_load(e, &row->case_id, &c);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	own = desk_is_ours(e, &c.from) ? &c.from : &c.to;
	return inbox_put(
	    e, own, &c, &row->act, row->kind, 0, own, HF_ENTRY_DELIVERED);
}

static enum hf_err check_receipt(struct engine *e, const struct peer *p,
    const struct outbox_row *row, struct hf_bytes bytes)
{
	const struct broker_entry *b = roster_broker(e->roster, p->country);
	struct hf_bytes core, envelope, sigs;
	char origin[HF_ORIGIN_MAX];
	struct hf_receipt r;
	struct hf_hash digest;
	uint64_t size;
	enum hf_err err;

	if (b == NULL)
		return HF_UNKNOWN_COUNTRY;
	err = hf_receipt_decode(&r, bytes.data, bytes.size);
	if (err != HF_OK)
		return err;
	hf_origin(origin, p->country, r.leaf.epoch);
	err = hf_receipt_verify(&r, origin, &b->ledger, &size);
	if (err != HF_OK)
		return err;
	err = ledger_act(e, row->index, &core, &envelope, &sigs);
	if (err != HF_OK)
		return HF_CORRUPT;
	digest = hf_core_digest(core);
	return same_id(&r.leaf.id, &row->act) &&
		       same_hash(&r.leaf.core, &digest)
		   ? HF_OK
		   : HF_RECEIPT;
}

static enum hf_err take_answer(struct engine *e, struct peer *p,
    uint64_t sequence, unsigned code, struct hf_bytes receipt)
{
	struct outbox_row row;
	struct row_key k;
	uint64_t found;
	enum hf_err err =
	    outbox_next(e, p->country, sequence - 1, &found, &row);

	if (err == HF_NOTFOUND || (err == HF_OK && found != sequence))
		return HF_OK; /* answered before */
	if (err != HF_OK)
		return err;
	if (row.kind != 0 && code == 0)
		err = check_receipt(e, p, &row, receipt);
	if (err == HF_OK && row.kind != 0)
		err = delivered(e, p, &row, code, receipt);
	if (err != HF_OK)
		return err;
	outbox_key(&k, p->country, sequence);
	return txn_del(e->txn, TABLE_OUTBOX, row_bytes(&k));
}

static void land(struct engine *e, struct peer *p, uint64_t newest)
{
	unsigned landed = 0;

	if (newest > p->acked)
		p->acked = newest;
	while (landed < p->flying && p->last_of[landed] <= newest)
		landed++;
	if (landed == 0)
		return;
	p->flying -= landed;
	memmove(
	    p->last_of, p->last_of + landed, p->flying * sizeof(*p->last_of));
	p->backoff_ms = LINK_BACKOFF_MIN_MS;
	p->tries = 0;
	p->retry_mono = e->mono_ms + 4 * p->backoff_ms;
}

enum hf_err link_ack(struct engine *e, struct peer *p, struct wire *w)
{
	struct answers *a = calloc(1, sizeof(*a));
	enum hf_err err = HF_OK;
	uint64_t newest = 0;
	unsigned n;

	if (a == NULL)
		return HF_NOMEM;
	wire_uint(w, UINT64_MAX);
	n = wire_array(w, 1, LINK_BATCH_ACTS);
	for (; n > 0 && w->err == HF_OK; n--) {
		uint64_t sequence;

		wire_array(w, 2, 2);
		sequence = wire_uint(w, UINT64_MAX);
		answer(a, sequence, (unsigned)wire_uint(w, 9999));
		wire_close(w);
		if (sequence == 0)
			wire_fail(w, HF_RANGE);
	}
	wire_close(w);
	for (unsigned i = 0; i < a->count && w->err == HF_OK && err == HF_OK;
	     i++) {
		struct hf_bytes receipt = {NULL, 0};

		if (a->row[i].code == 0)
			receipt = wire_bin(w, 1, HF_RECEIPT_MAX);
		if (w->err == HF_OK)
			err = take_answer(
			    e, p, a->row[i].sequence, a->row[i].code, receipt);
		if (a->row[i].sequence > newest)
			newest = a->row[i].sequence;
	}
	if (err == HF_OK) {
		wire_close(w);
		err = wire_finish(w);
	}
	free(a);
	if (err == HF_OK)
		land(e, p, newest);
	return err;
}

/* ---- a side of a case by generation range ---- */

static bool peer_is_party(const struct case_record *c, const struct peer *p)
{
	struct hf_country from = hf_desk_country(&c->from);
	struct hf_country to = hf_desk_country(&c->to);

	return same_country(&from, &p->country) ||
	       same_country(&to, &p->country);
}

static enum hf_err receipt_of(struct engine *e, uint64_t index,
    const struct hf_act *act, uint8_t *out, size_t *size)
{
	struct hf_country author = hf_desk_country(&act->envelope.from);
	struct row_key k = {0};
	struct hf_bytes row;
	enum hf_err err;

	if (same_country(&author, &e->options.country))
		return ledger_receipt(e, index, out, HF_RECEIPT_MAX, size);
	row_add(&k, act->id.b, sizeof(act->id.b));
	row_add(&k, author.s, HF_COUNTRY_SIZE);
	err = txn_get(e->txn, TABLE_RECEIPTS, row_bytes(&k), &row);
	if (err != HF_OK || row.size > HF_RECEIPT_MAX)
		return err == HF_OK ? HF_CORRUPT : err;
	memcpy(out, row.data, row.size);
	*size = row.size;
	return HF_OK;
}

enum hf_err link_fetch(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	uint8_t acts[LINK_BATCH_BYTES];
	uint8_t frame[HF_ACT_MAX], receipt[HF_RECEIPT_MAX];
	struct case_record c;
	struct hf_id id;
	uint64_t track, first, last;
	unsigned count = 0;
	struct pack rows, k;
	size_t size, receipt_size;
	enum hf_err err;

	wire_bin_copy(w, id.b, sizeof(id.b));
	track = wire_uint(w, HF_TRACK_ASKED);
	first = wire_uint(w, HF_TRACK_ACTS_MAX);
	last = wire_uint(w, HF_TRACK_ACTS_MAX);
	wire_close(w);
	err = wire_finish(w);
	if (err == HF_OK)
		err = case_load(e, &id, &c);
	if (err == HF_NOTFOUND || (err == HF_OK && !peer_is_party(&c, p)))
		return tally_refusal(e, &ev->key, HF_READ_DENIED);
	if (err != HF_OK)
		return err;
	pack_init(&rows, acts, sizeof(acts));
	for (; first >= 1 && first <= last && first <= c.gens[track] &&
	       count < LINK_BATCH_ACTS;
	     first++) {
		struct hf_act act;
		uint64_t index;

		err = case_place(
		    e, &id, (unsigned)track, (uint32_t)first, &index);
		if (err == HF_OK)
			err = case_act_frame(e, &c, index, !c.erased, frame,
			    sizeof(frame), &size);
		if (err == HF_OK && hf_act_decode(&act, frame, size) != HF_OK)
			err = HF_CORRUPT;
		if (err == HF_OK)
			err =
			    receipt_of(e, index, &act, receipt, &receipt_size);
		if (err == HF_NOTFOUND ||
		    (err == HF_OK &&
			rows.at + size + receipt_size + 16 > rows.size))
			break;
		if (err != HF_OK)
			return err;
		pack_array(&rows, 2);
		pack_bin(&rows, frame, size);
		pack_bin(&rows, receipt, receipt_size);
		count++;
	}
	if (count == 0)
		return HF_OK;
	pack_init(&k, e->scratch, HF_FRAME_MAX);
	pack_array(&k, 3);
	pack_uint(&k, HF_LINK_ACTS);
	pack_bin(&k, id.b, sizeof(id.b));
	pack_array(&k, count);
	pack_raw(&k, bytes_of(rows.data, rows.at));
	err = pack_finish(&k, &size);
	return err == HF_OK ? effect_send(e, true, ev->conn,
				  bytes_of(e->scratch, size), false)
			    : err;
}

enum hf_err link_acts(struct engine *e, struct peer *p, struct wire *w)
{
	enum hf_err err = HF_OK;
	unsigned n;

	wire_bin(w, HF_ID_SIZE, HF_ID_SIZE);
	n = wire_array(w, 0, LINK_BATCH_ACTS);
	for (; n > 0 && w->err == HF_OK && err == HF_OK; n--) {
		struct hf_bytes act, receipt;
		struct intake_result r;

		wire_array(w, 2, 2);
		act = wire_bin(w, 1, HF_ACT_MAX);
		receipt = wire_bin(w, 1, HF_RECEIPT_MAX);
		wire_close(w);
		if (w->err != HF_OK)
			break;
		memset(&r, 0, sizeof(r));
		err = intake_foreign(e, p->country, act, receipt, &r);
		if (is_refusal(err))
			err = HF_OK;
	}
	if (err != HF_OK)
		return err;
	wire_close(w);
	wire_close(w);
	return wire_finish(w);
}

/* ---- certificates, documents, heads ---- */

/* [sequence, receipt, payload]: the peer erased its copy of a case. */
enum hf_err link_erased_in(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	const struct broker_entry *b = roster_broker(e->roster, p->country);
	uint64_t sequence = wire_uint(w, UINT64_MAX), got, size;
	struct hf_bytes bytes = wire_bin(w, 1, HF_RECEIPT_MAX);
	struct hf_bytes payload = wire_bin(w, 1, HF_PAYLOAD_MAX);
	struct answers a = {.count = 0};
	char origin[HF_ORIGIN_MAX];
	struct hf_receipt r;
	struct hf_hash digest;
	struct row_key k = {0};
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err == HF_OK)
		err = b == NULL ? HF_UNKNOWN_COUNTRY
				: hf_receipt_decode(&r, bytes.data, bytes.size);
	if (err == HF_OK) {
		hf_origin(origin, p->country, r.leaf.epoch);
		err = hf_receipt_verify(&r, origin, &b->ledger, &size);
	}
	if (err != HF_OK)
		return err;
	digest = hf_hash(HF_TAG_STATEMENT, payload.data, payload.size);
	if (r.leaf.type != HF_ENTRY_ERASED || !same_hash(&digest, &r.leaf.core))
		return HF_RECEIPT;
	row_add(&k, r.leaf.id.b, sizeof(r.leaf.id.b));
	row_add(&k, p->country.s, HF_COUNTRY_SIZE);
	row_add(&k, "erased", 6);
	err = txn_put(e->txn, TABLE_RECEIPTS, row_bytes(&k), bytes);
	if (err == HF_OK)
		err = note_got(e, p, sequence, &got);
	if (err != HF_OK)
		return err;
	answer(&a, sequence, LINK_TAKEN);
	return send_ack(e, ev->conn, got, &a);
}

static void drop_upload(struct peer *p)
{
	free(p->upload);
	p->upload = NULL;
	p->upload_size = 0;
	p->upload_next = p->upload_parts = 0;
}

enum hf_err link_document_in(struct engine *e, struct peer *p, struct wire *w)
{
	uint64_t part = wire_uint(w, HF_DOC_MAX / HF_DOC_PART + 1);
	uint64_t parts = wire_uint(w, HF_DOC_MAX / HF_DOC_PART + 1);
	struct hf_bytes b = wire_bin(w, 1, HF_DOC_PART);
	uint32_t version;
	uint8_t *grown;
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err != HF_OK)
		return err;
	if (part == 0)
		drop_upload(p);
	if (part != p->upload_next || part >= parts ||
	    (part > 0 && parts != p->upload_parts)) {
		drop_upload(p);
		return HF_OK; /* a part of an earlier try */
	}
	grown = realloc(p->upload, p->upload_size + b.size);
	if (grown == NULL)
		return HF_NOMEM;
	p->upload = grown;
	memcpy(grown + p->upload_size, b.data, b.size);
	p->upload_size += b.size;
	p->upload_next = (uint32_t)part + 1;
	p->upload_parts = (uint32_t)parts;
	if (part + 1 < parts)
		return HF_OK;
	err = documents_add(e, bytes_of(p->upload, p->upload_size), &version);
	drop_upload(p);
	if (err == HF_OK)
		effect_log(
		    e, HF_OK, "document-received", NULL, NULL, p->country.s);
	if (err == HF_DOC_OLD || err == HF_DOC_CONFLICT)
		return HF_OK;
	return err;
}

/* The newest head a peer showed us, if its key signed it. */
enum hf_err link_head_in(struct engine *e, struct peer *p, struct wire *w)
{
	const struct broker_entry *b = roster_broker(e->roster, p->country);
	struct hf_bytes note = wire_str(w, 1, HF_NOTE_MAX);
	char origin[HF_ORIGIN_MAX];
	struct row_key k = {0};
	struct hf_hash root;
	uint64_t size;
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err != HF_OK)
		return err;
	if (b == NULL)
		return HF_UNKNOWN_COUNTRY;
	hf_origin(origin, p->country, b->epoch);
	err = hf_checkpoint_verify(note, origin, &b->ledger, &size, &root);
	if (err != HF_OK)
		return err;
	row_add(&k, p->country.s, HF_COUNTRY_SIZE);
	row_add(&k, "head", 4);
	return txn_put(e->txn, TABLE_PEERS, row_bytes(&k), note);
}
