/*
 * kinds: the registry of SPEC 4.1 and the keys of SPEC 4.2, as one table.
 */
#include "proto/act.h"

#include <string.h>

#define B(key) (UINT64_C(1) << HF_E_##key)
#define A (1u << HF_TRACK_ASKING)
#define S (1u << HF_TRACK_ASKED)
#define I (1u << HF_TRACK_INNER_ASKING | 1u << HF_TRACK_INNER_ASKED)

#define OPENS \
	(B(MEASURE) | B(BASIS) | B(RULES) | B(NOT_AFTER) | B(URGENCY) | \
	    B(CATEGORIES))

/* { kind, name, tracks, asks, machine, opening, needs_re, must, may } */
static const struct hf_kind_info kinds[] = {
    {HF_KIND_REQUEST, "request", A, true, false, true, false, OPENS,
	B(TERM) | B(LINEAGE) | B(TTL)},
    {HF_KIND_ORDER, "order", A, true, false, true, false, OPENS,
	B(TERM) | B(LINEAGE) | B(TTL)},
    {HF_KIND_NOTICE, "notice", A, false, false, true, false, 0, 0},
    {HF_KIND_AMEND, "amend", A, true, false, false, false, B(CHANGE),
	B(CATEGORIES) | B(TERM) | B(FREED) | B(NOT_AFTER)},
    {HF_KIND_EXTEND, "extend", A, true, false, false, false, B(TERM),
	B(NOT_AFTER)},
    {HF_KIND_FOLLOW_UP, "follow-up", A, true, false, false, false, 0,
	B(NOT_AFTER)},
    {HF_KIND_GO_ON, "go-on", A, false, false, false, true, B(CHOICE), 0},
    {HF_KIND_WITHDRAW, "withdraw", A, false, false, false, false, 0,
	B(REASON) | B(RE)},
    {HF_KIND_CLOSE, "close", A, false, false, false, false, 0,
	B(REASON) | B(RE)},
    {HF_KIND_ACKNOWLEDGE, "acknowledge", S, false, false, false, true, B(RULES),
	0},
    {HF_KIND_PROGRESS, "progress", S, false, false, false, true, B(REASON),
	B(DUE)},
    {HF_KIND_ACCEPT, "accept", S, false, false, false, true, B(CATEGORIES),
	B(TERM) | B(REFUSED) | B(TTL) | B(DUTY)},
    {HF_KIND_DECLINE, "decline", S, false, false, false, true, B(REASON), 0},
    {HF_KIND_ADVISE, "advise", S, false, false, false, true, B(REASON), 0},
    {HF_KIND_HOP, "hop", S, false, false, false, true, 0, B(LINEAGE)},
    {HF_KIND_WITHHELD_HOP, "withheld-hop", S, false, false, false, true,
	B(REASON), 0},
    {HF_KIND_REPORT, "report", S, false, false, false, true,
	B(RESULT) | B(CATEGORIES), B(TERM)},
    {HF_KIND_LIVE_STARTED, "live-started", S, false, false, false, true, B(AT),
	0},
    {HF_KIND_LIVE_STOPPED, "live-stopped", S, false, false, false, true, B(AT),
	B(REASON)},
    {HF_KIND_LIVE_IMPOSSIBLE, "live-impossible", S, false, false, false, true,
	0, B(REASON)},
    {HF_KIND_FOLLOW_UP_RECEIVED, "follow-up-received", S, false, false, false,
	true, B(DUE), 0},
    {HF_KIND_DECIDED, "decided", S, false, false, false, true, B(CHOICE),
	B(TERM)},
    {HF_KIND_END, "end", S, false, false, false, true, B(REASON), B(LINEAGE)},
    {HF_KIND_QUERY, "query", A | S, false, false, false, true, B(DUE), 0},
    {HF_KIND_ANSWER, "answer", A | S, false, false, false, true, 0, 0},
    {HF_KIND_NOTE, "note", A | S | I, false, false, false, false, 0,
	B(RE) | B(LINEAGE)},
    {HF_KIND_RETRACT, "retract", A | S, false, false, false, true, 0,
	B(REASON)},
    {HF_KIND_CONFIRM, "confirm", A | S, false, false, false, true, 0, 0},
    {HF_KIND_GRANT, "grant", I, false, false, false, false, 0, B(RE)},
    {HF_KIND_ASSIGN, "assign", I, false, false, false, false, B(ASSIGNEE), 0},
    {HF_KIND_LEGAL_HOLD, "legal-hold", I, false, false, false, false, B(CHOICE),
	B(REASON)},
    {HF_KIND_EXPIRE, "expire", S, false, true, false, true, 0, 0},
    {HF_KIND_LAPSE, "lapse", S, false, true, false, true, 0, 0},
    {HF_KIND_LIVE_TIMEOUT, "live-timeout", S, false, true, false, true, 0,
	B(AT)},
    {HF_KIND_UNSUPPORTED, "unsupported", S, false, true, false, true, 0,
	B(REASON)},
    {HF_KIND_RELEASE, "release", A, false, true, false, false, 0, B(REASON)},
};
#define KIND_COUNT (sizeof(kinds) / sizeof(*kinds))

/* Every act has these; case, prev, seen and re are checked by place. */
#define COMMON \
	(B(SALT) | B(FROM) | B(TO) | B(TRACK) | B(GEN) | B(SEEN_GEN) | \
	    B(POLICY) | B(ROSTER))
#define BY_PLACE (B(CASE) | B(PREV) | B(SEEN) | B(RE))
#define ALWAYS_MAY (B(FLAGS) | B(THIRD) | B(CITES) | B(OUTSIDER) | B(URGENCY))

const struct hf_kind_info *hf_kind_info(unsigned kind)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}

const struct hf_kind_info *hf_kind_at(unsigned i)
{
	return i < KIND_COUNT ? &kinds[i] : NULL;
}

const struct hf_kind_info *hf_kind_by_name(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* Keys that depend on another key's value. */
static bool conditional_ok(unsigned kind, const struct hf_envelope *e)
{
	switch (kind) {
	case HF_KIND_AMEND:
		/* the other changes ask nothing */
		if (HF_HAS(e, HF_E_NOT_AFTER) && e->change != HF_WIDEN &&
		    e->change != HF_CORRECT)
			return false;
		switch (e->change) {
		case HF_CORRECT:
			return HF_HAS(e, HF_E_FREED);
		case HF_NARROW:
		case HF_WIDEN:
			return HF_HAS(e, HF_E_CATEGORIES) ||
			       HF_HAS(e, HF_E_TERM);
		case HF_CHANGE_URGENCY:
			return HF_HAS(e, HF_E_URGENCY);
		default:
			return HF_HAS(e, HF_E_FLAGS);
		}
	case HF_KIND_REPORT:
		return (e->result != 1 && e->result != 2) ||
		       HF_HAS(e, HF_E_TERM);
	case HF_KIND_DECIDED:
		return e->choice != 1 || HF_HAS(e, HF_E_TERM);
	default:
		return true;
	}
}

static bool place_ok(const struct hf_kind_info *k, const struct hf_envelope *e)
{
	if (k->opening)
		return e->gen == 1 && !HF_HAS(e, HF_E_CASE);
	return HF_HAS(e, HF_E_CASE) &&
	       (e->gen > 1 || e->track != HF_TRACK_ASKING);
}

enum hf_err hf_act_check_shape(unsigned kind, const struct hf_envelope *e)
{
	const struct hf_kind_info *k = hf_kind_info(kind);
	uint64_t allowed;

	if (HF_HAS(e, HF_E_PREV) != (e->gen > 1) ||
	    HF_HAS(e, HF_E_SEEN) != (e->seen_gen > 0))
		return HF_SHAPE;
	if (k == NULL || kind == HF_KIND_NOTICE || e->unknown_critical)
		return HF_OK; /* kept and void, or optional: SPEC 1.6 */
	allowed = COMMON | BY_PLACE | ALWAYS_MAY | k->must | k->may;
	if ((k->tracks >> e->track & 1u) == 0 || !place_ok(k, e) ||
	    (e->present & ~allowed) != 0 || (k->must & ~e->present) != 0 ||
	    (k->needs_re && !HF_HAS(e, HF_E_RE)) || !conditional_ok(kind, e))
		return HF_SHAPE;
	return HF_OK;
}
