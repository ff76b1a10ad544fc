#include "tests/desk/calls.h"

#include "client/link.h"
#include "client/out.h"
#include "proto/pack.h"
#include "tests/desk/office.h"
#include "tests/proto/chance.h"
#include "tests/support/sites.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAY 5u       /* functions that tell one call from another */
#define CALLS 40000u /* of one run */
#define ANSWERS 4096u

enum call {
	CALL_MALLOC,
	CALL_CALLOC,
	CALL_REALLOC,
	CALL_STRDUP,
	CALL_OPEN,
	CALL_FOPEN,
	CALL_FDOPEN,
	CALL_TMPFILE,
	CALL_READ,
	CALL_PREAD,
	CALL_WRITE,
	CALL_WRITE_SHORT,
	CALL_FREAD,
	CALL_FWRITE,
	CALL_FFLUSH,
	CALL_FCLOSE,
	CALL_FSEEKO,
	CALL_FSYNC,
	CALL_RENAME,
	CALL_STAT,
	CALL_LSTAT,
	CALL_FSTAT,
	CALL_FTRUNCATE,
	CALL_FLOCK,
	CALL_MKDIR,
	CALL_OPENDIR,
	CALL_INTERRUPT, /* read and write: EINTR, and then as ever */
	/* the broker's */
	CALL_SILENCE,
	CALL_REFUSAL,
	CALL_UNKNOWN,
	CALL_EMPTY,
	CALL_CUT,
	CALL_CUT_HALF,
	CALL_NO_RECEIPT,
	CALL_FLIP, /* and its followers: a byte at some place */
	CALL_FLIP_LAST = CALL_FLIP + 7,
	CALL_COUNT
};
static const char *const names[] = {"malloc", "calloc", "realloc", "strdup",
    "open", "fopen", "fdopen", "tmpfile", "read", "pread", "write",
    "a short write", "fread", "fwrite", "fflush", "fclose", "fseeko", "fsync",
    "rename", "stat", "lstat", "fstat", "ftruncate", "flock", "mkdir",
    "opendir", "an interrupted call", "no answer", "a refusal",
    "an unknown case", "an empty answer", "an answer cut by a byte",
    "half an answer", "no receipt", "a changed answer"};

/* Of the run that is watched. */
static struct watched {
	atomic_uint count;
	uint32_t site[CALLS];
	enum call call[CALLS];
	uintptr_t way[CALLS][SITE_WAY];
} * watched;
static atomic_bool watching;
static atomic_uint fail_at, at; /* 0: none */
static bool terminal;
static uint64_t ahead_ms; /* a repeated run waited so long for events */

static struct chance chance, chance_was;
static enum { LIVE, RECORD, REPLAY } mode;
static unsigned answer_count;
static struct recorded {
	enum hf_op op;
	enum hf_err err;
	size_t args_size, map_size, receipt_size;
	uint8_t *args, *map, *receipt;
} answers[ANSWERS];

static void prepare(void)
{
	if (watched != NULL)
		return;
	sites_open();
	watched = sites_memory(sizeof(*watched));
}

static __attribute__((noinline)) bool fails(enum call call)
{
	if (watching) {
		unsigned i = watched->count++;

		if (i >= CALLS)
			return false;
		watching = false; /* backtrace may allocate */
		watched->site[i] = site_of(call, WAY, watched->way[i]);
		watched->call[i] = call;
		watching = true;
	}
	return fail_at != 0 && ++at == fail_at;
}

bool calls_is_new(unsigned i)
{
	uint32_t site = watched->site[i];

	if (getenv("HF_SPOILT") == NULL && (site >> 8) % CALLS_EVERY != 0)
		return false;
	return site_is_new(site);
}

const char *calls_name(unsigned i)
{
	static char text[200];
	enum call call = watched->call[i];

	snprintf(text, sizeof(text), "%s, at%s",
	    names[call < CALL_FLIP ? call : CALL_FLIP],
	    site_text(watched->way[i]));
	return text;
}

bool calls_may_differ(unsigned i)
{
	return watched->call[i] >= CALL_REFUSAL;
}

void calls_terminal(bool on)
{
	terminal = on;
}

/* ---- recording ---- */

static void forget(void)
{
	for (unsigned i = 0; i < answer_count; i++) {
		free(answers[i].args);
		free(answers[i].map);
		free(answers[i].receipt);
	}
	answer_count = 0;
}

void calls_record(void)
{
	prepare();
	forget();
	chance_was = chance;
	mode = RECORD;
}

void calls_done(void)
{
	mode = LIVE;
}

void calls_replay(unsigned n)
{
	chance = chance_was;
	mode = REPLAY;
	ahead_ms = 0;
	at = 0;
	fail_at = n;
	watching = n == 0;
}

unsigned calls_watch(int (*apart)(const char *who, const char *const *args,
			 unsigned at, int out, int err),
    const char *who, const char *const *args)
{
	int out = memfd_create("out", MFD_CLOEXEC);
	int err = memfd_create("err", MFD_CLOEXEC);
	unsigned count;

	watched->count = 0;
	apart(who, args, 0, out, err);
	close(out);
	close(err);
	count = watched->count;
	cr_assert_leq(count, CALLS, "too many calls of one command");
	return count;
}

static uint8_t *copy(const void *data, size_t size)
{
	uint8_t *p = malloc(size + 1);

	if (p == NULL)
		abort();
	if (size > 0)
		memcpy(p, data, size);
	return p;
}

static void keep(enum hf_op op, struct hf_bytes args, enum hf_err err,
    struct hf_bytes map, struct hf_bytes receipt)
{
	cr_assert_lt(answer_count, ANSWERS);
	answers[answer_count++] = (struct recorded){.op = op,
	    .err = err,
	    .args_size = args.size,
	    .map_size = map.size,
	    .receipt_size = receipt.size,
	    .args = copy(args.data, args.size),
	    .map = copy(map.data, map.size),
	    .receipt = copy(receipt.data, receipt.size)};
}

/* The answer to this request, in the order they were given. */
static const struct recorded *recall(enum hf_op op, struct hf_bytes args)
{
	static unsigned from;

	for (unsigned i = 0; i < answer_count; i++) {
		const struct recorded *r = &answers[(from + i) % answer_count];

		if (r->op != op || r->args_size != args.size ||
		    (args.size > 0 &&
			memcmp(r->args, args.data, args.size) != 0))
			continue;
		from = (from + i + 1) % answer_count;
		return r;
	}
	return NULL;
}

/* ---- the link ---- */

struct link {
	struct hf_key officer;
	struct link_trouble trouble;
	bool watches;
	uint8_t map[HF_FRAME_MAX];
	uint8_t receipt[HF_FRAME_MAX];
};

enum hf_err __wrap_link_open(struct link **out, struct home *h, int timeout_ms);
enum hf_err __wrap_link_open(struct link **out, struct home *h, int timeout_ms)
{
	(void)timeout_ms;
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return HF_NOMEM;
	(*out)->officer = h->signer->transport_key;
	return HF_OK;
}

void __wrap_link_close(struct link *l);
void __wrap_link_close(struct link *l)
{
	free(l);
}

const struct link_trouble *__wrap_link_trouble(const struct link *l);
const struct link_trouble *__wrap_link_trouble(const struct link *l)
{
	return &l->trouble;
}

void __wrap_link_tell_busy(
    struct link *l, void (*tell)(void *ctx, unsigned ms), void *ctx);
void __wrap_link_tell_busy(
    struct link *l, void (*tell)(void *ctx, unsigned ms), void *ctx)
{
	(void)l;
	(void)tell;
	(void)ctx;
}

static enum hf_err ask(struct link *l, enum hf_op op, struct hf_bytes args,
    struct hf_bytes *map, struct hf_bytes *receipt)
{
	const struct recorded *r;
	enum hf_err err;

	if (mode == REPLAY) {
		r = recall(op, args);
		if (r == NULL)
			return HF_TIMEOUT;
		*map = (struct hf_bytes){r->map, r->map_size};
		*receipt = (struct hf_bytes){r->receipt, r->receipt_size};
		return r->err;
	}
	err = office_ask(&l->officer, op, args, map, receipt);
	if (mode == RECORD)
		keep(op, args, err, *map, *receipt);
	return err;
}

/* What a broker that is not as it should be says. */
static void spoil(struct link *l, struct answer *a)
{
	static const uint8_t empty = 0x80;

	if (fails(CALL_EMPTY)) {
		l->map[0] = empty;
		a->map.size = 1;
	}
	if (fails(CALL_CUT))
		a->map.size -= a->map.size > 0;
	if (fails(CALL_CUT_HALF))
		a->map.size /= 2;
	if (a->receipt.size > 0 && fails(CALL_NO_RECEIPT))
		a->receipt.size = 0;
	for (unsigned i = CALL_FLIP; i <= CALL_FLIP_LAST; i++)
		if (fails((enum call)i) && a->map.size > 0) {
			size_t place = i < CALL_FLIP + 3
					   ? i - CALL_FLIP + 1
					   : (i - CALL_FLIP) * a->map.size / 8;

			l->map[place % a->map.size] ^= (uint8_t)(1u << (i % 7));
		}
}

enum hf_err __wrap_link_call(
    struct link *l, enum hf_op op, struct hf_bytes args, struct answer *answer);
enum hf_err __wrap_link_call(
    struct link *l, enum hf_op op, struct hf_bytes args, struct answer *answer)
{
	struct hf_bytes map = {NULL, 0}, receipt = {NULL, 0};
	enum hf_err err;

	memset(answer, 0, sizeof(*answer));
	if (fails(CALL_SILENCE)) {
		l->trouble.err = HF_TIMEOUT;
		snprintf(l->trouble.where, sizeof(l->trouble.where),
		    "tcp://127.0.0.1:9, nothing heard");
		return HF_TIMEOUT;
	}
	if (fails(CALL_REFUSAL))
		return HF_READ_DENIED;
	if (fails(CALL_UNKNOWN))
		return HF_UNKNOWN_CASE;
	err = ask(l, op, args, &map, &receipt);
	cr_assert(
	    map.size <= sizeof(l->map) && receipt.size <= sizeof(l->receipt));
	if (map.size > 0)
		memcpy(l->map, map.data, map.size);
	if (receipt.size > 0)
		memcpy(l->receipt, receipt.data, receipt.size);
	answer->map = (struct hf_bytes){l->map, map.size};
	answer->receipt = (struct hf_bytes){l->receipt, receipt.size};
	if (err == HF_OK)
		spoil(l, answer);
	return err;
}

enum hf_err __wrap_link_watch(struct link *l, uint64_t after);
enum hf_err __wrap_link_watch(struct link *l, uint64_t after)
{
	uint8_t args[16];
	struct answer a;
	struct pack p;
	size_t size;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, 1);
	pack_uint(&p, 1);
	pack_uint(&p, after);
	if (pack_finish(&p, &size) != HF_OK)
		abort();
	l->watches = true;
	return __wrap_link_call(
	    l, HF_OP_WATCH, (struct hf_bytes){args, size}, &a);
}

enum hf_err __wrap_link_event(
    struct link *l, int timeout_ms, uint64_t *sequence, struct hf_bytes *event);
enum hf_err __wrap_link_event(
    struct link *l, int timeout_ms, uint64_t *sequence, struct hf_bytes *event)
{
	cr_assert(l->watches, "events before a watch");
	if (mode == REPLAY)
		ahead_ms += (uint64_t)timeout_ms;
	if (mode == REPLAY || fails(CALL_SILENCE))
		return HF_TIMEOUT;
	for (int i = 0; i < 2; i++) {
		if (office_event(&l->officer, sequence, event)) {
			memcpy(l->map, event->data, event->size);
			event->data = l->map;
			return HF_OK;
		}
		if (i == 0)
			office_wait((uint64_t)timeout_ms);
	}
	return HF_TIMEOUT;
}

/* ---- time, chance, a terminal ---- */

struct instant __wrap_out_now(void);
struct instant __wrap_out_now(void)
{
	return (struct instant){office_now_ms() + ahead_ms};
}

void __wrap_randombytes_buf(void *out, const size_t size);
void __wrap_randombytes_buf(void *out, const size_t size)
{
	chance_fill(&chance, out, size);
}

int __wrap_isatty(int fd);
int __wrap_isatty(int fd)
{
	(void)fd;
	return terminal;
}

/* ---- the machine ---- */

/* As the C library marks a stream. */
static void mark(FILE *f)
{
	f->_flags |= 0x20;
}

#define WRAP(ret, name, params, bad, call, error, ...) \
	ret __real_##name params; \
	ret __wrap_##name params; \
	ret __wrap_##name params \
	{ \
		if (fails(call)) { \
			errno = (error); \
			return bad; \
		} \
		return __real_##name(__VA_ARGS__); \
	}

WRAP(void *, malloc, (size_t size), NULL, CALL_MALLOC, ENOMEM, size)
WRAP(
    void *, calloc, (size_t n, size_t size), NULL, CALL_CALLOC, ENOMEM, n, size)
WRAP(void *, realloc, (void *old, size_t size), NULL, CALL_REALLOC, ENOMEM, old,
    size)
WRAP(char *, strdup, (const char *s), NULL, CALL_STRDUP, ENOMEM, s)
WRAP(
    char *, strndup, (const char *s, size_t n), NULL, CALL_STRDUP, ENOMEM, s, n)
WRAP(FILE *, fopen, (const char *path, const char *how), NULL, CALL_FOPEN,
    EACCES, path, how)
WRAP(FILE *, fdopen, (int fd, const char *how), NULL, CALL_FDOPEN, ENOMEM, fd,
    how)
WRAP(FILE *, tmpfile, (void), NULL, CALL_TMPFILE, EMFILE, )
WRAP(ssize_t, pread, (int fd, void *out, size_t size, off_t from), -1,
    CALL_PREAD, EIO, fd, out, size, from)
WRAP(int, fseeko, (FILE * f, off_t to, int how), -1, CALL_FSEEKO, EIO, f, to,
    how)
WRAP(int, fsync, (int fd), -1, CALL_FSYNC, EIO, fd)
WRAP(int, rename, (const char *from, const char *to), -1, CALL_RENAME, EIO,
    from, to)
WRAP(int, stat, (const char *path, struct stat *st), -1, CALL_STAT, EACCES,
    path, st)
WRAP(int, lstat, (const char *path, struct stat *st), -1, CALL_LSTAT, EACCES,
    path, st)
WRAP(int, fstat, (int fd, struct stat *st), -1, CALL_FSTAT, EIO, fd, st)
WRAP(int, ftruncate, (int fd, off_t size), -1, CALL_FTRUNCATE, EIO, fd, size)
WRAP(int, flock, (int fd, int how), -1, CALL_FLOCK, EWOULDBLOCK, fd, how)
WRAP(int, mkdir, (const char *path, mode_t how), -1, CALL_MKDIR, EACCES, path,
    how)
WRAP(DIR *, opendir, (const char *path), NULL, CALL_OPENDIR, EACCES, path)

int __real_open(const char *path, int how, mode_t rights);
int __wrap_open(const char *path, int how, mode_t rights);
int __wrap_open(const char *path, int how, mode_t rights)
{
	if (fails(CALL_OPEN)) {
		errno = EACCES;
		return -1;
	}
	return __real_open(path, how, rights);
}

ssize_t __real_read(int fd, void *out, size_t size);
ssize_t __wrap_read(int fd, void *out, size_t size);
ssize_t __wrap_read(int fd, void *out, size_t size)
{
	if (fails(CALL_INTERRUPT)) {
		errno = EINTR;
		return -1;
	}
	if (fails(CALL_READ)) {
		errno = EIO;
		return -1;
	}
	return __real_read(fd, out, size);
}

ssize_t __real_write(int fd, const void *in, size_t size);
ssize_t __wrap_write(int fd, const void *in, size_t size);
ssize_t __wrap_write(int fd, const void *in, size_t size)
{
	if (fails(CALL_INTERRUPT)) {
		errno = EINTR;
		return -1;
	}
	if (fails(CALL_WRITE)) {
		errno = ENOSPC;
		return -1;
	}
	if (size > 1 && fails(CALL_WRITE_SHORT))
		size /= 2;
	return __real_write(fd, in, size);
}

size_t __real_fread(void *out, size_t size, size_t n, FILE *f);
size_t __wrap_fread(void *out, size_t size, size_t n, FILE *f);
size_t __wrap_fread(void *out, size_t size, size_t n, FILE *f)
{
	if (fails(CALL_FREAD)) {
		mark(f);
		errno = EIO;
		return 0;
	}
	return __real_fread(out, size, n, f);
}

size_t __real_fwrite(const void *in, size_t size, size_t n, FILE *f);
size_t __wrap_fwrite(const void *in, size_t size, size_t n, FILE *f);
size_t __wrap_fwrite(const void *in, size_t size, size_t n, FILE *f)
{
	if (f != stdout && f != stderr && fails(CALL_FWRITE)) {
		mark(f);
		errno = ENOSPC;
		return 0;
	}
	return __real_fwrite(in, size, n, f);
}

char *__real_fgets(char *out, int size, FILE *f);
char *__wrap_fgets(char *out, int size, FILE *f);
char *__wrap_fgets(char *out, int size, FILE *f)
{
	if (f != stdin && fails(CALL_FREAD)) {
		mark(f);
		errno = EIO;
		return NULL;
	}
	return __real_fgets(out, size, f);
}

/* They are done, and yet what was written may be lost. */
int __real_fflush(FILE *f);
int __wrap_fflush(FILE *f);
int __wrap_fflush(FILE *f)
{
	int status = __real_fflush(f);

	if (f != NULL && f != stdout && f != stderr && fails(CALL_FFLUSH)) {
		errno = ENOSPC;
		return EOF;
	}
	return status;
}

int __real_fclose(FILE *f);
int __wrap_fclose(FILE *f);
int __wrap_fclose(FILE *f)
{
	int status = __real_fclose(f);

	if (fails(CALL_FCLOSE)) {
		errno = ENOSPC;
		return EOF;
	}
	return status;
}
