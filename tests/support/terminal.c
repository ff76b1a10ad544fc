#include "tests/support/terminal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void in_child(const char *terminal, int (*body)(void *ctx), void *ctx)
{
	setsid();
	if (terminal != NULL) {
		/* open to the end: a terminal that nobody has open is over for
		 * who reads the other side */
		int fd = open(terminal, O_RDWR | O_NOCTTY);

		if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) != 0)
			_exit(99);
	}
	_exit(body(ctx));
}

int on_terminal(const char *typed, int (*body)(void *ctx), void *ctx,
    char *seen, size_t capacity)
{
	int pt = posix_openpt(O_RDWR | O_NOCTTY), status;
	size_t at = 0;
	bool has_typed = typed == NULL;
	ssize_t n;
	pid_t pid;

	cr_assert(pt >= 0 && grantpt(pt) == 0 && unlockpt(pt) == 0);
	pid = fork();
	if (pid == 0)
		in_child(typed == NULL ? NULL : ptsname(pt), body, ctx);
	cr_assert_gt(pid, 0);
	/* ends with an error when the child has closed its side */
	while (typed != NULL && at + 1 < capacity &&
	       (n = read(pt, seen + at, capacity - at - 1)) > 0) {
		at += (size_t)n;
		if (!has_typed)
			cr_assert(write(pt, typed, strlen(typed)) >= 0 &&
				  write(pt, "\n", 1) == 1);
		has_typed = true;
	}
	seen[at] = '\0';
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	close(pt);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
