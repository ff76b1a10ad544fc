/* Any canonical value: taken whole, in parts and by msgpack-c alike. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire w;
	struct hf_bytes whole;

	wire_init(&w, data, size);
	whole = wire_skip(&w);
	if (wire_finish(&w) != HF_OK)
		return 0;
	MUST(whole.data == data && whole.size == size, "not the whole frame");
	fuzz_msgpack(data, size);
	return 0;
}
