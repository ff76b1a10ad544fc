/*
 * internal: how the rooms of the engine speak to each other.
 *
 *   engine.c   opening, turns, effects, chance
 *   ledger.c   appending entries, receipts, statements
 *   refs.c     the case of each reference
 *   cases.c    case records, loading and folding a case
 *   intake.c   an act enters (own) or arrives (foreign)
 *   rules.c    who may send, cites and onward flags (SPEC 4.3, 5.12)
 *   machine.c  machine acts: expire, lapse, live-timeout, release, unsupported
 *   due.c      the due table
 *   erase.c    retention, case keys, legal hold
 *   withdraw.c disclosed fields that were taken back
 *   desk.c, desk_*.c   operations of desks (SPEC 11)
 *   admission.c   quotas and shares, before anything is verified
 *   room.c     what is entered when the store is nearly full
 *   link.c, link_*.c   peers: sequences, batches, acknowledgements (SPEC 10)
 *   heads.c    heads of ledgers: offered, cosigned, compared
 *   outbox.c   what is to be delivered, its alarm
 *   documents.c country documents in the store and on the link
 *   tally.c    read access and refusals, counted by the minute
 *   keys_set.c whom the gates admit, whom to dial
 */
#ifndef HF_ENGINE_INTERNAL_H
#define HF_ENGINE_INTERNAL_H

#include "broker/engine/engine.h"
#include "proto/frames.h"
#include "proto/life.h"
#include "proto/pack.h"
#include "proto/ref.h"
#include "proto/wire.h"

/* ---- engine.c ---- */

struct link_table; /* link.c: what is known of each peer */
struct desk_table; /* desk.c: live desk sessions, watches, uploads */
struct admission;  /* admission.c: quotas */

/** Figures of a gate. */
struct gate_figures {
	uint64_t connections, turned_away;
};

struct engine {
	struct engine_options options;
	struct roster *roster;
	/* of the running turn */
	struct txn *txn;
	struct effects *effects;
	const struct event *event; /* the running one; after it, `last` */
	struct event last;         /* a copy; its frame is gone */
	struct instant now;
	uint64_t chance_used; /* counts H("rand", chance || counter) draws */
	bool clock_certain;
	/* live_clock.c */
	uint64_t wall_minus_mono; /* when the clock was certain last */
	bool steady;              /* it was, since the start */
	struct live_limit *live;
	unsigned live_count, live_capacity;
	uint64_t
	    live_mono; /* when the next is over, as of engine_end; 0 never */
	struct hf_frontier frontier;       /* as committed plus this turn */
	struct hf_frontier frontier_saved; /* at engine_begin */
	uint64_t sequence_inbox; /* newest inbox sequence, all desks */
	struct hf_case *work;    /* folding space, one case at a time */
	struct hf_life_act *work_acts[2]; /* HF_TRACK_ACTS_MAX each */
	uint8_t *scratch; /* HF_FRAME_MAX bytes for building frames */
	uint8_t *box; /* HF_FRAME_MAX bytes; case_body_put, case_act_frame */
	struct refs *refs;
	struct link_table *links;
	struct desk_table *desks;
	struct instant next_due; /* as of the last engine_end */
	uint64_t mono_ms;        /* of the running event */
	uint64_t inbox_saved;
	struct instant
	    keys_at;         /* admitted keys change by themselves; 0 never */
	uint64_t term_mono;  /* when to look again whose term ends */
	bool roster_changed; /* this turn: abandoning it is fatal */
	enum hf_err fault;   /* this turn: is_there could not be answered */
	/* entries that the start left unread are read beside the work */
	uint64_t scrub_at, scrub_end, scrub_mono;
	bool damaged;    /* entry scrub_at is not what was signed */
	bool turn_dirty; /* something was appended this turn */
	/* the newest signed note; the store has it a turn later */
	uint64_t note_entries;              /* 0: none since the start */
	uint64_t note_storing, note_stored; /* by this turn, by the last */
	uint64_t note_mono;
	size_t note_size;
	uint8_t note[HF_NOTE_MAX];
	/* of the receipt made last; a tree that was signed stays as it is */
	struct hf_path_memo path_memo;
	struct hf_receipt_head receipt_head;
	struct hf_known_heads known_heads; /* peers' */
	struct admission *admission;
	struct gate_figures gates[2]; /* desks', peers' */
	unsigned pressure; /* room.c: 0, 1 (nothing routine), 2 (emergencies) */
	uint64_t used, room; /* bytes, as of the running turn */
	/* when enough witnesses cosigned last; 0 not yet looked at */
	uint64_t witnessed_mono, witness_alarm_mono;
	uint32_t stored_epoch; /* of the ledger in the store */
	uint32_t recall_epoch; /* recall.c; 0: nothing was ever lost */
	/* all of this as it was when the turn began; what is pointed to takes
	 * care of itself (link_abandon, desk_abandon) */
	struct engine *before;
};

/** Random bytes of this event (SPEC: chance is an argument), at most
 * HF_HASH_SIZE at once. */
void engine_chance(struct engine *e, void *out, size_t size);
/** A counter in TABLE_META by name; 0 when it was never set. */
HF_MUST_USE enum hf_err meta_get(
    struct engine *e, const char *name, uint64_t *value);
HF_MUST_USE enum hf_err meta_set(
    struct engine *e, const char *name, uint64_t value);
/** A line for the log: "key=value" pairs, ids and codes only. */
void effect_log(struct engine *e, enum hf_err code, const char *event,
    const struct hf_id *case_id, const struct hf_id *act, const char *text);
/** Copy `frame` into the effects' arena. */
HF_MUST_USE enum hf_err effect_send(
    struct engine *e, bool peer, uint64_t conn, struct hf_bytes frame);
/** The frame that was packed; what did not fit is a mistake of ours. */
HF_MUST_USE enum hf_err effect_send_pack(
    struct engine *e, bool peer, uint64_t conn, const struct pack *frame);
/** After the commit: have the signer cosign; `record` as in
 * signer/process.h.  EVENT_COSIGNED tells what it said. */
HF_MUST_USE enum hf_err effect_cosign(struct engine *e, struct hf_country c,
    uint64_t entries, struct hf_bytes record);
/**
 * A held frame that needs receipts: `template` has `count` places to fill.
 * After the head is signed, engine_receipts appends for each of `indexes`
 * a packed bin with its receipt at the end of `template` (so receipts are
 * the last members of the frame).
 */
HF_MUST_USE enum hf_err effect_send_receipts(struct engine *e, bool peer,
    uint64_t conn, struct hf_bytes template, const uint64_t *indexes,
    unsigned count);
void effect_simple(struct engine *e, enum effect_type type,
    const struct hf_key *key, uint32_t slot);

/* ---- helpers.c ---- */

/** What was packed into room that was made for it: what does not fit is a
 * mistake of ours.  Lends the buffer. */
struct hf_bytes packed(const struct pack *p);

/* ---- admission.c ---- */

struct admission *admission_new(void);
void admission_free(struct admission *a);
/** Frames answered busy since the start. */
uint64_t admission_busy(const struct admission *a);

/* ---- room.c ---- */

/** How full the store is, at the begin of a turn; tells a change. */
void room_look(struct engine *e);
/** May an act of this kind and urgency of its case still be entered?
 * Errors: HF_NEARLY_FULL */
HF_MUST_USE enum hf_err room_for(
    const struct engine *e, unsigned kind, bool opens, unsigned urgency);

/* ---- heads.c ---- */

/** What the signer said: country, conn (the head's size), code, frame (the
 * line; with HF_RANGE the size that it remembers). */
HF_MUST_USE enum hf_err heads_cosigned(
    struct engine *e, const struct event *ev);
/** An unpinned country is a new one when it is pinned again. */
/** The newest note of ours that enough witnesses have cosigned.
 * Errors: HF_NOTFOUND */
HF_MUST_USE enum hf_err heads_witnessed(
    struct engine *e, uint64_t *size, struct hf_bytes *note);
HF_MUST_USE enum hf_err heads_forget(struct engine *e, struct hf_country c);

/* ---- ledger.c ---- */

/** The newest signed note and its tree size.  HF_NOTFOUND: none yet. */
HF_MUST_USE enum hf_err ledger_note(
    struct engine *e, uint64_t *size, struct hf_bytes *note);
/** Append an act.  *index out. */
HF_MUST_USE enum hf_err ledger_add_act(struct engine *e,
    enum hf_entry_type type, const struct hf_act *act, uint64_t *index);
/** Append a statement (time of entry is e->now). */
HF_MUST_USE enum hf_err ledger_add_statement(
    struct engine *e, const struct hf_statement *s, uint64_t *index);
/** Stored leaf bytes and payload of an entry; lend from the transaction. */
HF_MUST_USE enum hf_err ledger_entry(struct engine *e, uint64_t index,
    struct hf_bytes *leaf, struct hf_bytes *payload);
/** Core, envelope, sigs bytes of the act at a ledger index. */
HF_MUST_USE enum hf_err ledger_act(struct engine *e, uint64_t index,
    struct hf_bytes *core, struct hf_bytes *envelope, struct hf_bytes *sigs);
HF_MUST_USE enum hf_err ledger_index_of(
    struct engine *e, const struct hf_id *act, uint64_t *index);
/** Receipt of an entry against the newest signed head that covers it.
 * Errors: HF_NOTFOUND (no head covers it yet) */
HF_MUST_USE enum hf_err ledger_receipt(struct engine *e, uint64_t index,
    uint8_t *out, size_t capacity, size_t *size);
/** The receipt that an act came with: of its author's own broker.  Lends.
 * Errors: HF_NOTFOUND */
HF_MUST_USE enum hf_err ledger_came_with(
    struct engine *e, uint64_t index, struct hf_bytes *receipt);
/** The receipt of an act by its author's own broker, whichever that is: of an
 * own act that was lost and came back the one that it had before.
 * Errors: HF_NOTFOUND (no head covers it yet) */
HF_MUST_USE enum hf_err ledger_home_receipt(struct engine *e, uint64_t index,
    uint8_t out[HF_RECEIPT_MAX], size_t *size);
/** The same against a given head, which covers it. */
HF_MUST_USE enum hf_err ledger_receipt_under(struct engine *e, uint64_t index,
    uint64_t tree_size, struct hf_bytes note, uint8_t *out, size_t capacity,
    size_t *size);
/** Complete subtrees as stored, for hf_merkle_*: ctx is the engine, which
 * must have a transaction. */
struct hf_nodes ledger_nodes(struct engine *e);
/** The frontier of the first `size` entries, from stored nodes. */
HF_MUST_USE enum hf_err ledger_frontier(
    struct engine *e, uint64_t size, struct hf_frontier *f);
/**
 * Read entries [from, to) back and hash them by a second path: leaf bytes,
 * and for acts the digests in the leaf against the stored parts.  *root is
 * that of `to` entries over nodes of `from` and the leaves read: compare it
 * with the root to be signed.  Errors: HF_CORRUPT
 */
HF_MUST_USE enum hf_err ledger_verify_range(
    struct engine *e, uint64_t from, uint64_t to, struct hf_hash *root);
/**
 * Read entries [*index, to) back: the digests, and every node of the tree that
 * they complete.  *index ends at `to`, or at the entry that is not what it was.
 * Errors: HF_CORRUPT
 */
HF_MUST_USE enum hf_err ledger_scrub(
    struct engine *e, uint64_t *index, uint64_t to);

/* ---- cases.c ---- */

/** What is stored of a case; everything else is folded from its acts. */
struct case_record {
	struct hf_id id;
	char ref[HF_REF_MAX];
	struct hf_desk from, to;
	unsigned kind; /* of the opening; 0: it has not arrived yet */
	unsigned measure, basis, urgency;
	uint32_t key_slot;
	struct instant opened; /* entered in our ledger */
	/* newest gen that chains and whose past is held; acts beyond it wait
	 * in TABLE_PLACES */
	uint32_t gens[HF_TRACK_COUNT];
	enum hf_state state; /* cached fold */
	unsigned result;     /* the same */
	struct instant hold_until, ended, retain_until;
	bool erased, legal_hold, outside_profile, unproven;
	struct hf_hash profile;
	struct hf_key assignees[2]; /* asking, asked side; zeros: none */
	struct hf_hash state_digest;
	/* of an order: live cases it rests on, masked ones too (SPEC 12) */
	unsigned basis_count;
	struct hf_id bases[HF_LINEAGE_MAX];
};
HF_MUST_USE enum hf_err case_load(
    struct engine *e, const struct hf_id *id, struct case_record *c);
HF_MUST_USE enum hf_err case_save(
    struct engine *e, const struct case_record *c);
/** Fold the stored acts into e->work.  Errors: HF_CORRUPT */
HF_MUST_USE enum hf_err case_fold(
    struct engine *e, const struct case_record *c);
/** Ledger index of the act at a place. */
HF_MUST_USE enum hf_err case_place(struct engine *e, const struct hf_id *id,
    unsigned track, uint32_t gen, uint64_t *index);
/** Is our country the asking, the asked side, or both? bits 1, 2 */
unsigned case_sides(const struct engine *e, const struct case_record *c);
/** May this officer of ours read the case: party, granted, auditor
 * (skeleton)? */
enum case_access { ACCESS_NONE, ACCESS_SKELETON, ACCESS_FULL };
enum case_access case_access(struct engine *e, const struct case_record *c,
    const struct officer_entry *who);
/** Cases that depend on `basis`: repeat with the last id; HF_NOTFOUND ends. */
HF_MUST_USE enum hf_err case_next_dependent(struct engine *e,
    const struct hf_id *basis, struct hf_id *dependent, bool first);
/** Body of an act, entered at `index`, under the case's key.  get: out has
 * HF_BODY_MAX.  Errors: HF_ERASED, HF_NOTFOUND */
HF_MUST_USE enum hf_err case_body_put(struct engine *e,
    const struct case_record *c, const struct hf_id *act, uint64_t index,
    struct hf_bytes body);
HF_MUST_USE enum hf_err case_body_has(
    struct engine *e, const struct hf_id *act, bool *has);
/** Its row; there may be none. */
HF_MUST_USE enum hf_err case_body_drop(struct engine *e, uint64_t index);
HF_MUST_USE enum hf_err case_body_get(struct engine *e,
    const struct case_record *c, const struct hf_id *act, uint8_t *out,
    size_t *size);
/** A whole act frame rebuilt from the store; body empty once erased. */
HF_MUST_USE enum hf_err case_act_frame(struct engine *e,
    const struct case_record *c, uint64_t index, bool with_body, uint8_t *out,
    size_t capacity, size_t *size);

/* ---- refs.c ---- */

struct refs;
/** From the store, at the start.  Errors: HF_CORRUPT, HF_NOMEM */
HF_MUST_USE enum hf_err refs_load(struct engine *e);
void refs_free(struct refs *r);
/** Remember how many there are; go back to that when a turn is abandoned. */
void refs_begin(struct engine *e);
void refs_abandon(struct engine *e);
/** Errors: HF_NOTFOUND */
HF_MUST_USE enum hf_err case_by_ref(
    struct engine *e, const char *ref, struct hf_id *id);
/** The reference of a case that opens; case_by_ref does not know it yet.
 * Errors: HF_FULL, HF_NOMEM */
HF_MUST_USE enum hf_err case_ref_add(
    struct engine *e, const char *ref, const struct hf_id *id);

/* ---- intake.c ---- */

struct intake_result {
	struct hf_id id, case_id;
	uint64_t index;
	enum hf_state state;
	unsigned flags;  /* enum hf_submit_flag */
	unsigned clause; /* of a refusal, 100 * a + b for SPEC a.b */
};
/**
 * An officer of ours submits (SPEC 5: the home broker judges).  On HF_OK
 * (also for a duplicate) everything is in the transaction: ledger, case,
 * body, inbox rows, outbox row, due rows.  Releases of dependents are due
 * rows of at once: run due_run in engine_end (it is cheap when nothing is
 * due).  A duplicate gets index, state and flags of its first entry.
 * opening  salt (16) and case id (32) that open one lineage commitment of
 *          the order in `frame` (submit, argument 2); empty: none.  It stays
 *          here: release of a masked order needs it.
 * Errors: is_refusal() ones (result->clause says why; HF_BUSY: quota); all
 *         others end the turn
 */
HF_MUST_USE enum hf_err intake_own(struct engine *e,
    const struct officer_entry *who, struct hf_bytes frame,
    struct hf_bytes opening, struct intake_result *result);
/**
 * An act from a peer with its receipt.  Same consequences on our side.
 * HF_PAST_MISSING: stored and receipted, waits.  A refusal leaves nothing
 * but what the caller tallies, HF_GENERATION also the proof of the conflict.
 * HF_BUSY: the peer's country document is newer than ours and needed first:
 * do not acknowledge, fetch the document.
 */
HF_MUST_USE enum hf_err intake_foreign(struct engine *e, struct hf_country peer,
    struct hf_bytes frame, struct hf_bytes receipt,
    struct intake_result *result);
/** After any change of a case: refold, save, due rows, release. */
HF_MUST_USE enum hf_err intake_settle(struct engine *e, struct case_record *c);

/* ---- rules.c ---- */
HF_MUST_USE enum hf_err rules_sender(struct engine *e, const struct hf_act *act,
    const struct officer_entry *who, const struct case_record *c,
    unsigned *clause);
HF_MUST_USE enum hf_err rules_cites(struct engine *e, const struct hf_act *act,
    const struct case_record *c, unsigned *clause);

/* ---- machine.c ---- */
HF_MUST_USE enum hf_err machine_act(struct engine *e, struct case_record *c,
    unsigned kind, unsigned track, const struct hf_id *re);

/* ---- due.c ---- */
HF_MUST_USE enum hf_err due_set(struct engine *e, const struct hf_id *case_id,
    enum hf_deadline type, uint32_t gen, struct instant at);
HF_MUST_USE enum hf_err due_clear(struct engine *e, const struct hf_id *case_id,
    enum hf_deadline type, uint32_t gen);
/** Everything due by e->now, at most HF_BATCH_MAX rows a turn. */
HF_MUST_USE enum hf_err due_run(struct engine *e);
/** The next deadline of a case (not erase, not tally); 0 if none. */
HF_MUST_USE enum hf_err due_next_of(struct engine *e, const struct hf_id *id,
    enum hf_deadline *type, struct instant *at);
/** By wall time; the next end of a live trace goes to e->live_mono. */
HF_MUST_USE enum hf_err due_next(struct engine *e, struct instant *at);
/** Does the end of this case's live trace still wait, for this time? */
HF_MUST_USE enum hf_err due_waits(
    struct engine *e, const struct hf_id *id, struct instant at, bool *waits);

/* ---- live_clock.c ---- */
/** Of every event, before anything else is made of it. */
void live_clock_event(struct engine *e, const struct event *ev);
/** A trace's row of `at` is planned: while the clock is uncertain its limit
 * is `span_ms` from now. */
HF_MUST_USE enum hf_err live_clock_limit(struct engine *e,
    const struct hf_id *id, struct instant at, uint64_t span_ms);
/** At the begin of a turn: forget limits of rows that are no more.  (Not
 * earlier: a turn may be abandoned.) */
HF_MUST_USE enum hf_err live_clock_prune(struct engine *e);
bool live_clock_over(
    const struct engine *e, const struct hf_id *id, struct instant at);
/** Is it that time by the wall clock or by the monotonic one?  For what is
 * no matter of the date. */
bool live_clock_reached(const struct engine *e, struct instant at);
/** When it will be, on the monotonic clock. */
uint64_t live_clock_mono(
    const struct engine *e, const struct hf_id *id, struct instant at);
/** The time to state for the end of a live trace whose limit is up. */
struct instant live_clock_now(const struct engine *e);

/* ---- erase.c ---- */
HF_MUST_USE enum hf_err erase_begin(struct engine *e, struct case_record *c);
HF_MUST_USE enum hf_err erase_done(struct engine *e, uint32_t slot);
/** Intents committed before a crash: EFFECT_ERASE again. */
HF_MUST_USE enum hf_err erase_resume(struct engine *e);

/* ---- desk.c and desk_*.c ---- */
struct desk_table *desk_table_new(void);
void desk_table_free(struct desk_table *d);
HF_MUST_USE enum hf_err desk_frame(struct engine *e, const struct event *ev);
void desk_gone(struct engine *e, uint64_t conn);
/** Remember where watchers are; go back there when a turn is abandoned. */
void desk_begin(struct engine *e);
void desk_abandon(struct engine *e);
/** See engine_answer_full. */
void desk_answer_full(struct engine *e, const struct event *ev);
/** Events for the watchers that have any, a page a turn. */
HF_MUST_USE enum hf_err desk_push_all(struct engine *e);
/** Some watcher has more events to come: a turn at once, please. */
bool desk_lags(const struct engine *e);
/** The act of a submit verifies.  Errors as of link_preverify */
HF_MUST_USE enum hf_err desk_preverify(struct hf_bytes frame);
/** A row in a desk's inbox and an event for its watchers.
 * type: 0 for an act, else enum hf_entry_type */
HF_MUST_USE enum hf_err inbox_put(struct engine *e, const struct hf_desk *desk,
    const struct case_record *c, const struct hf_id *act, unsigned kind,
    unsigned track, const struct hf_desk *from, unsigned type);
/** The same for `delivered`, with the code of the peer's answer. */
HF_MUST_USE enum hf_err inbox_delivered(struct engine *e,
    const struct hf_desk *desk, const struct case_record *c,
    const struct hf_id *act, unsigned kind, unsigned track, unsigned code);

/* ---- link.c and link_*.c ---- */
struct link_table *link_table_new(void);
void link_table_free(struct link_table *l);
/** Put an act that was entered at `index` into the outbox of a country. */
HF_MUST_USE enum hf_err outbox_put(struct engine *e, struct hf_country to,
    const struct case_record *c, const struct hf_act *act, uint64_t index);
/** Is the act (or are any of the case) still waiting to be delivered? */
HF_MUST_USE enum hf_err outbox_depth(
    struct engine *e, const struct hf_country *to, uint64_t *depth);
bool link_is_up(const struct engine *e, struct hf_country c);
HF_MUST_USE enum hf_err link_frame(struct engine *e, const struct event *ev);
HF_MUST_USE enum hf_err link_up(struct engine *e, const struct event *ev);
HF_MUST_USE enum hf_err link_down(struct engine *e, const struct event *ev);
/** Send what can be sent, retry what is due. */
HF_MUST_USE enum hf_err link_run(struct engine *e);
uint64_t link_next_mono(const struct engine *e);
/** Remember what is known of each peer; go back there when a turn is
 * abandoned: what was received in it was not, and nothing was sent. */
void link_begin(struct engine *e);
void link_abandon(struct engine *e);
/** What has waited for 30 days (DESIGN 5): on record, once a day. */
HF_MUST_USE enum hf_err link_alarm(struct engine *e);
/** The acts in a frame of a peer verify, all of them.
 * Errors: HF_FRAME (none in it), those of decoding, HF_SIGNATURE */
HF_MUST_USE enum hf_err link_preverify(struct hf_bytes frame);
/** Our own document changed: every peer that is up gets it. */
HF_MUST_USE enum hf_err link_document_changed(struct engine *e);
/** A statement for the peer of a case (link_statement.c). */
HF_MUST_USE enum hf_err link_tell_statement(
    struct engine *e, struct hf_country to, uint64_t index);

/* ---- recall.c ---- */
/** The first turn of an epoch: what was lost is on record, and own sides are
 * fetched back. */
HF_MUST_USE enum hf_err recall_begin_epoch(struct engine *e);
/** Not everything that is shared with this country is back yet. */
bool recall_pending(struct engine *e, struct hf_country c);
/** So nothing is decided in this case. */
bool recall_holds(struct engine *e, const struct case_record *c);
/** A deadline that came meanwhile comes again soon. */
HF_MUST_USE enum hf_err recall_postpone(
    struct engine *e, const struct hf_id *id, unsigned type, uint32_t gen);
/** What is to be asked for, of every peer. */
HF_MUST_USE enum hf_err recall_run(struct engine *e);

/* ---- documents.c ---- */
/** A whole document: check, store, ledger, effects; tell peers. */
HF_MUST_USE enum hf_err documents_add(
    struct engine *e, struct hf_bytes document, uint32_t *version);
HF_MUST_USE enum hf_err documents_load(struct engine *e);
/** A version that is or was in force, as it came; lends from the
 * transaction.  HF_NOTFOUND */
HF_MUST_USE enum hf_err documents_version(struct engine *e, struct hf_country c,
    uint32_t version, struct hf_bytes *document);
HF_MUST_USE enum hf_err documents_unpin(struct engine *e, struct hf_country c);
HF_MUST_USE enum hf_err documents_pin(
    struct engine *e, struct hf_country c, const struct hf_key *root);

/* ---- tally.c ---- */
HF_MUST_USE enum hf_err tally_read(
    struct engine *e, const struct hf_key *who, const struct hf_id *subject);
HF_MUST_USE enum hf_err tally_refusal(
    struct engine *e, const struct hf_key *who, enum hf_err code);
/** The same for `count` refusals at once (of a gate). */
HF_MUST_USE enum hf_err tally_refusals(struct engine *e,
    const struct hf_key *who, enum hf_err code, uint64_t count);
/** When the oldest minute that is counted ends; 0: nothing is. */
HF_MUST_USE enum hf_err tally_next(struct engine *e, struct instant *at);
/** Write finished minutes to the ledger. */
HF_MUST_USE enum hf_err tally_run(struct engine *e, bool all);

/* ---- keys_set.c ---- */
/** May this broker of a peer speak at `now`: not revoked, and in its term
 * (SPEC 7.3, 10.1), unless the clock is in doubt?  NULL: unknown, no. */
bool keys_broker_speaks(const struct engine *e, struct hf_country c,
    const struct broker_entry *broker, struct instant now);
/** Time changes who is admitted: say so when it has. */
void keys_run(struct engine *e);
/** Everybody admitted now, for keys_cut_gone.  Errors: HF_NOMEM */
struct key_list;
HF_MUST_USE enum hf_err keys_admitted(
    const struct engine *e, struct key_list **out);
/** Cut who was on the list and is not admitted any more.  Frees it. */
HF_MUST_USE enum hf_err keys_cut_gone(
    struct engine *e, struct key_list *before);

/* ---- effects.c ---- */
/** An effect was lost for want of memory: the turn must be abandoned. */
bool effects_failed(const struct effects *e);
/** Forget everything of a turn that was not committed. */
void effects_clear(struct effects *e);
/** Fill the held frames that wait for receipts. */
HF_MUST_USE enum hf_err effects_fill(struct engine *e, struct effects *f);

/* ---- summary.c ---- */
/** A case summary map (SPEC 11.4) for this reader. */
HF_MUST_USE enum hf_err summary_pack(struct engine *e, struct pack *p,
    const struct case_record *c, const struct officer_entry *who);

/* small helpers everyone uses */
struct hf_bytes bytes_of(const void *data, size_t size);
void put_be64(uint8_t out[8], uint64_t v);
uint64_t get_be64(const uint8_t in[8]);
void put_be32(uint8_t out[4], uint32_t v);
uint32_t get_be32(const uint8_t in[4]);
bool id_is_zero(const struct hf_id *id);
/** The error refuses one act, or asks for patience, and the turn goes on:
 * class PEER, HF_PAST_MISSING, HF_BUSY.  Any other ends the turn. */
bool is_refusal(enum hf_err err);
/** For a question of yes or no: `err` is HF_OK, or HF_NOTFOUND.  With any
 * other the answer is no, and the turn is lost, whatever follows from it. */
bool is_there(struct engine *e, enum hf_err err);

#endif
