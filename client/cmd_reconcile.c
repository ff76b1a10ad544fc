/*
 * cmd_reconcile: two countries' ledgers of their exchange, for people and for
 * scripts.
 */
#include "client/query.h"
#include "client/reconcile.h"

#include "proto/catalogue.h"
#include "proto/crypto.h"
#include "proto/text.h"

#include <errno.h>
#include <string.h>

struct rows {
	const struct args *args;
	struct table *table;
};

static const char *const what_names[] = {
    [RECONCILE_MISSING] = "missing",
    [RECONCILE_DIFFERS] = "differs",
    [RECONCILE_REFUSED] = "refused",
    [RECONCILE_LATER] = "later",
    [RECONCILE_RANGE] = "range",
};

static void row_text(const struct reconcile_row *r, char out[FINDING_TEXT])
{
	char until[2 * HF_ID_SIZE + 1];

	switch (r->what) {
	case RECONCILE_MISSING:
		snprintf(out, FINDING_TEXT, "%s has it, %s has not%s", r->has.s,
		    r->lacks.s,
		    r->receipted ? ", though there is its receipt"
				 : (r->known ? "; no receipt" : ""));
		return;
	case RECONCILE_DIFFERS:
		snprintf(out, FINDING_TEXT, "%s and %s differ in its %s",
		    r->has.s, r->lacks.s, r->part);
		return;
	case RECONCILE_REFUSED:
		snprintf(out, FINDING_TEXT, "%s refused it: %s", r->lacks.s,
		    hf_err_info((enum hf_err)r->refusal)->name);
		return;
	case RECONCILE_LATER:
		snprintf(out, FINDING_TEXT,
		    "the archive of %s ends before it came", r->lacks.s);
		return;
	case RECONCILE_RANGE:
		hf_hex(until, &r->until, sizeof(r->until));
		snprintf(out, FINDING_TEXT,
		    "%s has %llu acts from here on, %s has %llu, until %s",
		    r->has.s, (unsigned long long)r->count_has, r->lacks.s,
		    (unsigned long long)r->count_lacks, until);
		return;
	}
}

static json_t *row_json(const struct reconcile_row *r)
{
	char text[FINDING_TEXT];
	json_t *o;

	row_text(r, text);
	o = json_pack("{s:s, s:s}", "what", what_names[r->what], "text", text);
	if (r->what == RECONCILE_RANGE) {
		query_json_id(o, "from", &r->act);
		query_json_id(o, "until", &r->until);
		json_object_set_new(
		    o, r->has.s, json_integer((json_int_t)r->count_has));
		json_object_set_new(
		    o, r->lacks.s, json_integer((json_int_t)r->count_lacks));
		return o;
	}
	query_json_id(o, "act", &r->act);
	json_object_set_new(o, "has", json_string(r->has.s));
	if (r->what != RECONCILE_DIFFERS)
		json_object_set_new(o, "lacks", json_string(r->lacks.s));
	if (!r->known)
		return o;
	json_object_set_new(
	    o, "kind", json_string(hf_code_name(HF_CODES_KIND, r->kind)));
	query_json_id(o, "case", &r->case_id);
	if (r->ref[0] != '\0')
		json_object_set_new(o, "ref", json_string(r->ref));
	json_object_set_new(o, "entry", json_integer((json_int_t)r->entry));
	query_json_time(o, "entered", r->entered);
	json_object_set_new(o, "receipted", json_boolean(r->receipted));
	return o;
}

static enum hf_err list_row(void *ctx, const struct reconcile_row *r)
{
	struct rows *l = ctx;
	char text[FINDING_TEXT], id[2 * HF_ID_SIZE + 1], entry[24] = "-";

	if (l->args->out.mode == OUT_JSON) {
		out_json(row_json(r));
		return HF_OK;
	}
	row_text(r, text);
	hf_hex(id, &r->act, sizeof(r->act));
	if (r->known)
		snprintf(entry, sizeof(entry), "%s %llu", r->has.s,
		    (unsigned long long)r->entry);
	table_row(
	    l->table, (const char *[]){what_names[r->what],
			  r->ref[0] != '\0' ? r->ref : "-",
			  r->known ? hf_code_name(HF_CODES_KIND, r->kind) : "-",
			  entry, id, text});
	return HF_OK;
}

static int told(struct args *args, const struct reconciled *r)
{
	bool table = args->out.mode == OUT_TABLE;

	if (r->unreadable > 0)
		fprintf(stderr,
		    "  note: %llu entries cannot be read: holdfast audit "
		    "verify\n",
		    (unsigned long long)r->unreadable);
	if (table && !args->out.quiet)
		printf("%s %llu acts of the exchange, %s %llu: %llu "
		       "differences, %llu explained\n",
		    r->country[0].s, (unsigned long long)r->acts[0],
		    r->country[1].s, (unsigned long long)r->acts[1],
		    (unsigned long long)r->differences,
		    (unsigned long long)r->explained);
	return r->differences == 0 ? HF_EXIT_OK : HF_EXIT_VERIFY;
}

static struct table *row_table(const struct args *args)
{
	static const char *const headings[] = {
	    "WHAT", "REFERENCE", "KIND", "ENTRY", "ACT", "WHICH", NULL};

	return args->out.mode == OUT_JSON ? NULL : table_new(headings);
}

static int compare_failed(
    struct args *args, enum hf_err err, const char *where, const char *usage_of)
{
	if (err == HF_USAGE)
		return out_error(&args->out, err, usage_of, where, NULL, NULL);
	return query_failed(args, err, where);
}

static int reconcile_both(struct args *args)
{
	struct rows l = {.args = args};
	struct archive *a = NULL, *b = NULL;
	struct reconciled r;
	enum hf_err err;
	int status = query_open(args, args->positional[0], &a);

	if (status == HF_EXIT_OK)
		status = query_open(args, args->positional[1], &b);
	if (status == HF_EXIT_OK) {
		l.table = row_table(args);
		err = reconcile_archives(a, b, list_row, &l, &r);
		table_print(l.table, &args->out);
		status = err == HF_OK
			     ? told(args, &r)
			     : compare_failed(args, err, archive_dir(a),
				   "both archives are of one country");
	}
	archive_close(a);
	archive_close(b);
	return status;
}

static int reconcile_with(struct args *args, const char *path)
{
	struct rows l = {.args = args};
	struct archive *a = NULL;
	struct reconciled r;
	char where[HOME_PATH_MAX + 32];
	unsigned line = 0;
	enum hf_err err;
	FILE *f;
	int status = query_open(args, args->positional[0], &a);

	if (status != HF_EXIT_OK)
		return status;
	f = fopen(path, "re");
	if (f == NULL) {
		archive_close(a);
		return out_error(
		    &args->out, HF_FILE, strerror(errno), path, NULL, NULL);
	}
	l.table = row_table(args);
	err = reconcile_read(a, f, list_row, &l, &r, &line);
	table_print(l.table, &args->out);
	snprintf(where, sizeof(where), "%.1000s:%u", path, line);
	if (err == HF_OK)
		status = told(args, &r);
	else if (err == HF_RANGE)
		status = out_error(&args->out, err,
		    "the summary is malformed (SPEC 13.8)", where, NULL,
		    "ask for it again");
	else
		status = compare_failed(args, err,
		    err == HF_USAGE ? where : archive_dir(a),
		    "the summary is not of this country and another one");
	fclose(f);
	archive_close(a);
	return status;
}

static bool read_id(struct hf_id *id, const char *text)
{
	return text == NULL ||
	       hf_hex_read(id->b, sizeof(*id), text, strlen(text)) == HF_OK;
}

static bool read_span(struct args *args, struct reconcile_span *s)
{
	const char *acts = arg(args, "acts");
	uint64_t n = RECONCILE_ACTS;

	*s = reconcile_all();
	if (acts != NULL &&
	    (!text_read_uint(&n, acts, strlen(acts), 1000000) || n == 0))
		return false;
	s->acts = (unsigned)n;
	return read_id(&s->from, arg(args, "from")) &&
	       read_id(&s->until, arg(args, "until")) &&
	       memcmp(&s->from, &s->until, sizeof(s->from)) <= 0;
}

static int reconcile_summary(struct args *args, const char *path)
{
	const char *cc = arg(args, "peer");
	struct hf_country peer = {{0}};
	struct reconcile_span span;
	struct archive *a = NULL;
	struct reconciled r;
	enum hf_err err;
	char *text = NULL;
	size_t size;
	FILE *f;
	int status;

	if (cc == NULL || strlen(cc) != 2 || !hf_country_ok(cc, 2))
		return usage_error(args, "--summary wants --peer CC");
	if (!read_span(args, &span))
		return usage_error(args,
		    "--from and --until want whole act ids, "
		    "--acts 1 or more");
	memcpy(peer.s, cc, 2);
	status = query_open(args, args->positional[0], &a);
	if (status != HF_EXIT_OK)
		return status;
	f = out_must(open_memstream(&text, &size));
	err = reconcile_write(a, peer, &span, f, &r);
	if (fclose(f) != 0 && err == HF_OK)
		err = HF_NOMEM;
	if (err == HF_OK)
		err = home_write(path, text, size, 0644);
	free(text);
	if (err != HF_OK)
		status = compare_failed(args, err,
		    err == HF_FILE ? path : archive_dir(a),
		    "the archive is of that country itself");
	else if (args->out.mode == OUT_JSON)
		out_json(json_pack("{s:s, s:s, s:I, s:s}", "country",
		    r.country[0].s, "peer", r.country[1].s, "acts",
		    (json_int_t)r.acts[0], "file", path));
	else
		printf("%llu acts of %s with %s, summary in %s\n",
		    (unsigned long long)r.acts[0], r.country[0].s,
		    r.country[1].s, path);
	archive_close(a);
	return status;
}

int query_reconcile(struct args *args)
{
	const char *summary = arg(args, "summary"), *with = arg(args, "with");

	if (summary != NULL && with != NULL)
		return usage_error(args,
		    "--summary writes, --with reads: one of "
		    "the two");
	if (summary == NULL && with == NULL)
		return args->positional_count == 2
			   ? reconcile_both(args)
			   : usage_error(args,
				 "two archives, or --summary FILE, or "
				 "--with FILE");
	if (args->positional_count > 1)
		return usage_error(args, "one archive only");
	return summary != NULL ? reconcile_summary(args, summary)
			       : reconcile_with(args, with);
}
