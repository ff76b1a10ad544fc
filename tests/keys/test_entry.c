/* Entries of country documents, one by one. */
#include "tests/keys/registry.h"

#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <string.h>

static struct registry r;
static const uint8_t salt[HF_SALT_SIZE] = {1, 2, 3};

static void set_up(void)
{
	registry_init(&r, "JP", 1);
	registry_fill(&r);
}

static void tear_down(void)
{
	registry_release(&r);
}

TestSuite(entry, .init = set_up, .fini = tear_down);

static enum hf_err encode(const struct country_entry *e)
{
	uint8_t out[HF_ENTRY_MAX];
	size_t size;

	return country_entry_encode(e, salt, out, sizeof(out), &size);
}

Test(entry, of_every_type_comes_back_the_same)
{
	for (unsigned i = 0; i < r.count; i++) {
		uint8_t a[HF_ENTRY_MAX], b[HF_ENTRY_MAX];
		struct country_entry back;
		size_t size, again;

		cr_assert_eq(country_entry_encode(
				 &r.entries[i], salt, a, sizeof(a), &size),
		    HF_OK, "entry %u", i);
		cr_assert_eq(
		    country_entry_decode(&back, a, size, r.entries[i].domestic),
		    HF_OK);
		cr_expect_eq(back.type, r.entries[i].type);
		cr_expect_eq(back.domestic, r.entries[i].domestic);
		cr_assert_eq(
		    country_entry_encode(&back, salt, b, sizeof(b), &again),
		    HF_OK);
		cr_assert_eq(again, size);
		cr_expect_arr_eq(a, b, size);
		for (size_t n = 0; n < size; n++)
			cr_assert_neq(country_entry_decode(
					  &back, a, n, r.entries[i].domestic),
			    HF_OK, "entry %u cut at %zu", i, n);
		cr_expect_eq(country_entry_encode(
				 &r.entries[i], salt, b, size - 1, &again),
		    HF_TOO_BIG);
	}
}

Test(entry, broker_has_good_endpoints_keys_and_times)
{
	static const struct {
		const char *endpoint;
		enum hf_err err;
	} rows[] = {
	    {"tcp://a:1", HF_OK},
	    {"tcp://broker.example:65535", HF_OK},
	    {"tcp://broker.example", HF_RANGE},
	    {"tcp://broker.example:", HF_RANGE},
	    {"tcp://broker.example:0", HF_RANGE},
	    {"tcp://broker.example:65536", HF_RANGE},
	    {"tcp://broker.example:77a", HF_RANGE},
	    {"tcp://:7710", HF_RANGE},
	    {"ipc:///tmp/socket:1", HF_RANGE},
	    {"inproc://x:1", HF_RANGE},
	};
	struct country_entry *e = &r.entries[0], good = *e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(e->u.broker.endpoints[1], rows[i].endpoint);
		cr_expect_eq(encode(e), rows[i].err, "%s", rows[i].endpoint);
	}
	*e = good;
	e->u.broker.endpoint_count = 0;
	cr_expect_neq(encode(e), HF_OK, "no endpoint");
	*e = good;
	e->u.broker.valid_until = e->u.broker.valid_from;
	cr_expect_eq(encode(e), HF_RANGE);
	*e = good;
	memset(&e->u.broker.ledger, 0xff, sizeof(e->u.broker.ledger));
	cr_expect_eq(encode(e), HF_RANGE, "not a point");
	*e = good;
	memset(&e->u.broker.ledger, 0, sizeof(e->u.broker.ledger));
	cr_expect_eq(encode(e), HF_RANGE, "a point of small order");
}

/* One thing wrong at a time. */
Test(entry, with_a_value_out_of_place_is_refused)
{
	struct registry good = r;
	struct country_entry *desk = &r.entries[1];
	struct country_entry *officer = &r.entries[3];
	struct country_entry *gone = &r.entries[5], *rules = &r.entries[6];
	struct country_entry *wrap = &r.entries[7], *approval = &r.entries[8];

#define REFUSED(change, entry) \
	do { \
		change; \
		cr_expect_neq(encode(entry), HF_OK, #change); \
		r = good; \
		cr_expect_eq(encode(entry), HF_OK); \
	} while (0)
	REFUSED(strcpy(desk->u.desk.desk.s, "JP.ncp"), desk);
	REFUSED(strcpy(desk->u.desk.desk.s, "jp."), desk);
	REFUSED(desk->u.desk.type = 0, desk);
	REFUSED(desk->u.desk.type = DESK_OPERATOR + 1, desk);
	REFUSED(desk->u.desk.name[0] = '\0', desk);
	REFUSED(strcpy(desk->u.desk.name, "\xff"), desk);
	REFUSED(strcpy(desk->u.desk.name, "a\x1b[2J"), desk);
	REFUSED(desk->u.desk.telephone[0] = '\0', desk);
	REFUSED(desk->u.desk.means_count = 0, desk);
	REFUSED(officer->u.officer.role = 0, officer);
	REFUSED(officer->u.officer.role = ROLE_OPERATOR + 1, officer);
	REFUSED(officer->u.officer.valid_until = officer->u.officer.valid_from,
	    officer);
	REFUSED(officer->u.officer.valid_until.ms = UINT64_C(1) << 48, officer);
	REFUSED(memset(&officer->u.officer.sign, 0, HF_KEY_SIZE), officer);
	REFUSED(officer->u.officer.name[0] = '\0', officer);
	REFUSED(gone->u.revocation.since.ms = gone->u.revocation.revoked.ms + 1,
	    gone);
	REFUSED(gone->u.revocation.reason = 256, gone);
	REFUSED(rules->u.profile.name[0] = '\0', rules);
	REFUSED(wrap->domestic = false, wrap);
	REFUSED(approval->u.approval.needed = 0, approval);
	REFUSED(approval->u.approval.needed = HF_SIGNATURE_MAX + 1, approval);
	REFUSED(approval->type = 0, approval);
	REFUSED(approval->type = ENTRY_APPROVAL + 1, approval);
#undef REFUSED
}
