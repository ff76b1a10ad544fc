/*
 * out: everything people and scripts read: tables, JSON, errors, colour.
 */
#ifndef HF_CLIENT_OUT_H
#define HF_CLIENT_OUT_H

#include "proto/types.h"

#include <jansson.h>
#include <stdio.h>

enum out_mode { OUT_TABLE, OUT_JSON, OUT_CSV, OUT_PLAIN };
struct out {
	enum out_mode mode;
	bool colour, quiet, verbose, no_input, yes, dry_run;
	const char *language; /* "en", "ja" */
};

struct table;
struct table *table_new(const char *const *headings); /* NULL-terminated */
void table_row(struct table *t, const char *const *cells);
/** Print (double-width aware; CSV with formula guard) and free. */
void table_print(struct table *t, const struct out *o);
int text_width(const char *utf8);

/** error[E2107]: ... / where / known / fix / more, on stderr (JSON object
 * with --json).  `where`, `known` and `fix` may be NULL. Returns the exit
 * status. */
int out_error(const struct out *o, enum hf_err err, const char *what,
    const char *where, const char *known, const char *fix);
/** warning[E7011]: ... / fix, on stderr (JSON object with --json); the command
 * goes on.  Once in a process, and not with --quiet. */
void out_warning(const struct out *o, enum hf_err err);
void out_json(json_t *object); /* one line; steals the reference */
/** "due in 1 h 42 min", "OVERDUE 0:04" */
void out_due(
    char *text, size_t capacity, struct instant due, struct instant now);
/** A length of time: "4 min 10 s", "2 d 3 h". */
void out_span(char *text, size_t capacity, uint64_t ms);
/** Terminal-safe copy: control characters of foreign text made visible. */
void out_safe(char *out, size_t capacity, const char *text, size_t size);
struct instant out_now(void);

#endif
