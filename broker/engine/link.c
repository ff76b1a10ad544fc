/*
 * link: peers, the outbox, hello and welcome, what is due.
 */
#include "broker/engine/link.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct link_table *link_table_new(void)
{
	struct link_table *l = calloc(1, sizeof(*l));

	if (l != NULL && (l->before = calloc(1, sizeof(*l))) == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void link_table_free(struct link_table *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < l->count; i++)
		free(l->peers[i].upload);
	free(l->before);
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
	*p = (struct peer){.country = c, .backoff_ms = LINK_BACKOFF_MIN_MS};
	return p;
}

void link_back_off(struct engine *e, struct peer *p)
{
	uint8_t jitter;

	engine_chance(e, &jitter, 1);
	p->retry_mono =
	    e->mono_ms + p->backoff_ms + p->backoff_ms * jitter / 256;
	p->backoff_ms = 2 * p->backoff_ms < LINK_BACKOFF_MAX_MS
			    ? 2 * p->backoff_ms
			    : LINK_BACKOFF_MAX_MS;
}

void link_rewind(struct peer *p)
{
	p->sent = 0;
	p->flying = 0;
}

void link_begin(struct engine *e)
{
	struct link_table *l = e->links;

	l->before->count = l->count;
	l->before->alarm_mono = l->alarm_mono;
	memcpy(l->before->peers, l->peers, l->count * sizeof(*l->peers));
}

void link_abandon(struct engine *e)
{
	struct link_table *l = e->links;

	l->alarm_mono = l->before->alarm_mono;
	for (unsigned i = 0; i < l->count; i++) {
		struct peer was = l->before->peers[i], *p = &l->peers[i];

		if (i >= l->before->count)
			was = (struct peer){.country = p->country,
			    .backoff_ms = LINK_BACKOFF_MIN_MS};
		/* it did speak, and parts of a document do not come again */
		was.seen_mono = p->seen_mono;
		was.seen_wall_ms = p->seen_wall_ms;
		was.upload = p->upload;
		was.upload_size = p->upload_size;
		was.upload_next = p->upload_next;
		was.upload_parts = p->upload_parts;
		*p = was;
	}
}

bool link_is_up(const struct engine *e, struct hf_country c)
{
	const struct peer *p = link_find(e, c);

	return p != NULL && p->conn != 0 && p->welcomed &&
	       e->mono_ms - p->seen_mono < LINK_DEAD_MS;
}

/* ---- connections ---- */

/* Whose connection this is, as of this transaction. */
static struct peer *peer_of(struct engine *e, const struct event *ev)
{
	struct hf_country c;
	const struct broker_entry *b =
	    roster_broker_by_transport(e->roster, &ev->key, &c);

	if (!keys_broker_speaks(e, c, b, e->now) ||
	    same_country(&c, &e->options.country))
		return NULL;
	return link_peer(e, c);
}

enum hf_err link_up(struct engine *e, const struct event *ev)
{
	struct peer *p = peer_of(e, ev);

	if (p == NULL) {
		effect_simple(e, EFFECT_CUT, &ev->key, 0);
		return HF_OK;
	}
	link_rewind(p);
	memset(&p->recall, 0, sizeof(p->recall));
	p->conn = ev->conn;
	p->welcomed = false;
	p->cause = 0;
	p->seen_mono = e->mono_ms;
	p->backoff_ms = LINK_BACKOFF_MIN_MS;
	link_back_off(e, p);
	effect_log(e, HF_OK, "peer-up", NULL, NULL, p->country.s);
	return link_send_hello(e, p);
}

static void go_down(struct engine *e, struct peer *p)
{
	if (p->welcomed)
		effect_log(
		    e, HF_PEER_DOWN, "peer-down", NULL, NULL, p->country.s);
	p->welcomed = false;
	link_rewind(p);
}

enum hf_err link_down(struct engine *e, const struct event *ev)
{
	static const struct hf_key nobody;
	struct peer *p;

	if (same_key(&ev->key, &nobody)) { /* the gate is gone: all of them */
		for (unsigned i = 0; i < e->links->count; i++) {
			go_down(e, &e->links->peers[i]);
			e->links->peers[i].conn = 0;
		}
		return HF_OK;
	}
	p = peer_of(e, ev);
	if (p == NULL || (ev->conn != 0 && ev->conn != p->conn))
		return HF_OK;
	go_down(e, p);
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
	uint64_t min, max;
	struct hf_country c;
	enum hf_err err;

	assert(theirs != NULL); /* it names this broker */
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
	pack_uint(&k, theirs->head.version);
	return effect_send_pack(e, true, ev->conn, &k);
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
	link_rewind(p);
	p->welcomed = true;
	p->backoff_ms = LINK_BACKOFF_MIN_MS;
	p->busy_mono = 0;
	p->ping_mono = e->mono_ms + LINK_PING_MS;
	p->prove.asked_mono = p->prove.again_mono = 0;
	if (own != NULL && own->head.version > p->their_version)
		err = link_send_document(e, p);
	if (err == HF_OK)
		err = heads_tell_forks(e, p);
	return err; /* the outbox goes out at the end of the turn */
}

/* It cannot go on now: it has too much to do, or needs our newest document
 * first.  That may have been lost, so it goes again. */
static enum hf_err on_busy(struct engine *e, struct peer *p, struct wire *w)
{
	uint64_t wait = wire_uint(w, LINK_BUSY_MAX_MS);
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err != HF_OK || e->mono_ms < p->busy_mono)
		return err;
	p->busy_mono = e->mono_ms + wait;
	link_rewind(p);
	return p->welcomed ? link_send_document(e, p) : HF_OK;
}

static enum hf_err on_ping(
    struct engine *e, const struct event *ev, struct wire *w)
{
	uint64_t value = wire_uint(w, UINT64_MAX);
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	return err == HF_OK ? link_send_small(e, ev->conn, HF_LINK_PONG, value)
			    : err;
}

static enum hf_err dispatch(
    struct engine *e, const struct event *ev, struct peer *p, struct wire *w)
{
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
		return on_busy(e, p, w);
	case HF_LINK_HEAD:
		return heads_in(e, p, w);
	case HF_LINK_DOCUMENT:
		return link_document_in(e, p, w);
	case HF_LINK_FETCH:
		return link_fetch(e, ev, p, w);
	case HF_LINK_ACTS:
		return link_acts(e, ev, p, w);
	case HF_LINK_PING:
		return on_ping(e, ev, w);
	case HF_LINK_PONG:
		wire_uint(w, UINT64_MAX);
		wire_close(w);
		return wire_finish(w);
	case HF_LINK_STATEMENT:
		return link_statement_in(e, ev, p, w);
	case HF_LINK_COSIGNED:
		return heads_cosigned_in(e, p, w);
	case HF_LINK_SEEN:
		return heads_seen_in(e, w);
	case HF_LINK_PROVE:
		return heads_prove_in(e, ev, w);
	case HF_LINK_PROOF:
		return heads_proof_in(e, p, w);
	case HF_LINK_FORKED:
		return heads_forked_in(e, w);
	case HF_LINK_RECALL:
		return recall_in(e, ev, p, w);
	case HF_LINK_RECALLED:
		return recall_list_in(e, p, w);
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
	if (ev->conn == p->conn) {
		p->seen_mono = e->mono_ms;
		p->seen_wall_ms = e->now.ms;
	}
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

/* The outbox, again from its beginning when nobody answered. */
static enum hf_err run_outbox(struct engine *e, struct peer *p)
{
	if (e->mono_ms < p->busy_mono)
		return HF_OK;
	if (p->flying > 0 && e->mono_ms >= p->retry_mono) {
		link_rewind(p);
		p->tries++;
	}
	return link_send_pending(e, p);
}

static enum hf_err run_peer(struct engine *e, struct peer *p)
{
	enum hf_err err = HF_OK;

	if (p->conn == 0)
		return HF_OK;
	if (!keys_broker_speaks(
		e, p->country, roster_broker(e->roster, p->country), e->now)) {
		/* revoked, unpinned or past its term: nothing more to it */
		go_down(e, p);
		p->conn = 0;
		return HF_OK;
	}
	if (p->welcomed && e->mono_ms - p->seen_mono >= LINK_DEAD_MS) {
		go_down(e, p);
		p->cause = HF_TIMEOUT;
		p->retry_mono = e->mono_ms;
	}
	if (!p->welcomed) {
		if (e->mono_ms < p->retry_mono)
			return HF_OK;
		link_back_off(e, p);
		return link_send_hello(e, p);
	}
	err = run_outbox(e, p);
	if (err == HF_OK)
		err = heads_send(e, p);
	if (err == HF_OK && e->mono_ms >= p->ping_mono) {
		p->ping_mono = e->mono_ms + LINK_PING_MS;
		err = link_send_small(e, p->conn, HF_LINK_PING, e->mono_ms);
	}
	return err;
}

enum hf_err link_run(struct engine *e)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < e->links->count && err == HF_OK; i++)
		err = run_peer(e, &e->links->peers[i]);
	return err == HF_OK ? heads_run(e) : err;
}

static void sooner(uint64_t *at, uint64_t other)
{
	if (other != 0 && (*at == 0 || other < *at))
		*at = other;
}

uint64_t link_next_mono(const struct engine *e)
{
	/* the alarm is of legal dates: it waits for a clock that is certain */
	uint64_t next = e->clock_certain ? e->links->alarm_mono : 0;

	for (unsigned i = 0; i < e->links->count; i++) {
		const struct peer *p = &e->links->peers[i];

		if (p->conn == 0)
			continue;
		if (!p->welcomed) {
			sooner(&next, p->retry_mono);
			continue;
		}
		sooner(&next, p->ping_mono);
		sooner(&next, p->seen_mono + LINK_DEAD_MS);
		if (p->flying > 0)
			sooner(&next, p->retry_mono);
		if (p->busy_mono > e->mono_ms)
			sooner(&next, p->busy_mono);
		if (p->head_mono > e->mono_ms)
			sooner(&next, p->head_mono);
		sooner(&next, p->gossip_mono);
		sooner(&next, p->again_mono);
		if (p->prove.wanted)
			sooner(&next, p->prove.again_mono);
		sooner(&next, p->recall.again_mono);
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
