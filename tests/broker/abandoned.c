/*
 * abandoned: each turn of each test is first one for which there was no room
 * (HF_ABANDONED=1).
 *
 * Before a turn is run the same events are decided once and the turn is
 * abandoned, as the core does with a full map.  Nothing of it may be left in
 * memory: the turn itself follows, and its test goes on as if nothing had
 * been.
 */
#include "tests/broker/fixture.h"

#include "proto/frames.h"
#include "proto/wire.h"

#include <stdlib.h>

static bool is_part_of_a_document(const struct event *ev)
{
	struct wire w;
	uint64_t first;

	wire_init(&w, ev->frame.data, ev->frame.size);
	wire_array(&w, 1, HF_ARRAY_MAX);
	first = wire_uint(&w, UINT16_MAX);
	return w.err == HF_OK &&
	       first == (ev->type == EVENT_PEER_FRAME ? HF_LINK_DOCUMENT
						      : HF_OP_PUBLISH);
}

/* What changes the roster cannot be abandoned; a part of a document that came
 * does not come again. */
static bool can_come_twice(const struct event *ev)
{
	switch (ev->type) {
	case EVENT_PIN:
	case EVENT_UNPIN:
	case EVENT_DOCUMENT:
		return false;
	case EVENT_PEER_FRAME:
	case EVENT_DESK_FRAME:
		return !is_part_of_a_document(ev);
	default:
		return true;
	}
}

static void before_turn(struct node *n, const struct event *ev)
{
	uint64_t chance = n->fed->chance;
	struct event timer;
	struct hf_hash root;
	uint64_t size;
	bool changed;
	enum hf_err err;

	if (!can_come_twice(ev))
		return;
	turn_begin(n);
	err = engine_step(n->engine, ev);
	timer = node_event(n, EVENT_TIMER);
	if (err == HF_OK)
		err = engine_step(n->engine, &timer);
	if (err == HF_OK)
		err = engine_end(n->engine, &size, &root, &changed);
	turn_abandon(n);
	n->fed->chance = chance;
}

static __attribute__((constructor)) void begin(void)
{
	if (getenv("HF_ABANDONED") != NULL)
		fed_before_turn = before_turn;
}
