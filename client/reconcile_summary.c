/*
 * reconcile_summary: where only a summary of the other side is at hand, the
 * maker cut the ids into ranges as it liked and gave count and Merkle root of
 * each; the reader hashes what it has between the same bounds.  So both need no
 * more in common than the order of ids, and a summary of a narrower span names
 * what a wider one only circled.
 */
#include "client/casebook.h"
#include "client/reconcile_internal.h"

#include "proto/crypto.h"
#include "proto/merkle.h"
#include "proto/text.h"

#include <string.h>

#define ELEMENT_SIZE (HF_ID_SIZE + 3u * HF_HASH_SIZE)
#define HEX_ID (2u * HF_ID_SIZE)
#define LINE_MAX_SIZE (2u * HEX_ID + 32u)
#define MAGIC "holdfast/1/exchange"

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

	while ((err = reconcile_next(r, &p)) == HF_OK) {
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
		err = reconcile_begin(&r, archive_dir(a));
	if (err == HF_OK)
		err = reconcile_take(&r, 0);
	if (err == HF_OK) {
		fprintf(out, MAGIC "\n%s %s\n%llu %llu\n", result->country[0].s,
		    peer.s, (unsigned long long)r.end[0].ms,
		    (unsigned long long)r.size[0]);
		err = write_ranges(&r, span, out);
	}
	reconcile_finish(&r);
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
	o->err = reconcile_next(r, &o->p);
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
	return reconcile_keep(r, &row);
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
	return reconcile_keep(r, &row);
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
			err = reconcile_keep_missing(r, &o->p, 0);
			continue;
		}
		seen = true;
		if (is_the_act(&o->p, &line->root))
			continue;
		reconcile_row_init(r, &row, &o->p, 0);
		row.what = RECONCILE_DIFFERS;
		row.part = "content";
		err = reconcile_keep(r, &row);
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

/* Bounds do not descend, and acts lie between two that differ: else the first
 * of them would be told as missing here and stand in the next range. */
static bool has_room(const struct line *line, const struct hf_id *until)
{
	return line->count == 0 ? !is_below(until, &line->from)
				: is_below(&line->from, until);
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
		if (err == HF_OK && !has_room(&line, &next.from))
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
		err = reconcile_begin(&r, archive_dir(a));
	if (err == HF_OK)
		err = reconcile_take(&r, 0);
	if (err == HF_OK)
		err = compare_summary(&r, summary, line);
	if (err == HF_OK)
		err = reconcile_hand_out(&r, each, ctx);
	reconcile_finish(&r);
	return err;
}
