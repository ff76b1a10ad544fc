/* Proof files and tiles of C2SP; tests/e2e checks them with other code. */
#include "client/tlog.h"
#include "proto/crypto.h"
#include "proto/merkle.h"
#include "proto/pack.h"
#include "tests/client/ledger_rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(tlog, .timeout = 120);

static const struct out quiet = {.quiet = true};

static void open_rig(const struct ledger_rig *r, struct audit *a)
{
	const char *what;

	rig_write(r);
	cr_assert_eq(audit_open(a, &quiet, r->dir, &what), HF_OK);
}

Test(tlog, tiles_have_the_paths_of_the_specification)
{
	static const struct {
		uint64_t n;
		unsigned width;
		const char *path;
	} cases[] = {
	    {0, 256, "000"},
	    {0, 1, "000.p/1"},
	    {7, 255, "007.p/255"},
	    {999, 256, "999"},
	    {1000, 256, "x001/000"},
	    {1234067, 256, "x001/x234/067"},
	    {1234067, 112, "x001/x234/067.p/112"},
	    {UINT64_C(1) << 40, 256, "x001/x099/x511/x627/776"},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char path[TLOG_PATH_MAX];

		tlog_path(path, cases[i].n, cases[i].width);
		cr_expect_str_eq(path, cases[i].path);
	}
}

/* Take a proof file apart and verify it against the head. */
static void check_proof(
    const struct ledger_rig *r, const char *text, uint64_t index)
{
	struct hf_hash path[HF_TREE_DEPTH_MAX], root = rig_root(r), leaf;
	uint8_t extra[HF_LEDGER_LEAF_MAX];
	char first[64], *at;
	unsigned count = 0;
	size_t size, n;

	snprintf(
	    first, sizeof(first), "\nindex %llu\n", (unsigned long long)index);
	cr_assert_eq(strncmp(text, "c2sp.org/tlog-proof@v1\nextra ", 29), 0);
	at = strstr(text, first);
	cr_assert_not_null(at);
	cr_assert_eq(hf_base64_read(extra, sizeof(extra), &size, text + 29,
			 (size_t)(at - text) - 29),
	    HF_OK);
	leaf = hf_merkle_leaf(extra, size);
	cr_assert_eq(memcmp(&leaf, &r->hashes[index], sizeof(leaf)), 0);
	for (at += strlen(first); *at != '\n'; at += n + 1) {
		n = strcspn(at, "\n");
		cr_assert_eq(
		    hf_base64_read(path[count++].b, HF_HASH_SIZE, &size, at, n),
		    HF_OK);
		cr_assert_eq(size, HF_HASH_SIZE);
	}
	cr_assert_str_eq(at + 1, r->head);
	cr_assert_eq(hf_merkle_verify_path(
			 &leaf, index, r->hash_count, path, count, &root),
	    HF_OK);
}

Test(tlog, every_entry_under_the_head_is_proved)
{
	struct ledger_rig *r = ledger_rig_new();
	char what[JUDGE_TEXT], name[2 * HF_ID_SIZE + 1];
	struct tlog_proof proof;
	struct audit a;

	rig_note(r, r->second); /* behind the head */
	open_rig(r, &a);
	for (uint64_t i = 0; i < RIG_COUNT; i++) {
		snprintf(name, sizeof(name), "%llu", (unsigned long long)i);
		cr_assert_eq(tlog_prove(&a, name, &proof, what), HF_OK);
		cr_assert_eq(proof.index, i);
		check_proof(r, proof.text, i);
		free(proof.text);
	}
	hf_hex(name, &r->case_id, sizeof(r->case_id));
	cr_assert_eq(tlog_prove(&a, name, &proof, what), HF_OK);
	cr_assert_eq(proof.index, RIG_REQUEST);
	free(proof.text);
	snprintf(name, sizeof(name), "%u", (unsigned)RIG_COUNT);
	cr_assert_eq(tlog_prove(&a, name, &proof, what), HF_NOTFOUND);
	cr_assert_null(proof.text);
	memset(name, 'a', 2 * HF_ID_SIZE);
	name[2 * HF_ID_SIZE] = '\0';
	cr_assert_eq(tlog_prove(&a, name, &proof, what), HF_NOTFOUND);
	cr_assert_eq(tlog_prove(&a, "-1", &proof, what), HF_USAGE);
	cr_assert_eq(tlog_prove(&a, "", &proof, what), HF_USAGE);
	audit_close(&a);
	rig_free(r);
}

Test(tlog, nothing_is_proved_of_an_archive_that_was_changed)
{
	struct ledger_rig *r = ledger_rig_new();
	char what[JUDGE_TEXT], path[128];
	struct tlog_proof proof;
	struct hf_hash root;
	uint64_t files;
	struct audit a;

	rig_remove(&r->ledger, 2);
	open_rig(r, &a);
	cr_assert_eq(tlog_prove(&a, "0", &proof, what), HF_PROOF);
	snprintf(path, sizeof(path), "%s/tiles", r->dir);
	cr_assert_eq(tlog_export(&a, path, &files, what), HF_PROOF);
	audit_close(&a);
	rig_statement(r, &(struct hf_statement){.type = HF_ENTRY_STOP});
	open_rig(r, &a);
	cr_assert_eq(tlog_prove(&a, "0", &proof, what), HF_PROOF);
	cr_assert_eq(tlog_export(&a, path, &files, what), HF_PROOF);
	strcat(path, "/checkpoint");
	cr_assert_neq(access(path, F_OK), 0, "no head over what is not so");
	audit_close(&a);
	root = rig_root(r);
	rig_head(r, "holdfast/JP/1", r->us_broker, RIG_COUNT, &root);
	open_rig(r, &a);
	cr_assert_eq(tlog_prove(&a, "0", &proof, what), HF_CHECKPOINT);
	cr_assert_eq(tlog_export(&a, path, &files, what), HF_CHECKPOINT);
	audit_close(&a);
	rig_free(r);
}

/* The example of the specification: a tree of 70,000 entries. */
static void write_large(struct ledger_rig *r, unsigned count)
{
	struct hf_frontier tree = {.size = 0};
	struct hf_hash root;
	char path[128];
	FILE *f;

	r->has_hashes = false;
	rig_write(r);
	snprintf(path, sizeof(path), "%s/ledger", r->dir);
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	for (unsigned i = 0; i < count; i++) {
		struct rig_frame *row = &r->ledger.row[0];
		uint8_t *leaf = row->bytes + 4 + 1 + 2;
		struct hf_hash h;

		/* any bytes hash: those of the first leaf, with a number */
		memcpy(leaf + 60, &i, sizeof(i));
		h = hf_merkle_leaf(leaf, row->bytes[4 + 2]);
		cr_assert_eq(hf_frontier_add(&tree, &h, NULL, NULL), HF_OK);
		cr_assert_eq(fwrite(row->bytes, 1, row->size, f), row->size);
	}
	cr_assert_eq(fclose(f), 0);
	root = hf_frontier_root(&tree);
	rig_head(r, "holdfast/JP/1", r->jp_broker, count, &root);
	snprintf(path, sizeof(path), "%s/head", r->dir);
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	fputs(r->head, f);
	cr_assert_eq(fclose(f), 0);
}

static off_t size_of(const char *dir, const char *name)
{
	char path[192];
	struct stat st;

	snprintf(path, sizeof(path), "%s/tiles/%s", dir, name);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

Test(tlog, a_tree_of_70000_has_the_tiles_that_the_specification_counts)
{
	struct ledger_rig *r = ledger_rig_new();
	char what[JUDGE_TEXT], dir[128];
	struct tlog_proof proof;
	struct audit a;
	const char *none;
	uint64_t files = 0;

	write_large(r, 70000);
	cr_assert_eq(audit_open(&a, &quiet, r->dir, &none), HF_OK);
	snprintf(dir, sizeof(dir), "%s/tiles", r->dir);
	cr_assert_eq(tlog_export(&a, dir, &files, what), HF_OK, "%s", what);
	/* 274 of entries, 274 of level 0, 2 of level 1, 1 of level 2 */
	cr_assert_eq(files, 274 + 274 + 2 + 1 + 1);
	cr_assert_eq(size_of(r->dir, "tile/0/272"), 8192);
	cr_assert_eq(size_of(r->dir, "tile/0/273"), -1);
	cr_assert_eq(size_of(r->dir, "tile/0/273.p/112"), 112 * 32);
	cr_assert_eq(size_of(r->dir, "tile/1/000"), 8192);
	cr_assert_eq(size_of(r->dir, "tile/1/001.p/17"), 17 * 32);
	cr_assert_eq(size_of(r->dir, "tile/2/000.p/1"), 32);
	cr_assert_gt(size_of(r->dir, "tile/entries/273.p/112"), 0);
	cr_assert_eq(tlog_prove(&a, "69999", &proof, what), HF_OK, "%s", what);
	free(proof.text);
	audit_close(&a);
	rig_free(r);
}

/* ---- a tree that is read ---- */

struct spoilt {
	const char *file;
	off_t size;     /* -1: removed; else its length then */
	long flip;      /* a bit of this byte; -1: none */
	uint64_t entry; /* that the first finding names */
	const char *says;
};

static struct audit check_tree(const char *dir, const struct hf_key *key)
{
	struct audit a = {.out = &quiet, .found = {.first = AUDIT_NO_ENTRY}};

	a.found.texts = json_array();
	cr_assert_eq(tlog_check(&a, dir, NULL, key), HF_OK);
	return a;
}

static void spoil(const char *path, const struct spoilt *s)
{
	uint8_t byte;
	FILE *f;

	if (s->size < 0) {
		cr_assert_eq(unlink(path), 0);
		return;
	}
	cr_assert_eq(truncate(path, s->size), 0, "%s", path);
	if (s->flip < 0)
		return;
	f = fopen(path, "r+b");
	cr_assert_not_null(f);
	cr_assert_eq(fseek(f, s->flip, SEEK_SET), 0);
	cr_assert_eq(fread(&byte, 1, 1, f), 1);
	byte ^= 1;
	cr_assert_eq(fseek(f, s->flip, SEEK_SET), 0);
	cr_assert_eq(fwrite(&byte, 1, 1, f), 1);
	fclose(f);
}

static void copy_over(const char *from, const char *to)
{
	char line[512];

	snprintf(line, sizeof(line), "cp %s %s", from, to);
	cr_assert_eq(system(line), 0);
}

/* Sixteen signatures of others, as signed-note wants them taken. */
Test(tlog, signatures_of_others_are_passed_over)
{
	struct ledger_rig *r = ledger_rig_new();
	struct hf_key key = secret_sign_key(r->jp_broker);
	char what[JUDGE_TEXT], dir[96], path[128];
	uint64_t files = 0;
	struct audit a;
	FILE *f;

	open_rig(r, &a);
	snprintf(dir, sizeof(dir), "%s/tiles", r->dir);
	cr_assert_eq(tlog_export(&a, dir, &files, what), HF_OK, "%s", what);
	audit_close(&a);
	snprintf(path, sizeof(path), "%s/checkpoint", dir);
	f = fopen(path, "a");
	cr_assert_not_null(f);
	for (unsigned i = 0; i < 16; i++)
		fprintf(f,
		    "\xe2\x80\x94 witness.example/with-a-long-name/%u "
		    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
		    i);
	fclose(f);
	a = check_tree(dir, &key);
	cr_assert_eq(a.found.count, 0, "%s", a.found.first_text);
	cr_assert_eq(a.entries, RIG_COUNT);
	json_decref(a.found.texts);
	f = fopen(path, "a");
	cr_assert_not_null(f);
	fputs("no signature\n", f);
	fclose(f);
	a = check_tree(dir, &key);
	cr_assert_eq(a.found.count, 1);
	json_decref(a.found.texts);
	rig_free(r);
}

Test(tlog, a_spoilt_tree_is_found_and_what_it_stands_for_is_named)
{
	static struct spoilt cases[] = {
	    {"tile/0/003", 8160, -1, 768, "has 8160 bytes, not 8192"},
	    {"tile/0/003", 8224, -1, 768, "has 8224 bytes, not 8192"},
	    {"tile/0/257.p/208", 0, -1, 65792, "has 0 bytes, not 6656"},
	    {"tile/0/257.p/208", -1, -1, 65792, "is missing"},
	    {"tile/0/003", 8192, 32 * 7, 775, "hash 7 of tile/0/003"},
	    {"tile/1/000", 8192, 32 * 5, 1280, "hash 5 of tile/1/000"},
	    {"tile/1/000", 8191, -1, 0, "has 8191 bytes"},
	    {"tile/1/001.p/1", 32, 3, 65536, "hash 0 of tile/1/001.p/1"},
	    {"tile/2/000.p/1", -1, -1, 0, "is missing"},
	    {"tile/entries/100", -1, -1, 25600, "is missing"},
	    {"tile/entries/100", 700, -1, 25600, "does not hold it whole"},
	};
	struct ledger_rig *r = ledger_rig_new();
	char what[JUDGE_TEXT], dir[96], path[160], kept[128];
	struct hf_key key = secret_sign_key(r->jp_broker), wrong;
	struct audit a;
	const char *none;
	uint64_t files = 0;

	write_large(r, 66000);
	cr_assert_eq(audit_open(&a, &quiet, r->dir, &none), HF_OK);
	snprintf(dir, sizeof(dir), "%s/tiles", r->dir);
	snprintf(kept, sizeof(kept), "%s/kept", r->dir);
	cr_assert_eq(tlog_export(&a, dir, &files, what), HF_OK, "%s", what);
	audit_close(&a);
	a = check_tree(dir, &key);
	cr_assert_eq(a.found.count, 0, "%s", a.found.first_text);
	cr_assert_eq(a.entries, 66000);
	json_decref(a.found.texts);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct spoilt *s = &cases[i];

		snprintf(path, sizeof(path), "%s/%s", dir, s->file);
		copy_over(path, kept);
		spoil(path, s);
		a = check_tree(dir, &key);
		cr_expect_gt(a.found.count, 0, "%s is not found", s->file);
		cr_expect(strstr(a.found.first_text, s->says) != NULL, "%s: %s",
		    s->file, a.found.first_text);
		if (strcmp(s->says, "does not hold it whole") != 0)
			cr_expect_eq(a.found.first, s->entry, "%s: %s", s->file,
			    a.found.first_text);
		json_decref(a.found.texts);
		copy_over(kept, path);
	}
	wrong = secret_sign_key(r->us_broker);
	a = check_tree(dir, &wrong);
	cr_assert_eq(a.found.count, 1);
	cr_assert_str_eq(a.found.first_text,
	    "checkpoint: is not signed by the ledger key of its origin");
	json_decref(a.found.texts);
	rig_free(r);
}
