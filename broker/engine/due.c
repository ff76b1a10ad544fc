/*
 * due: the table of deadlines, twice: by time, to be run; by case, to be
 * shown and compared.
 *
 * A row that has fired leaves the table by time but stays in the one by case
 * with a mark, so that the plan of the next change does not raise it again;
 * another time for the same deadline is a new one.
 *
 * In a time-uncertain state nothing that depends on the legal date runs
 * (DESIGN 10).  Live traces still end (live_clock.c says when), and releases
 * and withdrawals are no matter of the date; these have lanes of their own at
 * the front of the key, so that nobody has to step over all that waits for the
 * clock.
 */
#include "broker/engine/intake.h"

#include <assert.h>
#include <string.h>

#define OF_SIZE 9u /* time be64, fired u8 */
#define TIME_KEY_SIZE (1u + 8u + 1u + HF_ID_SIZE + 4u)
#define OF_KEY_SIZE (HF_ID_SIZE + 1u + 4u)

enum lane { LANE_LIVE = 0, LANE_ALWAYS = 1, LANE_LEGAL = 2 };

/** One deadline, however keyed. */
struct due {
	struct instant at;
	unsigned type;
	struct hf_id id;
	uint32_t gen;
	bool fired;
};

static unsigned lane_of(unsigned type)
{
	switch (type) {
	case HF_DUE_LIVE_TIMEOUT:
		return LANE_LIVE;
	case HF_DUE_RELEASE:
	case HF_DUE_WITHDRAW:
		return LANE_ALWAYS;
	default:
		return LANE_LEGAL;
	}
}

static void time_key(struct row_key *k, const struct due *d)
{
	*k = (struct row_key){0};
	row_add_u8(k, lane_of(d->type));
	row_add_be64(k, d->at.ms);
	row_add_u8(k, d->type);
	row_add(k, d->id.b, sizeof(d->id.b));
	row_add_be32(k, d->gen);
}

static void of_key(struct row_key *k, const struct due *d)
{
	*k = (struct row_key){0};
	row_add(k, d->id.b, sizeof(d->id.b));
	row_add_u8(k, d->type);
	row_add_be32(k, d->gen);
}

static enum hf_err read_time_key(struct hf_bytes key, struct due *d)
{
	if (key.size != TIME_KEY_SIZE)
		return HF_CORRUPT;
	d->at.ms = get_be64(key.data + 1);
	d->type = key.data[9];
	memcpy(d->id.b, key.data + 10, sizeof(d->id.b));
	d->gen = get_be32(key.data + 10 + HF_ID_SIZE);
	return HF_OK;
}

static enum hf_err read_of(
    struct hf_bytes key, struct hf_bytes value, struct due *d)
{
	if (key.size != OF_KEY_SIZE || value.size != OF_SIZE)
		return HF_CORRUPT;
	memcpy(d->id.b, key.data, sizeof(d->id.b));
	d->type = key.data[HF_ID_SIZE];
	d->gen = get_be32(key.data + HF_ID_SIZE + 1);
	d->at.ms = get_be64(value.data);
	d->fired = value.data[8] != 0;
	return HF_OK;
}

static enum hf_err put_of(struct engine *e, const struct due *d)
{
	uint8_t row[OF_SIZE];
	struct row_key k;

	of_key(&k, d);
	put_be64(row, d->at.ms);
	row[8] = d->fired;
	return txn_put(
	    e->txn, TABLE_DUE_OF, row_bytes(&k), bytes_of(row, sizeof(row)));
}

static enum hf_err get_of(struct engine *e, struct due *d)
{
	struct hf_bytes value;
	struct row_key k;
	enum hf_err err;

	of_key(&k, d);
	err = txn_get(e->txn, TABLE_DUE_OF, row_bytes(&k), &value);
	return err == HF_OK ? read_of(row_bytes(&k), value, d) : err;
}

static enum hf_err del_time(struct engine *e, const struct due *d)
{
	struct row_key k;
	enum hf_err err;

	time_key(&k, d);
	err = txn_del(e->txn, TABLE_DUE, row_bytes(&k));
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err del_of(struct engine *e, const struct due *d)
{
	struct row_key k;
	enum hf_err err;

	of_key(&k, d);
	err = txn_del(e->txn, TABLE_DUE_OF, row_bytes(&k));
	return err == HF_NOTFOUND ? HF_OK : err;
}

enum hf_err due_set(struct engine *e, const struct hf_id *case_id,
    enum hf_deadline type, uint32_t gen, struct instant at)
{
	static const uint8_t one = 1;
	struct due held = {.type = (unsigned)type, .id = *case_id, .gen = gen};
	struct due d = held;
	struct row_key k;
	enum hf_err err;

	assert(at.ms != 0);
	d.at = at;
	err = get_of(e, &held);
	if (err == HF_OK && held.at.ms == at.ms)
		return HF_OK;
	if (err == HF_OK)
		err = del_time(e, &held);
	if (err != HF_OK && err != HF_NOTFOUND)
		return err;
	time_key(&k, &d);
	err = txn_put(e->txn, TABLE_DUE, row_bytes(&k), bytes_of(&one, 1));
	return err == HF_OK ? put_of(e, &d) : err;
}

enum hf_err due_clear(struct engine *e, const struct hf_id *case_id,
    enum hf_deadline type, uint32_t gen)
{
	struct due d = {.type = (unsigned)type, .id = *case_id, .gen = gen};
	enum hf_err err = get_of(e, &d);

	if (err == HF_OK)
		err = del_time(e, &d);
	if (err == HF_OK)
		err = del_of(e, &d);
	return err == HF_NOTFOUND ? HF_OK : err;
}

/** Rows of the plan; others (release, withdrawal) come and go by themselves. */
static bool is_planned(unsigned type)
{
	return type <= HF_DUE_REVIEW;
}

static bool in_plan(const struct plan *p, const struct due *d)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->row[i].type == d->type && p->row[i].gen == d->gen)
			return true;
	return false;
}

/** The next row of a case after `d` (its first, if d->type is 0). */
static enum hf_err next_of(struct engine *e, struct due *d)
{
	struct hf_bytes prefix = bytes_of(d->id.b, sizeof(d->id.b));
	struct hf_bytes key, value;
	struct row_key from;
	enum hf_err err;

	of_key(&from, d);
	err = txn_next(e->txn, TABLE_DUE_OF, prefix, row_bytes(&from),
	    d->type != 0, &key, &value);
	return err == HF_OK ? read_of(key, value, d) : err;
}

enum hf_err due_waits(
    struct engine *e, const struct hf_id *id, struct instant at, bool *waits)
{
	struct due d = {.type = HF_DUE_LIVE_TIMEOUT, .id = *id};
	enum hf_err err = get_of(e, &d);

	*waits = err == HF_OK && !d.fired && d.at.ms == at.ms;
	return err == HF_NOTFOUND ? HF_OK : err;
}

/* A trace that starts now; one that runs already has its limit, or none. */
static enum hf_err limit_live(struct engine *e, const struct hf_id *id,
    struct instant at, uint64_t span_ms)
{
	bool waits;
	enum hf_err err = due_waits(e, id, at, &waits);

	if (err != HF_OK || waits)
		return err;
	return live_clock_limit(e, id, at, span_ms);
}

enum hf_err due_apply(
    struct engine *e, const struct hf_id *id, const struct plan *p)
{
	struct due d = {.id = *id};
	enum hf_err err;

	while ((err = next_of(e, &d)) == HF_OK) {
		if (!is_planned(d.type) || in_plan(p, &d))
			continue;
		err = due_clear(e, id, (enum hf_deadline)d.type, d.gen);
		if (err != HF_OK)
			return err;
	}
	if (err != HF_NOTFOUND)
		return err;
	err = HF_OK;
	for (unsigned i = 0; i < p->count; i++) {
		if (p->row[i].type == HF_DUE_LIVE_TIMEOUT)
			err = limit_live(e, id, p->row[i].at, p->live_ms);
		if (err == HF_OK)
			err = due_set(e, id, (enum hf_deadline)p->row[i].type,
			    p->row[i].gen, p->row[i].at);
		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}

/** The first row of a lane at or after `d`; after it, if `after`. */
static enum hf_err next_due(
    struct engine *e, unsigned lane, struct due *d, bool after)
{
	uint8_t prefix = (uint8_t)lane;
	struct hf_bytes key, value;
	struct row_key from;
	enum hf_err err;

	time_key(&from, d);
	err = txn_next(e->txn, TABLE_DUE, bytes_of(&prefix, 1),
	    after ? row_bytes(&from) : bytes_of(&prefix, 1), after, &key,
	    &value);
	return err == HF_OK ? read_time_key(key, d) : err;
}

/** A release is over when it has run; the others leave their mark. */
static enum hf_err mark_fired(struct engine *e, struct due *d)
{
	enum hf_err err = del_time(e, d);

	if (err != HF_OK)
		return err;
	if (!is_planned(d->type))
		return del_of(e, d);
	d->fired = true;
	return put_of(e, d);
}

static enum hf_err run_lane(struct engine *e, unsigned lane, unsigned *left)
{
	struct due d = {0};
	bool after = false;
	enum hf_err err;

	for (; *left > 0; --*left) {
		err = next_due(e, lane, &d, after);
		if (err == HF_NOTFOUND ||
		    (err == HF_OK && !live_clock_reached(e, d.at)))
			return HF_OK;
		if (err == HF_OK)
			err = mark_fired(e, &d);
		if (err == HF_OK)
			err = due_fire(e, &d.id, d.type, d.gen);
		if (err != HF_OK)
			return err;
		after = true;
	}
	return HF_OK;
}

/* A limit of its own may come before that of an earlier row, so all are
 * looked at while there are such: those who listen in live are few. */
static enum hf_err run_live(struct engine *e, unsigned *left)
{
	struct due d = {0};
	enum hf_err err;

	for (bool after = false;; after = true) {
		err = next_due(e, LANE_LIVE, &d, after);
		if (err == HF_NOTFOUND)
			break;
		if (err != HF_OK)
			return err;
		if (!live_clock_over(e, &d.id, d.at)) {
			if (e->clock_certain && e->live_count == 0)
				return HF_OK;
			continue;
		}
		if (*left == 0)
			return HF_OK;
		--*left;
		err = mark_fired(e, &d);
		if (err == HF_OK)
			err = due_fire(e, &d.id, d.type, d.gen);
		if (err != HF_OK)
			return err;
	}
	return HF_OK;
}

enum hf_err due_run(struct engine *e)
{
	unsigned left = HF_BATCH_MAX;
	enum hf_err err = run_live(e, &left);

	if (err == HF_OK)
		err = run_lane(e, LANE_ALWAYS, &left);

	if (err == HF_OK && e->clock_certain)
		err = run_lane(e, LANE_LEGAL, &left);
	return err;
}

enum hf_err due_next_of(struct engine *e, const struct hf_id *id,
    enum hf_deadline *type, struct instant *at)
{
	struct due d = {.id = *id};
	enum hf_err err;

	*type = (enum hf_deadline)0;
	*at = (struct instant){0};
	while ((err = next_of(e, &d)) == HF_OK) {
		if (d.fired || !is_planned(d.type) || d.type == HF_DUE_ERASE)
			continue;
		if (at->ms == 0 || d.at.ms < at->ms) {
			*at = d.at;
			*type = (enum hf_deadline)d.type;
		}
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

static enum hf_err next_live(struct engine *e, uint64_t *mono)
{
	struct due d = {0};
	enum hf_err err;

	*mono = 0;
	for (bool after = false;; after = true) {
		uint64_t m;

		err = next_due(e, LANE_LIVE, &d, after);
		if (err != HF_OK)
			return err == HF_NOTFOUND ? HF_OK : err;
		m = live_clock_mono(e, &d.id, d.at) | 1u;
		if (*mono == 0 || m < *mono)
			*mono = m;
		if (e->live_count == 0)
			return HF_OK;
	}
}

enum hf_err due_next(struct engine *e, struct instant *at)
{
	unsigned last = e->clock_certain ? LANE_LEGAL : LANE_ALWAYS;
	enum hf_err err = next_live(e, &e->live_mono);

	*at = (struct instant){0};
	if (err != HF_OK)
		return err;
	for (unsigned lane = LANE_ALWAYS; lane <= last; lane++) {
		struct due d = {0};

		err = next_due(e, lane, &d, false);

		if (err != HF_OK && err != HF_NOTFOUND)
			return err;
		if (err == HF_OK && (at->ms == 0 || d.at.ms < at->ms))
			*at = d.at;
	}
	return HF_OK;
}

enum hf_err due_show(struct engine *e, struct row_key *at, struct due_row *row)
{
	struct hf_bytes key, value;
	struct due d;
	enum hf_err err;

	do {
		err = txn_next(e->txn, TABLE_DUE, bytes_of(NULL, 0),
		    row_bytes(at), at->size > 0, &key, &value);
		if (err == HF_OK)
			err = read_time_key(key, &d);
		if (err != HF_OK)
			return err;
		time_key(at, &d);
	} while (!is_planned(d.type));
	*row = (struct due_row){d.id, d.type, d.gen, d.at};
	return HF_OK;
}

enum hf_err due_show_case(struct engine *e, struct due_row *row)
{
	struct due d = {.id = row->id, .type = row->type, .gen = row->gen};
	enum hf_err err;

	do {
		err = next_of(e, &d);
		if (err != HF_OK)
			return err;
	} while (d.fired || !is_planned(d.type));
	*row = (struct due_row){d.id, d.type, d.gen, d.at};
	return HF_OK;
}
