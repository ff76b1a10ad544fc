/*
 * bundle_seal: what holds the members together: their order, the manifest,
 * the exporter's signature, and the pages written from them.
 */
#include "client/bundle.h"

#include "client/minisign.h"
#include "proto/crypto.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>

#define LINE_SIZE (2 * HF_HASH_SIZE + 2) /* of a manifest, before the name */

/* What a person opens first stands first; the rest by name. */
static const char *const front[] = {"README.txt", "index.html", "case.json",
    "manifest", "manifest.minisig", "exporter.pub"};
#define FRONT (sizeof(front) / sizeof(*front))

static size_t rank(const char *name)
{
	size_t i = 0;

	while (i < FRONT && strcmp(front[i], name) != 0)
		i++;
	return i;
}

static int by_place(const void *x, const void *y)
{
	const char *a = (*(struct tar_member *const *)x)->name;
	const char *b = (*(struct tar_member *const *)y)->name;
	size_t p = rank(a), q = rank(b);

	return p != q ? (p < q ? -1 : 1) : strcmp(a, b);
}

static int by_name(const void *x, const void *y)
{
	return strcmp((*(struct tar_member *const *)x)->name,
	    (*(struct tar_member *const *)y)->name);
}

/* Neither the manifest itself nor what signs it. */
static bool is_listed(const char *name)
{
	return strncmp(name, "manifest", 8) != 0;
}

/* As sha256sum writes it; malloc'ed. */
static char *write_manifest(const struct tar *t)
{
	struct tar_member **sorted =
	    calloc(t->count + 1u, sizeof(struct tar_member *));
	char *out = malloc(t->count * (LINE_SIZE + TAR_NAME_MAX + 1u) + 1u);
	char *at = out;

	if (sorted != NULL && out != NULL) {
		memcpy(sorted, t->members, t->count * sizeof(*sorted));
		qsort(sorted, t->count, sizeof(*sorted), by_name);
		for (unsigned i = 0; i < t->count; i++) {
			struct hf_hash h = hf_sha256_2(
			    sorted[i]->content, (struct hf_bytes){NULL, 0});

			if (!is_listed(sorted[i]->name))
				continue;
			hf_hex(at, h.b, sizeof(h.b));
			at += 2 * HF_HASH_SIZE;
			at += sprintf(at, "  %s\n", sorted[i]->name);
		}
		*at = '\0';
		free(sorted);
		return out;
	}
	free(sorted);
	free(out);
	return NULL;
}

void bundle_comment(const struct bundle *b, char out[FILE_COMMENT_MAX + 1])
{
	char line[HF_KEYLINE_MAX];

	hf_keyline(line, HF_KEY_OFFICER, &b->exporter);
	snprintf(out, FILE_COMMENT_MAX + 1, "holdfast evidence %s %s %s",
	    b->view->ref, b->officer == NULL ? "-" : b->officer->desk.s, line);
}

/* ---- sealing ---- */

static enum hf_err add_text(struct tar *t, const char *name, const char *text)
{
	return text == NULL ? HF_NOMEM : tar_add(t, name, text, strlen(text));
}

static enum hf_err sign(struct bundle *b, struct signer *signer)
{
	char trusted[FILE_COMMENT_MAX + 1], signature[MINISIGN_TEXT_MAX];
	char *manifest = write_manifest(&b->tar);
	size_t size;
	enum hf_err err = add_text(&b->tar, "manifest", manifest);

	if (err == HF_OK) {
		bundle_comment(b, trusted);
		err = minisign_sign(signature, &size, signer,
		    (struct hf_bytes){
			(const uint8_t *)manifest, strlen(manifest)},
		    trusted);
	}
	if (err == HF_OK)
		err = tar_add(&b->tar, "manifest.minisig", signature, size);
	free(manifest);
	return err;
}

enum hf_err bundle_seal(struct bundle *b, struct signer *signer)
{
	char *json = bundle_case_json(b), *html = bundle_html(b);
	enum hf_err err = add_text(&b->tar, "case.json", json);

	if (err == HF_OK)
		err = add_text(&b->tar, "index.html", html);
	if (err == HF_OK)
		err = add_text(&b->tar, "README.txt", bundle_readme);
	if (err == HF_OK)
		err = sign(b, signer);
	if (err == HF_OK)
		qsort(b->tar.members, b->tar.count, sizeof(*b->tar.members),
		    by_place);
	free(json);
	free(html);
	return err;
}

/* ---- checking ---- */

static void check_order(struct bundle *b)
{
	for (unsigned i = 1; i < b->tar.count; i++)
		if (by_place(&b->tar.members[i - 1], &b->tar.members[i]) >= 0)
			bundle_finds(b, BUNDLE_MANIFEST, false, HF_KEY_ORDER,
			    b->tar.members[i]->name,
			    "stands out of order in the file");
}

/* One line of the manifest: the member is there and has this hash. */
static bool check_line(struct bundle *b, const char *line, size_t size,
    char name[TAR_NAME_MAX + 1])
{
	const struct tar_member *m;
	char hex[2 * HF_HASH_SIZE + 1];
	struct hf_hash h;

	if (size <= LINE_SIZE || size > LINE_SIZE + TAR_NAME_MAX ||
	    memcmp(line + 2 * HF_HASH_SIZE, "  ", 2) != 0)
		return false;
	memcpy(name, line + LINE_SIZE, size - LINE_SIZE);
	name[size - LINE_SIZE] = '\0';
	if (!tar_name_ok(name) || !is_listed(name))
		return false;
	m = tar_find(&b->tar, name);
	if (m == NULL) {
		bundle_finds(b, BUNDLE_MANIFEST, false, HF_NOTFOUND, name,
		    "the manifest names it, and it is missing");
		return true;
	}
	h = hf_sha256_2(m->content, (struct hf_bytes){NULL, 0});
	hf_hex(hex, h.b, sizeof(h.b));
	if (memcmp(hex, line, 2 * HF_HASH_SIZE) != 0)
		bundle_finds(b, BUNDLE_MANIFEST, false, HF_CORRUPT, name,
		    "is not what the manifest says");
	return true;
}

/* Lines ascend, so a member that is passed over is seen at once. */
static void check_manifest(struct bundle *b, struct hf_bytes manifest)
{
	char name[TAR_NAME_MAX + 1], before[TAR_NAME_MAX + 1] = "";
	struct tar_member **sorted =
	    out_must(calloc(b->tar.count + 1u, sizeof(struct tar_member *)));
	const char *at = (const char *)manifest.data;
	const char *end = at + manifest.size;
	unsigned next = 0;

	memcpy(sorted, b->tar.members, b->tar.count * sizeof(*sorted));
	qsort(sorted, b->tar.count, sizeof(*sorted), by_name);
	while (at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));

		if (eol == NULL ||
		    !check_line(b, at, (size_t)(eol - at), name) ||
		    strcmp(before, name) >= 0) {
			bundle_finds(b, BUNDLE_MANIFEST, false, HF_TYPE,
			    "manifest", "a line that is none, or out of order");
			break;
		}
		b->checked[BUNDLE_MANIFEST]++;
		for (; next < b->tar.count &&
		       strcmp(sorted[next]->name, name) <= 0;
		     next++)
			if (is_listed(sorted[next]->name) &&
			    strcmp(sorted[next]->name, name) < 0)
				bundle_finds(b, BUNDLE_MANIFEST, false,
				    HF_UNKNOWN_KEY, sorted[next]->name,
				    "is not in the manifest");
		strcpy(before, name);
		at = eol + 1;
	}
	for (; next < b->tar.count; next++)
		if (is_listed(sorted[next]->name))
			bundle_finds(b, BUNDLE_MANIFEST, false, HF_UNKNOWN_KEY,
			    sorted[next]->name, "is not in the manifest");
	free(sorted);
}

static void check_signature(struct bundle *b, struct hf_bytes manifest)
{
	const struct tar_member *m = tar_find(&b->tar, "manifest.minisig");
	char said[FILE_COMMENT_MAX + 1], meant[FILE_COMMENT_MAX + 1];
	enum hf_err err = HF_NOTFOUND;

	b->checked[BUNDLE_SIGNATURE] = 1;
	if (m != NULL)
		err = minisign_verify(&b->exporter, manifest, m->content, said);
	if (err != HF_OK) {
		bundle_finds(b, BUNDLE_SIGNATURE, false, err,
		    "manifest.minisig", "%s", hf_err_text(err));
		return;
	}
	bundle_comment(b, meant);
	if (strcmp(said, meant) != 0)
		bundle_finds(b, BUNDLE_SIGNATURE, false, HF_SIGNATURE,
		    "manifest.minisig", "signed as: %.100s", said);
}

static void check_page(struct bundle *b, const char *name, const char *text)
{
	const struct tar_member *m = tar_find(&b->tar, name);

	b->checked[BUNDLE_PAGES]++;
	if (m == NULL)
		bundle_finds(b, BUNDLE_PAGES, false, HF_NOTFOUND, name,
		    "the member is missing");
	else if (text == NULL || strlen(text) != m->content.size ||
		 memcmp(text, m->content.data, m->content.size) != 0)
		bundle_finds(b, BUNDLE_PAGES, false, HF_DIVERGENCE, name,
		    "is not what the acts say");
}

/* The facts of a case.json that every version writes alike. */
static void check_facts(struct bundle *b, const json_t *said, const json_t *is)
{
	static const char *const keys[] = {"reference", "case", "side", "from",
	    "to", "opened_by", "measure", "basis", "urgency", "state",
	    "expires_at"};
	static const char *const act_keys[] = {"id", "kind", "track", "gen",
	    "from", "to", "created", "entered", "members"};
	const json_t *x = json_object_get(said, "acts");
	const json_t *y = json_object_get(is, "acts");

	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!json_equal(json_object_get(said, keys[i]),
			json_object_get(is, keys[i])))
			bundle_finds(b, BUNDLE_PAGES, false, HF_DIVERGENCE,
			    "case.json", "%s is not what the acts say",
			    keys[i]);
	if (json_array_size(x) != json_array_size(y))
		bundle_finds(b, BUNDLE_PAGES, false, HF_DIVERGENCE, "case.json",
		    "it counts other acts");
	for (size_t n = 0; n < json_array_size(y); n++)
		for (unsigned i = 0; i < sizeof(act_keys) / sizeof(*act_keys);
		     i++)
			if (!json_equal(json_object_get(
					    json_array_get(x, n), act_keys[i]),
				json_object_get(
				    json_array_get(y, n), act_keys[i])))
				bundle_finds(b, BUNDLE_PAGES, false,
				    HF_DIVERGENCE, "case.json",
				    "act %zu: %s is not what it says", n + 1,
				    act_keys[i]);
}

/* A page of this version is written again and compared byte by byte. */
static void check_pages(struct bundle *b)
{
	const struct tar_member *m = tar_find(&b->tar, "case.json");
	char *json = bundle_case_json(b), *html = bundle_html(b);
	json_t *is = json == NULL ? NULL : json_loads(json, 0, NULL);
	json_t *said = m == NULL
			   ? NULL
			   : json_loadb((const char *)m->content.data,
				 m->content.size, JSON_REJECT_DUPLICATES, NULL);

	if (m != NULL && said == NULL)
		bundle_finds(
		    b, BUNDLE_PAGES, false, HF_TYPE, "case.json", "is no JSON");
	else if (said != NULL)
		check_facts(b, said, is);
	if (said != NULL && !json_equal(json_object_get(said, "made_by"),
				json_object_get(is, "made_by"))) {
		bundle_finds(b, BUNDLE_PAGES, true, HF_VERSION, "index.html",
		    "written by another version: read it as the exporter's "
		    "word");
	} else {
		check_page(b, "case.json", json);
		check_page(b, "index.html", html);
		check_page(b, "README.txt", bundle_readme);
	}
	json_decref(is);
	json_decref(said);
	free(json);
	free(html);
}

void bundle_check(struct bundle *b)
{
	const struct tar_member *m = tar_find(&b->tar, "manifest");

	check_order(b);
	if (m == NULL) {
		bundle_finds(b, BUNDLE_MANIFEST, false, HF_NOTFOUND, "manifest",
		    "the member is missing");
	} else {
		check_manifest(b, m->content);
		check_signature(b, m->content);
	}
	if (b->view->count[0] > 0)
		check_pages(b);
}
