/*
 * Cases from their requests to their ends, by the program of each desk, with
 * whatever each command calls failing once (program.h).
 */
#include "tests/desk/people.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(desk, .init = people_begin, .fini = office_end, .timeout = 3600);

/* Each way a list or a case is printed. */
static void read_all(const char *who, const char *ref)
{
	static const char *const ways[] = {
	    "--json", "--csv", "--plain", "--verbose", "--lang=ja"};

	for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		ok(who, "request", "show", ref, ways[i], NULL);
		ok(who, "request", "ls", ways[i], NULL);
		ok(who, "order", "ls", ways[i], NULL);
		ok(who, "inbox", "--all", ways[i], NULL);
		ok(who, "deadline", "ls", ways[i], NULL);
	}
	program_terminal(true);
	ok(who, "request", "show", ref, NULL);
	ok(who, "inbox", NULL);
	program_terminal(false);
}

/* The other side's act stands where it came in. */
static void in_order(const char *text, const char *first, const char *then)
{
	const char *a = strstr(text, first), *b = strstr(text, then);

	cr_assert(
	    a != NULL && b != NULL && a < b, "%s, %s: %s", first, then, text);
}

Test(desk, a_preservation_is_asked_taken_ordered_and_released)
{
	char *ref = new_request("jp.ncp", "US", NULL), *order;
	struct said s;

	office_wait(300);
	ok("us.ncp", "inbox", "--unacked", NULL);
	ok("us.ncp", "request", "acknowledge", ref, NULL);
	ok("us.ncp", "request", "progress", ref, "--waiting-for", "judge",
	    "--hours", "4", NULL);
	refused(4, ", state Acknowledged", "us.ncp", "request", "accept", ref,
	    "--days", "900", NULL);
	refused(4, "US holds data for", "us.ncp", "request", "accept", ref,
	    "--days", "900", NULL);
	ok("us.ncp", "request", "accept", ref, NULL);
	order = new_order("us.ncp", ref, "us.isp");
	office_wait(300);
	ok("us.isp", "inbox", NULL);
	ok("us.isp", "order", "show", order, NULL);
	ok("us.isp", "order", "ack", order, NULL);
	ok("us.isp", "order", "progress", order, "--waiting-for", "call-back",
	    NULL);
	ok("us.isp", "order", "query", order, "--question", "Which port?",
	    NULL);
	ok("us.ncp", "order", "answer", order, "--answer", "50123", NULL);
	ok("us.isp", "order", "report", order, "--result", "preserved",
	    "--category", "traffic", NULL);
	ok("us.ncp", "order", "extend", order, "--seconds", "30", NULL);
	read_all("us.ncp", ref);
	ok("us.ncp", "order", "show", order, "--json", NULL);
	ok("jp.ncp", "request", "extend", ref, "--seconds", "40", NULL);
	office_wait(300);
	ok("us.ncp", "request", "accept", ref, NULL);
	ok("jp.ncp", "request", "withdraw", ref, NULL);
	office_wait(300);
	ok("us.isp", "order", "end", order, NULL);
	ok("us.ncp", "request", "end", ref, NULL);
	office_wait(300);
	s = ok("jp.ncp", "request", "show", ref, "--json", NULL);
	cr_assert_str_eq(told(&s, "state"), "released");
	s = ok("jp.ncp", "request", "show", ref, NULL);
	in_order(s.out, "Acceptance", "Withdrawal");
	in_order(s.out, "Withdrawal", "End  ");
	read_all("jp.ncp", ref);
	free(ref);
	free(order);
}

Test(desk, an_ended_case_is_erased_and_says_so)
{
	char *ref = new_request("jp.ncp", "US", NULL);
	struct said s;

	office_wait(300);
	ok("us.ncp", "request", "accept", ref, "--seconds", "20", NULL);
	office_wait(300);
	office_wait(120000);
	s = ok("jp.ncp", "request", "show", ref, "--json", NULL);
	cr_expect_str_eq(told(&s, "state"), "expired");
	cr_expect(strstr(s.out, "\"erased\":true") != NULL, "%s", s.out);
	read_all("jp.ncp", ref);
	s = run("jp.ncp", "request", "extend", ref, "--seconds", "40", NULL);
	cr_expect_neq(s.status, 0);
	free(ref);
}

Test(desk, both_sides_speak_with_each_other)
{
	char *ref = new_request("jp.ncp", "US", NULL);

	office_wait(300);
	ok("us.ncp", "request", "query", ref, "--question", "Which zone?",
	    "--hours", "2", NULL);
	office_wait(300);
	ok("jp.ncp", "request", "show", ref, NULL);
	ok("jp.ncp", "request", "answer", ref, "--answer", "UTC+9", NULL);
	ok("jp.ncp", "request", "amend", ref, "--change", "urgency",
	    "--urgency", "emergency", NULL);
	ok("jp.ncp", "request", "note", ref, "--text", "for both", NULL);
	office_wait(300);
	ok("us.ncp", "request", "note", ref, "--inner", "--text",
	    "the judge is at lunch", NULL);
	ok("us.ncp", "request", "advise", ref, "--reason", "would-harm",
	    "--text", "the subject is told by law", NULL);
	office_wait(300);
	ok("jp.ncp", "request", "go-on", ref, NULL);
	office_wait(300);
	ok("us.ncp", "request", "accept", ref, NULL);
	office_wait(300);
	ok("jp.ncp", "request", "amend", ref, "--change", "correct", "--field",
	    "source_port=[50124]", "--freed", NULL);
	ok("jp.ncp", "request", "amend", ref, "--change", "widen", "--category",
	    "subscriber", NULL);
	office_wait(300);
	ok("us.ncp", "request", "accept", ref, NULL);
	office_wait(300);
	ok("jp.ncp", "request", "amend", ref, "--change", "narrow",
	    "--category", "traffic", NULL);
	ok("jp.ncp", "request", "amend", ref, "--change", "secrecy", "--flag",
	    "keep-from-subject", NULL);
	ok("jp.ncp", "request", "follow-up", ref, "--reference", "MLA-7", NULL);
	office_wait(300);
	ok("us.ncp", "request", "follow-up-received", ref, "--days", "9", NULL);
	ok("us.ncp", "request", "decided", ref, "--outcome", "granted",
	    "--seconds", "30", NULL);
	refused(4, "E3005", "us.ncp", "request", "legal-hold", ref, NULL);
	office_wait(300);
	read_all("jp.ncp", ref);
	read_all("us.ncp", ref);
	ok("jp.ncp", "request", "close", ref, NULL);
	office_wait(300);
	ok("us.ncp", "request", "show", ref, "--json", NULL);
	free(ref);
}

Test(desk, a_request_is_declined_with_a_ground)
{
	char *ref = new_request("jp.ncp", "US", "consult");

	office_wait(300);
	refused(2, "E7001", "us.ncp", "request", "decline", ref, NULL);
	ok("us.ncp", "request", "decline", ref, "--reason", "sovereignty",
	    "--outside-profile", "--text", "not here", NULL);
	office_wait(300);
	read_all("jp.ncp", ref);
	free(ref);
}

Test(desk, an_outsider_is_unproven_until_he_confirms)
{
	struct said s = ok("us.ncp", "request", "new", "--to", "US", "--kind",
	    "preservation", "--basis", "exercise", "--form", form(NULL),
	    "--outsider", "Police of XX", "--means", "telephone", "--said",
	    "2026-11-20T11:00:00Z", "--verified", "call-back", "--json", NULL);
	char *ref = strdup(told(&s, "ref"));

	ok("us.ncp", "request", "show", ref, NULL);
	s = ok("us.ncp", "request", "show", ref, "--json", NULL);
	cr_expect(strstr(s.out, "\"unproven\":true") != NULL);
	refused(
	    2, "--side", "us.ncp", "request", "note", ref, "--text", "x", NULL);
	ok("us.ncp", "request", "note", ref, "--text", "x", "--side", "asked",
	    NULL);
	free(ref);
}

Test(desk, the_same_request_twice_is_one_unless_wanted)
{
	const char *text = form(NULL);
	struct said s = ok("jp.ncp", "request", "new", "--to", "US", "--kind",
	    "preservation", "--basis", "exercise", "--form", text, "--json",
	    NULL);
	char *first = strdup(told(&s, "ref"));

	s = ok("jp.ncp", "request", "new", "--to", "US", "--kind",
	    "preservation", "--basis", "exercise", "--form", text, "--json",
	    NULL);
	cr_expect_str_eq(told(&s, "ref"), first);
	s = ok("jp.ncp", "request", "new", "--to", "US", "--kind",
	    "preservation", "--basis", "exercise", "--form", text, NULL);
	cr_expect(strstr(s.out, "was opened before") != NULL, "%s", s.out);
	s = ok("jp.ncp", "request", "new", "--to", "US", "--kind",
	    "preservation", "--basis", "exercise", "--form", text, "--json",
	    "--again", NULL);
	cr_expect_str_neq(told(&s, "ref"), first);
	free(first);
}

Test(desk, a_dry_run_shows_and_sends_nothing)
{
	struct said s = ok("jp.ncp", "request", "new", "--to", "US", "--to",
	    "DE", "--kind", "trace", "--mode", "live", "--ttl", "600",
	    "--basis", "exercise", "--form", form(NULL), "--urgency",
	    "emergency", "--category", "traffic", "--not-after",
	    "2026-12-24T00:00:00Z", "--third", "DE", "--third", "BR", "--share",
	    "third,party", "--flag", "keep-order-secret:requested", "--flag",
	    "no-onward-sharing", "--text", "please", "-n", NULL);

	cr_expect(strstr(s.out, "nothing was sent") != NULL, "%s", s.out);
	ok("jp.ncp", "request", "new", "--to", "us.ncp", "--kind",
	    "preservation", "--form", form(NULL), "-n", "--json", NULL);
	s = ok("jp.ncp", "request", "ls", NULL);
	cr_expect(strstr(s.out, "no cases") != NULL, "%s", s.out);
}
