/*
 * outbox: what is to be delivered to each country, in sequence, and the
 * counters of its link.  Rows name entries of the ledger; nothing is stored
 * twice, and nothing leaves the outbox but by the peer's own receipt or
 * refusal.  What waits too long raises an alarm.
 */
#include "broker/engine/link.h"

#include <string.h>

#define ALARM_MS (UINT64_C(30) * 86400000) /* DESIGN 5 */
#define ALARM_AGAIN_MS UINT64_C(86400000)

/* ---- counters ---- */

static void counter_key(
    struct row_key *k, struct hf_country c, const char *name)
{
	*k = (struct row_key){0};
	row_add(k, c.s, HF_COUNTRY_SIZE);
	row_add(k, name, strlen(name));
}

enum hf_err link_counter(
    struct engine *e, struct hf_country c, const char *name, uint64_t *value)
{
	struct row_key k;
	struct hf_bytes row;
	enum hf_err err;

	counter_key(&k, c, name);
	*value = 0;
	err = txn_get(e->txn, TABLE_PEERS, row_bytes(&k), &row);
	if (err == HF_NOTFOUND)
		return HF_OK;
	if (err == HF_OK && row.size != 8)
		return HF_CORRUPT;
	if (err == HF_OK)
		*value = get_be64(row.data);
	return err;
}

enum hf_err link_counter_set(
    struct engine *e, struct hf_country c, const char *name, uint64_t value)
{
	struct row_key k;
	uint8_t row[8];

	counter_key(&k, c, name);
	put_be64(row, value);
	return txn_put(
	    e->txn, TABLE_PEERS, row_bytes(&k), bytes_of(row, sizeof(row)));
}

/* ---- the outbox ---- */

void outbox_key(struct row_key *k, struct hf_country c, uint64_t sequence)
{
	*k = (struct row_key){0};
	row_add(k, c.s, HF_COUNTRY_SIZE);
	row_add_be64(k, sequence);
}

static enum hf_err outbox_add(
    struct engine *e, struct hf_country to, const struct outbox_row *row)
{
	uint8_t bytes[128];
	struct row_key k;
	uint64_t sequence;
	struct pack p;
	enum hf_err err = link_counter(e, to, "next", &sequence);

	if (err == HF_OK)
		err = link_counter_set(e, to, "next", ++sequence);
	if (err != HF_OK)
		return err;
	pack_init(&p, bytes, sizeof(bytes));
	pack_array(&p, 5);
	pack_bin(&p, row->act.b, sizeof(row->act.b));
	pack_bin(&p, row->case_id.b, sizeof(row->case_id.b));
	pack_uint(&p, row->index);
	pack_uint(&p, row->kind);
	pack_uint(&p, row->since.ms);
	outbox_key(&k, to, sequence);
	return txn_put(e->txn, TABLE_OUTBOX, row_bytes(&k), packed(&p));
}

enum hf_err outbox_put(struct engine *e, struct hf_country to,
    const struct case_record *c, const struct hf_act *act, uint64_t index)
{
	struct outbox_row row = {.act = act->id,
	    .case_id = c->id,
	    .index = index,
	    .kind = act->core.kind,
	    .since = e->now};

	return outbox_add(e, to, &row);
}

enum hf_err link_tell_statement(
    struct engine *e, struct hf_country to, uint64_t index)
{
	struct outbox_row row = {.index = index, .since = e->now};
	struct hf_ledger_leaf leaf;
	enum hf_err err;

	if (same_country(&to, &e->options.country))
		return HF_OK;
	err = ledger_leaf(e, index, &leaf);
	if (err != HF_OK)
		return HF_CORRUPT;
	row.case_id = leaf.id;
	return outbox_add(e, to, &row);
}

enum hf_err outbox_read(struct hf_bytes value, struct outbox_row *row)
{
	struct wire w;

	wire_init(&w, value.data, value.size);
	wire_array(&w, 5, 5);
	wire_bin_copy(&w, row->act.b, sizeof(row->act.b));
	wire_bin_copy(&w, row->case_id.b, sizeof(row->case_id.b));
	row->index = wire_uint(&w, UINT64_MAX);
	row->kind = (unsigned)wire_uint(&w, 255);
	row->since = wire_time(&w);
	wire_close(&w);
	return wire_finish(&w) == HF_OK ? HF_OK : HF_CORRUPT;
}

enum hf_err outbox_next(struct engine *e, struct hf_country c,
    uint64_t sequence, uint64_t *next, struct outbox_row *row)
{
	struct hf_bytes key, value;
	struct row_key k;
	enum hf_err err;

	outbox_key(&k, c, sequence);
	err = txn_next(e->txn, TABLE_OUTBOX, bytes_of(c.s, HF_COUNTRY_SIZE),
	    row_bytes(&k), true, &key, &value);
	if (err != HF_OK)
		return err;
	if (key.size != HF_COUNTRY_SIZE + 8)
		return HF_CORRUPT;
	*next = get_be64(key.data + HF_COUNTRY_SIZE);
	return outbox_read(value, row);
}

enum hf_err outbox_depth(
    struct engine *e, const struct hf_country *to, uint64_t *depth)
{
	struct outbox_row row;
	uint64_t at = 0;
	enum hf_err err;

	*depth = 0;
	while ((err = outbox_next(e, *to, at, &at, &row)) == HF_OK)
		(*depth)++;
	return err == HF_NOTFOUND ? HF_OK : err;
}

/* ---- the alarm ---- */

static enum hf_err alarm_country(struct engine *e, struct hf_country c)
{
	struct hf_statement s = {.type = HF_ENTRY_OUTBOX_ALARM,
	    .text = bytes_of(c.s, HF_COUNTRY_SIZE)};
	struct outbox_row row;
	uint64_t sequence, last, index;
	enum hf_err err = outbox_next(e, c, 0, &sequence, &row);

	if (err == HF_OK)
		err = link_counter(e, c, "alarm", &last);
	if (err != HF_OK)
		return err == HF_NOTFOUND ? HF_OK : err;
	if (e->now.ms < row.since.ms + ALARM_MS ||
	    e->now.ms < last + ALARM_AGAIN_MS)
		return HF_OK;
	s.time = row.since;
	err = outbox_depth(e, &c, &s.count);
	if (err == HF_OK)
		err = link_counter_set(e, c, "alarm", e->now.ms);
	effect_log(e, HF_PEER_DOWN, "outbox-alarm", NULL, NULL, c.s);
	return err == HF_OK ? ledger_add_statement(e, &s, &index) : err;
}

enum hf_err link_alarm(struct engine *e)
{
	const struct country_doc *d;
	enum hf_err err = HF_OK;

	if (!e->clock_certain || e->mono_ms < e->links->alarm_mono)
		return HF_OK;
	e->links->alarm_mono = e->mono_ms + LINK_ALARM_CHECK_MS;
	for (unsigned i = 0;
	     err == HF_OK && (d = roster_at(e->roster, i)) != NULL; i++)
		err = alarm_country(e, d->head.country);
	return err;
}
