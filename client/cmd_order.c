/*
 * cmd_order: domestic orders: the contact point serves them, the provider's
 * liaison desk acknowledges, reports, asks, refuses, attaches a hop.
 */
#include "client/opening.h"

#include "proto/crypto.h"

#include <string.h>

static const struct view_act *newest_ask(const struct sending *s)
{
	uint32_t gens[HF_ASKS_MAX];
	unsigned n = hf_case_open_asks(s->view->fold, gens, HF_ASKS_MAX);

	return &s->view->acts[HF_TRACK_ASKING][n > 0 ? gens[n - 1] - 1 : 0];
}

static void set_re(struct sending *s, const struct view_act *a)
{
	s->draft->envelope.re = a->act.id;
	s->draft->envelope.present |= SEND_BIT(HF_E_RE);
}

/* What a provider may say (domain.md 7); preserved and partly carry the
 * term that they are kept for. */
static int fill_report(struct sending *s)
{
	struct hf_envelope *e = &s->draft->envelope;
	const struct view_act *ask = newest_ask(s);
	const struct hf_profile *p = s->view->profile;
	unsigned result, mask;
	uint64_t span;
	int status = send_code(s->args, "result", HF_CODES_RESULT, &result);

	if (status == HF_EXIT_OK)
		status = send_categories(s->args, "category", &mask);
	if (status == HF_EXIT_OK)
		status = send_span(s->args, &span);
	if (status != HF_EXIT_OK)
		return status;
	if (result == 0)
		return usage_error(s->args, "--result is mandatory");
	set_re(s, ask);
	e->result = result;
	e->categories =
	    mask != 0 ? mask : s->view->acts[0][0].act.envelope.categories;
	e->present |= SEND_BIT(HF_E_RESULT) | SEND_BIT(HF_E_CATEGORIES);
	if (strcmp(hf_code_name(HF_CODES_RESULT, result), "preserved") == 0 ||
	    strcmp(hf_code_name(HF_CODES_RESULT, result), "partly-preserved") ==
		0) {
		struct instant from = out_now(), until;
		const struct hf_envelope *o = &ask->act.envelope;

		if (s->view->hold_until.ms != 0)
			from = s->view->fold->s[s->view->fold->asked_folded]
				   .hold_from;
		until.ms =
		    out_now().ms + 1000u * (span > 0       ? span
					       : p != NULL ? p->term_default_s
							   : 86400u);
		if (span == 0 && HF_HAS(o, HF_E_TERM))
			until = ask->act.core.kind == HF_KIND_EXTEND
				    ? o->term_until
				    : (struct instant){
					  out_now().ms +
					  (o->term_until.ms - o->term_from.ms)};
		send_set_term(s->draft, from, until);
	}
	return send_fields(s, HF_SHARE_REQUESTER | HF_SHARE_PARTY);
}

static int fill_refuse(struct sending *s)
{
	unsigned reason;
	int status = send_code(s->args, "reason", HF_CODES_REASON, &reason);

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
	set_re(s, newest_ask(s));
	send_set_reason(s->draft, reason);
	return send_fields(s, HF_SHARE_REQUESTER | HF_SHARE_PARTY);
}

static int run_report(struct args *a)
{
	return send_follow(
	    a, a->positional[0], HF_KIND_REPORT, 1, false, fill_report);
}

static int run_refuse(struct args *a)
{
	return send_follow(
	    a, a->positional[0], HF_KIND_DECLINE, 1, false, fill_refuse);
}

/* Verbs that mean the same on an order as on a request. */
static int as_request(struct args *a)
{
	const char *verb = strcmp(a->command->verb, "ack") == 0
			       ? "acknowledge"
			       : a->command->verb;
	const struct command *c = cmd_find("request", verb);

	return c == NULL ? HF_EXIT_USAGE : c->run(a);
}

static int run_hop(struct args *a)
{
	return cmd_find("trace", "hop")->run(a);
}

static int run_show(struct args *a)
{
	return show_case(a, a->positional[0]);
}

static int run_ls(struct args *a)
{
	return list_cases(a, HF_KIND_ORDER);
}

#define END \
	{ \
		NULL, 0, false, false, NULL, NULL \
	}
#define SPAN \
	{"days", 0, true, false, "N", "term in days"}, \
	    {"hours", 0, true, false, "N", "term in hours"}, \
	{ \
		"seconds", 0, true, false, "N", "term in seconds (exercises)" \
	}
static const struct option_spec plain_options[] = {SEND_COMMON_OPTIONS, SPAN,
    {"re", 0, true, false, "ID", "the act it answers"},
    {"reason", 0, true, false, "CODE", "reason"},
    {"question", 0, true, false, "TEXT", "what is asked"},
    {"answer", 0, true, false, "TEXT", "the answer"},
    {"waiting-for", 0, true, false, "WHAT", "what it waits for"},
    {"inner", 0, false, false, NULL, "a note among colleagues"}, END};
static const struct option_spec report_options[] = {SEND_COMMON_OPTIONS, SPAN,
    {"result", 0, true, false, "CODE",
	"preserved, partly-preserved, never-held, already-deleted, "
	"held-by-another, too-broad, ..."},
    {"category", 0, true, true, "NAME", "record category"}, END};
static const struct option_spec refuse_options[] = {SEND_COMMON_OPTIONS,
    {"reason", 0, true, false, "CODE", "ground of the refusal"},
    {"outside-profile", 0, false, false, NULL,
	"confirm a ground that the profile does not name"},
    END};
static const struct option_spec ls_options[] = {
    {"open", 0, false, false, NULL, "open cases only"}, END};

extern const struct option_spec trace_hop_options[], request_accept_options[];

#define SENDS(verb, synopsis, summary, options, run) \
	{ \
		"order", verb, "REF " synopsis, summary, "", CMD_SENDS, 1, 1, \
		    options, run \
	}

const struct command cmd_order[] = {
    {"order", "new", "REF --to DESK...",
	"Order providers for a request: one instrument, one order each",
	"  holdfast order new JP-M9B-9TXQ2M-C --to us.isp1 --to us.isp2 "
	"\\\n      --form instrument.json --flag keep-order-secret --flag "
	"mask-requester\n",
	CMD_SENDS, 1, 4, opening_order_options, opening_order},
    {"order", "ls", "[--open]", "Orders this desk may see", "", CMD_READS, 0, 0,
	ls_options, run_ls},
    {"order", "show", "REF", "One order: what is asked, what was said", "",
	CMD_READS, 1, 1, NULL, run_show},
    {"order", "export", "REF -o FILE [--withhold FIELD]",
	"The same as request export",
	"  holdfast order export US-M9B-7T2MWD-V -o order.tar\n", CMD_READS, 1,
	1, bundle_export_options, bundle_export},
    SENDS("ack", "", "Tell that the order has arrived", plain_options,
	as_request),
    SENDS("acknowledge", "", "The same as ack", plain_options, as_request),
    SENDS("accept", "[--days N] [--category NAME]",
	"Accept a live trace: until when, and who is on duty",
	request_accept_options, as_request),
    SENDS("report", "--result CODE [--category NAME] [--days N]",
	"Say what was secured, not held, already deleted ...", report_options,
	run_report),
    SENDS("refuse", "--reason CODE", "Refuse with a ground", refuse_options,
	run_refuse),
    SENDS("query", "--question TEXT", "Ask for clarification", plain_options,
	as_request),
    SENDS("answer", "--answer TEXT", "Answer a question", plain_options,
	as_request),
    SENDS("progress", "--waiting-for WHAT", "Say what it waits for",
	plain_options, as_request),
    SENDS("hop", "--field ...", "Attach where the communication leads",
	trace_hop_options, run_hop),
    SENDS("extend", "[--days N]", "Ask for a longer hold", plain_options,
	as_request),
    SENDS("withdraw", "", "Withdraw the order", plain_options, as_request),
    SENDS("end", "[--reason CODE]", "Tell that the hold has ended",
	plain_options, as_request),
    SENDS(
	"note", "--text TEXT", "A note to the file", plain_options, as_request),
    {NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL},
};
