/*
 * engine: the broker's decisions, pure (DESIGN 1.2, 1.3).
 *
 * No socket, clock, thread or file: an event carries time, chance and
 * bytes; what is to be remembered goes into the transaction; what is to be
 * sent goes into the effects, which the caller carries out only after the
 * commit, and replies with receipts only after the head is signed.
 *
 * Order of one turn (the core, or a simulator):
 *   txn_begin, engine_begin, engine_step for each event, engine_end,
 *   txn_commit, head signed, engine_receipts, effects carried out.
 */
#ifndef HF_ENGINE_H
#define HF_ENGINE_H

#include "broker/store/store.h"
#include "keys/roster.h"
#include "proto/act.h"
#include "proto/ledger.h"

struct engine; /* opaque */

#define HF_WITNESSES_MAX 16u

/* SPEC 12.13: what a desk or a peer may bring; a minute's worth of each
 * (0: no limit), a sixth of it at once. */
struct admission_options {
	uint32_t desk_acts[3]; /* by enum hf_urgency */
	uint32_t desk_reads;   /* requests that enter nothing */
	uint32_t peer_acts[3];
	uint32_t peer_frames; /* others than batches */
};

struct engine_options {
	struct hf_country country;
	uint32_t epoch;
	struct hf_key ledger_key; /* of this epoch */
	struct hf_key transport_key;
	uint32_t quota_acts_per_minute; /* per officer; 0 none */
	struct admission_options admission;
	/* SPEC 12.14: shares of the store, in percent; 0 none */
	unsigned routine_percent, emergency_percent;
	/* SPEC 6.9: whose witnesses count (none named: everybody's), how many
	 * make a head witnessed, and how old the newest such may be (0: any) */
	unsigned witness_count;
	struct hf_country witnesses[HF_WITNESSES_MAX];
	unsigned witness_quorum;
	uint64_t witness_max_age_ms;
	/* An operator accepts that the ledger is older than what was signed
	 * (DESIGN 7): a new epoch begins.  What the signer remembers of the one
	 * before; size 0: nothing. */
	bool accept_rollback;
	uint64_t lost_size;
	struct hf_hash lost_root;
};

enum event_type {
	EVENT_START, /* process start; ledgered */
	EVENT_STOP,
	EVENT_DESK_FRAME, /* from a desk: conn, key, frame */
	EVENT_PEER_FRAME, /* from a peer: conn, key, frame; dialled or accepted
			   */
	EVENT_PEER_UP,    /* our dialled connection is up: conn, key */
	EVENT_PEER_DOWN, /* and gone, or dialling failed: key, code; a zero key:
			    all of them (the gate died) */
	EVENT_DESK_GONE, /* conn; 0: all of them */
	EVENT_TIMER,     /* look at the due table and the outboxes */
	EVENT_CLOCK,     /* certain changed (any other event tells it too) */
	EVENT_PIN,       /* country, key: a root pinned by configuration */
	EVENT_UNPIN,
	EVENT_DOCUMENT,     /* frame: a whole document from configuration */
	EVENT_ALARM,        /* code, count from a gate: ledgered in aggregate */
	EVENT_DESK_FIGURES, /* of a gate: code connections, count turned away
			       since its start */
	EVENT_PEER_FIGURES,
	EVENT_COSIGNED,   /* country, conn = size, code, frame */
	EVENT_ERASE_DONE, /* code = slot: the key was overwritten and synced */
};

struct event {
	enum event_type type;
	struct instant now; /* wall clock */
	uint64_t mono_ms;   /* monotonic */
	uint32_t bound_ms;  /* clock error bound */
	bool clock_certain;
	uint8_t chance[32]; /* fresh random bytes for this event */
	uint64_t conn;
	struct hf_key key;
	struct hf_bytes frame; /* borrowed for the step */
	uint32_t code, count;
	struct hf_country country;
	bool verified; /* signatures of `frame`'s acts were checked
			  by engine_preverify on another thread */
	enum hf_err verify_err;
};

/**
 * The expensive pure part of a frame, thread-safe: signatures of the acts
 * in it.  HF_OK says that there are acts and that all of them verify; with
 * event.verified and verify_err set from this, the engine does not look
 * again.  On anything else it does.
 * Errors: HF_FRAME (no acts in it), HF_SIGNATURE and decoding errors
 */
HF_MUST_USE enum hf_err engine_preverify(
    enum event_type type, struct hf_bytes frame);

/** Frames that wait for their turn, by enum hf_urgency; a batch of a peer
 * counts as its acts. */
struct queued {
	unsigned waiting[3];
	unsigned room; /* how many there may be */
};
/** What engine_admit found out about a frame. */
struct admitted_as {
	unsigned urgency; /* enum hf_urgency */
	unsigned count;
	uint8_t answer[32]; /* with HF_BUSY: for the connection it came on */
	size_t answer_size; /* 0: none can be given */
};
/**
 * Before a frame is verified or waits: is there room for it in its sender's
 * quota and in the queue's share of its class?  Cheap, outside any turn, with
 * ev.key, ev.frame, ev.mono_ms alone; keeps its state in memory.
 * Errors: HF_BUSY
 */
HF_MUST_USE enum hf_err engine_admit(struct engine *e, const struct event *ev,
    const struct queued *queue, struct admitted_as *as);

enum effect_type {
	EFFECT_DESK_SEND, /* frame to conn at the desks' gate */
	EFFECT_PEER_SEND, /* frame to conn at the peers' gate */
	EFFECT_KEYS,      /* admitted keys changed: ask engine_keys */
	EFFECT_CUT,       /* cut this key at both gates */
	EFFECT_DIAL,      /* peers changed: ask engine_dials */
	EFFECT_COSIGN,    /* country, conn = size, bytes: RECORD_COSIGN to the
			     signer, then EVENT_COSIGNED */
	EFFECT_ERASE,     /* slot: destroy the key, then EVENT_ERASE_DONE */
	EFFECT_LOG,       /* a line for the log: code, ids, never content */
};

struct effect {
	enum effect_type type;
	uint64_t conn;
	struct hf_key key;
	uint32_t slot;
	struct hf_country country;
	enum hf_err code;
	/* frame or log text; owned by the effects' arena */
	struct hf_bytes bytes;
};

/** Effects of one turn, in order. */
struct effects; /* opaque */
struct effects *effects_new(void);
void effects_free(struct effects *e);
unsigned effects_count(const struct effects *e);
const struct effect *effects_at(const struct effects *e, unsigned i);
/** The next to carry out, each once; *at begins with 0.  After the commit but
 * before engine_receipts those that need no receipt and follow none on their
 * connection may go.  NULL: no more for now. */
const struct effect *effects_next(
    struct effects *e, unsigned *at, bool head_signed);

/** Is the store of STORE_FORMAT, or without an entry?  *format: what it is of.
 * Errors: HF_STORE_OLD, HF_STORE_NEW, HF_CORRUPT, HF_STORE */
HF_MUST_USE enum hf_err engine_format(struct txn *t, uint64_t *format);
/** Load what the engine keeps in memory (roster, ledger frontier, link
 * state) and verify the newest part of the ledger against `last_size` and
 * `last_root` of the signer.  Errors: HF_ROLLBACK, HF_EPOCH, HF_CORRUPT,
 * HF_STORE, those of engine_format, which is asked before anything else */
HF_MUST_USE enum hf_err engine_open(struct engine **out,
    const struct engine_options *options, struct txn *t, uint64_t last_size,
    const struct hf_hash *last_root);
void engine_free(struct engine *e);
const struct roster *engine_roster(const struct engine *e);

HF_MUST_USE enum hf_err engine_begin(
    struct engine *e, struct txn *t, struct effects *effects);
/** One event.  Returns an error only when the turn must be abandoned
 * (HF_FULL: abort, the caller then calls engine_abandon and answers busy;
 * fatal ones: stop).  Refusals are effects. */
HF_MUST_USE enum hf_err engine_step(struct engine *e, const struct event *ev);
/** Batch boundary: size and root of the ledger after this turn, written in
 * the same transaction.  *changed: a new head is needed. */
HF_MUST_USE enum hf_err engine_end(
    struct engine *e, uint64_t *size, struct hf_hash *root, bool *changed);
/** False when this turn changed what cannot be put back (the roster): then
 * a turn that was not committed means that the process must end. */
bool engine_can_abandon(const struct engine *e);
/** The transaction was not committed: forget everything of this turn. */
void engine_abandon(struct engine *e);
/** After engine_abandon, of a desk's frame of that turn: answer it with
 * HF_FULL, as an effect.  Nothing is entered, nothing is counted. */
void engine_answer_full(struct engine *e, const struct event *ev);
/** Consistency path from `old_size` to `new_size` for the signer, read back
 * from stored leaves; `t` may be a fresh transaction.
 * new_size  that of the newest turn
 * Errors: HF_RANGE (another, or shrinking), HF_CORRUPT */
HF_MUST_USE enum hf_err engine_consistency(struct engine *e, struct txn *t,
    uint64_t old_size, uint64_t new_size, struct hf_hash *path,
    unsigned *count);
/** The head is signed: check that it is this ledger's, and build the held
 * replies.  Nothing is written: a later turn stores the note, since the signer
 * remembers the head, and a lost note is followed by the next.
 * Errors: HF_CHECKPOINT (not our signature on our head) */
HF_MUST_USE enum hf_err engine_receipts(struct engine *e, struct txn *t,
    struct hf_bytes note, struct effects *effects);

/** After a turn that ended with HF_CORRUPT: did an entry, read back beside the
 * work, turn out not to be what was signed?  *index names it. */
bool engine_damaged(const struct engine *e, uint64_t *index);

/** When engine_step(EVENT_TIMER) has something to do next; 0 never. */
struct instant engine_next_due(const struct engine *e);
/** The same on the monotonic clock: link retries, live traces. */
uint64_t engine_next_mono(const struct engine *e);
/** After engine_open: what was recorded last.  A broker that went down
 * uncertain comes up uncertain. */
bool engine_clock_certain(const struct engine *e);

/** Admitted keys of a gate: officers' transport keys for desks, brokers'
 * for peers.  Calls back for each. */
void engine_keys(const struct engine *e, bool peers, struct instant now,
    void (*each)(void *ctx, const struct hf_key *key), void *ctx);
/** Peers to dial: key and endpoints ("tcp://h:p" lines). */
void engine_dials(const struct engine *e,
    void (*each)(void *ctx, struct hf_country c, const struct hf_key *key,
	const struct broker_entry *broker),
    void *ctx);

#endif
