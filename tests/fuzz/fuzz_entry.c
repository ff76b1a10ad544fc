/* An entry of a country document: a byte (1: domestic), the entry. */
#include "keys/country.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct country_entry e;
	uint8_t out[HF_ENTRY_MAX], domestic;
	struct wire w;
	struct hf_bytes salt;
	size_t n = 0;
	enum hf_err err;

	fuzz_init();
	fuzz_take(&data, &size, &domestic, 1);
	if (country_entry_decode(&e, data, size, domestic == 1) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	wire_init(&w, data, size);
	wire_array(&w, 3, 3);
	salt = wire_bin(&w, HF_SALT_SIZE, HF_SALT_SIZE);
	err = country_entry_encode(&e, salt.data, out, sizeof(out), &n);
	fuzz_same(data, size, err, out, n);
	return 0;
}
