/*
 * timed: what libFuzzer calls.  The harness is run and the time that it took
 * is watched, so that the bound of 10 ms is asked of every execution and not
 * only of the inputs that were kept.
 *
 * The clock on the wall is cheap, and wrong on a machine that others use: an
 * input that seems to be the slowest so far, and to need more than QUICK_NS,
 * is run again by the clock of the processor, and the smaller of the two
 * counts.  An input that does not end is seen by the clock of the processor
 * too.
 *
 * Without its own bookkeeping of what is rare, which costs more than most
 * executions, libFuzzer takes an input the more often the later it came, and
 * the short ones come first: of a thousand, the tenth is one mutation in
 * 50,000.  So every second mutation is of one of those that it began with,
 * each as often as any other.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/sim/sim.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int fuzz_harness(const uint8_t *data, size_t size);

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if __has_feature(address_sanitizer) /* tests/fuzz/run lets it keep rarity */
#define RARITY_IS_KEPT
#define SLOW_NS UINT64_C(200000000)
#else
#define SLOW_NS UINT64_C(10000000)
#endif
#define QUICK_NS UINT64_C(500000)
#define LOOKS 5

static uint64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t run(clockid_t clock, const uint8_t *data, size_t size)
{
	uint64_t before = now(clock);

	fuzz_harness(data, size);
	return now(clock) - before;
}

/* Twice ten seconds of CPU within one input. */
static volatile uint64_t runs;

static void on_tick(int number)
{
	static const char said[] = "timed: an input that does not end\n";
	static uint64_t seen = UINT64_MAX;

	(void)number;
	if (seen == runs) {
		/* fuzz_fail is no call for a signal handler */
		(void)!write(STDERR_FILENO, said, sizeof(said) - 1);
		abort();
	}
	seen = runs;
}

static void watch_progress(void)
{
	struct itimerval ten = {{10, 0}, {10, 0}};

	signal(SIGVTALRM, on_tick);
	setitimer(ITIMER_VIRTUAL, &ten, NULL);
}

/* ---- what it began with ---- */

#ifndef RARITY_IS_KEPT
#define FIRST_COUNT 8192u
#define FIRST_BYTES (32u << 20)

static struct {
	struct {
		uint8_t *bytes;
		size_t size;
	} input[FIRST_COUNT];
	unsigned count;
	size_t bytes;
} first;

static void keep_first(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (sim_signatures.mutants || size == 0 || first.count == FIRST_COUNT ||
	    size > FIRST_BYTES - first.bytes)
		return;
	copy = malloc(size);
	MUST(copy != NULL, "no memory");
	memcpy(copy, data, size);
	first.input[first.count].bytes = copy;
	first.input[first.count++].size = size;
	first.bytes += size;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(
    uint8_t *data, size_t size, size_t most, unsigned chance);

size_t LLVMFuzzerCustomMutator(
    uint8_t *data, size_t size, size_t most, unsigned chance)
{
	unsigned i = first.count > 0 ? chance / 2 % first.count : 0;

	sim_signatures.mutants = true; /* all that it began with has been run */
	if (chance % 2 != 0 && i < first.count && first.input[i].size <= most) {
		size = first.input[i].size;
		memcpy(data, first.input[i].bytes, size);
	}
	return LLVMFuzzerMutate(data, size, most);
}
#else
static void keep_first(const uint8_t *data, size_t size)
{
	(void)data;
	(void)size;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t slowest = QUICK_NS, told;
	static bool set_up;
	uint64_t took;

	if (!set_up) {
		set_up = true;
		/* what one input has used the next one uses again */
		mallopt(M_TRIM_THRESHOLD, 64 << 20);
		mallopt(M_MMAP_THRESHOLD, 32 << 20);
		watch_progress();
		fuzz_harness((const uint8_t *)"", 0);
	}
	runs++;
	keep_first(data, size);
	took = run(CLOCK_MONOTONIC, data, size);
	for (unsigned i = 0; took > slowest && i < LOOKS; i++) {
		uint64_t again = run(CLOCK_PROCESS_CPUTIME_ID, data, size);

		took = again < took ? again : took;
	}
	if (took <= slowest)
		return 0;
	slowest = took;
	if (slowest >= told + told / 8) {
		told = slowest;
		fprintf(stderr, "slowest: %llu ns, %zu bytes\n",
		    (unsigned long long)slowest, size);
	}
	MUST(slowest <= SLOW_NS, "more than 10 ms of one input");
	return 0;
}
