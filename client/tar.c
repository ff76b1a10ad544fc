/*
 * tar: by hand, because the strict reader is the point of it: a header is
 * read for its name and size only, written again from those, and must be the
 * same 512 bytes.  A library that reads every dialect would have to be told
 * of each field that it must not believe.
 */
#include "client/tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512u
#define END_SIZE (2u * BLOCK)
#define MODE "0000644"

struct header { /* POSIX.1-1988, ustar */
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12],
	    checksum[8], type, link[100], magic[6], version[2], user[32],
	    group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

static bool part_ok(const char *part, size_t size)
{
	bool dots = true;

	for (size_t i = 0; i < size; i++) {
		char c = part[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '.' || c == '_' ||
			c == '-'))
			return false;
		dots &= c == '.';
	}
	return size > 0 && !dots;
}

bool tar_name_ok(const char *name)
{
	if (strlen(name) > TAR_NAME_MAX)
		return false;
	for (;;) {
		size_t n = strcspn(name, "/");

		if (!part_ok(name, n))
			return false;
		if (name[n] == '\0')
			return true;
		name += n + 1;
	}
}

static size_t padded(size_t size)
{
	return (size + BLOCK - 1) / BLOCK * BLOCK;
}

static void write_header(struct header *h, const char *name, size_t size)
{
	const unsigned char *b = (const unsigned char *)h;
	unsigned sum = 0;

	memset(h, 0, sizeof(*h));
	memcpy(h->name, name, strlen(name));
	memcpy(h->mode, MODE, sizeof(h->mode));
	memcpy(h->uid, "0000000", sizeof(h->uid));
	memcpy(h->gid, "0000000", sizeof(h->gid));
	snprintf(h->size, sizeof(h->size), "%011zo", size);
	memcpy(h->mtime, "00000000000", sizeof(h->mtime));
	memset(h->checksum, ' ', sizeof(h->checksum));
	h->type = '0';
	memcpy(h->magic, "ustar", sizeof(h->magic));
	memset(h->version, '0', sizeof(h->version));
	for (unsigned i = 0; i < BLOCK; i++)
		sum += b[i];
	snprintf(h->checksum, sizeof(h->checksum) - 1, "%06o", sum);
}

/* ---- members ---- */

static enum hf_err append(
    struct tar *t, const char *name, struct hf_bytes content, uint8_t *owned)
{
	struct tar_member *m;

	if (!tar_name_ok(name))
		return HF_RANGE;
	if (tar_find(t, name) != NULL)
		return HF_KEY_ORDER;
	if (t->count == TAR_MEMBERS_MAX)
		return HF_TOO_MANY;
	if (content.size > TAR_SIZE_MAX ||
	    t->size + END_SIZE + BLOCK + padded(content.size) > TAR_SIZE_MAX)
		return HF_TOO_BIG;
	if (t->count == t->capacity) {
		unsigned capacity = t->capacity == 0 ? 64 : 2 * t->capacity;
		struct tar_member **grown =
		    realloc(t->members, capacity * sizeof(struct tar_member *));

		if (grown == NULL)
			return HF_NOMEM;
		t->members = grown;
		t->capacity = capacity;
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return HF_NOMEM;
	memcpy(m->name, name, strlen(name));
	m->content = content;
	m->owned = owned;
	HASH_ADD_STR(t->by_name, name, m);
	if (m->lost) {
		free(m);
		return HF_NOMEM;
	}
	t->members[t->count++] = m;
	t->size += BLOCK + padded(content.size);
	return HF_OK;
}

enum hf_err tar_add(
    struct tar *t, const char *name, const void *data, size_t size)
{
	uint8_t *copy;
	enum hf_err err;

	if (size > TAR_SIZE_MAX)
		return HF_TOO_BIG;
	copy = malloc(size + 1);
	if (copy == NULL)
		return HF_NOMEM;
	if (size > 0)
		memcpy(copy, data, size);
	err = append(t, name, (struct hf_bytes){copy, size}, copy);
	if (err != HF_OK)
		free(copy);
	return err;
}

struct tar_member *tar_find(const struct tar *t, const char *name)
{
	struct tar_member *m = NULL;

	HASH_FIND_STR(t->by_name, name, m);
	return m;
}

void tar_release(struct tar *t)
{
	HASH_CLEAR(hh, t->by_name);
	for (unsigned i = 0; i < t->count; i++) {
		free(t->members[i]->owned);
		free(t->members[i]);
	}
	free(t->members);
	memset(t, 0, sizeof(*t));
}

/* ---- the file ---- */

enum hf_err tar_write(const struct tar *t, uint8_t **out, size_t *size)
{
	uint8_t *file = calloc(1, t->size + END_SIZE), *at = file;
	struct header h;

	if (file == NULL)
		return HF_NOMEM;
	for (unsigned i = 0; i < t->count; i++) {
		const struct tar_member *m = t->members[i];

		write_header(&h, m->name, m->content.size);
		memcpy(at, &h, sizeof(h));
		if (m->content.size > 0)
			memcpy(at + BLOCK, m->content.data, m->content.size);
		at += BLOCK + padded(m->content.size);
	}
	*out = file;
	*size = t->size + END_SIZE;
	return HF_OK;
}

static bool all_zero(const uint8_t *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (b[i] != 0)
			return false;
	return true;
}

/* Name and size; the rest is compared with what we would have written. */
static enum hf_err read_header(
    const uint8_t *block, char name[TAR_NAME_MAX + 1], size_t *size)
{
	struct header h, again;

	memcpy(&h, block, sizeof(h));
	*size = 0;
	for (unsigned i = 0; i + 1 < sizeof(h.size); i++) {
		if (h.size[i] < '0' || h.size[i] > '7')
			return HF_TYPE;
		*size = *size << 3 | (size_t)(h.size[i] - '0');
	}
	if (h.name[TAR_NAME_MAX] != '\0')
		return HF_RANGE;
	memcpy(name, h.name, TAR_NAME_MAX + 1);
	if (!tar_name_ok(name))
		return HF_RANGE;
	write_header(&again, name, *size);
	return memcmp(&h, &again, sizeof(h)) == 0 ? HF_OK : HF_TYPE;
}

static enum hf_err read_member(
    struct tar *t, const uint8_t *data, size_t left, size_t *used)
{
	char name[TAR_NAME_MAX + 1];
	size_t size;
	enum hf_err err;

	if (left < BLOCK)
		return HF_TRUNCATED;
	err = read_header(data, name, &size);
	if (err != HF_OK)
		return err;
	if (size > left - BLOCK || padded(size) > left - BLOCK)
		return HF_TRUNCATED;
	if (!all_zero(data + BLOCK + size, padded(size) - size))
		return HF_TYPE;
	*used = BLOCK + padded(size);
	return append(t, name, (struct hf_bytes){data + BLOCK, size}, NULL);
}

enum hf_err tar_read(struct tar *t, const void *data, size_t size, size_t *at)
{
	const uint8_t *b = data;
	enum hf_err err = size > TAR_SIZE_MAX ? HF_TOO_BIG : HF_OK;

	*at = 0;
	while (err == HF_OK) {
		size_t used;

		if (size - *at < END_SIZE)
			return HF_TRUNCATED;
		if (all_zero(b + *at, END_SIZE)) {
			*at += END_SIZE;
			return *at == size ? HF_OK : HF_TRAILING;
		}
		err = read_member(t, b + *at, size - *at, &used);
		if (err == HF_OK)
			*at += used;
	}
	return err;
}
