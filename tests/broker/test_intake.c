/* What enters, what is refused, what crosses (SPEC 4.3, 5, 12). */
#include "tests/broker/fixture.h"

#include "broker/engine/intake.h"
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <string.h>

/** An order of US to its provider, resting on a case. */
static void draft_order(
    struct draft *d, struct federation *f, const struct hf_id *basis)
{
	draft_open(d, f, "us.ncp", HF_KIND_ORDER, "us.isp");
	if (basis == NULL)
		return;
	d->env.lineage_count = 1;
	d->env.lineage[0].type = HF_DEPENDENT;
	d->env.lineage[0].id = *basis;
	draft_has(d, HF_E_LINEAGE);
}

Test(intake, a_request_crosses_and_both_compute_one_state)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct case_record at_jp, at_us;
	struct hf_id id = fed_request(f), accept;
	struct draft d;

	draft_next(
	    &d, f, "us.ncp", HF_KIND_ACKNOWLEDGE, HF_TRACK_ASKED, &id, &id);
	d.env.rules_version = 1;
	d.env.rules_profile = hf_profile_by_name("test")->digest;
	draft_has(&d, HF_E_RULES);
	accept = must_submit(&d);
	EXPECT("acknowledge", fed_carry(us, jp, &accept, NULL), HF_OK);
	at_jp = node_case(jp, &id);
	cr_assert_eq(at_jp.state, HF_STATE_ACKNOWLEDGED);
	draft_accept(&d, f, "us.ncp", &id, 20);
	accept = must_submit(&d);
	EXPECT("accept", fed_carry(us, jp, &accept, NULL), HF_OK);
	at_jp = node_case(jp, &id);
	at_us = node_case(us, &id);
	cr_assert_eq(at_jp.state, HF_STATE_ACCEPTED);
	cr_assert_eq(at_jp.hold_until.ms, f->now.ms + 20000);
	cr_assert_eq(at_us.state, at_jp.state);
	cr_assert(same_hash(&at_us.state_digest, &at_jp.state_digest));
	cr_assert_str_eq(at_us.ref, at_jp.ref);
	cr_assert_str_eq(at_us.from.s, "jp.ncp");
	cr_assert_eq(case_sides(jp->engine, &at_jp), 1u);
	cr_assert_eq(case_sides(us->engine, &at_us), 2u);
	cr_assert_eq(node_rows(jp, TABLE_BODIES), 3);
	cr_assert_eq(node_rows(us, TABLE_RECEIPTS), 1);
	fed_free(f);
}

Test(intake, a_body_comes_out_of_the_store_as_it_went_in)
{
	static struct signed_act a;
	static uint8_t out[HF_FRAME_MAX];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct case_record c;
	struct draft d;
	size_t size;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.leaf_count = 3;
	EXPECT("submit", draft_submit(&d, &a, NULL), HF_OK);
	c = node_case(jp, &a.id);
	node_look(jp);
	EXPECT("body", case_body_get(jp->engine, &c, &a.id, out, &size), HF_OK);
	cr_assert_eq(size, a.body.size);
	cr_assert_eq(memcmp(out, a.body.data, size), 0);
	EXPECT("frame",
	    case_act_frame(
		jp->engine, &c, jp->size - 1, true, out, sizeof(out), &size),
	    HF_OK);
	cr_assert_eq(size, a.size);
	cr_assert_eq(memcmp(out, a.frame, size), 0);
	node_look_end(jp);
	fed_free(f);
}

Test(intake, a_duplicate_gets_the_first_decision)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct intake_result first, again;
	struct draft d;
	struct hf_id end;
	uint64_t size;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	EXPECT("submit", draft_submit(&d, &a, &first), HF_OK);
	cr_assert_eq(first.flags, HF_SUBMIT_NOT_DELIVERED);
	cr_assert_eq(first.state, HF_STATE_UNACKNOWLEDGED);
	draft_next(
	    &d, f, "jp.ncp", HF_KIND_WITHDRAW, HF_TRACK_ASKING, &a.id, NULL);
	end = must_submit(&d);
	size = jp->size;
	/* an hour later its created would be refused and its term is over */
	fed_wait(f, 1);
	EXPECT("again", fed_submit(jp, &jp->officers[NCP], &a, nothing, &again),
	    HF_OK);
	cr_assert_eq(again.index, first.index);
	cr_assert_eq(again.state, first.state, "as it was, not as it is");
	cr_assert_eq(again.flags, first.flags | HF_SUBMIT_DUPLICATE);
	cr_assert_eq(jp->size, size, "nothing was ledgered");
	/* another officer may not have another's act decided again */
	EXPECT("of another",
	    fed_submit(jp, &jp->officers[CA], &a, nothing, &again),
	    HF_GENERATION);

	EXPECT("carry", fed_carry(jp, us, &a.id, &first), HF_OK);
	size = us->size;
	EXPECT("carry again", fed_carry(jp, us, &a.id, &again), HF_OK);
	cr_assert_eq(again.index, first.index);
	cr_assert_eq(again.flags, HF_SUBMIT_DUPLICATE);
	cr_assert_eq(us->size, size);
	EXPECT("withdraw", fed_carry(jp, us, &end, NULL), HF_OK);
	cr_assert_eq(node_case(us, &a.id).state, HF_STATE_WITHDRAWN);
	fed_free(f);
}

/* ---- refusals at home ---- */

enum spoil {
	OLD_CREATED,
	FUTURE_CREATED,
	LATE_NOT_AFTER,
	FAR_NOT_AFTER,
	UNKNOWN_COUNTRY,
	UNKNOWN_DESK,
	TO_PROVIDER_ABROAD,
	ORDER_ABROAD,
	ORDER_TO_AUDITOR,
	FUTURE_ROSTER,
	BAD_SIGNATURE,
	BAD_RULES,
	FROM_ABROAD,
	FROM_OTHER_DESK,
	FROM_PROVIDER,
	FROM_AUDITOR,
	FROM_OPERATOR,
	SPOIL_COUNT
};

static const struct {
	const char *what, *author;
	enum hf_err err;
} spoils[SPOIL_COUNT] = {
    [OLD_CREATED] = {"created six minutes ago", "jp.ncp", HF_CLOCK_SKEW},
    [FUTURE_CREATED] = {"created in six minutes", "jp.ncp", HF_CLOCK_SKEW},
    [LATE_NOT_AFTER] = {"not after a second ago", "jp.ncp", HF_LAPSED},
    [FAR_NOT_AFTER] = {"not after a day from now", "jp.ncp", HF_TERM},
    [UNKNOWN_COUNTRY] = {"to a stranger", "jp.ncp", HF_UNKNOWN_COUNTRY},
    [UNKNOWN_DESK] = {"to no desk", "jp.ncp", HF_UNKNOWN_DESK},
    [TO_PROVIDER_ABROAD] = {"to an auditor abroad", "jp.ncp", HF_WRONG_DESK},
    [ORDER_ABROAD] = {"an order abroad", "jp.ncp", HF_WRONG_COUNTRY},
    [ORDER_TO_AUDITOR] = {"an order to an auditor", "jp.ncp", HF_WRONG_DESK},
    [FUTURE_ROSTER] = {"of a document to come", "jp.ncp", HF_RANGE},
    [BAD_SIGNATURE] = {"a broken signature", "jp.ncp", HF_SIGNATURE},
    [BAD_RULES] = {"rules that nobody knows", "jp.ncp", HF_NOT_SUPPORTED},
    [FROM_ABROAD] = {"from a desk abroad", "jp.ncp", HF_WRONG_COUNTRY},
    [FROM_OTHER_DESK] = {"from another desk", "jp.ncp", HF_WRONG_DESK},
    [FROM_PROVIDER] = {"by a provider", "jp.isp", HF_WRONG_DESK},
    [FROM_AUDITOR] = {"by an auditor", "jp.aud", HF_ROLE},
    [FROM_OPERATOR] = {"by an operator", "jp.ops", HF_ROLE},
};

static void spoil(struct draft *d, enum spoil how)
{
	switch (how) {
	case OLD_CREATED:
		d->created.ms -= 360000;
		break;
	case FUTURE_CREATED:
		d->created.ms += 360000;
		break;
	case LATE_NOT_AFTER:
		d->env.not_after.ms = d->created.ms - 1000;
		break;
	case FAR_NOT_AFTER:
		d->env.not_after.ms = d->created.ms + 86400000;
		break;
	case UNKNOWN_COUNTRY:
		desk_set(&d->env.to, "de.ncp");
		break;
	case UNKNOWN_DESK:
		desk_set(&d->env.to, "us.nobody");
		break;
	case TO_PROVIDER_ABROAD:
		desk_set(&d->env.to, "us.aud");
		break;
	case ORDER_ABROAD:
		d->kind = HF_KIND_ORDER;
		break;
	case ORDER_TO_AUDITOR:
		d->kind = HF_KIND_ORDER;
		desk_set(&d->env.to, "jp.aud");
		break;
	case FUTURE_ROSTER:
		d->env.roster++;
		break;
	case BAD_SIGNATURE:
		d->break_signature = true;
		break;
	case BAD_RULES:
		d->env.rules_profile.b[0] ^= 1;
		break;
	case FROM_ABROAD:
		desk_set(&d->env.from, "us.ncp");
		break;
	case FROM_OTHER_DESK:
		desk_set(&d->env.from, "jp.ca");
		break;
	case FROM_PROVIDER:
	case FROM_AUDITOR:
	case FROM_OPERATOR:
	case SPOIL_COUNT:
		break;
	}
}

Test(intake, home_refuses_an_opening_that_must_not_go_out)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct intake_result result;

	for (enum spoil i = 0; i < SPOIL_COUNT; i++) {
		uint64_t size = jp->size;
		struct draft d;

		draft_open(&d, f, spoils[i].author, HF_KIND_REQUEST, "us.ncp");
		spoil(&d, i);
		EXPECT(spoils[i].what, draft_submit(&d, &a, &result),
		    spoils[i].err);
		cr_assert_neq(result.clause, 0, "%s", spoils[i].what);
		cr_assert_eq(jp->size, size, "%s", spoils[i].what);
		cr_assert_eq(node_rows(jp, TABLE_CASES), 0);
	}
	memset(a.frame, 0xff, sizeof(a.frame));
	cr_assert_neq(
	    fed_submit(jp, &jp->officers[NCP], &a, nothing, &result), HF_OK);
	fed_free(f);
}

Test(intake, home_refuses_what_the_case_does_not_allow)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id id = fed_request(f), withdraw;
	struct draft d, stale;

	/* not this case's desk, nor this track's */
	draft_next(
	    &d, f, "jp.ca", HF_KIND_WITHDRAW, HF_TRACK_ASKING, &id, NULL);
	EXPECT("other desk", draft_submit(&d, &a, NULL), HF_WRONG_DESK);
	draft_next(
	    &d, f, "us.ncp", HF_KIND_WITHDRAW, HF_TRACK_ASKING, &id, NULL);
	EXPECT("other track", draft_submit(&d, &a, NULL), HF_WRONG_DESK);
	/* a term that the profile forbids; a kind the phase forbids */
	draft_accept(&d, f, "us.ncp", &id, 20);
	d.env.term_until.ms = f->now.ms + 61000;
	EXPECT("long term", draft_submit(&d, &a, NULL), HF_TERM);
	draft_accept(&d, f, "us.ncp", &id, 20);
	d.env.categories = HF_TRAFFIC | HF_CONTENT;
	EXPECT("more than asked", draft_submit(&d, &a, NULL), HF_NOT_ALLOWED);
	draft_next(&d, f, "us.ncp", HF_KIND_END, HF_TRACK_ASKED, &id, &id);
	d.env.reason = 1;
	draft_has(&d, HF_E_REASON);
	EXPECT("end of nothing", draft_submit(&d, &a, NULL), HF_NOT_ALLOWED);
	/* out of order */
	draft_accept(&d, f, "us.ncp", &id, 20);
	d.env.gen = 2;
	d.env.prev = d.env.seen;
	draft_has(&d, HF_E_PREV);
	EXPECT("a gap", draft_submit(&d, &a, NULL), HF_PAST_MISSING);
	draft_accept(&d, f, "us.ncp", &id, 20);
	d.env.seen.b[0] ^= 1;
	EXPECT("another past", draft_submit(&d, &a, NULL), HF_CHAIN);
	draft_accept(&d, f, "us.ncp", &id, 20);
	d.env.case_id.b[9] ^= 1;
	EXPECT("no such case", draft_submit(&d, &a, NULL), HF_UNKNOWN_CASE);

	/* not the newest of the other side; then not the newest of our own */
	draft_accept(&stale, f, "us.ncp", &id, 20);
	draft_next(
	    &d, f, "jp.ncp", HF_KIND_WITHDRAW, HF_TRACK_ASKING, &id, NULL);
	withdraw = must_submit(&d);
	EXPECT(
	    "carry", fed_carry(fed_node(f, "JP"), us, &withdraw, NULL), HF_OK);
	EXPECT("stale", draft_submit(&stale, &a, NULL), HF_STALE);
	draft_next(&d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
	stale = d;
	must_submit(&d);
	hf_random(stale.env.salt, sizeof(stale.env.salt));
	EXPECT("old gen", draft_submit(&stale, &a, NULL), HF_GENERATION);
	fed_free(f);
}

Test(intake, not_after_is_judged_at_entry)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct hf_id id = fed_request(f);
	struct draft d;

	fed_node(f, "US")->clock_certain = false; /* so nothing lapses */
	fed_wait(f, 11);
	draft_accept(&d, f, "us.ncp", &id, 20);
	EXPECT("accept after the end", draft_submit(&d, &a, NULL), HF_LAPSED);
	fed_free(f);
}

Test(intake, a_revoked_officer_delivers_nothing_a_second_later)
{
	static struct signed_act a;
	struct country_entry entry = {.type = ENTRY_REVOCATION};
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct intake_result result;
	struct hf_id before;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	before = must_submit(&d);
	entry.u.revocation.key = jp->officers[NCP].sign;
	entry.u.revocation.since = f->now;
	fed_wait(f, 1);
	entry.u.revocation.revoked = f->now;
	entry.u.revocation.reason = 1;
	fed_entry(jp, &entry);
	fed_publish(jp);
	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	EXPECT("revoked", draft_submit(&d, &a, &result), HF_REVOKED);
	/* what entered before is disputed, not refused */
	EXPECT(
	    "before", fed_carry(jp, fed_node(f, "US"), &before, NULL), HF_OK);
	/* an expired key */
	draft_open(&d, f, "jp.ca", HF_KIND_REQUEST, "us.ncp");
	fed_wait(f, UINT64_C(366) * 86400);
	d.created = f->now;
	d.env.not_after.ms = f->now.ms + 5000;
	EXPECT("expired", draft_submit(&d, &a, &result), HF_EXPIRED_KEY);
	fed_free(f);
}

Test(intake, approvals_and_quotas_are_kept)
{
	static struct signed_act a;
	struct country_entry entry = {.type = ENTRY_APPROVAL};
	struct federation *f = fed_new("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct draft d;

	entry.u.approval.kind = HF_KIND_REQUEST;
	entry.u.approval.measure = HF_PRESERVATION;
	entry.u.approval.needed = 2;
	jp->quota = 6;
	fed_start(f);
	fed_entry(jp, &entry);
	fed_publish(jp);
	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	EXPECT("one of two", draft_submit(&d, &a, NULL), HF_APPROVALS);
	d.cosigner = fed_officer(f, "jp.aud");
	EXPECT("an auditor", draft_submit(&d, &a, NULL), HF_ROLE);
	d.cosigner = fed_officer(f, "us.ncp");
	EXPECT("a stranger", draft_submit(&d, &a, NULL), HF_UNKNOWN_OFFICER);
	d.cosigner = fed_officer(f, "jp.ca");
	EXPECT("two", draft_submit(&d, &a, NULL), HF_OK);
	hf_random(d.env.salt, sizeof(d.env.salt));
	EXPECT("five", draft_submit(&d, &a, NULL), HF_OK);
	hf_random(d.env.salt, sizeof(d.env.salt));
	EXPECT("six", draft_submit(&d, &a, NULL), HF_OK);
	hf_random(d.env.salt, sizeof(d.env.salt));
	EXPECT("seven", draft_submit(&d, &a, NULL), HF_BUSY);
	fed_wait(f, 60);
	d.created = f->now;
	d.env.not_after.ms = f->now.ms + 5000;
	EXPECT("a minute later", draft_submit(&d, &a, NULL), HF_OK);
	fed_free(f);
}

Test(intake, a_refusal_on_a_strange_ground_is_delivered_and_flagged)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct intake_result result;
	struct hf_id id = fed_request(f);
	struct draft d;

	draft_next(&d, f, "us.ncp", HF_KIND_DECLINE, HF_TRACK_ASKED, &id, &id);
	d.env.reason = 200;
	draft_has(&d, HF_E_REASON);
	EXPECT("decline", draft_submit(&d, &a, &result), HF_OK);
	cr_assert_eq(
	    result.flags, HF_SUBMIT_OUTSIDE_PROFILE | HF_SUBMIT_NOT_DELIVERED);
	EXPECT("carry", fed_carry(us, jp, &a.id, &result), HF_OK);
	cr_assert_eq(result.flags, HF_SUBMIT_OUTSIDE_PROFILE);
	cr_assert_eq(node_case(jp, &id).state, HF_STATE_DECLINED);
	cr_assert(node_case(jp, &id).outside_profile);
	fed_free(f);
}

Test(intake, a_reference_is_given_once)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	char ref[HF_REF_MAX];
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &a);
	hf_ref(ref, jp->country, d.created, &a.digest);
	turn_begin(jp);
	EXPECT("taken", case_ref_add(jp->engine, ref, &a.id), HF_OK);
	turn_end(jp);
	EXPECT("the same", fed_submit(jp, d.author, &a, nothing, NULL),
	    HF_REF_TAKEN);
	hf_random(d.env.salt, sizeof(d.env.salt));
	EXPECT("fresh salts", draft_submit(&d, &a, NULL), HF_OK);
	fed_free(f);
}

Test(intake, an_act_brings_a_body_that_its_reader_can_open)
{
	static struct signed_act a;
	static uint8_t frame[HF_ACT_MAX];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct intake_result result;
	const struct officer_entry *who;
	struct hf_act act;
	struct draft d;
	size_t size;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &a);
	EXPECT("decode", hf_act_decode(&act, a.frame, a.size), HF_OK);
	EXPECT("skeleton",
	    hf_act_encode(act.core_bytes, act.envelope_bytes, act.sigs_bytes,
		nothing, frame, sizeof(frame), &size),
	    HF_OK);
	turn_begin(jp);
	who = roster_officer(engine_roster(jp->engine),
	    hf_desk_country(&d.author->desk), &d.author->sign);
	cr_assert_neq(intake_own(jp->engine, who, bytes_of(frame, size),
			  nothing, &result),
	    HF_OK);
	turn_end(jp);
	d.sealed_to = "us.ca";
	EXPECT("to another", draft_submit(&d, &a, NULL), HF_SHAPE);
	d.sealed_to = NULL;
	EXPECT("to its desk", draft_submit(&d, &a, NULL), HF_OK);
	fed_free(f);
}

/* ---- cites and orders ---- */

/** An order resting on `request`, citing `leaf` of the act `cited`. */
static enum hf_err order_citing(struct federation *f,
    const struct hf_id *request_id, const struct hf_id *cited, uint8_t leaf)
{
	static struct signed_act a;
	struct draft d;

	draft_order(&d, f, request_id);
	d.env.cite_count = 1;
	d.env.cites[0].act = *cited;
	d.env.cites[0].leaves = bytes_of(&leaf, 1);
	draft_has(&d, HF_E_CITES);
	return draft_submit(&d, &a, NULL);
}

Test(intake, cites_need_a_policy_that_covers_the_reader)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct hf_id id, other;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.leaf_count = 4;
	d.policy[0] = HF_SHARE_PROVIDERS;
	d.policy[1] = HF_SHARE_REQUESTER | HF_SHARE_THIRD;
	d.policy[2] = 0;
	d.policy[3] = HF_SHARE_PARTY;
	id = must_submit(&d);
	EXPECT("carry",
	    fed_carry(fed_node(f, "JP"), fed_node(f, "US"), &id, NULL), HF_OK);
	EXPECT("for providers", order_citing(f, &id, &id, 0), HF_OK);
	EXPECT("for the requester", order_citing(f, &id, &id, 1), HF_CITE);
	EXPECT("for nobody", order_citing(f, &id, &id, 2), HF_CITE);
	EXPECT("for parties", order_citing(f, &id, &id, 3), HF_CITE);
	EXPECT("no such leaf", order_citing(f, &id, &id, 4), HF_CITE);
	other = id;
	other.b[20] ^= 1;
	EXPECT("no such act", order_citing(f, &id, &other, 0), HF_UNKNOWN_ACT);

	/* its author forbids sharing, for good or until then */
	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.leaf_count = 1;
	d.policy[0] = HF_SHARE_PROVIDERS;
	d.env.flag_count = 1;
	d.env.flags[0].flag = HF_FLAG_NO_ONWARD;
	d.env.flags[0].strength = HF_BINDING;
	d.env.flags[0].until.ms = f->now.ms + 1000;
	draft_has(&d, HF_E_FLAGS);
	other = must_submit(&d);
	EXPECT("carry",
	    fed_carry(fed_node(f, "JP"), fed_node(f, "US"), &other, NULL),
	    HF_OK);
	EXPECT("forbidden", order_citing(f, &id, &other, 0), HF_ONWARD);
	fed_wait(f, 1);
	EXPECT("no longer", order_citing(f, &id, &other, 0), HF_OK);
	fed_free(f);
}

/* Parties of a case read what is for parties, whichever side shows it; what is
 * for providers is for those of the own country. */
Test(intake, what_is_shown_to_the_other_party_is_for_it)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	uint8_t leaf[2] = {0, 1};
	struct hf_id id;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.leaf_count = 2;
	d.policy[0] = HF_SHARE_PARTY;
	d.policy[1] = HF_SHARE_PROVIDERS;
	id = must_submit(&d);
	for (unsigned what = 0; what < 3; what++) {
		/* a desk like others; a provider; one that is gone */
		for (unsigned i = 0; what > 0 && i < us->entry_count; i++) {
			struct country_entry *e = &us->entries[i];

			if (what == 1 && e->type == ENTRY_DESK &&
			    strcmp(e->u.desk.desk.s, "us.ncp") == 0)
				e->u.desk.type = DESK_PROVIDER;
			if (what == 2 &&
			    ((e->type == ENTRY_DESK &&
				 strcmp(e->u.desk.desk.s, "us.ncp") == 0) ||
				(e->type == ENTRY_OFFICER &&
				    strcmp(e->u.officer.desk.s, "us.ncp") ==
					0)))
				us->entries[i--] =
				    us->entries[--us->entry_count];
		}
		if (what > 0)
			fed_publish(us);
		for (unsigned i = 0; i < 2; i++) {
			static struct signed_act a;

			draft_next(&d, f, "jp.ncp", HF_KIND_NOTE,
			    HF_TRACK_ASKING, &id, NULL);
			d.env.cite_count = 1;
			d.env.cites[0].act = id;
			d.env.cites[0].leaves = bytes_of(&leaf[i], 1);
			draft_has(&d, HF_E_CITES);
			EXPECT("cite", draft_submit(&d, &a, NULL),
			    i == 0 ? HF_OK : HF_CITE);
		}
	}
	fed_free(f);
}

/* An ask may wait as long as the profile says, also where a hold may not last
 * that long. */
Test(intake, an_ask_may_wait_longer_than_a_term)
{
	static struct signed_act a;
	uint8_t bytes[HF_PROFILE_MAX];
	struct federation *f = fed_new("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_profile p = *hf_profile_by_name("test");
	struct draft d;
	size_t size;

	p.ask_s = 600;
	cr_assert_gt(p.ask_s, p.term_max_s);
	EXPECT("encode", hf_profile_encode(&p, bytes, sizeof(bytes), &size),
	    HF_OK);
	EXPECT("decode", hf_profile_decode(&p, bytes, size), HF_OK);
	for (unsigned i = 0; i < jp->entry_count; i++)
		if (jp->entries[i].type == ENTRY_PROFILE)
			jp->entries[i].u.profile = p;
	fed_build(jp);
	fed_start(f);
	for (unsigned late = 0; late < 2; late++) {
		draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
		d.env.rules_profile = p.digest;
		d.env.not_after.ms = f->now.ms + 600000 + late * 600000;
		EXPECT(
		    "ask", draft_submit(&d, &a, NULL), late ? HF_TERM : HF_OK);
	}
	fed_free(f);
}

Test(intake, an_order_that_masks_names_and_cites_nothing)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	uint8_t opening[HF_SALT_SIZE + HF_ID_SIZE] = {7}, leaf = 0;
	struct hf_id id = fed_request(f);
	struct hf_hash commitment;
	struct draft d;

	draft_order(&d, f, &id);
	d.env.flag_count = 1;
	d.env.flags[0].flag = HF_FLAG_MASK_REQUESTER;
	d.env.flags[0].strength = HF_BINDING;
	draft_has(&d, HF_E_FLAGS);
	EXPECT("open lineage", draft_submit(&d, &a, NULL), HF_MASKED);
	memcpy(opening + HF_SALT_SIZE, id.b, sizeof(id.b));
	commitment = hf_hash(HF_TAG_LINEAGE, opening, sizeof(opening));
	d.env.lineage[0].type = HF_COMMITMENT;
	memcpy(d.env.lineage[0].id.b, commitment.b, sizeof(commitment.b));
	d.env.cite_count = 1;
	d.env.cites[0].act = id;
	d.env.cites[0].leaves = bytes_of(&leaf, 1);
	draft_has(&d, HF_E_CITES);
	EXPECT("a cite", draft_submit(&d, &a, NULL), HF_MASKED);
	d.env.cite_count = 0;
	d.env.present &= ~(UINT64_C(1) << HF_E_CITES);
	draft_sign(&d, &a);
	opening[0] ^= 1;
	EXPECT("another opening",
	    fed_submit(
		us, d.author, &a, bytes_of(opening, sizeof(opening)), NULL),
	    HF_PROOF);
	opening[0] ^= 1;
	EXPECT("masked",
	    fed_submit(
		us, d.author, &a, bytes_of(opening, sizeof(opening)), NULL),
	    HF_OK);
	cr_assert_eq(node_case(us, &a.id).basis_count, 1);
	cr_assert_eq(node_rows(us, TABLE_DEPENDS), 1);
	fed_free(f);
}

Test(intake, an_order_rests_on_a_live_case_of_its_desk)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct hf_id id = fed_request(f), withdraw;
	struct draft d;

	draft_order(&d, f, &id);
	d.env.lineage[0].id.b[3] ^= 1;
	EXPECT("no such case", draft_submit(&d, &a, NULL), HF_UNKNOWN_CASE);
	draft_order(&d, f, &id);
	d.author = fed_officer(f, "us.ca");
	d.env.from = d.author->desk;
	EXPECT("another's case", draft_submit(&d, &a, NULL), HF_WRONG_DESK);
	draft_next(
	    &d, f, "jp.ncp", HF_KIND_WITHDRAW, HF_TRACK_ASKING, &id, NULL);
	withdraw = must_submit(&d);
	EXPECT("carry",
	    fed_carry(fed_node(f, "JP"), fed_node(f, "US"), &withdraw, NULL),
	    HF_OK);
	draft_order(&d, f, &id);
	EXPECT("a dead case", draft_submit(&d, &a, NULL), HF_NOT_ALLOWED);
	fed_free(f);
}

/* ---- inner tracks and reading ---- */

static enum case_access access_of(
    struct node *n, const struct hf_id *id, const struct officer *who)
{
	struct case_record c = node_case(n, id);
	enum case_access access;

	node_look(n);
	access = case_access(n->engine, &c,
	    roster_officer(engine_roster(n->engine),
		hf_desk_country(&who->desk), &who->sign));
	node_look_end(n);
	return access;
}

Test(intake, inner_acts_stay_inside_and_open_doors)
{
	static struct signed_act a;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_id id = fed_request(f), order;
	unsigned outbox = node_rows(us, TABLE_OUTBOX);
	struct draft d;

	draft_order(&d, f, &id);
	order = must_submit(&d);
	cr_assert_eq(access_of(us, &id, &us->officers[NCP]), ACCESS_FULL);
	cr_assert_eq(access_of(us, &id, &us->officers[ISP]), ACCESS_NONE);
	cr_assert_eq(access_of(us, &id, &us->officers[CA]), ACCESS_NONE);
	cr_assert_eq(access_of(us, &id, &us->officers[AUD]), ACCESS_SKELETON);
	cr_assert_eq(access_of(us, &order, &us->officers[ISP]), ACCESS_FULL);
	cr_assert_eq(access_of(us, &order, &us->officers[ISP2]), ACCESS_NONE);

	draft_next(
	    &d, f, "us.ncp", HF_KIND_GRANT, HF_TRACK_INNER_ASKED, &id, NULL);
	desk_set(&d.env.to, "us.ca");
	must_submit(&d);
	cr_assert_eq(access_of(us, &id, &us->officers[CA]), ACCESS_FULL);
	draft_next(
	    &d, f, "us.ca", HF_KIND_ASSIGN, HF_TRACK_INNER_ASKED, &id, NULL);
	d.env.assignee = us->officers[CA].sign;
	draft_has(&d, HF_E_ASSIGNEE);
	must_submit(&d);
	cr_assert(
	    same_key(&node_case(us, &id).assignees[1], &us->officers[CA].sign));
	cr_assert_eq(node_case(us, &id).gens[HF_TRACK_INNER_ASKED], 2);
	cr_assert_eq(node_rows(us, TABLE_OUTBOX), outbox);

	draft_next(
	    &d, f, "us.isp", HF_KIND_NOTE, HF_TRACK_INNER_ASKED, &id, NULL);
	EXPECT("a stranger", draft_submit(&d, &a, NULL), HF_WRONG_DESK);
	draft_next(
	    &d, f, "us.isp", HF_KIND_NOTE, HF_TRACK_INNER_ASKING, &order, NULL);
	EXPECT("the other party", draft_submit(&d, &a, NULL), HF_WRONG_DESK);
	draft_next(
	    &d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKING, &id, NULL);
	EXPECT("the other side", draft_submit(&d, &a, NULL), HF_WRONG_COUNTRY);
	draft_next(&d, f, "us.ncp", HF_KIND_LEGAL_HOLD, HF_TRACK_INNER_ASKED,
	    &id, NULL);
	d.env.choice = 1;
	draft_has(&d, HF_E_CHOICE);
	EXPECT("no operator", draft_submit(&d, &a, NULL), HF_ROLE);
	draft_next(
	    &d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKED, &id, NULL);
	d.env.prev.b[0] ^= 1;
	EXPECT("another past", draft_submit(&d, &a, NULL), HF_CHAIN);
	fed_free(f);
}
