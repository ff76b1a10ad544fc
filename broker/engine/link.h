/*
 * link: what the files of the link protocol share (SPEC 10).
 *
 * The outbox in the store is the truth.  A peer's state here is only what a
 * live connection needs; losing it costs sending some acts again, which the
 * other side answers with the same decision.
 */
#ifndef HF_ENGINE_LINK_H
#define HF_ENGINE_LINK_H

#include "broker/engine/intake.h"

#define LINK_BATCH_ACTS 20u /* SPEC 10.1: their receipts fit one frame */
#define LINK_BATCH_BYTES 60000u
#define LINK_BACKOFF_MIN_MS 250u
#define LINK_BACKOFF_MAX_MS 15000u /* doubled at most by the jitter */
#define LINK_BUSY_MAX_MS 30000u
#define LINK_BUSY_MS 1000u
#define LINK_BUSY_FULL_MS 10000u /* no room in the store */
#define LINK_PING_MS 10000u
#define LINK_DEAD_MS 30000u
#define LINK_HEAD_MS 1000u
#define LINK_ALARM_CHECK_MS 3600000u
#define RECALL_ROWS 64u
#define LINK_TAKEN 1u /* code of an ack without a receipt */

/** A case at a peer, and how far its sides have come there. */
struct recall_row {
	struct hf_id id;
	uint32_t gens[2];
};

struct peer {
	struct hf_country country;
	uint64_t conn; /* our dialled connection; 0: down */
	bool welcomed;
	uint64_t seen_mono, seen_wall_ms; /* last frame on it */
	uint32_t their_version;           /* of our document, as they said */
	uint64_t sent;   /* newest sequence sent, of this round */
	unsigned flying; /* frames not acknowledged */
	uint64_t last_of[HF_LINK_WINDOW]; /* newest sequence of each */
	uint64_t retry_mono, busy_mono, backoff_ms;
	uint64_t ping_mono;
	uint64_t head_mono, head_size; /* own head: not before, last sent */
	uint64_t cosigned_size;        /* of ours, by them; 0 not known */
	uint64_t vouched_size; /* the newest whose cosignature is here */
	uint64_t again_mono;   /* to offer the same; 0 never */
	uint64_t gossip_mono;
	struct {
		bool wanted; /* heads of theirs that may be of two ledgers */
		uint64_t size[2], again_mono;
		uint64_t asked_mono; /* on this connection; 0 not yet */
		uint64_t waited_ms;  /* in which it could have answered */
		struct hf_hash root[2];
		uint8_t note[HF_NOTE_MAX]; /* the larger head */
		size_t note_size;
	} prove;
	bool unproven;
	struct {                   /* recall.c */
		struct hf_id next; /* where the list goes on */
		bool listed, last; /* a page came; it was the last one */
		unsigned count, at;
		struct recall_row row[RECALL_ROWS];
		uint64_t again_mono, acts; /* acts: fetched back */
		uint32_t gen;              /* asked for, with its track */
		unsigned tries;
		uint64_t lost_size; /* of our earlier epoch, as they know it */
		struct hf_hash lost_root;
	} recall;
	uint64_t tries;
	uint32_t cause;
	/* parts of a document */
	uint8_t *upload;
	size_t upload_size;
	uint32_t upload_next, upload_parts;
};

struct link_table {
	unsigned count;
	uint64_t alarm_mono;
	struct peer peers[HF_COUNTRY_MAX];
	struct link_table *before; /* this turn */
};

/** Acts of a batch or acts frame, with their receipts; borrows the frame. */
struct link_acts {
	unsigned count;
	struct {
		struct hf_bytes act, receipt;
	} row[LINK_BATCH_ACTS];
};
/** The array of acts that ends a frame; finishes it. */
HF_MUST_USE enum hf_err link_read_acts(struct wire *w, struct link_acts *acts);

/** The next attempt: a back-off with jitter from now, then twice as long. */
void link_back_off(struct engine *e, struct peer *p);
/** Everything in the outbox is to be sent again, when retry_mono comes. */
void link_rewind(struct peer *p);

/** The peer of a country; made when new.  NULL: table full. */
struct peer *link_peer(struct engine *e, struct hf_country c);
const struct peer *link_find(const struct engine *e, struct hf_country c);

/** A row of the outbox. */
struct outbox_row {
	struct hf_id act, case_id;
	uint64_t index; /* in our ledger */
	unsigned kind;  /* 0: a statement (link_statement.c) */
	struct instant since;
};
void outbox_key(struct row_key *k, struct hf_country c, uint64_t sequence);
HF_MUST_USE enum hf_err outbox_read(
    struct hf_bytes value, struct outbox_row *row);
/** The first row after `sequence`.  Errors: HF_NOTFOUND */
HF_MUST_USE enum hf_err outbox_next(struct engine *e, struct hf_country c,
    uint64_t sequence, uint64_t *next, struct outbox_row *row);

/** Counters of a country: "next" (outbox), "got" (inbound), "document" (time
 * of arrival), "alarm" (time of the last). */
HF_MUST_USE enum hf_err link_counter(
    struct engine *e, struct hf_country c, const char *name, uint64_t *value);
HF_MUST_USE enum hf_err link_counter_set(
    struct engine *e, struct hf_country c, const char *name, uint64_t value);

/* link_send.c */
HF_MUST_USE enum hf_err link_send_pending(struct engine *e, struct peer *p);
HF_MUST_USE enum hf_err link_send_hello(struct engine *e, struct peer *p);
HF_MUST_USE enum hf_err link_send_document(struct engine *e, struct peer *p);
/** A frame of one number: ping, pong, busy. */
HF_MUST_USE enum hf_err link_send_small(
    struct engine *e, uint64_t conn, unsigned type, uint64_t value);
/* link_receive.c */
struct answers {
	unsigned count, receipts;
	struct {
		uint64_t sequence;
		unsigned code;
	} row[LINK_BATCH_ACTS];
	uint64_t index[LINK_BATCH_ACTS]; /* of the entries of code 0 */
};
HF_MUST_USE enum hf_err link_batch(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w);
/** `sequence` was received; *got: the newest that was. */
HF_MUST_USE enum hf_err link_note_got(
    struct engine *e, const struct peer *p, uint64_t sequence, uint64_t *got);
HF_MUST_USE enum hf_err link_send_ack(
    struct engine *e, uint64_t conn, uint64_t got, const struct answers *a);
/* link_ack.c */
HF_MUST_USE enum hf_err link_ack(
    struct engine *e, struct peer *p, struct wire *w);
/** Verified by the ledger key of the epoch that its leaf names.
 * Errors: HF_UNKNOWN_COUNTRY, those of hf_receipt_verify */
HF_MUST_USE enum hf_err link_receipt(struct engine *e, const struct peer *p,
    struct hf_bytes bytes, struct hf_receipt *r);
/* link_fetch.c */
/** Ask the peer for what is missing of its side of a case. */
HF_MUST_USE enum hf_err link_ask_past(struct engine *e, uint64_t conn,
    struct hf_country peer, const struct hf_id *case_id);
HF_MUST_USE enum hf_err link_fetch(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w);
HF_MUST_USE enum hf_err link_acts(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w);
/* link_statement.c */
HF_MUST_USE enum hf_err link_send_statement(struct engine *e, struct peer *p,
    uint64_t sequence, const struct outbox_row *row);
HF_MUST_USE enum hf_err link_statement_in(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w);
/** The peer's answer to a statement of ours: its countersignature of an
 * absence is kept.  Errors: HF_RECEIPT and others of a receipt */
HF_MUST_USE enum hf_err link_countersigned(struct engine *e,
    const struct peer *p, const struct outbox_row *row,
    struct hf_bytes receipt);
/* link_document.c */
HF_MUST_USE enum hf_err link_document_in(
    struct engine *e, struct peer *p, struct wire *w);

/** Is the case one of the peer's country? */
bool link_is_party(const struct case_record *c, const struct peer *p);
/* recall.c */
HF_MUST_USE enum hf_err recall_in(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w);
HF_MUST_USE enum hf_err recall_list_in(
    struct engine *e, struct peer *p, struct wire *w);
/** Acts came while a page is in work; `acts` of them were taken. */
HF_MUST_USE enum hf_err recall_acts_came(
    struct engine *e, struct peer *p, unsigned acts);

/* heads.c */
/** The newest head of an earlier epoch of this country's log; empty: none. */
HF_MUST_USE enum hf_err heads_lost(
    struct engine *e, struct hf_country c, struct hf_bytes *note);
HF_MUST_USE enum hf_err heads_in(
    struct engine *e, struct peer *p, struct wire *w);
/** A link has come up: the proofs of forks that we know. */
HF_MUST_USE enum hf_err heads_tell_forks(
    struct engine *e, const struct peer *p);
HF_MUST_USE enum hf_err heads_send(struct engine *e, struct peer *p);
HF_MUST_USE enum hf_err heads_cosigned_in(
    struct engine *e, struct peer *p, struct wire *w);
HF_MUST_USE enum hf_err heads_seen_in(struct engine *e, struct wire *w);
HF_MUST_USE enum hf_err heads_prove_in(
    struct engine *e, const struct event *ev, struct wire *w);
HF_MUST_USE enum hf_err heads_proof_in(
    struct engine *e, struct peer *p, struct wire *w);
HF_MUST_USE enum hf_err heads_forked_in(struct engine *e, struct wire *w);
HF_MUST_USE enum hf_err heads_run(struct engine *e);
/** Does the policy count this country's witness? */
bool heads_counts(const struct engine *e, struct hf_country c);

#endif
