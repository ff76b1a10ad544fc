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

enum hf_err case_body_put(struct engine *e, const struct case_record *c,
    const struct hf_id *act, struct hf_bytes body)
{
	uint8_t key[HF_KEY_SIZE];
	enum hf_err err;

	_Static_assert(HF_NONCE_SIZE <= HF_ID_SIZE, "a nonce from an id");
	assert(body.size + HF_TAG_SIZE <= HF_FRAME_MAX);
	err = store_key_get(e->txn, c->key_slot, key);
	if (err != HF_OK)
		return err;
	hf_aead_seal(e->box, body.data, body.size, id_bytes(act), act->b, key);
	hf_wipe(key, sizeof(key));
	return txn_put(e->txn, TABLE_BODIES, id_bytes(act),
	    bytes_of(e->box, body.size + HF_TAG_SIZE));
}

enum hf_err case_body_get(struct engine *e, const struct case_record *c,
    const struct hf_id *act, uint8_t *out, size_t *size)
{
	uint8_t key[HF_KEY_SIZE];
	struct hf_bytes box;
	enum hf_err err;

	if (c->erased)
		return HF_ERASED;
	err = txn_get(e->txn, TABLE_BODIES, id_bytes(act), &box);
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
	if (with_body) {
		err = case_body_get(e, c, &leaf.id, e->box, &body_size);
		/* acts without a body have no row; erased ones none any more */
		if (err != HF_OK && err != HF_NOTFOUND && err != HF_ERASED)
			return err;
	}
	return hf_act_encode(core, envelope, sigs, bytes_of(e->box, body_size),
	    out, capacity, size);
}
