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

/* Exit statuses of a gate, beside 0 stopped and 1 failed while it ran. */
#define GATE_OPEN 3    /* its self-test let an unknown key in */
#define GATE_REFUSES 9 /* it cannot begin; a log line says what is wrong */

/** Run until the core closes `core_fd` or says stop.  An exit status. */
int gate_main(int core_fd, struct gate_options *options);

#endif
