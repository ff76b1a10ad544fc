/*
 * replay: every harness over files, without libFuzzer.
 *
 *   replay [-m N] [-s SEED] CORPUS [NAME...]
 *       Each file of CORPUS/NAME and every file of all other folders once,
 *       and of its own N mutated copies each.
 *   replay -x BYTES CORPUS
 *       All inputs of up to BYTES bytes through the cheap harnesses.
 *   replay -1 NAME FILE
 *       One input, as the line of a failure says.
 *
 * A harness runs in a process of its own.  Before each input the input is
 * noted in shared memory, so that whatever ends the process (an assertion,
 * a sanitizer, a signal) leaves the input behind.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX (1u << 21)
#ifdef __SANITIZE_ADDRESS__ /* it keeps what was freed for a while */
#define RSS_MAX_KIB (2048u << 10)
#else
#define RSS_MAX_KIB (512u << 10)
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SLOW_US 200000u
#else
#define SLOW_US 10000u
#endif

#define F(name) int harness_##name(const uint8_t *data, size_t size);
FUZZ_EACH(F)
#undef F

static const struct harness {
	const char *name;
	int (*run)(const uint8_t *data, size_t size);
} harnesses[] = {
#define F(name) {#name, harness_##name},
    FUZZ_EACH(F)
#undef F
};
#define HARNESSES (sizeof(harnesses) / sizeof(*harnesses))

/* cheap enough for millions of inputs a second */
static const char *const cheap[] = {"wire", "core", "envelope", "sigs",
    "statement", "ledger_leaf", "receipt", "body", "leaves", "cite", "act",
    "profile", "field", "entry"};

static struct noted {
	uint64_t runs, slowest_us;
	size_t size, slowest_size;
	uint8_t input[INPUT_MAX], slowest[INPUT_MAX];
} * noted;

static uint64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A copy of exactly its size, so that reading past the end is seen. */
static void run_one(const struct harness *h, const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	uint64_t before, took;

	MUST(copy != NULL && size <= INPUT_MAX, "input");
	if (size > 0)
		memcpy(copy, data, size);
	noted->size = size;
	memcpy(noted->input, copy, size);
	before = cpu_us();
	h->run(copy, size);
	took = cpu_us() - before;
	if (took > SLOW_US) { /* another look: machines are noisy */
		before = cpu_us();
		h->run(copy, size);
		took = cpu_us() - before;
	}
	free(copy);
	noted->runs++;
	if (took > noted->slowest_us) {
		noted->slowest_us = took;
		noted->slowest_size = size;
		memcpy(noted->slowest, noted->input, size);
	}
}

/* ---- inputs ---- */

struct corpus {
	unsigned count;
	struct file {
		char path[1024];
		unsigned of; /* harness */
		uint8_t *bytes;
		size_t size;
	} * files;
};

static int by_path(const void *a, const void *b)
{
	return strcmp(
	    ((const struct file *)a)->path, ((const struct file *)b)->path);
}

static void add_folder(struct corpus *c, const char *path, unsigned of)
{
	DIR *d = opendir(path);

	if (d == NULL)
		return;
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		if (e->d_name[0] == '.')
			continue;
		c->files =
		    realloc(c->files, (c->count + 1) * sizeof(*c->files));
		MUST(c->files != NULL, "no memory");
		snprintf(c->files[c->count].path,
		    sizeof(c->files[c->count].path), "%s/%s", path, e->d_name);
		c->files[c->count++].of = of;
	}
	closedir(d);
}

static size_t read_file(const char *path, uint8_t out[INPUT_MAX])
{
	FILE *f = fopen(path, "rb");
	size_t size;

	MUST(f != NULL, path);
	size = fread(out, 1, INPUT_MAX, f);
	fclose(f);
	return size;
}

/* All inputs, read once, before the harnesses' processes begin. */
static struct corpus corpus_read(const char *top)
{
	static uint8_t data[INPUT_MAX];
	struct corpus c = {0};
	char path[512];

	for (unsigned i = 0; i < HARNESSES; i++) {
		snprintf(path, sizeof(path), "%s/%s", top, harnesses[i].name);
		add_folder(&c, path, i);
	}
	if (c.count > 0)
		qsort(c.files, c.count, sizeof(*c.files), by_path);
	for (unsigned i = 0; i < c.count; i++) {
		struct file *f = &c.files[i];

		f->size = read_file(f->path, data);
		f->bytes = malloc(f->size + 1);
		MUST(f->bytes != NULL, "no memory");
		memcpy(f->bytes, data, f->size);
	}
	return c;
}

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* One to four changes: a bit, a byte, a length, a piece cut or doubled. */
static size_t mutate(uint8_t *data, size_t size, uint64_t *state)
{
	static const uint8_t heads[] = {0x00, 0x7f, 0x80, 0x90, 0xa0, 0xc0,
	    0xc1, 0xc2, 0xc4, 0xc5, 0xc6, 0xca, 0xcc, 0xcd, 0xce, 0xcf, 0xd0,
	    0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xff};

	for (uint64_t n = 1 + next(state) % 4; n > 0 && size > 0; n--) {
		size_t at = next(state) % size;
		uint64_t r = next(state);
		size_t piece = r % 32 < size - at ? r % 32 : size - at;

		switch (r >> 32 & 7) {
		case 0:
			data[at] ^= (uint8_t)(1u << (r & 7));
			break;
		case 1:
			data[at] = (uint8_t)r;
			break;
		case 2:
			data[at] = heads[r % sizeof(heads)];
			break;
		case 3:
			data[at] = (uint8_t)(data[at] + (r & 1 ? 1 : 255));
			break;
		case 4:
			memmove(
			    data + at, data + at + piece, size - at - piece);
			size -= piece;
			break;
		case 5:
			if (size + piece > INPUT_MAX)
				break;
			memmove(data + at + piece, data + at, size - at);
			size += piece;
			break;
		case 6:
			size = at;
			break;
		default:
			memmove(data + next(state) % (size - piece + 1),
			    data + at, piece);
			break;
		}
	}
	return size;
}

/* ---- one harness ---- */

struct job {
	struct corpus corpus;
	unsigned mutants, bytes;
	uint64_t seed;
};

static void all_files(const struct harness *h, const struct job *job)
{
	static uint8_t changed[INPUT_MAX];
	const struct corpus *c = &job->corpus;
	unsigned own = 0;

	for (unsigned i = 0; i < c->count; i++) {
		const struct file *f = &c->files[i];
		bool mine = &harnesses[f->of] == h;
		uint64_t state = job->seed + i;

		run_one(h, f->bytes, f->size);
		own += mine ? 1 : 0;
		for (unsigned k = 0; mine && k < job->mutants; k++) {
			memcpy(changed, f->bytes, f->size);
			run_one(h, changed, mutate(changed, f->size, &state));
		}
	}
	MUST(own > 0, "no input of its own");
}

static void all_inputs(const struct harness *h, unsigned bytes)
{
	uint8_t *data = malloc(8);

	MUST(data != NULL, "no memory");
	for (unsigned size = 0; size <= bytes; size++)
		for (uint64_t v = 0; v < UINT64_C(1) << (8 * size); v++) {
			for (unsigned i = 0; i < size; i++)
				data[8 - size + i] = (uint8_t)(v >> (8 * i));
			noted->size = size;
			memcpy(noted->input, data + 8 - size, size);
			h->run(data + 8 - size, size);
			noted->runs++;
		}
	free(data);
}

static void keep(
    const struct harness *h, const char *why, const uint8_t *data, size_t size)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/holdfast-%s-%s", h->name, why);
	f = fopen(path, "wb");
	if (f != NULL) {
		fwrite(data, 1, size, f);
		fclose(f);
	}
	printf("repeat: replay -1 %s %s\n", h->name, path);
}

/* Ten seconds of CPU within one input: it does not end. */
static void on_tick(int number)
{
	static uint64_t seen = UINT64_MAX;

	(void)number;
	if (seen == noted->runs)
		abort();
	seen = noted->runs;
}

static void watch_progress(void)
{
	struct itimerval ten = {{10, 0}, {10, 0}};

	signal(SIGVTALRM, on_tick);
	setitimer(ITIMER_VIRTUAL, &ten, NULL);
}

static bool run_harness(const struct harness *h, const struct job *job)
{
	struct rusage used;
	int status;
	pid_t child;

	memset(noted, 0, offsetof(struct noted, input));
	fflush(stdout);
	child = fork();
	MUST(child >= 0, "fork");
	if (child == 0) {
		watch_progress();
		noted->size = 0;
		h->run(noted->input, 0); /* sets itself up */
		if (job->bytes > 0)
			all_inputs(h, job->bytes);
		else
			all_files(h, job);
		exit(0);
	}
	MUST(wait4(child, &status, 0, &used) == child, "wait4");
	if (status != 0) {
		printf("FAIL %s: input %llu of this run ends it, status %d\n",
		    h->name, (unsigned long long)noted->runs + 1, status);
		keep(h, "crash", noted->input, noted->size);
		return false;
	}
	if (noted->slowest_us > SLOW_US) {
		printf("FAIL %s: %llu us for one input\n", h->name,
		    (unsigned long long)noted->slowest_us);
		keep(h, "slow", noted->slowest, noted->slowest_size);
		return false;
	}
	if ((unsigned long)used.ru_maxrss > RSS_MAX_KIB) {
		printf("FAIL %s: %ld KiB\n", h->name, used.ru_maxrss);
		return false;
	}
	printf("ok %s %llu inputs, %ld.%02ld s\n", h->name,
	    (unsigned long long)noted->runs, (long)used.ru_utime.tv_sec,
	    (long)used.ru_utime.tv_usec / 10000);
	return true;
}

static const struct harness *find(const char *name)
{
	for (size_t i = 0; i < HARNESSES; i++)
		if (strcmp(harnesses[i].name, name) == 0)
			return &harnesses[i];
	fprintf(stderr, "replay: no harness %s\n", name);
	exit(2);
}

static int usage(void)
{
	fputs("usage: replay [-m N] [-s SEED] [-x BYTES] CORPUS [NAME...]\n"
	      "       replay -1 NAME FILE\n",
	    stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static struct job job = {.mutants = 0, .seed = 1};
	unsigned bad = 0;
	int option;

	noted = mmap(NULL, sizeof(*noted), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(noted != MAP_FAILED, "mmap");
	while ((option = getopt(argc, argv, "m:s:x:1:")) != -1) {
		static uint8_t data[INPUT_MAX];

		switch (option) {
		case 'm':
			job.mutants = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			job.seed = strtoull(optarg, NULL, 10);
			break;
		case 'x':
			job.bytes = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case '1':
			if (optind != argc - 1)
				return usage();
			run_one(
			    find(optarg), data, read_file(argv[optind], data));
			printf("%s: %llu us\n", optarg,
			    (unsigned long long)noted->slowest_us);
			return 0;
		default:
			return usage();
		}
	}
	if (optind >= argc)
		return usage();
	job.corpus = corpus_read(argv[optind++]);
	if (optind < argc)
		for (; optind < argc; optind++)
			bad += !run_harness(find(argv[optind]), &job);
	else if (job.bytes > 0)
		for (size_t i = 0; i < sizeof(cheap) / sizeof(*cheap); i++)
			bad += !run_harness(find(cheap[i]), &job);
	else
		for (size_t i = 0; i < HARNESSES; i++)
			bad += !run_harness(&harnesses[i], &job);
	return bad == 0 ? 0 : 1;
}
