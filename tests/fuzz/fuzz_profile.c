/* A profile of rules. */
#include "proto/profile.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[HF_PROFILE_MAX];
	struct hf_profile p;
	size_t n = 0;
	enum hf_err err;

	fuzz_init();
	if (hf_profile_decode(&p, data, size) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	err = hf_profile_encode(&p, out, sizeof(out), &n);
	fuzz_same(data, size, err, out, n);
	return 0;
}
