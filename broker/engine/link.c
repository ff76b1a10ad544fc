/*
 * link: peers, the outbox, hello and welcome, what is due.
 */
#include "broker/engine/link.h"

#include <stdlib.h>
#include <string.h>

struct link_table *link_table_new(void)
{
	return calloc(1, sizeof(struct link_table));
}

void link_table_free(struct link_table *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < l->count; i++)
		free(l->peers[i].upload);
	free(l);
}

const struct peer *link_find(const struct engine *e, struct hf_country c)
{
	for (unsigned i = 0; i < e->links->count; i++)
		if (same_country(&e->links->peers[i].country, &c))
			return &e->links->peers[i];
	return NULL;
}

struct peer *link_peer(struct engine *e, struct hf_country c)
{
	struct link_table *l = e->links;
	struct peer *p;

	for (unsigned i = 0; i < l->count; i++)
		if (same_country(&l->peers[i].country, &c))
			return &l->peers[i];
	if (l->count == HF_COUNTRY_MAX)
		return NULL;
	p = &l->peers[l->count++];
	memset(p, 0, sizeof(*p));
	p->country = c;
	p->backoff_ms = LINK_BACKOFF_MIN_MS;
	return p;
}

bool link_is_up(const struct engine *e, struct hf_country c)
{
	const struct peer *p = link_find(e, c);

	return p != NULL && p->conn != 0 && p->welcomed &&
	       e->mono_ms - p->seen_mono < LINK_DEAD_MS;
}

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
	size_t size;
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
	err = pack_finish(&p, &size);
	if (err != HF_OK)
		return err;
	outbox_key(&k, to, sequence);
	return txn_put(
	    e->txn, TABLE_OUTBOX, row_bytes(&k), bytes_of(bytes, size));
}

enum hf_err outbox_put(struct engine *e, struct hf_country to,
    const struct case_record *c, const struct hf_id *act, uint64_t index)
{
	struct hf_bytes core, envelope, sigs;
	struct outbox_row row = {
	    .act = *act, .case_id = c->id, .index = index, .since = e->now};
	struct hf_core decoded;
	enum hf_err err = ledger_act(e, index, &core, &envelope, &sigs);

	if (err == HF_OK)
		err = hf_core_decode(&decoded, core.data, core.size);
	if (err != HF_OK)
		return HF_CORRUPT;
	row.kind = decoded.kind;
	return outbox_add(e, to, &row);
}

enum hf_err link_erased(struct engine *e, struct hf_country to, uint64_t index)
{
	struct outbox_row row = {.index = index, .since = e->now};

	if (same_country(&to, &e->options.country))
		return HF_OK;
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

/* ---- connections ---- */

static struct peer *peer_of(struct engine *e, const struct event *ev)
{
	struct hf_country c;

	if (roster_broker_by_transport(e->roster, &ev->key, &c) == NULL ||
	    same_country(&c, &e->options.country))
		return NULL;
	return link_peer(e, c);
}

static void reset(struct peer *p)
{
	p->welcomed = false;
	p->sent = p->acked = 0;
	p->flying = 0;
}

enum hf_err link_up(struct engine *e, const struct event *ev)
{
	struct peer *p = peer_of(e, ev);

	if (p == NULL) {
		effect_simple(e, EFFECT_CUT, &ev->key, 0);
		return HF_OK;
	}
	reset(p);
	p->conn = ev->conn;
	p->cause = 0;
	p->seen_mono = e->mono_ms;
	p->backoff_ms = LINK_BACKOFF_MIN_MS;
	p->retry_mono = e->mono_ms + LINK_DEAD_MS;
	effect_log(e, HF_OK, "peer-up", NULL, NULL, p->country.s);
	return link_send_hello(e, p);
}

enum hf_err link_down(struct engine *e, const struct event *ev)
{
	static const struct hf_key nobody;
	struct peer *p;

	if (same_key(&ev->key, &nobody)) { /* the gate is gone: all of them */
		for (unsigned i = 0; i < e->links->count; i++) {
			reset(&e->links->peers[i]);
			e->links->peers[i].conn = 0;
		}
		return HF_OK;
	}
	p = peer_of(e, ev);
	if (p == NULL || (ev->conn != 0 && ev->conn != p->conn))
		return HF_OK;
	if (p->conn != 0)
		effect_log(e, HF_OK, "peer-down", NULL, NULL, p->country.s);
	reset(p);
	p->conn = 0;
	if (ev->code != 0)
		p->cause = ev->code;
	return HF_OK;
}

/* [1, min, max, country, newest received, nonce] */
static enum hf_err on_hello(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	const struct country_doc *own =
	    roster_doc(e->roster, e->options.country);
	const struct country_doc *theirs = roster_doc(e->roster, p->country);
	uint64_t got;
	uint8_t frame[64];
	struct pack k;
	size_t size;
	uint64_t min, max;
	struct hf_country c;
	enum hf_err err;

	min = wire_uint(w, UINT16_MAX);
	max = wire_uint(w, UINT16_MAX);
	c = wire_country(w);
	wire_uint(w, UINT64_MAX);
	wire_bin(w, 16, 16);
	wire_close(w);
	if (wire_finish(w) != HF_OK || !same_country(&c, &p->country))
		return HF_FRAME;
	if (min > HF_PROTOCOL_VERSION || max < HF_PROTOCOL_VERSION)
		return HF_VERSION;
	err = link_counter(e, p->country, "got", &got);
	if (err != HF_OK)
		return err;
	pack_init(&k, frame, sizeof(frame));
	pack_array(&k, 6);
	pack_uint(&k, HF_LINK_WELCOME);
	pack_uint(&k, HF_PROTOCOL_VERSION);
	pack_text(&k, e->options.country.s);
	pack_uint(&k, got);
	pack_uint(&k, own == NULL ? 0 : own->head.version);
	pack_uint(&k, theirs == NULL ? 0 : theirs->head.version);
	err = pack_finish(&k, &size);
	return err == HF_OK ? effect_send(e, true, ev->conn,
				  bytes_of(frame, size), false)
			    : err;
}

/* [2, version, country, newest received, own version, our version there] */
static enum hf_err on_welcome(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	const struct country_doc *own =
	    roster_doc(e->roster, e->options.country);
	uint64_t version = wire_uint(w, UINT16_MAX);
	struct hf_country c = wire_country(w);
	enum hf_err err = HF_OK;

	wire_uint(w, UINT64_MAX);
	wire_uint(w, UINT32_MAX);
	p->their_version = (uint32_t)wire_uint(w, UINT32_MAX);
	wire_close(w);
	if (wire_finish(w) != HF_OK || !same_country(&c, &p->country) ||
	    ev->conn != p->conn)
		return HF_FRAME;
	if (version != HF_PROTOCOL_VERSION)
		return HF_VERSION;
	reset(p);
	p->welcomed = true;
	p->ping_mono = e->mono_ms + LINK_PING_MS;
	if (own != NULL && own->head.version > p->their_version)
		err = link_send_document(e, p);
	return err == HF_OK ? link_send_pending(e, p) : err;
}

static enum hf_err dispatch(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
	uint64_t value;

	switch (wire_uint(w, UINT16_MAX)) {
	case HF_LINK_HELLO:
		return on_hello(e, ev, p, w);
	case HF_LINK_WELCOME:
		return on_welcome(e, ev, p, w);
	case HF_LINK_BATCH:
		return link_batch(e, ev, p, w);
	case HF_LINK_ACK:
		return link_ack(e, p, w);
	case HF_LINK_BUSY:
		value = wire_uint(w, LINK_BACKOFF_MAX_MS);
		wire_close(w);
		p->retry_mono = e->mono_ms + value;
		return wire_finish(w);
	case HF_LINK_HEAD:
		return link_head_in(e, p, w);
	case HF_LINK_DOCUMENT:
		return link_document_in(e, p, w);
	case HF_LINK_FETCH:
		return link_fetch(e, ev, p, w);
	case HF_LINK_ACTS:
		return link_acts(e, p, w);
	case HF_LINK_PING:
		value = wire_uint(w, UINT64_MAX);
		wire_close(w);
		if (wire_finish(w) != HF_OK)
			return HF_FRAME;
		return link_send_small(e, ev->conn, HF_LINK_PONG, value, true);
	case HF_LINK_PONG:
		wire_uint(w, UINT64_MAX);
		wire_close(w);
		return wire_finish(w);
	case HF_LINK_ERASED:
		return link_erased_in(e, ev, p, w);
	default:
		return w->err != HF_OK ? w->err : HF_FRAME;
	}
}

enum hf_err link_frame(struct engine *e, const struct event *ev)
{
	struct peer *p = peer_of(e, ev);
	struct wire w;
	enum hf_err err;

	if (p == NULL) {
		effect_simple(e, EFFECT_CUT, &ev->key, 0);
		return tally_refusal(e, &ev->key, HF_NOT_IN_ROSTER);
	}
	p->seen_mono = e->mono_ms;
	p->seen_wall_ms = e->now.ms;
	wire_init(&w, ev->frame.data, ev->frame.size);
	wire_array(&w, 1, HF_ARRAY_MAX);
	err = dispatch(e, ev, p, &w);
	if (err == HF_OK)
		return HF_OK;
	if (hf_err_info(err)->class != HF_CLASS_PEER)
		return err;
	/* a peer that does not keep to the protocol is cut, and on record */
	effect_simple(e, EFFECT_CUT, &ev->key, 0);
	effect_log(e, err, "peer-frame-refused", NULL, NULL, p->country.s);
	return tally_refusal(e, &ev->key, err);
}

/* ---- what is due ---- */

static enum hf_err run_peer(struct engine *e, struct peer *p)
{
	enum hf_err err = HF_OK;

	if (p->conn == 0)
		return HF_OK;
	if (!p->welcomed) {
		if (e->mono_ms < p->retry_mono)
			return HF_OK;
		p->retry_mono = e->mono_ms + LINK_DEAD_MS;
		return link_send_hello(e, p);
	}
	if (p->flying > 0 && e->mono_ms >= p->retry_mono) {
		p->flying = 0; /* no answer: from the first one again */
		p->sent = p->acked;
		p->tries++;
	}
	err = link_send_pending(e, p);
	if (err == HF_OK)
		err = link_send_head(e, p);
	if (err == HF_OK && e->mono_ms >= p->ping_mono) {
		p->ping_mono = e->mono_ms + LINK_PING_MS;
		err =
		    link_send_small(e, p->conn, HF_LINK_PING, e->mono_ms, true);
	}
	return err;
}

enum hf_err link_run(struct engine *e)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < e->links->count && err == HF_OK; i++)
		err = run_peer(e, &e->links->peers[i]);
	return err;
}

uint64_t link_next_mono(const struct engine *e)
{
	uint64_t next = 0;

	for (unsigned i = 0; i < e->links->count; i++) {
		const struct peer *p = &e->links->peers[i];
		uint64_t at;

		if (p->conn == 0)
			continue;
		at = p->welcomed ? p->ping_mono : p->retry_mono;
		if (p->flying > 0 && p->retry_mono < at)
			at = p->retry_mono;
		if (next == 0 || at < next)
			next = at;
	}
	return next;
}

enum hf_err link_document_changed(struct engine *e)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < e->links->count && err == HF_OK; i++)
		if (e->links->peers[i].welcomed)
			err = link_send_document(e, &e->links->peers[i]);
	return err;
}
