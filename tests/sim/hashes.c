/*
 * hashes: SHA-256 by the processor's own instructions where it has them,
 * behind libsodium's two calls (--wrap), because hashing is a sixth of a quiet
 * hour.  The first thousand messages of up to 1,000 bytes that a process hashes
 * are hashed by libsodium too, whole, and one in 4,096 after that.
 */
#include "tests/sim/sim.h"

#include <sodium.h>
#include <string.h>

int __real_crypto_hash_sha256_update(crypto_hash_sha256_state *s,
    const unsigned char *in, unsigned long long size);
int __wrap_crypto_hash_sha256_update(crypto_hash_sha256_state *s,
    const unsigned char *in, unsigned long long size);
int __real_crypto_hash_sha256_final(
    crypto_hash_sha256_state *s, unsigned char *out);
int __wrap_crypto_hash_sha256_final(
    crypto_hash_sha256_state *s, unsigned char *out);

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>

static const uint32_t rounds[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf,
    0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7,
    0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e,
    0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c,
    0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee,
    0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};

static bool has_instructions(void)
{
	static int known;
	unsigned a, b, c, d;

	if (known == 0)
		known = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
				(b & 1u << 29) != 0
			    ? 1
			    : -1;
	return known > 0;
}

/* The instructions want the words as ABEF and CDGH. */
__attribute__((target("sha,sse4.1,ssse3"))) static void blocks(
    uint32_t state[8], const uint8_t *in, size_t count)
{
	const __m128i order =
	    _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i t = _mm_loadu_si128((const __m128i *)(const void *)state);
	__m128i y = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
	__m128i x;

	t = _mm_shuffle_epi32(t, 0xb1);
	y = _mm_shuffle_epi32(y, 0x1b);
	x = _mm_alignr_epi8(t, y, 8);
	y = _mm_blend_epi16(y, t, 0xf0);
	for (; count > 0; count--, in += 64) {
		__m128i w[4], x0 = x, y0 = y;

		for (unsigned i = 0; i < 4; i++)
			w[i] = _mm_shuffle_epi8(
			    _mm_loadu_si128(
				(const __m128i *)(const void *)(in + 16 * i)),
			    order);
		for (unsigned i = 0; i < 16; i++) {
			__m128i now = w[i % 4], last = w[(i + 3) % 4];
			__m128i k = _mm_add_epi32(
			    now, _mm_loadu_si128(
				     (const __m128i *)(const void *)(rounds +
								     4 * i)));

			y = _mm_sha256rnds2_epu32(y, x, k);
			x = _mm_sha256rnds2_epu32(
			    x, y, _mm_shuffle_epi32(k, 0x0e));
			t = _mm_add_epi32(
			    _mm_sha256msg1_epu32(now, w[(i + 1) % 4]),
			    _mm_alignr_epi8(last, w[(i + 2) % 4], 4));
			w[i % 4] = _mm_sha256msg2_epu32(t, last);
		}
		x = _mm_add_epi32(x, x0);
		y = _mm_add_epi32(y, y0);
	}
	t = _mm_shuffle_epi32(x, 0x1b);
	y = _mm_shuffle_epi32(y, 0xb1);
	x = _mm_blend_epi16(t, y, 0xf0);
	y = _mm_alignr_epi8(y, t, 8);
	_mm_storeu_si128((__m128i *)(void *)state, x);
	_mm_storeu_si128((__m128i *)(void *)(state + 4), y);
}
#else
static bool has_instructions(void)
{
	return false;
}
static void blocks(uint32_t state[8], const uint8_t *in, size_t count)
{
	(void)state;
	(void)in;
	(void)count;
}
#endif

/* What the hash is of, when it is to be compared. */
static struct {
	uint64_t messages;
	const crypto_hash_sha256_state *of;
	size_t size;
	uint8_t bytes[1000];
} compared;

static void keep(
    const crypto_hash_sha256_state *s, const void *in, unsigned long long size)
{
	if (s->count == 0) {
		uint64_t n = compared.messages++;

		compared.of = n < 1000 || n % 4096 == 0 ? s : NULL;
		compared.size = 0;
	}
	if (compared.of != s)
		return;
	if (size > sizeof(compared.bytes) - compared.size) {
		compared.of = NULL;
		return;
	}
	memcpy(compared.bytes + compared.size, in, (size_t)size);
	compared.size += (size_t)size;
}

static void compare(const crypto_hash_sha256_state *s, const uint8_t *out)
{
	crypto_hash_sha256_state again;
	uint8_t expected[32];

	if (compared.of != s)
		return;
	compared.of = NULL;
	crypto_hash_sha256_init(&again);
	__real_crypto_hash_sha256_update(&again, compared.bytes, compared.size);
	__real_crypto_hash_sha256_final(&again, expected);
	if (memcmp(out, expected, sizeof(expected)) != 0)
		sim_fail("SHA-256 gives another value");
}

int __wrap_crypto_hash_sha256_update(crypto_hash_sha256_state *s,
    const unsigned char *in, unsigned long long size)
{
	size_t held = s->count / 8 % 64, take = 64 - held;

	if (!has_instructions())
		return __real_crypto_hash_sha256_update(s, in, size);
	keep(s, in, size);
	s->count += size * 8;
	if (held > 0 || size < 64) {
		if (take > size)
			take = (size_t)size;
		memcpy(s->buf + held, in, take);
		if (held + take < 64)
			return 0;
		blocks(s->state, s->buf, 1);
		in += take;
		size -= take;
	}
	blocks(s->state, in, (size_t)size / 64);
	memcpy(s->buf, in + size / 64 * 64, (size_t)size % 64);
	return 0;
}

static void final(crypto_hash_sha256_state *s, uint8_t out[32])
{
	size_t held = s->count / 8 % 64;

	s->buf[held++] = 0x80;
	if (held > 56) {
		memset(s->buf + held, 0, 64 - held);
		blocks(s->state, s->buf, 1);
		held = 0;
	}
	memset(s->buf + held, 0, 56 - held);
	put_be64(s->buf + 56, s->count);
	blocks(s->state, s->buf, 1);
	for (unsigned i = 0; i < 8; i++)
		put_be32(out + 4 * i, s->state[i]);
}

int __wrap_crypto_hash_sha256_final(
    crypto_hash_sha256_state *s, unsigned char *out)
{
	if (!has_instructions())
		return __real_crypto_hash_sha256_final(s, out);
	final(s, out);
	compare(s, out);
	return 0;
}
