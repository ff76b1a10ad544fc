/*
 * pack: msgpack-c's packer over a fixed buffer.  It already writes shortest
 * forms; the order of keys is the caller's.
 */
#include "proto/pack.h"

#include <msgpack/pack.h>
#include <string.h>

static int put(void *data, const char *bytes, size_t size)
{
	struct pack *p = data;

	if (p->err != HF_OK)
		return -1;
	if (size > p->size - p->at) {
		p->err = HF_TOO_BIG;
		return -1;
	}
	memcpy(p->data + p->at, bytes, size);
	p->at += size;
	return 0;
}

static msgpack_packer packer(struct pack *p)
{
	msgpack_packer m;

	msgpack_packer_init(&m, p, put);
	return m;
}

void pack_init(struct pack *p, void *out, size_t capacity)
{
	p->data = out;
	p->size = capacity;
	p->at = 0;
	p->err = HF_OK;
}

void pack_uint(struct pack *p, uint64_t v)
{
	msgpack_packer m = packer(p);

	msgpack_pack_uint64(&m, v);
}

void pack_int(struct pack *p, int64_t v)
{
	msgpack_packer m = packer(p);

	msgpack_pack_int64(&m, v);
}

void pack_bool(struct pack *p, bool v)
{
	msgpack_packer m = packer(p);

	if (v)
		msgpack_pack_true(&m);
	else
		msgpack_pack_false(&m);
}

void pack_nil(struct pack *p)
{
	msgpack_packer m = packer(p);

	msgpack_pack_nil(&m);
}

void pack_bin(struct pack *p, const void *data, size_t size)
{
	msgpack_packer m = packer(p);

	msgpack_pack_bin(&m, size);
	if (size > 0)
		msgpack_pack_bin_body(&m, data, size);
}

void pack_str(struct pack *p, const char *text, size_t size)
{
	msgpack_packer m = packer(p);

	msgpack_pack_str(&m, size);
	if (size > 0)
		msgpack_pack_str_body(&m, text, size);
}

void pack_text(struct pack *p, const char *text)
{
	pack_str(p, text, strlen(text));
}

void pack_array(struct pack *p, unsigned count)
{
	msgpack_packer m = packer(p);

	msgpack_pack_array(&m, count);
}

void pack_map(struct pack *p, unsigned count)
{
	msgpack_packer m = packer(p);

	msgpack_pack_map(&m, count);
}

void pack_raw(struct pack *p, struct hf_bytes raw)
{
	if (raw.size > 0)
		put(p, (const char *)raw.data, raw.size);
}

enum hf_err pack_finish(const struct pack *p, size_t *size)
{
	*size = p->at;
	return p->err;
}
