/*
 * link_send: batches from the outbox, in sequence, within the window.
 *
 * An act leaves only with its receipt, so only when a signed head covers
 * it: what is not covered yet stays for the turn that signs it.
 */
#include "broker/engine/link.h"

#include <stdlib.h>

enum hf_err link_send_small(
    struct engine *e, uint64_t conn, unsigned type, uint64_t value)
{
	uint8_t frame[32];
	struct pack p;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 2);
	pack_uint(&p, type);
	pack_uint(&p, value);
	return effect_send_pack(e, true, conn, &p);
}

enum hf_err link_send_hello(struct engine *e, struct peer *p)
{
	uint8_t frame[64], nonce[16];
	struct pack k;
	uint64_t got;
	enum hf_err err = link_counter(e, p->country, "got", &got);

	if (err != HF_OK)
		return err;
	engine_chance(e, nonce, sizeof(nonce));
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 6);
	pack_uint(&k, HF_LINK_HELLO);
	pack_uint(&k, HF_PROTOCOL_VERSION);
	pack_uint(&k, HF_PROTOCOL_VERSION);
	pack_text(&k, e->options.country.s);
	pack_uint(&k, got);
	pack_bin(&k, nonce, sizeof(nonce));
	return effect_send_pack(e, true, p->conn, &k);
}

/* The whole act of an outbox row; an erased body travels empty. */
static enum hf_err load_act(struct engine *e, const struct outbox_row *row,
    uint8_t *frame, size_t *size)
{
	struct case_record c;
	enum hf_err err = case_load(e, &row->case_id, &c);

	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	return case_act_frame(
	    e, &c, row->index, !c.erased, frame, HF_ACT_MAX, size);
}

struct batch {
	struct pack acts;
	uint64_t first, last;
	unsigned count;
	/* once a frame: so much is cleared wherever it is declared */
	uint8_t bytes[LINK_BATCH_BYTES + 64];
	uint8_t act[HF_ACT_MAX], receipt[HF_RECEIPT_MAX];
};

/* Add one row, if it is an act, follows, has a receipt and fits. */
static enum hf_err gather_row(struct engine *e, struct batch *b,
    uint64_t sequence, const struct outbox_row *row, bool *added)
{
	size_t act_size, receipt_size;
	enum hf_err err;

	*added = false;
	if (row->kind == 0 || (b->count > 0 && sequence != b->last + 1))
		return HF_OK;
	err = ledger_home_receipt(e, row->index, b->receipt, &receipt_size);
	if (err == HF_OK)
		err = load_act(e, row, b->act, &act_size);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	if (b->acts.at + act_size + receipt_size + 16 > LINK_BATCH_BYTES)
		return HF_OK;
	pack_array(&b->acts, 2);
	pack_bin(&b->acts, b->act, act_size);
	pack_bin(&b->acts, b->receipt, receipt_size);
	if (b->count++ == 0)
		b->first = sequence;
	b->last = sequence;
	*added = true;
	return HF_OK;
}

/* Gather the rows after p->sent that may leave now in one frame. */
static enum hf_err gather(struct engine *e, struct peer *p, struct batch *b)
{
	uint64_t at = p->sent;
	bool added = true;
	enum hf_err err = HF_OK;

	while (err == HF_OK && added && b->count < LINK_BATCH_ACTS) {
		struct outbox_row row;

		err = outbox_next(e, p->country, at, &at, &row);
		if (err == HF_OK)
			err = gather_row(e, b, at, &row, &added);
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

static void note_flight(struct engine *e, struct peer *p, uint64_t last)
{
	if (p->flying == 0)
		link_back_off(e, p);
	p->last_of[p->flying++] = last;
	p->sent = last;
}

static enum hf_err send_batch(
    struct engine *e, struct peer *p, const struct batch *b)
{
	struct pack k;
	enum hf_err err;

	pack_init(&k, e->scratch, HF_FRAME_MAX);
	pack_array(&k, 3);
	pack_uint(&k, HF_LINK_BATCH);
	pack_uint(&k, b->first);
	pack_array(&k, b->count);
	pack_raw(&k, bytes_of(b->acts.data, b->acts.at));
	err = effect_send(e, true, p->conn, packed(&k));
	if (err == HF_OK)
		note_flight(e, p, b->last);
	return err;
}

/* Acts that may leave now; those that may not wait for their head. */
static enum hf_err send_acts(struct engine *e, struct peer *p, bool *more)
{
	struct batch b = {.count = 0};
	enum hf_err err;

	pack_init(&b.acts, b.bytes, sizeof(b.bytes));
	err = gather(e, p, &b);
	*more = err == HF_OK && b.count > 0;
	return *more ? send_batch(e, p, &b) : err;
}

/* One frame from what is next in the outbox.  *more: it went.  Mostly there is
 * nothing, and then the room for a frame is not touched. */
static enum hf_err send_next(struct engine *e, struct peer *p, bool *more)
{
	struct outbox_row row;
	uint64_t next;
	enum hf_err err;

	*more = false;
	err = outbox_next(e, p->country, p->sent, &next, &row);
	if (err == HF_OK && row.kind != 0)
		return send_acts(e, p, more);
	if (err == HF_OK)
		err = link_send_statement(e, p, next, &row);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	*more = true;
	note_flight(e, p, next);
	return HF_OK;
}

enum hf_err link_send_pending(struct engine *e, struct peer *p)
{
	bool more = true;
	enum hf_err err = HF_OK;

	while (err == HF_OK && more && p->flying < HF_LINK_WINDOW)
		err = send_next(e, p, &more);
	return err;
}

enum hf_err link_send_document(struct engine *e, struct peer *p)
{
	const struct country_doc *own =
	    roster_doc(e->roster, e->options.country);
	uint8_t *stripped = NULL;
	size_t size = 0;
	uint32_t parts;
	enum hf_err err;

	if (own == NULL)
		return HF_OK;
	err = country_doc_strip(own, &stripped, &size);
	parts = (uint32_t)((size + HF_DOC_PART - 1) / HF_DOC_PART);
	for (uint32_t i = 0; err == HF_OK && i < parts; i++) {
		size_t begin = (size_t)i * HF_DOC_PART;
		size_t n =
		    size - begin < HF_DOC_PART ? size - begin : HF_DOC_PART;
		struct pack k;

		pack_init(&k, e->scratch, HF_FRAME_MAX);
		pack_array(&k, 4);
		pack_uint(&k, HF_LINK_DOCUMENT);
		pack_uint(&k, i);
		pack_uint(&k, parts);
		pack_bin(&k, stripped + begin, n);
		err = effect_send(e, true, p->conn, packed(&k));
	}
	if (err == HF_OK)
		p->their_version = own->head.version;
	free(stripped);
	return err;
}
