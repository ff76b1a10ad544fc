#include "tests/auth/registrar.h"

#include "client/home.h"
#include "proto/ref.h"
#include "tests/bench/acts.h"
#include "tests/bench/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YEAR_MS UINT64_C(31536000000)

const char *const ending_names[ENDINGS] = {
    "stands", "revoked", "struck off", "term over", "desk gone"};

static uint8_t *file(const char *dir, const char *name, size_t *size)
{
	char path[HOME_PATH_MAX];
	uint8_t *data;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	meter_must(home_read(path, HF_DOC_MAX, &data, size), path);
	return data;
}

/* What the document says already of the country's own broker and desks. */
void registrar_open(struct registrar *r, const char *dir)
{
	char path[HOME_PATH_MAX];
	size_t size;
	uint8_t *pin = file(dir, "jp/root.pin", &size), *data;
	struct hf_key root;
	unsigned clause;

	pin[size - 1] = '\0';
	meter_must(hf_keyline_read(&root, HF_KEY_ROOT, (char *)pin), "root");
	data = file(dir, "jp/documents/JP.hfd", &size);
	meter_must(country_doc_open(&r->doc, data, size, &root, &clause),
	    "the country document");
	free(data);
	free(pin);
	meter_must(country_doc_certificate(r->doc, r->certificate,
		       sizeof(r->certificate), &r->certificate_size),
	    "certificate");
	snprintf(path, sizeof(path), "%s/jp/registrar.key", dir);
	meter_must(secret_load(&r->key, path, SECRET_REGISTRAR, NULL), path);
	r->base = r->doc->entry_count;
	memcpy(r->entries, r->doc->entries, r->base * sizeof(*r->entries));
}

void registrar_close(struct registrar *r)
{
	country_doc_free(r->doc);
	secret_free(r->key);
}

struct hf_desk slot_desk(unsigned slot)
{
	struct hf_desk desk = {{0}};

	snprintf(desk.s, sizeof(desk.s), "jp.s%u", slot);
	return desk;
}

void registrar_enter(
    struct registrar *r, unsigned slot, const struct secret *officer)
{
	struct country_entry *d = &r->desk[slot], *o = &r->officer[slot];
	uint8_t sealing[HF_KEY_SIZE];
	struct instant now = wall_now();

	if (d->type == 0) {
		/* as the contact point that is there, with its own key */
		for (unsigned i = 0; i < r->base && d->type == 0; i++)
			if (r->entries[i].type == ENTRY_DESK &&
			    r->entries[i].u.desk.type == DESK_CONTACT_POINT)
				*d = r->entries[i];
		d->u.desk.desk = slot_desk(slot);
		sealing_pair(&d->u.desk.sealing, sealing);
	}
	r->how[slot] = STANDS;
	*o = (struct country_entry){.type = ENTRY_OFFICER};
	o->u.officer.sign = secret_sign_key(officer);
	o->u.officer.transport = secret_transport_key(officer);
	o->u.officer.unwrap = secret_unwrap_key(officer);
	o->u.officer.desk = d->u.desk.desk;
	o->u.officer.role = ROLE_DUTY;
	o->u.officer.valid_from.ms = now.ms - 1000;
	o->u.officer.valid_until.ms = now.ms + YEAR_MS;
	snprintf(o->u.officer.name, sizeof(o->u.officer.name), "slot %u", slot);
}

static void add(
    struct registrar *r, unsigned *count, const struct country_entry *e)
{
	if (*count == HF_DOC_ENTRIES_MAX)
		meter_fail("too many entries");
	r->entries[(*count)++] = *e;
}

void registrar_end(struct registrar *r, unsigned slot, enum ending how)
{
	r->how[slot] = how;
	r->ended[slot] = wall_now();
}

static void add_slot(struct registrar *r, unsigned *count, unsigned slot)
{
	struct country_entry officer = r->officer[slot];
	struct country_entry revoked = {.type = ENTRY_REVOCATION};
	enum ending how = r->how[slot];

	if (how == DESK_GONE)
		return;
	add(r, count, &r->desk[slot]);
	if (how == STRUCK_OFF)
		return;
	if (how == TERM_OVER)
		officer.u.officer.valid_until = r->ended[slot];
	add(r, count, &officer);
	if (how == REVOKED) {
		revoked.u.revocation.key = officer.u.officer.sign;
		revoked.u.revocation.since = r->ended[slot];
		revoked.u.revocation.revoked = r->ended[slot];
		revoked.u.revocation.reason = 1;
		add(r, count, &revoked);
	}
}

struct hf_bytes registrar_next(struct registrar *r)
{
	struct country_doc *previous = r->doc;
	struct instant now = wall_now(), until = {now.ms + YEAR_MS};
	unsigned count = r->base, clause;
	uint8_t *bytes = NULL;
	size_t size;

	for (unsigned i = 0; i < SLOTS; i++)
		add_slot(r, &count, i);
	meter_must(country_build(
		       (struct hf_bytes){r->certificate, r->certificate_size},
		       previous, previous->head.version + 1, r->entries, count,
		       now, until, &r->key, 1, &bytes, &size),
	    "country_build");
	meter_must(
	    country_doc_open(&r->doc, bytes, size, &previous->root, &clause),
	    "country_doc_open");
	free(bytes);
	country_doc_free(previous);
	return (struct hf_bytes){r->doc->bytes, r->doc->size};
}
