/*
 * syncs: loaded before the C library of a broker (LD_PRELOAD), counts the
 * synced writes of its core in the file $BENCH_SYNCS/PID.  Other processes
 * are left alone.  The file is mapped before main, so before confinement.
 */
#include "tests/bench/syncs.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct sync_counter *counter;
static int (*next_fdatasync)(int), (*next_fsync)(int);
static int (*next_msync)(void *, size_t, int);

static int is_core(void)
{
	static const char wanted[] = "holdfastd\0--role\0core";
	char line[sizeof(wanted)] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, line, sizeof(line));

	if (fd >= 0)
		close(fd);
	return size == sizeof(line) && memcmp(line, wanted, sizeof(line)) == 0;
}

__attribute__((constructor)) static void start(void)
{
	const char *dir = getenv("BENCH_SYNCS");
	char path[512];
	void *at;
	int fd;

	*(void **)&next_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	*(void **)&next_fsync = dlsym(RTLD_NEXT, "fsync");
	*(void **)&next_msync = dlsym(RTLD_NEXT, "msync");
	if (dir == NULL || !is_core())
		return;
	snprintf(path, sizeof(path), "%s/%d", dir, (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*counter)) != 0)
		abort();
	at = mmap(
	    NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		abort();
	counter = at;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int counted(int result, uint64_t begin)
{
	if (counter != NULL && result == 0) {
		__atomic_fetch_add(
		    &counter->ns, now() - begin, __ATOMIC_RELAXED);
		__atomic_fetch_add(&counter->calls, 1, __ATOMIC_RELAXED);
	}
	return result;
}

int fdatasync(int fd)
{
	uint64_t begin = now();

	return counted(next_fdatasync(fd), begin);
}

int fsync(int fd)
{
	uint64_t begin = now();

	return counted(next_fsync(fd), begin);
}

int msync(void *at, size_t size, int flags)
{
	uint64_t begin = now();

	return counted(next_msync(at, size, flags), begin);
}
