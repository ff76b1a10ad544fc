/*
 * pack: writing the canonical form with msgpack-c into a fixed buffer.
 *
 * The only door to msgpack.h.  The first error (buffer too small) sticks.
 * The caller writes map keys ascending; wire reads back what pack wrote.
 */
#ifndef HF_PROTO_PACK_H
#define HF_PROTO_PACK_H

#include "proto/types.h"

struct pack {
	uint8_t *data;
	size_t size; /* capacity */
	size_t at;   /* written */
	enum hf_err err;
};

void pack_init(struct pack *p, void *out, size_t capacity);
void pack_uint(struct pack *p, uint64_t v);
void pack_int(struct pack *p, int64_t v);
void pack_bool(struct pack *p, bool v);
void pack_nil(struct pack *p);
void pack_bin(struct pack *p, const void *data, size_t size);
void pack_str(struct pack *p, const char *text, size_t size);
void pack_text(struct pack *p, const char *text); /* NUL-terminated */
void pack_array(struct pack *p, unsigned count);
void pack_map(struct pack *p, unsigned count);
/** Raw bytes that are already canonical values. */
void pack_raw(struct pack *p, struct hf_bytes raw);
/** HF_OK and *size, or HF_TOO_BIG. */
HF_MUST_USE enum hf_err pack_finish(const struct pack *p, size_t *size);

#endif
