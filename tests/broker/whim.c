/* What comes to an officer's mind. */
#include "tests/broker/whim.h"

#include "broker/engine/intake.h"

#include <criterion/criterion.h>

/** What kinds ask for, and some of what they allow, with values at random. */
static void fill(struct chance *t, struct draft *d, uint64_t keys)
{
	struct hf_envelope *e = &d->env;
	uint64_t now = d->node->fed->now.ms;

	e->present |= keys;
	e->rules_version = 1 + (chance_below(t, 8) == 0);
	e->rules_profile = hf_profile_by_name("test")->digest;
	e->not_after.ms = now + 1000 + chance_below(t, 40000);
	e->urgency = (unsigned)chance_below(t, 3);
	e->categories = 1 + (unsigned)chance_below(t, 15);
	e->refused = 1 + (unsigned)chance_below(t, 15);
	e->term_from.ms = now;
	e->term_until.ms = now + 1000 + chance_below(t, 70000);
	e->reason = 1 + (unsigned)chance_below(t, 12);
	e->change = 1 + (unsigned)chance_below(t, 5);
	e->freed = chance_below(t, 2) == 0;
	e->choice = 1 + (unsigned)chance_below(t, 2);
	e->due.ms = now + 500 + chance_below(t, 9000);
	e->result = 1 + (unsigned)chance_below(t, 6);
	e->at.ms = now - chance_below(t, 2000);
	e->ttl_s = 1 + (unsigned)chance_below(t, 60);
	e->duty = d->author->sign;
}

static struct hf_id some_act(
    struct chance *t, struct node *n, const struct case_record *c)
{
	unsigned track = (unsigned)chance_below(t, 2);
	struct hf_ledger_leaf leaf;
	uint64_t index;

	if (c->gens[track] == 0 || chance_below(t, 2) == 0)
		return c->id;
	node_look(n);
	EXPECT("place",
	    case_place(n->engine, &c->id, track,
		1 + (uint32_t)chance_below(t, c->gens[track]), &index),
	    HF_OK);
	EXPECT("leaf", ledger_leaf(n->engine, index, &leaf), HF_OK);
	node_look_end(n);
	return leaf.id;
}

static const struct hf_kind_info *some_kind(struct chance *t, unsigned track)
{
	static const unsigned often[] = {HF_KIND_ACKNOWLEDGE, HF_KIND_ACCEPT,
	    HF_KIND_EXTEND, HF_KIND_FOLLOW_UP, HF_KIND_FOLLOW_UP_RECEIVED,
	    HF_KIND_REPORT, HF_KIND_LIVE_STARTED, HF_KIND_AMEND};
	const struct hf_kind_info *kind;
	unsigned count = 0;

	while (hf_kind_at(count) != NULL)
		count++;
	do
		kind = chance_below(t, 2) == 0
			   ? hf_kind_info(often[chance_below(
				 t, sizeof(often) / sizeof(often[0]))])
			   : hf_kind_at((unsigned)chance_below(t, count));
	while (kind->machine || kind->opening ||
	       (kind->tracks & 1u << track) == 0);
	return kind;
}

bool whim_next(
    struct chance *t, struct node *n, const struct hf_id *id, struct draft *d)
{
	struct case_record c;
	struct hf_country from, to;
	unsigned track = (unsigned)chance_below(t, 2);
	const struct hf_kind_info *kind;
	struct hf_id re;

	if (node_case_err(n, id, &c) != HF_OK || c.kind == 0 || c.erased)
		return false;
	from = hf_desk_country(&c.from);
	to = hf_desk_country(&c.to);
	if (!same_country(track == HF_TRACK_ASKING ? &from : &to, &n->country))
		return false;
	kind = some_kind(t, track);
	re = some_act(t, n, &c);
	draft_next(d, n->fed, track == HF_TRACK_ASKING ? c.from.s : c.to.s,
	    kind->kind, track, id,
	    kind->needs_re || chance_below(t, 4) == 0 ? &re : NULL);
	fill(t, d, kind->must | (chance_below(t, 3) == 0 ? kind->may : 0));
	d->env.present &=
	    ~(UINT64_C(1) << HF_E_LINEAGE | UINT64_C(1) << HF_E_CITES);
	d->env.present |= kind->must;
	if (kind->kind == HF_KIND_ACCEPT) {
		draft_has(d, HF_E_TERM);
		if (c.measure == HF_TRACE_LIVE) {
			draft_has(d, HF_E_TTL);
			draft_has(d, HF_E_DUTY);
		}
	}
	return hf_act_check_shape(kind->kind, &d->env) == HF_OK;
}
