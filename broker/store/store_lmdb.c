/*
 * store_lmdb: the store on LMDB 0.9.24, with its measured traps in mind:
 * no DUPSORT (cursor deletes corrupt), no flag that weakens sync, one write
 * transaction at a time in one process, any commit error but a full map
 * fatal (LMDB would carry on after a failed fdatasync, the kernel not).
 *
 * A disk that fills up in the middle of a commit would be such an error, so a
 * commit that has something to write asks first whether a reserve is free, and
 * is refused like one for which the map is full.
 */
#include "broker/store/case_keys.h"
#include "broker/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define READERS_MAX 16u

struct store {
	MDB_env *env;
	MDB_dbi table[TABLE_COUNT];
	struct case_keys *keys;
	struct txn *open; /* the one write transaction */
	int dir;          /* for statvfs */
	uint64_t disk_reserve;
};

struct txn {
	struct store *store;
	MDB_txn *txn;
	bool wrote, took_keys;
};

static const char *const names[TABLE_COUNT] = {
    [TABLE_META] = "meta",
    [TABLE_ACTS] = "acts",
    [TABLE_IDS] = "ids",
    [TABLE_BODIES] = "bodies",
    [TABLE_ENTRIES] = "entries",
    [TABLE_NODES] = "nodes",
    [TABLE_CASES] = "cases",
    [TABLE_PLACES] = "places",
    [TABLE_REFS] = "refs",
    [TABLE_INBOX] = "inbox",
    [TABLE_OUTBOX] = "outbox",
    [TABLE_DUE] = "due",
    [TABLE_DUE_OF] = "due-of",
    [TABLE_DOCS] = "docs",
    [TABLE_PEERS] = "peers",
    [TABLE_RECEIPTS] = "receipts",
    [TABLE_DEPENDS] = "depends",
    [TABLE_CHECKPOINTS] = "checkpoints",
    [TABLE_CONFLICTS] = "conflicts",
    [TABLE_TALLY] = "tally",
    [TABLE_SLOTS] = "slots",
};

/* Where a new key is mostly the greatest.  LMDB splits a full page in halves,
 * and of a table that only grows at its end each left half stays as empty as
 * that; told that a row goes to the end, it leaves the page full. */
static const bool grows_at_end[TABLE_COUNT] = {
    [TABLE_ACTS] = true,
    [TABLE_IDS] = true,
    [TABLE_BODIES] = true,
    [TABLE_ENTRIES] = true,
    [TABLE_NODES] = true,
    [TABLE_CASES] = true,
    [TABLE_PLACES] = true,
    [TABLE_REFS] = true,
    [TABLE_INBOX] = true,
    [TABLE_OUTBOX] = true,
    [TABLE_DUE_OF] = true,
    [TABLE_RECEIPTS] = true,
    [TABLE_CHECKPOINTS] = true,
};

static enum hf_err of(int rc)
{
	switch (rc) {
	case 0:
		return HF_OK;
	case MDB_NOTFOUND:
		return HF_NOTFOUND;
	case MDB_MAP_FULL:
	case ENOSPC:
		return HF_FULL;
	case ENOMEM:
		return HF_NOMEM;
	default:
		return HF_STORE;
	}
}

static MDB_val val(struct hf_bytes b)
{
	MDB_val v = {b.size, (void *)(uintptr_t)b.data};

	return v;
}

/* ---- opening ---- */

static enum hf_err sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum hf_err err = fd >= 0 && fsync(fd) == 0 ? HF_OK : HF_FILE;

	if (fd >= 0)
		close(fd);
	return err;
}

static enum hf_err make_dir(const char *dir)
{
	char parent[1024];
	char *slash;

	if (mkdir(dir, 0700) != 0)
		return errno == EEXIST ? HF_OK : HF_FILE;
	snprintf(parent, sizeof(parent), "%s", dir);
	slash = strrchr(parent, '/');
	if (slash == NULL)
		return sync_dir(".");
	slash[slash == parent] = '\0';
	return sync_dir(parent);
}

static enum hf_err open_tables(struct store *s)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (rc != 0)
		return of(rc);
	for (unsigned i = 0; i < TABLE_COUNT && rc == 0; i++)
		rc = mdb_dbi_open(txn, names[i], MDB_CREATE, &s->table[i]);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return of(rc);
	}
	return of(mdb_txn_commit(txn));
}

static struct hf_bytes next_slot_key(void)
{
	return (struct hf_bytes){(const uint8_t *)"next", 4};
}

/* Where the keys begin that no committed transaction has taken. */
static enum hf_err begin_slots(struct store *s)
{
	struct hf_bytes row;
	struct txn *t;
	enum hf_err err = txn_begin(&t, s);

	if (err != HF_OK)
		return err;
	err = txn_get(t, TABLE_SLOTS, next_slot_key(), &row);
	if (err == HF_OK && row.size == 4)
		case_keys_begin(s->keys,
		    (uint32_t)row.data[0] << 24 | (uint32_t)row.data[1] << 16 |
			(uint32_t)row.data[2] << 8 | row.data[3]);
	else if (err == HF_OK)
		err = HF_STORE;
	txn_abort(t);
	return err == HF_NOTFOUND ? HF_OK : err;
}

enum hf_err store_open(struct store **out, const struct store_options *options)
{
	struct store *s = calloc(1, sizeof(*s));
	int dead, rc;
	enum hf_err err = HF_NOMEM;

	*out = NULL;
	if (s == NULL)
		return err;
	s->disk_reserve = options->disk_reserve;
	s->dir = -1;
	err = make_dir(options->dir);
	if (err != HF_OK)
		goto out;
	s->dir = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0) {
		err = HF_FILE;
		goto out;
	}
	rc = mdb_env_create(&s->env);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, TABLE_COUNT);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(s->env, READERS_MAX);
	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, options->map_size);
	if (rc == 0)
		rc = mdb_env_open(s->env, options->dir, MDB_NOTLS, 0600);
	if (rc == 0)
		rc = mdb_reader_check(s->env, &dead);
	err = of(rc);
	if (err == HF_OK)
		err = open_tables(s);
	if (err == HF_OK)
		err =
		    case_keys_open(&s->keys, options->dir, options->key_slots);
	if (err == HF_OK)
		err = sync_dir(options->dir); /* the names of new files */
	if (err == HF_OK)
		err = begin_slots(s);
	if (err == HF_OK) {
		*out = s;
		s = NULL;
	}
out:
	store_close(s);
	return err;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->open != NULL)
		txn_abort(s->open);
	case_keys_close(s->keys);
	if (s->env != NULL)
		mdb_env_close(s->env);
	if (s->dir >= 0)
		close(s->dir);
	free(s);
}

static enum hf_err copy_env(const char *dir, int fd)
{
	MDB_env *env;
	int rc = mdb_env_create(&env);

	if (rc != 0)
		return of(rc);
	rc = mdb_env_open(env, dir, MDB_RDONLY | MDB_NOTLS, 0);
	if (rc == 0)
		rc = mdb_env_copyfd2(env, fd, MDB_CP_COMPACT);
	mdb_env_close(env);
	return rc == ENOENT ? HF_FILE : of(rc);
}

enum hf_err store_copy(const char *dir, const char *to)
{
	char path[1100];
	enum hf_err err;
	int fd;

	snprintf(path, sizeof(path), "%s/data.mdb", to);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return HF_FILE;
	err = copy_env(dir, fd);
	if (err == HF_OK && fsync(fd) != 0)
		err = HF_FILE;
	close(fd);
	return err == HF_OK ? sync_dir(to) : err;
}

/* Pages that were used once and are free again: LMDB keeps lists of them in
 * its database 0, each with its length first; only a reader may look. */
static uint64_t free_pages(const struct store *s)
{
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_val key, value;
	uint64_t count = 0;

	if (mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn) != 0)
		return 0;
	if (mdb_cursor_open(txn, 0, &cursor) == 0) {
		while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
			size_t n = 0;

			if (value.mv_size >= sizeof(n))
				memcpy(&n, value.mv_data, sizeof(n));
			count += n;
		}
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return count;
}

/* What the file has, and what the disk still gives it. */
static uint64_t disk_gives(const struct store *s)
{
	struct statvfs fs;
	struct stat file;
	uint64_t left;

	if (fstatvfs(s->dir, &fs) != 0 ||
	    fstatat(s->dir, "data.mdb", &file, 0) != 0)
		return UINT64_MAX;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	left = left > s->disk_reserve ? left - s->disk_reserve : 0;
	return (uint64_t)file.st_blocks * 512u + left;
}

void store_usage(const struct store *s, uint64_t *used, uint64_t *room)
{
	MDB_envinfo info;
	MDB_stat stat;
	uint64_t pages, disk = disk_gives(s);

	*used = *room = 0;
	if (mdb_env_info(s->env, &info) != 0 ||
	    mdb_env_stat(s->env, &stat) != 0)
		return;
	pages = (uint64_t)info.me_last_pgno + 1;
	*room = info.me_mapsize < disk ? info.me_mapsize : disk;
	/* the lists are read only when it matters */
	if (pages * stat.ms_psize > *room / 2)
		pages -= free_pages(s);
	*used = pages * stat.ms_psize;
}

void store_tick(struct store *s)
{
	int dead;

	(void)mdb_reader_check(s->env, &dead);
}

/* ---- transactions ---- */

enum hf_err txn_begin(struct txn **out, struct store *s)
{
	struct txn *t;
	enum hf_err err;

	*out = NULL;
	if (s->open != NULL)
		return HF_INTERNAL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return HF_NOMEM;
	t->store = s;
	err = of(mdb_txn_begin(s->env, NULL, 0, &t->txn));
	if (err != HF_OK) {
		free(t);
		return err;
	}
	s->open = t;
	*out = t;
	return HF_OK;
}

/* A file system that does not tell is taken to have room. */
static bool disk_has_room(const struct store *s)
{
	struct statvfs fs;

	if (s->disk_reserve == 0 || fstatvfs(s->dir, &fs) != 0)
		return true;
	return (uint64_t)fs.f_bavail * fs.f_frsize >= s->disk_reserve;
}

/* The keys that this transaction took are taken with it. */
static enum hf_err put_next_slot(struct txn *t)
{
	uint32_t next = case_keys_next(t->store->keys);
	const uint8_t row[4] = {(uint8_t)(next >> 24), (uint8_t)(next >> 16),
	    (uint8_t)(next >> 8), (uint8_t)next};

	return txn_put(t, TABLE_SLOTS, next_slot_key(),
	    (struct hf_bytes){row, sizeof(row)});
}

enum hf_err txn_commit(struct txn *t)
{
	struct store *s = t->store;
	enum hf_err err = HF_OK;
	int rc;

	if (t->wrote && !disk_has_room(s))
		err = HF_FULL;
	if (err == HF_OK && t->took_keys)
		err = put_next_slot(t);
	if (err != HF_OK) {
		txn_abort(t);
		return err;
	}
	rc = mdb_txn_commit(t->txn);
	s->open = NULL;
	free(t);
	if (rc == 0) {
		case_keys_keep(s->keys);
		return HF_OK;
	}
	case_keys_forget(s->keys);
	/* only a full map is known to have changed nothing */
	return rc == MDB_MAP_FULL ? HF_FULL : HF_STORE;
}

void txn_abort(struct txn *t)
{
	if (t == NULL)
		return;
	mdb_txn_abort(t->txn);
	case_keys_forget(t->store->keys);
	t->store->open = NULL;
	free(t);
}

struct store *txn_store(struct txn *t)
{
	return t->store;
}

/* ---- rows ---- */

static bool key_ok(struct hf_bytes key)
{
	return key.size > 0 && key.size <= STORE_KEY_MAX;
}

enum hf_err txn_get(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes *value)
{
	MDB_val k = val(key), v;
	enum hf_err err;

	if (!key_ok(key))
		return HF_INTERNAL;
	err = of(mdb_get(t->txn, t->store->table[table], &k, &v));
	if (err == HF_OK)
		*value = (struct hf_bytes){v.mv_data, v.mv_size};
	return err;
}

enum hf_err txn_put(
    struct txn *t, enum table table, struct hf_bytes key, struct hf_bytes value)
{
	MDB_val k = val(key), v = val(value), held;
	int rc = MDB_KEYEXIST;

	if (!key_ok(key) || value.size > STORE_VALUE_MAX)
		return HF_INTERNAL;
	/* a turn that only writes its counters as they were dirties no page,
	 * and then its commit costs no sync */
	if (table == TABLE_META &&
	    mdb_get(t->txn, t->store->table[table], &k, &held) == 0 &&
	    held.mv_size == v.mv_size && v.mv_size > 0 &&
	    memcmp(held.mv_data, v.mv_data, v.mv_size) == 0)
		return HF_OK;
	t->wrote = true;
	if (grows_at_end[table])
		rc =
		    mdb_put(t->txn, t->store->table[table], &k, &v, MDB_APPEND);
	if (rc == MDB_KEYEXIST) /* or less than the last */
		rc = mdb_put(t->txn, t->store->table[table], &k, &v, 0);
	return of(rc);
}

enum hf_err txn_del(struct txn *t, enum table table, struct hf_bytes key)
{
	MDB_val k = val(key);

	if (!key_ok(key))
		return HF_INTERNAL;
	t->wrote = true;
	return of(mdb_del(t->txn, t->store->table[table], &k, NULL));
}

static bool has_prefix(const MDB_val *key, struct hf_bytes prefix)
{
	return key->mv_size >= prefix.size &&
	       (prefix.size == 0 ||
		   memcmp(key->mv_data, prefix.data, prefix.size) == 0);
}

static enum hf_err found(int rc, const MDB_val *k, const MDB_val *v,
    struct hf_bytes prefix, struct hf_bytes *key, struct hf_bytes *value)
{
	enum hf_err err = of(rc);

	if (err == HF_OK && !has_prefix(k, prefix))
		err = HF_NOTFOUND;
	if (err != HF_OK)
		return err;
	*key = (struct hf_bytes){k->mv_data, k->mv_size};
	*value = (struct hf_bytes){v->mv_data, v->mv_size};
	return HF_OK;
}

enum hf_err txn_next(struct txn *t, enum table table, struct hf_bytes prefix,
    struct hf_bytes from, bool after, struct hf_bytes *key,
    struct hf_bytes *value)
{
	MDB_cursor *c;
	MDB_val k, v = {0, NULL};
	enum hf_err err;
	int rc;

	if (from.size == 0)
		from = prefix;
	k = val(from);
	rc = mdb_cursor_open(t->txn, t->store->table[table], &c);
	if (rc != 0)
		return of(rc);
	rc = mdb_cursor_get(
	    c, &k, &v, from.size == 0 ? MDB_FIRST : MDB_SET_RANGE);
	if (rc == 0 && after && k.mv_size == from.size && from.size > 0 &&
	    memcmp(k.mv_data, from.data, from.size) == 0)
		rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	err = found(rc, &k, &v, prefix, key, value);
	mdb_cursor_close(c);
	return err;
}

/* The first key that is greater than all with this prefix. */
static bool successor(uint8_t *out, size_t *size, struct hf_bytes prefix)
{
	memcpy(out, prefix.data, prefix.size);
	for (*size = prefix.size; *size > 0; (*size)--)
		if (++out[*size - 1] != 0)
			return true;
	return false;
}

enum hf_err txn_last(struct txn *t, enum table table, struct hf_bytes prefix,
    struct hf_bytes *key, struct hf_bytes *value)
{
	uint8_t next[STORE_KEY_MAX];
	size_t size = 0;
	MDB_cursor *c;
	MDB_val k, v = {0, NULL};
	enum hf_err err;
	int rc;

	if (prefix.size > STORE_KEY_MAX)
		return HF_INTERNAL;
	rc = mdb_cursor_open(t->txn, t->store->table[table], &c);
	if (rc != 0)
		return of(rc);
	if (prefix.size > 0 && successor(next, &size, prefix)) {
		k = val((struct hf_bytes){next, size});
		rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
		rc = mdb_cursor_get(c, &k, &v, rc == 0 ? MDB_PREV : MDB_LAST);
	} else {
		rc = mdb_cursor_get(c, &k, &v, MDB_LAST);
	}
	err = found(rc, &k, &v, prefix, key, value);
	mdb_cursor_close(c);
	return err;
}

enum hf_err txn_rows(struct txn *t, enum table table, uint64_t *count)
{
	MDB_stat stat;
	enum hf_err err = of(mdb_stat(t->txn, t->store->table[table], &stat));

	*count = err == HF_OK ? stat.ms_entries : 0;
	return err;
}

/* ---- case keys ---- */

enum hf_err store_key_new(struct txn *t, uint32_t *slot)
{
	t->took_keys = true;
	return case_keys_new(t->store->keys, slot);
}

enum hf_err store_key_get(
    struct txn *t, uint32_t slot, uint8_t key[HF_KEY_SIZE])
{
	return case_keys_get(t->store->keys, slot, key);
}

enum hf_err store_keys_destroy(
    struct store *s, const uint32_t *slots, unsigned count)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < count && err == HF_OK; i++)
		err = case_keys_destroy(s->keys, slots[i]);
	return err == HF_OK ? case_keys_sync(s->keys) : err;
}
