/*
 * erase: the end of a file (SPEC 12.8).
 *
 * Three steps, because a key cannot be overwritten inside a transaction: the
 * intent is committed; then the key is overwritten and synced (an effect);
 * then the certificate is committed, and what is left of the bodies, which
 * nobody can read any more, is deleted.  A crash between any two of them
 * finds the intent and goes on.
 */
#include "broker/engine/intake.h"

#include <assert.h>
#include <string.h>

static const char intent_name[] = "erase/";

static void intent_key(struct row_key *k, uint32_t slot)
{
	*k = (struct row_key){0};
	row_add(k, intent_name, sizeof(intent_name) - 1);
	row_add_be32(k, slot);
}

uint64_t erase_retain_s(const struct engine *e, const struct case_record *c)
{
	const struct hf_profile *p =
	    roster_profile(e->roster, e->options.country, c->basis);

	if (p == NULL)
		p = e->work->profile;
	return p != NULL ? p->retain_s : 0;
}

enum hf_err erase_begin(struct engine *e, struct case_record *c)
{
	struct row_key k;
	enum hf_err err;

	if (c->legal_hold)
		return HF_LEGAL_HOLD;
	if (c->erased || c->ended.ms == 0 || c->retain_until.ms > e->now.ms)
		return HF_NOT_ALLOWED;
	intent_key(&k, c->key_slot);
	err = txn_put(e->txn, TABLE_META, row_bytes(&k),
	    bytes_of(c->id.b, sizeof(c->id.b)));
	if (err == HF_OK)
		effect_simple(e, EFFECT_ERASE, NULL, c->key_slot);
	return err;
}

static enum hf_err drop_bodies(struct engine *e, const struct case_record *c)
{
	struct hf_bytes prefix = bytes_of(c->id.b, sizeof(c->id.b));
	struct hf_bytes key, value;
	struct row_key from = {0};
	bool after = false;
	enum hf_err err;

	row_add(&from, c->id.b, sizeof(c->id.b));
	while ((err = txn_next(e->txn, TABLE_PLACES, prefix, row_bytes(&from),
		    after, &key, &value)) == HF_OK) {
		if (key.size != prefix.size + 5 || value.size < 8)
			return HF_CORRUPT;
		memcpy(from.b, key.data, key.size);
		from.size = key.size;
		after = true;
		err = case_body_drop(e, get_be64(value.data));
		if (err != HF_OK)
			return err;
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err certify(struct engine *e, const struct case_record *c)
{
	struct hf_statement s = {
	    .type = HF_ENTRY_ERASED, .subject = c->id, .time = e->now};
	uint64_t index;
	enum hf_err err = ledger_add_statement(e, &s, &index);

	if (err == HF_OK && case_sides(e, c) != 3u)
		err = link_tell_statement(e, case_other_country(e, c), index);
	return err;
}

enum hf_err erase_done(struct engine *e, uint32_t slot)
{
	struct hf_bytes value;
	struct case_record c;
	struct row_key k;
	struct hf_id id;
	enum hf_err err;

	intent_key(&k, slot);
	err = txn_get(e->txn, TABLE_META, row_bytes(&k), &value);
	if (err == HF_NOTFOUND) {
		err = withdraw_done(e, slot);
		/* done before: told twice after a crash */
		return err == HF_NOTFOUND ? HF_OK : err;
	}
	if (err != HF_OK)
		return err;
	if (value.size != sizeof(id.b))
		return HF_CORRUPT;
	memcpy(id.b, value.data, sizeof(id.b));
	err = case_load(e, &id, &c);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	c.erased = true;
	if ((err = certify(e, &c)) != HF_OK ||
	    (err = drop_bodies(e, &c)) != HF_OK ||
	    (err = txn_del(e->txn, TABLE_META, row_bytes(&k))) != HF_OK)
		return err;
	return intake_settle(e, &c);
}

/* Slots of the intents of this name. */
static enum hf_err resume(struct engine *e, const char *name)
{
	struct hf_bytes prefix = bytes_of(name, strlen(name)), key, value;
	struct row_key from = {0};
	bool after = false;
	enum hf_err err;

	row_add(&from, name, strlen(name));
	while ((err = txn_next(e->txn, TABLE_META, prefix, row_bytes(&from),
		    after, &key, &value)) == HF_OK) {
		if (key.size != prefix.size + 4)
			return HF_CORRUPT;
		from.size = 0;
		row_add(&from, key.data, key.size);
		after = true;
		effect_simple(
		    e, EFFECT_ERASE, NULL, get_be32(key.data + prefix.size));
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

enum hf_err erase_resume(struct engine *e)
{
	enum hf_err err = resume(e, intent_name);

	return err == HF_OK ? resume(e, "withdraw/") : err;
}
