/*
 * envelope: its keys one by one (SPEC 3.3), read and written by two tables
 * of functions in the order of the keys.
 */
#include "proto/act.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <string.h>

#define CODE_MAX 255u

/* ---- reading ---- */

static void read_hash(struct wire *w, struct hf_hash *h)
{
	wire_bin_copy(w, h->b, sizeof(h->b));
}

static void read_rules(struct wire *w, struct hf_envelope *e)
{
	wire_array(w, 2, 2);
	e->rules_version = (unsigned)wire_uint(w, UINT16_MAX);
	read_hash(w, &e->rules_profile);
	wire_close(w);
}

static void read_flags(struct wire *w, struct hf_envelope *e)
{
	e->flag_count = wire_array(w, 1, HF_FLAG_MAX);
	for (unsigned i = 0; i < e->flag_count && w->err == HF_OK; i++) {
		wire_array(w, 3, 3);
		e->flags[i].flag = (unsigned)wire_uint(w, CODE_MAX);
		e->flags[i].strength = (unsigned)wire_uint(w, HF_REQUESTED);
		e->flags[i].until = wire_time(w);
		wire_close(w);
		if (e->flags[i].strength == 0)
			wire_fail(w, HF_RANGE);
		if (i > 0 && e->flags[i].flag <= e->flags[i - 1].flag)
			wire_fail(w, HF_KEY_ORDER);
	}
	wire_close(w);
}

static void read_third(struct wire *w, struct hf_envelope *e)
{
	e->third_count = wire_array(w, 1, HF_THIRD_MAX);
	for (unsigned i = 0; i < e->third_count && w->err == HF_OK; i++) {
		e->third[i] = wire_country(w);
		if (i > 0 && strcmp(e->third[i - 1].s, e->third[i].s) >= 0)
			wire_fail(w, HF_KEY_ORDER);
	}
	wire_close(w);
}

static void read_lineage(struct wire *w, struct hf_envelope *e)
{
	e->lineage_count = wire_array(w, 1, HF_LINEAGE_MAX);
	for (unsigned i = 0; i < e->lineage_count && w->err == HF_OK; i++) {
		wire_array(w, 2, 2);
		e->lineage[i].type = (unsigned)wire_uint(w, HF_COMMITMENT);
		wire_bin_copy(w, e->lineage[i].id.b, HF_ID_SIZE);
		wire_close(w);
		if (e->lineage[i].type == 0)
			wire_fail(w, HF_RANGE);
	}
	wire_close(w);
}

static void read_cites(struct wire *w, struct hf_envelope *e)
{
	e->cite_count = wire_array(w, 1, HF_CITES_MAX);
	for (unsigned i = 0; i < e->cite_count && w->err == HF_OK; i++) {
		struct hf_bytes b;

		wire_array(w, 2, 2);
		wire_bin_copy(w, e->cites[i].act.b, HF_ID_SIZE);
		b = wire_bin(w, 1, HF_LEAF_MAX);
		e->cites[i].leaves = b;
		wire_close(w);
		for (size_t k = 0; k < b.size; k++)
			if (b.data[k] >= HF_LEAF_MAX)
				wire_fail(w, HF_RANGE);
			else if (k > 0 && b.data[k] <= b.data[k - 1])
				wire_fail(w, HF_KEY_ORDER);
	}
	wire_close(w);
}

static void read_term(struct wire *w, struct hf_envelope *e)
{
	wire_array(w, 2, 2);
	e->term_from = wire_time(w);
	e->term_until = wire_time(w);
	wire_close(w);
	if (e->term_from.ms >= e->term_until.ms)
		wire_fail(w, HF_RANGE);
}

static void read_outsider(struct wire *w, struct hf_envelope *e)
{
	wire_array(w, 5, 5);
	e->outsider.who = wire_str(w, 1, 200);
	e->outsider.means = (unsigned)wire_uint(w, 5);
	e->outsider.said = wire_time(w);
	e->outsider.verified = (unsigned)wire_uint(w, 3);
	e->outsider.confirm_by = wire_time(w);
	wire_close(w);
	if (e->outsider.means == 0)
		wire_fail(w, HF_RANGE);
}

static unsigned read_code(struct wire *w, unsigned min, unsigned max)
{
	unsigned v = (unsigned)wire_uint(w, max);

	if (v < min)
		wire_fail(w, HF_RANGE);
	return v;
}

static uint32_t read_gen(struct wire *w, uint32_t min)
{
	uint32_t v = (uint32_t)wire_uint(w, UINT32_MAX);

	if (v < min)
		wire_fail(w, HF_RANGE);
	return v;
}

/* Keys up to `re`: who, where, after what. */
static bool read_place_key(struct wire *w, struct hf_envelope *e, int key)
{
	switch (key) {
	case HF_E_SALT:
		wire_bin_copy(w, e->salt, sizeof(e->salt));
		return true;
	case HF_E_FROM:
		e->from = wire_desk(w);
		return true;
	case HF_E_TO:
		e->to = wire_desk(w);
		return true;
	case HF_E_CASE:
		wire_bin_copy(w, e->case_id.b, HF_ID_SIZE);
		return true;
	case HF_E_TRACK:
		e->track = read_code(w, 0, HF_TRACK_COUNT - 1);
		return true;
	case HF_E_GEN:
		e->gen = read_gen(w, 1);
		return true;
	case HF_E_PREV:
		read_hash(w, &e->prev);
		return true;
	case HF_E_SEEN_GEN:
		e->seen_gen = read_gen(w, 0);
		return true;
	case HF_E_SEEN:
		read_hash(w, &e->seen);
		return true;
	case HF_E_RE:
		wire_bin_copy(w, e->re.b, HF_ID_SIZE);
		return true;
	case HF_E_POLICY:
		e->policy = wire_bin(w, 0, HF_LEAF_MAX);
		return true;
	case HF_E_ROSTER:
		e->roster = read_gen(w, 0);
		return true;
	default:
		return false;
	}
}

/* Keys with a shape of their own. */
static bool read_list_key(struct wire *w, struct hf_envelope *e, int key)
{
	switch (key) {
	case HF_E_RULES:
		read_rules(w, e);
		return true;
	case HF_E_FLAGS:
		read_flags(w, e);
		return true;
	case HF_E_THIRD:
		read_third(w, e);
		return true;
	case HF_E_LINEAGE:
		read_lineage(w, e);
		return true;
	case HF_E_CITES:
		read_cites(w, e);
		return true;
	case HF_E_TERM:
		read_term(w, e);
		return true;
	case HF_E_OUTSIDER:
		read_outsider(w, e);
		return true;
	default:
		return false;
	}
}

static bool read_scalar_key(struct wire *w, struct hf_envelope *e, int key)
{
	switch (key) {
	case HF_E_MEASURE:
		e->measure = read_code(w, 1, CODE_MAX);
		return true;
	case HF_E_BASIS:
		e->basis = read_code(w, 1, CODE_MAX);
		return true;
	case HF_E_NOT_AFTER:
		e->not_after = wire_time(w);
		return true;
	case HF_E_URGENCY:
		e->urgency = read_code(w, 0, HF_EMERGENCY);
		return true;
	case HF_E_CATEGORIES:
		e->categories = read_code(w, 0, 15);
		return true;
	case HF_E_REASON:
		e->reason = read_code(w, 1, CODE_MAX);
		return true;
	case HF_E_CHANGE:
		e->change = read_code(w, 1, HF_CHANGE_SECRECY);
		return true;
	case HF_E_FREED:
		e->freed = wire_bool(w);
		return true;
	case HF_E_REFUSED:
		e->refused = read_code(w, 0, 15);
		return true;
	case HF_E_CHOICE:
		e->choice = read_code(w, 1, 2);
		return true;
	case HF_E_DUE:
		e->due = wire_time(w);
		return true;
	case HF_E_RESULT:
		e->result = read_code(w, 1, CODE_MAX);
		return true;
	case HF_E_ASSIGNEE:
		wire_bin_copy(w, e->assignee.b, HF_KEY_SIZE);
		return true;
	case HF_E_AT:
		e->at = wire_time(w);
		return true;
	case HF_E_TTL:
		e->ttl_s = read_gen(w, 1);
		return true;
	case HF_E_DUTY:
		wire_bin_copy(w, e->duty.b, HF_KEY_SIZE);
		return true;
	default:
		return false;
	}
}

#define MANDATORY \
	(1u << HF_E_SALT | 1u << HF_E_FROM | 1u << HF_E_TO | \
	    1u << HF_E_TRACK | 1u << HF_E_GEN | 1u << HF_E_SEEN_GEN | \
	    1u << HF_E_POLICY | 1u << HF_E_ROSTER)

enum hf_err hf_envelope_decode(
    struct hf_envelope *e, const void *data, size_t size)
{
	struct wire w;
	int key;

	memset(e, 0, sizeof(*e));
	if (size > HF_ENVELOPE_MAX)
		return HF_TOO_BIG;
	wire_init(&w, data, size);
	wire_map(&w, HF_MAP_MAX);
	while ((key = wire_key(&w)) >= 0) {
		if (key < 64)
			e->present |= UINT64_C(1) << key;
		if (read_place_key(&w, e, key) || read_scalar_key(&w, e, key) ||
		    read_list_key(&w, e, key))
			continue;
		if (key < 64)
			e->unknown_critical = true;
		wire_skip(&w);
	}
	wire_close(&w);
	if (wire_finish(&w) != HF_OK)
		return w.err;
	return (e->present & MANDATORY) == MANDATORY ? HF_OK : HF_MISSING_KEY;
}

/* ---- writing ---- */

static void pack_place_key(struct pack *p, const struct hf_envelope *e, int key)
{
	switch (key) {
	case HF_E_SALT:
		pack_bin(p, e->salt, sizeof(e->salt));
		break;
	case HF_E_FROM:
		pack_text(p, e->from.s);
		break;
	case HF_E_TO:
		pack_text(p, e->to.s);
		break;
	case HF_E_CASE:
		pack_bin(p, e->case_id.b, HF_ID_SIZE);
		break;
	case HF_E_TRACK:
		pack_uint(p, e->track);
		break;
	case HF_E_GEN:
		pack_uint(p, e->gen);
		break;
	case HF_E_PREV:
		pack_bin(p, e->prev.b, HF_HASH_SIZE);
		break;
	case HF_E_SEEN_GEN:
		pack_uint(p, e->seen_gen);
		break;
	case HF_E_SEEN:
		pack_bin(p, e->seen.b, HF_HASH_SIZE);
		break;
	case HF_E_RE:
		pack_bin(p, e->re.b, HF_ID_SIZE);
		break;
	case HF_E_POLICY:
		pack_bin(p, e->policy.data, e->policy.size);
		break;
	case HF_E_ROSTER:
		pack_uint(p, e->roster);
		break;
	default:
		break;
	}
}

static void pack_scalar_key(
    struct pack *p, const struct hf_envelope *e, int key)
{
	switch (key) {
	case HF_E_MEASURE:
		pack_uint(p, e->measure);
		break;
	case HF_E_BASIS:
		pack_uint(p, e->basis);
		break;
	case HF_E_NOT_AFTER:
		pack_uint(p, e->not_after.ms);
		break;
	case HF_E_URGENCY:
		pack_uint(p, e->urgency);
		break;
	case HF_E_CATEGORIES:
		pack_uint(p, e->categories);
		break;
	case HF_E_REASON:
		pack_uint(p, e->reason);
		break;
	case HF_E_CHANGE:
		pack_uint(p, e->change);
		break;
	case HF_E_FREED:
		pack_bool(p, e->freed);
		break;
	case HF_E_REFUSED:
		pack_uint(p, e->refused);
		break;
	case HF_E_CHOICE:
		pack_uint(p, e->choice);
		break;
	case HF_E_DUE:
		pack_uint(p, e->due.ms);
		break;
	case HF_E_RESULT:
		pack_uint(p, e->result);
		break;
	case HF_E_ASSIGNEE:
		pack_bin(p, e->assignee.b, HF_KEY_SIZE);
		break;
	case HF_E_AT:
		pack_uint(p, e->at.ms);
		break;
	case HF_E_TTL:
		pack_uint(p, e->ttl_s);
		break;
	case HF_E_DUTY:
		pack_bin(p, e->duty.b, HF_KEY_SIZE);
		break;
	default:
		break;
	}
}

static void pack_flags(struct pack *p, const struct hf_envelope *e)
{
	pack_array(p, e->flag_count);
	for (unsigned i = 0; i < e->flag_count; i++) {
		pack_array(p, 3);
		pack_uint(p, e->flags[i].flag);
		pack_uint(p, e->flags[i].strength);
		pack_uint(p, e->flags[i].until.ms);
	}
}

static void pack_lineage(struct pack *p, const struct hf_envelope *e)
{
	pack_array(p, e->lineage_count);
	for (unsigned i = 0; i < e->lineage_count; i++) {
		pack_array(p, 2);
		pack_uint(p, e->lineage[i].type);
		pack_bin(p, e->lineage[i].id.b, HF_ID_SIZE);
	}
}

static void pack_cites(struct pack *p, const struct hf_envelope *e)
{
	pack_array(p, e->cite_count);
	for (unsigned i = 0; i < e->cite_count; i++) {
		pack_array(p, 2);
		pack_bin(p, e->cites[i].act.b, HF_ID_SIZE);
		pack_bin(p, e->cites[i].leaves.data, e->cites[i].leaves.size);
	}
}

static void pack_list_key(struct pack *p, const struct hf_envelope *e, int key)
{
	switch (key) {
	case HF_E_RULES:
		pack_array(p, 2);
		pack_uint(p, e->rules_version);
		pack_bin(p, e->rules_profile.b, HF_HASH_SIZE);
		break;
	case HF_E_FLAGS:
		pack_flags(p, e);
		break;
	case HF_E_THIRD:
		pack_array(p, e->third_count);
		for (unsigned i = 0; i < e->third_count; i++)
			pack_text(p, e->third[i].s);
		break;
	case HF_E_LINEAGE:
		pack_lineage(p, e);
		break;
	case HF_E_CITES:
		pack_cites(p, e);
		break;
	case HF_E_TERM:
		pack_array(p, 2);
		pack_uint(p, e->term_from.ms);
		pack_uint(p, e->term_until.ms);
		break;
	case HF_E_OUTSIDER:
		pack_array(p, 5);
		pack_str(p, (const char *)e->outsider.who.data,
		    e->outsider.who.size);
		pack_uint(p, e->outsider.means);
		pack_uint(p, e->outsider.said.ms);
		pack_uint(p, e->outsider.verified);
		pack_uint(p, e->outsider.confirm_by.ms);
		break;
	default:
		break;
	}
}

enum hf_err hf_envelope_encode(
    const struct hf_envelope *e, uint8_t *out, size_t capacity, size_t *size)
{
	struct hf_envelope back;
	unsigned count = 0;
	struct pack p;
	enum hf_err err;

	*size = 0;
	if (e->present >> HF_E_COUNT != 0)
		return HF_SHAPE;
	if (e->flag_count > HF_FLAG_MAX || e->third_count > HF_THIRD_MAX ||
	    e->lineage_count > HF_LINEAGE_MAX || e->cite_count > HF_CITES_MAX)
		return HF_TOO_MANY;
	for (int key = 0; key < HF_E_COUNT; key++)
		count += HF_HAS(e, key) != 0;
	pack_init(&p, out, capacity);
	pack_map(&p, count);
	for (int key = 0; key < HF_E_COUNT; key++) {
		if (!HF_HAS(e, key))
			continue;
		pack_uint(&p, (uint64_t)key);
		pack_place_key(&p, e, key);
		pack_scalar_key(&p, e, key);
		pack_list_key(&p, e, key);
	}
	err = pack_finish(&p, size);
	/* what we would not read, we do not write */
	return err == HF_OK ? hf_envelope_decode(&back, out, *size) : err;
}
