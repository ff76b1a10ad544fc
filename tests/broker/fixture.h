/*
 * fixture: a small federation in one process: countries with signed
 * documents, brokers (engine and store, each in a directory of its own),
 * officers who sign real acts.  Acts and receipts are carried by hand.
 *
 * Time is the fixture's and stands still between fed_wait.  Chance comes
 * from a seed, keys do not.  Whatever the fixture itself needs to succeed
 * fails the test that called it.
 */
#ifndef HF_TESTS_BROKER_FIXTURE_H
#define HF_TESTS_BROKER_FIXTURE_H

#include "broker/engine/internal.h"
#include "broker/signer/signer.h"
#include "broker/signer/witness.h"

#define FED_COUNTRIES 27u
#define FED_DESKS 6u
#define FED_ENTRIES 224u
#define FED_START_MS UINT64_C(1795651200000)

struct officer {
	struct secret *secret;
	struct hf_desk desk;
	unsigned role;
	struct hf_key sign;
};

/** A country and its broker. */
#define NODE_DIR_MAX 64u

struct node {
	struct federation *fed;
	struct hf_country country;
	struct secret *root, *registrar, *broker, *witness;
	uint8_t certificate[1024];
	size_t certificate_size;
	struct country_doc *doc; /* newest, whole */
	unsigned entry_count;
	struct country_entry entries[FED_ENTRIES];
	/* cc.ncp, cc.isp, cc.isp2, cc.aud, cc.ops, cc.ca */
	struct officer officers[FED_DESKS];
	char dir[NODE_DIR_MAX];
	struct store *store;
	struct witness_state *cosigner; /* made at the first head */
	bool remembers; /* the real signer signs, with its memory in dir */
	struct signer_state *signer; /* then; made at the first head */
	struct engine *engine;
	struct effects *effects;
	struct txn *txn; /* of a running turn or look */
	uint32_t epoch;  /* of its ledger */
	uint64_t size;   /* of the newest signed head */
	struct hf_hash root_hash;
	uint64_t lost_size; /* signed in the epoch before, and lost */
	struct hf_hash lost_root;
	bool clock_certain;
	int64_t wall_error_ms; /* of its wall clock */
	uint32_t quota;        /* engine option; set before fed_start */
	size_t map_size;       /* of its store; 0: 64 MiB */
	/* gets each effect of a turn that was carried out; may be NULL */
	void (*carry)(struct node *n, const struct effect *effect, void *ctx);
	void *carry_ctx;
};

struct federation {
	unsigned count;
	struct node nodes[FED_COUNTRIES];
	struct instant now;
	uint64_t chance;
};

/** Desks of a node, by index. */
enum { NCP, ISP, ISP2, AUD, OPS, CA };

/** Make countries ("JP", "US", NULL) with their documents; brokers are not
 * running yet, so entries may be added (fed_entry). */
struct federation *fed_new(const char *first, ...);
struct federation *fed_new_of(const char *const *countries, unsigned count);
/** Close everything and remove the directories. */
void fed_free(struct federation *f);
struct node *fed_node(struct federation *f, const char *country);
/** A copy of its data as of now, closed and opened again; removed by
 * node_lose. */
void node_backup(struct node *n, char dir[NODE_DIR_MAX + 4]);
/** Its data are those of the copy again, and an operator accepts that: it runs
 * on in the next epoch, by a new ledger key that a new document names. */
void node_lose(struct node *n, const char *dir);
/** Open stores and engines; pin and give every document to everyone. */
void fed_start(struct federation *f);
struct federation *fed_running(const char *first, ...);
void fed_wait(struct federation *f, uint64_t seconds);

/** Change the document: an entry more (revocation, approval), then
 * fed_publish makes the next version and gives it to all brokers. */
void fed_entry(struct node *n, const struct country_entry *entry);
void fed_publish(struct node *n);
/** The next version of the document, and who gets it. */
void fed_build(struct node *n);
void fed_give(struct node *to, const struct node *from);
struct officer *fed_officer(struct federation *f, const char *desk);
/** A second officer of a desk, with its entry added; the caller publishes
 * and frees officer->secret. */
void fed_more_officer(
    struct node *n, struct officer *o, const char *desk, unsigned role);

/** A turn.  Between the two, engine functions of internal.h may be called. */
void turn_begin(struct node *n);
/** Run what is due, commit, sign the head, hand out effects.  Keys to be
 * destroyed are destroyed, and the engine is told in a turn of its own. */
void turn_end(struct node *n);
/** An event as of now, to be completed; and a turn of its own for it. */
struct event node_event(struct node *n, enum event_type type);
void node_turn(struct node *n, const struct event *ev);
/** The n-th allocation from now on gives NULL; 0: none.  Was the one before
 * met? */
bool fail_allocation(unsigned nth);
/** Called before each node_turn, with no turn running; NULL: nothing. */
extern void (*fed_before_turn)(struct node *n, const struct event *ev);
/** Called before each part of another turn, while it runs: `part` does it. */
extern void (*fed_before_part)(
    struct node *n, enum hf_err (*part)(struct node *n, void *ctx), void *ctx);
/** The same without carrying out any effect (a crash after the commit). */
void turn_end_crash(struct node *n);
/** Abort what was decided. */
void turn_abandon(struct node *n);
/** Close the store and open everything anew. */
void node_restart(struct node *n);
/** Its parts, for a node whose dir is set: the store; the real signer, with
 * what it remembers; the engine, which checks the ledger against that. */
void node_open_store(struct node *n);
void node_signer(struct node *n);
void node_open_engine(struct node *n);
void node_close(struct node *n);
/** A transaction to look with; node_look_end aborts it. */
void node_look(struct node *n);
void node_look_end(struct node *n);

/** An act being written. */
struct draft {
	struct node *node;
	const struct officer *author, *cosigner;
	unsigned kind;
	struct hf_envelope env;
	struct instant created;
	uint8_t policy[HF_LEAF_MAX]; /* one byte a leaf; the leaves are texts */
	unsigned leaf_count, leaf_size; /* bytes of each text; 0: a few */
	bool break_signature;
	bool bad_form;         /* it need not be an act at all */
	bool critical;         /* has a key that no version here knows and that
				* must not be passed over (SPEC 1.6) */
	bool newer;            /* has an optional key and optional fields that
				* no version here knows (SPEC 1.6) */
	const char *sealed_to; /* instead of `to`; NULL: to it */
	const char *text;      /* of each leaf; NULL: any */
};
struct signed_act {
	uint8_t frame[HF_ACT_MAX];
	size_t size;
	struct hf_id id, case_id;
	struct hf_hash digest;
	struct hf_bytes body; /* within frame */
};
/** A preservation request (or order) to `to` under the profile "test". */
void draft_open(struct draft *d, struct federation *f, const char *author,
    unsigned kind, const char *to);
/** The next act on a track of a case, as the author's broker sees it;
 * `re` may be NULL. */
void draft_next(struct draft *d, struct federation *f, const char *author,
    unsigned kind, unsigned track, const struct hf_id *case_id,
    const struct hf_id *re);
void draft_has(struct draft *d, enum hf_envelope_key key);
void draft_sign(const struct draft *d, struct signed_act *a);
/** Sign and submit in a turn of its own; `result` may be NULL. */
enum hf_err draft_submit(
    struct draft *d, struct signed_act *a, struct intake_result *result);
enum hf_err fed_submit(struct node *n, const struct officer *who,
    const struct signed_act *a, struct hf_bytes opening,
    struct intake_result *result);
/** draft_submit that must succeed; returns the id. */
struct hf_id must_submit(struct draft *d);

/** A head of the broker's ledger, signed; the size of the note. */
size_t node_note(struct node *n, uint64_t size, const struct hf_hash *root,
    char note[HF_NOTE_MAX]);
/** Receipt of an act by its broker, over the newest signed head. */
size_t node_receipt(
    struct node *n, const struct hf_id *act, uint8_t out[HF_RECEIPT_MAX]);
/** Carry one act (as stored, or as given) with its receipt to another
 * broker. */
enum hf_err fed_carry(struct node *from, struct node *to,
    const struct hf_id *act, struct intake_result *result);
enum hf_err fed_bring(struct node *to, struct hf_country from,
    struct hf_bytes frame, struct hf_bytes receipt,
    struct intake_result *result);

/** A request JP to US, entered at both; its id is the case's. */
struct hf_id fed_request(struct federation *f);
/** An accept of the opening by US of the holding term `seconds`. */
void draft_accept(struct draft *d, struct federation *f, const char *author,
    const struct hf_id *id, uint64_t seconds);
void desk_set(struct hf_desk *desk, const char *name);

/** No bytes: no opening, no receipt. */
extern const struct hf_bytes nothing;

/** `got` must be the error `wanted`; `what` says in which try. */
#define EXPECT(what, got, wanted) \
	do { \
		enum hf_err got_ = (got), wanted_ = (wanted); \
		cr_assert_eq(got_, wanted_, "%s: %s, not %s", (what), \
		    hf_err_info(got_)->name, hf_err_info(wanted_)->name); \
	} while (0)

/** What a broker holds. */
struct case_record node_case(struct node *n, const struct hf_id *id);
enum hf_err node_case_err(
    struct node *n, const struct hf_id *id, struct case_record *c);
/** Do both compute one state? */
bool same_state(struct node *a, struct node *b, const struct hf_id *id);
/** Clause of voidness of the act at a place, 0 in effect; UINT32_MAX
 * when there is none. */
unsigned node_clause(
    struct node *n, const struct hf_id *id, unsigned track, uint32_t gen);
unsigned node_kind_at(
    struct node *n, const struct hf_id *id, unsigned track, uint32_t gen);
/** Statements of a type about a subject in the ledger (NULL: any). */
unsigned node_statements(
    struct node *n, unsigned type, const struct hf_id *subject);
/** The last of them, decoded into `s` over `buffer`. */
bool node_last_statement(struct node *n, unsigned type, struct hf_statement *s,
    uint8_t buffer[HF_PAYLOAD_MAX]);
/** Rows of a table. */
unsigned node_rows(struct node *n, enum table table);

#endif
