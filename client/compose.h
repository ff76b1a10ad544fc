/*
 * compose: from what an officer wants to a signed act (SPEC 3), and its way
 * into the broker: signed, synced to the outbox, sent, receipted.
 */
#ifndef HF_CLIENT_COMPOSE_H
#define HF_CLIENT_COMPOSE_H

#include "client/link.h"
#include "proto/act.h"
#include "proto/leaf.h"
#include "proto/ledger.h"

/** Leaves under construction: values copied into a fixed arena. */
struct draft {
	unsigned kind;
	struct hf_envelope
	    envelope; /* set what SPEC 4.2 asks for; from, to,
	 case, track, gen, prev, seen*, roster, salt are filled */
	unsigned leaf_count;
	struct {
		unsigned field;
		uint8_t policy;        /* enum hf_policy bits */
		struct hf_bytes value; /* into arena */
	} leaf[HF_LEAF_MAX];
	size_t used;
	uint8_t arena[HF_BODY_MAX];
	uint8_t lineage_opening[48]; /* salt16 id32 of a masked order */
	bool has_lineage_opening;
};
void draft_init(struct draft *d, unsigned kind);
/** Add one canonical value.  Errors: HF_TOO_MANY, HF_TOO_BIG, and those of
 * hf_field_check */
HF_MUST_USE enum hf_err draft_add(
    struct draft *d, unsigned field, struct hf_bytes value, uint8_t policy);
HF_MUST_USE enum hf_err draft_text(struct draft *d, unsigned field,
    const char *text, const char *language, uint8_t policy);
HF_MUST_USE enum hf_err draft_uint(
    struct draft *d, unsigned field, uint64_t v, uint8_t policy);
/** A cite of another act (canonical disclosure, proto/leaf.h); also adds
 * the envelope's cites row. */
HF_MUST_USE enum hf_err draft_cite(struct draft *d, const struct hf_id *act,
    struct hf_bytes disclosure, const uint8_t *indexes, unsigned count,
    uint8_t policy);

struct signed_act {
	uint8_t frame[HF_ACT_MAX];
	size_t size;
	struct hf_id id;
	struct hf_id case_id;
	char ref[HF_REF_MAX]; /* of the case that an opening act opens */
	size_t wire_body_size;
};

/** Sort leaves, seal to both desks, sign. `now` from the system clock. */
HF_MUST_USE enum hf_err compose(struct signed_act *out, struct home *h,
    struct draft *d, struct instant now);

/**
 * Approve: add a co-signature to an act that is signed and not yet sent.
 * The act enters only with as many as the country document asks for.
 * Errors: those of hf_act_decode and hf_act_verify, HF_TOO_MANY (four),
 *         HF_SIGNATURE (this officer has signed already), of the signer
 */
HF_MUST_USE enum hf_err compose_approve(
    struct signed_act *act, struct signer *approver);

struct submitted {
	struct hf_id id, case_id;
	uint64_t index;
	uint8_t receipt[HF_RECEIPT_MAX];
	size_t receipt_size;
	unsigned state; /* enum hf_state */
	unsigned flags; /* enum hf_submit_flag */
	char ref[HF_REF_MAX];
};
/**
 * Outbox, send, check the receipt, remove from the outbox.  HF_REF_TAKEN:
 * the caller composes again (fresh salts).  HF_TIMEOUT leaves the act in
 * the outbox; outbox_resume sends it again.
 */
HF_MUST_USE enum hf_err submit(struct submitted *out, struct home *h,
    struct link *l, const struct signed_act *act, const struct draft *d);
/** Send everything left in the outbox; *count of acts entered. */
HF_MUST_USE enum hf_err outbox_resume(
    struct home *h, struct link *l, unsigned *count);

#endif
