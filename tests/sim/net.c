/*
 * net: connections that lose, delay, double, reorder, clog and break.
 *
 * A dials B, and B dials A: two connections, each with an age (epoch), so
 * that what was sent on a broken one never arrives on the next.
 */
#include "tests/sim/sim.h"

#include "broker/engine/intake.h"
#include "broker/engine/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCEPTED 50u
#define AGE 100u

unsigned sim_index(const struct sim *s, const struct node *n)
{
	return (unsigned)(n - s->f->nodes);
}

static struct hf_key key_of(const struct sim *s, unsigned node)
{
	return secret_transport_key(s->f->nodes[node].broker);
}

static void push(struct sim *s, const struct sim_frame *frame)
{
	if (s->frame_count == s->frame_capacity) {
		s->frame_capacity = 2 * s->frame_capacity + 64;
		s->frames =
		    realloc(s->frames, s->frame_capacity * sizeof(*s->frames));
	}
	s->frames[s->frame_count] = *frame;
	s->frames[s->frame_count++].order = s->frame_order++;
}

static void copy_in(struct sim *s, struct sim_frame frame, uint64_t due)
{
	uint8_t *bytes = malloc(frame.size + 1);

	memcpy(bytes, frame.bytes, frame.size);
	frame.bytes = bytes;
	frame.due = due;
	push(s, &frame);
}

/* A frame on a connection: when, how often, whether at all. */
static void launch(struct sim *s, struct sim_link *l, struct sim_frame *frame)
{
	struct chance *c = &s->net;
	uint64_t due = s->f->now.ms + 1;

	if (sim_happens(s, c, FAULT_LOSS))
		return;
	if (sim_happens(s, c, FAULT_DELAY))
		due += chance_below(c, s->delay_ms + 1);
	if (due < l->clogged_until && !s->calm)
		due = l->clogged_until;
	if (!sim_happens(s, c, FAULT_REORDER) && due < l->last_due)
		due = l->last_due;
	if (due > l->last_due)
		l->last_due = due;
	copy_in(s, *frame, due);
	frame->again = true;
	if (sim_happens(s, c, FAULT_REPLAY))
		copy_in(s, *frame, due + 1 + chance_below(c, 3000));
}

static bool partitioned(const struct sim *s, unsigned a, unsigned b)
{
	uint64_t now = s->f->now.ms;

	return !s->calm && (s->nodes[a].partitioned_until > now ||
			       s->nodes[b].partitioned_until > now);
}

/* [1, min, max, ...]: a later version would take the next one, too. */
static void offer(const struct sim *s, struct sim_frame *frame)
{
	if (sim_newer(s, frame->from) && frame->size > 3 &&
	    frame->bytes[0] == 0x96 && frame->bytes[1] == HF_LINK_HELLO)
		frame->bytes[3]++;
}

void sim_fly(
    struct sim *s, unsigned from, unsigned to, uint64_t conn, struct hf_bytes b)
{
	bool accepted = conn % AGE >= ACCEPTED;
	struct sim_link *l =
	    accepted ? &s->links[to][from] : &s->links[from][to];
	struct sim_frame frame = {.from = from,
	    .to = to,
	    .conn = l->epoch * AGE + from + (accepted ? 0 : ACCEPTED),
	    .epoch = l->epoch,
	    .dialled = !accepted,
	    .size = b.size};

	if (!l->up || l->epoch != conn / AGE || partitioned(s, from, to))
		return;
	frame.bytes = malloc(b.size + 1);
	memcpy(frame.bytes, b.data, b.size);
	offer(s, &frame);
	if (!s->nodes[from].byzantine || s->calm || sim_bend(s, &frame))
		launch(s, l, &frame);
	free(frame.bytes);
}

void sim_inject(
    struct sim *s, unsigned from, unsigned to, const void *bytes, size_t size)
{
	struct sim_link *l = &s->links[from][to];
	struct sim_frame frame = {.from = from,
	    .to = to,
	    .conn = l->epoch * AGE + from + ACCEPTED,
	    .epoch = l->epoch,
	    .dialled = true,
	    .size = size};

	if (!l->up || partitioned(s, from, to))
		return;
	frame.bytes = malloc(size + 1);
	memcpy(frame.bytes, bytes, size);
	launch(s, l, &frame);
	free(frame.bytes);
}

void sim_carry(struct node *n, const struct effect *e, void *ctx)
{
	struct sim *s = ctx;
	unsigned self = sim_index(s, n);

	if (e->type == EFFECT_PEER_SEND) {
		sim_check_bytes(s, n, e, NULL);
		sim_fly(
		    s, self, (unsigned)(e->conn % ACCEPTED), e->conn, e->bytes);
	} else if (e->type == EFFECT_DESK_SEND) {
		sim_check_bytes(
		    s, n, e, &n->officers[e->conn % 10 % FED_DESKS]);
		if (e->conn == s->answer.conn && e->bytes.size > 1 &&
		    e->bytes.data[1] == 0) {
			free(s->answer.bytes);
			s->answer.bytes = malloc(e->bytes.size);
			memcpy(s->answer.bytes, e->bytes.data, e->bytes.size);
			s->answer.size = e->bytes.size;
			s->answer.any = true;
		}
	} else if (e->type == EFFECT_LOG) {
		sim_check_bytes(s, n, e, NULL);
		if (s->o->verbose)
			printf("%10" PRIu64 " %s %s %.*s\n",
			    s->f->now.ms - FED_START_MS, n->country.s,
			    hf_err_info(e->code)->name, (int)e->bytes.size,
			    (const char *)e->bytes.data);
	}
}

/* ---- connections ---- */

void sim_dial(struct sim *s, unsigned a, unsigned b)
{
	struct sim_link *l = &s->links[a][b];
	struct event ev = sim_event(&s->nodes[a], EVENT_PEER_UP);

	if (a == b || l->up || partitioned(s, a, b))
		return;
	l->up = true;
	l->epoch++;
	l->last_due = l->again = 0;
	ev.conn = l->epoch * AGE + b;
	ev.key = key_of(s, b);
	sim_turn_of(s, &s->nodes[a], ev);
}

void sim_hang_up(struct sim *s, unsigned a, unsigned b, bool tell)
{
	struct sim_link *l = &s->links[a][b];
	struct event ev;

	if (a == b || !l->up)
		return;
	l->up = false;
	l->again = s->f->now.ms + 200 + chance_below(&s->net, 10000);
	if (!tell)
		return;
	ev = sim_event(&s->nodes[a], EVENT_PEER_DOWN);
	ev.conn = l->epoch * AGE + b;
	ev.key = key_of(s, b);
	sim_turn_of(s, &s->nodes[a], ev);
}

/* ---- time ---- */

static void take(struct sim *s, unsigned i)
{
	s->frames[i] = s->frames[--s->frame_count];
}

/* Acts of a batch that the broker has in its ledger. */
static unsigned known_acts(const struct sim *s, const struct sim_frame *frame)
{
	struct link_acts acts = {0};
	unsigned count = 0;
	struct hf_act act;
	struct wire w;

	wire_init(&w, frame->bytes, frame->size);
	wire_array(&w, 3, 3);
	if (wire_uint(&w, UINT16_MAX) != HF_LINK_BATCH)
		return 0;
	wire_skip(&w);
	if (link_read_acts(&w, &acts) != HF_OK)
		return 0;
	for (unsigned i = 0; i < acts.count; i++)
		count += hf_act_decode(&act, acts.row[i].act.data,
			     acts.row[i].act.size) == HF_OK &&
			 sim_entered(s, frame->to, &act.id);
	return count;
}

static void deliver(struct sim *s, struct sim_frame *frame)
{
	struct sim_link *l = frame->dialled ? &s->links[frame->from][frame->to]
					    : &s->links[frame->to][frame->from];
	struct event ev;

	if (!l->up || l->epoch != frame->epoch ||
	    partitioned(s, frame->from, frame->to))
		return;
	ev = sim_event(&s->nodes[frame->to], EVENT_PEER_FRAME);
	ev.conn = frame->conn;
	ev.key = key_of(s, frame->from);
	ev.frame = bytes_of(frame->bytes, frame->size);
	ev.verified = true;
	ev.verify_err = engine_preverify(ev.type, ev.frame);
	s->r->frames++;
	s->r->replays += frame->again;
	s->r->replayed_acts += known_acts(s, frame);
	sim_turn_of(s, &s->nodes[frame->to], ev);
}

/* The next thing to happen; UINT64_MAX none before `until`. */
static uint64_t next(struct sim *s, uint64_t until, int *frame, int *node)
{
	uint64_t at = until;

	*frame = *node = -1;
	for (unsigned i = 0; i < s->frame_count; i++)
		if (s->frames[i].due < at ||
		    (*frame >= 0 && s->frames[i].due == at &&
			s->frames[i].order < s->frames[*frame].order)) {
			at = s->frames[i].due;
			*frame = (int)i;
		}
	for (unsigned i = 0; i < s->count; i++)
		if (s->nodes[i].wake < at) {
			at = s->nodes[i].wake;
			*node = (int)i;
		}
	return at;
}

/* When somebody dials again, at most each second. */
static uint64_t next_dial(const struct sim *s, uint64_t dialled)
{
	uint64_t at = UINT64_MAX;

	for (unsigned a = 0; a < s->count; a++)
		for (unsigned b = 0; b < s->count; b++)
			if (a != b && !s->links[a][b].up &&
			    s->links[a][b].again < at)
				at = s->links[a][b].again;
	return at > dialled + 1000 ? at : dialled + 1000;
}

static void redial(struct sim *s)
{
	for (unsigned a = 0; a < s->count; a++)
		for (unsigned b = 0; b < s->count; b++)
			if (a != b && !s->links[a][b].up &&
			    s->links[a][b].again <= s->f->now.ms)
				sim_dial(s, a, b);
}

void sim_time(struct sim *s, uint64_t ms)
{
	uint64_t until = s->f->now.ms + ms, dialled = s->f->now.ms;
	int frame, node;

	redial(s);
	while (s->f->now.ms < until) {
		uint64_t dial = next_dial(s, dialled);
		uint64_t at =
		    next(s, dial < until ? dial : until, &frame, &node);

		if (at > s->f->now.ms)
			s->f->now.ms = at;
		if (node >= 0) {
			sim_turn_of(s, &s->nodes[node],
			    sim_event(&s->nodes[node], EVENT_TIMER));
		} else if (frame >= 0) {
			struct sim_frame f = s->frames[frame];

			take(s, (unsigned)frame);
			deliver(s, &f);
			free(f.bytes);
		}
		if (s->f->now.ms >= dial) {
			dialled = s->f->now.ms;
			redial(s);
		}
	}
}
