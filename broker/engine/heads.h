/*
 * heads: shared by the three files that deal in heads of ledgers; others see
 * link.h.
 */
#ifndef HF_ENGINE_HEADS_H
#define HF_ENGINE_HEADS_H

#include "broker/engine/link.h"

/** The log of a country: its newest epoch. */
struct heads_log {
	struct hf_country country;
	struct hf_key key;
	uint32_t epoch;
	char origin[HF_ORIGIN_MAX];
};
/** Errors: HF_UNKNOWN_COUNTRY */
HF_MUST_USE enum hf_err heads_log_of(
    const struct engine *e, struct hf_country c, struct heads_log *l);
/** Key of a country's row in TABLE_PEERS (heads_log.c tells which). */
void heads_row(struct row_key *k, struct hf_country c, const char *name);
/** The newest head that is held; lends `note`.  HF_NOTFOUND: none */
HF_MUST_USE enum hf_err heads_held(struct engine *e, struct hf_country c,
    uint64_t *size, struct hf_bytes *note);
HF_MUST_USE enum hf_err heads_keep(
    struct engine *e, struct hf_country c, uint64_t size, struct hf_bytes note);
/** What is held is of the log's newest epoch, or forgotten. */
HF_MUST_USE enum hf_err heads_newest_epoch(
    struct engine *e, const struct heads_log *l);
/** A note that `l` signed beside the one that is held; a fork goes on record
 * and to all peers. */
HF_MUST_USE enum hf_err heads_compare(struct engine *e,
    const struct heads_log *l, struct hf_bytes held, struct hf_bytes note,
    bool *forked);
/** An alarm when nobody has vouched for us for too long. */
void heads_watch(struct engine *e);

#endif
