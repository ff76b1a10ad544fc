/* A sealed body: its form, and opening what nobody sealed. */
#include "proto/seal.h"
#include "tests/fuzz/fuzz.h"

/* As hf_body_seal writes what it has sealed. */
static void again(const struct hf_body *b, const uint8_t *data, size_t size)
{
	static uint8_t out[HF_BODY_MAX];
	struct pack p;
	size_t n = 0;
	enum hf_err err;

	pack_init(&p, out, sizeof(out));
	pack_array(&p, 3);
	pack_array(&p, b->recipient_count);
	for (unsigned i = 0; i < b->recipient_count; i++) {
		const struct hf_recipient *r = &b->recipients[i];

		pack_array(&p, 3);
		pack_text(&p, r->desk.s);
		pack_uint(&p, r->epoch);
		pack_bin(&p, r->sealed, sizeof(r->sealed));
	}
	pack_bin(&p, b->nonce, HF_NONCE_SIZE);
	pack_bin(&p, b->box.data, b->box.size);
	err = pack_finish(&p, &n);
	fuzz_same(data, size, err, out, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t plain[HF_BODY_MAX];
	const uint8_t key[HF_KEY_SIZE] = {1};
	struct hf_key author = {{2}};
	struct hf_hash envelope = {{3}};
	struct hf_body b;
	size_t n = 0;

	fuzz_init();
	if (hf_body_decode(&b, data, size) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	again(&b, data, size);
	MUST(hf_body_open(&b, key, &author, &envelope, plain, &n) != HF_OK,
	    "opened without its key");
	return 0;
}
