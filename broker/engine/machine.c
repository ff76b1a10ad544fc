/*
 * machine: acts that a broker appends by itself (SPEC 5.8).
 *
 * They are acts like any other, with the ledger key for an author, no
 * signature and an empty body: their authority is the receipt.  They are
 * judged by the same fold before they enter, so a broker cannot expire what
 * it may not.
 */
#include "broker/engine/intake.h"
#include "proto/crypto.h"
#include "proto/leaf.h"

#include <assert.h>

#define MACHINE_MAX (HF_CORE_MAX + 1024u)

static void set(struct hf_envelope *env, enum hf_envelope_key key)
{
	env->present |= UINT64_C(1) << key;
}

/** The end of one track as an act that follows it names it. */
static void name_newest(const struct engine *e, unsigned track, uint32_t gen,
    struct hf_hash *digest)
{
	assert(gen > 0);
	*digest = e->work_acts[track][gen - 1].digest;
}

static void fill_envelope(struct engine *e, const struct case_record *c,
    unsigned track, const struct hf_id *re, struct hf_envelope *env)
{
	const struct country_doc *doc =
	    roster_doc(e->roster, e->options.country);
	unsigned other = track ^ 1u;

	*env = (struct hf_envelope){
	    .from = track == HF_TRACK_ASKING ? c->from : c->to,
	    .to = track == HF_TRACK_ASKING ? c->to : c->from,
	    .case_id = c->id,
	    .track = track,
	    .gen = c->gens[track] + 1,
	    .seen_gen = c->gens[other],
	    .roster = doc != NULL ? doc->head.version : 0,
	};
	engine_chance(e, env->salt, sizeof(env->salt));
	for (enum hf_envelope_key key = HF_E_SALT; key <= HF_E_GEN; key++)
		set(env, key);
	set(env, HF_E_SEEN_GEN);
	set(env, HF_E_POLICY);
	set(env, HF_E_ROSTER);
	if (env->gen > 1) {
		set(env, HF_E_PREV);
		name_newest(e, track, env->gen - 1, &env->prev);
	}
	if (env->seen_gen > 0) {
		set(env, HF_E_SEEN);
		name_newest(e, other, env->seen_gen, &env->seen);
	}
	if (re != NULL) {
		set(env, HF_E_RE);
		env->re = *re;
	}
}

/* Of a live trace, when it is not told by the time of entry (SPEC 5.8). */
static void time_of_end(struct engine *e, struct hf_envelope *env)
{
	const struct hf_asked_facet *s = &e->work->s[e->work->asked_folded];
	uint64_t ttl_ms = (uint64_t)s->live_ttl_s * 1000;

	if (e->now.ms >= s->live_since.ms &&
	    e->now.ms - s->live_since.ms >= ttl_ms)
		return;
	set(env, HF_E_AT);
	env->at = live_clock_now(e);
}

/* Ours, and made for this room: none of it can fail. */
static size_t build(struct engine *e, unsigned kind,
    const struct hf_envelope *env, uint8_t frame[MACHINE_MAX])
{
	uint8_t envelope[1024], core_bytes[HF_CORE_MAX], sigs[8];
	size_t envelope_size, core_size, sigs_size, size;
	struct hf_leaves none = {.count = 0};
	struct hf_core core = {
	    .suite = 1,
	    .kind = kind,
	    .author = e->options.ledger_key,
	    .created = e->now,
	    .root = hf_leaves_root(&none),
	    .body = hf_hash(HF_TAG_BODY, NULL, 0),
	};
	enum hf_err err;

	err =
	    hf_envelope_encode(env, envelope, sizeof(envelope), &envelope_size);
	assert(err == HF_OK);
	core.envelope = hf_hash(HF_TAG_ENVELOPE, envelope, envelope_size);
	err = hf_core_encode(&core, core_bytes, sizeof(core_bytes), &core_size);
	assert(err == HF_OK);
	err = hf_sigs_encode(NULL, 0, sigs, sizeof(sigs), &sigs_size);
	assert(err == HF_OK);
	err = hf_act_encode(bytes_of(core_bytes, core_size),
	    bytes_of(envelope, envelope_size), bytes_of(sigs, sigs_size),
	    bytes_of(NULL, 0), frame, MACHINE_MAX, &size);
	assert(err == HF_OK);
	return size;
}

enum hf_err machine_act(struct engine *e, struct case_record *c, unsigned kind,
    unsigned track, const struct hf_id *re)
{
	struct intake in = {
	    .e = e, .c = *c, .type = HF_ENTRY_MACHINE, .entered = e->now};
	struct intake_result result;
	struct hf_envelope env;
	uint8_t frame[MACHINE_MAX];
	enum hf_err err;

	assert(track <= HF_TRACK_ASKED);
	assert(c->gens[HF_TRACK_ASKING] > 0);
	if ((err = case_fold(e, c)) != HF_OK)
		return err;
	if (c->gens[track] == HF_TRACK_ACTS_MAX)
		return HF_MANY_ACTS;
	fill_envelope(e, c, track, re, &env);
	if (kind == HF_KIND_LIVE_TIMEOUT)
		time_of_end(e, &env);
	if (hf_act_decode(&in.act, frame, build(e, kind, &env, frame)) != HF_OK)
		return HF_INTERNAL;
	hf_life_act_from(&in.life, &in.act.core, &in.act.envelope,
	    &in.act.digest, &in.act.id, in.entered);
	err = hf_case_check(e->work, &in.life, &in.clause);
	if (err == HF_OK)
		err = intake_enter(&in, &result);
	if (err == HF_OK)
		*c = in.c;
	return err;
}
