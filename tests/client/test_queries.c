/*
 * The auditor's questions, asked of two countries' random past in which this
 * test has planted what there is to be found: exactly that is found.
 */
#include "client/finding.h"
#include "client/stats.h"
#include "proto/catalogue.h"
#include "proto/crypto.h"
#include "tests/client/world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define BIT(key) (UINT64_C(1) << (key))
#define SEEDS 25u
#define END_MS (WORLD_START + 40 * D_MS)

/* ---- answers as texts ---- */

static const char *act_hex(const struct hf_id *id)
{
	static char hex[2][2 * HF_ID_SIZE + 1];
	static unsigned which;

	which = 1 - which;
	hf_hex(hex[which], id, sizeof(*id));
	return hex[which] + HF_ID_SIZE;
}

/* What names a finding: the act where there is one, else case and words. */
static enum hf_err add_finding(void *ctx, const struct finding *f)
{
	static const struct hf_id none;
	struct texts *t = ctx;

	if (strcmp(f->what, "no-statement") == 0)
		texts_add(t, "%s %s %llu %s", f->what, f->ref,
		    (unsigned long long)f->at.ms, f->text);
	else if (!finding_same_id(&f->act, &none))
		texts_add(t, "%s act %s", f->what, act_hex(&f->act));
	else if (strcmp(f->what, "missing") == 0)
		texts_add(
		    t, "%s %s %s", f->what, act_hex(&f->case_id), f->text);
	else if (f->ref[0] != '\0')
		texts_add(t, "%s %s until %llu", f->what, f->ref,
		    (unsigned long long)f->until.ms);
	else
		texts_add(t, "%s %llu", f->what, (unsigned long long)f->at.ms);
	return HF_OK;
}

struct outcome {
	struct texts found, wanted;
};

static void ask(struct world *w, unsigned side, struct outcome *a,
    enum hf_err (*find)(struct asking *q))
{
	struct asking q = {.each = add_finding, .ctx = &a->found},
		      peer = {.now = {0}};
	enum hf_err err;

	world_write(w);
	q.archive = world_archive(w, side);
	q.roster = roster_new();
	peer.archive = world_archive(w, 1 - side);
	peer.roster = q.roster;
	if (find == erasures_find)
		q.peer = &peer;
	err = find(&q);
	cr_assert_eq(err, HF_OK, "%s", hf_err_info(err)->name);
	cr_assert_eq(q.unreadable, 0);
	cr_assert_eq(q.cut, 0);
	archive_close(q.archive);
	archive_close(peer.archive);
	roster_free((struct roster *)(uintptr_t)q.roster);
}

/* ---- gaps ---- */

/** What happens to the whole ledger of JP. */
struct times {
	uint64_t blind_from, blind_to; /* without the time; 0: never */
	uint64_t epoch_at;             /* 0: never */
};

static bool one_in(struct world *w, unsigned n)
{
	return chance_below(&w->chance, n) == 0;
}

/* A deadline passes, unless something is done at `done_ms`: JP says so, or,
 * one time in four, does not. */
static void pass(struct world *w, struct outcome *a, const struct times *t,
    unsigned statement, unsigned case_no, unsigned due, uint64_t at_ms,
    uint64_t done_ms)
{
	struct world_case *c = &w->cases[case_no];
	bool asked =
	    due == HF_DUE_REPLY && (statement == HF_ENTRY_PENDING) ==
				       (strncmp(c->from.s, "jp.", 3) == 0);
	const char *owes = asked ? c->from.s : c->to.s;
	uint64_t seen = at_ms, stated;

	if (at_ms >= t->blind_from && at_ms < t->blind_to)
		seen = t->blind_to;
	if (seen >= done_ms)
		return;
	stated = seen + chance_below(&w->chance, 50);
	if (done_ms - seen > BOOK_SLACK_MS && one_in(w, 4)) {
		texts_add(&a->wanted,
		    "no-statement %s %llu deadline %s passed, and no `%s` was "
		    "entered",
		    c->ref, (unsigned long long)at_ms,
		    hf_code_name(HF_CODES_DEADLINE, due),
		    hf_entry_type_name(statement));
		return;
	}
	world_overdue(w, JP, statement, case_no, due, owes, stated);
}

/* Nobody answers, as far as `until_ms`. */
static void pass_opening(struct world *w, struct outcome *a,
    const struct times *t, unsigned n, uint64_t opened_ms, uint64_t ack_ms,
    uint64_t decide_ms)
{
	const struct world_case *c = &w->cases[n];
	const struct hf_profile *p = c->profile;
	bool asked = strncmp(c->to.s, "jp.", 3) == 0;
	unsigned statement = asked ? HF_ENTRY_PENDING : HF_ENTRY_ABSENT;
	uint64_t here = opened_ms + (asked ? 200 : 0);

	if (asked)
		pass(w, a, t, statement, n, HF_DUE_PENDING,
		    here + p->pending_s * 1000, decide_ms);
	pass(w, a, t, statement, n, HF_DUE_ACKNOWLEDGE,
	    here + p->acknowledge_s[0] * 1000, ack_ms);
	pass(w, a, t, statement, n, HF_DUE_DECIDE, here + p->decide_s[0] * 1000,
	    decide_ms);
}

static unsigned open_any(struct world *w)
{
	bool ours = one_in(w, 2);

	w->now_ms = WORLD_START + chance_below(&w->chance, 15 * D_MS);
	return world_open(w, HF_KIND_REQUEST, HF_PRESERVATION,
	    ours ? "jp.ncp" : "us.ncp", ours ? "us.ncp" : "jp.ncp", 0, NULL);
}

static void silent(struct world *w, struct outcome *a, const struct times *t)
{
	unsigned n = open_any(w);

	pass_opening(w, a, t, n, w->now_ms, UINT64_MAX, UINT64_MAX);
}

static void slow(struct world *w, struct outcome *a, const struct times *t)
{
	unsigned n = open_any(w);
	uint64_t opened = w->now_ms;

	w->now_ms = opened + 5 * H_MS;
	world_acknowledge(w, n);
	w->now_ms = opened + 90 * H_MS;
	world_accept(w, n, 60 * D_MS);
	pass_opening(w, a, t, n, opened, opened + 5 * H_MS, opened + 90 * H_MS);
}

static void answer_quickly(struct world *w, unsigned n)
{
	w->now_ms += 10 * S_MS;
	world_acknowledge(w, n);
	w->now_ms += 50 * S_MS;
	world_accept(w, n, 60 * D_MS);
}

/* The asked side asks back, and gets no answer. */
static void queried(struct world *w, struct outcome *a, const struct times *t)
{
	unsigned n = open_any(w);
	struct hf_envelope e = {.present = BIT(HF_E_RE) | BIT(HF_E_DUE)};
	bool ours = strncmp(w->cases[n].from.s, "jp.", 3) == 0;

	answer_quickly(w, n);
	w->now_ms += H_MS;
	e.re = w->cases[n].id;
	e.due.ms = w->now_ms + D_MS;
	world_do(w, n, HF_TRACK_ASKED, HF_KIND_QUERY, &e);
	pass(w, a, t, ours ? HF_ENTRY_PENDING : HF_ENTRY_ABSENT, n,
	    HF_DUE_REPLY, e.due.ms, UINT64_MAX);
}

/* Answered in time, with notes of both sides. */
static unsigned talked(struct world *w)
{
	unsigned n = open_any(w), notes = 2;

	notes += (unsigned)chance_below(&w->chance, 6);
	answer_quickly(w, n);
	while (notes-- > 0) {
		w->now_ms += H_MS;
		world_do(w, n, one_in(w, 2) ? HF_TRACK_ASKING : HF_TRACK_ASKED,
		    HF_KIND_NOTE, NULL);
	}
	w->now_ms += H_MS;
	if (one_in(w, 2))
		world_withdraw(w, n);
	return n;
}

static bool is_gone(const struct world *w, const struct world_act *a)
{
	return w->entry[a->entry[JP]].gone;
}

static const struct world_act *act_at(
    const struct world *w, unsigned n, unsigned track, uint32_t gen)
{
	for (unsigned i = 1; i < w->act_count; i++)
		if (w->act[i].case_no == n &&
		    w->act[i].envelope.track == track &&
		    w->act[i].envelope.gen == gen)
			return &w->act[i];
	return NULL;
}

/* Some notes are lost from JP's ledger. */
static void lose_notes(struct world *w, unsigned n)
{
	for (unsigned i = 1; i < w->act_count; i++)
		if (w->act[i].case_no == n &&
		    w->act[i].core.kind == HF_KIND_NOTE && one_in(w, 4))
			w->entry[w->act[i].entry[JP]].gone = true;
}

static bool is_named(
    const struct world *w, unsigned n, unsigned track, uint32_t gen)
{
	for (unsigned i = 1; i < w->act_count; i++) {
		const struct world_act *a = &w->act[i];

		if (a->case_no == n && !is_gone(w, a) &&
		    (a->envelope.track == track ? a->envelope.gen
						: a->envelope.seen_gen) >= gen)
			return true;
	}
	return false;
}

/* The past of an act is its own track before it and what it has seen. */
static bool waits(const struct world *w, const struct world_act *a)
{
	for (unsigned i = 1; i < w->act_count; i++) {
		const struct world_act *b = &w->act[i];

		if (b->case_no == a->case_no && is_gone(w, b) &&
		    (b->envelope.track == a->envelope.track
			    ? b->envelope.gen < a->envelope.gen
			    : b->envelope.gen <= a->envelope.seen_gen))
			return true;
	}
	return false;
}

static void want_holes(struct world *w, struct outcome *a, unsigned n)
{
	for (unsigned track = 0; track < 2; track++)
		for (uint32_t gen = 1; gen <= w->cases[n].gen[track]; gen++) {
			const char *name = track == 0 ? "asking" : "asked";
			uint32_t to = gen;
			const struct world_act *next;

			if (!is_gone(w, act_at(w, n, track, gen)) ||
			    !is_named(w, n, track, gen))
				continue;
			while ((next = act_at(w, n, track, to + 1)) != NULL &&
			       is_gone(w, next) &&
			       is_named(w, n, track, to + 1))
				to++;
			if (to == gen)
				texts_add(&a->wanted,
				    "missing %s %s track: generation %u",
				    act_hex(&w->cases[n].id), name,
				    (unsigned)gen);
			else
				texts_add(&a->wanted,
				    "missing %s %s track: generations %u to %u",
				    act_hex(&w->cases[n].id), name,
				    (unsigned)gen, (unsigned)to);
			gen = to;
		}
	for (unsigned i = 1; i < w->act_count; i++)
		if (w->act[i].case_no == n && !is_gone(w, &w->act[i]) &&
		    waits(w, &w->act[i]))
			texts_add(
			    &a->wanted, "waits act %s", act_hex(&w->act[i].id));
}

/* A note from abroad overtakes the one before it. */
static void overtake(struct world *w, struct outcome *a, unsigned n)
{
	for (unsigned i = 1; i < w->act_count; i++) {
		struct world_act *x = &w->act[i];
		const struct world_act *y =
		    act_at(w, n, x->envelope.track, x->envelope.gen + 1);

		if (x->case_no != n || x->core.kind != HF_KIND_NOTE ||
		    y == NULL || y->core.kind != HF_KIND_NOTE ||
		    strncmp(x->envelope.from.s, "us.", 3) != 0)
			continue;
		w->entry[x->entry[JP]].at_ms =
		    w->entry[y->entry[JP]].at_ms + 100;
		texts_add(&a->wanted, "out-of-order act %s", act_hex(&x->id));
		return;
	}
}

static void lose_receipts(struct world *w, struct outcome *a, unsigned n)
{
	for (unsigned i = 1; i < w->act_count; i++) {
		struct world_act *x = &w->act[i];

		if (x->case_no != n ||
		    strncmp(x->envelope.from.s, "jp.", 3) != 0 || !one_in(w, 4))
			continue;
		x->no_receipt = true;
		texts_add(&a->wanted, "no-receipt act %s", act_hex(&x->id));
	}
}

/* The clock of US falls back by a day, for one note. */
static void turn_back(struct world *w, struct outcome *a, unsigned n)
{
	for (unsigned i = 1; i < w->act_count; i++) {
		struct world_act *x = &w->act[i];

		if (x->case_no != n || x->core.kind != HF_KIND_NOTE ||
		    strncmp(x->envelope.from.s, "us.", 3) != 0)
			continue;
		w->entry[x->entry[JP]].home_ms =
		    w->entry[x->entry[US]].at_ms - 30 * D_MS;
		texts_add(
		    &a->wanted, "index-backwards act %s", act_hex(&x->id));
		return;
	}
}

static void plain(struct world *w, unsigned side, unsigned type, uint64_t code,
    uint64_t at_ms)
{
	world_state(
	    w, side, at_ms, (struct hf_statement){.type = type, .code = code});
}

static void whole_ledger(struct world *w, struct outcome *a, struct times *t)
{
	plain(w, JP, HF_ENTRY_START, 0, WORLD_START - 60 * S_MS);
	plain(w, US, HF_ENTRY_START, 0, WORLD_START - 60 * S_MS);
	if (one_in(w, 2)) {
		t->blind_from = WORLD_START + 2 * D_MS;
		t->blind_to = t->blind_from + D_MS;
		plain(w, JP, HF_ENTRY_CLOCK, 0, t->blind_from);
		plain(w, JP, HF_ENTRY_CLOCK, 1, t->blind_to);
		texts_add(&a->wanted, "clock %llu",
		    (unsigned long long)t->blind_from);
	}
	if (one_in(w, 2)) {
		plain(w, JP, HF_ENTRY_STOP, 0, WORLD_START + 5 * D_MS);
		plain(w, JP, HF_ENTRY_START, 0, WORLD_START + 5 * D_MS + 1);
	}
	if (one_in(w, 2)) {
		plain(w, JP, HF_ENTRY_READ, 0, WORLD_START + 6 * D_MS);
		plain(w, JP, HF_ENTRY_START, 0, WORLD_START + 6 * D_MS);
		texts_add(&a->wanted, "crash %llu",
		    (unsigned long long)(WORLD_START + 6 * D_MS));
	}
	plain(w, JP, HF_ENTRY_STOP, 0, END_MS);
	plain(w, US, HF_ENTRY_STOP, 0, END_MS);
	if (one_in(w, 3))
		t->epoch_at = END_MS;
}

static void gaps_round(uint64_t seed)
{
	struct world *w = world_new(seed);
	struct outcome *a = calloc(1, sizeof(*a));
	struct times t = {0};
	unsigned count, turned = 0;

	cr_assert_not_null(a);
	whole_ledger(w, a, &t);
	count = 5 + (unsigned)chance_below(&w->chance, 20);
	for (unsigned i = 0; i < count; i++) {
		unsigned n;

		switch (chance_below(&w->chance, 8)) {
		case 0:
			silent(w, a, &t);
			break;
		case 1:
			slow(w, a, &t);
			break;
		case 2:
			queried(w, a, &t);
			break;
		case 3:
			n = talked(w);
			lose_notes(w, n);
			want_holes(w, a, n);
			break;
		case 4:
			overtake(w, a, talked(w));
			break;
		case 5:
			lose_receipts(w, a, talked(w));
			break;
		case 6: /* once: the next one back is not before it */
			n = talked(w);
			if (turned++ == 0)
				turn_back(w, a, n);
			break;
		default:
			talked(w);
		}
	}
	if (t.epoch_at != 0) {
		for (unsigned i = 1; i < w->entry_count; i++)
			if (w->entry[i].side == JP &&
			    w->entry[i].at_ms >= t.epoch_at)
				w->entry[i].epoch = 2;
		texts_add(
		    &a->wanted, "epoch %llu", (unsigned long long)t.epoch_at);
	}
	ask(w, JP, a, gaps_find);
	texts_equal(&a->found, &a->wanted, seed);
	free(a);
	world_free(w);
}

Test(queries, gaps_names_every_hole_and_nothing_else, .timeout = 300)
{
	for (unsigned i = 0; i < SEEDS; i++)
		gaps_round(world_seed(i));
}

/* ---- orders and what they rest on ---- */

/** One promise of JP's, and an order beneath. */
enum order_life {
	ORDER_NONE,
	ORDER_SILENT, /* the provider has not answered */
	ORDER_LONG,   /* confirmed, beyond the promise */
	ORDER_SHORT,  /* confirmed, ends before the promise */
	ORDER_EMPTY,  /* accepted, then reported: there is nothing */
	ORDER_GONE,   /* confirmed, withdrawn since */
	ORDER_MASKED, /* confirmed; whose it is, is a commitment */
	ORDER_LIVES
};
enum base_life {
	BASE_HELD,
	BASE_SILENT, /* not accepted */
	BASE_WITHDRAWN,
	BASE_PAST,     /* its hold has ended */
	BASE_FOLLOWED, /* ended, with a follow-up before */
	BASE_LIVES
};

static unsigned make_base(
    struct world *w, enum base_life life, const char *desk, uint64_t *until)
{
	uint64_t hold =
	    life == BASE_PAST || life == BASE_FOLLOWED ? 60 * D_MS : 90 * D_MS;
	unsigned n;

	w->now_ms = WORLD_START + chance_below(&w->chance, D_MS);
	n = world_open(
	    w, HF_KIND_REQUEST, HF_PRESERVATION, "us.ncp", desk, 0, NULL);
	*until = 0;
	if (life == BASE_SILENT)
		return n;
	w->now_ms += 30 * S_MS;
	world_accept(w, n, hold);
	*until = w->now_ms + hold;
	w->now_ms += H_MS;
	if (life == BASE_FOLLOWED)
		world_do(w, n, HF_TRACK_ASKING, HF_KIND_FOLLOW_UP, NULL);
	return n;
}

static void report_nothing(struct world *w, unsigned n)
{
	struct hf_envelope e = {
	    .present = BIT(HF_E_RE) | BIT(HF_E_RESULT) | BIT(HF_E_CATEGORIES),
	    .re = w->cases[n].id,
	    .result = 3, /* never-held */
	    .categories = HF_TRAFFIC};

	world_do(w, n, HF_TRACK_ASKED, HF_KIND_REPORT, &e);
}

static unsigned make_order(struct world *w, enum order_life life, unsigned base,
    const char *desk, uint64_t *until)
{
	struct hf_id commitment;
	unsigned n;

	chance_fill(&w->chance, commitment.b, sizeof(commitment.b));
	w->now_ms += H_MS;
	n = world_open(w, HF_KIND_ORDER, HF_PRESERVATION, desk, "jp.isp",
	    life == ORDER_MASKED ? HF_COMMITMENT : HF_DEPENDENT,
	    life == ORDER_MASKED ? &commitment : &w->cases[base].id);
	*until = 0;
	if (life == ORDER_SILENT)
		return n;
	w->now_ms += 30 * S_MS;
	/* the archive ends after 70 days */
	*until = life == ORDER_SHORT ? 80 * D_MS : 90 * D_MS;
	world_accept(w, n, *until);
	*until += w->now_ms;
	w->now_ms += 30 * S_MS;
	if (life == ORDER_EMPTY)
		report_nothing(w, n);
	if (life == ORDER_GONE)
		world_withdraw(w, n);
	return n;
}

static void want(struct outcome *a, const char *what, const struct world *w,
    unsigned n, uint64_t until)
{
	texts_add(&a->wanted, "%s %s until %llu", what, w->cases[n].ref,
	    (unsigned long long)until);
}

static void cover_case(
    struct world *w, struct outcome *orphans, struct outcome *uncovered)
{
	enum base_life base =
	    (enum base_life)chance_below(&w->chance, BASE_LIVES);
	enum order_life order =
	    (enum order_life)chance_below(&w->chance, ORDER_LIVES);
	bool over = base == BASE_WITHDRAWN;
	uint64_t until, order_until = 0;
	unsigned n, below = 0;
	char desk[24];

	snprintf(desk, sizeof(desk), "jp.d%u", w->case_count);
	n = make_base(w, base, desk, &until);
	if (order != ORDER_NONE)
		below = make_order(w, order, n, desk, &order_until);
	if (over) {
		w->now_ms += H_MS;
		world_withdraw(w, n);
	}
	if (base == BASE_WITHDRAWN || base == BASE_PAST)
		want(orphans, "never-followed", w, n, until);
	if (order == ORDER_MASKED)
		want(orphans, "unknown", w, below, order_until);
	else if (over && order != ORDER_NONE && order != ORDER_GONE)
		want(orphans, "orphan", w, below, order_until);
	if (base != BASE_HELD)
		return;
	if (order == ORDER_MASKED)
		want(uncovered, "unknown", w, n, until);
	else if (order == ORDER_SHORT)
		want(uncovered, "short", w, n, until);
	else if (order != ORDER_LONG)
		want(uncovered, "uncovered", w, n, until);
}

Test(queries, orders_and_promises_that_do_not_meet_are_named, .timeout = 300)
{
	for (unsigned i = 0; i < SEEDS; i++) {
		uint64_t seed = world_seed(i);
		struct world *w = world_new(seed);
		struct outcome *a = calloc(2, sizeof(*a));

		cr_assert_not_null(a);
		for (unsigned k = 0; k < 20; k++)
			cover_case(w, &a[0], &a[1]);
		plain(w, JP, HF_ENTRY_STOP, 0, WORLD_START + 70 * D_MS);
		ask(w, JP, &a[0], orphans_find);
		texts_equal(&a[0].found, &a[0].wanted, seed);
		ask(w, JP, &a[1], uncovered_find);
		texts_equal(&a[1].found, &a[1].wanted, seed);
		free(a);
		world_free(w);
	}
}

/* An order rests on what any of its lineage names; a note adds to it. */
Test(queries, an_order_with_another_live_basis_is_no_orphan)
{
	struct world *w = world_new(7);
	struct outcome *a = calloc(1, sizeof(*a));
	struct hf_envelope note = {.present = BIT(HF_E_LINEAGE)};
	struct hf_id nobody = {{9}};
	uint64_t until, order_until;
	unsigned first, second, order, lost;

	cr_assert_not_null(a);
	first = make_base(w, BASE_HELD, "jp.ncp", &until);
	second = make_base(w, BASE_HELD, "jp.ncp", &until);
	order = make_order(w, ORDER_LONG, first, "jp.ncp", &order_until);
	w->now_ms += H_MS;
	note.lineage_count = 1;
	note.lineage[0].type = HF_DEPENDENT;
	note.lineage[0].id = w->cases[second].id;
	world_do(w, order, HF_TRACK_INNER_ASKING, HF_KIND_NOTE, &note);
	w->now_ms += H_MS;
	world_withdraw(w, first);
	want(a, "never-followed", w, first,
	    w->act[w->cases[first].last[1]].envelope.term_until.ms);
	lost = world_open(w, HF_KIND_ORDER, HF_PRESERVATION, "jp.ncp", "jp.isp",
	    HF_DEPENDENT, &nobody);
	want(a, "orphan", w, lost, 0);
	w->now_ms += H_MS;
	lost = world_open(
	    w, HF_KIND_ORDER, HF_PRESERVATION, "jp.ncp", "jp.isp", 0, NULL);
	want(a, "orphan", w, lost, 0);
	ask(w, JP, a, orphans_find);
	texts_equal(&a->found, &a->wanted, 7);
	memset(a, 0, sizeof(*a));
	ask(w, JP, a, uncovered_find);
	texts_equal(&a->found, &a->wanted, 7); /* second has the order too */
	free(a);
	world_free(w);
}

/* ---- erasures ---- */

static void legal_hold(struct world *w, unsigned n, unsigned choice)
{
	struct hf_envelope e = {.present = BIT(HF_E_CHOICE), .choice = choice};

	world_do(w, n, HF_TRACK_INNER_ASKED, HF_KIND_LEGAL_HOLD, &e);
}

static void certify(struct world *w, unsigned side, unsigned n, uint64_t at_ms)
{
	world_state(w, side, at_ms,
	    (struct hf_statement){.type = HF_ENTRY_ERASED,
		.subject = w->cases[n].id,
		.time = {at_ms}});
}

/* An archive that has what came of certificates: nothing. */
static void no_certificates(const struct world *w, unsigned side)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/certificates", w->dir[side]);
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	cr_assert_eq(fclose(f), 0);
}

static void erasure_case(struct world *w, struct outcome *a, bool fetched)
{
	unsigned life = (unsigned)chance_below(&w->chance, 7), n;
	uint64_t ended, due, asked_ended;

	w->now_ms = WORLD_START + chance_below(&w->chance, D_MS);
	n = world_open(
	    w, HF_KIND_REQUEST, HF_PRESERVATION, "us.ncp", "jp.ncp", 0, NULL);
	if (life == 0)
		return; /* open for ever */
	if (life == 1)
		w->now_ms += 300 * D_MS; /* not long enough ago */
	w->now_ms += H_MS;
	ended = w->now_ms;
	asked_ended = ended + 200; /* as JP saw it */
	due = asked_ended + w->cases[n].profile->retain_s * 1000;
	world_withdraw(w, n);
	w->now_ms += H_MS;
	if (life == 1)
		return;
	if (fetched)
		want(a, "peer-silent", w, n, due);
	if (life == 2 || life == 3)
		legal_hold(w, n, 1);
	if (life == 3) {
		w->now_ms += H_MS;
		legal_hold(w, n, 2);
	}
	if (life == 4)
		certify(w, JP, n, due + 10);
	if (life == 4 || life == 5)
		certify(w, US, n, due - 190);
	if (life == 3 || life == 5 || life == 6)
		want(a, "no-certificate", w, n, due);
	if (life == 2 || life == 3 || life == 6)
		want(a, "peer-no-certificate", w, n, due - 200);
}

Test(queries, erasures_names_what_is_kept_too_long, .timeout = 300)
{
	for (unsigned i = 0; i < SEEDS; i++) {
		uint64_t seed = world_seed(i);
		struct world *w = world_new(seed);
		struct outcome *a = calloc(1, sizeof(*a));
		struct hf_id stray;

		cr_assert_not_null(a);
		for (unsigned k = 0; k < 20; k++)
			erasure_case(w, a, i % 2 == 0);
		if (i % 2 == 0)
			no_certificates(w, JP);
		chance_fill(&w->chance, stray.b, sizeof(stray.b));
		if (one_in(w, 2)) {
			char hex[2 * HF_ID_SIZE + 1];

			world_state(w, JP, WORLD_START + D_MS,
			    (struct hf_statement){
				.type = HF_ENTRY_ERASED, .subject = stray});
			hf_hex(hex, &stray, sizeof(stray));
			texts_add(&a->wanted, "no-case %.16s until 0", hex);
		}
		for (unsigned side = 0; side < 2; side++)
			plain(w, side, HF_ENTRY_STOP, 0,
			    WORLD_START + 400 * D_MS);
		ask(w, JP, a, erasures_find);
		texts_equal(&a->found, &a->wanted, seed);
		free(a);
		world_free(w);
	}
}

/* ---- stats ---- */

static int compare_times(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return (a > b) - (a < b);
}

/* The smallest that so many percent do not exceed. */
static uint64_t quantile(uint64_t *list, unsigned n, unsigned percent)
{
	unsigned k = 0;

	qsort(list, n, sizeof(*list), compare_times);
	while ((k + 1) * 100 < n * percent)
		k++;
	return list[k];
}

Test(queries, stats_are_those_of_the_acts, .timeout = 300)
{
	for (unsigned round = 0; round < SEEDS; round++) {
		uint64_t seed = world_seed(round), ack[2][64], decide[2][64];
		struct world *w = world_new(seed);
		struct asking q = {.each = NULL};
		struct stats *s = calloc(1, sizeof(*s));
		unsigned n[2] = {0, 0}, missed[2] = {0, 0}, cases = 40;

		cr_assert_not_null(s);
		for (unsigned i = 0; i < cases; i++) {
			bool home = one_in(w, 2);
			unsigned c, at = home ? 0 : 1;
			uint64_t opened;

			w->now_ms = WORLD_START + i * D_MS;
			c = world_open(w, HF_KIND_REQUEST, HF_PRESERVATION,
			    "jp.ncp", home ? "jp.two" : "us.ncp", 0, NULL);
			opened = w->now_ms;
			w->now_ms += chance_below(&w->chance, 60 * S_MS);
			world_acknowledge(w, c);
			ack[at][n[at]] = w->now_ms - opened;
			w->now_ms += 1 + chance_below(&w->chance, 13 * D_MS);
			world_accept(w, c, 60 * D_MS);
			decide[at][n[at]++] = w->now_ms - opened;
			/* in JP's ledger it comes after its travel */
			missed[at] +=
			    w->now_ms + (home ? 0 : 200) >=
			    opened + w->cases[c].profile->decide_s[0] * 1000 +
				BOOK_SLACK_MS;
			missed[at] += home && w->now_ms >= opened + 120 * S_MS +
							       BOOK_SLACK_MS;
		}
		plain(w, JP, HF_ENTRY_STOP, 0, WORLD_START + 100 * D_MS);
		world_write(w);
		q.archive = world_archive(w, JP);
		q.roster = roster_new();
		cr_assert_eq(stats_count(&q, STATS_PEER, s), HF_OK);
		cr_assert_eq(s->count, 2);
		for (unsigned i = 0; i < 2; i++) {
			const struct stats_group *g = &s->group[i];

			cr_assert_str_eq(g->name, i == 0 ? "JP" : "US");
			cr_assert_eq(g->cases, n[i]);
			cr_assert_eq(g->acts, 3 * n[i]);
			cr_assert_eq(g->time[STATS_ACKNOWLEDGE].count, n[i]);
			cr_assert_eq(g->time[STATS_ACKNOWLEDGE].median_ms,
			    quantile(ack[i], n[i], 50));
			cr_assert_eq(g->time[STATS_ACKNOWLEDGE].p95_ms,
			    quantile(ack[i], n[i], 95));
			cr_assert_eq(g->time[STATS_DECIDE].median_ms,
			    quantile(decide[i], n[i], 50), "seed %llu",
			    (unsigned long long)seed);
			cr_assert_eq(g->time[STATS_DECIDE].p95_ms,
			    quantile(decide[i], n[i], 95));
			cr_assert_eq(g->time[STATS_HOP].count, 0);
			cr_assert_eq(g->missed, missed[i], "seed %llu: %s",
			    (unsigned long long)seed, g->name);
			cr_assert_eq(
			    g->kept + g->missed, (i == 0 ? 3 : 2) * n[i]);
		}
		archive_close(q.archive);
		roster_free((struct roster *)(uintptr_t)q.roster);
		free(s);
		world_free(w);
	}
}

Test(queries, stats_group_by_kind_hour_and_weekday)
{
	struct world *w = world_new(3);
	struct asking q = {.each = NULL};
	struct stats *s = calloc(1, sizeof(*s));
	unsigned c;

	cr_assert_not_null(s);
	/* 2026-11-21, a Saturday, 11:02:03 UTC */
	w->now_ms = UINT64_C(1795258923250);
	c = world_open(
	    w, HF_KIND_REQUEST, HF_PRESERVATION, "jp.ncp", "us.ncp", 0, NULL);
	w->now_ms += D_MS + H_MS;
	world_accept(w, c, 60 * D_MS);
	world_write(w);
	q.archive = world_archive(w, JP);
	q.roster = roster_new();
	cr_assert_eq(stats_count(&q, STATS_WEEKDAY, s), HF_OK);
	cr_assert_eq(s->count, 2);
	cr_assert_str_eq(s->group[0].name, "6 Saturday");
	cr_assert_str_eq(s->group[1].name, "7 Sunday");
	cr_assert_eq(s->group[0].time[STATS_DECIDE].median_ms, D_MS + H_MS);
	cr_assert_eq(s->group[1].time[STATS_DECIDE].count, 0);
	cr_assert_eq(stats_count(&q, STATS_HOUR, s), HF_OK);
	cr_assert_str_eq(s->group[0].name, "11");
	cr_assert_str_eq(s->group[1].name, "12");
	cr_assert_eq(stats_count(&q, STATS_KIND, s), HF_OK);
	cr_assert_str_eq(s->group[0].name, "request");
	cr_assert_str_eq(s->group[1].name, "accept");
	cr_assert_eq(s->group[0].missed, 1, "the acknowledgement");
	archive_close(q.archive);
	roster_free((struct roster *)(uintptr_t)q.roster);
	free(s);
	world_free(w);
}

/* ---- archives that cannot be read ---- */

Test(queries, an_archive_without_a_head_is_not_judged)
{
	struct world *w = world_new(1);
	struct asking q = {.each = add_finding};
	char path[128];

	open_any(w);
	world_write(w);
	snprintf(path, sizeof(path), "%s/head", w->dir[JP]);
	cr_assert_eq(remove(path), 0);
	q.archive = world_archive(w, JP);
	q.roster = roster_new();
	cr_assert_eq(gaps_find(&q), HF_NOTFOUND);
	cr_assert_eq(orphans_find(&q), HF_NOTFOUND);
	cr_assert_eq(erasures_find(&q), HF_NOTFOUND);
	archive_close(q.archive);
	roster_free((struct roster *)(uintptr_t)q.roster);
	world_free(w);
}

/* ---- damage ---- */

static enum hf_err count_finding(void *ctx, const struct finding *f)
{
	(void)f;
	++*(unsigned *)ctx;
	return HF_OK;
}

static void flip(struct world *w, const char *name)
{
	char path[128];
	long size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", w->dir[JP], name);
	f = fopen(path, "r+b");
	cr_assert_not_null(f);
	cr_assert_eq(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	for (unsigned i = 0; i < 6 && size > 0; i++) {
		long at = (long)chance_below(&w->chance, (uint64_t)size);

		cr_assert_eq(fseek(f, at, SEEK_SET), 0);
		cr_assert_neq(
		    fputc((int)chance_below(&w->chance, 256), f), EOF);
	}
	cr_assert_eq(fclose(f), 0);
}

static void expect_sane(enum hf_err err, uint64_t seed)
{
	cr_assert(err == HF_OK || err == HF_CORRUPT || err == HF_CHECKPOINT ||
		      err == HF_USAGE,
	    "%s, again: WORLD_SEED=%llu", hf_err_info(err)->name,
	    (unsigned long long)seed);
}

Test(queries, a_damaged_archive_gives_an_answer_or_an_error, .timeout = 300)
{
	static enum hf_err (*const questions[])(struct asking * q) = {
	    gaps_find, orphans_find, uncovered_find, erasures_find};

	for (unsigned i = 0; i < 10 * SEEDS; i++) {
		uint64_t seed = world_seed(i), until;
		struct world *w = world_new(seed);
		struct stats *s = calloc(1, sizeof(*s));
		struct roster *roster = roster_new();
		unsigned found = 0, n;
		struct asking q = {
		    .each = count_finding, .ctx = &found, .roster = roster};

		cr_assert_not_null(s);
		talked(w);
		n = make_base(w, BASE_HELD, "jp.ncp", &until);
		make_order(w, ORDER_LONG, n, "jp.ncp", &until);
		world_write(w);
		flip(w, i % 3 == 0 ? "receipts" : "ledger");
		q.archive = world_archive(w, JP);
		for (unsigned k = 0; k < 4; k++)
			expect_sane(questions[k](&q), seed);
		expect_sane(stats_count(&q, STATS_KIND, s), seed);
		archive_close(q.archive);
		roster_free(roster);
		free(s);
		world_free(w);
	}
}
