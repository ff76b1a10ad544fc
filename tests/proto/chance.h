/*
 * chance: repeatable random numbers for tests (splitmix64).  A test names the
 * seed of the round that failed; the seed alone repeats it.
 */
#ifndef HF_TESTS_CHANCE_H
#define HF_TESTS_CHANCE_H

#include <stddef.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline uint64_t chance_next(struct chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/** Below `limit`, which is not 0. */
static inline uint64_t chance_below(struct chance *c, uint64_t limit)
{
	return chance_next(c) % limit;
}

static inline void chance_fill(struct chance *c, void *out, size_t size)
{
	uint8_t *p = out;

	while (size-- > 0)
		*p++ = (uint8_t)chance_next(c);
}

#endif
