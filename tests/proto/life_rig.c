#include "tests/proto/life_rig.h"

#include <criterion/criterion.h>

struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	cr_assert_not_null(r);
	rig_reset(r);
	return r;
}

void rig_reset(struct rig *r)
{
	r->profile = (struct hf_profile){
	    .name = "rules",
	    .version = 1,
	    .basis = HF_BASIS_EXERCISE,
	    .term_min_s = 10,
	    .term_max_s = 100,
	    .total_max_s = 250,
	    .extensions_max = 2,
	    .live_ttl_max_s = 50,
	    .measures = 0x1e,
	    .categories = 15,
	    .ground_count = 1,
	    .grounds = {7},
	    .suspends = true,
	};
	r->c.profile = &r->profile;
	r->c.asking = r->acts[0];
	r->c.asked = r->acts[1];
	r->c.asking_count = r->c.asked_count = 0;
	r->c.asking_folded = r->c.asked_folded = 0;
	r->serial = 1;
	r->now_ms = 1000000;
	rig_fold(r);
}

uint32_t *rig_count(struct rig *r, unsigned track)
{
	return track == HF_TRACK_ASKING ? &r->c.asking_count
					: &r->c.asked_count;
}

struct hf_life_act rig_make(struct rig *r, unsigned track, unsigned kind)
{
	struct hf_life_act act = {.kind = kind};
	struct hf_envelope *e = &act.envelope;
	uint32_t count = *rig_count(r, track);
	uint32_t serial = r->serial++;

	memcpy(act.id.b, &serial, sizeof(serial));
	memcpy(act.digest.b + 8, &serial, sizeof(serial));
	act.digest.b[0] = 1;
	act.entered.ms = r->now_ms;
	e->track = track;
	e->gen = count + 1;
	if (count > 0)
		e->prev = r->acts[track][count - 1].digest;
	if (track == HF_TRACK_ASKED || count > 0)
		e->case_id = r->acts[0][0].id;
	rig_seen(r, &act, *rig_count(r, track ^ 1u));
	return act;
}

struct hf_life_act rig_reply(struct rig *r, unsigned track, unsigned kind,
    unsigned re_track, uint32_t re_gen)
{
	struct hf_life_act act = rig_make(r, track, kind);

	act.envelope.re = r->acts[re_track][re_gen - 1].id;
	return act;
}

void rig_seen(struct rig *r, struct hf_life_act *act, uint32_t seen_gen)
{
	struct hf_envelope *e = &act->envelope;

	e->seen_gen = seen_gen;
	memset(&e->seen, 0, sizeof(e->seen));
	if (seen_gen > 0)
		e->seen = r->acts[e->track ^ 1u][seen_gen - 1].digest;
}

void rig_put(struct rig *r, const struct hf_life_act *act)
{
	uint32_t *count = rig_count(r, act->envelope.track);

	cr_assert_lt(*count, RIG_ACTS);
	r->acts[act->envelope.track][(*count)++] = *act;
}

unsigned rig_enter(struct rig *r, const struct hf_life_act *act)
{
	unsigned track = act->envelope.track;

	rig_put(r, act);
	rig_fold(r);
	return r->acts[track][*rig_count(r, track) - 1].clause;
}

void rig_must(struct rig *r, const struct hf_life_act *act)
{
	unsigned clause = rig_enter(r, act);

	cr_assert_eq(clause, 0u, "kind %u is void by %u", act->kind, clause);
}

void rig_open(struct rig *r, unsigned kind, unsigned measure)
{
	struct hf_life_act act = rig_make(r, HF_TRACK_ASKING, kind);

	act.envelope.measure = measure;
	act.envelope.rules_version = 1;
	act.envelope.categories = 15;
	act.envelope.not_after.ms = r->now_ms + 40000;
	cr_assert_eq(rig_enter(r, &act), 0u);
}

struct hf_life_act rig_accept(struct rig *r)
{
	struct hf_life_act act =
	    rig_reply(r, HF_TRACK_ASKED, HF_KIND_ACCEPT, HF_TRACK_ASKING, 1);

	act.envelope.categories = 15;
	act.envelope.term_from.ms = r->now_ms;
	act.envelope.term_until.ms = r->now_ms + 60000;
	act.envelope.ttl_s = 30;
	return act;
}

void rig_fold(struct rig *r)
{
	cr_assert_eq(hf_case_fold(&r->c), HF_OK);
}
