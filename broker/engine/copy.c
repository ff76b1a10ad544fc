/*
 * copy: what a copy of the store is worth (DESIGN 8).
 *
 * A copy is judged before it takes the place of an older one, and before it is
 * restored: every entry is read back from where it is stored, and the newest
 * head in it must be that of its entries and bear the signature of the ledger
 * key that a country document in it names.
 */
#include "broker/engine/copy.h"

#include "broker/engine/intake.h"

#include <string.h>

enum hf_err engine_open_copy(
    struct engine **out, struct hf_country country, struct txn *t)
{
	/* an epoch later than any: nothing is said about what was signed */
	const struct engine_options options = {
	    .country = country, .epoch = UINT32_MAX, .accept_rollback = true};

	return engine_open(out, &options, t, 0, NULL);
}

/* The head in the copy is signed, and is that of the entries. */
static enum hf_err check_note(struct engine *e, struct engine_copy *out)
{
	char origin[HF_ORIGIN_MAX];
	struct hf_nodes nodes = ledger_nodes(e);
	struct hf_country country;
	struct hf_hash root, expected;
	const struct hf_key *key;
	uint64_t size;
	enum hf_err err = ledger_note(e, &out->signed_size, &out->note);

	if (err == HF_NOTFOUND)
		return HF_OK; /* nothing was signed yet */
	if (err == HF_OK)
		err = hf_note_origin(out->note, &country, &out->epoch);
	if (err != HF_OK)
		return err;
	key = roster_ledger_key(e->roster, country, out->epoch);
	if (!same_country(&country, &e->options.country) || key == NULL)
		return HF_CHECKPOINT;
	hf_origin(origin, country, out->epoch);
	err = hf_checkpoint_verify(out->note, origin, key, &size, &root);
	if (err == HF_OK && (size != out->signed_size || size > out->size))
		err = HF_CHECKPOINT;
	if (err == HF_OK)
		err = hf_merkle_tree_root(&nodes, size, &expected);
	if (err == HF_OK && memcmp(&root, &expected, sizeof(root)) != 0)
		err = HF_CORRUPT;
	return err;
}

enum hf_err engine_check_copy(
    struct engine *e, struct txn *t, struct engine_copy *out)
{
	enum hf_err err;

	*out = (struct engine_copy){.size = e->frontier.size, .epoch = 1};
	e->txn = t;
	err = ledger_scrub(e, &out->entry, out->size);
	if (err == HF_OK)
		err = check_note(e, out);
	e->txn = NULL;
	return err;
}

enum hf_err engine_case_slots(struct engine *e, struct txn *t,
    enum hf_err (*each)(void *ctx, uint32_t slot), void *ctx)
{
	struct hf_bytes none = bytes_of(NULL, 0), key, value;
	struct row_key from = {0};
	struct case_record c;
	struct hf_id id;
	enum hf_err err;

	e->txn = t;
	while ((err = txn_next(t, TABLE_CASES, none, row_bytes(&from),
		    from.size > 0, &key, &value)) == HF_OK) {
		if (key.size != sizeof(id.b)) {
			err = HF_CORRUPT;
			break;
		}
		memcpy(id.b, key.data, sizeof(id.b));
		from.size = 0;
		row_add(&from, id.b, sizeof(id.b));
		err = case_load(e, &id, &c);
		if (err == HF_OK && !c.erased)
			err = each(ctx, c.key_slot);
		if (err != HF_OK)
			break;
	}
	e->txn = NULL;
	return err == HF_NOTFOUND ? HF_OK : err;
}
