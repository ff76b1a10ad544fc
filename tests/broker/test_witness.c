/* The witness: each origin forward only, what it cosigned it remembers. */
#include "broker/signer/witness.h"

#include "proto/crypto.h"
#include "proto/merkle.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LEAVES 40u
#define SLOT 512
#define AT 1795651200u

static char dir[] = "/tmp/hf-witness-XXXXXX";
static char path[64];
static struct secret *witness, *log_secret;
static struct hf_hash leaves[LEAVES], others[LEAVES];

static void set_up(void)
{
	cr_assert_eq(hf_crypto_init(), HF_OK);
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/witness.mem", dir);
	witness = secret_new(SECRET_REGISTRAR);
	log_secret = secret_new(SECRET_REGISTRAR);
	cr_assert(witness != NULL && log_secret != NULL);
	for (unsigned i = 0; i < LEAVES; i++) {
		unsigned other = i < 6 ? i : i + 1000;

		leaves[i] = hf_merkle_leaf(&i, sizeof(i));
		others[i] = hf_merkle_leaf(&other, sizeof(other));
	}
}

static void tear_down(void)
{
	secret_free(witness);
	secret_free(log_secret);
	unlink(path);
	rmdir(dir);
}

TestSuite(witness, .init = set_up, .fini = tear_down);

static enum hf_err node_at(
    void *ctx, unsigned level, uint64_t index, struct hf_hash *out)
{
	const struct hf_hash *from = ctx;

	*out = hf_merkle_root(
	    from + (index << level), (size_t)UINT64_C(1) << level);
	return HF_OK;
}

static size_t note_of(char note[HF_NOTE_MAX], const char *origin,
    const struct hf_hash *tree, uint64_t size)
{
	struct hf_hash root = hf_merkle_root(tree, size);
	struct hf_key key = secret_sign_key(log_secret);
	char text[HF_NOTE_MAX];
	struct hf_sig sig;
	size_t n;

	hf_checkpoint_text(text, sizeof(text), origin, size, &root);
	sig = secret_sign(log_secret, text, strlen(text));
	cr_assert_eq(
	    hf_checkpoint_note(note, HF_NOTE_MAX, &n, text, origin, &key, &sig),
	    HF_OK);
	return n;
}

/* Ask for the head of `size` of a tree with the proof from `old`. */
static enum hf_err ask(struct witness_state *w, const char *origin,
    struct hf_hash *tree, uint64_t old, uint64_t size, bool known)
{
	struct hf_nodes nodes = {node_at, tree};
	struct hf_hash proof[2 * HF_TREE_DEPTH_MAX];
	struct hf_key key = secret_sign_key(witness);
	char note[HF_NOTE_MAX], line[HF_COSIGN_LINE_MAX];
	size_t note_size = note_of(note, origin, tree, size), line_size;
	struct witness_ask a = {.origin = origin,
	    .key = secret_sign_key(log_secret),
	    .note = {(const uint8_t *)note, note_size},
	    .old_size = old,
	    .path = proof,
	    .known = known};
	uint64_t seconds;
	enum hf_err err;

	if (old > 0 && old <= size)
		cr_assert_eq(hf_merkle_consistency(
				 &nodes, old, size, proof, &a.path_count),
		    HF_OK);
	err = witness_cosign(w, &a, AT, line, &line_size);
	if (err != HF_OK)
		return err;
	cr_assert_eq(hf_cosign_verify_line(
			 (struct hf_bytes){(const uint8_t *)line, line_size},
			 a.note, "holdfast/US/witness", &key, &seconds),
	    HF_OK);
	cr_assert_eq(seconds, AT);
	cr_assert_eq(witness_size(w, origin), size);
	return HF_OK;
}

static struct witness_state *must_open(void)
{
	struct witness_state *w = NULL;

	cr_assert_eq(
	    witness_open(&w, path, (struct hf_country){"US"}, witness), HF_OK);
	return w;
}

#define JP "holdfast/JP/1"
#define DE "holdfast/DE/1"

Test(witness, cosigns_forward_only_and_each_origin_apart)
{
	struct witness_state *w = must_open();

	cr_assert_eq(ask(w, JP, leaves, 0, 5, false), HF_OK);
	cr_assert_eq(ask(w, JP, leaves, 5, 9, true), HF_OK);
	cr_assert_eq(ask(w, JP, leaves, 9, 9, true), HF_OK, "the same again");
	cr_assert_eq(ask(w, DE, leaves, 0, 7, false), HF_OK);
	cr_assert_eq(ask(w, JP, leaves, 5, 12, true), HF_RANGE);
	cr_assert_eq(ask(w, JP, leaves, 0, 12, true), HF_RANGE);
	cr_assert_eq(ask(w, JP, leaves, 5, 8, true), HF_ROLLBACK, "smaller");
	cr_assert_eq(ask(w, JP, others, 9, 12, true), HF_ROLLBACK, "a fork");
	cr_assert_eq(ask(w, JP, others, 9, 9, true), HF_ROLLBACK, "a fork");
	cr_assert_eq(witness_size(w, JP), 9);
	witness_close(w);
	w = must_open();
	cr_assert_eq(witness_size(w, JP), 9);
	cr_assert_eq(witness_size(w, DE), 7);
	cr_assert_eq(ask(w, JP, leaves, 9, 12, true), HF_OK);
	witness_close(w);
}

Test(witness, takes_no_note_of_another_key)
{
	struct witness_state *w = must_open();
	struct secret *right = log_secret;

	log_secret = secret_new(SECRET_REGISTRAR);
	{
		char note[HF_NOTE_MAX], line[HF_COSIGN_LINE_MAX];
		size_t n = note_of(note, JP, leaves, 5), line_size;
		struct witness_ask a = {.origin = JP,
		    .key = secret_sign_key(right),
		    .note = {(const uint8_t *)note, n}};

		cr_assert_eq(
		    witness_cosign(w, &a, AT, line, &line_size), HF_CHECKPOINT);
	}
	cr_assert_eq(witness_size(w, JP), 0);
	secret_free(right);
	witness_close(w);
}

/* After a restore the old memory is gone, the store knows better. */
Test(witness, that_forgot_does_not_cosign)
{
	struct witness_state *w = must_open();

	cr_assert_eq(ask(w, JP, leaves, 0, 5, false), HF_OK);
	witness_close(w);
	cr_assert_eq(unlink(path), 0);
	w = must_open();
	cr_assert_eq(ask(w, JP, leaves, 0, 9, true), HF_WITNESS_FORGOT);
	cr_assert_eq(ask(w, DE, leaves, 0, 9, false), HF_OK, "a new one");
	witness_close(w);
}

static void damage(unsigned slot)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	cr_assert(fd >= 0);
	cr_assert_eq(pread(fd, &byte, 1, (off_t)slot * SLOT + 60), 1);
	byte ^= 0x20;
	cr_assert_eq(pwrite(fd, &byte, 1, (off_t)slot * SLOT + 60), 1);
	close(fd);
}

Test(witness, with_a_torn_slot_asks_for_a_longer_proof)
{
	struct witness_state *w = must_open();
	unsigned torn;

	cr_assert_eq(ask(w, JP, leaves, 0, 5, false), HF_OK);
	cr_assert_eq(ask(w, JP, leaves, 5, 9, true), HF_OK);
	witness_close(w);
	damage(1); /* slot 0 was written first */
	w = must_open();
	torn = (unsigned)witness_size(w, JP);
	cr_assert(torn == 5);
	cr_assert_eq(ask(w, JP, leaves, 9, 12, true), HF_RANGE);
	cr_assert_eq(ask(w, JP, leaves, 5, 12, true), HF_OK);
	witness_close(w);
	damage(0);
	damage(1);
	w = must_open();
	cr_assert_eq(ask(w, JP, leaves, 0, 12, true), HF_WITNESS_FORGOT);
	/* nobody knows whose it was */
	cr_assert_eq(ask(w, DE, leaves, 0, 12, false), HF_WITNESS_FORGOT);
	witness_close(w);
}

Test(witness, has_room_for_sixty_four)
{
	struct witness_state *w = must_open();
	char origin[24];

	for (unsigned i = 0; i < 65; i++) {
		snprintf(origin, sizeof(origin), "holdfast/JP/%u", i + 1);
		cr_assert_eq(ask(w, origin, leaves, 0, 5, false),
		    i < 64 ? HF_OK : HF_FULL, "%u", i);
	}
	witness_close(w);
}
