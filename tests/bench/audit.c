/*
 * bench-audit [ACTS [THREADS]]: what an auditor's passes cost over an archive
 * of so many acts, beside what this machine can do at all.  One JSON object a
 * line:
 *
 *   limits   signature verifications a second, one core; cores
 *   verify   acts and signatures a second; ratio: signatures a second to
 *            cores x verifications a second of a core's own time; busy: the
 *            share of the cores that this program got; cpu_ratio: what the
 *            ratio is of the time that it got
 *   replay   the same, with the fold of every case and its comparison
 *   receipt  bytes of a receipt with three cosignatures, in a tree of 2^20
 *
 * A case is a request, which the other country receipted, its acknowledgement,
 * which came with a receipt, and two notes; either receipt's head has one
 * cosignature.  anon_kib is the most memory seen that no file backs, the rig's
 * own included.
 */
#include "tests/client/ledger_rig.h"

#include "proto/cosign.h"
#include "proto/crypto.h"
#include "proto/merkle.h"
#include "proto/pack.h"
#include "tests/bench/meter.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_SECONDS 0.5
#define ACTS_OF_CASE 4u
#define SIGNATURES_OF_CASE 8u /* acts 4, heads 2, cosignatures 2 */

/* Of all threads of this program: a machine that others work on too gives
 * fewer seconds, not shorter ones. */
static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A second of one core's own time. */
static double verifications(void)
{
	struct secret *secret = secret_new(SECRET_BROKER);
	struct hf_key key = secret_sign_key(secret);
	uint8_t message[32] = {2};
	struct hf_sig sig = secret_sign(secret, message, sizeof(message));
	double start = cpu(), spent;
	uint64_t n = 0;

	for (; (spent = cpu() - start) < LIMIT_SECONDS; n++)
		if (hf_verify(&key, &sig, message, sizeof(message)) != HF_OK)
			abort();
	secret_free(secret);
	return (double)n / spent;
}

/* ---- the archive ---- */

static FILE *open_file(const struct ledger_rig *r, const char *name)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	return f;
}

static void flush_rows(struct rig_file *rows, FILE *f)
{
	for (unsigned i = 0; i < rows->count; i++)
		cr_assert_eq(
		    fwrite(rows->row[i].bytes, 1, rows->row[i].size, f),
		    rows->row[i].size);
	rows->count = 0;
}

static void add_case(struct ledger_rig *r)
{
	r->act_count[0] = r->act_count[1] = 0;
	rig_request(r, r->second);
	rig_acknowledge(r);
	rig_note(r, r->second);
	rig_note(r, r->second);
	rig_state(r);
}

static void sign_ledger(struct ledger_rig *r)
{
	struct hf_frontier tree = {.size = 0};
	FILE *hashes = open_file(r, "hashes");
	struct archive_entry e;
	struct hf_hash root;
	struct archive *a;

	cr_assert_eq(archive_open(&a, r->dir), HF_OK);
	while (archive_next(a, &e) == HF_OK) {
		struct hf_hash h = hf_merkle_leaf(e.leaf.data, e.leaf.size);

		cr_assert_eq(hf_frontier_add(&tree, &h, NULL, NULL), HF_OK);
		cr_assert_eq(fwrite(h.b, sizeof(h.b), 1, hashes), 1);
	}
	archive_close(a);
	cr_assert_eq(fclose(hashes), 0);
	root = hf_frontier_root(&tree);
	rig_head(r, "holdfast/JP/1", r->jp_broker, tree.size, &root);
	hashes = open_file(r, "head");
	cr_assert_eq(fputs(r->head, hashes) >= 0, 1);
	cr_assert_eq(fclose(hashes), 0);
}

static struct ledger_rig *build(uint64_t cases)
{
	struct ledger_rig *r = ledger_rig_new();
	FILE *ledger, *receipts, *states;

	rig_write(r);
	ledger = open_file(r, "ledger");
	receipts = open_file(r, "receipts");
	states = open_file(r, "states");
	for (uint64_t i = 0; i <= cases; i++) {
		flush_rows(&r->ledger, ledger);
		flush_rows(&r->receipts, receipts);
		flush_rows(&r->states, states);
		if (i < cases)
			add_case(r);
		/* officers' keys are valid for two days */
		r->now.ms -= 3000;
	}
	cr_assert_eq(fclose(ledger) | fclose(receipts) | fclose(states), 0);
	sign_ledger(r);
	return r;
}

/* ---- the passes ---- */

struct watch {
	struct replay *replay; /* NULL: verify alone */
	uint64_t entries, peak;
};

static enum hf_err watch_entry(
    void *ctx, const struct archive_entry *e, const struct judged *d)
{
	struct watch *w = ctx;

	if (w->entries++ % 4096 == 0) {
		uint64_t kib = meter_anon_kib();

		w->peak = kib > w->peak ? kib : w->peak;
	}
	return w->replay == NULL ? HF_OK : replay_take(w->replay, e, d);
}

static void told(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void told(const char *name, const char *format, ...)
{
	va_list args;

	printf("{\"bench\":\"%s\",", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("}\n");
	fflush(stdout);
}

static void pass(const struct ledger_rig *r, bool replay, unsigned threads)
{
	static const struct out quiet = {.quiet = true, .mode = OUT_JSON};
	double begin, began, spent, busy, signatures;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	double one = verifications();
	uint64_t kib;
	struct watch w = {.replay = NULL};
	const char *what;
	struct audit a;
	enum hf_err err;

	begin = meter_now();
	began = cpu();
	err = audit_open(&a, &quiet, r->dir, &what);
	a.threads = threads;
	if (err == HF_OK && replay)
		err = replay_new(&w.replay, &a, NULL);
	if (err == HF_OK)
		err = audit_verify(&a, watch_entry, &w);
	if (err == HF_OK && replay)
		err = replay_compare(w.replay);
	spent = meter_now() - begin;
	busy = cpu() - began;
	kib = meter_anon_kib();
	one = (one + verifications()) / 2;
	if (err != HF_OK || a.found.count > 0) {
		fprintf(stderr, "bench-audit: %s: %s\n", hf_err_text(err),
		    a.found.first_text);
		exit(1);
	}
	signatures = (double)a.acts / ACTS_OF_CASE * SIGNATURES_OF_CASE;
	told(replay ? "replay" : "verify",
	    "\"acts\":%llu,\"seconds\":%.2f,\"acts_per_s\":%.0f,"
	    "\"signatures_per_s\":%.0f,\"ratio\":%.2f,\"busy\":%.2f,"
	    "\"cpu_ratio\":%.2f,\"anon_kib\":%llu",
	    (unsigned long long)a.acts, spent, (double)a.acts / spent,
	    signatures / spent, signatures / spent / ((double)cores * one),
	    busy / spent / (double)cores, signatures / busy / one,
	    (unsigned long long)(kib > w.peak ? kib : w.peak));
	replay_free(w.replay);
	audit_close(&a);
}

/* ---- a receipt ---- */

static void receipt(struct ledger_rig *r)
{
	static const char *const names[] = {"DE", "JP", "US"};
	const struct hf_ledger_leaf leaf = {.type = HF_ENTRY_OWN,
	    .epoch = 1,
	    .entered = r->now,
	    .bound_ms = 5,
	    .id = r->case_id,
	    .core = {{1}},
	    .envelope = {{2}},
	    .sigs = {{3}}};
	uint8_t leaf_bytes[HF_LEDGER_LEAF_MAX], out[HF_RECEIPT_MAX];
	struct hf_hash path[20], root, hash;
	size_t leaf_size, size;

	memset(path, 0x5a, sizeof(path));
	cr_assert_eq(hf_ledger_leaf_encode(
			 &leaf, leaf_bytes, sizeof(leaf_bytes), &leaf_size),
	    HF_OK);
	hash = hf_merkle_leaf(leaf_bytes, leaf_size);
	cr_assert_eq(hf_merkle_path_root(
			 &hash, 777777, UINT64_C(1) << 20, path, 20, &root),
	    HF_OK);
	rig_head(r, "holdfast/JP/1", r->jp_broker, UINT64_C(1) << 20, &root);
	for (unsigned i = 0; i < 3; i++)
		rig_cosign(r, names[i], r->us_witness, 0);
	cr_assert_eq(
	    hf_receipt_encode((struct hf_bytes){leaf_bytes, leaf_size}, 777777,
		path, 20,
		(struct hf_bytes){(const uint8_t *)r->head, strlen(r->head)},
		out, sizeof(out), &size),
	    HF_OK);
	told("receipt", "\"cosignatures\":3,\"tree\":%u,\"bytes\":%zu",
	    1u << 20, size);
}

int main(int argc, char **argv)
{
	uint64_t acts = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
	unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	struct ledger_rig *r;

	if (hf_crypto_init() != HF_OK || acts < ACTS_OF_CASE) {
		fprintf(stderr, "usage: bench-audit [ACTS [THREADS]]\n");
		return 2;
	}
	told("audit-limits", "\"verify_per_s\":%.0f,\"cores\":%ld",
	    verifications(), sysconf(_SC_NPROCESSORS_ONLN));
	r = build(acts / ACTS_OF_CASE);
	pass(r, false, threads);
	pass(r, true, threads);
	receipt(r);
	rig_free(r);
	return 0;
}
