/*
 * opening: what an opening act must carry comes from options, then from the
 * form, then from the asked country's profile.
 */
#include "client/opening.h"

#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define END \
	{ \
		NULL, 0, false, false, NULL, NULL \
	}
#define SPAN \
	{"days", 0, true, false, "N", "term asked for, in days"}, \
	    {"hours", 0, true, false, "N", "in hours"}, \
	{ \
		"seconds", 0, true, false, "N", "in seconds (exercises)" \
	}

const struct option_spec opening_request_options[] = {SEND_COMMON_OPTIONS, SPAN,
    {"to", 0, true, true, "CC",
	"country or desk; repeated: one case a country"},
    {"kind", 0, true, false, "KIND", "preservation, trace or consult"},
    {"mode", 0, true, false, "MODE", "historical or live (trace)"},
    {"urgency", 0, true, false, "LEVEL", "routine, urgent, emergency"},
    {"basis", 0, true, false, "BASIS",
	"budapest (default), eu, bilateral, g7, un, exercise"},
    {"category", 0, true, true, "NAME",
	"subscriber, traffic, content or other"},
    {"not-after", 0, true, false, "TIME", "the request lapses then"},
    {"ttl", 0, true, false, "SECONDS", "time to live of a live trace"},
    {"incomplete", 0, false, false, NULL,
	"send now, the missing fields follow"},
    {"again", 0, false, false, NULL, "open another with this content"}, END};
const struct option_spec opening_order_options[] = {SEND_COMMON_OPTIONS, SPAN,
    {"to", 0, true, true, "DESK", "provider's desk; may be repeated"},
    {"basis", 0, true, false, "BASIS", "domestic (default) or exercise"},
    {"show", 0, true, true, "FIELD",
	"show only these fields (default: what the request allows)"},
    {"again", 0, false, false, NULL, "open another with this content"}, END};
const struct option_spec opening_follow_options[] = {SEND_COMMON_OPTIONS, SPAN,
    {"to", 0, true, false, "CC", "the third country"},
    {"mode", 0, true, false, "MODE", "historical or live"},
    {"urgency", 0, true, false, "LEVEL", "routine, urgent, emergency"},
    {"ttl", 0, true, false, "SECONDS", "time to live of a live trace"},
    {"again", 0, false, false, NULL, "follow in spite of a loop"}, END};

enum hf_err opening_desk(
    const struct roster *r, const char *text, struct hf_desk *desk)
{
	const struct country_doc *doc;
	struct hf_country c = {{0}};

	memset(desk, 0, sizeof(*desk));
	if (hf_desk_ok(text, strlen(text))) {
		memcpy(desk->s, text, strlen(text));
		if (roster_doc(r, hf_desk_country(desk)) == NULL)
			return HF_UNKNOWN_COUNTRY;
		return roster_desk(r, desk) != NULL ? HF_OK : HF_UNKNOWN_DESK;
	}
	if (strlen(text) != 2)
		return HF_UNKNOWN_COUNTRY;
	c.s[0] = (char)toupper((unsigned char)text[0]);
	c.s[1] = (char)toupper((unsigned char)text[1]);
	doc = roster_doc(r, c);
	if (doc == NULL)
		return HF_UNKNOWN_COUNTRY;
	for (unsigned i = 0; i < doc->entry_count; i++)
		if (doc->entries[i].type == ENTRY_DESK &&
		    doc->entries[i].u.desk.type == DESK_CONTACT_POINT) {
			*desk = doc->entries[i].u.desk.desk;
			return HF_OK;
		}
	return HF_UNKNOWN_DESK;
}

/* An option, else the form's key, else NULL. */
static const char *given(const struct sending *s, const char *name)
{
	const char *v = arg(s->args, name);

	return v != NULL ? v
			 : json_string_value(json_object_get(s->meta, name));
}

static int code_of(struct sending *s, const char *name, enum hf_codes list,
    unsigned fallback, unsigned *out)
{
	const char *text = given(s, name);
	const struct hf_code_info *c;
	char what[128];

	*out = fallback;
	if (text == NULL)
		return HF_EXIT_OK;
	c = hf_code_by_name(list, text);
	if (c == NULL) {
		snprintf(what, sizeof(what), "--%s %.40s: no such %s", name,
		    text, hf_codes_name(list));
		return usage_error(s->args, what);
	}
	*out = c->code;
	return HF_EXIT_OK;
}

static int measure_of(struct sending *s, unsigned *measure)
{
	const char *kind = given(s, "kind"), *mode = given(s, "mode");

	if (kind == NULL)
		return usage_error(
		    s->args, "--kind wants preservation, trace or consult");
	if (mode != NULL && strcmp(mode, "historical") != 0 &&
	    strcmp(mode, "live") != 0)
		return usage_error(s->args, "--mode wants historical or live");
	if (strcmp(kind, "preservation") == 0)
		*measure = HF_PRESERVATION;
	else if (strcmp(kind, "trace") == 0)
		*measure = mode != NULL && strcmp(mode, "live") == 0
			       ? HF_TRACE_LIVE
			       : HF_TRACE_HISTORICAL;
	else if (strcmp(kind, "consult") == 0)
		*measure = HF_CONSULT;
	else
		return usage_error(
		    s->args, "--kind wants preservation, trace or consult");
	return HF_EXIT_OK;
}

static int meta_categories(struct sending *s, unsigned *mask)
{
	json_t *list = json_object_get(s->meta, "categories"), *item;
	int status = send_categories(s->args, "category", mask);
	size_t i;

	if (status != HF_EXIT_OK || *mask != 0)
		return status;
	json_array_foreach (list, i, item) {
		const struct hf_code_info *c =
		    json_is_string(item) ? hf_code_by_name(HF_CODES_CATEGORY,
					       json_string_value(item))
					 : NULL;

		if (c == NULL)
			return usage_error(s->args,
			    "categories: subscriber, traffic, content or "
			    "other");
		*mask |= c->code;
	}
	return HF_EXIT_OK;
}

static int meta_span(struct sending *s, uint64_t *seconds)
{
	static const struct {
		const char *name;
		uint64_t unit;
	} units[] = {{"days", 86400}, {"hours", 3600}, {"seconds", 1}};
	int status = send_span(s->args, seconds);

	for (unsigned i = 0; i < 3 && *seconds == 0; i++) {
		json_t *v = json_object_get(s->meta, units[i].name);

		if (json_is_integer(v) && json_integer_value(v) > 0)
			*seconds =
			    (uint64_t)json_integer_value(v) * units[i].unit;
	}
	return status;
}

#define SET(e, key) ((e)->present |= SEND_BIT(key))

/* The keys that each opening act carries (SPEC 4.2). */
static int fill_opening(
    struct sending *s, unsigned measure, unsigned basis, uint64_t span)
{
	struct hf_envelope *e = &s->draft->envelope;
	struct hf_country c = hf_desk_country(&e->to);
	const struct hf_profile *p =
	    roster_profile(s->session.home.roster, c, basis);
	const char *not_after = arg(s->args, "not-after");
	const char *ttl = arg(s->args, "ttl");
	struct instant now = out_now();
	char where[64];
	int zone;

	if (p == NULL) {
		snprintf(where, sizeof(where), "%s, basis %s", c.s,
		    hf_code_name(HF_CODES_BASIS, basis));
		return out_error(&s->args->out, HF_NOT_SUPPORTED,
		    "the country's document names no profile for this basis",
		    where, "nothing was sent", NULL);
	}
	e->measure = measure;
	e->basis = basis;
	e->rules_version = 1;
	e->rules_profile = p->digest;
	e->not_after.ms = now.ms + p->ask_s * 1000u;
	if (not_after != NULL &&
	    hf_rfc3339_read(&e->not_after, &zone, not_after) != HF_OK)
		return usage_error(
		    s->args, "--not-after wants a time with zone");
	e->track = HF_TRACK_ASKING;
	e->gen = 1;
	SET(e, HF_E_MEASURE);
	SET(e, HF_E_BASIS);
	SET(e, HF_E_RULES);
	SET(e, HF_E_NOT_AFTER);
	SET(e, HF_E_URGENCY);
	SET(e, HF_E_CATEGORIES);
	if (measure != HF_CONSULT) {
		if (span == 0)
			span = p->term_default_s;
		send_set_term(
		    s->draft, now, (struct instant){now.ms + span * 1000u});
	}
	if (measure == HF_TRACE_LIVE) {
		e->ttl_s = ttl != NULL ? (uint32_t)strtoul(ttl, NULL, 10)
				       : (uint32_t)p->live_ttl_max_s;
		SET(e, HF_E_TTL);
	}
	return HF_EXIT_OK;
}

static int report_form(struct sending *s, const struct form_report *r)
{
	struct args *a = s->args;
	json_t *list;

	if (r->errors > 0)
		return send_report(a, r, "mandatory fields are missing");
	list = json_array();
	for (unsigned i = 0; i < r->count; i++) {
		json_array_append_new(list, json_string(r->problem[i].field));
		if (a->out.mode == OUT_TABLE && !a->out.quiet)
			fprintf(stderr, "  %s %-18s %s\n",
			    arg_on(a, "incomplete") ? "follows" : "missing",
			    r->problem[i].field, r->problem[i].what);
	}
	if (s->extra == NULL)
		s->extra = json_object();
	json_object_set_new(s->extra, "missing", list);
	return HF_EXIT_OK;
}

static int check_form(struct sending *s)
{
	struct form_report *r = out_must(calloc(1, sizeof(*r)));
	int status;

	form_check(s->draft, arg_on(s->args, "incomplete"), r);
	status = report_form(s, r);
	free(r);
	return status;
}

static int begin(struct sending *s, struct args *a, unsigned kind)
{
	int status;

	memset(s, 0, sizeof(*s));
	s->args = a;
	status = session_open(&s->session, a, true);
	if (status != HF_EXIT_OK)
		return status;
	s->draft = out_must(calloc(1, sizeof(*s->draft)));
	draft_init(s->draft, kind);
	return HF_EXIT_OK;
}

static void finish(struct sending *s)
{
	json_decref(s->extra);
	json_decref(s->meta);
	view_free(s->view);
	free(s->draft);
	session_close(&s->session);
}

static int unknown_to(struct sending *s, enum hf_err err, const char *to)
{
	return out_error(
	    &s->args->out, err, NULL, to, "nothing was sent", NULL);
}

/* One case; `matter` ties those of one command together. */
static int request_to(struct args *a, const char *to)
{
	struct sending s;
	unsigned measure = 0, basis = 0, urgency = 0, mask = 0;
	uint64_t span = 0;
	enum hf_err err;
	int status = begin(&s, a, HF_KIND_REQUEST);

	if (status != HF_EXIT_OK)
		return status;
	err = opening_desk(s.session.home.roster, to, &s.draft->envelope.to);
	status = err == HF_OK
		     ? send_fields(&s, HF_SHARE_PROVIDERS | HF_SHARE_PARTY)
		     : unknown_to(&s, err, to);
	if (status == HF_EXIT_OK)
		status = measure_of(&s, &measure);
	if (status == HF_EXIT_OK)
		status = code_of(
		    &s, "basis", HF_CODES_BASIS, HF_BASIS_BUDAPEST, &basis);
	if (status == HF_EXIT_OK)
		status = code_of(
		    &s, "urgency", HF_CODES_URGENCY, HF_ROUTINE, &urgency);
	if (status == HF_EXIT_OK)
		status = meta_categories(&s, &mask);
	if (status == HF_EXIT_OK)
		status = meta_span(&s, &span);
	if (status == HF_EXIT_OK) {
		s.draft->envelope.urgency = urgency;
		s.draft->envelope.categories = mask;
		status = fill_opening(&s, measure, basis, span);
	}
	if (status == HF_EXIT_OK)
		status = check_form(&s);
	if (status == HF_EXIT_OK)
		status = send_opening(&s);
	finish(&s);
	return status;
}

int opening_request(struct args *a)
{
	const char *to = arg(a, "to");
	int status = HF_EXIT_OK, one;

	if (to == NULL)
		return usage_error(a, "--to wants a country, such as US");
	for (unsigned i = 0; (to = arg_at(a, "to", i)) != NULL; i++) {
		one = request_to(a, to);
		if (one != HF_EXIT_OK)
			status = one;
	}
	return status;
}

/* ---- orders ---- */

static bool wanted(const struct args *a, unsigned field)
{
	const struct hf_field_info *f = hf_field_info(field);
	const char *name;

	if (!arg_on(a, "show"))
		return true;
	for (unsigned i = 0; (name = arg_at(a, "show", i)) != NULL; i++)
		if (f != NULL && strcmp(f->name, name) == 0)
			return true;
	return false;
}

/* Disclose `indexes` of an act to the reader of the draft. */
static enum hf_err cite_act(struct sending *s, const struct view_act *a,
    const uint8_t *indexes, unsigned n, uint8_t policy)
{
	uint8_t *cite = out_must(malloc(HF_CITE_MAX));
	size_t size;
	enum hf_err err;

	err = hf_cite_encode(&a->leaves, a->act.core_bytes, a->act.sigs_bytes,
	    indexes, n, cite, HF_CITE_MAX, &size);
	if (err == HF_OK)
		err = draft_cite(s->draft, &a->act.id,
		    (struct hf_bytes){cite, size}, indexes, n, policy);
	free(cite);
	return err;
}

static bool is_traffic(unsigned field)
{
	return (field >= 40 && field < 80) || field == HF_F_PERIOD ||
	       field == HF_F_RECORD_TYPE || field == HF_F_KNOWN_ACCOUNT;
}

/* What the provider sees of the request: shown leaves with their proof, or,
 * when the requester is masked, fresh copies that the contact point vouches
 * for. */
static enum hf_err show_request(struct sending *s, bool masked)
{
	const struct view_act *o = &s->view->acts[HF_TRACK_ASKING][0];
	struct hf_bytes policy = o->act.envelope.policy;
	uint8_t indexes[HF_LEAF_MAX];
	unsigned n = 0;
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < o->leaves.count && err == HF_OK; i++) {
		const struct hf_leaf *l = &o->leaves.leaf[i];

		if ((policy.data[i] & HF_SHARE_PROVIDERS) == 0 ||
		    !wanted(s->args, l->field) ||
		    (!arg_on(s->args, "show") && !is_traffic(l->field)))
			continue;
		if (masked)
			err = draft_add(s->draft, l->field, l->value, 0);
		else
			indexes[n++] = (uint8_t)i;
	}
	if (err == HF_OK && n > 0)
		err = cite_act(s, o, indexes, n, 0);
	return err;
}

static void set_lineage(struct sending *s, bool masked)
{
	struct hf_envelope *e = &s->draft->envelope;
	struct hf_hash commitment;

	e->lineage_count = 1;
	SET(e, HF_E_LINEAGE);
	if (!masked) {
		e->lineage[0].type = HF_DEPENDENT;
		e->lineage[0].id = s->view->id;
		return;
	}
	hf_random(s->draft->lineage_opening, HF_SALT_SIZE);
	memcpy(
	    s->draft->lineage_opening + HF_SALT_SIZE, &s->view->id, HF_ID_SIZE);
	s->draft->has_lineage_opening = true;
	commitment = hf_hash(HF_TAG_LINEAGE, s->draft->lineage_opening, 48);
	e->lineage[0].type = HF_COMMITMENT;
	memcpy(&e->lineage[0].id, &commitment, sizeof(commitment));
}

static bool masks(const struct args *a)
{
	const char *flag;

	for (unsigned i = 0; (flag = arg_at(a, "flag", i)) != NULL; i++)
		if (strncmp(flag, "mask-requester", 14) == 0)
			return true;
	return false;
}

/* An instrument says who issued it, on what law, and whether it compels. */
static int check_instrument(struct sending *s)
{
	static const unsigned must[] = {HF_F_ISSUER, HF_F_INSTRUMENT_REFERENCE,
	    HF_F_INSTRUMENT_DATE, HF_F_LAW, HF_F_COMPULSION};
	struct form_report *r = out_must(calloc(1, sizeof(*r)));
	int status = HF_EXIT_OK;

	for (unsigned i = 0; i < sizeof(must) / sizeof(*must); i++) {
		bool found = false;

		for (unsigned k = 0; k < s->draft->leaf_count; k++)
			found |= s->draft->leaf[k].field == must[i];
		if (found)
			continue;
		snprintf(r->problem[r->count].field,
		    sizeof(r->problem[0].field), "%s",
		    hf_field_info(must[i])->name);
		snprintf(r->problem[r->count].what, sizeof(r->problem[0].what),
		    "is mandatory: %s", hf_field_info(must[i])->en);
		r->count++;
		r->errors++;
	}
	if (r->errors > 0)
		status = report_form(s, r);
	free(r);
	return status;
}

static int order_to(struct args *a, const char *ref, const char *to)
{
	struct sending s;
	unsigned basis, mask;
	bool masked = masks(a);
	uint64_t span = 0;
	enum hf_err err;
	int status = begin(&s, a, HF_KIND_ORDER);

	if (status != HF_EXIT_OK)
		return status;
	err = view_open(&s.view, &s.session.home, s.session.link, ref);
	if (err == HF_OK)
		err = opening_desk(
		    s.session.home.roster, to, &s.draft->envelope.to);
	if (err != HF_OK) {
		status = unknown_to(&s, err,
		    err == HF_UNKNOWN_DESK || err == HF_UNKNOWN_COUNTRY ? to
									: ref);
		goto out;
	}
	status = send_fields(&s, 0);
	if (status == HF_EXIT_OK)
		status = check_instrument(&s);
	if (status == HF_EXIT_OK)
		status = code_of(&s, "basis", HF_CODES_BASIS,
		    s.view->basis == HF_BASIS_EXERCISE ? HF_BASIS_EXERCISE
						       : HF_BASIS_DOMESTIC,
		    &basis);
	if (status == HF_EXIT_OK)
		status = meta_categories(&s, &mask);
	if (status == HF_EXIT_OK)
		status = meta_span(&s, &span);
	if (status != HF_EXIT_OK)
		goto out;
	s.draft->envelope.urgency = s.view->urgency;
	s.draft->envelope.categories =
	    mask != 0            ? mask
	    : s.view->scope != 0 ? s.view->scope
				 : s.view->acts[0][0].act.envelope.categories;
	err = show_request(&s, masked);
	if (err != HF_OK) {
		status = send_error(&s, err);
		goto out;
	}
	set_lineage(&s, masked);
	status = fill_opening(&s, s.view->measure, basis, span);
	if (status == HF_EXIT_OK) {
		view_free(s.view);
		s.view = NULL; /* the answer names the new case */
		status = send_opening(&s);
	}
out:
	finish(&s);
	return status;
}

int opening_order(struct args *a)
{
	const char *to;
	int status = HF_EXIT_OK, one;

	if (!arg_on(a, "to"))
		return usage_error(
		    a, "--to wants a provider's desk, such as us.isp1");
	for (unsigned i = 0; (to = arg_at(a, "to", i)) != NULL; i++) {
		one = order_to(a, a->positional[0], to);
		if (one != HF_EXIT_OK)
			status = one;
	}
	/* "--to us.isp1 us.isp2" */
	for (unsigned i = 1; i < a->positional_count; i++) {
		one = order_to(a, a->positional[0], a->positional[i]);
		if (one != HF_EXIT_OK)
			status = one;
	}
	return status;
}

/* ---- following a hop ---- */

static const struct hf_id *informative(const struct view *v)
{
	const struct hf_envelope *e = &v->acts[HF_TRACK_ASKING][0].act.envelope;

	for (unsigned i = 0; i < e->lineage_count; i++)
		if (e->lineage[i].type == HF_INFORMATIVE)
			return &e->lineage[i].id;
	return NULL;
}

static bool has_act(const struct view *v, const struct hf_id *id)
{
	for (unsigned t = 0; t < 2; t++)
		for (unsigned i = 0; i < v->count[t]; i++)
			if (memcmp(&v->acts[t][i].act.id, id, sizeof(*id)) == 0)
				return true;
	return false;
}

/* The own case in which the act `id` stands. */
static struct view *case_of(struct session *s, const struct hf_id *id)
{
	struct summary *rows = NULL;
	struct view *found = NULL;
	unsigned count = 0;

	if (summaries(s->link, HF_OP_CASES, NULL, false, &rows, &count) !=
	    HF_OK)
		return NULL;
	for (unsigned i = 0; i < count && found == NULL; i++) {
		struct view *v = NULL;

		if (rows[i].kind != HF_KIND_REQUEST ||
		    (rows[i].side & 1u) == 0 ||
		    view_open(&v, &s->home, s->link, rows[i].ref) != HF_OK)
			continue;
		if (has_act(v, id))
			found = v;
		else
			view_free(v);
	}
	free(rows);
	return found;
}

unsigned opening_path(struct session *s, const struct view *v,
    struct hf_country *path, unsigned max)
{
	struct view *owned = NULL;
	unsigned n = 0;

	while (v != NULL && n < max) {
		const struct hf_id *hop = informative(v);

		path[n++] = hf_desk_country(&v->to);
		v = hop == NULL ? NULL : case_of(s, hop);
		view_free(owned);
		owned = (struct view *)(uintptr_t)v;
	}
	view_free(owned);
	return n;
}

static int refuse_loop(struct sending *s, const struct hf_country *to)
{
	struct hf_country path[16];
	char what[128];
	unsigned n;
	bool loop = strcmp(to->s, s->session.home.country.s) == 0;

	if (arg_on(s->args, "again"))
		return HF_EXIT_OK;
	n = opening_path(&s->session, s->view, path, 16);
	for (unsigned i = 0; i < n; i++)
		loop |= strcmp(path[i].s, to->s) == 0;
	if (!loop)
		return HF_EXIT_OK;
	snprintf(what, sizeof(what), "%s stands on this trace's path already",
	    to->s);
	return out_error(&s->args->out, HF_LOOP, what, s->view->ref,
	    "nothing was sent", NULL);
}

/* The own words of the first request, without its identifiers: those of the
 * hop take their place. */
static enum hf_err copy_opening(struct sending *s)
{
	const struct view_act *o = &s->view->acts[HF_TRACK_ASKING][0];
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < o->leaves.count && err == HF_OK; i++) {
		unsigned f = o->leaves.leaf[i].field;
		bool given_now = false;

		if ((f >= 40 && f < 80) || f == HF_F_CITE || f == HF_F_MATTER)
			continue;
		for (unsigned k = 0; k < s->draft->leaf_count; k++)
			given_now |= s->draft->leaf[k].field == f &&
				     !hf_field_info(f)->repeats;
		if (!given_now)
			err = draft_add(s->draft, f, o->leaves.leaf[i].value,
			    o->act.envelope.policy.data[i]);
	}
	return err;
}

/* The hop's window stands as a field of its own too: it is mandatory, and a
 * provider is shown it. */
static enum hf_err copy_window(
    struct sending *s, const struct hf_leaf *leaf, unsigned n, unsigned depth)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned f = leaf[i].field;

		if (f >= 40 && f < 80) {
			enum hf_err err = draft_add(s->draft, f, leaf[i].value,
			    HF_SHARE_PROVIDERS | HF_SHARE_PARTY);

			if (err != HF_OK)
				return err;
		} else if (f == HF_F_CITE && depth > 0) {
			struct hf_cite *cite =
			    out_must(calloc(1, sizeof(*cite)));
			struct hf_bytes b;
			struct wire w;
			enum hf_err err;

			wire_init(&w, leaf[i].value.data, leaf[i].value.size);
			b = wire_bin(&w, 1, HF_CITE_MAX);
			err = hf_cite_decode(cite, b.data, b.size);
			if (err == HF_OK)
				err = copy_window(s, cite->shown,
				    cite->shown_count, depth - 1);
			free(cite);
			if (err != HF_OK)
				return err;
		}
	}
	return HF_OK;
}

static enum hf_err cite_hop(struct sending *s, const struct view_act *hop)
{
	uint8_t indexes[HF_LEAF_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < hop->leaves.count; i++)
		if ((hop->act.envelope.policy.data[i] &
			(HF_SHARE_THIRD | HF_SHARE_PARTY)) != 0)
			indexes[n++] = (uint8_t)i;
	return n == 0 ? HF_CITE
		      : cite_act(s, hop, indexes, n,
			    HF_SHARE_PROVIDERS | HF_SHARE_PARTY);
}

static int fill_follow(struct sending *s, const struct view_act *hop)
{
	struct hf_envelope *e = &s->draft->envelope;
	unsigned measure = s->view->measure, urgency;
	const char *mode = arg(s->args, "mode");
	uint64_t span = 0;
	enum hf_err err;
	int status = send_fields(s, HF_SHARE_PROVIDERS | HF_SHARE_PARTY);

	if (status == HF_EXIT_OK)
		status = send_span(s->args, &span);
	if (status == HF_EXIT_OK)
		status = code_of(
		    s, "urgency", HF_CODES_URGENCY, s->view->urgency, &urgency);
	if (status != HF_EXIT_OK)
		return status;
	if (mode != NULL)
		measure = strcmp(mode, "live") == 0 ? HF_TRACE_LIVE
						    : HF_TRACE_HISTORICAL;
	err = copy_opening(s);
	if (err == HF_OK)
		err = copy_window(s, hop->leaves.leaf, hop->leaves.count, 2);
	if (err == HF_OK)
		err = cite_hop(s, hop);
	if (err != HF_OK)
		return send_error(s, err);
	e->urgency = urgency;
	e->categories = s->view->acts[0][0].act.envelope.categories;
	e->lineage_count = 1;
	e->lineage[0].type = HF_INFORMATIVE;
	e->lineage[0].id = hop->act.id;
	SET(e, HF_E_LINEAGE);
	return fill_opening(s, measure, s->view->basis, span);
}

int opening_follow(struct args *a)
{
	struct sending s;
	const struct view_act *hop;
	const char *to = arg(a, "to");
	struct hf_country c;
	enum hf_err err;
	int status;

	if (to == NULL)
		return usage_error(a, "--to wants the third country");
	status = begin(&s, a, HF_KIND_REQUEST);
	if (status != HF_EXIT_OK)
		return status;
	err = view_open(
	    &s.view, &s.session.home, s.session.link, a->positional[0]);
	if (err != HF_OK) {
		status = unknown_to(&s, err, a->positional[0]);
		goto out;
	}
	hop = view_act(s.view, a->positional[1]);
	if (hop == NULL || hop->act.core.kind != HF_KIND_HOP || !hop->opened) {
		status = out_error(&a->out, HF_UNKNOWN_ACT,
		    "no hop with this id in the case", a->positional[1],
		    "nothing was sent", "ids: holdfast trace hops REF");
		goto out;
	}
	err = opening_desk(s.session.home.roster, to, &s.draft->envelope.to);
	if (err != HF_OK) {
		status = unknown_to(&s, err, to);
		goto out;
	}
	c = hf_desk_country(&s.draft->envelope.to);
	status = refuse_loop(&s, &c);
	if (status == HF_EXIT_OK)
		status = fill_follow(&s, hop);
	if (status == HF_EXIT_OK) {
		view_free(s.view);
		s.view = NULL;
		status = send_opening(&s);
	}
out:
	finish(&s);
	return status;
}
