/*
 * tally: who read what, and what was refused, counted by key, subject or
 * code, and minute, so that neither reading nor knocking floods the ledger.
 *
 * A row is minute be64, type u8, key, subject or code -> count be64.  A
 * finished minute is written to the ledger and its rows are deleted.
 */
#include "broker/engine/intake.h"

#include <string.h>

#define ROWS_A_TURN 256u
#define ROW_SIZE (8u + 1u + HF_KEY_SIZE + HF_ID_SIZE)

static enum hf_err count(struct engine *e, unsigned type,
    const struct hf_key *key, const uint8_t subject[HF_ID_SIZE], uint64_t more)
{
	struct row_key k = {0};
	struct hf_bytes row;
	uint8_t value[8];
	uint64_t n = 0;
	enum hf_err err;

	row_add_be64(&k, e->now.ms / MINUTE_MS);
	row_add_u8(&k, type);
	row_add(&k, key->b, sizeof(key->b));
	row_add(&k, subject, HF_ID_SIZE);
	err = txn_get(e->txn, TABLE_TALLY, row_bytes(&k), &row);
	if (err == HF_OK && row.size == 8)
		n = get_be64(row.data);
	else if (err != HF_NOTFOUND)
		return err == HF_OK ? HF_CORRUPT : err;
	put_be64(value, n + more);
	return txn_put(
	    e->txn, TABLE_TALLY, row_bytes(&k), bytes_of(value, sizeof(value)));
}

enum hf_err tally_read(
    struct engine *e, const struct hf_key *who, const struct hf_id *subject)
{
	return count(e, HF_ENTRY_READ, who, subject->b, 1);
}

enum hf_err tally_refusals(struct engine *e, const struct hf_key *who,
    enum hf_err code, uint64_t times)
{
	uint8_t subject[HF_ID_SIZE] = {0};

	put_be32(subject, (uint32_t)code);
	return count(e, HF_ENTRY_REFUSED, who, subject, times);
}

enum hf_err tally_refusal(
    struct engine *e, const struct hf_key *who, enum hf_err code)
{
	return tally_refusals(e, who, code, 1);
}

enum hf_err tally_next(struct engine *e, struct instant *at)
{
	struct hf_bytes none = {NULL, 0}, key, value;
	enum hf_err err =
	    txn_next(e->txn, TABLE_TALLY, none, none, false, &key, &value);

	*at = (struct instant){0};
	if (err == HF_OK && key.size != ROW_SIZE)
		return HF_CORRUPT;
	if (err == HF_OK)
		at->ms = (get_be64(key.data) + 1) * MINUTE_MS;
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err write_row(struct engine *e, const uint8_t *k, uint64_t n)
{
	struct hf_statement s = {.type = k[8], .count = n};
	uint64_t index;

	memcpy(s.key.b, k + 9, sizeof(s.key.b));
	s.time.ms = get_be64(k) * MINUTE_MS;
	if (s.type == HF_ENTRY_READ)
		memcpy(s.subject.b, k + 9 + HF_KEY_SIZE, HF_ID_SIZE);
	else
		s.code = get_be32(k + 9 + HF_KEY_SIZE);
	return ledger_add_statement(e, &s, &index);
}

enum hf_err tally_run(struct engine *e, bool all)
{
	for (unsigned i = 0; i < ROWS_A_TURN; i++) {
		struct hf_bytes none = {NULL, 0}, key, value;
		uint8_t k[ROW_SIZE];
		uint64_t n;
		enum hf_err err = txn_next(
		    e->txn, TABLE_TALLY, none, none, false, &key, &value);

		if (err == HF_NOTFOUND)
			return HF_OK;
		if (err != HF_OK)
			return err;
		if (key.size != sizeof(k) || value.size != 8)
			return HF_CORRUPT;
		if (!all && get_be64(key.data) >= e->now.ms / MINUTE_MS)
			return HF_OK; /* this minute goes on */
		memcpy(k, key.data, sizeof(k));
		n = get_be64(value.data);
		err = txn_del(e->txn, TABLE_TALLY, bytes_of(k, sizeof(k)));
		if (err == HF_OK)
			err = write_row(e, k, n);
		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}
