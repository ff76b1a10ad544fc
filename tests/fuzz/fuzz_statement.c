/* The payload of a ledgered statement. */
#include "proto/ledger.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[HF_PAYLOAD_MAX];
	struct hf_statement s;
	size_t n = 0;
	enum hf_err err;

	if (hf_statement_decode(&s, data, size) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	err = hf_statement_encode(&s, out, sizeof(out), &n);
	fuzz_same(data, size, err, out, n);
	return 0;
}
