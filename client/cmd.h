/*
 * cmd: the one static table of commands; it drives parsing, help,
 * completions, man synopses and the test that every read command has --json.
 */
#ifndef HF_CLIENT_CMD_H
#define HF_CLIENT_CMD_H

#include "client/out.h"
#include "client/view.h"

struct option_spec {
	const char *name; /* "to" */
	char short_name;  /* 0: none */
	bool has_value, repeats;
	const char *value; /* "CC" */
	const char *help;
};

#define CMD_VALUES_MAX 512 /* one instrument, hundreds of providers */
struct args {
	const struct command *command;
	struct out out;
	const char *home, *context;
	int timeout_ms;
	const char *positional[4];
	unsigned positional_count;
	unsigned value_count;
	struct {
		const struct option_spec *option;
		const char *value; /* NULL for a switch */
	} values[CMD_VALUES_MAX];
};
/** Value of an option, NULL if absent. */
const char *arg(const struct args *a, const char *name);
/** n-th value of a repeated option, NULL past the end. */
const char *arg_at(const struct args *a, const char *name, unsigned n);
bool arg_on(const struct args *a, const char *name);

/** E7001 with `what` was wrong and where the command's help is. */
int usage_error(const struct args *a, const char *what);

enum cmd_flag { CMD_READS = 1, CMD_SENDS = 2, CMD_OFFLINE = 4 };
struct command {
	const char *noun, *verb; /* verb NULL: the noun alone */
	const char *synopsis;    /* "REF [--days N]" */
	const char *summary;
	const char *examples; /* lines */
	unsigned flags, positional_min, positional_max;
	const struct option_spec *options; /* ends with name NULL */
	int (*run)(struct args *a);
};
/** Tables of the groups, each ending with noun NULL. */
extern const struct command cmd_status[], cmd_context[], cmd_inbox[],
    cmd_request[], cmd_trace[], cmd_order[], cmd_peer[], cmd_key[],
    cmd_country[], cmd_roster[], cmd_deadline[], cmd_audit[],
    cmd_audit_queries[], cmd_queue[], cmd_broker[], cmd_help[];
extern const struct option_spec global_options[];
const struct command *const *cmd_groups(unsigned *count);
void cmd_print_help(const struct command *c);
/** Commands of a noun, or of all (NULL), a line each. */
void cmd_print_group(const char *noun);
const struct command *cmd_find(const char *noun, const char *verb);
bool cmd_has_noun(const char *noun);
int cmd_main(int argc, char **argv);

/** Home, key, link and roster in one call; prints the error itself.
 * Returns HF_EXIT_OK or the exit status. */
struct session {
	struct home home;
	struct link *link;
};
int session_open(struct session *s, struct args *a, bool needs_link);
void session_close(struct session *s);

#endif
