/*
 * The client's link against a broker that misbehaves on purpose: a CURVE
 * ROUTER on loopback, in a thread of its own, that refuses, forgets, goes
 * away and comes back.
 */
#include "client/link.h"
#include "proto/crypto.h"
#include "proto/pack.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define REQUESTS_MAX 16
#define TIMEOUT_MS 8000

struct request {
	unsigned op;
	uint64_t id, after; /* after: of a watch */
};

static struct host {
	pthread_t thread;
	void *ctx, *router, *zap;
	char endpoint[64];
	char public_text[41], secret_text[41];
	atomic_int refuse; /* handshakes still to be refused */
	atomic_bool busy;  /* these are put off: status 300 */
	atomic_int handshakes;
	atomic_int lose;  /* requests that are lost with their connection */
	atomic_bool away; /* it is down */
	atomic_bool stop;
	/* of watches and calls */
	atomic_uint newest;      /* events there are: 1 to newest */
	atomic_uint pushed;      /* a call is answered after so many of them */
	atomic_uint break_after; /* the connection ends after this one; 0 not */
	atomic_int count;
	struct request got[REQUESTS_MAX];
} host;

static struct home home;
static struct link *l;

static void bind_router(void)
{
	int yes = 1, zero = 0, tries = 0;

	host.router = zmq_socket(host.ctx, ZMQ_ROUTER);
	zmq_setsockopt(host.router, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(host.router, ZMQ_CURVE_SERVER, &yes, sizeof(yes));
	zmq_setsockopt(host.router, ZMQ_ZAP_DOMAIN, "desks", 5);
	zmq_setsockopt(host.router, ZMQ_CURVE_SECRETKEY, host.secret_text, 41);
	while (zmq_bind(host.router, host.endpoint) != 0 && tries++ < 200)
		usleep(10000); /* the old one lets go of the port */
}

/* As a broker that is started again: all connections end. */
static void restart(void)
{
	int linger = 300; /* what was sent before leaves first */

	zmq_setsockopt(host.router, ZMQ_LINGER, &linger, sizeof(linger));
	usleep(100000);
	zmq_close(host.router);
	bind_router();
}

static void send_to(const uint8_t *who, size_t who_size, struct pack *p)
{
	size_t size;

	if (pack_finish(p, &size) != HF_OK)
		return;
	zmq_send(host.router, who, who_size, ZMQ_SNDMORE);
	zmq_send(host.router, p->data, size, 0);
}

static void push(const uint8_t *who, size_t who_size, uint64_t sequence)
{
	uint8_t frame[64];
	struct pack p;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 4);
	pack_uint(&p, HF_EVENT);
	pack_text(&p, "jp.ncp");
	pack_uint(&p, sequence);
	pack_map(&p, 0);
	send_to(who, who_size, &p);
}

static void reply(const uint8_t *who, size_t who_size, const struct request *r)
{
	uint8_t frame[64];
	struct pack p;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 4);
	pack_uint(&p, HF_RESPONSE);
	pack_uint(&p, r->id);
	pack_uint(&p, 0);
	pack_map(&p, r->op == HF_OP_WATCH ? 1 : 0);
	if (r->op == HF_OP_WATCH) {
		pack_uint(&p, 1);
		pack_uint(&p, r->after);
	}
	send_to(who, who_size, &p);
}

static void events(const uint8_t *who, size_t who_size, uint64_t after)
{
	for (uint64_t i = after + 1; i <= host.newest; i++) {
		push(who, who_size, i);
		if (i == host.break_after) {
			host.break_after = 0;
			restart();
			return;
		}
	}
}

static void serve(const uint8_t *who, size_t who_size, struct request *r)
{
	if (host.count < REQUESTS_MAX)
		host.got[host.count] = *r;
	host.count++;
	if (host.lose > 0) {
		host.lose--;
		restart();
		return;
	}
	if (r->op != HF_OP_WATCH)
		for (uint64_t i = 1; i <= host.pushed; i++)
			push(who, who_size, i);
	reply(who, who_size, r);
	if (r->op == HF_OP_WATCH)
		events(who, who_size, r->after);
}

static void on_request(void)
{
	uint8_t who[64], frame[1024];
	int who_size = zmq_recv(host.router, who, sizeof(who), ZMQ_DONTWAIT);
	int size = who_size < 0 ? -1
				: zmq_recv(host.router, frame, sizeof(frame),
				      ZMQ_DONTWAIT);
	struct request r = {0};
	struct wire w;

	if (size < 0)
		return;
	wire_init(&w, frame, (size_t)size);
	wire_array(&w, 3, 3);
	r.op = (unsigned)wire_uint(&w, 255);
	r.id = wire_uint(&w, UINT64_MAX);
	wire_map(&w, HF_MAP_MAX);
	if (wire_key(&w) == 1)
		r.after = wire_uint(&w, UINT64_MAX);
	if (w.err == HF_OK)
		serve(who, (size_t)who_size, &r);
}

static void on_handshake(void)
{
	char id[64];
	int more = 1, id_size = 0, n;
	size_t size = sizeof(more);
	bool refused = host.refuse > 0;

	for (unsigned i = 0; more; i++) {
		char frame[256];

		n = zmq_recv(host.zap, frame, sizeof(frame), 0);
		if (i == 1 && n > 0 && n <= (int)sizeof(id))
			memcpy(id, frame, (size_t)(id_size = n));
		zmq_getsockopt(host.zap, ZMQ_RCVMORE, &more, &size);
	}
	host.handshakes++;
	if (refused)
		host.refuse--;
	zmq_send(host.zap, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(host.zap, id, (size_t)id_size, ZMQ_SNDMORE);
	zmq_send(host.zap,
	    !refused    ? "200"
	    : host.busy ? "300"
			: "400",
	    3, ZMQ_SNDMORE);
	zmq_send(host.zap, "", 0, ZMQ_SNDMORE);
	zmq_send(host.zap, "", 0, ZMQ_SNDMORE);
	zmq_send(host.zap, "", 0, 0);
}

static void *run(void *arg)
{
	(void)arg;
	while (!host.stop) {
		zmq_pollitem_t items[2] = {{host.zap, 0, ZMQ_POLLIN, 0},
		    {host.router, 0, ZMQ_POLLIN, 0}};

		zmq_poll(items, host.router != NULL ? 2 : 1, 20);
		if ((items[0].revents & ZMQ_POLLIN) != 0)
			on_handshake();
		if ((items[1].revents & ZMQ_POLLIN) != 0)
			on_request();
		if (host.away && host.router != NULL) {
			zmq_close(host.router);
			host.router = NULL;
		} else if (!host.away && host.router == NULL) {
			bind_router();
		}
	}
	return NULL;
}

static void set_up(void)
{
	size_t size = sizeof(host.endpoint);

	cr_assert_eq(hf_crypto_init(), HF_OK);
	cr_assert_eq(zmq_curve_keypair(host.public_text, host.secret_text), 0);
	host.ctx = zmq_ctx_new();
	host.zap = zmq_socket(host.ctx, ZMQ_REP);
	cr_assert_eq(zmq_bind(host.zap, "inproc://zeromq.zap.01"), 0);
	snprintf(host.endpoint, sizeof(host.endpoint), "tcp://127.0.0.1:*");
	bind_router();
	cr_assert_eq(zmq_getsockopt(
			 host.router, ZMQ_LAST_ENDPOINT, host.endpoint, &size),
	    0);
	snprintf(home.broker, sizeof(home.broker), "%s", host.endpoint);
	cr_assert_eq(key_from_z85(&home.broker_key, host.public_text), HF_OK);
	cr_assert_eq(
	    signer_from_secret(&home.signer, secret_new(SECRET_OFFICER)),
	    HF_OK);
	cr_assert_eq(pthread_create(&host.thread, NULL, run, NULL), 0);
}

static void tear_down(void)
{
	link_close(l);
	signer_free(home.signer);
	host.stop = true;
	pthread_join(host.thread, NULL);
	zmq_close(host.router);
	zmq_close(host.zap);
	zmq_ctx_term(host.ctx);
}

TestSuite(link, .init = set_up, .fini = tear_down, .timeout = 60);

static enum hf_err call(void)
{
	struct answer answer;

	return link_call(l, HF_OP_HELLO, (struct hf_bytes){NULL, 0}, &answer);
}

static void open_link(int timeout_ms)
{
	cr_assert_eq(link_open(&l, &home, timeout_ms), HF_OK);
}

/* libzmq gives up for good after a refusal: we do not. */
Test(link, dials_again_after_a_refusal)
{
	host.refuse = 2;
	open_link(TIMEOUT_MS);
	cr_assert_eq(call(), HF_OK);
	cr_assert_eq(host.handshakes, 3);
	cr_assert_eq(host.count, 1);
}

Test(link, says_that_its_key_is_not_known_when_always_refused)
{
	host.refuse = 1000;
	open_link(30000);
	cr_assert_eq(call(), HF_NOT_IN_ROSTER);
	cr_assert_eq(host.handshakes, 8, "and not for ever");
	cr_assert_not_null(strstr(link_trouble(l)->where, host.endpoint));
	cr_assert_eq(host.count, 0);
}

/* libzmq is told nothing and tries again when its patience is over. */
Test(link, comes_in_when_it_was_put_off)
{
	host.refuse = 1;
	host.busy = true;
	open_link(TIMEOUT_MS);
	cr_assert_eq(call(), HF_OK);
	cr_assert_eq(host.handshakes, 2);
}

static void expect_trouble(enum hf_err wanted, const char *words)
{
	enum hf_err got = call();

	cr_assert_eq(got, wanted, "%s", hf_err_info(got)->name);
	cr_assert_not_null(strstr(link_trouble(l)->where, words), "%s",
	    link_trouble(l)->where);
}

/* What is known is that the connection ended: a limit, a start, or the key. */
Test(link, says_no_more_than_it_knows_of_another_key)
{
	char text[41], secret[41];

	cr_assert_eq(zmq_curve_keypair(text, secret), 0);
	cr_assert_eq(key_from_z85(&home.broker_key, text), HF_OK);
	open_link(1500);
	expect_trouble(HF_HANDSHAKE, "closed by the other side");
	cr_assert_eq(host.handshakes, 0);
}

/* port  0: one that is free */
static int raw_listener(unsigned port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1, tries = 0;

	cr_assert_geq(fd, 0);
	cr_assert_eq(
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
	while (bind(fd, (struct sockaddr *)&at, size) != 0 && tries++ < 200)
		usleep(10000);
	cr_assert_eq(listen(fd, 8), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	snprintf(home.broker, sizeof(home.broker), "tcp://127.0.0.1:%u",
	    ntohs(at.sin_port));
	return fd;
}

Test(link, blames_no_key_for_silence)
{
	int fd = raw_listener(0);

	open_link(4000);
	expect_trouble(HF_HANDSHAKE, "no answer to the handshake");
	close(fd);
}

Test(link, says_that_nobody_listens)
{
	close(raw_listener(0));
	open_link(1500);
	expect_trouble(HF_TCP, "connection refused");
}

/* A ZMTP greeting of a mechanism that proves nothing. */
static void *greet_without_keys(void *arg)
{
	static const uint8_t greeting[64] = {
	    0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
	int fd = accept(*(int *)arg, NULL, NULL);

	if (fd >= 0 && write(fd, greeting, 64) == 64)
		usleep(300000);
	close(fd);
	return NULL;
}

Test(link, says_what_answers_without_the_key)
{
	int fd = raw_listener(0);
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, greet_without_keys, &fd), 0);
	open_link(1500);
	expect_trouble(HF_SERVER_KEY, "it answers in another way");
	pthread_join(thread, NULL);
	close(fd);
}

/* The request was lost with its connection: it goes again as it was, so that
 * a broker that had entered it knows it again. */
Test(link, sends_again_on_a_new_connection)
{
	host.lose = 1;
	open_link(TIMEOUT_MS);
	cr_assert_eq(call(), HF_OK);
	cr_assert_eq(host.count, 2);
	cr_assert_eq(host.got[0].op, host.got[1].op);
	cr_assert_eq(host.got[0].id, host.got[1].id);
	cr_assert_eq(call(), HF_OK);
	cr_assert_eq(host.count, 3, "not a third time");
}

Test(link, says_that_the_outcome_is_not_known)
{
	host.lose = 100;
	open_link(1500);
	cr_assert_eq(call(), HF_TIMEOUT);
	cr_assert_geq(host.count, 1);
}

static void expect_events_within(uint64_t from, uint64_t until, int ms)
{
	for (uint64_t i = from; i <= until; i++) {
		uint64_t sequence = 0;
		struct hf_bytes map;
		enum hf_err err = link_event(l, ms, &sequence, &map);

		cr_assert_eq(err, HF_OK, "event %u: %s", (unsigned)i,
		    hf_err_info(err)->name);
		cr_assert_eq(
		    sequence, i, "%u, not %u", (unsigned)sequence, (unsigned)i);
	}
}

static void expect_events(uint64_t from, uint64_t until)
{
	expect_events_within(from, until, TIMEOUT_MS);
}

static void expect_silence_of(int ms)
{
	uint64_t sequence;
	struct hf_bytes map;

	cr_assert_eq(link_event(l, ms, &sequence, &map), HF_TIMEOUT);
}

static void expect_silence(void)
{
	expect_silence_of(200);
}

Test(link, watch_goes_on_after_the_last_event)
{
	host.newest = 7;
	host.break_after = 5;
	open_link(TIMEOUT_MS);
	cr_assert_eq(link_watch(l, 2), HF_OK);
	expect_events(3, 7);
	expect_silence();
	cr_assert_eq(host.count, 2, "a watch for each connection");
	cr_assert_eq(host.got[0].after, 2);
	cr_assert_eq(host.got[1].after, 5);
}

/* Something else sits on the broker's port for a moment and answers in its own
 * way, for which libzmq gives a connection up for good: a watch that is meant
 * to last for days must not be deaf from then on. */
Test(link, watch_outlives_what_answers_in_another_way)
{
	pthread_t thread;
	int fd;

	host.newest = 1;
	open_link(TIMEOUT_MS);
	cr_assert_eq(link_watch(l, 0), HF_OK);
	expect_events(1, 1);
	host.away = true;
	fd = raw_listener(
	    (unsigned)strtoul(strrchr(host.endpoint, ':') + 1, NULL, 10));
	cr_assert_eq(pthread_create(&thread, NULL, greet_without_keys, &fd), 0);
	expect_silence_of(1000);
	pthread_join(thread, NULL);
	close(fd);
	host.away = false;
	host.newest = 2;
	expect_events_within(2, 2, 15000);
}

/* A call in between meets the new connection first. */
Test(link, watch_goes_on_when_a_call_was_sent_again)
{
	host.newest = 2;
	open_link(TIMEOUT_MS);
	cr_assert_eq(link_watch(l, 0), HF_OK);
	expect_events(1, 2);
	host.lose = 1;
	cr_assert_eq(call(), HF_OK);
	host.newest = 4;
	expect_events(3, 4);
	cr_assert_eq(host.got[3].op, HF_OP_WATCH);
	cr_assert_eq(host.got[3].after, 2);
}

Test(link, gives_no_event_twice)
{
	host.newest = 3;
	open_link(TIMEOUT_MS);
	cr_assert_eq(link_watch(l, 0), HF_OK);
	expect_events(1, 3);
	host.pushed = 3; /* the same again, within a call */
	cr_assert_eq(call(), HF_OK);
	expect_silence();
}

/* More events come during a call than there is room for. */
Test(link, loses_no_event_when_it_has_no_room)
{
	open_link(TIMEOUT_MS);
	cr_assert_eq(link_watch(l, 0), HF_OK);
	host.newest = 400;
	host.pushed = 400;
	cr_assert_eq(call(), HF_OK);
	expect_events(1, 400);
	expect_silence();
}
