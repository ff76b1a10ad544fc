/*
 * cmd: one static table of commands drives parsing, help, completion and
 * the tests.  Options are read with getopt_long against the command's own
 * list and the global one.
 */
#include "client/cmd.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS_MAX 64

const struct option_spec global_options[] = {
    {"home", 0, true, false, "DIR", "client home (default ~/.holdfast)"},
    {"context", 0, true, false, "NAME", "context of the home"},
    {"json", 0, false, false, NULL, "one JSON object, or JSON Lines"},
    {"csv", 0, false, false, NULL, "tables as CSV"},
    {"plain", 0, false, false, NULL, "tables without headings"},
    {"no-color", 0, false, false, NULL, "no colour"},
    {"no-input", 0, false, false, NULL, "never prompt"},
    {"dry-run", 'n', false, false, NULL, "show what would be sent"},
    {"yes", 'y', false, false, NULL, "confirm"},
    {"quiet", 'q', false, false, NULL, "errors only"},
    {"verbose", 'v', false, false, NULL, "say more"},
    {"timeout", 0, true, false, "SECONDS", "wait at most (15)"},
    {"lang", 0, true, false, "en|ja", "language of labels"},
    {"help", 'h', false, false, NULL, "help on this command"},
    {NULL, 0, false, false, NULL, NULL},
};

const struct command *const *cmd_groups(unsigned *count)
{
	static const struct command *const groups[] = {cmd_status, cmd_context,
	    cmd_inbox, cmd_request, cmd_trace, cmd_order, cmd_deadline,
	    cmd_peer, cmd_key, cmd_country, cmd_roster, cmd_audit,
	    cmd_audit_queries, cmd_queue, cmd_broker, cmd_help};

	*count = sizeof(groups) / sizeof(*groups);
	return groups;
}

const struct command *cmd_find(const char *noun, const char *verb)
{
	unsigned count;
	const struct command *const *groups = cmd_groups(&count);

	for (unsigned i = 0; i < count; i++)
		for (const struct command *c = groups[i]; c->noun != NULL; c++)
			if (strcmp(c->noun, noun) == 0 &&
			    (c->verb == NULL ? verb == NULL
					     : verb != NULL &&
						   strcmp(c->verb, verb) == 0))
				return c;
	return NULL;
}

bool cmd_has_noun(const char *noun)
{
	unsigned count;
	const struct command *const *groups = cmd_groups(&count);

	for (unsigned i = 0; i < count; i++)
		for (const struct command *c = groups[i]; c->noun != NULL; c++)
			if (strcmp(c->noun, noun) == 0)
				return true;
	return false;
}

const char *arg_at(const struct args *a, const char *name, unsigned n)
{
	for (unsigned i = 0; i < a->value_count; i++)
		if (strcmp(a->values[i].option->name, name) == 0 && n-- == 0)
			return a->values[i].value == NULL ? ""
							  : a->values[i].value;
	return NULL;
}

const char *arg(const struct args *a, const char *name)
{
	return arg_at(a, name, 0);
}

bool arg_on(const struct args *a, const char *name)
{
	return arg_at(a, name, 0) != NULL;
}

/* ---- did you mean ---- */

static unsigned distance(const char *a, const char *b)
{
	unsigned row[32], n = (unsigned)strlen(b);

	if (n >= 31)
		return 99;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0'; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned up = row[j];
			unsigned best =
			    diagonal + (a[i - 1] != b[j - 1] ? 1u : 0u);

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = up;
			row[j] = best;
		}
	}
	return row[n];
}

static void suggest(const char *noun, const char *verb)
{
	unsigned count, best = 3;
	const struct command *const *groups = cmd_groups(&count);
	const struct command *found = NULL;

	for (unsigned i = 0; i < count; i++)
		for (const struct command *c = groups[i]; c->noun != NULL;
		     c++) {
			unsigned d = distance(noun, c->noun);

			if (verb != NULL && c->verb != NULL)
				d += distance(verb, c->verb);
			else if (verb != NULL || c->verb != NULL)
				d += d == 0 ? 2 : 0;
			if (d < best) {
				best = d;
				found = c;
			}
		}
	if (found != NULL)
		fprintf(stderr, "  did you mean: holdfast %s%s%s\n",
		    found->noun, found->verb != NULL ? " " : "",
		    found->verb != NULL ? found->verb : "");
}

/* ---- help ---- */

static void print_option(const struct option_spec *o)
{
	char left[48];

	snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->short_name ? "-" : "",
	    o->short_name ? o->short_name : ' ', o->short_name ? ", " : "   ",
	    o->name, o->has_value ? " " : "", o->has_value ? o->value : "");
	printf("  %-30s %s\n", left, o->help);
}

void cmd_print_help(const struct command *c)
{
	printf("usage: holdfast %s%s%s %s\n\n%s.\n", c->noun,
	    c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
	    c->synopsis, c->summary);
	if (c->examples != NULL && c->examples[0] != '\0')
		printf("\nexamples\n%s", c->examples);
	if (c->options != NULL && c->options[0].name != NULL) {
		printf("\noptions\n");
		for (const struct option_spec *o = c->options; o->name != NULL;
		     o++)
			print_option(o);
	}
	printf("\nglobal options: --home --context --json --csv --plain "
	       "--no-color --no-input\n  -n/--dry-run -y/--yes -q -v "
	       "--timeout --lang   (holdfast help)\n");
}

void cmd_print_group(const char *noun)
{
	unsigned count;
	const struct command *const *groups = cmd_groups(&count);

	for (unsigned i = 0; i < count; i++)
		for (const struct command *c = groups[i]; c->noun != NULL; c++)
			if (noun == NULL || strcmp(c->noun, noun) == 0)
				printf("  %-10s %-16s %s\n", c->noun,
				    c->verb != NULL ? c->verb : "", c->summary);
}

static int concise_help(void)
{
	printf("Holdfast: preservation and trace requests between contact "
	       "points.\n\n"
	       "  holdfast inbox\n"
	       "  holdfast request new --to US --kind preservation --form "
	       "FORM.json\n\n"
	       "commands (holdfast help NOUN VERB)\n");
	cmd_print_group(NULL);
	printf("\nglobal options\n");
	for (const struct option_spec *o = global_options; o->name != NULL; o++)
		print_option(o);
	return HF_EXIT_OK;
}

/* ---- parsing ---- */

static unsigned add_options(struct option *out, const struct option_spec **from,
    unsigned at, const struct option_spec *list)
{
	for (; list != NULL && list->name != NULL && at < OPTIONS_MAX - 1;
	     list++) {
		out[at].name = list->name;
		out[at].has_arg =
		    list->has_value ? required_argument : no_argument;
		out[at].flag = NULL;
		out[at].val = 256 + (int)at;
		from[at++] = list;
	}
	return at;
}

/* ":nyqvho:" */
static void write_shorts(
    char *out, const struct option_spec *const *from, unsigned n)
{
	*out++ = ':';
	for (unsigned i = 0; i < n; i++) {
		if (from[i]->short_name == 0)
			continue;
		*out++ = from[i]->short_name;
		if (from[i]->has_value)
			*out++ = ':';
	}
	*out = '\0';
}

int usage_error(const struct args *a, const char *what)
{
	char fix[96];

	snprintf(fix, sizeof(fix), "holdfast help %s%s%s",
	    a->command != NULL ? a->command->noun : "",
	    a->command != NULL && a->command->verb != NULL ? " " : "",
	    a->command != NULL && a->command->verb != NULL ? a->command->verb
							   : "");
	return out_error(&a->out, HF_USAGE, what, NULL, NULL, fix);
}

static int keep_value(
    struct args *a, const struct option_spec *o, const char *value)
{
	if (a->value_count == CMD_VALUES_MAX)
		return usage_error(a, "too many options");
	if (!o->repeats && arg_on(a, o->name)) {
		char what[96];

		snprintf(what, sizeof(what), "--%s stands twice", o->name);
		return usage_error(a, what);
	}
	a->values[a->value_count].option = o;
	a->values[a->value_count++].value = value;
	return HF_EXIT_OK;
}

static int apply_globals(struct args *a)
{
	const char *timeout = arg(a, "timeout"), *lang = arg(a, "lang");
	char *end = NULL;

	a->home = arg(a, "home");
	a->context = arg(a, "context");
	a->timeout_ms = 15000;
	if (timeout != NULL) {
		double s = strtod(timeout, &end);

		if (end == timeout || *end != '\0' || s <= 0 || s > 3600)
			return usage_error(a, "--timeout wants seconds");
		a->timeout_ms = (int)(s * 1000);
	}
	if (lang == NULL)
		lang = getenv("HOLDFAST_LANG");
	if (lang == NULL)
		lang = "en";
	if (strcmp(lang, "en") != 0 && strcmp(lang, "ja") != 0)
		return usage_error(a, "--lang wants en or ja");
	a->out.language = lang;
	a->out.mode = arg_on(a, "json")    ? OUT_JSON
		      : arg_on(a, "csv")   ? OUT_CSV
		      : arg_on(a, "plain") ? OUT_PLAIN
					   : OUT_TABLE;
	out_begin(a->out.mode);
	a->out.quiet = arg_on(a, "quiet");
	a->out.verbose = arg_on(a, "verbose");
	a->out.no_input = arg_on(a, "no-input") || !isatty(STDIN_FILENO);
	a->out.yes = arg_on(a, "yes");
	a->out.dry_run = arg_on(a, "dry-run");
	a->out.colour = !arg_on(a, "no-color") && getenv("NO_COLOR") == NULL &&
			isatty(STDOUT_FILENO) && getenv("TERM") != NULL &&
			strcmp(getenv("TERM"), "dumb") != 0;
	return HF_EXIT_OK;
}

static int parse(struct args *a, int argc, char **argv)
{
	struct option options[OPTIONS_MAX] = {0};
	const struct option_spec *from[OPTIONS_MAX] = {0};
	char shorts[2 * OPTIONS_MAX + 2];
	unsigned n = add_options(options, from, 0, a->command->options);
	int got, status;

	n = add_options(options, from, n, global_options);
	write_shorts(shorts, from, n);
	opterr = 0;
	optind = 0; /* from the start, whatever was read before */
	while ((got = getopt_long(argc, argv, shorts, options, NULL)) != -1) {
		const struct option_spec *o = NULL;

		if (got >= 256)
			o = from[got - 256];
		for (unsigned i = 0; o == NULL && i < n; i++)
			if (from[i]->short_name != 0 &&
			    from[i]->short_name == got)
				o = from[i];
		if (o == NULL) {
			char what[128];

			snprintf(what, sizeof(what), "%s: %s", argv[optind - 1],
			    got == ':' ? "wants a value"
				       : "no such option here");
			return usage_error(a, what);
		}
		status = keep_value(a, o, optarg);
		if (status != HF_EXIT_OK)
			return status;
	}
	for (; optind < argc; optind++) {
		if (a->positional_count == 4)
			return usage_error(a, "too many arguments");
		a->positional[a->positional_count++] = argv[optind];
	}
	return apply_globals(a);
}

/* The first two words that are no options, wherever they stand. */
static void find_words(int argc, char **argv, int *noun, int *verb, bool *help)
{
	*noun = *verb = 0;
	*help = false;
	for (int i = 1; i < argc && *verb == 0; i++) {
		bool takes_value = false;

		if (argv[i][0] != '-') {
			*(*noun == 0 ? noun : verb) = i;
			continue;
		}
		*help |= strcmp(argv[i], "--help") == 0 ||
			 strcmp(argv[i], "-h") == 0;
		for (const struct option_spec *o = global_options;
		     o->name != NULL; o++)
			takes_value |= o->has_value &&
				       strncmp(argv[i], "--", 2) == 0 &&
				       strcmp(argv[i] + 2, o->name) == 0;
		if (takes_value)
			i++;
		else if (*noun != 0)
			return; /* a command's own option ends the words */
	}
}

static void remove_word(int *argc, char **argv, int at)
{
	for (int i = at; i + 1 < *argc; i++)
		argv[i] = argv[i + 1];
	(*argc)--;
}

static int unknown(const struct args *a, const char *noun, const char *verb)
{
	char what[128];
	int status;

	snprintf(what, sizeof(what), "no such command: %s%s%s", noun,
	    verb != NULL ? " " : "", verb != NULL ? verb : "");
	status =
	    out_error(&a->out, HF_USAGE, what, NULL, NULL, "holdfast help");
	suggest(noun, verb);
	return status;
}

int cmd_main(int argc, char **argv)
{
	struct args *a;
	int noun, verb, status;
	bool help;

	out_begin(OUT_TABLE);
	a = out_must(calloc(1, sizeof(*a)));
	a->out.language = "en";
	find_words(argc, argv, &noun, &verb, &help);
	if (noun == 0) {
		status = concise_help();
		goto out;
	}
	a->command = verb != 0 ? cmd_find(argv[noun], argv[verb]) : NULL;
	if (a->command == NULL) {
		a->command = cmd_find(argv[noun], NULL);
		verb = a->command != NULL ? 0 : verb;
	}
	if (a->command == NULL) {
		status =
		    verb == 0 && help
			? (cmd_print_group(argv[noun]), HF_EXIT_OK)
			: unknown(a, argv[noun], verb != 0 ? argv[verb] : NULL);
		goto out;
	}
	if (verb != 0)
		remove_word(&argc, argv, verb);
	remove_word(&argc, argv, noun);
	status = parse(a, argc, argv);
	if (status != HF_EXIT_OK)
		goto out;
	if (arg_on(a, "help")) {
		cmd_print_help(a->command);
		goto out;
	}
	if (a->positional_count < a->command->positional_min ||
	    a->positional_count > a->command->positional_max)
		status = usage_error(
		    a, a->positional_count < a->command->positional_min
			   ? "an argument is missing"
			   : "too many arguments");
	else
		status = a->command->run(a);
out:
	free(a);
	fflush(stdout);
	return status;
}

/* ---- what most commands begin with ---- */

static void say_busy(void *ctx, unsigned ms)
{
	const struct out *out = ctx;

	if (!out->quiet)
		fprintf(stderr,
		    "  busy   the broker asks for %u.%u s; asked again then\n",
		    ms / 1000, ms / 100 % 10);
}

int session_open(struct session *s, struct args *a, bool needs_link)
{
	enum hf_err err;
	int status;

	memset(s, 0, sizeof(*s));
	err = home_open(&s->home, a->home, a->context);
	if (err != HF_OK)
		return out_error(
		    &a->out, err, s->home.problem, NULL, NULL, NULL);
	err = home_unlock(&s->home, a->out.no_input);
	if (err == HF_OK && s->home.swappable)
		out_warning(&a->out, HF_MEMLOCK);
	if (err == HF_OK && needs_link) {
		err = link_open(&s->link, &s->home, a->timeout_ms);
		if (err == HF_OK) {
			link_tell_busy(s->link, say_busy, &a->out);
			err = roster_refresh(&s->home, s->link);
		}
	}
	if (err == HF_OK)
		return HF_EXIT_OK;
	status = out_error(&a->out, err,
	    s->link == NULL ? s->home.problem : NULL,
	    s->link != NULL && link_trouble(s->link)->where[0] != '\0'
		? link_trouble(s->link)->where
		: NULL,
	    (a->command->flags & CMD_SENDS) != 0 ? "nothing was sent" : NULL,
	    NULL);
	session_close(s);
	return status;
}

void session_close(struct session *s)
{
	link_close(s->link);
	home_close(&s->home);
	s->link = NULL;
}
