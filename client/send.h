/*
 * send: the common way of every command that sends an act.
 */
#ifndef HF_CLIENT_SEND_H
#define HF_CLIENT_SEND_H

#include "client/show.h"

struct sending {
	struct session session;
	struct args *args;
	struct view *view; /* NULL for an opening act */
	struct draft *draft;
	unsigned side; /* 0 asking, 1 asked */
	json_t *extra; /* added to the JSON answer; owned */
	json_t *meta;  /* a form's keys that are no fields; owned */
};

/** Fills what the kind needs into s->draft; a status other than HF_EXIT_OK
 * ends the command (the message is printed already). */
typedef int (*send_fill)(struct sending *s);

/**
 * Open the case of `ref`, build an act of `kind` that follows its newest
 * acts, let `fill` complete it, sign and submit it, print the outcome.
 * When something new arrived meanwhile that needs no second look (note,
 * acknowledge, progress), it is tried again by itself.
 * side   0, 1, or -1: the side that this desk is
 */
int send_follow(struct args *a, const char *ref, unsigned kind, int side,
    bool inner, send_fill fill);
/** Keys of a form that fill the envelope, not leaves. */
extern const char *const send_meta_keys[];
/** Sign, submit and print an opening act. */
int send_opening(struct sending *s);
/** The errors of a form, all at once, and the exit status. */
int send_report(struct args *a, const struct form_report *r, const char *what);
/** Exit status and message of a failed submit. */
int send_error(struct sending *s, enum hf_err err);

/* Pieces that commands share. */
/** --field NAME=VALUE, --form FILE, --text TEXT, --from-log FILE:LINE. */
int send_fields(struct sending *s, uint8_t policy);
/** Categories by name (repeated option). 0: a wrong name (printed). */
int send_categories(struct args *a, const char *option, unsigned *mask);
/** "--share requester,third,providers,party" to policy bits. */
int send_policy(struct args *a, uint8_t fallback, uint8_t *policy);
/** A code option of a list; HF_EXIT_OK and *code 0 when absent. */
int send_code(
    struct args *a, const char *option, enum hf_codes list, unsigned *code);
/** Seconds from --days / --hours / --seconds; 0 when none is given. */
int send_span(struct args *a, uint64_t *seconds);
/** --outsider WHO --means M --said TIME --verified V: register for one. */
int send_outsider(struct sending *s);
void send_set_term(struct draft *d, struct instant from, struct instant until);
void send_set_due(struct draft *d, struct instant due);
void send_set_reason(struct draft *d, unsigned reason);
#define SEND_BIT(key) (UINT64_C(1) << (key))
extern const struct option_spec send_common_options[];
#define SEND_COMMON_OPTIONS \
	{"field", 0, true, true, "NAME=VALUE", \
	    "a field of the catalogue (value as in a form)"}, \
	    {"form", 0, true, false, "FILE", "fields as a JSON object"}, \
	    {"text", 0, true, false, "TEXT", "a message in words"}, \
	    {"from-log", 0, true, true, "FILE:LINE", \
		"take identifiers, time and port from a log line"}, \
	    {"log-zone", 0, true, false, "+HH:MM", \
		"time zone of log lines that carry none"}, \
	    {"log-year", 0, true, false, "YEAR", \
		"year of log lines that carry none"}, \
	    {"share", 0, true, false, "WHOM", \
		"who may be shown it again: nobody, or of providers, " \
		"requester, third, party"}, \
	    {"third", 0, true, true, "CC", \
		"a third country (with --share third)"}, \
	    {"flag", 0, true, true, "FLAG[:requested]", \
		"handling flag, such as keep-order-secret"}, \
	    {"outsider", 0, true, false, "WHO", \
		"register on behalf of one without a desk here"}, \
	    {"means", 0, true, false, "MEANS", "how the outsider said it"}, \
	    {"said", 0, true, false, "TIME", "when the outsider said it"}, \
	    {"verified", 0, true, false, "HOW", "how that was verified"}, \
	{ \
		"side", 0, true, false, "asking|asked", \
		    "when this desk is both" \
	}

#endif
