/* One value of a field of the catalogue: two bytes of number, the value. */
#include "proto/catalogue.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t number[2];

	fuzz_take(&data, &size, number, sizeof(number));
	if (hf_field_check((unsigned)(number[0] << 8 | number[1]),
		(struct hf_bytes){data, size}) == HF_OK)
		fuzz_msgpack(data, size);
	return 0;
}
