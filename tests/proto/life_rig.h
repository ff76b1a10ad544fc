/*
 * life_rig: cases for the tests of the life cycle, built act by act.
 *
 * Ids and digests are counted, not hashed: the fold compares them only.
 */
#ifndef HF_TESTS_LIFE_RIG_H
#define HF_TESTS_LIFE_RIG_H

#include "proto/life.h"

#include <stdlib.h>
#include <string.h>

#define Q HF_TRACK_ASKING
#define S HF_TRACK_ASKED
#define RIG_ACTS (HF_TRACK_ACTS_MAX + 1u)

/** One broker's copy of a case.  Large: rig_new once, rig_reset often. */
struct rig {
	struct hf_case c;
	struct hf_life_act acts[2][RIG_ACTS];
	struct hf_profile profile;
	uint32_t serial; /* of the next act made */
	uint64_t now_ms;
};

struct rig *rig_new(void);
/** No acts, the profile "rules" of seconds: term 10 to 100 s, total 250 s,
 * 2 extensions, ttl 50 s, all measures, ground 7, suspends. */
void rig_reset(struct rig *r);
uint32_t *rig_count(struct rig *r, unsigned track);
/** An act that comes next on `track` and has seen all of the other one. */
struct hf_life_act rig_make(struct rig *r, unsigned track, unsigned kind);
/** Answering the act at a place. */
struct hf_life_act rig_reply(struct rig *r, unsigned track, unsigned kind,
    unsigned re_track, uint32_t re_gen);
/** Let the act have seen only so much. */
void rig_seen(struct rig *r, struct hf_life_act *act, uint32_t seen_gen);
/** Append, without judging. */
void rig_put(struct rig *r, const struct hf_life_act *act);
/** Append and fold; the clause it got. */
unsigned rig_enter(struct rig *r, const struct hf_life_act *act);
/** The same; it must be in effect. */
void rig_must(struct rig *r, const struct hf_life_act *act);
/** Append an opening that asks for all categories until now + 40 s. */
void rig_open(struct rig *r, unsigned kind, unsigned measure);
/** An accept of the opening: hold of 60 s from now, ttl of 30 s. */
struct hf_life_act rig_accept(struct rig *r);
void rig_fold(struct rig *r);

#endif
