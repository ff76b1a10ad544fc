/* A fetched ledger on disk, read back: what is whole, torn or damaged. */
#include "client/archive.h"
#include "proto/pack.h"
#include "proto/ref.h"
#include "tests/keys/registry.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPECT(got, wanted) \
	do { \
		enum hf_err got_ = (got), wanted_ = (wanted); \
		cr_assert_eq(got_, wanted_, "%s, not %s", \
		    hf_err_info(got_)->name, hf_err_info(wanted_)->name); \
	} while (0)

struct rig {
	char dir[64];
};

static void path_of(const struct rig *r, const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", r->dir, name);
}

static void append(
    const struct rig *r, const char *name, const void *data, size_t size)
{
	char path[256];
	FILE *f;

	path_of(r, name, path);
	f = fopen(path, "ab");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(data, 1, size, f), size);
	cr_assert_eq(fclose(f), 0);
}

static void append_frame(
    const struct rig *r, const char *name, const struct pack *p)
{
	uint8_t be[4] = {0, 0, (uint8_t)(p->at >> 8), (uint8_t)p->at};

	cr_assert_eq(p->err, HF_OK);
	append(r, name, be, sizeof(be));
	append(r, name, p->data, p->at);
}

/* Five members of sizes that differ by n, so that frames differ in size. */
static void append_entry(const struct rig *r, unsigned n)
{
	uint8_t frame[4096], filler[256];
	struct pack p;

	memset(filler, (int)n, sizeof(filler));
	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 5);
	pack_bin(&p, filler, 100 + n);
	for (unsigned i = 0; i < 4; i++)
		pack_bin(&p, filler, i * n);
	append_frame(r, "ledger", &p);
}

static struct rig rig_new(unsigned entries)
{
	struct rig r = {"/tmp/hf-archive-XXXXXX"};

	cr_assert_not_null(mkdtemp(r.dir));
	append(&r, "ledger", "", 0);
	for (unsigned n = 1; n <= entries; n++)
		append_entry(&r, n);
	return r;
}

static void rig_remove(const struct rig *r)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", r->dir);
	cr_assert_eq(system(command), 0);
}

static struct archive *open_rig(const struct rig *r)
{
	struct archive *a;

	EXPECT(archive_open(&a, r->dir), HF_OK);
	return a;
}

/* Whole entries at the front, and what came after them. */
static unsigned count_entries(struct archive *a, enum hf_err *end)
{
	struct archive_entry e;
	unsigned n = 0;

	while ((*end = archive_next(a, &e)) == HF_OK) {
		n++;
		cr_assert_eq(e.index, n - 1);
		cr_assert_eq(e.leaf.size, 100 + n);
		cr_assert_eq(e.leaf.data[0], n);
		cr_assert_eq(e.payload.size, 3 * n);
	}
	cr_assert_eq(e.index, n, "the entry that is none is named");
	return n;
}

Test(archive, entries_come_in_order_and_again_from_the_start)
{
	struct rig r = rig_new(7);
	struct archive *a = open_rig(&r);
	enum hf_err end;

	cr_assert_str_eq(archive_dir(a), r.dir);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(count_entries(a, &end), 7);
		EXPECT(end, HF_NOTFOUND);
		EXPECT(archive_rewind(a), HF_OK);
	}
	archive_close(a);
	rig_remove(&r);
}

Test(archive, any_entry_is_read_where_it_stands_without_losing_the_place)
{
	struct rig r = rig_new(9);
	struct archive *a = open_rig(&r);
	struct archive_entry e, at[9];
	uint8_t frame[ARCHIVE_ENTRY_MAX];

	for (unsigned i = 0; i < 9; i++)
		EXPECT(archive_next(a, &at[i]), HF_OK);
	EXPECT(archive_rewind(a), HF_OK);
	EXPECT(archive_next(a, &e), HF_OK);
	for (unsigned i = 9; i-- > 0;) {
		EXPECT(archive_at(a, frame, i, at[i].offset, &e), HF_OK);
		cr_assert_eq(e.index, i);
		cr_assert_eq(e.leaf.data[0], i + 1);
	}
	EXPECT(archive_at(a, frame, 3, at[3].offset + 1, &e), HF_CORRUPT);
	EXPECT(archive_at(a, frame, 3, UINT64_MAX, &e), HF_FILE);
	EXPECT(archive_next(a, &e), HF_OK);
	cr_assert_eq(e.index, 1);
	cr_assert_eq(e.leaf.data[0], 2);
	archive_close(a);
	rig_remove(&r);
}

/* At every byte of the last frame. */
Test(archive, a_torn_last_frame_is_the_end)
{
	for (unsigned cut = 1;; cut++) {
		struct rig r = rig_new(3);
		struct archive *a = open_rig(&r);
		struct archive_entry e;
		char path[256];
		struct stat st;
		enum hf_err end;

		for (unsigned i = 0; i < 3; i++)
			EXPECT(archive_next(a, &e), HF_OK);
		path_of(&r, "ledger", path);
		cr_assert_eq(stat(path, &st), 0);
		if ((uint64_t)st.st_size - cut < e.offset) {
			archive_close(a);
			rig_remove(&r);
			break;
		}
		cr_assert_eq(truncate(path, st.st_size - cut), 0);
		EXPECT(archive_rewind(a), HF_OK);
		cr_assert_eq(count_entries(a, &end), 2);
		EXPECT(end, HF_NOTFOUND);
		archive_close(a);
		rig_remove(&r);
	}
}

Test(archive, a_frame_that_is_none_is_damage)
{
	static const struct {
		const char *what;
		uint8_t bytes[12];
		size_t size;
	} bad[] = {
	    {"of no bytes", {0, 0, 0, 0}, 4},
	    {"oversized", {0, 1, 0, 0}, 4},
	    {"as large as can be said", {255, 255, 255, 255}, 4},
	    {"of four members", {0, 0, 0, 6, 0x94, 0xc4, 0, 0xc4, 0, 0xc4}, 10},
	    {"with bytes behind", {0, 0, 0, 2, 0xc0, 0xc0}, 6},
	    {"one byte too short", {0, 0, 0, 5, 0x95, 0xc4, 1, 7, 0xc4}, 9},
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct rig r = rig_new(2);
		struct archive *a = open_rig(&r);
		enum hf_err end;

		append(&r, "ledger", bad[i].bytes, bad[i].size);
		append_entry(&r, 3);
		cr_assert_eq(count_entries(a, &end), 2, "%s", bad[i].what);
		EXPECT(end, HF_CORRUPT);
		archive_close(a);
		rig_remove(&r);
	}
}

Test(archive, a_member_above_its_limit_is_damage)
{
	static const size_t limits[5] = {HF_LEDGER_LEAF_MAX, HF_CORE_MAX,
	    HF_ENVELOPE_MAX, HF_SIGS_MAX, HF_RECEIPT_MAX};
	static uint8_t frame[16384], filler[8192];

	for (unsigned large = 0; large < 5; large++)
		for (size_t more = 0; more < 2; more++) {
			struct rig r = rig_new(0);
			struct archive *a = open_rig(&r);
			struct archive_entry e;
			struct pack p;

			pack_init(&p, frame, sizeof(frame));
			pack_array(&p, 5);
			for (unsigned i = 0; i < 5; i++)
				pack_bin(&p, filler,
				    i == large ? limits[i] + more : 1);
			append_frame(&r, "ledger", &p);
			EXPECT(archive_next(a, &e), more ? HF_CORRUPT : HF_OK);
			archive_close(a);
			rig_remove(&r);
		}
}

Test(archive, what_is_missing_is_told_apart)
{
	struct rig r = rig_new(1);
	char note[HF_NOTE_MAX + 1], path[256];
	struct archive *a = open_rig(&r);
	struct archive_rows *rows;
	struct roster *roster;

	EXPECT(archive_head(a, note), HF_NOTFOUND);
	EXPECT(archive_receipts_open(a, &rows), HF_NOTFOUND);
	cr_assert_null(rows);
	EXPECT(archive_states_open(a, &rows), HF_NOTFOUND);
	EXPECT(archive_receipts(a, NULL, NULL), HF_NOTFOUND);
	EXPECT(archive_states(a, NULL, NULL), HF_NOTFOUND);
	EXPECT(archive_roster(a, &roster), HF_FILE);
	archive_close(a);
	path_of(&r, "ledger", path);
	cr_assert_eq(unlink(path), 0);
	EXPECT(archive_open(&a, r.dir), HF_FILE);
	cr_assert_null(a);
	cr_assert_eq(rmdir(r.dir), 0);
	EXPECT(archive_open(&a, r.dir), HF_FILE);
}

Test(archive, a_head_is_a_text_of_bounded_size)
{
	struct rig r = rig_new(0);
	char note[HF_NOTE_MAX + 1], text[HF_NOTE_MAX];
	struct archive *a = open_rig(&r);

	memset(text, 'n', sizeof(text));
	append(&r, "head", text, 10);
	EXPECT(archive_head(a, note), HF_OK);
	cr_assert_str_eq(note, "nnnnnnnnnn");
	append(&r, "head", text, HF_NOTE_MAX - 10);
	EXPECT(archive_head(a, note), HF_OK);
	cr_assert_eq(strlen(note), HF_NOTE_MAX);
	append(&r, "head", text, 1);
	EXPECT(archive_head(a, note), HF_CORRUPT);
	archive_close(a);
	rig_remove(&r);
}

/* ---- receipts and states ---- */

static void append_receipt(const struct rig *r, uint8_t n, size_t size)
{
	static uint8_t frame[8192], filler[HF_RECEIPT_MAX + 1];
	struct hf_id act = {{n}};
	struct pack p;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_bin(&p, act.b, sizeof(act.b));
	pack_text(&p, "US");
	pack_bin(&p, filler, size);
	append_frame(r, "receipts", &p);
}

static enum hf_err count_receipt(void *ctx, const struct hf_id *act,
    struct hf_country to, struct hf_bytes receipt)
{
	unsigned *n = ctx;

	cr_assert_eq(act->b[0], ++*n);
	cr_assert_str_eq(to.s, "US");
	cr_assert_eq(receipt.size, 500 + *n);
	return *n == 9 ? HF_BUSY : HF_OK;
}

static enum hf_err count_state(void *ctx, const struct hf_id *case_id,
    unsigned state, const struct hf_hash *digest)
{
	unsigned *n = ctx;

	cr_assert_eq(case_id->b[31], ++*n);
	cr_assert_eq(state, *n + 1);
	cr_assert_eq(digest->b[0], *n + 2);
	return HF_OK;
}

Test(archive, receipts_and_states_come_row_by_row)
{
	struct rig r = rig_new(0);
	struct archive *a = open_rig(&r);
	unsigned n = 0;

	for (uint8_t i = 1; i <= 4; i++)
		append_receipt(&r, i, 500u + i);
	EXPECT(archive_receipts(a, count_receipt, &n), HF_OK);
	cr_assert_eq(n, 4);
	n = 0;
	for (uint8_t i = 5; i <= 12; i++)
		append_receipt(&r, i, 500u + i);
	EXPECT(archive_receipts(a, count_receipt, &n), HF_BUSY);
	append(&r, "receipts", "\0\0", 2);
	n = 0;
	for (uint8_t i = 1; i <= 3; i++) {
		struct hf_id id = {.b[31] = i};
		struct hf_hash digest = {{(uint8_t)(i + 2)}};
		uint8_t frame[128];
		struct pack p;

		pack_init(&p, frame, sizeof(frame));
		pack_array(&p, 3);
		pack_bin(&p, id.b, sizeof(id.b));
		pack_uint(&p, i + 1u);
		pack_bin(&p, digest.b, sizeof(digest.b));
		append_frame(&r, "states", &p);
	}
	EXPECT(archive_states(a, count_state, &n), HF_OK);
	cr_assert_eq(n, 3);
	append(&r, "states", "\0\0\0\4abcd", 8);
	n = 0;
	EXPECT(archive_states(a, count_state, &n), HF_CORRUPT);
	archive_close(a);
	rig_remove(&r);
}

/* ---- documents ---- */

static void pin(const struct rig *r, const struct registry *reg)
{
	struct hf_key root = registry_root(reg);
	char line[HF_KEYLINE_MAX], text[HF_KEYLINE_MAX + 8];

	hf_keyline(line, HF_KEY_ROOT, &root);
	snprintf(text, sizeof(text), "%s %s\n", reg->country.s, line);
	append(r, "pins", text, strlen(text));
}

static struct country_doc *publish(const struct rig *r, struct registry *reg,
    const struct country_doc *previous, uint32_t version)
{
	struct blob b = registry_build(reg, previous, version);
	struct country_doc *d = registry_open(reg, &b);
	char name[48];

	snprintf(
	    name, sizeof(name), "documents/%s.%u", reg->country.s, version);
	append(r, name, b.data, b.size);
	free(b.data);
	return d;
}

Test(archive, the_newest_document_of_each_pinned_country_is_in_force)
{
	struct country_doc *docs[5] = {NULL};
	struct rig r = rig_new(0);
	struct archive *a = open_rig(&r);
	struct registry jp, us;
	struct hf_country c = {"JP"}, other = {"US"};
	struct roster *roster;
	char path[256];

	registry_init(&jp, "JP", 2);
	registry_init(&us, "US", 2);
	registry_fill(&jp);
	registry_fill(&us);
	path_of(&r, "documents", path);
	cr_assert_eq(mkdir(path, 0700), 0);
	pin(&r, &jp);
	docs[0] = publish(&r, &jp, NULL, 1);
	docs[1] = publish(&r, &jp, docs[0], 9);
	registry_officer(&jp, "jp.ncp", false);
	docs[3] = publish(&r, &jp, docs[1], 10);
	docs[2] = publish(&r, &us, NULL, 1);
	append(&r, "documents/JP.010", "not ours", 8);
	append(&r, "documents/README", "nor this", 8);
	EXPECT(archive_roster(a, &roster), HF_OK);
	cr_assert_eq(roster_doc(roster, c)->head.version, 10);
	cr_assert_null(roster_doc(roster, other), "not pinned");
	roster_free(roster);
	docs[4] = publish(&r, &jp, docs[1], 11); /* does not continue 10 */
	EXPECT(archive_roster(a, &roster), HF_DOC_INVALID);
	append(&r, "pins", "JP nothing\n", 11);
	EXPECT(archive_roster(a, &roster), HF_CORRUPT);
	for (unsigned i = 0; i < 5; i++)
		country_doc_free(docs[i]);
	registry_release(&jp);
	registry_release(&us);
	archive_close(a);
	rig_remove(&r);
}
