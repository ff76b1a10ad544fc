/*
 * tlog: proofs and tiles out of an archive.
 *
 * Neither trusts the archive: a proof is verified before it is given out, a
 * tree is exported only when it hashes to the signed head.  Leaf hashes go
 * through a temporary file, so a large ledger needs no memory.
 */
#include "client/tlog.h"

#include "proto/crypto.h"
#include "proto/merkle.h"
#include "proto/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE (HOME_PATH_MAX + TLOG_PATH_MAX + 32u)

static enum hf_err says(
    char what[JUDGE_TEXT], enum hf_err err, const char *text)
{
	snprintf(what, JUDGE_TEXT, "%s", text);
	return err;
}

static enum hf_err read_head(struct audit *a, char what[JUDGE_TEXT])
{
	char note[HF_NOTE_MAX + 1];
	enum hf_err err = archive_head(a->archive, note);

	if (err == HF_OK)
		err = judge_head_read(&a->head, note, a->roster);
	return err == HF_OK ? err
			    : says(what, err,
				  "the archive has no head that "
				  "its ledger key signed");
}

/* ---- proof ---- */

/* What is looked for, and where it was found. */
struct target {
	bool by_id;
	struct hf_id id;
	uint64_t index;
	bool found;
	uint8_t leaf[HF_LEDGER_LEAF_MAX];
	size_t leaf_size;
};

static bool read_name(struct target *t, const char *name)
{
	size_t size = strlen(name);

	memset(t, 0, sizeof(*t));
	t->by_id = size == 2 * HF_ID_SIZE;
	return t->by_id
		   ? hf_hex_read(t->id.b, sizeof(t->id), name, size) == HF_OK
		   : text_read_uint(&t->index, name, size, UINT64_MAX);
}

static void look(struct target *t, const struct archive_entry *e)
{
	struct hf_ledger_leaf leaf;

	if (t->found)
		return;
	if (t->by_id) {
		if (hf_ledger_leaf_decode(&leaf, e->leaf.data, e->leaf.size) !=
			HF_OK ||
		    !hf_entry_is_act(leaf.type) ||
		    memcmp(&leaf.id, &t->id, sizeof(t->id)) != 0)
			return;
	} else if (e->index != t->index) {
		return;
	}
	t->found = true;
	t->index = e->index;
	t->leaf_size = e->leaf.size;
	memcpy(t->leaf, e->leaf.data, e->leaf.size);
}

/* The leaf hashes under the head, in a file that nobody else sees. */
static enum hf_err collect(struct audit *a, struct target *t, FILE *hashes)
{
	struct archive_entry e;
	uint64_t n = 0;
	enum hf_err err = archive_rewind(a->archive);

	while (err == HF_OK && n < a->head.size &&
	       (err = archive_next(a->archive, &e)) == HF_OK) {
		struct hf_hash h = hf_merkle_leaf(e.leaf.data, e.leaf.size);

		look(t, &e);
		if (fwrite(h.b, sizeof(h.b), 1, hashes) != 1)
			return HF_FILE;
		n++;
	}
	if (err == HF_NOTFOUND)
		return HF_PROOF; /* fewer than the head covers */
	return err == HF_OK && fflush(hashes) != 0 ? HF_FILE : err;
}

/* A complete subtree, from the leaf hashes below it. */
static enum hf_err get_node(
    void *ctx, unsigned level, uint64_t index, struct hf_hash *out)
{
	struct hf_frontier f = {.size = 0};
	uint64_t count = UINT64_C(1) << level;
	FILE *hashes = ctx;
	struct hf_hash h;

	if (fseeko(hashes, (off_t)((index << level) * sizeof(h)), SEEK_SET) !=
	    0)
		return HF_FILE;
	while (f.size < count) {
		enum hf_err err;

		if (fread(h.b, sizeof(h.b), 1, hashes) != 1)
			return HF_NOTFOUND;
		err = hf_frontier_add(&f, &h, NULL, NULL);
		if (err != HF_OK)
			return err;
	}
	*out = hf_frontier_root(&f);
	return HF_OK;
}

static char *write_proof(const struct judge_head *head, const struct target *t,
    const struct hf_hash *path, unsigned count)
{
	const struct hf_receipt r = {
	    .leaf_bytes = {t->leaf, t->leaf_size},
	    .index = t->index,
	    .path = {path->b, count * sizeof(*path)},
	    .note = {(const uint8_t *)head->note, strlen(head->note)},
	};
	char *text = malloc(HF_PROOF_TEXT_MAX);
	size_t size;

	if (text != NULL &&
	    hf_receipt_proof(&r, text, HF_PROOF_TEXT_MAX, &size) == HF_OK)
		return text;
	free(text);
	return NULL;
}

static enum hf_err prove(struct audit *a, struct target *t, FILE *hashes,
    struct tlog_proof *out, char what[JUDGE_TEXT])
{
	struct hf_nodes nodes = {get_node, hashes};
	struct hf_hash path[HF_TREE_DEPTH_MAX], leaf;
	unsigned count;
	enum hf_err err = collect(a, t, hashes);

	if (err == HF_OK && !t->found)
		return says(what, HF_NOTFOUND,
		    "no such entry under the archive's signed head");
	if (err == HF_OK)
		err = hf_merkle_path(
		    &nodes, t->index, a->head.size, path, &count);
	if (err == HF_OK) {
		leaf = hf_merkle_leaf(t->leaf, t->leaf_size);
		err = hf_merkle_verify_path(
		    &leaf, t->index, a->head.size, path, count, &a->head.root);
	}
	if (err != HF_OK)
		return says(what, err,
		    "the archive does not hash to its head: holdfast audit "
		    "verify");
	out->index = t->index;
	out->text = write_proof(&a->head, t, path, count);
	return out->text != NULL ? HF_OK : HF_NOMEM;
}

enum hf_err tlog_prove(struct audit *a, const char *name,
    struct tlog_proof *out, char what[JUDGE_TEXT])
{
	struct target t;
	FILE *hashes;
	enum hf_err err;

	*out = (struct tlog_proof){.text = NULL};
	if (!read_name(&t, name))
		return says(what, HF_USAGE,
		    "an entry is an index, or an act's id of 64 hex digits");
	err = read_head(a, what);
	if (err != HF_OK)
		return err;
	hashes = tmpfile();
	if (hashes == NULL)
		return says(what, HF_FILE, "no room for a temporary file");
	err = prove(a, &t, hashes, out, what);
	fclose(hashes);
	return err;
}

/* ---- tiles ---- */

struct writing {
	const char *dir;
	uint64_t files;
};

/* Make the folders of a path below `dir`. */
static enum hf_err make_parents(char *path, size_t from)
{
	for (size_t i = from; path[i] != '\0'; i++) {
		bool failed;

		if (path[i] != '/')
			continue;
		path[i] = '\0';
		failed = mkdir(path, 0755) != 0 && errno != EEXIST;
		path[i] = '/';
		if (failed)
			return HF_FILE;
	}
	return HF_OK;
}

static enum hf_err write_tile(void *ctx, const struct tile *t)
{
	char path[PATH_SIZE], name[TILE_NAME_MAX];
	struct writing *w = ctx;
	enum hf_err err;
	FILE *file;

	tile_name(name, t);
	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	err = make_parents(path, strlen(w->dir));
	if (err != HF_OK)
		return err;
	file = fopen(path, "we");
	if (file == NULL)
		return HF_FILE;
	if (fwrite(t->data, 1, t->size, file) != t->size)
		err = HF_FILE;
	if (fclose(file) != 0)
		err = HF_FILE;
	if (err != HF_OK)
		home_remove(path);
	w->files++;
	return err;
}

static enum hf_err export_all(
    struct audit *a, struct tiles *t, char what[JUDGE_TEXT])
{
	struct hf_frontier tree = {.size = 0};
	struct archive_entry e;
	struct hf_hash root;
	enum hf_err err = archive_rewind(a->archive);

	while (err == HF_OK && tree.size < a->head.size &&
	       (err = archive_next(a->archive, &e)) == HF_OK) {
		root = hf_merkle_leaf(e.leaf.data, e.leaf.size);
		err = hf_frontier_add(&tree, &root, NULL, NULL);
		if (err == HF_OK)
			err = tiles_add(t, e.leaf);
	}
	if (err == HF_OK)
		err = tiles_end(t);
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	root = hf_frontier_root(&tree);
	if (tree.size != a->head.size ||
	    memcmp(&root, &a->head.root, sizeof(root)) != 0)
		return says(what, HF_PROOF,
		    "the archive does not hash to its head; no checkpoint was "
		    "written: holdfast audit verify");
	return HF_OK;
}

enum hf_err tlog_export(
    struct audit *a, const char *dir, uint64_t *files, char what[JUDGE_TEXT])
{
	struct writing w = {.dir = dir};
	struct tiles *t = calloc(1, sizeof(*t));
	char path[PATH_SIZE];
	enum hf_err err = t == NULL ? HF_NOMEM : read_head(a, what);

	if (err == HF_OK && strlen(dir) >= HOME_PATH_MAX)
		err = HF_FILE;
	if (err == HF_OK && mkdir(dir, 0755) != 0 && errno != EEXIST)
		err = HF_FILE;
	if (err == HF_OK) {
		t->take = write_tile;
		t->ctx = &w;
		err = export_all(a, t, what);
	}
	if (err == HF_OK) {
		snprintf(path, sizeof(path), "%s/checkpoint", dir);
		err =
		    home_write(path, a->head.note, strlen(a->head.note), 0644);
		*files = w.files + 1;
	}
	free(t);
	return err;
}
