/*
 * bench-load: a load generator for a real federation (tests/bench/run starts
 * one).  Acts are made, signed and sealed beforehand; what is measured is
 * what brokers do.  One JSON object on stdout.
 *
 *   bench-load limits DIR
 *       what the machine can do: signatures, hashes, synced commits in DIR, a
 *       CURVE round trip over loopback
 *   bench-load intake HOME[,HOME...] TO COUNT WINDOW
 *       desk to receipt, WINDOW submissions on the way, by turns from each home
 *       and of each the same number
 *   bench-load relay HOME[,HOME...] TO THERE COUNT WINDOW [RATE]
 *       the same, until the home THERE of another country is pushed the event;
 *       with RATE so many a second are sent, whatever comes back
 */
#include "client/compose.h"
#include "client/form.h"
#include "keys/secret.h"
#include "proto/catalogue.h"
#include "proto/crypto.h"
#include "proto/frames.h"
#include "proto/pack.h"
#include "proto/profile.h"
#include "tests/bench/limits.h"
#include "tests/bench/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define QUIET_SECONDS 20.0 /* nothing comes back: the run has failed */

/* ---- a connection ---- */

struct desk {
	struct home home;
	void *socket;
	unsigned flying; /* submissions without an answer */
};

static void set_int(void *socket, int option, int value)
{
	if (zmq_setsockopt(socket, option, &value, sizeof(value)) != 0)
		meter_fail("zmq_setsockopt");
}

static void desk_open(struct desk *d, void *ctx, const char *path)
{
	uint8_t secret[HF_KEY_SIZE];
	int64_t most = HF_FRAME_MAX + 33;

	meter_must(home_open(&d->home, path, NULL), path);
	meter_must(home_unlock(&d->home, true), path);
	d->socket = zmq_socket(ctx, ZMQ_DEALER);
	if (d->socket == NULL ||
	    d->home.signer->transport_secret(d->home.signer, secret) != HF_OK)
		meter_fail("no socket");
	set_int(d->socket, ZMQ_LINGER, 0);
	set_int(d->socket, ZMQ_SNDHWM, 2048);
	set_int(d->socket, ZMQ_RCVHWM, 65536);
	if (zmq_setsockopt(d->socket, ZMQ_MAXMSGSIZE, &most, sizeof(most)) !=
		0 ||
	    zmq_setsockopt(d->socket, ZMQ_CURVE_PUBLICKEY,
		d->home.signer->transport_key.b, HF_KEY_SIZE) != 0 ||
	    zmq_setsockopt(
		d->socket, ZMQ_CURVE_SECRETKEY, secret, HF_KEY_SIZE) != 0 ||
	    zmq_setsockopt(d->socket, ZMQ_CURVE_SERVERKEY, d->home.broker_key.b,
		HF_KEY_SIZE) != 0 ||
	    zmq_connect(d->socket, d->home.broker) != 0)
		meter_fail("no connection");
	hf_wipe(secret, sizeof(secret));
}

static void desk_close(struct desk *d)
{
	zmq_close(d->socket);
	home_close(&d->home);
}

static void send_request(
    struct desk *d, enum hf_op op, uint64_t id, struct hf_bytes args)
{
	static uint8_t frame[HF_FRAME_MAX];
	struct pack p;
	size_t size;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_uint(&p, op);
	pack_uint(&p, id);
	if (args.size == 0)
		pack_map(&p, 0);
	else
		pack_raw(&p, args);
	meter_must(pack_finish(&p, &size), "a request");
	if (zmq_send(d->socket, frame, size, 0) < 0)
		meter_fail("zmq_send");
}

/** What came: an answer (type 0) or an event (type 1). */
struct reply {
	uint64_t type, request, code;
	struct hf_id act; /* of an event */
};

static bool read_reply(struct desk *d, struct reply *r)
{
	static uint8_t frame[HF_FRAME_MAX];
	int size = zmq_recv(d->socket, frame, sizeof(frame), ZMQ_DONTWAIT);
	struct wire w;
	int key;

	if (size < 0)
		return false;
	*r = (struct reply){0};
	wire_init(&w, frame, (size_t)size);
	wire_array(&w, 4, 5);
	r->type = wire_uint(&w, 1);
	if (r->type == 0) {
		r->request = wire_uint(&w, UINT64_MAX);
		r->code = wire_uint(&w, UINT32_MAX);
		return true;
	}
	wire_skip(&w); /* desk */
	wire_skip(&w); /* sequence */
	wire_map(&w, HF_MAP_MAX);
	while ((key = wire_key(&w)) >= 0) {
		if (key == 2)
			wire_bin_copy(&w, r->act.b, sizeof(r->act.b));
		else
			wire_skip(&w);
	}
	return true;
}

/* Its answer, whatever else comes. */
static void wait_answer(struct desk *d, uint64_t id)
{
	double begin = meter_now();
	struct reply r;

	for (;;) {
		zmq_pollitem_t item = {d->socket, 0, ZMQ_POLLIN, 0};

		zmq_poll(&item, 1, 100);
		while (read_reply(d, &r)) {
			if (r.type != 0 || r.request != id)
				continue;
			meter_must((enum hf_err)r.code, "the broker");
			return;
		}
		if (meter_now() - begin > QUIET_SECONDS)
			meter_fail("the broker does not answer");
	}
}

/* ---- acts ---- */

static struct instant wall_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (struct instant){
	    (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000};
}

/** A submission, packed, and its act. */
struct ready {
	uint8_t *args;
	size_t size;
	struct hf_id id;
	double sent;
};

static const char form_of_all[] =
    "{\"authority\": \"Metropolitan Police, Cyber Division\","
    " \"offence\": \"Unauthorised access (Act 128/1999, art. 3)\","
    " \"facts\": \"An account at example.jp was used without authority.\","
    " \"relation\": \"The records show who held the address then.\","
    " \"necessity\": \"Records are overwritten after seven days.\","
    " \"mla_intent\": \"A request for assistance will follow.\","
    " \"window\": {\"from\": \"2026-11-21T11:00:00+09:00\","
    "  \"until\": \"2026-11-21T11:10:00+09:00\"},"
    " \"source_ip\": [\"198.51.100.23\"], \"source_port\": [50123],"
    " \"clock_error\": 250, \"record_type\": [\"radius\"]}";

static void has(struct hf_envelope *e, enum hf_envelope_key key)
{
	e->present |= UINT64_C(1) << key;
}

static void fill_envelope(struct draft *d, const struct home *h, const char *to)
{
	struct hf_envelope *e = &d->envelope;
	const struct hf_profile *p;
	struct instant now = wall_now();

	snprintf(e->to.s, sizeof(e->to.s), "%s", to);
	p = roster_profile(
	    h->roster, hf_desk_country(&e->to), HF_BASIS_BUDAPEST);
	if (p == NULL)
		meter_fail("no profile of that country");
	e->measure = HF_PRESERVATION;
	e->basis = HF_BASIS_BUDAPEST;
	e->rules_version = 1;
	e->rules_profile = p->digest;
	e->not_after.ms = now.ms + p->ask_s * 1000u;
	e->track = HF_TRACK_ASKING;
	e->gen = 1;
	e->urgency = HF_ROUTINE;
	e->categories = HF_TRAFFIC;
	e->term_from = now;
	e->term_until.ms = now.ms + p->term_default_s * 1000u;
	has(e, HF_E_MEASURE);
	has(e, HF_E_BASIS);
	has(e, HF_E_RULES);
	has(e, HF_E_NOT_AFTER);
	has(e, HF_E_URGENCY);
	has(e, HF_E_CATEGORIES);
	has(e, HF_E_TERM);
}

static void make_one(struct ready *r, struct home *h, const char *to,
    json_t *form, unsigned serial)
{
	static struct draft d;
	static struct signed_act act;
	static struct form_report report;
	static uint8_t args[HF_FRAME_MAX];
	char reference[32];
	struct pack p;

	snprintf(reference, sizeof(reference), "BENCH-%u", serial);
	json_object_set_new(form, "own_reference", json_string(reference));
	draft_init(&d, HF_KIND_REQUEST);
	fill_envelope(&d, h, to);
	meter_must(
	    form_read(&d, form, HF_SHARE_PROVIDERS | HF_SHARE_PARTY, &report),
	    "form");
	meter_must(compose(&act, h, &d, wall_now()), "compose");
	pack_init(&p, args, sizeof(args));
	pack_map(&p, 1);
	pack_uint(&p, 1);
	pack_bin(&p, act.frame, act.size);
	meter_must(pack_finish(&p, &r->size), "a submission");
	r->args = malloc(r->size);
	if (r->args == NULL)
		meter_fail("out of memory");
	memcpy(r->args, args, r->size);
	r->id = act.id;
	r->sent = 0;
}

static struct ready *make_acts(
    struct desk *desks, unsigned n, const char *to, unsigned count)
{
	struct ready *acts = calloc(count, sizeof(*acts));
	json_t *form = json_loads(form_of_all, 0, NULL);

	if (acts == NULL || form == NULL)
		meter_fail("out of memory");
	for (unsigned i = 0; i < count; i++)
		make_one(&acts[i], &desks[i % n].home, to, form, i);
	json_decref(form);
	return acts;
}

static void free_acts(struct ready *acts, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(acts[i].args);
	free(acts);
}

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

static void submit_next(struct run *r)
{
	struct ready *a = &r->acts[r->sent];

	/* of a schedule, time counts from when it should have gone */
	a->sent = r->rate > 0 ? r->began + r->sent / r->rate : meter_now();
	send_request(&r->desk[r->sent % r->desks], HF_OP_SUBMIT, r->sent + 2,
	    (struct hf_bytes){a->args, a->size});
	r->bytes += a->size;
	r->desk[r->sent % r->desks].flying++;
	r->sent++;
}

static void take_answers(struct run *r, struct desk *d)
{
	struct reply got;

	while (read_reply(d, &got)) {
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

	while (read_reply(&r->there, &got)) {
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
	if (r->sent == r->count || r->desk[r->sent % r->desks].flying >=
				       (r->window + r->desks - 1) / r->desks)
		return false;
	return r->rate <= 0 || meter_now() >= r->began + r->sent / r->rate;
}

static bool is_over(const struct run *r)
{
	return r->answered == r->count &&
	       (!r->relay || r->arrived + r->taken == r->count);
}

static void go(struct run *r)
{
	zmq_pollitem_t items[DESKS_MAX + 1];
	int n = 0;

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
		zmq_poll(items, n, r->rate > 0 ? 1 : 10);
		for (unsigned i = 0; i < r->desks; i++)
			take_answers(r, &r->desk[i]);
		if (r->relay)
			take_events(r);
		if (meter_now() - r->last > QUIET_SECONDS)
			meter_fail("nothing comes any more");
	}
}

static void watch(struct desk *d)
{
	uint8_t args[16];
	struct pack p;
	size_t size;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, 1);
	pack_uint(&p, 1);
	pack_uint(&p, UINT64_MAX);
	meter_must(pack_finish(&p, &size), "watch");
	send_request(d, HF_OP_WATCH, 1, (struct hf_bytes){args, size});
	wait_answer(d, 1);
}

static void print_spans(const char *name, struct meter *m)
{
	printf(",\"%s_p50_us\":%.0f,\"%s_p99_us\":%.0f,\"%s_p999_us\":%.0f",
	    name, meter_at(m, 0.5), name, meter_at(m, 0.99), name,
	    meter_at(m, 0.999));
}

static void report(struct run *r, const char *bench)
{
	double spent = r->last - r->began;

	printf("{\"bench\":\"%s\",\"acts\":%u,\"window\":%u,\"rate\":%.0f,"
	       "\"seconds\":%.3f,\"acts_per_s\":%.0f,\"act_bytes\":%zu",
	    bench, r->count, r->window, r->rate, spent, r->count / spent,
	    r->bytes / r->count);
	print_spans("receipt", &r->receipts);
	if (r->relay)
		print_spans("event", &r->events);
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
		send_request(d, HF_OP_HELLO, 1, (struct hf_bytes){NULL, 0});
		wait_answer(d, 1);
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
		watch(&r->there);
	}
	r->acts = make_acts(r->desk, r->desks, to, r->count);
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
	free_acts(r->acts, r->count);
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

int main(int argc, char **argv)
{
	static struct run r;

	meter_must(hf_crypto_init(), "crypto");
	if (argc == 3 && strcmp(argv[1], "limits") == 0) {
		limits(argv[2]);
	} else if (argc == 6 && strcmp(argv[1], "intake") == 0) {
		r.count = number(argv[4]);
		r.window = number(argv[5]);
		load(&r, "intake", argv[2], argv[3], NULL);
	} else if ((argc == 7 || argc == 8) && strcmp(argv[1], "relay") == 0) {
		r.relay = true;
		r.count = number(argv[5]);
		r.window = number(argv[6]);
		r.rate = argc == 8 ? number(argv[7]) : 0;
		load(&r, "relay", argv[2], argv[3], argv[4]);
	} else {
		fprintf(stderr,
		    "usage: bench-load limits DIR\n"
		    "       bench-load intake HOMES TO COUNT WINDOW\n"
		    "       bench-load relay HOMES TO THERE COUNT WINDOW "
		    "[RATE]\n");
		return 2;
	}
	return 0;
}
