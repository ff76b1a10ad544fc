/* Keys, contexts, countries and rosters; what every officer reads. */
#include "tests/desk/people.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(ceremony, .init = people_begin, .fini = office_end, .timeout = 900);

static const char *const ways[] = {"--json", "--csv", "--plain", "--verbose"};

Test(ceremony, everybody_reads_where_he_stands)
{
	new_request("jp.ncp", "US", NULL);
	office_wait(300);
	for (unsigned i = 0; i < 4; i++) {
		ok("jp.ncp", "status", ways[i], NULL);
		ok("us.ncp", "inbox", ways[i], NULL);
		ok("jp.ncp", "peer", "ls", ways[i], NULL);
		ok("jp.ncp", "peer", "contacts", "US", ways[i], NULL);
		ok("jp.ops", "queue", "ls", ways[i], NULL);
		ok("jp.ops", "broker", "status", ways[i], NULL);
		ok("jp.ncp", "roster", "ls", ways[i], NULL);
		ok("jp.ncp", "roster", "show", "US", ways[i], NULL);
		ok("jp.ncp", "country", "show", "JP", ways[i], NULL);
		ok("jp.ncp", "context", "ls", ways[i], NULL);
		ok("jp.ncp", "context", "show", ways[i], NULL);
		ok("jp.ncp", "deadline", "ls", ways[i], NULL);
	}
	ok("jp.ncp", "inbox", "--watch", "--for", "2", "--after", "0", "--json",
	    NULL);
	program_spoils = false;
	ok("us.ncp", "inbox", "--watch", "--for", "2", NULL);
	office_cut();
	office_wait(60000);
	ok("jp.ncp", "peer", "ls", NULL);
	ok("jp.ncp", "status", NULL);
}

Test(ceremony, help_needs_no_home)
{
	static const char *const topics[] = {
	    "fields", "reasons", "results", "flags", "from-log", "scdoc"};

	program_spoils = false;
	for (unsigned i = 0; i < sizeof(topics) / sizeof(*topics); i++)
		cr_expect_gt(strlen(ok(NULL, "help", topics[i], NULL).out), 0,
		    "%s", topics[i]);
	ok(NULL, "help", NULL);
	ok(NULL, "help", "request", NULL);
	ok(NULL, "help", "request", "new", NULL);
	ok(NULL, "request", "new", "--help", NULL);
	ok(NULL, "request", "--help", NULL);
	ok(NULL, "errors", NULL);
	ok(NULL, "errors", "--json", NULL);
	ok(NULL, "errors", "E2107", NULL);
	ok(NULL, "errors", "--lang", "ja", NULL);
	ok(NULL, "cheat", NULL);
	ok(NULL, "completion", NULL);
	ok(NULL, "version", NULL);
	ok(NULL, "version", "--json", NULL);
	ok(NULL, NULL);
	refused(2, "no such command", NULL, "requst", "show", NULL);
	refused(2, "no such command", NULL, "frobnicate", NULL);
	refused(2, "E7001", NULL, "help", "frobnicate", NULL);
	refused(5, "E5004", NULL, "errors", "E9999", NULL);
}

static char *new_key(const char *purpose, const char *name)
{
	struct said s = spoilt("jp.ops", "key", "new", "--purpose", purpose,
	    "--out", work(name), "--unprotected", "--json", NULL);

	return strdup(
	    told(&s, strcmp(purpose, "broker") == 0 ? "transport" : "sign"));
}

Test(ceremony, keys_are_made_shown_and_read_out)
{
	static const char *const purposes[] = {
	    "root", "registrar", "broker", "officer"};

	for (unsigned i = 0; i < 4; i++) {
		char *line = new_key(purposes[i], purposes[i]);

		ok("jp.ops", "key", "show", work(purposes[i]), NULL);
		ok("jp.ops", "key", "show", work(purposes[i]), "--json", NULL);
		ok("jp.ops", "key", "fingerprint", line, NULL);
		ok("jp.ops", "key", "fingerprint", line, "--json", NULL);
		free(line);
	}
	work_file("pass", "correct horse\n");
	ok("jp.ops", "key", "new", "--purpose", "officer", "--out",
	    work("locked"), "--passphrase-file", work("pass"), NULL);
	refused(1, "E", "jp.ops", "key", "new", "--purpose", "root", "--out",
	    work("root"), "--unprotected", NULL);
	refused(2, "E7001", "jp.ops", "key", "new", "--purpose", "nothing",
	    "--out", work("x"), NULL);
	refused(2, "E7001", "jp.ops", "key", "new", "--purpose", "root", NULL);
}

Test(ceremony, a_home_is_set_up_for_a_broker)
{
	char *broker = new_key("broker", "broker");

	ok("jp.ops", "context", "new", "second", "--broker",
	    "tcp://127.0.0.1:9", "--broker-key", broker, "--country", "JP",
	    "--desk", "jp.ops", NULL);
	ok("jp.ops", "context", "ls", NULL);
	ok("jp.ops", "context", "use", "default", NULL);
	ok("jp.ops", "context", "show", "--json", NULL);
	refused(2, "E7001", "jp.ops", "context", "new", "third", NULL);
	cr_expect_neq(
	    run("jp.ops", "context", "use", "nowhere", NULL).status, 0);
	free(broker);
}
