/*
 * minisign: signatures of files that `minisign -V` verifies, format only
 * (SPEC 13.5).  Prehashed form `ED`: Ed25519 over BLAKE2b-512 of the file.
 */
#ifndef HF_CLIENT_MINISIGN_H
#define HF_CLIENT_MINISIGN_H

#include "keys/secret.h"

#define MINISIGN_TEXT_MAX 512u /* bytes of either file, the NUL counted */

/** The file of a public key; *size without the NUL.  `comment` is anybody's
 * word: minisign shows it and verifies nothing of it. */
void minisign_public(char out[MINISIGN_TEXT_MAX], size_t *size,
    const struct hf_key *key, const char *comment);
/** Strict: what minisign_public writes, whatever the comment.
 * Errors: HF_TYPE, HF_SIGNATURE (the key id is not this key's) */
HF_MUST_USE enum hf_err minisign_public_read(
    struct hf_key *key, struct hf_bytes file);

/** Sign; `trusted` is 1 to FILE_COMMENT_MAX bytes without a line end.
 * Errors: HF_RANGE (trusted), of the signer */
HF_MUST_USE enum hf_err minisign_sign(char out[MINISIGN_TEXT_MAX], size_t *size,
    struct signer *signer, struct hf_bytes file, const char *trusted);
/**
 * trusted  out: the comment that is signed with the file
 * Errors: HF_TYPE (form), HF_SIGNATURE
 */
HF_MUST_USE enum hf_err minisign_verify(const struct hf_key *key,
    struct hf_bytes file, struct hf_bytes signature,
    char trusted[FILE_COMMENT_MAX + 1]);

#endif
