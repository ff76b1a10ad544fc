/*
 * tiles: the tree of tlog-tiles in constant memory (SPEC 13.2).
 */
#ifndef HF_CLIENT_TILES_H
#define HF_CLIENT_TILES_H

#include "proto/ledger.h"
#include "proto/merkle.h"

#define TILE_WIDTH 256u
#define TILE_LEVELS (HF_TREE_DEPTH_MAX / 8u)
#define TILE_BUNDLE_MAX (TILE_WIDTH * (2u + HF_LEDGER_LEAF_MAX))

/** "x001/x234/067" and, of a tile of `width` below 256, ".p/WIDTH". */
#define TLOG_PATH_MAX 64u
void tlog_path(char out[TLOG_PATH_MAX], uint64_t n, unsigned width);

/** `width` hashes (or of level -1 entries, as they stand in a bundle) that are
 * tile `n` of a level. */
struct tile {
	int level; /* -1: a bundle of entries */
	uint64_t n;
	unsigned width;
	const void *data;
	size_t size;
};
/** "tile/0/x001/234.p/7" */
#define TILE_NAME_MAX (TLOG_PATH_MAX + 16u)
void tile_name(char out[TILE_NAME_MAX], const struct tile *t);

struct tiles {
	enum hf_err (*take)(void *ctx, const struct tile *t);
	void *ctx;
	uint64_t entries; /* so far */
	size_t bundle_size;
	struct {
		uint64_t
		    count; /* hashes so far, those of full tiles included */
		struct hf_hash hash[TILE_WIDTH];
	} level[TILE_LEVELS];
	uint8_t bundle[TILE_BUNDLE_MAX];
};

/** Another entry; a full tile is taken, a full bundle before its tile.
 * Errors: HF_TOO_BIG, of take */
HF_MUST_USE enum hf_err tiles_add(struct tiles *t, struct hf_bytes leaf);
/** After the last one: partial tiles are taken.  Errors: of take */
HF_MUST_USE enum hf_err tiles_end(struct tiles *t);

#endif
