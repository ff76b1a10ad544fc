/*
 * case_history: the deadlines that a case had are found by living it again:
 * after each act of it, in the order of this ledger, it is folded as far as the
 * broker then held it, and its deadlines are those of SPEC 12.7 until the next
 * one comes.  A broker that is down, or does not know the time, runs no
 * deadline; what falls into such a time is due at its end.
 */
#include "client/casebook.h"

#include <string.h>

static bool same_due(const struct hf_due *a, const struct hf_due *b)
{
	return a->type == b->type && a->track == b->track && a->gen == b->gen &&
	       a->at.ms == b->at.ms;
}

static bool is_stated(const struct book_case *c, const struct hf_due *d)
{
	for (unsigned i = 0; i < c->statement_count; i++)
		if ((c->statements[i].type == HF_ENTRY_PENDING ||
			c->statements[i].type == HF_ENTRY_ABSENT) &&
		    c->statements[i].code == (unsigned)d->type &&
		    c->statements[i].at.ms >= d->at.ms)
			return true;
	return false;
}

/* Did it come between two acts of the case?  A broker may be a little late;
 * in that time its own statement decides. */
static void see_due(const struct book *b, const struct book_case *c,
    struct book_due *d, struct instant since, struct instant next)
{
	struct instant fell = d->due.at.ms > since.ms ? d->due.at : since;

	fell = book_lit(b, fell);
	if (fell.ms >= next.ms)
		return;
	d->sure = next.ms - fell.ms >= BOOK_SLACK_MS;
	if (!d->sure && !is_stated(c, &d->due))
		return;
	d->end = BOOK_DUE_PASSED;
	d->fell = fell;
}

/* The deadlines of the moment: those that go on, those that are new, and
 * those that are gone because something was done. */
static void live_on(struct book_history *h, unsigned *running,
    const struct hf_due *due, unsigned count)
{
	for (unsigned i = *running; i < h->due_count; i++) {
		bool there = false;

		for (unsigned k = 0; k < count; k++)
			there |= same_due(&h->due[i].due, &due[k]);
		if (!there && h->due[i].end == BOOK_DUE_RUNS)
			h->due[i].end = BOOK_DUE_KEPT;
	}
	while (*running < h->due_count && h->due[*running].end == BOOK_DUE_KEPT)
		(*running)++;
	for (unsigned k = 0; k < count; k++) {
		bool held = false;

		for (unsigned i = *running; i < h->due_count; i++)
			held |= h->due[i].end != BOOK_DUE_KEPT &&
				same_due(&h->due[i].due, &due[k]);
		if (!held && h->due_count < BOOK_DUES_MAX)
			h->due[h->due_count++].due = due[k];
	}
}

void book_history(const struct book *b, struct book_case *c, struct instant now,
    struct book_history *h)
{
	const struct book_statement *erased = book_stated(c, HF_ENTRY_ERASED);
	struct hf_due due[HF_DUES_MAX];
	unsigned running = 0;

	memset(h, 0, sizeof(*h));
	for (unsigned i = 0; i < c->act_count; i++) {
		const struct book_act *a = &c->acts[i];
		struct instant next = now;
		unsigned count = 0, k = i + 1;

		if (a->track > HF_TRACK_ASKED || !book_fold(c, a->index + 1))
			continue;
		if (erased == NULL || erased->index > a->index)
			count = hf_case_deadlines(
			    &c->fold, c->opened, c->sides, due, HF_DUES_MAX);
		if (!hf_case_ended(&c->fold))
			h->ended.ms = 0;
		else if (h->ended.ms == 0)
			h->ended = a->here;
		while (k < c->act_count && c->acts[k].track > HF_TRACK_ASKED)
			k++;
		if (k < c->act_count)
			next = c->acts[k].here;
		if (erased != NULL && erased->index > a->index &&
		    (k == c->act_count || erased->index < c->acts[k].index))
			next = erased->at;
		live_on(h, &running, due, count);
		for (unsigned d = running; d < h->due_count; d++)
			if (h->due[d].end == BOOK_DUE_RUNS)
				see_due(b, c, &h->due[d], a->here, next);
	}
	if (c->has_opening)
		(void)book_fold(c, UINT64_MAX);
}
