#include "broker/signer/memory.h"

#include "proto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOT 512u
#define PATH_MAX_BYTES 1100
#define MAGIC "HFSIGN2"

struct slot {
	char magic[8];
	uint64_t count; /* of writes: the larger is the newer */
	uint64_t pair;  /* a slot of another pair is none */
	struct memory_row row;
	struct hf_hash check; /* over all before it */
};

struct pair {
	bool damaged;
	unsigned next; /* slot to be written next */
	struct slot last;
};

struct memory {
	int fd;
	unsigned count;
	struct pair *pairs;
};

void memory_path(char *out, size_t capacity, const char *dir, uint32_t epoch)
{
	if (epoch == 1)
		snprintf(out, capacity, "%s/signer.mem", dir);
	else
		snprintf(
		    out, capacity, "%s/signer-%u.mem", dir, (unsigned)epoch);
}

static struct hf_hash checksum(const struct slot *s)
{
	return hf_hash(HF_TAG_STATE, s, offsetof(struct slot, check));
}

static off_t place(unsigned pair, unsigned slot)
{
	return ((off_t)2 * pair + slot) * (off_t)SLOT;
}

/* A slot that the disk does not give is not the same as a torn one: it may be
 * the newer, and with the older we would sign what we have signed before. */
static enum hf_err read_slot(
    int fd, unsigned pair, unsigned slot, struct slot *s, bool *good)
{
	uint8_t bytes[SLOT];
	struct hf_hash check;
	ssize_t n;

	do {
		n = pread(fd, bytes, sizeof(bytes), place(pair, slot));
	} while (n < 0 && errno == EINTR);
	*good = false;
	if (n < 0)
		return HF_FILE;
	if (n != (ssize_t)sizeof(bytes))
		return HF_OK;
	memcpy(s, bytes, sizeof(*s));
	check = checksum(s);
	/* nobody writes so often, and the next count would be smaller */
	*good = s->count < UINT64_MAX &&
		memcmp(s->magic, MAGIC, sizeof(MAGIC)) == 0 &&
		s->pair == pair &&
		memchr(s->row.name, '\0', sizeof(s->row.name)) != NULL &&
		memcmp(&check, &s->check, sizeof(check)) == 0;
	return HF_OK;
}

static bool write_slot(int fd, unsigned pair, unsigned slot, struct slot *s)
{
	uint8_t bytes[SLOT] = {0};
	ssize_t n;

	memcpy(s->magic, MAGIC, sizeof(MAGIC));
	s->pair = pair;
	s->check = checksum(s);
	memcpy(bytes, s, sizeof(*s));
	do {
		n = pwrite(fd, bytes, sizeof(bytes), place(pair, slot));
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(bytes);
}

static bool sync_parent(const char *path)
{
	char dir[PATH_MAX_BYTES];
	char *slash;
	int fd;
	bool ok;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		snprintf(dir, sizeof(dir), ".");
	else
		slash[slash == dir] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* A memory that remembers nothing, under its name only when it is whole. */
static int create(const char *path, unsigned pairs)
{
	char temporary[PATH_MAX_BYTES];
	bool ok = true;
	int fd;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >=
	    (int)sizeof(temporary))
		return -1;
	fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	for (unsigned i = 0; i < 2 * pairs && ok; i++) {
		struct slot empty;

		memset(&empty, 0, sizeof(empty));
		ok = write_slot(fd, i / 2, i % 2, &empty);
	}
	ok = ok && fsync(fd) == 0 && rename(temporary, path) == 0 &&
	     sync_parent(path);
	close(fd);
	return ok ? open(path, O_RDWR | O_CLOEXEC | O_DSYNC) : -1;
}

static enum hf_err load(struct memory *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		struct slot s[2];
		bool good[2] = {false, false};

		for (unsigned k = 0; k < 2; k++)
			if (read_slot(m->fd, i, k, &s[k], &good[k]) != HF_OK)
				return HF_FILE;
		m->pairs[i].damaged = !good[0] && !good[1];
		m->pairs[i].next =
		    good[0] && (!good[1] || s[0].count > s[1].count) ? 1 : 0;
		if (!m->pairs[i].damaged)
			m->pairs[i].last = s[m->pairs[i].next ^ 1u];
	}
	return HF_OK;
}

enum hf_err memory_open(struct memory **out, const char *path, unsigned pairs)
{
	struct memory *m = calloc(1, sizeof(*m));
	struct stat st;

	*out = NULL;
	if (m == NULL)
		return HF_NOMEM;
	m->count = pairs;
	m->pairs = calloc(pairs, sizeof(*m->pairs));
	m->fd = -1;
	if (m->pairs == NULL) {
		memory_close(m);
		return HF_NOMEM;
	}
	m->fd = open(path, O_RDWR | O_CLOEXEC | O_DSYNC);
	if (m->fd < 0 && errno == ENOENT)
		m->fd = create(path, pairs);
	if (m->fd < 0 || fstat(m->fd, &st) != 0 || load(m) != HF_OK) {
		memory_close(m);
		return HF_FILE;
	}
	*out = m;
	return HF_OK;
}

void memory_close(struct memory *m)
{
	if (m == NULL)
		return;
	if (m->fd >= 0)
		close(m->fd);
	free(m->pairs);
	free(m);
}

unsigned memory_pairs(const struct memory *m)
{
	return m->count;
}

enum hf_err memory_get(
    const struct memory *m, unsigned pair, struct memory_row *row)
{
	if (m->pairs[pair].damaged)
		return HF_CORRUPT;
	*row = m->pairs[pair].last.row;
	return HF_OK;
}

enum hf_err memory_put(
    struct memory *m, unsigned pair, const struct memory_row *row)
{
	struct pair *p = &m->pairs[pair];
	struct slot next = p->last;

	next.count++;
	next.row = *row;
	if (next.count == UINT64_MAX) /* no slot that would be read again */
		return HF_FILE;
	if (!write_slot(m->fd, pair, p->next, &next))
		return HF_FILE;
	p->next ^= 1u;
	p->last = next;
	p->damaged = false;
	return HF_OK;
}
