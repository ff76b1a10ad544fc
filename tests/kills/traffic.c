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
 * acknowledgement.  Any other answer than yes and busy is a failure.
 */
#include "proto/crypto.h"
#include "tests/bench/acts.h"
#include "tests/bench/meter.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#define OFFICERS_MAX 16
#define WINDOW 8u
#define AGAIN_S 0.4
#define REDIAL_S 0.2

struct slot {
	struct ready *act; /* NULL: free */
	double made, sent;
	uint64_t serial;
};

struct officer {
	struct desk desk;
	const char *to;
	struct slot slots[WINDOW];
	double next, dialled;
	void *monitor;
	bool refused;
	uint64_t serial;
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
		desk_offer(&o->desk, HF_OP_SUBMIT, s->serial,
		    (struct hf_bytes){s->act->args, s->act->size});
		s->sent = now;
	}
}

/* libzmq dials no more once a key was refused, and a gate that has begun
 * knows nobody until the core tells it. */
static void dial_again(struct officer *o, double now)
{
	const char *broker = o->desk.home.broker;
	zmq_msg_t m;

	zmq_msg_init(&m);
	while (zmq_msg_recv(&m, o->monitor, ZMQ_DONTWAIT) >= 0)
		o->refused = true;
	zmq_msg_close(&m);
	if (!o->refused || now - o->dialled < REDIAL_S)
		return;
	o->refused = false;
	o->dialled = now;
	zmq_disconnect(o->desk.socket, broker); /* ENOENT: gone already */
	if (zmq_connect(o->desk.socket, broker) != 0)
		meter_fail("no connection");
}

static void open_officer(
    struct officer *o, void *ctx, const char *home, const char *to)
{
	char name[48];

	desk_open(&o->desk, ctx, home);
	o->to = to;
	snprintf(name, sizeof(name), "inproc://monitor-%u",
	    (unsigned)(o - officers));
	o->monitor = zmq_socket(ctx, ZMQ_PAIR);
	if (o->monitor == NULL ||
	    zmq_socket_monitor(
		o->desk.socket, name, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) != 0 ||
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
		if (r.type != 0 || s->act == NULL || s->serial != r.request ||
		    r.code == HF_BUSY)
			continue;
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

static void run(void)
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
	run();
	for (unsigned i = 0; i < officer_count; i++)
		close_officer(&officers[i]);
	zmq_ctx_term(ctx);
	return 0;
}
