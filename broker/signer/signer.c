/*
 * signer: the one place where the ledger key signs.
 *
 * It remembers the last head in a pair of slots before the signature leaves.
 * A torn slot only makes the signer ask for a longer proof; it never lets it
 * sign an older tree.  A signer that cannot read either of them refuses to
 * forget.
 */
#include "broker/signer/signer.h"

#include "broker/signer/memory.h"
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct signer_state {
	struct memory *memory;
	struct memory_row last;
	char origin[HF_ORIGIN_MAX];
	const struct secret *secret;
};

enum hf_err signer_open(struct signer_state **out, const char *path,
    const char *origin, const struct secret *secret)
{
	struct signer_state *s = calloc(1, sizeof(*s));
	enum hf_err err;

	*out = NULL;
	if (s == NULL)
		return HF_NOMEM;
	snprintf(s->origin, sizeof(s->origin), "%s", origin);
	s->secret = secret;
	err = memory_open(&s->memory, path, 1);
	if (err == HF_OK)
		err = memory_get(s->memory, 0, &s->last);
	if (err != HF_OK) {
		signer_close(s);
		return err;
	}
	*out = s;
	return HF_OK;
}

void signer_close(struct signer_state *s)
{
	if (s == NULL)
		return;
	memory_close(s->memory);
	free(s);
}

void signer_last(
    const struct signer_state *s, uint64_t *size, struct hf_hash *root)
{
	*size = s->last.size;
	*root = s->last.root;
}

enum hf_err signer_sign(struct signer_state *s, uint64_t size,
    const struct hf_hash *root, uint64_t old_size, const struct hf_hash *path,
    unsigned path_count, char *note, size_t capacity, size_t *note_size)
{
	struct memory_row next = s->last;
	char text[256];
	size_t length;
	struct hf_sig sig;
	struct hf_key key = secret_sign_key(s->secret);

	if (size == 0 || size > UINT64_C(1) << HF_TREE_DEPTH_MAX)
		return HF_RANGE;
	if (size < s->last.size || old_size != s->last.size)
		return HF_ROLLBACK;
	if (s->last.size > 0 &&
	    hf_merkle_verify_consistency(s->last.size, &s->last.root, size,
		root, path, path_count) != HF_OK)
		return HF_ROLLBACK;
	length = hf_checkpoint_text(text, sizeof(text), s->origin, size, root);
	if (length == 0)
		return HF_TOO_BIG;
	if (size != s->last.size) {
		next.size = size;
		next.root = *root;
		if (memory_put(s->memory, 0, &next) != HF_OK)
			return HF_FILE;
		s->last = next;
	}
	sig = secret_sign(s->secret, text, length);
	return hf_checkpoint_note(
	    note, capacity, note_size, text, s->origin, &key, &sig);
}
