/*
 * ledger_rig: a small true ledger of JP, as its auditor fetched it: two
 * countries, documents that change, acts of both sides, a receipt from
 * abroad.  A test changes what it wants and writes it as an archive.
 */
#ifndef HF_TESTS_LEDGER_RIG_H
#define HF_TESTS_LEDGER_RIG_H

#include "client/replay.h"
#include "tests/keys/registry.h"

#define RIG_ENTRIES 32u
#define RIG_ROWS 8u

struct rig_frame {
	uint8_t bytes[8192];
	size_t size;
};
struct rig_file {
	unsigned count;
	struct rig_frame row[RIG_ENTRIES];
};

/** Entries of the ledger as built, by name. */
enum {
	RIG_START,
	RIG_PIN_JP,
	RIG_DOC_JP1,
	RIG_PIN_US,
	RIG_DOC_US1,
	RIG_REQUEST,     /* by the first officer */
	RIG_ACKNOWLEDGE, /* of US */
	RIG_DOC_JP2,     /* without the first officer */
	RIG_NOTE,        /* by the second officer */
	RIG_STOP,
	RIG_COUNT
};

struct ledger_rig {
	char dir[64];
	struct registry jp, us;
	struct secret *jp_broker, *us_broker, *first, *second, *theirs;
	struct secret *jp_witness, *us_witness;
	struct country_doc *docs[3]; /* JP.1, JP.2, US.1 */
	struct rig_file ledger, receipts, states;
	unsigned hash_count;
	struct hf_hash hashes[RIG_ENTRIES];
	char head[HF_NOTE_MAX];
	bool has_hashes;
	struct hf_id case_id;
	struct hf_life_act acts[2][4]; /* of the case */
	uint32_t act_count[2];
	struct instant now;     /* of the next entry */
	bool break_signature;   /* of the next acts */
	bool break_cosignature; /* of the receipts built */
	unsigned threads;       /* of the passes; 0: in turn 1 to 3 */
};

struct ledger_rig *ledger_rig_new(void);
void rig_free(struct ledger_rig *r);
/** Write everything to r->dir, replacing what is there. */
void rig_write(const struct ledger_rig *r);
/** Sign the entries that stand in the ledger now, and tell the state of the
 * case, as the broker would. */
void rig_sign(struct ledger_rig *r);
/** A head over any root, by any key and origin. */
void rig_head(struct ledger_rig *r, const char *origin,
    const struct secret *key, uint64_t size, const struct hf_hash *root);
/** The note with a cosignature by `key` under this country's name. */
void rig_cosign_note(char note[HF_NOTE_MAX], const char *country,
    const struct secret *key, uint64_t seconds, bool broken);
/** Cosign the head, as of r->now or of `at`. */
void rig_cosign(struct ledger_rig *r, const char *country,
    const struct secret *key, uint64_t at);
/** The receipt from abroad once more, as the rig is set now. */
void rig_receipts_again(struct ledger_rig *r);
/** A certificate of US, that it erased the case: a frame of the file. */
void rig_certificate(const struct ledger_rig *r, struct rig_frame *row);
/** A proof that US forked.  Returns its size. */
size_t rig_fork(const struct ledger_rig *r, uint8_t out[HF_FORK_MAX]);
struct hf_hash rig_root(const struct ledger_rig *r);
/** Append an own note by this officer, as of r->now; not signed yet. */
void rig_note(struct ledger_rig *r, const struct secret *officer);
/** Open the case by this officer, with the receipt of US.  The acts of the
 * case before are forgotten when their counts are 0. */
void rig_request(struct ledger_rig *r, const struct secret *officer);
/** The state of the case as its acts stand, in `states`. */
void rig_state(struct ledger_rig *r);
/** Append an act of US that came with its receipt. */
void rig_acknowledge(struct ledger_rig *r);
/** Append a statement. */
void rig_statement(struct ledger_rig *r, const struct hf_statement *s);
void rig_remove(struct rig_file *f, unsigned at);
void rig_insert(struct rig_file *f, unsigned at, const struct rig_frame *frame);

/** Entry `at` keeps its leaf and gets the other parts of entry `of`. */
void rig_graft(struct ledger_rig *r, unsigned at, unsigned of);

/** What verify (and, if asked, replay) finds in the archive on disk. */
struct rig_verdict {
	enum hf_err err;
	uint64_t entries, acts, verified, disputed, sent, receipted, cases;
	uint64_t found, first, forks, certificates;
	unsigned head_witnesses;
	uint64_t witnessed[HF_COSIGNATURE_MAX + 1];
	char text[256]; /* of the first */
};
struct rig_verdict rig_verify(const struct ledger_rig *r, bool replay);

#endif
