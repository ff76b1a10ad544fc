#include "tests/keys/registry.h"

#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct hf_key fresh(enum secret_purpose purpose)
{
	struct secret *s = secret_new(purpose);
	struct hf_key key;

	cr_assert_not_null(s);
	key = secret_sign_key(s);
	secret_free(s);
	return key;
}

void registry_init(struct registry *r, const char *country, unsigned threshold)
{
	struct hf_key keys[REGISTRARS];

	cr_assert_eq(hf_crypto_init(), HF_OK);
	memset(r, 0, sizeof(*r));
	snprintf(r->country.s, sizeof(r->country.s), "%s", country);
	r->root = secret_new(SECRET_ROOT);
	cr_assert_not_null(r->root);
	for (unsigned i = 0; i < REGISTRARS; i++) {
		r->registrars[i] = secret_new(SECRET_REGISTRAR);
		cr_assert_not_null(r->registrars[i]);
		keys[i] = secret_sign_key(r->registrars[i]);
	}
	cr_assert_eq(
	    country_certify(r->country, threshold, keys, REGISTRARS,
		(struct instant){NOW - DAY_MS}, (struct instant){NOW + DAY_MS},
		1, r->root, r->certificate, sizeof(r->certificate),
		&r->certificate_size),
	    HF_OK);
}

void registry_release(struct registry *r)
{
	secret_free(r->root);
	for (unsigned i = 0; i < REGISTRARS; i++)
		secret_free(r->registrars[i]);
}

struct hf_key registry_root(const struct registry *r)
{
	return secret_sign_key(r->root);
}

static struct country_entry *add(
    struct registry *r, enum entry_type type, bool domestic)
{
	struct country_entry *e = &r->entries[r->count++];

	cr_assert_leq(r->count, REGISTRY_ENTRIES);
	memset(e, 0, sizeof(*e));
	e->type = type;
	e->domestic = domestic;
	return e;
}

struct country_entry *registry_broker(struct registry *r, uint32_t epoch)
{
	struct country_entry *e = add(r, ENTRY_BROKER, false);
	struct broker_entry *b = &e->u.broker;

	hf_random(&b->transport, sizeof(b->transport));
	b->ledger = fresh(SECRET_BROKER);
	b->epoch = epoch;
	b->endpoint_count = 2;
	snprintf(b->endpoints[0], ENDPOINT_TEXT_MAX, "tcp://10.0.0.1:7710");
	snprintf(b->endpoints[1], ENDPOINT_TEXT_MAX, "tcp://[2001:db8::1]:1");
	b->valid_from.ms = NOW - DAY_MS;
	b->valid_until.ms = NOW + DAY_MS;
	return e;
}

struct country_entry *registry_desk(
    struct registry *r, const char *desk, bool domestic)
{
	struct country_entry *e = add(r, ENTRY_DESK, domestic);
	struct desk_entry *d = &e->u.desk;

	snprintf(d->desk.s, sizeof(d->desk.s), "%s", desk);
	d->type = domestic ? DESK_PROVIDER : DESK_CONTACT_POINT;
	snprintf(d->name, sizeof(d->name), "Desk %s", desk);
	hf_random(&d->sealing, sizeof(d->sealing));
	d->epoch = 1;
	d->language_count = 2;
	snprintf(d->languages[0], sizeof(d->languages[0]), "ja");
	snprintf(d->languages[1], sizeof(d->languages[1]), "en");
	snprintf(d->telephone, sizeof(d->telephone), "+81 3 0000 0000");
	d->means_count = 1;
	snprintf(d->means[0], sizeof(d->means[0]), "mailto:ncp@example.jp");
	snprintf(d->hours, sizeof(d->hours), "always");
	snprintf(d->zone, sizeof(d->zone), "Asia/Tokyo");
	return e;
}

struct country_entry *registry_officer(
    struct registry *r, const char *desk, bool domestic)
{
	struct country_entry *e = add(r, ENTRY_OFFICER, domestic);
	struct officer_entry *o = &e->u.officer;

	o->sign = fresh(SECRET_OFFICER);
	snprintf(o->desk.s, sizeof(o->desk.s), "%s", desk);
	o->role = ROLE_DUTY;
	o->valid_from.ms = NOW - DAY_MS;
	o->valid_until.ms = NOW + DAY_MS;
	hf_random(&o->transport, sizeof(o->transport));
	hf_random(&o->unwrap, sizeof(o->unwrap));
	snprintf(o->name, sizeof(o->name), "Officer %u", r->count);
	return e;
}

struct country_entry *registry_revocation(
    struct registry *r, const struct hf_key *key, uint64_t revoked_ms)
{
	struct country_entry *e = add(r, ENTRY_REVOCATION, false);

	e->u.revocation.key = *key;
	e->u.revocation.since.ms = revoked_ms - 1000;
	e->u.revocation.revoked.ms = revoked_ms;
	e->u.revocation.reason = 1;
	return e;
}

struct country_entry *registry_profile(struct registry *r, const char *name)
{
	struct country_entry *e = add(r, ENTRY_PROFILE, false);

	cr_assert_not_null(hf_profile_by_name(name));
	e->u.profile = *hf_profile_by_name(name);
	return e;
}

struct country_entry *registry_wrap(
    struct registry *r, const char *desk, const struct hf_key *officer)
{
	struct country_entry *e = add(r, ENTRY_WRAP, true);
	struct wrap_entry *w = &e->u.wrap;

	snprintf(w->desk.s, sizeof(w->desk.s), "%s", desk);
	w->epoch = 1;
	w->officer = *officer;
	hf_random(w->sealed, sizeof(w->sealed));
	return e;
}

struct country_entry *registry_approval(
    struct registry *r, unsigned kind, unsigned measure, unsigned needed)
{
	struct country_entry *e = add(r, ENTRY_APPROVAL, false);

	e->u.approval = (struct approval_entry){kind, measure, needed};
	return e;
}

void registry_fill(struct registry *r)
{
	struct country_entry *officer;
	struct hf_key gone = fresh(SECRET_OFFICER);
	char desk[2][HF_DESK_MAX + 1];

	snprintf(desk[0], sizeof(desk[0]), "%c%c.ncp", r->country.s[0] | 32,
	    r->country.s[1] | 32);
	snprintf(desk[1], sizeof(desk[1]), "%c%c.kddi", r->country.s[0] | 32,
	    r->country.s[1] | 32);
	registry_broker(r, 1);
	registry_desk(r, desk[0], false);
	registry_desk(r, desk[1], true);
	officer = registry_officer(r, desk[0], false);
	registry_officer(r, desk[1], true);
	registry_revocation(r, &gone, NOW);
	registry_profile(r, "test");
	registry_wrap(r, desk[0], &officer->u.officer.sign);
	registry_approval(r, 1, 0, 2);
}

struct blob registry_build(const struct registry *r,
    const struct country_doc *previous, uint32_t version)
{
	struct blob b = {NULL, 0};

	cr_assert_eq(country_build(
			 (struct hf_bytes){r->certificate, r->certificate_size},
			 previous, version, r->entries, r->count,
			 (struct instant){NOW}, (struct instant){NOW + DAY_MS},
			 r->registrars, REGISTRARS, &b.data, &b.size),
	    HF_OK);
	return b;
}

struct country_doc *registry_open(
    const struct registry *r, const struct blob *b)
{
	struct hf_key root = registry_root(r);
	struct country_doc *d = NULL;
	unsigned clause = 0;
	enum hf_err err =
	    country_doc_open(&d, b->data, b->size, &root, &clause);

	cr_assert_eq(err, HF_OK, "E%d at clause %u", (int)err, clause);
	return d;
}

struct blob registry_strip(const struct registry *r, const struct blob *b)
{
	struct country_doc *d = registry_open(r, b);
	struct blob out = {NULL, 0};

	cr_assert_eq(country_doc_strip(d, &out.data, &out.size), HF_OK);
	country_doc_free(d);
	return out;
}
