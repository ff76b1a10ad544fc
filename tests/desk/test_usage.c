/*
 * What each command refuses, with the words and the status that tell it: all
 * before anything is sent.  $R is a request to US that was accepted, $O its
 * order of a provider, $F a whole form, $E a member of it spoilt.
 */
#include "tests/desk/people.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 40u

static char *request, *order, *whole, *instrument_file;

static void open_office(void)
{
	office_begin();
	whole = strdup(form(NULL));
	instrument_file = strdup(instrument());
	request = new_request("jp.ncp", "US", NULL);
	office_wait(300);
	ok("us.ncp", "request", "accept", request, NULL);
	order = new_order("us.ncp", request, "us.isp");
	office_wait(300);
}

TestSuite(usage, .init = open_office, .fini = office_end, .timeout = 300);

struct refusal {
	int status;
	const char *words, *who, *line;
};

/* The words of a line; '_' in one of them stands for a space. */
static unsigned split(char *line, const char *args[WORDS_MAX])
{
	unsigned n = 0;

	for (char *w = strtok(line, " "); w != NULL; w = strtok(NULL, " ")) {
		cr_assert_lt(n + 1, WORDS_MAX);
		args[n++] = strcmp(w, "$R") == 0   ? request
			    : strcmp(w, "$O") == 0 ? order
			    : strcmp(w, "$F") == 0 ? whole
			    : strcmp(w, "$I") == 0 ? instrument_file
						   : w;
		for (char *c = w; (c = strchr(c, '_')) != NULL; c++)
			*c = ' ';
	}
	args[n] = NULL;
	return n;
}

static void refuse_all(const struct refusal *r, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const char *args[WORDS_MAX];
		char line[1024];
		struct said s;

		snprintf(line, sizeof(line), "%s", r[i].line);
		split(line, args);
		s = run_list(r[i].who, args);
		cr_expect_eq(s.status, r[i].status, "%s: %d, not %d: %s%s",
		    r[i].line, s.status, r[i].status, s.out, s.err);
		cr_expect(strstr(s.err, r[i].words) != NULL,
		    "%s: no \"%s\" in: %s", r[i].line, r[i].words, s.err);
		cr_expect(
		    strstr(s.err, "rror") != NULL, "%s: %s", r[i].line, s.err);
	}
}

#define REFUSE(list) refuse_all(list, sizeof(list) / sizeof(*(list)))
#define NEW "request new --to US --kind preservation --basis exercise "

Test(usage, a_request_that_is_not_whole_is_not_sent)
{
	static const struct refusal all[] = {
	    {2, "--to wants a country", "jp.ncp", "request new --form $F"},
	    {2, "--kind wants", "jp.ncp", "request new --to US --form $F"},
	    {2, "--kind wants", "jp.ncp",
		"request new --to US --kind nothing --form $F"},
	    {2, "--mode wants", "jp.ncp",
		"request new --to US --kind trace --mode never --form $F"},
	    {5, "E", "jp.ncp", NEW "--to XX --form $F"},
	    {5, "E", "jp.ncp", "request new --to USA --kind trace --form $F"},
	    {5, "E", "jp.ncp",
		"request new --to us.nobody --kind trace --form $F"},
	    {5, "E", "jp.ncp", "request new --to xx.ncp --kind trace"},
	    {2, "no such", "jp.ncp",
		"request new --to US --kind trace --basis whim --form $F"},
	    {2, "no such", "jp.ncp", NEW "--urgency panic --form $F"},
	    {4, "names no profile", "jp.ncp",
		"request new --to US --kind trace --basis g7 --form $F"},
	    {2, "--category", "jp.ncp", NEW "--category gossip --form $F"},
	    {2, "wants a number", "jp.ncp", NEW "--days many --form $F"},
	    {2, "wants a number", "jp.ncp", NEW "--hours -1 --form $F"},
	    {2, "--not-after wants", "jp.ncp",
		NEW "--not-after soon --form $F"},
	    {2, "--share wants", "jp.ncp", NEW "--share world --form $F"},
	    {2, "--flag wants", "jp.ncp", NEW "--flag loud --form $F"},
	    {2, "--flag wants", "jp.ncp",
		NEW "--form $F --flag a-flag-with-a-name-that-is-longer-than-"
		    "any-that-there-is"},
	    {2, "--third wants", "jp.ncp", NEW "--third Germany --form $F"},
	    {2, "--outsider wants --means", "jp.ncp",
		NEW "--outsider me --form $F"},
	    {2, "--said wants", "jp.ncp",
		NEW "--outsider me --means telephone --said today --form $F"},
	    {2, "wants one of", "jp.ncp",
		NEW "--outsider me --means smoke --form $F"},
	    {2, "wants one of", "jp.ncp",
		NEW "--outsider me --means fax --verified hope --form $F"},
	    {2, "NAME=VALUE", "jp.ncp", NEW "--field facts --form $F"},
	    {2, "no such field", "jp.ncp", NEW "--field nothing=1 --form $F"},
	    {2, "mandatory fields are missing", "jp.ncp",
		NEW "--field facts=a"},
	    {2, "\"problems\":[{", "jp.ncp", NEW "--field facts=a --json"},
	    {2, "FILE:LINE", "jp.ncp", NEW "--from-log here --form $F"},
	    {2, "FILE:LINE", "jp.ncp", NEW "--from-log here:0 --form $F"},
	    {1, "nothing was sent", "jp.ncp",
		NEW "--from-log /proc/nowhere:1 --form $F"},
	    {2, "--log-zone wants", "jp.ncp",
		NEW "--log-zone 9 --from-log x:1 --form $F"},
	    {2, "--log-zone wants", "jp.ncp",
		NEW "--log-zone +15:00 --from-log x:1 --form $F"},
	    {2, "--log-year wants", "jp.ncp",
		NEW "--log-year 26 --from-log x:1 --form $F"},
	    {1, "nothing was sent", "jp.ncp", NEW "--form /proc/nowhere"},
	    {2, "no JSON object", "jp.ncp", NEW "--form /dev/null"},
	    {4, "E", "jp.isp", NEW "--form $F"},
	};

	REFUSE(all);
	/* the same words do */
	ok("jp.ncp", "request", "new", "--to", "US", "--kind", "preservation",
	    "--basis", "exercise", "--field", "facts=a", "--incomplete", "-n",
	    NULL);
}

Test(usage, an_act_that_answers_says_what)
{
	static const struct refusal all[] = {
	    {2, "an argument is missing", "us.ncp", "request accept"},
	    {2, "too many arguments", "us.ncp", "request accept $R $R"},
	    {2, "too many arguments", "us.ncp", "request accept a b c d e"},
	    {5, "E", "us.ncp", "request accept US-M9F-000000-0"},
	    {5, "E", "us.ncp", "request show nothing"},
	    {5, "E", "us.ncp", "request show 0123456789"},
	    {5, "E", "us.ncp", "request accept $R --re ffffffff"},
	    {2, "wants subscriber", "us.ncp",
		"request accept $R --category gossip"},
	    {2, "wants subscriber", "us.ncp",
		"request accept $R --refuse-category gossip"},
	    {2, "wants a number", "us.ncp", "request accept $R --days x"},
	    {2, "E7001", "us.ncp", "request progress $R"},
	    {2, "wants one of", "us.ncp",
		"request progress $R --waiting-for tea"},
	    {2, "wants a number", "us.ncp",
		"request progress $R --waiting-for judge --days x"},
	    {2, "--reason is mandatory", "us.ncp", "request decline $R"},
	    {2, "wants one of", "us.ncp", "request decline $R --reason no"},
	    {2, "wants one of", "us.ncp", "request advise $R --reason no"},
	    {7, "no follow-up was announced", "us.ncp",
		"request follow-up-received $R"},
	    {2, "wants a number", "us.ncp",
		"request follow-up-received $R --days x"},
	    {2, "--outcome wants", "us.ncp", "request decided $R"},
	    {2, "wants a number", "us.ncp", "request decided $R --days x"},
	    {2, "wants one of", "us.ncp", "request end $R --reason whim"},
	    {2, "--change is mandatory", "jp.ncp", "request amend $R"},
	    {2, "wants one of", "jp.ncp", "request amend $R --change all"},
	    {2, "wants subscriber", "jp.ncp",
		"request amend $R --change widen --category x"},
	    {2, "--category", "jp.ncp", "request amend $R --change narrow"},
	    {2, "--flag: which", "jp.ncp", "request amend $R --change secrecy"},
	    {2, "wants one of", "jp.ncp",
		"request amend $R --change urgency --urgency x"},
	    {2, "wants a number", "jp.ncp", "request extend $R --days x"},
	    {7, "nothing was advised", "jp.ncp", "request go-on $R"},
	    {2, "--question is mandatory", "us.ncp", "request query $R"},
	    {2, "wants a number", "us.ncp",
		"request query $R --question a --days x"},
	    {7, "no open question", "jp.ncp", "request answer $R --answer a"},
	    {7, "no open question", "jp.ncp",
		"request answer $R --answer a --re ffffffff"},
	    {5, "--re wants", "us.ncp", "request retract $R"},
	    {5, "--re wants", "us.ncp", "request confirm $R --re ffffffff"},
	    {4, "E", "jp.ncp", "request accept $R --side asked"},
	    {2, "--side", "jp.ncp", "request note $R --side middle"},
	    {2, "--result is mandatory", "us.isp", "order report $O"},
	    {2, "wants one of", "us.isp", "order report $O --result some"},
	    {2, "wants subscriber", "us.isp",
		"order report $O --result preserved --category x"},
	    {2, "wants a number", "us.isp",
		"order report $O --result preserved --days x"},
	    {2, "--reason is mandatory", "us.isp", "order refuse $O"},
	    {2, "wants one of", "us.isp", "order refuse $O --reason x"},
	    {2, "--to wants a provider", "us.ncp", "order new $R --form $I"},
	    {5, "E", "us.ncp", "order new $R --to us.nobody --form $I"},
	    {2, "E", "us.ncp", "order new $R --to us.isp --basis exercise"},
	    {9, "nowhere.json cannot be read", "us.isp",
		"request ls --context nowhere"},
	};

	REFUSE(all);
}

Test(usage, a_hop_is_whole_or_not_sent)
{
	static const struct refusal all[] = {
	    {2, "E4022", "us.ncp", "trace hop $R"},
	    {2, "--direction: wants one of", "us.ncp",
		"trace hop $R --direction up"},
	    {2, "--finding: wants one of", "us.ncp",
		"trace hop $R --finding gold"},
	    {2, "--next-country: wants a country", "us.ncp",
		"trace hop $R --next-country Mars"},
	    {5, "no readable hop", "us.ncp", "trace hop $R --from-order $O"},
	    {5, "E4013", "us.ncp", "trace hop $R --from-order nothing:ffffff"},
	    {2, "the ground is mandatory", "us.ncp", "trace withhold $R"},
	    {2, "wants one of", "us.ncp", "trace withhold $R --reason no"},
	    {2, "--to wants the third", "jp.ncp", "trace follow $R ffffff"},
	    {5, "E", "jp.ncp", "trace follow $R ffffff --to DE"},
	    {2, "--format wants", "jp.ncp", "trace show $R --format svg"},
	    {5, "E", "jp.ncp", "trace show nothing"},
	    {5, "E", "jp.ncp", "trace hops nothing"},
	};

	REFUSE(all);
}

Test(usage, options_are_those_of_the_command)
{
	static const struct refusal all[] = {
	    {2, "no such option", "jp.ncp", "inbox --frob"},
	    {2, "no such option", "jp.ncp", "inbox -Z"},
	    {2, "wants a value", "jp.ncp", "inbox --for"},
	    {2, "stands twice", "jp.ncp", "inbox --for 1 --for 2"},
	    {2, "--timeout wants seconds", "jp.ncp", "inbox --timeout soon"},
	    {2, "--timeout wants seconds", "jp.ncp", "inbox --timeout 0"},
	    {2, "--timeout wants seconds", "jp.ncp", "inbox --timeout 1e9"},
	    {2, "--lang wants", "jp.ncp", "inbox --lang tlh"},
	    {2, "E7001", "jp.ncp", "inbox --watch --after x"},
	    {2, "E7001", "jp.ncp", "inbox --watch --for x"},
	    {2, "no such command", "jp.ncp", "request"},
	    {2, "did you mean: holdfast request show", "jp.ncp",
		"request shwo $R"},
	    {5, "E", "jp.ncp", "peer contacts XX"},
	    {2, "E", "jp.ncp", "peer contacts"},
	    {5, "E", "jp.ncp", "roster show XX"},
	    {5, "E", "jp.ncp", "country show XX"},
	    {2, "E", "jp.ncp", "audit stats /proc/nowhere --by luck"},
	    {1, "no archive of a ledger", "jp.ncp",
		"audit stats /proc/nowhere"},
	    {1, "no archive of a ledger", "jp.ncp", "audit gaps /proc/nowhere"},
	    {2, "--at wants a time", "jp.ncp",
		"audit orphans /proc/nowhere --at noon"},
	    {2, "--at wants a time", "jp.ncp",
		"audit erasures /proc/nowhere --at noon"},
	    {1, "E", "jp.ncp", "audit verify /proc/nowhere"},
	    {1, "E", "jp.ncp", "audit replay /proc/nowhere --json"},
	    {2, "--threads wants", "jp.ncp", "audit verify --threads 0"},
	    {2, "E", "jp.ncp", "audit replay /proc/nowhere --desk jp.ncp"},
	    {2, "E", "jp.ncp", "audit prove"},
	    {2, "E", "jp.ncp", "audit export"},
	    {2, "two archives", "jp.ncp", "audit reconcile /proc/nowhere"},
	    {2, "one of the two", "jp.ncp",
		"audit reconcile a --summary b --with c"},
	    {2, "one archive only", "jp.ncp",
		"audit reconcile a b --summary c --peer US"},
	    {2, "--peer CC", "jp.ncp", "audit reconcile a --summary b"},
	    {2, "--peer CC", "jp.ncp",
		"audit reconcile a --summary b --peer usa"},
	    {2, "whole act ids", "jp.ncp",
		"audit reconcile a --summary b --peer US --acts 0"},
	    {2, "whole act ids", "jp.ncp",
		"audit reconcile a --summary b --peer US --from x"},
	    {1, "E", "jp.ncp",
		"audit reconcile /proc/nowhere --summary b --peer US"},
	    {1, "E", "jp.ncp",
		"audit reconcile /proc/nowhere --with /proc/nowhere"},
	    {4, "E", "jp.ncp", "audit fetch"},
	    {1, "E", "jp.aud", "audit fetch --out /proc/nowhere"},
	    {1, "E", "jp.ncp", "request verify /proc/nowhere"},
	    {2, "E", "jp.ncp", "request verify /dev/null --pin US"},
	    {2, "E", "jp.ncp", "request verify /dev/null --pin US=hfr1:no"},
	    {1, "no evidence bundle", "jp.ncp", "request verify $F"},
	};

	REFUSE(all);
}

Test(usage, ceremonies_want_their_parts)
{
	static const struct refusal all[] = {
	    {2, "are wanted", "jp.ops", "country build"},
	    {2, "--root-key is wanted", "jp.ops",
		"country build --spec a --registrar-key b --out c"},
	    {1, "E", "jp.ops",
		"country build --spec /proc/nowhere --registrar-key b --out c "
		"--root-key d"},
	    {2, "E", "jp.ops",
		"country build --spec $F --registrar-key b --out c "
		"--root-key d"},
	    {2, "are wanted", "jp.ops", "country revoke hfo1:x"},
	    {2, "hfo1: line", "jp.ops",
		"country revoke x --previous a --root b --registrar-key c "
		"--out d"},
	    {2, "hfo1: line", "jp.ops",
		"country revoke x --previous a --root b --registrar-key c "
		"--out d"},
	    {2, "two capital letters", "jp.ops", "country pin x"},
	    {2, "two capital letters", "jp.ops", "country pin x --country jp"},
	    {2, "hfr1: line", "jp.ops", "country pin x --country JP"},
	    {1, "E", "jp.ops", "country publish /proc/nowhere"},
	    {4, "E", "jp.ncp", "country publish $F"},
	    {2, "--purpose wants", "jp.ops", "key new --out a"},
	    {2, "--out wants", "jp.ops", "key new --purpose root"},
	    {2, "is for a broker", "jp.ops",
		"key new --purpose root --out a --next-epoch b"},
	    {2, "give --passphrase-file", "jp.ops",
		"key new --purpose root --out a"},
	    {2, "no passphrase in it", "jp.ops",
		"key new --purpose root --out a --passphrase-file "
		"/proc/nowhere"},
	    {2, "no passphrase in it", "jp.ops",
		"key new --purpose root --out a --passphrase-file /dev/null"},
	    {1, "E", "jp.ops", "key show /proc/nowhere"},
	    {9, "E", "jp.ops", "key show $F"},
	    {2, "--purpose wants", "jp.ops", "key show $F --purpose x"},
	    {2, "a typed key line", "jp.ops", "key fingerprint nothing"},
	    {2, "letters and digits", "jp.ops", "context new a/b"},
	    {2, "are wanted", "jp.ops", "context new abc"},
	    {2, "the name of a context", "jp.ops", "context use a/b"},
	    {9, "E", "jp.ops", "status --context nowhere"},
	    {9, "E", "nobody", "status"},
	    {9, "E", "nobody", "context show"},
	};

	REFUSE(all);
}
