/*
 * Lines of real servers, good and bad: what is taken from them is compared
 * as JSON, what is refused must say why.
 */
#include "client/from_log.h"
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sample {
	const char *format, *line;
	const char *zone; /* NULL: none given */
	int year;
	const char *json; /* NULL: refused */
};

static const struct sample samples[] = {
    {"apache-combined",
	"198.51.100.23 - alice [21/Nov/2026:11:02:03 +0900] \"POST /login "
	"HTTP/1.1\" 302 512 \"https://a.example/\" \"curl\" port=50123",
	NULL, 0,
	"{\"record_type\":[\"http\"],\"source_ip\":[\"198.51.100.23\"],"
	"\"source_port\":[50123],\"user_id\":[\"alice\"],\"path\":[\"/login\"],"
	"\"operation\":[\"POST\"],\"last_page\":[\"https://a.example/\"],"
	"\"event_time\":[\"2026-11-21T11:02:03+09:00\"]}"},
    {"apache-combined",
	"2001:db8::7 - - [29/Feb/2024:23:59:59 -0330] \"GET / HTTP/2.0\" 200 "
	"-",
	NULL, 0,
	"{\"record_type\":[\"http\"],\"source_ip\":[\"2001:db8::7\"],"
	"\"path\":[\"/\"],\"operation\":[\"GET\"],"
	"\"event_time\":[\"2024-02-29T23:59:59-03:30\"]}"},
    {"apache-combined",
	"198.51.100.23 - - [30/Feb/2026:11:02:03 +0900] \"GET / HTTP/1.1\" 200 "
	"5 \"-\" \"x\"",
	NULL, 0, NULL},
    {"apache-combined",
	"198.51.100.23 - - [21/Nov/2026:11:02:03 +0900] \"GET / HTTP/1.1\" 200 "
	"5 \"-\" \"x\" and more",
	NULL, 0, NULL},
    {"postfix",
	"Nov 21 11:02:41 mx postfix/smtpd[2211]: 4Cb7: "
	"client=unknown[198.51.100.23]:50171",
	"+09:00", 2026,
	"{\"record_type\":[\"smtp\"],\"source_port\":[50171],"
	"\"session_id\":[\"4Cb7\"],\"sending_host_ip\":[\"198.51.100.23\"],"
	"\"event_time\":[\"2026-11-21T11:02:41+09:00\"]}"},
    {"postfix",
	"2026-11-21T11:02:41+09:00 mx postfix/cleanup[2212]: 4Cb7: "
	"message-id=<a@b.example>",
	NULL, 0,
	"{\"record_type\":[\"smtp\"],\"session_id\":[\"4Cb7\"],"
	"\"message_id\":[\"a@b.example\"],"
	"\"event_time\":[\"2026-11-21T11:02:41+09:00\"]}"},
    {"postfix",
	"Nov 21 11:02:41 mx postfix/smtpd[2211]: 4Cb7: "
	"client=unknown[198.51.100.23]",
	NULL, 2026, NULL}, /* no zone */
    {"postfix",
	"Nov 21 11:02:41 mx postfix/smtpd[2211]: 4Cb7: "
	"client=unknown[198.51.100.23]",
	"+09:00", 0, NULL}, /* no year */
    {"dovecot",
	"2026-11-21T02:02:41Z mail dovecot: imap-login: Login: "
	"user=<bob@b.example>, method=PLAIN, rip=203.0.113.9, "
	"lip=192.0.2.1, mpid=44, TLS, session=<AbC/12>",
	NULL, 0,
	"{\"record_type\":[\"imap\"],\"user_id\":[\"bob@b.example\"],"
	"\"client_ip\":[\"203.0.113.9\"],\"session_id\":[\"AbC/12\"],"
	"\"event_time\":[\"2026-11-21T02:02:41Z\"]}"},
    {"radius-detail",
	"Fri Nov 20 21:01:58 2026\n\tAcct-Status-Type = Stop\n\tUser-Name = "
	"\"u1@isp.example\"\n\tFramed-IP-Address = 198.51.100.23\n\t"
	"NAS-IP-Address = 192.0.2.14\n\tCalling-Station-Id = "
	"\"2025550143\"\n\tAcct-Session-Id = \"5A3F\"\n\t"
	"Acct-Input-Octets = 10\n\tAcct-Session-Time = 60",
	"-05:00", 0,
	"{\"record_type\":[\"radius\"],\"user_id\":[\"u1@isp.example\"],"
	"\"assigned_ip\":[\"198.51.100.23\"],\"nas_ip\":[\"192.0.2.14\"],"
	"\"calling_line\":[\"2025550143\"],\"session_id\":[\"5A3F\"],"
	"\"bytes_in\":[10],\"duration\":[60],"
	"\"event_time\":[\"2026-11-20T21:01:58-05:00\"]}"},
    {"radius-detail", "Fri Nov 20 21:01:58 2026\n\tAcct-Status-Type = Stop",
	NULL, 0, NULL},
    {"vsftpd",
	"Sat Nov 21 03:01:12 2026 [pid 3312] [relay] OK LOGIN: Client "
	"\"203.0.113.77\"",
	"+01:00", 0,
	"{\"record_type\":[\"ftp\"],\"user_id\":[\"relay\"],"
	"\"operation\":[\"LOGIN\"],\"source_ip\":[\"203.0.113.77\"],"
	"\"event_time\":[\"2026-11-21T03:01:12+01:00\"]}"},
    {"xferlog",
	"Sat Nov 21 03:01:12 2026 1 203.0.113.77 2048 /pub/x.tgz b _ o r "
	"relay ftp 0 * c",
	"+00:00", 0,
	"{\"record_type\":[\"ftp\"],\"user_id\":[\"relay\"],"
	"\"operation\":[\"o\"],\"source_ip\":[\"203.0.113.77\"],"
	"\"bytes_out\":[2048],\"duration\":[1],\"path\":[\"/pub/x.tgz\"],"
	"\"event_time\":[\"2026-11-21T03:01:12Z\"]}"},
    {"xferlog",
	"Sat Nov 21 03:01:12 2026 1 203.0.113.77 2048 /pub/x.tgz b _ q r "
	"relay ftp 0 * c",
	"+00:00", 0, NULL},
    {"tacacs",
	"Nov 21 03:01:12\t192.0.2.1\tbob\ttty1\t203.0.113.5\tstart\ttask_id=1",
	"+00:00", 2026,
	"{\"record_type\":[\"tacacs\"],\"nas_ip\":[\"192.0.2.1\"],"
	"\"user_id\":[\"bob\"],\"calling_line\":[\"203.0.113.5\"],"
	"\"event_time\":[\"2026-11-21T03:01:12Z\"]}"},
    {"nnrpd",
	"Nov 21 03:01:12 news nnrpd[771]: host.example post ok "
	"<m@news.example>",
	"+00:00", 2026,
	"{\"record_type\":[\"nntp\"],\"process_id\":[771],"
	"\"host_name\":[\"host.example\"],\"activity\":[\"post\"],"
	"\"posted_message_id\":[\"m@news.example\"],"
	"\"event_time\":[\"2026-11-21T03:01:12Z\"]}"},
    {"irc",
	"[2026-11-21T03:01:12Z] Client connecting: nick1 "
	"(user@host.example) [203.0.113.6] {clients}",
	NULL, 0,
	"{\"record_type\":[\"irc\"],\"activity\":[\"connecting\"],"
	"\"nickname\":[\"nick1\"],\"user_id\":[\"user\"],"
	"\"host_name\":[\"host.example\"],\"client_ip\":[\"203.0.113.6\"],"
	"\"event_time\":[\"2026-11-21T03:01:12Z\"]}"},
    {"postfix",
	"2026-11-21T11:02:41Z mx postfix/qmgr[9]: 4Cb7: "
	"from=<a@b.example>, size=9",
	NULL, 0,
	"{\"record_type\":[\"smtp\"],\"session_id\":[\"4Cb7\"],"
	"\"sender\":[\"a@b.example\"],"
	"\"event_time\":[\"2026-11-21T11:02:41Z\"]}"},
    {"postfix",
	"2026-11-21T11:02:41Z mx postfix/lmtp[9]: 4Cb7: to=<c@d.example>, x",
	NULL, 0,
	"{\"record_type\":[\"smtp\"],\"session_id\":[\"4Cb7\"],"
	"\"mail_recipient\":[\"c@d.example\"],"
	"\"event_time\":[\"2026-11-21T11:02:41Z\"]}"},
    {"postfix", "2026-11-21T11:02:41Z mx postfix/anvil[9]: statistics", NULL, 0,
	NULL},
    {"postfix", "mx postfix/lmtp[9]: 4Cb7: to=<c@d.example>", NULL, 0, NULL},
    {"dovecot",
	"2026-11-21T02:02:41Z mail dovecot: pop3-login: Login: user=<bob>, "
	"rip=::ffff:203.0.113.9, rport=50999, lip=192.0.2.1",
	NULL, 0,
	"{\"record_type\":[\"pop\"],\"user_id\":[\"bob\"],"
	"\"client_ip\":[\"203.0.113.9\"],\"source_port\":[50999],"
	"\"event_time\":[\"2026-11-21T02:02:41Z\"]}"},
    {"dovecot", "2026-11-21T02:02:41Z mail dovecot: pop3-login: Aborted", NULL,
	0, NULL},
    {"radius-detail", "Fri Abc 20 21:01:58 2026\n\tAcct-Status-Type = Stop",
	"-05:00", 0, NULL},
    {"radius-detail", "Fri anF 20 21:01:58 2026\n\tAcct-Session-Id = \"x\"",
	"-05:00", 0, NULL},
    {"vsftpd",
	"Sat Nov 21 03:01:12 2026 [pid 3312] [relay] OK DOWNLOAD: Client "
	"\"203.0.113.77\", \"/pub/x\", 12 bytes",
	"+01:00", 0,
	"{\"record_type\":[\"ftp\"],\"user_id\":[\"relay\"],"
	"\"operation\":[\"DOWNLOAD\"],\"source_ip\":[\"203.0.113.77\"],"
	"\"path\":[\"/pub/x\"],"
	"\"event_time\":[\"2026-11-21T03:01:12+01:00\"]}"},
    {"vsftpd",
	"Sat Nov 21 03:01:12 2026 [pid 3312] [relay] OK LOGIN: Client "
	"\"203.0.113.77\"",
	NULL, 0, NULL}, /* no zone */
    {"nnrpd",
	"2026-11-21T03:01:12Z news nnrpd[771]: host.example (203.0.113.8) "
	"connect",
	NULL, 0,
	"{\"record_type\":[\"nntp\"],\"process_id\":[771],"
	"\"host_name\":[\"host.example\"],\"client_ip\":[\"203.0.113.8\"],"
	"\"activity\":[\"connect\"],"
	"\"event_time\":[\"2026-11-21T03:01:12Z\"]}"},
    {"nnrpd", "news nnrpd[771]: host.example connect", NULL, 0, NULL},
    {"irc", "Client exiting: nick1 (user@host.example) [203.0.113.6] {clients}",
	NULL, 0, NULL},
    {"apache-combined",
	"proxy.example - - [21/Nov/2026:11:02:03 +0900] \"GET / HTTP/1.1\" "
	"200 5 \"-\" \"x\"",
	NULL, 0,
	"{\"record_type\":[\"http\"],\"host_name\":[\"proxy.example\"],"
	"\"path\":[\"/\"],\"operation\":[\"GET\"],"
	"\"event_time\":[\"2026-11-21T11:02:03+09:00\"]}"},
    {NULL, "this is no log line", NULL, 0, NULL},
    {NULL, "", NULL, 0, NULL},
};

static struct log_options options_of(const struct sample *s)
{
	struct log_options o = {.year = s->year};
	int hours, minutes;

	if (s->zone != NULL) {
		sscanf(s->zone + 1, "%d:%d", &hours, &minutes);
		o.zone_known = true;
		o.zone_minutes =
		    (s->zone[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
	}
	return o;
}

static json_t *fields_of(const struct draft *d)
{
	struct hf_leaf leaf[HF_LEAF_MAX];

	for (unsigned i = 0; i < d->leaf_count; i++) {
		leaf[i].field = d->leaf[i].field;
		leaf[i].value = d->leaf[i].value;
	}
	return form_leaves_json(leaf, d->leaf_count);
}

Test(from_log, takes_what_the_line_says_and_refuses_the_rest)
{
	struct draft *d = malloc(sizeof(*d));

	cr_assert_eq(hf_crypto_init(), HF_OK);
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		const struct sample *s = &samples[i];
		struct log_options o = options_of(s);
		const char *format = NULL;
		char why[200] = "";
		enum hf_err err;
		json_t *got, *wanted;

		draft_init(d, HF_KIND_REQUEST);
		err = from_log_text(
		    d, s->line, strlen(s->line), &o, 0, &format, why);
		if (s->json == NULL) {
			cr_expect_eq(err, HF_LOGLINE, "taken: %s", s->line);
			cr_expect_neq(why[0], '\0', "no reason: %s", s->line);
			continue;
		}
		cr_assert_eq(err, HF_OK, "%s: %s", s->line, why);
		cr_expect_str_eq(format, s->format);
		got = fields_of(d);
		wanted = json_loads(s->json, 0, NULL);
		cr_expect(json_equal(got, wanted), "%s gave %s", s->line,
		    json_dumps(got, JSON_COMPACT | JSON_SORT_KEYS));
		json_decref(got);
		json_decref(wanted);
	}
	free(d);
}

/* Every line cut short or with one byte changed is read or refused, never
 * more: sanitizers watch. */
Test(from_log, survives_spoilt_lines)
{
	struct draft *d = malloc(sizeof(*d));
	unsigned refused = 0;

	cr_assert_eq(hf_crypto_init(), HF_OK);
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct log_options o = options_of(&samples[i]);
		size_t size = strlen(samples[i].line);
		char *line = strdup(samples[i].line), why[200];
		const char *format;

		for (size_t k = 0; k < size; k += 3) {
			char old = line[k];

			draft_init(d, HF_KIND_REQUEST);
			refused += from_log_text(d, line, k, &o, 0, &format,
				       why) != HF_OK;
			line[k] = (char)0xff;
			draft_init(d, HF_KIND_REQUEST);
			cr_expect_eq(
			    from_log_text(d, line, size, &o, 0, &format, why),
			    HF_LOGLINE);
			line[k] = old;
		}
		free(line);
	}
	cr_expect_gt(refused, 0);
	free(d);
}

/* With room for fewer fields than a line has, whichever is one too many. */
Test(from_log, refuses_a_line_that_has_no_room)
{
	struct draft *d = malloc(sizeof(*d));
	unsigned refused = 0;

	cr_assert_eq(hf_crypto_init(), HF_OK);
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct log_options o = options_of(&samples[i]);
		enum hf_err err = HF_LOGLINE;

		for (unsigned room = 0; samples[i].json != NULL && err != HF_OK;
		     room++) {
			const char *format;
			char why[200] = "";

			cr_assert_leq(room, 16, "%s", samples[i].line);
			draft_init(d, HF_KIND_REQUEST);
			d->leaf_count = HF_LEAF_MAX - room;
			err = from_log_text(d, samples[i].line,
			    strlen(samples[i].line), &o, 0, &format, why);
			refused += err != HF_OK;
			if (err != HF_OK) {
				cr_expect_eq(err, HF_LOGLINE);
				cr_expect_neq(strchr(why, ':'), NULL,
				    "%s: no field named: %s", samples[i].line,
				    why);
			}
		}
	}
	cr_expect_gt(refused, 60);
	free(d);
}

/* A record of several lines, the last of them without an end. */
Test(from_log, finds_the_record_at_a_line_of_a_file)
{
	static const struct {
		unsigned line;
		enum hf_err wanted;
	} tries[] = {{1, HF_OK}, {2, HF_OK}, {5, HF_OK}, {6, HF_LOGLINE},
	    {9, HF_LOGLINE}, {0, HF_LOGLINE}, {3, HF_LOGLINE}};
	struct log_options o = {.zone_known = true};
	struct draft *d = malloc(sizeof(*d));
	const char *format;
	char path[] = "/tmp/hf-log-XXXXXX", why[200];
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	cr_assert_not_null(f);
	fputs("2026-11-21T11:02:41Z mx postfix/qmgr[9]: 4Cb7: from=<a@b>\n"
	      "Fri Nov 20 21:01:58 2026\n\tAcct-Status-Type = Stop\n"
	      "\tUser-Name = \"u1\"\n"
	      "Fri Nov 20 21:01:58 2026\n\tAcct-Status-Type = Start",
	    f);
	fclose(f);
	cr_assert_eq(hf_crypto_init(), HF_OK);
	for (unsigned i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		draft_init(d, HF_KIND_REQUEST);
		cr_expect_eq(
		    from_log(d, path, tries[i].line, &o, 0, &format, why),
		    tries[i].wanted, "line %u: %s", tries[i].line, why);
	}
	remove(path);
	cr_expect_eq(from_log(d, path, 1, &o, 0, &format, why), HF_FILE);
	free(d);
}
