/*
 * rules: who may send what to whom, and what may be shown on (SPEC 4.3,
 * 5.12).  From envelopes alone: a broker never reads a body.
 */
#include "broker/engine/intake.h"

#include <assert.h>
#include <string.h>

static enum hf_err no(unsigned *clause, unsigned which, enum hf_err err)
{
	*clause = which;
	return err;
}

/** Officers whose signature moves a shared sequence or approves. */
static bool may_act(const struct officer_entry *who)
{
	return who->role == ROLE_DUTY || who->role == ROLE_LIAISON ||
	       who->role == ROLE_AUTHORISER;
}

static bool may_open_cases(unsigned desk_type)
{
	return desk_type == DESK_CONTACT_POINT ||
	       desk_type == DESK_CENTRAL_AUTHORITY;
}

/** Type of a desk, 0 if it is not in the roster. */
static unsigned type_of(const struct engine *e, const struct hf_desk *desk)
{
	const struct desk_entry *entry = roster_desk(e->roster, desk);

	return entry != NULL ? entry->type : 0;
}

static enum hf_err find_to(
    const struct engine *e, const struct hf_desk *to, unsigned *clause)
{
	if (roster_doc(e->roster, hf_desk_country(to)) == NULL)
		return no(clause, 403, HF_UNKNOWN_COUNTRY);
	if (roster_desk(e->roster, to) == NULL)
		return no(clause, 403, HF_UNKNOWN_DESK);
	return HF_OK;
}

static enum hf_err check_opening(
    const struct engine *e, const struct hf_act *act, unsigned *clause)
{
	const struct hf_desk *from = &act->envelope.from;
	const struct hf_desk *to = &act->envelope.to;
	struct hf_country from_country = hf_desk_country(from);
	struct hf_country to_country = hf_desk_country(to);
	enum hf_err err;

	err = find_to(e, to, clause);
	if (err != HF_OK)
		return err;
	if (!may_open_cases(type_of(e, from)))
		return no(clause, 403, HF_WRONG_DESK);
	if (act->core.kind != HF_KIND_ORDER)
		return type_of(e, to) == DESK_CONTACT_POINT
			   ? HF_OK
			   : no(clause, 403, HF_WRONG_DESK);
	if (!same_country(&from_country, &to_country))
		return no(clause, 403, HF_WRONG_COUNTRY);
	return type_of(e, to) == DESK_PROVIDER || same_desk(from, to)
		   ? HF_OK
		   : no(clause, 403, HF_WRONG_DESK);
}

/** The track's desk writes to the other's. */
static enum hf_err check_shared(const struct hf_envelope *env,
    const struct case_record *c, unsigned *clause)
{
	bool asking = env->track == HF_TRACK_ASKING;
	const struct hf_desk *from = asking ? &c->from : &c->to;
	const struct hf_desk *to = asking ? &c->to : &c->from;

	return same_desk(&env->from, from) && same_desk(&env->to, to)
		   ? HF_OK
		   : no(clause, 403, HF_WRONG_DESK);
}

static enum hf_err check_inner_kind(const struct engine *e,
    const struct hf_act *act, const struct officer_entry *who, unsigned *clause)
{
	switch (act->core.kind) {
	case HF_KIND_LEGAL_HOLD:
		return who->role == ROLE_OPERATOR &&
			       type_of(e, &who->desk) == DESK_OPERATOR
			   ? HF_OK
			   : no(clause, 403, HF_ROLE);
	case HF_KIND_NOTE:
		return HF_OK;
	case HF_KIND_GRANT:
		/* a provider sees its orders and never a request */
		if (type_of(e, &act->envelope.to) == DESK_PROVIDER)
			return no(clause, 1209, HF_WRONG_DESK);
		return may_act(who) ? HF_OK : no(clause, 403, HF_ROLE);
	default:
		return may_act(who) ? HF_OK : no(clause, 403, HF_ROLE);
	}
}

static enum hf_err check_inner(struct engine *e, const struct hf_act *act,
    const struct officer_entry *who, const struct case_record *c,
    unsigned *clause)
{
	const struct hf_envelope *env = &act->envelope;
	const struct hf_desk *side =
	    env->track == HF_TRACK_INNER_ASKING ? &c->from : &c->to;

	if (!desk_is_ours(e, side) || !desk_is_ours(e, &env->to))
		return no(clause, 403, HF_WRONG_COUNTRY);
	if (roster_desk(e->roster, &env->to) == NULL)
		return no(clause, 403, HF_UNKNOWN_DESK);
	/* the other party of a domestic case is not of this side */
	if (case_access(e, c, who) == ACCESS_NONE ||
	    (!same_desk(&who->desk, side) &&
		(same_desk(&who->desk, &c->from) ||
		    same_desk(&who->desk, &c->to))))
		return no(clause, 403, HF_WRONG_DESK);
	return check_inner_kind(e, act, who, clause);
}

enum hf_err rules_sender(struct engine *e, const struct hf_act *act,
    const struct officer_entry *who, const struct case_record *c,
    unsigned *clause)
{
	const struct hf_kind_info *info = hf_kind_info(act->core.kind);
	const struct hf_envelope *env = &act->envelope;
	bool machine = info != NULL && info->machine;

	if (machine != (who == NULL))
		return no(clause, 403, HF_ROLE);
	if (who != NULL && !same_desk(&who->desk, &env->from))
		return no(clause, 403, HF_WRONG_DESK);
	if (env->track > HF_TRACK_ASKED) {
		/* machine acts are of shared tracks, and nothing of another
		 * track comes from abroad */
		assert(c != NULL && who != NULL);
		return check_inner(e, act, who, c, clause);
	}
	if (who != NULL && !may_act(who))
		return no(clause, 403, HF_ROLE);
	return c == NULL ? check_opening(e, act, clause)
			 : check_shared(env, c, clause);
}

/* ---- cites ---- */

/** A cited act as its envelope and its case tell of it. */
struct cited {
	struct hf_envelope envelope;
	struct case_record c;
};

static enum hf_err load_cited(
    struct engine *e, const struct hf_id *id, struct cited *out)
{
	struct hf_bytes core, envelope, sigs;
	struct hf_id case_id;
	uint64_t index;
	enum hf_err err;

	err = ledger_index_of(e, id, &index);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_UNKNOWN_ACT : err;
	if (ledger_act(e, index, &core, &envelope, &sigs) != HF_OK ||
	    hf_envelope_decode(&out->envelope, envelope.data, envelope.size) !=
		HF_OK)
		return HF_CORRUPT;
	case_id =
	    HF_HAS(&out->envelope, HF_E_CASE) ? out->envelope.case_id : *id;
	err = case_load(e, &case_id, &out->c);
	return err == HF_NOTFOUND ? HF_CORRUPT : err;
}

/** Is a flag set, binding, and neither past its end? */
static bool flag_binds(
    const struct hf_envelope *env, unsigned flag, struct instant now)
{
	for (unsigned i = 0; i < env->flag_count; i++)
		if (env->flags[i].flag == flag)
			return env->flags[i].strength == HF_BINDING &&
			       (env->flags[i].until.ms == 0 ||
				   env->flags[i].until.ms > now.ms);
	return false;
}

/** Is `to` the country that asked: of the cited act's case, or of one that
 * this case rests on (a provider's finding may reach the requester)? */
static enum hf_err asked_for_by(struct engine *e, const struct case_record *c,
    struct hf_country to, bool *out)
{
	struct hf_country asking = hf_desk_country(&c->from);
	struct case_record basis;

	*out = same_country(&to, &asking);
	for (unsigned i = 0; !*out && i < c->basis_count; i++) {
		enum hf_err err = case_load(e, &c->bases[i], &basis);

		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
		asking = hf_desk_country(&basis.from);
		*out = same_country(&to, &asking);
	}
	return HF_OK;
}

/** Policy bits that cover `to`: any one of them is enough for a leaf. */
static enum hf_err covering(struct engine *e, const struct cited *cited,
    const struct hf_envelope *env, unsigned *out)
{
	struct hf_country to = hf_desk_country(&env->to);
	struct hf_country from = hf_desk_country(&env->from);
	unsigned bits = 0;
	bool requester;
	enum hf_err err = asked_for_by(e, &cited->c, to, &requester);

	if (err != HF_OK)
		return err;
	if (type_of(e, &env->to) == DESK_PROVIDER && same_country(&to, &from))
		bits |= HF_SHARE_PROVIDERS;
	if (requester)
		bits |= HF_SHARE_REQUESTER;
	for (unsigned i = 0; i < cited->envelope.third_count; i++)
		if (same_country(&to, &cited->envelope.third[i]))
			bits |= HF_SHARE_THIRD;
	if (same_desk(&env->to, &cited->c.from) ||
	    same_desk(&env->to, &cited->c.to))
		bits |= HF_SHARE_PARTY;
	*out = bits;
	return HF_OK;
}

static bool policy_allows(
    struct hf_bytes policy, struct hf_bytes leaves, unsigned bits)
{
	for (size_t i = 0; i < leaves.size; i++)
		if (leaves.data[i] >= policy.size ||
		    (policy.data[leaves.data[i]] & bits) == 0)
			return false;
	return true;
}

/** Only who may read a case in full can show of it. */
static bool author_reads(
    struct engine *e, const struct hf_act *act, const struct case_record *c)
{
	const struct officer_entry *who = roster_officer(
	    e->roster, hf_desk_country(&act->envelope.from), &act->core.author);

	assert(who != NULL); /* he was asked for before */
	return case_access(e, c, who) == ACCESS_FULL;
}

static enum hf_err check_cite(struct engine *e, const struct hf_act *act,
    const struct hf_id *case_id, unsigned i, unsigned *clause)
{
	const struct hf_envelope *env = &act->envelope;
	struct cited cited;
	unsigned bits;
	enum hf_err err;

	err = load_cited(e, &env->cites[i].act, &cited);
	if (err != HF_OK)
		return no(clause, 512, err);
	if (!author_reads(e, act, &cited.c))
		return no(clause, 512, HF_CITE);
	if (!same_id(&cited.c.id, case_id) &&
	    flag_binds(&cited.envelope, HF_FLAG_NO_ONWARD, e->now))
		return no(clause, 512, HF_ONWARD);
	err = covering(e, &cited, env, &bits);
	if (err != HF_OK)
		return err;
	return policy_allows(cited.envelope.policy, env->cites[i].leaves, bits)
		   ? HF_OK
		   : no(clause, 512, HF_CITE);
}

/** An order that masks the requester cites nothing and names no request. */
static bool breaks_mask(const struct hf_envelope *env)
{
	bool masks = false;

	for (unsigned i = 0; i < env->flag_count; i++)
		masks |= env->flags[i].flag == HF_FLAG_MASK_REQUESTER;
	if (!masks)
		return false;
	if (env->cite_count > 0)
		return true;
	for (unsigned i = 0; i < env->lineage_count; i++)
		if (env->lineage[i].type != HF_COMMITMENT)
			return true;
	return false;
}

enum hf_err rules_cites(struct engine *e, const struct hf_act *act,
    const struct case_record *c, unsigned *clause)
{
	const struct hf_id *case_id = c != NULL ? &c->id : &act->id;

	if (act->core.kind == HF_KIND_ORDER && breaks_mask(&act->envelope))
		return no(clause, 512, HF_MASKED);
	for (unsigned i = 0; i < act->envelope.cite_count; i++) {
		enum hf_err err = check_cite(e, act, case_id, i, clause);

		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}
