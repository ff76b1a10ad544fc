/*
 * One run of the program after the other, with what it calls between it and
 * the machine: the link is the office's, and a call may be made to fail.
 */
#include "tests/desk/program.h"

#include "client/cmd.h"
#include "proto/act.h"
#include "tests/desk/calls.h"
#include "tests/desk/files.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 64u
#define SAID_MAX (4u << 20)
#define TOO_LONG_S 60u

bool program_spoils;
static char said_out[SAID_MAX], said_err[SAID_MAX];
static const char *input;

const char *work(const char *name)
{
	static char path[16][192];
	static unsigned at;

	at = (at + 1) % 16;
	snprintf(path[at], sizeof(path[at]), "%s/work/%s", office_dir(), name);
	return path[at];
}

const char *work_file(const char *name, const char *text)
{
	const char *path = work(name);
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f, "%s", path);
	cr_assert_geq(fputs(text, f), 0);
	cr_assert_eq(fclose(f), 0);
	return path;
}

void program_stdin(const char *text)
{
	input = text;
}

void program_terminal(bool on)
{
	calls_terminal(on);
}

/* ---- one run ---- */

static int as_file(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	if (text != NULL)
		cr_assert_eq(
		    write(fd, text, strlen(text)), (ssize_t)strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void take(int fd, char *text)
{
	ssize_t n = pread(fd, text, SAID_MAX - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	close(fd);
}

/* The program's main, with its words in `out` and `err`. */
static int run_into(int out, int err, const char *who, const char *const *args)
{
	static char words[ARGS_MAX][8192];
	char *argv[ARGS_MAX + 4];
	int old[3], fds[3] = {as_file(input), out, err}, argc = 0, status;

	snprintf(words[argc++], sizeof(words[0]), "holdfast");
	if (who != NULL) {
		snprintf(words[argc++], sizeof(words[0]), "--home");
		snprintf(
		    words[argc++], sizeof(words[0]), "%s", office_home(who));
	}
	for (; *args != NULL; args++) {
		cr_assert_lt(argc, (int)ARGS_MAX);
		snprintf(words[argc++], sizeof(words[0]), "%s", *args);
	}
	for (int i = 0; i < argc; i++)
		argv[i] = words[i];
	argv[argc] = NULL;
	fflush(NULL);
	for (int i = 0; i < 3; i++) {
		old[i] = dup(i);
		dup2(fds[i], i);
	}
	clearerr(stdin);
	status = cmd_main(argc, argv);
	fflush(NULL);
	for (int i = 0; i < 3; i++) {
		dup2(old[i], i);
		close(old[i]);
	}
	close(fds[0]);
	return status;
}

static struct said run_once(const char *who, const char *const *args)
{
	int out = as_file(NULL), err = as_file(NULL);
	struct said s = {run_into(out, err, who, args), said_out, said_err};

	take(out, said_out);
	take(err, said_err);
	return s;
}

/* ---- with something failing ---- */

static void line_of(char *text, size_t size, const char *const *args)
{
	size_t at = 0;

	text[0] = '\0';
	for (; *args != NULL && at + 1 < size; args++)
		at += (size_t)snprintf(text + at, size - at, " %.60s", *args);
}

/* In a child; its status, or -1 when it did not end by itself. */
static int run_apart(
    const char *who, const char *const *args, unsigned at, int out, int err)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		alarm(TOO_LONG_S);
		calls_replay(at);
		status = run_into(out, err, who, args);
		_exit(status);
	}
	cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool tells(const struct said *s)
{
	return strstr(s->err, "error[E") != NULL ||
	       strstr(s->err, "\"error\":\"E") != NULL ||
	       (s->status == HF_EXIT_VERIFY &&
		   (strstr(s->out, "DIVERGES") != NULL ||
		       strstr(s->out, "divergences") != NULL ||
		       strstr(s->err, "DIVERGES") != NULL));
}

/* What the run with call `at` failing did wrong; NULL: nothing. */
static const char *wrong(
    const struct said *s, unsigned at, const struct said *good)
{
	if (s->status < 0)
		return "was ended by a signal";
	if (s->status != HF_EXIT_OK && !tells(s))
		return "ended without an error told";
	if (strstr(s->out, "(null)") != NULL ||
	    strstr(s->err, "(null)") != NULL)
		return "said (null)";
	if (s->status == HF_EXIT_OK && !calls_may_differ(at) &&
	    strcmp(s->out, good->out) != 0)
		return "ended well and said something else";
	return files_wrong(calls_may_differ(at));
}

static struct said run_spoilt(const char *who, const char *const *args)
{
	static char out_text[SAID_MAX], err_text[SAID_MAX];
	static struct said good;
	char line[400];
	unsigned count;

	line_of(line, sizeof(line), args);
	files_before(who);
	calls_record();
	good = run_once(who, args);
	calls_done();
	files_after();
	if (good.status != HF_EXIT_OK)
		return good;
	files_put_back();
	count = calls_watch(run_apart, who, args);
	for (unsigned i = 0; i < count; i++) {
		struct said s = {.out = out_text, .err = err_text};
		int out, err;
		const char *what;

		if (!calls_is_new(i))
			continue;
		out = as_file(NULL);
		err = as_file(NULL);
		files_put_back();
		s.status = run_apart(who, args, i + 1, out, err);
		take(out, out_text);
		take(err, err_text);
		what = wrong(&s, i, &good);
		if (what != NULL)
			cr_expect(false,
			    "%s:%s: with %s: %s (status %d): %.600s", who, line,
			    calls_name(i), what, s.status, err_text);
	}
	files_go_on();
	return good;
}

/* ---- what tests call ---- */

struct said run_list(const char *who, const char *const *args)
{
	return program_spoils && who != NULL ? run_spoilt(who, args)
					     : run_once(who, args);
}

#define LIST(first, args) \
	do { \
		va_list more; \
		unsigned n_ = 0; \
		va_start(more, first); \
		while (((args)[n_] = va_arg(more, const char *)) != NULL) \
			cr_assert_lt(++n_, ARGS_MAX); \
		va_end(more); \
	} while (0)

struct said run(const char *who, ...)
{
	const char *args[ARGS_MAX + 1];

	LIST(who, args);
	return run_list(who, args);
}

struct said ok(const char *who, ...)
{
	const char *args[ARGS_MAX + 1];
	char line[400];
	struct said s;

	LIST(who, args);
	line_of(line, sizeof(line), args);
	s = run_list(who, args);
	cr_assert_eq(
	    s.status, HF_EXIT_OK, "%s:%s: %d: %s", who, line, s.status, s.err);
	return s;
}

struct said spoilt(const char *who, ...)
{
	const char *args[ARGS_MAX + 1];
	char line[400];
	struct said s;

	LIST(who, args);
	line_of(line, sizeof(line), args);
	s = run_spoilt(who, args);
	cr_assert_eq(
	    s.status, HF_EXIT_OK, "%s:%s: %d: %s", who, line, s.status, s.err);
	return s;
}

struct said refused(int status, const char *words, const char *who, ...)
{
	const char *args[ARGS_MAX + 1];
	char line[400];
	struct said s;

	LIST(who, args);
	line_of(line, sizeof(line), args);
	s = run_once(who, args);
	cr_expect_eq(s.status, status, "%s: %d, not %d: %s%s", line, s.status,
	    status, s.out, s.err);
	cr_expect(strstr(s.err, words) != NULL, "%s: no \"%s\" in: %s", line,
	    words, s.err);
	cr_expect(tells(&s), "%s: no error told: %s", line, s.err);
	return s;
}

const char *told(const struct said *s, const char *name)
{
	static char text[4][1024];
	static unsigned at;
	json_t *o = json_loads(s->out, JSON_DISABLE_EOF_CHECK, NULL);
	const char *v = json_string_value(json_object_get(o, name));

	cr_assert_not_null(v, "no %s in %s", name, s->out);
	at = (at + 1) % 4;
	snprintf(text[at], sizeof(text[at]), "%s", v);
	json_decref(o);
	return text[at];
}
