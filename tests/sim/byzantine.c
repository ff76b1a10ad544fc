/*
 * byzantine: a broker whose keys are good and whose intentions are not.  It
 * runs a real engine, so that its lies stand among true things; a behaviour
 * bends what it sends for some time, or makes something up.
 */
#include "tests/sim/lies.h"

#include "broker/engine/intake.h"

#include <stdlib.h>
#include <string.h>

static unsigned type_of(const struct sim_frame *f)
{
	return f->size > 1 ? f->bytes[1] : 0;
}

/* ---- behaviours ---- */

static void wrong_id(struct sim *s, unsigned to)
{
	static struct signed_act a;
	struct draft d;

	lie_request_of(s, to, &d);
	draft_sign(&d, &a);
	a.frame[20] ^= 1;
	lie_act(s, to, &a, LIE_NONE);
}

static void lie_request(struct sim *s, unsigned to, enum lie lie)
{
	struct draft d;

	lie_request_of(s, to, &d);
	lie_sign(s, to, &d, lie);
}

static void old_epoch(struct sim *s, unsigned to)
{
	lie_request(s, to, LIE_EPOCH);
}

static void forged_receipt(struct sim *s, unsigned to)
{
	lie_request(s, to, LIE_SIGNATURE);
}

static void receipt_of_another_act(struct sim *s, unsigned to)
{
	lie_request(s, to, LIE_OTHER_ACT);
}

static void receipt_of_another_ledger(struct sim *s, unsigned to)
{
	lie_request(s, to, LIE_KEY);
}

static void receipt_from_the_future(struct sim *s, unsigned to)
{
	lie_request(s, to, LIE_TIME);
}

static void receipt_of_a_recall(struct sim *s, unsigned to)
{
	lie_request(s, to, LIE_TYPE);
}

static void not_in_its_ledger(struct sim *s, unsigned to)
{
	lie_request(s, to, LIE_NONE);
}

static void equivocation(struct sim *s, unsigned to)
{
	struct draft d;

	for (unsigned i = 0; i < 2; i++)
		if (lie_note(s, to, &d))
			lie_sign(s, to, &d, LIE_NONE);
}

static void time_lies(struct sim *s, unsigned to)
{
	struct draft d;

	lie_request_of(s, to, &d);
	d.created.ms = lie_below(s, 2) == 0 ? 1000 : d.created.ms * 2;
	lie_sign(s, to, &d, LIE_NONE);
}

static void act_of_another_desk(struct sim *s, unsigned to)
{
	struct draft d;

	lie_request_of(s, to, &d);
	desk_set(&d.env.from, s->f->nodes[to].officers[NCP].desk.s);
	lie_sign(s, to, &d, LIE_NONE);
}

static void act_of_a_third_country(struct sim *s, unsigned to)
{
	struct draft d;

	lie_request_of(s, to, &d);
	desk_set(&d.env.from, "se.ncp");
	lie_sign(s, to, &d, LIE_NONE);
}

static void addressed_elsewhere(struct sim *s, unsigned to)
{
	struct draft d;
	unsigned other = (to + 1) % s->count;

	lie_request_of(s, to, &d);
	desk_set(&d.env.to, s->f->nodes[other].officers[NCP].desk.s);
	lie_sign(s, to, &d, LIE_NONE);
}

static void wrong_role(struct sim *s, unsigned to)
{
	struct draft d;

	lie_request_of(s, to, &d);
	d.author = &lie_node(s)->officers[lie_below(s, 2) == 0 ? AUD : OPS];
	lie_sign(s, to, &d, LIE_NONE);
}

static void unknown_key(struct sim *s, unsigned to)
{
	static struct officer nobody;
	struct draft d;

	lie_request_of(s, to, &d);
	nobody = *d.author;
	if (nobody.secret == lie_node(s)->officers[NCP].secret)
		nobody.secret = secret_new(SECRET_OFFICER);
	nobody.sign = secret_sign_key(nobody.secret);
	d.author = &nobody;
	lie_sign(s, to, &d, LIE_NONE);
}

static void revoked_key(struct sim *s, unsigned to)
{
	static struct officer old;
	struct draft d;

	for (unsigned i = 0; i < s->key_count; i++)
		if (s->keys[i].node == LIAR && s->keys[i].revoked_ms != 0) {
			lie_request_of(s, to, &d);
			old = *d.author;
			old.secret = s->keys[i].secret;
			old.sign = s->keys[i].sign;
			d.author = &old;
			lie_sign(s, to, &d, LIE_NONE);
			return;
		}
}

static void bad_signature(struct sim *s, unsigned to)
{
	struct draft d;

	lie_request_of(s, to, &d);
	d.break_signature = true;
	lie_sign(s, to, &d, LIE_NONE);
}

static void wrong_leaf(struct sim *s, unsigned to)
{
	static struct signed_act a;
	struct draft d;

	lie_request_of(s, to, &d);
	draft_sign(&d, &a);
	a.frame[a.size - 9] ^= 4; /* of the sealed body */
	lie_act(s, to, &a, LIE_NONE);
}

static void gen_gap(struct sim *s, unsigned to)
{
	struct draft d;

	if (!lie_note(s, to, &d))
		return;
	d.env.gen += 3;
	chance_fill(&s->step, d.env.prev.b, sizeof(d.env.prev.b));
	draft_has(&d, HF_E_PREV);
	lie_sign(s, to, &d, LIE_NONE);
}

static void gen_reuse(struct sim *s, unsigned to)
{
	struct draft d;

	if (!lie_note(s, to, &d) || d.env.gen < 2)
		return;
	d.env.gen--;
	lie_sign(s, to, &d, LIE_NONE);
}

static void wrong_prev(struct sim *s, unsigned to)
{
	struct draft d;

	if (!lie_note(s, to, &d) || d.env.gen < 2)
		return;
	d.env.prev.b[0] ^= 1;
	lie_sign(s, to, &d, LIE_NONE);
}

static void wrong_seen(struct sim *s, unsigned to)
{
	struct draft d;

	if (!lie_note(s, to, &d))
		return;
	d.env.seen_gen += 2;
	d.env.seen.b[0] ^= 1;
	draft_has(&d, HF_E_SEEN);
	lie_sign(s, to, &d, LIE_NONE);
}

static void unknown_kind(struct sim *s, unsigned to)
{
	struct draft d;

	if (!lie_note(s, to, &d))
		return;
	d.kind = 99;
	lie_sign(s, to, &d, LIE_NONE);
}

static void machine_kind(struct sim *s, unsigned to)
{
	struct draft d;

	if (!lie_note(s, to, &d))
		return;
	d.kind = HF_KIND_EXPIRE;
	lie_sign(s, to, &d, LIE_NONE);
}

static void unknown_case(struct sim *s, unsigned to)
{
	struct draft d;

	if (!lie_note(s, to, &d))
		return;
	chance_fill(&s->step, d.env.case_id.b, sizeof(d.env.case_id.b));
	lie_sign(s, to, &d, LIE_NONE);
}

static void re_unknown(struct sim *s, unsigned to)
{
	struct draft d;

	if (!lie_note(s, to, &d))
		return;
	chance_fill(&s->step, d.env.re.b, sizeof(d.env.re.b));
	draft_has(&d, HF_E_RE);
	lie_sign(s, to, &d, LIE_NONE);
}

static void oversize(struct sim *s, unsigned to)
{
	static uint8_t frame[HF_FRAME_MAX + 4096];

	memset(frame, 0x93, sizeof(frame));
	sim_inject(s, LIAR, to, frame, sizeof(frame));
}

static void garbage(struct sim *s, unsigned to)
{
	uint8_t frame[700];
	size_t size = 1 + lie_below(s, sizeof(frame) - 1);

	chance_fill(&s->step, frame, size);
	if (lie_below(s, 2) == 0) { /* like a frame of some type */
		frame[0] = (uint8_t)(0x91 + lie_below(s, 5));
		frame[1] = (uint8_t)lie_below(s, HF_LINK_LAST + 2);
	}
	sim_inject(s, LIAR, to, frame, size);
}

static struct sim_frame *captured(struct sim *s)
{
	return s->captured_count > 0
		   ? &s->captured[lie_below(s, s->captured_count)]
		   : NULL;
}

static void truncated(struct sim *s, unsigned to)
{
	struct sim_frame *f = captured(s);

	if (f != NULL && f->size > 1)
		sim_inject(s, LIAR, to, f->bytes, lie_below(s, f->size));
}

static void replay(struct sim *s, unsigned to)
{
	struct sim_frame *f = captured(s);

	if (f != NULL)
		sim_inject(s, LIAR, to, f->bytes, f->size);
}

static void bit_flip(struct sim *s, unsigned to)
{
	struct sim_frame *f = captured(s);
	static uint8_t frame[HF_FRAME_MAX];

	if (f == NULL || f->size > sizeof(frame))
		return;
	memcpy(frame, f->bytes, f->size);
	frame[lie_below(s, f->size)] ^= (uint8_t)(1u << lie_below(s, 8));
	sim_inject(s, LIAR, to, frame, f->size);
}

static void flood(struct sim *s, unsigned to)
{
	uint8_t frame[32];
	struct pack p;

	for (unsigned i = 0; i < 100; i++) {
		lie_begin(&p, frame, HF_LINK_PING, 2);
		pack_uint(&p, i);
		lie_send(s, to, &p, frame);
		replay(s, to);
	}
}

static void send_head(struct sim *s, unsigned to, uint64_t size,
    const struct hf_hash *root, uint64_t old)
{
	static uint8_t frame[HF_FRAME_MAX];
	char text[HF_NOTE_MAX];
	size_t note_size = node_note(lie_node(s), size, root, text);
	struct pack p;

	lie_begin(&p, frame, HF_LINK_HEAD, 4);
	pack_str(&p, text, note_size);
	pack_uint(&p, old);
	pack_bin(&p, NULL, 0);
	lie_send(s, to, &p, frame);
}

static void fork_head(struct sim *s, unsigned to)
{
	struct hf_hash root = lie_node(s)->root_hash;

	root.b[1] ^= 1;
	send_head(s, to, lie_node(s)->size, &root, 0);
}

static void rollback_head(struct sim *s, unsigned to)
{
	struct sim_node *sn = &s->nodes[LIAR];

	if (sn->seen > 1)
		send_head(s, to, 1, &sn->hashes[0], 0);
}

static void head_without_proof(struct sim *s, unsigned to)
{
	struct hf_hash root = lie_node(s)->root_hash;

	root.b[2] ^= 1;
	send_head(s, to, lie_node(s)->size + 50, &root, lie_node(s)->size);
}

static void bad_cosignature(struct sim *s, unsigned to)
{
	static uint8_t frame[HF_FRAME_MAX];
	static const char line[] =
	    "\xe2\x80\x94 witness AAAAAAAAAAAAAAAAAAAA\n";
	struct pack p;

	lie_begin(&p, frame, HF_LINK_COSIGNED, 3);
	pack_uint(&p, s->f->nodes[to].size + lie_below(s, 2) * 1000);
	pack_str(&p, line, sizeof(line) - 1);
	lie_send(s, to, &p, frame);
}

static void old_document(struct sim *s, unsigned to)
{
	static uint8_t frame[HF_FRAME_MAX];
	const struct country_doc *doc = s->f->nodes[to].doc;
	struct pack p;

	lie_begin(&p, frame, HF_LINK_DOCUMENT, 4);
	pack_uint(&p, 0);
	pack_uint(&p, 1);
	pack_bin(&p, doc->bytes, doc->size < 30000 ? doc->size : 30000);
	lie_send(s, to, &p, frame);
	replay(s, to); /* perhaps an older one of its own */
}

static void ack_of_nothing(struct sim *s, unsigned to)
{
	uint8_t frame[128];
	struct pack p;

	lie_begin(&p, frame, HF_LINK_ACK, 3);
	pack_uint(&p, UINT64_MAX);
	pack_array(&p, 2);
	for (unsigned i = 0; i < 2; i++) {
		pack_array(&p, 2);
		pack_uint(&p, i == 0 ? 1 + lie_below(s, 40) : UINT64_MAX);
		pack_uint(&p, i == 0 ? 1 : 4001);
	}
	lie_send(s, to, &p, frame);
}

static void another_country(struct sim *s, unsigned to)
{
	uint8_t frame[128], nonce[16] = {1};
	struct pack p;

	lie_begin(&p, frame, HF_LINK_HELLO, 6);
	pack_uint(&p, lie_below(s, 3));
	pack_uint(&p, lie_below(s, 3));
	pack_text(&p, lie_below(s, 2) == 0 ? "XX" : s->f->nodes[to].country.s);
	pack_uint(&p, UINT64_MAX);
	pack_bin(&p, nonce, sizeof(nonce));
	lie_send(s, to, &p, frame);
}

static void fetch_of_others(struct sim *s, unsigned to)
{
	uint8_t frame[128];
	struct pack p;

	lie_begin(&p, frame, HF_LINK_FETCH, 5);
	pack_bin(&p,
	    s->case_count > 0 ? s->cases[lie_below(s, s->case_count)].id.b
			      : lie_node(s)->root_hash.b,
	    HF_ID_SIZE);
	pack_uint(&p, lie_below(s, 2));
	pack_uint(&p, 1);
	pack_uint(&p, 1 + lie_below(s, 2000));
	lie_send(s, to, &p, frame);
}

static void busy_for_ever(struct sim *s, unsigned to)
{
	uint8_t frame[32];
	struct pack p;

	lie_begin(&p, frame, HF_LINK_BUSY, 2);
	pack_uint(&p, lie_below(s, 2) == 0 ? 30000 : UINT64_MAX);
	lie_send(s, to, &p, frame);
}

/* ---- what it bends on its way out ---- */

enum { BEND_ACKS = 1, BEND_RECEIPTS, BEND_SLOW, BEND_SHUFFLE, BEND_FLIP };

static const struct {
	const char *name;
	void (*make)(struct sim *s, unsigned to);
	unsigned bend;
} behaviours[] = {
    {"none", NULL, 0},
    {"wrong-id", wrong_id, 0},
    {"old-epoch", old_epoch, 0},
    {"equivocation", equivocation, 0},
    {"withheld-receipts", NULL, BEND_RECEIPTS},
    {"never-acknowledges", NULL, BEND_ACKS},
    {"replay", replay, 0},
    {"reorder", NULL, BEND_SHUFFLE},
    {"slow", NULL, BEND_SLOW},
    {"flips-bits", NULL, BEND_FLIP},
    {"oversize", oversize, 0},
    {"garbage", garbage, 0},
    {"truncated", truncated, 0},
    {"bit-flip", bit_flip, 0},
    {"flood", flood, 0},
    {"time-lies", time_lies, 0},
    {"bad-cosignature", bad_cosignature, 0},
    {"fork", fork_head, 0},
    {"rollback", rollback_head, 0},
    {"head-without-proof", head_without_proof, 0},
    {"act-of-another-desk", act_of_another_desk, 0},
    {"act-of-a-third-country", act_of_a_third_country, 0},
    {"addressed-elsewhere", addressed_elsewhere, 0},
    {"wrong-role", wrong_role, 0},
    {"unknown-key", unknown_key, 0},
    {"revoked-key", revoked_key, 0},
    {"bad-signature", bad_signature, 0},
    {"wrong-leaf", wrong_leaf, 0},
    {"forged-receipt", forged_receipt, 0},
    {"receipt-of-another-act", receipt_of_another_act, 0},
    {"receipt-of-another-ledger", receipt_of_another_ledger, 0},
    {"receipt-from-the-future", receipt_from_the_future, 0},
    {"receipt-of-a-recall", receipt_of_a_recall, 0},
    {"not-in-its-ledger", not_in_its_ledger, 0},
    {"gen-gap", gen_gap, 0},
    {"gen-reuse", gen_reuse, 0},
    {"wrong-prev", wrong_prev, 0},
    {"wrong-seen", wrong_seen, 0},
    {"unknown-kind", unknown_kind, 0},
    {"machine-kind", machine_kind, 0},
    {"unknown-case", unknown_case, 0},
    {"re-unknown", re_unknown, 0},
    {"old-document", old_document, 0},
    {"ack-of-nothing", ack_of_nothing, 0},
    {"another-country", another_country, 0},
    {"fetch-of-others", fetch_of_others, 0},
    {"busy-for-ever", busy_for_ever, 0},
};
#define COUNT (sizeof(behaviours) / sizeof(behaviours[0]))
_Static_assert(COUNT <= SIM_BEHAVIOURS, "room for their counts");

const char *sim_behaviour_name(unsigned i)
{
	return behaviours[i].name;
}

unsigned sim_behaviour_count(void)
{
	return COUNT;
}

static void capture(struct sim *s, const struct sim_frame *frame)
{
	unsigned i = s->captured_count < SIM_CAPTURED
			 ? s->captured_count++
			 : (unsigned)chance_below(&s->net, SIM_CAPTURED);

	free(s->captured[i].bytes);
	s->captured[i] = *frame;
	s->captured[i].bytes = malloc(frame->size + 1);
	memcpy(s->captured[i].bytes, frame->bytes, frame->size);
}

bool sim_bend(struct sim *s, struct sim_frame *frame)
{
	capture(s, frame);
	if (s->f->now.ms >= s->behaviour_until)
		return true;
	switch (behaviours[s->behaviour].bend) {
	case BEND_ACKS:
		return type_of(frame) != HF_LINK_ACK;
	case BEND_RECEIPTS: /* the codes without what belongs to them */
		if (type_of(frame) == HF_LINK_ACK && frame->size > 60)
			frame->size -= 60;
		return true;
	case BEND_SLOW:
		s->links[frame->from][frame->to].clogged_until =
		    s->f->now.ms + 20000;
		return true;
	case BEND_SHUFFLE:
		return chance_below(&s->net, 2) == 0;
	case BEND_FLIP:
		if (frame->size > 0)
			frame->bytes[chance_below(&s->net, frame->size)] ^= 8;
		return true;
	default:
		return true;
	}
}

void sim_byzantine(struct sim *s)
{
	unsigned i = 1 + (unsigned)lie_below(s, COUNT - 1);
	unsigned to = 1 + (unsigned)lie_below(s, s->count - 1);

	s->r->behaviours[i]++;
	sim_note("%s: %s towards %s", lie_node(s)->country.s,
	    behaviours[i].name, s->f->nodes[to].country.s);
	if (behaviours[i].make != NULL) {
		behaviours[i].make(s, to);
		return;
	}
	s->behaviour = i;
	s->behaviour_until = s->f->now.ms + 5000 + lie_below(s, 60000);
}
