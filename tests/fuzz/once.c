/*
 * once: what is a pure function of bytes that were seen before is not worked
 * out anew for every input (--wrap); it was most of what an execution cost,
 * and it is libsodium and the C library, not what is under test.  Hashes are
 * made by the processor (tests/sim/hashes.c).
 *
 * A signature.  What was found valid is remembered by the digest of key,
 * signature and message; each 256th answer from memory is verified again.
 * What is not remembered is verified, but of mutants (fuzz_mutants) only one
 * in SAMPLE; the others count as false, since mutating bytes forges no
 * signature.  Should one be valid all the same, the reader has been shown a
 * false one, which it must bear as well.  What is signed here is remembered
 * as if it had been verified.
 *
 * A key that was found valid.  A pattern that was compiled: anew from time to
 * time, because what it has learnt of texts only grows.
 */
#include "keys/secret.h"
#include "proto/crypto.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/sim.h"

#include <regex.h>
#include <sodium.h>
#include <string.h>

#define PLACES (1u << 14)
#define SAMPLE 64u

bool fuzz_mutants;

enum hf_err __real_hf_verify(const struct hf_key *key, const struct hf_sig *sig,
    const void *message, size_t size);
enum hf_err __wrap_hf_verify(const struct hf_key *key, const struct hf_sig *sig,
    const void *message, size_t size);
struct hf_sig __real_secret_sign(
    const struct secret *s, const void *message, size_t size);
struct hf_sig __wrap_secret_sign(
    const struct secret *s, const void *message, size_t size);
bool __real_hf_key_is_valid(const struct hf_key *key);
bool __wrap_hf_key_is_valid(const struct hf_key *key);
int __real_regcomp(regex_t *re, const char *pattern, int flags);
int __wrap_regcomp(regex_t *re, const char *pattern, int flags);
void __real_regfree(regex_t *re);
void __wrap_regfree(regex_t *re);

/* ---- signatures ---- */

static struct place {
	struct hf_hash of;
	bool valid;
} known[PLACES];

static struct place *place_of(const struct hf_hash *of)
{
	return &known[((unsigned)of->b[0] << 8 | of->b[1]) % PLACES];
}

static struct hf_hash digest(const struct hf_key *key, const struct hf_sig *sig,
    const void *message, size_t size)
{
	crypto_generichash_state state;
	struct hf_hash out;

	crypto_generichash_init(&state, NULL, 0, sizeof(out.b));
	crypto_generichash_update(&state, key->b, sizeof(key->b));
	crypto_generichash_update(&state, sig->b, sizeof(sig->b));
	crypto_generichash_update(&state, message, size);
	crypto_generichash_final(&state, out.b, sizeof(out.b));
	return out;
}

enum hf_err __wrap_hf_verify(const struct hf_key *key, const struct hf_sig *sig,
    const void *message, size_t size)
{
	static uint64_t asked, unknown;
	struct hf_hash of = digest(key, sig, message, size);
	struct place *at = place_of(&of);
	bool has = at->valid && memcmp(&at->of, &of, sizeof(of)) == 0;
	enum hf_err err;

	if (has && ++asked % 256 != 0)
		return HF_OK;
	if (!has && fuzz_mutants && ++unknown % SAMPLE != 0)
		return HF_SIGNATURE;
	err = __real_hf_verify(key, sig, message, size);
	MUST(!has || err == HF_OK, "a signature was valid and is not");
	if (err == HF_OK)
		*at = (struct place){of, true};
	return err;
}

struct hf_sig __wrap_secret_sign(
    const struct secret *s, const void *message, size_t size)
{
	struct hf_sig sig = __real_secret_sign(s, message, size);
	struct hf_key key = secret_sign_key(s);
	struct hf_hash of = digest(&key, &sig, message, size);

	*place_of(&of) = (struct place){of, true};
	return sig;
}

bool __wrap_hf_key_is_valid(const struct hf_key *key)
{
	static struct {
		struct hf_key key;
		bool valid;
	} good[1024];
	unsigned at = ((unsigned)key->b[4] << 8 | key->b[5]) % 1024;

	if (good[at].valid && memcmp(&good[at].key, key, sizeof(*key)) == 0)
		return true;
	if (!__real_hf_key_is_valid(key))
		return false;
	good[at].key = *key;
	good[at].valid = true;
	return true;
}

/* ---- patterns ---- */

#define PATTERNS 64u
#define USES 10000u

static struct pattern {
	char text[512];
	int flags;
	unsigned uses;
	regex_t compiled;
} patterns[PATTERNS];

int __wrap_regcomp(regex_t *re, const char *pattern, int flags)
{
	struct pattern *p = patterns;

	while (p < patterns + PATTERNS && p->text[0] != '\0' &&
	       (p->flags != flags || strcmp(p->text, pattern) != 0))
		p++;
	MUST(p < patterns + PATTERNS, "too many patterns");
	if (p->uses++ % USES == 0) {
		if (p->uses > 1)
			__real_regfree(&p->compiled);
		MUST(strlen(pattern) < sizeof(p->text) &&
			 __real_regcomp(&p->compiled, pattern, flags) == 0,
		    "a pattern of ours");
		strcpy(p->text, pattern);
		p->flags = flags;
	}
	*re = p->compiled;
	return 0;
}

void __wrap_regfree(regex_t *re)
{
	(void)re;
}

/* ---- hashes ---- */

void sim_fail(const char *format, ...)
{
	fuzz_fail("tests/sim/hashes.c", 0, format);
}
