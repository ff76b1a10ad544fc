/*
 * bench-ledger [ENTRIES] [DIR]: what a ledger of so many entries costs.  One
 * JSON object a line:
 *
 *   append   entries a second (hashed, stored, tree nodes and all)
 *   prove    inclusion path of a random entry, median and worst microseconds
 *   start    from opening the store to a ledger that may serve, milliseconds
 *
 * The entries are statements: the smallest there are, so that a large ledger
 * fits a small disk.  DIR (made, and removed at the end) is on the disk that is
 * to be measured.
 */
#include "broker/engine/internal.h"
#include "proto/crypto.h"
#include "tests/bench/meter.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 4096u
#define PROOFS 2001u

static struct engine_options options = {.country = {"JP"}, .epoch = 1};
static struct hf_hash root;

/* ---- the ledger ---- */

static struct store *open_store(const char *dir, uint64_t entries)
{
	struct store_options o = {.dir = dir,
	    .map_size = (((size_t)entries * 800) & ~(size_t)4095) + (64u << 20),
	    .key_slots = 64};
	struct store *store;

	meter_must(store_open(&store, &o), "store_open");
	return store;
}

static struct engine *open_engine(
    struct store *store, uint64_t size, const struct hf_hash *last)
{
	struct engine *e;
	struct txn *t;

	meter_must(txn_begin(&t, store), "txn_begin");
	meter_must(engine_open(&e, &options, t, size, last), "engine_open");
	txn_abort(t);
	return e;
}

static void turn(struct engine *e, struct store *store, unsigned count)
{
	struct effects *effects = effects_new();
	struct event ev = {.type = EVENT_TIMER,
	    .now = {UINT64_C(1795651200000)},
	    .clock_certain = true};
	uint64_t size, index;
	struct txn *t;
	bool changed;

	if (effects == NULL)
		meter_must(HF_NOMEM, "effects");
	meter_must(txn_begin(&t, store), "txn_begin");
	meter_must(engine_begin(e, t, effects), "engine_begin");
	meter_must(engine_step(e, &ev), "engine_step");
	for (unsigned i = 0; i < count; i++) {
		struct hf_statement s = {
		    .type = HF_ENTRY_READ, .count = e->frontier.size};

		meter_must(ledger_add_statement(e, &s, &index), "append");
	}
	meter_must(engine_end(e, &size, &root, &changed), "engine_end");
	meter_must(txn_commit(t), "txn_commit");
	effects_free(effects);
}

static void append(const char *dir, uint64_t entries)
{
	struct store *store = open_store(dir, entries);
	struct engine *e = open_engine(store, 0, &root);
	double begin = meter_now(), told = begin;
	uint64_t size = 0;

	while (size < entries) {
		uint64_t left = entries - size;

		turn(e, store, left < BATCH ? (unsigned)left : BATCH);
		size = e->frontier.size;
		if (meter_now() - told > 2 && isatty(STDERR_FILENO)) {
			told = meter_now();
			fprintf(stderr, "\r%llu of %llu entries",
			    (unsigned long long)size,
			    (unsigned long long)entries);
		}
	}
	printf("{\"bench\":\"append\",\"entries\":%llu,"
	       "\"entries_per_s\":%.0f}\n",
	    (unsigned long long)size, (double)size / (meter_now() - begin));
	engine_free(e);
	store_close(store);
}

/* A path to a random entry, read from the store and verified. */
static void prove(const char *dir, uint64_t entries)
{
	struct meter spans = {NULL, 0, 0};
	struct store *store = open_store(dir, entries);
	struct engine *e = open_engine(store, entries, &root);
	struct hf_nodes nodes = ledger_nodes(e);

	meter_must(txn_begin(&e->txn, store), "txn_begin");
	for (unsigned i = 0; i < PROOFS; i++) {
		struct hf_hash path[HF_TREE_DEPTH_MAX], leaf_hash;
		struct hf_bytes leaf, payload;
		uint64_t index, chance;
		unsigned count;
		double begin;

		hf_random(&chance, sizeof(chance));
		index = chance % entries;
		begin = meter_now();
		meter_must(hf_merkle_path(&nodes, index, entries, path, &count),
		    "path");
		meter_must(ledger_entry(e, index, &leaf, &payload), "entry");
		meter_add(&spans, meter_now() - begin);
		leaf_hash = hf_merkle_leaf(leaf.data, leaf.size);
		meter_must(hf_merkle_verify_path(
			       &leaf_hash, index, entries, path, count, &root),
		    "the path does not verify");
	}
	txn_abort(e->txn);
	printf("{\"bench\":\"prove\",\"entries\":%llu,\"median_us\":%.1f,"
	       "\"worst_us\":%.1f}\n",
	    (unsigned long long)entries, meter_at(&spans, 0.5),
	    meter_at(&spans, 1));
	meter_free(&spans);
	engine_free(e);
	store_close(store);
}

static void start(const char *dir, uint64_t entries)
{
	double begin = meter_now();
	struct store *store = open_store(dir, entries);
	struct engine *e = open_engine(store, entries, &root);
	uint64_t unread = e->scrub_end;

	printf("{\"bench\":\"start\",\"entries\":%llu,\"ms\":%.0f,"
	       "\"read_later\":%llu}\n",
	    (unsigned long long)entries, 1e3 * (meter_now() - begin),
	    (unsigned long long)unread);
	engine_free(e);
	store_close(store);
}

static void remove_dir(const char *path)
{
	char name[700];
	DIR *dir = opendir(path);

	for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		unlink(name);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

int main(int argc, char **argv)
{
	uint64_t entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
	char dir[400];

	if (argc > 3 || entries == 0 || entries > UINT64_C(100000000)) {
		fprintf(stderr, "usage: bench-ledger [ENTRIES] [DIR]\n");
		return 2;
	}
	snprintf(dir, sizeof(dir), "%s/hf-bench-XXXXXX",
	    argc > 2 ? argv[2] : "/tmp");
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	meter_must(hf_crypto_init(), "hf_crypto_init");
	append(dir, entries);
	prove(dir, entries);
	start(dir, entries);
	remove_dir(dir);
	return 0;
}
