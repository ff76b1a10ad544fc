/*
 * Words that people read of a case.
 */
#include "client/show.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
	enum hf_state state;
	unsigned result;
	bool erased;
	const char *language, *words;
} rows[] = {
    {HF_STATE_UNACKNOWLEDGED, 0, false, NULL, "unacknowledged"},
    {HF_STATE_UNACKNOWLEDGED, HF_RESULT_NEVER_HELD, false, NULL, "never-held"},
    {HF_STATE_ACKNOWLEDGED, HF_RESULT_NEVER_HELD, false, "en", "Never held"},
    {HF_STATE_LAPSED, HF_RESULT_NEVER_HELD, false, NULL, "never-held"},
    {HF_STATE_ACKNOWLEDGED, HF_RESULT_NEEDS_CLARIFICATION, false, NULL,
	"acknowledged, reported needs-clarification"},
    /* accepted is never shown as preserved, nor what was not accepted */
    {HF_STATE_ACCEPTED, 0, false, NULL, "accepted"},
    {HF_STATE_ACCEPTED, HF_RESULT_NEVER_HELD, false, NULL,
	"accepted, reported never-held"},
    {HF_STATE_ACKNOWLEDGED, HF_RESULT_PRESERVED, false, NULL,
	"acknowledged, reported preserved"},
    {HF_STATE_PRESERVED, HF_RESULT_PRESERVED, false, NULL, "preserved"},
    {HF_STATE_PARTLY_PRESERVED, HF_RESULT_PARTLY, false, NULL,
	"partly-preserved"},
    {HF_STATE_EXPIRED, HF_RESULT_PRESERVED, true, "en",
	"Expired, reported Preserved, erased"},
    {HF_STATE_EXPIRED, 0, true, NULL, "expired, erased"},
};

Test(show, tells_the_state_and_what_was_reported)
{
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char words[STATE_TEXT];

		state_words(words, sizeof(words), rows[i].state, rows[i].result,
		    rows[i].erased, rows[i].language);
		cr_expect_str_eq(words, rows[i].words, "row %u", i);
	}
}

Test(show, tells_since_when_it_is_erased)
{
	char words[64];

	erased_words(words, sizeof(words), (struct instant){0});
	cr_expect_str_eq(words, "erased");
	erased_words(words, sizeof(words), (struct instant){86400999});
	cr_expect_str_eq(words, "erased since 1970-01-02T00:00:00Z");
}

/* A hop whose content is gone leads nowhere that anybody knows. */
Test(show, a_hop_that_is_erased_names_no_country)
{
	struct view_act act = {.open_err = HF_ERASED};
	struct view v = {.count = {0, 1}, .acts = {NULL, &act}};
	struct hop hop;
	json_t *o = json_object();

	act.act.core.kind = HF_KIND_HOP;
	cr_assert_eq(hops_of(&v, &hop, 1), 1);
	cr_expect_eq(hop.closed, HF_ERASED);
	cr_expect_str_eq(hop.next_country, "");
	hop_read_json(o, &hop);
	cr_expect(json_is_true(json_object_get(o, "erased")));
	cr_expect(json_is_null(json_object_get(o, "next_country")));
	cr_expect(json_is_null(json_object_get(o, "withheld")));
	hops_free(&hop, 1);
	/* one that was read and names none leads to a country unknown */
	act.opened = true;
	cr_assert_eq(hops_of(&v, &hop, 1), 1);
	cr_expect_str_eq(hop.next_country, "ZZ");
	hops_free(&hop, 1);
	json_decref(o);
}
