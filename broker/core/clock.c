/*
 * clock: wall time, its error bound, and whether to trust it.
 *
 * The kernel slews both clocks alike, so the difference between wall and
 * boot time changes by steps only, however small and many: the reference is
 * the one at the start, never the last one seen.  Boot time also counts a
 * suspended machine's sleep, which is therefore no jump.
 */
#include "broker/core/internal.h"
#include "broker/log.h"
#include "proto/ledger.h"

#include <sys/timex.h>
#include <time.h>

#define JUMP_MS 60000

static uint64_t read_ms(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static uint32_t bound(void)
{
	struct timex t = {.modes = 0};

	int state = adjtimex(&t);

	if (state < 0 || state == TIME_ERROR || t.maxerror < 0 ||
	    (t.status & STA_UNSYNC) != 0)
		return HF_BOUND_UNKNOWN;
	return (uint32_t)(t.maxerror / 1000) + 1;
}

void core_clock_read(struct core *c)
{
	struct clock *k = &c->clock;
	int64_t offset;

	k->now.ms = read_ms(CLOCK_REALTIME);
	k->mono_ms = read_ms(CLOCK_BOOTTIME);
	k->bound_ms = bound();
	offset = (int64_t)(k->now.ms - k->mono_ms);
	if (k->certain && (offset - k->offset_ms > JUMP_MS ||
			      k->offset_ms - offset > JUMP_MS)) {
		k->certain = false;
		c->clock_changed = true;
		log_line(LOG_ERROR, HF_OK,
		    "clock-uncertain jump_ms=%lld: nothing expires until "
		    "SIGHUP says that the time is right",
		    (long long)(offset - k->offset_ms));
	}
}

void core_clock_init(struct core *c)
{
	c->clock.certain = true;
	c->clock.offset_ms =
	    (int64_t)(read_ms(CLOCK_REALTIME) - read_ms(CLOCK_BOOTTIME));
	core_clock_read(c);
}

void core_clock_doubt(struct core *c)
{
	c->clock.certain = false;
	log_line(LOG_ERROR, HF_OK,
	    "clock-uncertain since before the start: nothing expires until "
	    "SIGHUP says that the time is right; live traces end now");
}

void core_clock_trust(struct core *c)
{
	if (c->clock.certain)
		return;
	c->clock.certain = true;
	c->clock.offset_ms = (int64_t)(c->clock.now.ms - c->clock.mono_ms);
	c->clock_changed = true;
}
