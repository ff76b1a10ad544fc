/*
 * Attacks on an archive: every single bit of a ledger of 1 MiB, and changes
 * of its structure; each is found, and the entry is named.  `make check` takes
 * a sample, `make attacks` the whole:
 *
 *   HF_ATTACK_FLIPS    bits of the ledger, one by one, or "all"
 *   HF_ATTACK_SAMPLES  random bits of all files, by the whole audit verify
 *   HF_ATTACK_COUNT    changes of structure
 *   HF_ATTACK_SEED     the seed, which each run prints
 *
 * The fast path reads and judges the one entry that a bit stands in, by the
 * program's own reader and judge, in the judge's state at that entry.  That is
 * enough: an entry's leaf is compared with the hashes that lead to the signed
 * root, which the whole audit verified over the true ledger before.
 */
#include "tests/client/ledger_rig.h"

#include "proto/crypto.h"
#include "proto/merkle.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

TestSuite(attack, .timeout = 14400);

#define LEDGER_SIZE (1u << 20)
#define ENTRIES_MAX 4096u

static uint64_t seed, state;

static void begin(void)
{
	const char *given = getenv("HF_ATTACK_SEED");

	seed = given != NULL ? strtoull(given, NULL, 10)
			     : (uint64_t)time(NULL) * 1000003u;
	state = seed | 1;
	fprintf(
	    stderr, "attack: HF_ATTACK_SEED=%llu\n", (unsigned long long)seed);
}

/* xorshift64* */
static uint64_t draw(uint64_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * UINT64_C(2685821657736338717) >> 11) % below;
}

static uint64_t how_many(const char *name, uint64_t otherwise)
{
	const char *given = getenv(name);

	if (given == NULL)
		return getenv("HF_ASAN") != NULL ? otherwise / 8 : otherwise;
	return strcmp(given, "all") == 0 ? UINT64_MAX
					 : strtoull(given, NULL, 10);
}

/* ---- a ledger of 1 MiB ---- */

static void path_of(char out[160], const struct ledger_rig *r, const char *name)
{
	snprintf(out, 160, "%s/%s", r->dir, name);
}

static void put(
    const struct ledger_rig *r, const char *name, const void *data, size_t size)
{
	char path[160];
	FILE *f;

	path_of(path, r, name);
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(data, 1, size, f), size);
	cr_assert_eq(fclose(f), 0);
}

static size_t take_rows(struct ledger_rig *r, FILE *f)
{
	size_t size = 0;

	for (unsigned i = 0; i < r->ledger.count; i++) {
		const struct rig_frame *row = &r->ledger.row[i];

		cr_assert_eq(fwrite(row->bytes, 1, row->size, f), row->size);
		size += row->size;
	}
	r->ledger.count = 0;
	return size;
}

/* Mostly acts; each 16th is from abroad with its receipt, each 16th a
 * statement.  The last is padded by its text, to the byte. */
static void fill_ledger(struct ledger_rig *r, FILE *f)
{
	static const uint8_t text[512] = "x";
	struct hf_statement s = {.type = HF_ENTRY_CLOCK};
	size_t size = take_rows(r, f), first;

	for (unsigned n = 0; size < LEDGER_SIZE - 3000; n++) {
		r->act_count[0] = 2;
		r->act_count[1] = 1;
		if (n % 16 == 3) {
			r->act_count[1] = 0;
			rig_acknowledge(r);
		} else if (n % 16 == 9) {
			rig_statement(r, &s);
		} else {
			rig_note(r, r->second);
		}
		size += take_rows(r, f);
	}
	s.detail = (struct hf_bytes){text, 300};
	while (LEDGER_SIZE - size > 1500) {
		rig_statement(r, &s);
		size += take_rows(r, f);
	}
	/* two more, of which the second takes what is left */
	rig_statement(r, &s);
	first = take_rows(r, f);
	size += first;
	while (size < LEDGER_SIZE) {
		size_t rest = LEDGER_SIZE - size, frame = first - 300;

		s.detail.size = rest - frame > 700 ? 300 : rest - frame;
		rig_statement(r, &s);
		size += take_rows(r, f);
	}
	cr_assert_eq(size, LEDGER_SIZE);
}

struct target {
	struct ledger_rig *rig;
	unsigned count;
	struct hf_hash hashes[ENTRIES_MAX];
	uint64_t offsets[ENTRIES_MAX + 1];
};

static void hash_ledger(struct target *t)
{
	struct archive_entry e;
	struct archive *a;
	enum hf_err err;

	cr_assert_eq(archive_open(&a, t->rig->dir), HF_OK);
	while ((err = archive_next(a, &e)) == HF_OK) {
		cr_assert_lt(t->count, ENTRIES_MAX);
		t->offsets[t->count] = e.offset;
		t->hashes[t->count++] =
		    hf_merkle_leaf(e.leaf.data, e.leaf.size);
	}
	cr_assert_eq(err, HF_NOTFOUND);
	t->offsets[t->count] = LEDGER_SIZE;
	archive_close(a);
}

static struct target *big_ledger(void)
{
	struct target *t = calloc(1, sizeof(*t));
	struct rig_verdict v;
	struct hf_hash root;
	char path[160];
	FILE *f;

	cr_assert_not_null(t);
	t->rig = ledger_rig_new();
	rig_write(t->rig);
	path_of(path, t->rig, "ledger");
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	fill_ledger(t->rig, f);
	cr_assert_eq(fclose(f), 0);
	hash_ledger(t);
	root = hf_merkle_root(t->hashes, t->count);
	rig_head(t->rig, "holdfast/JP/1", t->rig->jp_broker, t->count, &root);
	rig_cosign(t->rig, "JP", t->rig->jp_witness, 0);
	rig_cosign(t->rig, "US", t->rig->us_witness, 0);
	put(t->rig, "hashes", t->hashes, t->count * sizeof(t->hashes[0]));
	put(t->rig, "head", t->rig->head, strlen(t->rig->head));
	v = rig_verify(t->rig, false);
	cr_assert_eq(v.err, HF_OK);
	cr_assert_eq(v.found, 0, "%s", v.text);
	cr_assert_eq(v.entries, t->count);
	return t;
}

static void target_free(struct target *t)
{
	rig_free(t->rig);
	free(t);
}

/* ---- bits, the fast way ---- */

/* What the audit's pass does with this entry.  Opened anew: a stream would
 * show what it read before. */
static bool entry_is_found(
    struct judge *j, struct judged *d, const struct target *t, unsigned i)
{
	uint8_t frame[ARCHIVE_ENTRY_MAX];
	struct archive_entry e;
	struct hf_hash hash;
	struct archive *a;
	bool found = true;

	cr_assert_eq(archive_open(&a, t->rig->dir), HF_OK);
	if (archive_at(a, frame, i, t->offsets[i], &e) == HF_OK) {
		hash = hf_merkle_leaf(e.leaf.data, e.leaf.size);
		found = memcmp(&hash, &t->hashes[i], sizeof(hash)) != 0;
		if (!found) {
			cr_assert_eq(judge_entry(j, &e, d), HF_OK);
			found = d->problem[0] != '\0';
		}
	}
	archive_close(a);
	return found;
}

static void flip(int fd, uint64_t bit, uint8_t byte)
{
	uint8_t changed = (uint8_t)(byte ^ 1u << bit % 8);

	cr_assert_eq(pwrite(fd, &changed, 1, (off_t)(bit / 8)), 1);
}

static uint64_t flip_entry(struct judge *j, struct judged *d,
    const struct target *t, unsigned i, int fd, uint64_t stride)
{
	uint64_t end = t->offsets[i + 1] * 8, n = 0;

	for (uint64_t bit = t->offsets[i] * 8 + draw(stride); bit < end;
	     bit += 1 + (stride > 1 ? draw(2 * stride - 1) : 0), n++) {
		uint8_t byte;

		cr_assert_eq(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
		flip(fd, bit, byte);
		cr_assert(entry_is_found(j, d, t, i),
		    "bit %llu of the ledger, entry %u: nothing; "
		    "HF_ATTACK_SEED=%llu",
		    (unsigned long long)bit, i, (unsigned long long)seed);
		cr_assert_eq(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
	}
	cr_assert_not(entry_is_found(j, d, t, i), "entry %u, unchanged: %s", i,
	    d->problem);
	return n;
}

Test(attack, every_flipped_bit_of_the_ledger_is_found)
{
	static const struct out quiet = {.quiet = true, .mode = OUT_JSON};
	uint64_t wanted = how_many("HF_ATTACK_FLIPS", 1u << 17), flips = 0;
	uint64_t stride =
	    wanted >= 8 * LEDGER_SIZE ? 1 : 8 * LEDGER_SIZE / wanted;
	struct judged *d = calloc(1, sizeof(*d));
	struct target *t;
	struct judge_base base;
	struct judge *j;
	struct audit a;
	const char *what;
	char path[160], note[HF_NOTE_MAX + 1];
	int fd;

	begin();
	t = big_ledger();
	cr_assert_eq(audit_open(&a, &quiet, t->rig->dir, &what), HF_OK);
	cr_assert_eq(archive_head(a.archive, note), HF_OK);
	cr_assert_eq(judge_head_read(&a.head, note, a.roster), HF_OK);
	base = (struct judge_base){a.roster, a.witnesses};
	cr_assert_eq(judge_new(&j, a.archive, &base, &a.head), HF_OK);
	path_of(path, t->rig, "ledger");
	fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	for (unsigned i = 0; i < t->count; i++)
		flips += flip_entry(j, d, t, i, fd, stride);
	if (stride == 1)
		cr_assert_eq(flips, 8 * LEDGER_SIZE);
	fprintf(stderr, "attack: %llu bits of %u, %u entries, all found\n",
	    (unsigned long long)flips, 8 * LEDGER_SIZE, t->count);
	close(fd);
	judge_free(j);
	audit_close(&a);
	free(d);
	target_free(t);
}

/* ---- bits, the whole way ---- */

/* `hashes` proves nothing and so cannot be wrong; nothing here folds the
 * states. */
Test(attack, a_flipped_bit_of_any_file_is_found_by_the_whole_audit)
{
	static const char *const names[] = {"ledger", "ledger", "head",
	    "receipts", "documents/JP.1", "documents/JP.2", "documents/US.1",
	    "pins"};
	uint64_t samples = how_many("HF_ATTACK_SAMPLES", 24);
	struct target *t;

	begin();
	t = big_ledger();
	for (uint64_t n = 0; n < samples; n++) {
		const char *name = names[n % (sizeof(names) / sizeof(*names))];
		struct rig_verdict v;
		struct stat st;
		char path[160];
		uint64_t bit;
		uint8_t byte;
		int fd;

		path_of(path, t->rig, name);
		cr_assert_eq(stat(path, &st), 0);
		/* of a row's size: a torn row is an interrupted fetch */
		bit = strcmp(name, "receipts") == 0
			  ? 32 + draw(8 * (uint64_t)st.st_size - 32)
			  : draw(8 * (uint64_t)st.st_size);
		fd = open(path, O_RDWR | O_CLOEXEC);
		cr_assert_geq(fd, 0);
		cr_assert_eq(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
		flip(fd, bit, byte);
		v = rig_verify(t->rig, false);
		cr_assert(v.err != HF_OK || v.found > 0,
		    "bit %llu of %s: nothing; HF_ATTACK_SEED=%llu",
		    (unsigned long long)bit, name, (unsigned long long)seed);
		if (strcmp(name, "ledger") == 0)
			cr_assert(v.first < t->count &&
				      t->offsets[v.first] <= bit / 8 &&
				      bit / 8 < t->offsets[v.first + 1],
			    "bit %llu of the ledger: %s; HF_ATTACK_SEED=%llu",
			    (unsigned long long)bit, v.text,
			    (unsigned long long)seed);
		cr_assert_eq(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
		close(fd);
	}
	cr_assert_eq(rig_verify(t->rig, false).found, 0);
	fprintf(stderr, "attack: %llu bits of any file, all found\n",
	    (unsigned long long)samples);
	target_free(t);
}

/* ---- structure ---- */

struct attack {
	const char *name;
	/* change *r; returns the entry to be named */
	uint64_t (*make)(struct ledger_rig *r, const struct ledger_rig *other);
};

static uint64_t drop(struct ledger_rig *r, const struct ledger_rig *other)
{
	unsigned at = (unsigned)draw(RIG_COUNT);

	(void)other;
	rig_remove(&r->ledger, at);
	return at;
}

static uint64_t insert(struct ledger_rig *r, const struct ledger_rig *other)
{
	unsigned at = (unsigned)draw(RIG_COUNT), of;

	(void)other;
	do
		of = (unsigned)draw(RIG_COUNT);
	while (of == at);
	rig_insert(&r->ledger, at, &r->ledger.row[of]);
	return at;
}

static uint64_t swap(struct ledger_rig *r, const struct ledger_rig *other)
{
	unsigned x = (unsigned)draw(RIG_COUNT), y;
	struct rig_frame row = r->ledger.row[x];

	(void)other;
	do
		y = (unsigned)draw(RIG_COUNT);
	while (y == x);
	r->ledger.row[x] = r->ledger.row[y];
	r->ledger.row[y] = row;
	return x < y ? x : y;
}

/* Anywhere, within a frame too. */
static uint64_t truncated(struct ledger_rig *r, const struct ledger_rig *other)
{
	unsigned at = (unsigned)draw(RIG_COUNT);

	(void)other;
	r->ledger.count = at + 1;
	r->ledger.row[at].size = draw(r->ledger.row[at].size);
	return at;
}

/* Two entries of one index, the later ones in their places. */
static uint64_t duplicate(struct ledger_rig *r, const struct ledger_rig *other)
{
	unsigned at = (unsigned)draw(RIG_COUNT - 1);

	(void)other;
	r->ledger.row[at + 1] = r->ledger.row[at];
	return at + 1;
}

/* Another history from one entry on, under the head that witnesses saw. */
static uint64_t fork_at(struct ledger_rig *r, const struct ledger_rig *other)
{
	static const struct hf_statement s = {.type = HF_ENTRY_CLOCK};
	unsigned at = RIG_STOP - (unsigned)draw(2);

	(void)other;
	r->ledger.count = at;
	r->now.ms += draw(1000);
	while (r->ledger.count < RIG_COUNT)
		rig_statement(r, &s);
	return at;
}

/* The newest head, an older ledger. */
static uint64_t rollback(struct ledger_rig *r, const struct ledger_rig *other)
{
	(void)other;
	r->ledger.count = (unsigned)draw(RIG_COUNT);
	r->hash_count = r->ledger.count;
	r->has_hashes = draw(2) == 0;
	return r->ledger.count;
}

static uint64_t origin(struct ledger_rig *r, const struct ledger_rig *other)
{
	static const char *const names[] = {"holdfast/JP/2", "holdfast/DE/1",
	    "holdfast/jp/1", "elsewhere/JP/1", "holdfast/JP/01"};
	struct hf_hash root = rig_root(r);

	(void)other;
	rig_head(r, names[draw(5)], r->jp_broker, RIG_COUNT, &root);
	return AUDIT_NO_ENTRY;
}

static uint64_t wrong_key(struct ledger_rig *r, const struct ledger_rig *other)
{
	const struct secret *keys[] = {
	    r->us_broker, r->first, r->jp_witness, other->jp_broker};
	struct hf_hash root = rig_root(r);

	rig_head(r, "holdfast/JP/1", keys[draw(4)], RIG_COUNT, &root);
	return AUDIT_NO_ENTRY;
}

static uint64_t cosigner(struct ledger_rig *r, const struct ledger_rig *other)
{
	switch (draw(3)) {
	case 0: /* before the document, and long before the entries */
		rig_cosign(
		    r, "US", r->us_witness, NOW - 301000 - draw(NOW / 2));
		break;
	case 1:
		rig_cosign(r, "US", other->us_witness, 0);
		break;
	default: /* under another's name */
		rig_cosign(r, "US", r->jp_witness, 0);
	}
	return RIG_STOP;
}

/* A true receipt, of another leaf. */
static uint64_t proof(struct ledger_rig *r, const struct ledger_rig *other)
{
	struct rig_frame *row = &r->receipts.row[0];
	const struct rig_frame *theirs = &other->receipts.row[0];
	size_t head = 4 + 1 + 2 + HF_ID_SIZE; /* size, array, act id */

	memcpy(row->bytes + head, theirs->bytes + head, theirs->size - head);
	memcpy(row->bytes, theirs->bytes, 4);
	row->size = theirs->size;
	return RIG_REQUEST;
}

static uint64_t elsewhere(struct ledger_rig *r, const struct ledger_rig *other)
{
	unsigned at = (unsigned)draw(RIG_COUNT);

	if (at == RIG_START || at == RIG_STOP) /* alike in every ledger */
		at = RIG_REQUEST;
	r->ledger.row[at] = other->ledger.row[at];
	return at;
}

/* The leaf of one entry over the parts of another. */
static uint64_t graft(struct ledger_rig *r, const struct ledger_rig *other)
{
	unsigned x = (unsigned)draw(RIG_COUNT), y;

	(void)other;
	do
		y = (unsigned)draw(RIG_COUNT);
	while (y == x);
	rig_graft(r, x, y);
	return x;
}

static const struct attack attacks[] = {{"drop", drop}, {"insert", insert},
    {"swap", swap}, {"truncate", truncated}, {"duplicate index", duplicate},
    {"fork", fork_at}, {"rollback", rollback}, {"wrong origin", origin},
    {"wrong key", wrong_key}, {"cosignature", cosigner},
    {"proof for another leaf", proof}, {"entry of another ledger", elsewhere},
    {"graft", graft}};

Test(attack, every_change_of_structure_is_found_and_named)
{
	uint64_t count = how_many("HF_ATTACK_COUNT", 780);
	struct ledger_rig *truth = ledger_rig_new(), *other = ledger_rig_new();
	struct ledger_rig *r = malloc(sizeof(*r));
	unsigned kinds = sizeof(attacks) / sizeof(*attacks);
	struct rig_verdict v;

	cr_assert_not_null(r);
	begin();
	rig_cosign(truth, "JP", truth->jp_witness, 0);
	rig_write(truth);
	cr_assert_eq(rig_verify(truth, true).found, 0);
	for (uint64_t n = 0; n < count; n++) {
		const struct attack *a = &attacks[n % kinds];
		uint64_t entry;

		*r = *truth;
		entry = a->make(r, other);
		rig_write(r);
		v = rig_verify(r, true);
		cr_assert_eq(
		    v.err, HF_OK, "%s: %s", a->name, hf_err_text(v.err));
		cr_assert(v.found > 0 && v.first == entry,
		    "attack %llu, %s: %s, not entry %llu; HF_ATTACK_SEED=%llu",
		    (unsigned long long)n, a->name,
		    v.found > 0 ? v.text : "nothing", (unsigned long long)entry,
		    (unsigned long long)seed);
	}
	fprintf(stderr, "attack: %llu changes of structure, all found\n",
	    (unsigned long long)count);
	free(r);
	rig_free(other);
	rig_free(truth);
}
