/*
 * crash [control | faults]; from the environment:
 *
 *   STATES  how many to open, at least (whole workloads); in the control,
 *           about how many
 *   SEED    of the first workload; the others follow
 *   JOBS    processes at work
 *   CASES   of each workload; 0: the seed says how many
 *   ROUNDS  states drawn at random at each operation
 *   DEEP    one content in so many serves again, and its recovery is cut
 *   FAILURES  so many, and it ends
 *   SAMPLE  one state in so many is judged in full though its content has been
 *
 * A child a node opens state after state; one that dies (a failed look, a
 * signal, also within LMDB) failed at the state whose number it left, and
 * another child goes on behind it.
 */
#include "tests/crash/crash.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 8u
#define CASES_DRAWN 8u

typedef unsigned long long number;

static struct shared {
	uint64_t next; /* workload */
	struct running running[JOBS_MAX];
} * shared;
static struct seen *seen;
static bool control;
static uint64_t cases, rounds, deep_each, sample_each, failures;
bool crash_quiet;

_Noreturn void plain_fail(const char *file, int line, const char *format, ...)
{
	va_list more;

	if (!crash_quiet && (!control || shared == NULL)) {
		va_start(more, format);
		fprintf(stderr, "%s:%d:", file, line);
		vfprintf(stderr, format, more);
		fputc('\n', stderr);
		va_end(more);
	}
	_exit(1);
}

uint64_t crash_number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s != NULL && s[0] != '\0' ? strtoull(s, NULL, 10) : otherwise;
}

static int remove_one(
    const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static void remove_tree(const char *dir)
{
	(void)nftw(dir, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}

static struct tally total(void)
{
	struct tally t = {0};

	for (unsigned i = 0; i < JOBS_MAX; i++) {
		const uint64_t *from =
		    (const uint64_t *)&shared->running[i].tally;

		for (size_t k = 0; k < sizeof(t) / sizeof(*from); k++)
			((uint64_t *)&t)[k] += from[k];
	}
	return t;
}

/* A child that does not outlive who waits for it. */
static pid_t fork_child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		abort();
	if (pid == 0 &&
	    (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
		_exit(1);
	return pid;
}

/* ---- a workload ---- */

static void tell(const struct explorer *e, int status)
{
	const struct running *r = e->running;
	char recovery[64] = "";

	if (control)
		return;
	if (r->inner > 0)
		snprintf(recovery, sizeof(recovery),
		    " (its recovery cut at %llu)", (number)r->inner);
	printf("FAIL crash: workload %llu node %s operation %llu state "
	       "%llu%s%s, status %d; repeat: make crash SEED=%llu STATES=1 "
	       "JOBS=1 CASES=%llu ROUNDS=%llu DEEP=%llu SAMPLE=%llu\n",
	    (number)e->seed, e->node->country.s, (number)r->at,
	    (number)r->number, recovery,
	    r->sampled ? ", whose content was known" : "", status,
	    (number)e->seed, (number)cases, (number)e->rounds,
	    (number)deep_each, (number)sample_each);
}

static void failed(struct explorer *e, int status)
{
	struct running *r = e->running;
	struct verdict *v = r->judging;

	r->tally.failed++;
	if (v != NULL && (v->failed == 0 || r->level + 1 < v->failed))
		v->failed = r->level + 1;
	r->judging = NULL;
	tell(e, status);
}

static void child(struct explorer *e, uint64_t from)
{
	int status;
	pid_t pid;

	remove_tree(e->dir);
	if (mkdir(e->dir, 0700) != 0)
		abort();
	e->running->inner = 0;
	e->running->sampled = false;
	pid = fork_child();
	if (pid == 0) {
		explore(e, from);
		e->running->done = true;
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		abort();
	if (!e->running->done)
		failed(e, status);
	remove_tree(e->dir);
}

static void explore_node(struct explorer *e)
{
	struct running *r = e->running;
	uint64_t from = 0;

	r->done = false;
	e->memo = memo_new();
	while (!r->done && (control || total().failed < failures)) {
		child(e, from);
		from = r->number + 1;
	}
	memo_free(e->memo);
}

static int one_workload(uint64_t seed, struct running *r, uint64_t wanted)
{
	static struct work work;
	static struct log logs[FED_COUNTRIES];
	const char *tmp = getenv("TMPDIR");
	uint64_t drawn = seed;
	char prefix[64], dir[NODE_DIR_MAX + 8];

	work_seed(seed);
	snprintf(
	    prefix, sizeof(prefix), "%s/hf-fed-", tmp != NULL ? tmp : "/tmp");
	record_start(prefix);
	work_run(&work,
	    &(struct work_plan){
		.cases =
		    (unsigned)(cases != 0 ? cases
					  : 1 + chance(&drawn) % CASES_DRAWN),
		.seed = seed + 1,
		.links = true});
	for (unsigned i = 0; i < work.fed->count; i++) {
		record_take(work.fed->nodes[i].dir, &logs[i]);
		log_mark(&logs[i]);
		r->tally.operations += logs[i].count;
	}
	record_stop();
	r->tally.works++;
	r->tally.acks += work.count;
	for (unsigned i = 0; i < work.fed->count; i++) {
		struct explorer e = {.work = &work,
		    .node = &work.fed->nodes[i],
		    .log = &logs[i],
		    .seed = seed,
		    .rounds = rounds,
		    .stride = control ? 1 + r->tally.operations / wanted : 1,
		    .deep_each = (unsigned)deep_each,
		    .sample_each = (unsigned)sample_each,
		    .control = control,
		    .seen = seen,
		    .running = r,
		    .dir = dir};

		snprintf(dir, sizeof(dir), "%s.state", work.fed->nodes[i].dir);
		explore_node(&e);
	}
	fed_free(work.fed);
	return 0;
}

/* ---- all of them ---- */

/* A workload in a process of its own; what it leaves behind ends with it. */
static void job(unsigned i, uint64_t wanted)
{
	struct running *r = &shared->running[i];
	int status;

	while (total().states < wanted && total().failed < failures) {
		uint64_t seed =
		    __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
		pid_t pid = fork_child();

		if (pid == 0)
			_exit(one_workload(seed, r, wanted));
		if (waitpid(pid, &status, 0) != pid)
			abort();
		if (status != 0) {
			r->tally.failed++;
			printf("FAIL crash: workload %llu itself, status %d\n",
			    (number)seed, status);
		}
	}
}

static void report(uint64_t seed, time_t began)
{
	struct tally t = total();

	printf("%s: %llu workloads, %llu operations, %llu acknowledged; "
	       "%llu states, %llu of them in %llu recoveries cut again; "
	       "all subsets at %llu operations; "
	       "%llu contents, %llu judged in full (%llu samples), "
	       "%llu drawn twice, %llu again for more acknowledged, "
	       "%llu refused before the first service, "
	       "%llu failed, %lld s (SEED=%llu)\n",
	    control ? "control, MDB_NOSYNC" : "crash", (number)t.works,
	    (number)t.operations, (number)t.acks, (number)t.states,
	    (number)t.of_recoveries, (number)t.recoveries, (number)t.whole_cuts,
	    (number)t.contents, (number)t.judged, (number)t.samples,
	    (number)t.again, (number)t.later, (number)t.refused,
	    (number)t.failed, (long long)(time(NULL) - began), (number)seed);
}

static void run_jobs(unsigned jobs, uint64_t wanted)
{
	pid_t pids[JOBS_MAX];
	int status;

	for (unsigned i = 0; i < jobs; i++) {
		pids[i] = fork_child();
		if (pids[i] == 0) {
			job(i, wanted);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < jobs; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status != 0)
			shared->running[i].tally.failed++;
}

int main(int argc, char **argv)
{
	uint64_t wanted = crash_number("STATES", 1000000),
		 seed = crash_number("SEED", 1), jobs = crash_number("JOBS", 1);
	time_t began = time(NULL);
	struct tally t;

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* LMDB's lists are large and hardly touched: fresh pages, not zeroed */
	mallopt(M_MMAP_THRESHOLD, 1 << 17);
	if (argc > 1 && strcmp(argv[1], "faults") == 0)
		return faults_main();
	control = argc > 1 && strcmp(argv[1], "control") == 0;
	record_nosync = control;
	cases = crash_number("CASES", control ? 1 : 0);
	rounds = crash_number("ROUNDS", control ? 1 : 64);
	deep_each = crash_number("DEEP", 1);
	sample_each = crash_number("SAMPLE", 1000);
	failures = crash_number("FAILURES", 20);
	if (wanted < 1 || jobs < 1 || jobs > JOBS_MAX || deep_each < 1)
		return 2;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	shared->next = seed;
	seen = seen_new(wanted);
	if (control)
		(void)one_workload(seed, &shared->running[0], wanted);
	else
		run_jobs((unsigned)jobs, wanted);
	report(seed, began);
	t = total();
	if (control)
		return 2 * t.failed >= t.states ? 0 : 1;
	return t.failed == 0 && t.states > 0 ? 0 : 1;
}
