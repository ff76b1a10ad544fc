/*
 * secret: everything that touches a secret key: making, storing, signing,
 * opening (SPEC 2.2, 2.3).  Secrets live in locked memory and are wiped.
 *
 * A secret file is one line of text, mode 0600, owned by its user:
 *   HOLDFAST-SECRET-KEY-1 <purpose> <protection> <base64url>
 * purpose: officer | broker | registrar | root; protection: plain | argon2id.
 * An argon2id payload is salt(16) nonce(24) box of the secrets, MODERATE
 * limits (SENSITIVE for root); the purpose is bound as additional data.
 */
#ifndef HF_KEYS_SECRET_H
#define HF_KEYS_SECRET_H

#include "proto/types.h"

enum secret_purpose {
	SECRET_OFFICER,   /* sign, transport, unwrap */
	SECRET_BROKER,    /* transport, ledger, witness */
	SECRET_REGISTRAR, /* sign */
	SECRET_ROOT,      /* sign */
};

/** A set of secrets in locked memory (opaque). */
struct secret;

/** Draw fresh random secrets.  NULL on no memory. */
struct secret *secret_new(enum secret_purpose purpose);
/** Wipe and free; NULL is fine. */
void secret_free(struct secret *s);
enum secret_purpose secret_purpose(const struct secret *s);

/**
 * Write the file (must not exist; mode 0600; synced, directory synced).
 * passphrase  NULL writes "plain"; borrowed for the call
 * Errors: HF_FILE, HF_NOMEM
 */
HF_MUST_USE enum hf_err secret_save(
    const struct secret *s, const char *path, const char *passphrase);
/**
 * Read it.  *s is NULL on error.
 * Errors: HF_FILE, HF_KEYFILE (mode, owner, form, purpose), HF_PASSPHRASE
 * (wrong, or NULL and the file is protected), HF_NOMEM
 */
HF_MUST_USE enum hf_err secret_load(struct secret **s, const char *path,
    enum secret_purpose purpose, const char *passphrase);
/** Is the file protected by a passphrase?  Errors: HF_FILE, HF_KEYFILE */
HF_MUST_USE enum hf_err secret_is_protected(const char *path, bool *out);
/** Are its pages locked, so that they cannot reach the disk by swapping?  The
 * process goes on without (HF_MEMLOCK tells why and what to do). */
bool secret_is_locked(const struct secret *s);
/** Lock again in a child: locks are not inherited by fork. */
void secret_lock(struct secret *s);
/** Raw bytes for handing to a child by a pipe (supervisor only) and back. */
size_t secret_export(const struct secret *s, uint8_t out[96]);
/** A broker's secret with another ledger key, for a new epoch of its ledger;
 * transport and witness keys stay.  NULL: no memory, or not a broker's. */
struct secret *secret_next_epoch(const struct secret *broker);
struct secret *secret_import(
    enum secret_purpose purpose, const uint8_t *data, size_t size);

/** Public halves.  Transport: of officer and broker.  Unwrap: officer only.
 * sign: officer, registrar, root; of a broker the ledger key. */
struct hf_key secret_sign_key(const struct secret *s);
struct hf_key secret_transport_key(const struct secret *s);
struct hf_key secret_unwrap_key(const struct secret *s);
/** Of a broker; its secret half is with the signer process only. */
struct hf_key secret_witness_key(const struct secret *s);
/** Transport secret for CURVE, of officer and broker: copies 32 bytes. */
void secret_transport_secret(const struct secret *s, uint8_t out[HF_KEY_SIZE]);

/** Ed25519 over a message (a 32-byte H(...), or a note's text). */
struct hf_sig secret_sign(
    const struct secret *s, const void *message, size_t size);
/** Open a sealed box of 32 bytes with the unwrap key.  Errors: HF_OPEN */
HF_MUST_USE enum hf_err secret_unwrap(const struct secret *s,
    const uint8_t sealed[HF_SEALED_KEY_SIZE], uint8_t out[HF_KEY_SIZE]);

/** A fresh X25519 pair (desk sealing keys). */
void sealing_pair(struct hf_key *public_key, uint8_t secret_key[HF_KEY_SIZE]);
/** Public half of a sealing secret. */
struct hf_key sealing_public(const uint8_t secret_key[HF_KEY_SIZE]);
/** Random bytes from the system. */
void hf_random(void *out, size_t size);
/** CURVE's text form of a key: 40 characters and the NUL. */
void key_z85(char out[41], const struct hf_key *key);
HF_MUST_USE enum hf_err key_from_z85(struct hf_key *key, const char *text);

/** Bytes of a file signature's trusted comment (SPEC 13.5). */
#define FILE_COMMENT_MAX 128u
/**
 * A file's signature as minisign makes it: `sig` over the file's digest,
 * `global` over `sig` and the comment, which is not empty.
 */
struct file_signature {
	struct hf_sig sig, global;
};
struct file_signature secret_sign_file(
    const struct secret *s, const uint8_t digest[64], struct hf_bytes comment);

/** Whatever can sign and unwrap for an officer: a loaded secret or the
 * agent.  Each of these may fail (agent gone). */
struct signer {
	struct hf_key sign_key, transport_key, unwrap_key;
	enum hf_err (*sign)(
	    struct signer *, const struct hf_hash *to_sign, struct hf_sig *sig);
	/* Errors besides: HF_RANGE (no comment, or a longer one) */
	enum hf_err (*sign_file)(struct signer *, const uint8_t digest[64],
	    struct hf_bytes comment, struct file_signature *out);
	enum hf_err (*unwrap)(struct signer *,
	    const uint8_t sealed[HF_SEALED_KEY_SIZE], uint8_t out[HF_KEY_SIZE]);
	enum hf_err (*transport_secret)(
	    struct signer *, uint8_t out[HF_KEY_SIZE]);
	void (*free)(struct signer *);
	void *ctx;
};
/** Takes `s` on success. */
HF_MUST_USE enum hf_err signer_from_secret(
    struct signer **out, struct secret *s);
void signer_free(struct signer *s);

#endif
