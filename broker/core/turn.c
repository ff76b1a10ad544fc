/*
 * turn: decide, commit, then act.
 *
 * Whatever waits among the arrivals is decided in one write transaction
 * (natural group commit), which is committed with a sync.  Then the signer
 * signs the new head; what needs no receipt leaves meanwhile, frames that hold
 * one leave only then.  The signed note is stored by a later turn: the signer's
 * memory is durable, and the head that the next start signs covers whatever a
 * lost note did.
 *
 * A full map abandons the turn: its desks are told so, peers send again by
 * themselves, and what nobody repeats (connections that came and went) is
 * taken again in the next turn.  Any other failure ends the process; the next
 * start looks at what is durable before it serves.
 */
#include "broker/core/internal.h"
#include "broker/log.h"
#include "keys/secret.h"
#include "proto/crypto.h"
#include "proto/pack.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define SIGNER_MS 5000
#define FULL_LOG_MS 10000u
/* A turn waits for verification of so many acts only.  With these it commits,
 * so that desks have their answers and send more while the rest is verified. */
#define BATCH_LEAST 128u
/* Acts of peers that one turn takes.  A peer sends more when these are
 * acknowledged: with shorter turns both brokers work at the same time, where
 * with the longest each would wait while the other decides. */
#define PEERS_MOST 192u
/* Acts of all that one turn takes: with the longest nothing would be left to
 * verify while this thread waits for the disk. */
#define ACTS_MOST 256u
/* The gates are read between so many items: what comes is verified meanwhile.
 */
#define READ_EVERY 16u
#define GATE_DIED UINT32_MAX /* arrivals: type of what a gate's end leaves */

struct event core_event(struct core *c, enum event_type type)
{
	struct event ev = {.type = type,
	    .now = c->clock.now,
	    .mono_ms = c->clock.mono_ms,
	    .bound_ms = c->clock.bound_ms,
	    .clock_certain = c->clock.certain};

	if (c->chance_left == 0) {
		hf_random(c->chance, sizeof(c->chance));
		c->chance_left = sizeof(c->chance);
	}
	c->chance_left -= sizeof(ev.chance);
	memcpy(ev.chance, c->chance + c->chance_left, sizeof(ev.chance));
	hf_wipe(c->chance + c->chance_left, sizeof(ev.chance));
	return ev;
}

static enum hf_err step_simple(struct core *c, enum event_type type)
{
	struct event ev = core_event(c, type);

	return engine_step(c->engine, &ev);
}

/* ---- from the gates ---- */

/* What a gate held is gone; its senders send again. */
static enum hf_err gate_died(struct core *c, unsigned gate)
{
	struct record *r = c->record;

	log_line(LOG_WARN, HF_OK, "gate-gone gate=%s",
	    gate == GATE_DESKS ? "desks" : "peers");
	gates_set(c, gate, -1);
	memset(&r->h, 0, sizeof(r->h));
	r->h.type = GATE_DIED;
	return arrivals_put(c->arrivals, gate, r, NULL);
}

/* A frame of a sender that brings too much is answered here, unverified. */
static enum hf_err take_record(struct core *c, unsigned gate)
{
	struct record *r = c->record;
	struct queued queue = arrivals_queued(c->arrivals);
	struct admitted_as as = {.count = 0};
	struct event ev = {
	    .type = gate == GATE_DESKS ? EVENT_DESK_FRAME : EVENT_PEER_FRAME,
	    .mono_ms = c->clock.mono_ms,
	    .frame = {r->payload, r->h.size}};

	if (r->h.type != RECORD_FRAME)
		return arrivals_put(c->arrivals, gate, r, NULL);
	memcpy(ev.key.b, r->h.key, sizeof(ev.key.b));
	if (engine_admit(c->engine, &ev, &queue, &as) == HF_OK)
		return arrivals_put(c->arrivals, gate, r, &as);
	if (as.answer_size > 0)
		gates_send(c, gate, r->h.conn,
		    (struct hf_bytes){as.answer, as.answer_size});
	return HF_OK;
}

static enum hf_err read_gate(struct core *c, unsigned gate)
{
	enum hf_err err = HF_OK;

	while (err == HF_OK && c->gates[gate].fd >= 0 &&
	       arrivals_has_room(c->arrivals)) {
		enum hf_err got = record_receive(c->gates[gate].fd, c->record);

		if (got == HF_BUSY)
			return HF_OK;
		if (got != HF_OK || c->record->h.type == GATE_DIED)
			return gate_died(c, gate);
		c->record->h.conn = gates_conn(c, gate, c->record->h.conn);
		err = take_record(c, gate);
	}
	return err;
}

enum hf_err core_read_gates(struct core *c)
{
	enum hf_err err = read_gate(c, GATE_DESKS);

	return err == HF_OK ? read_gate(c, GATE_PEERS) : err;
}

static enum hf_err on_ready(struct core *c, unsigned gate, uint32_t port)
{
	c->gates[gate].port = (int)port;
	gates_send_keys(c, gate);
	if (gate == GATE_PEERS)
		dials_send(c);
	return HF_OK;
}

static struct event item_event(
    struct core *c, enum event_type type, const struct arrival *item)
{
	struct event ev = core_event(c, type);

	ev.conn = item->h.conn;
	ev.code = item->h.code;
	ev.count = item->h.count;
	memcpy(ev.key.b, item->h.key, sizeof(ev.key.b));
	if (item->h.type == RECORD_FRAME) {
		ev.frame = (struct hf_bytes){item->payload, item->h.size};
		ev.verified = true;
		ev.verify_err = item->verify_err;
	}
	return ev;
}

static enum hf_err step_item(
    struct core *c, enum event_type type, const struct arrival *item)
{
	struct event ev = item_event(c, type, item);

	return engine_step(c->engine, &ev);
}

static enum hf_err on_item(struct core *c, const struct arrival *item)
{
	static const struct hf_key nobody;
	bool desks = item->gate == GATE_DESKS;

	switch (item->h.type) {
	case RECORD_READY:
		return on_ready(c, item->gate, item->h.code);
	case RECORD_FRAME:
		return step_item(
		    c, desks ? EVENT_DESK_FRAME : EVENT_PEER_FRAME, item);
	case RECORD_UP:
		return step_item(c, EVENT_PEER_UP, item);
	case RECORD_GONE:
		if (desks)
			return step_item(c, EVENT_DESK_GONE, item);
		/* an accepted connection carries no peer's state */
		if (memcmp(item->h.key, nobody.b, sizeof(nobody.b)) == 0)
			return HF_OK;
		return step_item(c, EVENT_PEER_DOWN, item);
	case RECORD_DOWN_CAUSE:
		return step_item(c, EVENT_PEER_DOWN, item);
	case RECORD_ALARM:
		return step_item(c, EVENT_ALARM, item);
	case RECORD_FIGURES:
		return step_item(
		    c, desks ? EVENT_DESK_FIGURES : EVENT_PEER_FIGURES, item);
	case GATE_DIED: /* connection and key 0: all of them */
		return step_item(
		    c, desks ? EVENT_DESK_GONE : EVENT_PEER_DOWN, item);
	default:
		log_line(
		    LOG_ERROR, HF_FRAME, "gate-record type=%u", item->h.type);
		return HF_OK;
	}
}

static enum hf_err take_items(struct core *c)
{
	enum hf_err err = HF_OK;
	unsigned acts = 0, peers = 0;
	size_t bytes = 0;

	for (unsigned i = 0; i < c->taken_count && err == HF_OK; i++)
		err = on_item(c, c->taken[i]);
	while (c->taken_count < HF_BATCH_MAX && acts < ACTS_MOST &&
	       peers < PEERS_MOST && bytes < HF_BATCH_BYTES_MAX &&
	       err == HF_OK) {
		struct arrival *item =
		    arrivals_take(c->arrivals, acts < BATCH_LEAST);

		if (item == NULL)
			break;
		c->taken[c->taken_count++] = item;
		bytes += item->h.size;
		acts += item->weight;
		peers += item->gate == GATE_PEERS ? item->weight : 0;
		err = on_item(c, item);
		if (err == HF_OK && c->taken_count % READ_EVERY == 0)
			err = core_read_gates(c);
	}
	return err;
}

void core_forget_taken(struct core *c)
{
	while (c->taken_count > 0)
		free(c->taken[--c->taken_count]);
}

/* ---- deciding ---- */

static enum hf_err begin_turn(struct core *c)
{
	enum hf_err err = HF_OK;

	if (c->start)
		err = step_simple(c, EVENT_START);
	if (err == HF_OK && (c->start || c->reload))
		err = core_configured(c);
	if (err == HF_OK && c->clock_changed)
		err = step_simple(c, EVENT_CLOCK);
	for (unsigned i = 0; i < c->erased_count && err == HF_OK; i++) {
		struct event ev = core_event(c, EVENT_ERASE_DONE);

		ev.code = c->erased[i];
		err = engine_step(c->engine, &ev);
	}
	for (unsigned i = 0; i < c->cosigned_count && err == HF_OK; i++) {
		const struct cosigned *said = &c->cosigned[i];
		struct event ev = core_event(c, EVENT_COSIGNED);

		ev.country = said->country;
		ev.conn = said->entries;
		ev.code = said->code;
		ev.frame = (struct hf_bytes){said->bytes, said->size};
		err = engine_step(c->engine, &ev);
	}
	return err;
}

static enum hf_err gather(struct core *c)
{
	enum hf_err err = begin_turn(c);

	if (err == HF_OK)
		err = take_items(c);
	if (err == HF_OK)
		err = step_simple(c, EVENT_TIMER);
	if (err == HF_OK && c->stopping)
		err = step_simple(c, EVENT_STOP);
	return err;
}

/* What was told to the engine is committed. */
static void told(struct core *c)
{
	c->start = c->reload = c->clock_changed = c->starved = false;
	c->erased_count = 0;
	c->cosigned_count = 0;
	core_forget_taken(c);
}

/* ---- the head ---- */

/* Into c->record. */
static enum hf_err signer_answer(struct core *c)
{
	return record_wait(c->signer, POLLIN, SIGNER_MS) &&
		       record_receive(c->signer, c->record) == HF_OK &&
		       c->record->h.type == RECORD_SIGNED
		   ? HF_OK
		   : HF_SIGNER;
}

static enum hf_err ask_signer(struct core *c, uint64_t size,
    const struct hf_hash *root, const struct hf_hash *path, unsigned count)
{
	uint8_t request[HF_PROOF_MAX + 128];
	struct record_header h = {.type = RECORD_SIGN};
	struct pack p;
	size_t n;
	enum hf_err err;

	pack_init(&p, request, sizeof(request));
	pack_array(&p, 4);
	pack_uint(&p, size);
	pack_bin(&p, root->b, sizeof(root->b));
	pack_uint(&p, c->signed_size);
	pack_bin(&p, path, count * sizeof(*path));
	err = pack_finish(&p, &n);
	h.size = (uint32_t)n;
	return err == HF_OK && record_send(c->signer, &h, request) == HF_OK
		   ? HF_OK
		   : HF_SIGNER;
}

/* ---- acting ---- */

static void cut(struct core *c, const struct effect *e)
{
	struct record_header h = {.type = RECORD_CUT};

	memcpy(h.key, e->key.b, sizeof(h.key));
	gates_tell(c, GATE_DESKS, &h, NULL);
	gates_tell(c, GATE_PEERS, &h, NULL);
}

/* A key to be destroyed, with the others of this turn. */
static enum hf_err erase(struct core *c, uint32_t slot)
{
	if (c->erased_count == c->erased_capacity) {
		unsigned capacity = c->erased_capacity + 64;
		uint32_t *grown = realloc(c->erased, capacity * sizeof(*grown));

		if (grown == NULL)
			return HF_NOMEM;
		c->erased = grown;
		c->erased_capacity = capacity;
	}
	c->erased[c->erased_count++] = slot;
	return HF_OK;
}

/* A peer's head, stored now: the signer judges it, the next turn tells. */
static enum hf_err cosign(struct core *c, const struct effect *e)
{
	struct record_header h = {
	    .type = RECORD_COSIGN, .size = (uint32_t)e->bytes.size};
	struct cosigned *said;

	if (c->cosigned_count == CORE_COSIGNED_MAX)
		return HF_OK; /* it will be offered again */
	if (record_send(c->signer, &h, e->bytes.data) != HF_OK)
		return HF_SIGNER;
	if (signer_answer(c) != HF_OK)
		return HF_SIGNER;
	said = &c->cosigned[c->cosigned_count++];
	said->country = e->country;
	said->entries = e->conn;
	said->code = c->record->h.code;
	said->size = c->record->h.size < sizeof(said->bytes)
			 ? c->record->h.size
			 : sizeof(said->bytes);
	memcpy(said->bytes, c->record->payload, said->size);
	return HF_OK;
}

static enum hf_err act_one(struct core *c, const struct effect *e)
{
	switch (e->type) {
	case EFFECT_DESK_SEND:
	case EFFECT_PEER_SEND:
		gates_send(c,
		    e->type == EFFECT_DESK_SEND ? GATE_DESKS : GATE_PEERS,
		    e->conn, e->bytes);
		break;
	case EFFECT_CUT:
		cut(c, e);
		break;
	case EFFECT_ERASE:
		return erase(c, e->slot);
	case EFFECT_COSIGN:
		return cosign(c, e);
	case EFFECT_LOG:
		log_line(e->code == HF_OK ? LOG_INFO : LOG_WARN, e->code, "%s",
		    (const char *)e->bytes.data);
		break;
	case EFFECT_KEYS: /* once a turn, below */
	case EFFECT_DIAL:
		break;
	}
	return HF_OK;
}

/* While the signer works: what needs no receipt. */
static enum hf_err act_early(struct core *c)
{
	const struct effect *e;
	enum hf_err err = HF_OK;
	unsigned at = 0;

	while (
	    err == HF_OK && (e = effects_next(c->effects, &at, false)) != NULL)
		err = act_one(c, e);
	return err;
}

static enum hf_err act(struct core *c)
{
	const struct effect *next;
	enum hf_err err = HF_OK;
	bool keys = false, dials = false;
	unsigned at = 0;

	for (unsigned i = 0; i < effects_count(c->effects); i++) {
		const struct effect *e = effects_at(c->effects, i);

		keys |= e->type == EFFECT_KEYS;
		dials |= e->type == EFFECT_DIAL;
	}
	if (keys) { /* first: who was revoked gets no reply any more */
		gates_send_keys(c, GATE_DESKS);
		gates_send_keys(c, GATE_PEERS);
	}
	log_group(true);
	while (err == HF_OK &&
	       (next = effects_next(c->effects, &at, true)) != NULL)
		err = act_one(c, next);
	log_group(false);
	if (err == HF_OK && c->erased_count > 0)
		err = store_keys_destroy(c->store, c->erased, c->erased_count);
	if (dials)
		dials_send(c);
	return err;
}

/* ---- a full store ---- */

/* Frames of desks become answers; other frames come again without us. */
static void give_back(struct core *c)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->taken_count; i++) {
		struct arrival *item = c->taken[i];
		struct event ev = item_event(c, EVENT_DESK_FRAME, item);

		if (item->h.type != RECORD_FRAME) {
			c->taken[kept++] = item;
			continue;
		}
		if (item->gate == GATE_DESKS)
			engine_answer_full(c->engine, &ev);
		free(item);
	}
	c->taken_count = kept;
}

static enum hf_err full(struct core *c)
{
	if (!engine_can_abandon(c->engine))
		return HF_STORE;
	engine_abandon(c->engine);
	c->starved = true;
	if (c->full_told_ms == 0 ||
	    c->clock.mono_ms - c->full_told_ms > FULL_LOG_MS) {
		c->full_told_ms = c->clock.mono_ms;
		log_line(LOG_ERROR, HF_FULL, "turn-abandoned");
	}
	give_back(c);
	return act(c);
}

/* ---- after the commit ---- */

/* The signed note completes what waited for receipts. */
static enum hf_err sign_head(
    struct core *c, struct txn *t, uint64_t size, const struct hf_hash *root)
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	unsigned count = 0;
	enum hf_err err = engine_consistency(
	    c->engine, t, c->signed_size, size, path, &count);

	if (err == HF_OK)
		err = ask_signer(c, size, root, path, count);
	if (err == HF_OK)
		err = act_early(c);
	if (err == HF_OK)
		err = signer_answer(c);
	if (err == HF_OK)
		err = (enum hf_err)c->record->h.code;
	if (err != HF_OK)
		return err;
	c->signed_size = size;
	return engine_receipts(c->engine, t,
	    (struct hf_bytes){c->record->payload, c->record->h.size},
	    c->effects);
}

/* Sign if there is a new head, then act. */
static enum hf_err finish(
    struct core *c, bool changed, uint64_t size, const struct hf_hash *root)
{
	struct txn *t = NULL;
	enum hf_err err = HF_OK;

	if (changed || size != c->signed_size) {
		err = txn_begin(&t, c->store);
		if (err == HF_OK)
			err = sign_head(c, t, size, root);
		txn_abort(t); /* it was read only */
	}
	return err == HF_OK ? act(c) : err;
}

enum hf_err core_turn(struct core *c)
{
	struct txn *t = NULL;
	struct hf_hash root;
	uint64_t size = 0;
	bool changed = false;
	enum hf_err err = txn_begin(&t, c->store);

	if (err == HF_OK)
		err = engine_begin(c->engine, t, c->effects);
	if (err == HF_OK)
		err = gather(c);
	if (err == HF_OK)
		err = engine_end(c->engine, &size, &root, &changed);
	if (err != HF_OK) {
		txn_abort(t);
		return err == HF_FULL ? full(c) : err;
	}
	/* work for the other threads while this one waits for the disk */
	err = core_read_gates(c);
	if (err != HF_OK) {
		txn_abort(t);
		return err;
	}
	arrivals_leave(c->arrivals);
	err = txn_commit(t);
	if (err != HF_OK)
		return err == HF_FULL ? full(c) : err;
	told(c);
	return finish(c, changed, size, &root);
}
