/*
 * cmd_request: requests between contact points, from either side.  One
 * function a verb fills what its kind must carry (SPEC 4.2); everything
 * else is in send.c.
 */
#include "client/opening.h"
#include "client/send.h"

#include "proto/crypto.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>

static struct hf_envelope *envelope(struct sending *s)
{
	return &s->draft->envelope;
}

static void set_re(struct sending *s, const struct view_act *a)
{
	envelope(s)->re = a->act.id;
	envelope(s)->present |= SEND_BIT(HF_E_RE);
}

static void set_categories(struct sending *s, unsigned mask)
{
	envelope(s)->categories = mask;
	envelope(s)->present |= SEND_BIT(HF_E_CATEGORIES);
}

static void set_choice(struct sending *s, unsigned choice)
{
	envelope(s)->choice = choice;
	envelope(s)->present |= SEND_BIT(HF_E_CHOICE);
}

static const struct view_act *opening(const struct sending *s)
{
	return &s->view->acts[HF_TRACK_ASKING][0];
}

static struct instant after(uint64_t seconds)
{
	return (struct instant){out_now().ms + seconds * 1000u};
}

/* --re ID, else the newest unanswered ask of the asking side, else the
 * opening act. */
static int pick_ask(struct sending *s, const struct view_act **out)
{
	const char *re = arg(s->args, "re");
	uint32_t gens[HF_ASKS_MAX];
	unsigned n;

	if (re != NULL) {
		*out = view_act(s->view, re);
		if (*out == NULL)
			return out_error(&s->args->out, HF_UNKNOWN_ACT, NULL,
			    re, NULL, "ids stand in holdfast request show");
		return HF_EXIT_OK;
	}
	n = hf_case_open_asks(s->view->fold, gens, HF_ASKS_MAX);
	*out = n > 0 ? &s->view->acts[HF_TRACK_ASKING][gens[n - 1] - 1]
		     : opening(s);
	return HF_EXIT_OK;
}

/* ---- the asked side ---- */

static int fill_acknowledge(struct sending *s)
{
	const struct hf_envelope *o = &opening(s)->act.envelope;

	set_re(s, opening(s));
	envelope(s)->rules_version = o->rules_version;
	envelope(s)->rules_profile = o->rules_profile;
	envelope(s)->present |= SEND_BIT(HF_E_RULES);
	return send_fields(s, HF_SHARE_PARTY);
}

static int fill_progress(struct sending *s)
{
	unsigned waiting;
	uint64_t span;
	int status =
	    send_code(s->args, "waiting-for", HF_CODES_WAITING, &waiting);

	if (status == HF_EXIT_OK)
		status = send_span(s->args, &span);
	if (status != HF_EXIT_OK)
		return status;
	if (waiting == 0)
		return usage_error(s->args, "--waiting-for is mandatory");
	set_re(s, opening(s));
	send_set_reason(s->draft, waiting);
	if (span > 0)
		send_set_due(s->draft, after(span));
	if (draft_uint(s->draft, HF_F_WAITING_FOR, waiting, HF_SHARE_PARTY) !=
	    HF_OK)
		return HF_EXIT_FAILED;
	return send_fields(s, HF_SHARE_PARTY);
}

/* The term of an accept: what was asked, within the profile, else --days. */
static int fill_term(struct sending *s, const struct view_act *ask)
{
	const struct hf_profile *p = s->view->profile;
	const struct hf_envelope *e = &ask->act.envelope;
	struct instant from = out_now(), until = {0};
	uint64_t span;
	int status = send_span(s->args, &span);

	if (status != HF_EXIT_OK)
		return status;
	if (ask->act.core.kind == HF_KIND_EXTEND) {
		from = s->view->fold->s[s->view->fold->asked_folded].hold_from;
		until = e->term_until;
	} else if (HF_HAS(e, HF_E_TERM) && e->term_until.ms > e->term_from.ms) {
		until.ms = from.ms + (e->term_until.ms - e->term_from.ms);
	} else if (p != NULL) {
		until.ms = from.ms + p->term_default_s * 1000u;
	}
	if (span > 0)
		until.ms = (ask->act.core.kind == HF_KIND_EXTEND
				   ? s->view->hold_until.ms
				   : from.ms) +
			   span * 1000u;
	if (p != NULL && ask->act.core.kind != HF_KIND_EXTEND && span == 0 &&
	    until.ms > from.ms + p->term_max_s * 1000u)
		until.ms = from.ms + p->term_max_s * 1000u;
	send_set_term(s->draft, from, until);
	return HF_EXIT_OK;
}

static int fill_live(struct sending *s, const struct view_act *ask)
{
	const char *ttl = arg(s->args, "ttl");
	uint32_t asked = ask->act.envelope.ttl_s;

	if (s->view->measure != HF_TRACE_LIVE)
		return HF_EXIT_OK;
	envelope(s)->ttl_s =
	    ttl != NULL ? (uint32_t)strtoul(ttl, NULL, 10) : asked;
	if (envelope(s)->ttl_s == 0 && s->view->profile != NULL)
		envelope(s)->ttl_s = (uint32_t)s->view->profile->live_ttl_max_s;
	envelope(s)->duty = s->session.home.signer->sign_key;
	envelope(s)->present |= SEND_BIT(HF_E_TTL) | SEND_BIT(HF_E_DUTY);
	return HF_EXIT_OK;
}

static int fill_accept(struct sending *s)
{
	const struct view_act *ask = NULL;
	const char *condition;
	unsigned taken, refused;
	int status = pick_ask(s, &ask);

	if (status == HF_EXIT_OK)
		status = send_categories(s->args, "category", &taken);
	if (status == HF_EXIT_OK)
		status = send_categories(s->args, "refuse-category", &refused);
	if (status != HF_EXIT_OK)
		return status;
	if (ask->act.core.kind == HF_KIND_FOLLOW_UP)
		return usage_error(s->args,
		    "a follow-up is answered by request follow-up-received");
	if (taken == 0 && HF_HAS(&ask->act.envelope, HF_E_CATEGORIES))
		taken = ask->act.envelope.categories & ~refused;
	if (taken == 0)
		taken = s->view->scope;
	set_re(s, ask);
	set_categories(s, taken);
	if (refused != 0) {
		envelope(s)->refused = refused;
		envelope(s)->present |= SEND_BIT(HF_E_REFUSED);
	}
	if (s->view->measure != HF_CONSULT &&
	    ask->act.core.kind != HF_KIND_AMEND) {
		status = fill_term(s, ask);
		if (status == HF_EXIT_OK)
			status = fill_live(s, ask);
	}
	for (unsigned i = 0;
	     status == HF_EXIT_OK &&
	     (condition = arg_at(s->args, "condition", i)) != NULL;
	     i++)
		if (draft_text(s->draft, HF_F_CONDITION, condition,
			s->args->out.language, HF_SHARE_PARTY) != HF_OK)
			status = usage_error(s->args, "--condition: too long");
	return status == HF_EXIT_OK ? send_fields(s, HF_SHARE_PARTY) : status;
}

static int fill_decline(struct sending *s)
{
	const struct view_act *ask = NULL;
	unsigned reason;
	int status = pick_ask(s, &ask);

	if (status == HF_EXIT_OK)
		status = send_code(s->args, "reason", HF_CODES_REASON, &reason);
	if (status != HF_EXIT_OK)
		return status;
	if (reason == 0)
		return usage_error(s->args, "--reason is mandatory");
	if (s->view->profile != NULL &&
	    !hf_profile_has_ground(s->view->profile, reason) &&
	    !arg_on(s->args, "outside-profile"))
		return out_error(&s->args->out, HF_GROUND_UNCONFIRMED, NULL,
		    hf_code_name(HF_CODES_REASON, reason), "nothing was sent",
		    NULL);
	set_re(s, ask);
	send_set_reason(s->draft, reason);
	return send_fields(s, HF_SHARE_PARTY);
}

static int fill_advise(struct sending *s)
{
	unsigned reason;
	int status = send_code(s->args, "reason", HF_CODES_REASON, &reason);

	if (status != HF_EXIT_OK)
		return status;
	set_re(s, opening(s));
	if (reason == 0)
		reason = hf_code_by_name(HF_CODES_REASON, "would-harm")->code;
	send_set_reason(s->draft, reason);
	return send_fields(s, HF_SHARE_PARTY);
}

static int fill_follow_up_received(struct sending *s)
{
	const struct view_act *f =
	    view_last(s->view, HF_TRACK_ASKING, HF_KIND_FOLLOW_UP);
	uint64_t span;
	int status = send_span(s->args, &span);

	if (status != HF_EXIT_OK)
		return status;
	if (f == NULL)
		return out_error(&s->args->out, HF_NOT_ALLOWED,
		    "no follow-up was announced in this case", s->view->ref,
		    "nothing was sent", NULL);
	set_re(s, f);
	send_set_due(s->draft, after(span > 0 ? span : 90u * 86400u));
	return send_fields(s, HF_SHARE_PARTY);
}

static int fill_decided(struct sending *s)
{
	const struct view_act *f =
	    view_last(s->view, HF_TRACK_ASKING, HF_KIND_FOLLOW_UP);
	const char *outcome = arg(s->args, "outcome");
	uint64_t span;
	int status = send_span(s->args, &span);

	if (status != HF_EXIT_OK)
		return status;
	if (f == NULL || outcome == NULL ||
	    (strcmp(outcome, "granted") != 0 &&
		strcmp(outcome, "refused") != 0))
		return usage_error(s->args,
		    "--outcome wants granted or refused, after a follow-up");
	set_re(s, f);
	set_choice(s, strcmp(outcome, "granted") == 0 ? 1 : 2);
	if (envelope(s)->choice == 1) {
		const struct hf_asked_facet *now =
		    &s->view->fold->s[s->view->fold->asked_folded];

		if (span == 0 && s->view->profile != NULL)
			span = s->view->profile->term_default_s;
		send_set_term(s->draft, now->hold_from,
		    after(span > 0 ? span : 60u * 86400u));
	}
	return send_fields(s, HF_SHARE_PARTY);
}

static int fill_end(struct sending *s)
{
	const struct view_act *w =
	    view_last(s->view, HF_TRACK_ASKING, HF_KIND_WITHDRAW);
	unsigned reason;
	int status = send_code(s->args, "reason", HF_CODES_REASON, &reason);

	if (status != HF_EXIT_OK)
		return status;
	if (w == NULL)
		w = view_last(s->view, HF_TRACK_ASKING, HF_KIND_RELEASE);
	if (w == NULL)
		w = view_last(s->view, HF_TRACK_ASKING, HF_KIND_CLOSE);
	if (reason == 0)
		reason = hf_code_by_name(
		    HF_CODES_REASON, w != NULL ? "released" : "term-over")
			     ->code;
	set_re(s, w != NULL ? w : opening(s));
	send_set_reason(s->draft, reason);
	return send_fields(s, HF_SHARE_PARTY);
}

/* ---- the asking side ---- */

static int fill_amend(struct sending *s)
{
	struct hf_envelope *e = envelope(s);
	unsigned mask, urgency;
	int status = send_code(s->args, "change", HF_CODES_CHANGE, &e->change);

	if (status == HF_EXIT_OK)
		status = send_categories(s->args, "category", &mask);
	if (status == HF_EXIT_OK)
		status =
		    send_code(s->args, "urgency", HF_CODES_URGENCY, &urgency);
	if (status != HF_EXIT_OK)
		return status;
	if (e->change == 0)
		return usage_error(s->args, "--change is mandatory");
	e->present |= SEND_BIT(HF_E_CHANGE);
	switch (e->change) {
	case HF_NARROW:
	case HF_WIDEN:
		if (mask == 0)
			return usage_error(s->args,
			    "--category: which categories it is about (narrow: "
			    "those that are taken away)");
		set_categories(s, mask);
		break;
	case HF_CHANGE_URGENCY:
		e->urgency = urgency;
		e->present |= SEND_BIT(HF_E_URGENCY);
		break;
	case HF_CORRECT:
		e->freed = arg_on(s->args, "freed");
		e->present |= SEND_BIT(HF_E_FREED);
		break;
	default:
		if (!arg_on(s->args, "flag"))
			return usage_error(s->args, "--flag: which secrecy");
		break;
	}
	if (e->change == HF_WIDEN || e->change == HF_CORRECT) {
		e->not_after = after(
		    s->view->profile != NULL ? s->view->profile->ask_s : 86400);
		e->present |= SEND_BIT(HF_E_NOT_AFTER);
	}
	return send_fields(s, HF_SHARE_PROVIDERS | HF_SHARE_PARTY);
}

static int fill_extend(struct sending *s)
{
	const struct hf_profile *p = s->view->profile;
	const struct hf_asked_facet *now =
	    &s->view->fold->s[s->view->fold->asked_folded];
	uint64_t span;
	int status = send_span(s->args, &span);

	if (status != HF_EXIT_OK)
		return status;
	if (span == 0 && p != NULL)
		span = p->term_default_s;
	send_set_term(s->draft, now->hold_from,
	    (struct instant){now->hold_until.ms + span * 1000u});
	envelope(s)->not_after = after(p != NULL ? p->ask_s : 86400);
	envelope(s)->present |= SEND_BIT(HF_E_NOT_AFTER);
	return send_fields(s, HF_SHARE_PARTY);
}

static int fill_follow_up(struct sending *s)
{
	const char *reference = arg(s->args, "reference");
	json_t *v;
	struct form_report report = {0};

	if (reference != NULL) {
		v = json_string(reference);
		(void)form_value(
		    s->draft, HF_F_MLA_REFERENCE, v, HF_SHARE_PARTY, &report);
		json_decref(v);
	}
	envelope(s)->not_after =
	    after(s->view->profile != NULL ? s->view->profile->ask_s : 86400);
	envelope(s)->present |= SEND_BIT(HF_E_NOT_AFTER);
	return send_fields(s, HF_SHARE_PARTY);
}

static int fill_go_on(struct sending *s)
{
	const struct view_act *advise =
	    view_last(s->view, HF_TRACK_ASKED, HF_KIND_ADVISE);

	if (advise == NULL)
		return out_error(&s->args->out, HF_NOT_ALLOWED,
		    "nothing was advised in this case", s->view->ref,
		    "nothing was sent", NULL);
	set_re(s, advise);
	set_choice(s, arg_on(s->args, "stop") ? 2 : 1);
	return send_fields(s, HF_SHARE_PARTY);
}

static int fill_withdraw(struct sending *s)
{
	return send_fields(s, HF_SHARE_PARTY);
}

/* ---- either side ---- */

static int fill_query(struct sending *s)
{
	const char *text = arg(s->args, "question");
	uint64_t span;
	int status = send_span(s->args, &span);

	if (status != HF_EXIT_OK)
		return status;
	if (text == NULL)
		return usage_error(s->args, "--question is mandatory");
	if (draft_text(s->draft, HF_F_QUESTION, text, s->args->out.language,
		HF_SHARE_PARTY) != HF_OK)
		return usage_error(s->args, "--question: too long");
	if (span == 0)
		span = s->view->profile != NULL ? s->view->profile->reply_s
						: 86400;
	set_re(s, opening(s));
	send_set_due(s->draft, after(span));
	return send_fields(s, HF_SHARE_PARTY);
}

static int fill_answer(struct sending *s)
{
	const char *text = arg(s->args, "answer"), *re = arg(s->args, "re");
	unsigned other = 1 - s->side;
	uint32_t gens[HF_ASKS_MAX];
	const struct view_act *query = NULL;
	unsigned n;

	if (re != NULL) {
		query = view_act(s->view, re);
	} else {
		n = hf_case_open_queries(
		    s->view->fold, other, gens, HF_ASKS_MAX);
		if (n > 0)
			query = &s->view->acts[other][gens[n - 1] - 1];
	}
	if (query == NULL)
		return out_error(&s->args->out, HF_NOT_ALLOWED,
		    "no open question of the other side", s->view->ref,
		    "nothing was sent", NULL);
	if (text != NULL && draft_text(s->draft, HF_F_ANSWER_TEXT, text,
				s->args->out.language, HF_SHARE_PARTY) != HF_OK)
		return usage_error(s->args, "--answer: too long");
	set_re(s, query);
	return send_fields(s, HF_SHARE_PARTY);
}

static int fill_note(struct sending *s)
{
	return send_fields(s, 0);
}

static int fill_re(struct sending *s)
{
	const char *re = arg(s->args, "re");
	const struct view_act *a = re == NULL ? NULL : view_act(s->view, re);

	if (a == NULL)
		return out_error(&s->args->out, HF_UNKNOWN_ACT,
		    "--re wants the id of the act it is about", re,
		    "nothing was sent", NULL);
	set_re(s, a);
	return send_fields(s, HF_SHARE_PARTY);
}

static int fill_legal_hold(struct sending *s)
{
	set_choice(s, arg_on(s->args, "lift") ? 2 : 1);
	return send_fields(s, 0);
}

#define FOLLOW(name, kind, side, inner) \
	static int run_##name(struct args *a) \
	{ \
		return send_follow( \
		    a, a->positional[0], kind, side, inner, fill_##name); \
	}

FOLLOW(acknowledge, HF_KIND_ACKNOWLEDGE, 1, false)
FOLLOW(progress, HF_KIND_PROGRESS, 1, false)
FOLLOW(accept, HF_KIND_ACCEPT, 1, false)
FOLLOW(decline, HF_KIND_DECLINE, 1, false)
FOLLOW(advise, HF_KIND_ADVISE, 1, false)
FOLLOW(follow_up_received, HF_KIND_FOLLOW_UP_RECEIVED, 1, false)
FOLLOW(decided, HF_KIND_DECIDED, 1, false)
FOLLOW(end, HF_KIND_END, 1, false)
FOLLOW(amend, HF_KIND_AMEND, 0, false)
FOLLOW(extend, HF_KIND_EXTEND, 0, false)
FOLLOW(follow_up, HF_KIND_FOLLOW_UP, 0, false)
FOLLOW(go_on, HF_KIND_GO_ON, 0, false)
FOLLOW(withdraw, HF_KIND_WITHDRAW, 0, false)
FOLLOW(query, HF_KIND_QUERY, -1, false)
FOLLOW(answer, HF_KIND_ANSWER, -1, false)

static int run_close(struct args *a)
{
	return send_follow(
	    a, a->positional[0], HF_KIND_CLOSE, 0, false, fill_withdraw);
}

static int run_note(struct args *a)
{
	return send_follow(a, a->positional[0], HF_KIND_NOTE, -1,
	    arg_on(a, "inner"), fill_note);
}

static int run_retract(struct args *a)
{
	return send_follow(
	    a, a->positional[0], HF_KIND_RETRACT, -1, false, fill_re);
}

static int run_confirm(struct args *a)
{
	return send_follow(
	    a, a->positional[0], HF_KIND_CONFIRM, -1, false, fill_re);
}

static int run_legal_hold(struct args *a)
{
	return send_follow(
	    a, a->positional[0], HF_KIND_LEGAL_HOLD, -1, true, fill_legal_hold);
}

/* ---- reading ---- */

int show_case(struct args *a, const char *ref)
{
	struct session s;
	struct view *v = NULL;
	struct summary *orders = NULL;
	unsigned count = 0;
	json_t *list;
	enum hf_err err;
	int status = session_open(&s, a, true);

	if (status != HF_EXIT_OK)
		return status;
	err = view_open(&v, &s.home, s.link, ref);
	if (err == HF_OK && v->kind == HF_KIND_REQUEST)
		err = summaries(
		    s.link, HF_OP_ORDERS, &v->id, false, &orders, &count);
	if (err != HF_OK) {
		status = out_error(&a->out, err, NULL, ref, NULL, NULL);
	} else if (a->out.mode == OUT_JSON) {
		list = json_array();
		for (unsigned i = 0; i < count; i++)
			json_array_append_new(list, summary_json(&orders[i]));
		out_json(case_json(v, &s.home, list));
	} else {
		case_print(v, &s.home, orders, count, a);
	}
	free(orders);
	view_free(v);
	session_close(&s);
	return status;
}

int list_cases(struct args *a, unsigned kind)
{
	struct session s;
	struct summary *rows = NULL;
	unsigned count = 0, shown = 0;
	static const char *const headings[] = {"REFERENCE", "FROM", "TO",
	    "KIND", "URGENCY", "STATE", "HOLD UNTIL", "NEXT DEADLINE", NULL};
	struct table *t;
	enum hf_err err;
	int status = session_open(&s, a, true);

	if (status != HF_EXIT_OK)
		return status;
	err = summaries(
	    s.link, HF_OP_CASES, NULL, arg_on(a, "open"), &rows, &count);
	if (err != HF_OK) {
		status = out_error(&a->out, err, NULL, NULL, NULL, NULL);
		session_close(&s);
		return status;
	}
	t = a->out.mode == OUT_JSON ? NULL : table_new(headings);
	for (unsigned i = 0; i < count; i++) {
		char until[32] = "-", due[64], state[160];

		if (kind != 0 && rows[i].kind != kind)
			continue;
		shown++;
		if (a->out.mode == OUT_JSON) {
			out_json(summary_json(&rows[i]));
			continue;
		}
		if (rows[i].hold_until.ms != 0) {
			hf_rfc3339(until, rows[i].hold_until, 0);
			until[16] = 'Z';
			until[17] = '\0';
		}
		out_due(due, sizeof(due), rows[i].due, out_now());
		summary_state(&rows[i], &a->out, state, sizeof(state));
		table_row(t,
		    (const char *[]){rows[i].ref, rows[i].from.s, rows[i].to.s,
			hf_code_name(HF_CODES_MEASURE, rows[i].measure),
			out_word(&a->out, HF_CODES_URGENCY, rows[i].urgency),
			state, until, due});
	}
	table_print(t, &a->out);
	if (shown == 0 && a->out.mode == OUT_TABLE)
		printf("no cases\n");
	free(rows);
	session_close(&s);
	return status;
}

static int run_show(struct args *a)
{
	return show_case(a, a->positional[0]);
}

static int run_ls(struct args *a)
{
	return list_cases(a, HF_KIND_REQUEST);
}

static int run_new(struct args *a)
{
	return opening_request(a);
}

/* ---- the table ---- */

#define SPAN \
	{"days", 0, true, false, "N", "term in days"}, \
	    {"hours", 0, true, false, "N", "term in hours"}, \
	{ \
		"seconds", 0, true, false, "N", "term in seconds (exercises)" \
	}
#define RE \
	{ \
		"re", 0, true, false, "ID", "the act it answers" \
	}
#define CATEGORY \
	{ \
		"category", 0, true, true, "NAME", \
		    "subscriber, traffic, content or other" \
	}
#define REASON \
	{ \
		"reason", 0, true, false, "CODE", \
		    "reason (holdfast help reasons)" \
	}
#define END \
	{ \
		NULL, 0, false, false, NULL, NULL \
	}

static const struct option_spec plain_options[] = {
    SEND_COMMON_OPTIONS, RE, END};
static const struct option_spec progress_options[] = {SEND_COMMON_OPTIONS, SPAN,
    {"waiting-for", 0, true, false, "WHAT",
	"judge, prosecutor, translation, call-back, forwarded, provider"},
    END};
const struct option_spec request_accept_options[] = {SEND_COMMON_OPTIONS, SPAN,
    RE, CATEGORY, {"refuse-category", 0, true, true, "NAME", "not taken"},
    {"condition", 0, true, true, "TEXT", "condition of use"},
    {"ttl", 0, true, false, "SECONDS", "time to live of a live trace"}, END};
static const struct option_spec decline_options[] = {SEND_COMMON_OPTIONS, RE,
    REASON,
    {"outside-profile", 0, false, false, NULL,
	"confirm a ground that the profile does not name"},
    END};
static const struct option_spec reason_options[] = {
    SEND_COMMON_OPTIONS, REASON, END};
static const struct option_spec span_options[] = {
    SEND_COMMON_OPTIONS, SPAN, RE, END};
static const struct option_spec decided_options[] = {SEND_COMMON_OPTIONS, SPAN,
    {"outcome", 0, true, false, "granted|refused", "the decision"}, END};
static const struct option_spec amend_options[] = {SEND_COMMON_OPTIONS,
    CATEGORY,
    {"change", 0, true, false, "WHAT",
	"correct, narrow, widen, urgency or secrecy"},
    {"urgency", 0, true, false, "LEVEL", "routine, urgent, emergency"},
    {"freed", 0, false, false, NULL, "the old identifier is freed"}, END};
static const struct option_spec follow_up_options[] = {SEND_COMMON_OPTIONS,
    {"reference", 0, true, false, "REF", "reference of the assistance request"},
    END};
static const struct option_spec go_on_options[] = {SEND_COMMON_OPTIONS,
    {"stop", 0, false, false, NULL, "stop instead of proceed"}, END};
static const struct option_spec query_options[] = {SEND_COMMON_OPTIONS, SPAN,
    {"question", 0, true, false, "TEXT", "what is asked"}, END};
static const struct option_spec answer_options[] = {SEND_COMMON_OPTIONS, RE,
    {"answer", 0, true, false, "TEXT", "the answer"}, END};
static const struct option_spec note_options[] = {SEND_COMMON_OPTIONS,
    {"inner", 0, false, false, NULL,
	"among colleagues: never crosses the border"},
    END};
static const struct option_spec hold_options[] = {
    SEND_COMMON_OPTIONS, {"lift", 0, false, false, NULL, "lift the hold"}, END};
static const struct option_spec ls_options[] = {
    {"open", 0, false, false, NULL, "open cases only"}, END};

#define SENDS(verb, synopsis, summary, options, run) \
	{ \
		"request", verb, "REF " synopsis, summary, "", CMD_SENDS, 1, \
		    1, options, run \
	}

const struct command cmd_request[] = {
    {"request", "new", "--to CC --kind KIND --form FILE",
	"Ask another country to preserve, to trace or for advice",
	"  holdfast request new --to US --kind preservation --form form.json "
	"--days 60\n"
	"  holdfast request new --to US --kind trace --mode live --urgency "
	"urgent \\\n      --form form.json --from-log access.log:1071\n",
	CMD_SENDS, 0, 0, opening_request_options, run_new},
    {"request", "ls", "[--open]", "Cases this desk may see", "", CMD_READS, 0,
	0, ls_options, run_ls},
    {"request", "show", "REF", "One case: acts, receipts, hops, orders",
	"  holdfast request show JP-M9B-9TXQ2M-C\n", CMD_READS, 1, 1, NULL,
	run_show},
    {"request", "export", "REF -o FILE [--withhold FIELD]",
	"What you may see of a case as evidence in one signed file",
	"  holdfast request export JP-M9B-9TXQ2M-C -o case.tar\n", CMD_READS, 1,
	1, bundle_export_options, bundle_export},
    {"request", "verify", "FILE [--pin CC=hfr1:...]",
	"Check such a file: needs no network and no home",
	"  holdfast request verify case.tar\n"
	"  holdfast request verify case.tar --pin JP=hfr1:...\n",
	CMD_READS | CMD_OFFLINE, 1, 1, bundle_verify_options, bundle_verify},
    SENDS("acknowledge", "", "Tell the other side that it has arrived",
	plain_options, run_acknowledge),
    SENDS("ack", "", "The same as acknowledge", plain_options, run_acknowledge),
    SENDS("progress", "--waiting-for WHAT [--days N]",
	"Say what the decision waits for", progress_options, run_progress),
    SENDS("accept", "[--days N] [--category NAME]",
	"Accept the request, an extension or a widening",
	request_accept_options, run_accept),
    SENDS("decline", "--reason CODE", "Refuse, with a ground", decline_options,
	run_decline),
    SENDS("advise", "[--reason CODE]",
	"Tell that it would not help or would harm (art. 29(6))",
	reason_options, run_advise),
    SENDS("go-on", "[--stop]", "Answer an advice: proceed or stop",
	go_on_options, run_go_on),
    SENDS("amend", "--change WHAT", "Correct, narrow, widen, urgency, secrecy",
	amend_options, run_amend),
    SENDS("query", "--question TEXT [--hours N]", "Ask the other side",
	query_options, run_query),
    SENDS("answer", "--answer TEXT", "Answer an open question", answer_options,
	run_answer),
    SENDS("extend", "[--days N]", "Ask for a longer hold", span_options,
	run_extend),
    SENDS("follow-up", "[--reference REF]", "Announce the assistance request",
	follow_up_options, run_follow_up),
    SENDS("follow-up-received", "[--days N]",
	"The assistance request has arrived: expiry is suspended", span_options,
	run_follow_up_received),
    SENDS("decided", "--outcome granted|refused [--days N]",
	"The assistance request is decided", decided_options, run_decided),
    SENDS("withdraw", "", "Withdraw the request: holds are released",
	plain_options, run_withdraw),
    SENDS("end", "[--reason CODE]", "Tell that the hold has ended",
	reason_options, run_end),
    SENDS("close", "", "Close the case", plain_options, run_close),
    SENDS("note", "--text TEXT [--inner]", "A note to the file", note_options,
	run_note),
    SENDS("retract", "--re ID", "Take back fields that you disclosed",
	plain_options, run_retract),
    SENDS("confirm", "--re ID", "Confirm what was registered for you",
	plain_options, run_confirm),
    SENDS("legal-hold", "[--lift]", "Keep the file past its retention",
	hold_options, run_legal_hold),
    {NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL},
};
