/*
 * bundle_page: what people and scripts read of a bundle: index.html, one
 * file without scripts, and case.json.  Both are written from the judged
 * members alone, so that whoever verifies writes them again and compares.
 */
#include "client/bundle.h"

#include "proto/crypto.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>

#define CITE_DEPTH 3u

static const struct view_act *act_at(
    const struct bundle *b, struct bundle_place p)
{
	return &b->view->acts[p.track][p.gen - 1];
}

static const struct bundle_act *more_at(
    const struct bundle *b, struct bundle_place p)
{
	return &b->more[p.track][p.gen - 1];
}

static const char *when(char out[32], struct instant t)
{
	hf_rfc3339(out, t, 0);
	return out;
}

static struct instant known_time(const struct view_act *a)
{
	return a->entered.ms != 0 ? a->entered : a->act.core.created;
}

/* ---- case.json ---- */

static json_t *time_json(struct instant t)
{
	char text[32];

	return t.ms == 0 ? json_null() : json_string(when(text, t));
}

static void add_member(json_t *list, const struct bundle *b, const char *name)
{
	if (tar_find(&b->tar, name) != NULL)
		json_array_append_new(list, json_string(name));
}

static json_t *members_json(const struct bundle *b, struct bundle_place p)
{
	const struct bundle_act *more = more_at(b, p);
	json_t *list = json_array();
	char name[TAR_NAME_MAX + 1];

	bundle_name(name, "acts", p.track, p.gen, NULL);
	add_member(list, b, name);
	bundle_name(name, "leaves", p.track, p.gen, NULL);
	add_member(list, b, name);
	for (unsigned i = 0; i < more->receipt_count; i++) {
		bundle_name(
		    name, "receipts", p.track, p.gen, &more->receipts[i].by);
		add_member(list, b, name);
		bundle_name(
		    name, "proofs", p.track, p.gen, &more->receipts[i].by);
		add_member(list, b, name);
	}
	return list;
}

static json_t *receipts_json(const struct bundle_act *more)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < more->receipt_count; i++) {
		const struct bundle_receipt *r = &more->receipts[i];
		json_t *o = json_object();

		json_object_set_new(o, "country", json_string(r->by.s));
		json_object_set_new(o, "verified", json_boolean(r->size != 0));
		json_object_set_new(o, "epoch", json_integer(r->r.leaf.epoch));
		json_object_set_new(
		    o, "index", json_integer((json_int_t)r->r.index));
		json_object_set_new(
		    o, "size", json_integer((json_int_t)r->size));
		json_object_set_new(o, "entered", time_json(r->r.leaf.entered));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *act_row(const struct bundle *b, struct bundle_place p)
{
	const struct bundle_act *more = more_at(b, p);
	const struct view_act *a = act_at(b, p);
	json_t *o = act_json(a);

	json_object_del(o, "receipt");
	json_object_set_new(o, "entered", time_json(a->entered));
	json_object_set_new(o, "members", members_json(b, p));
	json_object_set_new(o, "receipts", receipts_json(more));
	if (more->cite != NULL) {
		json_object_set_new(
		    o, "shown", json_integer(more->cite->shown_count));
		json_object_set_new(o, "withheld",
		    json_integer(more->cite->count - more->cite->shown_count));
	}
	return o;
}

static void add_ledger(
    json_t *list, const struct bundle *b, struct hf_country c, uint32_t epoch)
{
	const struct broker_entry *e = bundle_broker(b, c, epoch);
	char hex[2 * HF_KEY_SIZE + 1], origin[HF_ORIGIN_MAX];
	const json_t *o;
	size_t i;

	hf_origin(origin, c, epoch);
	json_array_foreach (list, i, o)
		if (strcmp(json_string_value(json_object_get(o, "origin")),
			origin) == 0)
			return;
	if (e == NULL)
		return;
	hf_hex(hex, e->ledger.b, sizeof(e->ledger));
	json_array_append_new(
	    list, json_pack("{s:s, s:s}", "origin", origin, "key", hex));
}

/* The keys by which README.txt checks heads with other tools. */
static json_t *ledgers_json(
    const struct bundle *b, const struct bundle_place *acts, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++) {
		const struct bundle_act *more = more_at(b, acts[i]);

		for (unsigned k = 0; k < more->receipt_count; k++)
			add_ledger(list, b, more->receipts[k].by,
			    more->receipts[k].epoch);
	}
	return list;
}

static json_t *notes_json(const struct bundle *b)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < b->finding_count; i++)
		if (b->findings[i].note && b->findings[i].kind != BUNDLE_PINS &&
		    b->findings[i].kind != BUNDLE_PAGES)
			json_array_append_new(
			    list, json_pack("{s:s, s:s}", "member",
				      b->findings[i].member, "what",
				      b->findings[i].what));
	return list;
}

static const char *side_name(unsigned side)
{
	static const char *const names[] = {"none", "asking", "asked", "both"};

	return names[side & 3u];
}

static void exporter_json(const struct bundle *b, json_t *o)
{
	char line[HF_KEYLINE_MAX];
	json_t *e = json_object();

	hf_keyline(line, HF_KEY_OFFICER, &b->exporter);
	json_object_set_new(e, "key", json_string(line));
	if (b->officer != NULL) {
		json_object_set_new(e, "desk", json_string(b->officer->desk.s));
		json_object_set_new(e, "name", json_string(b->officer->name));
	}
	json_object_set_new(o, "exporter", e);
}

static const char *code(enum hf_codes list, unsigned number)
{
	return hf_code_name(list, number);
}

char *bundle_case_json(const struct bundle *b)
{
	const struct view *v = b->view;
	char id[2 * HF_ID_SIZE + 1];
	json_t *o = json_object(), *acts = json_array();
	unsigned n;
	struct bundle_place *list = bundle_timeline(b, &n);
	char *text = NULL;

	if (list == NULL)
		goto out;
	hf_hex(id, &v->id, sizeof(v->id));
	json_object_set_new(o, "format", json_string("holdfast-evidence-1"));
	json_object_set_new(
	    o, "made_by", json_string("holdfast " HOLDFAST_VERSION));
	json_object_set_new(o, "reference", json_string(v->ref));
	json_object_set_new(o, "case", json_string(id));
	json_object_set_new(o, "side", json_string(side_name(v->side)));
	json_object_set_new(o, "from", json_string(v->from.s));
	json_object_set_new(o, "to", json_string(v->to.s));
	json_object_set_new(
	    o, "opened_by", json_string(code(HF_CODES_KIND, v->kind)));
	json_object_set_new(
	    o, "measure", json_string(code(HF_CODES_MEASURE, v->measure)));
	json_object_set_new(
	    o, "basis", json_string(code(HF_CODES_BASIS, v->basis)));
	json_object_set_new(
	    o, "urgency", json_string(code(HF_CODES_URGENCY, v->urgency)));
	json_object_set_new(
	    o, "state", json_string(code(HF_CODES_STATE, v->state)));
	json_object_set_new(o, "expires_at", time_json(v->hold_until));
	json_object_set_new(o, "suspended", json_boolean(v->suspended));
	exporter_json(b, o);
	json_object_set_new(o, "ledgers", ledgers_json(b, list, n));
	json_object_set_new(o, "notes", notes_json(b));
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(acts, act_row(b, list[i]));
	json_object_set(o, "acts", acts);
	text = json_dumps(o, JSON_INDENT(1) | JSON_SORT_KEYS);
out:
	free(list);
	json_decref(acts);
	json_decref(o);
	return text;
}

/* ---- index.html ---- */

/* Nothing reaches the page but through here. */
static void esc(FILE *f, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		case '\'':
			fputs("&#39;", f);
			break;
		default:
			fputc(*text, f);
		}
}

static void esc_bytes(FILE *f, struct hf_bytes b)
{
	char text[1024];

	out_safe(text, sizeof(text), (const char *)b.data, b.size);
	esc(f, text);
}

static const char *label(enum hf_codes list, unsigned number)
{
	const struct hf_code_info *info = hf_code_info(list, number);

	return info == NULL ? "?" : info->en;
}

static void row(FILE *f, const char *name, const char *value)
{
	fputs("<tr><th>", f);
	esc(f, name);
	fputs("</th><td>", f);
	esc(f, value);
	fputs("</td></tr>\n", f);
}

static const char style[] =
    "body{font:16px/1.45 sans-serif;max-width:60em;margin:2em auto;"
    "padding:0 1em;color:#111}\n"
    "h1{font-size:1.5em}h2{font-size:1.2em;margin-top:2em;"
    "border-bottom:1px solid #888}h3{font-size:1em;margin-bottom:.3em}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "th,td{border:1px solid #bbb;padding:.25em .5em;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}\n"
    "th{overflow-wrap:break-word}\n"
    ".timeline td:nth-child(-n+2){white-space:nowrap}\n"
    "th{background:#eee;font-weight:600}code{font-size:.9em}\n"
    ".cite{margin-left:1.5em;border-left:3px solid #bbb;padding-left:.8em}\n"
    ".bad{font-weight:700}\n"
    "@media print{body{max-width:none;margin:0;font-size:10pt}"
    "h2,h3{break-after:avoid}tr{break-inside:avoid}}\n"
    "@page{margin:18mm}\n";

static void head(FILE *f, const struct bundle *b)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	      "<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" "
	      "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	      "<title>Evidence of case ",
	    f);
	esc(f, b->view->ref);
	fprintf(f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
	fputs("<h1>Evidence of case ", f);
	esc(f, b->view->ref);
	fputs("</h1>\n<p>This page is for reading. What proves it are the "
	      "other members of this bundle; <code>README.txt</code> says how "
	      "to check them with common tools, and <code>holdfast request "
	      "verify</code> checks them all and that this page says no more "
	      "than they do. Times of entry are UTC (Z); times in fields keep "
	      "the zone "
	      "that they were given in.</p>\n",
	    f);
}

static void summary(FILE *f, const struct bundle *b)
{
	const struct view *v = b->view;
	char text[128], id[2 * HF_ID_SIZE + 1];

	fputs("<table>\n", f);
	row(f, "Asked by", v->from.s);
	row(f, "Asked of", v->to.s);
	row(f, "Opened by", label(HF_CODES_KIND, v->kind));
	row(f, "Measure", label(HF_CODES_MEASURE, v->measure));
	row(f, "Basis", label(HF_CODES_BASIS, v->basis));
	row(f, "Urgency", label(HF_CODES_URGENCY, v->urgency));
	row(f, "State by these acts", label(HF_CODES_STATE, v->state));
	if (v->hold_until.ms != 0)
		row(f, "Held until", when(text, v->hold_until));
	if (v->suspended)
		row(f, "Expiry",
		    "suspended until the request for assistance "
		    "is decided");
	hf_hex(id, &v->id, sizeof(v->id));
	row(f, "Case", id);
	if (b->officer != NULL) {
		snprintf(text, sizeof(text), "%.27s, %.95s", b->officer->desk.s,
		    b->officer->name);
		row(f, "Exported by", text);
	}
	if (b->head.size > 0) {
		snprintf(text, sizeof(text), "%llu entries of the ledger of %s",
		    (unsigned long long)b->head.size, b->head.by.s);
		row(f, "Newest head in it", text);
	}
	fputs("</table>\n", f);
}

static void handling(FILE *f, const struct bundle *b)
{
	const struct hf_envelope *e = &b->view->acts[0][0].act.envelope;

	if (e->flag_count == 0)
		return;
	fputs("<h2>Handling</h2>\n<ul>\n", f);
	for (unsigned i = 0; i < e->flag_count; i++) {
		char text[32];

		fputs("<li>", f);
		esc(f, label(HF_CODES_FLAG, e->flags[i].flag));
		fputs(e->flags[i].strength == HF_BINDING ? ", binding"
							 : ", requested",
		    f);
		if (e->flags[i].until.ms != 0)
			fprintf(f, ", until %s", when(text, e->flags[i].until));
		else
			fputs(", until lifted", f);
		fputs("</li>\n", f);
	}
	fputs("</ul>\n", f);
}

/* ---- the timeline ---- */

static void who(FILE *f, const struct view_act *a)
{
	esc(f, a->act.envelope.from.s);
	if (a->act.signature_count == 0)
		fputs(" (its broker)", f);
	else if (a->author == NULL)
		fputs(" (a key that no document names)", f);
	if (a->author != NULL) {
		fputs(", ", f);
		esc(f, a->author->name);
	}
	if (HF_HAS(&a->act.envelope, HF_E_OUTSIDER)) {
		fputs(", registered for ", f);
		esc_bytes(f, a->act.envelope.outsider.who);
	}
}

static void what(FILE *f, const struct view_act *a)
{
	const struct hf_envelope *e = &a->act.envelope;
	char text[32];

	esc(f, label(HF_CODES_KIND, a->act.core.kind));
	if (HF_HAS(e, HF_E_REASON)) {
		fputs(": ", f);
		esc(f, label(HF_CODES_REASON, e->reason));
	}
	if (HF_HAS(e, HF_E_RESULT)) {
		fputs(": ", f);
		esc(f, label(HF_CODES_RESULT, e->result));
	}
	if (HF_HAS(e, HF_E_TERM))
		fprintf(f, ", term until %s", when(text, e->term_until));
	if (HF_HAS(e, HF_E_AT))
		fprintf(f, ", at %s", when(text, e->at));
	if (HF_HAS(e, HF_E_DUE))
		fprintf(f, ", due %s", when(text, e->due));
	if (a->clause != 0)
		fprintf(f,
		    " <span class=\"bad\">VOID, without effect (SPEC "
		    "%u.%u)</span>",
		    a->clause / 100, a->clause % 100);
	if (a->trust == TRUST_BAD_RECEIPT || a->trust == TRUST_BAD_SIGNATURE ||
	    a->trust == TRUST_DISPUTED || a->trust == TRUST_UNKNOWN_KEY)
		fprintf(
		    f, " <span class=\"bad\">%s</span>", trust_name(a->trust));
}

static void counts(
    FILE *f, const struct bundle_act *more, const struct view_act *a)
{
	if (more->cite == NULL)
		fputs(a->opened ? "none" : "nothing shown", f);
	else
		fprintf(f, "%u shown, %u withheld", more->cite->shown_count,
		    more->cite->count - more->cite->shown_count);
}

static void timeline(FILE *f, const struct bundle *b,
    const struct bundle_place *list, unsigned n)
{
	fputs("<h2>Timeline</h2>\n<table "
	      "class=\"timeline\">\n<tr><th>Entered</th><th>Act</th>"
	      "<th>Who</th><th>What</th><th>Fields</th><th>Proven by</th>"
	      "</tr>\n",
	    f);
	for (unsigned i = 0; i < n; i++) {
		const struct view_act *a = act_at(b, list[i]);
		const struct bundle_act *more = more_at(b, list[i]);
		char text[32];

		fprintf(f,
		    "<tr><td>%s%s</td><td><a href=\"#a%u-%u\">%u-%u"
		    "</a></td><td>",
		    when(text, known_time(a)),
		    a->entered.ms == 0 ? " (its author's word)" : "",
		    list[i].track, list[i].gen, list[i].track, list[i].gen);
		who(f, a);
		fputs("</td><td>", f);
		what(f, a);
		fputs("</td><td>", f);
		counts(f, more, a);
		fputs("</td><td>", f);
		for (unsigned k = 0; k < more->receipt_count; k++)
			fprintf(f, "%s%s%s", k > 0 ? ", " : "",
			    more->receipts[k].by.s,
			    more->receipts[k].size == 0 ? " DOES NOT VERIFY"
							: "");
		if (more->receipt_count == 0)
			fputs("nothing", f);
		fputs("</td></tr>\n", f);
	}
	fputs("</table>\n", f);
}

/* ---- fields ---- */

static void fields(FILE *f, const struct hf_leaf *leaf, unsigned n)
{
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		const struct hf_field_info *info = hf_field_info(leaf[i].field);
		char text[HF_TEXT_MAX + 16], number[24];

		if (leaf[i].field == HF_F_CITE)
			continue;
		if (!any)
			fputs("<table>\n", f);
		any = true;
		snprintf(number, sizeof(number), "field %u", leaf[i].field);
		form_text(
		    text, sizeof(text), leaf[i].field, leaf[i].value, "en");
		row(f, info == NULL ? number : info->en, text);
	}
	if (any)
		fputs("</table>\n", f);
}

static void cite(FILE *f, const struct hf_cite *c, unsigned depth)
{
	char id[2 * HF_ID_SIZE + 1], line[HF_KEYLINE_MAX];

	hf_hex(id, &c->id, sizeof(c->id));
	hf_keyline(line, HF_KEY_OFFICER, &c->core.author);
	fprintf(
	    f, "<div class=\"cite\"><p>Cited from act <code>%s</code> (", id);
	esc(f, label(HF_CODES_KIND, c->core.kind));
	fprintf(f,
	    "), signed by <code>%s</code>: %u of %u fields shown, %u "
	    "withheld.</p>\n",
	    line, c->shown_count, c->count, c->count - c->shown_count);
	fields(f, c->shown, c->shown_count);
	for (unsigned i = 0; i < c->shown_count && depth > 0; i++) {
		struct hf_cite *inner;

		if (c->shown[i].field != HF_F_CITE)
			continue;
		if (view_cite(&inner, &c->shown[i]) == HF_OK)
			cite(f, inner, depth - 1);
		else
			fputs("<p class=\"bad\">A cite in it does not "
			      "verify.</p>\n",
			    f);
		free(inner);
	}
	fputs("</div>\n", f);
}

static void one_receipt(
    FILE *f, const struct bundle_receipt *r, const struct view_act *a)
{
	struct hf_country own = hf_desk_country(&a->act.envelope.from);
	bool home = strcmp(own.s, r->by.s) == 0;
	char text[32];

	if (r->size == 0) {
		fprintf(f,
		    "<li class=\"bad\">The receipt of %s does not "
		    "verify: it proves nothing.</li>\n",
		    r->by.s);
		return;
	}
	fprintf(f,
	    "<li>The broker of %s signed that this act %s at %s (entry "
	    "%llu, under its head over %llu entries",
	    r->by.s,
	    home ? "entered its ledger" : "arrived and entered its ledger",
	    when(text, r->r.leaf.entered), (unsigned long long)r->r.index,
	    (unsigned long long)r->size);
	if (r->r.leaf.bound_ms != HF_BOUND_UNKNOWN)
		fprintf(
		    f, "; its clock was right to %u ms", r->r.leaf.bound_ms);
	else
		fputs("; the error of its clock was not known", f);
	fputs(").</li>\n", f);
}

static void act(FILE *f, const struct bundle *b, struct bundle_place p)
{
	const struct bundle_act *more = more_at(b, p);
	const struct view_act *a = act_at(b, p);
	char text[32], id[2 * HF_ID_SIZE + 1];

	hf_hex(id, &a->act.id, sizeof(a->act.id));
	fprintf(f, "<h3 id=\"a%u-%u\">%u-%u: ", p.track, p.gen, p.track, p.gen);
	what(f, a);
	fputs("</h3>\n<p>", f);
	who(f, a);
	fprintf(f, ", to %s; written %s; id <code>%s</code>",
	    a->act.envelope.to.s, when(text, a->act.core.created), id);
	if (HF_HAS(&a->act.envelope, HF_E_RE)) {
		hf_hex(id, &a->act.envelope.re, sizeof(a->act.envelope.re));
		fprintf(f, "; about <code>%s</code>", id);
	}
	fputs(". Fields: ", f);
	counts(f, more, a);
	fputs(".</p>\n", f);
	if (more->cite != NULL)
		fields(f, more->cite->shown, more->cite->shown_count);
	for (unsigned i = 0; i < a->cite_count; i++)
		if (a->cite_err[i] == HF_OK)
			cite(f, a->cites[i], CITE_DEPTH);
		else
			fputs("<p class=\"bad\">A cite does not verify.</p>\n",
			    f);
	fputs("<ul>\n", f);
	for (unsigned i = 0; i < more->receipt_count; i++)
		one_receipt(f, &more->receipts[i], a);
	fputs("</ul>\n", f);
}

/* ---- the trace ---- */

static void hop_line(FILE *f, const struct hop *h)
{
	char id[2 * HF_ID_SIZE + 1], text[64];
	const char *ip =
	    json_string_value(json_object_get(h->fields, "source_ip"));

	hf_hex(id, &h->act->act.id, sizeof(h->act->act.id));
	fprintf(f, "<li><a href=\"#a1-%u\">1-%u</a> ", h->act->act.envelope.gen,
	    h->act->act.envelope.gen);
	if (h->withheld_hop) {
		fputs("a hop is withheld: ", f);
		esc(f, label(HF_CODES_REASON, h->act->act.envelope.reason));
	} else if (!h->act->opened) {
		fputs("a hop; nothing of it is shown here", f);
	} else {
		esc(f, h->direction == 0
			   ? "leads to"
			   : label(HF_CODES_DIRECTION, h->direction));
		fputs(" ", f);
		esc(f, h->next_country);
		if (h->finding != 0) {
			fputs(": ", f);
			esc(f, label(HF_CODES_FINDING, h->finding));
		}
		if (ip != NULL) {
			fputs(", ", f);
			esc(f, ip);
		}
		if (h->has_window) {
			when(text, (struct instant){h->window_from});
			fprintf(f, ", %s to ", text);
			when(text, (struct instant){h->window_until});
			fputs(text, f);
		}
		fprintf(
		    f, "; %u fields shown, %u withheld", h->shown, h->withheld);
		if (h->clock_unknown)
			fputs("; clock error unknown", f);
	}
	fprintf(f, "; %s; id <code>%s</code></li>\n",
	    h->act->trust == TRUST_OK ? "entry proven" : "entry not proven",
	    id);
}

static void trace(FILE *f, const struct bundle *b)
{
	struct hop *hops = calloc(HOPS_MAX, sizeof(*hops));
	const struct hf_envelope *e = &b->view->acts[0][0].act.envelope;
	unsigned n = hops == NULL ? 0 : hops_of(b->view, hops, HOPS_MAX);

	if (n > 0)
		fputs("<h2>Trace</h2>\n", f);
	for (unsigned i = 0; n > 0 && i < e->lineage_count; i++) {
		char id[2 * HF_ID_SIZE + 1];

		if (e->lineage[i].type != HF_INFORMATIVE)
			continue;
		hf_hex(id, &e->lineage[i].id, HF_ID_SIZE);
		fprintf(f,
		    "<p>This case follows hop <code>%s</code> of "
		    "another.</p>\n",
		    id);
	}
	if (n > 0) {
		fputs("<ul>\n<li>", f);
		esc(f, b->view->from.s);
		fputs(" asked ", f);
		esc(f, b->view->to.s);
		fputs("\n<ul>\n", f);
		for (unsigned i = 0; i < n; i++)
			hop_line(f, &hops[i]);
		fputs("</ul>\n</li>\n</ul>\n<p>A request to a country that a "
		      "hop names is a case of its own, with evidence of its "
		      "own; it names the hop by this id.</p>\n",
		    f);
	}
	hops_free(hops, n);
	free(hops);
}

/* What it does not prove, so that nobody has to guess. */
static void limits(FILE *f, const struct bundle *b)
{
	unsigned listed = 0;

	fputs("<h2>What is withheld and what is not proven</h2>\n<ul>\n", f);
	fprintf(f,
	    "<li>Fields of acts and of what they cite: %u shown, %u withheld. "
	    "Each withheld one is counted, and its place is under the "
	    "signature.</li>\n",
	    b->fields_shown, b->fields_withheld);
	for (unsigned i = 0; i < b->finding_count; i++) {
		const struct bundle_finding *x = &b->findings[i];

		if (!x->note || x->kind == BUNDLE_PINS ||
		    x->kind == BUNDLE_PAGES)
			continue;
		fputs("<li><code>", f);
		esc(f, x->member);
		fputs("</code>: ", f);
		esc(f, x->what);
		fputs("</li>\n", f);
		listed++;
	}
	if (listed == BUNDLE_FINDINGS_MAX)
		fputs("<li>and more of this sort</li>\n", f);
	fputs("<li>Acts that entered after the newest one here are not in it, "
	      "and nothing in it says whether there are any.</li>\n</ul>\n",
	    f);
}

char *bundle_html(const struct bundle *b)
{
	char *text = NULL;
	size_t size;
	unsigned n;
	struct bundle_place *list = bundle_timeline(b, &n);
	FILE *f = out_must(open_memstream(&text, &size));
	bool failed;

	head(f, b);
	summary(f, b);
	handling(f, b);
	timeline(f, b, list, n);
	trace(f, b);
	limits(f, b);
	fputs("<h2>The acts</h2>\n", f);
	for (unsigned i = 0; i < n; i++)
		act(f, b, list[i]);
	fputs("</body>\n</html>\n", f);
	free(list);
	failed = ferror(f) != 0;
	return out_must(fclose(f) == 0 && !failed ? text : NULL);
}
