/*
 * ahead: items of some streams, read and worked on ahead of the one who takes
 * them, by threads.  The only threads of the client.
 *
 * Items are read by the taker's own thread and handed out in the order read;
 * only `work` runs on other threads, on an item at a time that nobody else
 * has, and beside what never changes meanwhile.  So there is nothing else to
 * lock.  Memory is the windows, whatever the length of the streams.
 */
#ifndef HF_CLIENT_AHEAD_H
#define HF_CLIENT_AHEAD_H

#include "proto/types.h"

#define AHEAD_STREAMS_MAX 2u
#define AHEAD_THREADS_MAX 64u

struct ahead_stream {
	size_t item_size; /* bytes; items are zeroed once, then used again */
	unsigned window;  /* items */
	void *ctx;
	/** The next item.  Any error ends the stream, and is told behind the
	 * items that were read before. */
	enum hf_err (*read)(void *ctx, void *item);
	/** Any thread, any order. */
	void (*work)(const void *ctx, void *item);
};

struct ahead; /* opaque */

/** `threads`, the taker's included: with 1 it works itself, when it takes.
 * 0: as many as there are cores.
 * streams  copied
 * Errors: HF_NOMEM (threads that cannot be had are done without) */
HF_MUST_USE enum hf_err ahead_new(struct ahead **out, unsigned threads,
    const struct ahead_stream *streams, unsigned count);
/** NULL is fine. */
void ahead_free(struct ahead *a);
/** The next item of a stream, worked on; lent until the next call for that
 * stream.  Errors: what `read` ended the stream with */
HF_MUST_USE enum hf_err ahead_next(
    struct ahead *a, unsigned stream, void **item);

#endif
