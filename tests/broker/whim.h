/*
 * whim: an act of an officer who does whatever comes to mind.
 */
#ifndef HF_TESTS_BROKER_WHIM_H
#define HF_TESTS_BROKER_WHIM_H

#include "tests/broker/fixture.h"
#include "tests/proto/chance.h"

/** A next act of the case by a desk of this node, if its form is one; the life
 * cycle may forbid it.  False: nothing comes to mind. */
bool whim_next(
    struct chance *t, struct node *n, const struct hf_id *id, struct draft *d);

#endif
