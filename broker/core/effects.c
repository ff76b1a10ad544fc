/*
 * effects: carried out after the commit and, where they hold a receipt,
 * after the signature.  A frame for a gate that is busy or gone is dropped:
 * its sender keeps what was not acknowledged.
 */
#include "broker/core/internal.h"
#include "broker/log.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define GATE_WAIT_MS 2000
#define KEYS_A_RECORD (HF_FRAME_MAX / HF_KEY_SIZE)

static void tell_gate(struct core *c, unsigned gate,
    const struct record_header *h, const void *payload)
{
	struct pollfd p = {c->gate[gate], POLLOUT, 0};

	if (c->gate[gate] < 0)
		return;
	for (unsigned i = 0; i < 2; i++) {
		enum hf_err err = record_send(c->gate[gate], h, payload);

		if (err != HF_BUSY || poll(&p, 1, GATE_WAIT_MS) <= 0)
			return;
	}
}

/* ---- keys ---- */

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

void core_send_keys(struct core *c, unsigned gate)
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

		tell_gate(c, gate, &h,
		    l.data + (size_t)i * KEYS_A_RECORD * HF_KEY_SIZE);
	}
	free(l.data);
}

/* ---- dialling ---- */

/* "tcp://host:port" with a literal host, or NULL while it is looked up. */
static const char *literal(struct core *c, const char *endpoint)
{
	const char *host = endpoint + 6, *colon = strrchr(endpoint, ':');
	char name[128];
	struct in_addr address;
	struct record_header h = {.type = RECORD_RESOLVE};

	if (colon <= host || (size_t)(colon - host) >= sizeof(name))
		return NULL;
	memcpy(name, host, (size_t)(colon - host));
	name[colon - host] = '\0';
	if (inet_pton(AF_INET, name, &address) == 1)
		return endpoint;
	for (struct resolved *r = c->names; r != NULL; r = r->next)
		if (strcmp(r->name, endpoint) == 0)
			return r->literal[0] == '\0' ? NULL : r->literal;
	h.size = (uint32_t)strlen(endpoint);
	(void)record_send(c->supervisor, &h, endpoint);
	return NULL;
}

struct dialling {
	struct core *core;
	struct hf_key *keys;
	unsigned count;
};

static void dial_one(void *ctx, struct hf_country country,
    const struct hf_key *key, const struct broker_entry *b)
{
	struct dialling *d = ctx;
	char lines[ENDPOINT_MAX * 130] = "";
	struct record_header h = {.type = RECORD_DIAL};
	size_t at = 0;

	(void)country;
	for (unsigned i = 0; i < b->endpoint_count; i++) {
		const char *s = literal(d->core, b->endpoints[i]);

		if (s != NULL)
			at += (size_t)snprintf(
			    lines + at, sizeof(lines) - at, "%s\n", s);
	}
	if (at == 0 || d->count == HF_COUNTRY_MAX)
		return;
	memcpy(h.key, key->b, sizeof(h.key));
	h.size = (uint32_t)at;
	tell_gate(d->core, GATE_PEERS, &h, lines);
	d->keys[d->count++] = *key;
}

static bool still_dialled(const struct dialling *d, const struct hf_key *key)
{
	for (unsigned i = 0; i < d->count; i++)
		if (memcmp(&d->keys[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

void core_send_dials(struct core *c)
{
	struct dialling d = {c, calloc(HF_COUNTRY_MAX, sizeof(*d.keys)), 0};

	if (d.keys == NULL)
		return;
	engine_dials(c->engine, dial_one, &d);
	for (unsigned i = 0; i < c->dialled_count; i++) {
		struct record_header h = {.type = RECORD_DIAL};

		if (still_dialled(&d, &c->dialled[i]))
			continue;
		memcpy(h.key, c->dialled[i].b, sizeof(h.key));
		tell_gate(c, GATE_PEERS, &h, NULL);
	}
	free(c->dialled);
	c->dialled = d.keys;
	c->dialled_count = d.count;
}

/* "endpoint literal" */
void core_resolved(struct core *c, const struct record *r)
{
	struct resolved *n = calloc(1, sizeof(*n));
	const char *text = (const char *)r->payload;
	const char *space = memchr(text, ' ', r->h.size);
	size_t rest;

	if (n == NULL || space == NULL ||
	    (size_t)(space - text) >= sizeof(n->name) ||
	    (rest = r->h.size - (size_t)(space - text) - 1) >=
		sizeof(n->literal)) {
		free(n);
		return;
	}
	memcpy(n->name, text, (size_t)(space - text));
	memcpy(n->literal, space + 1, rest);
	n->next = c->names;
	c->names = n;
	core_send_dials(c);
}

void core_names_free(struct core *c)
{
	while (c->names != NULL) {
		struct resolved *next = c->names->next;

		free(c->names);
		c->names = next;
	}
}

/* ---- all effects of a turn ---- */

static void send_frame(struct core *c, unsigned gate, const struct effect *e)
{
	struct record_header h = {.type = RECORD_SEND,
	    .size = (uint32_t)e->bytes.size,
	    .conn = e->conn};

	tell_gate(c, gate, &h, e->bytes.data);
}

static void cut(struct core *c, const struct effect *e)
{
	struct record_header h = {.type = RECORD_CUT};

	memcpy(h.key, e->key.b, sizeof(h.key));
	tell_gate(c, GATE_DESKS, &h, NULL);
	tell_gate(c, GATE_PEERS, &h, NULL);
}

static enum hf_err erase(struct core *c, uint32_t slot)
{
	enum hf_err err = store_key_destroy(c->store, slot);

	if (err != HF_OK)
		return err;
	if (c->erased_count == c->erased_capacity) {
		unsigned capacity = c->erased_capacity + 64;
		uint32_t *grown = realloc(c->erased, capacity * sizeof(*grown));

		if (grown == NULL)
			return HF_NOMEM;
		c->erased = grown;
		c->erased_capacity = capacity;
	}
	c->erased[c->erased_count++] = slot;
	return HF_OK;
}

enum hf_err core_effects(struct core *c)
{
	enum hf_err err = HF_OK;
	bool keys = false, dials = false;

	for (unsigned i = 0; i < effects_count(c->effects); i++) {
		const struct effect *e = effects_at(c->effects, i);

		switch (e->type) {
		case EFFECT_DESK_SEND:
			send_frame(c, GATE_DESKS, e);
			break;
		case EFFECT_PEER_SEND:
			send_frame(c, GATE_PEERS, e);
			break;
		case EFFECT_KEYS:
			keys = true;
			break;
		case EFFECT_CUT:
			cut(c, e);
			break;
		case EFFECT_DIAL:
			dials = true;
			break;
		case EFFECT_ERASE:
			if (err == HF_OK)
				err = erase(c, e->slot);
			break;
		case EFFECT_LOG:
			log_line(e->code == HF_OK ? LOG_INFO : LOG_WARN,
			    e->code, "%s", (const char *)e->bytes.data);
			break;
		}
	}
	if (keys) {
		core_send_keys(c, GATE_DESKS);
		core_send_keys(c, GATE_PEERS);
	}
	if (dials)
		core_send_dials(c);
	return err;
}
