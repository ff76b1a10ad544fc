/* acts: submissions made, signed and sealed before a run. */
#ifndef HF_BENCH_ACTS_H
#define HF_BENCH_ACTS_H

#include "client/compose.h"
#include "tests/bench/desk.h"

/** A submission, packed, and its act. */
struct ready {
	uint8_t *args; /* owned */
	size_t size;
	struct hf_id id;
	char ref[HF_REF_MAX]; /* of the case it opens */
	double sent;
};

struct instant wall_now(void);
/** Routine requests to `to`, by turns from each of n desks; owned by the
 * caller, acts_free. */
struct ready *acts_make(
    struct desk *desks, unsigned n, const char *to, unsigned count);
void acts_free(struct ready *acts, unsigned count);
/** A signed act as a submission. */
void ready_set(struct ready *r, const struct signed_act *act);

#endif
