/* States of a directory after a power cut. */
#include "tests/crash/crash.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t chance(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void *must_have(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* ---- images ---- */

static void resize(struct image *m, unsigned file, size_t size)
{
	if (size > m->file[file].room) {
		m->file[file].room = 2 * size;
		m->file[file].data =
		    must_have(realloc(m->file[file].data, m->file[file].room));
	}
	if (size > m->file[file].size)
		memset(m->file[file].data + m->file[file].size, 0,
		    size - m->file[file].size);
	m->file[file].size = size;
}

static void put(struct image *m, unsigned file, uint64_t at,
    const uint8_t *data, size_t size)
{
	if (at + size > m->file[file].size)
		resize(m, file, at + size);
	memcpy(m->file[file].data + at, data, size);
}

void image_copy(struct image *to, const struct image *from)
{
	for (unsigned i = 0; i < FILES_MAX; i++) {
		to->file[i].there = from->file[i].there;
		resize(to, i, from->file[i].size);
		if (from->file[i].size > 0)
			memcpy(to->file[i].data, from->file[i].data,
			    from->file[i].size);
	}
}

void image_free(struct image *m)
{
	for (unsigned i = 0; i < FILES_MAX; i++)
		free(m->file[i].data);
	memset(m, 0, sizeof(*m));
}

void image_apply(struct image *m, const struct op *op)
{
	switch (op->type) {
	case OP_WRITE:
		put(m, op->file, op->at, op->data, op->size);
		break;
	case OP_SIZE:
		resize(m, op->file, op->at);
		break;
	case OP_CREATE:
		m->file[op->file].there = true;
		break;
	case OP_RENAME:
		m->file[op->other].there = true;
		resize(m, op->other, 0);
		if (m->file[op->file].size > 0)
			put(m, op->other, 0, m->file[op->file].data,
			    m->file[op->file].size);
		m->file[op->file].there = false;
		resize(m, op->file, 0);
		break;
	case OP_SYNC:
	case OP_SYNC_DIR:
	case OP_MARK:
		break;
	}
}

/* ---- cuts ---- */

static bool is_name(const struct op *op)
{
	return op->type == OP_CREATE || op->type == OP_RENAME;
}

/* What a sync of `file` (or of the directory) makes sure.  A rename carries
 * what its file holds; nothing here renames a file with unsynced writes. */
static void settle(struct cut *c, const struct op *sync)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct op *op = &c->log->ops[c->maybe[i]];
		bool sure = sync->type == OP_SYNC_DIR
				? is_name(op)
				: !is_name(op) && op->file == sync->file;

		if (sure)
			image_apply(&c->sure, op);
		else
			c->maybe[kept++] = c->maybe[i];
	}
	c->count = kept;
}

void cut_next(struct cut *c)
{
	const struct op *op = &c->log->ops[c->at++];

	if (c->count > 0) {
		const struct op *last = &c->log->ops[c->maybe[c->count - 1]];

		/* an O_DSYNC write has returned: it is sure, unlike others */
		if (last->type == OP_WRITE && last->durable) {
			image_apply(&c->sure, last);
			c->count--;
		}
	}
	if (op->type == OP_MARK)
		return;
	if (op->type == OP_SYNC || op->type == OP_SYNC_DIR) {
		settle(c, op);
		return;
	}
	if (c->count == c->room) {
		c->room = c->room == 0 ? 256 : 2 * c->room;
		c->maybe =
		    must_have(realloc(c->maybe, c->room * sizeof(*c->maybe)));
	}
	c->maybe[c->count++] = c->at - 1;
}

void cut_free(struct cut *c)
{
	image_free(&c->sure);
	free(c->maybe);
	memset(c, 0, sizeof(*c));
}

/* Sectors of a write, each with a chance of `per`/256. */
static void tear(
    struct image *m, const struct op *op, uint64_t per, uint64_t *seed)
{
	for (size_t at = 0; at < op->size;) {
		size_t n = SECTOR - (op->at + at) % SECTOR;

		if (n > op->size - at)
			n = op->size - at;
		if (chance(seed) % 256 < per)
			put(m, op->file, op->at + at, op->data + at, n);
		at += n;
	}
}

/* A file that is being written may end where it surely ended, whatever was
 * written behind. */
static void shorten(struct image *m, const struct cut *c, uint64_t *seed)
{
	bool written[FILES_MAX] = {false};

	for (size_t i = 0; i < c->count; i++) {
		const struct op *op = &c->log->ops[c->maybe[i]];

		if (op->type == OP_WRITE)
			written[op->file] = true;
		else if (op->type == OP_RENAME)
			written[op->other] = false;
	}
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (written[i] && m->file[i].size > c->sure.file[i].size &&
		    chance(seed) % 8 == 0)
			resize(m, i, c->sure.file[i].size);
}

void cut_state(const struct cut *c, struct image *out, uint64_t seed)
{
	static const uint64_t pers[] = {0, 16, 128, 240, 256};
	uint64_t kind = chance(&seed) % 3;
	uint64_t per = pers[chance(&seed) % 5];
	size_t prefix = c->count > 0 ? chance(&seed) % (c->count + 1) : 0;

	image_copy(out, &c->sure);
	for (size_t i = 0; i < c->count; i++) {
		const struct op *op = &c->log->ops[c->maybe[i]];
		bool whole = kind == 0 ? i < prefix : chance(&seed) % 256 < per;

		if (op->type == OP_WRITE && kind != 0 && kind == 1)
			tear(out, op, per, &seed);
		else if (op->type == OP_WRITE && kind == 0 && i == prefix)
			tear(out, op, 128, &seed);
		else if (whole)
			image_apply(out, op);
	}
	shorten(out, c, &seed);
}

/* ---- on disk ---- */

static void write_file(
    struct image *now, const struct image *want, unsigned i, const char *path)
{
	const uint8_t *data = want->file[i].data;
	size_t size = want->file[i].size;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		abort();
	if (now->file[i].size != size && ftruncate(fd, (off_t)size) != 0)
		abort();
	resize(now, i, size);
	for (size_t at = 0; at < size; at += 4096) {
		size_t n = size - at < 4096 ? size - at : 4096;

		if (memcmp(now->file[i].data + at, data + at, n) == 0)
			continue;
		if (pwrite(fd, data + at, n, (off_t)at) != (ssize_t)n)
			abort();
		memcpy(now->file[i].data + at, data + at, n);
	}
	close(fd);
	now->file[i].there = true;
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
			resize(now, i, 0);
		}
	}
}
