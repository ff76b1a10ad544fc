/*
 * core: the process that owns the store and decides (DESIGN 2).
 */
#ifndef HF_CORE_H
#define HF_CORE_H

#include "broker/config.h"

/** Descriptors that the supervisor hands over. */
struct core_fds {
	int desks, peers, signer, supervisor;
};

/**
 * Run until told to stop.  Returns an exit status: 0 a clean stop, 1 the
 * process must be started anew and looks at what is durable first, 6 the
 * ledger does not verify (starting again does not help).
 */
int core_main(const struct config *config, const struct core_fds *fds,
    const struct hf_key *transport, const struct hf_key *ledger);

#endif
