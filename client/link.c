/*
 * link: one CURVE DEALER to the own broker, with a monitor that tells why a
 * connection does not come up.  One request at a time; pushed events that
 * arrive meanwhile wait in a small queue.
 */
#include "client/link.h"

#include "proto/crypto.h"
#include "proto/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define EVENTS_MAX 256u
#define TRIES_MAX 8u
/* libzmq gives up for good after a refused handshake.  A broker that has just
 * started knows no keys for a moment, so we dial again, a few times. */
#define REFUSED_MS 150
/* It does so after a protocol that was broken, too, and says nothing; after
 * other ends it dials by itself, and has been up again by then. */
#define ENDED_MS 10000
#define HANDSHAKE_MS 2500

#define BUSY_MAX_MS 30000u /* SPEC 10.1, 12.13 */

struct pushed {
	uint64_t sequence;
	size_t size;
	uint8_t map[512];
};

struct link {
	void *ctx, *socket, *monitor;
	int timeout_ms;
	uint64_t request;
	bool up;
	bool renewed;    /* up again after it was lost: what was sent may be */
	bool unwatched;  /* events were lost, or the broker forgot the watch */
	uint64_t cursor; /* newest event returned */
	bool lost;
	unsigned tries, refused;
	int64_t connected_at;
	int64_t redial_at; /* 0: not wanted */
	struct link_trouble trouble;
	char endpoint[ENDPOINT_TEXT_MAX];
	uint8_t frame[HF_FRAME_MAX];
	size_t frame_size;
	struct pushed *events; /* EVENTS_MAX, a ring */
	unsigned event_first, event_count;
	void (*tell_busy)(void *ctx, unsigned ms);
	void *tell_ctx;
};

static int64_t mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value));
}

static bool set_options(struct link *l, struct home *h)
{
	int64_t most = HF_FRAME_MAX + 33;
	uint8_t secret[HF_KEY_SIZE];
	void *s = l->socket;
	int mechanism = -1;
	size_t size = sizeof(mechanism);
	bool ok;

	if (h->signer->transport_secret(h->signer, secret) != HF_OK)
		return false;
	ok = set_int(s, ZMQ_LINGER, 0) == 0 &&
	     set_int(s, ZMQ_SNDHWM, 16) == 0 &&
	     set_int(s, ZMQ_RCVHWM, 16) == 0 &&
	     set_int(s, ZMQ_IMMEDIATE, 1) == 0 &&
	     set_int(s, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) == 0 &&
	     set_int(s, ZMQ_HEARTBEAT_IVL, 5000) == 0 &&
	     set_int(s, ZMQ_HEARTBEAT_TIMEOUT, 15000) == 0 &&
	     set_int(s, ZMQ_HEARTBEAT_TTL, 20000) == 0 &&
	     set_int(s, ZMQ_RECONNECT_IVL, 100) == 0 &&
	     set_int(s, ZMQ_RECONNECT_IVL_MAX, 2000) == 0 &&
	     set_int(s, ZMQ_CONNECT_TIMEOUT, 5000) == 0 &&
	     zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &most, sizeof(most)) == 0 &&
	     zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, h->signer->transport_key.b,
		 HF_KEY_SIZE) == 0 &&
	     zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret, HF_KEY_SIZE) == 0 &&
	     zmq_setsockopt(
		 s, ZMQ_CURVE_SERVERKEY, h->broker_key.b, HF_KEY_SIZE) == 0 &&
	     zmq_getsockopt(s, ZMQ_MECHANISM, &mechanism, &size) == 0 &&
	     mechanism == ZMQ_CURVE;
	hf_wipe(secret, sizeof(secret));
	return ok;
}

static bool open_sockets(struct link *l, struct home *h)
{
	int zero = 0;

	l->ctx = zmq_ctx_new();
	if (l->ctx == NULL ||
	    (l->socket = zmq_socket(l->ctx, ZMQ_DEALER)) == NULL ||
	    !set_options(l, h) ||
	    zmq_socket_monitor(l->socket, "inproc://link", ZMQ_EVENT_ALL) !=
		0 ||
	    (l->monitor = zmq_socket(l->ctx, ZMQ_PAIR)) == NULL ||
	    zmq_setsockopt(l->monitor, ZMQ_LINGER, &zero, sizeof(zero)) != 0 ||
	    zmq_connect(l->monitor, "inproc://link") != 0)
		return false;
	return zmq_connect(l->socket, l->endpoint) == 0;
}

static void trouble(struct link *l, enum hf_err err, const char *what)
{
	l->trouble.err = err;
	snprintf(l->trouble.where, sizeof(l->trouble.where), "%s, %s, %u %s",
	    l->endpoint, what, l->tries, l->tries == 1 ? "try" : "tries");
}

/* Only a refusal is told to us.  A wrong key, a limit and a start all look like
 * this. */
static void not_finished(struct link *l)
{
	bool silent = mono_ms() - l->connected_at >= HANDSHAKE_MS - 100;

	l->tries++;
	trouble(l, HF_HANDSHAKE,
	    silent ? "no answer to the handshake"
		   : "closed by the other side during the handshake");
}

static void drain_monitor(struct link *l)
{
	uint8_t first[6], address[256];
	uint32_t value;
	uint16_t event;

	while (zmq_recv(l->monitor, first, sizeof(first), ZMQ_DONTWAIT) == 6) {
		if (zmq_recv(
			l->monitor, address, sizeof(address), ZMQ_DONTWAIT) < 0)
			return;
		memcpy(&event, first, sizeof(event));
		memcpy(&value, first + 2, sizeof(value));
		switch (event) {
		case ZMQ_EVENT_CONNECTED:
			l->connected_at = mono_ms();
			break;
		case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
			l->up = true;
			l->renewed |= l->lost;
			l->lost = false;
			l->redial_at = 0;
			l->refused = l->tries = 0;
			l->trouble.err = HF_OK;
			break;
		case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
			l->redial_at = mono_ms() + REFUSED_MS;
			if (value != 400) {
				not_finished(l);
				break;
			}
			l->tries++;
			l->refused++;
			trouble(l, HF_NOT_IN_ROSTER, "handshake refused (400)");
			break;
		case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
			l->tries++;
			trouble(l, HF_SERVER_KEY, "it answers in another way");
			break;
		case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
			not_finished(l);
			break;
		case ZMQ_EVENT_CLOSED:
			l->tries++;
			if (l->trouble.err == HF_OK)
				trouble(l, HF_TCP, "connection refused");
			break;
		case ZMQ_EVENT_DISCONNECTED:
			l->lost = l->up || l->lost;
			l->up = false;
			if (l->redial_at == 0)
				l->redial_at = mono_ms() + ENDED_MS;
			break;
		default:
			break;
		}
	}
}

enum hf_err link_open(struct link **out, struct home *h, int timeout_ms)
{
	struct link *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (l == NULL ||
	    (l->events = calloc(EVENTS_MAX, sizeof(*l->events))) == NULL) {
		free(l);
		return HF_NOMEM;
	}
	l->timeout_ms = timeout_ms;
	snprintf(l->endpoint, sizeof(l->endpoint), "%s", h->broker);
	if (!open_sockets(l, h)) {
		link_close(l);
		return HF_UNREACHABLE;
	}
	*out = l;
	return HF_OK;
}

void link_close(struct link *l)
{
	if (l == NULL)
		return;
	if (l->socket != NULL)
		zmq_socket_monitor(l->socket, NULL, 0);
	if (l->monitor != NULL)
		zmq_close(l->monitor);
	if (l->socket != NULL)
		zmq_close(l->socket);
	if (l->ctx != NULL)
		zmq_ctx_term(l->ctx);
	free(l->events);
	free(l);
}

const struct link_trouble *link_trouble(const struct link *l)
{
	return &l->trouble;
}

/* News of the connection, and a new one when the last was refused. */
static void look_after(struct link *l)
{
	drain_monitor(l);
	if (l->redial_at == 0 || mono_ms() < l->redial_at)
		return;
	l->redial_at = 0;
	zmq_disconnect(l->socket, l->endpoint); /* ENOENT: gone already */
	if (zmq_connect(l->socket, l->endpoint) != 0)
		trouble(l, HF_UNREACHABLE, "cannot dial again");
}

/* Wait for a frame or the deadline.  HF_OK: l->frame holds one; HF_TCP: the
 * connection is a new one, and nothing comes for what the old one was asked. */
static enum hf_err receive(struct link *l, int64_t deadline)
{
	for (;;) {
		zmq_pollitem_t items[2] = {{l->socket, 0, ZMQ_POLLIN, 0},
		    {l->monitor, 0, ZMQ_POLLIN, 0}};
		int64_t left = deadline - mono_ms();
		int n;

		n = zmq_recv(
		    l->socket, l->frame, sizeof(l->frame), ZMQ_DONTWAIT);
		if (n > (int)sizeof(l->frame))
			return HF_FRAME;
		if (n > 0) {
			int more = 0;
			size_t size = sizeof(more);

			l->frame_size = (size_t)n;
			if (zmq_getsockopt(
				l->socket, ZMQ_RCVMORE, &more, &size) != 0 ||
			    more)
				return HF_FRAME;
			return HF_OK;
		}
		if (l->renewed) {
			l->renewed = false;
			return HF_TCP;
		}
		if (l->refused >= TRIES_MAX)
			return HF_NOT_IN_ROSTER;
		if (left <= 0)
			return HF_TIMEOUT;
		zmq_poll(items, 2, left > 50 ? 50 : (long)left);
		look_after(l);
	}
}

static enum hf_err send_when_up(
    struct link *l, const void *data, size_t size, int64_t deadline)
{
	for (;;) {
		zmq_pollitem_t items[2] = {{l->socket, 0, ZMQ_POLLOUT, 0},
		    {l->monitor, 0, ZMQ_POLLIN, 0}};
		int64_t left = deadline - mono_ms();

		if (zmq_send(l->socket, data, size, ZMQ_DONTWAIT) >= 0)
			return HF_OK;
		if (left <= 0 || l->tries >= TRIES_MAX)
			return l->trouble.err != HF_OK ? l->trouble.err
						       : HF_UNREACHABLE;
		zmq_poll(items, 2, left > 50 ? 50 : (long)left);
		look_after(l);
	}
}

static void keep_event(struct link *l, struct wire *w)
{
	struct pushed *p;
	struct hf_desk desk = wire_desk(w);
	uint64_t sequence = wire_uint(w, UINT64_MAX);
	struct hf_bytes map = wire_skip(w);

	(void)desk;
	wire_close(w);
	if (wire_finish(w) != HF_OK || map.size > sizeof(p->map))
		return;
	/* from the first that has no room on, all come again */
	l->unwatched |= l->event_count == EVENTS_MAX;
	if (l->unwatched)
		return;
	p = &l->events[(l->event_first + l->event_count++) % EVENTS_MAX];
	p->sequence = sequence;
	p->size = map.size;
	memcpy(p->map, map.data, map.size);
}

/* Is this frame the response that we wait for?  Its code and parts. */
static enum hf_err take_response(
    struct link *l, struct answer *a, bool *ours, enum hf_err *code)
{
	struct wire w;
	uint64_t request;
	unsigned members;

	*ours = false;
	memset(a, 0, sizeof(*a));
	wire_init(&w, l->frame, l->frame_size);
	members = wire_array(&w, 4, 5);
	if (wire_uint(&w, 1) == HF_EVENT) {
		keep_event(l, &w);
		return HF_OK;
	}
	request = wire_uint(&w, UINT64_MAX);
	*code = (enum hf_err)wire_uint(&w, UINT32_MAX);
	a->map = wire_skip(&w);
	if (members == 5)
		a->receipt = wire_bin(&w, 0, HF_RECEIPT_MAX);
	wire_close(&w);
	*ours = request == l->request;
	return wire_finish(&w);
}

void link_tell_busy(
    struct link *l, void (*tell)(void *ctx, unsigned ms), void *ctx)
{
	l->tell_busy = tell;
	l->tell_ctx = ctx;
}

/* The broker has too much to do and says for how long (key 8): wait so long
 * and a little more, each client another little.  False: the officer's time
 * is over before, or nothing was said. */
static bool wait_busy(struct link *l, const struct answer *a, int64_t deadline)
{
	uint64_t ms = 0;
	uint8_t jitter;
	struct wire w;
	int key;

	wire_init(&w, a->map.data, a->map.size);
	wire_map(&w, HF_MAP_MAX);
	while ((key = wire_key(&w)) >= 0)
		if (key == 8)
			ms = wire_uint(&w, BUSY_MAX_MS);
		else
			wire_skip(&w);
	wire_close(&w);
	if (wire_finish(&w) != HF_OK || ms == 0)
		return false;
	hf_random(&jitter, sizeof(jitter));
	ms += ms * jitter / 1024;
	if ((int64_t)ms >= deadline - mono_ms())
		return false;
	if (l->tell_busy != NULL)
		l->tell_busy(l->tell_ctx, (unsigned)ms);
	zmq_poll(NULL, 0, (long)ms);
	return true;
}

enum hf_err link_call(
    struct link *l, enum hf_op op, struct hf_bytes args, struct answer *answer)
{
	static const uint8_t empty_map = 0x80;
	uint8_t *request = malloc(HF_FRAME_MAX);
	int64_t deadline = mono_ms() + l->timeout_ms;
	struct pack p;
	size_t size;
	enum hf_err err, code = HF_OK;

	if (request == NULL)
		return HF_NOMEM;
	pack_init(&p, request, HF_FRAME_MAX);
	pack_array(&p, 3);
	pack_uint(&p, op);
	pack_uint(&p, ++l->request);
	pack_raw(&p, args.size > 0 ? args : (struct hf_bytes){&empty_map, 1});
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = send_when_up(l, request, size, deadline);
	while (err == HF_OK) {
		bool ours = false;

		err = receive(l, deadline);
		if (err == HF_TCP) { /* asked twice has no second effect */
			l->unwatched = true;
			err = send_when_up(l, request, size, deadline);
		} else if (err == HF_OK) {
			err = take_response(l, answer, &ours, &code);
		}
		if (err == HF_OK && ours) {
			err = code;
			if (err == HF_BUSY && wait_busy(l, answer, deadline))
				err = send_when_up(l, request, size, deadline);
			else
				break;
		}
	}
	free(request);
	return err;
}

/* The answer says after which event the new ones come. */
enum hf_err link_watch(struct link *l, uint64_t after)
{
	uint8_t args[16];
	struct answer answer;
	struct pack p;
	struct wire w;
	size_t size;
	enum hf_err err;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, 1);
	pack_uint(&p, 1);
	pack_uint(&p, after);
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = link_call(
		    l, HF_OP_WATCH, (struct hf_bytes){args, size}, &answer);
	if (err != HF_OK)
		return err;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, HF_MAP_MAX);
	if (wire_key(&w) != 1)
		return HF_FRAME;
	l->cursor = wire_uint(&w, UINT64_MAX);
	l->unwatched = false;
	return w.err;
}

/* Take the oldest event that waits, if it is a new one. */
static bool take_event(
    struct link *l, uint64_t *sequence, struct hf_bytes *event)
{
	const struct pushed *p = &l->events[l->event_first];

	if (l->event_count == 0)
		return false;
	l->event_first = (l->event_first + 1) % EVENTS_MAX;
	l->event_count--;
	if (p->sequence <= l->cursor)
		return false;
	*sequence = l->cursor = p->sequence;
	*event = (struct hf_bytes){p->map, p->size};
	return true;
}

enum hf_err link_event(
    struct link *l, int timeout_ms, uint64_t *sequence, struct hf_bytes *event)
{
	int64_t deadline = mono_ms() + timeout_ms;
	struct answer ignored;
	enum hf_err code, err = HF_OK;
	bool ours;

	while (err == HF_OK) {
		if (take_event(l, sequence, event))
			return HF_OK;
		if (l->event_count > 0)
			continue;
		if (l->unwatched) {
			err = link_watch(l, l->cursor);
			continue;
		}
		err = receive(l, deadline);
		if (err == HF_OK)
			err = take_response(l, &ignored, &ours, &code);
		else if (err == HF_TCP) { /* the broker forgot the old one */
			l->unwatched = true;
			err = HF_OK;
		}
	}
	return err;
}
