/*
 * replay: acts are sorted by case, track and generation on disk, then each
 * case is folded by itself, by whatever thread has time.  So memory holds a
 * few cases, however many there are.
 *
 * The first act of a place stands.  One that came before its past may turn
 * out not to chain: the ledger then says so (statement conflict, E4003), it
 * has lost its place, and another may take it.
 *
 * States are asked of the broker after the signed head was taken, and the
 * broker works on.  So a state is right when the acts under the head and some
 * of the later ones, in the order of the ledger, fold to it.
 */
#include "client/replay.h"

#include "client/ahead.h"
#include "client/spill.h"
#include "proto/crypto.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROWS_MAX 2048u /* of one case: two tracks and what stands beside */
#define LOST_MAX 64u   /* acts of one case that lost their place */
#define KEY_LOST 0u
#define KEY_ACT 1u
#define ACT_KEY_SIZE (HF_ID_SIZE + 1u + 1u + 4u + 8u)
#define LOST_KEY_SIZE (HF_ID_SIZE + 1u + HF_ID_SIZE)
#define VALUE_SIZE 16u
#define SPILL_ROOM (UINT64_C(64) << 20)
#define WINDOW 16u /* cases folded ahead: up to 1.6 MiB each */

struct row {
	uint8_t track;
	uint32_t gen;
	uint64_t index, offset;
	struct instant entered;
	bool taken; /* its place was, by an act before */
};

struct one_case {
	_Alignas(max_align_t) struct hf_id id;
	unsigned row_count, lost_count;
	struct row rows[ROWS_MAX];
	struct hf_id lost[LOST_MAX];
	char ref[HF_REF_MAX];
	struct hf_life_act acts[2][HF_TRACK_ACTS_MAX];
	struct hf_case fold;
	enum hf_err err; /* of the fold of all */
};

struct replay {
	struct audit *audit;
	struct spill *spill;
	bool has_view;
	struct replay_view view;
	struct ahead *ahead; /* once everything was taken */
	enum hf_err next;    /* is there a row? */
	struct hf_bytes key, value;
};

static void put_be(uint8_t *out, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		out[i] = (uint8_t)(v >> (8 * (size - 1 - i)));
}

static uint64_t get_be(const uint8_t *in, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v = v << 8 | in[i];
	return v;
}

static bool same_id(const struct hf_id *a, const struct hf_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* ---- taking ---- */

enum hf_err replay_new(
    struct replay **out, struct audit *a, const struct replay_view *view)
{
	char path[HOME_PATH_MAX + 16];
	struct replay *r = calloc(1, sizeof(*r));
	struct stat st;
	enum hf_err err = HF_FILE;

	if (r == NULL)
		return HF_NOMEM;
	r->audit = a;
	r->has_view = view != NULL;
	if (view != NULL)
		r->view = *view;
	snprintf(path, sizeof(path), "%s/ledger", archive_dir(a->archive));
	/* a row is smaller than the act's own frame */
	if (stat(path, &st) == 0)
		err = spill_new(&r->spill, archive_dir(a->archive),
		    (uint64_t)st.st_size + SPILL_ROOM);
	if (err != HF_OK) {
		replay_free(r);
		return err;
	}
	*out = r;
	return HF_OK;
}

void replay_free(struct replay *r)
{
	if (r == NULL)
		return;
	ahead_free(r->ahead);
	spill_free(r->spill);
	free(r);
}

static enum hf_err put_lost(struct replay *r, const struct hf_statement *s)
{
	uint8_t key[LOST_KEY_SIZE];

	if (s->code != HF_CHAIN || s->detail.size != HF_ID_SIZE)
		return HF_OK;
	memcpy(key, s->detail.data, HF_ID_SIZE);
	key[HF_ID_SIZE] = KEY_LOST;
	memcpy(key + HF_ID_SIZE + 1, s->subject.b, HF_ID_SIZE);
	return spill_put(r->spill, (struct hf_bytes){key, sizeof(key)},
	    (struct hf_bytes){key, 0});
}

enum hf_err replay_take(
    void *ctx, const struct archive_entry *e, const struct judged *d)
{
	uint8_t key[ACT_KEY_SIZE], value[VALUE_SIZE];
	struct replay *r = ctx;
	struct hf_id id;

	if (r->has_view && d->leaf.entered.ms > r->view.at.ms)
		return HF_OK;
	if (d->leaf.type == HF_ENTRY_CONFLICT)
		return put_lost(r, &d->statement);
	if (!d->is_act || d->act.envelope.track > HF_TRACK_ASKED)
		return HF_OK;
	id = judged_case(d);
	memcpy(key, id.b, HF_ID_SIZE);
	key[HF_ID_SIZE] = KEY_ACT;
	key[HF_ID_SIZE + 1] = (uint8_t)d->act.envelope.track;
	put_be(key + HF_ID_SIZE + 2, d->act.envelope.gen, 4);
	put_be(key + HF_ID_SIZE + 6, e->index, 8);
	put_be(value, e->offset, 8);
	put_be(value + 8, d->entered.ms, 8);
	return spill_put(r->spill, (struct hf_bytes){key, sizeof(key)},
	    (struct hf_bytes){value, sizeof(value)});
}

/* ---- one case ---- */

static void add_row(
    struct one_case *c, const uint8_t *key, size_t size, const uint8_t *value)
{
	const uint8_t *rest = key + HF_ID_SIZE + 1;
	struct row *row;

	if (key[HF_ID_SIZE] == KEY_LOST && size == LOST_KEY_SIZE) {
		if (c->lost_count < LOST_MAX)
			memcpy(&c->lost[c->lost_count++], rest, HF_ID_SIZE);
		return;
	}
	if (c->row_count == ROWS_MAX)
		return; /* beyond what a case can have: they stand twice */
	row = &c->rows[c->row_count++];
	row->track = rest[0];
	row->gen = (uint32_t)get_be(rest + 1, 4);
	row->index = get_be(rest + 5, 8);
	row->offset = get_be(value, 8);
	row->entered.ms = get_be(value + 8, 8);
	row->taken = false;
}

static bool has_lost(const struct one_case *c, const struct hf_id *act)
{
	for (unsigned i = 0; i < c->lost_count; i++)
		if (same_id(&c->lost[i], act))
			return true;
	return false;
}

/* Read the act of a row again and put it at its place, if that is the next
 * one. */
static enum hf_err place(const struct replay *r, struct one_case *c,
    struct row *row, uint32_t counts[2])
{
	struct hf_life_act *slot;
	uint8_t frame[ARCHIVE_ENTRY_MAX];
	struct hf_envelope env;
	struct archive_entry e;
	struct hf_ledger_leaf leaf;
	struct hf_core core;
	enum hf_err err =
	    archive_at(r->audit->archive, frame, row->index, row->offset, &e);

	row->taken = false;
	/* the leaf's digest and id: where they are not the act's, that was
	 * found by the judge */
	if (err != HF_OK ||
	    hf_ledger_leaf_decode(&leaf, e.leaf.data, e.leaf.size) != HF_OK ||
	    hf_core_decode(&core, e.core.data, e.core.size) != HF_OK ||
	    hf_envelope_decode(&env, e.envelope.data, e.envelope.size) != HF_OK)
		return err == HF_OK ? HF_CORRUPT : err;
	if (has_lost(c, &leaf.id))
		return HF_OK;
	if (row->gen != counts[row->track] + 1 ||
	    counts[row->track] == HF_TRACK_ACTS_MAX) {
		row->taken = row->gen <= counts[row->track];
		return HF_OK; /* what is before it is not here: it waits */
	}
	slot = &c->acts[row->track][counts[row->track]++];
	hf_life_act_from(slot, &core, &env, &leaf.core, &leaf.id, row->entered);
	if (row->track == HF_TRACK_ASKING && row->gen == 1)
		hf_ref(c->ref, hf_desk_country(&env.from), core.created,
		    &leaf.core);
	return HF_OK;
}

/* Fold the acts below ledger index `limit`.  HF_NOTFOUND: no opening. */
static enum hf_err fold(
    const struct replay *r, struct one_case *c, uint64_t limit)
{
	uint32_t counts[2] = {0, 0};
	struct hf_case *f = &c->fold;
	enum hf_err err = HF_OK;

	for (unsigned i = 0; err == HF_OK && i < c->row_count; i++)
		if (c->rows[i].index < limit)
			err = place(r, c, &c->rows[i], counts);
	if (err != HF_OK)
		return err;
	if (counts[0] == 0)
		return HF_NOTFOUND;
	f->profile = roster_profile_by_digest(
	    r->audit->roster, &c->acts[0][0].envelope.rules_profile);
	f->asking = c->acts[0];
	f->asked = c->acts[1];
	f->asking_count = counts[0];
	f->asked_count = counts[1];
	return hf_case_fold(f);
}

static uint64_t newest(const struct one_case *c, uint64_t below)
{
	uint64_t index = 0;

	for (unsigned i = 0; i < c->row_count; i++)
		if (c->rows[i].index < below && c->rows[i].index > index)
			index = c->rows[i].index;
	return index;
}

/* Rows of the next case; r->key is the first of the case after it then. */
static enum hf_err gather(void *ctx, void *item)
{
	struct one_case *c = item;
	struct replay *r = ctx;

	if (r->next != HF_OK)
		return r->next;
	memcpy(&c->id, r->key.data, sizeof(c->id));
	c->row_count = c->lost_count = 0;
	c->ref[0] = '\0';
	while (r->next == HF_OK &&
	       memcmp(r->key.data, &c->id, sizeof(c->id)) == 0) {
		add_row(c, r->key.data, r->key.size, r->value.data);
		r->next = spill_next(r->spill, &r->key, &r->value);
	}
	return r->next == HF_NOTFOUND ? HF_OK : r->next;
}

static void fold_item(const void *ctx, void *item)
{
	struct one_case *c = item;

	c->err = fold(ctx, c, UINT64_MAX);
}

/* The next case, folded.  HF_NOTFOUND: no more. */
static enum hf_err next_case(struct replay *r, struct one_case **out)
{
	const struct ahead_stream cases = {
	    sizeof(struct one_case), WINDOW, r, gather, fold_item};
	enum hf_err err = HF_OK;
	struct one_case *c;
	void *item;

	if (r->ahead == NULL) {
		r->next = spill_next(r->spill, &r->key, &r->value);
		err = ahead_new(&r->ahead, r->audit->threads, &cases, 1);
	}
	if (err == HF_OK)
		err = ahead_next(r->ahead, 0, &item);
	if (err != HF_OK)
		return err;
	c = item;
	for (unsigned i = 0; i < c->row_count; i++)
		if (c->rows[i].taken)
			audit_finds(r->audit, c->rows[i].index,
			    "stands at a place of its case that an entry "
			    "before has");
	*out = c;
	return HF_OK;
}

/* ---- comparing ---- */

struct states {
	struct archive_rows *rows;
	struct archive_state next;
	bool has;
};

static void states_step(struct replay *r, struct states *s)
{
	struct archive_state before = s->next;
	bool first = !s->has;
	enum hf_err err = HF_NOTFOUND;

	if (s->rows != NULL)
		err = archive_states_next(s->rows, &s->next);
	s->has = err == HF_OK;
	if (err != HF_OK && err != HF_NOTFOUND)
		audit_finds(r->audit, AUDIT_NO_ENTRY, "states: damaged");
	if (s->has && !first &&
	    memcmp(&before.case_id, &s->next.case_id, HF_ID_SIZE) >= 0) {
		audit_finds(
		    r->audit, AUDIT_NO_ENTRY, "states: rows out of order");
		s->has = false;
	}
}

static void unknown_case(struct replay *r, const struct hf_id *id)
{
	char hex[2 * HF_ID_SIZE + 1];

	hf_hex(hex, id, sizeof(*id));
	audit_finds(r->audit, AUDIT_NO_ENTRY,
	    "case %.16s: the broker has it, the ledger has not", hex);
}

static bool agrees(const struct one_case *c, const struct archive_state *s)
{
	struct hf_hash digest = hf_case_digest(&c->fold);

	return s->state == (unsigned)c->fold.state &&
	       memcmp(&s->digest, &digest, sizeof(digest)) == 0;
}

static void compare_state(
    struct replay *r, struct one_case *c, const struct archive_state *s)
{
	uint64_t last = newest(c, UINT64_MAX), limit = last;
	unsigned state = (unsigned)c->fold.state;

	if (agrees(c, s))
		return;
	while (limit >= r->audit->head.size && limit > 0 &&
	       fold(r, c, limit) == HF_OK) {
		if (agrees(c, s))
			return;
		limit = newest(c, limit);
	}
	audit_finds(r->audit, last,
	    "with it case %s is %s%s, the broker says %s", c->ref,
	    hf_code_name(HF_CODES_STATE, state),
	    s->state == state ? " with other facets" : "",
	    hf_code_name(HF_CODES_STATE, s->state));
}

/* A case that the broker did not list: later than its answer, or kept back. */
static void not_listed(struct replay *r, struct one_case *c)
{
	uint64_t last = newest(c, UINT64_MAX);

	if (fold(r, c, r->audit->head.size) != HF_NOTFOUND)
		audit_finds(r->audit, last,
		    "its case %s is in the ledger, the broker does not have "
		    "it",
		    c->ref);
}

static void compare_case(struct replay *r, struct one_case *c, struct states *s)
{
	enum hf_err err = c->err;

	while (s->has && memcmp(&s->next.case_id, &c->id, HF_ID_SIZE) < 0) {
		unknown_case(r, &s->next.case_id);
		states_step(r, s);
	}
	if (err == HF_NOTFOUND)
		return; /* its opening has not come */
	r->audit->cases++;
	if (err != HF_OK)
		audit_finds(r->audit, newest(c, UINT64_MAX),
		    "its case %s does not fold: %s", c->ref, hf_err_text(err));
	if (!s->has || !same_id(&s->next.case_id, &c->id)) {
		not_listed(r, c);
		return;
	}
	if (err == HF_OK)
		compare_state(r, c, &s->next);
	states_step(r, s);
}

enum hf_err replay_compare(struct replay *r)
{
	struct states s = {.rows = NULL};
	struct one_case *c;
	enum hf_err err = archive_states_open(r->audit->archive, &s.rows);

	if (err == HF_NOTFOUND)
		audit_finds(r->audit, AUDIT_NO_ENTRY,
		    "states: the archive has none to compare with");
	else if (err != HF_OK)
		return err;
	states_step(r, &s);
	while ((err = next_case(r, &c)) == HF_OK)
		compare_case(r, c, &s);
	for (; s.has; states_step(r, &s))
		unknown_case(r, &s.next.case_id);
	archive_rows_close(s.rows);
	return err == HF_NOTFOUND ? HF_OK : err;
}

/* ---- what a desk knew ---- */

static bool is_party(const struct replay *r, const struct one_case *c)
{
	const struct hf_envelope *opening = &c->acts[0][0].envelope;
	const char *desk = r->view.desk.s;

	return desk[0] == '\0' || strcmp(opening->from.s, desk) == 0 ||
	       strcmp(opening->to.s, desk) == 0;
}

enum hf_err replay_list(struct replay *r,
    enum hf_err (*each)(void *ctx, const struct replay_case *c), void *ctx)
{
	struct one_case *c;
	enum hf_err err;

	while ((err = next_case(r, &c)) == HF_OK) {
		struct replay_case told = {.id = c->id, .fold = &c->fold};

		if (c->err == HF_NOTFOUND)
			continue;
		if (c->err != HF_OK)
			audit_finds(r->audit, newest(c, UINT64_MAX),
			    "its case %s does not fold: %s", c->ref,
			    hf_err_text(c->err));
		if (!is_party(r, c))
			continue;
		r->audit->cases++;
		memcpy(told.ref, c->ref, sizeof(told.ref));
		err = each(ctx, &told);
		if (err != HF_OK)
			return err;
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}
