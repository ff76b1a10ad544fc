/*
 * The catalogue is whole, in two languages, and equal to its vector.
 * `HF_WRITE_VECTORS=1 build/test-proto --filter catalogue/equals*` writes it.
 */
#include "proto/act.h"
#include "proto/catalogue.h"
#include "proto/crypto.h"
#include "proto/life.h"
#include "proto/pack.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {"TEXT", "ID", "IP", "UINT", "INT",
    "BOOL", "CODE", "TIME", "WINDOW", "COUNTRY", "CLOCK", "BIN"};

static json_t *as_json(void)
{
	json_t *fields = json_array(), *codes = json_array();
	const struct hf_field_info *f;
	const struct hf_code_info *c;

	for (unsigned i = 0; (f = hf_field_at(i)) != NULL; i++)
		json_array_append_new(fields,
		    json_pack("{s:i, s:s, s:s, s:s, s:b, s:s, s:s}", "number",
			(int)f->number, "name", f->name, "type",
			type_names[f->type], "codes",
			hf_codes_name((enum hf_codes)f->codes), "repeats",
			(int)f->repeats, "en", f->en, "ja", f->ja));
	for (unsigned i = 0; (c = hf_code_at(i)) != NULL; i++)
		json_array_append_new(
		    codes, json_pack("{s:s, s:i, s:s, s:s, s:s}", "list",
			       hf_codes_name(c->list), "code", (int)c->code,
			       "name", c->name, "en", c->en, "ja", c->ja));
	return json_pack("{s:o, s:o}", "fields", fields, "codes", codes);
}

Test(catalogue, equals_its_vector)
{
	json_t *ours = as_json(), *vector;

	if (getenv("HF_WRITE_VECTORS") != NULL)
		json_dump_file(ours, "proto/vectors/catalogue.json",
		    JSON_INDENT(1) | JSON_SORT_KEYS);
	vector = vectors_load("catalogue.json");
	cr_expect(json_equal(ours, vector), "catalogue.json is out of date");
	json_decref(ours);
	json_decref(vector);
}

static bool is_japanese(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0xe3)
			return true;
	return false;
}

Test(catalogue, every_field_and_code_has_two_labels_and_is_found)
{
	const struct hf_field_info *f;
	const struct hf_code_info *c;
	unsigned last = 0, latin = 0;

	for (unsigned i = 0; (f = hf_field_at(i)) != NULL; i++) {
		cr_expect_gt(f->number, last, "ascending, once");
		last = f->number;
		cr_expect(
		    f->en[0] != '\0' && is_japanese(f->ja), "%s", f->name);
		cr_expect_eq(hf_field_info(f->number), f);
		cr_expect_eq(hf_field_by_name(f->name), f);
		cr_expect_eq(f->type == HF_T_CODE, f->codes != HF_CODES_NONE,
		    "%s", f->name);
	}
	for (unsigned i = 0; (c = hf_code_at(i)) != NULL; i++) {
		cr_expect_gt(strlen(c->en), 0);
		latin += !is_japanese(c->ja);
		cr_expect_eq(hf_code_info(c->list, c->code), c, "%s", c->name);
		cr_expect_eq(hf_code_by_name(c->list, c->name), c);
		cr_expect_str_eq(hf_code_name(c->list, c->code), c->name);
	}
	cr_expect_eq(latin, 3, "only TCP, UDP and ICMP are the same in both");
	cr_expect_null(hf_field_info(9999));
	cr_expect_null(hf_field_by_name("no_such"));
	cr_expect_null(hf_code_by_name(HF_CODES_REASON, NULL));
	cr_expect_str_eq(hf_code_name(HF_CODES_REASON, 999), "?");
	cr_expect_str_eq(hf_codes_name(HF_CODES_COUNT), "none");
}

/* The lists that mirror enumerations of the code. */
Test(catalogue, names_every_kind_and_state)
{
	const struct hf_kind_info *k;

	for (unsigned i = 0; (k = hf_kind_at(i)) != NULL; i++)
		cr_expect_str_eq(hf_code_name(HF_CODES_KIND, k->kind), k->name);
	for (unsigned s = HF_STATE_UNACKNOWLEDGED; s <= HF_STATE_NOT_SUPPORTED;
	     s++)
		cr_expect_not_null(hf_code_info(HF_CODES_STATE, s), "%u", s);
}

struct value {
	unsigned field;
	const char *hex;
	enum hf_err err;
};

Test(catalogue, values_fit_their_type_or_are_refused)
{
	static const struct value values[] = {
	    {HF_F_FACTS, "92a2656ea178", HF_OK},
	    {HF_F_FACTS, "92a165a178", HF_RANGE},
	    {HF_F_FACTS, "92a2656ea0", HF_RANGE},
	    {HF_F_FACTS, "a178", HF_TYPE},
	    {HF_F_USER_ID, "c40161", HF_OK},
	    {HF_F_USER_ID, "c400", HF_RANGE},
	    {HF_F_USER_ID, "a161", HF_TYPE},
	    {HF_F_SOURCE_IP, "c404c0000201", HF_OK},
	    {HF_F_SOURCE_IP, "c405c000020101", HF_RANGE},
	    {HF_F_SOURCE_PORT, "cdc3cb", HF_OK},
	    {HF_F_SOURCE_PORT, "ff", HF_TYPE},
	    {HF_F_SOURCE_PORT, "cc05", HF_NOT_SHORTEST},
	    {HF_F_CLOCK_OFFSET, "ff", HF_OK},
	    {HF_F_CLOCK_OFFSET, "05", HF_OK},
	    {HF_F_CLOCK_ERROR, "c0", HF_OK},
	    {HF_F_CLOCK_ERROR, "cd0100", HF_OK},
	    {HF_F_CLOCK_ERROR, "c3", HF_TYPE},
	    {HF_F_GENERALLY_AVAILABLE, "c3", HF_OK},
	    {HF_F_GENERALLY_AVAILABLE, "01", HF_TYPE},
	    {HF_F_DIRECTION, "01", HF_OK},
	    {HF_F_DIRECTION, "63", HF_RANGE},
	    {HF_F_EVENT_TIME, "9201cd021c", HF_OK},
	    {HF_F_EVENT_TIME, "9201cd0349", HF_RANGE},
	    {HF_F_WINDOW, "93010200", HF_OK},
	    {HF_F_WINDOW, "93020100", HF_RANGE},
	    {HF_F_WINDOW, "920102", HF_RANGE},
	    {HF_F_NEXT_COUNTRY, "a24a50", HF_OK},
	    {HF_F_NEXT_COUNTRY, "a26a70", HF_RANGE},
	    {HF_F_MATTER, "c400", HF_OK},
	    {HF_F_MATTER, "c40000", HF_TRAILING},
	    {HF_FIELD_OPTIONAL + 5, "93010203", HF_OK},
	    {900, "01", HF_UNKNOWN_KEY},
	};

	cr_assert_eq(hf_crypto_init(), HF_OK);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		uint8_t bytes[64];
		size_t size = strlen(values[i].hex) / 2;

		cr_assert_eq(
		    hf_hex_read(bytes, size, values[i].hex, 2 * size), HF_OK);
		cr_expect_eq(hf_field_check(values[i].field,
				 (struct hf_bytes){bytes, size}),
		    values[i].err, "field %u %s", values[i].field,
		    values[i].hex);
	}
}

Test(catalogue, mandatory_fields_are_those_of_article_29_2)
{
	static const unsigned must[] = {HF_F_AUTHORITY, HF_F_OFFENCE,
	    HF_F_FACTS, HF_F_RELATION, HF_F_NECESSITY, HF_F_MLA_INTENT,
	    HF_F_WINDOW};
	const struct hf_field_info *f;
	unsigned count = 0;

	for (unsigned i = 0; (f = hf_field_at(i)) != NULL; i++)
		count += hf_field_mandatory(f->number, HF_PRESERVATION);
	cr_expect_eq(count, sizeof(must) / sizeof(*must));
	for (size_t i = 0; i < sizeof(must) / sizeof(*must); i++)
		cr_expect(hf_field_mandatory(must[i], HF_TRACE_LIVE));
	cr_expect(hf_field_mandatory(HF_F_FACTS, HF_CONSULT));
	cr_expect_not(hf_field_mandatory(HF_F_WINDOW, HF_CONSULT));
}
