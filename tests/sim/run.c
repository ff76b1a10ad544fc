/*
 * run: one federation from its seed to its end, in a process of its own.
 */
#include "tests/sim/sim.h"

#include "proto/crypto.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sim *the_sim;
static struct sim_result *told; /* to the parent */
static const char *aloud;

const char *const fault_names[FAULT_COUNT] = {"loss", "replay", "reorder",
    "delay", "cut", "partition", "clog", "crash", "crash-in-turn", "full",
    "write-full", "read-error", "commit-error", "clock-jump", "clock-drift",
    "rotate", "revoke", "byzantine", "desk", "version"};

const char *const mood_names[MOOD_COUNT] = {"storm", "day", "night"};

static const char *const countries[FED_COUNTRIES] = {"JP", "US", "DE", "FR",
    "GB", "IT", "NL", "SE", "NO", "FI", "DK", "PL", "CZ", "AT", "CH", "ES",
    "PT", "GR", "HU", "RO", "BG", "EE", "LV", "LT", "IE", "BE", "CA"};

/* ---- failing ---- */

static _Noreturn void fail(const char *format, va_list args)
{
	if (!told->failed)
		vsnprintf(told->what, sizeof(told->what), format, args);
	told->failed = true;
	fflush(stdout);
	if (aloud != NULL) { /* no parent tells it */
		printf("FAIL %s: %s\n", aloud, told->what);
		fflush(stdout);
	}
	_exit(1);
}

void sim_told(struct sim_result *r, const char *name)
{
	told = r;
	aloud = name;
}

_Noreturn void sim_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(format, args);
}

_Noreturn void plain_fail(const char *file, int line, const char *format, ...);
_Noreturn void plain_fail(const char *file, int line, const char *format, ...)
{
	char text[500];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	sim_fail("%s:%d:%s", file, line, text);
}

void sim_note(const char *format, ...)
{
	struct sim_result *r = told;
	va_list args;
	int n;
	char *line = r->trace[r->trace_at++ % SIM_TRACE];

	n = snprintf(line, sizeof(r->trace[0]),
	    "step %llu, %llu ms: ", (unsigned long long)r->step,
	    (unsigned long long)r->ms);
	va_start(args, format);
	vsnprintf(line + n, sizeof(r->trace[0]) - (size_t)n, format, args);
	va_end(args);
}

/* ---- chance ---- */

static struct chance sodium_chance;

static const char *chance_name(void)
{
	return "seeded";
}

static uint32_t chance_word(void)
{
	return (uint32_t)chance_next(&sodium_chance);
}

static void chance_bytes(void *const buf, const size_t size)
{
	chance_fill(&sodium_chance, buf, size);
}

void sim_seed_sodium(uint64_t seed)
{
	static struct randombytes_implementation seeded = {
	    .implementation_name = chance_name,
	    .random = chance_word,
	    .buf = chance_bytes};

	sodium_chance.state = seed;
	randombytes_set_implementation(&seeded);
}

void sim_count(struct sim *s, enum fault fault)
{
	s->r->faults[fault]++;
}

bool sim_happens(struct sim *s, struct chance *c, enum fault fault)
{
	uint64_t drawn = chance_next(c);
	unsigned of = fault == FAULT_CRASH_TURN ? 100000 : 1000;

	if (s->calm || drawn % of >= s->rate[fault])
		return false;
	if (fault != FAULT_CRASH_TURN) /* there: when it came to it */
		sim_count(s, fault);
	return true;
}

bool sim_newer(const struct sim *s, unsigned node)
{
	return s->rate[FAULT_VERSION] > 0 && node % 2 == 1;
}

/* ---- the swarm ---- */

static unsigned some(struct chance *c, unsigned most, unsigned one_in)
{
	return chance_below(c, one_in) == 0
		   ? (unsigned)chance_below(c, most + 1)
		   : 0;
}

static void choose_rates(struct sim *s, struct chance *c)
{
	unsigned *rate = s->rate;

	rate[FAULT_LOSS] = some(c, 300, 2);
	rate[FAULT_REPLAY] = some(c, 500, 2);
	rate[FAULT_REORDER] = some(c, 300, 2);
	rate[FAULT_DELAY] = some(c, 1000, 2);
	s->delay_ms = 1 + chance_below(c, 3000);
	rate[FAULT_CUT] = some(c, 60, 2);
	rate[FAULT_PARTITION] = some(c, 30, 2);
	rate[FAULT_CLOG] = some(c, 60, 2);
	rate[FAULT_CRASH] = some(c, 60, 2);
	/* of turns, which links make in a night, too */
	rate[FAULT_CRASH_TURN] =
	    some(c, 30, 2) * 100 / (s->mood == MOOD_STORM ? 1 : 10);
	rate[FAULT_FULL] = some(c, 40, 3);
	rate[FAULT_PUT_FULL] = some(c, 100, 3);
	rate[FAULT_READ] = some(c, 20, 3);
	rate[FAULT_COMMIT] = some(c, 100, 3);
	rate[FAULT_CLOCK_JUMP] = some(c, 40, 3);
	rate[FAULT_CLOCK_DRIFT] = some(c, 1000, 3);
	rate[FAULT_ROTATE] = some(c, 15, 2);
	rate[FAULT_REVOKE] = some(c, 15, 2);
	rate[FAULT_BYZANTINE] = some(c, 400, 2);
	rate[FAULT_DESK] = some(c, 100, 2);
	rate[FAULT_VERSION] = some(c, 1000, 2);
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		if ((s->o->off & 1u << i) != 0)
			rate[i] = 0;
}

/* Mostly few; what many cost grows with their square. */
static unsigned choose_count(const struct sim_options *o, struct chance *c)
{
	static const unsigned often[] = {2, 2, 2, 2, 3, 3, 3, 4, 4, 5};
	unsigned kind = (unsigned)chance_below(c, 100);
	unsigned some = 6 + (unsigned)chance_below(c, 4);
	unsigned many = 10 + (unsigned)chance_below(c, FED_COUNTRIES - 9);

	if (o->brokers != 0)
		return o->brokers;
	if (kind == 99)
		return many;
	return kind >= 95 ? some : often[kind % 10];
}

enum mood sim_mood(const struct sim_options *o)
{
	struct chance c = {o->seed ^ 0x300d};

	return o->mood >= 0 ? (enum mood)o->mood
			    : (enum mood)chance_below(&c, MOOD_COUNT);
}

struct sim *sim_begin(const struct sim_options *o, struct sim_result *r)
{
	struct chance c = {o->seed};
	struct sim *s = calloc(1, sizeof(*s));

	told = r;
	the_sim = s;
	sim_rows_off = o->real_store;
	sim_seed_sodium(o->seed ^ 0x5eed);
	s->o = o;
	s->r = r;
	s->mood = r->mood = sim_mood(o);
	s->count = choose_count(o, &c);
	s->net.state = chance_next(&c);
	s->disk.state = chance_next(&c);
	choose_rates(s, &c);
	s->f = fed_new_of(countries, s->count);
	s->f->chance = chance_next(&c) >> 8;
	s->calm = true;
	for (unsigned i = 0; i < s->count; i++) {
		struct sim_node *sn = &s->nodes[i];

		sn->n = &s->f->nodes[i];
		sn->n->map_size = 256u << 20;
		sn->n->carry = sim_carry;
		sn->n->carry_ctx = s;
		sn->byzantine = s->rate[FAULT_BYZANTINE] > 0 && i == 0;
		for (unsigned d = 0; d < FED_DESKS; d++)
			sim_key_book(s, i, &sn->n->officers[d]);
		fed_more_officer(sn->n, &s->readers[i],
		    sn->n->officers[NCP].desk.s, ROLE_AUDITOR);
		fed_build(sn->n);
		sim_key_book(s, i, &s->readers[i]);
	}
	fed_start(s->f);
	for (unsigned a = 0; a < s->count; a++)
		for (unsigned b = 0; b < s->count; b++)
			sim_dial(s, a, b);
	s->calm = false;
	return s;
}

/* ---- steps ---- */

static uint64_t below(struct sim *s, uint64_t limit)
{
	return chance_below(&s->step, limit);
}

static struct sim_node *some_node(struct sim *s)
{
	return &s->nodes[below(s, s->count)];
}

static void clock_is(
    struct sim *s, struct sim_node *sn, int64_t error, bool certain)
{
	sn->n->wall_error_ms = error;
	sn->n->clock_certain = certain;
	sn->sane_since = s->f->now.ms;
	sim_turn_of(s, sn, sim_event(sn, EVENT_CLOCK));
}

/* 1 second to 10 years, to and fro; from a minute on the core sees it. */
static void clock_jumps(struct sim *s)
{
	struct sim_node *sn = some_node(s);
	int64_t by = INT64_C(1000) << below(s, 29);

	if (!sn->n->clock_certain) {
		clock_is(s, sn, 0, true);
		return;
	}
	if (below(s, 2) == 0)
		by = -by;
	by += sn->n->wall_error_ms;
	sim_note(
	    "clock of %s jumps by %lld ms", sn->n->country.s, (long long)by);
	clock_is(s, sn, by, by < 60000 && by > -60000);
}

static void faults(struct sim *s)
{
	struct chance *c = &s->step;
	struct sim_node *sn = some_node(s);
	unsigned a = (unsigned)below(s, s->count);
	unsigned b = (unsigned)below(s, s->count);
	uint64_t now = s->f->now.ms, ms = 1000 + below(s, 30000);

	if (sim_happens(s, c, FAULT_CUT))
		sim_hang_up(s, a, b, true);
	if (sim_happens(s, c, FAULT_PARTITION)) {
		sim_note("%s is cut off for %llu ms", sn->n->country.s,
		    (unsigned long long)ms);
		sn->partitioned_until = now + ms;
	}
	if (sim_happens(s, c, FAULT_CLOG))
		s->links[a][b].clogged_until = now + ms;
	if (sim_happens(s, c, FAULT_CRASH)) {
		sim_note("%s crashes", sn->n->country.s);
		sn->sane_since = now;
		sim_crash(s, sn);
	}
	if (sim_happens(s, c, FAULT_FULL)) {
		sim_note("%s has no room for %llu ms", sn->n->country.s,
		    (unsigned long long)ms);
		sn->full_until = now + ms;
	}
	if (sim_happens(s, c, FAULT_CLOCK_JUMP))
		clock_jumps(s);
	if (sim_happens(s, c, FAULT_ROTATE))
		sim_rotate(s, false);
	if (sim_happens(s, c, FAULT_REVOKE))
		sim_rotate(s, true);
	if (sim_happens(s, c, FAULT_BYZANTINE))
		sim_byzantine(s);
	if (sim_happens(s, c, FAULT_DESK))
		sim_desk_misbehaves(s);
}

/* Somebody looks at the alarm and sets the clock, soon in a night too. */
static void operators(struct sim *s)
{
	for (unsigned i = 0; i < s->count; i++)
		if (!s->nodes[i].n->clock_certain && below(s, 2) == 0)
			clock_is(s, &s->nodes[i], 0, true);
}

static void drift(struct sim *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		struct sim_node *sn = &s->nodes[i];

		if (sn->full_until != 0 && sn->full_until <= s->f->now.ms) {
			sn->full_until = 0;
			sn->sane_since = s->f->now.ms;
		}
		if (sn->n->clock_certain &&
		    sim_happens(s, &s->step, FAULT_CLOCK_DRIFT))
			sn->n->wall_error_ms +=
			    sn->n->wall_error_ms < 20000 ? 7 : -13;
	}
}

/* How long until the next step, and whether officers act in this one. */
static uint64_t until_next(struct sim *s)
{
	uint64_t most = s->mood == MOOD_DAY ? 600000 : 3000000;

	if (s->mood == MOOD_STORM || s->burst > 0) {
		s->burst -= s->burst > 0;
		return below(s, 10) != 0 ? 50 + below(s, 4000)
					 : 10000 + below(s, 50000);
	}
	s->burst = (unsigned)below(s, 16);
	return 20000 + below(s, most);
}

/* Each step draws the same, whatever became of the others. */
static void step(struct sim *s)
{
	uint64_t k = s->r->step;
	bool skip =
	    s->o->skip != NULL && k < s->o->skip_count && s->o->skip[k] != 0;
	bool rest = s->mood != MOOD_STORM && s->burst == 0;

	s->step.state = s->o->seed * UINT64_C(0x2545f4914f6cdd1d) + k;
	chance_next(&s->step);
	if (!skip) {
		faults(s);
		drift(s);
		if (rest)
			operators(s);
		else
			sim_officer_acts(s);
		if (below(s, 3) == 0)
			sim_officer_reads(s);
		if (below(s, 4) == 0)
			sim_officers_retry(s, (unsigned)below(s, s->count));
		if (sim_happens(s, &s->step, FAULT_REPLAY))
			sim_officer_resends(s);
	}
	s->step.state = s->o->seed + k * UINT64_C(0x9e3779b97f4a7c15);
	sim_time(s, until_next(s));
	if (k % 4 == 3)
		sim_check_due(s);
	if (k % 32 == 31)
		sim_check_some(s);
}

static void heal(struct sim *s)
{
	s->calm = true;
	for (unsigned i = 0; i < s->count; i++) {
		struct sim_node *sn = &s->nodes[i];

		sn->full_until = 0;
		clock_is(s, sn, 0, true);
		for (unsigned j = 0; j < s->count; j++)
			s->links[i][j].again = 0;
	}
	for (unsigned i = 0; i < s->count; i++)
		sim_officers_retry(s, i);
}

static void count_disk(struct sim *s)
{
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		s->r->faults[i] += sim_disk.hits[i];
	s->r->verified = sim_signatures.verified;
	s->r->remembered = sim_signatures.remembered;
}

void sim_run(const struct sim_options *o, struct sim_result *r)
{
	struct sim *s = sim_begin(o, r);
	uint64_t start = s->f->now.ms, ms = o->ms;

	/* every two have a link: so each seed costs about the same */
	ms = ms * 4 / (s->count * s->count);
	if (ms < 60000 && o->ms >= 60000)
		ms = 60000;
	while (r->ms < ms && (o->steps == 0 || r->step < o->steps)) {
		step(s);
		r->step++;
		r->ms = s->f->now.ms - start;
	}
	sim_note("faults stop");
	heal(s);
	sim_time(s, SIM_SETTLE_MS);
	sim_check_end(s);
	r->ms = s->f->now.ms - start;
	count_disk(s);
	for (unsigned i = 0; i < s->count; i++)
		r->heads += get_be64(s->f->nodes[i].root_hash.b);
	r->done = true;
}
