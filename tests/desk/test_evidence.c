/* Bundles of evidence, and an auditor's archive and questions. */
#include "tests/desk/people.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(evidence, .init = people_begin, .fini = office_end, .timeout = 3600);

/* A case with an order that was reported, on both ledgers. */
static char *a_case(void)
{
	char *ref = new_request("jp.ncp", "US", NULL), *order;

	office_wait(300);
	ok("us.ncp", "request", "accept", ref, NULL);
	order = new_order("us.ncp", ref, "us.isp");
	ok("us.isp", "order", "report", order, "--result", "preserved", NULL);
	office_wait(300);
	free(order);
	return ref;
}

Test(evidence, a_bundle_is_exported_and_verified_anywhere)
{
	char *ref = a_case();
	struct said s;

	spoilt("jp.ncp", "request", "export", ref, "-o", work("jp.tar"), NULL);
	spoilt("us.ncp", "request", "export", ref, "-o", work("us.tar"),
	    "--withhold", "facts", "--withhold", "source_ip", "--json", NULL);
	spoilt("jp.ncp", "request", "verify", work("jp.tar"), NULL);
	spoilt("jp.ncp", "request", "verify", work("us.tar"), "--json", NULL);
	s = ok(NULL, "request", "verify", work("jp.tar"), NULL);
	cr_expect(strstr(s.out, "NOT all pinned here") != NULL, "%s", s.out);
	refused(2, "E7001", "jp.ncp", "request", "export", ref, NULL);
	s = run("jp.ncp", "request", "export", ref, "-o", work("x.tar"),
	    "--withhold", "nothing-like-it", NULL);
	cr_expect_neq(s.status, 0);
	free(ref);
}

Test(evidence, an_auditor_fetches_verifies_and_asks)
{
	static const char *const ways[] = {"--json", "--csv", "--plain"};
	char *ref = a_case();
	const char *jp = strdup(work("jp")), *us = strdup(work("us"));

	spoilt("jp.aud", "audit", "fetch", "--out", jp, NULL);
	spoilt("us.aud", "audit", "fetch", "--out", us, "--json", NULL);
	ok("jp.ncp", "request", "withdraw", ref, NULL);
	office_wait(300);
	spoilt("jp.aud", "audit", "fetch", "--out", jp, NULL);
	spoilt("us.aud", "audit", "fetch", "--out", us, NULL);
	spoilt("jp.aud", "audit", "verify", jp, NULL);
	spoilt("us.aud", "audit", "verify", us, "--json", NULL);
	spoilt("jp.aud", "audit", "replay", jp, NULL);
	spoilt("us.aud", "audit", "replay", us, "--json", NULL);
	spoilt("jp.aud", "audit", "replay", jp, "--at", "2026-11-26T00:00:10Z",
	    "--desk", "jp.ncp", NULL);
	spoilt("jp.aud", "audit", "receipts", NULL);
	spoilt("jp.aud", "audit", "receipts", "--missing", "--json", NULL);
	spoilt("jp.aud", "audit", "prove", "3", NULL);
	spoilt("jp.aud", "audit", "prove", "2", "--out", work("proof"), NULL);
	spoilt("jp.aud", "audit", "export", "--tiles", work("tiles"), NULL);
	spoilt("jp.aud", "audit", "verify", "--tiles", work("tiles"), NULL);
	for (unsigned i = 0; i < 3; i++) {
		run("jp.aud", "audit", "gaps", jp, ways[i], NULL);
		run("us.aud", "audit", "orphans", us, ways[i], NULL);
		run("us.aud", "audit", "uncovered", us, ways[i], NULL);
		run("us.aud", "audit", "erasures", us, ways[i], NULL);
		run("us.aud", "audit", "erasures", us, "--peer", jp,
		    "--certified", ways[i], NULL);
		run("us.aud", "audit", "stats", us, ways[i], NULL);
		run("us.aud", "audit", "stats", us, "--by", "kind", ways[i],
		    NULL);
		run("us.aud", "audit", "reconcile", jp, us, ways[i], NULL);
	}
	ok("jp.aud", "audit", "reconcile", jp, "--summary", work("jp.sum"),
	    "--peer", "US", NULL);
	run("us.aud", "audit", "reconcile", us, "--with", work("jp.sum"), NULL);
	run("us.aud", "audit", "stats", us, "--by", "hour", NULL);
	run("us.aud", "audit", "stats", us, "--by", "weekday", NULL);
	free(ref);
}
