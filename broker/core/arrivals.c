/*
 * arrivals: what came from the gates, in the order of its coming, and the two
 * threads that verify the signatures in it.
 *
 * The deciding thread alone puts and takes.  It takes in order, so the order
 * of a connection is kept; where the oldest is not verified yet, it verifies
 * what nobody has begun, and sleeps only when there is nothing: a single act
 * costs no change of threads.  While it commits, the threads go on with what
 * came later.  A bound in items and bytes: when it is reached, the gates are
 * not read and slow their senders.
 */
#include "broker/core/arrivals.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define WORKERS 2u
#define ITEMS_MAX 2048u /* routine work fills half: two windows of peers */
#define BYTES_MAX (8u << 20)
#define WAKE_EVERY 8u /* items put for one more thread that wakes */
#define WAIT_FOR 16u  /* items verified for one wait of the decider */
#define OWN 1u        /* items left to the decider: nobody is woken */
/* Verifying threads step back: what all wait for is the deciding thread, and
 * while that waits for the disk they have the processors. */
#define VERIFIER_NICE 10

struct arrivals {
	pthread_mutex_t lock;
	pthread_cond_t work;  /* something to verify, or the end */
	pthread_cond_t ready; /* something was verified */
	pthread_t threads[WORKERS];
	unsigned thread_count;
	bool ending;
	struct arrival *ring[ITEMS_MAX];
	/* counters, modulo the ring: taken <= claimed <= put */
	uint64_t put, claimed, taken;
	uint64_t wanted; /* the one whose verification wakes the decider */
	size_t bytes;
	struct queued queued;
};

static void verify(struct arrival *item)
{
	enum event_type type =
	    item->gate == GATE_DESKS ? EVENT_DESK_FRAME : EVENT_PEER_FRAME;

	if (item->h.type == RECORD_FRAME)
		item->verify_err = engine_preverify(
		    type, (struct hf_bytes){item->payload, item->h.size});
}

/* The next that nobody has begun; the lock is held but while it verifies. */
static uint64_t verify_next(struct arrivals *b)
{
	uint64_t at = b->claimed++;
	struct arrival *item = b->ring[at % ITEMS_MAX];

	pthread_mutex_unlock(&b->lock);
	verify(item);
	pthread_mutex_lock(&b->lock);
	item->ready = true;
	return at;
}

static void *run(void *ctx)
{
	struct arrivals *b = ctx;

	(void)setpriority(PRIO_PROCESS, 0, VERIFIER_NICE);
	pthread_mutex_lock(&b->lock);
	while (!b->ending) {
		if (b->claimed == b->put)
			pthread_cond_wait(&b->work, &b->lock);
		else if (verify_next(b) == b->wanted)
			pthread_cond_signal(&b->ready);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

struct arrivals *arrivals_new(void)
{
	struct arrivals *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->queued.room = ITEMS_MAX;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->work, NULL);
	pthread_cond_init(&b->ready, NULL);
	while (b->thread_count < WORKERS &&
	       pthread_create(&b->threads[b->thread_count], NULL, run, b) == 0)
		b->thread_count++;
	if (b->thread_count > 0)
		return b;
	arrivals_free(b);
	return NULL;
}

void arrivals_free(struct arrivals *b)
{
	if (b == NULL)
		return;
	pthread_mutex_lock(&b->lock);
	b->ending = true;
	pthread_cond_broadcast(&b->work);
	pthread_mutex_unlock(&b->lock);
	for (unsigned i = 0; i < b->thread_count; i++)
		pthread_join(b->threads[i], NULL);
	while (b->taken < b->put)
		free(b->ring[b->taken++ % ITEMS_MAX]);
	pthread_cond_destroy(&b->ready);
	pthread_cond_destroy(&b->work);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

bool arrivals_has_room(const struct arrivals *b)
{
	return b->put - b->taken < ITEMS_MAX && b->bytes < BYTES_MAX;
}

unsigned arrivals_count(const struct arrivals *b)
{
	return (unsigned)(b->put - b->taken);
}

struct queued arrivals_queued(const struct arrivals *b)
{
	return b->queued;
}

enum hf_err arrivals_put(struct arrivals *b, unsigned gate,
    const struct record *r, const struct admitted_as *as)
{
	struct arrival *item = malloc(sizeof(*item) + r->h.size);
	uint64_t waiting;

	assert(b->put - b->taken < ITEMS_MAX);
	if (item == NULL)
		return HF_NOMEM;
	item->h = r->h;
	item->gate = gate;
	item->urgency = as != NULL ? as->urgency : 0;
	item->weight = as != NULL ? as->count : 0;
	item->verify_err = HF_OK;
	item->ready = false;
	memcpy(item->payload, r->payload, r->h.size);
	b->bytes += r->h.size;
	b->queued.waiting[item->urgency] += item->weight;
	pthread_mutex_lock(&b->lock);
	b->ring[b->put++ % ITEMS_MAX] = item;
	waiting = b->put - b->claimed;
	if (waiting > OWN &&
	    (waiting <= OWN + WORKERS || waiting % WAKE_EVERY == 0))
		pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
	return HF_OK;
}

void arrivals_leave(struct arrivals *b)
{
	pthread_mutex_lock(&b->lock);
	if (b->claimed < b->put)
		pthread_cond_broadcast(&b->work);
	pthread_mutex_unlock(&b->lock);
}

struct arrival *arrivals_take(struct arrivals *b, bool wait)
{
	struct arrival *item;

	if (b->taken == b->put)
		return NULL;
	item = b->ring[b->taken % ITEMS_MAX];
	pthread_mutex_lock(&b->lock);
	if (!item->ready && !wait) {
		pthread_mutex_unlock(&b->lock);
		return NULL;
	}
	while (!item->ready) {
		uint64_t far = b->taken + WAIT_FOR - 1;

		if (b->claimed < b->put) {
			verify_next(b);
			continue;
		}
		if (far >= b->put)
			far = b->put - 1;
		b->wanted = b->ring[far % ITEMS_MAX]->ready ? b->taken : far;
		pthread_cond_wait(&b->ready, &b->lock);
	}
	b->taken++;
	pthread_mutex_unlock(&b->lock);
	b->bytes -= item->h.size;
	b->queued.waiting[item->urgency] -= item->weight;
	return item;
}
