/*
 * reconcile: acts are named by their digests, so two ledgers are at one about
 * an exchange when they hold the same set of (id, digests).  Each archive is
 * sorted by id on disk and the two are merged.
 *
 * What was found is sorted once more, by case, for its reference stands in
 * the opening alone.
 */
#include "client/reconcile_internal.h"

#include "client/be.h"
#include "client/casebook.h"
#include "client/spill.h"
#include "proto/ref.h"

#include <string.h>

#define SPILL_ROOM (UINT64_C(1) << 36) /* bytes; only what is used is taken */

enum { ROW_ACT, ROW_RECEIPT, ROW_DELIVERED };
enum { NAME_OPENING, NAME_ROW };

/* ---- sorting by id ---- */

static enum hf_err put(struct reconciling *r, const struct hf_id *id,
    unsigned side, unsigned class, uint64_t serial, const void *value,
    size_t size)
{
	uint8_t key[HF_ID_SIZE + 2 + 8];

	memcpy(key, id->b, HF_ID_SIZE);
	key[HF_ID_SIZE] = (uint8_t)side;
	key[HF_ID_SIZE + 1] = (uint8_t) class;
	be_put(key + HF_ID_SIZE + 2, serial, 8);
	return spill_put(r->by_id, (struct hf_bytes){key, sizeof(key)},
	    (struct hf_bytes){value, size});
}

static bool is_exchange(
    const struct reconciling *r, const struct hf_envelope *e)
{
	const struct hf_country *c = r->result->country;
	struct hf_country from = hf_desk_country(&e->from);
	struct hf_country to = hf_desk_country(&e->to);

	return e->track <= HF_TRACK_ASKED &&
	       ((same_country(from, c[0]) && same_country(to, c[1])) ||
		   (same_country(from, c[1]) && same_country(to, c[0])));
}

static enum hf_err put_opening(
    struct reconciling *r, const struct book_entry *e)
{
	struct hf_country from = hf_desk_country(&e->envelope.from);
	uint8_t key[HF_ID_SIZE + 1];
	char ref[HF_REF_MAX] = "";

	hf_ref(ref, from, e->core.created, &e->leaf.core);
	memcpy(key, e->case_id.b, HF_ID_SIZE);
	key[HF_ID_SIZE] = NAME_OPENING;
	return spill_put(r->by_case, (struct hf_bytes){key, sizeof(key)},
	    (struct hf_bytes){(const uint8_t *)ref, sizeof(ref)});
}

static enum hf_err take_act(
    struct reconciling *r, unsigned side, const struct book_entry *e)
{
	struct element x;
	enum hf_err err = HF_OK;

	if (!is_exchange(r, &e->envelope))
		return HF_OK;
	memset(&x, 0, sizeof(x));
	x.entry = e->index;
	x.kind = e->core.kind;
	x.case_id = e->case_id;
	x.entered = e->leaf.entered;
	x.core = e->leaf.core;
	x.envelope = e->leaf.envelope;
	x.sigs = e->leaf.sigs;
	x.foreign = e->leaf.type == HF_ENTRY_FOREIGN;
	x.there = e->receipt_index;
	if (!HF_HAS(&e->envelope, HF_E_CASE))
		err = put_opening(r, e);
	return err == HF_OK
		   ? put(r, &e->leaf.id, side, ROW_ACT, e->index, &x, sizeof(x))
		   : err;
}

static enum hf_err take_ledger(struct reconciling *r, unsigned side)
{
	struct archive_entry raw;
	struct book_entry e;
	enum hf_err err = archive_rewind(r->archive[side]);

	while (err == HF_OK &&
	       (err = archive_next(r->archive[side], &raw)) == HF_OK) {
		if (!book_entry_read(&e, &raw)) {
			r->result->unreadable++;
			continue;
		}
		if (e.leaf.entered.ms > r->end[side].ms)
			r->end[side] = e.leaf.entered;
		if (e.is_act)
			err = take_act(r, side, &e);
		else if (e.leaf.type == HF_ENTRY_DELIVERED)
			err = put(r, &e.statement.subject, side, ROW_DELIVERED,
			    e.index, &e.statement.code,
			    sizeof(e.statement.code));
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err take_receipts(struct reconciling *r, unsigned side)
{
	struct archive_rows *rows;
	struct archive_receipt row;
	struct hf_receipt read;
	uint64_t n = 0;
	enum hf_err err = archive_receipts_open(r->archive[side], &rows);

	while (
	    err == HF_OK && (err = archive_receipts_next(rows, &row)) == HF_OK)
		if (same_country(row.to, r->result->country[1 - side]) &&
		    hf_receipt_decode(
			&read, row.receipt.data, row.receipt.size) == HF_OK &&
		    memcmp(&read.leaf.id, &row.act, sizeof(row.act)) == 0)
			err = put(r, &row.act, side, ROW_RECEIPT, n++,
			    &read.index, sizeof(read.index));
	archive_rows_close(rows);
	return err == HF_NOTFOUND ? HF_OK : err;
}

static void add_row(struct pair *p, struct hf_bytes key, struct hf_bytes value)
{
	unsigned side = key.data[HF_ID_SIZE] & 1u;
	uint64_t code;

	switch (key.data[HF_ID_SIZE + 1]) {
	case ROW_ACT:
		if (!p->has[side]) /* the first one stands */
			memcpy(&p->e[side], value.data, sizeof(p->e[side]));
		p->has[side] = true;
		return;
	case ROW_RECEIPT:
		p->receipted[side] = true;
		memcpy(&p->there[side], value.data, sizeof(p->there[side]));
		return;
	default:
		memcpy(&code, value.data, sizeof(code));
		p->refusal[side] = code <= UINT16_MAX ? (unsigned)code : 0;
	}
}

/* The next id that somebody has.  HF_NOTFOUND: the end. */
enum hf_err reconcile_next(struct reconciling *r, struct pair *p)
{
	if (!r->begun)
		r->next = spill_next(r->by_id, &r->key, &r->value);
	r->begun = true;
	do {
		memset(p, 0, sizeof(*p));
		if (r->next != HF_OK)
			return r->next;
		memcpy(&p->id, r->key.data, HF_ID_SIZE);
		while (r->next == HF_OK &&
		       memcmp(&p->id, r->key.data, HF_ID_SIZE) == 0) {
			add_row(p, r->key, r->value);
			r->next = spill_next(r->by_id, &r->key, &r->value);
		}
	} while (!p->has[0] && !p->has[1]);
	for (unsigned i = 0; i < 2; i++)
		r->result->acts[i] += p->has[i];
	return HF_OK;
}

/* ---- what was found ---- */

enum hf_err reconcile_keep(
    struct reconciling *r, const struct reconcile_row *row)
{
	uint8_t key[HF_ID_SIZE + 1 + 8];

	memcpy(key, row->case_id.b, HF_ID_SIZE);
	key[HF_ID_SIZE] = NAME_ROW;
	be_put(key + HF_ID_SIZE + 1, r->rows++, 8);
	if (row->what == RECONCILE_REFUSED || row->what == RECONCILE_LATER)
		r->result->explained++;
	else
		r->result->differences++;
	return spill_put(r->by_case, (struct hf_bytes){key, sizeof(key)},
	    (struct hf_bytes){(const uint8_t *)row, sizeof(*row)});
}

void reconcile_row_init(struct reconciling *r, struct reconcile_row *row,
    const struct pair *p, unsigned side)
{
	const struct element *e = &p->e[side];

	memset(row, 0, sizeof(*row));
	row->has = r->result->country[side];
	row->lacks = r->result->country[1 - side];
	row->act = p->id;
	row->known = true;
	row->kind = e->kind;
	row->case_id = e->case_id;
	row->entry = e->entry;
	row->entered = e->entered;
}

/* Was it entered there after that archive was fetched?  A receipt tells the
 * entry; without one there is only the time. */
static bool is_later(
    const struct reconciling *r, const struct pair *p, unsigned side)
{
	const struct element *e = &p->e[side];
	unsigned other = 1 - side;

	if (e->foreign)
		return e->there >= r->size[other];
	if (p->receipted[side])
		return p->there[side] >= r->size[other];
	return e->entered.ms > r->end[other].ms;
}

/* `side` has it, the other has not. */
enum hf_err reconcile_keep_missing(
    struct reconciling *r, const struct pair *p, unsigned side)
{
	struct reconcile_row row;

	reconcile_row_init(r, &row, p, side);
	row.receipted = p->e[side].foreign || p->receipted[side];
	row.refusal = p->refusal[side];
	if (!row.receipted && row.refusal != 0)
		row.what = RECONCILE_REFUSED;
	else if (is_later(r, p, side))
		row.what = RECONCILE_LATER;
	else
		row.what = RECONCILE_MISSING;
	return reconcile_keep(r, &row);
}

static enum hf_err compare_pair(struct reconciling *r, const struct pair *p)
{
	const struct element *a = &p->e[0], *b = &p->e[1];
	struct reconcile_row row;

	if (!p->has[0] || !p->has[1])
		return reconcile_keep_missing(r, p, p->has[0] ? 0 : 1);
	if (same_hash(&a->core, &b->core) &&
	    same_hash(&a->envelope, &b->envelope) &&
	    same_hash(&a->sigs, &b->sigs))
		return HF_OK;
	reconcile_row_init(r, &row, p, 0);
	row.what = RECONCILE_DIFFERS;
	row.part = !same_hash(&a->core, &b->core)           ? "core"
		   : !same_hash(&a->envelope, &b->envelope) ? "envelope"
							    : "signatures";
	return reconcile_keep(r, &row);
}

/* Everything that was kept, case by case, with its reference. */
enum hf_err reconcile_hand_out(
    struct reconciling *r, reconcile_each *each, void *ctx)
{
	struct hf_bytes key, value;
	struct hf_id named = {{0}};
	char ref[HF_REF_MAX] = "";
	enum hf_err err;

	while ((err = spill_next(r->by_case, &key, &value)) == HF_OK) {
		struct reconcile_row row;

		if (key.data[HF_ID_SIZE] == NAME_OPENING) {
			memcpy(&named, key.data, HF_ID_SIZE);
			memcpy(ref, value.data, sizeof(ref));
			continue;
		}
		memcpy(&row, value.data, sizeof(row));
		if (row.known && memcmp(&named, &row.case_id, HF_ID_SIZE) == 0)
			memcpy(row.ref, ref, sizeof(row.ref));
		err = each(ctx, &row);
		if (err != HF_OK)
			return err;
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

/* ---- two archives ---- */

enum hf_err reconcile_begin(struct reconciling *r, const char *dir)
{
	enum hf_err err = spill_new(&r->by_id, dir, SPILL_ROOM);

	return err == HF_OK ? spill_new(&r->by_case, dir, SPILL_ROOM) : err;
}

enum hf_err reconcile_take(struct reconciling *r, unsigned side)
{
	enum hf_err err = take_ledger(r, side);

	return err == HF_OK ? take_receipts(r, side) : err;
}

void reconcile_finish(struct reconciling *r)
{
	spill_free(r->by_id);
	spill_free(r->by_case);
}

enum hf_err reconcile_archives(struct archive *a, struct archive *b,
    reconcile_each *each, void *ctx, struct reconciled *out)
{
	struct reconciling r = {.result = out, .archive = {a, b}};
	struct pair p;
	enum hf_err err;

	memset(out, 0, sizeof(*out));
	err = book_head(a, &out->country[0], &r.size[0]);
	if (err == HF_OK)
		err = book_head(b, &out->country[1], &r.size[1]);
	if (err == HF_OK && same_country(out->country[0], out->country[1]))
		err = HF_USAGE;
	if (err == HF_OK)
		err = reconcile_begin(&r, archive_dir(a));
	for (unsigned side = 0; err == HF_OK && side < 2; side++)
		err = reconcile_take(&r, side);
	while (err == HF_OK && (err = reconcile_next(&r, &p)) == HF_OK)
		err = compare_pair(&r, &p);
	if (err == HF_NOTFOUND && r.begun)
		err = reconcile_hand_out(&r, each, ctx);
	reconcile_finish(&r);
	return err;
}
