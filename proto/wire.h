/*
 * wire: the strict canonical reader of SPEC 1.
 *
 * Pull decoder over borrowed bytes: no allocation, no recursion, no trust in
 * a length.  The first error sticks; later calls do nothing and return zero
 * values, so a caller reads a whole schema and checks once at the end with
 * wire_finish.  Everything read borrows from the frame.
 */
#ifndef HF_PROTO_WIRE_H
#define HF_PROTO_WIRE_H

#include "proto/types.h"

struct wire {
	const uint8_t *data;
	size_t size;
	size_t at;
	unsigned values;             /* read so far, bounded */
	unsigned depth;              /* open containers */
	unsigned left[HF_DEPTH_MAX]; /* members (keys of a map) still to come */
	int last_key[HF_DEPTH_MAX];  /* of an open map; -1 before the first */
	bool is_map[HF_DEPTH_MAX];
	bool has_key[HF_DEPTH_MAX]; /* of an open map: its value is due */
	enum hf_err err;
};

enum wire_kind {
	WIRE_UINT,
	WIRE_INT,
	WIRE_BIN,
	WIRE_STR,
	WIRE_ARRAY,
	WIRE_MAP,
	WIRE_BOOL,
	WIRE_NIL,
	WIRE_END,
	WIRE_BAD
};

void wire_init(struct wire *w, const void *data, size_t size);
/** Kind of the next value without taking it. */
enum wire_kind wire_peek(const struct wire *w);
/** Record `err` if none stands yet. */
void wire_fail(struct wire *w, enum hf_err err);

uint64_t wire_uint(struct wire *w, uint64_t max); /* HF_RANGE above max */
int64_t wire_int(struct wire *w, int64_t min, int64_t max);
bool wire_bool(struct wire *w);
void wire_nil(struct wire *w);
struct hf_bytes wire_bin(struct wire *w, size_t min, size_t max);
/** Exactly `size` bytes copied to out. */
void wire_bin_copy(struct wire *w, void *out, size_t size);
struct hf_bytes wire_str(struct wire *w, size_t min, size_t max);
struct instant wire_time(struct wire *w);
struct hf_country wire_country(struct wire *w);
struct hf_desk wire_desk(struct wire *w);

/** Open a container; the count of members or pairs.  wire_close checks that
 * all of them were read.  A container with nothing left must be closed too. */
unsigned wire_array(struct wire *w, unsigned min, unsigned max);
unsigned wire_map(struct wire *w, unsigned max);
/** Next key of the open map, or -1 when all pairs were read. */
int wire_key(struct wire *w);
void wire_close(struct wire *w);
/** Take any one canonical value, whatever it is; its raw bytes. */
struct hf_bytes wire_skip(struct wire *w);
/** The whole frame read, nothing left open, no error. */
HF_MUST_USE enum hf_err wire_finish(struct wire *w);

/** Strict UTF-8 of SPEC 1.2. */
bool wire_utf8_ok(const uint8_t *text, size_t size);
bool hf_country_ok(const char *s, size_t size); /* two capital letters */
bool hf_desk_ok(const char *s, size_t size);
/** Country of a desk: "jp.ncp" gives "JP". */
struct hf_country hf_desk_country(const struct hf_desk *desk);

#endif
