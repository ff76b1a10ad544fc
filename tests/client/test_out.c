#include "client/out.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

static void print(enum out_mode mode, const char *state, const char *owner)
{
	struct table *t =
	    table_new((const char *[]){"STATE", "OWNER", "DUE", NULL});
	struct out o = {.mode = mode};

	table_row(t, (const char *[]){state, owner, "-"});
	cr_redirect_stdout();
	table_print(t, &o);
	fflush(stdout);
}

Test(out, nothing_is_a_dash_for_people)
{
	print(OUT_TABLE, "Accepted", "-");
	cr_assert_stdout_eq_str("  STATE     OWNER  DUE\n"
				"  Accepted  -      -\n");
}

Test(out, nothing_is_an_empty_cell_in_csv)
{
	print(OUT_CSV, "accepted", "-");
	cr_assert_stdout_eq_str("\"STATE\",\"OWNER\",\"DUE\"\n"
				"\"accepted\",\"\",\"\"\n");
}

Test(out, no_spreadsheet_runs_a_cell)
{
	print(OUT_CSV, "=1+1", "a \"quoted\" name");
	cr_assert_stdout_eq_str("\"STATE\",\"OWNER\",\"DUE\"\n"
				"\"'=1+1\",\"a \"\"quoted\"\" name\",\"\"\n");
}

Test(out, people_read_words_and_scripts_read_codes)
{
	struct out o = {.mode = OUT_TABLE, .language = "en"};

	cr_expect_str_eq(out_word(&o, HF_CODES_STATE, 5), "Partly preserved");
	o.language = "ja";
	cr_expect_str_eq(out_word(&o, HF_CODES_STATE, 5), "一部保全済み");
	o.mode = OUT_PLAIN;
	cr_expect_str_eq(out_word(&o, HF_CODES_STATE, 5), "partly-preserved");
	cr_expect_str_eq(out_label(&o, HF_CODES_STATE, 5), "一部保全済み");
	cr_expect_str_eq(out_label(&o, HF_CODES_STATE, 4000), "?");
}
