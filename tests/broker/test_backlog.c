/* Frames that a connection cannot take at once: in order, bounded, and no
 * reason to cut a desk that reads. */
#include "broker/gate/internal.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define FRAME 1000u

/** A gate's ROUTER and one desk, with small buffers between them. */
struct rig {
	struct gate g;
	struct connection c;
	void *desk;
};

static void set(void *socket, int option, int value)
{
	cr_assert_eq(zmq_setsockopt(socket, option, &value, sizeof(value)), 0);
}

static void *bounded(void *ctx, int type)
{
	void *s = zmq_socket(ctx, type);

	cr_assert_not_null(s);
	set(s, ZMQ_LINGER, 0);
	set(s, ZMQ_SNDHWM, GATE_SNDHWM_DESKS);
	set(s, ZMQ_RCVHWM, 16);
	set(s, ZMQ_SNDBUF, 4096);
	set(s, ZMQ_RCVBUF, 4096);
	return s;
}

static struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));
	char endpoint[64];
	uint8_t id[5], hello[2];
	size_t size = sizeof(endpoint);

	cr_assert_not_null(r);
	r->g.ctx = zmq_ctx_new();
	r->g.router = bounded(r->g.ctx, ZMQ_ROUTER);
	set(r->g.router, ZMQ_ROUTER_MANDATORY, 1);
	cr_assert_eq(zmq_bind(r->g.router, "tcp://127.0.0.1:*"), 0);
	cr_assert_eq(
	    zmq_getsockopt(r->g.router, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
	r->desk = bounded(r->g.ctx, ZMQ_DEALER);
	cr_assert_eq(zmq_connect(r->desk, endpoint), 0);
	cr_assert_eq(zmq_send(r->desk, "x", 1, 0), 1);
	cr_assert_eq(zmq_recv(r->g.router, id, sizeof(id), 0), 5);
	cr_assert_eq(zmq_recv(r->g.router, hello, sizeof(hello), 0), 1);
	memcpy(&r->c.routing, id + 1, sizeof(r->c.routing));
	r->c.routing = ntohl(r->c.routing);
	r->c.fd = -1;
	r->c.number = 7;
	HASH_ADD(by_number, r->g.by_number, number, sizeof(r->c.number), &r->c);
	return r;
}

static void rig_free(struct rig *r)
{
	backlog_drop(&r->g, &r->c);
	cr_expect_eq(r->g.backlogs, 0);
	cr_expect_eq(r->g.backlog_bytes, 0);
	HASH_DELETE(by_number, r->g.by_number, &r->c);
	zmq_close(r->desk);
	zmq_close(r->g.router);
	zmq_ctx_term(r->g.ctx);
	free(r);
}

static void send_numbered(struct rig *r, unsigned from, unsigned to)
{
	uint8_t frame[FRAME] = {0};

	for (unsigned i = from; i < to; i++) {
		memcpy(frame, &i, sizeof(i));
		backlog_send(&r->g, &r->c, frame, sizeof(frame));
	}
}

/* The next frames have these numbers.
 * flush  between them, as the gate does; else there are so many in the pipe */
static void expect_numbered(
    struct rig *r, unsigned from, unsigned to, bool flush)
{
	uint8_t frame[FRAME];
	unsigned got;

	set(r->desk, ZMQ_RCVTIMEO, GATE_BACKLOG_TRY_MS);
	for (unsigned i = from; i < to; i++) {
		int size = -1;

		for (unsigned tries = 0; size < 0 && tries < 2000; tries++) {
			if (flush)
				backlog_flush(&r->g);
			size = zmq_recv(r->desk, frame, sizeof(frame), 0);
		}
		cr_assert_eq(size, FRAME, "frame %u", i);
		memcpy(&got, frame, sizeof(got));
		cr_assert_eq(got, i);
	}
}

Test(backlog, a_burst_is_kept_and_comes_in_order)
{
	struct rig *r = rig_new();

	send_numbered(r, 0, 900);
	cr_assert_gt(r->c.backlog_bytes, 0, "control: the pipe was full");
	cr_assert_not(r->c.cut);
	/* the pipe has room again, but what came later may not use it */
	expect_numbered(r, 0, 100, false);
	send_numbered(r, 900, 1000);
	expect_numbered(r, 100, 1000, true);
	cr_assert_eq(r->g.backlogs, 0);
	rig_free(r);
}

Test(backlog, who_lets_too_much_pile_up_is_cut)
{
	struct rig *r = rig_new();

	send_numbered(r, 0, 4000);
	cr_assert(r->c.cut);
	cr_assert_eq(r->g.backlog_bytes, 0, "nothing is kept for him");
	rig_free(r);
}

Test(backlog, who_takes_nothing_is_cut)
{
	struct rig *r = rig_new();

	send_numbered(r, 0, 900);
	r->c.backlog_ms -= GATE_BACKLOG_MS / 2;
	backlog_flush(&r->g);
	cr_assert_not(r->c.cut);
	cr_assert_gt(r->c.backlog_bytes, 0);
	r->c.backlog_ms -= GATE_BACKLOG_MS;
	backlog_flush(&r->g);
	cr_assert(r->c.cut);
	rig_free(r);
}

Test(backlog, all_of_them_together_are_bounded)
{
	struct rig *r = rig_new();

	r->g.backlog_bytes = GATE_BACKLOGS_BYTES;
	send_numbered(r, 0, 900);
	cr_assert(r->c.cut);
	r->g.backlog_bytes -= GATE_BACKLOGS_BYTES;
	rig_free(r);
}
