/*
 * arrivals: records of the gates on their way to a decision, in order, their
 * signatures verified on other threads meanwhile.
 */
#ifndef HF_CORE_ARRIVALS_H
#define HF_CORE_ARRIVALS_H

#include "broker/engine/engine.h"
#include "broker/records.h"

enum { GATE_DESKS = 0, GATE_PEERS = 1 };

struct arrival {
	struct record_header h;
	unsigned gate;
	unsigned urgency, weight; /* of a frame: engine_admit's; else 0 */
	enum hf_err verify_err;   /* of a frame: engine_preverify's */
	bool ready;               /* the threads are done with it */
	uint8_t payload[];        /* h.size bytes */
};

struct arrivals; /* opaque */

/** With its threads running.  NULL: no memory, no thread. */
struct arrivals *arrivals_new(void);
void arrivals_free(struct arrivals *b); /* NULL is fine */
/** False: read no more from the gates until something was taken. */
bool arrivals_has_room(const struct arrivals *b);
unsigned arrivals_count(const struct arrivals *b);
/** What waits, by urgency. */
struct queued arrivals_queued(const struct arrivals *b);
/** Copies `r`; there must be room.  as: of a frame that was admitted, else
 * NULL.  Errors: HF_NOMEM */
HF_MUST_USE enum hf_err arrivals_put(struct arrivals *b, unsigned gate,
    const struct record *r, const struct admitted_as *as);
/** The oldest item, once it is verified; the caller frees it.
 * wait  for its verification, if there is an item at all
 * NULL: none, or none yet */
struct arrival *arrivals_take(struct arrivals *b, bool wait);
/** The caller turns to something else for a while: the threads do it all. */
void arrivals_leave(struct arrivals *b);

#endif
