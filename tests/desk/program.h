/*
 * program: `holdfast` run in this process by a person of the office.
 */
#ifndef HF_TESTS_PROGRAM_H
#define HF_TESTS_PROGRAM_H

#include "tests/desk/office.h"

/** What it said, until the next run. */
struct said {
	int status;
	const char *out, *err;
};

/** A file in the directory where commands put and find theirs; lends one of
 * sixteen in turn. */
const char *work(const char *name);
/** Write a file there, whose path is returned as by work(). */
const char *work_file(const char *name, const char *text);

/** As this desk's officer (NULL: without a home); the arguments end with
 * NULL. */
struct said run(const char *who, ...) __attribute__((sentinel));
struct said run_list(const char *who, const char *const *args);
/** The same, which must end well. */
struct said ok(const char *who, ...) __attribute__((sentinel));
/** The same, which must end with this status and name this error or words. */
struct said refused(int status, const char *words, const char *who, ...)
    __attribute__((sentinel));
/** The value of a string of the last run's JSON, in one of four buffers. */
const char *told(const struct said *s, const char *name);

/** The next runs have this on standard input; NULL: nothing. */
void program_stdin(const char *text);
/** The next runs are on a terminal. */
void program_terminal(bool on);

/**
 * The same as ok(), and before it, each time in a process of its own and with
 * the files as they were: with each call that may fail failing once.  Such a
 * run says what the other says, or ends with an error that is told; it leaves
 * no half of a file and nothing temporary.
 */
struct said spoilt(const char *who, ...) __attribute__((sentinel));
/** Do that with each run() that ends well, in this process. */
extern bool program_spoils;

#endif
