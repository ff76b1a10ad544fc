/* The signatures of an act. */
#include "proto/act.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hf_signature sigs[HF_SIGNATURE_MAX];
	uint8_t out[HF_SIGS_MAX];
	unsigned count = 0;
	size_t n = 0;
	enum hf_err err;

	if (hf_sigs_decode(sigs, &count, data, size) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	err = hf_sigs_encode(sigs, count, out, sizeof(out), &n);
	fuzz_same(data, size, err, out, n);
	return 0;
}
