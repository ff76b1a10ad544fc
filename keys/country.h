/*
 * country: country documents (SPEC 7): reading, checking, building.
 *
 * A document as held: its bytes (owned) and views into them.
 */
#ifndef HF_KEYS_COUNTRY_H
#define HF_KEYS_COUNTRY_H

#include "keys/secret.h"
#include "proto/profile.h"
#include "proto/types.h"

enum entry_type { /* SPEC 7.3 */
	ENTRY_BROKER = 1,
	ENTRY_DESK = 2,
	ENTRY_OFFICER = 3,
	ENTRY_REVOCATION = 4,
	ENTRY_PROFILE = 5,
	ENTRY_WRAP = 6,
	ENTRY_APPROVAL = 7,
};
enum desk_type {
	DESK_CONTACT_POINT = 1,
	DESK_AUTHORISER,
	DESK_CENTRAL_AUTHORITY,
	DESK_PROVIDER,
	DESK_AUDITOR,
	DESK_OVERSIGHT,
	DESK_OPERATOR,
};
enum officer_role {
	ROLE_DUTY = 1,
	ROLE_LIAISON,
	ROLE_AUTHORISER,
	ROLE_AUDITOR,
	ROLE_OPERATOR,
};

#define ENDPOINT_MAX 4u
#define ENDPOINT_TEXT_MAX 96u
#define MEANS_MAX 6u
#define LANGUAGE_MAX 8u
#define TEXT_SHORT 96u /* bytes of names, numbers, hours in an entry */

struct broker_entry {
	struct hf_key transport, ledger;
	uint32_t epoch;
	unsigned endpoint_count;
	char endpoints[ENDPOINT_MAX][ENDPOINT_TEXT_MAX];
	struct instant valid_from, valid_until;
	bool has_witness;
	struct hf_key witness;
};
struct desk_entry {
	struct hf_desk desk;
	unsigned type;
	char name[TEXT_SHORT];
	struct hf_key sealing;
	uint32_t epoch;
	unsigned language_count;
	char languages[LANGUAGE_MAX][12];
	char telephone[TEXT_SHORT];
	unsigned means_count;
	char means[MEANS_MAX][TEXT_SHORT];
	char hours[TEXT_SHORT], zone[TEXT_SHORT];
};
struct officer_entry {
	struct hf_key sign;
	struct hf_desk desk;
	unsigned role;
	struct instant valid_from, valid_until;
	struct hf_key transport, unwrap;
	char name[TEXT_SHORT];
};
struct revocation_entry {
	struct hf_key key;
	struct instant since, revoked;
	unsigned reason;
};
struct wrap_entry {
	struct hf_desk desk;
	uint32_t epoch;
	struct hf_key officer;
	uint8_t sealed[HF_SEALED_KEY_SIZE];
};
struct approval_entry {
	unsigned kind, measure, needed;
};
struct country_entry {
	unsigned type;
	bool domestic;
	union {
		struct broker_entry broker;
		struct desk_entry desk;
		struct officer_entry officer;
		struct revocation_entry revocation;
		struct hf_profile profile; /* entry's basis = profile.basis */
		struct wrap_entry wrap;
		struct approval_entry approval;
	} u;
};
/** What would not decode is not written.  Errors: HF_TOO_BIG (HF_ENTRY_MAX,
 * capacity), those of the decoder */
HF_MUST_USE enum hf_err country_entry_encode(const struct country_entry *e,
    const uint8_t salt[HF_SALT_SIZE], uint8_t *out, size_t capacity,
    size_t *size);
/** Strict.  domestic: which list it stands in.  Errors: 1xxx */
HF_MUST_USE enum hf_err country_entry_decode(
    struct country_entry *e, const void *data, size_t size, bool domestic);

struct country_head {
	struct hf_country country;
	uint32_t version;
	struct hf_hash prev;
	struct instant valid_from, valid_until, issued;
	uint32_t abroad_count, domestic_count;
	struct hf_hash abroad_root, domestic_root;
};

/** A checked document. */
struct country_doc {
	uint8_t *bytes; /* owned */
	size_t size;
	struct hf_key root;
	struct country_head head;
	struct hf_hash head_digest;
	unsigned threshold, registrar_count;
	struct hf_key registrars[HF_REGISTRAR_MAX];
	bool has_domestic;
	unsigned entry_count;
	struct country_entry *entries; /* owned; abroad first */
};

/**
 * Parse and verify everything (SPEC 7.5) against the pinned root.
 * bytes  copied
 * Errors: 1xxx, HF_DOC_INVALID (which rule: *clause), HF_NOMEM
 */
HF_MUST_USE enum hf_err country_doc_open(struct country_doc **out,
    const void *bytes, size_t size, const struct hf_key *root,
    unsigned *clause);
void country_doc_free(struct country_doc *d);
/** The same document without domestic entries (for abroad); *out is
 * malloc'ed, the caller frees it. */
HF_MUST_USE enum hf_err country_doc_strip(
    const struct country_doc *d, uint8_t **out, size_t *size);
/** The certificate as country_build takes it: [certificate, signature], so
 * that registrars go on without the root.  Errors: HF_TOO_BIG */
HF_MUST_USE enum hf_err country_doc_certificate(
    const struct country_doc *d, uint8_t *out, size_t capacity, size_t *size);
/**
 * Proof that one entry stands in the head, for an auditor (SPEC 7.2): the
 * array [head bin, domestic bool, index in its list, entry bin, path bin].
 * Errors: HF_RANGE (not in this copy), HF_TOO_BIG, HF_NOMEM
 */
HF_MUST_USE enum hf_err country_entry_proof(const struct country_doc *d,
    unsigned entry, uint8_t *out, size_t capacity, size_t *size);

/**
 * Read such a proof against the document, which may be a stripped copy.
 * Errors: 1xxx, HF_PROOF (another head, or not in its list)
 */
HF_MUST_USE enum hf_err country_entry_check(const struct country_doc *d,
    const void *proof, size_t size, struct country_entry *entry);

/* Building (registrar's side; `holdfast country`). */

/** Certificate signed by the root: the array [certificate, signature]. */
HF_MUST_USE enum hf_err country_certify(struct hf_country country,
    unsigned threshold, const struct hf_key *registrars, unsigned count,
    struct instant from, struct instant until, uint32_t serial,
    const struct secret *root, uint8_t *out, size_t capacity, size_t *size);
/**
 * A whole document of version `version` over `entries`, signed by the given
 * registrars (at least the threshold; the caller opens what was built).
 * previous  NULL for version 1; else version is higher than its version
 * Errors: HF_RANGE (version, count of signers, an entry), HF_TOO_MANY,
 * HF_TOO_BIG, HF_NOMEM
 * *out      malloc'ed
 */
HF_MUST_USE enum hf_err country_build(struct hf_bytes certificate,
    const struct country_doc *previous, uint32_t version,
    const struct country_entry *entries, unsigned count, struct instant issued,
    struct instant until, struct secret *const *registrars, unsigned signers,
    uint8_t **out, size_t *size);

#endif
