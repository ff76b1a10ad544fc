/*
 * traffic: officers that ask, through whatever happens to their brokers.
 *
 *   traffic PERIOD_MS PATIENCE_S HOME TO [HOME TO ...]
 *
 * Each HOME opens a case with desk TO every PERIOD_MS, and sends the same
 * bytes again after AGAIN_S without an answer, until the broker has
 * acknowledged it, which may take PATIENCE_S; at most WINDOW of them wait.  A
 * line on stdout each:
 *
 *   made N             officer N (from 0) has signed an act
 *   done N REF ID T    it is acknowledged; signed at T, seconds, monotonic
 *   void N             its reference was taken: it was signed for nothing
 *
 * When stdin ends nothing new is made, and the program ends with the last
 * acknowledgement.  Any other answer than yes and busy is a failure.  After
 * STUCK_S without an answer stderr has what is known: how often an act was
 * sent, what libzmq told of the connection, and whether a new one does better.
 */
#include "proto/crypto.h"
#include "tests/bench/acts.h"
#include "tests/bench/meter.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define OFFICERS_MAX 16
#define WINDOW 8u
#define AGAIN_S 0.4
#define REFUSED_S 0.2
#define ENDED_S 10.0
#define STUCK_S 20.0 /* then what is known of the connection is told */
#define PROBE_S 5.0
#define NEWS_MAX 16u

struct slot {
	struct ready *act; /* NULL: free */
	double made, sent;
	uint64_t serial;
};

/** What libzmq told of the connection. */
struct news {
	double at;
	uint16_t event;
	uint32_t value;
};

struct officer {
	struct desk desk;
	const char *home, *to;
	struct slot slots[WINDOW];
	double next;
	double redial; /* then; 0: libzmq does it */
	void *monitor;
	uint64_t serial;
	struct news news[NEWS_MAX]; /* a ring */
	unsigned news_count;
	unsigned sent, unsent, busy; /* since the last answer */
	bool told;
};

static struct officer officers[OFFICERS_MAX];
static unsigned officer_count, waiting;
static double period, patience;

static void say_id(const struct hf_id *id)
{
	for (unsigned i = 0; i < sizeof(id->b); i++)
		printf("%02x", id->b[i]);
}

static void free_slot(struct slot *s)
{
	acts_free(s->act, 1);
	s->act = NULL;
	waiting--;
}

static void make(struct officer *o, double now)
{
	for (unsigned i = 0; i < WINDOW; i++) {
		struct slot *s = &o->slots[i];

		if (s->act != NULL)
			continue;
		s->act = acts_make(&o->desk, 1, o->to, 1);
		s->made = now;
		s->sent = 0;
		s->serial = ++o->serial * WINDOW + i;
		waiting++;
		o->next = now + period;
		printf("made %u\n", (unsigned)(o - officers));
		return;
	}
}

static void send_due(struct officer *o, double now)
{
	for (unsigned i = 0; i < WINDOW; i++) {
		struct slot *s = &o->slots[i];

		if (s->act == NULL || now - s->sent < AGAIN_S)
			continue;
		if (now - s->made > patience) {
			fprintf(stderr, "officer %u, act ",
			    (unsigned)(o - officers));
			for (unsigned k = 0; k < sizeof(s->act->id.b); k++)
				fprintf(stderr, "%02x", s->act->id.b[k]);
			meter_fail("not acknowledged in time");
		}
		if (desk_offer(&o->desk, HF_OP_SUBMIT, s->serial,
			(struct hf_bytes){s->act->args, s->act->size}))
			o->sent++;
		else
			o->unsent++;
		s->sent = now;
	}
}

static void take_news(struct officer *o, double now)
{
	uint8_t first[6], address[256];

	while (
	    zmq_recv(o->monitor, first, sizeof(first), ZMQ_DONTWAIT) == 6 &&
	    zmq_recv(o->monitor, address, sizeof(address), ZMQ_DONTWAIT) >= 0) {
		struct news *n = &o->news[o->news_count++ % NEWS_MAX];

		n->at = now;
		memcpy(&n->event, first, 2);
		memcpy(&n->value, first + 2, 4);
		if (n->event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
			o->redial = 0;
		else if (n->event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
			o->redial = now + REFUSED_S;
		else if (n->event == ZMQ_EVENT_DISCONNECTED && o->redial == 0)
			o->redial = now + ENDED_S;
	}
}

/* Whether a connection of its own gets the answer that this one does not. */
static void probe(const struct officer *o, void *ctx, const struct slot *s)
{
	double begin = meter_now();
	struct desk desk;
	struct reply r;

	desk_open(&desk, ctx, o->home);
	desk_offer(&desk, HF_OP_SUBMIT, s->serial,
	    (struct hf_bytes){s->act->args, s->act->size});
	while (meter_now() - begin < PROBE_S) {
		zmq_pollitem_t item = {desk.socket, 0, ZMQ_POLLIN, 0};

		zmq_poll(&item, 1, 100);
		if (!desk_read(&desk, &r))
			continue;
		fprintf(stderr, "  a new connection: code %u after %.3f s\n",
		    (unsigned)r.code, meter_now() - begin);
		desk_close(&desk);
		return;
	}
	fprintf(stderr, "  a new connection: no answer\n");
	desk_close(&desk);
}

/* Once, when an act has waited for long. */
static void tell_stuck(struct officer *o, void *ctx, double now)
{
	for (unsigned i = 0; i < WINDOW && !o->told; i++) {
		const struct slot *s = &o->slots[i];
		unsigned first =
		    o->news_count > NEWS_MAX ? o->news_count - NEWS_MAX : 0;

		if (s->act == NULL || now - s->made < STUCK_S)
			continue;
		o->told = true;
		fprintf(stderr,
		    "officer %u: no answer for %.1f s; since the last one %u "
		    "sent, %u not taken, %u busy\n",
		    (unsigned)(o - officers), now - s->made, o->sent, o->unsent,
		    o->busy);
		for (unsigned k = first; k < o->news_count; k++) {
			const struct news *n = &o->news[k % NEWS_MAX];

			fprintf(stderr, "  %.3f s: event %#x value %u\n",
			    n->at - now, n->event, n->value);
		}
		probe(o, ctx, s);
	}
}

/* As the program does (client/link.c): libzmq dials no more after a refusal,
 * nor after a protocol that was broken. */
static void dial_again(struct officer *o, double now)
{
	const char *broker = o->desk.home.broker;

	take_news(o, now);
	if (o->redial == 0 || now < o->redial)
		return;
	o->redial = 0;
	zmq_disconnect(o->desk.socket, broker); /* ENOENT: gone already */
	if (zmq_connect(o->desk.socket, broker) != 0)
		meter_fail("no connection");
}

static void open_officer(
    struct officer *o, void *ctx, const char *home, const char *to)
{
	char name[48];

	desk_open(&o->desk, ctx, home);
	o->home = home;
	o->to = to;
	snprintf(name, sizeof(name), "inproc://monitor-%u",
	    (unsigned)(o - officers));
	o->monitor = zmq_socket(ctx, ZMQ_PAIR);
	if (o->monitor == NULL ||
	    zmq_socket_monitor(o->desk.socket, name,
		ZMQ_EVENT_ALL & ~ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) != 0 ||
	    zmq_connect(o->monitor, name) != 0)
		meter_fail("no monitor");
}

static void close_officer(struct officer *o)
{
	zmq_socket_monitor(o->desk.socket, NULL, 0);
	zmq_close(o->monitor);
	desk_close(&o->desk);
}

static void take(struct officer *o)
{
	unsigned n = (unsigned)(o - officers);
	struct reply r;

	while (desk_read(&o->desk, &r)) {
		struct slot *s = &o->slots[r.request % WINDOW];

		/* of an earlier try, answered twice, or no request's */
		if (r.type == 0 && r.code == HF_BUSY)
			o->busy++;
		if (r.type != 0 || s->act == NULL || s->serial != r.request ||
		    r.code == HF_BUSY)
			continue;
		o->sent = o->unsent = o->busy = 0;
		o->told = false;
		if (r.code == HF_REF_TAKEN) {
			printf("void %u\n", n);
		} else {
			meter_must((enum hf_err)r.code, "an act");
			printf("done %u %s ", n, s->act->ref);
			say_id(&s->act->id);
			printf(" %.6f\n", s->made);
		}
		free_slot(s);
	}
}

static bool stdin_open(void)
{
	struct pollfd in = {STDIN_FILENO, POLLIN, 0};

	return poll(&in, 1, 0) == 0;
}

static void run(void *ctx)
{
	zmq_pollitem_t items[OFFICERS_MAX];
	bool on = true;

	for (unsigned i = 0; i < officer_count; i++)
		items[i] =
		    (zmq_pollitem_t){officers[i].desk.socket, 0, ZMQ_POLLIN, 0};
	while (on || waiting > 0) {
		on = on && stdin_open();
		zmq_poll(items, (int)officer_count, 10);
		for (unsigned i = 0; i < officer_count; i++) {
			struct officer *o = &officers[i];
			double now = meter_now();

			take(o);
			if (on && now >= o->next)
				make(o, now);
			dial_again(o, now);
			send_due(o, now);
			tell_stuck(o, ctx, now);
		}
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	void *ctx = zmq_ctx_new();

	if (argc < 5 || argc % 2 == 0 || argc > 3 + 2 * OFFICERS_MAX) {
		fprintf(stderr,
		    "usage: traffic PERIOD_MS PATIENCE_S HOME TO ...\n");
		return 2;
	}
	if (ctx == NULL)
		meter_fail("zmq_ctx_new");
	meter_must(hf_crypto_init(), "crypto");
	period = atoi(argv[1]) / 1000.0;
	patience = atoi(argv[2]);
	officer_count = (unsigned)(argc - 3) / 2;
	for (unsigned i = 0; i < officer_count; i++) {
		open_officer(
		    &officers[i], ctx, argv[3 + 2 * i], argv[4 + 2 * i]);
		officers[i].next = meter_now() + period * i / officer_count;
	}
	run(ctx);
	for (unsigned i = 0; i < officer_count; i++)
		close_officer(&officers[i]);
	zmq_ctx_term(ctx);
	return 0;
}
