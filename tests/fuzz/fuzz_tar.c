/* A tar file: one set of members has one byte string. */
#include "client/tar.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tar t = {0};
	uint8_t *out = NULL;
	size_t at = 0, n = 0;
	enum hf_err err = tar_read(&t, data, size, &at);

	if (err == HF_OK) {
		err = tar_write(&t, &out, &n);
		fuzz_same(data, size, err, out, n);
		for (unsigned i = 0; i < t.count; i++)
			MUST(tar_name_ok(t.members[i]->name), "a bad name");
		free(out);
	} else {
		MUST(at <= size, "refused at a byte past the end");
	}
	tar_release(&t);
	return 0;
}
