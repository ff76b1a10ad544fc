/*
 * tlog: what an archive tells the world in the formats of C2SP: a proof file
 * of one entry (tlog-proof), the tree as static files (tlog-tiles).
 */
#ifndef HF_CLIENT_TLOG_H
#define HF_CLIENT_TLOG_H

#include "client/audit.h"
#include "client/tiles.h"

struct tlog_proof {
	char *text; /* owned by the caller: free */
	uint64_t index;
};
/**
 * Prove an entry under the archive's signed head.
 * name     an index, or an act's id in hex (its first entry)
 * what     out: of an error, in words
 * Errors: HF_NOTFOUND, HF_PROOF (the archive does not hash to its head),
 * HF_CHECKPOINT, HF_CORRUPT, HF_FILE, HF_NOMEM
 */
HF_MUST_USE enum hf_err tlog_prove(struct audit *a, const char *name,
    struct tlog_proof *out, char what[JUDGE_TEXT]);
/**
 * Write `checkpoint`, `tile/L/N` and `tile/entries/N` under `dir`, the
 * checkpoint last.  *files: how many
 * Errors: as above
 */
HF_MUST_USE enum hf_err tlog_export(
    struct audit *a, const char *dir, uint64_t *files, char what[JUDGE_TEXT]);

/**
 * Read a static tree under `dir` and judge it: the checkpoint by the ledger key
 * that `roster` has for its origin, each tile and bundle against the entries,
 * the tree against the checkpoint.  What is wrong are findings, with a->head
 * and a->entries told; connects to nothing.
 * key      NULL: by `roster`
 * Errors: ours only (HF_NOMEM, HF_FILE: there is no checkpoint)
 */
HF_MUST_USE enum hf_err tlog_check(struct audit *a, const char *dir,
    const struct roster *roster, const struct hf_key *key);

#endif
