/* Acts as a whole: nothing may be changed, cut or added unseen. */
#include "tests/proto/act_rig.h"
#include "tests/proto/chance.h"

#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <string.h>

static enum hf_err whole(const void *frame, size_t size)
{
	struct hf_act a;
	enum hf_err err = hf_act_decode(&a, frame, size);

	return err == HF_OK ? hf_act_verify(&a) : err;
}

static void no_bit_may_flip(struct act_rig *r, const char *what)
{
	cr_assert_eq(whole(r->frame, r->size), HF_OK, "%s", what);
	for (size_t bit = 0; bit < r->size * 8; bit++) {
		r->frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_expect_neq(whole(r->frame, r->size), HF_OK,
		    "%s: bit %zu of byte %zu", what, bit % 8, bit / 8);
		r->frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

Test(act, is_refused_with_any_bit_flipped, .timeout = 120)
{
	static struct act_rig r;

	rig_request(&r);
	rig_build(&r);
	no_bit_may_flip(&r, "one signature");
	rig_request(&r);
	r.signer_count = 3;
	r.body_size = 0;
	rig_build(&r);
	no_bit_may_flip(&r, "three signatures, erased");
}

/* A machine act proves its commitments alone: its core, and with it its
 * author, are proved by the receipt.  Flips outside the core are seen. */
Test(act, of_a_machine_holds_its_envelope)
{
	static struct act_rig r;
	struct hf_act a;
	size_t core_end;

	rig_machine(&r);
	rig_build(&r);
	cr_assert_eq(hf_act_decode(&a, r.frame, r.size), HF_OK);
	core_end = (size_t)(a.core_bytes.data - r.frame) + a.core_bytes.size;
	for (size_t bit = core_end * 8; bit < r.size * 8; bit++) {
		r.frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_expect_neq(
		    whole(r.frame, r.size), HF_OK, "byte %zu", bit / 8);
		r.frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < core_end * 8; bit++) {
		struct hf_act b;

		r.frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (hf_act_decode(&b, r.frame, r.size) == HF_OK)
			cr_expect_neq(
			    memcmp(&b.digest, &a.digest, sizeof(b.digest)), 0,
			    "byte %zu", bit / 8);
		r.frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

Test(act, is_refused_cut_at_every_length)
{
	static struct act_rig r;

	rig_request(&r);
	r.signer_count = 4;
	rig_build(&r);
	for (size_t n = 0; n < r.size; n++)
		cr_expect_eq(whole(r.frame, n), HF_TRUNCATED, "at %zu", n);
	r.frame[r.size] = 0xc0;
	cr_expect_eq(whole(r.frame, r.size + 1), HF_TRAILING);
}

/* Also where there is no byte to point to; clang's sanitizer looks. */
Test(act, is_refused_when_there_is_none)
{
	struct hf_act a;

	cr_assert_eq(hf_act_decode(&a, NULL, 0), HF_TRUNCATED);
}

Test(act, lends_its_parts_and_names_itself)
{
	static struct act_rig r;
	struct hf_act a;
	struct hf_hash digest;

	rig_request(&r);
	rig_build(&r);
	cr_assert_eq(hf_act_decode(&a, r.frame, r.size), HF_OK);
	cr_expect_eq(a.frame.data, r.frame);
	cr_expect_eq(a.body_bytes.size, r.body_size);
	cr_expect_arr_eq(a.body_bytes.data, r.body, r.body_size);
	cr_expect_eq(a.sigs_bytes.size, 1 + 1 + 2 + 32 + 2 + 64);
	cr_expect_eq(a.sigs_bytes.data[0], 0x91);
	cr_expect_eq(a.signature_count, 1);
	cr_expect_arr_eq(
	    &a.signatures[0].key, &r.core.author, sizeof(r.core.author));
	digest = hf_hash(HF_TAG_CORE, a.core_bytes.data, a.core_bytes.size);
	cr_expect_arr_eq(&a.digest, &digest, sizeof(digest));
	for (unsigned i = 0; i < 6; i++)
		cr_expect_eq(
		    a.id.b[i], (uint8_t)(r.core.created.ms >> (40 - 8 * i)));
	cr_expect_arr_eq(a.id.b + 6, digest.b, 26);
	cr_expect_eq(a.core.kind, HF_KIND_REQUEST);
	cr_expect_eq(a.core.created.ms, r.core.created.ms);
	cr_expect_str_eq(a.envelope.from.s, "jp.ncp");
}

Test(act, may_be_of_the_largest_size_and_no_larger)
{
	static uint8_t body[HF_BODY_MAX + 1], frame[2 * HF_ACT_MAX];
	static const uint8_t core[] = {1}, sigs[] = {0x90};
	struct hf_bytes c = {core, 1}, s = {sigs, 1}, none = {NULL, 0};
	size_t size;

	cr_expect_eq(
	    hf_act_encode(c, c, s, (struct hf_bytes){body, HF_BODY_MAX}, frame,
		sizeof(frame), &size),
	    HF_OK);
	cr_expect_eq(
	    hf_act_encode(c, c, s, (struct hf_bytes){body, HF_BODY_MAX + 1},
		frame, sizeof(frame), &size),
	    HF_TOO_BIG);
	cr_expect_eq(hf_act_encode(c, c, s, none, frame, 6, &size), HF_TOO_BIG);
	cr_expect_eq(
	    hf_act_encode(none, c, s, none, frame, 99, &size), HF_RANGE);
	cr_expect_eq(
	    hf_act_encode(c, c, none, none, frame, 99, &size), HF_TRUNCATED);
	cr_expect_eq(hf_act_encode(c, c, c, none, frame, 99, &size), HF_TYPE);
	cr_expect_eq(whole(frame, HF_ACT_MAX + 1), HF_TOO_BIG);
}

Test(core, encodes_only_what_decodes)
{
	static struct act_rig r;
	uint8_t out[HF_CORE_MAX];
	size_t size;
	struct hf_core bad;

	rig_request(&r);
	cr_expect_eq(hf_core_encode(&r.core, out, sizeof(out), &size), HF_OK);
	cr_expect_eq(size, 155);
	cr_expect_eq(hf_core_encode(&r.core, out, 154, &size), HF_TOO_BIG);
	bad = r.core;
	bad.suite = 2;
	cr_expect_eq(hf_core_encode(&bad, out, sizeof(out), &size), HF_SUITE);
	bad = r.core;
	bad.kind = 192;
	cr_expect_eq(hf_core_encode(&bad, out, sizeof(out), &size), HF_RANGE);
	bad = r.core;
	bad.created.ms = HF_TIME_LIMIT;
	cr_expect_eq(hf_core_encode(&bad, out, sizeof(out), &size), HF_RANGE);
}

Test(sigs, are_of_distinct_keys_and_at_most_four)
{
	struct hf_signature sigs[5] = {0};
	uint8_t out[HF_SIGS_MAX];
	size_t size;

	for (unsigned i = 0; i < 5; i++)
		sigs[i].key.b[0] = (uint8_t)i;
	cr_expect_eq(hf_sigs_encode(sigs, 4, out, sizeof(out), &size), HF_OK);
	cr_expect_eq(
	    hf_sigs_encode(sigs, 5, out, sizeof(out), &size), HF_TOO_MANY);
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < i; k++) {
			struct hf_key own = sigs[i].key;

			sigs[i].key = sigs[k].key;
			cr_expect_eq(
			    hf_sigs_encode(sigs, 4, out, sizeof(out), &size),
			    HF_SIGNATURE, "%u and %u", k, i);
			sigs[i].key = own;
		}
	cr_expect_eq(hf_sigs_encode(sigs, 3, out, 300, &size), HF_TOO_BIG);
}

/* ---- envelopes at random ---- */

static uint8_t pool[HF_LEAF_MAX]; /* ascending, for policies and cites */

static struct instant some_time(struct chance *c)
{
	return (struct instant){chance_next(c) >> (16 + chance_below(c, 48))};
}

static void random_desk(struct chance *c, struct hf_desk *d)
{
	size_t size = 4 + chance_below(c, HF_DESK_MAX - 3);

	memcpy(d->s, "jp.", 3);
	d->s[3] = (char)('a' + chance_below(c, 26));
	for (size_t i = 4; i < size; i++)
		d->s[i] = "abcxyz0189-"[chance_below(c, 11)];
}

static void random_lists(struct chance *c, struct hf_envelope *e)
{
	static const char text[] = "Nápoční 警察庁 contact point";

	e->flag_count = 1 + (unsigned)chance_below(c, HF_FLAG_MAX);
	for (unsigned i = 0; i < e->flag_count; i++) {
		e->flags[i].flag = i * 30 + (unsigned)chance_below(c, 30);
		e->flags[i].strength = 1 + (unsigned)chance_below(c, 2);
		e->flags[i].until = some_time(c);
	}
	e->third_count = 1 + (unsigned)chance_below(c, HF_THIRD_MAX);
	for (unsigned i = 0; i < e->third_count; i++) {
		e->third[i].s[0] = (char)('A' + i);
		e->third[i].s[1] = (char)('A' + chance_below(c, 26));
	}
	e->lineage_count = 1 + (unsigned)chance_below(c, HF_LINEAGE_MAX);
	for (unsigned i = 0; i < e->lineage_count; i++) {
		e->lineage[i].type = 1 + (unsigned)chance_below(c, 3);
		chance_fill(c, &e->lineage[i].id, HF_ID_SIZE);
	}
	e->cite_count = 1 + (unsigned)chance_below(c, HF_CITES_MAX);
	for (unsigned i = 0; i < e->cite_count; i++) {
		size_t from = chance_below(c, HF_LEAF_MAX);

		chance_fill(c, &e->cites[i].act, HF_ID_SIZE);
		e->cites[i].leaves = (struct hf_bytes){
		    pool + from, 1 + chance_below(c, HF_LEAF_MAX - from)};
	}
	e->outsider.who =
	    (struct hf_bytes){(const uint8_t *)text, sizeof(text) - 1};
	e->outsider.means = 1 + (unsigned)chance_below(c, 5);
	e->outsider.verified = (unsigned)chance_below(c, 4);
	e->outsider.said = some_time(c);
	e->outsider.confirm_by = some_time(c);
}

static void random_scalars(struct chance *c, struct hf_envelope *e)
{
	e->measure = 1 + (unsigned)chance_below(c, 255);
	e->basis = 1 + (unsigned)chance_below(c, 255);
	e->rules_version = (unsigned)chance_below(c, 65536);
	e->not_after = some_time(c);
	e->urgency = (unsigned)chance_below(c, 3);
	e->categories = (unsigned)chance_below(c, 16);
	e->reason = 1 + (unsigned)chance_below(c, 255);
	e->change = 1 + (unsigned)chance_below(c, 5);
	e->freed = chance_below(c, 2);
	e->refused = (unsigned)chance_below(c, 16);
	e->choice = 1 + (unsigned)chance_below(c, 2);
	e->due = some_time(c);
	e->result = 1 + (unsigned)chance_below(c, 255);
	e->at = some_time(c);
	e->ttl_s = 1 + (uint32_t)chance_below(c, UINT32_MAX);
	e->term_from = some_time(c);
	e->term_until.ms = e->term_from.ms + 1;
	if (e->term_until.ms == HF_TIME_LIMIT)
		e->term_from.ms = --e->term_until.ms - 1;
}

static void random_envelope(struct chance *c, struct hf_envelope *e)
{
	uint64_t keys = chance_next(c) & chance_next(c);

	memset(e, 0, sizeof(*e));
	rig_envelope(e, (unsigned)chance_below(c, 4), 1);
	e->present |= keys & (ACT_BIT(HF_E_COUNT) - 1);
	random_desk(c, &e->from);
	random_desk(c, &e->to);
	e->gen = 1 + (uint32_t)chance_below(c, UINT32_MAX);
	e->seen_gen = (uint32_t)chance_next(c);
	e->roster = (uint32_t)(chance_next(c) >> chance_below(c, 64));
	e->policy = (struct hf_bytes){pool, chance_below(c, HF_LEAF_MAX + 1)};
	chance_fill(c, &e->case_id, HF_ID_SIZE);
	chance_fill(c, &e->prev, HF_HASH_SIZE);
	chance_fill(c, &e->seen, HF_HASH_SIZE);
	chance_fill(c, &e->re, HF_ID_SIZE);
	chance_fill(c, &e->rules_profile, HF_HASH_SIZE);
	chance_fill(c, &e->assignee, HF_KEY_SIZE);
	chance_fill(c, &e->duty, HF_KEY_SIZE);
	random_scalars(c, e);
	random_lists(c, e);
}

static void check_scalars(const struct hf_envelope *a,
    const struct hf_envelope *b, unsigned long seed)
{
#define SAME(key, field) \
	if (HF_HAS(a, key)) \
	cr_expect(memcmp(&a->field, &b->field, sizeof(a->field)) == 0, \
	    "seed %lu: " #field, seed)
	SAME(HF_E_FROM, from.s[0]);
	SAME(HF_E_CASE, case_id);
	SAME(HF_E_TRACK, track);
	SAME(HF_E_GEN, gen);
	SAME(HF_E_PREV, prev);
	SAME(HF_E_SEEN_GEN, seen_gen);
	SAME(HF_E_SEEN, seen);
	SAME(HF_E_RE, re);
	SAME(HF_E_MEASURE, measure);
	SAME(HF_E_BASIS, basis);
	SAME(HF_E_RULES, rules_version);
	SAME(HF_E_RULES, rules_profile);
	SAME(HF_E_NOT_AFTER, not_after);
	SAME(HF_E_URGENCY, urgency);
	SAME(HF_E_CATEGORIES, categories);
	SAME(HF_E_ROSTER, roster);
	SAME(HF_E_TERM, term_from);
	SAME(HF_E_TERM, term_until);
	SAME(HF_E_REASON, reason);
	SAME(HF_E_CHANGE, change);
	SAME(HF_E_FREED, freed);
	SAME(HF_E_REFUSED, refused);
	SAME(HF_E_CHOICE, choice);
	SAME(HF_E_DUE, due);
	SAME(HF_E_RESULT, result);
	SAME(HF_E_ASSIGNEE, assignee);
	SAME(HF_E_AT, at);
	SAME(HF_E_TTL, ttl_s);
	SAME(HF_E_DUTY, duty);
	SAME(HF_E_FLAGS, flag_count);
	SAME(HF_E_THIRD, third_count);
	SAME(HF_E_LINEAGE, lineage_count);
	SAME(HF_E_CITES, cite_count);
	SAME(HF_E_OUTSIDER, outsider.said);
	SAME(HF_E_OUTSIDER, outsider.confirm_by);
#undef SAME
}

Test(envelope, comes_back_as_it_was_written)
{
	uint8_t first[HF_ENVELOPE_MAX], second[HF_ENVELOPE_MAX];

	for (unsigned i = 0; i < sizeof(pool); i++)
		pool[i] = (uint8_t)i;
	for (unsigned long seed = 0; seed < 5000; seed++) {
		struct chance c = {seed};
		struct hf_envelope e, back;
		size_t size, again;
		enum hf_err err;

		random_envelope(&c, &e);
		err = hf_envelope_encode(&e, first, sizeof(first), &size);
		cr_assert(err == HF_OK, "seed %lu: %s", seed, hf_err_text(err));
		cr_assert_eq(hf_envelope_decode(&back, first, size), HF_OK);
		cr_assert_eq(back.present, e.present, "seed %lu", seed);
		cr_assert(!back.unknown_critical);
		cr_assert_eq(
		    hf_envelope_encode(&back, second, sizeof(second), &again),
		    HF_OK);
		cr_assert(again == size && memcmp(first, second, size) == 0,
		    "seed %lu", seed);
		check_scalars(&e, &back, seed);
	}
}

Test(envelope, fits_its_bound_with_everything_in_it)
{
	struct chance c = {1};
	struct hf_envelope e;
	uint8_t out[HF_ENVELOPE_MAX];
	size_t size;

	random_envelope(&c, &e);
	e.present = ACT_BIT(HF_E_COUNT) - 1;
	e.policy = (struct hf_bytes){pool, HF_LEAF_MAX};
	e.flag_count = HF_FLAG_MAX;
	for (unsigned i = 0; i < HF_FLAG_MAX; i++) {
		e.flags[i].flag = 248 + i;
		e.flags[i].strength = HF_REQUESTED;
		e.flags[i].until.ms = HF_TIME_LIMIT - 1;
	}
	e.cite_count = HF_CITES_MAX;
	for (unsigned i = 0; i < HF_CITES_MAX; i++)
		e.cites[i].leaves = e.policy;
	for (unsigned i = 0; i < sizeof(pool); i++)
		pool[i] = (uint8_t)i;
	cr_expect_eq(hf_envelope_encode(&e, out, sizeof(out), &size), HF_OK);
	cr_expect_eq(hf_envelope_encode(&e, out, size - 1, &size), HF_TOO_BIG);
}

Test(envelope, is_not_written_when_it_would_not_be_read)
{
	static const struct {
		const char *what;
		enum hf_err err;
	} rows[] = {{"without a salt", HF_MISSING_KEY},
	    {"a desk in capitals", HF_RANGE}, {"gen 0", HF_RANGE},
	    {"a key without a name", HF_SHAPE}, {"nine flags", HF_TOO_MANY},
	    {"no flags", HF_RANGE}, {"reason 0", HF_RANGE},
	    {"a late term", HF_RANGE}};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hf_envelope e;
		uint8_t out[HF_ENVELOPE_MAX];
		size_t size;

		rig_envelope(&e, HF_TRACK_ASKING, 2);
		switch (i) {
		case 0:
			e.present &= ~ACT_BIT(HF_E_SALT);
			break;
		case 1:
			e.to.s[0] = 'C';
			break;
		case 2:
			e.gen = 0;
			break;
		case 3:
			e.present |= ACT_BIT(HF_E_COUNT);
			break;
		case 4:
			e.flag_count = HF_FLAG_MAX + 1;
			break;
		case 5:
			e.present |= ACT_BIT(HF_E_FLAGS);
			break;
		case 6:
			e.present |= ACT_BIT(HF_E_REASON);
			break;
		default:
			e.present |= ACT_BIT(HF_E_TERM);
			e.term_from.ms = 1;
			e.term_until.ms = HF_TIME_LIMIT;
		}
		cr_expect_eq(hf_envelope_encode(&e, out, sizeof(out), &size),
		    rows[i].err, "%s", rows[i].what);
	}
}

/* The parts of a good act, with one that cannot stand in any. */
Test(act, is_not_put_together_of_what_would_not_be_read)
{
	static struct act_rig r;
	static uint8_t out[HF_ACT_MAX], big[HF_ENVELOPE_MAX + 1];
	struct hf_bytes core, envelope, sigs, body, much = {big, sizeof(big)};
	struct hf_bytes none = {NULL, 0};
	struct hf_act act;
	size_t size;

	rig_request(&r);
	rig_build(&r);
	cr_assert_eq(hf_act_decode(&act, r.frame, r.size), HF_OK);
	core = act.core_bytes;
	envelope = act.envelope_bytes;
	sigs = act.sigs_bytes;
	body = act.body_bytes;
#define TRY(c, e, s) hf_act_encode(c, e, s, body, out, sizeof(out), &size)
	cr_expect_eq(TRY(core, envelope, sigs), HF_OK);
	cr_expect_eq(TRY(much, envelope, sigs), HF_TOO_BIG);
	cr_expect_eq(TRY(core, much, sigs), HF_TOO_BIG);
	cr_expect_eq(TRY(none, envelope, sigs), HF_RANGE);
	cr_expect_eq(TRY(core, none, sigs), HF_RANGE);
	cr_expect_neq(TRY(core, envelope, none), HF_OK);
#undef TRY
	cr_expect_eq(hf_act_decode_again(&act, r.frame, r.size), HF_OK);
	for (size_t n = 0; n < r.size; n += 97)
		cr_expect_neq(hf_act_decode_again(&act, r.frame, n), HF_OK);
	cr_expect_eq(hf_core_decode(&r.core, big, HF_CORE_MAX + 1), HF_TOO_BIG);
	cr_expect_eq(
	    hf_envelope_decode(&r.envelope, big, sizeof(big)), HF_TOO_BIG);
}

/* Lists of two, of which the first is wrong; and lists that are too long. */
Test(envelope, lists_are_read_up_to_the_first_that_is_wrong)
{
	static const enum hf_envelope_key keys[] = {
	    HF_E_FLAGS, HF_E_THIRD, HF_E_LINEAGE, HF_E_CITES};
	uint8_t good[HF_ENVELOPE_MAX], bad[HF_ENVELOPE_MAX];
	struct hf_envelope e, back;
	size_t size, wrong;

	for (unsigned i = 0; i < sizeof(pool); i++)
		pool[i] = (uint8_t)i;
	for (unsigned i = 0; i < 4; i++) {
		rig_envelope(&e, HF_TRACK_ASKING, 2);
		e.present |= ACT_BIT(keys[i]);
		for (unsigned k = 0; k < 2; k++) {
			e.flags[k].flag = k + 1;
			e.flags[k].strength = 1;
			memcpy(e.third[k].s, k == 0 ? "DE" : "FR", 2);
			e.lineage[k].type = 1;
			e.cites[k].leaves = (struct hf_bytes){pool, 2};
		}
		e.flag_count = e.third_count = 2;
		e.lineage_count = e.cite_count = 2;
		cr_assert_eq(
		    hf_envelope_encode(&e, good, sizeof(good), &size), HF_OK);
		wrong = 0;
		/* every byte in turn is one that begins no value */
		for (size_t at = 0; at < size; at++) {
			memcpy(bad, good, size);
			bad[at] = 0xc1;
			wrong += hf_envelope_decode(&back, bad, size) != HF_OK;
		}
		cr_expect_geq(wrong, 20, "%u", i);
		for (size_t n = 0; n < size; n++)
			cr_expect_neq(
			    hf_envelope_decode(&back, good, n), HF_OK);
		e.flag_count = i == 0 ? HF_FLAG_MAX + 1 : 2;
		e.third_count = i == 1 ? HF_THIRD_MAX + 1 : 2;
		e.lineage_count = i == 2 ? HF_LINEAGE_MAX + 1 : 2;
		e.cite_count = i == 3 ? HF_CITES_MAX + 1 : 2;
		cr_expect_eq(hf_envelope_encode(&e, good, sizeof(good), &size),
		    HF_TOO_MANY, "%u", i);
	}
}
