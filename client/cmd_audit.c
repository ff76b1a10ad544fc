/*
 * cmd_audit: an auditor believes nobody.  The ledger is fetched into an
 * archive on disk; what an archive can prove is proved from it alone, with
 * or without a broker.  With a folder given nothing is connected.
 */
#include "client/ahead.h"
#include "client/fetch.h"
#include "client/replay.h"
#include "client/tlog.h"

#include "proto/crypto.h"
#include "proto/ref.h"
#include "proto/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- which archive ---- */

static int fetch_failed(struct args *args, struct session *s, enum hf_err err,
    const char *dir, const struct fetched *f)
{
	const char *where = link_trouble(s->link)->where;
	char known[96];

	if (f->problem[0] != '\0')
		return out_error(&args->out, err, f->problem, dir, NULL, NULL);
	snprintf(known, sizeof(known),
	    "%llu whole entries are kept; a rerun goes on there",
	    (unsigned long long)f->entries);
	return out_error(&args->out, err, NULL, where[0] != '\0' ? where : dir,
	    f->entries > 0 ? known : NULL, NULL);
}

/* Fetch into `dir`, or HOME/ledger.  HF_EXIT_OK, or the error is told. */
static int fetch_to(struct args *args, const char *dir,
    char used[HOME_PATH_MAX], struct fetched *f)
{
	struct session s;
	enum hf_err err;
	int status = session_open(&s, args, true);

	if (status != HF_EXIT_OK)
		return status;
	if (dir != NULL)
		snprintf(used, HOME_PATH_MAX, "%s", dir);
	else
		snprintf(used, HOME_PATH_MAX, "%.1000s/ledger", s.home.path);
	err = fetch_archive(&s, used, &args->out, f);
	if (err != HF_OK)
		status = fetch_failed(args, &s, err, used, f);
	session_close(&s);
	return status;
}

/* The roots of the archive are those that this auditor pinned, if he has a
 * home; the archive of another is only as good as its pins. */
static int compare_pins(struct audit *a, struct args *args)
{
	const struct country_doc *d;
	struct roster *pins = NULL;
	struct home home;
	enum hf_err err = home_pins(&home, args->home, &pins);

	if (err != HF_OK) {
		roster_free(pins);
		return out_error(
		    &args->out, err, home.problem, NULL, NULL, NULL);
	}
	for (unsigned i = 0; (d = roster_at(a->roster, i)) != NULL; i++) {
		const struct hf_key *root = roster_root(pins, d->head.country);

		a->pins_known += root != NULL;
		if (root != NULL && memcmp(root, &d->root, sizeof(*root)) != 0)
			audit_finds(a, AUDIT_NO_ENTRY,
			    "pins: the root of %s is not the one that this "
			    "home has pinned",
			    d->head.country.s);
	}
	roster_free(pins);
	return HF_EXIT_OK;
}

/* The archive that was named, else one fetched now. */
static int open_archive(struct args *args, struct audit *a)
{
	char dir[HOME_PATH_MAX];
	const char *what, *given = arg(args, "archive");
	struct fetched f;
	enum hf_err err;
	int status;

	if (given == NULL && args->command->positional_min == 0)
		given = args->positional[0];
	if (given == NULL) {
		status = fetch_to(args, NULL, dir, &f);
		if (status != HF_EXIT_OK)
			return status;
		given = dir;
	}
	err = hf_crypto_init();
	if (err == HF_OK)
		err = audit_open(a, &args->out, given, &what);
	if (err != HF_OK)
		return out_error(&args->out, err, what, given, NULL, NULL);
	status = compare_pins(a, args);
	if (status != HF_EXIT_OK)
		audit_close(a);
	return status;
}

/* ---- verify and replay ---- */

static void print_findings(FILE *to, const struct audit *a)
{
	uint64_t told = json_array_size(a->found.texts);
	const json_t *text;
	size_t i;

	json_array_foreach (a->found.texts, i, text)
		fprintf(to, "  %s\n", json_string_value(text));
	if (a->found.count > told)
		fprintf(to, "  and %llu more\n",
		    (unsigned long long)(a->found.count - told));
}

static void print_result(FILE *to, const struct audit *a, uint64_t open)
{
	if (a->found.count > 0)
		fprintf(to, "Result    DIVERGES: %llu findings, first: %s\n",
		    (unsigned long long)a->found.count, a->found.first_text);
	else if (open > 0)
		fprintf(to,
		    "Result    ledger intact; %llu deliveries not proven.  "
		    "See: holdfast audit receipts --missing\n",
		    (unsigned long long)open);
	else
		fprintf(to, "Result    ledger intact\n");
}

/* How many heads stand under how many witnesses. */
static void print_witnesses(FILE *to, const struct audit *a)
{
	const json_t *text;
	size_t i;

	fprintf(to,
	    "Witnesses newest head cosigned by %u; heads in receipts: %llu by "
	    "nobody",
	    a->head_witnesses, (unsigned long long)a->witnessed[0]);
	for (unsigned n = 1; n <= HF_COSIGNATURE_MAX; n++)
		if (a->witnessed[n] > 0)
			fprintf(to, ", %llu by %u",
			    (unsigned long long)a->witnessed[n], n);
	fputc('\n', to);
	if (a->certificates > 0)
		fprintf(to, "Erased    %llu case%s by certificates of peers\n",
		    (unsigned long long)a->certificates,
		    OUT_S(a->certificates));
	if (a->forks > 0)
		fprintf(to, "Forks     %llu proved by entries\n",
		    (unsigned long long)a->forks);
	json_array_foreach (a->forked, i, text)
		fprintf(to, "  %s\n", json_string_value(text));
}

static void print_report(FILE *to, const struct audit *a, bool replayed)
{
	uint64_t open = a->sent - a->receipted;

	fprintf(to, "Ledger    %llu entries, head of %s over %llu\n",
	    (unsigned long long)a->entries, a->head.country.s,
	    (unsigned long long)a->head.size);
	fprintf(to, "Pins      %u of %u countries are pinned in this home%s\n",
	    a->pins_known, a->pins,
	    a->pins_known < a->pins ? "; compare the others by hand" : "   ok");
	fprintf(to,
	    "Signers   %llu of %llu acts verify against the roster of their "
	    "time%s\n",
	    (unsigned long long)a->verified, (unsigned long long)a->acts,
	    a->verified == a->acts ? "   ok" : "   DIVERGES");
	if (a->disputed > 0)
		fprintf(to,
		    "Disputed  %llu act%s: the officer's key was known to "
		    "others at the time of entry\n",
		    (unsigned long long)a->disputed, OUT_S(a->disputed));
	fprintf(to,
	    "Receipts  %llu sent abroad, %llu receipted; %llu came from "
	    "abroad%s\n",
	    (unsigned long long)a->sent, (unsigned long long)a->receipted,
	    (unsigned long long)a->received, open > 0 ? "   OPEN" : "   ok");
	print_witnesses(to, a);
	if (replayed)
		fprintf(to, "Replay    %llu case%s, from the acts alone%s\n",
		    (unsigned long long)a->cases, OUT_S(a->cases),
		    a->found.count == 0 ? "   ok" : "");
	print_findings(to, a);
	print_result(to, a, open);
}

static json_t *report_json(const struct audit *a, bool replayed)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "entries", (json_int_t)a->entries, "acts", (json_int_t)a->acts,
	    "verified", (json_int_t)a->verified, "divergences",
	    (json_int_t)a->found.count, "head_size", (json_int_t)a->head.size,
	    "sent", (json_int_t)a->sent, "receipted", (json_int_t)a->receipted,
	    "received", (json_int_t)a->received);
	json_t *heads = json_array(); /* [n]: under n witnesses */

	json_object_set_new(o, "country", json_string(a->head.country.s));
	json_object_set_new(o, "pins", json_integer(a->pins));
	json_object_set_new(o, "pins_known", json_integer(a->pins_known));
	json_object_set_new(
	    o, "disputed", json_integer((json_int_t)a->disputed));
	json_object_set(o, "problems", a->found.texts);
	json_object_set_new(
	    o, "head_witnesses", json_integer(a->head_witnesses));
	for (unsigned n = 0; n <= HF_COSIGNATURE_MAX; n++)
		json_array_append_new(
		    heads, json_integer((json_int_t)a->witnessed[n]));
	json_object_set_new(o, "receipt_heads", heads);
	json_object_set(o, "forks", a->forked);
	json_object_set_new(
	    o, "certificates", json_integer((json_int_t)a->certificates));
	if (a->found.count > 0)
		json_object_set_new(
		    o, "first", json_string(a->found.first_text));
	if (replayed)
		json_object_set_new(
		    o, "cases", json_integer((json_int_t)a->cases));
	return o;
}

static int report(struct args *args, const struct audit *a, bool replayed)
{
	if (args->out.mode == OUT_JSON)
		out_json(report_json(a, replayed));
	else /* a table for programs stays one */
		print_report(
		    args->out.mode == OUT_TABLE ? stdout : stderr, a, replayed);
	return a->found.count == 0 ? HF_EXIT_OK : HF_EXIT_VERIFY;
}

/* *threads: 0 when it was not said. */
static int read_threads(struct args *args, unsigned *threads)
{
	const char *given = arg(args, "threads");
	uint64_t n = 0;

	if (given != NULL &&
	    (!text_read_uint(&n, given, strlen(given), AHEAD_THREADS_MAX) ||
		n == 0))
		return usage_error(
		    args, "--threads wants a number from 1 to 64");
	*threads = (unsigned)n;
	return HF_EXIT_OK;
}

/* ---- verify --tiles ---- */

static void print_tree(FILE *to, const struct audit *a)
{
	fprintf(to, "Tree      %llu entries, checkpoint of %s over %llu\n",
	    (unsigned long long)a->entries, a->head.country.s,
	    (unsigned long long)a->head.size);
	print_findings(to, a);
	if (a->found.count > 0)
		fprintf(to, "Result    DIVERGES: %llu findings, first: %s\n",
		    (unsigned long long)a->found.count, a->found.first_text);
	else
		fprintf(
		    to, "Result    the files are the tree that was signed\n");
}

static int report_tree(struct args *args, const struct audit *a)
{
	json_t *o;

	if (args->out.mode == OUT_JSON) {
		o = json_pack("{s:I, s:I, s:I, s:s}", "entries",
		    (json_int_t)a->entries, "divergences",
		    (json_int_t)a->found.count, "head_size",
		    (json_int_t)a->head.size, "country", a->head.country.s);
		json_object_set(o, "problems", a->found.texts);
		out_json(o);
	} else {
		print_tree(args->out.mode == OUT_TABLE ? stdout : stderr, a);
	}
	return a->found.count == 0 ? HF_EXIT_OK : HF_EXIT_VERIFY;
}

/* By the key that was given, else by the documents of the home. */
static int run_verify_tiles(struct args *args, const char *dir)
{
	struct audit a = {
	    .out = &args->out, .found = {.first = AUDIT_NO_ENTRY}};
	const char *given = arg(args, "key");
	struct home home = {.roster = NULL};
	struct hf_key key;
	enum hf_err err = hf_crypto_init();
	int status;

	if (given != NULL &&
	    hf_keyline_read(&key, HF_KEY_LEDGER, given) != HF_OK)
		return usage_error(args, "--key wants a ledger key, hfl1:...");
	if (err == HF_OK && given == NULL)
		err = home_open(&home, args->home, args->context);
	if (err != HF_OK)
		return out_error(&args->out, err, home.problem, NULL, NULL,
		    "name the ledger key: --key hfl1:..., or see: holdfast "
		    "help context");
	a.found.texts = json_array();
	err = a.found.texts == NULL ? HF_NOMEM
				    : tlog_check(&a, dir, home.roster,
					  given != NULL ? &key : NULL);
	status = err == HF_OK ? report_tree(args, &a)
			      : out_error(&args->out, err,
				    "no checkpoint of a tree can be read", dir,
				    NULL, NULL);
	json_decref(a.found.texts);
	if (given == NULL)
		home_close(&home);
	return status;
}

static int run_verify(struct args *args)
{
	struct audit a;
	unsigned threads;
	enum hf_err err;
	int status = read_threads(args, &threads);

	if (status == HF_EXIT_OK && arg(args, "tiles") != NULL)
		return run_verify_tiles(args, arg(args, "tiles"));

	if (status == HF_EXIT_OK)
		status = open_archive(args, &a);
	if (status != HF_EXIT_OK)
		return status;
	a.threads = threads;
	err = audit_verify(&a, NULL, NULL);
	status = err == HF_OK ? report(args, &a, false)
			      : out_error(&args->out, err, NULL,
				    archive_dir(a.archive), NULL, NULL);
	audit_close(&a);
	return status;
}

/* ---- replay --at ---- */

struct listing {
	const struct out *out;
	struct table *table; /* NULL: JSON Lines */
};

static enum hf_err list_case(void *ctx, const struct replay_case *c)
{
	const struct hf_case *f = c->fold;
	const struct hf_envelope *opening = &f->asking[0].envelope;
	const char *state = hf_code_name(HF_CODES_STATE, (unsigned)f->state);
	char hex[2 * HF_ID_SIZE + 1], until[32] = "-", acts[32];
	struct listing *l = ctx;

	hf_hex(hex, &c->id, sizeof(c->id));
	if (f->hold_until.ms != 0)
		hf_rfc3339(until, f->hold_until, 0);
	if (l->table == NULL) {
		out_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}",
		    "ref", c->ref, "case", hex, "from", opening->from.s, "to",
		    opening->to.s, "state", state, "hold_until",
		    f->hold_until.ms != 0 ? until : "", "asking_gen",
		    (json_int_t)f->asking_folded, "asked_gen",
		    (json_int_t)f->asked_folded));
		return HF_OK;
	}
	snprintf(acts, sizeof(acts), "%u+%u", (unsigned)f->asking_folded,
	    (unsigned)f->asked_folded);
	table_row(l->table, (const char *[]){c->ref, opening->from.s,
				opening->to.s, state, until, acts});
	return HF_OK;
}

static enum hf_err list_cases(struct args *args, struct replay *r)
{
	static const char *const headings[] = {
	    "REFERENCE", "FROM", "TO", "STATE", "HOLD UNTIL", "ACTS", NULL};
	struct listing l = {.out = &args->out};
	enum hf_err err;

	if (args->out.mode != OUT_JSON)
		l.table = table_new(headings);
	err = replay_list(r, list_case, &l);
	table_print(l.table, &args->out);
	return err;
}

static bool read_view(struct args *args, struct replay_view *v, int *status)
{
	const char *at = arg(args, "at"), *desk = arg(args, "desk");
	int zone;

	memset(v, 0, sizeof(*v));
	*status = HF_EXIT_OK;
	if (at == NULL && desk == NULL)
		return false;
	if (at == NULL || hf_rfc3339_read(&v->at, &zone, at) != HF_OK)
		*status = usage_error(
		    args, "--at wants a time like 2026-11-21T11:02:03+09:00");
	else if (desk != NULL && !hf_desk_ok(desk, strlen(desk)))
		*status = usage_error(args, "--desk wants a desk like jp.ncp");
	else if (desk != NULL)
		snprintf(v->desk.s, sizeof(v->desk.s), "%s", desk);
	return true;
}

static int run_replay(struct args *args)
{
	struct replay_view view;
	struct replay *r = NULL;
	struct audit a;
	unsigned threads;
	enum hf_err err;
	int status;
	bool has_view = read_view(args, &view, &status);

	if (status == HF_EXIT_OK)
		status = read_threads(args, &threads);
	if (status == HF_EXIT_OK)
		status = open_archive(args, &a);
	if (status != HF_EXIT_OK)
		return status;
	a.threads = threads;
	err = replay_new(&r, &a, has_view ? &view : NULL);
	if (err == HF_OK)
		err = audit_verify(&a, replay_take, r);
	if (err == HF_OK)
		err = has_view ? list_cases(args, r) : replay_compare(r);
	status = err == HF_OK ? report(args, &a, true)
			      : out_error(&args->out, err, NULL,
				    archive_dir(a.archive), NULL, NULL);
	replay_free(r);
	audit_close(&a);
	return status;
}

/* ---- fetch ---- */

static int run_fetch(struct args *args)
{
	char dir[HOME_PATH_MAX];
	struct fetched f;
	int status = fetch_to(args, arg(args, "out"), dir, &f);

	if (status != HF_EXIT_OK)
		return status;
	if (args->out.mode == OUT_JSON)
		out_json(json_pack("{s:I, s:I, s:I, s:s}", "entries",
		    (json_int_t)f.entries, "new",
		    (json_int_t)(f.entries - f.before), "head_size",
		    (json_int_t)f.head_size, "dir", dir));
	else
		printf("%llu entries in %s, %llu of them new; signed head "
		       "over %llu\n",
		    (unsigned long long)f.entries, dir,
		    (unsigned long long)(f.entries - f.before),
		    (unsigned long long)f.head_size);
	return HF_EXIT_OK;
}

/* ---- prove and export ---- */

static int run_prove(struct args *args)
{
	struct tlog_proof proof = {.text = NULL};
	const char *out = arg(args, "out");
	char what[JUDGE_TEXT] = "";
	struct audit a;
	enum hf_err err;
	int status = open_archive(args, &a);

	if (status != HF_EXIT_OK)
		return status;
	err = tlog_prove(&a, args->positional[0], &proof, what);
	if (err == HF_OK && out != NULL)
		err = home_write(out, proof.text, strlen(proof.text), 0644);
	if (err != HF_OK)
		status = out_error(&args->out, err, what,
		    what[0] == '\0' && out != NULL ? out
						   : archive_dir(a.archive),
		    NULL, NULL);
	else if (args->out.mode == OUT_JSON)
		out_json(json_pack("{s:I, s:I, s:s}", "entry",
		    (json_int_t)proof.index, "head_size",
		    (json_int_t)a.head.size, out != NULL ? "file" : "proof",
		    out != NULL ? out : proof.text));
	else if (out != NULL)
		printf("entry %llu under the head over %llu, in %s\n",
		    (unsigned long long)proof.index,
		    (unsigned long long)a.head.size, out);
	else
		fputs(proof.text, stdout);
	free(proof.text);
	audit_close(&a);
	return status;
}

static int run_export(struct args *args)
{
	const char *dir = arg(args, "tiles");
	char what[JUDGE_TEXT] = "";
	uint64_t files = 0;
	struct audit a;
	enum hf_err err;
	int status;

	if (dir == NULL)
		return out_error(&args->out, HF_USAGE, "--tiles DIR is missing",
		    NULL, NULL, "holdfast help audit export");
	status = open_archive(args, &a);
	if (status != HF_EXIT_OK)
		return status;
	err = tlog_export(&a, dir, &files, what);
	if (err != HF_OK)
		status = out_error(&args->out, err, what, dir, NULL, NULL);
	else if (args->out.mode == OUT_JSON)
		out_json(json_pack("{s:I, s:I, s:s}", "head_size",
		    (json_int_t)a.head.size, "files", (json_int_t)files, "dir",
		    dir));
	else
		printf("%llu entries as %llu files in %s\n",
		    (unsigned long long)a.head.size, (unsigned long long)files,
		    dir);
	audit_close(&a);
	return status;
}

/* ---- receipts ---- */

struct receipts_list {
	struct args *args;
	struct table *table;
	uint64_t sent, missing;
};

static enum hf_err list_receipt(void *ctx, struct wire *w)
{
	struct receipts_list *l = ctx;
	char hex[2 * HF_ID_SIZE + 1], entry[24];
	struct hf_country to;
	struct hf_id act;
	uint64_t index;
	bool there;

	wire_array(w, 5, 5);
	wire_bin_copy(w, &act, sizeof(act));
	index = wire_uint(w, UINT64_MAX);
	to = wire_country(w);
	wire_uint(w, UINT64_MAX);
	there = wire_bin(w, 0, HF_RECEIPT_MAX).size > 0;
	wire_close(w);
	if (w->err != HF_OK)
		return w->err;
	l->sent++;
	l->missing += !there;
	if (arg_on(l->args, "missing") && there)
		return HF_OK;
	hf_hex(hex, &act, sizeof(act));
	if (l->args->out.mode == OUT_JSON) {
		out_json(json_pack("{s:I, s:s, s:s, s:b}", "entry",
		    (json_int_t)index, "act", hex, "to", to.s, "receipt",
		    there));
		return HF_OK;
	}
	snprintf(entry, sizeof(entry), "%llu", (unsigned long long)index);
	table_row(l->table, (const char *[]){entry, hex + 2 * HF_ID_SIZE - 12,
				to.s, there ? "ok" : "MISSING"});
	return HF_OK;
}

static int run_receipts(struct args *args)
{
	static const char *const headings[] = {
	    "ENTRY", "ACT", "TO", "RECEIPT", NULL};
	struct receipts_list l = {.args = args};
	struct page page = {.more = true};
	struct session s;
	enum hf_err err = HF_OK;
	int status = session_open(&s, args, true);

	if (status != HF_EXIT_OK)
		return status;
	if (args->out.mode != OUT_JSON)
		l.table = table_new(headings);
	while (err == HF_OK && page.more)
		err =
		    page_call(s.link, HF_OP_RECEIPTS, &page, list_receipt, &l);
	table_print(l.table, &args->out);
	if (err != HF_OK)
		status = out_error(&args->out, err, NULL, NULL, NULL, NULL);
	else if (args->out.mode == OUT_TABLE)
		printf("%llu sent, %llu receipted, %llu missing\n",
		    (unsigned long long)l.sent,
		    (unsigned long long)(l.sent - l.missing),
		    (unsigned long long)l.missing);
	session_close(&s);
	return status;
}

#define END \
	{ \
		NULL, 0, false, false, NULL, NULL \
	}
#define THREADS \
	{ \
		"threads", 0, true, false, "N", \
		    "that verify signatures (one a core)" \
	}
#define ARCHIVE \
	{ \
		"archive", 0, true, false, "DIR", \
		    "work on this archive; nothing is connected" \
	}
static const struct option_spec fetch_options[] = {
    {"out", 0, true, false, "DIR", "the archive (HOME/ledger)"}, END};
static const struct option_spec verify_options[] = {ARCHIVE, THREADS,
    {"tiles", 0, true, false, "DIR", "a static tree (C2SP tlog-tiles) instead"},
    {"key", 0, true, false, "KEY",
	"with --tiles: the ledger key (that of the home's documents)"},
    END};
static const struct option_spec replay_options[] = {ARCHIVE, THREADS,
    {"at", 0, true, false, "TIME", "list what was known then"},
    {"desk", 0, true, false, "DESK", "with --at: cases of this desk"}, END};
static const struct option_spec prove_options[] = {
    ARCHIVE, {"out", 0, true, false, "FILE", "(standard output)"}, END};
static const struct option_spec export_options[] = {ARCHIVE,
    {"tiles", 0, true, false, "DIR", "C2SP tlog-tiles, to be served as files"},
    END};
static const struct option_spec receipts_options[] = {
    {"missing", 0, false, false, NULL, "only what is not proven"}, END};

const struct command cmd_audit[] = {
    {"audit", "fetch", "[--out DIR]",
	"Fetch the ledger into an archive; goes on where it ended",
	"  holdfast audit fetch\n"
	"  holdfast audit fetch --out /srv/audit/jp\n",
	CMD_READS, 0, 0, fetch_options, run_fetch},
    {"audit", "verify", "[DIR | --tiles DIR]",
	"Hashes, head, signatures, officers' standing, receipts",
	"  holdfast audit verify               (fetches first)\n"
	"  holdfast audit verify /srv/audit/jp (nothing is connected)\n"
	"  holdfast audit verify --threads 1   (leaves the other cores "
	"alone)\n"
	"  holdfast audit verify --tiles /srv/www/jp --key hfl1:...\n",
	CMD_READS, 0, 1, verify_options, run_verify},
    {"audit", "replay", "[DIR] [--at TIME --desk DESK]",
	"Verify, then fold the life cycle; must reach the broker's states",
	"  holdfast audit replay\n"
	"  holdfast audit replay --at 2026-11-21T12:00:00Z --desk jp.ncp\n",
	CMD_READS, 0, 1, replay_options, run_replay},
    {"audit", "prove", "INDEX|ACT-ID [--out FILE]",
	"A proof of one entry that anybody can check (C2SP tlog-proof)",
	"  holdfast audit prove 17 --out 17.tlog-proof\n", CMD_READS, 1, 1,
	prove_options, run_prove},
    {"audit", "export", "--tiles DIR",
	"The tree as static files (C2SP tlog-tiles), digests only",
	"  holdfast audit export --tiles /srv/www/jp\n", CMD_READS, 0, 0,
	export_options, run_export},
    {"audit", "receipts", "[--missing]",
	"What was sent abroad, and what proves it", "", CMD_READS, 0, 0,
	receipts_options, run_receipts},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL},
};
