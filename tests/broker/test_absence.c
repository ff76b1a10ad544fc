/* What is on record of a silence (SPEC 12.7). */
#include "tests/broker/wires.h"

#include "broker/engine/link.h"

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

/* ---- countersigned ---- */

#define ABSENT_MAX 8u

/** The absences in a ledger. */
struct absences {
	unsigned count;
	uint64_t index[ABSENT_MAX];
	struct hf_ledger_leaf leaf[ABSENT_MAX];
};

static struct absences absences_of(struct node *n)
{
	struct absences a = {.count = 0};
	struct hf_ledger_leaf leaf;

	node_look(n);
	for (uint64_t i = 0; i < n->size && a.count < ABSENT_MAX; i++) {
		EXPECT("leaf", ledger_leaf(n->engine, i, &leaf), HF_OK);
		if (leaf.type != HF_ENTRY_ABSENT)
			continue;
		a.index[a.count] = i;
		a.leaf[a.count++] = leaf;
	}
	node_look_end(n);
	return a;
}

/* JP asks while nobody reaches US; then somebody does. */
static struct wires *late(uint64_t seed, unsigned twice)
{
	struct wires *w = connected(seed);

	w->twice = twice;
	wires_cut(w, "JP", "US");
	wires_cut(w, "US", "JP");
	ask(w);
	wires_run_for(w, LONG_ENOUGH_MS, 500);
	wires_connect_all(w);
	wires_run_for(w, 4000, 500);
	return w;
}

/* What US gave for it; size 0: nothing. */
static size_t countersigned(struct node *jp, const struct hf_ledger_leaf *leaf,
    uint8_t out[HF_RECEIPT_MAX])
{
	const struct hf_country us = {"US"};
	struct hf_bytes row = nothing;
	struct row_key k;
	enum hf_err err;

	absence_row(&k, leaf, &us);
	node_look(jp);
	err = txn_get(jp->txn, TABLE_RECEIPTS, row_bytes(&k), &row);
	cr_assert(err == HF_OK || err == HF_NOTFOUND);
	cr_assert_leq(row.size, HF_RECEIPT_MAX);
	if (err == HF_OK)
		memcpy(out, row.data, row.size);
	node_look_end(jp);
	return err == HF_OK ? row.size : 0;
}

static void expect_countersigned(struct wires *w, unsigned silence)
{
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct absences a = absences_of(jp);
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;

	cr_assert_geq(a.count, 2, "acknowledge and decide");
	cr_assert_eq(node_statements(us, HF_ENTRY_COUNTERSIGNED, &a.leaf[0].id),
	    a.count, "each once");
	cr_assert(node_last_statement(us, HF_ENTRY_COUNTERSIGNED, &s, buffer));
	cr_assert_eq(s.code, HF_DUE_DECIDE);
	cr_assert_eq(s.count, silence);
	cr_assert_eq(s.time.ms, a.leaf[a.count - 1].entered.ms);
	cr_assert_eq(s.text.size, 2);
	cr_assert_eq(memcmp(s.text.data, "JP", 2), 0);
	cr_assert_eq(s.detail.size, HF_HASH_SIZE);
	cr_assert_eq(
	    memcmp(s.detail.data, a.leaf[a.count - 1].core.b, HF_HASH_SIZE), 0);
	for (unsigned i = 0; i < a.count; i++) {
		struct hf_key key = secret_sign_key(us->broker);
		uint8_t bytes[HF_RECEIPT_MAX];
		struct hf_receipt r;
		uint64_t size;

		EXPECT("receipt",
		    hf_receipt_decode(
			&r, bytes, countersigned(jp, &a.leaf[i], bytes)),
		    HF_OK);
		EXPECT("of US",
		    hf_receipt_verify(&r, "holdfast/US/1", &key, &size), HF_OK);
		cr_assert_eq(r.leaf.type, HF_ENTRY_COUNTERSIGNED);
	}
	cr_assert_eq(wires_waiting(w, "JP"), 0);
}

Test(absence, who_was_late_countersigns_once_he_is_reached)
{
	struct wires *w = late(7, 0);

	expect_countersigned(w, HF_SILENT_LINK_DOWN);
	wires_free(w);
}

Test(absence, it_is_countersigned_once_however_often_it_comes)
{
	struct wires *w = late(8, 1000);

	expect_countersigned(w, HF_SILENT_LINK_DOWN);
	wires_free(w);
}

Test(absence, a_countersignature_of_another_absence_is_refused)
{
	struct wires *w = late(9, 0);
	struct node *jp = fed_node(w->f, "JP");
	struct absences a = absences_of(jp);
	uint8_t bytes[HF_RECEIPT_MAX];
	size_t size = countersigned(jp, &a.leaf[1], bytes);
	const struct peer *us;
	enum hf_err err;

	turn_begin(jp);
	us = link_find(jp->engine, fed_node(w->f, "US")->country);
	err = link_countersigned(jp->engine, us,
	    &(struct outbox_row){.index = a.index[0]}, bytes_of(bytes, size));
	cr_assert_eq(err, HF_RECEIPT);
	err = link_countersigned(jp->engine, us,
	    &(struct outbox_row){.index = a.index[1]}, bytes_of(bytes, size));
	cr_assert_eq(err, HF_OK);
	turn_end(jp);
	wires_free(w);
}

/* A statement frame of JP to US with this text about the case; HF_OK taken,
 * else the code of the refusal. */
static enum hf_err tell_us(
    struct wires *w, const struct hf_id *id, unsigned type, const char *text)
{
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_statement s = {.type = type,
	    .subject = *id,
	    .code = HF_DUE_DECIDE,
	    .text = bytes_of(text, strlen(text))};
	unsigned before = node_statements(us, HF_ENTRY_COUNTERSIGNED, NULL);
	uint64_t index;

	turn_begin(jp);
	EXPECT("state", ledger_add_statement(jp->engine, &s, &index), HF_OK);
	EXPECT(
	    "tell", link_tell_statement(jp->engine, us->country, index), HF_OK);
	turn_end(jp);
	wires_run_for(w, 2000, 500);
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	return node_statements(us, HF_ENTRY_COUNTERSIGNED, NULL) == before + 1
		   ? HF_OK
		   : HF_RECEIPT;
}

Test(absence, what_is_no_absence_of_ours_is_not_countersigned)
{
	struct wires *w = connected(10);
	struct hf_id id = ask(w), none = {{1}};

	wires_run(w);
	cr_assert_eq(tell_us(w, &id, HF_ENTRY_PENDING, "us.ncp"), HF_RECEIPT);
	cr_assert_eq(tell_us(w, &id, HF_ENTRY_ABSENT, "us.isp"), HF_RECEIPT);
	cr_assert_eq(tell_us(w, &id, HF_ENTRY_ABSENT, "jp.ncp"), HF_RECEIPT);
	cr_assert_eq(tell_us(w, &none, HF_ENTRY_ABSENT, "us.ncp"), HF_RECEIPT);
	cr_assert_eq(tell_us(w, &id, HF_ENTRY_ABSENT, "us.ncp"), HF_OK);
	wires_free(w);
}

/* Two extensions asked for, and two equal silences about them. */
Test(absence, one_silence_like_another_is_countersigned_too)
{
	struct wires *w = connected(11);
	struct hf_id id = ask(w);
	struct draft d;

	wires_run(w);
	draft_accept(&d, w->f, "us.ncp", &id, 50);
	must_submit(&d);
	wires_run(w);
	for (unsigned i = 0; i < 2; i++) {
		draft_next(&d, w->f, "jp.ncp", HF_KIND_EXTEND, HF_TRACK_ASKING,
		    &id, &id);
		d.env.present |= hf_kind_info(HF_KIND_EXTEND)->must;
		d.env.not_after.ms = w->f->now.ms + 8000;
		d.env.term_from = w->f->now;
		d.env.term_until.ms = w->f->now.ms + 60000;
		must_submit(&d);
		wires_run_for(w, 9000, 500);
	}
	wires_run_for(w, 4000, 500);
	cr_assert_eq(wires_waiting(w, "JP"), 0);
	expect_countersigned(w, HF_SILENT);
	wires_free(w);
}
