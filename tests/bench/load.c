/*
 * bench-load: a load generator for a real federation (tests/bench/run starts
 * one).  Acts are made, signed and sealed beforehand; what is measured is
 * what brokers do.  One JSON object on stdout.
 *
 *   bench-load limits DIR
 *       what the machine can do: signatures, hashes, synced commits in DIR, a
 *       CURVE round trip over loopback
 *   bench-load intake HOME[,HOME...] TO COUNT WINDOW [RATE]
 *       desk to receipt, WINDOW submissions on the way, by turns from each home
 *       and of each the same number
 *   bench-load relay HOME[,HOME...] TO THERE COUNT WINDOW [RATE]
 *       the same, until the home THERE of another country is pushed the event;
 *       with RATE so many a second are sent, whatever comes back
 *   bench-load hop PROVIDER ORDER CONTACT REQUEST THERE COUNT RATE
 *       hops of a live trace, until THERE is pushed them (hop.h)
 *   bench-load watch CONNECTIONS EVENTS
 *       many connections that watch (watch.h)
 *
 * Before the name: -p NAME=PID a process whose processor time is told by act,
 * -s FILE the counter of a core's syncs (syncs.c), -d FILE its data.mdb.
 */
#include "proto/crypto.h"
#include "tests/bench/acts.h"
#include "tests/bench/desk.h"
#include "tests/bench/hop.h"
#include "tests/bench/limits.h"
#include "tests/bench/meter.h"
#include "tests/bench/pace.h"
#include "tests/bench/procs.h"
#include "tests/bench/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

/* Where an event's act is among ours. */
static int by_id(const void *a, const void *b)
{
	const struct ready *const *x = a, *const *y = b;

	return memcmp((*x)->id.b, (*y)->id.b, HF_ID_SIZE);
}

/* ---- a run ---- */

#define DESKS_MAX 32u

struct run {
	struct desk desk[DESKS_MAX], there;
	unsigned desks;
	bool relay;
	unsigned count, window, sent, answered, taken, arrived;
	double rate, began, last;
	struct ready *acts, **sorted;
	struct meter receipts, events;
	size_t bytes;
};

/* The next has a desk to go from: how many may be on the way is its share. */
static bool has_room(const struct run *r)
{
	return r->sent < r->count && r->desk[r->sent % r->desks].flying <
					 (r->window + r->desks - 1) / r->desks;
}

/* When the next goes by the schedule. */
static double due(const struct run *r)
{
	return r->began + r->sent / r->rate;
}

static void submit_next(struct run *r)
{
	struct ready *a = &r->acts[r->sent];

	/* of a schedule, time counts from when it should have gone */
	a->sent = r->rate > 0 ? due(r) : meter_now();
	desk_request(&r->desk[r->sent % r->desks], HF_OP_SUBMIT, r->sent + 2,
	    (struct hf_bytes){a->args, a->size});
	r->bytes += a->size;
	r->desk[r->sent % r->desks].flying++;
	r->sent++;
}

static void take_answers(struct run *r, struct desk *d)
{
	struct reply got;

	while (desk_read(d, &got)) {
		if (got.type != 0)
			continue;
		r->last = meter_now();
		r->answered++;
		d->flying--;
		if (got.code == HF_REF_TAKEN) { /* an officer composes anew */
			r->taken++;
			continue;
		}
		meter_must((enum hf_err)got.code, "a submission");
		meter_add(
		    &r->receipts, r->last - r->acts[got.request - 2].sent);
	}
}

static void take_events(struct run *r)
{
	struct reply got;

	while (desk_read(&r->there, &got)) {
		struct ready key = {.id = got.act}, *at = &key, **found;

		if (got.type != 1)
			continue;
		found = bsearch(
		    &at, r->sorted, r->count, sizeof(*r->sorted), by_id);
		if (found == NULL)
			continue; /* of a run before */
		meter_add(&r->events, meter_now() - (*found)->sent);
		r->arrived++;
		r->last = meter_now();
	}
}

static bool may_send(const struct run *r)
{
	return has_room(r) && (r->rate <= 0 || meter_now() >= due(r));
}

static bool is_over(const struct run *r)
{
	return r->answered == r->count &&
	       (!r->relay || r->arrived + r->taken == r->count);
}

static void go(struct run *r)
{
	zmq_pollitem_t items[DESKS_MAX + 2];
	int n = 0;

	if (r->rate > 0)
		items[n++] = pace_open();
	procs_begin();
	r->began = r->last = meter_now();
	for (unsigned i = 0; i < r->desks; i++)
		items[n++] =
		    (zmq_pollitem_t){r->desk[i].socket, 0, ZMQ_POLLIN, 0};
	if (r->relay)
		items[n++] =
		    (zmq_pollitem_t){r->there.socket, 0, ZMQ_POLLIN, 0};
	while (!is_over(r)) {
		while (may_send(r))
			submit_next(r);
		if (r->rate > 0)
			pace_at(&items[0], has_room(r) ? due(r) : 0);
		zmq_poll(items, n, 10);
		for (unsigned i = 0; i < r->desks; i++)
			take_answers(r, &r->desk[i]);
		if (r->relay)
			take_events(r);
		if (meter_now() - r->last > QUIET_SECONDS)
			meter_fail("nothing comes any more");
	}
	procs_end();
}

static void report(struct run *r, const char *bench)
{
	double spent = r->last - r->began;

	printf("{\"bench\":\"%s\",\"acts\":%u,\"window\":%u,\"rate\":%.0f,"
	       "\"seconds\":%.3f,\"acts_per_s\":%.0f,\"act_bytes\":%zu",
	    bench, r->count, r->window, r->rate, spent, r->count / spent,
	    r->bytes / r->count);
	meter_print_spans("receipt", &r->receipts);
	if (r->relay)
		meter_print_spans("event", &r->events);
	procs_print(r->count);
	printf("}\n");
}

static void open_desks(struct run *r, void *ctx, char *homes)
{
	for (char *at = strtok(homes, ","); at != NULL;
	     at = strtok(NULL, ",")) {
		struct desk *d = &r->desk[r->desks++];

		if (r->desks > DESKS_MAX)
			meter_fail("too many homes");
		desk_open(d, ctx, at);
		desk_hello(d);
	}
}

static void load(struct run *r, const char *bench, char *homes, const char *to,
    const char *there)
{
	void *ctx = zmq_ctx_new();

	if (ctx == NULL)
		meter_fail("zmq_ctx_new");
	open_desks(r, ctx, homes);
	if (r->relay) {
		desk_open(&r->there, ctx, there);
		desk_watch(&r->there);
	}
	r->acts = acts_make(r->desk, r->desks, to, r->count);
	r->sorted = calloc(r->count, sizeof(*r->sorted));
	if (r->sorted == NULL)
		meter_fail("out of memory");
	for (unsigned i = 0; i < r->count; i++)
		r->sorted[i] = &r->acts[i];
	qsort(r->sorted, r->count, sizeof(*r->sorted), by_id);
	go(r);
	report(r, bench);
	for (unsigned i = 0; i < r->desks; i++)
		desk_close(&r->desk[i]);
	if (r->relay)
		desk_close(&r->there);
	zmq_ctx_term(ctx);
	acts_free(r->acts, r->count);
	free(r->sorted);
	meter_free(&r->receipts);
	meter_free(&r->events);
}

static unsigned number(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*end != '\0' || v == 0 || v > 10000000)
		meter_fail("a number of 1 to 10000000 is wanted");
	return (unsigned)v;
}

/* Options of what is measured; 0: a wrong one. */
static int options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+p:s:d:")) != -1)
		if (c == 'p')
			procs_add(optarg);
		else if (c == 's')
			procs_syncs(optarg);
		else if (c == 'd')
			procs_store(optarg);
		else
			return 0;
	return optind;
}

int main(int argc, char **argv)
{
	static struct run r;
	int taken = options(argc, argv);

	argc = taken == 0 ? 0 : argc - taken + 1;
	argv += taken == 0 ? 0 : taken - 1;
	meter_must(hf_crypto_init(), "crypto");
	if (argc == 3 && strcmp(argv[1], "limits") == 0) {
		limits(argv[2]);
	} else if ((argc == 6 || argc == 7) && strcmp(argv[1], "intake") == 0) {
		r.count = number(argv[4]);
		r.window = number(argv[5]);
		r.rate = argc == 7 ? number(argv[6]) : 0;
		load(&r, "intake", argv[2], argv[3], NULL);
	} else if ((argc == 7 || argc == 8) && strcmp(argv[1], "relay") == 0) {
		r.relay = true;
		r.count = number(argv[5]);
		r.window = number(argv[6]);
		r.rate = argc == 8 ? number(argv[7]) : 0;
		load(&r, "relay", argv[2], argv[3], argv[4]);
	} else if (argc == 9 && strcmp(argv[1], "hop") == 0) {
		struct hop_run h = {argv[2], argv[3], argv[4], argv[5], argv[6],
		    number(argv[7]), number(argv[8])};

		hop(&h);
	} else if (argc == 4 && strcmp(argv[1], "watch") == 0) {
		watch(number(argv[2]), number(argv[3]));
	} else {
		fprintf(stderr,
		    "usage: bench-load limits DIR\n"
		    "       bench-load intake HOMES TO COUNT WINDOW [RATE]\n"
		    "       bench-load relay HOMES TO THERE COUNT WINDOW "
		    "[RATE]\n"
		    "       bench-load hop PROVIDER ORDER CONTACT REQUEST "
		    "THERE COUNT RATE\n"
		    "       bench-load watch CONNECTIONS EVENTS\n");
		return 2;
	}
	return 0;
}
