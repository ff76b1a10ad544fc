/*
 * crash [control | faults]: STATES, SEED, CASES from the environment.
 *
 * A child a node opens state after state; one that dies (a failed look, a
 * signal) failed at the state whose number it left, and another child goes on
 * behind it.  A failing state is named by seed, node, operation and number.
 */
#include "tests/crash/crash.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEEP_EACH 16u /* states of which one serves again and is cut then */
#define DEEP_CUTS 4u  /* states of a recovery, for each operation */

static struct shared {
	uint64_t opened, recovered, failed;
	uint64_t refused;    /* at the first start of all */
	uint64_t at, number; /* of the running state */
	bool in_recovery, done;
} * shared;
static bool control;
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

struct run {
	const struct work *work;
	struct node *node;
	const struct log *log;
	uint64_t seed, rounds;
	char dir[72];
	struct image now, want;
};

/* What the recovery wrote is on disk too. */
static void learn(struct image *now, struct log *l)
{
	for (size_t i = 0; i < l->count; i++)
		image_apply(now, &l->ops[i]);
}

static void open_one(struct run *r, size_t at, bool deep, struct log *names)
{
	image_write(&r->now, &r->want, names, r->dir);
	record_start(r->dir);
	alarm(20);
	if (!check_state(r->work, r->node, at, r->dir, deep))
		shared->refused++;
	alarm(0);
}

/* Log of what was just done, with the files numbered as in `names`. */
static struct log *renumbered(const struct log *names, const char *dir)
{
	struct log *l = record_log(dir);
	unsigned to[FILES_MAX] = {0};

	if (l == NULL)
		return NULL;
	for (unsigned i = 0; i < l->file_count; i++) {
		to[i] = FILES_MAX;
		for (unsigned j = 0; j < names->file_count; j++)
			if (strcmp(l->names[i], names->names[j]) == 0)
				to[i] = j;
		cr_assert_lt(to[i], FILES_MAX, "a new file");
	}
	for (size_t i = 0; i < l->count; i++) {
		l->ops[i].file = to[l->ops[i].file];
		l->ops[i].other = to[l->ops[i].other];
	}
	return l;
}

/* Cut the recovery of r->want, which has just run. */
static void cut_recovery(struct run *r, struct log *names, size_t at)
{
	struct log *l = record_log(r->dir), mine = *l;
	struct cut c = {.log = &mine};
	uint64_t seed = r->seed ^ (at << 20) ^ shared->number;

	mine.ops = malloc(mine.count * sizeof(*mine.ops) + 1);
	cr_assert_not_null(mine.ops);
	memcpy(mine.ops, l->ops, mine.count * sizeof(*mine.ops));
	l->count = 0; /* its data are ours now */
	image_copy(&c.sure, &r->want);
	shared->in_recovery = true;
	while (c.at < mine.count) {
		cut_next(&c);
		for (unsigned i = 0; i < DEEP_CUTS; i++) {
			cut_state(&c, &r->want, chance(&seed));
			open_one(r, at, false, names);
			l = renumbered(names, r->dir);
			if (l != NULL)
				learn(&r->now, l);
			shared->recovered++;
		}
	}
	shared->in_recovery = false;
	log_clear(&mine);
	free(mine.ops);
	cut_free(&c);
}

static void states(struct run *r, uint64_t skip_to)
{
	struct log *names = malloc(sizeof(*names));
	struct cut c = {0};
	uint64_t n = 0;

	cr_assert_not_null(names);
	*names = *r->log;
	c.log = names;
	for (size_t at = 0; at <= names->count; at++) {
		if (at > 0)
			cut_next(&c);
		for (uint64_t i = 0; i < r->rounds; i++, n++) {
			uint64_t seed =
			    r->seed ^ (n * UINT64_C(0x2545f4914f6c));
			bool deep = n % DEEP_EACH == 0 && !control;
			struct log *l;

			if (n < skip_to)
				continue;
			shared->at = at;
			shared->number = n;
			cut_state(&c, &r->want, seed);
			open_one(r, at, deep, names);
			l = renumbered(names, r->dir);
			if (l != NULL)
				learn(&r->now, l);
			shared->opened++;
			if (!control && shared->opened % 5000 == 0)
				fprintf(stderr, "crash: %llu states\n",
				    (unsigned long long)shared->opened);
			if (deep && l != NULL)
				cut_recovery(r, names, at);
		}
	}
	cut_free(&c);
	shared->done = true;
}

static void child(struct run *r, uint64_t from)
{
	char command[200];
	int status;
	pid_t pid;

	snprintf(r->dir, sizeof(r->dir), "%s.state", r->node->dir);
	snprintf(command, sizeof(command), "rm -rf %s; mkdir -m 700 %s", r->dir,
	    r->dir);
	if (system(command) != 0)
		abort();
	pid = fork();
	if (pid == 0) {
		states(r, from);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	if (!shared->done) {
		shared->opened++;
		shared->failed++;
		if (!control)
			printf("FAIL crash: SEED=%llu node %s operation %llu "
			       "state %llu%s, status %d\n",
			    (unsigned long long)r->seed, r->node->country.s,
			    (unsigned long long)shared->at,
			    (unsigned long long)shared->number,
			    shared->in_recovery ? " (its recovery cut)" : "",
			    status);
	}
	snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	if (system(command) != 0)
		abort();
}

static uint64_t node_states(struct run *r)
{
	uint64_t from = 0;

	shared->done = false;
	while (!shared->done && (control || shared->failed < 20)) {
		child(r, from);
		from = shared->number + 1;
		shared->in_recovery = false;
	}
	return shared->opened;
}

int main(int argc, char **argv)
{
	static struct work work;
	uint64_t wanted = crash_number("STATES", 20000),
		 seed = crash_number("SEED", 1);
	uint64_t cases = crash_number("CASES", 6), operations = 0;
	const char *tmp = getenv("TMPDIR");
	struct log logs[FED_COUNTRIES];
	char prefix[64];
	time_t began;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "faults") == 0)
		return faults_main();
	control = argc > 1 && strcmp(argv[1], "control") == 0;
	record_nosync = control;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	snprintf(
	    prefix, sizeof(prefix), "%s/hf-fed-", tmp != NULL ? tmp : "/tmp");
	record_start(prefix);
	work_run(&work, (unsigned)cases);
	for (unsigned i = 0; i < work.fed->count; i++) {
		record_take(work.fed->nodes[i].dir, &logs[i]);
		operations += logs[i].count + 1;
	}
	record_stop();
	began = time(NULL);
	for (unsigned i = 0; i < work.fed->count; i++) {
		struct run r = {.work = &work,
		    .node = &work.fed->nodes[i],
		    .log = &logs[i],
		    .seed = seed,
		    .rounds = (wanted + operations - 1) / operations};

		node_states(&r);
		image_free(&r.now);
		image_free(&r.want);
	}
	printf("%s: %llu operations, %u acknowledged; %llu states and %llu of "
	       "recoveries cut again, %llu refused before the first service, "
	       "%llu failed, %lld s (SEED=%llu)\n",
	    control ? "control, MDB_NOSYNC" : "crash",
	    (unsigned long long)operations, work.count,
	    (unsigned long long)shared->opened,
	    (unsigned long long)shared->recovered,
	    (unsigned long long)shared->refused,
	    (unsigned long long)shared->failed, (long long)(time(NULL) - began),
	    (unsigned long long)seed);
	fed_free(work.fed);
	if (control)
		return 2 * shared->failed >= shared->opened ? 0 : 1;
	return shared->failed == 0 && shared->opened > 0 ? 0 : 1;
}
