/*
 * dial: one DEALER a peer, connected to one literal endpoint at a time
 * (F21: libzmq would resolve names in its I/O thread).  When an endpoint
 * fails, the next one is tried.  The cause of a failure goes to the core,
 * so that the officer reads it.
 */
#include "broker/gate/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define FAILURES_BEFORE_NEXT 3u
#define REDIAL_MS 10000u

struct dial *gate_dial_of(struct gate *g, uint64_t number)
{
	for (unsigned i = 0; number != 0 && i < GATE_DIALS_MAX; i++)
		if (g->dials[i].socket != NULL && g->dials[i].number == number)
			return &g->dials[i];
	return NULL;
}

static void down(struct gate *g, struct dial *d)
{
	if (d->number == 0)
		return;
	gate_tell(g, RECORD_GONE, 0, 0, d->number, &d->key, NULL, 0);
	d->number = 0;
	d->fd = -1;
}

void gate_dial_close(struct gate *g, struct dial *d)
{
	down(g, d);
	if (d->socket != NULL)
		zmq_socket_monitor(d->socket, NULL, 0);
	if (d->monitor != NULL)
		zmq_close(d->monitor);
	if (d->socket != NULL)
		zmq_close(d->socket);
	memset(d, 0, sizeof(*d));
}

static unsigned read_endpoints(struct dial *d, const struct record *r)
{
	const char *at = (const char *)r->payload;
	const char *end = at + r->h.size;

	d->count = 0;
	while (at < end && d->count < 4) {
		const char *line = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((line != NULL ? line : end) - at);

		if (size > 0 && size < sizeof(d->endpoint[0])) {
			memcpy(d->endpoint[d->count], at, size);
			d->endpoint[d->count][size] = '\0';
			d->count++;
		}
		at += size + 1;
	}
	return d->count;
}

static int open_socket(struct gate *g, struct dial *d)
{
	char address[48];

	snprintf(address, sizeof(address), "inproc://dial-%u-%llu",
	    (unsigned)(d - g->dials), (unsigned long long)++g->next_number);
	d->socket = zmq_socket(g->ctx, ZMQ_DEALER);
	if (d->socket == NULL || gate_dealer(g, d->socket, g->o->public_key.b,
				     g->o->secret, d->key.b) != 0)
		return -1;
	d->monitor = gate_monitor(g, d->socket, address);
	if (d->monitor == NULL)
		return -1;
	d->socket_fd = gate_fd(d->socket);
	d->monitor_fd = gate_fd(d->monitor);
	d->ready = true;
	return zmq_connect(d->socket, d->endpoint[d->current]);
}

void gate_dial(struct gate *g, const struct record *r)
{
	struct dial *free_slot = NULL, *d = NULL;
	struct dial wanted = {0};

	for (unsigned i = 0; i < GATE_DIALS_MAX && d == NULL; i++) {
		if (g->dials[i].socket == NULL) {
			if (free_slot == NULL)
				free_slot = &g->dials[i];
		} else if (memcmp(g->dials[i].key.b, r->h.key, HF_KEY_SIZE) ==
			   0) {
			d = &g->dials[i];
		}
	}
	if (read_endpoints(&wanted, r) == 0) {
		if (d != NULL)
			gate_dial_close(g, d);
		return;
	}
	if (d != NULL && d->count == wanted.count &&
	    memcmp(d->endpoint, wanted.endpoint, sizeof(d->endpoint)) == 0)
		return;
	if (d != NULL)
		gate_dial_close(g, d);
	else
		d = free_slot;
	if (d == NULL)
		return; /* more peers than a roster may hold */
	memcpy(wanted.key.b, r->h.key, HF_KEY_SIZE);
	wanted.fd = -1;
	*d = wanted;
	if (open_socket(g, d) != 0) {
		gate_tell(g, RECORD_DOWN_CAUSE, HF_TCP, 0, 0, &d->key, NULL, 0);
		gate_dial_close(g, d);
	}
}

static void connect_next(struct dial *d)
{
	zmq_disconnect(d->socket, d->endpoint[d->current]);
	if (d->failures >= FAILURES_BEFORE_NEXT && d->count > 1) {
		d->current = (d->current + 1) % d->count;
		d->failures = 0;
	}
	d->redial_ms = 0;
	zmq_connect(d->socket, d->endpoint[d->current]);
}

/* A refused handshake: libzmq gives such an endpoint up for good, so it is
 * connected anew, later and later. */
static void refused(struct gate *g, struct dial *d, enum hf_err cause)
{
	unsigned shift = d->failures < 6 ? d->failures : 6;

	down(g, d);
	gate_tell(g, RECORD_DOWN_CAUSE, cause, d->current, 0, &d->key, NULL, 0);
	d->failures++;
	d->redial_ms = gate_mono_ms() + (250u << shift);
}

static void failed(struct gate *g, struct dial *d, enum hf_err cause)
{
	down(g, d);
	gate_tell(g, RECORD_DOWN_CAUSE, cause, d->current, 0, &d->key, NULL, 0);
	if (++d->failures >= FAILURES_BEFORE_NEXT && d->count > 1)
		connect_next(d);
}

/* The dialled side may attack as well: never-ending multipart (F7). */
void gate_dial_tick(struct gate *g, struct dial *d, bool sweep)
{
	uint64_t received;

	if (d->redial_ms != 0 && gate_mono_ms() >= d->redial_ms)
		connect_next(d);
	if (d->number == 0 || d->fd < 0 || !sweep)
		return;
	received = gate_tcp_received(d->fd);
	if (received > d->received &&
	    received - d->received > gate_byte_limit(g))
		shutdown(d->fd, SHUT_RDWR);
}

static void on_event(
    struct gate *g, struct dial *d, const struct monitor_event *e)
{
	switch (e->event) {
	case ZMQ_EVENT_CONNECTED:
		d->fd = (int)e->value; /* the only event that tells it */
		break;
	case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
		d->failures = 0;
		d->redial_ms = 0;
		d->received = gate_tcp_received(d->fd);
		d->number = ++g->next_number;
		gate_tell(g, RECORD_UP, 0, 0, d->number, &d->key, NULL, 0);
		break;
	case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
		refused(
		    g, d, e->value == 400 ? HF_NOT_IN_ROSTER : HF_HANDSHAKE);
		break;
	case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
		refused(g, d, HF_HANDSHAKE);
		break;
	case ZMQ_EVENT_DISCONNECTED:
		down(g, d);
		/* after a broken protocol libzmq does not try again */
		if (d->redial_ms == 0)
			d->redial_ms = gate_mono_ms() + REDIAL_MS;
		break;
	case ZMQ_EVENT_CLOSED:
		failed(g, d, HF_TCP);
		break;
	default:
		break;
	}
}

bool gate_dial_drain(struct gate *g, struct dial *d, unsigned most)
{
	struct monitor_event e;

	while (gate_monitor_next(d->monitor, &e))
		on_event(g, d, &e);
	while (most-- > 0 && !g->stopping) {
		zmq_msg_t m;
		bool ok;

		zmq_msg_init(&m);
		if (zmq_msg_recv(&m, d->socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&m);
			return errno != EAGAIN;
		}
		ok = !zmq_msg_more(&m) && zmq_msg_size(&m) > 0 &&
		     zmq_msg_size(&m) <= HF_FRAME_MAX && d->number != 0;
		while (zmq_msg_more(&m) &&
		       zmq_msg_recv(&m, d->socket, ZMQ_DONTWAIT) >= 0)
			;
		if (ok) {
			d->received = gate_tcp_received(d->fd);
			gate_tell(g, RECORD_FRAME, 0, 0, d->number, &d->key,
			    zmq_msg_data(&m), zmq_msg_size(&m));
		}
		zmq_msg_close(&m);
	}
	return true;
}
