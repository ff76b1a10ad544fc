/*
 * cmd_bundle: request export, request verify.
 */
#include "client/bundle.h"

#include "client/opening.h"
#include "proto/crypto.h"
#include "proto/ref.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const titles[BUNDLE_KINDS] = {
    [BUNDLE_MANIFEST] = "Manifest",
    [BUNDLE_SIGNATURE] = "Exporter",
    [BUNDLE_PINS] = "Roots",
    [BUNDLE_DOCUMENTS] = "Documents",
    [BUNDLE_ACTS] = "Acts",
    [BUNDLE_FIELDS] = "Fields",
    [BUNDLE_RECEIPTS] = "Receipts",
    [BUNDLE_LIFE] = "Life",
    [BUNDLE_PAGES] = "Pages",
};

/* ---- the report ---- */

static void detail(const struct bundle *b, enum bundle_kind kind, bool anchored,
    char *out, size_t capacity)
{
	unsigned n = b->checked[kind];

	switch (kind) {
	case BUNDLE_MANIFEST:
		snprintf(out, capacity, "%u files hashed", n);
		break;
	case BUNDLE_SIGNATURE:
		snprintf(out, capacity, "signed by %s, %s",
		    b->officer == NULL ? "an unknown desk" : b->officer->desk.s,
		    b->officer == NULL ? "unknown" : b->officer->name);
		break;
	case BUNDLE_PINS:
		snprintf(out, capacity, "%u countries, %s", n,
		    anchored ? "pinned here"
			     : "NOT all pinned here: the bundle's own word");
		break;
	case BUNDLE_DOCUMENTS:
		snprintf(out, capacity, "%u signed under these roots", n);
		break;
	case BUNDLE_ACTS:
		snprintf(out, capacity,
		    "%u signed, their officers in the documents then", n);
		break;
	case BUNDLE_FIELDS:
		snprintf(out, capacity, "%u shown, %u withheld",
		    b->fields_shown, b->fields_withheld);
		break;
	case BUNDLE_RECEIPTS:
		snprintf(out, capacity, "%u receipts and heads, %u proof files",
		    n, b->proofs);
		break;
	case BUNDLE_LIFE:
		snprintf(out, capacity, "%u acts lead to: %s", n,
		    hf_code_name(HF_CODES_STATE, b->view->state));
		break;
	case BUNDLE_PAGES:
		snprintf(out, capacity, "%u say what the acts say", n);
		break;
	case BUNDLE_KINDS:
		break;
	}
}

static void print_findings(const struct bundle *b, bool notes)
{
	for (unsigned i = 0; i < b->finding_count; i++) {
		const struct bundle_finding *f = &b->findings[i];
		char what[2 * sizeof(f->what)];

		if (f->note != notes)
			continue;
		out_safe(what, sizeof(what), f->what, strlen(f->what));
		printf("  %s %s: %s\n",
		    f->note ? "note " : hf_err_info(f->err)->name, f->member,
		    what);
	}
}

static void print_words(const struct bundle *b, const struct roster *mine)
{
	for (unsigned i = 0; i < b->pin_count; i++) {
		char words[256];

		if (mine != NULL &&
		    roster_root(mine, b->pins[i].country) != NULL)
			continue;
		hf_key_words(words, sizeof(words), &b->pins[i].root);
		printf("  %s  %s\n", b->pins[i].country.s, words);
	}
}

/* Whose word the roots are is told apart. */
static unsigned count_notes(const struct bundle *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->finding_count; i++)
		n += b->findings[i].note && b->findings[i].kind != BUNDLE_PINS;
	return n;
}

static void print_report(
    const struct bundle *b, const struct roster *mine, bool anchored)
{
	if (b->view->ref[0] != '\0')
		printf("%s  %s -> %s\n", b->view->ref, b->view->from.s,
		    b->view->to.s);
	for (unsigned i = 0; i < BUNDLE_KINDS; i++) {
		char text[160];

		detail(b, (enum bundle_kind)i, anchored, text, sizeof(text));
		printf("%-10s %-54s %s\n", titles[i], text,
		    b->failed[i] == 0 ? "ok" : "FAILED");
	}
	print_findings(b, false);
	print_findings(b, true);
	if (!bundle_ok(b)) {
		printf("Result: do NOT rely on it; what is wrong stands "
		       "above.\n");
	} else if (anchored) {
		printf("Result: whole, and proven under roots that you "
		       "trust%s.\n",
		    count_notes(b) > 0 ? ", but for what the notes say" : "");
	} else {
		printf("Result: whole and consistent, but it rests on roots "
		       "that only the bundle names.\n"
		       "Compare these words with the countries by telephone, "
		       "then repeat with --pin:\n");
		print_words(b, mine);
	}
}

static void json_report(const struct bundle *b, const struct roster *mine,
    bool anchored, const char *path)
{
	json_t *o = json_object(), *checks = json_object();
	json_t *problems = json_array(), *notes = json_array();
	json_t *pins = json_object();

	for (unsigned i = 0; i < BUNDLE_KINDS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%s", titles[i]);
		name[0] = (char)(name[0] - 'A' + 'a');
		json_object_set_new(checks, name,
		    json_pack("{s:b, s:i, s:i}", "ok", b->failed[i] == 0,
			"checked", (int)b->checked[i], "failed",
			(int)b->failed[i]));
	}
	for (unsigned i = 0; i < b->finding_count; i++) {
		const struct bundle_finding *f = &b->findings[i];
		char what[2 * sizeof(f->what)];

		out_safe(what, sizeof(what), f->what, strlen(f->what));
		json_array_append_new(f->note ? notes : problems,
		    json_pack("{s:s, s:s, s:s}", "member", f->member, "error",
			hf_err_info(f->err)->name, "what", what));
	}
	for (unsigned i = 0; i < b->pin_count; i++) {
		const struct hf_key *root =
		    mine == NULL ? NULL : roster_root(mine, b->pins[i].country);

		json_object_set_new(pins, b->pins[i].country.s,
		    json_string(
			root == NULL ? "bundle"
			: memcmp(root, &b->pins[i].root, sizeof(*root)) == 0
			    ? "pinned"
			    : "differs"));
	}
	json_object_set_new(o, "file", json_string(path));
	json_object_set_new(o, "ok", json_boolean(bundle_ok(b)));
	json_object_set_new(o, "anchored", json_boolean(anchored));
	if (b->view->ref[0] != '\0') {
		json_object_set_new(o, "ref", json_string(b->view->ref));
		json_object_set_new(o, "state",
		    json_string(hf_code_name(HF_CODES_STATE, b->view->state)));
	}
	json_object_set_new(o, "roots", pins);
	json_object_set_new(o, "checks", checks);
	json_object_set_new(o, "fields_shown", json_integer(b->fields_shown));
	json_object_set_new(
	    o, "fields_withheld", json_integer(b->fields_withheld));
	json_object_set_new(o, "problems", problems);
	json_object_set_new(o, "notes", notes);
	out_json(o);
}

/* ---- verify ---- */

/* --pin CC=hfr1:..., then what the home pinned, if there is one. */
static int read_pins(struct args *a, struct home *h, struct roster **pins)
{
	const char *given;
	enum hf_err err = home_pins(h, a->home, pins);

	if (err != HF_OK)
		return out_error(&a->out, err, h->problem, NULL, NULL, NULL);
	for (unsigned i = 0; (given = arg_at(a, "pin", i)) != NULL; i++) {
		struct hf_country c = {{0}};
		struct hf_key root;

		if (strlen(given) < 4 || given[2] != '=' ||
		    !hf_country_ok(given, HF_COUNTRY_SIZE) ||
		    hf_keyline_read(&root, HF_KEY_ROOT, given + 3) != HF_OK)
			return out_error(&a->out, HF_USAGE,
			    "--pin wants CC=hfr1:..., a country and its root",
			    given, "nothing was verified", NULL);
		memcpy(c.s, given, HF_COUNTRY_SIZE);
		roster_unpin(*pins, c);
		err = roster_pin(*pins, c, &root);
		if (err != HF_OK)
			return out_error(&a->out, err, NULL, given, NULL, NULL);
	}
	return HF_EXIT_OK;
}

static int open_file(
    struct args *a, const char *path, uint8_t **data, struct bundle **b)
{
	struct tar tar = {0};
	char what[128];
	size_t size, at;
	enum hf_err err = home_read(path, TAR_SIZE_MAX, data, &size);

	if (err != HF_OK)
		return out_error(&a->out, err == HF_TOO_BIG ? err : HF_FILE,
		    NULL, path, "nothing was verified", NULL);
	err = tar_read(&tar, *data, size, &at);
	if (err == HF_OK)
		err = bundle_open(b, &tar);
	if (err == HF_OK || err == HF_MISSING_KEY)
		return HF_EXIT_OK;
	snprintf(what, sizeof(what), "byte %zu: %s", at, hf_err_text(err));
	tar_release(&tar);
	return out_error(
	    &a->out, HF_BUNDLE, what, path, "nothing was verified", NULL);
}

int bundle_verify(struct args *a)
{
	const char *path = a->positional[0];
	struct home home = {0};
	struct roster *mine = NULL;
	struct bundle *b = NULL;
	uint8_t *data = NULL;
	bool anchored;
	int status = HF_EXIT_FAILED;

	if (hf_crypto_init() != HF_OK)
		return out_error(&a->out, HF_INTERNAL, NULL, NULL, NULL, NULL);
	status = read_pins(a, &home, &mine);
	if (status == HF_EXIT_OK)
		status = open_file(a, path, &data, &b);
	if (status == HF_EXIT_OK) {
		assert(b != NULL);
		bundle_check(b);
		bundle_check_pins(b, mine, &anchored);
		if (a->out.mode == OUT_JSON)
			json_report(b, mine, anchored, path);
		else
			print_report(b, mine, anchored);
		status = bundle_ok(b) ? HF_EXIT_OK : HF_EXIT_VERIFY;
	}
	bundle_free(b);
	roster_free(mine);
	free(data);
	return status;
}

/* ---- export ---- */

static bool known_fields(const struct args *a, const char **wrong)
{
	for (unsigned i = 0; (*wrong = arg_at(a, "withhold", i)) != NULL; i++)
		if (hf_field_by_name(*wrong) == NULL)
			return false;
	return true;
}

static int report_export(
    struct args *a, const struct bundle *b, const char *path, size_t size)
{
	unsigned acts = b->view->count[0] + b->view->count[1];

	if (a->out.mode == OUT_JSON)
		out_json(json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:I}", "ref",
		    b->view->ref, "file", path, "members", (int)b->tar.count,
		    "acts", (int)acts, "fields_shown", (int)b->fields_shown,
		    "fields_withheld", (int)b->fields_withheld, "size",
		    (json_int_t)size));
	else
		printf("%s: %u acts, %u fields shown, %u withheld, %u members, "
		       "%zu bytes%s\n",
		    path, acts, b->fields_shown, b->fields_withheld,
		    b->tar.count, size,
		    a->out.dry_run ? " (dry run: not written)" : "");
	if (a->out.mode == OUT_TABLE && !a->out.quiet && !a->out.dry_run)
		printf("Next: holdfast request verify %s\n", path);
	return HF_EXIT_OK;
}

/* What our broker gave us does not hold together: the bundle is written all
 * the same, because it is evidence of that, and its maker is told. */
static int complain(struct args *a, const struct bundle *b, const char *path)
{
	print_findings(b, false);
	return out_error(&a->out, HF_DIVERGENCE,
	    "what the broker gave does not verify", path,
	    a->out.dry_run ? "nothing was written"
			   : "the bundle is written, signed, and says so",
	    "holdfast request verify FILE, and tell the auditor");
}

int bundle_export(struct args *a)
{
	const char *path = arg(a, "out"), *wrong;
	struct session s;
	struct bundle *b = NULL;
	uint8_t *file = NULL;
	size_t size;
	enum hf_err err;
	int status;

	if (path == NULL)
		return usage_error(a, "-o FILE is mandatory");
	if (!known_fields(a, &wrong))
		return out_error(&a->out, HF_USAGE, "--withhold: no such field",
		    wrong, NULL, "holdfast help fields");
	status = session_open(&s, a, true);
	if (status != HF_EXIT_OK)
		return status;
	err = bundle_collect(&b, &s.home, s.link, a->positional[0], a);
	if (err == HF_OK)
		err = tar_write(&b->tar, &file, &size);
	if (err != HF_OK) {
		status = out_error(&a->out, err, NULL, a->positional[0],
		    "nothing was written", NULL);
	} else if (!a->out.dry_run &&
		   home_write(path, file, size, 0600) != HF_OK) {
		status = out_error(
		    &a->out, HF_FILE, NULL, path, "nothing was written", NULL);
	} else {
		status = bundle_ok(b) ? report_export(a, b, path, size)
				      : complain(a, b, path);
	}
	free(file);
	bundle_free(b);
	session_close(&s);
	return status;
}

const struct option_spec bundle_export_options[] = {
    {"out", 'o', true, false, "FILE", "the bundle, a tar file"},
    {"withhold", 0, true, true, "FIELD",
	"leave a field out; it is counted (holdfast help fields)"},
    {NULL, 0, false, false, NULL, NULL},
};
const struct option_spec bundle_verify_options[] = {
    {"pin", 0, true, true, "CC=hfr1:...",
	"a country's root that you trust (besides those of the home)"},
    {NULL, 0, false, false, NULL, NULL},
};
