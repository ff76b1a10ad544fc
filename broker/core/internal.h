/*
 * internal: the rooms of the core process.
 *
 *   core.c        the loop: gates, supervisor, clock, turns
 *   turn.c        one turn: decide, commit, sign, act
 *   arrivals.c       what waits for its turn, verified on other threads
 *   gates.c       records to the gates, admitted keys
 *   dials.c       peers to dial, names of their endpoints
 *   configured.c  pins and documents of the configuration
 *   clock.c       wall time with its error bound, and whether to trust it
 */
#ifndef HF_CORE_INTERNAL_H
#define HF_CORE_INTERNAL_H

#include "broker/config.h"
#include "broker/core/arrivals.h"
#include "broker/engine/engine.h"
#include "broker/records.h"
#include "proto/cosign.h"

struct clock {
	struct instant now;
	uint64_t mono_ms;
	uint32_t bound_ms;
	bool certain;
	int64_t offset_ms; /* wall minus monotonic, when it was trusted */
};

struct waiting;   /* gates.c: a record that its gate could not take yet */
struct core_name; /* dials.c: an endpoint with a name to be looked up */

struct gate_link {
	int fd;        /* -1: it died and the next one is not there yet */
	int port;      /* 0 until the gate has said so */
	uint64_t life; /* counts the gates that were */
	struct waiting *first, *last;
	size_t waiting_size; /* bytes */
};

#define CORE_COSIGNED_MAX 64u

struct core {
	const struct config *config;
	struct gate_link gates[2];
	int signer, supervisor;
	struct store *store;
	struct engine *engine;
	struct effects *effects;
	struct arrivals *arrivals;
	struct record *record; /* receive space */
	struct clock clock;
	uint8_t chance[2048]; /* drawn ahead; what was used is wiped */
	size_t chance_left;
	uint64_t signed_size;
	/* what this turn took, and first of all what an abandoned one left */
	struct arrival *taken[HF_BATCH_MAX];
	unsigned taken_count;
	bool start, reload, stopping, told_ready, clock_changed;
	bool starved;          /* the last turn was abandoned: no room */
	uint64_t full_told_ms; /* the log does not repeat itself */
	/* cosignatures asked for, not yet told to the engine */
	struct cosigned {
		struct hf_country country;
		uint64_t entries;
		uint32_t code;
		size_t size;
		uint8_t bytes[HF_COSIGN_LINE_MAX];
	} cosigned[CORE_COSIGNED_MAX];
	unsigned cosigned_count;
	uint32_t *erased; /* slots destroyed, not yet told to the engine */
	unsigned erased_count, erased_capacity;
	struct hf_key *dialled; /* keys that the gate dials */
	unsigned dialled_count;
	struct core_name *names;
	unsigned name_count;
};

/* turn.c */
/** An event of now, with fresh chance. */
struct event core_event(struct core *c, enum event_type type);
/** Decide what waits, commit, sign, act.  Errors: all end the process. */
HF_MUST_USE enum hf_err core_turn(struct core *c);
/** Free what the last turn took and left. */
void core_forget_taken(struct core *c);
/** Everything that the gates have sent so far, while there is room. */
HF_MUST_USE enum hf_err core_read_gates(struct core *c);

/* configured.c: steps of a running turn */
HF_MUST_USE enum hf_err core_configured(struct core *c);

/* gates.c */
/** A gate's connection number as the engine sees it. */
uint64_t gates_conn(const struct core *c, unsigned gate, uint64_t conn);
/** A new gate, or none (-1); takes `fd`.  What waited is dropped. */
void gates_set(struct core *c, unsigned gate, int fd);
void gates_flush(struct core *c, unsigned gate);
void gates_tell(struct core *c, unsigned gate, const struct record_header *h,
    const void *payload);
/** A frame to a connection, unless its gate has died since. */
void gates_send(
    struct core *c, unsigned gate, uint64_t conn, struct hf_bytes frame);
void gates_send_keys(struct core *c, unsigned gate);

/* dials.c */
void dials_send(struct core *c);
void dials_resolved(struct core *c, const struct record *r);

/* clock.c */
void core_clock_init(struct core *c);
/** Read; a jump of wall against monotonic time makes it uncertain. */
void core_clock_read(struct core *c);
/** An operator says that the time is right (SIGHUP). */
void core_clock_trust(struct core *c);
/** The store says that it was uncertain when the broker went down. */
void core_clock_doubt(struct core *c);

#endif
