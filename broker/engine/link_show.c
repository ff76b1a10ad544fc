/*
 * link_show: peers and queue as an officer reads them.
 */
#include "broker/engine/desk.h"
#include "broker/engine/link.h"

#include <string.h>

#define SCAN_MAX 1024u /* rows looked at for one answer */

enum hf_err desk_peers(struct request *r)
{
	struct engine *e = r->e;
	const struct country_doc *d;
	unsigned count = 0;
	struct pack rows;

	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (unsigned i = 0; (d = roster_at(e->roster, i)) != NULL; i++) {
		struct hf_country c = d->head.country;
		const struct broker_entry *b = roster_broker(e->roster, c);
		const struct peer *p = link_find(e, c);
		bool up = link_is_up(e, c);
		uint64_t depth;
		enum hf_err err;

		if (b == NULL || same_country(&c, &e->options.country))
			continue;
		err = outbox_depth(e, &c, &depth);
		if (err != HF_OK)
			return err;
		pack_array(&rows, 7);
		pack_text(&rows, c.s);
		pack_bool(&rows, up);
		pack_uint(&rows, p == NULL ? 0 : p->seen_wall_ms);
		pack_uint(&rows, depth);
		pack_uint(&rows, d->head.version);
		pack_uint(&rows, p == NULL || up ? 0 : p->cause);
		pack_text(&rows, b->endpoints[0]);
		count++;
	}
	desk_put_rows(r, &rows, count, false);
	return HF_OK;
}

/* What is still to be delivered, of the cases this desk reads. */
struct queue {
	struct request *r;
	struct pack rows;
	unsigned count, scanned;
};

static enum hf_err queue_row(struct queue *q, struct hf_country country,
    uint64_t sequence, const struct outbox_row *row)
{
	struct engine *e = q->r->e;
	const struct peer *p = link_find(e, country);
	struct case_record c;
	enum hf_err err = case_load(e, &row->case_id, &c);

	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_CORRUPT : err;
	if (case_access(e, &c, q->r->who) == ACCESS_NONE)
		return HF_OK;
	pack_array(&q->rows, 8);
	pack_text(&q->rows, country.s);
	pack_uint(&q->rows, sequence);
	pack_bin(&q->rows, row->act.b, sizeof(row->act.b));
	pack_bin(&q->rows, row->case_id.b, sizeof(row->case_id.b));
	pack_uint(&q->rows, row->kind);
	pack_uint(&q->rows, row->since.ms);
	pack_uint(&q->rows, p == NULL ? 0 : p->tries);
	pack_uint(&q->rows, p == NULL ? 0 : p->cause);
	q->count++;
	return HF_OK;
}

/* Rows of one country after *at.  HF_NOTFOUND: there are no more. */
static enum hf_err queue_country(
    struct queue *q, struct hf_country c, uint64_t *at)
{
	enum hf_err err = HF_OK;

	while (err == HF_OK && q->count < HF_PAGE_ROWS &&
	       q->scanned++ < SCAN_MAX) {
		struct outbox_row row;

		err = outbox_next(q->r->e, c, *at, at, &row);
		if (err == HF_OK)
			err = queue_row(q, c, *at, &row);
	}
	return err;
}

enum hf_err desk_queue(struct request *r)
{
	bool all = r->arg[1].bytes.size != HF_COUNTRY_SIZE;
	struct queue q = {.r = r};
	const struct country_doc *d;
	uint64_t at = desk_arg_uint(r, 2, 0);
	enum hf_err err = HF_NOTFOUND;

	pack_init(&q.rows, r->rows, HF_FRAME_MAX);
	if (!all) {
		struct hf_country c = {{0}};

		memcpy(c.s, r->arg[1].bytes.data, HF_COUNTRY_SIZE);
		err = queue_country(&q, c, &at);
	}
	for (unsigned i = 0; all && err == HF_NOTFOUND &&
			     (d = roster_at(r->e->roster, i)) != NULL;
	     i++) {
		at = 0;
		err = queue_country(&q, d->head.country, &at);
	}
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	/* where it goes on is told of one country only */
	desk_put_rows(r, &q.rows, q.count, !all && err == HF_OK);
	if (!all && err == HF_OK)
		pack_uint(&r->out, at);
	return HF_OK;
}
