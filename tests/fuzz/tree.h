/*
 * tree: a ledger of a few entries, the same in every run, its heads and what
 * is asked of a signer about them.
 */
#ifndef HF_TESTS_FUZZ_TREE_H
#define HF_TESTS_FUZZ_TREE_H

#include "keys/secret.h"
#include "proto/merkle.h"

#define TREE_BASE 5u /* entries of the first head */
#define TREE_MAX 16u

struct hf_hash tree_root(uint64_t size);
/** A key from a fixed seed; the caller's. */
struct secret *tree_secret(void);
/** A RECORD_SIGN for the head over `size` entries after one over `old`
 * (0: none); its size. */
size_t tree_sign_record(uint8_t *out, uint64_t old, uint64_t size);
/** A RECORD_COSIGN of the log holdfast/US/1 with that key. */
size_t tree_cosign_record(uint8_t *out, uint64_t old, uint64_t size);

#endif
