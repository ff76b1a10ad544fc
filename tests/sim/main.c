/*
 * sim: many seeds, each in a process of its own; of one that fails, one line
 * that repeats it and a trace that was made as short as it would get.
 *
 *   sim             one (SEED) or many (FROM, SEEDS, SECONDS of processor time,
 *                   until there are AT_LEAST hours)
 *   sim explore     DEPTH, SECONDS, SEED
 *   sim times       JUMPS, SEED
 *
 * HOURS or MS are simulated for each seed (of many: in a storm a fortieth of
 * it, in a day an eighth); MOOD=storm|day|night instead of the seed's, then
 * whole; STEPS, OFF (bits of enum fault), SKIP (steps) and BROKERS repeat a
 * shrunken run; LOG=1 shows the brokers' logs, SHRINK=0 leaves a failure as it
 * is.
 */
#include "tests/sim/sim.h"

#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEPS_MAX 200000u
#define SHRINK_RUNS 150u

static struct sim_result total, of_mood[MOOD_COUNT];
static uint64_t seeds, violations;
static char top[64]; /* temporary directory of all runs */

void sim_remove(const char *path)
{
	char name[600];
	DIR *dir = opendir(path);

	if (dir == NULL) {
		unlink(path);
		return;
	}
	for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		sim_remove(name);
	}
	closedir(dir);
	rmdir(path);
}

static void make_top(void)
{
	const char *tmp = getenv("TMPDIR");

	if (access("/dev/shm", W_OK) == 0)
		tmp = "/dev/shm";
	snprintf(top, sizeof(top), "%.40s/hf-sim-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(top) == NULL) {
		perror(top);
		exit(2);
	}
	setenv("TMPDIR", top, 1);
}

/* In a child, so that a seed depends on nothing but itself. */
static void run(const struct sim_options *o, struct sim_result *r)
{
	static const struct rlimit cpu_most = {900, 900};
	struct sim_result *shared = mmap(NULL, sizeof(*shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CPU, &cpu_most);
		sim_run(o, shared);
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (!shared->failed && !shared->done) {
		shared->failed = true;
		snprintf(shared->what, sizeof(shared->what),
		    "the process ended with status 0x%x", (unsigned)status);
	}
	*r = *shared;
	munmap(shared, sizeof(*shared));
	sim_remove(top);
	mkdir(top, 0700);
}

static uint64_t number(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text != NULL && *text != '\0' ? strtoull(text, NULL, 10)
					     : fallback;
}

/* The real store for each 16th seed, unless STORE=rows or STORE=lmdb. */
static bool real_store(uint64_t seed)
{
	const char *text = getenv("STORE");

	if (text == NULL || *text == '\0')
		return seed % 16 == 0;
	return strcmp(text, "lmdb") == 0;
}

/* ---- shrinking ---- */

struct shrink {
	struct sim_options o;
	struct sim_result r; /* of the newest that failed */
	uint8_t *skip;
	unsigned runs;
};

/* The same finding, apart from its figures. */
static bool alike(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0') {
		while (*a >= '0' && *a <= '9')
			a++;
		while (*b >= '0' && *b <= '9')
			b++;
		if (*a != *b)
			return false;
		if (*a == ' ' && a[1] == ' ')
			break;
		if (*a != '\0')
			a++, b++;
	}
	return *a == *b;
}

static bool still(struct shrink *h)
{
	struct sim_result r;

	if (h->runs++ >= SHRINK_RUNS)
		return false;
	run(&h->o, &r);
	if (!r.failed || !alike(r.what, h->r.what))
		return false;
	h->r = r;
	return true;
}

static void drop_faults(struct shrink *h)
{
	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		uint32_t before = h->o.off;

		h->o.off |= 1u << i;
		if (h->o.off != before && !still(h))
			h->o.off = before;
	}
}

static void drop_steps(struct shrink *h)
{
	uint64_t count = h->r.step < STEPS_MAX ? h->r.step + 1 : STEPS_MAX;

	for (uint64_t size = count / 2; size > 0; size /= 2)
		for (uint64_t at = 0; at < count; at += size) {
			uint8_t saved[STEPS_MAX / 64];
			uint64_t n = count - at < size ? count - at : size;

			if (n > sizeof(saved))
				continue;
			memcpy(saved, h->skip + at, n);
			memset(h->skip + at, 1, n);
			if (memcmp(saved, h->skip + at, n) != 0 && !still(h))
				memcpy(h->skip + at, saved, n);
		}
}

static void print_skip(const struct shrink *h)
{
	bool any = false;

	for (uint64_t i = 0; i < h->o.skip_count; i++) {
		uint64_t from = i;

		if (h->skip[i] == 0)
			continue;
		while (i + 1 < h->o.skip_count && h->skip[i + 1] != 0)
			i++;
		printf("%s%" PRIu64 "-%" PRIu64, any ? "," : "", from, i);
		any = true;
	}
}

static void print_faults(uint32_t off)
{
	printf("faults that it needs:");
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		if ((off & 1u << i) == 0)
			printf(" %s", fault_names[i]);
	printf("\n");
}

static void print_repeat(const struct shrink *h, bool short_one)
{
	printf("repeat: make sim SEED=%" PRIu64 " MS=%" PRIu64, h->o.seed,
	    h->o.ms);
	if (h->o.brokers != 0)
		printf(" BROKERS=%u", h->o.brokers);
	if (h->o.mood >= 0)
		printf(" MOOD=%s", mood_names[h->o.mood]);
	if (short_one) {
		printf(" STEPS=%" PRIu64 " OFF=%" PRIu32 " SKIP=", h->o.steps,
		    h->o.off);
		print_skip(h);
	}
	printf("\n");
}

static void report(const struct sim_options *o, const struct sim_result *r)
{
	struct shrink h = {.o = *o, .r = *r};
	uint64_t first;

	printf("FAIL sim: seed %" PRIu64 ", step %" PRIu64 ": %s\n", o->seed,
	    r->step, r->what);
	print_repeat(&h, o->skip != NULL || o->off != 0);
	if (o->skip == NULL && !o->verbose && number("SHRINK", 1) != 0) {
		h.o.skip = h.skip = calloc(1, STEPS_MAX);
		h.o.skip_count = r->step + 1;
		if (r->step + 1 < STEPS_MAX && still(&h)) {
			h.o.steps = h.r.step + 1;
			if (!still(&h))
				h.o.steps = 0;
			drop_faults(&h);
			drop_steps(&h);
			print_faults(h.o.off);
			print_repeat(&h, true);
		} else {
			printf("(not the same when run again)\n");
		}
		free(h.skip);
	}
	first = h.r.trace_at > SIM_TRACE ? h.r.trace_at - SIM_TRACE : 0;
	for (uint64_t i = first; i < h.r.trace_at; i++)
		printf("  %s\n", h.r.trace[i % SIM_TRACE]);
}

/* ---- many ---- */

static uint64_t seeds_of[MOOD_COUNT], heads;

static void add_to(struct sim_result *t, const struct sim_result *r)
{
	t->ms += r->ms;
	t->step += r->step;
	t->turns += r->turns;
	t->frames += r->frames;
	t->replays += r->replays;
	t->replayed_acts += r->replayed_acts;
	t->resent += r->resent;
	t->submitted += r->submitted;
	t->acknowledged += r->acknowledged;
	t->refused += r->refused;
	t->entries += r->entries;
	t->checks += r->checks;
	t->verified += r->verified;
	t->remembered += r->remembered;
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		t->faults[i] += r->faults[i];
	for (unsigned i = 0; i < SIM_BEHAVIOURS; i++)
		t->behaviours[i] += r->behaviours[i];
}

static void add(const struct sim_result *r)
{
	add_to(&total, r);
	add_to(&of_mood[r->mood], r);
	seeds_of[r->mood]++;
	heads += r->heads;
}

static uint64_t all_faults(const struct sim_result *t)
{
	uint64_t faults = 0;

	for (unsigned i = 0; i < FAULT_COUNT; i++)
		faults += t->faults[i];
	return faults;
}

static uint64_t crashes(const struct sim_result *t)
{
	return t->faults[FAULT_CRASH] + t->faults[FAULT_CRASH_TURN] +
	       t->faults[FAULT_READ] + t->faults[FAULT_COMMIT];
}

/* What an hour of each mood holds. */
static void moods(void)
{
	printf("  %-6s %8s %9s %7s %7s %8s %8s %7s %7s %7s %7s\n", "of an",
	    "seeds", "hours", "steps", "acts", "entries", "frames", "turns",
	    "again", "faults", "crashes");
	for (unsigned m = 0; m < MOOD_COUNT; m++) {
		const struct sim_result *t = &of_mood[m];
		double h = (double)t->ms / 3600000.0;

		if (seeds_of[m] == 0)
			continue;
		printf("  %-6s %8" PRIu64 " %9.1f %7.1f %7.1f %8.1f %8.1f "
		       "%7.0f %7.1f %7.1f %7.2f\n",
		    mood_names[m], seeds_of[m], h, (double)t->step / h,
		    (double)t->acknowledged / h, (double)t->entries / h,
		    (double)t->frames / h, (double)t->turns / h,
		    (double)(t->replayed_acts + t->resent) / h,
		    (double)all_faults(t) / h, (double)crashes(t) / h);
	}
}

static void table(bool all)
{
	printf("%s %" PRIu64 " seeds, %.1f federation-hours, %" PRIu64
	       " steps, %" PRIu64 " turns, %" PRIu64 " acts acknowledged, "
	       "%" PRIu64 " entries, %" PRIu64 " crashes, %" PRIu64
	       " faults, %" PRIu64 " acts came again, %" PRIu64
	       " violations, heads %016" PRIx64 "\n",
	    all ? "sim:" : "so far:", seeds, (double)total.ms / 3600000.0,
	    total.step, total.turns, total.acknowledged, total.entries,
	    crashes(&total), all_faults(&total),
	    total.replayed_acts + total.resent, violations, heads);
	if (!all)
		return;
	moods();
	printf("  frames %" PRIu64 ", doubled ones %" PRIu64
	       ", acts from a peer again %" PRIu64
	       ", from a desk again %" PRIu64 "\n  signatures verified %" PRIu64
	       ", remembered %" PRIu64 "\n",
	    total.frames, total.replays, total.replayed_acts, total.resent,
	    total.verified, total.remembered);
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		printf(
		    "  %-24s %10" PRIu64 "\n", fault_names[i], total.faults[i]);
	printf("  behaviours of a byzantine broker:\n");
	for (unsigned i = 1; i < sim_behaviour_count(); i++)
		printf("    %-28s %10" PRIu64 "\n", sim_behaviour_name(i),
		    total.behaviours[i]);
}

static double cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void one(const struct sim_options *o)
{
	struct sim_result r;

	run(o, &r);
	seeds++;
	add(&r);
	if (!r.failed)
		return;
	violations++;
	report(o, &r);
}

static struct sim_options options_of(uint64_t seed, uint64_t ms)
{
	struct sim_options o = {.seed = seed,
	    .ms = ms,
	    .mood = -1,
	    .steps = number("STEPS", 0),
	    .off = (uint32_t)number("OFF", 0),
	    .brokers = (unsigned)number("BROKERS", 0),
	    .verbose = number("LOG", 0) != 0,
	    .real_store = real_store(seed)};
	const char *mood = getenv("MOOD");

	for (int m = 0; m < MOOD_COUNT && mood != NULL; m++)
		if (strcmp(mood, mood_names[m]) == 0)
			o.mood = m;
	return o;
}

static int many(double seconds, uint64_t from, uint64_t count, uint64_t ms)
{
	static const unsigned divided[MOOD_COUNT] = {40, 8, 1};
	double least_ms = (double)number("AT_LEAST", 1u << 30) * 3600000.0;
	bool tty = isatty(1);

	for (uint64_t i = 0; i < count && cpu() < seconds &&
			     violations < number("VIOLATIONS", 5) &&
			     (double)total.ms < least_ms;
	     i++) {
		struct sim_options o = options_of(from + i, ms);

		if (o.mood < 0) /* storms cost most */
			o.ms /= divided[sim_mood(&o)];
		one(&o);
		if (tty || i % 50 == 49)
			table(false);
	}
	table(true);
	if (violations == 0)
		printf("ok sim\n");
	return violations != 0;
}

static void read_skip(uint8_t *skip, const char *text)
{
	unsigned long from, to;
	int n;

	while (sscanf(text, "%lu-%lu%n", &from, &to, &n) == 2) {
		for (; from <= to && from < STEPS_MAX; from++)
			skip[from] = 1;
		text += n;
		if (*text == ',')
			text++;
	}
}

static double hours(void)
{
	const char *text = getenv("HOURS");

	return text != NULL && *text != '\0' ? strtod(text, NULL) : 1.0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "sim", *seed = getenv("SEED");
	uint64_t ms = number("MS", (uint64_t)(hours() * 3600000.0));
	const char *skip = getenv("SKIP");
	int status = 0;

	/* an engine's large tables come from the kernel as they are touched;
	 * else each restart would clear megabytes */
	mallopt(M_MMAP_THRESHOLD, 1 << 16);
	make_top();
	if (strcmp(what, "explore") == 0) {
		status = sim_explore((unsigned)number("DEPTH", 3),
		    number("SECONDS", 0), number("SEED", 0),
		    (unsigned)number("WORKERS", 2));
	} else if (strcmp(what, "times") == 0) {
		status = sim_times(number("JUMPS", 10000), number("SEED", 1));
	} else if (seed != NULL && *seed != '\0') {
		struct sim_options o = options_of(number("SEED", 1), ms);
		uint8_t *skipped = calloc(1, STEPS_MAX);

		if (skip != NULL && *skip != '\0') {
			read_skip(skipped, skip);
			o.skip = skipped;
			o.skip_count = STEPS_MAX;
		}
		one(&o);
		table(true);
		status = violations != 0;
		free(skipped);
	} else {
		status = many((double)number("SECONDS", 1u << 30),
		    number("FROM", 1), number("SEEDS", 1u << 30), ms);
	}
	sim_remove(top);
	return status;
}
