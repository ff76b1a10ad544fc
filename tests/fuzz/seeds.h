/* seeds: what the two halves of that program share. */
#ifndef HF_TESTS_FUZZ_SEEDS_H
#define HF_TESTS_FUZZ_SEEDS_H

#include <stddef.h>

/** One input of a harness: a head that only the harness reads, the bytes. */
void save(const char *harness, const void *head, size_t head_size,
    const void *bytes, size_t size);
/** The client's half: bundles, signatures of files, an archive. */
void seeds_client(void);

#endif
