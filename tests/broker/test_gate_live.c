/*
 * The authentication matrix while a gate serves: the gate's own loop in one
 * thread, in another what the core does with it, from signed documents to
 * records.  Everybody of knockers.h knocks and sends without end; then the
 * documents, a pin and the clock change, and who may no more is cut within a
 * second, comes in again no more, and nobody else ever was in.
 */
#include "broker/core/internal.h"
#include "broker/gate/internal.h"
#include "tests/broker/knockers.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define IN_MS 15000u   /* until all who may are in */
#define AFTER_MS 1500u /* watched after the change */
#define CUT_MS 1000u   /* the promise */
#define EACH_MS 5u     /* a frame of each knocker */

struct live {
	struct knockers k;
	struct core core; /* as far as gates.c uses it */
	struct record record;
	struct gate_options o;
	int fds[2];
	pthread_t thread;
	int status;
	void *ctx, *dealers[KNOCKERS];
	uint64_t changed_ms;
	uint64_t before[KNOCKERS], after[KNOCKERS]; /* frames */
	uint64_t last_ms[KNOCKERS]; /* of the last frame, since the change */
	uint64_t conn[KNOCKERS], gone_ms[KNOCKERS]; /* 0: never */
};

static void *run_gate(void *p)
{
	struct live *l = p;

	l->status = gate_main(l->fds[1], &l->o);
	return NULL;
}

/* As turn.c does: keys once and first, then each cut. */
static void carry(struct node *n, const struct effect *e, void *ctx)
{
	struct live *l = ctx;
	unsigned gate = l->k.peers ? GATE_PEERS : GATE_DESKS;
	struct record_header cut = {.type = RECORD_CUT};

	(void)n;
	if (e->type == EFFECT_KEYS) {
		l->core.clock.now = l->k.fed->now;
		gates_send_keys(&l->core, gate);
	}
	if (e->type == EFFECT_CUT) {
		memcpy(cut.key, e->key.b, sizeof(cut.key));
		gates_tell(&l->core, gate, &cut, NULL);
	}
}

static void begin(struct live *l)
{
	char open[41], secret[41];
	unsigned gate = l->k.peers ? GATE_PEERS : GATE_DESKS;

	cr_assert_eq(zmq_curve_keypair(open, secret), 0);
	zmq_z85_decode(l->o.public_key.b, open);
	zmq_z85_decode(l->o.secret, secret);
	l->o.peers = l->k.peers;
	l->o.endpoint = "tcp://127.0.0.1:*";
	l->o.connections_max = l->o.source_max = l->o.handshakes_max = 100;
	l->o.age_ms = 3600000;
	cr_assert_eq(records_pair(l->fds), HF_OK);
	l->core.gates[0].fd = l->core.gates[1].fd = -1;
	gates_set(&l->core, gate, l->fds[0]);
	l->core.engine = l->k.jp->engine;
	l->core.clock.now = l->k.fed->now;
	l->k.jp->carry = carry;
	l->k.jp->carry_ctx = l;
	cr_assert_eq(pthread_create(&l->thread, NULL, run_gate, l), 0);
}

static enum knocker_kind who(const struct live *l, const uint8_t *key)
{
	unsigned k = 0;

	while (
	    k < KNOCKERS && memcmp(l->k.all[k].open.b, key, HF_KEY_SIZE) != 0)
		k++;
	return (enum knocker_kind)k;
}

static void dial(struct live *l, enum knocker_kind k, unsigned port)
{
	char at[64];
	int zero = 0, retry = 50;

	snprintf(at, sizeof(at), "tcp://127.0.0.1:%u", port);
	l->dealers[k] = zmq_socket(l->ctx, ZMQ_DEALER);
	zmq_setsockopt(l->dealers[k], ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(l->dealers[k], ZMQ_RECONNECT_IVL, &retry, sizeof(retry));
	zmq_setsockopt(
	    l->dealers[k], ZMQ_CURVE_SERVERKEY, l->o.public_key.b, 32);
	zmq_setsockopt(
	    l->dealers[k], ZMQ_CURVE_PUBLICKEY, l->k.all[k].open.b, 32);
	zmq_setsockopt(
	    l->dealers[k], ZMQ_CURVE_SECRETKEY, l->k.all[k].secret, 32);
	cr_assert_eq(zmq_connect(l->dealers[k], at), 0);
}

static void from_gate(struct live *l)
{
	const struct record_header *h = &l->record.h;

	while (record_receive(l->fds[0], &l->record) == HF_OK) {
		enum knocker_kind k = who(l, h->key);

		if (h->type == RECORD_READY)
			for (unsigned i = 0; i < KNOCKERS; i++)
				dial(l, (enum knocker_kind)i, h->code);
		if (h->type == RECORD_FRAME) {
			cr_assert_lt(k, KNOCKERS, "a key of nobody");
			l->conn[k] = h->conn;
			if (l->changed_ms == 0) {
				l->before[k]++;
				continue;
			}
			l->after[k]++;
			l->last_ms[k] = gate_mono_ms() - l->changed_ms;
		}
		for (unsigned i = 0; h->type == RECORD_GONE && i < KNOCKERS;
		     i++)
			if (l->conn[i] == h->conn && l->changed_ms != 0 &&
			    l->gone_ms[i] == 0)
				l->gone_ms[i] =
				    gate_mono_ms() - l->changed_ms + 1;
	}
}

/* Everybody sends, whether anybody listens or not. */
static void knock_on(struct live *l)
{
	struct pollfd p = {l->fds[0], POLLIN, 0};

	for (unsigned k = 0; k < KNOCKERS; k++)
		if (l->dealers[k] != NULL)
			zmq_send(l->dealers[k], "knock", 5, ZMQ_DONTWAIT);
	poll(&p, 1, (int)EACH_MS);
	from_gate(l);
}

static bool all_are_in(const struct live *l, bool changed)
{
	for (unsigned k = 0; k < KNOCKERS; k++)
		if (knocker_may((enum knocker_kind)k, changed) &&
		    l->before[k] == 0)
			return false;
	return true;
}

static void end(struct live *l)
{
	struct record_header stop = {.type = RECORD_STOP};

	cr_assert_eq(record_send(l->fds[0], &stop, NULL), HF_OK);
	pthread_join(l->thread, NULL);
	cr_assert_eq(l->status, 0);
	for (unsigned k = 0; k < KNOCKERS; k++)
		zmq_close(l->dealers[k]);
	zmq_ctx_term(l->ctx);
	gates_set(&l->core, l->k.peers ? GATE_PEERS : GATE_DESKS, -1);
	close(l->fds[1]);
	knockers_free(&l->k);
}

/* One cell; its fault is counted. */
static unsigned judge(const struct live *l, enum knocker_kind k, bool at_start)
{
	bool before = knocker_may(k, at_start), after = knocker_may(k, true);
	bool wrong = (l->before[k] > 0) != before ||
		     (after ? l->after[k] == 0 : l->last_ms[k] > CUT_MS) ||
		     (before && !after &&
			 (l->gone_ms[k] == 0 || l->gone_ms[k] > CUT_MS)) ||
		     (!before && l->after[k] > 0);
	char text[32];

	if (wrong)
		snprintf(text, sizeof(text), "WRONG %u/%u/%u",
		    (unsigned)l->before[k], (unsigned)l->after[k],
		    (unsigned)l->gone_ms[k]);
	else if (before && !after)
		snprintf(text, sizeof(text), "cut %u ms",
		    (unsigned)(l->gone_ms[k] > l->last_ms[k] ? l->gone_ms[k]
							     : l->last_ms[k]));
	else
		snprintf(text, sizeof(text), after ? "in" : "closed");
	fprintf(stderr, " %-13s", text);
	return wrong;
}

static unsigned run(bool peers, bool at_start)
{
	static struct live l;
	unsigned wrong = 0;
	uint64_t began;

	memset(&l, 0, sizeof(l));
	knockers_new(&l.k, peers);
	if (at_start)
		knockers_change(&l.k);
	l.ctx = zmq_ctx_new();
	cr_assert_not_null(l.ctx);
	begin(&l);
	gates_send_keys(&l.core, peers ? GATE_PEERS : GATE_DESKS);
	began = gate_mono_ms();
	while (!all_are_in(&l, at_start)) {
		cr_assert_lt(gate_mono_ms() - began, IN_MS, "not all are in");
		knock_on(&l);
	}
	l.changed_ms = gate_mono_ms();
	if (!at_start)
		knockers_change(&l.k);
	while (gate_mono_ms() - l.changed_ms < AFTER_MS)
		knock_on(&l);
	fprintf(stderr, "%-5s %-8s", peers ? "peers" : "desks",
	    at_start ? "at start" : "live");
	for (unsigned k = 0; k < KNOCKERS; k++)
		wrong += judge(&l, (enum knocker_kind)k, at_start);
	fprintf(stderr, "\n");
	end(&l);
	return wrong;
}

Test(gate_live, closed_in_every_cell_while_documents_change, .timeout = 120)
{
	unsigned wrong = 0;

	fprintf(stderr, "%-14s", "while it runs");
	for (unsigned k = 0; k < KNOCKERS; k++)
		fprintf(stderr, " %-13s", knocker_names[k]);
	fprintf(stderr, "\n");
	for (unsigned i = 0; i < 4; i++)
		wrong += run(i % 2 == 1, i < 2);
	cr_assert_eq(wrong, 0);
}

/* A gate that starts does not know yet who is admitted, and says so to nobody:
 * a refusal is final for libzmq, and an officer would be told that his key is
 * not known. */
Test(gate_live, refuses_nobody_before_it_knows_whom_it_admits, .timeout = 60)
{
	static struct live l;
	const int events = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
	unsigned refused[KNOCKERS] = {0};
	void *monitors[KNOCKERS] = {NULL};
	uint64_t began;

	knockers_new(&l.k, false);
	l.ctx = zmq_ctx_new();
	cr_assert_not_null(l.ctx);
	begin(&l);
	while (l.dealers[KNOCKERS - 1] == NULL)
		knock_on(&l);
	for (unsigned k = 0; k <= UNKNOWN; k++) {
		char at[32];

		snprintf(at, sizeof(at), "inproc://knocker-%u", k);
		cr_assert_eq(zmq_socket_monitor(l.dealers[k], at, events), 0);
		monitors[k] = zmq_socket(l.ctx, ZMQ_PAIR);
		cr_assert_eq(zmq_connect(monitors[k], at), 0);
	}
	began = gate_mono_ms();
	for (bool told = false;
	     l.before[ADMITTED] == 0 || refused[UNKNOWN] == 0; knock_on(&l)) {
		struct monitor_event e;

		cr_assert_lt(gate_mono_ms() - began, IN_MS);
		for (unsigned k = 0; k <= UNKNOWN; k++)
			while (gate_monitor_next(monitors[k], &e))
				refused[k]++;
		if (told || gate_mono_ms() - began < 700)
			continue;
		cr_assert_eq(refused[ADMITTED], 0);
		cr_assert_eq(refused[UNKNOWN], 0);
		gates_send_keys(&l.core, GATE_DESKS);
		told = true;
	}
	cr_assert_eq(refused[ADMITTED], 0, "nor later");
	for (unsigned k = 0; k <= UNKNOWN; k++) {
		zmq_socket_monitor(l.dealers[k], NULL, 0);
		zmq_close(monitors[k]);
	}
	end(&l);
}

static unsigned listen_anywhere(int *fd)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int yes = 1;

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_geq(*fd, 0);
	setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	cr_assert_eq(bind(*fd, (struct sockaddr *)&at, size), 0);
	cr_assert_eq(listen(*fd, 1), 0);
	cr_assert_eq(getsockname(*fd, (struct sockaddr *)&at, &size), 0);
	return ntohs(at.sin_port);
}

/* One caller, with a mechanism that proves nothing. */
static void greet_without_keys(int listener)
{
	static const uint8_t greeting[64] = {
	    0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
	int fd = accept(listener, NULL, NULL);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, greeting, sizeof(greeting)), 64);
	usleep(300000);
	close(fd);
	close(listener);
}

static void *serve_curve(struct live *l, const char *at, const char *secret)
{
	void *router = zmq_socket(l->ctx, ZMQ_ROUTER);
	int yes = 1, zero = 0, tries = 0;

	zmq_setsockopt(router, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(router, ZMQ_CURVE_SERVER, &yes, sizeof(yes));
	zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, secret, 41);
	while (zmq_bind(router, at) != 0 && tries++ < 200)
		usleep(10000);
	return router;
}

/* libzmq gives such a connection up for good; a link must not be down until
 * somebody starts the broker again. */
Test(gate_live, a_link_outlives_what_answers_in_another_way, .timeout = 60)
{
	static struct live l;
	struct record_header dial = {.type = RECORD_DIAL};
	char at[64], open[41], secret[41];
	void *router;
	int listener;

	knockers_new(&l.k, true);
	l.ctx = zmq_ctx_new();
	begin(&l);
	gates_send_keys(&l.core, GATE_PEERS);
	cr_assert_eq(zmq_curve_keypair(open, secret), 0);
	zmq_z85_decode(dial.key, open);
	snprintf(
	    at, sizeof(at), "tcp://127.0.0.1:%u", listen_anywhere(&listener));
	dial.size = (uint32_t)strlen(at);
	gates_tell(&l.core, GATE_PEERS, &dial, at);
	greet_without_keys(listener);
	router = serve_curve(&l, at, secret);
	do {
		cr_assert(record_wait(l.fds[0], POLLIN, IN_MS), "it is down");
		cr_assert_eq(record_receive(l.fds[0], &l.record), HF_OK);
	} while (l.record.h.type != RECORD_UP);
	cr_assert_arr_eq(l.record.h.key, dial.key, HF_KEY_SIZE);
	zmq_close(router);
	end(&l);
}

/* Who has the processor and gives none away: one
 * process, doubled $HF_BUSY times (1). */
static pid_t occupy(unsigned processor)
{
	const char *often = getenv("HF_BUSY");
	unsigned doubled = often != NULL ? (unsigned)atoi(often) : 1;
	cpu_set_t one;
	pid_t pid;

	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	pid = fork();
	if (pid != 0)
		return pid;
	setpgid(0, 0);
	for (; doubled > 0; doubled--)
		fork();
	for (alarm(100);;)
		;
}

/* What answers late, because the machine does something else, is not a gate
 * whose handshakes nobody answers: it would end, be started again, end, and a
 * broker that has not been ready yet would give up. */
Test(gate_live, begins_on_a_machine_that_gives_it_no_time, .timeout = 120)
{
	const struct sched_param none = {0};
	static struct live l;
	pid_t busy = occupy((unsigned)sched_getcpu());

	cr_assert_gt(busy, 0);
	knockers_new(&l.k, false);
	l.ctx = zmq_ctx_new();
	cr_assert_eq(sched_setscheduler(0, SCHED_IDLE, &none), 0);
	begin(&l);
	cr_expect(record_wait(l.fds[0], POLLIN, 60000));
	kill(-busy, SIGKILL);
	waitpid(busy, NULL, 0);
	(void)sched_setscheduler(0, SCHED_OTHER, &none); /* the rest is quick */
	cr_assert_eq(record_receive(l.fds[0], &l.record), HF_OK);
	cr_assert_eq(l.record.h.type, RECORD_READY);
	end(&l);
}
