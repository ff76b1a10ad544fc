/*
 * reconcile: acts are named by their digests, so two ledgers are at one about
 * an exchange when they hold the same set of (id, digests).  Each archive is
 * sorted by id on disk and the two are merged.
 *
 * Where only a summary of the other side is at hand, the maker cut the ids
 * into ranges as it liked and gave count and Merkle root of each; the reader
 * hashes what it has between the same bounds.  So both need no more in common
 * than the order of ids, and a summary of a narrower span names what a wider
 * one only circled.
 *
 * What was found is sorted once more, by case, for its reference stands in
 * the opening alone.
 */
#include "client/reconcile.h"

#include "client/be.h"
#include "client/casebook.h"
#include "client/spill.h"
#include "proto/crypto.h"
#include "proto/merkle.h"
#include "proto/ref.h"
#include "proto/text.h"

#include <stdlib.h>
#include <string.h>

#define SPILL_ROOM (UINT64_C(1) << 36) /* bytes; only what is used is taken */
#define ELEMENT_SIZE (HF_ID_SIZE + 3u * HF_HASH_SIZE)
#define HEX_ID (2u * HF_ID_SIZE)
#define LINE_MAX_SIZE (2u * HEX_ID + 32u)
#define MAGIC "holdfast/1/exchange"

enum { ROW_ACT, ROW_RECEIPT, ROW_DELIVERED };
enum { NAME_OPENING, NAME_ROW };

/** One act of the exchange, as one archive has it. */
struct element {
	uint64_t entry;
	unsigned kind;
	struct hf_id case_id;
	struct instant entered;
	struct hf_hash core, envelope, sigs;
	bool foreign;   /* it came with the other's receipt, */
	uint64_t there; /* which tells its entry there */
};

/** An id, and who has it. */
struct pair {
	struct hf_id id;
	bool has[2];
	struct element e[2];
	bool receipted[2]; /* side i has the other's receipt for it, */
	uint64_t there[2]; /* which tells its entry there */
	unsigned refusal[2];
};

struct reconciling {
	struct reconciled *result;
	struct archive *archive[2]; /* [1] NULL: a summary */
	struct instant end[2];      /* newest time of entry */
	uint64_t size[2];           /* entries under the head */
	struct spill *by_id, *by_case;
	uint64_t rows;
	/* the row of by_id that comes next */
	bool begun;
	enum hf_err next;
	struct hf_bytes key, value;
};

static bool same_country(struct hf_country a, struct hf_country b)
{
	return strcmp(a.s, b.s) == 0;
}

static bool same_hash(const struct hf_hash *a, const struct hf_hash *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

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
static enum hf_err next_pair(struct reconciling *r, struct pair *p)
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

static enum hf_err keep(struct reconciling *r, const struct reconcile_row *row)
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

static void row_init(struct reconciling *r, struct reconcile_row *row,
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
static enum hf_err keep_missing(
    struct reconciling *r, const struct pair *p, unsigned side)
{
	struct reconcile_row row;

	row_init(r, &row, p, side);
	row.receipted = p->e[side].foreign || p->receipted[side];
	row.refusal = p->refusal[side];
	if (!row.receipted && row.refusal != 0)
		row.what = RECONCILE_REFUSED;
	else if (is_later(r, p, side))
		row.what = RECONCILE_LATER;
	else
		row.what = RECONCILE_MISSING;
	return keep(r, &row);
}

static enum hf_err compare_pair(struct reconciling *r, const struct pair *p)
{
	const struct element *a = &p->e[0], *b = &p->e[1];
	struct reconcile_row row;

	if (!p->has[0] || !p->has[1])
		return keep_missing(r, p, p->has[0] ? 0 : 1);
	if (same_hash(&a->core, &b->core) &&
	    same_hash(&a->envelope, &b->envelope) &&
	    same_hash(&a->sigs, &b->sigs))
		return HF_OK;
	row_init(r, &row, p, 0);
	row.what = RECONCILE_DIFFERS;
	row.part = !same_hash(&a->core, &b->core)           ? "core"
		   : !same_hash(&a->envelope, &b->envelope) ? "envelope"
							    : "signatures";
	return keep(r, &row);
}

/* Everything that was kept, case by case, with its reference. */
static enum hf_err hand_out(
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

static enum hf_err begin(struct reconciling *r, const char *dir)
{
	enum hf_err err = spill_new(&r->by_id, dir, SPILL_ROOM);

	return err == HF_OK ? spill_new(&r->by_case, dir, SPILL_ROOM) : err;
}

static enum hf_err take_archive(struct reconciling *r, unsigned side)
{
	enum hf_err err = take_ledger(r, side);

	return err == HF_OK ? take_receipts(r, side) : err;
}

static void finish(struct reconciling *r)
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
		err = begin(&r, archive_dir(a));
	for (unsigned side = 0; err == HF_OK && side < 2; side++)
		err = take_archive(&r, side);
	while (err == HF_OK && (err = next_pair(&r, &p)) == HF_OK)
		err = compare_pair(&r, &p);
	if (err == HF_NOTFOUND && r.begun)
		err = hand_out(&r, each, ctx);
	finish(&r);
	return err;
}

/* ---- summaries ---- */

struct reconcile_span reconcile_all(void)
{
	struct reconcile_span s = {.acts = RECONCILE_ACTS};

	memset(&s.until, 0xff, sizeof(s.until));
	return s;
}

/** A range being hashed. */
struct range {
	struct hf_id from;
	struct hf_frontier tree;
};

static enum hf_err range_add(struct range *g, const struct pair *p)
{
	const struct element *e = &p->e[0];
	uint8_t bytes[ELEMENT_SIZE];
	struct hf_hash leaf;

	memcpy(bytes, p->id.b, HF_ID_SIZE);
	memcpy(bytes + HF_ID_SIZE, e->core.b, HF_HASH_SIZE);
	memcpy(bytes + HF_ID_SIZE + HF_HASH_SIZE, e->envelope.b, HF_HASH_SIZE);
	memcpy(bytes + HF_ID_SIZE + 2 * HF_HASH_SIZE, e->sigs.b, HF_HASH_SIZE);
	leaf = hf_merkle_leaf(bytes, sizeof(bytes));
	return hf_frontier_add(&g->tree, &leaf, NULL, NULL);
}

static void range_write(const struct range *g, FILE *out)
{
	char from[HEX_ID + 1], root[HEX_ID + 1];
	struct hf_hash h = hf_frontier_root(&g->tree);

	hf_hex(from, &g->from, sizeof(g->from));
	hf_hex(root, &h, sizeof(h));
	fprintf(
	    out, "%s %llu %s\n", from, (unsigned long long)g->tree.size, root);
}

static bool is_below(const struct hf_id *a, const struct hf_id *b)
{
	return memcmp(a, b, sizeof(*a)) < 0;
}

static enum hf_err write_ranges(
    struct reconciling *r, const struct reconcile_span *span, FILE *out)
{
	struct range g = {.from = span->from};
	char until[HEX_ID + 1];
	bool first = true; /* the first range holds no act */
	struct pair p;
	enum hf_err err;

	while ((err = next_pair(r, &p)) == HF_OK) {
		if (is_below(&p.id, &span->from) ||
		    !is_below(&p.id, &span->until))
			continue;
		if (first || g.tree.size == span->acts) {
			range_write(&g, out);
			memset(&g, 0, sizeof(g));
			g.from = p.id;
			first = false;
		}
		err = range_add(&g, &p);
		if (err != HF_OK)
			return err;
	}
	if (err != HF_NOTFOUND)
		return err;
	range_write(&g, out);
	hf_hex(until, &span->until, sizeof(span->until));
	fprintf(out, "%s end\n", until);
	return ferror(out) != 0 ? HF_FILE : HF_OK;
}

enum hf_err reconcile_write(struct archive *a, struct hf_country peer,
    const struct reconcile_span *span, FILE *out, struct reconciled *result)
{
	struct reconciling r = {.result = result, .archive = {a, NULL}};
	enum hf_err err;

	memset(result, 0, sizeof(*result));
	result->country[1] = peer;
	err = book_head(a, &result->country[0], &r.size[0]);
	if (err == HF_OK && same_country(peer, result->country[0]))
		err = HF_USAGE;
	if (err == HF_OK)
		err = begin(&r, archive_dir(a));
	if (err == HF_OK)
		err = take_archive(&r, 0);
	if (err == HF_OK) {
		fprintf(out, MAGIC "\n%s %s\n%llu %llu\n", result->country[0].s,
		    peer.s, (unsigned long long)r.end[0].ms,
		    (unsigned long long)r.size[0]);
		err = write_ranges(&r, span, out);
	}
	finish(&r);
	return err;
}

/** A line of a summary: a range, or the end. */
struct line {
	struct hf_id from;
	uint64_t count;
	struct hf_hash root;
	bool ends;
};

/* The text of a line without its end; HF_RANGE when there is none whole. */
static enum hf_err read_text(FILE *f, char text[LINE_MAX_SIZE], unsigned *line)
{
	size_t n;

	(*line)++;
	if (fgets(text, LINE_MAX_SIZE, f) == NULL)
		return ferror(f) != 0 ? HF_FILE : HF_RANGE;
	n = strlen(text);
	if (n == 0 || text[n - 1] != '\n')
		return HF_RANGE;
	text[n - 1] = '\0';
	return HF_OK;
}

/* Lower case only: a summary has one form. */
static bool read_digest(uint8_t out[32], const char *text)
{
	return strspn(text, "0123456789abcdef") == HEX_ID &&
	       hf_hex_read(out, HF_ID_SIZE, text, strlen(text)) == HF_OK;
}

static enum hf_err read_line(FILE *f, struct line *out, unsigned *number)
{
	char text[LINE_MAX_SIZE];
	const char *count = text + HEX_ID + 1, *root;
	enum hf_err err = read_text(f, text, number);

	if (err != HF_OK)
		return err;
	memset(out, 0, sizeof(*out));
	if (strlen(text) < HEX_ID + 2 || text[HEX_ID] != ' ')
		return HF_RANGE;
	text[HEX_ID] = '\0';
	if (!read_digest(out->from.b, text))
		return HF_RANGE;
	out->ends = strcmp(count, "end") == 0;
	if (out->ends)
		return HF_OK;
	root = strchr(count, ' ');
	if (root == NULL ||
	    !text_read_uint(
		&out->count, count, (size_t)(root - count), HF_TIME_LIMIT) ||
	    !read_digest(out->root.b, root + 1))
		return HF_RANGE;
	return HF_OK;
}

/* "JP US", theirs first. */
static enum hf_err read_countries(struct reconciling *r, const char *text)
{
	struct hf_country *c = r->result->country;

	if (strlen(text) != 5 || text[2] != ' ' || !hf_country_ok(text, 2) ||
	    !hf_country_ok(text + 3, 2))
		return HF_RANGE;
	if (memcmp(text + 3, c[0].s, 2) != 0 || memcmp(text, c[0].s, 2) == 0)
		return HF_USAGE;
	memcpy(c[1].s, text, 2);
	return HF_OK;
}

/* The time at which their archive ends, and the size of its head. */
static enum hf_err read_end(struct reconciling *r, const char *text)
{
	const char *size = strchr(text, ' ');

	return size != NULL &&
		       text_read_uint(&r->end[1].ms, text,
			   (size_t)(size - text), HF_TIME_LIMIT) &&
		       text_read_uint(&r->size[1], size + 1, strlen(size + 1),
			   UINT64_C(1) << HF_TREE_DEPTH_MAX)
		   ? HF_OK
		   : HF_RANGE;
}

static enum hf_err read_heading(
    struct reconciling *r, FILE *f, unsigned *number)
{
	char text[LINE_MAX_SIZE];
	enum hf_err err = read_text(f, text, number);

	if (err == HF_OK && strcmp(text, MAGIC) != 0)
		err = HF_RANGE;
	if (err == HF_OK)
		err = read_text(f, text, number);
	if (err == HF_OK)
		err = read_countries(r, text);
	if (err == HF_OK)
		err = read_text(f, text, number);
	return err == HF_OK ? read_end(r, text) : err;
}

/** Our acts, one read ahead. */
struct ours {
	struct pair p;
	enum hf_err err;
};

static void step(struct reconciling *r, struct ours *o)
{
	o->err = next_pair(r, &o->p);
}

static enum hf_err keep_range(struct reconciling *r, const struct line *line,
    const struct hf_id *until, uint64_t here)
{
	struct reconcile_row row;

	memset(&row, 0, sizeof(row));
	row.what = RECONCILE_RANGE;
	row.has = r->result->country[0];
	row.lacks = r->result->country[1];
	row.act = line->from;
	row.until = *until;
	row.count_has = here;
	row.count_lacks = line->count;
	return keep(r, &row);
}

static enum hf_err keep_unknown(
    struct reconciling *r, const struct hf_id *id, enum reconcile_what what)
{
	struct reconcile_row row;

	memset(&row, 0, sizeof(row));
	row.what = what;
	row.has = r->result->country[1];
	row.lacks = r->result->country[0];
	row.act = *id;
	return keep(r, &row);
}

/* The same content?  A range of one act is that act's hash. */
static bool is_the_act(const struct pair *p, const struct hf_hash *root)
{
	struct range g = {.tree = {.size = 0}};
	struct hf_hash h;

	if (range_add(&g, p) != HF_OK)
		return false;
	h = hf_frontier_root(&g.tree);
	return same_hash(&h, root);
}

/* A range of no act or of one: everything in it has a name. */
static enum hf_err compare_small(struct reconciling *r, struct ours *o,
    const struct line *line, const struct hf_id *until)
{
	struct hf_frontier none = {.size = 0};
	struct hf_hash empty = hf_frontier_root(&none);
	bool seen = line->count == 0;
	enum hf_err err =
	    seen && !same_hash(&empty, &line->root) ? HF_RANGE : HF_OK;

	for (; err == HF_OK && o->err == HF_OK && is_below(&o->p.id, until);
	     step(r, o)) {
		struct reconcile_row row;

		if (line->count == 0 ||
		    memcmp(&o->p.id, &line->from, HF_ID_SIZE) != 0) {
			err = keep_missing(r, &o->p, 0);
			continue;
		}
		seen = true;
		if (is_the_act(&o->p, &line->root))
			continue;
		row_init(r, &row, &o->p, 0);
		row.what = RECONCILE_DIFFERS;
		row.part = "content";
		err = keep(r, &row);
	}
	if (err == HF_OK && !seen)
		err = keep_unknown(r, &line->from, RECONCILE_MISSING);
	return err;
}

static enum hf_err compare_range(struct reconciling *r, struct ours *o,
    const struct line *line, const struct hf_id *until)
{
	struct range g = {.from = line->from};
	struct hf_hash root;
	enum hf_err err = HF_OK;

	if (line->count <= 1)
		return compare_small(r, o, line, until);
	for (; err == HF_OK && o->err == HF_OK && is_below(&o->p.id, until);
	     step(r, o))
		err = range_add(&g, &o->p);
	root = hf_frontier_root(&g.tree);
	if (err == HF_OK &&
	    (g.tree.size != line->count || !same_hash(&root, &line->root)))
		err = keep_range(r, line, until, g.tree.size);
	return err;
}

static enum hf_err compare_summary(
    struct reconciling *r, FILE *summary, unsigned *number)
{
	struct ours o = {.err = HF_OK};
	struct line line, next;
	enum hf_err err = read_line(summary, &line, number);

	if (err == HF_OK && (line.ends || line.count != 0))
		err = HF_RANGE; /* the first range holds none */
	step(r, &o);
	while (err == HF_OK && o.err == HF_OK && is_below(&o.p.id, &line.from))
		step(r, &o); /* before what the summary tells */
	while (err == HF_OK && !line.ends) {
		err = read_line(summary, &next, number);
		if (err == HF_OK && is_below(&next.from, &line.from))
			err = HF_RANGE;
		if (err != HF_OK)
			break;
		r->result->acts[1] += line.count;
		err = compare_range(r, &o, &line, &next.from);
		line = next;
	}
	if (err == HF_OK && getc(summary) != EOF)
		err = HF_RANGE;
	if (err == HF_OK && o.err != HF_OK && o.err != HF_NOTFOUND)
		err = o.err;
	return err;
}

enum hf_err reconcile_read(struct archive *a, FILE *summary,
    reconcile_each *each, void *ctx, struct reconciled *result, unsigned *line)
{
	struct reconciling r = {.result = result, .archive = {a, NULL}};
	enum hf_err err;

	*line = 0;
	memset(result, 0, sizeof(*result));
	err = book_head(a, &result->country[0], &r.size[0]);
	if (err == HF_OK)
		err = read_heading(&r, summary, line);
	if (err == HF_OK)
		err = begin(&r, archive_dir(a));
	if (err == HF_OK)
		err = take_archive(&r, 0);
	if (err == HF_OK)
		err = compare_summary(&r, summary, line);
	if (err == HF_OK)
		err = hand_out(&r, each, ctx);
	finish(&r);
	return err;
}
