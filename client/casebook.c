/*
 * casebook: two sortings on disk (spill.h).  Receipts and some statements
 * name an act, not its case; so everything that names an act is sorted by
 * act first, and what was found goes with the act to its case.
 */
#include "client/casebook.h"

#include "client/be.h"
#include "client/spill.h"
#include "proto/crypto.h"
#include "proto/ref.h"
#include "proto/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SPILL_ROOM (UINT64_C(64) << 20)
#define DARK_MAX 4096u /* times without a clock or a broker */
#define KEY_SIZE (HF_ID_SIZE + 1u + 8u)

/* Of an act; of a case. */
enum { ACT_ITSELF, ACT_RECEIPT, ACT_DELIVERED, ACT_UNCONFIRMED };
enum { CASE_LOST, CASE_STATEMENT, CASE_ACT };

/* What goes with an act to its case. */
struct marks {
	uint64_t offset;
	uint8_t receipted, delivered, unconfirmed;
	uint32_t refusal;
};

struct dark {
	struct instant from, to;
};

struct book {
	struct archive *archive;
	const struct roster *roster;
	struct hf_country country;
	struct spill *by_act, *by_case;
	uint64_t entries, unreadable;
	struct instant end;
	unsigned dark_count;
	struct dark dark[DARK_MAX];
	bool uncertain;
	/* reading cases */
	bool begun;
	struct hf_bytes key, value; /* the row that comes next */
	enum hf_err next;
	struct book_case c;
};

static bool same_id(const struct hf_id *a, const struct hf_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* An act's id begins with the time at which it was made (SPEC 3.2). */
static struct instant made_at(const struct hf_id *id)
{
	return (struct instant){be_get(id->b, 6)};
}

/* ---- rows ---- */

static enum hf_err put(struct spill *s, const struct hf_id *id, uint8_t class,
    uint64_t index, const void *value, size_t size)
{
	uint8_t key[KEY_SIZE];

	memcpy(key, id->b, HF_ID_SIZE);
	key[HF_ID_SIZE] = class;
	be_put(key + HF_ID_SIZE + 1, index, 8);
	return spill_put(s, (struct hf_bytes){key, sizeof(key)},
	    (struct hf_bytes){value, size});
}

static uint8_t class_of(struct hf_bytes key)
{
	return key.data[HF_ID_SIZE];
}

static uint64_t index_of(struct hf_bytes key)
{
	return be_get(key.data + HF_ID_SIZE + 1, 8);
}

/* ---- sorting ---- */

static enum hf_err put_act(struct book *b, const struct book_entry *e)
{
	struct {
		struct hf_id case_id;
		uint64_t offset;
	} value = {e->case_id, e->offset};

	return put(b->by_act, &e->leaf.id, ACT_ITSELF, e->index, &value,
	    sizeof(value));
}

static enum hf_err put_statement(struct book *b, const struct book_entry *e)
{
	const struct hf_statement *s = &e->statement;
	uint32_t code = (uint32_t)s->code;
	struct hf_id id;

	switch (e->leaf.type) {
	case HF_ENTRY_DELIVERED:
		return put(b->by_act, &s->subject, ACT_DELIVERED, e->index,
		    &code, sizeof(code));
	case HF_ENTRY_UNCONFIRMED:
		return put(b->by_act, &s->subject, ACT_UNCONFIRMED, e->index,
		    &code, sizeof(code));
	case HF_ENTRY_CONFLICT:
		if (s->code != HF_CHAIN || s->detail.size != HF_ID_SIZE)
			return HF_OK;
		memcpy(id.b, s->detail.data, HF_ID_SIZE);
		return put(b->by_case, &id, CASE_LOST, e->index, &s->subject,
		    sizeof(s->subject));
	case HF_ENTRY_PENDING:
	case HF_ENTRY_ABSENT:
	case HF_ENTRY_RELEASED:
	case HF_ENTRY_ERASED:
		return put(b->by_case, &s->subject, CASE_STATEMENT, e->index,
		    &e->offset, sizeof(e->offset));
	default:
		return HF_OK;
	}
}

/* One more span is added to the last when there is no room: then too much
 * is excused, never too little. */
static void darken(struct book *b, struct instant from, struct instant to)
{
	if (b->dark_count == DARK_MAX)
		b->dark[DARK_MAX - 1].to = to;
	else
		b->dark[b->dark_count++] = (struct dark){from, to};
}

/* Between the last entry before a start and the start nobody was there.
 * Whoever starts is certain of the time until he says otherwise. */
static void watch_clock(struct book *b, const struct book_entry *e)
{
	bool was = b->uncertain;
	struct instant now = e->leaf.entered;

	if (e->leaf.type == HF_ENTRY_START) {
		if (was)
			b->dark[b->dark_count - 1].to = now;
		else if (e->index > 0)
			darken(b, b->end, now);
		b->uncertain = false;
	} else if (e->leaf.type == HF_ENTRY_CLOCK) {
		b->uncertain = e->statement.code == 0;
		if (b->uncertain && !was)
			darken(b, now, (struct instant){UINT64_MAX});
		else if (was && !b->uncertain)
			b->dark[b->dark_count - 1].to = now;
	}
}

bool book_entry_read(struct book_entry *e, const struct archive_entry *raw)
{
	struct hf_receipt r;

	memset(e, 0, sizeof(*e));
	e->index = raw->index;
	e->offset = raw->offset;
	e->payload = raw->payload;
	if (hf_ledger_leaf_decode(&e->leaf, raw->leaf.data, raw->leaf.size) !=
	    HF_OK)
		return false;
	e->entered = e->leaf.entered;
	e->is_act = hf_entry_is_act(e->leaf.type);
	if (!e->is_act)
		return hf_statement_decode(&e->statement, raw->payload.data,
			   raw->payload.size) == HF_OK;
	if (hf_core_decode(&e->core, raw->core.data, raw->core.size) != HF_OK ||
	    hf_envelope_decode(&e->envelope, raw->envelope.data,
		raw->envelope.size) != HF_OK ||
	    hf_act_check_shape(e->core.kind, &e->envelope) != HF_OK)
		return false;
	e->case_id =
	    HF_HAS(&e->envelope, HF_E_CASE) ? e->envelope.case_id : e->leaf.id;
	if (!hf_entry_came(e->leaf.type))
		return true;
	if (hf_receipt_decode(&r, raw->payload.data, raw->payload.size) !=
	    HF_OK)
		return false;
	e->entered = r.leaf.entered;
	e->receipt_index = r.index;
	return true;
}

static enum hf_err take_entry(
    struct book *b, const struct book_entry *e, book_each *each, void *ctx)
{
	enum hf_err err = HF_OK;

	watch_clock(b, e);
	if (e->leaf.entered.ms > b->end.ms)
		b->end = e->leaf.entered;
	if (e->is_act)
		err = put_act(b, e);
	else
		err = put_statement(b, e);
	if (err == HF_OK && each != NULL)
		err = each(ctx, e);
	return err;
}

static enum hf_err take_ledger(struct book *b, book_each *each, void *ctx)
{
	struct archive_entry raw;
	struct book_entry e;
	enum hf_err err = archive_rewind(b->archive);

	while (
	    err == HF_OK && (err = archive_next(b->archive, &raw)) == HF_OK) {
		b->entries++;
		if (book_entry_read(&e, &raw))
			err = take_entry(b, &e, each, ctx);
		else
			b->unreadable++;
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err take_receipts(struct book *b)
{
	struct archive_rows *rows;
	struct archive_receipt r;
	uint64_t n = 0;
	uint8_t one = 1;
	enum hf_err err = archive_receipts_open(b->archive, &rows);

	while (
	    err == HF_OK && (err = archive_receipts_next(rows, &r)) == HF_OK) {
		struct hf_receipt read;

		if (hf_receipt_decode(&read, r.receipt.data, r.receipt.size) !=
			HF_OK ||
		    !same_id(&read.leaf.id, &r.act))
			continue;
		err = put(b->by_act, &r.act, ACT_RECEIPT, n++, &one, 1);
	}
	archive_rows_close(rows);
	return err == HF_NOTFOUND ? HF_OK : err;
}

/* Rows of one act: its places first, then what is known of it.  An act that
 * stands twice gets both times what was found. */
struct found_act {
	struct hf_id id;
	unsigned count;
	struct {
		struct hf_id case_id;
		uint64_t index, offset;
	} at[4];
	struct marks marks;
};

static void add_found(
    struct found_act *f, struct hf_bytes key, struct hf_bytes value)
{
	switch (class_of(key)) {
	case ACT_ITSELF:
		if (f->count == sizeof(f->at) / sizeof(*f->at))
			return;
		memcpy(&f->at[f->count].case_id, value.data, HF_ID_SIZE);
		memcpy(&f->at[f->count].offset, value.data + HF_ID_SIZE, 8);
		f->at[f->count++].index = index_of(key);
		return;
	case ACT_RECEIPT:
		f->marks.receipted = 1;
		return;
	case ACT_DELIVERED:
		f->marks.delivered = 1;
		memcpy(&f->marks.refusal, value.data, 4);
		return;
	default:
		f->marks.unconfirmed = 1;
	}
}

static enum hf_err put_found(struct book *b, struct found_act *f)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; err == HF_OK && i < f->count; i++) {
		f->marks.offset = f->at[i].offset;
		err = put(b->by_case, &f->at[i].case_id, CASE_ACT,
		    f->at[i].index, &f->marks, sizeof(f->marks));
	}
	memset(f, 0, sizeof(*f));
	return err;
}

static enum hf_err acts_to_cases(struct book *b)
{
	struct hf_bytes key, value;
	struct found_act f = {.count = 0};
	enum hf_err err;

	while ((err = spill_next(b->by_act, &key, &value)) == HF_OK) {
		if (memcmp(key.data, &f.id, HF_ID_SIZE) != 0)
			err = put_found(b, &f);
		if (err != HF_OK)
			return err;
		memcpy(&f.id, key.data, HF_ID_SIZE);
		add_found(&f, key, value);
	}
	return err == HF_NOTFOUND ? put_found(b, &f) : err;
}

/* ---- life ---- */

enum hf_err book_head(
    struct archive *a, struct hf_country *country, uint64_t *size)
{
	static const char prefix[] = "holdfast/";
	size_t n = sizeof(prefix) - 1;
	char note[HF_NOTE_MAX + 1], *second;
	enum hf_err err = archive_head(a, note);

	if (err != HF_OK)
		return err;
	second = strchr(note, '\n');
	if (strncmp(note, prefix, n) != 0 || strlen(note) < n + 3 ||
	    !hf_country_ok(note + n, HF_COUNTRY_SIZE) || note[n + 2] != '/' ||
	    second == NULL ||
	    !text_read_uint(size, second + 1, strcspn(second + 1, "\n"),
		UINT64_C(1) << HF_TREE_DEPTH_MAX))
		return HF_CHECKPOINT;
	memset(country, 0, sizeof(*country));
	memcpy(country->s, note + n, HF_COUNTRY_SIZE);
	return HF_OK;
}

static enum hf_err open_spills(struct book *b)
{
	const char *dir = archive_dir(b->archive);
	char path[HOME_PATH_MAX + 16];
	struct stat st;
	uint64_t room;
	enum hf_err err;

	snprintf(path, sizeof(path), "%s/ledger", dir);
	if (stat(path, &st) != 0)
		return HF_FILE;
	/* a row is smaller than the entry that it is of */
	room = 2 * (uint64_t)st.st_size + SPILL_ROOM;
	err = spill_new(&b->by_act, dir, room);
	return err == HF_OK ? spill_new(&b->by_case, dir, room) : err;
}

enum hf_err book_new(struct book **out, struct archive *a,
    const struct roster *roster, book_each *each, void *ctx)
{
	struct book *b = calloc(1, sizeof(*b));
	uint64_t size;
	enum hf_err err;

	*out = NULL;
	if (b == NULL)
		return HF_NOMEM;
	b->archive = a;
	b->roster = roster;
	err = book_head(a, &b->country, &size);
	if (err == HF_OK)
		err = open_spills(b);
	if (err == HF_OK)
		err = take_ledger(b, each, ctx);
	if (err == HF_OK)
		err = take_receipts(b);
	if (err == HF_OK)
		err = acts_to_cases(b);
	spill_free(b->by_act);
	b->by_act = NULL;
	if (err != HF_OK) {
		book_free(b);
		return err;
	}
	*out = b;
	return HF_OK;
}

void book_free(struct book *b)
{
	if (b == NULL)
		return;
	spill_free(b->by_act);
	spill_free(b->by_case);
	free(b);
}

struct hf_country book_country(const struct book *b)
{
	return b->country;
}

struct instant book_end(const struct book *b)
{
	return b->end;
}

uint64_t book_entries(const struct book *b)
{
	return b->entries;
}

uint64_t book_unreadable(const struct book *b)
{
	return b->unreadable;
}

/* ---- one case ---- */

static void read_act(
    struct book_act *a, const struct book_entry *e, const struct marks *m)
{
	const struct hf_envelope *env = &e->envelope;

	memset(a, 0, sizeof(*a));
	a->index = e->index;
	a->id = e->leaf.id;
	a->here = e->leaf.entered;
	a->entered = e->entered;
	a->type = e->leaf.type;
	a->kind = e->core.kind;
	a->track = env->track;
	a->gen = env->gen;
	a->seen_gen = env->seen_gen;
	a->choice = env->choice;
	a->from = env->from;
	a->to = env->to;
	a->lineage_count = env->lineage_count;
	for (unsigned i = 0; i < env->lineage_count; i++) {
		a->lineage[i].type = env->lineage[i].type;
		a->lineage[i].id = env->lineage[i].id;
	}
	a->receipted = m->receipted != 0;
	a->delivered = m->delivered != 0;
	a->refusal = m->refusal;
	a->unconfirmed = m->unconfirmed != 0;
}

/* The first act of a place stands, unless it is said to have lost it. */
static void hold_act(struct book_case *c, const struct hf_id *lost,
    unsigned lost_count, const struct book_entry *e, struct book_act *a)
{
	struct hf_hash digest;
	struct hf_life_act *slot;

	if (a->track > HF_TRACK_ASKED || a->gen == 0 ||
	    a->gen > HF_TRACK_ACTS_MAX)
		return;
	for (unsigned i = 0; i < lost_count; i++)
		if (same_id(&lost[i], &a->id))
			return;
	slot = &c->held[a->track][a->gen - 1];
	if (slot->kind != 0)
		return;
	digest = e->leaf.core;
	hf_life_act_from(
	    slot, &e->core, &e->envelope, &digest, &a->id, a->entered);
	c->arrived[a->track][a->gen - 1] = a->index;
	a->placed = true;
}

static void add_statement(struct book_case *c, const struct book_entry *e)
{
	const struct hf_statement *s = &e->statement;
	struct book_statement *out;

	if (c->statement_count == BOOK_STATEMENTS_MAX) {
		c->cut = true;
		return;
	}
	out = &c->statements[c->statement_count++];
	memset(out, 0, sizeof(*out));
	out->index = e->index;
	out->type = e->leaf.type;
	out->at = e->leaf.entered;
	out->code = s->code <= UINT32_MAX ? (unsigned)s->code : UINT32_MAX;
	if (s->text.size > 0 && s->text.size <= HF_DESK_MAX)
		memcpy(out->text.s, s->text.data, s->text.size);
	if (s->detail.size == HF_ID_SIZE)
		memcpy(out->detail.b, s->detail.data, HF_ID_SIZE);
}

#define LOST_MAX 64u /* acts of one case that lost their place */

static enum hf_err take_row(
    struct book *b, struct hf_id *lost, unsigned *lost_count)
{
	struct book_case *c = &b->c;
	uint8_t frame[ARCHIVE_ENTRY_MAX];
	struct archive_entry raw;
	struct book_entry e;
	struct marks m = {.offset = 0};
	uint64_t index = index_of(b->key);
	enum hf_err err;

	if (class_of(b->key) == CASE_LOST) {
		if (*lost_count < LOST_MAX)
			memcpy(
			    &lost[(*lost_count)++], b->value.data, HF_ID_SIZE);
		return HF_OK;
	}
	memcpy(&m, b->value.data,
	    class_of(b->key) == CASE_ACT ? sizeof(m) : sizeof(m.offset));
	err = archive_at(b->archive, frame, index, m.offset, &raw);
	if (err != HF_OK || !book_entry_read(&e, &raw))
		return err == HF_OK ? HF_CORRUPT : err;
	if (class_of(b->key) == CASE_STATEMENT) {
		add_statement(c, &e);
		return HF_OK;
	}
	if (c->act_count == BOOK_ACTS_MAX) {
		c->cut = true;
		return HF_OK;
	}
	read_act(&c->acts[c->act_count], &e, &m);
	hold_act(c, lost, *lost_count, &e, &c->acts[c->act_count++]);
	return HF_OK;
}

bool book_fold(struct book_case *c, uint64_t limit)
{
	struct hf_case *f = &c->fold;
	uint32_t n[2];

	for (unsigned t = 0; t < 2; t++)
		for (n[t] = 0; n[t] < c->held_count[t]; n[t]++)
			if (c->arrived[t][n[t]] >= limit)
				break;
	if (n[HF_TRACK_ASKING] == 0)
		return false;
	f->asking = c->held[HF_TRACK_ASKING];
	f->asked = c->held[HF_TRACK_ASKED];
	f->asking_count = n[HF_TRACK_ASKING];
	f->asked_count = n[HF_TRACK_ASKED];
	/* an act that does not chain is replay's to find; what is before it
	 * is folded */
	return hf_case_fold(f) != HF_MANY_ACTS;
}

static unsigned sides_of(const struct book *b, const struct book_case *c)
{
	struct hf_country from = hf_desk_country(&c->from);
	struct hf_country to = hf_desk_country(&c->to);

	return (strcmp(from.s, b->country.s) == 0 ? HF_SIDE_ASKING : 0u) |
	       (strcmp(to.s, b->country.s) == 0 ? HF_SIDE_ASKED : 0u);
}

/* Who asks whom, also while the opening is not here. */
static void find_desks(struct book *b, struct book_case *c)
{
	for (unsigned i = 0; i < c->act_count; i++) {
		const struct book_act *a = &c->acts[i];

		if (a->track > HF_TRACK_ASKED)
			continue;
		c->from = a->track == HF_TRACK_ASKING ? a->from : a->to;
		c->to = a->track == HF_TRACK_ASKING ? a->to : a->from;
		break;
	}
	c->sides = sides_of(b, c);
}

static void finish_case(struct book *b)
{
	struct book_case *c = &b->c;
	const struct hf_life_act *first = &c->held[HF_TRACK_ASKING][0];
	char hex[2 * HF_ID_SIZE + 1];

	hf_hex(hex, &c->id, sizeof(c->id));
	snprintf(c->name, sizeof(c->name), "%.16s", hex);
	for (unsigned t = 0; t < 2; t++)
		while (c->held_count[t] < HF_TRACK_ACTS_MAX &&
		       c->held[t][c->held_count[t]].kind != 0)
			c->held_count[t]++;
	find_desks(b, c);
	if (c->held_count[HF_TRACK_ASKING] == 0)
		return;
	c->has_opening = true;
	c->kind = first->kind;
	c->measure = first->envelope.measure;
	c->basis = first->envelope.basis;
	c->from = first->envelope.from;
	c->to = first->envelope.to;
	c->sides = sides_of(b, c);
	for (unsigned i = 0; i < c->act_count; i++)
		if (same_id(&c->acts[i].id, &first->id))
			c->opened = c->acts[i].here;
	hf_ref(c->name, hf_desk_country(&c->from), made_at(&first->id),
	    &first->digest);
	c->fold.profile =
	    roster_profile_by_digest(b->roster, &first->envelope.rules_profile);
	if (!book_fold(c, UINT64_MAX))
		c->has_opening = false;
}

/* Only what the case before wrote: it is large. */
static void clear_case(struct book_case *c)
{
	for (unsigned i = 0; i < c->act_count; i++)
		if (c->acts[i].placed)
			c->held[c->acts[i].track][c->acts[i].gen - 1].kind = 0;
	memset(c, 0, offsetof(struct book_case, acts));
	c->held_count[0] = c->held_count[1] = 0;
}

enum hf_err book_next(struct book *b, struct book_case **out)
{
	struct hf_id lost[LOST_MAX];
	unsigned lost_count = 0;
	struct book_case *c = &b->c;
	enum hf_err err = HF_OK;

	if (!b->begun)
		b->next = spill_next(b->by_case, &b->key, &b->value);
	b->begun = true;
	if (b->next != HF_OK)
		return b->next;
	clear_case(c);
	memcpy(&c->id, b->key.data, HF_ID_SIZE);
	while (b->next == HF_OK && err == HF_OK &&
	       memcmp(b->key.data, &c->id, HF_ID_SIZE) == 0) {
		err = take_row(b, lost, &lost_count);
		b->next = spill_next(b->by_case, &b->key, &b->value);
	}
	if (err != HF_OK)
		return err;
	finish_case(b);
	*out = c;
	return HF_OK;
}

/* ---- facts ---- */

struct instant book_lit(const struct book *b, struct instant at)
{
	/* in order of the ledger; a later one may begin where one ended */
	for (unsigned i = 0; i < b->dark_count; i++)
		if (b->dark[i].from.ms <= at.ms && at.ms < b->dark[i].to.ms)
			at = b->dark[i].to;
	return at;
}

const struct book_statement *book_stated(
    const struct book_case *c, unsigned type)
{
	for (unsigned i = c->statement_count; i-- > 0;)
		if (c->statements[i].type == type)
			return &c->statements[i];
	return NULL;
}

bool book_legal_hold(const struct book_case *c)
{
	bool held = false;

	for (unsigned i = 0; i < c->act_count; i++)
		if (c->acts[i].kind == HF_KIND_LEGAL_HOLD)
			held = c->acts[i].choice == 1;
	return held;
}

const struct book_act *book_opening(const struct book_case *c)
{
	for (unsigned i = 0; c->has_opening && i < c->act_count; i++)
		if (c->acts[i].placed && c->acts[i].gen == 1 &&
		    c->acts[i].track == HF_TRACK_ASKING)
			return &c->acts[i];
	return NULL;
}

struct hf_country book_peer(const struct book *b, const struct book_case *c)
{
	struct hf_country from = hf_desk_country(&c->from);

	return strcmp(from.s, b->country.s) == 0 ? hf_desk_country(&c->to)
						 : from;
}
