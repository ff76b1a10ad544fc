/*
 * Types against types: whatever is signed, hashed or sealed is offered where
 * each of the others is expected, and is taken for itself only.
 *
 *   bytes       each format of proto/SPEC.md, to each reader
 *   signatures  a true signature of the right key over the right bytes, made
 *               in every other context
 *   digests     one content under every tag, and as nodes of a tree
 *   seals       one key and nonce, every other context
 *   key lines   one key under every type
 *
 * The diagonal is the control: there all of them are taken.
 */
#include "client/minisign.h"
#include "proto/catalogue.h"
#include "proto/cosign.h"
#include "proto/crypto.h"
#include "proto/leaf.h"
#include "proto/merkle.h"
#include "proto/note.h"
#include "proto/ref.h"
#include "proto/seal.h"
#include "tests/client/ledger_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "holdfast/JP/1"
#define WITNESS "holdfast/US/witness"
#define MUST(call) \
	do { \
		enum hf_err err_ = (call); \
		cr_assert_eq( \
		    err_, HF_OK, "%s: %s", #call, hf_err_info(err_)->name); \
	} while (0)

static const struct hf_bytes none;

static struct hf_bytes bytes(const void *data, size_t size)
{
	return (struct hf_bytes){data, size};
}

/* ---- one of each ---- */

/** Everything is signed by one secret, so that no key tells types apart; a
 * document by those of its registry. */
static struct things {
	struct secret *secret;
	struct signer *signer;
	struct hf_key key, desk;
	uint8_t desk_secret[HF_KEY_SIZE], body_key[HF_KEY_SIZE];
	struct registry jp;
	struct country_doc *doc;
	struct hf_hash envelope_hash, root, path[1];
	struct hf_leaf leaf_of_act;
} all;

enum type {
	ACT,
	CORE,
	ENVELOPE,
	SIGS,
	BODY,
	LEAVES,
	CITE,
	LEAF,
	STATEMENT,
	NOTE,
	COSIGNATURE,
	RECEIPT,
	FORK,
	DOCUMENT,
	ENTRY,
	ENTRY_PROOF,
	PROFILE,
	FILE_KEY,
	FILE_SIGNATURE,
	TYPES
};
static const char *const names[TYPES] = {"act", "core", "envelope",
    "signatures", "body", "leaves", "cite", "ledger leaf", "statement",
    "signed head", "cosignature", "receipt", "fork", "country document",
    "entry", "proof of an entry", "profile", "minisign key",
    "minisign signature"};
static struct {
	uint8_t *data;
	size_t size;
} made[TYPES];
static const struct hf_bytes signed_file = {(const uint8_t *)"manifest\n", 9};

static void keep(enum type t, const void *data, size_t size)
{
	made[t].data = malloc(size + 1);
	cr_assert_not_null(made[t].data);
	memcpy(made[t].data, data, size);
	made[t].size = size;
}

static struct hf_bytes of(enum type t)
{
	return bytes(made[t].data, made[t].size);
}

static void make_envelope(void)
{
	struct hf_envelope e = {.to = {"us.ncp"},
	    .from = {"jp.ncp"},
	    .track = HF_TRACK_ASKING,
	    .gen = 1,
	    .measure = HF_PRESERVATION,
	    .basis = HF_BASIS_BUDAPEST,
	    .rules_version = 1,
	    .not_after = {NOW + DAY_MS},
	    .urgency = HF_URGENT,
	    .categories = HF_TRAFFIC,
	    .roster = 1};
	static const enum hf_envelope_key keys[] = {HF_E_SALT, HF_E_FROM,
	    HF_E_TO, HF_E_TRACK, HF_E_GEN, HF_E_SEEN_GEN, HF_E_MEASURE,
	    HF_E_BASIS, HF_E_RULES, HF_E_NOT_AFTER, HF_E_URGENCY,
	    HF_E_CATEGORIES, HF_E_POLICY, HF_E_ROSTER};
	static const uint8_t policy[] = {1};
	uint8_t out[HF_ENVELOPE_MAX];
	size_t size;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		e.present |= UINT64_C(1) << keys[i];
	e.policy = bytes(policy, sizeof(policy));
	MUST(hf_envelope_encode(&e, out, sizeof(out), &size));
	keep(ENVELOPE, out, size);
	all.envelope_hash = hf_hash(HF_TAG_ENVELOPE, out, size);
}

static void make_body(struct hf_leaves *l)
{
	static const uint8_t value[] = {0xc4, 5, 'v', 'a', 'l', 'u', 'e'};
	static uint8_t out[HF_BODY_MAX];
	struct hf_recipient to = {
	    .desk = {"us.ncp"}, .epoch = 1, .key = all.desk};
	struct hf_seal_chance chance;
	size_t size;

	memset(&chance, 0x3c, sizeof(chance));
	memcpy(all.body_key, chance.key, sizeof(all.body_key));
	l->count = 1;
	l->leaf[0].field = HF_F_SESSION_ID;
	l->leaf[0].value = bytes(value, sizeof(value));
	hf_leaves_salt(l);
	MUST(hf_leaves_encode(l, out, sizeof(out), &size));
	keep(LEAVES, out, size);
	MUST(hf_body_seal(made[LEAVES].data, made[LEAVES].size, &to, 1,
	    &all.key, &all.envelope_hash, &chance, out, sizeof(out), &size));
	keep(BODY, out, size);
}

static void make_core(const struct hf_leaves *l)
{
	struct hf_core core = {.suite = 1,
	    .kind = HF_KIND_REQUEST,
	    .author = all.key,
	    .created = {NOW},
	    .root = hf_leaves_root(l),
	    .body = hf_hash(HF_TAG_BODY, made[BODY].data, made[BODY].size),
	    .envelope = all.envelope_hash};
	uint8_t out[HF_CORE_MAX];
	size_t size;

	MUST(hf_core_encode(&core, out, sizeof(out), &size));
	keep(CORE, out, size);
}

static void make_act(void)
{
	static uint8_t out[HF_ACT_MAX];
	struct hf_leaves l = {.count = 0};
	struct hf_signature sig = {.key = all.key};
	struct hf_hash digest, message;
	const uint8_t first = 0;
	size_t size;

	make_envelope();
	make_body(&l);
	make_core(&l);
	digest = hf_core_digest(of(CORE));
	message = hf_act_to_sign(&digest);
	sig.sig = secret_sign(all.secret, message.b, sizeof(message.b));
	MUST(hf_sigs_encode(&sig, 1, out, HF_SIGS_MAX, &size));
	keep(SIGS, out, size);
	MUST(hf_act_encode(of(CORE), of(ENVELOPE), of(SIGS), of(BODY), out,
	    sizeof(out), &size));
	keep(ACT, out, size);
	MUST(hf_cite_encode(
	    &l, of(CORE), of(SIGS), &first, 1, out, sizeof(out), &size));
	keep(CITE, out, size);
}

/* A note over `text`, signed as given. */
static size_t note_of(
    char out[HF_NOTE_MAX + 1], const char *text, const struct hf_sig *sig)
{
	size_t size;

	MUST(hf_checkpoint_note(
	    out, HF_NOTE_MAX + 1, &size, text, ORIGIN, &all.key, sig));
	return size;
}

static size_t head_text(char out[256], uint64_t entries, uint8_t fill)
{
	struct hf_hash root = all.root;
	size_t size;

	if (fill != 0)
		memset(root.b, fill, sizeof(root.b));
	size = hf_checkpoint_text(out, 256, ORIGIN, entries, &root);
	cr_assert_gt(size, 0);
	return size;
}

static void make_ledger(void)
{
	struct hf_ledger_leaf leaf = {.type = HF_ENTRY_OWN,
	    .epoch = 1,
	    .entered = {NOW},
	    .bound_ms = 5,
	    .core = hf_core_digest(of(CORE)),
	    .envelope = all.envelope_hash};
	struct hf_statement s = {.type = HF_ENTRY_CLOCK, .code = 1};
	char text[256], note[2][HF_NOTE_MAX + 1], line[HF_COSIGN_LINE_MAX];
	uint8_t out[HF_RECEIPT_MAX], message[HF_COSIGN_MESSAGE_MAX];
	struct hf_sig sig;
	size_t size, n[2];

	MUST(hf_ledger_leaf_encode(&leaf, out, sizeof(out), &size));
	keep(LEAF, out, size);
	all.root = hf_merkle_leaf(out, size);
	MUST(hf_statement_encode(&s, out, sizeof(out), &size));
	keep(STATEMENT, out, size);
	for (unsigned i = 0; i < 2;
	     i++) { /* a head of one entry, and a rival */
		size = head_text(text, 1, i == 0 ? 0 : 7);
		sig = secret_sign(all.secret, text, size);
		n[i] = note_of(note[i], text, &sig);
	}
	keep(NOTE, note[0], n[0]);
	size = head_text(text, 1, 0);
	size = hf_cosign_message(message, NOW / 1000, bytes(text, size));
	sig = secret_sign(all.secret, message, size);
	size = hf_cosign_line(line, WITNESS, &all.key, NOW / 1000, &sig);
	keep(COSIGNATURE, line, size);
	MUST(hf_receipt_encode(
	    of(LEAF), 0, NULL, 0, of(NOTE), out, sizeof(out), &size));
	keep(RECEIPT, out, size);
	MUST(hf_fork_encode(ORIGIN, &all.key, bytes(note[0], n[0]),
	    bytes(note[1], n[1]), out, &size));
	keep(FORK, out, size);
}

static void make_country(void)
{
	static uint8_t out[1 << 16];
	const uint8_t salt[HF_SALT_SIZE] = {9};
	struct blob b;
	size_t size;

	registry_init(&all.jp, "JP", 2);
	registry_fill(&all.jp);
	b = registry_build(&all.jp, NULL, 1);
	keep(DOCUMENT, b.data, b.size);
	all.doc = registry_open(&all.jp, &b);
	free(b.data);
	MUST(country_entry_encode(
	    &all.jp.entries[0], salt, out, sizeof(out), &size));
	keep(ENTRY, out, size);
	MUST(country_entry_proof(all.doc, 0, out, sizeof(out), &size));
	keep(ENTRY_PROOF, out, size);
	MUST(hf_profile_encode(hf_profile_at(0), out, sizeof(out), &size));
	keep(PROFILE, out, size);
}

static void make_files(void)
{
	char text[MINISIGN_TEXT_MAX];
	size_t size;

	minisign_public(text, &size, &all.key, "comment");
	keep(FILE_KEY, text, size);
	MUST(minisign_sign(text, &size, all.signer, signed_file, "comment"));
	keep(FILE_SIGNATURE, text, size);
}

static void set_up(void)
{
	MUST(hf_crypto_init());
	all.secret = secret_new(SECRET_BROKER);
	cr_assert_not_null(all.secret);
	all.key = secret_sign_key(all.secret);
	MUST(signer_from_secret(&all.signer, all.secret));
	sealing_pair(&all.desk, all.desk_secret);
	make_act();
	make_ledger();
	make_country();
	make_files();
}

static void tear_down(void)
{
	country_doc_free(all.doc);
	registry_release(&all.jp);
	signer_free(all.signer); /* with the secret */
	for (unsigned i = 0; i < TYPES; i++)
		free(made[i].data);
}

TestSuite(types, .init = set_up, .fini = tear_down, .timeout = 120);

/* ---- bytes ---- */

static enum hf_err read_act(struct hf_bytes b)
{
	static struct hf_act act;
	enum hf_err err = hf_act_decode(&act, b.data, b.size);

	return err == HF_OK ? hf_act_verify(&act) : err;
}

static enum hf_err read_body(struct hf_bytes b)
{
	static uint8_t out[HF_BODY_MAX];
	struct hf_body body;
	size_t size;
	enum hf_err err = hf_body_decode(&body, b.data, b.size);

	return err == HF_OK ? hf_body_open(&body, all.body_key, &all.key,
				  &all.envelope_hash, out, &size)
			    : err;
}

static enum hf_err read_receipt(struct hf_bytes b)
{
	static struct hf_receipt r;
	uint64_t size;
	enum hf_err err = hf_receipt_decode(&r, b.data, b.size);

	return err == HF_OK ? hf_receipt_verify(&r, ORIGIN, &all.key, &size)
			    : err;
}

static enum hf_err read_document(struct hf_bytes b)
{
	struct hf_key root = registry_root(&all.jp);
	struct country_doc *d = NULL;
	unsigned clause;
	enum hf_err err = country_doc_open(&d, b.data, b.size, &root, &clause);

	country_doc_free(d);
	return err;
}

static enum hf_err read_as(enum type t, struct hf_bytes b)
{
	static struct hf_leaves leaves;
	static struct hf_cite cite;
	struct hf_core core;
	struct hf_envelope envelope;
	struct hf_signature sigs[HF_SIGNATURE_MAX];
	struct hf_ledger_leaf leaf;
	struct hf_statement statement;
	struct country_entry entry;
	struct hf_profile profile;
	struct hf_hash root;
	struct hf_key key;
	char said[FILE_COMMENT_MAX + 1];
	uint64_t number;
	unsigned count;

	switch (t) {
	case ACT:
		return read_act(b);
	case CORE:
		return hf_core_decode(&core, b.data, b.size);
	case ENVELOPE:
		return hf_envelope_decode(&envelope, b.data, b.size);
	case SIGS:
		return hf_sigs_decode(sigs, &count, b.data, b.size);
	case BODY:
		return read_body(b);
	case LEAVES:
		return hf_leaves_decode(&leaves, b.data, b.size);
	case CITE:
		return hf_cite_decode(&cite, b.data, b.size);
	case LEAF:
		return hf_ledger_leaf_decode(&leaf, b.data, b.size);
	case STATEMENT:
		return hf_statement_decode(&statement, b.data, b.size);
	case NOTE:
		return hf_checkpoint_verify(
		    b, ORIGIN, &all.key, &number, &root);
	case COSIGNATURE:
		return hf_cosign_verify_line(
		    b, of(NOTE), WITNESS, &all.key, &number);
	case RECEIPT:
		return read_receipt(b);
	case FORK:
		return hf_fork_check(b.data, b.size, ORIGIN, &all.key, &number);
	case DOCUMENT:
		return read_document(b);
	case ENTRY:
		return country_entry_decode(&entry, b.data, b.size, false);
	case ENTRY_PROOF:
		return country_entry_check(all.doc, b.data, b.size, &entry);
	case PROFILE:
		return hf_profile_decode(&profile, b.data, b.size);
	case FILE_KEY:
		return minisign_public_read(&key, b);
	case FILE_SIGNATURE:
		return minisign_verify(&all.key, signed_file, b, said);
	case TYPES:
		break;
	}
	return HF_INTERNAL;
}

Test(types, bytes_are_taken_for_what_they_are)
{
	for (unsigned i = 0; i < TYPES; i++)
		for (unsigned j = 0; j < TYPES; j++) {
			enum hf_err err =
			    read_as((enum type)j, of((enum type)i));

			cr_expect_eq(err == HF_OK, i == j, "%s as %s: %s",
			    names[i], names[j], hf_err_info(err)->name);
		}
}

/* ---- signatures ---- */

#define TAGS (HF_TAG_MINISIGN + 1u)
enum context { /* after the tags: H(tag, content) */
	AS_ACT = TAGS,
	AS_IT_IS,
	AS_COSIGNATURE,
	AS_FILE,
	AS_SHA256,
	CONTEXTS
};

static struct hf_sig sign_in(
    const struct secret *secret, unsigned context, struct hf_bytes content)
{
	uint8_t message[2048];
	struct hf_hash h = {{0}};
	size_t size = HF_HASH_SIZE;

	cr_assert_lt(content.size + 64, sizeof(message));
	if (context < TAGS) {
		h = hf_hash((enum hf_tag)context, content.data, content.size);
	} else if (context == AS_ACT) {
		h = hf_core_digest(content);
		h = hf_act_to_sign(&h);
	} else if (context == AS_SHA256) {
		h = hf_sha256_2(content, none);
	}
	memcpy(message, h.b, sizeof(h.b));
	if (context == AS_FILE) {
		size = HF_BLAKE2B_SIZE;
		hf_blake2b(message, content.data, content.size);
	} else if (context == AS_IT_IS || context == AS_COSIGNATURE) {
		size = context == AS_IT_IS
			   ? 0
			   : (size_t)snprintf((char *)message, 64,
				 "cosignature/v1\ntime %llu\n",
				 (unsigned long long)(NOW / 1000));
		memcpy(message + size, content.data, content.size);
		size += content.size;
	}
	return secret_sign(secret, message, size);
}

/* The signature in `b` over `content` becomes one of another context. */
static enum hf_err swapped(enum type t, const struct secret *secret,
    unsigned own, unsigned context, struct hf_bytes content)
{
	struct hf_sig was = sign_in(secret, own, content);
	struct hf_sig is = sign_in(secret, context, content);
	uint8_t *copy = malloc(made[t].size), *at;
	enum hf_err err;

	cr_assert_not_null(copy);
	memcpy(copy, made[t].data, made[t].size);
	at = memmem(copy, made[t].size, was.b, sizeof(was.b));
	cr_assert_not_null(at, "%s has another signature", names[t]);
	memcpy(at, is.b, sizeof(is.b));
	err = read_as(t, bytes(copy, made[t].size));
	free(copy);
	return err;
}

static enum hf_err head_in(unsigned context)
{
	char text[256], note[HF_NOTE_MAX + 1];
	size_t size = head_text(text, 1, 0);
	struct hf_sig sig = sign_in(all.secret, context, bytes(text, size));

	return read_as(NOTE, bytes(note, note_of(note, text, &sig)));
}

static enum hf_err cosignature_in(unsigned context)
{
	char text[256], line[HF_COSIGN_LINE_MAX];
	size_t size = head_text(text, 1, 0);
	struct hf_sig sig = sign_in(all.secret, context, bytes(text, size));

	size = hf_cosign_line(line, WITNESS, &all.key, NOW / 1000, &sig);
	return read_as(COSIGNATURE, bytes(line, size));
}

/* Lines of base64: the file's signature, and the one over it and a comment. */
static enum hf_err file_in(unsigned context, bool comment)
{
	uint8_t blob[74], global[HF_SIG_SIZE + 7];
	char text[MINISIGN_TEXT_MAX], first[128], last[128];
	struct hf_bytes rest = of(FILE_SIGNATURE), line[4];
	struct hf_sig sig;
	size_t size;

	for (unsigned i = 0; i < 4; i++)
		cr_assert(hf_note_line(&rest, &line[i]));
	MUST(hf_base64_read(blob, sizeof(blob), &size,
	    (const char *)line[1].data, line[1].size));
	if (!comment) {
		sig = sign_in(all.secret, context, signed_file);
		memcpy(blob + 10, sig.b, sizeof(sig.b));
	}
	memcpy(global, blob + 10, HF_SIG_SIZE);
	memcpy(global + HF_SIG_SIZE, "comment", 7);
	sig = sign_in(all.secret, comment ? context : (unsigned)AS_IT_IS,
	    bytes(global, sizeof(global)));
	hf_base64(first, sizeof(first), blob, sizeof(blob));
	hf_base64(last, sizeof(last), sig.b, sizeof(sig.b));
	size = (size_t)snprintf(text, sizeof(text), "%.*s\n%s\n%.*s\n%s\n",
	    (int)line[0].size, (const char *)line[0].data, first,
	    (int)line[2].size, (const char *)line[2].data, last);
	return read_as(FILE_SIGNATURE, bytes(text, size));
}

static enum hf_err certificate_in(unsigned context)
{
	struct hf_bytes certificate;
	struct wire w;

	wire_init(&w, all.jp.certificate, all.jp.certificate_size);
	wire_array(&w, 2, 2);
	certificate = wire_bin(&w, 1, 2048);
	return swapped(
	    DOCUMENT, all.jp.root, HF_TAG_SIGN_CERT, context, certificate);
}

/* One of two that are needed. */
static enum hf_err document_in(unsigned context)
{
	struct hf_bytes head;
	struct wire w;

	wire_init(&w, made[DOCUMENT].data + 1, made[DOCUMENT].size - 1);
	wire_bin(&w, 1, 2048);
	wire_bin(&w, HF_SIG_SIZE, HF_SIG_SIZE);
	head = wire_bin(&w, 1, 2048);
	return swapped(
	    DOCUMENT, all.jp.registrars[0], HF_TAG_SIGN_HEAD, context, head);
}

static enum hf_err signed_in(unsigned what, unsigned context)
{
	switch (what) {
	case 0:
		return swapped(ACT, all.secret, AS_ACT, context, of(CORE));
	case 1:
		return swapped(CITE, all.secret, AS_ACT, context, of(CORE));
	case 2:
		return certificate_in(context);
	case 3:
		return document_in(context);
	case 4:
		return head_in(context);
	case 5:
		return cosignature_in(context);
	case 6:
		return file_in(context, false);
	default:
		return file_in(context, true);
	}
}

Test(types, signatures_hold_in_their_own_context)
{
	static const struct {
		const char *name;
		unsigned own;
	} what[] = {{"an act", AS_ACT}, {"a cite", AS_ACT},
	    {"a certificate", HF_TAG_SIGN_CERT},
	    {"a country's head", HF_TAG_SIGN_HEAD},
	    {"a ledger's head", AS_IT_IS}, {"a cosignature", AS_COSIGNATURE},
	    {"a file", AS_FILE}, {"a file's comment", AS_IT_IS}};

	for (unsigned i = 0; i < sizeof(what) / sizeof(what[0]); i++)
		for (unsigned c = 0; c < CONTEXTS; c++) {
			enum hf_err err = signed_in(i, c);

			cr_expect_eq(err == HF_OK, c == what[i].own,
			    "%s, signed in context %u: %s", what[i].name, c,
			    hf_err_info(err)->name);
		}
}

/* Three contexts sign text as it is; what they sign tells them apart. */
Test(types, texts_that_are_signed_as_they_are_do_not_stand_for_each_other)
{
	char text[256], other[2 * 256], note[HF_NOTE_MAX + 1];
	size_t size = head_text(text, 1, 0);
	struct hf_sig sig;

	/* what a witness signed, as a head */
	snprintf(other, sizeof(other), "cosignature/v1\ntime %llu\n%s",
	    (unsigned long long)(NOW / 1000), text);
	sig = secret_sign(all.secret, other, strlen(other));
	size = note_of(note, other, &sig);
	cr_expect_neq(read_as(NOTE, bytes(note, size)), HF_OK);
	/* what stands under a file, as a head */
	memset(other, 'a', HF_SIG_SIZE);
	snprintf(other + HF_SIG_SIZE, 256, "%s", text);
	sig = secret_sign(all.secret, other, strlen(other));
	size = note_of(note, other, &sig);
	cr_expect_neq(read_as(NOTE, bytes(note, size)), HF_OK);
}

/* ---- digests ---- */

Test(types, digests_of_one_content_differ_by_tag)
{
	static const uint8_t content[2 * HF_HASH_SIZE] = {'c', 'o', 'r', 'e'};
	struct hf_hash h[TAGS + 3], half[2];
	struct hf_bytes b = bytes(content, sizeof(content));

	memcpy(half, content, sizeof(content));
	for (unsigned t = 0; t < TAGS; t++)
		h[t] = hf_hash((enum hf_tag)t, content, sizeof(content));
	h[TAGS] = hf_sha256_2(b, none);
	h[TAGS + 1] = hf_merkle_leaf(content, sizeof(content));
	h[TAGS + 2] = hf_merkle_node(&half[0], &half[1]);
	for (unsigned i = 0; i < TAGS + 3; i++)
		for (unsigned j = 0; j < i; j++)
			cr_expect_neq(memcmp(&h[i], &h[j], sizeof(h[i])), 0,
			    "%u %u", i, j);
}

/* ---- seals ---- */

Test(types, seals_open_in_their_own_context)
{
	/* SPEC 3.5: the body; of our own files: a body at rest, a key file */
	uint8_t body[16 + 2 * HF_HASH_SIZE] = "holdfast/1/body";
	const uint8_t nonce[HF_NONCE_SIZE] = {1}, key[HF_KEY_SIZE] = {2};
	const uint8_t plain[32] = {3};
	uint8_t box[sizeof(plain) + HF_TAG_SIZE], out[sizeof(plain)];
	struct hf_bytes context[] = {bytes(body, sizeof(body)),
	    bytes(body, sizeof(body) - HF_HASH_SIZE),
	    bytes(all.envelope_hash.b, HF_HASH_SIZE), bytes("officer", 7),
	    bytes("broker", 6), none};
	const unsigned count = sizeof(context) / sizeof(context[0]);

	memcpy(body + 16, all.key.b, HF_KEY_SIZE);
	memcpy(body + 16 + HF_KEY_SIZE, all.envelope_hash.b, HF_HASH_SIZE);
	for (unsigned i = 0; i < count; i++)
		for (unsigned j = 0; j < count; j++) {
			hf_aead_seal(
			    box, plain, sizeof(plain), context[i], nonce, key);
			cr_expect_eq(hf_aead_open(out, box, sizeof(box),
					 context[j], nonce, key) == HF_OK,
			    i == j, "%u as %u", i, j);
		}
}

Test(types, a_body_opens_for_its_author_and_envelope_only)
{
	static uint8_t out[HF_BODY_MAX];
	struct hf_key authors[2] = {all.key, all.desk};
	struct hf_hash envelopes[2] = {
	    all.envelope_hash, hf_hash(HF_TAG_BODY, "", 0)};
	struct hf_body body;
	size_t size;

	MUST(hf_body_decode(&body, made[BODY].data, made[BODY].size));
	for (unsigned i = 0; i < 4; i++)
		cr_expect_eq(hf_body_open(&body, all.body_key, &authors[i / 2],
				 &envelopes[i % 2], out, &size) == HF_OK,
		    i == 0);
}

/* ---- keys ---- */

/* The check is of the type too: with another prefix a line is none. */
Test(types, a_key_is_read_as_its_own_type)
{
	for (unsigned i = 0; i <= HF_KEY_WITNESS; i++)
		for (unsigned j = 0; j <= HF_KEY_WITNESS; j++) {
			enum hf_key_type one = (enum hf_key_type)i;
			enum hf_key_type other = (enum hf_key_type)j;
			char line[HF_KEYLINE_MAX], posing[HF_KEYLINE_MAX];
			struct hf_key key;

			hf_keyline(line, one, &all.key);
			hf_keyline(posing, other, &all.key);
			cr_expect_eq(
			    hf_keyline_read(&key, other, line) == HF_OK, i == j,
			    "%s as type %u", line, j);
			memcpy(posing, line, 4);
			cr_expect_eq(
			    hf_keyline_read(&key, one, posing) == HF_OK, i == j,
			    "%s", posing);
		}
}
