/* Long answers come in pages, and who reads what of a case (SPEC 11, 12.9). */
#include "tests/broker/wires.h"

#include "broker/engine/intake.h"
#include "broker/engine/link.h"

#include <criterion/criterion.h>
#include <string.h>

#define CONN 5000u
#define MANY 70u /* more than a page of rows */

static struct reply ask(
    struct wires *w, const char *desk, unsigned op, struct hf_bytes args)
{
	return desk_ask(w, fed_officer(w->f, desk), CONN, op, args);
}

static struct reply ask_uints(struct wires *w, const char *desk, unsigned op,
    uint64_t first, uint64_t second)
{
	static struct args a;

	args_begin(&a, 2);
	args_uint(&a, 1, first);
	args_uint(&a, 2, second);
	return ask(w, desk, op, args_end(&a));
}

static struct reply ask_case(
    struct wires *w, const char *desk, unsigned op, const struct hf_id *id)
{
	static struct args a;

	args_begin(&a, 1);
	args_bin(&a, 1, id->b, sizeof(id->b));
	return ask(w, desk, op, args_end(&a));
}

static struct reply ask_acts(struct wires *w, const char *desk,
    const struct hf_id *id, uint64_t track, uint64_t gen, uint64_t limit)
{
	static struct args a;

	args_begin(&a, 4);
	args_bin(&a, 1, id->b, sizeof(id->b));
	args_uint(&a, 2, track);
	args_uint(&a, 3, gen);
	args_uint(&a, 4, limit);
	return ask(w, desk, HF_OP_ACTS, args_end(&a));
}

static unsigned rows_of(const struct reply *r)
{
	struct wire at;

	EXPECT("a page", r->code, HF_OK);
	cr_assert(reply_has(r, 1, &at));
	return wire_array(&at, 0, HF_ARRAY_MAX);
}

/* All rows of an operation whose cursor is bytes under `key`; *pages: in how
 * many answers. */
static unsigned all_rows(struct wires *w, const char *desk, unsigned op,
    unsigned key, unsigned limit, unsigned *pages)
{
	static struct args a;
	uint8_t cursor[STORE_KEY_MAX];
	size_t size = 0;
	unsigned rows = 0;

	for (*pages = 1;; ++*pages) {
		struct hf_bytes next;
		struct reply r;
		struct wire at;

		args_begin(&a, (size > 0 ? 1u : 0u) + (limit > 0 ? 1u : 0u));
		if (size > 0 && key == 1)
			args_bin(&a, 1, cursor, size);
		if (limit > 0)
			args_uint(&a, 2, limit);
		if (size > 0 && key == 2)
			args_bin(&a, 2, cursor, size);
		r = ask(w, desk, op, args_end(&a));
		rows += rows_of(&r);
		if (!reply_has(&r, 2, &at))
			return rows;
		next = wire_bin(&at, 1, sizeof(cursor));
		cr_assert_gt(next.size, 0);
		memcpy(cursor, next.data, next.size);
		size = next.size;
		desk_forget(w);
	}
}

/* The same where the cursor is a number. */
static unsigned all_entries(
    struct wires *w, const char *desk, unsigned op, unsigned *pages)
{
	uint64_t at = 0;
	unsigned rows = 0;

	for (*pages = 1;; ++*pages) {
		struct reply r = ask_uints(w, desk, op, at, 0);
		struct wire more;

		rows += rows_of(&r);
		if (!reply_has(&r, 2, &more))
			return rows;
		at = wire_uint(&more, UINT64_MAX);
		desk_forget(w);
	}
}

static unsigned rows_limited(
    struct wires *w, const struct hf_id *id, uint64_t gen, uint64_t limit)
{
	struct reply r = ask_acts(w, "jp.ncp", id, 0, gen, limit);

	return rows_of(&r);
}

/* ---- pages ---- */

Test(desk_pages, nothing_is_left_out_between_two_pages)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 1);
	struct node *jp = fed_node(w->f, "JP");
	unsigned pages, entries;

	for (unsigned i = 0; i < MANY; i++)
		fed_request(w->f);
	cr_assert_eq(all_rows(w, "jp.ncp", HF_OP_CASES, 1, 0, &pages), MANY);
	cr_assert_eq(pages, 5, "of 16 summaries");
	cr_assert_eq(all_rows(w, "jp.ncp", HF_OP_CASES, 1, 7, &pages), MANY);
	cr_assert_eq(pages, 10);
	cr_assert_eq(all_rows(w, "jp.aud", HF_OP_STATES, 1, 0, &pages), MANY);
	cr_assert_eq(pages, 2);
	cr_assert_geq(
	    all_rows(w, "jp.ncp", HF_OP_DEADLINES, 2, 0, &pages), MANY);
	cr_assert_geq(pages, 2);
	cr_assert_eq(all_entries(w, "jp.aud", HF_OP_RECEIPTS, &pages), MANY);
	cr_assert_geq(pages, 2);
	entries = all_entries(w, "jp.aud", HF_OP_ENTRIES, &pages);
	cr_assert_geq(entries, MANY);
	cr_assert_leq(entries, jp->size);
	cr_assert_geq(pages, 2);
	cr_assert_eq(all_rows(w, "jp.aud", HF_OP_CERTIFICATES, 1, 0, &pages), 0,
	    "nothing is erased");
	wires_free(w);
}

Test(desk_pages, the_queue_of_a_country_goes_on_where_it_ended)
{
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", "DE", NULL), 2);
	struct reply r;
	struct wire at;
	struct draft d;

	for (unsigned i = 0; i < MANY; i++) {
		draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
		must_submit(&d);
	}
	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "de.ncp");
	must_submit(&d);
	args_begin(&a, 1);
	args_bin(&a, 1, "US", 2);
	r = ask(w, "jp.ncp", HF_OP_QUEUE, args_end(&a));
	cr_assert_eq(rows_of(&r), HF_PAGE_ROWS);
	cr_assert(reply_has(&r, 2, &at));
	args_begin(&a, 2);
	args_bin(&a, 1, "US", 2);
	args_uint(&a, 2, wire_uint(&at, UINT64_MAX));
	r = ask(w, "jp.ncp", HF_OP_QUEUE, args_end(&a));
	cr_assert_eq(rows_of(&r), MANY - HF_PAGE_ROWS);
	cr_assert_not(reply_has(&r, 2, &at));
	args_begin(&a, 1);
	args_bin(&a, 1, "DE", 2);
	r = ask(w, "jp.ncp", HF_OP_QUEUE, args_end(&a));
	cr_assert_eq(rows_of(&r), 1);
	r = ask(w, "jp.ncp", HF_OP_QUEUE, nothing);
	cr_assert_eq(rows_of(&r), HF_PAGE_ROWS, "of all: the first page");
	cr_assert_not(reply_has(&r, 2, &at));
	r = ask(w, "jp.isp", HF_OP_QUEUE, nothing);
	cr_assert_eq(rows_of(&r), 0, "of no case of theirs");
	wires_free(w);
}

Test(desk_pages, large_acts_share_no_page)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 3);
	struct hf_id id = fed_request(w->f);
	struct draft d;
	unsigned seen = 0;
	uint64_t gen = 0; /* is 1 */

	for (unsigned i = 0; i < 3; i++) {
		draft_next(&d, w->f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING,
		    &id, NULL);
		d.leaf_count = 8;
		d.leaf_size = 3000;
		must_submit(&d);
	}
	for (unsigned page = 0;; page++) {
		struct reply r = ask_acts(w, "jp.ncp", &id, 0, gen, 0);
		struct wire at;

		cr_assert_lt(page, 4);
		seen += rows_of(&r);
		if (!reply_has(&r, 2, &at))
			break;
		gen = wire_uint(&at, UINT32_MAX);
		cr_assert_eq(gen, seen + 1);
	}
	cr_assert_eq(seen, 4);
	cr_assert_eq(rows_limited(w, &id, 2, 1), 1);
	wires_free(w);
}

/* ---- which cases ---- */

/* As if it had come that far; only the listing looks. */
static void set_state(struct node *n, const struct hf_id *id,
    enum hf_state state, unsigned kind, bool erased)
{
	struct case_record c = node_case(n, id);

	c.state = state;
	c.kind = kind;
	c.erased = erased;
	turn_begin(n);
	EXPECT("state", case_save(n->engine, &c), HF_OK);
	turn_end(n);
}

Test(desk_pages, open_cases_are_those_that_somebody_still_works_on)
{
	static const struct {
		enum hf_state state;
		bool erased, open;
	} cases[] = {
	    {HF_STATE_UNACKNOWLEDGED, false, true},
	    {HF_STATE_ACCEPTED, false, true},
	    {HF_STATE_WITHDRAWN, false, true},
	    {HF_STATE_UNACKNOWLEDGED, true, false},
	    {HF_STATE_RELEASED, false, false},
	    {HF_STATE_ENDED, false, false},
	    {HF_STATE_DECLINED, false, false},
	    {HF_STATE_EXPIRED, false, false},
	    {HF_STATE_LAPSED, false, false},
	    {HF_STATE_NOT_SUPPORTED, false, false},
	};
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 4);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_id id = fed_request(w->f);
	struct reply r;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned only = 0; only < 2; only++) {
			set_state(jp, &id, cases[i].state, HF_KIND_REQUEST,
			    cases[i].erased);
			args_begin(&a, 1);
			args_uint(&a, 3, only);
			r = ask(w, "jp.ncp", HF_OP_CASES, args_end(&a));
			cr_assert_eq(rows_of(&r), cases[i].open || only == 0,
			    "state %d, only open %u", (int)cases[i].state,
			    only);
		}
	/* of one whose opening has not come yet nothing is known */
	set_state(jp, &id, HF_STATE_UNACKNOWLEDGED, 0, false);
	r = ask(w, "jp.ncp", HF_OP_CASES, nothing);
	cr_assert_eq(rows_of(&r), 0);
	r = ask(w, "jp.aud", HF_OP_STATES, nothing);
	cr_assert_eq(rows_of(&r), 0);
	r = ask_case(w, "jp.ncp", HF_OP_CASE, &id);
	EXPECT("without an opening", r.code, HF_UNKNOWN_CASE);
	wires_free(w);
}

Test(desk_pages, a_case_is_found_by_its_reference)
{
	static struct args a;
	static const char long_name[HF_REF_MAX + 1] = "x";
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 5);
	struct hf_id id = fed_request(w->f);
	struct case_record c = node_case(fed_node(w->f, "JP"), &id);
	struct reply r;

	args_begin(&a, 1);
	args_bin(&a, 2, c.ref, strlen(c.ref));
	EXPECT("its reference", ask(w, "jp.ncp", HF_OP_CASE, args_end(&a)).code,
	    HF_OK);
	args_begin(&a, 1);
	args_bin(&a, 2, c.ref, strlen(c.ref) - 1);
	EXPECT("another", ask(w, "jp.ncp", HF_OP_CASE, args_end(&a)).code,
	    HF_UNKNOWN_CASE);
	args_begin(&a, 1);
	args_bin(&a, 2, long_name, sizeof(long_name));
	r = ask(w, "jp.ncp", HF_OP_CASE, args_end(&a));
	EXPECT("too long", r.code, HF_MISSING_KEY);
	wires_free(w);
}

/* ---- who reads which track ---- */

/* An order of JP to its own provider: both desks are of one country. */
static struct hf_id domestic_order(struct federation *f)
{
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_ORDER, "jp.isp");
	return must_submit(&d);
}

static struct hf_id inner_note(struct federation *f, const char *author,
    unsigned track, const struct hf_id *id)
{
	struct draft d;

	draft_next(&d, f, author, HF_KIND_NOTE, track, id, NULL);
	return must_submit(&d);
}

Test(desk_pages, each_side_reads_its_own_inner_track)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 6);
	struct hf_id order = domestic_order(w->f);
	struct hf_id request = fed_request(w->f);
	struct hf_id note[2] = {
	    inner_note(w->f, "jp.ncp", HF_TRACK_INNER_ASKING, &order),
	    inner_note(w->f, "jp.isp", HF_TRACK_INNER_ASKED, &order)};
	const struct {
		const char *desk;
		const struct hf_id *id;
		unsigned track;
		enum hf_err code;
	} reads[] = {
	    {"jp.ncp", &order, HF_TRACK_INNER_ASKING, HF_OK},
	    {"jp.isp", &order, HF_TRACK_INNER_ASKED, HF_OK},
	    {"jp.isp", &order, HF_TRACK_INNER_ASKING, HF_READ_DENIED},
	    {"jp.ncp", &order, HF_TRACK_INNER_ASKED, HF_READ_DENIED},
	    {"jp.aud", &order, HF_TRACK_INNER_ASKED, HF_OK},
	    {"jp.ncp", &request, HF_TRACK_INNER_ASKING, HF_OK},
	    {"jp.ncp", &request, HF_TRACK_INNER_ASKED, HF_READ_DENIED},
	    {"us.ncp", &request, HF_TRACK_INNER_ASKED, HF_OK},
	    {"us.ncp", &request, HF_TRACK_INNER_ASKING, HF_READ_DENIED},
	    {"jp.ncp", &request, HF_TRACK_COUNT, HF_RANGE},
	};

	for (unsigned i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		EXPECT(reads[i].desk,
		    ask_acts(
			w, reads[i].desk, reads[i].id, reads[i].track, 1, 0)
			.code,
		    reads[i].code);
	for (unsigned i = 0; i < 2; i++) {
		EXPECT("its own",
		    ask_case(
			w, i == 0 ? "jp.ncp" : "jp.isp", HF_OP_BODY, &note[i])
			.code,
		    HF_OK);
		EXPECT("the other's",
		    ask_case(
			w, i == 0 ? "jp.isp" : "jp.ncp", HF_OP_BODY, &note[i])
			.code,
		    HF_READ_DENIED);
	}
	EXPECT("of its order", ask_case(w, "jp.isp", HF_OP_BODY, &order).code,
	    HF_OK);
	EXPECT("of a request", ask_case(w, "jp.isp", HF_OP_BODY, &request).code,
	    HF_UNKNOWN_ACT);
	wires_free(w);
}

/* ---- who reads the whole ledger ---- */

Test(desk_pages, the_whole_ledger_is_for_auditors_and_operators)
{
	static const unsigned ops[] = {
	    HF_OP_ENTRIES, HF_OP_STATES, HF_OP_RECEIPTS, HF_OP_CERTIFICATES};
	static const struct {
		const char *desk;
		unsigned type, role;
		bool reads;
	} who[] = {
	    {"jp.ncp", DESK_CONTACT_POINT, ROLE_DUTY, false},
	    {"jp.ncp", DESK_CONTACT_POINT, ROLE_AUDITOR, true},
	    {"jp.ncp", DESK_CONTACT_POINT, ROLE_OPERATOR, true},
	    {"jp.isp", DESK_PROVIDER, ROLE_AUDITOR, false},
	    {"jp.aud", DESK_AUDITOR, ROLE_AUDITOR, true},
	    {"jp.aud", DESK_OVERSIGHT, ROLE_LIAISON, true},
	    {"jp.aud", DESK_AUDITOR, ROLE_LIAISON, true},
	    {"jp.ops", DESK_OPERATOR, ROLE_LIAISON, true},
	    {"jp.ops", DESK_OPERATOR, ROLE_OPERATOR, true},
	};
	struct federation *f = fed_new("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct officer more[sizeof(who) / sizeof(who[0])];
	struct wires *w;
	struct hf_id id;

	for (unsigned i = 0; i < sizeof(who) / sizeof(who[0]); i++)
		fed_more_officer(jp, &more[i], who[i].desk, who[i].role);
	fed_build(jp);
	fed_start(f);
	w = wires_new(f, 7);
	id = fed_request(f);
	for (unsigned i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		for (unsigned k = 0; k < jp->entry_count; k++)
			if (jp->entries[k].type == ENTRY_DESK &&
			    strcmp(jp->entries[k].u.desk.desk.s, who[i].desk) ==
				0)
				jp->entries[k].u.desk.type = who[i].type;
		fed_publish(jp);
		for (unsigned op = 0; op < sizeof(ops) / sizeof(ops[0]); op++)
			EXPECT(who[i].desk,
			    desk_ask(w, &more[i], CONN, ops[op], nothing).code,
			    who[i].reads ? HF_OK : HF_READ_DENIED);
		if (strcmp(who[i].desk, "jp.ncp") != 0) {
			struct args a;

			args_begin(&a, 1);
			args_bin(&a, 1, id.b, sizeof(id.b));
			EXPECT("the skeleton",
			    desk_ask(
				w, &more[i], CONN, HF_OP_CASE, args_end(&a))
				.code,
			    who[i].reads ? HF_OK : HF_UNKNOWN_CASE);
		}
	}
	for (unsigned i = 0; i < sizeof(who) / sizeof(who[0]); i++)
		secret_free(more[i].secret);
	wires_free(w);
}

Test(desk_pages, what_is_out_of_range_is_refused)
{
	static struct args a;
	static const uint8_t cursor[STORE_KEY_MAX + 1];
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 8);
	uint64_t size;

	fed_request(w->f);
	size = fed_node(w->f, "JP")->size;
	EXPECT("backwards",
	    ask_uints(w, "jp.aud", HF_OP_CONSISTENCY, size, size - 1).code,
	    HF_RANGE);
	EXPECT("beyond",
	    ask_uints(w, "jp.aud", HF_OP_CONSISTENCY, 1, size + 1000).code,
	    HF_RANGE);
	EXPECT("proved",
	    ask_uints(w, "jp.aud", HF_OP_CONSISTENCY, 1, size).code, HF_OK);
	EXPECT("no such entry",
	    ask_uints(w, "jp.aud", HF_OP_RECEIPT, size + 1000, 0).code,
	    HF_RANGE);
	args_begin(&a, 1);
	args_bin(&a, 2, cursor, sizeof(cursor));
	EXPECT("no key is so long",
	    ask(w, "jp.ncp", HF_OP_DEADLINES, args_end(&a)).code, HF_RANGE);
	wires_free(w);
}

/* ---- what rests on a case ---- */

Test(desk_pages, the_orders_of_a_case_are_shown_to_who_may_see_them)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 9);
	struct hf_id id = fed_request(w->f);
	struct draft d;
	struct reply r;
	struct wire at;

	for (unsigned i = 0; i < 17; i++) { /* a page holds 16 */
		draft_open(&d, w->f, "us.ncp", HF_KIND_ORDER, "us.isp");
		d.env.lineage_count = 1;
		d.env.lineage[0].type = HF_DEPENDENT;
		d.env.lineage[0].id = id;
		draft_has(&d, HF_E_LINEAGE);
		must_submit(&d);
	}
	r = ask_case(w, "us.ncp", HF_OP_ORDERS, &id);
	cr_assert_eq(rows_of(&r), 16);
	cr_assert(reply_has(&r, 2, &at));
	r = ask_case(w, "us.isp", HF_OP_ORDERS, &id);
	EXPECT("the request is not theirs", r.code, HF_UNKNOWN_CASE);
	/* a desk that was let into the request sees it, and not its orders */
	draft_next(
	    &d, w->f, "us.ncp", HF_KIND_GRANT, HF_TRACK_INNER_ASKED, &id, NULL);
	memcpy(d.env.to.s, "us.ca", 6);
	must_submit(&d);
	r = ask_case(w, "us.ca", HF_OP_ORDERS, &id);
	cr_assert_eq(rows_of(&r), 0);
	wires_free(w);
}
