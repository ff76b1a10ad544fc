/* Who may send what to whom, and what may be shown on (SPEC 4.3, 5.12,
 * 12.1, 12.10): what home refuses, and what a peer's broker cannot force. */
#include "tests/broker/fixture.h"

#include "broker/engine/intake.h"
#include "proto/crypto.h"
#include "proto/leaf.h"

#include <criterion/criterion.h>
#include <string.h>

static enum hf_err submit(struct draft *d, unsigned *clause)
{
	static struct signed_act a;
	struct intake_result result = {.id = {{0}}};
	enum hf_err err = draft_submit(d, &a, &result);

	*clause = result.clause;
	return err;
}

static enum hf_err try(struct draft *d)
{
	unsigned clause;

	return submit(d, &clause);
}

static void rest_on(struct draft *d, const struct hf_id *basis)
{
	d->env.lineage[d->env.lineage_count].type = HF_DEPENDENT;
	d->env.lineage[d->env.lineage_count++].id = *basis;
	draft_has(d, HF_E_LINEAGE);
}

static struct hf_id order(
    struct federation *f, const char *from, const char *to)
{
	struct draft d;

	draft_open(&d, f, from, HF_KIND_ORDER, to);
	return must_submit(&d);
}

/* ---- openings ---- */

Test(rules, an_opening_goes_to_whom_it_may)
{
	static const struct {
		const char *from, *to;
		unsigned kind;
		enum hf_err code;
	} tries[] = {
	    {"jp.ncp", "us.ncp", HF_KIND_REQUEST, HF_OK},
	    {"jp.ca", "us.ncp", HF_KIND_REQUEST, HF_OK},
	    {"jp.isp", "us.ncp", HF_KIND_REQUEST, HF_WRONG_DESK},
	    {"jp.ncp", "us.ca", HF_KIND_REQUEST, HF_WRONG_DESK},
	    /* providers are not in the document that others get */
	    {"jp.ncp", "us.isp", HF_KIND_REQUEST, HF_UNKNOWN_DESK},
	    {"jp.ncp", "us.xyz", HF_KIND_REQUEST, HF_UNKNOWN_DESK},
	    {"jp.ncp", "br.ncp", HF_KIND_REQUEST, HF_UNKNOWN_COUNTRY},
	    {"jp.ncp", "jp.ncp", HF_KIND_ORDER, HF_OK}, /* its own screen */
	    {"jp.ncp", "jp.isp", HF_KIND_ORDER, HF_OK},
	    {"jp.ncp", "jp.ca", HF_KIND_ORDER, HF_WRONG_DESK},
	    {"jp.ncp", "us.ca", HF_KIND_ORDER, HF_WRONG_COUNTRY},
	};
	struct federation *f = fed_running("JP", "US", NULL);

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct draft d;

		draft_open(&d, f, tries[i].from, tries[i].kind, tries[i].to);
		EXPECT(tries[i].to, try(&d), tries[i].code);
	}
	fed_free(f);
}

Test(rules, an_act_of_a_case_goes_from_one_of_its_desks_to_the_other)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct hf_id id = fed_request(f);
	struct draft d;

	draft_next(&d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	desk_set(&d.env.to, "us.ca");
	EXPECT("to another desk", try(&d), HF_WRONG_DESK);
	draft_next(&d, f, "jp.ca", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	EXPECT("from another desk", try(&d), HF_WRONG_DESK);
	draft_next(&d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	d.author = fed_officer(f, "jp.ca");
	EXPECT("by another's officer", try(&d), HF_WRONG_DESK);
	draft_next(
	    &d, f, "jp.ncp", HF_KIND_OPTIONAL + 2, HF_TRACK_ASKING, &id, NULL);
	EXPECT("of a later version", try(&d), HF_OK);
	fed_free(f);
}

/* An act of the kinds that brokers append by themselves has no signature: an
 * officer's key in it must not be enough. */
Test(rules, an_officer_is_not_his_broker)
{
	static struct signed_act a;
	uint8_t envelope[HF_ENVELOPE_MAX], core_bytes[HF_CORE_MAX], sigs[8];
	size_t envelope_size, core_size, sigs_size;
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct hf_leaves none = {.count = 0};
	struct hf_id id = fed_request(f);
	struct hf_core core = {.suite = 1,
	    .kind = HF_KIND_LAPSE,
	    .root = hf_leaves_root(&none),
	    .body = hf_hash(HF_TAG_BODY, NULL, 0)};
	struct intake_result result;
	struct draft d;

	draft_next(&d, f, "us.ncp", HF_KIND_LAPSE, HF_TRACK_ASKED, &id, &id);
	d.env.policy = nothing;
	EXPECT("envelope",
	    hf_envelope_encode(
		&d.env, envelope, sizeof(envelope), &envelope_size),
	    HF_OK);
	core.author = d.author->sign;
	core.created = f->now;
	core.envelope = hf_hash(HF_TAG_ENVELOPE, envelope, envelope_size);
	EXPECT("core",
	    hf_core_encode(&core, core_bytes, sizeof(core_bytes), &core_size),
	    HF_OK);
	EXPECT("no signature",
	    hf_sigs_encode(NULL, 0, sigs, sizeof(sigs), &sigs_size), HF_OK);
	EXPECT("act",
	    hf_act_encode(bytes_of(core_bytes, core_size),
		bytes_of(envelope, envelope_size), bytes_of(sigs, sigs_size),
		nothing, a.frame, sizeof(a.frame), &a.size),
	    HF_OK);
	EXPECT("by an officer", fed_submit(us, d.author, &a, nothing, &result),
	    HF_ROLE);
	cr_assert_eq(result.clause, 403);
	cr_assert_eq(node_case(us, &id).gens[HF_TRACK_ASKED], 0);
	fed_free(f);
}

/* ---- inner tracks ---- */

Test(rules, inner_acts_are_of_who_may_and_for_whom_they_may)
{
	static const struct {
		const char *author, *to;
		unsigned kind, track, clause;
		enum hf_err code;
	} tries[] = {
	    {"us.ncp", "us.ca", HF_KIND_NOTE, HF_TRACK_INNER_ASKED, 0, HF_OK},
	    {"us.ncp", "us.ncp", HF_KIND_OPTIONAL, HF_TRACK_INNER_ASKED, 0,
		HF_OK},
	    {"us.ncp", "us.ncp", HF_KIND_OPTIONAL - 1, HF_TRACK_INNER_ASKED,
		401, HF_NOT_ALLOWED},
	    {"us.ncp", "us.isp", HF_KIND_GRANT, HF_TRACK_INNER_ASKED, 1209,
		HF_WRONG_DESK},
	    {"us.aud", "us.ca", HF_KIND_GRANT, HF_TRACK_INNER_ASKED, 403,
		HF_ROLE},
	    {"us.aud", "us.aud", HF_KIND_OPTIONAL, HF_TRACK_INNER_ASKED, 403,
		HF_ROLE},
	    {"us.ncp", "jp.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKED, 403,
		HF_WRONG_COUNTRY},
	    {"us.ncp", "us.xyz", HF_KIND_NOTE, HF_TRACK_INNER_ASKED, 403,
		HF_UNKNOWN_DESK},
	};
	struct federation *f = fed_running("JP", "US", NULL);
	struct hf_id id = fed_request(f), mine = order(f, "us.ncp", "us.isp");
	struct draft d;
	unsigned clause;

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		draft_next(&d, f, tries[i].author, tries[i].kind,
		    tries[i].track, &id, NULL);
		desk_set(&d.env.to, tries[i].to);
		EXPECT(tries[i].to, submit(&d, &clause), tries[i].code);
		cr_assert_eq(clause, tries[i].clause, "%s: SPEC %u",
		    tries[i].author, clause);
	}
	draft_next(
	    &d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKED, &mine, NULL);
	EXPECT("the provider's track", try(&d), HF_WRONG_DESK);
	fed_free(f);
}

/* A key of an operator at another desk holds nothing. */
Test(rules, a_legal_hold_is_of_the_operators_desk)
{
	struct federation *f = fed_new("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	struct officer more;
	struct hf_id id;
	struct draft d;

	fed_more_officer(us, &more, "us.ncp", ROLE_OPERATOR);
	fed_build(us);
	fed_start(f);
	id = fed_request(f);
	for (unsigned i = 0; i < 2; i++) {
		draft_next(&d, f, i == 0 ? "us.ncp" : "us.ops",
		    HF_KIND_LEGAL_HOLD, HF_TRACK_INNER_ASKED, &id, NULL);
		if (i == 0)
			d.author = &more;
		d.env.choice = 1;
		draft_has(&d, HF_E_CHOICE);
		EXPECT(d.env.from.s, try(&d), i == 0 ? HF_ROLE : HF_OK);
		cr_assert_eq(node_case(us, &id).legal_hold, i == 1);
	}
	secret_free(more.secret);
	fed_free(f);
}

Test(rules, an_inner_track_is_one_sequence)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct hf_id id = fed_request(f), ack;
	struct draft d, first;

	draft_next(&d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKING + 1,
	    &id, NULL);
	first = d;
	d.env.seen_gen = 1;
	d.env.seen.b[0] = 1;
	draft_has(&d, HF_E_SEEN);
	EXPECT("seen what is not there", try(&d), HF_CHAIN);
	must_submit(&first);
	hf_random(first.env.salt, sizeof(first.env.salt));
	EXPECT("a place that is taken", try(&first), HF_GENERATION);
	draft_next(
	    &d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKED, &id, NULL);
	d.env.gen += 1;
	EXPECT("a gap", try(&d), HF_CHAIN);
	draft_next(
	    &d, f, "us.ncp", HF_KIND_ACKNOWLEDGE, HF_TRACK_ASKED, &id, &id);
	d.env.rules_version = 1;
	d.env.rules_profile = hf_profile_by_name("test")->digest;
	draft_has(&d, HF_E_RULES);
	ack = must_submit(&d);
	(void)ack;
	draft_next(
	    &d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKED, &id, NULL);
	first = d;
	first.env.seen.b[0] ^= 1;
	EXPECT("seen another", try(&first), HF_CHAIN);
	must_submit(&d);
	draft_next(
	    &d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKED, &id, NULL);
	d.env.seen_gen = 0;
	d.env.present &= ~(UINT64_C(1) << HF_E_SEEN);
	EXPECT("seen less than before", try(&d), HF_CHAIN);
	fed_free(f);
}

/* ---- what may be shown on ---- */

/* A request of JP, whose policy of one leaf and flags are given, at US. */
static struct hf_id shared(struct federation *f, uint8_t policy, unsigned flag,
    unsigned strength, uint64_t until)
{
	struct hf_id id;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.leaf_count = 1;
	d.policy[0] = policy;
	d.env.third_count = 1;
	memcpy(d.env.third[0].s, "DE", 3);
	draft_has(&d, HF_E_THIRD);
	if (flag != 0) {
		d.env.flag_count = 1;
		d.env.flags[0].flag = flag;
		d.env.flags[0].strength = strength;
		d.env.flags[0].until.ms = until;
		draft_has(&d, HF_E_FLAGS);
	}
	id = must_submit(&d);
	EXPECT("carry",
	    fed_carry(fed_node(f, "JP"), fed_node(f, "US"), &id, NULL), HF_OK);
	return id;
}

static void cite(struct draft *d, const struct hf_id *act)
{
	static const uint8_t leaf = 0;

	d->env.cite_count = 1;
	d->env.cites[0].act = *act;
	d->env.cites[0].leaves = bytes_of(&leaf, 1);
	draft_has(d, HF_E_CITES);
}

/* US writes to somebody and shows the one leaf of JP's request. */
Test(rules, a_leaf_goes_on_to_whom_its_policy_names)
{
	enum { PROVIDER, OTHER_COUNTRY, THIRD, ASKER };
	static const struct {
		unsigned policy, to;
		enum hf_err code;
	} tries[] = {
	    {HF_SHARE_PROVIDERS, PROVIDER, HF_OK},
	    {HF_SHARE_REQUESTER, PROVIDER, HF_CITE},
	    {HF_SHARE_THIRD, PROVIDER, HF_CITE},
	    {HF_SHARE_PARTY, PROVIDER, HF_CITE},
	    {HF_SHARE_PROVIDERS, THIRD, HF_CITE},
	    {HF_SHARE_REQUESTER, THIRD, HF_CITE},
	    {HF_SHARE_THIRD, THIRD, HF_OK},
	    {HF_SHARE_THIRD, OTHER_COUNTRY, HF_CITE},
	    {HF_SHARE_REQUESTER, ASKER, HF_OK},
	    {HF_SHARE_PARTY, ASKER, HF_OK},
	    {HF_SHARE_THIRD, ASKER, HF_CITE},
	    {HF_SHARE_PROVIDERS, ASKER, HF_CITE},
	    {0, ASKER, HF_CITE},
	};
	static const char *const to[] = {
	    "us.isp", "br.ncp", "de.ncp", "jp.ncp"};
	struct federation *f = fed_running("JP", "US", "DE", "BR", NULL);

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct hf_id id = shared(f, (uint8_t)tries[i].policy, 0, 0, 0);
		struct draft d;

		draft_open(&d, f, "us.ncp",
		    tries[i].to == PROVIDER ? HF_KIND_ORDER : HF_KIND_REQUEST,
		    to[tries[i].to]);
		cite(&d, &id);
		EXPECT(to[tries[i].to], try(&d), tries[i].code);
	}
	fed_free(f);
}

Test(rules, a_flag_binds_while_it_says_so_and_beyond_its_case)
{
	static const struct {
		unsigned flag, strength, until_s;
		enum hf_err code;
	} tries[] = {
	    {HF_FLAG_NO_ONWARD, HF_BINDING, 0, HF_ONWARD},
	    {HF_FLAG_NO_ONWARD, HF_BINDING, 9, HF_ONWARD},
	    {HF_FLAG_NO_ONWARD, HF_REQUESTED, 0, HF_OK},
	    {HF_FLAG_MASK_REQUESTER, HF_BINDING, 0, HF_OK},
	};
	struct federation *f = fed_running("JP", "US", NULL);
	struct draft d;

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		uint64_t until = tries[i].until_s == 0
				     ? 0
				     : f->now.ms + tries[i].until_s * 1000;
		struct hf_id id =
		    shared(f, HF_SHARE_PROVIDERS | HF_SHARE_REQUESTER,
			tries[i].flag, tries[i].strength, until);

		draft_open(&d, f, "us.ncp", HF_KIND_ORDER, "us.isp");
		cite(&d, &id);
		EXPECT("in another case", try(&d), tries[i].code);
		draft_next(
		    &d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
		cite(&d, &id);
		EXPECT("in its own", try(&d), HF_OK);
	}
	fed_free(f);
}

/* What a provider found goes on to who asked the country that ordered it, and
 * only who reads a case shows of it. */
Test(rules, a_providers_finding_may_reach_the_requester)
{
	struct federation *f = fed_running("JP", "US", "DE", NULL);
	struct hf_id id = shared(f, 0, 0, 0, 0), other = shared(f, 0, 0, 0, 0);
	struct hf_id finding, ground;
	struct draft d;

	draft_open(&d, f, "us.ncp", HF_KIND_ORDER, "us.isp");
	rest_on(&d, &id);
	ground = must_submit(&d);
	draft_next(
	    &d, f, "us.isp", HF_KIND_NOTE, HF_TRACK_ASKED, &ground, NULL);
	d.leaf_count = 1;
	d.policy[0] = HF_SHARE_REQUESTER;
	finding = must_submit(&d);
	draft_next(&d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
	cite(&d, &finding);
	EXPECT("to who asked", try(&d), HF_OK);
	draft_open(&d, f, "us.ncp", HF_KIND_REQUEST, "de.ncp");
	cite(&d, &finding);
	EXPECT("to a third", try(&d), HF_CITE);
	draft_open(&d, f, "us.ca", HF_KIND_REQUEST, "jp.ncp");
	cite(&d, &finding);
	EXPECT("by who does not read it", try(&d), HF_CITE);
	(void)other;
	fed_free(f);
}

/* ---- what an order rests on ---- */

Test(rules, an_order_has_a_few_bases_each_once)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *us = fed_node(f, "US");
	uint8_t opening[HF_SALT_SIZE + HF_ID_SIZE] = {0};
	static struct signed_act a;
	struct hf_id ids[HF_LINEAGE_MAX + 1], id;
	struct case_record c;
	struct draft d;

	for (unsigned i = 0; i <= HF_LINEAGE_MAX; i++)
		ids[i] = fed_request(f);
	draft_open(&d, f, "us.ncp", HF_KIND_ORDER, "us.isp");
	for (unsigned i = 0; i < HF_LINEAGE_MAX; i++)
		rest_on(&d, &ids[i]);
	id = must_submit(&d);
	cr_assert_eq(node_case(us, &id).basis_count, HF_LINEAGE_MAX);
	draft_next(&d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	rest_on(&d, &ids[0]);
	must_submit(&d);
	cr_assert_eq(node_case(us, &id).basis_count, HF_LINEAGE_MAX);
	draft_next(&d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
	rest_on(&d, &ids[HF_LINEAGE_MAX]);
	EXPECT("one too many", try(&d), HF_MANY_ACTS);
	/* an opening is of an order's asking side */
	draft_next(
	    &d, f, "us.isp", HF_KIND_NOTE, HF_TRACK_INNER_ASKED, &id, NULL);
	draft_sign(&d, &a);
	EXPECT("of the asked side",
	    fed_submit(
		us, d.author, &a, bytes_of(opening, sizeof(opening)), NULL),
	    HF_SHAPE);
	draft_open(&d, f, "us.ncp", HF_KIND_ORDER, "us.isp");
	draft_sign(&d, &a);
	EXPECT("too short",
	    fed_submit(
		us, d.author, &a, bytes_of(opening, sizeof(opening) - 1), NULL),
	    HF_RANGE);
	/* what is erased, or has not begun, is no ground */
	for (unsigned i = 0; i < 2; i++) {
		c = node_case(us, &ids[i]);
		c.erased = i == 0;
		c.kind = i == 0 ? c.kind : 0;
		turn_begin(us);
		EXPECT("save", case_save(us->engine, &c), HF_OK);
		turn_end(us);
		draft_open(&d, f, "us.ncp", HF_KIND_ORDER, "us.isp");
		rest_on(&d, &ids[i]);
		EXPECT("ground", try(&d),
		    i == 0 ? HF_NOT_ALLOWED : HF_UNKNOWN_CASE);
	}
	fed_free(f);
}

/* ---- the end of a track ---- */

/* Its last places are for what ends a case. */
Test(rules, a_full_track_can_still_be_ended)
{
	static const struct {
		unsigned kind, track;
		bool ends;
	} tries[] = {
	    {HF_KIND_NOTE, HF_TRACK_ASKING, false},
	    {HF_KIND_OPTIONAL, HF_TRACK_ASKING, false},
	    {HF_KIND_CLOSE, HF_TRACK_ASKING, true},
	    {HF_KIND_WITHDRAW, HF_TRACK_ASKING, true},
	    {HF_KIND_NOTE, HF_TRACK_ASKED, false},
	    {HF_KIND_LIVE_STOPPED, HF_TRACK_ASKED, true},
	    {HF_KIND_END, HF_TRACK_ASKED, true},
	};
	struct federation *f = fed_running("JP", "US", NULL);
	struct hf_id id = fed_request(f);
	struct draft d;
	unsigned clause;

	for (uint32_t gen = 2; gen <= HF_TRACK_ACTS_MAX - TRACK_RESERVE;
	     gen++) {
		draft_next(
		    &d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_ASKING, &id, NULL);
		must_submit(&d);
		draft_next(
		    &d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
		must_submit(&d);
	}
	draft_next(&d, f, "us.ncp", HF_KIND_NOTE, HF_TRACK_ASKED, &id, NULL);
	must_submit(&d);
	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		bool asking = tries[i].track == HF_TRACK_ASKING;

		draft_next(&d, f, asking ? "jp.ncp" : "us.ncp", tries[i].kind,
		    tries[i].track, &id, asking ? NULL : &id);
		d.env.reason = 1;
		d.env.at = f->now;
		if (tries[i].kind == HF_KIND_END)
			draft_has(&d, HF_E_REASON);
		if (tries[i].kind == HF_KIND_LIVE_STOPPED)
			draft_has(&d, HF_E_AT);
		(void)submit(&d, &clause);
		cr_assert_eq(
		    clause == 1203, !tries[i].ends, "kind %u", tries[i].kind);
	}
	cr_assert_eq(node_case(fed_node(f, "JP"), &id).gens[HF_TRACK_ASKING],
	    HF_TRACK_ACTS_MAX - TRACK_RESERVE + 1, "it was closed");
	fed_free(f);
}

Test(rules, what_is_larger_than_an_act_is_none)
{
	static struct signed_act a;
	static uint8_t large[HF_ACT_MAX + 1];
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP"), *us = fed_node(f, "US");
	struct intake_result r;
	struct draft d;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	draft_sign(&d, &a);
	a.size = sizeof(large);
	turn_begin(jp);
	EXPECT("of ours",
	    intake_own(jp->engine,
		roster_officer(
		    jp->engine->roster, jp->country, &jp->officers[NCP].sign),
		bytes_of(large, sizeof(large)), nothing, &r),
	    HF_TOO_BIG);
	turn_end(jp);
	EXPECT("of theirs",
	    fed_bring(
		us, jp->country, bytes_of(large, sizeof(large)), nothing, &r),
	    HF_TOO_BIG);
	fed_free(f);
}

Test(rules, an_inner_track_takes_what_it_knows_and_has_an_end)
{
	struct federation *f = fed_running("JP", "US", NULL);
	struct node *jp = fed_node(f, "JP");
	struct hf_id id = fed_request(f);
	struct case_record c;
	unsigned clause;
	struct draft d;

	draft_next(
	    &d, f, "jp.ncp", HF_KIND_NOTE, HF_TRACK_INNER_ASKING, &id, NULL);
	d.critical = true;
	EXPECT("a key that must be known", submit(&d, &clause), HF_NOT_ALLOWED);
	cr_assert_eq(clause, 401);
	c = node_case(jp, &id);
	c.gens[HF_TRACK_INNER_ASKING] = HF_TRACK_ACTS_MAX;
	turn_begin(jp);
	EXPECT("save", case_save(jp->engine, &c), HF_OK);
	turn_end(jp);
	d.critical = false;
	d.env.gen = HF_TRACK_ACTS_MAX + 1;
	draft_has(&d, HF_E_PREV);
	EXPECT("full", submit(&d, &clause), HF_MANY_ACTS);
	cr_assert_eq(clause, 501);
	fed_free(f);
}
