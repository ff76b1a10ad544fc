/*
 * signatures: what was verified once is remembered, by the digest of key,
 * signature and message; what this process signed itself is taken for good.
 * Verifying is a pure function and is not what is simulated, but it was most
 * of a simulated hour.
 *
 * It stays in sight: each sixteenth signature made here is not remembered and
 * is verified when it is first met, and each 256th answer from memory is
 * checked by verifying again.  What is not in the table is verified, but of
 * mutants (tests/fuzz) only one in SAMPLE: mutating bytes forges no signature,
 * so the others count as false.  Should one be valid all the same, the reader
 * has been shown a false one, which it must bear as well.
 */
#include "tests/sim/sim.h"

#include "broker/engine/intake.h"

#include <sodium.h>
#include <string.h>

#define PLACES (1u << 14) /* an answer that finds its place taken evicts */
#define SAMPLE 64u

struct sim_signatures sim_signatures;

static struct {
	struct hf_hash of;
	bool any;
	enum hf_err err;
} known[PLACES];
static struct {
	uint64_t made, asked, unknown;
} count;

enum hf_err __real_hf_verify(const struct hf_key *key, const struct hf_sig *sig,
    const void *message, size_t size);
enum hf_err __wrap_hf_verify(const struct hf_key *key, const struct hf_sig *sig,
    const void *message, size_t size);
bool __real_hf_key_is_valid(const struct hf_key *key);
bool __wrap_hf_key_is_valid(const struct hf_key *key);
struct hf_sig __real_secret_sign(
    const struct secret *s, const void *message, size_t size);
struct hf_sig __wrap_secret_sign(
    const struct secret *s, const void *message, size_t size);

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

static void keep(const struct hf_hash *of, enum hf_err err)
{
	unsigned at = get_be32(of->b) % PLACES;

	known[at].of = *of;
	known[at].any = true;
	known[at].err = err;
}

enum hf_err __wrap_hf_verify(const struct hf_key *key, const struct hf_sig *sig,
    const void *message, size_t size)
{
	struct hf_hash of = digest(key, sig, message, size);
	unsigned at = get_be32(of.b) % PLACES;
	bool has = known[at].any && same_hash(&known[at].of, &of);
	enum hf_err err;

	if (has && ++count.asked % 256 != 0) {
		sim_signatures.remembered++;
		return known[at].err;
	}
	if (!has && sim_signatures.mutants && ++count.unknown % SAMPLE != 0)
		return HF_SIGNATURE;
	sim_signatures.verified++;
	err = __real_hf_verify(key, sig, message, size);
	if (has && err != known[at].err)
		sim_fail("a signature is remembered as %s and is %s",
		    hf_err_info(known[at].err)->name, hf_err_info(err)->name);
	if (err == HF_OK || !sim_signatures.mutants) /* evicts no valid one */
		keep(&of, err);
	return err;
}

struct hf_sig __wrap_secret_sign(
    const struct secret *s, const void *message, size_t size)
{
	struct hf_sig sig = __real_secret_sign(s, message, size);
	struct hf_key key = secret_sign_key(s);
	struct hf_hash of;

	if (sim_signatures.mutants || ++count.made % 16 != 0) {
		of = digest(&key, &sig, message, size);
		keep(&of, HF_OK);
	}
	return sig;
}

/* Every key of a document, whenever a broker starts. */
bool __wrap_hf_key_is_valid(const struct hf_key *key)
{
	static const struct hf_key none; /* as a free place is: no key */
	static struct hf_key good[4096];
	unsigned at = get_be32(key->b + 4) % 4096;

	if (!same_key(key, &none) && same_key(&good[at], key))
		return true;
	if (!__real_hf_key_is_valid(key))
		return false;
	good[at] = *key;
	return true;
}
