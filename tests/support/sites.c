#include "tests/support/sites.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SITES 65536u

static struct known {
	atomic_uint_least32_t site[SITES];
} * known;
extern const char __executable_start[];

static void shared_name(char out[64], pid_t runner)
{
	snprintf(out, 64, "/hf-sites-%d", (int)runner);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
	char name[64];

	(void)stats;
	shared_name(name, getpid());
	shm_unlink(name);
}

static void *map(int fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

void *sites_memory(size_t size)
{
	return map(-1, size);
}

void sites_open(void)
{
	char name[64];
	void *way[2];
	int fd;

	if (known != NULL)
		return;
	(void)backtrace(way, 2); /* loads what it needs */
	/* the runner is the parent of the processes that run tests */
	shared_name(name, getppid());
	fd = shm_open(name, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*known)) != 0)
		abort();
	known = map(fd, sizeof(*known));
	close(fd);
}

uint32_t site_of(unsigned call, unsigned ways, uintptr_t offset[SITE_WAY])
{
	void *way[SITE_WAY + 3];
	int count = backtrace(way, SITE_WAY + 3);
	uint64_t h = (uint64_t)call + 1;

	/* without this function, the one that asks, and the wrapper */
	for (int i = 3; i < count; i++) {
		offset[i - 3] =
		    (uintptr_t)way[i] - (uintptr_t)__executable_start;
		if (i < 3 + (int)ways)
			h = (h ^ offset[i - 3]) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return (uint32_t)(h >> 32) | 1u;
}

bool site_is_new(uint32_t site)
{
	for (unsigned i = 0; i < SITES; i++) {
		atomic_uint_least32_t *row = &known->site[(site + i) % SITES];
		uint_least32_t was = 0;

		if (atomic_compare_exchange_strong(row, &was, site))
			return true;
		if (was == site)
			return false;
	}
	return false;
}

const char *site_text(const uintptr_t offset[SITE_WAY])
{
	static char text[SITE_WAY * 20];

	text[0] = '\0';
	for (unsigned k = 0; k < SITE_WAY; k++)
		snprintf(text + strlen(text), 20, " 0x%lx",
		    (unsigned long)offset[k]);
	return text;
}
