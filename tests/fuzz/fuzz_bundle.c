/* An evidence bundle of a stranger, judged whole, and its pages. */
#include "client/bundle.h"
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tar t = {0};
	struct bundle *b = NULL;
	size_t at = 0;
	char *json, *html;

	fuzz_init();
	if (tar_read(&t, data, size, &at) != HF_OK) {
		tar_release(&t);
		return 0;
	}
	if (bundle_open(&b, &t) == HF_OK) {
		json_t *o;

		bundle_check(b);
		json = bundle_case_json(b);
		html = bundle_html(b);
		MUST(json != NULL && html != NULL, "no memory");
		o = json_loads(json, 0, NULL);
		MUST(o != NULL, "case.json is no JSON");
		json_decref(o);
		free(json);
		free(html);
	}
	bundle_free(b);
	return 0;
}
