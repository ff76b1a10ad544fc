/*
 * ref: what people read to each other.
 *
 * A reference guards against one wrong or two swapped characters with ISO
 * 7064 MOD 37,36 over its letters and digits.
 */
#include "proto/ref.h"

#include "proto/crypto.h"
#include "proto/text.h"

#include <string.h>

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const char alphanumeric[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

#define REF_LENGTH 15u /* CC-DDD-XXXXXX-C */
#define DAY_MS UINT64_C(86400000)

static unsigned value_of(char c)
{
	const char *at = strchr(alphanumeric, c);

	return at == NULL ? 36 : (unsigned)(at - alphanumeric);
}

/* ISO 7064 MOD 37,36 over the characters of `ref` before the last hyphen. */
static char check_character(const char *ref)
{
	unsigned p = 36;

	for (unsigned i = 0; i < REF_LENGTH - 1; i++) {
		if (ref[i] == '-')
			continue;
		p += value_of(ref[i]);
		p = p > 36 ? p - 36 : p;
		p = p * 2 % 37;
	}
	return alphanumeric[(37 - p) % 36];
}

void hf_ref(char out[HF_REF_MAX], struct hf_country asking,
    struct instant created, const struct hf_hash *core_digest)
{
	uint64_t day = created.ms / DAY_MS % 32768;
	uint32_t bits = (uint32_t)core_digest->b[0] << 24 |
			(uint32_t)core_digest->b[1] << 16 |
			(uint32_t)core_digest->b[2] << 8 | core_digest->b[3];

	memset(out, 0, HF_REF_MAX);
	out[0] = asking.s[0];
	out[1] = asking.s[1];
	out[2] = out[6] = out[13] = '-';
	for (unsigned i = 0; i < 3; i++)
		out[3 + i] = crockford[day >> (10 - 5 * i) & 31];
	for (unsigned i = 0; i < 6; i++)
		out[7 + i] = crockford[bits >> (27 - 5 * i) & 31];
	out[14] = check_character(out);
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char fold(char c)
{
	return c == 'I' || c == 'L' ? '1' : c == 'O' ? '0' : c;
}

enum hf_err hf_ref_read(char out[HF_REF_MAX], const char *text)
{
	char ref[HF_REF_MAX] = {0};

	if (strlen(text) != REF_LENGTH)
		return HF_RANGE;
	for (unsigned i = 0; i < REF_LENGTH; i++) {
		bool hyphen = i == 2 || i == 6 || i == 13;
		char c = upper(text[i]);

		if (i > 2 && i < 13)
			c = fold(c);
		if (hyphen   ? c != '-'
		    : i < 2  ? c < 'A' || c > 'Z'
		    : i < 13 ? strchr(crockford, c) == NULL
			     : value_of(c) == 36)
			return HF_RANGE;
		ref[i] = c;
	}
	if (check_character(ref) != ref[14])
		return HF_RANGE;
	memcpy(out, ref, sizeof(ref));
	return HF_OK;
}

void hf_words(
    char *out, size_t capacity, const void *data, size_t size, unsigned count)
{
	struct hf_hash h = hf_hash(HF_TAG_WORDS, data, size);
	struct text t;

	text_init(&t, out, capacity);
	for (unsigned i = 0; i < count && i < HF_HASH_SIZE; i++) {
		if (i > 0)
			text_add_char(&t, ' ');
		text_add(&t, hf_word_list[h.b[i]]);
	}
}

void hf_key_words(char *out, size_t capacity, const struct hf_key *key)
{
	hf_words(out, capacity, key->b, sizeof(key->b), 12);
}

/* ---- typed key lines (SPEC 2.3) ---- */

static const char *const key_types[] = {
    [HF_KEY_OFFICER] = "hfo1",
    [HF_KEY_TRANSPORT] = "hft1",
    [HF_KEY_UNWRAP] = "hfu1",
    [HF_KEY_SEALING] = "hfs1",
    [HF_KEY_BROKER] = "hfb1",
    [HF_KEY_LEDGER] = "hfl1",
    [HF_KEY_REGISTRAR] = "hfg1",
    [HF_KEY_ROOT] = "hfr1",
    [HF_KEY_WITNESS] = "hfw1",
};

#define CHECK_SIZE 4u

static void key_check(
    uint8_t out[CHECK_SIZE], enum hf_key_type type, const struct hf_key *key)
{
	struct hf_hash h = hf_hash2(HF_TAG_KEY_CHECK,
	    (struct hf_bytes){(const uint8_t *)key_types[type], 4},
	    (struct hf_bytes){key->b, sizeof(key->b)});

	memcpy(out, h.b, CHECK_SIZE);
}

void hf_keyline(
    char out[HF_KEYLINE_MAX], enum hf_key_type type, const struct hf_key *key)
{
	uint8_t data[HF_KEY_SIZE + CHECK_SIZE];

	memcpy(data, key->b, HF_KEY_SIZE);
	key_check(data + HF_KEY_SIZE, type, key);
	memcpy(out, key_types[type], 4);
	out[4] = ':';
	hf_base64url(out + 5, HF_KEYLINE_MAX - 5, data, sizeof(data));
}

enum hf_err hf_keyline_read(
    struct hf_key *key, enum hf_key_type type, const char *text)
{
	uint8_t data[HF_KEY_SIZE + CHECK_SIZE], check[CHECK_SIZE];
	struct hf_key got;
	size_t size = 0;

	if (strlen(text) < 5 || text[4] != ':')
		return HF_RANGE;
	if (memcmp(text, key_types[type], 4) != 0)
		return HF_TYPE;
	if (hf_base64url_read(data, sizeof(data), &size, text + 5,
		strlen(text + 5)) != HF_OK ||
	    size != sizeof(data))
		return HF_RANGE;
	memcpy(got.b, data, HF_KEY_SIZE);
	key_check(check, type, &got);
	if (memcmp(check, data + HF_KEY_SIZE, CHECK_SIZE) != 0)
		return HF_RANGE;
	*key = got;
	return HF_OK;
}
