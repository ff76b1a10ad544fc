/* watch: many connections that are told events. */
#ifndef HF_BENCH_WATCH_H
#define HF_BENCH_WATCH_H

/**
 * Homes are read from stdin, one a line, to an empty line; each gets `each`
 * connections, all of which watch.  Says "ready"; when so many events have
 * come, one JSON object with the monotonic time of each; ends at the end of
 * stdin.
 */
void watch(unsigned each, unsigned events);

#endif
