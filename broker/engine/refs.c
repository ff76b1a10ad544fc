/*
 * refs: the case of each reference.
 *
 * A reference is random by its nature (SPEC 3.9), so a table ordered by it
 * would change a page of its own for every case that opens: more pages than
 * all the rest of a turn.  The rows are kept in the order of opening instead,
 * many references in each, and an index of them in memory, read at the start:
 * places of 8 bytes, at most three quarters of them taken.
 *
 * A turn that is abandoned leaves its places in the index; their numbers are
 * given again, and a place counts only if the row says the same reference.
 */
#include "broker/engine/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define REFS_A_ROW 40u /* two rows a page of the store */
#define PLACES_LEAST 1024u

struct ref_row {
	char ref[HF_REF_MAX];
	uint8_t id[HF_HASH_SIZE];
};

/* What is stored is what stands in memory: no padding. */
_Static_assert(
    sizeof(struct ref_row) == HF_REF_MAX + HF_HASH_SIZE, "bytes only");

struct refs {
	uint64_t *places; /* upper half of a hash, number + 1; 0: free */
	uint64_t capacity, used;
	uint32_t count, saved; /* references; those of the turn before */
};

static bool is_full(const struct refs *r)
{
	return r->used >= r->capacity / 4 * 3;
}

static uint64_t hash_of(const char *ref)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *ref != '\0'; ref++)
		h = (h ^ (uint8_t)*ref) * UINT64_C(0x100000001b3);
	h = (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static struct hf_bytes key_of(uint8_t key[4], uint32_t number)
{
	uint32_t row = number / REFS_A_ROW;

	for (unsigned i = 0; i < 4; i++)
		key[i] = (uint8_t)(row >> (24 - 8 * i));
	return bytes_of(key, 4);
}

/* The row that holds reference `number`, and how many are in it. */
static enum hf_err row_get(
    struct engine *e, uint32_t number, struct hf_bytes *row, unsigned *count)
{
	uint8_t key[4];
	enum hf_err err = txn_get(e->txn, TABLE_REFS, key_of(key, number), row);

	*count = 0;
	if (err != HF_OK)
		return err;
	*count = (unsigned)(row->size / sizeof(struct ref_row));
	return *count > 0 && *count <= REFS_A_ROW &&
		       row->size % sizeof(struct ref_row) == 0
		   ? HF_OK
		   : HF_CORRUPT;
}

static void place(struct refs *r, const char *ref, uint32_t number)
{
	uint64_t h = hash_of(ref), at = h & (r->capacity - 1);

	while (r->places[at] != 0)
		at = (at + 1) & (r->capacity - 1);
	r->places[at] = (h & ~UINT64_C(0xffffffff)) | (number + UINT64_C(1));
	r->used++;
}

/* Everything that is stored, into an index of `capacity` places. */
static enum hf_err read_all(struct engine *e, struct refs *r)
{
	bool more = true;
	enum hf_err err = HF_OK;

	for (r->count = 0; err == HF_OK && more;) {
		struct hf_bytes row;
		unsigned n;

		err = row_get(e, r->count, &row, &n);
		for (unsigned i = 0; i < n && err == HF_OK; i++) {
			struct ref_row one;

			memcpy(&one, row.data + i * sizeof(one), sizeof(one));
			if (memchr(one.ref, '\0', sizeof(one.ref)) == NULL)
				err = HF_CORRUPT;
			else if (!is_full(r))
				place(r, one.ref, r->count + i);
		}
		more = n == REFS_A_ROW;
		r->count += n;
	}
	return err == HF_NOTFOUND ? HF_OK : err;
}

/* An index of the `most` references that are stored at most, with room for as
 * many again; what abandoned turns left goes. */
static enum hf_err build(struct engine *e, struct refs *r, uint32_t most)
{
	struct refs next = {.capacity = PLACES_LEAST, .saved = r->saved};
	enum hf_err err;

	while (next.capacity / 2 < most)
		next.capacity *= 2;
	next.places = calloc(next.capacity, sizeof(*next.places));
	if (next.places == NULL)
		return HF_NOMEM;
	err = read_all(e, &next);
	if (err == HF_OK && next.count > most)
		err = HF_CORRUPT; /* more than anybody put there */
	if (err != HF_OK) {
		free(next.places);
		return err;
	}
	free(r->places);
	*r = next;
	return HF_OK;
}

enum hf_err refs_load(struct engine *e)
{
	uint64_t rows;
	enum hf_err err = txn_rows(e->txn, TABLE_REFS, &rows);

	e->refs = calloc(1, sizeof(*e->refs));
	if (e->refs == NULL)
		return HF_NOMEM;
	if (err == HF_OK && rows > UINT32_MAX / REFS_A_ROW)
		err = HF_CORRUPT;
	return err == HF_OK ? build(e, e->refs, (uint32_t)rows * REFS_A_ROW)
			    : err;
}

void refs_free(struct refs *r)
{
	if (r != NULL)
		free(r->places);
	free(r);
}

void refs_begin(struct engine *e)
{
	e->refs->saved = e->refs->count;
}

void refs_abandon(struct engine *e)
{
	e->refs->count = e->refs->saved;
}

/* Is it this one?  HF_NOTFOUND: another of the same hash, or of a turn that
 * was abandoned. */
static enum hf_err look(
    struct engine *e, uint32_t number, const char *ref, struct hf_id *id)
{
	unsigned n, i = number % REFS_A_ROW;
	struct hf_bytes row;
	struct ref_row one;
	enum hf_err err = row_get(e, number, &row, &n);

	if (err != HF_OK || i >= n)
		return err == HF_NOTFOUND || err == HF_OK ? HF_CORRUPT : err;
	memcpy(&one, row.data + i * sizeof(one), sizeof(one));
	if (strncmp(one.ref, ref, sizeof(one.ref)) != 0)
		return HF_NOTFOUND;
	memcpy(id->b, one.id, sizeof(id->b));
	return HF_OK;
}

enum hf_err case_by_ref(struct engine *e, const char *ref, struct hf_id *id)
{
	const struct refs *r = e->refs;
	uint64_t h = hash_of(ref), at = h & (r->capacity - 1);
	enum hf_err err = HF_NOTFOUND;

	for (; err == HF_NOTFOUND && r->places[at] != 0;
	     at = (at + 1) & (r->capacity - 1)) {
		uint32_t number = (uint32_t)r->places[at] - 1;

		if (r->places[at] >> 32 == h >> 32 && number < r->count)
			err = look(e, number, ref, id);
	}
	return err;
}

enum hf_err case_ref_add(
    struct engine *e, const char *ref, const struct hf_id *id)
{
	struct refs *r = e->refs;
	struct ref_row rows[REFS_A_ROW];
	unsigned held = r->count % REFS_A_ROW, n = 0;
	struct hf_bytes row;
	uint8_t key[4];
	enum hf_err err = HF_OK;

	assert(strlen(ref) < HF_REF_MAX);
	if (r->count == UINT32_MAX - 1)
		return HF_FULL;
	if (held > 0)
		err = row_get(e, r->count, &row, &n);
	if (err != HF_OK || n != held)
		return err == HF_OK || err == HF_NOTFOUND ? HF_CORRUPT : err;
	if (held > 0)
		memcpy(rows, row.data, row.size);
	memset(&rows[held], 0, sizeof(rows[held]));
	memcpy(rows[held].ref, ref, strlen(ref));
	memcpy(rows[held].id, id->b, sizeof(id->b));
	err = txn_put(e->txn, TABLE_REFS, key_of(key, r->count),
	    bytes_of(rows, (held + 1) * sizeof(rows[0])));
	if (err == HF_OK && is_full(r))
		return build(e, r, r->count + 1); /* this one is read too */
	if (err == HF_OK)
		place(r, ref, r->count++);
	return err;
}
