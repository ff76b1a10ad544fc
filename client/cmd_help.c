/*
 * cmd_help: help, errors, cheat, completion, version and the tables of the
 * manual page: all from the tables.
 */
#include "client/send.h"

#include <string.h>
#include <strings.h>

static void print_codes(enum hf_codes list, const struct args *a)
{
	const struct hf_code_info *c;
	bool ja = strcmp(a->out.language, "ja") == 0;

	for (unsigned i = 0; (c = hf_code_at(i)) != NULL; i++)
		if (c->list == list)
			printf("  %3u  %-24s %s\n", c->code, c->name,
			    ja ? c->ja : c->en);
}

static void print_fields(const struct args *a)
{
	static const char *const types[] = {"text", "identifier", "IP address",
	    "number", "whole number", "true or false", "code", "time with zone",
	    "{from, until}", "country", "milliseconds or unknown",
	    "bytes in hex"};
	const struct hf_field_info *f;
	bool ja = strcmp(a->out.language, "ja") == 0;

	for (unsigned i = 0; (f = hf_field_at(i)) != NULL; i++)
		printf("  %-22s %-24s %s%s\n", f->name, types[f->type],
		    ja ? f->ja : f->en, f->repeats ? "  (list)" : "");
}

static const char from_log[] =
    "--from-log FILE:LINE takes identifiers, time and port from a line of\n"
    "  Apache combined (a trailing port=N gives the client's port)\n"
    "  Postfix smtpd client=, cleanup message-id=, qmgr from=, smtp to=\n"
    "  Dovecot imap-login, pop3-login\n"
    "  FreeRADIUS detail (name the date line; the record is read to its end)\n"
    "  TACACS+ accounting, vsftpd, xferlog, nnrpd, UnrealIRCd connects\n"
    "Formats without a zone need --log-zone, without a year --log-year.\n"
    "A line that is not wholly understood is refused.\n";

/* ---- the tables of holdfast(1), as scdoc ---- */

static void scdoc_text(const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("\\_*`", *text) != NULL)
			putchar('\\');
		putchar(*text);
	}
}

static void scdoc_option(const struct option_spec *o)
{
	putchar('*');
	if (o->short_name != 0)
		printf("-%c*, *", o->short_name);
	printf("--%s*", o->name);
	if (o->has_value) {
		putchar(' ');
		scdoc_text(o->value);
	}
	printf("\n\t");
	scdoc_text(o->help);
	printf(".%s\n\n", o->repeats ? " May stand more than once." : "");
}

static bool stands_in(const struct option_spec *list, const char *name)
{
	for (; list->name != NULL; list++)
		if (strcmp(list->name, name) == 0)
			return true;
	return false;
}

static void scdoc_command(const struct command *c)
{
	bool first = true;

	printf("## holdfast %s%s%s", c->noun, c->verb != NULL ? " " : "",
	    c->verb != NULL ? c->verb : "");
	printf("\n\n*holdfast %s%s%s*%s", c->noun, c->verb != NULL ? " " : "",
	    c->verb != NULL ? c->verb : "", c->synopsis[0] != '\0' ? " " : "");
	scdoc_text(c->synopsis);
	printf("\n\n");
	scdoc_text(c->summary);
	printf(".%s\n\n",
	    (c->flags & CMD_SENDS) != 0 ? " Takes the options of acts." : "");
	for (const struct option_spec *o = c->options;
	     o != NULL && o->name != NULL; o++)
		if (!stands_in(send_common_options, o->name))
			scdoc_option(o);
	for (const char *at = c->examples; at != NULL && *at != '\0';) {
		size_t n = strcspn(at, "\n");

		printf("%s%.*s\n", first ? "```\n" : "", (int)n, at);
		first = false;
		at += n + (at[n] == '\n');
	}
	if (!first)
		printf("```\n\n");
}

static void print_scdoc(void)
{
	unsigned count;
	const struct command *const *groups = cmd_groups(&count);

	printf("# GLOBAL OPTIONS\n\nEvery command takes these.\n\n");
	for (const struct option_spec *o = global_options; o->name != NULL; o++)
		scdoc_option(o);
	printf("# OPTIONS OF ACTS\n\nEvery command that sends an act takes "
	       "these.\n\n");
	for (const struct option_spec *o = send_common_options; o->name != NULL;
	     o++)
		scdoc_option(o);
	printf("# COMMANDS\n\n");
	for (unsigned i = 0; i < count; i++)
		for (const struct command *c = groups[i]; c->noun != NULL; c++)
			scdoc_command(c);
}

static bool topic(const struct args *a, const char *name)
{
	if (strcmp(name, "fields") == 0)
		print_fields(a);
	else if (strcmp(name, "reasons") == 0)
		print_codes(HF_CODES_REASON, a);
	else if (strcmp(name, "results") == 0)
		print_codes(HF_CODES_RESULT, a);
	else if (strcmp(name, "flags") == 0)
		print_codes(HF_CODES_FLAG, a);
	else if (strcmp(name, "from-log") == 0)
		printf("%s", from_log);
	else if (strcmp(name, "scdoc") == 0) /* for the Makefile */
		print_scdoc();
	else
		return false;
	return true;
}

static int run_help(struct args *a)
{
	const char *noun = a->positional[0], *verb = a->positional[1];
	const struct command *c;

	if (noun == NULL) {
		cmd_print_group(NULL);
		printf("\ntopics: holdfast help fields | reasons | results | "
		       "flags | from-log\n");
		return HF_EXIT_OK;
	}
	c = cmd_find(noun, verb);
	if (c != NULL) {
		cmd_print_help(c);
		return HF_EXIT_OK;
	}
	if (verb == NULL && topic(a, noun))
		return HF_EXIT_OK;
	if (verb == NULL && cmd_has_noun(noun)) {
		cmd_print_group(noun);
		return HF_EXIT_OK;
	}
	return out_error(&a->out, HF_USAGE, "no such command or topic", noun,
	    NULL, "holdfast help");
}

static void print_error(const struct args *a, const struct hf_err_info *e)
{
	static const char *const classes[] = {
	    "", "refuse and go on", "try again later", "stop"};

	if (a->out.mode == OUT_JSON)
		out_json(json_pack("{s:s, s:s, s:s, s:i}", "code", e->name,
		    "text", e->text, "cure", e->cure, "exit", (int)e->exit));
	else if (a->positional_count == 0)
		printf("%s  %s\n", e->name, e->text);
	else
		printf("%s  %s\n  cure   %s\n  class  %s\n  exit   %d\n",
		    e->name, e->text, e->cure[0] != '\0' ? e->cure : "-",
		    classes[e->class], (int)e->exit);
}

static int run_errors(struct args *a)
{
	const struct hf_err_info *e;
	bool found = false;

	for (unsigned i = 0; (e = hf_err_at(i)) != NULL; i++) {
		if (e->err == HF_OK ||
		    (a->positional_count > 0 &&
			strcasecmp(a->positional[0], e->name) != 0))
			continue;
		print_error(a, e);
		found = true;
	}
	return found ? HF_EXIT_OK
		     : out_error(&a->out, HF_NOTFOUND, "no such error code",
			   a->positional[0], NULL, "holdfast errors");
}

static int run_cheat(struct args *a)
{
	(void)a;
	printf("at night\n"
	       "  holdfast status                     who am I, what waits\n"
	       "  holdfast inbox --overdue            what is late\n"
	       "  holdfast request show REF           everything of a case\n"
	       "  holdfast peer contacts CC           telephone numbers\n"
	       "asked\n"
	       "  holdfast request ack REF            it has arrived\n"
	       "  holdfast request accept REF         we hold\n"
	       "  holdfast order new REF --to DESK --form instrument.json\n"
	       "  holdfast trace hop REF --from-order ORDER --show FIELD,..\n"
	       "  holdfast request decline REF --reason CODE\n"
	       "asking\n"
	       "  holdfast request new --to US --kind preservation --form F\n"
	       "  holdfast trace follow REF HOP --to DE\n"
	       "  holdfast request extend REF\n"
	       "  holdfast request withdraw REF\n"
	       "any command twice is safe: the same act has one effect\n");
	return HF_EXIT_OK;
}

static int run_completion(struct args *a)
{
	unsigned count;
	const struct command *const *groups = cmd_groups(&count);
	const char *last = "";

	(void)a;
	printf("# bash: eval \"$(holdfast completion)\"\n"
	       "_holdfast() {\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} noun=${COMP_WORDS[1]}\n"
	       "\tcase $COMP_CWORD in\n\t1) COMPREPLY=($(compgen -W \"");
	for (unsigned i = 0; i < count; i++)
		for (const struct command *c = groups[i]; c->noun != NULL;
		     c++) {
			if (strcmp(c->noun, last) != 0)
				printf("%s ", c->noun);
			last = c->noun;
		}
	printf("\" -- \"$cur\"));;\n\t2) case $noun in\n");
	last = "";
	for (unsigned i = 0; i < count; i++) {
		const struct command *c = groups[i];
		bool more = strcmp(c->noun, last) == 0; /* a second table */

		if (c->verb == NULL)
			continue;
		if (!more)
			printf("%s\t\t%s) COMPREPLY=($(compgen -W \"",
			    last[0] != '\0' ? "\" -- \"$cur\"));;\n" : "",
			    c->noun);
		last = c->noun;
		for (; c->noun != NULL && c->verb != NULL; c++)
			printf("%s ", c->verb);
	}
	printf("\" -- \"$cur\"));;\n");
	printf("\t\tesac;;\n\tesac\n}\ncomplete -F _holdfast holdfast\n");
	return HF_EXIT_OK;
}

static int run_version(struct args *a)
{
	if (a->out.mode == OUT_JSON)
		out_json(json_pack("{s:s, s:i}", "version", HOLDFAST_VERSION,
		    "protocol", (int)HF_PROTOCOL_VERSION));
	else
		printf("holdfast " HOLDFAST_VERSION ", protocol %u\n",
		    HF_PROTOCOL_VERSION);
	return HF_EXIT_OK;
}

const struct command cmd_help[] = {
    {"errors", NULL, "[CODE]", "Explain an error, or list all",
	"  holdfast errors E2107\n", CMD_READS | CMD_OFFLINE, 0, 1, NULL,
	run_errors},
    {"cheat", NULL, "", "The commands of a night shift", "", CMD_OFFLINE, 0, 0,
	NULL, run_cheat},
    {"help", NULL, "[NOUN [VERB]]", "Help on a command or topic", "",
	CMD_OFFLINE, 0, 2, NULL, run_help},
    {"completion", NULL, "", "Completion for bash", "", CMD_OFFLINE, 0, 0, NULL,
	run_completion},
    {"version", NULL, "", "Version of program and protocol", "",
	CMD_READS | CMD_OFFLINE, 0, 0, NULL, run_version},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL},
};
