/*
 * turns: what the core does around an engine (broker/core/turn.c), with a
 * crash possible between any two of its steps.  The signer's memory and the
 * witness' file outlive a crash.
 */
#include "tests/sim/sim.h"

#include "broker/engine/link.h"
#include "proto/crypto.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum point { /* of a turn: where the power goes */
	POINT_NONE,
	POINT_DECIDED,
	POINT_COMMITTED,
	POINT_SIGNED,
	POINT_TOLD_SOME,
	POINT_TOLD, /* the note is not stored */
	POINT_COUNT
};

struct turn {
	struct sim *s;
	struct sim_node *sn;
	struct node *n;
	struct effects *effects;
	enum point crash;
	unsigned may_tell;    /* effects before it */
	uint64_t read_errors; /* of all turns before */
	struct hf_hash memory;
	unsigned erase_count;
	uint32_t erase[HF_BATCH_MAX];
	/* heads to be cosigned, in turns of their own */
	unsigned cosign_count;
	struct {
		struct hf_country country;
		uint64_t entries;
		uint8_t *record;
		size_t size;
	} cosign[64];
};

#define RESTLESS 300u /* turns in which what is due is left */

struct event sim_event(struct sim_node *n, enum event_type type)
{
	return node_event(n->n, type);
}

static void check(enum hf_err err, const char *what)
{
	if (err != HF_OK)
		sim_fail("%s: %s %s", what, hf_err_info(err)->name,
		    hf_err_text(err));
}

static bool fatal(enum hf_err err)
{
	return err != HF_OK && err != HF_FULL;
}

/* An error that no injected fault explains is a finding. */
static void explain(const struct turn *t, enum hf_err err, const char *where)
{
	if (err == HF_STORE || err == HF_FULL ||
	    sim_disk.hits[FAULT_READ] > t->read_errors)
		return;
	sim_fail("%s of %s: %s %s", where, t->n->country.s,
	    hf_err_info(err)->name, hf_err_text(err));
}

void sim_crash(struct sim *s, struct sim_node *n)
{
	unsigned self = sim_index(s, n->n);
	bool armed = sim_disk.armed;

	sim_disk.armed = false;
	for (unsigned i = 0; i < s->count; i++) {
		sim_hang_up(s, self, i, false);
		sim_hang_up(s, i, self, true);
	}
	node_restart(n->n);
	fed_give(n->n, n->n); /* what is configured is read at each start */
	n->wake = s->f->now.ms;
	sim_disk.armed = armed;
	sim_check_new(s, n);
}

static void collect(struct turn *t, const struct effect *e)
{
	if (e->type == EFFECT_ERASE && t->erase_count < HF_BATCH_MAX)
		t->erase[t->erase_count++] = e->slot;
	if (e->type == EFFECT_COSIGN && t->cosign_count < 64) {
		unsigned i = t->cosign_count++;

		t->cosign[i].country = e->country;
		t->cosign[i].entries = e->conn;
		t->cosign[i].size = e->bytes.size;
		t->cosign[i].record = malloc(e->bytes.size);
		memcpy(t->cosign[i].record, e->bytes.data, e->bytes.size);
	}
}

/* Effects leave; a crash may come after any of them. */
static void tell(struct turn *t, bool head_signed)
{
	const struct effect *e;
	unsigned at = 0;

	while (t->may_tell > 0 &&
	       (e = effects_next(t->effects, &at, head_signed)) != NULL) {
		t->may_tell--;
		collect(t, e);
		sim_carry(t->n, e, t->s);
	}
}

static enum hf_err sign(
    struct turn *t, struct txn *txn, uint64_t size, const struct hf_hash *root)
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	char note[HF_NOTE_MAX];
	unsigned count;
	size_t note_size;
	enum hf_err err = engine_consistency(
	    t->n->engine, txn, t->n->size, size, path, &count);

	if (err != HF_OK)
		return err;
	note_size = node_note(t->n, size, root, note);
	t->n->size = size;
	t->n->root_hash = *root;
	tell(t, false);
	return engine_receipts(
	    t->n->engine, txn, bytes_of(note, note_size), t->effects);
}

/* False: the process is gone. */
static bool finish(
    struct turn *t, bool changed, uint64_t size, const struct hf_hash *root)
{
	struct txn *txn = NULL;
	enum hf_err err;

	t->may_tell = UINT_MAX;
	if (t->crash == POINT_TOLD_SOME && effects_count(t->effects) > 0)
		t->may_tell = (unsigned)chance_below(
		    &t->s->disk, effects_count(t->effects));
	if (!changed && size == t->n->size) {
		tell(t, true);
		return t->crash == POINT_NONE;
	}
	check(txn_begin(&txn, t->n->store), "txn_begin");
	err = sign(t, txn, size, root);
	if (fatal(err) || t->crash == POINT_SIGNED) {
		if (fatal(err))
			explain(t, err, "signing");
		txn_abort(txn);
		return false;
	}
	txn_abort(txn); /* nothing was written */
	tell(t, true);
	return t->crash == POINT_NONE;
}

static enum hf_err decide(struct turn *t, struct event *ev, unsigned count,
    uint64_t *size, struct hf_hash *root, bool *changed)
{
	struct event timer = sim_event(t->sn, EVENT_TIMER);
	enum hf_err err = engine_begin(t->n->engine, t->n->txn, t->effects);

	for (unsigned i = 0; i < count && err == HF_OK; i++)
		err = engine_step(t->n->engine, &ev[i]);
	if (err == HF_OK)
		err = engine_step(t->n->engine, &timer);
	return err == HF_OK ? engine_end(t->n->engine, size, root, changed)
			    : err;
}

/* What the engine knows that the store does not say; no turn that was
 * abandoned has left anything in it. */
static struct hf_hash memory(const struct engine *e)
{
	uint64_t of[15 + 12 * HF_COUNTRY_MAX] = {e->frontier.size,
	    e->sequence_inbox, e->clock_certain, e->live_mono, e->next_due.ms,
	    e->keys_at.ms, e->term_mono, e->scrub_at, e->note_storing,
	    e->pressure, e->witnessed_mono, e->witness_alarm_mono,
	    e->stored_epoch, e->recall_epoch, e->links->alarm_mono};
	unsigned n = 15;

	for (unsigned i = 0; i < e->links->count; i++) {
		const struct peer *p = &e->links->peers[i];

		of[n++] = p->conn;
		of[n++] = (uint64_t)p->welcomed | (uint64_t)p->unproven << 1 |
			  (uint64_t)p->prove.wanted << 2;
		of[n++] = p->sent;
		of[n++] = p->flying;
		of[n++] = p->retry_mono;
		of[n++] = p->busy_mono;
		of[n++] = p->head_size;
		of[n++] = p->cosigned_size;
		of[n++] = p->vouched_size;
		of[n++] = p->prove.asked_mono;
		of[n++] = p->recall.at;
		of[n++] = p->recall.acts;
	}
	while (of[n - 1] == 0) /* a peer that is only named */
		n--;
	return hf_hash2(HF_TAG_RAND, bytes_of(of, n * sizeof(*of)),
	    bytes_of(e->note, e->note_size));
}

static void answer_full(struct turn *t, struct event *ev, unsigned count)
{
	struct hf_hash left;

	engine_abandon(t->n->engine);
	left = memory(t->n->engine);
	if (!same_hash(&left, &t->memory))
		sim_fail("%s: a turn that was abandoned is remembered",
		    t->n->country.s);
	for (unsigned i = 0; i < count; i++)
		if (ev[i].type == EVENT_DESK_FRAME)
			engine_answer_full(t->n->engine, &ev[i]);
	t->may_tell = UINT_MAX;
	tell(t, true);
}

enum outcome { DONE, FULL, DIED };

static enum outcome run(struct turn *t, struct event *ev, unsigned count)
{
	struct hf_hash root;
	uint64_t size = 0;
	bool changed = false;
	enum hf_err err;

	check(txn_begin(&t->n->txn, t->n->store), "txn_begin");
	sim_disk.dirty = false;
	if (sim_disk.armed)
		t->memory = memory(t->n->engine);
	err = decide(t, ev, count, &size, &root, &changed);
	if (err == HF_OK && t->crash != POINT_DECIDED) {
		err = txn_commit(t->n->txn);
		t->n->txn = NULL;
	}
	if (err == HF_OK && t->crash == POINT_DECIDED)
		return DIED;
	if (err == HF_OK)
		return t->crash != POINT_COMMITTED &&
			       finish(t, changed, size, &root)
			   ? DONE
			   : DIED;
	txn_abort(t->n->txn);
	t->n->txn = NULL;
	explain(t, err, "a turn");
	if (err != HF_FULL || !engine_can_abandon(t->n->engine))
		return DIED;
	answer_full(t, ev, count);
	return FULL;
}

static void arm(struct turn *t)
{
	struct sim *s = t->s;

	sim_disk.chance = &s->disk;
	sim_disk.armed = !s->calm;
	sim_disk.full = t->sn->full_until > s->f->now.ms;
	sim_disk.read = s->rate[FAULT_READ];
	sim_disk.put_full = s->rate[FAULT_PUT_FULL];
	sim_disk.commit = s->rate[FAULT_COMMIT] * 10;
	t->crash = POINT_NONE;
	if (sim_happens(s, &s->disk, FAULT_CRASH_TURN))
		t->crash =
		    (enum point)(1 + chance_below(&s->disk, POINT_COUNT - 1));
}

static void wake_again(struct sim *s, struct sim_node *sn)
{
	uint64_t now = s->f->now.ms, at = now + 3600000;
	uint64_t due = engine_next_due(sn->n->engine).ms;
	uint64_t mono = engine_next_mono(sn->n->engine);

	if (due != 0) {
		due = (uint64_t)((int64_t)due - sn->n->wall_error_ms);
		at = due < at ? due : at;
	}
	if (mono != 0 && mono + FED_START_MS < at)
		at = mono + FED_START_MS;
	if (at > now) {
		sn->wake = at;
		sn->restless = 0;
		return;
	}
	sn->wake = now + (sn->full_until > now ? 500 : 20);
	if (sn->full_until == 0 && ++sn->restless > RESTLESS)
		sim_fail("%s asks for turn after turn and does nothing",
		    sn->n->country.s);
}

static void erased(struct turn *t)
{
	struct event *ev;

	if (t->erase_count == 0)
		return;
	ev = calloc(t->erase_count, sizeof(*ev));
	check(store_keys_destroy(t->n->store, t->erase, t->erase_count),
	    "store_keys_destroy");
	for (unsigned i = 0; i < t->erase_count; i++) {
		ev[i] = sim_event(t->sn, EVENT_ERASE_DONE);
		ev[i].code = t->erase[i];
	}
	sim_turn(t->s, t->sn, ev, t->erase_count);
	free(ev);
}

static void cosigned(struct turn *t)
{
	struct node *n = t->n;

	for (unsigned i = 0; i < t->cosign_count; i++) {
		struct event ev = sim_event(t->sn, EVENT_COSIGNED);
		char out[HF_COSIGN_LINE_MAX], path[100];
		size_t size = 0;

		if (n->cosigner == NULL) {
			snprintf(path, sizeof(path), "%s/witness.mem", n->dir);
			check(witness_open(
				  &n->cosigner, path, n->country, n->witness),
			    "witness_open");
		}
		ev.country = t->cosign[i].country;
		ev.conn = t->cosign[i].entries;
		ev.code = (uint32_t)witness_record(n->cosigner,
		    bytes_of(t->cosign[i].record, t->cosign[i].size),
		    t->s->f->now.ms / 1000, out, &size);
		ev.frame = bytes_of(out, size);
		free(t->cosign[i].record);
		sim_turn(t->s, t->sn, &ev, 1);
	}
}

/* What the core takes again after a turn for which there was no room. */
static bool again(const struct event *ev)
{
	return ev->type != EVENT_DESK_FRAME && ev->type != EVENT_PEER_FRAME &&
	       ev->type != EVENT_TIMER;
}

void sim_turn(
    struct sim *s, struct sim_node *sn, struct event *ev, unsigned count)
{
	struct turn t = {.s = s, .sn = sn, .n = sn->n};
	enum outcome got;

	t.effects = effects_new();
	t.read_errors = sim_disk.hits[FAULT_READ];
	arm(&t);
	s->r->turns++;
	got = run(&t, ev, count);
	sim_disk.armed = false;
	effects_free(t.effects);
	if (got == DIED) {
		if (t.crash != POINT_NONE)
			sim_count(s, FAULT_CRASH_TURN);
		t.n->txn == NULL ? (void)0 : txn_abort(t.n->txn);
		t.n->txn = NULL;
		for (unsigned i = 0; i < t.cosign_count; i++)
			free(t.cosign[i].record);
		sim_crash(s, sn);
		return;
	}
	sim_check_new(s, sn);
	wake_again(s, sn);
	erased(&t);
	cosigned(&t);
	if (got == FULL && count > 0 && again(&ev[0])) {
		uint64_t full = sn->full_until;

		sn->full_until = 0;
		sim_turn(s, sn, ev, count);
		sn->full_until = full;
	}
}

void sim_turn_of(struct sim *s, struct sim_node *n, struct event ev)
{
	sim_turn(s, n, &ev, 1);
}
