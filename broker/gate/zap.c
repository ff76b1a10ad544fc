/*
 * zap: who may finish a handshake (RFC 27).  A look-up in memory, nothing
 * else: a slow handler is a queue of handshakes.
 *
 * Nobody is told that he is refused before the core has said who is not: a
 * handshake waits for that (gate.c).  During the self-test, which needs an
 * answer, status 300 puts others off: libzmq tells them nothing.
 */
#include "broker/gate/internal.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define ZAP_FRAMES \
	7 /* version, id, domain, address, routing, mechanism, key \
	   */

int gate_zap_open(struct gate *g)
{
	int zero = 0;

	g->zap = zmq_socket(g->ctx, ZMQ_REP);
	if (g->zap == NULL ||
	    zmq_setsockopt(g->zap, ZMQ_LINGER, &zero, sizeof(zero)) != 0)
		return -1;
	return zmq_bind(g->zap, "inproc://zeromq.zap.01");
}

struct admitted *gate_admitted(struct gate *g, const struct hf_key *key)
{
	struct admitted *a = NULL;

	HASH_FIND(hh, g->admitted, key, sizeof(*key), a);
	return a;
}

static void answer(struct gate *g, const char *id, size_t id_size,
    const char *status, const char *user)
{
	zmq_send(g->zap, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(g->zap, id, id_size, ZMQ_SNDMORE);
	zmq_send(g->zap, status, 3, ZMQ_SNDMORE);
	zmq_send(g->zap, "", 0, ZMQ_SNDMORE);
	zmq_send(g->zap, user, strlen(user), ZMQ_SNDMORE);
	zmq_send(g->zap, "", 0, 0);
}

static bool read_request(void *socket, uint8_t frames[ZAP_FRAMES][256],
    size_t sizes[ZAP_FRAMES], unsigned *count)
{
	int more = 1;

	for (*count = 0; more; (*count)++) {
		size_t size = sizeof(more);
		uint8_t rest[256];
		int n = zmq_recv(socket,
		    *count < ZAP_FRAMES ? frames[*count] : rest, 256,
		    ZMQ_DONTWAIT);

		if (n < 0)
			return false;
		if (*count < ZAP_FRAMES)
			sizes[*count] = n < 256 ? (size_t)n : 256;
		if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) != 0)
			return false;
	}
	return true;
}

void gate_zap_serve(struct gate *g)
{
	uint8_t f[ZAP_FRAMES][256];
	size_t s[ZAP_FRAMES] = {0};
	unsigned count;

	while (read_request(g->zap, f, s, &count)) {
		const char *domain = g->o->peers ? "peers" : "desks";
		const char *no = "400";
		struct hf_key key;
		char user[41];
		bool ok;

		ok = count == ZAP_FRAMES && s[2] == strlen(domain) &&
		     memcmp(f[2], domain, s[2]) == 0 && s[5] == 5 &&
		     memcmp(f[5], "CURVE", 5) == 0 && s[6] == HF_KEY_SIZE;
		if (ok) {
			memcpy(key.b, f[6], HF_KEY_SIZE);
			if (g->probe != NULL &&
			    memcmp(key.b, g->probe, HF_KEY_SIZE) != 0)
				no = "300";
			ok = gate_admitted(g, &key) != NULL &&
			     zmq_z85_encode(user, key.b, HF_KEY_SIZE) != NULL;
		}
		answer(g, (const char *)f[1], count > 1 ? s[1] : 0,
		    ok ? "200" : no, ok ? user : "");
	}
}

static struct admitted *add(struct gate *g, const struct hf_key *key)
{
	struct admitted *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->key = *key;
	HASH_ADD(hh, g->admitted, key, sizeof(a->key), a);
	if (!a->lost)
		return a;
	free(a);
	return NULL;
}

void gate_admit(struct gate *g, const uint8_t *keys, uint32_t count)
{
	struct admitted *a, *next;

	for (uint32_t i = 0; i < count; i++) {
		struct hf_key key;

		memcpy(key.b, keys + (size_t)i * HF_KEY_SIZE, HF_KEY_SIZE);
		a = gate_admitted(g, &key);
		if (a == NULL) {
			a = add(g, &key);
			if (a == NULL) {
				gate_fail(g, HF_NOMEM, "an admitted key");
				return;
			}
		}
		a->keep = true;
	}
	HASH_ITER (hh, g->admitted, a, next) {
		if (a->keep) {
			a->keep = false;
			continue;
		}
		gate_cut_key(g, &a->key);
		HASH_DEL(g->admitted, a);
		free(a);
	}
}
