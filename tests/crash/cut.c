/* States of a directory after a power cut. */
#include "tests/crash/crash.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNITS_FEW 10u /* all 2^n subsets of so many sectors and names */
#define WRITES_FEW 6u /* all 2^n subsets of so many operations */
#define LENGTHS 16u   /* draws more, for the lengths of files */

/* ---- the stage ---- */

void stage_open(struct stage *s, const char *dir, const char *name)
{
	char path[140];

	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (mkdir(dir, 0700) != 0)
		abort();
	s->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (s->fd < 0)
		abort();
	s->map =
	    mmap(NULL, STATE_MAP, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	s->seen = mmap(NULL, STATE_MAP, PROT_READ, MAP_SHARED, s->fd, 0);
	if (s->map == MAP_FAILED || s->seen == MAP_FAILED)
		abort();
	record_keep_map(s->fd, s->seen, STATE_MAP);
}

void stage_close(struct stage *s, const char *name)
{
	char path[140];

	record_drop_map(s->seen);
	munmap(s->seen, STATE_MAP);
	munmap(s->map, STATE_MAP);
	close(s->fd);
	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	unlink(path);
	rmdir(s->dir);
}

/* ---- what is sure ---- */

void cut_begin(struct cut *c, const struct log *log, const struct image *base,
    const struct stage *stage, unsigned data)
{
	struct image_file *f = &c->now.file[data];

	memset(c, 0, sizeof(*c));
	c->log = log;
	c->subsets = true;
	if (ftruncate(stage->fd, 0) != 0)
		abort();
	f->fd = stage->fd;
	f->data = stage->map;
	f->room = STATE_MAP;
	f->sectors = must_have(calloc(STATE_MAP / SECTOR, sizeof(*f->sectors)));
	if (base == NULL)
		return;
	image_copy(&c->sure, base);
	image_copy(&c->now, base);
}

void cut_end(struct cut *c)
{
	image_free(&c->sure);
	image_free(&c->now);
	free(c->maybe);
	memset(c, 0, sizeof(*c));
}

static bool is_name(const struct op *op)
{
	return op->type == OP_CREATE || op->type == OP_RENAME;
}

static void make_sure(struct cut *c, const struct op *op)
{
	image_apply(&c->sure, op);
	image_apply(&c->now, op);
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
			make_sure(c, op);
		else
			c->maybe[kept++] = c->maybe[i];
	}
	c->count = kept;
}

static size_t sector_count(const struct op *op)
{
	return (op->at + op->size + SECTOR - 1) / SECTOR - op->at / SECTOR;
}

static void count_units(struct cut *c)
{
	c->units = 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct op *op = &c->log->ops[c->maybe[i]];

		c->units += op->type == OP_WRITE ? sector_count(op) : 1;
	}
}

void cut_next(struct cut *c)
{
	const struct op *op = &c->log->ops[c->at++];

	if (c->count > 0) {
		const struct op *last = &c->log->ops[c->maybe[c->count - 1]];

		/* an O_DSYNC write has returned: it is sure, unlike others */
		if (last->type == OP_WRITE && last->durable) {
			make_sure(c, last);
			c->count--;
		}
	}
	if (op->type == OP_SYNC || op->type == OP_SYNC_DIR) {
		settle(c, op);
	} else if (op->type != OP_MARK) {
		if (c->count == c->room) {
			c->room = c->room == 0 ? 256 : 2 * c->room;
			c->maybe = must_have(
			    realloc(c->maybe, c->room * sizeof(*c->maybe)));
		}
		c->maybe[c->count++] = c->at - 1;
	}
	count_units(c);
}

/* ---- states ---- */

/* Sectors of a write: those of `mask`, one bit each from *bit on; or each
 * with a chance of `per`/256. */
static void tear(struct image *m, const struct op *op, uint64_t per,
    uint64_t *seed, uint64_t mask, unsigned *bit)
{
	for (size_t from = 0; from < op->size;) {
		size_t n = SECTOR - (op->at + from) % SECTOR;

		if (n > op->size - from)
			n = op->size - from;
		if (bit != NULL ? (mask >> (*bit)++ & 1) != 0
				: chance(seed) % 256 < per)
			image_put(m, op, from, n);
		from += n;
	}
}

/* A file that is being written may end where it surely ended, whatever was
 * written behind. */
static void shorten(struct cut *c, uint64_t *seed)
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
		if (written[i] && c->now.file[i].size > c->sure.file[i].size &&
		    chance(seed) % 8 == 0)
			image_resize(&c->now, i, c->sure.file[i].size);
}

/* A prefix, a subset of the writes (both with one that is torn), or, as often
 * as both, all torn. */
static void at_random(struct cut *c, uint64_t seed)
{
	static const uint64_t pers[] = {8, 32, 128, 224, 248};
	uint64_t kind = chance(&seed) % 4;
	uint64_t per = pers[chance(&seed) % 5];
	size_t prefix = c->count > 0 ? chance(&seed) % (c->count + 1) : 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct op *op = &c->log->ops[c->maybe[i]];
		bool whole = kind == 0 ? i < prefix : chance(&seed) % 256 < per;

		if (op->type == OP_WRITE && kind >= 2)
			tear(&c->now, op, per, &seed, 0, NULL);
		else if (op->type == OP_WRITE && i == prefix)
			tear(&c->now, op, 128, &seed, 0, NULL);
		else if (whole)
			image_apply(&c->now, op);
	}
	shorten(c, &seed);
}

static void by_units(struct cut *c, uint64_t mask)
{
	unsigned bit = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct op *op = &c->log->ops[c->maybe[i]];

		if (op->type == OP_WRITE)
			tear(&c->now, op, 0, NULL, mask, &bit);
		else if ((mask >> bit++ & 1) != 0)
			image_apply(&c->now, op);
	}
}

static void by_writes(struct cut *c, uint64_t mask)
{
	for (size_t i = 0; i < c->count; i++)
		if ((mask >> i & 1) != 0)
			image_apply(&c->now, &c->log->ops[c->maybe[i]]);
}

/* Is there a write behind the end of its file? */
static bool grows(const struct cut *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct op *op = &c->log->ops[c->maybe[i]];

		if (op->type == OP_WRITE &&
		    op->at + op->size > c->sure.file[op->file].size)
			return true;
	}
	return false;
}

size_t cut_draws(struct cut *c, size_t rounds)
{
	const struct op *last = c->at > 0 ? &c->log->ops[c->at - 1] : NULL;

	/* a sync leaves some of the states that were possible before it */
	if (c->complete && last != NULL &&
	    (last->type == OP_SYNC || last->type == OP_SYNC_DIR))
		return 1;
	c->complete = c->subsets && c->units <= UNITS_FEW;
	if (c->units == 0)
		return 1;
	if (c->complete)
		return ((size_t)1 << c->units) + (grows(c) ? LENGTHS : 0);
	if (c->subsets && c->count <= WRITES_FEW)
		return ((size_t)1 << c->count) + rounds;
	return rounds;
}

void cut_make(struct cut *c, size_t n, uint64_t seed)
{
	if (c->subsets && c->units <= UNITS_FEW && n >> c->units == 0)
		by_units(c, n);
	else if (c->subsets && c->units > UNITS_FEW && c->count <= WRITES_FEW &&
		 n >> c->count == 0)
		by_writes(c, n);
	else
		at_random(c, seed);
}

void cut_undo(struct cut *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct op *op = &c->log->ops[c->maybe[i]];

		if (op->type == OP_WRITE) {
			image_restore(&c->now, op->file,
			    &c->sure.file[op->file], op->at, op->size);
			continue;
		}
		image_restore_file(&c->now, op->file, &c->sure.file[op->file]);
		if (op->type == OP_RENAME)
			image_restore_file(
			    &c->now, op->other, &c->sure.file[op->other]);
	}
	for (unsigned i = 0; i < FILES_MAX; i++)
		image_resize(&c->now, i, c->sure.file[i].size);
}
