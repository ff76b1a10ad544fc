/*
 * case_keys: the keys of cases in fixed slots of a file of their own.
 *
 * A key table inside LMDB cannot be erased (30 of 1,000 deleted keys stayed
 * readable); a slot here is overwritten in place and synced.  A slot is
 * [state 1, zeros 7, key 32, check 24]; the check tells a torn write.
 */
#ifndef HF_STORE_CASE_KEYS_H
#define HF_STORE_CASE_KEYS_H

#include "proto/types.h"

struct case_keys;

/** Open or create DIR/case.keys (0600) with at least `slots` slots.
 * Errors: HF_FILE, HF_KEYSLOT, HF_NOMEM */
HF_MUST_USE enum hf_err case_keys_open(
    struct case_keys **out, const char *dir, uint32_t slots);
void case_keys_close(struct case_keys *k); /* NULL is fine */
/** The first slot that no committed transaction has taken; without this
 * call: the first that was never written. */
void case_keys_begin(struct case_keys *k, uint32_t next);
/** What case_keys_begin is to be told after this transaction. */
uint32_t case_keys_next(const struct case_keys *k);
/** A slot with a fresh random key that is durable.
 * Errors: HF_FULL (no room for more), HF_KEYSLOT */
HF_MUST_USE enum hf_err case_keys_new(struct case_keys *k, uint32_t *slot);
/** Errors: HF_ERASED, HF_KEYSLOT (damaged) */
HF_MUST_USE enum hf_err case_keys_get(
    struct case_keys *k, uint32_t slot, uint8_t key[HF_KEY_SIZE]);
/** Overwrite with zeros, mark as destroyed; case_keys_sync makes it last. */
HF_MUST_USE enum hf_err case_keys_destroy(struct case_keys *k, uint32_t slot);
/** Sync what was destroyed (nothing: no system call). */
HF_MUST_USE enum hf_err case_keys_sync(struct case_keys *k);
/** The transaction was committed, or was not: its keys are handed out again. */
void case_keys_keep(struct case_keys *k);
void case_keys_forget(struct case_keys *k);

/**
 * Make TO/case.keys (0600; created if missing) hold what FROM/case.keys holds
 * in the slots that `wanted` says yes to, and nothing of any other: what was
 * destroyed there is overwritten here, in place, and synced.  Whoever ends it
 * half-way leaves a file whose every slot is right, old or new.
 * wanted   NULL: every slot
 * Errors: HF_FILE
 */
HF_MUST_USE enum hf_err case_keys_copy(const char *from, const char *to,
    bool (*wanted)(void *ctx, uint32_t slot), void *ctx);

#endif
