/*
 * view: fetch, verify, open, fold.  The broker is not believed: each act's
 * signature, receipt and place are checked here, bodies open only with the
 * desk's own key, and the state shown is folded from the acts.
 */
#include "client/view.h"

#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"
#include "proto/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define GRANTS_MAX 64u
#define EPOCHS_MAX 8u

/* Secrets of one opening of a view. */
struct keys {
	unsigned epoch_count;
	struct {
		struct hf_desk desk;
		uint32_t epoch;
		uint8_t secret[HF_KEY_SIZE];
	} epoch[EPOCHS_MAX];
	unsigned grant_count;
	struct {
		struct hf_id act;
		uint8_t key[HF_KEY_SIZE];
	} grant[GRANTS_MAX];
};

static struct hf_bytes bytes(const void *data, size_t size)
{
	return (struct hf_bytes){data, size};
}

/* ---- fetching ---- */

static enum hf_err call_case(
    struct link *l, const char *ref_or_id, struct answer *answer)
{
	uint8_t args[64];
	char ref[HF_REF_MAX];
	struct hf_id id;
	struct pack p;
	size_t size;
	enum hf_err err;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, 1);
	if (strlen(ref_or_id) == 2 * HF_ID_SIZE &&
	    hf_hex_read(id.b, sizeof(id), ref_or_id, 2 * HF_ID_SIZE) == HF_OK) {
		pack_uint(&p, 1);
		pack_bin(&p, id.b, sizeof(id));
	} else {
		err = hf_ref_read(ref, ref_or_id);
		if (err != HF_OK)
			return HF_UNKNOWN_CASE;
		pack_uint(&p, 2);
		pack_text(&p, ref);
	}
	err = pack_finish(&p, &size);
	return err != HF_OK
		   ? err
		   : link_call(l, HF_OP_CASE, bytes(args, size), answer);
}

static void read_summary(struct view *v, struct wire *w)
{
	int key;

	wire_map(w, HF_MAP_MAX);
	while ((key = wire_key(w)) >= 0) {
		switch (key) {
		case HF_S_CASE:
			wire_bin_copy(w, &v->id, sizeof(v->id));
			break;
		case HF_S_REF: {
			struct hf_bytes s = wire_str(w, 1, HF_REF_MAX - 1);

			if (s.size > 0)
				memcpy(v->ref, s.data, s.size);
			break;
		}
		case HF_S_FROM:
			v->from = wire_desk(w);
			break;
		case HF_S_TO:
			v->to = wire_desk(w);
			break;
		case HF_S_MEASURE:
			v->measure = (unsigned)wire_uint(w, 255);
			break;
		case HF_S_URGENCY:
			v->urgency = (unsigned)wire_uint(w, 2);
			break;
		case HF_S_KIND:
			v->kind = (unsigned)wire_uint(w, 255);
			break;
		case HF_S_BASIS:
			v->basis = (unsigned)wire_uint(w, 255);
			break;
		case HF_S_OPENED:
			v->opened = wire_time(w);
			break;
		case HF_S_DUE_TYPE:
			v->due_type = (unsigned)wire_uint(w, 255);
			break;
		case HF_S_DUE:
			v->due = wire_time(w);
			break;
		case HF_S_ASSIGNEE:
			if (wire_peek(w) == WIRE_NIL)
				wire_nil(w);
			else
				wire_bin_copy(
				    w, &v->assignee, sizeof(v->assignee));
			break;
		case HF_S_ERASED:
			v->erased = wire_bool(w);
			break;
		case HF_S_LEGAL_HOLD:
			v->legal_hold = wire_bool(w);
			break;
		case HF_S_RETAIN_UNTIL:
			v->retain_until = wire_time(w);
			break;
		case HF_S_DISPUTED:
			v->disputed = wire_bool(w);
			break;
		case HF_S_SIDE:
			v->side = (unsigned)wire_uint(w, 2) + 1;
			break;
		default:
			wire_skip(w);
			break;
		}
	}
	wire_close(w);
}

static enum hf_err keep_row(struct view *v, unsigned track, struct hf_bytes act,
    struct hf_bytes receipt, uint64_t index)
{
	struct view_act *a;
	struct view_act *grown =
	    realloc(v->acts[track], (v->count[track] + 1u) * sizeof(*grown));

	if (grown == NULL)
		return HF_NOMEM;
	v->acts[track] = grown;
	a = &grown[v->count[track]];
	memset(a, 0, sizeof(*a));
	a->frame = malloc(act.size);
	a->receipt = malloc(receipt.size + 1);
	if (a->frame == NULL || a->receipt == NULL) {
		free(a->frame);
		free(a->receipt);
		return HF_NOMEM;
	}
	memcpy(a->frame, act.data, act.size);
	if (receipt.size > 0)
		memcpy(a->receipt, receipt.data, receipt.size);
	a->receipt_size = receipt.size;
	a->index = index;
	v->count[track]++;
	return hf_act_decode(&a->act, a->frame, act.size);
}

static enum hf_err fetch_page(
    struct view *v, struct link *l, unsigned track, uint32_t *from)
{
	uint8_t args[64];
	struct answer answer;
	struct pack p;
	struct wire w;
	size_t size;
	uint32_t next = 0;
	int key;
	enum hf_err err;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, 3);
	pack_uint(&p, 1);
	pack_bin(&p, v->id.b, sizeof(v->id));
	pack_uint(&p, 2);
	pack_uint(&p, track);
	pack_uint(&p, 3);
	pack_uint(&p, *from);
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = link_call(l, HF_OP_ACTS, bytes(args, size), &answer);
	if (err != HF_OK)
		return err;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, HF_MAP_MAX);
	while (err == HF_OK && (key = wire_key(&w)) >= 0) {
		if (key == 1) {
			unsigned n = wire_array(&w, 0, HF_PAGE_ROWS);

			while (n-- > 0 && err == HF_OK && w.err == HF_OK) {
				struct hf_bytes act, receipt;
				uint64_t index;

				wire_array(&w, 4, 4);
				act = wire_bin(&w, 1, HF_ACT_MAX);
				receipt = wire_bin(&w, 0, HF_RECEIPT_MAX);
				wire_uint(&w, UINT32_MAX);
				index = wire_uint(&w, UINT64_MAX);
				wire_close(&w);
				if (w.err == HF_OK)
					err = keep_row(
					    v, track, act, receipt, index);
			}
			wire_close(&w);
		} else if (key == 2) {
			next = (uint32_t)wire_uint(&w, UINT32_MAX);
		} else {
			wire_skip(&w);
		}
	}
	if (err == HF_OK) {
		wire_close(&w);
		err = wire_finish(&w);
	}
	*from = next;
	return err;
}

static enum hf_err fetch_track(struct view *v, struct link *l, unsigned track)
{
	uint32_t from = 1;
	enum hf_err err = HF_OK;

	while (
	    err == HF_OK && from != 0 && v->count[track] <= HF_TRACK_ACTS_MAX)
		err = fetch_page(v, l, track, &from);
	return err;
}

/* ---- verifying ---- */

static enum view_trust check_receipt(const struct home *h, struct view_act *a)
{
	struct hf_country c = hf_desk_country(&a->act.envelope.from);
	const struct hf_key *ledger;
	struct hf_receipt r;
	uint64_t size;

	if (a->receipt_size == 0)
		return TRUST_NO_RECEIPT;
	if (hf_receipt_decode(&r, a->receipt, a->receipt_size) != HF_OK ||
	    roster_receipt_check(h->roster, c, &r, &size) != HF_OK ||
	    hf_receipt_is_for(&r, &a->act) != HF_OK)
		return TRUST_BAD_RECEIPT;
	/* a machine act speaks by the ledger key of its own epoch */
	ledger = roster_ledger_key(h->roster, c, r.leaf.epoch);
	a->entered = r.leaf.entered;
	if (a->act.signature_count == 0 &&
	    (r.leaf.type != HF_ENTRY_MACHINE || ledger == NULL ||
		memcmp(ledger, &a->act.core.author, sizeof(*ledger)) != 0))
		return TRUST_BAD_SIGNATURE;
	return TRUST_OK;
}

static void verify(const struct home *h, struct view_act *a)
{
	struct hf_country c = hf_desk_country(&a->act.envelope.from);
	const struct revocation_entry *revoked;

	a->author = roster_officer(h->roster, c, &a->act.core.author);
	a->trust = check_receipt(h, a);
	if (a->trust != TRUST_OK || a->act.signature_count == 0)
		return;
	revoked = roster_revocation(h->roster, c, &a->act.core.author);
	if (hf_act_verify(&a->act) != HF_OK)
		a->trust = TRUST_BAD_SIGNATURE;
	else if (a->author == NULL ||
		 strcmp(a->author->desk.s, a->act.envelope.from.s) != 0)
		a->trust = TRUST_UNKNOWN_KEY;
	else if (revoked != NULL && a->entered.ms >= revoked->since.ms)
		a->trust = TRUST_DISPUTED;
}

/* ---- opening ---- */

static const uint8_t *epoch_secret(struct keys *k, const struct home *h,
    const struct hf_desk *desk, uint32_t epoch)
{
	const struct wrap_entry *wrap;

	for (unsigned i = 0; i < k->epoch_count; i++)
		if (k->epoch[i].epoch == epoch &&
		    strcmp(k->epoch[i].desk.s, desk->s) == 0)
			return k->epoch[i].secret;
	wrap = roster_wrap(h->roster, desk, epoch, &h->signer->sign_key);
	if (wrap == NULL || k->epoch_count == EPOCHS_MAX ||
	    h->signer->unwrap(h->signer, wrap->sealed,
		k->epoch[k->epoch_count].secret) != HF_OK)
		return NULL;
	k->epoch[k->epoch_count].desk = *desk;
	k->epoch[k->epoch_count].epoch = epoch;
	return k->epoch[k->epoch_count++].secret;
}

static enum hf_err body_key(struct keys *k, const struct home *h,
    struct view_act *a, const struct hf_body *body)
{
	for (unsigned i = 0; i < k->grant_count; i++)
		if (memcmp(&k->grant[i].act, &a->act.id, sizeof(a->act.id)) ==
		    0) {
			memcpy(a->body_key, k->grant[i].key, HF_KEY_SIZE);
			return HF_OK;
		}
	for (unsigned i = 0; i < body->recipient_count; i++) {
		const struct hf_recipient *r = &body->recipients[i];
		const uint8_t *secret;
		struct hf_key public_key;

		if (strcmp(r->desk.s, h->desk.s) != 0)
			continue;
		secret = epoch_secret(k, h, &r->desk, r->epoch);
		if (secret == NULL)
			continue;
		public_key = sealing_public(secret);
		return hf_box_open(a->body_key, r->sealed, &public_key, secret);
	}
	return HF_SEALING_KEY;
}

static enum hf_err open_body(
    struct keys *k, const struct home *h, struct view_act *a)
{
	struct hf_body body;
	struct hf_hash root;
	size_t size;
	enum hf_err err;

	if (a->act.signature_count == 0)
		return HF_OK; /* a machine act has no body */
	if (a->act.body_bytes.size == 0)
		return HF_ERASED;
	err = hf_body_decode(
	    &body, a->act.body_bytes.data, a->act.body_bytes.size);
	if (err == HF_OK)
		err = body_key(k, h, a, &body);
	if (err != HF_OK)
		return err;
	a->plain = malloc(body.box.size);
	if (a->plain == NULL)
		return HF_NOMEM;
	err = hf_body_open(&body, a->body_key, &a->act.core.author,
	    &a->act.core.envelope, a->plain, &size);
	if (err == HF_OK)
		err = hf_leaves_decode(&a->leaves, a->plain, size);
	if (err != HF_OK)
		return err;
	root = hf_leaves_root(&a->leaves);
	return memcmp(&root, &a->act.core.root, sizeof(root)) == 0 ? HF_OK
								   : HF_OPEN;
}

/* The roster says whether the key that signed was an officer's then. */
static const struct officer_entry *standing(
    const struct home *h, const struct hf_cite *c)
{
	const struct officer_entry *o =
	    roster_officer_anywhere(h->roster, &c->core.author);

	return o != NULL && roster_officer_check(h->roster,
				hf_desk_country(&o->desk), &c->core.author,
				c->core.created, &o) == HF_OK
		   ? o
		   : NULL;
}

enum hf_err view_cite(struct hf_cite **out, const struct hf_leaf *leaf)
{
	struct hf_cite *cite = calloc(1, sizeof(*cite));
	struct hf_bytes b;
	struct wire w;
	enum hf_err err;

	*out = cite;
	if (cite == NULL)
		return HF_NOMEM;
	wire_init(&w, leaf->value.data, leaf->value.size);
	b = wire_bin(&w, 1, HF_CITE_MAX);
	err = wire_finish(&w);
	return err == HF_OK ? hf_cite_decode(cite, b.data, b.size) : err;
}

enum hf_err view_cites(struct view_act *a)
{
	for (unsigned i = 0;
	     i < a->leaves.count && a->cite_count < HF_CITES_MAX; i++) {
		unsigned n = a->cite_count;

		if (a->leaves.leaf[i].field != HF_F_CITE)
			continue;
		a->cite_err[n] = view_cite(&a->cites[n], &a->leaves.leaf[i]);
		if (a->cites[n] == NULL)
			return HF_NOMEM;
		a->cite_count++;
	}
	return HF_OK;
}

/* Why it does not open stands in the act; only want of memory is an error. */
static enum hf_err open_act(
    struct keys *k, const struct home *h, struct view_act *a)
{
	a->open_err = open_body(k, h, a);
	a->opened = a->open_err == HF_OK;
	if (!a->opened) {
		a->leaves.count = 0;
		return a->open_err == HF_NOMEM ? HF_NOMEM : HF_OK;
	}
	if (view_cites(a) != HF_OK)
		return HF_NOMEM;
	for (unsigned i = 0; i < a->cite_count; i++)
		if (a->cite_err[i] == HF_OK)
			a->cite_author[i] = standing(h, a->cites[i]);
	return HF_OK;
}

/* Body keys that another desk of the country granted to ours. */
static void read_grants(struct keys *k, const struct view_act *a)
{
	for (unsigned i = 0; i < a->leaves.count; i++) {
		struct wire w;

		if (a->leaves.leaf[i].field != HF_F_ACT_KEY ||
		    k->grant_count == GRANTS_MAX)
			continue;
		wire_init(&w, a->leaves.leaf[i].value.data,
		    a->leaves.leaf[i].value.size);
		wire_bin_copy(
		    &w, &k->grant[k->grant_count], HF_ID_SIZE + HF_KEY_SIZE);
		if (wire_finish(&w) == HF_OK)
			k->grant_count++;
	}
}

/* ---- folding ---- */

enum hf_err view_fold(struct view *v, const struct hf_profile *profile)
{
	struct hf_life_act *acts[2] = {NULL, NULL};
	enum hf_err err = HF_NOMEM;

	v->profile = profile;
	v->fold = calloc(1, sizeof(*v->fold));
	for (unsigned t = 0; t < 2; t++) {
		acts[t] = calloc(v->count[t] + 1u, sizeof(**acts));
		if (acts[t] == NULL || v->fold == NULL)
			goto out;
		for (unsigned i = 0; i < v->count[t]; i++) {
			const struct view_act *a = &v->acts[t][i];

			hf_life_act_from(&acts[t][i], &a->act.core,
			    &a->act.envelope, &a->act.digest, &a->act.id,
			    a->entered);
		}
	}
	v->fold->profile = v->profile;
	v->fold->asking = acts[0];
	v->fold->asked = acts[1];
	v->fold->asking_count = v->count[0];
	v->fold->asked_count = v->count[1];
	err = hf_case_fold(v->fold);
	if (err != HF_OK)
		goto out;
	for (unsigned t = 0; t < 2; t++)
		for (unsigned i = 0; i < v->count[t]; i++)
			v->acts[t][i].clause = acts[t][i].clause;
	v->state = v->fold->state;
	v->hold_until = v->fold->hold_until;
	v->suspended = v->fold->suspended;
	v->scope = v->fold->scope;
	v->outside_profile = v->fold->outside_profile;
	v->unproven = v->fold->unproven;
	return HF_OK;
out:
	free(acts[0]);
	free(acts[1]);
	if (v->fold != NULL)
		v->fold->asking = v->fold->asked = NULL;
	return err;
}

static enum hf_err fold(struct view *v, const struct home *h)
{
	const struct hf_envelope *opening;

	if (v->count[HF_TRACK_ASKING] == 0)
		return HF_CORRUPT;
	opening = &v->acts[HF_TRACK_ASKING][0].act.envelope;
	return view_fold(
	    v, roster_profile_by_digest(h->roster, &opening->rules_profile));
}

static enum hf_err fetch_all(struct view *v, struct link *l)
{
	enum hf_err err = fetch_track(v, l, HF_TRACK_ASKING);

	if (err == HF_OK)
		err = fetch_track(v, l, HF_TRACK_ASKED);
	if (err == HF_OK && (v->side & 1u) != 0)
		err = fetch_track(v, l, HF_TRACK_INNER_ASKING);
	if (err == HF_OK && (v->side & 2u) != 0)
		err = fetch_track(v, l, HF_TRACK_INNER_ASKED);
	/* One country may ask itself: the other side's inner track is not
	 * ours to read, and the broker says so. */
	return err == HF_READ_DENIED && v->count[0] > 0 ? HF_OK : err;
}

enum hf_err view_open(
    struct view **out, struct home *h, struct link *l, const char *ref_or_id)
{
	struct view *v = calloc(1, sizeof(*v));
	struct keys keys = {0};
	struct answer answer;
	struct wire w;
	enum hf_err err = HF_NOMEM;

	*out = NULL;
	if (v == NULL)
		return err;
	err = call_case(l, ref_or_id, &answer);
	if (err != HF_OK)
		goto out;
	wire_init(&w, answer.map.data, answer.map.size);
	read_summary(v, &w);
	err = wire_finish(&w);
	if (err == HF_OK)
		err = fetch_all(v, l);
	if (err != HF_OK)
		goto out;
	/* inner tracks first: they may hold keys to the others */
	for (unsigned t = HF_TRACK_COUNT; t-- > 0;)
		for (unsigned i = 0; i < v->count[t]; i++) {
			struct view_act *a = &v->acts[t][i];

			verify(h, a);
			err = open_act(&keys, h, a);
			if (err != HF_OK)
				goto out;
			if (a->act.core.kind == HF_KIND_GRANT && a->opened)
				read_grants(&keys, a);
		}
	err = fold(v, h);
	if (err == HF_OK) {
		*out = v;
		v = NULL;
	}
out:
	hf_wipe(&keys, sizeof(keys));
	view_free(v);
	return err;
}

static void release_act(struct view_act *a)
{
	for (unsigned i = 0; i < a->cite_count; i++)
		free(a->cites[i]);
	hf_wipe(a->body_key, sizeof(a->body_key));
	free(a->plain);
	free(a->receipt);
	free(a->frame);
}

void view_free(struct view *v)
{
	if (v == NULL)
		return;
	for (unsigned t = 0; t < HF_TRACK_COUNT; t++) {
		for (unsigned i = 0; i < v->count[t]; i++)
			release_act(&v->acts[t][i]);
		free(v->acts[t]);
	}
	if (v->fold != NULL) {
		free(v->fold->asking);
		free(v->fold->asked);
		free(v->fold);
	}
	free(v);
}

const struct view_act *view_act(const struct view *v, const char *hex)
{
	const struct view_act *found = NULL;
	size_t n = strlen(hex);

	if (n < 6 || n > 2 * HF_ID_SIZE)
		return NULL;
	for (unsigned t = 0; t < HF_TRACK_COUNT; t++)
		for (unsigned i = 0; i < v->count[t]; i++) {
			char id[2 * HF_ID_SIZE + 1];

			hf_hex(id, &v->acts[t][i].act.id, HF_ID_SIZE);
			/* ids begin with the time: the last digits are what
			 * people copy, so either end may be given */
			if (strncmp(id, hex, n) != 0 &&
			    strcmp(id + 2 * HF_ID_SIZE - n, hex) != 0)
				continue;
			if (found != NULL)
				return NULL;
			found = &v->acts[t][i];
		}
	return found;
}

const struct view_act *view_last(
    const struct view *v, unsigned track, unsigned kind)
{
	for (unsigned i = v->count[track]; i-- > 0;)
		if (v->acts[track][i].act.core.kind == kind)
			return &v->acts[track][i];
	return NULL;
}

#define BIT(key) (UINT64_C(1) << (key))

enum hf_err view_follow(const struct view *v, struct draft *d, unsigned side,
    bool inner, const struct hf_id *re)
{
	struct hf_envelope *e = &d->envelope;
	unsigned track = inner ? HF_TRACK_INNER_ASKING + side : side;
	unsigned seen = inner ? side : 1 - side;

	e->to = side == HF_TRACK_ASKING ? v->to : v->from;
	if (inner)
		e->to = side == HF_TRACK_ASKING ? v->from : v->to;
	e->case_id = v->id;
	e->track = track;
	e->gen = v->count[track] + 1;
	e->seen_gen = v->count[seen];
	e->present |= BIT(HF_E_CASE);
	if (v->count[track] > 0) {
		e->prev = v->acts[track][v->count[track] - 1].act.digest;
		e->present |= BIT(HF_E_PREV);
	}
	if (v->count[seen] > 0) {
		e->seen = v->acts[seen][v->count[seen] - 1].act.digest;
		e->present |= BIT(HF_E_SEEN);
	}
	if (re != NULL) {
		e->re = *re;
		e->present |= BIT(HF_E_RE);
	}
	return e->gen > HF_TRACK_ACTS_MAX ? HF_MANY_ACTS : HF_OK;
}

enum hf_err view_grant(
    const struct view *v, struct draft *d, const struct hf_desk *desk)
{
	d->envelope.to = *desk;
	for (unsigned t = 0; t <= HF_TRACK_ASKED; t++)
		for (unsigned i = 0; i < v->count[t]; i++) {
			const struct view_act *a = &v->acts[t][i];
			uint8_t key[HF_ID_SIZE + HF_KEY_SIZE], value[80];
			struct pack p;
			enum hf_err err;

			if (!a->opened || a->act.signature_count == 0)
				continue;
			memcpy(key, a->act.id.b, HF_ID_SIZE);
			memcpy(key + HF_ID_SIZE, a->body_key, HF_KEY_SIZE);
			pack_init(&p, value, sizeof(value));
			pack_bin(&p, key, sizeof(key));
			err = draft_add(d, HF_F_ACT_KEY, bytes(value, p.at), 0);
			hf_wipe(key, sizeof(key));
			hf_wipe(value, sizeof(value));
			if (err != HF_OK)
				return err;
		}
	return HF_OK;
}

void view_assign(struct draft *d, const struct hf_key *officer)
{
	d->envelope.assignee = *officer;
	d->envelope.present |= BIT(HF_E_ASSIGNEE);
}

/* ---- the roster ---- */

enum hf_err roster_fetch(struct link *l, struct hf_country c, uint32_t version,
    uint8_t **out, size_t *size)
{
	uint8_t *document = malloc(HF_DOC_MAX);
	uint32_t parts = 1;
	size_t at = 0;
	enum hf_err err = document == NULL ? HF_NOMEM : HF_OK;

	for (uint32_t part = 0; err == HF_OK && part < parts; part++) {
		uint8_t args[32];
		struct answer answer;
		struct hf_bytes b = {NULL, 0};
		struct pack p;
		struct wire w;
		size_t args_size;
		int key;

		pack_init(&p, args, sizeof(args));
		pack_map(&p, version == 0 ? 2 : 3);
		pack_uint(&p, 1);
		pack_text(&p, c.s);
		pack_uint(&p, 2);
		pack_uint(&p, part);
		if (version != 0) {
			pack_uint(&p, 3);
			pack_uint(&p, version);
		}
		err = pack_finish(&p, &args_size);
		if (err == HF_OK)
			err = link_call(
			    l, HF_OP_DOCUMENT, bytes(args, args_size), &answer);
		if (err != HF_OK)
			break;
		wire_init(&w, answer.map.data, answer.map.size);
		wire_map(&w, HF_MAP_MAX);
		while ((key = wire_key(&w)) >= 0) {
			if (key == 1)
				parts = (uint32_t)wire_uint(
				    &w, HF_DOC_MAX / HF_DOC_PART + 1);
			else if (key == 2)
				b = wire_bin(&w, 1, HF_DOC_PART);
			else
				wire_skip(&w);
		}
		wire_close(&w);
		err = wire_finish(&w);
		if (err == HF_OK && b.size > HF_DOC_MAX - at)
			err = HF_TOO_BIG;
		if (err == HF_OK && b.size > 0) {
			memcpy(document + at, b.data, b.size);
			at += b.size;
		}
	}
	if (err != HF_OK) {
		free(document);
		return err;
	}
	*out = document;
	*size = at;
	return HF_OK;
}

static enum hf_err refresh_one(
    struct home *h, struct link *l, struct hf_country c, uint32_t version)
{
	const struct country_doc *held = roster_doc(h->roster, c);
	char path[HOME_PATH_MAX + 32];
	uint8_t *document = NULL;
	size_t size;
	uint32_t got;
	enum hf_err err;

	if (roster_root(h->roster, c) == NULL ||
	    (held != NULL && held->head.version >= version))
		return HF_OK; /* not trusted by this home, or known */
	err = roster_fetch(l, c, 0, &document, &size);
	if (err == HF_OK)
		err = roster_add(h->roster, document, size, &c, &got);
	if (err == HF_OK) {
		snprintf(path, sizeof(path), "%s/docs", h->path);
		mkdir(path, 0700);
		snprintf(path, sizeof(path), "%s/docs/%s.hfd", h->path, c.s);
		err = home_write(path, document, size, 0600);
	}
	free(document);
	return err == HF_DOC_OLD ? HF_OK : err;
}

enum hf_err roster_refresh(struct home *h, struct link *l)
{
	struct {
		struct hf_country c;
		uint32_t version;
	} list[HF_COUNTRY_MAX];
	unsigned count = 0, rows;
	struct answer answer;
	struct wire w;
	enum hf_err err, claimed = HF_OK;

	err = link_call(l, HF_OP_ROSTER, bytes(NULL, 0), &answer);
	if (err != HF_OK)
		return err;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, HF_MAP_MAX);
	if (wire_key(&w) == 1) {
		rows = wire_array(&w, 0, HF_COUNTRY_MAX);
		for (; rows > 0 && w.err == HF_OK; rows--) {
			wire_array(&w, 6, 6);
			list[count].c = wire_country(&w);
			list[count++].version =
			    (uint32_t)wire_uint(&w, UINT32_MAX);
			for (unsigned i = 0; i < 4; i++)
				wire_skip(&w);
			wire_close(&w);
		}
		wire_close(&w);
	}
	while (wire_key(&w) >= 0)
		wire_skip(&w);
	wire_close(&w);
	err = wire_finish(&w);
	/* What we hold is older than what the broker has in force: a key may
	 * have gone from one country to another meanwhile, and this order need
	 * not be that of the documents.  At most one pass a country. */
	for (unsigned pass = 0; pass <= count; pass++) {
		claimed = HF_OK;
		for (unsigned i = 0; i < count && err == HF_OK; i++) {
			err = refresh_one(h, l, list[i].c, list[i].version);
			if (err == HF_KEY_CLAIMED) {
				claimed = err;
				err = HF_OK;
			}
		}
		if (claimed == HF_OK || err != HF_OK)
			break;
	}
	return err == HF_OK ? claimed : err;
}
