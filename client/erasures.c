/*
 * erasures: what should be gone and is not proved to be (finding.h).
 *
 * A peer's certificates do not enter this ledger: the broker has those that
 * came, and the peer's own archive all.  Whatever there is comes in the order
 * of case ids, so all are walked side by side.
 */
#include "client/finding.h"
#include "client/judge.h"

#include <stdlib.h>
#include <string.h>

/* The time of SPEC 12.8, by the newest document of that country. */
static struct instant retain_until(const struct asking *q,
    struct hf_country country, const struct book_case *c, struct instant ended)
{
	const struct hf_profile *p =
	    roster_profile(q->roster, country, c->basis);

	if (p == NULL)
		p = c->fold.profile;
	return p == NULL ? ended : hf_later(ended, p->retain_s);
}

/* The lifting of a legal hold makes the erasure due again. */
static struct instant lifted(const struct book_case *c)
{
	struct instant at = {0};

	for (unsigned i = 0; i < c->act_count; i++)
		if (c->acts[i].kind == HF_KIND_LEGAL_HOLD)
			at = c->acts[i].here;
	return at;
}

/* Retained longer than its profile says.  *due: since when. */
static bool is_overdue(const struct asking *q, const struct book *b,
    struct book_case *c, struct book_history *h, struct instant *due)
{
	struct instant at;

	if (!c->has_opening || book_stated(c, HF_ENTRY_ERASED) != NULL ||
	    book_legal_hold(c))
		return false;
	book_history(b, c, q->now, h);
	if (h->ended.ms == 0)
		return false;
	*due = retain_until(q, book_country(b), c, h->ended);
	at = lifted(c);
	if (at.ms < due->ms)
		at = *due;
	at = book_lit(b, at);
	return at.ms < q->now.ms && q->now.ms - at.ms >= BOOK_SLACK_MS;
}

/* ---- what the broker has of peers ---- */

struct certificates {
	struct archive_rows *rows; /* NULL: they were not fetched */
	struct archive_receipt next;
	bool has;
};

static enum hf_err certificates_step(struct certificates *t)
{
	enum hf_err err = archive_receipts_next(t->rows, &t->next);

	t->has = err == HF_OK;
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err certificates_open(
    struct certificates *t, const struct asking *q)
{
	enum hf_err err = archive_certificates_open(q->archive, &t->rows);

	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	return certificates_step(t);
}

/* The peer's copy ought to be gone.  It may have a legal hold: that it tells
 * nobody. */
static enum hf_err see_silence(struct asking *q, const struct book *b,
    struct book_case *c, struct book_history *h)
{
	struct instant due, at;
	struct finding f;

	if (!c->has_opening)
		return HF_OK;
	book_history(b, c, q->now, h);
	if (h->ended.ms == 0)
		return HF_OK;
	finding_init(&f, "peer-silent", c);
	f.peer = book_peer(b, c);
	due = retain_until(q, f.peer, c, h->ended);
	at = book_lit(b, due);
	if (strcmp(f.peer.s, book_country(b).s) == 0 || at.ms >= q->now.ms ||
	    q->now.ms - at.ms < BOOK_SLACK_MS)
		return HF_OK;
	f.at = h->ended;
	f.until = due;
	finding_text(&f, "%s should have erased its copy; no certificate came",
	    f.peer.s);
	return q->each(q->ctx, &f);
}

static enum hf_err see_certificate(struct asking *q, const struct book *b,
    const struct certificates *t, struct book_case *c)
{
	struct finding f;
	const char *problem;

	finding_init(&f, "peer-certified", c);
	f.peer = t->next.to;
	problem = judge_certificate(
	    q->roster, NULL, &c->id, t->next.to, t->next.receipt, &f.at);
	if (problem == NULL &&
	    (!c->has_opening || strcmp(book_peer(b, c).s, f.peer.s) != 0))
		problem = "is of no party";
	if (problem == NULL && !q->certified)
		return HF_OK;
	if (problem != NULL)
		f.what = "peer-false";
	finding_text(&f, "the certificate of %s %s", f.peer.s,
	    problem != NULL ? problem : "is here");
	return q->each(q->ctx, &f);
}

static enum hf_err see_peer(struct asking *q, const struct book *b,
    struct certificates *t, struct book_case *c, struct book_history *h)
{
	enum hf_err err = HF_OK;
	bool came = false;
	int order;

	while (err == HF_OK && t->has &&
	       (order = memcmp(&t->next.act, &c->id, sizeof(c->id))) <= 0) {
		came |= order == 0;
		if (order == 0)
			err = see_certificate(q, b, t, c);
		if (err == HF_OK)
			err = certificates_step(t);
	}
	if (err != HF_OK || came || t->rows == NULL)
		return err;
	return see_silence(q, b, c, h);
}

static enum hf_err see_case(struct asking *q, const struct book *b,
    struct book_case *c, struct book_history *h)
{
	const struct book_statement *erased = book_stated(c, HF_ENTRY_ERASED);
	struct instant due;
	struct finding f;

	q->cut += c->cut;
	if (erased != NULL && c->act_count == 0) {
		finding_init(&f, "no-case", c);
		f.entry = erased->index;
		f.at = erased->at;
		finding_text(&f, "a certificate of erasure, but no act of "
				 "that case");
		return q->each(q->ctx, &f);
	}
	if (!is_overdue(q, b, c, h, &due))
		return HF_OK;
	finding_init(&f, "no-certificate", c);
	f.peer = book_peer(b, c);
	f.at = h->ended;
	f.until = due;
	finding_text(&f, "ended, retained beyond its term, and no certificate "
			 "of erasure");
	return q->each(q->ctx, &f);
}

/* A case that both had, gone here: is it gone there? */
static enum hf_err see_both(struct asking *q, const struct book_case *ours,
    struct asking *peer, const struct book *b, struct book_case *theirs,
    struct book_history *h)
{
	struct instant due;
	struct finding f;

	peer->cut += theirs->cut;
	if (ours->act_count == 0 || !is_overdue(peer, b, theirs, h, &due))
		return HF_OK;
	finding_init(&f, "peer-no-certificate", ours);
	f.peer = book_country(b);
	f.at = h->ended;
	f.until = due;
	finding_text(&f,
	    "%s retained its copy beyond its term, without a certificate",
	    f.peer.s);
	return q->each(q->ctx, &f);
}

/* Move the other book up to our case. */
static enum hf_err advance(
    struct book *b, struct book_case **at, const struct hf_id *to)
{
	enum hf_err err = HF_OK;

	while (err == HF_OK &&
	       (*at == NULL || memcmp(&(*at)->id, to, sizeof(*to)) < 0)) {
		err = book_next(b, at);
		if (err != HF_OK)
			*at = NULL;
	}
	return err;
}

static enum hf_err walk(struct asking *q, struct book *b, struct asking *peer,
    struct book *other, struct certificates *t, struct book_history *h)
{
	struct book_case *c, *theirs = NULL;
	bool more = other != NULL;
	enum hf_err err;

	while ((err = book_next(b, &c)) == HF_OK) {
		err = see_case(q, b, c, h);
		if (err == HF_OK)
			err = see_peer(q, b, t, c, h);
		if (err == HF_OK && more) {
			err = advance(other, &theirs, &c->id);
			more = err == HF_OK;
			if (err == HF_NOTFOUND)
				err = HF_OK;
		}
		if (err == HF_OK && theirs != NULL &&
		    finding_same_id(&theirs->id, &c->id))
			err = see_both(q, c, peer, other, theirs, h);
		if (err != HF_OK)
			return err;
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err open_book(struct asking *q, struct book **b)
{
	enum hf_err err = book_new(b, q->archive, q->roster, NULL, NULL);

	if (err != HF_OK)
		return err;
	q->unreadable = book_unreadable(*b);
	if (q->now.ms == 0)
		q->now = book_end(*b);
	return HF_OK;
}

enum hf_err erasures_find(struct asking *q)
{
	struct asking *peer = q->peer;
	struct book_history *h = calloc(1, sizeof(*h));
	struct book *b = NULL, *other = NULL;
	struct certificates t = {.rows = NULL};
	enum hf_err err = h == NULL ? HF_NOMEM : open_book(q, &b);

	if (err == HF_OK && peer != NULL)
		err = open_book(peer, &other);
	if (err == HF_OK)
		err = certificates_open(&t, q);
	if (err == HF_OK)
		err = walk(q, b, peer, other, &t, h);
	archive_rows_close(t.rows);
	book_free(b);
	book_free(other);
	free(h);
	return err;
}
