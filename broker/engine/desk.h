/*
 * desk: what the files of the desk protocol share (SPEC 11).
 */
#ifndef HF_ENGINE_DESK_H
#define HF_ENGINE_DESK_H

#include "broker/engine/intake.h"
#include "proto/table.h"

#define DESK_ARGS 5u /* keys 1 to 4 of an args map */
/* A summary is below 640 bytes and 60 values; a frame has 1,024 values. */
#define SUMMARY_BYTES 640u
#define SUMMARY_ROWS 16u

/** A request being answered. */
struct request {
	struct engine *e;
	const struct event *ev;
	/* a copy: a published document replaces the one it is from */
	struct officer_entry who_copy;
	const struct officer_entry *who;
	unsigned desk_type;
	unsigned op;
	uint64_t id;
	bool has_id;
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
	unsigned clause; /* of a refusal, 0 none */
};

typedef enum hf_err (*desk_op)(struct request *r);

/** An id in argument `key`; HF_MISSING_KEY. */
HF_MUST_USE enum hf_err desk_arg_id(
    const struct request *r, unsigned key, struct hf_id *id);
uint64_t desk_arg_uint(
    const struct request *r, unsigned key, uint64_t fallback);
/** Argument `key` as a number of rows, at most `most`; absent or 0: most. */
unsigned desk_arg_limit(const struct request *r, unsigned key, unsigned most);
/** The result map with rows gathered in r->rows as member 1 and, if `more`,
 * room for member 2, which the caller packs after this. */
void desk_put_rows(
    struct request *r, const struct pack *rows, unsigned count, bool more);
/** Take a request apart, arguments and all; it borrows the frame.
 * Errors: the 1xxx family; r->has_id tells whether it can be answered */
HF_MUST_USE enum hf_err desk_parse(struct request *r, struct hf_bytes frame);

/* desk_submit.c */
enum hf_err desk_submit(struct request *r);
/* desk_watch.c */
enum hf_err desk_inbox(struct request *r);
enum hf_err desk_watch(struct request *r);

/* desk_read.c */
enum hf_err desk_cases(struct request *r);
enum hf_err desk_case(struct request *r);
enum hf_err desk_acts(struct request *r);
enum hf_err desk_body(struct request *r);
/** The case of argument 1 (id) or 2 (reference), if it may be read; reading
 * it is on record.  Errors: HF_UNKNOWN_CASE, also when it may not be read */
HF_MUST_USE enum hf_err desk_open_case(
    struct request *r, struct case_record *c, enum case_access *access);
/* desk_due.c */
enum hf_err desk_orders(struct request *r);
enum hf_err desk_deadlines(struct request *r);
/* desk_audit.c */
enum hf_err desk_entries(struct request *r);
enum hf_err desk_head(struct request *r);
enum hf_err desk_consistency(struct request *r);
enum hf_err desk_receipt(struct request *r);
enum hf_err desk_states(struct request *r);
enum hf_err desk_receipts(struct request *r);
enum hf_err desk_certificates(struct request *r);
/* desk_admin.c */
enum hf_err desk_hello(struct request *r);
enum hf_err desk_roster(struct request *r);
enum hf_err desk_document(struct request *r);
enum hf_err desk_publish(struct request *r);
enum hf_err desk_status(struct request *r);
/* link_show.c */
enum hf_err desk_peers(struct request *r);
enum hf_err desk_queue(struct request *r);

/** What a live connection of a desk needs to be remembered. */
struct desk_session {
	uint64_t conn;
	struct hf_key key;
	struct hf_desk desk; /* of the watch */
	/* the watch, and as it was before this turn */
	bool watching, watching_saved;
	uint64_t cursor, cursor_saved;
	bool news;       /* rows after the cursor are possible */
	uint8_t *upload; /* parts of a document; owned */
	size_t upload_size;
	uint32_t upload_next, upload_parts;
	bool lost; /* table.h */
	UT_hash_handle hh;
};
struct desk_table {
	struct desk_session *sessions;
	unsigned count;
	uint8_t *rows, *out; /* HF_FRAME_MAX each */
};
/** The session of the request's connection, made when new.
 * NULL: too many, or no memory */
struct desk_session *desk_session_of(struct request *r);

#endif
