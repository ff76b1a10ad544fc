/*
 * stats: durations are sorted on disk, so that median and p95 are exact
 * however many there are.  The p-th of n is the one at rank ceil(p n).
 */
#include "client/stats.h"

#include "client/be.h"
#include "client/spill.h"
#include "proto/catalogue.h"

#include <stdlib.h>
#include <string.h>

#define SPILL_ROOM (UINT64_C(1) << 36) /* bytes; only what is used is taken */
#define HOUR_MS UINT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

struct counting {
	struct asking *q;
	enum stats_by by;
	struct stats *out;
	struct spill *times; /* (group, what, duration, serial) */
	uint64_t serial;
	struct book_history history;
};

/** What a row is put under: the act, and the country across. */
struct subject {
	struct hf_country peer;
	unsigned kind;
	struct instant at;
};

static void name_group(
    struct stats_group *g, enum stats_by by, const struct subject *s)
{
	static const char *const days[] = {"1 Monday", "2 Tuesday",
	    "3 Wednesday", "4 Thursday", "5 Friday", "6 Saturday", "7 Sunday"};

	switch (by) {
	case STATS_ALL:
		snprintf(g->name, sizeof(g->name), "all");
		return;
	case STATS_PEER:
		snprintf(g->name, sizeof(g->name), "%s", s->peer.s);
		return;
	case STATS_KIND:
		g->order = s->kind;
		snprintf(g->name, sizeof(g->name), "%s",
		    hf_code_name(HF_CODES_KIND, s->kind));
		return;
	case STATS_HOUR:
		g->order = (unsigned)(s->at.ms / HOUR_MS % 24);
		snprintf(g->name, sizeof(g->name), "%02u", g->order);
		return;
	case STATS_WEEKDAY: /* 1970-01-01 was a Thursday */
		g->order = (unsigned)((s->at.ms / DAY_MS + 3) % 7);
		snprintf(g->name, sizeof(g->name), "%s", days[g->order]);
		return;
	}
}

/* NULL when there is no room. */
static struct stats_group *group_of(struct counting *k, const struct subject *s)
{
	struct stats_group g = {.order = 0};
	struct stats *out = k->out;

	name_group(&g, k->by, s);
	for (unsigned i = 0; i < out->count; i++)
		if (strcmp(out->group[i].name, g.name) == 0)
			return &out->group[i];
	if (out->count == STATS_GROUPS_MAX)
		return NULL;
	out->group[out->count] = g;
	return &out->group[out->count++];
}

/* Clocks of two countries may differ: what ends before it begins took no
 * time. */
static enum hf_err put_time(struct counting *k, const struct subject *s,
    enum stats_time what, struct instant from, struct instant to)
{
	struct stats_group *g = group_of(k, s);
	uint64_t ms = to.ms > from.ms ? to.ms - from.ms : 0;
	uint8_t key[2 + 1 + 8 + 8];

	if (g == NULL)
		return HF_TOO_MANY;
	g->time[what].count++;
	be_put(key, (uint64_t)(g - k->out->group), 2);
	key[2] = (uint8_t)what;
	be_put(key + 3, ms, 8);
	be_put(key + 11, k->serial++, 8);
	return spill_put(k->times, (struct hf_bytes){key, sizeof(key)},
	    (struct hf_bytes){key, 0});
}

static struct subject subject_of(
    struct hf_country peer, unsigned kind, struct instant at)
{
	return (struct subject){peer, kind, at};
}

static enum hf_err count_acts(
    struct counting *k, struct hf_country peer, const struct book_case *c)
{
	for (unsigned i = 0; i < c->act_count; i++) {
		const struct book_act *a = &c->acts[i];
		struct subject s = subject_of(peer, a->kind, a->entered);
		struct stats_group *g = group_of(k, &s);

		if (g == NULL)
			return HF_TOO_MANY;
		g->acts++;
		g->cases +=
		    a->placed && a->track == HF_TRACK_ASKING && a->gen == 1;
	}
	return HF_OK;
}

/* When the asked side left `new` by an officer's act. */
static enum hf_err time_acknowledge(
    struct counting *k, struct hf_country peer, const struct hf_case *f)
{
	const struct hf_life_act *opening = &f->asking[0];
	struct subject s = subject_of(peer, opening->kind, opening->entered);

	for (uint32_t gen = 1; gen <= f->asked_folded; gen++) {
		const struct hf_kind_info *kind =
		    hf_kind_info(f->asked[gen - 1].kind);

		if (f->s[gen].phase == HF_ASKED_NEW)
			continue;
		if (kind != NULL && kind->machine)
			return HF_OK;
		return put_time(k, &s, STATS_ACKNOWLEDGE, opening->entered,
		    f->asked[gen - 1].entered);
	}
	return HF_OK;
}

static enum hf_err time_decisions(
    struct counting *k, struct hf_country peer, const struct hf_case *f)
{
	enum hf_err err = HF_OK;

	for (uint32_t gen = 1; gen <= f->asked_folded && err == HF_OK; gen++)
		for (uint32_t i = f->s[gen - 1].ask_count;
		     i < f->s[gen].ask_count && err == HF_OK; i++) {
			const struct hf_life_act *ask =
			    &f->asking[f->s[gen].answered[i].gen - 1];
			struct subject s =
			    subject_of(peer, ask->kind, ask->entered);

			err = put_time(k, &s, STATS_DECIDE, ask->entered,
			    f->asked[gen - 1].entered);
		}
	return err;
}

static enum hf_err time_hop(
    struct counting *k, struct hf_country peer, const struct hf_case *f)
{
	const struct hf_life_act *opening = &f->asking[0], *accept = NULL;
	struct subject s = subject_of(peer, opening->kind, opening->entered);

	for (uint32_t i = 0; i < f->asked_folded; i++) {
		const struct hf_life_act *act = &f->asked[i];

		if (act->clause != 0)
			continue;
		if (act->kind == HF_KIND_ACCEPT && accept == NULL)
			accept = act;
		if ((act->kind == HF_KIND_HOP ||
			act->kind == HF_KIND_WITHHELD_HOP) &&
		    accept != NULL)
			return put_time(
			    k, &s, STATS_HOP, accept->entered, act->entered);
	}
	return HF_OK;
}

static enum hf_err count_dues(
    struct counting *k, struct hf_country peer, const struct book_case *c)
{
	for (unsigned i = 0; i < k->history.due_count; i++) {
		const struct book_due *d = &k->history.due[i];
		const struct hf_life_act *act =
		    &c->held[d->due.track][d->due.gen - 1];
		struct subject s = subject_of(peer, act->kind, act->entered);
		struct stats_group *g = group_of(k, &s);

		if (g == NULL)
			return HF_TOO_MANY;
		g->kept += d->end == BOOK_DUE_KEPT;
		g->missed += d->end == BOOK_DUE_PASSED;
	}
	return HF_OK;
}

static enum hf_err see_case(
    struct counting *k, const struct book *b, struct book_case *c)
{
	struct hf_country peer = book_peer(b, c);
	enum hf_err err = count_acts(k, peer, c);

	k->q->cut += c->cut;
	if (err != HF_OK || !c->has_opening)
		return err;
	book_history(b, c, k->q->now, &k->history);
	err = time_acknowledge(k, peer, &c->fold);
	if (err == HF_OK)
		err = time_decisions(k, peer, &c->fold);
	if (err == HF_OK)
		err = time_hop(k, peer, &c->fold);
	return err == HF_OK ? count_dues(k, peer, c) : err;
}

/* Rank of the p-th percent of n, from 1. */
static uint64_t rank(uint64_t n, unsigned percent)
{
	return (n * percent + 99) / 100;
}

static enum hf_err rank_times(struct counting *k)
{
	uint64_t seen[STATS_GROUPS_MAX][STATS_TIMES] = {{0}};
	struct hf_bytes key, value;
	enum hf_err err;

	while ((err = spill_next(k->times, &key, &value)) == HF_OK) {
		uint64_t group = be_get(key.data, 2);
		unsigned what = key.data[2];
		struct stats_group *g = &k->out->group[group];
		uint64_t n = ++seen[group][what];

		if (n == rank(g->time[what].count, 50))
			g->time[what].median_ms = be_get(key.data + 3, 8);
		if (n == rank(g->time[what].count, 95))
			g->time[what].p95_ms = be_get(key.data + 3, 8);
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

static int compare(const void *x, const void *y)
{
	const struct stats_group *a = x, *b = y;

	return a->order != b->order
		   ? (a->order > b->order) - (a->order < b->order)
		   : strcmp(a->name, b->name);
}

static enum hf_err count_all(struct counting *k, struct book *b)
{
	struct book_case *c;
	enum hf_err err;

	k->q->unreadable = book_unreadable(b);
	if (k->q->now.ms == 0)
		k->q->now = book_end(b);
	while ((err = book_next(b, &c)) == HF_OK) {
		err = see_case(k, b, c);
		if (err != HF_OK)
			return err;
	}
	return err == HF_NOTFOUND ? rank_times(k) : err;
}

enum hf_err stats_count(struct asking *q, enum stats_by by, struct stats *out)
{
	struct counting *k = calloc(1, sizeof(*k));
	struct book *b = NULL;
	enum hf_err err = HF_NOMEM;

	memset(out, 0, sizeof(*out));
	if (k == NULL)
		return err;
	k->q = q;
	k->by = by;
	k->out = out;
	err = spill_new(&k->times, archive_dir(q->archive), SPILL_ROOM);
	if (err == HF_OK)
		err = book_new(&b, q->archive, q->roster, NULL, NULL);
	if (err == HF_OK)
		err = count_all(k, b);
	if (err == HF_OK)
		qsort(out->group, out->count, sizeof(*out->group), compare);
	book_free(b);
	spill_free(k->times);
	free(k);
	return err;
}
