/* A case's row in the store.  Its reader and writer are nobody else's, so
 * the file is taken in whole, under other names. */
#define case_save fuzz_case_save
#define case_load fuzz_case_load
#include "broker/engine/case_record.c"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct case_record c = {0};
	uint8_t out[RECORD_MAX];
	struct pack p;
	struct wire w;
	size_t n = 0;
	enum hf_err err;

	wire_init(&w, data, size);
	read_record(&w, &c);
	if (wire_finish(&w) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	pack_init(&p, out, sizeof(out));
	write_record(&p, &c);
	err = pack_finish(&p, &n);
	fuzz_same(data, size, err, out, n);
	return 0;
}
