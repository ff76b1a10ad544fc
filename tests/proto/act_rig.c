#include "tests/proto/act_rig.h"

#include "proto/crypto.h"
#include "proto/leaf.h"

#include <criterion/criterion.h>
#include <string.h>

static void has(struct hf_envelope *e, enum hf_envelope_key key)
{
	e->present |= ACT_BIT(key);
}

void rig_envelope(struct hf_envelope *e, unsigned track, uint32_t gen)
{
	static const uint8_t policy[] = {1, 2, 4};
	bool asking = track == HF_TRACK_ASKING;

	memset(e, 0, sizeof(*e));
	for (int key = HF_E_SALT; key <= HF_E_RE; key++)
		has(e, (enum hf_envelope_key)key);
	has(e, HF_E_POLICY);
	has(e, HF_E_ROSTER);
	memset(e->salt, 0x5a, sizeof(e->salt));
	memcpy(e->from.s, asking ? "jp.ncp" : "cz.ncp", 7);
	memcpy(e->to.s, asking ? "cz.ncp" : "jp.ncp", 7);
	memset(&e->case_id, 1, sizeof(e->case_id));
	e->track = track;
	e->gen = gen;
	memset(&e->prev, 2, sizeof(e->prev));
	e->seen_gen = 1;
	memset(&e->seen, 3, sizeof(e->seen));
	memset(&e->re, 4, sizeof(e->re));
	e->policy = (struct hf_bytes){policy, sizeof(policy)};
	e->roster = 300;
	if (gen == 1)
		e->present &= ~ACT_BIT(HF_E_PREV);
}

void rig_request(struct act_rig *r)
{
	struct hf_envelope *e = &r->envelope;

	memset(r, 0, sizeof(*r));
	rig_envelope(e, HF_TRACK_ASKING, 1);
	e->present &=
	    ~(ACT_BIT(HF_E_CASE) | ACT_BIT(HF_E_SEEN) | ACT_BIT(HF_E_RE));
	e->seen_gen = 0;
	has(e, HF_E_MEASURE);
	has(e, HF_E_BASIS);
	has(e, HF_E_RULES);
	has(e, HF_E_NOT_AFTER);
	has(e, HF_E_URGENCY);
	has(e, HF_E_CATEGORIES);
	e->measure = HF_PRESERVATION;
	e->basis = HF_BASIS_BUDAPEST;
	e->rules_version = 1;
	memset(&e->rules_profile, 5, sizeof(e->rules_profile));
	e->not_after.ms = UINT64_C(1795345323250);
	e->urgency = HF_URGENT;
	e->categories = HF_TRAFFIC | HF_SUBSCRIBER;
	r->core.suite = 1;
	r->core.kind = HF_KIND_REQUEST;
	r->core.created.ms = UINT64_C(1795258923250);
	memset(&r->core.root, 6, sizeof(r->core.root));
	r->body_size = sizeof(r->body);
	memset(r->body, 7, sizeof(r->body));
	r->signer_count = 1;
	r->core.author = signer_of(1).key;
}

void rig_machine(struct act_rig *r)
{
	static const struct hf_leaves none;

	rig_request(r);
	rig_envelope(&r->envelope, HF_TRACK_ASKED, 2);
	r->envelope.policy.size = 0;
	r->core.kind = HF_KIND_EXPIRE;
	r->core.root = hf_leaves_root(&none);
	r->body_size = 0;
	r->signer_count = 0;
}

static struct hf_bytes sign(
    const struct act_rig *r, struct hf_bytes core, uint8_t *out)
{
	struct hf_signature sigs[HF_SIGNATURE_MAX];
	struct hf_hash digest = hf_core_digest(core);
	struct hf_hash message = hf_act_to_sign(&digest);
	size_t size;

	for (unsigned i = 0; i < r->signer_count; i++) {
		struct signer s = signer_of((uint8_t)(i + 1));

		sigs[i].key = s.key;
		crypto_sign_detached(sigs[i].sig.b, NULL, message.b,
		    sizeof(message.b), s.secret);
	}
	cr_assert_eq(
	    hf_sigs_encode(sigs, r->signer_count, out, HF_SIGS_MAX, &size),
	    HF_OK);
	return (struct hf_bytes){out, size};
}

void rig_build(struct act_rig *r)
{
	uint8_t envelope[HF_ENVELOPE_MAX], core[HF_CORE_MAX], sigs[HF_SIGS_MAX];
	size_t envelope_size, core_size;
	struct hf_bytes core_bytes;
	enum hf_err err;

	err = hf_envelope_encode(
	    &r->envelope, envelope, sizeof(envelope), &envelope_size);
	cr_assert_eq(err, HF_OK, "envelope: %s", hf_err_text(err));
	r->core.envelope = hf_hash(HF_TAG_ENVELOPE, envelope, envelope_size);
	r->core.body = hf_hash(HF_TAG_BODY, r->body, r->body_size);
	err = hf_core_encode(&r->core, core, sizeof(core), &core_size);
	cr_assert_eq(err, HF_OK, "core: %s", hf_err_text(err));
	core_bytes = (struct hf_bytes){core, core_size};
	err = hf_act_encode(core_bytes,
	    (struct hf_bytes){envelope, envelope_size},
	    sign(r, core_bytes, sigs), (struct hf_bytes){r->body, r->body_size},
	    r->frame, sizeof(r->frame), &r->size);
	cr_assert_eq(err, HF_OK, "act: %s", hf_err_text(err));
}
