/*
 * heads_own: our head is shown to peers, and their cosignatures join its note
 * (SPEC 6.6, 10.3).
 */
#include "broker/engine/heads.h"
#include "proto/cosign.h"
#include "proto/crypto.h"

#include <string.h>

#define REFRESH_MS 60000u /* a cosignature is of its time */
#define AGAIN_MS 10000u
#define ALARM_AGAIN_MS 3600000u

enum hf_err heads_send(struct engine *e, struct peer *p)
{
	const struct broker_entry *b = roster_broker(e->roster, p->country);
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	struct hf_nodes nodes = ledger_nodes(e);
	uint8_t frame[HF_NOTE_MAX + HF_PROOF_MAX + 32];
	struct hf_bytes note;
	uint64_t entries;
	unsigned count = 0;
	struct pack k;
	enum hf_err err;

	if (e->mono_ms < p->head_mono)
		return HF_OK;
	err = ledger_note(e, &entries, &note);
	if (err == HF_NOTFOUND ||
	    (err == HF_OK && entries == p->head_size &&
		(p->again_mono == 0 || e->mono_ms < p->again_mono)))
		return HF_OK;
	if (err == HF_OK && p->cosigned_size > 0 && p->cosigned_size < entries)
		err = hf_merkle_consistency(
		    &nodes, p->cosigned_size, entries, path, &count);
	if (err != HF_OK)
		return err;
	p->head_mono = e->mono_ms + LINK_HEAD_MS;
	p->head_size = entries;
	/* its cosignature may get lost, or have no way back yet */
	p->again_mono =
	    b == NULL || !b->has_witness
		? 0
		: e->mono_ms +
		      (p->vouched_size == entries ? REFRESH_MS : AGAIN_MS);
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 4);
	pack_uint(&k, HF_LINK_HEAD);
	pack_str(&k, (const char *)note.data, note.size);
	pack_uint(&k, p->cosigned_size);
	pack_bin(&k, path, count * sizeof(*path));
	return effect_send_pack(e, true, p->conn, &k);
}

bool heads_counts(const struct engine *e, struct hf_country c)
{
	const struct engine_options *o = &e->options;

	for (unsigned i = 0; i < o->witness_count; i++)
		if (same_country(&o->witnesses[i], &c))
			return true;
	return o->witness_count == 0;
}

/* Cosignatures in the note that the policy counts. */
static unsigned count_cosignatures(const struct engine *e, struct hf_bytes note)
{
	const struct country_doc *d;
	unsigned count = 0;

	for (unsigned i = 0; (d = roster_at(e->roster, i)) != NULL; i++) {
		const struct broker_entry *b =
		    roster_broker(e->roster, d->head.country);
		char name[HF_WITNESS_NAME_MAX];
		uint64_t seconds;

		if (b == NULL || !b->has_witness ||
		    !heads_counts(e, d->head.country))
			continue;
		hf_witness_name(name, d->head.country);
		count += hf_cosign_verify(note, name, &b->witness, &seconds) ==
			 HF_OK;
	}
	return count;
}

static enum hf_err take_cosignature(
    struct engine *e, uint64_t size, struct hf_bytes note, struct hf_bytes line)
{
	char joined[HF_NOTE_MAX + 1];
	uint8_t key[8];
	size_t n;
	uint64_t before;
	struct hf_bytes whole;
	enum hf_err err = hf_cosign_add(note, line, joined, sizeof(joined), &n);

	if (err == HF_TOO_MANY || err == HF_TOO_BIG)
		return HF_OK; /* it has enough */
	if (err != HF_OK)
		return err;
	whole = bytes_of(joined, n);
	if (size == e->note_entries) {
		memcpy(e->note, joined, n);
		e->note_size = n;
	}
	put_be64(key, size);
	err = txn_put(
	    e->txn, TABLE_CHECKPOINTS, bytes_of(key, sizeof(key)), whole);
	if (err != HF_OK ||
	    count_cosignatures(e, whole) < e->options.witness_quorum)
		return err;
	e->witnessed_mono = e->mono_ms;
	err = meta_get(e, "witnessed", &before);
	if (err == HF_OK && size > before)
		err = meta_set(e, "witnessed", size);
	return err == HF_OK ? meta_set(e, "witnessed-at", e->now.ms) : err;
}

enum hf_err heads_witnessed(
    struct engine *e, uint64_t *size, struct hf_bytes *note)
{
	uint8_t key[8];
	enum hf_err err = meta_get(e, "witnessed", size);

	if (err != HF_OK || *size == 0)
		return err != HF_OK ? err : HF_NOTFOUND;
	put_be64(key, *size);
	err = txn_get(
	    e->txn, TABLE_CHECKPOINTS, bytes_of(key, sizeof(key)), note);
	/* the policy, or a key, may be another one since */
	return err == HF_OK &&
		       count_cosignatures(e, *note) < e->options.witness_quorum
		   ? HF_NOTFOUND
		   : err;
}

/* [size, line] */
enum hf_err heads_cosigned_in(struct engine *e, struct peer *p, struct wire *w)
{
	const struct broker_entry *b = roster_broker(e->roster, p->country);
	uint64_t size = wire_uint(w, UINT64_MAX), seconds;
	struct hf_bytes line = wire_str(w, 0, HF_COSIGN_LINE_MAX), note;
	char name[HF_WITNESS_NAME_MAX];
	uint8_t key[8];
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err != HF_OK)
		return err;
	if (size > e->frontier_saved.size && line.size > 0)
		return HF_RANGE;
	if (size > e->frontier_saved.size) {
		/* our data are from before: no proof can begin there */
		effect_log(e, HF_ROLLBACK, "peer-cosigned-more", NULL, NULL,
		    p->country.s);
		return HF_OK;
	}
	p->cosigned_size = size;
	if (line.size == 0) {
		p->head_size = 0; /* once more, from there */
		return HF_OK;
	}
	put_be64(key, size);
	err = txn_get(
	    e->txn, TABLE_CHECKPOINTS, bytes_of(key, sizeof(key)), &note);
	if (err == HF_NOTFOUND && size == e->note_entries) {
		note = bytes_of(e->note, e->note_size);
		err = HF_OK;
	}
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_RANGE : err;
	if (b == NULL || !b->has_witness)
		return HF_OK;
	hf_witness_name(name, p->country);
	err = hf_cosign_verify_line(line, note, name, &b->witness, &seconds);
	if (err == HF_OK)
		p->vouched_size = size;
	if (err == HF_OK && size == p->head_size)
		p->again_mono = e->mono_ms + REFRESH_MS;
	return err == HF_OK ? take_cosignature(e, size, note, line) : err;
}

/* [old size, new size] of our ledger */
enum hf_err heads_prove_in(
    struct engine *e, const struct event *ev, struct wire *w)
{
	uint64_t old_size = wire_uint(w, UINT64_MAX);
	uint64_t new_size = wire_uint(w, UINT64_MAX);
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	struct hf_nodes nodes = ledger_nodes(e);
	uint8_t frame[HF_PROOF_MAX + 64];
	unsigned count = 0;
	struct pack k;
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err != HF_OK)
		return err;
	/* a head that we have not signed (any more): we cannot say */
	if (old_size == 0 || old_size > new_size ||
	    new_size > e->frontier_saved.size)
		return HF_OK;
	err = hf_merkle_consistency(&nodes, old_size, new_size, path, &count);
	if (err != HF_OK)
		return err;
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 4);
	pack_uint(&k, HF_LINK_PROOF);
	pack_uint(&k, old_size);
	pack_uint(&k, new_size);
	pack_bin(&k, path, count * sizeof(*path));
	return effect_send_pack(e, true, ev->conn, &k);
}

void heads_watch(struct engine *e)
{
	const struct engine_options *o = &e->options;
	unsigned able = 0;

	if (e->witnessed_mono == 0)
		e->witnessed_mono = e->mono_ms | 1u;
	if (o->witness_max_age_ms == 0 || o->witness_quorum == 0 ||
	    e->mono_ms < e->witnessed_mono + o->witness_max_age_ms ||
	    e->mono_ms < e->witness_alarm_mono)
		return;
	for (unsigned i = 0; i < e->links->count; i++) {
		const struct broker_entry *b =
		    roster_broker(e->roster, e->links->peers[i].country);

		able += b != NULL && b->has_witness &&
			heads_counts(e, e->links->peers[i].country);
	}
	if (able < o->witness_quorum)
		return; /* a country alone */
	e->witness_alarm_mono = e->mono_ms + ALARM_AGAIN_MS;
	effect_log(e, HF_UNWITNESSED, "ledger-unwitnessed", NULL, NULL, NULL);
}
