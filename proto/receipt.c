/*
 * Receipts: a leaf, its path, and the signed head it leads to (SPEC 6.4).
 *
 * A head with cosignatures is packed: names and base64 would be a third of
 * the receipt, and the root is what leaf and path give.  Whoever reads it
 * gets the note back, byte for byte, so that nothing else knows of packing.
 */
#include "proto/act.h"
#include "proto/cosign.h"
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/note.h"
#include "proto/pack.h"
#include "proto/text.h"
#include "proto/wire.h"

#include <assert.h>
#include <string.h>

#define INDEX_MAX ((UINT64_C(1) << HF_TREE_DEPTH_MAX) - 1)
#define OWN_SIZE (HF_NOTE_KEY_ID + HF_SIG_SIZE)
#define COSIG_BLOB_SIZE (HF_NOTE_KEY_ID + 8u + HF_SIG_SIZE)
#define COSIG_SIZE (HF_COUNTRY_SIZE + COSIG_BLOB_SIZE)

enum receipt_key { R_LEAF = 1, R_INDEX, R_PATH, R_CHECKPOINT, R_HEAD };
#define MANDATORY (1u << R_LEAF | 1u << R_INDEX | 1u << R_PATH)

/* ---- a packed head ---- */

struct head {
	struct hf_bytes origin;
	uint64_t size;
	uint8_t own[OWN_SIZE];
	uint8_t cosigs[HF_COSIGNATURE_MAX * COSIG_SIZE];
	unsigned cosig_count;
};

static unsigned copy_path(
    const struct hf_receipt *r, struct hf_hash path[HF_TREE_DEPTH_MAX])
{
	assert(r->path.size <= HF_PATH_MAX);
	if (r->path.size > 0)
		memcpy(path, r->path.data, r->path.size);
	return (unsigned)(r->path.size / HF_HASH_SIZE);
}

/* The root that leaf and path give under a head of this size. */
static enum hf_err root_of(
    const struct hf_receipt *r, uint64_t size, struct hf_hash *root)
{
	struct hf_hash path[HF_TREE_DEPTH_MAX];
	unsigned count = copy_path(r, path);
	struct hf_hash leaf =
	    hf_merkle_leaf(r->leaf_bytes.data, r->leaf_bytes.size);

	return hf_merkle_path_root(&leaf, r->index, size, path, count, root);
}

/* A signature line: key id and payload in one. */
static void add_line(
    struct text *t, struct hf_bytes name, const uint8_t *blob, size_t size)
{
	struct hf_note_signature s = {.name = name};
	char line[256];

	memcpy(s.key_id, blob, HF_NOTE_KEY_ID);
	s.payload_size = size - HF_NOTE_KEY_ID;
	memcpy(s.payload, blob + HF_NOTE_KEY_ID, s.payload_size);
	text_add_bytes(
	    t, line, hf_note_signature_write(line, sizeof(line), &s));
}

/* The next signature line, of a payload of `size` bytes with its key id. */
static bool take_line(
    struct hf_bytes *lines, struct hf_bytes *name, uint8_t *blob, size_t size)
{
	struct hf_note_signature s;
	struct hf_bytes line;

	if (!hf_note_line(lines, &line) || !hf_note_signature_read(&s, line) ||
	    s.payload_size != size - HF_NOTE_KEY_ID)
		return false;
	memcpy(blob, s.key_id, HF_NOTE_KEY_ID);
	memcpy(blob + HF_NOTE_KEY_ID, s.payload, s.payload_size);
	*name = s.name;
	return true;
}

/* The note that was packed, into `out`. */
static enum hf_err unpack(const struct head *h, const struct hf_hash *root,
    char out[HF_NOTE_MAX + 1], size_t *size)
{
	char origin[HF_ORIGIN_MAX], text[256], name[HF_WITNESS_NAME_MAX];
	size_t size_of_text;
	struct text t;

	memcpy(origin, h->origin.data, h->origin.size);
	origin[h->origin.size] = '\0';
	if (!hf_note_name_ok(origin, h->origin.size))
		return HF_CHECKPOINT;
	size_of_text =
	    hf_checkpoint_text(text, sizeof(text), origin, h->size, root);
	assert(size_of_text > 0);
	text_init(&t, out, HF_NOTE_MAX + 1);
	text_add_bytes(&t, text, size_of_text);
	text_add_char(&t, '\n');
	add_line(&t, h->origin, h->own, sizeof(h->own));
	for (unsigned i = 0; i < h->cosig_count; i++) {
		const uint8_t *at = h->cosigs + i * COSIG_SIZE;
		struct hf_country c = {{0}};

		memcpy(c.s, at, HF_COUNTRY_SIZE);
		hf_witness_name(name, c);
		add_line(&t,
		    (struct hf_bytes){(const uint8_t *)name, strlen(name)},
		    at + HF_COUNTRY_SIZE, COSIG_BLOB_SIZE);
	}
	assert(!t.full);
	*size = t.at;
	return HF_OK;
}

/* "holdfast/CC/witness", of a country in the form of one */
static bool witness_of(struct hf_bytes name, uint8_t country[HF_COUNTRY_SIZE])
{
	char expected[HF_WITNESS_NAME_MAX];
	struct hf_country c = {{0}};

	if (name.size != HF_WITNESS_NAME_SIZE)
		return false;
	memcpy(c.s, name.data + HF_WITNESS_NAME_CC, HF_COUNTRY_SIZE);
	hf_witness_name(expected, c);
	memcpy(country, c.s, HF_COUNTRY_SIZE);
	return memcmp(name.data, expected, name.size) == 0 &&
	       hf_country_ok(c.s, HF_COUNTRY_SIZE);
}

/* Is its country after that of the cosignature before it? */
static bool is_ascending(const uint8_t *cosig)
{
	return memcmp(cosig - COSIG_SIZE, cosig, HF_COUNTRY_SIZE) < 0;
}

/* The head's own three lines. */
static bool read_text(
    struct hf_bytes text, struct head *h, struct hf_hash *root)
{
	struct hf_bytes line;
	size_t size;

	if (!hf_note_line(&text, &h->origin) ||
	    h->origin.size >= HF_ORIGIN_MAX || !hf_note_line(&text, &line) ||
	    !text_read_uint(&h->size, line.data, line.size, INDEX_MAX + 1))
		return false;
	return hf_note_line(&text, &line) &&
	       hf_base64_read(root->b, sizeof(root->b), &size,
		   (const char *)line.data, line.size) == HF_OK &&
	       size == sizeof(root->b);
}

/* Take a cosigned note apart; false when it is none, or not of the form
 * that we write: then it stays as it is. */
static bool take_apart(
    struct hf_bytes note, struct head *h, struct hf_hash *root)
{
	struct hf_bytes text, lines, name;

	h->cosig_count = 0;
	if (!hf_note_split(note, &text, &lines) || !read_text(text, h, root) ||
	    !take_line(&lines, &name, h->own, sizeof(h->own)))
		return false;
	while (lines.size > 0 && h->cosig_count < HF_COSIGNATURE_MAX) {
		uint8_t *at = h->cosigs + h->cosig_count * COSIG_SIZE;

		if (!take_line(
			&lines, &name, at + HF_COUNTRY_SIZE, COSIG_BLOB_SIZE) ||
		    !witness_of(name, at) ||
		    (h->cosig_count > 0 && !is_ascending(at)))
			return false;
		h->cosig_count++;
	}
	return h->cosig_count > 0 && lines.size == 0;
}

static void pack_head(struct pack *p, const struct head *h)
{
	pack_uint(p, R_HEAD);
	pack_array(p, 4);
	pack_str(p, (const char *)h->origin.data, h->origin.size);
	pack_uint(p, h->size);
	pack_bin(p, h->own, sizeof(h->own));
	pack_bin(p, h->cosigs, h->cosig_count * COSIG_SIZE);
}

static void read_head(struct wire *w, struct head *h)
{
	struct hf_bytes b;

	wire_array(w, 4, 4);
	h->origin = wire_str(w, 1, HF_ORIGIN_MAX - 1);
	h->size = wire_uint(w, INDEX_MAX + 1);
	wire_bin_copy(w, h->own, sizeof(h->own));
	b = wire_bin(w, COSIG_SIZE, sizeof(h->cosigs));
	wire_close(w);
	if (b.size % COSIG_SIZE != 0)
		wire_fail(w, HF_RANGE);
	h->cosig_count = (unsigned)(b.size / COSIG_SIZE);
	if (b.size > 0)
		memcpy(h->cosigs, b.data, b.size);
	for (unsigned i = 0; i < h->cosig_count; i++) {
		const uint8_t *at = h->cosigs + i * COSIG_SIZE;

		if (!hf_country_ok((const char *)at, HF_COUNTRY_SIZE) ||
		    (i > 0 && !is_ascending(at)))
			wire_fail(w, HF_RANGE);
	}
}

/* ---- receipts ---- */

enum hf_err hf_receipt_head(struct hf_receipt_head *head, struct hf_bytes note)
{
	char back[HF_NOTE_MAX + 1];
	size_t back_size = 0;
	struct hf_hash root;
	struct head h;
	struct pack p;

	if (note.size > HF_NOTE_MAX)
		return HF_TOO_BIG;
	if (head->packed_size > 0 && head->note_size == note.size &&
	    memcmp(head->note, note.data, note.size) == 0)
		return HF_OK;
	pack_init(&p, head->packed, sizeof(head->packed));
	/* packed is only what comes back as it is */
	if (take_apart(note, &h, &root) &&
	    unpack(&h, &root, back, &back_size) == HF_OK &&
	    back_size == note.size && memcmp(back, note.data, note.size) == 0) {
		pack_head(&p, &h);
	} else {
		pack_uint(&p, R_CHECKPOINT);
		pack_str(&p, (const char *)note.data, note.size);
	}
	if (note.size > 0)
		memcpy(head->note, note.data, note.size);
	head->note_size = note.size;
	return pack_finish(&p, &head->packed_size);
}

enum hf_err hf_receipt_encode_under(const struct hf_receipt_head *head,
    struct hf_bytes leaf, uint64_t index, const struct hf_hash *path,
    unsigned path_count, uint8_t *out, size_t capacity, size_t *size)
{
	struct pack p;

	assert(head->packed_size > 0);
	if (index > INDEX_MAX)
		return HF_RANGE;
	if (leaf.size > HF_LEDGER_LEAF_MAX || path_count > HF_TREE_DEPTH_MAX)
		return HF_TOO_BIG;
	pack_init(
	    &p, out, capacity < HF_RECEIPT_MAX ? capacity : HF_RECEIPT_MAX);
	pack_map(&p, 4);
	pack_uint(&p, R_LEAF);
	pack_bin(&p, leaf.data, leaf.size);
	pack_uint(&p, R_INDEX);
	pack_uint(&p, index);
	pack_uint(&p, R_PATH);
	pack_bin(&p, path, path_count * sizeof(*path));
	pack_raw(&p, (struct hf_bytes){head->packed, head->packed_size});
	return pack_finish(&p, size);
}

enum hf_err hf_receipt_encode(struct hf_bytes leaf, uint64_t index,
    const struct hf_hash *path, unsigned path_count, struct hf_bytes note,
    uint8_t *out, size_t capacity, size_t *size)
{
	struct hf_receipt_head head = {.packed_size = 0};
	enum hf_err err = hf_receipt_head(&head, note);

	return err == HF_OK ? hf_receipt_encode_under(&head, leaf, index, path,
				  path_count, out, capacity, size)
			    : err;
}

static unsigned read_map(
    struct wire *w, struct hf_receipt *read, struct head *h)
{
	unsigned seen = 0;
	int key;

	wire_map(w, 4);
	while ((key = wire_key(w)) >= 0) {
		if (key == R_LEAF)
			read->leaf_bytes = wire_bin(w, 1, HF_LEDGER_LEAF_MAX);
		else if (key == R_INDEX)
			read->index = wire_uint(w, INDEX_MAX);
		else if (key == R_PATH)
			read->path = wire_bin(w, 0, HF_PATH_MAX);
		else if (key == R_CHECKPOINT)
			read->note = wire_str(w, 1, HF_NOTE_MAX);
		else if (key == R_HEAD)
			read_head(w, h);
		else
			wire_fail(w, HF_UNKNOWN_KEY);
		if (key <= R_HEAD)
			seen |= 1u << key;
	}
	wire_close(w);
	return seen;
}

enum hf_err hf_receipt_decode(
    struct hf_receipt *r, const void *data, size_t size)
{
	struct hf_receipt read = {0};
	struct hf_hash root;
	struct head h;
	unsigned seen;
	struct wire w;
	enum hf_err err;

	if (size > HF_RECEIPT_MAX)
		return HF_TOO_BIG;
	wire_init(&w, data, size);
	seen = read_map(&w, &read, &h);
	err = wire_finish(&w);
	if (err != HF_OK)
		return err;
	if (seen != (MANDATORY | 1u << R_CHECKPOINT) &&
	    seen != (MANDATORY | 1u << R_HEAD))
		return HF_MISSING_KEY;
	if (read.path.size % HF_HASH_SIZE != 0)
		return HF_RANGE;
	err = hf_ledger_leaf_decode(
	    &read.leaf, read.leaf_bytes.data, read.leaf_bytes.size);
	if (err == HF_OK && read.note.data == NULL)
		err = root_of(&read, h.size, &root);
	if (err == HF_OK && read.note.data == NULL)
		err = unpack(&h, &root, read.unpacked, &read.note.size);
	if (err != HF_OK)
		return err;
	*r = read;
	if (r->note.data == NULL)
		r->note.data = (const uint8_t *)r->unpacked;
	return HF_OK;
}

/* NULL: these bytes have not verified by this key. */
static struct hf_known_head *find_known(struct hf_known_heads *known,
    struct hf_bytes note, const char *origin, const struct hf_key *key)
{
	for (unsigned i = 0; i < HF_KNOWN_HEADS; i++) {
		struct hf_known_head *h = &known->row[i];

		if (note.size > 0 && h->note_size == note.size &&
		    memcmp(h->note, note.data, note.size) == 0 &&
		    memcmp(&h->key, key, sizeof(*key)) == 0 &&
		    strcmp(h->origin, origin) == 0)
			return h;
	}
	return NULL;
}

/* The head in the next row, once it verifies. */
static enum hf_err know(struct hf_known_heads *known, struct hf_bytes note,
    const char *origin, const struct hf_key *key, struct hf_known_head **out)
{
	struct hf_known_head *h;
	struct hf_hash root;
	uint64_t size;
	enum hf_err err = hf_checkpoint_verify(note, origin, key, &size, &root);

	if (err != HF_OK)
		return err;
	assert(note.size <= sizeof(h->note)); /* or it would not be a note */
	assert(strlen(origin) < sizeof(h->origin));
	h = &known->row[known->next++ % HF_KNOWN_HEADS];
	strcpy(h->origin, origin);
	h->key = *key;
	memcpy(h->note, note.data, note.size);
	h->note_size = note.size;
	h->size = size;
	h->root = root;
	h->trail.most = 0;
	*out = h;
	return HF_OK;
}

enum hf_err hf_receipt_verify(const struct hf_receipt *r, const char *origin,
    const struct hf_key *key, uint64_t *tree_size)
{
	struct hf_hash root, led_to;
	uint64_t size;
	enum hf_err err =
	    hf_checkpoint_verify(r->note, origin, key, &size, &root);

	if (err == HF_OK)
		err = root_of(r, size, &led_to);
	if (err == HF_OK && memcmp(&led_to, &root, sizeof(root)) != 0)
		err = HF_PROOF;
	if (err == HF_OK)
		*tree_size = size;
	return err;
}

enum hf_err hf_receipt_verify_known(const struct hf_receipt *r,
    const char *origin, const struct hf_key *key, struct hf_known_heads *known,
    uint64_t *tree_size)
{
	struct hf_hash path[HF_TREE_DEPTH_MAX], leaf;
	struct hf_known_head *h;
	enum hf_err err = HF_OK;

	if (known == NULL)
		return hf_receipt_verify(r, origin, key, tree_size);
	h = find_known(known, r->note, origin, key);
	if (h == NULL)
		err = know(known, r->note, origin, key, &h);
	if (err != HF_OK)
		return err;
	leaf = hf_merkle_leaf(r->leaf_bytes.data, r->leaf_bytes.size);
	err = hf_merkle_verify_near(&h->trail, &leaf, r->index, h->size, path,
	    copy_path(r, path), &h->root);
	if (err == HF_OK)
		*tree_size = h->size;
	return err;
}

static void add_base64(struct text *t, const void *data, size_t size)
{
	char base64[(HF_LEDGER_LEAF_MAX + 2) / 3 * 4 + 1];

	assert(size <= HF_LEDGER_LEAF_MAX);
	hf_base64(base64, sizeof(base64), data, size);
	text_add(t, base64);
	text_add_char(t, '\n');
}

enum hf_err hf_receipt_proof(
    const struct hf_receipt *r, char *out, size_t capacity, size_t *size)
{
	struct text t;

	if (capacity == 0)
		return HF_TOO_BIG;
	text_init(&t, out, capacity);
	text_add(&t, "c2sp.org/tlog-proof@v1\nextra ");
	add_base64(&t, r->leaf_bytes.data, r->leaf_bytes.size);
	text_add(&t, "index ");
	text_add_uint(&t, r->index, 0);
	text_add_char(&t, '\n');
	for (size_t at = 0; at < r->path.size; at += HF_HASH_SIZE)
		add_base64(&t, r->path.data + at, HF_HASH_SIZE);
	text_add_char(&t, '\n');
	text_add_bytes(&t, r->note.data, r->note.size);
	*size = t.at;
	return t.full ? HF_TOO_BIG : HF_OK;
}

enum hf_err hf_receipt_is_for(
    const struct hf_receipt *r, const struct hf_act *act)
{
	struct hf_hash envelope, sigs;

	if (!hf_entry_is_act(r->leaf.type))
		return HF_RECEIPT;
	envelope = hf_hash(HF_TAG_ENVELOPE, act->envelope_bytes.data,
	    act->envelope_bytes.size);
	sigs = hf_hash(HF_TAG_SIGS, act->sigs_bytes.data, act->sigs_bytes.size);
	if (!hf_equal(&r->leaf.id, &act->id, sizeof(act->id)) ||
	    !hf_equal(&r->leaf.core, &act->digest, sizeof(act->digest)) ||
	    !hf_equal(&r->leaf.envelope, &envelope, sizeof(envelope)) ||
	    !hf_equal(&r->leaf.sigs, &sigs, sizeof(sigs)))
		return HF_RECEIPT;
	return HF_OK;
}
