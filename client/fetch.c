/*
 * fetch: the order of things is what makes an archive resumable and true.
 *
 * The head comes first, and what was fetched before is proved to be a prefix
 * of it.  Then entries, which are hashed as they come: at the sizes of the
 * old and of the new head they must arrive at their roots.  Then states and
 * receipts, and then once more the entries that came meanwhile, so that no
 * state or receipt is of an act that the archive does not have.  The new
 * head is written last, when everything under it is synced: so whatever a
 * crash tears lies behind the head that is on disk, and may be cut.
 */
#include "client/fetch.h"

#include "proto/crypto.h"
#include "proto/merkle.h"
#include "proto/pack.h"
#include "proto/ref.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SYNC_ENTRIES 8192u /* about 4 MiB */
#define PATH_SIZE (HOME_PATH_MAX + 64u)
#define DOCUMENT_IN_FORCE 3u /* code of the statement roster */

/* ---- pages ---- */

enum hf_err page_call(struct link *l, enum hf_op op, struct page *p,
    enum hf_err (*row)(void *ctx, struct wire *w), void *ctx)
{
	uint8_t args[64];
	struct answer answer;
	struct pack out;
	struct wire w;
	size_t size;
	int key;
	enum hf_err err;

	pack_init(&out, args, sizeof(args));
	pack_map(&out, p->by_id && !p->has_after ? 0 : 1);
	if (p->by_id && p->has_after) {
		pack_uint(&out, 1);
		pack_bin(&out, p->after.b, sizeof(p->after));
	} else if (!p->by_id) {
		pack_uint(&out, 1);
		pack_uint(&out, p->from);
	}
	err = pack_finish(&out, &size);
	if (err == HF_OK)
		err = link_call(l, op, (struct hf_bytes){args, size}, &answer);
	if (err != HF_OK)
		return err;
	p->more = false;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, HF_MAP_MAX);
	while (err == HF_OK && (key = wire_key(&w)) >= 0) {
		if (key == 1) {
			unsigned n = wire_array(&w, 0, HF_PAGE_ROWS);

			for (; n > 0 && w.err == HF_OK && err == HF_OK; n--)
				err = row(ctx, &w);
			if (err == HF_OK)
				wire_close(&w);
		} else if (key == 2 && p->by_id) {
			wire_bin_copy(&w, &p->after, sizeof(p->after));
			p->has_after = p->more = true;
		} else if (key == 2) {
			p->from = wire_uint(&w, UINT64_MAX);
			p->more = true;
		} else {
			wire_skip(&w);
		}
	}
	if (err != HF_OK)
		return err;
	wire_close(&w);
	return wire_finish(&w);
}

/* ---- the archive being written ---- */

struct fetch {
	struct session *s;
	const char *dir;
	struct fetched *result;
	struct progress progress;
	FILE *ledger, *hashes, *rows;
	struct hf_frontier tree;
	bool has_old;
	struct judge_head old, head;
	unsigned unsynced;
};

static void path_of(const struct fetch *f, const char *name, char *path)
{
	snprintf(path, PATH_SIZE, "%s/%s", f->dir, name);
}

static enum hf_err problem(struct fetch *f, enum hf_err err, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

static enum hf_err problem(
    struct fetch *f, enum hf_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->result->problem, sizeof(f->result->problem), format, args);
	va_end(args);
	return err;
}

static enum hf_err sync_file(FILE *file)
{
	return fflush(file) == 0 && fsync(fileno(file)) == 0 ? HF_OK : HF_FILE;
}

static enum hf_err write_frame(FILE *file, const struct pack *p)
{
	uint8_t be[4];
	size_t size;
	enum hf_err err = pack_finish(p, &size);

	for (unsigned i = 0; i < sizeof(be); i++)
		be[i] = (uint8_t)(size >> (24 - 8 * i));
	if (err == HF_OK && (fwrite(be, 1, sizeof(be), file) != sizeof(be) ||
				fwrite(p->data, 1, size, file) != size))
		err = HF_FILE;
	return err;
}

/* At the sizes of the two heads the entries hash to their roots.
 * here: all of them were on this disk already */
static enum hf_err check_roots(struct fetch *f, bool here)
{
	struct hf_hash root;

	if (f->has_old && f->tree.size == f->old.size) {
		root = hf_frontier_root(&f->tree);
		if (memcmp(&root, &f->old.root, sizeof(root)) != 0)
			return problem(f, here ? HF_CORRUPT : HF_OTHER_LEDGER,
			    "the first %llu entries do not hash to the head "
			    "that was fetched before",
			    (unsigned long long)f->old.size);
	}
	if (f->tree.size == f->head.size) {
		root = hf_frontier_root(&f->tree);
		if (memcmp(&root, &f->head.root, sizeof(root)) != 0)
			return problem(f, HF_PROOF,
			    "the first %llu entries do not hash to the "
			    "broker's signed head",
			    (unsigned long long)f->head.size);
	}
	return HF_OK;
}

/* ---- documents ---- */

struct version {
	struct hf_country country;
	uint32_t number;
};

/* The statement that a document came into force names the version to have. */
static bool names_version(struct hf_bytes payload, struct version *v)
{
	struct hf_statement s;

	if (hf_statement_decode(&s, payload.data, payload.size) != HF_OK ||
	    s.type != HF_ENTRY_ROSTER || s.code != DOCUMENT_IN_FORCE ||
	    s.text.size != HF_COUNTRY_SIZE || s.count > UINT32_MAX ||
	    !hf_country_ok((const char *)s.text.data, s.text.size))
		return false;
	memset(v, 0, sizeof(*v));
	memcpy(v->country.s, s.text.data, HF_COUNTRY_SIZE);
	v->number = (uint32_t)s.count;
	return true;
}

/* What the broker no longer has is for `verify` to miss. */
static enum hf_err fetch_document(struct fetch *f, const struct version *v)
{
	char name[32], path[PATH_SIZE];
	uint8_t *data = NULL;
	size_t size;
	enum hf_err err;

	snprintf(name, sizeof(name), "documents/%s.%u", v->country.s,
	    (unsigned)v->number);
	path_of(f, name, path);
	if (access(path, F_OK) == 0)
		return HF_OK;
	err = roster_fetch(f->s->link, v->country, v->number, &data, &size);
	if (err == HF_UNKNOWN_ACT || err == HF_UNKNOWN_COUNTRY)
		return HF_OK;
	if (err == HF_OK)
		err = home_write(path, data, size, 0600);
	free(data);
	return err;
}

/* ---- entries ---- */

static enum hf_err put_hash(struct fetch *f, const struct hf_hash *hash)
{
	if (fwrite(hash->b, sizeof(hash->b), 1, f->hashes) != 1)
		return HF_FILE;
	return hf_frontier_add(&f->tree, hash, NULL, NULL);
}

/* A page lies in the link's buffer, which a document's fetch takes: so
 * documents are fetched when the page is written. */
struct entries {
	struct fetch *f;
	unsigned count;
	struct version wanted[HF_PAGE_ROWS];
};

static enum hf_err take_entry(void *ctx, struct wire *w)
{
	static const size_t limits[5] = {HF_LEDGER_LEAF_MAX, HF_CORE_MAX,
	    HF_ENVELOPE_MAX, HF_SIGS_MAX, HF_RECEIPT_MAX};
	uint8_t frame[8192];
	struct hf_bytes parts[5];
	struct entries *page = ctx;
	struct fetch *f = page->f;
	struct hf_hash hash;
	struct pack p;
	enum hf_err err;

	wire_array(w, 5, 5);
	for (unsigned i = 0; i < 5; i++)
		parts[i] = wire_bin(w, i == 0 ? 1 : 0, limits[i]);
	wire_close(w);
	if (w->err != HF_OK)
		return w->err;
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 5);
	for (unsigned i = 0; i < 5; i++)
		pack_bin(&p, parts[i].data, parts[i].size);
	hash = hf_merkle_leaf(parts[0].data, parts[0].size);
	err = write_frame(f->ledger, &p);
	if (err == HF_OK)
		err = put_hash(f, &hash);
	if (err == HF_OK)
		err = check_roots(f, false);
	f->unsynced++;
	if (names_version(parts[4], &page->wanted[page->count]))
		page->count++;
	return err;
}

static enum hf_err sync_entries(struct fetch *f)
{
	enum hf_err err = sync_file(f->ledger);

	f->unsynced = 0;
	return err == HF_OK ? sync_file(f->hashes) : err;
}

static enum hf_err fetch_page(struct fetch *f, struct page *page)
{
	struct entries e = {.f = f};
	uint64_t before = f->tree.size;
	enum hf_err err =
	    page_call(f->s->link, HF_OP_ENTRIES, page, take_entry, &e);

	for (unsigned i = 0; err == HF_OK && i < e.count; i++)
		err = fetch_document(f, &e.wanted[i]);
	/* a page that leads nowhere, or somewhere else */
	if (err == HF_OK && page->more &&
	    (f->tree.size == before || page->from != f->tree.size))
		err = HF_FRAME;
	if (err == HF_OK && f->unsynced >= SYNC_ENTRIES)
		err = sync_entries(f);
	return err;
}

static enum hf_err fetch_entries(struct fetch *f)
{
	struct page page = {.from = f->tree.size, .more = true};
	enum hf_err err = HF_OK;

	while (err == HF_OK && page.more) {
		err = fetch_page(f, &page);
		progress_show(&f->progress, f->tree.size, f->head.size);
	}
	if (err == HF_OK)
		err = sync_entries(f);
	if (err == HF_OK && f->tree.size < f->head.size)
		err = problem(f, HF_PROOF,
		    "the broker has only %llu of the %llu entries under its "
		    "signed head",
		    (unsigned long long)f->tree.size,
		    (unsigned long long)f->head.size);
	return err;
}

/* ---- going on ---- */

/* Is what lies on disk from here on proved by the head on disk?  Behind it a
 * crash may have left anything. */
static bool is_proved(const struct fetch *f)
{
	return f->has_old && f->tree.size < f->old.size;
}

/* The next entry of the archive; its hash is in `hashes`, or is put there. */
static enum hf_err pass_entry(struct fetch *f, const struct archive_entry *e)
{
	struct hf_hash held, hash = hf_merkle_leaf(e->leaf.data, e->leaf.size);
	off_t at = (off_t)(f->tree.size * sizeof(hash));
	struct version v;
	enum hf_err err;

	if (fread(held.b, sizeof(held.b), 1, f->hashes) == 1 &&
	    memcmp(&held, &hash, sizeof(hash)) == 0) {
		err = hf_frontier_add(&f->tree, &hash, NULL, NULL);
	} else if (is_proved(f) && ferror(f->hashes) == 0 &&
		   feof(f->hashes) == 0) {
		err = problem(f, HF_CORRUPT,
		    "entry %llu of the archive is not the one that was "
		    "fetched",
		    (unsigned long long)e->index);
	} else {
		fseeko(f->hashes, at, SEEK_SET);
		err = put_hash(f, &hash);
		fseeko(f->hashes, 0, SEEK_CUR);
	}
	if (err == HF_OK)
		err = check_roots(f, true);
	if (err == HF_OK && names_version(e->payload, &v))
		err = fetch_document(f, &v);
	return err;
}

/* Pass over what is there; `end` is where the last whole entry ends. */
static enum hf_err pass_entries(
    struct fetch *f, struct archive *a, uint64_t *end)
{
	struct archive_entry e;
	enum hf_err err;

	while ((err = archive_next(a, &e)) == HF_OK) {
		err = pass_entry(f, &e);
		if (err != HF_OK)
			return err;
	}
	*end = e.offset;
	if (err == HF_CORRUPT && is_proved(f))
		return problem(f, err, "the archive is damaged at entry %llu",
		    (unsigned long long)e.index);
	return err == HF_NOTFOUND || err == HF_CORRUPT ? HF_OK : err;
}

static enum hf_err cut(FILE *file, uint64_t size)
{
	return fflush(file) == 0 && ftruncate(fileno(file), (off_t)size) == 0 &&
		       fseeko(file, 0, SEEK_END) == 0
		   ? HF_OK
		   : HF_FILE;
}

static FILE *open_kept(const struct fetch *f, const char *name)
{
	char path[PATH_SIZE];
	int fd;
	FILE *file;

	path_of(f, name, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	file = fd < 0 ? NULL : fdopen(fd, "r+");
	if (file == NULL && fd >= 0)
		close(fd);
	return file;
}

static enum hf_err old_head(struct fetch *f, struct archive *a)
{
	char note[HF_NOTE_MAX + 1];
	enum hf_err err = archive_head(a, note);

	if (err == HF_NOTFOUND)
		return HF_OK;
	if (err == HF_OK)
		err = judge_head_read(&f->old, note, f->s->home.roster);
	if (err != HF_OK)
		return problem(
		    f, err, "the archive's own head does not verify");
	if (strcmp(f->old.country.s, f->s->home.country.s) != 0)
		return problem(f, HF_OTHER_LEDGER,
		    "the archive is of %s's ledger", f->old.country.s);
	f->has_old = true;
	return HF_OK;
}

/* ---- the head ---- */

static enum hf_err prove_prefix(struct fetch *f)
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	struct hf_bytes bytes = {NULL, 0};
	struct answer answer;
	uint8_t args[32];
	struct pack p;
	struct wire w;
	size_t size;
	enum hf_err err;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, 2);
	pack_uint(&p, 1);
	pack_uint(&p, f->old.size);
	pack_uint(&p, 2);
	pack_uint(&p, f->head.size);
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = link_call(f->s->link, HF_OP_CONSISTENCY,
		    (struct hf_bytes){args, size}, &answer);
	if (err != HF_OK)
		return err;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, 1);
	if (wire_key(&w) == 1)
		bytes = wire_bin(&w, 0, sizeof(path));
	wire_close(&w);
	err = wire_finish(&w);
	if (err != HF_OK)
		return err;
	if (bytes.size > 0)
		memcpy(path, bytes.data, bytes.size);
	if (bytes.size % sizeof(*path) != 0 ||
	    hf_merkle_verify_consistency(f->old.size, &f->old.root,
		f->head.size, &f->head.root, path,
		(unsigned)(bytes.size / sizeof(*path))) != HF_OK)
		return problem(f, HF_OTHER_LEDGER,
		    "the head over %llu entries that was fetched before is "
		    "no prefix of the broker's head over %llu",
		    (unsigned long long)f->old.size,
		    (unsigned long long)f->head.size);
	return HF_OK;
}

static enum hf_err fetch_head(struct fetch *f)
{
	char note[HF_NOTE_MAX + 1] = {0};
	struct hf_bytes text = {NULL, 0};
	struct answer answer;
	struct wire w;
	enum hf_err err = link_call(
	    f->s->link, HF_OP_HEAD, (struct hf_bytes){NULL, 0}, &answer);

	if (err != HF_OK)
		return err;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, 1);
	if (wire_key(&w) == 1)
		text = wire_str(&w, 1, HF_NOTE_MAX);
	wire_close(&w);
	err = wire_finish(&w);
	if (err == HF_OK && text.data == NULL)
		err = HF_CHECKPOINT;
	if (err != HF_OK)
		return err;
	if (text.size > 0)
		memcpy(note, text.data, text.size);
	err = judge_head_read(&f->head, note, f->s->home.roster);
	if (err == HF_OK &&
	    strcmp(f->head.country.s, f->s->home.country.s) != 0)
		err = HF_CHECKPOINT;
	if (err != HF_OK)
		return problem(
		    f, err, "the broker's head is not signed by its key");
	f->result->head_size = f->head.size;
	if (!f->has_old || f->old.size == 0)
		return HF_OK;
	if (f->head.size < f->old.size)
		return problem(f, HF_OTHER_LEDGER,
		    "the broker's head covers %llu entries, the one that was "
		    "fetched before %llu",
		    (unsigned long long)f->head.size,
		    (unsigned long long)f->old.size);
	return prove_prefix(f);
}

/* Take up the archive as it is. */
static enum hf_err go_on(struct fetch *f)
{
	struct archive *a = NULL;
	uint64_t end = 0;
	enum hf_err err;

	f->ledger = open_kept(f, "ledger");
	f->hashes = open_kept(f, "hashes");
	if (f->ledger == NULL || f->hashes == NULL)
		return HF_FILE;
	if (flock(fileno(f->ledger), LOCK_EX | LOCK_NB) != 0)
		return problem(
		    f, HF_FILE, "another fetch writes to this archive");
	err = archive_open(&a, f->dir);
	if (err == HF_OK)
		err = old_head(f, a);
	if (err == HF_OK)
		err = fetch_head(f);
	if (err == HF_OK)
		err = pass_entries(f, a, &end);
	archive_close(a);
	f->result->before = f->tree.size;
	if (err == HF_OK)
		err = cut(f->ledger, end);
	if (err == HF_OK)
		err = cut(f->hashes, f->tree.size * HF_HASH_SIZE);
	return err;
}

/* ---- states, receipts, pins ---- */

static enum hf_err take_state(void *ctx, struct wire *w)
{
	struct fetch *f = ctx;
	struct hf_hash digest;
	uint8_t frame[128];
	struct hf_id id;
	struct pack p;
	uint64_t state;

	wire_array(w, 3, 3);
	wire_bin_copy(w, &id, sizeof(id));
	state = wire_uint(w, 255);
	wire_bin_copy(w, &digest, sizeof(digest));
	wire_close(w);
	if (w->err != HF_OK)
		return w->err;
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_bin(&p, id.b, sizeof(id.b));
	pack_uint(&p, state);
	pack_bin(&p, digest.b, sizeof(digest.b));
	return write_frame(f->rows, &p);
}

static enum hf_err take_receipt(void *ctx, struct wire *w)
{
	uint8_t frame[HF_RECEIPT_MAX + 64];
	struct fetch *f = ctx;
	struct hf_bytes receipt;
	struct hf_country to;
	struct hf_id act;
	struct pack p;

	wire_array(w, 5, 5);
	wire_bin_copy(w, &act, sizeof(act));
	wire_uint(w, UINT64_MAX);
	to = wire_country(w);
	wire_uint(w, UINT64_MAX);
	receipt = wire_bin(w, 0, HF_RECEIPT_MAX);
	wire_close(w);
	if (w->err != HF_OK || receipt.size == 0)
		return w->err;
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_bin(&p, act.b, sizeof(act.b));
	pack_text(&p, to.s);
	pack_bin(&p, receipt.data, receipt.size);
	return write_frame(f->rows, &p);
}

static enum hf_err take_certificate(void *ctx, struct wire *w)
{
	uint8_t frame[HF_RECEIPT_MAX + 64];
	struct fetch *f = ctx;
	struct hf_bytes receipt;
	struct hf_country by;
	struct hf_id id;
	struct pack p;

	wire_array(w, 3, 3);
	wire_bin_copy(w, &id, sizeof(id));
	by = wire_country(w);
	receipt = wire_bin(w, 1, HF_RECEIPT_MAX);
	wire_close(w);
	if (w->err != HF_OK)
		return w->err;
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_bin(&p, id.b, sizeof(id.b));
	pack_text(&p, by.s);
	pack_bin(&p, receipt.data, receipt.size);
	return write_frame(f->rows, &p);
}

/* All rows of `op` as a file, which replaces the one before. */
static enum hf_err fetch_rows(struct fetch *f, enum hf_op op, bool by_id,
    const char *name, enum hf_err (*row)(void *ctx, struct wire *w))
{
	char path[PATH_SIZE], temporary[PATH_SIZE], new_name[32];
	struct page page = {.by_id = by_id, .more = true};
	enum hf_err err;

	snprintf(new_name, sizeof(new_name), "%s.new", name);
	path_of(f, name, path);
	path_of(f, new_name, temporary);
	f->rows = open_kept(f, new_name);
	if (f->rows == NULL) {
		home_remove(temporary);
		return HF_FILE;
	}
	err = cut(f->rows, 0);
	while (err == HF_OK && page.more)
		err = page_call(f->s->link, op, &page, row, f);
	if (err == HF_OK)
		err = sync_file(f->rows);
	if (fclose(f->rows) != 0 && err == HF_OK)
		err = HF_FILE;
	if (err == HF_OK && rename(temporary, path) != 0)
		err = HF_FILE;
	if (err != HF_OK)
		home_remove(temporary);
	return err;
}

static enum hf_err write_pins(const struct fetch *f)
{
	char text[HF_COUNTRY_MAX * (HF_KEYLINE_MAX + 4)], path[PATH_SIZE];
	char line[HF_KEYLINE_MAX];
	const struct country_doc *d;
	size_t at = 0;

	for (unsigned i = 0; (d = roster_at(f->s->home.roster, i)) != NULL;
	     i++) {
		hf_keyline(line, HF_KEY_ROOT, &d->root);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s\n",
		    d->head.country.s, line);
	}
	path_of(f, "pins", path);
	return home_write(path, text, at, 0600);
}

/* ---- all of it ---- */

static enum hf_err fetch_all(struct fetch *f)
{
	char path[PATH_SIZE];
	enum hf_err err;

	if ((err = go_on(f)) != HF_OK || (err = fetch_entries(f)) != HF_OK ||
	    (err = fetch_rows(f, HF_OP_STATES, true, "states", take_state)) !=
		HF_OK ||
	    (err = fetch_rows(f, HF_OP_RECEIPTS, false, "receipts",
		 take_receipt)) != HF_OK ||
	    (err = fetch_rows(f, HF_OP_CERTIFICATES, true, "certificates",
		 take_certificate)) != HF_OK ||
	    (err = fetch_entries(f)) != HF_OK || (err = write_pins(f)) != HF_OK)
		return err;
	path_of(f, "head", path);
	return home_write(path, f->head.note, strlen(f->head.note), 0600);
}

enum hf_err fetch_archive(struct session *s, const char *dir,
    const struct out *out, struct fetched *result)
{
	struct fetch *f = calloc(1, sizeof(*f));
	char path[PATH_SIZE];
	enum hf_err err = HF_FILE;

	memset(result, 0, sizeof(*result));
	if (f == NULL)
		return HF_NOMEM;
	f->s = s;
	f->dir = dir;
	f->result = result;
	f->progress = (struct progress){.out = out, .what = "fetched"};
	if (strlen(dir) < HOME_PATH_MAX) {
		home_make_dir(dir);
		path_of(f, "documents", path);
		home_make_dir(path);
		err = fetch_all(f);
	}
	progress_end(&f->progress);
	result->entries = f->tree.size;
	if (f->ledger != NULL)
		fclose(f->ledger);
	if (f->hashes != NULL)
		fclose(f->hashes);
	free(f);
	return err;
}
