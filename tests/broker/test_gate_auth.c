/*
 * Authentication matrix of a gate (pitfalls F1): each way in which ZAP can be
 * set up wrongly, at both endpoints, against each key that must stay out
 * (knockers.h).  The sockets are set up by the gate's own code; one thing is
 * then spoilt.  A cell is closed when the self-test ends the gate or nothing
 * of the key arrives on the socket.  What a good gate does while documents
 * change is in test_gate_live.c.
 */
#include "broker/gate/internal.h"
#include "tests/broker/knockers.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define LIVE_MS 800u
#define LIVE_MOST_MS 10000u /* until the admitted one is in */
#define KEYS_MAX 64u

enum spoilt {
	NOTHING,
	NO_HANDLER,
	DOMAIN_EMPTY,
	DOMAIN_WRONG,
	NOT_ENFORCED,
	NOT_ENFORCED_NO_HANDLER,
	NEITHER,
	NO_SERVER_FLAG,
	MECHANISM_NULL,
	WRONG_SECRET,
	HANDLER_DEAD,
	HANDLER_LATE,
	ANSWER_GARBAGE,
	ANSWER_SHORT,
	ANSWER_OTHER_ID,
	SPOILT
};
static const char *const spoilt_names[SPOILT] = {"nothing spoilt", "no handler",
    "domain empty", "domain wrong", "domain not enforced", "nor a handler",
    "empty and not enforced", "no server flag", "mechanism NULL",
    "wrong secret key", "handler dead", "handler late", "answer garbage",
    "answer too short", "answer of another id"};

struct pair {
	uint8_t open[HF_KEY_SIZE], secret[HF_KEY_SIZE];
};

struct cell {
	enum spoilt spoilt;
	bool peers;
	struct gate_options o;
	struct gate g;
	const struct knockers *k;
	void *dealers[KNOCKERS];
	void *handler; /* one that is not the gate's */
	int selftest;
	uint64_t selftest_ms;
	bool arrived[KNOCKERS];
};

static void new_pair(struct pair *p)
{
	char open[41], secret[41];

	cr_assert_eq(zmq_curve_keypair(open, secret), 0);
	cr_assert_not_null(zmq_z85_decode(p->open, open));
	cr_assert_not_null(zmq_z85_decode(p->secret, secret));
}

static void set(void *socket, int option, int value)
{
	cr_assert_eq(zmq_setsockopt(socket, option, &value, sizeof(value)), 0);
}

/* The address of the handler is taken from the gate by another. */
static void take_handler(struct cell *c, bool bind)
{
	cr_assert_eq(zmq_unbind(c->g.zap, "inproc://zeromq.zap.01"), 0);
	zmq_close(c->g.zap);
	c->g.zap = zmq_socket(c->g.ctx, ZMQ_REP);
	c->handler = zmq_socket(c->g.ctx, ZMQ_ROUTER);
	set(c->g.zap, ZMQ_LINGER, 0);
	set(c->handler, ZMQ_LINGER, 0);
	if (bind)
		cr_assert_eq(zmq_bind(c->handler, "inproc://zeromq.zap.01"), 0);
}

/* One that was never told its domain: libzmq takes no empty one. */
static void fresh_router(struct cell *c, bool curve, bool enforced)
{
	zmq_close(c->g.router);
	c->g.router = zmq_socket(c->g.ctx, ZMQ_ROUTER);
	set(c->g.router, ZMQ_LINGER, 0);
	set(c->g.router, GATE_ZAP_ENFORCE_DOMAIN, enforced);
	if (!curve)
		return;
	set(c->g.router, ZMQ_CURVE_SERVER, 1);
	cr_assert_eq(zmq_setsockopt(c->g.router, ZMQ_CURVE_SECRETKEY,
			 c->o.secret, HF_KEY_SIZE),
	    0);
}

static void spoil(struct cell *c)
{
	void *r = c->g.router;
	struct pair other;

	switch (c->spoilt) {
	case NO_HANDLER:
		take_handler(c, false);
		break;
	case DOMAIN_EMPTY:
		fresh_router(c, true, true);
		break;
	case DOMAIN_WRONG:
		cr_assert_eq(zmq_setsockopt(r, ZMQ_ZAP_DOMAIN,
				 c->peers ? "desks" : "peers", 5),
		    0);
		break;
	case NOT_ENFORCED:
		set(r, GATE_ZAP_ENFORCE_DOMAIN, 0);
		break;
	case NOT_ENFORCED_NO_HANDLER:
		set(r, GATE_ZAP_ENFORCE_DOMAIN, 0);
		take_handler(c, false);
		break;
	case NEITHER:
		fresh_router(c, true, false);
		break;
	case NO_SERVER_FLAG:
		set(r, ZMQ_CURVE_SERVER, 0);
		break;
	case MECHANISM_NULL:
		fresh_router(c, false, false);
		break;
	case WRONG_SECRET:
		new_pair(&other);
		cr_assert_eq(zmq_setsockopt(r, ZMQ_CURVE_SECRETKEY,
				 other.secret, HF_KEY_SIZE),
		    0);
		break;
	case HANDLER_DEAD:
	case HANDLER_LATE:
	case ANSWER_GARBAGE:
	case ANSWER_SHORT:
	case ANSWER_OTHER_ID:
		take_handler(c, true);
		break;
	case NOTHING:
	case SPOILT:
		break;
	}
}

/* What a handler that is not the gate's does with one request. */
static void handle_wrongly(struct cell *c)
{
	uint8_t f[16][256];
	size_t size[16], more_size;
	unsigned n = 0;
	int more = 1;

	if (c->handler == NULL || c->spoilt == NO_HANDLER ||
	    c->spoilt == NOT_ENFORCED_NO_HANDLER)
		return;
	while (more && n < 16) {
		int got = zmq_recv(c->handler, f[n], 256, ZMQ_DONTWAIT);

		if (got < 0)
			return;
		size[n++] = (size_t)got;
		more_size = sizeof(more);
		zmq_getsockopt(c->handler, ZMQ_RCVMORE, &more, &more_size);
	}
	/* route, empty, "1.0", id, domain ... */
	if (c->spoilt == HANDLER_DEAD || c->spoilt == HANDLER_LATE || n < 4)
		return;
	zmq_send(c->handler, f[0], size[0], ZMQ_SNDMORE);
	zmq_send(c->handler, "", 0, ZMQ_SNDMORE);
	if (c->spoilt == ANSWER_GARBAGE) {
		for (unsigned i = 0; i < 6; i++)
			zmq_send(c->handler, "\xff\x00\x7f", 3,
			    i < 5 ? ZMQ_SNDMORE : 0);
		return;
	}
	zmq_send(c->handler, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(c->handler, c->spoilt == ANSWER_SHORT ? f[3] : (uint8_t *)"x",
	    c->spoilt == ANSWER_SHORT ? size[3] : 1, ZMQ_SNDMORE);
	zmq_send(
	    c->handler, "200", 3, c->spoilt == ANSWER_SHORT ? 0 : ZMQ_SNDMORE);
	if (c->spoilt == ANSWER_SHORT)
		return;
	zmq_send(c->handler, "", 0, ZMQ_SNDMORE);
	zmq_send(c->handler, "user", 4, ZMQ_SNDMORE);
	zmq_send(c->handler, "", 0, 0);
}

static void open_cell(struct cell *c)
{
	c->g.o = &c->o;
	c->g.core_fd = -1;
	c->o.peers = c->peers;
	c->o.endpoint = "tcp://127.0.0.1:*";
	struct pair server;
	new_pair(&server);
	memcpy(c->o.public_key.b, server.open, HF_KEY_SIZE);
	memcpy(c->o.secret, server.secret, HF_KEY_SIZE);
	c->g.ctx = zmq_ctx_new();
	cr_assert_eq(gate_zap_open(&c->g), 0);
	c->g.router = zmq_socket(c->g.ctx, ZMQ_ROUTER);
	cr_assert_eq(gate_router(&c->g), 0);
	spoil(c);
	cr_assert_eq(zmq_bind(c->g.router, c->o.endpoint), 0);
}

static void dial(struct cell *c, enum knocker_kind k)
{
	char at[64];
	size_t size = sizeof(at);
	int no = 0;

	cr_assert_eq(
	    zmq_getsockopt(c->g.router, ZMQ_LAST_ENDPOINT, at, &size), 0);
	c->dealers[k] = zmq_socket(c->g.ctx, ZMQ_DEALER);
	cr_assert_eq(gate_dealer(&c->g, c->dealers[k], c->k->all[k].open.b,
			 c->k->all[k].secret, c->o.public_key.b),
	    0);
	cr_assert_eq(
	    zmq_setsockopt(c->dealers[k], ZMQ_IMMEDIATE, &no, sizeof(no)), 0);
	cr_assert_eq(zmq_connect(c->dealers[k], at), 0);
	cr_assert_eq(zmq_send(c->dealers[k], &k, 1, ZMQ_DONTWAIT), 1);
}

struct key_set {
	uint8_t keys[KEYS_MAX][HF_KEY_SIZE];
	unsigned count;
};

static void add_key(void *ctx, const struct hf_key *key)
{
	struct key_set *s = ctx;

	cr_assert_lt(s->count, KEYS_MAX);
	memcpy(s->keys[s->count++], key->b, HF_KEY_SIZE);
}

/* Who may enter by the documents of now, and nobody who did before. */
static void admit(struct cell *c)
{
	struct key_set set = {.count = 0};

	for (unsigned k = 0; k < KNOCKERS; k++)
		if (knocker_may((enum knocker_kind)k, false))
			add_key(&set, &c->k->all[k].open);
	gate_admit(&c->g, set.keys[0], set.count);
	set.count = 0;
	engine_keys(c->k->jp->engine, c->peers, c->k->fed->now, add_key, &set);
	gate_admit(&c->g, set.keys[0], set.count);
}

static bool is_good(const struct cell *c)
{
	/* the flag alone changes nothing while the handler is there, and the
	 * gate reads it back when it sets it */
	return c->spoilt == NOTHING || c->spoilt == NOT_ENFORCED;
}

static bool is_waiting(const struct cell *c, uint64_t begin)
{
	uint64_t spent = gate_mono_ms() - begin;

	return spent < LIVE_MS ||
	       (is_good(c) && !c->arrived[ADMITTED] && spent < LIVE_MOST_MS);
}

static void live(struct cell *c)
{
	uint64_t begin = gate_mono_ms();

	admit(c);
	for (unsigned k = 0; k < KNOCKERS; k++)
		dial(c, (enum knocker_kind)k);
	while (is_waiting(c, begin)) {
		zmq_pollitem_t items[2] = {{c->g.router, 0, ZMQ_POLLIN, 0},
		    {c->g.zap, 0, ZMQ_POLLIN, 0}};
		uint8_t id[256], body[8];

		zmq_poll(items, 2, 10);
		gate_zap_serve(&c->g);
		handle_wrongly(c);
		while (zmq_recv(c->g.router, id, sizeof(id), ZMQ_DONTWAIT) >= 0)
			if (zmq_recv(c->g.router, body, sizeof(body),
				ZMQ_DONTWAIT) == 1 &&
			    body[0] < KNOCKERS)
				c->arrived[body[0]] = true;
	}
}

static void *run_cell(void *p)
{
	struct cell *c = p;
	uint64_t begin;

	open_cell(c);
	begin = gate_mono_ms();
	c->selftest = gate_selftest(&c->g);
	c->selftest_ms = gate_mono_ms() - begin;
	live(c);
	for (unsigned k = 0; k < KNOCKERS; k++)
		zmq_close(c->dealers[k]);
	gate_admit(&c->g, NULL, 0);
	if (c->handler != NULL)
		zmq_close(c->handler);
	zmq_close(c->g.zap);
	zmq_close(c->g.router);
	zmq_ctx_term(c->g.ctx);
	return NULL;
}

/* A spoilt gate never serves: its self-test ends it.  The others say what
 * libzmq itself let through, had the self-test not been. */
static unsigned judge(const struct cell *c)
{
	bool good = is_good(c), ends = c->selftest != 0;
	unsigned wrong = ends == good;

	fprintf(stderr, "%-24s %s  %7s %4u ms ", spoilt_names[c->spoilt],
	    c->peers ? "peers" : "desks", ends ? "ends" : "serves",
	    (unsigned)c->selftest_ms);
	for (unsigned k = 0; k < KNOCKERS; k++) {
		bool open = c->arrived[k] && !ends;
		bool may = good && knocker_may((enum knocker_kind)k, true);

		fprintf(stderr, " %-13s",
		    open != may             ? "WRONG"
		    : open                  ? "in"
		    : c->arrived[k] && ends ? "closed (ends)"
					    : "closed");
		wrong += open != may;
	}
	fprintf(stderr, "\n");
	return wrong;
}

Test(gate_auth, closed_in_every_cell_or_the_gate_ends, .timeout = 120)
{
	static struct cell cells[2 * SPOILT];
	static struct knockers at[2];
	pthread_t threads[2 * SPOILT];
	unsigned wrong = 0;

	for (unsigned i = 0; i < 2; i++) {
		knockers_new(&at[i], i == 1);
		knockers_change(&at[i]);
	}
	for (unsigned i = 0; i < 2 * SPOILT; i++) {
		cells[i].spoilt = (enum spoilt)(i / 2);
		cells[i].peers = i % 2 == 1;
		cells[i].k = &at[i % 2];
		cr_assert_eq(
		    pthread_create(&threads[i], NULL, run_cell, &cells[i]), 0);
	}
	for (unsigned i = 0; i < 2 * SPOILT; i++)
		pthread_join(threads[i], NULL);
	fprintf(stderr, "%-24s %-23s", "at start", "gate   self-test");
	for (unsigned k = 0; k < KNOCKERS; k++)
		fprintf(stderr, " %-13s", knocker_names[k]);
	fprintf(stderr, "\n");
	for (unsigned i = 0; i < 2 * SPOILT; i++)
		wrong += judge(&cells[i]);
	for (unsigned i = 0; i < 2; i++)
		knockers_free(&at[i]);
	cr_assert_eq(wrong, 0);
}
