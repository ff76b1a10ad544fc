/*
 * heads: what brokers show each other of their ledgers (SPEC 6.6 to 6.9,
 * 10.3).
 *
 * Ours is offered with a proof from what the peer cosigned (heads_own.c).  A
 * peer's is stored, committed, and then cosigned by the signer process, which
 * judges the proof for itself.  Heads of third countries are passed on, so
 * that who shows two ledgers to two peers is found.
 */
#include "broker/engine/heads.h"
#include "proto/cosign.h"
#include "proto/crypto.h"

#include <string.h>

#define PROVE_MS 60000u
#define PROVE_AGAIN_MS 5000u /* a frame got lost */
#define GOSSIP_MS 60000u

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

	if (p->conn == 0 || !p->welcomed)
		return HF_OK;
	p->prove.asked_mono = e->mono_ms | 1u;
	p->prove.again_mono = e->mono_ms + PROVE_AGAIN_MS;
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 3);
	pack_uint(&k, HF_LINK_PROVE);
	pack_uint(&k, p->prove.size[0]);
	pack_uint(&k, p->prove.size[1]);
	return effect_send_pack(e, true, p->conn, &k);
}

/* Two heads of one log of different sizes: the log is asked. */
static enum hf_err put_to_the_proof(struct engine *e, const struct heads_log *l,
    struct hf_bytes a, struct hf_bytes b)
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
			&root[i]) != HF_OK) {
			not_proven(e, p); /* another key had this epoch */
			return HF_OK;
		}
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
static enum hf_err ask_cosignature(struct engine *e, const struct heads_log *l,
    struct hf_bytes note, uint64_t entries, uint64_t old_size,
    struct hf_bytes path)
{
	uint8_t record[HF_NOTE_MAX + HF_PROOF_MAX + 128];
	uint64_t cosigned;
	struct pack k;
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
	return effect_cosign(e, l->country, entries, packed(&k));
}

static enum hf_err send_cosigned(
    struct engine *e, const struct peer *p, uint64_t size, struct hf_bytes line)
{
	uint8_t frame[HF_COSIGN_LINE_MAX + 32];
	struct pack k;

	if (p->conn == 0)
		return HF_OK;
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 3);
	pack_uint(&k, HF_LINK_COSIGNED);
	pack_uint(&k, size);
	pack_str(&k, (const char *)line.data, line.size);
	return effect_send_pack(e, true, p->conn, &k);
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
static enum hf_err follow(struct engine *e, struct peer *p,
    const struct heads_log *l, struct hf_bytes held, const struct head *h)
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX], root;
	uint64_t size;
	bool forked;
	enum hf_err err = heads_compare(e, l, held, h->note, &forked);

	if (err != HF_OK)
		return err;
	if (hf_checkpoint_verify(held, l->origin, &l->key, &size, &root) !=
	    HF_OK) {
		not_proven(e, p); /* another key had this epoch */
		return HF_OK;
	}
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
	return heads_keep(e, p->country, h->size, h->note);
}

/* [note, old size, path] */
enum hf_err heads_in(struct engine *e, struct peer *p, struct wire *w)
{
	struct hf_bytes note = wire_str(w, 1, HF_NOTE_MAX), held, path;
	uint64_t old_size = wire_uint(w, UINT64_MAX), size, held_size;
	uint64_t forked, cosigned;
	struct hf_hash root;
	struct heads_log l;
	enum hf_err err;

	path = wire_bin(w, 0, HF_PROOF_MAX);
	wire_close(w);
	err = wire_finish(w);
	if (err == HF_OK && path.size % sizeof(root) != 0)
		err = HF_RANGE;
	if (err == HF_OK)
		err = heads_log_of(e, p->country, &l);
	if (err == HF_OK)
		err =
		    hf_checkpoint_verify(note, l.origin, &l.key, &size, &root);
	if (err == HF_OK)
		err = heads_newest_epoch(e, &l);
	if (err != HF_OK)
		return err;
	err = heads_held(e, p->country, &held_size, &held);
	if (err == HF_NOTFOUND)
		err = heads_keep(e, p->country, size, note);
	else if (err == HF_OK)
		err = follow(e, p, &l, held,
		    &(struct head){size, root, note, old_size, path});
	if (err == HF_OK)
		err = link_counter(e, p->country, "fork", &forked);
	if (err == HF_OK)
		err = link_counter(e, p->country, "cosigned", &cosigned);
	if (err == HF_OK)
		err = heads_held(e, p->country, &held_size, &held);
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

/* ---- third countries ---- */

static enum hf_err send_seen(
    struct engine *e, const struct peer *to, struct hf_country c)
{
	uint8_t frame[HF_NOTE_MAX + 32];
	struct hf_bytes note;
	uint64_t size;
	struct pack k;
	enum hf_err err = heads_held(e, c, &size, &note);

	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 3);
	pack_uint(&k, HF_LINK_SEEN);
	pack_text(&k, c.s);
	pack_str(&k, (const char *)note.data, note.size);
	return effect_send_pack(e, true, to->conn, &k);
}

/* [country, note] */
enum hf_err heads_seen_in(struct engine *e, struct wire *w)
{
	struct hf_country c = wire_country(w);
	struct hf_bytes note = wire_str(w, 1, HF_NOTE_MAX), held;
	uint64_t size, held_size;
	bool forked;
	struct hf_hash root;
	struct heads_log l;
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err != HF_OK)
		return err;
	if (same_country(&c, &e->options.country))
		return HF_OK;
	/* who is not pinned here, or has another epoch there, is passed over */
	if (heads_log_of(e, c, &l) != HF_OK ||
	    hf_checkpoint_verify(note, l.origin, &l.key, &size, &root) != HF_OK)
		return HF_OK;
	err = heads_newest_epoch(e, &l);
	if (err == HF_OK)
		err = heads_held(e, c, &held_size, &held);
	if (err == HF_NOTFOUND)
		return heads_keep(e, c, size, note);
	if (err == HF_OK)
		err = heads_compare(e, &l, held, note, &forked);
	if (err != HF_OK || forked || size == held_size)
		return err;
	return put_to_the_proof(e, &l, held, note);
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
	_Static_assert(sizeof(path) == HF_PROOF_MAX, "what is read has room");
	if (b.size % sizeof(*path) != 0)
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
	err = heads_held(e, p->country, &held, &note);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	return held < new_size
		   ? heads_keep(e, p->country, new_size,
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

enum hf_err heads_run(struct engine *e)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < e->links->count && err == HF_OK; i++)
		err = run_one(e, &e->links->peers[i]);
	heads_watch(e);
	return err;
}
