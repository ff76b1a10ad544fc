/*
 * internal: the rooms of the core process.
 *
 *   core.c     the loop and its turns
 *   effects.c  what a turn wants done, carried out
 *   clock.c    wall time with its error bound, and whether to trust it
 */
#ifndef HF_CORE_INTERNAL_H
#define HF_CORE_INTERNAL_H

#include "broker/config.h"
#include "broker/engine/engine.h"
#include "broker/records.h"

enum { GATE_DESKS = 0, GATE_PEERS = 1 };

struct clock {
	struct instant now;
	uint64_t mono_ms;
	uint32_t bound_ms;
	bool certain;
	int64_t offset_ms; /* wall minus monotonic, while it was trusted */
};

/** A resolved name of an endpoint. */
struct resolved {
	char name[128], literal[128];
	struct resolved *next;
};

struct core {
	const struct config *config;
	int gate[2], signer, supervisor;
	int port[2]; /* 0 until the gate has said so */
	struct store *store;
	struct engine *engine;
	struct effects *effects;
	struct record *record;
	struct clock clock;
	uint64_t signed_size;
	bool start, reload, stopping, told_ready, clock_changed;
	uint32_t *erased; /* slots destroyed, not yet told to the engine */
	unsigned erased_count, erased_capacity;
	struct hf_key *dialled; /* keys that the gate dials */
	unsigned dialled_count;
	struct resolved *names;
};

/* effects.c */
HF_MUST_USE enum hf_err core_effects(struct core *c);
void core_send_keys(struct core *c, unsigned gate);
void core_send_dials(struct core *c);
void core_resolved(struct core *c, const struct record *r);
void core_names_free(struct core *c);

/* clock.c */
void core_clock_init(struct core *c);
/** Read; a jump of wall against monotonic time makes it uncertain. */
void core_clock_read(struct core *c);
/** An operator says that the time is right (SIGHUP). */
void core_clock_trust(struct core *c);

#endif
