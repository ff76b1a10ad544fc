#include "proto/crypto.h"
#include "proto/seal.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

struct box {
	struct hf_recipient to[HF_RECIPIENT_MAX];
	uint8_t secret[HF_RECIPIENT_MAX][HF_KEY_SIZE];
	struct hf_key author;
	struct hf_hash envelope;
	struct hf_seal_chance chance;
	uint8_t out[HF_BODY_MAX];
	size_t size;
};

static void setup(struct box *b)
{
	static const char *const desks[] = {
	    "jp.ncp", "us.ncp", "us.isp1", "de.ncp"};

	cr_assert_eq(hf_crypto_init(), HF_OK);
	memset(b, 0, sizeof(*b));
	for (unsigned i = 0; i < HF_RECIPIENT_MAX; i++) {
		memset(b->secret[i], (int)i + 1, HF_KEY_SIZE);
		crypto_scalarmult_base(b->to[i].key.b, b->secret[i]);
		memcpy(b->to[i].desk.s, desks[i], strlen(desks[i]));
		b->to[i].epoch = i + 1;
	}
	memset(&b->author, 7, sizeof(b->author));
	memset(&b->envelope, 8, sizeof(b->envelope));
	memset(&b->chance, 9, sizeof(b->chance));
	for (unsigned i = 0; i < HF_RECIPIENT_MAX; i++)
		b->chance.ephemeral[i][0] = (uint8_t)i;
}

static enum hf_err seal(
    struct box *b, const void *plain, size_t size, unsigned count)
{
	return hf_body_seal(plain, size, b->to, count, &b->author, &b->envelope,
	    &b->chance, b->out, sizeof(b->out), &b->size);
}

static enum hf_err open_as(struct box *b, unsigned who,
    const struct hf_key *author, const struct hf_hash *envelope, uint8_t *plain,
    size_t *size)
{
	struct hf_body body;
	uint8_t key[HF_KEY_SIZE];
	enum hf_err err = hf_body_decode(&body, b->out, b->size);

	for (unsigned i = 0; err == HF_OK && i < body.recipient_count; i++)
		if (hf_box_open(key, body.recipients[i].sealed, &b->to[who].key,
			b->secret[who]) == HF_OK)
			return hf_body_open(
			    &body, key, author, envelope, plain, size);
	return err == HF_OK ? HF_SEALING_KEY : err;
}

Test(seal, opens_for_both_desks_and_for_nobody_else)
{
	static struct box b;
	static uint8_t plain[HF_BODY_MAX];
	size_t size;

	setup(&b);
	cr_assert_eq(seal(&b, "what was said", 13, 2), HF_OK);
	for (unsigned who = 0; who < 2; who++) {
		cr_assert_eq(
		    open_as(&b, who, &b.author, &b.envelope, plain, &size),
		    HF_OK);
		cr_expect_eq(size, 13);
		cr_expect_arr_eq(plain, "what was said", 13);
	}
	cr_expect_eq(open_as(&b, 2, &b.author, &b.envelope, plain, &size),
	    HF_SEALING_KEY);
}

Test(seal, binds_author_and_envelope)
{
	static struct box b;
	static uint8_t plain[HF_BODY_MAX];
	struct hf_key author;
	struct hf_hash envelope;
	size_t size;

	setup(&b);
	cr_assert_eq(seal(&b, "x", 1, 1), HF_OK);
	author = b.author;
	envelope = b.envelope;
	author.b[31] ^= 1;
	envelope.b[0] ^= 1;
	cr_expect_eq(
	    open_as(&b, 0, &author, &b.envelope, plain, &size), HF_OPEN);
	cr_expect_eq(
	    open_as(&b, 0, &b.author, &envelope, plain, &size), HF_OPEN);
}

Test(seal, only_bucket_sizes_occur)
{
	static struct box b;
	static uint8_t plain[HF_BODY_MAX], back[HF_BODY_MAX];
	size_t size, last = 0;
	unsigned buckets = 0;

	setup(&b);
	memset(plain, 0, sizeof(plain)); /* the hardest to unpad */
	for (size_t n = 0; n < 44000; n += n < 4000 ? 1 : 997) {
		cr_assert_eq(seal(&b, plain, n, 2), HF_OK, "%zu", n);
		cr_assert_eq(hf_body_bucket(b.size), b.size, "%zu", n);
		cr_assert(b.size == 640 || b.size == 1280 || b.size == 1900 ||
			      b.size == 3900 || (b.size + 200) % 4096 == 0,
		    "%zu bytes became %zu", n, b.size);
		cr_assert_eq(
		    open_as(&b, 1, &b.author, &b.envelope, back, &size), HF_OK);
		cr_assert_eq(size, n);
		buckets += b.size != last;
		last = b.size;
	}
	cr_expect_geq(buckets, 12);
	cr_expect_eq(hf_body_bucket(HF_BODY_MAX + 1), 0);
	cr_expect_eq(seal(&b, plain, HF_BODY_MAX, 2), HF_TOO_BIG);
	cr_expect_eq(seal(&b, plain, 1, 0), HF_RANGE);
	cr_expect_eq(seal(&b, plain, 1, HF_RECIPIENT_MAX + 1), HF_RANGE);
}

Test(seal, every_changed_bit_and_every_cut_is_refused)
{
	static struct box b;
	static uint8_t plain[HF_BODY_MAX];
	struct hf_body body;
	uint8_t key[HF_KEY_SIZE];
	size_t size;

	setup(&b);
	cr_assert_eq(seal(&b, "twelve bytes", 12, 1), HF_OK);
	for (size_t i = 0; i < b.size; i++) {
		bool opened;

		b.out[i] ^= 4;
		/* the desk's name and epoch only say whose key to try */
		opened = open_as(&b, 0, &b.author, &b.envelope, plain, &size) ==
			 HF_OK;
		cr_expect(!opened || i < 16, "byte %zu", i);
		b.out[i] ^= 4;
		cr_expect_neq(hf_body_decode(&body, b.out, i), HF_OK);
	}
	/* a key of the sealer's that opens to no padding at all */
	memcpy(key, b.chance.key, sizeof(key));
	cr_assert_eq(hf_body_decode(&body, b.out, b.size), HF_OK);
	cr_expect_eq(
	    hf_body_open(&body, key, &b.author, &b.envelope, plain, &size),
	    HF_OK);
}

Test(seal, the_least_body_is_sealed_to_as_many_desks_as_may_be)
{
	static struct box b;
	uint8_t back[HF_BODY_MAX];
	size_t size;

	setup(&b);
	for (unsigned count = 1; count <= HF_RECIPIENT_MAX; count++)
		for (size_t n = 0; n < 700; n++) {
			cr_assert_eq(seal(&b, "abc", n < 3 ? n : 3, count),
			    HF_OK, "%u", count);
			cr_assert_eq(hf_body_bucket(b.size), b.size);
			cr_assert_eq(open_as(&b, count - 1, &b.author,
					 &b.envelope, back, &size),
			    HF_OK);
			cr_assert_eq(size, n < 3 ? n : 3);
			if (n >= 3)
				break;
		}
}

Test(seal, says_when_it_cannot)
{
	static struct box b;

	setup(&b);
	for (size_t capacity = 0; capacity < 640; capacity += 37)
		cr_expect_eq(
		    hf_body_seal((const uint8_t *)"abc", 3, b.to, 2, &b.author,
			&b.envelope, &b.chance, b.out, capacity, &b.size),
		    HF_TOO_BIG, "%zu", capacity);
	memset(&b.to[1].key, 0, sizeof(b.to[1].key)); /* of a small order */
	cr_expect_eq(seal(&b, "abc", 3, 2), HF_RANGE);
}

/* Only a size of the list is taken, and only one way of filling it. */
Test(seal, takes_no_other_padding)
{
	static const struct {
		const char *what;
		uint8_t plain[3], size;
		enum hf_err err;
	} rows[] = {{"ours", {1, 0x80, 0}, 3, HF_OK},
	    {"nothing but zeros", {0, 0, 0}, 3, HF_PADDING},
	    {"no mark", {1, 2, 0}, 3, HF_PADDING},
	    {"the mark alone", {0x80, 0, 0}, 3, HF_OK}};
	static struct box b;
	struct hf_body body;
	uint8_t box[3 + HF_TAG_SIZE], ad[128], out[16];
	size_t n = sizeof("holdfast/1/body"), size;

	setup(&b);
	memcpy(ad, "holdfast/1/body", n);
	memcpy(ad + n, b.author.b, HF_KEY_SIZE);
	memcpy(ad + n + HF_KEY_SIZE, b.envelope.b, HF_HASH_SIZE);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		hf_aead_seal(box, rows[i].plain, rows[i].size,
		    (struct hf_bytes){ad, n + HF_KEY_SIZE + HF_HASH_SIZE},
		    b.chance.nonce, b.chance.key);
		body = (struct hf_body){
		    .nonce = b.chance.nonce, .box = {box, sizeof(box)}};
		cr_expect_eq(hf_body_open(&body, b.chance.key, &b.author,
				 &b.envelope, out, &size),
		    rows[i].err, "%s", rows[i].what);
	}
	cr_assert_eq(seal(&b, "abc", 3, 1), HF_OK);
	/* one byte less in the box: its head is told so, too */
	for (size_t at = 0; at + 2 < b.size; at++) {
		size_t size_there = (size_t)b.out[at + 1] << 8 | b.out[at + 2];

		if (b.out[at] != 0xc5 || at + 3 + size_there != b.size)
			continue;
		b.out[at + 2]--;
		break;
	}
	cr_expect_eq(hf_body_decode(&body, b.out, b.size - 1), HF_PADDING);
}
