/*
 * heads: signed checkpoints for tests, written by the code under test and
 * signed by keys made from one number.
 */
#ifndef HF_TESTS_HEADS_H
#define HF_TESTS_HEADS_H

#include "proto/types.h"

#include <sodium.h>

#define HEAD_ORIGIN "holdfast/JP/1"

struct signer {
	struct hf_key key;
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

/** Initialises the crypto module as well. */
struct signer signer_of(uint8_t n);
/** A note under HEAD_ORIGIN; its size. */
size_t head_write(char out[HF_NOTE_MAX], const struct signer *s, uint64_t size,
    const struct hf_hash *root);

#endif
