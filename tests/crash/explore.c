/*
 * States after states of one log.
 *
 * A state is built and read by LMDB.  What is judged in full, by the real
 * engine, is the first state of each content for each level of what had been
 * acknowledged (and a sample of the others): the verdict depends on nothing
 * else.  A content that holds all up to a level holds all below it.  One
 * judgement of what is in a store serves again too, and the operations of that
 * recovery are a log like the first: it is cut in its turn.
 */
#include "tests/crash/crash.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define SECONDS_MAX 10 /* of processor time, for a judgement or many looks */
#define LOOKS 1024u
#define PROGRESS 100000u     /* states, and it is told */
#define OTHERS_EACH 16u      /* the same in the store, other files differ */
#define FIRST_START_EACH 16u /* nothing is acknowledged yet */

/* Where one log's states are made. */
struct place {
	struct explorer *e;
	struct stage stages[2];
	unsigned data; /* which file is LMDB's */
	char dir[NODE_DIR_MAX];
	struct image kept; /* what dir holds */
	struct log *names;
	unsigned opened;
	uint64_t seed;
};

/* Log of what was just done in `dir`, its files numbered as in `names`. */
static struct log *renumbered(const struct log *names, const char *dir)
{
	struct log *l = record_log(dir);
	unsigned to[FILES_MAX] = {0};

	if (l == NULL)
		return NULL;
	for (unsigned i = 0; i < l->file_count; i++) {
		to[i] = FILES_MAX;
		for (unsigned j = 0; j < names->file_count; j++)
			if (strcmp(l->names[i], names->names[j]) == 0)
				to[i] = j;
		cr_assert_lt(to[i], FILES_MAX, "a new file");
	}
	for (size_t i = 0; i < l->count; i++) {
		l->ops[i].file = to[l->ops[i].file];
		l->ops[i].other = to[l->ops[i].other];
	}
	return l;
}

/* What goes round in a circle is ended by a signal. */
static void wind_up(void)
{
	struct itimerval timer = {.it_value.tv_sec = SECONDS_MAX};

	if (setitimer(ITIMER_PROF, &timer, NULL) != 0)
		abort();
}

/* What it does, it always does alike. */
static struct log *judge(struct place *p, const struct cut *c,
    struct verdict *v, size_t at, unsigned level, bool deep)
{
	struct explorer *e = p->e;
	uint64_t drawn = e->work->fed->chance;
	struct log *l;

	image_write(&p->kept, &c->now, p->names, p->dir);
	record_start(p->dir);
	work_seed(e->seed);
	e->running->judging = v;
	e->running->level = level;
	wind_up();
	v->refused = !check_state(e->work, e->node, at, p->dir, deep);
	wind_up();
	e->running->judging = NULL;
	e->work->fed->chance = drawn;
	e->running->tally.judged++;
	if (v->passed < level + 1)
		v->passed = level + 1;
	l = renumbered(p->names, p->dir);
	if (l == NULL)
		return NULL;
	log_mark(l);
	for (size_t i = 0; i < l->count; i++)
		image_apply(&p->kept, &l->ops[i]);
	return l;
}

static void cut_recovery(
    struct place *p, const struct image *base, const struct log *l, size_t at);

/* Counted, if it was not opened before for all that is asked of it. */
static bool is_new(struct running *run, const struct cut *c, struct seen *seen,
    unsigned level, bool inner)
{
	switch (seen_add(seen, image_mark(&c->now), level)) {
	case SEEN_BEFORE:
		run->tally.again++;
		return false;
	case SEEN_FOR_LESS:
		run->tally.later++;
		return true;
	case SEEN_NEVER:
		break;
	}
	run->tally.of_recoveries += inner;
	if (++run->tally.states % PROGRESS == 0)
		fprintf(stderr, "crash: %llu states\n",
		    (unsigned long long)run->tally.states);
	return true;
}

/* What is in the store (*stored), and in all files. */
static struct verdict *read_state(struct place *p, const struct cut *c,
    const struct stage *stage, struct verdict **stored)
{
	struct mark content, rest;
	struct verdict *v;

	if (p->opened++ % LOOKS == 0)
		wind_up();
	cr_assert(look(stage->dir, &c->now.file[p->data], &content),
	    "a page in use is free, or not where it belongs");
	*stored = memo_of(p->e->memo, content);
	rest = image_mark_seen(&c->now, p->names, p->data);
	mark_mix(&content, rest.a);
	mark_mix(&content, rest.b);
	v = memo_of(p->e->memo, content);
	p->e->running->tally.contents += !v->whole;
	v->whole = true;
	return v;
}

static bool serves_too(const struct explorer *e, const struct verdict *v,
    const struct verdict *stored, unsigned level)
{
	uint64_t each =
	    level == 0 ? FIRST_START_EACH * e->deep_each : e->deep_each;

	return !e->control && !v->recovered &&
	       (!stored->recovered || v->content.b % OTHERS_EACH == 0) &&
	       v->content.a % each == 0;
}

/* The state that c->now is. */
static void try_state(
    struct place *p, struct cut *c, const struct stage *stage, size_t at)
{
	struct explorer *e = p->e;
	struct running *run = e->running;
	bool inner = stage == &p->stages[1], deep, fails;
	unsigned level = work_level(e->work, e->node, at);
	struct verdict *stored, *v;
	struct log *l;

	if (!is_new(run, c, e->seen, level, inner))
		return;
	v = read_state(p, c, stage, &stored);
	fails = v->failed != 0 && level + 1 >= v->failed;
	run->sampled = fails || v->passed > level;
	if (run->sampled &&
	    (e->sample_each == 0 || chance(&p->seed) % e->sample_each != 0)) {
		run->tally.refused += v->refused;
		run->tally.failed += fails;
		return;
	}
	run->tally.samples += run->sampled;
	deep = !inner && serves_too(e, v, stored, level);
	l = judge(p, c, v, at, level, deep);
	cr_assert(!fails, "it passes, and its content had failed");
	run->tally.refused += v->refused;
	if (!deep || l == NULL || l->count == 0)
		return;
	v->recovered = stored->recovered = true;
	cut_recovery(p, &c->now, l, at);
}

static void try_all(struct place *p, struct cut *c, const struct stage *stage,
    size_t at, size_t rounds, uint64_t *seed)
{
	size_t draws = cut_draws(c, rounds);

	for (size_t i = 0; i < draws; i++) {
		cut_make(c, i, chance(seed));
		try_state(p, c, stage, at);
		cut_undo(c);
	}
	p->e->running->tally.whole_cuts += c->complete && c->units > 0;
}

/* What it did next is done on what it wrote, so its operations are kept. */
static void cut_recovery(
    struct place *p, const struct image *base, const struct log *l, size_t at)
{
	struct running *run = p->e->running;
	struct log mine = *l;
	struct cut c;
	uint64_t seed = p->seed ^ (at << 20) ^ run->number;

	mine.ops = must_have(calloc(mine.count, sizeof(*mine.ops)));
	memcpy(mine.ops, l->ops, mine.count * sizeof(*mine.ops));
	record_log(p->dir)->count = 0; /* its data are ours now */
	cut_begin(&c, &mine, base, &p->stages[1], p->data);
	run->tally.recoveries++;
	while (c.at < mine.count) {
		cut_next(&c);
		run->inner = c.at;
		try_all(p, &c, &p->stages[1], at, p->e->rounds / 8 + 1, &seed);
	}
	run->inner = 0;
	cut_end(&c);
	log_clear(&mine);
	free(mine.ops);
}

static void all_states(struct place *p, uint64_t from)
{
	struct explorer *e = p->e;
	struct running *run = e->running;
	struct cut c;
	uint64_t n = 0;

	cut_begin(&c, e->log, NULL, &p->stages[0], p->data);
	c.subsets = !e->control;
	for (size_t at = 0; at <= e->log->count; at++) {
		size_t draws;

		if (at > 0)
			cut_next(&c);
		if (at % e->stride != 0)
			continue;
		draws = cut_draws(&c, work_level(e->work, e->node, at) > 0
					  ? e->rounds
					  : e->rounds / 8 + 1);
		for (size_t i = 0; i < draws; i++, n++) {
			if (n < from)
				continue;
			run->at = at;
			run->number = n;
			p->seed = e->seed ^ (n * UINT64_C(0x2545f4914f6c));
			cut_make(&c, i, chance(&p->seed));
			try_state(p, &c, &p->stages[0], at);
			cut_undo(&c);
		}
		run->tally.whole_cuts += c.complete && c.units > 0;
	}
	cut_end(&c);
}

void explore(struct explorer *e, uint64_t from)
{
	struct place p = {.e = e, .data = FILES_MAX};
	char dir[96];

	p.names = must_have(malloc(sizeof(*p.names)));
	*p.names = *e->log;
	for (unsigned i = 0; i < p.names->file_count; i++)
		if (strcmp(p.names->names[i], "data.mdb") == 0)
			p.data = i;
	cr_assert_lt(p.data, FILES_MAX, "no store");
	for (unsigned i = 0; i < 2; i++) {
		snprintf(dir, sizeof(dir), "%s/stage%u", e->dir, i);
		stage_open(&p.stages[i], dir, "data.mdb");
	}
	snprintf(p.dir, sizeof(p.dir), "%s/whole", e->dir);
	if (mkdir(p.dir, 0700) != 0)
		abort();
	all_states(&p, from);
	image_free(&p.kept);
	for (unsigned i = 0; i < 2; i++)
		stage_close(&p.stages[i], "data.mdb");
	free(p.names);
}
