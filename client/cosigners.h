/*
 * cosigners: are the cosignatures of a note (SPEC 6.6) true, by witnesses
 * that the documents of their time name?
 */
#ifndef HF_CLIENT_COSIGNERS_H
#define HF_CLIENT_COSIGNERS_H

#include "keys/roster.h"

#define COSIGNERS_TEXT 96u

struct cosigners; /* opaque */

/** NULL: no memory. */
struct cosigners *cosigners_new(void);
void cosigners_free(struct cosigners *c);
/** The witnesses that this document names; each version of a country's may be
 * added, in any order.  Borrows nothing.
 * complete  all versions are added: a key counts from the issue of the first
 *           that names it; else from its own beginning
 * Errors: HF_NOMEM */
HF_MUST_USE enum hf_err cosigners_add(
    struct cosigners *c, const struct country_doc *d, bool complete);

/** What a note's cosignatures are worth. */
struct cosigned {
	unsigned witnesses;           /* whose cosignature is true */
	unsigned unknown;             /* by keys that nothing here names */
	char problem[COSIGNERS_TEXT]; /* the first; empty: none */
};
/**
 * Every signature line but those of the log itself, of a note that
 * hf_checkpoint_verify took.
 * entered      when the newest entry known to be under the head entered: who
 *              cosigned before (clocks' errors allowed for) saw another head
 * revocations  the newest documents; may be NULL
 */
struct cosigned cosigners_judge(const struct cosigners *c, struct hf_bytes note,
    struct instant entered, const struct roster *revocations);

#endif
