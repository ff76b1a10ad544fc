#include "tests/bench/watch.h"

#include "tests/bench/desk.h"
#include "tests/bench/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define WATCHES_MAX 4096u

static struct desk desks[WATCHES_MAX];
static zmq_pollitem_t items[WATCHES_MAX + 1];

static unsigned open_all(void *ctx, unsigned each)
{
	char home[512];
	unsigned n = 0;

	while (fgets(home, sizeof(home), stdin) != NULL && home[0] != '\n') {
		home[strcspn(home, "\n")] = '\0';
		for (unsigned i = 0; i < each; i++) {
			if (n == WATCHES_MAX)
				meter_fail("too many connections");
			desk_open(&desks[n], ctx, home);
			desk_watch(&desks[n]);
			items[n] =
			    (zmq_pollitem_t){desks[n].socket, 0, ZMQ_POLLIN, 0};
			n++;
		}
	}
	return n;
}

/* The first event of each connection counts. */
static void take(unsigned n, double *at, unsigned *came)
{
	for (unsigned i = 0; i < n; i++) {
		struct reply r;

		if ((items[i].revents & ZMQ_POLLIN) == 0)
			continue;
		while (desk_read(&desks[i], &r))
			if (r.type == 1 && desks[i].flying == 0) {
				desks[i].flying = 1;
				at[(*came)++] = meter_now();
			}
	}
}

static void print_times(const double *at, unsigned count)
{
	printf("{\"bench\":\"watch\",\"at\":[");
	for (unsigned i = 0; i < count; i++)
		printf("%s%.6f", i > 0 ? "," : "", at[i]);
	printf("]}\n");
	fflush(stdout);
}

void watch(unsigned each, unsigned events)
{
	static double at[WATCHES_MAX];
	void *ctx = zmq_ctx_new();
	unsigned came = 0, n;
	bool told = false;

	if (ctx == NULL ||
	    zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, (int)WATCHES_MAX + 16) != 0)
		meter_fail("zmq_ctx_new");
	setvbuf(stdin, NULL, _IONBF, 0); /* its end is polled for */
	n = open_all(ctx, each);
	items[n] = (zmq_pollitem_t){NULL, STDIN_FILENO, ZMQ_POLLIN, 0};
	printf("ready\n");
	fflush(stdout);
	while (items[n].revents == 0) {
		zmq_poll(items, (int)n + 1, -1);
		take(n, at, &came);
		if (came >= events && !told) {
			print_times(at, came);
			told = true;
		}
	}
	for (unsigned i = 0; i < n; i++)
		desk_close(&desks[i]);
	zmq_ctx_term(ctx);
}
