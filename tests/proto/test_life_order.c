/*
 * Two brokers that hold the same acts compute the same state, whatever the
 * order of arrival (SPEC 5.1 to 5.4).
 *
 * A case is played between two simulated brokers with delayed exchange, so
 * that acts cross; each author is judged by its home broker at entry, on
 * what that broker holds then.  Some acts are entered behind the broker's
 * back although it forbids them.  Then all acts are delivered again in many
 * orders, with holes.  What must hold:
 *   - the verdict at entry is the clause of every later fold, on both sides;
 *   - every fold of a part gives the facets and clauses that the whole has
 *     at these gens;
 *   - the verdict on an act is the same from its named past alone.
 * A failure names its case; HF_LIFE_CASE=n plays that one only.
 */
#include "tests/proto/life_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define CASES 12000u
#define ORDERS 10u /* deliveries of each case: 120,000 in all */
#define STEPS_MAX 60u

/* ---- chance ---- */

struct chance {
	uint64_t x;
};

static uint32_t draw(struct chance *r, uint32_t below)
{
	r->x ^= r->x << 13;
	r->x ^= r->x >> 7;
	r->x ^= r->x << 17;
	return (uint32_t)((r->x >> 32) % below);
}

static void seed(struct chance *r, uint64_t n)
{
	r->x = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
	for (unsigned i = 0; i < 4; i++)
		(void)draw(r, 2);
}

/* ---- the play ---- */

struct play {
	struct chance chance;
	struct rig *side[2];               /* what each broker holds */
	struct rig *all;                   /* what both will hold */
	unsigned clause[2][STEPS_MAX + 4]; /* at entry, by gen */
	unsigned void_count;
};

static const unsigned asking_kinds[] = {HF_KIND_AMEND, HF_KIND_AMEND,
    HF_KIND_AMEND, HF_KIND_EXTEND, HF_KIND_EXTEND, HF_KIND_FOLLOW_UP,
    HF_KIND_FOLLOW_UP, HF_KIND_GO_ON, HF_KIND_GO_ON, HF_KIND_WITHDRAW,
    HF_KIND_CLOSE, HF_KIND_QUERY, HF_KIND_ANSWER, HF_KIND_NOTE, HF_KIND_RETRACT,
    HF_KIND_CONFIRM, HF_KIND_RELEASE, 77, 130, HF_KIND_ACCEPT};
static const unsigned asked_kinds[] = {HF_KIND_ACKNOWLEDGE, HF_KIND_ACKNOWLEDGE,
    HF_KIND_PROGRESS, HF_KIND_ACCEPT, HF_KIND_ACCEPT, HF_KIND_ACCEPT,
    HF_KIND_ACCEPT, HF_KIND_DECLINE, HF_KIND_ADVISE, HF_KIND_HOP,
    HF_KIND_WITHHELD_HOP, HF_KIND_REPORT, HF_KIND_REPORT, HF_KIND_LIVE_STARTED,
    HF_KIND_LIVE_STOPPED, HF_KIND_LIVE_IMPOSSIBLE, HF_KIND_FOLLOW_UP_RECEIVED,
    HF_KIND_FOLLOW_UP_RECEIVED, HF_KIND_DECIDED, HF_KIND_END, HF_KIND_QUERY,
    HF_KIND_ANSWER, HF_KIND_NOTE, HF_KIND_RETRACT, HF_KIND_CONFIRM,
    HF_KIND_EXPIRE, HF_KIND_LAPSE, HF_KIND_LIVE_TIMEOUT, HF_KIND_UNSUPPORTED,
    78, 131, HF_KIND_AMEND};
#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

static bool ends(unsigned kind)
{
	return kind == HF_KIND_WITHDRAW || kind == HF_KIND_CLOSE ||
	       kind == HF_KIND_RELEASE || kind == HF_KIND_DECLINE ||
	       kind == HF_KIND_END || kind == HF_KIND_LAPSE ||
	       kind == HF_KIND_EXPIRE || kind == HF_KIND_UNSUPPORTED;
}

/** A kind of this track, seldom one that ends the case. */
static unsigned draw_kind(struct chance *r, unsigned track)
{
	unsigned kind = track == Q ? asking_kinds[draw(r, COUNT(asking_kinds))]
				   : asked_kinds[draw(r, COUNT(asked_kinds))];

	return ends(kind) && draw(r, 8) != 0 ? draw_kind(r, track) : kind;
}

/** What an act of this kind would answer, among the newest acts held. */
static bool suits(unsigned kind, const struct hf_life_act *re)
{
	switch (kind) {
	case HF_KIND_ACCEPT:
	case HF_KIND_DECLINE:
		return re->kind <= 2 || re->kind == HF_KIND_AMEND ||
		       re->kind == HF_KIND_EXTEND;
	case HF_KIND_FOLLOW_UP_RECEIVED:
	case HF_KIND_DECIDED:
		return re->kind == HF_KIND_FOLLOW_UP;
	case HF_KIND_GO_ON:
		return re->kind == HF_KIND_ADVISE;
	case HF_KIND_ANSWER:
		return re->kind == HF_KIND_QUERY;
	case HF_KIND_CONFIRM:
		return HF_HAS(&re->envelope, HF_E_OUTSIDER);
	default:
		return re->kind <= 2;
	}
}

static void draw_re(struct play *p, struct rig *r, struct hf_life_act *act)
{
	for (unsigned tries = 0; tries < 12; tries++) {
		unsigned track = draw(&p->chance, 2);
		uint32_t count = *rig_count(r, track);
		const struct hf_life_act *re;

		if (count == 0)
			continue;
		re = &r->acts[track][draw(&p->chance, count)];
		act->envelope.re = re->id;
		if (suits(act->kind, re))
			return;
	}
}

static void draw_fields(struct play *p, struct rig *r, struct hf_life_act *act)
{
	struct chance *c = &p->chance;
	struct hf_envelope *e = &act->envelope;

	draw_re(p, r, act);
	e->change = 1 + draw(c, 5);
	e->categories = draw(c, 16);
	e->urgency = draw(c, 3);
	e->choice = 1 + draw(c, 2);
	e->result = 1 + draw(c, 3);
	e->reason = 6 + draw(c, 3);
	e->rules_version = draw(c, 8) != 0;
	e->ttl_s = draw(c, 60);
	e->at.ms = r->now_ms - draw(c, 3000);
	e->term_from.ms = r->now_ms;
	e->term_until.ms = r->now_ms + draw(c, 120) * UINT64_C(1000);
	if (draw(c, 4) == 0)
		e->not_after.ms = r->now_ms + draw(c, 30000);
	if (draw(c, 12) == 0)
		e->present |= UINT64_C(1) << HF_E_OUTSIDER;
	e->unknown_critical = draw(c, 40) == 0;
}

static void enter(struct play *p, unsigned track, const struct hf_life_act *act)
{
	struct rig *home = p->side[track];
	unsigned clause;
	enum hf_err err = hf_case_check(&home->c, act, &clause);

	cr_assert((err == HF_OK) == (clause == 0));
	/* what is not allowed seldom gets past the home broker */
	if (err != HF_OK && draw(&p->chance, 6) != 0)
		return;
	cr_assert_eq(rig_enter(home, act), clause, "kind %u", act->kind);
	p->clause[track][act->envelope.gen] = clause;
	p->void_count += clause != 0;
	rig_put(p->all, act);
}

/** Bring the other side up to date, or nearly. */
static void deliver(struct play *p, unsigned to)
{
	unsigned track = to ^ 1u;
	struct rig *r = p->side[to];
	uint32_t *held = rig_count(r, track);
	uint32_t more = *rig_count(p->side[track], track) - *held;

	if (more == 0)
		return;
	for (more = 1 + draw(&p->chance, more); more > 0; more--)
		rig_put(r, &p->side[track]->acts[track][*held]);
	rig_fold(r);
}

static void open_case(struct play *p)
{
	struct chance *c = &p->chance;
	struct rig *home = p->side[Q];
	struct hf_life_act act;

	rig_reset(p->all);
	for (unsigned i = 0; i < 2; i++)
		rig_reset(p->side[i]);
	p->void_count = 0;
	memset(p->clause, 0, sizeof(p->clause));
	p->all->profile.suspends = draw(c, 4) != 0;
	p->all->profile.measures = draw(c, 10) == 0 ? 0x1c : 0x1e;
	for (unsigned i = 0; i < 2; i++)
		p->side[i]->profile = p->all->profile;
	act = rig_make(
	    home, Q, draw(c, 3) == 0 ? HF_KIND_ORDER : HF_KIND_REQUEST);
	draw_fields(p, home, &act);
	act.envelope.measure = draw(c, 2) == 0 ? HF_TRACE_LIVE : 1 + draw(c, 4);
	act.envelope.rules_version = 1 + (draw(c, 20) == 0);
	act.envelope.categories |= 7;
	act.envelope.not_after.ms = home->now_ms + 20000 + draw(c, 90000);
	p->clause[Q][1] = rig_enter(home, &act);
	rig_put(p->all, &act);
}

/** Serials name acts on both sides, so they must not repeat. */
static void tick(struct play *p, struct rig *author)
{
	uint64_t now_ms = p->all->now_ms;

	now_ms += draw(&p->chance, 4) == 0 ? draw(&p->chance, 30000) : 500;
	author->now_ms = p->all->now_ms = now_ms;
	author->serial = p->all->serial++;
}

static void play(struct play *p, uint64_t number)
{
	unsigned steps;

	seed(&p->chance, number);
	open_case(p);
	p->all->serial = 100;
	steps = 10 + draw(&p->chance, STEPS_MAX - 10);
	for (unsigned i = 0; i < steps; i++) {
		unsigned track = draw(&p->chance, 5) < 2 ? Q : S;
		struct rig *home = p->side[track];
		struct hf_life_act act;

		if (draw(&p->chance, 3) != 0)
			deliver(p, track);
		if (home->c.asking_count == 0)
			continue;
		tick(p, home);
		act = rig_make(home, track, draw_kind(&p->chance, track));
		draw_fields(p, home, &act);
		enter(p, track, &act);
	}
}

/* ---- what must hold ---- */

static bool same_facets(struct rig *part, const struct rig *whole)
{
	struct hf_case *c = &part->c;
	const struct hf_asking_facet *a = &whole->c.a[c->asking_folded];
	const struct hf_asked_facet *s = &whole->c.s[c->asked_folded];
	const struct hf_asking_facet *pa = &c->a[c->asking_folded];
	const struct hf_asked_facet *ps = &c->s[c->asked_folded];
	bool same =
	    a->gen == pa->gen && a->phase == pa->phase &&
	    a->ended_gen == pa->ended_gen && a->urgency == pa->urgency &&
	    a->last_follow_up == pa->last_follow_up &&
	    a->answered_advise == pa->answered_advise && a->asks == pa->asks;

	same = same && s->gen == ps->gen && s->phase == ps->phase &&
	       s->confirmed_rules == ps->confirmed_rules &&
	       s->hold_from.ms == ps->hold_from.ms &&
	       s->hold_until.ms == ps->hold_until.ms &&
	       s->categories == ps->categories && s->scope_re == ps->scope_re &&
	       s->extensions == ps->extensions &&
	       s->suspended_by == ps->suspended_by && s->advise == ps->advise &&
	       s->live == ps->live && s->live_since.ms == ps->live_since.ms &&
	       s->live_ttl_s == ps->live_ttl_s && s->result == ps->result &&
	       s->ask_count == ps->ask_count;
	for (uint32_t i = 0; same && i < s->ask_count; i++)
		same = s->answered[i].gen == ps->answered[i].gen &&
		       s->answered[i].accepted == ps->answered[i].accepted;
	return same;
}

static bool same_clauses(const struct play *p, const struct rig *part)
{
	for (uint32_t i = 0; i < part->c.asking_folded; i++)
		if (part->acts[Q][i].clause != p->clause[Q][i + 1])
			return false;
	for (uint32_t i = 0; i < part->c.asked_folded; i++)
		if (part->acts[S][i].clause != p->clause[S][i + 1])
			return false;
	return true;
}

static bool same_results(const struct hf_case *a, const struct hf_case *b)
{
	return a->scope == b->scope && a->state == b->state &&
	       a->hold_until.ms == b->hold_until.ms &&
	       a->suspended == b->suspended &&
	       a->outside_profile == b->outside_profile &&
	       a->unproven == b->unproven;
}

/** Fold what `part` holds so far and compare. */
static void check_part(struct play *p, struct rig *part, uint64_t number)
{
	rig_fold(part);
	cr_assert(same_clauses(p, part), "repeat with case %lu: clauses",
	    (unsigned long)number);
	cr_assert(same_facets(part, p->all), "repeat with case %lu: facets",
	    (unsigned long)number);
}

/** All places of the case in a random order; acts that come before their
 * turn lie aside, so there are holes. */
static uint32_t shuffle(struct play *p, uint32_t order[STEPS_MAX + 4])
{
	uint32_t asking = p->all->c.asking_count;
	uint32_t total = asking + p->all->c.asked_count;

	for (uint32_t i = 0; i < total; i++) {
		uint32_t j = draw(&p->chance, i + 1);

		order[i] = order[j];
		order[j] = i < asking ? i : (i - asking) | 0x80u;
	}
	return total;
}

static void deliver_again(struct play *p, struct rig *part, uint64_t number)
{
	bool here[2][STEPS_MAX + 4] = {{false}};
	uint32_t order[STEPS_MAX + 4] = {0};
	uint32_t total = shuffle(p, order);

	rig_reset(part);
	part->profile = p->all->profile;
	for (uint32_t i = 0; i < total; i++) {
		unsigned track = order[i] >> 7;
		uint32_t *held = rig_count(part, track);

		here[track][order[i] & 0x7f] = true;
		while (here[track][*held])
			rig_put(part, &p->all->acts[track][*held]);
		if (draw(&p->chance, 16) == 0)
			check_part(p, part, number);
	}
	check_part(p, part, number);
	cr_assert_eq(part->c.asking_folded, p->all->c.asking_count);
	cr_assert_eq(part->c.asked_folded, p->all->c.asked_count);
	cr_assert(same_results(&part->c, &p->all->c),
	    "repeat with case %lu: results", (unsigned long)number);
}

/** The verdict on one act from its named past alone (SPEC 5.3). */
static void judge_alone(struct play *p, struct rig *part, uint64_t number)
{
	uint32_t asking = p->all->c.asking_count;
	uint32_t n = draw(&p->chance, asking + p->all->c.asked_count);
	unsigned track = n < asking ? Q : S, clause;
	const struct hf_life_act *act =
	    &p->all->acts[track][n < asking ? n : n - asking];
	uint32_t past[2];
	enum hf_err err;

	past[track] = act->envelope.gen - 1;
	past[track ^ 1u] = act->envelope.seen_gen;
	if (past[Q] == 0)
		return;
	rig_reset(part);
	part->profile = p->all->profile;
	for (unsigned t = Q; t <= S; t++)
		for (uint32_t i = 0; i < past[t]; i++)
			rig_put(part, &p->all->acts[t][i]);
	rig_fold(part);
	err = hf_case_check(&part->c, act, &clause);
	cr_assert_eq(clause, act->clause, "repeat with case %lu: %u, not %u",
	    (unsigned long)number, clause, act->clause);
	cr_assert((err == HF_OK) == (clause == 0));
}

static void check_case(struct play *p, struct rig *part, uint64_t number)
{
	struct hf_hash whole, again;

	rig_fold(p->all);
	whole = hf_case_digest(&p->all->c);
	for (unsigned i = 0; i < ORDERS; i++)
		deliver_again(p, part, number);
	again = hf_case_digest(&part->c);
	cr_assert_arr_eq(again.b, whole.b, sizeof(whole.b),
	    "repeat with case %lu: digest", (unsigned long)number);
	judge_alone(p, part, number);
	judge_alone(p, part, number);
	/* the two brokers, once each has all */
	for (unsigned i = 0; i < 2; i++) {
		struct rig *r = p->side[i];

		while (*rig_count(r, i ^ 1u) < *rig_count(p->all, i ^ 1u))
			deliver(p, i);
		rig_fold(r);
		cr_assert(same_facets(r, p->all) && same_clauses(p, r) &&
			      same_results(&r->c, &p->all->c),
		    "repeat with case %lu: side %u", (unsigned long)number, i);
	}
}

/** How often the plays came to each state and kind: a play that never
 * leaves "unacknowledged" would prove little. */
struct tally {
	unsigned state[HF_STATE_NOT_SUPPORTED + 1];
	unsigned in_effect[HF_KIND_OPTIONAL];
	unsigned voids, crossed, acts;
};

static void count_case(struct tally *t, const struct play *p)
{
	const struct hf_case *c = &p->all->c;

	t->state[c->state]++;
	t->voids += p->void_count;
	t->acts += c->asking_count + c->asked_count;
	for (uint32_t i = 0; i < c->asking_count; i++) {
		const struct hf_life_act *act = &c->asking[i];

		if (act->clause == 0 && act->kind < HF_KIND_OPTIONAL)
			t->in_effect[act->kind]++;
		/* an act of the other side that it has not seen, and that
		 * has not seen it */
		if (act->envelope.seen_gen < c->asked_count &&
		    c->asked[act->envelope.seen_gen].envelope.seen_gen <= i)
			t->crossed++;
	}
	for (uint32_t i = 0; i < c->asked_count; i++)
		if (c->asked[i].clause == 0 &&
		    c->asked[i].kind < HF_KIND_OPTIONAL)
			t->in_effect[c->asked[i].kind]++;
}

static void play_was_rich(const struct tally *t)
{
	for (unsigned i = 0; i < COUNT(asked_kinds); i++) {
		unsigned kind = asked_kinds[i];

		if (kind != HF_KIND_AMEND && kind < 64)
			cr_expect_gt(t->in_effect[kind], 20u, "%u", kind);
	}
	for (unsigned i = 0; i < COUNT(asking_kinds); i++) {
		unsigned kind = asking_kinds[i];

		if (kind < 65)
			cr_expect_gt(t->in_effect[kind], 20u, "%u", kind);
	}
	for (unsigned i = 1; i <= HF_STATE_NOT_SUPPORTED; i++)
		cr_expect_gt(t->state[i], 10u, "state %u", i);
	cr_expect_gt(t->voids, CASES, "%u void acts", t->voids);
	cr_expect_gt(t->crossed, CASES, "%u acts crossed", t->crossed);
}

Test(life_order, does_not_matter, .timeout = 120)
{
	static struct play p;
	static struct tally tally;
	struct rig *part = rig_new();
	const char *only = getenv("HF_LIFE_CASE");
	uint64_t first = only == NULL ? 0 : strtoull(only, NULL, 10);
	uint64_t last = only == NULL ? CASES : first + 1;

	p.all = rig_new();
	p.side[0] = rig_new();
	p.side[1] = rig_new();
	for (uint64_t number = first; number < last; number++) {
		play(&p, number);
		check_case(&p, part, number);
		count_case(&tally, &p);
	}
	if (only == NULL)
		play_was_rich(&tally);
	free(p.all);
	free(p.side[0]);
	free(p.side[1]);
	free(part);
}

/**
 * The asked side does not know the rules and says so; the asking side knows
 * them.  As long as the asked broker is honest both see the same.
 */
Test(life_order, does_not_need_both_to_know_the_rules)
{
	static struct play p;

	p.all = rig_new();
	p.side[0] = rig_new();
	p.side[1] = rig_new();
	for (uint64_t number = 0; number < 500; number++) {
		struct hf_life_act act;

		seed(&p.chance, number);
		open_case(&p);
		if (p.clause[Q][1] != 0)
			continue;
		p.side[S]->c.profile = NULL;
		p.all->serial = 100;
		for (unsigned i = 0; i < 12; i++) {
			unsigned track = draw(&p.chance, 2);
			struct rig *home = p.side[track];
			unsigned clause;

			deliver(&p, track);
			if (home->c.asking_count == 0)
				continue;
			tick(&p, home);
			act =
			    rig_make(home, track, draw_kind(&p.chance, track));
			draw_fields(&p, home, &act);
			if (track == S && home->c.asked_count == 0) {
				act.kind = HF_KIND_UNSUPPORTED;
				act.envelope.re = home->acts[Q][0].id;
				act.envelope.unknown_critical = false;
			}
			if (hf_case_check(&home->c, &act, &clause) == HF_OK)
				enter(&p, track, &act);
		}
		while (p.side[Q]->c.asked_count < p.side[S]->c.asked_count)
			deliver(&p, Q);
		while (p.side[S]->c.asking_count < p.side[Q]->c.asking_count)
			deliver(&p, S);
		cr_assert(same_facets(p.side[Q], p.side[S]) &&
			      same_clauses(&p, p.side[Q]) &&
			      same_clauses(&p, p.side[S]) &&
			      p.side[Q]->c.state == p.side[S]->c.state,
		    "repeat with case %lu", (unsigned long)number);
	}
	free(p.all);
	free(p.side[0]);
	free(p.side[1]);
}
