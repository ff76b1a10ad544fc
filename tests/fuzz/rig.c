/* The federation that the engine harnesses speak to (rig.h). */
#include "tests/fuzz/rig.h"

#include "broker/engine/internal.h"
#include "proto/frames.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void (*rig_saw)(
    const char *harness, unsigned which, const void *bytes, size_t size);
static void (*carry_on)(struct node *n, const struct effect *e, void *ctx);
static struct wires *made;

#define STEPS 64u /* inputs in one turn */

static void see(
    const char *harness, unsigned which, const void *bytes, size_t size)
{
	if (rig_saw != NULL)
		rig_saw(harness, which, bytes, size);
}

static void watch(struct node *n, const struct effect *e, void *ctx)
{
	if (e->type == EFFECT_PEER_SEND)
		see("link", e->conn < 2000 ? 0 : 1, e->bytes.data,
		    e->bytes.size);
	if (e->type == EFFECT_DESK_SEND)
		see("answer", 0, e->bytes.data, e->bytes.size);
	carry_on(n, e, ctx);
}

/* A request of the officer, seen as his broker gets it. */
static void ask(
    struct wires *w, unsigned officer, unsigned op, struct hf_bytes args)
{
	static uint8_t frame[HF_FRAME_MAX];
	static uint64_t id;
	struct node *jp = &w->f->nodes[0];
	struct hf_key key = secret_transport_key(jp->officers[officer].secret);
	struct pack p;
	size_t size = 0;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_uint(&p, op);
	pack_uint(&p, ++id);
	if (args.size > 0)
		pack_raw(&p, args);
	else
		pack_map(&p, 0);
	MUST(pack_finish(&p, &size) == HF_OK, "a request too large");
	see("desk", officer, frame, size);
	desk_say(w, "JP", &key, 77 + officer, frame, size);
	desk_forget(w);
}

static void ask_all(struct wires *w, const struct hf_id *id)
{
	static struct args a;

	for (unsigned op = 1; op < HF_OP_COUNT; op++) {
		unsigned who = op >= HF_OP_ENTRIES ? AUD : NCP;

		ask(w, who, op, nothing);
		args_begin(&a, 1);
		args_bin(&a, 1, id->b, sizeof(id->b));
		ask(w, who, op, args_end(&a));
		args_begin(&a, 2);
		args_uint(&a, 1, 1);
		args_uint(&a, 2, 3);
		ask(w, who, op, args_end(&a));
		args_begin(&a, 3);
		args_bin(&a, 1, id->b, sizeof(id->b));
		args_uint(&a, 2, 1);
		args_uint(&a, 3, 1);
		ask(w, who, op, args_end(&a));
	}
}

/* As an officer's program reads a case (client/view.h). */
static void ask_case(struct wires *w, const struct hf_id *id)
{
	static struct args a;

	args_begin(&a, 1);
	args_bin(&a, 1, id->b, sizeof(id->b));
	ask(w, NCP, HF_OP_CASE, args_end(&a));
	for (unsigned t = 0; t <= HF_TRACK_INNER_ASKING; t++) {
		args_begin(&a, 3);
		args_bin(&a, 1, id->b, sizeof(id->b));
		args_uint(&a, 2, t);
		args_uint(&a, 3, 1);
		ask(w, NCP, HF_OP_ACTS, args_end(&a));
	}
}

static void submit(struct wires *w, struct draft *d, bool desk)
{
	static struct signed_act act;
	static struct args a;

	draft_sign(d, &act);
	see("act", 0, act.frame, act.size);
	if (desk) {
		args_begin(&a, 1);
		args_bin(&a, 1, act.frame, act.size);
		ask(w, NCP, HF_OP_SUBMIT, args_end(&a));
	} else {
		must_submit(d);
	}
}

static struct hf_id tell(struct wires *w)
{
	struct draft d;
	struct hf_id id;

	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	id = must_submit(&d);
	wires_run(w);
	draft_next(
	    &d, w->f, "us.ncp", HF_KIND_ACKNOWLEDGE, HF_TRACK_ASKED, &id, &id);
	d.env.rules_version = 1;
	d.env.rules_profile = hf_profile_by_name("test")->digest;
	draft_has(&d, HF_E_RULES);
	submit(w, &d, false);
	wires_run_for(w, 3000, 500);
	draft_accept(&d, w->f, "us.ncp", &id, 20);
	submit(w, &d, false);
	wires_run_for(w, 12000, 1000);
	return id;
}

struct wires *rig(void)
{
	struct federation *f;

	if (made != NULL)
		return made;
	fuzz_init();
	f = fed_running("JP", "US", NULL);
	made = wires_new(f, 1);
	carry_on = f->nodes[0].carry;
	for (unsigned i = 0; i < f->count; i++)
		f->nodes[i].carry = watch;
	wires_connect_all(made);
	wires_run(made);
	tell(made);
	desk_forget(made);
	return made;
}

void rig_more(struct wires *w)
{
	struct draft d;
	struct hf_id id = fed_request(w->f);

	wires_run_for(w, 2000, 1000);
	draft_next(&d, w->f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
	submit(w, &d, false);
	wires_run(w);
	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	submit(w, &d, true);
	ask_all(w, &id);
	ask_case(w, &id);
	ask(w, NCP, HF_OP_ROSTER, nothing);
	wires_run_for(w, 40000, 5000);
}

struct home *rig_home(void)
{
	static struct home h;
	struct federation *f;

	if (h.roster != NULL)
		return &h;
	f = rig()->f;
	h.roster = roster_new();
	MUST(h.roster != NULL, "roster");
	h.country = f->nodes[0].country;
	snprintf(h.desk.s, sizeof(h.desk.s), "jp.ncp");
	snprintf(h.path, sizeof(h.path), "%s", fuzz_dir());
	MUST(signer_from_secret(&h.signer, f->nodes[0].officers[NCP].secret) ==
		 HF_OK,
	    "signer");
	for (unsigned i = 0; i < f->count; i++) {
		struct node *n = &f->nodes[i];
		struct hf_key root = secret_sign_key(n->root);
		struct hf_country c;
		uint32_t version;

		MUST(roster_pin(h.roster, n->country, &root) == HF_OK &&
			 roster_add(h.roster, n->doc->bytes, n->doc->size, &c,
			     &version) == HF_OK,
		    "documents");
	}
	return &h;
}

/* ---- one event ---- */

static bool is_fatal(enum hf_err err)
{
	return err != HF_OK && err != HF_FULL;
}

/* Of an answer that waits for receipts the last member is not there yet. */
static void is_canonical(struct hf_bytes b)
{
	struct wire w;
	enum hf_err err;

	wire_init(&w, b.data, b.size);
	wire_skip(&w);
	err = wire_finish(&w);
	MUST(err == HF_OK || err == HF_TRUNCATED, "sends what nobody reads");
	if (err == HF_OK)
		fuzz_msgpack(b.data, b.size);
}

/* What a turn wrote beside the counts of refusals and reads. */
static unsigned written;
enum hf_err __real_txn_put(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes value);
enum hf_err __wrap_txn_put(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes value);
enum hf_err __real_txn_del(
    struct txn *t, enum table table, struct hf_bytes key);
enum hf_err __wrap_txn_del(
    struct txn *t, enum table table, struct hf_bytes key);

enum hf_err __wrap_txn_put(
    struct txn *t, enum table table, struct hf_bytes key, struct hf_bytes value)
{
	written += table != TABLE_TALLY;
	return __real_txn_put(t, table, key, value);
}

enum hf_err __wrap_txn_del(struct txn *t, enum table table, struct hf_bytes key)
{
	written += table != TABLE_TALLY;
	return __real_txn_del(t, table, key);
}

/* What is asked before the event comes to its turn. */
static void admit(struct node *n, const struct event *ev)
{
	static const struct queued plenty = {.room = 4096};
	struct admitted_as as;
	enum hf_err err = engine_admit(n->engine, ev, &plenty, &as);

	MUST(err == HF_OK || err == HF_BUSY, "neither admitted nor busy");
	if (err == HF_BUSY && as.answer_size > 0)
		is_canonical((struct hf_bytes){as.answer, as.answer_size});
}

static void end_turn(struct node *n)
{
	if (engine_can_abandon(n->engine)) {
		turn_abandon(n);
		return;
	}
	/* a document: what was read stays read */
	turn_end_crash(n);
	node_restart(n);
}

void rig_step(const struct event *ev)
{
	static unsigned steps;
	struct node *n = &rig()->f->nodes[0];
	enum hf_err err;

	if (n->txn == NULL) {
		turn_begin(n);
		steps = 0;
	}
	admit(n, ev);
	written = 0;
	err = engine_step(n->engine, ev);
	MUST(!is_fatal(err), "a frame from outside ends the process");
	for (unsigned i = 0; i < effects_count(n->effects); i++) {
		const struct effect *e = effects_at(n->effects, i);

		if (e->type == EFFECT_DESK_SEND || e->type == EFFECT_PEER_SEND)
			is_canonical(e->bytes);
	}
	effects_clear(n->effects);
	if (written > 0 || n->engine->turn_dirty || err != HF_OK ||
	    !engine_can_abandon(n->engine) || ++steps == STEPS)
		end_turn(n);
}
