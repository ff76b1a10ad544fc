/*
 * recall: after a rollback that an operator accepted, this broker's own sides
 * of its cases are fetched back from the peers that hold them (SPEC 12.12).
 *
 * The peer lists the cases of both countries and how far either side has come
 * there; what is missing here is fetched with the receipts of this ledger's
 * earlier epoch, which prove each act and its time.  Until that is done
 * nothing is decided in a case with that country: a second act for a place
 * that is taken there would be a conflict.
 *
 * Meta "recall" is the epoch whose beginning lost something; the counter
 * "recalled" of a country the last such epoch of which all is back.
 */
#include "broker/engine/link.h"

#include <assert.h>
#include <string.h>

#define AGAIN_MS 5000u
#define POSTPONE_MS 5000u
#define TRIES 6u       /* for one place, then the case is left as it is */
#define SCAN_MAX 1024u /* records looked at for one answer */

bool recall_pending(struct engine *e, struct hf_country c)
{
	uint64_t done;

	if (e->recall_epoch == 0 || same_country(&c, &e->options.country))
		return false;
	return !is_there(e, link_counter(e, c, "recalled", &done)) ||
	       done < e->recall_epoch;
}

bool recall_holds(struct engine *e, const struct case_record *c)
{
	return recall_pending(e, hf_desk_country(&c->from)) ||
	       recall_pending(e, hf_desk_country(&c->to));
}

enum hf_err recall_postpone(
    struct engine *e, const struct hf_id *id, unsigned type, uint32_t gen)
{
	return due_set(e, id, (enum hf_deadline)type, gen,
	    (struct instant){e->now.ms + POSTPONE_MS});
}

/* ---- the new epoch ---- */

enum hf_err recall_begin_epoch(struct engine *e)
{
	const struct engine_options *o = &e->options;
	struct hf_statement s = {.type = HF_ENTRY_EPOCH,
	    .code = e->stored_epoch,
	    .count = o->lost_size,
	    .detail = bytes_of(
		o->lost_root.b, o->lost_size > 0 ? sizeof(o->lost_root.b) : 0)};
	uint64_t index;
	enum hf_err err;

	if (e->stored_epoch == o->epoch)
		return HF_OK;
	assert(o->accept_rollback); /* or it had not been opened */
	err = meta_set(e, "epoch", o->epoch);
	if (err == HF_OK)
		err = meta_set(e, "recall", o->epoch);
	if (err == HF_OK)
		err = ledger_add_statement(e, &s, &index);
	if (err != HF_OK)
		return err;
	e->stored_epoch = e->recall_epoch = o->epoch;
	effect_log(e, HF_ROLLBACK, "rollback-accepted", NULL, NULL, NULL);
	return HF_OK;
}

/* ---- asking ---- */

static enum hf_err ask_list(struct engine *e, struct peer *p)
{
	uint8_t frame[64];
	struct pack k;

	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 2);
	pack_uint(&k, HF_LINK_RECALL);
	pack_bin(&k, p->recall.next.b, p->recall.listed ? HF_ID_SIZE : 0);
	return effect_send_pack(e, true, p->conn, &k);
}

static enum hf_err ask_acts(struct engine *e, const struct peer *p,
    const struct hf_id *id, unsigned track, uint32_t gen, uint32_t last)
{
	uint8_t frame[64];
	struct pack k;

	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 5);
	pack_uint(&k, HF_LINK_FETCH);
	pack_bin(&k, id->b, sizeof(id->b));
	pack_uint(&k, track);
	pack_uint(&k, gen);
	pack_uint(&k, last);
	return effect_send_pack(e, true, p->conn, &k);
}

/* The first place of a case that is empty here and was not there.
 * HF_NOTFOUND: none */
static enum hf_err first_missing(struct engine *e, const struct recall_row *row,
    unsigned *track, uint32_t *gen)
{
	struct case_record c;
	uint64_t index;
	enum hf_err err = case_load(e, &row->id, &c);

	if (err == HF_NOTFOUND)
		memset(&c, 0, sizeof(c));
	else if (err != HF_OK)
		return err;
	for (*track = 0; *track <= HF_TRACK_ASKED; (*track)++)
		for (*gen = c.gens[*track] + 1; *gen <= row->gens[*track];
		     (*gen)++) {
			err = case_place(e, &row->id, *track, *gen, &index);
			if (err != HF_OK)
				return err == HF_NOTFOUND ? HF_OK : err;
		}
	return HF_NOTFOUND;
}

/* All of this country is back, or what was not given never will be. */
static enum hf_err done(struct engine *e, struct peer *p)
{
	struct hf_statement s = {.type = HF_ENTRY_SIDES_BACK,
	    .text = bytes_of(p->country.s, HF_COUNTRY_SIZE),
	    .code = p->recall.acts,
	    .count = p->recall.lost_size,
	    .detail = bytes_of(p->recall.lost_root.b,
		p->recall.lost_size > 0 ? HF_HASH_SIZE : 0)};
	uint64_t index;
	enum hf_err err =
	    link_counter_set(e, p->country, "recalled", e->recall_epoch);

	if (err == HF_OK)
		err = ledger_add_statement(e, &s, &index);
	effect_log(e, HF_OK, "sides-back", NULL, NULL, p->country.s);
	memset(&p->recall, 0, sizeof(p->recall));
	return err;
}

/* Ask for the next that is missing of the cases listed; past the last of
 * them, for more cases. */
static enum hf_err go_on(struct engine *e, struct peer *p)
{
	enum hf_err err = HF_NOTFOUND;

	p->recall.again_mono = e->mono_ms + AGAIN_MS;
	for (; p->recall.at < p->recall.count; p->recall.at++) {
		const struct recall_row *row = &p->recall.row[p->recall.at];
		unsigned track;
		uint32_t gen;

		err = first_missing(e, row, &track, &gen);
		if (err == HF_NOTFOUND) {
			p->recall.tries = 0;
			continue;
		}
		if (err != HF_OK)
			return err;
		if (p->recall.gen != due_gen(track, gen))
			p->recall.tries = 0;
		p->recall.gen = due_gen(track, gen);
		if (p->recall.tries++ < TRIES)
			return ask_acts(
			    e, p, &row->id, track, gen, row->gens[track]);
		effect_log(e, HF_NOTFOUND, "not-given-back", &row->id, NULL,
		    p->country.s);
		p->recall.tries = 0;
	}
	if (p->recall.listed && p->recall.last)
		return done(e, p);
	return ask_list(e, p);
}

enum hf_err recall_run(struct engine *e)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0;
	     e->recall_epoch != 0 && i < e->links->count && err == HF_OK; i++) {
		struct peer *p = &e->links->peers[i];

		if (p->conn != 0 && p->welcomed &&
		    e->mono_ms >= p->recall.again_mono &&
		    recall_pending(e, p->country))
			err = go_on(e, p);
	}
	return err;
}

enum hf_err recall_acts_came(struct engine *e, struct peer *p, unsigned acts)
{
	p->recall.acts += acts;
	return go_on(e, p);
}

/* ---- the list ---- */

/* The newest head of our earlier epoch that the peer holds. */
static enum hf_err read_lost(
    struct engine *e, struct peer *p, struct hf_bytes note)
{
	const struct hf_key *key;
	char origin[HF_ORIGIN_MAX];
	struct hf_country named;
	uint32_t epoch;
	enum hf_err err;

	if (note.size == 0)
		return HF_OK;
	err = hf_note_origin(note, &named, &epoch);
	if (err != HF_OK)
		return err;
	key = roster_ledger_key(e->roster, e->options.country, epoch);
	if (key == NULL || epoch >= e->options.epoch)
		return HF_CHECKPOINT;
	hf_origin(origin, e->options.country, epoch);
	return hf_checkpoint_verify(
	    note, origin, key, &p->recall.lost_size, &p->recall.lost_root);
}

static unsigned read_rows(struct wire *w, struct recall_row rows[RECALL_ROWS])
{
	unsigned n = wire_array(w, 0, RECALL_ROWS), count = 0;

	while (count < n && w->err == HF_OK) {
		struct recall_row *row = &rows[count++];

		wire_array(w, 3, 3);
		wire_bin_copy(w, row->id.b, sizeof(row->id.b));
		for (unsigned track = 0; track <= HF_TRACK_ASKED; track++)
			row->gens[track] =
			    (uint32_t)wire_uint(w, HF_TRACK_ACTS_MAX);
		wire_close(w);
	}
	wire_close(w);
	return count;
}

/* [note, rows, next] */
enum hf_err recall_list_in(struct engine *e, struct peer *p, struct wire *w)
{
	struct hf_bytes note = wire_str(w, 0, HF_NOTE_MAX), next;
	struct recall_row rows[RECALL_ROWS];
	unsigned count;
	enum hf_err err;

	if (!recall_pending(e, p->country))
		return HF_OK; /* late, or nobody asked */
	count = read_rows(w, rows);
	next = wire_bin(w, 0, HF_ID_SIZE);
	wire_close(w);
	err = wire_finish(w);
	if (err == HF_OK && next.size != 0 && next.size != HF_ID_SIZE)
		err = HF_RANGE;
	/* asked for twice, a page comes twice: it is not begun again */
	if (err == HF_OK && next.size != 0 && p->recall.listed &&
	    memcmp(next.data, p->recall.next.b, HF_ID_SIZE) <= 0)
		return HF_OK;
	if (err == HF_OK)
		err = read_lost(e, p, note);
	if (err != HF_OK)
		return err;
	memcpy(p->recall.row, rows, count * sizeof(*rows));
	p->recall.count = count;
	p->recall.at = 0;
	p->recall.listed = true;
	p->recall.last = next.size == 0;
	if (next.size != 0)
		memcpy(p->recall.next.b, next.data, HF_ID_SIZE);
	return go_on(e, p);
}

/* ---- answering ---- */

/** Cases of the peer's after *at, at most a page. */
static enum hf_err list_cases(struct engine *e, const struct peer *p,
    bool after, struct hf_id *at, struct pack *rows, unsigned *count)
{
	struct hf_bytes none = {NULL, 0}, key, value;
	enum hf_err err = HF_OK;

	*count = 0;
	for (unsigned scanned = 0; *count < RECALL_ROWS && scanned < SCAN_MAX;
	     scanned++) {
		struct case_record c;

		err = txn_next(e->txn, TABLE_CASES, none,
		    after ? bytes_of(at->b, sizeof(at->b)) : none, after, &key,
		    &value);
		if (err != HF_OK)
			return err;
		if (key.size != sizeof(at->b))
			return HF_CORRUPT;
		memcpy(at->b, key.data, sizeof(at->b));
		after = true;
		err = case_load(e, at, &c);
		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_CORRUPT : err;
		if (!link_is_party(&c, p))
			continue;
		pack_array(rows, 3);
		pack_bin(rows, at->b, sizeof(at->b));
		pack_uint(rows, c.gens[HF_TRACK_ASKING]);
		pack_uint(rows, c.gens[HF_TRACK_ASKED]);
		(*count)++;
	}
	return err;
}

/* [after] : what we hold of the peer's cases */
enum hf_err recall_in(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	uint8_t frame[RECALL_ROWS * 48u + HF_NOTE_MAX + 64u];
	uint8_t rows[RECALL_ROWS * 48u];
	struct hf_bytes after = wire_bin(w, 0, HF_ID_SIZE), note;
	struct hf_id at = {{0}};
	struct pack k, list;
	unsigned count;
	bool more;
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err == HF_OK && after.size != 0 && after.size != HF_ID_SIZE)
		err = HF_RANGE;
	if (err != HF_OK)
		return err;
	if (after.size != 0)
		memcpy(at.b, after.data, after.size);
	err = heads_lost(e, p->country, &note);
	if (err != HF_OK)
		return err;
	pack_init(&list, rows, sizeof(rows));
	err = list_cases(e, p, after.size != 0, &at, &list, &count);
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	more = err == HF_OK;
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 4);
	pack_uint(&k, HF_LINK_RECALLED);
	pack_str(&k, (const char *)note.data, note.size);
	pack_array(&k, count);
	pack_raw(&k, bytes_of(list.data, list.at));
	pack_bin(&k, at.b, more ? sizeof(at.b) : 0);
	return effect_send_pack(e, true, ev->conn, &k);
}
