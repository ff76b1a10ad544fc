#include "tests/bench/meter.h"

#include "proto/err.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double meter_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((noreturn)) void meter_fail(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

void meter_must(enum hf_err err, const char *what)
{
	if (err == HF_OK)
		return;
	fprintf(stderr, "bench: %s: %s %s\n", what, hf_err_info(err)->name,
	    hf_err_text(err));
	exit(1);
}

unsigned long long meter_anon_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "RssAnon: %llu", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kib;
}

void meter_add(struct meter *m, double seconds)
{
	if (m->count == m->capacity) {
		size_t capacity = m->capacity == 0 ? 4096 : 2 * m->capacity;
		double *grown = realloc(m->span, capacity * sizeof(*grown));

		if (grown == NULL)
			meter_fail("out of memory");
		m->span = grown;
		m->capacity = capacity;
	}
	m->span[m->count++] = seconds;
}

void meter_free(struct meter *m)
{
	free(m->span);
	*m = (struct meter){NULL, 0, 0};
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double meter_at(struct meter *m, double share)
{
	size_t at;

	if (m->count == 0)
		return 0;
	qsort(m->span, m->count, sizeof(*m->span), ascending);
	at = (size_t)(share * (double)(m->count - 1) + 0.5);
	return m->span[at] * 1e6;
}

static void print_buckets(const char *name, const struct meter *m)
{
	unsigned bucket[64] = {0};
	double from = 1;
	bool more = false;

	for (size_t i = 0; i < m->count; i++) {
		double us = m->span[i] * 1e6;
		unsigned at = 0;

		while (us >= M_SQRT2 && at < 63) {
			us /= M_SQRT2;
			at++;
		}
		bucket[at]++;
	}
	printf(",\"%s_buckets\":[", name);
	for (unsigned i = 0; i < 64; i++) {
		if (bucket[i] > 0) {
			printf("%s[%.1f,%u]", more ? "," : "", from, bucket[i]);
			more = true;
		}
		from *= M_SQRT2;
	}
	printf("]");
}

void meter_print_spans(const char *name, struct meter *m)
{
	printf(",\"%s_p50_us\":%.0f,\"%s_p99_us\":%.0f,\"%s_p999_us\":%.0f",
	    name, meter_at(m, 0.5), name, meter_at(m, 0.99), name,
	    meter_at(m, 0.999));
	print_buckets(name, m);
}
