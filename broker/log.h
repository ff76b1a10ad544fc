/*
 * log: one line an event on standard error: time, level, process, event,
 * then key=value pairs.  Ids and codes, never content.
 */
#ifndef HF_BROKER_LOG_H
#define HF_BROKER_LOG_H

#include "proto/err.h"

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO };

/** Name of this process in its lines: "core". */
void log_open(const char *process);
/** From true to false, lines that are no errors wait for company: one write
 * for up to four kilobytes. */
void log_group(bool open);
void log_line(enum log_level level, enum hf_err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
