/* hop: a live trace's hops, from the provider to the foreign requester. */
#ifndef HF_BENCH_HOP_H
#define HF_BENCH_HOP_H

/** Homes of the provider, of the contact point and of the requester; the
 * order's and the request's references; so many hops, so many a second. */
struct hop_run {
	const char *provider, *order, *contact, *request, *there;
	unsigned count;
	double rate;
};
/** One JSON object on stdout. */
void hop(const struct hop_run *run);

#endif
