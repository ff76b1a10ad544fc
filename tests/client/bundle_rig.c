#include "tests/client/bundle_rig.h"

#include "tests/client/ledger_rig.h"

#include "client/minisign.h"
#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN UINT64_C(1795651200000)
#define BIT(key) (UINT64_C(1) << (key))
#define OK(call) cr_assert_eq((call), HF_OK, "%s", #call)

static struct hf_bytes bytes(const void *data, size_t size)
{
	return (struct hf_bytes){data, size};
}

/* ---- countries ---- */

static struct signer *new_signer(void)
{
	struct signer *s = NULL;

	OK(signer_from_secret(&s, secret_new(SECRET_OFFICER)));
	return s;
}

static void add_desk(
    struct rig_country *c, const char *desk, unsigned type, bool domestic)
{
	struct country_entry *e = &c->entries[c->entry_count++];
	uint8_t unused[HF_KEY_SIZE];

	e->type = ENTRY_DESK;
	e->domestic = domestic;
	strcpy(e->u.desk.desk.s, desk);
	e->u.desk.type = type;
	strcpy(e->u.desk.name, desk);
	strcpy(e->u.desk.telephone, "+1");
	e->u.desk.means_count = 1;
	strcpy(e->u.desk.means[0], "fax:+1");
	e->u.desk.epoch = 1;
	sealing_pair(&e->u.desk.sealing, unused);
}

static struct signer *add_officer(
    struct rig_country *c, const char *desk, const char *name, bool domestic)
{
	struct country_entry *e = &c->entries[c->entry_count++];
	struct signer *s = new_signer();

	e->type = ENTRY_OFFICER;
	e->domestic = domestic;
	strcpy(e->u.officer.desk.s, desk);
	strcpy(e->u.officer.name, name);
	e->u.officer.role = ROLE_DUTY;
	e->u.officer.sign = s->sign_key;
	e->u.officer.transport = s->transport_key;
	e->u.officer.unwrap = s->unwrap_key;
	e->u.officer.valid_from.ms = BEGIN - 1000;
	e->u.officer.valid_until.ms = BEGIN + 1000000;
	return s;
}

static void add_broker(struct rig_country *c)
{
	struct country_entry *e = &c->entries[c->entry_count++];

	e->type = ENTRY_BROKER;
	e->u.broker.transport = secret_transport_key(c->broker);
	e->u.broker.ledger = secret_sign_key(c->broker);
	e->u.broker.has_witness = true;
	e->u.broker.witness = secret_sign_key(c->witness);
	e->u.broker.epoch = 1;
	e->u.broker.endpoint_count = 1;
	strcpy(e->u.broker.endpoints[0], "tcp://127.0.0.1:7247");
	e->u.broker.valid_from.ms = 1;
	e->u.broker.valid_until.ms = UINT64_C(1) << 45;
}

static void begin_country(struct rig_country *c, const char *cc)
{
	struct hf_key registrar;

	strcpy(c->c.s, cc);
	c->issued = BEGIN - 5000;
	c->root = secret_new(SECRET_ROOT);
	c->registrar = secret_new(SECRET_REGISTRAR);
	c->broker = secret_new(SECRET_BROKER);
	c->witness = secret_new(SECRET_OFFICER);
	registrar = secret_sign_key(c->registrar);
	OK(country_certify(c->c, 1, &registrar, 1, (struct instant){1},
	    (struct instant){UINT64_C(1) << 45}, 1, c->root, c->certificate,
	    sizeof(c->certificate), &c->certificate_size));
	add_broker(c);
}

static void build(struct rig_country *c, const struct country_doc *before)
{
	struct hf_key root = secret_sign_key(c->root);
	uint8_t *document = NULL;
	unsigned clause;
	size_t size;

	OK(country_build(bytes(c->certificate, c->certificate_size), before,
	    before != NULL ? before->head.version + 1 : 1, c->entries,
	    c->entry_count, (struct instant){c->issued},
	    (struct instant){UINT64_C(1) << 45}, &c->registrar, 1, &document,
	    &size));
	OK(country_doc_open(&c->doc, document, size, &root, &clause));
	free(document);
}

/* ---- acts ---- */

static void add_leaf(
    struct rig_act *a, unsigned field, void (*pack)(struct pack *p))
{
	struct hf_leaf *leaf = &a->leaves.leaf[a->leaves.count];
	struct pack p;
	size_t size;

	pack_init(&p, a->values[a->leaves.count], sizeof(a->values[0]));
	pack(&p);
	OK(pack_finish(&p, &size));
	leaf->field = field;
	leaf->value = bytes(a->values[a->leaves.count++], size);
}

static void pack_direction(struct pack *p)
{
	pack_uint(p, 1);
}

static void pack_country(struct pack *p)
{
	pack_text(p, "DE");
}

static void pack_host(struct pack *p)
{
	pack_bin(p, RIG_CANARY, strlen(RIG_CANARY));
}

static void pack_port(struct pack *p)
{
	pack_uint(p, 50123);
}

static int by_field(const void *x, const void *y)
{
	const struct hf_leaf *a = x, *b = y;

	return (int)a->field - (int)b->field;
}

static void add_leaves(struct rig_act *a, unsigned kind)
{
	memset(a->leaves.seed, (int)kind, sizeof(a->leaves.seed));
	if (kind == HF_KIND_REQUEST || kind == HF_KIND_ORDER)
		add_leaf(a, HF_F_SOURCE_PORT, pack_port);
	if (kind == HF_KIND_HOP) {
		add_leaf(a, HF_F_DIRECTION, pack_direction);
		add_leaf(a, HF_F_NEXT_COUNTRY, pack_country);
		add_leaf(a, HF_F_HOST_NAME, pack_host);
	}
	qsort(
	    a->leaves.leaf, a->leaves.count, sizeof(*a->leaves.leaf), by_field);
	hf_leaves_salt(&a->leaves);
}

static unsigned count_track(const struct rig *r, unsigned track)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->act_count; i++)
		n += r->acts[i].act.envelope.track == track;
	return n;
}

static const struct rig_act *last_of(const struct rig *r, unsigned track)
{
	for (unsigned i = r->act_count; i-- > 0;)
		if (r->acts[i].act.envelope.track == track)
			return &r->acts[i];
	return NULL;
}

static void place(const struct rig *r, struct hf_envelope *e, unsigned track)
{
	const struct rig_act *prev = last_of(r, track);
	const struct rig_act *seen = last_of(r, 1 - track);

	e->track = track;
	e->gen = count_track(r, track) + 1;
	e->seen_gen = count_track(r, 1 - track);
	e->present = BIT(HF_E_SALT) | BIT(HF_E_FROM) | BIT(HF_E_TO) |
		     BIT(HF_E_TRACK) | BIT(HF_E_GEN) | BIT(HF_E_SEEN_GEN) |
		     BIT(HF_E_POLICY) | BIT(HF_E_ROSTER);
	if (r->act_count > 0) {
		e->case_id = r->acts[0].act.id;
		e->re = e->case_id;
		e->present |= BIT(HF_E_CASE);
	}
	if (prev != NULL) {
		e->prev = prev->act.digest;
		e->present |= BIT(HF_E_PREV);
	}
	if (seen != NULL) {
		e->seen = seen->act.digest;
		e->present |= BIT(HF_E_SEEN);
	}
}

static void enter(struct rig *r, struct rig_act *a, unsigned i, bool machine)
{
	struct rig_country *by = a->by[i];
	struct hf_ledger_leaf leaf = {
	    .type = machine && i == 0 ? HF_ENTRY_MACHINE
		    : i == 0          ? HF_ENTRY_OWN
				      : HF_ENTRY_FOREIGN,
	    .epoch = 1,
	    .entered = {r->now + i},
	    .bound_ms = 5,
	    .id = a->act.id,
	    .core = a->act.digest,
	};

	leaf.envelope = hf_hash(HF_TAG_ENVELOPE, a->act.envelope_bytes.data,
	    a->act.envelope_bytes.size);
	leaf.sigs = hf_hash(
	    HF_TAG_SIGS, a->act.sigs_bytes.data, a->act.sigs_bytes.size);
	OK(hf_ledger_leaf_encode(
	    &leaf, a->entry[i], sizeof(a->entry[i]), &a->entry_size[i]));
	a->index[i] = by->leaf_count;
	by->leaves[by->leaf_count++] =
	    hf_merkle_leaf(a->entry[i], a->entry_size[i]);
}

struct rig_act *rig_act(struct rig *r, struct signer *author, unsigned kind,
    unsigned track, void (*fill)(struct rig *r, struct hf_envelope *e))
{
	struct rig_act *a = &r->acts[r->act_count];
	struct rig_country *own =
	    track == 0 && r->provider == NULL ? &r->jp : &r->us;
	struct hf_envelope e = {.roster = 1};
	uint8_t policy[4] = {0}, core[HF_CORE_MAX], envelope[HF_ENVELOPE_MAX];
	uint8_t sigs[HF_SIGS_MAX];
	struct hf_signature s;
	struct hf_core k = {.suite = 1, .kind = kind};
	size_t core_size, envelope_size, sigs_size, size;
	struct hf_hash digest, message;
	struct pack p;

	r->now += 1000;
	add_leaves(a, kind);
	place(r, &e, track);
	strcpy(e.from.s, r->provider != NULL ? "us.ncp" : "jp.ncp");
	strcpy(e.to.s, r->provider != NULL ? "us.isp" : "us.ncp");
	if (track == 1) {
		struct hf_desk from = e.to;

		e.to = e.from;
		e.from = from;
	}
	e.policy = bytes(policy, a->leaves.count);
	fill(r, &e);
	OK(hf_envelope_encode(&e, envelope, sizeof(envelope), &envelope_size));
	k.author =
	    author != NULL ? author->sign_key : secret_sign_key(own->broker);
	k.created.ms = r->now - 5;
	k.root = hf_leaves_root(&a->leaves);
	k.body = hf_hash(HF_TAG_BODY, "", 0);
	k.envelope = hf_hash(HF_TAG_ENVELOPE, envelope, envelope_size);
	OK(hf_core_encode(&k, core, sizeof(core), &core_size));
	digest = hf_core_digest(bytes(core, core_size));
	message = hf_act_to_sign(&digest);
	if (author != NULL) {
		s.key = author->sign_key;
		OK(author->sign(author, &message, &s.sig));
	}
	OK(hf_sigs_encode(
	    &s, author != NULL ? 1 : 0, sigs, sizeof(sigs), &sigs_size));
	OK(hf_act_encode(bytes(core, core_size), bytes(envelope, envelope_size),
	    bytes(sigs, sigs_size), bytes(NULL, 0), a->whole, sizeof(a->whole),
	    &size));
	OK(hf_act_decode(&a->act, a->whole, size));
	pack_init(&p, a->frame, sizeof(a->frame));
	pack_array(&p, 3);
	pack_bin(&p, core, core_size);
	pack_bin(&p, envelope, envelope_size);
	pack_raw(&p, bytes(sigs, sigs_size));
	OK(pack_finish(&p, &a->frame_size));
	a->by[0] = own;
	a->by[1] = r->provider != NULL ? NULL : track == 0 ? &r->us : &r->jp;
	enter(r, a, 0, author == NULL);
	if (a->by[1] != NULL)
		enter(r, a, 1, author == NULL);
	r->act_count++;
	return a;
}

static void fill_opening(struct rig *r, struct hf_envelope *e)
{
	const struct hf_profile *p = hf_profile_by_name("test");

	e->measure =
	    r->provider != NULL ? HF_PRESERVATION : HF_TRACE_HISTORICAL;
	e->basis = HF_BASIS_EXERCISE;
	e->rules_version = 1;
	e->rules_profile = p->digest;
	e->not_after.ms = r->now + 9000;
	e->categories = HF_TRAFFIC;
	e->term_from.ms = r->now;
	e->term_until.ms = r->now + 10000;
	e->flag_count = 1;
	e->flags[0].flag = HF_FLAG_ORDER_SECRET;
	e->flags[0].strength = HF_BINDING;
	e->present |= BIT(HF_E_MEASURE) | BIT(HF_E_BASIS) | BIT(HF_E_RULES) |
		      BIT(HF_E_NOT_AFTER) | BIT(HF_E_URGENCY) |
		      BIT(HF_E_CATEGORIES) | BIT(HF_E_TERM) | BIT(HF_E_FLAGS);
}

static void fill_acknowledge(struct rig *r, struct hf_envelope *e)
{
	(void)r;
	e->rules_version = 1;
	e->rules_profile = hf_profile_by_name("test")->digest;
	e->present |= BIT(HF_E_RULES) | BIT(HF_E_RE);
}

static void fill_accept(struct rig *r, struct hf_envelope *e)
{
	e->categories = HF_TRAFFIC;
	e->term_from.ms = r->now;
	e->term_until.ms = r->now + 2000;
	e->present |= BIT(HF_E_CATEGORIES) | BIT(HF_E_TERM) | BIT(HF_E_RE);
}

void rig_plain(struct rig *r, struct hf_envelope *e)
{
	(void)r;
	(void)e;
}

void rig_re(struct rig *r, struct hf_envelope *e)
{
	(void)r;
	e->present |= BIT(HF_E_RE);
}

void rig_rebuild(struct rig *r)
{
	country_doc_free(r->us.doc);
	build(&r->us, NULL);
}

void rig_next_document(struct rig *r, struct country_doc **old)
{
	*old = r->us.doc;
	build(&r->us, *old);
}

struct rig *rig_new(bool order)
{
	struct rig *r = calloc(1, sizeof(*r));

	cr_assert_not_null(r);
	OK(hf_crypto_init());
	r->now = BEGIN;
	begin_country(&r->jp, "JP");
	begin_country(&r->us, "US");
	add_desk(&r->jp, "jp.ncp", DESK_CONTACT_POINT, false);
	r->asking = add_officer(&r->jp, "jp.ncp", "H. Sato", false);
	add_desk(&r->us, "us.ncp", DESK_CONTACT_POINT, false);
	r->asked = add_officer(&r->us, "us.ncp", "<b>J. \"Q\" Doe</b>", false);
	if (order) {
		add_desk(&r->us, "us.isp", DESK_PROVIDER, true);
		r->provider = add_officer(&r->us, "us.isp", "Desk 1", true);
	}
	build(&r->jp, NULL);
	build(&r->us, NULL);
	r->pins[0] = secret_sign_key(r->jp.root);
	r->pins[1] = secret_sign_key(r->us.root);
	/* an entry each before the first act, as a broker's start is */
	r->jp.leaves[r->jp.leaf_count++] = hf_merkle_leaf("j", 1);
	r->us.leaves[r->us.leaf_count++] = hf_merkle_leaf("u", 1);
	if (order) {
		r->exporter = r->provider;
		rig_act(r, r->asked, HF_KIND_ORDER, 0, fill_opening);
		rig_act(
		    r, r->provider, HF_KIND_ACKNOWLEDGE, 1, fill_acknowledge);
		return r;
	}
	r->exporter = r->asking;
	rig_act(r, r->asking, HF_KIND_REQUEST, 0, fill_opening);
	rig_act(r, r->asked, HF_KIND_ACKNOWLEDGE, 1, fill_acknowledge);
	rig_act(r, r->asked, HF_KIND_ACCEPT, 1, fill_accept);
	rig_act(r, r->asked, HF_KIND_HOP, 1, rig_re);
	r->now += 5000; /* past the hold's end */
	rig_act(r, NULL, HF_KIND_EXPIRE, 1, rig_re);
	return r;
}

static void free_country(struct rig_country *c)
{
	secret_free(c->root);
	secret_free(c->registrar);
	secret_free(c->broker);
	secret_free(c->witness);
	country_doc_free(c->doc);
}

void bundle_rig_free(struct rig *r)
{
	free_country(&r->jp);
	free_country(&r->us);
	signer_free(r->asking);
	signer_free(r->asked);
	signer_free(r->provider);
	free(r);
}

/* ---- members ---- */

static enum hf_err get_node(
    void *ctx, unsigned level, uint64_t index, struct hf_hash *out)
{
	const struct rig_country *c = ctx;
	size_t begin = (size_t)(index << level), n = (size_t)1 << level;

	if (begin + n > c->leaf_count)
		return HF_NOTFOUND;
	*out = hf_merkle_root(c->leaves + begin, n);
	return HF_OK;
}

/* The signed head over everything that the country's ledger holds. */
static void write_head(
    const struct rig_country *c, char note[HF_NOTE_MAX], size_t *size)
{
	struct hf_key key = secret_sign_key(c->broker);
	struct hf_hash root = hf_merkle_root(c->leaves, c->leaf_count);
	char origin[HF_ORIGIN_MAX], text[256];
	struct hf_sig sig;
	size_t n;

	hf_origin(origin, c->c, 1);
	n = hf_checkpoint_text(
	    text, sizeof(text), origin, c->leaf_count, &root);
	sig = secret_sign(c->broker, text, n);
	OK(hf_checkpoint_note(
	    note, HF_NOTE_MAX, size, text, origin, &key, &sig));
	rig_cosign_note(
	    note, c->c.s, c->witness, BEGIN / 1000, c->cosigns_falsely);
	*size = strlen(note);
}

static void add_receipt(const struct rig_act *a, unsigned i, struct tar *t)
{
	struct rig_country *by = a->by[i];
	struct hf_nodes nodes = {get_node, by};
	struct hf_hash path[HF_TREE_DEPTH_MAX];
	char note[HF_NOTE_MAX], name[TAR_NAME_MAX + 1];
	char text[HF_PROOF_TEXT_MAX];
	uint8_t out[HF_RECEIPT_MAX];
	struct hf_receipt r;
	unsigned count;
	size_t note_size, size;

	write_head(by, note, &note_size);
	OK(hf_merkle_path(&nodes, a->index[i], by->leaf_count, path, &count));
	OK(hf_receipt_encode(bytes(a->entry[i], a->entry_size[i]), a->index[i],
	    path, count, bytes(note, note_size), out, sizeof(out), &size));
	bundle_name(name, "receipts", a->act.envelope.track,
	    a->act.envelope.gen, &by->c);
	OK(tar_add(t, name, out, size));
	OK(hf_receipt_decode(&r, out, size));
	OK(hf_receipt_proof(&r, text, sizeof(text), &size));
	bundle_name(
	    name, "proofs", a->act.envelope.track, a->act.envelope.gen, &by->c);
	OK(tar_add(t, name, text, size));
}

void rig_receipts(struct rig *r, struct tar *t)
{
	for (unsigned i = 0; i < r->act_count; i++)
		for (unsigned k = 0; k < 2; k++)
			if (r->acts[i].by[k] != NULL)
				add_receipt(&r->acts[i], k, t);
}

static void add_act(const struct rig_act *a, struct tar *t)
{
	uint8_t indexes[HF_LEAF_MAX], out[2048];
	char name[TAR_NAME_MAX + 1];
	unsigned n = 0;
	size_t size;

	bundle_name(
	    name, "acts", a->act.envelope.track, a->act.envelope.gen, NULL);
	OK(tar_add(t, name, a->frame, a->frame_size));
	for (unsigned i = 0; i < a->leaves.count; i++)
		if (a->leaves.leaf[i].field != HF_F_HOST_NAME)
			indexes[n++] = (uint8_t)i;
	if (n == 0)
		return;
	OK(hf_cite_encode(&a->leaves, a->act.core_bytes, a->act.sigs_bytes,
	    indexes, n, out, sizeof(out), &size));
	bundle_name(
	    name, "leaves", a->act.envelope.track, a->act.envelope.gen, NULL);
	OK(tar_add(t, name, out, size));
}

static void add_country(const struct rig_country *c, struct tar *t)
{
	char name[TAR_NAME_MAX + 1];
	uint8_t *out = NULL, proof[4096];
	size_t size;

	snprintf(name, sizeof(name), "documents/%s.%u", c->c.s,
	    c->doc->head.version);
	OK(country_doc_strip(c->doc, &out, &size));
	OK(tar_add(t, name, out, size));
	free(out);
	for (unsigned i = 0; i < c->doc->entry_count; i++) {
		if (!c->doc->entries[i].domestic ||
		    c->doc->entries[i].type != ENTRY_OFFICER)
			continue;
		OK(country_entry_proof(c->doc, i, proof, sizeof(proof), &size));
		snprintf(name, sizeof(name), "entries/%s.1.%u", c->c.s, i);
		OK(tar_add(t, name, proof, size));
	}
}

void rig_members(struct rig *r, struct tar *t)
{
	char text[HF_NOTE_MAX], jp[HF_KEYLINE_MAX], us[HF_KEYLINE_MAX];
	size_t size;

	for (unsigned i = 0; i < r->act_count; i++)
		add_act(&r->acts[i], t);
	rig_receipts(r, t);
	if (r->provider == NULL)
		add_country(&r->jp, t);
	add_country(&r->us, t);
	hf_keyline(jp, HF_KEY_ROOT, &r->pins[0]);
	hf_keyline(us, HF_KEY_ROOT, &r->pins[1]);
	if (r->provider == NULL)
		snprintf(text, sizeof(text), "JP %s\nUS %s\n", jp, us);
	else
		snprintf(text, sizeof(text), "US %s\n", us);
	OK(tar_add(t, "pins", text, strlen(text)));
	minisign_public(text, &size, &r->exporter->sign_key, "whose");
	OK(tar_add(t, "exporter.pub", text, size));
	write_head(r->provider == NULL ? &r->jp : &r->us, text, &size);
	OK(tar_add(
	    t, r->provider == NULL ? "heads/JP" : "heads/US", text, size));
}

uint8_t *rig_export(struct rig *r, struct tar *t, size_t *size)
{
	struct bundle *b = NULL;
	uint8_t *file = NULL;

	OK(bundle_open(&b, t));
	OK(bundle_seal(b, r->exporter));
	OK(tar_write(&b->tar, &file, size));
	bundle_free(b);
	return file;
}

void rig_replace(struct tar *to, const struct tar *from, const char *name,
    const void *data, size_t size)
{
	for (unsigned i = 0; i < from->count; i++) {
		const struct tar_member *m = from->members[i];

		if (strcmp(m->name, name) != 0)
			OK(tar_add(
			    to, m->name, m->content.data, m->content.size));
		else if (data != NULL)
			OK(tar_add(to, m->name, data, size));
	}
}

static int by_name(const void *x, const void *y)
{
	return strcmp((*(const struct tar_member *const *)x)->name,
	    (*(const struct tar_member *const *)y)->name);
}

void rig_reseal(struct rig *r, struct tar *t)
{
	const struct tar_member *sorted[256];
	char manifest[256 * 140], *at = manifest, signature[MINISIGN_TEXT_MAX];
	char said[FILE_COMMENT_MAX + 1];
	struct tar out = {0}, last = {0};
	size_t size;
	unsigned n = 0;

	for (unsigned i = 0; i < t->count; i++)
		if (strncmp(t->members[i]->name, "manifest", 8) != 0)
			sorted[n++] = t->members[i];
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (unsigned i = 0; i < n; i++) {
		struct hf_hash h =
		    hf_sha256_2(sorted[i]->content, bytes(NULL, 0));
		char hex[2 * HF_HASH_SIZE + 1];

		hf_hex(hex, h.b, sizeof(h.b));
		at += sprintf(at, "%s  %s\n", hex, sorted[i]->name);
	}
	/* the same trusted comment as before */
	OK(minisign_verify(&r->exporter->sign_key,
	    tar_find(t, "manifest")->content,
	    tar_find(t, "manifest.minisig")->content, said));
	OK(minisign_sign(signature, &size, r->exporter,
	    bytes(manifest, strlen(manifest)), said));
	rig_replace(&out, t, "manifest", manifest, strlen(manifest));
	rig_replace(&last, &out, "manifest.minisig", signature, size);
	tar_release(&out);
	tar_release(t);
	*t = last;
}

struct roster *rig_pins(const struct rig *r)
{
	struct roster *pins = roster_new();

	OK(roster_pin(pins, r->jp.c, &r->pins[0]));
	OK(roster_pin(pins, r->us.c, &r->pins[1]));
	return pins;
}

struct bundle *rig_judge(struct tar *t)
{
	struct bundle *b = NULL;
	enum hf_err err = bundle_open(&b, t);

	cr_assert(err == HF_OK || err == HF_MISSING_KEY, "%d", err);
	cr_assert_not_null(b);
	bundle_check(b);
	return b;
}

struct bundle *rig_open(const uint8_t *file, size_t size)
{
	struct tar t = {0};
	size_t at;

	OK(tar_read(&t, file, size, &at));
	return rig_judge(&t);
}

const struct bundle_finding *rig_finding(
    const struct bundle *b, const char *member, bool note)
{
	for (unsigned i = 0; i < b->finding_count; i++)
		if (b->findings[i].note == note &&
		    strcmp(b->findings[i].member, member) == 0)
			return &b->findings[i];
	return NULL;
}
