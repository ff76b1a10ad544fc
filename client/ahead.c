/*
 * ahead: a ring of items a stream, four counters that only grow:
 *
 *	taken <= worked on, in any order <= begun <= filled
 *
 * Slots from filled to taken + window belong to the taker, who reads into
 * them without the lock, many at once; those from begun to filled wait for
 * whoever has time, the taker too when what it wants is not ready.
 */
#include "client/ahead.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH 4u /* items begun in one go: some 200 us of signatures */

struct ring {
	struct ahead_stream s;
	uint8_t *items;
	bool *done;             /* by slot; guarded by the lock */
	uint64_t taken;         /* the taker's own: handed out and come back */
	bool lent;              /* the taker's own: the one at `taken` */
	enum hf_err ended;      /* the taker's own: HF_OK while there is more */
	uint64_t begun, filled; /* guarded by the lock */
};

struct ahead {
	pthread_mutex_t lock;
	pthread_cond_t work; /* there is an item to begin, or the end */
	pthread_cond_t done; /* one was worked on that the taker may want */
	bool ends, waits; /* guarded by the lock; the taker waits for `done` */
	unsigned thread_count, ring_count;
	pthread_t threads[AHEAD_THREADS_MAX];
	struct ring rings[AHEAD_STREAMS_MAX];
};

static void *item_at(const struct ring *r, uint64_t n)
{
	return r->items + n % r->s.window * r->s.item_size;
}

/* Begin and finish up to BATCH items of a ring that has some.  Called with
 * the lock, which it leaves meanwhile. */
static void work_some(struct ahead *a, struct ring *r)
{
	uint64_t from = r->begun, to = r->filled;

	if (to - from > BATCH)
		to = from + BATCH;
	r->begun = to;
	pthread_mutex_unlock(&a->lock);
	for (uint64_t n = from; n < to; n++)
		r->s.work(r->s.ctx, item_at(r, n));
	pthread_mutex_lock(&a->lock);
	for (uint64_t n = from; n < to; n++)
		r->done[n % r->s.window] = true;
	if (a->waits)
		pthread_cond_signal(&a->done);
}

static struct ring *waiting_ring(struct ahead *a)
{
	for (unsigned i = 0; i < a->ring_count; i++)
		if (a->rings[i].begun < a->rings[i].filled)
			return &a->rings[i];
	return NULL;
}

static void *worker(void *arg)
{
	struct ahead *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!a->ends) {
		struct ring *r = waiting_ring(a);

		if (r != NULL)
			work_some(a, r);
		else
			pthread_cond_wait(&a->work, &a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* ---- life ---- */

static enum hf_err ring_init(struct ring *r, const struct ahead_stream *s)
{
	assert(s->window > 0 && s->item_size % _Alignof(max_align_t) == 0);
	r->s = *s;
	r->items = calloc(s->window, s->item_size);
	r->done = calloc(s->window, sizeof(*r->done));
	return r->items == NULL || r->done == NULL ? HF_NOMEM : HF_OK;
}

static unsigned cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1                   ? 1
	       : n > AHEAD_THREADS_MAX ? AHEAD_THREADS_MAX
				       : (unsigned)n;
}

enum hf_err ahead_new(struct ahead **out, unsigned threads,
    const struct ahead_stream *streams, unsigned count)
{
	struct ahead *a = calloc(1, sizeof(*a));
	enum hf_err err = HF_OK;

	assert(count <= AHEAD_STREAMS_MAX);
	if (a == NULL)
		return HF_NOMEM;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->work, NULL);
	pthread_cond_init(&a->done, NULL);
	for (unsigned i = 0; err == HF_OK && i < count; i++, a->ring_count++)
		err = ring_init(&a->rings[i], &streams[i]);
	if (threads == 0)
		threads = cores();
	for (unsigned i = 1;
	     err == HF_OK && i < threads && a->thread_count < AHEAD_THREADS_MAX;
	     i++)
		if (pthread_create(
			&a->threads[a->thread_count], NULL, worker, a) == 0)
			a->thread_count++;
	if (err != HF_OK) {
		ahead_free(a);
		return err;
	}
	*out = a;
	return HF_OK;
}

void ahead_free(struct ahead *a)
{
	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->ends = true;
	pthread_cond_broadcast(&a->work);
	pthread_mutex_unlock(&a->lock);
	for (unsigned i = 0; i < a->thread_count; i++)
		pthread_join(a->threads[i], NULL);
	for (unsigned i = 0; i < a->ring_count; i++) {
		free(a->rings[i].items);
		free(a->rings[i].done);
	}
	pthread_cond_destroy(&a->done);
	pthread_cond_destroy(&a->work);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* ---- taking ---- */

/* Read until the window is full.  Only the taker changes `filled`. */
static void fill(struct ahead *a, struct ring *r)
{
	uint64_t from = r->filled, to = from;

	while (r->ended == HF_OK && to < r->taken + r->s.window) {
		r->ended = r->s.read(r->s.ctx, item_at(r, to));
		to += r->ended == HF_OK;
	}
	pthread_mutex_lock(&a->lock);
	for (uint64_t n = from; n < to; n++)
		r->done[n % r->s.window] = false;
	r->filled = to;
	if (to > from)
		pthread_cond_broadcast(&a->work);
	pthread_mutex_unlock(&a->lock);
}

/* Until the next item is done; meanwhile this thread does its share. */
static void finish_next(struct ahead *a, struct ring *r)
{
	pthread_mutex_lock(&a->lock);
	while (!r->done[r->taken % r->s.window]) {
		struct ring *other = r->begun < r->filled ? r : waiting_ring(a);

		if (other != NULL) {
			work_some(a, other);
			continue;
		}
		a->waits = true;
		pthread_cond_wait(&a->done, &a->lock);
		a->waits = false;
	}
	pthread_mutex_unlock(&a->lock);
}

enum hf_err ahead_next(struct ahead *a, unsigned stream, void **item)
{
	struct ring *r = &a->rings[stream];

	r->taken += r->lent;
	r->lent = false;
	/* by quarters, so that reading is seldom and workers never starve */
	if (r->ended == HF_OK &&
	    r->filled - r->taken <= r->s.window - (r->s.window + 3) / 4)
		fill(a, r);
	if (r->taken == r->filled)
		return r->ended;
	finish_next(a, r);
	r->lent = true;
	*item = item_at(r, r->taken);
	return HF_OK;
}
