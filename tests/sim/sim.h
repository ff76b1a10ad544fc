/*
 * sim: a federation of real engines and stores in one thread (tests/README.md).
 *
 * Network, disk, clock, chance and officers are simulated; everything random
 * comes from the seed, keys and salts too.  A step is one thing that somebody
 * does or that goes wrong, then some time.  Each step draws from a generator
 * of its own, so that a trace can be shrunk by leaving steps out.
 */
#ifndef HF_TESTS_SIM_H
#define HF_TESTS_SIM_H

#include "tests/broker/fixture.h"
#include "tests/proto/chance.h"

#define SIM_CANARY "CANARY-nobody-may-read-this"
#define SIM_CASES 2048u
#define SIM_ACTS 8192u
#define SIM_KEYS 1024u
#define SIM_WAITING 16u
#define SIM_SENT 8u
#define SIM_MASKED 64u
#define SIM_CAPTURED 32u
#define SIM_SETTLE_MS 60000u

/** What may go wrong; each can be switched off to shrink a trace. */
enum fault {
	FAULT_LOSS,
	FAULT_REPLAY,
	FAULT_REORDER,
	FAULT_DELAY,
	FAULT_CUT,
	FAULT_PARTITION,
	FAULT_CLOG,
	FAULT_CRASH,      /* at rest */
	FAULT_CRASH_TURN, /* at any point of a turn */
	FAULT_FULL,       /* no room, for some time */
	FAULT_PUT_FULL,   /* one write finds no room */
	FAULT_READ,       /* a read fails */
	FAULT_COMMIT,     /* a commit fails, its outcome is not known */
	FAULT_CLOCK_JUMP,
	FAULT_CLOCK_DRIFT,
	FAULT_ROTATE,
	FAULT_REVOKE,
	FAULT_BYZANTINE,
	FAULT_DESK,    /* a desk misbehaves */
	FAULT_VERSION, /* every second broker is of a later minor version */
	FAULT_COUNT
};
extern const char *const fault_names[FAULT_COUNT];

/** How much happens: acts follow each other all the time, or in bursts with
 * minutes of rest between them, or with up to most of an hour. */
enum mood { MOOD_STORM, MOOD_DAY, MOOD_NIGHT, MOOD_COUNT };
extern const char *const mood_names[MOOD_COUNT];

/** What a child process tells its parent, shared. */
#define SIM_TRACE 64u
#define SIM_BEHAVIOURS 64u
struct sim_result {
	bool failed, done;
	char what[600];
	uint64_t step; /* the newest one */
	uint64_t ms;   /* simulated */
	enum mood mood;
	uint64_t frames; /* that reached a broker */
	/* of them those that had reached it before, acts in those, and acts
	 * that an officer sent again though he had a receipt */
	uint64_t replays, replayed_acts, resent;
	uint64_t verified, remembered; /* signatures */
	uint64_t heads;                /* of the ledgers at the end, added up */
	uint64_t submitted, acknowledged, entries, checks, refused, turns;
	uint64_t faults[FAULT_COUNT], behaviours[SIM_BEHAVIOURS];
	uint64_t trace_at; /* lines ever */
	char trace[SIM_TRACE][120];
};

struct sim_options {
	uint64_t seed;
	uint64_t ms;         /* to simulate */
	uint64_t steps;      /* at most; 0 any */
	uint32_t off;        /* faults that are switched off, bits */
	unsigned brokers;    /* 0: by the seed */
	const uint8_t *skip; /* of each step; may be NULL */
	uint64_t skip_count;
	bool verbose;
	bool real_store; /* LMDB, not rows in memory */
	int mood;        /* -1: by the seed */
};

struct sim_frame {
	bool again; /* it, or its like, was sent before */
	uint64_t due, order;
	unsigned from, to;
	uint64_t conn, epoch; /* conn: at the receiver */
	bool dialled;         /* by the sender */
	uint8_t *bytes;
	size_t size;
};
struct sim_link { /* [dialler][dialled] */
	bool up;
	uint64_t epoch, last_due, again, clogged_until;
};
/** Signed and sent by an officer: not answered yet, or acknowledged. */
struct sim_sent {
	struct hf_bytes act; /* owned */
	uint8_t opening[HF_SALT_SIZE + HF_ID_SIZE];
	bool has_opening;
	struct officer officer;
	uint64_t index; /* of its receipt */
};
struct sim_node {
	struct node *n;
	uint64_t wake;
	unsigned restless; /* turns since it last had nothing due */
	uint64_t full_until;
	uint64_t partitioned_until;
	bool byzantine;
	int64_t drift_ppm;
	uint64_t sane_since; /* certain, room, running */
	unsigned waiting_count;
	struct sim_sent waiting[SIM_WAITING];
	unsigned sent_count;
	struct sim_sent sent[SIM_SENT]; /* the newest */
	/* what was seen of its ledger */
	uint64_t seen;
	struct hf_frontier frontier;
	struct hf_hash *hashes;
	uint64_t hash_capacity;
};
struct sim_acked {
	unsigned node;
	struct hf_id id;
	uint64_t index;
};
struct sim_case {
	struct hf_id id;
	unsigned asking, asked; /* nodes */
	bool shown, masked;     /* an order rests on it, openly or not */
	bool done; /* erased where it was asked: nothing can be late */
	uint64_t orphan_since; /* what an order rests on is over; 0: no */
};
/** Every key that ever could sign, by our own book. */
struct sim_key {
	struct hf_key sign;
	struct hf_desk desk;
	unsigned role, node;
	uint64_t revoked_ms; /* 0: it is good */
	struct secret *secret;
	struct hf_key transport;
};

struct sim {
	const struct sim_options *o;
	struct sim_result *r;
	struct federation *f;
	unsigned count;
	struct sim_node nodes[FED_COUNTRIES];
	struct sim_link links[FED_COUNTRIES][FED_COUNTRIES];
	struct chance step, net, disk;
	bool calm; /* faults have stopped */
	enum mood mood;
	unsigned burst; /* steps until there is rest */
	/* swarm parameters, of 1,000; of a crash in a turn, of 100,000 */
	unsigned rate[FAULT_COUNT];
	uint64_t delay_ms;
	unsigned frame_count, frame_capacity;
	uint64_t frame_order;
	struct sim_frame *frames;
	unsigned case_count;
	struct sim_case cases[SIM_CASES];
	unsigned acked_count, acked_looked;
	uint64_t acked_index; /* of the newest receipt */
	struct sim_acked acked[SIM_ACTS];
	unsigned key_count;
	struct sim_key keys[SIM_KEYS];
	unsigned masked_count;
	struct {
		struct hf_id id;
		unsigned node;
	} masked[SIM_MASKED];
	/* of each contact point, an auditor: he reads and signs nothing */
	struct officer readers[FED_COUNTRIES];
	/* acts of each ledger that were seen: an open hash table */
	struct hf_id *ids;
	uint8_t *id_nodes;
	/* of the byzantine broker: what it sent to others */
	unsigned captured_count;
	struct sim_frame captured[SIM_CAPTURED];
	unsigned behaviour; /* that bends what it sends; 0 none */
	uint64_t behaviour_until;
	/* the answer to the desk's frame of the running turn */
	struct {
		uint64_t conn;
		bool any;
		uint8_t *bytes;
		size_t size;
	} answer;
};

_Noreturn void sim_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void sim_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern struct sim *the_sim;

/* run.c: a run, in a process of its own */
enum mood sim_mood(const struct sim_options *o);
void sim_run(const struct sim_options *o, struct sim_result *r);
struct sim *sim_begin(const struct sim_options *o, struct sim_result *r);
/** Failures of this process are printed, under this name. */
void sim_told(struct sim_result *r, const char *name);
/** Is this fault possible now, and does it happen, `of` a thousand? */
bool sim_happens(struct sim *s, struct chance *c, enum fault fault);
void sim_count(struct sim *s, enum fault fault);
/** A broker whose links offer versions 1 and 2, and whose officers' programs
 * write optional keys and fields of the later one. */
bool sim_newer(const struct sim *s, unsigned node);
/** Bytes of sodium's chance from this seed on. */
void sim_seed_sodium(uint64_t seed);

/* turns.c */
/** Decide, commit, sign, act, as broker/core/turn.c does it. */
void sim_turn(
    struct sim *s, struct sim_node *n, struct event *ev, unsigned count);
void sim_turn_of(struct sim *s, struct sim_node *n, struct event ev);
void sim_crash(struct sim *s, struct sim_node *n);
struct event sim_event(struct sim_node *n, enum event_type type);
/** Faults of the store, behind store.h; armed while an engine decides. */
struct sim_disk {
	bool armed, dirty;
	struct chance *chance;
	bool full;
	unsigned read, put_full, commit; /* of 100,000 */
	uint64_t hits[FAULT_COUNT];
};
extern struct sim_disk sim_disk;

/* rows.c: the store in memory; its calls that may fail go through disk.c */
extern bool sim_rows_off; /* the real store is used */
enum hf_err sim_rows_get(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes *value);
enum hf_err sim_rows_put(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes value);
enum hf_err sim_rows_next(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes from, bool after,
    struct hf_bytes *key, struct hf_bytes *value);
enum hf_err sim_rows_commit(struct txn *t);
/** The files of an open store lie in another directory now. */
void sim_rows_moved(struct store *s, const char *dir);

/* signatures.c: how many were verified, how many remembered; most that are
 * not known are false, since they are of mutants */
struct sim_signatures {
	uint64_t verified, remembered;
	bool mutants;
};
extern struct sim_signatures sim_signatures;

/* net.c */
void sim_carry(struct node *n, const struct effect *effect, void *ctx);
void sim_fly(struct sim *s, unsigned from, unsigned to, uint64_t conn_dialler,
    struct hf_bytes b);
/** From one broker to another, over the connection that it dialled. */
void sim_inject(
    struct sim *s, unsigned from, unsigned to, const void *bytes, size_t size);
/** Everything that happens until then. */
void sim_time(struct sim *s, uint64_t ms);
void sim_hang_up(struct sim *s, unsigned a, unsigned b, bool tell);
void sim_dial(struct sim *s, unsigned a, unsigned b);
unsigned sim_index(const struct sim *s, const struct node *n);

/* officers.c */
void sim_officer_acts(struct sim *s);
void sim_officer_reads(struct sim *s);
/** Send again what was not answered. */
void sim_officers_retry(struct sim *s, unsigned node);
/** Send again what was acknowledged: the same answer comes. */
void sim_officer_resends(struct sim *s);
void sim_desk_misbehaves(struct sim *s);
void sim_rotate(struct sim *s, bool revoke);
void sim_key_book(struct sim *s, unsigned node, const struct officer *o);
/** Submit a frame by an officer; the answer's code, HF_PEER_DOWN for none. */
enum hf_err sim_submit(struct sim *s, unsigned node, const struct officer *who,
    struct hf_bytes act, struct hf_bytes opening);

/* byzantine.c */
void sim_byzantine(struct sim *s);
/** May bend a frame on its way out; false: it does not leave. */
bool sim_bend(struct sim *s, struct sim_frame *frame);
const char *sim_behaviour_name(unsigned i);
unsigned sim_behaviour_count(void);

/* check.c */
/** After each turn: what is new in this ledger. */
void sim_check_new(struct sim *s, struct sim_node *n);
void sim_check_bytes(struct sim *s, const struct node *n,
    const struct effect *effect, const struct officer *reader);
/** Whatever is stored. */
void sim_check_stored(struct hf_bytes value);
/** Every few steps: deadlines acted. */
void sim_check_due(struct sim *s);
/** Now and then: some of what is acknowledged is there. */
void sim_check_some(struct sim *s);
/** Does our book say that it was entered there? */
bool sim_entered(const struct sim *s, unsigned node, const struct hf_id *id);
/** After faults stopped and time to settle. */
void sim_check_end(struct sim *s);

/* explore.c, times.c: programs of their own */
int sim_explore(
    unsigned depth, uint64_t seconds, uint64_t seed, unsigned processes);
/** A directory with all that is in it. */
void sim_remove(const char *path);
int sim_times(uint64_t jumps, uint64_t seed);

#endif
