/* The proof of a fork: 32 bytes of the log's key, the proof. */
#include "proto/cosign.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[HF_FORK_MAX];
	struct hf_bytes a = {0}, b = {0};
	struct hf_key log;
	struct wire w;
	uint64_t entries;
	size_t n = 0;
	enum hf_err err;

	fuzz_init();
	fuzz_take(&data, &size, log.b, sizeof(log.b));
	if (hf_fork_check(data, size, "holdfast/JP/1", &log, &entries) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	/* its two notes make the same proof, in any order */
	wire_init(&w, data, size);
	wire_map(&w, 3);
	for (unsigned key = 1; wire_key(&w) >= 0; key++) {
		if (key == 2)
			a = wire_str(&w, 1, HF_NOTE_MAX);
		else if (key == 3)
			b = wire_str(&w, 1, HF_NOTE_MAX);
		else
			wire_skip(&w);
	}
	MUST(w.err == HF_OK, "not two notes");
	err = hf_fork_encode("holdfast/JP/1", &log, b, a, out, &n);
	fuzz_same(data, size, err, out, n);
	return 0;
}
