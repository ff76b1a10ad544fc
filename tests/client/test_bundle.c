/*
 * bundle: what is proven is said, and whatever is changed is found and named.
 */
#include "proto/crypto.h"
#include "proto/merkle.h"
#include "proto/ref.h"
#include "tests/client/bundle_rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct rig *r;
static struct tar whole; /* the sealed members; borrow from file */
static uint8_t *file;
static size_t size;

static void begin(bool order)
{
	struct tar t = {0};
	size_t at;

	r = rig_new(order);
	rig_members(r, &t);
	file = rig_export(r, &t, &size);
	memset(&whole, 0, sizeof(whole));
	cr_assert_eq(tar_read(&whole, file, size, &at), HF_OK);
}

static void set_up(void)
{
	begin(false);
}

static void tear_down(void)
{
	tar_release(&whole);
	free(file);
	bundle_rig_free(r);
}

TestSuite(bundle, .init = set_up, .fini = tear_down, .timeout = 120);

static void tell(const struct bundle *b)
{
	for (unsigned i = 0; i < b->finding_count; i++)
		fprintf(stderr, "%s E%d %s: %s\n",
		    b->findings[i].note ? "note" : "bad", b->findings[i].err,
		    b->findings[i].member, b->findings[i].what);
}

Test(bundle, as_exported_is_whole)
{
	struct bundle *b = rig_open(file, size);
	struct roster *mine = rig_pins(r);
	bool anchored;

	bundle_check_pins(b, mine, &anchored);
	tell(b);
	cr_expect(bundle_ok(b));
	cr_expect(anchored);
	cr_expect_eq(b->finding_count, 0);
	cr_expect_eq(b->view->count[0], 1);
	cr_expect_eq(b->view->count[1], 4);
	cr_expect_eq(b->view->state, HF_STATE_EXPIRED);
	cr_expect_str_eq(b->officer->name, "H. Sato");
	cr_expect_eq(b->fields_shown, 3);
	cr_expect_eq(b->fields_withheld, 1);
	cr_expect_eq(b->proofs, 10);
	cr_expect_eq(b->checked[BUNDLE_RECEIPTS], 11);
	cr_expect_eq(b->checked[BUNDLE_MANIFEST], whole.count - 2);
	roster_free(mine);
	bundle_free(b);
}

Test(bundle, the_same_case_gives_the_same_bytes)
{
	struct tar t = {0};
	uint8_t *again;
	size_t n;

	rig_members(r, &t);
	again = rig_export(r, &t, &n);
	cr_assert_eq(n, size);
	cr_expect_arr_eq(again, file, size);
	free(again);
}

Test(bundle, holds_nothing_of_what_is_withheld)
{
	cr_expect_null(memmem(file, size, RIG_CANARY, strlen(RIG_CANARY)));
	cr_expect_not_null(memmem(file, size, "50123", 5), "what is shown is");
}

/* Every text of others passes one door to the page. */
Test(bundle, pages_escape_what_others_wrote)
{
	const struct tar_member *page = tar_find(&whole, "index.html");

	cr_expect_null(
	    memmem(page->content.data, page->content.size, "<b>J.", 5));
	cr_expect_null(
	    memmem(page->content.data, page->content.size, "<script", 7));
	cr_expect_not_null(memmem(page->content.data, page->content.size,
	    "&lt;b&gt;J. &quot;Q&quot; Doe&lt;/b&gt;", 38));
}

/* ---- tampering without the exporter's key ---- */

static void expect_found(struct tar *t, const char *member, const char *how)
{
	struct bundle *b = rig_judge(t);

	if (rig_finding(b, member, false) == NULL)
		tell(b);
	cr_expect_not(bundle_ok(b), "%s %s", how, member);
	cr_expect_not_null(
	    rig_finding(b, member, false), "%s %s is named", how, member);
	bundle_free(b);
}

Test(bundle, a_bit_of_any_member_is_found)
{
	for (unsigned i = 0; i < whole.count; i++) {
		const struct tar_member *m = whole.members[i];
		const size_t at[] = {0, 1, m->content.size / 2,
		    m->content.size - 2, m->content.size - 1};

		for (unsigned k = 0; k < sizeof(at) / sizeof(*at); k++) {
			uint8_t *changed = malloc(m->content.size);
			struct tar t = {0};

			cr_assert_not_null(changed);
			memcpy(changed, m->content.data, m->content.size);
			changed[at[k]] ^= (uint8_t)(1u << k);
			rig_replace(
			    &t, &whole, m->name, changed, m->content.size);
			/* of the manifest either it or what it names */
			if (strcmp(m->name, "manifest") == 0)
				expect_found(&t, "manifest.minisig", "flip");
			else
				expect_found(&t, m->name, "flip");
			free(changed);
		}
	}
}

Test(bundle, a_member_left_out_is_found)
{
	for (unsigned i = 0; i < whole.count; i++) {
		struct tar t = {0};

		rig_replace(&t, &whole, whole.members[i]->name, NULL, 0);
		expect_found(&t, whole.members[i]->name, "drop");
	}
}

Test(bundle, a_member_added_is_found)
{
	static const char *const names[] = {"acts/0-2", "acts/1-9", "acts/7-1",
	    "leaves/1-1", "receipts/0-1.DE", "documents/US.2", "documents/X",
	    "entries/US.1.0", "heads/US", "zz", "manifesto", "a"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct tar t = {0};

		rig_replace(&t, &whole, "", NULL, 0);
		cr_assert_eq(tar_add(&t, names[i], "x", 1), HF_OK);
		expect_found(&t, names[i], "add");
	}
}

Test(bundle, two_members_swapped_are_found)
{
	for (unsigned i = 0; i + 1 < whole.count; i++) {
		const struct tar_member *x = whole.members[i];
		const struct tar_member *y = whole.members[i + 1];
		struct tar half = {0}, t = {0};
		const char *named = x->name;

		rig_replace(
		    &half, &whole, x->name, y->content.data, y->content.size);
		rig_replace(
		    &t, &half, y->name, x->content.data, x->content.size);
		tar_release(&half);
		if (strcmp(named, "manifest") == 0)
			named = "manifest.minisig";
		expect_found(&t, named, "swap");
	}
}

Test(bundle, members_out_of_order_are_found)
{
	for (unsigned i = 0; i + 1 < whole.count; i++) {
		struct tar t = {0};
		struct tar_member *m;

		rig_replace(&t, &whole, "", NULL, 0);
		m = t.members[i];
		t.members[i] = t.members[i + 1];
		t.members[i + 1] = m;
		expect_found(&t, m->name, "order");
	}
}

/* ---- a dishonest exporter: everything is signed anew ---- */

static void copy_member(struct tar *t, const char *from, const char *to)
{
	const struct tar_member *m = tar_find(&whole, from);

	rig_replace(t, &whole, to, m->content.data, m->content.size);
	rig_reseal(r, t);
}

Test(bundle, resealing_alone_changes_nothing)
{
	struct tar t = {0};
	struct bundle *b;

	rig_replace(&t, &whole, "", NULL, 0);
	rig_reseal(r, &t);
	b = rig_judge(&t);
	tell(b);
	cr_expect(bundle_ok(b));
	bundle_free(b);
}

Test(bundle, what_is_of_another_act_is_found_though_signed)
{
	static const char *const pairs[][2] = {
	    {"acts/1-2", "acts/1-3"},
	    {"leaves/0-1", "leaves/1-3"},
	    {"receipts/1-1.US", "receipts/1-2.US"},
	    {"receipts/1-1.JP", "receipts/1-1.US"},
	    {"proofs/1-1.US", "proofs/1-2.US"},
	    {"documents/US.1", "documents/JP.1"},
	};

	for (unsigned i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct tar t = {0};

		copy_member(&t, pairs[i][0], pairs[i][1]);
		expect_found(&t, pairs[i][1], "of another");
	}
}

static void expect_page(const char *page, const char *old, const char *new)
{
	const struct tar_member *m = tar_find(&whole, page);
	uint8_t *text = malloc(m->content.size);
	struct tar t = {0};
	uint8_t *at;

	cr_assert_not_null(text);
	cr_assert_eq(strlen(old), strlen(new));
	memcpy(text, m->content.data, m->content.size);
	at = memmem(text, m->content.size, old, strlen(old));
	cr_assert_not_null(at, "%s in %s", old, page);
	memcpy(at, new, strlen(new));
	rig_replace(&t, &whole, page, text, m->content.size);
	rig_reseal(r, &t);
	expect_found(&t, page, new);
	free(text);
}

Test(bundle, pages_say_no_more_than_the_acts_though_signed)
{
	expect_page(
	    "case.json", "\"state\": \"expired\"", "\"state\": \"decline\"");
	expect_page(
	    "case.json", "\"reference\": \"JP-", "\"reference\": \"XX-");
	expect_page("case.json", "\"next_country\": \"DE\"",
	    "\"next_country\": \"FR\"");
	expect_page("index.html", "H. Sato", "A. Sato");
	expect_page("index.html", "50123", "50124");
	expect_page("README.txt", "sha256sum -c", "sha256sum -q");
}

Test(bundle, pages_say_no_less_than_the_acts_though_signed)
{
	static const char *const pages[] = {
	    "index.html", "case.json", "README.txt"};

	for (unsigned i = 0; i < 3; i++) {
		const struct tar_member *m = tar_find(&whole, pages[i]);
		struct tar t = {0};

		rig_replace(
		    &t, &whole, m->name, m->content.data, m->content.size - 1);
		rig_reseal(r, &t);
		expect_found(&t, m->name, "cut");
	}
}

/* Sealed with such a case.json, and a page that this version does not write;
 * `text` is changed first. */
static struct tar other_version(char *text, const char *old, const char *new)
{
	char *at = strstr(text, old);
	struct tar half = {0}, t = {0};

	cr_assert_not_null(at, "%s", old);
	cr_assert_eq(strlen(old), strlen(new), "%s", old);
	memcpy(at, new, strlen(new));
	rig_replace(&half, &whole, "case.json", text, strlen(text));
	rig_replace(&t, &half, "index.html", "other", 5);
	rig_reseal(r, &t);
	tar_release(&half);
	return t;
}

Test(bundle, of_another_version_the_facts_are_compared)
{
	static const char *const lies[][2] = {
	    {"\"reference\": \"JP-", "\"reference\": \"XX-"},
	    {"\"side\": \"asking\"", "\"side\": \"asked!\""},
	    {"\"opened_by\": \"request\"", "\"opened_by\": \"orderer\""},
	    {"\"measure\": \"trace-h", "\"measure\": \"trace-l"},
	    {"\"basis\": \"exercise\"", "\"basis\": \"budapest\""},
	    {"\"urgency\": \"routine\"", "\"urgency\": \"urgent!\""},
	    {"\"state\": \"expired\"", "\"state\": \"decline\""},
	    {"\"expires_at\": null", "\"expires_at\": true"},
	    {"\"kind\": \"accept\"", "\"kind\": \"refuse\""},
	    {"\"created\": \"2", "\"created\": \"1"},
	    /* the first of an act: those of its receipts come later */
	    {"\"entered\": \"2", "\"entered\": \"1"},
	    {"\"receipts/0-1.US\"", "\"receipts/0-1.DE\""},
	};
	const struct tar_member *m = tar_find(&whole, "case.json");
	char text[16384];
	struct bundle *b;
	struct tar t;

	cr_assert_lt(m->content.size, sizeof(text));
	for (unsigned i = 0; i <= sizeof(lies) / sizeof(*lies); i++) {
		memcpy(text, m->content.data, m->content.size);
		text[m->content.size] = '\0';
		t = other_version(text, "\"made_by\": \"holdfast 0",
		    "\"made_by\": \"holdfast 9");
		if (i > 0) {
			tar_release(&t);
			t = other_version(text, lies[i - 1][0], lies[i - 1][1]);
			expect_found(&t, "case.json", lies[i - 1][1]);
			continue;
		}
		b = rig_judge(&t);
		tell(b);
		cr_expect(bundle_ok(b));
		cr_expect_not_null(rig_finding(b, "index.html", true));
		bundle_free(b);
	}
}

/* Members as the rig has them now, judged but not sealed. */
static struct bundle *judge_members(const char *left_out)
{
	struct tar all = {0}, t = {0};
	struct bundle *b = NULL;

	rig_members(r, &all);
	rig_replace(&t, &all, left_out, NULL, 0);
	tar_release(&all);
	cr_assert_eq(bundle_open(&b, &t), HF_OK);
	return b;
}

static void expect_err(
    const struct bundle *b, const char *member, enum hf_err err)
{
	const struct bundle_finding *f = rig_finding(b, member, false);

	if (f == NULL || f->err != err)
		tell(b);
	cr_assert_not_null(f, "%s", member);
	cr_expect_eq(f->err, err, "%s: E%d", member, f->err);
}

/* Only the request; what follows is the test's. */
static void rewind_to_request(void)
{
	memset(&r->acts[1], 0, sizeof(r->acts[1]));
	r->act_count = 1;
	r->us.leaf_count = 2;
	r->jp.leaf_count = 2;
}

Test(bundle, an_act_of_the_other_sides_officer_is_found)
{
	struct bundle *b;

	rewind_to_request();
	rig_act(r, r->asking, HF_KIND_NOTE, 1, rig_plain);
	b = judge_members("");
	expect_err(b, "acts/1-1", HF_UNKNOWN_OFFICER);
	bundle_free(b);
}

Test(bundle, a_machine_act_of_another_broker_is_found)
{
	struct secret *true_one = r->us.broker;
	struct bundle *b;

	rewind_to_request();
	r->us.broker = r->jp.broker;
	rig_act(r, NULL, HF_KIND_LAPSE, 1, rig_re);
	r->us.broker = true_one;
	b = judge_members("");
	expect_err(b, "acts/1-1", HF_SIGNATURE);
	bundle_free(b);
}

/* A broker says of its own act that it came from abroad: then the time of
 * entry is not its word. */
Test(bundle, a_receipt_is_of_the_kind_of_its_side)
{
	struct rig_act *a = &r->acts[1];
	struct hf_ledger_leaf leaf;
	struct bundle *b;

	cr_assert_eq(
	    hf_ledger_leaf_decode(&leaf, a->entry[0], a->entry_size[0]), HF_OK);
	leaf.type = HF_ENTRY_FOREIGN;
	cr_assert_eq(hf_ledger_leaf_encode(&leaf, a->entry[0],
			 sizeof(a->entry[0]), &a->entry_size[0]),
	    HF_OK);
	r->us.leaves[a->index[0]] =
	    hf_merkle_leaf(a->entry[0], a->entry_size[0]);
	b = judge_members("");
	expect_err(b, "receipts/1-1.US", HF_RECEIPT);
	cr_expect_eq(b->view->acts[1][0].entered.ms, 0);
	bundle_free(b);
}

static void revoke(uint64_t since, uint64_t revoked)
{
	struct country_entry *e = &r->us.entries[r->us.entry_count++];

	memset(e, 0, sizeof(*e));
	e->type = ENTRY_REVOCATION;
	e->u.revocation.key = r->asked->sign_key;
	e->u.revocation.since.ms = since;
	e->u.revocation.revoked.ms = revoked;
	e->u.revocation.reason = 1;
	rig_rebuild(r);
	r->us.entry_count--;
}

Test(bundle, an_officers_standing_is_that_of_the_entry)
{
	uint64_t first = r->acts[1].act.core.created.ms;
	struct officer_entry *o = NULL;
	struct bundle *b;

	revoke(first - 100, first - 50);
	b = judge_members("");
	expect_err(b, "acts/1-1", HF_REVOKED);
	expect_err(b, "acts/1-3", HF_REVOKED);
	bundle_free(b);
	/* reported later, compromised from before: theirs to dispute */
	revoke(first - 100, r->now + 1000);
	b = judge_members("");
	cr_expect(bundle_ok(b));
	cr_expect_not_null(rig_finding(b, "acts/1-1", true));
	cr_expect_eq(b->view->acts[1][0].trust, TRUST_DISPUTED);
	bundle_free(b);
	/* revoked after all that he signed */
	revoke(r->now + 500, r->now + 1000);
	b = judge_members("");
	cr_expect_eq(b->finding_count, 0);
	bundle_free(b);
	for (unsigned i = 0; i < r->us.entry_count; i++)
		if (r->us.entries[i].type == ENTRY_OFFICER)
			o = &r->us.entries[i].u.officer;
	cr_assert_not_null(o);
	o->valid_until.ms = first;
	rig_rebuild(r);
	b = judge_members("");
	expect_err(b, "acts/1-1", HF_EXPIRED_KEY);
	bundle_free(b);
}

/* What entered the exporter's ledger was exported later. */
Test(bundle, an_exporter_gone_before_the_newest_entry_is_found)
{
	struct country_entry *e;
	struct bundle *b;

	r->exporter = r->asked;
	revoke(r->now - 5000, r->now);
	b = judge_members("");
	expect_err(b, "exporter.pub", HF_REVOKED);
	bundle_free(b);
	revoke(r->now - 5000, r->now + 1);
	b = judge_members("");
	cr_expect_null(rig_finding(b, "exporter.pub", false));
	cr_expect_not_null(rig_finding(b, "exporter.pub", true));
	bundle_free(b);
	for (e = r->us.entries; e->type != ENTRY_OFFICER; e++)
		;
	e->u.officer.valid_until.ms = r->now;
	rig_rebuild(r);
	b = judge_members("");
	expect_err(b, "exporter.pub", HF_EXPIRED_KEY);
	bundle_free(b);
	e->u.officer.valid_until.ms = r->now + 1;
	rig_rebuild(r);
	b = judge_members("");
	cr_expect_eq(b->finding_count, 0);
	bundle_free(b);
}

/* A key that was rotated: who signed stands in the version before. */
Test(bundle, an_officer_who_left_stands_in_the_older_document)
{
	struct country_doc *old;
	struct tar t = {0}, both = {0}, unchained = {0};
	struct bundle *b = NULL;
	uint8_t *first = NULL;
	size_t n;

	cr_assert_eq(country_doc_strip(r->us.doc, &first, &n), HF_OK);
	for (unsigned i = 0; i < r->us.entry_count; i++)
		if (r->us.entries[i].type == ENTRY_OFFICER)
			r->us.entries[i].u.officer.sign = r->jp.doc->root;
	r->us.issued = r->now;
	rig_next_document(r, &old);
	rig_members(r, &t); /* has US.2 */
	rig_replace(&both, &t, "", NULL, 0);
	rig_replace(&unchained, &t, "", NULL, 0);
	cr_assert_eq(bundle_open(&b, &t), HF_OK);
	expect_err(b, "acts/1-1", HF_UNKNOWN_OFFICER);
	bundle_free(b);
	cr_assert_eq(tar_add(&both, "documents/US.1", first, n), HF_OK);
	cr_assert_eq(bundle_open(&b, &both), HF_OK);
	tell(b);
	cr_expect_eq(b->finding_count, 0);
	cr_expect_str_eq(
	    b->view->acts[1][0].author->name, "<b>J. \"Q\" Doe</b>");
	bundle_free(b);
	free(first);
	/* a first version that the second does not name */
	rig_rebuild(r);
	cr_assert_eq(country_doc_strip(r->us.doc, &first, &n), HF_OK);
	cr_assert_eq(tar_add(&unchained, "documents/US.1", first, n), HF_OK);
	cr_assert_eq(bundle_open(&b, &unchained), HF_OK);
	expect_err(b, "documents/US.2", HF_DOC_INVALID);
	bundle_free(b);
	free(first);
	country_doc_free(old);
}

/* He stands in the first, and a second without him was out when he signed:
 * his broker may not have had it yet, so it is said, and no more. */
Test(bundle, an_officer_left_out_before_the_entry_is_a_note)
{
	struct country_doc *old;
	struct bundle *b = NULL;
	struct tar t = {0};
	uint8_t *first = NULL;
	size_t n;

	cr_assert_eq(country_doc_strip(r->us.doc, &first, &n), HF_OK);
	for (unsigned i = 0; i < r->us.entry_count; i++)
		if (r->us.entries[i].type == ENTRY_OFFICER)
			r->us.entries[i].u.officer.sign = r->jp.doc->root;
	/* between the acknowledge and the accept */
	r->us.issued = r->acts[2].act.core.created.ms;
	rig_next_document(r, &old);
	rig_members(r, &t);
	cr_assert_eq(tar_add(&t, "documents/US.1", first, n), HF_OK);
	cr_assert_eq(bundle_open(&b, &t), HF_OK);
	cr_expect(bundle_ok(b));
	cr_expect_null(rig_finding(b, "acts/1-1", true));
	cr_expect_not_null(rig_finding(b, "acts/1-2", true));
	cr_expect_not_null(rig_finding(b, "acts/1-3", true));
	cr_expect_null(rig_finding(b, "acts/1-4", true), "a machine act");
	bundle_free(b);
	country_doc_free(old);
	free(first);
}

Test(bundle, two_trees_of_one_size_are_a_fork)
{
	struct tar all = {0}, t = {0}, forked = {0};
	static const char *const names[] = {"receipts/1-2.US", "proofs/1-2.US"};
	struct bundle *b = NULL;

	rig_members(r, &all);
	r->us.leaves[0] = hf_merkle_leaf("U", 1);
	rig_receipts(r, &forked);
	for (unsigned i = 0; i < 2; i++) {
		const struct tar_member *m = tar_find(&forked, names[i]);

		rig_replace(
		    &t, &all, names[i], m->content.data, m->content.size);
		tar_release(&all);
		all = t;
		memset(&t, 0, sizeof(t));
	}
	cr_assert_eq(bundle_open(&b, &all), HF_OK);
	expect_err(b, "receipts/1-2.US", HF_CHECKPOINT);
	cr_expect_null(rig_finding(b, "receipts/1-1.US", false));
	tar_release(&forked);
	bundle_free(b);
}

Test(bundle, a_newest_head_of_another_tree_is_a_fork)
{
	struct tar all = {0}, t = {0}, forked = {0};
	const struct tar_member *m;
	struct bundle *b = NULL;

	rig_members(r, &all);
	r->jp.leaves[0] = hf_merkle_leaf("J", 1);
	rig_members(r, &forked);
	m = tar_find(&forked, "heads/JP");
	rig_replace(&t, &all, "heads/JP", m->content.data, m->content.size);
	tar_release(&all);
	tar_release(&forked);
	cr_assert_eq(bundle_open(&b, &t), HF_OK);
	expect_err(b, "heads/JP", HF_CHECKPOINT);
	bundle_free(b);
}

Test(bundle, a_false_cosignature_is_found)
{
	struct bundle *b;

	r->us.cosigns_falsely = true;
	b = judge_members("");
	expect_err(b, "receipts/0-1.US", HF_CHECKPOINT);
	cr_expect_null(rig_finding(b, "receipts/0-1.JP", false));
	bundle_free(b);
	r->us.cosigns_falsely = false;
	for (unsigned i = 0; i < r->us.entry_count; i++)
		if (r->us.entries[i].type == ENTRY_BROKER)
			r->us.entries[i].u.broker.has_witness = false;
	rig_rebuild(r);
	b = judge_members("");
	cr_expect(bundle_ok(b));
	cr_expect_not_null(rig_finding(b, "receipts/0-1.US", true));
	bundle_free(b);
}

/* What is not there is said; it is no lie. */
Test(bundle, a_receipt_that_is_missing_is_a_note)
{
	struct tar all = {0}, t = {0};
	struct bundle *b = NULL;

	rig_members(r, &all);
	rig_replace(&t, &all, "receipts/0-1.US", NULL, 0);
	tar_release(&all);
	rig_replace(&all, &t, "proofs/0-1.US", NULL, 0);
	tar_release(&t);
	cr_assert_eq(bundle_open(&b, &all), HF_OK);
	cr_expect(bundle_ok(b));
	cr_expect_not_null(rig_finding(b, "receipts/0-1.US", true));
	bundle_free(b);
}

Test(bundle, a_gap_is_found_and_a_missing_end_cannot_be)
{
	struct bundle *b = judge_members("acts/1-2");

	expect_err(b, "acts/1-3", HF_UNKNOWN_KEY);
	bundle_free(b);
	r->act_count = 3; /* neither the hop nor the end */
	b = judge_members("");
	cr_expect(bundle_ok(b));
	cr_expect_eq(b->view->state, HF_STATE_ACCEPTED);
	bundle_free(b);
}

Test(bundle, a_past_that_is_not_here_is_found)
{
	struct bundle *b;

	rig_act(r, r->asking, HF_KIND_NOTE, 0, rig_plain); /* saw 1-4 */
	b = judge_members("acts/1-4");
	expect_err(b, "acts/0-2", HF_PAST_MISSING);
	bundle_free(b);
}

Test(bundle, without_an_opening_there_is_no_case)
{
	struct tar all = {0}, t = {0};
	struct bundle *b = NULL;

	rig_members(r, &all);
	rig_replace(&t, &all, "acts/0-1", NULL, 0);
	tar_release(&all);
	cr_expect_eq(bundle_open(&b, &t), HF_MISSING_KEY);
	cr_assert_not_null(b);
	expect_err(b, "acts/0-1", HF_MISSING_KEY);
	bundle_free(b);
}

/* ---- roots ---- */

Test(bundle, from_elsewhere_rests_on_other_roots)
{
	struct bundle *b = rig_open(file, size);
	struct rig *other = rig_new(false);
	struct roster *theirs = rig_pins(other);
	bool anchored = true;

	bundle_check_pins(b, NULL, &anchored);
	cr_expect(bundle_ok(b));
	cr_expect_not(anchored, "only the bundle says so");
	cr_expect_not_null(rig_finding(b, "pins", true));
	anchored = true;
	bundle_check_pins(b, theirs, &anchored);
	cr_expect_not(bundle_ok(b));
	cr_expect_not(anchored);
	expect_err(b, "pins", HF_ROOT_UNKNOWN);
	roster_free(theirs);
	bundle_rig_free(other);
	bundle_free(b);
}

Test(bundle, a_root_of_ones_own_in_it_makes_no_documents_true)
{
	struct rig *other = rig_new(false);
	char text[512], jp[HF_KEYLINE_MAX], us[HF_KEYLINE_MAX];
	struct tar t = {0};

	hf_keyline(jp, HF_KEY_ROOT, &other->pins[0]);
	hf_keyline(us, HF_KEY_ROOT, &r->pins[1]);
	snprintf(text, sizeof(text), "JP %s\nUS %s\n", jp, us);
	rig_replace(&t, &whole, "pins", text, strlen(text));
	rig_reseal(r, &t);
	expect_found(&t, "documents/JP.1", "other root");
	bundle_rig_free(other);
}

/* ---- a provider ---- */

Test(bundle, a_document_with_its_domestic_entries_is_refused)
{
	struct tar t = {0}, all = {0};
	struct bundle *b = NULL;

	tear_down();
	begin(true);
	rig_members(r, &all);
	rig_replace(
	    &t, &all, "documents/US.1", r->us.doc->bytes, r->us.doc->size);
	tar_release(&all);
	cr_assert_eq(bundle_open(&b, &t), HF_OK);
	expect_err(b, "documents/US.1", HF_DOC_INVALID);
	bundle_free(b);
}

Test(bundle, a_domestic_officer_is_shown_alone_by_proof)
{
	struct bundle *b;
	char name[TAR_NAME_MAX + 1] = "";

	tear_down();
	begin(true);
	b = rig_open(file, size);
	tell(b);
	cr_expect(bundle_ok(b));
	cr_expect_eq(b->finding_count, 0);
	cr_assert_not_null(b->officer);
	cr_expect_str_eq(b->officer->desk.s, "us.isp");
	cr_expect_null(memmem(file, size, "jp.ncp", 6));
	cr_expect_eq(b->entry_count, 1);
	bundle_free(b);
	for (unsigned i = 0; i < whole.count; i++)
		if (strncmp(whole.members[i]->name, "entries/", 8) == 0)
			strcpy(name, whole.members[i]->name);
	b = judge_members(name);
	expect_err(b, "acts/1-1", HF_UNKNOWN_OFFICER);
	expect_err(b, "exporter.pub", HF_UNKNOWN_OFFICER);
	bundle_free(b);
}
