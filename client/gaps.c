/*
 * gaps: what an archive does not show although it should (finding.h).
 *
 * That a generation is missing is known when something that is here names
 * it: a later one of its track, or an act that has seen it.
 */
#include "client/finding.h"

#include "client/be.h"
#include "client/spill.h"
#include "proto/catalogue.h"
#include "proto/merkle.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>

#define SPILL_ROOM (UINT64_C(1) << 36) /* bytes: 300 million receipts */

struct gaps {
	struct asking *q;
	struct spill *indexes; /* of peers' ledgers, as receipts tell them */
	uint64_t receipts;
	bool running, uncertain;
	uint32_t epoch;
	struct instant last; /* entry before */
	struct finding clock;
	struct book_history history;
	bool used[BOOK_STATEMENTS_MAX]; /* statements that a deadline has */
};

static enum hf_err tell(struct gaps *g, const struct finding *f)
{
	return g->q->each(g->q->ctx, f);
}

static const char *track_name(unsigned track)
{
	static const char *const names[HF_TRACK_COUNT] = {
	    "asking", "asked", "inner asking", "inner asked"};

	return track < HF_TRACK_COUNT ? names[track] : "unknown";
}

/* ---- the ledger as a whole ---- */

static enum hf_err see_epoch(struct gaps *g, const struct book_entry *e)
{
	struct finding f;
	uint32_t before = g->epoch;

	g->epoch = e->leaf.epoch;
	if (e->index == 0 || before == e->leaf.epoch)
		return HF_OK;
	finding_init(&f, "epoch", NULL);
	f.entry = e->index;
	f.at = e->leaf.entered;
	finding_text(&f, "epoch %u follows epoch %u", (unsigned)e->leaf.epoch,
	    (unsigned)before);
	return tell(g, &f);
}

static enum hf_err clock_ends(struct gaps *g, struct instant at)
{
	g->uncertain = false;
	g->clock.until = at;
	return tell(g, &g->clock);
}

static enum hf_err see_clock(struct gaps *g, const struct book_entry *e)
{
	if (e->statement.code != 0)
		return g->uncertain ? clock_ends(g, e->leaf.entered) : HF_OK;
	if (g->uncertain)
		return HF_OK;
	g->uncertain = true;
	finding_init(&g->clock, "clock", NULL);
	g->clock.entry = e->index;
	g->clock.at = e->leaf.entered;
	finding_text(&g->clock, "the broker did not know the time: nothing "
				"was run by the calendar");
	return HF_OK;
}

static enum hf_err see_start(struct gaps *g, const struct book_entry *e)
{
	bool crashed = g->running;
	struct finding f;

	g->running = true;
	if (g->uncertain) {
		enum hf_err err = clock_ends(g, e->leaf.entered);

		if (err != HF_OK)
			return err;
	}
	if (!crashed)
		return HF_OK;
	finding_init(&f, "crash", NULL);
	f.entry = e->index;
	f.at = g->last;
	f.until = e->leaf.entered;
	finding_text(&f, "a start without a stop before it");
	return tell(g, &f);
}

/* ---- receipts of peers ---- */

struct position {
	struct instant entered;
	uint32_t bound_ms;
	struct hf_hash leaf;
	struct hf_id act;
};

static enum hf_err put_position(
    struct gaps *g, struct hf_country peer, const struct hf_receipt *r)
{
	uint8_t key[HF_COUNTRY_SIZE + 4 + 8 + 8];
	struct position p;

	memset(&p, 0, sizeof(p));
	p.entered = r->leaf.entered;
	p.bound_ms = r->leaf.bound_ms;
	p.leaf = hf_merkle_leaf(r->leaf_bytes.data, r->leaf_bytes.size);
	p.act = r->leaf.id;
	memcpy(key, peer.s, HF_COUNTRY_SIZE);
	be_put(key + 2, r->leaf.epoch, 4);
	be_put(key + 6, r->index, 8);
	be_put(key + 14, g->receipts++, 8);
	return spill_put(g->indexes, (struct hf_bytes){key, sizeof(key)},
	    (struct hf_bytes){(const uint8_t *)&p, sizeof(p)});
}

static enum hf_err take_receipt(void *ctx, const struct hf_id *act,
    struct hf_country to, struct hf_bytes receipt)
{
	struct hf_receipt r;

	(void)act;
	if (hf_receipt_decode(&r, receipt.data, receipt.size) != HF_OK)
		return HF_OK; /* no receipt: told as such */
	return put_position(ctx, to, &r);
}

static enum hf_err take_entry(void *ctx, const struct book_entry *e)
{
	struct gaps *g = ctx;
	struct hf_receipt r;
	enum hf_err err = see_epoch(g, e);

	if (err == HF_OK && e->leaf.type == HF_ENTRY_START)
		err = see_start(g, e);
	else if (e->leaf.type == HF_ENTRY_STOP)
		g->running = false;
	else if (err == HF_OK && e->leaf.type == HF_ENTRY_CLOCK)
		err = see_clock(g, e);
	else if (err == HF_OK && e->leaf.type == HF_ENTRY_FOREIGN &&
		 hf_receipt_decode(&r, e->payload.data, e->payload.size) ==
		     HF_OK)
		err = put_position(g, hf_desk_country(&e->envelope.from), &r);
	g->last = e->leaf.entered;
	return err;
}

static enum hf_err backwards(struct gaps *g, const uint8_t *key,
    const struct position *before, const struct position *p, bool twice)
{
	char earlier[32], later[32];
	struct finding f;
	uint64_t index = be_get(key + 6, 8);

	finding_init(&f, "index-backwards", NULL);
	memcpy(f.peer.s, key, HF_COUNTRY_SIZE);
	f.act = p->act;
	f.at = p->entered;
	if (twice) {
		finding_text(&f,
		    "receipts of %s name two entries with index %llu", f.peer.s,
		    (unsigned long long)index);
		return tell(g, &f);
	}
	hf_rfc3339(later, p->entered, 0);
	hf_rfc3339(earlier, before->entered, 0);
	finding_text(&f,
	    "entry %llu of %s was entered at %s, an entry before it at %s",
	    (unsigned long long)index, f.peer.s, later, earlier);
	return tell(g, &f);
}

/* In the order of the peer's ledger times do not fall, but by what its clock
 * may be wrong. */
static enum hf_err check_indexes(struct gaps *g)
{
	uint8_t last_key[HF_COUNTRY_SIZE + 4 + 8] = {0};
	struct position last, p;
	struct hf_bytes key, value;
	enum hf_err err, told = HF_OK;
	bool has_last = false;

	while (told == HF_OK &&
	       (err = spill_next(g->indexes, &key, &value)) == HF_OK) {
		bool same = has_last && memcmp(key.data, last_key, 6) == 0;
		bool known;

		memcpy(&p, value.data, sizeof(p));
		known = same && last.bound_ms != HF_BOUND_UNKNOWN &&
			p.bound_ms != HF_BOUND_UNKNOWN;
		if (same && memcmp(key.data, last_key, sizeof(last_key)) == 0) {
			if (memcmp(&p.leaf, &last.leaf, sizeof(p.leaf)) != 0)
				told = backwards(g, key.data, &last, &p, true);
		} else if (known && p.entered.ms + p.bound_ms + last.bound_ms <
					last.entered.ms) {
			told = backwards(g, key.data, &last, &p, false);
		}
		memcpy(last_key, key.data, sizeof(last_key));
		last = p;
		has_last = true;
	}
	if (told != HF_OK)
		return told;
	return err == HF_NOTFOUND ? HF_OK : err;
}

/* ---- generations ---- */

/** What a case has of each track: bit by gen, newest that is named. */
struct tracks {
	bool here[HF_TRACK_COUNT][HF_TRACK_ACTS_MAX + 1];
	uint32_t named[HF_TRACK_COUNT];
	/* the first gen that is missing or waits; above all: none */
	uint32_t stops[HF_TRACK_COUNT];
};

static unsigned seen_track(unsigned track)
{
	static const unsigned seen[HF_TRACK_COUNT] = {
	    HF_TRACK_ASKED, HF_TRACK_ASKING, HF_TRACK_ASKING, HF_TRACK_ASKED};

	return seen[track];
}

static bool is_tracked(const struct book_act *a)
{
	return a->track < HF_TRACK_COUNT && a->gen > 0 &&
	       a->gen <= HF_TRACK_ACTS_MAX &&
	       (a->placed || a->track > HF_TRACK_ASKED);
}

static void name(struct tracks *t, unsigned track, uint32_t gen)
{
	if (gen > HF_TRACK_ACTS_MAX)
		gen = HF_TRACK_ACTS_MAX;
	if (gen > t->named[track])
		t->named[track] = gen;
}

static void read_tracks(struct tracks *t, const struct book_case *c)
{
	memset(t, 0, sizeof(*t));
	for (unsigned i = 0; i < c->act_count; i++) {
		const struct book_act *a = &c->acts[i];

		if (!is_tracked(a))
			continue;
		t->here[a->track][a->gen] = true;
		name(t, a->track, a->gen);
		name(t, seen_track(a->track), a->seen_gen);
	}
	/* a case begins with its opening */
	if (c->act_count > 0)
		name(t, HF_TRACK_ASKING, 1);
}

static enum hf_err find_missing(
    struct gaps *g, const struct book_case *c, struct tracks *t)
{
	enum hf_err err = HF_OK;

	for (unsigned k = 0; err == HF_OK && k < HF_TRACK_COUNT; k++) {
		t->stops[k] = UINT32_MAX;
		for (uint32_t gen = 1; gen <= t->named[k] && err == HF_OK;
		     gen++) {
			uint32_t to = gen;
			struct finding f;

			if (t->here[k][gen])
				continue;
			while (to < t->named[k] && !t->here[k][to + 1])
				to++;
			if (t->stops[k] == UINT32_MAX)
				t->stops[k] = gen;
			finding_init(&f, "missing", c);
			finding_text(&f, "%s track: generation%s %u to %u",
			    track_name(k), to > gen ? "s" : "", (unsigned)gen,
			    (unsigned)to);
			if (to == gen)
				finding_text(&f, "%s track: generation %u",
				    track_name(k), (unsigned)gen);
			err = tell(g, &f);
			gen = to;
		}
	}
	return err;
}

/* An act waits when its past, or the past of that, is not here. */
static bool waits(const struct tracks *t, const struct book_act *a)
{
	return a->gen > t->stops[a->track] ||
	       a->seen_gen >= t->stops[seen_track(a->track)];
}

static enum hf_err find_waiting(
    struct gaps *g, const struct book_case *c, struct tracks *t)
{
	enum hf_err err = HF_OK;
	bool moved = true;

	while (moved) {
		moved = false;
		for (unsigned i = 0; i < c->act_count; i++) {
			const struct book_act *a = &c->acts[i];

			if (!is_tracked(a) || !waits(t, a) ||
			    a->gen >= t->stops[a->track])
				continue;
			t->stops[a->track] = a->gen;
			moved = true;
		}
	}
	for (unsigned i = 0; err == HF_OK && i < c->act_count; i++) {
		const struct book_act *a = &c->acts[i];
		struct finding f;

		if (!is_tracked(a) || !waits(t, a))
			continue;
		finding_init(&f, "waits", c);
		f.act = a->id;
		f.entry = a->index;
		f.at = a->here;
		finding_text(&f, "%s %u on the %s track: its past has not come",
		    hf_code_name(HF_CODES_KIND, a->kind), (unsigned)a->gen,
		    track_name(a->track));
		err = tell(g, &f);
	}
	return err;
}

static enum hf_err find_disorder(struct gaps *g, const struct book_case *c)
{
	uint32_t newest[HF_TRACK_COUNT] = {0};
	enum hf_err err = HF_OK;

	for (unsigned i = 0; err == HF_OK && i < c->act_count; i++) {
		const struct book_act *a = &c->acts[i];
		struct finding f;

		if (!is_tracked(a))
			continue;
		if (a->gen > newest[a->track]) {
			newest[a->track] = a->gen;
			continue;
		}
		finding_init(&f, "out-of-order", c);
		f.act = a->id;
		f.entry = a->index;
		f.at = a->here;
		finding_text(&f,
		    "%s track: generation %u came after generation %u",
		    track_name(a->track), (unsigned)a->gen,
		    (unsigned)newest[a->track]);
		err = tell(g, &f);
	}
	return err;
}

/* ---- what was sent ---- */

static enum hf_err find_unreceipted(
    struct gaps *g, const struct book *b, const struct book_case *c)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; err == HF_OK && i < c->act_count; i++) {
		const struct book_act *a = &c->acts[i];
		struct hf_country to = hf_desk_country(&a->to);
		const char *kind = hf_code_name(HF_CODES_KIND, a->kind);
		struct finding f;

		if (a->type == HF_ENTRY_FOREIGN || a->receipted ||
		    a->track > HF_TRACK_ASKED ||
		    strcmp(to.s, book_country(b).s) == 0)
			continue;
		finding_init(&f, "no-receipt", c);
		f.act = a->id;
		f.entry = a->index;
		f.peer = to;
		f.at = a->here;
		if (a->refusal != 0)
			finding_text(&f, "%s: %s refused it: %s", kind, to.s,
			    hf_err_info((enum hf_err)a->refusal)->name);
		else if (a->delivered)
			finding_text(&f,
			    "%s: stated as delivered to %s, but no receipt is "
			    "in the archive",
			    kind, to.s);
		else
			finding_text(&f, "%s: not delivered to %s", kind, to.s);
		err = tell(g, &f);
	}
	return err;
}

/* ---- deadlines ---- */

/** Who owes, who waits: the statements that SPEC 12.7 asks for. */
static void owed(const struct book_case *c, const struct hf_due *d,
    const struct hf_desk **owes, const struct hf_desk **waits_for)
{
	bool asked = d->type == HF_DUE_REPLY && d->track == HF_TRACK_ASKED;

	*owes = asked ? &c->from : &c->to;
	*waits_for = asked ? &c->to : &c->from;
	if (d->type == HF_DUE_PENDING || d->type == HF_DUE_REVIEW)
		*waits_for = NULL;
}

static bool is_ours(const struct book *b, const struct hf_desk *desk)
{
	return desk != NULL &&
	       strcmp(hf_desk_country(desk).s, book_country(b).s) == 0;
}

/* The statement nearest to the deadline that none has yet. */
static bool take_statement(const struct book_case *c, bool *used, unsigned type,
    const struct book_due *d, const struct hf_desk *owes, uint64_t slack_ms)
{
	unsigned best = c->statement_count;

	for (unsigned i = 0; i < c->statement_count; i++) {
		const struct book_statement *s = &c->statements[i];

		if (used[i] || s->type != type ||
		    s->code != (unsigned)d->due.type ||
		    strcmp(s->text.s, owes->s) != 0 ||
		    s->at.ms < d->due.at.ms ||
		    (s->at.ms > d->fell.ms && s->at.ms - d->fell.ms > slack_ms))
			continue;
		best = i;
		break;
	}
	if (best == c->statement_count)
		return false;
	used[best] = true;
	return true;
}

static bool is_confirm_stated(const struct book_case *c, const struct hf_due *d)
{
	for (unsigned i = 0; i < c->act_count; i++)
		if (c->acts[i].placed && c->acts[i].track == d->track &&
		    c->acts[i].gen == d->gen)
			return c->acts[i].unconfirmed;
	return false;
}

static enum hf_err tell_unstated(struct gaps *g, const struct book_case *c,
    const struct hf_due *d, const char *statement)
{
	struct finding f;

	finding_init(&f, "no-statement", c);
	f.at = d->at;
	finding_text(&f, "deadline %s passed, and no `%s` was entered",
	    hf_code_name(HF_CODES_DEADLINE, d->type), statement);
	return tell(g, &f);
}

/* First what was stated at once, then what was stated late: so that one
 * statement that is missing does not shift all others. */
static enum hf_err match_statements(struct gaps *g, const struct book *b,
    const struct book_case *c, unsigned type)
{
	bool found[BOOK_DUES_MAX] = {false};
	const struct book_history *h = &g->history;
	const struct hf_desk *owes, *waiting;
	enum hf_err err = HF_OK;

	memset(g->used, 0, sizeof(g->used));
	for (unsigned pass = 0; pass < 3; pass++)
		for (unsigned i = 0; err == HF_OK && i < h->due_count; i++) {
			const struct book_due *d = &h->due[i];

			owed(c, &d->due, &owes, &waiting);
			if (d->end != BOOK_DUE_PASSED || found[i] ||
			    d->due.type == HF_DUE_CONFIRM ||
			    !is_ours(
				b, type == HF_ENTRY_PENDING ? owes : waiting))
				continue;
			if (pass < 2)
				found[i] =
				    take_statement(c, g->used, type, d, owes,
					pass == 0 ? BOOK_SLACK_MS : UINT64_MAX);
			else if (d->sure)
				err = tell_unstated(
				    g, c, &d->due, hf_entry_type_name(type));
		}
	return err;
}

static enum hf_err find_unstated(
    struct gaps *g, const struct book *b, struct book_case *c)
{
	enum hf_err err = HF_OK;

	book_history(b, c, g->q->now, &g->history);
	for (unsigned i = 0; err == HF_OK && i < g->history.due_count; i++) {
		const struct book_due *d = &g->history.due[i];

		if (d->end == BOOK_DUE_PASSED &&
		    d->due.type == HF_DUE_CONFIRM &&
		    !is_confirm_stated(c, &d->due))
			err = tell_unstated(g, c, &d->due,
			    hf_entry_type_name(HF_ENTRY_UNCONFIRMED));
	}
	if (err == HF_OK)
		err = match_statements(g, b, c, HF_ENTRY_PENDING);
	return err == HF_OK ? match_statements(g, b, c, HF_ENTRY_ABSENT) : err;
}

/* ---- all of them ---- */

static enum hf_err see_case(
    struct gaps *g, const struct book *b, struct book_case *c)
{
	struct tracks t;
	enum hf_err err;

	g->q->cut += c->cut;
	read_tracks(&t, c);
	err = find_missing(g, c, &t);
	if (err == HF_OK)
		err = find_waiting(g, c, &t);
	if (err == HF_OK)
		err = find_disorder(g, c);
	if (err == HF_OK)
		err = find_unreceipted(g, b, c);
	if (err == HF_OK && c->has_opening)
		err = find_unstated(g, b, c);
	return err;
}

static enum hf_err see_all(struct gaps *g, struct book *b)
{
	struct book_case *c;
	enum hf_err err = HF_OK;

	if (g->uncertain)
		err = tell(g, &g->clock);
	if (err == HF_OK)
		err = archive_receipts(g->q->archive, take_receipt, g);
	if (err == HF_OK || err == HF_NOTFOUND)
		err = check_indexes(g);
	if (g->q->now.ms == 0)
		g->q->now = book_end(b);
	while (err == HF_OK && (err = book_next(b, &c)) == HF_OK)
		err = see_case(g, b, c);
	return err == HF_NOTFOUND ? HF_OK : err;
}

enum hf_err gaps_find(struct asking *q)
{
	struct gaps *g = calloc(1, sizeof(*g));
	struct book *b = NULL;
	enum hf_err err = HF_NOMEM;

	if (g == NULL)
		return err;
	g->q = q;
	err = spill_new(&g->indexes, archive_dir(q->archive), SPILL_ROOM);
	if (err == HF_OK)
		err = book_new(&b, q->archive, q->roster, take_entry, g);
	if (err == HF_OK) {
		q->unreadable = book_unreadable(b);
		err = see_all(g, b);
	}
	book_free(b);
	spill_free(g->indexes);
	free(g);
	return err;
}
