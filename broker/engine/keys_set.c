/*
 * keys_set: whom the gates admit and whom the peers' gate dials.
 *
 * The set follows from the roster and the time.  A change of either is an
 * effect; what the gates know is a copy that saves work, for each frame is
 * judged by the roster again.
 */
#include "broker/engine/intake.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000u
#define TERM_WARN_MS (14u * DAY_MS)
#define TERM_AGAIN_MS DAY_MS

struct key_list {
	unsigned count, capacity;
	bool failed;
	struct hf_key *keys;
};

static bool officer_speaks(
    const struct engine *e, const struct officer_entry *o, struct instant now)
{
	const struct officer_entry *found;

	return roster_officer_now(e->roster, hf_desk_country(&o->desk),
		   &o->sign, now, &found) == HF_OK;
}

bool keys_broker_speaks(const struct engine *e, struct hf_country c,
    const struct broker_entry *broker, struct instant now)
{
	bool in_term = broker != NULL && now.ms >= broker->valid_from.ms &&
		       now.ms < broker->valid_until.ms;

	/* a clock that is in doubt ends nobody's term */
	return broker != NULL && (in_term || !e->clock_certain) &&
	       roster_revocation(e->roster, c, &broker->ledger) == NULL;
}

void engine_keys(const struct engine *e, bool peers, struct instant now,
    void (*each)(void *ctx, const struct hf_key *key), void *ctx)
{
	const struct country_doc *d;

	for (unsigned i = 0; (d = roster_at(e->roster, i)) != NULL; i++) {
		bool own = same_country(&d->head.country, &e->options.country);

		for (unsigned k = 0; k < d->entry_count; k++) {
			const struct country_entry *entry = &d->entries[k];

			if (!peers && own && entry->type == ENTRY_OFFICER &&
			    officer_speaks(e, &entry->u.officer, now))
				each(ctx, &entry->u.officer.transport);
			if (peers && !own && entry->type == ENTRY_BROKER &&
			    keys_broker_speaks(
				e, d->head.country, &entry->u.broker, now))
				each(ctx, &entry->u.broker.transport);
		}
	}
}

void engine_dials(const struct engine *e,
    void (*each)(void *ctx, struct hf_country c, const struct hf_key *key,
	const struct broker_entry *broker),
    void *ctx)
{
	const struct country_doc *d;

	for (unsigned i = 0; (d = roster_at(e->roster, i)) != NULL; i++) {
		struct hf_country c = d->head.country;
		const struct broker_entry *b = roster_broker(e->roster, c);

		if (keys_broker_speaks(e, c, b, e->now) &&
		    !same_country(&c, &e->options.country))
			each(ctx, c, &b->transport, b);
	}
}

/* ---- time ---- */

static void sooner(struct instant *at, struct instant other, struct instant now)
{
	if (other.ms > now.ms && (at->ms == 0 || other.ms < at->ms))
		*at = other;
}

/* The next time at which an officer of ours or a broker begins or ceases to
 * speak. */
static struct instant next_change(const struct engine *e, struct instant now)
{
	const struct country_doc *d;
	struct instant at = {0};

	for (unsigned i = 0; (d = roster_at(e->roster, i)) != NULL; i++) {
		bool own = same_country(&d->head.country, &e->options.country);

		for (unsigned k = 0; k < d->entry_count; k++) {
			const struct country_entry *entry = &d->entries[k];

			if (own && entry->type == ENTRY_OFFICER) {
				sooner(&at, entry->u.officer.valid_from, now);
				sooner(&at, entry->u.officer.valid_until, now);
			}
			if (own && entry->type == ENTRY_REVOCATION)
				sooner(&at, entry->u.revocation.revoked, now);
			if (entry->type == ENTRY_BROKER) {
				sooner(&at, entry->u.broker.valid_from, now);
				sooner(&at, entry->u.broker.valid_until, now);
			}
		}
	}
	return at;
}

/* Told in time, once a day: an end must not come as a surprise. */
static void tell_ends(struct engine *e)
{
	const struct country_doc *d;

	if (e->mono_ms < e->term_mono)
		return;
	e->term_mono = e->mono_ms + TERM_AGAIN_MS;
	for (unsigned i = 0; (d = roster_at(e->roster, i)) != NULL; i++) {
		struct hf_country c = d->head.country;
		const struct broker_entry *b = roster_broker(e->roster, c);

		if (e->clock_certain && keys_broker_speaks(e, c, b, e->now) &&
		    b->valid_until.ms - e->now.ms < TERM_WARN_MS)
			effect_log(e, HF_TERM_ENDS, "broker-term-ends", NULL,
			    NULL, c.s);
	}
}

void keys_run(struct engine *e)
{
	bool passed = e->keys_at.ms != 0 && e->now.ms >= e->keys_at.ms;

	if (passed && !e->roster_changed) {
		effect_simple(e, EFFECT_KEYS, NULL, 0);
		effect_simple(e, EFFECT_DIAL, NULL, 0);
	}
	if (passed || e->roster_changed || e->keys_at.ms == 0)
		e->keys_at = next_change(e, e->now);
	if (e->roster_changed)
		e->term_mono = 0;
	tell_ends(e);
}

/* ---- who is gone after a change of the roster ---- */

static void take_key(void *ctx, const struct hf_key *key)
{
	struct key_list *l = ctx;

	if (l->count == l->capacity && !l->failed) {
		unsigned capacity = l->capacity == 0 ? 64 : 2 * l->capacity;
		struct hf_key *grown =
		    realloc(l->keys, capacity * sizeof(*grown));

		l->failed = grown == NULL;
		if (grown != NULL) {
			l->keys = grown;
			l->capacity = capacity;
		}
	}
	if (!l->failed)
		l->keys[l->count++] = *key;
}

static void free_list(struct key_list *l)
{
	if (l == NULL)
		return;
	free(l->keys);
	free(l);
}

static int by_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hf_key));
}

enum hf_err keys_admitted(const struct engine *e, struct key_list **out)
{
	struct key_list *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (l == NULL)
		return HF_NOMEM;
	engine_keys(e, false, e->now, take_key, l);
	engine_keys(e, true, e->now, take_key, l);
	if (l->failed) {
		free_list(l);
		return HF_NOMEM;
	}
	if (l->count > 0)
		qsort(l->keys, l->count, sizeof(*l->keys), by_key);
	*out = l;
	return HF_OK;
}

enum hf_err keys_cut_gone(struct engine *e, struct key_list *before)
{
	struct key_list *after;
	enum hf_err err = keys_admitted(e, &after);

	for (unsigned i = 0; err == HF_OK && i < before->count; i++)
		if (after->count == 0 ||
		    bsearch(&before->keys[i], after->keys, after->count,
			sizeof(*after->keys), by_key) == NULL)
			effect_simple(e, EFFECT_CUT, &before->keys[i], 0);
	free_list(before);
	free_list(err == HF_OK ? after : NULL);
	return err;
}
