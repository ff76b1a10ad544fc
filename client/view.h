/*
 * view: a case as this officer may see it: fetched, verified, opened,
 * folded.  Everything is checked here again, nothing is believed.
 */
#ifndef HF_CLIENT_VIEW_H
#define HF_CLIENT_VIEW_H

#include "client/compose.h"
#include "proto/catalogue.h"
#include "proto/life.h"

enum view_trust {
	TRUST_OK,
	TRUST_NO_RECEIPT,
	TRUST_BAD_RECEIPT,
	TRUST_BAD_SIGNATURE,
	TRUST_UNKNOWN_KEY,
	TRUST_DISPUTED
};

struct view_act {
	uint8_t *frame;    /* owned */
	struct hf_act act; /* borrows from frame */
	uint8_t *receipt;
	size_t receipt_size;
	uint64_t index;
	struct instant entered;
	unsigned clause; /* of voidness by our own fold; 0 in effect */
	enum view_trust trust;
	const struct officer_entry *author; /* NULL: machine or unknown */
	bool opened;                        /* body read */
	enum hf_err open_err; /* why not: HF_ERASED, HF_SEALING_KEY, HF_OPEN */
	uint8_t *plain;       /* owned; leaves borrow from it */
	struct hf_leaves leaves;
	uint8_t body_key[HF_KEY_SIZE];
	unsigned cite_count;
	struct hf_cite *cites[HF_CITES_MAX]; /* owned, verified disclosures */
	enum hf_err cite_err[HF_CITES_MAX];
	/* who signed the cited act, if he stood in the roster when he did;
	 * NULL: a key that only the citing desk vouches for */
	const struct officer_entry *cite_author[HF_CITES_MAX];
};

struct view {
	struct hf_id id;
	char ref[HF_REF_MAX];
	struct hf_desk from, to;
	unsigned kind, measure, urgency, basis;
	enum hf_state state;
	struct instant hold_until, opened, retain_until, due;
	unsigned due_type;
	bool erased, legal_hold, outside_profile, unproven, disputed, suspended;
	unsigned scope;
	unsigned side; /* bits: 1 asking, 2 asked */
	struct hf_key assignee;
	const struct hf_profile *profile; /* NULL: unknown rules */
	unsigned count[HF_TRACK_COUNT];
	struct view_act *acts[HF_TRACK_COUNT]; /* by gen - 1 */
	struct hf_case *fold;                  /* owned */
};

/** By reference ("JP-7K2-9TXQ2M-C") or hex id.
 * Errors: HF_UNKNOWN_CASE, HF_READ_DENIED, those of link_call */
HF_MUST_USE enum hf_err view_open(
    struct view **out, struct home *h, struct link *l, const char *ref_or_id);
void view_free(struct view *v);
/** Act by id or unambiguous hex prefix (6 or more), NULL if none. */
const struct view_act *view_act(const struct view *v, const char *hex);
/* What a case is made of elsewhere than from a broker (client/bundle.h). */

/** Fold the acts of both shared tracks into the state; sets their clauses. */
HF_MUST_USE enum hf_err view_fold(
    struct view *v, const struct hf_profile *profile);
/** The disclosure in a leaf of field cite.  *out is malloc'ed, also on an
 * error; free.  Errors: HF_NOMEM (*out NULL), those of hf_cite_decode */
HF_MUST_USE enum hf_err view_cite(
    struct hf_cite **out, const struct hf_leaf *leaf);
/** Read the cites among an act's leaves; who wrote them is not looked up.
 * Errors: HF_NOMEM */
HF_MUST_USE enum hf_err view_cites(struct view_act *a);

/** Newest act of a kind on a track, NULL if none. */
const struct view_act *view_last(
    const struct view *v, unsigned track, unsigned kind);

/** Fill envelope keys of a follow-on act: from, to, case, track, gen, prev,
 * seen, (re if given).  side: 0 asking, 1 asked; inner: own inner track. */
HF_MUST_USE enum hf_err view_follow(const struct view *v, struct draft *d,
    unsigned side, bool inner, const struct hf_id *re);
/**
 * Grant: let another desk of the own country read this case.  `d` is of
 * kind grant, begun with view_follow (inner); the keys of every body that
 * this officer could open become leaves, sealed to `desk` with the act.
 * Errors: HF_TOO_MANY (more acts than one grant holds)
 */
HF_MUST_USE enum hf_err view_grant(
    const struct view *v, struct draft *d, const struct hf_desk *desk);
/** Assign: the officer who answers for this side of the case from now on. */
void view_assign(struct draft *d, const struct hf_key *officer);

/** A country's document, malloc'ed and not yet checked; version 0: the
 * newest.  Errors: those of link_call */
HF_MUST_USE enum hf_err roster_fetch(struct link *l, struct hf_country c,
    uint32_t version, uint8_t **out, size_t *size);
/** Fresh documents from the broker into home's roster and cache. */
HF_MUST_USE enum hf_err roster_refresh(struct home *h, struct link *l);

#endif
