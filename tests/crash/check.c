/* Is a state what a broker may come up with? */
#include "tests/crash/crash.h"

#include "broker/engine/intake.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* LMDB refuses a file whose very first pages were cut (MDB_INVALID): no
 * broker has served from it, the operator begins anew. */
static bool never_made(const char *dir)
{
	struct store_options options = {
	    .dir = dir, .map_size = 64u << 20, .key_slots = 64};
	struct store *s;
	enum hf_err err = store_open(&s, &options);

	if (err == HF_OK)
		store_close(s);
	return err == HF_STORE;
}

static void open_all(struct node *n)
{
	node_signer(n);
	node_open_store(n);
	node_open_engine(n);
}

static void erased_stays(struct node *n, const struct ack *a)
{
	uint8_t key[HF_KEY_SIZE];
	struct case_record c;

	EXPECT("erased case", case_load(n->engine, &a->case_id, &c), HF_OK);
	cr_assert(c.erased, "an erased case is back");
	EXPECT(
	    "destroyed key", store_key_get(n->txn, c.key_slot, key), HF_ERASED);
}

static void cosigned_stays(struct node *n, uint64_t size)
{
	const struct federation *f = n->fed;
	const struct node *other = NULL;
	char origin[HF_ORIGIN_MAX], path[NODE_DIR_MAX + 16];

	for (unsigned i = 0; i < f->count; i++)
		if (!same_country(&f->nodes[i].country, &n->country))
			other = &f->nodes[i];
	cr_assert_not_null(other);
	hf_origin(origin, other->country, 1);
	snprintf(path, sizeof(path), "%s/witness.mem", n->dir);
	EXPECT("witness",
	    witness_open(&n->cosigner, path, n->country, n->witness), HF_OK);
	cr_assert_geq(witness_size(n->cosigner, origin), size,
	    "the witness forgot what it cosigned");
}

static void act_is_there(struct node *n, const struct ack *a)
{
	static uint8_t body[HF_BODY_MAX];
	struct hf_bytes core, envelope, sigs;
	struct hf_core decoded;
	struct hf_hash digest;
	struct case_record c;
	uint64_t index;
	size_t size;
	enum hf_err err;

	EXPECT("act", ledger_index_of(n->engine, &a->act, &index), HF_OK);
	EXPECT("act's parts",
	    ledger_act(n->engine, index, &core, &envelope, &sigs), HF_OK);
	EXPECT("core", hf_core_decode(&decoded, core.data, core.size), HF_OK);
	digest = hf_core_digest(core);
	cr_assert(a->own == NULL || same_hash(&digest, &a->own->digest),
	    "another act under its id");
	EXPECT("case", case_load(n->engine, &a->case_id, &c), HF_OK);
	err = case_body_get(n->engine, &c, &a->act, body, &size);
	/* the erasure of a withdrawn case may be under way */
	if (err != HF_ERASED || c.retain_until.ms == 0 ||
	    c.retain_until.ms > n->fed->now.ms)
		EXPECT("body", err, HF_OK);
}

static void rows_agree(struct node *n)
{
	uint64_t acts, ids;

	EXPECT("rows", txn_rows(n->txn, TABLE_ACTS, &acts), HF_OK);
	EXPECT("rows", txn_rows(n->txn, TABLE_IDS, &ids), HF_OK);
	cr_assert_eq(acts, ids, "acts and their ids differ in number");
}

/* An act sent again, as an officer does who has seen no answer. */
static void no_second_effect(struct node *n, const struct ack *a)
{
	struct intake_result result = {0};
	uint64_t before, after;

	node_look(n);
	EXPECT("rows", txn_rows(n->txn, TABLE_ACTS, &before), HF_OK);
	node_look_end(n);
	EXPECT("sent again",
	    fed_submit(n, a->officer, a->own, nothing, &result), HF_OK);
	node_look(n);
	EXPECT("rows", txn_rows(n->txn, TABLE_ACTS, &after), HF_OK);
	node_look_end(n);
	cr_assert_eq(before, after, "a second effect");
}

static void serve_again(struct node *n, const struct ack *last)
{
	struct event ev = node_event(n, EVENT_START);

	node_turn(n, &ev);
	if (last != NULL)
		no_second_effect(n, last);
}

bool check_state(const struct work *w, const struct node *n, size_t at,
    const char *dir, bool deep)
{
	struct node probe = *n;
	const struct ack *last = NULL;
	uint64_t head = 0, cosigned = 0;

	probe.carry = NULL;
	probe.store = NULL;
	probe.engine = NULL;
	probe.cosigner = NULL;
	probe.signer = NULL;
	snprintf(probe.dir, sizeof(probe.dir), "%s", dir);
	if (at < w->serving[n - w->fed->nodes] && never_made(dir))
		return false;
	open_all(&probe);
	node_look(&probe);
	for (unsigned i = 0; i < w->count; i++) {
		const struct ack *a = &w->acks[i];

		if (a->node != n || a->at > at)
			continue;
		head = a->head;
		cosigned = a->cosigned;
		if (a->what == ACK_ERASED)
			erased_stays(&probe, a);
		else if (a->what == ACK_ACT)
			act_is_there(&probe, a);
		if (a->own != NULL)
			last = a;
	}
	rows_agree(&probe);
	node_look_end(&probe);
	cr_assert_geq(probe.size, head, "the signer forgot a head");
	if (cosigned > 0)
		cosigned_stays(&probe, cosigned);
	if (deep && at >= w->serving[n - w->fed->nodes])
		serve_again(&probe, last);
	node_close(&probe);
	return true;
}
