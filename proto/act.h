/*
 * act: the signed statement (SPEC 3.1 to 3.5) and its checks of form.
 *
 * Pure.  Decoded acts borrow from the frame and die with it.
 */
#ifndef HF_PROTO_ACT_H
#define HF_PROTO_ACT_H

#include "proto/types.h"

enum hf_kind { /* SPEC 4.1 */
	HF_KIND_REQUEST = 1,
	HF_KIND_ORDER = 2,
	HF_KIND_NOTICE = 3,
	HF_KIND_AMEND = 10,
	HF_KIND_EXTEND = 11,
	HF_KIND_FOLLOW_UP = 12,
	HF_KIND_GO_ON = 13,
	HF_KIND_WITHDRAW = 14,
	HF_KIND_CLOSE = 15,
	HF_KIND_ACKNOWLEDGE = 20,
	HF_KIND_PROGRESS = 21,
	HF_KIND_ACCEPT = 22,
	HF_KIND_DECLINE = 23,
	HF_KIND_ADVISE = 24,
	HF_KIND_HOP = 25,
	HF_KIND_WITHHELD_HOP = 26,
	HF_KIND_REPORT = 27,
	HF_KIND_LIVE_STARTED = 28,
	HF_KIND_LIVE_STOPPED = 29,
	HF_KIND_LIVE_IMPOSSIBLE = 30,
	HF_KIND_FOLLOW_UP_RECEIVED = 31,
	HF_KIND_DECIDED = 32,
	HF_KIND_END = 33,
	HF_KIND_QUERY = 40,
	HF_KIND_ANSWER = 41,
	HF_KIND_NOTE = 42,
	HF_KIND_RETRACT = 43,
	HF_KIND_CONFIRM = 44,
	HF_KIND_GRANT = 50,
	HF_KIND_ASSIGN = 51,
	HF_KIND_LEGAL_HOLD = 52,
	HF_KIND_EXPIRE = 60,
	HF_KIND_LAPSE = 61,
	HF_KIND_LIVE_TIMEOUT = 62,
	HF_KIND_UNSUPPORTED = 63,
	HF_KIND_RELEASE = 64,
};
#define HF_KIND_OPTIONAL 128u /* kinds from here on change no state */

enum hf_track {
	HF_TRACK_ASKING = 0,
	HF_TRACK_ASKED = 1,
	HF_TRACK_INNER_ASKING = 2,
	HF_TRACK_INNER_ASKED = 3,
	HF_TRACK_COUNT = 4,
};
enum hf_measure {
	HF_PRESERVATION = 1,
	HF_TRACE_HISTORICAL = 2,
	HF_TRACE_LIVE = 3,
	HF_CONSULT = 4,
};
enum hf_basis {
	HF_BASIS_BUDAPEST = 1,
	HF_BASIS_BILATERAL = 2,
	HF_BASIS_G7 = 3,
	HF_BASIS_UN = 4,
	HF_BASIS_EU = 5,
	HF_BASIS_DOMESTIC = 6,
	HF_BASIS_EXERCISE = 7,
};
enum hf_urgency { HF_ROUTINE = 0, HF_URGENT = 1, HF_EMERGENCY = 2 };
enum hf_flag {
	HF_FLAG_ORDER_SECRET = 1,
	HF_FLAG_SUBJECT_SECRET = 2,
	HF_FLAG_MASK_REQUESTER = 3,
	HF_FLAG_NO_ONWARD = 4,
	HF_FLAG_CASE_ONLY = 5,
	HF_FLAG_SKELETON = 6,
};
enum hf_strength { HF_BINDING = 1, HF_REQUESTED = 2 };
enum hf_category {
	HF_SUBSCRIBER = 1,
	HF_TRAFFIC = 2,
	HF_CONTENT = 4,
	HF_OTHER = 8,
};
enum hf_policy {
	HF_SHARE_PROVIDERS = 1,
	HF_SHARE_REQUESTER = 2,
	HF_SHARE_THIRD = 4,
	HF_SHARE_PARTY = 8,
};
enum hf_lineage { HF_DEPENDENT = 1, HF_INFORMATIVE = 2, HF_COMMITMENT = 3 };
enum hf_change {
	HF_CORRECT = 1,
	HF_NARROW = 2,
	HF_WIDEN = 3,
	HF_CHANGE_URGENCY = 4,
	HF_CHANGE_SECRECY = 5,
};

struct hf_core {
	unsigned suite;
	unsigned kind;
	struct hf_key author;
	struct instant created;
	struct hf_hash root;
	struct hf_hash body;
	struct hf_hash envelope;
};

/** Envelope keys that are present: bit n of `present` for key n (< 64). */
#define HF_HAS(e, key) (((e)->present >> (key)) & UINT64_C(1))
enum hf_envelope_key {
	HF_E_SALT = 0,
	HF_E_FROM,
	HF_E_TO,
	HF_E_CASE,
	HF_E_TRACK,
	HF_E_GEN,
	HF_E_PREV,
	HF_E_SEEN_GEN,
	HF_E_SEEN,
	HF_E_RE,
	HF_E_MEASURE,
	HF_E_BASIS,
	HF_E_RULES,
	HF_E_NOT_AFTER,
	HF_E_URGENCY,
	HF_E_FLAGS,
	HF_E_CATEGORIES,
	HF_E_POLICY,
	HF_E_THIRD,
	HF_E_LINEAGE,
	HF_E_CITES,
	HF_E_ROSTER,
	HF_E_TERM,
	HF_E_REASON,
	HF_E_CHANGE,
	HF_E_FREED,
	HF_E_REFUSED,
	HF_E_CHOICE,
	HF_E_OUTSIDER,
	HF_E_DUE,
	HF_E_RESULT,
	HF_E_ASSIGNEE,
	HF_E_AT,
	HF_E_TTL,
	HF_E_DUTY,
	HF_E_COUNT
};

struct hf_envelope {
	uint64_t present;
	bool unknown_critical; /* SPEC 1.6 */
	uint8_t salt[HF_SALT_SIZE];
	struct hf_desk from, to;
	struct hf_id case_id;
	unsigned track;
	uint32_t gen;
	struct hf_hash prev;
	uint32_t seen_gen;
	struct hf_hash seen;
	struct hf_id re;
	unsigned measure, basis;
	unsigned rules_version;
	struct hf_hash rules_profile;
	struct instant not_after;
	unsigned urgency;
	unsigned flag_count;
	struct {
		unsigned flag, strength;
		struct instant until;
	} flags[HF_FLAG_MAX];
	unsigned categories;
	struct hf_bytes policy; /* borrows */
	unsigned third_count;
	struct hf_country third[HF_THIRD_MAX];
	unsigned lineage_count;
	struct {
		unsigned type;
		struct hf_id id; /* case id, act id or commitment */
	} lineage[HF_LINEAGE_MAX];
	unsigned cite_count;
	struct {
		struct hf_id act;
		struct hf_bytes leaves; /* borrows; one index a byte */
	} cites[HF_CITES_MAX];
	uint32_t roster;
	struct instant term_from, term_until;
	unsigned reason, change;
	bool freed;
	unsigned refused, choice;
	struct {
		struct hf_bytes who; /* borrows */
		unsigned means, verified;
		struct instant said, confirm_by;
	} outsider;
	struct instant due;
	unsigned result;
	struct hf_key assignee;
	struct instant at;
	uint32_t ttl_s;
	struct hf_key duty;
};

struct hf_signature {
	struct hf_key key;
	struct hf_sig sig;
};

struct hf_act {
	struct hf_bytes frame; /* the whole act */
	struct hf_bytes core_bytes, envelope_bytes, sigs_bytes, body_bytes;
	struct hf_core core;
	struct hf_envelope envelope;
	unsigned signature_count;
	struct hf_signature signatures[HF_SIGNATURE_MAX];
	struct hf_hash digest; /* of the core */
	struct hf_id id;
};

/**
 * Read `frame` strictly into `act`, check sizes, commitments (core to
 * envelope and, unless empty, to body), and the form of its kind (SPEC 4.2).
 * act      borrows from `frame`; undefined on error
 * Signatures are not verified here (hf_act_verify).
 * Errors: the 1xxx family, HF_SIGNATURE when the first signer is not the
 *         author, HF_PROOF when a commitment does not match
 */
HF_MUST_USE enum hf_err hf_act_decode(
    struct hf_act *act, const void *frame, size_t size);
/**
 * The same for bytes that hf_act_decode has taken before: form and
 * commitments, most of its work, are not looked at again.
 */
HF_MUST_USE enum hf_err hf_act_decode_again(
    struct hf_act *act, const void *frame, size_t size);
/**
 * What an act claims to be, at the cost of reading its envelope: nothing of
 * it is proven, not even that it is the envelope of this core.
 * envelope  borrows from `frame`
 * Errors: the 1xxx family, of what was looked at
 */
HF_MUST_USE enum hf_err hf_act_peek(
    struct hf_envelope *envelope, const void *frame, size_t size);
/** Only the core or the envelope (stored separately, or in a cite). */
HF_MUST_USE enum hf_err hf_core_decode(
    struct hf_core *core, const void *data, size_t size);
HF_MUST_USE enum hf_err hf_envelope_decode(
    struct hf_envelope *e, const void *data, size_t size);
/** SPEC 3.4; out has room for HF_SIGNATURE_MAX.  Errors: the 1xxx family,
 * HF_SIGNATURE when a key signs twice */
HF_MUST_USE enum hf_err hf_sigs_decode(
    struct hf_signature *out, unsigned *count, const void *data, size_t size);

/** All signatures verify, by distinct keys (a machine act has none). */
HF_MUST_USE enum hf_err hf_act_verify(const struct hf_act *act);

/** Encode; every present key of `e` is written.  What would not decode is
 * not written either: errors are HF_TOO_BIG (also `capacity`), HF_TOO_MANY,
 * HF_SHAPE (a key without a name here) and those of the decoder. */
HF_MUST_USE enum hf_err hf_envelope_encode(
    const struct hf_envelope *e, uint8_t *out, size_t capacity, size_t *size);
HF_MUST_USE enum hf_err hf_core_encode(
    const struct hf_core *core, uint8_t *out, size_t capacity, size_t *size);
HF_MUST_USE enum hf_err hf_sigs_encode(const struct hf_signature *sigs,
    unsigned count, uint8_t *out, size_t capacity, size_t *size);
/** Put the four parts together (sigs already encoded); their contents and
 * commitments are not looked at.  Errors: HF_TOO_BIG, HF_RANGE (no core or
 * envelope), those of hf_sigs_decode */
HF_MUST_USE enum hf_err hf_act_encode(struct hf_bytes core,
    struct hf_bytes envelope, struct hf_bytes sigs, struct hf_bytes body,
    uint8_t *out, size_t capacity, size_t *size);

struct hf_hash hf_core_digest(struct hf_bytes core);
struct hf_id hf_act_id(struct instant created, const struct hf_hash *digest);
/** What an officer signs: H("sign-act", digest). */
struct hf_hash hf_act_to_sign(const struct hf_hash *digest);

/** Static facts of a kind (SPEC 4.1), NULL for an unknown kind. */
struct hf_kind_info {
	unsigned kind;
	const char *name; /* "follow-up-received" */
	unsigned tracks;  /* bits: 1 << track */
	bool asks, machine, opening, needs_re;
	uint64_t must; /* envelope keys beyond the common ones */
	uint64_t may;
};
const struct hf_kind_info *hf_kind_info(unsigned kind);
const struct hf_kind_info *hf_kind_at(unsigned i); /* NULL past the end */
const struct hf_kind_info *hf_kind_by_name(const char *name);
/** Form of a kind: tracks, must, may.  Errors: HF_SHAPE */
HF_MUST_USE enum hf_err hf_act_check_shape(
    unsigned kind, const struct hf_envelope *e);

#endif
