#include "broker/log.h"

#include "proto/ref.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *name = "holdfastd";

void log_open(const char *process)
{
	name = process;
}

void log_line(enum log_level level, enum hf_err code, const char *format, ...)
{
	static const char *const levels[] = {"error", "warn", "info"};
	char line[1024], when[32];
	struct timespec t;
	va_list args;
	size_t at;

	clock_gettime(CLOCK_REALTIME, &t);
	hf_rfc3339(when,
	    (struct instant){
		(uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u},
	    0);
	at = (size_t)snprintf(
	    line, sizeof(line), "%s %s %s ", when, levels[level], name);
	va_start(args, format);
	vsnprintf(line + at, sizeof(line) - at - 16, format, args);
	va_end(args);
	at = strlen(line);
	if (code != HF_OK)
		at += (size_t)snprintf(line + at, sizeof(line) - at, " code=%s",
		    hf_err_info(code)->name);
	line[at++] = '\n';
	/* one write a line: processes share the descriptor */
	if (write(STDERR_FILENO, line, at) < 0)
		return;
}
