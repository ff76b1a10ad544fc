/* The connections of a federation in memory. */
#include "tests/broker/wires.h"

#include "broker/engine/intake.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 20000u

uint64_t wire_dialled(unsigned node)
{
	return 1000 + node;
}

uint64_t wire_accepted(unsigned node)
{
	return 2000 + node;
}

unsigned wire_node(const struct wires *w, const struct node *n)
{
	return (unsigned)(n - w->f->nodes);
}

static struct hf_key key_of(const struct node *n)
{
	return secret_transport_key(n->broker);
}

static unsigned type_of(const void *bytes, size_t size)
{
	struct wire r;

	wire_init(&r, bytes, size);
	wire_array(&r, 1, HF_ARRAY_MAX);
	return (unsigned)wire_uint(&r, HF_LINK_LAST);
}

static void fly(struct wires *w, unsigned from, unsigned to, uint64_t conn,
    struct hf_bytes b)
{
	struct wire_frame *frame;
	unsigned type = type_of(b.data, b.size);

	if (type == w->drop_type || chance_below(&w->chance, 1000) < w->lose)
		return;
	cr_assert_lt(w->flying_count, WIRE_FLYING);
	frame = &w->flying[w->flying_count++];
	*frame = (struct wire_frame){.from = from,
	    .to = to,
	    .conn = conn,
	    .bytes = malloc(b.size),
	    .size = b.size,
	    .type = type};
	memcpy(frame->bytes, b.data, b.size);
}

static void catch_frame(struct wires *w, uint64_t conn, struct hf_bytes b)
{
	struct caught *c;

	cr_assert_lt(w->caught_count, WIRE_CAUGHT);
	c = &w->caught[w->caught_count++];
	*c = (struct caught){conn, malloc(b.size), b.size};
	memcpy(c->bytes, b.data, b.size);
}

static void carry(struct node *n, const struct effect *e, void *ctx)
{
	struct wires *w = ctx;
	unsigned self = wire_node(w, n), other;

	switch (e->type) {
	case EFFECT_DESK_SEND:
		catch_frame(w, e->conn, e->bytes);
		break;
	case EFFECT_PEER_SEND:
		other = (unsigned)(e->conn % 1000);
		if (e->conn < 2000 && w->up[self][other])
			fly(w, self, other, wire_accepted(self), e->bytes);
		else if (e->conn >= 2000 && w->up[other][self])
			fly(w, self, other, wire_dialled(self), e->bytes);
		break;
	case EFFECT_CUT:
		cr_assert_lt(w->cut_count, WIRE_CUTS);
		w->cuts[w->cut_count].node = n;
		w->cuts[w->cut_count++].key = e->key;
		break;
	default:
		break;
	}
}

struct wires *wires_new(struct federation *f, uint64_t seed)
{
	struct wires *w = calloc(1, sizeof(*w));

	cr_assert_not_null(w);
	w->f = f;
	w->chance.state = seed;
	for (unsigned i = 0; i < f->count; i++) {
		f->nodes[i].carry = carry;
		f->nodes[i].carry_ctx = w;
	}
	return w;
}

void desk_forget(struct wires *w)
{
	for (unsigned i = 0; i < w->caught_count; i++)
		free(w->caught[i].bytes);
	w->caught_count = 0;
}

void wires_free(struct wires *w)
{
	desk_forget(w);
	for (unsigned i = 0; i < w->flying_count; i++)
		free(w->flying[i].bytes);
	fed_free(w->f);
	free(w);
}

/* ---- between brokers ---- */

static void dial(struct wires *w, struct node *from, struct node *to)
{
	struct event ev = node_event(from, EVENT_PEER_UP);

	w->up[wire_node(w, from)][wire_node(w, to)] = true;
	ev.conn = wire_dialled(wire_node(w, to));
	ev.key = key_of(to);
	node_turn(from, &ev);
}

void wires_connect(struct wires *w, const char *a, const char *b)
{
	dial(w, fed_node(w->f, a), fed_node(w->f, b));
	dial(w, fed_node(w->f, b), fed_node(w->f, a));
}

void wires_connect_all(struct wires *w)
{
	for (unsigned i = 0; i < w->f->count; i++)
		for (unsigned j = 0; j < w->f->count; j++)
			if (i != j)
				dial(w, &w->f->nodes[i], &w->f->nodes[j]);
}

static void take_out(struct wires *w, unsigned i)
{
	memmove(&w->flying[i], &w->flying[i + 1],
	    (w->flying_count - i - 1) * sizeof(*w->flying));
	w->flying_count--;
}

static void hang_up(struct wires *w, struct node *from, struct node *to)
{
	struct event ev = node_event(from, EVENT_PEER_DOWN);

	w->up[wire_node(w, from)][wire_node(w, to)] = false;
	ev.conn = wire_dialled(wire_node(w, to));
	ev.key = key_of(to);
	node_turn(from, &ev);
}

void wires_cut(struct wires *w, const char *a, const char *b)
{
	struct node *x = fed_node(w->f, a), *y = fed_node(w->f, b);
	unsigned nx = wire_node(w, x), ny = wire_node(w, y);

	for (unsigned i = 0; i < w->flying_count;) {
		struct wire_frame *frame = &w->flying[i];

		if ((frame->from == nx && frame->to == ny) ||
		    (frame->from == ny && frame->to == nx)) {
			free(frame->bytes);
			take_out(w, i);
		} else {
			i++;
		}
	}
	hang_up(w, x, y);
	hang_up(w, y, x);
}

static void deliver(struct wires *w, const struct wire_frame *frame)
{
	struct node *to = &w->f->nodes[frame->to];
	struct event ev = node_event(to, EVENT_PEER_FRAME);

	ev.conn = frame->conn;
	ev.key = key_of(&w->f->nodes[frame->from]);
	ev.frame = bytes_of(frame->bytes, frame->size);
	ev.verified = true;
	ev.verify_err = engine_preverify(ev.type, ev.frame);
	w->carried[frame->type]++;
	node_turn(to, &ev);
}

void wires_run(struct wires *w)
{
	unsigned rounds = 0;

	while (w->flying_count > 0) {
		struct wire_frame frame;
		unsigned i = 0;

		cr_assert_lt(rounds++, ROUNDS_MAX, "frames go round for ever");
		if (chance_below(&w->chance, 1000) < w->shuffle)
			i = (unsigned)chance_below(&w->chance, w->flying_count);
		frame = w->flying[i];
		take_out(w, i);
		deliver(w, &frame);
		if (chance_below(&w->chance, 1000) < w->twice)
			deliver(w, &frame);
		free(frame.bytes);
	}
}

void wires_run_for(struct wires *w, uint64_t ms, uint64_t step)
{
	wires_run(w);
	for (uint64_t t = 0; t < ms; t += step) {
		w->f->now.ms += step;
		for (unsigned i = 0; i < w->f->count; i++) {
			struct event ev =
			    node_event(&w->f->nodes[i], EVENT_TIMER);

			node_turn(&w->f->nodes[i], &ev);
		}
		wires_run(w);
	}
}

void wires_inject(struct wires *w, const char *from, const char *to,
    const void *bytes, size_t size)
{
	unsigned a = wire_node(w, fed_node(w->f, from));
	struct wire_frame frame = {.from = a,
	    .to = wire_node(w, fed_node(w->f, to)),
	    .conn = wire_accepted(a),
	    .bytes = malloc(size + 1),
	    .size = size};

	memcpy(frame.bytes, bytes, size);
	deliver(w, &frame);
	free(frame.bytes);
}

bool wires_was_cut(
    const struct wires *w, const char *node, const struct hf_key *key)
{
	for (unsigned i = 0; i < w->cut_count; i++)
		if (strcmp(w->cuts[i].node->country.s, node) == 0 &&
		    same_key(&w->cuts[i].key, key))
			return true;
	return false;
}

unsigned wires_waiting(struct wires *w, const char *node)
{
	return node_rows(fed_node(w->f, node), TABLE_OUTBOX);
}

/* ---- desks ---- */

void desk_say(struct wires *w, const char *node, const struct hf_key *key,
    uint64_t conn, const void *bytes, size_t size)
{
	struct node *n = fed_node(w->f, node);
	struct event ev = node_event(n, EVENT_DESK_FRAME);

	ev.conn = conn;
	ev.key = *key;
	ev.frame = bytes_of(bytes, size);
	ev.verified = true;
	ev.verify_err = engine_preverify(ev.type, ev.frame);
	node_turn(n, &ev);
}

static struct reply read_reply(const struct caught *c, uint64_t id)
{
	struct reply r = {.any = true};
	struct wire at;
	unsigned members;

	wire_init(&at, c->bytes, c->size);
	members = wire_array(&at, 4, 5);
	cr_assert_eq(wire_uint(&at, 1), HF_RESPONSE);
	cr_assert_eq(wire_uint(&at, UINT64_MAX), id);
	r.code = (enum hf_err)wire_uint(&at, UINT32_MAX);
	r.map = wire_skip(&at);
	if (members == 5)
		r.receipt = wire_bin(&at, 1, HF_RECEIPT_MAX);
	wire_close(&at);
	EXPECT("the answer is a canonical frame", wire_finish(&at), HF_OK);
	return r;
}

struct reply desk_ask(struct wires *w, const struct officer *o, uint64_t conn,
    unsigned op, struct hf_bytes args)
{
	static uint64_t id;
	static uint8_t frame[HF_FRAME_MAX];
	static const uint8_t empty = 0x80;
	struct hf_country c = hf_desk_country(&o->desk);
	struct hf_key key = secret_transport_key(o->secret);
	struct reply r = {.any = false};
	struct pack p;
	size_t size;
	unsigned first = w->caught_count, answers = 0;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_uint(&p, op);
	pack_uint(&p, ++id);
	pack_raw(&p, args.size > 0 ? args : bytes_of(&empty, 1));
	EXPECT("request", pack_finish(&p, &size), HF_OK);
	desk_say(w, c.s, &key, conn, frame, size);
	for (unsigned i = first; i < w->caught_count; i++)
		if (w->caught[i].conn == conn && w->caught[i].bytes[1] == 0) {
			r = read_reply(&w->caught[i], id);
			answers++;
		}
	cr_assert_leq(answers, 1, "one answer to one request");
	return r;
}

bool reply_has(const struct reply *r, int key, struct wire *at)
{
	int k;

	if (!r->any)
		return false;
	wire_init(at, r->map.data, r->map.size);
	wire_map(at, HF_MAP_MAX);
	while ((k = wire_key(at)) >= 0 && k != key)
		wire_skip(at);
	return k == key;
}

uint64_t reply_uint(const struct reply *r, int key)
{
	struct wire at;

	cr_assert(reply_has(r, key, &at), "result has no key %d", key);
	return wire_uint(&at, UINT64_MAX);
}

void args_begin(struct args *a, unsigned count)
{
	pack_init(&a->p, a->bytes, sizeof(a->bytes));
	pack_map(&a->p, count);
}

void args_uint(struct args *a, unsigned key, uint64_t v)
{
	pack_uint(&a->p, key);
	pack_uint(&a->p, v);
}

void args_bin(struct args *a, unsigned key, const void *data, size_t size)
{
	pack_uint(&a->p, key);
	pack_bin(&a->p, data, size);
}

struct hf_bytes args_end(struct args *a)
{
	size_t size;

	EXPECT("args", pack_finish(&a->p, &size), HF_OK);
	return bytes_of(a->bytes, size);
}
