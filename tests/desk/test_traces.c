/* Traces: hops of providers and contact points, followed and shown. */
#include "tests/desk/people.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW \
	"window={\"from\":\"2026-11-21T11:00:00+09:00\"," \
	"\"until\":\"2026-11-21T11:10:00+09:00\"}"

TestSuite(trace, .init = people_begin, .fini = office_end, .timeout = 3600);

/* The id of the n-th hop that this desk sees in the case. */
static char *hop_id(const char *who, const char *ref, unsigned n)
{
	struct said s = ok(who, "request", "show", ref, "--json", NULL);
	json_t *o = json_loads(s.out, 0, NULL);
	const char *id = json_string_value(json_object_get(
	    json_array_get(json_object_get(o, "hops"), n), "id"));
	char *copy;

	cr_assert_not_null(id, "%s", s.out);
	copy = strdup(id);
	json_decref(o);
	return copy;
}

static void read_tree(const char *who, const char *ref)
{
	ok(who, "trace", "show", ref, NULL);
	ok(who, "trace", "show", ref, "--json", NULL);
	ok(who, "trace", "map", ref, "--format", "dot", NULL);
	ok(who, "trace", "show", ref, "--format", "json", NULL);
	ok(who, "trace", "hops", ref, NULL);
	ok(who, "trace", "hops", ref, "--json", NULL);
	ok(who, "trace", "hops", ref, "--csv", NULL);
	ok(who, "request", "show", ref, NULL);
	program_terminal(true);
	ok(who, "trace", "show", ref, NULL);
	program_terminal(false);
}

Test(trace, a_providers_hop_is_disclosed_in_part_and_followed)
{
	char *ref = new_request("jp.ncp", "US", "trace"), *order, *hop, *next;
	struct said s;

	office_wait(300);
	ok("us.ncp", "request", "accept", ref, NULL);
	order = new_order("us.ncp", ref, "us.isp");
	ok("us.isp", "order", "hop", order, "--direction", "origin",
	    "--finding", "third-country", "--next-country", "DE",
	    "--next-provider", "Next Provider", "--field", WINDOW, "--field",
	    "source_ip=203.0.113.7", "--field", "clock_error=unknown",
	    "--field", "user_id=mallory", "--field", "assigned_ip=203.0.113.8",
	    NULL);
	ok("us.isp", "order", "show", order, NULL);
	ok("us.ncp", "order", "show", order, "--json", NULL);
	ok("us.ncp", "trace", "hop", ref, "--from-order", order, "--show",
	    "direction,finding,next_country,window", "--next-country", "DE",
	    NULL);
	ok("us.ncp", "trace", "withhold", ref, "--reason", "sovereignty", NULL);
	ok("us.ncp", "trace", "hop", ref, "--direction", "origin", "--finding",
	    "back-to-requester", "--next-country", "JP", "--field", WINDOW,
	    NULL);
	office_wait(300);
	hop = hop_id("jp.ncp", ref, 0);
	s = ok("jp.ncp", "trace", "follow", ref, hop, "--to", "DE", "--mode",
	    "live", "--ttl", "50", "--urgency", "urgent", "--json", NULL);
	next = strdup(told(&s, "ref"));
	office_wait(300);
	ok("de.ncp", "request", "show", next, NULL);
	ok("de.ncp", "request", "show", next, "--json", NULL);
	ok("de.ncp", "request", "accept", next, "--ttl", "50", NULL);
	ok("de.ncp", "trace", "live", next, "--start", NULL);
	ok("de.ncp", "trace", "hop", next, "--direction", "destination",
	    "--finding", "third-country", "--next-country", "US", "--field",
	    WINDOW, NULL);
	ok("de.ncp", "trace", "live", next, "--stop", NULL);
	office_wait(300);
	free(hop);
	hop = hop_id("jp.ncp", next, 0);
	refused(7, "E4017", "jp.ncp", "trace", "follow", next, hop, "--to",
	    "US", NULL);
	read_tree("jp.ncp", ref);
	read_tree("jp.ncp", next);
	ok("us.ncp", "request", "retract", ref, "--re",
	    hop_id("us.ncp", ref, 0), NULL);
	office_wait(300);
	read_tree("jp.ncp", ref);
	free(ref);
	free(order);
	free(hop);
	free(next);
}

Test(trace, a_live_trace_is_taken_up_by_a_provider_or_cannot_be)
{
	struct said s = ok("jp.ncp", "request", "new", "--to", "US", "--kind",
	    "trace", "--mode", "live", "--basis", "exercise", "--form",
	    form(NULL), "--json", NULL);
	char *ref = strdup(told(&s, "ref")), *order;

	office_wait(300);
	refused(4, "a live trace runs for", "us.ncp", "request", "accept", ref,
	    "--ttl", "9000000", NULL);
	ok("us.ncp", "request", "accept", ref, "--condition", "only this",
	    "--category", "traffic", NULL);
	order = new_order("us.ncp", ref, "us.isp");
	ok("us.isp", "order", "accept", order, "--seconds", "30", "--ttl", "20",
	    NULL);
	ok("us.isp", "trace", "live", order, "--start", NULL);
	ok("us.isp", "trace", "stop", order, NULL);
	free(order);
	order = new_order("us.ncp", ref, "us.isp2");
	ok("us.isp2", "order", "refuse", order, "--reason",
	    "de-facto-impossible", "--outside-profile", NULL);
	ok("us.ncp", "trace", "live", ref, "--impossible", NULL);
	office_wait(300);
	read_tree("jp.ncp", ref);
	ok("us.ncp", "order", "ls", NULL);
	free(ref);
	free(order);
}
