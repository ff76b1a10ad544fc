/*
 * rig: a federation of two countries in memory, the same in every run, with a
 * case between them: what the engine harnesses speak to, and what the first
 * inputs are taken from.
 */
#ifndef HF_TESTS_FUZZ_RIG_H
#define HF_TESTS_FUZZ_RIG_H

#include "tests/broker/wires.h"

/** Made at the first call; never freed. */
struct wires *rig(void);
/** Called for each frame between brokers and to or from a desk, while the rig
 * is made and by rig_more; NULL: for none. */
extern void (*rig_saw)(
    const char *harness, unsigned which, const void *bytes, size_t size);
/** Acts and requests after those of rig(), which it has not seen. */
void rig_more(struct wires *w);
/**
 * One event at JP in a turn that is not committed, and that ends with the
 * first event that writes more than counts of reads and refusals, as others
 * do after 64.  Whatever comes, the engine goes on, and what it sends is
 * canonical.
 */
void rig_step(const struct event *ev);

#endif
