/*
 * desk: what the files of the desk protocol share (SPEC 11).
 */
#ifndef HF_ENGINE_DESK_H
#define HF_ENGINE_DESK_H

#include "broker/engine/intake.h"

#define DESK_ARGS 5u /* keys 1 to 4 of an args map */

/** A request being answered. */
struct request {
	struct engine *e;
	const struct event *ev;
	const struct officer_entry *who;
	unsigned desk_type;
	unsigned op;
	uint64_t id;
	struct {
		bool has;
		uint64_t number;       /* uint, bool */
		struct hf_bytes bytes; /* bin, str: borrows the frame */
	} arg[DESK_ARGS];
	struct pack out; /* into desk_table.out; the head is packed */
	uint8_t *rows;   /* HF_PAGE_BYTES: rows before their count is known */
	/* a submit's receipt: the response is held for it */
	bool has_receipt;
	uint64_t receipt_index;
};

typedef enum hf_err (*desk_op)(struct request *r);

/** An id in argument `key`; HF_MISSING_KEY. */
HF_MUST_USE enum hf_err desk_arg_id(
    const struct request *r, unsigned key, struct hf_id *id);
uint64_t desk_arg_uint(
    const struct request *r, unsigned key, uint64_t fallback);
/** Rows gathered in r->rows as member 1 of the result map. */
void desk_put_rows(struct request *r, const struct pack *rows, unsigned count);

/* desk_read.c */
enum hf_err desk_inbox(struct request *r);
enum hf_err desk_cases(struct request *r);
enum hf_err desk_case(struct request *r);
enum hf_err desk_acts(struct request *r);
enum hf_err desk_orders(struct request *r);
enum hf_err desk_deadlines(struct request *r);
enum hf_err desk_body(struct request *r);
/* desk_audit.c */
enum hf_err desk_entries(struct request *r);
enum hf_err desk_head(struct request *r);
enum hf_err desk_consistency(struct request *r);
enum hf_err desk_receipt(struct request *r);
enum hf_err desk_states(struct request *r);
enum hf_err desk_receipts(struct request *r);
/* desk_admin.c */
enum hf_err desk_hello(struct request *r);
enum hf_err desk_roster(struct request *r);
enum hf_err desk_document(struct request *r);
enum hf_err desk_publish(struct request *r);
enum hf_err desk_status(struct request *r);
/* link_show.c */
enum hf_err desk_peers(struct request *r);
enum hf_err desk_queue(struct request *r);

/** Live sessions of desks. */
struct desk_session {
	uint64_t conn;
	struct hf_key key;
	struct hf_desk desk;
	bool watching;
	uint64_t cursor;
	uint8_t *upload; /* parts of a document; owned */
	size_t upload_size;
	uint32_t upload_next, upload_parts;
	UT_hash_handle hh;
};
struct desk_table {
	struct desk_session *sessions;
	unsigned count;
	uint8_t *rows, *out; /* HF_FRAME_MAX each */
};
struct desk_session *desk_session_of(struct request *r);
/** Rows after the session's cursor, as events. */
HF_MUST_USE enum hf_err desk_push(struct engine *e, struct desk_session *s);

#endif
