#include "proto/text.h"

#include <assert.h>
#include <string.h>

#define DIGITS_MAX 20u /* of 2^64 - 1 */

void text_init(struct text *t, char *out, size_t capacity)
{
	assert(capacity > 0);
	*t = (struct text){.out = out, .capacity = capacity};
	out[0] = '\0';
}

void text_add_bytes(struct text *t, const void *data, size_t size)
{
	assert(t->at < t->capacity);
	if (t->full || size > t->capacity - t->at - 1) {
		t->full = true;
		return;
	}
	if (size > 0)
		memcpy(t->out + t->at, data, size);
	t->at += size;
	t->out[t->at] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void text_add_char(struct text *t, char c)
{
	text_add_bytes(t, &c, 1);
}

void text_add_uint(struct text *t, uint64_t v, unsigned width)
{
	char digits[DIGITS_MAX];
	size_t at = sizeof(digits);

	assert(width <= DIGITS_MAX);
	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	while (sizeof(digits) - at < width)
		digits[--at] = '0';
	text_add_bytes(t, digits + at, sizeof(digits) - at);
}

bool text_read_uint(uint64_t *v, const void *digits, size_t size, uint64_t max)
{
	const uint8_t *s = digits;
	uint64_t sum = 0;

	if (size == 0 || size > DIGITS_MAX || (size > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < size; i++) {
		uint64_t digit;

		if (s[i] < '0' || s[i] > '9')
			return false;
		digit = (uint64_t)s[i] - '0';
		if (sum > (UINT64_MAX - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	if (sum > max)
		return false;
	*v = sum;
	return true;
}
