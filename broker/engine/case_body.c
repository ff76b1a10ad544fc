/*
 * Bodies under the case's key.
 *
 * A body comes sealed to desks already, and brokers cannot read it.  It is
 * sealed once more under the case's own key because that is what makes
 * erasing possible: the key lives in a slot that can be overwritten, pages
 * of the store cannot.  The nonce is the beginning of the act's id: it is
 * unique under the key, for a place holds one act and an id names its bytes.
 */
#include "broker/engine/intake.h"
#include "proto/crypto.h"

#include <assert.h>
#include <string.h>

static struct hf_bytes id_bytes(const struct hf_id *id)
{
	return bytes_of(id->b, sizeof(id->b));
}

static void body_key(struct row_key *k, uint64_t index)
{
	*k = (struct row_key){0};
	row_add_be64(k, index);
}

enum hf_err case_body_put(struct engine *e, const struct case_record *c,
    const struct hf_id *act, uint64_t index, struct hf_bytes body)
{
	uint8_t key[HF_KEY_SIZE];
	struct row_key k;
	enum hf_err err;

	_Static_assert(HF_NONCE_SIZE <= HF_ID_SIZE, "a nonce from an id");
	assert(body.size + HF_TAG_SIZE <= HF_FRAME_MAX);
	err = store_key_get(e->txn, c->key_slot, key);
	if (err != HF_OK)
		return err;
	hf_aead_seal(e->box, body.data, body.size, id_bytes(act), act->b, key);
	hf_wipe(key, sizeof(key));
	body_key(&k, index);
	return txn_put(e->txn, TABLE_BODIES, row_bytes(&k),
	    bytes_of(e->box, body.size + HF_TAG_SIZE));
}

enum hf_err case_body_has(struct engine *e, const struct hf_id *act, bool *has)
{
	struct hf_bytes box;
	struct row_key k;
	uint64_t index;
	enum hf_err err = ledger_index_of(e, act, &index);

	if (err == HF_OK) {
		body_key(&k, index);
		err = txn_get(e->txn, TABLE_BODIES, row_bytes(&k), &box);
	}
	*has = err == HF_OK;
	return err == HF_NOTFOUND ? HF_OK : err;
}

enum hf_err case_body_drop(struct engine *e, uint64_t index)
{
	struct row_key k;
	enum hf_err err;

	body_key(&k, index);
	err = txn_del(e->txn, TABLE_BODIES, row_bytes(&k));
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err get_at(struct engine *e, const struct case_record *c,
    const struct hf_id *act, uint64_t index, uint8_t *out, size_t *size)
{
	uint8_t key[HF_KEY_SIZE];
	struct hf_bytes box;
	struct row_key k;
	enum hf_err err;

	body_key(&k, index);
	err = txn_get(e->txn, TABLE_BODIES, row_bytes(&k), &box);
	if (err != HF_OK)
		return err;
	if (box.size < HF_TAG_SIZE || box.size > HF_BODY_MAX + HF_TAG_SIZE)
		return HF_CORRUPT;
	err = store_key_get(e->txn, c->key_slot, key);
	if (err != HF_OK)
		return err;
	err = hf_aead_open(out, box.data, box.size, id_bytes(act), act->b, key);
	hf_wipe(key, sizeof(key));
	if (err != HF_OK)
		return HF_CORRUPT;
	*size = box.size - HF_TAG_SIZE;
	return HF_OK;
}

enum hf_err case_body_get(struct engine *e, const struct case_record *c,
    const struct hf_id *act, uint8_t *out, size_t *size)
{
	uint64_t index;
	enum hf_err err =
	    c->erased ? HF_ERASED : ledger_index_of(e, act, &index);

	return err == HF_OK ? get_at(e, c, act, index, out, size) : err;
}

enum hf_err case_act_frame(struct engine *e, const struct case_record *c,
    uint64_t index, bool with_body, uint8_t *out, size_t capacity, size_t *size)
{
	struct hf_bytes core, envelope, sigs;
	struct hf_ledger_leaf leaf;
	size_t body_size = 0;
	enum hf_err err;

	err = ledger_leaf(e, index, &leaf);
	if (err == HF_OK)
		err = ledger_act(e, index, &core, &envelope, &sigs);
	if (err != HF_OK)
		return err;
	if (with_body && !c->erased) {
		err = get_at(e, c, &leaf.id, index, e->box, &body_size);
		/* acts without a body have no row; erased ones none any more */
		if (err != HF_OK && err != HF_NOTFOUND && err != HF_ERASED)
			return err;
	}
	return hf_act_encode(core, envelope, sigs, bytes_of(e->box, body_size),
	    out, capacity, size);
}
