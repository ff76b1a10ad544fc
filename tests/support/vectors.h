/*
 * vectors: reading proto/vectors/ in tests.  Every function fails the test
 * that called it, with the name of what is wrong, rather than return an
 * error.
 */
#ifndef HF_TESTS_VECTORS_H
#define HF_TESTS_VECTORS_H

#include "proto/types.h"

#include <jansson.h>

/** Load proto/vectors/<name>; the tests run in the top folder.  The caller
 * owns it (json_decref). */
json_t *vectors_load(const char *name);

/** A member that must be there. */
json_t *vectors_get(const json_t *row, const char *key);
const char *vectors_text(const json_t *row, const char *key);
uint64_t vectors_uint(const json_t *row, const char *key);
bool vectors_bool(const json_t *row, const char *key);

/** Bytes of a hexadecimal string.  The caller frees them; never NULL. */
uint8_t *vectors_bytes(const json_t *hex, size_t *size);
/** The same of a member of exactly `size` bytes. */
void vectors_copy(const json_t *row, const char *key, void *out, size_t size);

#endif
