/*
 * compose: leaves are sorted, salted and rooted, the body is sealed to both
 * desks, the core names it all and the officer signs the core.
 *
 * The signed act is synced to the outbox before it is sent: whatever
 * happens afterwards, a rerun sends the very same bytes, and the broker
 * answers a duplicate with the same decision.
 */
#include "client/compose.h"

#include "proto/catalogue.h"
#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"
#include "proto/seal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void draft_init(struct draft *d, unsigned kind)
{
	memset(d, 0, sizeof(*d));
	d->kind = kind;
}

enum hf_err draft_add(
    struct draft *d, unsigned field, struct hf_bytes value, uint8_t policy)
{
	enum hf_err err = hf_field_check(field, value);

	if (err != HF_OK)
		return err;
	if (d->leaf_count == HF_LEAF_MAX)
		return HF_TOO_MANY;
	if (value.size > sizeof(d->arena) - d->used)
		return HF_TOO_BIG;
	memcpy(d->arena + d->used, value.data, value.size);
	d->leaf[d->leaf_count].field = field;
	d->leaf[d->leaf_count].policy = policy;
	d->leaf[d->leaf_count].value =
	    (struct hf_bytes){d->arena + d->used, value.size};
	d->used += value.size;
	d->leaf_count++;
	return HF_OK;
}

enum hf_err draft_text(struct draft *d, unsigned field, const char *text,
    const char *language, uint8_t policy)
{
	uint8_t value[HF_TEXT_MAX + 64];
	struct pack p;
	size_t size;
	enum hf_err err;

	pack_init(&p, value, sizeof(value));
	pack_array(&p, 2);
	pack_text(&p, language);
	pack_text(&p, text);
	err = pack_finish(&p, &size);
	return err != HF_OK ? err
			    : draft_add(d, field,
				  (struct hf_bytes){value, size}, policy);
}

enum hf_err draft_uint(
    struct draft *d, unsigned field, uint64_t v, uint8_t policy)
{
	uint8_t value[16];
	struct pack p;
	size_t size;
	enum hf_err err;

	pack_init(&p, value, sizeof(value));
	pack_uint(&p, v);
	err = pack_finish(&p, &size);
	return err != HF_OK ? err
			    : draft_add(d, field,
				  (struct hf_bytes){value, size}, policy);
}

enum hf_err draft_cite(struct draft *d, const struct hf_id *act,
    struct hf_bytes disclosure, const uint8_t *indexes, unsigned count,
    uint8_t policy)
{
	struct hf_envelope *e = &d->envelope;
	uint8_t *value = malloc(HF_LEAF_BYTES_MAX);
	struct pack p;
	size_t size;
	enum hf_err err = HF_NOMEM;

	if (value == NULL)
		goto out;
	err = HF_TOO_MANY;
	if (e->cite_count == HF_CITES_MAX || count > sizeof(d->arena) - d->used)
		goto out;
	pack_init(&p, value, HF_LEAF_BYTES_MAX);
	pack_bin(&p, disclosure.data, disclosure.size);
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = draft_add(
		    d, HF_F_CITE, (struct hf_bytes){value, size}, policy);
	if (err != HF_OK)
		goto out;
	memcpy(d->arena + d->used, indexes, count);
	e->cites[e->cite_count].act = *act;
	e->cites[e->cite_count].leaves =
	    (struct hf_bytes){d->arena + d->used, count};
	e->cite_count++;
	e->present |= UINT64_C(1) << HF_E_CITES;
	d->used += count;
out:
	free(value);
	return err;
}

/* Leaves ascend by field; those of one field keep their order. */
static void sort_leaves(struct draft *d)
{
	for (unsigned i = 1; i < d->leaf_count; i++)
		for (unsigned j = i;
		     j > 0 && d->leaf[j].field < d->leaf[j - 1].field; j--) {
			__typeof__(d->leaf[0]) t = d->leaf[j];

			d->leaf[j] = d->leaf[j - 1];
			d->leaf[j - 1] = t;
		}
}

static enum hf_err add_recipient(const struct roster *r,
    const struct hf_desk *desk, struct hf_recipient *list, unsigned *count)
{
	const struct desk_entry *entry = roster_desk(r, desk);

	if (entry == NULL)
		return HF_UNKNOWN_DESK;
	for (unsigned i = 0; i < *count; i++)
		if (strcmp(list[i].desk.s, desk->s) == 0)
			return HF_OK;
	list[*count].desk = *desk;
	list[*count].epoch = entry->epoch;
	list[*count].key = entry->sealing;
	(*count)++;
	return HF_OK;
}

struct parts {
	uint8_t plain[HF_BODY_MAX], body[HF_BODY_MAX];
	uint8_t envelope[HF_ENVELOPE_MAX], core[HF_CORE_MAX], sigs[HF_SIGS_MAX];
	size_t plain_size, body_size, envelope_size, core_size, sigs_size;
	struct hf_leaves leaves;
	struct hf_core c;
	uint8_t policy[HF_LEAF_MAX];
};

static enum hf_err make_leaves(struct parts *p, struct draft *d)
{
	sort_leaves(d);
	p->leaves.count = d->leaf_count;
	hf_random(p->leaves.seed, sizeof(p->leaves.seed));
	for (unsigned i = 0; i < d->leaf_count; i++) {
		p->leaves.leaf[i].field = d->leaf[i].field;
		p->leaves.leaf[i].value = d->leaf[i].value;
		p->policy[i] = d->leaf[i].policy;
	}
	hf_leaves_salt(&p->leaves);
	p->c.root = hf_leaves_root(&p->leaves);
	return hf_leaves_encode(
	    &p->leaves, p->plain, sizeof(p->plain), &p->plain_size);
}

static enum hf_err make_envelope(
    struct parts *p, struct home *h, struct draft *d)
{
	struct hf_envelope *e = &d->envelope;
	const struct country_doc *doc = roster_doc(h->roster, h->country);

	if (doc == NULL)
		return HF_UNKNOWN_COUNTRY;
	hf_random(e->salt, sizeof(e->salt));
	e->from = h->desk;
	e->roster = doc->head.version;
	e->policy = (struct hf_bytes){p->policy, d->leaf_count};
	e->present |= UINT64_C(1) << HF_E_SALT | UINT64_C(1) << HF_E_FROM |
		      UINT64_C(1) << HF_E_TO | UINT64_C(1) << HF_E_TRACK |
		      UINT64_C(1) << HF_E_GEN | UINT64_C(1) << HF_E_SEEN_GEN |
		      UINT64_C(1) << HF_E_POLICY | UINT64_C(1) << HF_E_ROSTER;
	return hf_envelope_encode(
	    e, p->envelope, sizeof(p->envelope), &p->envelope_size);
}

static enum hf_err make_body(struct parts *p, struct home *h, struct draft *d)
{
	struct hf_recipient recipients[HF_RECIPIENT_MAX];
	struct hf_seal_chance chance;
	unsigned count = 0;
	enum hf_err err;

	err = add_recipient(h->roster, &d->envelope.to, recipients, &count);
	if (err == HF_OK)
		err = add_recipient(
		    h->roster, &d->envelope.from, recipients, &count);
	if (err != HF_OK)
		return err;
	hf_random(&chance, sizeof(chance));
	err = hf_body_seal(p->plain, p->plain_size, recipients, count,
	    &p->c.author, &p->c.envelope, &chance, p->body, sizeof(p->body),
	    &p->body_size);
	hf_wipe(&chance, sizeof(chance));
	return err;
}

static enum hf_err sign_core(struct parts *p, struct home *h,
    struct signed_act *out, struct hf_hash *digest)
{
	struct hf_signature sig;
	struct hf_hash message;
	enum hf_err err;

	err = hf_core_encode(&p->c, p->core, sizeof(p->core), &p->core_size);
	if (err != HF_OK)
		return err;
	*digest = hf_core_digest((struct hf_bytes){p->core, p->core_size});
	out->id = hf_act_id(p->c.created, digest);
	message = hf_act_to_sign(digest);
	sig.key = h->signer->sign_key;
	err = h->signer->sign(h->signer, &message, &sig.sig);
	if (err == HF_OK)
		err = hf_sigs_encode(
		    &sig, 1, p->sigs, sizeof(p->sigs), &p->sigs_size);
	return err;
}

enum hf_err compose(
    struct signed_act *out, struct home *h, struct draft *d, struct instant now)
{
	struct parts *p = calloc(1, sizeof(*p));
	struct hf_hash digest;
	enum hf_err err = HF_NOMEM;

	if (p == NULL)
		return err;
	memset(out, 0, sizeof(*out));
	p->c.suite = 1;
	p->c.kind = d->kind;
	p->c.author = h->signer->sign_key;
	p->c.created = now;
	err = make_leaves(p, d);
	if (err == HF_OK)
		err = make_envelope(p, h, d);
	if (err == HF_OK) {
		p->c.envelope =
		    hf_hash(HF_TAG_ENVELOPE, p->envelope, p->envelope_size);
		err = make_body(p, h, d);
	}
	if (err != HF_OK)
		goto out;
	p->c.body = hf_hash(HF_TAG_BODY, p->body, p->body_size);
	err = sign_core(p, h, out, &digest);
	if (err == HF_OK)
		err = hf_act_encode((struct hf_bytes){p->core, p->core_size},
		    (struct hf_bytes){p->envelope, p->envelope_size},
		    (struct hf_bytes){p->sigs, p->sigs_size},
		    (struct hf_bytes){p->body, p->body_size}, out->frame,
		    sizeof(out->frame), &out->size);
	if (err != HF_OK)
		goto out;
	out->wire_body_size = p->body_size;
	out->case_id =
	    HF_HAS(&d->envelope, HF_E_CASE) ? d->envelope.case_id : out->id;
	if (!HF_HAS(&d->envelope, HF_E_CASE))
		hf_ref(out->ref, h->country, now, &digest);
out:
	hf_wipe(p, sizeof(*p));
	free(p);
	return err;
}

enum hf_err compose_approve(struct signed_act *act, struct signer *approver)
{
	struct hf_act *a = malloc(sizeof(*a));
	uint8_t *frame = malloc(HF_ACT_MAX), sigs[HF_SIGS_MAX];
	struct hf_signature list[HF_SIGNATURE_MAX];
	struct hf_hash message;
	size_t sigs_size, size;
	enum hf_err err = HF_NOMEM;

	if (a == NULL || frame == NULL)
		goto out;
	err = hf_act_decode(a, act->frame, act->size);
	if (err == HF_OK)
		err = hf_act_verify(a);
	if (err == HF_OK && a->signature_count == HF_SIGNATURE_MAX)
		err = HF_TOO_MANY;
	if (err != HF_OK)
		goto out;
	memcpy(list, a->signatures, sizeof(list));
	message = hf_act_to_sign(&a->digest);
	list[a->signature_count].key = approver->sign_key;
	err = approver->sign(approver, &message, &list[a->signature_count].sig);
	if (err == HF_OK)
		err = hf_sigs_encode(list, a->signature_count + 1, sigs,
		    sizeof(sigs), &sigs_size);
	if (err == HF_OK)
		err = hf_act_encode(a->core_bytes, a->envelope_bytes,
		    (struct hf_bytes){sigs, sigs_size}, a->body_bytes, frame,
		    HF_ACT_MAX, &size);
	if (err == HF_OK) {
		memcpy(act->frame, frame, size);
		act->size = size;
	}
out:
	free(a);
	free(frame);
	return err;
}

/* ---- the outbox: HOME/outbox/ID.act holds [act, opening] ---- */

static void outbox_path(
    char out[HOME_PATH_MAX + 96], const struct home *h, const struct hf_id *id)
{
	char hex[2 * HF_ID_SIZE + 1];

	hf_hex(hex, id, sizeof(*id));
	snprintf(out, HOME_PATH_MAX + 96, "%s/outbox/%s.act", h->path, hex);
}

static enum hf_err pack_submit(uint8_t *out, size_t capacity, size_t *size,
    struct hf_bytes act, const uint8_t *opening)
{
	struct pack p;

	pack_init(&p, out, capacity);
	pack_map(&p, opening != NULL ? 2 : 1);
	pack_uint(&p, 1);
	pack_bin(&p, act.data, act.size);
	if (opening != NULL) {
		pack_uint(&p, 2);
		pack_bin(&p, opening, 48);
	}
	return pack_finish(&p, size);
}

static enum hf_err read_answer(
    struct submitted *out, struct hf_bytes map, struct hf_bytes receipt)
{
	struct wire w;
	int key;

	wire_init(&w, map.data, map.size);
	wire_map(&w, HF_MAP_MAX);
	while ((key = wire_key(&w)) >= 0) {
		if (key == 1)
			wire_bin_copy(&w, &out->id, sizeof(out->id));
		else if (key == 2)
			out->index = wire_uint(&w, UINT64_MAX);
		else if (key == 4)
			wire_bin_copy(&w, &out->case_id, sizeof(out->case_id));
		else if (key == 5)
			out->state = (unsigned)wire_uint(&w, 255);
		else if (key == 6)
			out->flags = (unsigned)wire_uint(&w, 255);
		else
			wire_skip(&w);
	}
	wire_close(&w);
	if (wire_finish(&w) != HF_OK || receipt.size > sizeof(out->receipt))
		return HF_FRAME;
	if (receipt.size > 0)
		memcpy(out->receipt, receipt.data, receipt.size);
	out->receipt_size = receipt.size;
	return HF_OK;
}

/* The receipt is for these very bytes, under the own broker's ledger key. */
static enum hf_err check_receipt(
    const struct home *h, const struct submitted *s, struct hf_bytes frame)
{
	struct hf_receipt receipt;
	struct hf_act *act = malloc(sizeof(*act));
	uint64_t size;
	enum hf_err err = HF_NOMEM;

	if (act == NULL)
		return err;
	err = hf_act_decode(act, frame.data, frame.size);
	if (err == HF_OK)
		err = hf_receipt_decode(&receipt, s->receipt, s->receipt_size);
	if (err == HF_OK) {
		err = roster_receipt_check(
		    h->roster, h->country, &receipt, &size);
	}
	if (err == HF_OK)
		err = hf_receipt_is_for(&receipt, act);
	free(act);
	return err;
}

static enum hf_err send_packed(struct submitted *out, struct home *h,
    struct link *l, struct hf_bytes packed, struct hf_bytes act)
{
	struct answer answer;
	enum hf_err err = link_call(l, HF_OP_SUBMIT, packed, &answer);

	if (err == HF_DUPLICATE || err == HF_GROUND)
		err = HF_OK;
	if (err == HF_OK)
		err = read_answer(out, answer.map, answer.receipt);
	if (err == HF_OK) {
		err = check_receipt(h, out, act);
		/* whatever is wrong with it: it is entered, or is not */
		if (err != HF_OK && err != HF_NOMEM)
			err = HF_RECEIPT;
	}
	return err;
}

/* The broker decided: whatever it said, sending again changes nothing. */
static bool is_decided(enum hf_err err)
{
	switch (hf_err_info(err)->class) {
	case HF_CLASS_NONE:
	case HF_CLASS_PEER:
		return err != HF_FRAME && err != HF_RECEIPT;
	case HF_CLASS_RETRY:
	case HF_CLASS_FATAL:
		return false;
	}
	return false;
}

enum hf_err submit(struct submitted *out, struct home *h, struct link *l,
    const struct signed_act *act, const struct draft *d)
{
	char path[HOME_PATH_MAX + 96];
	uint8_t *packed = malloc(HF_FRAME_MAX);
	struct hf_bytes frame = {act->frame, act->size};
	size_t size;
	enum hf_err err = HF_NOMEM;

	memset(out, 0, sizeof(*out));
	if (packed == NULL)
		return err;
	snprintf(path, sizeof(path), "%s/outbox", h->path);
	mkdir(path, 0700);
	outbox_path(path, h, &act->id);
	err = pack_submit(packed, HF_FRAME_MAX, &size, frame,
	    d->has_lineage_opening ? d->lineage_opening : NULL);
	if (err == HF_OK)
		err = home_write(path, packed, size, 0600);
	if (err == HF_OK) {
		err = send_packed(
		    out, h, l, (struct hf_bytes){packed, size}, frame);
		if (is_decided(err))
			unlink(path);
	}
	memcpy(out->ref, act->ref, sizeof(out->ref));
	free(packed);
	return err;
}

static enum hf_err resume_one(struct home *h, struct link *l, const char *path)
{
	struct submitted out;
	uint8_t *data = NULL;
	struct hf_bytes act;
	struct wire w;
	size_t size;
	enum hf_err err = home_read(path, HF_FRAME_MAX, &data, &size);

	if (err != HF_OK)
		return err;
	memset(&out, 0, sizeof(out));
	wire_init(&w, data, size);
	wire_map(&w, 2);
	wire_key(&w);
	act = wire_bin(&w, 1, HF_ACT_MAX);
	if (w.err == HF_OK)
		err =
		    send_packed(&out, h, l, (struct hf_bytes){data, size}, act);
	else
		err = HF_FILE;
	if (is_decided(err))
		unlink(path);
	free(data);
	return err;
}

enum hf_err outbox_resume(struct home *h, struct link *l, unsigned *count)
{
	char path[HOME_PATH_MAX + 320];
	struct dirent *entry;
	enum hf_err err = HF_OK;
	DIR *dir;

	*count = 0;
	snprintf(path, sizeof(path), "%s/outbox", h->path);
	dir = opendir(path);
	if (dir == NULL)
		return HF_OK;
	while (err == HF_OK && (entry = readdir(dir)) != NULL) {
		size_t n = strlen(entry->d_name);

		if (n != 2 * HF_ID_SIZE + 4 ||
		    strcmp(entry->d_name + n - 4, ".act") != 0)
			continue;
		snprintf(
		    path, sizeof(path), "%s/outbox/%s", h->path, entry->d_name);
		err = resume_one(h, l, path);
		if (err == HF_OK)
			(*count)++;
		else if (is_decided(err))
			err = HF_OK; /* refused: it was answered when new */
	}
	closedir(dir);
	return err;
}
