/*
 * heads: what brokers show each other of their ledgers (SPEC 6.6 to 6.9,
 * 10.3).
 *
 * Ours is offered with a proof from what the peer cosigned; its cosignature
 * comes back and joins the note.  A peer's is stored, committed, and then
 * cosigned by the signer process, which judges the proof for itself.  Heads of
 * third countries are passed on, so that who shows two ledgers to two peers is
 * found.
 *
 * Rows of TABLE_PEERS, by country: "head" size be64 and note, the newest
 * that we know; "cosigned" size be64, what our witness cosigned last; "fork"
 * size be64, of the proof that is in our ledger, and "fork-proof", for peers
 * that come later; "epoch" of which epoch of its log these are; "lost-head"
 * the newest note of the epoch before.
 */
#include "broker/engine/link.h"
#include "proto/cosign.h"
#include "proto/crypto.h"

#include <string.h>

#define PROVE_MS 60000u
#define REFRESH_MS 60000u    /* a cosignature is of its time */
#define PROVE_AGAIN_MS 5000u /* a frame got lost */
#define GOSSIP_MS 60000u
#define AGAIN_MS 10000u
#define ALARM_AGAIN_MS 3600000u

/* ---- what is known of a log ---- */

/** The log of a country: its newest epoch. */
struct log {
	struct hf_country country;
	struct hf_key key;
	uint32_t epoch;
	char origin[HF_ORIGIN_MAX];
};

static enum hf_err log_of(
    const struct engine *e, struct hf_country c, struct log *l)
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

static void named(struct row_key *k, struct hf_country c, const char *name)
{
	*k = (struct row_key){0};
	row_add(k, c.s, HF_COUNTRY_SIZE);
	row_add(k, name, strlen(name));
}

/* Lends `note`.  HF_NOTFOUND: none. */
static enum hf_err head_held(struct engine *e, struct hf_country c,
    uint64_t *size, struct hf_bytes *note)
{
	struct hf_bytes row;
	struct row_key k;
	enum hf_err err;

	named(&k, c, "head");
	err = txn_get(e->txn, TABLE_PEERS, row_bytes(&k), &row);
	if (err != HF_OK)
		return err;
	if (row.size <= 8)
		return HF_CORRUPT;
	*size = get_be64(row.data);
	*note = bytes_of(row.data + 8, row.size - 8);
	return HF_OK;
}

static enum hf_err head_keep(
    struct engine *e, struct hf_country c, uint64_t size, struct hf_bytes note)
{
	uint8_t row[8 + HF_NOTE_MAX];
	struct row_key k;

	put_be64(row, size);
	memcpy(row + 8, note.data, note.size);
	named(&k, c, "head");
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
	enum hf_err err = head_held(e, c, &size, &note);

	if (held != 0)
		effect_log(e, HF_NEW_EPOCH, "peer-new-epoch", NULL, NULL, c.s);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	named(&k, c, "lost-head");
	return txn_put(e->txn, TABLE_PEERS, row_bytes(&k), note);
}

/* What is held is of the log's newest epoch, or forgotten. */
static enum hf_err newest_epoch(struct engine *e, const struct log *l)
{
	uint64_t held;
	enum hf_err err = link_counter(e, l->country, "epoch", &held);

	if (err != HF_OK || held == l->epoch)
		return err;
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
	struct log l;
	enum hf_err err = log_of(e, c, &l);

	*note = bytes_of(NULL, 0);
	if (err == HF_OK)
		err = newest_epoch(e, &l);
	if (err != HF_OK)
		return err;
	named(&k, c, "lost-head");
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

		named(&k, c, names[i]);
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
	size_t size;
	enum hf_err err;

	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 2);
	pack_uint(&k, HF_LINK_FORKED);
	pack_bin(&k, proof.data, proof.size);
	err = pack_finish(&k, &size);
	return err == HF_OK
		   ? effect_send(e, true, p->conn, bytes_of(frame, size))
		   : err;
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
	named(&k, c, "fork-proof");
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

		named(&k, d->head.country, "fork-proof");
		err = txn_get(e->txn, TABLE_PEERS, row_bytes(&k), &proof);
		if (err == HF_OK)
			err = tell_forked(e, p, proof);
		else if (err == HF_NOTFOUND)
			err = HF_OK;
	}
	return err;
}

/* A note that `l` signed beside the one that is held. */
static enum hf_err compare_heads(struct engine *e, const struct log *l,
    struct hf_bytes held, struct hf_bytes note, bool *forked)
{
	uint8_t proof[HF_FORK_MAX];
	uint64_t entries;
	struct hf_hash root;
	size_t size;
	enum hf_err err =
	    hf_fork_encode(l->origin, &l->key, held, note, proof, &size);

	*forked = err == HF_OK;
	if (err != HF_OK)
		return err == HF_CHECKPOINT ? HF_OK : err;
	err = hf_checkpoint_verify(note, l->origin, &l->key, &entries, &root);
	return err == HF_OK
		   ? fork_found(e, l->country, entries, bytes_of(proof, size))
		   : err;
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
		struct log l;

		if (log_of(e, d->head.country, &l) == HF_OK &&
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
		struct log l;

		if (d == NULL) /* forged, or of nobody whom we know */
			return names_known_log(e, proof) ? HF_CHECKPOINT
							 : HF_OK;
		if (log_of(e, d->head.country, &l) == HF_OK &&
		    hf_fork_check(proof.data, proof.size, l.origin, &l.key,
			&entries) == HF_OK) {
			err = newest_epoch(e, &l);
			return err == HF_OK
				   ? fork_found(e, l.country, entries, proof)
				   : err;
		}
	}
	return err;
}

/* ---- is it one ledger? ---- */

static void not_proven(struct engine *e, struct peer *p)
{
	if (!p->unproven)
		effect_log(
		    e, HF_UNPROVEN, "head-unproven", NULL, NULL, p->country.s);
	p->unproven = true;
}

static enum hf_err send_prove(struct engine *e, struct peer *p)
{
	uint8_t frame[32];
	struct pack k;
	size_t n;
	enum hf_err err;

	if (p->conn == 0 || !p->welcomed)
		return HF_OK;
	p->prove.asked_mono = e->mono_ms | 1u;
	p->prove.again_mono = e->mono_ms + PROVE_AGAIN_MS;
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 3);
	pack_uint(&k, HF_LINK_PROVE);
	pack_uint(&k, p->prove.size[0]);
	pack_uint(&k, p->prove.size[1]);
	err = pack_finish(&k, &n);
	return err == HF_OK ? effect_send(e, true, p->conn, bytes_of(frame, n))
			    : err;
}

/* Two heads of one log of different sizes: the log is asked. */
static enum hf_err put_to_the_proof(
    struct engine *e, const struct log *l, struct hf_bytes a, struct hf_bytes b)
{
	struct peer *p = link_peer(e, l->country);
	struct hf_bytes note[2] = {a, b};
	struct hf_hash root[2];
	uint64_t size[2];
	unsigned small;

	if (p == NULL || p->prove.wanted)
		return HF_OK;
	for (unsigned i = 0; i < 2; i++)
		if (hf_checkpoint_verify(note[i], l->origin, &l->key, &size[i],
			&root[i]) != HF_OK)
			return HF_CHECKPOINT;
	small = size[0] < size[1] ? 0 : 1;
	if (size[small] == 0)
		return HF_OK;
	for (unsigned i = 0; i < 2; i++) {
		p->prove.size[i] = size[small ^ i];
		p->prove.root[i] = root[small ^ i];
	}
	p->prove.note_size = note[small ^ 1u].size;
	memcpy(p->prove.note, note[small ^ 1u].data, p->prove.note_size);
	p->prove.wanted = true;
	p->prove.asked_mono = p->prove.again_mono = 0;
	p->prove.waited_ms = 0;
	return send_prove(e, p);
}

/* ---- a peer's head ---- */

/* What the signer process is to cosign after the commit: its record. */
static enum hf_err ask_cosignature(struct engine *e, const struct log *l,
    struct hf_bytes note, uint64_t entries, uint64_t old_size,
    struct hf_bytes path)
{
	uint8_t record[HF_NOTE_MAX + HF_PROOF_MAX + 128];
	uint64_t cosigned;
	struct pack k;
	size_t size;
	enum hf_err err = link_counter(e, l->country, "cosigned", &cosigned);

	if (err != HF_OK)
		return err;
	pack_init(&k, record, sizeof(record));
	pack_array(&k, 6);
	pack_text(&k, l->origin);
	pack_bin(&k, l->key.b, sizeof(l->key.b));
	pack_str(&k, (const char *)note.data, note.size);
	pack_uint(&k, old_size);
	pack_bin(&k, path.data, path.size);
	pack_bool(&k, cosigned != 0);
	err = pack_finish(&k, &size);
	return err == HF_OK ? effect_cosign(e, l->country, entries,
				  bytes_of(record, size))
			    : err;
}

static enum hf_err send_cosigned(
    struct engine *e, const struct peer *p, uint64_t size, struct hf_bytes line)
{
	uint8_t frame[HF_COSIGN_LINE_MAX + 32];
	struct pack k;
	size_t n;
	enum hf_err err;

	if (p->conn == 0)
		return HF_OK;
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 3);
	pack_uint(&k, HF_LINK_COSIGNED);
	pack_uint(&k, size);
	pack_str(&k, (const char *)line.data, line.size);
	err = pack_finish(&k, &n);
	return err == HF_OK ? effect_send(e, true, p->conn, bytes_of(frame, n))
			    : err;
}

/** A head with the proof that came with it. */
struct head {
	uint64_t size;
	struct hf_hash root;
	struct hf_bytes note;
	uint64_t old_size;
	struct hf_bytes path;
};

/* Does `h` go on where the held one stood?  Mostly its own proof says so; else
 * the log is asked. */
static enum hf_err follow(struct engine *e, struct peer *p, const struct log *l,
    struct hf_bytes held, const struct head *h)
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX], root;
	uint64_t size;
	bool forked;
	enum hf_err err = compare_heads(e, l, held, h->note, &forked);

	if (err == HF_OK)
		err = hf_checkpoint_verify(
		    held, l->origin, &l->key, &size, &root);
	if (err != HF_OK)
		return err == HF_CHECKPOINT ? HF_CORRUPT : err;
	if (forked || h->size == size)
		return HF_OK;
	/* a smaller one is late, or its ledger has shrunk */
	if (h->size < size || h->old_size != size)
		return put_to_the_proof(e, l, held, h->note);
	if (h->path.size > 0)
		memcpy(path, h->path.data, h->path.size);
	if (hf_merkle_verify_consistency(size, &root, h->size, &h->root, path,
		(unsigned)(h->path.size / sizeof(*path))) != HF_OK) {
		not_proven(e, p);
		return put_to_the_proof(e, l, held, h->note);
	}
	return head_keep(e, p->country, h->size, h->note);
}

/* [note, old size, path] */
enum hf_err heads_in(struct engine *e, struct peer *p, struct wire *w)
{
	struct hf_bytes note = wire_str(w, 1, HF_NOTE_MAX), held, path;
	uint64_t old_size = wire_uint(w, UINT64_MAX), size, held_size;
	uint64_t forked, cosigned;
	struct hf_hash root;
	struct log l;
	enum hf_err err;

	path = wire_bin(w, 0, HF_PROOF_MAX);
	wire_close(w);
	err = wire_finish(w);
	if (err == HF_OK && path.size % sizeof(root) != 0)
		err = HF_RANGE;
	if (err == HF_OK)
		err = log_of(e, p->country, &l);
	if (err == HF_OK)
		err =
		    hf_checkpoint_verify(note, l.origin, &l.key, &size, &root);
	if (err == HF_OK)
		err = newest_epoch(e, &l);
	if (err != HF_OK)
		return err;
	err = head_held(e, p->country, &held_size, &held);
	if (err == HF_NOTFOUND)
		err = head_keep(e, p->country, size, note);
	else if (err == HF_OK)
		err = follow(e, p, &l, held,
		    &(struct head){size, root, note, old_size, path});
	if (err == HF_OK)
		err = link_counter(e, p->country, "fork", &forked);
	if (err == HF_OK)
		err = link_counter(e, p->country, "cosigned", &cosigned);
	if (err == HF_OK)
		err = head_held(e, p->country, &held_size, &held);
	if (err != HF_OK || forked != 0)
		return err;
	if (cosigned != 0 && old_size != cosigned)
		return send_cosigned(e, p, cosigned, bytes_of(NULL, 0));
	if (held_size != size || p->unproven)
		return HF_OK; /* a late one, or not proven yet */
	return ask_cosignature(e, &l, note, size, old_size, path);
}

/* What the signer said to the head of ev->country that is held. */
enum hf_err heads_cosigned(struct engine *e, const struct event *ev)
{
	struct peer *p = link_peer(e, ev->country);
	enum hf_err said = (enum hf_err)ev->code, err;
	struct hf_bytes none = {NULL, 0};
	uint64_t size;
	struct wire w;

	if (p == NULL)
		return HF_OK;
	if (said == HF_RANGE) {
		wire_init(&w, ev->frame.data, ev->frame.size);
		wire_array(&w, 1, 1);
		size = wire_uint(&w, UINT64_MAX);
		wire_close(&w);
		err = wire_finish(&w);
		return err == HF_OK ? send_cosigned(e, p, size, none) : err;
	}
	if (said == HF_ROLLBACK) {
		not_proven(e, p);
		return HF_OK;
	}
	if (said != HF_OK) {
		effect_log(e, said, "not-cosigned", NULL, NULL, ev->country.s);
		return HF_OK;
	}
	if (roster_broker(e->roster, ev->country) == NULL)
		return HF_OK; /* unpinned meanwhile */
	err = link_counter_set(e, ev->country, "cosigned", ev->conn);
	return err == HF_OK ? send_cosigned(e, p, ev->conn, ev->frame) : err;
}

/* ---- our head ---- */

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
	size_t size;
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
	err = pack_finish(&k, &size);
	return err == HF_OK
		   ? effect_send(e, true, p->conn, bytes_of(frame, size))
		   : err;
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
	unsigned count = 0;

	for (unsigned i = 0; i < HF_COUNTRY_MAX; i++) {
		const struct country_doc *d = roster_at(e->roster, i);
		const struct broker_entry *b;
		char name[HF_WITNESS_NAME_MAX];
		uint64_t seconds;

		if (d == NULL)
			break;
		b = roster_broker(e->roster, d->head.country);
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

/* ---- third countries ---- */

static enum hf_err send_seen(
    struct engine *e, const struct peer *to, struct hf_country c)
{
	uint8_t frame[HF_NOTE_MAX + 32];
	struct hf_bytes note;
	uint64_t size;
	struct pack k;
	size_t n;
	enum hf_err err = head_held(e, c, &size, &note);

	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 3);
	pack_uint(&k, HF_LINK_SEEN);
	pack_text(&k, c.s);
	pack_str(&k, (const char *)note.data, note.size);
	err = pack_finish(&k, &n);
	return err == HF_OK ? effect_send(e, true, to->conn, bytes_of(frame, n))
			    : err;
}

/* [country, note] */
enum hf_err heads_seen_in(struct engine *e, struct wire *w)
{
	struct hf_country c = wire_country(w);
	struct hf_bytes note = wire_str(w, 1, HF_NOTE_MAX), held;
	uint64_t size, held_size;
	bool forked;
	struct hf_hash root;
	struct log l;
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err != HF_OK)
		return err;
	if (same_country(&c, &e->options.country))
		return HF_OK;
	/* who is not pinned here, or has another epoch there, is passed over */
	if (log_of(e, c, &l) != HF_OK ||
	    hf_checkpoint_verify(note, l.origin, &l.key, &size, &root) != HF_OK)
		return HF_OK;
	err = newest_epoch(e, &l);
	if (err == HF_OK)
		err = head_held(e, c, &held_size, &held);
	if (err == HF_NOTFOUND)
		return head_keep(e, c, size, note);
	if (err == HF_OK)
		err = compare_heads(e, &l, held, note, &forked);
	if (err != HF_OK || forked || size == held_size)
		return err;
	return put_to_the_proof(e, &l, held, note);
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
	size_t n;
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
	err = pack_finish(&k, &n);
	return err == HF_OK ? effect_send(e, true, ev->conn, bytes_of(frame, n))
			    : err;
}

/* [old size, new size, path] */
enum hf_err heads_proof_in(struct engine *e, struct peer *p, struct wire *w)
{
	uint64_t old_size = wire_uint(w, UINT64_MAX);
	uint64_t new_size = wire_uint(w, UINT64_MAX), held;
	struct hf_bytes b = wire_bin(w, 0, HF_PROOF_MAX), note;
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err != HF_OK)
		return err;
	if (b.size % sizeof(*path) != 0 || b.size > sizeof(path))
		return HF_RANGE;
	if (!p->prove.wanted || old_size != p->prove.size[0] ||
	    new_size != p->prove.size[1])
		return HF_OK; /* not asked, or not any more */
	if (b.size > 0)
		memcpy(path, b.data, b.size);
	if (hf_merkle_verify_consistency(old_size, &p->prove.root[0], new_size,
		&p->prove.root[1], path,
		(unsigned)(b.size / sizeof(*path))) != HF_OK) {
		not_proven(e, p);
		return HF_OK;
	}
	p->prove.wanted = false;
	p->unproven = false;
	err = head_held(e, p->country, &held, &note);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	return held < new_size
		   ? head_keep(e, p->country, new_size,
			 bytes_of(p->prove.note, p->prove.note_size))
		   : HF_OK;
}

/* ---- what is due ---- */

static enum hf_err run_one(struct engine *e, struct peer *p)
{
	enum hf_err err = HF_OK;

	if (p->conn == 0 || !p->welcomed)
		return HF_OK;
	if (p->prove.wanted && e->mono_ms >= p->prove.again_mono) {
		if (p->prove.asked_mono != 0)
			p->prove.waited_ms += e->mono_ms - p->prove.asked_mono;
		if (p->prove.waited_ms >= PROVE_MS)
			not_proven(e, p);
		err = send_prove(e, p);
	}
	if (err != HF_OK || e->mono_ms < p->gossip_mono)
		return err;
	p->gossip_mono = e->mono_ms + GOSSIP_MS;
	for (unsigned i = 0; i < e->links->count && err == HF_OK; i++)
		if (&e->links->peers[i] != p)
			err = send_seen(e, p, e->links->peers[i].country);
	return err;
}

/* Nobody has vouched for us for too long. */
static void watch_witnesses(struct engine *e)
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

enum hf_err heads_run(struct engine *e)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < e->links->count && err == HF_OK; i++)
		err = run_one(e, &e->links->peers[i]);
	watch_witnesses(e);
	return err;
}
