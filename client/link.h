/*
 * link: the client's only door to ZeroMQ: one CURVE DEALER to the own
 * broker (SPEC 11).
 */
#ifndef HF_CLIENT_LINK_H
#define HF_CLIENT_LINK_H

#include "client/home.h"
#include "proto/frames.h"
#include "proto/wire.h"

struct link;

/** What went wrong, for the message: name, TCP, wrong server key, ... */
struct link_trouble {
	enum hf_err err;
	char where[160]; /* "tcp://127.0.0.1:7247, handshake failed (auth 400),
			    3 tries" */
};

/** Connect (a monitor tells causes).  The home must be unlocked.
 * Errors: HF_UNREACHABLE and the 21xx family, HF_NOMEM */
HF_MUST_USE enum hf_err link_open(
    struct link **out, struct home *h, int timeout_ms);
void link_close(struct link *l);
/** Have `tell` called before each wait that a busy broker asks for. */
void link_tell_busy(
    struct link *l, void (*tell)(void *ctx, unsigned ms), void *ctx);
const struct link_trouble *link_trouble(const struct link *l);

/** An answer: the result map and, of a submit, the receipt (else empty).
 * Both lend from the link until its next call. */
struct answer {
	struct hf_bytes map, receipt;
};

/**
 * One request; sent again when the connection is lost and comes back, and
 * when a busy broker says after which time.
 * args     a packed canonical map (size 0: the empty map)
 * Errors: the broker's code; HF_TIMEOUT (outcome unknown); HF_FRAME;
 *         the 21xx family when the request could not be sent at all
 */
HF_MUST_USE enum hf_err link_call(
    struct link *l, enum hf_op op, struct hf_bytes args, struct answer *answer);
/** Ask for pushed events after `after` (UINT64_MAX: from now on).
 * Errors: those of link_call */
HF_MUST_USE enum hf_err link_watch(struct link *l, uint64_t after);
/** After link_watch: the next event, each once and in order; *event lends its
 * map.  On a new connection the watch goes on after the last event returned.
 * Errors: HF_TIMEOUT (nothing within timeout_ms), HF_NOT_IN_ROSTER, HF_FRAME,
 * those of link_call when it has to watch again */
HF_MUST_USE enum hf_err link_event(
    struct link *l, int timeout_ms, uint64_t *sequence, struct hf_bytes *event);

#endif
