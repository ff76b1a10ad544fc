/*
 * link_other: certificates of erasure and documents of a peer.
 */
#include "broker/engine/link.h"
#include "proto/crypto.h"

#include <stdlib.h>
#include <string.h>

/* ---- certificates ---- */

/* What a receipt and payload say the peer destroyed: its copy of a case, or
 * the body of an act in it that was taken back.  Its name as a row. */
static enum hf_err check_erased(struct engine *e, const struct peer *p,
    struct hf_bytes bytes, struct hf_bytes payload, struct row_key *k)
{
	struct hf_hash digest =
	    hf_hash(HF_TAG_STATEMENT, payload.data, payload.size);
	struct hf_country from, to;
	struct hf_statement s;
	struct case_record c;
	struct hf_receipt r;
	bool whole;
	enum hf_err err = link_receipt(e, p, bytes, &r);

	if (err != HF_OK)
		return err;
	if ((r.leaf.type != HF_ENTRY_ERASED &&
		r.leaf.type != HF_ENTRY_WITHDRAWN) ||
	    !same_hash(&digest, &r.leaf.core))
		return HF_RECEIPT;
	err = case_load(e, &r.leaf.id, &c);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_UNKNOWN_CASE : err;
	from = hf_desk_country(&c.from);
	to = hf_desk_country(&c.to);
	if (!same_country(&from, &p->country) &&
	    !same_country(&to, &p->country))
		return HF_UNKNOWN_CASE;
	whole = r.leaf.type == HF_ENTRY_ERASED;
	if (hf_statement_decode(&s, payload.data, payload.size) != HF_OK ||
	    s.type != r.leaf.type || (!whole && s.detail.size != HF_ID_SIZE))
		return HF_RECEIPT;
	*k = (struct row_key){0};
	row_add(k, whole ? r.leaf.id.b : s.detail.data, HF_ID_SIZE);
	row_add(k, p->country.s, HF_COUNTRY_SIZE);
	row_add(k, "erased", 6);
	return HF_OK;
}

/* [sequence, receipt, payload]: the peer erased its copy of a case. */
enum hf_err link_erased_in(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	uint64_t sequence = wire_uint(w, UINT64_MAX), got;
	struct hf_bytes bytes = wire_bin(w, 1, HF_RECEIPT_MAX);
	struct hf_bytes payload = wire_bin(w, 1, HF_PAYLOAD_MAX);
	struct answers a = {.count = 1};
	struct row_key k;
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err != HF_OK)
		return err;
	a.row[0].sequence = sequence;
	a.row[0].code = LINK_TAKEN;
	err = check_erased(e, p, bytes, payload, &k);
	if (err == HF_OK) {
		err = txn_put(e->txn, TABLE_RECEIPTS, row_bytes(&k), bytes);
	} else if (is_refusal(err)) {
		a.row[0].code = (unsigned)err;
		err = tally_refusal(e, &ev->key, err);
	}
	if (err == HF_OK)
		err = link_note_got(e, p, sequence, &got);
	return err == HF_OK ? link_send_ack(e, ev->conn, got, &a) : err;
}

/* ---- documents ---- */

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
	if (err == HF_DOC_OLD || err == HF_DOC_CONFLICT ||
	    err == HF_KEY_CLAIMED)
		return HF_OK;
	return err;
}
