/* What is on record of a silence (SPEC 12.7). */
#include "tests/broker/wires.h"

#include <criterion/criterion.h>
#include <string.h>

#define LONG_ENOUGH_MS 8000 /* every deadline of the profile is over */

static struct wires *connected(uint64_t seed)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), seed);

	wires_connect_all(w);
	wires_run(w);
	return w;
}

static struct hf_id ask(struct wires *w)
{
	struct draft d;

	draft_open(&d, w->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	return must_submit(&d);
}

/* The deadlines pass; JP's newest statement about it. */
static struct hf_statement newest(
    struct wires *w, uint8_t buffer[HF_PAYLOAD_MAX])
{
	struct hf_statement s;

	wires_run_for(w, LONG_ENOUGH_MS, 500);
	cr_assert(node_last_statement(
	    fed_node(w->f, "JP"), HF_ENTRY_ABSENT, &s, buffer));
	cr_assert_eq(s.code, HF_DUE_DECIDE);
	cr_assert_eq(s.text.size, 6);
	cr_assert_eq(memcmp(s.text.data, "us.ncp", 6), 0);
	return s;
}

Test(absence, the_link_was_down)
{
	struct wires *w = connected(1);
	uint8_t buffer[HF_PAYLOAD_MAX];
	uint64_t heard = w->f->now.ms;
	struct hf_statement s;

	wires_cut(w, "JP", "US");
	wires_cut(w, "US", "JP");
	fed_wait(w->f, 60);
	ask(w);
	s = newest(w, buffer);
	cr_assert_eq(s.count, HF_SILENT_LINK_DOWN);
	cr_assert_eq(s.time.ms, heard);
	wires_free(w);
}

Test(absence, the_act_was_not_taken_yet)
{
	struct wires *w = connected(2);
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;

	w->drop_type = HF_LINK_BATCH;
	ask(w);
	s = newest(w, buffer);
	cr_assert_eq(s.count, HF_SILENT_QUEUED);
	cr_assert_eq(s.time.ms, 0);
	wires_free(w);
}

Test(absence, that_broker_refused_the_act)
{
	struct wires *w = connected(3);
	uint8_t buffer[HF_PAYLOAD_MAX], frame[64];
	struct hf_statement s;
	struct pack p;
	size_t size;

	w->drop_type = HF_LINK_BATCH;
	ask(w);
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_uint(&p, HF_LINK_ACK);
	pack_uint(&p, 1);
	pack_array(&p, 1);
	pack_array(&p, 2);
	pack_uint(&p, 1);
	pack_uint(&p, HF_REVOKED);
	EXPECT("ack", pack_finish(&p, &size), HF_OK);
	wires_inject(w, "US", "JP", frame, size);
	s = newest(w, buffer);
	cr_assert_eq(s.count, HF_SILENT_REFUSED);
	cr_assert_eq(s.detail.size, 2);
	cr_assert_eq(s.detail.data[0] << 8 | s.detail.data[1], HF_REVOKED);
	wires_free(w);
}

Test(absence, it_was_delivered_and_the_desk_is_silent)
{
	struct wires *w = connected(4);
	uint8_t buffer[HF_PAYLOAD_MAX];

	ask(w);
	wires_run(w);
	cr_assert_eq(newest(w, buffer).count, HF_SILENT);
	wires_free(w);
}

Test(absence, somebody_has_read_it_and_not_decided)
{
	struct wires *w = connected(5);
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_id id = ask(w);
	struct draft d;

	wires_run(w);
	draft_next(
	    &d, w->f, "us.ncp", HF_KIND_ACKNOWLEDGE, HF_TRACK_ASKED, &id, &id);
	d.env.rules_version = 1;
	d.env.rules_profile = hf_profile_by_name("test")->digest;
	draft_has(&d, HF_E_RULES);
	must_submit(&d);
	wires_run(w);
	cr_assert_eq(newest(w, buffer).count, HF_SILENT_UNDECIDED);
	wires_free(w);
}

Test(absence, a_desk_at_home_has_no_link)
{
	struct wires *w = connected(6);
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;
	struct draft d;

	draft_open(&d, w->f, "us.ncp", HF_KIND_ORDER, "us.isp");
	must_submit(&d);
	wires_run_for(w, LONG_ENOUGH_MS, 500);
	cr_assert(node_last_statement(
	    fed_node(w->f, "US"), HF_ENTRY_ABSENT, &s, buffer));
	cr_assert_eq(s.count, HF_SILENT);
	wires_free(w);
}
