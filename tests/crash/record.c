/* Calls that stand before libc's, and what they note. */
#undef _FORTIFY_SOURCE
#include "tests/crash/record.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 1024

bool record_nosync;
struct fault *record_fault;

static struct log logs[LOGS_MAX];
static unsigned log_count;
static char wanted[96];
static struct {
	struct log *log;
	unsigned file;
	bool durable, dir;
} fds[FDS_MAX];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "record: %s\n", what);
	abort();
}

void record_start(const char *prefix)
{
	for (unsigned i = 0; i < log_count; i++) {
		log_clear(&logs[i]);
		free(logs[i].ops);
	}
	memset(logs, 0, sizeof(logs));
	memset(fds, 0, sizeof(fds));
	log_count = 0;
	snprintf(wanted, sizeof(wanted), "%s", prefix);
}

void record_stop(void)
{
	wanted[0] = '\0';
	memset(fds, 0, sizeof(fds));
}

struct log *record_log(const char *dir)
{
	for (unsigned i = 0; i < log_count; i++)
		if (strcmp(logs[i].dir, dir) == 0)
			return &logs[i];
	return NULL;
}

void record_take(const char *dir, struct log *out)
{
	struct log *l = record_log(dir);

	if (l == NULL)
		die("nothing was noted");
	*out = *l;
	l->ops = NULL;
	l->count = l->room = 0;
}

void log_clear(struct log *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->ops[i].data);
		free(l->ops[i].marks);
	}
	l->count = 0;
}

unsigned log_file(struct log *l, const char *name)
{
	for (unsigned i = 0; i < l->file_count; i++)
		if (strcmp(l->names[i], name) == 0)
			return i;
	if (l->file_count == FILES_MAX)
		die("too many files");
	snprintf(l->names[l->file_count], sizeof(l->names[0]), "%s", name);
	return l->file_count++;
}

static void note(struct log *l, struct op op, const void *data)
{
	if (record_fault != NULL) { /* only how many */
		l->count++;
		return;
	}
	if (l->count == l->room) {
		l->room = l->room == 0 ? 1024 : 2 * l->room;
		l->ops = realloc(l->ops, l->room * sizeof(*l->ops));
		if (l->ops == NULL)
			die("no memory");
	}
	if (op.size > 0) {
		op.data = malloc(op.size);
		if (op.data == NULL)
			die("no memory");
		memcpy(op.data, data, op.size);
	}
	l->ops[l->count++] = op;
}

size_t record_mark(const char *dir)
{
	struct log *l = record_log(dir);

	note(l, (struct op){.type = OP_MARK}, NULL);
	return l->count;
}

/* The log of a path and the name in it; "" is the directory itself. */
static struct log *log_of(const char *path, const char **name)
{
	size_t size = strlen(wanted);
	const char *slash;
	char dir[96];
	struct log *l;

	if (size == 0 || strncmp(path, wanted, size) != 0)
		return NULL;
	slash = strchr(path + size, '/');
	*name = slash != NULL ? slash + 1 : "";
	if (strcmp(*name, "lock.mdb") == 0)
		return NULL;
	snprintf(dir, sizeof(dir), "%.*s",
	    (int)(slash != NULL ? (size_t)(slash - path) : strlen(path)), path);
	l = record_log(dir);
	if (l != NULL)
		return l;
	if (log_count == LOGS_MAX)
		die("too many directories");
	l = &logs[log_count++];
	snprintf(l->dir, sizeof(l->dir), "%s", dir);
	return l;
}

static bool noted(int fd)
{
	return fd >= 0 && fd < FDS_MAX && fds[fd].log != NULL;
}

/* ---- faults ---- */

static void fired(const char *file)
{
	struct fault *f = record_fault;

	if (!f->fired) {
		snprintf(f->file, sizeof(f->file), "%s", file);
		f->acks = f->count != NULL ? *f->count : 0;
	}
	f->fired = true;
}

static bool is_due(enum call call)
{
	struct fault *f = record_fault;
	uint64_t n;

	if (f == NULL)
		return false;
	n = ++f->seen[call];
	return f->nth != 0 && call == f->call &&
	       (f->on ? n >= f->nth : n == f->nth);
}

/* True: the call fails, errno is set. */
static bool fails(enum call call, const char *file)
{
	if (!is_due(call))
		return false;
	fired(file);
	errno = record_fault->error;
	return true;
}

static const char *name_of(int fd)
{
	return fds[fd].dir ? "." : fds[fd].log->names[fds[fd].file];
}

/* How much of a write is let through; -1: it fails, errno is set. */
static ssize_t let_through(enum call call, int fd, size_t size, off_t at)
{
	struct fault *f = record_fault;
	struct stat st;

	if (f == NULL || !noted(fd))
		return (ssize_t)size;
	if (is_due(call)) {
		fired(name_of(fd));
		errno = f->error;
		return f->error != 0 ? -1 : (ssize_t)(size + 1) / 2;
	}
	if (fstat(fd, &st) == 0 && at + (off_t)size > st.st_size) {
		uint64_t grows = (uint64_t)(at + (off_t)size - st.st_size);

		if (f->budget != 0 && f->grown + grows > f->budget) {
			fired(name_of(fd));
			errno = ENOSPC;
			return -1;
		}
		f->grown += grows;
	}
	return (ssize_t)size;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	return fails(CALL_ALLOC, "memory") ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails(CALL_ALLOC, "memory") ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails(CALL_ALLOC, "memory") ? NULL : __libc_realloc(old, size);
}

/* ---- the calls ---- */

static int open_noted(const char *path, int flags, unsigned mode)
{
	const char *name = "";
	struct log *l = log_of(path, &name);
	struct stat st;
	bool there = l != NULL && stat(path, &st) == 0;
	int fd;

	if (l != NULL && fails(CALL_OPEN, name))
		return -1;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (fd < 0 || fd >= FDS_MAX)
		return fd;
	memset(&fds[fd], 0, sizeof(fds[fd]));
	if (l == NULL)
		return fd;
	fds[fd].log = l;
	fds[fd].dir = name[0] == '\0';
	if (fds[fd].dir)
		return fd;
	fds[fd].file = log_file(l, name);
	fds[fd].durable = (flags & O_DSYNC) != 0;
	if (!there)
		note(l, (struct op){.type = OP_CREATE, .file = fds[fd].file},
		    NULL);
	else if ((flags & O_TRUNC) != 0)
		note(l, (struct op){.type = OP_SIZE, .file = fds[fd].file},
		    NULL);
	return fd;
}

int open(const char *path, int flags, ...)
{
	unsigned mode = 0;
	va_list more;

	va_start(more, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(more, unsigned);
	va_end(more);
	return open_noted(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	unsigned mode = 0;
	va_list more;

	va_start(more, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(more, unsigned);
	va_end(more);
	return open_noted(path, flags, mode);
}

int close(int fd)
{
	if (noted(fd))
		fds[fd].log = NULL;
	return (int)syscall(SYS_close, fd);
}

static void note_write(int fd, const void *data, ssize_t size, off_t at)
{
	if (noted(fd) && size > 0)
		note(fds[fd].log,
		    (struct op){.type = OP_WRITE,
			.file = fds[fd].file,
			.durable = fds[fd].durable,
			.at = (uint64_t)at,
			.size = (size_t)size},
		    data);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
	ssize_t n = let_through(CALL_WRITE, fd, size, at);

	if (n < 0)
		return -1;
	n = syscall(SYS_pwrite64, fd, data, (size_t)n, at);
	note_write(fd, data, n, at);
	return n;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at)
{
	return pwrite(fd, data, size, at);
}

ssize_t write(int fd, const void *data, size_t size)
{
	off_t at = noted(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t n = let_through(CALL_WRITE, fd, size, at);

	if (n < 0)
		return -1;
	n = syscall(SYS_write, fd, data, (size_t)n);
	note_write(fd, data, n, at);
	return n;
}

ssize_t pread(int fd, void *data, size_t size, off_t at)
{
	if (noted(fd) && fails(CALL_READ, name_of(fd)))
		return -1;
	return syscall(SYS_pread64, fd, data, size, at);
}

ssize_t pread64(int fd, void *data, size_t size, off_t at)
{
	return pread(fd, data, size, at);
}

static void note_vector(int fd, const struct iovec *v, ssize_t left, off_t at)
{
	for (; left > 0; v++) {
		ssize_t n =
		    left < (ssize_t)v->iov_len ? left : (ssize_t)v->iov_len;

		note_write(fd, v->iov_base, n, at);
		at += n;
		left -= n;
	}
}

static size_t sum(const struct iovec *v, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += v[i].iov_len;
	return size;
}

ssize_t pwritev(int fd, const struct iovec *v, int count, off_t at)
{
	size_t size = sum(v, count);
	ssize_t n = let_through(CALL_VECTOR, fd, size, at);

	if (n < 0)
		return -1;
	if ((size_t)n < size) /* short: the first part, or half of it */
		n = syscall(SYS_pwrite64, fd, v[0].iov_base,
		    count > 1 ? v[0].iov_len : (size_t)n, at);
	else
		n = syscall(SYS_pwritev, fd, v, count, at, 0);
	note_vector(fd, v, n, at);
	return n;
}

ssize_t pwritev64(int fd, const struct iovec *v, int count, off_t at)
{
	return pwritev(fd, v, count, at);
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
	off_t at = noted(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
	size_t size = sum(v, count);
	ssize_t n = let_through(CALL_VECTOR, fd, size, at);

	if (n < 0)
		return -1;
	if ((size_t)n < size)
		n = syscall(SYS_write, fd, v[0].iov_base,
		    count > 1 ? v[0].iov_len : (size_t)n);
	else
		n = syscall(SYS_writev, fd, v, count);
	note_vector(fd, v, n, at);
	return n;
}

static int synced(int fd, int rc)
{
	if (noted(fd) && rc == 0)
		note(fds[fd].log,
		    (struct op){.type = fds[fd].dir ? OP_SYNC_DIR : OP_SYNC,
			.file = fds[fd].file},
		    NULL);
	return rc;
}

int fsync(int fd)
{
	if (noted(fd) && fails(CALL_SYNC, name_of(fd)))
		return -1;
	return synced(fd, (int)syscall(SYS_fsync, fd));
}

int fdatasync(int fd)
{
	if (noted(fd) && fails(CALL_SYNC, name_of(fd)))
		return -1;
	return synced(fd, (int)syscall(SYS_fdatasync, fd));
}

int ftruncate(int fd, off_t size)
{
	int rc;

	if (noted(fd) && fails(CALL_SIZE, name_of(fd)))
		return -1;
	rc = (int)syscall(SYS_ftruncate, fd, size);
	if (noted(fd) && rc == 0)
		note(fds[fd].log,
		    (struct op){.type = OP_SIZE,
			.file = fds[fd].file,
			.at = (uint64_t)size},
		    NULL);
	return rc;
}

int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

int rename(const char *from, const char *to)
{
	const char *old = "", *new = "";
	struct log *l = log_of(from, &old);
	int rc;

	if (l != NULL && fails(CALL_RENAME, old))
		return -1;
	rc = (int)syscall(SYS_rename, from, to);
	if (l != NULL && rc == 0 && log_of(to, &new) == l)
		note(l,
		    (struct op){.type = OP_RENAME,
			.file = log_file(l, old),
			.other = log_file(l, new)},
		    NULL);
	return rc;
}

/* ---- maps that are kept ---- */

#define KEPT_MAX 2u

static struct {
	dev_t device;
	ino_t file;
	void *map;
	size_t size;
} kept[KEPT_MAX];

void record_keep_map(int fd, void *map, size_t size)
{
	struct stat st;
	unsigned i = 0;

	while (i < KEPT_MAX && kept[i].map != NULL)
		i++;
	if (i == KEPT_MAX || fstat(fd, &st) != 0)
		die("a map cannot be kept");
	kept[i].device = st.st_dev;
	kept[i].file = st.st_ino;
	kept[i].map = map;
	kept[i].size = size;
}

void record_drop_map(void *map)
{
	for (unsigned i = 0; i < KEPT_MAX; i++)
		if (kept[i].map == map)
			kept[i].map = NULL;
}

void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t from)
{
	struct stat st;

	if (fd >= 0 && at == NULL && from == 0 && prot == PROT_READ &&
	    flags == MAP_SHARED && kept[0].map != NULL && fstat(fd, &st) == 0)
		for (unsigned i = 0; i < KEPT_MAX; i++)
			if (kept[i].map != NULL && kept[i].size == size &&
			    kept[i].device == st.st_dev &&
			    kept[i].file == st.st_ino)
				return kept[i].map;
	return (void *)syscall(SYS_mmap, at, size, prot, flags, fd, from);
}

int munmap(void *at, size_t size)
{
	for (unsigned i = 0; i < KEPT_MAX; i++)
		if (at != NULL && kept[i].map == at)
			return 0;
	return (int)syscall(SYS_munmap, at, size);
}

/* The map is only read (no MDB_WRITEMAP): a dirty map would be missed. */
int msync(void *at, size_t size, int flags)
{
	(void)at, (void)size, (void)flags;
	die("msync: not recorded");
}

int __real_mdb_env_open(
    MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
int __wrap_mdb_env_open(
    MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);

int __wrap_mdb_env_open(
    MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
	if (record_nosync)
		flags |= MDB_NOSYNC;
	return __real_mdb_env_open(env, path, flags, mode);
}
