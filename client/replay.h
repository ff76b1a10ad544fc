/*
 * replay: the life cycle folded from an archive's acts alone, case by case
 * (SPEC 5), and compared with what the broker says of each case.
 */
#ifndef HF_CLIENT_REPLAY_H
#define HF_CLIENT_REPLAY_H

#include "client/audit.h"
#include "proto/life.h"

struct replay; /* opaque */

/** What a desk could know: entries entered here no later than `at`. */
struct replay_view {
	struct instant at;
	struct hf_desk desk; /* party of the cases; empty: any */
};
/** A folded case; lent for the call. */
struct replay_case {
	struct hf_id id;
	char ref[HF_REF_MAX];
	const struct hf_case *fold;
};

/** Errors: HF_NOMEM, HF_FILE (no room for a temporary table) */
HF_MUST_USE enum hf_err replay_new(
    struct replay **out, struct audit *a, const struct replay_view *view);
void replay_free(struct replay *r);
/** Takes each entry of the pass (audit_verify); ctx is the replay. */
enum hf_err replay_take(
    void *ctx, const struct archive_entry *e, const struct judged *d);
/** Fold everything that was taken and compare it with `states`; what differs
 * becomes a finding, a->cases counts.  Not with a view. */
HF_MUST_USE enum hf_err replay_compare(struct replay *r);
/** With a view: fold, and hand out the cases, by id. */
HF_MUST_USE enum hf_err replay_list(struct replay *r,
    enum hf_err (*each)(void *ctx, const struct replay_case *c), void *ctx);

#endif
