/* An act: what is taken is the canonical bytes of its four parts. */
#include "proto/act.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* The parts as decoded, written again; the envelope as it came, because
 * optional keys of the future are kept and not read. */
static void again(const struct hf_act *a)
{
	static uint8_t out[HF_ACT_MAX];
	uint8_t core[HF_CORE_MAX], sigs[HF_SIGS_MAX];
	size_t core_size = 0, sigs_size = 0, size = 0;
	enum hf_err err =
	    hf_core_encode(&a->core, core, sizeof(core), &core_size);

	fuzz_same(a->core_bytes.data, a->core_bytes.size, err, core, core_size);
	err = hf_sigs_encode(
	    a->signatures, a->signature_count, sigs, sizeof(sigs), &sigs_size);
	fuzz_same(a->sigs_bytes.data, a->sigs_bytes.size, err, sigs, sigs_size);
	err = hf_act_encode((struct hf_bytes){core, core_size},
	    a->envelope_bytes, (struct hf_bytes){sigs, sigs_size},
	    a->body_bytes, out, sizeof(out), &size);
	fuzz_same(a->frame.data, a->frame.size, err, out, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hf_act a;
	struct hf_hash digest;
	struct hf_id id;

	fuzz_init();
	if (hf_act_decode(&a, data, size) != HF_OK)
		return 0;
	MUST(size <= HF_ACT_MAX, "longer than an act may be");
	fuzz_msgpack(data, size);
	fuzz_msgpack(a.core_bytes.data, a.core_bytes.size);
	fuzz_msgpack(a.envelope_bytes.data, a.envelope_bytes.size);
	fuzz_msgpack(a.sigs_bytes.data, a.sigs_bytes.size);
	again(&a);
	digest = hf_core_digest(a.core_bytes);
	id = hf_act_id(a.core.created, &digest);
	MUST(memcmp(&id, &a.id, sizeof(id)) == 0, "another id");
	(void)!hf_act_verify(&a);
	return 0;
}
