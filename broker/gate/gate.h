/*
 * gate: the process that speaks ZeroMQ (DESIGN 9; settings are law).
 *
 * Knows its own CURVE key and public keys only; opens no file once it runs.
 * Crash-only: it keeps nothing that is not elsewhere.  One socket accepts
 * (ROUTER, CURVE server, ZAP); of the peers' gate one DEALER a peer dials.
 */
#ifndef HF_GATE_H
#define HF_GATE_H

#include "proto/types.h"

struct gate_options {
	bool peers;                  /* the peers' gate also dials */
	const char *endpoint;        /* tcp://literal:port; port 0: kernel's */
	struct hf_key public_key;    /* X25519 */
	uint8_t secret[HF_KEY_SIZE]; /* wiped once libzmq has it */
	unsigned connections_max;    /* authenticated ones */
	unsigned source_max;         /* from one address, all counted */
	unsigned handshakes_max;     /* not authenticated yet */
	uint64_t age_ms;             /* then a session is cut */
};

/**
 * Run until the core closes `core_fd` or says stop.  Returns an exit status:
 * 0 stopped, 1 failed (socket, settings not read back as set), 3 the
 * self-test delivered a message from an unknown key.
 */
int gate_main(int core_fd, struct gate_options *options);

#endif
