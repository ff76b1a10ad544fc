/*
 * from_log: identifiers, times with zone and ports from lines of real
 * servers' logs (domain.md 2, Annex A): Apache combined, Postfix, Dovecot,
 * RADIUS accounting detail (FreeRADIUS), TACACS+ accounting, vsftpd and
 * xferlog, INN (NNTP), IRC (UnrealIRCd connect lines).
 *
 * Strict: a line that is not wholly understood is refused with the reason.
 */
#ifndef HF_CLIENT_FROM_LOG_H
#define HF_CLIENT_FROM_LOG_H

#include "client/form.h"

struct log_options {
	int zone_minutes; /* for formats without zone; */
	bool zone_known;  /* false: such a line is refused */
	int year;         /* for formats without a year; 0: refused */
};

/**
 * Read line `line` (from 1) of `path`, find its format, add its fields to
 * the draft.  *format out: "apache-combined".
 * why  out: what could not be read
 * Errors: HF_LOGLINE, HF_FILE
 */
HF_MUST_USE enum hf_err from_log(struct draft *d, const char *path,
    unsigned line, const struct log_options *options, uint8_t policy,
    const char **format, char why[200]);
/** The same on text in memory (`text` may be several lines of one record). */
HF_MUST_USE enum hf_err from_log_text(struct draft *d, const char *text,
    size_t size, const struct log_options *options, uint8_t policy,
    const char **format, char why[200]);

#endif
