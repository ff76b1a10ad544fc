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

#define LINK_BATCH_ACTS 32u
#define LINK_BATCH_BYTES 60000u
#define LINK_BACKOFF_MIN_MS 250u
#define LINK_BACKOFF_MAX_MS 30000u
#define LINK_PING_MS 10000u
#define LINK_DEAD_MS 30000u
#define LINK_HEAD_MS 1000u
#define LINK_TAKEN 1u /* code of an ack without a receipt */

struct peer {
	struct hf_country country;
	uint64_t conn; /* our dialled connection; 0: down */
	bool welcomed;
	uint64_t seen_mono, seen_wall_ms; /* last frame from it */
	uint32_t their_version;           /* of our document, as they said */
	uint64_t sent;   /* newest sequence sent on this connection */
	uint64_t acked;  /* newest sequence acknowledged on it */
	unsigned flying; /* batch frames not acknowledged */
	uint64_t last_of[HF_LINK_WINDOW]; /* newest sequence of each */
	uint64_t retry_mono, backoff_ms;
	uint64_t ping_mono, head_mono;
	uint64_t head_size; /* of the newest head it was sent */
	uint64_t tries;
	uint32_t cause;
	/* parts of its document */
	uint8_t *upload;
	size_t upload_size;
	uint32_t upload_next, upload_parts;
};

struct link_table {
	struct peer peers[HF_COUNTRY_MAX];
	unsigned count;
};

/** The peer of a country; made when new.  NULL: table full. */
struct peer *link_peer(struct engine *e, struct hf_country c);
const struct peer *link_find(const struct engine *e, struct hf_country c);

/** A row of the outbox. */
struct outbox_row {
	struct hf_id act, case_id;
	uint64_t index; /* in our ledger */
	unsigned kind;  /* 0: a statement (erasure certificate) */
	struct instant since;
};
void outbox_key(struct row_key *k, struct hf_country c, uint64_t sequence);
HF_MUST_USE enum hf_err outbox_read(
    struct hf_bytes value, struct outbox_row *row);
/** The first row after `sequence`.  Errors: HF_NOTFOUND */
HF_MUST_USE enum hf_err outbox_next(struct engine *e, struct hf_country c,
    uint64_t sequence, uint64_t *next, struct outbox_row *row);

/** Counters of a country: "next" (outbox), "got" (inbound). */
HF_MUST_USE enum hf_err link_counter(
    struct engine *e, struct hf_country c, const char *name, uint64_t *value);
HF_MUST_USE enum hf_err link_counter_set(
    struct engine *e, struct hf_country c, const char *name, uint64_t value);

/* link_send.c */
HF_MUST_USE enum hf_err link_send_pending(struct engine *e, struct peer *p);
HF_MUST_USE enum hf_err link_send_hello(struct engine *e, struct peer *p);
HF_MUST_USE enum hf_err link_send_document(struct engine *e, struct peer *p);
HF_MUST_USE enum hf_err link_send_head(struct engine *e, struct peer *p);
HF_MUST_USE enum hf_err link_send_small(struct engine *e, uint64_t conn,
    unsigned type, uint64_t value, bool has_value);
/* link_receive.c */
HF_MUST_USE enum hf_err link_batch(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w);
HF_MUST_USE enum hf_err link_ack(
    struct engine *e, struct peer *p, struct wire *w);
HF_MUST_USE enum hf_err link_fetch(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w);
HF_MUST_USE enum hf_err link_acts(
    struct engine *e, struct peer *p, struct wire *w);
HF_MUST_USE enum hf_err link_erased_in(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w);
HF_MUST_USE enum hf_err link_document_in(
    struct engine *e, struct peer *p, struct wire *w);
HF_MUST_USE enum hf_err link_head_in(
    struct engine *e, struct peer *p, struct wire *w);

#endif
