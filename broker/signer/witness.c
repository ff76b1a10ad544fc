#include "broker/signer/witness.h"

#include "broker/signer/memory.h"
#include "proto/crypto.h"
#include "proto/note.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <stdlib.h>
#include <string.h>

#define ORIGINS 64u

struct witness_state {
	struct memory *memory;
	char name[HF_WITNESS_NAME_MAX];
	const struct secret *secret;
};

enum hf_err witness_open(struct witness_state **out, const char *path,
    struct hf_country country, const struct secret *secret)
{
	struct witness_state *w = calloc(1, sizeof(*w));
	enum hf_err err;

	*out = NULL;
	if (w == NULL)
		return HF_NOMEM;
	hf_witness_name(w->name, country);
	w->secret = secret;
	err = memory_open(&w->memory, path, ORIGINS);
	if (err != HF_OK) {
		free(w);
		return err;
	}
	*out = w;
	return HF_OK;
}

void witness_close(struct witness_state *w)
{
	if (w == NULL)
		return;
	memory_close(w->memory);
	free(w);
}

/* The pair of an origin, else the first that holds none.  damaged: some pair
 * cannot be read, so that nobody knows whose it was. */
static enum hf_err find(const struct witness_state *w, const char *origin,
    unsigned *pair, struct memory_row *row, bool *damaged)
{
	unsigned n = memory_pairs(w->memory), empty = n;

	*damaged = false;
	for (unsigned i = 0; i < n; i++) {
		if (memory_get(w->memory, i, row) != HF_OK) {
			*damaged = true;
			continue;
		}
		if (row->size > 0 && strcmp(row->name, origin) == 0) {
			*pair = i;
			return HF_OK;
		}
		if (row->size == 0 && empty == n)
			empty = i;
	}
	*row = (struct memory_row){.size = 0};
	*pair = empty;
	return empty < n ? HF_NOTFOUND : HF_FULL;
}

uint64_t witness_size(const struct witness_state *w, const char *origin)
{
	struct memory_row row;
	unsigned pair;
	bool damaged;

	return find(w, origin, &pair, &row, &damaged) == HF_OK ? row.size : 0;
}

/* Is this head the next of what is remembered? */
static enum hf_err check(const struct memory_row *last,
    const struct witness_ask *ask, uint64_t size, const struct hf_hash *root)
{
	if (size < last->size)
		return HF_ROLLBACK;
	if (ask->old_size != last->size)
		return HF_RANGE;
	if (size == last->size)
		return memcmp(root, &last->root, sizeof(*root)) == 0
			   ? HF_OK
			   : HF_ROLLBACK;
	if (last->size > 0 &&
	    hf_merkle_verify_consistency(last->size, &last->root, size, root,
		ask->path, ask->path_count) != HF_OK)
		return HF_ROLLBACK;
	return HF_OK;
}

enum hf_err witness_cosign(struct witness_state *w,
    const struct witness_ask *ask, uint64_t seconds,
    char line[HF_COSIGN_LINE_MAX], size_t *line_size)
{
	struct hf_key key = secret_sign_key(w->secret);
	uint8_t message[HF_COSIGN_MESSAGE_MAX];
	struct hf_bytes text, rest;
	struct memory_row row;
	struct hf_hash root;
	struct hf_sig sig;
	bool damaged;
	unsigned pair;
	size_t n;
	uint64_t size;
	enum hf_err err;

	if (strlen(ask->origin) >= sizeof(row.name))
		return HF_CHECKPOINT;
	err = hf_checkpoint_verify(
	    ask->note, ask->origin, &ask->key, &size, &root);
	if (err != HF_OK || !hf_note_split(ask->note, &text, &rest))
		return HF_CHECKPOINT;
	err = find(w, ask->origin, &pair, &row, &damaged);
	if (err != HF_OK && (damaged || ask->known))
		return HF_WITNESS_FORGOT;
	if (err == HF_FULL)
		return err;
	err = check(&row, ask, size, &root);
	if (err != HF_OK)
		return err;
	if (size == 0)
		return HF_RANGE; /* an empty ledger says nothing */
	if (size != row.size) {
		row = (struct memory_row){.size = size, .root = root};
		memcpy(row.name, ask->origin, strlen(ask->origin));
		if (memory_put(w->memory, pair, &row) != HF_OK)
			return HF_FILE;
	}
	n = hf_cosign_message(message, seconds, text);
	if (n == 0)
		return HF_CHECKPOINT;
	sig = secret_sign(w->secret, message, n);
	*line_size = hf_cosign_line(line, w->name, &key, seconds, &sig);
	return HF_OK;
}

static enum hf_err read_record(struct hf_bytes record, struct witness_ask *ask,
    char origin[HF_ORIGIN_MAX], struct hf_hash path[2 * HF_TREE_DEPTH_MAX])
{
	size_t room = 2 * HF_TREE_DEPTH_MAX * sizeof(*path);
	struct hf_bytes b;
	struct wire w;

	wire_init(&w, record.data, record.size);
	wire_array(&w, 6, 6);
	b = wire_str(&w, 1, HF_ORIGIN_MAX - 1);
	if (b.size > 0)
		memcpy(origin, b.data, b.size);
	wire_bin_copy(&w, ask->key.b, sizeof(ask->key.b));
	ask->note = wire_str(&w, 1, HF_NOTE_MAX);
	ask->old_size = wire_uint(&w, UINT64_MAX);
	b = wire_bin(&w, 0, (unsigned)room);
	ask->known = wire_bool(&w);
	wire_close(&w);
	if (wire_finish(&w) != HF_OK || b.size % sizeof(*path) != 0)
		return HF_FRAME;
	if (b.size > 0)
		memcpy(path, b.data, b.size);
	ask->path_count = (unsigned)(b.size / sizeof(*path));
	return HF_OK;
}

enum hf_err witness_record(struct witness_state *w, struct hf_bytes record,
    uint64_t seconds, char out[HF_COSIGN_LINE_MAX], size_t *size)
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	char origin[HF_ORIGIN_MAX] = "";
	struct witness_ask ask = {.origin = origin, .path = path};
	struct pack p;
	enum hf_err err = read_record(record, &ask, origin, path);

	*size = 0;
	if (err == HF_OK)
		err = witness_cosign(w, &ask, seconds, out, size);
	if (err != HF_RANGE)
		return err;
	pack_init(&p, (uint8_t *)out, HF_COSIGN_LINE_MAX);
	pack_array(&p, 1);
	pack_uint(&p, witness_size(w, origin));
	return pack_finish(&p, size) == HF_OK ? HF_RANGE : HF_INTERNAL;
}
