/*
 * selftest: before anyone is admitted, dial the own endpoint with a key
 * that nobody knows and with one that is admitted for the purpose.  The
 * first must be told that it is refused, the second's frame must arrive, and
 * no other; else the gate ends.  (libzmq's ZAP fails open in three ways: F1.)
 * Silence proves nothing, so it ends the gate as well.  The second
 * connection also tells where the ROUTER's counter of routing ids stands
 * (F20).
 */
#include "broker/gate/internal.h"
#include "broker/log.h"
#include "proto/crypto.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

/* By how much a wait was late is taken off the silence: on a machine that
 * gives us no time, those who are to answer have none either.  A gate that
 * ended for that would be started again to the same end, and in a broker that
 * has not been ready yet it is the end of all. */
#define SELFTEST_WAIT_MS 20u
#define SELFTEST_SILENCE_MS 600u
#define SELFTEST_MOST_MS 60000u

enum outcome { SILENT, REFUSED, ARRIVED, FAILED };

struct probe {
	const char *name; /* and what it sends */
	bool is_known;
	void *socket, *monitor;
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
	char endpoint[64], address[48];
	char bound[128];
	size_t size = sizeof(bound), length = strlen(p->name);
	const char *port;
	int queue = 0;

	if (zmq_getsockopt(g->router, ZMQ_LAST_ENDPOINT, bound, &size) != 0 ||
	    (port = strrchr(bound, ':')) == NULL)
		return -1;
	if (strncmp(bound, "tcp://0.0.0.0:", 14) == 0)
		snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1%s", port);
	else
		snprintf(endpoint, sizeof(endpoint), "%.63s", bound);
	snprintf(address, sizeof(address), "inproc://probe-%s", p->name);
	p->socket = zmq_socket(g->ctx, ZMQ_DEALER);
	if (p->socket == NULL ||
	    gate_dealer(g, p->socket, p->public_key, p->secret,
		g->o->public_key.b) != 0 ||
	    zmq_setsockopt(p->socket, ZMQ_IMMEDIATE, &queue, sizeof(queue)) !=
		0)
		return -1;
	p->monitor = gate_monitor(g, p->socket, address);
	if (p->monitor == NULL || zmq_connect(p->socket, endpoint) != 0)
		return -1;
	return zmq_send(p->socket, p->name, length, ZMQ_DONTWAIT) == (int)length
		   ? 0
		   : -1;
}

static void probe_close(struct probe *p)
{
	if (p->socket != NULL) {
		zmq_socket_monitor(p->socket, NULL, 0);
		zmq_close(p->socket);
	}
	if (p->monitor != NULL)
		zmq_close(p->monitor);
	hf_wipe(p->secret, sizeof(p->secret));
}

static bool is_refused(struct probe *p)
{
	struct monitor_event e;
	bool refused = false;

	while (gate_monitor_next(p->monitor, &e))
		if (e.event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
			refused = true;
	return refused;
}

/* The frame at the ROUTER, whoever sent it: true if there is one. */
static bool take_frame(struct gate *g, uint32_t *routing, char name[16])
{
	uint8_t id[256];
	int n = zmq_recv(g->router, id, sizeof(id), ZMQ_DONTWAIT);

	if (n < 0)
		return false;
	if (n == 5)
		memcpy(routing, id + 1, 4);
	*routing = ntohl(*routing);
	n = zmq_recv(g->router, name, 15, ZMQ_DONTWAIT);
	name[n < 0 ? 0 : n < 15 ? n : 15] = '\0';
	return true;
}

/* Serve ZAP until the probe is in or refused. */
static enum outcome outcome_of(
    struct gate *g, struct probe *p, uint32_t *routing, char name[16])
{
	uint64_t silence = 0, last = gate_mono_ms();
	const uint64_t end = last + SELFTEST_MOST_MS;

	if (probe_keys(p) != 0)
		return FAILED;
	g->probe = p->public_key;
	if (p->is_known)
		gate_admit(g, p->public_key, 1);
	if (g->fatal || probe_open(g, p) != 0)
		return FAILED;
	while (silence < SELFTEST_SILENCE_MS && last < end) {
		zmq_pollitem_t items[3] = {{g->router, 0, ZMQ_POLLIN, 0},
		    {g->zap, 0, ZMQ_POLLIN, 0}, {p->monitor, 0, ZMQ_POLLIN, 0}};
		uint64_t now, late;

		zmq_poll(items, 3, SELFTEST_WAIT_MS);
		gate_zap_serve(g);
		if (take_frame(g, routing, name))
			return ARRIVED;
		if (is_refused(p))
			return REFUSED;
		now = gate_mono_ms();
		late = now - last > SELFTEST_WAIT_MS
			   ? now - last - SELFTEST_WAIT_MS
			   : 0;
		silence += now - last - late;
		silence -= late < silence ? late : silence;
		last = now;
	}
	return SILENT;
}

static int failed(const char *what, int status)
{
	log_line(LOG_ERROR, HF_GATE, "self-test: %s", what);
	return status;
}

int gate_selftest(struct gate *g)
{
	struct probe stranger = {.name = "stranger"};
	struct probe known = {.name = "known", .is_known = true};
	uint32_t routing = 0;
	char name[16] = "";
	enum outcome first, second = SILENT;
	int result;

	first = outcome_of(g, &stranger, &routing, name);
	if (first == REFUSED)
		second = outcome_of(g, &known, &routing, name);
	if (first == ARRIVED ||
	    (second == ARRIVED && strcmp(name, "known") != 0))
		result = failed("an unknown key is let in", GATE_OPEN);
	else if (first == FAILED || second == FAILED)
		result = failed("it cannot be dialled", GATE_REFUSES);
	else if (first == SILENT)
		result = failed("an unknown key is not refused: ZAP does not "
				"answer, or the gate's key is not its own",
		    GATE_REFUSES);
	else if (second != ARRIVED)
		result = failed("an admitted key is not let in", GATE_REFUSES);
	else
		result = 0;
	g->routing_first = routing;
	g->routing_known = result == 0;
	g->probe = NULL;
	gate_admit(g, NULL, 0);
	probe_close(&stranger);
	probe_close(&known);
	g->refused = 0;
	g->refused_count = 0;
	return g->fatal ? GATE_REFUSES : result;
}
