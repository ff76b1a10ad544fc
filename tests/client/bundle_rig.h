/*
 * bundle_rig: the evidence of a case made without brokers: two countries
 * with documents and ledgers, officers who sign real acts, true receipts.
 *
 * JP asks US to trace; US acknowledges, accepts, shows a hop whose host name
 * is withheld, and its broker ends the hold.  In the other case US orders its
 * own provider, who is a domestic entry.
 */
#ifndef HF_TESTS_CLIENT_BUNDLE_RIG_H
#define HF_TESTS_CLIENT_BUNDLE_RIG_H

#include "client/bundle.h"
#include "proto/merkle.h"

#define RIG_ACTS 8u
#define RIG_CANARY "canary.example"

struct rig_country {
	struct hf_country c;
	struct secret *root, *registrar, *broker;
	struct secret *witness; /* cosigns its own heads */
	bool cosigns_falsely;
	uint8_t certificate[512];
	size_t certificate_size;
	struct country_entry entries[8];
	unsigned entry_count;
	struct country_doc *doc; /* newest, whole */
	uint64_t issued;         /* of the next document */
	struct hf_hash leaves[64];
	unsigned leaf_count;
};

struct rig_act {
	uint8_t frame[1024]; /* [core, envelope, signatures] */
	size_t frame_size;
	struct hf_act act; /* borrows from whole */
	uint8_t whole[1024];
	struct hf_leaves leaves;
	uint8_t values[4][64];
	/* the leaf and index in both ledgers; the author's country first */
	uint8_t entry[2][HF_LEDGER_LEAF_MAX];
	size_t entry_size[2];
	unsigned index[2];
	struct rig_country *by[2]; /* by[1] NULL: one broker */
};

struct rig {
	struct rig_country jp, us;
	struct signer *asking, *asked, *provider;
	unsigned act_count;
	struct rig_act acts[RIG_ACTS];
	struct signer *exporter;
	struct hf_key pins[2];
	uint64_t now;
};

/** The case between two countries; with `order` that of the provider. */
struct rig *rig_new(bool order);
void bundle_rig_free(struct rig *r);
/** One act more, of an officer; returns it.  seen: of the other track. */
struct rig_act *rig_act(struct rig *r, struct signer *author, unsigned kind,
    unsigned track, void (*fill)(struct rig *r, struct hf_envelope *e));
/** Fills nothing; fills `re` with the opening. */
void rig_plain(struct rig *r, struct hf_envelope *e);
void rig_re(struct rig *r, struct hf_envelope *e);
/** US's document again, with its entries as the test left them. */
void rig_rebuild(struct rig *r);
/** The next version of US's document over its entries as they are now; old
 * is the one before, which the caller frees. */
void rig_next_document(struct rig *r, struct country_doc **old);
/** Receipts again, under heads over everything entered so far. */
void rig_receipts(struct rig *r, struct tar *t);
/** All members but the pages and what holds them together. */
void rig_members(struct rig *r, struct tar *t);
/** Judge and seal, and write the file; *size.  Fails the test on an error. */
uint8_t *rig_export(struct rig *r, struct tar *t, size_t *size);
/** The manifest and signature made anew over members as they stand: what a
 * dishonest exporter can do. */
void rig_reseal(struct rig *r, struct tar *t);
/** Pins as a verifier's home has them. */
struct roster *rig_pins(const struct rig *r);
/** A copy of `from` with one member's bytes replaced; NULL data: left out. */
void rig_replace(struct tar *to, const struct tar *from, const char *name,
    const void *data, size_t size);
/** Read and judge a file; the caller frees. */
struct bundle *rig_open(const uint8_t *file, size_t size);
struct bundle *rig_judge(struct tar *t);
/** A finding that is wrong with `member`, NULL if there is none. */
const struct bundle_finding *rig_finding(
    const struct bundle *b, const char *member, bool note);

#endif
