/*
 * bundle_collect: everything that this officer may see of a case, as members
 * of a bundle.  Only what the broker gives him and his desk's key opens goes
 * in; inner tracks stay out, because they never leave their side.
 */
#include "client/bundle.h"

#include "client/minisign.h"
#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>

#define CITE_DEPTH 3u
#define DISCLOSURE_MAX 65536u /* bytes: all leaves of an act and a head */
#define PROOF_MAX 8192u

struct collection {
	struct home *home;
	struct link *link;
	const struct args *args;
	struct view *view;
	struct tar tar;
	unsigned doc_count;
	struct country_doc *docs[BUNDLE_DOCS_MAX]; /* owned; as we hold them */
};

/* The broker's words for "there is none". */
static bool is_absent(enum hf_err err)
{
	return err == HF_NOTFOUND || err == HF_UNKNOWN_ACT;
}

/* ---- fields ---- */

static bool is_withheld(const struct collection *c, unsigned field)
{
	const struct hf_field_info *info = hf_field_info(field);
	const char *name;

	for (unsigned i = 0; (name = arg_at(c->args, "withhold", i)) != NULL;
	     i++)
		if (info != NULL && strcmp(info->name, name) == 0)
			return true;
	return false;
}

static bool cite_is_withheld(
    const struct collection *c, const struct hf_leaf *leaf, unsigned depth);

static bool leaf_is_withheld(
    const struct collection *c, const struct hf_leaf *leaf, unsigned depth)
{
	if (is_withheld(c, leaf->field))
		return true;
	return leaf->field == HF_F_CITE && cite_is_withheld(c, leaf, depth);
}

/* A cite goes whole or not at all: what it shows is the citing act's leaf.
 * One that cannot be looked into goes only where nothing is withheld. */
static bool cite_is_withheld(
    const struct collection *c, const struct hf_leaf *leaf, unsigned depth)
{
	struct hf_cite *cite = NULL;
	bool withheld;

	if (!arg_on(c->args, "withhold"))
		return false;
	withheld = depth == 0 || view_cite(&cite, leaf) != HF_OK;
	for (unsigned i = 0; !withheld && i < cite->shown_count; i++)
		withheld = leaf_is_withheld(c, &cite->shown[i], depth - 1);
	free(cite);
	return withheld;
}

static enum hf_err add_leaves(
    struct collection *c, const struct view_act *a, const char *name)
{
	uint8_t indexes[HF_LEAF_MAX], *out;
	unsigned n = 0;
	size_t size;
	enum hf_err err;

	for (unsigned i = 0; i < a->leaves.count; i++)
		if (!leaf_is_withheld(c, &a->leaves.leaf[i], CITE_DEPTH))
			indexes[n++] = (uint8_t)i;
	if (!a->opened || n == 0)
		return HF_OK;
	out = malloc(DISCLOSURE_MAX);
	if (out == NULL)
		return HF_NOMEM;
	err = hf_cite_encode(&a->leaves, a->act.core_bytes, a->act.sigs_bytes,
	    indexes, n, out, DISCLOSURE_MAX, &size);
	if (err == HF_OK)
		err = tar_add(&c->tar, name, out, size);
	free(out);
	return err;
}

/* ---- acts and receipts ---- */

static enum hf_err add_act(
    struct collection *c, const struct view_act *a, const char *name)
{
	uint8_t out[HF_CORE_MAX + HF_ENVELOPE_MAX + HF_SIGS_MAX + 16];
	struct pack p;
	size_t size;
	enum hf_err err;

	pack_init(&p, out, sizeof(out));
	pack_array(&p, 3);
	pack_bin(&p, a->act.core_bytes.data, a->act.core_bytes.size);
	pack_bin(&p, a->act.envelope_bytes.data, a->act.envelope_bytes.size);
	pack_raw(&p, a->act.sigs_bytes);
	err = pack_finish(&p, &size);
	return err == HF_OK ? tar_add(&c->tar, name, out, size) : err;
}

static enum hf_err add_receipt(struct collection *c, unsigned t, uint32_t gen,
    struct hf_country by, struct hf_bytes receipt)
{
	char name[TAR_NAME_MAX + 1], text[HF_PROOF_TEXT_MAX];
	struct hf_receipt r;
	size_t size;
	enum hf_err err;

	bundle_name(name, "receipts", t, gen, &by);
	err = tar_add(&c->tar, name, receipt.data, receipt.size);
	if (err != HF_OK ||
	    hf_receipt_decode(&r, receipt.data, receipt.size) != HF_OK)
		return err;
	bundle_name(name, "proofs", t, gen, &by);
	err = hf_receipt_proof(&r, text, sizeof(text), &size);
	return err == HF_OK ? tar_add(&c->tar, name, text, size) : err;
}

/* Our own broker's receipt (NULL), or the one that it was given by another
 * for an act of ours; *receipt lends from the link. */
static enum hf_err ask_receipt(struct collection *c, uint64_t index,
    const struct hf_country *by, struct hf_bytes *receipt)
{
	struct answer answer;
	uint8_t args[32];
	struct pack p;
	struct wire w;
	size_t size;
	enum hf_err err;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, by == NULL ? 1 : 2);
	pack_uint(&p, 1);
	pack_uint(&p, index);
	if (by != NULL) {
		pack_uint(&p, 2);
		pack_text(&p, by->s);
	}
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = link_call(c->link, HF_OP_RECEIPT,
		    (struct hf_bytes){args, size}, &answer);
	if (err != HF_OK)
		return err;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, 1);
	if (wire_key(&w) == 1)
		*receipt = wire_bin(&w, 1, HF_RECEIPT_MAX);
	wire_close(&w);
	return wire_finish(&w);
}

/* Of the author's broker, which came with the act, and of the other side's.
 * One that is not there is no error: the bundle says what it does not prove. */
static enum hf_err add_receipts(
    struct collection *c, const struct view_act *a, unsigned t, uint32_t gen)
{
	struct hf_country from = hf_desk_country(&a->act.envelope.from);
	struct hf_country to = hf_desk_country(&a->act.envelope.to);
	bool ours = strcmp(from.s, c->home->country.s) == 0;
	struct hf_bytes receipt = {a->receipt, a->receipt_size};
	enum hf_err err = HF_OK;

	if (receipt.size > 0)
		err = add_receipt(c, t, gen, from, receipt);
	if (err != HF_OK || strcmp(from.s, to.s) == 0)
		return err;
	err = ask_receipt(c, a->index, ours ? &to : NULL, &receipt);
	if (err == HF_OK)
		return add_receipt(c, t, gen, to, receipt);
	return is_absent(err) ? HF_OK : err;
}

static enum hf_err add_acts(struct collection *c)
{
	for (unsigned t = 0; t <= HF_TRACK_ASKED; t++)
		for (uint32_t gen = 1; gen <= c->view->count[t]; gen++) {
			const struct view_act *a = &c->view->acts[t][gen - 1];
			char name[TAR_NAME_MAX + 1];
			enum hf_err err;

			bundle_name(name, "acts", t, gen, NULL);
			err = add_act(c, a, name);
			bundle_name(name, "leaves", t, gen, NULL);
			if (err == HF_OK)
				err = add_leaves(c, a, name);
			if (err == HF_OK)
				err = add_receipts(c, a, t, gen);
			if (err != HF_OK)
				return err;
		}
	return HF_OK;
}

/* ---- documents ---- */

static struct country_doc *held(
    const struct collection *c, struct hf_country country, uint32_t version)
{
	for (unsigned i = 0; i < c->doc_count; i++)
		if (c->docs[i]->head.version == version &&
		    strcmp(c->docs[i]->head.country.s, country.s) == 0)
			return c->docs[i];
	return NULL;
}

/* One version of a country's document, without its domestic entries.  Of an
 * old one that the broker has no more the bundle goes without. */
static enum hf_err add_document(
    struct collection *c, struct hf_country country, uint32_t version)
{
	const struct hf_key *root = roster_root(c->home->roster, country);
	char name[TAR_NAME_MAX + 1];
	struct country_doc *d = NULL;
	uint8_t *bytes = NULL;
	unsigned clause;
	size_t size;
	enum hf_err err;

	if (root == NULL)
		return HF_ROOT_UNKNOWN;
	if (held(c, country, version) != NULL)
		return HF_OK;
	if (c->doc_count == BUNDLE_DOCS_MAX)
		return HF_TOO_MANY;
	err = roster_fetch(c->link, country, version, &bytes, &size);
	if (is_absent(err))
		return HF_OK;
	if (err == HF_OK)
		err = country_doc_open(&d, bytes, size, root, &clause);
	free(bytes);
	bytes = NULL;
	if (err != HF_OK)
		return err;
	if (d->head.version != version) {
		country_doc_free(d);
		return HF_OK;
	}
	c->docs[c->doc_count++] = d;
	snprintf(name, sizeof(name), "documents/%s.%u", country.s, version);
	err = country_doc_strip(d, &bytes, &size);
	if (err == HF_OK)
		err = tar_add(&c->tar, name, bytes, size);
	free(bytes);
	return err;
}

/* The newest of a country, and those that its acts were signed under. */
static enum hf_err add_documents(
    struct collection *c, const struct hf_desk *desk)
{
	struct hf_country country = hf_desk_country(desk);
	const struct country_doc *newest = roster_doc(c->home->roster, country);
	enum hf_err err;

	if (newest == NULL)
		return HF_UNKNOWN_COUNTRY;
	err = add_document(c, country, newest->head.version);
	for (unsigned t = 0; t <= HF_TRACK_ASKED; t++)
		for (unsigned i = 0; err == HF_OK && i < c->view->count[t];
		     i++) {
			const struct hf_envelope *e =
			    &c->view->acts[t][i].act.envelope;
			struct hf_country author = hf_desk_country(&e->from);

			if (strcmp(author.s, country.s) == 0)
				err = add_document(c, country, e->roster);
		}
	return err;
}

/* A domestic officer who signed something here: his entry alone, by proof;
 * and that his key was revoked. */
static enum hf_err add_entries_of(
    struct collection *c, const struct country_doc *d, const struct hf_key *key)
{
	for (unsigned i = 0; i < d->entry_count; i++) {
		const struct country_entry *e = &d->entries[i];
		char name[TAR_NAME_MAX + 1];
		uint8_t proof[PROOF_MAX];
		size_t size;
		enum hf_err err;

		if (!e->domestic ||
		    !((e->type == ENTRY_OFFICER &&
			  memcmp(&e->u.officer.sign, key, sizeof(*key)) == 0) ||
			(e->type == ENTRY_REVOCATION &&
			    memcmp(&e->u.revocation.key, key, sizeof(*key)) ==
				0)))
			continue;
		snprintf(name, sizeof(name), "entries/%s.%u.%u",
		    d->head.country.s, d->head.version, i);
		if (tar_find(&c->tar, name) != NULL)
			continue;
		err = country_entry_proof(d, i, proof, sizeof(proof), &size);
		if (err == HF_OK)
			err = tar_add(&c->tar, name, proof, size);
		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}

static enum hf_err add_entries(struct collection *c)
{
	enum hf_err err = HF_OK;

	for (unsigned k = 0; k < c->doc_count && err == HF_OK; k++) {
		const struct country_doc *d = c->docs[k];

		err = add_entries_of(c, d, &c->home->signer->sign_key);
		for (unsigned t = 0; t <= HF_TRACK_ASKED; t++)
			for (unsigned i = 0;
			     i < c->view->count[t] && err == HF_OK; i++) {
				const struct hf_act *a =
				    &c->view->acts[t][i].act;

				for (unsigned s = 0;
				     s < a->signature_count && err == HF_OK;
				     s++)
					err = add_entries_of(
					    c, d, &a->signatures[s].key);
			}
	}
	return err;
}

/* Of the countries in it; others are nobody's business here. */
static enum hf_err add_pins(struct collection *c)
{
	struct hf_country a = hf_desk_country(&c->view->from);
	struct hf_country b = hf_desk_country(&c->view->to);
	struct hf_country list[2] = {a, b};
	char text[2 * (HF_KEYLINE_MAX + 8)], line[HF_KEYLINE_MAX];
	size_t at = 0;

	if (strcmp(a.s, b.s) > 0) {
		list[0] = b;
		list[1] = a;
	}
	for (unsigned i = strcmp(a.s, b.s) == 0 ? 1 : 0; i < 2; i++) {
		const struct hf_key *root =
		    roster_root(c->home->roster, list[i]);

		if (root == NULL)
			return HF_ROOT_UNKNOWN;
		hf_keyline(line, HF_KEY_ROOT, root);
		at += (size_t)snprintf(
		    text + at, sizeof(text) - at, "%s %s\n", list[i].s, line);
	}
	return tar_add(&c->tar, "pins", text, at);
}

static enum hf_err add_head(struct collection *c)
{
	char name[TAR_NAME_MAX + 1];
	struct hf_bytes note = {NULL, 0};
	struct answer answer;
	struct wire w;
	enum hf_err err =
	    link_call(c->link, HF_OP_HEAD, (struct hf_bytes){NULL, 0}, &answer);

	if (err != HF_OK)
		return is_absent(err) ? HF_OK : err;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, 1);
	if (wire_key(&w) == 1)
		note = wire_str(&w, 1, HF_NOTE_MAX);
	wire_close(&w);
	err = wire_finish(&w);
	snprintf(name, sizeof(name), "heads/%s", c->home->country.s);
	return err == HF_OK ? tar_add(&c->tar, name, note.data, note.size)
			    : err;
}

static enum hf_err add_exporter(struct collection *c)
{
	char text[MINISIGN_TEXT_MAX], line[HF_KEYLINE_MAX];
	size_t size;

	hf_keyline(line, HF_KEY_OFFICER, &c->home->signer->sign_key);
	minisign_public(text, &size, &c->home->signer->sign_key, line);
	return tar_add(&c->tar, "exporter.pub", text, size);
}

enum hf_err bundle_collect(struct bundle **out, struct home *h, struct link *l,
    const char *ref, const struct args *withhold)
{
	struct collection *c = calloc(1, sizeof(*c));
	struct bundle *b = NULL;
	enum hf_err err = HF_NOMEM;

	*out = NULL;
	if (c == NULL)
		return err;
	c->home = h;
	c->link = l;
	c->args = withhold;
	err = view_open(&c->view, h, l, ref);
	if (err == HF_OK)
		err = add_acts(c);
	if (err == HF_OK)
		err = add_documents(c, &c->view->from);
	if (err == HF_OK)
		err = add_documents(c, &c->view->to);
	if (err == HF_OK)
		err = add_entries(c);
	if (err == HF_OK)
		err = add_pins(c);
	if (err == HF_OK)
		err = add_head(c);
	if (err == HF_OK)
		err = add_exporter(c);
	if (err == HF_OK)
		err = bundle_open(&b, &c->tar);
	if (err == HF_OK)
		err = bundle_seal(b, h->signer);
	if (err == HF_OK) {
		*out = b;
		b = NULL;
	}
	bundle_free(b);
	tar_release(&c->tar);
	for (unsigned i = 0; i < c->doc_count; i++)
		country_doc_free(c->docs[i]);
	view_free(c->view);
	free(c);
	return err;
}
