/*
 * opening: acts that open a case: requests, orders, and requests that
 * follow a hop.
 */
#ifndef HF_CLIENT_OPENING_H
#define HF_CLIENT_OPENING_H

#include "client/send.h"

extern const struct option_spec opening_request_options[];
extern const struct option_spec opening_order_options[];
extern const struct option_spec opening_follow_options[];

/** request new */
int opening_request(struct args *a);
/** order new REF --to DESK...: one instrument, one order act a provider */
int opening_order(struct args *a);
/** trace follow REF HOP --to CC */
int opening_follow(struct args *a);

/** request export REF -o FILE, request verify FILE (client/bundle.h) */
int bundle_export(struct args *a);
int bundle_verify(struct args *a);
extern const struct option_spec bundle_export_options[],
    bundle_verify_options[];

/** The desk meant by "US" (its contact point) or "us.ncp".
 * Errors: HF_UNKNOWN_COUNTRY, HF_UNKNOWN_DESK */
HF_MUST_USE enum hf_err opening_desk(
    const struct roster *r, const char *text, struct hf_desk *desk);

/** Countries on the way to a case: its own chain of followed hops.
 * Returns how many; the first is the case's own asked country. */
unsigned opening_path(struct session *s, const struct view *v,
    struct hf_country *path, unsigned max);

/* shared with cmd_request.c and cmd_order.c */
int show_case(struct args *a, const char *ref);
int list_cases(struct args *a, unsigned kind);

#endif
