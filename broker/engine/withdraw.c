/*
 * withdraw: fields that their author took back (SPEC 12.11).
 *
 * All bodies of a case are under one key, and a page of the store cannot be
 * overwritten.  So the case gets a new key, every body but the one taken back
 * is sealed again under it, and the old key is destroyed in the three steps of
 * erase.c.
 */
#include "broker/engine/intake.h"

#include <string.h>

static const char intent_name[] = "withdraw/";

/* slot -> case id, act id */
static void intent_key(struct row_key *k, uint32_t slot)
{
	*k = (struct row_key){0};
	row_add(k, intent_name, sizeof(intent_name) - 1);
	row_add_be32(k, slot);
}

static struct hf_bytes id_bytes(const struct hf_id *id)
{
	return bytes_of(id->b, sizeof(id->b));
}

/* What was disclosed: a hop, or an act that cites. */
static bool discloses(const struct hf_life_act *act)
{
	const struct hf_kind_info *kind = hf_kind_info(act->kind);

	return kind != NULL && !kind->opening &&
	       (act->kind == HF_KIND_HOP || act->envelope.cite_count > 0);
}

/* The act that a retract at (track, gen) takes back; NULL: nothing there. */
static const struct hf_life_act *taken_back(
    const struct hf_case *w, unsigned track, uint32_t gen)
{
	const struct hf_life_act *acts =
	    track == HF_TRACK_ASKING ? w->asking : w->asked;
	const struct hf_life_act *retract = &acts[gen - 1];

	if (retract->kind != HF_KIND_RETRACT || retract->clause != 0)
		return NULL;
	for (uint32_t i = 0; i < gen - 1; i++)
		if (same_id(&acts[i].id, &retract->envelope.re))
			return discloses(&acts[i]) ? &acts[i] : NULL;
	return NULL;
}

enum hf_err withdraw_plan(struct engine *e, const struct case_record *c)
{
	const struct hf_case *w = e->work;
	const uint32_t counts[2] = {w->asking_folded, w->asked_folded};

	if (c->erased)
		return HF_OK;
	for (unsigned track = 0; track < 2; track++)
		for (uint32_t gen = 1; gen <= counts[track]; gen++) {
			const struct hf_life_act *act =
			    taken_back(w, track, gen);
			enum hf_err err = HF_OK;
			bool has = false;

			if (act != NULL)
				err = case_body_has(e, &act->id, &has);
			if (err == HF_OK && has)
				err = due_set(e, &c->id, HF_DUE_WITHDRAW,
				    due_gen(track, gen), e->now);
			if (err != HF_OK)
				return err;
		}
	return HF_OK;
}

/* Every other body of the case, under the new key. */
static enum hf_err seal_again(struct engine *e, const struct case_record *old,
    const struct case_record *c, const struct hf_id *but)
{
	struct hf_bytes prefix = id_bytes(&c->id), key, value;
	struct row_key from = {0};
	enum hf_err err;

	row_add(&from, c->id.b, sizeof(c->id.b));
	while ((err = txn_next(e->txn, TABLE_PLACES, prefix, row_bytes(&from),
		    from.size > prefix.size, &key, &value)) == HF_OK) {
		struct hf_ledger_leaf leaf;
		uint64_t index;
		size_t size;

		if (key.size != prefix.size + 5 || value.size < 8)
			return HF_CORRUPT;
		index = get_be64(value.data);
		from.size = 0;
		row_add(&from, key.data, key.size);
		if (ledger_leaf(e, index, &leaf) != HF_OK)
			return HF_CORRUPT;
		if (same_id(&leaf.id, but))
			continue;
		err = case_body_get(e, old, &leaf.id, e->scratch, &size);
		if (err == HF_OK)
			err = case_body_put(
			    e, c, &leaf.id, index, bytes_of(e->scratch, size));
		if (err != HF_OK && err != HF_NOTFOUND)
			return err;
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

enum hf_err withdraw_begin(
    struct engine *e, struct case_record *c, unsigned track, uint32_t gen)
{
	struct case_record old = *c;
	const struct hf_life_act *act;
	uint8_t intent[2 * HF_ID_SIZE];
	struct hf_id taken;
	struct row_key k;
	uint64_t index;
	bool has = false;
	enum hf_err err = case_fold(e, c);

	if (err != HF_OK)
		return err;
	act = taken_back(e->work, track, gen);
	if (act == NULL || c->legal_hold)
		return HF_OK; /* it was due before that */
	taken = act->id;
	err = case_body_has(e, &taken, &has);
	if (err != HF_OK || !has)
		return err;
	if ((err = store_key_new(e->txn, &c->key_slot)) != HF_OK ||
	    (err = seal_again(e, &old, c, &taken)) != HF_OK ||
	    (err = ledger_index_of(e, &taken, &index)) != HF_OK ||
	    (err = case_body_drop(e, index)) != HF_OK)
		return err;
	memcpy(intent, c->id.b, HF_ID_SIZE);
	memcpy(intent + HF_ID_SIZE, taken.b, HF_ID_SIZE);
	intent_key(&k, old.key_slot);
	err = txn_put(e->txn, TABLE_META, row_bytes(&k),
	    bytes_of(intent, sizeof(intent)));
	if (err == HF_OK)
		err = case_save(e, c);
	if (err == HF_OK)
		effect_simple(e, EFFECT_ERASE, NULL, old.key_slot);
	return err;
}

enum hf_err withdraw_done(struct engine *e, uint32_t slot)
{
	struct hf_statement s = {.type = HF_ENTRY_WITHDRAWN, .time = e->now};
	uint8_t act[HF_ID_SIZE];
	struct hf_bytes value;
	struct case_record c;
	struct row_key k;
	uint64_t index;
	enum hf_err err;

	intent_key(&k, slot);
	err = txn_get(e->txn, TABLE_META, row_bytes(&k), &value);
	if (err != HF_OK)
		return err;
	if (value.size != 2 * HF_ID_SIZE)
		return HF_CORRUPT;
	memcpy(s.subject.b, value.data, HF_ID_SIZE);
	memcpy(act, value.data + HF_ID_SIZE, HF_ID_SIZE);
	s.detail = bytes_of(act, sizeof(act));
	err = case_load(e, &s.subject, &c);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	err = ledger_add_statement(e, &s, &index);
	if (err == HF_OK && case_sides(e, &c) != 3u)
		err = link_tell_statement(e, case_other_country(e, &c), index);
	return err == HF_OK ? txn_del(e->txn, TABLE_META, row_bytes(&k)) : err;
}
