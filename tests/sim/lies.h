/*
 * lies: what a byzantine broker's behaviours are made of.
 */
#ifndef HF_TESTS_SIM_LIES_H
#define HF_TESTS_SIM_LIES_H

#include "tests/sim/sim.h"

#define LIAR 0u /* the first broker */

/** What is wrong with a receipt. */
enum lie {
	LIE_NONE,
	LIE_SIGNATURE,
	LIE_OTHER_ACT,
	LIE_EPOCH,
	LIE_KEY,
	LIE_TIME,
	LIE_TYPE,
};

uint64_t lie_below(struct sim *s, uint64_t limit);
struct node *lie_node(struct sim *s);
/** A frame of `type` with `n` members, type included; and away with it. */
void lie_begin(struct pack *p, uint8_t *frame, unsigned type, unsigned n);
void lie_send(struct sim *s, unsigned to, struct pack *p, uint8_t *frame);
/** An act in a batch, with a receipt of a ledger of one entry. */
void lie_act(
    struct sim *s, unsigned to, const struct signed_act *a, enum lie lie);
/** A request by an officer of its own, good so far. */
void lie_request_of(struct sim *s, unsigned to, struct draft *d);
/** A note in a case of the two, good so far; false: there is none. */
bool lie_note(struct sim *s, unsigned to, struct draft *d);
void lie_sign(struct sim *s, unsigned to, struct draft *d, enum lie lie);

#endif
