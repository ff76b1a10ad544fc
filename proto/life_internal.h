/*
 * life_internal: what the files of the life cycle share.
 *
 * life.c folds and checks the chain, life_rules.c has the state table (SPEC
 * 5.13) and judges by it, life_asking.c and life_asked.c have what a table
 * cannot say of each kind, life_show.c the results over both facets.
 */
#ifndef HF_PROTO_LIFE_INTERNAL_H
#define HF_PROTO_LIFE_INTERNAL_H

#include "proto/life.h"

/** Why an act is not allowed: error at entry and clause of voidness. */
enum life_no {
	LIFE_ALLOWED,
	LIFE_UNKNOWN,  /* 1.6  critical kind or key of a later version */
	LIFE_PLACE,    /* 4.1  not a kind of this track, or an opening again */
	LIFE_RE,       /* 4.1  `re` names nothing that the kind may answer */
	LIFE_STATE,    /* 5.3  the facets do not allow it */
	LIFE_TERM,     /* 5.7  a term that the profile forbids */
	LIFE_LATE,     /* 5.7  after the ask's not_after */
	LIFE_SCOPE,    /* 5.7  categories that the ask did not name */
	LIFE_EARLY,    /* 5.8  a machine act before its time */
	LIFE_RULES,    /* 5.10 other rules than those pinned */
	LIFE_NO_RULES, /* 5.10 the pinned rules are not known here */
	LIFE_ASKS,     /* 5.13 more asks than a case holds */
	LIFE_NO_COUNT
};

/**
 * An act and its named past.  Everything borrows from the case; `a` and `s`
 * are the facets as the past left them, so one is the facet before the act
 * and the other the one it has seen.
 */
struct life_past {
	const struct hf_case *c;
	const struct hf_life_act *act, *opening;
	const struct hf_asking_facet *a;
	const struct hf_asked_facet *s;
	/* what `re` names, of the kinds that read it; NULL: nothing */
	const struct hf_life_act *re;
	unsigned re_track;
	uint32_t re_gen;
};

/** The provider's answers (SPEC 9.3) that the life cycle reads. */
enum life_result { LIFE_PRESERVED = 1, LIFE_PARTLY = 2 };

/** A row of the state table and what it cannot say. */
struct life_rule {
	unsigned kind;
	unsigned tracks; /* bits 1 << track; 0: never on a shared track */
	unsigned asked;  /* asked phases it is allowed in, 1 << phase */
	unsigned asking; /* asking phases, 1 << phase */
	unsigned needs;  /* LIFE_NEED_ bits */
	unsigned re;     /* LIFE_RE_ */
	enum life_no (*check)(const struct life_past *p); /* may be NULL */
	void (*asking_step)(
	    const struct life_past *p, struct hf_asking_facet *next);
	void (*asked_step)(
	    const struct life_past *p, struct hf_asked_facet *next);
};
enum life_need {
	LIFE_NEED_HOLD = 1,
	LIFE_NEED_UNPAUSED = 2,
	LIFE_NEED_RECEIVED = 4,
	LIFE_NEED_TRACE = 8,
	LIFE_NEED_RUNNING = 16,
	LIFE_NEED_IDLE = 32,
	LIFE_NEED_ORDER = 64,
};
enum life_re {
	LIFE_RE_NONE,
	LIFE_RE_OPENING,
	LIFE_RE_ASK,
	LIFE_RE_OTHER,
	LIFE_RE_OWN,
	LIFE_RE_EITHER,
};

/* ---- life_rules.c ---- */

/** The row of a kind, NULL for a kind that this version does not know. */
const struct life_rule *life_rule_of(unsigned kind);
/** Judge `p->act` on its past; fills the `re` of `p`. */
enum life_no life_judge(struct life_past *p);
/** Error at entry and clause of a verdict. */
enum hf_err life_no_err(enum life_no no);
unsigned life_no_clause(enum life_no no);
/** Are version, profile and measure of the opening known here (5.10)? */
bool life_rules_known(
    const struct hf_profile *profile, const struct hf_life_act *opening);

/* ---- life_show.c: facts over acts and facets ---- */

bool life_same_id(const struct hf_id *a, const struct hf_id *b);
/** Is the act one of a kind that asks (SPEC 4.1), in effect or not? */
bool life_asks(const struct hf_life_act *act);
/** Does the measure of the opening hold data, so that accept has a term? */
bool life_holds_data(const struct hf_life_act *opening);
bool life_asked_live(const struct hf_asked_facet *s);
bool life_hold_in_force(const struct hf_asked_facet *s);
bool life_paused(
    const struct hf_asking_facet *a, const struct hf_asked_facet *s);
/** Is expiry suspended under the profile (NULL: none is)? */
bool life_suspended(
    const struct hf_profile *profile, const struct hf_asked_facet *s);
/** Has the asked side answered the ask at this asking gen? */
bool life_answered(const struct hf_asked_facet *s, uint32_t ask_gen);
/** `categories` less what narrowings in effect at asking gens in (after,
 * upto] take away. */
unsigned life_less_narrowed(const struct hf_case *c, unsigned categories,
    uint32_t after, uint32_t upto);
/** Set the results of `c` from its newest facets. */
void life_show(struct hf_case *c);
/** `ms` later by `s` seconds, never past the last time there is. */
uint64_t life_later(uint64_t ms, uint64_t s);

/* ---- life_asking.c ---- */

enum life_no life_check_amend(const struct life_past *p);
enum life_no life_check_ask(const struct life_past *p);
enum life_no life_check_follow_up(const struct life_past *p);
enum life_no life_check_go_on(const struct life_past *p);
enum life_no life_check_answer(const struct life_past *p);
enum life_no life_check_confirm(const struct life_past *p);
void life_open(const struct life_past *p, struct hf_asking_facet *next);
void life_amend(const struct life_past *p, struct hf_asking_facet *next);
void life_extend(const struct life_past *p, struct hf_asking_facet *next);
void life_follow_up(const struct life_past *p, struct hf_asking_facet *next);
void life_go_on(const struct life_past *p, struct hf_asking_facet *next);
void life_withdraw(const struct life_past *p, struct hf_asking_facet *next);
void life_close(const struct life_past *p, struct hf_asking_facet *next);

/* ---- life_answers.c: acknowledge, accept, decline, report, decided ---- */

enum life_no life_check_acknowledge(const struct life_past *p);
enum life_no life_check_accept(const struct life_past *p);
enum life_no life_check_decline(const struct life_past *p);
enum life_no life_check_report(const struct life_past *p);
enum life_no life_check_received(const struct life_past *p);
enum life_no life_check_decided(const struct life_past *p);
void life_acknowledge(const struct life_past *p, struct hf_asked_facet *next);
void life_accept(const struct life_past *p, struct hf_asked_facet *next);
void life_decline(const struct life_past *p, struct hf_asked_facet *next);
void life_report(const struct life_past *p, struct hf_asked_facet *next);
void life_received(const struct life_past *p, struct hf_asked_facet *next);
void life_decided(const struct life_past *p, struct hf_asked_facet *next);

/* ---- life_asked.c: the rest of the asked track ---- */

enum life_no life_check_end(const struct life_past *p);
enum life_no life_check_expire(const struct life_past *p);
enum life_no life_check_lapse(const struct life_past *p);
enum life_no life_check_timeout(const struct life_past *p);
void life_advise(const struct life_past *p, struct hf_asked_facet *next);
void life_live_started(const struct life_past *p, struct hf_asked_facet *next);
void life_live_stopped(const struct life_past *p, struct hf_asked_facet *next);
void life_live_impossible(
    const struct life_past *p, struct hf_asked_facet *next);
void life_end(const struct life_past *p, struct hf_asked_facet *next);
void life_expire(const struct life_past *p, struct hf_asked_facet *next);
void life_lapse(const struct life_past *p, struct hf_asked_facet *next);
void life_unsupported(const struct life_past *p, struct hf_asked_facet *next);

#endif
