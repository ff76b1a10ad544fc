/*
 * Two ledgers of one exchange, with acts taken out at random: exactly those
 * are named, whether both archives are here or only a summary of one.
 */
#include "client/reconcile.h"
#include "proto/crypto.h"
#include "tests/client/world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 40u
#define END_MS (WORLD_START + 40 * D_MS)

static const char *const countries[2] = {"JP", "US"};

struct outcome {
	struct texts found, wanted;
	unsigned ranges;
	struct {
		struct hf_id from, until;
	} range[256];
};

static const char *id_hex(const struct hf_id *id)
{
	static char hex[2 * HF_ID_SIZE + 1];

	hf_hex(hex, id, sizeof(*id));
	return hex;
}

static enum hf_err add_row(void *ctx, const struct reconcile_row *r)
{
	static const char *const what[] = {
	    "missing", "differs", "refused", "later", "range"};
	struct outcome *o = ctx;

	if (r->what == RECONCILE_RANGE) {
		cr_assert_lt(o->ranges, 256);
		o->range[o->ranges].from = r->act;
		o->range[o->ranges++].until = r->until;
		return HF_OK;
	}
	if (!r->known)
		texts_add(&o->found, "%s %s in %s", what[r->what],
		    id_hex(&r->act), r->lacks.s);
	else
		texts_add(&o->found, "%s %s in %s: %u of %s", what[r->what],
		    id_hex(&r->act), r->lacks.s, r->kind,
		    r->ref[0] != '\0' ? r->ref : "-");
	return HF_OK;
}

/* Lives of cases between the two, and one at home that is nobody's. */
static void exchange(struct world *w, unsigned cases)
{
	for (unsigned i = 0; i < cases; i++) {
		bool ours = chance_below(&w->chance, 2) == 0;
		unsigned n, notes = (unsigned)chance_below(&w->chance, 5);

		w->now_ms = WORLD_START + chance_below(&w->chance, 20 * D_MS);
		n = world_open(w, HF_KIND_REQUEST, HF_PRESERVATION,
		    ours ? "jp.ncp" : "us.ncp",
		    i == 0 && ours ? "jp.isp"
		    : ours         ? "us.ncp"
				   : "jp.ncp",
		    0, NULL);
		w->now_ms += 1000;
		world_accept(w, n, 60 * D_MS);
		while (notes-- > 0) {
			w->now_ms += 1000;
			world_do(w, n, (unsigned)chance_below(&w->chance, 2),
			    HF_KIND_NOTE, NULL);
		}
	}
	for (unsigned side = 0; side < 2; side++)
		world_state(w, side, END_MS,
		    (struct hf_statement){.type = HF_ENTRY_STOP});
}

static bool is_exchanged(const struct world_act *a)
{
	return a->entry[JP] != 0 && a->entry[US] != 0;
}

/* The reference is known where the opening is. */
static const char *ref_of(
    const struct world *w, const struct world_act *a, bool jp_only)
{
	for (unsigned i = 1; i < w->act_count; i++) {
		const struct world_act *b = &w->act[i];

		if (b->case_no != a->case_no || b->envelope.gen != 1 ||
		    b->envelope.track != HF_TRACK_ASKING)
			continue;
		if (!w->entry[b->entry[JP]].gone ||
		    (!jp_only && !w->entry[b->entry[US]].gone))
			return w->cases[a->case_no].ref;
	}
	return "-";
}

/* Take acts out, spoil signatures, let refusals explain. */
static void spoil(struct world *w)
{
	for (unsigned i = 1; i < w->act_count; i++) {
		struct world_act *a = &w->act[i];
		unsigned side = (unsigned)chance_below(&w->chance, 2);

		if (!is_exchanged(a))
			continue;
		switch (chance_below(&w->chance, 12)) {
		case 0:
			w->entry[a->entry[side]].gone = true;
			a->no_receipt = chance_below(&w->chance, 2) == 0;
			break;
		case 1:
			a->other_sigs[side] = true;
			break;
		}
	}
}

static void want(struct world *w, struct outcome *o, bool summary)
{
	for (unsigned i = 1; i < w->act_count; i++) {
		const struct world_act *a = &w->act[i];
		bool jp, us;

		if (!is_exchanged(a))
			continue;
		jp = !w->entry[a->entry[JP]].gone;
		us = !w->entry[a->entry[US]].gone;
		if (jp && us && a->other_sigs[JP] != a->other_sigs[US])
			texts_add(&o->wanted, "differs %s in US: %u of %s",
			    id_hex(&a->id), a->core.kind,
			    ref_of(w, a, summary));
		else if (jp != us && summary && !jp)
			texts_add(
			    &o->wanted, "missing %s in JP", id_hex(&a->id));
		else if (jp != us)
			texts_add(&o->wanted, "missing %s in %s: %u of %s",
			    id_hex(&a->id), countries[jp ? US : JP],
			    a->core.kind, ref_of(w, a, summary));
	}
}

static void compare(struct world *w, struct outcome *o, struct reconciled *r)
{
	struct archive *a = world_archive(w, JP), *b = world_archive(w, US);
	enum hf_err err = reconcile_archives(a, b, add_row, o, r);

	cr_assert_eq(err, HF_OK, "%s", hf_err_info(err)->name);
	cr_assert_eq(r->unreadable, 0);
	archive_close(a);
	archive_close(b);
}

/* US writes, JP reads. */
static void by_summary(struct world *w, const struct reconcile_span *span,
    struct outcome *o, struct reconciled *r)
{
	struct archive *a = world_archive(w, JP), *b = world_archive(w, US);
	struct hf_country jp = {"JP"};
	FILE *f = tmpfile();
	unsigned line;
	enum hf_err err;

	cr_assert_not_null(f);
	err = reconcile_write(b, jp, span, f, r);
	cr_assert_eq(err, HF_OK, "%s", hf_err_info(err)->name);
	rewind(f);
	err = reconcile_read(a, f, add_row, o, r, &line);
	cr_assert_eq(err, HF_OK, "%s, line %u", hf_err_info(err)->name, line);
	fclose(f);
	archive_close(a);
	archive_close(b);
}

Test(reconcile, names_what_was_taken_from_either_and_nothing_else,
    .timeout = 300)
{
	for (unsigned i = 0; i < SEEDS; i++) {
		uint64_t seed = world_seed(i);
		struct world *w = world_new(seed);
		struct outcome *o = calloc(1, sizeof(*o));
		struct reconciled r;

		cr_assert_not_null(o);
		exchange(w, 1 + (unsigned)chance_below(&w->chance, 40));
		spoil(w);
		want(w, o, false);
		world_write(w);
		compare(w, o, &r);
		cr_assert_eq(r.differences, o->wanted.count);
		texts_equal(&o->found, &o->wanted, seed);
		free(o);
		world_free(w);
	}
}

Test(reconcile, a_summary_of_single_acts_names_them_too, .timeout = 300)
{
	for (unsigned i = 0; i < SEEDS; i++) {
		uint64_t seed = world_seed(i);
		struct world *w = world_new(seed);
		struct outcome *o = calloc(1, sizeof(*o));
		struct reconcile_span span = reconcile_all();
		struct reconciled r;

		cr_assert_not_null(o);
		span.acts = 1;
		exchange(w, 1 + (unsigned)chance_below(&w->chance, 40));
		spoil(w);
		want(w, o, true);
		world_write(w);
		by_summary(w, &span, o, &r);
		cr_assert_eq(o->ranges, 0);
		texts_equal(&o->found, &o->wanted, seed);
		free(o);
		world_free(w);
	}
}

static bool is_in(
    const struct hf_id *id, const struct hf_id *from, const struct hf_id *until)
{
	return memcmp(id, from, sizeof(*id)) >= 0 &&
	       memcmp(id, until, sizeof(*id)) < 0;
}

/* Every range that is named holds a difference, and every difference lies in
 * one, or is named; a summary of that range alone then names it. */
static void narrow(struct world *w, struct outcome *wide, uint64_t seed)
{
	struct outcome *o = calloc(1, sizeof(*o));
	struct reconciled r;

	cr_assert_not_null(o);
	for (unsigned k = 0; k < wide->ranges; k++) {
		struct reconcile_span span = {
		    wide->range[k].from, wide->range[k].until, 1};
		unsigned before = o->found.count;

		by_summary(w, &span, o, &r);
		cr_assert_gt(o->found.count, before, "again: WORLD_SEED=%llu",
		    (unsigned long long)seed);
	}
	cr_assert_eq(o->ranges, 0);
	/* what a range of one or none named outright */
	for (unsigned k = 0; k < wide->found.count; k++)
		texts_add(&o->found, "%s", wide->found.line[k]);
	want(w, o, true);
	texts_equal(&o->found, &o->wanted, seed);
	free(o);
}

Test(reconcile, ranges_narrow_to_every_difference, .timeout = 300)
{
	for (unsigned i = 0; i < SEEDS; i++) {
		uint64_t seed = world_seed(i);
		struct world *w = world_new(seed);
		struct outcome *o = calloc(1, sizeof(*o));
		struct reconcile_span span = reconcile_all();
		struct reconciled r;

		cr_assert_not_null(o);
		span.acts = 2 + (unsigned)chance_below(&w->chance, 20);
		exchange(w, 5 + (unsigned)chance_below(&w->chance, 40));
		spoil(w);
		world_write(w);
		by_summary(w, &span, o, &r);
		narrow(w, o, seed);
		for (unsigned k = 1; k < o->ranges; k++)
			cr_assert(!is_in(&o->range[k].from,
			    &o->range[k - 1].from, &o->range[k - 1].until));
		free(o);
		world_free(w);
	}
}

Test(reconcile, what_explains_itself_is_no_difference)
{
	struct world *w = world_new(5);
	struct outcome *o = calloc(1, sizeof(*o));
	struct reconciled r;
	struct world_act *a;
	unsigned n;

	cr_assert_not_null(o);
	exchange(w, 3);
	/* refused abroad, and said so */
	n = world_open(
	    w, HF_KIND_REQUEST, HF_PRESERVATION, "jp.ncp", "us.ncp", 0, NULL);
	a = &w->act[w->cases[n].last[0]];
	w->entry[a->entry[US]].gone = true;
	a->no_receipt = true;
	w->entry[w->entry_count - 1].statement.code = HF_GENERATION;
	texts_add(&o->wanted, "refused %s in US: 1 of %s", id_hex(&a->id),
	    w->cases[n].ref);
	/* entered at home when the other archive had ended */
	w->now_ms = END_MS + 1;
	n = world_open(
	    w, HF_KIND_REQUEST, HF_PRESERVATION, "jp.ncp", "us.ncp", 0, NULL);
	a = &w->act[w->cases[n].last[0]];
	w->entry[a->entry[US]].gone = true;
	a->no_receipt = true;
	w->entry[w->entry_count - 1].gone = true;
	texts_add(&o->wanted, "later %s in US: 1 of %s", id_hex(&a->id),
	    w->cases[n].ref);
	world_write(w);
	compare(w, o, &r);
	cr_assert_eq(r.differences, 0);
	cr_assert_eq(r.explained, 2);
	texts_equal(&o->found, &o->wanted, 5);
	free(o);
	world_free(w);
}

Test(reconcile, two_archives_of_one_country_are_not_compared)
{
	struct world *w = world_new(1);
	struct archive *a, *b;
	struct reconciled r;

	exchange(w, 2);
	world_write(w);
	a = world_archive(w, JP);
	b = world_archive(w, JP);
	cr_assert_eq(reconcile_archives(a, b, add_row, NULL, &r), HF_USAGE);
	archive_close(a);
	archive_close(b);
	world_free(w);
}

/* ---- the form of a summary ---- */

static enum hf_err read_changed(
    struct world *w, const char *text, size_t size, struct outcome *o)
{
	struct archive *a = world_archive(w, JP);
	FILE *f = tmpfile();
	struct reconciled r;
	unsigned line;
	enum hf_err err;

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(text, 1, size, f), size);
	rewind(f);
	err = reconcile_read(a, f, add_row, o, &r, &line);
	fclose(f);
	archive_close(a);
	return err;
}

/* Cut anywhere it is refused; with any byte of a count or a digest changed it
 * is refused, or tells of a difference: never of nothing. */
Test(reconcile, a_summary_that_was_changed_is_seen, .timeout = 300)
{
	struct world *w = world_new(11);
	struct archive *b;
	struct reconcile_span span = reconcile_all();
	struct reconciled r;
	struct hf_country jp = {"JP"};
	struct outcome *o = calloc(1, sizeof(*o));
	static char text[8192];
	FILE *f = tmpfile();
	size_t size, heading, column = 0;

	cr_assert(o != NULL && f != NULL);
	span.acts = 4;
	exchange(w, 3);
	world_write(w);
	b = world_archive(w, US);
	cr_assert_eq(reconcile_write(b, jp, &span, f, &r), HF_OK);
	archive_close(b);
	rewind(f);
	size = fread(text, 1, sizeof(text), f);
	fclose(f);
	cr_assert_lt(size, sizeof(text));
	cr_assert_eq(read_changed(w, text, size, o), HF_OK);
	cr_assert_eq(o->ranges + o->found.count, 0);
	for (size_t cut = 0; cut < size; cut++)
		cr_assert_eq(
		    read_changed(w, text, cut, o), HF_RANGE, "%zu bytes", cut);
	cr_assert_eq(read_changed(w, text, size + 1, o), HF_RANGE);
	/* beyond the time in the heading, which explains what is later */
	heading =
	    (size_t)(strchr(strchr(strchr(text, '\n') + 1, '\n') + 1, '\n') -
		     text);
	for (size_t at = heading; at < size; at++) {
		char was = text[at];
		enum hf_err err;

		o->ranges = o->found.count = 0;
		text[at] = was == '0' ? '1' : '0';
		err = read_changed(w, text, size, o);
		/* a bound may move where nobody has an act */
		column = text[at - 1] == '\n' ? 0 : column + 1;
		if (err == HF_OK && o->ranges + o->found.count == 0)
			cr_assert(was == text[at] || column < 2 * HF_ID_SIZE,
			    "byte %zu of %zu", at, size);
		text[at] = was;
	}
	free(o);
	world_free(w);
}

Test(reconcile, a_summary_has_one_form)
{
	static const char none[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649"
				   "b934ca495991b7852b855";
	static const struct {
		const char *what, *heading, *tail;
		enum hf_err err;
	} forms[] = {
	    {"right", "holdfast/1/exchange\nUS JP\n5 1\n", "", HF_OK},
	    {"of another version", "holdfast/2/exchange\nUS JP\n5 1\n", "",
		HF_RANGE},
	    {"of others", "holdfast/1/exchange\nUS DE\n5 1\n", "", HF_USAGE},
	    {"of our own", "holdfast/1/exchange\nJP JP\n5 1\n", "", HF_USAGE},
	    {"without a size", "holdfast/1/exchange\nUS JP\n5\n", "", HF_RANGE},
	    {"with a zero before", "holdfast/1/exchange\nUS JP\n05 1\n", "",
		HF_RANGE},
	    {"with CR", "holdfast/1/exchange\r\nUS JP\n5 1\n", "", HF_RANGE},
	    {"with more", "holdfast/1/exchange\nUS JP\n5 1\n", "\n", HF_RANGE},
	};
	/* first digits of the bounds: they must not descend */
	static const char bounds[][4] = {"012", "022", "021", "0f2", "A12"};
	struct world *w = world_new(1);
	struct outcome *o = calloc(1, sizeof(*o));
	char text[1024];
	int n;

	cr_assert_not_null(o);
	world_write(w);
	for (unsigned i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		n = snprintf(text, sizeof(text), "%s%064d 0 %s\n%064d end\n%s",
		    forms[i].heading, 0, none, 1, forms[i].tail);
		cr_assert_eq(read_changed(w, text, (size_t)n, o), forms[i].err,
		    "%s", forms[i].what);
	}
	for (unsigned i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		const char *b = bounds[i];

		n = snprintf(text, sizeof(text),
		    "%s%c%063d 0 %s\n%c%063d 0 %s\n%c%063d end\n",
		    forms[0].heading, b[0], 0, none, b[1], 0, none, b[2], 0);
		cr_assert_eq(read_changed(w, text, (size_t)n, o),
		    i < 2 ? HF_OK : HF_RANGE, "%s", b);
	}
	/* acts between a bound and itself: there is no room for them */
	for (unsigned count = 1; count <= 2; count++) {
		n = snprintf(text, sizeof(text),
		    "%s%064d 0 %s\n1%063d %u %s\n1%063d end\n",
		    forms[0].heading, 0, none, 0, count, none, 0);
		cr_assert_eq(read_changed(w, text, (size_t)n, o), HF_RANGE,
		    "%u acts in a range of nothing", count);
	}
	cr_assert_eq(o->found.count + o->ranges, 0);
	free(o);
	world_free(w);
}
