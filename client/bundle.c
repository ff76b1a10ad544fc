/*
 * bundle: pins, documents and who stands in them; opening as a whole.
 */
#include "client/bundle.h"

#include "client/minisign.h"
#include "proto/crypto.h"
#include "proto/note.h"
#include "proto/ref.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void bundle_finds(struct bundle *b, enum bundle_kind kind, bool note,
    enum hf_err err, const char *member, const char *format, ...)
{
	struct bundle_finding *f = &b->findings[b->finding_count];
	va_list args;

	if (err == HF_NOMEM)
		out_must(NULL); /* it says nothing about the member */
	if (!note)
		b->failed[kind]++;
	if (b->finding_count == BUNDLE_FINDINGS_MAX)
		return;
	b->finding_count++;
	f->kind = kind;
	f->note = note;
	f->err = err;
	snprintf(f->member, sizeof(f->member), "%s", member);
	va_start(args, format);
	vsnprintf(f->what, sizeof(f->what), format, args);
	va_end(args);
}

void bundle_name(char out[TAR_NAME_MAX + 1], const char *folder, unsigned track,
    uint32_t gen, const struct hf_country *by)
{
	snprintf(out, TAR_NAME_MAX + 1, "%s/%u-%u%s%s", folder, track, gen,
	    by != NULL ? "." : "", by != NULL ? by->s : "");
}

bool bundle_ok(const struct bundle *b)
{
	for (unsigned i = 0; i < BUNDLE_KINDS; i++)
		if (b->failed[i] > 0)
			return false;
	return true;
}

/* ---- pins ---- */

/* One line "CC hfr1:...", countries ascending. */
static enum hf_err read_pin(struct bundle *b, struct hf_bytes line)
{
	struct bundle_pin *p = &b->pins[b->pin_count];
	char text[HF_KEYLINE_MAX + 4];

	if (b->pin_count == HF_COUNTRY_MAX)
		return HF_TOO_MANY;
	if (line.size <= 3 || line.size >= sizeof(text) || line.data[2] != ' ')
		return HF_TYPE;
	memcpy(text, line.data, line.size);
	text[line.size] = '\0';
	if (!hf_country_ok(text, HF_COUNTRY_SIZE))
		return HF_TYPE;
	memcpy(p->country.s, text, HF_COUNTRY_SIZE);
	p->country.s[HF_COUNTRY_SIZE] = '\0';
	if (b->pin_count > 0 && strcmp(p[-1].country.s, p->country.s) >= 0)
		return HF_KEY_ORDER;
	b->pin_count++;
	return hf_keyline_read(&p->root, HF_KEY_ROOT, text + 3);
}

static void read_pins(struct bundle *b)
{
	struct tar_member *m = tar_find(&b->tar, "pins");
	struct hf_bytes rest, line;
	enum hf_err err = HF_OK;

	if (m == NULL) {
		bundle_finds(b, BUNDLE_PINS, false, HF_NOTFOUND, "pins",
		    "the member is missing");
		return;
	}
	m->used = true;
	for (rest = m->content; err == HF_OK && rest.size > 0;)
		err = hf_note_line(&rest, &line) ? read_pin(b, line) : HF_TYPE;
	b->checked[BUNDLE_PINS] = b->pin_count;
	if (err != HF_OK)
		bundle_finds(
		    b, BUNDLE_PINS, false, err, "pins", "%s", hf_err_text(err));
}

static const struct hf_key *pin_of(const struct bundle *b, const char *cc)
{
	for (unsigned i = 0; i < b->pin_count; i++)
		if (strcmp(b->pins[i].country.s, cc) == 0)
			return &b->pins[i].root;
	return NULL;
}

void bundle_check_pins(
    struct bundle *b, const struct roster *mine, bool *anchored)
{
	*anchored = b->pin_count > 0;
	for (unsigned i = 0; i < b->pin_count; i++) {
		const struct bundle_pin *p = &b->pins[i];
		const struct hf_key *root =
		    mine == NULL ? NULL : roster_root(mine, p->country);
		char line[HF_KEYLINE_MAX];

		if (root == NULL) {
			*anchored = false;
			bundle_finds(b, BUNDLE_PINS, true, HF_ROOT_UNKNOWN,
			    "pins", "the root of %s is the bundle's own word",
			    p->country.s);
		} else if (memcmp(root, &p->root, sizeof(*root)) != 0) {
			*anchored = false;
			hf_keyline(line, HF_KEY_ROOT, root);
			bundle_finds(b, BUNDLE_PINS, false, HF_ROOT_UNKNOWN,
			    "pins",
			    "%s: another root than the one pinned "
			    "here, %s",
			    p->country.s, line);
		}
	}
}

/* ---- documents ---- */

/* "documents/CC.N", in the one form of a number. */
static bool doc_name(
    const char *name, struct hf_country *c, uint32_t *version, int *entry)
{
	char again[TAR_NAME_MAX + 1];

	*entry = -1;
	if (sscanf(name, "documents/%2[A-Z].%u", c->s, version) == 2) {
		snprintf(
		    again, sizeof(again), "documents/%s.%u", c->s, *version);
		return strcmp(name, again) == 0;
	}
	if (sscanf(name, "entries/%2[A-Z].%u.%d", c->s, version, entry) != 3 ||
	    *entry < 0)
		return false;
	snprintf(
	    again, sizeof(again), "entries/%s.%u.%d", c->s, *version, *entry);
	return strcmp(name, again) == 0;
}

static const struct bundle_doc *find_doc(
    const struct bundle *b, struct hf_country c, uint32_t version)
{
	for (unsigned i = 0; i < b->doc_count; i++)
		if (b->docs[i].version == version &&
		    strcmp(b->docs[i].country.s, c.s) == 0)
			return &b->docs[i];
	return NULL;
}

static enum hf_err open_doc(struct bundle *b, const struct tar_member *m,
    struct hf_country c, uint32_t version)
{
	const struct hf_key *root = pin_of(b, c.s);
	struct country_doc *d = NULL;
	unsigned clause;
	enum hf_err err;

	if (b->doc_count == BUNDLE_DOCS_MAX)
		return HF_TOO_MANY;
	if (root == NULL)
		return HF_ROOT_UNKNOWN;
	err = country_doc_open(
	    &d, m->content.data, m->content.size, root, &clause);
	/* domestic entries are nobody's business outside their country */
	if (err == HF_OK && (strcmp(d->head.country.s, c.s) != 0 ||
				d->head.version != version || d->has_domestic))
		err = HF_DOC_INVALID;
	if (err != HF_OK) {
		country_doc_free(d);
		return err;
	}
	b->docs[b->doc_count++] = (struct bundle_doc){c, version, d};
	return HF_OK;
}

static enum hf_err open_entry(struct bundle *b, const struct tar_member *m,
    struct hf_country c, uint32_t version)
{
	const struct bundle_doc *d = find_doc(b, c, version);
	struct bundle_entry *e;
	enum hf_err err;

	if (d == NULL)
		return HF_DOC_INVALID;
	if (b->entry_count == BUNDLE_ENTRIES_MAX)
		return HF_TOO_MANY;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return HF_NOMEM;
	e->country = c;
	e->version = version;
	err = country_entry_check(
	    d->doc, m->content.data, m->content.size, &e->entry);
	if (err == HF_OK)
		b->entries[b->entry_count++] = e;
	else
		free(e);
	return err;
}

/* Documents first, then the entries that are proved against them. */
static void read_documents(struct bundle *b, bool entries)
{
	for (unsigned i = 0; i < b->tar.count; i++) {
		struct tar_member *m = b->tar.members[i];
		struct hf_country c = {{0}};
		uint32_t version;
		int entry;
		enum hf_err err;

		if (!doc_name(m->name, &c, &version, &entry) ||
		    (entry >= 0) != entries)
			continue;
		m->used = true;
		b->checked[BUNDLE_DOCUMENTS]++;
		err = entries ? open_entry(b, m, c, version)
			      : open_doc(b, m, c, version);
		if (err != HF_OK)
			bundle_finds(b, BUNDLE_DOCUMENTS, false, err, m->name,
			    "%s", hf_err_text(err));
	}
}

/* A version names the one before it. */
static void check_versions(struct bundle *b)
{
	for (unsigned i = 0; i < b->doc_count; i++) {
		const struct bundle_doc *d = &b->docs[i], *before;
		char name[TAR_NAME_MAX + 1];

		before = find_doc(b, d->country, d->version - 1);
		if (before == NULL ||
		    memcmp(&d->doc->head.prev, &before->doc->head_digest,
			sizeof(d->doc->head.prev)) == 0)
			continue;
		snprintf(name, sizeof(name), "documents/%s.%u", d->country.s,
		    d->version);
		bundle_finds(b, BUNDLE_DOCUMENTS, false, HF_DOC_INVALID, name,
		    "does not follow the version before it");
	}
}

static enum hf_err read_witnesses(struct bundle *b)
{
	enum hf_err err = HF_OK;

	b->witnesses = cosigners_new();
	if (b->witnesses == NULL)
		return HF_NOMEM;
	for (unsigned i = 0; err == HF_OK && i < b->doc_count; i++)
		err = cosigners_add(b->witnesses, b->docs[i].doc, false);
	return err;
}

/* Documents of third countries are not in it: their witnesses prove nothing
 * here, and spoil nothing. */
void bundle_cosigned(struct bundle *b, struct hf_bytes note,
    struct instant entered, const char *member)
{
	struct cosigned c = cosigners_judge(b->witnesses, note, entered, NULL);

	if (c.problem[0] != '\0')
		bundle_finds(b, BUNDLE_RECEIPTS, false, HF_CHECKPOINT, member,
		    "%s", c.problem);
	if (c.unknown > 0)
		bundle_finds(b, BUNDLE_RECEIPTS, true, HF_NOTFOUND, member,
		    "not judged: %u cosigned by a witness that no document "
		    "here "
		    "names",
		    c.unknown);
}

/* ---- who stands in them ---- */

typedef bool (*match_entry)(const struct country_entry *e, const void *what);

/* In the newest document that has one; else among the entries shown alone. */
static const struct country_entry *find_entry(const struct bundle *b,
    const struct hf_country *c, match_entry match, const void *what)
{
	const struct country_entry *found = NULL;
	uint32_t version = 0;

	for (unsigned i = 0; i < b->doc_count; i++) {
		const struct country_doc *d = b->docs[i].doc;

		if ((c != NULL && strcmp(d->head.country.s, c->s) != 0) ||
		    (found != NULL && d->head.version < version))
			continue;
		for (unsigned k = 0; k < d->entry_count; k++)
			if (match(&d->entries[k], what)) {
				found = &d->entries[k];
				version = d->head.version;
			}
	}
	for (unsigned i = 0; found == NULL && i < b->entry_count; i++)
		if ((c == NULL ||
			strcmp(b->entries[i]->country.s, c->s) == 0) &&
		    match(&b->entries[i]->entry, what))
			found = &b->entries[i]->entry;
	return found;
}

static bool is_officer(const struct country_entry *e, const void *key)
{
	return e->type == ENTRY_OFFICER &&
	       memcmp(&e->u.officer.sign, key, HF_KEY_SIZE) == 0;
}

static bool is_revocation(const struct country_entry *e, const void *key)
{
	return e->type == ENTRY_REVOCATION &&
	       memcmp(&e->u.revocation.key, key, HF_KEY_SIZE) == 0;
}

static bool is_broker(const struct country_entry *e, const void *epoch)
{
	return e->type == ENTRY_BROKER &&
	       e->u.broker.epoch == *(const uint32_t *)epoch;
}

static bool is_profile(const struct country_entry *e, const void *digest)
{
	return e->type == ENTRY_PROFILE &&
	       memcmp(&e->u.profile.digest, digest, HF_HASH_SIZE) == 0;
}

const struct officer_entry *bundle_officer(
    const struct bundle *b, struct hf_country c, const struct hf_key *key)
{
	const struct country_entry *e = find_entry(b, &c, is_officer, key);

	return e == NULL ? NULL : &e->u.officer;
}

const struct bundle_doc *bundle_leaves_out(const struct bundle *b,
    struct hf_country c, const struct hf_key *key, struct instant at)
{
	const struct bundle_doc *d = NULL;

	for (unsigned i = 0; i < b->doc_count; i++)
		if (strcmp(b->docs[i].country.s, c.s) == 0 &&
		    b->docs[i].doc->head.issued.ms <= at.ms &&
		    (d == NULL || b->docs[i].version > d->version))
			d = &b->docs[i];
	for (unsigned i = 0; d != NULL && i < d->doc->entry_count; i++)
		if (is_officer(&d->doc->entries[i], key))
			return NULL;
	for (unsigned i = 0; d != NULL && i < b->entry_count; i++)
		if (b->entries[i]->version == d->version &&
		    strcmp(b->entries[i]->country.s, c.s) == 0 &&
		    is_officer(&b->entries[i]->entry, key))
			return NULL;
	return d;
}

const struct revocation_entry *bundle_revocation(
    const struct bundle *b, struct hf_country c, const struct hf_key *key)
{
	const struct country_entry *e = find_entry(b, &c, is_revocation, key);

	return e == NULL ? NULL : &e->u.revocation;
}

const struct broker_entry *bundle_broker(
    const struct bundle *b, struct hf_country c, uint32_t epoch)
{
	const struct country_entry *e = find_entry(b, &c, is_broker, &epoch);

	return e == NULL ? NULL : &e->u.broker;
}

const struct hf_profile *bundle_profile(
    const struct bundle *b, const struct hf_hash *digest)
{
	const struct country_entry *e = find_entry(b, NULL, is_profile, digest);
	const struct hf_profile *p = e == NULL ? NULL : &e->u.profile;

	for (unsigned i = 0; e == NULL && (p = hf_profile_at(i)) != NULL &&
			     memcmp(&p->digest, digest, sizeof(*digest)) != 0;
	     i++)
		;
	return p;
}

/* ---- who exported, and the newest head of his broker ---- */

static void read_exporter(struct bundle *b)
{
	struct tar_member *m = tar_find(&b->tar, "exporter.pub");
	enum hf_err err = HF_NOTFOUND;

	if (m != NULL) {
		m->used = true;
		err = minisign_public_read(&b->exporter, m->content);
	}
	if (err != HF_OK) {
		bundle_finds(b, BUNDLE_SIGNATURE, false, err, "exporter.pub",
		    "%s", hf_err_text(err));
		return;
	}
	for (unsigned i = 0; b->officer == NULL && i < b->pin_count; i++)
		b->officer =
		    bundle_officer(b, b->pins[i].country, &b->exporter);
	if (b->officer == NULL)
		bundle_finds(b, BUNDLE_SIGNATURE, false, HF_UNKNOWN_OFFICER,
		    "exporter.pub", "no document in it names this key");
}

/* The newest time that the broker of `c` gave to an act in it. */
static struct instant newest_entry(
    const struct bundle *b, const struct hf_country *c)
{
	struct instant newest = {0};

	for (unsigned t = 0; t < 2; t++)
		for (unsigned i = 0; i < b->view->count[t]; i++) {
			const struct bundle_act *a = &b->more[t][i];

			for (unsigned k = 0; k < a->receipt_count; k++) {
				const struct bundle_receipt *r =
				    &a->receipts[k];

				if (r->size > 0 && strcmp(r->by.s, c->s) == 0 &&
				    r->r.leaf.entered.ms > newest.ms)
					newest = r->r.leaf.entered;
			}
		}
	return newest;
}

/* When it was exported nobody can say, but after the newest entry that his
 * broker gave him: until then he must have been an officer. */
static void check_exporter(struct bundle *b)
{
	const struct revocation_entry *gone;
	struct instant newest;
	struct hf_country c;

	if (b->officer == NULL)
		return;
	c = hf_desk_country(&b->officer->desk);
	newest = newest_entry(b, &c);
	gone = bundle_revocation(b, c, &b->exporter);
	if (gone != NULL && gone->revoked.ms <= newest.ms)
		bundle_finds(b, BUNDLE_SIGNATURE, false, HF_REVOKED,
		    "exporter.pub", "revoked before acts in it entered");
	else if (gone != NULL)
		bundle_finds(b, BUNDLE_SIGNATURE, true, HF_REVOKED,
		    "exporter.pub",
		    "revoked since; when it was exported is not known");
	if (b->officer->valid_until.ms <= newest.ms)
		bundle_finds(b, BUNDLE_SIGNATURE, false, HF_EXPIRED_KEY,
		    "exporter.pub", "expired before acts in it entered");
}

/* The first line is the origin, which names the epoch. */
static enum hf_err open_head(
    struct bundle *b, struct hf_country c, struct hf_bytes note)
{
	struct bundle_head head = {.by = c, .note = note};
	char origin[HF_ORIGIN_MAX];
	const struct broker_entry *broker;
	struct hf_country named;
	struct hf_hash root;
	enum hf_err err;

	if (note.size > HF_NOTE_MAX)
		return HF_TOO_BIG;
	err = hf_note_origin(note, &named, &head.epoch);
	if (err != HF_OK)
		return err;
	broker = bundle_broker(b, c, head.epoch);
	if (broker == NULL)
		return HF_UNKNOWN_COUNTRY;
	hf_origin(origin, c, head.epoch);
	err = hf_checkpoint_verify(
	    note, origin, &broker->ledger, &head.size, &root);
	if (err == HF_OK)
		b->head = head;
	return err;
}

/* One only: another is left over. */
static void read_heads(struct bundle *b)
{
	for (unsigned i = 0; i < b->tar.count; i++) {
		struct tar_member *m = b->tar.members[i];
		struct hf_country c = {{0}};
		enum hf_err err;

		if (strlen(m->name) != 8 ||
		    sscanf(m->name, "heads/%2[A-Z]", c.s) != 1)
			continue;
		m->used = true;
		b->checked[BUNDLE_RECEIPTS]++;
		err = open_head(b, c, m->content);
		if (err != HF_OK)
			bundle_finds(b, BUNDLE_RECEIPTS, false, err, m->name,
			    "%s", hf_err_text(err));
		else
			bundle_cosigned(
			    b, m->content, (struct instant){0}, m->name);
		return;
	}
}

/* ---- the whole ---- */

/* What nobody read: of a later version, or out of place. */
static void left_over(struct bundle *b)
{
	static const char *const pages[] = {"README.txt", "manifest",
	    "manifest.minisig", "case.json", "index.html"};

	for (unsigned i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		struct tar_member *m = tar_find(&b->tar, pages[i]);

		if (m != NULL)
			m->used = true;
	}
	for (unsigned i = 0; i < b->tar.count; i++)
		if (!b->tar.members[i]->used)
			bundle_finds(b, BUNDLE_MANIFEST, false, HF_UNKNOWN_KEY,
			    b->tar.members[i]->name,
			    "belongs to nothing in this bundle");
}

enum hf_err bundle_open(struct bundle **out, struct tar *tar)
{
	struct bundle *b = calloc(1, sizeof(*b));
	enum hf_err err = HF_NOMEM;

	*out = NULL;
	if (b != NULL) {
		b->tar = *tar;
		memset(tar, 0, sizeof(*tar));
		b->view = calloc(1, sizeof(*b->view));
	}
	if (b == NULL || b->view == NULL) {
		tar_release(tar);
		bundle_free(b);
		return err;
	}
	read_pins(b);
	read_documents(b, false);
	read_documents(b, true);
	check_versions(b);
	read_exporter(b);
	err = read_witnesses(b);
	if (err == HF_OK) {
		read_heads(b);
		err = bundle_read_acts(b);
	}
	check_exporter(b);
	left_over(b);
	if (err == HF_OK || err == HF_MISSING_KEY)
		*out = b;
	else
		bundle_free(b);
	return err;
}

void bundle_free(struct bundle *b)
{
	if (b == NULL)
		return;
	for (unsigned t = 0; t < 2; t++) {
		for (unsigned i = 0;
		     b->more[t] != NULL && i < b->view->count[t]; i++)
			free(b->more[t][i].cite);
		free(b->more[t]);
	}
	view_free(b->view);
	cosigners_free(b->witnesses);
	for (unsigned i = 0; i < b->doc_count; i++)
		country_doc_free(b->docs[i].doc);
	for (unsigned i = 0; i < b->entry_count; i++)
		free(b->entries[i]);
	tar_release(&b->tar);
	free(b);
}
