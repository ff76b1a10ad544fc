/*
 * slow: stands before the C library in brokers that run under memcheck.
 *
 * The supervisor starts its children by /proc/self/exe, which there is
 * valgrind itself; HF_PROGRAM names the broker instead.  And a gate's limits
 * (handshake, self-test, first frame) are for a gate that gets the processor,
 * so its monotonic clock, and with it libzmq's, goes HF_TIMES slower.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 16
#define NANOS 1000000000u

int execl(const char *path, const char *word, ...)
{
	const char *program = getenv("HF_PROGRAM");
	char *words[WORDS_MAX + 1] = {NULL};
	unsigned count = 0;
	va_list more;

	va_start(more, word);
	while (word != NULL && count < WORDS_MAX) {
		/* a gate knows itself by this */
		if (strncmp(word, "gate-", 5) == 0)
			setenv("HF_GATE", word, 1);
		words[count++] = (char *)(uintptr_t)word;
		word = va_arg(more, const char *);
	}
	va_end(more);
	if (program != NULL && strcmp(path, "/proc/self/exe") == 0)
		path = program;
	return execv(path, words);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	const char *times = getenv("HF_TIMES");
	int rc = (int)syscall(SYS_clock_gettime, clock, out);
	uint64_t now;

	if (rc != 0 || clock != CLOCK_MONOTONIC || times == NULL ||
	    getenv("HF_GATE") == NULL)
		return rc;
	now = (uint64_t)out->tv_sec * NANOS + (uint64_t)out->tv_nsec;
	now /= strtoul(times, NULL, 10) + 1;
	out->tv_sec = (time_t)(now / NANOS);
	out->tv_nsec = (long)(now % NANOS);
	return rc;
}
