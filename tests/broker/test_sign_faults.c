/*
 * A bit flips on the way of a batch from its hashing over the store, the
 * read-back, the proof and the signer to what is published.  Whatever is
 * published in spite of it verifies, over the tree that was hashed.
 */
#include "tests/broker/fixture.h"

#include "broker/engine/intake.h"
#include "broker/signer/signer.h"
#include "proto/crypto.h"
#include "tests/proto/chance.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum step {
	STEP_NONE,
	STEP_STORED,    /* a row, before the commit */
	STEP_COMMITTED, /* a row, after it */
	STEP_ROOT,
	STEP_SIZE,
	STEP_PATH,
	STEP_NOTE,
	STEPS
};

struct rig {
	struct federation *f;
	struct node *jp;
	struct signer_state *signer;
	char memory[80];
	struct chance chance;
	uint64_t signed_size;
	bool harmless; /* a node that neither this root nor its proof needs */
};

static void flip(struct chance *c, void *data, size_t size)
{
	uint64_t bit = chance_below(c, 8 * size);

	((uint8_t *)data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* Some row of the newest of a table that the ledger is made of. */
static void flip_row(struct rig *r, struct txn *t)
{
	static const enum table tables[] = {
	    TABLE_ENTRIES, TABLE_ACTS, TABLE_NODES};
	enum table table = tables[chance_below(&r->chance, 3)];
	struct hf_bytes key, value;
	struct row_key k = {0};
	static uint8_t row[HF_FRAME_MAX];
	size_t size;

	EXPECT(
	    "row", txn_last(t, table, bytes_of(NULL, 0), &key, &value), HF_OK);
	cr_assert(key.size <= sizeof(k.b) && value.size <= sizeof(row));
	r->harmless = table == TABLE_NODES;
	row_add(&k, key.data, key.size);
	size = value.size;
	memcpy(row, value.data, size);
	flip(&r->chance, row, size);
	EXPECT("put", txn_put(t, table, row_bytes(&k), bytes_of(row, size)),
	    HF_OK);
}

static void enter_some(struct rig *r)
{
	uint64_t count = 1 + chance_below(&r->chance, 4);

	for (uint64_t i = 0; i < count; i++) {
		static struct signed_act a;
		struct intake_result result;
		struct draft d;

		draft_open(&d, r->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
		draft_sign(&d, &a);
		EXPECT("enter",
		    intake_own(r->jp->engine,
			roster_officer(engine_roster(r->jp->engine),
			    hf_desk_country(&d.author->desk), &d.author->sign),
			bytes_of(a.frame, a.size), bytes_of(NULL, 0), &result),
		    HF_OK);
	}
}

/* Prove, sign, publish.  HF_OK: `note` left the broker. */
static enum hf_err publish(struct rig *r, enum step step, uint64_t size,
    struct hf_hash root, char *note, size_t *note_size)
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	unsigned count = 0;
	struct txn *t;
	enum hf_err err;

	EXPECT("begin", txn_begin(&t, r->jp->store), HF_OK);
	if (step == STEP_COMMITTED)
		flip_row(r, t);
	err = engine_consistency(
	    r->jp->engine, t, r->signed_size, size, path, &count);
	if (err == HF_OK && step == STEP_ROOT)
		flip(&r->chance, &root, sizeof(root));
	if (err == HF_OK && step == STEP_PATH && count > 0)
		flip(&r->chance, path, count * sizeof(*path));
	if (err == HF_OK && step == STEP_SIZE)
		size ^= UINT64_C(1) << chance_below(&r->chance, 6);
	if (err == HF_OK)
		err = signer_sign(r->signer, size, &root, r->signed_size, path,
		    count, note, HF_NOTE_MAX, note_size);
	if (err == HF_OK && step == STEP_NOTE)
		flip(&r->chance, note, *note_size);
	if (err == HF_OK)
		err = engine_receipts(r->jp->engine, t,
		    bytes_of(note, *note_size), r->jp->effects);
	txn_abort(t);
	return err;
}

/* One batch with one fault; was it stopped? */
static bool stopped(struct rig *r, enum step step)
{
	struct hf_key key = secret_sign_key(r->jp->broker);
	char note[HF_NOTE_MAX], origin[HF_ORIGIN_MAX];
	struct hf_hash root, told;
	uint64_t size, told_size;
	size_t note_size = 0;
	bool changed;
	enum hf_err err;

	turn_begin(r->jp);
	enter_some(r);
	EXPECT("end", engine_end(r->jp->engine, &size, &root, &changed), HF_OK);
	if (step == STEP_STORED)
		flip_row(r, r->jp->txn);
	EXPECT("commit", txn_commit(r->jp->txn), HF_OK);
	r->jp->txn = NULL;
	err = publish(r, step, size, root, note, &note_size);
	effects_free(r->jp->effects);
	r->jp->effects = NULL;
	if (err != HF_OK)
		return true;
	hf_origin(origin, r->jp->country, 1);
	EXPECT("published",
	    hf_checkpoint_verify(
		bytes_of(note, note_size), origin, &key, &told_size, &told),
	    HF_OK);
	cr_assert_eq(told_size, size);
	cr_assert_eq(memcmp(&told, &root, sizeof(root)), 0);
	r->signed_size = size;
	return false;
}

static void rig_open(struct rig *r, uint64_t seed)
{
	char origin[HF_ORIGIN_MAX];

	*r = (struct rig){.f = fed_running("JP", "US", NULL)};
	r->jp = fed_node(r->f, "JP");
	r->chance.state = seed;
	hf_origin(origin, r->jp->country, 1);
	snprintf(r->memory, sizeof(r->memory), "%s/signer", r->jp->dir);
	EXPECT("signer",
	    signer_open(&r->signer, r->memory, origin, r->jp->broker), HF_OK);
	for (uint64_t n = chance_below(&r->chance, 4) + 1; n > 0; n--)
		cr_assert_not(stopped(r, STEP_NONE), "without a fault");
}

static void rig_close(struct rig *r)
{
	signer_close(r->signer);
	fed_free(r->f);
}

Test(sign, no_fault_on_its_way_publishes_a_head_that_does_not_verify,
    .timeout = 120)
{
	for (uint64_t seed = 1; seed <= 240; seed++) {
		enum step step = (enum step)(1 + seed % (STEPS - 1));
		struct rig r;

		rig_open(&r, seed);
		cr_expect(stopped(&r, step) || r.harmless,
		    "seed %llu, step %u: not caught", (unsigned long long)seed,
		    step);
		rig_close(&r);
	}
}
