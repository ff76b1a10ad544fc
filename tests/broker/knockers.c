#include "tests/broker/knockers.h"

#include "keys/secret.h"
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <string.h>

#define TERM_S 100u

const char *const knocker_names[KNOCKERS] = {"admitted", "unknown", "revoked",
    "expired", "struck off", "left us", "not yet", "wrong domain", "wrong role",
    "wrong country"};

static void set(
    struct knockers *k, enum knocker_kind kind, const struct secret *secret)
{
	k->all[kind].open = secret_transport_key(secret);
	secret_transport_secret(secret, k->all[kind].secret);
}

static const struct secret *broker(struct knockers *k, const char *country)
{
	return fed_node(k->fed, country)->broker;
}

static const struct secret *officer(struct knockers *k, const char *desk)
{
	return fed_officer(k->fed, desk)->secret;
}

/* The entry of a transport key in its country's next document. */
static struct country_entry *entry_of(
    struct node *n, const struct hf_key *transport)
{
	for (unsigned i = 0; i < n->entry_count; i++) {
		struct country_entry *e = &n->entries[i];
		const struct hf_key *key =
		    e->type == ENTRY_OFFICER  ? &e->u.officer.transport
		    : e->type == ENTRY_BROKER ? &e->u.broker.transport
					      : NULL;

		if (key != NULL && memcmp(key, transport, sizeof(*key)) == 0)
			return e;
	}
	cr_assert_fail("no entry of this key in %s", n->country.s);
	return NULL;
}

static void set_term(
    struct country_entry *e, struct instant from, struct instant until)
{
	bool is_officer = e->type == ENTRY_OFFICER;

	*(is_officer ? &e->u.officer.valid_from : &e->u.broker.valid_from) =
	    from;
	*(is_officer ? &e->u.officer.valid_until : &e->u.broker.valid_until) =
	    until;
}

static struct node *home_of(struct knockers *k, enum knocker_kind kind)
{
	static const char *const peers[KNOCKERS] = {[REVOKED] = "DE",
	    [EXPIRED] = "FR",
	    [STRUCK_OFF] = "IT",
	    [UNPINNED] = "BR",
	    [NOT_YET] = "GB"};

	return k->peers ? fed_node(k->fed, peers[kind]) : k->jp;
}

/* Documents that are not given yet are simply built anew. */
static void set_terms(struct knockers *k)
{
	struct instant now = k->fed->now, before = {now.ms - 1000000},
		       soon = {now.ms + TERM_S * 1000},
		       late = {now.ms + 1000000000};

	set_term(
	    entry_of(home_of(k, EXPIRED), &k->all[EXPIRED].open), before, soon);
	set_term(entry_of(home_of(k, NOT_YET), &k->all[NOT_YET].open), late,
	    (struct instant){late.ms + 1});
	fed_build(home_of(k, EXPIRED));
	if (k->peers)
		fed_build(home_of(k, NOT_YET));
}

void knockers_new(struct knockers *k, bool peers)
{
	memset(k, 0, sizeof(*k));
	k->peers = peers;
	k->fed =
	    fed_new("JP", "US", "DE", "FR", "IT", "BR", "GB", (char *)NULL);
	k->jp = fed_node(k->fed, "JP");
	k->stranger = secret_new(SECRET_OFFICER);
	cr_assert_not_null(k->stranger);
	set(k, UNKNOWN, k->stranger);
	set(k, ADMITTED, peers ? broker(k, "US") : officer(k, "jp.ncp"));
	set(k, REVOKED, peers ? broker(k, "DE") : officer(k, "jp.isp"));
	set(k, EXPIRED, peers ? broker(k, "FR") : officer(k, "jp.isp2"));
	set(k, STRUCK_OFF, peers ? broker(k, "IT") : officer(k, "jp.ops"));
	set(k, UNPINNED, peers ? broker(k, "BR") : officer(k, "jp.ca"));
	set(k, NOT_YET, peers ? broker(k, "GB") : officer(k, "jp.aud"));
	set(k, WRONG_DOMAIN, peers ? officer(k, "jp.ncp") : broker(k, "US"));
	set(k, WRONG_ROLE, peers ? officer(k, "us.ncp") : broker(k, "JP"));
	set(k, WRONG_COUNTRY, peers ? broker(k, "JP") : officer(k, "us.ncp"));
	set_terms(k);
	fed_start(k->fed);
}

static void revoke(struct knockers *k)
{
	struct node *n = home_of(k, REVOKED);
	struct country_entry *e = entry_of(n, &k->all[REVOKED].open);
	struct country_entry r = {.type = ENTRY_REVOCATION};

	r.u.revocation.key =
	    e->type == ENTRY_OFFICER ? e->u.officer.sign : e->u.broker.ledger;
	r.u.revocation.since = r.u.revocation.revoked = k->fed->now;
	r.u.revocation.reason = 1;
	fed_entry(n, &r);
}

static void strike_off(struct knockers *k, enum knocker_kind kind)
{
	struct node *n = home_of(k, kind);

	*entry_of(n, &k->all[kind].open) = n->entries[n->entry_count - 1];
	n->entry_count--;
}

void knockers_change(struct knockers *k)
{
	struct event unpin;

	revoke(k);
	strike_off(k, STRUCK_OFF);
	if (k->peers) {
		fed_build(home_of(k, REVOKED));
		fed_give(k->jp, home_of(k, REVOKED));
		fed_build(home_of(k, STRUCK_OFF));
		fed_give(k->jp, home_of(k, STRUCK_OFF));
		unpin = node_event(k->jp, EVENT_UNPIN);
		unpin.country = home_of(k, UNPINNED)->country;
		node_turn(k->jp, &unpin);
	} else {
		struct node *us = fed_node(k->fed, "US");
		struct country_entry *e =
		    entry_of(k->jp, &k->all[UNPINNED].open);
		struct country_entry moved = *e;

		strike_off(k, UNPINNED);
		moved.u.officer.desk = fed_officer(k->fed, "us.ncp")->desk;
		fed_entry(us, &moved);
		fed_build(us);
		fed_give(k->jp, us);
		fed_build(k->jp);
		fed_give(k->jp, k->jp);
	}
	fed_wait(k->fed, 2 * TERM_S);
	turn_begin(k->jp);
	turn_end(k->jp);
}

bool knocker_may(enum knocker_kind kind, bool changed)
{
	if (kind == ADMITTED)
		return true;
	return !changed && (kind == REVOKED || kind == EXPIRED ||
			       kind == STRUCK_OFF || kind == UNPINNED);
}

void knockers_free(struct knockers *k)
{
	fed_free(k->fed);
	secret_free(k->stranger);
	hf_wipe(k->all, sizeof(k->all));
}
