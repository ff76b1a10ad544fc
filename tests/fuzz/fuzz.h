/*
 * fuzz: what the harnesses share.  One harness is one file fuzz_NAME.c with
 * one function; libFuzzer's name for it is kept, so that the same file serves
 * libFuzzer (one program a harness) and replay.c (one program for all).
 */
#ifndef HF_TESTS_FUZZ_H
#define HF_TESTS_FUZZ_H

#include "proto/pack.h"
#include "proto/types.h"
#include "proto/wire.h"

/* For replay.c each harness is compiled with its own name for this. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** The invariant `what` holds, or the process ends here. */
#define MUST(condition, what) \
	((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, (what)))
_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/** Inputs are mutants by now, without ASan; never of an input run alone. */
bool fuzz_mutants(void);

/** hf_crypto_init, with random bytes that are the same in every run. */
void fuzz_init(void);

/** What was accepted and encoded again is the input, byte for byte. */
void fuzz_same(const uint8_t *data, size_t size, enum hf_err err,
    const uint8_t *again, size_t again_size);
/** The same frame read by msgpack-c: the same values in the same places, and
 * written by it the same bytes. */
void fuzz_msgpack(const uint8_t *data, size_t size);
/** A canonical map has a key of `from` or above (an optional one that a
 * decoder passes over). */
bool fuzz_has_key_from(const uint8_t *data, size_t size, int from);

/** The input as a file, in a directory of this process; its path.  The next
 * call writes it anew. */
const char *fuzz_file(
    const char *name, const uint8_t *data, size_t size, unsigned mode);
/** Such a file is no more. */
void fuzz_gone(const char *name);
/** That directory; removed at the end. */
const char *fuzz_dir(void);
/** The input as text; NUL-terminated, valid until the next call. */
const char *fuzz_text(const uint8_t *data, size_t size);

/** Take the first `size` bytes of the input into `out` (zeros when there are
 * fewer). */
void fuzz_take(const uint8_t **data, size_t *left, void *out, size_t size);

/** What link_call answers from here on: answers with their lengths in two
 * bytes, big endian; then HF_UNREACHABLE.  Borrows. */
void fuzz_answers(const uint8_t *data, size_t size);

#endif
