/*
 * absence: what this broker knows of a silence when a deadline passes
 * (SPEC 12.7).  It tells a dead line from a desk that does not answer, and
 * both from a person who has read and not decided: years later somebody asks.
 */
#include "broker/engine/intake.h"
#include "broker/engine/link.h"

#include <string.h>

/* Has an officer of the other side signed anything after he could see it? */
static bool has_spoken(const struct hf_case *w, unsigned waiting, uint32_t gen)
{
	bool asking = waiting == HF_TRACK_ASKING;
	const struct hf_life_act *acts = asking ? w->asked : w->asking;
	uint32_t count = asking ? w->asked_folded : w->asking_folded;

	for (uint32_t i = 0; i < count; i++) {
		const struct hf_kind_info *kind = hf_kind_info(acts[i].kind);

		if ((kind == NULL || !kind->machine) &&
		    acts[i].envelope.seen_gen >= gen)
			return true;
	}
	return false;
}

/* Of an act of ours on its way to another country. */
static enum hf_err on_its_way(struct engine *e, struct hf_country to,
    const struct hf_id *act, struct hf_statement *s)
{
	const struct peer *p = link_find(e, to);
	struct hf_bytes row;
	struct row_key k = {0};
	enum hf_err err;

	row_add(&k, act->b, sizeof(act->b));
	row_add(&k, to.s, HF_COUNTRY_SIZE);
	err = txn_get(e->txn, TABLE_RECEIPTS, row_bytes(&k), &row);
	if (err == HF_OK)
		s->count = HF_SILENT;
	if (err != HF_NOTFOUND)
		return err;
	row_add(&k, "refused", 7);
	err = txn_get(e->txn, TABLE_RECEIPTS, row_bytes(&k), &s->detail);
	if (err == HF_OK)
		s->count = HF_SILENT_REFUSED;
	if (err != HF_NOTFOUND)
		return err;
	s->count = HF_SILENT_QUEUED;
	if (!link_is_up(e, to)) {
		s->count = HF_SILENT_LINK_DOWN;
		s->time.ms = p != NULL ? p->seen_wall_ms : 0;
	}
	return HF_OK;
}

enum hf_err absence_known(struct engine *e, struct case_record *c,
    const struct hf_desk *awaited, unsigned track, uint32_t gen,
    struct hf_statement *s)
{
	struct hf_country country = hf_desk_country(awaited);
	struct hf_life_act act;
	enum hf_err err = case_fold(e, c);

	if (err != HF_OK)
		return err;
	if (has_spoken(e->work, track, gen)) {
		s->count = HF_SILENT_UNDECIDED;
		return HF_OK;
	}
	s->count = HF_SILENT;
	if (desk_is_ours(e, awaited))
		return HF_OK;
	err = case_act_load(e, &c->id, track, gen, &act);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	return on_its_way(e, country, &act.id, s);
}
