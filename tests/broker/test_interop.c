/*
 * Random cases for another implementation: two brokers, officers who do
 * whatever comes to mind, acts that cross, deadlines that pass; then both
 * ledgers as archives (SPEC 13.1) with the states that the brokers came to.
 *
 * HF_INTEROP_DIR  where to write them (jp/ and us/); without it they go to a
 *                 folder that is removed, and only the making is tested
 * HF_INTEROP_SEED repeats a run's choices (keys and salts are fresh)
 */
#include "tests/broker/whim.h"
#include "tests/broker/wires.h"

#include "broker/engine/intake.h"
#include "proto/ref.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CASES 1000u
#define CASES_ALONE 60u /* when nobody reads them */
#define ROUNDS 10u

struct town {
	struct wires *w;
	struct federation *f;
	struct chance chance;
	struct hf_id cases[CASES];
	unsigned count, wanted;
};

static uint64_t below(struct town *t, uint64_t limit)
{
	return chance_below(&t->chance, limit);
}

/* ---- acts ---- */

static bool submit(struct town *t, struct draft *d, struct hf_id *id)
{
	static struct signed_act a;
	struct intake_result result;
	enum hf_err err;

	(void)t;
	draft_sign(d, &a);
	err = fed_submit(d->node, d->author, &a, nothing, &result);
	cr_assert(err == HF_OK || is_refusal(err), "submit: %s",
	    hf_err_info(err)->name);
	*id = a.id;
	return err == HF_OK;
}

static void open_some(struct town *t, unsigned count)
{
	static const struct {
		const char *from, *to;
		unsigned kind;
	} way[] = {{"jp.ncp", "us.ncp", HF_KIND_REQUEST},
	    {"jp.ncp", "us.ncp", HF_KIND_REQUEST},
	    {"us.ncp", "jp.ncp", HF_KIND_REQUEST},
	    {"us.ncp", "us.isp", HF_KIND_ORDER}};

	while (count > 0 && t->count < t->wanted) {
		unsigned i = (unsigned)below(t, sizeof(way) / sizeof(way[0]));
		struct draft d;

		draft_open(&d, t->f, way[i].from, way[i].kind, way[i].to);
		d.env.measure = 1 + (unsigned)below(t, HF_TRACE_LIVE);
		d.env.categories = 1 + (unsigned)below(t, 15);
		d.env.urgency = (unsigned)below(t, 3);
		if (submit(t, &d, &t->cases[t->count])) {
			t->count++;
			count--;
		}
	}
}

static void one_round(struct town *t)
{
	open_some(t, t->wanted / ROUNDS);
	for (unsigned i = 0; i < t->count; i++) {
		struct hf_id act;
		struct draft d;

		for (unsigned k = 0; k < 3; k++)
			if (whim_next(&t->chance, &t->f->nodes[below(t, 2)],
				&t->cases[i], &d))
				(void)submit(t, &d, &act);
	}
	/* some hear of it before they act again, and a few deadlines pass */
	if (below(t, 3) != 0)
		wires_run_for(t->w, below(t, 2500), 500);
}

/* ---- archives ---- */

static FILE *create(const char *dir, const char *name)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	cr_assert_not_null(f, "%s", path);
	return f;
}

static void put_frame(FILE *f, struct pack *p, const uint8_t *bytes)
{
	uint8_t size_be[4];
	size_t size;

	EXPECT("pack", pack_finish(p, &size), HF_OK);
	for (unsigned i = 0; i < 4; i++)
		size_be[i] = (uint8_t)(size >> (24 - 8 * i));
	cr_assert_eq(fwrite(size_be, 1, sizeof(size_be), f), sizeof(size_be));
	cr_assert_eq(fwrite(bytes, 1, size, f), size);
}

static void put_bin(struct pack *p, struct hf_bytes b)
{
	pack_bin(p, b.data, b.size);
}

static void write_ledger(struct node *n, const char *dir)
{
	static uint8_t frame[HF_FRAME_MAX];
	FILE *f = create(dir, "ledger");

	for (uint64_t i = 0; i < n->size; i++) {
		struct hf_bytes leaf, payload, core = {NULL, 0};
		struct hf_bytes envelope = core, sigs = core;
		struct hf_ledger_leaf l;
		struct pack p;

		EXPECT("entry", ledger_entry(n->engine, i, &leaf, &payload),
		    HF_OK);
		EXPECT("leaf", hf_ledger_leaf_decode(&l, leaf.data, leaf.size),
		    HF_OK);
		if (l.type <= HF_ENTRY_MACHINE)
			EXPECT("act",
			    ledger_act(n->engine, i, &core, &envelope, &sigs),
			    HF_OK);
		if (l.type == HF_ENTRY_FOREIGN) {
			struct hf_envelope e;
			struct row_key k = {0};
			struct hf_country c;

			EXPECT("envelope",
			    hf_envelope_decode(
				&e, envelope.data, envelope.size),
			    HF_OK);
			c = hf_desk_country(&e.from);
			row_add(&k, l.id.b, sizeof(l.id.b));
			row_add(&k, c.s, HF_COUNTRY_SIZE);
			EXPECT("receipt",
			    txn_get(n->txn, TABLE_RECEIPTS, row_bytes(&k),
				&payload),
			    HF_OK);
		}
		pack_init(&p, frame, sizeof(frame));
		pack_array(&p, 5);
		put_bin(&p, leaf);
		put_bin(&p, core);
		put_bin(&p, envelope);
		put_bin(&p, sigs);
		put_bin(&p, payload);
		put_frame(f, &p, frame);
	}
	cr_assert_eq(fclose(f), 0);
}

static void write_head(struct node *n, const char *dir)
{
	struct hf_bytes note;
	uint64_t size;
	FILE *f = create(dir, "head");

	EXPECT("note", ledger_note(n->engine, &size, &note), HF_OK);
	cr_assert_eq(size, n->size);
	cr_assert_eq(fwrite(note.data, 1, note.size, f), note.size);
	cr_assert_eq(fclose(f), 0);
}

/* What the other country receipted, in the order of the acts. */
static void write_receipts(struct town *t, struct node *n, const char *dir)
{
	FILE *f = create(dir, "receipts");

	for (uint64_t i = 0; i < n->size; i++) {
		uint8_t frame[HF_RECEIPT_MAX + 64];
		struct hf_ledger_leaf leaf;

		EXPECT("leaf", ledger_leaf(n->engine, i, &leaf), HF_OK);
		if (leaf.type != HF_ENTRY_OWN && leaf.type != HF_ENTRY_MACHINE)
			continue;
		for (unsigned c = 0; c < t->f->count; c++) {
			const char *to = t->f->nodes[c].country.s;
			struct hf_bytes receipt;
			struct row_key k = {0};
			struct pack p;

			row_add(&k, leaf.id.b, sizeof(leaf.id.b));
			row_add(&k, to, HF_COUNTRY_SIZE);
			if (txn_get(n->txn, TABLE_RECEIPTS, row_bytes(&k),
				&receipt) != HF_OK)
				continue;
			pack_init(&p, frame, sizeof(frame));
			pack_array(&p, 3);
			pack_bin(&p, leaf.id.b, sizeof(leaf.id.b));
			pack_text(&p, to);
			put_bin(&p, receipt);
			put_frame(f, &p, frame);
		}
	}
	cr_assert_eq(fclose(f), 0);
}

static unsigned write_states(struct node *n, const char *dir)
{
	struct hf_bytes key, value;
	struct hf_id at = {{0}};
	bool after = false;
	unsigned count = 0;
	FILE *f = create(dir, "states");

	while (txn_next(n->txn, TABLE_CASES, bytes_of(NULL, 0),
		   after ? bytes_of(at.b, sizeof(at.b)) : bytes_of(NULL, 0),
		   after, &key, &value) == HF_OK) {
		uint8_t frame[128];
		struct case_record c;
		struct hf_hash digest;
		struct pack p;

		memcpy(at.b, key.data, sizeof(at.b));
		after = true;
		EXPECT("case", case_load(n->engine, &at, &c), HF_OK);
		if (c.kind == 0)
			continue;
		EXPECT("fold", case_fold(n->engine, &c), HF_OK);
		digest = hf_case_digest(n->engine->work);
		pack_init(&p, frame, sizeof(frame));
		pack_array(&p, 3);
		pack_bin(&p, at.b, sizeof(at.b));
		pack_uint(&p, n->engine->work->state);
		pack_bin(&p, digest.b, sizeof(digest.b));
		put_frame(f, &p, frame);
		count++;
	}
	cr_assert_eq(fclose(f), 0);
	return count;
}

static void write_trust(struct town *t, struct node *n, const char *dir)
{
	struct hf_bytes key, value;
	struct row_key from = {0};
	char name[64];
	FILE *f;

	while (txn_next(n->txn, TABLE_DOCS, bytes_of(NULL, 0), row_bytes(&from),
		   from.size > 0, &key, &value) == HF_OK) {
		from.size = 0;
		row_add(&from, key.data, key.size);
		snprintf(name, sizeof(name), "documents/%.2s.%u",
		    (const char *)key.data,
		    (unsigned)get_be32(key.data + HF_COUNTRY_SIZE));
		f = create(dir, name);
		cr_assert_eq(fwrite(value.data, 1, value.size, f), value.size);
		cr_assert_eq(fclose(f), 0);
	}
	f = create(dir, "pins");
	for (unsigned i = 0; i < t->f->count; i++) {
		struct hf_key root = secret_sign_key(t->f->nodes[i].root);
		char line[HF_KEYLINE_MAX];

		hf_keyline(line, HF_KEY_ROOT, &root);
		fprintf(f, "%s %s\n", t->f->nodes[i].country.s, line);
	}
	cr_assert_eq(fclose(f), 0);
}

static void make_dir(const char *path)
{
	cr_assert(mkdir(path, 0700) == 0, "%s", path);
}

static unsigned write_archive(
    struct town *t, struct node *n, const char *top, const char *name)
{
	char dir[400], documents[440];
	unsigned count;

	snprintf(dir, sizeof(dir), "%s/%s", top, name);
	snprintf(documents, sizeof(documents), "%s/documents", dir);
	make_dir(dir);
	make_dir(documents);
	node_look(n);
	write_ledger(n, dir);
	write_head(n, dir);
	write_receipts(t, n, dir);
	count = write_states(n, dir);
	write_trust(t, n, dir);
	node_look_end(n);
	return count;
}

Test(interop, random_cases_for_another_implementation, .timeout = 300)
{
	const char *seed = getenv("HF_INTEROP_SEED");
	const char *dir = getenv("HF_INTEROP_DIR");
	struct town *t = calloc(1, sizeof(*t));
	unsigned cases = 0;

	cr_assert_not_null(t);
	t->wanted = dir != NULL ? CASES : CASES_ALONE;
	t->chance.state = seed != NULL ? strtoull(seed, NULL, 10) : 1;
	t->w = wires_new(fed_running("JP", "US", NULL), t->chance.state);
	t->f = t->w->f;
	wires_connect_all(t->w);
	wires_run(t->w);
	for (unsigned i = 0; i < ROUNDS; i++)
		one_round(t);
	wires_run(t->w);
	if (dir != NULL) {
		cases += write_archive(t, fed_node(t->f, "JP"), dir, "jp");
		cases += write_archive(t, fed_node(t->f, "US"), dir, "us");
		cr_assert_geq(cases, CASES);
	}
	cr_assert_eq(t->count, t->wanted);
	wires_free(t->w);
	free(t);
}
