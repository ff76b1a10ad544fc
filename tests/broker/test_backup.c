/*
 * Backups: what is copied beside a broker at work, what is put back, and what
 * never comes back (DESIGN 8).
 *
 * Copies are made by a child, since no process may open a store twice.
 */
#include "tests/broker/fixture.h"

#include "broker/backup.h"
#include "broker/engine/intake.h"
#include "broker/signer/memory.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH 256u
#define CASES 20u

struct shelf {
	struct federation *f;
	struct node *jp;
	struct config config;  /* of JP; data_dir is its own */
	char dir[PATH / 2];    /* backups */
	char target[PATH / 2]; /* a data directory that is restored into */
	struct hf_id id[CASES];
};

/* What a child found out. */
struct told {
	enum hf_err err;
	struct backup b;
};

static void run_shell(const char *format, const char *a, const char *b)
{
	char line[3 * PATH];

	snprintf(line, sizeof(line), format, a, b);
	cr_assert_eq(system(line), 0, "%s", line);
}

static struct told in_child(
    const struct config *c, const char *make, const char *restore)
{
	struct told *shared = mmap(NULL, sizeof(*shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct told told;
	int status;
	pid_t pid;

	cr_assert_neq(shared, MAP_FAILED);
	fflush(NULL);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		shared->err = make != NULL
				  ? backup_make(&shared->b, c, make)
				  : backup_restore(&shared->b, c, restore);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	told = *shared;
	munmap(shared, sizeof(*shared));
	return told;
}

static struct told make(struct shelf *s)
{
	struct told t = in_child(&s->config, s->dir, NULL);

	EXPECT(t.b.what, t.err, HF_OK);
	return t;
}

/* Into an empty directory, by a signer that remembers `signed_size` entries
 * (0: has no memory). */
static struct told restore(
    struct shelf *s, const char *from, uint64_t signed_size, bool accept)
{
	struct config c = s->config;
	struct memory_row row = {.name = "", .size = signed_size};
	struct memory *m;
	char path[2 * PATH];

	run_shell("rm -rf %s && mkdir -m 700 %s", s->target, s->target);
	snprintf(c.data_dir, sizeof(c.data_dir), "%s", s->target);
	c.accept_rollback = accept;
	memory_path(path, sizeof(path), s->target, 1);
	if (signed_size > 0) {
		EXPECT("memory", memory_open(&m, path, 1), HF_OK);
		EXPECT("remember", memory_put(m, 0, &row), HF_OK);
		memory_close(m);
	}
	return in_child(&c, NULL, from);
}

static struct shelf shelf_new(void)
{
	struct shelf s = {.f = fed_running("JP", NULL)};
	struct draft d;

	s.jp = fed_node(s.f, "JP");
	s.config.country = s.jp->country;
	s.config.map_size = 64u << 20;
	s.config.epoch = 1;
	snprintf(s.config.data_dir, sizeof(s.config.data_dir), "%s", s.jp->dir);
	snprintf(s.dir, sizeof(s.dir), "%s-backup", s.jp->dir);
	snprintf(s.target, sizeof(s.target), "%s-target", s.jp->dir);
	for (unsigned i = 0; i < CASES; i++) {
		draft_open(&d, s.f, "jp.ncp", HF_KIND_ORDER, "jp.isp");
		s.id[i] = must_submit(&d);
	}
	return s;
}

static void shelf_free(struct shelf *s)
{
	run_shell("rm -rf %s %s", s->dir, s->target);
	fed_free(s->f);
}

/* The broker's data are those that were restored; how many bodies open. */
static unsigned bodies_of(struct shelf *s, const char *dir)
{
	static uint8_t out[HF_FRAME_MAX];
	struct node n = *s->jp;
	unsigned opened = 0;

	cr_assert_lt(
	    snprintf(n.dir, sizeof(n.dir), "%s", dir), (int)sizeof(n.dir));
	n.size = 0;
	n.lost_size = 1; /* accepts whatever it is */
	n.epoch = 7;
	node_open_store(&n);
	node_open_engine(&n);
	for (unsigned i = 0; i < CASES; i++) {
		struct case_record c = node_case(&n, &s->id[i]);
		enum hf_err err;
		size_t size;

		node_look(&n);
		err = case_body_get(n.engine, &c, &s->id[i], out, &size);
		node_look_end(&n);
		cr_assert(
		    err == HF_OK || err == HF_ERASED || err == HF_NOTFOUND,
		    "%s", hf_err_text(err));
		opened += err == HF_OK;
	}
	engine_free(n.engine);
	store_close(n.store);
	return opened;
}

static void run_down(struct shelf *s)
{
	for (unsigned i = 0; node_rows(s->jp, TABLE_DUE) > 0; i++) {
		cr_assert_lt(i, 2000);
		fed_wait(s->f, 5);
		turn_begin(s->jp);
		turn_end(s->jp);
	}
	cr_assert_eq(node_statements(s->jp, HF_ENTRY_ERASED, NULL), CASES);
}

Test(backup, of_a_broker_at_work_comes_back_whole)
{
	struct shelf s = shelf_new();
	struct told t = make(&s);

	cr_assert_eq(t.b.entries, s.jp->engine->frontier.size);
	cr_assert_gt(t.b.signed_size, 0);
	EXPECT(
	    "as signed", restore(&s, t.b.path, t.b.entries, false).err, HF_OK);
	cr_assert_eq(bodies_of(&s, s.target), CASES);
	run_shell("cd %s && sha256sum -c --quiet %s", t.b.path, "sha256");
	run_shell("test -s %s/head -a ! -e %s/case.keys", t.b.path, t.b.path);
	EXPECT(
	    "over a store", in_child(&s.config, NULL, t.b.path).err, HF_FILE);
	shelf_free(&s);
}

Test(backup, older_than_what_was_signed_is_a_rollback)
{
	struct shelf s = shelf_new();
	struct told t = make(&s);
	const char *from = t.b.path;

	EXPECT("one entry more", restore(&s, from, t.b.entries + 1, false).err,
	    HF_ROLLBACK);
	EXPECT("a memory that is gone", restore(&s, from, 0, false).err,
	    HF_ROLLBACK);
	EXPECT("an old memory",
	    restore(&s, from, t.b.signed_size - 1, false).err, HF_ROLLBACK);
	run_shell(
	    "test ! -e %s/data.mdb -a ! -e %s/restoring", s.target, s.target);
	EXPECT("accepted", restore(&s, from, t.b.entries + 1, true).err, HF_OK);
	EXPECT("accepted", restore(&s, from, 0, true).err, HF_OK);
	shelf_free(&s);
}

/* What the store at work says of its format. */
static void say_format(struct shelf *s, uint64_t format)
{
	uint8_t row[8];
	struct txn *t;

	put_be64(row, format);
	EXPECT("begin", txn_begin(&t, s->jp->store), HF_OK);
	EXPECT("put",
	    txn_put(t, TABLE_META, bytes_of("format", 6), bytes_of(row, 8)),
	    HF_OK);
	EXPECT("commit", txn_commit(t), HF_OK);
}

Test(backup, keeps_the_stores_format_and_takes_no_other)
{
	static const enum hf_err wanted[] = {HF_STORE_OLD, HF_STORE_NEW};
	struct shelf s = shelf_new();
	struct told good = make(&s), t;
	char other[PATH];

	/* made as of another version, so that restoring has to judge it */
	for (uint64_t i = 0; i < 2; i++) {
		snprintf(other, sizeof(other), "%s/other", s.dir);
		say_format(&s, STORE_FORMAT - 1 + 2 * i);
		t = in_child(&s.config, s.dir, NULL);
		EXPECT("made", t.err, wanted[i]);
		cr_assert_not_null(strstr(t.b.what, "format"));
		run_shell("test ! -e %s/new -a -e %s", s.dir, good.b.path);
		run_shell("rm -rf %s && mkdir %s", other, other);
		EXPECT("copy", store_copy(s.jp->dir, other), HF_OK);
		run_shell("cd %s && sha256sum data.mdb > %s", other, "sha256");
		EXPECT("restored", restore(&s, other, 0, true).err, wanted[i]);
		run_shell("test ! -e %s/data.mdb -a ! -e %s/restoring",
		    s.target, s.target);
	}
	EXPECT("its own", restore(&s, good.b.path, good.b.entries, false).err,
	    HF_OK);
	cr_assert_eq(bodies_of(&s, s.target), CASES, "opens, so it is marked");
	shelf_free(&s);
}

#define SLOT 64u

static uint8_t *read_all(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = malloc(1u << 20);

	cr_assert(f != NULL && bytes != NULL, "%s", path);
	*size = fread(bytes, 1, 1u << 20, f);
	fclose(f);
	return bytes;
}

/* Keys of the file `of` that stand anywhere in DIR/case.keys. */
static unsigned keys_in(const char *dir, const char *of)
{
	char path[2 * PATH];
	uint8_t *bytes, *keys;
	unsigned found = 0;
	size_t size, count;

	snprintf(path, sizeof(path), "%s/case.keys", dir);
	bytes = read_all(path, &size);
	keys = read_all(of, &count);
	for (size_t at = 0; at < count; at += SLOT)
		found += keys[at] == 1 && memmem(bytes, size, keys + at + 8,
					      HF_KEY_SIZE) != NULL;
	free(bytes);
	free(keys);
	return found;
}

Test(backup, what_was_erased_opens_in_no_copy)
{
	struct shelf s = shelf_new();
	struct told before = make(&s), after, t;
	char old_keys[PATH + 16];

	snprintf(old_keys, sizeof(old_keys), "%s/old.keys", s.dir);
	run_shell("cp %s/case.keys %s", s.dir, old_keys);
	run_down(&s);
	after = make(&s);
	cr_assert_gt(after.b.entries, before.b.entries);
	t = restore(&s, before.b.path, 0, true);
	EXPECT("the older copy", t.err, HF_OK);
	cr_assert_eq(t.b.erased, CASES);
	cr_assert_eq(bodies_of(&s, s.target), 0);
	/* somebody kept the older keys: the certificates in the newer copy
	 * are applied; over the older one this control opens them all */
	run_shell("cp %s %s/case.keys", old_keys, s.dir);
	EXPECT("the newer copy", restore(&s, after.b.path, 0, true).err, HF_OK);
	cr_assert_eq(keys_in(s.target, old_keys), 0);
	cr_assert_geq(keys_in(s.dir, old_keys), CASES, "control");
	EXPECT("control", restore(&s, before.b.path, 0, true).err, HF_OK);
	cr_assert_eq(bodies_of(&s, s.target), CASES);
	shelf_free(&s);
}

static void flip(const char *dir, const char *name, off_t at)
{
	char path[2 * PATH];
	uint8_t byte;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR);
	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

Test(backup, that_rots_is_not_restored)
{
	struct shelf s = shelf_new();
	struct told t = make(&s);

	flip(t.b.path, "data.mdb", 20000);
	EXPECT("the store", restore(&s, t.b.path, 0, true).err, HF_CORRUPT);
	flip(t.b.path, "data.mdb", 20000);
	flip(s.dir, "case.keys", 8);
	EXPECT("a key", restore(&s, t.b.path, 0, true).err, HF_KEYSLOT);
	flip(s.dir, "case.keys", 8);
	EXPECT("as it was", restore(&s, t.b.path, 0, true).err, HF_OK);
	t = make(&s); /* mends what is not as it should be */
	flip(s.dir, "case.keys", 8);
	t = make(&s);
	EXPECT("mended", restore(&s, t.b.path, 0, true).err, HF_OK);
	shelf_free(&s);
}

/* An entry, of which the store's own pages say nothing. */
static void damage_entry(struct node *n, uint64_t index)
{
	struct hf_bytes value;
	struct row_key k = {0};
	uint8_t row[8192];
	struct txn *t;

	row_add_be64(&k, index);
	EXPECT("begin", txn_begin(&t, n->store), HF_OK);
	EXPECT("get", txn_get(t, TABLE_ENTRIES, row_bytes(&k), &value), HF_OK);
	memcpy(row, value.data, value.size);
	row[value.size / 2] ^= 4;
	EXPECT("put",
	    txn_put(t, TABLE_ENTRIES, row_bytes(&k), bytes_of(row, value.size)),
	    HF_OK);
	EXPECT("commit", txn_commit(t), HF_OK);
}

Test(backup, of_a_damaged_ledger_takes_no_good_ones_place)
{
	struct shelf s = shelf_new();
	struct told good = make(&s), t;

	damage_entry(s.jp, 3);
	t = in_child(&s.config, s.dir, NULL);
	EXPECT("damaged", t.err, HF_CORRUPT);
	run_shell("test ! -e %s/new -a -e %s", s.dir, good.b.path);
	EXPECT("the good one",
	    restore(&s, good.b.path, good.b.entries, false).err, HF_OK);
	shelf_free(&s);
}
