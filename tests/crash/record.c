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
	for (size_t i = 0; i < l->count; i++)
		free(l->ops[i].data);
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

/* ---- the calls ---- */

static int open_noted(const char *path, int flags, unsigned mode)
{
	const char *name = "";
	struct log *l = log_of(path, &name);
	struct stat st;
	bool there = l != NULL && stat(path, &st) == 0;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);

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
	ssize_t n = syscall(SYS_pwrite64, fd, data, size, at);

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
	ssize_t n = syscall(SYS_write, fd, data, size);

	note_write(fd, data, n, at);
	return n;
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

ssize_t pwritev(int fd, const struct iovec *v, int count, off_t at)
{
	ssize_t n = syscall(SYS_pwritev, fd, v, count, at, 0);

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
	ssize_t n = syscall(SYS_writev, fd, v, count);

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
	return synced(fd, (int)syscall(SYS_fsync, fd));
}

int fdatasync(int fd)
{
	return synced(fd, (int)syscall(SYS_fdatasync, fd));
}

int ftruncate(int fd, off_t size)
{
	int rc = (int)syscall(SYS_ftruncate, fd, size);

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
	int rc = (int)syscall(SYS_rename, from, to);

	if (l != NULL && rc == 0 && log_of(to, &new) == l)
		note(l,
		    (struct op){.type = OP_RENAME,
			.file = log_file(l, old),
			.other = log_file(l, new)},
		    NULL);
	return rc;
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
