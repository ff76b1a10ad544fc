/*
 * cover: orders and the cases they rest on, in both directions (finding.h).
 *
 * Lineage of an order that masks its requester is a salted commitment (SPEC
 * 12.5); what it opens to is known to the broker alone.  Such an order may
 * rest on any case of its desk that is older, so where only one of them
 * could be the answer, the answer is unknown.
 *
 * Cases are sorted by what they rest on, and orders by themselves again, so
 * that no table of cases is held in memory.
 */
#include "client/finding.h"

#include "client/spill.h"
#include "proto/catalogue.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>

#define SPILL_ROOM (UINT64_C(1) << 36) /* bytes; only what is used is taken */
#define DESKS_MAX 1024u                /* of one country (proto/limits.h) */
#define RESULT_PARTLY 2u /* SPEC 9.3: 1 preserved, 2 partly-preserved */
#define NO_END UINT64_MAX

enum { ROW_CASE, ROW_ORDER };

/** What others need to know of a case. */
struct brief {
	struct hf_id id;
	char name[HF_REF_MAX];
	struct hf_desk from, to;
	bool is_order, over, erased;
	bool covers;   /* an order, live and confirmed */
	bool promised; /* a hold of this country's, in force */
	bool masked;   /* has lineage that is a commitment */
	struct instant opened;
	struct instant hold_until; /* NO_END: suspended */
};

/** Of one basis of an order: what became of it. */
struct basis {
	struct brief order;
	bool live, known;
	char name[HF_REF_MAX];
};

struct cover {
	struct asking *q;
	struct hf_country country;
	struct spill *by_basis; /* (case, what, order): brief */
	struct spill *by_order; /* (order, basis): basis; orphans only */
	/* newest masked orders that cover, by desk */
	unsigned desk_count;
	bool many_desks;
	struct {
		struct hf_desk desk;
		struct instant opened;
	} masked[DESKS_MAX];
};

static enum hf_err tell(struct cover *v, const struct finding *f)
{
	return v->q->each(v->q->ctx, f);
}

static void about(
    struct finding *f, const char *what, const struct brief *order)
{
	finding_init(f, what, NULL);
	f->case_id = order->id;
	memcpy(f->ref, order->name, sizeof(f->ref));
	if (order->hold_until.ms != NO_END)
		f->until = order->hold_until;
}

/* ---- reading cases ---- */

static bool is_confirmed(const struct hf_case *f)
{
	const struct hf_asked_facet *s = &f->s[f->asked_folded];

	return f->a[f->asking_folded].phase == HF_ASKING_OPEN &&
	       s->phase == HF_ASKED_ACCEPTED && s->hold_until.ms != 0 &&
	       s->result <= RESULT_PARTLY;
}

static void read_brief(
    struct brief *r, const struct cover *v, const struct book_case *c)
{
	const struct hf_case *f = &c->fold;
	const struct hf_asked_facet *s = &f->s[f->asked_folded];
	bool holds = s->phase == HF_ASKED_ACCEPTED && s->hold_until.ms != 0;

	memset(r, 0, sizeof(*r));
	r->id = c->id;
	memcpy(r->name, c->name, sizeof(r->name));
	r->from = c->from;
	r->to = c->to;
	r->is_order = c->kind == HF_KIND_ORDER;
	r->over = f->state >= HF_STATE_WITHDRAWN;
	r->opened = c->opened;
	if (holds)
		r->hold_until.ms = f->suspended ? NO_END : s->hold_until.ms;
	holds = holds && r->hold_until.ms > v->q->now.ms;
	r->covers = r->is_order && is_confirmed(f) && holds;
	r->promised = !r->is_order && (c->sides & HF_SIDE_ASKED) != 0 &&
		      holds && !r->over;
}

static enum hf_err put_order(
    struct cover *v, const struct hf_id *basis, const struct brief *order)
{
	uint8_t key[HF_ID_SIZE + 1 + HF_ID_SIZE];

	memcpy(key, basis->b, HF_ID_SIZE);
	key[HF_ID_SIZE] = ROW_ORDER;
	memcpy(key + HF_ID_SIZE + 1, order->id.b, HF_ID_SIZE);
	return spill_put(v->by_basis, (struct hf_bytes){key, sizeof(key)},
	    (struct hf_bytes){(const uint8_t *)order, sizeof(*order)});
}

static enum hf_err put_case(struct cover *v, const struct brief *r)
{
	uint8_t key[HF_ID_SIZE + 1];

	memcpy(key, r->id.b, HF_ID_SIZE);
	key[HF_ID_SIZE] = ROW_CASE;
	return spill_put(v->by_basis, (struct hf_bytes){key, sizeof(key)},
	    (struct hf_bytes){(const uint8_t *)r, sizeof(*r)});
}

static void note_masked(struct cover *v, const struct brief *order)
{
	unsigned i = 0;

	while (i < v->desk_count &&
	       strcmp(v->masked[i].desk.s, order->from.s) != 0)
		i++;
	if (i == DESKS_MAX) {
		v->many_desks = true;
		return;
	}
	if (i == v->desk_count) {
		v->masked[v->desk_count].desk = order->from;
		v->masked[v->desk_count++].opened = order->opened;
	} else if (v->masked[i].opened.ms < order->opened.ms) {
		v->masked[i].opened = order->opened;
	}
}

/* What an order may take a basis from: its opening, and notes of its desk
 * (SPEC 12.5). */
static bool carries_lineage(const struct book_act *a)
{
	return a->track == HF_TRACK_ASKING
		   ? a->placed &&
			 (a->kind == HF_KIND_ORDER || a->kind == HF_KIND_NOTE)
		   : a->track == HF_TRACK_INNER_ASKING &&
			 a->kind == HF_KIND_NOTE;
}

static enum hf_err put_lineage(
    struct cover *v, const struct book_case *c, struct brief *order)
{
	unsigned dependent = 0;
	struct finding f;
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < c->act_count; i++)
		for (unsigned k = 0; carries_lineage(&c->acts[i]) &&
				     k < c->acts[i].lineage_count;
		     k++)
			if (c->acts[i].lineage[k].type == HF_COMMITMENT) {
				order->masked = true;
				if (c->acts[i].here.ms > order->opened.ms)
					order->opened = c->acts[i].here;
			}
	for (unsigned i = 0; i < c->act_count; i++)
		for (unsigned k = 0; carries_lineage(&c->acts[i]) &&
				     k < c->acts[i].lineage_count;
		     k++) {
			if (c->acts[i].lineage[k].type != HF_DEPENDENT)
				continue;
			dependent++;
			err = put_order(v, &c->acts[i].lineage[k].id, order);
			if (err != HF_OK)
				return err;
		}
	if (order->masked && order->covers)
		note_masked(v, order);
	if (dependent > 0 || order->over || v->by_order == NULL)
		return HF_OK;
	about(&f, order->masked ? "unknown" : "orphan", order);
	f.at = order->opened;
	finding_text(&f, "order to %s: %s", order->to.s,
	    order->masked ? "unknown (masked): its lineage is a commitment"
			  : "it names no case that it rests on");
	return tell(v, &f);
}

/* A preservation whose hold is over, with nothing that followed it. */
static enum hf_err find_unfollowed(struct cover *v, const struct book_case *c)
{
	const struct hf_case *f = &c->fold;
	const struct hf_asked_facet *s = &f->s[f->asked_folded];
	struct finding found;

	if (c->kind != HF_KIND_REQUEST || c->measure != HF_PRESERVATION ||
	    s->hold_until.ms == 0 || s->hold_from.ms == 0 ||
	    f->a[f->asking_folded].last_follow_up != 0 || f->suspended)
		return HF_OK;
	if (f->state < HF_STATE_WITHDRAWN && s->hold_until.ms > v->q->now.ms)
		return HF_OK;
	finding_init(&found, "never-followed", c);
	found.at = c->opened;
	found.until = s->hold_until;
	finding_text(&found, "%s asked %s; no follow-up, and now it is %s",
	    c->from.s, c->to.s,
	    f->state < HF_STATE_WITHDRAWN
		? "past its hold"
		: hf_code_name(HF_CODES_STATE, (unsigned)f->state));
	return tell(v, &found);
}

static enum hf_err see_case(struct cover *v, const struct book_case *c)
{
	struct brief r;
	enum hf_err err = HF_OK;

	v->q->cut += c->cut;
	if (!c->has_opening)
		return HF_OK;
	read_brief(&r, v, c);
	if (r.is_order)
		err = put_lineage(v, c, &r);
	else if (v->by_order != NULL)
		err = find_unfollowed(v, c);
	return err == HF_OK ? put_case(v, &r) : err;
}

/* ---- cases with what rests on them ---- */

/** A case and the orders that rest on it, best cover first seen. */
struct resting {
	struct hf_id id;
	bool known;
	struct brief basis;
	unsigned orders;
	struct instant covered; /* the latest end of an order that covers */
};

static bool may_be_masked(const struct cover *v, const struct brief *basis)
{
	for (unsigned i = 0; i < v->desk_count; i++)
		if (strcmp(v->masked[i].desk.s, basis->to.s) == 0)
			return v->masked[i].opened.ms >= basis->opened.ms;
	return v->many_desks;
}

static enum hf_err judge_cover(struct cover *v, const struct resting *r)
{
	struct finding f;
	char end[32];

	if (!r->known || !r->basis.promised ||
	    r->covered.ms >= r->basis.hold_until.ms)
		return HF_OK;
	if (r->covered.ms == 0 && may_be_masked(v, &r->basis)) {
		about(&f, "unknown", &r->basis);
		finding_text(&f,
		    "unknown (masked): an order of %s may lie beneath",
		    r->basis.to.s);
	} else if (r->covered.ms == 0) {
		about(&f, "uncovered", &r->basis);
		finding_text(&f,
		    "promised to %s; of %u orders beneath none is live and "
		    "confirmed",
		    r->basis.from.s, r->orders);
	} else {
		about(&f, "short", &r->basis);
		f.at = r->covered;
		hf_rfc3339(end, r->covered, 0);
		finding_text(&f, "promised to %s; the last order ends %s",
		    r->basis.from.s, end);
	}
	return tell(v, &f);
}

static enum hf_err judge_basis(
    struct cover *v, const struct resting *r, const struct brief *order)
{
	uint8_t key[2 * HF_ID_SIZE];
	struct basis row;

	memset(&row, 0, sizeof(row));
	row.order = *order;
	row.known = r->known;
	row.live = r->known && !r->basis.over;
	if (r->known)
		memcpy(row.name, r->basis.name, sizeof(row.name));
	memcpy(key, order->id.b, HF_ID_SIZE);
	memcpy(key + HF_ID_SIZE, r->id.b, HF_ID_SIZE);
	return spill_put(v->by_order, (struct hf_bytes){key, sizeof(key)},
	    (struct hf_bytes){(const uint8_t *)&row, sizeof(row)});
}

static enum hf_err join(struct cover *v)
{
	struct hf_bytes key, value;
	struct resting r = {.known = false};
	struct brief brief;
	enum hf_err err, step = HF_OK;

	while (step == HF_OK &&
	       (err = spill_next(v->by_basis, &key, &value)) == HF_OK) {
		memcpy(&brief, value.data, sizeof(brief));
		if (memcmp(&r.id, key.data, HF_ID_SIZE) != 0) {
			if (v->by_order == NULL)
				step = judge_cover(v, &r);
			memset(&r, 0, sizeof(r));
			memcpy(&r.id, key.data, HF_ID_SIZE);
		}
		if (key.data[HF_ID_SIZE] == ROW_CASE) {
			r.known = true;
			r.basis = brief;
			continue;
		}
		r.orders++;
		if (brief.covers && brief.hold_until.ms > r.covered.ms)
			r.covered = brief.hold_until;
		if (step == HF_OK && v->by_order != NULL && !brief.over)
			step = judge_basis(v, &r, &brief);
	}
	if (step == HF_OK && v->by_order == NULL)
		step = judge_cover(v, &r);
	if (step != HF_OK)
		return step;
	return err == HF_NOTFOUND ? HF_OK : err;
}

/* ---- orders with what they rest on ---- */

static enum hf_err judge_order(
    struct cover *v, const struct basis *first, unsigned live)
{
	const struct brief *order = &first->order;
	struct finding f;

	if (live > 0)
		return HF_OK;
	about(&f, order->masked ? "unknown" : "orphan", order);
	f.at = order->opened;
	if (order->masked)
		finding_text(&f,
		    "order to %s: unknown (masked): a later basis is a "
		    "commitment",
		    order->to.s);
	else if (!first->known)
		finding_text(&f,
		    "order to %s: the case it rests on is not in this ledger",
		    order->to.s);
	else
		finding_text(&f, "order to %s: its case %s is over",
		    order->to.s, first->name);
	return tell(v, &f);
}

static enum hf_err judge_orders(struct cover *v)
{
	struct hf_bytes key, value;
	struct basis first = {.known = false}, row;
	bool has_first = false;
	unsigned live = 0;
	enum hf_err err, step = HF_OK;

	while (step == HF_OK &&
	       (err = spill_next(v->by_order, &key, &value)) == HF_OK) {
		memcpy(&row, value.data, sizeof(row));
		if (!has_first ||
		    !finding_same_id(&row.order.id, &first.order.id)) {
			if (has_first)
				step = judge_order(v, &first, live);
			first = row;
			has_first = true;
			live = 0;
		}
		live += row.live;
	}
	if (step == HF_OK && has_first)
		step = judge_order(v, &first, live);
	if (step != HF_OK)
		return step;
	return err == HF_NOTFOUND ? HF_OK : err;
}

/* ---- both questions ---- */

static enum hf_err read_cases(struct cover *v)
{
	struct book *b = NULL;
	struct book_case *c;
	enum hf_err err = book_new(&b, v->q->archive, v->q->roster, NULL, NULL);

	if (err != HF_OK)
		return err;
	v->q->unreadable = book_unreadable(b);
	v->country = book_country(b);
	if (v->q->now.ms == 0)
		v->q->now = book_end(b);
	while (err == HF_OK && (err = book_next(b, &c)) == HF_OK)
		err = see_case(v, c);
	book_free(b);
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err answer(struct asking *q, bool orphans)
{
	struct cover *v = calloc(1, sizeof(*v));
	const char *dir = archive_dir(q->archive);
	enum hf_err err = HF_NOMEM;

	if (v == NULL)
		return err;
	v->q = q;
	err = spill_new(&v->by_basis, dir, SPILL_ROOM);
	if (err == HF_OK && orphans)
		err = spill_new(&v->by_order, dir, SPILL_ROOM);
	if (err == HF_OK)
		err = read_cases(v);
	if (err == HF_OK)
		err = join(v);
	if (err == HF_OK && orphans)
		err = judge_orders(v);
	spill_free(v->by_basis);
	spill_free(v->by_order);
	free(v);
	return err;
}

enum hf_err orphans_find(struct asking *q)
{
	return answer(q, true);
}

enum hf_err uncovered_find(struct asking *q)
{
	return answer(q, false);
}
