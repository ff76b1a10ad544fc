/*
 * revocations: trials against a real broker under full load.
 *
 *   revocations DIR TRIALS
 *
 * DIR is a federation of JP and US with a home DIR/slot.N for each of SLOTS
 * desks (tests/auth/run).  Each slot's officer sends new acts as fast as the
 * broker answers.  A trial publishes a document in which one of them has
 * ended (registrar.h: by turns each way) and goes on as him, on the old
 * connection and on new ones, for WATCH_S.  A new officer takes his place.
 *
 * A JSON line a trial, times in milliseconds since the document was sent:
 *   key          his signing key
 *   sent_at      wall time
 *   cut          his session ended
 *   last         the last act of his that was accepted; 0: none any more
 *   before       acts of his accepted before
 * Whether they are in the ledger the runner looks up.  Exit status 1: a
 * session that may go on was cut, or one that may not was not.
 */
#include "proto/crypto.h"
#include "proto/pack.h"
#include "tests/auth/registrar.h"
#include "tests/bench/acts.h"
#include "tests/bench/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define WINDOW 8u    /* acts of one officer on the way */
#define WATCH_S 2.0  /* as an officer that has ended */
#define AGAIN_S 0.3  /* he dials anew */
#define PAUSE_S 0.02 /* between two trials, at least */
#define CUT_S 1.0    /* the promise */
#define PATIENCE_S 20.0
#define SESSIONS_MAX 256u

struct session {
	bool used, ended, cut;
	unsigned slot, serial;
	enum ending how;
	struct desk desk;
	void *monitor;
	unsigned before, after; /* accepted */
	double ended_at, cut_at, last_at, dialled_at;
	uint64_t ended_wall;
};

static struct {
	const char *dir;
	void *ctx;
	struct registrar registrar;
	struct session sessions[SESSIONS_MAX];
	struct session *of_slot[SLOTS];
	struct desk ops;
	unsigned trials, begun, done, late, opened;
	uint64_t publish; /* request that is on the way; 0: none */
	uint64_t last_id;
	double next_at;
} world;

static void home_path(char out[HOME_PATH_MAX], unsigned slot, const char *file)
{
	snprintf(out, HOME_PATH_MAX, "%s/slot.%u%s", world.dir, slot, file);
}

/* A new officer of the slot, who has no connection yet. */
static void appoint(unsigned slot)
{
	struct secret *s = secret_new(SECRET_OFFICER);
	char path[HOME_PATH_MAX];

	if (s == NULL)
		meter_fail("out of memory");
	home_path(path, slot, "/officer.key");
	unlink(path);
	meter_must(secret_save(s, path, NULL), path);
	registrar_enter(&world.registrar, slot, s);
	secret_free(s);
}

static struct session *open_session(unsigned slot)
{
	const struct country_doc *doc = world.registrar.doc;
	char path[HOME_PATH_MAX], name[48];
	struct session *s = world.sessions;
	struct hf_country country;
	uint32_t version;

	while (s < world.sessions + SESSIONS_MAX && s->used)
		s++;
	if (s == world.sessions + SESSIONS_MAX)
		meter_fail("too many sessions");
	*s = (struct session){.used = true, .slot = slot};
	home_path(path, slot, "");
	desk_open(&s->desk, world.ctx, path);
	meter_must(roster_add(s->desk.home.roster, doc->bytes, doc->size,
		       &country, &version),
	    "his own document");
	snprintf(name, sizeof(name), "inproc://monitor-%u", ++world.opened);
	s->monitor = zmq_socket(world.ctx, ZMQ_PAIR);
	if (s->monitor == NULL ||
	    zmq_socket_monitor(s->desk.socket, name, ZMQ_EVENT_DISCONNECTED) !=
		0 ||
	    zmq_connect(s->monitor, name) != 0)
		meter_fail("no monitor");
	return s;
}

static void close_session(struct session *s)
{
	zmq_socket_monitor(s->desk.socket, NULL, 0);
	zmq_close(s->monitor);
	desk_close(&s->desk);
	s->used = false;
}

static void publish(struct hf_bytes document)
{
	static uint8_t args[HF_FRAME_MAX];
	struct pack p;
	size_t size;

	if (document.size > HF_DOC_PART)
		meter_fail("a document of more than a part");
	pack_init(&p, args, sizeof(args));
	pack_map(&p, 3);
	pack_uint(&p, 1);
	pack_uint(&p, 0);
	pack_uint(&p, 2);
	pack_uint(&p, 1);
	pack_uint(&p, 3);
	pack_bin(&p, document.data, document.size);
	meter_must(pack_finish(&p, &size), "publish");
	world.publish = ++world.last_id;
	desk_request(&world.ops, HF_OP_PUBLISH, world.publish,
	    (struct hf_bytes){args, size});
}

/* ---- load ---- */

static void send_acts(struct session *s)
{
	while (s->desk.flying < WINDOW) {
		struct ready *a = acts_make(&s->desk, 1, "us.ncp", 1);

		desk_request(&s->desk, HF_OP_SUBMIT, ++world.last_id,
		    (struct hf_bytes){a->args, a->size});
		acts_free(a, 1);
		s->desk.flying++;
	}
}

static void take_answers(struct session *s)
{
	struct reply r;

	while (desk_read(&s->desk, &r)) {
		if (r.type != 0)
			continue;
		if (s->desk.flying > 0)
			s->desk.flying--;
		if (r.code != HF_OK)
			continue;
		if (!s->ended) {
			s->before++;
			continue;
		}
		s->after++;
		s->last_at = meter_now();
	}
}

static void watch_cut(struct session *s)
{
	zmq_msg_t m;
	bool cut = false;

	zmq_msg_init(&m);
	while (zmq_msg_recv(&m, s->monitor, ZMQ_DONTWAIT) >= 0)
		cut = true;
	zmq_msg_close(&m);
	if (!cut || s->cut)
		return;
	if (!s->ended)
		meter_fail("a session that may go on was cut");
	s->cut = true;
	s->cut_at = s->dialled_at = meter_now();
}

/* As an attacker who holds the key: he dials again and sends. */
static void try_again(struct session *s)
{
	double now = meter_now();

	if (!s->cut || now - s->dialled_at < AGAIN_S)
		return;
	s->dialled_at = now;
	s->desk.flying = 0;
	zmq_disconnect(s->desk.socket, s->desk.home.broker);
	zmq_connect(s->desk.socket, s->desk.home.broker);
}

/* ---- trials ---- */

static double span(const struct session *s, double at)
{
	return at == 0 ? 0 : 1000 * (at - s->ended_at);
}

static void report(const struct session *s)
{
	struct hf_key key = s->desk.home.signer->sign_key;
	bool late = !s->cut || s->cut_at - s->ended_at > CUT_S ||
		    (s->after > 0 && s->last_at - s->ended_at > CUT_S);

	printf("{\"key\":\"");
	for (unsigned i = 0; i < sizeof(key.b); i++)
		printf("%02x", key.b[i]);
	printf("\",\"how\":\"%s\",\"sent_at\":%llu,\"cut\":%.1f,\"last\":%.1f,"
	       "\"before\":%u,\"after\":%u}\n",
	    ending_names[s->how], (unsigned long long)s->ended_wall,
	    span(s, s->cut_at), span(s, s->last_at), s->before, s->after);
	world.late += late;
	world.done++;
}

static void end_one(void)
{
	unsigned slot = world.begun % SLOTS;
	struct session *s = world.of_slot[slot];
	enum ending how =
	    (enum ending)(REVOKED + world.begun / SLOTS % (ENDINGS - REVOKED));

	s->how = how;
	s->ended_wall = wall_now().ms;
	s->ended_at = meter_now();
	s->ended = true;
	registrar_end(&world.registrar, slot, how);
	publish(registrar_next(&world.registrar));
	world.begun++;
}

/* The document is in force: his successor is appointed for the next one. */
static void published(void)
{
	struct reply r;

	while (desk_read(&world.ops, &r)) {
		if (r.type != 0 || r.request != world.publish)
			continue;
		meter_must((enum hf_err)r.code, "publish");
		world.publish = 0;
		world.next_at = meter_now() + PAUSE_S;
	}
}

/* Publish the slots that have nobody, and open their sessions. */
static void fill(void)
{
	bool empty = false;

	for (unsigned i = 0; i < SLOTS; i++)
		if (world.of_slot[i] == NULL || world.of_slot[i]->ended) {
			appoint(i);
			empty = true;
		}
	if (!empty)
		return;
	publish(registrar_next(&world.registrar));
	desk_wait(&world.ops, world.publish);
	world.publish = 0;
	for (unsigned i = 0; i < SLOTS; i++)
		if (world.of_slot[i] == NULL || world.of_slot[i]->ended)
			world.of_slot[i] = open_session(i);
}

/* The next one is under load, and nothing waits. */
static bool may_end_one(void)
{
	struct session *s = world.of_slot[world.begun % SLOTS];

	return world.begun < world.trials && world.publish == 0 &&
	       meter_now() >= world.next_at && !s->ended && s->before > 0;
}

static void serve(void)
{
	zmq_pollitem_t items[SESSIONS_MAX + 1];
	int n = 0;

	items[n++] = (zmq_pollitem_t){world.ops.socket, 0, ZMQ_POLLIN, 0};
	for (unsigned i = 0; i < SESSIONS_MAX; i++)
		if (world.sessions[i].used)
			items[n++] = (zmq_pollitem_t){
			    world.sessions[i].desk.socket, 0, ZMQ_POLLIN, 0};
	zmq_poll(items, n, 2);
	published();
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		struct session *s = &world.sessions[i];

		if (!s->used)
			continue;
		take_answers(s);
		watch_cut(s);
		try_again(s);
		send_acts(s);
		if (s->ended && meter_now() - s->ended_at > WATCH_S) {
			report(s);
			if (world.of_slot[s->slot] == s)
				world.of_slot[s->slot] = NULL;
			close_session(s);
		}
	}
}

static void run(void)
{
	unsigned done = 0;
	double moved = meter_now();

	while (world.done < world.trials) {
		serve();
		if (may_end_one())
			end_one();
		/* each has had his turn: the next eight */
		if (world.publish == 0 && world.begun % SLOTS == 0 &&
		    world.begun < world.trials)
			fill();
		if (done != world.done)
			moved = meter_now();
		done = world.done;
		if (meter_now() - moved > PATIENCE_S)
			meter_fail("no trial ends any more");
	}
}

int main(int argc, char **argv)
{
	char path[HOME_PATH_MAX];

	if (argc != 3 || (world.trials = (unsigned)atoi(argv[2])) == 0) {
		fprintf(stderr, "usage: revocations DIR TRIALS\n");
		return 2;
	}
	meter_must(hf_crypto_init(), "crypto");
	world.dir = argv[1];
	world.ctx = zmq_ctx_new();
	if (world.ctx == NULL)
		meter_fail("zmq_ctx_new");
	registrar_open(&world.registrar, world.dir);
	snprintf(path, sizeof(path), "%s/jp.ops", world.dir);
	desk_open(&world.ops, world.ctx, path);
	desk_hello(&world.ops);
	fill();
	run();
	for (unsigned i = 0; i < SESSIONS_MAX; i++)
		if (world.sessions[i].used)
			close_session(&world.sessions[i]);
	desk_close(&world.ops);
	registrar_close(&world.registrar);
	zmq_ctx_term(world.ctx);
	return world.late > 0;
}
