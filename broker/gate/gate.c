/*
 * gate: the loop.  Core's records first (they may revoke), then handshakes,
 * then frames; nothing is read from the network while the core's pair is
 * full, so a busy core slows the senders and no queue grows here.
 */
#include "broker/gate/internal.h"
#include "broker/log.h"
#include "proto/crypto.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zmq.h>

#define FRAMES_A_ROUND 64u

uint64_t gate_mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

void gate_fail(struct gate *g, enum hf_err why, const char *what)
{
	if (!g->fatal)
		log_line(LOG_ERROR, why, "gate-ends: %s: %s; %s", what,
		    hf_err_text(why), hf_err_info(why)->cure);
	g->fatal = true;
}

void gate_tell(struct gate *g, enum record_type type, uint32_t code,
    uint32_t count, uint64_t conn, const struct hf_key *key,
    const void *payload, size_t size)
{
	struct record_header h = {.type = type,
	    .code = code,
	    .count = count,
	    .size = (uint32_t)size,
	    .conn = conn};

	if (key != NULL)
		memcpy(h.key, key->b, sizeof(h.key));
	while (!g->fatal) {
		enum hf_err err = record_send(g->core_fd, &h, payload);

		if (err == HF_OK)
			return;
		if (err == HF_UNREACHABLE) /* it says itself why it ended */
			g->fatal = true;
		else if (err != HF_BUSY ||
			 !record_wait(g->core_fd, POLLOUT, 10000))
			gate_fail(g, HF_RESOURCES, "the core takes nothing");
	}
}

static void take_keys(struct gate *g, const struct record *r)
{
	uint32_t n = r->h.size / HF_KEY_SIZE;
	uint8_t *grown;

	if (r->h.size % HF_KEY_SIZE != 0 || r->h.code != g->incoming_parts ||
	    r->h.code >= r->h.count) {
		gate_fail(g, HF_INTERNAL, "a record that no core sends");
		return;
	}
	grown = realloc(g->incoming_keys,
	    ((size_t)g->incoming_count + n + 1) * HF_KEY_SIZE);
	if (grown == NULL) {
		gate_fail(g, HF_NOMEM, "keys");
		return;
	}
	g->incoming_keys = grown;
	memcpy(grown + (size_t)g->incoming_count * HF_KEY_SIZE, r->payload,
	    r->h.size);
	g->incoming_count += n;
	g->incoming_parts++;
	if (g->incoming_parts == r->h.count) {
		gate_admit(g, g->incoming_keys, g->incoming_count);
		g->keyed = true;
		g->incoming_count = g->incoming_parts = 0;
	}
}

static void from_core(struct gate *g)
{
	struct record *r = &g->record;
	enum hf_err err;
	struct hf_key key;

	while (!g->stopping && !g->fatal) {
		err = record_receive(g->core_fd, r);
		if (err == HF_BUSY)
			return;
		if (err != HF_OK) {
			g->stopping = true; /* the core is gone: so are we */
			return;
		}
		switch (r->h.type) {
		case RECORD_SEND:
			gate_send(g, r);
			break;
		case RECORD_CUT:
			memcpy(key.b, r->h.key, sizeof(key.b));
			gate_cut_key(g, &key);
			break;
		case RECORD_KEYS:
			take_keys(g, r);
			break;
		case RECORD_DIAL:
			if (g->o->peers)
				gate_dial(g, r);
			break;
		case RECORD_STOP:
			g->stopping = true;
			break;
		default:
			gate_fail(
			    g, HF_INTERNAL, "a record that no core sends");
			break;
		}
	}
}

static int open_sockets(struct gate *g)
{
	char bound[128];
	const char *port;
	size_t size = sizeof(bound);

	g->ctx = zmq_ctx_new();
	if (g->ctx == NULL || zmq_ctx_set(g->ctx, ZMQ_IO_THREADS, 1) != 0 ||
	    zmq_ctx_set(
		g->ctx, ZMQ_MAX_SOCKETS, 3 * (int)GATE_DIALS_MAX + 16) != 0 ||
	    gate_zap_open(g) != 0)
		return -1;
	g->router = zmq_socket(g->ctx, ZMQ_ROUTER);
	if (g->router == NULL || gate_router(g) != 0)
		return -1;
	g->monitor = gate_monitor(g, g->router, "inproc://router");
	if (g->monitor == NULL)
		return -1;
	if (zmq_bind(g->router, g->o->endpoint) != 0) {
		log_line(LOG_ERROR, HF_BIND, "bind: %s", zmq_strerror(errno));
		g->unbound = true;
		return -1;
	}
	if (zmq_getsockopt(g->router, ZMQ_LAST_ENDPOINT, bound, &size) != 0)
		return -1;
	g->router_fd = gate_fd(g->router);
	g->monitor_fd = gate_fd(g->monitor);
	g->zap_fd = gate_fd(g->zap);
	port = strrchr(bound, ':');
	g->port = port == NULL ? 0 : (int)strtol(port + 1, NULL, 10);
	return g->port > 0 ? 0 : -1;
}

/* Somebody is there whose bytes are counted. */
static bool is_watching(const struct gate *g)
{
	for (unsigned i = 0; i < GATE_DIALS_MAX; i++)
		if (g->dials[i].socket != NULL)
			return true;
	return g->connection_count > 0;
}

static long patience(const struct gate *g)
{
	if (g->backlogs > 0)
		return GATE_BACKLOG_TRY_MS;
	return is_watching(g) ? GATE_TICK_MS : 1000;
}

enum place { CORE, ZAP, MONITOR, ROUTER, DIALS };
#define PLACES (DIALS + 2 * GATE_DIALS_MAX)

/* Frames of a socket that is not asked for them stay where they are. */
static bool await(struct gate *g, struct pollfd *fds, bool writable)
{
	bool waits = writable && g->router_ready;
	int n;

	fds[CORE] = (struct pollfd){
	    g->core_fd, (short)(POLLIN | (writable ? 0 : POLLOUT)), 0};
	fds[ZAP] = (struct pollfd){g->keyed ? g->zap_fd : -1, POLLIN, 0};
	fds[MONITOR] = (struct pollfd){g->monitor_fd, POLLIN, 0};
	fds[ROUTER] = (struct pollfd){writable ? g->router_fd : -1, POLLIN, 0};
	for (unsigned i = 0; i < GATE_DIALS_MAX; i++) {
		const struct dial *d = &g->dials[i];
		bool there = d->socket != NULL;
		struct pollfd *at = fds + DIALS + (size_t)2 * i;

		at[0] = (struct pollfd){there ? d->monitor_fd : -1, POLLIN, 0};
		at[1] = (struct pollfd){
		    there && writable ? d->socket_fd : -1, POLLIN, 0};
		waits |= there && writable && d->ready;
	}
	n = poll(fds, PLACES, waits ? 0 : (int)patience(g));
	if (n >= 0)
		return true;
	if (errno != EINTR)
		gate_fail(g, HF_RESOURCES, strerror(errno));
	return false;
}

/* Sockets are asked only when they have something: each question costs two
 * system calls, and a gate of many peers has many sockets that say nothing.
 * A descriptor that was readable may not be any more after a call for sending:
 * what may be hidden so is remembered as `ready`. */
static void one_round(struct gate *g)
{
	struct pollfd fds[PLACES], room = {g->core_fd, POLLOUT, 0};
	bool writable = poll(&room, 1, 0) == 1 && (room.revents & POLLOUT);
	uint64_t now;
	bool all;

	if (!await(g, fds, writable))
		return;
	now = gate_mono_ms();
	all = now - g->looked_ms >= GATE_LOOK_MS;
	if (all)
		g->looked_ms = now;
	if (fds[CORE].revents != 0 || all)
		from_core(g);
	backlog_flush(g);
	if (g->keyed && (fds[ZAP].revents != 0 || all))
		gate_zap_serve(g);
	g->router_ready |= fds[ROUTER].revents != 0 || all;
	if (fds[MONITOR].revents != 0 || g->router_ready)
		gate_monitor_drain(g);
	if (g->router_ready && writable)
		g->router_ready = gate_receive(g, FRAMES_A_ROUND);
	for (unsigned i = 0; i < GATE_DIALS_MAX; i++) {
		const struct pollfd *at = fds + DIALS + (size_t)2 * i;
		struct dial *d = &g->dials[i];

		if (d->socket == NULL)
			continue;
		d->ready |= at[1].revents != 0 || all;
		if (at[0].revents != 0 || d->ready)
			d->ready = gate_dial_drain(
			    g, d, writable ? FRAMES_A_ROUND : 0);
	}
}

static void close_sockets(struct gate *g)
{
	for (unsigned i = 0; i < GATE_DIALS_MAX; i++)
		if (g->dials[i].socket != NULL)
			gate_dial_close(g, &g->dials[i]);
	if (g->router != NULL)
		zmq_socket_monitor(g->router, NULL, 0);
	if (g->monitor != NULL)
		zmq_close(g->monitor);
	if (g->router != NULL)
		zmq_close(g->router);
	if (g->zap != NULL)
		zmq_close(g->zap);
	if (g->ctx != NULL)
		zmq_ctx_term(g->ctx);
}

static void release(struct gate *g)
{
	struct connection *c, *next;

	g->fatal = true; /* tell nobody any more */
	HASH_ITER (by_fd, g->by_fd, c, next) {
		backlog_drop(g, c);
		HASH_DELETE(by_fd, g->by_fd, c);
		if (c->number != 0) {
			HASH_DELETE(by_number, g->by_number, c);
			HASH_DELETE(by_routing, g->by_routing, c);
		}
		gate_crowd_drop(g, c);
		free(c);
	}
	gate_admit(g, NULL, 0);
	free(g->incoming_keys);
}

/* libzmq spins when it runs out of them (F8), so that cannot be. */
static bool descriptors_suffice(const struct gate_options *o)
{
	rlim_t wanted = 2 * (rlim_t)(o->connections_max + o->handshakes_max) +
			4 * GATE_DIALS_MAX + 64;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	if (limit.rlim_cur >= wanted)
		return true;
	limit.rlim_cur = wanted;
	if (limit.rlim_max >= wanted && setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return true;
	log_line(LOG_ERROR, HF_DESCRIPTORS,
	    "%llu are wanted, %llu allowed: %s, or lower connections_max",
	    (unsigned long long)wanted, (unsigned long long)limit.rlim_max,
	    hf_err_info(HF_DESCRIPTORS)->cure);
	return false;
}

/* Where it is and what helps; what is wrong was said before. */
static void cannot_start(const struct gate *g)
{
	enum hf_err why = g->unbound ? HF_BIND : HF_GATE;

	log_line(LOG_ERROR, why, "cannot start %s_endpoint=%s: %s: %s",
	    g->o->peers ? "peer" : "desk", g->o->endpoint, hf_err_text(why),
	    hf_err_info(why)->cure);
}

/* Who came during the self-test was put off (zap.c) and hears nothing: cut, he
 * tries again at once. */
static void send_away(struct gate *g)
{
	gate_monitor_drain(g);
	for (struct connection *c = g->by_fd; c != NULL; c = c->by_fd.next)
		gate_cut(g, c);
}

int gate_main(int core_fd, struct gate_options *options)
{
	struct gate *g = calloc(1, sizeof(*g));
	uint64_t tick = 0;
	int result = GATE_REFUSES;

	if (g == NULL)
		return 1;
	g->o = options;
	g->core_fd = core_fd;
	if (!descriptors_suffice(options))
		goto out;
	if (open_sockets(g) == 0)
		result = gate_selftest(g);
	if (result != 0) {
		cannot_start(g);
		goto out;
	}
	send_away(g);
	gate_tell(g, RECORD_READY, (uint32_t)g->port, 0, 0, NULL, NULL, 0);
	while (!g->stopping && !g->fatal) {
		one_round(g);
		if (gate_mono_ms() - tick >= GATE_TICK_MS) {
			tick = gate_mono_ms();
			gate_tick(g);
		}
	}
	result = g->fatal ? 1 : 0;
out:
	close_sockets(g);
	release(g);
	hf_wipe(options->secret, sizeof(options->secret));
	free(g);
	return result;
}
