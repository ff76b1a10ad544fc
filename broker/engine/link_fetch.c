/*
 * link_fetch: a side of a case by generation range, for a peer that misses
 * some of it (SPEC 10.1, fetch and acts).
 *
 * An outbox loses nothing, so this is for what came out of order, and for a
 * peer that has been restored.  Only the two shared tracks of a case to
 * which the peer's country is party are given, with the receipts under which
 * they stand here.
 */
#include "broker/engine/link.h"

#include <string.h>

/* ---- asking ---- */

/* The first act of a track that waits beyond what is complete. */
static enum hf_err first_waiting(struct engine *e, const struct hf_id *id,
    unsigned track, uint32_t gen, uint32_t *found)
{
	struct row_key prefix = {0}, from;
	struct hf_bytes key, value;
	enum hf_err err;

	row_add(&prefix, id->b, sizeof(id->b));
	row_add_u8(&prefix, track);
	from = prefix;
	row_add_be32(&from, gen);
	err = txn_next(e->txn, TABLE_PLACES, row_bytes(&prefix),
	    row_bytes(&from), true, &key, &value);
	if (err == HF_OK && key.size != prefix.size + 4)
		return HF_CORRUPT;
	if (err == HF_OK)
		*found = get_be32(key.data + prefix.size);
	return err;
}

enum hf_err link_ask_past(struct engine *e, uint64_t conn,
    struct hf_country peer, const struct hf_id *case_id)
{
	struct hf_country asking;
	struct case_record c;
	uint8_t frame[64];
	uint32_t waiting;
	unsigned track;
	struct pack k;
	enum hf_err err = case_load(e, case_id, &c);

	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	asking = hf_desk_country(&c.from);
	track = same_country(&asking, &peer) ? HF_TRACK_ASKING : HF_TRACK_ASKED;
	err = first_waiting(e, case_id, track, c.gens[track], &waiting);
	if (err == HF_NOTFOUND ||
	    (err == HF_OK && waiting == c.gens[track] + 1))
		return HF_OK; /* what is missing is not the peer's */
	if (err != HF_OK)
		return err;
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 5);
	pack_uint(&k, HF_LINK_FETCH);
	pack_bin(&k, case_id->b, sizeof(case_id->b));
	pack_uint(&k, track);
	pack_uint(&k, c.gens[track] + 1);
	pack_uint(&k, waiting - 1);
	return effect_send_pack(e, true, conn, &k);
}

/* ---- answering ---- */

bool link_is_party(const struct case_record *c, const struct peer *p)
{
	struct hf_country from = hf_desk_country(&c->from);
	struct hf_country to = hf_desk_country(&c->to);

	return same_country(&from, &p->country) ||
	       same_country(&to, &p->country);
}

/* One act as a row; *fits is false when it must wait for the next frame, or
 * for its head. */
static enum hf_err pack_place(struct engine *e, struct pack *rows,
    const struct case_record *c, unsigned track, uint32_t gen, bool *fits)
{
	uint8_t frame[HF_ACT_MAX], receipt[HF_RECEIPT_MAX];
	size_t size, receipt_size;
	struct hf_act act;
	uint64_t index;
	enum hf_err err = case_place(e, &c->id, track, gen, &index);

	*fits = false;
	if (err == HF_OK)
		err = case_act_frame(
		    e, c, index, !c->erased, frame, sizeof(frame), &size);
	if (err == HF_NOTFOUND ||
	    (err == HF_OK && hf_act_decode(&act, frame, size) != HF_OK))
		return HF_CORRUPT;
	if (err == HF_OK)
		err = ledger_home_receipt(e, index, receipt, &receipt_size);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	if (rows->at + size + receipt_size + 16 > LINK_BATCH_BYTES)
		return HF_OK;
	pack_array(rows, 2);
	pack_bin(rows, frame, size);
	pack_bin(rows, receipt, receipt_size);
	*fits = true;
	return HF_OK;
}

static enum hf_err send_acts(struct engine *e, uint64_t conn,
    const struct case_record *c, const struct pack *rows, unsigned count)
{
	struct pack k;

	pack_init(&k, e->scratch, HF_FRAME_MAX);
	pack_array(&k, 3);
	pack_uint(&k, HF_LINK_ACTS);
	pack_bin(&k, c->id.b, sizeof(c->id.b));
	pack_array(&k, count);
	pack_raw(&k, bytes_of(rows->data, rows->at));
	return effect_send_pack(e, true, conn, &k);
}

enum hf_err link_fetch(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	uint8_t acts[LINK_BATCH_BYTES + 64];
	struct case_record c;
	struct hf_id id;
	uint64_t track, gen, last;
	unsigned count = 0;
	struct pack rows;
	bool fits = true;
	enum hf_err err;

	wire_bin_copy(w, id.b, sizeof(id.b));
	track = wire_uint(w, HF_TRACK_ASKED);
	gen = wire_uint(w, HF_TRACK_ACTS_MAX);
	last = wire_uint(w, HF_TRACK_ACTS_MAX);
	wire_close(w);
	err = wire_finish(w);
	if (err == HF_OK && gen == 0)
		err = HF_RANGE;
	if (err == HF_OK)
		err = case_load(e, &id, &c);
	if (err == HF_NOTFOUND || (err == HF_OK && !link_is_party(&c, p)))
		return tally_refusal(e, &ev->key, HF_READ_DENIED);
	if (err != HF_OK)
		return err;
	pack_init(&rows, acts, sizeof(acts));
	for (; fits && gen <= last && gen <= c.gens[track] &&
	       count < LINK_BATCH_ACTS;
	     gen++) {
		err = pack_place(
		    e, &rows, &c, (unsigned)track, (uint32_t)gen, &fits);
		if (err != HF_OK)
			return err;
		count += fits;
	}
	return count == 0 ? HF_OK : send_acts(e, ev->conn, &c, &rows, count);
}

/* ---- what was asked for ---- */

static enum hf_err gens_of(
    struct engine *e, const struct hf_id *id, uint32_t *gens)
{
	struct case_record c;
	enum hf_err err = case_load(e, id, &c);

	*gens =
	    err == HF_OK ? c.gens[HF_TRACK_ASKING] + c.gens[HF_TRACK_ASKED] : 0;
	return err == HF_NOTFOUND ? HF_OK : err;
}

enum hf_err link_acts(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	struct hf_id id = {{0}};
	struct link_acts acts;
	uint32_t before, after;
	unsigned taken = 0;
	enum hf_err err;

	wire_bin_copy(w, id.b, sizeof(id.b));
	err = link_read_acts(w, &acts);
	if (err == HF_OK)
		err = gens_of(e, &id, &before);
	for (unsigned i = 0; i < acts.count && err == HF_OK; i++) {
		struct intake_result r;

		err = intake_foreign(
		    e, p->country, acts.row[i].act, acts.row[i].receipt, &r);
		taken += err == HF_OK || err == HF_PAST_MISSING;
		if (err == HF_PAST_MISSING || err == HF_BUSY)
			err = HF_OK;
		else if (is_refusal(err))
			err = tally_refusal(e, &ev->key, err);
	}
	if (err == HF_OK && p->recall.count > 0)
		return recall_acts_came(e, p, taken);
	if (err == HF_OK)
		err = gens_of(e, &id, &after);
	/* a frame holds some only; while that helps, ask for the rest */
	if (err != HF_OK || after == before)
		return err;
	return link_ask_past(e, ev->conn, p->country, &id);
}
