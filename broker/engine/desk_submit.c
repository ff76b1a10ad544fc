/*
 * desk_submit: an act comes in.  Its answer carries the receipt, so it waits
 * for the head that covers it; everything else of the decision stands
 * already.
 */
#include "broker/engine/desk.h"

#include <string.h>

enum hf_err desk_submit(struct request *r)
{
	struct intake_result result = {0};
	struct hf_bytes opening = {NULL, 0};
	enum hf_err err;

	if (!r->arg[1].has)
		return HF_MISSING_KEY;
	if (r->arg[2].has) {
		opening = r->arg[2].bytes;
		if (opening.size != HF_SALT_SIZE + HF_ID_SIZE)
			return HF_RANGE;
	}
	err = intake_own(r->e, r->who, r->arg[1].bytes, opening, &result);
	if (err != HF_OK) {
		effect_log(r->e, err, "submit-refused", &result.case_id,
		    &result.id, NULL);
		r->clause = result.clause;
		return err;
	}
	effect_log(r->e, HF_OK, "entered", &result.case_id, &result.id, NULL);
	pack_map(&r->out, 5);
	pack_uint(&r->out, 1);
	pack_bin(&r->out, result.id.b, sizeof(result.id.b));
	pack_uint(&r->out, 2);
	pack_uint(&r->out, result.index);
	pack_uint(&r->out, 4);
	pack_bin(&r->out, result.case_id.b, sizeof(result.case_id.b));
	pack_uint(&r->out, 5);
	pack_uint(&r->out, result.state);
	pack_uint(&r->out, 6);
	pack_uint(&r->out, result.flags);
	r->has_receipt = true;
	r->receipt_index = result.index;
	return HF_OK;
}

/* The same reading as the engine's own, so that what is verified here is
 * what will be entered there. */
enum hf_err desk_preverify(struct hf_bytes frame)
{
	struct request r = {0};
	struct hf_act act;
	enum hf_err err = desk_parse(&r, frame);

	if (err == HF_OK && (r.op != HF_OP_SUBMIT || !r.arg[1].has))
		err = HF_FRAME;
	if (err == HF_OK)
		err = hf_act_decode(
		    &act, r.arg[1].bytes.data, r.arg[1].bytes.size);
	return err == HF_OK ? hf_act_verify(&act) : err;
}
