/* The door to libsodium, held to published vectors and to libsodium itself. */
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))

static void start(void)
{
	cr_assert_eq(hf_crypto_init(), HF_OK);
}

TestSuite(crypto, .init = start);

static void read_hex(void *out, size_t size, const char *hex)
{
	cr_assert_eq(
	    hf_hex_read(out, size, hex, strlen(hex)), HF_OK, "%s", hex);
}

static void same_hash(struct hf_hash h, const char *hex)
{
	char text[2 * HF_HASH_SIZE + 1];

	hf_hex(text, h.b, sizeof(h.b));
	cr_expect_str_eq(text, hex);
}

static struct hf_bytes text(const char *s)
{
	return (struct hf_bytes){(const uint8_t *)s, strlen(s)};
}

Test(crypto, hashes_under_a_tag)
{
	struct hf_bytes none = {NULL, 0};

	same_hash(hf_sha256_2(text("a"), text("bc")), /* FIPS 180-2, B.1 */
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	same_hash(hf_sha256_2(none, none),
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	same_hash(hf_hash(HF_TAG_CORE, "abc", 3),
	    "a90aff7752b6dc30ed39c481ab072a237fd26fd6c388176273134bdfe539a4b5");
	same_hash(hf_hash2(HF_TAG_CORE, text("ab"), text("c")),
	    "a90aff7752b6dc30ed39c481ab072a237fd26fd6c388176273134bdfe539a4b5");
	same_hash(hf_hash(HF_TAG_SIGN_ACT, NULL, 0),
	    "d05d21eda2f2f4b3f01980f936418aaf3d1f969a3f938539d860c1bfcc49b7bb");
}

Test(crypto, hashes_for_minisign) /* RFC 7693, appendix A */
{
	uint8_t out[HF_BLAKE2B_SIZE];
	char hex[2 * HF_BLAKE2B_SIZE + 1];

	hf_blake2b(out, "abc", 3);
	hf_hex(hex, out, sizeof(out));
	cr_expect_str_eq(hex,
	    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
	    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

Test(crypto, keeps_its_tags_apart)
{
	struct hf_hash seen[HF_TAG_MINISIGN + 1];

	for (unsigned i = 0; i <= HF_TAG_MINISIGN; i++) {
		seen[i] = hf_hash((enum hf_tag)i, "x", 1);
		for (unsigned k = 0; k < i; k++)
			cr_expect(!hf_equal(&seen[i], &seen[k], HF_HASH_SIZE));
	}
}

/* RFC 8032, 7.1, test 1 */
static const char rfc_key[] =
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
static const char rfc_sig[] =
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590"
    "a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

Test(crypto, verifies_and_sees_every_flipped_bit)
{
	struct hf_key key;
	struct hf_sig sig;

	read_hex(key.b, sizeof(key.b), rfc_key);
	read_hex(sig.b, sizeof(sig.b), rfc_sig);
	cr_expect(hf_key_is_valid(&key));
	cr_expect_eq(hf_verify(&key, &sig, "", 0), HF_OK);
	cr_expect_eq(hf_verify(&key, &sig, "x", 1), HF_SIGNATURE);
	for (unsigned bit = 0; bit < 8 * HF_SIG_SIZE; bit++) {
		sig.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_expect_eq(hf_verify(&key, &sig, "", 0), HF_SIGNATURE);
		sig.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (unsigned bit = 0; bit < 8 * HF_KEY_SIZE; bit++) {
		key.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_expect_eq(hf_verify(&key, &sig, "", 0), HF_SIGNATURE);
		key.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* Points of small order verify everything where a verifier is lenient. */
Test(crypto, refuses_weak_keys_and_second_signatures)
{
	static const char *const weak[] = {
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	static const char order[] = /* of the group, little-endian */
	    "edd3f55c1a631258d69cf7a2def9de14000000000000000000000000000000"
	    "10";
	struct hf_sig sig = {{1}}; /* R the neutral point, S zero */
	struct hf_key key;
	uint8_t l[32];
	unsigned carry = 0;

	for (size_t i = 0; i < ROWS(weak); i++) {
		read_hex(key.b, sizeof(key.b), weak[i]);
		cr_expect(!hf_key_is_valid(&key), "%s", weak[i]);
		cr_expect_eq(
		    hf_verify(&key, &sig, "", 0), HF_SIGNATURE, "%s", weak[i]);
	}
	read_hex(key.b, sizeof(key.b), rfc_key);
	read_hex(sig.b, sizeof(sig.b), rfc_sig);
	read_hex(l, sizeof(l), order);
	for (unsigned i = 0; i < 32; i++) {
		carry += sig.b[32 + i] + l[i];
		sig.b[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	cr_expect_eq(hf_verify(&key, &sig, "", 0), HF_SIGNATURE);
}

/* draft-irtf-cfrg-xchacha-03, A.3.1 */
Test(crypto, seals_as_the_draft_of_xchacha20_does)
{
	static const char plain[] =
	    "Ladies and Gentlemen of the class of '99: If I could offer you "
	    "only one tip for the future, sunscreen would be it.";
	uint8_t key[HF_KEY_SIZE], nonce[HF_NONCE_SIZE], ad[12], want[16];
	uint8_t box[sizeof(plain) - 1 + HF_TAG_SIZE], out[sizeof(plain)] = {0};
	struct hf_bytes a = {ad, sizeof(ad)};

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0x80 + i);
	for (unsigned i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)(0x40 + i);
	read_hex(ad, sizeof(ad), "50515253c0c1c2c3c4c5c6c7");
	hf_aead_seal(
	    box, (const uint8_t *)plain, sizeof(plain) - 1, a, nonce, key);
	read_hex(want, sizeof(want), "bd6d179d3e83d43b9576579493c0e939");
	cr_expect_arr_eq(box, want, sizeof(want));
	read_hex(want, sizeof(want), "c0875924c1c7987947deafd8780acf49");
	cr_expect_arr_eq(box + sizeof(plain) - 1, want, sizeof(want));
	cr_expect_eq(hf_aead_open(out, box, sizeof(box), a, nonce, key), HF_OK);
	cr_expect_str_eq((const char *)out, plain);
	ad[0] ^= 1;
	cr_expect_eq(
	    hf_aead_open(out, box, sizeof(box), a, nonce, key), HF_OPEN);
	ad[0] ^= 1;
	box[3] ^= 1;
	cr_expect_eq(
	    hf_aead_open(out, box, sizeof(box), a, nonce, key), HF_OPEN);
	cr_expect_eq(hf_aead_open(out, box, 15, a, nonce, key), HF_OPEN);
}

Test(crypto, seals_keys_in_boxes_that_libsodium_opens)
{
	static const uint8_t secret[HF_KEY_SIZE] =
	    "the key of a body, 32 bytes long";
	uint8_t public_key[32], secret_key[32], ephemeral[32], seed[32] = {9};
	uint8_t sealed[HF_SEALED_KEY_SIZE], out[HF_KEY_SIZE];
	struct hf_key to, low = {{0}};

	crypto_box_seed_keypair(public_key, secret_key, seed);
	memcpy(to.b, public_key, sizeof(to.b));
	memset(ephemeral, 0x21, sizeof(ephemeral));
	cr_assert_eq(hf_box_seal(sealed, secret, &to, ephemeral), HF_OK);
	cr_expect_eq(crypto_box_seal_open(
			 out, sealed, sizeof(sealed), public_key, secret_key),
	    0);
	cr_expect_arr_eq(out, secret, sizeof(out));
	for (unsigned bit = 0; bit < 8 * sizeof(sealed); bit++) {
		enum hf_err err;

		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err = hf_box_open(out, sealed, &to, secret_key);
		cr_expect_eq(err, HF_OPEN, "bit %u", bit);
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	crypto_box_seal(sealed, secret, sizeof(secret), public_key);
	cr_expect_eq(hf_box_open(out, sealed, &to, secret_key), HF_OK);
	cr_expect_arr_eq(out, secret, sizeof(out));
	cr_expect_eq(hf_box_seal(sealed, secret, &low, ephemeral), HF_RANGE);
}

Test(crypto, reads_base64_and_hex_strictly)
{
	static const struct {
		const char *text;
		bool standard, url;
	} rows[] = {
	    {"", true, true}, {"AAE=", true, false}, {"AAE", false, true},
	    {"AAEC", true, true}, {"+/+/", true, false}, {"-_-_", false, true},
	    {"AAF=", false, false}, /* bits that stand for nothing */
	    {"AAF", false, false}, {"A", false, false}, {"AA=", false, false},
	    {"AA==", true, false}, {"AA===", false, false},
	    {"AA==AA==", false, false}, {"AAEC\n", false, false},
	    {"AA EC", false, false},
	    /* '+', '/', '-', '_' with the high bit: another spelling */
	    {"AA\253C", false, false}, {"AA\257C", false, false},
	    {"AA\255C", false, false}, {"AA\337C", false, false},
	    {"AAECAwQFBgcICQ==", false, false}, /* ten bytes: no room */
	};
	uint8_t out[8];
	char back[16];
	size_t size;

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *s = rows[i].text;

		cr_expect_eq(
		    hf_base64_read(out, sizeof(out), &size, s, strlen(s)),
		    rows[i].standard ? HF_OK : HF_RANGE, "%s", s);
		if (rows[i].standard) {
			cr_expect_eq(hf_base64(back, sizeof(back), out, size),
			    strlen(s));
			cr_expect_str_eq(back, s);
		}
		cr_expect_eq(
		    hf_base64url_read(out, sizeof(out), &size, s, strlen(s)),
		    rows[i].url ? HF_OK : HF_RANGE, "%s", s);
		if (rows[i].url) {
			hf_base64url(back, sizeof(back), out, size);
			cr_expect_str_eq(back, s);
		}
	}
	cr_expect_eq(hf_base64(back, 4, "abc", 3), 0, "no room for the NUL");
	cr_expect_eq(hf_hex_read(out, 2, "0aFF", 4), HF_OK);
	cr_expect_arr_eq(out, "\x0a\xff", 2);
	hf_hex(back, out, 2);
	cr_expect_str_eq(back, "0aff");
	cr_expect_eq(hf_hex_read(out, 2, "0aF", 3), HF_RANGE);
	cr_expect_eq(hf_hex_read(out, 2, "0aFFee", 6), HF_RANGE);
	cr_expect_eq(hf_hex_read(out, 2, "0aFg", 4), HF_RANGE);
	cr_expect_eq(hf_hex_read(out, 2, "0a:F", 4), HF_RANGE);
}
