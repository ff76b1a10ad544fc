/*
 * dials: which peers the gate is to keep connections to, with literal
 * addresses (F21: libzmq would resolve names in its I/O thread).
 *
 * Names are looked up by a child of the supervisor.  An answer is used until
 * a newer one comes; it is asked for again every five minutes, and every
 * half minute while there is none.
 */
#include "broker/core/internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 300000u
#define UNKNOWN_AGAIN_MS 30000u
#define NAMES_MAX (HF_COUNTRY_MAX * ENDPOINT_MAX)

struct core_name {
	char endpoint[ENDPOINT_TEXT_MAX]; /* as the document has it */
	char literal[ENDPOINT_TEXT_MAX];  /* empty: not known yet */
	uint64_t asked_ms;                /* monotonic */
};

static bool is_literal(const char *endpoint)
{
	const char *host = endpoint + 6, *colon = strrchr(endpoint, ':');
	char name[ENDPOINT_TEXT_MAX];
	struct in_addr address;

	if (colon <= host || (size_t)(colon - host) >= sizeof(name))
		return false;
	memcpy(name, host, (size_t)(colon - host));
	name[colon - host] = '\0';
	return inet_pton(AF_INET, name, &address) == 1;
}

static struct core_name *find(struct core *c, const char *endpoint, size_t size)
{
	for (unsigned i = 0; i < c->name_count; i++)
		if (strlen(c->names[i].endpoint) == size &&
		    memcmp(c->names[i].endpoint, endpoint, size) == 0)
			return &c->names[i];
	return NULL;
}

static struct core_name *add(struct core *c, const char *endpoint)
{
	struct core_name *n;

	if (c->names == NULL)
		c->names = calloc(NAMES_MAX, sizeof(*c->names));
	if (c->names == NULL)
		return NULL;
	if (c->name_count == NAMES_MAX) /* documents change: begin anew */
		c->name_count = 0;
	n = &c->names[c->name_count++];
	memset(n, 0, sizeof(*n));
	snprintf(n->endpoint, sizeof(n->endpoint), "%s", endpoint);
	return n;
}

/* The endpoint with a literal host; NULL while it is looked up. */
static const char *literal(struct core *c, const char *endpoint)
{
	struct record_header h = {.type = RECORD_RESOLVE};
	struct core_name *n;
	uint64_t again;

	if (strncmp(endpoint, "tcp://", 6) != 0)
		return NULL;
	if (is_literal(endpoint))
		return endpoint;
	n = find(c, endpoint, strlen(endpoint));
	if (n == NULL)
		n = add(c, endpoint);
	if (n == NULL)
		return NULL;
	again = n->literal[0] == '\0' ? UNKNOWN_AGAIN_MS : AGAIN_MS;
	if (n->asked_ms == 0 || c->clock.mono_ms - n->asked_ms >= again) {
		n->asked_ms = c->clock.mono_ms;
		h.size = (uint32_t)strlen(endpoint);
		(void)record_send(c->supervisor, &h, endpoint);
	}
	return n->literal[0] == '\0' ? NULL : n->literal;
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
	char lines[ENDPOINT_MAX * (ENDPOINT_TEXT_MAX + 1) + 1] = "";
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
	gates_tell(d->core, GATE_PEERS, &h, lines);
	d->keys[d->count++] = *key;
}

static bool still_dialled(const struct dialling *d, const struct hf_key *key)
{
	for (unsigned i = 0; i < d->count; i++)
		if (memcmp(&d->keys[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

void dials_send(struct core *c)
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
		gates_tell(c, GATE_PEERS, &h, NULL);
	}
	free(c->dialled);
	c->dialled = d.keys;
	c->dialled_count = d.count;
}

/* "ENDPOINT LITERAL", both tcp://host:port */
void dials_resolved(struct core *c, const struct record *r)
{
	const char *text = (const char *)r->payload;
	const char *space =
	    r->h.size == 0 ? NULL : memchr(text, ' ', r->h.size);
	char answer[ENDPOINT_TEXT_MAX];
	struct core_name *n;
	size_t size;

	if (space == NULL)
		return;
	size = r->h.size - (size_t)(space - text) - 1;
	n = find(c, text, (size_t)(space - text));
	if (n == NULL || size >= sizeof(answer) || size <= 6)
		return;
	memcpy(answer, space + 1, size);
	answer[size] = '\0';
	if (strncmp(answer, "tcp://", 6) != 0 || !is_literal(answer) ||
	    strcmp(answer, n->literal) == 0)
		return;
	memcpy(n->literal, answer, sizeof(answer));
	dials_send(c);
}
