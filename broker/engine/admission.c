/*
 * admission: quotas and shares (SPEC 12.13), before a signature is looked at.
 *
 * A desk and a peer have a bucket for each urgency, filled by time.  What it
 * claims to be is taken at its word: an empty bucket falls back to the next
 * lower one, so that a claim gains no more than the sender's own share of that
 * class.  Nor may routine work fill the queue: a part of it is kept for
 * urgent work and a part for emergencies, whoever brings them.
 */
#include "broker/engine/desk.h"
#include "broker/engine/link.h"

#include <stdlib.h>
#include <string.h>

#define CLASSES 4u /* the three of enum hf_urgency, and reads */
#define READS 3u
#define BUCKETS_MAX (HF_DOC_ENTRIES_MAX + HF_COUNTRY_MAX)
#define BURST_PARTS 6u    /* of a minute's worth, at once */
#define UNIT 60000u       /* a token: one a minute fills one unit a ms */
#define RETRY_MIN_MS 250u /* what a queue needs to be worked off */

struct bucket {
	char name[HF_DESK_MAX + 1]; /* a desk, or a country */
	uint64_t filled_ms;
	uint64_t units[CLASSES];
	bool lost; /* table.h */
	UT_hash_handle hh;
};

struct admission {
	struct bucket *buckets;
	uint64_t busy;
};

struct admission *admission_new(void)
{
	return calloc(1, sizeof(struct admission));
}

void admission_free(struct admission *a)
{
	struct bucket *b, *next;

	if (a == NULL)
		return;
	HASH_ITER (hh, a->buckets, b, next) {
		HASH_DEL(a->buckets, b);
		free(b);
	}
	free(a);
}

uint64_t admission_busy(const struct admission *a)
{
	return a->busy;
}

/* ---- buckets ---- */

static uint32_t rate(const struct engine *e, bool peer, unsigned class)
{
	const struct admission_options *o = &e->options.admission;

	if (class == READS)
		return peer ? o->peer_frames : o->desk_reads;
	return peer ? o->peer_acts[class] : o->desk_acts[class];
}

static uint64_t most(uint32_t a_minute)
{
	uint64_t units = (uint64_t)a_minute * UNIT / BURST_PARTS;

	/* a whole batch must fit once */
	return units < LINK_BATCH_ACTS * UNIT ? LINK_BATCH_ACTS * UNIT : units;
}

static struct bucket *bucket_of(
    struct engine *e, const char *name, bool peer, uint64_t now)
{
	struct admission *a = e->admission;
	struct bucket *b = NULL;

	HASH_FIND_STR(a->buckets, name, b);
	if (b != NULL)
		return b;
	if (HASH_COUNT(a->buckets) >= BUCKETS_MAX ||
	    (b = calloc(1, sizeof(*b))) == NULL)
		return NULL;
	memcpy(b->name, name, strlen(name) + 1);
	b->filled_ms = now;
	for (unsigned i = 0; i < CLASSES; i++)
		b->units[i] = most(rate(e, peer, i));
	HASH_ADD_STR(a->buckets, name, b);
	if (b->lost) {
		free(b);
		return NULL;
	}
	return b;
}

static void fill(
    const struct engine *e, struct bucket *b, bool peer, uint64_t now)
{
	uint64_t ms = now > b->filled_ms ? now - b->filled_ms : 0;

	/* longer fills the slowest whole, and the product stays small */
	if (ms > LINK_BATCH_ACTS * UNIT)
		ms = LINK_BATCH_ACTS * UNIT;
	b->filled_ms = now;
	for (unsigned i = 0; i < CLASSES; i++) {
		uint32_t r = rate(e, peer, i);

		b->units[i] += ms * r;
		if (b->units[i] > most(r))
			b->units[i] = most(r);
	}
}

/* Take `count` tokens.  0: taken; else ms until there are enough. */
static uint64_t take(
    struct bucket *b, uint32_t a_minute, unsigned class, unsigned count)
{
	uint64_t wanted = (uint64_t)count * UNIT;

	if (a_minute == 0)
		return 0;
	if (b->units[class] < wanted)
		return (wanted - b->units[class]) / a_minute + 1;
	b->units[class] -= wanted;
	return 0;
}

/* ---- shares of the queue ---- */

/* Routine work may fill half of it, urgent three quarters. */
static bool queue_has_room(
    const struct queued *q, unsigned urgency, unsigned count)
{
	unsigned waiting = count;

	for (unsigned i = 0; i < 3; i++)
		waiting += q->waiting[i];
	return waiting <= q->room / 4 * (2 + urgency);
}

/* ---- what a frame is ---- */

struct claim {
	bool peer;
	char name[HF_DESK_MAX + 1];
	unsigned class; /* enum hf_urgency or READS */
	unsigned count;
	uint64_t request; /* a desk's */
};

/* An act that opens nothing and names no urgency goes on with a case. */
static unsigned urgency_of(struct hf_bytes bytes, unsigned fallback)
{
	struct hf_envelope envelope;

	if (hf_act_peek(&envelope, bytes.data, bytes.size) != HF_OK)
		return fallback;
	return HF_HAS(&envelope, HF_E_URGENCY) ? envelope.urgency : HF_URGENT;
}

static bool desk_claim(
    const struct engine *e, const struct event *ev, struct claim *c)
{
	const struct officer_entry *o = roster_officer_by_transport(
	    e->roster, e->options.country, &ev->key);
	struct request r = {.op = 0};
	enum hf_err err;

	if (o == NULL)
		return false; /* the turn cuts it */
	memcpy(c->name, o->desk.s, sizeof(c->name));
	err = desk_parse(&r, ev->frame);
	c->request = r.id;
	if (!r.has_id)
		return false; /* cut as well */
	c->count = 1;
	c->class = READS;
	if (err == HF_OK && r.op == HF_OP_SUBMIT && r.arg[1].has)
		c->class = urgency_of(r.arg[1].bytes, READS);
	return true;
}

static void batch_claim(struct claim *c, struct wire *w)
{
	struct link_acts acts;

	wire_skip(w); /* sequence */
	if (link_read_acts(w, &acts) != HF_OK)
		return;
	c->class = HF_ROUTINE;
	c->count = acts.count;
	for (unsigned i = 0; i < acts.count; i++) {
		unsigned u = urgency_of(acts.row[i].act, HF_ROUTINE);

		c->class = u > c->class ? u : c->class;
	}
}

static bool peer_claim(
    const struct engine *e, const struct event *ev, struct claim *c)
{
	struct hf_country country;
	struct wire w;

	if (roster_broker_by_transport(e->roster, &ev->key, &country) == NULL)
		return false;
	c->peer = true;
	memcpy(c->name, country.s, sizeof(country.s));
	c->class = READS;
	c->count = 1;
	wire_init(&w, ev->frame.data, ev->frame.size);
	wire_array(&w, 3, 3);
	if (wire_uint(&w, UINT16_MAX) == HF_LINK_BATCH)
		batch_claim(c, &w);
	return true;
}

/* ---- the answer ---- */

static void say_busy(
    const struct claim *c, uint64_t wait, struct admitted_as *as)
{
	struct pack p;

	if (wait < RETRY_MIN_MS)
		wait = RETRY_MIN_MS;
	if (wait > LINK_BUSY_MAX_MS)
		wait = LINK_BUSY_MAX_MS;
	pack_init(&p, as->answer, sizeof(as->answer));
	if (c->peer) {
		pack_array(&p, 2);
		pack_uint(&p, HF_LINK_BUSY);
	} else {
		pack_array(&p, 4);
		pack_uint(&p, HF_RESPONSE);
		pack_uint(&p, c->request);
		pack_uint(&p, HF_BUSY);
		pack_map(&p, 1);
		pack_uint(&p, 8);
	}
	pack_uint(&p, wait);
	as->answer_size = packed(&p).size;
}

/* In the class it claims, or in a lower one.  0: it may come. */
static uint64_t wait_of(const struct engine *e, struct bucket *b,
    const struct claim *c, const struct queued *q, unsigned *urgency)
{
	uint64_t wait = 0, w;
	unsigned class = c->class;

	*urgency = HF_ROUTINE;
	if (class == READS)
		return take(b, rate(e, c->peer, READS), READS, 1);
	for (;; class --) {
		w = RETRY_MIN_MS;
		if (queue_has_room(q, class, c->count))
			w = take(b, rate(e, c->peer, class), class, c->count);
		*urgency = class;
		if (w == 0)
			return 0;
		wait = wait == 0 || w < wait ? w : wait;
		if (class == HF_ROUTINE)
			return wait;
	}
}

enum hf_err engine_admit(struct engine *e, const struct event *ev,
    const struct queued *queue, struct admitted_as *as)
{
	struct claim c = {.peer = false};
	struct bucket *b;
	uint64_t wait = RETRY_MIN_MS;
	bool known = ev->type == EVENT_PEER_FRAME ? peer_claim(e, ev, &c)
						  : desk_claim(e, ev, &c);

	*as = (struct admitted_as){.count = 1};
	if (!known)
		return HF_OK;
	b = bucket_of(e, c.name, c.peer, ev->mono_ms);
	if (b != NULL) {
		fill(e, b, c.peer, ev->mono_ms);
		wait = wait_of(e, b, &c, queue, &as->urgency);
	}
	as->count = c.count;
	if (wait == 0)
		return HF_OK;
	e->admission->busy++;
	say_busy(&c, wait, as);
	return HF_BUSY;
}
