/*
 * heads_log: what is known of a country's ledger: its newest head, the epoch
 * that this is of, and whether it showed two (SPEC 6.7, 6.9).
 *
 * Rows of TABLE_PEERS, by country: "head" size be64 and note, the newest
 * that we know; "cosigned" size be64, what our witness cosigned last; "fork"
 * size be64, of the proof that is in our ledger, and "fork-proof", for peers
 * that come later; "epoch" of which epoch of its log these are; "lost-head"
 * the newest note of the epoch before.
 */
#include "broker/engine/heads.h"
#include "proto/cosign.h"

#include <assert.h>
#include <string.h>

enum hf_err heads_log_of(
    const struct engine *e, struct hf_country c, struct heads_log *l)
{
	const struct broker_entry *b = roster_broker(e->roster, c);

	if (b == NULL)
		return HF_UNKNOWN_COUNTRY;
	l->country = c;
	l->key = b->ledger;
	l->epoch = b->epoch;
	hf_origin(l->origin, c, b->epoch);
	return HF_OK;
}

void heads_row(struct row_key *k, struct hf_country c, const char *name)
{
	*k = (struct row_key){0};
	row_add(k, c.s, HF_COUNTRY_SIZE);
	row_add(k, name, strlen(name));
}

enum hf_err heads_held(struct engine *e, struct hf_country c, uint64_t *size,
    struct hf_bytes *note)
{
	struct hf_bytes row;
	struct row_key k;
	enum hf_err err;

	heads_row(&k, c, "head");
	err = txn_get(e->txn, TABLE_PEERS, row_bytes(&k), &row);
	if (err != HF_OK)
		return err;
	if (row.size <= 8)
		return HF_CORRUPT;
	*size = get_be64(row.data);
	*note = bytes_of(row.data + 8, row.size - 8);
	return HF_OK;
}

enum hf_err heads_keep(
    struct engine *e, struct hf_country c, uint64_t size, struct hf_bytes note)
{
	uint8_t row[8 + HF_NOTE_MAX];
	struct row_key k;

	put_be64(row, size);
	memcpy(row + 8, note.data, note.size);
	heads_row(&k, c, "head");
	return txn_put(
	    e->txn, TABLE_PEERS, row_bytes(&k), bytes_of(row, 8 + note.size));
}

/* The newest head of an epoch that is over: what came under it must not be
 * forgotten, and its country will ask for it (recall.c). */
static enum hf_err keep_lost(
    struct engine *e, struct hf_country c, uint64_t held)
{
	struct hf_bytes note;
	struct row_key k;
	uint64_t size;
	enum hf_err err = heads_held(e, c, &size, &note);

	if (held != 0)
		effect_log(e, HF_NEW_EPOCH, "peer-new-epoch", NULL, NULL, c.s);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	heads_row(&k, c, "lost-head");
	return txn_put(e->txn, TABLE_PEERS, row_bytes(&k), note);
}

enum hf_err heads_newest_epoch(struct engine *e, const struct heads_log *l)
{
	struct peer *p;
	uint64_t held;
	enum hf_err err = link_counter(e, l->country, "epoch", &held);

	if (err != HF_OK || held == l->epoch)
		return err;
	p = link_peer(e, l->country);
	if (p != NULL)
		p->unproven = p->prove.wanted = false;
	err = keep_lost(e, l->country, held);
	if (err == HF_OK)
		err = heads_forget(e, l->country);
	return err == HF_OK ? link_counter_set(e, l->country, "epoch", l->epoch)
			    : err;
}

enum hf_err heads_lost(
    struct engine *e, struct hf_country c, struct hf_bytes *note)
{
	struct row_key k;
	struct heads_log l;
	enum hf_err err = heads_log_of(e, c, &l);

	*note = bytes_of(NULL, 0);
	if (err == HF_OK)
		err = heads_newest_epoch(e, &l);
	if (err != HF_OK)
		return err;
	heads_row(&k, c, "lost-head");
	err = txn_get(e->txn, TABLE_PEERS, row_bytes(&k), note);
	if (err == HF_OK && note->size > HF_NOTE_MAX)
		err = HF_CORRUPT;
	return err == HF_NOTFOUND ? HF_OK : err;
}

enum hf_err heads_forget(struct engine *e, struct hf_country c)
{
	static const char *const names[] = {
	    "head", "cosigned", "fork", "fork-proof"};
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < 4 && err == HF_OK; i++) {
		struct row_key k;

		heads_row(&k, c, names[i]);
		err = txn_del(e->txn, TABLE_PEERS, row_bytes(&k));
		if (err == HF_NOTFOUND)
			err = HF_OK;
	}
	return err;
}

/* ---- forks ---- */

static enum hf_err tell_forked(
    struct engine *e, const struct peer *p, struct hf_bytes proof)
{
	uint8_t frame[HF_FORK_MAX + 16];
	struct pack k;

	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 2);
	pack_uint(&k, HF_LINK_FORKED);
	pack_bin(&k, proof.data, proof.size);
	return effect_send_pack(e, true, p->conn, &k);
}

/* On record once, and told to everybody. */
static enum hf_err fork_found(struct engine *e, struct hf_country c,
    uint64_t entries, struct hf_bytes proof)
{
	struct hf_statement s = {.type = HF_ENTRY_FORK,
	    .text = bytes_of(c.s, HF_COUNTRY_SIZE),
	    .detail = proof};
	struct row_key k;
	uint64_t known, index;
	enum hf_err err = link_counter(e, c, "fork", &known);

	if (err != HF_OK || known != 0)
		return err;
	heads_row(&k, c, "fork-proof");
	err = txn_put(e->txn, TABLE_PEERS, row_bytes(&k), proof);
	if (err == HF_OK)
		err = link_counter_set(e, c, "fork", entries);
	if (err == HF_OK)
		err = ledger_add_statement(e, &s, &index);
	effect_log(e, HF_FORK, "fork", NULL, NULL, c.s);
	for (unsigned i = 0; i < e->links->count && err == HF_OK; i++)
		if (e->links->peers[i].welcomed)
			err = tell_forked(e, &e->links->peers[i], proof);
	return err;
}

enum hf_err heads_tell_forks(struct engine *e, const struct peer *p)
{
	const struct country_doc *d;
	enum hf_err err = HF_OK;

	for (unsigned i = 0;
	     err == HF_OK && (d = roster_at(e->roster, i)) != NULL; i++) {
		struct hf_bytes proof;
		struct row_key k;

		heads_row(&k, d->head.country, "fork-proof");
		err = txn_get(e->txn, TABLE_PEERS, row_bytes(&k), &proof);
		if (err == HF_OK)
			err = tell_forked(e, p, proof);
		else if (err == HF_NOTFOUND)
			err = HF_OK;
	}
	return err;
}

enum hf_err heads_compare(struct engine *e, const struct heads_log *l,
    struct hf_bytes held, struct hf_bytes note, bool *forked)
{
	uint8_t proof[HF_FORK_MAX];
	uint64_t entries;
	struct hf_hash root;
	size_t size;
	enum hf_err err =
	    hf_fork_encode(l->origin, &l->key, held, note, proof, &size);

	*forked = err == HF_OK;
	if (err != HF_OK) /* one ledger, as far as these tell */
		return HF_OK;
	err = hf_checkpoint_verify(note, l->origin, &l->key, &entries, &root);
	assert(err == HF_OK); /* or it were no proof */
	return fork_found(e, l->country, entries, bytes_of(proof, size));
}

/* Is the log that a proof names one that we know, or is it no proof? */
static bool names_known_log(const struct engine *e, struct hf_bytes proof)
{
	const struct country_doc *d;
	struct hf_bytes origin;
	struct wire w;

	wire_init(&w, proof.data, proof.size);
	wire_map(&w, 3);
	if (wire_key(&w) != 1)
		return true;
	origin = wire_str(&w, 1, HF_ORIGIN_MAX - 1);
	for (unsigned i = 0; (d = roster_at(e->roster, i)) != NULL; i++) {
		struct heads_log l;

		if (heads_log_of(e, d->head.country, &l) == HF_OK &&
		    origin.size == strlen(l.origin) &&
		    memcmp(origin.data, l.origin, origin.size) == 0)
			return true;
	}
	return w.err != HF_OK;
}

enum hf_err heads_forked_in(struct engine *e, struct wire *w)
{
	struct hf_bytes proof = wire_bin(w, 1, HF_FORK_MAX);
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	for (unsigned i = 0; err == HF_OK; i++) {
		const struct country_doc *d = roster_at(e->roster, i);
		uint64_t entries;
		struct heads_log l;

		if (d == NULL) /* forged, or of nobody whom we know */
			return names_known_log(e, proof) ? HF_CHECKPOINT
							 : HF_OK;
		if (heads_log_of(e, d->head.country, &l) == HF_OK &&
		    hf_fork_check(proof.data, proof.size, l.origin, &l.key,
			&entries) == HF_OK) {
			err = heads_newest_epoch(e, &l);
			return err == HF_OK
				   ? fork_found(e, l.country, entries, proof)
				   : err;
		}
	}
	return err;
}
