/*
 * cmd_trace: hops, following them, live traces, and the tree.
 *
 * The tree is put together from this desk's own cases: a case whose lineage
 * names a hop hangs under that hop.  Only what a receipt proves is drawn as
 * real.
 */
#include "client/opening.h"

#include "proto/crypto.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>

#define TREE_CASES_MAX 128u
#define TREE_DEPTH_MAX 12

static void set_re(struct sending *s, const struct view_act *a)
{
	s->draft->envelope.re = a->act.id;
	s->draft->envelope.present |= SEND_BIT(HF_E_RE);
}

/* ---- hop ---- */

static bool draft_has(const struct draft *d, unsigned field)
{
	for (unsigned i = 0; i < d->leaf_count; i++)
		if (d->leaf[i].field == field)
			return true;
	return false;
}

static int add_json_field(
    struct sending *s, const char *name, unsigned field, const char *text)
{
	struct form_report report = {0};
	json_t *v;

	if (text == NULL)
		return HF_EXIT_OK;
	v = json_string(text);
	if (form_value(s->draft, field, v,
		HF_SHARE_REQUESTER | HF_SHARE_THIRD | HF_SHARE_PARTY,
		&report) != HF_OK) {
		char what[256];

		snprintf(what, sizeof(what), "--%s: %s", name,
		    report.count > 0 ? report.problem[0].what : "refused");
		json_decref(v);
		return usage_error(s->args, what);
	}
	json_decref(v);
	return HF_EXIT_OK;
}

static bool shows(const struct args *a, unsigned field)
{
	const struct hf_field_info *f = hf_field_info(field);
	const char *list;

	if (f == NULL || field == HF_F_CITE)
		return false;
	for (unsigned i = 0; (list = arg_at(a, "show", i)) != NULL; i++) {
		size_t n = strlen(f->name);

		for (const char *at = list; (at = strstr(at, f->name)) != NULL;
		     at++)
			if ((at == list || at[-1] == ',') &&
			    (at[n] == '\0' || at[n] == ','))
				return true;
	}
	return false;
}

/* The provider's hop that is disclosed in part: newest of the order. */
static enum hf_err find_source(
    struct sending *s, struct view **order, const struct view_act **source)
{
	const char *text = arg(s->args, "from-order");
	char ref[64];
	const char *colon = strchr(text, ':');
	const struct view_act *a;
	enum hf_err err;

	*source = NULL;
	*order = NULL;
	snprintf(ref, sizeof(ref), "%.*s",
	    (int)(colon != NULL ? colon - text : (long)strlen(text)), text);
	err = view_open(order, &s->session.home, s->session.link, ref);
	if (err != HF_OK)
		return err;
	a = colon != NULL ? view_act(*order, colon + 1)
			  : view_last(*order, HF_TRACK_ASKED, HF_KIND_HOP);
	if (a == NULL || !a->opened || a->act.core.kind != HF_KIND_HOP)
		return HF_UNKNOWN_ACT;
	*source = a;
	return HF_OK;
}

static enum hf_err disclose(struct sending *s, const struct view_act *source)
{
	uint8_t indexes[HF_LEAF_MAX];
	uint8_t *cite = out_must(malloc(HF_CITE_MAX));
	unsigned n = 0;
	size_t size;
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < source->leaves.count; i++)
		if (shows(s->args, source->leaves.leaf[i].field))
			indexes[n++] = (uint8_t)i;
	if (n == 0)
		err = HF_CITE;
	if (err == HF_OK)
		err = hf_cite_encode(&source->leaves, source->act.core_bytes,
		    source->act.sigs_bytes, indexes, n, cite, HF_CITE_MAX,
		    &size);
	if (err == HF_OK)
		err = draft_cite(s->draft, &source->act.id,
		    (struct hf_bytes){cite, size}, indexes, n,
		    HF_SHARE_REQUESTER | HF_SHARE_THIRD | HF_SHARE_PARTY);
	free(cite);
	return err;
}

/* Direction, finding and window with zone must be among what is shown: a
 * hop that nobody can join to a path helps nobody (SPEC 5, E4022). */
static int check_hop(struct sending *s, const struct view_act *source)
{
	static const unsigned must[] = {
	    HF_F_DIRECTION, HF_F_FINDING, HF_F_WINDOW};
	char what[160] = "missing:";
	bool bad = false, clock = draft_has(s->draft, HF_F_CLOCK_ERROR);

	for (unsigned i = 0; i < 3; i++) {
		bool found = draft_has(s->draft, must[i]) ||
			     (must[i] == HF_F_WINDOW &&
				 draft_has(s->draft, HF_F_EVENT_TIME));

		for (unsigned k = 0; source != NULL && k < source->leaves.count;
		     k++)
			found |= source->leaves.leaf[k].field == must[i] &&
				 shows(s->args, must[i]);
		if (found)
			continue;
		bad = true;
		strcat(what, " ");
		strcat(what, hf_field_info(must[i])->name);
	}
	if (bad)
		return out_error(&s->args->out, HF_HOP_FIELDS, what, NULL,
		    "nothing was sent", NULL);
	if (!clock && source == NULL && !s->args->out.quiet)
		fprintf(stderr, "  note: no clock_error given; the hop is "
				"flagged as of unknown clock error\n");
	return HF_EXIT_OK;
}

static void share_with_next(struct sending *s)
{
	struct hf_envelope *e = &s->draft->envelope;
	const char *next = arg(s->args, "next-country");

	if (next == NULL || e->third_count > 0 || strcmp(next, "ZZ") == 0)
		return;
	memcpy(e->third[0].s, next, 3);
	e->third_count = 1;
	e->present |= SEND_BIT(HF_E_THIRD);
}

static int fill_hop(struct sending *s)
{
	struct view *order = NULL;
	const struct view_act *source = NULL;
	enum hf_err err;
	int status;

	set_re(s, &s->view->acts[HF_TRACK_ASKING][0]);
	status = send_fields(
	    s, HF_SHARE_REQUESTER | HF_SHARE_THIRD | HF_SHARE_PARTY);
	if (status == HF_EXIT_OK)
		status = add_json_field(
		    s, "direction", HF_F_DIRECTION, arg(s->args, "direction"));
	if (status == HF_EXIT_OK)
		status = add_json_field(
		    s, "finding", HF_F_FINDING, arg(s->args, "finding"));
	if (status == HF_EXIT_OK)
		status = add_json_field(s, "next-country", HF_F_NEXT_COUNTRY,
		    arg(s->args, "next-country"));
	if (status == HF_EXIT_OK)
		status = add_json_field(s, "next-provider", HF_F_NEXT_PROVIDER,
		    arg(s->args, "next-provider"));
	if (status != HF_EXIT_OK)
		return status;
	if (arg_on(s->args, "from-order")) {
		err = find_source(s, &order, &source);
		if (err == HF_OK)
			err = disclose(s, source);
		if (err != HF_OK)
			status = out_error(&s->args->out, err,
			    err == HF_CITE ? "--show names no field of that hop"
			    : err == HF_UNKNOWN_ACT
				? "no readable hop in that order"
				: "the provider's hop cannot be disclosed",
			    arg(s->args, "from-order"), "nothing was sent",
			    NULL);
	}
	if (status == HF_EXIT_OK)
		status = check_hop(s, source);
	view_free(order);
	if (status == HF_EXIT_OK)
		share_with_next(s);
	return status;
}

static int run_hop(struct args *a)
{
	return send_follow(
	    a, a->positional[0], HF_KIND_HOP, 1, false, fill_hop);
}

static int fill_withhold(struct sending *s)
{
	unsigned reason;
	int status = send_code(s->args, "reason", HF_CODES_REASON, &reason);

	if (status != HF_EXIT_OK)
		return status;
	if (reason == 0)
		return usage_error(
		    s->args, "--reason: the ground is mandatory");
	set_re(s, &s->view->acts[HF_TRACK_ASKING][0]);
	send_set_reason(s->draft, reason);
	return send_fields(s, HF_SHARE_PARTY);
}

static int run_withhold(struct args *a)
{
	return send_follow(
	    a, a->positional[0], HF_KIND_WITHHELD_HOP, 1, false, fill_withhold);
}

/* ---- live ---- */

static int fill_live(struct sending *s)
{
	set_re(s, &s->view->acts[HF_TRACK_ASKING][0]);
	if (s->draft->kind != HF_KIND_LIVE_IMPOSSIBLE) {
		s->draft->envelope.at = out_now();
		s->draft->envelope.present |= SEND_BIT(HF_E_AT);
	}
	return send_fields(s, HF_SHARE_PARTY);
}

static int run_live(struct args *a)
{
	unsigned kind = arg_on(a, "stop")         ? HF_KIND_LIVE_STOPPED
			: arg_on(a, "impossible") ? HF_KIND_LIVE_IMPOSSIBLE
						  : HF_KIND_LIVE_STARTED;

	return send_follow(a, a->positional[0], kind, 1, false, fill_live);
}

static int run_stop(struct args *a)
{
	return send_follow(
	    a, a->positional[0], HF_KIND_LIVE_STOPPED, 1, false, fill_live);
}

/* ---- the tree ---- */

struct tree {
	struct session session;
	struct args *args;
	struct view *views[TREE_CASES_MAX];
	unsigned count;
	unsigned hops, proven, open, loops;
};

static const struct hf_id *followed_hop(const struct view *v)
{
	const struct hf_envelope *e = &v->acts[0][0].act.envelope;

	for (unsigned i = 0; i < e->lineage_count; i++)
		if (e->lineage[i].type == HF_INFORMATIVE)
			return &e->lineage[i].id;
	return NULL;
}

static enum hf_err load_tree(struct tree *t, const char *ref)
{
	struct summary *rows = NULL;
	unsigned count = 0;
	enum hf_err err =
	    view_open(&t->views[0], &t->session.home, t->session.link, ref);

	if (err != HF_OK)
		return err;
	t->count = 1;
	err =
	    summaries(t->session.link, HF_OP_CASES, NULL, false, &rows, &count);
	for (unsigned i = 0;
	     err == HF_OK && i < count && t->count < TREE_CASES_MAX; i++) {
		struct view *v = NULL;

		if (rows[i].kind != HF_KIND_REQUEST ||
		    memcmp(&rows[i].id, &t->views[0]->id, HF_ID_SIZE) == 0)
			continue;
		err = view_open(
		    &v, &t->session.home, t->session.link, rows[i].ref);
		if (err == HF_READ_DENIED || err == HF_UNKNOWN_CASE)
			err = HF_OK; /* not for this desk any more */
		else if (err == HF_OK && followed_hop(v) != NULL)
			t->views[t->count++] = v;
		else
			view_free(v);
	}
	free(rows);
	return err;
}

static const char *proof_of(const struct view *v)
{
	const struct view_act *last =
	    v->count[HF_TRACK_ASKED] > 0 ? &v->acts[HF_TRACK_ASKED][0] : NULL;

	if (last == NULL)
		return v->due.ms != 0 && v->due.ms < out_now().ms
			   ? "NO ANSWER, OVERDUE"
			   : "no receipt";
	return last->trust == TRUST_OK ? "receipt ok" : trust_name(last->trust);
}

static bool on_path(const char *country, const struct view *const *path, int n)
{
	for (int i = 0; i < n; i++) {
		struct hf_country c = hf_desk_country(&path[i]->to);

		if (strcmp(c.s, country) == 0)
			return true;
	}
	return false;
}

static void print_case_line(
    const struct out *o, const struct view *v, const char *indent)
{
	struct hf_country c = hf_desk_country(&v->to);

	printf("%s%s  %-18s %-16s %s  %s\n", indent, c.s, v->ref,
	    out_label(o, HF_CODES_STATE, v->state),
	    measure_mode(v->measure) != NULL ? measure_mode(v->measure)
					     : "preservation",
	    proof_of(v));
}

static void hop_words(const struct hop *h, char *out, size_t capacity)
{
	const char *ip =
	    json_string_value(json_object_get(h->fields, "source_ip"));

	if (h->withheld_hop)
		snprintf(out, capacity, "a hop is withheld (%s)",
		    hf_code_name(HF_CODES_REASON, h->act->act.envelope.reason));
	else if (h->closed != NULL)
		snprintf(out, capacity, "a hop, its content %s", h->closed);
	else
		snprintf(out, capacity,
		    "%s %s, path disclosed (%u of %u fields)%s%s%s",
		    h->direction != 0
			? hf_code_name(HF_CODES_DIRECTION, h->direction)
			: "leads to",
		    h->next_country, h->shown, h->shown + h->withheld,
		    ip != NULL ? "  " : "", ip != NULL ? ip : "",
		    h->clock_unknown ? "  clock error unknown" : "");
}

static json_t *tree_walk(struct tree *t, const struct view *v,
    const struct view **path, int depth, const char *indent);

/* One hop: its line, what was followed from it, loops. */
static json_t *hop_walk(struct tree *t, const struct hop *h,
    const struct view **path, int depth, const char *indent, bool last)
{
	const char *home = t->session.home.country.s;
	char words[256], next[128], id[2 * HF_ID_SIZE + 1];
	json_t *o = json_object(), *below = json_array();
	bool back = strcmp(h->next_country, home) == 0;
	bool loop = back || on_path(h->next_country, path, depth);
	bool table = t->args->out.mode != OUT_JSON;
	unsigned followed = 0;

	t->hops++;
	t->proven += h->act->trust == TRUST_OK;
	t->loops += loop;
	hop_words(h, words, sizeof(words));
	hf_hex(id, &h->act->act.id, HF_ID_SIZE);
	json_object_set_new(o, "hop", json_string(id));
	hop_next_json(o, h);
	json_object_set_new(o, "shown", json_integer(h->shown));
	json_object_set_new(o, "withheld", json_integer(h->withheld));
	json_object_set_new(o, "loop", json_boolean(loop));
	if (table)
		printf("%s%s %s  %s%s\n", indent, last ? "`-" : "|-", words,
		    h->act->trust == TRUST_OK ? "receipt ok"
					      : trust_name(h->act->trust),
		    back   ? "  <- LOOPS BACK to the requester"
		    : loop ? "  <- LOOP: on this path already"
			   : "");
	snprintf(next, sizeof(next), "%.100s%s ", indent, last ? "  " : "| ");
	for (unsigned i = 1; i < t->count && depth < TREE_DEPTH_MAX; i++) {
		const struct hf_id *from = followed_hop(t->views[i]);

		if (from == NULL ||
		    memcmp(from, &h->act->act.id, HF_ID_SIZE) != 0)
			continue;
		followed++;
		json_array_append_new(
		    below, tree_walk(t, t->views[i], path, depth, next));
	}
	if (followed == 0 && !loop && !h->withheld_hop && table &&
	    h->finding == 1) {
		t->open++;
		printf("%s   (not followed: holdfast trace follow %s %.12s "
		       "--to %s)\n",
		    indent, path[depth - 1]->ref, id + 2 * HF_ID_SIZE - 12,
		    h->next_country);
	}
	json_object_set_new(o, "followed", below);
	return o;
}

static json_t *tree_walk(struct tree *t, const struct view *v,
    const struct view **path, int depth, const char *indent)
{
	struct hop hops[HOPS_MAX];
	unsigned n = hops_of(v, hops, HOPS_MAX);
	json_t *o = json_object(), *list = json_array();
	struct hf_country c = hf_desk_country(&v->to);

	path[depth] = v;
	json_object_set_new(o, "ref", json_string(v->ref));
	json_object_set_new(o, "country", json_string(c.s));
	json_object_set_new(
	    o, "state", json_string(hf_code_name(HF_CODES_STATE, v->state)));
	json_object_set_new(o, "proof", json_string(proof_of(v)));
	if (t->args->out.mode != OUT_JSON)
		print_case_line(&t->args->out, v, indent);
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list,
		    hop_walk(t, &hops[i], path, depth + 1, indent, i + 1 == n));
	hops_free(hops, n);
	json_object_set_new(o, "hops", list);
	return o;
}

static const char *hop_label(const json_t *hop)
{
	const char *next =
	    json_string_value(json_object_get(hop, "next_country"));

	return next != NULL ? next
			    : json_string_value(json_object_get(hop, "closed"));
}

static void print_dot(const json_t *node, const char *parent)
{
	const char *ref = json_string_value(json_object_get(node, "ref"));
	const char *country =
	    json_string_value(json_object_get(node, "country"));
	json_t *hop, *below;
	size_t i, k;

	printf("  \"%s\" [label=\"%s\\n%s\\n%s\"];\n", ref, country, ref,
	    json_string_value(json_object_get(node, "state")));
	if (parent != NULL)
		printf("  \"%s\" -> \"%s\";\n", parent, ref);
	json_array_foreach (json_object_get(node, "hops"), i, hop) {
		json_t *list = json_object_get(hop, "followed");

		json_array_foreach (list, k, below)
			print_dot(below, ref);
		if (json_array_size(list) == 0)
			printf("  \"%s\" -> \"%s %.8s\" [style=dashed];\n", ref,
			    hop_label(hop),
			    json_string_value(json_object_get(hop, "hop")) +
				2 * HF_ID_SIZE - 8);
	}
}

static int run_tree(struct args *a)
{
	struct tree *t = out_must(calloc(1, sizeof(*t)));
	const struct view *path[TREE_DEPTH_MAX + 2];
	const char *format = arg(a, "format");
	enum hf_err err;
	json_t *o;
	int status;

	t->args = a;
	status = session_open(&t->session, a, true);
	if (status != HF_EXIT_OK) {
		free(t);
		return status;
	}
	err = load_tree(t, a->positional[0]);
	if (err != HF_OK) {
		status =
		    out_error(&a->out, err, NULL, a->positional[0], NULL, NULL);
		goto out;
	}
	if (format != NULL &&
	    (strcmp(format, "dot") == 0 || strcmp(format, "json") == 0)) {
		a->out.mode = OUT_JSON;
	} else if (format != NULL && strcmp(format, "tree") != 0) {
		status = usage_error(a, "--format wants tree, dot or json");
		goto out;
	}
	o = tree_walk(t, t->views[0], path, 0, "");
	if (format != NULL && strcmp(format, "dot") == 0) {
		printf("digraph trace {\n  rankdir=LR;\n");
		print_dot(o, NULL);
		printf("}\n");
		json_decref(o);
	} else if (a->out.mode == OUT_JSON) {
		json_object_set_new(o, "hop_count", json_integer(t->hops));
		json_object_set_new(o, "proven", json_integer(t->proven));
		json_object_set_new(o, "loops", json_integer(t->loops));
		out_json(o);
	} else {
		printf("%u hop%s, %u proven by receipts, %u open, %u loop%s.\n",
		    t->hops, OUT_S(t->hops), t->proven, t->open, t->loops,
		    OUT_S(t->loops));
		json_decref(o);
	}
out:
	for (unsigned i = 0; i < t->count; i++)
		view_free(t->views[i]);
	session_close(&t->session);
	free(t);
	return status;
}

static int run_hops(struct args *a)
{
	static const char *const headings[] = {"HOP", "DIRECTION", "FINDING",
	    "NEXT", "SHOWN", "WITHHELD", "PROOF", NULL};
	struct session s;
	struct view *v = NULL;
	struct hop hops[HOPS_MAX];
	struct table *t;
	enum hf_err err;
	unsigned n;
	int status = session_open(&s, a, true);

	if (status != HF_EXIT_OK)
		return status;
	err = view_open(&v, &s.home, s.link, a->positional[0]);
	if (err != HF_OK) {
		status =
		    out_error(&a->out, err, NULL, a->positional[0], NULL, NULL);
		session_close(&s);
		return status;
	}
	n = hops_of(v, hops, HOPS_MAX);
	if (a->out.mode == OUT_JSON) {
		json_t *o = case_json(v, &s.home, NULL), *hop;
		size_t i;

		json_array_foreach (json_object_get(o, "hops"), i, hop)
			out_json(json_incref(hop));
		json_decref(o);
	} else {
		t = table_new(headings);
		for (unsigned i = 0; i < n; i++) {
			char id[2 * HF_ID_SIZE + 1], shown[12], hidden[12];

			hf_hex(id, &hops[i].act->act.id, HF_ID_SIZE);
			snprintf(shown, sizeof(shown), "%u", hops[i].shown);
			snprintf(
			    hidden, sizeof(hidden), "%u", hops[i].withheld);
			table_row(t,
			    (const char *[]){id + 2 * HF_ID_SIZE - 12,
				out_word(&a->out, HF_CODES_DIRECTION,
				    hops[i].direction),
				out_word(
				    &a->out, HF_CODES_FINDING, hops[i].finding),
				hops[i].closed != NULL ? hops[i].closed
						       : hops[i].next_country,
				shown, hidden, trust_name(hops[i].act->trust)});
		}
		table_print(t, &a->out);
		if (n == 0)
			printf("no hops\n");
	}
	hops_free(hops, n);
	view_free(v);
	session_close(&s);
	return status;
}

#define END \
	{ \
		NULL, 0, false, false, NULL, NULL \
	}
const struct option_spec trace_hop_options[] = {SEND_COMMON_OPTIONS,
    {"direction", 0, true, false, "WAY", "origin or destination"},
    {"finding", 0, true, false, "FINDING",
	"third-country, back-to-requester, ends-here, anonymiser, no-logs, "
	"unknown"},
    {"next-country", 0, true, false, "CC", "where it leads (ZZ unknown)"},
    {"next-provider", 0, true, false, "NAME", "which provider there"},
    {"from-order", 0, true, false, "REF[:ID]",
	"disclose fields of a provider's hop in that order"},
    {"show", 0, true, true, "FIELD,...",
	"the fields to disclose; the rest is withheld but counted"},
    END};
static const struct option_spec withhold_options[] = {SEND_COMMON_OPTIONS,
    {"reason", 0, true, false, "CODE", "the ground (art. 30(2))"}, END};
static const struct option_spec live_options[] = {SEND_COMMON_OPTIONS,
    {"start", 0, false, false, NULL, "the trace runs (default)"},
    {"stop", 0, false, false, NULL, "it has stopped"},
    {"impossible", 0, false, false, NULL, "it cannot be done"}, END};
static const struct option_spec stop_options[] = {SEND_COMMON_OPTIONS, END};
static const struct option_spec show_options[] = {
    {"format", 0, true, false, "FORMAT", "tree (default), dot or json"}, END};

const struct command cmd_trace[] = {
    {"trace", "show", "REF", "The tree of a trace, with its proofs",
	"  holdfast trace show JP-M9B-9TXQ2M-C\n", CMD_READS, 1, 1,
	show_options, run_tree},
    {"trace", "map", "REF --format dot", "The tree as a graph", "", CMD_READS,
	1, 1, show_options, run_tree},
    {"trace", "hops", "REF", "Hops that a case has shown", "", CMD_READS, 1, 1,
	NULL, run_hops},
    {"trace", "hop", "REF --direction WAY --finding F --next-country CC",
	"Disclose a hop to the requester, in part if need be",
	"  holdfast trace hop JP-M9B-9TXQ2M-C --from-order US-M9B-... \\\n"
	"      --show direction,finding,next_country,window\n",
	CMD_SENDS, 1, 1, trace_hop_options, run_hop},
    {"trace", "withhold", "REF --reason CODE",
	"Withhold a hop, with its ground: counted all the same", "", CMD_SENDS,
	1, 1, withhold_options, run_withhold},
    {"trace", "follow", "REF HOP --to CC",
	"Follow a hop: a new request to the third country", "", CMD_SENDS, 2, 2,
	opening_follow_options, opening_follow},
    {"trace", "live", "REF [--start|--stop|--impossible]",
	"Tell that a live trace runs, has stopped, cannot be done", "",
	CMD_SENDS, 1, 1, live_options, run_live},
    {"trace", "stop", "REF", "Tell that a live trace has stopped", "",
	CMD_SENDS, 1, 1, stop_options, run_stop},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL},
};
