/* Keys, contexts, countries and rosters; what every officer reads. */
#include "tests/desk/people.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(ceremony, .init = people_begin, .fini = office_end, .timeout = 3600);

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
	/* each would take half a second more */
	program_spoils = false;
	work_file("pass", "correct horse\n");
	ok("jp.ops", "key", "new", "--purpose", "officer", "--out",
	    work("locked"), "--passphrase-file", work("pass"), NULL);
	refused(1, "E", "jp.ops", "key", "new", "--purpose", "root", "--out",
	    work("root"), "--unprotected", NULL);
	refused(2, "E7001", "jp.ops", "key", "new", "--purpose", "nothing",
	    "--out", work("x"), NULL);
	refused(2, "E7001", "jp.ops", "key", "new", "--purpose", "root", NULL);
}

/* A member of the JSON that `key show` prints of a file. */
static char *shown(const char *path, const char *purpose, const char *name)
{
	struct said s = ok("jp.ops", "key", "show", path, "--purpose", purpose,
	    "--json", NULL);

	return strdup(told(&s, name));
}

static char *in_home(const char *desk)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/officer.key", office_home(desk));
	return shown(path, "officer", "sign");
}

Test(ceremony, an_officer_is_revoked_without_the_root)
{
	char *officer = in_home("jp.isp2"), *root;

	office_keys("JP", work("jp.root"), work("jp.registrar"));
	office_document("JP", "work/jp.1.hfd", false);
	root = shown(work("jp.root"), "root", "sign");
	ok("jp.isp2", "order", "ls", NULL);
	ok("jp.ops", "country", "revoke", officer, "--previous",
	    work("jp.1.hfd"), "--root", root, "--registrar-key",
	    work("jp.registrar"), "--since", "2026-11-25T00:00:00Z", "--out",
	    work("jp.2.hfd"), "--abroad", work("jp.2.abroad.hfd"), NULL);
	ok("jp.ops", "country", "publish", work("jp.2.hfd"), NULL);
	office_wait(300);
	cr_expect_neq(run("jp.isp2", "order", "ls", NULL).status, 0);
	ok("jp.ncp", "roster", "show", "JP", NULL);
	ok("us.ncp", "roster", "show", "JP", "--json", NULL);
	/* the older one is in force no more */
	cr_expect_neq(
	    run("jp.ops", "country", "publish", work("jp.1.hfd"), NULL).status,
	    0);
	cr_expect_neq(run("jp.ops", "country", "revoke", officer, "--previous",
			  work("jp.2.hfd"), "--root", root, "--registrar-key",
			  work("jp.root"), "--out", work("x"), NULL)
			  .status,
	    0);
	ok("jp.ops", "country", "pin", root, "--country", "JP", "--yes", NULL);
	program_terminal(true);
	run("jp.ops", "country", "pin", root, "--country", "JP", NULL);
	program_terminal(false);
	free(officer);
	free(root);
}

#define SPEC \
	"{\"country\": \"BR\", \"valid_days\": 30, \"brokers\": [{" \
	"\"transport\": \"%s\", \"ledger\": \"%s\", \"witness\": \"%s\"," \
	"\"epoch\": 1, \"endpoints\": [\"tcp://127.0.0.1:9\"]}]," \
	"\"desks\": [{\"desk\": \"br.ncp\", \"type\": \"contact-point\"," \
	"\"name\": \"Brazil\", \"telephone\": \"+99 555 1\"," \
	"\"means\": [\"fax:+99 555 2\", \"mailto:a@b.example\"]," \
	"\"languages\": [\"pt\", \"en\"], \"hours\": \"24/7\"," \
	"\"zone\": \"UTC\"%s}], \"officers\": [{\"desk\": \"br.ncp\"," \
	"\"role\": \"duty\", \"name\": \"A\", \"sign\": \"%s\"," \
	"\"transport\": \"%s\", \"unwrap\": \"%s\"}]," \
	"\"profiles\": [\"budapest\", \"eu\", \"test\"]," \
	"\"approvals\": [{\"kind\": \"order\", \"needed\": 1}]," \
	"\"revocations\": []%s}"

/* With these members more, of the desk and of the whole. */
static const char *spec(const char *desk, const char *whole)
{
	char text[4096];

	snprintf(text, sizeof(text), SPEC,
	    shown(work("br.broker"), "broker", "transport"),
	    shown(work("br.broker"), "broker", "ledger"),
	    shown(work("br.broker"), "broker", "witness"), desk,
	    shown(work("br.officer"), "officer", "sign"),
	    shown(work("br.officer"), "officer", "transport"),
	    shown(work("br.officer"), "officer", "unwrap"), whole);
	return work_file("br.json", text);
}

Test(ceremony, a_country_is_built_of_its_specification)
{
	static const char *const wrong[] = {", \"unknown\": 1",
	    ", \"threshold\": 9", ", \"registrars\": [\"hfg1:no\"]",
	    ", \"revocations\": [{\"key\": \"x\"}]", ", \"revocations\": [1]",
	    ", \"profiles\": [\"none\"]", ", \"profiles\": {}",
	    ", \"officers\": [{}]",
	    ", \"officers\": [{\"desk\": \"br.no\", \"role\": \"duty\"}]",
	    ", \"desks\": [{}]", ", \"desks\": 1", ", \"brokers\": [{}]",
	    ", \"country\": \"br\"", ", \"valid_days\": \"x\"",
	    ", \"approvals\": [{\"kind\": \"x\", \"needed\": 1}]",
	    ", \"brokers\": []"};

	new_key("root", "br.root");
	new_key("registrar", "br.registrar");
	new_key("broker", "br.broker");
	new_key("officer", "br.officer");
	spec("", "");
	ok("jp.ops", "country", "build", "--spec", work("br.json"),
	    "--root-key", work("br.root"), "--registrar-key",
	    work("br.registrar"), "--out", work("br.1.hfd"), "--abroad",
	    work("br.1.abroad.hfd"), NULL);
	ok("jp.ops", "country", "build", "--spec", work("br.json"), "--root",
	    shown(work("br.root"), "root", "sign"), "--previous",
	    work("br.1.hfd"), "--registrar-key", work("br.registrar"), "--out",
	    work("br.2.hfd"), "--json", NULL);
	program_spoils = false;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct said s;

		spec("", wrong[i]);
		s = run("jp.ops", "country", "build", "--spec", work("br.json"),
		    "--root-key", work("br.root"), "--registrar-key",
		    work("br.registrar"), "--out", work("br.3.hfd"), NULL);
		cr_expect(s.status == 0 || strstr(s.err, "error[E") != NULL,
		    "%s: %d %s", wrong[i], s.status, s.err);
	}
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
