/*
 * be: numbers as big-endian bytes, so that keys of a spill sort by them.
 */
#ifndef HF_CLIENT_BE_H
#define HF_CLIENT_BE_H

#include <stdint.h>

static inline void be_put(uint8_t *out, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		out[i] = (uint8_t)(v >> (8 * (size - 1 - i)));
}

static inline uint64_t be_get(const uint8_t *in, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v = v << 8 | in[i];
	return v;
}

#endif
