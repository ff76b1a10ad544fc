/*
 * live_clock: when a live trace's time is up, whatever the wall clock says.
 *
 * A trace ends by the wall clock as long as that is certain.  Once it is not,
 * the time to live runs on the monotonic clock: for a trace that runs already
 * from what the two clocks agreed on last, for one that starts now from its
 * entry, and such a one keeps that limit when the clock is certain again
 * (its start was read off a wrong clock).  These limits live in memory: what
 * was running when an uncertain broker went down ends when it comes back
 * (DESIGN 10).
 */
#include "broker/engine/intake.h"

#include <stdlib.h>
#include <string.h>

struct live_limit {
	struct hf_id id;
	struct instant at; /* of the row in the due table that it replaces */
	uint64_t mono_ms;
};

/* The time by the monotonic clock, in step with the wall clock as it was when
 * it was certain last; the wall clock's own until it was. */
static uint64_t steady_ms(const struct engine *e)
{
	return e->steady && !e->clock_certain ? e->mono_ms + e->wall_minus_mono
					      : e->now.ms;
}

void live_clock_event(struct engine *e, const struct event *ev)
{
	if (!ev->clock_certain)
		return;
	e->wall_minus_mono = ev->now.ms - ev->mono_ms;
	e->steady = true;
}

static struct live_limit *find(
    const struct engine *e, const struct hf_id *id, struct instant at)
{
	for (unsigned i = 0; i < e->live_count; i++) {
		struct live_limit *l = &e->live[i];

		if (same_id(&l->id, id) && l->at.ms == at.ms)
			return l;
	}
	return NULL;
}

enum hf_err live_clock_limit(struct engine *e, const struct hf_id *id,
    struct instant at, uint64_t span_ms)
{
	if (e->clock_certain || find(e, id, at) != NULL)
		return HF_OK;
	if (e->live_count == e->live_capacity) {
		unsigned capacity = 2 * e->live_capacity + 16;
		struct live_limit *grown =
		    realloc(e->live, capacity * sizeof(*grown));

		if (grown == NULL)
			return HF_NOMEM;
		e->live = grown;
		e->live_capacity = capacity;
	}
	e->live[e->live_count++] =
	    (struct live_limit){*id, at, e->mono_ms + span_ms};
	return HF_OK;
}

enum hf_err live_clock_prune(struct engine *e)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < e->live_count; i++) {
		bool waits;
		enum hf_err err =
		    due_waits(e, &e->live[i].id, e->live[i].at, &waits);

		if (err != HF_OK)
			return err;
		if (waits)
			e->live[kept++] = e->live[i];
	}
	e->live_count = kept;
	return HF_OK;
}

bool live_clock_over(
    const struct engine *e, const struct hf_id *id, struct instant at)
{
	const struct live_limit *l = find(e, id, at);

	if (l != NULL)
		return e->mono_ms >= l->mono_ms;
	/* without any time to measure by, it ran before the broker came up */
	return !e->steady || at.ms <= steady_ms(e);
}

bool live_clock_reached(const struct engine *e, struct instant at)
{
	return at.ms <= e->now.ms || at.ms <= steady_ms(e);
}

uint64_t live_clock_mono(
    const struct engine *e, const struct hf_id *id, struct instant at)
{
	const struct live_limit *l = find(e, id, at);
	uint64_t now = steady_ms(e);

	if (l != NULL)
		return l->mono_ms;
	return at.ms <= now ? e->mono_ms : e->mono_ms + (at.ms - now);
}

struct instant live_clock_now(const struct engine *e)
{
	return (struct instant){steady_ms(e)};
}
