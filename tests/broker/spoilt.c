/*
 * spoilt: each turn of each test with something failing (HF_SPOILT=1).
 *
 * Before a turn is run it is run for nothing, in a child, to see what calls of
 * the store and what allocations it makes; then again, each time in a child,
 * for each that has not failed yet when called by these functions: that call
 * fails, or what it reads is damaged, and the turn must tell.  Then the turn
 * itself follows, and its test goes on.  What has failed already is known to
 * all tests of one run.
 */
#include "tests/broker/fixture.h"
#include "tests/support/sites.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAY_DAMAGED 3u /* where what is read is damaged */
#define IN_VAIN 100u   /* turns after which only each SAMPLE-th is watched */
#define SAMPLE 20u
#define CALLS 65536u /* of one turn */

enum call {
	CALL_GET,
	CALL_PUT,
	CALL_PUT_FULL,
	CALL_DEL,
	CALL_NEXT,
	CALL_LAST,
	CALL_ROWS,
	CALL_KEY_NEW,
	CALL_KEY_GET,
	CALL_ALLOC,
	/* what is stored is damaged: */
	CALL_GONE,  /* a row that is there is not found */
	CALL_SHORT, /* most of a value is gone, and it must be seen */
	CALL_LESS,  /* the same where it need not be */
	CALL_KEY    /* a key lacks its last byte */
};
static const char *const names[] = {"txn_get", "txn_put", "txn_put, full",
    "txn_del", "txn_next", "txn_last", "txn_rows", "store_key_new",
    "store_key_get", "an allocation", "a row that is gone", "a short value",
    "any short value", "a short key"};

/* Of the turn that is watched, in its order. */
static struct watched {
	unsigned count;
	uint32_t site[CALLS];
	enum call call[CALLS];
	uintptr_t way[CALLS][SITE_WAY]; /* for addr2line */
} * watched;
static bool watching;
static unsigned fail_at, at; /* 0: none */
static bool failed;

static unsigned alloc_fails_in; /* 0: none */

bool fail_allocation(unsigned nth)
{
	bool met = alloc_fails_in == 0;

	alloc_fails_in = nth;
	return met;
}

static __attribute__((noinline)) bool fails(enum call call)
{
	if (call == CALL_ALLOC && alloc_fails_in > 0 && --alloc_fails_in == 0)
		return true;
	if (watching && watched->count < CALLS) {
		watched->site[watched->count] =
		    site_of(call, call < CALL_GONE ? SITE_WAY : WAY_DAMAGED,
			watched->way[watched->count]);
		watched->call[watched->count++] = call;
	}
	if (fail_at == 0 || ++at != fail_at)
		return false;
	failed = true;
	return true;
}

/* Values that are read by their size or as a whole; of the others only that
 * they are there matters, or what is in them verifies by itself. */
static bool must_be_whole(enum table table, bool in_range, struct hf_bytes v)
{
	switch (table) {
	case TABLE_OUTBOX:
	case TABLE_INBOX:
	case TABLE_DUE_OF:
		return true;
	case TABLE_DUE:
	case TABLE_DOCS:
	case TABLE_BODIES:
	case TABLE_RECEIPTS:
	case TABLE_CONFLICTS:
	case TABLE_CHECKPOINTS:
		return false;
	case TABLE_META: /* a grant is one byte */
		return !in_range && v.size > 1;
	case TABLE_PEERS: /* notes and proofs are longer */
		return !in_range && v.size <= 64;
	default:
		return !in_range;
	}
}

static enum call short_of(enum table table, bool in_range, struct hf_bytes v)
{
	return must_be_whole(table, in_range, v) ? CALL_SHORT : CALL_LESS;
}

/* ---- what the broker calls ---- */

#define WRAP(ret, name, params, ...) \
	ret __real_##name params; \
	ret __wrap_##name params; \
	ret __wrap_##name params \
	{ \
		__VA_ARGS__ \
	}

WRAP(enum hf_err, txn_put,
     (struct txn * t, enum table table, struct hf_bytes key,
	 struct hf_bytes value),
     if (fails(CALL_PUT_FULL)) return HF_FULL;
     return fails(CALL_PUT) ? HF_STORE : __real_txn_put(t, table, key, value);)
WRAP(enum hf_err, txn_del,
     (struct txn * t, enum table table, struct hf_bytes key),
     return fails(CALL_DEL) ? HF_STORE : __real_txn_del(t, table, key);)
WRAP(enum hf_err, txn_rows, (struct txn * t, enum table table, uint64_t *count),
     return fails(CALL_ROWS) ? HF_STORE : __real_txn_rows(t, table, count);)
WRAP(
    enum hf_err, store_key_new,
    (struct txn * t, const uint8_t key[HF_KEY_SIZE], uint32_t *slot),
    return fails(CALL_KEY_NEW) ? HF_STORE : __real_store_key_new(t, key, slot);)
WRAP(
    enum hf_err, store_key_get,
    (struct txn * t, uint32_t slot, uint8_t key[HF_KEY_SIZE]),
    return fails(CALL_KEY_GET) ? HF_STORE : __real_store_key_get(t, slot, key);)
WRAP(void *, malloc, (size_t size),
     return fails(CALL_ALLOC) ? NULL : __real_malloc(size);)
WRAP(void *, calloc, (size_t count, size_t size),
     return fails(CALL_ALLOC) ? NULL : __real_calloc(count, size);)
WRAP(void *, realloc, (void *old, size_t size),
     return fails(CALL_ALLOC) ? NULL : __real_realloc(old, size);)

enum hf_err __real_txn_get(
    struct txn *t, enum table table, struct hf_bytes key, struct hf_bytes *v);
enum hf_err __wrap_txn_get(
    struct txn *t, enum table table, struct hf_bytes key, struct hf_bytes *v);

enum hf_err __wrap_txn_get(
    struct txn *t, enum table table, struct hf_bytes key, struct hf_bytes *v)
{
	enum hf_err err;

	if (fails(CALL_GET))
		return HF_STORE;
	err = __real_txn_get(t, table, key, v);
	if (err != HF_OK)
		return err;
	if (fails(CALL_GONE))
		return HF_NOTFOUND;
	if (fails(short_of(table, false, *v)))
		v->size /= 3;
	return HF_OK;
}

enum hf_err __real_txn_next(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes from, bool after,
    struct hf_bytes *key, struct hf_bytes *v);
enum hf_err __wrap_txn_next(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes from, bool after,
    struct hf_bytes *key, struct hf_bytes *v);

enum hf_err __wrap_txn_next(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes from, bool after,
    struct hf_bytes *key, struct hf_bytes *v)
{
	enum hf_err err;

	if (fails(CALL_NEXT))
		return HF_STORE;
	err = __real_txn_next(t, table, prefix, from, after, key, v);
	if (err != HF_OK)
		return err;
	if (fails(CALL_KEY))
		key->size--;
	if (fails(short_of(table, true, *v)))
		v->size /= 3;
	return HF_OK;
}

enum hf_err __real_txn_last(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes *key, struct hf_bytes *v);
enum hf_err __wrap_txn_last(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes *key, struct hf_bytes *v);

enum hf_err __wrap_txn_last(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes *key, struct hf_bytes *v)
{
	enum hf_err err;

	if (fails(CALL_LAST))
		return HF_STORE;
	err = __real_txn_last(t, table, prefix, key, v);
	if (err == HF_OK && fails(CALL_KEY))
		key->size--;
	return err;
}

/* ---- turns for nothing ---- */

static enum hf_err run(struct node *n, const struct event *ev)
{
	struct event timer = node_event(n, EVENT_TIMER);
	struct hf_hash root;
	uint64_t size;
	bool changed;
	enum hf_err err = engine_begin(n->engine, n->txn, n->effects);

	if (err == HF_OK)
		err = engine_step(n->engine, &timer);
	if (err == HF_OK)
		err = engine_step(n->engine, ev);
	timer = node_event(n, EVENT_TIMER);
	if (err == HF_OK)
		err = engine_step(n->engine, &timer);
	if (err == HF_OK)
		err = engine_end(n->engine, &size, &root, &changed);
	return err;
}

/* A turn that is to come, or a part of one that runs. */
struct tried {
	const struct event *ev;
	enum hf_err (*part)(struct node *n, void *ctx);
	void *ctx;
};

/* Watch, or fail at a call; what is said of it. */
static enum hf_err try(struct node *n, const struct tried *what, unsigned call)
{
	enum hf_err err;

	if (what->part == NULL) {
		n->effects = effects_new();
		if (n->effects == NULL || txn_begin(&n->txn, n->store) != HF_OK)
			abort();
	}
	watched->count = call == 0 ? 0 : watched->count;
	watching = call == 0;
	fail_at = call;
	at = 0;
	failed = false;
	err = what->part == NULL ? run(n, what->ev) : what->part(n, what->ctx);
	watching = false;
	fail_at = 0;
	/* a part leaves these to the end of its turn; while an engine opens
	 * there is no turn */
	if (n->engine == NULL || n->effects == NULL)
		return err;
	if (n->engine->fault != HF_OK)
		return n->engine->fault;
	return effects_failed(n->effects) ? HF_NOMEM : err;
}

/* In a child, which ends as the core does; was it told?  A refusal tells
 * nothing. */
static bool tells(struct node *n, const struct tried *what, unsigned call)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		enum hf_err err = try(n, what, call);

		if (what->part == NULL)
			txn_abort(n->txn);
		_exit(err != HF_OK && !is_refusal(err) ? 1
		      : call != 0 && !failed           ? 2
						       : 0);
	}
	cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
	cr_assert(WIFEXITED(status), "a signal ended the turn");
	cr_assert_neq(WEXITSTATUS(status), 2, "the same turn went another way");
	cr_assert_leq(WEXITSTATUS(status), 1, "the turn ended its process");
	return WEXITSTATUS(status) == 1;
}

static void went_on(const struct tried *what, unsigned i)
{
	cr_expect(false, "a turn of event %d went on though %s failed, at%s",
	    what->ev != NULL ? (int)what->ev->type : -1,
	    names[watched->call[i]], site_text(watched->way[i]));
}

/* A desk may be told that there is no memory for it now, and nobody can tell a
 * row that is gone from one that never was. */
static bool may_go_on(const struct tried *what, enum call call)
{
	return (what->ev != NULL && what->ev->type == EVENT_DESK_FRAME &&
		   call == CALL_ALLOC) ||
	       call == CALL_GONE || call == CALL_LESS;
}

/* A test of thousands of turns that are all alike need not watch each. */
static bool is_worth_it(bool found)
{
	static unsigned in_vain, passed;

	if (found)
		in_vain = 0;
	else if (++in_vain > IN_VAIN)
		return ++passed % SAMPLE == 0;
	return true;
}

static void try_all(struct node *n, const struct tried *what)
{
	static bool found = true;
	unsigned count;

	if (!is_worth_it(found) || tells(n, what, 0))
		return;
	found = false;
	count = watched->count;
	for (unsigned i = 0; i < count; i++) {
		if (!site_is_new(watched->site[i]))
			continue;
		found = true;
		if (!tells(n, what, i + 1) &&
		    !may_go_on(what, watched->call[i]))
			went_on(what, i);
	}
}

/* Not when the program starts: its runner has no tests. */
static void prepare(void)
{
	if (watched != NULL)
		return;
	sites_open();
	watched = sites_memory(sizeof(*watched));
}

static void before_turn(struct node *n, const struct event *ev)
{
	struct tried what = {.ev = ev};

	prepare();
	try_all(n, &what);
}

static void before_part(
    struct node *n, enum hf_err (*part)(struct node *n, void *ctx), void *ctx)
{
	struct tried what = {.part = part, .ctx = ctx};

	prepare();
	try_all(n, &what);
}

static __attribute__((constructor)) void begin(void)
{
	if (getenv("HF_SPOILT") == NULL)
		return;
	fed_before_turn = before_turn;
	fed_before_part = before_part;
}
