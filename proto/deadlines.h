/*
 * deadlines: which deadlines a folded case has (SPEC 12.7), for the broker
 * that watches them and for the auditor who asks whether it did.
 */
#ifndef HF_PROTO_DEADLINES_H
#define HF_PROTO_DEADLINES_H

#include "proto/frames.h"
#include "proto/life.h"

#define HF_DUES_MAX \
	256u /* deadlines of one case; more queries than fit are not watched \
	      */

/** One deadline that runs; (type, track, gen) names it within its case. */
struct hf_due {
	enum hf_deadline type;
	unsigned track; /* and gen: the act it hangs on */
	uint32_t gen;
	struct instant at;
};
enum { HF_SIDE_ASKING = 1, HF_SIDE_ASKED = 2 };

/**
 * The deadlines of 12.7 of a folded case with an opening; those of the
 * asked side's machine acts (5.8) and of erasure are not among them.
 * opened  time of entry of the opening at the ledger that asks
 * sides   bits of HF_SIDE_*: whose case it is there
 * Returns the count, at most `max`; what does not fit is left out.
 */
unsigned hf_case_deadlines(const struct hf_case *c, struct instant opened,
    unsigned sides, struct hf_due *out, unsigned max);

/** Nothing is held, traced or asked for any more, though notes may come
 * (SPEC 12.8). */
bool hf_case_ended(const struct hf_case *c);
/** `s` seconds after `t`; a far term is cut at the end of time. */
struct instant hf_later(struct instant t, uint64_t s);

#endif
