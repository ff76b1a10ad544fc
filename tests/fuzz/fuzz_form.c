/* A form: what is taken gives JSON that is taken again as the same bytes. */
#include "client/form.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void again(unsigned field, struct hf_bytes value)
{
	static struct draft d;
	struct form_report report = {0};
	char text[512];
	json_t *v;

	MUST(hf_field_check(field, value) == HF_OK,
	    "a value that its field does not take");
	form_text(text, sizeof(text), field, value, "en");
	v = form_json(field, value);
	MUST(v != NULL, "no JSON of it");
	draft_init(&d, HF_KIND_REQUEST);
	MUST(form_value(&d, field, v, 0, &report) == HF_OK && d.leaf_count == 1,
	    "its own JSON is refused");
	fuzz_same(value.data, value.size, HF_OK, d.leaf[0].value.data,
	    d.leaf[0].value.size);
	json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct draft d;
	struct form_report report = {0};
	json_t *o = json_loadb((const char *)data, size, 0, NULL);
	enum hf_err err;

	fuzz_init();
	if (o == NULL)
		return 0;
	draft_init(&d, HF_KIND_REQUEST);
	err = form_read(&d, o, 0, &report);
	MUST((err == HF_OK) == (report.errors == 0), "report and result");
	MUST(d.leaf_count <= HF_LEAF_MAX, "too many leaves");
	for (unsigned i = 0; err == HF_OK && i < d.leaf_count; i++)
		again(d.leaf[i].field, d.leaf[i].value);
	form_check(&d, false, &report);
	json_decref(o);
	return 0;
}
