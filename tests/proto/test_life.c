/*
 * Every edge of the life cycle, driven by the table of SPEC 5.13 itself: the
 * test reads it, puts a case into each state the table speaks of, and tries
 * each row there.  What the table leaves to other clauses (the last column
 * of 4.1) stands in `expect_beside`.
 */
#include "tests/proto/life_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* ---- the table ---- */

struct row {
	char name[40];
	char tracks[8];
	char asked[8][8];  /* cells by phase */
	char asking[3][8]; /* cells by phase */
	char needs[40];
};
static struct row rows[64];
static unsigned row_count;

static void trim(char *out, size_t size, const char *from, const char *to)
{
	while (from < to && *from == ' ')
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	cr_assert_lt((size_t)(to - from), size);
	memcpy(out, from, (size_t)(to - from));
	out[to - from] = 0;
}

static void read_row(const char *line)
{
	char cell[14][48] = {{0}};
	struct row *row = &rows[row_count++];

	cr_assert_leq(row_count, 64u);
	for (unsigned i = 0; i < 14; i++) {
		const char *end = strchr(line + 1, '|');

		cr_assert_not_null(end, "a row of 14 cells: %s", line);
		trim(cell[i], sizeof(cell[i]), line + 1, end);
		line = end;
	}
	memcpy(row->name, cell[0], sizeof(row->name));
	memcpy(row->tracks, cell[1], sizeof(row->tracks));
	for (unsigned i = 0; i < 8; i++)
		memcpy(row->asked[i], cell[2 + i], 8);
	for (unsigned i = 0; i < 3; i++)
		memcpy(row->asking[i], cell[10 + i], 8);
	memcpy(row->needs, cell[13], sizeof(row->needs));
}

static void read_table(void)
{
	static const char head[] = "| kind | track | N | K |";
	char line[512];
	bool in = false;
	FILE *f = fopen("proto/SPEC.md", "r");

	cr_assert_not_null(f, "run from the top folder");
	row_count = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, head, sizeof(head) - 1) == 0)
			in = true;
		else if (in && line[0] != '|')
			break;
		else if (in && strncmp(line, "|---", 4) != 0)
			read_row(line);
	}
	fclose(f);
	cr_assert_eq(row_count, 32u, "SPEC 5.13 has %u rows", row_count);
}

static const struct row *row_named(const char *name)
{
	for (unsigned i = 0; i < row_count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	cr_assert_fail("SPEC 5.13 has no row '%s'", name);
	return NULL;
}

/* ---- the states ---- */

struct state {
	unsigned opening, measure;
	enum hf_asked_phase asked;
	enum hf_asking_phase asking;
	bool paused, received, running;
};

static void accept(struct rig *r, const struct state *want)
{
	struct hf_life_act act = rig_accept(r);

	rig_must(r, &act);
	if (want->received) {
		act = rig_make(r, Q, HF_KIND_FOLLOW_UP);
		rig_must(r, &act);
		act = rig_reply(
		    r, S, HF_KIND_FOLLOW_UP_RECEIVED, Q, r->c.asking_count);
		rig_must(r, &act);
	}
	if (want->running) {
		act = rig_reply(r, S, HF_KIND_LIVE_STARTED, Q, 1);
		act.envelope.at.ms = r->now_ms;
		rig_must(r, &act);
	}
}

/** The act that ends the asked side, or 0. */
static unsigned ending(enum hf_asked_phase phase)
{
	static const unsigned kinds[] = {
	    [HF_ASKED_DECLINED] = HF_KIND_DECLINE,
	    [HF_ASKED_ENDED] = HF_KIND_END,
	    [HF_ASKED_EXPIRED] = HF_KIND_EXPIRE,
	    [HF_ASKED_LAPSED] = HF_KIND_LAPSE,
	    [HF_ASKED_UNSUPPORTED] = HF_KIND_UNSUPPORTED,
	};

	return kinds[phase];
}

/** Both sides' ends cross: neither has seen the other's. */
static void end_both(struct rig *r, const struct state *want)
{
	uint32_t seen = r->c.asked_count;
	struct hf_life_act act;

	if (ending(want->asked) != 0) {
		r->now_ms = 1100000;
		act = rig_reply(r, S, ending(want->asked), Q, 1);
		rig_must(r, &act);
	}
	if (want->asking != HF_ASKING_OPEN) {
		act = rig_make(r, Q,
		    want->asking == HF_ASKING_CLOSED ? HF_KIND_CLOSE
						     : HF_KIND_WITHDRAW);
		rig_seen(r, &act, seen);
		rig_must(r, &act);
	}
}

static void build(struct rig *r, const struct state *want)
{
	struct hf_life_act act;

	rig_reset(r);
	rig_open(r, want->opening, want->measure);
	if (want->asked == HF_ASKED_ACKNOWLEDGED) {
		act = rig_reply(r, S, HF_KIND_ACKNOWLEDGE, Q, 1);
		act.envelope.rules_version = 1;
		rig_must(r, &act);
	}
	if (want->asked == HF_ASKED_ACCEPTED || want->asked == HF_ASKED_ENDED ||
	    want->asked == HF_ASKED_EXPIRED)
		accept(r, want);
	if (want->paused) {
		act = rig_reply(r, S, HF_KIND_ADVISE, Q, 1);
		rig_must(r, &act);
	}
	end_both(r, want);
	cr_assert_eq(r->c.s[r->c.asked_folded].phase, want->asked);
	cr_assert_eq(r->c.a[r->c.asking_folded].phase, want->asking);
	cr_assert_eq(hf_case_paused(&r->c), want->paused);
}

static bool holds(const struct state *s)
{
	return s->asked == HF_ASKED_ACCEPTED && s->measure != HF_CONSULT;
}

/** Can there be such a state? */
static bool possible(const struct state *s)
{
	if ((s->received || s->running) && s->asked != HF_ASKED_ACCEPTED)
		return false;
	if (s->received && !holds(s))
		return false;
	if (s->running && s->measure != HF_TRACE_LIVE)
		return false;
	return s->asked != HF_ASKED_EXPIRED || s->measure != HF_CONSULT;
}

static bool needs_met(const struct state *s, const struct row *row)
{
	const char *n = row->needs;

	return (strstr(n, "hold") == NULL || holds(s)) &&
	       (strstr(n, "unpaused") == NULL || !s->paused) &&
	       (strstr(n, "received") == NULL || s->received) &&
	       (strstr(n, "trace") == NULL || s->measure == HF_TRACE_LIVE) &&
	       (strstr(n, "running") == NULL || s->running) &&
	       (strstr(n, "idle") == NULL || !s->running) &&
	       (strstr(n, "order") == NULL || s->opening == HF_KIND_ORDER);
}

static bool cells_allow(const struct state *s, const struct row *row)
{
	return row->asked[s->asked][0] != '.' &&
	       row->asking[s->asking][0] != '.';
}

/* ---- the probes: an act for each row, after what it answers ---- */

static struct hf_life_act after_ask(
    struct rig *r, unsigned ask, unsigned change, unsigned kind)
{
	struct hf_life_act act = rig_make(r, Q, ask);

	act.envelope.change = change;
	act.envelope.categories = 3;
	(void)rig_enter(r, &act);
	act = rig_reply(r, S, kind, Q, r->c.asking_count);
	act.envelope.categories = 3;
	act.envelope.term_until.ms = 1000000 + 90000;
	act.envelope.reason = 7;
	return act;
}

static struct hf_life_act on_opening(struct rig *r, unsigned kind)
{
	struct hf_life_act act = rig_reply(r, S, kind, Q, 1);

	act.envelope.rules_version = 1;
	act.envelope.reason = 7;
	act.envelope.result = 3;
	act.envelope.at.ms = r->now_ms;
	return act;
}

static struct hf_life_act probe_follow_up(struct rig *r, unsigned kind)
{
	struct hf_life_act act;

	if (kind == HF_KIND_FOLLOW_UP_RECEIVED)
		return after_ask(r, HF_KIND_FOLLOW_UP, 0, kind);
	act = on_opening(r, kind);
	for (uint32_t i = 0; i < r->c.asking_count; i++)
		if (r->acts[Q][i].kind == HF_KIND_FOLLOW_UP)
			act.envelope.re = r->acts[Q][i].id;
	act.envelope.choice = 2;
	return act;
}

static struct hf_life_act probe_go_on(struct rig *r)
{
	uint32_t advise = r->c.s[r->c.asked_folded].advise;
	struct hf_life_act act = rig_make(r, Q, HF_KIND_GO_ON);

	if (advise != 0)
		act.envelope.re = r->acts[S][advise - 1].id;
	act.envelope.choice = 1;
	return act;
}

/** Kinds of either track: an own note with an outsider, or a query of the
 * other side's, goes before. */
static struct hf_life_act probe_either(
    struct rig *r, unsigned track, unsigned kind)
{
	unsigned from = kind == HF_KIND_ANSWER ? track ^ 1u : track;
	struct hf_life_act act = rig_make(
	    r, from, kind == HF_KIND_ANSWER ? HF_KIND_QUERY : HF_KIND_NOTE);

	act.envelope.re = r->acts[Q][0].id;
	act.envelope.present |= UINT64_C(1) << HF_E_OUTSIDER;
	(void)rig_enter(r, &act);
	return rig_reply(r, track, kind, from, *rig_count(r, from));
}

static struct hf_life_act probe_machine(struct rig *r, unsigned kind)
{
	r->now_ms = 1100000;
	return rig_reply(r, S, kind, Q, 1);
}

struct probe {
	const char *row;
	unsigned kind, track;
	unsigned ask, change; /* the ask to answer, if not the opening */
};
static const struct probe probes[] = {
    {"amend", HF_KIND_AMEND, Q, 0, 0},
    {"extend", HF_KIND_EXTEND, Q, 0, 0},
    {"follow-up", HF_KIND_FOLLOW_UP, Q, 0, 0},
    {"go-on", HF_KIND_GO_ON, Q, 0, 0},
    {"withdraw", HF_KIND_WITHDRAW, Q, 0, 0},
    {"close", HF_KIND_CLOSE, Q, 0, 0},
    {"release", HF_KIND_RELEASE, Q, 0, 0},
    {"acknowledge", HF_KIND_ACKNOWLEDGE, S, 0, 0},
    {"progress", HF_KIND_PROGRESS, S, 0, 0},
    {"accept, opening", HF_KIND_ACCEPT, S, 0, 0},
    {"accept, extend", HF_KIND_ACCEPT, S, HF_KIND_EXTEND, 0},
    {"accept, widen", HF_KIND_ACCEPT, S, HF_KIND_AMEND, HF_WIDEN},
    {"accept, correct", HF_KIND_ACCEPT, S, HF_KIND_AMEND, HF_CORRECT},
    {"decline, opening", HF_KIND_DECLINE, S, 0, 0},
    {"decline, other ask", HF_KIND_DECLINE, S, HF_KIND_AMEND, HF_WIDEN},
    {"advise", HF_KIND_ADVISE, S, 0, 0},
    {"hop", HF_KIND_HOP, S, 0, 0},
    {"withheld-hop", HF_KIND_WITHHELD_HOP, S, 0, 0},
    {"report", HF_KIND_REPORT, S, 0, 0},
    {"live-started", HF_KIND_LIVE_STARTED, S, 0, 0},
    {"live-stopped", HF_KIND_LIVE_STOPPED, S, 0, 0},
    {"live-impossible", HF_KIND_LIVE_IMPOSSIBLE, S, 0, 0},
    {"follow-up-received", HF_KIND_FOLLOW_UP_RECEIVED, S, 0, 0},
    {"decided", HF_KIND_DECIDED, S, 0, 0},
    {"end", HF_KIND_END, S, 0, 0},
    {"query", HF_KIND_QUERY, Q, 0, 0},
    {"query", HF_KIND_QUERY, S, 0, 0},
    {"answer, note, retract, confirm", HF_KIND_ANSWER, Q, 0, 0},
    {"answer, note, retract, confirm", HF_KIND_ANSWER, S, 0, 0},
    {"answer, note, retract, confirm", HF_KIND_NOTE, Q, 0, 0},
    {"answer, note, retract, confirm", HF_KIND_NOTE, S, 0, 0},
    {"answer, note, retract, confirm", HF_KIND_RETRACT, Q, 0, 0},
    {"answer, note, retract, confirm", HF_KIND_RETRACT, S, 0, 0},
    {"answer, note, retract, confirm", HF_KIND_CONFIRM, Q, 0, 0},
    {"answer, note, retract, confirm", HF_KIND_CONFIRM, S, 0, 0},
    {"expire", HF_KIND_EXPIRE, S, 0, 0},
    {"lapse", HF_KIND_LAPSE, S, 0, 0},
    {"live-timeout", HF_KIND_LIVE_TIMEOUT, S, 0, 0},
    {"unsupported", HF_KIND_UNSUPPORTED, S, 0, 0},
};
#define PROBE_COUNT (sizeof(probes) / sizeof(probes[0]))

static struct hf_life_act make_probe(struct rig *r, const struct probe *p)
{
	if (p->ask != 0)
		return after_ask(r, p->ask, p->change, p->kind);
	if (p->kind == HF_KIND_GO_ON)
		return probe_go_on(r);
	if (p->kind == HF_KIND_ACCEPT)
		return rig_accept(r);
	if (p->kind == HF_KIND_FOLLOW_UP_RECEIVED || p->kind == HF_KIND_DECIDED)
		return probe_follow_up(r, p->kind);
	if (p->kind >= HF_KIND_EXPIRE && p->track == S)
		return probe_machine(r, p->kind);
	if (p->kind >= HF_KIND_QUERY && p->kind <= HF_KIND_CONFIRM)
		return probe_either(r, p->track, p->kind);
	if (p->track == Q)
		return rig_make(r, Q, p->kind);
	return on_opening(r, p->kind);
}

/** What the table allows and another clause forbids, or the table forbids
 * and `re` forbids as well (checks run in the order of SPEC 5.4). */
static unsigned expect_beside(
    const struct state *s, const struct probe *p, unsigned by_table)
{
	bool live = s->asked <= HF_ASKED_ACCEPTED;

	if (p->ask == HF_KIND_EXTEND && by_table != 0)
		/* such an extend is void, so it is no ask */
		return live && s->asking == HF_ASKING_OPEN && !s->paused ? 401
									 : 503;
	if (by_table != 0)
		return by_table;
	if (p->kind == HF_KIND_GO_ON && !s->paused)
		return 401;
	if (p->kind == HF_KIND_ANSWER &&
	    (!live || s->asking == HF_ASKING_CLOSED))
		return 401; /* the query is void */
	if (p->kind == HF_KIND_FOLLOW_UP_RECEIVED && s->received)
		return 401; /* the second follow-up is void */
	if ((p->kind == HF_KIND_FOLLOW_UP || p->kind == HF_KIND_EXPIRE) &&
	    s->received)
		return 503;
	return 0;
}

static const struct row *row_of(const struct state *s, const struct probe *p)
{
	if (p->kind == HF_KIND_END)
		return row_named(s->asking == HF_ASKING_OPEN
				     ? "end, asking open"
				     : "end, not open");
	return row_named(p->row);
}

static void phases_follow(
    struct rig *r, const struct state *s, const struct row *row)
{
	static const char asked[] = "NKADEXLU", asking[] = "OWC";
	const char *cell = row->asked[s->asked];
	enum hf_asked_phase ap = r->c.s[r->c.asked_folded].phase;
	enum hf_asking_phase qp = r->c.a[r->c.asking_folded].phase;

	cr_expect_eq(asked[ap], cell[0] == '=' ? asked[s->asked] : cell[0]);
	cell = row->asking[s->asking];
	cr_expect_eq(asking[qp], cell[0] == '=' ? asking[s->asking] : cell[0]);
}

static void try_probe(
    struct rig *r, const struct state *s, const struct probe *p)
{
	const struct row *row = row_of(s, p);
	uint32_t asking = r->c.asking_count, asked = r->c.asked_count;
	uint64_t now_ms = r->now_ms;
	bool fits = cells_allow(s, row) && needs_met(s, row);
	unsigned want = expect_beside(s, p, fits ? 0 : 503);
	struct hf_life_act act = make_probe(r, p);
	struct hf_hash before = hf_case_digest(&r->c), after;
	unsigned checked, clause;
	enum hf_err err = hf_case_check(&r->c, &act, &checked);

	clause = rig_enter(r, &act);
	cr_expect_eq(clause, want,
	    "%s on track %u in asked %u asking %u paused %d received %d "
	    "running %d measure %u opening %u: clause %u, not %u",
	    row->name, p->track, s->asked, s->asking, s->paused, s->received,
	    s->running, s->measure, s->opening, clause, want);
	cr_expect_eq(checked, clause);
	cr_expect_eq(err, clause == 0 ? HF_OK : HF_NOT_ALLOWED);
	if (clause == 0) {
		phases_follow(r, s, row);
	} else { /* nothing but gen has changed */
		if (p->track == Q)
			r->c.a[r->c.asking_folded].gen--;
		else
			r->c.s[r->c.asked_folded].gen--;
		after = hf_case_digest(&r->c);
		cr_expect_arr_eq(after.b, before.b, sizeof(after.b));
	}
	r->c.asking_count = asking;
	r->c.asked_count = asked;
	r->now_ms = now_ms;
	rig_fold(r);
}

static unsigned try_state(struct rig *r, const struct state *s)
{
	if (!possible(s))
		return 0;
	build(r, s);
	for (unsigned i = 0; i < PROBE_COUNT; i++)
		try_probe(r, s, &probes[i]);
	return 1;
}

Test(life, allows_exactly_what_the_state_table_says)
{
	static const unsigned openings[] = {HF_KIND_REQUEST, HF_KIND_ORDER};
	static const unsigned measures[] = {
	    HF_PRESERVATION, HF_TRACE_LIVE, HF_CONSULT};
	struct rig *r = rig_new();
	unsigned states = 0;

	read_table();
	for (unsigned i = 0; i < 2u * 3 * 8 * 3 * 8; i++) {
		struct state s = {
		    .opening = openings[i & 1],
		    .paused = i >> 1 & 1,
		    .received = i >> 2 & 1,
		    .running = i >> 3 & 1,
		    .asked = (enum hf_asked_phase)(i >> 4 & 7),
		    .asking = (enum hf_asking_phase)((i >> 7) % 3),
		    .measure = measures[(i >> 7) / 3],
		};

		states += try_state(r, &s);
	}
	cr_expect_eq(states, 324u, "%u states", states);
	free(r);
}

Test(life, knows_each_kind_only_on_its_track)
{
	struct rig *r = rig_new();

	rig_open(r, HF_KIND_REQUEST, HF_PRESERVATION);
	for (unsigned kind = 1; kind < 192; kind++) {
		for (unsigned track = Q; track <= S; track++) {
			struct hf_life_act act = rig_make(r, track, kind);
			bool here = false, known = kind == 1 || kind == 2 ||
						   (kind >= 50 && kind <= 52);
			unsigned want, clause;
			enum hf_err err;

			for (unsigned i = 0; i < PROBE_COUNT; i++) {
				known |= probes[i].kind == kind;
				here |= probes[i].kind == kind &&
					probes[i].track == track;
			}
			want = known ? 401 : kind >= HF_KIND_OPTIONAL ? 0 : 106;
			err = hf_case_check(&r->c, &act, &clause);
			cr_expect(clause == 0 ? err == HF_OK : err != HF_OK);
			if (!here)
				cr_expect_eq(clause, want, "kind %u on %u: %u",
				    kind, track, clause);
		}
	}
	free(r);
}
