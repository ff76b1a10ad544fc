/*
 * act_rig: whole acts for tests, put together part by part so that a test
 * may spoil any of them, and signed by keys made from one number.
 */
#ifndef HF_TESTS_ACT_RIG_H
#define HF_TESTS_ACT_RIG_H

#include "proto/act.h"
#include "tests/proto/heads.h"

#define ACT_BIT(key) (UINT64_C(1) << (key))

struct act_rig {
	struct hf_core core;
	struct hf_envelope envelope;
	uint8_t body[300];
	size_t body_size;
	unsigned signer_count; /* keys of signer_of(1), (2), ... */
	uint8_t frame[HF_ACT_MAX];
	size_t size;
};

/** An envelope with the keys that every act has, at (track, gen); prev,
 * seen, case and re by place: what any later act of that track would have. */
void rig_envelope(struct hf_envelope *e, unsigned track, uint32_t gen);
/** A request of signer 1 with a body of 300 bytes, not yet put together. */
void rig_request(struct act_rig *r);
/** An expire of the asked side, not yet put together. */
void rig_machine(struct act_rig *r);
/** Digest, sign and encode into r->frame; fails the test on an error. */
void rig_build(struct act_rig *r);

#endif
