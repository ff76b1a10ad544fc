/*
 * crowd: how many connections there may be, and who goes when there are more.
 *
 * Strangers never take an authenticated connection's place: they have a room
 * of their own.  When it is full the oldest stranger of the address that has
 * most of them goes, so that a crowd pushes out itself and one newcomer from
 * elsewhere has time for his handshake.
 */
#include "broker/gate/internal.h"

#include <stdlib.h>

static struct source *source_of(struct gate *g, in_addr_t address)
{
	struct source *s = NULL;

	HASH_FIND(hh, g->sources, &address, sizeof(address), s);
	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->address = address;
	HASH_ADD(hh, g->sources, address, sizeof(s->address), s);
	if (!s->lost)
		return s;
	free(s);
	return NULL;
}

static struct source *largest(const struct gate *g)
{
	struct source *most = NULL;

	for (struct source *s = g->sources; s != NULL; s = s->hh.next)
		if (most == NULL || s->pending > most->pending)
			most = s;
	return most;
}

static struct connection *oldest_of(
    const struct gate *g, const struct source *s)
{
	for (struct connection *c = g->pending; c != NULL; c = c->next)
		if (c->source == s)
			return c;
	return NULL;
}

static void turn_away(struct gate *g, struct connection *c)
{
	if (c == NULL)
		return;
	g->crowded++;
	g->cut_count++;
	gate_cut(g, c);
}

enum hf_err gate_crowd_add(struct gate *g, struct connection *c)
{
	struct source *s = source_of(g, c->address.sin_addr.s_addr);

	if (s == NULL)
		return HF_NOMEM;
	c->source = s;
	s->all++;
	s->pending++;
	g->pending_count++;
	DL_APPEND(g->pending, c);
	if (s->all > g->o->source_max)
		turn_away(g, oldest_of(g, s));
	else if (g->pending_count > g->o->handshakes_max)
		turn_away(g, oldest_of(g, largest(g)));
	return HF_OK;
}

bool gate_crowd_known(struct gate *g, struct connection *c)
{
	if (g->known_count >= g->o->connections_max) {
		turn_away(g, c);
		return false;
	}
	DL_DELETE(g->pending, c);
	g->pending_count--;
	c->source->pending--;
	c->is_known = true;
	g->known_count++;
	return true;
}

void gate_crowd_drop(struct gate *g, struct connection *c)
{
	struct source *s = c->source;

	if (s == NULL)
		return;
	c->source = NULL;
	s->all--;
	if (c->is_known) {
		g->known_count--;
	} else {
		DL_DELETE(g->pending, c);
		g->pending_count--;
		s->pending--;
	}
	if (s->all == 0) {
		HASH_DEL(g->sources, s);
		free(s);
	}
}
