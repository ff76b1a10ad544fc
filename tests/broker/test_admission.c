/* Quotas and shares (SPEC 12.13), and a store that is nearly full (12.14). */
#include "tests/broker/fixture.h"

#include "broker/engine/link.h"

#include <criterion/criterion.h>
#include <string.h>

#define ROOM 2048u

struct rig {
	struct federation *f;
	struct node *jp;
	struct admission_options *limits;
	struct queued queue;
	struct admitted_as as;
	uint8_t frame[HF_FRAME_MAX];
	uint64_t request;
};

static struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	cr_assert_not_null(r);
	r->f = fed_running("JP", "US", NULL);
	r->jp = fed_node(r->f, "JP");
	r->limits = &r->jp->engine->options.admission;
	r->queue.room = ROOM;
	return r;
}

static void rig_free(struct rig *r)
{
	fed_free(r->f);
	free(r);
}

static enum hf_err admit(
    struct rig *r, const struct pack *p, bool peer, const struct secret *from)
{
	struct event ev =
	    node_event(r->jp, peer ? EVENT_PEER_FRAME : EVENT_DESK_FRAME);

	cr_assert_eq(p->err, HF_OK);
	ev.key = secret_transport_key(from);
	ev.frame = bytes_of(p->data, p->at);
	return engine_admit(r->jp->engine, &ev, &r->queue, &r->as);
}

static struct pack request(struct rig *r, unsigned op, unsigned members)
{
	struct pack p;

	pack_init(&p, r->frame, sizeof(r->frame));
	pack_array(&p, 3);
	pack_uint(&p, op);
	pack_uint(&p, ++r->request);
	pack_map(&p, members);
	return p;
}

/** An opening of this urgency, signed or not: nobody looks. */
static enum hf_err bring(struct rig *r, unsigned urgency, bool broken)
{
	static struct signed_act a;
	struct pack p = request(r, HF_OP_SUBMIT, 1);
	struct draft d;

	draft_open(&d, r->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.env.urgency = urgency;
	d.break_signature = broken;
	draft_sign(&d, &a);
	pack_uint(&p, 1);
	pack_bin(&p, a.frame, a.size);
	return admit(r, &p, false, fed_officer(r->f, "jp.ncp")->secret);
}

static enum hf_err ask_status(struct rig *r, const char *desk)
{
	struct pack p = request(r, HF_OP_STATUS, 0);

	return admit(r, &p, false, fed_officer(r->f, desk)->secret);
}

/** How many come before one is told busy. */
static unsigned until_busy(struct rig *r, unsigned urgency)
{
	unsigned n = 0;

	while (n < 1000 && bring(r, urgency, false) == HF_OK)
		n++;
	return n;
}

/** [0, request, busy, {8: ms}]: the ms. */
static uint64_t retry_after(struct rig *r)
{
	struct wire w;
	uint64_t ms;

	wire_init(&w, r->as.answer, r->as.answer_size);
	wire_array(&w, 4, 4);
	cr_assert_eq(wire_uint(&w, 9), HF_RESPONSE);
	cr_assert_eq(wire_uint(&w, UINT64_MAX), r->request);
	cr_assert_eq(wire_uint(&w, 9999), HF_BUSY);
	wire_map(&w, 1);
	cr_assert_eq(wire_key(&w), 8);
	ms = wire_uint(&w, UINT64_MAX);
	wire_close(&w);
	wire_close(&w);
	cr_assert_eq(wire_finish(&w), HF_OK);
	return ms;
}

Test(admission, a_bucket_is_filled_by_time)
{
	struct rig *r = rig_new();

	r->limits->desk_acts[HF_ROUTINE] = 600;
	cr_assert_eq(until_busy(r, HF_ROUTINE), 100, "a sixth of a minute's");
	cr_assert_eq(retry_after(r), 250, "the least");
	EXPECT("at once", bring(r, HF_ROUTINE, false), HF_BUSY);
	fed_wait(r->f, 1);
	cr_assert_eq(until_busy(r, HF_ROUTINE), 10, "ten a second");
	fed_wait(r->f, 3600);
	cr_assert_eq(until_busy(r, HF_ROUTINE), 100, "never more");
	r->limits->desk_acts[HF_ROUTINE] = 1;
	fed_wait(r->f, 3600);
	cr_assert_eq(until_busy(r, HF_ROUTINE), 20, "a batch fits always");
	cr_assert_eq(retry_after(r), 30000, "the most");
	rig_free(r);
}

/* The bucket itself, its table, the table's first rows. */
Test(admission, without_memory_for_a_bucket_is_busy)
{
	struct rig *r = rig_new();
	unsigned nth = 1;

	r->limits->desk_acts[HF_ROUTINE] = 600;
	for (;; nth++) {
		enum hf_err err;

		fail_allocation(nth);
		err = bring(r, HF_ROUTINE, false);
		if (!fail_allocation(0))
			break;
		EXPECT("without", err, HF_BUSY);
	}
	cr_assert_geq(nth, 4);
	cr_assert_eq(until_busy(r, HF_ROUTINE), 99, "one was taken");
	rig_free(r);
}

Test(admission, a_claim_gains_its_own_share_and_falls_back)
{
	struct rig *r = rig_new();

	r->limits->desk_acts[HF_ROUTINE] = 600;
	r->limits->desk_acts[HF_URGENT] = 300;
	r->limits->desk_acts[HF_EMERGENCY] = 240;
	cr_assert_eq(until_busy(r, HF_ROUTINE), 100);
	EXPECT("urgent has its own", bring(r, HF_URGENT, false), HF_OK);
	cr_assert_eq(r->as.urgency, HF_URGENT);
	cr_assert_eq(until_busy(r, HF_URGENT), 49);
	cr_assert_eq(until_busy(r, HF_EMERGENCY), 40);
	fed_wait(r->f, 60);
	cr_assert_eq(until_busy(r, HF_EMERGENCY), 190, "through all three");
	EXPECT("nothing is left", bring(r, HF_ROUTINE, false), HF_BUSY);
	EXPECT("another desk", ask_status(r, "jp.ops"), HF_OK);
	rig_free(r);
}

Test(admission, nobody_fills_the_queue_for_urgent_work)
{
	struct rig *r = rig_new();

	r->queue.waiting[HF_ROUTINE] = ROOM / 2 - 1;
	EXPECT("the last place", bring(r, HF_ROUTINE, true), HF_OK);
	r->queue.waiting[HF_ROUTINE]++;
	EXPECT("half is full", bring(r, HF_ROUTINE, true), HF_BUSY);
	EXPECT("urgent", bring(r, HF_URGENT, true), HF_OK);
	r->queue.waiting[HF_URGENT] = ROOM / 4;
	EXPECT("three quarters", bring(r, HF_URGENT, true), HF_BUSY);
	EXPECT("emergency", bring(r, HF_EMERGENCY, true), HF_OK);
	cr_assert_eq(admission_busy(r->jp->engine->admission), 2);
	rig_free(r);
}

Test(admission, reads_have_a_quota_and_what_is_cut_has_none)
{
	struct rig *r = rig_new();
	struct pack p;
	unsigned n = 0;

	r->limits->desk_reads = 600;
	while (n < 1000 && ask_status(r, "jp.ops") == HF_OK)
		n++;
	cr_assert_eq(n, 100);
	cr_assert_geq(retry_after(r), 250);
	pack_init(&p, r->frame, sizeof(r->frame));
	pack_uint(&p, 7);
	EXPECT("no request id: the turn cuts it",
	    admit(r, &p, false, fed_officer(r->f, "jp.ops")->secret), HF_OK);
	p = request(r, HF_OP_STATUS, 0);
	EXPECT("no officer of ours: the same",
	    admit(r, &p, false, fed_officer(r->f, "us.ops")->secret), HF_OK);
	rig_free(r);
}

Test(admission, a_batch_counts_as_its_acts)
{
	static struct signed_act a;
	struct rig *r = rig_new();
	struct node *us = fed_node(r->f, "US");
	struct draft d;
	struct pack p;
	struct wire w;
	unsigned n = 0;

	r->limits->peer_acts[HF_ROUTINE] = 600;
	draft_open(&d, r->f, "us.ncp", HF_KIND_REQUEST, "jp.ncp");
	draft_sign(&d, &a);
	pack_init(&p, r->frame, sizeof(r->frame));
	pack_array(&p, 3);
	pack_uint(&p, HF_LINK_BATCH);
	pack_uint(&p, 1);
	pack_array(&p, 5);
	for (unsigned i = 0; i < 5; i++) {
		pack_array(&p, 2);
		pack_bin(&p, a.frame, a.size);
		pack_bin(&p, "receipt", 7);
	}
	EXPECT("no broker: the turn cuts it",
	    admit(r, &p, true, fed_officer(r->f, "us.ncp")->secret), HF_OK);
	while (n < 1000 && admit(r, &p, true, us->broker) == HF_OK)
		n++;
	cr_assert_eq(n, 20);
	cr_assert_eq(r->as.count, 5);
	wire_init(&w, r->as.answer, r->as.answer_size);
	wire_array(&w, 2, 2);
	cr_assert_eq(wire_uint(&w, 99), HF_LINK_BUSY);
	cr_assert_geq(wire_uint(&w, LINK_BUSY_MAX_MS), 250);
	wire_close(&w);
	cr_assert_eq(wire_finish(&w), HF_OK);
	/* one that is none, and one that claims to be urgent */
	pack_init(&p, r->frame, sizeof(r->frame));
	pack_array(&p, 3);
	pack_uint(&p, HF_LINK_BATCH);
	pack_uint(&p, 1);
	pack_array(&p, 0);
	EXPECT("no act", admit(r, &p, true, us->broker), HF_OK);
	cr_assert_eq(r->as.count, 1);
	d.env.urgency = HF_URGENT;
	draft_sign(&d, &a);
	pack_init(&p, r->frame, sizeof(r->frame));
	pack_array(&p, 3);
	pack_uint(&p, HF_LINK_BATCH);
	pack_uint(&p, 1);
	pack_array(&p, 1);
	pack_array(&p, 2);
	pack_bin(&p, a.frame, a.size);
	pack_bin(&p, "receipt", 7);
	EXPECT("urgent", admit(r, &p, true, us->broker), HF_OK);
	cr_assert_eq(r->as.urgency, HF_URGENT);
	/* of other frames only the number counts */
	pack_init(&p, r->frame, sizeof(r->frame));
	pack_array(&p, 3);
	pack_uint(&p, HF_LINK_PROVE);
	pack_uint(&p, 1);
	pack_uint(&p, 2);
	EXPECT("another frame", admit(r, &p, true, us->broker), HF_OK);
	cr_assert_eq(r->as.count, 1);
	rig_free(r);
}

/* ---- a store that is nearly full ---- */

/** In percent of the room, as room.c sees it. */
static unsigned used_percent(struct node *n)
{
	uint64_t used, room;

	store_usage(n->store, &used, &room);
	cr_assert_gt(room, used);
	return (unsigned)(used / (room / 100));
}

static enum hf_err open_case(struct federation *f, unsigned urgency)
{
	static struct signed_act a;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.env.urgency = urgency;
	return draft_submit(&d, &a, NULL);
}

Test(admission, a_store_that_is_nearly_full_keeps_room_for_what_matters)
{
	struct federation *f = fed_new("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct engine_options *o;
	struct hf_id id, note, opening[2];
	struct draft d;

	jp->map_size = us->map_size = 2u << 20;
	fed_start(f);
	id = fed_request(f);
	o = &jp->engine->options;
	o->routine_percent = used_percent(jp);
	cr_assert_gt(o->routine_percent, 4);
	EXPECT("routine", open_case(f, HF_ROUTINE), HF_NEARLY_FULL);
	EXPECT("urgent", open_case(f, HF_URGENT), HF_OK);
	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.env.urgency = HF_URGENT;
	opening[0] = must_submit(&d);
	draft_next(&d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	note = must_submit(&d);

	o->emergency_percent = o->routine_percent;
	EXPECT("urgent now", open_case(f, HF_URGENT), HF_NEARLY_FULL);
	EXPECT("emergency", open_case(f, HF_EMERGENCY), HF_OK);
	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.env.urgency = HF_EMERGENCY;
	opening[1] = must_submit(&d);
	us->engine->options.emergency_percent = 1;
	turn_begin(us);
	turn_end(us);
	EXPECT("from abroad", fed_carry(jp, us, &note, NULL), HF_BUSY);
	EXPECT(
	    "an urgent opening", fed_carry(jp, us, &opening[0], NULL), HF_BUSY);
	EXPECT("an emergency", fed_carry(jp, us, &opening[1], NULL), HF_OK);
	draft_next(
	    &d, f, "jp.ncp", HF_KIND_WITHDRAW, HF_TRACK_ASKING, &id, NULL);
	must_submit(&d);

	/* a little room lifts no mark, some does */
	o->emergency_percent = used_percent(jp) + 1;
	EXPECT("at the mark", open_case(f, HF_URGENT), HF_NEARLY_FULL);
	o->emergency_percent = o->routine_percent = 100;
	EXPECT("room again", open_case(f, HF_ROUTINE), HF_OK);
	us->engine->options.emergency_percent = 100;
	EXPECT("from abroad again", fed_carry(jp, us, &note, NULL), HF_OK);
	fed_free(f);
}
