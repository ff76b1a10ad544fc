/*
 * times: a clock that jumps, through the core's own reading of it: by a second
 * to ten years, forwards and back; it stands still, it passes 2038 and 2106.
 * Meanwhile a hold, a question and a live trace run; none ends before its time
 * and no answer is accepted after it.
 *
 * Officers' clocks and the monotonic one are right.  A clock that is wrong by
 * less than a minute is not noticed, and is the measure as long as it is not;
 * an act is refused whose time is five minutes from the broker's (SPEC 12.1).
 */
#include "tests/sim/sim.h"

#include "broker/core/internal.h"
#include "broker/engine/intake.h"
#include "broker/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#define JUMPS_A_ROUND 10u
#define LIVE_S 30u

static struct {
	bool on;
	uint64_t wall_ms, boot_ms;
} simulated;

int __real_clock_gettime(clockid_t which, struct timespec *t);
int __wrap_clock_gettime(clockid_t which, struct timespec *t);
int __real_adjtimex(struct timex *t);
int __wrap_adjtimex(struct timex *t);

int __wrap_clock_gettime(clockid_t which, struct timespec *t)
{
	uint64_t ms =
	    which == CLOCK_REALTIME ? simulated.wall_ms : simulated.boot_ms;

	if (!simulated.on)
		return __real_clock_gettime(which, t);
	t->tv_sec = (time_t)(ms / 1000);
	t->tv_nsec = (long)(ms % 1000) * 1000000;
	return 0;
}

int __wrap_adjtimex(struct timex *t)
{
	if (!simulated.on)
		return __real_adjtimex(t);
	t->status = 0;
	t->maxerror = 4000;
	return TIME_OK;
}

/* The core says so each time. */
void __wrap_log_line(
    enum log_level level, enum hf_err code, const char *format, ...);
void __wrap_log_line(
    enum log_level level, enum hf_err code, const char *format, ...)
{
	(void)level;
	(void)code;
	(void)format;
}

struct round {
	struct federation *f;
	struct node *us;
	struct chance chance;
	struct core *core;
	int64_t error_ms;   /* of the wall clock */
	int64_t trusted_ms; /* the same when it was certain last */
	bool frozen;
	struct hf_id hold, ask, live;
	uint64_t hold_until, ask_until, live_until; /* true time */
	bool hold_over, ask_over, live_over;
	uint64_t jumps, ended, refused, unnoticed, slow;
};

/* The core looks at its clock, the broker at the core. */
static void read_clock(struct round *r)
{
	simulated.wall_ms = (uint64_t)((int64_t)r->f->now.ms + r->error_ms);
	simulated.boot_ms = r->f->now.ms - FED_START_MS + 5000;
	core_clock_read(r->core);
	r->us->wall_error_ms = (int64_t)(r->core->clock.now.ms - r->f->now.ms);
	r->us->clock_certain = r->core->clock.certain;
	if (r->us->clock_certain)
		r->trusted_ms = r->error_ms;
}

static void turn(struct round *r)
{
	struct event ev;

	read_clock(r);
	ev = node_event(r->us, EVENT_TIMER);
	node_turn(r->us, &ev);
}

static void pass(struct round *r, uint64_t ms)
{
	r->f->now.ms += ms;
	if (r->frozen)
		r->error_ms -= (int64_t)ms;
	turn(r);
}

/* ---- what runs ---- */

static enum hf_err answer(
    struct round *r, const struct hf_id *id, uint64_t seconds, bool live)
{
	static struct signed_act a;
	struct draft d;

	draft_accept(&d, r->f, "us.ncp", id, seconds);
	if (live) {
		d.env.ttl_s = LIVE_S;
		d.env.duty = d.author->sign;
		draft_has(&d, HF_E_TTL);
		draft_has(&d, HF_E_DUTY);
	}
	draft_sign(&d, &a);
	return fed_submit(r->us, d.author, &a, nothing, NULL);
}

static struct hf_id request(struct round *r, unsigned measure)
{
	struct draft d;
	struct hf_id id;

	draft_open(&d, r->f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.env.measure = measure;
	id = must_submit(&d);
	if (fed_carry(fed_node(r->f, "JP"), r->us, &id, NULL) != HF_OK)
		sim_fail("a request does not arrive");
	return id;
}

static void start_live(struct round *r)
{
	static struct signed_act a;
	struct draft d;
	enum hf_err err;

	r->live = request(r, HF_TRACE_LIVE);
	err = answer(r, &r->live, 59, true);
	if (err != HF_OK)
		sim_fail("a live trace: %s", hf_err_info(err)->name);
	draft_next(&d, r->f, "us.ncp", HF_KIND_LIVE_STARTED, HF_TRACK_ASKED,
	    &r->live, &r->live);
	d.env.at = r->f->now;
	draft_has(&d, HF_E_AT);
	d.env.present |= hf_kind_info(HF_KIND_LIVE_STARTED)->must;
	draft_sign(&d, &a);
	err = fed_submit(r->us, d.author, &a, nothing, NULL);
	if (err != HF_OK)
		sim_fail("live-started: %s", hf_err_info(err)->name);
	r->live_until = r->f->now.ms + LIVE_S * 1000;
}

static void begin_round(struct round *r)
{
	uint64_t hold_s = 5 + chance_below(&r->chance, 50);
	enum hf_err err;

	r->hold = request(r, HF_PRESERVATION);
	err = answer(r, &r->hold, hold_s, false);
	if (err != HF_OK)
		sim_fail("an accept: %s", hf_err_info(err)->name);
	r->hold_until = r->f->now.ms + hold_s * 1000;
	r->ask = request(r, HF_PRESERVATION);
	r->ask_until = r->f->now.ms + hf_profile_by_name("test")->ask_s * 1000;
	start_live(r);
	r->hold_over = r->ask_over = r->live_over = false;
}

/* ---- what is seen ---- */

static bool live_runs(struct round *r)
{
	struct case_record c;
	bool runs;

	node_look(r->us);
	if (case_load(r->us->engine, &r->live, &c) != HF_OK ||
	    case_fold(r->us->engine, &c) != HF_OK)
		sim_fail("the live trace is gone");
	runs = r->us->engine->work->s[r->us->engine->work->asked_folded].live ==
	       HF_LIVE_RUNNING;
	node_look_end(r->us);
	return runs;
}

/* By the clock that the broker could trust last, to the millisecond. */
static void not_early(struct round *r, bool over, bool *was, uint64_t until,
    bool legal, const char *what)
{
	int64_t now = (int64_t)r->f->now.ms + r->trusted_ms;

	if (!over || *was)
		return;
	*was = true;
	r->ended++;
	if (legal && !r->us->clock_certain)
		sim_fail("%s ended by a clock that nobody trusts, wrong by "
			 "%" PRId64 " ms, jump %" PRIu64,
		    what, r->error_ms, r->jumps);
	if (now < (int64_t)until)
		sim_fail("%s ended %" PRId64 " ms early, wall clock wrong by "
			 "%" PRId64 " ms, jump %" PRIu64,
		    what, (int64_t)until - now, r->error_ms, r->jumps);
}

static void look(struct round *r)
{
	struct case_record hold = node_case(r->us, &r->hold);
	struct case_record ask = node_case(r->us, &r->ask);
	bool live = live_runs(r);

	not_early(r, hold.state == HF_STATE_EXPIRED, &r->hold_over,
	    r->hold_until, true, "a hold");
	not_early(r, ask.state == HF_STATE_LAPSED, &r->ask_over, r->ask_until,
	    true, "a question");
	not_early(
	    r, !live, &r->live_over, r->live_until, false, "a live trace");
	if (live &&
	    (int64_t)r->f->now.ms + r->trusted_ms >= (int64_t)r->live_until)
		sim_fail("a live trace runs too long, wall clock wrong by "
			 "%" PRId64 " ms, jump %" PRIu64,
		    r->error_ms, r->jumps);
}

/* Too late: refused, unless the broker's clock is slow by less than a broker
 * could know (SPEC 12.1). */
static void try_late(struct round *r)
{
	bool slow =
	    (int64_t)r->f->now.ms + r->error_ms <= (int64_t)r->ask_until &&
	    -r->error_ms <= (int64_t)SKEW_MS;

	if (r->f->now.ms <= r->ask_until || r->ask_over)
		return;
	if (answer(r, &r->ask, 40, false) != HF_OK) {
		r->refused++;
		return;
	}
	r->ask_over = true;
	r->slow++;
	if (!slow)
		sim_fail("accepted %" PRIu64 " ms late, wall clock wrong by "
			 "%" PRId64 " ms, jump %" PRIu64,
		    r->f->now.ms - r->ask_until, r->error_ms, r->jumps);
}

static void jump(struct round *r)
{
	static const int64_t s = 1000, day = INT64_C(86400000);
	const int64_t by[] = {s, 10 * s, 59 * s, 61 * s, 3600 * s, day,
	    31 * day, 365 * day, 3652 * day};
	int64_t ms = by[chance_below(&r->chance, 9)];

	r->frozen = false;
	switch (chance_below(&r->chance, 8)) {
	case 0:
		r->frozen = true;
		break;
	case 1: /* just before 32 bits end, with a sign and without */
		r->error_ms = INT64_C(2147483646) * s - (int64_t)r->f->now.ms;
		break;
	case 2:
		r->error_ms = INT64_C(4294967294) * s - (int64_t)r->f->now.ms;
		break;
	case 3:
		r->error_ms = 0; /* by itself; nobody said that it is right */
		break;
	default:
		r->error_ms += chance_below(&r->chance, 2) == 0 ? ms : -ms;
		break;
	}
	if ((int64_t)r->f->now.ms + r->error_ms < day)
		r->error_ms = day - (int64_t)r->f->now.ms;
	r->jumps++;
}

/* The operator sets the clock and says so (SIGHUP). */
static void set_right(struct round *r)
{
	r->error_ms = 0;
	r->frozen = false;
	read_clock(r);
	core_clock_trust(r->core);
	turn(r);
	turn(r);
	look(r);
	if (r->f->now.ms > r->hold_until && !r->hold_over)
		sim_fail("a hold did not end though its time is over");
	if (r->f->now.ms > r->ask_until && !r->ask_over)
		sim_fail("a question did not lapse though its time is over");
}

static void one_round(struct round *r)
{
	begin_round(r);
	for (unsigned i = 0; i < JUMPS_A_ROUND; i++) {
		jump(r);
		turn(r);
		look(r);
		r->unnoticed += r->us->clock_certain && r->error_ms != 0;
		pass(r, 500 + chance_below(&r->chance, 4000));
		look(r);
		try_late(r);
	}
	set_right(r);
}

static void run(struct round *r, uint64_t jumps)
{
	r->f = fed_running("JP", "US", NULL);
	r->us = fed_node(r->f, "US");
	r->core = calloc(1, sizeof(*r->core));
	simulated.on = true;
	read_clock(r);
	core_clock_init(r->core);
	while (r->jumps < jumps)
		one_round(r);
	simulated.on = false;
	printf("times: %" PRIu64 " jumps, %" PRIu64 " of them too small to be "
	       "noticed, %" PRIu64 " ends in time, %" PRIu64
	       " late answers refused, %" PRIu64 " taken by a clock slow by "
	       "less than five minutes\nok times\n",
	    r->jumps, r->unnoticed, r->ended, r->refused, r->slow);
	fed_free(r->f);
	free(r->core);
}

int sim_times(uint64_t jumps, uint64_t seed)
{
	static struct round r;
	static struct sim_result told;

	sim_told(&told, "times");
	sim_seed_sodium(seed);
	r.chance.state = seed;
	run(&r, jumps);
	return 0;
}
