/* A line of a server's log: a byte of options, the text. */
#include "client/from_log.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct draft d;
	struct log_options options = {0};
	const char *format = NULL;
	char why[200] = "";
	uint8_t bits;

	fuzz_init();
	fuzz_take(&data, &size, &bits, 1);
	options.zone_known = (bits & 1) != 0;
	options.zone_minutes = options.zone_known ? 540 : 0;
	options.year = (bits & 2) != 0 ? 2026 : 0;
	draft_init(&d, HF_KIND_REQUEST);
	if (from_log_text(&d, (const char *)data, size, &options, 0, &format,
		why) != HF_OK) {
		MUST(why[0] != '\0' && memchr(why, 0, sizeof(why)) != NULL,
		    "refused without a word");
		return 0;
	}
	MUST(format != NULL && d.leaf_count > 0, "taken, and nothing of it");
	for (unsigned i = 0; i < d.leaf_count; i++)
		MUST(hf_field_check(d.leaf[i].field, d.leaf[i].value) == HF_OK,
		    "a value that its field does not take");
	return 0;
}
