/* What is done while operations are noted. */
#include "tests/crash/crash.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static struct ack *acknowledged(struct work *w, const struct node *n)
{
	struct ack *a = &w->acks[w->count++];

	cr_assert_leq(w->count, ACKS_MAX, "too many acts");
	a->node = n;
	a->at = record_mark(n->dir);
	a->head = n->size;
	w->now = w->fed->now;
	return a;
}

/* Submit at home and carry to the other side. */
static struct hf_id send_act(struct work *w, struct draft *d, struct node *to)
{
	struct signed_act *a = malloc(sizeof(*a));
	struct intake_result result = {0};
	struct ack *ack;

	cr_assert_not_null(a);
	EXPECT("submit", draft_submit(d, a, &result), HF_OK);
	ack = acknowledged(w, d->node);
	ack->act = a->id;
	ack->case_id = a->case_id;
	ack->own = a;
	ack->officer = d->author;
	EXPECT("carry", fed_carry(d->node, to, &a->id, NULL), HF_OK);
	ack = acknowledged(w, to);
	ack->act = a->id;
	ack->case_id = a->case_id;
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
		ack->erased = true;
		ack->case_id = *gone;
	}
}

static void one_case(struct work *w, unsigned i)
{
	struct federation *f = w->fed;
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct draft d;
	struct hf_id id;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	id = send_act(w, &d, us);
	draft_next(&d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
	send_act(w, &d, jp);
	if (i % 4 == 3) { /* stays open */
		draft_accept(&d, f, "us.ncp", &id, 5);
		send_act(w, &d, jp);
	} else {
		draft_next(&d, f, "jp.ncp", HF_KIND_WITHDRAW, HF_TRACK_ASKING,
		    &id, NULL);
		send_act(w, &d, us);
		fed_wait(f, 4);
		w->now = f->now;
		tick(w, &id);
	}
	if (i % 4 == 1) {
		node_restart(jp);
		node_restart(us);
	}
}

void work_run(struct work *w, unsigned cases)
{
	struct federation *f = w->fed;

	if (f == NULL)
		w->fed = f = fed_new("JP", "US", NULL);
	for (unsigned i = 0; i < f->count; i++)
		f->nodes[i].remembers = true;
	fed_start(f);
	for (unsigned i = 0; i < f->count; i++) {
		w->serving[i] = record_log(f->nodes[i].dir)->count;
		memcpy(w->dir[i], f->nodes[i].dir, sizeof(w->dir[i]));
	}
	for (unsigned i = 0; i < cases; i++)
		one_case(w, i);
}
