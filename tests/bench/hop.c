/*
 * hop: the provider's hops and the contact point's are made beforehand, each
 * signed over the one before; the contact point sends its own as soon as it is
 * pushed the provider's, as if it had read and signed in no time.
 */
#include "tests/bench/hop.h"

#include "client/form.h"
#include "client/view.h"
#include "tests/bench/acts.h"
#include "tests/bench/meter.h"
#include "tests/bench/pace.h"
#include "tests/bench/procs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char hop_form[] =
    "{\"direction\": \"origin\", \"finding\": \"third-country\","
    " \"next_country\": \"DE\", \"next_provider\": \"Next Provider\","
    " \"window\": {\"from\": \"2026-11-21T11:00:00+09:00\","
    "  \"until\": \"2026-11-21T11:10:00+09:00\"},"
    " \"source_ip\": [\"203.0.113.7\"], \"source_port\": [40000],"
    " \"clock_error\": 250}";

/** One desk's hops in one case. */
struct chain {
	struct desk desk;
	struct ready *acts;
	unsigned sent, answered;
};

static void make_chain(struct chain *c, const char *ref, unsigned count)
{
	static struct draft d;
	static struct signed_act signed_act;
	static struct form_report report;
	json_t *form = json_loads(hop_form, 0, NULL);
	struct hf_hash prev = {{0}};
	struct link *link;
	struct view *view;

	c->acts = calloc(count, sizeof(*c->acts));
	if (c->acts == NULL || form == NULL)
		meter_fail("out of memory");
	meter_must(link_open(&link, &c->desk.home, 15000), "link");
	meter_must(view_open(&view, &c->desk.home, link, ref), ref);
	for (unsigned i = 0; i < count; i++) {
		struct hf_act act;

		draft_init(&d, HF_KIND_HOP);
		meter_must(view_follow(view, &d, HF_TRACK_ASKED, false,
			       &view->acts[HF_TRACK_ASKING][0].act.id),
		    "follow");
		d.envelope.gen += i;
		if (i > 0)
			d.envelope.prev = prev;
		meter_must(form_read(&d, form,
			       HF_SHARE_REQUESTER | HF_SHARE_PARTY, &report),
		    "form");
		meter_must(compose(&signed_act, &c->desk.home, &d, wall_now()),
		    "compose");
		ready_set(&c->acts[i], &signed_act);
		meter_must(
		    hf_act_decode(&act, signed_act.frame, signed_act.size),
		    "decode");
		prev = act.digest;
	}
	view_free(view);
	link_close(link);
	json_decref(form);
}

static void send_next(struct chain *c, double sent)
{
	struct ready *a = &c->acts[c->sent];

	a->sent = sent;
	desk_request(&c->desk, HF_OP_SUBMIT, c->sent + 2,
	    (struct hf_bytes){a->args, a->size});
	c->sent++;
}

static bool same(const struct hf_id *a, const struct hf_id *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* Answers are counted; true: the event of that act. */
static bool take(struct chain *c, const struct hf_id *wanted)
{
	bool seen = false;
	struct reply r;

	while (!seen && desk_read(&c->desk, &r)) {
		if (r.type == 0) {
			meter_must((enum hf_err)r.code, "a hop");
			c->answered++;
		} else {
			seen = wanted != NULL && same(&r.act, wanted);
		}
	}
	return seen;
}

struct hops {
	struct chain provider, contact, there;
	unsigned arrived;
	struct meter events;
	double began, last;
};

/* Events come in the order of the ledger, so the next is known. */
static void take_all(struct hops *h)
{
	take(&h->provider, NULL);
	while (take(&h->contact, &h->provider.acts[h->contact.sent].id)) {
		send_next(&h->contact, h->provider.acts[h->contact.sent].sent);
		h->last = meter_now();
	}
	while (take(&h->there, &h->contact.acts[h->arrived].id)) {
		h->last = meter_now();
		meter_add(
		    &h->events, h->last - h->contact.acts[h->arrived].sent);
		h->arrived++;
	}
}

static void go(struct hops *h, const struct hop_run *run)
{
	zmq_pollitem_t items[] = {pace_open(),
	    {h->provider.desk.socket, 0, ZMQ_POLLIN, 0},
	    {h->contact.desk.socket, 0, ZMQ_POLLIN, 0},
	    {h->there.desk.socket, 0, ZMQ_POLLIN, 0}};

	procs_begin();
	h->began = h->last = meter_now();
	while (h->arrived < run->count || h->contact.answered < run->count) {
		double due = h->began + h->provider.sent / run->rate;

		if (h->provider.sent < run->count && meter_now() >= due) {
			send_next(&h->provider, due);
			continue;
		}
		pace_at(&items[0], h->provider.sent < run->count ? due : 0);
		zmq_poll(items, 4, 100);
		take_all(h);
		if (meter_now() - h->last > QUIET_SECONDS)
			meter_fail("no hop comes any more");
	}
	procs_end();
}

static void open_chain(struct chain *c, void *ctx, const char *home)
{
	desk_open(&c->desk, ctx, home);
	desk_watch(&c->desk);
}

static void close_chain(struct chain *c, unsigned count)
{
	desk_close(&c->desk);
	if (c->acts != NULL)
		acts_free(c->acts, count);
}

void hop(const struct hop_run *run)
{
	void *ctx = zmq_ctx_new();
	struct hops h = {.arrived = 0};

	if (ctx == NULL)
		meter_fail("zmq_ctx_new");
	open_chain(&h.provider, ctx, run->provider);
	open_chain(&h.contact, ctx, run->contact);
	open_chain(&h.there, ctx, run->there);
	/* one more, never sent: take_all may look at it */
	make_chain(&h.provider, run->order, run->count + 1);
	make_chain(&h.contact, run->request, run->count + 1);
	go(&h, run);
	printf("{\"bench\":\"hop\",\"hops\":%u,\"rate\":%.0f,"
	       "\"seconds\":%.3f",
	    run->count, run->rate, h.last - h.began);
	meter_print_spans("event", &h.events);
	procs_print(run->count);
	printf("}\n");
	close_chain(&h.provider, run->count + 1);
	close_chain(&h.contact, run->count + 1);
	close_chain(&h.there, 0);
	zmq_ctx_term(ctx);
	meter_free(&h.events);
}
