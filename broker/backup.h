/*
 * backup: copies of a broker's data that can be given back (DESIGN 8).
 *
 * DIR/NNNNNNNNNNNN, the number of entries, is one copy of the store: data.mdb
 * without what was deleted, its SHA-256, and the signed head.  DIR/case.keys is
 * the only copy of the keys of the cases: each backup brings it up to date in
 * place, so what was erased opens no copy, however old.
 */
#ifndef HF_BROKER_BACKUP_H
#define HF_BROKER_BACKUP_H

#include "broker/config.h"

struct backup {
	char path[CONFIG_PATH_MAX + 16]; /* the copy */
	uint64_t entries, signed_size;
	uint64_t remembered; /* restored: what the signer signed last; 0: it
				does not know */
	uint64_t erased;     /* restored: live cases whose key is gone */
	char what[160];      /* of an error, in words; may be empty */
};

/**
 * Copy the data of the broker of `c`, which may run, into `dir` (created), and
 * verify the copy: every entry, the head, a key for every case.
 * Errors: HF_FILE, HF_FULL, HF_BUSY (another backup), HF_STORE, HF_CORRUPT,
 * HF_CHECKPOINT, HF_KEYSLOT
 */
HF_MUST_USE enum hf_err backup_make(
    struct backup *b, const struct config *c, const char *dir);
/**
 * Verify the copy `from` and put it into the data directory of `c`, which must
 * hold no store; of the keys beside it only those of cases that the copy does
 * not say to be erased.
 * Errors: as above; HF_ROLLBACK, unless c->accept_rollback: more was signed, or
 * nobody knows
 */
HF_MUST_USE enum hf_err backup_restore(
    struct backup *b, const struct config *c, const char *from);

/** What holdfastd does: the same, told on stdout or stderr.  Exit status. */
int backup_main(const struct config *c, const char *make, const char *restore);

#endif
