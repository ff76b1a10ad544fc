/*
 * roster: the newest valid document of every country trusted here.
 *
 * In memory, read-mostly.  Time comes in as an argument.
 */
#ifndef HF_KEYS_ROSTER_H
#define HF_KEYS_ROSTER_H

#include "keys/country.h"
#include "proto/ledger.h"

struct roster; /* opaque */

struct roster *roster_new(void);
void roster_free(struct roster *r);

/** Pin a root; HF_OK also when the same root is pinned already, HF_DOC_CONFLICT
 * for another root of that country. */
HF_MUST_USE enum hf_err roster_pin(
    struct roster *r, struct hf_country c, const struct hf_key *root);
const struct hf_key *roster_root(const struct roster *r, struct hf_country c);
/** Needs no memory. */
void roster_unpin(struct roster *r, struct hf_country c);

/**
 * Check a document against the pinned root and put it in force when newer.
 * *country, *version  out, also on HF_DOC_OLD and HF_DOC_CONFLICT
 * A stripped copy never replaces a whole one of the same version; a whole
 * one replaces a stripped one.  A document past its end stays in force.
 * Errors: 1xxx, HF_ROOT_UNKNOWN, HF_DOC_INVALID, HF_DOC_OLD,
 * HF_DOC_CONFLICT, HF_KEY_CLAIMED (a broker's transport key that another
 * country's document in force names: roster_rival; SPEC 7.6), HF_NOMEM
 */
HF_MUST_USE enum hf_err roster_add(struct roster *r, const void *bytes,
    size_t size, struct hf_country *country, uint32_t *version);
/** Whose broker's key the document named that was refused last with
 * HF_KEY_CLAIMED. */
struct hf_country roster_rival(const struct roster *r);
const struct country_doc *roster_doc(
    const struct roster *r, struct hf_country c);
/** i-th country in force, NULL past the end. */
const struct country_doc *roster_at(const struct roster *r, unsigned i);

/* What is lent below lives until the roster changes; NULL if unknown. */

/* A key speaks for a country by that country's own document; what another
 * country's says of the same key is no matter (SPEC 7.6). */

const struct officer_entry *roster_officer(
    const struct roster *r, struct hf_country c, const struct hf_key *sign_key);
/** Where nothing but the key is known (a cite).  NULL also when the documents
 * of two countries name it. */
const struct officer_entry *roster_officer_anywhere(
    const struct roster *r, const struct hf_key *sign_key);
const struct officer_entry *roster_officer_by_transport(const struct roster *r,
    struct hf_country c, const struct hf_key *transport);
/** Of an officer's signing key or a ledger key. */
const struct revocation_entry *roster_revocation(
    const struct roster *r, struct hf_country c, const struct hf_key *key);
/**
 * May this key speak for `c` at `at`?  *officer: NULL when unknown, else its
 * entry, also on the other errors.  Errors: HF_UNKNOWN_OFFICER, HF_REVOKED,
 * HF_EXPIRED_KEY
 */
HF_MUST_USE enum hf_err roster_officer_check(const struct roster *r,
    struct hf_country c, const struct hf_key *sign_key, struct instant at,
    const struct officer_entry **officer);
/** The same for what is to happen now, by a clock that may have gone back: a
 * revocation counts from then on that a document was issued after it. */
HF_MUST_USE enum hf_err roster_officer_now(const struct roster *r,
    struct hf_country c, const struct hf_key *sign_key, struct instant now,
    const struct officer_entry **officer);
/**
 * A receipt of this country's ledger: its head is signed by the ledger key of
 * the epoch that it names, which is the leaf's or a later one (SPEC 6.4).
 * Then compare its leaf (hf_receipt_is_for).
 * Errors: HF_CHECKPOINT (also: no such key), HF_PROOF
 */
HF_MUST_USE enum hf_err roster_receipt_check_known(const struct roster *r,
    struct hf_country c, const struct hf_receipt *receipt,
    struct hf_known_heads *known, uint64_t *tree_size);
HF_MUST_USE enum hf_err roster_receipt_check(const struct roster *r,
    struct hf_country c, const struct hf_receipt *receipt, uint64_t *tree_size);
const struct desk_entry *roster_desk(
    const struct roster *r, const struct hf_desk *desk);
const struct broker_entry *roster_broker(
    const struct roster *r, struct hf_country c);
/** The ledger key of an epoch of a country. */
const struct hf_key *roster_ledger_key(
    const struct roster *r, struct hf_country c, uint32_t epoch);
const struct broker_entry *roster_broker_by_transport(const struct roster *r,
    const struct hf_key *transport, struct hf_country *country);
const struct hf_profile *roster_profile(
    const struct roster *r, struct hf_country c, unsigned basis);
/** By digest, over all countries, the documents that newer ones replaced, and
 * built-in ones; NULL if unknown. */
const struct hf_profile *roster_profile_by_digest(
    const struct roster *r, const struct hf_hash *digest);
/** Sealed desk secret of (desk, epoch) for an officer, NULL if none. */
const struct wrap_entry *roster_wrap(const struct roster *r,
    const struct hf_desk *desk, uint32_t epoch, const struct hf_key *officer);
unsigned roster_approvals(const struct roster *r, struct hf_country c,
    unsigned kind, unsigned measure); /* 1 when none is named */

#endif
