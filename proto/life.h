/*
 * life: the life cycle of a case as a pure fold over both sequences
 * (SPEC 5).  No clock: time of entry stands in each act.
 */
#ifndef HF_PROTO_LIFE_H
#define HF_PROTO_LIFE_H

#include "proto/act.h"
#include "proto/profile.h"

/** What the fold needs of an act.  Filled by hf_life_act_from. */
struct hf_life_act {
	struct hf_id id;
	struct hf_hash digest;
	struct hf_envelope envelope; /* policy, cites, outsider.who may dangle:
					the fold does not read them */
	unsigned kind;
	struct instant entered; /* by the author's own broker */
	unsigned clause;        /* out: 0 in effect, else 100*a+b of SPEC a.b;
				   502 of an act that does not chain */
};
void hf_life_act_from(struct hf_life_act *out, const struct hf_core *core,
    const struct hf_envelope *e, const struct hf_hash *digest,
    const struct hf_id *id, struct instant entered);

enum hf_asking_phase { HF_ASKING_OPEN, HF_ASKING_WITHDRAWN, HF_ASKING_CLOSED };
enum hf_asked_phase {
	HF_ASKED_NEW,
	HF_ASKED_ACKNOWLEDGED,
	HF_ASKED_ACCEPTED,
	HF_ASKED_DECLINED,
	HF_ASKED_ENDED,
	HF_ASKED_EXPIRED,
	HF_ASKED_LAPSED,
	HF_ASKED_UNSUPPORTED,
};
enum hf_live {
	HF_LIVE_NONE,
	HF_LIVE_RUNNING,
	HF_LIVE_STOPPED,
	HF_LIVE_IMPOSSIBLE
};

/** Facets after some gen of a track; gens name acts (1-based, 0 none). */
struct hf_asking_facet {
	uint32_t gen;
	enum hf_asking_phase phase;
	uint32_t ended_gen; /* the withdraw, close, go-on stop, release */
	unsigned urgency;
	uint32_t last_follow_up; /* newest follow-up */
	uint32_t
	    answered_advise; /* gen (asked track) of the advise a go-on named */
	uint32_t asks;       /* acts that ask, the opening included */
};
struct hf_asked_facet {
	uint32_t gen;
	enum hf_asked_phase phase;
	bool confirmed_rules;
	struct instant hold_from, hold_until; /* 0: none */
	unsigned categories;                  /* accepted */
	uint32_t scope_re;     /* asking gen of the newest scope accepted */
	uint32_t extensions;   /* accepted so far */
	uint32_t suspended_by; /* asking gen of the follow-up received and
				  undecided, 0 none; suspends expiry when
				  the profile says so */
	uint32_t advise;       /* own gen of the newest advise, 0 none */
	enum hf_live live;
	struct instant live_since;
	uint32_t live_ttl_s;
	unsigned result; /* of an order: newest report on it */
	uint32_t ask_count;
	struct {
		uint32_t gen;  /* asking gen of the ask */
		bool accepted; /* else declined */
	} answered[HF_ASKS_MAX];
};

enum hf_state { /* SPEC 5.9 */
	HF_STATE_UNACKNOWLEDGED = 1,
	HF_STATE_ACKNOWLEDGED,
	HF_STATE_ACCEPTED,
	HF_STATE_PRESERVED,
	HF_STATE_PARTLY_PRESERVED,
	HF_STATE_TRACING,
	HF_STATE_SUSPENDED,
	HF_STATE_ADVISED,
	HF_STATE_WITHDRAWN,
	HF_STATE_CLOSED,
	HF_STATE_RELEASED,
	HF_STATE_ENDED,
	HF_STATE_DECLINED,
	HF_STATE_EXPIRED,
	HF_STATE_LAPSED,
	HF_STATE_NOT_SUPPORTED,
};

/** Working space and result.  Large (facets by gen): allocate once. */
struct hf_case {
	const struct hf_profile
	    *profile; /* of the pinned rules; NULL: unknown */
	struct hf_life_act *asking,
	    *asked; /* by gen - 1; the caller's arrays */
	uint32_t asking_count, asked_count;   /* held, contiguous from gen 1 */
	uint32_t asking_folded, asked_folded; /* out: less when some wait */
	struct hf_asking_facet a[HF_TRACK_ACTS_MAX + 1]; /* [gen], [0] empty */
	struct hf_asked_facet s[HF_TRACK_ACTS_MAX + 1];
	/* results over everything folded */
	unsigned scope; /* categories in force after narrowings */
	enum hf_state state;
	struct instant hold_until; /* 0: none, or suspended */
	bool suspended, outside_profile, unproven;
};

/**
 * Fold everything whose past is there, from the beginning; sets each act's
 * `clause` and the results.  Any order of arrival of the same acts gives the
 * same result.  Reads profile, asking, asked and the two counts only.
 * Errors: HF_CHAIN (an act does not chain: its track is folded up to the act
 *         before it, its clause is 502; the results are those of what is
 *         folded), HF_MANY_ACTS (nothing is folded)
 */
HF_MUST_USE enum hf_err hf_case_fold(struct hf_case *c);

/**
 * May `act` come next on its shared track?  Judged on its named past, which
 * must be folded (HF_PAST_MISSING otherwise).  `c` is not changed.
 * An opening is checked against a case with both counts 0.
 * clause   out: the clause that forbids it, 0 if allowed
 * Errors: HF_CHAIN, HF_GENERATION (its place is taken), HF_TERM, HF_LAPSED
 *         (after not_after), HF_NOT_SUPPORTED (rules or measure unknown
 *         here; also of an opening that a fold would not call void, so the
 *         asked side's broker asks this before it answers `unsupported`),
 *         HF_PAST_MISSING, HF_MANY_ACTS, else HF_NOT_ALLOWED
 */
HF_MUST_USE enum hf_err hf_case_check(
    const struct hf_case *c, const struct hf_life_act *act, unsigned *clause);

/** Digest of both facets, for replay (H("state", canonical bytes)). */
struct hf_hash hf_case_digest(const struct hf_case *c);

/** Facts that the due table and the client ask for, of a folded case. */
bool hf_case_asked_live(const struct hf_case *c);
/** No act can change the state any more but a close. */
bool hf_case_terminal(const struct hf_case *c);
/** Paused by an advise that no go-on has answered. */
bool hf_case_paused(const struct hf_case *c);
/**
 * Asking-track gens, ascending, of asks in effect that are not answered,
 * while asking is open and the asked side live; returns the count, writes at
 * most `max`.  There is no clock here: whether an ask's own not_after has
 * passed is for the caller to see.
 */
unsigned hf_case_open_asks(
    const struct hf_case *c, uint32_t *gens, unsigned max);
/** Gens, ascending, of queries in effect on `track` that the other side has
 * not answered; returns the count, writes at most `max`. */
unsigned hf_case_open_queries(
    const struct hf_case *c, unsigned track, uint32_t *gens, unsigned max);

#endif
