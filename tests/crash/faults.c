/*
 * faults: a call that fails, memory that there is not, a disk that is full.
 *
 * A child does the work of work.c, and one of its calls fails; like the
 * broker's core it ends at an error that it does not expect.  What it had
 * acknowledged by then is in memory that it shares.  Another child opens what
 * is left, without faults, finds all of that, and serves.  After a hard error
 * of the disk nothing may be acknowledged any more: what such a disk has kept
 * is not known.
 *
 * From the environment: RUNS (0: every call), SEED, CASES; KIND, ERROR and N
 * for one run.
 */
#include "tests/crash/crash.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096u
#define RUN_SECONDS 60u

static const struct kind {
	const char *name;
	enum call call;
	int error;
	bool on, disk;
	bool hard; /* nothing may be acknowledged behind it */
} kinds[] = {
    {"open-EMFILE", CALL_OPEN, EMFILE, false, false, true},
    {"open-EACCES", CALL_OPEN, EACCES, false, false, true},
    {"write-EIO", CALL_WRITE, EIO, false, false, true},
    {"write-ENOSPC", CALL_WRITE, ENOSPC, false, false, true},
    {"write-EINTR", CALL_WRITE, EINTR, false, false, false},
    {"write-short", CALL_WRITE, 0, false, false, false},
    {"writev-EIO", CALL_VECTOR, EIO, false, false, true},
    {"writev-ENOSPC", CALL_VECTOR, ENOSPC, false, false, true},
    {"writev-short", CALL_VECTOR, 0, false, false, false},
    {"sync-EIO", CALL_SYNC, EIO, false, false, true},
    {"sync-ENOSPC", CALL_SYNC, ENOSPC, false, false, true},
    {"size-EIO", CALL_SIZE, EIO, false, false, true},
    {"rename-EIO", CALL_RENAME, EIO, false, false, true},
    {"read-EIO", CALL_READ, EIO, false, false, false},
    {"memory", CALL_ALLOC, ENOMEM, false, false, false},
    {"memory-on", CALL_ALLOC, ENOMEM, true, false, false},
    {"disk-full", CALL_COUNT, ENOSPC, true, true, true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct shared {
	struct work work;
	struct fault fault;
	bool ended; /* before its work was done */
} * shared;
static uint64_t cases;
static char place[64];

static void command(const char *what)
{
	char line[200];

	snprintf(line, sizeof(line), "%s %s", what, place);
	if (system(line) != 0)
		abort();
}

/* Its exit status; 1000 and the signal that ended it. */
static int status_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : 1000 + WTERMSIG(status);
}

static int do_work(void)
{
	char prefix[sizeof(place) + 16];
	pid_t pid = fork();

	if (pid != 0)
		return status_of(pid);
	alarm(RUN_SECONDS);
	crash_quiet = shared->fault.nth != 0 || shared->fault.budget != 0;
	snprintf(prefix, sizeof(prefix), "%s/hf-fed-", place);
	record_start(prefix);
	record_fault = &shared->fault;
	work_run(&shared->work, &(struct work_plan){.cases = (unsigned)cases});
	_exit(0);
}

static int judge(void)
{
	struct work *w = &shared->work;
	pid_t pid = fork();

	if (pid != 0)
		return status_of(pid);
	alarm(RUN_SECONDS);
	w->fed->now = w->now.ms != 0 ? w->now : w->fed->now;
	for (unsigned i = 0; i < w->count; i++)
		w->acks[i].own = NULL; /* the other child's memory */
	for (unsigned i = 0; i < w->fed->count; i++)
		if (w->serving[i] != 0)
			(void)check_state(
			    w, &w->fed->nodes[i], SIZE_MAX, w->dir[i], true);
	_exit(0);
}

static bool went_on(const struct kind *k)
{
	return k->hard && shared->fault.fired &&
	       shared->work.count > shared->fault.acks;
}

static bool one(const struct kind *k, uint64_t n)
{
	struct federation *fed = shared->work.fed;
	const char *wrong = NULL;
	int worked, judged;

	memset(&shared->work, 0, sizeof(shared->work));
	memset(&shared->fault, 0, sizeof(shared->fault));
	shared->work.fed = fed;
	shared->fault.call = k->call;
	shared->fault.error = k->error;
	shared->fault.on = k->on;
	shared->fault.count = &shared->work.count;
	if (k->disk)
		shared->fault.budget = n * BLOCK;
	else
		shared->fault.nth = n;
	command("mkdir -m 700");
	worked = do_work();
	shared->ended = worked != 0;
	judged = judge();
	command("rm -rf");
	if (worked >= 1000)
		wrong = "a signal ended it";
	else if (n != 0 && shared->fault.fired && k->hard && worked == 0)
		wrong = "it went on to its end";
	else if (went_on(k))
		wrong = "it acknowledged more";
	else if (judged != 0)
		wrong = "what is left is not what was acknowledged";
	if (wrong != NULL)
		printf("FAIL faults: %s at %llu (%s): %s (%d, %d); repeat: "
		       "make faults KIND=%s N=%llu CASES=%llu\n",
		    k->name, (unsigned long long)n, shared->fault.file, wrong,
		    worked, judged, k->name, (unsigned long long)n,
		    (unsigned long long)cases);
	return wrong == NULL;
}

struct faults_tally {
	uint64_t runs, fired, ended, failed;
};

static void all_of(
    const struct kind *k, uint64_t calls, uint64_t runs, struct faults_tally *t)
{
	uint64_t seed = crash_number("SEED", 1);
	uint64_t step = runs == 0 || calls <= runs ? 1 : calls / runs;
	struct faults_tally before = *t;

	for (uint64_t n = 1 + (step > 1 ? chance(&seed) % step : 0);
	     n <= calls && t->failed < 20; n += step) {
		t->failed += !one(k, n);
		t->runs++;
		t->fired += shared->fault.fired;
		t->ended += shared->ended;
	}
	printf("  %-13s %5llu calls, %5llu faults: %5llu ended it, %5llu it "
	       "went on after\n",
	    k->name, (unsigned long long)calls,
	    (unsigned long long)(t->fired - before.fired),
	    (unsigned long long)(t->ended - before.ended),
	    (unsigned long long)(t->runs - before.runs -
				 (t->ended - before.ended)));
}

int faults_main(void)
{
	const char *only = getenv("KIND"), *tmp = getenv("TMPDIR");
	uint64_t runs = crash_number("RUNS", 2000), n = crash_number("N", 0);
	uint64_t calls[KINDS];
	struct faults_tally t = {0};
	time_t began = time(NULL);

	cases = crash_number("CASES", 2);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	snprintf(place, sizeof(place), "%s/hf-faults-%ld",
	    tmp != NULL && strlen(tmp) < 30 ? tmp : "/tmp", (long)getpid());
	setenv("TMPDIR", place, 1);
	shared->work.fed = fed_new("JP", "US", NULL);
	for (unsigned i = 0; i < shared->work.fed->count; i++)
		shared->work.fed->nodes[i].remembers = true;
	if (!one(&kinds[0], 0))
		return 1;
	for (unsigned i = 0; i < KINDS; i++)
		calls[i] = kinds[i].disk ? shared->fault.grown / BLOCK
					 : shared->fault.seen[kinds[i].call];
	for (unsigned i = 0; i < KINDS; i++) {
		if (only != NULL && only[0] != '\0' &&
		    strcmp(only, kinds[i].name) != 0)
			continue;
		if (n != 0)
			t.failed += !one(&kinds[i], n);
		else
			all_of(&kinds[i], calls[i],
			    runs == 0 ? 0 : (runs + KINDS - 1) / KINDS, &t);
	}
	printf("faults: %llu runs, %llu faults, %llu failed, %lld s "
	       "(SEED=%llu)\n",
	    (unsigned long long)t.runs, (unsigned long long)t.fired,
	    (unsigned long long)t.failed, (long long)(time(NULL) - began),
	    (unsigned long long)crash_number("SEED", 1));
	if (t.failed == 0)
		printf("ok faults\n");
	return t.failed == 0 ? 0 : 1;
}
