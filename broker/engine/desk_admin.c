/*
 * desk_admin: hello, roster and documents, the broker in figures.
 */
#include "broker/engine/desk.h"
#include "broker/engine/link.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* When this officer was here before; now is remembered for the next time. */
static enum hf_err previous_login(struct request *r, uint64_t *before)
{
	struct row_key k = {0};
	struct hf_bytes row;
	uint8_t now[8];
	enum hf_err err;

	*before = 0;
	row_add(&k, "login", 5);
	row_add(&k, r->who->sign.b, sizeof(r->who->sign.b));
	err = txn_get(r->e->txn, TABLE_META, row_bytes(&k), &row);
	if (err == HF_OK && row.size != 8)
		err = HF_CORRUPT;
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	if (err == HF_OK)
		*before = get_be64(row.data);
	put_be64(now, r->e->now.ms);
	return txn_put(
	    r->e->txn, TABLE_META, row_bytes(&k), bytes_of(now, sizeof(now)));
}

static void put_uint(struct pack *p, unsigned key, uint64_t v)
{
	pack_uint(p, key);
	pack_uint(p, v);
}

enum hf_err desk_hello(struct request *r)
{
	const struct country_doc *d =
	    roster_doc(r->e->roster, r->e->options.country);
	struct pack *p = &r->out;
	uint64_t before;
	enum hf_err err = previous_login(r, &before);

	assert(d != NULL); /* it names who asks */
	if (err != HF_OK)
		return err;
	(void)desk_session_of(r); /* counted; watching makes it matter */
	pack_map(p, 11);
	pack_uint(p, 1);
	pack_text(p, r->e->options.country.s);
	pack_uint(p, 2);
	pack_text(p, r->who->desk.s);
	pack_uint(p, 3);
	pack_bin(p, r->who->sign.b, sizeof(r->who->sign.b));
	put_uint(p, 4, r->who->role);
	put_uint(p, 5, before);
	put_uint(p, 6, d->head.version);
	put_uint(p, 7, r->e->frontier_saved.size);
	put_uint(p, 8, r->e->now.ms);
	put_uint(p, 9, r->ev->bound_ms);
	pack_uint(p, 10);
	pack_text(p, "holdfastd " HOLDFAST_VERSION);
	pack_uint(p, 11);
	pack_bool(p, r->e->clock_certain);
	return HF_OK;
}

enum hf_err desk_roster(struct request *r)
{
	const struct country_doc *d;
	unsigned count = 0;
	struct pack rows;

	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (unsigned i = 0; (d = roster_at(r->e->roster, i)) != NULL; i++) {
		uint64_t received;
		enum hf_err err =
		    link_counter(r->e, d->head.country, "document", &received);

		if (err != HF_OK)
			return err;
		pack_array(&rows, 6);
		pack_text(&rows, d->head.country.s);
		pack_uint(&rows, d->head.version);
		pack_bin(&rows, d->head_digest.b, sizeof(d->head_digest.b));
		pack_uint(&rows, d->head.issued.ms);
		pack_uint(&rows, d->head.valid_until.ms);
		pack_uint(&rows, received);
		count++;
	}
	desk_put_rows(r, &rows, count, false);
	return HF_OK;
}

static enum hf_err put_part(
    struct request *r, const uint8_t *bytes, size_t size, uint64_t part)
{
	uint64_t parts = (size + HF_DOC_PART - 1) / HF_DOC_PART;
	size_t begin, n;

	if (part >= parts)
		return HF_RANGE;
	begin = (size_t)part * HF_DOC_PART;
	n = size - begin < HF_DOC_PART ? size - begin : HF_DOC_PART;
	pack_map(&r->out, 2);
	put_uint(&r->out, 1, parts);
	pack_uint(&r->out, 2);
	pack_bin(&r->out, bytes + begin, n);
	return HF_OK;
}

/* Another country's domestic entries are not for us, even where a whole
 * document came by configuration. */
static enum hf_err put_document(
    struct request *r, const struct country_doc *d, uint64_t part)
{
	uint8_t *stripped = NULL;
	size_t size;
	enum hf_err err;

	if (!d->has_domestic ||
	    same_country(&d->head.country, &r->e->options.country))
		return put_part(r, d->bytes, d->size, part);
	err = country_doc_strip(d, &stripped, &size);
	if (err == HF_OK)
		err = put_part(r, stripped, size, part);
	free(stripped);
	return err;
}

/* One that a newer has replaced: auditors judge by the roster of the time.
 * What was kept under another root than the pinned one is not there. */
static enum hf_err put_old(
    struct request *r, struct hf_country c, uint32_t version, uint64_t part)
{
	struct country_doc *d = NULL;
	struct hf_bytes stored;
	unsigned clause;
	enum hf_err err = documents_version(r->e, c, version, &stored);

	if (err == HF_OK)
		err = country_doc_open(&d, stored.data, stored.size,
		    roster_root(r->e->roster, c), &clause);
	if (err == HF_DOC_INVALID)
		err = HF_NOTFOUND;
	if (err == HF_OK)
		err = put_document(r, d, part);
	country_doc_free(d);
	return err;
}

/* A part of a document. */
enum hf_err desk_document(struct request *r)
{
	struct hf_country c = {{0}};
	const struct country_doc *d;
	uint64_t part = desk_arg_uint(r, 2, 0), version;

	if (r->arg[1].bytes.size != HF_COUNTRY_SIZE)
		return HF_MISSING_KEY;
	memcpy(c.s, r->arg[1].bytes.data, HF_COUNTRY_SIZE);
	d = roster_doc(r->e->roster, c);
	if (d == NULL)
		return HF_UNKNOWN_COUNTRY;
	version = desk_arg_uint(r, 3, d->head.version);
	if (version == d->head.version)
		return put_document(r, d, part);
	return version > d->head.version
		   ? HF_NOTFOUND
		   : put_old(r, c, (uint32_t)version, part);
}

static void end_upload(struct desk_session *s)
{
	free(s->upload);
	s->upload = NULL;
	s->upload_size = 0;
	s->upload_next = s->upload_parts = 0;
}

/* Keep one part; *complete when it was the last. */
static enum hf_err take_part(
    struct request *r, struct desk_session *s, bool *complete)
{
	uint64_t part = desk_arg_uint(r, 1, UINT64_MAX);
	uint64_t parts = desk_arg_uint(r, 2, 0);
	struct hf_bytes b = r->arg[3].bytes;
	uint8_t *grown;

	*complete = false;
	if (part == 0)
		end_upload(s);
	if (!r->arg[3].has || part != s->upload_next || parts == 0 ||
	    parts > HF_DOC_MAX / HF_DOC_PART + 1 || part >= parts ||
	    (part > 0 && parts != s->upload_parts) || b.size == 0 ||
	    b.size > HF_DOC_PART) {
		end_upload(s);
		return HF_FRAME;
	}
	grown = realloc(s->upload, s->upload_size + b.size + 1);
	if (grown == NULL)
		return HF_NOMEM;
	s->upload = grown;
	memcpy(grown + s->upload_size, b.data, b.size);
	s->upload_size += b.size;
	s->upload_parts = (uint32_t)parts;
	s->upload_next = (uint32_t)part + 1;
	*complete = part + 1 == parts;
	return HF_OK;
}

/* Documents verify by themselves; that an operator brings them only keeps
 * others from making work. */
enum hf_err desk_publish(struct request *r)
{
	struct desk_session *s = desk_session_of(r);
	uint32_t version = 0;
	bool complete;
	enum hf_err err;

	if (r->desk_type != DESK_OPERATOR)
		return HF_ROLE;
	if (s == NULL)
		return HF_BUSY;
	err = take_part(r, s, &complete);
	if (err == HF_OK && complete) {
		err = documents_add(
		    r->e, bytes_of(s->upload, s->upload_size), &version);
		end_upload(s);
	}
	if (err != HF_OK)
		return err;
	pack_map(&r->out, version > 0 ? 1 : 0);
	if (version > 0)
		put_uint(&r->out, 1, version);
	return HF_OK;
}

/* ---- figures ---- */

enum hf_err desk_status(struct request *r)
{
	enum { ACTS, CASES, OUTBOX, TABLES };
	enum { STARTED, WAITING, WITNESSED, WITNESSED_AT, NUMBERS };
	static const enum table tables[TABLES] = {
	    TABLE_IDS, TABLE_CASES, TABLE_OUTBOX};
	static const char *const names[NUMBERS] = {
	    "started", "waiting", "witnessed", "witnessed-at"};
	uint64_t rows[TABLES], number[NUMBERS];
	struct engine *e = r->e;
	struct pack *p = &r->out;
	enum hf_err err = HF_OK;

	for (unsigned i = 0; err == HF_OK && i < TABLES; i++)
		err = txn_rows(e->txn, tables[i], &rows[i]);
	for (unsigned i = 0; err == HF_OK && i < NUMBERS; i++)
		err = meta_get(e, names[i], &number[i]);
	if (err != HF_OK)
		return err;
	pack_map(p, 19);
	put_uint(p, 1, number[STARTED]);
	put_uint(p, 2, e->frontier_saved.size);
	put_uint(p, 3, rows[ACTS]);
	put_uint(p, 4, rows[CASES]);
	put_uint(p, 5, rows[OUTBOX]);
	put_uint(p, 6, number[WAITING]);
	pack_uint(p, 7);
	pack_bool(p, e->clock_certain);
	put_uint(p, 8, e->used);
	put_uint(p, 9, e->room);
	put_uint(p, 10, e->desks->count);
	put_uint(p, 11, e->next_due.ms);
	put_uint(p, 12, number[WITNESSED]);
	put_uint(p, 13, number[WITNESSED_AT]);
	put_uint(p, 14, e->gates[0].connections);
	put_uint(p, 15, e->gates[0].turned_away);
	put_uint(p, 16, e->gates[1].connections);
	put_uint(p, 17, e->gates[1].turned_away);
	put_uint(p, 18, admission_busy(e->admission));
	put_uint(p, 19, e->pressure);
	return HF_OK;
}
