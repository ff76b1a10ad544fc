/*
 * bench-ledger [ENTRIES] [DIR]: what a ledger of so many entries costs, beside
 * what this machine can do at all.  One JSON object a line:
 *
 *   limits   signature verifications, signatures and hashes a second, one core
 *   append   entries a second (hashed, stored, tree nodes and all)
 *   prove    inclusion path of a random entry, median and worst microseconds
 *   start    from opening the store to a ledger that may serve, milliseconds
 *
 * The entries are statements: the smallest there are, so that a large ledger
 * fits a small disk.  DIR (made, and removed at the end) is on the disk that is
 * to be measured.
 */
#include "broker/engine/internal.h"
#include "keys/secret.h"
#include "proto/crypto.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH 4096u
#define PROOFS 2001u
#define LIMIT_SECONDS 0.3

static struct engine_options options = {.country = {"JP"}, .epoch = 1};
static struct hf_hash root;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(enum hf_err err, const char *what)
{
	if (err == HF_OK)
		return;
	fprintf(stderr, "bench-ledger: %s: %s\n", what, hf_err_text(err));
	exit(1);
}

/* ---- what the machine can do ---- */

static void limits(void)
{
	uint8_t block[64] = {1}, message[32] = {2};
	struct secret *secret = secret_new(SECRET_BROKER);
	struct hf_key key;
	struct hf_sig sig;
	double begin, spent;
	uint64_t n, rate[3];

	if (secret == NULL)
		must(HF_NOMEM, "secret");
	key = secret_sign_key(secret);
	sig = secret_sign(secret, message, sizeof(message));
	for (begin = now(), n = 0; (spent = now() - begin) < LIMIT_SECONDS; n++)
		must(hf_verify(&key, &sig, message, sizeof(message)), "verify");
	rate[0] = (uint64_t)((double)n / spent);
	for (begin = now(), n = 0; (spent = now() - begin) < LIMIT_SECONDS; n++)
		sig = secret_sign(secret, message, sizeof(message));
	rate[1] = (uint64_t)((double)n / spent);
	for (begin = now(), n = 0; (spent = now() - begin) < LIMIT_SECONDS;)
		for (unsigned i = 0; i < 256; i++, n++) {
			struct hf_hash h = hf_merkle_leaf(block, sizeof(block));

			memcpy(block, h.b, sizeof(h.b));
		}
	rate[2] = (uint64_t)((double)n / spent);
	secret_free(secret);
	printf("{\"bench\":\"limits\",\"verify_per_s\":%llu,"
	       "\"sign_per_s\":%llu,\"sha256_64_per_s\":%llu}\n",
	    (unsigned long long)rate[0], (unsigned long long)rate[1],
	    (unsigned long long)rate[2]);
}

/* ---- the ledger ---- */

static struct store *open_store(const char *dir, uint64_t entries)
{
	struct store_options o = {.dir = dir,
	    .map_size = (((size_t)entries * 800) & ~(size_t)4095) + (64u << 20),
	    .key_slots = 64};
	struct store *store;

	must(store_open(&store, &o), "store_open");
	return store;
}

static struct engine *open_engine(
    struct store *store, uint64_t size, const struct hf_hash *last)
{
	struct engine *e;
	struct txn *t;

	must(txn_begin(&t, store), "txn_begin");
	must(engine_open(&e, &options, t, size, last), "engine_open");
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
		must(HF_NOMEM, "effects");
	must(txn_begin(&t, store), "txn_begin");
	must(engine_begin(e, t, effects), "engine_begin");
	must(engine_step(e, &ev), "engine_step");
	for (unsigned i = 0; i < count; i++) {
		struct hf_statement s = {
		    .type = HF_ENTRY_READ, .count = e->frontier.size};

		must(ledger_add_statement(e, &s, &index), "append");
	}
	must(engine_end(e, &size, &root, &changed), "engine_end");
	must(txn_commit(t), "txn_commit");
	effects_free(effects);
}

static void append(const char *dir, uint64_t entries)
{
	struct store *store = open_store(dir, entries);
	struct engine *e = open_engine(store, 0, &root);
	double begin = now(), told = begin;
	uint64_t size = 0;

	while (size < entries) {
		uint64_t left = entries - size;

		turn(e, store, left < BATCH ? (unsigned)left : BATCH);
		size = e->frontier.size;
		if (now() - told > 2 && isatty(STDERR_FILENO)) {
			told = now();
			fprintf(stderr, "\r%llu of %llu entries",
			    (unsigned long long)size,
			    (unsigned long long)entries);
		}
	}
	printf("{\"bench\":\"append\",\"entries\":%llu,"
	       "\"entries_per_s\":%.0f}\n",
	    (unsigned long long)size, (double)size / (now() - begin));
	engine_free(e);
	store_close(store);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A path to a random entry, read from the store and verified. */
static void prove(const char *dir, uint64_t entries)
{
	static double us[PROOFS];
	struct store *store = open_store(dir, entries);
	struct engine *e = open_engine(store, entries, &root);
	struct hf_nodes nodes = ledger_nodes(e);

	must(txn_begin(&e->txn, store), "txn_begin");
	for (unsigned i = 0; i < PROOFS; i++) {
		struct hf_hash path[HF_TREE_DEPTH_MAX], leaf_hash;
		struct hf_bytes leaf, payload;
		uint64_t index, chance;
		unsigned count;
		double begin;

		hf_random(&chance, sizeof(chance));
		index = chance % entries;
		begin = now();
		must(hf_merkle_path(&nodes, index, entries, path, &count),
		    "path");
		must(ledger_entry(e, index, &leaf, &payload), "entry");
		us[i] = 1e6 * (now() - begin);
		leaf_hash = hf_merkle_leaf(leaf.data, leaf.size);
		must(hf_merkle_verify_path(
			 &leaf_hash, index, entries, path, count, &root),
		    "the path does not verify");
	}
	txn_abort(e->txn);
	qsort(us, PROOFS, sizeof(*us), ascending);
	printf("{\"bench\":\"prove\",\"entries\":%llu,\"median_us\":%.1f,"
	       "\"worst_us\":%.1f}\n",
	    (unsigned long long)entries, us[PROOFS / 2], us[PROOFS - 1]);
	engine_free(e);
	store_close(store);
}

static void start(const char *dir, uint64_t entries)
{
	double begin = now();
	struct store *store = open_store(dir, entries);
	struct engine *e = open_engine(store, entries, &root);
	uint64_t unread = e->scrub_end;

	printf("{\"bench\":\"start\",\"entries\":%llu,\"ms\":%.0f,"
	       "\"read_later\":%llu}\n",
	    (unsigned long long)entries, 1e3 * (now() - begin),
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
	must(hf_crypto_init(), "hf_crypto_init");
	limits();
	append(dir, entries);
	prove(dir, entries);
	start(dir, entries);
	remove_dir(dir);
	return 0;
}
