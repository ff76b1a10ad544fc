/*
 * rows: a store in memory, behind broker/store/store.h.  The linker sends the
 * calls of the engine and of the fixture here (--wrap); what a simulation asks
 * of a store is kept: a transaction is whole or not there, what was committed
 * outlives the process of the broker (its disk lies beside the nodes, by its
 * directory), what was not is gone with it.  Case keys stay in their real file
 * (broker/store/case_keys.c).
 *
 * A table is an array of rows in the order of their keys.  A write puts aside
 * what it replaces; an abort puts that back.  Some seeds, and whoever asks for
 * STORE=lmdb, have the real store instead; both give the same run.
 */
#include "tests/sim/sim.h"

#include "broker/store/case_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISKS (2u * FED_COUNTRIES)

struct row {
	uint32_t key_size, value_size;
	uint8_t bytes[];
};
struct rows {
	struct row **row;
	uint32_t count, capacity;
};
/* What a write changed: the row before it, NULL for none. */
struct undo {
	enum table table;
	struct row *before, *after;
};
struct disk {
	char dir[NODE_DIR_MAX];
	struct rows table[TABLE_COUNT];
	uint64_t bytes;
	bool took_keys;
	uint32_t next_slot; /* then: of case keys, as committed */
};
struct store {
	struct disk *disk;
	struct case_keys *keys;
	struct txn *open;
	uint64_t map_size;
};
struct txn {
	struct store *store;
	bool took_keys;
	unsigned undo_count, undo_capacity;
	struct undo *undo;
};

bool sim_rows_off;
static struct disk disks[DISKS];

/* ---- rows ---- */

static int compare(const struct row *r, struct hf_bytes key)
{
	size_t size = r->key_size < key.size ? r->key_size : key.size;
	int order = size > 0 ? memcmp(r->bytes, key.data, size) : 0;

	if (order != 0 || r->key_size == key.size)
		return order;
	return r->key_size < key.size ? -1 : 1;
}

/* The first row that is not before the key. */
static uint32_t lower(const struct rows *t, struct hf_bytes key)
{
	uint32_t from = 0, to = t->count;

	/* most keys are numbers that grow */
	if (to > 0 && compare(t->row[to - 1], key) < 0)
		return to;
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (compare(t->row[middle], key) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool is_at(const struct rows *t, uint32_t at, struct hf_bytes key)
{
	return at < t->count && compare(t->row[at], key) == 0;
}

static struct hf_bytes key_of(const struct row *r)
{
	return (struct hf_bytes){r->bytes, r->key_size};
}

static struct hf_bytes value_of(const struct row *r)
{
	return (struct hf_bytes){r->bytes + r->key_size, r->value_size};
}

static bool same_value(const struct row *r, struct hf_bytes value)
{
	return r->value_size == value.size &&
	       (value.size == 0 ||
		   memcmp(r->bytes + r->key_size, value.data, value.size) == 0);
}

static void insert(struct rows *t, uint32_t at, struct row *r)
{
	if (t->count == t->capacity) {
		t->capacity = 2 * t->capacity + 16;
		t->row = realloc(t->row, t->capacity * sizeof(struct row *));
		if (t->row == NULL)
			sim_fail("no memory for rows");
	}
	memmove(t->row + at + 1, t->row + at,
	    (t->count - at) * sizeof(struct row *));
	t->row[at] = r;
	t->count++;
}

static void take_out(struct rows *t, uint32_t at)
{
	t->count--;
	memmove(t->row + at, t->row + at + 1,
	    (t->count - at) * sizeof(struct row *));
}

static struct row *make_row(struct hf_bytes key, struct hf_bytes value)
{
	struct row *r = malloc(sizeof(*r) + key.size + value.size);

	if (r == NULL)
		sim_fail("no memory for a row");
	r->key_size = (uint32_t)key.size;
	r->value_size = (uint32_t)value.size;
	memcpy(r->bytes, key.data, key.size);
	if (value.size > 0)
		memcpy(r->bytes + key.size, value.data, value.size);
	return r;
}

/* ---- transactions ---- */

static uint64_t size_of(const struct row *r)
{
	return r != NULL ? sizeof(*r) + r->key_size + r->value_size : 0;
}

static void changed(
    struct txn *t, enum table table, struct row *before, struct row *after)
{
	if (t->undo_count == t->undo_capacity) {
		t->undo_capacity = 2 * t->undo_capacity + 32;
		t->undo = realloc(t->undo, t->undo_capacity * sizeof(*t->undo));
		if (t->undo == NULL)
			sim_fail("no memory to undo");
	}
	t->undo[t->undo_count++] = (struct undo){table, before, after};
	t->store->disk->bytes += size_of(after) - size_of(before);
}

static void put_back(struct txn *t)
{
	struct disk *d = t->store->disk;

	while (t->undo_count > 0) {
		struct undo u = t->undo[--t->undo_count];
		struct rows *rows = &d->table[u.table];
		uint32_t at =
		    lower(rows, key_of(u.after != NULL ? u.after : u.before));

		if (u.after == NULL)
			insert(rows, at, u.before);
		else if (u.before == NULL)
			take_out(rows, at);
		else
			rows->row[at] = u.before;
		d->bytes += size_of(u.before) - size_of(u.after);
		free(u.after);
	}
}

static void end(struct txn *t)
{
	for (unsigned i = 0; i < t->undo_count; i++)
		free(t->undo[i].before);
	free(t->undo);
	t->store->open = NULL;
	free(t);
}

static struct disk *disk_of(const char *dir)
{
	for (unsigned i = 0; i < DISKS; i++) {
		if (disks[i].dir[0] == '\0')
			snprintf(disks[i].dir, sizeof(disks[i].dir), "%s", dir);
		if (strcmp(disks[i].dir, dir) == 0)
			return &disks[i];
	}
	sim_fail("too many disks");
}

static enum hf_err open_keys(struct store *s, const char *dir, uint32_t slots)
{
	enum hf_err err = case_keys_open(&s->keys, dir, slots);

	if (err == HF_OK && s->disk->took_keys)
		case_keys_begin(s->keys, s->disk->next_slot);
	return err;
}

void sim_rows_moved(struct store *s, const char *dir)
{
	case_keys_close(s->keys);
	if (open_keys(s, dir, 1) != HF_OK)
		sim_fail("no case keys in %s", dir);
	snprintf(s->disk->dir, sizeof(s->disk->dir), "%s", dir);
}

/* ---- store.h ---- */

#define WRAP(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

WRAP(enum hf_err, store_open, struct store **out,
    const struct store_options *options)
{
	struct store *s;
	enum hf_err err;

	if (sim_rows_off)
		return __real_store_open(out, options);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return HF_NOMEM;
	s->disk = disk_of(options->dir);
	err = open_keys(s, options->dir, options->key_slots);
	if (err != HF_OK) {
		free(s);
		return err;
	}
	s->map_size = options->map_size;
	*out = s;
	return HF_OK;
}

WRAP(void, txn_abort, struct txn *t)
{
	if (sim_rows_off) {
		__real_txn_abort(t);
		return;
	}
	if (t == NULL)
		return;
	put_back(t);
	case_keys_forget(t->store->keys);
	end(t);
}

WRAP(void, store_close, struct store *s)
{
	if (sim_rows_off) {
		__real_store_close(s);
		return;
	}
	if (s == NULL)
		return;
	__wrap_txn_abort(s->open);
	case_keys_close(s->keys);
	free(s);
}

WRAP(void, store_usage, const struct store *s, uint64_t *used, uint64_t *room)
{
	if (sim_rows_off) {
		__real_store_usage(s, used, room);
		return;
	}
	*used = s->disk->bytes;
	*room = s->map_size;
}

WRAP(enum hf_err, txn_begin, struct txn **out, struct store *s)
{
	struct txn *t;

	if (sim_rows_off)
		return __real_txn_begin(out, s);
	*out = NULL;
	if (s->open != NULL)
		return HF_INTERNAL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return HF_NOMEM;
	t->store = s;
	s->open = t;
	*out = t;
	return HF_OK;
}

enum hf_err sim_rows_commit(struct txn *t)
{
	struct disk *d = t->store->disk;

	if (t->took_keys) {
		d->took_keys = true;
		d->next_slot = case_keys_next(t->store->keys);
	}
	case_keys_keep(t->store->keys);
	end(t);
	return HF_OK;
}

static bool key_ok(struct hf_bytes key)
{
	return key.size > 0 && key.size <= STORE_KEY_MAX;
}

enum hf_err sim_rows_get(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes *value)
{
	const struct rows *rows = &t->store->disk->table[table];
	uint32_t at;

	if (!key_ok(key))
		return HF_INTERNAL;
	at = lower(rows, key);
	if (!is_at(rows, at, key))
		return HF_NOTFOUND;
	*value = value_of(rows->row[at]);
	return HF_OK;
}

enum hf_err sim_rows_put(
    struct txn *t, enum table table, struct hf_bytes key, struct hf_bytes value)
{
	struct rows *rows = &t->store->disk->table[table];
	struct row *before = NULL, *after;
	uint32_t at;

	if (!key_ok(key) || value.size > STORE_VALUE_MAX)
		return HF_INTERNAL;
	at = lower(rows, key);
	if (is_at(rows, at, key) && same_value(rows->row[at], value))
		return HF_OK;
	after = make_row(key, value); /* it may be of the row it replaces */
	if (is_at(rows, at, key)) {
		before = rows->row[at];
		rows->row[at] = after;
	} else {
		insert(rows, at, after);
	}
	changed(t, table, before, after);
	return HF_OK;
}

WRAP(enum hf_err, txn_del, struct txn *t, enum table table, struct hf_bytes key)
{
	struct rows *rows;
	struct row *before;
	uint32_t at;

	if (sim_rows_off)
		return __real_txn_del(t, table, key);
	if (!key_ok(key))
		return HF_INTERNAL;
	rows = &t->store->disk->table[table];
	at = lower(rows, key);
	if (!is_at(rows, at, key))
		return HF_NOTFOUND;
	before = rows->row[at];
	take_out(rows, at);
	changed(t, table, before, NULL);
	return HF_OK;
}

static enum hf_err found(const struct rows *rows, uint32_t at,
    struct hf_bytes prefix, struct hf_bytes *key, struct hf_bytes *value)
{
	const struct row *r;

	if (at >= rows->count)
		return HF_NOTFOUND;
	r = rows->row[at];
	if (r->key_size < prefix.size ||
	    (prefix.size > 0 &&
		memcmp(r->bytes, prefix.data, prefix.size) != 0))
		return HF_NOTFOUND;
	*key = key_of(r);
	*value = value_of(r);
	return HF_OK;
}

enum hf_err sim_rows_next(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes from, bool after,
    struct hf_bytes *key, struct hf_bytes *value)
{
	const struct rows *rows = &t->store->disk->table[table];
	uint32_t at;

	if (from.size == 0)
		from = prefix;
	at = lower(rows, from);
	if (after && from.size > 0 && is_at(rows, at, from))
		at++;
	return found(rows, at, prefix, key, value);
}

/* Before the first row that is greater than all with this prefix. */
WRAP(enum hf_err, txn_last, struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes *key, struct hf_bytes *value)
{
	struct rows *rows;
	uint8_t next[STORE_KEY_MAX];
	size_t size = prefix.size;
	uint32_t at;

	if (sim_rows_off)
		return __real_txn_last(t, table, prefix, key, value);
	if (prefix.size > sizeof(next))
		return HF_INTERNAL;
	rows = &t->store->disk->table[table];
	if (size > 0)
		memcpy(next, prefix.data, size);
	while (size > 0 && ++next[size - 1] == 0)
		size--;
	at =
	    size > 0 ? lower(rows, (struct hf_bytes){next, size}) : rows->count;
	return at > 0 ? found(rows, at - 1, prefix, key, value) : HF_NOTFOUND;
}

WRAP(enum hf_err, txn_rows, struct txn *t, enum table table, uint64_t *count)
{
	if (sim_rows_off)
		return __real_txn_rows(t, table, count);
	*count = t->store->disk->table[table].count;
	return HF_OK;
}

WRAP(enum hf_err, store_key_new, struct txn *t, uint32_t *slot)
{
	if (sim_rows_off)
		return __real_store_key_new(t, slot);
	t->took_keys = true;
	return case_keys_new(t->store->keys, slot);
}

WRAP(enum hf_err, store_key_get, struct txn *t, uint32_t slot,
    uint8_t key[HF_KEY_SIZE])
{
	if (sim_rows_off)
		return __real_store_key_get(t, slot, key);
	return case_keys_get(t->store->keys, slot, key);
}

WRAP(enum hf_err, store_keys_destroy, struct store *s, const uint32_t *slots,
    unsigned count)
{
	enum hf_err err = HF_OK;

	if (sim_rows_off)
		return __real_store_keys_destroy(s, slots, count);
	for (unsigned i = 0; i < count && err == HF_OK; i++)
		err = case_keys_destroy(s->keys, slots[i]);
	return err == HF_OK ? case_keys_sync(s->keys) : err;
}

WRAP(struct store *, txn_store, struct txn *t)
{
	return sim_rows_off ? __real_txn_store(t) : t->store;
}

WRAP(void, store_tick, struct store *s)
{
	if (sim_rows_off)
		__real_store_tick(s);
}
