/*
 * link_statement: statements that the other country is told, under a receipt
 * of the ledger that holds them (SPEC 10.1, frame 12).
 *
 * What is erased or taken back is certified.  An absence is countersigned by
 * who was late: it stands in his ledger as well, and his receipt for it is
 * kept here, so that he cannot say later that nobody waited.
 *
 * Rows of TABLE_RECEIPTS: (case or act, country, "erased") the peer's
 * certificate; (absence_row) for an absence of ours its countersignature, for
 * one of theirs the index of ours, be64.
 */
#include "broker/engine/link.h"
#include "proto/crypto.h"

#include <assert.h>
#include <string.h>

/* ---- out ---- */

/* [12, sequence, receipt, payload] */
enum hf_err link_send_statement(struct engine *e, struct peer *p,
    uint64_t sequence, const struct outbox_row *row)
{
	uint8_t frame[HF_RECEIPT_MAX + HF_PAYLOAD_MAX + 64];
	uint8_t receipt[HF_RECEIPT_MAX];
	struct hf_bytes leaf, payload;
	struct pack k;
	size_t size;
	enum hf_err err =
	    ledger_receipt(e, row->index, receipt, sizeof(receipt), &size);

	if (err != HF_OK)
		return err;
	err = ledger_entry(e, row->index, &leaf, &payload);
	if (err != HF_OK)
		return HF_CORRUPT;
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 4);
	pack_uint(&k, HF_LINK_STATEMENT);
	pack_uint(&k, sequence);
	pack_bin(&k, receipt, size);
	pack_bin(&k, payload.data, payload.size);
	return effect_send_pack(e, true, p->conn, &k);
}

/* ---- countersignatures ---- */

/** What `late` enters when it is shown that `waiting` entered an absence. */
static struct hf_statement countersignature(const struct hf_statement *absent,
    const struct hf_hash *digest, const struct hf_country *waiting,
    struct instant entered)
{
	return (struct hf_statement){.type = HF_ENTRY_COUNTERSIGNED,
	    .subject = absent->subject,
	    .text = bytes_of(waiting->s, HF_COUNTRY_SIZE),
	    .code = absent->code,
	    .count = absent->count,
	    .time = entered,
	    .detail = bytes_of(digest->b, sizeof(digest->b))};
}

/* Silences of one kind differ in nothing but when they were entered. */
void absence_row(struct row_key *k, const struct hf_ledger_leaf *leaf,
    const struct hf_country *country)
{
	*k = (struct row_key){0};
	row_add(k, leaf->core.b, sizeof(leaf->core.b));
	row_add_be64(k, leaf->entered.ms);
	row_add(k, country->s, HF_COUNTRY_SIZE);
}

enum hf_err link_countersigned(struct engine *e, const struct peer *p,
    const struct outbox_row *row, struct hf_bytes receipt)
{
	uint8_t bytes[HF_PAYLOAD_MAX];
	struct hf_bytes data, payload;
	struct hf_ledger_leaf leaf;
	struct hf_statement absent, wanted;
	struct hf_receipt r;
	struct hf_hash digest;
	struct row_key k;
	size_t size;
	enum hf_err err = link_receipt(e, p, receipt, &r);

	if (err != HF_OK)
		return err;
	err = ledger_leaf(e, row->index, &leaf);
	if (err == HF_OK)
		err = ledger_entry(e, row->index, &data, &payload);
	if (err != HF_OK ||
	    hf_statement_decode(&absent, payload.data, payload.size) != HF_OK)
		return HF_CORRUPT;
	if (leaf.type != HF_ENTRY_ABSENT)
		return HF_RECEIPT; /* a certificate is taken without one */
	wanted = countersignature(
	    &absent, &leaf.core, &e->options.country, leaf.entered);
	err = hf_statement_encode(&wanted, bytes, sizeof(bytes), &size);
	assert(err == HF_OK); /* less is in it than in the one decoded */
	digest = hf_hash(HF_TAG_STATEMENT, bytes, size);
	if (r.leaf.type != HF_ENTRY_COUNTERSIGNED ||
	    !same_id(&r.leaf.id, &leaf.id) || !same_hash(&r.leaf.core, &digest))
		return HF_RECEIPT;
	absence_row(&k, &leaf, &p->country);
	return txn_put(e->txn, TABLE_RECEIPTS, row_bytes(&k), receipt);
}

/* ---- in ---- */

/** What came: a statement of the peer's ledger, about a case of ours. */
struct told {
	struct hf_receipt r;
	struct hf_bytes bytes; /* the receipt's */
	struct hf_statement s;
	struct case_record c;
};

/* The receipt is of this statement, and the case is the peer's as well. */
static enum hf_err read_told(struct engine *e, const struct peer *p,
    struct hf_bytes payload, struct told *t)
{
	struct hf_hash digest =
	    hf_hash(HF_TAG_STATEMENT, payload.data, payload.size);
	struct hf_country from, to;
	enum hf_err err = link_receipt(e, p, t->bytes, &t->r);

	if (err != HF_OK)
		return err;
	if (!same_hash(&digest, &t->r.leaf.core) ||
	    hf_statement_decode(&t->s, payload.data, payload.size) != HF_OK ||
	    t->s.type != t->r.leaf.type)
		return HF_RECEIPT;
	err = case_load(e, &t->r.leaf.id, &t->c);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_UNKNOWN_CASE : err;
	from = hf_desk_country(&t->c.from);
	to = hf_desk_country(&t->c.to);
	return same_country(&from, &p->country) ||
		       same_country(&to, &p->country)
		   ? HF_OK
		   : HF_UNKNOWN_CASE;
}

/* The peer destroyed its copy of a case, or the body of an act in it that was
 * taken back. */
static enum hf_err take_certificate(
    struct engine *e, const struct peer *p, const struct told *t)
{
	bool whole = t->s.type == HF_ENTRY_ERASED;
	struct row_key k = {0};

	if (!whole && t->s.detail.size != HF_ID_SIZE)
		return HF_RECEIPT;
	row_add(&k, whole ? t->r.leaf.id.b : t->s.detail.data, HF_ID_SIZE);
	row_add(&k, p->country.s, HF_COUNTRY_SIZE);
	row_add(&k, "erased", 6);
	return txn_put(e->txn, TABLE_RECEIPTS, row_bytes(&k), t->bytes);
}

/* It waited for us: on record once, and our receipt for it is the answer. */
static enum hf_err take_absence(struct engine *e, const struct peer *p,
    const struct told *t, uint64_t *index)
{
	const struct hf_desk *ours =
	    desk_is_ours(e, &t->c.to) ? &t->c.to : &t->c.from;
	struct hf_statement s = countersignature(
	    &t->s, &t->r.leaf.core, &p->country, t->r.leaf.entered);
	uint8_t value[8];
	struct hf_bytes row;
	struct row_key k;
	enum hf_err err;

	if (t->s.text.size != strlen(ours->s) ||
	    memcmp(t->s.text.data, ours->s, t->s.text.size) != 0)
		return HF_RECEIPT;
	absence_row(&k, &t->r.leaf, &p->country);
	err = txn_get(e->txn, TABLE_RECEIPTS, row_bytes(&k), &row);
	if (err == HF_OK && row.size != sizeof(value))
		return HF_CORRUPT;
	if (err == HF_OK)
		*index = get_be64(row.data);
	if (err != HF_NOTFOUND)
		return err;
	err = ledger_add_statement(e, &s, index);
	if (err != HF_OK)
		return err;
	put_be64(value, *index);
	effect_log(
	    e, HF_OK, "absence-countersigned", &t->c.id, NULL, p->country.s);
	return txn_put(e->txn, TABLE_RECEIPTS, row_bytes(&k),
	    bytes_of(value, sizeof(value)));
}

static enum hf_err take(struct engine *e, const struct peer *p,
    const struct told *t, struct answers *a)
{
	enum hf_err err;

	a->row[0].code = LINK_TAKEN;
	switch (t->s.type) {
	case HF_ENTRY_ERASED:
	case HF_ENTRY_WITHDRAWN:
		return take_certificate(e, p, t);
	case HF_ENTRY_ABSENT:
		err = take_absence(e, p, t, &a->index[0]);
		a->row[0].code = 0;
		a->receipts = err == HF_OK;
		return err;
	default:
		return HF_RECEIPT;
	}
}

/* [sequence, receipt, payload] */
enum hf_err link_statement_in(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	struct answers a = {.count = 1};
	struct told t = {0};
	struct hf_bytes payload;
	uint64_t got;
	enum hf_err err;

	a.row[0].sequence = wire_uint(w, UINT64_MAX);
	t.bytes = wire_bin(w, 1, HF_RECEIPT_MAX);
	payload = wire_bin(w, 1, HF_PAYLOAD_MAX);
	wire_close(w);
	err = wire_finish(w);
	if (err != HF_OK)
		return err;
	err = read_told(e, p, payload, &t);
	if (err == HF_OK)
		err = take(e, p, &t, &a);
	if (is_refusal(err)) {
		a.row[0].code = (unsigned)err;
		err = tally_refusal(e, &ev->key, err);
	}
	if (err == HF_OK)
		err = link_note_got(e, p, a.row[0].sequence, &got);
	return err == HF_OK ? link_send_ack(e, ev->conn, got, &a) : err;
}
