/* The store: rows, ranges, transactions, a full map, case keys. */
#include "broker/store/store.h"
#include "proto/crypto.h"
#include "tests/proto/chance.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP (16u << 20)
#define SLOT 64

static char dir[64];
static struct store *store;
static struct txn *txn;

static struct hf_bytes text(const char *s)
{
	return (struct hf_bytes){(const uint8_t *)s, strlen(s)};
}

static void open_with(size_t map_size)
{
	struct store_options options = {
	    .dir = dir, .map_size = map_size, .key_slots = 16};
	enum hf_err err = store_open(&store, &options);

	cr_assert_eq(err, HF_OK, "store_open: %s", hf_err_text(err));
}

static void set_up(void)
{
	cr_assert_eq(hf_crypto_init(), HF_OK);
	snprintf(dir, sizeof(dir), "/tmp/hf-store-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	open_with(MAP);
}

static void tear_down(void)
{
	char path[512];
	DIR *d = opendir(dir);

	txn_abort(txn);
	store_close(store);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	closedir(d);
	rmdir(dir);
}

TestSuite(store, .init = set_up, .fini = tear_down);

static void begin(void)
{
	cr_assert_eq(txn_begin(&txn, store), HF_OK);
}

static void commit(void)
{
	cr_assert_eq(txn_commit(txn), HF_OK);
	txn = NULL;
}

static void abort_txn(void)
{
	txn_abort(txn);
	txn = NULL;
}

static void reopen(size_t map_size)
{
	store_close(store);
	open_with(map_size);
}

static void put(const char *key, const char *value)
{
	cr_assert_eq(txn_put(txn, TABLE_META, text(key), text(value)), HF_OK);
}

static bool holds(const char *key, const char *value)
{
	struct hf_bytes got;
	enum hf_err err = txn_get(txn, TABLE_META, text(key), &got);

	if (err == HF_NOTFOUND)
		return value == NULL;
	cr_assert_eq(err, HF_OK);
	return value != NULL && got.size == strlen(value) &&
	       memcmp(got.data, value, got.size) == 0;
}

Test(store, keeps_what_is_committed_and_nothing_else)
{
	struct stat st;

	begin();
	put("a", "1");
	put("b", "2");
	put("a", "3");
	cr_assert(holds("a", "3"));
	commit();
	begin();
	put("c", "4");
	cr_assert_eq(txn_del(txn, TABLE_META, text("a")), HF_OK);
	cr_assert_eq(txn_del(txn, TABLE_META, text("zz")), HF_NOTFOUND);
	cr_assert(holds("a", NULL));
	abort_txn();
	/* every table is its own */
	begin();
	for (unsigned i = 0; i < TABLE_COUNT; i++) {
		uint8_t n = (uint8_t)i;

		cr_assert_eq(txn_put(txn, (enum table)i, text("same"),
				 (struct hf_bytes){&n, 1}),
		    HF_OK);
	}
	commit();
	reopen(MAP);
	begin();
	cr_assert(holds("a", "3") && holds("b", "2") && holds("c", NULL));
	for (unsigned i = 0; i < TABLE_COUNT; i++) {
		struct hf_bytes got;

		cr_assert_eq(
		    txn_get(txn, (enum table)i, text("same"), &got), HF_OK);
		cr_assert(got.size == 1 && got.data[0] == i);
	}
	abort_txn();
	cr_assert_eq(stat(dir, &st), 0);
	cr_assert_eq(st.st_mode & 077, 0);
}

Test(store, refuses_keys_and_values_out_of_bounds)
{
	static uint8_t big[STORE_VALUE_MAX + 1];
	struct hf_bytes got, value = text("v");

	begin();
	cr_assert_eq(txn_put(txn, TABLE_META, (struct hf_bytes){big, 0}, value),
	    HF_INTERNAL);
	cr_assert_eq(txn_put(txn, TABLE_META,
			 (struct hf_bytes){big, STORE_KEY_MAX + 1}, value),
	    HF_INTERNAL);
	cr_assert_eq(txn_put(txn, TABLE_META,
			 (struct hf_bytes){big, STORE_KEY_MAX}, value),
	    HF_OK);
	cr_assert_eq(txn_put(txn, TABLE_DOCS, text("k"),
			 (struct hf_bytes){big, STORE_VALUE_MAX + 1}),
	    HF_INTERNAL);
	cr_assert_eq(txn_put(txn, TABLE_DOCS, text("k"),
			 (struct hf_bytes){big, STORE_VALUE_MAX}),
	    HF_OK);
	cr_assert_eq(txn_get(txn, TABLE_DOCS, text("k"), &got), HF_OK);
	cr_assert_eq(got.size, STORE_VALUE_MAX);
	/* an empty value is a value */
	cr_assert_eq(txn_put(txn, TABLE_META, text("empty"), text("")), HF_OK);
	cr_assert_eq(txn_get(txn, TABLE_META, text("empty"), &got), HF_OK);
	cr_assert_eq(got.size, 0);
	cr_assert_eq(txn_begin(&(struct txn *){NULL}, store), HF_INTERNAL,
	    "two write transactions");
	abort_txn();
}

/* ---- ranges, against a plain sorted array ---- */

#define KEYS 300u

struct row {
	uint8_t key[4];
	size_t size;
};

static int by_key(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	size_t n = x->size < y->size ? x->size : y->size;
	int order = memcmp(x->key, y->key, n);

	return order != 0 ? order
			  : (int)(x->size > y->size) - (int)(x->size < y->size);
}

static bool begins(const struct row *r, const struct row *prefix)
{
	return r->size >= prefix->size &&
	       memcmp(r->key, prefix->key, prefix->size) == 0;
}

static struct hf_bytes key_of(const struct row *r)
{
	return (struct hf_bytes){r->key, r->size};
}

/* Short keys over few letters, 0x00 and 0xff among them. */
static struct row random_row(struct chance *c, size_t least)
{
	static const uint8_t letters[] = {0x00, 0x01, 0x61, 0xfe, 0xff};
	struct row r = {.size = least + chance_below(c, 5 - least)};

	for (unsigned i = 0; i < r.size; i++)
		r.key[i] = letters[chance_below(c, sizeof(letters))];
	return r;
}

static void check_prefix(const struct row *rows, unsigned count,
    const struct row *prefix, unsigned long long seed)
{
	struct hf_bytes key, value;
	struct row from = *prefix, last = {.size = 0};
	bool after = false, any = false;
	enum hf_err err;

	for (unsigned i = 0; i < count; i++) {
		if (!begins(&rows[i], prefix))
			continue;
		err = txn_next(txn, TABLE_DUE, key_of(prefix), key_of(&from),
		    after, &key, &value);
		cr_assert_eq(err, HF_OK, "seed %llu row %u", seed, i);
		cr_assert_eq(
		    key.size, rows[i].size, "seed %llu row %u", seed, i);
		cr_assert_arr_eq(
		    key.data, rows[i].key, key.size, "seed %llu", seed);
		from = last = rows[i];
		after = any = true;
	}
	err = txn_next(
	    txn, TABLE_DUE, key_of(prefix), key_of(&from), after, &key, &value);
	cr_assert_eq(err, HF_NOTFOUND, "seed %llu end", seed);
	err = txn_last(txn, TABLE_DUE, key_of(prefix), &key, &value);
	cr_assert_eq(err, any ? HF_OK : HF_NOTFOUND, "seed %llu last", seed);
	if (any) {
		cr_assert_eq(key.size, last.size, "seed %llu last", seed);
		cr_assert_arr_eq(
		    key.data, last.key, key.size, "seed %llu", seed);
	}
}

Test(store, reads_ranges_like_a_sorted_list)
{
	for (unsigned long long seed = 1; seed <= 40; seed++) {
		struct chance c = {seed};
		struct row rows[KEYS];
		unsigned count = 0, wanted = (unsigned)chance_below(&c, KEYS);

		begin();
		for (unsigned i = 0; i < wanted; i++) {
			struct row r = random_row(&c, 1);

			cr_assert_eq(
			    txn_put(txn, TABLE_DUE, key_of(&r), text("v")),
			    HF_OK);
			rows[count++] = r;
		}
		qsort(rows, count, sizeof(*rows), by_key);
		for (unsigned i = 1; i < count;) /* puts that replaced */
			if (by_key(&rows[i - 1], &rows[i]) == 0)
				memmove(&rows[i], &rows[i + 1],
				    (--count - i) * sizeof(*rows));
			else
				i++;
		for (unsigned i = 0; i < 30; i++) {
			struct row prefix = random_row(&c, 0);

			if (prefix.size > 2)
				prefix.size = 2;
			check_prefix(rows, count, &prefix, seed);
		}
		abort_txn();
	}
}

Test(store, lets_rows_be_deleted_while_a_range_is_read)
{
	struct hf_bytes key, value, none = {NULL, 0};
	unsigned left = 0;

	begin();
	for (unsigned i = 0; i < 2000; i++) {
		uint8_t k[2] = {(uint8_t)(i >> 8), (uint8_t)i};

		cr_assert_eq(txn_put(txn, TABLE_OUTBOX, (struct hf_bytes){k, 2},
				 text("row")),
		    HF_OK);
	}
	commit();
	begin();
	while (txn_next(txn, TABLE_OUTBOX, none, none, false, &key, &value) ==
	       HF_OK) {
		uint8_t k[2];

		memcpy(k, key.data, 2);
		cr_assert_eq((unsigned)k[0] << 8 | k[1], left++);
		cr_assert_eq(
		    txn_del(txn, TABLE_OUTBOX, (struct hf_bytes){k, 2}), HF_OK);
	}
	cr_assert_eq(left, 2000);
	commit();
}

/* ---- full ---- */

Test(store, says_full_loses_nothing_and_goes_on)
{
	static uint8_t value[100000];
	unsigned kept = 0, n = 0;
	enum hf_err err = HF_OK;
	struct hf_bytes got;
	uint64_t used, size;
	char key[16];

	reopen(1u << 20);
	while (err == HF_OK) {
		cr_assert_lt(n, 100, "never full");
		begin();
		snprintf(key, sizeof(key), "k%u", n++);
		err = txn_put(txn, TABLE_BODIES, text(key),
		    (struct hf_bytes){value, sizeof(value)});
		if (err == HF_OK) {
			err = txn_commit(txn);
			txn = NULL;
		}
		if (err == HF_OK)
			kept++;
	}
	cr_assert_eq(err, HF_FULL);
	cr_assert_gt(kept, 3);
	abort_txn();
	store_usage(store, &used, &size);
	cr_assert_eq(size, 1u << 20);
	cr_assert_leq(used, size);
	/* what was acknowledged is there, and reads and small turns go on */
	begin();
	for (unsigned i = 0; i < kept; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		cr_assert_eq(
		    txn_get(txn, TABLE_BODIES, text(key), &got), HF_OK);
		cr_assert_eq(got.size, sizeof(value));
	}
	abort_txn();
	/* with more room it goes on */
	reopen(4u << 20);
	begin();
	cr_assert_eq(txn_put(txn, TABLE_BODIES, text("more"),
			 (struct hf_bytes){value, sizeof(value)}),
	    HF_OK);
	cr_assert_eq(txn_get(txn, TABLE_BODIES, text("k0"), &got), HF_OK);
	commit();
}

Test(store, writes_nothing_into_the_reserve_of_the_disk)
{
	struct store_options options = {.dir = dir,
	    .map_size = MAP,
	    .key_slots = 16,
	    .disk_reserve = UINT64_MAX};

	begin();
	put("a", "1");
	commit();
	store_close(store);
	cr_assert_eq(store_open(&store, &options), HF_OK);
	/* a turn that writes is refused and leaves nothing */
	begin();
	put("a", "2");
	cr_assert_eq(txn_commit(txn), HF_FULL);
	begin();
	cr_assert_eq(txn_del(txn, TABLE_META, text("a")), HF_OK);
	cr_assert_eq(txn_commit(txn), HF_FULL);
	/* one that only reads is not */
	begin();
	cr_assert(holds("a", "1"));
	put("a", "1");
	commit();
	/* with room again it goes on */
	reopen(MAP);
	begin();
	put("a", "2");
	commit();
	begin();
	cr_assert(holds("a", "2"));
	abort_txn();
}

/* ---- case keys ---- */

#define STOCK 1024u /* keys that are made ready at once */

static uint8_t known[8192][HF_KEY_SIZE]; /* by slot */

static uint32_t new_key(void)
{
	uint32_t slot;

	cr_assert_eq(store_key_new(txn, &slot), HF_OK);
	cr_assert_lt(slot, 8192);
	cr_assert_eq(store_key_get(txn, slot, known[slot]), HF_OK);
	return slot;
}

static void expect_key_now(uint32_t slot, enum hf_err wanted)
{
	uint8_t key[HF_KEY_SIZE];
	enum hf_err err = store_key_get(txn, slot, key);

	cr_assert_eq(err, wanted, "slot %u: %s", slot, hf_err_text(err));
	if (wanted == HF_OK)
		cr_assert_arr_eq(key, known[slot], sizeof(key));
}

static void expect_key(uint32_t slot, enum hf_err wanted)
{
	begin();
	expect_key_now(slot, wanted);
	abort_txn();
}

static int open_keys(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/case.keys", dir);
	fd = open(path, O_RDWR);
	cr_assert_geq(fd, 0);
	return fd;
}

/* Is the slot's key anywhere in the file? */
static bool file_has_key(uint32_t slot)
{
	uint8_t bytes[SLOT];
	int fd = open_keys();
	bool found = false;

	while (read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes))
		found = found || memmem(bytes, sizeof(bytes), known[slot],
				     HF_KEY_SIZE) != NULL;
	close(fd);
	return found;
}

Test(store, keeps_case_keys_over_restarts_and_grows)
{
	static uint32_t slots[6000];
	uint32_t more;
	struct stat st;
	int fd;

	for (unsigned i = 0; i < 6000; i++) {
		if (i % 500 == 0)
			begin();
		slots[i] = new_key();
		if (i % 500 == 499)
			commit();
		if (i % 1500 == 1499)
			reopen(MAP);
	}
	reopen(MAP);
	for (unsigned i = 0; i < 6000; i++) {
		cr_assert(i == 0 || slots[i] > slots[i - 1]);
		cr_assert(i == 0 || memcmp(known[slots[i]], known[slots[i - 1]],
					HF_KEY_SIZE) != 0);
		expect_key(slots[i], HF_OK);
	}
	/* the next one is none of them, and a restart wastes none */
	begin();
	more = new_key();
	commit();
	cr_assert_eq(more, slots[5999] + 1);
	fd = open_keys();
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	close(fd);
}

Test(store, hands_out_again_what_was_not_committed)
{
	uint32_t first, second, third;

	begin();
	first = new_key();
	abort_txn();
	begin();
	second = new_key();
	third = new_key();
	commit();
	cr_assert_eq(first, second);
	cr_assert_neq(second, third);
	expect_key(second, HF_OK);
	expect_key(third, HF_OK);
	begin();
	(void)new_key();
	reopen(MAP); /* ended in the midst */
	begin();
	cr_assert_eq(new_key(), third + 1);
	commit();
}

/* A key is in the file, and synced, before anybody has it. */
Test(store, a_key_is_durable_before_it_is_used)
{
	uint32_t slot;

	begin();
	slot = new_key();
	cr_assert(file_has_key(slot));
	expect_key_now(slot, HF_OK);
	/* destroyed at once, before its transaction is committed */
	cr_assert_eq(store_keys_destroy(store, &slot, 1), HF_OK);
	expect_key_now(slot, HF_ERASED);
	commit();
	expect_key(slot, HF_ERASED);
	cr_assert_not(file_has_key(slot), "still readable in the file");
}

Test(store, destroys_a_key_for_good)
{
	uint32_t slots[5];

	begin();
	for (unsigned i = 0; i < 5; i++)
		slots[i] = new_key();
	commit();
	cr_assert(file_has_key(slots[2]));
	cr_assert_eq(store_keys_destroy(store, &slots[2], 1), HF_OK);
	cr_assert_not(file_has_key(slots[2]), "still readable in the file");
	/* destroying it again, after a crash, changes nothing */
	cr_assert_eq(store_keys_destroy(store, &slots[2], 1), HF_OK);
	reopen(MAP);
	for (unsigned i = 0; i < 5; i++)
		expect_key(slots[i], i == 2 ? HF_ERASED : HF_OK);
	/* a destroyed slot is never given out again */
	begin();
	for (unsigned i = 0; i < 500; i++)
		cr_assert_neq(new_key(), slots[2]);
	commit();
	expect_key(slots[2], HF_ERASED);
}

/* The store of yesterday beside the keys of today: what was destroyed since
 * stays so, and is passed over. */
Test(store, an_older_store_gets_no_destroyed_key)
{
	uint32_t slots[6];

	begin();
	slots[0] = new_key();
	commit();
	begin();
	for (unsigned i = 1; i < 6; i++)
		slots[i] = new_key();
	cr_assert_eq(store_keys_destroy(store, &slots[1], 1), HF_OK);
	cr_assert_eq(store_keys_destroy(store, &slots[3], 1), HF_OK);
	abort_txn(); /* as if it had never been */
	begin();
	cr_assert_eq(new_key(), slots[2]);
	cr_assert_eq(new_key(), slots[4]);
	commit();
	expect_key(slots[1], HF_ERASED);
}

Test(store, tells_a_torn_slot_from_a_key)
{
	uint32_t slots[SLOT], next;
	int fd;

	begin();
	for (unsigned i = 0; i < SLOT; i++)
		slots[i] = new_key();
	next = new_key();
	commit();
	fd = open_keys();
	for (unsigned at = 0; at < SLOT + 1; at++) {
		off_t where = at < SLOT ? (off_t)slots[at] * SLOT + (off_t)at
					: (off_t)(next + 1) * SLOT;
		uint8_t byte;

		cr_assert_eq(pread(fd, &byte, 1, where), 1);
		byte ^= 0x40;
		cr_assert_eq(pwrite(fd, &byte, 1, where), 1);
	}
	close(fd);
	for (unsigned at = 0; at < SLOT; at++)
		expect_key(slots[at], HF_KEYSLOT);
	expect_key(1u << 30, HF_KEYSLOT);
	cr_assert_eq(
	    store_keys_destroy(store, &(uint32_t){1u << 30}, 1), HF_KEYSLOT);
	begin(); /* torn while it was written: passed over */
	cr_assert_eq(new_key(), next + 2);
	commit();
}

/* A file of keys that is older than the store: what is lost is not used. */
Test(store, lost_keys_are_not_handed_out)
{
	uint32_t last = 0;
	int fd;

	begin();
	for (unsigned i = 0; i < STOCK + 5; i++)
		last = new_key();
	commit();
	store_close(store);
	fd = open_keys();
	cr_assert_eq(ftruncate(fd, 64 * SLOT), 0);
	close(fd);
	open_with(MAP);
	expect_key(last, HF_KEYSLOT);
	begin();
	cr_assert_gt(new_key(), last);
	commit();
}
