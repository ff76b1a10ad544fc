/*
 * text: building short ASCII and UTF-8 texts in a fixed buffer, and strict
 * decimals, where stdio has no place.
 */
#ifndef HF_PROTO_TEXT_H
#define HF_PROTO_TEXT_H

#include "proto/types.h"

/** A text being built.  It is NUL-terminated after every call; what does
 * not fit sets `full`, which sticks, and nothing more is written. */
struct text {
	char *out;
	size_t capacity; /* bytes, the NUL counted; at least 1 */
	size_t at;       /* bytes written, the NUL not counted */
	bool full;
};

void text_init(struct text *t, char *out, size_t capacity);
void text_add(struct text *t, const char *s); /* NUL-terminated */
void text_add_bytes(struct text *t, const void *data, size_t size);
void text_add_char(struct text *t, char c);
/** Decimal, with leading zeros up to `width` digits (0 or 1: none). */
void text_add_uint(struct text *t, uint64_t v, unsigned width);

/** Read all `size` bytes as a decimal of at most `max`: digits only, no
 * leading zero but of "0" itself.  *v is unchanged on false. */
HF_MUST_USE bool text_read_uint(
    uint64_t *v, const void *digits, size_t size, uint64_t max);

#endif
