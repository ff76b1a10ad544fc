/*
 * life: folding both sequences of a case (SPEC 5.1 to 5.4).
 *
 * The facet of a track after gen g depends on the facet after g - 1, on the
 * facet of the other track at the act's seen_gen, on the act and on the
 * opening: never on what else happens to be held.  Therefore the order in
 * which acts arrived cannot matter.  hf_case_fold advances either side whose
 * next act has seen only what is already folded, until nothing moves; this
 * is a topological walk, and every walk gives the same facets because no
 * step reads beyond the act's own past.  All facets are kept, by gen: an act
 * may look back at an older facet of the other side than the newest.
 *
 * A fold always begins anew.  Resuming would save little (512 acts a track
 * at most) and would trust a work area that the caller shares among cases.
 */
#include "proto/life_internal.h"

#include <assert.h>
#include <string.h>

/** One track of a case, read only. */
struct track {
	unsigned number;
	struct hf_life_act *acts;
	uint32_t count, folded;
};

static struct track track_of(const struct hf_case *c, unsigned number)
{
	struct track t = {number, c->asking, c->asking_count, c->asking_folded};

	assert(number <= HF_TRACK_ASKED);
	if (number == HF_TRACK_ASKED) {
		t.acts = c->asked;
		t.count = c->asked_count;
		t.folded = c->asked_folded;
	}
	return t;
}

void hf_life_act_from(struct hf_life_act *out, const struct hf_core *core,
    const struct hf_envelope *e, const struct hf_hash *digest,
    const struct hf_id *id, struct instant entered)
{
	out->id = *id;
	out->digest = *digest;
	out->envelope = *e;
	out->kind = core->kind;
	out->entered = entered;
	out->clause = 0;
}

static bool same_hash(const struct hf_hash *a, const struct hf_hash *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/** Gen 1 of the asking track: an opening, or what a later version may call
 * one (SPEC 1.6), which is void. */
static bool may_open(const struct hf_life_act *act)
{
	if (act->envelope.seen_gen != 0)
		return false;
	return act->kind == HF_KIND_REQUEST || act->kind == HF_KIND_ORDER ||
	       (act->kind < HF_KIND_OPTIONAL &&
		   life_rule_of(act->kind) == NULL);
}

/** Does the act continue its own track after the acts folded? */
static bool chains_own(const struct hf_case *c, const struct track *own,
    const struct hf_life_act *act)
{
	const struct hf_envelope *e = &act->envelope;
	const struct hf_life_act *before;

	if (e->track != own->number || e->gen != own->folded + 1)
		return false;
	if (own->number == HF_TRACK_ASKING && e->gen == 1)
		return may_open(act);
	if (own->number == HF_TRACK_ASKED && e->seen_gen == 0)
		return false;
	if (e->gen == 1)
		return true;
	before = &own->acts[own->folded - 1];
	return same_hash(&e->prev, &before->digest) &&
	       e->seen_gen >= before->envelope.seen_gen &&
	       (own->number == HF_TRACK_ASKED ||
		   life_same_id(&e->case_id, &c->asking[0].id));
}

/** The same for the act it has seen, which is folded. */
static bool chains_seen(const struct hf_case *c, const struct track *other,
    const struct hf_life_act *act)
{
	const struct hf_envelope *e = &act->envelope;

	assert(e->seen_gen <= other->folded);
	if (e->track == HF_TRACK_ASKED &&
	    !life_same_id(&e->case_id, &c->asking[0].id))
		return false;
	return e->seen_gen == 0 ||
	       same_hash(&e->seen, &other->acts[e->seen_gen - 1].digest);
}

static struct life_past past_of(
    const struct hf_case *c, const struct hf_life_act *act)
{
	const struct hf_envelope *e = &act->envelope;
	bool asking = e->track == HF_TRACK_ASKING;

	return (struct life_past){
	    .c = c,
	    .act = act,
	    .opening = asking && e->gen == 1 ? act : &c->asking[0],
	    .a = &c->a[asking ? e->gen - 1 : e->seen_gen],
	    .s = &c->s[asking ? e->seen_gen : e->gen - 1],
	};
}

/** The next facet of the act's own track: a copy, advanced if allowed. */
static void step(struct hf_case *c, const struct life_past *p, bool allowed)
{
	const struct life_rule *rule = life_rule_of(p->act->kind);
	uint32_t gen = p->act->envelope.gen;

	if (p->act->envelope.track == HF_TRACK_ASKING) {
		c->a[gen] = c->a[gen - 1];
		c->a[gen].gen = gen;
		if (allowed && rule != NULL && rule->asking_step != NULL)
			rule->asking_step(p, &c->a[gen]);
		c->asking_folded = gen;
	} else {
		c->s[gen] = c->s[gen - 1];
		c->s[gen].gen = gen;
		if (allowed && rule != NULL && rule->asked_step != NULL)
			rule->asked_step(p, &c->s[gen]);
		c->asked_folded = gen;
	}
}

enum advance { ADVANCE_WAITS, ADVANCE_MOVED, ADVANCE_BROKEN };

/** Fold one more act of a track if its past is there. */
static enum advance advance(struct hf_case *c, unsigned number)
{
	struct track own = track_of(c, number);
	struct track other = track_of(c, number ^ 1u);
	struct hf_life_act *act;
	struct life_past p;
	enum life_no no;

	if (own.folded == own.count)
		return ADVANCE_WAITS;
	act = &own.acts[own.folded];
	if (!chains_own(c, &own, act))
		goto broken;
	if (act->envelope.seen_gen > other.folded)
		return ADVANCE_WAITS;
	if (!chains_seen(c, &other, act))
		goto broken;
	p = past_of(c, act);
	no = life_judge(&p);
	act->clause = life_no_clause(no);
	step(c, &p, no == LIFE_ALLOWED);
	return ADVANCE_MOVED;
broken:
	act->clause = 502;
	return ADVANCE_BROKEN;
}

enum hf_err hf_case_fold(struct hf_case *c)
{
	enum advance a, s;

	c->asking_folded = c->asked_folded = 0;
	memset(&c->a[0], 0, sizeof(c->a[0]));
	memset(&c->s[0], 0, sizeof(c->s[0]));
	if (c->asking_count > HF_TRACK_ACTS_MAX ||
	    c->asked_count > HF_TRACK_ACTS_MAX) {
		life_show(c);
		return HF_MANY_ACTS;
	}
	for (uint32_t i = 0; i < c->asking_count; i++)
		c->asking[i].clause = 0;
	for (uint32_t i = 0; i < c->asked_count; i++)
		c->asked[i].clause = 0;
	do {
		a = advance(c, HF_TRACK_ASKING);
		s = advance(c, HF_TRACK_ASKED);
	} while (a == ADVANCE_MOVED || s == ADVANCE_MOVED);
	life_show(c);
	return a == ADVANCE_BROKEN || s == ADVANCE_BROKEN ? HF_CHAIN : HF_OK;
}

/** Place and chain of an act that is to come next. */
static enum hf_err check_place(
    const struct hf_case *c, const struct hf_life_act *act)
{
	const struct hf_envelope *e = &act->envelope;
	struct track own, other;

	if (e->track > HF_TRACK_ASKED || e->gen == 0)
		return HF_CHAIN;
	if (e->gen > HF_TRACK_ACTS_MAX || e->seen_gen > HF_TRACK_ACTS_MAX)
		return HF_MANY_ACTS;
	own = track_of(c, e->track);
	other = track_of(c, e->track ^ 1u);
	if (e->gen <= own.count)
		return HF_GENERATION;
	if (e->gen > own.folded + 1)
		return HF_PAST_MISSING;
	if (!chains_own(c, &own, act))
		return HF_CHAIN;
	if (e->seen_gen > other.folded)
		return HF_PAST_MISSING;
	return chains_seen(c, &other, act) ? HF_OK : HF_CHAIN;
}

enum hf_err hf_case_check(
    const struct hf_case *c, const struct hf_life_act *act, unsigned *clause)
{
	enum hf_err err = check_place(c, act);
	struct life_past p;
	enum life_no no;

	*clause = err == HF_CHAIN || err == HF_GENERATION ? 502
		  : err == HF_MANY_ACTS                   ? 501
							  : 0;
	if (err != HF_OK)
		return err;
	p = past_of(c, act);
	no = life_judge(&p);
	if (no == LIFE_ALLOWED && p.opening == act &&
	    !life_rules_known(c->profile, act))
		no = LIFE_NO_RULES;
	*clause = life_no_clause(no);
	return life_no_err(no);
}
