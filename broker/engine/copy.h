/*
 * copy: judging a copy of the store; an engine that serves nobody.
 */
#ifndef HF_ENGINE_COPY_H
#define HF_ENGINE_COPY_H

#include "broker/engine/engine.h"

/** An engine of any epoch that only looks; engine_free ends it.
 * Errors: those of engine_open */
HF_MUST_USE enum hf_err engine_open_copy(
    struct engine **out, struct hf_country country, struct txn *t);

struct engine_copy {
	uint64_t size;        /* entries */
	uint64_t entry;       /* after an error of the entries: which one */
	uint64_t signed_size; /* of the newest head in it; 0: none */
	uint32_t epoch;       /* of that head; 1 without one */
	struct hf_bytes note; /* lends from `t` */
};
/** Read every entry back and verify the newest head.
 * Errors: HF_CORRUPT, HF_CHECKPOINT, HF_STORE */
HF_MUST_USE enum hf_err engine_check_copy(
    struct engine *e, struct txn *t, struct engine_copy *out);
/** The key slot of every case that is not erased.
 * Errors: HF_CORRUPT, HF_STORE, of each */
HF_MUST_USE enum hf_err engine_case_slots(struct engine *e, struct txn *t,
    enum hf_err (*each)(void *ctx, uint32_t slot), void *ctx);

#endif
