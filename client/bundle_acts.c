/*
 * bundle_acts: the acts of a bundle, what is shown of their leaves, and the
 * receipts that prove when they entered; then the life cycle over them.
 *
 * An act is judged by the documents in the bundle, at the time of entry that
 * its own broker's receipt tells.
 */
#include "client/bundle.h"

#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CITE_DEPTH 3u
#define FRAME_MAX (HF_CORE_MAX + HF_ENVELOPE_MAX + HF_SIGS_MAX + 16u)

static void finds(struct bundle *b, enum bundle_kind kind, const char *member,
    enum hf_err err)
{
	bundle_finds(b, kind, false, err, member, "%s", hf_err_text(err));
}

/* ---- acts ---- */

/* [core, envelope, signatures], as an act with an empty body. */
static enum hf_err decode_act(struct view_act *a, struct hf_bytes content)
{
	struct hf_bytes core, envelope, sigs, none = {NULL, 0};
	struct wire w;
	size_t size;
	enum hf_err err;

	wire_init(&w, content.data, content.size);
	wire_array(&w, 3, 3);
	core = wire_bin(&w, 1, HF_CORE_MAX);
	envelope = wire_bin(&w, 1, HF_ENVELOPE_MAX);
	sigs = wire_skip(&w);
	wire_close(&w);
	err = wire_finish(&w);
	if (err != HF_OK)
		return err;
	a->frame = malloc(FRAME_MAX);
	if (a->frame == NULL)
		return HF_NOMEM;
	err = hf_act_encode(
	    core, envelope, sigs, none, a->frame, FRAME_MAX, &size);
	return err == HF_OK ? hf_act_decode(&a->act, a->frame, size) : err;
}

static struct view_act *act_at(
    const struct bundle *b, unsigned track, uint32_t gen)
{
	return gen == 0 || gen > b->view->count[track]
		   ? NULL
		   : &b->view->acts[track][gen - 1];
}

/* One that must be there. */
static struct view_act *act_of(
    const struct bundle *b, unsigned track, uint32_t gen)
{
	assert(gen != 0 && gen <= b->view->count[track]);
	return &b->view->acts[track][gen - 1];
}

/* Its name says its place, and its case and desks are the opening's. */
static bool in_place(
    const struct bundle *b, const struct view_act *a, unsigned t, uint32_t gen)
{
	const struct hf_envelope *e = &a->act.envelope;
	const struct view_act *opening = act_at(b, 0, 1);
	const struct hf_desk *from, *to;

	if (e->track != t || e->gen != gen)
		return false;
	if (opening == NULL || opening == a)
		return t == 0 && !HF_HAS(e, HF_E_CASE);
	from = &opening->act.envelope.from;
	to = &opening->act.envelope.to;
	return memcmp(&e->case_id, &opening->act.id, HF_ID_SIZE) == 0 &&
	       strcmp(e->from.s, t == 0 ? from->s : to->s) == 0 &&
	       strcmp(e->to.s, t == 0 ? to->s : from->s) == 0;
}

static enum hf_err add_act(struct bundle *b, unsigned t)
{
	struct view *v = b->view;
	unsigned n = v->count[t] + 1u;
	struct view_act *acts = realloc(v->acts[t], n * sizeof(*acts));
	struct bundle_act *more;

	if (acts == NULL)
		return HF_NOMEM;
	v->acts[t] = acts;
	more = realloc(b->more[t], n * sizeof(*more));
	if (more == NULL)
		return HF_NOMEM;
	b->more[t] = more;
	memset(&acts[n - 1], 0, sizeof(*acts));
	memset(&more[n - 1], 0, sizeof(*more));
	v->count[t] = n;
	return HF_OK;
}

/* Acts of a track up to the first that is not there or cannot be read. */
static enum hf_err read_track(struct bundle *b, unsigned t)
{
	enum hf_err err = HF_OK;

	for (uint32_t gen = 1; gen <= HF_TRACK_ACTS_MAX; gen++) {
		char name[TAR_NAME_MAX + 1];
		struct tar_member *m;
		struct view_act *a;

		bundle_name(name, "acts", t, gen, NULL);
		m = tar_find(&b->tar, name);
		if (m == NULL)
			return HF_OK;
		m->used = true;
		b->checked[BUNDLE_ACTS]++;
		err = add_act(b, t);
		if (err != HF_OK)
			return err;
		a = act_of(b, t, gen);
		err = decode_act(a, m->content);
		if (err == HF_OK && !in_place(b, a, t, gen))
			err = HF_CHAIN;
		if (err == HF_OK)
			continue;
		finds(b, BUNDLE_ACTS, name, err);
		free(a->frame);
		b->view->count[t]--;
		return err == HF_NOMEM ? err : HF_OK;
	}
	return HF_OK;
}

/* What an act names of its past is what stands there. */
static void check_past(struct bundle *b, unsigned t, uint32_t gen)
{
	const struct hf_envelope *e = &act_of(b, t, gen)->act.envelope;
	const struct view_act *prev = act_at(b, t, gen - 1);
	const struct view_act *seen = act_at(b, 1 - t, e->seen_gen);
	char name[TAR_NAME_MAX + 1];

	bundle_name(name, "acts", t, gen, NULL);
	if (prev != NULL &&
	    memcmp(&e->prev, &prev->act.digest, sizeof(e->prev)) != 0)
		bundle_finds(b, BUNDLE_ACTS, false, HF_CHAIN, name,
		    "does not continue acts/%u-%u", t, gen - 1);
	if (e->seen_gen > 0 && seen == NULL)
		bundle_finds(b, BUNDLE_ACTS, false, HF_PAST_MISSING, name,
		    "has seen acts/%u-%u, which is not here", 1 - t,
		    e->seen_gen);
	else if (seen != NULL &&
		 memcmp(&e->seen, &seen->act.digest, sizeof(e->seen)) != 0)
		bundle_finds(b, BUNDLE_ACTS, false, HF_CHAIN, name,
		    "has seen another act than acts/%u-%u", 1 - t, e->seen_gen);
}

/* ---- receipts ---- */

static enum hf_err open_receipt(struct bundle *b, const struct view_act *a,
    struct bundle_receipt *r, struct hf_bytes content)
{
	struct hf_country own = hf_desk_country(&a->act.envelope.from);
	bool home = strcmp(own.s, r->by.s) == 0;
	const struct broker_entry *broker;
	char origin[HF_ORIGIN_MAX];
	struct hf_country named;
	uint64_t size;
	enum hf_err err = hf_receipt_decode(&r->r, content.data, content.size);

	if (err != HF_OK)
		return err;
	err = hf_note_origin(r->r.note, &named, &r->epoch);
	if (err == HF_OK && r->epoch < r->r.leaf.epoch)
		err = HF_CHECKPOINT;
	if (err != HF_OK)
		return err;
	broker = bundle_broker(b, r->by, r->epoch);
	if (broker == NULL)
		return HF_UNKNOWN_COUNTRY;
	hf_origin(origin, r->by, r->epoch);
	err = hf_receipt_verify(&r->r, origin, &broker->ledger, &size);
	if (err == HF_OK)
		err = hf_receipt_is_for(&r->r, &a->act);
	if (err == HF_OK && !(home ? r->r.leaf.type == HF_ENTRY_OWN ||
					 r->r.leaf.type == HF_ENTRY_MACHINE
				   : r->r.leaf.type == HF_ENTRY_FOREIGN))
		err = HF_RECEIPT;
	if (err == HF_OK)
		r->size = size;
	return err;
}

/* The proof file says what the receipt says, in the form of C2SP. */
static void check_proof(
    struct bundle *b, const struct bundle_receipt *r, unsigned t, uint32_t gen)
{
	char name[TAR_NAME_MAX + 1], text[HF_PROOF_TEXT_MAX];
	struct tar_member *m;
	size_t size;

	bundle_name(name, "proofs", t, gen, &r->by);
	m = tar_find(&b->tar, name);
	if (m == NULL) {
		bundle_finds(b, BUNDLE_RECEIPTS, false, HF_NOTFOUND, name,
		    "the member is missing");
		return;
	}
	m->used = true;
	b->proofs++;
	if (hf_receipt_proof(&r->r, text, sizeof(text), &size) != HF_OK ||
	    size != m->content.size || memcmp(text, m->content.data, size) != 0)
		bundle_finds(b, BUNDLE_RECEIPTS, false, HF_PROOF, name,
		    "is not the proof of its receipt");
}

static struct bundle_head head_of(const struct bundle_receipt *r)
{
	return (struct bundle_head){r->by, r->epoch, r->size, r->r.note};
}

/* Two heads of one ledger and size with different roots: proof of a fork. */
static bool is_fork(const struct bundle_head *x, const struct bundle_head *y)
{
	size_t n = x->note.size < y->note.size ? x->note.size : y->note.size;

	if (x->size == 0 || x->size != y->size || x->epoch != y->epoch ||
	    strcmp(x->by.s, y->by.s) != 0)
		return false;
	/* origin, size and root are the first three lines of either */
	for (size_t i = 0, lines = 0; i < n && lines < 3; i++) {
		if (x->note.data[i] != y->note.data[i])
			return true;
		lines += x->note.data[i] == '\n';
	}
	return false;
}

static bool forks_with_any(const struct bundle *b, const struct bundle_head *h)
{
	for (unsigned t = 0; t < 2; t++)
		for (unsigned i = 0; i < b->view->count[t]; i++)
			for (unsigned k = 0; k < b->more[t][i].receipt_count;
			     k++) {
				struct bundle_head other =
				    head_of(&b->more[t][i].receipts[k]);

				if (is_fork(h, &other))
					return true;
			}
	return false;
}

/* With every receipt read so far: two thousand at most. */
static void compare_heads(
    struct bundle *b, const struct bundle_head *h, const char *name)
{
	if (forks_with_any(b, h))
		bundle_finds(b, BUNDLE_RECEIPTS, false, HF_CHECKPOINT, name,
		    "the broker of %s signed two trees of one size", h->by.s);
}

static void read_receipt(
    struct bundle *b, unsigned t, uint32_t gen, struct hf_country by)
{
	struct bundle_act *more = &b->more[t][gen - 1];
	struct view_act *a = act_of(b, t, gen);
	struct hf_country own = hf_desk_country(&a->act.envelope.from);
	struct bundle_receipt *r = &more->receipts[more->receipt_count];
	char name[TAR_NAME_MAX + 1];
	struct bundle_head head;
	struct tar_member *m;
	enum hf_err err;

	bundle_name(name, "receipts", t, gen, &by);
	m = tar_find(&b->tar, name);
	if (m == NULL) {
		bundle_finds(b, BUNDLE_RECEIPTS, true, HF_NOTFOUND, name,
		    "no receipt of %s for acts/%u-%u: not proven that it %s "
		    "there",
		    by.s, t, gen,
		    strcmp(by.s, own.s) == 0 ? "entered" : "arrived");
		return;
	}
	m->used = true;
	b->checked[BUNDLE_RECEIPTS]++;
	more->receipt_count++;
	r->by = by;
	err = open_receipt(b, a, r, m->content);
	if (err != HF_OK)
		finds(b, BUNDLE_RECEIPTS, name, err);
	else
		bundle_cosigned(b, r->r.note, r->r.leaf.entered, name);
	if (r->r.leaf_bytes.size > 0)
		check_proof(b, r, t, gen);
	head = head_of(r);
	compare_heads(b, &head, name);
	if (strcmp(by.s, own.s) != 0)
		return;
	a->trust = err == HF_OK ? TRUST_OK : TRUST_BAD_RECEIPT;
	if (err == HF_OK) {
		a->entered = r->r.leaf.entered;
		a->index = r->r.index;
	}
}

/* ---- signers ---- */

static enum hf_err stands(struct bundle *b, const struct view_act *a,
    const struct hf_key *key, bool author)
{
	struct hf_country c = hf_desk_country(&a->act.envelope.from);
	struct instant at =
	    a->entered.ms != 0 ? a->entered : a->act.core.created;
	const struct officer_entry *o = bundle_officer(b, c, key);
	const struct revocation_entry *gone = bundle_revocation(b, c, key);

	if (o == NULL)
		return HF_UNKNOWN_OFFICER;
	if (author && strcmp(o->desk.s, a->act.envelope.from.s) != 0)
		return HF_WRONG_DESK;
	if (gone != NULL && at.ms >= gone->revoked.ms)
		return HF_REVOKED;
	if (at.ms < o->valid_from.ms || at.ms >= o->valid_until.ms)
		return HF_EXPIRED_KEY;
	return HF_OK;
}

/* A machine act has its broker's receipt for a signature. */
static enum hf_err check_machine(
    struct bundle *b, const struct view_act *a, const struct bundle_act *more)
{
	for (unsigned i = 0; i < more->receipt_count; i++) {
		const struct bundle_receipt *r = &more->receipts[i];
		const struct broker_entry *broker =
		    bundle_broker(b, r->by, r->r.leaf.epoch);

		if (r->size != 0 && r->r.leaf.type == HF_ENTRY_MACHINE &&
		    broker != NULL &&
		    memcmp(&broker->ledger, &a->act.core.author, HF_KEY_SIZE) ==
			0)
			return HF_OK;
	}
	return HF_SIGNATURE;
}

static enum hf_err check_signers(
    struct bundle *b, struct view_act *a, const struct bundle_act *more)
{
	struct hf_country c = hf_desk_country(&a->act.envelope.from);
	enum hf_err err;

	if (a->act.signature_count == 0)
		return check_machine(b, a, more);
	err = hf_act_verify(&a->act);
	if (err != HF_OK) {
		a->trust = TRUST_BAD_SIGNATURE;
		return err;
	}
	a->author = bundle_officer(b, c, &a->act.core.author);
	for (unsigned i = 0; i < a->act.signature_count && err == HF_OK; i++)
		err = stands(b, a, &a->act.signatures[i].key, i == 0);
	if (err != HF_OK && a->trust == TRUST_OK)
		a->trust = TRUST_UNKNOWN_KEY;
	return err;
}

/* A country publishes a document after it is issued, so its broker may have
 * let in an officer who was left out already: this is said, not judged. */
static void note_left_out(
    struct bundle *b, const struct view_act *a, const char *name)
{
	struct hf_country c = hf_desk_country(&a->act.envelope.from);

	for (unsigned i = 0; i < a->act.signature_count; i++) {
		const struct bundle_doc *d = bundle_leaves_out(
		    b, c, &a->act.signatures[i].key, a->entered);

		if (d == NULL)
			continue;
		bundle_finds(b, BUNDLE_ACTS, true, HF_UNKNOWN_OFFICER, name,
		    "who signed it is not shown to stand in "
		    "documents/%s.%u, issued before it entered",
		    c.s, d->version);
		return;
	}
}

static void check_act(struct bundle *b, unsigned t, uint32_t gen)
{
	struct view_act *a = act_of(b, t, gen);
	struct hf_country from = hf_desk_country(&a->act.envelope.from);
	struct hf_country to = hf_desk_country(&a->act.envelope.to);
	const struct revocation_entry *gone;
	char name[TAR_NAME_MAX + 1];
	enum hf_err err;

	bundle_name(name, "acts", t, gen, NULL);
	a->trust = TRUST_NO_RECEIPT;
	read_receipt(b, t, gen, from);
	if (strcmp(from.s, to.s) != 0)
		read_receipt(b, t, gen, to);
	check_past(b, t, gen);
	err = check_signers(b, a, &b->more[t][gen - 1]);
	if (err != HF_OK)
		finds(b, BUNDLE_ACTS, name, err);
	else
		note_left_out(b, a, name);
	gone = bundle_revocation(b, from, &a->act.core.author);
	if (err != HF_OK || gone == NULL || a->entered.ms < gone->since.ms)
		return;
	a->trust = TRUST_DISPUTED;
	bundle_finds(b, BUNDLE_ACTS, true, HF_REVOKED, name,
	    "disputed: its key was reported compromised from before its entry");
}

/* ---- leaves ---- */

static void count_cite(
    struct bundle *b, const struct hf_cite *c, unsigned depth)
{
	b->fields_shown += c->shown_count;
	b->fields_withheld += c->count - c->shown_count;
	for (unsigned i = 0; i < c->shown_count && depth > 0; i++) {
		struct hf_cite *inner;

		if (c->shown[i].field != HF_F_CITE)
			continue;
		if (view_cite(&inner, &c->shown[i]) == HF_OK)
			count_cite(b, inner, depth - 1);
		free(inner);
	}
}

/* The root of no leaves is the same for all: there is nothing to show. */
static bool has_leaves(const struct view_act *a)
{
	struct hf_leaves *none = out_must(calloc(1, sizeof(*none)));
	struct hf_hash root = hf_leaves_root(none);

	free(none);
	return memcmp(&root, &a->act.core.root, sizeof(root)) != 0;
}

static void read_leaves(struct bundle *b, unsigned t, uint32_t gen)
{
	struct bundle_act *more = &b->more[t][gen - 1];
	struct view_act *a = act_of(b, t, gen);
	char name[TAR_NAME_MAX + 1];
	struct tar_member *m;
	enum hf_err err;

	bundle_name(name, "leaves", t, gen, NULL);
	m = tar_find(&b->tar, name);
	a->open_err = HF_NOTFOUND;
	a->opened = !has_leaves(a);
	if (m == NULL)
		return;
	m->used = true;
	b->checked[BUNDLE_FIELDS]++;
	more->cite = out_must(calloc(1, sizeof(*more->cite)));
	err = hf_cite_decode(more->cite, m->content.data, m->content.size);
	if (err == HF_OK && memcmp(&more->cite->digest, &a->act.digest,
				sizeof(a->act.digest)) != 0)
		err = HF_DISCLOSURE;
	if (err != HF_OK) {
		finds(b, BUNDLE_FIELDS, name, err);
		free(more->cite);
		more->cite = NULL;
		a->open_err = err;
		return;
	}
	a->opened = true;
	a->open_err = HF_OK;
	a->leaves.count = more->cite->shown_count;
	memcpy(a->leaves.leaf, more->cite->shown,
	    a->leaves.count * sizeof(*a->leaves.leaf));
	count_cite(b, more->cite, CITE_DEPTH);
	if (view_cites(a) != HF_OK)
		out_must(NULL);
	for (unsigned i = 0; i < a->cite_count; i++)
		if (a->cite_err[i] != HF_OK)
			bundle_finds(b, BUNDLE_FIELDS, false, a->cite_err[i],
			    name, "a cite among its fields: %s",
			    hf_err_text(a->cite_err[i]));
}

/* ---- the case ---- */

static void describe(struct bundle *b)
{
	struct view *v = b->view;
	const struct view_act *opening = act_at(b, 0, 1);
	const struct hf_envelope *e = &opening->act.envelope;
	const char *own = b->officer == NULL ? "" : b->officer->desk.s;

	v->id = opening->act.id;
	v->from = e->from;
	v->to = e->to;
	v->kind = opening->act.core.kind;
	v->measure = e->measure;
	v->basis = e->basis;
	v->urgency = e->urgency;
	v->opened = opening->entered;
	v->side = (strncmp(own, v->from.s, 3) == 0 ? 1u : 0u) |
		  (strncmp(own, v->to.s, 3) == 0 ? 2u : 0u);
	hf_ref(v->ref, hf_desk_country(&v->from), opening->act.core.created,
	    &opening->act.digest);
}

static enum hf_err fold(struct bundle *b)
{
	struct view *v = b->view;
	const struct hf_envelope *e = &act_of(b, 0, 1)->act.envelope;
	const struct hf_profile *p = bundle_profile(b, &e->rules_profile);
	enum hf_err err = view_fold(v, p);

	if (err == HF_NOMEM)
		return err;
	b->checked[BUNDLE_LIFE] = v->count[0] + v->count[1];
	if (p == NULL)
		bundle_finds(b, BUNDLE_LIFE, false, HF_NOT_SUPPORTED,
		    "acts/0-1",
		    "no document in it has the profile that it "
		    "pins");
	if (err != HF_OK)
		bundle_finds(b, BUNDLE_LIFE, false, err, "acts/0-1",
		    "the acts do not fold: %s", hf_err_text(err));
	else
		v->urgency = v->fold->a[v->fold->asking_folded].urgency;
	return HF_OK;
}

static void note_unshown(struct bundle *b, unsigned t, uint32_t gen)
{
	const struct view_act *a = act_of(b, t, gen);
	char name[TAR_NAME_MAX + 1];

	bundle_name(name, "leaves", t, gen, NULL);
	if (!a->opened && a->open_err == HF_NOTFOUND)
		bundle_finds(b, BUNDLE_FIELDS, true, HF_NOTFOUND, name,
		    "nothing of the fields of acts/%u-%u is shown", t, gen);
}

enum hf_err bundle_read_acts(struct bundle *b)
{
	char name[TAR_NAME_MAX + 1];
	enum hf_err err = read_track(b, 0);

	if (err == HF_OK && b->view->count[0] == 0) {
		bundle_finds(b, BUNDLE_ACTS, false, HF_MISSING_KEY, "acts/0-1",
		    "the opening act is missing");
		err = HF_MISSING_KEY;
	}
	if (err == HF_OK)
		err = read_track(b, 1);
	if (err != HF_OK)
		return err;
	for (unsigned t = 0; t < 2; t++)
		for (uint32_t gen = 1; gen <= b->view->count[t]; gen++) {
			check_act(b, t, gen);
			read_leaves(b, t, gen);
			note_unshown(b, t, gen);
		}
	snprintf(name, sizeof(name), "heads/%s", b->head.by.s);
	compare_heads(b, &b->head, name);
	describe(b);
	return fold(b);
}

static bool earlier(
    const struct bundle *b, struct bundle_place x, struct bundle_place y)
{
	const struct view_act *a = act_of(b, x.track, x.gen);
	const struct view_act *o = act_of(b, y.track, y.gen);
	uint64_t p =
	    a->entered.ms != 0 ? a->entered.ms : a->act.core.created.ms;
	uint64_t q =
	    o->entered.ms != 0 ? o->entered.ms : o->act.core.created.ms;

	return p < q || (p == q && x.track < y.track);
}

/* Both tracks are in order themselves: merge them. */
struct bundle_place *bundle_timeline(const struct bundle *b, unsigned *count)
{
	unsigned n = b->view->count[0] + b->view->count[1];
	struct bundle_place *list = out_must(calloc(n + 1u, sizeof(*list)));
	uint32_t next[2] = {1, 1};

	*count = n;
	for (unsigned i = 0; i < n; i++) {
		struct bundle_place x = {0, next[0]}, y = {1, next[1]};

		if (next[1] > b->view->count[1] ||
		    (next[0] <= b->view->count[0] && earlier(b, x, y)))
			list[i] = x;
		else
			list[i] = y;
		next[list[i].track]++;
	}
	return list;
}
