/*
 * engine: opening, turns, and which room an event goes to.
 *
 * A turn is all or nothing: what the engine keeps in memory is copied whole
 * at engine_begin and put back by engine_abandon, but for what is named there.
 * The roster cannot be put back, so abandoning a turn that changed it is
 * fatal: the process restarts and reads what is durable.
 */
#include "broker/engine/intake.h"
#include "proto/crypto.h"
#include "proto/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define UNCERTAIN "clock-uncertain" /* meta: 1 while it is */

#define VERIFY_AT_START 100000u /* newest entries, before serving */
#define SCRUB_ENTRIES 256u      /* of the others, in one turn */
#define SCRUB_PAUSE_MS 20u
#define NOTE_MS 1000u
#define NOTE_AGAIN_MS 10000u /* the store was full */

void engine_chance(struct engine *e, void *out, size_t size)
{
	uint8_t counter[8];
	struct hf_hash h;

	assert(size <= sizeof(h.b));
	put_be64(counter, e->chance_used++);
	h = hf_hash2(HF_TAG_RAND,
	    bytes_of(e->event->chance, sizeof(e->event->chance)),
	    bytes_of(counter, sizeof(counter)));
	memcpy(out, h.b, size);
}

/* ---- opening ---- */

static enum hf_err mark(struct txn *t, const char *name, uint64_t *value)
{
	struct hf_bytes row;
	enum hf_err err =
	    txn_get(t, TABLE_META, bytes_of(name, strlen(name)), &row);

	*value = 0;
	if (err == HF_NOTFOUND)
		return HF_OK;
	if (err == HF_OK && row.size != 8)
		return HF_CORRUPT;
	if (err == HF_OK)
		*value = get_be64(row.data);
	return err;
}

enum hf_err meta_get(struct engine *e, const char *name, uint64_t *value)
{
	return mark(e->txn, name, value);
}

enum hf_err meta_set(struct engine *e, const char *name, uint64_t value)
{
	uint8_t row[8];

	put_be64(row, value);
	return txn_put(e->txn, TABLE_META, bytes_of(name, strlen(name)),
	    bytes_of(row, sizeof(row)));
}

enum hf_err engine_format(struct txn *t, uint64_t *format)
{
	uint64_t size;
	enum hf_err err = mark(t, "format", format);

	if (err == HF_OK)
		err = mark(t, "ledger-size", &size);
	if (err != HF_OK || *format == STORE_FORMAT)
		return err;
	if (*format == 0 && size == 0)
		*format = STORE_FORMAT; /* it will be */
	else if (*format == 0)
		*format = 1;
	return *format == STORE_FORMAT  ? HF_OK
	       : *format < STORE_FORMAT ? HF_STORE_OLD
					: HF_STORE_NEW;
}

/* A note is stored only after the signer has written down what it signed.  A
 * signer that knows less than the store has lost its memory, or got an old one:
 * nobody can say then whether this ledger is the newest. */
static enum hf_err check_memory(struct engine *e, uint64_t last_size)
{
	struct hf_country country;
	struct hf_bytes note;
	uint64_t size;
	uint32_t epoch;
	enum hf_err err = ledger_note(e, &size, &note);

	if (err == HF_NOTFOUND)
		return HF_OK;
	if (err == HF_OK)
		err = hf_note_origin(note, &country, &epoch);
	if (err != HF_OK)
		return HF_CORRUPT;
	return epoch == e->options.epoch && size > last_size ? HF_ROLLBACK
							     : HF_OK;
}

/* The ledger is what it was when the signer signed last. */
static enum hf_err check_ledger(
    struct engine *e, uint64_t last_size, const struct hf_hash *last_root)
{
	struct hf_nodes nodes = ledger_nodes(e);
	struct hf_hash root, expected;
	uint64_t size, from;
	enum hf_err err = meta_get(e, "ledger-size", &size);

	if (err != HF_OK)
		return err;
	if (size < last_size)
		return HF_ROLLBACK;
	err = check_memory(e, last_size);
	if (err == HF_OK)
		err = ledger_frontier(e, size, &e->frontier);
	if (err == HF_OK && last_size > 0) {
		err = hf_merkle_tree_root(&nodes, last_size, &root);
		if (err == HF_OK && memcmp(&root, last_root, sizeof(root)) != 0)
			err = HF_CORRUPT;
	}
	from = size > VERIFY_AT_START ? size - VERIFY_AT_START : 0;
	if (err == HF_OK && size > 0) {
		err = ledger_verify_range(e, from, size, &root);
		expected = hf_frontier_root(&e->frontier);
		if (err == HF_OK && memcmp(&root, &expected, sizeof(root)) != 0)
			err = HF_CORRUPT;
	}
	e->scrub_end = from;
	return err;
}

/* A new epoch begins by an operator's act only. */
static enum hf_err check_epoch(struct engine *e)
{
	uint64_t epoch, size, recall;
	enum hf_err err = meta_get(e, "epoch", &epoch);

	if (err == HF_OK)
		err = meta_get(e, "ledger-size", &size);
	if (err == HF_OK)
		err = meta_get(e, "recall", &recall);
	if (err != HF_OK)
		return err;
	if (epoch == 0 && size > 0)
		epoch = 1; /* never began another */
	if (epoch == 0 && e->options.epoch == 1)
		epoch = 1; /* nothing is there, and nothing was */
	e->stored_epoch = (uint32_t)epoch;
	e->recall_epoch = (uint32_t)recall;
	if (epoch == e->options.epoch)
		return HF_OK;
	return epoch < e->options.epoch && e->options.accept_rollback
		   ? HF_OK
		   : HF_EPOCH;
}

/* A slice of what the start has not read.  What is damaged there is under
 * signed heads already: no more is signed over it. */
static enum hf_err scrub(struct engine *e)
{
	uint64_t end = e->scrub_at + SCRUB_ENTRIES;
	enum hf_err err;

	if (e->scrub_at == e->scrub_end || e->mono_ms < e->scrub_mono)
		return HF_OK;
	e->scrub_mono = e->mono_ms + SCRUB_PAUSE_MS;
	err = ledger_scrub(
	    e, &e->scrub_at, end < e->scrub_end ? end : e->scrub_end);
	e->damaged = err == HF_CORRUPT;
	if (err == HF_OK && e->scrub_at == e->scrub_end)
		effect_log(e, HF_OK, "ledger-read-back", NULL, NULL, NULL);
	return err;
}

bool engine_damaged(const struct engine *e, uint64_t *index)
{
	*index = e->scrub_at;
	return e->damaged;
}

static struct engine *new_engine(const struct engine_options *options)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->options = *options;
	e->event = &e->last;
	e->clock_certain = true;
	e->roster = roster_new();
	e->work = calloc(1, sizeof(*e->work));
	for (unsigned i = 0; i < 2; i++)
		e->work_acts[i] =
		    calloc(HF_TRACK_ACTS_MAX, sizeof(**e->work_acts));
	e->scratch = malloc(HF_FRAME_MAX);
	e->box = malloc(HF_FRAME_MAX);
	e->links = link_table_new();
	e->desks = desk_table_new();
	e->admission = admission_new();
	e->before = malloc(sizeof(*e->before));
	if (e->before != NULL && e->roster != NULL && e->work != NULL &&
	    e->work_acts[0] != NULL && e->work_acts[1] != NULL &&
	    e->scratch != NULL && e->box != NULL && e->links != NULL &&
	    e->desks != NULL && e->admission != NULL)
		return e;
	engine_free(e);
	return NULL;
}

enum hf_err engine_open(struct engine **out,
    const struct engine_options *options, struct txn *t, uint64_t last_size,
    const struct hf_hash *last_root)
{
	struct engine *e = NULL;
	uint64_t uncertain = 0, format;
	enum hf_err err = engine_format(t, &format);

	*out = NULL;
	if (err == HF_OK && (e = new_engine(options)) == NULL)
		err = HF_NOMEM;
	if (err != HF_OK)
		return err;
	e->txn = t;
	err = documents_load(e);
	if (err == HF_OK)
		err = meta_get(e, "inbox", &e->sequence_inbox);
	if (err == HF_OK)
		err = meta_get(e, UNCERTAIN, &uncertain);
	e->clock_certain = uncertain == 0;
	if (err == HF_OK)
		err = check_epoch(e);
	if (err == HF_OK)
		err = check_ledger(e, last_size, last_root);
	if (err == HF_OK)
		err = refs_load(e);
	e->txn = NULL;
	if (err != HF_OK) {
		engine_free(e);
		return err;
	}
	*out = e;
	return HF_OK;
}

void engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	roster_free(e->roster);
	refs_free(e->refs);
	link_table_free(e->links);
	desk_table_free(e->desks);
	admission_free(e->admission);
	free(e->work);
	free(e->work_acts[0]);
	free(e->work_acts[1]);
	free(e->scratch);
	free(e->box);
	free(e->live);
	free(e->before);
	free(e);
}

const struct roster *engine_roster(const struct engine *e)
{
	return e->roster;
}

/* ---- turns ---- */

enum hf_err engine_begin(
    struct engine *e, struct txn *t, struct effects *effects)
{
	enum hf_err err;

	e->txn = t;
	e->effects = effects;
	e->frontier_saved = e->frontier;
	e->inbox_saved = e->sequence_inbox;
	e->note_stored = e->note_storing; /* the turn before was committed */
	e->turn_dirty = false;
	e->roster_changed = false;
	e->fault = HF_OK;
	effects_clear(effects);
	err = live_clock_prune(e); /* by what is committed */
	*e->before = *e;
	link_begin(e);
	refs_begin(e);
	desk_begin(e);
	room_look(e);
	return err;
}

static enum hf_err add_plain_statement(
    struct engine *e, unsigned type, uint64_t code, uint64_t count)
{
	struct hf_statement s = {.type = type, .code = code, .count = count};
	uint64_t index;

	return ledger_add_statement(e, &s, &index);
}

static enum hf_err on_clock(struct engine *e, const struct event *ev)
{
	enum hf_err err;

	live_clock_event(e, ev);
	if (ev->clock_certain == e->clock_certain)
		return HF_OK;
	e->clock_certain = ev->clock_certain;
	err = meta_set(e, UNCERTAIN, ev->clock_certain ? 0 : 1);
	if (err != HF_OK)
		return err;
	return add_plain_statement(
	    e, HF_ENTRY_CLOCK, ev->clock_certain ? 1 : 0, 0);
}

static enum hf_err on_start(struct engine *e)
{
	enum hf_err err = recall_begin_epoch(e);

	if (err == HF_OK)
		err = add_plain_statement(e, HF_ENTRY_START, 0, 0);
	if (err == HF_OK)
		err = erase_resume(e);
	if (err == HF_OK)
		err = meta_set(e, "started", e->now.ms);
	effect_simple(e, EFFECT_KEYS, NULL, 0);
	effect_simple(e, EFFECT_DIAL, NULL, 0);
	return err;
}

static enum hf_err on_stop(struct engine *e)
{
	enum hf_err err = tally_run(e, true);

	return err == HF_OK ? add_plain_statement(e, HF_ENTRY_STOP, 0, 0) : err;
}

static enum hf_err on_document(struct engine *e, const struct event *ev)
{
	uint32_t version;
	enum hf_err err = documents_add(e, ev->frame, &version);

	if (err == HF_OK || err == HF_DOC_OLD)
		return HF_OK;
	effect_log(e, err, "document-refused", NULL, NULL, NULL);
	return is_refusal(err) ? HF_OK : err;
}

static enum hf_err on_pin(struct engine *e, const struct event *ev)
{
	enum hf_err err = documents_pin(e, ev->country, &ev->key);

	if (err != HF_DOC_CONFLICT)
		return err;
	effect_log(e, err, "pin-refused", NULL, NULL, ev->country.s);
	return HF_OK;
}

static void log_alarm(struct engine *e, const struct event *ev)
{
	char times[32];
	struct text t;

	text_init(&t, times, sizeof(times));
	text_add(&t, "times:");
	text_add_uint(&t, ev->count, 0);
	effect_log(e, (enum hf_err)ev->code, "gate-alarm", NULL, NULL, times);
}

static enum hf_err step(struct engine *e, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_START:
		return on_start(e);
	case EVENT_STOP:
		return on_stop(e);
	case EVENT_DESK_FRAME:
		return desk_frame(e, ev);
	case EVENT_PEER_FRAME:
		return link_frame(e, ev);
	case EVENT_PEER_UP:
		return link_up(e, ev);
	case EVENT_PEER_DOWN:
		return link_down(e, ev);
	case EVENT_DESK_GONE:
		desk_gone(e, ev->conn);
		return HF_OK;
	case EVENT_TIMER:
	case EVENT_CLOCK:
		return HF_OK; /* engine_step and engine_end do what is due */
	case EVENT_PIN:
		return on_pin(e, ev);
	case EVENT_UNPIN:
		return documents_unpin(e, ev->country);
	case EVENT_DOCUMENT:
		return on_document(e, ev);
	case EVENT_DESK_FIGURES:
	case EVENT_PEER_FIGURES:
		e->gates[ev->type == EVENT_PEER_FIGURES] =
		    (struct gate_figures){ev->code, ev->count};
		return HF_OK;
	case EVENT_ALARM:
		log_alarm(e, ev);
		return tally_refusals(
		    e, &ev->key, (enum hf_err)ev->code, ev->count);
	case EVENT_COSIGNED:
		return heads_cosigned(e, ev);
	case EVENT_ERASE_DONE:
		return erase_done(e, ev->code);
	}
	return HF_INTERNAL;
}

enum hf_err engine_step(struct engine *e, const struct event *ev)
{
	enum hf_err err;

	e->last = *ev;
	e->now = ev->now;
	e->mono_ms = ev->mono_ms;
	e->chance_used = 0;
	e->event = &e->last;
	/* every event says whether the clock is to be trusted */
	err = on_clock(e, ev);
	if (err == HF_OK)
		err = step(e, ev);
	e->last.frame = bytes_of(NULL, 0);
	return e->fault == HF_OK ? err : e->fault;
}

/* Everything that time brings, then what the turn leaves to be told. */
static enum hf_err run_due(struct engine *e)
{
	enum hf_err err;

	keys_run(e);
	if ((err = due_run(e)) != HF_OK ||
	    (err = tally_run(e, false)) != HF_OK ||
	    (err = link_alarm(e)) != HF_OK || (err = recall_run(e)) != HF_OK)
		return err;
	return desk_push_all(e);
}

static void sooner(struct instant *at, struct instant other)
{
	if (other.ms != 0 && (at->ms == 0 || other.ms < at->ms))
		*at = other;
}

static enum hf_err plan_next(struct engine *e)
{
	struct instant minute;
	enum hf_err err = due_next(e, &e->next_due);

	if (err == HF_OK)
		err = tally_next(e, &minute);
	if (err != HF_OK)
		return err;
	sooner(&e->next_due, minute);
	sooner(&e->next_due, e->keys_at);
	return HF_OK;
}

/* The note of the turn before, since nothing waits for it: beside what is
 * written anyhow, or when there is nothing to do. */
static enum hf_err store_note(struct engine *e)
{
	uint8_t key[8];

	if (e->note_entries <= e->note_stored ||
	    (!e->turn_dirty &&
		(effects_count(e->effects) > 0 || e->mono_ms < e->note_mono)))
		return HF_OK;
	e->note_storing = e->note_entries;
	put_be64(key, e->note_entries);
	return txn_put(e->txn, TABLE_CHECKPOINTS, bytes_of(key, sizeof(key)),
	    bytes_of(e->note, e->note_size));
}

enum hf_err engine_end(
    struct engine *e, uint64_t *size, struct hf_hash *root, bool *changed)
{
	enum hf_err err;

	if ((err = run_due(e)) != HF_OK)
		return err;
	/* a turn that only read writes nothing: no sync, no room needed */
	if (e->frontier.size != e->frontier_saved.size)
		err = meta_set(e, "ledger-size", e->frontier.size);
	if (err == HF_OK && e->frontier.size != 0 &&
	    e->frontier_saved.size == 0)
		err = meta_set(e, "format", STORE_FORMAT);
	if (err == HF_OK && e->sequence_inbox != e->inbox_saved)
		err = meta_set(e, "inbox", e->sequence_inbox);
	if (err != HF_OK)
		return err;
	err = scrub(e);
	if (err == HF_OK)
		err = store_note(e);
	if (err == HF_OK)
		err = plan_next(e);
	*size = e->frontier.size;
	*root = hf_frontier_root(&e->frontier);
	*changed = e->turn_dirty;
	/* with nothing to sign, what is held may leave after the commit */
	if (err == HF_OK && !e->turn_dirty)
		err = link_run(e);
	if (err == HF_OK && !e->turn_dirty)
		err = effects_fill(e, e->effects);
	if (err == HF_OK && effects_failed(e->effects))
		err = HF_NOMEM;
	e->txn = NULL;
	return e->fault == HF_OK ? err : e->fault;
}

void engine_abandon(struct engine *e)
{
	struct engine *before = e->before;
	bool storing = e->note_storing != e->note_stored;

	/* the time it is, and an array that may have moved */
	before->last = e->last;
	before->now = e->now;
	before->mono_ms = e->mono_ms;
	before->live = e->live;
	before->live_capacity = e->live_capacity;
	*e = *before;
	if (storing) /* reads come first */
		e->note_mono = e->mono_ms + NOTE_AGAIN_MS;
	refs_abandon(e);
	desk_abandon(e);
	link_abandon(e);
	effects_clear(e->effects);
	e->txn = NULL;
}

void engine_answer_full(struct engine *e, const struct event *ev)
{
	if (ev->type == EVENT_DESK_FRAME)
		desk_answer_full(e, ev);
}

bool engine_can_abandon(const struct engine *e)
{
	return !e->roster_changed;
}

enum hf_err engine_consistency(struct engine *e, struct txn *t,
    uint64_t old_size, uint64_t new_size, struct hf_hash *path, unsigned *count)
{
	struct hf_nodes nodes = ledger_nodes(e);
	struct hf_hash root, expected;
	enum hf_err err;

	*count = 0;
	if (old_size > new_size || new_size != e->frontier.size)
		return HF_RANGE;
	e->txn = t;
	/* the batch is read back and hashed by a second path */
	err = ledger_verify_range(e, old_size, new_size, &root);
	expected = hf_frontier_root(&e->frontier);
	if (err == HF_OK && memcmp(&root, &expected, sizeof(root)) != 0)
		err = HF_CORRUPT;
	if (err == HF_OK && old_size > 0)
		err = hf_merkle_consistency(
		    &nodes, old_size, new_size, path, count);
	e->txn = NULL;
	return err;
}

/* What leaves here verifies: this head, by our key. */
static enum hf_err check_note(const struct engine *e, struct hf_bytes note)
{
	struct hf_hash root, own = hf_frontier_root(&e->frontier);
	char origin[HF_ORIGIN_MAX];
	uint64_t size;
	enum hf_err err;

	if (note.size > sizeof(e->note))
		return HF_TOO_BIG;
	hf_origin(origin, e->options.country, e->options.epoch);
	err = hf_checkpoint_verify(
	    note, origin, &e->options.ledger_key, &size, &root);
	if (err != HF_OK)
		return err;
	return size == e->frontier.size && same_hash(&root, &own)
		   ? HF_OK
		   : HF_CHECKPOINT;
}

enum hf_err engine_receipts(struct engine *e, struct txn *t,
    struct hf_bytes note, struct effects *effects)
{
	enum hf_err err = check_note(e, note);

	if (err != HF_OK)
		return err;
	e->txn = t;
	e->effects = effects;
	e->note_entries = e->frontier.size;
	e->note_size = note.size;
	memcpy(e->note, note.data, note.size);
	e->note_mono = e->mono_ms + NOTE_MS;
	err = effects_fill(e, effects);
	if (err == HF_OK)
		err = link_run(e);
	e->txn = NULL;
	return err;
}

struct instant engine_next_due(const struct engine *e)
{
	return e->next_due;
}

uint64_t engine_next_mono(const struct engine *e)
{
	uint64_t next = link_next_mono(e);

	if (desk_lags(e))
		return e->mono_ms + 1;
	if (e->live_mono != 0 && (next == 0 || e->live_mono < next))
		next = e->live_mono;
	if (e->note_entries > e->note_storing &&
	    (next == 0 || e->note_mono < next))
		next = e->note_mono;
	if (e->scrub_at < e->scrub_end && (next == 0 || e->scrub_mono < next))
		next = e->scrub_mono;
	return next;
}

bool engine_clock_certain(const struct engine *e)
{
	return e->clock_certain;
}

enum hf_err engine_preverify(enum event_type type, struct hf_bytes frame)
{
	switch (type) {
	case EVENT_DESK_FRAME:
		return desk_preverify(frame);
	case EVENT_PEER_FRAME:
		return link_preverify(frame);
	default:
		return HF_FRAME;
	}
}
