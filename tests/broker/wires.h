/*
 * wires: the connections of a federation in memory.  Frames between brokers
 * wait in one queue and are delivered, lost, doubled or reordered by a seed;
 * frames to desks are caught.  What a broker wants cut is noted.
 *
 * A dials B: at A the connection is wire_dialled(B), at B wire_accepted(A).
 */
#ifndef HF_TESTS_BROKER_WIRES_H
#define HF_TESTS_BROKER_WIRES_H

#include "tests/broker/fixture.h"
#include "tests/proto/chance.h"

#define WIRE_FLYING 512u
#define WIRE_CAUGHT 512u
#define WIRE_CUTS 64u

struct wire_frame {
	unsigned from, to; /* nodes */
	uint64_t conn;     /* at the receiver */
	uint8_t *bytes;
	size_t size;
	unsigned type; /* enum hf_link_type */
};

struct caught {
	uint64_t conn;
	uint8_t *bytes;
	size_t size;
};

struct wires {
	struct federation *f;
	struct chance chance;
	unsigned lose, twice, shuffle; /* of 1,000 frames */
	unsigned drop_type; /* frames of this type get lost; 0 none */
	bool up[FED_COUNTRIES][FED_COUNTRIES]; /* [dialler][dialled] */
	unsigned flying_count, caught_count, cut_count;
	struct wire_frame flying[WIRE_FLYING];
	struct caught caught[WIRE_CAUGHT]; /* to desks, oldest first */
	struct {
		struct node *node;
		struct hf_key key;
	} cuts[WIRE_CUTS];
	unsigned carried[HF_LINK_LAST + 1]; /* delivered, by type */
};

/** Wire every broker of the federation; nobody is connected yet. */
struct wires *wires_new(struct federation *f, uint64_t seed);
/** The federation too. */
void wires_free(struct wires *w);
uint64_t wire_dialled(unsigned node);
uint64_t wire_accepted(unsigned node);
unsigned wire_node(const struct wires *w, const struct node *n);
/** Both ways, with the event that tells the diallers. */
void wires_connect(struct wires *w, const char *a, const char *b);
void wires_connect_all(struct wires *w);
/** Frames in flight between the two are lost. */
void wires_cut(struct wires *w, const char *a, const char *b);
/** Deliver what flies, and what comes of it, until nothing does. */
void wires_run(struct wires *w);
/** The same, and time goes on by `ms` after each, in steps. */
void wires_run_for(struct wires *w, uint64_t ms, uint64_t step);
/** A frame as from a peer. */
void wires_inject(struct wires *w, const char *from, const char *to,
    const void *bytes, size_t size);
/** Was `key` cut by this broker? */
bool wires_was_cut(
    const struct wires *w, const char *node, const struct hf_key *key);
/** Rows in the outbox of a broker. */
unsigned wires_waiting(struct wires *w, const char *node);

/** The engine's answer to a desk. */
struct reply {
	bool any;
	enum hf_err code;
	struct hf_bytes map, receipt; /* borrow w->caught */
};
/** Send a request of `officer` on a connection and take the one answer.
 * args: a packed map, empty for none */
struct reply desk_ask(struct wires *w, const struct officer *o, uint64_t conn,
    unsigned op, struct hf_bytes args);
/** Any bytes from any key on a desk's connection of a node. */
void desk_say(struct wires *w, const char *node, const struct hf_key *key,
    uint64_t conn, const void *bytes, size_t size);
/** Forget the frames to desks that were caught so far. */
void desk_forget(struct wires *w);
/** A member of a result map; false when it is not there. */
bool reply_has(const struct reply *r, int key, struct wire *at);
uint64_t reply_uint(const struct reply *r, int key);
/** Packed argument maps. */
struct args {
	uint8_t bytes[HF_FRAME_MAX];
	struct pack p;
};
void args_begin(struct args *a, unsigned count);
void args_uint(struct args *a, unsigned key, uint64_t v);
void args_bin(struct args *a, unsigned key, const void *data, size_t size);
struct hf_bytes args_end(struct args *a);

#endif
