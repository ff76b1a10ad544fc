/*
 * intake_own: an officer of ours submits (SPEC 12.1): the home broker judges
 * everything there is to judge, cheapest first, and refuses rather than let
 * a void act into the world.
 */
#include "broker/engine/intake.h"
#include "proto/seal.h"

#include <assert.h>
#include <string.h>

#define CLAUSE_ENTRY 1201u
#define CLAUSE_ASK 1202u
#define CLAUSE_RESERVE 1203u
#define CLAUSE_ROOM 1214u
#define QUOTA_ROW 12u /* minute be64, count be32 */

static enum hf_err no(struct intake *in, unsigned clause, enum hf_err err)
{
	in->clause = clause;
	return err;
}

/** The same act again, by the same author: the same decision. */
static enum hf_err again(struct intake *in, const struct officer_entry *who,
    struct intake_result *result)
{
	struct hf_ledger_leaf held;
	uint64_t index;
	enum hf_err err = ledger_index_of(in->e, &in->act.id, &index);

	if (err != HF_OK)
		return err;
	err = ledger_leaf(in->e, index, &held);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	if (held.type != HF_ENTRY_OWN ||
	    !same_hash(&held.core, &in->act.digest) ||
	    !same_key(&in->act.core.author, &who->sign))
		return no(in, CLAUSE_ENTRY, HF_GENERATION);
	return intake_again(in, result);
}

/** Acts an officer may submit in a minute. */
static enum hf_err take_quota(
    struct intake *in, const struct officer_entry *who)
{
	static const char name[] = "quota/";
	uint64_t minute = in->e->now.ms / MINUTE_MS;
	uint32_t limit = in->e->options.quota_acts_per_minute, used = 0;
	struct row_key k = {0};
	uint8_t row[QUOTA_ROW];
	struct hf_bytes value;
	enum hf_err err;

	if (limit == 0)
		return HF_OK;
	row_add(&k, name, sizeof(name) - 1);
	row_add(&k, who->sign.b, sizeof(who->sign.b));
	err = txn_get(in->e->txn, TABLE_META, row_bytes(&k), &value);
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	if (err == HF_OK && value.size != QUOTA_ROW)
		return HF_CORRUPT;
	if (err == HF_OK && get_be64(value.data) == minute)
		used = get_be32(value.data + 8);
	if (used >= limit)
		return no(in, CLAUSE_ENTRY, HF_BUSY);
	put_be64(row, minute);
	put_be32(row + 8, used + 1);
	return txn_put(
	    in->e->txn, TABLE_META, row_bytes(&k), bytes_of(row, sizeof(row)));
}

static enum hf_err check_author(
    struct intake *in, const struct officer_entry *who)
{
	const struct country_doc *doc =
	    roster_doc(in->e->roster, in->e->options.country);
	uint64_t now = in->e->now.ms, created = in->act.core.created.ms;
	const struct officer_entry *held;
	enum hf_err err;

	if (!same_key(&in->act.core.author, &who->sign))
		return no(in, 403, HF_ROLE);
	err = roster_officer_now(in->e->roster, in->e->options.country,
	    &in->act.core.author, in->e->now, &held);
	if (err != HF_OK)
		return no(in, 403, err);
	if (!desk_is_ours(in->e, &in->act.envelope.from))
		return no(in, 403, HF_WRONG_COUNTRY);
	if (created > now + SKEW_MS || now > created + SKEW_MS)
		return no(in, CLAUSE_ENTRY, HF_CLOCK_SKEW);
	assert(doc != NULL); /* it names him */
	if (in->act.envelope.roster > doc->head.version)
		return no(in, 303, HF_RANGE);
	return take_quota(in, who);
}

/** The profile that binds the case this act is in (NULL: unknown). */
static const struct hf_profile *rules_of(const struct intake *in)
{
	const struct hf_hash *digest =
	    in->opens ? &in->act.envelope.rules_profile : &in->c.profile;

	return roster_profile_by_digest(in->e->roster, digest);
}

/** An ask lives from now to no later than the longest term there is. */
static enum hf_err check_not_after(struct intake *in)
{
	const struct hf_profile *rules = rules_of(in);
	uint64_t at = in->act.envelope.not_after.ms;
	uint64_t most_s;

	if (!HF_HAS(&in->act.envelope, HF_E_NOT_AFTER))
		return HF_OK;
	if (at <= in->e->now.ms)
		return no(in, CLAUSE_ASK, HF_LAPSED);
	if (rules == NULL)
		return HF_OK; /* SPEC 5.10 refuses an opening like this */
	most_s =
	    rules->ask_s > rules->term_max_s ? rules->ask_s : rules->term_max_s;
	return (at - in->e->now.ms) / 1000 <= most_s + SKEW_MS / 1000
		   ? HF_OK
		   : no(in, CLAUSE_ASK, HF_TERM);
}

static enum hf_err check_signatures(struct intake *in)
{
	const struct hf_act *act = &in->act;
	unsigned measure = in->opens ? act->envelope.measure : in->c.measure;
	unsigned needed, count;
	enum hf_err err;

	err = intake_cosigners(in, in->e->now, &count);
	if (err != HF_OK)
		return err;
	needed = roster_approvals(
	    in->e->roster, in->e->options.country, act->core.kind, measure);
	if (count < needed)
		return no(in, 304, HF_APPROVALS);
	err = intake_verify(in);
	return err == HF_OK ? HF_OK : no(in, 304, err);
}

/** There is a body of the right form, and the desk it is for can open it. */
static enum hf_err check_body(struct intake *in)
{
	const struct hf_bytes *bytes = &in->act.body_bytes;
	struct hf_body body;
	enum hf_err err = hf_body_decode(&body, bytes->data, bytes->size);

	if (err != HF_OK)
		return no(in, 305, err);
	for (unsigned i = 0; i < body.recipient_count; i++)
		if (same_desk(&body.recipients[i].desk, &in->act.envelope.to))
			return HF_OK;
	return no(in, 305, HF_SHAPE);
}

/** Room on the track is kept for what ends a case. */
static enum hf_err check_reserve(struct intake *in)
{
	unsigned kind = in->act.core.kind;

	if (in->act.envelope.gen <= HF_TRACK_ACTS_MAX - TRACK_RESERVE ||
	    kind == HF_KIND_WITHDRAW || kind == HF_KIND_CLOSE ||
	    kind == HF_KIND_END || kind == HF_KIND_LIVE_STOPPED)
		return HF_OK;
	return no(in, CLAUSE_RESERVE, HF_MANY_ACTS);
}

static enum hf_err check_place(struct intake *in)
{
	const struct hf_envelope *env = &in->act.envelope;
	enum hf_err err;

	if (env->track > HF_TRACK_ASKED)
		return inner_check(in);
	hf_life_act_from(&in->life, &in->act.core, env, &in->act.digest,
	    &in->act.id, in->entered);
	err = case_fold_for(in->e, &in->c, &in->life);
	if (err != HF_OK)
		return err;
	if (env->seen_gen < in->c.gens[env->track ^ 1u])
		return no(in, 502, HF_STALE);
	if ((err = check_reserve(in)) != HF_OK)
		return err;
	return hf_case_check(in->e->work, &in->life, &in->clause);
}

static enum hf_err check_ref(struct intake *in)
{
	char ref[HF_REF_MAX];
	struct hf_id held;
	enum hf_err err;

	if (!in->opens)
		return HF_OK;
	hf_ref(
	    ref, in->e->options.country, in->act.core.created, &in->act.digest);
	err = case_by_ref(in->e, ref, &held);
	if (err == HF_NOTFOUND)
		return HF_OK;
	return err == HF_OK ? no(in, 309, HF_REF_TAKEN) : err;
}

static enum hf_err check_case(struct intake *in)
{
	enum hf_err err = intake_load(in);

	if (err != HF_OK)
		return err;
	if (!in->opens && in->c.kind == 0)
		return no(in, 303, HF_UNKNOWN_CASE);
	if (in->act.envelope.track <= HF_TRACK_ASKED &&
	    recall_holds(in->e, &in->c))
		return no(in, 1212, HF_RECALLING);
	if (in->c.erased)
		return no(in, 1208, HF_ERASED);
	err = room_for(in->e, in->act.core.kind, in->opens,
	    in->opens ? in->act.envelope.urgency : in->c.urgency);
	return err == HF_OK ? HF_OK : no(in, CLAUSE_ROOM, err);
}

static enum hf_err check(
    struct intake *in, const struct officer_entry *who, struct hf_bytes opening)
{
	const struct case_record *c;
	enum hf_err err;

	if ((err = check_author(in, who)) != HF_OK ||
	    (err = check_case(in)) != HF_OK)
		return err;
	c = in->opens ? NULL : &in->c;
	if ((err = rules_sender(in->e, &in->act, who, c, &in->clause)) !=
		HF_OK ||
	    (err = check_not_after(in)) != HF_OK ||
	    (err = check_body(in)) != HF_OK ||
	    (err = check_signatures(in)) != HF_OK ||
	    (err = check_place(in)) != HF_OK ||
	    (err = rules_cites(in->e, &in->act, c, &in->clause)) != HF_OK ||
	    (err = lineage_check(in, opening)) != HF_OK)
		return err;
	return check_ref(in);
}

enum hf_err intake_own(struct engine *e, const struct officer_entry *who,
    struct hf_bytes frame, struct hf_bytes opening,
    struct intake_result *result)
{
	struct intake in = {.e = e, .type = HF_ENTRY_OWN, .entered = e->now};
	enum hf_err err;

	assert(who != NULL);
	*result = (struct intake_result){0};
	if (frame.size > HF_ACT_MAX)
		return HF_TOO_BIG;
	err = intake_decode(&in, frame);
	if (err != HF_OK)
		return err;
	result->id = in.act.id;
	result->case_id = intake_case_id(&in.act);
	err = again(&in, who, result);
	if (err == HF_NOTFOUND) {
		err = check(&in, who, opening);
		if (err == HF_OK)
			return intake_enter(&in, result);
	}
	if (err != HF_OK)
		result->clause = in.clause;
	return err;
}
