/*
 * ledger: ledger leaves, statements, checkpoints and receipts (SPEC 6).
 */
#ifndef HF_PROTO_LEDGER_H
#define HF_PROTO_LEDGER_H

#include "proto/merkle.h"
#include "proto/types.h"

enum hf_entry_type { /* SPEC 6.2 */
	HF_ENTRY_OWN = 1,
	HF_ENTRY_FOREIGN = 2,
	HF_ENTRY_MACHINE = 3,
	HF_ENTRY_RECALLED = 4, /* own act, lost and fetched back from a peer */
	HF_ENTRY_DELIVERED = 10,
	HF_ENTRY_PENDING = 11,
	HF_ENTRY_ABSENT = 12,
	HF_ENTRY_RELEASED = 13,
	HF_ENTRY_ERASED = 14,
	HF_ENTRY_ROSTER = 15,
	HF_ENTRY_READ = 16,
	HF_ENTRY_REFUSED = 17,
	HF_ENTRY_CLOCK = 18,
	HF_ENTRY_START = 19,
	HF_ENTRY_STOP = 20,
	HF_ENTRY_CONFLICT = 21,
	HF_ENTRY_UNCONFIRMED = 22,
	HF_ENTRY_OUTBOX_ALARM = 23,
	HF_ENTRY_FORK = 24,
	HF_ENTRY_WITHDRAWN = 25,
	HF_ENTRY_COUNTERSIGNED = 26,
	HF_ENTRY_EPOCH = 27,
	HF_ENTRY_SIDES_BACK = 28,
	HF_ENTRY_LAST = HF_ENTRY_SIDES_BACK
};
/** An act, however it came; else a statement. */
static inline bool hf_entry_is_act(unsigned type)
{
	return type >= HF_ENTRY_OWN && type <= HF_ENTRY_RECALLED;
}
/** It came with a receipt, which tells its time of entry: in another ledger,
 * or in an earlier epoch of this one. */
static inline bool hf_entry_came(unsigned type)
{
	return type == HF_ENTRY_FOREIGN || type == HF_ENTRY_RECALLED;
}
/** NULL for a number that is no type. */
const char *hf_entry_type_name(unsigned type);
#define HF_BOUND_UNKNOWN UINT32_MAX

struct hf_ledger_leaf {
	unsigned type;
	uint32_t epoch;
	struct instant entered;
	uint32_t bound_ms; /* clock error bound; HF_BOUND_UNKNOWN */
	struct hf_id id;
	struct hf_hash core, envelope, sigs;
};
HF_MUST_USE enum hf_err hf_ledger_leaf_encode(const struct hf_ledger_leaf *l,
    uint8_t *out, size_t capacity, size_t *size);
HF_MUST_USE enum hf_err hf_ledger_leaf_decode(
    struct hf_ledger_leaf *l, const void *data, size_t size);

/** A statement's payload (SPEC 6.2); zero values are left out, except
 * `type`; `detail` and `text` borrow when decoded. */
struct hf_statement {
	unsigned type;
	struct hf_id subject;
	struct hf_bytes text;
	uint64_t code, count;
	struct hf_key key;
	struct instant time;
	struct hf_bytes detail;
};
HF_MUST_USE enum hf_err hf_statement_encode(
    const struct hf_statement *s, uint8_t *out, size_t capacity, size_t *size);
HF_MUST_USE enum hf_err hf_statement_decode(
    struct hf_statement *s, const void *data, size_t size);

/** Count of an absent statement: what is known of the silence (SPEC 12.7). */
enum hf_silence {
	HF_SILENT_LINK_DOWN = 1, /* time: a frame was heard last, 0 unknown */
	HF_SILENT_QUEUED,        /* the link is up, the act not taken yet */
	HF_SILENT_REFUSED,       /* by that broker; detail: its code, be16 */
	HF_SILENT,               /* delivered */
	HF_SILENT_UNDECIDED,     /* signed something since, not the answer */
};

/** "holdfast/JP/1" */
#define HF_ORIGIN_MAX 24
void hf_origin(char out[HF_ORIGIN_MAX], struct hf_country c, uint32_t epoch);

/** The country and epoch that the first line of a note tells; nothing else of
 * it is looked at.  Errors: HF_CHECKPOINT */
HF_MUST_USE enum hf_err hf_note_origin(
    struct hf_bytes note, struct hf_country *c, uint32_t *epoch);

/** Note text to sign: "origin\nsize\nbase64 root\n" and the NUL.  Returns its
 * length, 0 if it does not fit. */
size_t hf_checkpoint_text(char *out, size_t capacity, const char *origin,
    uint64_t size, const struct hf_hash *root);
/** Write `text`, a blank line and the signature line: the whole signed note.
 * *size     bytes, without the NUL that is written after them
 * Errors:   HF_TOO_BIG (capacity or HF_NOTE_MAX) */
HF_MUST_USE enum hf_err hf_checkpoint_note(char *out, size_t capacity,
    size_t *size, const char *text, const char *key_name,
    const struct hf_key *key, const struct hf_sig *sig);
/** What it says, whoever signed it: to see that it is not worth verifying.
 * Errors: HF_CHECKPOINT (no checkpoint of this origin) */
HF_MUST_USE enum hf_err hf_checkpoint_read(struct hf_bytes note,
    const char *origin, uint64_t *size, struct hf_hash *root);
/** Verify the note's own signature by `key` under name = origin.
 * Errors: HF_CHECKPOINT */
HF_MUST_USE enum hf_err hf_checkpoint_verify(struct hf_bytes note,
    const char *origin, const struct hf_key *key, uint64_t *size,
    struct hf_hash *root);
/** C2SP signed-note key id: first 4 bytes of SHA-256(name LF 0x01 key). */
void hf_note_key_id(uint8_t out[4], const char *name, const struct hf_key *key);

struct hf_receipt {
	struct hf_bytes leaf_bytes;
	struct hf_ledger_leaf leaf;
	uint64_t index;
	struct hf_bytes path; /* count * 32 bytes */
	struct hf_bytes note; /* of a packed head: into `unpacked` */
	char unpacked[HF_NOTE_MAX + 1];
};
/** A cosigned note is packed (SPEC 6.4). */
HF_MUST_USE enum hf_err hf_receipt_encode(struct hf_bytes leaf, uint64_t index,
    const struct hf_hash *path, unsigned path_count, struct hf_bytes note,
    uint8_t *out, size_t capacity, size_t *size);
/** What all receipts under one head have in common, made ready once.  Begins
 * as zeros. */
struct hf_receipt_head {
	uint8_t note[HF_NOTE_MAX], packed[HF_NOTE_MAX + 8];
	size_t note_size, packed_size; /* 0: nothing yet */
};
/** Nothing is done when it is ready for this note.  Errors: HF_TOO_BIG */
HF_MUST_USE enum hf_err hf_receipt_head(
    struct hf_receipt_head *head, struct hf_bytes note);
/** hf_receipt_encode, under a head that is ready. */
HF_MUST_USE enum hf_err hf_receipt_encode_under(
    const struct hf_receipt_head *head, struct hf_bytes leaf, uint64_t index,
    const struct hf_hash *path, unsigned path_count, uint8_t *out,
    size_t capacity, size_t *size);
/** Form only; the note is given back whole.  Not to be copied: r->note may
 * point into it. */
HF_MUST_USE enum hf_err hf_receipt_decode(
    struct hf_receipt *r, const void *data, size_t size);
/**
 * Head signed by `key` under `origin`, leaf included.  Then compare r->leaf
 * with the act (hf_receipt_is_for).
 * Errors: HF_CHECKPOINT, HF_PROOF
 */
HF_MUST_USE enum hf_err hf_receipt_verify(const struct hf_receipt *r,
    const char *origin, const struct hf_key *key, uint64_t *tree_size);
/** Heads that verified lately, since receipts come in crowds under one, and
 * the way to each root.
 * Begins as zeros; owns nothing. */
#define HF_KNOWN_HEADS 4u
struct hf_known_heads {
	struct hf_known_head {
		char origin[HF_ORIGIN_MAX];
		struct hf_key key;
		uint8_t note[HF_NOTE_MAX];
		size_t note_size; /* 0: nothing here */
		uint64_t size;
		struct hf_hash root;
		struct hf_path_trail trail;
	} row[HF_KNOWN_HEADS];
	unsigned next;
};
/** The same answers; the very bytes that verified by the very key are not
 * verified again.  known: NULL is fine */
HF_MUST_USE enum hf_err hf_receipt_verify_known(const struct hf_receipt *r,
    const char *origin, const struct hf_key *key, struct hf_known_heads *known,
    uint64_t *tree_size);
/**
 * The receipt as a C2SP tlog-proof, which any such program verifies; `extra`
 * is the leaf's bytes (SPEC 13.3).  Written with the NUL; *size without it.
 * Errors: HF_TOO_BIG (capacity; HF_PROOF_TEXT_MAX is always enough)
 */
#define HF_PROOF_TEXT_MAX 4096u
HF_MUST_USE enum hf_err hf_receipt_proof(
    const struct hf_receipt *r, char *out, size_t capacity, size_t *size);
struct hf_act;
/** The leaf's four digests are this act's.  Errors: HF_RECEIPT */
HF_MUST_USE enum hf_err hf_receipt_is_for(
    const struct hf_receipt *r, const struct hf_act *act);

#endif
