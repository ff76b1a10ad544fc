/*
 * sites: which call of a program is it, told by the functions that made it.
 *
 * Rigs that let each call fail in turn ask whether one that was called in the
 * same way has failed already, in any test of the run.
 */
#ifndef HF_TESTS_SITES_H
#define HF_TESTS_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SITE_WAY 6u

/** Anonymous memory that a child shares; it lives as long as the process. */
void *sites_memory(size_t size);
/** Before the others: what is known is shared by all tests of this run. */
void sites_open(void);
/** Who called the caller's caller, the nearest first, as offsets in the
 * program (for addr2line); the first `ways` of them, and `call`, make the
 * site.  It may allocate. */
uint32_t site_of(unsigned call, unsigned ways, uintptr_t offset[SITE_WAY]);
/** Was it new?  It is known from now on. */
bool site_is_new(uint32_t site);
/** The offsets as text; borrows until the next call. */
const char *site_text(const uintptr_t offset[SITE_WAY]);

#endif
