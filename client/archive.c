/*
 * archive: reading the files of SPEC 13.1.
 *
 * Every file of rows is a sequence of frames: a size in four bytes and that
 * many bytes.  One reader serves them all: it holds one frame at a time, so
 * an archive of any size is read in the same memory.  A size that no frame
 * of that file can have is damage; a frame that the file's end cuts off is
 * what an interrupted fetch leaves, and counts as the end.
 */
#include "client/archive.h"

#include "client/cosigners.h"

#include "proto/ref.h"
#include "proto/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_BYTES 4u
#define STATE_FRAME_MAX (HF_ID_SIZE + HF_HASH_SIZE + ARCHIVE_HEADS_MAX)
#define FRAME_MAX ARCHIVE_ENTRY_MAX /* the largest of them */
#define READ_SIZE 65536u
#define FIRST_SIZE 1024u /* most frames are shorter: one read */

#define PATH_ROOM 64u /* bytes: what is added to the archive's own path */
#define DOCUMENTS_MAX 65536u /* versions of all countries together */

struct frames {
	FILE *file;
	uint64_t at; /* where the next frame begins */
	uint32_t max;
	uint8_t frame[FRAME_MAX];
	char buffer[READ_SIZE];
};

struct archive {
	struct frames ledger;
	uint64_t index; /* of the next entry */
	char dir[HOME_PATH_MAX];
};

/* ---- frames ---- */

static enum hf_err frames_open(
    struct frames *f, const char *dir, const char *name, uint32_t max)
{
	char path[HOME_PATH_MAX + PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f->file = fopen(path, "re");
	f->at = 0;
	f->max = max;
	if (f->file == NULL)
		return HF_FILE;
	setvbuf(f->file, f->buffer, _IOFBF, sizeof(f->buffer));
	return HF_OK;
}

static void frames_close(struct frames *f)
{
	if (f->file != NULL)
		fclose(f->file);
	f->file = NULL;
}

/* Fewer than `size` bytes: the end, unless reading failed. */
static enum hf_err read_whole(FILE *file, uint8_t *out, size_t size)
{
	if (fread(out, 1, size, file) == size)
		return HF_OK;
	return ferror(file) != 0 ? HF_FILE : HF_NOTFOUND;
}

static enum hf_err read_size(
    const struct frames *f, const uint8_t be[SIZE_BYTES], uint32_t *size)
{
	*size = (uint32_t)be[0] << 24 | (uint32_t)be[1] << 16 |
		(uint32_t)be[2] << 8 | be[3];
	return *size == 0 || *size > f->max ? HF_CORRUPT : HF_OK;
}

/* The frame at f->at, which moves past it; `into` has f->max bytes. */
static enum hf_err frames_next(
    struct frames *f, uint8_t *into, struct hf_bytes *out)
{
	uint8_t be[SIZE_BYTES];
	uint32_t size;
	enum hf_err err = read_whole(f->file, be, sizeof(be));

	if (err == HF_OK)
		err = read_size(f, be, &size);
	if (err == HF_OK)
		err = read_whole(f->file, into, size);
	if (err != HF_OK)
		return err;
	*out = (struct hf_bytes){into, size};
	f->at += SIZE_BYTES + size;
	return HF_OK;
}

/* From anywhere, beside whoever reads on: `least` bytes, and what comes with
 * them up to `size`. */
static enum hf_err read_at(const struct frames *f, uint8_t *out, size_t least,
    size_t size, uint64_t offset, size_t *got)
{
	*got = 0;
	while (*got < least) {
		ssize_t n;

		if (offset + *got > INT64_MAX)
			return HF_FILE;
		n = pread(fileno(f->file), out + *got, size - *got,
		    (off_t)(offset + *got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? HF_FILE : HF_NOTFOUND;
		*got += (size_t)n;
	}
	return HF_OK;
}

static enum hf_err frames_at(const struct frames *f, uint64_t offset,
    uint8_t *into, struct hf_bytes *out)
{
	uint8_t first[FIRST_SIZE];
	uint32_t size;
	size_t got;
	enum hf_err err =
	    read_at(f, first, SIZE_BYTES, sizeof(first), offset, &got);

	if (err == HF_OK)
		err = read_size(f, first, &size);
	if (err != HF_OK)
		return err;
	got = got - SIZE_BYTES < size ? got - SIZE_BYTES : size;
	memcpy(into, first + SIZE_BYTES, got);
	if (got < size)
		err = read_at(f, into + got, size - got, size - got,
		    offset + SIZE_BYTES + got, &got);
	if (err == HF_OK)
		*out = (struct hf_bytes){into, size};
	return err;
}

/* ---- the ledger ---- */

enum hf_err archive_open(struct archive **out, const char *dir)
{
	struct archive *a;
	enum hf_err err;

	*out = NULL;
	if (strlen(dir) >= sizeof(a->dir))
		return HF_FILE;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return HF_NOMEM;
	snprintf(a->dir, sizeof(a->dir), "%s", dir);
	err = frames_open(&a->ledger, dir, "ledger", ARCHIVE_ENTRY_MAX);
	if (err != HF_OK) {
		archive_close(a);
		return err;
	}
	*out = a;
	return HF_OK;
}

void archive_close(struct archive *a)
{
	if (a == NULL)
		return;
	frames_close(&a->ledger);
	free(a);
}

const char *archive_dir(const struct archive *a)
{
	return a->dir;
}

enum hf_err archive_head(struct archive *a, char note[HF_NOTE_MAX + 1])
{
	char path[HOME_PATH_MAX + PATH_ROOM];
	FILE *file;
	size_t size;
	bool failed, more;

	snprintf(path, sizeof(path), "%s/head", a->dir);
	file = fopen(path, "re");
	if (file == NULL)
		return HF_NOTFOUND;
	size = fread(note, 1, HF_NOTE_MAX, file);
	more = size == HF_NOTE_MAX && getc(file) != EOF;
	failed = ferror(file) != 0;
	fclose(file);
	note[size] = '\0';
	if (failed)
		return HF_FILE;
	return more || strlen(note) != size ? HF_CORRUPT : HF_OK;
}

enum hf_err archive_rewind(struct archive *a)
{
	a->index = 0;
	a->ledger.at = 0;
	return fseeko(a->ledger.file, 0, SEEK_SET) == 0 ? HF_OK : HF_FILE;
}

static enum hf_err read_entry(struct archive_entry *e, struct hf_bytes frame)
{
	struct wire w;

	wire_init(&w, frame.data, frame.size);
	wire_array(&w, 5, 5);
	e->leaf = wire_bin(&w, 1, HF_LEDGER_LEAF_MAX);
	e->core = wire_bin(&w, 0, HF_CORE_MAX);
	e->envelope = wire_bin(&w, 0, HF_ENVELOPE_MAX);
	e->sigs = wire_bin(&w, 0, HF_SIGS_MAX);
	e->payload = wire_bin(&w, 0, HF_RECEIPT_MAX);
	wire_close(&w);
	return wire_finish(&w) == HF_OK ? HF_OK : HF_CORRUPT;
}

enum hf_err archive_next_into(struct archive *a,
    uint8_t frame[ARCHIVE_ENTRY_MAX], struct archive_entry *entry)
{
	struct hf_bytes bytes;
	enum hf_err err;

	*entry =
	    (struct archive_entry){.index = a->index, .offset = a->ledger.at};
	err = frames_next(&a->ledger, frame, &bytes);
	if (err == HF_OK)
		err = read_entry(entry, bytes);
	if (err == HF_OK)
		a->index++;
	return err;
}

enum hf_err archive_next(struct archive *a, struct archive_entry *entry)
{
	return archive_next_into(a, a->ledger.frame, entry);
}

enum hf_err archive_at(const struct archive *a,
    uint8_t frame[ARCHIVE_ENTRY_MAX], uint64_t index, uint64_t offset,
    struct archive_entry *entry)
{
	struct hf_bytes bytes;
	enum hf_err err = frames_at(&a->ledger, offset, frame, &bytes);

	*entry = (struct archive_entry){.index = index, .offset = offset};
	return err == HF_OK ? read_entry(entry, bytes) : err;
}

/* ---- documents and pins ---- */

struct version {
	struct hf_country country;
	uint32_t number;
};

static int compare_versions(const void *x, const void *y)
{
	const struct version *a = x, *b = y;
	int order = strcmp(a->country.s, b->country.s);

	return order != 0 ? order
			  : (a->number > b->number) - (a->number < b->number);
}

/* "CC.N"; anything else in that folder is not ours. */
static bool read_name(struct version *v, const char *name)
{
	uint64_t number;

	if (strlen(name) < 4 || !hf_country_ok(name, HF_COUNTRY_SIZE) ||
	    name[2] != '.' ||
	    !text_read_uint(&number, name + 3, strlen(name + 3), UINT32_MAX))
		return false;
	memset(v, 0, sizeof(*v));
	memcpy(v->country.s, name, HF_COUNTRY_SIZE);
	v->number = (uint32_t)number;
	return true;
}

static enum hf_err list_versions(
    const char *dir, struct version **out, size_t *count)
{
	char path[HOME_PATH_MAX + PATH_ROOM];
	struct version *list = NULL;
	size_t n = 0, room = 0;
	enum hf_err err = HF_OK;
	struct dirent *entry;
	DIR *d;

	snprintf(path, sizeof(path), "%s/documents", dir);
	d = opendir(path);
	while (d != NULL && (entry = readdir(d)) != NULL) {
		struct version v, *grown;

		if (!read_name(&v, entry->d_name))
			continue;
		if (n == DOCUMENTS_MAX) {
			err = HF_TOO_MANY;
			break;
		}
		if (n == room) {
			room = room == 0 ? 64 : 2 * room;
			grown = realloc(list, room * sizeof(*list));
			if (grown == NULL) {
				err = HF_NOMEM;
				break;
			}
			list = grown;
		}
		list[n++] = v;
	}
	if (d != NULL)
		closedir(d);
	if (n > 0)
		qsort(list, n, sizeof(*list), compare_versions);
	*out = list;
	*count = n;
	return err;
}

enum hf_err archive_document(const struct archive *a, struct hf_country c,
    uint32_t version, uint8_t **data, size_t *size)
{
	char path[HOME_PATH_MAX + PATH_ROOM];

	snprintf(path, sizeof(path), "%s/documents/%s.%u", a->dir, c.s,
	    (unsigned)version);
	return home_read(path, HF_DOC_MAX, data, size);
}

static enum hf_err add_document(const struct archive *a,
    const struct version *v, struct roster *r, struct cosigners *witnesses)
{
	struct hf_country country;
	uint8_t *data = NULL;
	uint32_t version;
	size_t size;
	enum hf_err err =
	    archive_document(a, v->country, v->number, &data, &size);

	if (err == HF_OK)
		err = roster_add(r, data, size, &country, &version);
	if (err == HF_OK && witnesses != NULL)
		err = cosigners_add(witnesses, roster_doc(r, country), true);
	free(data);
	/* of a country that the auditor has not pinned: of no use to him */
	return err == HF_ROOT_UNKNOWN || err == HF_DOC_OLD ? HF_OK : err;
}

/* "CC hfr1:..." */
static enum hf_err add_pin(struct roster *r, const char *line)
{
	struct hf_country country = {{0}};
	struct hf_key root;

	if (strlen(line) < 4 || !hf_country_ok(line, HF_COUNTRY_SIZE) ||
	    line[2] != ' ' ||
	    hf_keyline_read(&root, HF_KEY_ROOT, line + 3) != HF_OK)
		return HF_CORRUPT;
	memcpy(country.s, line, HF_COUNTRY_SIZE);
	return roster_pin(r, country, &root);
}

enum hf_err archive_pins(const struct archive *a, struct roster *r)
{
	char path[HOME_PATH_MAX + PATH_ROOM], line[HF_KEYLINE_MAX + 8];
	enum hf_err err = HF_OK;
	FILE *file;

	snprintf(path, sizeof(path), "%s/pins", a->dir);
	file = fopen(path, "re");
	if (file == NULL)
		return HF_FILE;
	while (err == HF_OK && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		err = add_pin(r, line);
	}
	if (ferror(file) != 0)
		err = HF_FILE;
	fclose(file);
	return err;
}

enum hf_err archive_roster(const struct archive *a, struct roster **out)
{
	return archive_roster_and(a, out, NULL);
}

enum hf_err archive_roster_and(
    const struct archive *a, struct roster **out, struct cosigners *witnesses)
{
	struct roster *r = roster_new();
	struct version *list = NULL;
	size_t count = 0;
	enum hf_err err = r == NULL ? HF_NOMEM : archive_pins(a, r);

	if (err == HF_OK)
		err = list_versions(a->dir, &list, &count);
	for (size_t i = 0; err == HF_OK && i < count; i++)
		err = add_document(a, &list[i], r, witnesses);
	free(list);
	if (err != HF_OK) {
		roster_free(r);
		return err;
	}
	*out = r;
	return HF_OK;
}

/* ---- receipts and states ---- */

struct archive_rows {
	struct frames frames;
};

static enum hf_err rows_open(const struct archive *a, const char *name,
    uint32_t max, struct archive_rows **out)
{
	struct archive_rows *rows = calloc(1, sizeof(*rows));
	enum hf_err err;

	*out = NULL;
	if (rows == NULL)
		return HF_NOMEM;
	err = frames_open(&rows->frames, a->dir, name, max);
	if (err != HF_OK) {
		free(rows);
		return errno == ENOENT ? HF_NOTFOUND : err;
	}
	*out = rows;
	return HF_OK;
}

void archive_rows_close(struct archive_rows *rows)
{
	if (rows == NULL)
		return;
	frames_close(&rows->frames);
	free(rows);
}

enum hf_err archive_receipts_open(
    const struct archive *a, struct archive_rows **out)
{
	return rows_open(a, "receipts", ARCHIVE_RECEIPT_MAX, out);
}

enum hf_err archive_certificates_open(
    const struct archive *a, struct archive_rows **out)
{
	return rows_open(a, "certificates", ARCHIVE_RECEIPT_MAX, out);
}

enum hf_err archive_receipts_next(
    struct archive_rows *rows, struct archive_receipt *r)
{
	return archive_receipts_next_into(rows, rows->frames.frame, r);
}

enum hf_err archive_receipts_next_into(struct archive_rows *rows,
    uint8_t into[ARCHIVE_RECEIPT_MAX], struct archive_receipt *r)
{
	struct hf_bytes frame;
	struct wire w;
	enum hf_err err = frames_next(&rows->frames, into, &frame);

	if (err != HF_OK)
		return err;
	wire_init(&w, frame.data, frame.size);
	wire_array(&w, 3, 3);
	wire_bin_copy(&w, r->act.b, sizeof(r->act.b));
	r->to = wire_country(&w);
	r->receipt = wire_bin(&w, 1, HF_RECEIPT_MAX);
	wire_close(&w);
	return wire_finish(&w) == HF_OK ? HF_OK : HF_CORRUPT;
}

enum hf_err archive_states_open(
    const struct archive *a, struct archive_rows **out)
{
	return rows_open(a, "states", STATE_FRAME_MAX, out);
}

enum hf_err archive_states_next(
    struct archive_rows *rows, struct archive_state *s)
{
	struct hf_bytes frame;
	struct wire w;
	enum hf_err err =
	    frames_next(&rows->frames, rows->frames.frame, &frame);

	if (err != HF_OK)
		return err;
	wire_init(&w, frame.data, frame.size);
	wire_array(&w, 3, 3);
	wire_bin_copy(&w, s->case_id.b, sizeof(s->case_id.b));
	s->state = (unsigned)wire_uint(&w, 255);
	wire_bin_copy(&w, s->digest.b, sizeof(s->digest.b));
	wire_close(&w);
	return wire_finish(&w) == HF_OK ? HF_OK : HF_CORRUPT;
}

enum hf_err archive_receipts(const struct archive *a,
    enum hf_err (*each)(void *ctx, const struct hf_id *act,
	struct hf_country to, struct hf_bytes receipt),
    void *ctx)
{
	struct archive_rows *rows;
	struct archive_receipt r;
	enum hf_err err = archive_receipts_open(a, &rows);

	while (err == HF_OK && (err = archive_receipts_next(rows, &r)) == HF_OK)
		err = each(ctx, &r.act, r.to, r.receipt);
	if (rows != NULL && err == HF_NOTFOUND)
		err = HF_OK;
	archive_rows_close(rows);
	return err;
}

enum hf_err archive_states(const struct archive *a,
    enum hf_err (*each)(void *ctx, const struct hf_id *case_id, unsigned state,
	const struct hf_hash *digest),
    void *ctx)
{
	struct archive_rows *rows;
	struct archive_state s;
	enum hf_err err = archive_states_open(a, &rows);

	while (err == HF_OK && (err = archive_states_next(rows, &s)) == HF_OK)
		err = each(ctx, &s.case_id, s.state, &s.digest);
	if (rows != NULL && err == HF_NOTFOUND)
		err = HF_OK;
	archive_rows_close(rows);
	return err;
}
