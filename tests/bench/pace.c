#include "tests/bench/pace.h"

#include "tests/bench/meter.h"

#include <sys/timerfd.h>

zmq_pollitem_t pace_open(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		meter_fail("timerfd_create");
	return (zmq_pollitem_t){NULL, fd, ZMQ_POLLIN, 0};
}

void pace_at(const zmq_pollitem_t *item, double when)
{
	struct itimerspec at = {.it_value.tv_sec = (time_t)when};

	at.it_value.tv_nsec = (long)((when - (double)(time_t)when) * 1e9);
	if (timerfd_settime(item->fd, TFD_TIMER_ABSTIME, &at, NULL) != 0)
		meter_fail("timerfd_settime");
}
