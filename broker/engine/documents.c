/*
 * documents: country documents in the store, the roster and the ledger.
 *
 * The codes of the statement `roster`: 1 a root was pinned (detail: the
 * root), 2 unpinned, 3 a document came into force (count: its version,
 * detail: digest of its head).
 */
#include "broker/engine/link.h"
#include "proto/crypto.h"

#include <stdlib.h>
#include <string.h>

/* Pins: meta row "pin" CC -> root key. */
static void pin_key(struct row_key *k, struct hf_country c)
{
	*k = (struct row_key){0};
	row_add(k, "pin", 3);
	row_add(k, c.s, HF_COUNTRY_SIZE);
}

static void doc_key(struct row_key *k, struct hf_country c, uint32_t version)
{
	*k = (struct row_key){0};
	row_add(k, c.s, HF_COUNTRY_SIZE);
	row_add_be32(k, version);
}

enum hf_err documents_version(struct engine *e, struct hf_country c,
    uint32_t version, struct hf_bytes *document)
{
	struct row_key k;

	doc_key(&k, c, version);
	return txn_get(e->txn, TABLE_DOCS, row_bytes(&k), document);
}

/* Stored documents whose key begins with `prefix`, oldest first. */
static enum hf_err load_docs(struct engine *e, struct hf_bytes prefix)
{
	struct row_key from = {0};
	enum hf_err err = HF_OK;

	while (err == HF_OK) {
		struct hf_bytes key, value;
		struct hf_country c;
		uint32_t version;

		err = txn_next(e->txn, TABLE_DOCS, prefix, row_bytes(&from),
		    from.size > 0, &key, &value);
		if (err != HF_OK)
			break;
		if (key.size != HF_COUNTRY_SIZE + 4)
			return HF_CORRUPT;
		from.size = 0;
		row_add(&from, key.data, key.size);
		err =
		    roster_add(e->roster, value.data, value.size, &c, &version);
		/* of a country that is not pinned, or under another root; or
		 * superseded, and the key is another's by now */
		if (err == HF_ROOT_UNKNOWN || err == HF_DOC_INVALID ||
		    err == HF_KEY_CLAIMED)
			err = HF_OK;
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err statement(struct engine *e, struct hf_country c,
    uint64_t code, uint64_t count, const void *detail, size_t size)
{
	struct hf_statement s = {.type = HF_ENTRY_ROSTER,
	    .text = bytes_of(c.s, HF_COUNTRY_SIZE),
	    .code = code,
	    .count = count,
	    .detail = bytes_of(detail, size)};
	uint64_t index;

	return ledger_add_statement(e, &s, &index);
}

/* What a roster change means outside: whom to admit, whom to dial. */
static void announce(struct engine *e)
{
	e->roster_changed = true;
	effect_simple(e, EFFECT_KEYS, NULL, 0);
	effect_simple(e, EFFECT_DIAL, NULL, 0);
}

enum hf_err documents_pin(
    struct engine *e, struct hf_country c, const struct hf_key *root)
{
	const struct hf_key *held = roster_root(e->roster, c);
	struct row_key k;
	enum hf_err err;

	if (held != NULL)
		return memcmp(held, root, sizeof(*root)) == 0 ? HF_OK
							      : HF_DOC_CONFLICT;
	err = roster_pin(e->roster, c, root);
	if (err != HF_OK)
		return err;
	e->roster_changed = true;
	pin_key(&k, c);
	err = txn_put(e->txn, TABLE_META, row_bytes(&k),
	    bytes_of(root->b, sizeof(root->b)));
	if (err == HF_OK)
		err = statement(e, c, 1, 0, root->b, sizeof(root->b));
	/* pinned before: what was valid then is again */
	if (err == HF_OK)
		err = load_docs(e, bytes_of(c.s, HF_COUNTRY_SIZE));
	if (err == HF_OK && roster_doc(e->roster, c) != NULL)
		announce(e);
	return err;
}

enum hf_err documents_unpin(struct engine *e, struct hf_country c)
{
	struct key_list *before;
	struct row_key k;
	enum hf_err err;

	if (roster_root(e->roster, c) == NULL)
		return HF_OK;
	err = keys_admitted(e, &before);
	if (err != HF_OK)
		return err;
	roster_unpin(e->roster, c);
	announce(e);
	err = keys_cut_gone(e, before);
	if (err != HF_OK)
		return err;
	pin_key(&k, c);
	err = txn_del(e->txn, TABLE_META, row_bytes(&k));
	if (err == HF_OK || err == HF_NOTFOUND)
		err = heads_forget(e, c);
	return err == HF_OK ? statement(e, c, 2, 0, NULL, 0) : err;
}

/* Two documents of one version, or of two countries that name one broker's
 * key: kept as proof, on record with the countries' names. */
static enum hf_err keep_conflict(struct engine *e, enum hf_err code,
    struct hf_bytes document, struct hf_country c)
{
	struct hf_hash digest =
	    hf_hash(HF_TAG_STATEMENT, document.data, document.size);
	struct hf_country rival = roster_rival(e->roster);
	char who[2 * HF_COUNTRY_SIZE + 2] = "";
	struct hf_statement s = {.type = HF_ENTRY_CONFLICT,
	    .code = code,
	    .detail = bytes_of(digest.b, sizeof(digest.b))};
	struct hf_bytes held;
	uint64_t index;
	enum hf_err err = txn_get(e->txn, TABLE_CONFLICTS,
	    bytes_of(digest.b, sizeof(digest.b)), &held);

	memcpy(who, c.s, HF_COUNTRY_SIZE);
	if (code == HF_KEY_CLAIMED) {
		who[HF_COUNTRY_SIZE] = ' ';
		memcpy(who + HF_COUNTRY_SIZE + 1, rival.s, HF_COUNTRY_SIZE);
	}
	s.text = bytes_of(who, strlen(who));
	effect_log(e, code, "document-refused", NULL, NULL, who);
	if (err != HF_NOTFOUND)
		return err; /* on record already */
	err = txn_put(e->txn, TABLE_CONFLICTS,
	    bytes_of(digest.b, sizeof(digest.b)), document);
	return err == HF_OK ? ledger_add_statement(e, &s, &index) : err;
}

/* It is in force: store, ledger, and tell those whom it concerns. */
static enum hf_err enter(
    struct engine *e, struct hf_bytes document, struct hf_country c)
{
	const struct country_doc *d = roster_doc(e->roster, c);
	struct row_key k;
	enum hf_err err;

	announce(e);
	doc_key(&k, c, d->head.version);
	err = txn_put(e->txn, TABLE_DOCS, row_bytes(&k), document);
	if (err == HF_OK)
		err = link_counter_set(e, c, "document", e->now.ms);
	if (err == HF_OK)
		err = statement(e, c, 3, d->head.version, d->head_digest.b,
		    sizeof(d->head_digest.b));
	if (err == HF_OK && same_country(&c, &e->options.country))
		err = link_document_changed(e);
	return err;
}

enum hf_err documents_add(
    struct engine *e, struct hf_bytes document, uint32_t *version)
{
	struct key_list *before;
	struct hf_country c;
	enum hf_err err = keys_admitted(e, &before), cut;

	if (err != HF_OK)
		return err;
	err = roster_add(e->roster, document.data, document.size, &c, version);
	if (err == HF_OK)
		err = enter(e, document, c);
	else if (err == HF_DOC_CONFLICT || err == HF_KEY_CLAIMED) {
		enum hf_err kept = keep_conflict(e, err, document, c);

		err = kept == HF_OK ? err : kept;
	}
	/* whoever is revoked or left out is cut, live sessions too */
	cut = keys_cut_gone(e, before);
	return cut != HF_OK ? cut : err;
}

static enum hf_err load_pins(struct engine *e)
{
	struct hf_bytes prefix = bytes_of("pin", 3), key, value;
	struct row_key from = {0};
	enum hf_err err = HF_OK;

	row_add(&from, "pin", 3);
	while (err == HF_OK) {
		struct hf_country c = {{0}};
		struct hf_key root;

		err = txn_next(e->txn, TABLE_META, prefix, row_bytes(&from),
		    true, &key, &value);
		if (err != HF_OK)
			break;
		if (key.size != 5 || value.size != sizeof(root.b))
			return HF_CORRUPT;
		memcpy(c.s, key.data + 3, HF_COUNTRY_SIZE);
		memcpy(root.b, value.data, sizeof(root.b));
		pin_key(&from, c);
		err = roster_pin(e->roster, c, &root);
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

enum hf_err documents_load(struct engine *e)
{
	enum hf_err err = load_pins(e);

	return err == HF_OK ? load_docs(e, bytes_of(NULL, 0)) : err;
}
