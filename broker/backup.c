/*
 * The order of things is what makes a backup of a running broker right.
 *
 * Made: first the store, then the keys.  A key is on disk before the commit
 * that uses it, so there is a key for every case that the store's copy knows;
 * what was destroyed in between is destroyed in the copy too.  The copy gets
 * its name only when it has been verified, and a run that is cut leaves the
 * copies before it, and keys of which each slot is an old or a new one.
 *
 * Restored: the signer's memory stays out of backups, for an old one would let
 * it sign a second history.  So it can tell here that the copy is older than
 * what was signed; where it is gone too, nobody can tell, and both are a
 * rollback.  Of the keys only those come back that a live case of this store
 * needs: certificates of erasure are applied before anybody is served.
 *
 * LMDB is not made for files that somebody forged: a copy must be kept as
 * safely as the data.  The SHA-256 beside it finds what rots.
 */
#include "broker/backup.h"

#include "broker/engine/copy.h"
#include "broker/signer/memory.h"
#include "broker/store/case_keys.h"
#include "proto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE (CONFIG_PATH_MAX + 64)
#define KEY_TRIES 20u
#define KEY_PAUSE_US 20000u
#define HEX_SIZE (2u * HF_HASH_SIZE)

static enum hf_err says(struct backup *b, enum hf_err err, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

static enum hf_err says(
    struct backup *b, enum hf_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(b->what, sizeof(b->what), format, args);
	va_end(args);
	return err;
}

/* ---- files ---- */

static void join(char out[PATH_SIZE], const char *dir, const char *name)
{
	snprintf(out, PATH_SIZE, "%.*s/%.20s", CONFIG_PATH_MAX + 32, dir, name);
}

static bool exists(const char *dir, const char *name)
{
	char path[PATH_SIZE];

	join(path, dir, name);
	return access(path, F_OK) == 0;
}

static enum hf_err make_dir(const char *path)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ? HF_OK : HF_FILE;
}

static enum hf_err sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum hf_err err = fd >= 0 && fsync(fd) == 0 ? HF_OK : HF_FILE;

	if (fd >= 0)
		close(fd);
	return err;
}

/* What this program itself puts into a folder, and the folder. */
static void remove_copy(const char *dir)
{
	static const char *const names[] = {
	    "data.mdb", "lock.mdb", "case.keys", "head", "sha256"};
	char path[PATH_SIZE];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		join(path, dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static enum hf_err write_file(
    const char *dir, const char *name, const void *data, size_t size)
{
	char path[PATH_SIZE];
	enum hf_err err = HF_OK;
	FILE *f;

	join(path, dir, name);
	f = fopen(path, "we");
	if (f == NULL)
		return HF_FILE;
	if (fwrite(data, 1, size, f) != size)
		err = HF_FILE;
	if (fclose(f) != 0)
		err = HF_FILE;
	return err == HF_OK ? sync_path(path) : err;
}

static enum hf_err copy_bytes(int in, int out)
{
	static uint8_t part[1u << 20];
	ssize_t n;

	while ((n = read(in, part, sizeof(part))) > 0)
		for (ssize_t at = 0, m; at < n; at += m) {
			m = write(out, part + at, (size_t)(n - at));
			if (m <= 0)
				return errno == ENOSPC ? HF_FULL : HF_FILE;
		}
	return n == 0 && fsync(out) == 0 ? HF_OK : HF_FILE;
}

static enum hf_err copy_file(const char *from, const char *to, const char *name)
{
	char source[PATH_SIZE], target[PATH_SIZE];
	enum hf_err err = HF_FILE;
	int in, out;

	join(source, from, name);
	join(target, to, name);
	in = open(source, O_RDONLY | O_CLOEXEC);
	out = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (in >= 0 && out >= 0)
		err = copy_bytes(in, out);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return err;
}

/* SHA-256 of a store as sha256sum writes it. */
static enum hf_err hash_line(const char *dir, char line[HEX_SIZE + 16])
{
	char path[PATH_SIZE];
	struct hf_hash hash;
	struct stat st;
	void *bytes = MAP_FAILED;
	int fd;

	join(path, dir, "data.mdb");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		bytes = mmap(
		    NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (bytes == MAP_FAILED)
		return HF_FILE;
	hash = hf_sha256_2((struct hf_bytes){bytes, (size_t)st.st_size},
	    (struct hf_bytes){NULL, 0});
	munmap(bytes, (size_t)st.st_size);
	hf_hex(line, &hash, sizeof(hash));
	snprintf(line + HEX_SIZE, 16, "  data.mdb\n");
	return HF_OK;
}

static enum hf_err check_hash(struct backup *b, const char *from)
{
	char path[PATH_SIZE], now[HEX_SIZE + 16], then[HEX_SIZE + 16] = "";
	enum hf_err err = hash_line(from, now);
	FILE *f;

	if (err != HF_OK)
		return says(b, err, "there is no data.mdb in it");
	join(path, from, "sha256");
	f = fopen(path, "re");
	if (f != NULL) {
		if (fgets(then, sizeof(then), f) == NULL)
			then[0] = '\0';
		fclose(f);
	}
	return strcmp(now, then) == 0 ? HF_OK
				      : says(b, HF_CORRUPT,
					    "data.mdb is not what its sha256 "
					    "says: take another copy");
}

/* ---- what a copy holds ---- */

/* Slots of live cases, and which of them have a key. */
struct slots {
	uint32_t count, capacity;
	uint32_t *slot;
};

static enum hf_err take_slot(void *ctx, uint32_t slot)
{
	struct slots *s = ctx;

	if (s->count == s->capacity) {
		uint32_t more = s->capacity == 0 ? 1024 : 2 * s->capacity;
		uint32_t *grown = realloc(s->slot, more * sizeof(*grown));

		if (grown == NULL)
			return HF_NOMEM;
		s->slot = grown;
		s->capacity = more;
	}
	s->slot[s->count++] = slot;
	return HF_OK;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool is_live(void *ctx, uint32_t slot)
{
	const struct slots *s = ctx;

	return s->count > 0 && bsearch(&slot, s->slot, s->count, sizeof(slot),
				   by_number) != NULL;
}

/* A case without a key is one that was erased since; anything but a key or
 * the mark of a destroyed one is damage. */
static enum hf_err count_keys(
    struct backup *b, const char *dir, const struct slots *s)
{
	struct case_keys *keys;
	enum hf_err err = case_keys_open(&keys, dir, 0);

	b->erased = 0;
	for (uint32_t i = 0; err == HF_OK && i < s->count; i++) {
		uint8_t key[HF_KEY_SIZE];

		err = case_keys_get(keys, s->slot[i], key);
		hf_wipe(key, sizeof(key));
		b->erased += err == HF_ERASED;
		if (err == HF_ERASED)
			err = HF_OK;
	}
	case_keys_close(keys);
	return err == HF_OK ? err
			    : says(b, err, "case.keys lacks the key of a case");
}

static enum hf_err judge(struct backup *b, const struct config *c,
    struct txn *t, const char *dir, struct slots *s, uint32_t *epoch)
{
	struct engine_copy copy;
	struct engine *e;
	uint64_t format;
	enum hf_err err = engine_format(t, &format);

	if (err == HF_STORE_OLD || err == HF_STORE_NEW)
		return says(b, err, "its format is %llu, not %u",
		    (unsigned long long)format, STORE_FORMAT);
	if (err == HF_OK)
		err = engine_open_copy(&e, c->country, t);
	if (err != HF_OK)
		return says(b, err, "the ledger in the copy is not whole");
	err = engine_check_copy(e, t, &copy);
	b->entries = copy.size;
	b->signed_size = copy.signed_size;
	*epoch = copy.epoch;
	if (err == HF_CHECKPOINT)
		says(b, err, "its newest head is not signed by this country");
	else if (err != HF_OK)
		says(b, err, "entry %llu is damaged",
		    (unsigned long long)copy.entry);
	if (err == HF_OK && copy.signed_size > 0)
		err = write_file(dir, "head", copy.note.data, copy.note.size);
	if (err == HF_OK)
		err = engine_case_slots(e, t, take_slot, s);
	if (err == HF_OK && s->count > 0)
		qsort(s->slot, s->count, sizeof(*s->slot), by_number);
	engine_free(e);
	return err;
}

/* Open the copy in `dir` and judge it; its newest head goes into `head`. */
static enum hf_err look_into(struct backup *b, const struct config *c,
    const char *dir, struct slots *s, uint32_t *epoch)
{
	const struct store_options options = {
	    .dir = dir, .map_size = c->map_size};
	struct store *store;
	struct txn *t = NULL;
	enum hf_err err = store_open(&store, &options);

	if (err == HF_OK)
		err = txn_begin(&t, store);
	if (err == HF_OK)
		err = judge(b, c, t, dir, s, epoch);
	txn_abort(t);
	store_close(store);
	return err;
}

/* ---- make ---- */

/* The broker may be writing a slot: then it is whole a moment later. */
static enum hf_err copy_keys(struct backup *b, const char *from, const char *to,
    bool (*wanted)(void *ctx, uint32_t slot), struct slots *s)
{
	enum hf_err err = HF_KEYSLOT;

	for (unsigned i = 0; i < KEY_TRIES && err == HF_KEYSLOT; i++) {
		if (i > 0)
			usleep(KEY_PAUSE_US);
		err = case_keys_copy(from, to, wanted, s);
		if (err == HF_OK)
			err = count_keys(b, to, s);
		else
			says(b, err, "case.keys cannot be copied");
	}
	return err;
}

static enum hf_err finish(struct backup *b, const char *dir, const char *new)
{
	char line[HEX_SIZE + 16], path[PATH_SIZE];
	enum hf_err err = hash_line(new, line);

	/* what looking into it left */
	join(path, new, "lock.mdb");
	unlink(path);
	join(path, new, "case.keys");
	unlink(path);
	if (err == HF_OK)
		err = write_file(new, "sha256", line, strlen(line));
	if (err == HF_OK)
		err = sync_path(new);
	snprintf(b->path, sizeof(b->path), "%.*s/%012llu", CONFIG_PATH_MAX - 1,
	    dir, (unsigned long long)b->entries);
	if (err == HF_OK)
		remove_copy(b->path); /* of the same entries */
	if (err == HF_OK && rename(new, b->path) != 0)
		err = HF_FILE;
	return err == HF_OK ? sync_path(dir) : err;
}

static enum hf_err make_in(
    struct backup *b, const struct config *c, const char *dir)
{
	struct slots s = {.count = 0};
	char new[PATH_SIZE];
	uint32_t epoch;
	enum hf_err err;

	join(new, dir, "new");
	remove_copy(new);
	err = make_dir(new);
	if (err == HF_OK)
		err = store_copy(c->data_dir, new);
	if (err == HF_OK)
		err = look_into(b, c, new, &s, &epoch);
	if (err == HF_OK)
		err = copy_keys(b, c->data_dir, dir, NULL, &s);
	if (err == HF_OK)
		err = finish(b, dir, new);
	if (err != HF_OK)
		remove_copy(new);
	free(s.slot);
	return err;
}

enum hf_err backup_make(
    struct backup *b, const struct config *c, const char *dir)
{
	enum hf_err err;
	int fd;

	*b = (struct backup){.entries = 0};
	if (strlen(dir) >= CONFIG_PATH_MAX)
		return HF_FILE;
	if (!exists(c->data_dir, "data.mdb"))
		return says(
		    b, HF_FILE, "there is no store in %.100s", c->data_dir);
	err = make_dir(dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (err == HF_OK && fd < 0)
		err = HF_FILE;
	if (err == HF_OK && flock(fd, LOCK_EX | LOCK_NB) != 0)
		err = says(b, HF_BUSY, "another backup is under way there");
	if (err == HF_OK)
		err = make_in(b, c, dir);
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- restore ---- */

/* What the signer signed last in this epoch, as far as it is known. */
static enum hf_err remembered(
    struct backup *b, const struct config *c, uint32_t epoch)
{
	struct memory_row row = {.size = 0};
	char path[PATH_SIZE];
	struct memory *m;
	enum hf_err err;

	memory_path(path, sizeof(path), c->data_dir, epoch);
	b->remembered = 0;
	if (access(path, F_OK) != 0)
		return HF_OK;
	err = memory_open(&m, path, 1);
	if (err != HF_OK)
		return err;
	err = memory_get(m, 0, &row);
	memory_close(m);
	b->remembered = err == HF_OK ? row.size : 0;
	return HF_OK; /* a damaged one knows nothing */
}

static enum hf_err check_rollback(
    struct backup *b, const struct config *c, uint32_t epoch)
{
	enum hf_err err = remembered(b, c, epoch);

	if (err != HF_OK || c->accept_rollback || b->signed_size == 0)
		return err;
	if (b->remembered > b->entries)
		return says(b, HF_ROLLBACK,
		    "%llu entries were signed, the copy has %llu",
		    (unsigned long long)b->remembered,
		    (unsigned long long)b->entries);
	if (b->remembered < b->signed_size)
		return says(b, HF_ROLLBACK,
		    "the signer's memory is gone or older: nobody can say what "
		    "was signed after the copy");
	return HF_OK;
}

/* The keys first: with the store the broker would start. */
static enum hf_err put_in_place(const char *staging, const char *data_dir)
{
	static const char *const names[] = {"case.keys", "data.mdb"};
	char from[PATH_SIZE], to[PATH_SIZE];

	for (unsigned i = 0; i < 2; i++) {
		join(from, staging, names[i]);
		join(to, data_dir, names[i]);
		if (rename(from, to) != 0)
			return HF_FILE;
	}
	return sync_path(data_dir);
}

static enum hf_err restore_in(struct backup *b, const struct config *c,
    const char *from, const char *keys_dir, const char *staging)
{
	struct slots s = {.count = 0};
	char path[PATH_SIZE];
	uint32_t epoch = 1;
	enum hf_err err = check_hash(b, from);

	if (err == HF_OK)
		err = copy_file(from, staging, "data.mdb");
	if (err == HF_OK)
		err = look_into(b, c, staging, &s, &epoch);
	if (err == HF_OK)
		err = check_rollback(b, c, epoch);
	join(path, staging, "case.keys"); /* an empty one: of look_into */
	unlink(path);
	if (err == HF_OK)
		err = copy_keys(b, keys_dir, staging, is_live, &s);
	if (err == HF_OK)
		err = put_in_place(staging, c->data_dir);
	free(s.slot);
	return err;
}

enum hf_err backup_restore(
    struct backup *b, const struct config *c, const char *from)
{
	char staging[PATH_SIZE], keys_dir[PATH_SIZE];
	enum hf_err err;

	*b = (struct backup){.entries = 0};
	if (strlen(from) >= CONFIG_PATH_MAX)
		return HF_FILE;
	if (exists(c->data_dir, "data.mdb") || exists(c->data_dir, "case.keys"))
		return says(b, HF_FILE,
		    "there is a store in %.60s: move data.mdb and case.keys "
		    "away, leave *.mem",
		    c->data_dir);
	snprintf(b->path, sizeof(b->path), "%s", from);
	join(keys_dir, from, "..");
	join(staging, c->data_dir, "restoring");
	err = make_dir(c->data_dir);
	remove_copy(staging);
	if (err == HF_OK)
		err = make_dir(staging);
	if (err == HF_OK)
		err = restore_in(b, c, from, keys_dir, staging);
	remove_copy(staging);
	return err;
}

/* ---- for people ---- */

static int tell_error(const struct backup *b, enum hf_err err, const char *what,
    const char *where)
{
	const struct hf_err_info *info = hf_err_info(err);

	fprintf(stderr, "holdfastd: E%d: %s: %s: %s%s%s\n  fix    %s\n",
	    (int)err, what, where, info->text, b->what[0] != '\0' ? ": " : "",
	    b->what, info->cure);
	return (int)info->exit;
}

int backup_main(const struct config *c, const char *make, const char *restore)
{
	struct backup b;
	enum hf_err err = hf_crypto_init();

	umask(077);
	if (err == HF_OK)
		err = make != NULL ? backup_make(&b, c, make)
				   : backup_restore(&b, c, restore);
	if (err != HF_OK)
		return tell_error(&b, err, make != NULL ? "backup" : "restore",
		    make != NULL ? make : restore);
	printf("%s: %llu entries, head over %llu, verified\n", b.path,
	    (unsigned long long)b.entries, (unsigned long long)b.signed_size);
	if (make != NULL)
		return 0;
	printf("restored into %s\n", c->data_dir);
	if (b.erased > 0)
		printf("%llu cases were erased after this copy was made; their "
		       "content stays erased\n",
		    (unsigned long long)b.erased);
	if (b.remembered > b.entries ||
	    (b.remembered < b.signed_size && b.signed_size > 0))
		printf("older than what was signed, or not known: it starts in "
		       "the next epoch only: holdfastd(8), AFTER A LOSS\n");
	return 0;
}
