/* A turn that is abandoned leaves nothing in memory (engine.c); with
 * HF_ABANDONED=1 every test of the broker is one of this (abandoned.c). */
#include "tests/broker/wires.h"

#include "broker/engine/link.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct hf_id request(struct wires *w)
{
	struct draft d;

	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	return must_submit(&d);
}

/* Decided, and then there is no room for it. */
static void full_turn(struct node *n, const struct event *ev)
{
	struct event timer = node_event(n, EVENT_TIMER);
	struct hf_hash root;
	uint64_t size;
	bool changed;

	turn_begin(n);
	if (ev != NULL)
		EXPECT("step", engine_step(n->engine, ev), HF_OK);
	EXPECT("timer", engine_step(n->engine, &timer), HF_OK);
	EXPECT("end", engine_end(n->engine, &size, &root, &changed), HF_OK);
	turn_abandon(n);
}

/* Deliver until a frame of `type` is the next one; it is taken out. */
static struct wire_frame take_frame(struct wires *w, unsigned type)
{
	static const char *const names[] = {"JP", "US"};

	for (unsigned i = 0;; i++) {
		struct wire_frame f;

		cr_assert_lt(i, 100, "no frame of type %u", type);
		if (w->flying_count == 0)
			wires_run_for(w, 250, 250);
		cr_assert_gt(w->flying_count, 0, "nothing is sent");
		f = w->flying[0];
		memmove(w->flying, w->flying + 1,
		    --w->flying_count * sizeof(*w->flying));
		if (f.type == type)
			return f;
		wires_inject(w, names[f.from], names[f.to], f.bytes, f.size);
		free(f.bytes);
	}
}

static size_t note_of(struct node *n, uint8_t out[HF_NOTE_MAX])
{
	struct hf_bytes note;
	uint64_t size;

	node_look(n);
	EXPECT("note", ledger_note(n->engine, &size, &note), HF_OK);
	memcpy(out, note.data, note.size);
	node_look_end(n);
	return note.size;
}

/* A peer without a witness is shown each head once: what was not sent must not
 * count as shown. */
Test(abandon, a_head_that_was_not_sent_is_sent_later)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 1);
	struct node *jp = fed_node(w->f, "JP");
	const struct peer *p;
	uint64_t shown;
	unsigned heads;

	wires_connect_all(w);
	wires_run_for(w, 5000, 500);
	p = link_find(jp->engine, fed_node(w->f, "US")->country);
	w->drop_type = HF_LINK_BATCH; /* nothing else is to be entered */
	(void)request(w);
	(void)request(w); /* its head waits for a second to pass */
	shown = p->head_size;
	cr_assert_lt(shown, jp->size);
	fed_wait(w->f, 1);
	heads = w->carried[HF_LINK_HEAD];
	full_turn(jp, NULL);
	cr_assert_eq(p->head_size, shown);
	wires_run_for(w, 500, 250);
	cr_assert_eq(p->head_size, jp->size);
	cr_assert_gt(w->carried[HF_LINK_HEAD], heads);
	wires_free(w);
}

/* It would stand in receipts, and in no row. */
Test(abandon, a_cosignature_that_was_not_stored_is_not_known)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 2);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	uint8_t before[HF_NOTE_MAX], after[HF_NOTE_MAX];
	struct event ev = node_event(jp, EVENT_PEER_FRAME);
	const struct peer *p;
	struct wire_frame f;
	uint64_t vouched;
	size_t size;

	wires_connect_all(w);
	wires_run_for(w, 5000, 500);
	p = link_find(jp->engine, us->country);
	w->drop_type = HF_LINK_BATCH;
	(void)request(w);
	w->drop_type = 0;
	vouched = p->vouched_size;
	size = note_of(jp, before);
	do
		f = take_frame(w, HF_LINK_COSIGNED);
	while (f.to != 0);
	ev = node_event(jp, EVENT_PEER_FRAME);
	ev.conn = wire_dialled(wire_node(w, us));
	ev.key = secret_transport_key(us->broker);
	ev.frame = bytes_of(f.bytes, f.size);
	full_turn(jp, &ev);
	cr_assert_eq(p->vouched_size, vouched);
	cr_assert_eq(note_of(jp, after), size);
	cr_assert_arr_eq(before, after, size);
	node_turn(jp, &ev);
	cr_assert_eq(p->vouched_size, jp->size);
	cr_assert_gt(note_of(jp, after), size);
	free(f.bytes);
	wires_free(w);
}

Test(abandon, what_the_watermark_was_not_said_is_said_later)
{
	struct federation *f = fed_running("JP", NULL);
	struct node *jp = fed_node(f, "JP");

	jp->engine->pressure = 1; /* there was no room; there is now */
	full_turn(jp, NULL);
	cr_assert_eq(jp->engine->pressure, 1);
	fed_free(f);
}

/* Told of the next deadline of a turn that never was, nobody would look at the
 * one before it. */
Test(abandon, the_next_deadline_is_that_of_the_last_turn)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 3);
	struct node *jp = fed_node(w->f, "JP");
	struct instant due;

	(void)request(w);
	due = engine_next_due(jp->engine);
	cr_assert_neq(due.ms, 0);
	w->f->now.ms = due.ms;
	full_turn(jp, NULL);
	cr_assert_eq(engine_next_due(jp->engine).ms, due.ms);
	wires_free(w);
}
