#include "proto/act.h"
#include "proto/crypto.h"
#include "proto/profile.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define DAY UINT64_C(86400)

/* Source: domain.md 3: art. 29(7), 16(2); Regulation 2023/1543; 18 USC
 * 2703(f); Japan's 30 and 60 days. */
static const struct {
	const char *name;
	unsigned basis;
	uint64_t min, term, max, total;
	unsigned extensions;
} terms[] = {
    {"budapest", HF_BASIS_BUDAPEST, 60 * DAY, 60 * DAY, 90 * DAY, 0, 255},
    {"eu", HF_BASIS_EU, 60 * DAY, 60 * DAY, 60 * DAY, 90 * DAY, 1},
    {"us-2703f", HF_BASIS_DOMESTIC, DAY, 90 * DAY, 90 * DAY, 180 * DAY, 1},
    {"japan", HF_BASIS_DOMESTIC, DAY, 30 * DAY, 30 * DAY, 60 * DAY, 1},
    {"domestic", HF_BASIS_DOMESTIC, DAY, 90 * DAY, 90 * DAY, 0, 255},
    {"test", HF_BASIS_EXERCISE, 2, 20, 60, 0, 255},
};

Test(profile, has_the_terms_of_the_treaties)
{
	cr_assert_eq(hf_crypto_init(), HF_OK);
	for (size_t i = 0; i < sizeof(terms) / sizeof(*terms); i++) {
		const struct hf_profile *p = hf_profile_by_name(terms[i].name);

		cr_assert_not_null(p, "%s", terms[i].name);
		cr_expect_eq(p->basis, terms[i].basis, "%s", p->name);
		cr_expect_eq(p->term_min_s, terms[i].min, "%s", p->name);
		cr_expect_eq(p->term_default_s, terms[i].term, "%s", p->name);
		cr_expect_eq(p->term_max_s, terms[i].max, "%s", p->name);
		cr_expect_eq(p->total_max_s, terms[i].total, "%s", p->name);
		cr_expect_eq(
		    p->extensions_max, terms[i].extensions, "%s", p->name);
	}
	cr_expect_null(hf_profile_by_name("none"));
	cr_expect_null(hf_profile_at(100));
	/* dual criminality is a ground only by reservation: art. 29(4) */
	cr_expect_not(hf_profile_has_ground(hf_profile_by_name("budapest"), 6));
	cr_expect(hf_profile_has_ground(hf_profile_by_name("budapest"), 2));
}

Test(profile, is_read_as_written_and_equals_its_vector)
{
	json_t *ours = json_array(), *vector;
	const struct hf_profile *p;

	cr_assert_eq(hf_crypto_init(), HF_OK);
	for (unsigned i = 0; (p = hf_profile_at(i)) != NULL; i++) {
		uint8_t bytes[HF_PROFILE_MAX];
		char hex[2 * HF_PROFILE_MAX + 1], digest[65];
		struct hf_profile back;
		size_t size;

		cr_assert_eq(
		    hf_profile_encode(p, bytes, sizeof(bytes), &size), HF_OK);
		cr_assert_eq(hf_profile_decode(&back, bytes, size), HF_OK);
		cr_expect_arr_eq(&back, p, sizeof(back), "%s", p->name);
		hf_hex(hex, bytes, size);
		hf_hex(digest, p->digest.b, sizeof(p->digest.b));
		json_array_append_new(
		    ours, json_pack("{s:s, s:s, s:s}", "name", p->name, "bytes",
			      hex, "digest", digest));
		for (size_t k = 0; k < size; k++)
			cr_expect_neq(
			    hf_profile_decode(&back, bytes, k), HF_OK);
		for (size_t k = 0; k < size; k++) {
			bytes[k] ^= 0x80;
			if (hf_profile_decode(&back, bytes, size) == HF_OK)
				cr_expect_arr_neq(back.digest.b, p->digest.b,
				    sizeof(back.digest.b));
			bytes[k] ^= 0x80;
		}
	}
	if (getenv("HF_WRITE_VECTORS") != NULL)
		json_dump_file(ours, "proto/vectors/profiles.json",
		    JSON_INDENT(1) | JSON_SORT_KEYS);
	vector = vectors_load("profiles.json");
	cr_expect(json_equal(ours, vector), "profiles.json is out of date");
	json_decref(ours);
	json_decref(vector);
}

Test(profile, refuses_what_makes_no_sense)
{
	struct hf_profile p = *hf_profile_by_name("budapest"), back;
	uint8_t bytes[HF_PROFILE_MAX];
	size_t size, at;

	cr_assert_eq(hf_crypto_init(), HF_OK);
	p.term_min_s = p.term_max_s + 1;
	cr_assert_eq(hf_profile_encode(&p, bytes, sizeof(bytes), &size), HF_OK);
	cr_expect_eq(hf_profile_decode(&back, bytes, size), HF_RANGE);
	p = *hf_profile_by_name("budapest");
	p.basis = 0;
	cr_assert_eq(hf_profile_encode(&p, bytes, sizeof(bytes), &size), HF_OK);
	cr_expect_eq(hf_profile_decode(&back, bytes, size), HF_RANGE);
	for (unsigned i = 0; i < 6; i++) {
		p = *hf_profile_by_name("budapest");
		p.basis += i == 0 ? 256 : 0;
		p.extensions_max += i == 1 ? 256 : 0;
		p.measures += i == 2 ? 256 : 0;
		p.categories = i == 3 ? 16 : p.categories;
		p.live_ttl_max_s = i == 4 ? UINT64_C(1) << 32 : 1;
		if (i == 5)
			p.grounds[0] = 0;
		cr_assert_eq(
		    hf_profile_encode(&p, bytes, sizeof(bytes), &size), HF_OK);
		cr_expect_eq(hf_profile_decode(&back, bytes, size),
		    i == 5 ? HF_KEY_ORDER : HF_RANGE, "%u", i);
	}
	cr_expect_eq(
	    hf_profile_decode(&back, bytes, HF_PROFILE_MAX + 1), HF_TOO_BIG);
	/* version 2^32 + 1 is not version 1 */
	p = *hf_profile_by_name("budapest");
	cr_assert_eq(hf_profile_encode(&p, bytes, sizeof(bytes), &size), HF_OK);
	at = 3 + 1 + 1 + strlen(p.name) + 1;
	cr_assert_eq(bytes[at], p.version);
	memmove(bytes + at + 9, bytes + at + 1, size - at - 1);
	memcpy(bytes + at, "\xcf\0\0\0\1\0\0\0\1", 9);
	cr_expect_eq(hf_profile_decode(&back, bytes, size + 8), HF_RANGE);
	p = *hf_profile_by_name("budapest");
	p.grounds[1] = p.grounds[0];
	cr_assert_eq(hf_profile_encode(&p, bytes, sizeof(bytes), &size), HF_OK);
	cr_expect_eq(hf_profile_decode(&back, bytes, size), HF_KEY_ORDER);
	cr_expect_eq(hf_profile_encode(&p, bytes, 20, &size), HF_TOO_BIG);
}
