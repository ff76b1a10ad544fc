/* syncs: what tests/bench/syncs.c counts, in a file that both sides map. */
#ifndef HF_BENCH_SYNCS_H
#define HF_BENCH_SYNCS_H

#include <stdint.h>

#define SYNC_FILES 8u

/** fdatasync and fsync of one file (msync: inode 1) that ended without an
 * error, and the time spent in them. */
struct sync_counter {
	struct {
		uint64_t inode, calls, ns;
	} file[SYNC_FILES];
};

#endif
