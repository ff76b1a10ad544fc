/* pace: a poll that ends at a moment, finer than zmq_poll's milliseconds. */
#ifndef HF_BENCH_PACE_H
#define HF_BENCH_PACE_H

#include <zmq.h>

/** An item for zmq_poll, readable from the moment that pace_at sets. */
zmq_pollitem_t pace_open(void);
/** when  on meter_now's clock; 0: never */
void pace_at(const zmq_pollitem_t *item, double when);

#endif
