/*
 * out: everything people and scripts read: tables, JSON, errors, colour.
 */
#ifndef HF_CLIENT_OUT_H
#define HF_CLIENT_OUT_H

#include "proto/catalogue.h"
#include "proto/types.h"

#include <jansson.h>
#include <stdio.h>

enum out_mode { OUT_TABLE, OUT_JSON, OUT_CSV, OUT_PLAIN };
struct out {
	enum out_mode mode;
	bool colour, quiet, verbose, no_input, yes, dry_run;
	const char *language; /* "en", "ja" */
};

/** The program begins, or knows by now how its errors are wanted.  What is
 * said is whole or not at all: from now on, when there is no memory for JSON
 * or a table, the program ends with HF_NOMEM. */
void out_begin(enum out_mode mode);
/** `p`, which the program cannot go on without: the same when it is NULL. */
void *out_must(void *p);

/** The s of a plural. */
#define OUT_S(n) ((n) == 1 ? "" : "s")

struct table;
struct table *table_new(const char *const *headings); /* NULL-terminated */
void table_row(struct table *t, const char *const *cells);
/** Print (double-width aware; CSV with formula guard) and free; NULL is
 * fine. */
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
/** One line; they steal the reference.  On stdout, on stderr. */
void out_json(json_t *object);
void out_json_error(json_t *object);
/** A code's words in the officer's language; "?" for one that is unknown. */
const char *out_label(const struct out *o, enum hf_codes list, unsigned code);
/** A cell: words for people, in a table; what one types, for scripts. */
const char *out_word(const struct out *o, enum hf_codes list, unsigned code);
/** "due in 1 h 42 min", "OVERDUE 0:04" */
void out_due(
    char *text, size_t capacity, struct instant due, struct instant now);
/** A length of time: "4 min 10 s", "2 d 3 h". */
void out_span(char *text, size_t capacity, uint64_t ms);
/** Terminal-safe copy: control characters of foreign text made visible. */
void out_safe(char *out, size_t capacity, const char *text, size_t size);
struct instant out_now(void);

#endif
