/* A disclosure: what is taken has its root and its signatures verified. */
#include "proto/act.h"
#include "proto/leaf.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hf_cite c;
	uint8_t out[HF_CORE_MAX];
	size_t n = 0;
	enum hf_err err;

	fuzz_init();
	if (hf_cite_decode(&c, data, size) != HF_OK)
		return 0;
	MUST(size <= HF_CITE_MAX, "longer than a disclosure may be");
	fuzz_msgpack(data, size);
	MUST(c.count <= HF_LEAF_MAX && c.shown_count <= c.count,
	    "more leaves than there are");
	for (unsigned i = 0; i < c.shown_count; i++)
		MUST(c.index[i] < c.count &&
			 (i == 0 || c.index[i - 1] < c.index[i]),
		    "indexes do not ascend");
	err = hf_core_encode(&c.core, out, sizeof(out), &n);
	fuzz_same(c.core_bytes.data, c.core_bytes.size, err, out, n);
	return 0;
}
