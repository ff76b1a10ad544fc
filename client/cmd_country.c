/*
 * cmd_country: country documents: building and revoking (registrars,
 * offline), pinning, publishing, reading the roster.
 */
#include "client/cmd.h"
#include "client/country_build.h"

#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>

static enum hf_err load_secret(struct args *a, struct secret **s,
    const char *path, enum secret_purpose purpose)
{
	const char *file = arg(a, "passphrase-file");
	char passphrase[256] = "";
	uint8_t *text = NULL;
	size_t size;
	enum hf_err err;

	if (file != NULL && home_read(file, 255, &text, &size) == HF_OK) {
		text[strcspn((char *)text, "\r\n")] = '\0';
		snprintf(passphrase, sizeof(passphrase), "%s", (char *)text);
		hf_wipe(text, size);
		free(text);
	}
	err = secret_load(
	    s, path, purpose, passphrase[0] != '\0' ? passphrase : NULL);
	hf_wipe(passphrase, sizeof(passphrase));
	if (err == HF_OK && !secret_is_locked(*s))
		out_warning(&a->out, HF_MEMLOCK);
	return err;
}

/* The copy for other countries: domestic entries are left out, their root
 * still binds. */
static enum hf_err save_abroad(
    const char *path, const uint8_t *document, size_t size, struct hf_key root)
{
	struct country_doc *d = NULL;
	uint8_t *stripped = NULL;
	size_t stripped_size;
	unsigned clause;
	enum hf_err err = country_doc_open(&d, document, size, &root, &clause);

	if (err == HF_OK)
		err = country_doc_strip(d, &stripped, &stripped_size);
	if (err == HF_OK)
		err = home_write(path, stripped, stripped_size, 0600);
	free(stripped);
	country_doc_free(d);
	return err;
}

/* ---- build, revoke ---- */

/* What a document is signed with. */
struct signing {
	struct secret *root; /* NULL: the previous certificate goes on */
	struct hf_key root_key;
	struct secret *registrars[HF_REGISTRAR_MAX];
	unsigned count;
	struct country_doc *previous;
};

static void signing_close(struct signing *s)
{
	country_doc_free(s->previous);
	secret_free(s->root);
	for (unsigned i = 0; i < s->count; i++)
		secret_free(s->registrars[i]);
}

/* The keys and the previous document.  Prints the error. */
static int signing_open(struct signing *s, struct args *a)
{
	const char *path = arg(a, "root-key"), *line = arg(a, "root");
	enum hf_err err = HF_OK;
	uint8_t *bytes = NULL;
	unsigned clause;
	size_t size;

	memset(s, 0, sizeof(*s));
	if (path != NULL)
		err = load_secret(a, &s->root, path, SECRET_ROOT);
	if (err == HF_OK && path != NULL)
		s->root_key = secret_sign_key(s->root);
	else if (err == HF_OK)
		err = hf_keyline_read(
		    &s->root_key, HF_KEY_ROOT, line == NULL ? "" : line);
	if (err != HF_OK)
		return out_error(&a->out, err, NULL,
		    path != NULL ? path : "--root", NULL, NULL);
	while (err == HF_OK && (path = arg_at(a, "registrar-key", s->count))) {
		if (s->count == HF_REGISTRAR_MAX)
			return usage_error(a, "at most 7 registrars");
		err = load_secret(
		    a, &s->registrars[s->count], path, SECRET_REGISTRAR);
		if (err == HF_OK)
			s->count++;
	}
	if (err != HF_OK)
		return out_error(&a->out, err, NULL, path, NULL, NULL);
	path = arg(a, "previous");
	if (path == NULL)
		return HF_EXIT_OK;
	err = home_read(path, HF_DOC_MAX, &bytes, &size);
	if (err == HF_OK)
		err = country_doc_open(
		    &s->previous, bytes, size, &s->root_key, &clause);
	free(bytes);
	return err == HF_OK ? HF_EXIT_OK
			    : out_error(&a->out, err, NULL, path, NULL, NULL);
}

/* A new certificate by the root: the registrars of the description, or the
 * ones who sign, each of whom is then enough. */
static enum hf_err certify(const struct signing *s, const struct building *b,
    uint8_t *out, size_t capacity, size_t *size)
{
	json_t *list = json_object_get(b->spec, "registrars"), *line;
	json_t *threshold = json_object_get(b->spec, "threshold");
	struct hf_key keys[HF_REGISTRAR_MAX];
	unsigned count = 0;
	size_t i;

	if (json_array_size(list) > HF_REGISTRAR_MAX)
		return HF_TOO_MANY;
	json_array_foreach (list, i, line) {
		const char *text = json_string_value(line);

		if (hf_keyline_read(&keys[count++], HF_KEY_REGISTRAR,
			text == NULL ? "" : text) != HF_OK)
			return HF_FORM;
	}
	for (i = 0; list == NULL && i < s->count; i++)
		keys[count++] = secret_sign_key(s->registrars[i]);
	return country_certify(b->country,
	    threshold == NULL ? 1u : (unsigned)json_integer_value(threshold),
	    keys, count, (struct instant){b->now.ms - 60000},
	    (struct instant){b->now.ms + UINT64_C(3650) * 86400000u}, 1,
	    s->root, out, capacity, size);
}

/* Sign, open again as everybody else will, write. */
static int save_document(
    struct args *a, struct building *b, const struct signing *s)
{
	uint32_t version =
	    s->previous == NULL ? 1 : s->previous->head.version + 1;
	uint8_t certificate[2048], *document = NULL;
	struct country_doc *check = NULL;
	size_t certificate_size, size = 0;
	unsigned clause;
	enum hf_err err =
	    s->root != NULL ? certify(s, b, certificate, sizeof(certificate),
				  &certificate_size)
			    : country_doc_certificate(s->previous, certificate,
				  sizeof(certificate), &certificate_size);

	if (err == HF_OK)
		err = country_build(
		    (struct hf_bytes){certificate, certificate_size},
		    s->previous, version, b->entries, b->count, b->now,
		    b->until, s->registrars, s->count, &document, &size);
	if (err == HF_OK)
		err = country_doc_open(
		    &check, document, size, &s->root_key, &clause);
	country_doc_free(check);
	if (err == HF_OK && !a->out.dry_run)
		err = home_write(arg(a, "out"), document, size, 0600);
	if (err == HF_OK && !a->out.dry_run && arg_on(a, "abroad"))
		err =
		    save_abroad(arg(a, "abroad"), document, size, s->root_key);
	free(document);
	if (err != HF_OK)
		return out_error(&a->out, err, NULL, arg(a, "out"),
		    "nothing was written",
		    err == HF_DOC_INVALID
			? "give the keys of as many registrars as the root's "
			  "certificate demands"
			: NULL);
	if (a->out.mode == OUT_JSON)
		out_json(json_pack("{s:s, s:i, s:i, s:i}", "country",
		    b->country.s, "version", (int)version, "entries",
		    (int)b->count, "size", (int)size));
	else
		printf("%s  document %u, %u entries, %zu bytes%s\n  next   "
		       "holdfast country publish %s\n",
		    b->country.s, version, b->count, size,
		    a->out.dry_run ? " (dry run: not written)" : "",
		    arg(a, "out"));
	return HF_EXIT_OK;
}

static int build_with(struct args *a, struct building *b)
{
	struct signing s;
	int status = signing_open(&s, a);

	b->previous = s.previous;
	if (status == HF_EXIT_OK)
		status =
		    building_from_spec(b)
			? save_document(a, b, &s)
			: out_error(&a->out, HF_FORM, b->problem,
			      arg(a, "spec"), NULL, "correct the description");
	signing_close(&s);
	return status;
}

static int run_build(struct args *a)
{
	struct building b = {.now = out_now()};
	json_error_t error;
	const char *country;
	json_t *days;
	int status;

	if (!arg_on(a, "spec") || !arg_on(a, "registrar-key") ||
	    !arg_on(a, "out"))
		return usage_error(
		    a, "--spec, --registrar-key and --out are wanted");
	if (!arg_on(a, "root-key") &&
	    (!arg_on(a, "root") || !arg_on(a, "previous")))
		return usage_error(a,
		    "--root-key is wanted, or --root and --previous to go on "
		    "with the registrars the root certified before");
	if (hf_crypto_init() != HF_OK)
		return HF_EXIT_FAILED;
	b.spec = json_load_file(arg(a, "spec"), JSON_REJECT_DUPLICATES, &error);
	if (b.spec == NULL) {
		char where[300];

		if (json_error_code(&error) == json_error_cannot_open_file)
			return out_error(
			    &a->out, HF_FILE, NULL, arg(a, "spec"), NULL, NULL);
		snprintf(where, sizeof(where), "%s:%d: %s", arg(a, "spec"),
		    error.line, error.text);
		return out_error(&a->out, HF_FORM, NULL, where, NULL, NULL);
	}
	country = spec_text(b.spec, "country");
	days = json_object_get(b.spec, "valid_days");
	b.until.ms =
	    b.now.ms +
	    (uint64_t)(json_is_integer(days) ? json_integer_value(days) : 365) *
		86400000u;
	b.entries = out_must(calloc(BUILDING_ENTRIES_MAX, sizeof(*b.entries)));
	if (!hf_country_ok(country, strlen(country))) {
		status = out_error(&a->out, HF_FORM,
		    "country: two capital letters", arg(a, "spec"), NULL, NULL);
	} else {
		memcpy(b.country.s, country, 3);
		status = build_with(a, &b);
	}
	free(b.entries);
	json_decref(b.spec);
	return status;
}

static int revoke_with(
    struct args *a, const struct hf_key *key, struct building *b)
{
	const char *since = arg(a, "since");
	struct instant from = b->now;
	struct signing s;
	int zone, status;

	if (since != NULL && (hf_rfc3339_read(&from, &zone, since) != HF_OK ||
				 from.ms > b->now.ms))
		return usage_error(
		    a, "--since wants a time of the past with its zone");
	status = signing_open(&s, a);
	if (status == HF_EXIT_OK) {
		b->previous = s.previous;
		b->country = s.previous->head.country;
		b->until = s.previous->head.valid_until;
		status = building_revoke(b, key, from)
			     ? save_document(a, b, &s)
			     : out_error(&a->out, HF_FORM, b->problem,
				   arg(a, "previous"), NULL,
				   "compare with holdfast country show");
	}
	signing_close(&s);
	return status;
}

/* Revocation is registrars' work alone: it must not wait for the root. */
static int run_revoke(struct args *a)
{
	struct building b = {.now = out_now()};
	struct hf_key key;
	int status;

	if (!arg_on(a, "previous") || !arg_on(a, "root") ||
	    !arg_on(a, "registrar-key") || !arg_on(a, "out"))
		return usage_error(a,
		    "--previous, --root, --registrar-key and --out are "
		    "wanted");
	if (hf_crypto_init() != HF_OK)
		return HF_EXIT_FAILED;
	if (hf_keyline_read(&key, HF_KEY_OFFICER, a->positional[0]) != HF_OK)
		return usage_error(a, "the officer's hfo1: line is wanted");
	b.entries = out_must(calloc(BUILDING_ENTRIES_MAX, sizeof(*b.entries)));
	status = revoke_with(a, &key, &b);
	free(b.entries);
	return status;
}

/* ---- pin ---- */

static int run_pin(struct args *a)
{
	struct home h;
	struct hf_key root;
	char words[256], path[HOME_PATH_MAX + 32], text[HF_KEYLINE_MAX + 2];
	const char *country = arg(a, "country"), *given = arg(a, "words");
	enum hf_err err;

	if (country == NULL || !hf_country_ok(country, strlen(country)))
		return usage_error(a, "--country wants two capital letters");
	if (hf_crypto_init() != HF_OK ||
	    hf_keyline_read(&root, HF_KEY_ROOT, a->positional[0]) != HF_OK)
		return usage_error(a, "an hfr1: line is wanted");
	hf_key_words(words, sizeof(words), &root);
	if (given == NULL && !a->out.yes) {
		printf("%s\n%s\n\n", country, words);
		return out_error(&a->out, HF_CONFIRM_NEEDED,
		    "compare these words on the telephone, then repeat with "
		    "--words \"...\" or --yes",
		    NULL, "nothing was pinned", NULL);
	}
	if (given != NULL && strcmp(given, words) != 0)
		return out_error(&a->out, HF_CONFIRM, NULL, country,
		    "nothing was pinned", NULL);
	err = home_open(&h, a->home, a->context);
	if (err != HF_OK)
		return out_error(&a->out, err, h.problem, NULL, NULL, NULL);
	snprintf(path, sizeof(path), "%s/pins", h.path);
	home_make_dir(path);
	snprintf(path, sizeof(path), "%s/pins/%s.pin", h.path, country);
	snprintf(text, sizeof(text), "%s\n", a->positional[0]);
	if (!a->out.dry_run)
		err = home_write(path, text, strlen(text), 0600);
	home_close(&h);
	if (err != HF_OK)
		return out_error(&a->out, err, NULL, path, NULL, NULL);
	if (a->out.mode == OUT_JSON)
		out_json(json_pack("{s:s, s:s, s:s}", "country", country,
		    "root", a->positional[0], "words", words));
	else
		printf("%s pinned: %s\n", country, words);
	return HF_EXIT_OK;
}

/* ---- publish ---- */

static enum hf_err send_parts(
    struct session *s, const uint8_t *data, size_t size, uint32_t *version)
{
	uint8_t *args = out_must(malloc(HF_FRAME_MAX));
	uint32_t parts = (uint32_t)((size + HF_DOC_PART - 1) / HF_DOC_PART);
	enum hf_err err = HF_OK;

	for (uint32_t i = 0; err == HF_OK && i < parts; i++) {
		size_t begin = (size_t)i * HF_DOC_PART, n;
		struct answer answer;
		struct pack p;
		struct wire w;
		size_t packed;

		n = size - begin < HF_DOC_PART ? size - begin : HF_DOC_PART;
		pack_init(&p, args, HF_FRAME_MAX);
		pack_map(&p, 3);
		pack_uint(&p, 1);
		pack_uint(&p, i);
		pack_uint(&p, 2);
		pack_uint(&p, parts);
		pack_uint(&p, 3);
		pack_bin(&p, data + begin, n);
		err = pack_finish(&p, &packed);
		if (err == HF_OK)
			err = link_call(s->link, HF_OP_PUBLISH,
			    (struct hf_bytes){args, packed}, &answer);
		if (err != HF_OK)
			break;
		wire_init(&w, answer.map.data, answer.map.size);
		wire_map(&w, 2);
		if (wire_key(&w) == 1)
			*version = (uint32_t)wire_uint(&w, UINT32_MAX);
	}
	free(args);
	return err;
}

static int run_publish(struct args *a)
{
	struct session s;
	uint8_t *data = NULL;
	size_t size;
	uint32_t version = 0;
	enum hf_err err;
	int status = session_open(&s, a, true);

	if (status != HF_EXIT_OK)
		return status;
	err = home_read(a->positional[0], HF_DOC_MAX, &data, &size);
	if (err == HF_OK && !a->out.dry_run)
		err = send_parts(&s, data, size, &version);
	if (err == HF_OK && !a->out.dry_run)
		err = roster_refresh(&s.home, s.link);
	free(data);
	session_close(&s);
	if (err != HF_OK)
		return out_error(
		    &a->out, err, NULL, a->positional[0], NULL, NULL);
	if (a->out.mode == OUT_JSON)
		out_json(json_pack("{s:i, s:b}", "version", (int)version,
		    "dry_run", (int)a->out.dry_run));
	else
		printf("document %u is in force here; peers get it by "
		       "themselves\n",
		    version);
	return HF_EXIT_OK;
}

/* ---- the roster ---- */

static json_t *desk_json(const struct desk_entry *d)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "desk",
	    d->desk.s, "type", hf_code_name(HF_CODES_DESK_TYPE, d->type),
	    "name", d->name, "telephone", d->telephone, "hours", d->hours,
	    "zone", d->zone);

	json_object_set_new(o, "epoch", json_integer(d->epoch));
	return o;
}

static const struct revocation_entry *revocation_of(
    const struct country_doc *d, const struct hf_key *sign)
{
	for (unsigned i = 0; i < d->entry_count; i++)
		if (d->entries[i].type == ENTRY_REVOCATION &&
		    memcmp(&d->entries[i].u.revocation.key, sign,
			sizeof(*sign)) == 0)
			return &d->entries[i].u.revocation;
	return NULL;
}

static json_t *officer_json(
    const struct country_doc *d, const struct officer_entry *x)
{
	const struct revocation_entry *r = revocation_of(d, &x->sign);
	char line[HF_KEYLINE_MAX], since[32];
	json_t *o;

	hf_keyline(line, HF_KEY_OFFICER, &x->sign);
	o = json_pack("{s:s, s:s, s:s, s:s, s:n}", "name", x->name, "desk",
	    x->desk.s, "role", hf_code_name(HF_CODES_ROLE, x->role), "key",
	    line, "revoked_since");
	if (r != NULL) {
		hf_rfc3339(since, r->since, 0);
		json_object_set_new(o, "revoked_since", json_string(since));
	}
	return o;
}

static void show_document(struct args *a, const struct country_doc *d)
{
	char until[32];
	json_t *o = json_object(), *desks = json_array(),
	       *officers = json_array(), *profiles = json_array();

	hf_rfc3339(until, d->head.valid_until, 0);
	for (unsigned i = 0; i < d->entry_count; i++) {
		const struct country_entry *e = &d->entries[i];

		if (e->type == ENTRY_DESK)
			json_array_append_new(desks, desk_json(&e->u.desk));
		if (e->type == ENTRY_PROFILE)
			json_array_append_new(
			    profiles, json_pack("{s:s, s:s}", "name",
					  e->u.profile.name, "basis",
					  hf_code_name(HF_CODES_BASIS,
					      e->u.profile.basis)));
		if (e->type != ENTRY_OFFICER)
			continue;
		json_array_append_new(officers, officer_json(d, &e->u.officer));
	}
	if (a->out.mode == OUT_JSON) {
		json_object_set_new(
		    o, "country", json_string(d->head.country.s));
		json_object_set_new(
		    o, "version", json_integer(d->head.version));
		json_object_set_new(o, "valid_until", json_string(until));
		json_object_set(o, "desks", desks);
		json_object_set(o, "officers", officers);
		json_object_set(o, "profiles", profiles);
		out_json(json_incref(o));
	} else {
		json_t *v;
		size_t i;

		printf("%s  document %u, valid until %s%s\n", d->head.country.s,
		    d->head.version, until,
		    d->head.valid_until.ms < out_now().ms ? "  OUT OF DATE"
							  : "");
		json_array_foreach (desks, i, v)
			printf("  %-12s %-18s %s  %s\n", spec_text(v, "desk"),
			    spec_text(v, "type"), spec_text(v, "name"),
			    spec_text(v, "telephone"));
		json_array_foreach (officers, i, v)
			printf("  %-12s %-18s %s%s%s\n", spec_text(v, "desk"),
			    spec_text(v, "role"), spec_text(v, "name"),
			    spec_text(v, "revoked_since")[0] != '\0'
				? "  REVOKED since "
				: "",
			    spec_text(v, "revoked_since"));
		json_array_foreach (profiles, i, v)
			printf("  %-12s basis %s\n", spec_text(v, "name"),
			    spec_text(v, "basis"));
	}
	json_decref(o);
	json_decref(desks);
	json_decref(officers);
	json_decref(profiles);
}

static int run_roster(struct args *a)
{
	static const char *const headings[] = {"COUNTRY", "VERSION", "ISSUED",
	    "VALID UNTIL", "ROOT (WORDS)", NULL};
	struct session s;
	struct hf_country c = {{0}};
	const struct country_doc *d;
	struct table *t = NULL;
	int status = session_open(&s, a, !arg_on(a, "offline"));

	if (status != HF_EXIT_OK)
		return status;
	if (a->positional_count > 0) {
		if (strlen(a->positional[0]) == 2)
			memcpy(c.s, a->positional[0], 2);
		d = roster_doc(s.home.roster, c);
		if (d == NULL)
			status = out_error(&a->out, HF_UNKNOWN_COUNTRY, NULL,
			    a->positional[0], NULL, NULL);
		else
			show_document(a, d);
		session_close(&s);
		return status;
	}
	if (a->out.mode != OUT_JSON)
		t = table_new(headings);
	for (unsigned i = 0; (d = roster_at(s.home.roster, i)) != NULL; i++) {
		char version[16], issued[32], until[32], words[256];

		snprintf(version, sizeof(version), "%u", d->head.version);
		hf_rfc3339(issued, d->head.issued, 0);
		hf_rfc3339(until, d->head.valid_until, 0);
		hf_key_words(words, sizeof(words), &d->root);
		if (a->out.mode == OUT_JSON)
			out_json(json_pack("{s:s, s:i, s:s, s:s, s:s}",
			    "country", d->head.country.s, "version",
			    (int)d->head.version, "issued", issued,
			    "valid_until", until, "words", words));
		else
			table_row(t, (const char *[]){d->head.country.s,
					 version, issued, until, words});
	}
	table_print(t, &a->out);
	session_close(&s);
	return HF_EXIT_OK;
}

#define END \
	{ \
		NULL, 0, false, false, NULL, NULL \
	}
#define NONE \
	{ \
		NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL \
	}
static const struct option_spec build_options[] = {
    {"spec", 0, true, false, "FILE", "description as JSON"},
    {"root-key", 0, true, false, "FILE",
	"the country's root: certifies registrars anew"},
    {"root", 0, true, false, "HFR1-LINE",
	"instead of --root-key: the registrars certified before go on"},
    {"registrar-key", 0, true, true, "FILE", "a registrar who signs"},
    {"previous", 0, true, false, "FILE", "the document in force"},
    {"out", 0, true, false, "FILE", "the new document"},
    {"abroad", 0, true, false, "FILE",
	"the copy for other countries, without domestic entries"},
    {"passphrase-file", 0, true, false, "FILE", "of all keys"}, END};
static const struct option_spec revoke_options[] = {
    {"since", 0, true, false, "TIME",
	"compromised since (with zone); default: now"},
    {"previous", 0, true, false, "FILE", "the document in force"},
    {"root", 0, true, false, "HFR1-LINE", "the country's root, public"},
    {"registrar-key", 0, true, true, "FILE", "a registrar who signs"},
    {"out", 0, true, false, "FILE", "the new document"},
    {"abroad", 0, true, false, "FILE",
	"the copy for other countries, without domestic entries"},
    {"passphrase-file", 0, true, false, "FILE", "of all keys"}, END};
static const struct option_spec pin_options[] = {
    {"country", 0, true, false, "CC", "whose root it is"},
    {"words", 0, true, false, "WORDS", "the words that were read to you"}, END};
static const struct option_spec roster_options[] = {
    {"offline", 0, false, false, NULL, "as this home has it"}, END};

const struct command cmd_country[] = {
    {"country", "build",
	"--spec FILE --root-key F --registrar-key F --out FILE",
	"Make and sign a country document (registrars, offline)",
	"  holdfast country build --spec jp.json --root-key root.key "
	"\\\n      --registrar-key registrar.key --previous jp.1.hfd --out "
	"jp.2.hfd\n"
	"  {\"country\": \"JP\", \"brokers\": [..], \"desks\": [..], "
	"\"officers\": [..],\n   \"profiles\": [..], \"revocations\": "
	"[{\"key\": \"hfo1:..\", \"since\": TIME}],\n   \"registrars\": "
	"[\"hfg1:..\"], \"threshold\": K}   (those two: with --root-key)\n",
	CMD_OFFLINE, 0, 0, build_options, run_build},
    {"country", "revoke",
	"HFO1-LINE --previous FILE --root HFR1-LINE --registrar-key F --out "
	"FILE",
	"Revoke an officer's key (registrars, offline, without the root)",
	"  holdfast country revoke hfo1:... --since 2026-11-22T21:00:00Z \\\n"
	"      --previous jp.2.hfd --root hfr1:... --registrar-key "
	"registrar.key \\\n      --out jp.3.hfd\n"
	"  holdfast country publish jp.3.hfd\n",
	CMD_OFFLINE, 1, 1, revoke_options, run_revoke},
    {"country", "pin", "HFR1-LINE --country CC",
	"Trust a country's root, after reading its words", "", CMD_OFFLINE, 1,
	1, pin_options, run_pin},
    {"country", "publish", "FILE", "Put a country document in force (operator)",
	"", CMD_SENDS, 1, 1, NULL, run_publish},
    {"country", "show", "CC", "A country's document", "", CMD_READS, 1, 1,
	roster_options, run_roster},
    NONE,
};
const struct command cmd_roster[] = {
    {"roster", "ls", "", "Documents in force", "", CMD_READS, 0, 0,
	roster_options, run_roster},
    {"roster", "show", "CC", "A country's desks, officers, profiles", "",
	CMD_READS, 1, 1, roster_options, run_roster},
    NONE,
};
