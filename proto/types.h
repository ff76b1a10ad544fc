/*
 * types: the small shapes that everything shares.
 *
 * A moment is a struct instant, never a bare number; ids, keys and digests
 * are distinct structs, so that the compiler tells them apart.
 */
#ifndef HF_PROTO_TYPES_H
#define HF_PROTO_TYPES_H

#include "proto/err.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Milliseconds since 1970-01-01T00:00:00Z; 0 means "none". */
struct instant {
	uint64_t ms;
};

struct hf_hash {
	uint8_t b[HF_HASH_SIZE];
};
struct hf_key {
	uint8_t b[HF_KEY_SIZE];
};
struct hf_id {
	uint8_t b[HF_ID_SIZE];
};
struct hf_sig {
	uint8_t b[HF_SIG_SIZE];
};

/** Borrowed bytes.  `data` may be NULL when `size` is 0. */
struct hf_bytes {
	const uint8_t *data;
	size_t size;
};

/** "JP" and the NUL. */
struct hf_country {
	char s[HF_COUNTRY_SIZE + 1];
};
/** "jp.ncp" and the NUL. */
struct hf_desk {
	char s[HF_DESK_MAX + 1];
};

#endif
