/*
 * What an officer's program makes of a broker's answers: rows, cases with
 * their acts, documents.  A byte says what is asked; then come the answers,
 * each with its length in two bytes; after the last one the broker is gone.
 */
#include "client/fetch.h"
#include "client/show.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/home.h"

#include <stdlib.h>
#include <string.h>

static void read_rows(struct link *l, enum hf_op op)
{
	static const struct hf_id id = {{1}};
	struct summary *rows = NULL;
	unsigned count = 0;

	if (summaries(l, op, &id, true, &rows, &count) == HF_OK)
		for (unsigned i = 0; i < count; i++) {
			json_t *o = summary_json(&rows[i]);

			MUST(o != NULL, "no memory");
			json_decref(o);
		}
	free(rows);
}

static void read_case(struct home *h, struct link *l)
{
	static const char id[] = "0000000000000000000000000000000000000000"
				 "000000000000000000000000";
	static struct hop hops[HOPS_MAX];
	struct view *v = NULL;
	json_t *o;
	unsigned count;

	if (view_open(&v, h, l, id) != HF_OK) {
		MUST(v == NULL, "refused and given");
		return;
	}
	for (unsigned t = 0; t < HF_TRACK_COUNT; t++)
		for (unsigned i = 0; i < v->count[t]; i++) {
			const struct view_act *a = &v->acts[t][i];

			MUST(a->trust != TRUST_OK || a->receipt_size > 0,
			    "trusted without a receipt");
			MUST(a->opened || a->leaves.count == 0,
			    "closed, and yet it has leaves");
		}
	count = hops_of(v, hops, HOPS_MAX);
	MUST(count <= HOPS_MAX, "more hops than there is room");
	hops_free(hops, count);
	o = case_json(v, h, NULL);
	MUST(o != NULL, "no memory");
	json_decref(o);
	view_free(v);
}

static enum hf_err row(void *ctx, struct wire *w)
{
	(void)ctx;
	wire_skip(w);
	return w->err;
}

static void read_document(struct home *h, struct link *l)
{
	uint8_t *document = NULL;
	size_t size = 0;

	if (roster_fetch(l, h->country, 0, &document, &size) == HF_OK)
		MUST(size <= HF_DOC_MAX, "a document longer than any");
	free(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct home *h = rig_home();
	struct page page = {.by_id = false};
	struct case_names names = {.count = 0};
	struct hf_id id = {{1}};
	struct link *l = NULL; /* fuzz_answers stands in its place */
	uint8_t what;

	fuzz_take(&data, &size, &what, 1);
	fuzz_answers(data, size);
	switch (what % 8) {
	case 0:
		read_rows(l, HF_OP_CASES);
		break;
	case 1:
		read_rows(l, HF_OP_ORDERS);
		break;
	case 2:
		read_document(h, l);
		break;
	case 3:
		(void)!roster_refresh(h, l);
		break;
	case 4:
		page.by_id = size % 2 == 1;
		do
			if (page_call(l, HF_OP_STATES, &page, row, NULL) !=
			    HF_OK)
				break;
		while (page.more);
		break;
	case 5:
		(void)case_name(&names, l, &id);
		break;
	default:
		read_case(h, l);
	}
	return 0;
}
