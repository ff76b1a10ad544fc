/*
 * inject: the page that a test and the processes of its brokers share.  All
 * are numbers of 32 bits, so that tests/faults/run reads them as an array.
 */
#ifndef HF_TESTS_INJECT_H
#define HF_TESTS_INJECT_H

#include <stdint.h>

enum inject_role {
	IN_SUPERVISOR,
	IN_DESKS,
	IN_PEERS,
	IN_SIGNER,
	IN_CORE,
	IN_RESOLVER,
	IN_ROLES
};

/* tests/faults/run reads the names from here. */
enum inject_call {
	CALL_READ,
	CALL_WRITE,
	CALL_LOG,
	CALL_PREAD,
	CALL_PWRITE,
	CALL_SYNC,
	CALL_OPEN,
	CALL_RENAME,
	CALL_STAT,
	CALL_TRUNCATE,
	CALL_MMAP,
	CALL_SEND,
	CALL_RECEIVE,
	CALL_POLL,
	CALL_ACCEPT,
	CALL_CONNECT,
	CALL_SOCKET,
	CALL_EPOLL,
	CALL_FORK,
	CALL_WAIT,
	CALL_THREAD,
	CALL_MEMORY,
	CALLS
};

#define INJECT_SHORT 10001u /* half of what was asked, no error */

struct inject_page {
	uint32_t role, call, error;
	uint32_t when; /* the call of this number from now fails; 0: none */
	uint32_t hits;
	uint32_t pid;        /* of the process that met it */
	uint32_t sent_after; /* its calls of SEND since then */
	uint32_t storms;     /* signals of a storm that came */
	uint32_t seen[IN_ROLES][CALLS];
};

#endif
