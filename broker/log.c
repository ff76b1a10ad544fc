#include "broker/log.h"

#include "proto/ref.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Processes share the descriptor: a write of whole lines, and of no more
 * than a pipe takes as one. */
static struct {
	bool open;
	size_t size;
	char bytes[PIPE_BUF];
} group;

static const char *name = "holdfastd";

void log_open(const char *process)
{
	name = process;
}

static void put_out(const char *bytes, size_t size)
{
	if (size > 0 && write(STDERR_FILENO, bytes, size) < 0)
		return; /* nobody to tell it to */
}

static void flush(void)
{
	put_out(group.bytes, group.size);
	group.size = 0;
}

void log_group(bool open)
{
	group.open = open;
	if (!open)
		flush();
}

static void put_line(enum log_level level, const char *line, size_t size)
{
	if (group.size + size > sizeof(group.bytes))
		flush();
	if (!group.open) {
		put_out(line, size);
		return;
	}
	memcpy(group.bytes + group.size, line, size);
	group.size += size;
	if (level == LOG_ERROR)
		flush();
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
	put_line(level, line, at);
}
