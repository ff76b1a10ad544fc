/*
 * due_fire: what happens when a deadline comes: a machine act where the
 * broker's word is authority (SPEC 5.8), a statement where it is evidence
 * only (SPEC 12.7), the erasing of a file, a release.
 */
#include "broker/engine/intake.h"

#include <assert.h>
#include <string.h>

static enum hf_err state_it(struct engine *e, const struct case_record *c,
    const struct hf_statement *s, const struct hf_desk *desk, uint64_t *index)
{
	enum hf_err err = ledger_add_statement(e, s, index);

	if (err != HF_OK)
		return err;
	return inbox_put(e, desk, c, &s->subject, 0, 0, desk, s->type);
}

/** `awaited` owes `asker` something, on the act at (track, gen) of the latter:
 * each country tells its own desk. */
static enum hf_err overdue(struct engine *e, struct case_record *c,
    unsigned type, bool by_asked, unsigned track, uint32_t gen)
{
	const struct hf_desk *awaited = by_asked ? &c->to : &c->from;
	const struct hf_desk *asker = by_asked ? &c->from : &c->to;
	struct hf_statement s = {
	    .subject = c->id,
	    .text = bytes_of(awaited->s, strlen(awaited->s)),
	    .code = type,
	};
	uint64_t index;
	enum hf_err err = HF_OK;

	if (desk_is_ours(e, awaited)) {
		s.type = HF_ENTRY_PENDING;
		err = state_it(e, c, &s, awaited, &index);
	}
	if (err != HF_OK || !desk_is_ours(e, asker) || type == HF_DUE_PENDING ||
	    type == HF_DUE_REVIEW)
		return err;
	s.type = HF_ENTRY_ABSENT;
	err = absence_known(e, c, awaited, track, gen, &s);
	if (err == HF_OK)
		err = state_it(e, c, &s, asker, &index);
	/* who is late signs that it stands there, once he can be reached */
	return err == HF_OK
		   ? link_tell_statement(e, hf_desk_country(awaited), index)
		   : err;
}

static enum hf_err unconfirmed(
    struct engine *e, const struct case_record *c, uint32_t gen)
{
	struct hf_statement s = {.type = HF_ENTRY_UNCONFIRMED};
	struct hf_life_act act;
	uint64_t index;
	enum hf_err err;

	err = case_act_load(e, &c->id, gen >> 16, gen & 0xffffu, &act);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	s.subject = act.id;
	s.text = bytes_of(act.envelope.from.s, strlen(act.envelope.from.s));
	return state_it(e, c, &s, &act.envelope.from, &index);
}

/** What the fold does not allow any more is no longer due. */
static enum hf_err by_machine(
    struct engine *e, struct case_record *c, unsigned kind)
{
	enum hf_err err = machine_act(e, c, kind, HF_TRACK_ASKED, &c->id);

	if (!is_refusal(err))
		return err;
	effect_log(e, err, "machine-act", &c->id, NULL, "not allowed");
	return HF_OK;
}

static enum hf_err fire_case(
    struct engine *e, struct case_record *c, unsigned type, uint32_t gen)
{
	unsigned track = gen >> 16;
	enum hf_err err;

	switch (type) {
	case HF_DUE_PENDING:
	case HF_DUE_REVIEW:
	case HF_DUE_FIRST_HOP:
		return overdue(e, c, type, true, HF_TRACK_ASKING, 1);
	case HF_DUE_ACKNOWLEDGE:
	case HF_DUE_DECIDE:
		return overdue(e, c, type, true, track, gen & 0xffffu);
	case HF_DUE_REPLY:
		return overdue(
		    e, c, type, track == HF_TRACK_ASKING, track, gen & 0xffffu);
	case HF_DUE_LAPSE:
		return by_machine(e, c, HF_KIND_LAPSE);
	case HF_DUE_EXPIRE:
		return by_machine(e, c, HF_KIND_EXPIRE);
	case HF_DUE_LIVE_TIMEOUT:
		return by_machine(e, c, HF_KIND_LIVE_TIMEOUT);
	case HF_DUE_CONFIRM:
		return unconfirmed(e, c, gen);
	case HF_DUE_ERASE:
		err = erase_begin(e, c);
		return is_refusal(err) ? HF_OK : err;
	case HF_DUE_WITHDRAW:
		return withdraw_begin(e, c, track, gen & 0xffffu);
	case HF_DUE_RELEASE:
		err = lineage_run(e, c);
		return is_refusal(err) ? HF_OK : err;
	default:
		return HF_CORRUPT;
	}
}

enum hf_err due_fire(
    struct engine *e, const struct hf_id *id, unsigned type, uint32_t gen)
{
	struct case_record c;
	enum hf_err err;

	err = case_load(e, id, &c);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	if (!c.erased && recall_holds(e, &c))
		return recall_postpone(e, id, type, gen);
	return c.erased ? HF_OK : fire_case(e, &c, type, gen);
}
