/*
 * country_build: who holds which sealing key after a change of people, and
 * that what was revoked stays revoked.
 */
#include "client/country_build.h"
#include "keys/secret.h"
#include "proto/crypto.h"
#include "proto/ref.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define NOW UINT64_C(1790000000000)
#define OFFICERS 3u

/* ops: one officer; ncp: two.  Registrars: 2 of 2. */
struct office {
	struct secret *root, *registrars[2];
	struct hf_key root_key;
	struct secret *officers[OFFICERS], *broker;
	struct country_doc *doc;
	uint32_t version;
};
static const char *const desk_of[OFFICERS] = {"jp.ops", "jp.ncp", "jp.ncp"};

static json_t *line_of(enum hf_key_type type, struct hf_key key)
{
	char line[HF_KEYLINE_MAX];

	hf_keyline(line, type, &key);
	return json_string(line);
}

static json_t *desk_spec(const char *name)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "desk", name, "type",
	    strcmp(name, "jp.ops") == 0 ? "operator" : "contact-point", "name",
	    name, "telephone", "+81", "means", "fax:+81");
}

/* With the first `officers` officers. */
static json_t *spec_of(const struct office *o, unsigned officers)
{
	const struct secret *broker = o->broker;
	json_t *spec =
	    json_pack("{s:s, s:[{s:o, s:o, s:[s]}], s:[o, o], s:[s], s:[], "
		      "s:[]}",
		"country", "JP", "brokers", "transport",
		line_of(HF_KEY_BROKER, secret_transport_key(broker)), "ledger",
		line_of(HF_KEY_LEDGER, secret_sign_key(broker)), "endpoints",
		"tcp://127.0.0.1:1", "desks", desk_spec("jp.ops"),
		desk_spec("jp.ncp"), "profiles", "budapest", "officers",
		"revocations");

	for (unsigned i = 0; i < officers; i++)
		json_array_append_new(json_object_get(spec, "officers"),
		    json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "name",
			"an officer", "desk", desk_of[i], "role",
			strcmp(desk_of[i], "jp.ops") == 0 ? "operator" : "duty",
			"sign",
			line_of(
			    HF_KEY_OFFICER, secret_sign_key(o->officers[i])),
			"transport",
			line_of(HF_KEY_TRANSPORT,
			    secret_transport_key(o->officers[i])),
			"unwrap",
			line_of(
			    HF_KEY_UNWRAP, secret_unwrap_key(o->officers[i]))));
	return spec;
}

static struct building building_of(const struct office *o)
{
	struct building b = {.previous = o->doc,
	    .now = {NOW + o->version * 1000u},
	    .until = {NOW + UINT64_C(86400000)},
	    .country = {"JP"}};

	b.entries = calloc(BUILDING_ENTRIES_MAX, sizeof(*b.entries));
	cr_assert_not_null(b.entries);
	return b;
}

/* Sign what was built; it is the document in force from now on. */
static void adopt(struct office *o, struct building *b)
{
	uint8_t certificate[1024], *document = NULL;
	struct country_doc *next = NULL;
	size_t certificate_size, size;
	unsigned clause = 0;

	if (o->doc == NULL) {
		struct hf_key keys[2] = {secret_sign_key(o->registrars[0]),
		    secret_sign_key(o->registrars[1])};

		cr_assert_eq(
		    country_certify(b->country, 2, keys, 2,
			(struct instant){NOW},
			(struct instant){NOW + UINT64_C(864000000)}, 1, o->root,
			certificate, sizeof(certificate), &certificate_size),
		    HF_OK);
	} else {
		cr_assert_eq(country_doc_certificate(o->doc, certificate,
				 sizeof(certificate), &certificate_size),
		    HF_OK);
	}
	cr_assert_eq(
	    country_build((struct hf_bytes){certificate, certificate_size},
		o->doc, ++o->version, b->entries, b->count, b->now, b->until,
		o->registrars, 2, &document, &size),
	    HF_OK);
	cr_assert_eq(
	    country_doc_open(&next, document, size, &o->root_key, &clause),
	    HF_OK, "clause %u", clause);
	free(document);
	free(b->entries);
	country_doc_free(o->doc);
	o->doc = next;
}

static void build_spec(struct office *o, unsigned officers)
{
	struct building b = building_of(o);

	b.spec = spec_of(o, officers);
	cr_assert(building_from_spec(&b), "%s", b.problem);
	json_decref(b.spec);
	adopt(o, &b);
}

static void revoke(struct office *o, unsigned officer)
{
	struct building b = building_of(o);
	struct hf_key key = secret_sign_key(o->officers[officer]);

	cr_assert(building_revoke(&b, &key, b.now), "%s", b.problem);
	adopt(o, &b);
}

static void setup(struct office *o)
{
	cr_assert_eq(hf_crypto_init(), HF_OK);
	memset(o, 0, sizeof(*o));
	o->root = secret_new(SECRET_ROOT);
	o->root_key = secret_sign_key(o->root);
	for (unsigned i = 0; i < 2; i++)
		o->registrars[i] = secret_new(SECRET_REGISTRAR);
	for (unsigned i = 0; i < OFFICERS; i++)
		o->officers[i] = secret_new(SECRET_OFFICER);
	o->broker = secret_new(SECRET_BROKER);
	build_spec(o, OFFICERS);
}

static void teardown(struct office *o)
{
	country_doc_free(o->doc);
	secret_free(o->root);
	secret_free(o->broker);
	for (unsigned i = 0; i < 2; i++)
		secret_free(o->registrars[i]);
	for (unsigned i = 0; i < OFFICERS; i++)
		secret_free(o->officers[i]);
}

static uint32_t epoch_of(const struct office *o, const char *desk)
{
	for (unsigned i = 0; i < o->doc->entry_count; i++)
		if (o->doc->entries[i].type == ENTRY_DESK &&
		    strcmp(o->doc->entries[i].u.desk.desk.s, desk) == 0)
			return o->doc->entries[i].u.desk.epoch;
	return 0;
}

/* Can the officer open his desk's key of this epoch, and is it the key? */
static bool holds(const struct office *o, unsigned officer, uint32_t epoch)
{
	struct hf_key sign = secret_sign_key(o->officers[officer]), got;
	const struct desk_entry *desk = NULL;
	uint8_t secret[HF_KEY_SIZE];

	for (unsigned i = 0; i < o->doc->entry_count; i++)
		if (o->doc->entries[i].type == ENTRY_DESK &&
		    strcmp(o->doc->entries[i].u.desk.desk.s,
			desk_of[officer]) == 0)
			desk = &o->doc->entries[i].u.desk;
	cr_assert_not_null(desk);
	for (unsigned i = 0; i < o->doc->entry_count; i++) {
		const struct wrap_entry *w = &o->doc->entries[i].u.wrap;

		if (o->doc->entries[i].type != ENTRY_WRAP ||
		    w->epoch != epoch ||
		    memcmp(&w->officer, &sign, sizeof(sign)) != 0)
			continue;
		cr_assert_eq(
		    secret_unwrap(o->officers[officer], w->sealed, secret),
		    HF_OK);
		got = sealing_public(secret);
		return epoch != desk->epoch ||
		       memcmp(&got, &desk->sealing, sizeof(got)) == 0;
	}
	return false;
}

static bool is_revoked(const struct office *o, unsigned officer)
{
	struct hf_key sign = secret_sign_key(o->officers[officer]);

	for (unsigned i = 0; i < o->doc->entry_count; i++)
		if (o->doc->entries[i].type == ENTRY_REVOCATION &&
		    memcmp(&o->doc->entries[i].u.revocation.key, &sign,
			sizeof(sign)) == 0)
			return true;
	return false;
}

Test(country_build, registrars_revoke_and_the_desk_gets_a_new_key)
{
	struct office o;

	setup(&o);
	revoke(&o, 2);
	cr_expect(is_revoked(&o, 2));
	cr_expect_not(is_revoked(&o, 1));
	cr_expect_eq(epoch_of(&o, "jp.ncp"), 2);
	cr_expect_eq(epoch_of(&o, "jp.ops"), 1);
	cr_expect(holds(&o, 1, 2));
	cr_expect(holds(&o, 1, 1), "old bodies stay readable");
	cr_expect_not(holds(&o, 2, 2));
	cr_expect(holds(&o, 0, 1));
	teardown(&o);
}

Test(country_build, a_revocation_changes_a_key_once)
{
	struct office o;

	setup(&o);
	revoke(&o, 2);
	revoke(&o, 0);
	cr_expect_eq(epoch_of(&o, "jp.ncp"), 2);
	cr_expect_eq(epoch_of(&o, "jp.ops"), 2);
	cr_expect(holds(&o, 1, 2));
	cr_expect(is_revoked(&o, 2) && is_revoked(&o, 0));
	teardown(&o);
}

Test(country_build, a_description_cannot_forget_a_revocation)
{
	struct office o;

	setup(&o);
	revoke(&o, 2);
	build_spec(&o, OFFICERS);
	cr_expect(is_revoked(&o, 2));
	cr_expect_eq(epoch_of(&o, "jp.ncp"), 2);
	cr_expect_not(holds(&o, 2, 2));
	teardown(&o);
}

Test(country_build, who_leaves_a_desk_loses_its_key)
{
	struct office o;

	setup(&o);
	build_spec(&o, OFFICERS);
	cr_expect_eq(epoch_of(&o, "jp.ncp"), 1, "nothing changed");
	build_spec(&o, OFFICERS - 1);
	cr_expect_eq(epoch_of(&o, "jp.ncp"), 2);
	cr_expect(holds(&o, 1, 2));
	cr_expect_not(holds(&o, 2, 2));
	build_spec(&o, OFFICERS);
	cr_expect_eq(epoch_of(&o, "jp.ncp"), 3);
	cr_expect(holds(&o, 2, 3));
	teardown(&o);
}

Test(country_build, refuses_to_revoke_nobody_or_twice)
{
	struct secret *stranger;
	struct hf_key key;
	struct building b;
	struct office o;

	setup(&o);
	stranger = secret_new(SECRET_OFFICER);
	b = building_of(&o);
	key = secret_sign_key(stranger);
	cr_expect_not(building_revoke(&b, &key, b.now));
	cr_expect(strstr(b.problem, "no officer") != NULL, "%s", b.problem);
	free(b.entries);
	revoke(&o, 1);
	b = building_of(&o);
	key = secret_sign_key(o.officers[1]);
	cr_expect_not(building_revoke(&b, &key, b.now));
	cr_expect(strstr(b.problem, "already") != NULL, "%s", b.problem);
	free(b.entries);
	secret_free(stranger);
	teardown(&o);
}

/* When the broker's entry begins. */
static uint64_t broker_from(const struct office *o)
{
	for (unsigned i = 0; i < o->doc->entry_count; i++)
		if (o->doc->entries[i].type == ENTRY_BROKER)
			return o->doc->entries[i].u.broker.valid_from.ms;
	return 0;
}

Test(country_build, a_brokers_term_goes_on_and_a_new_key_begins_now)
{
	struct office o;
	uint64_t first;

	setup(&o);
	first = broker_from(&o);
	cr_assert_eq(first, NOW);
	build_spec(&o, OFFICERS);
	cr_assert_eq(broker_from(&o), first, "a peer's clock may be behind");
	secret_free(o.broker);
	o.broker = secret_new(SECRET_BROKER);
	build_spec(&o, OFFICERS);
	cr_assert_eq(broker_from(&o), NOW + 2000u);
	teardown(&o);
}

/* A list of texts has texts only, and nobody's term ends before it begins or
 * beyond what a time can be. */
Test(country_build, refuses_what_is_no_text_and_no_term)
{
	static const struct {
		const char *list, *member; /* member NULL: of the whole */
	} texts[] = {{"profiles", NULL}, {"desks", "means"},
	    {"desks", "languages"}, {"brokers", "endpoints"}};
	static const double days[] = {-1, 0, 1e30};
	struct office o;

	setup(&o);
	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct building b = building_of(&o);
		json_t *list;

		b.spec = spec_of(&o, OFFICERS);
		list = json_object_get(b.spec, texts[i].list);
		if (texts[i].member != NULL) {
			json_object_set_new(json_array_get(list, 0),
			    texts[i].member, json_pack("[i]", 5));
		} else {
			json_array_append_new(list, json_integer(5));
		}
		cr_assert_not(building_from_spec(&b), "%s", texts[i].list);
		cr_assert_neq(b.problem[0], '\0');
		json_decref(b.spec);
		free(b.entries);
	}
	for (unsigned i = 0; i < sizeof(days) / sizeof(*days); i++) {
		struct building b = building_of(&o);

		b.spec = spec_of(&o, OFFICERS);
		json_object_set_new(
		    json_array_get(json_object_get(b.spec, "officers"), 0),
		    "valid_days", json_real(days[i]));
		cr_assert_not(building_from_spec(&b), "%g days", days[i]);
		json_decref(b.spec);
		free(b.entries);
	}
	teardown(&o);
}
