/* The signer: it forgets nothing and signs nothing older. */
#include "broker/signer/signer.h"

#include "proto/crypto.h"
#include "proto/ledger.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ORIGIN "holdfast/JP/1"
#define LEAVES 40u
#define SLOT 512

/* Before the C library: the read of this number fails; 0: none. */
static unsigned unread;

ssize_t pread(int fd, void *data, size_t size, off_t at)
{
	if (unread > 0 && --unread == 0) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pread64, fd, data, size, at);
}

static char dir[] = "/tmp/hf-signer-XXXXXX";
static char path[64];
static struct secret *secret;
static struct hf_hash leaves[LEAVES];

static void set_up(void)
{
	cr_assert_eq(hf_crypto_init(), HF_OK);
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/signer.mem", dir);
	secret = secret_new(SECRET_REGISTRAR);
	cr_assert_not_null(secret);
	for (unsigned i = 0; i < LEAVES; i++)
		leaves[i] = hf_merkle_leaf(&i, sizeof(i));
}

static void tear_down(void)
{
	secret_free(secret);
	unlink(path);
	rmdir(dir);
}

TestSuite(signer, .init = set_up, .fini = tear_down);

/* Complete subtrees of `leaves`. */
static enum hf_err node_at(
    void *ctx, unsigned level, uint64_t index, struct hf_hash *out)
{
	const struct hf_hash *from = ctx;

	*out = hf_merkle_root(
	    from + (index << level), (size_t)UINT64_C(1) << level);
	return HF_OK;
}

static struct hf_hash root_of(uint64_t size)
{
	return hf_merkle_root(leaves, size);
}

static enum hf_err sign(struct signer_state *s, uint64_t old_size,
    uint64_t size, const struct hf_hash *root)
{
	struct hf_nodes nodes = {node_at, leaves};
	struct hf_hash proof[2 * HF_TREE_DEPTH_MAX];
	char note[HF_NOTE_MAX];
	struct hf_key key = secret_sign_key(secret);
	struct hf_hash signed_root;
	uint64_t signed_size;
	size_t note_size = 0;
	unsigned count = 0;
	enum hf_err err;

	if (old_size > 0 && old_size <= size && size <= LEAVES)
		cr_assert_eq(hf_merkle_consistency(
				 &nodes, old_size, size, proof, &count),
		    HF_OK);
	err = signer_sign(s, size, root, old_size, proof, count, note,
	    sizeof(note), &note_size);
	if (err != HF_OK)
		return err;
	cr_assert_eq(
	    hf_checkpoint_verify((struct hf_bytes){(uint8_t *)note, note_size},
		ORIGIN, &key, &signed_size, &signed_root),
	    HF_OK);
	cr_assert_eq(signed_size, size);
	cr_assert_arr_eq(&signed_root, root, sizeof(*root));
	return HF_OK;
}

static enum hf_err sign_true(
    struct signer_state *s, uint64_t old_size, uint64_t size)
{
	struct hf_hash root = root_of(size);

	return sign(s, old_size, size, &root);
}

static struct signer_state *must_open(void)
{
	struct signer_state *s = NULL;
	enum hf_err err = signer_open(&s, path, ORIGIN, secret);

	cr_assert_eq(err, HF_OK, "signer_open: %s", hf_err_text(err));
	return s;
}

static uint64_t last_of(const struct signer_state *s)
{
	struct hf_hash root, expected;
	uint64_t size;

	signer_last(s, &size, &root);
	if (size > 0) {
		expected = root_of(size);
		cr_assert_arr_eq(&root, &expected, sizeof(root));
	}
	return size;
}

/* Flip one byte of a slot, as a torn or rotten sector would. */
static void damage(unsigned slot, unsigned at)
{
	int fd = open(path, O_RDWR);
	off_t where = (off_t)slot * SLOT + at;
	uint8_t byte;

	cr_assert_geq(fd, 0);
	cr_assert_eq(pread(fd, &byte, 1, where), 1);
	byte ^= 0x10;
	cr_assert_eq(pwrite(fd, &byte, 1, where), 1);
	close(fd);
}

Test(signer, signs_growing_trees_and_remembers_over_restarts)
{
	static const uint64_t sizes[] = {1, 2, 3, 7, 8, 9, 31, 32, 33, 40};
	uint64_t old_size = 0;
	struct signer_state *s = must_open();
	struct stat st;

	cr_assert_eq(last_of(s), 0);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		cr_assert_eq(
		    sign_true(s, old_size, sizes[i]), HF_OK, "size %u", i);
		cr_assert_eq(last_of(s), sizes[i]);
		signer_close(s);
		s = must_open();
		cr_assert_eq(last_of(s), sizes[i], "after restart %u", i);
		/* the same head again: a note lost in a crash */
		cr_assert_eq(sign_true(s, sizes[i], sizes[i]), HF_OK);
		old_size = sizes[i];
	}
	signer_close(s);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	cr_assert_eq(st.st_size, 2 * SLOT);
}

/* The newer of its two slots may be the one; with the older it would sign
 * another tree of a size that it has signed. */
Test(signer, does_not_start_when_the_disk_does_not_give_its_memory)
{
	struct signer_state *s = must_open();
	enum hf_err err;

	for (uint64_t size = 1; size < 4; size++)
		cr_assert_eq(sign_true(s, size - 1, size), HF_OK);
	signer_close(s);
	for (unsigned i = 1; i <= 2; i++) {
		unread = i;
		err = signer_open(&s, path, ORIGIN, secret);
		cr_expect_eq(unread, 0);
		cr_expect_eq(err, HF_FILE, "read %u: %s", i, hf_err_text(err));
	}
	s = must_open();
	cr_expect_eq(last_of(s), 3);
	signer_close(s);
}

Test(signer, refuses_every_smaller_and_every_other_tree)
{
	struct signer_state *s = must_open();
	struct hf_hash other;

	cr_assert_eq(sign_true(s, 0, 10), HF_OK);
	cr_assert_eq(sign_true(s, 0, 0), HF_RANGE);
	cr_assert_eq(sign(s, 10, UINT64_MAX, &leaves[0]), HF_RANGE);
	for (uint64_t size = 1; size < 10; size++)
		for (uint64_t old_size = 0; old_size <= 10; old_size++)
			cr_assert_eq(sign_true(s, old_size, size), HF_ROLLBACK,
			    "size %d from %d", (int)size, (int)old_size);
	/* the same size, another history */
	other = root_of(11);
	cr_assert_eq(sign(s, 10, 10, &other), HF_ROLLBACK);
	/* larger, with a proof of something else */
	leaves[3].b[0] ^= 1;
	for (uint64_t size = 11; size <= LEAVES; size++)
		cr_assert_eq(
		    sign_true(s, 10, size), HF_ROLLBACK, "size %d", (int)size);
	leaves[3].b[0] ^= 1;
	/* proofs that do not start where the signer stands */
	for (uint64_t old_size = 0; old_size < 10; old_size++)
		cr_assert_eq(sign_true(s, old_size, 12), HF_ROLLBACK);
	cr_assert_eq(last_of(s), 10);
	/* and still signs the true one */
	cr_assert_eq(sign_true(s, 10, 12), HF_OK);
	signer_close(s);
}

Test(signer, survives_any_one_damaged_slot)
{
	/* of a slot, the first 128 bytes mean something */
	static const unsigned offsets[] = {
	    0, 7, 8, 15, 16, 23, 24, 55, 56, 63, 64, 95, 96, 127};

	for (unsigned slot = 0; slot < 2; slot++)
		for (unsigned i = 0; i < sizeof(offsets) / sizeof(*offsets);
		     i++) {
			struct signer_state *s = must_open();
			uint64_t size;

			cr_assert_eq(sign_true(s, 0, 4), HF_OK);
			cr_assert_eq(sign_true(s, 4, 9), HF_OK);
			signer_close(s);
			damage(slot, offsets[i]);
			s = must_open();
			/* slot 0 was written first: 4; slot 1 holds 9 */
			size = last_of(s);
			cr_assert_eq(size, slot == 0 ? 9 : 4, "slot %u at %u",
			    slot, offsets[i]);
			cr_assert_eq(sign_true(s, size, 12), HF_OK);
			cr_assert_eq(sign_true(s, 12, 11), HF_ROLLBACK);
			signer_close(s);
			s = must_open();
			cr_assert_eq(last_of(s), 12);
			signer_close(s);
			cr_assert_eq(unlink(path), 0);
		}
}

Test(signer, refuses_to_forget_when_both_slots_are_damaged)
{
	struct signer_state *s = must_open();

	cr_assert_eq(sign_true(s, 0, 4), HF_OK);
	signer_close(s);
	damage(0, 20);
	damage(1, 20);
	cr_assert_eq(signer_open(&s, path, ORIGIN, secret), HF_CORRUPT);
	/* nor when the file was cut short */
	for (int size = 0; size < SLOT; size += 73) {
		cr_assert_eq(truncate(path, size), 0);
		cr_assert_eq(signer_open(&s, path, ORIGIN, secret), HF_CORRUPT,
		    "cut to %d", size);
		cr_assert_null(s);
	}
}

Test(signer, tells_a_missing_directory)
{
	struct signer_state *s = NULL;

	cr_assert_eq(
	    signer_open(&s, "/nowhere/at/all", ORIGIN, secret), HF_FILE);
	cr_assert_null(s);
}
