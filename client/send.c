/*
 * send: compose, show on --dry-run, submit, tell what is known.
 */
#include "client/send.h"

#include "client/from_log.h"
#include "proto/crypto.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REBASES 3u

void send_set_term(struct draft *d, struct instant from, struct instant until)
{
	d->envelope.term_from = from;
	d->envelope.term_until = until;
	d->envelope.present |= SEND_BIT(HF_E_TERM);
}

void send_set_due(struct draft *d, struct instant due)
{
	d->envelope.due = due;
	d->envelope.present |= SEND_BIT(HF_E_DUE);
}

void send_set_reason(struct draft *d, unsigned reason)
{
	d->envelope.reason = reason;
	d->envelope.present |= SEND_BIT(HF_E_REASON);
}

int send_code(
    struct args *a, const char *option, enum hf_codes list, unsigned *code)
{
	const char *name = arg(a, option);
	const struct hf_code_info *c;
	char what[400];
	size_t at;

	*code = 0;
	if (name == NULL)
		return HF_EXIT_OK;
	c = hf_code_by_name(list, name);
	if (c != NULL) {
		*code = c->code;
		return HF_EXIT_OK;
	}
	at = (size_t)snprintf(
	    what, sizeof(what), "--%s %.40s: wants one of", option, name);
	for (unsigned i = 0; (c = hf_code_at(i)) != NULL; i++)
		if (c->list == list && at + 48 < sizeof(what))
			at += (size_t)snprintf(
			    what + at, sizeof(what) - at, " %s", c->name);
	return usage_error(a, what);
}

int send_categories(struct args *a, const char *option, unsigned *mask)
{
	const char *name;

	*mask = 0;
	for (unsigned i = 0; (name = arg_at(a, option, i)) != NULL; i++) {
		const struct hf_code_info *c =
		    hf_code_by_name(HF_CODES_CATEGORY, name);

		if (c == NULL) {
			char what[96];

			snprintf(what, sizeof(what),
			    "--%s %.20s: wants subscriber, traffic, content "
			    "or other",
			    option, name);
			return usage_error(a, what);
		}
		*mask |= c->code;
	}
	return HF_EXIT_OK;
}

int send_policy(struct args *a, uint8_t fallback, uint8_t *policy)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} names[] = {{"nobody", 0}, {"providers", HF_SHARE_PROVIDERS},
	    {"requester", HF_SHARE_REQUESTER}, {"third", HF_SHARE_THIRD},
	    {"party", HF_SHARE_PARTY}};
	const char *text = arg(a, "share");

	*policy = fallback;
	if (text == NULL)
		return HF_EXIT_OK;
	*policy = 0;
	while (*text != '\0') {
		size_t n = strcspn(text, ",");
		unsigned i;

		for (i = 0; i < 5; i++)
			if (strlen(names[i].name) == n &&
			    memcmp(names[i].name, text, n) == 0)
				break;
		if (i == 5)
			return usage_error(a,
			    "--share wants nobody, or a list of providers, "
			    "requester, third, party");
		*policy |= names[i].bit;
		text += n + (text[n] == ',');
	}
	return HF_EXIT_OK;
}

int send_span(struct args *a, uint64_t *seconds)
{
	static const struct {
		const char *name;
		double unit;
	} units[] = {{"days", 86400}, {"hours", 3600}, {"seconds", 1}};

	*seconds = 0;
	for (unsigned i = 0; i < 3; i++) {
		const char *text = arg(a, units[i].name);
		char *end;
		double n;

		if (text == NULL)
			continue;
		n = strtod(text, &end);
		if (end == text || *end != '\0' || n <= 0 ||
		    n * units[i].unit > 36500.0 * 86400)
			return usage_error(
			    a, "--days, --hours or --seconds wants a number");
		*seconds = (uint64_t)(n * units[i].unit);
	}
	return HF_EXIT_OK;
}

const struct option_spec send_common_options[] = {
    SEND_COMMON_OPTIONS, {NULL, 0, false, false, NULL, NULL}};

/* ---- fields ---- */

int send_report(struct args *a, const struct form_report *r, const char *what)
{
	if (a->out.mode == OUT_JSON) {
		json_t *o = json_object(), *list = json_array();

		for (unsigned i = 0; i < r->count; i++)
			if (!r->problem[i].warning)
				json_array_append_new(
				    list, json_pack("{s:s, s:s}", "field",
					      r->problem[i].field, "what",
					      r->problem[i].what));
		json_object_set_new(o, "error", json_string("E7002"));
		json_object_set_new(
		    o, "text", json_string(hf_err_text(HF_FORM)));
		json_object_set_new(o, "problems", list);
		out_json_error(o);
		return HF_EXIT_USAGE;
	}
	for (unsigned i = 0; i < r->count; i++)
		if (!r->problem[i].warning)
			fprintf(stderr, "  %-22s %s\n", r->problem[i].field,
			    r->problem[i].what);
	return out_error(
	    &a->out, HF_FORM, what, NULL, "nothing was sent", NULL);
}

static int add_field_option(
    struct sending *s, const char *text, uint8_t policy, struct form_report *r)
{
	const char *equals = strchr(text, '=');
	const struct hf_field_info *f;
	char name[64];
	json_t *v;

	if (equals == NULL || (size_t)(equals - text) >= sizeof(name))
		return usage_error(s->args, "--field wants NAME=VALUE");
	memcpy(name, text, (size_t)(equals - text));
	name[equals - text] = '\0';
	f = hf_field_by_name(name);
	if (f == NULL) {
		char what[128];

		snprintf(what, sizeof(what),
		    "--field %s: no such field of the catalogue", name);
		return usage_error(s->args, what);
	}
	v = NULL;
	if (f->type != HF_T_TEXT && f->type != HF_T_ID)
		v = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
	if (v == NULL)
		v = json_string(equals + 1);
	if (v == NULL)
		return usage_error(s->args, "--field: the value is not UTF-8");
	(void)form_value(s->draft, f->number, v, policy, r);
	json_decref(v);
	return HF_EXIT_OK;
}

static int read_log_options(struct args *a, struct log_options *o)
{
	const char *zone = arg(a, "log-zone"), *year = arg(a, "log-year");
	int hours, minutes;
	char sign;

	memset(o, 0, sizeof(*o));
	if (zone != NULL) {
		if (sscanf(zone, "%c%2d:%2d", &sign, &hours, &minutes) != 3 ||
		    (sign != '+' && sign != '-') || hours < 0 || hours > 14 ||
		    minutes < 0 || minutes > 59)
			return usage_error(
			    a, "--log-zone wants +HH:MM or -HH:MM");
		o->zone_minutes =
		    (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
		o->zone_known = true;
	}
	if (year != NULL) {
		o->year = (int)strtol(year, NULL, 10);
		if (o->year < 1990 || o->year > 2200)
			return usage_error(a, "--log-year wants a year");
	}
	return HF_EXIT_OK;
}

static int add_log_line(struct sending *s, const char *text, uint8_t policy,
    const struct log_options *options)
{
	const char *colon = strrchr(text, ':'), *format = NULL;
	char path[1024], why[200] = "";
	unsigned line;
	enum hf_err err;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(path) ||
	    (line = (unsigned)strtoul(colon + 1, NULL, 10)) == 0)
		return usage_error(s->args, "--from-log wants FILE:LINE");
	memcpy(path, text, (size_t)(colon - text));
	path[colon - text] = '\0';
	err = from_log(s->draft, path, line, options, policy, &format, why);
	if (err != HF_OK)
		return out_error(
		    &s->args->out, err, why, text, "nothing was sent", NULL);
	if (s->args->out.mode == OUT_TABLE && !s->args->out.quiet)
		fprintf(stderr, "  %s read as %s\n", text, format);
	return HF_EXIT_OK;
}

const char *const send_meta_keys[] = {"kind", "mode", "basis", "urgency",
    "categories", "flags", "days", "hours", "seconds", "third", NULL};

static void take_meta(struct sending *s, json_t *form)
{
	if (s->meta == NULL)
		s->meta = json_object();
	for (unsigned i = 0; send_meta_keys[i] != NULL; i++) {
		json_t *v = json_object_get(form, send_meta_keys[i]);

		if (v == NULL)
			continue;
		json_object_set(s->meta, send_meta_keys[i], v);
		json_object_del(form, send_meta_keys[i]);
	}
}

static int add_form(struct sending *s, uint8_t policy, struct form_report *r)
{
	json_error_t error;
	json_t *o;
	char where[400];

	if (arg(s->args, "form") == NULL)
		return HF_EXIT_OK;
	if (strcmp(arg(s->args, "form"), "-") == 0)
		o = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
	else
		o = json_load_file(
		    arg(s->args, "form"), JSON_REJECT_DUPLICATES, &error);
	if (o == NULL && json_error_code(&error) == json_error_cannot_open_file)
		return out_error(&s->args->out, HF_FILE, NULL,
		    arg(s->args, "form"), "nothing was sent", NULL);
	if (o == NULL) {
		snprintf(where, sizeof(where), "%.200s:%d: %.120s",
		    arg(s->args, "form"), error.line, error.text);
		return out_error(&s->args->out, HF_FORM,
		    "the form is no JSON object", where, "nothing was sent",
		    NULL);
	}
	if (json_is_object(o))
		take_meta(s, o);
	(void)form_read(s->draft, o, policy, r);
	json_decref(o);
	return HF_EXIT_OK;
}

int send_fields(struct sending *s, uint8_t fallback)
{
	struct form_report *r = out_must(calloc(1, sizeof(*r)));
	struct args *a = s->args;
	struct log_options options;
	const char *text;
	uint8_t policy;
	int status;

	status = send_policy(a, fallback, &policy);
	if (status == HF_EXIT_OK)
		status = read_log_options(a, &options);
	if (status == HF_EXIT_OK)
		status = add_form(s, policy, r);
	for (unsigned i = 0;
	     status == HF_EXIT_OK && (text = arg_at(a, "field", i)) != NULL;
	     i++)
		status = add_field_option(s, text, policy, r);
	for (unsigned i = 0;
	     status == HF_EXIT_OK && (text = arg_at(a, "from-log", i)) != NULL;
	     i++)
		status = add_log_line(s, text, policy, &options);
	if (status == HF_EXIT_OK && (text = arg(a, "text")) != NULL &&
	    draft_text(s->draft, HF_F_TEXT, text, a->out.language, policy) !=
		HF_OK)
		status = usage_error(a, "--text: too long or not plain UTF-8");
	if (status == HF_EXIT_OK && r->errors > 0)
		status = send_report(a, r, "the form has the errors above");
	free(r);
	return status;
}

int send_outsider(struct sending *s)
{
	struct hf_envelope *e = &s->draft->envelope;
	struct args *a = s->args;
	const char *who = arg(a, "outsider"), *said = arg(a, "said");
	int zone, status;

	if (who == NULL)
		return HF_EXIT_OK;
	e->outsider.who = (struct hf_bytes){(const uint8_t *)who, strlen(who)};
	status = send_code(a, "means", HF_CODES_MEANS, &e->outsider.means);
	if (status == HF_EXIT_OK)
		status = send_code(
		    a, "verified", HF_CODES_VERIFIED, &e->outsider.verified);
	if (status != HF_EXIT_OK)
		return status;
	if (e->outsider.means == 0)
		return usage_error(a, "--outsider wants --means as well");
	e->outsider.said = out_now();
	if (said != NULL &&
	    hf_rfc3339_read(&e->outsider.said, &zone, said) != HF_OK)
		return usage_error(a, "--said wants a time with zone");
	e->outsider.confirm_by =
	    (struct instant){out_now().ms + UINT64_C(7) * 86400000u};
	if (s->view != NULL && s->view->profile != NULL &&
	    s->view->profile->confirm_s > 0)
		e->outsider.confirm_by.ms =
		    out_now().ms + s->view->profile->confirm_s * 1000u;
	e->present |= SEND_BIT(HF_E_OUTSIDER);
	return HF_EXIT_OK;
}

static int add_flags(struct sending *s)
{
	struct hf_envelope *e = &s->draft->envelope;
	const char *text;

	for (unsigned i = 0; (text = arg_at(s->args, "flag", i)) != NULL; i++) {
		char name[48];
		const char *colon = strchr(text, ':');
		size_t n =
		    colon == NULL ? strlen(text) : (size_t)(colon - text);
		const struct hf_code_info *c;
		unsigned at;

		if (n >= sizeof(name))
			n = sizeof(name) - 1;
		memcpy(name, text, n);
		name[n] = '\0';
		c = hf_code_by_name(HF_CODES_FLAG, name);
		if (c == NULL || e->flag_count == HF_FLAG_MAX)
			return usage_error(s->args,
			    "--flag wants keep-order-secret, "
			    "keep-from-subject, mask-requester, "
			    "no-onward-sharing, this-case-only or "
			    "auditors-skeleton");
		for (at = e->flag_count;
		     at > 0 && e->flags[at - 1].flag > c->code; at--)
			e->flags[at] = e->flags[at - 1];
		e->flags[at].flag = c->code;
		e->flags[at].strength =
		    colon != NULL && strcmp(colon, ":requested") == 0
			? HF_REQUESTED
			: HF_BINDING;
		e->flags[at].until = (struct instant){0};
		e->flag_count++;
		e->present |= SEND_BIT(HF_E_FLAGS);
	}
	return HF_EXIT_OK;
}

static int add_third(struct sending *s)
{
	struct hf_envelope *e = &s->draft->envelope;
	const char *c;

	for (unsigned i = 0; (c = arg_at(s->args, "third", i)) != NULL; i++) {
		unsigned at;

		if (!hf_country_ok(c, strlen(c)) ||
		    e->third_count == HF_THIRD_MAX)
			return usage_error(s->args, "--third wants a country");
		for (at = e->third_count;
		     at > 0 && strcmp(e->third[at - 1].s, c) > 0; at--)
			e->third[at] = e->third[at - 1];
		memcpy(e->third[at].s, c, 3);
		e->third_count++;
		e->present |= SEND_BIT(HF_E_THIRD);
	}
	return HF_EXIT_OK;
}

/* ---- outcome ---- */

#define AS_OFTEN_AS_ONE_LIKES 255u /* no profile can say more */

/* What the rules that the case has pinned would take. */
static void say_terms(const struct view *v, char *out, size_t capacity)
{
	const struct hf_profile *p = v->profile;
	struct hf_country c = hf_desk_country(&v->to);
	char least[32], most[32], total[32], live[32];
	char times[32] = "", in_all[64] = "", live_for[96] = "";

	out_span(least, sizeof(least), p->term_min_s * 1000u);
	out_span(most, sizeof(most), p->term_max_s * 1000u);
	out_span(total, sizeof(total), p->total_max_s * 1000u);
	if (p->extensions_max < AS_OFTEN_AS_ONE_LIKES)
		snprintf(times, sizeof(times), ", %u time%s", p->extensions_max,
		    OUT_S(p->extensions_max));
	if (p->total_max_s != 0)
		snprintf(in_all, sizeof(in_all), ", %s in all", total);
	out_span(live, sizeof(live), p->live_ttl_max_s * 1000u);
	if (v->measure == HF_TRACE_LIVE)
		snprintf(live_for, sizeof(live_for),
		    "; a live trace runs for %s at most (--ttl)", live);
	snprintf(out, capacity,
	    "%s holds data for %s to %s; an extension adds %s at most%s%s%s",
	    c.s, least, most, most, times, in_all, live_for);
}

int send_error(struct sending *s, enum hf_err err)
{
	char terms[400], place[200] = "";
	bool term =
	    err == HF_TERM && s->view != NULL && s->view->profile != NULL;
	const struct link_trouble *t =
	    s->session.link != NULL ? link_trouble(s->session.link) : NULL;
	const char *known = "nothing was entered";

	if (err == HF_NOMEM)
		known = NULL;
	else if (err == HF_TIMEOUT || err == HF_FRAME || err == HF_RECEIPT)
		known = "signed and kept in the outbox; whether the broker "
			"entered it is NOT known";
	else if (hf_err_info(err)->exit == HF_EXIT_UNREACHABLE ||
		 err == HF_FULL || err == HF_NEARLY_FULL || err == HF_BUSY)
		known = "signed and kept in the outbox; NOT entered";
	if (term)
		say_terms(s->view, terms, sizeof(terms));
	if (t != NULL && t->where[0] != '\0')
		snprintf(place, sizeof(place), "%s", t->where);
	else if (s->view != NULL)
		snprintf(place, sizeof(place), "%s, state %s", s->view->ref,
		    out_label(&s->args->out, HF_CODES_STATE, s->view->state));
	return out_error(&s->args->out, err, NULL,
	    place[0] != '\0' ? place : NULL, known, term ? terms : NULL);
}

static int print_dry_run(struct sending *s, const struct signed_act *act)
{
	const struct hf_envelope *e = &s->draft->envelope;
	char id[2 * HF_ID_SIZE + 1], until[32] = "";
	json_t *o;

	hf_hex(id, &act->id, sizeof(act->id));
	if (HF_HAS(e, HF_E_NOT_AFTER))
		hf_rfc3339(until, e->not_after, 0);
	if (s->args->out.mode == OUT_JSON) {
		o = json_pack("{s:b, s:s, s:s, s:s, s:s, s:i, s:i}", "dry_run",
		    1, "kind", hf_code_name(HF_CODES_KIND, s->draft->kind),
		    "id", id, "from", e->from.s, "to", e->to.s, "size",
		    (int)act->size, "fields", (int)s->draft->leaf_count);
		json_object_set_new(o, "not_after",
		    until[0] != '\0' ? json_string(until) : json_null());
		out_json(o);
		return HF_EXIT_OK;
	}
	printf("dry run: nothing was sent\n  %s  %s -> %s\n  digest %s\n  "
	       "%zu bytes sealed and signed, %u fields\n",
	    hf_code_name(HF_CODES_KIND, s->draft->kind), e->from.s, e->to.s, id,
	    act->size, s->draft->leaf_count);
	if (until[0] != '\0')
		printf("  not after %s\n", until);
	return HF_EXIT_OK;
}

static int print_entered(struct sending *s, const struct submitted *r)
{
	const char *ref = s->view != NULL ? s->view->ref : r->ref;
	char id[2 * HF_ID_SIZE + 1], data[4 * HF_RECEIPT_MAX / 3 + 8];
	json_t *o, *receipt;

	hf_hex(id, &r->id, sizeof(r->id));
	if (s->args->out.mode == OUT_JSON) {
		hf_base64url(data, sizeof(data), r->receipt, r->receipt_size);
		receipt =
		    json_pack("{s:I, s:i, s:s}", "index", (json_int_t)r->index,
			"size", (int)r->receipt_size, "data", data);
		o = json_pack("{s:s, s:s, s:s, s:s, s:o, s:b, s:b}", "ref", ref,
		    "id", id, "kind",
		    hf_code_name(HF_CODES_KIND, s->draft->kind), "state",
		    hf_code_name(HF_CODES_STATE, r->state), "receipt", receipt,
		    "outside_profile",
		    (r->flags & HF_SUBMIT_OUTSIDE_PROFILE) != 0, "duplicate",
		    (r->flags & HF_SUBMIT_DUPLICATE) != 0);
		if (s->extra != NULL)
			json_object_update(o, s->extra);
		out_json(o);
		return HF_EXIT_OK;
	}
	if (s->args->out.quiet)
		return HF_EXIT_OK;
	printf("%s  %s entered, signed and receipted (entry %llu)\n", ref,
	    hf_code_name(HF_CODES_KIND, s->draft->kind),
	    (unsigned long long)r->index);
	printf("  state  %s\n",
	    out_label(&s->args->out, HF_CODES_STATE, r->state));
	if ((r->flags & HF_SUBMIT_NOT_DELIVERED) != 0)
		printf("  known  stored and signed; delivery abroad goes on by "
		       "itself\n");
	if ((r->flags & HF_SUBMIT_OUTSIDE_PROFILE) != 0)
		printf("  note   the ground is outside the profile: delivered "
		       "and flagged\n");
	printf("  next   holdfast %s show %s\n",
	    strcmp(s->args->command->noun, "order") == 0 ? "order" : "request",
	    ref);
	return HF_EXIT_OK;
}

static bool only_small_news(const struct view *before, const struct view *after)
{
	for (unsigned t = 0; t < 2; t++)
		for (unsigned i = before->count[t]; i < after->count[t]; i++)
			switch (after->acts[t][i].act.core.kind) {
			case HF_KIND_NOTE:
			case HF_KIND_ACKNOWLEDGE:
			case HF_KIND_PROGRESS:
				break;
			default:
				return false;
			}
	return true;
}

static bool is_stale(enum hf_err err)
{
	return err == HF_STALE || err == HF_GENERATION || err == HF_CHAIN;
}

static int common_parts(struct sending *s)
{
	int status = send_outsider(s);

	if (status == HF_EXIT_OK)
		status = add_flags(s);
	if (status == HF_EXIT_OK)
		status = add_third(s);
	return status;
}

static int pick_side(struct sending *s, int side)
{
	const struct view *v = s->view;
	const char *given = arg(s->args, "side");
	bool asking = strcmp(v->from.s, s->session.home.desk.s) == 0;
	bool asked = strcmp(v->to.s, s->session.home.desk.s) == 0;

	if (given != NULL && strcmp(given, "asking") != 0 &&
	    strcmp(given, "asked") != 0)
		return usage_error(s->args, "--side wants asking or asked");
	if (side < 0 && asking && asked && given != NULL)
		side = strcmp(given, "asked") == 0;
	else if (side < 0 && asking && asked)
		return usage_error(
		    s->args, "this desk is both sides: give --side");
	else if (side < 0)
		side = asked ? 1 : 0;
	s->side = (unsigned)side;
	return HF_EXIT_OK;
}

/* One attempt: fresh view, fresh act.  *err HF_STALE asks for another. */
static int attempt(struct sending *s, const char *ref, unsigned kind, int side,
    bool inner, send_fill fill, enum hf_err *err)
{
	struct signed_act *act = out_must(calloc(1, sizeof(*act)));
	struct submitted *result = out_must(calloc(1, sizeof(*result)));
	int status;

	*err = view_open(&s->view, &s->session.home, s->session.link, ref);
	if (*err != HF_OK) {
		status = out_error(&s->args->out, *err, NULL, ref, NULL, NULL);
		*err = HF_OK;
		goto out;
	}
	draft_init(s->draft, kind);
	status = pick_side(s, side);
	if (status == HF_EXIT_OK) {
		*err = view_follow(s->view, s->draft, s->side, inner, NULL);
		status = *err == HF_OK ? fill(s) : send_error(s, *err);
	}
	*err = HF_OK;
	if (status == HF_EXIT_OK)
		status = common_parts(s);
	if (status != HF_EXIT_OK)
		goto out;
	*err = compose(act, &s->session.home, s->draft, out_now());
	if (*err == HF_OK && s->args->out.dry_run) {
		status = print_dry_run(s, act);
		goto out;
	}
	if (*err == HF_OK)
		*err = submit(
		    result, &s->session.home, s->session.link, act, s->draft);
	if (*err == HF_OK)
		status = print_entered(s, result);
	else if (!is_stale(*err))
		status = send_error(s, *err);
out:
	free(act);
	free(result);
	return status;
}

int send_follow(struct args *a, const char *ref, unsigned kind, int side,
    bool inner, send_fill fill)
{
	struct sending s = {.args = a};
	struct view *before = NULL;
	enum hf_err err = HF_OK;
	unsigned resumed;
	int status = session_open(&s.session, a, true);

	if (status != HF_EXIT_OK)
		return status;
	s.draft = out_must(calloc(1, sizeof(*s.draft)));
	err = outbox_resume(&s.session.home, s.session.link, &resumed);
	if (err == HF_OK && resumed > 0 && !a->out.quiet)
		fprintf(stderr, "  %u acts left in the outbox were sent\n",
		    resumed);
	for (unsigned i = 0; i < REBASES; i++) {
		view_free(before);
		before = s.view;
		s.view = NULL;
		status = attempt(&s, ref, kind, side, inner, fill, &err);
		if (!is_stale(err))
			break;
		if (before != NULL && s.view != NULL &&
		    !only_small_news(before, s.view))
			break;
	}
	if (is_stale(err))
		status = send_error(&s, err);
	json_decref(s.extra);
	json_decref(s.meta);
	view_free(before);
	view_free(s.view);
	free(s.draft);
	session_close(&s.session);
	return status;
}

/* ---- opening acts: the same twice gives the same case ---- */

static void content_path(struct sending *s, char path[HOME_PATH_MAX + 64])
{
	const struct draft *d = s->draft;
	uint8_t *all = out_must(malloc(sizeof(d->arena) + 512));
	struct hf_hash digest;
	char hex[2 * HF_HASH_SIZE + 1];
	size_t at = 0;

	memcpy(all, d->envelope.to.s, sizeof(d->envelope.to.s));
	at = sizeof(d->envelope.to.s);
	all[at++] = (uint8_t)d->kind;
	all[at++] = (uint8_t)d->envelope.measure;
	all[at++] = (uint8_t)d->envelope.categories;
	for (unsigned i = 0; i < d->envelope.lineage_count; i++)
		if (d->envelope.lineage[i].type != HF_COMMITMENT) {
			memcpy(
			    all + at, &d->envelope.lineage[i].id, HF_ID_SIZE);
			at += HF_ID_SIZE;
		}
	if (d->has_lineage_opening) {
		memcpy(all + at, d->lineage_opening + 16, HF_ID_SIZE);
		at += HF_ID_SIZE;
	}
	memcpy(all + at, d->arena, d->used);
	digest = hf_hash(HF_TAG_STATEMENT, all, at + d->used);
	hf_hex(hex, &digest, sizeof(digest));
	snprintf(path, HOME_PATH_MAX + 64, "%s/outbox/%.16s.ref",
	    s->session.home.path, hex);
	free(all);
}

/* A case with this very content: shown instead of opened again. */
static bool already(struct sending *s, const char *path, int *status)
{
	struct view *v = NULL;
	uint8_t *ref = NULL;
	size_t size;

	if (arg_on(s->args, "again") ||
	    home_read(path, HF_REF_MAX, &ref, &size) != HF_OK)
		return false;
	if (view_open(&v, &s->session.home, s->session.link, (char *)ref) !=
		HF_OK ||
	    hf_case_terminal(v->fold) || v->erased) {
		view_free(v); /* it is over: the same may be asked again */
		free(ref);
		return false;
	}
	if (s->args->out.mode == OUT_JSON) {
		json_t *o = act_json(&v->acts[0][0]);

		json_object_set_new(o, "ref", json_string(v->ref));
		json_object_set_new(o, "state",
		    json_string(hf_code_name(HF_CODES_STATE, v->state)));
		json_object_set_new(o, "duplicate", json_true());
		out_json(o);
	} else {
		printf("%s  was opened before with this very content; nothing "
		       "was sent\n  next   holdfast request show %s   "
		       "(--again opens another)\n",
		    v->ref, v->ref);
	}
	*status = HF_EXIT_OK;
	view_free(v);
	free(ref);
	return true;
}

int send_opening(struct sending *s)
{
	struct signed_act *act = out_must(calloc(1, sizeof(*act)));
	struct submitted *result = out_must(calloc(1, sizeof(*result)));
	char path[HOME_PATH_MAX + 64], dir[HOME_PATH_MAX + 16];
	enum hf_err err = HF_REF_TAKEN;
	unsigned resumed;
	int status = common_parts(s);

	if (status != HF_EXIT_OK)
		goto out;
	content_path(s, path);
	if (!s->args->out.dry_run) {
		err =
		    outbox_resume(&s->session.home, s->session.link, &resumed);
		if (already(s, path, &status))
			goto out;
		err = HF_REF_TAKEN;
	}
	for (unsigned i = 0; i < REBASES && err == HF_REF_TAKEN; i++) {
		err = compose(act, &s->session.home, s->draft, out_now());
		if (err != HF_OK)
			break;
		if (s->args->out.dry_run) {
			status = print_dry_run(s, act);
			goto out;
		}
		snprintf(dir, sizeof(dir), "%s/outbox", s->session.home.path);
		home_make_dir(dir);
		err = home_write(path, act->ref, strlen(act->ref), 0600);
		if (err == HF_OK)
			err = submit(result, &s->session.home, s->session.link,
			    act, s->draft);
	}
	status = err == HF_OK ? print_entered(s, result) : send_error(s, err);
	if (hf_err_info(err)->class == HF_CLASS_PEER)
		home_remove(path);
out:
	free(act);
	free(result);
	return status;
}
