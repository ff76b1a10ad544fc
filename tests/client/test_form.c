#include "client/form.h"
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static bool names(const struct form_report *r, const char *field)
{
	for (unsigned i = 0; i < r->count; i++)
		if (strcmp(r->problem[i].field, field) == 0 &&
		    !r->problem[i].warning)
			return true;
	return false;
}

/* A good value of each type, read and shown again, is the same. */
Test(form, gives_back_what_it_read)
{
	static const char *const forms[] = {
	    "{\"facts\":\"text\"}",
	    "{\"facts\":{\"lang\":\"ja\",\"text\":\"\\u4fdd\\u5168\"}}",
	    "{\"user_id\":[\"a\",\"b\"]}",
	    "{\"source_ip\":[\"192.0.2.1\",\"2001:db8::1\"]}",
	    "{\"source_port\":[0,65535]}",
	    "{\"clock_offset\":-5}",
	    "{\"clock_error\":\"unknown\"}",
	    "{\"clock_error\":250}",
	    "{\"generally_available\":true}",
	    "{\"direction\":\"origin\"}",
	    "{\"next_country\":\"DE\"}",
	    "{\"event_time\":[\"2026-11-21T11:02:03.250+09:00\"]}",
	    ("{\"window\":{\"from\":\"2026-11-21T11:00:00-03:30\","
	     "\"until\":\"2026-11-21T11:10:00-03:30\"}}"),
	};
	struct draft *d = malloc(sizeof(*d));

	cr_assert_eq(hf_crypto_init(), HF_OK);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct form_report report = {0};
		struct hf_leaf leaf[HF_LEAF_MAX];
		json_t *o = json_loads(forms[i], 0, NULL), *back;

		draft_init(d, HF_KIND_REQUEST);
		cr_assert_eq(form_read(d, o, 0, &report), HF_OK, "%s: %s",
		    forms[i], report.problem[0].what);
		for (unsigned k = 0; k < d->leaf_count; k++) {
			leaf[k].field = d->leaf[k].field;
			leaf[k].value = d->leaf[k].value;
		}
		back = form_leaves_json(leaf, d->leaf_count);
		cr_expect(json_equal(o, back), "%s", forms[i]);
		json_decref(o);
		json_decref(back);
	}
	free(d);
}

Test(form, names_every_bad_field_at_once)
{
	static const char text[] =
	    "{\"facts\":5,\"source_ip\":[\"300.1.1.1\"],\"source_port\":[-1],"
	    "\"window\":{\"from\":\"2026-11-21T11:00:00\",\"until\":"
	    "\"2026-11-21T11:10:00Z\"},\"direction\":\"sideways\","
	    "\"next_country\":\"Germany\",\"event_time\":\"2026-02-30T00:00:"
	    "00Z\","
	    "\"no_such\":1,\"generally_available\":\"yes\","
	    "\"clock_error\":\"about a second\",\"offence\":[\"a\",\"b\"]}";
	static const char *const fields[] = {"facts", "source_ip",
	    "source_port", "window", "direction", "next_country", "event_time",
	    "no_such", "generally_available", "clock_error", "offence"};
	struct form_report report = {0};
	struct draft *d = malloc(sizeof(*d));
	json_t *o = json_loads(text, 0, NULL);

	cr_assert_eq(hf_crypto_init(), HF_OK);
	draft_init(d, HF_KIND_REQUEST);
	cr_expect_eq(form_read(d, o, 0, &report), HF_FORM);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		cr_expect(names(&report, fields[i]), "%s", fields[i]);
	cr_expect_eq(report.errors, sizeof(fields) / sizeof(*fields));
	json_decref(o);
	free(d);
}

/* It would be shown as another form than the one that is read. */
Test(form, takes_no_control_characters_in_identifiers)
{
	struct form_report report = {0};
	struct draft *d = malloc(sizeof(*d));
	json_t *o = json_loads("{\"user_id\":[\"a\x7f\"]}", 0, NULL);

	cr_assert_eq(hf_crypto_init(), HF_OK);
	draft_init(d, HF_KIND_REQUEST);
	cr_assert_eq(form_read(d, o, 0, &report), HF_FORM);
	cr_expect(names(&report, "user_id"));
	json_decref(o);
	free(d);
}

Test(form, wants_what_article_29_2_wants)
{
	static const char *const mandatory[] = {"authority", "offence", "facts",
	    "relation", "necessity", "mla_intent", "window", "categories"};
	struct form_report report = {0}, later = {0};
	struct draft *d = malloc(sizeof(*d));

	cr_assert_eq(hf_crypto_init(), HF_OK);
	draft_init(d, HF_KIND_REQUEST);
	d->envelope.measure = HF_PRESERVATION;
	form_check(d, false, &report);
	for (size_t i = 0; i < sizeof(mandatory) / sizeof(*mandatory); i++)
		cr_expect(names(&report, mandatory[i]), "%s", mandatory[i]);
	cr_expect_eq(report.errors, 8);
	form_check(d, true, &later);
	cr_expect_eq(later.errors, 0, "--incomplete only warns");
	cr_expect_geq(later.count, 8);
	d->envelope.measure = HF_CONSULT;
	memset(&report, 0, sizeof(report));
	form_check(d, false, &report);
	cr_expect_eq(report.errors, 1, "a question needs its facts only");
	free(d);
}
