/*
 * inject: stands between the processes of a real broker and the C library;
 * one call of one kind in one role fails, once, whenever a test says so.
 *
 *   HF_INJECT=FILE   the shared page (inject.h); whoever maps it arms it
 *   HF_STORM_ONLY=1  no call fails here, whatever the page says
 *   HF_STORM=HERTZ   a timer's signal so many times a second to each
 *                    process; its handler restarts no call
 *
 * What the C library calls inside itself (fopen's reads, getaddrinfo's
 * sockets) is not seen; fopen and getaddrinfo themselves are.
 */
#include "tests/faults/inject.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct inject_page *page;
static enum inject_role role;
static bool storm_only;

static void on_storm(int number)
{
	(void)number;
	if (page != NULL)
		__atomic_add_fetch(&page->storms, 1, __ATOMIC_RELAXED);
}

static void storm(unsigned hertz)
{
	struct sigaction action = {.sa_handler = on_storm};
	struct sigevent event = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec every = {
	    {0, 1000000000L / (long)hertz}, {0, 1000000000L / (long)hertz}};
	timer_t timer;

	if (sigaction(SIGUSR1, &action, NULL) != 0 ||
	    timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
	    timer_settime(timer, 0, &every, NULL) != 0)
		_exit(125);
}

static enum inject_role read_role(void)
{
	static const char *const names[IN_ROLES] = {[IN_DESKS] = "gate-desks",
	    [IN_PEERS] = "gate-peers",
	    [IN_SIGNER] = "signer",
	    [IN_CORE] = "core",
	    [IN_RESOLVER] = "resolver"};
	char line[512] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	const char *word = line;

	if (fd >= 0)
		close(fd);
	for (; n > 0 && word < line + n; word += strlen(word) + 1)
		if (strcmp(word, "--role") == 0)
			for (unsigned i = 0; i < IN_ROLES; i++)
				if (names[i] != NULL &&
				    strcmp(word + 7, names[i]) == 0)
					return (enum inject_role)i;
	return IN_SUPERVISOR;
}

/* Before main: afterwards a gate may open no file and set no timer. */
__attribute__((constructor)) static void begin(void)
{
	const char *file = getenv("HF_INJECT"), *hertz = getenv("HF_STORM");
	int fd = file == NULL ? -1 : open(file, O_RDWR | O_CLOEXEC);
	void *at = fd < 0 ? MAP_FAILED
			  : mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	role = read_role();
	if (fd >= 0)
		close(fd);
	if (at != MAP_FAILED)
		page = at;
	storm_only = getenv("HF_STORM_ONLY") != NULL;
	if (hertz != NULL)
		storm((unsigned)strtoul(hertz, NULL, 10));
}

/* 0, or the error that this call is to end with. */
static int fault(enum inject_call call)
{
	struct inject_page *p = page;
	uint32_t left;

	if (p == NULL || storm_only)
		return 0;
	__atomic_add_fetch(&p->seen[role][call], 1, __ATOMIC_RELAXED);
	if (call == CALL_SEND && p->pid == (uint32_t)getpid())
		__atomic_add_fetch(&p->sent_after, 1, __ATOMIC_RELAXED);
	left = __atomic_load_n(&p->when, __ATOMIC_ACQUIRE);
	while (
	    left > 0 && p->role == (uint32_t)role && p->call == (uint32_t)call)
		if (__atomic_compare_exchange_n(&p->when, &left, left - 1,
			false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			if (left > 1)
				return 0;
			p->pid = (uint32_t)getpid();
			__atomic_add_fetch(&p->hits, 1, __ATOMIC_RELEASE);
			errno = (int)p->error;
			return errno;
		}
	return 0;
}

/* How much of `size` the call may do; SIZE_MAX: it fails, errno is set. */
static size_t share(enum inject_call call, size_t size)
{
	int error = fault(call);

	if (error == 0)
		return size;
	return error == (int)INJECT_SHORT && size > 1 ? size / 2 : SIZE_MAX;
}

#define REAL(name) \
	__typeof__(name) *real; \
	*(void **)&real = dlsym(RTLD_NEXT, #name)

#define FAILS(call, failed) \
	do { \
		if (fault(call) != 0) \
			return failed; \
	} while (0)

ssize_t read(int fd, void *data, size_t size)
{
	REAL(read);
	size = share(CALL_READ, size);
	return size == SIZE_MAX ? -1 : real(fd, data, size);
}

ssize_t write(int fd, const void *data, size_t size)
{
	REAL(write);
	size = share(fd == STDERR_FILENO ? CALL_LOG : CALL_WRITE, size);
	return size == SIZE_MAX ? -1 : real(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
	REAL(writev);
	struct iovec half = count > 0 ? v[0] : (struct iovec){NULL, 0};

	switch (fault(CALL_PWRITE)) {
	case 0:
		return real(fd, v, count);
	case INJECT_SHORT:
		half.iov_len /= 2;
		return real(fd, &half, 1);
	default:
		return -1;
	}
}

ssize_t pread(int fd, void *data, size_t size, off_t at)
{
	REAL(pread);
	size = share(CALL_PREAD, size);
	return size == SIZE_MAX ? -1 : real(fd, data, size, at);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t at)
{
	return pread(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
	REAL(pwrite);
	size = share(CALL_PWRITE, size);
	return size == SIZE_MAX ? -1 : real(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
	return pwrite(fd, data, size, at);
}

int fsync(int fd)
{
	REAL(fsync);
	FAILS(CALL_SYNC, -1);
	return real(fd);
}

int fdatasync(int fd)
{
	REAL(fdatasync);
	FAILS(CALL_SYNC, -1);
	return real(fd);
}

int msync(void *at, size_t size, int flags)
{
	REAL(msync);
	FAILS(CALL_SYNC, -1);
	return real(at, size, flags);
}

static mode_t mode_of(int flags, va_list more)
{
	return (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	REAL(open);
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	FAILS(CALL_OPEN, -1);
	return real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	return open(path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	REAL(fopen);
	FAILS(CALL_OPEN, NULL);
	return real(path, mode);
}

int scandir(const char *path, struct dirent ***list,
    int (*take)(const struct dirent *),
    int (*compare)(const struct dirent **, const struct dirent **))
{
	REAL(scandir);
	FAILS(CALL_OPEN, -1);
	return real(path, list, take, compare);
}

int rename(const char *from, const char *to)
{
	REAL(rename);
	FAILS(CALL_RENAME, -1);
	return real(from, to);
}

int fstat(int fd, struct stat *out)
{
	REAL(fstat);
	FAILS(CALL_STAT, -1);
	return real(fd, out);
}

int ftruncate(int fd, off_t size)
{
	REAL(ftruncate);
	FAILS(CALL_TRUNCATE, -1);
	return real(fd, size);
}

void *mmap(void *at, size_t size, int access, int flags, int fd, off_t from)
{
	/* before the constructor too, where dlsym does not work yet */
	FAILS(CALL_MMAP, MAP_FAILED);
	return (void *)syscall(SYS_mmap, at, size, access, flags, fd, from);
}

/* A record goes whole or not at all: none is short. */
ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	REAL(sendmsg);
	int error = fault(CALL_SEND);

	return error != 0 && error != (int)INJECT_SHORT ? -1
							: real(fd, m, flags);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	REAL(send);
	size = share(CALL_SEND, size);
	return size == SIZE_MAX ? -1 : real(fd, data, size, flags);
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	REAL(recvmsg);
	FAILS(CALL_RECEIVE, -1);
	return real(fd, m, flags);
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
	REAL(recv);
	size = share(CALL_RECEIVE, size);
	return size == SIZE_MAX ? -1 : real(fd, data, size, flags);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	REAL(poll);
	FAILS(CALL_POLL, -1);
	return real(fds, count, timeout);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout)
{
	REAL(epoll_wait);
	FAILS(CALL_POLL, -1);
	return real(fd, events, count, timeout);
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	REAL(accept4);
	FAILS(CALL_ACCEPT, -1);
	return real(fd, address, size, flags);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	REAL(connect);
	FAILS(CALL_CONNECT, -1);
	return real(fd, address, size);
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	REAL(bind);
	FAILS(CALL_CONNECT, -1);
	return real(fd, address, size);
}

int socket(int domain, int type, int protocol)
{
	REAL(socket);
	FAILS(CALL_SOCKET, -1);
	return real(domain, type, protocol);
}

int socketpair(int domain, int type, int protocol, int pair[2])
{
	REAL(socketpair);
	FAILS(CALL_SOCKET, -1);
	return real(domain, type, protocol, pair);
}

int eventfd(unsigned value, int flags)
{
	REAL(eventfd);
	FAILS(CALL_SOCKET, -1);
	return real(value, flags);
}

int signalfd(int fd, const sigset_t *set, int flags)
{
	REAL(signalfd);
	FAILS(CALL_SOCKET, -1);
	return real(fd, set, flags);
}

int epoll_create1(int flags)
{
	REAL(epoll_create1);
	FAILS(CALL_SOCKET, -1);
	return real(flags);
}

int epoll_ctl(int fd, int what, int of, struct epoll_event *event)
{
	REAL(epoll_ctl);
	FAILS(CALL_EPOLL, -1);
	return real(fd, what, of, event);
}

int getaddrinfo(const char *host, const char *service,
    const struct addrinfo *hints, struct addrinfo **list)
{
	REAL(getaddrinfo);
	FAILS(CALL_CONNECT, EAI_SYSTEM);
	return real(host, service, hints, list);
}

pid_t fork(void)
{
	REAL(fork);
	FAILS(CALL_FORK, -1);
	return real();
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	REAL(waitpid);
	FAILS(CALL_WAIT, -1);
	return real(pid, status, options);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*run)(void *), void *with)
{
	REAL(pthread_create);
	int error = fault(CALL_THREAD);

	return error != 0 ? error : real(thread, attributes, run, with);
}

/* dlsym allocates: glibc's own names for these. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	FAILS(CALL_MEMORY, NULL);
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	FAILS(CALL_MEMORY, NULL);
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	FAILS(CALL_MEMORY, NULL);
	return __libc_realloc(old, size);
}
