/* The form of every kind (SPEC 4.1, 4.2), from the registry. */
#include "tests/proto/act_rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define COMMON_KEYS \
	(ACT_BIT(HF_E_SALT) | ACT_BIT(HF_E_FROM) | ACT_BIT(HF_E_TO) | \
	    ACT_BIT(HF_E_TRACK) | ACT_BIT(HF_E_GEN) | ACT_BIT(HF_E_SEEN_GEN) | \
	    ACT_BIT(HF_E_POLICY) | ACT_BIT(HF_E_ROSTER) | ACT_BIT(HF_E_CASE) | \
	    ACT_BIT(HF_E_PREV) | ACT_BIT(HF_E_SEEN) | ACT_BIT(HF_E_RE))
#define ALWAYS \
	(ACT_BIT(HF_E_FLAGS) | ACT_BIT(HF_E_THIRD) | ACT_BIT(HF_E_CITES) | \
	    ACT_BIT(HF_E_OUTSIDER) | ACT_BIT(HF_E_URGENCY))

/* The least envelope that kind `k` takes on `track`.  Values that call for
 * another key are left 0, as no envelope that was read has them. */
static void least(
    struct hf_envelope *e, const struct hf_kind_info *k, unsigned track)
{
	rig_envelope(e, track, k->opening ? 1 : 2);
	e->present |= k->must;
	if (k->opening)
		e->present &= ~ACT_BIT(HF_E_CASE);
	if (!k->needs_re)
		e->present &= ~ACT_BIT(HF_E_RE);
	if (k->kind == HF_KIND_AMEND) {
		e->change = HF_CORRECT;
		e->present |= ACT_BIT(HF_E_FREED);
	}
}

static unsigned first_track(const struct hf_kind_info *k)
{
	unsigned track = 0;

	while ((k->tracks >> track & 1u) == 0)
		track++;
	return track;
}

static const struct hf_kind_info *next_kind(unsigned *i)
{
	const struct hf_kind_info *k = hf_kind_at((*i)++);

	return k != NULL && k->kind == HF_KIND_NOTICE ? hf_kind_at((*i)++) : k;
}

Test(kinds, must_have_their_keys_and_may_have_no_others)
{
	const struct hf_kind_info *k;
	unsigned i = 0, seen = 0;

	while ((k = next_kind(&i)) != NULL) {
		uint64_t allowed = COMMON_KEYS | ALWAYS | k->must | k->may;
		struct hf_envelope e;

		seen++;
		least(&e, k, first_track(k));
		cr_expect_eq(
		    hf_act_check_shape(k->kind, &e), HF_OK, "%s", k->name);
		for (unsigned key = HF_E_CASE; key < HF_E_COUNT; key++) {
			struct hf_envelope with = e, without = e;
			bool must = (k->must >> key & 1) != 0;
			bool may = (allowed >> key & 1) != 0;

			if ((COMMON_KEYS >> key & 1) != 0)
				continue;
			with.present |= ACT_BIT(key);
			cr_expect_eq(hf_act_check_shape(k->kind, &with),
			    may ? HF_OK : HF_SHAPE, "%s with %u", k->name, key);
			without.present &= ~ACT_BIT(key);
			if (must)
				cr_expect_eq(
				    hf_act_check_shape(k->kind, &without),
				    HF_SHAPE, "%s without %u", k->name, key);
		}
	}
	cr_expect_eq(seen, 35, "%u kinds", seen);
}

Test(kinds, belong_on_their_tracks_at_their_place)
{
	const struct hf_kind_info *k;
	unsigned i = 0;

	while ((k = next_kind(&i)) != NULL) {
		struct hf_envelope e;

		for (unsigned track = 0; track < HF_TRACK_COUNT; track++) {
			least(&e, k, track);
			cr_expect_eq(hf_act_check_shape(k->kind, &e),
			    (k->tracks >> track & 1) != 0 ? HF_OK : HF_SHAPE,
			    "%s on %u", k->name, track);
		}
		least(&e, k, first_track(k));
		e.present ^= ACT_BIT(HF_E_CASE);
		cr_expect_eq(
		    hf_act_check_shape(k->kind, &e), HF_SHAPE, "%s", k->name);
		least(&e, k, first_track(k));
		e.present &= ~ACT_BIT(HF_E_RE);
		cr_expect_eq(hf_act_check_shape(k->kind, &e),
		    k->needs_re ? HF_SHAPE : HF_OK, "%s", k->name);
		least(&e, k, first_track(k));
		e.present ^= ACT_BIT(HF_E_PREV);
		cr_expect_eq(
		    hf_act_check_shape(k->kind, &e), HF_SHAPE, "%s", k->name);
		least(&e, k, first_track(k));
		e.present ^= ACT_BIT(HF_E_SEEN);
		cr_expect_eq(
		    hf_act_check_shape(k->kind, &e), HF_SHAPE, "%s", k->name);
	}
}

/* Keys that hang on the value of another: {kind, value, keys, ok}. */
Test(kinds, hold_to_keys_that_depend_on_a_value)
{
	enum {
		FREED = 1,
		CATEGORIES = 2,
		TERM = 4,
		URGENCY = 8,
		FLAGS = 16,
		NOT_AFTER = 32
	};
	static const enum hf_envelope_key keys[] = {HF_E_FREED, HF_E_CATEGORIES,
	    HF_E_TERM, HF_E_URGENCY, HF_E_FLAGS, HF_E_NOT_AFTER};
	static const struct {
		unsigned kind, value, keys;
		bool ok;
	} rows[] = {
	    {HF_KIND_AMEND, HF_CORRECT, FREED, true},
	    {HF_KIND_AMEND, HF_CORRECT, FREED | NOT_AFTER, true},
	    {HF_KIND_AMEND, HF_CORRECT, CATEGORIES, false},
	    {HF_KIND_AMEND, HF_NARROW, CATEGORIES, true},
	    {HF_KIND_AMEND, HF_NARROW, TERM, true},
	    {HF_KIND_AMEND, HF_NARROW, FREED, false},
	    {HF_KIND_AMEND, HF_NARROW, CATEGORIES | NOT_AFTER, false},
	    {HF_KIND_AMEND, HF_WIDEN, CATEGORIES, true},
	    {HF_KIND_AMEND, HF_WIDEN, TERM | NOT_AFTER, true},
	    {HF_KIND_AMEND, HF_WIDEN, 0, false},
	    {HF_KIND_AMEND, HF_CHANGE_URGENCY, URGENCY, true},
	    {HF_KIND_AMEND, HF_CHANGE_URGENCY, URGENCY | NOT_AFTER, false},
	    {HF_KIND_AMEND, HF_CHANGE_URGENCY, FLAGS, false},
	    {HF_KIND_AMEND, HF_CHANGE_SECRECY, FLAGS, true},
	    {HF_KIND_AMEND, HF_CHANGE_SECRECY, FLAGS | NOT_AFTER, false},
	    {HF_KIND_AMEND, HF_CHANGE_SECRECY, URGENCY, false},
	    {HF_KIND_REPORT, 1, TERM, true},
	    {HF_KIND_REPORT, 1, 0, false},
	    {HF_KIND_REPORT, 2, 0, false},
	    {HF_KIND_REPORT, 3, 0, true},
	    {HF_KIND_DECIDED, 1, TERM, true},
	    {HF_KIND_DECIDED, 1, 0, false},
	    {HF_KIND_DECIDED, 2, 0, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct hf_kind_info *k = hf_kind_info(rows[i].kind);
		struct hf_envelope e;

		least(&e, k, first_track(k));
		e.present &= ~ACT_BIT(HF_E_FREED);
		e.change = e.result = e.choice = rows[i].value;
		for (unsigned b = 0; b < sizeof(keys) / sizeof(keys[0]); b++)
			if ((rows[i].keys >> b & 1u) != 0)
				e.present |= ACT_BIT(keys[b]);
		cr_expect_eq(hf_act_check_shape(rows[i].kind, &e),
		    rows[i].ok ? HF_OK : HF_SHAPE, "%s %u, keys %u", k->name,
		    rows[i].value, rows[i].keys);
	}
}

Test(kinds, unknown_or_with_unknown_keys_have_no_form)
{
	static const unsigned kinds[] = {HF_KIND_NOTICE, 4, 65, 127, 128, 191};
	struct hf_envelope e;

	rig_envelope(&e, HF_TRACK_ASKING, 1);
	e.present |= ACT_BIT(HF_E_DUTY) | ACT_BIT(HF_E_CHOICE);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		cr_expect_eq(hf_act_check_shape(kinds[i], &e), HF_OK);
	cr_expect_eq(hf_act_check_shape(HF_KIND_NOTE, &e), HF_SHAPE);
	e.unknown_critical = true;
	cr_expect_eq(hf_act_check_shape(HF_KIND_NOTE, &e), HF_OK);
	e.present |= ACT_BIT(HF_E_PREV);
	cr_expect_eq(hf_act_check_shape(128, &e), HF_SHAPE);
}

Test(kinds, are_found_by_number_and_name)
{
	const struct hf_kind_info *k;

	for (unsigned i = 0; (k = hf_kind_at(i)) != NULL; i++) {
		cr_expect_eq(hf_kind_info(k->kind), k);
		cr_expect_eq(hf_kind_by_name(k->name), k);
		if (i > 0)
			cr_expect_gt(k->kind, hf_kind_at(i - 1)->kind);
	}
	cr_expect_null(hf_kind_info(0));
	cr_expect_null(hf_kind_info(9));
	cr_expect_null(hf_kind_by_name(""));
	cr_expect_null(hf_kind_by_name("Request"));
}
