#include "tests/client/ledger_rig.h"

#include "proto/cosign.h"
#include "proto/crypto.h"
#include "proto/leaf.h"
#include "proto/merkle.h"
#include "proto/note.h"
#include "proto/pack.h"
#include "proto/ref.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MUST(call) \
	do { \
		enum hf_err err_ = (call); \
		cr_assert_eq( \
		    err_, HF_OK, "%s: %s", #call, hf_err_info(err_)->name); \
	} while (0)
#define BIT(key) (UINT64_C(1) << (key))

static struct hf_bytes bytes(const void *data, size_t size)
{
	return (struct hf_bytes){data, size};
}

/* ---- files ---- */

static void write_file(
    const struct ledger_rig *r, const char *name, const void *data, size_t size)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(data, 1, size, f), size);
	cr_assert_eq(fclose(f), 0);
}

static void write_rows(
    const struct ledger_rig *r, const char *name, const struct rig_file *file)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	for (unsigned i = 0; i < file->count; i++)
		cr_assert_eq(
		    fwrite(file->row[i].bytes, 1, file->row[i].size, f),
		    file->row[i].size);
	cr_assert_eq(fclose(f), 0);
}

static void write_pins(const struct ledger_rig *r)
{
	struct hf_key jp = registry_root(&r->jp), us = registry_root(&r->us);
	char a[HF_KEYLINE_MAX], b[HF_KEYLINE_MAX], text[256];

	hf_keyline(a, HF_KEY_ROOT, &jp);
	hf_keyline(b, HF_KEY_ROOT, &us);
	snprintf(text, sizeof(text), "JP %s\nUS %s\n", a, b);
	write_file(r, "pins", text, strlen(text));
}

void rig_write(const struct ledger_rig *r)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/hashes", r->dir);
	unlink(path);
	write_rows(r, "ledger", &r->ledger);
	write_rows(r, "receipts", &r->receipts);
	write_rows(r, "states", &r->states);
	write_file(r, "head", r->head, strlen(r->head));
	if (r->has_hashes)
		write_file(r, "hashes", r->hashes,
		    r->hash_count * sizeof(r->hashes[0]));
	write_file(r, "documents/JP.1", r->docs[0]->bytes, r->docs[0]->size);
	write_file(r, "documents/JP.2", r->docs[1]->bytes, r->docs[1]->size);
	write_file(r, "documents/US.1", r->docs[2]->bytes, r->docs[2]->size);
	write_pins(r);
}

static void add_frame(struct rig_file *f, const struct pack *p)
{
	struct rig_frame *row = &f->row[f->count++];

	cr_assert_leq(f->count, RIG_ENTRIES);
	cr_assert_eq(p->err, HF_OK);
	row->bytes[0] = row->bytes[1] = 0;
	row->bytes[2] = (uint8_t)(p->at >> 8);
	row->bytes[3] = (uint8_t)p->at;
	memcpy(row->bytes + 4, p->data, p->at);
	row->size = 4 + p->at;
}

void rig_remove(struct rig_file *f, unsigned at)
{
	f->count--;
	memmove(
	    &f->row[at], &f->row[at + 1], (f->count - at) * sizeof(f->row[0]));
}

void rig_insert(struct rig_file *f, unsigned at, const struct rig_frame *frame)
{
	struct rig_frame copy = *frame;

	cr_assert_lt(f->count, RIG_ENTRIES);
	memmove(
	    &f->row[at + 1], &f->row[at], (f->count - at) * sizeof(f->row[0]));
	f->row[at] = copy;
	f->count++;
}

/* ---- entries ---- */

static void add_entry(struct ledger_rig *r, const struct hf_ledger_leaf *leaf,
    const struct hf_act *act, struct hf_bytes payload)
{
	uint8_t leaf_bytes[HF_LEDGER_LEAF_MAX], frame[8000];
	struct hf_bytes none = {NULL, 0};
	struct pack p;
	size_t size;

	MUST(
	    hf_ledger_leaf_encode(leaf, leaf_bytes, sizeof(leaf_bytes), &size));
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 5);
	pack_bin(&p, leaf_bytes, size);
	pack_bin(&p, act ? act->core_bytes.data : none.data,
	    act ? act->core_bytes.size : 0);
	pack_bin(&p, act ? act->envelope_bytes.data : none.data,
	    act ? act->envelope_bytes.size : 0);
	pack_bin(&p, act ? act->sigs_bytes.data : none.data,
	    act ? act->sigs_bytes.size : 0);
	pack_bin(&p, payload.data, payload.size);
	add_frame(&r->ledger, &p);
	r->now.ms += 1000;
}

void rig_statement(struct ledger_rig *r, const struct hf_statement *s)
{
	struct hf_ledger_leaf leaf = {.type = s->type,
	    .epoch = 1,
	    .entered = r->now,
	    .bound_ms = 5,
	    .id = s->subject};
	uint8_t payload[HF_PAYLOAD_MAX];
	size_t size;

	MUST(hf_statement_encode(s, payload, sizeof(payload), &size));
	leaf.core = hf_hash(HF_TAG_STATEMENT, payload, size);
	add_entry(r, &leaf, NULL, bytes(payload, size));
}

static void roster_statement(struct ledger_rig *r, const char *country,
    unsigned code, uint64_t version, const void *detail)
{
	struct hf_statement s = {.type = HF_ENTRY_ROSTER,
	    .text = bytes(country, 2),
	    .code = code,
	    .count = version,
	    .detail = bytes(detail, 32)};

	rig_statement(r, &s);
}

static struct hf_ledger_leaf act_leaf(
    const struct ledger_rig *r, unsigned type, const struct hf_act *act)
{
	return (struct hf_ledger_leaf){
	    .type = type,
	    .epoch = 1,
	    .entered = r->now,
	    .bound_ms = 5,
	    .id = act->id,
	    .core = act->digest,
	    .envelope = hf_hash(HF_TAG_ENVELOPE, act->envelope_bytes.data,
		act->envelope_bytes.size),
	    .sigs = hf_hash(
		HF_TAG_SIGS, act->sigs_bytes.data, act->sigs_bytes.size),
	};
}

/* ---- heads and receipts ---- */

static size_t sign_note(char out[HF_NOTE_MAX], const char *origin,
    const struct secret *key, uint64_t size, const struct hf_hash *root)
{
	char text[256];
	struct hf_key public_key = secret_sign_key(key);
	size_t n = hf_checkpoint_text(text, sizeof(text), origin, size, root);
	struct hf_sig sig = secret_sign(key, text, n);
	size_t note_size;

	MUST(hf_checkpoint_note(
	    out, HF_NOTE_MAX, &note_size, text, origin, &public_key, &sig));
	return note_size;
}

void rig_head(struct ledger_rig *r, const char *origin,
    const struct secret *key, uint64_t size, const struct hf_hash *root)
{
	sign_note(r->head, origin, key, size, root);
}

void rig_cosign_note(char note[HF_NOTE_MAX], const char *country,
    const struct secret *key, uint64_t seconds, bool broken)
{
	struct hf_bytes whole = bytes(note, strlen(note)), text, lines;
	char name[HF_WITNESS_NAME_MAX], line[HF_COSIGN_LINE_MAX];
	char out[HF_NOTE_MAX + 1];
	struct hf_key public_key = secret_sign_key(key);
	uint8_t message[HF_COSIGN_MESSAGE_MAX];
	struct hf_country c = {{0}};
	struct hf_sig sig;
	size_t n;

	memcpy(c.s, country, HF_COUNTRY_SIZE);
	hf_witness_name(name, c);
	cr_assert(hf_note_split(whole, &text, &lines));
	n = hf_cosign_message(message, seconds, text);
	sig = secret_sign(key, message, n);
	sig.b[3] ^= broken;
	n = hf_cosign_line(line, name, &public_key, seconds, &sig);
	MUST(hf_cosign_add(whole, bytes(line, n), out, sizeof(out), &n));
	memcpy(note, out, n + 1);
}

void rig_cosign(struct ledger_rig *r, const char *country,
    const struct secret *key, uint64_t at)
{
	rig_cosign_note(
	    r->head, country, key, (at != 0 ? at : r->now.ms) / 1000, false);
}

void rig_graft(struct ledger_rig *r, unsigned at, unsigned of)
{
	struct rig_frame a = r->ledger.row[at];
	struct rig_frame *out = &r->ledger.row[at];
	const struct rig_frame *b = &r->ledger.row[of];
	size_t kept = 7u + a.bytes[6], rest = 7u + b->bytes[6];

	memcpy(out->bytes + kept, b->bytes + rest, b->size - rest);
	out->size = kept + b->size - rest;
	out->bytes[2] = (uint8_t)((out->size - 4) >> 8);
	out->bytes[3] = (uint8_t)(out->size - 4);
}

static struct hf_hash leaf_hash(const struct rig_frame *f)
{
	struct hf_bytes leaf;
	struct wire w;

	wire_init(&w, f->bytes + 4, f->size - 4);
	wire_array(&w, 5, 5);
	leaf = wire_bin(&w, 1, HF_LEDGER_LEAF_MAX);
	cr_assert_eq(w.err, HF_OK);
	return hf_merkle_leaf(leaf.data, leaf.size);
}

struct hf_hash rig_root(const struct ledger_rig *r)
{
	return hf_merkle_root(r->hashes, r->hash_count);
}

/* A receipt of US over a tree of this one leaf. */
static size_t us_receipt(const struct ledger_rig *r,
    const struct hf_ledger_leaf *leaf, uint8_t out[HF_RECEIPT_MAX])
{
	uint8_t leaf_bytes[HF_LEDGER_LEAF_MAX];
	char note[HF_NOTE_MAX + 1];
	struct hf_hash root;
	size_t size;

	MUST(
	    hf_ledger_leaf_encode(leaf, leaf_bytes, sizeof(leaf_bytes), &size));
	root = hf_merkle_leaf(leaf_bytes, size);
	sign_note(note, "holdfast/US/1", r->us_broker, 1, &root);
	rig_cosign_note(
	    note, "JP", r->jp_witness, r->now.ms / 1000, r->break_cosignature);
	MUST(hf_receipt_encode(bytes(leaf_bytes, size), 0, NULL, 0,
	    bytes(note, strlen(note)), out, HF_RECEIPT_MAX, &size));
	return size;
}

/* [act or case, "US", receipt] */
static void receipt_row(const struct ledger_rig *r,
    const struct hf_ledger_leaf *leaf, struct rig_file *f)
{
	uint8_t receipt[HF_RECEIPT_MAX], row[4096];
	size_t size = us_receipt(r, leaf, receipt);
	struct pack p;

	pack_init(&p, row, sizeof(row));
	pack_array(&p, 3);
	pack_bin(&p, leaf->id.b, sizeof(leaf->id.b));
	pack_text(&p, "US");
	pack_bin(&p, receipt, size);
	add_frame(f, &p);
}

void rig_certificate(const struct ledger_rig *r, struct rig_frame *row)
{
	const struct hf_ledger_leaf leaf = {.type = HF_ENTRY_ERASED,
	    .epoch = 1,
	    .entered = r->now,
	    .bound_ms = 5,
	    .id = r->case_id,
	    .core = {{7}}};
	struct rig_file *f = calloc(1, sizeof(*f));

	cr_assert_not_null(f);
	receipt_row(r, &leaf, f);
	*row = f->row[0];
	free(f);
}

/* ---- acts ---- */

/* Sign an act of the envelope `env` as of now. */
static void make_act(const struct ledger_rig *r, unsigned kind,
    struct hf_envelope *env, const struct secret *officer, uint8_t *frame,
    struct hf_act *act)
{
	uint8_t core_bytes[HF_CORE_MAX], env_bytes[HF_ENVELOPE_MAX];
	uint8_t sigs_bytes[HF_SIGS_MAX];
	struct hf_leaves none = {.count = 0};
	struct hf_core core = {.suite = 1,
	    .kind = kind,
	    .created = r->now,
	    .author = secret_sign_key(officer),
	    .root = hf_leaves_root(&none),
	    .body = hf_hash(HF_TAG_BODY, "sealed", 6)};
	struct hf_signature sig = {.key = core.author};
	struct hf_hash digest, to_sign;
	size_t core_size, env_size, sigs_size, size;

	env->present |= BIT(HF_E_SALT) | BIT(HF_E_FROM) | BIT(HF_E_TO) |
			BIT(HF_E_TRACK) | BIT(HF_E_GEN) | BIT(HF_E_SEEN_GEN) |
			BIT(HF_E_POLICY) | BIT(HF_E_ROSTER);
	hf_random(env->salt, sizeof(env->salt));
	env->roster = 1;
	MUST(hf_envelope_encode(env, env_bytes, sizeof(env_bytes), &env_size));
	core.envelope = hf_hash(HF_TAG_ENVELOPE, env_bytes, env_size);
	MUST(hf_core_encode(&core, core_bytes, sizeof(core_bytes), &core_size));
	digest = hf_core_digest(bytes(core_bytes, core_size));
	to_sign = hf_act_to_sign(&digest);
	sig.sig = secret_sign(officer, to_sign.b, sizeof(to_sign.b));
	if (r->break_signature)
		sig.sig.b[9] ^= 1;
	MUST(hf_sigs_encode(
	    &sig, 1, sigs_bytes, sizeof(sigs_bytes), &sigs_size));
	MUST(hf_act_encode(bytes(core_bytes, core_size),
	    bytes(env_bytes, env_size), bytes(sigs_bytes, sigs_size),
	    bytes(NULL, 0), frame, HF_ACT_MAX, &size));
	MUST(hf_act_decode(act, frame, size));
}

static void remember(struct ledger_rig *r, const struct hf_act *act)
{
	unsigned t = act->envelope.track;

	hf_life_act_from(&r->acts[t][r->act_count[t]++], &act->core,
	    &act->envelope, &act->digest, &act->id, r->now);
}

static void follow(const struct ledger_rig *r, struct hf_envelope *env,
    const char *from, const char *to, unsigned track)
{
	uint32_t own = r->act_count[track], other = r->act_count[track ^ 1u];

	snprintf(env->from.s, sizeof(env->from.s), "%s", from);
	snprintf(env->to.s, sizeof(env->to.s), "%s", to);
	env->track = track;
	env->gen = own + 1;
	env->seen_gen = other;
	if (own + other > 0) {
		env->case_id = r->case_id;
		env->present |= BIT(HF_E_CASE);
	}
	if (own > 0) {
		env->prev = r->acts[track][own - 1].digest;
		env->present |= BIT(HF_E_PREV);
	}
	if (other > 0) {
		env->seen = r->acts[track ^ 1u][other - 1].digest;
		env->present |= BIT(HF_E_SEEN);
	}
}

static void rules(struct hf_envelope *env)
{
	env->rules_version = 1;
	env->rules_profile = hf_profile_by_name("test")->digest;
	env->present |= BIT(HF_E_RULES);
}

static void add_receipt(struct ledger_rig *r, const struct hf_act *act)
{
	struct hf_ledger_leaf leaf = act_leaf(r, HF_ENTRY_FOREIGN, act);

	receipt_row(r, &leaf, &r->receipts);
}

void rig_receipts_again(struct ledger_rig *r)
{
	const struct rig_frame *f = &r->ledger.row[RIG_REQUEST];
	uint8_t frame[HF_ACT_MAX];
	struct hf_bytes part[5];
	struct hf_act act;
	struct wire w;
	size_t size;

	wire_init(&w, f->bytes + 4, f->size - 4);
	wire_array(&w, 5, 5);
	for (unsigned i = 0; i < 5; i++)
		part[i] = wire_bin(&w, 0, sizeof(frame));
	MUST(hf_act_encode(part[1], part[2], part[3], bytes(NULL, 0), frame,
	    sizeof(frame), &size));
	MUST(hf_act_decode(&act, frame, size));
	r->receipts.count = 0;
	add_receipt(r, &act);
}

size_t rig_fork(const struct ledger_rig *r, uint8_t out[HF_FORK_MAX])
{
	struct hf_key key = secret_sign_key(r->us_broker);
	struct hf_hash root[2] = {{{1}}, {{2}}};
	char note[2][HF_NOTE_MAX];
	size_t size[2], n;

	for (unsigned i = 0; i < 2; i++)
		size[i] = sign_note(
		    note[i], "holdfast/US/1", r->us_broker, 500, &root[i]);
	MUST(hf_fork_encode("holdfast/US/1", &key, bytes(note[0], size[0]),
	    bytes(note[1], size[1]), out, &n));
	return n;
}

void rig_request(struct ledger_rig *r, const struct secret *officer)
{
	struct hf_envelope env = {.measure = HF_PRESERVATION,
	    .basis = hf_profile_by_name("test")->basis,
	    .urgency = HF_URGENT,
	    .categories = HF_TRAFFIC,
	    .not_after = {r->now.ms + 3600000}};
	uint8_t frame[HF_ACT_MAX];
	struct hf_ledger_leaf leaf;
	struct hf_act act;

	env.present = BIT(HF_E_MEASURE) | BIT(HF_E_BASIS) | BIT(HF_E_URGENCY) |
		      BIT(HF_E_CATEGORIES) | BIT(HF_E_NOT_AFTER);
	rules(&env);
	follow(r, &env, "jp.ncp", "us.ncp", HF_TRACK_ASKING);
	make_act(r, HF_KIND_REQUEST, &env, officer, frame, &act);
	r->case_id = act.id;
	remember(r, &act);
	add_receipt(r, &act);
	leaf = act_leaf(r, HF_ENTRY_OWN, &act);
	add_entry(r, &leaf, &act, bytes(NULL, 0));
}

void rig_acknowledge(struct ledger_rig *r)
{
	struct hf_envelope env = {.re = r->case_id};
	uint8_t frame[HF_ACT_MAX], receipt[HF_RECEIPT_MAX];
	struct hf_ledger_leaf leaf;
	struct hf_act act;
	size_t size;

	env.present = BIT(HF_E_RE);
	rules(&env);
	follow(r, &env, "us.ncp", "jp.ncp", HF_TRACK_ASKED);
	make_act(r, HF_KIND_ACKNOWLEDGE, &env, r->theirs, frame, &act);
	remember(r, &act);
	leaf = act_leaf(r, HF_ENTRY_OWN, &act);
	size = us_receipt(r, &leaf, receipt);
	leaf = act_leaf(r, HF_ENTRY_FOREIGN, &act);
	add_entry(r, &leaf, &act, bytes(receipt, size));
}

void rig_note(struct ledger_rig *r, const struct secret *officer)
{
	struct hf_envelope env = {.present = 0};
	struct hf_ledger_leaf leaf;
	uint8_t frame[HF_ACT_MAX];
	struct hf_act act;

	follow(r, &env, "jp.ncp", "us.ncp", HF_TRACK_ASKING);
	make_act(r, HF_KIND_NOTE, &env, officer, frame, &act);
	remember(r, &act);
	leaf = act_leaf(r, HF_ENTRY_OWN, &act);
	add_entry(r, &leaf, &act, bytes(NULL, 0));
}

void rig_state(struct ledger_rig *r)
{
	struct hf_case *c = calloc(1, sizeof(*c));
	uint8_t row[128];
	struct hf_hash digest;
	struct pack p;

	cr_assert_not_null(c);
	c->profile = hf_profile_by_name("test");
	c->asking = r->acts[0];
	c->asked = r->acts[1];
	c->asking_count = r->act_count[0];
	c->asked_count = r->act_count[1];
	MUST(hf_case_fold(c));
	cr_assert_eq(c->state, HF_STATE_ACKNOWLEDGED);
	digest = hf_case_digest(c);
	pack_init(&p, row, sizeof(row));
	pack_array(&p, 3);
	pack_bin(&p, r->case_id.b, sizeof(r->case_id.b));
	pack_uint(&p, c->state);
	pack_bin(&p, digest.b, sizeof(digest.b));
	add_frame(&r->states, &p);
	free(c);
}

void rig_sign(struct ledger_rig *r)
{
	struct hf_hash root;

	r->hash_count = r->ledger.count;
	for (unsigned i = 0; i < r->ledger.count; i++)
		r->hashes[i] = leaf_hash(&r->ledger.row[i]);
	root = rig_root(r);
	rig_head(r, "holdfast/JP/1", r->jp_broker, r->hash_count, &root);
	r->states.count = 0;
	rig_state(r);
}

/* ---- life ---- */

static struct country_entry *add_officer(
    struct registry *reg, const char *desk, const struct secret *s)
{
	struct country_entry *e = registry_officer(reg, desk, false);

	e->u.officer.sign = secret_sign_key(s);
	return e;
}

static void add_broker(struct registry *reg, const struct secret *ledger,
    const struct secret *witness)
{
	struct broker_entry *b = &registry_broker(reg, 1)->u.broker;

	b->ledger = secret_sign_key(ledger);
	b->has_witness = true;
	b->witness = secret_sign_key(witness);
}

static struct country_doc *build(const struct registry *reg,
    const struct country_doc *previous, uint32_t version)
{
	struct blob b = registry_build(reg, previous, version);
	struct country_doc *d = registry_open(reg, &b);

	free(b.data);
	return d;
}

static void set_up(struct ledger_rig *r)
{
	struct country_entry *officer;
	struct hf_key lost;

	registry_init(&r->jp, "JP", 2);
	registry_init(&r->us, "US", 2);
	r->jp_broker = secret_new(SECRET_BROKER);
	r->us_broker = secret_new(SECRET_BROKER);
	r->jp_witness = secret_new(SECRET_OFFICER);
	r->us_witness = secret_new(SECRET_OFFICER);
	r->first = secret_new(SECRET_OFFICER);
	r->second = secret_new(SECRET_OFFICER);
	r->theirs = secret_new(SECRET_OFFICER);
	add_broker(&r->jp, r->jp_broker, r->jp_witness);
	add_broker(&r->us, r->us_broker, r->us_witness);
	registry_desk(&r->jp, "jp.ncp", false);
	registry_desk(&r->us, "us.ncp", false);
	add_officer(&r->us, "us.ncp", r->theirs);
	officer = add_officer(&r->jp, "jp.ncp", r->first);
	r->docs[0] = build(&r->jp, NULL, 1);
	r->docs[2] = build(&r->us, NULL, 1);
	/* the second comes for the first */
	officer->u.officer.sign = secret_sign_key(r->second);
	/* whose key was lost, as was found out later: since the request */
	lost = secret_sign_key(r->first);
	registry_revocation(&r->jp, &lost, NOW + 60000)->u.revocation.since.ms =
	    NOW + 5000;
	r->docs[1] = build(&r->jp, r->docs[0], 2);
}

struct ledger_rig *ledger_rig_new(void)
{
	struct hf_statement start = {.type = HF_ENTRY_START},
			    stop = {.type = HF_ENTRY_STOP};
	struct ledger_rig *r = calloc(1, sizeof(*r));
	char path[128];
	struct hf_key root;

	cr_assert_not_null(r);
	strcpy(r->dir, "/tmp/hf-ledger-XXXXXX");
	cr_assert_not_null(mkdtemp(r->dir));
	snprintf(path, sizeof(path), "%s/documents", r->dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	set_up(r);
	r->now.ms = NOW;
	r->has_hashes = true;
	rig_statement(r, &start);
	root = registry_root(&r->jp);
	roster_statement(r, "JP", 1, 0, root.b);
	roster_statement(r, "JP", 3, 1, r->docs[0]->head_digest.b);
	root = registry_root(&r->us);
	roster_statement(r, "US", 1, 0, root.b);
	roster_statement(r, "US", 3, 1, r->docs[2]->head_digest.b);
	rig_request(r, r->first);
	rig_acknowledge(r);
	roster_statement(r, "JP", 3, 2, r->docs[1]->head_digest.b);
	rig_note(r, r->second);
	rig_statement(r, &stop);
	cr_assert_eq(r->ledger.count, RIG_COUNT);
	rig_sign(r);
	return r;
}

void rig_free(struct ledger_rig *r)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", r->dir);
	cr_assert_eq(system(command), 0);
	for (unsigned i = 0; i < 3; i++)
		country_doc_free(r->docs[i]);
	registry_release(&r->jp);
	registry_release(&r->us);
	secret_free(r->jp_broker);
	secret_free(r->us_broker);
	secret_free(r->jp_witness);
	secret_free(r->us_witness);
	secret_free(r->first);
	secret_free(r->second);
	secret_free(r->theirs);
	free(r);
}

struct rig_verdict rig_verify(const struct ledger_rig *r, bool replay)
{
	static const struct out quiet = {.quiet = true, .mode = OUT_JSON};
	static unsigned passes;
	struct rig_verdict v = {.err = HF_OK};
	struct replay *p = NULL;
	const char *what;
	struct audit a;

	v.err = audit_open(&a, &quiet, r->dir, &what);
	if (v.err != HF_OK)
		return v;
	a.threads = r->threads != 0 ? r->threads : 1 + passes++ % 3;
	if (replay)
		v.err = replay_new(&p, &a, NULL);
	if (v.err == HF_OK)
		v.err = audit_verify(&a, replay ? replay_take : NULL, p);
	if (v.err == HF_OK && replay)
		v.err = replay_compare(p);
	v.entries = a.entries;
	v.acts = a.acts;
	v.verified = a.verified;
	v.disputed = a.disputed;
	v.sent = a.sent;
	v.receipted = a.receipted;
	v.cases = a.cases;
	v.forks = a.forks;
	v.certificates = a.certificates;
	v.head_witnesses = a.head_witnesses;
	memcpy(v.witnessed, a.witnessed, sizeof(v.witnessed));
	v.found = a.found.count;
	v.first = a.found.first;
	snprintf(v.text, sizeof(v.text), "%s", a.found.first_text);
	replay_free(p);
	audit_close(&a);
	return v;
}
