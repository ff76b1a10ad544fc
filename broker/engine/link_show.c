/*
 * link_show: peers and queue as an officer reads them.
 */
#include <uthash.h>

#include "broker/engine/desk.h"
#include "broker/engine/link.h"

#include <string.h>

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
		uint64_t depth;
		enum hf_err err;

		if (b == NULL || same_country(&c, &e->options.country))
			continue;
		err = outbox_depth(e, &c, &depth);
		if (err != HF_OK)
			return err;
		pack_array(&rows, 7);
		pack_text(&rows, c.s);
		pack_bool(&rows, link_is_up(e, c));
		pack_uint(&rows, p == NULL ? 0 : p->seen_wall_ms);
		pack_uint(&rows, depth);
		pack_uint(&rows, d->head.version);
		pack_uint(&rows, p == NULL || link_is_up(e, c) ? 0 : p->cause);
		pack_text(&rows, b->endpoints[0]);
		count++;
	}
	pack_map(&r->out, 1);
	desk_put_rows(r, &rows, count);
	return HF_OK;
}

enum hf_err desk_queue(struct request *r)
{
	struct engine *e = r->e;
	const struct country_doc *d;
	unsigned count = 0;
	struct pack rows;

	pack_init(&rows, r->rows, HF_FRAME_MAX);
	for (unsigned i = 0; (d = roster_at(e->roster, i)) != NULL; i++) {
		struct hf_country c = d->head.country;
		const struct peer *p = link_find(e, c);
		struct outbox_row row;
		uint64_t at = 0;
		enum hf_err err;

		while (count < HF_PAGE_ROWS &&
		       (err = outbox_next(e, c, at, &at, &row)) == HF_OK) {
			pack_array(&rows, 8);
			pack_text(&rows, c.s);
			pack_uint(&rows, at);
			pack_bin(&rows, row.act.b, sizeof(row.act.b));
			pack_bin(&rows, row.case_id.b, sizeof(row.case_id.b));
			pack_uint(&rows, row.kind);
			pack_uint(&rows, row.since.ms);
			pack_uint(&rows, p == NULL ? 0 : p->tries);
			pack_uint(&rows, p == NULL ? 0 : p->cause);
			count++;
		}
		if (count < HF_PAGE_ROWS && err != HF_NOTFOUND)
			return err;
	}
	pack_map(&r->out, 1);
	desk_put_rows(r, &rows, count);
	return HF_OK;
}
