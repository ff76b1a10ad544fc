#include "tests/client/world.h"

#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define BIT(key) (UINT64_C(1) << (key))
#define TRAVEL_MS 200u

static const char *const names[2] = {"JP", "US"};

uint64_t world_seed(unsigned round)
{
	const char *given = getenv("WORLD_SEED");

	return given != NULL ? strtoull(given, NULL, 10) : 1000 + round;
}

struct world *world_new(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	cr_assert_not_null(w);
	w->chance.state = seed;
	w->act_count = w->entry_count = 1;
	w->now_ms = WORLD_START;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(w->dir[i], sizeof(w->dir[i]), "/tmp/hf-world-XXXXXX");
		cr_assert_not_null(mkdtemp(w->dir[i]));
	}
	return w;
}

void world_free(struct world *w)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -r %s %s", w->dir[0], w->dir[1]);
	cr_assert_eq(system(command), 0);
	free(w);
}

static unsigned side_of(const struct hf_desk *desk)
{
	return strncmp(desk->s, "jp.", 3) == 0 ? JP : US;
}

static struct world_entry *add_entry(
    struct world *w, unsigned side, uint64_t at_ms, unsigned type)
{
	struct world_entry *e = &w->entry[w->entry_count++];

	cr_assert_lt(w->entry_count, WORLD_ENTRIES);
	e->side = side;
	e->at_ms = at_ms;
	e->type = type;
	e->epoch = 1;
	return e;
}

unsigned world_state(
    struct world *w, unsigned side, uint64_t at_ms, struct hf_statement s)
{
	struct world_entry *e = add_entry(w, side, at_ms, s.type);

	e->statement = s;
	if (s.text.size > 0) {
		memcpy(e->text, s.text.data, s.text.size);
		e->statement.text.data = (const uint8_t *)e->text;
	}
	if (s.detail.size == HF_ID_SIZE) {
		memcpy(e->detail.b, s.detail.data, HF_ID_SIZE);
		e->statement.detail.data = e->detail.b;
	}
	return w->entry_count - 1;
}

unsigned world_overdue(struct world *w, unsigned side, unsigned statement,
    unsigned case_no, unsigned due, const char *owes, uint64_t at_ms)
{
	return world_state(w, side, at_ms,
	    (struct hf_statement){.type = statement,
		.subject = w->cases[case_no].id,
		.text = {(const uint8_t *)owes, strlen(owes)},
		.code = due});
}

/* ---- acts ---- */

static void encode(struct world *w, struct world_act *a)
{
	chance_fill(&w->chance, a->envelope.salt, HF_SALT_SIZE);
	cr_assert_eq(hf_envelope_encode(&a->envelope, a->envelope_bytes,
			 sizeof(a->envelope_bytes), &a->envelope_size),
	    HF_OK);
	a->core.envelope =
	    hf_hash(HF_TAG_ENVELOPE, a->envelope_bytes, a->envelope_size);
	cr_assert_eq(hf_core_encode(&a->core, a->core_bytes,
			 sizeof(a->core_bytes), &a->core_size),
	    HF_OK);
	a->digest =
	    hf_core_digest((struct hf_bytes){a->core_bytes, a->core_size});
	a->id = hf_act_id(a->core.created, &a->digest);
}

static void enter(struct world *w, unsigned act)
{
	struct world_act *a = &w->act[act];
	unsigned home = side_of(&a->envelope.from);
	unsigned abroad = side_of(&a->envelope.to);

	add_entry(
	    w, home, w->now_ms, a->machine ? HF_ENTRY_MACHINE : HF_ENTRY_OWN)
	    ->act = act;
	a->entry[home] = w->entry_count - 1;
	if (home == abroad || a->envelope.track > HF_TRACK_ASKED)
		return;
	add_entry(w, abroad, w->now_ms + TRAVEL_MS, HF_ENTRY_FOREIGN)->act =
	    act;
	a->entry[abroad] = w->entry_count - 1;
	world_state(w, home, w->now_ms + 2 * TRAVEL_MS,
	    (struct hf_statement){.type = HF_ENTRY_DELIVERED,
		.subject = a->id,
		.text = {(const uint8_t *)names[abroad], 2}});
}

static void set_chain(
    struct world *w, const struct world_case *c, struct world_act *a)
{
	static const unsigned seen[4] = {1, 0, 0, 1};
	struct hf_envelope *e = &a->envelope;
	unsigned other = seen[e->track];

	e->gen = c->gen[e->track] + 1;
	e->seen_gen = c->gen[other];
	if (e->gen > 1) {
		e->present |= BIT(HF_E_PREV);
		e->prev = w->act[c->last[e->track]].digest;
	}
	if (e->seen_gen > 0) {
		e->present |= BIT(HF_E_SEEN);
		e->seen = w->act[c->last[other]].digest;
	}
}

static unsigned make(struct world *w, unsigned case_no, unsigned track,
    unsigned kind, const struct hf_envelope *set)
{
	struct world_case *c = &w->cases[case_no];
	struct world_act *a = &w->act[w->act_count];
	const struct hf_kind_info *info = hf_kind_info(kind);
	bool asking =
	    track == HF_TRACK_ASKING || track == HF_TRACK_INNER_ASKING;
	struct hf_envelope *e = &a->envelope;

	cr_assert_lt(w->act_count + 1, WORLD_ACTS);
	if (set != NULL)
		*e = *set;
	e->present |= BIT(HF_E_SALT) | BIT(HF_E_FROM) | BIT(HF_E_TO) |
		      BIT(HF_E_TRACK) | BIT(HF_E_GEN) | BIT(HF_E_SEEN_GEN) |
		      BIT(HF_E_POLICY) | BIT(HF_E_ROSTER);
	e->from = asking ? c->from : c->to;
	e->to = track > HF_TRACK_ASKED ? e->from : asking ? c->to : c->from;
	e->track = track;
	e->roster = 1;
	set_chain(w, c, a);
	if (c->gen[0] > 0) {
		e->present |= BIT(HF_E_CASE);
		e->case_id = c->id;
	}
	a->core.suite = 1;
	a->core.kind = kind;
	a->core.created.ms = w->now_ms;
	a->case_no = case_no;
	a->machine = info != NULL && info->machine;
	encode(w, a);
	c->gen[track]++;
	c->last[track] = w->act_count;
	enter(w, w->act_count);
	return w->act_count++;
}

unsigned world_do(struct world *w, unsigned case_no, unsigned track,
    unsigned kind, const struct hf_envelope *set)
{
	return make(w, case_no, track, kind, set);
}

unsigned world_open(struct world *w, unsigned kind, unsigned measure,
    const char *from, const char *to, unsigned lineage,
    const struct hf_id *basis)
{
	struct world_case *c = &w->cases[w->case_count];
	struct hf_envelope e = {
	    .present = BIT(HF_E_MEASURE) | BIT(HF_E_BASIS) | BIT(HF_E_RULES) |
		       BIT(HF_E_NOT_AFTER) | BIT(HF_E_URGENCY) |
		       BIT(HF_E_CATEGORIES)};
	bool home = strncmp(from, to, 2) == 0;
	unsigned act;

	cr_assert_lt(w->case_count, WORLD_CASES);
	c->profile = hf_profile_by_name(home ? "domestic" : "budapest");
	snprintf(c->from.s, sizeof(c->from.s), "%s", from);
	snprintf(c->to.s, sizeof(c->to.s), "%s", to);
	e.measure = measure;
	e.basis = c->profile->basis;
	e.rules_version = 1;
	e.rules_profile = c->profile->digest;
	e.not_after.ms = w->now_ms + c->profile->ask_s * 1000;
	e.categories = HF_TRAFFIC;
	if (lineage != 0) {
		e.present |= BIT(HF_E_LINEAGE);
		e.lineage_count = 1;
		e.lineage[0].type = lineage;
		e.lineage[0].id = *basis;
	}
	act = make(w, w->case_count, HF_TRACK_ASKING, kind, &e);
	c->id = w->act[act].id;
	hf_ref(c->ref, hf_desk_country(&c->from), w->act[act].core.created,
	    &w->act[act].digest);
	return w->case_count++;
}

static void answer_to(struct hf_envelope *e, const struct hf_id *re)
{
	e->present |= BIT(HF_E_RE);
	e->re = *re;
}

unsigned world_acknowledge(struct world *w, unsigned case_no)
{
	const struct world_case *c = &w->cases[case_no];
	struct hf_envelope e = {.present = BIT(HF_E_RULES)};

	e.rules_version = 1;
	e.rules_profile = c->profile->digest;
	answer_to(&e, &c->id);
	return world_do(w, case_no, HF_TRACK_ASKED, HF_KIND_ACKNOWLEDGE, &e);
}

unsigned world_accept(struct world *w, unsigned case_no, uint64_t hold_ms)
{
	struct hf_envelope e = {
	    .present = BIT(HF_E_CATEGORIES) | BIT(HF_E_TERM)};

	e.categories = HF_TRAFFIC;
	e.term_from.ms = w->now_ms;
	e.term_until.ms = w->now_ms + hold_ms;
	answer_to(&e, &w->cases[case_no].id);
	return world_do(w, case_no, HF_TRACK_ASKED, HF_KIND_ACCEPT, &e);
}

unsigned world_withdraw(struct world *w, unsigned case_no)
{
	return world_do(w, case_no, HF_TRACK_ASKING, HF_KIND_WITHDRAW, NULL);
}

/* ---- archives ---- */

static struct world *sorting; /* qsort has no context */

static int compare_entries(const void *x, const void *y)
{
	unsigned i = *(const unsigned *)x, k = *(const unsigned *)y;
	const struct world_entry *a = &sorting->entry[i];
	const struct world_entry *b = &sorting->entry[k];

	if (a->at_ms != b->at_ms)
		return a->at_ms < b->at_ms ? -1 : 1;
	return (i > k) - (i < k);
}

static struct hf_bytes sigs_of(
    const struct world_act *a, unsigned side, uint8_t out[8])
{
	out[0] = 0x90;
	out[1] = 0x01;
	return (struct hf_bytes){out, a->other_sigs[side] ? 2 : 1};
}

static size_t leaf_of(const struct world *w, const struct world_entry *e,
    uint8_t out[HF_LEDGER_LEAF_MAX])
{
	struct hf_ledger_leaf l = {.type = e->type,
	    .epoch = e->epoch,
	    .entered = {e->at_ms},
	    .bound_ms = 5};
	uint8_t bytes[HF_PAYLOAD_MAX], sigs[8];
	size_t size;

	if (e->act != 0) {
		const struct world_act *a = &w->act[e->act];
		struct hf_bytes s = sigs_of(a, e->side, sigs);

		l.id = a->id;
		l.core = a->digest;
		l.envelope = a->core.envelope;
		l.sigs = hf_hash(HF_TAG_SIGS, s.data, s.size);
	} else {
		cr_assert_eq(hf_statement_encode(
				 &e->statement, bytes, sizeof(bytes), &size),
		    HF_OK);
		l.id = e->statement.subject;
		l.core = hf_hash(HF_TAG_STATEMENT, bytes, size);
	}
	cr_assert_eq(
	    hf_ledger_leaf_encode(&l, out, HF_LEDGER_LEAF_MAX, &size), HF_OK);
	return size;
}

/* Of an entry of the other ledger; its head is not signed. */
static size_t receipt_of(const struct world *w, const struct world_entry *of,
    uint64_t home_ms, uint8_t out[HF_RECEIPT_MAX])
{
	static const char note[] = "a head";
	struct world_entry e = *of;
	uint8_t leaf[HF_LEDGER_LEAF_MAX];
	size_t leaf_size, size;

	if (home_ms != 0)
		e.at_ms = home_ms;
	leaf_size = leaf_of(w, &e, leaf);
	cr_assert_eq(
	    hf_receipt_encode((struct hf_bytes){leaf, leaf_size}, of->index,
		NULL, 0, (struct hf_bytes){(const uint8_t *)note, 6}, out,
		HF_RECEIPT_MAX, &size),
	    HF_OK);
	return size;
}

static void write_frame(FILE *f, const struct pack *p)
{
	uint8_t be[4] = {0, 0, (uint8_t)(p->at >> 8), (uint8_t)p->at};

	cr_assert_eq(p->err, HF_OK);
	cr_assert_eq(fwrite(be, 1, 4, f), 4);
	cr_assert_eq(fwrite(p->data, 1, p->at, f), p->at);
}

static void write_entry(
    const struct world *w, const struct world_entry *e, FILE *f)
{
	uint8_t leaf[HF_LEDGER_LEAF_MAX], payload[HF_RECEIPT_MAX];
	uint8_t frame[8192], sigs[8];
	size_t payload_size = 0, leaf_size = leaf_of(w, e, leaf);
	struct pack p;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 5);
	pack_bin(&p, leaf, leaf_size);
	if (e->act != 0) {
		const struct world_act *a = &w->act[e->act];
		struct hf_bytes s = sigs_of(a, e->side, sigs);
		unsigned home = a->entry[1 - e->side];

		pack_bin(&p, a->core_bytes, a->core_size);
		pack_bin(&p, a->envelope_bytes, a->envelope_size);
		pack_bin(&p, s.data, s.size);
		if (e->type == HF_ENTRY_FOREIGN)
			payload_size =
			    receipt_of(w, &w->entry[home], e->home_ms, payload);
	} else {
		pack_bin(&p, NULL, 0);
		pack_bin(&p, NULL, 0);
		pack_bin(&p, NULL, 0);
		cr_assert_eq(hf_statement_encode(&e->statement, payload,
				 sizeof(payload), &payload_size),
		    HF_OK);
	}
	pack_bin(&p, payload, payload_size);
	write_frame(f, &p);
}

static void write_receipts(const struct world *w, unsigned side, FILE *f)
{
	for (unsigned i = 1; i < w->act_count; i++) {
		const struct world_act *a = &w->act[i];
		unsigned there = a->entry[1 - side];
		uint8_t frame[8192], receipt[HF_RECEIPT_MAX];
		struct pack p;
		size_t size;

		if (side_of(&a->envelope.from) != side || there == 0 ||
		    a->no_receipt)
			continue;
		size = receipt_of(w, &w->entry[there], 0, receipt);
		pack_init(&p, frame, sizeof(frame));
		pack_array(&p, 3);
		pack_bin(&p, a->id.b, HF_ID_SIZE);
		pack_text(&p, names[1 - side]);
		pack_bin(&p, receipt, size);
		write_frame(f, &p);
	}
}

static FILE *open_file(const struct world *w, unsigned side, const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", w->dir[side], name);
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	return f;
}

void world_write(struct world *w)
{
	static unsigned order[WORLD_ENTRIES];
	uint64_t next[2] = {0, 0};
	FILE *f[2];

	for (unsigned i = 1; i < w->entry_count; i++)
		order[i - 1] = i;
	sorting = w;
	qsort(order, w->entry_count - 1, sizeof(*order), compare_entries);
	/* what is gone had its index in the true ledger: receipts tell it */
	for (unsigned i = 0; i + 1 < w->entry_count; i++) {
		struct world_entry *e = &w->entry[order[i]];

		e->index = next[e->side]++;
	}
	for (unsigned side = 0; side < 2; side++) {
		f[side] = open_file(w, side, "head");
		fprintf(f[side], "holdfast/%s/1\n%u\n", names[side],
		    (unsigned)next[side]);
		fclose(f[side]);
		f[side] = open_file(w, side, "ledger");
	}
	for (unsigned i = 0; i + 1 < w->entry_count; i++)
		if (!w->entry[order[i]].gone)
			write_entry(
			    w, &w->entry[order[i]], f[w->entry[order[i]].side]);
	for (unsigned side = 0; side < 2; side++) {
		fclose(f[side]);
		f[side] = open_file(w, side, "receipts");
		write_receipts(w, side, f[side]);
		fclose(f[side]);
	}
}

struct archive *world_archive(const struct world *w, unsigned side)
{
	struct archive *a;

	cr_assert_eq(archive_open(&a, w->dir[side]), HF_OK);
	return a;
}

/* ---- texts ---- */

void texts_add(struct texts *t, const char *format, ...)
{
	va_list args;

	cr_assert_lt(t->count, sizeof(t->line) / sizeof(*t->line));
	va_start(args, format);
	vsnprintf(t->line[t->count++], sizeof(*t->line), format, args);
	va_end(args);
}

static int compare_lines(const void *x, const void *y)
{
	return strcmp(x, y);
}

void texts_equal(struct texts *found, struct texts *wanted, uint64_t seed)
{
	unsigned i = 0, k = 0, wrong = 0;

	qsort(found->line, found->count, sizeof(*found->line), compare_lines);
	qsort(
	    wanted->line, wanted->count, sizeof(*wanted->line), compare_lines);
	while (i < found->count || k < wanted->count) {
		int order = i == found->count ? 1
			    : k == wanted->count
				? -1
				: strcmp(found->line[i], wanted->line[k]);

		if (order < 0)
			fprintf(stderr, "seed %llu: too much: %s\n",
			    (unsigned long long)seed, found->line[i]);
		if (order > 0)
			fprintf(stderr, "seed %llu: not found: %s\n",
			    (unsigned long long)seed, wanted->line[k]);
		wrong += order != 0;
		i += order <= 0;
		k += order >= 0;
	}
	cr_assert_eq(wrong, 0, "again: WORLD_SEED=%llu test-client",
	    (unsigned long long)seed);
}
