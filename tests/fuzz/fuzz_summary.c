/*
 * The summary of an exchange that another country wrote, against acts of
 * ours: the ids 2, 4, ... 16, whose rows are given here and not read from an
 * archive.  What is told to differ lies somewhere.
 */
#define reconcile_all fuzz_reconcile_all
#define reconcile_write fuzz_reconcile_write
#define reconcile_read fuzz_reconcile_read
#include "client/reconcile_internal.h"

static enum hf_err fuzz_next(struct reconciling *r, struct pair *p);
static enum hf_err fuzz_keep(
    struct reconciling *r, const struct reconcile_row *row);
static enum hf_err fuzz_keep_missing(
    struct reconciling *r, const struct pair *p, unsigned side);
static void fuzz_row_init(struct reconciling *r, struct reconcile_row *row,
    const struct pair *p, unsigned side);
#define reconcile_next fuzz_next
#define reconcile_keep fuzz_keep
#define reconcile_keep_missing fuzz_keep_missing
#define reconcile_row_init fuzz_row_init
#include "client/reconcile_summary.c"

#include "tests/fuzz/fuzz.h"

#include <stdio.h>

#define ACTS 8u

static unsigned given;

static enum hf_err fuzz_next(struct reconciling *r, struct pair *p)
{
	(void)r;
	if (given == ACTS)
		return HF_NOTFOUND;
	memset(p, 0, sizeof(*p));
	p->has[0] = true;
	given++;
	memset(&p->id, (int)(2 * given), sizeof(p->id));
	memset(&p->e[0].core, (int)given, sizeof(p->e[0].core));
	return HF_OK;
}

static enum hf_err fuzz_keep(
    struct reconciling *r, const struct reconcile_row *row)
{
	(void)r;
	MUST(hf_country_ok(row->has.s, 2) && hf_country_ok(row->lacks.s, 2),
	    "a row of no country");
	MUST(row->what != RECONCILE_RANGE || is_below(&row->act, &row->until),
	    "a range of nothing");
	return HF_OK;
}

static void fuzz_row_init(struct reconciling *r, struct reconcile_row *row,
    const struct pair *p, unsigned side)
{
	memset(row, 0, sizeof(*row));
	row->has = r->result->country[side];
	row->lacks = r->result->country[1 - side];
	row->act = p->id;
}

static enum hf_err fuzz_keep_missing(
    struct reconciling *r, const struct pair *p, unsigned side)
{
	struct reconcile_row row;

	fuzz_row_init(r, &row, p, side);
	return fuzz_keep(r, &row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reconciled result = {.country = {{"JP"}}};
	struct reconciling r = {.result = &result};
	unsigned line = 0;
	enum hf_err err;
	FILE *f;

	fuzz_init();
	if (size == 0)
		return 0;
	f = fmemopen((void *)(uintptr_t)data, size, "r");
	MUST(f != NULL, "fmemopen");
	given = 0;
	err = read_heading(&r, f, &line);
	if (err == HF_OK)
		err = compare_summary(&r, f, &line);
	fclose(f);
	MUST(err == HF_OK || err == HF_RANGE || err == HF_USAGE ||
		 err == HF_FILE,
	    "another error");
	MUST(line <= size + 1, "a line that is not there");
	return 0;
}
