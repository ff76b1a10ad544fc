/*
 * desk: an officer's connection of a bench: one CURVE DEALER, answers and
 * events as they come, nothing stored.  Any failure ends the program.
 */
#ifndef HF_BENCH_DESK_H
#define HF_BENCH_DESK_H

#include "client/home.h"
#include "proto/frames.h"

#define QUIET_SECONDS 20.0 /* nothing comes back: the run has failed */

struct desk {
	struct home home;
	void *socket;
	unsigned flying; /* submissions without an answer */
};

/** Home `path`, unlocked, and its connection. */
void desk_open(struct desk *d, void *ctx, const char *path);
void desk_close(struct desk *d);
/** args  a packed map; size 0: the empty one */
void desk_request(
    struct desk *d, enum hf_op op, uint64_t id, struct hf_bytes args);

/** What came: an answer (type 0) or an event (type 1). */
struct reply {
	uint64_t type, request, code;
	struct hf_id act; /* of an event */
};
/** False: nothing is there. */
bool desk_read(struct desk *d, struct reply *r);
/** The answer to request `id`, whatever else comes. */
void desk_wait(struct desk *d, uint64_t id);
void desk_hello(struct desk *d);
/** Events from now on. */
void desk_watch(struct desk *d);

#endif
