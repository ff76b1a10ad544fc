#include "tests/desk/people.h"

#include <stdio.h>
#include <string.h>

const char *form(const char *more)
{
	static unsigned serial;
	char text[2048], name[32];

	snprintf(text, sizeof(text),
	    "{\"authority\": \"Metropolitan Police, Cyber Division\","
	    "\"offence\": \"Unauthorised access (Act 128/1999, art. 3)\","
	    "\"facts\": \"An account was used without authority.\","
	    "\"relation\": \"The records show who held the address.\","
	    "\"necessity\": \"Records are overwritten after seven days.\","
	    "\"mla_intent\": \"A request for assistance will follow.\","
	    "\"window\": {\"from\": \"2026-11-21T11:00:00+09:00\","
	    "\"until\": \"2026-11-21T11:10:00+09:00\"},"
	    "\"categories\": [\"traffic\"], \"source_ip\": [\"198.51.100.23\"],"
	    "\"source_port\": [50123], \"clock_error\": 250,"
	    "\"record_type\": [\"radius\"], \"own_reference\": \"REF-%u\"%s}",
	    ++serial, more != NULL ? more : "");
	snprintf(name, sizeof(name), "form-%u.json", serial);
	return work_file(name, text);
}

const char *instrument(void)
{
	return work_file("instrument.json",
	    "{\"issuer\": \"District Court\","
	    "\"instrument_reference\": \"26-mj-4711\","
	    "\"instrument_date\": \"2026-11-23T00:00:00-05:00\","
	    "\"law\": \"18 USC 2703(f)\", \"compulsion\": \"compulsory\"}");
}

char *new_request(const char *who, const char *to, const char *kind)
{
	struct said s = ok(who, "request", "new", "--to", to, "--kind",
	    kind == NULL ? "preservation" : kind, "--basis", "exercise",
	    "--seconds", "50", "--form", form(NULL), "--json", NULL);

	return strdup(told(&s, "ref"));
}

char *new_order(const char *who, const char *ref, const char *to)
{
	struct said s = ok(who, "order", "new", ref, "--to", to, "--basis",
	    "exercise", "--form", instrument(), "--json", NULL);

	return strdup(told(&s, "ref"));
}

void people_begin(void)
{
	office_begin();
	program_spoils = true;
}
