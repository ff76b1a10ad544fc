/*
 * lineage: what an order rests on, and its release (SPEC 12.5).
 *
 * An order names the case it rests on (dependent lineage), or, when the
 * requester is masked, only a salted commitment to it, so that a provider
 * learns nothing.  Then nobody but the author could tell its own broker when
 * the order has lost its ground.  So the client opens the commitment to its
 * own broker as it submits: the broker checks it, keeps what it found and
 * passes nothing on.
 *
 * Releasing is queued in the due table instead of being done on the spot: a
 * case may carry many orders, and orders may carry orders; so one act has
 * bounded work, the queue is in the same transaction, and a crash loses
 * nothing.
 */
#include "broker/engine/intake.h"
#include "proto/crypto.h"

#include <string.h>

#define OPENING_SIZE (HF_SALT_SIZE + HF_ID_SIZE)
#define CLAUSE_LINEAGE 1205u

/** Add a live case of which the order's desk is a party. */
static enum hf_err add_basis(struct intake *in, const struct hf_id *id)
{
	const struct hf_desk *from = &in->act.envelope.from;
	struct case_record basis;
	enum hf_err err;

	in->clause = CLAUSE_LINEAGE;
	err = case_load(in->e, id, &basis);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_UNKNOWN_CASE : err;
	if (basis.kind == 0)
		return HF_UNKNOWN_CASE;
	if (!same_desk(from, &basis.from) && !same_desk(from, &basis.to))
		return HF_WRONG_DESK;
	if (case_is_over(&basis) || basis.erased)
		return HF_NOT_ALLOWED;
	in->clause = 0;
	for (unsigned i = 0; i < in->c.basis_count; i++)
		if (same_id(&in->c.bases[i], id))
			return HF_OK;
	if (in->c.basis_count == HF_LINEAGE_MAX) {
		in->clause = CLAUSE_LINEAGE;
		return HF_MANY_ACTS;
	}
	in->c.bases[in->c.basis_count++] = *id;
	return HF_OK;
}

/** The commitment that `opening` opens must be one of the envelope's. */
static enum hf_err open_commitment(struct intake *in, struct hf_bytes opening)
{
	const struct hf_envelope *env = &in->act.envelope;
	struct hf_hash digest;
	struct hf_id id;

	in->clause = CLAUSE_LINEAGE;
	if (opening.size != OPENING_SIZE)
		return HF_RANGE;
	digest = hf_hash(HF_TAG_LINEAGE, opening.data, opening.size);
	memcpy(id.b, opening.data + HF_SALT_SIZE, sizeof(id.b));
	for (unsigned i = 0; i < env->lineage_count; i++)
		if (env->lineage[i].type == HF_COMMITMENT &&
		    hf_equal(env->lineage[i].id.b, digest.b, sizeof(digest.b)))
			return add_basis(in, &id);
	return HF_PROOF;
}

enum hf_err lineage_check(struct intake *in, struct hf_bytes opening)
{
	const struct hf_envelope *env = &in->act.envelope;
	unsigned kind = in->opens ? in->act.core.kind : in->c.kind;

	if (kind != HF_KIND_ORDER || env->track == HF_TRACK_ASKED ||
	    env->track == HF_TRACK_INNER_ASKED) {
		in->clause = opening.size > 0 ? CLAUSE_LINEAGE : 0;
		return opening.size > 0 ? HF_SHAPE : HF_OK;
	}
	for (unsigned i = 0; i < env->lineage_count; i++) {
		enum hf_err err;

		if (env->lineage[i].type != HF_DEPENDENT)
			continue;
		err = add_basis(in, &env->lineage[i].id);
		if (err != HF_OK)
			return err;
	}
	return opening.size > 0 ? open_commitment(in, opening) : HF_OK;
}

enum hf_err lineage_put(struct intake *in)
{
	const struct hf_envelope *env = &in->act.envelope;

	for (unsigned i = 0; i < in->c.basis_count; i++) {
		unsigned type = HF_COMMITMENT;
		enum hf_err err;

		for (unsigned j = 0; j < env->lineage_count; j++)
			if (same_id(&env->lineage[j].id, &in->c.bases[i]))
				type = env->lineage[j].type;
		err = case_depend(in->e, &in->c.bases[i], &in->c.id, type);
		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}

enum hf_err lineage_release(struct engine *e, const struct case_record *c)
{
	struct hf_id dependent;
	enum hf_err err;

	err = case_next_dependent(e, &c->id, &dependent, true);
	while (err == HF_OK) {
		err = due_set(e, &dependent, (enum hf_deadline)HF_DUE_RELEASE,
		    0, AT_ONCE);
		if (err == HF_OK)
			err = case_next_dependent(e, &c->id, &dependent, false);
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

/** The first basis that is over, if none is live. */
static enum hf_err find_dead_basis(
    struct engine *e, const struct case_record *c, const struct hf_id **dead)
{
	*dead = NULL;
	for (unsigned i = 0; i < c->basis_count; i++) {
		struct case_record basis;
		enum hf_err err = case_load(e, &c->bases[i], &basis);

		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
		if (!case_is_over(&basis)) {
			*dead = NULL;
			return HF_OK;
		}
		if (*dead == NULL)
			*dead = &c->bases[i];
	}
	return HF_OK;
}

enum hf_err lineage_run(struct engine *e, struct case_record *c)
{
	struct hf_statement s = {.type = HF_ENTRY_RELEASED, .subject = c->id};
	const struct hf_id *dead;
	uint64_t index;
	enum hf_err err;

	if (c->kind != HF_KIND_ORDER || case_is_over(c))
		return HF_OK;
	err = find_dead_basis(e, c, &dead);
	if (err != HF_OK || dead == NULL)
		return err;
	s.detail = bytes_of(dead->b, sizeof(dead->b));
	err = machine_act(e, c, HF_KIND_RELEASE, HF_TRACK_ASKING, NULL);
	if (err == HF_OK)
		err = ledger_add_statement(e, &s, &index);
	return err;
}
