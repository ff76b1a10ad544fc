/* Dates and times as people and programs write them. */
#include "tests/proto/chance.h"

#include "proto/ref.h"

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))

Test(rfc3339, reads_moments_with_their_zone)
{
	static const struct {
		const char *text;
		uint64_t ms;
		int zone;
	} rows[] = {
	    {"1970-01-01T00:00:00Z", 0, 0},
	    {"2026-11-21T11:02:03.250Z", UINT64_C(1795258923250), 0},
	    {"2026-11-21T20:02:03.250+09:00", UINT64_C(1795258923250), 540},
	    {"2026-11-21T07:32:03.25-03:30", UINT64_C(1795258923250), -210},
	    {"2026-11-21t11:02:03.250999999z", UINT64_C(1795258923250), 0},
	    {"2026-11-22T01:02:03.250+14:00", UINT64_C(1795258923250), 840},
	    {"2024-02-29T00:00:00Z", UINT64_C(1709164800000), 0},
	    {"2000-02-29T23:59:59-00:00", UINT64_C(951868799000), 0},
	    {"9999-12-31T23:59:59Z", UINT64_C(253402300799000), 0},
	    {"1970-01-01T09:00:00+09:00", 0, 540},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct instant t = {1};
		int zone = 1;

		cr_expect_eq(hf_rfc3339_read(&t, &zone, rows[i].text), HF_OK,
		    "%s", rows[i].text);
		cr_expect_eq(t.ms, rows[i].ms, "%s", rows[i].text);
		cr_expect_eq(zone, rows[i].zone, "%s", rows[i].text);
	}
}

Test(rfc3339, refuses_what_is_no_moment)
{
	static const struct {
		const char *text;
		enum hf_err err;
	} rows[] = {
	    {"", HF_TYPE},
	    {"2026-11-21", HF_TYPE},
	    {"2026/11-21T11:02:03Z", HF_TYPE},
	    {"2026-11/21T11:02:03Z", HF_TYPE},
	    {"2026-11-2:T11:02:03Z", HF_TYPE},
	    {"2026-11-21T1x:02:03Z", HF_TYPE},
	    {"2026-11-21T11-02:03Z", HF_TYPE},
	    {"2026-11-21T11:0x:03Z", HF_TYPE},
	    {"2026-11-21T11:02:0xZ", HF_TYPE},
	    {"2026-11-21T11:02:03+0x:00", HF_TYPE},
	    {"2026-11-21T11:02:03+09:x0", HF_TYPE},
	    {"0000-01-01T00:00:00Z", HF_RANGE},
	    {"2026-11-21T11:02:03", HF_TYPE}, /* whose noon? */
	    {"2026-11-21 11:02:03Z", HF_TYPE},
	    {"2026-11-21T11:02Z", HF_TYPE},
	    {"2026-11-21T11:02:03.Z", HF_TYPE},
	    {"2026-11-21T11:02:03.1234567890Z", HF_TYPE},
	    {"2026-11-21T11:02:03,5Z", HF_TYPE},
	    {"2026-11-21T11:02:03Z ", HF_TYPE},
	    {" 2026-11-21T11:02:03Z", HF_TYPE},
	    {"2026-11-21T11:02:03+9:00", HF_TYPE},
	    {"2026-11-21T11:02:03+0900", HF_TYPE},
	    {"2026-11-21T11:02:03+14:01", HF_TYPE},
	    {"2026-11-21T11:02:03+15:00", HF_TYPE},
	    {"2026-11-21T11:02:03+09:60", HF_TYPE},
	    {"26-11-21T11:02:03Z", HF_TYPE},
	    {"+2026-11-21T11:02:03Z", HF_TYPE},
	    {"2026-1-21T11:02:03Z", HF_TYPE},
	    {"2026-00-21T11:02:03Z", HF_RANGE},
	    {"2026-13-21T11:02:03Z", HF_RANGE},
	    {"2026-11-00T11:02:03Z", HF_RANGE},
	    {"2026-11-31T11:02:03Z", HF_RANGE},
	    {"2026-02-29T11:02:03Z", HF_RANGE},
	    {"2100-02-29T11:02:03Z", HF_RANGE},
	    {"2026-02-30T11:02:03Z", HF_RANGE},
	    {"2026-11-21T24:00:00Z", HF_RANGE},
	    {"2026-11-21T11:60:00Z", HF_RANGE},
	    {"2016-12-31T23:59:60Z", HF_RANGE}, /* leap seconds: SPEC 1.4 */
	    {"1969-12-31T23:59:59Z", HF_RANGE},
	    {"1970-01-01T00:00:00+00:01", HF_RANGE},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct instant t = {1};
		int zone = 1;

		cr_expect_eq(hf_rfc3339_read(&t, &zone, rows[i].text),
		    rows[i].err, "%s", rows[i].text);
		cr_expect(t.ms == 1 && zone == 1, "%s", rows[i].text);
	}
}

Test(rfc3339, reads_back_what_it_writes)
{
	for (unsigned long seed = 0; seed < 20000; seed++) {
		struct chance c = {seed};
		/* up to 9999-12-30, so that no zone leaves the year */
		struct instant t = {
		    86400000 + chance_below(&c, UINT64_C(253402100000000))};
		int zone = (int)chance_below(&c, 2 * 840 + 1) - 840, back;
		struct instant got = {0};
		char text[32];

		if (seed % 2 == 0)
			t.ms -= t.ms % 1000;
		hf_rfc3339(text, t, zone);
		cr_assert_eq(hf_rfc3339_read(&got, &back, text), HF_OK,
		    "seed %lu: %s", seed, text);
		cr_assert(
		    got.ms == t.ms && back == zone, "seed %lu: %s", seed, text);
	}
}

Test(rfc3339, writes_every_time_that_an_act_may_hold)
{
	char text[32];

	hf_rfc3339(text, (struct instant){0}, 0);
	cr_expect_str_eq(text, "1970-01-01T00:00:00Z");
	hf_rfc3339(text, (struct instant){5}, -840);
	cr_expect_str_eq(text, "1969-12-31T10:00:00.005-14:00");
	hf_rfc3339(text, (struct instant){HF_TIME_LIMIT - 1}, 840);
	cr_expect_str_eq(text, "10889-08-02T19:31:50.655+14:00");
}

/* Against the C library, which the code may not use. */
Test(civil, counts_the_days_as_the_calendar_does)
{
	for (int64_t day = 0; day < 400 * 366; day++) {
		time_t at = (time_t)(day * 86400 + 3661);
		struct tm tm;
		uint64_t ms = 0;

		gmtime_r(&at, &tm);
		cr_assert(
		    hf_civil_ms(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1,
			(unsigned)tm.tm_mday, 1, 1, 1, &ms),
		    "day %ld", (long)day);
		cr_assert_eq(ms, (uint64_t)at * 1000, "day %ld", (long)day);
	}
}

Test(civil, refuses_dates_that_do_not_exist)
{
	static const struct {
		int year;
		unsigned month, day, hour, minute, second;
		bool ok;
	} rows[] = {
	    {2024, 2, 29, 0, 0, 0, true},
	    {2023, 2, 29, 0, 0, 0, false},
	    {2000, 2, 29, 0, 0, 0, true},
	    {1900, 1, 1, 0, 0, 0, false},
	    {2024, 4, 31, 0, 0, 0, false},
	    {2024, 4, 0, 0, 0, 0, false},
	    {2024, 0, 1, 0, 0, 0, false},
	    {2024, 13, 1, 0, 0, 0, false},
	    {2024, 1, 1, 24, 0, 0, false},
	    {2024, 1, 1, 23, 60, 0, false},
	    {2024, 1, 1, 23, 59, 60, false},
	    {10000, 1, 1, 0, 0, 0, false},
	    {2024, 12, 31, 23, 59, 59, true},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t ms = 7;

		cr_expect_eq(
		    hf_civil_ms(rows[i].year, rows[i].month, rows[i].day,
			rows[i].hour, rows[i].minute, rows[i].second, &ms),
		    rows[i].ok, "row %zu", i);
		cr_expect(rows[i].ok || ms == 7);
	}
}
