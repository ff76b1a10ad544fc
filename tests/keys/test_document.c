/* Whole country documents: what is built opens, and nothing else does. */
#include "tests/keys/registry.h"

#include "proto/crypto.h"
#include "proto/merkle.h"
#include "proto/wire.h"

#include <criterion/criterion.h>
#include <string.h>

static struct registry r;

static void set_up(void)
{
	registry_init(&r, "JP", 2);
}

static void tear_down(void)
{
	registry_release(&r);
}

TestSuite(document, .init = set_up, .fini = tear_down, .timeout = 120);

static enum hf_err open_as(
    const uint8_t *data, size_t size, struct hf_key root, unsigned *clause)
{
	struct country_doc *d = NULL;
	enum hf_err err = country_doc_open(&d, data, size, &root, clause);

	cr_assert_eq(d != NULL, err == HF_OK);
	country_doc_free(d);
	return err;
}

static enum hf_err open_blob(const struct blob *b, unsigned *clause)
{
	return open_as(b->data, b->size, registry_root(&r), clause);
}

static unsigned count_type(const struct country_doc *d, unsigned type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->entry_count; i++)
		n += d->entries[i].type == type;
	return n;
}

Test(document, opens_as_it_was_built)
{
	static const struct hf_hash zeros;
	struct country_doc *first, *second;
	struct blob b;

	registry_fill(&r);
	b = registry_build(&r, NULL, 1);
	first = registry_open(&r, &b);
	cr_expect_str_eq(first->head.country.s, "JP");
	cr_expect_eq(first->head.version, 1);
	cr_expect_arr_eq(&first->head.prev, &zeros, sizeof(zeros));
	cr_expect_eq(first->head.issued.ms, NOW);
	cr_expect_eq(first->head.valid_until.ms, NOW + DAY_MS);
	cr_expect_eq(first->threshold, 2);
	cr_expect_eq(first->registrar_count, REGISTRARS);
	cr_expect(first->has_domestic);
	cr_expect_eq(first->entry_count, r.count);
	cr_expect_eq(first->head.abroad_count, 6);
	cr_expect_eq(first->head.domestic_count, 3);
	for (unsigned i = 0; i < first->entry_count; i++)
		cr_expect_eq(first->entries[i].domestic,
		    i >= first->head.abroad_count, "entry %u", i);
	for (unsigned t = ENTRY_BROKER; t <= ENTRY_APPROVAL; t++)
		cr_expect_eq(count_type(first, t),
		    t == ENTRY_DESK || t == ENTRY_OFFICER ? 2 : 1);
	free(b.data);

	b = registry_build(&r, first, 2);
	second = registry_open(&r, &b);
	cr_expect_arr_eq(
	    &second->head.prev, &first->head_digest, sizeof(zeros));
	cr_expect_neq(
	    memcmp(&second->head_digest, &first->head_digest, sizeof(zeros)),
	    0);
	free(b.data);
	country_doc_free(first);
	country_doc_free(second);
}

Test(document, with_any_bit_changed_or_any_byte_missing_is_refused)
{
	unsigned clause;
	struct blob b;

	registry_desk(&r, "jp.ncp", false);
	registry_approval(&r, 1, 0, 2)->domestic = true;
	b = registry_build(&r, NULL, 1);
	for (size_t bit = 0; bit < 8 * b.size; bit++) {
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_neq(open_blob(&b, &clause), HF_OK, "bit %zu", bit);
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t n = 0; n < b.size; n++)
		cr_assert_neq(open_as(b.data, n, registry_root(&r), &clause),
		    HF_OK, "cut at %zu", n);
	b.data = realloc(b.data, b.size + 1);
	cr_assert_not_null(b.data);
	b.data[b.size] = 0xc0;
	cr_expect_eq(open_as(b.data, b.size + 1, registry_root(&r), &clause),
	    HF_TRAILING);
	cr_expect_eq(open_blob(&b, &clause), HF_OK);
	free(b.data);
}

Test(document, stripped_is_valid_and_tells_nothing_domestic)
{
	struct country_doc *whole, *d;
	struct blob b, abroad, again;

	registry_fill(&r);
	b = registry_build(&r, NULL, 1);
	cr_expect_not_null(memmem(b.data, b.size, "jp.kddi", 7));
	abroad = registry_strip(&r, &b);
	cr_expect_null(memmem(abroad.data, abroad.size, "jp.kddi", 7));
	whole = registry_open(&r, &b);
	d = registry_open(&r, &abroad);
	cr_expect(!d->has_domestic);
	cr_expect_eq(d->entry_count, whole->head.abroad_count);
	cr_expect_eq(d->head.domestic_count, whole->head.domestic_count);
	cr_expect_arr_eq(
	    &d->head_digest, &whole->head_digest, sizeof(d->head_digest));
	cr_expect_eq(count_type(d, ENTRY_WRAP), 0);
	cr_expect_eq(count_type(d, ENTRY_DESK), 1);
	again = registry_strip(&r, &abroad);
	cr_expect_eq(again.size, abroad.size);
	cr_expect_arr_eq(again.data, abroad.data, again.size);
	free(b.data);
	free(abroad.data);
	free(again.data);
	country_doc_free(whole);
	country_doc_free(d);
}

/* 0 to 2 are registrars; 3 is a stranger. */
Test(document, needs_two_distinct_registrars_of_three)
{
	static const struct {
		unsigned who[4], count;
		enum hf_err err;
	} rows[] = {
	    {{0}, 1, HF_DOC_INVALID},
	    {{0, 1}, 2, HF_OK},
	    {{2, 1}, 2, HF_OK},
	    {{0, 1, 2}, 3, HF_OK},
	    {{1, 1}, 2, HF_DOC_INVALID},
	    {{0, 3}, 2, HF_DOC_INVALID},
	    {{0, 1, 3}, 3, HF_DOC_INVALID},
	};
	struct secret *all[4] = {r.registrars[0], r.registrars[1],
	    r.registrars[2], secret_new(SECRET_REGISTRAR)};

	registry_desk(&r, "jp.ncp", false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct secret *signers[4];
		struct blob b = {NULL, 0};
		unsigned clause;

		for (unsigned k = 0; k < rows[i].count; k++)
			signers[k] = all[rows[i].who[k]];
		cr_assert_eq(
		    country_build(
			(struct hf_bytes){r.certificate, r.certificate_size},
			NULL, 1, r.entries, r.count, (struct instant){NOW},
			(struct instant){NOW + DAY_MS}, signers, rows[i].count,
			&b.data, &b.size),
		    HF_OK);
		cr_expect_eq(open_blob(&b, &clause), rows[i].err, "row %zu", i);
		cr_expect(rows[i].err == HF_OK || clause == 705);
		free(b.data);
	}
	secret_free(all[3]);
}

Test(document, is_refused_under_another_root_or_an_expired_certificate)
{
	struct secret *other = secret_new(SECRET_ROOT);
	struct instant issued[] = {{NOW - DAY_MS - 1}, {NOW + DAY_MS + 1}};
	unsigned clause = 0;
	struct blob b;

	registry_desk(&r, "jp.ncp", false);
	b = registry_build(&r, NULL, 1);
	cr_expect_eq(open_as(b.data, b.size, secret_sign_key(other), &clause),
	    HF_DOC_INVALID);
	cr_expect_eq(clause, 705);
	free(b.data);
	secret_free(other);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(country_build((struct hf_bytes){r.certificate,
					       r.certificate_size},
				 NULL, 1, r.entries, r.count, issued[i],
				 (struct instant){NOW + 9 * DAY_MS},
				 r.registrars, 2, &b.data, &b.size),
		    HF_OK);
		cr_expect_eq(open_blob(&b, &clause), HF_DOC_INVALID);
		cr_expect_eq(clause, 705);
		free(b.data);
	}
}

/* One root may certify two countries; a head is of its certificate's. */
Test(document, cannot_borrow_the_certificate_of_another_country)
{
	uint8_t cz[1024];
	struct hf_key keys[REGISTRARS];
	unsigned clause = 0;
	struct blob b;
	size_t size;

	registry_desk(&r, "jp.ncp", false);
	b = registry_build(&r, NULL, 1);
	for (unsigned i = 0; i < REGISTRARS; i++)
		keys[i] = secret_sign_key(r.registrars[i]);
	cr_assert_eq(
	    country_certify((struct hf_country){"CZ"}, 2, keys, REGISTRARS,
		(struct instant){NOW - DAY_MS}, (struct instant){NOW + DAY_MS},
		1, r.root, cz, sizeof(cz), &size),
	    HF_OK);
	cr_assert_eq(size, r.certificate_size);
	memcpy(b.data + 1, cz + 1, size - 1);
	cr_expect_eq(open_blob(&b, &clause), HF_DOC_INVALID);
	cr_expect_eq(clause, 705);
	memcpy(b.data + 1, r.certificate + 1, size - 1);
	cr_expect_eq(open_blob(&b, &clause), HF_OK);
	free(b.data);
}

static void expect_misfit(const char *why)
{
	struct blob b = registry_build(&r, NULL, 1);
	unsigned clause = 0;

	cr_expect_eq(open_blob(&b, &clause), HF_DOC_INVALID, "%s", why);
	cr_expect_eq(clause, 703, "%s", why);
	free(b.data);
}

Test(document, whose_entries_do_not_fit_together_is_refused)
{
	struct registry good;
	struct hf_key officer;

	registry_fill(&r);
	good = r;
	officer = r.entries[3].u.officer.sign;

	registry_desk(&r, "cz.ncp", false);
	expect_misfit("desk of another country");
	r = good;
	registry_officer(&r, "cz.ncp", false);
	expect_misfit("officer of another country");
	r = good;
	registry_officer(&r, "jp.none", false);
	expect_misfit("officer without a desk");
	r = good;
	registry_officer(&r, "jp.kddi", false);
	expect_misfit("officer abroad of a desk at home");
	r = good;
	registry_desk(&r, "jp.ncp", true);
	expect_misfit("a desk twice, once at home");
	r = good;
	registry_officer(&r, "jp.ncp", true)->u.officer.sign = officer;
	expect_misfit("a signing key twice");
	r = good;
	registry_officer(&r, "jp.ncp", false)->u.officer.transport =
	    r.entries[3].u.officer.transport;
	expect_misfit("a transport key twice");
	r = good;
	registry_broker(&r, 1);
	expect_misfit("an epoch of the broker twice");
	r = good;
	registry_profile(&r, "test");
	expect_misfit("a basis twice");
	r = good;
	registry_revocation(&r, &r.entries[5].u.revocation.key, NOW + 1);
	expect_misfit("a revocation twice");
	r = good;
	registry_wrap(&r, "jp.none", &officer);
	expect_misfit("a wrap without a desk");
	r = good;
	registry_wrap(&r, "jp.ncp", &officer);
	expect_misfit("a wrap twice");
}

Test(document, builder_refuses_what_would_make_no_sense)
{
	struct hf_bytes cert = {r.certificate, r.certificate_size};
	struct instant now = {NOW}, until = {NOW + DAY_MS};
	struct hf_key key = registry_root(&r);
	struct country_entry *many;
	struct country_doc *d;
	uint8_t out[1024], *data = NULL;
	struct blob b;
	size_t size;

	registry_approval(&r, 1, 0, 2);
	b = registry_build(&r, NULL, 1);
	d = registry_open(&r, &b);
#define BUILD(previous, version, entries, count, signers) \
	country_build(cert, previous, version, entries, count, now, until, \
	    r.registrars, signers, &data, &size)
	cr_expect_eq(BUILD(NULL, 2, r.entries, 1, 2), HF_RANGE);
	cr_expect_eq(BUILD(NULL, 0, r.entries, 1, 2), HF_RANGE);
	cr_expect_eq(BUILD(d, 1, r.entries, 1, 2), HF_RANGE);
	cr_expect_eq(BUILD(NULL, 1, r.entries, 1, 0), HF_RANGE);
	many = calloc(HF_DOC_ENTRIES_MAX + 1, sizeof(*many));
	cr_assert_not_null(many);
	for (unsigned i = 0; i <= HF_DOC_ENTRIES_MAX; i++)
		many[i] = r.entries[0];
	cr_expect_eq(
	    BUILD(NULL, 1, many, HF_DOC_ENTRIES_MAX + 1, 2), HF_TOO_MANY);
	cr_expect_null(data);
	cr_assert_eq(BUILD(NULL, 1, many, HF_DOC_ENTRIES_MAX, 2), HF_OK);
#undef BUILD
	free(b.data);
	country_doc_free(d);
	b = (struct blob){data, size};
	d = registry_open(&r, &b);
	cr_expect_eq(d->entry_count, HF_DOC_ENTRIES_MAX, "as many as allowed");
	free(b.data);
	country_doc_free(d);
	free(many);
	cr_expect_eq(country_certify(r.country, 0, &key, 1, now, until, 1,
			 r.root, out, sizeof(out), &size),
	    HF_RANGE);
	cr_expect_eq(country_certify(r.country, 2, &key, 1, now, until, 1,
			 r.root, out, sizeof(out), &size),
	    HF_RANGE);
}

static void expect_proof(const struct country_doc *d, unsigned i)
{
	const struct country_head *h = &d->head;
	uint8_t out[4096];
	struct country_entry e;
	struct hf_bytes head, entry, path;
	struct hf_hash leaf, digest;
	struct wire w;
	uint64_t index;
	bool domestic;
	size_t size;

	cr_assert_eq(country_entry_proof(d, i, out, sizeof(out), &size), HF_OK);
	wire_init(&w, out, size);
	wire_array(&w, 5, 5);
	head = wire_bin(&w, 1, 512);
	domestic = wire_bool(&w);
	index = wire_uint(&w, 1024);
	entry = wire_bin(&w, 1, HF_ENTRY_MAX);
	path = wire_bin(&w, 0, HF_PATH_MAX);
	wire_close(&w);
	cr_assert_eq(wire_finish(&w), HF_OK);
	digest = hf_hash(HF_TAG_COUNTRY_HEAD, head.data, head.size);
	cr_expect_arr_eq(&digest, &d->head_digest, sizeof(digest));
	cr_assert_eq(
	    country_entry_decode(&e, entry.data, entry.size, domestic), HF_OK);
	cr_expect_eq(e.type, d->entries[i].type);
	cr_expect_eq(domestic, d->entries[i].domestic);
	leaf = hf_merkle_leaf(entry.data, entry.size);
	cr_expect_eq(hf_merkle_verify_path(&leaf, index,
			 domestic ? h->domestic_count : h->abroad_count,
			 (const struct hf_hash *)path.data,
			 (unsigned)(path.size / HF_HASH_SIZE),
			 domestic ? &h->domestic_root : &h->abroad_root),
	    HF_OK, "entry %u", i);
	cr_assert_eq(country_entry_check(d, out, size, &e), HF_OK);
	cr_expect_eq(e.type, d->entries[i].type);
	cr_expect_eq(e.domestic, d->entries[i].domestic);
	cr_expect_eq(
	    country_entry_proof(d, i, out, size - 1, &size), HF_TOO_BIG);
}

/* A proof of one document against another: every bit counts but none of the
 * document's, which is the verifier's own. */
Test(document, a_proof_of_an_entry_stands_in_its_document_only)
{
	uint8_t proof[4096];
	struct country_doc *whole, *abroad, *next;
	struct country_entry e;
	struct blob b, stripped, after;
	size_t size;

	registry_fill(&r);
	b = registry_build(&r, NULL, 1);
	whole = registry_open(&r, &b);
	stripped = registry_strip(&r, &b);
	abroad = registry_open(&r, &stripped);
	after = registry_build(&r, whole, 2);
	next = registry_open(&r, &after);
	cr_assert(whole->entries[whole->entry_count - 1].domestic);
	cr_assert_eq(country_entry_proof(whole, whole->entry_count - 1, proof,
			 sizeof(proof), &size),
	    HF_OK);
	cr_expect_eq(country_entry_check(abroad, proof, size, &e), HF_OK,
	    "the copy for abroad binds its domestic entries too");
	cr_expect_eq(e.type, whole->entries[whole->entry_count - 1].type);
	cr_expect_eq(country_entry_check(next, proof, size, &e), HF_PROOF);
	for (size_t i = 0; i < size; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			proof[i] ^= (uint8_t)(1u << bit);
			cr_expect_neq(
			    country_entry_check(abroad, proof, size, &e), HF_OK,
			    "byte %zu, bit %u", i, bit);
			proof[i] ^= (uint8_t)(1u << bit);
		}
	for (size_t i = 0; i < size; i++)
		cr_expect_neq(country_entry_check(abroad, proof, i, &e), HF_OK);
	country_doc_free(whole);
	country_doc_free(abroad);
	country_doc_free(next);
	free(b.data);
	free(stripped.data);
	free(after.data);
}

Test(document, proves_each_entry_it_holds)
{
	uint8_t out[4096];
	struct country_doc *d;
	struct blob b, abroad;
	unsigned count;
	size_t size;

	registry_fill(&r);
	b = registry_build(&r, NULL, 1);
	d = registry_open(&r, &b);
	count = d->entry_count;
	for (unsigned i = 0; i < count; i++)
		expect_proof(d, i);
	cr_expect_eq(
	    country_entry_proof(d, count, out, sizeof(out), &size), HF_RANGE);
	country_doc_free(d);
	abroad = registry_strip(&r, &b);
	d = registry_open(&r, &abroad);
	for (unsigned i = 0; i < d->entry_count; i++)
		expect_proof(d, i);
	cr_expect_eq(
	    country_entry_proof(d, d->entry_count, out, sizeof(out), &size),
	    HF_RANGE, "a domestic entry is not in this copy");
	country_doc_free(d);
	free(b.data);
	free(abroad.data);
}
