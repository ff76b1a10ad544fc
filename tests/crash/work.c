/* What is done while operations are noted. */
#include "tests/broker/wires.h"
#include "tests/crash/crash.h"
#include "tests/proto/chance.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <sodium.h>

/* ---- chance ---- */

static struct chance sodium_chance;

static const char *chance_name(void)
{
	return "seeded";
}

static uint32_t chance_word(void)
{
	return (uint32_t)chance_next(&sodium_chance);
}

static void chance_bytes(void *const buf, const size_t size)
{
	chance_fill(&sodium_chance, buf, size);
}

void work_seed(uint64_t seed)
{
	static struct randombytes_implementation seeded = {
	    .implementation_name = chance_name,
	    .random = chance_word,
	    .buf = chance_bytes};

	sodium_chance.state = seed;
	randombytes_set_implementation(&seeded);
}

/* ---- acknowledgements ---- */

unsigned work_level(const struct work *w, const struct node *n, size_t at)
{
	unsigned level = at >= w->serving[n - w->fed->nodes];

	for (unsigned i = 0; i < w->count; i++)
		level += w->acks[i].node == n && w->acks[i].at <= at;
	return level;
}

static uint64_t cosigned_by(const struct work *w, const struct node *n)
{
	char origin[HF_ORIGIN_MAX];
	uint64_t size = 0;

	if (n->cosigner == NULL)
		return 0;
	for (unsigned i = 0; i < w->fed->count; i++) {
		if (&w->fed->nodes[i] == n)
			continue;
		hf_origin(origin, w->fed->nodes[i].country, 1);
		size = witness_size(n->cosigner, origin);
	}
	return size;
}

static struct ack *acknowledged(struct work *w, const struct node *n)
{
	struct ack *a = &w->acks[w->count++];

	cr_assert_leq(w->count, ACKS_MAX, "too many acts");
	a->node = n;
	a->at = record_mark(n->dir);
	a->head = n->size;
	a->cosigned = cosigned_by(w, n);
	w->now = w->fed->now;
	return a;
}

static void acknowledged_act(
    struct work *w, const struct node *n, struct hf_id act, struct hf_id of)
{
	struct ack *a = acknowledged(w, n);

	a->what = ACK_ACT;
	a->act = act;
	a->case_id = of;
}

static bool says_more(const struct work *w, const struct node *n)
{
	for (unsigned i = w->count; i-- > 0;)
		if (w->acks[i].node == n)
			return n->size > w->acks[i].head ||
			       cosigned_by(w, n) > w->acks[i].cosigned;
	return true;
}

/* A frame leaves for another broker: what its sender has entered, signed and
 * cosigned by now is told. */
static void on_effect(struct node *n, const struct effect *e, void *ctx)
{
	struct work *w = ctx;
	uint64_t index;

	if (e->type == EFFECT_PEER_SEND && n == w->sent_to) {
		node_look(n);
		if (ledger_index_of(n->engine, &w->sent, &index) == HF_OK)
			w->sent_to = NULL;
		node_look_end(n);
		if (w->sent_to == NULL)
			acknowledged_act(w, n, w->sent, w->sent_case);
	}
	if (e->type == EFFECT_PEER_SEND && says_more(w, n))
		acknowledged(w, n);
	w->wires_carry(n, e, w->wires);
}

/* ---- links ---- */

static void links_up(struct work *w)
{
	wires_connect_all(w->wires);
	wires_run(w->wires);
}

static void links_begin(struct work *w)
{
	w->wires = wires_new(w->fed, 1);
	w->wires_carry = w->fed->nodes[0].carry;
	for (unsigned i = 0; i < w->fed->count; i++) {
		w->fed->nodes[i].carry = on_effect;
		w->fed->nodes[i].carry_ctx = w;
	}
	links_up(w);
}

static void pass(struct work *w, unsigned seconds)
{
	if (w->wires != NULL)
		wires_run_for(w->wires, seconds * 1000u, 1000);
	else
		fed_wait(w->fed, seconds);
}

static void carry_act(
    struct work *w, struct node *from, struct node *to, const struct hf_id *act)
{
	if (w->wires == NULL) {
		EXPECT("carry", fed_carry(from, to, act, NULL), HF_OK);
		acknowledged_act(w, to, *act, w->sent_case);
		return;
	}
	w->sent = *act;
	w->sent_to = to;
	for (unsigned i = 0; w->sent_to != NULL; i++) {
		cr_assert_lt(i, 60, "the link does not carry it");
		wires_run_for(w->wires, 1000, 500);
	}
}

/* ---- cases ---- */

/* Submit at home and carry to the other side. */
static struct hf_id send_act(struct work *w, struct draft *d, struct node *to)
{
	struct signed_act *a = malloc(sizeof(*a));
	struct intake_result result = {0};

	cr_assert_not_null(a);
	EXPECT("submit", draft_submit(d, a, &result), HF_OK);
	acknowledged_act(w, d->node, a->id, a->case_id);
	w->acks[w->count - 1].own = a;
	w->acks[w->count - 1].officer = d->author;
	w->sent_case = a->case_id;
	carry_act(w, d->node, to, &a->id);
	return a->id;
}

static void tick(struct work *w, const struct hf_id *gone)
{
	for (unsigned i = 0; i < w->fed->count; i++) {
		struct node *n = &w->fed->nodes[i];
		struct ack *ack;

		turn_begin(n);
		turn_end(n);
		if (gone == NULL || !node_case(n, gone).erased)
			continue;
		ack = acknowledged(w, n);
		ack->what = ACK_ERASED;
		ack->case_id = *gone;
	}
}

static void restart(struct work *w, bool first, bool second)
{
	if (!first && !second)
		return;
	if (w->wires != NULL)
		wires_cut(w->wires, "JP", "US");
	if (first)
		node_restart(fed_node(w->fed, "JP"));
	if (second)
		node_restart(fed_node(w->fed, "US"));
	if (w->wires != NULL)
		links_up(w);
}

/* What happens in a case. */
struct plot {
	bool from_us; /* else JP asks US */
	unsigned notes, more_notes;
	bool stays_open;
	bool jp_restarts, us_restarts;
};

static void one_case(struct work *w, const struct plot *p)
{
	struct federation *f = w->fed;
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct node *asks = p->from_us ? us : jp, *asked = p->from_us ? jp : us;
	const char *asker = p->from_us ? "us.ncp" : "jp.ncp";
	const char *other = p->from_us ? "jp.ncp" : "us.ncp";
	struct draft d;
	struct hf_id id;

	draft_open(&d, f, asker, HF_KIND_REQUEST, other);
	id = send_act(w, &d, asked);
	for (unsigned i = 0; i < p->notes; i++) {
		draft_next(
		    &d, f, other, HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
		send_act(w, &d, asks);
	}
	for (unsigned i = 0; i < p->more_notes; i++) {
		draft_next(
		    &d, f, asker, HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
		send_act(w, &d, asked);
	}
	if (p->stays_open) {
		draft_accept(&d, f, other, &id, 5);
		send_act(w, &d, asks);
	} else {
		draft_next(
		    &d, f, asker, HF_KIND_WITHDRAW, HF_TRACK_ASKING, &id, NULL);
		send_act(w, &d, asked);
		pass(w, 4);
		w->now = f->now;
		tick(w, &id);
	}
	restart(w, p->jp_restarts, p->us_restarts);
	if (w->wires != NULL)
		pass(w, 6); /* heads go over, and come back cosigned */
}

static struct plot same_plot(unsigned i)
{
	return (struct plot){.notes = 1,
	    .stays_open = i % 4 == 3,
	    .jp_restarts = i % 4 == 1,
	    .us_restarts = i % 4 == 1};
}

static struct plot drawn_plot(uint64_t *seed)
{
	return (struct plot){.from_us = chance(seed) % 2 == 0,
	    .notes = (unsigned)(chance(seed) % 3),
	    .more_notes = (unsigned)(chance(seed) % 2),
	    .stays_open = chance(seed) % 3 == 0,
	    .jp_restarts = chance(seed) % 4 == 0,
	    .us_restarts = chance(seed) % 4 == 0};
}

void work_run(struct work *w, const struct work_plan *plan)
{
	struct federation *f = w->fed;
	uint64_t seed = plan->seed;

	if (f == NULL)
		w->fed = f = fed_new("JP", "US", NULL);
	for (unsigned i = 0; i < f->count; i++)
		f->nodes[i].remembers = true;
	fed_start(f);
	for (unsigned i = 0; i < f->count; i++) {
		w->serving[i] = record_log(f->nodes[i].dir)->count;
		memcpy(w->dir[i], f->nodes[i].dir, sizeof(w->dir[i]));
	}
	if (plan->links)
		links_begin(w);
	for (unsigned i = 0; i < plan->cases; i++) {
		struct plot plot =
		    plan->seed == 0 ? same_plot(i) : drawn_plot(&seed);

		one_case(w, &plot);
	}
}
