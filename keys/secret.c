/*
 * secret: secrets in locked, guarded memory (sodium_malloc), used there and
 * wiped with it.
 *
 * Locking is as good as RLIMIT_MEMLOCK lets it be: libsodium goes on without
 * and does not tell, so it is tried again to know.  We go on too, for a broker
 * that does not start helps nobody, and the programs say so; pages are kept
 * out of core dumps all the same.
 */
#include "keys/secret.h"

#include "keys/secret_internal.h"
#include "proto/crypto.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct secret {
	enum secret_purpose purpose;
	bool locked;
	struct hf_key sign_key, transport_key, unwrap_key, witness_key;
	uint8_t *raw;      /* sodium_malloc: 32 bytes a part */
	uint8_t *expanded; /* sodium_malloc: Ed25519's 64 bytes */
};

/* Which 32 bytes are what: -1 absent. */
static const struct {
	size_t size;
	int sign, transport, unwrap, witness;
} layout[] = {
    [SECRET_OFFICER] = {96, 0, 32, 64, -1},
    [SECRET_BROKER] = {96, 32, 0, -1, 64},
    [SECRET_REGISTRAR] = {32, 0, -1, -1, -1},
    [SECRET_ROOT] = {32, 0, -1, -1, -1},
};

static struct secret *allocate(enum secret_purpose purpose)
{
	struct secret *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->purpose = purpose;
	s->raw = sodium_malloc(layout[purpose].size);
	s->expanded = sodium_malloc(crypto_sign_SECRETKEYBYTES);
	if (s->raw == NULL || s->expanded == NULL) {
		secret_free(s);
		return NULL;
	}
	secret_lock(s);
	return s;
}

static void derive(struct secret *s)
{
	int t = layout[s->purpose].transport, u = layout[s->purpose].unwrap;
	int w = layout[s->purpose].witness;

	if (w >= 0) /* the pair of the first goes, that of the ledger stays */
		crypto_sign_seed_keypair(
		    s->witness_key.b, s->expanded, s->raw + w);
	crypto_sign_seed_keypair(
	    s->sign_key.b, s->expanded, s->raw + layout[s->purpose].sign);
	if (t >= 0)
		crypto_scalarmult_base(s->transport_key.b, s->raw + t);
	if (u >= 0)
		crypto_scalarmult_base(s->unwrap_key.b, s->raw + u);
	sodium_mprotect_readonly(s->raw);
	sodium_mprotect_readonly(s->expanded);
}

struct secret *secret_new(enum secret_purpose purpose)
{
	struct secret *s = allocate(purpose);

	if (s == NULL)
		return NULL;
	randombytes_buf(s->raw, layout[purpose].size);
	derive(s);
	return s;
}

void secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	sodium_free(s->raw);
	sodium_free(s->expanded);
	free(s);
}

enum secret_purpose secret_purpose(const struct secret *s)
{
	return s->purpose;
}

void secret_lock(struct secret *s)
{
	s->locked = sodium_mlock(s->raw, layout[s->purpose].size) == 0 &&
		    sodium_mlock(s->expanded, crypto_sign_SECRETKEYBYTES) == 0;
}

bool secret_is_locked(const struct secret *s)
{
	return s->locked;
}

size_t secret_size(enum secret_purpose purpose)
{
	return layout[purpose].size;
}

size_t secret_export(const struct secret *s, uint8_t out[96])
{
	memcpy(out, s->raw, layout[s->purpose].size);
	return layout[s->purpose].size;
}

struct secret *secret_next_epoch(const struct secret *broker)
{
	struct secret *s;

	if (broker->purpose != SECRET_BROKER)
		return NULL;
	s = allocate(SECRET_BROKER);
	if (s == NULL)
		return NULL;
	memcpy(s->raw, broker->raw, layout[SECRET_BROKER].size);
	/* transport secret, ledger seed, witness seed */
	randombytes_buf(s->raw + HF_KEY_SIZE, HF_SEED_SIZE);
	derive(s);
	return s;
}

struct secret *secret_import(
    enum secret_purpose purpose, const uint8_t *data, size_t size)
{
	struct secret *s;

	if (size != layout[purpose].size)
		return NULL;
	s = allocate(purpose);
	if (s == NULL)
		return NULL;
	memcpy(s->raw, data, size);
	derive(s);
	return s;
}

struct hf_key secret_sign_key(const struct secret *s)
{
	return s->sign_key;
}

struct hf_key secret_transport_key(const struct secret *s)
{
	return s->transport_key;
}

struct hf_key secret_witness_key(const struct secret *s)
{
	return s->witness_key;
}

struct hf_key secret_unwrap_key(const struct secret *s)
{
	return s->unwrap_key;
}

void secret_transport_secret(const struct secret *s, uint8_t out[HF_KEY_SIZE])
{
	assert(layout[s->purpose].transport >= 0);
	memcpy(out, s->raw + layout[s->purpose].transport, HF_KEY_SIZE);
}

struct hf_sig secret_sign(
    const struct secret *s, const void *message, size_t size)
{
	struct hf_sig sig;

	crypto_sign_detached(sig.b, NULL, message, size, s->expanded);
	return sig;
}

struct file_signature secret_sign_file(
    const struct secret *s, const uint8_t digest[64], struct hf_bytes comment)
{
	uint8_t message[HF_SIG_SIZE + FILE_COMMENT_MAX];
	struct file_signature out;

	assert(comment.size > 0 && comment.size <= FILE_COMMENT_MAX);
	out.sig = secret_sign(s, digest, 64);
	memcpy(message, out.sig.b, HF_SIG_SIZE);
	memcpy(message + HF_SIG_SIZE, comment.data, comment.size);
	out.global = secret_sign(s, message, HF_SIG_SIZE + comment.size);
	return out;
}

enum hf_err secret_unwrap(const struct secret *s,
    const uint8_t sealed[HF_SEALED_KEY_SIZE], uint8_t out[HF_KEY_SIZE])
{
	int u = layout[s->purpose].unwrap;

	if (u < 0)
		return HF_OPEN;
	return hf_box_open(out, sealed, &s->unwrap_key, s->raw + u);
}

void sealing_pair(struct hf_key *public_key, uint8_t secret_key[HF_KEY_SIZE])
{
	randombytes_buf(secret_key, HF_KEY_SIZE);
	crypto_scalarmult_base(public_key->b, secret_key);
}

struct hf_key sealing_public(const uint8_t secret_key[HF_KEY_SIZE])
{
	struct hf_key k;

	crypto_scalarmult_base(k.b, secret_key);
	return k;
}

void hf_random(void *out, size_t size)
{
	randombytes_buf(out, size);
}

/* ---- Z85 (ZeroMQ RFC 32), CURVE's text form ---- */

static const char z85[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    ".-:+=^!/*?&<>()[]{}@%$#";

void key_z85(char out[41], const struct hf_key *key)
{
	for (unsigned i = 0; i < HF_KEY_SIZE / 4; i++) {
		uint32_t v = (uint32_t)key->b[4 * i] << 24 |
			     (uint32_t)key->b[4 * i + 1] << 16 |
			     (uint32_t)key->b[4 * i + 2] << 8 |
			     key->b[4 * i + 3];

		for (unsigned k = 5; k-- > 0; v /= 85)
			out[5 * i + k] = z85[v % 85];
	}
	out[40] = '\0';
}

enum hf_err key_from_z85(struct hf_key *key, const char *text)
{
	struct hf_key got;

	if (strlen(text) != 40)
		return HF_RANGE;
	for (unsigned i = 0; i < HF_KEY_SIZE / 4; i++) {
		uint64_t v = 0;

		for (unsigned k = 0; k < 5; k++) {
			const char *at = strchr(z85, text[5 * i + k]);

			if (at == NULL || *at == '\0')
				return HF_RANGE;
			v = v * 85 + (uint64_t)(at - z85);
		}
		if (v > UINT32_MAX)
			return HF_RANGE;
		for (unsigned k = 0; k < 4; k++)
			got.b[4 * i + k] = (uint8_t)(v >> (24 - 8 * k));
	}
	*key = got;
	return HF_OK;
}

/* ---- a signer over a loaded secret ---- */

static enum hf_err local_sign(
    struct signer *g, const struct hf_hash *to_sign, struct hf_sig *sig)
{
	*sig = secret_sign(g->ctx, to_sign->b, sizeof(to_sign->b));
	return HF_OK;
}

static enum hf_err local_sign_file(struct signer *g, const uint8_t digest[64],
    struct hf_bytes comment, struct file_signature *out)
{
	if (comment.size == 0 || comment.size > FILE_COMMENT_MAX)
		return HF_RANGE;
	*out = secret_sign_file(g->ctx, digest, comment);
	return HF_OK;
}

static enum hf_err local_unwrap(struct signer *g,
    const uint8_t sealed[HF_SEALED_KEY_SIZE], uint8_t out[HF_KEY_SIZE])
{
	return secret_unwrap(g->ctx, sealed, out);
}

static enum hf_err local_transport(struct signer *g, uint8_t out[HF_KEY_SIZE])
{
	secret_transport_secret(g->ctx, out);
	return HF_OK;
}

static void local_free(struct signer *g)
{
	secret_free(g->ctx);
	free(g);
}

enum hf_err signer_from_secret(struct signer **out, struct secret *s)
{
	struct signer *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return HF_NOMEM;
	g->sign_key = s->sign_key;
	g->transport_key = s->transport_key;
	g->unwrap_key = s->unwrap_key;
	g->sign = local_sign;
	g->sign_file = local_sign_file;
	g->unwrap = local_unwrap;
	g->transport_secret = local_transport;
	g->free = local_free;
	g->ctx = s;
	*out = g;
	return HF_OK;
}

void signer_free(struct signer *s)
{
	if (s != NULL)
		s->free(s);
}
