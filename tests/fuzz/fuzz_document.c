/* A country document: 32 bytes of the pinned root, the document.  A copy for
 * abroad of what is taken is taken too, and is its own copy for abroad. */
#include "keys/country.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct country_doc *d = NULL, *abroad = NULL;
	uint8_t *copy = NULL, *again = NULL;
	size_t copy_size = 0, again_size = 0;
	struct hf_key root;
	unsigned clause = 0;
	enum hf_err err;

	fuzz_init();
	fuzz_take(&data, &size, root.b, sizeof(root.b));
	if (country_doc_open(&d, data, size, &root, &clause) != HF_OK)
		return 0;
	MUST(d->size == size && memcmp(d->bytes, data, size) == 0,
	    "other bytes are kept");
	MUST(country_doc_strip(d, &copy, &copy_size) == HF_OK, "no copy");
	MUST(
	    country_doc_open(&abroad, copy, copy_size, &root, &clause) == HF_OK,
	    "its copy for abroad is refused");
	MUST(!abroad->has_domestic, "domestic entries go abroad");
	err = country_doc_strip(abroad, &again, &again_size);
	fuzz_same(copy, copy_size, err, again, again_size);
	free(copy);
	free(again);
	country_doc_free(abroad);
	country_doc_free(d);
	return 0;
}
