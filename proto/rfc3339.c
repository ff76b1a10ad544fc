/*
 * rfc3339: dates and times, strictly: the days of the month, no leap second,
 * a zone always.  (The C library's readers accept 30 February.)
 */
#include "proto/ref.h"
#include "proto/text.h"

#include <assert.h>
#include <string.h>

#define DAY_MS UINT64_C(86400000)

/* Days since 1970-01-01 of a civil date (proleptic Gregorian): years begin
 * in March, so that the leap day comes last. */
static int64_t days_of(int64_t y, unsigned m, unsigned d)
{
	int64_t era, year_of_era, day_of_year;

	assert(y >= 1970);
	y -= m <= 2;
	era = y / 400;
	year_of_era = y - era * 400;
	day_of_year = (153 * (int64_t)(m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 -
	       year_of_era / 100 + day_of_year - 719468;
}

static void civil_of(int64_t days, int64_t *y, unsigned *m, unsigned *d)
{
	int64_t z = days + 719468;
	int64_t era = z / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*d = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*m = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*y = yoe + era * 400 + (*m <= 2);
}

static unsigned month_days(int year, unsigned month)
{
	static const unsigned days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

bool hf_civil_ms(int year, unsigned month, unsigned day, unsigned hour,
    unsigned minute, unsigned second, uint64_t *ms)
{
	if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 ||
	    day > month_days(year, month) || hour > 23 || minute > 59 ||
	    second > 59)
		return false;
	*ms = (uint64_t)days_of(year, month, day) * DAY_MS +
	      ((uint64_t)hour * 3600 + minute * 60 + second) * 1000;
	return true;
}

static void add_zone(struct text *t, int zone_minutes)
{
	unsigned minutes;

	if (zone_minutes == 0) {
		text_add_char(t, 'Z');
		return;
	}
	minutes = (unsigned)(zone_minutes < 0 ? -zone_minutes : zone_minutes);
	text_add_char(t, zone_minutes < 0 ? '-' : '+');
	text_add_uint(t, minutes / 60, 2);
	text_add_char(t, ':');
	text_add_uint(t, minutes % 60, 2);
}

void hf_rfc3339(char out[32], struct instant t, int zone_minutes)
{
	int64_t ms = (int64_t)t.ms + (int64_t)zone_minutes * 60000;
	int64_t days = ms >= 0 ? ms / (int64_t)DAY_MS : -1, y;
	uint64_t rest = (uint64_t)(ms - days * (int64_t)DAY_MS);
	unsigned m, d;
	struct text text;

	civil_of(days, &y, &m, &d);
	text_init(&text, out, 32);
	text_add_uint(&text, (uint64_t)y, 4);
	text_add_char(&text, '-');
	text_add_uint(&text, m, 2);
	text_add_char(&text, '-');
	text_add_uint(&text, d, 2);
	text_add_char(&text, 'T');
	text_add_uint(&text, rest / 3600000, 2);
	text_add_char(&text, ':');
	text_add_uint(&text, rest / 60000 % 60, 2);
	text_add_char(&text, ':');
	text_add_uint(&text, rest / 1000 % 60, 2);
	if (rest % 1000 != 0) {
		text_add_char(&text, '.');
		text_add_uint(&text, rest % 1000, 3);
	}
	add_zone(&text, zone_minutes);
}

/* `n` digits at *p; false if there are not. */
static bool digits(const char **p, unsigned n, unsigned *v)
{
	*v = 0;
	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*v = *v * 10 + (unsigned)(**p - '0');
	}
	return true;
}

static bool literal(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* ".25": up to nine digits, of which three count. */
static bool fraction(const char **p, unsigned *ms)
{
	unsigned scale = 100, n = 0;

	*ms = 0;
	if (**p != '.')
		return true;
	for ((*p)++; **p >= '0' && **p <= '9'; (*p)++, n++) {
		*ms += (unsigned)(**p - '0') * scale;
		scale /= 10;
	}
	return n >= 1 && n <= 9;
}

static bool zone(const char **p, int *minutes)
{
	unsigned hours, rest;
	int sign;

	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		*minutes = 0;
		return true;
	}
	if (**p != '+' && **p != '-')
		return false;
	sign = **p == '-' ? -1 : 1;
	(*p)++;
	if (!digits(p, 2, &hours) || !literal(p, ':') || !digits(p, 2, &rest) ||
	    rest > 59 || hours > 14 || hours * 60 + rest > 840)
		return false;
	*minutes = sign * (int)(hours * 60 + rest);
	return true;
}

enum hf_err hf_rfc3339_read(
    struct instant *t, int *zone_minutes, const char *text)
{
	unsigned y, mo, d, h, mi, s, ms;
	uint64_t base;
	int64_t utc;
	int z;

	if (!digits(&text, 4, &y) || !literal(&text, '-') ||
	    !digits(&text, 2, &mo) || !literal(&text, '-') ||
	    !digits(&text, 2, &d) || (*text != 'T' && *text != 't') ||
	    (text++, !digits(&text, 2, &h)) || !literal(&text, ':') ||
	    !digits(&text, 2, &mi) || !literal(&text, ':') ||
	    !digits(&text, 2, &s) || !fraction(&text, &ms) ||
	    !zone(&text, &z) || *text != '\0')
		return HF_TYPE;
	if (!hf_civil_ms((int)y, mo, d, h, mi, s, &base))
		return HF_RANGE;
	utc = (int64_t)base + ms - (int64_t)z * 60000;
	if (utc < 0)
		return HF_RANGE;
	assert((uint64_t)utc < HF_TIME_LIMIT); /* the year has four digits */
	t->ms = (uint64_t)utc;
	*zone_minutes = z;
	return HF_OK;
}
