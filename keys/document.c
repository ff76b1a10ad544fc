/*
 * document: a whole country document: form, signatures, roots, and that its
 * entries fit together (SPEC 7.1 to 7.5).  Checked in the order of cost.
 */
#include "keys/country.h"
#include "proto/crypto.h"
#include "proto/merkle.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <stdlib.h>
#include <string.h>

/* The parts of the frame, borrowed. */
struct parts {
	struct hf_bytes certificate, head, abroad_at, domestic_at;
	struct hf_sig root_signature;
	unsigned signature_count;
	struct {
		struct hf_key key;
		struct hf_sig sig;
	} signatures[HF_REGISTRAR_MAX];
	bool has_domestic;
};

static void expect(struct wire *w, int key)
{
	if (wire_key(w) != key)
		wire_fail(w, HF_MISSING_KEY);
}

/* A whole document has more values than one frame may: its lists of entries
 * are read by a cursor of their own.  Returns the count; *at is the begin of
 * the first entry. */
static enum hf_err read_count(
    const uint8_t *data, size_t size, size_t *used, uint32_t *count)
{
	if (size >= 1 && data[0] >= 0x90 && data[0] <= 0x9f) {
		*count = data[0] & 15u;
		*used = 1;
	} else if (size >= 3 && data[0] == 0xdc) {
		*count = (uint32_t)data[1] << 8 | data[2];
		*used = 3;
		if (*count < 16)
			return HF_NOT_SHORTEST;
	} else {
		return HF_TYPE;
	}
	return *count <= HF_DOC_ENTRIES_MAX ? HF_OK : HF_TOO_MANY;
}

/* The next entry's bytes at *data; advances. */
static enum hf_err next_entry(
    const uint8_t **data, size_t *size, struct hf_bytes *entry)
{
	size_t length, used;

	if (*size >= 2 && (*data)[0] == 0xc4) {
		length = (*data)[1];
		used = 2;
	} else if (*size >= 3 && (*data)[0] == 0xc5) {
		length = (size_t)(*data)[1] << 8 | (*data)[2];
		used = 3;
		if (length < 256)
			return HF_NOT_SHORTEST;
	} else {
		return HF_TYPE;
	}
	if (length > HF_ENTRY_MAX)
		return HF_TOO_BIG;
	if (length > *size - used)
		return HF_TRUNCATED;
	*entry = (struct hf_bytes){*data + used, length};
	*data += used + length;
	*size -= used + length;
	return HF_OK;
}

static enum hf_err skip_entries(const uint8_t **data, size_t *size)
{
	struct hf_bytes entry;
	uint32_t count;
	size_t used;
	enum hf_err err = read_count(*data, *size, &used, &count);

	if (err != HF_OK)
		return err;
	*data += used;
	*size -= used;
	for (; err == HF_OK && count > 0; count--)
		err = next_entry(data, size, &entry);
	return err;
}

/* The small front of the document is an ordinary frame of four members; it
 * is read by wire after its end was found. */
static enum hf_err split(struct parts *p, const uint8_t *data, size_t size)
{
	const uint8_t *at;
	size_t left;
	struct wire w;
	enum hf_err err;

	memset(p, 0, sizeof(*p));
	if (size < 2 || data[0] != 0x96)
		return HF_TYPE;
	wire_init(&w, data + 1, size - 1);
	p->certificate = wire_bin(&w, 1, 2048);
	wire_bin_copy(&w, p->root_signature.b, HF_SIG_SIZE);
	p->head = wire_bin(&w, 1, 2048);
	p->signature_count = wire_array(&w, 1, HF_REGISTRAR_MAX);
	for (unsigned i = 0; i < p->signature_count && w.err == HF_OK; i++) {
		wire_array(&w, 2, 2);
		wire_bin_copy(&w, p->signatures[i].key.b, HF_KEY_SIZE);
		wire_bin_copy(&w, p->signatures[i].sig.b, HF_SIG_SIZE);
		wire_close(&w);
	}
	wire_close(&w);
	if (w.err != HF_OK)
		return w.err;
	at = data + 1 + w.at;
	left = size - 1 - w.at;
	p->abroad_at = (struct hf_bytes){at, left};
	err = skip_entries(&at, &left);
	if (err != HF_OK)
		return err;
	p->abroad_at.size -= left;
	p->domestic_at = (struct hf_bytes){at, left};
	if (left == 1 && at[0] == 0xc0)
		return HF_OK;
	p->has_domestic = true;
	err = skip_entries(&at, &left);
	return err == HF_OK && left != 0 ? HF_TRAILING : err;
}

struct certificate {
	struct hf_country country;
	unsigned threshold, count;
	struct hf_key keys[HF_REGISTRAR_MAX];
	struct instant from, until;
};

static enum hf_err read_certificate(
    struct certificate *c, struct hf_bytes bytes)
{
	struct wire w;

	memset(c, 0, sizeof(*c));
	wire_init(&w, bytes.data, bytes.size);
	wire_map(&w, 6);
	expect(&w, 1);
	c->country = wire_country(&w);
	expect(&w, 2);
	c->threshold = (unsigned)wire_uint(&w, HF_REGISTRAR_MAX);
	expect(&w, 3);
	c->count = wire_array(&w, 1, HF_REGISTRAR_MAX);
	for (unsigned i = 0; i < c->count && w.err == HF_OK; i++) {
		wire_bin_copy(&w, c->keys[i].b, HF_KEY_SIZE);
		for (unsigned k = 0; k < i; k++)
			if (memcmp(&c->keys[k], &c->keys[i], HF_KEY_SIZE) == 0)
				wire_fail(&w, HF_KEY_ORDER);
	}
	wire_close(&w);
	expect(&w, 4);
	c->from = wire_time(&w);
	expect(&w, 5);
	c->until = wire_time(&w);
	expect(&w, 6);
	wire_uint(&w, UINT32_MAX);
	wire_close(&w);
	if (c->threshold == 0 || c->threshold > c->count)
		wire_fail(&w, HF_RANGE);
	return wire_finish(&w);
}

static enum hf_err read_head(struct country_head *h, struct hf_bytes bytes)
{
	struct wire w;

	memset(h, 0, sizeof(*h));
	wire_init(&w, bytes.data, bytes.size);
	wire_map(&w, 10);
	expect(&w, 1);
	h->country = wire_country(&w);
	expect(&w, 2);
	h->version = (uint32_t)wire_uint(&w, UINT32_MAX);
	expect(&w, 3);
	wire_bin_copy(&w, h->prev.b, HF_HASH_SIZE);
	expect(&w, 4);
	h->valid_from = wire_time(&w);
	expect(&w, 5);
	h->valid_until = wire_time(&w);
	expect(&w, 6);
	h->abroad_count = (uint32_t)wire_uint(&w, HF_DOC_ENTRIES_MAX);
	expect(&w, 7);
	wire_bin_copy(&w, h->abroad_root.b, HF_HASH_SIZE);
	expect(&w, 8);
	h->domestic_count = (uint32_t)wire_uint(&w, HF_DOC_ENTRIES_MAX);
	expect(&w, 9);
	wire_bin_copy(&w, h->domestic_root.b, HF_HASH_SIZE);
	expect(&w, 10);
	h->issued = wire_time(&w);
	wire_close(&w);
	if (h->version == 0)
		wire_fail(&w, HF_RANGE);
	return wire_finish(&w);
}

static bool is_registrar(const struct certificate *c, const struct hf_key *key)
{
	for (unsigned i = 0; i < c->count; i++)
		if (memcmp(&c->keys[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

/* Root over certificate, registrars over head; clause 705 when not. */
static enum hf_err verify(const struct parts *p, const struct certificate *c,
    const struct country_head *h, const struct hf_key *root)
{
	struct hf_hash message =
	    hf_hash(HF_TAG_SIGN_CERT, p->certificate.data, p->certificate.size);
	unsigned good = 0;

	if (hf_verify(root, &p->root_signature, &message, sizeof(message)) !=
		HF_OK ||
	    strcmp(c->country.s, h->country.s) != 0 ||
	    h->issued.ms < c->from.ms || h->issued.ms > c->until.ms)
		return HF_DOC_INVALID;
	message = hf_hash(HF_TAG_SIGN_HEAD, p->head.data, p->head.size);
	for (unsigned i = 0; i < p->signature_count; i++) {
		for (unsigned k = 0; k < i; k++)
			if (memcmp(&p->signatures[k].key, &p->signatures[i].key,
				HF_KEY_SIZE) == 0)
				return HF_DOC_INVALID;
		if (!is_registrar(c, &p->signatures[i].key) ||
		    hf_verify(&p->signatures[i].key, &p->signatures[i].sig,
			&message, sizeof(message)) != HF_OK)
			return HF_DOC_INVALID;
		good++;
	}
	return good >= c->threshold ? HF_OK : HF_DOC_INVALID;
}

/* Entries of one list into d->entries; their root must be `root`. */
static enum hf_err read_entries(struct country_doc *d, struct hf_bytes list,
    bool domestic, uint32_t expected, const struct hf_hash *root)
{
	const uint8_t *at = list.data;
	size_t left = list.size, used;
	struct hf_hash *hashes, got;
	uint32_t count;
	enum hf_err err = read_count(at, left, &used, &count);

	if (err != HF_OK)
		return err;
	if (count != expected)
		return HF_DOC_INVALID;
	at += used;
	left -= used;
	hashes = calloc(count + 1u, sizeof(*hashes));
	if (hashes == NULL)
		return HF_NOMEM;
	for (uint32_t i = 0; i < count && err == HF_OK; i++) {
		struct hf_bytes entry;

		err = next_entry(&at, &left, &entry);
		if (err == HF_OK)
			err = country_entry_decode(&d->entries[d->entry_count],
			    entry.data, entry.size, domestic);
		if (err == HF_OK) {
			hashes[i] = hf_merkle_leaf(entry.data, entry.size);
			d->entry_count++;
		}
	}
	if (err == HF_OK) {
		got = hf_merkle_root(hashes, count);
		if (memcmp(&got, root, sizeof(got)) != 0)
			err = HF_DOC_INVALID;
	}
	free(hashes);
	return err;
}

/* ---- entries fit together ---- */

static bool of_country(const struct hf_desk *desk, const struct country_doc *d)
{
	struct hf_country c = hf_desk_country(desk);

	return strcmp(c.s, d->head.country.s) == 0;
}

/* An entry that goes abroad needs a desk that goes abroad, or the stripped
 * copy would not hold together. */
static bool has_desk(
    const struct country_doc *d, const struct hf_desk *desk, bool domestic)
{
	for (unsigned i = 0; i < d->entry_count; i++)
		if (d->entries[i].type == ENTRY_DESK &&
		    (domestic || !d->entries[i].domestic) &&
		    strcmp(d->entries[i].u.desk.desk.s, desk->s) == 0)
			return true;
	return false;
}

static bool same_thing(
    const struct country_entry *a, const struct country_entry *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case ENTRY_DESK:
		return strcmp(a->u.desk.desk.s, b->u.desk.desk.s) == 0;
	case ENTRY_OFFICER:
		return memcmp(&a->u.officer.sign, &b->u.officer.sign,
			   HF_KEY_SIZE) == 0 ||
		       memcmp(&a->u.officer.transport, &b->u.officer.transport,
			   HF_KEY_SIZE) == 0;
	case ENTRY_PROFILE:
		return a->u.profile.basis == b->u.profile.basis;
	case ENTRY_REVOCATION:
		return memcmp(&a->u.revocation.key, &b->u.revocation.key,
			   HF_KEY_SIZE) == 0;
	case ENTRY_BROKER:
		return a->u.broker.epoch == b->u.broker.epoch;
	case ENTRY_WRAP:
		return a->u.wrap.epoch == b->u.wrap.epoch &&
		       strcmp(a->u.wrap.desk.s, b->u.wrap.desk.s) == 0 &&
		       memcmp(&a->u.wrap.officer, &b->u.wrap.officer,
			   HF_KEY_SIZE) == 0;
	default:
		return false;
	}
}

static bool entry_fits(const struct country_doc *d, unsigned i)
{
	const struct country_entry *e = &d->entries[i];

	for (unsigned k = 0; k < i; k++)
		if (same_thing(&d->entries[k], e))
			return false;
	switch (e->type) {
	case ENTRY_DESK:
		return of_country(&e->u.desk.desk, d);
	case ENTRY_OFFICER:
		return of_country(&e->u.officer.desk, d) &&
		       has_desk(d, &e->u.officer.desk, e->domestic);
	case ENTRY_WRAP:
		return of_country(&e->u.wrap.desk, d) &&
		       has_desk(d, &e->u.wrap.desk, true);
	default:
		return true;
	}
}

enum hf_err country_doc_open(struct country_doc **out, const void *bytes,
    size_t size, const struct hf_key *root, unsigned *clause)
{
	struct country_doc *d = NULL;
	struct certificate c;
	struct parts p;
	uint8_t *copy = NULL;
	enum hf_err err = HF_TOO_BIG;

	*out = NULL;
	*clause = 704;
	if (size > HF_DOC_MAX)
		return err;
	err = HF_NOMEM;
	d = calloc(1, sizeof(*d));
	copy = malloc(size + 1);
	if (d == NULL || copy == NULL)
		goto out;
	memcpy(copy, bytes, size);
	d->bytes = copy;
	copy = NULL;
	d->size = size;
	d->root = *root;
	err = split(&p, d->bytes, size);
	if (err == HF_OK) {
		*clause = 701;
		err = read_certificate(&c, p.certificate);
	}
	if (err == HF_OK) {
		*clause = 702;
		err = read_head(&d->head, p.head);
	}
	if (err == HF_OK) {
		*clause = 705;
		err = verify(&p, &c, &d->head, root);
	}
	if (err != HF_OK)
		goto out;
	d->head_digest = hf_hash(HF_TAG_COUNTRY_HEAD, p.head.data, p.head.size);
	d->threshold = c.threshold;
	d->registrar_count = c.count;
	memcpy(d->registrars, c.keys, sizeof(c.keys));
	d->has_domestic = p.has_domestic;
	d->entries =
	    calloc((size_t)d->head.abroad_count + d->head.domestic_count + 1u,
		sizeof(*d->entries));
	err = d->entries == NULL ? HF_NOMEM : HF_OK;
	*clause = 703;
	if (err == HF_OK)
		err = read_entries(d, p.abroad_at, false, d->head.abroad_count,
		    &d->head.abroad_root);
	if (err == HF_OK && p.has_domestic)
		err = read_entries(d, p.domestic_at, true,
		    d->head.domestic_count, &d->head.domestic_root);
	for (unsigned i = 0; err == HF_OK && i < d->entry_count; i++)
		if (!entry_fits(d, i))
			err = HF_DOC_INVALID;
	if (err == HF_OK) {
		*out = d;
		d = NULL;
	}
out:
	free(copy);
	country_doc_free(d);
	return err;
}

void country_doc_free(struct country_doc *d)
{
	if (d == NULL)
		return;
	free(d->bytes);
	free(d->entries);
	free(d);
}

enum hf_err country_doc_strip(
    const struct country_doc *d, uint8_t **out, size_t *size)
{
	struct parts p;
	size_t front;
	enum hf_err err = split(&p, d->bytes, d->size);

	if (err != HF_OK)
		return err;
	front = (size_t)(p.domestic_at.data - d->bytes);
	*out = malloc(front + 1);
	if (*out == NULL)
		return HF_NOMEM;
	memcpy(*out, d->bytes, front);
	(*out)[front] = 0xc0;
	*size = front + 1;
	return HF_OK;
}

enum hf_err country_doc_certificate(
    const struct country_doc *d, uint8_t *out, size_t capacity, size_t *size)
{
	struct parts p;
	struct pack k;
	enum hf_err err = split(&p, d->bytes, d->size);

	if (err != HF_OK)
		return err;
	pack_init(&k, out, capacity);
	pack_array(&k, 2);
	pack_bin(&k, p.certificate.data, p.certificate.size);
	pack_bin(&k, p.root_signature.b, HF_SIG_SIZE);
	return pack_finish(&k, size);
}

/* ---- one entry alone ---- */

struct memory_nodes {
	const struct hf_hash *leaves;
	uint32_t count;
};

static enum hf_err memory_get(
    void *ctx, unsigned level, uint64_t index, struct hf_hash *out)
{
	const struct memory_nodes *m = ctx;
	uint64_t begin = index << level, end = (index + 1) << level;

	if (end > m->count)
		return HF_NOTFOUND;
	*out = hf_merkle_root(m->leaves + begin, (size_t)(end - begin));
	return HF_OK;
}

enum hf_err country_entry_proof(const struct country_doc *d, unsigned entry,
    uint8_t *out, size_t capacity, size_t *size)
{
	struct hf_hash path[HF_TREE_DEPTH_MAX], *hashes;
	struct hf_bytes bytes = {NULL, 0}, mine = {NULL, 0};
	struct memory_nodes m;
	struct hf_nodes nodes = {memory_get, &m};
	struct parts p;
	bool domestic = entry >= d->head.abroad_count;
	unsigned index = domestic ? entry - d->head.abroad_count : entry;
	uint32_t count =
	    domestic ? d->head.domestic_count : d->head.abroad_count;
	unsigned depth = 0;
	const uint8_t *at;
	size_t left, used;
	uint32_t got;
	struct pack k;
	enum hf_err err = split(&p, d->bytes, d->size);

	if (err != HF_OK || index >= count || (domestic && !p.has_domestic))
		return HF_RANGE;
	hashes = calloc(count, sizeof(*hashes));
	if (hashes == NULL)
		return HF_NOMEM;
	at = domestic ? p.domestic_at.data : p.abroad_at.data;
	left = domestic ? p.domestic_at.size : p.abroad_at.size;
	err = read_count(at, left, &used, &got);
	at += used;
	left -= used;
	for (uint32_t i = 0; i < count && err == HF_OK; i++) {
		err = next_entry(&at, &left, &bytes);
		hashes[i] = hf_merkle_leaf(bytes.data, bytes.size);
		if (i == index)
			mine = bytes;
	}
	m.leaves = hashes;
	m.count = count;
	if (err == HF_OK)
		err = hf_merkle_path(&nodes, index, count, path, &depth);
	if (err == HF_OK) {
		/* [head, domestic, index, entry, path] */
		pack_init(&k, out, capacity);
		pack_array(&k, 5);
		pack_bin(&k, p.head.data, p.head.size);
		pack_bool(&k, domestic);
		pack_uint(&k, index);
		pack_bin(&k, mine.data, mine.size);
		pack_bin(&k, path, depth * sizeof(*path));
		err = pack_finish(&k, size);
	}
	free(hashes);
	return err;
}

enum hf_err country_entry_check(const struct country_doc *d, const void *proof,
    size_t size, struct country_entry *entry)
{
	struct hf_hash path[HF_TREE_DEPTH_MAX], leaf, digest;
	struct hf_bytes head, bytes, hashes;
	struct country_entry read;
	struct wire w;
	uint64_t index;
	bool domestic;
	enum hf_err err;

	wire_init(&w, proof, size);
	wire_array(&w, 5, 5);
	head = wire_bin(&w, 1, 2048);
	domestic = wire_bool(&w);
	index = wire_uint(&w, HF_DOC_ENTRIES_MAX);
	bytes = wire_bin(&w, 1, HF_ENTRY_MAX);
	hashes = wire_bin(&w, 0, sizeof(path));
	wire_close(&w);
	err = wire_finish(&w);
	if (err != HF_OK)
		return err;
	if (hashes.size % HF_HASH_SIZE != 0)
		return HF_RANGE;
	if (hashes.size > 0)
		memcpy(path, hashes.data, hashes.size);
	digest = hf_hash(HF_TAG_COUNTRY_HEAD, head.data, head.size);
	if (memcmp(&digest, &d->head_digest, sizeof(digest)) != 0)
		return HF_PROOF;
	leaf = hf_merkle_leaf(bytes.data, bytes.size);
	err = hf_merkle_verify_path(&leaf, index,
	    domestic ? d->head.domestic_count : d->head.abroad_count, path,
	    (unsigned)(hashes.size / HF_HASH_SIZE),
	    domestic ? &d->head.domestic_root : &d->head.abroad_root);
	if (err == HF_OK)
		err = country_entry_decode(
		    &read, bytes.data, bytes.size, domestic);
	if (err == HF_OK)
		*entry = read;
	return err;
}
