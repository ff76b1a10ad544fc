#include "tests/support/vectors.h"

#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *vectors_load(const char *name)
{
	char path[256];
	json_error_t e;
	json_t *root;

	snprintf(path, sizeof(path), "proto/vectors/%s", name);
	root = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
	cr_assert(root != NULL, "%s:%d: %s", path, e.line, e.text);
	return root;
}

json_t *vectors_get(const json_t *row, const char *key)
{
	json_t *v = json_object_get(row, key);

	cr_assert(v != NULL, "vector without \"%s\"", key);
	return v;
}

const char *vectors_text(const json_t *row, const char *key)
{
	const char *s = json_string_value(vectors_get(row, key));

	cr_assert(s != NULL, "\"%s\" is no string", key);
	return s;
}

uint64_t vectors_uint(const json_t *row, const char *key)
{
	const json_t *v = vectors_get(row, key);

	cr_assert(json_is_integer(v) && json_integer_value(v) >= 0,
	    "\"%s\" is no unsigned integer", key);
	return (uint64_t)json_integer_value(v);
}

bool vectors_bool(const json_t *row, const char *key)
{
	const json_t *v = vectors_get(row, key);

	cr_assert(json_is_boolean(v), "\"%s\" is no boolean", key);
	return json_is_true(v);
}

uint8_t *vectors_bytes(const json_t *hex, size_t *size)
{
	const char *s = json_string_value(hex);
	uint8_t *out;

	cr_assert(s != NULL && strlen(s) % 2 == 0, "no hexadecimal string");
	*size = strlen(s) / 2;
	out = malloc(*size + 1);
	cr_assert(out != NULL);
	cr_assert(hf_hex_read(out, *size, s, strlen(s)) == HF_OK,
	    "no hexadecimal: %s", s);
	return out;
}

void vectors_copy(const json_t *row, const char *key, void *out, size_t size)
{
	size_t got;
	uint8_t *bytes = vectors_bytes(vectors_get(row, key), &got);

	cr_assert_eq(
	    got, size, "\"%s\" has %zu bytes, not %zu", key, got, size);
	memcpy(out, bytes, size);
	free(bytes);
}
