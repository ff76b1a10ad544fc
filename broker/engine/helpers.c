/* Small helpers of the engine: byte order, keys of rows, comparisons. */
#include "broker/engine/intake.h"

#include <assert.h>
#include <string.h>

struct hf_bytes bytes_of(const void *data, size_t size)
{
	return (struct hf_bytes){data, size};
}

void put_be64(uint8_t out[8], uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
}

uint64_t get_be64(const uint8_t in[8])
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | in[i];
	return v;
}

void put_be32(uint8_t out[4], uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> (24 - 8 * i));
}

uint32_t get_be32(const uint8_t in[4])
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++)
		v = v << 8 | in[i];
	return v;
}

struct hf_bytes packed(const struct pack *p)
{
	assert(p->err == HF_OK);
	return bytes_of(p->data, p->at);
}

bool id_is_zero(const struct hf_id *id)
{
	static const struct hf_id zero;

	return memcmp(id->b, zero.b, sizeof(zero.b)) == 0;
}

void row_add(struct row_key *k, const void *data, size_t size)
{
	assert(size <= sizeof(k->b) - k->size);
	memcpy(k->b + k->size, data, size);
	k->size += size;
}

void row_add_u8(struct row_key *k, unsigned v)
{
	uint8_t b = (uint8_t)v;

	assert(v <= UINT8_MAX);
	row_add(k, &b, sizeof(b));
}

void row_add_be32(struct row_key *k, uint32_t v)
{
	uint8_t b[4];

	put_be32(b, v);
	row_add(k, b, sizeof(b));
}

void row_add_be64(struct row_key *k, uint64_t v)
{
	uint8_t b[8];

	put_be64(b, v);
	row_add(k, b, sizeof(b));
}

struct hf_bytes row_bytes(const struct row_key *k)
{
	return bytes_of(k->b, k->size);
}

bool same_id(const struct hf_id *a, const struct hf_id *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool same_key(const struct hf_key *a, const struct hf_key *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool same_hash(const struct hf_hash *a, const struct hf_hash *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool same_desk(const struct hf_desk *a, const struct hf_desk *b)
{
	return strcmp(a->s, b->s) == 0;
}

bool same_country(const struct hf_country *a, const struct hf_country *b)
{
	return strcmp(a->s, b->s) == 0;
}

bool desk_is_ours(const struct engine *e, const struct hf_desk *desk)
{
	struct hf_country c = hf_desk_country(desk);

	return same_country(&c, &e->options.country);
}

bool is_there(struct engine *e, enum hf_err err)
{
	if (err != HF_OK && err != HF_NOTFOUND)
		e->fault = err;
	return err == HF_OK;
}

bool is_refusal(enum hf_err err)
{
	return err != HF_OK && (hf_err_info(err)->class == HF_CLASS_PEER ||
				   err == HF_PAST_MISSING || err == HF_BUSY ||
				   err == HF_NEARLY_FULL);
}
