/* The record of a case as a canonical row. */
#include "broker/engine/intake.h"

#include <assert.h>
#include <string.h>

#define RECORD_VERSION 2u
#define RECORD_MEMBERS 25u
#define RECORD_MAX 1024u

enum record_bit {
	BIT_ERASED = 1,
	BIT_LEGAL_HOLD = 2,
	BIT_OUTSIDE = 4,
	BIT_UNPROVEN = 8,
	BIT_ALL = 15,
};

static unsigned bits_of(const struct case_record *c)
{
	return (c->erased ? BIT_ERASED : 0u) |
	       (c->legal_hold ? BIT_LEGAL_HOLD : 0u) |
	       (c->outside_profile ? BIT_OUTSIDE : 0u) |
	       (c->unproven ? BIT_UNPROVEN : 0u);
}

static void write_record(struct pack *p, const struct case_record *c)
{
	pack_array(p, RECORD_MEMBERS);
	pack_uint(p, RECORD_VERSION);
	pack_text(p, c->ref);
	pack_text(p, c->from.s);
	pack_text(p, c->to.s);
	pack_uint(p, c->kind);
	pack_uint(p, c->measure);
	pack_uint(p, c->basis);
	pack_uint(p, c->urgency);
	pack_uint(p, c->key_slot);
	pack_uint(p, c->opened.ms);
	for (unsigned t = 0; t < HF_TRACK_COUNT; t++)
		pack_uint(p, c->gens[t]);
	pack_uint(p, (uint64_t)c->state);
	pack_uint(p, c->result);
	pack_uint(p, c->hold_until.ms);
	pack_uint(p, c->ended.ms);
	pack_uint(p, c->retain_until.ms);
	pack_uint(p, bits_of(c));
	pack_bin(p, c->profile.b, sizeof(c->profile.b));
	for (unsigned i = 0; i < 2; i++)
		pack_bin(p, c->assignees[i].b, sizeof(c->assignees[i].b));
	pack_bin(p, c->state_digest.b, sizeof(c->state_digest.b));
	pack_array(p, c->basis_count);
	for (unsigned i = 0; i < c->basis_count; i++)
		pack_bin(p, c->bases[i].b, sizeof(c->bases[i].b));
}

enum hf_err case_save(struct engine *e, const struct case_record *c)
{
	uint8_t row[RECORD_MAX];
	struct pack p;

	assert(c->basis_count <= HF_LINEAGE_MAX);
	pack_init(&p, row, sizeof(row));
	write_record(&p, c);
	return txn_put(e->txn, TABLE_CASES, bytes_of(c->id.b, sizeof(c->id.b)),
	    packed(&p));
}

static void read_times(struct wire *w, struct case_record *c)
{
	unsigned bits;

	c->hold_until = wire_time(w);
	c->ended = wire_time(w);
	c->retain_until = wire_time(w);
	bits = (unsigned)wire_uint(w, BIT_ALL);
	c->erased = (bits & BIT_ERASED) != 0;
	c->legal_hold = (bits & BIT_LEGAL_HOLD) != 0;
	c->outside_profile = (bits & BIT_OUTSIDE) != 0;
	c->unproven = (bits & BIT_UNPROVEN) != 0;
}

static void read_record(struct wire *w, struct case_record *c)
{
	struct hf_bytes ref;

	wire_array(w, RECORD_MEMBERS, RECORD_MEMBERS);
	if (wire_uint(w, RECORD_VERSION) != RECORD_VERSION)
		wire_fail(w, HF_RANGE);
	ref = wire_str(w, 0, HF_REF_MAX - 1);
	if (ref.size > 0)
		memcpy(c->ref, ref.data, ref.size);
	c->from = wire_desk(w);
	c->to = wire_desk(w);
	c->kind = (unsigned)wire_uint(w, UINT32_MAX);
	c->measure = (unsigned)wire_uint(w, UINT32_MAX);
	c->basis = (unsigned)wire_uint(w, UINT32_MAX);
	c->urgency = (unsigned)wire_uint(w, UINT32_MAX);
	c->key_slot = (uint32_t)wire_uint(w, UINT32_MAX);
	c->opened = wire_time(w);
	for (unsigned t = 0; t < HF_TRACK_COUNT; t++)
		c->gens[t] = (uint32_t)wire_uint(w, HF_TRACK_ACTS_MAX);
	c->state = (enum hf_state)wire_uint(w, HF_STATE_NOT_SUPPORTED);
	c->result = (unsigned)wire_uint(w, 255);
	read_times(w, c);
	wire_bin_copy(w, c->profile.b, sizeof(c->profile.b));
	for (unsigned i = 0; i < 2; i++)
		wire_bin_copy(w, c->assignees[i].b, sizeof(c->assignees[i].b));
	wire_bin_copy(w, c->state_digest.b, sizeof(c->state_digest.b));
	c->basis_count = wire_array(w, 0, HF_LINEAGE_MAX);
	for (unsigned i = 0; i < c->basis_count; i++)
		wire_bin_copy(w, c->bases[i].b, sizeof(c->bases[i].b));
	wire_close(w);
	wire_close(w);
}

enum hf_err case_load(
    struct engine *e, const struct hf_id *id, struct case_record *c)
{
	struct case_record read = {.id = *id};
	struct hf_bytes row;
	struct wire w;
	enum hf_err err;

	err =
	    txn_get(e->txn, TABLE_CASES, bytes_of(id->b, sizeof(id->b)), &row);
	if (err != HF_OK)
		return err;
	wire_init(&w, row.data, row.size);
	read_record(&w, &read);
	if (wire_finish(&w) != HF_OK)
		return HF_CORRUPT;
	*c = read;
	return HF_OK;
}
