#include "tests/bench/procs.h"

#include "tests/bench/meter.h"
#include "tests/bench/syncs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PROCS_MAX 32u

struct proc {
	char name[32];
	clockid_t clock;
	double began, spent;
};

static struct proc proc[PROCS_MAX];
static unsigned count;
static const struct sync_counter *counter;
static struct sync_counter counted_first, counted;
static const char *store;
static uint64_t commit_first, commits;

static double clock_seconds(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) != 0)
		meter_fail("a process that is measured has ended");
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct proc *add(const char *name, size_t size, clockid_t id)
{
	struct proc *p = &proc[count];

	if (count == PROCS_MAX || size >= sizeof(p->name))
		meter_fail("too many processes, or a name too long");
	memcpy(p->name, name, size);
	p->name[size] = '\0';
	p->clock = id;
	count++;
	return p;
}

void procs_add(const char *name_and_pid)
{
	const char *is = strchr(name_and_pid, '=');
	clockid_t id;
	long pid = is == NULL ? 0 : strtol(is + 1, NULL, 10);

	if (pid <= 0 || clock_getcpuclockid((pid_t)pid, &id) != 0)
		meter_fail("NAME=PID of a process is wanted");
	add(name_and_pid, (size_t)(is - name_and_pid), id);
}

void procs_syncs(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	void *at =
	    fd < 0 ? MAP_FAILED
		   : mmap(NULL, sizeof(*counter), PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		meter_fail("no counter of syncs");
	close(fd);
	counter = at;
}

void procs_store(const char *file)
{
	store = file;
}

/* LMDB's two meta pages (its own layout, format 1): a header of 16 bytes,
 * then magic, version, address, map size, two trees of 48 bytes, last page,
 * number of the last transaction. */
static uint64_t last_commit(void)
{
	uint8_t page[2][4096];
	uint64_t newest = 0;
	int fd = open(store, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, page, sizeof(page), 0) != sizeof(page))
		meter_fail("no store");
	close(fd);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t magic;
		uint64_t number;

		memcpy(&magic, page[i] + 16, sizeof(magic));
		memcpy(&number, page[i] + 144, sizeof(number));
		if (magic != 0xbeefc0de)
			meter_fail("not a store");
		newest = number > newest ? number : newest;
	}
	return newest;
}

void procs_begin(void)
{
	if (count == 0 || strcmp(proc[0].name, "generator") != 0) {
		if (count == PROCS_MAX)
			meter_fail("too many processes");
		memmove(proc + 1, proc, count * sizeof(*proc));
		proc[0] = (struct proc){
		    .name = "generator", .clock = CLOCK_PROCESS_CPUTIME_ID};
		count++;
	}
	for (unsigned i = 0; i < count; i++)
		proc[i].began = clock_seconds(proc[i].clock);
	if (counter != NULL)
		counted_first = *counter;
	if (store != NULL)
		commit_first = last_commit();
}

void procs_end(void)
{
	for (unsigned i = 0; i < count; i++)
		proc[i].spent = clock_seconds(proc[i].clock) - proc[i].began;
	if (counter != NULL) {
		counted.calls = counter->calls - counted_first.calls;
		counted.ns = counter->ns - counted_first.ns;
	}
	if (store != NULL)
		commits = last_commit() - commit_first;
}

void procs_print(unsigned acts)
{
	double all = 0;

	printf(",\"cpu_us_per_act\":{");
	for (unsigned i = 0; i < count; i++) {
		printf(
		    "\"%s\":%.1f,", proc[i].name, 1e6 * proc[i].spent / acts);
		all += proc[i].spent;
	}
	printf("\"all\":%.1f}", 1e6 * all / acts);
	if (counter != NULL)
		printf(",\"syncs\":%llu,\"sync_us_per_act\":%.1f",
		    (unsigned long long)counted.calls,
		    (double)counted.ns / 1e3 / acts);
	if (store != NULL)
		printf(",\"commits\":%llu,\"acts_per_commit\":%.1f",
		    (unsigned long long)commits,
		    commits == 0 ? 0 : (double)acts / (double)commits);
	if (counter != NULL && store != NULL)
		printf(",\"syncs_per_commit\":%.2f",
		    commits == 0 ? 0 : (double)counted.calls / (double)commits);
}
