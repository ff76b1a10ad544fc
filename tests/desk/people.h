/*
 * people: what the people of the office do in many tests.
 */
#ifndef HF_TESTS_PEOPLE_H
#define HF_TESTS_PEOPLE_H

#include "tests/desk/program.h"

/** The file of a form that no other test's is like, with these members more
 * (", \"a\": 1", NULL: none); of an instrument. */
const char *form(const char *more);
const char *instrument(void);
/** A request for preservation (kind NULL) or of another kind under the
 * exercise profile; its reference, which the caller frees. */
char *new_request(const char *who, const char *to, const char *kind);

/** An order of one provider for it; the same. */
char *new_order(const char *who, const char *ref, const char *to);
/** The office opens, and from now on each run that ends well is spoilt. */
void people_begin(void);

#endif
