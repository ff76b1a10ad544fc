/* An evidence bundle of a stranger, judged whole, and its pages. */
#include "client/bundle.h"
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <stdlib.h>

/* Of mutants, of one in eight: the check has written them once already.  An
 * input that failed is repeated alone, and then counts as no mutant. */
static bool pages_too(const uint8_t *data, size_t size)
{
	unsigned sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += data[i];
	return !fuzz_mutants() || sum % 8 == 0;
}

static void pages(const struct bundle *b)
{
	char *json = bundle_case_json(b), *html = bundle_html(b);
	json_t *o;

	MUST(json != NULL && html != NULL, "no memory");
	o = json_loads(json, 0, NULL);
	MUST(o != NULL, "case.json is no JSON");
	json_decref(o);
	free(json);
	free(html);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tar t = {0};
	struct bundle *b = NULL;
	size_t at = 0;

	fuzz_init();
	if (tar_read(&t, data, size, &at) != HF_OK) {
		tar_release(&t);
		return 0;
	}
	if (bundle_open(&b, &t) == HF_OK) {
		bundle_check(b);
		if (pages_too(data, size))
			pages(b);
	}
	bundle_free(b);
	return 0;
}
