/*
 * meter: what the benches share: a clock, percentiles, failing loudly.
 */
#ifndef HF_BENCH_METER_H
#define HF_BENCH_METER_H

#include "proto/types.h"

/** Seconds, monotonic. */
double meter_now(void);
/** Ends the program with the error's text. */
void meter_must(enum hf_err err, const char *what);
__attribute__((noreturn)) void meter_fail(const char *what);
/** Memory of this process that no file backs, KiB. */
unsigned long long meter_anon_kib(void);

/** Spans of time, all kept; seconds. */
struct meter {
	double *span;
	size_t count, capacity;
};
void meter_add(struct meter *m, double seconds);
void meter_free(struct meter *m);
/** Sorts; microseconds at `share` (0.5: the median).  0 when empty. */
double meter_at(struct meter *m, double share);
/** Members of a JSON object: NAME_p50_us, _p99_us, _p999_us, and NAME_buckets,
 * a pair each half octave: [[microseconds from which on, how many], ...]. */
void meter_print_spans(const char *name, struct meter *m);

#endif
