/*
 * spill: LMDB as a sorter.  Nothing here must outlive the process, however it
 * ends: so the file has no name any more once it is open, and it is never
 * synced.  Writing commits often, because a transaction keeps every page it
 * touched in memory, and that is the bound of this program's memory.
 */
#include "client/spill.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PUTS_A_TXN 2048u /* three pages of 4 KiB each at most: 24 MiB */
#define PATH_SIZE 1100u

struct spill {
	MDB_env *env;
	MDB_txn *txn;
	MDB_cursor *cursor; /* once reading has begun */
	MDB_dbi dbi;
	unsigned puts; /* in txn */
};

static enum hf_err from_mdb(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return HF_OK;
	case MDB_NOTFOUND:
		return HF_NOTFOUND;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case ENOSPC:
		return HF_FULL;
	case ENOMEM:
		return HF_NOMEM;
	default:
		return HF_FILE;
	}
}

static bool make_dir(char dir[PATH_SIZE], const char *parent)
{
	int n = snprintf(dir, PATH_SIZE, "%s/.spill-XXXXXX", parent);

	return n > 0 && n < (int)PATH_SIZE && mkdtemp(dir) != NULL;
}

static void remove_dir(const char *dir)
{
	char path[PATH_SIZE + 16];

	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	unlink(path);
	rmdir(dir);
}

static enum hf_err open_table(
    struct spill *s, const char *dir, uint64_t size_max)
{
	int rc = mdb_env_create(&s->env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, (size_t)size_max);
	if (rc == 0)
		rc = mdb_env_open(
		    s->env, dir, MDB_NOSYNC | MDB_NOLOCK | MDB_NORDAHEAD, 0600);
	if (rc == 0)
		rc = mdb_txn_begin(s->env, NULL, 0, &s->txn);
	if (rc == 0)
		rc = mdb_dbi_open(s->txn, NULL, 0, &s->dbi);
	return from_mdb(rc);
}

enum hf_err spill_new(struct spill **out, const char *dir, uint64_t size_max)
{
	struct spill *s = calloc(1, sizeof(*s));
	const char *tmp = getenv("TMPDIR");
	char own[PATH_SIZE];
	enum hf_err err;

	if (s == NULL)
		return HF_NOMEM;
	if (!make_dir(own, dir) && !make_dir(own, tmp != NULL ? tmp : "/tmp")) {
		free(s);
		return HF_FILE;
	}
	err = open_table(s, own, size_max);
	remove_dir(own);
	if (err != HF_OK) {
		spill_free(s);
		return err;
	}
	*out = s;
	return HF_OK;
}

void spill_free(struct spill *s)
{
	if (s == NULL)
		return;
	if (s->cursor != NULL)
		mdb_cursor_close(s->cursor);
	if (s->txn != NULL)
		mdb_txn_abort(s->txn);
	if (s->env != NULL)
		mdb_env_close(s->env);
	free(s);
}

static enum hf_err commit(struct spill *s, unsigned flags)
{
	int rc = mdb_txn_commit(s->txn);

	s->txn = NULL;
	s->puts = 0;
	if (rc == 0)
		rc = mdb_txn_begin(s->env, NULL, flags, &s->txn);
	return from_mdb(rc);
}

enum hf_err spill_put(
    struct spill *s, struct hf_bytes key, struct hf_bytes value)
{
	MDB_val k = {key.size, (void *)(uintptr_t)key.data};
	MDB_val v = {value.size, (void *)(uintptr_t)value.data};
	enum hf_err err = from_mdb(mdb_put(s->txn, s->dbi, &k, &v, 0));

	if (err == HF_OK && ++s->puts == PUTS_A_TXN)
		err = commit(s, 0);
	return err;
}

enum hf_err spill_next(
    struct spill *s, struct hf_bytes *key, struct hf_bytes *value)
{
	MDB_val k, v;
	enum hf_err err = HF_OK;

	if (s->cursor == NULL) {
		err = commit(s, MDB_RDONLY);
		if (err == HF_OK)
			err = from_mdb(
			    mdb_cursor_open(s->txn, s->dbi, &s->cursor));
	}
	if (err == HF_OK)
		err = from_mdb(mdb_cursor_get(s->cursor, &k, &v, MDB_NEXT));
	if (err != HF_OK)
		return err;
	*key = (struct hf_bytes){k.mv_data, k.mv_size};
	*value = (struct hf_bytes){v.mv_data, v.mv_size};
	return HF_OK;
}
