/*
 * profile: treaty rules as data (SPEC 8).
 */
#ifndef HF_PROTO_PROFILE_H
#define HF_PROTO_PROFILE_H

#include "proto/types.h"

#define HF_PROFILE_MAX 512u /* bytes encoded */
#define HF_GROUND_MAX 64u

/** Times in seconds; a zero total means no total. */
struct hf_profile {
	char name[25];
	uint32_t version;
	unsigned basis;
	uint64_t term_default_s, term_min_s, term_max_s, total_max_s;
	unsigned extensions_max;
	uint64_t acknowledge_s[3], decide_s[3]; /* by urgency */
	uint64_t pending_s, hop_s, reply_s, ask_s, retain_s, live_ttl_max_s;
	unsigned measures;   /* bit per enum hf_measure */
	unsigned categories; /* bits of enum hf_category */
	unsigned ground_count;
	uint8_t grounds[HF_GROUND_MAX]; /* ascending */
	uint64_t confirm_s;
	bool suspends;
	struct hf_hash digest; /* filled by decode and by hf_profile_digest */
};

HF_MUST_USE enum hf_err hf_profile_encode(
    const struct hf_profile *p, uint8_t *out, size_t capacity, size_t *size);
HF_MUST_USE enum hf_err hf_profile_decode(
    struct hf_profile *p, const void *data, size_t size);
bool hf_profile_has_ground(const struct hf_profile *p, unsigned reason);

/** Built-in profiles: "budapest", "eu", "us-2703f", "japan", "domestic",
 * "test" (terms of seconds).  NULL if unknown or past the end; digests are
 * filled in. */
const struct hf_profile *hf_profile_by_name(const char *name);
const struct hf_profile *hf_profile_at(unsigned i);

#endif
