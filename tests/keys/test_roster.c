/* The roster: which document is in force, and who may speak. */
#include "tests/keys/registry.h"
#include "tests/proto/chance.h"

#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct registry jp, cz;
static struct roster *roster;

static void pin(const struct registry *r)
{
	struct hf_key root = registry_root(r);

	cr_assert_eq(roster_pin(roster, r->country, &root), HF_OK);
}

static void set_up(void)
{
	registry_init(&jp, "JP", 1);
	registry_init(&cz, "CZ", 1);
	roster = roster_new();
	cr_assert_not_null(roster);
}

static void tear_down(void)
{
	roster_free(roster);
	registry_release(&jp);
	registry_release(&cz);
}

TestSuite(roster, .init = set_up, .fini = tear_down, .timeout = 120);

static enum hf_err add(const struct blob *b)
{
	struct hf_country c;
	uint32_t version;

	return roster_add(roster, b->data, b->size, &c, &version);
}

/* Build the next version over the entries and put it in force. */
static void publish(struct registry *r)
{
	const struct country_doc *held = roster_doc(roster, r->country);
	struct blob b =
	    registry_build(r, held, held == NULL ? 1 : held->head.version + 1);

	cr_assert_eq(add(&b), HF_OK);
	free(b.data);
}

static uint32_t version_of(const struct registry *r)
{
	const struct country_doc *d = roster_doc(roster, r->country);

	return d == NULL ? 0 : d->head.version;
}

Test(roster, keeps_the_newest_document_of_a_pinned_country)
{
	struct blob one, two, three, fork, abroad;
	struct country_doc *d1, *d2;
	struct hf_country c;
	struct hf_key root = registry_root(&cz);
	uint32_t version;

	registry_fill(&jp);
	one = registry_build(&jp, NULL, 1);
	d1 = registry_open(&jp, &one);
	two = registry_build(&jp, d1, 2);
	fork = registry_build(&jp, d1, 2);
	d2 = registry_open(&jp, &two);
	three = registry_build(&jp, d2, 3);
	abroad = registry_strip(&jp, &two);

	cr_expect_eq(add(&one), HF_ROOT_UNKNOWN);
	pin(&jp);
	pin(&jp); /* again: the same root */
	cr_expect_eq(roster_pin(roster, jp.country, &root), HF_DOC_CONFLICT);
	cr_expect_eq(add(&one), HF_OK);
	cr_expect_eq(add(&one), HF_DOC_OLD);
	cr_expect_eq(add(&abroad), HF_OK);
	cr_expect(!roster_doc(roster, jp.country)->has_domestic);
	cr_expect_eq(roster_add(roster, fork.data, fork.size, &c, &version),
	    HF_DOC_CONFLICT);
	cr_expect_str_eq(c.s, "JP");
	cr_expect_eq(version, 2);
	cr_expect_eq(add(&two), HF_OK, "whole after stripped");
	cr_expect(roster_doc(roster, jp.country)->has_domestic);
	cr_expect_eq(add(&abroad), HF_DOC_OLD, "stripped after whole");
	cr_expect(roster_doc(roster, jp.country)->has_domestic);
	cr_expect_eq(
	    roster_add(roster, one.data, one.size, &c, &version), HF_DOC_OLD);
	cr_expect_eq(version, 1);
	cr_expect_eq(add(&three), HF_OK);
	cr_expect_eq(version_of(&jp), 3);

	roster_unpin(roster, jp.country);
	cr_expect_null(roster_root(roster, jp.country));
	cr_expect_null(roster_at(roster, 0));
	pin(&jp);
	cr_expect_eq(add(&fork), HF_OK, "version 2 first: a gap is no error");
	cr_expect_eq(add(&three), HF_DOC_INVALID, "prev is not what we hold");
	cr_expect_eq(version_of(&jp), 2);
	three.data[three.size - 1] ^= 1;
	cr_expect_neq(add(&three), HF_OK);
	cr_expect_eq(version_of(&jp), 2, "a bad one changes nothing");
	free(one.data);
	free(two.data);
	free(three.data);
	free(fork.data);
	free(abroad.data);
	country_doc_free(d1);
	country_doc_free(d2);
}

/* Versions 1 to 5 of two countries, and a fork from 3 on, whole or stripped,
 * in any order: held is what a plain model says. */
#define CHAIN 5u
#define FORK 3u
struct made {
	struct blob whole, stripped;
	struct hf_hash digest, prev;
	uint32_t version;
};
struct model {
	bool held, whole;
	const struct made *doc;
};

static unsigned make_chain(const struct registry *r, struct made *out)
{
	struct country_doc *at[CHAIN + 1] = {NULL}, *d;
	unsigned n = 0;

	for (unsigned branch = 0; branch < 2; branch++)
		for (uint32_t v = branch == 0 ? 1 : FORK; v <= CHAIN; v++) {
			struct made *m = &out[n++];

			m->whole = registry_build(r, at[v - 1], v);
			m->stripped = registry_strip(r, &m->whole);
			d = registry_open(r, &m->whole);
			m->digest = d->head_digest;
			m->prev = d->head.prev;
			m->version = v;
			country_doc_free(at[v]);
			at[v] = d;
		}
	for (uint32_t v = 1; v <= CHAIN; v++)
		country_doc_free(at[v]);
	return n;
}

static enum hf_err expected(struct model *m, const struct made *d, bool whole)
{
	enum hf_err err = HF_OK;

	if (m->held && d->version < m->doc->version) {
		err = HF_DOC_OLD;
	} else if (m->held && d->version == m->doc->version) {
		if (d != m->doc)
			err = HF_DOC_CONFLICT;
		else if (m->whole || !whole)
			err = HF_DOC_OLD;
	} else if (m->held && d->version == m->doc->version + 1 &&
		   memcmp(&d->prev, &m->doc->digest, sizeof(d->prev)) != 0) {
		err = HF_DOC_INVALID;
	}
	if (err == HF_OK)
		*m = (struct model){true, whole, d};
	return err;
}

static void run_round(uint64_t seed, struct made made[2][16], unsigned count)
{
	struct registry *of[2] = {&jp, &cz};
	struct model models[2] = {{false, false, NULL}, {false, false, NULL}};
	struct chance chance = {seed};

	roster = roster_new();
	pin(&jp);
	pin(&cz);
	for (unsigned step = 0; step < 12; step++) {
		unsigned c = (unsigned)chance_below(&chance, 2);
		const struct made *m = &made[c][chance_below(&chance, count)];
		bool whole = chance_below(&chance, 2) == 0;
		enum hf_err want = expected(&models[c], m, whole);
		enum hf_err got = add(whole ? &m->whole : &m->stripped);
		const struct country_doc *d =
		    roster_doc(roster, of[c]->country);

		cr_assert_eq(got, want, "seed %lu step %u: E%d, not E%d",
		    (unsigned long)seed, step, (int)got, (int)want);
		cr_assert(d != NULL && d->has_domestic == models[c].whole &&
			      memcmp(&d->head_digest, &models[c].doc->digest,
				  sizeof(d->head_digest)) == 0,
		    "seed %lu step %u", (unsigned long)seed, step);
	}
	roster_free(roster);
	roster = NULL;
}

Test(roster, holds_what_the_model_holds_in_any_order_of_arrival)
{
	static struct made made[2][16];
	unsigned count;

	registry_desk(&jp, "jp.ncp", false);
	registry_desk(&jp, "jp.kddi", true);
	registry_desk(&cz, "cz.ncp", false);
	count = make_chain(&jp, made[0]);
	cr_assert_eq(make_chain(&cz, made[1]), count);
	roster_free(roster);
	for (uint64_t seed = 1; seed <= 150; seed++)
		run_round(seed, made, count);
	for (unsigned c = 0; c < 2; c++)
		for (unsigned i = 0; i < count; i++) {
			free(made[c][i].whole.data);
			free(made[c][i].stripped.data);
		}
}

/** JP's word. */
static enum hf_err check(const struct hf_key *key, uint64_t at)
{
	const struct officer_entry *o = NULL;
	enum hf_err err = roster_officer_check(
	    roster, jp.country, key, (struct instant){at}, &o);

	cr_expect_eq(o == NULL, err == HF_UNKNOWN_OFFICER);
	return err;
}

Test(roster, says_when_an_officer_may_speak)
{
	struct country_entry *e;
	struct hf_key key, transport, none = {{0}};

	pin(&jp);
	registry_desk(&jp, "jp.ncp", false);
	e = registry_officer(&jp, "jp.ncp", false);
	key = e->u.officer.sign;
	transport = e->u.officer.transport;
	cr_expect_eq(check(&key, NOW), HF_UNKNOWN_OFFICER);
	publish(&jp);
	cr_expect_eq(check(&key, NOW), HF_OK);
	cr_expect_eq(check(&none, NOW), HF_UNKNOWN_OFFICER);
	cr_expect_eq(check(&key, NOW - DAY_MS), HF_OK);
	cr_expect_eq(check(&key, NOW - DAY_MS - 1), HF_EXPIRED_KEY);
	cr_expect_eq(check(&key, NOW + DAY_MS - 1), HF_OK);
	cr_expect_eq(check(&key, NOW + DAY_MS), HF_EXPIRED_KEY);
	cr_expect_eq(
	    roster_officer_by_transport(roster, jp.country, &transport),
	    roster_officer(roster, jp.country, &key));
	cr_expect_null(roster_officer_by_transport(roster, jp.country, &key));

	registry_revocation(&jp, &key, NOW + 5000);
	cr_expect_eq(check(&key, NOW + 5000), HF_OK, "not published yet");
	publish(&jp);
	cr_expect_eq(check(&key, NOW + 4999), HF_OK,
	    "compromised since then, revoked from here");
	cr_expect_eq(check(&key, NOW + 5000), HF_REVOKED);
	cr_expect_eq(check(&key, NOW + 9 * DAY_MS), HF_REVOKED,
	    "revoked comes before expired");
	cr_expect_eq(
	    roster_revocation(roster, jp.country, &key)->since.ms, NOW + 4000);
	roster_unpin(roster, jp.country);
	cr_expect_eq(check(&key, NOW), HF_UNKNOWN_OFFICER);
	cr_expect_null(roster_revocation(roster, jp.country, &key));
}

/* A country may neither revoke another's keys, nor shield one of them by a
 * revocation that comes first, nor take one over. */
Test(roster, lets_a_country_speak_of_its_own_keys_only)
{
	struct country_entry *e;
	struct hf_key key, ledger, old;

	pin(&cz); /* first in every table */
	pin(&jp);
	registry_desk(&jp, "jp.ncp", false);
	ledger = registry_broker(&jp, 1)->u.broker.ledger;
	e = registry_officer(&jp, "jp.ncp", false);
	key = e->u.officer.sign;
	hf_random(&old, sizeof(old));
	publish(&jp);
	registry_revocation(&cz, &key, NOW - 1000);
	registry_revocation(&cz, &ledger, NOW - 1000);
	publish(&cz);
	cr_expect_eq(check(&key, NOW), HF_OK);
	cr_expect_null(roster_revocation(roster, jp.country, &key));
	cr_expect_null(roster_revocation(roster, jp.country, &ledger));
	registry_revocation(&jp, &key, NOW);
	registry_revocation(&jp, &ledger, NOW);
	registry_revocation(&jp, &old, NOW);
	publish(&jp);
	cr_expect_eq(check(&key, NOW), HF_REVOKED);
	cr_expect_eq(
	    roster_revocation(roster, jp.country, &key)->revoked.ms, NOW);
	cr_expect_eq(
	    roster_revocation(roster, jp.country, &ledger)->revoked.ms, NOW);
	cr_expect_not_null(roster_revocation(roster, jp.country, &old),
	    "of a key no more named");
}

/* Whoever names a key that another country names as well takes nothing from
 * it, whichever was pinned or published first. */
Test(roster, a_key_of_two_countries_speaks_for_each_by_its_own_document)
{
	const struct officer_entry *o;
	struct country_entry *e;
	struct hf_key key, transport;

	pin(&cz); /* first in every table */
	pin(&jp);
	registry_desk(&jp, "jp.ncp", false);
	e = registry_officer(&jp, "jp.ncp", false);
	key = e->u.officer.sign;
	transport = e->u.officer.transport;
	publish(&jp);
	o = roster_officer_anywhere(roster, &key);
	cr_assert_not_null(o);
	cr_expect_str_eq(o->desk.s, "jp.ncp");
	registry_desk(&cz, "cz.ncp", false);
	e = registry_officer(&cz, "cz.ncp", false);
	e->u.officer.sign = key;
	e->u.officer.transport = transport;
	registry_revocation(&cz, &key, NOW - 1000);
	publish(&cz);
	cr_expect_eq(check(&key, NOW), HF_OK);
	cr_expect_str_eq(
	    roster_officer(roster, jp.country, &key)->desk.s, "jp.ncp");
	cr_expect_str_eq(
	    roster_officer_by_transport(roster, jp.country, &transport)->desk.s,
	    "jp.ncp");
	cr_expect_eq(roster_officer_check(
			 roster, cz.country, &key, (struct instant){NOW}, &o),
	    HF_REVOKED);
	cr_expect_null(roster_officer_anywhere(roster, &key),
	    "where only the key is known, it is nobody's word");
}

Test(roster, a_broker_key_of_another_country_is_refused_by_name)
{
	struct hf_country c = {{0}};
	struct hf_key transport, ledger;
	struct country_entry *e;
	struct blob b;

	pin(&cz);
	pin(&jp);
	e = registry_broker(&jp, 1);
	transport = e->u.broker.transport;
	ledger = e->u.broker.ledger;
	publish(&jp);
	publish(&cz);
	e = registry_broker(&cz, 1);
	e->u.broker.transport = transport;
	b = registry_build(&cz, roster_doc(roster, cz.country), 2);
	cr_expect_eq(add(&b), HF_KEY_CLAIMED);
	cr_expect_str_eq(roster_rival(roster).s, "JP");
	cr_expect_eq(version_of(&cz), 1, "the one before stays in force");
	cr_assert_not_null(roster_broker_by_transport(roster, &transport, &c));
	cr_expect_str_eq(c.s, "JP");
	/* one ledger key for two is another matter: origins keep them apart */
	hf_random(&e->u.broker.transport, sizeof(transport));
	e->u.broker.ledger = ledger;
	registry_revocation(&cz, &ledger, NOW - 1000);
	publish(&cz);
	cr_expect_null(roster_revocation(roster, jp.country, &ledger));
	/* when JP has another, the old one is free */
	registry_revocation(&jp, &ledger, NOW);
	hf_random(&jp.entries[0].u.broker.transport, sizeof(transport));
	publish(&jp);
	cr_expect_eq(version_of(&jp), 2);
	e->u.broker.transport = transport;
	publish(&cz);
	cr_assert_not_null(roster_broker_by_transport(roster, &transport, &c));
	cr_expect_str_eq(c.s, "CZ");
	free(b.data);
}

Test(roster, finds_brokers_by_country_and_by_transport_key)
{
	struct hf_key transport[3];
	struct hf_country c = {{0}};
	const struct broker_entry *b;

	pin(&jp);
	pin(&cz);
	transport[0] = registry_broker(&jp, 2)->u.broker.transport;
	transport[1] = registry_broker(&jp, 1)->u.broker.transport;
	transport[2] = registry_broker(&cz, 7)->u.broker.transport;
	/* a new ledger key, the old transport key */
	registry_broker(&cz, 8)->u.broker.transport = transport[2];
	cr_expect_null(roster_broker(roster, jp.country));
	publish(&jp);
	publish(&cz);
	cr_expect_eq(roster_broker(roster, jp.country)->epoch, 2);
	cr_expect_eq(roster_broker(roster, cz.country)->epoch, 8);
	b = roster_broker_by_transport(roster, &transport[1], &c);
	cr_assert_not_null(b);
	cr_expect_eq(b->epoch, 1);
	cr_expect_str_eq(c.s, "JP");
	b = roster_broker_by_transport(roster, &transport[2], &c);
	cr_assert_not_null(b);
	cr_expect_eq(b->epoch, 8, "the newest of one key");
	cr_expect_str_eq(c.s, "CZ");
	roster_unpin(roster, jp.country);
	cr_expect_null(roster_broker_by_transport(roster, &transport[0], &c));
	cr_expect_not_null(
	    roster_broker_by_transport(roster, &transport[2], &c));
	cr_expect_str_eq(roster_at(roster, 0)->head.country.s, "CZ");
	cr_expect_null(roster_at(roster, 1));
}

Test(roster, finds_desks_profiles_wraps_and_approvals)
{
	struct hf_desk ncp = {"jp.ncp"}, none = {"jp.none"}, far = {"de.ncp"};
	const struct hf_profile *test = hf_profile_by_name("test");
	const struct hf_profile *eu = hf_profile_by_name("eu");
	struct hf_hash unknown = {{1}};
	struct hf_key officer;

	pin(&jp);
	registry_fill(&jp);
	registry_approval(&jp, 1, 3, 3);
	officer = jp.entries[3].u.officer.sign;
	publish(&jp);
	cr_assert_not_null(roster_desk(roster, &ncp));
	cr_expect_str_eq(roster_desk(roster, &ncp)->name, "Desk jp.ncp");
	cr_expect_null(roster_desk(roster, &none));
	cr_expect_null(roster_desk(roster, &far));
	cr_assert_not_null(roster_profile(roster, jp.country, test->basis));
	cr_expect_arr_eq(
	    &roster_profile(roster, jp.country, test->basis)->digest,
	    &test->digest, sizeof(test->digest));
	cr_expect_null(roster_profile(roster, cz.country, test->basis));
	cr_expect_not_null(roster_profile_by_digest(roster, &test->digest));
	cr_expect_eq(roster_profile_by_digest(roster, &eu->digest), eu,
	    "a built-in one");
	cr_expect_null(roster_profile_by_digest(roster, &unknown));
	cr_assert_not_null(roster_wrap(roster, &ncp, 1, &officer));
	cr_expect_null(roster_wrap(roster, &ncp, 2, &officer));
	cr_expect_null(roster_wrap(roster, &none, 1, &officer));
	cr_expect_null(
	    roster_wrap(roster, &ncp, 1, &jp.entries[4].u.officer.sign));
	cr_expect_eq(roster_approvals(roster, jp.country, 1, 1), 2);
	cr_expect_eq(roster_approvals(roster, jp.country, 1, 3), 3);
	cr_expect_eq(roster_approvals(roster, jp.country, 2, 3), 1);
	cr_expect_eq(roster_approvals(roster, cz.country, 1, 3), 1);
}

/* Cases that run have pinned it. */
Test(roster, knows_the_profiles_of_documents_that_were_replaced)
{
	struct hf_hash digest[3];
	struct hf_profile *p;
	unsigned basis;

	pin(&jp);
	p = &registry_profile(&jp, "test")->u.profile;
	basis = p->basis;
	for (unsigned i = 0; i < 3; i++) {
		p->version = 100 + i;
		publish(&jp);
		digest[i] = roster_profile(roster, jp.country, basis)->digest;
	}
	for (unsigned i = 0; i < 3; i++) {
		const struct hf_profile *held =
		    roster_profile_by_digest(roster, &digest[i]);

		cr_assert_not_null(held, "version %u", i);
		cr_expect_eq(held->version, 100 + i);
	}
	cr_expect_eq(roster_profile(roster, jp.country, basis)->version, 102);
	roster_unpin(roster, jp.country);
	for (unsigned i = 0; i < 3; i++)
		cr_expect_null(roster_profile_by_digest(roster, &digest[i]));
}

/* Of one country; the built-in ones are there all the same. */
Test(roster, forgets_the_oldest_profiles_when_there_are_too_many)
{
	struct hf_hash first, last;
	struct hf_profile *p;

	pin(&jp);
	p = &registry_profile(&jp, "test")->u.profile;
	for (unsigned i = 0; i < 259; i++) {
		p->version = 100 + i;
		publish(&jp);
		last = roster_profile(roster, jp.country, p->basis)->digest;
		if (i == 0)
			first = last;
	}
	cr_expect_null(roster_profile_by_digest(roster, &first));
	cr_expect_not_null(roster_profile_by_digest(roster, &last));
}

Test(roster, pins_no_more_countries_than_it_has_room_for)
{
	struct hf_key root = registry_root(&jp);

	for (unsigned i = 0; i <= HF_COUNTRY_MAX; i++) {
		struct hf_country c = {
		    {(char)('A' + i / 26), (char)('A' + i % 26), '\0'}};

		cr_expect_eq(roster_pin(roster, c, &root),
		    i < HF_COUNTRY_MAX ? HF_OK : HF_TOO_MANY, "%s", c.s);
	}
}
