/*
 * tar: the container of an evidence bundle (SPEC 13.4): POSIX ustar of plain
 * files, in one form only, so that one set of members has one byte string.
 *
 * Any tar program unpacks what is written here; what another program packed
 * is not read, because its headers say things that nobody signed.
 */
#ifndef HF_CLIENT_TAR_H
#define HF_CLIENT_TAR_H

#include "proto/table.h"
#include "proto/types.h"

#include <stdbool.h>

#define TAR_NAME_MAX 63u       /* bytes; ours are shorter */
#define TAR_MEMBERS_MAX 8192u  /* 1,024 acts of a case, six members each */
#define TAR_SIZE_MAX 67108864u /* bytes of the whole file */

struct tar_member {
	char name[TAR_NAME_MAX + 1];
	struct hf_bytes content;
	uint8_t *owned; /* `content`, if it was added, else NULL */
	bool used;      /* for the reader of the members */
	bool lost;      /* there was no memory to add it */
	UT_hash_handle hh;
};

/** Members in their order; begins as zeros. */
struct tar {
	unsigned count, capacity;
	size_t size; /* bytes of the file that they make */
	struct tar_member **members;
	struct tar_member *by_name;
};

/** Relative, of letters, digits and "._-", no part empty or dots only. */
bool tar_name_ok(const char *name);
/** Append a copy.  Errors: HF_RANGE (name), HF_KEY_ORDER (there already),
 * HF_TOO_MANY, HF_TOO_BIG, HF_NOMEM */
HF_MUST_USE enum hf_err tar_add(
    struct tar *t, const char *name, const void *data, size_t size);
/** NULL if there is none of that name. */
struct tar_member *tar_find(const struct tar *t, const char *name);
/** The file.  *out is malloc'ed.  Errors: HF_NOMEM */
HF_MUST_USE enum hf_err tar_write(
    const struct tar *t, uint8_t **out, size_t *size);
/**
 * Read a file; members borrow from `data`.
 * *at      out, on an error: the byte where the header stands that is refused
 * Errors: HF_TRUNCATED, HF_TYPE (not this form), HF_RANGE (a name),
 * HF_KEY_ORDER (a name twice), HF_TRAILING, HF_TOO_MANY, HF_TOO_BIG, HF_NOMEM
 */
HF_MUST_USE enum hf_err tar_read(
    struct tar *t, const void *data, size_t size, size_t *at);
void tar_release(struct tar *t);

#endif
