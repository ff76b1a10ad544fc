/*
 * cmd_audit_queries: the auditor's questions.  All are answered from an
 * archive on disk (audit fetch); nothing is connected.
 */
#include "client/query.h"
#include "client/stats.h"

#include "proto/crypto.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>

/* ---- the archive ---- */

/* The archive that was named, else HOME/ledger. */
static int find_dir(
    struct args *args, const char *given, char dir[HOME_PATH_MAX])
{
	struct home home;
	enum hf_err err = HF_OK;

	if (given != NULL) {
		snprintf(dir, HOME_PATH_MAX, "%s", given);
		return HF_EXIT_OK;
	}
	err = home_open(&home, args->home, args->context);
	if (err != HF_OK)
		return out_error(&args->out, err, home.problem, NULL, NULL,
		    "name the archive: holdfast audit VERB DIR");
	snprintf(dir, HOME_PATH_MAX, "%.1000s/ledger", home.path);
	home_close(&home);
	return HF_EXIT_OK;
}

int query_failed(struct args *args, enum hf_err err, const char *dir)
{
	const char *what =
	    err == HF_FILE ? "no archive of a ledger is there"
	    : err == HF_NOTFOUND
		? "the archive has no head: its fetch did not end"
		: "the archive cannot be read";

	return out_error(&args->out, err, what, dir, NULL,
	    "holdfast audit fetch; holdfast audit verify");
}

int query_open(struct args *args, const char *given, struct archive **out)
{
	char dir[HOME_PATH_MAX];
	int status = find_dir(args, given, dir);
	enum hf_err err;

	if (status != HF_EXIT_OK)
		return status;
	err = hf_crypto_init();
	if (err == HF_OK)
		err = archive_open(out, dir);
	return err == HF_OK ? HF_EXIT_OK : query_failed(args, err, dir);
}

/* *roster: to be freed, like *out. */
static int open_archive(struct args *args, const char *given,
    struct archive **out, struct roster **roster)
{
	int status = query_open(args, given, out);
	enum hf_err err;

	*roster = NULL;
	if (status != HF_EXIT_OK)
		return status;
	err = archive_roster(*out, roster);
	if (err == HF_OK)
		return HF_EXIT_OK;
	status = query_failed(args, err, archive_dir(*out));
	archive_close(*out);
	return status;
}

/* --at, else the archive's end. */
static bool read_now(struct args *args, struct instant *now)
{
	const char *at = arg(args, "at");
	int zone;

	now->ms = 0;
	return at == NULL || hf_rfc3339_read(now, &zone, at) == HF_OK;
}

static void tell_limits(const struct args *args, const struct asking *q)
{
	char now[32];

	if (q->unreadable > 0)
		fprintf(stderr,
		    "  note: %llu entries cannot be read: holdfast audit "
		    "verify\n",
		    (unsigned long long)q->unreadable);
	if (q->cut > 0)
		fprintf(stderr,
		    "  note: %llu cases have more entries than a case can "
		    "have; the first ones were read\n",
		    (unsigned long long)q->cut);
	if (args->out.mode != OUT_TABLE || args->out.quiet)
		return;
	hf_rfc3339(now, q->now, 0);
	printf("as of %s\n", now);
}

/* ---- findings ---- */

struct listing {
	const struct args *args;
	const struct asking *q;
	struct table *table;
	uint64_t count;
};

static const struct hf_id no_id;

void query_json_id(json_t *o, const char *name, const struct hf_id *id)
{
	char hex[2 * HF_ID_SIZE + 1];

	if (finding_same_id(id, &no_id))
		return;
	hf_hex(hex, id, sizeof(*id));
	json_object_set_new(o, name, json_string(hex));
}

void query_json_time(json_t *o, const char *name, struct instant t)
{
	char text[32];

	if (t.ms == 0)
		return;
	hf_rfc3339(text, t, 0);
	json_object_set_new(o, name, json_string(text));
}

/* Of a case: of the ledger as a whole nothing is still to come. */
static bool has_left(const struct listing *l, const struct finding *f)
{
	return f->until.ms != 0 && f->ref[0] != '\0' && l->q->now.ms != 0;
}

static json_t *finding_json(const struct listing *l, const struct finding *f)
{
	json_t *o = json_pack("{s:s, s:s}", "what", f->what, "text", f->text);

	if (f->ref[0] != '\0')
		json_object_set_new(o, "ref", json_string(f->ref));
	query_json_id(o, "case", &f->case_id);
	query_json_id(o, "act", &f->act);
	if (f->entry != FINDING_NO_ENTRY)
		json_object_set_new(
		    o, "entry", json_integer((json_int_t)f->entry));
	if (f->peer.s[0] != '\0')
		json_object_set_new(o, "peer", json_string(f->peer.s));
	query_json_time(o, "at", f->at);
	query_json_time(o, "until", f->until);
	if (has_left(l, f))
		json_object_set_new(o, "left_s",
		    json_integer(
			((json_int_t)f->until.ms - (json_int_t)l->q->now.ms) /
			1000));
	return o;
}

static void time_cell(char out[32], struct instant t)
{
	snprintf(out, 32, "-");
	if (t.ms != 0)
		hf_rfc3339(out, t, 0);
}

static enum hf_err list_finding(void *ctx, const struct finding *f)
{
	struct listing *l = ctx;
	char entry[24] = "-", at[32], until[32], left[48] = "-";

	l->count++;
	if (l->args->out.mode == OUT_JSON) {
		out_json(finding_json(l, f));
		return HF_OK;
	}
	if (f->entry != FINDING_NO_ENTRY)
		snprintf(
		    entry, sizeof(entry), "%llu", (unsigned long long)f->entry);
	time_cell(at, f->at);
	time_cell(until, f->until);
	if (has_left(l, f) && f->until.ms > l->q->now.ms)
		out_span(left, sizeof(left), f->until.ms - l->q->now.ms);
	else if (has_left(l, f))
		snprintf(left, sizeof(left), "past");
	table_row(l->table,
	    (const char *[]){f->what, f->ref[0] != '\0' ? f->ref : "-", entry,
		at, until, left, f->text});
	return HF_OK;
}

/* One of the questions, with its last line. */
static int ask(struct args *args, enum hf_err (*find)(struct asking *q),
    struct asking *peer, const char *none)
{
	static const char *const headings[] = {
	    "WHAT", "REFERENCE", "ENTRY", "AT", "UNTIL", "LEFT", "WHICH", NULL};
	struct asking q = {.each = list_finding,
	    .peer = peer,
	    .certified = arg_on(args, "certified")};
	struct listing l = {.args = args, .q = &q};
	struct archive *archive;
	struct roster *roster;
	enum hf_err err;
	int status;

	if (!read_now(args, &q.now))
		return usage_error(
		    args, "--at wants a time like 2026-11-21T11:02:03+09:00");
	status = open_archive(args, args->positional[0], &archive, &roster);
	if (status != HF_EXIT_OK)
		return status;
	if (args->out.mode != OUT_JSON)
		l.table = table_new(headings);
	q.archive = archive;
	q.roster = roster;
	q.ctx = &l;
	if (peer != NULL)
		peer->now = q.now;
	err = find(&q);
	table_print(l.table, &args->out);
	if (err != HF_OK)
		status = query_failed(args, err, archive_dir(archive));
	else {
		if (args->out.mode == OUT_TABLE && !args->out.quiet)
			l.count == 0 ? printf("%s, ", none)
				     : printf("%llu found, ",
					   (unsigned long long)l.count);
		tell_limits(args, &q);
	}
	roster_free(roster);
	archive_close(archive);
	return status;
}

static int run_gaps(struct args *a)
{
	return ask(a, gaps_find, NULL, "no gaps");
}

static int run_orphans(struct args *a)
{
	return ask(a, orphans_find, NULL, "no orphans");
}

static int run_uncovered(struct args *a)
{
	return ask(a, uncovered_find, NULL, "every promised hold is covered");
}

static int run_erasures(struct args *a)
{
	struct asking peer = {.archive = NULL};
	const char *dir = arg(a, "peer");
	struct archive *archive;
	struct roster *roster;
	int status;

	if (dir == NULL)
		return ask(
		    a, erasures_find, NULL, "nothing is retained too long");
	status = open_archive(a, dir, &archive, &roster);
	if (status != HF_EXIT_OK)
		return status;
	peer.archive = archive;
	peer.roster = roster;
	status = ask(a, erasures_find, &peer, "nothing is retained too long");
	roster_free(roster);
	archive_close(archive);
	return status;
}

/* ---- stats ---- */

#define BAR_WIDTH 24u

static bool read_by(struct args *a, enum stats_by *by)
{
	static const char *const names[] = {
	    "all", "peer", "kind", "hour", "weekday"};
	const char *given = arg(a, "by");

	*by = STATS_ALL;
	if (given == NULL)
		return true;
	for (unsigned i = 1; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(given, names[i]) == 0) {
			*by = (enum stats_by)i;
			return true;
		}
	return false;
}

static json_t *stats_json(const struct stats_group *g)
{
	static const char *const names[STATS_TIMES] = {
	    "acknowledge", "decide", "first_hop"};
	json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:I}", "group", g->name,
	    "acts", (json_int_t)g->acts, "cases", (json_int_t)g->cases, "kept",
	    (json_int_t)g->kept, "missed", (json_int_t)g->missed);

	for (unsigned i = 0; i < STATS_TIMES; i++)
		json_object_set_new(o, names[i],
		    json_pack("{s:I, s:I, s:I}", "count",
			(json_int_t)g->time[i].count, "median_ms",
			(json_int_t)g->time[i].median_ms, "p95_ms",
			(json_int_t)g->time[i].p95_ms));
	return o;
}

/* For people in words; for a spreadsheet in seconds, empty when there is
 * none. */
static void time_text(
    char out[48], uint64_t count, uint64_t ms, enum out_mode mode)
{
	if (count == 0)
		snprintf(out, 48, "%s", mode == OUT_CSV ? "" : "-");
	else if (mode == OUT_CSV)
		snprintf(out, 48, "%llu.%03u", (unsigned long long)(ms / 1000),
		    (unsigned)(ms % 1000));
	else if (ms < 1000)
		snprintf(out, 48, "%u ms", (unsigned)ms);
	else
		out_span(out, 48, ms);
}

static void bar(char out[BAR_WIDTH + 1], uint64_t n, uint64_t max)
{
	/* something is never drawn as nothing */
	uint64_t width = max == 0 ? 0 : (n * BAR_WIDTH + max - 1) / max;

	memset(out, '#', (size_t)width);
	out[width] = '\0';
}

static void stats_row(
    struct table *t, const struct stats_group *g, uint64_t max, enum out_mode m)
{
	char acts[24], cases[24], kept[24], missed[24];
	char times[2 * STATS_TIMES][48], chart[BAR_WIDTH + 1];

	snprintf(acts, sizeof(acts), "%llu", (unsigned long long)g->acts);
	snprintf(cases, sizeof(cases), "%llu", (unsigned long long)g->cases);
	snprintf(kept, sizeof(kept), "%llu", (unsigned long long)g->kept);
	snprintf(missed, sizeof(missed), "%llu", (unsigned long long)g->missed);
	for (unsigned i = 0; i < STATS_TIMES; i++) {
		time_text(
		    times[2 * i], g->time[i].count, g->time[i].median_ms, m);
		time_text(
		    times[2 * i + 1], g->time[i].count, g->time[i].p95_ms, m);
	}
	bar(chart, g->acts, max);
	table_row(t,
	    (const char *[]){g->name, acts, cases, times[0], times[1], times[2],
		times[3], times[4], times[5], kept, missed, chart});
}

static void stats_print(const struct stats *s, const struct out *out)
{
	static const char *const headings[] = {"GROUP", "ACTS", "CASES",
	    "ACK MEDIAN", "ACK P95", "DECISION MEDIAN", "DECISION P95",
	    "HOP MEDIAN", "HOP P95", "KEPT", "MISSED", "ACTS", NULL};
	static const char *const csv[] = {"group", "acts", "cases",
	    "ack_median_s", "ack_p95_s", "decision_median_s", "decision_p95_s",
	    "hop_median_s", "hop_p95_s", "deadlines_kept", "deadlines_missed",
	    NULL};
	struct table *t = table_new(out->mode == OUT_CSV ? csv : headings);
	uint64_t max = 0;

	for (unsigned i = 0; i < s->count; i++)
		if (s->group[i].acts > max)
			max = s->group[i].acts;
	for (unsigned i = 0; i < s->count; i++)
		stats_row(t, &s->group[i], max, out->mode);
	table_print(t, out);
}

static int run_stats(struct args *a)
{
	struct asking q = {.each = NULL};
	struct archive *archive;
	struct roster *roster;
	struct stats *s;
	enum stats_by by;
	enum hf_err err;
	int status;

	if (!read_by(a, &by))
		return usage_error(a, "--by wants peer, kind, hour or weekday");
	status = open_archive(a, a->positional[0], &archive, &roster);
	if (status != HF_EXIT_OK)
		return status;
	s = out_must(calloc(1, sizeof(*s)));
	q.archive = archive;
	q.roster = roster;
	err = stats_count(&q, by, s);
	if (err != HF_OK)
		status = query_failed(a, err, archive_dir(archive));
	else if (a->out.mode == OUT_JSON)
		for (unsigned i = 0; i < s->count; i++)
			out_json(stats_json(&s->group[i]));
	else
		stats_print(s, &a->out);
	if (err == HF_OK)
		tell_limits(a, &q);
	roster_free(roster);
	archive_close(archive);
	free(s);
	return status;
}

#define END \
	{ \
		NULL, 0, false, false, NULL, NULL \
	}
#define AT \
	{ \
		"at", 0, true, false, "TIME", \
		    "as if it were then (the archive's end)" \
	}
static const struct option_spec at_options[] = {AT, END};
static const struct option_spec erasures_options[] = {AT,
    {"peer", 0, true, false, "DIR", "the other country's archive: its copies"},
    {"certified", 0, false, false, NULL, "also what peers certified"}, END};
static const struct option_spec stats_options[] = {
    {"by", 0, true, false, "WHAT", "peer, kind, hour or weekday (UTC)"}, END};
static const struct option_spec reconcile_options[] = {
    {"summary", 0, true, false, "FILE", "write range digests, to be sent"},
    {"peer", 0, true, false, "CC", "with --summary: exchange with whom"},
    {"acts", 0, true, false, "N", "with --summary: of a range (256)"},
    {"from", 0, true, false, "ID", "with --summary: from this act id on"},
    {"until", 0, true, false, "ID", "with --summary: ids below this one"},
    {"with", 0, true, false, "FILE", "compare with the other's summary"}, END};

const struct command cmd_audit_queries[] = {
    {"audit", "gaps", "[DIR]", "What the ledger should show and does not",
	"  holdfast audit gaps                 (HOME/ledger, as fetched)\n"
	"  holdfast audit gaps /srv/audit/jp --json\n"
	"\nwhat it names\n"
	"  missing          generations of a track that something here names\n"
	"  out-of-order     an act that came before the one before it\n"
	"  waits            an act whose past has not come\n"
	"  no-receipt       sent abroad, no receipt of the other country\n"
	"  no-statement     a deadline passed and the broker did not say so\n"
	"  crash            a start without a stop before it\n"
	"  clock            a time in which the broker did not know the time\n"
	"  epoch            a new epoch of the ledger\n"
	"  index-backwards  a peer's receipts: a later entry, an earlier "
	"time\n",
	CMD_READS | CMD_OFFLINE, 0, 1, NULL, run_gaps},
    {"audit", "orphans", "[DIR] [--at TIME]",
	"Orders without a live case, preservations never followed up",
	"  holdfast audit orphans\n"
	"\nwhat it names\n"
	"  orphan           an order whose cases are all over, or not here\n"
	"  unknown          a masked order: what it rests on is a commitment\n"
	"  never-followed   a preservation that ended without a follow-up\n",
	CMD_READS | CMD_OFFLINE, 0, 1, at_options, run_orphans},
    {"audit", "uncovered", "[DIR] [--at TIME]",
	"Promised holds without a live, confirmed order beneath",
	"  holdfast audit uncovered\n"
	"\nwhat it names\n"
	"  uncovered        no live order beneath that a provider confirmed\n"
	"  short            the orders beneath end before the promise\n"
	"  unknown          a masked order of this desk may lie beneath\n",
	CMD_READS | CMD_OFFLINE, 0, 1, at_options, run_uncovered},
    {"audit", "erasures", "[DIR] [--peer DIR] [--certified] [--at TIME]",
	"What should be gone and has no certificate",
	"  holdfast audit erasures\n"
	"  holdfast audit erasures /srv/audit/jp --peer /srv/audit/us\n"
	"\nwhat it names\n"
	"  no-certificate       its term is over, no legal hold, not erased\n"
	"  no-case              a certificate for a case that is not here\n"
	"  peer-silent          a peer's copy should be gone (it may have a "
	"legal\n"
	"                       hold), and no certificate of it came\n"
	"  peer-false           a peer's certificate that does not verify\n"
	"  peer-certified       with --certified: one that does\n"
	"  peer-no-certificate  with --peer: the same of the other's copy\n",
	CMD_READS | CMD_OFFLINE, 0, 1, erasures_options, run_erasures},
    {"audit", "stats", "[DIR] [--by WHAT]",
	"How many, how fast, deadlines kept and missed",
	"  holdfast audit stats --by peer\n"
	"  holdfast audit stats --by hour --csv\n",
	CMD_READS | CMD_OFFLINE, 0, 1, stats_options, run_stats},
    {"audit", "reconcile",
	"DIR_A DIR_B | [DIR] --summary FILE --peer CC | "
	"[DIR] --with FILE",
	"Two countries' ledgers of their exchange, act by act",
	"  holdfast audit reconcile /srv/audit/jp /srv/audit/us\n"
	"  holdfast audit reconcile --summary jp-us.txt --peer US\n"
	"  holdfast audit reconcile /srv/audit/us --with jp-us.txt\n"
	"\nA range that differs is narrowed by a second summary of it:\n"
	"  --summary FILE --peer CC --from ID --until ID --acts 1\n",
	CMD_READS | CMD_OFFLINE, 0, 2, reconcile_options, query_reconcile},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL},
};
