/*
 * once: what is a pure function of bytes that were seen before is not worked
 * out anew for every input (--wrap); it was most of what an execution cost,
 * and it is libsodium and the C library, not what is under test.  Signatures
 * and valid keys are remembered by tests/sim/signatures.c, hashes are made by
 * the processor (tests/sim/hashes.c); here a pattern is compiled once, and
 * anew from time to time, because what it has learnt of texts only grows.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/sim/sim.h"

#include <regex.h>
#include <string.h>

int __real_regcomp(regex_t *re, const char *pattern, int flags);
int __wrap_regcomp(regex_t *re, const char *pattern, int flags);
void __real_regfree(regex_t *re);
void __wrap_regfree(regex_t *re);

#define PATTERNS 64u
#define USES 10000u

static struct pattern {
	char text[512];
	int flags;
	unsigned uses;
	regex_t compiled;
} patterns[PATTERNS];

int __wrap_regcomp(regex_t *re, const char *pattern, int flags)
{
	struct pattern *p = patterns;

	while (p < patterns + PATTERNS && p->text[0] != '\0' &&
	       (p->flags != flags || strcmp(p->text, pattern) != 0))
		p++;
	MUST(p < patterns + PATTERNS, "too many patterns");
	if (p->uses++ % USES == 0) {
		if (p->uses > 1)
			__real_regfree(&p->compiled);
		MUST(strlen(pattern) < sizeof(p->text) &&
			 __real_regcomp(&p->compiled, pattern, flags) == 0,
		    "a pattern of ours");
		strcpy(p->text, pattern);
		p->flags = flags;
	}
	*re = p->compiled;
	return 0;
}

void __wrap_regfree(regex_t *re)
{
	(void)re;
}

bool fuzz_mutants(void)
{
	return sim_signatures.mutants;
}

/* Of the two files of the simulation. */
void sim_fail(const char *format, ...)
{
	fuzz_fail("tests/sim", 0, format);
}
