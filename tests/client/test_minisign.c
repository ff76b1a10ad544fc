/*
 * minisign: the format, and that no bit of it may be another.  That the
 * program of that name accepts it is tested with real processes.
 */
#include "client/minisign.h"
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct signer *signer;
static const struct hf_bytes file = {(const uint8_t *)"a manifest\n", 11};
static char text[MINISIGN_TEXT_MAX];
static size_t size;

static void set_up(void)
{
	cr_assert_eq(hf_crypto_init(), HF_OK);
	cr_assert_eq(
	    signer_from_secret(&signer, secret_new(SECRET_OFFICER)), HF_OK);
	cr_assert_eq(
	    minisign_sign(text, &size, signer, file, "case X, jp.ncp"), HF_OK);
}

static void tear_down(void)
{
	signer_free(signer);
}

TestSuite(minisign, .init = set_up, .fini = tear_down);

static enum hf_err verify(const char *signature, size_t n)
{
	char said[FILE_COMMENT_MAX + 1];

	return minisign_verify(&signer->sign_key, file,
	    (struct hf_bytes){(const uint8_t *)signature, n}, said);
}

Test(minisign, verifies_what_it_signed)
{
	struct hf_bytes other = {(const uint8_t *)"a manifesT\n", 11};
	char said[FILE_COMMENT_MAX + 1];
	struct hf_bytes s = {(const uint8_t *)text, size};
	struct hf_key key = signer->sign_key;

	cr_expect_eq(strlen(text), size);
	cr_assert_eq(minisign_verify(&key, file, s, said), HF_OK);
	cr_expect_str_eq(said, "case X, jp.ncp");
	cr_expect_eq(minisign_verify(&key, other, s, said), HF_SIGNATURE);
	key.b[0] ^= 1;
	cr_expect_eq(minisign_verify(&key, file, s, said), HF_SIGNATURE);
}

/* Four lines, base64 of algorithm `ED`, key id, signature; as minisign(1). */
Test(minisign, has_the_lines_of_minisign)
{
	char *line[5], *rest = NULL;
	uint8_t blob[74], digest[HF_BLAKE2B_SIZE];
	struct hf_sig sig;
	size_t n;

	line[0] = strtok_r(text, "\n", &rest);
	for (unsigned i = 1; i < 5; i++)
		line[i] = strtok_r(NULL, "\n", &rest);
	cr_assert_null(line[4]);
	cr_expect(strncmp(line[0], "untrusted comment: ", 19) == 0);
	cr_assert_eq(
	    hf_base64_read(blob, sizeof(blob), &n, line[1], strlen(line[1])),
	    HF_OK);
	cr_assert_eq(n, 74);
	cr_expect_arr_eq(blob, "ED", 2);
	hf_blake2b(digest, file.data, file.size);
	memcpy(sig.b, blob + 10, sizeof(sig));
	cr_expect_eq(
	    hf_verify(&signer->sign_key, &sig, digest, sizeof(digest)), HF_OK);
	cr_expect_str_eq(line[2], "trusted comment: case X, jp.ncp");
}

Test(minisign, every_bit_of_a_signature_counts)
{
	char other[MINISIGN_TEXT_MAX];

	for (size_t i = 0; i < size; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ (1 << bit));
			cr_expect_neq(verify(text, size), HF_OK,
			    "byte %zu, bit %u", i, bit);
			text[i] = (char)(text[i] ^ (1 << bit));
		}
	for (size_t n = 0; n < size; n++)
		cr_expect_neq(verify(text, n), HF_OK, "%zu bytes", n);
	/* nothing signs the first line, so it is always the same */
	snprintf(other, sizeof(other),
	    "untrusted comment: signature of an "
	    "officer's key!%s",
	    strchr(text, '\n'));
	cr_expect_eq(verify(other, strlen(other)), HF_TYPE);
	text[size] = '\n';
	cr_expect_eq(verify(text, size + 1), HF_TYPE);
}

Test(minisign, reads_the_key_it_wrote_and_no_other)
{
	char key_text[MINISIGN_TEXT_MAX];
	struct hf_key key;
	size_t n, comment;

	minisign_public(key_text, &n, &signer->sign_key, "whose");
	comment = strlen("untrusted comment: ");
	cr_assert_eq(minisign_public_read(
			 &key, (struct hf_bytes){(const uint8_t *)key_text, n}),
	    HF_OK);
	cr_expect_arr_eq(&key, &signer->sign_key, sizeof(key));
	for (size_t i = 0; i < n; i++) {
		if (i >= comment && i < comment + 5)
			continue; /* anybody's word */
		key_text[i] = (char)(key_text[i] ^ 1);
		cr_expect_neq(
		    minisign_public_read(
			&key, (struct hf_bytes){(const uint8_t *)key_text, n}),
		    HF_OK, "byte %zu", i);
		key_text[i] = (char)(key_text[i] ^ 1);
	}
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(
		    minisign_public_read(
			&key, (struct hf_bytes){(const uint8_t *)key_text, i}),
		    HF_TYPE);
}

Test(minisign, a_trusted_comment_is_one_line_of_its_bounds)
{
	char long_one[FILE_COMMENT_MAX + 2];
	char said[FILE_COMMENT_MAX + 1];

	cr_expect_eq(minisign_sign(text, &size, signer, file, ""), HF_RANGE);
	cr_expect_eq(
	    minisign_sign(text, &size, signer, file, "a\nb"), HF_RANGE);
	memset(long_one, 'c', sizeof(long_one));
	long_one[FILE_COMMENT_MAX + 1] = '\0';
	cr_expect_eq(
	    minisign_sign(text, &size, signer, file, long_one), HF_RANGE);
	long_one[FILE_COMMENT_MAX] = '\0';
	cr_assert_eq(minisign_sign(text, &size, signer, file, long_one), HF_OK);
	cr_expect_eq(minisign_verify(&signer->sign_key, file,
			 (struct hf_bytes){(const uint8_t *)text, size}, said),
	    HF_OK);
}
