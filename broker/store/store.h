/*
 * store: the narrow door to what is durable (DESIGN 8).
 *
 * Named tables of byte keys, one environment, one write transaction at a
 * time.  A key is at most STORE_KEY_MAX bytes; tables are ordered by
 * memcmp.  Case keys live in slots of a file of their own, outside the
 * environment and outside backups.  An unknown outcome is fatal: reopen and
 * look.
 */
#ifndef HF_STORE_H
#define HF_STORE_H

#include "proto/types.h"

#define STORE_KEY_MAX 128u
#define STORE_VALUE_MAX 1200000u

/* Of the keys and rows of these tables; one more with each change of either.
 * It stands in TABLE_META, "format" be64, from the commit that enters the
 * first entry; 1 had no such mark. */
#define STORE_FORMAT 2u

enum table {
	TABLE_META,     /* text key -> counters and marks */
	TABLE_ACTS,     /* ledger index be64 -> core, envelope, sigs */
	TABLE_IDS,      /* act id -> ledger index be64, decision */
	TABLE_BODIES,   /* ledger index be64 -> body under the case's key */
	TABLE_ENTRIES,  /* ledger index be64 -> leaf bytes, payload */
	TABLE_NODES,    /* 255 - level u8, index be64 -> hash */
	TABLE_CASES,    /* case id -> case record */
	TABLE_PLACES,   /* case id, track u8, gen be32 -> ledger index be64,
			   entered be64 */
	TABLE_REFS,     /* number / 40 be32 -> references and case ids */
	TABLE_INBOX,    /* desk, 0, sequence be64 -> row */
	TABLE_OUTBOX,   /* country, sequence be64 -> row */
	TABLE_DUE,      /* lane u8, time be64, type u8, case id, gen be32 */
	TABLE_DUE_OF,   /* case id, type u8, gen be32 -> time be64, fired u8 */
	TABLE_DOCS,     /* country, version be32 -> document */
	TABLE_PEERS,    /* country -> link state; heads */
	TABLE_RECEIPTS, /* act id, country -> foreign receipt */
	TABLE_DEPENDS,  /* basis case id, dependent case id -> type */
	TABLE_CHECKPOINTS, /* size be64 -> signed note */
	TABLE_CONFLICTS,   /* digest -> bytes kept as proof */
	TABLE_TALLY,       /* read and refusal counts of the running minute */
	TABLE_SLOTS,       /* the store's own: "next" -> be32 */
	TABLE_COUNT
};

struct store;
struct txn;

struct store_options {
	const char *dir;    /* 0700; created if missing */
	size_t map_size;    /* bytes; a multiple of the page size */
	uint32_t key_slots; /* initial slots of the case key file */
	/* bytes of the file system that stay free: a commit that would write
	 * when less is free is refused with HF_FULL; 0 asks nothing */
	uint64_t disk_reserve;
};

/** Open or create.  Errors: HF_STORE, HF_NOMEM, HF_FILE */
HF_MUST_USE enum hf_err store_open(
    struct store **out, const struct store_options *options);
void store_close(struct store *s);
/** Bytes in use, and how many there may be: the map's size, or what the disk
 * has less its reserve. */
void store_usage(const struct store *s, uint64_t *used, uint64_t *room);
/** A compacted copy of the environment in `dir`, which another process may
 * have open and go on writing, as `to`/data.mdb (new, synced): what was deleted
 * is not in it.  Errors: HF_FILE, HF_FULL, HF_STORE */
HF_MUST_USE enum hf_err store_copy(const char *dir, const char *to);
/** Housekeeping: stale readers; call every 10 s. */
void store_tick(struct store *s);

/** The write transaction.  One at a time.  Errors: HF_STORE (fatal) */
HF_MUST_USE enum hf_err txn_begin(struct txn **out, struct store *s);
/** HF_OK: durable.  HF_FULL: nothing happened, go on politely.  Anything
 * else: unknown outcome, the process must end.  Frees `t` in every case. */
HF_MUST_USE enum hf_err txn_commit(struct txn *t);
void txn_abort(struct txn *t); /* NULL is fine */

/** *value lends until the next write or the end of `t`.
 * Errors: HF_NOTFOUND, HF_STORE */
HF_MUST_USE enum hf_err txn_get(struct txn *t, enum table table,
    struct hf_bytes key, struct hf_bytes *value);
/** Insert or replace.  Errors: HF_FULL, HF_STORE */
HF_MUST_USE enum hf_err txn_put(struct txn *t, enum table table,
    struct hf_bytes key, struct hf_bytes value);
/** HF_NOTFOUND is an answer, not a failure. */
HF_MUST_USE enum hf_err txn_del(
    struct txn *t, enum table table, struct hf_bytes key);
/**
 * The first row whose key is >= `from` (after it, if `after`) and begins
 * with `prefix`.  Key and value lend as in txn_get.  A range is read by
 * repeating this with the last key (so rows may be changed meanwhile).
 * Errors: HF_NOTFOUND at the end
 */
HF_MUST_USE enum hf_err txn_next(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes from, bool after,
    struct hf_bytes *key, struct hf_bytes *value);
/** The last row that begins with `prefix`. */
HF_MUST_USE enum hf_err txn_last(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes *key, struct hf_bytes *value);

/** How many rows a table has; does not read them. */
HF_MUST_USE enum hf_err txn_rows(
    struct txn *t, enum table table, uint64_t *count);

/**
 * Case keys.  A new one is random and durable before this returns; if the
 * transaction is not committed, another gets it.
 * Errors: HF_FULL, HF_KEYSLOT
 */
HF_MUST_USE enum hf_err store_key_new(struct txn *t, uint32_t *slot);
/** Errors: HF_ERASED (overwritten), HF_KEYSLOT */
HF_MUST_USE enum hf_err store_key_get(
    struct txn *t, uint32_t slot, uint8_t key[HF_KEY_SIZE]);
/** Overwrite the keys in these slots and sync, once for all of them.  Call
 * only after the intent is committed.  Errors: HF_KEYSLOT */
HF_MUST_USE enum hf_err store_keys_destroy(
    struct store *s, const uint32_t *slots, unsigned count);
/** Which store a transaction is of. */
struct store *txn_store(struct txn *t);

#endif
