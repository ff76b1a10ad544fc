/* A leaf of the ledger. */
#include "proto/ledger.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[HF_LEDGER_LEAF_MAX];
	struct hf_ledger_leaf l;
	size_t n = 0;
	enum hf_err err;

	if (hf_ledger_leaf_decode(&l, data, size) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	err = hf_ledger_leaf_encode(&l, out, sizeof(out), &n);
	fuzz_same(data, size, err, out, n);
	return 0;
}
