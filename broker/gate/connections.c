/*
 * connections: what the monitor and the ROUTER tell of each accepted
 * connection, and the only way to end one: shutdown() of its descriptor
 * (libzmq has no call for it), after the descriptor was found to be still
 * the same peer's.
 *
 * Identity is the CURVE key that ZAP saw, read from the last frame (F4);
 * a routing id is an address only, and only if our own counter issued it.
 */
#include "broker/gate/internal.h"

#include <errno.h>
#include <linux/tcp.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static struct connection *find_fd(struct gate *g, int fd)
{
	struct connection *c = NULL;

	HASH_FIND(by_fd, g->by_fd, &fd, sizeof(fd), c);
	return c;
}

void gate_shutdown(const struct connection *c)
{
	struct sockaddr_in now = {0};
	socklen_t size = sizeof(now);

	/* the descriptor may be somebody else's by now */
	if (getpeername(c->fd, (struct sockaddr *)&now, &size) == 0 &&
	    size == sizeof(now) && now.sin_family == AF_INET &&
	    now.sin_addr.s_addr == c->address.sin_addr.s_addr &&
	    now.sin_port == c->address.sin_port)
		shutdown(c->fd, SHUT_RDWR);
}

void gate_cut(struct gate *g, struct connection *c)
{
	if (c->cut)
		return;
	c->cut = true;
	gate_crowd_drop(g, c);
	gate_shutdown(c);
}

void gate_cut_key(struct gate *g, const struct hf_key *key)
{
	for (struct connection *c = g->by_fd; c != NULL; c = c->by_fd.next)
		if (c->key != NULL &&
		    memcmp(&c->key->key, key, sizeof(*key)) == 0) {
			gate_cut(g, c);
			c->key->live--;
			c->key = NULL;
		}
}

void gate_refused(struct gate *g)
{
	g->refused++;
	g->refused_count++;
}

static void forget(struct gate *g, struct connection *c)
{
	if (c->number == 0 && !c->cut)
		gate_refused(g); /* it never said who it is, or was refused */
	if (c->number != 0) {
		gate_tell(g, RECORD_GONE, 0, 0, c->number, NULL, NULL, 0);
		HASH_DELETE(by_number, g->by_number, c);
		HASH_DELETE(by_routing, g->by_routing, c);
	}
	if (c->key != NULL)
		c->key->live--;
	gate_crowd_drop(g, c);
	backlog_drop(g, c);
	HASH_DELETE(by_fd, g->by_fd, c);
	g->connection_count--;
	free(c);
}

static void on_accepted(struct gate *g, int fd)
{
	struct connection *c = find_fd(g, fd);
	socklen_t size = sizeof(c->address);

	if (c != NULL)
		forget(g, c); /* its end was not reported */
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		gate_fail(g, HF_NOMEM, "a connection");
		return;
	}
	c->fd = fd;
	c->accepted_ms = gate_mono_ms();
	if (getpeername(fd, (struct sockaddr *)&c->address, &size) != 0 ||
	    c->address.sin_family != AF_INET) {
		free(c);
		return; /* gone already; its DISCONNECTED finds nothing */
	}
	HASH_ADD(by_fd, g->by_fd, fd, sizeof(c->fd), c);
	if (c->lost) {
		free(c);
		gate_fail(g, HF_NOMEM, "a connection");
		return;
	}
	g->connection_count++;
	if (gate_crowd_add(g, c) != HF_OK)
		gate_fail(g, HF_NOMEM, "a connection");
}

void gate_monitor_drain(struct gate *g)
{
	struct monitor_event e;
	struct connection *c;

	while (gate_monitor_next(g->monitor, &e)) {
		switch (e.event) {
		case ZMQ_EVENT_ACCEPTED:
			on_accepted(g, (int)e.value);
			break;
		case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
			g->handshakes++; /* whose is not told: the value is 0 */
			break;
		case ZMQ_EVENT_DISCONNECTED:
		case ZMQ_EVENT_CLOSED:
			c = find_fd(g, (int)e.value);
			if (c != NULL)
				forget(g, c);
			break;
		case ZMQ_EVENT_ACCEPT_FAILED:
			g->no_descriptors = true;
			break;
		default:
			break;
		}
	}
}

uint64_t gate_tcp_received(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return 0;
	return info.tcpi_bytes_received;
}

static bool name(struct gate *g, struct connection *c)
{
	HASH_ADD(by_number, g->by_number, number, sizeof(c->number), c);
	if (c->lost)
		return false;
	HASH_ADD(by_routing, g->by_routing, routing, sizeof(c->routing), c);
	if (!c->lost)
		return true;
	HASH_DELETE(by_number, g->by_number, c);
	return false;
}

/* The first frame of a connection binds descriptor, routing id and key. */
static struct connection *introduce(
    struct gate *g, uint32_t routing, int fd, struct admitted *key)
{
	struct connection *c = find_fd(g, fd);

	if (c == NULL || c->cut || c->number != 0)
		return NULL;
	if (g->routing_known &&
	    routing - g->routing_first > g->handshakes + GATE_ROUTING_SLACK)
		return NULL; /* not of our counter: F20 */
	if (key->live >= GATE_KEY_CONNECTIONS || !gate_crowd_known(g, c))
		return NULL;
	c->number = ++g->next_number;
	c->routing = routing;
	if (!name(g, c)) {
		c->number = 0;
		gate_fail(g, HF_NOMEM, "a connection");
		return NULL;
	}
	c->key = key;
	key->live++;
	return c;
}

static void drop_fd(struct gate *g, int fd)
{
	struct connection *c = find_fd(g, fd);

	gate_refused(g);
	if (c != NULL)
		gate_cut(g, c);
}

static struct admitted *key_of(struct gate *g, zmq_msg_t *m)
{
	const char *user = zmq_msg_gets(m, "User-Id");
	struct hf_key key;

	if (user == NULL || strlen(user) != 40 ||
	    zmq_z85_decode(key.b, user) == NULL)
		return NULL;
	return gate_admitted(g, &key);
}

/* One frame after its routing id; false: cut. */
static bool take(struct gate *g, uint32_t routing, zmq_msg_t *m, int fd)
{
	struct admitted *key = key_of(g, m);
	struct connection *c = NULL;

	if (key == NULL || zmq_msg_size(m) == 0 ||
	    zmq_msg_size(m) > HF_FRAME_MAX)
		return false;
	HASH_FIND(by_routing, g->by_routing, &routing, sizeof(routing), c);
	if (c == NULL)
		c = introduce(g, routing, fd, key);
	if (c == NULL || c->cut || c->fd != fd || c->key != key)
		return false;
	c->framed = true;
	gate_tell(g, RECORD_FRAME, 0, 0, c->number, &key->key, zmq_msg_data(m),
	    zmq_msg_size(m));
	return true;
}

/* A message that is not exactly [id, frame] is read to its end and cut. */
static void drain_rest(struct gate *g, zmq_msg_t *m)
{
	while (zmq_msg_more(m) && zmq_msg_recv(m, g->router, ZMQ_DONTWAIT) >= 0)
		;
}

bool gate_receive(struct gate *g, unsigned most)
{
	while (most-- > 0 && !g->stopping && !g->fatal) {
		uint8_t id[256];
		int n = zmq_recv(g->router, id, sizeof(id), ZMQ_DONTWAIT);
		uint32_t routing = 0;
		zmq_msg_t m;
		int fd;

		if (n < 0)
			return errno != EAGAIN;
		zmq_msg_init(&m);
		if (zmq_msg_recv(&m, g->router, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&m);
			continue;
		}
		fd = zmq_msg_get(&m, ZMQ_SRCFD);
		if (n == 5)
			memcpy(&routing, id + 1, sizeof(routing));
		routing = ntohl(routing);
		if (zmq_msg_more(&m)) {
			drain_rest(g, &m);
			drop_fd(g, fd);
		} else if (n != 5 || id[0] != 0 || !take(g, routing, &m, fd)) {
			drop_fd(g, fd);
		}
		zmq_msg_close(&m);
	}
	return true;
}

void gate_send(struct gate *g, const struct record *r)
{
	struct connection *c = NULL;
	struct dial *d = gate_dial_of(g, r->h.conn);

	if (d != NULL) {
		d->ready = true;
		zmq_send(d->socket, r->payload, r->h.size, ZMQ_DONTWAIT);
		return;
	}
	HASH_FIND(by_number, g->by_number, &r->h.conn, sizeof(r->h.conn), c);
	if (c != NULL) /* gone: the sender keeps what was not acknowledged */
		backlog_send(g, c, r->payload, r->h.size);
}

/* Bytes a peer may have sent since its last whole frame: what libzmq may
 * hold back for us, and a mebibyte. */
uint64_t gate_byte_limit(const struct gate *g)
{
	unsigned hwm = g->o->peers ? GATE_RCVHWM_PEERS : GATE_RCVHWM_DESKS;

	return (uint64_t)hwm * (HF_FRAME_MAX + 64u) + (UINT64_C(1) << 20);
}

/* Known senders are asked for their bytes when this process has grown, or
 * every two seconds: what a message without an end fills is our memory. */
static bool is_sweep(struct gate *g, uint64_t now)
{
	struct mallinfo2 m = mallinfo2();
	uint64_t held = m.uordblks + m.hblkhd;

	if (now - g->swept_ms < GATE_SWEEP_MS &&
	    held < g->swept_bytes + GATE_SWEEP_BYTES)
		return false;
	g->swept_ms = now;
	g->swept_bytes = held;
	return true;
}

/* More bytes than a frame can explain, no hello, or too old. */
static bool must_go(const struct gate *g, struct connection *c, uint64_t now,
    uint64_t limit, bool sweep)
{
	uint64_t received;

	if (c->number != 0 && !sweep)
		return now - c->accepted_ms > g->o->age_ms;
	received = gate_tcp_received(c->fd);
	if (c->framed)
		c->received = received;
	c->framed = false;
	if (c->number == 0)
		return received > GATE_STRANGER_BYTES ||
		       now - c->accepted_ms > GATE_HELLO_MS;
	return (received > c->received && received - c->received > limit) ||
	       now - c->accepted_ms > g->o->age_ms;
}

static void alarm_one(struct gate *g, enum hf_err code, unsigned *count)
{
	if (*count > 0)
		gate_tell(g, RECORD_ALARM, code, *count, 0, NULL, NULL, 0);
	*count = 0;
}

/* At most once a minute of each kind: who knocks does not fill the log. */
static void tell_alarms(struct gate *g, uint64_t now)
{
	unsigned starved = g->no_descriptors;

	if (g->refused + g->crowded + starved == 0 ||
	    (g->alarm_ms != 0 && now - g->alarm_ms < GATE_ALARM_MS))
		return;
	g->alarm_ms = now;
	alarm_one(g, HF_NOT_IN_ROSTER, &g->refused);
	alarm_one(g, HF_CROWDED, &g->crowded);
	alarm_one(g, HF_DESCRIPTORS, &starved);
	g->no_descriptors = false;
}

static void tell_figures(struct gate *g, uint64_t now)
{
	uint64_t turned = g->refused_count + g->cut_count;

	if (now - g->told_ms < GATE_TELL_MS ||
	    (turned == g->told_turned && g->known_count == g->told_known))
		return;
	g->told_ms = now;
	g->told_turned = turned;
	g->told_known = g->known_count;
	gate_tell(g, RECORD_FIGURES, g->known_count, (uint32_t)turned, 0, NULL,
	    NULL, 0);
}

void gate_tick(struct gate *g)
{
	uint64_t now = gate_mono_ms(), limit = gate_byte_limit(g);
	bool sweep = is_sweep(g, now);

	for (struct connection *c = g->by_fd; c != NULL; c = c->by_fd.next)
		if (!c->cut && must_go(g, c, now, limit, sweep))
			gate_cut(g, c);
	for (unsigned i = 0; i < GATE_DIALS_MAX; i++)
		if (g->dials[i].socket != NULL)
			gate_dial_tick(g, &g->dials[i], sweep);
	tell_alarms(g, now);
	tell_figures(g, now);
}
