/* What threads found before is what one finds: in order, and no more than it
 * is worth. */
#include "client/ahead.h"
#include "tests/client/ledger_rig.h"

#include "proto/crypto.h"
#include "proto/merkle.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(ahead, .timeout = 300);

/* ---- the ring ---- */

struct number {
	_Alignas(max_align_t) uint64_t n;
	unsigned worked;
};
struct counter {
	uint64_t next, count;
	uint64_t stride; /* a different stream counts differently */
};

static enum hf_err read_number(void *ctx, void *item)
{
	struct counter *c = ctx;
	struct number *n = item;

	if (c->next == c->count)
		return HF_CORRUPT;
	n->n = c->stride * c->next++;
	n->worked = 0;
	return HF_OK;
}

static void work_number(const void *ctx, void *item)
{
	const struct counter *c = ctx;
	struct number *n = item;

	/* not all take as long */
	for (uint64_t i = 0; i < n->n / c->stride % 7; i++)
		(void)hf_hash(HF_TAG_BODY, &i, sizeof(i));
	n->worked++;
}

static void count_ahead(unsigned threads, unsigned window, uint64_t count)
{
	struct counter c[2] = {{0, count, 1}, {0, count / 3, 5}};
	struct ahead_stream s[2] = {
	    {sizeof(struct number), window, &c[0], read_number, work_number},
	    {sizeof(struct number), window, &c[1], read_number, work_number}};
	struct ahead *a;
	void *item;

	cr_assert_eq(ahead_new(&a, threads, s, 2), HF_OK);
	for (uint64_t i = 0; i < count; i++) {
		cr_assert_eq(ahead_next(a, 0, &item), HF_OK);
		cr_assert_eq(((struct number *)item)->n, i);
		cr_assert_eq(((struct number *)item)->worked, 1);
		cr_assert_leq(c[0].next, i + window);
		if (i % 3 != 2)
			continue;
		cr_assert_eq(ahead_next(a, 1, &item), HF_OK);
		cr_assert_eq(((struct number *)item)->n, 5 * (i / 3));
		cr_assert_eq(((struct number *)item)->worked, 1);
	}
	cr_assert_eq(ahead_next(a, 0, &item), HF_CORRUPT);
	cr_assert_eq(ahead_next(a, 0, &item), HF_CORRUPT);
	cr_assert_eq(ahead_next(a, 1, &item), HF_CORRUPT);
	ahead_free(a);
}

Test(ahead, items_come_in_order_worked_on_once_within_the_window)
{
	static const unsigned threads[] = {0, 1, 2, 5};
	static const unsigned windows[] = {1, 2, 3, 16, 512};

	for (unsigned t = 0; t < 4; t++)
		for (unsigned w = 0; w < 5; w++)
			for (unsigned count = 0; count < 2000;
			     count = 3 * count + 1)
				count_ahead(threads[t], windows[w], count);
}

Test(ahead, what_nobody_takes_is_let_go)
{
	for (unsigned i = 0; i < 50; i++) {
		struct counter c = {0, 100000, 1};
		struct ahead_stream s = {
		    sizeof(struct number), 64, &c, read_number, work_number};
		struct ahead *a;
		void *item;

		cr_assert_eq(ahead_new(&a, 3, &s, 1), HF_OK);
		for (unsigned k = 0; k < i; k++)
			cr_assert_eq(ahead_next(a, 0, &item), HF_OK);
		ahead_free(a);
	}
}

/* ---- the judge behind it ---- */

#define NOTES 600u /* more than a window */

static void write_rows(struct ledger_rig *r, FILE *f)
{
	for (unsigned i = 0; i < r->ledger.count; i++) {
		const struct rig_frame *row = &r->ledger.row[i];

		cr_assert_eq(fwrite(row->bytes, 1, row->size, f), row->size);
	}
	r->ledger.count = 0;
}

static void sign_archive(struct ledger_rig *r)
{
	struct hf_frontier tree = {.size = 0};
	struct archive_entry e;
	struct hf_hash root;
	struct archive *a;
	char path[160];
	FILE *f;

	cr_assert_eq(archive_open(&a, r->dir), HF_OK);
	while (archive_next(a, &e) == HF_OK) {
		struct hf_hash h = hf_merkle_leaf(e.leaf.data, e.leaf.size);

		cr_assert_eq(hf_frontier_add(&tree, &h, NULL, NULL), HF_OK);
	}
	archive_close(a);
	root = hf_frontier_root(&tree);
	rig_head(r, "holdfast/JP/1", r->jp_broker, tree.size, &root);
	snprintf(path, sizeof(path), "%s/head", r->dir);
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	cr_assert_geq(fputs(r->head, f), 0);
	cr_assert_eq(fclose(f), 0);
}

/* The document without the first officer comes into force in the middle of
 * his notes; the last one but one is forged besides. */
static void write_change(struct ledger_rig *r)
{
	struct rig_frame change = r->ledger.row[RIG_DOC_JP2];
	char path[160];
	FILE *f;

	r->has_hashes = false;
	rig_write(r);
	snprintf(path, sizeof(path), "%s/ledger", r->dir);
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	r->ledger.count = RIG_DOC_JP2;
	for (unsigned i = 0; i < 2 * NOTES; i++) {
		write_rows(r, f);
		if (i == NOTES)
			cr_assert_eq(fwrite(change.bytes, 1, change.size, f),
			    change.size);
		r->act_count[0] = 1;
		r->act_count[1] = 1;
		r->break_signature = i == NOTES - 2;
		rig_note(r, r->first);
	}
	write_rows(r, f);
	cr_assert_eq(fclose(f), 0);
	sign_archive(r);
}

Test(ahead, a_roster_change_holds_from_its_entry_whatever_was_seen_before)
{
	struct ledger_rig *r = ledger_rig_new();

	write_change(r);
	for (unsigned threads = 1; threads < 5; threads++) {
		struct rig_verdict v;

		r->threads = threads;
		v = rig_verify(r, false);
		cr_assert_eq(v.err, HF_OK);
		cr_assert_eq(v.entries, RIG_DOC_JP2 + 2 * NOTES + 1);
		cr_assert_eq(v.found, NOTES + 1, "%u threads: %llu, %s",
		    threads, (unsigned long long)v.found, v.text);
		cr_assert_eq(v.first, RIG_DOC_JP2 + NOTES - 2);
		cr_assert_not_null(strstr(v.text, "does not verify"));
	}
	rig_free(r);
}

/* ---- what is verified by a key is verified by that key ---- */

struct bench {
	struct ledger_rig *rig;
	struct audit a;
	struct judge_base base;
	struct judge *judge;
	struct judged d;
	struct archive_entry e;
	uint8_t note[HF_NOTE_MAX];
};

/* Judged up to the act of US, which is prepared. */
static struct bench *bench_new(void)
{
	static const struct out quiet = {.quiet = true, .mode = OUT_JSON};
	struct bench *b = calloc(1, sizeof(*b));
	char note[HF_NOTE_MAX + 1];
	const char *what;

	cr_assert_not_null(b);
	b->rig = ledger_rig_new();
	rig_write(b->rig);
	cr_assert_eq(audit_open(&b->a, &quiet, b->rig->dir, &what), HF_OK);
	cr_assert_eq(archive_head(b->a.archive, note), HF_OK);
	cr_assert_eq(judge_head_read(&b->a.head, note, b->a.roster), HF_OK);
	b->base = (struct judge_base){b->a.roster, b->a.witnesses};
	cr_assert_eq(
	    judge_new(&b->judge, b->a.archive, &b->base, &b->a.head), HF_OK);
	for (unsigned i = 0; i < RIG_ACKNOWLEDGE; i++) {
		cr_assert_eq(archive_next(b->a.archive, &b->e), HF_OK);
		cr_assert_eq(judge_entry(b->judge, &b->e, &b->d), HF_OK);
		cr_assert_str_empty(b->d.problem);
	}
	cr_assert_eq(archive_next(b->a.archive, &b->e), HF_OK);
	judge_prepare(&b->base, &b->e, &b->d);
	return b;
}

/* Another signature of its log, not seen by whoever prepared it. */
static void forge(struct bench *b)
{
	struct hf_bytes *note = &b->d.came.receipt.note;
	uint8_t *line;

	memcpy(b->note, note->data, note->size);
	line = memmem(b->note, note->size, "\n\n", 2);
	cr_assert_not_null(line);
	line = memchr(line + 2, '\n', note->size);
	line[-10] = line[-10] == 'A' ? 'B' : 'A';
	note->data = b->note;
}

static void bench_free(struct bench *b)
{
	judge_free(b->judge);
	audit_close(&b->a);
	rig_free(b->rig);
	free(b);
}

static const char *judged_now(struct bench *b)
{
	cr_assert_eq(judge_prepared(b->judge, &b->e, &b->d), HF_OK);
	return b->d.problem;
}

Test(ahead, a_receipt_of_another_key_is_verified_again)
{
	struct bench *b = bench_new();

	cr_assert(b->d.came.verified);
	b->d.came.key.b[0] ^= 1;
	cr_assert_str_empty(judged_now(b), "%s", b->d.problem);
	bench_free(b);
}

Test(ahead, a_forged_receipt_is_not_saved_by_another_key_or_country)
{
	for (unsigned i = 0; i < 4; i++) {
		struct bench *b = bench_new();

		forge(b);
		b->d.came.verified = i > 0;
		if (i == 1)
			b->d.came.key.b[31] ^= 1;
		if (i == 2)
			b->d.came.by = (struct hf_country){"JP"};
		if (i < 3)
			cr_assert_str_eq(judged_now(b),
			    "the receipt that it came with does not verify",
			    "%u: %s", i, b->d.problem);
		else /* so it is what was found that the judge takes */
			cr_assert_str_empty(judged_now(b));
		bench_free(b);
	}
}
