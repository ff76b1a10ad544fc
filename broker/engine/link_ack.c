/*
 * link_ack: what a peer answered to our batches.
 *
 * A receipt is believed when the peer's ledger key signed the head over it
 * and it names the very act; then it is kept, the act leaves the outbox, and
 * the desk that sent it is told.  A refusal ends the delivery as well, and
 * is shown with its code: to send the same again would change nothing.
 */
#include "broker/engine/link.h"
#include "proto/crypto.h"

#include <string.h>

enum hf_err link_receipt(struct engine *e, const struct peer *p,
    struct hf_bytes bytes, struct hf_receipt *r)
{
	enum hf_err err = hf_receipt_decode(r, bytes.data, bytes.size);
	uint64_t size;

	return err == HF_OK ? roster_receipt_check_known(e->roster, p->country,
				  r, &e->known_heads, &size)
			    : err;
}

/* The peer's ledger has received this act of ours. */
static enum hf_err check_receipt(struct engine *e, const struct peer *p,
    const struct outbox_row *row, struct hf_bytes bytes)
{
	struct hf_bytes core, envelope, sigs;
	struct hf_ledger_leaf own;
	struct hf_receipt r;
	enum hf_err err = link_receipt(e, p, bytes, &r);

	if (err != HF_OK)
		return err;
	err = ledger_leaf(e, row->index, &own);
	if (err == HF_OK)
		err = ledger_act(e, row->index, &core, &envelope, &sigs);
	if (err != HF_OK)
		return HF_CORRUPT;
	return r.leaf.type == HF_ENTRY_FOREIGN &&
		       same_id(&r.leaf.id, &own.id) &&
		       same_hash(&r.leaf.core, &own.core) &&
		       same_hash(&r.leaf.envelope, &own.envelope) &&
		       same_hash(&r.leaf.sigs, &own.sigs)
		   ? HF_OK
		   : HF_RECEIPT;
}

static enum hf_err keep_receipt(struct engine *e, const struct peer *p,
    const struct outbox_row *row, struct hf_bytes receipt)
{
	struct row_key k = {0};

	row_add(&k, row->act.b, sizeof(row->act.b));
	row_add(&k, p->country.s, HF_COUNTRY_SIZE);
	return txn_put(e->txn, TABLE_RECEIPTS, row_bytes(&k), receipt);
}

/* So that a silence can be told from it later (absence.c). */
static enum hf_err keep_refusal(struct engine *e, const struct peer *p,
    const struct outbox_row *row, unsigned code)
{
	const uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
	struct row_key k = {0};

	row_add(&k, row->act.b, sizeof(row->act.b));
	row_add(&k, p->country.s, HF_COUNTRY_SIZE);
	row_add(&k, "refused", 7);
	return txn_put(e->txn, TABLE_RECEIPTS, row_bytes(&k),
	    bytes_of(bytes, sizeof(bytes)));
}

/* On record, and told to the desk that sent it. */
static enum hf_err delivered(struct engine *e, const struct peer *p,
    const struct outbox_row *row, unsigned code)
{
	struct hf_statement s = {.type = HF_ENTRY_DELIVERED,
	    .subject = row->act,
	    .text = bytes_of(p->country.s, HF_COUNTRY_SIZE),
	    .code = code};
	struct case_record c;
	uint64_t index;
	bool asking;
	enum hf_err err = ledger_add_statement(e, &s, &index);

	if (err == HF_OK)
		err = case_load(e, &row->case_id, &c);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	asking = desk_is_ours(e, &c.from);
	effect_log(
	    e, (enum hf_err)code, "delivered", &c.id, &row->act, p->country.s);
	return inbox_delivered(e, asking ? &c.from : &c.to, &c, &row->act,
	    row->kind, asking ? HF_TRACK_ASKING : HF_TRACK_ASKED, code);
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
	if (err == HF_OK && row.kind != 0 && code == 0) {
		err = check_receipt(e, p, &row, receipt);
		if (err == HF_OK)
			err = keep_receipt(e, p, &row, receipt);
	} else if (err == HF_OK && row.kind != 0) {
		err = keep_refusal(e, p, &row, code);
	} else if (err == HF_OK && code == 0) {
		err = link_countersigned(e, p, &row, receipt);
	}
	if (err == HF_OK && row.kind != 0)
		err = delivered(e, p, &row, code);
	if (err != HF_OK)
		return err;
	outbox_key(&k, p->country, sequence);
	return txn_del(e->txn, TABLE_OUTBOX, row_bytes(&k));
}

/* Frames have landed as far as nothing before is left in the outbox. */
static enum hf_err land(struct engine *e, struct peer *p)
{
	struct outbox_row row;
	uint64_t first = UINT64_MAX;
	unsigned landed = 0;
	enum hf_err err = outbox_next(e, p->country, 0, &first, &row);

	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	while (landed < p->flying && p->last_of[landed] < first)
		landed++;
	if (landed == 0)
		return HF_OK;
	p->flying -= landed;
	memmove(
	    p->last_of, p->last_of + landed, p->flying * sizeof(*p->last_of));
	p->tries = 0;
	p->backoff_ms = LINK_BACKOFF_MIN_MS;
	if (p->flying > 0)
		link_back_off(e, p);
	return HF_OK;
}

static enum hf_err read_answers(struct wire *w, struct answers *a)
{
	unsigned n;

	wire_uint(w, UINT64_MAX);
	n = wire_array(w, 1, LINK_BATCH_ACTS);
	for (; n > 0 && w->err == HF_OK; n--) {
		wire_array(w, 2, 2);
		a->row[a->count].sequence = wire_uint(w, UINT64_MAX);
		if (a->row[a->count].sequence == 0)
			wire_fail(w, HF_RANGE);
		a->row[a->count++].code = (unsigned)wire_uint(w, 9999);
		wire_close(w);
	}
	wire_close(w);
	return w->err;
}

enum hf_err link_ack(struct engine *e, struct peer *p, struct wire *w)
{
	struct hf_bytes receipts[LINK_BATCH_ACTS] = {{NULL, 0}};
	struct answers a = {.count = 0};
	enum hf_err err = read_answers(w, &a);

	for (unsigned i = 0; i < a.count; i++)
		if (a.row[i].code == 0)
			receipts[i] = wire_bin(w, 1, HF_RECEIPT_MAX);
	wire_close(w);
	if (err == HF_OK)
		err = wire_finish(w);
	for (unsigned i = 0; i < a.count && err == HF_OK; i++)
		err = take_answer(
		    e, p, a.row[i].sequence, a.row[i].code, receipts[i]);
	return err == HF_OK ? land(e, p) : err;
}
