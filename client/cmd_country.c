/*
 * cmd_country: country documents: building (registrars, offline), pinning,
 * publishing, reading the roster.
 *
 * `country build` takes a JSON description (see holdfast help country
 * build).  Sealing keys of desks are made here: a desk whose officers are
 * the same as in the previous document keeps its key and its wraps;
 * otherwise it gets a new epoch, wrapped to each officer.
 */
#include "client/cmd.h"

#include "keys/country.h"
#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 1024u

static int usage(struct args *a, const char *what)
{
	return out_error(&a->out, HF_USAGE, what, NULL, NULL, NULL);
}

struct building {
	struct args *args;
	json_t *spec;
	const struct country_doc *previous; /* NULL: version 1 */
	struct country_entry *entries;      /* ENTRIES_MAX */
	unsigned count;
	struct instant now, until;
	struct hf_country country;
	char problem[200];
};

static bool bad(struct building *b, const char *what, const char *detail)
{
	snprintf(b->problem, sizeof(b->problem), "%s: %s", what,
	    detail != NULL ? detail : "missing or malformed");
	return false;
}

static const char *text_of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? "" : s;
}

static void copy_text(char *out, size_t capacity, json_t *o, const char *key)
{
	snprintf(out, capacity, "%s", text_of(o, key));
}

static bool key_of(
    json_t *o, const char *name, enum hf_key_type type, struct hf_key *out)
{
	return hf_keyline_read(out, type, text_of(o, name)) == HF_OK;
}

static struct country_entry *add(
    struct building *b, enum entry_type type, bool domestic)
{
	struct country_entry *e;

	if (b->count == ENTRIES_MAX)
		return NULL;
	e = &b->entries[b->count++];
	memset(e, 0, sizeof(*e));
	e->type = type;
	e->domestic = domestic;
	return e;
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
		x->epoch =
		    (uint32_t)json_integer_value(json_object_get(o, "epoch"));
		if (x->epoch == 0)
			x->epoch = 1;
		json_array_foreach (
		    json_object_get(o, "endpoints"), k, endpoint)
			if (k < ENDPOINT_MAX && json_is_string(endpoint))
				snprintf(x->endpoints[x->endpoint_count++],
				    ENDPOINT_TEXT_MAX, "%s",
				    json_string_value(endpoint));
		x->valid_from = b->now;
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
		    hf_code_by_name(HF_CODES_DESK_TYPE, text_of(o, "type"));
		const char *name = text_of(o, "desk");
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
			if (k < 8)
				snprintf(d->languages[d->language_count++],
				    sizeof(d->languages[0]), "%.11s",
				    json_string_value(item));
		json_array_foreach (json_object_get(o, "means"), k, item)
			if (k < MEANS_MAX)
				snprintf(d->means[d->means_count++], TEXT_SHORT,
				    "%s", json_string_value(item));
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

/* An officer's standing begins with the first document that names the key:
 * older acts must verify against newer documents. */
static struct instant standing_since(
    const struct building *b, const struct hf_key *sign)
{
	for (unsigned i = 0;
	     b->previous != NULL && i < b->previous->entry_count; i++) {
		const struct officer_entry *o =
		    &b->previous->entries[i].u.officer;

		if (b->previous->entries[i].type == ENTRY_OFFICER &&
		    memcmp(&o->sign, sign, sizeof(*sign)) == 0)
			return o->valid_from;
	}
	return b->now;
}

static bool add_officers(struct building *b)
{
	json_t *o;
	size_t i;

	json_array_foreach (json_object_get(b->spec, "officers"), i, o) {
		const struct hf_code_info *role =
		    hf_code_by_name(HF_CODES_ROLE, text_of(o, "role"));
		const struct country_entry *desk =
		    find_desk(b, text_of(o, "desk"));
		json_t *days = json_object_get(o, "valid_days");
		struct country_entry *e;
		struct officer_entry *x;

		if (role == NULL || desk == NULL)
			return bad(
			    b, "officers: role or desk", text_of(o, "name"));
		e = add(b, ENTRY_OFFICER, desk->domestic);
		if (e == NULL)
			return bad(b, "officers", "too many entries");
		x = &e->u.officer;
		x->desk = desk->u.desk.desk;
		x->role = role->code;
		x->valid_from = b->now;
		x->valid_until = b->until;
		if (json_is_number(days))
			x->valid_until.ms =
			    b->now.ms +
			    (uint64_t)(json_number_value(days) * 86400000.0);
		copy_text(x->name, sizeof(x->name), o, "name");
		if (!key_of(o, "sign", HF_KEY_OFFICER, &x->sign) ||
		    !key_of(o, "transport", HF_KEY_TRANSPORT, &x->transport) ||
		    !key_of(o, "unwrap", HF_KEY_UNWRAP, &x->unwrap))
			return bad(
			    b, "officers: sign, transport or unwrap", x->name);
		x->valid_from = standing_since(b, &x->sign);
	}
	return true;
}

static bool add_profiles(struct building *b)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(b->spec, "profiles"), i, item) {
		const struct hf_profile *p =
		    hf_profile_by_name(json_string_value(item));
		struct country_entry *e = add(b, ENTRY_PROFILE, false);

		if (p == NULL || e == NULL)
			return bad(b, "profiles", json_string_value(item));
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
		if (text_of(o, "revoked")[0] != '\0' &&
		    hf_rfc3339_read(
			&x->revoked, &zone, text_of(o, "revoked")) != HF_OK)
			return bad(
			    b, "revocations: revoked", text_of(o, "revoked"));
		x->since = x->revoked;
		if (text_of(o, "since")[0] != '\0' &&
		    hf_rfc3339_read(&x->since, &zone, text_of(o, "since")) !=
			HF_OK)
			return bad(
			    b, "revocations: since", text_of(o, "since"));
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

static bool is_revoked(const struct building *b, const struct hf_key *key)
{
	for (unsigned i = 0; i < b->count; i++)
		if (b->entries[i].type == ENTRY_REVOCATION &&
		    memcmp(&b->entries[i].u.revocation.key, key,
			sizeof(*key)) == 0)
			return true;
	return false;
}

/* May the desk go on with its key?  Only if every officer of today has it
 * and nobody who had it was revoked. */
static bool keeps_key(const struct building *b, const struct desk_entry *old)
{
	for (unsigned i = 0; i < b->count; i++)
		if (b->entries[i].type == ENTRY_OFFICER &&
		    strcmp(b->entries[i].u.officer.desk.s, old->desk.s) == 0 &&
		    (!has_wrap(b, &old->desk, old->epoch,
			 &b->entries[i].u.officer.sign) ||
			is_revoked(b, &b->entries[i].u.officer.sign)))
			return false;
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

/* ---- build ---- */

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

static int save_document(struct building *b, struct secret *root,
    struct secret *registrar, uint32_t version)
{
	struct args *a = b->args;
	struct hf_key key = secret_sign_key(registrar);
	uint8_t certificate[1024], *document = NULL;
	size_t certificate_size, size;
	enum hf_err err;

	err = country_certify(b->country, 1, &key, 1,
	    (struct instant){b->now.ms - 60000},
	    (struct instant){b->now.ms + UINT64_C(3650) * 86400000u}, 1, root,
	    certificate, sizeof(certificate), &certificate_size);
	if (err == HF_OK)
		err = country_build(
		    (struct hf_bytes){certificate, certificate_size},
		    b->previous, version, b->entries, b->count, b->now,
		    b->until, &registrar, 1, &document, &size);
	if (err == HF_OK && !a->out.dry_run)
		err = home_write(arg(a, "out"), document, size, 0600);
	if (err == HF_OK && !a->out.dry_run && arg_on(a, "abroad"))
		err = save_abroad(
		    arg(a, "abroad"), document, size, secret_sign_key(root));
	free(document);
	if (err != HF_OK)
		return out_error(&a->out, err, NULL, arg(a, "out"), NULL, NULL);
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

static int build_with(struct building *b)
{
	struct args *a = b->args;
	struct secret *root = NULL, *registrar = NULL;
	struct country_doc *previous = NULL;
	struct hf_key root_key;
	uint8_t *bytes = NULL;
	size_t size;
	unsigned clause;
	int status = HF_EXIT_FAILED;
	enum hf_err err =
	    load_secret(a, &root, arg(a, "root-key"), SECRET_ROOT);

	if (err == HF_OK)
		err = load_secret(
		    a, &registrar, arg(a, "registrar-key"), SECRET_REGISTRAR);
	if (err == HF_OK && arg_on(a, "previous")) {
		root_key = secret_sign_key(root);
		err = home_read(arg(a, "previous"), HF_DOC_MAX, &bytes, &size);
		if (err == HF_OK)
			err = country_doc_open(
			    &previous, bytes, size, &root_key, &clause);
	}
	if (err != HF_OK) {
		status = out_error(&a->out, err, NULL, NULL, NULL, NULL);
		goto out;
	}
	b->previous = previous;
	if (!add_brokers(b) || !add_desks(b) || !add_officers(b) ||
	    !add_profiles(b) || !add_revocations(b) || !seal_desks(b))
		status = out_error(
		    &a->out, HF_FORM, b->problem, arg(a, "spec"), NULL, NULL);
	else
		status = save_document(b, root, registrar,
		    previous == NULL ? 1 : previous->head.version + 1);
out:
	country_doc_free(previous);
	free(bytes);
	secret_free(root);
	secret_free(registrar);
	return status;
}

static int run_build(struct args *a)
{
	struct building b = {.args = a, .now = out_now()};
	json_error_t error;
	const char *country;
	json_t *days;
	int status;

	if (!arg_on(a, "spec") || !arg_on(a, "root-key") ||
	    !arg_on(a, "registrar-key") || !arg_on(a, "out"))
		return usage(a,
		    "--spec, --root-key, --registrar-key and --out are wanted");
	if (hf_crypto_init() != HF_OK)
		return HF_EXIT_FAILED;
	b.spec = json_load_file(arg(a, "spec"), JSON_REJECT_DUPLICATES, &error);
	if (b.spec == NULL) {
		char where[300];

		snprintf(where, sizeof(where), "%s:%d: %s", arg(a, "spec"),
		    error.line, error.text);
		return out_error(&a->out, HF_FORM, NULL, where, NULL, NULL);
	}
	country = text_of(b.spec, "country");
	days = json_object_get(b.spec, "valid_days");
	b.until.ms =
	    b.now.ms +
	    (uint64_t)(json_is_integer(days) ? json_integer_value(days) : 365) *
		86400000u;
	b.entries = calloc(ENTRIES_MAX, sizeof(*b.entries));
	if (b.entries == NULL || !hf_country_ok(country, strlen(country))) {
		status = out_error(&a->out, HF_FORM,
		    "country: two capital letters", arg(a, "spec"), NULL, NULL);
	} else {
		memcpy(b.country.s, country, 3);
		status = build_with(&b);
	}
	free(b.entries);
	json_decref(b.spec);
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
		return usage(a, "--country wants two capital letters");
	if (hf_crypto_init() != HF_OK ||
	    hf_keyline_read(&root, HF_KEY_ROOT, a->positional[0]) != HF_OK)
		return usage(a, "an hfr1: line is wanted");
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
	uint8_t *args = malloc(HF_FRAME_MAX);
	uint32_t parts = (uint32_t)((size + HF_DOC_PART - 1) / HF_DOC_PART);
	enum hf_err err = args == NULL ? HF_NOMEM : HF_OK;

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

static void show_document(struct args *a, const struct country_doc *d)
{
	char until[32], line[HF_KEYLINE_MAX];
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
		hf_keyline(line, HF_KEY_OFFICER, &e->u.officer.sign);
		json_array_append_new(officers,
		    json_pack("{s:s, s:s, s:s, s:s}", "name", e->u.officer.name,
			"desk", e->u.officer.desk.s, "role",
			hf_code_name(HF_CODES_ROLE, e->u.officer.role), "key",
			line));
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
			printf("  %-12s %-18s %s  %s\n", text_of(v, "desk"),
			    text_of(v, "type"), text_of(v, "name"),
			    text_of(v, "telephone"));
		json_array_foreach (officers, i, v)
			printf("  %-12s %-18s %s\n", text_of(v, "desk"),
			    text_of(v, "role"), text_of(v, "name"));
		json_array_foreach (profiles, i, v)
			printf("  %-12s basis %s\n", text_of(v, "name"),
			    text_of(v, "basis"));
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
    {"root-key", 0, true, false, "FILE", "the country's root"},
    {"registrar-key", 0, true, false, "FILE", "a registrar"},
    {"previous", 0, true, false, "FILE", "the document in force"},
    {"out", 0, true, false, "FILE", "the new document"},
    {"abroad", 0, true, false, "FILE",
	"the copy for other countries, without domestic entries"},
    {"passphrase-file", 0, true, false, "FILE", "of both keys"}, END};
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
	"[{\"key\": \"hfo1:..\", \"since\": TIME}]}\n",
	CMD_OFFLINE, 0, 0, build_options, run_build},
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
