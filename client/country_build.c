/*
 * country_build: the entries of a new country document, from a description
 * or from the document in force.
 */
#include "client/country_build.h"

#include "proto/catalogue.h"
#include "proto/crypto.h"
#include "proto/ref.h"
#include "proto/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool bad(struct building *b, const char *what, const char *detail)
{
	snprintf(b->problem, sizeof(b->problem), "%s: %s", what,
	    detail != NULL ? detail : "missing or malformed");
	return false;
}

const char *spec_text(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? "" : s;
}

/* One of a list of texts; false: it is none. */
static bool item_text(char *out, size_t capacity, json_t *item)
{
	const char *s = json_string_value(item);

	if (s != NULL)
		snprintf(out, capacity, "%s", s);
	return s != NULL;
}

static void copy_text(char *out, size_t capacity, json_t *o, const char *key)
{
	snprintf(out, capacity, "%s", spec_text(o, key));
}

static bool key_of(
    json_t *o, const char *name, enum hf_key_type type, struct hf_key *out)
{
	return hf_keyline_read(out, type, spec_text(o, name)) == HF_OK;
}

static struct country_entry *add(
    struct building *b, enum entry_type type, bool domestic)
{
	struct country_entry *e;

	if (b->count == BUILDING_ENTRIES_MAX)
		return NULL;
	e = &b->entries[b->count++];
	memset(e, 0, sizeof(*e));
	e->type = type;
	e->domestic = domestic;
	return e;
}

/* The standing of an officer's signing key or a broker's transport key begins
 * with the first document that names it: older acts must verify against newer
 * documents, and a peer whose clock is a little behind must cut no link. */
static struct instant standing_since(
    const struct building *b, enum entry_type type, const struct hf_key *key)
{
	for (unsigned i = 0;
	     b->previous != NULL && i < b->previous->entry_count; i++) {
		const struct country_entry *e = &b->previous->entries[i];
		bool officer = type == ENTRY_OFFICER;

		if (e->type == type && memcmp(officer ? &e->u.officer.sign
						      : &e->u.broker.transport,
					   key, sizeof(*key)) == 0)
			return officer ? e->u.officer.valid_from
				       : e->u.broker.valid_from;
	}
	return b->now;
}

static bool add_brokers(struct building *b)
{
	json_t *list = json_object_get(b->spec, "brokers"), *o, *endpoint;
	size_t i, k;

	json_array_foreach (list, i, o) {
		struct country_entry *e = add(b, ENTRY_BROKER, false);
		struct broker_entry *x;

		if (e == NULL)
			return bad(b, "brokers", "too many entries");
		x = &e->u.broker;
		if (!key_of(o, "transport", HF_KEY_BROKER, &x->transport) ||
		    !key_of(o, "ledger", HF_KEY_LEDGER, &x->ledger))
			return bad(b, "brokers", "transport or ledger");
		x->has_witness = json_object_get(o, "witness") != NULL;
		if (x->has_witness &&
		    !key_of(o, "witness", HF_KEY_WITNESS, &x->witness))
			return bad(b, "brokers", "witness");
		x->epoch =
		    (uint32_t)json_integer_value(json_object_get(o, "epoch"));
		if (x->epoch == 0)
			x->epoch = 1;
		json_array_foreach (
		    json_object_get(o, "endpoints"), k, endpoint)
			if (k < ENDPOINT_MAX &&
			    !item_text(x->endpoints[x->endpoint_count++],
				ENDPOINT_TEXT_MAX, endpoint))
				return bad(b, "brokers", "endpoints");
		x->valid_from = standing_since(b, ENTRY_BROKER, &x->transport);
		x->valid_until = b->until;
	}
	return i > 0 ? true : bad(b, "brokers", NULL);
}

static bool add_desks(struct building *b)
{
	json_t *o, *item;
	size_t i, k;

	json_array_foreach (json_object_get(b->spec, "desks"), i, o) {
		const struct hf_code_info *type =
		    hf_code_by_name(HF_CODES_DESK_TYPE, spec_text(o, "type"));
		const char *name = spec_text(o, "desk");
		struct country_entry *e = add(b, ENTRY_DESK,
		    json_is_true(json_object_get(o, "domestic")));
		struct desk_entry *d;

		if (e == NULL || type == NULL ||
		    !hf_desk_ok(name, strlen(name)))
			return bad(b, "desks", name);
		d = &e->u.desk;
		memcpy(d->desk.s, name, strlen(name));
		d->type = type->code;
		copy_text(d->name, sizeof(d->name), o, "name");
		copy_text(d->telephone, sizeof(d->telephone), o, "telephone");
		copy_text(d->hours, sizeof(d->hours), o, "hours");
		copy_text(d->zone, sizeof(d->zone), o, "zone");
		json_array_foreach (json_object_get(o, "languages"), k, item)
			if (k < 8 &&
			    !item_text(d->languages[d->language_count++],
				sizeof(d->languages[0]), item))
				return bad(b, name, "languages");
		json_array_foreach (json_object_get(o, "means"), k, item)
			if (k < MEANS_MAX &&
			    !item_text(
				d->means[d->means_count++], TEXT_SHORT, item))
				return bad(b, name, "means");
		if (d->name[0] == '\0' || d->telephone[0] == '\0' ||
		    d->means_count == 0)
			return bad(b, name,
			    "name, telephone and one other means are "
			    "mandatory");
	}
	return i > 0 ? true : bad(b, "desks", NULL);
}

static const struct country_entry *find_desk(
    const struct building *b, const char *name)
{
	for (unsigned i = 0; i < b->count; i++)
		if (b->entries[i].type == ENTRY_DESK &&
		    strcmp(b->entries[i].u.desk.desk.s, name) == 0)
			return &b->entries[i];
	return NULL;
}

/* A term of so many days from `now`; none ends before it has begun. */
static bool days_from(struct instant now, double days, struct instant *until)
{
	const double day = 86400000.0;

	if (!(days > 0 && days * day < (double)(HF_TIME_LIMIT - now.ms)))
		return false;
	until->ms = now.ms + (uint64_t)(days * day);
	return true;
}

static bool add_officers(struct building *b)
{
	json_t *o;
	size_t i;

	json_array_foreach (json_object_get(b->spec, "officers"), i, o) {
		const struct hf_code_info *role =
		    hf_code_by_name(HF_CODES_ROLE, spec_text(o, "role"));
		const struct country_entry *desk =
		    find_desk(b, spec_text(o, "desk"));
		json_t *days = json_object_get(o, "valid_days");
		struct country_entry *e;
		struct officer_entry *x;

		if (role == NULL || desk == NULL)
			return bad(
			    b, "officers: role or desk", spec_text(o, "name"));
		e = add(b, ENTRY_OFFICER, desk->domestic);
		if (e == NULL)
			return bad(b, "officers", "too many entries");
		x = &e->u.officer;
		x->desk = desk->u.desk.desk;
		x->role = role->code;
		x->valid_from = b->now;
		x->valid_until = b->until;
		if (json_is_number(days) &&
		    !days_from(
			b->now, json_number_value(days), &x->valid_until))
			return bad(b, "officers", "valid_days");
		copy_text(x->name, sizeof(x->name), o, "name");
		if (!key_of(o, "sign", HF_KEY_OFFICER, &x->sign) ||
		    !key_of(o, "transport", HF_KEY_TRANSPORT, &x->transport) ||
		    !key_of(o, "unwrap", HF_KEY_UNWRAP, &x->unwrap))
			return bad(
			    b, "officers: sign, transport or unwrap", x->name);
		x->valid_from = standing_since(b, ENTRY_OFFICER, &x->sign);
	}
	return true;
}

static bool add_profiles(struct building *b)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(b->spec, "profiles"), i, item) {
		const char *name = json_string_value(item);
		const struct hf_profile *p =
		    name == NULL ? NULL : hf_profile_by_name(name);
		struct country_entry *e = add(b, ENTRY_PROFILE, false);

		if (p == NULL || e == NULL)
			return bad(b, "profiles", name);
		e->u.profile = *p;
	}
	return i > 0 ? true : bad(b, "profiles", NULL);
}

static bool add_revocations(struct building *b)
{
	json_t *o;
	size_t i;

	json_array_foreach (json_object_get(b->spec, "revocations"), i, o) {
		struct country_entry *e = add(b, ENTRY_REVOCATION, false);
		struct revocation_entry *x;
		int zone;

		if (e == NULL)
			return bad(b, "revocations", "too many entries");
		x = &e->u.revocation;
		if (!key_of(o, "key", HF_KEY_OFFICER, &x->key))
			return bad(b, "revocations", "key");
		x->revoked = b->now;
		x->since = b->now;
		if (spec_text(o, "revoked")[0] != '\0' &&
		    hf_rfc3339_read(
			&x->revoked, &zone, spec_text(o, "revoked")) != HF_OK)
			return bad(
			    b, "revocations: revoked", spec_text(o, "revoked"));
		x->since = x->revoked;
		if (spec_text(o, "since")[0] != '\0' &&
		    hf_rfc3339_read(&x->since, &zone, spec_text(o, "since")) !=
			HF_OK)
			return bad(
			    b, "revocations: since", spec_text(o, "since"));
	}
	return true;
}

static bool is_revoked(const struct building *b, const struct hf_key *key)
{
	for (unsigned i = 0; i < b->count; i++)
		if (b->entries[i].type == ENTRY_REVOCATION &&
		    memcmp(&b->entries[i].u.revocation.key, key,
			sizeof(*key)) == 0)
			return true;
	return false;
}

/* What was revoked stays revoked, whatever the description forgot. */
static bool keep_revocations(struct building *b)
{
	for (unsigned i = 0;
	     b->previous != NULL && i < b->previous->entry_count; i++) {
		const struct country_entry *old = &b->previous->entries[i];
		struct country_entry *e;

		if (old->type != ENTRY_REVOCATION ||
		    is_revoked(b, &old->u.revocation.key))
			continue;
		e = add(b, ENTRY_REVOCATION, false);
		if (e == NULL)
			return bad(b, "revocations", "too many entries");
		*e = *old;
	}
	return true;
}

/* ---- sealing keys ---- */

static const struct desk_entry *previous_desk(
    const struct building *b, const struct hf_desk *desk)
{
	for (unsigned i = 0;
	     b->previous != NULL && i < b->previous->entry_count; i++)
		if (b->previous->entries[i].type == ENTRY_DESK &&
		    strcmp(b->previous->entries[i].u.desk.desk.s, desk->s) == 0)
			return &b->previous->entries[i].u.desk;
	return NULL;
}

static bool has_wrap(const struct building *b, const struct hf_desk *desk,
    uint32_t epoch, const struct hf_key *officer)
{
	for (unsigned i = 0; i < b->previous->entry_count; i++) {
		const struct wrap_entry *w = &b->previous->entries[i].u.wrap;

		if (b->previous->entries[i].type == ENTRY_WRAP &&
		    w->epoch == epoch && strcmp(w->desk.s, desk->s) == 0 &&
		    memcmp(&w->officer, officer, sizeof(*officer)) == 0)
			return true;
	}
	return false;
}

static bool stands(const struct building *b, const struct hf_desk *desk,
    const struct hf_key *officer)
{
	for (unsigned i = 0; i < b->count; i++)
		if (b->entries[i].type == ENTRY_OFFICER &&
		    strcmp(b->entries[i].u.officer.desk.s, desk->s) == 0 &&
		    memcmp(&b->entries[i].u.officer.sign, officer,
			sizeof(*officer)) == 0)
			return !is_revoked(b, officer);
	return false;
}

/* May the desk go on with its key?  Only if every officer of today has it
 * and everybody who has it is an officer of today. */
static bool keeps_key(const struct building *b, const struct desk_entry *old)
{
	for (unsigned i = 0; i < b->previous->entry_count; i++) {
		const struct wrap_entry *w = &b->previous->entries[i].u.wrap;

		if (b->previous->entries[i].type == ENTRY_WRAP &&
		    w->epoch == old->epoch &&
		    strcmp(w->desk.s, old->desk.s) == 0 &&
		    !stands(b, &old->desk, &w->officer))
			return false;
	}
	for (unsigned i = 0; i < b->count; i++) {
		const struct officer_entry *o = &b->entries[i].u.officer;

		if (b->entries[i].type == ENTRY_OFFICER &&
		    strcmp(o->desk.s, old->desk.s) == 0 &&
		    !is_revoked(b, &o->sign) &&
		    !has_wrap(b, &old->desk, old->epoch, &o->sign))
			return false;
	}
	return true;
}

static bool new_epoch(struct building *b, struct desk_entry *d, uint32_t epoch)
{
	uint8_t secret[HF_KEY_SIZE], ephemeral[HF_KEY_SIZE];
	unsigned count = b->count;
	bool ok = true;

	sealing_pair(&d->sealing, secret);
	d->epoch = epoch;
	for (unsigned i = 0; i < count && ok; i++) {
		const struct officer_entry *o = &b->entries[i].u.officer;
		struct country_entry *e;

		if (b->entries[i].type != ENTRY_OFFICER ||
		    strcmp(o->desk.s, d->desk.s) != 0 ||
		    is_revoked(b, &o->sign))
			continue;
		e = add(b, ENTRY_WRAP, true);
		if (e == NULL) {
			ok = bad(b, d->desk.s, "too many entries");
			break;
		}
		e->u.wrap.desk = d->desk;
		e->u.wrap.epoch = epoch;
		e->u.wrap.officer = o->sign;
		hf_random(ephemeral, sizeof(ephemeral));
		ok = hf_box_seal(e->u.wrap.sealed, secret, &o->unwrap,
			 ephemeral) == HF_OK;
	}
	hf_wipe(secret, sizeof(secret));
	hf_wipe(ephemeral, sizeof(ephemeral));
	return ok;
}

/* Old wraps stay, so that old bodies can be read. */
static bool keep_wraps(struct building *b)
{
	for (unsigned i = 0;
	     b->previous != NULL && i < b->previous->entry_count; i++) {
		const struct country_entry *old = &b->previous->entries[i];
		struct country_entry *e;

		if (old->type != ENTRY_WRAP ||
		    find_desk(b, old->u.wrap.desk.s) == NULL)
			continue;
		e = add(b, ENTRY_WRAP, true);
		if (e == NULL)
			return bad(b, "wraps", "too many entries");
		*e = *old;
	}
	return true;
}

static bool seal_desks(struct building *b)
{
	unsigned count = b->count;

	if (!keep_wraps(b))
		return false;
	for (unsigned i = 0; i < count; i++) {
		struct desk_entry *d = &b->entries[i].u.desk;
		const struct desk_entry *old;

		if (b->entries[i].type != ENTRY_DESK)
			continue;
		old = previous_desk(b, &d->desk);
		if (old != NULL && keeps_key(b, old)) {
			d->sealing = old->sealing;
			d->epoch = old->epoch;
		} else if (!new_epoch(b, d, old == NULL ? 1 : old->epoch + 1)) {
			return false;
		}
	}
	return true;
}

bool building_from_spec(struct building *b)
{
	return add_brokers(b) && add_desks(b) && add_officers(b) &&
	       add_profiles(b) && add_revocations(b) && keep_revocations(b) &&
	       seal_desks(b);
}

bool building_revoke(
    struct building *b, const struct hf_key *key, struct instant since)
{
	bool known = false;
	struct country_entry *e;

	for (unsigned i = 0; i < b->previous->entry_count; i++) {
		const struct country_entry *old = &b->previous->entries[i];

		if (old->type == ENTRY_WRAP) /* seal_desks keeps them */
			continue;
		if (old->type == ENTRY_REVOCATION &&
		    memcmp(&old->u.revocation.key, key, sizeof(*key)) == 0)
			return bad(b, "--key", "revoked already");
		known |= old->type == ENTRY_OFFICER &&
			 memcmp(&old->u.officer.sign, key, sizeof(*key)) == 0;
		e = add(b, old->type, old->domestic);
		if (e == NULL)
			return bad(b, "--previous", "too many entries");
		*e = *old;
	}
	if (!known)
		return bad(b, "--key", "no officer of the document has it");
	e = add(b, ENTRY_REVOCATION, false);
	if (e == NULL)
		return bad(b, "--previous", "too many entries");
	e->u.revocation.key = *key;
	e->u.revocation.since = since;
	e->u.revocation.revoked = b->now;
	return seal_desks(b);
}
