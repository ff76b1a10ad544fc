/*
 * officers: they ask, answer, read, change their minds, lose their keys; and
 * a client that hears nothing sends the same bytes again.
 */
#include "tests/sim/sim.h"

#include "broker/engine/intake.h"
#include "proto/crypto.h"
#include "tests/broker/whim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t below(struct sim *s, uint64_t limit)
{
	return chance_below(&s->step, limit);
}

static uint64_t desk_conn(unsigned node, unsigned desk)
{
	return 1000000 + 10 * (uint64_t)node + desk;
}

static unsigned desk_of(const struct node *n, const struct hf_desk *desk)
{
	for (unsigned i = 0; i < FED_DESKS; i++)
		if (same_desk(&n->officers[i].desk, desk))
			return i;
	return 0;
}

void sim_key_book(struct sim *s, unsigned node, const struct officer *o)
{
	struct sim_key *k = &s->keys[s->key_count];

	if (s->key_count == SIM_KEYS)
		sim_fail("the book of keys is full");
	*k = (struct sim_key){.sign = o->sign,
	    .desk = o->desk,
	    .role = o->role,
	    .node = node,
	    .secret = o->secret,
	    .transport = secret_transport_key(o->secret)};
	s->key_count++;
}

/* ---- a desk's request and its answer ---- */

static bool ask(struct sim *s, unsigned node, unsigned desk,
    const struct hf_key *key, struct hf_bytes frame)
{
	struct sim_node *sn = &s->nodes[node];
	struct event ev = sim_event(sn, EVENT_DESK_FRAME);

	s->answer.any = false;
	s->answer.conn = ev.conn = desk_conn(node, desk);
	ev.key = *key;
	ev.frame = frame;
	ev.verified = true;
	ev.verify_err = engine_preverify(ev.type, ev.frame);
	sim_turn_of(s, sn, ev);
	s->answer.conn = 0;
	return s->answer.any;
}

/* The code of the answer, and where its receipt is. */
static enum hf_err answer_code(struct sim *s, struct hf_bytes *receipt)
{
	struct wire at;
	enum hf_err code;
	unsigned members;

	*receipt = nothing;
	wire_init(&at, s->answer.bytes, s->answer.size);
	members = wire_array(&at, 4, 5);
	wire_uint(&at, 1);
	wire_uint(&at, UINT64_MAX);
	code = (enum hf_err)wire_uint(&at, UINT32_MAX);
	wire_skip(&at);
	if (members == 5)
		*receipt = wire_bin(&at, 1, HF_RECEIPT_MAX);
	wire_close(&at);
	if (wire_finish(&at) != HF_OK)
		sim_fail("the answer to a desk is no canonical frame");
	return code;
}

/* A receipt in an officer's hands is a promise. */
static void acknowledged(struct sim *s, unsigned node, struct hf_bytes act,
    bool again, struct hf_bytes bytes)
{
	struct node *n = &s->f->nodes[node];
	struct hf_key key = secret_sign_key(n->broker);
	char origin[HF_ORIGIN_MAX];
	struct hf_receipt r;
	struct hf_act a;
	uint64_t size;

	hf_origin(origin, n->country, n->epoch);
	if (hf_act_decode(&a, act.data, act.size) != HF_OK ||
	    hf_receipt_decode(&r, bytes.data, bytes.size) != HF_OK ||
	    hf_receipt_verify(&r, origin, &key, &size) != HF_OK ||
	    hf_receipt_is_for(&r, &a) != HF_OK)
		sim_fail("%s gave a receipt that does not hold", origin);
	s->acked_index = r.index;
	if (again) {
		s->r->resent++;
		return;
	}
	s->r->acknowledged++;
	if (s->acked_count < SIM_ACTS)
		s->acked[s->acked_count++] =
		    (struct sim_acked){node, a.id, r.index};
}

static const struct sim_key *in_book(
    const struct sim *s, const struct hf_key *sign)
{
	for (unsigned i = 0; i < s->key_count; i++)
		if (same_key(&s->keys[i].sign, sign))
			return &s->keys[i];
	return NULL;
}

/* Is it in the broker's ledger already? */
static bool is_entered(const struct sim *s, unsigned node, struct hf_bytes act)
{
	struct hf_act a;

	return hf_act_decode(&a, act.data, act.size) == HF_OK &&
	       sim_entered(s, node, &a.id);
}

enum hf_err sim_submit(struct sim *s, unsigned node, const struct officer *who,
    struct hf_bytes act, struct hf_bytes opening)
{
	static uint8_t frame[HF_FRAME_MAX];
	struct hf_key transport = secret_transport_key(who->secret);
	const struct sim_key *book = in_book(s, &who->sign);
	bool revoked = book != NULL && book->revoked_ms != 0;
	bool again = is_entered(s, node, act);
	struct hf_bytes receipt;
	struct pack p;
	enum hf_err code;
	size_t size;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_uint(&p, HF_OP_SUBMIT);
	pack_uint(&p, ++s->r->submitted);
	pack_map(&p, opening.size > 0 ? 2 : 1);
	pack_uint(&p, 1);
	pack_bin(&p, act.data, act.size);
	if (opening.size > 0) {
		pack_uint(&p, 2);
		pack_bin(&p, opening.data, opening.size);
	}
	if (pack_finish(&p, &size) != HF_OK ||
	    !ask(s, node, desk_of(&s->f->nodes[node], &who->desk), &transport,
		bytes_of(frame, size)))
		return HF_PEER_DOWN;
	code = answer_code(s, &receipt);
	if (code != HF_OK) {
		s->r->refused++;
		return code;
	}
	if (revoked)
		sim_fail("an act of %s was accepted after its key was revoked",
		    who->desk.s);
	acknowledged(s, node, act, again, receipt);
	return HF_OK;
}

/* ---- what was not answered ---- */

static bool is_over(enum hf_err code)
{
	return code != HF_PEER_DOWN && code != HF_FULL && code != HF_BUSY;
}

static enum hf_err submit_sent(
    struct sim *s, unsigned node, const struct sim_sent *w)
{
	return sim_submit(s, node, &w->officer, w->act,
	    w->has_opening ? bytes_of(w->opening, sizeof(w->opening))
			   : nothing);
}

/* Acknowledged: the client has it still, and may send it again. */
static void keep(struct sim *s, struct sim_node *sn, struct sim_sent w)
{
	struct sim_sent *place = &sn->sent[sn->sent_count++ % SIM_SENT];

	free((void *)(uintptr_t)place->act.data);
	w.index = s->acked_index;
	*place = w;
}

/* False: it waits for an answer still. */
static bool answered(
    struct sim *s, unsigned node, struct sim_sent w, enum hf_err code)
{
	if (!is_over(code))
		return false;
	if (code == HF_OK)
		keep(s, &s->nodes[node], w);
	else
		free((void *)(uintptr_t)w.act.data);
	return true;
}

static enum hf_err send(struct sim *s, unsigned node, const struct officer *who,
    const struct signed_act *a, struct hf_bytes opening)
{
	struct sim_node *sn = &s->nodes[node];
	struct sim_sent w = {.officer = *who, .has_opening = opening.size > 0};
	uint8_t *bytes = malloc(a->size);
	enum hf_err code;

	memcpy(bytes, a->frame, a->size);
	w.act = bytes_of(bytes, a->size);
	if (w.has_opening)
		memcpy(w.opening, opening.data, sizeof(w.opening));
	code = submit_sent(s, node, &w);
	if (answered(s, node, w, code))
		return code;
	if (sn->waiting_count < SIM_WAITING)
		sn->waiting[sn->waiting_count++] = w;
	else
		free(bytes);
	return code;
}

void sim_officers_retry(struct sim *s, unsigned node)
{
	struct sim_node *sn = &s->nodes[node];
	unsigned kept = 0, count = sn->waiting_count;

	for (unsigned i = 0; i < count; i++) {
		struct sim_sent w = sn->waiting[i];

		if (!answered(s, node, w, submit_sent(s, node, &w)))
			sn->waiting[kept++] = w;
	}
	sn->waiting_count = kept;
}

/* Impatience, or a backup of the outbox put back: the same decision comes. */
void sim_officer_resends(struct sim *s)
{
	unsigned node = (unsigned)below(s, s->count);
	struct sim_node *sn = &s->nodes[node];
	unsigned count = sn->sent_count < SIM_SENT ? sn->sent_count : SIM_SENT;

	for (uint64_t times = 1 + below(s, 16); times > 0 && count > 0;
	     times--) {
		const struct sim_sent *w = &sn->sent[below(s, count)];
		const struct sim_key *k = in_book(s, &w->officer.sign);
		enum hf_err code = submit_sent(s, node, w);

		if (code == HF_OK && s->acked_index != w->index)
			sim_fail("%s gave an act another index when it came "
				 "again",
			    sn->n->country.s);
		if (code != HF_OK && is_over(code) && k != NULL &&
		    k->revoked_ms == 0)
			sim_fail("%s refused an act that it had acknowledged: "
				 "%s",
			    sn->n->country.s, hf_err_info(code)->name);
	}
}

/* ---- acts ---- */

static void remember(
    struct sim *s, const struct hf_id *id, unsigned asking, unsigned asked)
{
	if (s->case_count < SIM_CASES)
		s->cases[s->case_count++] = (struct sim_case){
		    .id = *id, .asking = asking, .asked = asked};
}

/* Any request of another country to this one. */
static struct sim_case *foreign_case(struct sim *s, unsigned node)
{
	unsigned first;

	if (s->case_count == 0)
		return NULL;
	first = (unsigned)below(s, s->case_count);
	for (unsigned i = 0; i < s->case_count; i++) {
		struct sim_case *c = &s->cases[(first + i) % s->case_count];

		if (c->asked == node && c->asking != node)
			return c;
	}
	return NULL;
}

/* An order to a provider at home, resting on a foreign case, masked or not. */
static struct hf_bytes rest_on(struct sim *s, struct draft *d, unsigned node,
    uint8_t opening[HF_SALT_SIZE + HF_ID_SIZE])
{
	struct sim_case *c;
	struct hf_hash digest;

	c = foreign_case(s, node);
	if (c == NULL)
		return nothing;
	draft_has(d, HF_E_LINEAGE);
	d->env.lineage_count = 1;
	if (c->shown || (!c->masked && below(s, 2) == 0)) {
		c->shown = true;
		d->env.lineage[0].type = HF_DEPENDENT;
		d->env.lineage[0].id = c->id;
		return nothing;
	}
	c->masked = true;
	hf_random(opening, HF_SALT_SIZE);
	memcpy(opening + HF_SALT_SIZE, c->id.b, HF_ID_SIZE);
	digest = hf_hash(HF_TAG_LINEAGE, opening, HF_SALT_SIZE + HF_ID_SIZE);
	d->env.lineage[0].type = HF_COMMITMENT;
	memcpy(d->env.lineage[0].id.b, digest.b, HF_ID_SIZE);
	if (s->masked_count < SIM_MASKED) {
		s->masked[s->masked_count].id = c->id;
		s->masked[s->masked_count++].node = node;
	}
	return bytes_of(opening, HF_SALT_SIZE + HF_ID_SIZE);
}

static void with_leaf(struct draft *d)
{
	d->leaf_count = 1;
	d->text = SIM_CANARY;
}

/* What a later program writes: optional parts that no broker here knows. */
static void sign(
    struct sim *s, unsigned node, struct draft *d, struct signed_act *a)
{
	d->newer =
	    sim_newer(s, node) && sim_happens(s, &s->step, FAULT_VERSION);
	draft_sign(d, a);
}

static void open_case(struct sim *s, unsigned node, unsigned to)
{
	struct node *n = &s->f->nodes[node];
	uint8_t opening[HF_SALT_SIZE + HF_ID_SIZE];
	static struct signed_act a;
	struct hf_bytes arg = nothing;
	bool order = node == to;
	struct draft d;

	draft_open(&d, s->f, n->officers[NCP].desk.s,
	    order ? HF_KIND_ORDER : HF_KIND_REQUEST,
	    s->f->nodes[to].officers[order ? ISP : NCP].desk.s);
	d.env.measure = 1 + (unsigned)below(s, HF_TRACE_LIVE);
	d.env.categories = 1 + (unsigned)below(s, 15);
	d.env.urgency = (unsigned)below(s, 3);
	if (below(s, 3) != 0)
		with_leaf(&d);
	if (order)
		arg = rest_on(s, &d, node, opening);
	sign(s, node, &d, &a);
	if (send(s, node, d.author, &a, arg) == HF_OK)
		remember(s, &a.id, node, to);
}

static void continue_case(struct sim *s, struct sim_case *c)
{
	unsigned node = below(s, 2) == 0 ? c->asking : c->asked;
	static struct signed_act a;
	struct draft d;

	if (!whim_next(&s->step, &s->f->nodes[node], &c->id, &d))
		return;
	if (below(s, 4) == 0)
		with_leaf(&d);
	sign(s, node, &d, &a);
	send(s, node, d.author, &a, nothing);
}

/* What most cases see: somebody acknowledges and accepts. */
static void plain_answer(struct sim *s, struct sim_case *c)
{
	static const unsigned kinds[] = {HF_KIND_ACKNOWLEDGE, HF_KIND_ACCEPT};
	struct node *n = &s->f->nodes[c->asked];
	static struct signed_act a;
	struct case_record record;
	struct draft d;
	unsigned kind;

	if (node_case_err(n, &c->id, &record) != HF_OK || record.erased ||
	    record.kind == 0 || record.gens[HF_TRACK_ASKED] > 2)
		return;
	kind = kinds[record.gens[HF_TRACK_ASKED] > 0];
	if (kind == HF_KIND_ACCEPT)
		draft_accept(&d, s->f, record.to.s, &c->id, 1 + below(s, 60));
	else {
		draft_next(&d, s->f, record.to.s, kind, HF_TRACK_ASKED, &c->id,
		    &c->id);
		d.env.rules_version = 1;
		d.env.rules_profile = hf_profile_by_name("test")->digest;
		draft_has(&d, HF_E_RULES);
	}
	if (kind == HF_KIND_ACCEPT && record.measure == HF_TRACE_LIVE) {
		d.env.ttl_s = 1 + (unsigned)below(s, 60);
		d.env.duty = d.author->sign;
		draft_has(&d, HF_E_TTL);
		draft_has(&d, HF_E_DUTY);
	}
	sign(s, c->asked, &d, &a);
	send(s, c->asked, d.author, &a, nothing);
}

/* Mostly one of the newest: the older ones are over. */
static struct sim_case *some_case(struct sim *s)
{
	unsigned count = s->case_count, most = 8;

	if (count <= most || below(s, 4) == 0)
		return &s->cases[below(s, count)];
	return &s->cases[count - most + (unsigned)below(s, most)];
}

void sim_officer_acts(struct sim *s)
{
	unsigned node = (unsigned)below(s, s->count);

	if (s->case_count == 0 ||
	    (s->case_count < SIM_CASES && below(s, 5) == 0))
		open_case(s, node, (unsigned)below(s, s->count));
	else if (below(s, 2) == 0)
		plain_answer(s, some_case(s));
	else
		continue_case(s, some_case(s));
}

/* ---- reading ---- */

void sim_officer_reads(struct sim *s)
{
	static const unsigned ops[] = {HF_OP_INBOX, HF_OP_CASES, HF_OP_CASE,
	    HF_OP_ACTS, HF_OP_ENTRIES, HF_OP_HEAD, HF_OP_STATUS, HF_OP_PEERS,
	    HF_OP_QUEUE, HF_OP_DEADLINES, HF_OP_ORDERS, HF_OP_STATES,
	    HF_OP_HELLO};
	unsigned node = (unsigned)below(s, s->count);
	unsigned desk = (unsigned)below(s, FED_DESKS);
	const struct officer *o = &s->f->nodes[node].officers[desk];
	struct hf_key key = secret_transport_key(o->secret);
	unsigned op = ops[below(s, sizeof(ops) / sizeof(ops[0]))];
	bool by_case = op == HF_OP_CASE || op == HF_OP_ACTS;
	uint8_t frame[256];
	struct pack p;
	size_t size;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_uint(&p, op);
	pack_uint(&p, 1 + below(s, 1u << 30));
	pack_map(&p, by_case && s->case_count > 0 ? 1 : 0);
	if (by_case && s->case_count > 0) {
		pack_uint(&p, 1);
		pack_bin(
		    &p, s->cases[below(s, s->case_count)].id.b, HF_ID_SIZE);
	}
	if (pack_finish(&p, &size) == HF_OK)
		ask(s, node, desk, &key, bytes_of(frame, size));
}

/* ---- bad desks ---- */

static void garbage(struct sim *s, unsigned node, const struct hf_key *key)
{
	uint8_t bytes[512];
	size_t size = below(s, sizeof(bytes));

	chance_fill(&s->step, bytes, size);
	if (size > 0 && below(s, 2) == 0)
		bytes[0] = 0x93; /* so that it looks like a request */
	ask(s, node, NCP, key, bytes_of(bytes, size));
}

/* An act that must not be accepted from this officer. */
static void forbidden_act(struct sim *s, unsigned node)
{
	struct node *n = &s->f->nodes[node];
	const struct officer *o = &s->readers[node];
	struct officer other = s->f->nodes[(node + 1) % s->count].officers[NCP];
	static struct signed_act a;
	struct draft d;
	enum hf_err code;

	draft_open(&d, s->f, n->officers[NCP].desk.s, HF_KIND_REQUEST,
	    s->f->nodes[(node + 1) % s->count].officers[NCP].desk.s);
	switch (below(s, 4)) {
	case 0: /* one of the desk signs, whose role may only read */
		d.author = o;
		break;
	case 1: /* another's key over the wire */
		o = &n->officers[ISP];
		break;
	case 2: /* a foreign officer signs */
		d.author = &other;
		o = &n->officers[NCP];
		break;
	default:
		d.break_signature = true;
		o = &n->officers[NCP];
		break;
	}
	d.bad_form = true;
	draft_sign(&d, &a);
	code = sim_submit(s, node, o, bytes_of(a.frame, a.size), nothing);
	if (code == HF_OK)
		sim_fail("%s accepted an act of the wrong one", n->country.s);
}

/* Somebody goes on with a key that was taken from him. */
static void revoked_act(struct sim *s, unsigned node)
{
	struct node *n = &s->f->nodes[node];
	static struct signed_act a;
	struct draft d;

	for (unsigned i = 0; i < s->key_count; i++) {
		struct sim_key *k = &s->keys[i];
		struct officer old = {.secret = k->secret,
		    .desk = k->desk,
		    .role = k->role,
		    .sign = k->sign};

		if (k->node != node || k->revoked_ms == 0)
			continue;
		draft_open(&d, s->f, n->officers[NCP].desk.s, HF_KIND_REQUEST,
		    s->f->nodes[(node + 1) % s->count].officers[NCP].desk.s);
		d.author = &old;
		d.env.from = old.desk;
		d.bad_form = true;
		draft_sign(&d, &a);
		(void)sim_submit(
		    s, node, &old, bytes_of(a.frame, a.size), nothing);
	}
}

void sim_desk_misbehaves(struct sim *s)
{
	unsigned node = (unsigned)below(s, s->count);
	struct node *n = &s->f->nodes[node];
	struct hf_key key = secret_transport_key(n->officers[NCP].secret);

	sim_count(s, FAULT_DESK);
	switch (below(s, 5)) {
	case 4:
		revoked_act(s, node);
		break;
	case 0: /* somebody nobody knows */
		key.b[3] ^= 0x55;
		garbage(s, node, &key);
		break;
	case 1: /* another country's officer */
		key = secret_transport_key(
		    s->f->nodes[(node + 1) % s->count].officers[NCP].secret);
		garbage(s, node, &key);
		break;
	case 2:
		garbage(s, node, &key);
		break;
	default:
		forbidden_act(s, node);
		break;
	}
}

/* ---- keys ---- */

static void tell_own_document(struct sim *s, unsigned node)
{
	struct node *n = &s->f->nodes[node];
	struct event ev = sim_event(&s->nodes[node], EVENT_DOCUMENT);

	fed_build(n);
	ev.frame = bytes_of(n->doc->bytes, n->doc->size);
	sim_turn_of(s, &s->nodes[node], ev);
	for (unsigned i = 0; i < s->key_count; i++) {
		struct sim_key *k = &s->keys[i];

		/* it may have had no room for the document */
		if (k->node == node && k->revoked_ms == 0 &&
		    roster_revocation(
			engine_roster(n->engine), n->country, &k->sign) != NULL)
			k->revoked_ms = s->f->now.ms;
	}
}

/* A new key for a desk; the old one stays good, or is revoked at once.  Peers
 * hear of it over their links. */
void sim_rotate(struct sim *s, bool revoke)
{
	unsigned node = (unsigned)below(s, s->count);
	unsigned desk = (unsigned)below(s, FED_DESKS);
	struct node *n = &s->f->nodes[node];
	struct officer old = n->officers[desk], *o = &n->officers[desk];

	if (n->entry_count + 2 > FED_ENTRIES || !n->clock_certain)
		return;
	sim_count(s, revoke ? FAULT_REVOKE : FAULT_ROTATE);
	fed_more_officer(n, o, old.desk.s, old.role);
	sim_key_book(s, node, o);
	if (revoke) {
		struct country_entry entry = {.type = ENTRY_REVOCATION};

		entry.u.revocation.key = old.sign;
		entry.u.revocation.since = s->f->now;
		entry.u.revocation.revoked = s->f->now;
		entry.u.revocation.reason = 1;
		fed_entry(n, &entry);
	}
	tell_own_document(s, node);
}
