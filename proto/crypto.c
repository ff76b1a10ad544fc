/*
 * crypto: the only door of proto/ to libsodium.
 */
#include "proto/crypto.h"

#include <sodium.h>
#include <string.h>

static const char prefix[] = "holdfast/1/";

static const char *const tags[] = {
    [HF_TAG_CORE] = "core",
    [HF_TAG_ENVELOPE] = "envelope",
    [HF_TAG_BODY] = "body",
    [HF_TAG_SIGS] = "sigs",
    [HF_TAG_SALT] = "salt",
    [HF_TAG_LEAF_ROOT] = "leaf-root",
    [HF_TAG_STATEMENT] = "statement",
    [HF_TAG_PROFILE] = "profile",
    [HF_TAG_COUNTRY_HEAD] = "country-head",
    [HF_TAG_COUNTRY_CERT] = "country-cert",
    [HF_TAG_KEY_CHECK] = "key-check",
    [HF_TAG_WORDS] = "words",
    [HF_TAG_LINEAGE] = "lineage",
    [HF_TAG_RAND] = "rand",
    [HF_TAG_SIGN_ACT] = "sign-act",
    [HF_TAG_SIGN_HEAD] = "sign-head",
    [HF_TAG_SIGN_CERT] = "sign-cert",
    [HF_TAG_STATE] = "state",
    [HF_TAG_MINISIGN] = "minisign",
};

enum hf_err hf_crypto_init(void)
{
	return sodium_init() < 0 ? HF_INTERNAL : HF_OK;
}

static void update(crypto_hash_sha256_state *s, struct hf_bytes b)
{
	if (b.size > 0)
		crypto_hash_sha256_update(s, b.data, b.size);
}

struct hf_hash hf_hash2(enum hf_tag tag, struct hf_bytes a, struct hf_bytes b)
{
	crypto_hash_sha256_state s;
	struct hf_hash out;

	crypto_hash_sha256_init(&s);
	crypto_hash_sha256_update(
	    &s, (const uint8_t *)prefix, sizeof(prefix) - 1);
	/* the tag's own NUL is the separator */
	crypto_hash_sha256_update(
	    &s, (const uint8_t *)tags[tag], strlen(tags[tag]) + 1);
	update(&s, a);
	update(&s, b);
	crypto_hash_sha256_final(&s, out.b);
	return out;
}

struct hf_hash hf_hash(enum hf_tag tag, const void *data, size_t size)
{
	return hf_hash2(
	    tag, (struct hf_bytes){data, size}, (struct hf_bytes){NULL, 0});
}

struct hf_hash hf_sha256_2(struct hf_bytes a, struct hf_bytes b)
{
	crypto_hash_sha256_state s;
	struct hf_hash out;

	crypto_hash_sha256_init(&s);
	update(&s, a);
	update(&s, b);
	crypto_hash_sha256_final(&s, out.b);
	return out;
}

void hf_blake2b(uint8_t out[HF_BLAKE2B_SIZE], const void *data, size_t size)
{
	crypto_generichash(out, HF_BLAKE2B_SIZE, data, size, NULL, 0);
}

bool hf_equal(const void *a, const void *b, size_t size)
{
	return sodium_memcmp(a, b, size) == 0;
}

void hf_wipe(void *secret, size_t size)
{
	sodium_memzero(secret, size);
}

enum hf_err hf_verify(const struct hf_key *key, const struct hf_sig *sig,
    const void *message, size_t size)
{
	return crypto_sign_verify_detached(sig->b, message, size, key->b) == 0
		   ? HF_OK
		   : HF_SIGNATURE;
}

bool hf_key_is_valid(const struct hf_key *signing_key)
{
	return crypto_core_ed25519_is_valid_point(signing_key->b) == 1;
}

void hf_aead_seal(uint8_t *out, const uint8_t *plain, size_t size,
    const struct hf_bytes ad, const uint8_t nonce[HF_NONCE_SIZE],
    const uint8_t key[HF_KEY_SIZE])
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	    out, NULL, plain, size, ad.data, ad.size, NULL, nonce, key);
}

enum hf_err hf_aead_open(uint8_t *out, const uint8_t *box, size_t size,
    const struct hf_bytes ad, const uint8_t nonce[HF_NONCE_SIZE],
    const uint8_t key[HF_KEY_SIZE])
{
	if (size < HF_TAG_SIZE)
		return HF_OPEN;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, box,
		   size, ad.data, ad.size, nonce, key) == 0
		   ? HF_OK
		   : HF_OPEN;
}

/* The nonce of libsodium's sealed boxes: BLAKE2b-24(epk || pk). */
static void box_nonce(uint8_t nonce[crypto_box_NONCEBYTES],
    const uint8_t *ephemeral, const uint8_t *recipient)
{
	crypto_generichash_state s;

	crypto_generichash_init(&s, NULL, 0, crypto_box_NONCEBYTES);
	crypto_generichash_update(&s, ephemeral, HF_KEY_SIZE);
	crypto_generichash_update(&s, recipient, HF_KEY_SIZE);
	crypto_generichash_final(&s, nonce, crypto_box_NONCEBYTES);
}

enum hf_err hf_box_seal(uint8_t out[HF_SEALED_KEY_SIZE],
    const uint8_t secret[HF_KEY_SIZE], const struct hf_key *recipient,
    const uint8_t ephemeral_secret[HF_KEY_SIZE])
{
	uint8_t nonce[crypto_box_NONCEBYTES];

	if (crypto_scalarmult_base(out, ephemeral_secret) != 0)
		return HF_RANGE;
	box_nonce(nonce, out, recipient->b);
	return crypto_box_easy(out + HF_KEY_SIZE, secret, HF_KEY_SIZE, nonce,
		   recipient->b, ephemeral_secret) == 0
		   ? HF_OK
		   : HF_RANGE;
}

enum hf_err hf_box_open(uint8_t out[HF_KEY_SIZE],
    const uint8_t sealed[HF_SEALED_KEY_SIZE], const struct hf_key *public_key,
    const uint8_t secret_key[HF_KEY_SIZE])
{
	return crypto_box_seal_open(out, sealed, HF_SEALED_KEY_SIZE,
		   public_key->b, secret_key) == 0
		   ? HF_OK
		   : HF_OPEN;
}

static size_t encode(
    char *out, size_t out_size, const void *data, size_t size, int variant)
{
	if (out_size < sodium_base64_encoded_len(size, variant))
		return 0;
	sodium_bin2base64(out, out_size, data, size, variant);
	return strlen(out);
}

static enum hf_err decode(uint8_t *out, size_t out_size, size_t *size,
    const char *text, size_t text_size, int variant)
{
	const char *end = NULL;

	/* libsodium's reader takes its last two letters with the high bit set
	 * for themselves where char is signed: two spellings of one value */
	for (size_t i = 0; i < text_size; i++)
		if ((unsigned char)text[i] >= 0x80)
			return HF_RANGE;
	if (sodium_base642bin(out, out_size, text, text_size, NULL, size, &end,
		variant) != 0 ||
	    end != text + text_size)
		return HF_RANGE;
	return HF_OK;
}

size_t hf_base64(char *out, size_t out_size, const void *data, size_t size)
{
	return encode(
	    out, out_size, data, size, sodium_base64_VARIANT_ORIGINAL);
}

enum hf_err hf_base64_read(uint8_t *out, size_t out_size, size_t *size,
    const char *text, size_t text_size)
{
	return decode(out, out_size, size, text, text_size,
	    sodium_base64_VARIANT_ORIGINAL);
}

size_t hf_base64url(char *out, size_t out_size, const void *data, size_t size)
{
	return encode(out, out_size, data, size,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

enum hf_err hf_base64url_read(uint8_t *out, size_t out_size, size_t *size,
    const char *text, size_t text_size)
{
	return decode(out, out_size, size, text, text_size,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void hf_hex(char *out, const void *data, size_t size)
{
	sodium_bin2hex(out, 2 * size + 1, data, size);
}

enum hf_err hf_hex_read(
    uint8_t *out, size_t size, const char *text, size_t text_size)
{
	size_t got = 0;
	const char *end = NULL;

	if (text_size != 2 * size ||
	    sodium_hex2bin(out, size, text, text_size, NULL, &got, &end) != 0 ||
	    got != size || end != text + text_size)
		return HF_RANGE;
	return HF_OK;
}
