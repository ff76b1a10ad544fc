/*
 * gates: towards the two gates.  What a gate cannot take at once waits here,
 * so that a slow gate never holds up a decision.
 *
 * A connection's number holds its gate's life in the upper 16 bits: a reply
 * that was meant for a connection of a gate that has died must not reach the
 * connection that has the same number at the next one.
 */
#include "broker/core/internal.h"
#include "broker/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAITING_MAX (16u << 20) /* bytes; beyond it frames are dropped */
#define LIFE_SHIFT 48
#define LIFE_MASK UINT64_C(0xffff)
#define CONN_MASK ((UINT64_C(1) << LIFE_SHIFT) - 1)

struct waiting {
	struct waiting *next;
	struct record_header h;
	uint8_t payload[];
};

uint64_t gates_conn(const struct core *c, unsigned gate, uint64_t conn)
{
	uint64_t life = c->gates[gate].life & LIFE_MASK;

	return conn == 0 ? 0 : (conn & CONN_MASK) | life << LIFE_SHIFT;
}

static void forget(struct gate_link *g)
{
	while (g->first != NULL) {
		struct waiting *next = g->first->next;

		free(g->first);
		g->first = next;
	}
	g->last = NULL;
	g->waiting_size = 0;
}

void gates_set(struct core *c, unsigned gate, int fd)
{
	struct gate_link *g = &c->gates[gate];

	forget(g);
	if (g->fd >= 0)
		close(g->fd);
	g->fd = fd;
	if (fd >= 0)
		g->life++;
}

static bool keep(
    struct gate_link *g, const struct record_header *h, const void *payload)
{
	struct waiting *w = malloc(sizeof(*w) + h->size);

	if (w == NULL)
		return false;
	w->next = NULL;
	w->h = *h;
	if (payload != NULL)
		memcpy(w->payload, payload, h->size);
	if (g->last != NULL)
		g->last->next = w;
	else
		g->first = w;
	g->last = w;
	g->waiting_size += sizeof(*w) + h->size;
	return true;
}

void gates_flush(struct core *c, unsigned gate)
{
	struct gate_link *g = &c->gates[gate];

	while (g->fd >= 0 && g->first != NULL) {
		struct waiting *w = g->first;

		if (record_send(g->fd, &w->h, w->payload) == HF_BUSY)
			return;
		g->first = w->next;
		if (g->first == NULL)
			g->last = NULL;
		g->waiting_size -= sizeof(*w) + w->h.size;
		free(w);
	}
}

void gates_tell(struct core *c, unsigned gate, const struct record_header *h,
    const void *payload)
{
	struct gate_link *g = &c->gates[gate];

	if (g->fd < 0)
		return;
	gates_flush(c, gate);
	if (g->first == NULL && record_send(g->fd, h, payload) != HF_BUSY)
		return;
	if (h->type == RECORD_SEND && g->waiting_size > WAITING_MAX)
		return; /* senders keep what was not acknowledged */
	if (keep(g, h, payload) || h->type == RECORD_SEND)
		return;
	/* a gate that may have missed a revocation must not go on: without
	 * its core it ends, and a new one is told everything */
	log_line(LOG_ERROR, HF_NOMEM, "gate-dropped gate=%u", gate);
	gates_set(c, gate, -1);
}

void gates_send(
    struct core *c, unsigned gate, uint64_t conn, struct hf_bytes frame)
{
	struct record_header h = {.type = RECORD_SEND,
	    .size = (uint32_t)frame.size,
	    .conn = conn & CONN_MASK};

	if (frame.size <= HF_FRAME_MAX &&
	    conn >> LIFE_SHIFT == (c->gates[gate].life & LIFE_MASK))
		gates_tell(c, gate, &h, frame.data);
}

/* ---- admitted keys ---- */

#define KEYS_A_RECORD (HF_FRAME_MAX / HF_KEY_SIZE)

struct key_list {
	uint8_t *data;
	uint32_t count, capacity;
	bool failed;
};

static void add_key(void *ctx, const struct hf_key *key)
{
	struct key_list *l = ctx;

	if (l->count == l->capacity) {
		uint32_t capacity = l->capacity == 0 ? 64 : 2 * l->capacity;
		uint8_t *grown =
		    realloc(l->data, (size_t)capacity * HF_KEY_SIZE);

		if (grown == NULL) {
			l->failed = true;
			return;
		}
		l->data = grown;
		l->capacity = capacity;
	}
	memcpy(l->data + (size_t)l->count++ * HF_KEY_SIZE, key->b, HF_KEY_SIZE);
}

void gates_send_keys(struct core *c, unsigned gate)
{
	struct key_list l = {NULL, 0, 0, false};
	uint32_t parts;

	engine_keys(c->engine, gate == GATE_PEERS, c->clock.now, add_key, &l);
	parts = l.count / KEYS_A_RECORD + 1;
	for (uint32_t i = 0; i < parts && !l.failed; i++) {
		uint32_t left = l.count - i * (uint32_t)KEYS_A_RECORD;
		uint32_t n = left < KEYS_A_RECORD ? left : KEYS_A_RECORD;
		struct record_header h = {.type = RECORD_KEYS,
		    .code = i,
		    .count = parts,
		    .size = n * HF_KEY_SIZE};

		gates_tell(c, gate, &h,
		    n == 0 ? NULL
			   : l.data + (size_t)i * KEYS_A_RECORD * HF_KEY_SIZE);
	}
	free(l.data);
}
