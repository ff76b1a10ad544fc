/*
 * crypto: the pure half of libsodium (SPEC 2): hash, verify, seal, open.
 *
 * Nothing here draws random bytes or holds a secret longer than the call:
 * chance comes in as an argument.  Call hf_crypto_init once, first.
 */
#ifndef HF_PROTO_CRYPTO_H
#define HF_PROTO_CRYPTO_H

#include "proto/types.h"

/** Initialise libsodium; HF_INTERNAL when that fails.  Idempotent. */
HF_MUST_USE enum hf_err hf_crypto_init(void);

/** Tags of SPEC 2.1; the text is the tag with '-' for '_'. */
enum hf_tag {
	HF_TAG_CORE,
	HF_TAG_ENVELOPE,
	HF_TAG_BODY,
	HF_TAG_SIGS,
	HF_TAG_SALT,
	HF_TAG_LEAF_ROOT,
	HF_TAG_STATEMENT,
	HF_TAG_PROFILE,
	HF_TAG_COUNTRY_HEAD,
	HF_TAG_COUNTRY_CERT,
	HF_TAG_KEY_CHECK,
	HF_TAG_WORDS,
	HF_TAG_LINEAGE,
	HF_TAG_RAND,
	HF_TAG_SIGN_ACT,
	HF_TAG_SIGN_HEAD,
	HF_TAG_SIGN_CERT,
	HF_TAG_STATE,
	HF_TAG_MINISIGN,
};

/** H(tag, a || b) of SPEC 2.1. */
struct hf_hash hf_hash2(enum hf_tag tag, struct hf_bytes a, struct hf_bytes b);
/** H(tag, a). */
struct hf_hash hf_hash(enum hf_tag tag, const void *data, size_t size);
/** Plain SHA-256 (RFC 6962 hashing only; proto/merkle.c). */
struct hf_hash hf_sha256_2(struct hf_bytes a, struct hf_bytes b);

/** BLAKE2b-512, which minisign signs; nothing of ours is named by it
 * (SPEC 13.5). */
#define HF_BLAKE2B_SIZE 64u
void hf_blake2b(uint8_t out[HF_BLAKE2B_SIZE], const void *data, size_t size);

/** Constant-time comparison. */
bool hf_equal(const void *a, const void *b, size_t size);
void hf_wipe(void *secret, size_t size);

/** Strict Ed25519 verification of `sig` by `key` over `message`.
 * Errors: HF_SIGNATURE */
HF_MUST_USE enum hf_err hf_verify(const struct hf_key *key,
    const struct hf_sig *sig, const void *message, size_t size);
/** Is this a canonical point of the main subgroup? Use at enrolment. */
bool hf_key_is_valid(const struct hf_key *signing_key);

/** XChaCha20-Poly1305-IETF; out has size + HF_TAG_SIZE bytes. */
void hf_aead_seal(uint8_t *out, const uint8_t *plain, size_t size,
    const struct hf_bytes ad, const uint8_t nonce[HF_NONCE_SIZE],
    const uint8_t key[HF_KEY_SIZE]);
/** Errors: HF_OPEN.  out has size - HF_TAG_SIZE bytes. */
HF_MUST_USE enum hf_err hf_aead_open(uint8_t *out, const uint8_t *box,
    size_t size, const struct hf_bytes ad, const uint8_t nonce[HF_NONCE_SIZE],
    const uint8_t key[HF_KEY_SIZE]);

/**
 * A sealed box of 32 bytes that crypto_box_seal_open opens, with the
 * ephemeral secret given (32 fresh random bytes, never used twice).
 */
HF_MUST_USE enum hf_err hf_box_seal(uint8_t out[HF_SEALED_KEY_SIZE],
    const uint8_t secret[HF_KEY_SIZE], const struct hf_key *recipient,
    const uint8_t ephemeral_secret[HF_KEY_SIZE]);
/** Errors: HF_OPEN */
HF_MUST_USE enum hf_err hf_box_open(uint8_t out[HF_KEY_SIZE],
    const uint8_t sealed[HF_SEALED_KEY_SIZE], const struct hf_key *public_key,
    const uint8_t secret_key[HF_KEY_SIZE]);

/** base64, standard alphabet with padding (C2SP notes) */
size_t hf_base64(char *out, size_t out_size, const void *data, size_t size);
HF_MUST_USE enum hf_err hf_base64_read(uint8_t *out, size_t out_size,
    size_t *size, const char *text, size_t text_size);
/** base64url without padding (typed key lines) */
size_t hf_base64url(char *out, size_t out_size, const void *data, size_t size);
HF_MUST_USE enum hf_err hf_base64url_read(uint8_t *out, size_t out_size,
    size_t *size, const char *text, size_t text_size);
/** Lower-case hex with the NUL: out has 2 * size + 1 bytes. */
void hf_hex(char *out, const void *data, size_t size);
HF_MUST_USE enum hf_err hf_hex_read(
    uint8_t *out, size_t size, const char *text, size_t text_size);

#endif
