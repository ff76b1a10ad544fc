/*
 * terminal: a child process on a terminal of its own, and somebody who types.
 */
#ifndef HF_TESTS_TERMINAL_H
#define HF_TESTS_TERMINAL_H

#include <stddef.h>

/**
 * Run `body` in a child whose terminal (/dev/tty) gets the line `typed` once
 * something stands there; NULL: a child without a terminal.
 * seen     what stood there in the end: the prompt, and what was echoed
 * Returns the status of the child, which is what `body` returned.
 */
int on_terminal(const char *typed, int (*body)(void *ctx), void *ctx,
    char *seen, size_t capacity);

#endif
