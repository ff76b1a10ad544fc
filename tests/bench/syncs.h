/* syncs: what tests/bench/syncs.c counts, in a file that both sides map. */
#ifndef HF_BENCH_SYNCS_H
#define HF_BENCH_SYNCS_H

#include <stdint.h>

struct sync_counter {
	uint64_t calls; /* fdatasync, fsync, msync: ended without error */
	uint64_t ns;    /* spent in them */
};

#endif
