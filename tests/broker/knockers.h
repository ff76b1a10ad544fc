/*
 * knockers: who stands before the gates of JP: one key that may enter, and
 * one of each kind that may not.  The set that a gate is given is the
 * engine's own, from signed documents.
 */
#ifndef HF_TESTS_BROKER_KNOCKERS_H
#define HF_TESTS_BROKER_KNOCKERS_H

#include "tests/broker/fixture.h"

enum knocker_kind {
	ADMITTED,
	UNKNOWN,
	/* these four may enter until knockers_change */
	REVOKED,
	EXPIRED,
	STRUCK_OFF,
	UNPINNED,      /* at the desks: is an officer of another country now */
	NOT_YET,       /* its term has not begun */
	WRONG_DOMAIN,  /* desks: a peer; peers: an officer of ours */
	WRONG_ROLE,    /* a key of the right document that is not for this */
	WRONG_COUNTRY, /* the right role of a country that is not for this */
	KNOCKERS
};
extern const char *const knocker_names[KNOCKERS];

struct knocker {
	struct hf_key open;
	uint8_t secret[HF_KEY_SIZE];
};

struct knockers {
	struct federation *fed;
	struct node *jp;
	bool peers; /* at the peers' gate, else the desks' */
	struct knocker all[KNOCKERS];
	struct secret *stranger;
};

void knockers_new(struct knockers *k, bool peers);
/** One is revoked, one's term ends, one leaves the documents, one's country
 * is unpinned: documents, a pin and the clock, in turns of JP's. */
void knockers_change(struct knockers *k);
void knockers_free(struct knockers *k);
/** Whether it may enter, before or after the change. */
bool knocker_may(enum knocker_kind kind, bool changed);

#endif
