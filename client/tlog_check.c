/*
 * tlog_check: a static tree, read as a stranger finds it.
 *
 * The tree is built again from the entries in the bundles, and each tile that
 * falls due is compared with the file of its name.  So a file that is missing,
 * of another length or of other bytes is named, and what it stands for; the
 * checkpoint decides in the end.  The tiles of level 0 tell which of the two
 * is wrong: an entry or its hash.
 */
#include "client/tlog.h"

#include "proto/crypto.h"
#include "proto/note.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHECKPOINT_MAX 16384u /* bytes, with the signatures of others */
#define PATH_SIZE (HOME_PATH_MAX + TILE_NAME_MAX + 8u)

struct checking {
	struct audit *a;
	const char *dir;
	bool told; /* a tile differs: the root says nothing more */
	uint8_t bytes[TILE_BUNDLE_MAX + 1];
	struct hf_frontier tree;
	struct tiles tiles;
};

/* The entries that one hash of a level covers, in one number of bits. */
static unsigned bits_of(const struct tile *t)
{
	return t->level > 0 ? 8u * (unsigned)t->level : 0;
}

static uint64_t first_entry(const struct tile *t, unsigned place)
{
	return (t->n * TILE_WIDTH + place) << bits_of(t);
}

/* *size SIZE_MAX: there is no such file.  Errors: HF_FILE */
static enum hf_err read_path(
    struct checking *c, const struct tile *t, size_t *size)
{
	char path[PATH_SIZE], name[TILE_NAME_MAX];
	enum hf_err err;
	FILE *f;

	tile_name(name, t);
	snprintf(path, sizeof(path), "%s/%s", c->dir, name);
	*size = SIZE_MAX;
	f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT || errno == ENOTDIR ? HF_OK : HF_FILE;
	*size = fread(c->bytes, 1, sizeof(c->bytes), f);
	err = ferror(f) != 0 ? HF_FILE : HF_OK;
	fclose(f);
	return err;
}

/* The file of a tile; of a partial one the full one serves too, which may be
 * there in its place.  *size SIZE_MAX: neither is.  Errors: HF_FILE */
static enum hf_err read_tile(struct checking *c, struct tile *t, size_t *size)
{
	struct tile full = *t;
	enum hf_err err = read_path(c, t, size);

	if (err != HF_OK || *size != SIZE_MAX || t->width == TILE_WIDTH)
		return err;
	full.width = TILE_WIDTH;
	err = read_path(c, &full, size);
	if (*size != SIZE_MAX)
		*t = full;
	return err;
}

static void missing(struct checking *c, const struct tile *t)
{
	char name[TILE_NAME_MAX];

	tile_name(name, t);
	c->told = true;
	audit_finds(c->a, first_entry(t, 0), "%s is missing", name);
}

/* ---- tiles of hashes ---- */

static enum hf_err compare(void *ctx, const struct tile *t)
{
	struct checking *c = ctx;
	const uint8_t *right = t->data;
	struct tile found = *t;
	char name[TILE_NAME_MAX];
	size_t size;
	enum hf_err err;

	if (t->level < 0)
		return HF_OK; /* the entries come from there */
	err = read_tile(c, &found, &size);
	if (err != HF_OK)
		return err;
	tile_name(name, &found);
	if (size == SIZE_MAX) {
		missing(c, t);
		return HF_OK;
	}
	if (size != found.width * HF_HASH_SIZE) {
		c->told = true;
		audit_finds(c->a, first_entry(t, 0),
		    "%s has %s%zu bytes, not %u", name,
		    size == sizeof(c->bytes) ? "more than " : "", size,
		    found.width * HF_HASH_SIZE);
		return HF_OK;
	}
	for (unsigned i = 0; i < t->width; i++) {
		if (memcmp(c->bytes + i * HF_HASH_SIZE,
			right + i * HF_HASH_SIZE, HF_HASH_SIZE) == 0)
			continue;
		c->told = true;
		audit_finds(c->a, first_entry(t, i),
		    t->level == 0 ? "hash %u of %s is not that of the entry"
				  : "hash %u of %s is not that of the tile "
				    "below",
		    i, name);
		break; /* the first of a tile is enough */
	}
	return HF_OK;
}

/* ---- bundles ---- */

static enum hf_err add_entry(struct checking *c, struct hf_bytes leaf)
{
	struct hf_hash hash = hf_merkle_leaf(leaf.data, leaf.size);
	struct hf_ledger_leaf read;
	enum hf_err err;

	if (hf_ledger_leaf_decode(&read, leaf.data, leaf.size) != HF_OK) {
		c->told = true;
		audit_finds(c->a, c->a->entries, "is no leaf of such a ledger");
	}
	c->a->entries++;
	err = hf_frontier_add(&c->tree, &hash, NULL, NULL);
	return err == HF_OK ? tiles_add(&c->tiles, leaf) : err;
}

/* The bundle `t`, read into c->bytes: `width` entries of it, in copy, since
 * tiles are read there too.  False: what follows cannot be placed. */
static enum hf_err add_bundle(struct checking *c, const struct tile *t,
    unsigned width, const uint8_t *bytes, size_t size, bool *whole)
{
	char name[TILE_NAME_MAX];
	enum hf_err err = HF_OK;
	size_t at = 0;

	tile_name(name, t);
	*whole = false;
	for (unsigned i = 0; i < t->width && err == HF_OK; i++) {
		size_t n = at + 2 > size
			       ? SIZE_MAX
			       : (size_t)(bytes[at] << 8 | bytes[at + 1]);

		if (n > HF_LEDGER_LEAF_MAX || n > size - at - 2) {
			audit_finds(c->a, first_entry(t, i),
			    "%s does not hold it whole: it has %zu bytes", name,
			    size);
			return HF_OK;
		}
		if (i < width)
			err =
			    add_entry(c, (struct hf_bytes){bytes + at + 2, n});
		at += 2 + n;
	}
	*whole = at == size;
	if (err == HF_OK && !*whole)
		audit_finds(c->a, first_entry(t, t->width - 1),
		    "%s has %zu bytes after it", name, size - at);
	return err;
}

static enum hf_err next_bundle(
    struct checking *c, uint8_t copy[TILE_BUNDLE_MAX + 1], bool *whole)
{
	uint64_t left = c->a->head.size - c->a->entries;
	unsigned width = left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH;
	struct tile t = {
	    .level = -1, .n = c->a->entries / TILE_WIDTH, .width = width};
	size_t size;
	enum hf_err err = read_tile(c, &t, &size);

	*whole = false;
	if (err != HF_OK)
		return err;
	if (size == SIZE_MAX) {
		missing(c, &t);
		return HF_OK;
	}
	memcpy(copy, c->bytes, size);
	return add_bundle(c, &t, width, copy, size, whole);
}

/* ---- all ---- */

/* A note may bear the signatures of many, sixteen at least; those under another
 * name than the log's say nothing here and are taken out.  0: no note. */
static size_t own_lines(uint8_t *note, size_t size, const char *origin)
{
	const size_t name_size = strlen(origin);
	struct hf_bytes rest, line;
	size_t at;

	for (at = size; at > 1; at--)
		if (note[at - 1] == '\n' && note[at - 2] == '\n')
			break;
	if (at <= 1)
		return 0;
	rest = (struct hf_bytes){note + at, size - at};
	while (hf_note_line(&rest, &line)) {
		struct hf_note_signature s;

		if (!hf_note_signature_read(&s, line))
			return 0;
		if (s.name.size != name_size ||
		    memcmp(s.name.data, origin, name_size) != 0)
			continue;
		memmove(note + at, line.data, line.size + 1);
		at += line.size + 1;
	}
	return rest.size == 0 ? at : 0;
}

static enum hf_err read_checkpoint(
    struct checking *c, const struct roster *roster, const struct hf_key *key)
{
	struct judge_head *head = &c->a->head;
	char path[PATH_SIZE], origin[HF_ORIGIN_MAX];
	uint8_t *note = NULL;
	size_t size;
	enum hf_err err;

	snprintf(path, sizeof(path), "%s/checkpoint", c->dir);
	err = home_read(path, CHECKPOINT_MAX, &note, &size);
	if (err != HF_OK && err != HF_TOO_BIG)
		return err;
	if (err == HF_OK)
		err = hf_note_origin((struct hf_bytes){note, size},
		    &head->country, &head->epoch);
	if (err == HF_OK && key == NULL)
		key = roster_ledger_key(roster, head->country, head->epoch);
	hf_origin(origin, head->country, head->epoch);
	if (err == HF_OK)
		size = own_lines(note, size, origin);
	if (err == HF_OK && key == NULL)
		audit_finds(c->a, AUDIT_NO_ENTRY,
		    "checkpoint: the ledger key of %s is not known: --key, or "
		    "country pin",
		    origin);
	else if (err != HF_OK ||
		 hf_checkpoint_verify((struct hf_bytes){note, size}, origin,
		     key, &head->size, &head->root) != HF_OK)
		audit_finds(c->a, AUDIT_NO_ENTRY,
		    "checkpoint: is not signed by the ledger key of its "
		    "origin");
	free(note);
	return HF_OK;
}

static enum hf_err check_entries(struct checking *c)
{
	uint8_t *copy = malloc(TILE_BUNDLE_MAX + 1);
	struct progress p = {.out = c->a->out, .what = "verified"};
	struct hf_hash root;
	bool whole = true;
	enum hf_err err = copy == NULL ? HF_NOMEM : HF_OK;

	while (err == HF_OK && whole && c->a->entries < c->a->head.size) {
		err = next_bundle(c, copy, &whole);
		progress_show(&p, c->a->entries, c->a->head.size);
	}
	progress_end(&p);
	free(copy);
	if (err != HF_OK)
		return err;
	if (c->a->entries < c->a->head.size) {
		audit_finds(c->a, c->a->entries,
		    "nothing from here on was judged: the checkpoint covers "
		    "%llu entries",
		    (unsigned long long)c->a->head.size);
		return HF_OK;
	}
	err = tiles_end(&c->tiles);
	root = hf_frontier_root(&c->tree);
	if (err == HF_OK && !c->told &&
	    memcmp(&root, &c->a->head.root, sizeof(root)) != 0)
		audit_finds(c->a, AUDIT_NO_ENTRY,
		    "the tree does not hash to the checkpoint");
	return err;
}

enum hf_err tlog_check(struct audit *a, const char *dir,
    const struct roster *roster, const struct hf_key *key)
{
	struct checking *c = calloc(1, sizeof(*c));
	enum hf_err err;

	if (c == NULL)
		return HF_NOMEM;
	c->a = a;
	c->dir = dir;
	c->tiles.take = compare;
	c->tiles.ctx = c;
	err = strlen(dir) >= HOME_PATH_MAX ? HF_FILE
					   : read_checkpoint(c, roster, key);
	if (err == HF_OK && a->found.count == 0)
		err = check_entries(c);
	free(c);
	return err;
}
