/*
 * crash: every state that a power cut can leave of a broker's files.
 *
 * work.c does real work with real engines and stores while record.c notes the
 * operations; replay.c makes a state of them; check.c opens it.
 */
#ifndef HF_TESTS_CRASH_CRASH_H
#define HF_TESTS_CRASH_CRASH_H

#include "tests/broker/fixture.h"
#include "tests/crash/record.h"

#define ACKS_MAX 1024u
#define SECTOR 512u

/** Something a broker has told somebody: from operation `at` on it must not
 * be lost. */
struct ack {
	const struct node *node;
	size_t at;
	uint64_t head; /* size of the newest signed head */
	struct hf_id act, case_id;
	bool erased;                   /* the case's key is destroyed; no act */
	struct signed_act *own;        /* submitted here; may be NULL */
	const struct officer *officer; /* by whom */
};

struct work {
	struct federation *fed;
	unsigned count;
	struct ack acks[ACKS_MAX];
	size_t serving[FED_COUNTRIES]; /* operations before it first served */
	char dir[FED_COUNTRIES][NODE_DIR_MAX]; /* since then */
	struct instant now;                    /* when it did something last */
};

/** Cases from request to erasure, restarts between them.  w->fed: NULL, or
 * made and not started. */
void work_run(struct work *w, unsigned cases);

/** Contents of a directory. */
struct image {
	struct {
		bool there;
		uint8_t *data;
		size_t size, room;
	} file[FILES_MAX];
};
void image_copy(struct image *to, const struct image *from);
void image_free(struct image *m);
void image_apply(struct image *m, const struct op *op);

/** What is on disk for sure after the first `at` operations, and what may
 * be: indices of operations since the last sync of their file. */
struct cut {
	const struct log *log;
	size_t at;
	struct image sure;
	size_t *maybe;
	size_t count, room;
};
void cut_next(struct cut *c); /* one operation more */
void cut_free(struct cut *c);
/** The `n`-th state of a cut into `out`; chance from `seed`. */
void cut_state(const struct cut *c, struct image *out, uint64_t seed);
uint64_t chance(uint64_t *seed);

/** Bring a directory to an image; `now` is what it holds. */
void image_write(struct image *now, const struct image *want,
    const struct log *names, const char *dir);
/** Open the state in `probe`'s directory with the real store, signer and
 * engine, and look for all that node `n` had acknowledged after `at`
 * operations.  deep: serve again too.  Fails by plain_fail.
 * false: refused by LMDB, and the broker had never served. */
bool check_state(const struct work *w, const struct node *n, size_t at,
    const char *dir, bool deep);

/** Failing calls, failing allocations and full disks; an exit status. */
int faults_main(void);
/** What plain_fail says is expected, and not told. */
extern bool crash_quiet;
uint64_t crash_number(const char *name, uint64_t otherwise);

#endif
