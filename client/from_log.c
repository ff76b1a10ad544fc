/*
 * from_log: one reader a format.  Each either understands its line wholly
 * or says why not; the first format whose signature fits decides, so a line
 * never half-fits two.
 *
 * POSIX regular expressions find the parts; times are read by hand because
 * the C library's readers accept days that do not exist.
 */
#include "client/from_log.h"

#include "proto/pack.h"
#include "proto/ref.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 12
#define LINE_MAX_BYTES 8192u

struct reader {
	struct draft *draft;
	const struct log_options *options;
	uint8_t policy;
	char *why;
	const char *text;
	regmatch_t match[GROUPS_MAX];
};

static enum hf_err refuse(struct reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum hf_err refuse(struct reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->why, 200, format, args);
	va_end(args);
	return HF_LOGLINE;
}

static bool matches(struct reader *r, const char *pattern)
{
	regex_t re;
	bool ok;

	if (regcomp(&re, pattern, REG_EXTENDED) != 0)
		return false;
	ok = regexec(&re, r->text, GROUPS_MAX, r->match, 0) == 0;
	regfree(&re);
	return ok;
}

/* Group n as text; empty if it did not take part. */
static const char *group(
    const struct reader *r, unsigned n, char *out, size_t capacity)
{
	size_t size = 0;

	if (r->match[n].rm_so >= 0)
		size = (size_t)(r->match[n].rm_eo - r->match[n].rm_so);
	if (size >= capacity)
		size = capacity - 1;
	if (size > 0)
		memcpy(out, r->text + r->match[n].rm_so, size);
	out[size] = '\0';
	return out;
}

static int number(const struct reader *r, unsigned n)
{
	char text[16];

	return (int)strtol(group(r, n, text, sizeof(text)), NULL, 10);
}

/* ---- adding fields ---- */

static enum hf_err add_json(struct reader *r, unsigned field, json_t *value)
{
	struct form_report report = {0};
	enum hf_err err =
	    form_value(r->draft, field, value, r->policy, &report);

	json_decref(value);
	if (err != HF_OK)
		return refuse(r, "%s: %s", hf_field_info(field)->name,
		    report.count > 0 ? report.problem[0].what
				     : hf_err_text(err));
	return HF_OK;
}

static enum hf_err add_group(struct reader *r, unsigned field, unsigned n)
{
	char text[HF_IDENTIFIER_MAX + 1];

	group(r, n, text, sizeof(text));
	if (text[0] == '\0' || strcmp(text, "-") == 0)
		return HF_OK; /* the server had nothing to log */
	return add_json(r, field, json_string(text));
}

static enum hf_err add_integer(struct reader *r, unsigned field, unsigned n)
{
	char text[24];

	group(r, n, text, sizeof(text));
	if (text[0] == '\0' || strcmp(text, "-") == 0)
		return HF_OK;
	return add_json(r, field, json_integer(strtoll(text, NULL, 10)));
}

static enum hf_err add_address(struct reader *r, unsigned field, unsigned n)
{
	char text[64];
	uint8_t address[16];

	group(r, n, text, sizeof(text));
	if (strncmp(text, "::ffff:", 7) == 0)
		memmove(text, text + 7, strlen(text + 7) + 1);
	if (inet_pton(AF_INET, text, address) != 1 &&
	    inet_pton(AF_INET6, text, address) != 1)
		return add_group(r, HF_F_HOST_NAME, n); /* a resolved name */
	return add_json(r, field, json_string(text));
}

static int month_of(const char *name)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *at = strlen(name) == 3 ? strstr(months, name) : NULL;

	return at == NULL || (at - months) % 3 != 0
		   ? 0
		   : (int)(at - months) / 3 + 1;
}

static enum hf_err add_time(struct reader *r, int year, int month, int day,
    int hour, int minute, int second, int zone)
{
	char text[32];
	uint64_t ms;

	if (month == 0 ||
	    !hf_civil_ms(year, (unsigned)month, (unsigned)day, (unsigned)hour,
		(unsigned)minute, (unsigned)second, &ms))
		return refuse(r, "no such date or time");
	if (zone < 0)
		ms += (uint64_t)(-zone) * 60000u;
	else
		ms -= (uint64_t)zone * 60000u;
	hf_rfc3339(text, (struct instant){ms}, zone);
	return add_json(r, HF_F_EVENT_TIME, json_string(text));
}

/* "+0900" or "+09:00" in group n. */
static int zone_of(const struct reader *r, unsigned n)
{
	char text[8] = "";
	const char *digits;
	int hours, minutes;

	group(r, n, text, sizeof(text));
	if (text[0] == 'Z')
		return 0;
	digits = text + 1;
	hours = (digits[0] - '0') * 10 + digits[1] - '0';
	digits += digits[2] == ':' ? 3 : 2;
	minutes = (digits[0] - '0') * 10 + digits[1] - '0';
	return (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

static enum hf_err needs_zone(struct reader *r, const char *format)
{
	if (r->options->zone_known)
		return HF_OK;
	return refuse(r,
	    "%s lines carry no time zone: say the server's with --log-zone",
	    format);
}

static enum hf_err needs_year(struct reader *r, const char *format)
{
	if (r->options->year != 0)
		return HF_OK;
	return refuse(
	    r, "%s lines carry no year: say it with --log-year", format);
}

#define TRY(call) \
	do { \
		enum hf_err try_err = (call); \
		if (try_err != HF_OK) \
			return try_err; \
	} while (0)

/* "Nov 21 11:02:03" in groups n.. of a syslog line. */
static enum hf_err syslog_time(struct reader *r, unsigned n, const char *name)
{
	char month[4];

	TRY(needs_year(r, name));
	TRY(needs_zone(r, name));
	group(r, n, month, sizeof(month));
	return add_time(r, r->options->year, month_of(month), number(r, n + 1),
	    number(r, n + 2), number(r, n + 3), number(r, n + 4),
	    r->options->zone_minutes);
}

/* "2026-11-21T11:02:03+09:00" in groups n..n+6. */
static enum hf_err iso_time(struct reader *r, unsigned n)
{
	return add_time(r, number(r, n), number(r, n + 1), number(r, n + 2),
	    number(r, n + 3), number(r, n + 4), number(r, n + 5),
	    zone_of(r, n + 6));
}

static enum hf_err record_type(struct reader *r, const char *name)
{
	json_t *list = json_array();

	json_array_append_new(list, json_string(name));
	return add_json(r, HF_F_RECORD_TYPE, list);
}

/* ---- the formats ---- */

#define ISO \
	"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})" \
	"(Z|[+-][0-9]{2}:?[0-9]{2})"
#define SYSLOG "([A-Z][a-z]{2}) +([0-9]{1,2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})"

static enum hf_err apache(struct reader *r)
{
	char month[4];

	if (!matches(r, "^([0-9A-Za-z.:-]+)(:[0-9]+)? [^ ]+ ([^ ]+) "
			"\\[([0-9]{2})/([A-Z][a-z]{2})/"
			"([0-9]{4}):([0-9]{2}):([0-9]{2}):"
			"([0-9]{2}) ([+-][0-9]{4})\\] \"([A-Z]+) "))
		return HF_NOTFOUND;
	TRY(record_type(r, "http"));
	TRY(add_address(r, HF_F_SOURCE_IP, 1));
	TRY(add_group(r, HF_F_USER_ID, 3));
	group(r, 5, month, sizeof(month));
	TRY(add_time(r, number(r, 6), month_of(month), number(r, 4),
	    number(r, 7), number(r, 8), number(r, 9), zone_of(r, 10)));
	TRY(add_group(r, HF_F_OPERATION, 11));
	/* request line, status, size, referrer, agent, and, in the combined
	 * format with ports, the client's port */
	if (!matches(r,
		"\\] \"[A-Z]+ ([^ \"]+)( HTTP/[0-9.]+)?\" ([0-9]{3}) "
		"([0-9]+|-)( \"([^\"]*)\" \"([^\"]*)\"( port=([0-9]+))?)?$"))
		return refuse(r, "the request or what follows it");
	TRY(add_group(r, HF_F_PATH, 1));
	TRY(add_group(r, HF_F_LAST_PAGE, 6));
	return add_integer(r, HF_F_SOURCE_PORT, 9);
}

static enum hf_err mail_time(struct reader *r, const char *name)
{
	if (matches(r, "^" SYSLOG " "))
		return syslog_time(r, 1, name);
	if (matches(r, "^" ISO " "))
		return iso_time(r, 1);
	return refuse(r, "the time at the begin of the line");
}

static enum hf_err postfix(struct reader *r)
{
	if (!matches(r, " postfix/[a-z]+\\[[0-9]+\\]: "))
		return HF_NOTFOUND;
	TRY(record_type(r, "smtp"));
	TRY(mail_time(r, "Postfix"));
	if (matches(r, "postfix/smtpd\\[[0-9]+\\]: ([0-9A-Za-z]+): "
		       "client=([^[]+)\\[([0-9A-Fa-f.:]+)\\](:([0-9]+))?")) {
		TRY(add_group(r, HF_F_SESSION_ID, 1));
		TRY(add_json(r, HF_F_SENDING_HOST_IP,
		    json_string(group(r, 3, (char[64]){0}, 64))));
		return add_integer(r, HF_F_SOURCE_PORT, 5);
	}
	if (matches(r, "postfix/cleanup\\[[0-9]+\\]: ([0-9A-Za-z]+): "
		       "message-id=<([^>]+)>")) {
		TRY(add_group(r, HF_F_SESSION_ID, 1));
		return add_group(r, HF_F_MESSAGE_ID, 2);
	}
	if (matches(r,
		"postfix/qmgr\\[[0-9]+\\]: ([0-9A-Za-z]+): from=<([^>]*)>")) {
		TRY(add_group(r, HF_F_SESSION_ID, 1));
		return add_group(r, HF_F_SENDER, 2);
	}
	if (matches(r, "postfix/(smtp|local|lmtp|virtual)\\[[0-9]+\\]: "
		       "([0-9A-Za-z]+): to=<([^>]*)>")) {
		TRY(add_group(r, HF_F_SESSION_ID, 2));
		return add_group(r, HF_F_MAIL_RECIPIENT, 3);
	}
	return refuse(r, "which Postfix line this is (client=, message-id=, "
			 "from= or to= is wanted)");
}

static enum hf_err dovecot(struct reader *r)
{
	char protocol[8];

	if (!matches(r, "dovecot: (imap|pop3)-login: "))
		return HF_NOTFOUND;
	group(r, 1, protocol, sizeof(protocol));
	TRY(record_type(r, strcmp(protocol, "imap") == 0 ? "imap" : "pop"));
	TRY(mail_time(r, "Dovecot"));
	if (!matches(r, "Login: user=<([^>]+)>, .*rip=([0-9A-Fa-f.:]+),"))
		return refuse(r, "user=<..> and rip=.. of a login");
	TRY(add_group(r, HF_F_USER_ID, 1));
	TRY(add_address(r, HF_F_CLIENT_IP, 2));
	if (matches(r, "rport=([0-9]+)"))
		TRY(add_integer(r, HF_F_SOURCE_PORT, 1));
	if (matches(r, "session=<([^>]+)>"))
		TRY(add_group(r, HF_F_SESSION_ID, 1));
	return HF_OK;
}

static enum hf_err radius_attribute(
    struct reader *r, const char *pattern, unsigned field, char type)
{
	if (!matches(r, pattern))
		return HF_OK;
	switch (type) {
	case 'a':
		return add_address(r, field, 1);
	case 'n':
		return add_integer(r, field, 1);
	default:
		return add_group(r, field, 1);
	}
}

/* FreeRADIUS "detail": a date line, then attributes, to the blank line. */
static enum hf_err radius(struct reader *r)
{
	char month[4];

	if (!matches(r, "Acct-Status-Type = ") &&
	    !matches(r, "Acct-Session-Id = "))
		return HF_NOTFOUND;
	if (!matches(r, "^[A-Z][a-z]{2} ([A-Z][a-z]{2}) +([0-9]{1,2}) "
			"([0-9]{2}):([0-9]{2}):([0-9]{2}) ([0-9]{4})\n"))
		return refuse(r, "the date line at the head of the record");
	TRY(needs_zone(r, "RADIUS detail"));
	TRY(record_type(r, "radius"));
	group(r, 1, month, sizeof(month));
	TRY(add_time(r, number(r, 6), month_of(month), number(r, 2),
	    number(r, 3), number(r, 4), number(r, 5),
	    r->options->zone_minutes));
	TRY(radius_attribute(r, "User-Name = \"([^\"]+)\"", HF_F_USER_ID, 's'));
	TRY(radius_attribute(
	    r, "Framed-IP-Address = ([0-9.]+)", HF_F_ASSIGNED_IP, 'a'));
	TRY(radius_attribute(
	    r, "NAS-IP-Address = ([0-9.]+)", HF_F_NAS_IP, 'a'));
	TRY(radius_attribute(
	    r, "Calling-Station-Id = \"([^\"]+)\"", HF_F_CALLING_LINE, 's'));
	TRY(radius_attribute(
	    r, "Acct-Session-Id = \"([^\"]+)\"", HF_F_SESSION_ID, 's'));
	TRY(radius_attribute(
	    r, "Acct-Input-Octets = ([0-9]+)", HF_F_BYTES_IN, 'n'));
	TRY(radius_attribute(
	    r, "Acct-Output-Octets = ([0-9]+)", HF_F_BYTES_OUT, 'n'));
	return radius_attribute(
	    r, "Acct-Session-Time = ([0-9]+)", HF_F_DURATION, 'n');
}

/* tac_plus accounting: tab-separated. */
static enum hf_err tacacs(struct reader *r)
{
	if (!matches(r, "^" SYSLOG "\t([0-9A-Fa-f.:]+)\t([^\t]+)\t([^\t]+)\t"
			"([^\t]+)\t(start|stop|update)"))
		return HF_NOTFOUND;
	TRY(record_type(r, "tacacs"));
	TRY(add_address(r, HF_F_NAS_IP, 6));
	TRY(add_group(r, HF_F_USER_ID, 7));
	TRY(add_address(r, HF_F_CALLING_LINE, 9));
	return syslog_time(r, 1, "TACACS+");
}

/* xferlog (wu-ftpd, vsftpd, proftpd). */
static enum hf_err xferlog(struct reader *r)
{
	char month[4];

	if (!matches(r, "^[A-Z][a-z]{2} ([A-Z][a-z]{2}) +([0-9]{1,2}) "
			"([0-9]{2}):([0-9]{2}):([0-9]{2}) ([0-9]{4}) ([0-9]+) "
			"([^ ]+) ([0-9]+) ([^ ]+) "))
		return HF_NOTFOUND;
	TRY(needs_zone(r, "xferlog"));
	TRY(record_type(r, "ftp"));
	group(r, 1, month, sizeof(month));
	TRY(add_time(r, number(r, 6), month_of(month), number(r, 2),
	    number(r, 3), number(r, 4), number(r, 5),
	    r->options->zone_minutes));
	TRY(add_integer(r, HF_F_DURATION, 7));
	TRY(add_address(r, HF_F_SOURCE_IP, 8));
	TRY(add_integer(r, HF_F_BYTES_OUT, 9));
	TRY(add_group(r, HF_F_PATH, 10));
	if (!matches(
		r, " [ab] [CUT_] ([oid]) [agr] ([^ ]+) ftp [01] [^ ]+ [ci]$"))
		return refuse(r, "the transfer's type, direction and user");
	TRY(add_group(r, HF_F_OPERATION, 1));
	return add_group(r, HF_F_USER_ID, 2);
}

/* vsftpd's own log. */
static enum hf_err vsftpd(struct reader *r)
{
	char month[4];

	if (!matches(r, "^[A-Z][a-z]{2} ([A-Z][a-z]{2}) +([0-9]{1,2}) "
			"([0-9]{2}):([0-9]{2}):([0-9]{2}) ([0-9]{4}) "
			"\\[pid [0-9]+\\] \\[([^]]+)\\] OK ([A-Z]+): "
			"Client \"([0-9A-Fa-f.:]+)\""))
		return HF_NOTFOUND;
	TRY(needs_zone(r, "vsftpd"));
	TRY(record_type(r, "ftp"));
	TRY(add_group(r, HF_F_USER_ID, 7));
	TRY(add_group(r, HF_F_OPERATION, 8));
	TRY(add_address(r, HF_F_SOURCE_IP, 9));
	group(r, 1, month, sizeof(month));
	TRY(add_time(r, number(r, 6), month_of(month), number(r, 2),
	    number(r, 3), number(r, 4), number(r, 5),
	    r->options->zone_minutes));
	if (matches(r, "Client \"[^\"]+\", \"([^\"]+)\""))
		TRY(add_group(r, HF_F_PATH, 1));
	return HF_OK;
}

/* INN's nnrpd. */
static enum hf_err nntp(struct reader *r)
{
	if (!matches(r,
		" nnrpd\\[([0-9]+)\\]: ([^ ]+)( \\(([0-9A-Fa-f.:]+)\\))? "
		"(connect|post|group|exit|times)"))
		return HF_NOTFOUND;
	TRY(record_type(r, "nntp"));
	TRY(add_integer(r, HF_F_PROCESS_ID, 1));
	TRY(add_group(r, HF_F_HOST_NAME, 2));
	if (r->match[4].rm_so >= 0)
		TRY(add_address(r, HF_F_CLIENT_IP, 4));
	TRY(add_group(r, HF_F_ACTIVITY, 5));
	if (matches(r, " post ok <([^>]+)>"))
		TRY(add_group(r, HF_F_POSTED_MESSAGE_ID, 1));
	if (matches(r, "^" ISO " "))
		return iso_time(r, 1);
	if (matches(r, "^" SYSLOG " "))
		return syslog_time(r, 1, "nnrpd");
	return refuse(r, "the time at the begin of the line");
}

/* UnrealIRCd: "[ISO] ... Client connecting: nick (user@host) [ip] {..}". */
static enum hf_err irc(struct reader *r)
{
	if (!matches(r, "Client (connecting|exiting): ([^ ]+) "
			"\\(([^ )]+)@([^)]+)\\) \\[([0-9A-Fa-f.:]+)\\]"))
		return HF_NOTFOUND;
	TRY(record_type(r, "irc"));
	TRY(add_group(r, HF_F_ACTIVITY, 1));
	TRY(add_group(r, HF_F_NICKNAME, 2));
	TRY(add_group(r, HF_F_USER_ID, 3));
	TRY(add_group(r, HF_F_HOST_NAME, 4));
	TRY(add_address(r, HF_F_CLIENT_IP, 5));
	if (!matches(r, "^\\[" ISO "\\]"))
		return refuse(r, "the time in brackets at the begin");
	return iso_time(r, 1);
}

static const struct {
	const char *name;
	enum hf_err (*read)(struct reader *r);
} formats[] = {
    {"apache-combined", apache},
    {"postfix", postfix},
    {"dovecot", dovecot},
    {"radius-detail", radius},
    {"tacacs", tacacs},
    {"vsftpd", vsftpd},
    {"xferlog", xferlog},
    {"nnrpd", nntp},
    {"irc", irc},
};

enum hf_err from_log_text(struct draft *d, const char *text, size_t size,
    const struct log_options *options, uint8_t policy, const char **format,
    char why[200])
{
	struct reader r = {
	    .draft = d, .options = options, .policy = policy, .why = why};
	char *copy;
	enum hf_err err = HF_LOGLINE;

	*format = NULL;
	if (size == 0 || size > LINE_MAX_BYTES)
		return refuse(
		    &r, "a line of 1 to %u bytes is wanted", LINE_MAX_BYTES);
	if (memchr(text, '\0', size) != NULL ||
	    !wire_utf8_ok((const uint8_t *)text, size))
		return refuse(&r, "the line is not plain UTF-8 text");
	copy = malloc(size + 1);
	if (copy == NULL)
		return HF_NOMEM;
	memcpy(copy, text, size);
	copy[size] = '\0';
	r.text = copy;
	refuse(&r, "no known format fits; see holdfast help from-log");
	for (unsigned i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		enum hf_err one = formats[i].read(&r);

		if (one == HF_NOTFOUND)
			continue;
		*format = formats[i].name;
		err = one;
		break;
	}
	free(copy);
	return err;
}

/* Where line `line` begins and its record ends: most formats have one line;
 * a RADIUS record runs on over its indented lines. */
static bool find_record(const char *data, size_t size, unsigned line,
    const char **begin, size_t *length)
{
	const char *at = data, *end = data + size, *stop;

	for (unsigned i = 1; i < line; i++) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (at == NULL || ++at >= end)
			return false;
	}
	if (at >= end)
		return false;
	stop = memchr(at, '\n', (size_t)(end - at));
	if (stop == NULL)
		stop = end;
	while (stop + 1 < end && stop[1] == '\t') {
		const char *more =
		    memchr(stop + 1, '\n', (size_t)(end - stop - 1));

		stop = more == NULL ? end : more;
	}
	*begin = at;
	*length = (size_t)(stop - at);
	return true;
}

enum hf_err from_log(struct draft *d, const char *path, unsigned line,
    const struct log_options *options, uint8_t policy, const char **format,
    char why[200])
{
	uint8_t *data = NULL;
	const char *begin;
	size_t size, length;
	enum hf_err err = home_read(path, (size_t)64 << 20, &data, &size);

	if (err != HF_OK) {
		snprintf(why, 200, "%s cannot be read", path);
		return HF_FILE;
	}
	if (line == 0 ||
	    !find_record((const char *)data, size, line, &begin, &length)) {
		snprintf(why, 200, "%s has no line %u", path, line);
		err = HF_LOGLINE;
	} else {
		err = from_log_text(
		    d, begin, length, options, policy, format, why);
	}
	free(data);
	return err;
}
