/*
 * show: a case for people and for scripts; hops found in it.
 */
#ifndef HF_CLIENT_SHOW_H
#define HF_CLIENT_SHOW_H

#include "client/cmd.h"
#include "client/form.h"

/** A row of the cases op (SPEC 11.4), read. */
struct summary {
	struct hf_id id;
	char ref[HF_REF_MAX];
	struct hf_desk from, to;
	unsigned measure, urgency, state, kind, due_type, basis, side,
	    result; /* newest of a report; 0 none */
	struct instant hold_until, opened, due, retain_until;
	struct hf_key assignee;
	bool has_assignee, erased, legal_hold, outside_profile, unproven,
	    disputed;
	uint32_t asking_gen, asked_gen;
};
/** Read one summary map at the reader's place. */
void summary_read(struct summary *s, struct wire *w);
json_t *summary_json(const struct summary *s);
/** Its state as a cell, with what the provider reported where the state does
 * not say it: "Acknowledged, Never held". */
void summary_state(
    const struct summary *s, const struct out *o, char *out, size_t capacity);
/** Every row of `op` (HF_OP_CASES, HF_OP_ORDERS with a case), malloc'ed. */
HF_MUST_USE enum hf_err summaries(struct link *l, enum hf_op op,
    const struct hf_id *case_id, bool open_only, struct summary **rows,
    unsigned *count);

/** References of cases, asked once each; begins as zeros. */
#define CASE_NAMES_MAX 64u
struct case_names {
	unsigned count, next;
	struct {
		struct hf_id id;
		char ref[HF_REF_MAX];
	} row[CASE_NAMES_MAX];
};
/** What a person calls the case: its reference, or the first digits of its id
 * where it cannot be had.  Valid until the next call. */
const char *case_name(
    struct case_names *n, struct link *l, const struct hf_id *id);

/** The fields of a hop: its own leaves and those of its verified cites. */
struct hop {
	const struct view_act *act;
	char next_country[HF_COUNTRY_SIZE + 1]; /* "ZZ" unknown */
	unsigned direction, finding;
	unsigned shown, withheld;
	json_t *fields; /* owned */
	json_t *names;  /* owned: array of the shown fields' names */
	bool withheld_hop;
	/* why nothing of it can be read; NULL when it can */
	const char *closed;
	bool clock_unknown;
	bool has_window;
	uint64_t window_from, window_until;
};
#define HOPS_MAX 64u
unsigned hops_of(const struct view *v, struct hop *hops, unsigned max);
/** `next_country` and `closed` of a hop's object. */
void hop_next_json(json_t *o, const struct hop *h);
void hops_free(struct hop *hops, unsigned count);

/** For scripts; `orders` may be NULL (steals it). */
json_t *case_json(const struct view *v, const struct home *h, json_t *orders);
void case_print(const struct view *v, const struct home *h,
    const struct summary *orders, unsigned order_count, const struct args *a);
json_t *act_json(const struct view_act *a);
const char *trust_name(enum view_trust t);
/** "preservation", "trace"; mode "historical", "live" or NULL. */
const char *measure_kind(unsigned measure);
const char *measure_mode(unsigned measure);
/** Telephone of a desk's contact point, or NULL. */
const char *desk_phone(const struct home *h, const struct hf_desk *desk);

#endif
