/* Frames, receipts and acts of a byzantine broker. */
#include "tests/sim/lies.h"

#include "broker/engine/intake.h"
#include "proto/crypto.h"

uint64_t lie_below(struct sim *s, uint64_t limit)
{
	return chance_below(&s->step, limit);
}

struct node *lie_node(struct sim *s)
{
	return &s->f->nodes[LIAR];
}

/* ---- frames ---- */

void lie_begin(struct pack *p, uint8_t *frame, unsigned type, unsigned n)
{
	pack_init(p, frame, HF_FRAME_MAX);
	pack_array(p, n);
	pack_uint(p, type);
}

void lie_send(struct sim *s, unsigned to, struct pack *p, uint8_t *frame)
{
	size_t size;

	if (pack_finish(p, &size) == HF_OK)
		sim_inject(s, LIAR, to, frame, size);
}

/* ---- receipts made up ---- */

/* A ledger of one entry, signed as if it were the broker's. */
static size_t make_receipt(struct sim *s, const struct signed_act *a,
    enum lie lie, uint8_t out[HF_RECEIPT_MAX])
{
	struct node *n = lie_node(s);
	struct hf_ledger_leaf leaf = {.type = HF_ENTRY_OWN,
	    .epoch = n->epoch,
	    .entered = s->f->now,
	    .bound_ms = 5};
	uint8_t bytes[512];
	struct hf_hash root;
	struct hf_act act;
	char note[HF_NOTE_MAX];
	size_t size, note_size, receipt_size = 0;

	if (hf_act_decode(&act, a->frame, a->size) != HF_OK)
		return 0; /* the act will not get that far */
	leaf.id = act.id;
	leaf.core = act.digest;
	leaf.envelope = hf_hash(
	    HF_TAG_ENVELOPE, act.envelope_bytes.data, act.envelope_bytes.size);
	leaf.sigs =
	    hf_hash(HF_TAG_SIGS, act.sigs_bytes.data, act.sigs_bytes.size);
	if (lie == LIE_OTHER_ACT)
		leaf.id.b[7] ^= 1;
	if (lie == LIE_EPOCH)
		leaf.epoch = 7;
	if (lie == LIE_TIME)
		leaf.entered.ms += UINT64_C(86400000) * 400;
	if (lie == LIE_TYPE)
		leaf.type = HF_ENTRY_RECALLED;
	if (hf_ledger_leaf_encode(&leaf, bytes, sizeof(bytes), &size) != HF_OK)
		return 0;
	root = hf_merkle_leaf(bytes, size);
	note_size = node_note(
	    lie == LIE_KEY ? &s->f->nodes[LIAR + 1] : n, 1, &root, note);
	if (lie == LIE_SIGNATURE)
		note[note_size - 12] = note[note_size - 12] == 'A' ? 'B' : 'A';
	if (hf_receipt_encode(bytes_of(bytes, size), 0, NULL, 0,
		bytes_of(note, note_size), out, HF_RECEIPT_MAX,
		&receipt_size) != HF_OK)
		return 0;
	return receipt_size;
}

void lie_act(
    struct sim *s, unsigned to, const struct signed_act *a, enum lie lie)
{
	static uint8_t frame[HF_FRAME_MAX];
	uint8_t receipt[HF_RECEIPT_MAX];
	size_t size = make_receipt(s, a, lie, receipt);
	struct pack p;

	lie_begin(&p, frame, HF_LINK_BATCH, 3);
	pack_uint(&p, 100000 + lie_below(s, 1000));
	pack_array(&p, 1);
	pack_array(&p, 2);
	pack_bin(&p, a->frame, a->size);
	pack_bin(&p, receipt, size);
	lie_send(s, to, &p, frame);
}

/* A request by an officer of its own, good so far. */
void lie_request_of(struct sim *s, unsigned to, struct draft *d)
{
	draft_open(d, s->f, lie_node(s)->officers[NCP].desk.s, HF_KIND_REQUEST,
	    s->f->nodes[to].officers[NCP].desk.s);
	d->leaf_count = 1;
	d->text = SIM_CANARY;
}

void lie_sign(struct sim *s, unsigned to, struct draft *d, enum lie lie)
{
	static struct signed_act a;

	d->bad_form = true;
	draft_sign(d, &a);
	lie_act(s, to, &a, lie);
}

/* A case of the two; false: there is none. */
static struct sim_case *lie_common(struct sim *s, unsigned to)
{
	for (unsigned tries = 0; tries < 8 && s->case_count > 0; tries++) {
		struct sim_case *c = &s->cases[lie_below(s, s->case_count)];

		if ((c->asking == LIAR && c->asked == to) ||
		    (c->asked == LIAR && c->asking == to))
			return c;
	}
	return NULL;
}

/* A note in a case of theirs, good so far. */
bool lie_note(struct sim *s, unsigned to, struct draft *d)
{
	struct sim_case *k = lie_common(s, to);
	struct case_record c;
	unsigned track;

	if (k == NULL || node_case_err(lie_node(s), &k->id, &c) != HF_OK ||
	    c.kind == 0 || c.erased)
		return false;
	track = k->asking == LIAR ? HF_TRACK_ASKING : HF_TRACK_ASKED;
	draft_next(d, s->f, track == HF_TRACK_ASKING ? c.from.s : c.to.s,
	    HF_KIND_NOTE, track, &k->id, NULL);
	return true;
}
