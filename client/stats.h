/*
 * stats: how much and how fast, from an archive alone.
 *
 * Times are differences of times of entry at the authors' own brokers.
 */
#ifndef HF_CLIENT_STATS_H
#define HF_CLIENT_STATS_H

#include "client/finding.h"

#define STATS_GROUPS_MAX 256u /* countries, kinds, hours or weekdays */
#define STATS_NAME 25u

enum stats_by { STATS_ALL, STATS_PEER, STATS_KIND, STATS_HOUR, STATS_WEEKDAY };
enum stats_time {
	STATS_ACKNOWLEDGE, /* opening to the first act that leaves `new` */
	STATS_DECIDE,      /* each ask to its answer */
	STATS_HOP,         /* accept of a trace to its first hop */
	STATS_TIMES,
};
struct stats_group {
	char name[STATS_NAME];
	unsigned order; /* of what it is: for sorting */
	uint64_t acts, cases, kept, missed;
	struct {
		uint64_t count, median_ms, p95_ms;
	} time[STATS_TIMES];
};
struct stats {
	unsigned count;
	struct stats_group group[STATS_GROUPS_MAX]; /* in order */
};
/** q->each is not called.  Errors: those of book_new, book_next, HF_TOO_MANY
 * (groups) */
HF_MUST_USE enum hf_err stats_count(
    struct asking *q, enum stats_by by, struct stats *out);

#endif
