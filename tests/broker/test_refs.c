/* The case of each reference: rows, the index over them, abandoned turns. */
#include "tests/broker/wires.h"

#include "broker/engine/intake.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define MANY 1700u /* the index grows twice, rows are begun 43 times */

static struct node *jp;

static void ref_of(char out[HF_REF_MAX], unsigned i)
{
	struct hf_hash digest = {{(uint8_t)(i >> 8), (uint8_t)i, 7, 7}};

	hf_ref(out, jp->country, jp->fed->now, &digest);
}

static struct hf_id id_of(unsigned i)
{
	struct hf_id id = {{1, (uint8_t)(i >> 8), (uint8_t)i}};

	return id;
}

static void add(unsigned i)
{
	char ref[HF_REF_MAX];
	struct hf_id id = id_of(i);

	ref_of(ref, i);
	EXPECT("add", case_ref_add(jp->engine, ref, &id), HF_OK);
}

/* In a turn of its own: those below `count` and no other. */
static void expect_known(unsigned count)
{
	turn_begin(jp);
	for (unsigned i = 0; i < MANY + 100; i++) {
		char ref[HF_REF_MAX];
		struct hf_id id, wanted = id_of(i);
		enum hf_err err;

		ref_of(ref, i);
		err = case_by_ref(jp->engine, ref, &id);
		cr_assert_eq(err, i < count ? HF_OK : HF_NOTFOUND,
		    "reference %u of %u: %s", i, count, hf_err_text(err));
		if (i < count)
			cr_assert_arr_eq(id.b, wanted.b, sizeof(id.b));
	}
	turn_abandon(jp);
}

static struct federation *begin(void)
{
	struct federation *f = fed_running("JP", "US", NULL);

	jp = fed_node(f, "JP");
	return f;
}

Test(refs, every_case_is_found_by_its_reference_also_after_a_restart)
{
	static const unsigned counts[] = {
	    0, 1, 39, 40, 41, 767, 768, 769, 1535, 1537, MANY};
	struct federation *f = begin();
	unsigned have = 0;

	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		turn_begin(jp);
		while (have < counts[i])
			add(have++);
		turn_end(jp);
		expect_known(have);
		node_restart(jp);
		expect_known(have);
	}
	fed_free(f);
}

Test(refs, a_turn_that_is_abandoned_leaves_none)
{
	struct federation *f = begin();

	turn_begin(jp);
	for (unsigned i = 0; i < 30; i++)
		add(i);
	turn_end(jp);
	/* more often than the index has places: what is left in it goes */
	for (unsigned i = 0; i < 40; i++) {
		turn_begin(jp);
		for (unsigned j = 30; j < 80; j++)
			add(j);
		turn_abandon(jp);
		expect_known(30);
	}
	/* their numbers are given to others, in another order */
	turn_begin(jp);
	for (unsigned i = 60; i > 30; i--)
		add(i - 1);
	turn_end(jp);
	expect_known(60);
	node_restart(jp);
	expect_known(60);
	fed_free(f);
}

Test(refs, rows_that_are_not_whole_are_damage)
{
	/* less or more than whole ones, more than a row has, fewer than there
	 * were */
	static const size_t cut[] = {1, 49, 2001, 41 * 50, 50};
	static uint8_t row[2100];
	struct federation *f = begin();
	struct hf_bytes key, value;
	struct hf_id id;
	char ref[HF_REF_MAX];
	struct row_key k = {0};

	turn_begin(jp);
	for (unsigned i = 0; i < 40; i++)
		add(i);
	turn_end(jp);
	for (unsigned i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		turn_begin(jp);
		EXPECT("row",
		    txn_last(jp->txn, TABLE_REFS, nothing, &key, &value),
		    HF_OK);
		k.size = 0;
		row_add(&k, key.data, key.size);
		memset(row, 0, sizeof(row));
		EXPECT("put",
		    txn_put(jp->txn, TABLE_REFS, row_bytes(&k),
			bytes_of(row, cut[i])),
		    HF_OK);
		ref_of(ref, 39);
		EXPECT("look", case_by_ref(jp->engine, ref, &id), HF_CORRUPT);
		turn_abandon(jp);
	}
	fed_free(f);
}

/* Row `number` of the table, of references that nobody gave. */
static void put_rows(uint32_t number, unsigned count, uint8_t fill)
{
	static uint8_t row[40 * 50];
	struct row_key k = {0};

	memset(row, fill, sizeof(row));
	row_add_be32(&k, number);
	EXPECT("put",
	    txn_put(
		jp->txn, TABLE_REFS, row_bytes(&k), bytes_of(row, count * 50u)),
	    HF_OK);
}

static enum hf_err reopen(void)
{
	struct engine_options o = jp->engine->options;
	struct engine *e = NULL;
	struct txn *t;
	enum hf_err err;

	EXPECT("begin", txn_begin(&t, jp->store), HF_OK);
	err = engine_open(&e, &o, t, jp->size, &jp->root_hash);
	txn_abort(t);
	engine_free(e);
	return err;
}

Test(refs, rows_that_nobody_wrote_are_damage)
{
	struct federation *f = begin();
	char ref[HF_REF_MAX];
	struct hf_id id = id_of(1);

	turn_begin(jp);
	for (unsigned i = 0; i < 10; i++)
		add(i);
	turn_end(jp);
	EXPECT("whole", reopen(), HF_OK);
	/* the row to go on in has other references in it than it had */
	turn_begin(jp);
	put_rows(0, 3, 0);
	ref_of(ref, 10);
	EXPECT("add", case_ref_add(jp->engine, ref, &id), HF_CORRUPT);
	turn_abandon(jp);
	turn_begin(jp);
	put_rows(0, 10, 'x');
	turn_end(jp);
	EXPECT("no end of a text", reopen(), HF_CORRUPT);
	fed_free(f);
}

/* An index that is built anew, for what abandoned turns left in it, reads more
 * than anybody put there. */
Test(refs, more_references_than_were_given_are_damage)
{
	struct federation *f = begin();
	struct hf_id id = id_of(759);
	char ref[HF_REF_MAX];
	unsigned have = 0;

	turn_begin(jp);
	while (have < 759) /* one less than whole rows */
		add(have++);
	turn_end(jp);
	turn_begin(jp);
	for (unsigned i = 0; i < 9; i++)
		add(have + i);
	turn_abandon(jp);
	turn_begin(jp);
	for (uint32_t row = 19; row < 60; row++)
		put_rows(row, 40, 0);
	ref_of(ref, 759);
	EXPECT("more", case_ref_add(jp->engine, ref, &id), HF_CORRUPT);
	turn_abandon(jp);
	turn_begin(jp);
	EXPECT("control", case_ref_add(jp->engine, ref, &id), HF_OK);
	turn_abandon(jp);
	fed_free(f);
}
