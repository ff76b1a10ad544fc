/*
 * records: what the broker's processes say to each other over SEQPACKET
 * socket pairs: one record a message, a fixed header and a payload.
 *
 * The reader trusts nobody: sizes are checked, unknown types end the peer.
 */
#ifndef HF_BROKER_RECORDS_H
#define HF_BROKER_RECORDS_H

#include "proto/types.h"

enum record_type {
	/* gate -> core */
	RECORD_READY = 1, /* payload: bound port u16 be; self-test passed */
	RECORD_FRAME,     /* a frame from `conn` with transport key `key` */
	RECORD_GONE,      /* conn closed; on dialled connections too */
	RECORD_UP, /* a dialled connection is up (conn, key = server's) */
	RECORD_DOWN_CAUSE, /* dialling failed: code (enum hf_err), key = server
			    */
	RECORD_ALARM,      /* code, count: refused handshakes, cut peers */
	RECORD_FIGURES, /* code: connections now; count: turned away so far */
	/* core -> gate */
	RECORD_SEND, /* payload to `conn` */
	RECORD_CUT,  /* shut down every connection of `key` */
	RECORD_KEYS, /* payload: the whole set of admitted keys, 32 each;
			code: part number, count: parts */
	RECORD_DIAL, /* keep one connection to key at payload (endpoint
			text lines "tcp://1.2.3.4:5\n..."); empty: drop it */
	RECORD_STOP,
	/* core <-> signer */
	RECORD_SIGN, /* payload: see signer/signer.h */
	RECORD_SIGNED,
	RECORD_COSIGN, /* payload: see signer/process.h; answer: SIGNED */
	/* supervisor <-> children */
	RECORD_SECRETS, /* first record of each child: its secrets */
	RECORD_RELOAD,
	RECORD_RESOLVE,  /* core -> supervisor: "host:port" */
	RECORD_RESOLVED, /* "host:port literal" */
	RECORD_GATE,     /* supervisor -> core: a new gate, code 0 desks, 1
			    peers; the descriptor comes along */
};

struct record_header {
	uint32_t type;
	uint32_t code;
	uint32_t count;
	uint32_t size; /* of the payload */
	uint64_t conn; /* the gate's own number of a connection, never reused */
	uint8_t key[HF_KEY_SIZE];
};

#define RECORD_MAX (sizeof(struct record_header) + HF_FRAME_MAX)

struct record {
	struct record_header h;
	uint8_t payload[HF_FRAME_MAX];
};

/** A pair of non-blocking, close-on-exec SEQPACKET sockets with room for
 * RECORD_MAX.  Errors: HF_FILE */
HF_MUST_USE enum hf_err records_pair(int fds[2]);
/** Until `fd` is ready for `events`; false after `ms` (-1: waits for ever) or
 * when it cannot wait.  Signals do not shorten it. */
HF_MUST_USE bool record_wait(int fd, short events, int ms);
/** Errors: HF_BUSY (would block), HF_UNREACHABLE (closed), HF_TOO_BIG */
enum hf_err record_send(
    int fd, const struct record_header *h, const void *payload);
/** Errors: HF_BUSY, HF_UNREACHABLE, HF_FRAME (malformed) */
HF_MUST_USE enum hf_err record_receive(int fd, struct record *r);
/** The same with a descriptor: -1 when none came along. */
enum hf_err record_send_fd(int fd, const struct record_header *h, int passed);
HF_MUST_USE enum hf_err record_receive_fd(
    int fd, struct record *r, int *passed);

#endif
