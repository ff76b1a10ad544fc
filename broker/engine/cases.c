/* Cases: places of acts, what depends on what, who may read. */
#include "broker/engine/intake.h"

#include <assert.h>
#include <string.h>

#define PLACE_SIZE 16u /* index be64, entered be64 */

static void place_key(
    struct row_key *k, const struct hf_id *id, unsigned track, uint32_t gen)
{
	*k = (struct row_key){0};
	row_add(k, id->b, sizeof(id->b));
	row_add_u8(k, track);
	row_add_be32(k, gen);
}

enum hf_err case_place_put(struct engine *e, const struct hf_id *id,
    unsigned track, uint32_t gen, uint64_t index, struct instant entered)
{
	uint8_t row[PLACE_SIZE];
	struct row_key k;

	place_key(&k, id, track, gen);
	put_be64(row, index);
	put_be64(row + 8, entered.ms);
	return txn_put(
	    e->txn, TABLE_PLACES, row_bytes(&k), bytes_of(row, sizeof(row)));
}

enum hf_err case_place_get(struct engine *e, const struct hf_id *id,
    unsigned track, uint32_t gen, uint64_t *index, struct instant *entered)
{
	struct hf_bytes row;
	struct row_key k;
	enum hf_err err;

	place_key(&k, id, track, gen);
	err = txn_get(e->txn, TABLE_PLACES, row_bytes(&k), &row);
	if (err != HF_OK)
		return err;
	if (row.size != PLACE_SIZE)
		return HF_CORRUPT;
	*index = get_be64(row.data);
	entered->ms = get_be64(row.data + 8);
	return HF_OK;
}

enum hf_err case_place_del(
    struct engine *e, const struct hf_id *id, unsigned track, uint32_t gen)
{
	struct row_key k;

	place_key(&k, id, track, gen);
	return txn_del(e->txn, TABLE_PLACES, row_bytes(&k));
}

enum hf_err case_place(struct engine *e, const struct hf_id *id, unsigned track,
    uint32_t gen, uint64_t *index)
{
	struct instant entered;

	return case_place_get(e, id, track, gen, index, &entered);
}

unsigned case_sides(const struct engine *e, const struct case_record *c)
{
	return (desk_is_ours(e, &c->from) ? 1u : 0u) |
	       (desk_is_ours(e, &c->to) ? 2u : 0u);
}

struct hf_country case_other_country(
    const struct engine *e, const struct case_record *c)
{
	return desk_is_ours(e, &c->from) ? hf_desk_country(&c->to)
					 : hf_desk_country(&c->from);
}

bool case_is_over(const struct case_record *c)
{
	return c->state >= HF_STATE_WITHDRAWN;
}

static void grant_key(
    struct row_key *k, const struct hf_id *id, const struct hf_desk *desk)
{
	static const char name[] = "grant/";

	*k = (struct row_key){0};
	row_add(k, name, sizeof(name) - 1);
	row_add(k, id->b, sizeof(id->b));
	row_add(k, desk->s, strlen(desk->s));
}

enum hf_err case_grant(
    struct engine *e, const struct hf_id *id, const struct hf_desk *desk)
{
	static const uint8_t one = 1;
	struct row_key k;

	grant_key(&k, id, desk);
	return txn_put(e->txn, TABLE_META, row_bytes(&k), bytes_of(&one, 1));
}

static bool is_granted(
    struct engine *e, const struct hf_id *id, const struct hf_desk *desk)
{
	struct hf_bytes row;
	struct row_key k;

	grant_key(&k, id, desk);
	return is_there(e, txn_get(e->txn, TABLE_META, row_bytes(&k), &row));
}

/** Auditors and oversight see who did what and when, operators what they
 * must know to keep it running; none of them a body, and nobody of a provider
 * anything but its orders. */
static bool sees_skeletons(unsigned desk_type, unsigned role)
{
	if (desk_type == DESK_PROVIDER)
		return false;
	return role == ROLE_AUDITOR || role == ROLE_OPERATOR ||
	       desk_type == DESK_AUDITOR || desk_type == DESK_OVERSIGHT ||
	       desk_type == DESK_OPERATOR;
}

enum case_access case_access(struct engine *e, const struct case_record *c,
    const struct officer_entry *who)
{
	const struct desk_entry *desk = roster_desk(e->roster, &who->desk);

	assert(desk != NULL && desk_is_ours(e, &who->desk));
	if (is_granted(e, &c->id, &who->desk))
		return ACCESS_FULL;
	if (sees_skeletons(desk->type, who->role))
		return ACCESS_SKELETON;
	return same_desk(&who->desk, &c->from) || same_desk(&who->desk, &c->to)
		   ? ACCESS_FULL
		   : ACCESS_NONE;
}

static void depend_key(
    struct row_key *k, const struct hf_id *basis, const struct hf_id *dependent)
{
	*k = (struct row_key){0};
	row_add(k, basis->b, sizeof(basis->b));
	if (dependent != NULL)
		row_add(k, dependent->b, sizeof(dependent->b));
}

enum hf_err case_depend(struct engine *e, const struct hf_id *basis,
    const struct hf_id *dependent, unsigned type)
{
	uint8_t row = (uint8_t)type;
	struct row_key k;

	depend_key(&k, basis, dependent);
	return txn_put(e->txn, TABLE_DEPENDS, row_bytes(&k), bytes_of(&row, 1));
}

enum hf_err case_next_dependent(struct engine *e, const struct hf_id *basis,
    struct hf_id *dependent, bool first)
{
	struct hf_bytes key, value;
	struct row_key prefix, from;
	enum hf_err err;

	depend_key(&prefix, basis, NULL);
	depend_key(&from, basis, first ? NULL : dependent);
	err = txn_next(e->txn, TABLE_DEPENDS, row_bytes(&prefix),
	    row_bytes(&from), !first, &key, &value);
	if (err != HF_OK)
		return err;
	if (key.size != 2 * HF_ID_SIZE)
		return HF_CORRUPT;
	memcpy(dependent->b, key.data + HF_ID_SIZE, sizeof(dependent->b));
	return HF_OK;
}
