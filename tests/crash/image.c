/* Contents of a directory in memory, with a mark of every sector. */
#include "proto/crypto.h"
#include "tests/crash/crash.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEYS_NEW ((size_t)4096 * 64) /* bytes: broker/store/case_keys.c */

uint64_t chance(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void *must_have(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* ---- marks ---- */

void mark_mix(struct mark *m, uint64_t number)
{
	uint64_t a = m->a ^ number, b = m->b + number;

	m->a = chance(&a) + m->b;
	m->b = chance(&b) ^ (m->a << 1);
}

static void mark_add(struct mark *to, struct mark m)
{
	to->a ^= m.a;
	to->b ^= m.b;
}

static struct mark sector_mark(const uint8_t *data, uint64_t number)
{
	static const uint8_t zeros[SECTOR];
	uint8_t place[8];
	struct hf_hash h;
	struct mark m = {0, 0};

	if (memcmp(data, zeros, SECTOR) == 0)
		return m;
	put_be64(place, number);
	h = hf_sha256_2(bytes_of(place, sizeof(place)), bytes_of(data, SECTOR));
	memcpy(&m, h.b, sizeof(m));
	return m;
}

void log_mark(struct log *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct op *op = &l->ops[i];
		uint64_t first = op->at / SECTOR;
		size_t n = (op->at + op->size + SECTOR - 1) / SECTOR - first;

		if (op->type != OP_WRITE || op->marks != NULL)
			continue;
		op->marks = must_have(calloc(n, sizeof(*op->marks)));
		for (size_t k = 0; k < n; k++) {
			uint64_t at = (first + k) * SECTOR;

			if (at >= op->at && at + SECTOR <= op->at + op->size)
				op->marks[k] = sector_mark(
				    op->data + (at - op->at), first + k);
		}
	}
}

static void set_mark(struct image_file *f, size_t sector, struct mark m)
{
	mark_add(&f->sum, f->sectors[sector]);
	mark_add(&f->sum, m);
	f->sectors[sector] = m;
}

static void mark_file(
    struct mark *m, const struct image_file *f, uint64_t name, size_t size)
{
	mark_mix(m, name);
	mark_mix(m, size);
	mark_mix(m, f->sum.a);
	mark_mix(m, f->sum.b);
}

struct mark image_mark(const struct image *m)
{
	struct mark mark = {1, 1};

	for (unsigned i = 0; i < FILES_MAX; i++)
		if (m->file[i].there)
			mark_file(&mark, &m->file[i], i, m->file[i].size);
	return mark;
}

/* A file of case keys that is shorter than a new one is filled up with zeros
 * before it is read, so a new one's size stands for all lesser ones. */
static size_t size_seen(const char *name, size_t size)
{
	return strcmp(name, "case.keys") == 0 && size < KEYS_NEW ? KEYS_NEW
								 : size;
}

struct mark image_mark_seen(
    const struct image *m, const struct log *names, unsigned without)
{
	struct mark mark = {2, 2};

	for (unsigned i = 0; i < names->file_count; i++) {
		const char *dot = strrchr(names->names[i], '.');
		size_t size = size_seen(names->names[i], m->file[i].size);

		if (m->file[i].there && i != without &&
		    (dot == NULL || strcmp(dot, ".new") != 0))
			mark_file(&mark, &m->file[i], i, size);
	}
	return mark;
}

/* ---- contents ---- */

static size_t sectors(size_t size)
{
	return (size + SECTOR - 1) / SECTOR;
}

static void make_room(struct image_file *f, size_t size)
{
	size_t had = f->room / SECTOR, n = sectors(2 * size);

	if (size <= f->room)
		return;
	if (f->fd > 0) /* its room was made by cut_begin */
		abort();
	f->room = n * SECTOR;
	f->data = must_have(realloc(f->data, f->room));
	f->sectors = must_have(realloc(f->sectors, n * sizeof(*f->sectors)));
	memset(f->sectors + had, 0, (n - had) * sizeof(*f->sectors));
}

static void cut_tail(struct image_file *f, size_t size)
{
	size_t first = size / SECTOR, rest = size % SECTOR;

	for (size_t i = sectors(size); i < sectors(f->size); i++)
		set_mark(f, i, (struct mark){0, 0});
	if (rest == 0)
		return;
	memset(f->data + size, 0,
	    (f->size < (first + 1) * SECTOR ? f->size : (first + 1) * SECTOR) -
		size);
	set_mark(f, first, sector_mark(f->data + first * SECTOR, first));
}

void image_resize(struct image *m, unsigned file, size_t size)
{
	struct image_file *f = &m->file[file];

	if (size == f->size)
		return;
	make_room(f, size);
	if (size < f->size)
		cut_tail(f, size);
	if (f->fd > 0) {
		if (ftruncate(f->fd, (off_t)size) != 0)
			abort();
	} else if (size > f->size) { /* whole sectors are marked */
		memset(f->data + f->size, 0, sectors(size) * SECTOR - f->size);
	}
	f->size = size;
}

void image_put(struct image *m, const struct op *op, size_t from, size_t size)
{
	struct image_file *f = &m->file[op->file];
	size_t at = op->at + from, first = op->at / SECTOR;

	if (at + size > f->size)
		image_resize(m, op->file, at + size);
	memcpy(f->data + at, op->data + from, size);
	for (size_t i = at / SECTOR; i < sectors(at + size); i++) {
		bool whole = i * SECTOR >= at && (i + 1) * SECTOR <= at + size;

		set_mark(f, i,
		    whole && op->marks != NULL
			? op->marks[i - first]
			: sector_mark(f->data + i * SECTOR, i));
	}
}

void image_restore(struct image *m, unsigned file, const struct image_file *f,
    size_t at, size_t size)
{
	struct image_file *to = &m->file[file];
	size_t first = at / SECTOR, end = sectors(at + size);

	if (end > sectors(f->size))
		end = sectors(f->size);
	if (first >= end)
		return;
	if (to->size < f->size)
		image_resize(m, file, f->size);
	size = end * SECTOR < f->size ? end * SECTOR : f->size;
	memcpy(to->data + first * SECTOR, f->data + first * SECTOR,
	    size - first * SECTOR);
	for (size_t i = first; i < end; i++)
		set_mark(to, i, f->sectors[i]);
}

void image_restore_file(
    struct image *m, unsigned file, const struct image_file *from)
{
	m->file[file].there = from->there;
	image_resize(m, file, from->size);
	image_restore(m, file, from, 0, from->size);
}

void image_copy(struct image *to, const struct image *from)
{
	for (unsigned i = 0; i < FILES_MAX; i++)
		image_restore_file(to, i, &from->file[i]);
}

void image_free(struct image *m)
{
	for (unsigned i = 0; i < FILES_MAX; i++) {
		if (m->file[i].fd <= 0)
			free(m->file[i].data);
		free(m->file[i].sectors);
	}
	memset(m, 0, sizeof(*m));
}

void image_apply(struct image *m, const struct op *op)
{
	switch (op->type) {
	case OP_WRITE:
		image_put(m, op, 0, op->size);
		break;
	case OP_SIZE:
		image_resize(m, op->file, op->at);
		break;
	case OP_CREATE:
		m->file[op->file].there = true;
		break;
	case OP_RENAME:
		image_restore_file(m, op->other, &m->file[op->file]);
		m->file[op->other].there = true;
		m->file[op->file].there = false;
		image_resize(m, op->file, 0);
		break;
	case OP_SYNC:
	case OP_SYNC_DIR:
	case OP_MARK:
		break;
	}
}

/* ---- on disk ---- */

static bool same_sector(
    const struct image_file *a, const struct image_file *b, size_t i)
{
	return memcmp(&a->sectors[i], &b->sectors[i], sizeof(struct mark)) == 0;
}

static void write_file(
    struct image *now, const struct image *want, unsigned i, const char *path)
{
	const struct image_file *to = &want->file[i];
	struct image_file *f = &now->file[i];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		abort();
	if (f->size != to->size && ftruncate(fd, (off_t)to->size) != 0)
		abort();
	image_resize(now, i, to->size);
	for (size_t k = 0; k < sectors(to->size); k++) {
		size_t at = k * SECTOR;
		size_t n = to->size - at < SECTOR ? to->size - at : SECTOR;

		if (same_sector(f, to, k))
			continue;
		if (pwrite(fd, to->data + at, n, (off_t)at) != (ssize_t)n)
			abort();
		image_restore(now, i, to, at, n);
	}
	close(fd);
	f->there = true;
}

void image_write(struct image *now, const struct image *want,
    const struct log *names, const char *dir)
{
	char path[160];

	for (unsigned i = 0; i < names->file_count; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names->names[i]);
		if (want->file[i].there) {
			write_file(now, want, i, path);
		} else if (now->file[i].there) {
			unlink(path);
			now->file[i].there = false;
			image_resize(now, i, 0);
		}
	}
}
