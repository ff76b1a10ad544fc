/* A plain leaf list, and every leaf's value against the catalogue. */
#include "proto/catalogue.h"
#include "proto/leaf.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hf_leaves l;
	static uint8_t out[HF_BODY_MAX];
	size_t n = 0;
	enum hf_err err;

	fuzz_init();
	if (hf_leaves_decode(&l, data, size) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	for (unsigned i = 0; i < l.count; i++) {
		MUST(hf_field_check(l.leaf[i].field, l.leaf[i].value) == HF_OK,
		    "a value that its field does not take");
		fuzz_msgpack(l.leaf[i].value.data, l.leaf[i].value.size);
	}
	(void)hf_leaves_root(&l);
	err = hf_leaves_encode(&l, out, sizeof(out), &n);
	fuzz_same(data, size, err, out, n);
	return 0;
}
