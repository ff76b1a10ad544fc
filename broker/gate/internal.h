/*
 * internal: the rooms of the gate.
 *
 *   gate.c         the loop: core's records, frames, ticks
 *   sockets.c      every socket option, set and read back (pitfalls C1)
 *   zap.c          who may finish a handshake
 *   connections.c  accepted connections: byte watch, age, cutting
 *   crowd.c        how many there may be, and who goes when there are more
 *   backlog.c      what a connection cannot take this moment
 *   dial.c         one DEALER a peer, one endpoint at a time
 *   selftest.c     an unknown key gets nothing through, a known one does
 *
 * One thread.  The monitor is always drained before the socket it watches,
 * so an event stands before the frames that follow it.
 */
#ifndef HF_GATE_INTERNAL_H
#define HF_GATE_INTERNAL_H

#include "broker/gate/gate.h"
#include "broker/records.h"
#include "proto/table.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <utlist.h>

/* Absent from Debian's zmq.h (draft), present in the library: F2. */
#define GATE_ZAP_ENFORCE_DOMAIN 93

#define GATE_KEY_CONNECTIONS 4u /* live connections of one key: F20 */
/* First frame after accept, F20: a handshake has 2.5 s, then 5 s. */
#define GATE_HELLO_MS 7500u
#define GATE_ALARM_MS 60000u
#define GATE_TICK_MS 50 /* byte watch: F7 */
#define GATE_SWEEP_MS 2000
#define GATE_LOOK_MS 1000 /* every socket, whatever its descriptor says */
#define GATE_SWEEP_BYTES (UINT64_C(4) << 20)
#define GATE_TELL_MS 1000u /* figures for the core, when they changed */
/* What may come before the first frame was taken: a handshake is 2 KiB, and
 * who has done it may send on at once. */
#define GATE_STRANGER_BYTES (8u * HF_FRAME_MAX)
#define GATE_ROUTING_SLACK 8u /* ids ahead of our count of handshakes */
#define GATE_DIALS_MAX HF_COUNTRY_MAX
#define GATE_RCVHWM_PEERS 64
#define GATE_RCVHWM_DESKS 16
#define GATE_SNDHWM_PEERS GATE_RCVHWM_PEERS
#define GATE_SNDHWM_DESKS 128           /* above a page of 64 pushed events */
#define GATE_BACKLOG_BYTES (1u << 20)   /* of one connection */
#define GATE_BACKLOGS_BYTES (16u << 20) /* of all */
#define GATE_BACKLOG_MS 10000u          /* takes nothing for so long: cut */
#define GATE_BACKLOG_TRY_MS 5

struct admitted {
	struct hf_key key;
	unsigned live; /* accepted connections */
	bool keep;     /* mark of a running replacement */
	bool lost;     /* table.h */
	UT_hash_handle hh;
};

/** Connections of one address that were not cut. */
struct source {
	in_addr_t address;
	unsigned pending, all;
	bool lost; /* table.h */
	UT_hash_handle hh;
};

/** An accepted connection, known by descriptor from the monitor and, after
 * its first frame, by routing id. */
struct connection {
	int fd;
	uint64_t number; /* 0 until its first frame */
	uint32_t routing;
	struct admitted *key; /* NULL until its first frame */
	struct sockaddr_in address;
	struct source *source;          /* NULL once it was cut */
	struct connection *prev, *next; /* of those not authenticated, by age */
	uint64_t accepted_ms;           /* monotonic */
	uint64_t received; /* TCP bytes at the tick after the last frame */
	bool framed;       /* a whole frame came since the last tick */
	bool is_known;     /* as crowd.c counts it */
	bool cut;
	bool lost;                           /* table.h */
	struct held *backlog, *backlog_last; /* backlog.c */
	size_t backlog_bytes;
	uint64_t backlog_ms; /* when it took something last */
	UT_hash_handle by_fd;
	UT_hash_handle by_number;
	UT_hash_handle by_routing;
};

struct dial {
	struct hf_key key;
	void *socket, *monitor; /* NULL: free slot */
	int socket_fd, monitor_fd;
	bool ready; /* there may be something that its descriptor hides */
	unsigned count, current;
	char endpoint[4][96];
	unsigned failures;  /* on the current endpoint */
	uint64_t redial_ms; /* connect anew then; 0: libzmq does it */
	uint64_t number;    /* of the live connection; 0: down */
	int fd;             /* of the live connection; -1: none */
	uint64_t received;  /* TCP bytes at the last whole frame */
};

struct gate {
	struct gate_options *o;
	int core_fd;
	void *ctx, *router, *monitor, *zap;
	int router_fd, monitor_fd, zap_fd;
	bool router_ready; /* as dial.ready */
	uint64_t looked_ms;
	int port;
	uint64_t next_number;
	struct admitted *admitted;
	bool keyed;           /* the core has said who is admitted */
	const uint8_t *probe; /* the self-test's own key; NULL: no self-test */
	uint8_t *incoming_keys; /* parts of RECORD_KEYS */
	uint32_t incoming_count, incoming_parts;
	struct connection *by_fd, *by_number, *by_routing;
	unsigned connection_count; /* with those that were cut and not closed */
	/* crowd.c: what was not cut */
	struct source *sources;
	struct connection *pending; /* oldest first */
	unsigned pending_count, known_count;
	uint64_t cut_count; /* since the start, for a limit's sake */
	unsigned crowded;   /* of them since the last alarm */
	unsigned backlogs;  /* connections that have one */
	size_t backlog_bytes;
	bool routing_known;
	uint32_t routing_first; /* the self-test's own id */
	uint32_t handshakes;    /* since then */
	struct dial dials[GATE_DIALS_MAX];
	unsigned refused;       /* handshakes since the last alarm */
	uint64_t refused_count; /* since the start */
	uint64_t alarm_ms, told_ms;
	uint64_t swept_ms, swept_bytes; /* when all were asked, what was held */
	uint64_t told_known, told_turned; /* figures as told last */
	bool no_descriptors;              /* told since the last alarm */
	bool unbound;                     /* its endpoint could not be had */
	bool stopping;
	bool fatal;
	struct record record; /* receive space */
};

uint64_t gate_mono_ms(void);
/** It cannot go on: says what and why, once, and is fatal from then on. */
void gate_fail(struct gate *g, enum hf_err why, const char *what);
/** To the core; waits briefly when it is busy; a closed core stops us. */
void gate_tell(struct gate *g, enum record_type type, uint32_t code,
    uint32_t count, uint64_t conn, const struct hf_key *key,
    const void *payload, size_t size);

/* sockets.c: 0, or -1 when an option was not set or not read back so. */
int gate_router(struct gate *g);
int gate_dealer(struct gate *g, void *socket, const uint8_t public_key[32],
    const uint8_t secret_key[32], const uint8_t server_key[32]);
/** The descriptor that becomes readable when there is something to do for a
 * socket.  Whoever calls the socket, to send too, may use that up. */
int gate_fd(void *socket);
/** Bound monitor of a socket. */
void *gate_monitor(struct gate *g, void *socket, const char *address);
struct monitor_event {
	uint16_t event;
	uint32_t value;
};
/** The next event; false when there is none. */
bool gate_monitor_next(void *monitor, struct monitor_event *e);

/* zap.c */
int gate_zap_open(struct gate *g);
void gate_zap_serve(struct gate *g);
struct admitted *gate_admitted(struct gate *g, const struct hf_key *key);
/** Replace the whole set; connections of keys that left it are cut. */
void gate_admit(struct gate *g, const uint8_t *keys, uint32_t count);

/* connections.c */
void gate_monitor_drain(struct gate *g);
/** Bytes that TCP took from this descriptor's peer so far. */
uint64_t gate_tcp_received(int fd);
/** Bytes a peer may send without a whole frame. */
uint64_t gate_byte_limit(const struct gate *g);
/** What waits at the ROUTER, while the core takes it.  True: there may be
 * more. */
bool gate_receive(struct gate *g, unsigned most);
void gate_send(struct gate *g, const struct record *r);
void gate_cut(struct gate *g, struct connection *c);
/** Of an accepted connection: shut down if it is still this peer's. */
void gate_shutdown(const struct connection *c);
/** A handshake was refused, or a frame that may not be. */
void gate_refused(struct gate *g);
void gate_cut_key(struct gate *g, const struct hf_key *key);
void gate_tick(struct gate *g);

/* crowd.c */
/** A new connection; may cut others or this one.  Errors: HF_NOMEM */
HF_MUST_USE enum hf_err gate_crowd_add(struct gate *g, struct connection *c);
/** Its first frame is here, and with it its key.  False: one too many, cut. */
bool gate_crowd_known(struct gate *g, struct connection *c);
/** It is cut or gone: it counts no more. */
void gate_crowd_drop(struct gate *g, struct connection *c);

/* backlog.c */
/** In order; what does not go now is kept for a while. */
void backlog_send(
    struct gate *g, struct connection *c, const void *data, size_t size);
void backlog_flush(struct gate *g);
/** Forget what is kept for this connection. */
void backlog_drop(struct gate *g, struct connection *c);

/* dial.c */
void gate_dial(struct gate *g, const struct record *r);
/** Its events, then its frames.  True: there may be more of these. */
bool gate_dial_drain(struct gate *g, struct dial *d, unsigned most);
struct dial *gate_dial_of(struct gate *g, uint64_t number);
void gate_dial_close(struct gate *g, struct dial *d);
/** sweep: ask also for its bytes. */
void gate_dial_tick(struct gate *g, struct dial *d, bool sweep);

/* selftest.c: 0, GATE_OPEN or GATE_REFUSES; the log says why */
int gate_selftest(struct gate *g);

#endif
