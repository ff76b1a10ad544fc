/*
 * roster: pins and the documents in force, with tables for the look-ups on
 * the hot path: officers and brokers by their keys.
 *
 * The tables point into the documents and are rebuilt whole when a document
 * changes, which is rare.  To forget a country only takes rows away: that
 * cannot fail.
 */
#include "keys/roster.h"

#include "proto/crypto.h"
#include "proto/table.h"
#include "proto/wire.h"

#include <stdlib.h>
#include <string.h>

struct key_name { /* no padding: hashed as bytes */
	struct hf_key key;
	struct hf_country country; /* zeros where the key alone names */
};

struct key_row {
	struct key_name name;
	const struct country_entry *entry;
	struct hf_country country;
	bool lost; /* there was no memory to add it */
	UT_hash_handle hh;
};

#define PROFILES_KEPT 256u /* of replaced documents, a country */

struct pinned {
	struct hf_country country;
	struct hf_key root;
	struct country_doc *doc; /* NULL: none yet */
	/* what running cases may have pinned before; owned, oldest first */
	struct hf_profile *old;
	unsigned old_count;
};

struct roster {
	struct pinned pins[HF_COUNTRY_MAX];
	unsigned count;
	/* by key and country; of brokers by the key alone, which is all that a
	 * connection tells */
	struct key_row *by_sign, *by_transport, *brokers, *revoked;
	struct hf_country rival;
};

struct roster *roster_new(void)
{
	return calloc(1, sizeof(struct roster));
}

static void clear(struct key_row **table)
{
	struct key_row *r, *next;

	HASH_ITER (hh, *table, r, next) {
		HASH_DEL(*table, r);
		free(r);
	}
}

/* No row of another country hides behind one of this: a sign or transport key
 * is a row of each that names it, a broker's key is named by one alone. */
static void clear_country(struct key_row **table, struct hf_country c)
{
	struct key_row *r, *next;

	HASH_ITER (hh, *table, r, next) {
		if (strcmp(r->country.s, c.s) != 0)
			continue;
		HASH_DEL(*table, r);
		free(r);
	}
}

static void clear_tables(struct roster *r)
{
	clear(&r->by_sign);
	clear(&r->by_transport);
	clear(&r->brokers);
	clear(&r->revoked);
}

static void clear_pin(struct pinned *p)
{
	country_doc_free(p->doc);
	free(p->old);
}

void roster_free(struct roster *r)
{
	if (r == NULL)
		return;
	clear_tables(r);
	for (unsigned i = 0; i < r->count; i++)
		clear_pin(&r->pins[i]);
	free(r);
}

static struct pinned *find(const struct roster *r, struct hf_country c)
{
	for (unsigned i = 0; i < r->count; i++)
		if (strcmp(r->pins[i].country.s, c.s) == 0)
			return (struct pinned *)(uintptr_t)&r->pins[i];
	return NULL;
}

static struct key_row *look_up(struct key_row *table, const struct hf_key *key,
    const struct hf_country *country)
{
	struct key_name name = {*key, {{0}}};
	struct key_row *row = NULL;

	if (country != NULL)
		name.country = *country;
	HASH_FIND(hh, table, &name, sizeof(name), row);
	return row;
}

/* Among a country's own broker entries the newest epoch speaks. */
static enum hf_err add_row(struct key_row **table, const struct hf_key *key,
    const struct hf_country *name_country, const struct country_entry *entry,
    struct hf_country country)
{
	struct key_row *row = look_up(*table, key, name_country);

	if (row != NULL) {
		if (entry->type == ENTRY_BROKER &&
		    entry->u.broker.epoch > row->entry->u.broker.epoch)
			row->entry = entry;
		return HF_OK;
	}
	row = calloc(1, sizeof(*row));
	if (row == NULL)
		return HF_NOMEM;
	row->name.key = *key;
	if (name_country != NULL)
		row->name.country = *name_country;
	row->entry = entry;
	row->country = country;
	HASH_ADD(hh, *table, name, sizeof(row->name), row);
	if (!row->lost)
		return HF_OK;
	free(row);
	return HF_NOMEM;
}

static enum hf_err index_entry(
    struct roster *r, const struct country_entry *e, struct hf_country c)
{
	enum hf_err err;

	switch (e->type) {
	case ENTRY_OFFICER:
		err = add_row(&r->by_sign, &e->u.officer.sign, &c, e, c);
		if (err != HF_OK)
			return err;
		return add_row(
		    &r->by_transport, &e->u.officer.transport, &c, e, c);
	case ENTRY_BROKER:
		return add_row(&r->brokers, &e->u.broker.transport, NULL, e, c);
	case ENTRY_REVOCATION:
		return add_row(&r->revoked, &e->u.revocation.key, &c, e, c);
	default:
		return HF_OK;
	}
}

/* On HF_NOMEM no table stands, so that look-ups find nothing: half of them
 * could know an officer and not the revocation. */
static enum hf_err rebuild(struct roster *r)
{
	clear_tables(r);
	for (unsigned i = 0; i < r->count; i++) {
		const struct country_doc *d = r->pins[i].doc;

		for (unsigned k = 0; d != NULL && k < d->entry_count; k++)
			if (index_entry(r, &d->entries[k], d->head.country) !=
			    HF_OK) {
				clear_tables(r);
				return HF_NOMEM;
			}
	}
	return HF_OK;
}

enum hf_err roster_pin(
    struct roster *r, struct hf_country c, const struct hf_key *root)
{
	struct pinned *p = find(r, c);

	if (p != NULL)
		return memcmp(&p->root, root, sizeof(*root)) == 0
			   ? HF_OK
			   : HF_DOC_CONFLICT;
	if (r->count == HF_COUNTRY_MAX)
		return HF_TOO_MANY;
	p = &r->pins[r->count++];
	memset(p, 0, sizeof(*p));
	p->country = c;
	p->root = *root;
	return HF_OK;
}

const struct hf_key *roster_root(const struct roster *r, struct hf_country c)
{
	const struct pinned *p = find(r, c);

	return p == NULL ? NULL : &p->root;
}

void roster_unpin(struct roster *r, struct hf_country c)
{
	struct pinned *p = find(r, c);

	if (p == NULL)
		return;
	clear_country(&r->by_sign, c);
	clear_country(&r->by_transport, c);
	clear_country(&r->brokers, c);
	clear_country(&r->revoked, c);
	clear_pin(p);
	*p = r->pins[--r->count];
}

static enum hf_err peek_country(
    const void *bytes, size_t size, struct hf_country *c)
{
	struct hf_bytes head;
	struct wire w;

	if (size < 2)
		return HF_TRUNCATED;
	wire_init(&w, (const uint8_t *)bytes + 1, size - 1);
	wire_bin(&w, 1, 2048);
	wire_bin(&w, HF_SIG_SIZE, HF_SIG_SIZE);
	head = wire_bin(&w, 1, 2048);
	if (w.err != HF_OK)
		return w.err;
	wire_init(&w, head.data, head.size);
	wire_map(&w, HF_MAP_MAX);
	wire_key(&w);
	*c = wire_country(&w);
	return w.err;
}

/* A connection tells its key and nothing else, so no two countries have a
 * broker of one key.  The document that comes later is refused whole: what is
 * in force names each key once, in whatever order it is read again. */
static enum hf_err check_brokers(struct roster *r, const struct country_doc *d)
{
	for (unsigned i = 0; i < d->entry_count; i++) {
		const struct country_entry *e = &d->entries[i];
		const struct key_row *row;

		if (e->type != ENTRY_BROKER)
			continue;
		row = look_up(r->brokers, &e->u.broker.transport, NULL);
		if (row == NULL ||
		    strcmp(row->country.s, d->head.country.s) == 0)
			continue;
		r->rival = row->country;
		return HF_KEY_CLAIMED;
	}
	return HF_OK;
}

/* HF_OK: `d` replaces `old`. */
static enum hf_err compare(
    const struct country_doc *d, const struct country_doc *old)
{
	if (old == NULL || d->head.version > old->head.version + 1)
		return HF_OK;
	if (d->head.version == old->head.version) {
		if (memcmp(&d->head_digest, &old->head_digest,
			sizeof(d->head_digest)) != 0)
			return HF_DOC_CONFLICT;
		return d->has_domestic && !old->has_domestic ? HF_OK
							     : HF_DOC_OLD;
	}
	if (d->head.version < old->head.version)
		return HF_DOC_OLD;
	return memcmp(&d->head.prev, &old->head_digest, sizeof(d->head.prev)) ==
		       0
		   ? HF_OK
		   : HF_DOC_INVALID;
}

static const struct hf_profile *old_profile(
    const struct pinned *p, const struct hf_hash *digest)
{
	for (unsigned i = 0; i < p->old_count; i++)
		if (memcmp(&p->old[i].digest, digest, sizeof(*digest)) == 0)
			return &p->old[i];
	return NULL;
}

/* A case keeps the rules that it pinned when a newer document has others. */
static enum hf_err keep_profiles(struct pinned *p)
{
	const struct country_doc *d = p->doc;

	for (unsigned i = 0; d != NULL && i < d->entry_count; i++) {
		const struct hf_profile *profile = &d->entries[i].u.profile;
		struct hf_profile *grown;

		if (d->entries[i].type != ENTRY_PROFILE ||
		    old_profile(p, &profile->digest) != NULL)
			continue;
		if (p->old_count == PROFILES_KEPT)
			memmove(p->old, p->old + 1,
			    --p->old_count * sizeof(*p->old));
		grown = realloc(p->old, (p->old_count + 1) * sizeof(*grown));
		if (grown == NULL)
			return HF_NOMEM;
		p->old = grown;
		p->old[p->old_count++] = *profile;
	}
	return HF_OK;
}

enum hf_err roster_add(struct roster *r, const void *bytes, size_t size,
    struct hf_country *country, uint32_t *version)
{
	struct country_doc *d = NULL;
	struct pinned *p;
	unsigned clause;
	enum hf_err err;

	*version = 0;
	memset(country, 0, sizeof(*country));
	err = peek_country(bytes, size, country);
	if (err != HF_OK)
		return err;
	p = find(r, *country);
	if (p == NULL)
		return HF_ROOT_UNKNOWN;
	err = country_doc_open(&d, bytes, size, &p->root, &clause);
	if (err != HF_OK)
		return err;
	*version = d->head.version;
	err = compare(d, p->doc);
	if (err == HF_OK)
		err = check_brokers(r, d);
	if (err == HF_OK)
		err = keep_profiles(p);
	if (err != HF_OK) {
		country_doc_free(d);
		return err;
	}
	country_doc_free(p->doc);
	p->doc = d;
	return rebuild(r);
}

const struct country_doc *roster_doc(
    const struct roster *r, struct hf_country c)
{
	const struct pinned *p = find(r, c);

	return p == NULL ? NULL : p->doc;
}

const struct country_doc *roster_at(const struct roster *r, unsigned i)
{
	for (unsigned k = 0; k < r->count; k++)
		if (r->pins[k].doc != NULL && i-- == 0)
			return r->pins[k].doc;
	return NULL;
}

struct hf_country roster_rival(const struct roster *r)
{
	return r->rival;
}

const struct officer_entry *roster_officer(
    const struct roster *r, struct hf_country c, const struct hf_key *sign_key)
{
	const struct key_row *row = look_up(r->by_sign, sign_key, &c);

	return row == NULL ? NULL : &row->entry->u.officer;
}

const struct officer_entry *roster_officer_anywhere(
    const struct roster *r, const struct hf_key *sign_key)
{
	const struct officer_entry *found = NULL;

	for (unsigned i = 0; i < r->count; i++) {
		const struct officer_entry *o =
		    roster_officer(r, r->pins[i].country, sign_key);

		if (o != NULL && found != NULL)
			return NULL;
		if (o != NULL)
			found = o;
	}
	return found;
}

const struct officer_entry *roster_officer_by_transport(
    const struct roster *r, struct hf_country c, const struct hf_key *transport)
{
	const struct key_row *row = look_up(r->by_transport, transport, &c);

	return row == NULL ? NULL : &row->entry->u.officer;
}

const struct revocation_entry *roster_revocation(
    const struct roster *r, struct hf_country c, const struct hf_key *key)
{
	const struct key_row *row = look_up(r->revoked, key, &c);

	return row == NULL ? NULL : &row->entry->u.revocation;
}

enum hf_err roster_officer_check(const struct roster *r, struct hf_country c,
    const struct hf_key *sign_key, struct instant at,
    const struct officer_entry **officer)
{
	const struct officer_entry *o = roster_officer(r, c, sign_key);
	const struct revocation_entry *gone = roster_revocation(r, c, sign_key);

	*officer = o;
	if (o == NULL)
		return HF_UNKNOWN_OFFICER;
	if (gone != NULL && at.ms >= gone->revoked.ms)
		return HF_REVOKED;
	if (at.ms < o->valid_from.ms || at.ms >= o->valid_until.ms)
		return HF_EXPIRED_KEY;
	return HF_OK;
}

enum hf_err roster_officer_now(const struct roster *r, struct hf_country c,
    const struct hf_key *sign_key, struct instant now,
    const struct officer_entry **officer)
{
	const struct country_doc *d = roster_doc(r, c);
	const struct revocation_entry *gone = roster_revocation(r, c, sign_key);
	enum hf_err err = roster_officer_check(r, c, sign_key, now, officer);

	return *officer != NULL && gone != NULL && d != NULL &&
		       gone->revoked.ms <= d->head.issued.ms
		   ? HF_REVOKED
		   : err;
}

const struct desk_entry *roster_desk(
    const struct roster *r, const struct hf_desk *desk)
{
	const struct country_doc *d = roster_doc(r, hf_desk_country(desk));

	for (unsigned i = 0; d != NULL && i < d->entry_count; i++)
		if (d->entries[i].type == ENTRY_DESK &&
		    strcmp(d->entries[i].u.desk.desk.s, desk->s) == 0)
			return &d->entries[i].u.desk;
	return NULL;
}

const struct broker_entry *roster_broker(
    const struct roster *r, struct hf_country c)
{
	const struct country_doc *d = roster_doc(r, c);
	const struct broker_entry *newest = NULL;

	for (unsigned i = 0; d != NULL && i < d->entry_count; i++)
		if (d->entries[i].type == ENTRY_BROKER &&
		    (newest == NULL ||
			d->entries[i].u.broker.epoch > newest->epoch))
			newest = &d->entries[i].u.broker;
	return newest;
}

const struct hf_key *roster_ledger_key(
    const struct roster *r, struct hf_country c, uint32_t epoch)
{
	const struct country_doc *d = roster_doc(r, c);

	for (unsigned i = 0; d != NULL && i < d->entry_count; i++)
		if (d->entries[i].type == ENTRY_BROKER &&
		    d->entries[i].u.broker.epoch == epoch)
			return &d->entries[i].u.broker.ledger;
	return NULL;
}

enum hf_err roster_receipt_check(const struct roster *r, struct hf_country c,
    const struct hf_receipt *receipt, uint64_t *tree_size)
{
	return roster_receipt_check_known(r, c, receipt, NULL, tree_size);
}

enum hf_err roster_receipt_check_known(const struct roster *r,
    struct hf_country c, const struct hf_receipt *receipt,
    struct hf_known_heads *known, uint64_t *tree_size)
{
	char origin[HF_ORIGIN_MAX];
	const struct hf_key *key;
	struct hf_country named;
	uint32_t epoch;
	enum hf_err err = hf_note_origin(receipt->note, &named, &epoch);

	if (err != HF_OK)
		return err;
	key = roster_ledger_key(r, c, epoch);
	if (key == NULL || strcmp(named.s, c.s) != 0 ||
	    epoch < receipt->leaf.epoch)
		return HF_CHECKPOINT;
	hf_origin(origin, c, epoch);
	return hf_receipt_verify_known(receipt, origin, key, known, tree_size);
}

const struct broker_entry *roster_broker_by_transport(const struct roster *r,
    const struct hf_key *transport, struct hf_country *country)
{
	const struct key_row *row = look_up(r->brokers, transport, NULL);

	if (row == NULL)
		return NULL;
	*country = row->country;
	return &row->entry->u.broker;
}

const struct hf_profile *roster_profile(
    const struct roster *r, struct hf_country c, unsigned basis)
{
	const struct country_doc *d = roster_doc(r, c);

	for (unsigned i = 0; d != NULL && i < d->entry_count; i++)
		if (d->entries[i].type == ENTRY_PROFILE &&
		    d->entries[i].u.profile.basis == basis)
			return &d->entries[i].u.profile;
	return NULL;
}

const struct hf_profile *roster_profile_by_digest(
    const struct roster *r, const struct hf_hash *digest)
{
	const struct hf_profile *p;

	for (unsigned k = 0; k < r->count; k++) {
		const struct country_doc *d = r->pins[k].doc;

		for (unsigned i = 0; d != NULL && i < d->entry_count; i++)
			if (d->entries[i].type == ENTRY_PROFILE &&
			    memcmp(&d->entries[i].u.profile.digest, digest,
				sizeof(*digest)) == 0)
				return &d->entries[i].u.profile;
		p = old_profile(&r->pins[k], digest);
		if (p != NULL)
			return p;
	}
	for (unsigned i = 0; (p = hf_profile_at(i)) != NULL; i++)
		if (memcmp(&p->digest, digest, sizeof(*digest)) == 0)
			return p;
	return NULL;
}

const struct wrap_entry *roster_wrap(const struct roster *r,
    const struct hf_desk *desk, uint32_t epoch, const struct hf_key *officer)
{
	const struct country_doc *d = roster_doc(r, hf_desk_country(desk));

	for (unsigned i = 0; d != NULL && i < d->entry_count; i++) {
		const struct wrap_entry *w = &d->entries[i].u.wrap;

		if (d->entries[i].type == ENTRY_WRAP && w->epoch == epoch &&
		    strcmp(w->desk.s, desk->s) == 0 &&
		    memcmp(&w->officer, officer, sizeof(*officer)) == 0)
			return w;
	}
	return NULL;
}

unsigned roster_approvals(const struct roster *r, struct hf_country c,
    unsigned kind, unsigned measure)
{
	const struct country_doc *d = roster_doc(r, c);
	unsigned needed = 1;

	for (unsigned i = 0; d != NULL && i < d->entry_count; i++) {
		const struct approval_entry *a = &d->entries[i].u.approval;

		if (d->entries[i].type == ENTRY_APPROVAL && a->kind == kind &&
		    (a->measure == 0 || a->measure == measure) &&
		    a->needed > needed)
			needed = a->needed;
	}
	return needed;
}
