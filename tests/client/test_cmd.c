/*
 * The one table of commands keeps its own promises.
 */
#include "client/cmd.h"
#include "client/out.h"

#include <criterion/criterion.h>
#include <string.h>

static bool has_option(const struct option_spec *list, const char *name)
{
	for (; list != NULL && list->name != NULL; list++)
		if (strcmp(list->name, name) == 0)
			return true;
	return false;
}

Test(cmd, every_command_is_whole_and_found_once)
{
	unsigned count, commands = 0;
	const struct command *const *groups = cmd_groups(&count);

	for (unsigned i = 0; i < count; i++)
		for (const struct command *c = groups[i]; c->noun != NULL;
		     c++) {
			commands++;
			cr_expect_not_null(c->run, "%s", c->noun);
			cr_expect_gt(strlen(c->summary), 0);
			cr_expect_leq(c->positional_min, c->positional_max);
			cr_expect_eq(cmd_find(c->noun, c->verb), c, "%s %s",
			    c->noun, c->verb != NULL ? c->verb : "");
			cr_expect_neq(c->flags, 0, "%s", c->noun);
		}
	cr_expect_gt(commands, 60);
}

/* --json and --dry-run are global; no command may take them away. */
Test(cmd, json_and_dry_run_are_on_every_command)
{
	unsigned count;
	const struct command *const *groups = cmd_groups(&count);

	cr_expect(has_option(global_options, "json"));
	cr_expect(has_option(global_options, "dry-run"));
	for (unsigned i = 0; i < count; i++)
		for (const struct command *c = groups[i]; c->noun != NULL; c++)
			for (const struct option_spec *o = global_options;
			     o->name != NULL; o++)
				cr_expect_not(has_option(c->options, o->name),
				    "%s %s hides --%s", c->noun,
				    c->verb != NULL ? c->verb : "", o->name);
}

Test(out, knows_the_width_of_japanese_and_hides_controls)
{
	char safe[32];

	cr_expect_eq(text_width("abc"), 3);
	cr_expect_eq(text_width("保全"), 4);
	cr_expect_eq(text_width("a保"), 3);
	out_safe(safe, sizeof(safe), "a\x1b[31mb", 7);
	cr_expect_str_eq(safe, "a\\x1b[31mb");
	out_safe(safe, sizeof(safe), "a\nb", 3);
	cr_expect_str_eq(safe, "a b");
	out_due(
	    safe, sizeof(safe), (struct instant){6120000}, (struct instant){1});
	cr_expect_str_eq(safe, "due in 1 h 41 min");
	out_due(
	    safe, sizeof(safe), (struct instant){1}, (struct instant){240001});
	cr_expect_str_eq(safe, "OVERDUE 4 min 00 s");
}
