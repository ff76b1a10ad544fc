/*
 * country_build: the entries of a new country document (SPEC 7.3), from a
 * JSON description or from the document in force.
 *
 * Sealing keys of desks are made here: a desk keeps its key as long as
 * exactly its officers of today have it; otherwise it gets a new epoch,
 * wrapped to each officer who is not revoked.  Old wraps stay, so that old
 * bodies can be read.
 */
#ifndef HF_CLIENT_COUNTRY_BUILD_H
#define HF_CLIENT_COUNTRY_BUILD_H

#include "keys/country.h"

#include <jansson.h>
#include <stdbool.h>

#define BUILDING_ENTRIES_MAX 1024u

/** The caller fills what stands above entries. */
struct building {
	json_t *spec;                       /* building_from_spec only */
	const struct country_doc *previous; /* NULL: version 1 */
	struct instant now, until;
	struct hf_country country;
	struct country_entry *entries; /* room for BUILDING_ENTRIES_MAX */
	unsigned count;
	char problem[200]; /* where false was returned: what is wrong */
};
/** All entries as b->spec says. */
HF_MUST_USE bool building_from_spec(struct building *b);
/** Those of b->previous and the revocation of an officer's signing key.
 * since  compromised since: what was signed later is void */
HF_MUST_USE bool building_revoke(
    struct building *b, const struct hf_key *key, struct instant since);
/** A text member of o, "" when absent. */
const char *spec_text(json_t *o, const char *key);

#endif
