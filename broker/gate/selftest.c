/*
 * selftest: before anyone is admitted, dial the own endpoint with a key
 * that nobody knows and with one that is admitted for the purpose.  The
 * second frame must arrive and the first must not; else the gate ends.
 * (libzmq's ZAP fails open in three ways: F1.)  The second connection also
 * tells where the ROUTER's counter of routing ids stands (F20).
 */
#include "broker/gate/internal.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define SELFTEST_UNKNOWN_MS 400u
#define SELFTEST_KNOWN_MS 5000u

struct probe {
	void *socket;
	uint8_t public_key[HF_KEY_SIZE], secret[HF_KEY_SIZE];
};

static int probe_keys(struct probe *p)
{
	char public_text[41], secret_text[41];

	return zmq_curve_keypair(public_text, secret_text) == 0 &&
		       zmq_z85_decode(p->public_key, public_text) != NULL &&
		       zmq_z85_decode(p->secret, secret_text) != NULL
		   ? 0
		   : -1;
}

static int probe_open(struct gate *g, struct probe *p)
{
	char endpoint[64];
	char bound[128];
	size_t size = sizeof(bound);
	const char *port;
	int queue = 0;

	if (zmq_getsockopt(g->router, ZMQ_LAST_ENDPOINT, bound, &size) != 0 ||
	    (port = strrchr(bound, ':')) == NULL)
		return -1;
	if (strncmp(bound, "tcp://0.0.0.0:", 14) == 0)
		snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1%s", port);
	else
		snprintf(endpoint, sizeof(endpoint), "%.63s", bound);
	p->socket = zmq_socket(g->ctx, ZMQ_DEALER);
	if (p->socket == NULL ||
	    gate_dealer(g, p->socket, p->public_key, p->secret,
		g->o->public_key.b) != 0 ||
	    zmq_setsockopt(p->socket, ZMQ_IMMEDIATE, &queue, sizeof(queue)) !=
		0 ||
	    zmq_connect(p->socket, endpoint) != 0)
		return -1;
	return zmq_send(p->socket, "probe", 5, ZMQ_DONTWAIT) == 5 ? 0 : -1;
}

/* Serve ZAP until a frame arrives; its routing id. */
static bool frame_arrives(struct gate *g, unsigned wait_ms, uint32_t *routing)
{
	uint64_t end = gate_mono_ms() + wait_ms;

	while (gate_mono_ms() < end) {
		zmq_pollitem_t items[2] = {
		    {g->router, 0, ZMQ_POLLIN, 0}, {g->zap, 0, ZMQ_POLLIN, 0}};
		uint8_t id[256], body[16];
		int n;

		zmq_poll(items, 2, 20);
		gate_zap_serve(g);
		n = zmq_recv(g->router, id, sizeof(id), ZMQ_DONTWAIT);
		if (n < 0)
			continue;
		if (n == 5)
			memcpy(routing, id + 1, 4);
		*routing = ntohl(*routing);
		zmq_recv(g->router, body, sizeof(body), ZMQ_DONTWAIT);
		return true;
	}
	return false;
}

int gate_selftest(struct gate *g)
{
	struct probe stranger = {0}, known = {0};
	uint32_t routing = 0;
	int result = 1;

	if (probe_keys(&stranger) != 0 || probe_keys(&known) != 0 ||
	    probe_open(g, &stranger) != 0)
		goto out;
	if (frame_arrives(g, SELFTEST_UNKNOWN_MS, &routing)) {
		result = 3;
		goto out;
	}
	gate_admit(g, known.public_key, 1);
	if (g->fatal || probe_open(g, &known) != 0 ||
	    !frame_arrives(g, SELFTEST_KNOWN_MS, &routing))
		goto out;
	g->routing_first = routing;
	g->routing_known = true;
	result = 0;
out:
	gate_admit(g, NULL, 0);
	if (stranger.socket != NULL)
		zmq_close(stranger.socket);
	if (known.socket != NULL)
		zmq_close(known.socket);
	memset(&known, 0, sizeof(known));
	g->refused = 0;
	g->refused_count = 0;
	return g->fatal ? 1 : result;
}
