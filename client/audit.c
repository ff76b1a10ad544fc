/*
 * audit: the pass over an archive that verify and replay share.
 *
 * The root under the signed head says that something was changed, not what.
 * The file `hashes` does: when it hashes to the signed root, it is true, and
 * the first entry that has another hash than it should is named.  An entry
 * that was left out or put in shifts all later ones; so after a difference
 * the reader looks one hash ahead, and stays in step.
 */
#include "client/audit.h"

#include "client/ahead.h"

#include "proto/crypto.h"
#include "proto/merkle.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- progress ---- */

void progress_show(struct progress *p, uint64_t done, uint64_t total)
{
	struct instant now;
	double seconds;

	if (p->out->quiet || p->out->mode != OUT_TABLE ||
	    !isatty(STDERR_FILENO))
		return;
	now = out_now();
	if (p->begin.ms == 0)
		p->begin = now;
	if (now.ms < p->shown.ms + 100)
		return;
	p->shown = now;
	seconds = (double)(now.ms - p->begin.ms) / 1000;
	fprintf(stderr, "\r  %s %llu", p->what, (unsigned long long)done);
	if (total > 0)
		fprintf(stderr, " of %llu", (unsigned long long)total);
	fprintf(stderr, " entries");
	if (seconds >= 0.5)
		fprintf(stderr, ", %.0f/s", (double)done / seconds);
	fprintf(stderr, "\033[K");
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->shown.ms != 0)
		fprintf(stderr, "\r\033[K");
	p->shown.ms = p->begin.ms = 0;
}

/* ---- findings ---- */

void audit_finds(struct audit *a, uint64_t entry, const char *format, ...)
{
	struct findings *f = &a->found;
	char text[sizeof(f->first_text)];
	size_t n = 0;
	va_list args;

	if (entry != AUDIT_NO_ENTRY)
		n = (size_t)snprintf(text, sizeof(text),
		    "entry %llu: ", (unsigned long long)entry);
	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - n, format, args);
	va_end(args);
	if (!f->settled && (f->count == 0 || entry < f->first)) {
		f->first = entry;
		memcpy(f->first_text, text, sizeof(text));
	}
	f->count++;
	if (json_array_size(f->texts) < AUDIT_REPORT_MAX)
		json_array_append_new(f->texts, json_string(text));
}

/* ---- life ---- */

enum hf_err audit_open(
    struct audit *a, const struct out *out, const char *dir, const char **what)
{
	enum hf_err err;

	memset(a, 0, sizeof(*a));
	a->out = out;
	a->found.first = AUDIT_NO_ENTRY;
	a->found.texts = json_array();
	*what = "no archive of a ledger is there";
	a->forked = json_array();
	a->witnesses = cosigners_new();
	err =
	    a->found.texts == NULL || a->forked == NULL || a->witnesses == NULL
		? HF_NOMEM
		: archive_open(&a->archive, dir);
	if (err == HF_OK) {
		*what = "pins or documents of the archive";
		err = archive_roster_and(a->archive, &a->roster, a->witnesses);
	}
	while (err == HF_OK && roster_at(a->roster, a->pins) != NULL)
		a->pins++;
	if (err != HF_OK)
		audit_close(a);
	return err;
}

void audit_close(struct audit *a)
{
	archive_close(a->archive);
	roster_free(a->roster);
	cosigners_free(a->witnesses);
	json_decref(a->found.texts);
	json_decref(a->forked);
	a->witnesses = NULL;
	a->forked = NULL;
	a->archive = NULL;
	a->roster = NULL;
	a->found.texts = NULL;
}

/* ---- hashes ---- */

struct chain {
	struct hf_frontier frontier; /* without hashes */
	FILE *hashes;                /* NULL: none that are true */
	uint64_t at;   /* the hash that the next entry should have */
	uint64_t read; /* where the file stands, in hashes */
	bool loose;    /* the entry before did not have its own */
	bool differs;  /* one did not */
};

static bool read_hash(FILE *f, struct hf_hash *h)
{
	return fread(h->b, sizeof(h->b), 1, f) == 1;
}

/* True when it hashes to the signed root. */
static bool hashes_are_true(FILE *f, const struct judge_head *head)
{
	struct hf_frontier tree = {.size = 0};
	struct hf_hash h, root;

	while (tree.size < head->size && read_hash(f, &h))
		if (hf_frontier_add(&tree, &h, NULL, NULL) != HF_OK)
			return false;
	root = hf_frontier_root(&tree);
	return tree.size == head->size &&
	       memcmp(&root, &head->root, sizeof(root)) == 0;
}

static void chain_open(struct chain *c, const struct audit *a)
{
	char path[HOME_PATH_MAX + 16];

	memset(c, 0, sizeof(*c));
	snprintf(path, sizeof(path), "%s/hashes", archive_dir(a->archive));
	c->hashes = fopen(path, "re");
	if (c->hashes == NULL)
		return;
	if (hashes_are_true(c->hashes, &a->head) &&
	    fseeko(c->hashes, 0, SEEK_SET) == 0)
		return;
	fclose(c->hashes);
	c->hashes = NULL;
}

static bool is_next(struct chain *c, uint64_t limit, const struct hf_hash *h)
{
	struct hf_hash should;

	if (c->at >= limit)
		return false;
	/* one after the other, but where something is wrong */
	if (c->read != c->at &&
	    fseeko(c->hashes, (off_t)(c->at * sizeof(should)), SEEK_SET) != 0)
		return false;
	c->read = UINT64_MAX;
	if (!read_hash(c->hashes, &should))
		return false;
	c->read = c->at + 1;
	if (memcmp(&should, h, sizeof(should)) != 0)
		return false;
	c->at++;
	return true;
}

/* Is this the entry that was signed here? */
static void compare_hash(struct audit *a, struct chain *c, uint64_t index,
    const struct hf_hash *hash)
{
	uint64_t limit = a->head.size, at = c->at;

	if (at >= limit && index >= limit)
		return; /* later than the head */
	if (is_next(c, limit, hash)) {
		c->loose = false;
		return;
	}
	c->differs = true;
	c->at = at + 1;
	if (is_next(c, limit, hash)) {
		if (!c->loose)
			audit_finds(a, index,
			    "an entry is missing here that was signed");
		c->loose = false;
		return;
	}
	audit_finds(a, index, "is not the entry that was signed here");
	/* one difference may be an entry too many: stay; two are none */
	c->at = c->loose ? at + 1 : at;
	c->loose = true;
}

static void chain_add(struct audit *a, struct chain *c, uint64_t index,
    const struct hf_hash *hash)
{
	/* what the true hashes are need not be hashed into a tree again */
	if (c->hashes != NULL)
		compare_hash(a, c, index, hash);
	else if (c->frontier.size < a->head.size &&
		 hf_frontier_add(&c->frontier, hash, NULL, NULL) != HF_OK)
		audit_finds(a, index, "the tree is too large");
}

static void chain_end(struct audit *a, struct chain *c)
{
	struct hf_hash root = hf_frontier_root(&c->frontier);
	bool differs = c->hashes != NULL
			   ? c->differs
			   : memcmp(&root, &a->head.root, sizeof(root)) != 0;

	if (a->entries < a->head.size)
		audit_finds(a, a->entries,
		    "is missing: the signed head covers %llu entries",
		    (unsigned long long)a->head.size);
	else if (differs)
		audit_finds(a, AUDIT_NO_ENTRY,
		    "the entries do not hash to the signed head");
	if (c->hashes != NULL)
		fclose(c->hashes);
}

/* ---- ahead ---- */

#define WINDOW 512u /* items of each stream: 9 MiB of both */
enum { ENTRIES, ROWS };

struct entry_item {
	_Alignas(max_align_t) struct archive_entry e;
	struct judged d;
	uint8_t frame[ARCHIVE_ENTRY_MAX];
};
struct row_item {
	_Alignas(max_align_t) struct archive_receipt row;
	struct judged_receipt receipt;
	uint8_t frame[ARCHIVE_RECEIPT_MAX];
};
struct source {
	struct archive *archive;
	struct archive_rows *rows; /* NULL: none */
	struct judge_base base;
};

static enum hf_err read_item(void *ctx, void *item)
{
	const struct source *s = ctx;
	struct entry_item *i = item;

	return archive_next_into(s->archive, i->frame, &i->e);
}

static void work_item(const void *ctx, void *item)
{
	const struct source *s = ctx;
	struct entry_item *i = item;

	judge_prepare(&s->base, &i->e, &i->d);
}

static enum hf_err read_row(void *ctx, void *item)
{
	const struct source *s = ctx;
	struct row_item *i = item;

	return s->rows == NULL
		   ? HF_NOTFOUND
		   : archive_receipts_next_into(s->rows, i->frame, &i->row);
}

static void work_row(const void *ctx, void *item)
{
	const struct source *s = ctx;
	struct row_item *i = item;

	judge_receipt_prepare(&s->base, i->row.to, i->row.receipt, &i->receipt);
}

/* ---- receipts ---- */

/* Rows stand in the order of the acts in the ledger. */
struct receipts {
	struct ahead *ahead;
	struct row_item *next; /* NULL: there is none */
};

static void receipts_step(struct audit *a, struct receipts *r)
{
	void *item = NULL;
	enum hf_err err = ahead_next(r->ahead, ROWS, &item);

	r->next = err == HF_OK ? item : NULL;
	if (err != HF_OK && err != HF_NOTFOUND)
		audit_finds(a, AUDIT_NO_ENTRY,
		    "receipts: damaged after row "
		    "%llu",
		    (unsigned long long)a->receipted);
}

static void match_receipt(struct audit *a, struct receipts *r, struct judge *j,
    uint64_t index, const struct judged *d)
{
	struct hf_country to = hf_desk_country(&d->act.envelope.to);
	const char *problem;

	if (d->leaf.type == HF_ENTRY_FOREIGN ||
	    d->act.envelope.track > HF_TRACK_ASKED ||
	    strcmp(to.s, a->head.country.s) == 0)
		return;
	a->sent++;
	if (r->next == NULL ||
	    memcmp(&r->next->row.act, &d->leaf.id, sizeof(d->leaf.id)) != 0)
		return;
	problem = strcmp(r->next->row.to.s, to.s) != 0
		      ? "is of another country"
		      : judge_receipt(j, &d->leaf, to, &r->next->receipt);
	if (problem != NULL)
		audit_finds(a, index, "its receipt by %s: %s", to.s, problem);
	else
		a->receipted++;
	receipts_step(a, r);
}

static void receipts_end(struct audit *a, struct receipts *r)
{
	char hex[2 * HF_ID_SIZE + 1];

	if (r->next != NULL) {
		hf_hex(hex, &r->next->row.act, sizeof(r->next->row.act));
		audit_finds(a, AUDIT_NO_ENTRY,
		    "receipts: one for act %.16s, which the ledger does not "
		    "have at its place",
		    hex);
	}
}

/* ---- peers' certificates of erasure ---- */

static void check_certificates(struct audit *a)
{
	struct archive_rows *rows;
	struct archive_receipt c;
	enum hf_err err = archive_certificates_open(a->archive, &rows);

	while (
	    err == HF_OK && (err = archive_receipts_next(rows, &c)) == HF_OK) {
		const char *problem = judge_certificate(
		    a->roster, a->witnesses, &c.act, c.to, c.receipt, NULL);
		char hex[2 * HF_ID_SIZE + 1];

		a->certificates += problem == NULL;
		hf_hex(hex, &c.act, sizeof(c.act));
		if (problem != NULL)
			audit_finds(a, AUDIT_NO_ENTRY,
			    "certificates: that of %s for case %.16s %s",
			    c.to.s, hex, problem);
	}
	if (err != HF_NOTFOUND)
		audit_finds(a, AUDIT_NO_ENTRY,
		    "certificates: damaged after row %llu",
		    (unsigned long long)a->certificates);
	archive_rows_close(rows);
}

/* ---- the pass ---- */

/* It stood when it entered, and later the key was said to have been lost. */
static bool is_disputed(const struct audit *a, const struct judged *d)
{
	const struct revocation_entry *gone = roster_revocation(a->roster,
	    hf_desk_country(&d->act.envelope.from), &d->act.core.author);

	return gone != NULL && d->entered.ms >= gone->since.ms &&
	       d->entered.ms < gone->revoked.ms;
}

static void tell_fork(struct audit *a, uint64_t index, const struct judged *d)
{
	char text[128];

	if (d->forked_at == 0 || a->forks++ >= AUDIT_REPORT_MAX)
		return;
	snprintf(text, sizeof(text),
	    "entry %llu: the broker of %s signed two trees of %llu entries",
	    (unsigned long long)index, d->forked.s,
	    (unsigned long long)d->forked_at);
	json_array_append_new(a->forked, json_string(text));
}

/* The head cannot be older than the newest entry under it. */
static void head_cosigned(
    struct audit *a, const struct judge *j, uint64_t index, struct instant at)
{
	const char *note = a->head.note;
	struct cosigned c;

	if (index + 1 != a->head.size)
		return;
	c = judge_cosigned(
	    j, (struct hf_bytes){(const uint8_t *)note, strlen(note)}, at);
	a->head_witnesses = c.witnesses;
	if (c.problem[0] != '\0')
		audit_finds(a, index, "the head over it: %s", c.problem);
}

static enum hf_err take_entry(struct audit *a, struct judge *j,
    struct receipts *r, const struct archive_entry *e, struct judged *d)
{
	enum hf_err err = judge_prepared(j, e, d);

	if (err != HF_OK)
		return err;
	if (d->problem[0] != '\0')
		audit_finds(a, e->index, "%s", d->problem);
	tell_fork(a, e->index, d);
	head_cosigned(a, j, e->index, d->leaf.entered);
	if (hf_entry_is_act(d->leaf.type)) {
		a->acts++;
		a->verified += d->problem[0] == '\0';
	}
	if (!d->is_act)
		return HF_OK;
	a->disputed += is_disputed(a, d);
	a->received += d->leaf.type == HF_ENTRY_FOREIGN;
	match_receipt(a, r, j, e->index, d);
	return HF_OK;
}

static enum hf_err pass(struct audit *a, struct judge *j, struct receipts *r,
    enum hf_err (*each)(
	void *ctx, const struct archive_entry *e, const struct judged *d),
    void *ctx)
{
	struct progress p = {.out = a->out, .what = "verified"};
	struct chain c;
	enum hf_err err = HF_OK;
	void *item;

	chain_open(&c, a);
	while (err == HF_OK &&
	       (err = ahead_next(r->ahead, ENTRIES, &item)) == HF_OK) {
		struct entry_item *i = item;

		chain_add(a, &c, a->entries++, &i->d.hash);
		err = take_entry(a, j, r, &i->e, &i->d);
		if (err == HF_OK && each != NULL && i->d.leaf.type != 0)
			err = each(ctx, &i->e, &i->d);
		progress_show(&p, a->entries, a->head.size);
	}
	progress_end(&p);
	if (err == HF_CORRUPT) {
		audit_finds(a, a->entries,
		    "the file is damaged here; nothing "
		    "behind it was read");
		err = HF_OK;
	}
	if (err == HF_NOTFOUND)
		err = HF_OK;
	chain_end(a, &c);
	return err;
}

static enum hf_err read_head(struct audit *a)
{
	const struct hf_frontier nothing = {.size = 0};
	char note[HF_NOTE_MAX + 1];
	enum hf_err err = archive_head(a->archive, note);

	if (err == HF_OK)
		err = judge_head_read(&a->head, note, a->roster);
	if (err == HF_NOTFOUND)
		audit_finds(a, AUDIT_NO_ENTRY, "there is no signed head");
	else if (err == HF_CHECKPOINT || err == HF_CORRUPT)
		audit_finds(a, AUDIT_NO_ENTRY,
		    "the head is not signed by the ledger key of its "
		    "country");
	else
		return err;
	/* entries are judged all the same, under no head; what is found then
	 * may come of its false origin */
	a->found.settled = true;
	a->head.size = 0;
	a->head.root = hf_frontier_root(&nothing);
	return HF_OK;
}

static enum hf_err look_ahead(
    const struct audit *a, struct source *s, struct ahead **out)
{
	const struct ahead_stream streams[] = {
	    [ENTRIES] = {sizeof(struct entry_item), WINDOW, s, read_item,
		work_item},
	    [ROWS] = {sizeof(struct row_item), WINDOW, s, read_row, work_row}};
	enum hf_err err = archive_receipts_open(a->archive, &s->rows);

	if (err == HF_OK || err == HF_NOTFOUND)
		err = archive_rewind(a->archive);
	return err == HF_OK ? ahead_new(out, a->threads, streams, 2) : err;
}

enum hf_err audit_verify(struct audit *a,
    enum hf_err (*each)(
	void *ctx, const struct archive_entry *e, const struct judged *d),
    void *ctx)
{
	struct source s = {a->archive, NULL, {a->roster, a->witnesses}};
	struct receipts r = {.ahead = NULL};
	struct judge *j = NULL;
	enum hf_err err = read_head(a);

	if (err == HF_OK)
		err = judge_new(&j, a->archive, &s.base, &a->head);
	if (err == HF_OK)
		err = look_ahead(a, &s, &r.ahead);
	if (err == HF_OK) {
		receipts_step(a, &r);
		err = pass(a, j, &r, each, ctx);
		receipts_end(a, &r);
	}
	ahead_free(r.ahead);
	archive_rows_close(s.rows);
	if (err == HF_OK)
		check_certificates(a);
	if (j != NULL)
		memcpy(a->witnessed, judge_witnessed(j), sizeof(a->witnessed));
	judge_free(j);
	a->found.settled = a->found.count > 0;
	return err;
}
