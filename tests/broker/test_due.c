/* Deadlines, machine acts and releases (SPEC 5.8, 12.5, 12.7). */
#include "tests/broker/wires.h"

#include "broker/engine/intake.h"
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <string.h>

static void carry(struct federation *f, const char *from, const char *to,
    const struct hf_id *act)
{
	enum hf_err err =
	    fed_carry(fed_node(f, from), fed_node(f, to), act, NULL);

	cr_assert_eq(
	    err, HF_OK, "carry %s to %s: %s", from, to, hf_err_info(err)->name);
}

static struct hf_id accept_by(struct federation *f, const char *desk,
    const struct hf_id *id, uint64_t seconds)
{
	struct draft d;

	draft_accept(&d, f, desk, id, seconds);
	return must_submit(&d);
}

/** Let the timer of a broker run. */
static void tick(struct federation *f, const char *country)
{
	turn_begin(fed_node(f, country));
	turn_end(fed_node(f, country));
}

static struct hf_id act_at(
    struct node *n, const struct hf_id *id, unsigned track, uint32_t gen)
{
	struct hf_ledger_leaf leaf;
	uint64_t index;

	node_look(n);
	cr_assert_eq(case_place(n->engine, id, track, gen, &index), HF_OK);
	cr_assert_eq(ledger_leaf(n->engine, index, &leaf), HF_OK);
	node_look_end(n);
	return leaf.id;
}

static struct hf_id newest(
    struct node *n, const struct hf_id *id, unsigned track)
{
	return act_at(n, id, track, node_case(n, id).gens[track]);
}

Test(due, silence_is_stated_once_on_each_side)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;
	struct hf_id id = fed_request(f);

	tick(f, "US");
	cr_assert_eq(node_statements(us, HF_ENTRY_PENDING, &id), 0);
	fed_wait(f, 2);
	tick(f, "US");
	tick(f, "JP");
	cr_assert_eq(node_statements(us, HF_ENTRY_PENDING, &id), 1);
	cr_assert_eq(node_statements(jp, HF_ENTRY_PENDING, &id), 0);
	cr_assert(node_last_statement(us, HF_ENTRY_PENDING, &s, buffer));
	cr_assert_eq(s.code, HF_DUE_PENDING);
	cr_assert_eq(s.text.size, 6);
	cr_assert_eq(memcmp(s.text.data, "us.ncp", 6), 0);
	fed_wait(f, 3); /* acknowledge and decide */
	for (unsigned i = 0; i < 3; i++) {
		tick(f, "US");
		tick(f, "JP");
	}
	cr_assert_eq(node_statements(us, HF_ENTRY_PENDING, &id), 3);
	cr_assert_eq(node_statements(jp, HF_ENTRY_ABSENT, &id), 2);
	cr_assert(node_last_statement(jp, HF_ENTRY_ABSENT, &s, buffer));
	cr_assert_eq(s.count, 1, "the link was down");
	/* a change of the case does not raise them again */
	{
		struct draft d;

		draft_next(
		    &d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
		must_submit(&d);
	}
	tick(f, "US");
	cr_assert_eq(node_statements(us, HF_ENTRY_PENDING, &id), 3);
	fed_free(f);
}

Test(due, an_answer_ends_the_waiting)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id id = fed_request(f);
	enum hf_deadline type;
	struct instant at;

	node_look(us);
	cr_assert_eq(due_next_of(us->engine, &id, &type, &at), HF_OK);
	node_look_end(us);
	cr_assert_eq(type, HF_DUE_PENDING);
	cr_assert_eq(at.ms, f->now.ms + 2000);
	accept_by(f, "us.ncp", &id, 20);
	node_look(us);
	cr_assert_eq(due_next_of(us->engine, &id, &type, &at), HF_OK);
	node_look_end(us);
	cr_assert_eq(type, HF_DUE_EXPIRE);
	cr_assert_eq(at.ms, f->now.ms + 20000);
	cr_assert_eq(node_rows(us, TABLE_DUE), 1);
	cr_assert_eq(node_rows(us, TABLE_DUE_OF), 1);
	fed_wait(f, 6);
	tick(f, "US");
	cr_assert_eq(node_statements(us, HF_ENTRY_PENDING, &id), 0);
	fed_free(f);
}

Test(due, a_hold_expires_by_the_asked_broker_alone)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id id = fed_request(f);
	struct hf_id accept = accept_by(f, "us.ncp", &id, 5), expire;

	carry(f, "US", "JP", &accept);
	fed_wait(f, 4);
	tick(f, "US");
	cr_assert_eq(node_case(us, &id).state, HF_STATE_ACCEPTED);
	fed_wait(f, 1);
	us->clock_certain = false;
	tick(f, "US");
	cr_assert_eq(node_case(us, &id).state, HF_STATE_ACCEPTED,
	    "nothing expires while the clock is uncertain");
	us->clock_certain = true;
	tick(f, "US");
	tick(f, "JP");
	cr_assert_eq(node_case(us, &id).state, HF_STATE_EXPIRED);
	cr_assert_eq(node_case(jp, &id).state, HF_STATE_ACCEPTED,
	    "the asking side waits for the act");
	expire = newest(us, &id, HF_TRACK_ASKED);
	carry(f, "US", "JP", &expire);
	cr_assert_eq(node_case(jp, &id).state, HF_STATE_EXPIRED);
	cr_assert(same_state(us, jp, &id));
	fed_free(f);
}

Test(due, an_ask_that_nobody_accepts_lapses)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct hf_id id = fed_request(f);

	fed_wait(f, 10);
	tick(f, "US");
	cr_assert_eq(node_case(fed_node(f, "US"), &id).state, HF_STATE_LAPSED);
	cr_assert_eq(node_kind_at(fed_node(f, "US"), &id, HF_TRACK_ASKED, 1),
	    HF_KIND_LAPSE);
	fed_free(f);
}

/* A live trace of JP at US, accepted for 7 seconds of listening. */
static struct hf_id live_trace(struct federation *f)
{
	struct draft d;
	struct hf_id id;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.env.measure = HF_TRACE_LIVE;
	id = must_submit(&d);
	carry(f, "JP", "US", &id);
	draft_next(&d, f, "us.ncp", HF_KIND_ACCEPT, HF_TRACK_ASKED, &id, &id);
	d.env.categories = HF_TRAFFIC;
	d.env.term_from = f->now;
	d.env.term_until.ms = f->now.ms + 50000;
	d.env.ttl_s = 7;
	d.env.duty = d.author->sign;
	draft_has(&d, HF_E_CATEGORIES);
	draft_has(&d, HF_E_TERM);
	draft_has(&d, HF_E_TTL);
	draft_has(&d, HF_E_DUTY);
	must_submit(&d);
	return id;
}

static void start_live(struct federation *f, const struct hf_id *id)
{
	struct draft d;

	draft_next(
	    &d, f, "us.ncp", HF_KIND_LIVE_STARTED, HF_TRACK_ASKED, id, id);
	d.env.at = f->now;
	draft_has(&d, HF_E_AT);
	must_submit(&d);
	cr_assert_eq(node_case(fed_node(f, "US"), id).state, HF_STATE_TRACING);
}

/* It runs for `seconds` more, then its broker ends it: JP agrees. */
static void ends_after(
    struct federation *f, const struct hf_id *id, unsigned seconds)
{
	struct node *us = fed_node(f, "US");

	for (uint32_t gen = 1; gen <= 2; gen++) {
		struct hf_id act = act_at(us, id, HF_TRACK_ASKED, gen);

		carry(f, "US", "JP", &act);
	}
	for (unsigned i = 0; i < seconds; i++) {
		tick(f, "US");
		cr_assert_eq(node_case(us, id).state, HF_STATE_TRACING,
		    "ended after %u of %u s", i, seconds);
		fed_wait(f, 1);
	}
	tick(f, "US");
	cr_assert_eq(node_case(us, id).state, HF_STATE_ACCEPTED);
	cr_assert_eq(
	    node_kind_at(us, id, HF_TRACK_ASKED, 3), HF_KIND_LIVE_TIMEOUT);
	cr_assert_eq(node_clause(us, id, HF_TRACK_ASKED, 3), 0);
	{
		struct hf_id end = newest(us, id, HF_TRACK_ASKED);

		carry(f, "US", "JP", &end);
	}
	cr_assert(same_state(us, fed_node(f, "JP"), id));
}

Test(due, a_live_trace_ends_even_when_the_clock_is_uncertain)
{
	static const int64_t jumps[] = {0, -3000, -200000, 200000};

	for (unsigned i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		struct federation *f = fed_running("JP", "US", NULL);
		struct node *us = fed_node(f, "US");
		struct hf_id id = live_trace(f);

		start_live(f, &id);
		us->clock_certain = false;
		us->wall_error_ms = jumps[i];
		ends_after(f, &id, 7);
		/* no hop came: said on the asked side when its time is up */
		us->clock_certain = true;
		us->wall_error_ms = 0;
		fed_wait(f, 23);
		tick(f, "US");
		cr_assert_eq(node_statements(us, HF_ENTRY_PENDING, &id), 1);
		fed_free(f);
	}
}

Test(due, a_live_trace_that_starts_while_the_clock_is_uncertain_ends_too)
{
	static const int64_t jumps[] = {-200000, 200000};

	for (unsigned i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		struct federation *f = fed_running("JP", "US", NULL);
		struct node *us = fed_node(f, "US");
		struct hf_id id = live_trace(f);

		us->clock_certain = false;
		us->wall_error_ms = jumps[i];
		start_live(f, &id);
		fed_wait(f, 3);
		tick(f, "US");
		/* its start is not measured again by the mended clock */
		us->clock_certain = i == 0;
		us->wall_error_ms = 0;
		ends_after(f, &id, 4);
		fed_free(f);
	}
}

Test(due, a_broker_that_comes_up_uncertain_ends_the_live_traces_it_finds)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id id = live_trace(f);
	struct event ev;

	start_live(f, &id);
	us->clock_certain = false;
	us->wall_error_ms = -200000;
	ev = node_event(us, EVENT_TIMER);
	node_turn(us, &ev);
	cr_assert_eq(node_case(us, &id).state, HF_STATE_TRACING);
	node_restart(us);
	ends_after(f, &id, 0);
	/* but lets the next one live */
	id = live_trace(f);
	start_live(f, &id);
	ends_after(f, &id, 7);
	fed_free(f);
}

Test(due, the_end_of_a_live_trace_wakes_by_the_monotonic_clock)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id id = live_trace(f);
	uint64_t mono = f->now.ms - FED_START_MS;

	start_live(f, &id);
	cr_assert_leq(engine_next_mono(us->engine), mono + 7001);
	us->clock_certain = false;
	us->wall_error_ms = -200000;
	fed_wait(f, 2);
	tick(f, "US");
	cr_assert_gt(engine_next_mono(us->engine), mono + 2000);
	cr_assert_leq(engine_next_mono(us->engine), mono + 7001);
	fed_free(f);
}

Test(due, an_outsiders_word_is_to_be_confirmed)
{
	static const char who[] = "Duty desk, Example Telecom";
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct draft d;
	struct hf_id said, sure;

	for (unsigned i = 0; i < 2; i++) {
		draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
		d.env.outsider.who = bytes_of(who, sizeof(who) - 1);
		d.env.outsider.means = 1;
		d.env.outsider.said = f->now;
		d.env.outsider.verified = 1;
		d.env.outsider.confirm_by.ms = f->now.ms + 4000;
		draft_has(&d, HF_E_OUTSIDER);
		*(i == 0 ? &said : &sure) = must_submit(&d);
	}
	cr_assert(node_case(jp, &said).unproven);
	draft_next(
	    &d, f, "jp.ncp", HF_KIND_CONFIRM, HF_TRACK_ASKING, &sure, &sure);
	must_submit(&d);
	cr_assert_not(node_case(jp, &sure).unproven);
	fed_wait(f, 4);
	tick(f, "JP");
	cr_assert_eq(node_statements(jp, HF_ENTRY_UNCONFIRMED, &said), 1);
	cr_assert_eq(node_statements(jp, HF_ENTRY_UNCONFIRMED, &sure), 0);
	fed_free(f);
}

Test(due, a_query_that_nobody_answers_is_stated)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;
	struct hf_id id = fed_request(f), query;
	struct draft d;

	draft_next(&d, f, "us.ncp", HF_KIND_QUERY, HF_TRACK_ASKED, &id, &id);
	d.env.due.ms = f->now.ms + 1000;
	draft_has(&d, HF_E_DUE);
	query = must_submit(&d);
	carry(f, "US", "JP", &query);
	fed_wait(f, 1);
	tick(f, "JP");
	tick(f, "US");
	cr_assert_eq(node_statements(jp, HF_ENTRY_PENDING, &id), 1);
	cr_assert_eq(node_statements(us, HF_ENTRY_ABSENT, &id), 1);
	cr_assert(node_last_statement(us, HF_ENTRY_ABSENT, &s, buffer));
	cr_assert_eq(s.code, HF_DUE_REPLY);
	cr_assert_eq(memcmp(s.text.data, "jp.ncp", 6), 0);
	fed_free(f);
}

/* ---- releases ---- */

/** An order of US on up to two cases; masked ones open to the broker. */
static struct hf_id order_on(struct federation *f, const char *provider,
    const struct hf_id *open, const struct hf_id *masked)
{
	static struct signed_act a;
	uint8_t opening[HF_SALT_SIZE + HF_ID_SIZE] = {9};
	struct hf_bytes arg = {0};
	struct draft d;
	unsigned n = 0;
	enum hf_err err;

	draft_open(&d, f, "us.ncp", HF_KIND_ORDER, provider);
	draft_has(&d, HF_E_LINEAGE);
	if (open != NULL) {
		d.env.lineage[n].type = HF_DEPENDENT;
		d.env.lineage[n++].id = *open;
	}
	if (masked != NULL) {
		struct hf_hash digest;

		memcpy(opening + HF_SALT_SIZE, masked->b, sizeof(masked->b));
		digest = hf_hash(HF_TAG_LINEAGE, opening, sizeof(opening));
		d.env.lineage[n].type = HF_COMMITMENT;
		memcpy(d.env.lineage[n++].id.b, digest.b, sizeof(digest.b));
		arg = bytes_of(opening, sizeof(opening));
	}
	d.env.lineage_count = n;
	draft_sign(&d, &a);
	err = fed_submit(d.node, d.author, &a, arg, NULL);
	cr_assert_eq(err, HF_OK, "order: %s", hf_err_info(err)->name);
	return a.id;
}

static void withdraw(struct federation *f, const struct hf_id *id)
{
	struct draft d;
	struct hf_id act;

	draft_next(
	    &d, f, "jp.ncp", HF_KIND_WITHDRAW, HF_TRACK_ASKING, id, NULL);
	act = must_submit(&d);
	carry(f, "JP", "US", &act);
}

Test(due, a_withdrawal_releases_the_orders_that_rest_on_it)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id one = fed_request(f), two = fed_request(f);
	struct hf_id open = order_on(f, "us.isp", &one, NULL);
	struct hf_id masked = order_on(f, "us.isp2", NULL, &one);
	struct hf_id both = order_on(f, "us.isp", &one, &two);
	struct hf_id other = order_on(f, "us.isp", &two, NULL);

	accept_by(f, "us.isp", &open, 20);
	withdraw(f, &one);
	tick(f, "US");
	cr_assert_eq(node_case(us, &open).state, HF_STATE_WITHDRAWN);
	cr_assert_eq(
	    node_kind_at(us, &open, HF_TRACK_ASKING, 2), HF_KIND_RELEASE);
	cr_assert_eq(node_case(us, &masked).state, HF_STATE_WITHDRAWN);
	cr_assert_eq(node_case(us, &both).state, HF_STATE_UNACKNOWLEDGED,
	    "it rests on another case as well");
	cr_assert_eq(node_case(us, &other).state, HF_STATE_UNACKNOWLEDGED);
	cr_assert_eq(node_statements(us, HF_ENTRY_RELEASED, &open), 1);
	tick(f, "US");
	cr_assert_eq(node_case(us, &open).gens[HF_TRACK_ASKING], 2);
	withdraw(f, &two);
	tick(f, "US");
	cr_assert_eq(node_case(us, &both).state, HF_STATE_WITHDRAWN);
	cr_assert_eq(node_case(us, &other).state, HF_STATE_WITHDRAWN);
	cr_assert_eq(node_statements(us, HF_ENTRY_RELEASED, NULL), 4);
	fed_free(f);
}

Test(due, an_order_lives_on_with_a_basis_added_later)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id one = fed_request(f), two = fed_request(f);
	struct hf_id order = order_on(f, "us.isp", &one, NULL);
	struct draft d;

	draft_next(
	    &d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKING, &order, NULL);
	d.env.lineage_count = 1;
	d.env.lineage[0].type = HF_DEPENDENT;
	d.env.lineage[0].id = two;
	draft_has(&d, HF_E_LINEAGE);
	must_submit(&d);
	withdraw(f, &one);
	tick(f, "US");
	cr_assert_eq(node_case(us, &order).state, HF_STATE_UNACKNOWLEDGED);
	withdraw(f, &two);
	tick(f, "US");
	cr_assert_eq(node_case(us, &order).state, HF_STATE_WITHDRAWN);
	fed_free(f);
}

Test(due, a_hold_that_expires_releases_its_orders_and_theirs)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id id = fed_request(f);
	struct hf_id order = order_on(f, "us.isp", &id, NULL);
	struct hf_id deeper = order_on(f, "us.isp2", &order, NULL);

	accept_by(f, "us.ncp", &id, 3);
	accept_by(f, "us.isp", &order, 50);
	accept_by(f, "us.isp2", &deeper, 50);
	fed_wait(f, 3);
	for (unsigned i = 0; i < 3; i++)
		tick(f, "US");
	cr_assert_eq(node_case(us, &id).state, HF_STATE_EXPIRED);
	cr_assert_eq(node_case(us, &order).state, HF_STATE_WITHDRAWN);
	cr_assert_eq(node_case(us, &deeper).state, HF_STATE_WITHDRAWN);
	fed_free(f);
}

Test(due, a_provider_that_reported_owes_no_decision)
{
	struct federation *f = fed_running("US", NULL);
	struct node *us = fed_node(f, "US");
	struct draft d;
	struct hf_id id;

	draft_open(&d, f, "us.ncp", HF_KIND_ORDER, "us.isp");
	id = must_submit(&d);
	draft_next(&d, f, "us.isp", HF_KIND_REPORT, HF_TRACK_ASKED, &id, &id);
	d.env.result = 3;
	d.env.categories = HF_TRAFFIC;
	draft_has(&d, HF_E_RESULT);
	draft_has(&d, HF_E_CATEGORIES);
	must_submit(&d);
	cr_assert_eq(node_case(us, &id).result, 3);
	fed_wait(f, 6);
	for (unsigned i = 0; i < 3; i++)
		tick(f, "US");
	cr_assert_eq(node_statements(us, HF_ENTRY_PENDING, &id), 0);
	cr_assert_eq(node_statements(us, HF_ENTRY_ABSENT, &id), 0);
	fed_free(f);
}

/* Each by its own limit, also where the clock was in doubt as one started. */
Test(due, two_live_traces_end_each_in_its_time)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id first = live_trace(f), second = live_trace(f);
	struct hf_id third = live_trace(f);

	start_live(f, &first);
	fed_wait(f, 2);
	us->clock_certain = false;
	tick(f, "US");
	start_live(f, &second);
	fed_wait(f, 1);
	start_live(f, &third);
	for (unsigned i = 3; i < 14; i++) {
		tick(f, "US");
		cr_assert_eq(node_case(us, &first).state == HF_STATE_TRACING,
		    i < 7, "the first after %u s", i);
		cr_assert_eq(node_case(us, &second).state == HF_STATE_TRACING,
		    i < 9, "the second after %u s", i);
		cr_assert_eq(node_case(us, &third).state == HF_STATE_TRACING,
		    i < 10, "the third after %u s", i);
		if (i == 8)
			us->clock_certain = true;
		fed_wait(f, 1);
	}
	fed_free(f);
}

/* A deadline that came too late, or that nobody knows. */
Test(due, what_is_due_no_more_does_nothing)
{
	static const struct {
		unsigned type;
		bool erased;
		enum hf_err code;
	} tries[] = {
	    {HF_DUE_WITHDRAW, false, HF_OK},
	    {HF_DUE_EXPIRE, false, HF_OK},
	    {HF_DUE_LIVE_TIMEOUT, false, HF_OK},
	    {HF_DUE_ERASE, false, HF_OK},
	    {HF_DUE_RELEASE, false, HF_OK},
	    {HF_DUE_DECIDE, true, HF_OK},
	    {99, false, HF_CORRUPT},
	};
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id id = fed_request(f);

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct case_record c = node_case(us, &id);
		uint64_t before = us->size;

		c.erased = tries[i].erased;
		turn_begin(us);
		EXPECT("save", case_save(us->engine, &c), HF_OK);
		EXPECT("fire",
		    due_fire(us->engine, &id, tries[i].type,
			due_gen(HF_TRACK_ASKING, 1)),
		    tries[i].code);
		cr_assert_eq(us->engine->frontier.size, before, "type %u",
		    tries[i].type);
		turn_abandon(us);
	}
	fed_free(f);
}

/* ---- between a cause and what comes of it ---- */

static struct reply ask_of(
    struct wires *w, const char *desk, unsigned op, const struct hf_id *id)
{
	static struct args a;

	args_begin(&a, 1);
	args_bin(&a, 1, id->b, sizeof(id->b));
	return desk_ask(w, fed_officer(w->f, desk), 5, op, args_end(&a));
}

/* Steps of one turn with a desk's frame among them. */
static void ask_in_turn(struct node *n, unsigned desk, unsigned op,
    const struct hf_id *id, uint8_t frame[128])
{
	struct event ev = node_event(n, EVENT_DESK_FRAME);
	struct pack p;

	pack_init(&p, frame, 128);
	pack_array(&p, 3);
	pack_uint(&p, op);
	pack_uint(&p, 1);
	pack_map(&p, id != NULL ? 1 : 0);
	if (id != NULL) {
		pack_uint(&p, 1);
		pack_bin(&p, id->b, sizeof(id->b));
	}
	ev.conn = 5;
	ev.key = secret_transport_key(n->officers[desk].secret);
	ev.frame = packed(&p);
	EXPECT("asked", engine_step(n->engine, &ev), HF_OK);
}

/* Rows of the newest answer of this turn. */
static unsigned rows_in_turn(struct node *n, enum hf_err *code)
{
	const struct effect *e =
	    effects_at(n->effects, effects_count(n->effects) - 1);
	struct wire at;
	unsigned rows = 0;

	cr_assert_eq(e->type, EFFECT_DESK_SEND);
	wire_init(&at, e->bytes.data, e->bytes.size);
	wire_array(&at, 4, 4);
	wire_uint(&at, 1);
	wire_uint(&at, 1);
	*code = (enum hf_err)wire_uint(&at, 9999);
	wire_map(&at, HF_MAP_MAX);
	if (wire_key(&at) == 1)
		rows = wire_array(&at, 0, HF_ARRAY_MAX);
	return rows;
}

/* A release that is due is no deadline that anybody is shown, and an order
 * that ends before it is not ended twice. */
Test(due, a_release_that_is_due_is_shown_to_nobody_and_done_once)
{
	static struct signed_act out[2];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct hf_id id = fed_request(f);
	struct hf_id order = order_on(f, "us.isp", &id, NULL);
	uint8_t receipt[HF_RECEIPT_MAX], frames[3][128];
	struct intake_result r;
	unsigned before, all;
	enum hf_err code;
	struct draft d;

	draft_next(
	    &d, f, "jp.ncp", HF_KIND_WITHDRAW, HF_TRACK_ASKING, &id, NULL);
	EXPECT("withdraw", draft_submit(&d, &out[0], NULL), HF_OK);
	draft_next(
	    &d, f, "us.ncp", HF_KIND_WITHDRAW, HF_TRACK_ASKING, &order, NULL);
	draft_sign(&d, &out[1]);
	turn_begin(us);
	ask_in_turn(us, NCP, HF_OP_DEADLINES, &order, frames[0]);
	before = rows_in_turn(us, &code);
	turn_abandon(us);
	cr_assert_gt(before, 0);

	turn_begin(us);
	EXPECT("its basis ends",
	    intake_foreign(us->engine, jp->country,
		bytes_of(out[0].frame, out[0].size),
		bytes_of(receipt, node_receipt(jp, &out[0].id, receipt)), &r),
	    HF_OK);
	ask_in_turn(us, NCP, HF_OP_DEADLINES, &order, frames[0]);
	cr_assert_eq(rows_in_turn(us, &code), before);
	ask_in_turn(us, NCP, HF_OP_DEADLINES, NULL, frames[1]);
	all = rows_in_turn(us, &code);
	cr_assert_gt(all, 0);
	ask_in_turn(us, NCP, HF_OP_CASE, &order, frames[2]);
	(void)rows_in_turn(us, &code);
	EXPECT("the order", code, HF_OK);
	EXPECT("it ends by an officer",
	    intake_own(us->engine,
		roster_officer(engine_roster(us->engine), us->country,
		    &us->officers[NCP].sign),
		bytes_of(out[1].frame, out[1].size), nothing, &r),
	    HF_OK);
	turn_end(us);
	cr_assert_eq(node_case(us, &order).gens[HF_TRACK_ASKING], 2);
	cr_assert_eq(
	    node_kind_at(us, &order, HF_TRACK_ASKING, 2), HF_KIND_WITHDRAW);
	cr_assert_eq(node_statements(us, HF_ENTRY_RELEASED, NULL), 0);
	fed_free(f);
}

Test(due, a_deadline_that_has_passed_is_shown_no_more)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 1);
	struct hf_id id = fed_request(w->f);
	unsigned before, after;
	struct reply r;
	struct wire at;

	r = ask_of(w, "us.ncp", HF_OP_DEADLINES, &id);
	cr_assert(reply_has(&r, 1, &at));
	before = wire_array(&at, 0, HF_ARRAY_MAX);
	fed_wait(w->f, 2);
	tick(w->f, "US");
	r = ask_of(w, "us.ncp", HF_OP_DEADLINES, &id);
	cr_assert(reply_has(&r, 1, &at));
	after = wire_array(&at, 0, HF_ARRAY_MAX);
	cr_assert_eq(after, before - 1, "pending");
	wires_free(w);
}

/* Machines do not read. */
Test(due, what_a_broker_does_by_itself_is_no_answer)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US"), *jp = fed_node(f, "JP");
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;
	struct hf_id id = live_trace(f), act;
	struct draft d;

	start_live(f, &id);
	for (uint32_t gen = 1; gen <= 2; gen++) {
		act = act_at(us, &id, HF_TRACK_ASKED, gen);
		carry(f, "US", "JP", &act);
	}
	draft_next(&d, f, "jp.ncp", HF_KIND_QUERY, HF_TRACK_ASKING, &id, &id);
	d.env.due.ms = f->now.ms + 9000;
	draft_has(&d, HF_E_DUE);
	act = must_submit(&d);
	carry(f, "JP", "US", &act);
	fed_wait(f, 8);
	tick(f, "US");
	cr_assert_eq(
	    node_kind_at(us, &id, HF_TRACK_ASKED, 3), HF_KIND_LIVE_TIMEOUT);
	act = newest(us, &id, HF_TRACK_ASKED);
	carry(f, "US", "JP", &act);
	fed_wait(f, 2);
	tick(f, "JP");
	cr_assert(node_last_statement(jp, HF_ENTRY_ABSENT, &s, buffer));
	cr_assert_eq(s.code, HF_DUE_REPLY);
	cr_assert_neq(s.count, HF_SILENT_UNDECIDED, "nobody was there");
	fed_free(f);
}

/* Two that started by wrong clocks, one a day early and one a day late: each
 * ends by the clock that runs. */
Test(due, the_end_that_comes_first_is_waited_for)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id late = live_trace(f), early = live_trace(f);
	uint64_t mono;

	us->clock_certain = false;
	us->wall_error_ms = 200000;
	start_live(f, &late); /* its row stands last, its end comes first */
	fed_wait(f, 3);
	us->wall_error_ms = -200000;
	start_live(f, &early);
	tick(f, "US");
	mono = f->now.ms - FED_START_MS;
	cr_assert_leq(engine_next_mono(us->engine), mono + 4001);
	for (unsigned i = 3; i < 11; i++) {
		tick(f, "US");
		cr_assert_eq(node_case(us, &late).state == HF_STATE_TRACING,
		    i < 7, "the one after %u s", i);
		cr_assert_eq(node_case(us, &early).state == HF_STATE_TRACING,
		    i < 10, "the other after %u s", i);
		fed_wait(f, 1);
	}
	fed_free(f);
}

/* Its broker's document says who may sign; without one nobody may, and what is
 * due is done all the same. */
Test(due, a_hold_expires_also_without_a_document_of_ones_own)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US"), *jp = fed_node(f, "JP");
	struct hf_id id = fed_request(f);
	struct hf_id act = accept_by(f, "us.ncp", &id, 5);
	struct event ev = node_event(us, EVENT_UNPIN);

	carry(f, "US", "JP", &act);
	ev.country = us->country;
	node_turn(us, &ev);
	fed_wait(f, 6);
	tick(f, "US");
	cr_assert_eq(node_case(us, &id).state, HF_STATE_EXPIRED);
	act = newest(us, &id, HF_TRACK_ASKED);
	carry(f, "US", "JP", &act);
	cr_assert(same_state(us, jp, &id));
	fed_free(f);
}

/* A follow-up suspends the end, and its review is owed by who received it. */
Test(due, a_review_is_owed_by_the_asked_side_alone)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US"), *jp = fed_node(f, "JP");
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;
	struct hf_id id = fed_request(f), act = accept_by(f, "us.ncp", &id, 20);
	struct draft d;

	carry(f, "US", "JP", &act);
	draft_next(
	    &d, f, "jp.ncp", HF_KIND_FOLLOW_UP, HF_TRACK_ASKING, &id, &id);
	act = must_submit(&d);
	carry(f, "JP", "US", &act);
	draft_next(&d, f, "us.ncp", HF_KIND_FOLLOW_UP_RECEIVED, HF_TRACK_ASKED,
	    &id, &act);
	d.env.due.ms = f->now.ms + 30000;
	draft_has(&d, HF_E_DUE);
	act = must_submit(&d);
	carry(f, "US", "JP", &act);
	fed_wait(f, 31);
	tick(f, "US");
	tick(f, "JP");
	cr_assert(node_last_statement(us, HF_ENTRY_PENDING, &s, buffer));
	cr_assert_eq(s.code, HF_DUE_REVIEW);
	cr_assert_eq(memcmp(s.text.data, "us.ncp", 6), 0);
	cr_assert_eq(node_statements(jp, HF_ENTRY_ABSENT, &id), 0,
	    "nobody waits for it");
	fed_free(f);
}

/* Of an order both desks are at home, and still nobody waits for a review. */
Test(due, a_review_at_home_is_pending_and_no_absence)
{
	struct federation *f = fed_running("US", NULL);
	struct node *us = fed_node(f, "US");
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;
	struct hf_id id, act;
	struct draft d;

	draft_open(&d, f, "us.ncp", HF_KIND_ORDER, "us.isp");
	id = must_submit(&d);
	accept_by(f, "us.isp", &id, 50);
	draft_next(
	    &d, f, "us.ncp", HF_KIND_FOLLOW_UP, HF_TRACK_ASKING, &id, &id);
	act = must_submit(&d);
	draft_next(&d, f, "us.isp", HF_KIND_FOLLOW_UP_RECEIVED, HF_TRACK_ASKED,
	    &id, &act);
	d.env.due.ms = f->now.ms + 30000;
	draft_has(&d, HF_E_DUE);
	must_submit(&d);
	fed_wait(f, 31);
	tick(f, "US");
	cr_assert(node_last_statement(us, HF_ENTRY_PENDING, &s, buffer));
	cr_assert_eq(s.code, HF_DUE_REVIEW);
	cr_assert_eq(node_statements(us, HF_ENTRY_ABSENT, &id), 0);
	fed_free(f);
}

/* Started, stopped and started by one turn's clock: one limit, and it holds. */
Test(due, a_trace_that_starts_twice_in_one_turn_has_one_end)
{
	static const unsigned kinds[] = {
	    HF_KIND_LIVE_STARTED, HF_KIND_LIVE_STOPPED, HF_KIND_LIVE_STARTED};
	static struct signed_act act[3];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id id = live_trace(f);
	struct draft d;

	us->clock_certain = false;
	us->wall_error_ms = -200000;
	draft_next(
	    &d, f, "us.ncp", HF_KIND_LIVE_STARTED, HF_TRACK_ASKED, &id, &id);
	d.env.at = f->now;
	draft_has(&d, HF_E_AT);
	for (unsigned i = 0; i < 3; i++) {
		d.kind = kinds[i];
		hf_random(d.env.salt, sizeof(d.env.salt));
		draft_sign(&d, &act[i]);
		d.env.gen++;
		d.env.prev = act[i].digest;
	}
	turn_begin(us);
	for (unsigned i = 0; i < 3; i++) {
		struct intake_result r;

		EXPECT("enter",
		    intake_own(us->engine,
			roster_officer(engine_roster(us->engine), us->country,
			    &us->officers[NCP].sign),
			bytes_of(act[i].frame, act[i].size), nothing, &r),
		    HF_OK);
	}
	turn_end(us);
	for (unsigned i = 0; i < 8; i++) {
		struct event ev = node_event(us, EVENT_TIMER);

		node_turn(us, &ev);
		cr_assert_eq(node_case(us, &id).state == HF_STATE_TRACING,
		    i < 7, "after %u s", i);
		fed_wait(f, 1);
	}
	fed_free(f);
}

/* By the clock that runs: what was listened to is over when the second start
 * says, although the first one's limit was in force as the turn began. */
Test(due, a_trace_that_starts_again_in_one_turn_ends_by_its_new_start)
{
	static struct signed_act act[2];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id id = live_trace(f);
	struct draft d;

	us->clock_certain = false;
	us->wall_error_ms = -200000;
	start_live(f, &id);
	fed_wait(f, 3);
	draft_next(
	    &d, f, "us.ncp", HF_KIND_LIVE_STOPPED, HF_TRACK_ASKED, &id, &id);
	d.env.at = f->now;
	draft_has(&d, HF_E_AT);
	draft_sign(&d, &act[0]);
	d.kind = HF_KIND_LIVE_STARTED;
	d.env.gen++;
	d.env.prev = act[0].digest;
	draft_sign(&d, &act[1]);
	turn_begin(us);
	for (unsigned i = 0; i < 2; i++) {
		struct intake_result r;

		EXPECT("enter",
		    intake_own(us->engine,
			roster_officer(engine_roster(us->engine), us->country,
			    &us->officers[NCP].sign),
			bytes_of(act[i].frame, act[i].size), nothing, &r),
		    HF_OK);
	}
	turn_end(us);
	for (unsigned i = 0; i < 8; i++) {
		tick(f, "US");
		cr_assert_eq(node_case(us, &id).state == HF_STATE_TRACING,
		    i < 7, "after %u s", i);
		fed_wait(f, 1);
	}
	fed_free(f);
}

/* As many questions as are watched: each has its deadline, and all are shown,
 * a page after the other. */
Test(due, a_case_shows_all_its_deadlines)
{
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 3);
	struct hf_id id = fed_request(w->f);
	uint8_t cursor[STORE_KEY_MAX];
	unsigned rows = 0, answers = 0;
	size_t size = 0;
	struct draft d;
	struct reply r;
	struct wire at;

	accept_by(w->f, "us.ncp", &id, 50);
	for (unsigned i = 0; i < 70; i++) {
		draft_next(&d, w->f, "us.ncp", HF_KIND_QUERY, HF_TRACK_ASKED,
		    &id, &id);
		d.env.due.ms = w->f->now.ms + 9000;
		draft_has(&d, HF_E_DUE);
		must_submit(&d);
	}
	do {
		args_begin(&a, size > 0 ? 2 : 1);
		args_bin(&a, 1, id.b, sizeof(id.b));
		if (size > 0)
			args_bin(&a, 2, cursor, size);
		r = desk_ask(w, fed_officer(w->f, "us.ncp"), 5, HF_OP_DEADLINES,
		    args_end(&a));
		EXPECT("deadlines", r.code, HF_OK);
		cr_assert(reply_has(&r, 1, &at));
		rows += wire_array(&at, 0, HF_ARRAY_MAX);
		size = 0;
		if (reply_has(&r, 2, &at)) {
			struct hf_bytes next = wire_bin(&at, 1, sizeof(cursor));

			memcpy(cursor, next.data, size = next.size);
		}
		desk_forget(w);
		answers++;
	} while (size > 0 && answers < 9);
	cr_assert_eq(rows, 1 + 64, "expire, and the queries that are watched");
	cr_assert_eq(answers, 2);
	args_begin(&a, 2);
	args_bin(&a, 1, id.b, sizeof(id.b));
	args_bin(&a, 2, cursor, 3);
	EXPECT("no cursor of ours",
	    desk_ask(w, fed_officer(w->f, "us.ncp"), 5, HF_OP_DEADLINES,
		args_end(&a))
		.code,
	    HF_RANGE);
	wires_free(w);
}
