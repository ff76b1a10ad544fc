#include "tests/proto/heads.h"

#include "proto/crypto.h"
#include "proto/ledger.h"

#include <criterion/criterion.h>
#include <string.h>

struct signer signer_of(uint8_t n)
{
	struct signer s;
	uint8_t seed[crypto_sign_SEEDBYTES] = {n};

	cr_assert(hf_crypto_init() == HF_OK);
	crypto_sign_seed_keypair(s.key.b, s.secret, seed);
	return s;
}

size_t head_write(char out[HF_NOTE_MAX], const struct signer *s, uint64_t size,
    const struct hf_hash *root)
{
	char text[256];
	struct hf_sig sig;
	size_t length, note_size;

	length =
	    hf_checkpoint_text(text, sizeof(text), HEAD_ORIGIN, size, root);
	cr_assert(length > 0 && length == strlen(text));
	crypto_sign_detached(
	    sig.b, NULL, (const uint8_t *)text, length, s->secret);
	cr_assert(hf_checkpoint_note(out, HF_NOTE_MAX, &note_size, text,
		      HEAD_ORIGIN, &s->key, &sig) == HF_OK);
	return note_size;
}
