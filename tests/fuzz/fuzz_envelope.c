/* The envelope of an act, and its form for every kind. */
#include "proto/act.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hf_envelope e;
	uint8_t out[HF_ENVELOPE_MAX];
	size_t n = 0;
	enum hf_err err;

	if (hf_envelope_decode(&e, data, size) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	for (unsigned kind = 0; kind < 256; kind++)
		(void)!hf_act_check_shape(kind, &e);
	/* keys of the future are kept as bytes, not read */
	MUST(!e.unknown_critical || fuzz_has_key_from(data, size, HF_E_COUNT),
	    "an unknown key that is not there");
	if (fuzz_has_key_from(data, size, HF_E_COUNT))
		return 0;
	err = hf_envelope_encode(&e, out, sizeof(out), &n);
	fuzz_same(data, size, err, out, n);
	return 0;
}
