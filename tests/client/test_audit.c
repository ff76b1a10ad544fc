/* A true archive passes; whatever is changed in it is found and named. */
#include "tests/client/ledger_rig.h"

#include "client/finding.h"

#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(audit, .timeout = 300);

static void intact(const struct ledger_rig *r)
{
	struct rig_verdict v;

	rig_write(r);
	v = rig_verify(r, true);
	cr_assert_eq(v.err, HF_OK, "%s", hf_err_info(v.err)->name);
	cr_assert_eq(v.found, 0, "%s", v.text);
	cr_assert_eq(v.entries, r->ledger.count);
	cr_assert_eq(v.acts, v.verified);
}

/* Something is found, and the first entry named is this one. */
static void diverges_at(
    const struct ledger_rig *r, uint64_t entry, const char *how)
{
	struct rig_verdict v;

	rig_write(r);
	v = rig_verify(r, true);
	cr_assert_eq(v.err, HF_OK, "%s %llu: %s", how,
	    (unsigned long long)entry, hf_err_info(v.err)->name);
	cr_assert_gt(
	    v.found, 0, "%s %llu: nothing", how, (unsigned long long)entry);
	cr_assert_eq(v.first, entry, "%s %llu: %s", how,
	    (unsigned long long)entry, v.text);
}

static void says(const struct ledger_rig *r, uint64_t entry, const char *text)
{
	struct rig_verdict v;

	diverges_at(r, entry, text);
	v = rig_verify(r, true);
	cr_assert_not_null(strstr(v.text, text), "not '%s': %s", text, v.text);
}

Test(audit, a_true_ledger_is_intact)
{
	struct ledger_rig *r = ledger_rig_new();
	struct rig_verdict v;

	intact(r);
	v = rig_verify(r, true);
	cr_assert_eq(v.acts, 3);
	cr_assert_eq(v.disputed, 1, "the request: its officer's key was lost");
	cr_assert_eq(v.sent, 2);
	cr_assert_eq(v.receipted, 1);
	cr_assert_eq(v.cases, 1);
	r->has_hashes = false;
	intact(r);
	rig_free(r);
}

Test(audit, entries_behind_the_head_are_judged_too)
{
	struct ledger_rig *r = ledger_rig_new();

	rig_note(r, r->second);
	intact(r);
	rig_note(r, r->first); /* no longer in the roster */
	says(r, RIG_COUNT + 1, "was not in the roster");
	rig_free(r);
}

/* The bytes of the leaf, of which the other parts' digests are members. */
static bool in_leaf(const struct rig_frame *row, size_t at)
{
	return at > 6 && at < 7u + row->bytes[6];
}

/* From one byte that is changed to the next: `make attacks` changes each,
 * since every one takes a whole audit. */
static unsigned stride(void)
{
	const char *flips = getenv("HF_ATTACK_FLIPS");

	if (flips != NULL && strcmp(flips, "all") == 0)
		return 1;
	return getenv("HF_ASAN") != NULL ? 31 : 7;
}

/* One bit of each byte of the ledger, frames' sizes too.  Without `hashes`
 * most are named all the same: by the digests in the leaf. */
Test(audit, every_flipped_bit_is_named)
{
	struct ledger_rig *r = ledger_rig_new();
	unsigned step = stride();

	for (unsigned k = 0; k < 2; k++) {
		r->has_hashes = k == 0;
		for (unsigned i = 0; i < r->ledger.count; i++)
			for (size_t at = i % step; at < r->ledger.row[i].size;
			     at += step * (1 + 2 * k)) {
				struct rig_frame *row = &r->ledger.row[i];
				uint8_t bit = (uint8_t)(1u << (at % 8));

				if (k > 0 && in_leaf(row, at))
					continue;
				row->bytes[at] ^= bit;
				diverges_at(r, i, "flipped in");
				row->bytes[at] ^= bit;
			}
	}
	intact(r);
	rig_free(r);
}

/* Every hash of the tree is right, the act is true and another one. */
Test(audit, an_act_under_the_leaf_of_another_is_named)
{
	struct ledger_rig *r = ledger_rig_new();

	rig_note(r, r->second);
	rig_sign(r);
	intact(r);
	rig_graft(r, RIG_NOTE, RIG_COUNT);
	says(r, RIG_NOTE, "is not the one hashed");
	rig_free(r);
}

/* One change is one finding, beside the root's. */
Test(audit, what_comes_behind_a_change_is_not_accused)
{
	static const struct hf_statement stop = {.type = HF_ENTRY_STOP};
	struct ledger_rig *r = ledger_rig_new();
	struct rig_file truth = r->ledger;

	rig_statement(r, &stop);
	rig_insert(&r->ledger, 5, &r->ledger.row[RIG_COUNT]);
	r->ledger.count--;
	diverges_at(r, 5, "put in at");
	rig_write(r);
	cr_assert_eq(rig_verify(r, true).found, 2);
	r->ledger = truth;
	rig_remove(&r->ledger, RIG_START);
	rig_write(r);
	cr_assert_eq(rig_verify(r, true).found, 2);
	r->ledger = truth;
	for (unsigned i = 3; i < 5; i++) /* the clock's bound */
		r->ledger.row[i].bytes[7 + 1 + 1 + 1 + 1 + 9] ^= 1;
	rig_write(r);
	cr_assert_eq(rig_verify(r, true).found, 3);
	rig_free(r);
}

Test(audit, entries_dropped_doubled_swapped_or_put_in_are_named)
{
	struct ledger_rig *r = ledger_rig_new();
	struct rig_file truth = r->ledger;

	for (unsigned i = 0; i < truth.count; i++) {
		r->ledger = truth;
		rig_remove(&r->ledger, i);
		diverges_at(r, i, "dropped");
		r->ledger = truth;
		rig_insert(&r->ledger, i + 1, &truth.row[i]);
		if (i + 1 < truth.count) /* else: it lies behind the head */
			diverges_at(r, i + 1, "doubled");
		for (unsigned k = 0; k < truth.count; k++) {
			if (k == i)
				continue;
			r->ledger = truth;
			rig_insert(&r->ledger, i, &truth.row[k]);
			diverges_at(r, i, "put in at");
		}
		if (i + 1 == truth.count)
			break;
		r->ledger = truth;
		r->ledger.row[i] = truth.row[i + 1];
		r->ledger.row[i + 1] = truth.row[i];
		diverges_at(r, i, "swapped");
	}
	rig_free(r);
}

Test(audit, an_act_that_stands_twice_is_found_behind_the_head_too)
{
	struct ledger_rig *r = ledger_rig_new();

	rig_insert(&r->ledger, RIG_COUNT, &r->ledger.row[RIG_NOTE]);
	says(r, RIG_COUNT, "that an entry before has");
	rig_free(r);
}

Test(audit, a_ledger_that_was_cut_is_named)
{
	struct ledger_rig *r = ledger_rig_new();

	for (unsigned i = r->ledger.count; i-- > 0;) {
		r->ledger.count = i;
		diverges_at(r, i, "cut at");
	}
	rig_free(r);
}

/* Without `hashes` what was changed is found all the same. */
Test(audit, without_hashes_the_root_tells)
{
	struct ledger_rig *r = ledger_rig_new();
	struct rig_file truth = r->ledger;

	r->has_hashes = false;
	for (unsigned i = 0; i < truth.count; i++) {
		struct rig_verdict v;

		r->ledger = truth;
		rig_remove(&r->ledger, i);
		rig_write(r);
		v = rig_verify(r, false);
		cr_assert_gt(v.found, 0, "dropped %u", i);
		r->ledger = truth;
		r->ledger.row[i].bytes[4 + 1 + 2 + 8] ^= 1; /* in the leaf */
		rig_write(r);
		v = rig_verify(r, false);
		cr_assert_gt(v.found, 0, "flipped %u", i);
	}
	rig_free(r);
}

/* What is not true is not used to accuse anybody. */
Test(audit, false_hashes_do_no_harm)
{
	struct ledger_rig *r = ledger_rig_new();

	r->hashes[3].b[7] ^= 1;
	intact(r);
	r->hashes[3].b[7] ^= 1;
	r->hash_count = 4;
	intact(r);
	rig_free(r);
}

Test(audit, a_head_of_another_origin_or_key_is_none)
{
	static const char text[] = "not signed by the ledger key";
	struct ledger_rig *r = ledger_rig_new();
	struct hf_hash root = rig_root(r);
	struct rig_verdict v;
	char truth[HF_NOTE_MAX];

	memcpy(truth, r->head, sizeof(truth));
	rig_head(r, "holdfast/JP/2", r->jp_broker, RIG_COUNT, &root);
	says(r, AUDIT_NO_ENTRY, text);
	rig_head(r, "holdfast/JP/1", r->us_broker, RIG_COUNT, &root);
	says(r, AUDIT_NO_ENTRY, text);
	rig_head(r, "elsewhere/JP/1", r->jp_broker, RIG_COUNT, &root);
	rig_write(r);
	v = rig_verify(r, false);
	cr_assert_gt(v.found, 0);
	/* another country's broker signs our entries */
	rig_head(r, "holdfast/US/1", r->us_broker, RIG_COUNT, &root);
	says(r, RIG_REQUEST, "not of the country");
	for (size_t i = 0; i < strlen(truth); i++) {
		memcpy(r->head, truth, sizeof(truth));
		r->head[i] ^= 4;
		rig_write(r);
		v = rig_verify(r, false);
		cr_assert_gt(v.found, 0, "flipped at %zu", i);
	}
	rig_head(r, "holdfast/JP/1", r->jp_broker, RIG_COUNT + 1, &root);
	says(r, RIG_COUNT, "is missing");
	rig_free(r);
}

/* ---- standing ---- */

Test(audit, an_officer_is_judged_by_the_roster_of_the_time)
{
	struct ledger_rig *r = ledger_rig_new();

	/* the broker signs what it must not have taken */
	rig_note(r, r->first);
	rig_sign(r);
	says(r, RIG_COUNT, "was not in the roster when it entered");
	r->ledger.count--;
	r->act_count[0]--;
	rig_note(r, r->theirs); /* another country's officer */
	rig_sign(r);
	says(r, RIG_COUNT, "was not in the roster when it entered");
	r->ledger.count--;
	r->act_count[0]--;
	r->now.ms = NOW + 2 * DAY_MS; /* past the validity */
	rig_note(r, r->second);
	rig_sign(r);
	says(r, RIG_COUNT, "was not valid when it entered");
	r->ledger.count--;
	r->act_count[0]--;
	r->now.ms = NOW + 60000;
	r->break_signature = true;
	rig_note(r, r->second);
	rig_sign(r);
	says(r, RIG_COUNT, "a signature does not verify");
	rig_free(r);
}

Test(audit, documents_are_those_that_the_ledger_names)
{
	struct ledger_rig *r = ledger_rig_new();
	struct country_doc *swap;
	struct rig_verdict v;
	char path[128];

	swap = r->docs[0];
	r->docs[0] = r->docs[2]; /* US.1 under JP's name */
	rig_write(r);
	v = rig_verify(r, false);
	cr_assert_gt(v.found, 0);
	cr_assert_eq(v.first, RIG_DOC_JP1, "%s", v.text);
	r->docs[0] = swap;
	rig_write(r);
	snprintf(path, sizeof(path), "%s/documents/JP.2", r->dir);
	cr_assert_eq(unlink(path), 0);
	v = rig_verify(r, false);
	cr_assert_eq(v.first, RIG_DOC_JP2);
	cr_assert_not_null(strstr(v.text, "JP.2 is not in the archive"));
	rig_free(r);
}

/* ---- receipts and states ---- */

Test(audit, every_flipped_bit_of_a_receipt_is_found)
{
	struct ledger_rig *r = ledger_rig_new();
	struct rig_frame *row = &r->receipts.row[0];
	struct rig_verdict v;

	for (size_t at = 0; at < row->size; at += at < 8 ? 1 : stride()) {
		row->bytes[at] ^= 1;
		rig_write(r);
		v = rig_verify(r, false);
		/* a size that is too large is a torn row: then it is open */
		cr_assert(v.found > 0 || (at < 4 && v.receipted == 0),
		    "flipped at %zu", at);
		row->bytes[at] ^= 1;
	}
	rig_insert(&r->receipts, 1, row);
	rig_write(r);
	v = rig_verify(r, false);
	cr_assert_not_null(
	    strstr(v.text, "does not have at its place"), "%s", v.text);
	r->receipts.count = 0;
	intact(r); /* nothing is proven, nothing is wrong */
	rig_free(r);
}

Test(audit, states_that_the_acts_do_not_fold_to_are_found)
{
	struct ledger_rig *r = ledger_rig_new();
	struct rig_frame *row = &r->states.row[0];
	struct rig_verdict v;

	for (size_t at = 0; at < row->size; at++) {
		row->bytes[at] ^= 1;
		rig_write(r);
		v = rig_verify(r, true);
		cr_assert_gt(v.found, 0, "flipped at %zu", at);
		row->bytes[at] ^= 1;
	}
	row->bytes[4 + 1 + 2 + HF_ID_SIZE] = HF_STATE_CLOSED;
	says(r, RIG_NOTE, "is acknowledged, the broker says closed");
	row->bytes[4 + 1 + 2 + HF_ID_SIZE] = HF_STATE_ACKNOWLEDGED;
	rig_insert(&r->states, 1, row);
	rig_write(r);
	v = rig_verify(r, true);
	cr_assert_not_null(strstr(v.text, "out of order"), "%s", v.text);
	r->states.count = 0;
	says(r, RIG_NOTE, "the broker does not have it");
	rig_free(r);
}

/* The broker went on between its head and its states. */
Test(audit, a_state_may_be_of_any_time_after_the_head)
{
	struct ledger_rig *r = ledger_rig_new();
	struct hf_hash root;

	r->hash_count = RIG_ACKNOWLEDGE;
	root = rig_root(r);
	rig_head(r, "holdfast/JP/1", r->jp_broker, RIG_ACKNOWLEDGE, &root);
	intact(r);
	/* not yet the note */
	rig_note(r, r->second);
	intact(r);
	r->states.count = 0; /* the case itself is under the head */
	says(r, RIG_COUNT, "the broker does not have it");
	rig_free(r);
}

/* ---- what was known when ---- */

struct seen {
	unsigned cases;
	unsigned state;
};

static enum hf_err see(void *ctx, const struct replay_case *c)
{
	struct seen *s = ctx;

	s->cases++;
	s->state = (unsigned)c->fold->state;
	return HF_OK;
}

static struct seen at(
    const struct ledger_rig *r, uint64_t entry, const char *desk)
{
	static const struct out quiet = {.quiet = true};
	struct replay_view view = {.at = {NOW + 1000 * entry}};
	struct seen s = {0, 0};
	struct replay *p;
	const char *what;
	struct audit a;

	snprintf(view.desk.s, sizeof(view.desk.s), "%s", desk);
	cr_assert_eq(audit_open(&a, &quiet, r->dir, &what), HF_OK);
	cr_assert_eq(replay_new(&p, &a, &view), HF_OK);
	cr_assert_eq(audit_verify(&a, replay_take, p), HF_OK);
	cr_assert_eq(replay_list(p, see, &s), HF_OK);
	cr_assert_eq(a.found.count, 0);
	replay_free(p);
	audit_close(&a);
	return s;
}

Test(audit, a_desk_knew_what_had_entered_of_its_cases)
{
	struct ledger_rig *r = ledger_rig_new();

	rig_write(r);
	cr_assert_eq(at(r, RIG_DOC_US1, "jp.ncp").cases, 0);
	cr_assert_eq(
	    at(r, RIG_REQUEST, "jp.ncp").state, HF_STATE_UNACKNOWLEDGED);
	cr_assert_eq(
	    at(r, RIG_ACKNOWLEDGE, "jp.ncp").state, HF_STATE_ACKNOWLEDGED);
	cr_assert_eq(at(r, RIG_STOP, "jp.isp").cases, 0);
	cr_assert_eq(at(r, RIG_STOP, "").cases, 1);
	rig_free(r);
}

/* ---- witnesses and forks ---- */

Test(audit, cosignatures_are_judged_and_counted)
{
	struct ledger_rig *r = ledger_rig_new();
	struct rig_verdict v;
	char bare[HF_NOTE_MAX];

	memcpy(bare, r->head, sizeof(bare));
	intact(r);
	v = rig_verify(r, false);
	cr_assert_eq(v.head_witnesses, 0);
	cr_assert_eq(v.witnessed[1], 2, "both receipts of US, by JP");
	rig_cosign(r, "US", r->us_witness, 0);
	intact(r);
	cr_assert_eq(rig_verify(r, false).head_witnesses, 1);
	rig_cosign(r, "JP", r->jp_witness, 0);
	intact(r);
	cr_assert_eq(rig_verify(r, false).head_witnesses, 2);
	memcpy(r->head, bare, sizeof(bare));
	rig_cosign(r, "US", r->first, 0);
	says(r, RIG_STOP, "of a witness that no document names");
	memcpy(r->head, bare, sizeof(bare));
	rig_cosign(r, "DE", r->us_witness, 0);
	says(r, RIG_STOP, "of a witness that no document names");
	memcpy(r->head, bare, sizeof(bare));
	rig_cosign(r, "US", r->us_witness, NOW - 600000);
	says(r, RIG_STOP, "US is of a time when no document named its key");
	rig_free(r);
}

Test(audit, a_cosignature_older_than_what_it_covers_is_stale)
{
	struct ledger_rig *r = ledger_rig_new();

	r->now.ms = NOW + 3600000;
	rig_note(r, r->second);
	rig_sign(r);
	rig_cosign(r, "US", r->us_witness, NOW + 3600000 - 200000);
	intact(r); /* clocks differ */
	rig_sign(r);
	rig_cosign(r, "US", r->us_witness, NOW + 3600000 - 400000);
	says(r, RIG_COUNT, "US is older than what it covers");
	rig_free(r);
}

Test(audit, every_flipped_bit_of_a_cosigned_head_is_found)
{
	struct ledger_rig *r = ledger_rig_new();

	rig_cosign(r, "US", r->us_witness, 0);
	rig_cosign(r, "JP", r->jp_witness, 0);
	for (size_t i = 0; i < strlen(r->head); i++)
		for (unsigned bit = (unsigned)i % stride(); bit < 8;
		     bit += stride()) {
			struct rig_verdict v;

			r->head[i] = (char)(r->head[i] ^ (1 << bit));
			if (r->head[i] != '\0') {
				rig_write(r);
				v = rig_verify(r, false);
				cr_assert_gt(
				    v.found, 0, "byte %zu bit %u", i, bit);
			}
			r->head[i] = (char)(r->head[i] ^ (1 << bit));
		}
	rig_free(r);
}

Test(audit, a_receipt_with_a_false_cosignature_is_named)
{
	struct ledger_rig *r = ledger_rig_new();

	r->break_cosignature = true;
	rig_receipts_again(r);
	says(r, RIG_REQUEST,
	    "its receipt by US: the cosignature of JP does "
	    "not verify");
	rig_free(r);
}

static void enter_fork(struct ledger_rig *r, const char *country, bool true_one)
{
	uint8_t proof[HF_FORK_MAX];
	struct hf_statement s = {.type = HF_ENTRY_FORK,
	    .text = {(const uint8_t *)country, 2},
	    .detail = {proof, 0}};

	s.detail.size = rig_fork(r, proof);
	if (!true_one)
		proof[s.detail.size - 20] ^= 1;
	rig_statement(r, &s);
	rig_sign(r);
}

Test(audit, a_fork_on_record_is_verified_and_told)
{
	struct ledger_rig *r = ledger_rig_new();

	enter_fork(r, "US", true);
	intact(r);
	cr_assert_eq(rig_verify(r, false).forks, 1);
	enter_fork(r, "JP", true);
	says(r, RIG_COUNT + 1, "of a fork of another country");
	r->ledger.count--;
	enter_fork(r, "US", false);
	says(r, RIG_COUNT + 1, "the proof of a fork");
	rig_free(r);
}

/* ---- certificates ---- */

static void write_certificate(
    const struct ledger_rig *r, const struct rig_frame *row)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/certificates", r->dir);
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(row->bytes, 1, row->size, f), row->size);
	cr_assert_eq(fclose(f), 0);
}

static enum hf_err take_what(void *ctx, const struct finding *f)
{
	char *what = ctx;

	strcpy(what, f->what);
	return HF_OK;
}

static void erasures_say(const struct ledger_rig *r, const char *expected)
{
	char found[32] = "";
	struct asking q = {.each = take_what, .ctx = found, .certified = true};
	struct roster *roster;

	cr_assert_eq(archive_open(&q.archive, r->dir), HF_OK);
	cr_assert_eq(archive_roster(q.archive, &roster), HF_OK);
	q.roster = roster;
	cr_assert_eq(erasures_find(&q), HF_OK);
	cr_assert_str_eq(found, expected);
	archive_close(q.archive);
	roster_free(roster);
}

Test(audit, a_peers_certificate_of_erasure_is_verified)
{
	struct ledger_rig *r = ledger_rig_new();
	struct rig_frame row;

	rig_write(r);
	erasures_say(r, "");
	rig_certificate(r, &row);
	write_certificate(r, &row);
	intact(r);
	cr_assert_eq(rig_verify(r, false).certificates, 1);
	erasures_say(r, "peer-certified");
	for (size_t at = 4; at < row.size; at++) {
		row.bytes[at] ^= 4;
		write_certificate(r, &row);
		cr_assert_gt(rig_verify(r, false).found, 0, "byte %zu", at);
		row.bytes[at] ^= 4;
	}
	rig_free(r);
}

Test(audit, a_false_certificate_is_named)
{
	struct ledger_rig *r = ledger_rig_new();
	struct rig_frame row;
	struct secret *jp = r->jp_broker;

	rig_write(r);
	r->jp_broker = r->us_broker;
	r->us_broker = jp;
	rig_certificate(r, &row);
	r->us_broker = r->jp_broker;
	r->jp_broker = jp;
	write_certificate(r, &row);
	says(r, AUDIT_NO_ENTRY, "certificates: that of US for case");
	erasures_say(r, "peer-false");
	rig_free(r);
}
