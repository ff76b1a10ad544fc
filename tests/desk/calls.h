/*
 * calls: what the program asks of the machine and of its broker, each of
 * which can be made to fail once.
 *
 * A run is recorded: the chance it drew and what its broker answered.  It is
 * repeated in a child with both, first to see its calls, then with one of
 * them failing.  A call is known by its place and the functions that led to
 * it; one that has failed already is not made to fail again.  HF_SPOILT=1:
 * every one; else one of CALLS_EVERY, by its place.
 */
#ifndef HF_TESTS_CALLS_H
#define HF_TESTS_CALLS_H

#include <stdbool.h>

#define CALLS_EVERY 16u

/** The next run is recorded, until calls_done. */
void calls_record(void);
void calls_done(void);
/** In a child: from now on as recorded, and the `at`-th call from 1 on fails;
 * 0: none does, and calls are noted. */
void calls_replay(unsigned at);
/** Run it in a child that notes its calls; how many. */
unsigned calls_watch(int (*apart)(const char *who, const char *const *args,
			 unsigned at, int out, int err),
    const char *who, const char *const *args);
/** Of the calls that were noted: has it not failed yet?  It has now. */
bool calls_is_new(unsigned i);
/** "malloc, at 0x1234 0x5678" */
const char *calls_name(unsigned i);
/** May a run with it failing end well and say something else?  An answer
 * whose bytes were changed. */
bool calls_may_differ(unsigned i);

/** The next runs are on a terminal. */
void calls_terminal(bool on);

#endif
