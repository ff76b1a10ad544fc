/*
 * registry: one country's root, registrars and entries, and the documents
 * they make, for tests of documents and rosters.
 */
#ifndef HF_TESTS_KEYS_REGISTRY_H
#define HF_TESTS_KEYS_REGISTRY_H

#include "keys/roster.h"

#include <stdlib.h>

#define REGISTRARS 3u
#define REGISTRY_ENTRIES 24u
#define DAY_MS UINT64_C(86400000)
#define NOW UINT64_C(1795258923250) /* all documents are issued here */

struct registry {
	struct hf_country country;
	struct secret *root;
	struct secret *registrars[REGISTRARS];
	uint8_t certificate[1024];
	size_t certificate_size;
	struct country_entry entries[REGISTRY_ENTRIES];
	unsigned count;
};

/** A built document, malloc'ed. */
struct blob {
	uint8_t *data;
	size_t size;
};

/** Fresh keys and a certificate of `threshold` of the registrars. */
void registry_init(struct registry *r, const char *country, unsigned threshold);
void registry_release(struct registry *r);
struct hf_key registry_root(const struct registry *r);

/** A new entry with good values throughout; the test changes what it wants. */
struct country_entry *registry_broker(struct registry *r, uint32_t epoch);
struct country_entry *registry_desk(
    struct registry *r, const char *desk, bool domestic);
struct country_entry *registry_officer(
    struct registry *r, const char *desk, bool domestic);
struct country_entry *registry_revocation(
    struct registry *r, const struct hf_key *key, uint64_t revoked_ms);
struct country_entry *registry_profile(struct registry *r, const char *name);
struct country_entry *registry_wrap(
    struct registry *r, const char *desk, const struct hf_key *officer);
struct country_entry *registry_approval(
    struct registry *r, unsigned kind, unsigned measure, unsigned needed);
/** One entry of every type, some of them domestic. */
void registry_fill(struct registry *r);

/** Build over the entries, signed by all registrars; must succeed. */
struct blob registry_build(const struct registry *r,
    const struct country_doc *previous, uint32_t version);
/** Open against the registry's own root; must succeed. */
struct country_doc *registry_open(
    const struct registry *r, const struct blob *b);
/** The copy for abroad of a document; must succeed. */
struct blob registry_strip(const struct registry *r, const struct blob *b);

#endif
