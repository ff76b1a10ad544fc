/*
 * world: what two countries, JP and US, did to each other, and the archives
 * that their auditors would have of it.  Nothing is signed: the auditor's
 * questions read forms only.  A test makes acts and statements in any order
 * of time, takes out what it wants, and writes both archives.
 */
#ifndef HF_TESTS_WORLD_H
#define HF_TESTS_WORLD_H

#include "client/archive.h"
#include "proto/profile.h"
#include "tests/proto/chance.h"

#define WORLD_ACTS 4096u
#define WORLD_ENTRIES 12288u
#define WORLD_CASES 256u
#define WORLD_START UINT64_C(1795258923250)
#define S_MS UINT64_C(1000)
#define H_MS (3600 * S_MS)
#define D_MS (24 * H_MS)

enum { JP, US };

struct world_act {
	struct hf_core core;
	struct hf_envelope envelope;
	uint8_t core_bytes[HF_CORE_MAX], envelope_bytes[HF_ENVELOPE_MAX];
	size_t core_size, envelope_size;
	struct hf_hash digest;
	struct hf_id id;
	unsigned case_no;
	bool machine;
	unsigned entry[2];  /* its entries by country; 0: none */
	bool no_receipt;    /* in the author's archive */
	bool other_sigs[2]; /* with a signature that the other has not */
};
struct world_entry {
	unsigned side;
	uint64_t at_ms;
	unsigned type;
	unsigned act; /* 0: a statement */
	struct hf_statement statement;
	char text[HF_DESK_MAX + 1];
	struct hf_id detail;
	uint32_t epoch;
	bool gone;
	uint64_t index;   /* world_write */
	uint64_t home_ms; /* of a foreign act's receipt; 0: the true time */
};
struct world_case {
	struct hf_id id;
	struct hf_desk from, to;
	char ref[HF_REF_MAX];
	const struct hf_profile *profile;
	uint32_t gen[4];
	unsigned last[4]; /* newest act of each track */
};
struct world {
	char dir[2][64];
	struct chance chance;
	unsigned act_count, entry_count, case_count; /* act and entry 0: none */
	struct world_act act[WORLD_ACTS];
	struct world_entry entry[WORLD_ENTRIES];
	struct world_case cases[WORLD_CASES];
	uint64_t now_ms;
};

/** Of a round; WORLD_SEED in the environment repeats one that failed. */
uint64_t world_seed(unsigned round);
struct world *world_new(uint64_t seed);
void world_free(struct world *w);
/** A new case at w->now_ms; the desks decide who has it.  kind: request or
 * order.  lineage: (type, id) or type 0.  Returns its number. */
unsigned world_open(struct world *w, unsigned kind, unsigned measure,
    const char *from, const char *to, unsigned lineage,
    const struct hf_id *basis);
/** An act at w->now_ms, chained; `set` gives the keys that its kind has.
 * It enters at home at once, and abroad 200 ms later, stated as delivered
 * 200 ms after that.  Returns its number. */
unsigned world_do(struct world *w, unsigned case_no, unsigned track,
    unsigned kind, const struct hf_envelope *set);
/** The acts that lives are made of. */
unsigned world_acknowledge(struct world *w, unsigned case_no);
unsigned world_accept(struct world *w, unsigned case_no, uint64_t hold_ms);
unsigned world_withdraw(struct world *w, unsigned case_no);
/** A statement at `at_ms`.  Returns the number of its entry. */
unsigned world_state(
    struct world *w, unsigned side, uint64_t at_ms, struct hf_statement s);
/** pending or absent, of a deadline's type, about the desk that owes. */
unsigned world_overdue(struct world *w, unsigned side, unsigned statement,
    unsigned case_no, unsigned due, const char *owes, uint64_t at_ms);
/** Both countries' archives, entries in order of time. */
void world_write(struct world *w);
struct archive *world_archive(const struct world *w, unsigned side);

/** Texts, to be compared as sets. */
struct texts {
	unsigned count;
	char line[2048][160];
};
void texts_add(struct texts *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** The same lines; prints what differs, and the seed. */
void texts_equal(struct texts *found, struct texts *wanted, uint64_t seed);

#endif
