/* The core of an act. */
#include "proto/act.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[HF_CORE_MAX];
	struct hf_core core;
	size_t n = 0;
	enum hf_err err;

	if (hf_core_decode(&core, data, size) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	err = hf_core_encode(&core, out, sizeof(out), &n);
	fuzz_same(data, size, err, out, n);
	return 0;
}
