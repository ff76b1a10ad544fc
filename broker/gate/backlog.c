/*
 * backlog: frames for a connection that its pipe cannot take this moment.
 *
 * A desk that watches is pushed whole pages, and many answers may become
 * ready in one turn; libzmq's own queue counts messages and says no at once.
 * So a little more is kept here, in order, and tried again every few
 * milliseconds.  Who takes nothing for a while, or lets too much pile up, does
 * not read: that connection is cut, and comes back to where it was.
 */
#include "broker/gate/internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <zmq.h>

struct held {
	struct held *next;
	size_t size;
	uint8_t bytes[];
};

static bool pass_on(
    struct gate *g, const struct connection *c, const void *data, size_t size)
{
	uint32_t routing = htonl(c->routing);
	uint8_t id[5] = {0};

	memcpy(id + 1, &routing, sizeof(routing));
	g->router_ready = true;
	return zmq_send(g->router, id, sizeof(id),
		   ZMQ_SNDMORE | ZMQ_DONTWAIT) == (int)sizeof(id) &&
	       zmq_send(g->router, data, size, ZMQ_DONTWAIT) >= 0;
}

void backlog_drop(struct gate *g, struct connection *c)
{
	struct held *h, *next;

	if (c->backlog == NULL)
		return;
	LL_FOREACH_SAFE(c->backlog, h, next)
	free(h);
	g->backlog_bytes -= c->backlog_bytes;
	g->backlogs--;
	c->backlog = c->backlog_last = NULL;
	c->backlog_bytes = 0;
}

static void give_up(struct gate *g, struct connection *c)
{
	backlog_drop(g, c);
	gate_cut(g, c);
}

static void keep(
    struct gate *g, struct connection *c, const void *data, size_t size)
{
	struct held *h = malloc(sizeof(*h) + size);

	if (h == NULL || c->backlog_bytes + size > GATE_BACKLOG_BYTES ||
	    g->backlog_bytes + size > GATE_BACKLOGS_BYTES) {
		free(h);
		give_up(g, c);
		return;
	}
	h->next = NULL;
	h->size = size;
	memcpy(h->bytes, data, size);
	if (c->backlog == NULL) {
		g->backlogs++;
		c->backlog_ms = gate_mono_ms();
		c->backlog = h;
	} else {
		c->backlog_last->next = h;
	}
	c->backlog_last = h;
	c->backlog_bytes += size;
	g->backlog_bytes += size;
}

void backlog_send(
    struct gate *g, struct connection *c, const void *data, size_t size)
{
	if (c->cut)
		return;
	if (c->backlog != NULL || !pass_on(g, c, data, size))
		keep(g, c, data, size);
}

static void flush(struct gate *g, struct connection *c)
{
	while (c->backlog != NULL &&
	       pass_on(g, c, c->backlog->bytes, c->backlog->size)) {
		struct held *h = c->backlog;

		c->backlog_ms = gate_mono_ms();
		c->backlog_bytes -= h->size;
		g->backlog_bytes -= h->size;
		c->backlog = h->next;
		if (c->backlog == NULL) {
			c->backlog_last = NULL;
			g->backlogs--;
		}
		free(h);
	}
	if (c->backlog != NULL &&
	    gate_mono_ms() - c->backlog_ms > GATE_BACKLOG_MS)
		give_up(g, c);
}

void backlog_flush(struct gate *g)
{
	for (struct connection *c = g->by_number; g->backlogs > 0 && c != NULL;
	     c = c->by_number.next)
		if (c->backlog != NULL)
			flush(g, c);
}
