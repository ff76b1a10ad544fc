/* The core's ways in and out: arrivals in order, endpoints of names. */
#include "broker/core/arrivals.h"
#include "broker/core/internal.h"
#include "broker/resolver.h"
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void put(struct arrivals *a, struct record *r, unsigned gate,
    enum record_type type, uint64_t number, const void *payload, uint32_t size)
{
	memset(&r->h, 0, sizeof(r->h));
	r->h.type = type;
	r->h.conn = number;
	r->h.size = size;
	memcpy(r->payload, payload, size);
	cr_assert_eq(arrivals_put(a, gate, r, NULL), HF_OK);
}

Test(arrivals, are_taken_in_order_however_long_each_verifies)
{
	struct arrivals *a = arrivals_new();
	struct record *r = calloc(1, sizeof(*r));
	static uint8_t payload[20000];
	uint64_t put_count = 0, taken = 0;
	struct arrival *item;

	cr_assert(a != NULL && r != NULL);
	cr_assert_null(arrivals_take(a, true));
	/* more rounds than the ring is long, at changing depths */
	for (unsigned round = 0; round < 400; round++) {
		for (unsigned i = 0; i < round % 23; i++) {
			uint32_t size = (uint32_t)(put_count * 7919u % 20000u);

			put(a, r, (unsigned)(put_count % 2),
			    put_count % 3 == 0 ? RECORD_GONE : RECORD_FRAME,
			    put_count, payload, size);
			put_count++;
		}
		for (unsigned i = 0; i < round % 19; i++) {
			item = arrivals_take(a, true);
			if (item == NULL)
				break;
			cr_assert_eq(item->h.conn, taken);
			cr_assert_eq(item->gate, taken % 2);
			cr_assert_eq(item->h.size, taken * 7919u % 20000u);
			cr_assert(item->ready);
			taken++;
			free(item);
		}
		cr_assert_eq(arrivals_count(a), put_count - taken);
	}
	while ((item = arrivals_take(a, true)) != NULL) {
		cr_assert_eq(item->h.conn, taken++);
		free(item);
	}
	cr_assert_eq(taken, put_count);
	arrivals_free(a);
	free(r);
}

/* By whoever does not wait as by whoever does, each item once, in order. */
Test(arrivals, are_there_when_they_are_verified)
{
	struct arrivals *a = arrivals_new();
	struct record *r = calloc(1, sizeof(*r));
	static uint8_t payload[20000];
	uint64_t taken = 0;
	struct arrival *item;

	cr_assert(a != NULL && r != NULL);
	for (unsigned i = 0; i < 1000; i++)
		put(a, r, GATE_DESKS, RECORD_FRAME, i, payload,
		    i % 2 == 0 ? sizeof(payload) / 4 : 1);
	while (taken < 1000) {
		item = arrivals_take(a, taken % 3 == 0);
		if (item == NULL) {
			cr_assert_neq(taken % 3, 0, "it was to wait");
			continue;
		}
		cr_assert(item->ready);
		cr_assert_eq(item->h.conn, taken++);
		free(item);
	}
	cr_assert_null(arrivals_take(a, false));
	arrivals_free(a);
	free(r);
}

Test(arrivals, verify_frames_and_only_frames)
{
	struct arrivals *a = arrivals_new();
	struct record *r = calloc(1, sizeof(*r));
	static const uint8_t garbage[] = {0xc1, 0xff, 0x00};
	struct arrival *item;

	cr_assert(a != NULL && r != NULL);
	put(a, r, GATE_DESKS, RECORD_FRAME, 1, garbage, sizeof(garbage));
	put(a, r, GATE_PEERS, RECORD_FRAME, 2, garbage, sizeof(garbage));
	put(a, r, GATE_PEERS, RECORD_UP, 3, garbage, sizeof(garbage));
	for (unsigned i = 0; i < 3; i++) {
		item = arrivals_take(a, true);
		cr_assert_not_null(item);
		if (i < 2)
			cr_assert_neq(item->verify_err, HF_OK);
		else
			cr_assert_eq(item->verify_err, HF_OK);
		free(item);
	}
	arrivals_free(a);
	free(r);
}

Test(arrivals, have_no_room_beyond_their_bounds)
{
	struct arrivals *a = arrivals_new();
	struct record *r = calloc(1, sizeof(*r));
	static uint8_t payload[HF_FRAME_MAX];
	unsigned small = 0, large = 0;

	cr_assert(a != NULL && r != NULL);
	for (; arrivals_has_room(a) && small < 100000; small++)
		put(a, r, GATE_DESKS, RECORD_GONE, 0, payload, 0);
	cr_assert_eq(small, 2048);
	free(arrivals_take(a, true));
	cr_assert(arrivals_has_room(a));
	arrivals_free(a); /* with what was not taken */
	a = arrivals_new();
	cr_assert_not_null(a);
	for (; arrivals_has_room(a) && large < 100000; large++)
		put(a, r, GATE_DESKS, RECORD_GONE, 0, payload, HF_FRAME_MAX);
	cr_assert_eq(large, (8u << 20) / HF_FRAME_MAX);
	arrivals_free(a);
	free(r);
}

/* ---- towards the gates ---- */

#define FRAMES 100u /* more than its socket holds, less than may wait */

static struct core *new_core(int far[2])
{
	struct core *c = calloc(1, sizeof(*c));
	int pair[2];

	cr_assert_not_null(c);
	for (unsigned i = 0; i < 2; i++) {
		c->gates[i].fd = -1;
		cr_assert_eq(records_pair(pair), HF_OK);
		gates_set(c, i, pair[0]);
		far[i] = pair[1];
	}
	return c;
}

static void free_core(struct core *c, int far[2])
{
	for (unsigned i = 0; i < 2; i++) {
		gates_set(c, i, -1);
		close(far[i]);
	}
	free(c);
}

Test(gates, keep_what_a_slow_gate_cannot_take_in_order)
{
	struct record *r = calloc(1, sizeof(*r));
	static uint8_t payload[HF_FRAME_MAX];
	struct hf_bytes frame = {payload, sizeof(payload)};
	int far[2];
	struct core *c = new_core(far);
	uint64_t got = 0;
	int small = 256 << 10;
	enum hf_err err;

	cr_assert_not_null(r);
	cr_assert_eq(setsockopt(c->gates[GATE_DESKS].fd, SOL_SOCKET, SO_SNDBUF,
			 &small, sizeof(small)),
	    0);
	for (uint64_t i = 1; i <= FRAMES; i++)
		gates_send(c, GATE_DESKS, gates_conn(c, GATE_DESKS, i), frame);
	cr_assert_not_null(c->gates[GATE_DESKS].first, "nothing had to wait");
	while (got < FRAMES) {
		err = record_receive(far[GATE_DESKS], r);
		if (err == HF_BUSY) {
			gates_flush(c, GATE_DESKS);
			continue;
		}
		cr_assert_eq(err, HF_OK);
		cr_assert_eq(r->h.conn, ++got);
		cr_assert_eq(r->h.size, sizeof(payload));
	}
	cr_assert_null(c->gates[GATE_DESKS].first);
	cr_assert_eq(c->gates[GATE_DESKS].waiting_size, 0);
	free_core(c, far);
	free(r);
}

Test(gates, drop_frames_beyond_the_bound_but_never_a_revocation)
{
	struct record *r = calloc(1, sizeof(*r));
	static uint8_t payload[HF_FRAME_MAX];
	struct hf_bytes frame = {payload, sizeof(payload)};
	struct record_header cut = {.type = RECORD_CUT};
	int far[2];
	struct core *c = new_core(far);
	unsigned frames = 0, cuts = 0;
	enum hf_err err;

	cr_assert_not_null(r);
	for (uint64_t i = 1; i <= 2000; i++)
		gates_send(c, GATE_PEERS, gates_conn(c, GATE_PEERS, i), frame);
	gates_tell(c, GATE_PEERS, &cut, NULL);
	cr_assert_lt(c->gates[GATE_PEERS].waiting_size, 17u << 20);
	for (unsigned i = 0; i < 10000; i++) {
		err = record_receive(far[GATE_PEERS], r);
		if (err == HF_BUSY)
			gates_flush(c, GATE_PEERS);
		else if (r->h.type == RECORD_CUT)
			cuts++;
		else
			frames++;
	}
	cr_assert_gt(frames, 200);
	cr_assert_lt(frames, 2000);
	cr_assert_eq(cuts, 1);
	free_core(c, far);
	free(r);
}

/* A new gate counts its connections from 1 again: somebody else's. */
Test(gates, send_nothing_to_a_connection_of_a_gate_that_died)
{
	struct record *r = calloc(1, sizeof(*r));
	static uint8_t payload[8];
	struct hf_bytes frame = {payload, sizeof(payload)};
	int far[2], pair[2];
	struct core *c = new_core(far);
	uint64_t before, after;

	cr_assert_not_null(r);
	before = gates_conn(c, GATE_DESKS, 7);
	gates_set(c, GATE_DESKS, -1);
	gates_send(c, GATE_DESKS, before, frame);
	cr_assert_eq(records_pair(pair), HF_OK);
	gates_set(c, GATE_DESKS, pair[0]);
	close(far[GATE_DESKS]);
	far[GATE_DESKS] = pair[1];
	after = gates_conn(c, GATE_DESKS, 7);
	cr_assert_neq(before, after);
	gates_send(c, GATE_DESKS, before, frame);
	cr_assert_eq(record_receive(far[GATE_DESKS], r), HF_BUSY);
	gates_send(c, GATE_DESKS, after, frame);
	cr_assert_eq(record_receive(far[GATE_DESKS], r), HF_OK);
	cr_assert_eq(r->h.conn, 7);
	cr_assert_eq(gates_conn(c, GATE_DESKS, 0), 0, "0 stays nobody");
	free_core(c, far);
	free(r);
}

/* ---- names ---- */

Test(resolver, takes_endpoints_and_nothing_else)
{
	static const struct {
		const char *text;
		bool asks, answers;
	} cases[] = {
	    {"tcp://cp.example:7247", true, false},
	    {"tcp://a:1", true, false},
	    {"tcp://:1", false, false},
	    {"tcp://a", false, false},
	    {"udp://a:1", false, false},
	    {"", false, false},
	    {" ", false, false},
	    {"tcp://a b:1", false, false},
	    {"tcp://a:1\ntcp://b:1", false, false},
	    {"tcp://a:1 tcp://192.0.2.1:1", false, true},
	    {"tcp://a:1 ", false, false},
	    {"tcp://a:1 192.0.2.1", false, false},
	    {"tcp://a:1 tcp://192.0.2.1:1 x", false, false},
	    {" tcp://192.0.2.1:1", false, false},
	};
	struct record *r = calloc(1, sizeof(*r));

	cr_assert_not_null(r);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		r->h.size = (uint32_t)strlen(cases[i].text);
		memcpy(r->payload, cases[i].text, r->h.size);
		r->h.type = RECORD_RESOLVE;
		cr_assert_eq(resolver_asks(r), cases[i].asks, "asks: '%s'",
		    cases[i].text);
		cr_assert_not(resolver_answers(r), "type");
		r->h.type = RECORD_RESOLVED;
		cr_assert_eq(resolver_answers(r), cases[i].answers,
		    "answers: '%s'", cases[i].text);
		cr_assert_not(resolver_asks(r), "type");
	}
	free(r);
}

Test(resolver, finds_this_machine)
{
	static const char question[] = "tcp://localhost:7247";
	static const char wanted[] =
	    "tcp://localhost:7247 tcp://127.0.0.1:7247";
	struct record_header h = {
	    .type = RECORD_RESOLVE, .size = sizeof(question) - 1};
	struct record *r = calloc(1, sizeof(*r));
	int fds[2];

	cr_assert_not_null(r);
	cr_assert_eq(records_pair(fds), HF_OK);
	cr_assert_eq(record_send(fds[0], &h, question), HF_OK);
	cr_assert_eq(resolver_child(fds[1]), 0);
	cr_assert_eq(record_receive(fds[0], r), HF_OK);
	cr_assert(resolver_answers(r));
	cr_assert_eq(r->h.size, sizeof(wanted) - 1);
	cr_assert_arr_eq(r->payload, wanted, sizeof(wanted) - 1);
	free(r);
}
