#include "proto/text.h"

#include <criterion/criterion.h>
#include <string.h>

Test(text, writes_decimals_and_stops_at_the_capacity)
{
	char out[64];
	struct text t;

	text_init(&t, out, sizeof(out));
	text_add_uint(&t, 0, 0);
	text_add_char(&t, ' ');
	text_add_uint(&t, UINT64_MAX, 0);
	text_add_char(&t, ' ');
	text_add_uint(&t, 7, 3);
	text_add_char(&t, ' ');
	text_add_uint(&t, 1234, 3);
	text_add_bytes(&t, NULL, 0);
	cr_assert(!t.full);
	cr_assert_str_eq(out, "0 18446744073709551615 007 1234");
	cr_assert_eq(t.at, strlen(out));

	text_init(&t, out, 5);
	text_add(&t, "abcd");
	cr_assert(!t.full && t.at == 4);
	text_add_char(&t, 'e');
	cr_assert(t.full && t.at == 4);
	text_add(&t, "");
	cr_assert(t.full);
	cr_assert_str_eq(out, "abcd");
}

Test(text, reads_only_plain_decimals)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool ok;
		uint64_t value;
	} rows[] = {
	    {"0", 0, true, 0},
	    {"7", 9, true, 7},
	    {"10", 10, true, 10},
	    {"11", 10, false, 0},
	    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
	    {"18446744073709551616", UINT64_MAX, false, 0},
	    {"28446744073709551615", UINT64_MAX, false, 0},
	    {"184467440737095516150", UINT64_MAX, false, 0},
	    {"", 9, false, 0},
	    {"00", 9, false, 0},
	    {"01", 9, false, 0},
	    {"+1", 9, false, 0},
	    {"-1", 9, false, 0},
	    {" 1", 9, false, 0},
	    {"1 ", 9, false, 0},
	    {"1:", 99, false, 0},
	    {"/1", 99, false, 0},
	    {"1a", UINT64_MAX, false, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t v = 4711;
		bool ok = text_read_uint(
		    &v, rows[i].text, strlen(rows[i].text), rows[i].max);

		cr_expect_eq(ok, rows[i].ok, "\"%s\"", rows[i].text);
		cr_expect_eq(
		    v, ok ? rows[i].value : 4711, "\"%s\"", rows[i].text);
	}
}
