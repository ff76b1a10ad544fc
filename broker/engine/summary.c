/*
 * summary: a case in one map (SPEC 11.4), as this reader may see it.
 */
#include "broker/engine/intake.h"

static void put_uint(struct pack *p, unsigned key, uint64_t v)
{
	pack_uint(p, key);
	pack_uint(p, v);
}

static void put_text(struct pack *p, unsigned key, const char *text)
{
	pack_uint(p, key);
	pack_text(p, text);
}

static void put_bool(struct pack *p, unsigned key, bool v)
{
	pack_uint(p, key);
	pack_bool(p, v);
}

/* Core digest of the newest act of a track, empty if there is none. */
static enum hf_err put_digest(struct engine *e, struct pack *p, unsigned key,
    const struct case_record *c, unsigned track)
{
	struct hf_bytes core, envelope, sigs;
	struct hf_hash digest;
	uint64_t index;
	enum hf_err err;

	pack_uint(p, key);
	if (c->gens[track] == 0) {
		pack_bin(p, NULL, 0);
		return HF_OK;
	}
	err = case_place(e, &c->id, track, c->gens[track], &index);
	if (err == HF_OK)
		err = ledger_act(e, index, &core, &envelope, &sigs);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	digest = hf_core_digest(core);
	pack_bin(p, digest.b, sizeof(digest.b));
	return HF_OK;
}

/* 0 asking, 1 asked, 2 both: of the reader's country. */
static unsigned own_side(const struct engine *e, const struct case_record *c)
{
	return case_sides(e, c) - 1;
}

static bool has_revocations(const struct engine *e, struct hf_country c)
{
	const struct country_doc *d = roster_doc(e->roster, c);

	for (unsigned i = 0; d != NULL && i < d->entry_count; i++)
		if (d->entries[i].type == ENTRY_REVOCATION)
			return true;
	return false;
}

/* Was the author of this act compromised when it entered? (SPEC 5.11) */
static enum hf_err act_disputed(struct engine *e, const struct case_record *c,
    unsigned track, uint32_t gen, bool *disputed)
{
	const struct revocation_entry *r;
	struct hf_bytes core, envelope, sigs;
	struct hf_country country =
	    hf_desk_country(track == HF_TRACK_ASKING ? &c->from : &c->to);
	struct hf_core decoded;
	struct instant entered;
	uint64_t index;
	enum hf_err err =
	    case_place_get(e, &c->id, track, gen, &index, &entered);

	if (err == HF_OK)
		err = ledger_act(e, index, &core, &envelope, &sigs);
	if (err == HF_OK)
		err = hf_core_decode(&decoded, core.data, core.size);
	if (err != HF_OK)
		return HF_CORRUPT;
	r = roster_revocation(e->roster, country, &decoded.author);
	if (r != NULL && entered.ms >= r->since.ms &&
	    entered.ms < r->revoked.ms)
		*disputed = true;
	return HF_OK;
}

static enum hf_err is_disputed(
    struct engine *e, const struct case_record *c, bool *disputed)
{
	const struct hf_desk *desks[2] = {&c->from, &c->to};

	*disputed = false;
	for (unsigned t = 0; t < 2; t++) {
		if (!has_revocations(e, hf_desk_country(desks[t])))
			continue;
		for (uint32_t g = 1; g <= c->gens[t] && !*disputed; g++) {
			enum hf_err err = act_disputed(e, c, t, g, disputed);

			if (err != HF_OK)
				return err;
		}
	}
	return HF_OK;
}

enum hf_err summary_pack(struct engine *e, struct pack *p,
    const struct case_record *c, const struct officer_entry *who)
{
	unsigned side =
	    same_desk(&who->desk, &c->to) || own_side(e, c) == 1 ? 1 : 0;
	unsigned inner = HF_TRACK_INNER_ASKING + side;
	enum hf_deadline type = 0;
	struct instant due = {0};
	bool disputed = false;
	enum hf_err err = due_next_of(e, &c->id, &type, &due);

	if (err == HF_OK)
		err = is_disputed(e, c, &disputed);
	if (err != HF_OK)
		return err;
	pack_map(p, 29);
	pack_uint(p, HF_S_CASE);
	pack_bin(p, c->id.b, sizeof(c->id.b));
	put_text(p, HF_S_REF, c->ref);
	put_text(p, HF_S_FROM, c->from.s);
	put_text(p, HF_S_TO, c->to.s);
	put_uint(p, HF_S_MEASURE, c->measure);
	put_uint(p, HF_S_URGENCY, c->urgency);
	put_uint(p, HF_S_STATE, c->state);
	put_uint(p, HF_S_HOLD_UNTIL, c->hold_until.ms);
	put_uint(p, HF_S_KIND, c->kind);
	put_uint(p, HF_S_OPENED, c->opened.ms);
	put_uint(p, HF_S_ASKING_GEN, c->gens[HF_TRACK_ASKING]);
	put_uint(p, HF_S_ASKED_GEN, c->gens[HF_TRACK_ASKED]);
	put_uint(p, HF_S_DUE_TYPE, type);
	put_uint(p, HF_S_DUE, due.ms);
	pack_uint(p, HF_S_ASSIGNEE);
	if (same_key(&c->assignees[side], &(struct hf_key){{0}}))
		pack_nil(p);
	else
		pack_bin(p, c->assignees[side].b, HF_KEY_SIZE);
	put_uint(p, HF_S_BASIS, c->basis);
	put_bool(p, HF_S_ERASED, c->erased);
	put_bool(p, HF_S_LEGAL_HOLD, c->legal_hold);
	err = put_digest(e, p, HF_S_ASKING_DIGEST, c, HF_TRACK_ASKING);
	if (err == HF_OK)
		err = put_digest(e, p, HF_S_ASKED_DIGEST, c, HF_TRACK_ASKED);
	put_uint(p, HF_S_RETAIN_UNTIL, c->retain_until.ms);
	put_bool(p, HF_S_OUTSIDE_PROFILE, c->outside_profile);
	put_bool(p, HF_S_UNPROVEN, c->unproven);
	put_bool(p, HF_S_DISPUTED, disputed);
	put_uint(p, HF_S_INNER_GEN, c->gens[inner]);
	if (err == HF_OK)
		err = put_digest(e, p, HF_S_INNER_DIGEST, c, inner);
	pack_uint(p, HF_S_PROFILE);
	pack_bin(p, c->profile.b, sizeof(c->profile.b));
	put_uint(p, HF_S_SIDE, own_side(e, c));
	put_uint(p, HF_S_RESULT, c->result);
	return err;
}
