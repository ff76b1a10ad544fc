/*
 * tiles: the tree of tlog-tiles, as it grows entry by entry.  What a tile is
 * for is its taker's business: to be written, or to be compared.
 */
#include "client/tiles.h"

#include "proto/merkle.h"
#include "proto/text.h"

#include <stdio.h>
#include <string.h>

void tlog_path(char out[TLOG_PATH_MAX], uint64_t n, unsigned width)
{
	unsigned groups[8], count = 0;
	struct text t;

	do {
		groups[count++] = (unsigned)(n % 1000);
		n /= 1000;
	} while (n > 0 && count < 8);
	text_init(&t, out, TLOG_PATH_MAX);
	while (count-- > 0) {
		text_add(&t, count > 0 ? "x" : "");
		text_add_uint(&t, groups[count], 3);
		text_add(&t, count > 0 ? "/" : "");
	}
	if (width < TILE_WIDTH) {
		text_add(&t, ".p/");
		text_add_uint(&t, width, 0);
	}
}

void tile_name(char out[TILE_NAME_MAX], const struct tile *t)
{
	char path[TLOG_PATH_MAX];

	tlog_path(path, t->n, t->width);
	if (t->level < 0)
		snprintf(out, TILE_NAME_MAX, "tile/entries/%s", path);
	else
		snprintf(out, TILE_NAME_MAX, "tile/%d/%s", t->level, path);
}

static enum hf_err take_hashes(
    struct tiles *t, unsigned level, uint64_t n, unsigned width)
{
	const struct tile tile = {.level = (int)level,
	    .n = n,
	    .width = width,
	    .data = t->level[level].hash,
	    .size = width * sizeof(t->level[level].hash[0])};

	return t->take(t->ctx, &tile);
}

static enum hf_err take_bundle(struct tiles *t, uint64_t n, unsigned width)
{
	const struct tile tile = {.level = -1,
	    .n = n,
	    .width = width,
	    .data = t->bundle,
	    .size = t->bundle_size};

	t->bundle_size = 0;
	return t->take(t->ctx, &tile);
}

/* A hash on a level; a full tile is taken and counts one level up. */
static enum hf_err add_hash(
    struct tiles *t, unsigned level, const struct hf_hash *hash)
{
	struct hf_hash root;
	enum hf_err err;

	for (; level < TILE_LEVELS; level++, hash = &root) {
		uint64_t n = t->level[level].count++;

		t->level[level].hash[n % TILE_WIDTH] = *hash;
		if (n % TILE_WIDTH != TILE_WIDTH - 1)
			return HF_OK;
		err = take_hashes(t, level, n / TILE_WIDTH, TILE_WIDTH);
		if (err != HF_OK)
			return err;
		root = hf_merkle_root(t->level[level].hash, TILE_WIDTH);
	}
	return HF_TOO_BIG;
}

enum hf_err tiles_add(struct tiles *t, struct hf_bytes leaf)
{
	struct hf_hash hash = hf_merkle_leaf(leaf.data, leaf.size);
	uint8_t *at = t->bundle + t->bundle_size;
	uint64_t n = t->entries++;
	enum hf_err err = HF_OK;

	if (leaf.size > HF_LEDGER_LEAF_MAX)
		return HF_TOO_BIG;
	at[0] = (uint8_t)(leaf.size >> 8);
	at[1] = (uint8_t)leaf.size;
	memcpy(at + 2, leaf.data, leaf.size);
	t->bundle_size += 2 + leaf.size;
	if (n % TILE_WIDTH == TILE_WIDTH - 1)
		err = take_bundle(t, n / TILE_WIDTH, TILE_WIDTH);
	return err == HF_OK ? add_hash(t, 0, &hash) : err;
}

enum hf_err tiles_end(struct tiles *t)
{
	unsigned rest = (unsigned)(t->entries % TILE_WIDTH);
	enum hf_err err =
	    rest > 0 ? take_bundle(t, t->entries / TILE_WIDTH, rest) : HF_OK;

	for (unsigned level = 0; err == HF_OK && level < TILE_LEVELS; level++) {
		uint64_t count = t->level[level].count;

		if (count % TILE_WIDTH > 0)
			err = take_hashes(t, level, count / TILE_WIDTH,
			    (unsigned)(count % TILE_WIDTH));
	}
	return err;
}
