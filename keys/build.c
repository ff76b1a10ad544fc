/*
 * build: what root and registrars do with their keys.
 */
#include "keys/country.h"
#include "proto/crypto.h"
#include "proto/merkle.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <stdlib.h>
#include <string.h>

static void put_uint(struct pack *p, unsigned key, uint64_t v)
{
	pack_uint(p, key);
	pack_uint(p, v);
}

enum hf_err country_certify(struct hf_country country, unsigned threshold,
    const struct hf_key *registrars, unsigned count, struct instant from,
    struct instant until, uint32_t serial, const struct secret *root,
    uint8_t *out, size_t capacity, size_t *size)
{
	uint8_t certificate[512];
	struct hf_hash message;
	struct hf_sig sig;
	struct pack p;
	size_t n;
	enum hf_err err;

	if (count == 0 || count > HF_REGISTRAR_MAX || threshold == 0 ||
	    threshold > count)
		return HF_RANGE;
	pack_init(&p, certificate, sizeof(certificate));
	pack_map(&p, 6);
	pack_uint(&p, 1);
	pack_text(&p, country.s);
	put_uint(&p, 2, threshold);
	pack_uint(&p, 3);
	pack_array(&p, count);
	for (unsigned i = 0; i < count; i++)
		pack_bin(&p, registrars[i].b, HF_KEY_SIZE);
	put_uint(&p, 4, from.ms);
	put_uint(&p, 5, until.ms);
	put_uint(&p, 6, serial);
	err = pack_finish(&p, &n);
	if (err != HF_OK)
		return err;
	message = hf_hash(HF_TAG_SIGN_CERT, certificate, n);
	sig = secret_sign(root, &message, sizeof(message));
	pack_init(&p, out, capacity);
	pack_array(&p, 2);
	pack_bin(&p, certificate, n);
	pack_bin(&p, sig.b, HF_SIG_SIZE);
	return pack_finish(&p, size);
}

/* One list of entries: its bytes and its root. */
struct list {
	uint8_t *bytes; /* array head and entries as bins */
	size_t size;
	uint32_t count;
	struct hf_hash root;
};

static enum hf_err make_list(struct list *l,
    const struct country_entry *entries, unsigned count, bool domestic)
{
	struct hf_hash *hashes = calloc(count + 1u, sizeof(*hashes));
	uint8_t *data = malloc(HF_DOC_MAX);
	struct pack p;
	enum hf_err err = HF_NOMEM;

	memset(l, 0, sizeof(*l));
	if (hashes == NULL || data == NULL)
		goto out;
	for (unsigned i = 0; i < count; i++)
		l->count += entries[i].domestic == domestic;
	err = l->count <= HF_DOC_ENTRIES_MAX ? HF_OK : HF_TOO_MANY;
	pack_init(&p, data, HF_DOC_MAX);
	pack_array(&p, l->count);
	for (unsigned i = 0, n = 0; i < count && err == HF_OK; i++) {
		uint8_t entry[HF_ENTRY_MAX], salt[HF_SALT_SIZE];
		size_t size;

		if (entries[i].domestic != domestic)
			continue;
		hf_random(salt, sizeof(salt));
		err = country_entry_encode(
		    &entries[i], salt, entry, sizeof(entry), &size);
		if (err == HF_OK) {
			pack_bin(&p, entry, size);
			hashes[n++] = hf_merkle_leaf(entry, size);
		}
	}
	if (err == HF_OK)
		err = pack_finish(&p, &l->size);
	if (err == HF_OK) {
		l->root = hf_merkle_root(hashes, l->count);
		l->bytes = data;
		data = NULL;
	}
out:
	free(hashes);
	free(data);
	return err;
}

static enum hf_err make_head(uint8_t out[512], size_t *size,
    struct hf_country country, const struct country_doc *previous,
    uint32_t version, const struct list *abroad, const struct list *domestic,
    struct instant issued, struct instant until)
{
	static const uint8_t zeros[HF_HASH_SIZE];
	struct pack p;

	pack_init(&p, out, 512);
	pack_map(&p, 10);
	pack_uint(&p, 1);
	pack_text(&p, country.s);
	put_uint(&p, 2, version);
	pack_uint(&p, 3);
	pack_bin(&p, previous == NULL ? zeros : previous->head_digest.b,
	    HF_HASH_SIZE);
	put_uint(&p, 4, issued.ms);
	put_uint(&p, 5, until.ms);
	put_uint(&p, 6, abroad->count);
	pack_uint(&p, 7);
	pack_bin(&p, abroad->root.b, HF_HASH_SIZE);
	put_uint(&p, 8, domestic->count);
	pack_uint(&p, 9);
	pack_bin(&p, domestic->root.b, HF_HASH_SIZE);
	put_uint(&p, 10, issued.ms);
	return pack_finish(&p, size);
}

/* The country a certificate speaks for, and the two bins of it. */
static enum hf_err open_certificate(struct hf_bytes bytes,
    struct hf_bytes *certificate, struct hf_bytes *sig,
    struct hf_country *country)
{
	struct wire w;

	wire_init(&w, bytes.data, bytes.size);
	wire_array(&w, 2, 2);
	*certificate = wire_bin(&w, 1, 2048);
	*sig = wire_bin(&w, HF_SIG_SIZE, HF_SIG_SIZE);
	wire_close(&w);
	if (wire_finish(&w) != HF_OK)
		return w.err;
	wire_init(&w, certificate->data, certificate->size);
	wire_map(&w, 6);
	wire_key(&w);
	*country = wire_country(&w);
	return w.err;
}

enum hf_err country_build(struct hf_bytes certificate,
    const struct country_doc *previous, uint32_t version,
    const struct country_entry *entries, unsigned count, struct instant issued,
    struct instant until, struct secret *const *registrars, unsigned signers,
    uint8_t **out, size_t *size)
{
	struct list abroad = {0}, domestic = {0};
	struct hf_bytes cert, cert_sig;
	struct hf_country country;
	struct hf_hash message;
	uint8_t head[512], *document = NULL;
	size_t head_size;
	struct pack p;
	enum hf_err err;

	if (signers == 0 || signers > HF_REGISTRAR_MAX ||
	    (previous == NULL ? version != 1
			      : version <= previous->head.version))
		return HF_RANGE;
	err = open_certificate(certificate, &cert, &cert_sig, &country);
	if (err == HF_OK)
		err = make_list(&abroad, entries, count, false);
	if (err == HF_OK)
		err = make_list(&domestic, entries, count, true);
	if (err == HF_OK)
		err = make_head(head, &head_size, country, previous, version,
		    &abroad, &domestic, issued, until);
	if (err != HF_OK)
		goto out;
	document = malloc(HF_DOC_MAX);
	if (document == NULL) {
		err = HF_NOMEM;
		goto out;
	}
	message = hf_hash(HF_TAG_SIGN_HEAD, head, head_size);
	pack_init(&p, document, HF_DOC_MAX);
	pack_array(&p, 6);
	pack_bin(&p, cert.data, cert.size);
	pack_bin(&p, cert_sig.data, cert_sig.size);
	pack_bin(&p, head, head_size);
	pack_array(&p, signers);
	for (unsigned i = 0; i < signers; i++) {
		struct hf_key key = secret_sign_key(registrars[i]);
		struct hf_sig sig =
		    secret_sign(registrars[i], &message, sizeof(message));

		pack_array(&p, 2);
		pack_bin(&p, key.b, HF_KEY_SIZE);
		pack_bin(&p, sig.b, HF_SIG_SIZE);
	}
	pack_raw(&p, (struct hf_bytes){abroad.bytes, abroad.size});
	pack_raw(&p, (struct hf_bytes){domestic.bytes, domestic.size});
	err = pack_finish(&p, size);
	if (err == HF_OK) {
		*out = document;
		document = NULL;
	}
out:
	free(document);
	free(abroad.bytes);
	free(domestic.bytes);
	return err;
}
