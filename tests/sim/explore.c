/*
 * explore: every sequence of up to DEPTH events of twelve types between two
 * brokers, each with a crash of both after every one of its steps, and without.
 *
 * A federation is made once; each sequence runs in a process of its own on a
 * copy of its files.  Two kinds of sequence are covered by another and not
 * run: those with an event that changed nothing (no entry, no frame, no
 * connection, no time) are a shorter one, and of two neighbours that are
 * independent, with no crash between them, one order is enough.
 *
 * Two processes share the work, or WORKERS=1 does it.  SECONDS bounds it; SEED
 * then begins at any place of the longest.
 */
#include "tests/sim/sim.h"

#include "broker/engine/intake.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 12u
#define DEPTH_MAX 8u
#define HOLD_S 20u
#define WORKERS_MAX 2u
#define TELL_S 60 /* how far it is */

static const char *const names[EVENTS] = {"request", "acknowledge", "accept",
    "note", "withdraw", "deliver", "lose", "cut", "dial", "wait", "full",
    "clock"};

struct tally {
	unsigned from; /* depth */
	uint64_t sequences, shorter, runs, crashes, reordered, failed;
};
struct shared {
	struct sim_result r[WORKERS_MAX];
	struct tally t[WORKERS_MAX];
	unsigned nothing_at[WORKERS_MAX];
};

static struct sim *s;
static struct hf_id newest;
static unsigned worker, workers; /* which of how many */
static unsigned *nothing_at;     /* [worker]: the step that changed nothing */

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

/* ---- a process for each ---- */

/* Mostly zeros: the slots of keys that nobody has used. */
static void copy_file(const char *from, const char *to)
{
	static const uint8_t zeros[4096];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	uint8_t block[sizeof(zeros)];
	off_t at = 0;
	ssize_t n;

	if (in < 0 || out < 0)
		sim_fail("cannot copy %s", from);
	while ((n = pread(in, block, sizeof(block), at)) > 0) {
		if (memcmp(block, zeros, (size_t)n) != 0 &&
		    pwrite(out, block, (size_t)n, at) != n)
			sim_fail("cannot copy %s", from);
		at += n;
	}
	if (n < 0 || ftruncate(out, at) != 0)
		sim_fail("cannot copy %s", from);
	close(in);
	close(out);
}

static void copy_files(const char *from, const char *to)
{
	DIR *dir = opendir(from);
	char a[400], b[400];

	if (dir == NULL || mkdir(to, 0700) != 0)
		sim_fail("cannot copy %s", from);
	for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
		snprintf(a, sizeof(a), "%s/%s", from, d->d_name);
		snprintf(b, sizeof(b), "%s/%s", to, d->d_name);
		if (d->d_name[0] != '.')
			copy_file(a, b);
	}
	closedir(dir);
}

/* On a copy of the files, because the parent goes on with its own. */
static void move_away(const char *top)
{
	for (unsigned i = 0; i < s->count; i++) {
		struct node *n = s->nodes[i].n;
		char dir[NODE_DIR_MAX];

		snprintf(dir, sizeof(dir), "%.40s/%u", top, i);
		copy_files(n->dir, dir);
		sim_rows_moved(n->store, dir);
		witness_close(n->cosigner);
		n->cosigner = NULL; /* opened again when it is wanted */
		memcpy(n->dir, dir, sizeof(dir));
	}
}

/* Whatever an event may change, in figures. */
struct figures {
	uint64_t now, frames, entries[2], epochs[2], full;
	bool up[2], certain;
};

static struct figures figures_of(void)
{
	struct figures f;

	memset(&f, 0, sizeof(f)); /* they are compared as bytes */
	f.now = s->f->now.ms;
	f.frames = s->frame_order + s->frame_count;
	f.full = s->nodes[1].full_until;
	f.certain = s->nodes[1].n->clock_certain;
	for (unsigned i = 0; i < 2; i++) {
		f.entries[i] = s->nodes[i].n->size;
		f.epochs[i] = s->links[i][1 - i].epoch;
		f.up[i] = s->links[i][1 - i].up;
	}
	return f;
}

static void sequence(
    const unsigned *events, unsigned depth, unsigned crash_after)
{
	for (unsigned i = 0; i < depth; i++) {
		struct figures before = figures_of(), after;
		bool same;

		s->r->step = i;
		event(events[i]);
		after = figures_of();
		/* figures_of() clears what is between */
		same =
		    memcmp(&before, &after, sizeof(before)) == 0; /* NOLINT */
		if (crash_after > i && same) {
			nothing_at[worker] = i;
			_exit(0);
		}
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
	static const struct rlimit cpu_most = {60, 60};
	char mine[60];
	int status;
	pid_t child;

	memset(r, 0, sizeof(*r));
	nothing_at[worker] = depth;
	snprintf(mine, sizeof(mine), "%.40s/%u", top, 10 + worker);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CPU, &cpu_most);
		if (mkdir(mine, 0700) != 0)
			sim_fail("%s", mine);
		move_away(mine);
		sequence(events, depth, crash);
		_exit(0);
	}
	waitpid(child, &status, 0);
	sim_remove(mine);
	if (r->done || nothing_at[worker] < depth)
		return true;
	printf("FAIL explore: %s; events:",
	    r->failed ? r->what : "the process ended");
	print(events, depth, crash);
	return false;
}

/* ---- which ---- */

/* What one changes the other neither reads nor changes: officers of the one
 * broker and of the other, its disk, its clock.  A request is what the other
 * side's officers look for. */
static bool independent(unsigned a, unsigned b)
{
	static const uint16_t with[EVENTS] = {[0] = 1u << 10 | 1u << 11,
	    [3] = 1u << 1 | 1u << 2 | 1u << 10 | 1u << 11,
	    [4] = 1u << 1 | 1u << 2 | 1u << 10 | 1u << 11,
	    [6] = 1u << 10};

	return (with[a] & 1u << b) != 0 || (with[b] & 1u << a) != 0;
}

/* Some neighbours could change places to come earlier in our order. */
static bool other_order(
    const unsigned *events, unsigned depth, unsigned crash_after)
{
	for (unsigned i = 0; i + 1 < depth; i++)
		if (crash_after != i && events[i] > events[i + 1] &&
		    independent(events[i], events[i + 1]))
			return true;
	return false;
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A sequence with all its crashes; how many sequences are seen with it.  The
 * first event is the most significant digit: the next ones, at most `most`,
 * begin alike up to an event that changed nothing. */
static uint64_t all_crashes(struct tally *t, uint64_t k, unsigned depth,
    uint64_t most, struct sim_result *r, const char *top)
{
	unsigned events[DEPTH_MAX];
	uint64_t left = k, alike = 1;

	for (unsigned i = depth; i-- > 0; left /= EVENTS)
		events[i] = (unsigned)(left % EVENTS);
	/* without a crash first: it tells whether there is more to see */
	for (unsigned n = 0; n <= depth; n++) {
		unsigned crash = depth - n;

		if (other_order(events, depth, crash)) {
			t->reordered++;
			continue;
		}
		t->runs++;
		t->failed += !run(events, depth, crash, r, top);
		if (nothing_at[worker] < depth && crash == depth) {
			for (unsigned i = nothing_at[worker] + 1; i < depth;
			     i++)
				alike *= EVENTS;
			alike -= k % alike; /* those that are left of them */
			alike = alike < most ? alike : most;
			t->shorter += alike;
			t->runs--;
			return alike;
		}
		t->crashes += crash < depth;
	}
	t->sequences++;
	return 1;
}

static uint64_t power(unsigned depth)
{
	uint64_t count = 1;

	while (depth-- > 0)
		count *= EVENTS;
	return count;
}

/* Of the sequences of one depth those of this worker: blocks, so that what is
 * passed over is passed over once. */
static void explore_depth(struct tally *t, unsigned depth, uint64_t first,
    double end, struct sim_result *r, const char *top)
{
	static double told_at;
	uint64_t count = power(depth), block = depth > 2 ? power(depth - 2) : 1;

	for (uint64_t done = 0; done < count && t->failed < 5;) {
		uint64_t k = (first + done) % count;

		if (seconds_now() > told_at + TELL_S) {
			told_at = seconds_now();
			printf("  depth %u: %" PRIu64 " of %" PRIu64
			       ", %" PRIu64 " runs by this process, %" PRIu64
			       " violations\n",
			    depth, done, count, t->runs, t->failed);
			fflush(stdout);
		}
		uint64_t most = block - k % block;

		if (most > count - done)
			most = count - done;
		if (end > 0 && seconds_now() > end)
			return;
		if (k / block % workers == worker)
			done += all_crashes(t, k, depth, most, r, top);
		else
			done += most;
	}
}

static void report(const struct tally *t, unsigned depth, double began)
{
	uint64_t all = 0, seen = t->sequences + t->shorter;

	for (unsigned d = t->from; d <= depth; d++)
		all += power(d);
	printf("explore: %" PRIu64 " sequences of %u to %u events of %u types, "
	       "of %" PRIu64 " (%.1f %%): %" PRIu64 " end as a shorter one, "
	       "%" PRIu64 " run with a crash after each step, %" PRIu64
	       " crashes, %" PRIu64 " runs, %" PRIu64
	       " as in another order, %.0f s, %" PRIu64 " violations\n",
	    seen, t->from, depth, EVENTS, all,
	    100.0 * (double)seen / (double)all, t->shorter, t->sequences,
	    t->crashes, t->runs, t->reordered, seconds_now() - began,
	    t->failed);
	if (t->failed == 0)
		printf("ok explore\n");
}

int sim_explore(
    unsigned depth, uint64_t seconds, uint64_t seed, unsigned processes)
{
	static const struct sim_options o = {
	    .seed = 4, .brokers = 2, .off = UINT32_MAX, .mood = MOOD_STORM};
	struct shared *shared = mmap(NULL, sizeof(*shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *top = getenv("TMPDIR");
	struct chance c = {seed};
	struct tally sum = {0};
	pid_t pids[WORKERS_MAX];
	double began = seconds_now();
	double end = seconds > 0 ? began + (double)seconds : 0;

	if (depth > DEPTH_MAX)
		depth = DEPTH_MAX;
	workers = processes == 1 ? 1 : WORKERS_MAX;
	sum.from = seed != 0 ? depth : 1;
	nothing_at = shared->nothing_at;
	s = sim_begin(&o, &shared->r[0]);
	sim_time(s, 12000);
	crash_all(); /* so that each starts with a broker that started once */
	sim_time(s, 12000);
	for (worker = 0; worker < workers; worker++) {
		pids[worker] = fork();
		if (pids[worker] != 0)
			continue;
		s->r = &shared->r[worker];
		sim_told(s->r, NULL);
		for (unsigned d = sum.from; d <= depth; d++)
			explore_depth(&shared->t[worker], d,
			    seed != 0 ? chance_next(&c) % power(d) : 0, end,
			    s->r, top);
		fflush(stdout);
		_exit(0);
	}
	for (unsigned i = 0; i < workers; i++) {
		const struct tally *t = &shared->t[i];
		int status = 0;

		waitpid(pids[i], &status, 0);
		sum.failed += t->failed + (status != 0);
		sum.sequences += t->sequences;
		sum.shorter += t->shorter;
		sum.runs += t->runs;
		sum.crashes += t->crashes;
		sum.reordered += t->reordered;
	}
	report(&sum, depth, began);
	return sum.failed != 0;
}
