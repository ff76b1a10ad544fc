/*
 * sockets: every option that matters, set and read back.
 *
 * libzmq fails open in several ways when an option is missing (an empty ZAP
 * domain, no handler, a socket without keys is NULL), so nothing here is
 * left to a default and a value that does not read back ends the gate.
 */
#include "broker/gate/internal.h"
#include "broker/log.h"
#include "proto/limits.h"

#include <string.h>
#include <zmq.h>

struct int_option {
	int option, value;
	const char *name;
};
#define OPTION(option, value) \
	{ \
		option, value, #option \
	}

static int unset(const char *name)
{
	log_line(LOG_ERROR, HF_GATE, "setting %s is not as it was set", name);
	return -1;
}

static int set_ints(void *socket, const struct int_option *o, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int back = -1;
		size_t size = sizeof(back);

		if (zmq_setsockopt(socket, o[i].option, &o[i].value,
			sizeof(o[i].value)) != 0)
			return unset(o[i].name);
		if (o[i].option == ZMQ_CURVE_SERVER ||
		    o[i].option == ZMQ_ROUTER_MANDATORY ||
		    o[i].option == ZMQ_ROUTER_HANDOVER)
			continue; /* write-only, or read back as mechanism */
		if (zmq_getsockopt(socket, o[i].option, &back, &size) != 0 ||
		    back != o[i].value)
			return unset(o[i].name);
	}
	return 0;
}

static int common(void *socket, bool peers)
{
	const struct int_option options[] = {
	    OPTION(ZMQ_LINGER, 0),
	    OPTION(ZMQ_SNDHWM, peers ? GATE_SNDHWM_PEERS : GATE_SNDHWM_DESKS),
	    OPTION(ZMQ_RCVHWM, peers ? GATE_RCVHWM_PEERS : GATE_RCVHWM_DESKS),
	    OPTION(ZMQ_SNDTIMEO, 0),
	    OPTION(ZMQ_RCVTIMEO, 0),
	    OPTION(ZMQ_HANDSHAKE_IVL, 2500),
	    /* none: an engine that has stopped reading and whose peer then
	     * resets asserts when its next ping is due.  Desks ping us with a
	     * time to live, links by themselves, the kernel the rest. */
	    OPTION(ZMQ_HEARTBEAT_IVL, 0),
	    OPTION(ZMQ_BACKLOG, 1024),
	    OPTION(ZMQ_TCP_KEEPALIVE, 1),
	    OPTION(ZMQ_TCP_KEEPALIVE_IDLE, 60),
	    OPTION(ZMQ_TCP_KEEPALIVE_INTVL, 10),
	    OPTION(ZMQ_TCP_KEEPALIVE_CNT, 6),
	    OPTION(ZMQ_TCP_MAXRT, 30000),
	    OPTION(ZMQ_IPV6, 0),
	};
	int64_t most = HF_FRAME_MAX + 33, back = 0;
	size_t size = sizeof(back);

	if (set_ints(socket, options, sizeof(options) / sizeof(*options)) != 0)
		return -1;
	if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof(most)) != 0 ||
	    zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &back, &size) != 0 ||
	    back != most)
		return unset("ZMQ_MAXMSGSIZE");
	return 0;
}

/* A socket without keys would speak NULL: the mechanism is read back. */
static int is_curve(void *socket)
{
	int mechanism = -1;
	size_t size = sizeof(mechanism);

	return zmq_getsockopt(socket, ZMQ_MECHANISM, &mechanism, &size) == 0 &&
		       mechanism == ZMQ_CURVE
		   ? 0
		   : unset("ZMQ_MECHANISM");
}

int gate_router(struct gate *g)
{
	const char *domain = g->o->peers ? "peers" : "desks";
	const struct int_option options[] = {
	    OPTION(ZMQ_ROUTER_MANDATORY, 1),
	    OPTION(ZMQ_ROUTER_HANDOVER, 0),
	    OPTION(ZMQ_CURVE_SERVER, 1),
	    OPTION(GATE_ZAP_ENFORCE_DOMAIN, 1),
	};
	char back[16] = "";
	size_t size = sizeof(back);

	if (common(g->router, g->o->peers) != 0)
		return -1;
	if (zmq_setsockopt(g->router, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) !=
		0 ||
	    zmq_getsockopt(g->router, ZMQ_ZAP_DOMAIN, back, &size) != 0 ||
	    strcmp(back, domain) != 0)
		return unset("ZMQ_ZAP_DOMAIN");
	if (set_ints(g->router, options, 4) != 0)
		return -1;
	if (zmq_setsockopt(
		g->router, ZMQ_CURVE_SECRETKEY, g->o->secret, HF_KEY_SIZE) != 0)
		return unset("ZMQ_CURVE_SECRETKEY");
	return is_curve(g->router);
}

int gate_dealer(struct gate *g, void *socket, const uint8_t public_key[32],
    const uint8_t secret_key[32], const uint8_t server_key[32])
{
	const struct int_option options[] = {
	    OPTION(ZMQ_IMMEDIATE, 1),
	    OPTION(ZMQ_RECONNECT_IVL, 250),
	    OPTION(ZMQ_RECONNECT_IVL_MAX, 30000),
	    OPTION(ZMQ_CONNECT_TIMEOUT, 5000),
	};

	if (common(socket, g->o->peers) != 0 ||
	    set_ints(socket, options, 4) != 0 ||
	    zmq_setsockopt(
		socket, ZMQ_CURVE_PUBLICKEY, public_key, HF_KEY_SIZE) != 0 ||
	    zmq_setsockopt(
		socket, ZMQ_CURVE_SECRETKEY, secret_key, HF_KEY_SIZE) != 0 ||
	    zmq_setsockopt(
		socket, ZMQ_CURVE_SERVERKEY, server_key, HF_KEY_SIZE) != 0)
		return -1;
	return is_curve(socket);
}

int gate_fd(void *socket)
{
	int fd = -1;
	size_t size = sizeof(fd);

	return zmq_getsockopt(socket, ZMQ_FD, &fd, &size) == 0 ? fd : -1;
}

void *gate_monitor(struct gate *g, void *socket, const char *address)
{
	void *monitor;
	int zero = 0;

	/* telling of a broken protocol overwrites errno, and libzmq takes the
	 * error for EAGAIN: it would stop reading and never close */
	if (zmq_socket_monitor(socket, address,
		ZMQ_EVENT_ALL & ~ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) != 0)
		return NULL;
	monitor = zmq_socket(g->ctx, ZMQ_PAIR);
	if (monitor == NULL)
		return NULL;
	if (zmq_setsockopt(monitor, ZMQ_LINGER, &zero, sizeof(zero)) != 0 ||
	    zmq_setsockopt(monitor, ZMQ_RCVHWM, &zero, sizeof(zero)) != 0 ||
	    zmq_connect(monitor, address) != 0) {
		zmq_close(monitor);
		return NULL;
	}
	return monitor;
}

bool gate_monitor_next(void *monitor, struct monitor_event *e)
{
	uint8_t first[6], address[256];

	if (zmq_recv(monitor, first, sizeof(first), ZMQ_DONTWAIT) != 6)
		return false;
	memcpy(&e->event, first, 2);
	memcpy(&e->value, first + 2, 4);
	return zmq_recv(monitor, address, sizeof(address), ZMQ_DONTWAIT) >= 0;
}
