/*
 * disk: the store that fails, behind broker/store/store.h.  The linker sends
 * the engine's calls here (--wrap); the store in memory (rows.c) does the work,
 * or the real one.
 */
#include "tests/sim/sim.h"

struct sim_disk sim_disk;

enum hf_err __real_txn_get(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes *value);
enum hf_err __real_txn_put(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes value);
enum hf_err __real_txn_next(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes from, bool after,
    struct hf_bytes *key, struct hf_bytes *value);
enum hf_err __real_txn_commit(struct txn *t);
enum hf_err __wrap_txn_get(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes *value);
enum hf_err __wrap_txn_put(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes value);
enum hf_err __wrap_txn_next(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes from, bool after,
    struct hf_bytes *key, struct hf_bytes *value);
enum hf_err __wrap_txn_commit(struct txn *t);

/* The store behind: in memory, or the real one. */
static enum hf_err get(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes *value)
{
	return sim_rows_off ? __real_txn_get(t, table, key, value)
			    : sim_rows_get(t, table, key, value);
}

static enum hf_err put(
    struct txn *t, enum table table, struct hf_bytes key, struct hf_bytes value)
{
	return sim_rows_off ? __real_txn_put(t, table, key, value)
			    : sim_rows_put(t, table, key, value);
}

static enum hf_err commit(struct txn *t)
{
	return sim_rows_off ? __real_txn_commit(t) : sim_rows_commit(t);
}

static bool hit(unsigned of_100000, enum fault fault)
{
	if (!sim_disk.armed || of_100000 == 0 ||
	    chance_below(sim_disk.chance, 100000) >= of_100000)
		return false;
	sim_disk.hits[fault]++;
	return true;
}

enum hf_err __wrap_txn_get(struct txn *t, enum table table, struct hf_bytes key,
    struct hf_bytes *value)
{
	if (hit(sim_disk.read, FAULT_READ))
		return HF_STORE;
	return get(t, table, key, value);
}

enum hf_err __wrap_txn_next(struct txn *t, enum table table,
    struct hf_bytes prefix, struct hf_bytes from, bool after,
    struct hf_bytes *key, struct hf_bytes *value)
{
	if (hit(sim_disk.read, FAULT_READ))
		return HF_STORE;
	return sim_rows_off
		   ? __real_txn_next(t, table, prefix, from, after, key, value)
		   : sim_rows_next(t, table, prefix, from, after, key, value);
}

enum hf_err __wrap_txn_put(
    struct txn *t, enum table table, struct hf_bytes key, struct hf_bytes value)
{
	if (sim_disk.armed && sim_disk.full) {
		sim_disk.hits[FAULT_FULL]++;
		return HF_FULL;
	}
	if (hit(sim_disk.put_full, FAULT_PUT_FULL))
		return HF_FULL;
	sim_disk.dirty = true;
	sim_check_stored(value);
	return put(t, table, key, value);
}

/* Of a commit that fails nobody knows whether it happened. */
enum hf_err __wrap_txn_commit(struct txn *t)
{
	bool dirty = sim_disk.dirty;

	sim_disk.dirty = false;
	if (dirty && hit(sim_disk.put_full, FAULT_PUT_FULL)) {
		txn_abort(t);
		return HF_FULL;
	}
	if (dirty && hit(sim_disk.commit, FAULT_COMMIT)) {
		if (chance_below(sim_disk.chance, 2) == 0)
			txn_abort(t);
		else if (commit(t) != HF_OK)
			return HF_STORE;
		return HF_STORE;
	}
	return commit(t);
}
