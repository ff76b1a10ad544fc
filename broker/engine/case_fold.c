/*
 * case_fold: a case as its acts make it (SPEC 5), in e->work.
 *
 * Only acts that chain and whose past is held are counted in the record's
 * `gens`; those are folded whole, always.  An act that arrived before its
 * past stands at its place and waits.  When the past has come it is judged
 * like a new one: then it is taken up, or, when it turns out not to chain,
 * loses its place and is kept as proof.  So nothing that a peer sends can
 * stop a track from being folded.
 */
#include "broker/engine/intake.h"

#include <assert.h>
#include <string.h>

#define PROOF_MAX (HF_CORE_MAX + HF_ENVELOPE_MAX + HF_SIGS_MAX + 16u)

enum hf_err case_act_load(struct engine *e, const struct hf_id *id,
    unsigned track, uint32_t gen, struct hf_life_act *out)
{
	struct hf_bytes core_bytes, envelope_bytes, sigs;
	struct hf_envelope envelope;
	struct hf_ledger_leaf leaf;
	struct instant entered;
	struct hf_core core;
	uint64_t index;
	enum hf_err err;

	err = case_place_get(e, id, track, gen, &index, &entered);
	if (err != HF_OK)
		return err;
	if (ledger_leaf(e, index, &leaf) != HF_OK ||
	    ledger_act(e, index, &core_bytes, &envelope_bytes, &sigs) !=
		HF_OK ||
	    hf_core_decode(&core, core_bytes.data, core_bytes.size) != HF_OK ||
	    hf_envelope_decode(
		&envelope, envelope_bytes.data, envelope_bytes.size) != HF_OK)
		return HF_CORRUPT;
	hf_life_act_from(out, &core, &envelope, &leaf.core, &leaf.id, entered);
	return HF_OK;
}

static void pin_rules(struct engine *e, const struct hf_life_act *opening)
{
	e->work->profile = NULL;
	if (HF_HAS(&opening->envelope, HF_E_RULES))
		e->work->profile = roster_profile_by_digest(
		    e->roster, &opening->envelope.rules_profile);
}

/** Fold what was loaded; a stored case folds whole or is damaged. */
static enum hf_err fold_whole(struct engine *e)
{
	struct hf_case *w = e->work;

	if (w->asking_count > 0)
		pin_rules(e, &w->asking[0]);
	if (hf_case_fold(w) != HF_OK || w->asking_folded != w->asking_count ||
	    w->asked_folded != w->asked_count)
		return HF_CORRUPT;
	return HF_OK;
}

static void work_clear(struct engine *e)
{
	struct hf_case *w = e->work;

	w->profile = NULL;
	w->asking = e->work_acts[HF_TRACK_ASKING];
	w->asked = e->work_acts[HF_TRACK_ASKED];
	w->asking_count = w->asked_count = 0;
}

enum hf_err case_fold(struct engine *e, const struct case_record *c)
{
	struct hf_case *w = e->work;

	work_clear(e);
	for (unsigned track = 0; track <= HF_TRACK_ASKED; track++) {
		struct hf_life_act *acts = e->work_acts[track];

		assert(c->gens[track] <= HF_TRACK_ACTS_MAX);
		for (uint32_t gen = 1; gen <= c->gens[track]; gen++) {
			enum hf_err err = case_act_load(
			    e, &c->id, track, gen, &acts[gen - 1]);

			if (err != HF_OK)
				return err == HF_NOTFOUND ? HF_CORRUPT : err;
		}
	}
	w->asking_count = c->gens[HF_TRACK_ASKING];
	w->asked_count = c->gens[HF_TRACK_ASKED];
	return fold_whole(e);
}

enum hf_err case_fold_for(struct engine *e, const struct case_record *c,
    const struct hf_life_act *act)
{
	enum hf_err err = case_fold(e, c);

	if (err == HF_OK && e->work->asking_count == 0 &&
	    act->envelope.track == HF_TRACK_ASKING && act->envelope.gen == 1)
		pin_rules(e, act);
	return err;
}

enum hf_err case_fold_add(
    struct engine *e, struct case_record *c, const struct hf_life_act *act)
{
	struct hf_case *w = e->work;
	unsigned track = act->envelope.track;
	uint32_t *count =
	    track == HF_TRACK_ASKING ? &w->asking_count : &w->asked_count;

	assert(track <= HF_TRACK_ASKED);
	assert(act->envelope.gen == *count + 1 && *count < HF_TRACK_ACTS_MAX);
	assert(c->gens[track] == *count);
	e->work_acts[track][*count] = *act;
	(*count)++;
	c->gens[track]++;
	return fold_whole(e);
}

enum hf_err conflict_keep(struct engine *e, const struct hf_id *case_id,
    const struct hf_hash *digest, const struct hf_id *act,
    struct hf_bytes proof, enum hf_err code)
{
	struct hf_bytes key = bytes_of(digest->b, sizeof(digest->b));
	struct hf_statement s = {
	    .type = HF_ENTRY_CONFLICT,
	    .subject = *act,
	    .code = (uint64_t)code,
	    .detail = bytes_of(case_id->b, sizeof(case_id->b)),
	};
	struct hf_bytes held;
	uint64_t index;
	enum hf_err err;

	err = txn_get(e->txn, TABLE_CONFLICTS, key, &held);
	if (err != HF_NOTFOUND)
		return err;
	err = txn_put(e->txn, TABLE_CONFLICTS, key, proof);
	if (err == HF_OK)
		err = ledger_add_statement(e, &s, &index);
	if (err == HF_OK)
		effect_log(e, code, "conflict", case_id, act, "kept as proof");
	return err;
}

/** One act less waits for its past. */
static enum hf_err count_taken(struct engine *e)
{
	uint64_t waiting;
	enum hf_err err = meta_get(e, "waiting", &waiting);

	if (err == HF_OK && waiting == 0)
		err = HF_CORRUPT;
	return err == HF_OK ? meta_set(e, "waiting", waiting - 1) : err;
}

/** A waiting act that does not chain after all loses its place. */
static enum hf_err drop_waiting(struct engine *e, const struct case_record *c,
    const struct hf_life_act *act)
{
	struct hf_bytes core, envelope, sigs;
	uint8_t proof[PROOF_MAX];
	struct instant entered;
	struct pack p;
	uint64_t index;
	size_t size;
	enum hf_err err;

	err = case_place_get(e, &c->id, act->envelope.track, act->envelope.gen,
	    &index, &entered);
	if (err == HF_OK)
		err = ledger_act(e, index, &core, &envelope, &sigs);
	if (err != HF_OK)
		return HF_CORRUPT;
	pack_init(&p, proof, sizeof(proof));
	pack_array(&p, 3);
	pack_bin(&p, core.data, core.size);
	pack_bin(&p, envelope.data, envelope.size);
	pack_bin(&p, sigs.data, sigs.size);
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = conflict_keep(e, &c->id, &act->digest, &act->id,
		    bytes_of(proof, size), HF_CHAIN);
	if (err == HF_OK)
		err = case_place_del(
		    e, &c->id, act->envelope.track, act->envelope.gen);
	return err == HF_OK ? count_taken(e) : err;
}

/** Sent by the track's desk?  A waiting act may have come before the opening
 * that says who that is. */
static bool is_of_parties(
    const struct case_record *c, const struct hf_life_act *act)
{
	bool asking = act->envelope.track == HF_TRACK_ASKING;

	return same_desk(&act->envelope.from, asking ? &c->from : &c->to) &&
	       same_desk(&act->envelope.to, asking ? &c->to : &c->from);
}

/** Take up the next act of a track, if it is there and its past is. */
static enum hf_err take_next(
    struct engine *e, struct case_record *c, unsigned track, bool *moved)
{
	struct hf_life_act act;
	unsigned clause;
	enum hf_err err;

	if (c->gens[track] >= HF_TRACK_ACTS_MAX)
		return HF_OK;
	err = case_act_load(e, &c->id, track, c->gens[track] + 1, &act);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	if (track == HF_TRACK_ASKING && c->gens[track] == 0)
		pin_rules(e, &act);
	if (c->kind != 0 && !is_of_parties(c, &act))
		return drop_waiting(e, c, &act);
	switch (hf_case_check(e->work, &act, &clause)) {
	case HF_PAST_MISSING:
		return HF_OK;
	case HF_CHAIN:
	case HF_GENERATION:
	case HF_MANY_ACTS:
		return drop_waiting(e, c, &act);
	default: /* allowed, or void: both have their place */
		*moved = true;
		err = case_fold_add(e, c, &act);
		return err == HF_OK ? count_taken(e) : err;
	}
}

enum hf_err case_take_waiting(struct engine *e, struct case_record *c)
{
	bool moved;
	enum hf_err err;

	do {
		moved = false;
		err = take_next(e, c, HF_TRACK_ASKING, &moved);
		if (err == HF_OK)
			err = take_next(e, c, HF_TRACK_ASKED, &moved);
	} while (err == HF_OK && moved);
	return err;
}
