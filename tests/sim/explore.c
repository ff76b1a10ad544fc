/*
 * explore: every sequence of DEPTH events of twelve types between two
 * brokers, each with a crash of both after every one of its steps, and without.
 *
 * A federation is made once; each sequence runs in a process of its own on a
 * copy of its files.
 */
#include "tests/sim/sim.h"

#include "broker/engine/intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS 12u
#define DEPTH_MAX 8u
#define HOLD_S 20u

static const char *const names[EVENTS] = {"request", "acknowledge", "accept",
    "note", "withdraw", "deliver", "lose", "cut", "dial", "wait", "full",
    "clock"};

static struct sim *s;
static struct hf_id newest;

static void submit(unsigned node, struct draft *d)
{
	static struct signed_act a;

	draft_sign(d, &a);
	(void)sim_submit(
	    s, node, d->author, bytes_of(a.frame, a.size), nothing);
	if (s->answer.any && d->kind == HF_KIND_REQUEST && s->acked_count > 0 &&
	    same_id(&s->acked[s->acked_count - 1].id, &a.id)) {
		newest = a.id;
		s->cases[s->case_count++] =
		    (struct sim_case){.id = a.id, .asking = 0, .asked = 1};
	}
}

/* The next act of the newest case, where its broker has one. */
static bool next_act(struct draft *d, unsigned node, unsigned kind)
{
	struct case_record c;

	if (s->case_count == 0 ||
	    node_case_err(&s->f->nodes[node], &newest, &c) != HF_OK ||
	    c.kind == 0)
		return false;
	draft_next(d, s->f, node == 0 ? c.from.s : c.to.s, kind,
	    node == 0 ? HF_TRACK_ASKING : HF_TRACK_ASKED, &newest,
	    kind == HF_KIND_ACKNOWLEDGE ? &newest : NULL);
	d->env.rules_version = 1;
	d->env.rules_profile = hf_profile_by_name("test")->digest;
	d->env.reason = 1;
	return true;
}

static void officer_does(unsigned event)
{
	static const unsigned kinds[] = {
	    0, HF_KIND_ACKNOWLEDGE, 0, HF_KIND_NOTE, HF_KIND_WITHDRAW};
	unsigned node = event == 1 || event == 2;
	struct draft d;

	if (event == 0) {
		draft_open(&d, s->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	} else if (event == 2) {
		if (!next_act(&d, 1, HF_KIND_NOTE))
			return;
		draft_accept(&d, s->f, "us.ncp", &newest, HOLD_S);
	} else {
		if (!next_act(&d, node, kinds[event]))
			return;
		d.env.present |= hf_kind_info(kinds[event])->must;
	}
	submit(node, &d);
}

static void crash_all(void)
{
	for (unsigned i = 0; i < s->count; i++)
		sim_crash(s, &s->nodes[i]);
}

static void lose_all(void)
{
	while (s->frame_count > 0)
		free(s->frames[--s->frame_count].bytes);
}

static void clock_toggles(struct sim_node *sn)
{
	bool wrong = sn->n->wall_error_ms == 0;

	sn->n->wall_error_ms = wrong ? INT64_C(86400000) : 0;
	sn->n->clock_certain = !wrong;
	sn->sane_since = s->f->now.ms;
	sim_turn_of(s, sn, sim_event(sn, EVENT_CLOCK));
}

static void event(unsigned e)
{
	struct sim_node *us = &s->nodes[1];

	switch (e) {
	case 5:
		sim_time(s, 900);
		break;
	case 6:
		lose_all();
		break;
	case 7:
		sim_hang_up(s, 0, 1, true);
		sim_hang_up(s, 1, 0, true);
		break;
	case 8:
		sim_dial(s, 0, 1);
		sim_dial(s, 1, 0);
		break;
	case 9:
		sim_time(s, 1000 * HOLD_S);
		break;
	case 10:
		us->full_until = us->full_until == 0 ? UINT64_MAX : 0;
		us->sane_since = s->f->now.ms;
		break;
	case 11:
		clock_toggles(us);
		break;
	default:
		officer_does(e);
		break;
	}
}

static void settle(void)
{
	s->calm = true;
	s->nodes[1].full_until = 0;
	if (!s->nodes[1].n->clock_certain)
		clock_toggles(&s->nodes[1]);
	for (unsigned i = 0; i < 2; i++)
		s->links[0][1].again = s->links[1][0].again = 0;
	sim_time(s, 40000);
	sim_check_end(s);
}

/* On a copy of the files, because the parent goes on with its own. */
static void move_away(const char *top)
{
	for (unsigned i = 0; i < s->count; i++) {
		struct node *n = s->nodes[i].n;
		char command[300], dir[NODE_DIR_MAX];

		snprintf(dir, sizeof(dir), "%.40s/%u", top, i);
		snprintf(command, sizeof(command), "cp -r %s %s", n->dir, dir);
		if (system(command) != 0)
			sim_fail("%s", command);
		memcpy(n->dir, dir, sizeof(dir));
	}
	crash_all();
	sim_time(s, 12000);
}

static void sequence(
    const unsigned *events, unsigned depth, unsigned crash_after)
{
	for (unsigned i = 0; i < depth; i++) {
		s->r->step = i;
		event(events[i]);
		if (crash_after == i)
			crash_all();
	}
	settle();
	s->r->done = true;
}

static void print(const unsigned *events, unsigned depth, unsigned crash)
{
	for (unsigned i = 0; i < depth; i++)
		printf(" %s%s", names[events[i]], crash == i ? "+crash" : "");
	printf("\n");
}

static bool run(const unsigned *events, unsigned depth, unsigned crash,
    struct sim_result *r, const char *top)
{
	int status;
	pid_t child;

	memset(r, 0, sizeof(*r));
	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(120);
		move_away(top);
		sequence(events, depth, crash);
		_exit(0);
	}
	waitpid(child, &status, 0);
	for (unsigned i = 0; i < 2; i++) {
		static const char *const files[] = {
		    "data.mdb", "lock.mdb", "keys", "case.keys", "witness.mem"};
		char path[200];

		for (unsigned k = 0; k < 5; k++) {
			snprintf(path, sizeof(path), "%.40s/%u/%s", top, i,
			    files[k]);
			unlink(path);
		}
		snprintf(path, sizeof(path), "rm -rf %.40s/%u", top, i);
		if (access(path + 7, F_OK) == 0 && system(path) != 0)
			return false;
	}
	if (r->done)
		return true;
	printf("FAIL explore: %s; events:",
	    r->failed ? r->what : "the process ended");
	print(events, depth, crash);
	return false;
}

int sim_explore(unsigned depth)
{
	static const struct sim_options o = {
	    .seed = 4, .brokers = 2, .off = UINT32_MAX};
	struct sim_result *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *top = getenv("TMPDIR");
	uint64_t runs = 0, failed = 0, count = 1;

	if (depth > DEPTH_MAX)
		depth = DEPTH_MAX;
	s = sim_begin(&o, r);
	for (unsigned i = 0; i < depth; i++)
		count *= EVENTS;
	for (uint64_t k = 0; k < count && failed < 5; k++) {
		unsigned events[DEPTH_MAX];
		uint64_t left = k;

		for (unsigned i = 0; i < depth; i++, left /= EVENTS)
			events[i] = (unsigned)(left % EVENTS);
		for (unsigned crash = 0; crash <= depth; crash++, runs++)
			failed += !run(events, depth, crash, r, top);
	}
	printf("explore: %" PRIu64 " sequences of %u events of %u types, a "
	       "crash after each step: %" PRIu64 " runs, %" PRIu64
	       " violations\n",
	    count, depth, EVENTS, runs, failed);
	if (failed == 0)
		printf("ok explore\n");
	return failed != 0;
}
