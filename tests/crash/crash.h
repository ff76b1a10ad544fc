/*
 * crash: every state that a power cut can leave of a broker's files.
 *
 * work.c does real work with real engines and stores while record.c notes the
 * operations.  cut.c says what is on disk at each of them and makes states of
 * it, in images (image.c).  look.c reads a state's store with LMDB, check.c
 * opens a state with the real signer, store and engine, memo.c remembers what
 * was judged, explore.c goes through the states of a log, and main.c shares
 * the work out to processes.
 */
#ifndef HF_TESTS_CRASH_CRASH_H
#define HF_TESTS_CRASH_CRASH_H

#include "tests/broker/fixture.h"
#include "tests/crash/record.h"

#define ACKS_MAX 2048u
#define SECTOR 512u
#define STATE_MAP (64u << 20)

/* ---- work ---- */

/** Something a broker has told somebody: from operation `at` on it must not
 * be lost. */
struct ack {
	const struct node *node;
	size_t at;
	uint64_t head;     /* size of the newest signed head */
	uint64_t cosigned; /* of the other broker's, by the witness here */
	enum { ACK_HEADS, ACK_ACT, ACK_ERASED } what;
	struct hf_id act, case_id;     /* ACK_ERASED: no act */
	struct signed_act *own;        /* submitted here; may be NULL */
	const struct officer *officer; /* by whom */
};

struct work_plan {
	unsigned cases;
	uint64_t seed; /* 0: always the same cases */
	bool links;    /* else acts are carried by hand, and nobody cosigns */
};

struct work {
	struct federation *fed;
	unsigned count;
	struct ack acks[ACKS_MAX];
	size_t serving[FED_COUNTRIES]; /* operations before it first served */
	char dir[FED_COUNTRIES][NODE_DIR_MAX]; /* since then */
	struct instant now;                    /* when it did something last */
	struct wires *wires;                   /* NULL: no links */
	void (*wires_carry)(struct node *n, const struct effect *e, void *ctx);
	struct hf_id sent, sent_case; /* what is on its way */
	const struct node *sent_to;   /* and to whom; or NULL */
};

/** Cases from request to erasure, restarts between them.  w->fed: NULL, or
 * made and not started. */
void work_run(struct work *w, const struct work_plan *plan);
/** All that sodium draws comes from `seed` from now on. */
void work_seed(uint64_t seed);
/** What node `n` has acknowledged after `at` operations, as a number that
 * grows: 0 as long as it has not served. */
unsigned work_level(const struct work *w, const struct node *n, size_t at);

/* ---- images ---- */

/** Contents of a directory; a file's sum is the XOR of its sectors' marks, and
 * nothing but zeros has the mark 0. */
struct image {
	struct image_file {
		bool there;
		uint8_t *data;
		size_t size, room;
		struct mark *sectors, sum;
		int fd; /* data are a map of this file; 0: memory */
	} file[FILES_MAX];
};
void image_copy(struct image *to, const struct image *from);
/** Not what is a map. */
void image_free(struct image *m);
void image_apply(struct image *m, const struct op *op);
/** `size` bytes of a write, from its byte `from` on. */
void image_put(struct image *m, const struct op *op, size_t from, size_t size);
void image_resize(struct image *m, unsigned file, size_t size);
/** Let the sectors that hold these bytes, or a whole file, be as in `from`. */
void image_restore(struct image *m, unsigned file,
    const struct image_file *from, size_t at, size_t size);
void image_restore_file(
    struct image *m, unsigned file, const struct image_file *from);
/** Of everything; of the files but `without` and those that are never read
 * (NAME.new, which is made anew before it gets its name). */
struct mark image_mark(const struct image *m);
struct mark image_mark_seen(
    const struct image *m, const struct log *names, unsigned without);
/** Bring a directory to an image; `now` is what it holds. */
void image_write(struct image *now, const struct image *want,
    const struct log *names, const char *dir);
/** Marks for the operations of a log. */
void log_mark(struct log *l);
/** Mix a number into a mark. */
void mark_mix(struct mark *m, uint64_t number);
void *must_have(void *p);
uint64_t chance(uint64_t *seed);

/* ---- cuts ---- */

/** A directory in which one file is written through a map, and read through
 * another one that is kept (record_keep_map). */
struct stage {
	char dir[96];
	int fd;
	uint8_t *map;
	void *seen; /* by LMDB */
};
void stage_open(struct stage *s, const char *dir, const char *name);
void stage_close(struct stage *s, const char *name);

/** What is on disk for sure after the first `at` operations, and what may
 * be: indices of operations since the last sync of their file. */
struct cut {
	const struct log *log;
	size_t at;
	struct image sure, now; /* equal but between cut_make and cut_undo */
	size_t *maybe;
	size_t count, room;
	size_t units;  /* sectors and names in doubt */
	bool subsets;  /* all of them, where there are few */
	bool complete; /* draws are all subsets of sectors (and more) */
};
/** base  what is on disk at first; NULL: nothing.  The file `data` is kept
 * on the stage. */
void cut_begin(struct cut *c, const struct log *log, const struct image *base,
    const struct stage *stage, unsigned data);
void cut_next(struct cut *c); /* one operation more */
void cut_end(struct cut *c);
/** How many states to make of this cut, at most `rounds` of them at random. */
size_t cut_draws(struct cut *c, size_t rounds);
/** The `n`-th state into c->now; chance, if it needs any, from `seed`. */
void cut_make(struct cut *c, size_t n, uint64_t seed);
void cut_undo(struct cut *c);

/* ---- what is known of states ---- */

/** Of a content: all that an engine can read of a state (whole), or of its
 * store alone. */
struct verdict {
	struct mark content;
	unsigned passed, failed; /* up to, and from, this level; +1, 0: none */
	bool used, whole, refused, recovered;
};
struct memo;
/** In memory that children share. */
struct memo *memo_new(void);
void memo_free(struct memo *m);
struct verdict *memo_of(struct memo *m, struct mark content);

/** States that were opened, byte for byte, shared by all processes. */
struct seen;
enum seen_as { SEEN_NEVER, SEEN_FOR_LESS, SEEN_BEFORE };
struct seen *seen_new(uint64_t states);
enum seen_as seen_add(struct seen *s, struct mark state, unsigned level);

/* ---- judging ---- */

/**
 * Open a state's store with LMDB, for reading, and read all records.
 * dir      where its file is
 * content  out: of every page that is in use, byte for byte; of the two meta
 *          pages when LMDB does not open it
 * false: LMDB reads it, but a page in use is called free or is under another
 * page's number
 */
bool look(const char *dir, const struct image_file *f, struct mark *content);

/** Open the state in `dir` with the real store, signer and engine, and look
 * for all that node `n` had acknowledged after `at` operations.  deep: serve
 * again too.  Fails by plain_fail.
 * false: refused by LMDB, and the broker had never served. */
bool check_state(const struct work *w, const struct node *n, size_t at,
    const char *dir, bool deep);

struct tally {
	uint64_t works, operations, acks;
	uint64_t states, again, later; /* new; seen before; for a later ack */
	uint64_t of_recoveries, recoveries, whole_cuts;
	uint64_t contents, judged, samples, refused, failed;
};

/** What a child shares with who restarts it. */
struct running {
	struct tally tally;
	uint64_t at, number, inner; /* of the running state */
	struct verdict *judging;    /* whose, for which level */
	unsigned level;
	bool sampled, done;
};
struct explorer {
	const struct work *work;
	struct node *node;
	const struct log *log;
	uint64_t seed, rounds;
	uint64_t stride;                 /* operations of which one is cut at */
	unsigned deep_each, sample_each; /* contents; states */
	bool control;
	struct seen *seen;
	struct memo *memo;
	struct running *running;
	const char *dir; /* for states; below it nothing else */
};
/** All states of a log from the `from`-th on. */
void explore(struct explorer *e, uint64_t from);

/** Failing calls, failing allocations and full disks; an exit status. */
int faults_main(void);
/** What plain_fail says is expected, and not told. */
extern bool crash_quiet;
uint64_t crash_number(const char *name, uint64_t otherwise);

#endif
