/*
 * link_receive: batches in.
 *
 * A batch is answered after the commit, with our own receipt for each act:
 * proof for the sender that the act has arrived here.  A repeated act finds
 * its first decision and gets the same answer.  Of a refusal nothing else is
 * kept, so its code is, under the sequence, as long as a peer may still ask.
 */
#include "broker/engine/link.h"
#include "proto/crypto.h"

#include <string.h>

/* Sequences back from the newest for which a refusal is remembered: many
 * windows of full frames. */
#define REFUSED_KEPT 4096u
#define FORGET_MAX 64u /* a turn */
#define REFUSED_SIZE (HF_HASH_SIZE + 4u)

enum hf_err link_read_acts(struct wire *w, struct link_acts *acts)
{
	unsigned n = wire_array(w, 1, LINK_BATCH_ACTS);

	acts->count = 0;
	while (acts->count < n && w->err == HF_OK) {
		wire_array(w, 2, 2);
		acts->row[acts->count].act = wire_bin(w, 1, HF_ACT_MAX);
		acts->row[acts->count].receipt = wire_bin(w, 1, HF_RECEIPT_MAX);
		acts->count++;
		wire_close(w);
	}
	wire_close(w);
	wire_close(w);
	return wire_finish(w);
}

enum hf_err link_preverify(struct hf_bytes frame)
{
	struct link_acts acts;
	struct hf_act act;
	struct wire w;
	uint64_t type;
	enum hf_err err;

	wire_init(&w, frame.data, frame.size);
	wire_array(&w, 3, 3);
	type = wire_uint(&w, UINT16_MAX);
	if (type != HF_LINK_BATCH && type != HF_LINK_ACTS)
		return HF_FRAME;
	wire_skip(&w); /* sequence or case */
	err = link_read_acts(&w, &acts);
	for (unsigned i = 0; i < acts.count && err == HF_OK; i++) {
		err = hf_act_decode(
		    &act, acts.row[i].act.data, acts.row[i].act.size);
		if (err == HF_OK)
			err = hf_act_verify(&act);
	}
	return err;
}

/* ---- refusals are remembered ---- */

static void refused_prefix(struct row_key *k, const struct peer *p)
{
	*k = (struct row_key){0};
	row_add(k, p->country.s, HF_COUNTRY_SIZE);
	row_add(k, "refused", 7);
}

static enum hf_err keep_refusal(struct engine *e, const struct peer *p,
    uint64_t sequence, struct hf_bytes act, unsigned code)
{
	struct hf_hash digest = hf_merkle_leaf(act.data, act.size);
	uint8_t row[REFUSED_SIZE];
	struct row_key k;

	refused_prefix(&k, p);
	row_add_be64(&k, sequence);
	memcpy(row, digest.b, sizeof(digest.b));
	put_be32(row + sizeof(digest.b), code);
	return txn_put(
	    e->txn, TABLE_PEERS, row_bytes(&k), bytes_of(row, sizeof(row)));
}

/* The code that these bytes got under this sequence; 0: none. */
static enum hf_err find_refusal(struct engine *e, const struct peer *p,
    uint64_t sequence, struct hf_bytes act, unsigned *code)
{
	struct hf_hash digest;
	struct hf_bytes row;
	struct row_key k;
	enum hf_err err;

	*code = 0;
	refused_prefix(&k, p);
	row_add_be64(&k, sequence);
	err = txn_get(e->txn, TABLE_PEERS, row_bytes(&k), &row);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	if (row.size != REFUSED_SIZE)
		return HF_CORRUPT;
	digest = hf_merkle_leaf(act.data, act.size);
	if (memcmp(row.data, digest.b, sizeof(digest.b)) == 0)
		*code = get_be32(row.data + sizeof(digest.b));
	return HF_OK;
}

static enum hf_err forget_refusals(
    struct engine *e, const struct peer *p, uint64_t newest)
{
	struct row_key prefix;

	refused_prefix(&prefix, p);
	for (unsigned i = 0; i < FORGET_MAX; i++) {
		struct hf_bytes key, value;
		struct row_key k = {0};
		enum hf_err err =
		    txn_next(e->txn, TABLE_PEERS, row_bytes(&prefix),
			row_bytes(&prefix), false, &key, &value);

		if (err == HF_NOTFOUND)
			return HF_OK;
		if (err != HF_OK)
			return err;
		if (key.size != prefix.size + 8)
			return HF_CORRUPT;
		if (get_be64(key.data + prefix.size) + REFUSED_KEPT >= newest)
			return HF_OK;
		row_add(&k, key.data, key.size);
		err = txn_del(e->txn, TABLE_PEERS, row_bytes(&k));
		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}

/* ---- a batch ---- */

static void answer(struct answers *a, uint64_t sequence, unsigned code)
{
	a->row[a->count].sequence = sequence;
	a->row[a->count++].code = code;
}

static enum hf_err refuse(struct engine *e, const struct peer *p,
    uint64_t sequence, struct hf_bytes act, enum hf_err code)
{
	enum hf_err err = keep_refusal(e, p, sequence, act, (unsigned)code);

	return err == HF_OK ? tally_refusal(e, &e->event->key, code) : err;
}

/* HF_BUSY: neither this act nor one after it is taken now. */
static enum hf_err take_act(struct engine *e, const struct event *ev,
    struct peer *p, uint64_t sequence, struct hf_bytes act,
    struct hf_bytes receipt, struct answers *a)
{
	struct intake_result r;
	unsigned code;
	enum hf_err err = find_refusal(e, p, sequence, act, &code);

	if (err == HF_OK && code != 0)
		answer(a, sequence, code);
	if (err != HF_OK || code != 0)
		return err;
	err = intake_foreign(e, p->country, act, receipt, &r);
	if (err == HF_PAST_MISSING) /* here, and waits: that is received */
		err = link_ask_past(e, ev->conn, p->country, &r.case_id);
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
	return refuse(e, p, sequence, act, err);
}

enum hf_err link_send_ack(
    struct engine *e, uint64_t conn, uint64_t got, const struct answers *a)
{
	uint8_t frame[1024];
	struct pack k;

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
	return effect_send_receipts(
	    e, true, conn, packed(&k), a->index, a->receipts);
}

enum hf_err link_note_got(
    struct engine *e, const struct peer *p, uint64_t sequence, uint64_t *got)
{
	enum hf_err err = link_counter(e, p->country, "got", got);

	if (err != HF_OK || sequence <= *got)
		return err;
	*got = sequence;
	err = link_counter_set(e, p->country, "got", sequence);
	return err == HF_OK ? forget_refusals(e, p, sequence) : err;
}

enum hf_err link_batch(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	struct answers a = {.count = 0};
	uint64_t sequence = wire_uint(w, UINT64_MAX - LINK_BATCH_ACTS), got;
	struct link_acts acts;
	enum hf_err err = link_read_acts(w, &acts);

	for (unsigned i = 0; i < acts.count && err == HF_OK; i++)
		err = take_act(e, ev, p, sequence + i, acts.row[i].act,
		    acts.row[i].receipt, &a);
	if (err == HF_BUSY) /* what came before is answered */
		err = link_send_small(e, ev->conn, HF_LINK_BUSY,
		    e->pressure > 1 ? LINK_BUSY_FULL_MS : LINK_BUSY_MS);
	if (err != HF_OK || a.count == 0)
		return err;
	err = link_note_got(e, p, a.row[a.count - 1].sequence, &got);
	return err == HF_OK ? link_send_ack(e, ev->conn, got, &a) : err;
}
