/*
 * check: what must hold, from a book of our own and from what is stored.
 */
#include "tests/sim/sim.h"

#include "broker/engine/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS (1u << 17)
#define SLACK_MS 60000u /* a certain clock may be that wrong */
#define LATE_MS 5000u
#define ACKED_AT_ONCE 32u

static void must(enum hf_err err, const char *what, const struct node *n)
{
	if (err != HF_OK)
		sim_fail(
		    "%s: %s: %s", n->country.s, what, hf_err_info(err)->name);
}

/* ---- no second effect ---- */

static uint32_t place_of(
    const struct sim *s, unsigned node, const struct hf_id *id)
{
	uint32_t at = (get_be32(id->b + 20) ^ node * 2654435761u) % IDS;

	for (unsigned tries = 0; s->id_nodes[at] != 0; tries++) {
		if (s->id_nodes[at] == node + 1 && same_id(&s->ids[at], id))
			break;
		if (tries == IDS / 2)
			sim_fail("the book of acts is full");
		at = (at + 1) % IDS;
	}
	return at;
}

bool sim_entered(const struct sim *s, unsigned node, const struct hf_id *id)
{
	return s->ids != NULL && s->id_nodes[place_of(s, node, id)] != 0;
}

static void once(struct sim *s, unsigned node, const struct hf_id *id)
{
	uint32_t at;

	if (s->ids == NULL) {
		s->ids = calloc(IDS, sizeof(*s->ids));
		s->id_nodes = calloc(IDS, 1);
	}
	at = place_of(s, node, id);
	if (s->id_nodes[at] != 0)
		sim_fail(
		    "%s entered one act twice", s->f->nodes[node].country.s);
	s->ids[at] = *id;
	s->id_nodes[at] = (uint8_t)(node + 1);
}

/* ---- a valid signer, of a role that may ---- */

static void check_signer(struct sim *s, struct node *n,
    const struct hf_ledger_leaf *leaf, const struct hf_act *act)
{
	const struct hf_kind_info *kind = hf_kind_info(act->core.kind);
	struct hf_country from = hf_desk_country(&act->envelope.from);

	/* from abroad an unknown kind is kept, and void (SPEC 1.6) */
	if (leaf->type != HF_ENTRY_FOREIGN &&
	    (kind == NULL || kind->machine != (leaf->type == HF_ENTRY_MACHINE)))
		sim_fail("%s: entry type %u of kind %u", n->country.s,
		    leaf->type, act->core.kind);
	if (kind != NULL && kind->machine) {
		struct hf_key key =
		    secret_sign_key(fed_node(s->f, from.s)->broker);

		if (!same_key(&key, &act->core.author))
			sim_fail(
			    "%s: a machine act by no broker", n->country.s);
		return;
	}
	for (unsigned i = 0; i < s->key_count; i++) {
		const struct sim_key *k = &s->keys[i];

		if (!same_key(&k->sign, &act->core.author))
			continue;
		if (!same_desk(&k->desk, &act->envelope.from))
			sim_fail("%s: an act of %s by one of %s", n->country.s,
			    act->envelope.from.s, k->desk.s);
		if (k->role == ROLE_AUDITOR || k->role == ROLE_OPERATOR)
			sim_fail(
			    "%s: an act by role %u", n->country.s, k->role);
		if (k->revoked_ms != 0 && leaf->type == HF_ENTRY_OWN &&
		    !s->calm && leaf->entered.ms > k->revoked_ms + SLACK_MS &&
		    s->nodes[sim_index(s, n)].n->clock_certain)
			sim_fail("%s: an act by a revoked key", n->country.s);
		return;
	}
	sim_fail("%s: an act by a key nobody was given", n->country.s);
}

/* ---- no machine act too early ---- */

static void check_early(struct sim *s, struct sim_node *sn,
    const struct hf_ledger_leaf *leaf, const struct hf_act *act)
{
	const struct hf_envelope *env = &act->envelope;
	uint64_t entered = leaf->entered.ms, now = s->f->now.ms, due = 0;
	const struct hf_asked_facet *before;
	struct node *n = sn->n;
	struct case_record c;

	must(case_load(n->engine, &env->case_id, &c), "case", n);
	must(case_fold(n->engine, &c), "fold", n);
	if (env->track != HF_TRACK_ASKED || env->gen == 0 ||
	    env->gen > n->engine->work->asked_folded)
		return;
	before = &n->engine->work->s[env->gen - 1];
	if (act->core.kind == HF_KIND_EXPIRE)
		due = before->hold_until.ms;
	else if (act->core.kind == HF_KIND_LIVE_TIMEOUT && n->clock_certain)
		due = before->live_since.ms + before->live_ttl_s * 1000u;
	else if (act->core.kind == HF_KIND_LAPSE)
		due = n->engine->work_acts[0][0].envelope.not_after.ms;
	if (act->core.kind != HF_KIND_LIVE_TIMEOUT && due != 0 &&
	    !n->engine->clock_certain)
		sim_fail("%s ended something by a clock it does not trust",
		    n->country.s);
	if (due > entered || (due != 0 && due > now + SLACK_MS))
		sim_fail("%s: kind %u came %llu ms early", n->country.s,
		    act->core.kind,
		    (unsigned long long)(due -
					 (due > entered ? entered : now)));
}

/* No ask was accepted after its time, by the clock of the one who did. */
static void check_accept(struct node *n, const struct hf_act *act)
{
	const struct hf_life_act *asked;
	struct case_record c;

	must(case_load(n->engine, &act->envelope.case_id, &c), "case", n);
	if (c.gens[HF_TRACK_ASKED] != act->envelope.gen)
		return;
	must(case_fold(n->engine, &c), "fold", n);
	asked = &n->engine->work_acts[1][act->envelope.gen - 1];
	if (asked->clause != 0 || !same_id(&act->envelope.re, &c.id))
		return;
	if (asked->entered.ms >
	    n->engine->work_acts[0][0].envelope.not_after.ms)
		sim_fail("%s accepted what had lapsed", n->country.s);
}

/* ---- the ledger ---- */

static void check_act(struct sim *s, struct sim_node *sn, uint64_t index,
    const struct hf_ledger_leaf *leaf)
{
	struct hf_bytes core, envelope, sigs;
	static struct hf_act act;
	static uint8_t frame[HF_ACT_MAX];
	struct hf_envelope env;
	struct case_record c;
	struct node *n = sn->n;
	size_t size;

	must(ledger_act(n->engine, index, &core, &envelope, &sigs), "act", n);
	must(hf_envelope_decode(&env, envelope.data, envelope.size), "envelope",
	    n);
	must(case_load(n->engine,
		 HF_HAS(&env, HF_E_CASE) ? &env.case_id : &leaf->id, &c),
	    "case of an act", n);
	must(case_act_frame(
		 n->engine, &c, index, false, frame, sizeof(frame), &size),
	    "frame of an act", n);
	must(hf_act_decode(&act, frame, size), "act, decoded", n);
	must(hf_act_verify(&act), "an act's signature", n);
	if (!same_id(&act.id, &leaf->id))
		sim_fail("%s: a leaf names another act", n->country.s);
	once(s, sim_index(s, n), &leaf->id);
	if (sn->byzantine)
		return;
	check_signer(s, n, leaf, &act);
	if (leaf->type == HF_ENTRY_MACHINE)
		check_early(s, sn, leaf, &act);
	if (leaf->type == HF_ENTRY_OWN && act.core.kind == HF_KIND_ACCEPT)
		check_accept(n, &act);
}

static void remember(struct sim_node *sn, uint64_t i, struct hf_hash hash)
{
	if (i >= sn->hash_capacity) {
		sn->hash_capacity = 2 * sn->hash_capacity + 1024;
		sn->hashes = realloc(
		    sn->hashes, sn->hash_capacity * sizeof(*sn->hashes));
	}
	sn->hashes[i] = hash;
}

void sim_check_new(struct sim *s, struct sim_node *sn)
{
	struct node *n = sn->n;
	struct hf_hash root;

	if (sn->seen == n->size)
		return;
	if (n->size < sn->seen)
		sim_fail("%s: the ledger shrank", n->country.s);
	node_look(n);
	for (uint64_t i = sn->seen; i < n->size; i++) {
		struct hf_bytes leaf_bytes, payload;
		struct hf_ledger_leaf leaf;
		struct hf_hash hash;

		must(ledger_entry(n->engine, i, &leaf_bytes, &payload),
		    "an entry", n);
		must(hf_ledger_leaf_decode(
			 &leaf, leaf_bytes.data, leaf_bytes.size),
		    "a leaf", n);
		hash = hf_merkle_leaf(leaf_bytes.data, leaf_bytes.size);
		remember(sn, i, hash);
		must(hf_frontier_add(&sn->frontier, &hash, NULL, NULL),
		    "frontier", n);
		if (hf_entry_is_act(leaf.type))
			check_act(s, sn, i, &leaf);
	}
	s->r->entries += n->size - sn->seen;
	s->r->checks++;
	sn->seen = n->size;
	root = hf_frontier_root(&sn->frontier);
	if (!same_hash(&root, &n->root_hash))
		sim_fail(
		    "%s signed a head that is not of its ledger", n->country.s);
	node_look_end(n);
}

/* Every entry again: nothing of it changed since. */
static void check_history(struct sim_node *sn)
{
	struct node *n = sn->n;

	node_look(n);
	for (uint64_t i = 0; i < sn->seen; i++) {
		struct hf_bytes leaf, payload;
		struct hf_hash hash;

		must(ledger_entry(n->engine, i, &leaf, &payload), "entry", n);
		hash = hf_merkle_leaf(leaf.data, leaf.size);
		if (!same_hash(&hash, &sn->hashes[i]))
			sim_fail("%s: entry %llu is another one", n->country.s,
			    (unsigned long long)i);
	}
	node_look_end(n);
}

/* ---- what must not be read ---- */

static bool holds(struct hf_bytes b, const void *what, size_t size)
{
	return memmem(b.data, b.size, what, size) != NULL;
}

void sim_check_bytes(struct sim *s, const struct node *n,
    const struct effect *effect, const struct officer *reader)
{
	struct hf_bytes b = effect->bytes;

	if (holds(b, SIM_CANARY, sizeof(SIM_CANARY) - 1))
		sim_fail("%s let sealed content out, effect %d", n->country.s,
		    effect->type);
	if (reader == NULL || strstr(reader->desk.s, ".isp") == NULL)
		return;
	for (unsigned i = 0; i < s->masked_count; i++)
		if (s->masked[i].node == sim_index(s, n) &&
		    holds(b, s->masked[i].id.b, HF_ID_SIZE))
			sim_fail("%s told %s what its order rests on",
			    n->country.s, reader->desk.s);
}

void sim_check_stored(struct hf_bytes value)
{
	if (holds(value, SIM_CANARY, sizeof(SIM_CANARY) - 1))
		sim_fail("sealed content is stored in clear");
}

static void check_files(const struct node *n)
{
	char path[NODE_DIR_MAX + 16];
	uint8_t *bytes;
	long size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/data.mdb", n->dir);
	f = fopen(path, "rb");
	if (f == NULL)
		sim_fail("no %s", path);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	bytes = malloc((size_t)size + 1);
	if (fread(bytes, 1, (size_t)size, f) != (size_t)size)
		sim_fail("cannot read %s", path);
	fclose(f);
	if (holds(bytes_of(bytes, (size_t)size), SIM_CANARY,
		sizeof(SIM_CANARY) - 1))
		sim_fail("%s stores sealed content in clear", n->country.s);
	free(bytes);
}

/* ---- now and then ---- */

static void check_acked(struct sim *s, const struct sim_acked *a)
{
	struct node *n = &s->f->nodes[a->node];
	uint64_t index;
	enum hf_err err;

	node_look(n);
	err = ledger_index_of(n->engine, &a->id, &index);
	if (err != HF_OK || index != a->index)
		sim_fail("%s lost an act it had acknowledged", n->country.s);
	node_look_end(n);
}

/* What an honest peer receipted is there. */
static void check_delivered(struct sim *s)
{
	for (unsigned i = 0; i < s->acked_count; i++) {
		struct sim_acked *a = &s->acked[i];
		struct node *n = &s->f->nodes[a->node];

		for (unsigned p = 0; p < s->count; p++) {
			struct node *peer = &s->f->nodes[p];
			struct hf_bytes value;
			struct row_key k = {0};
			uint64_t index;
			bool has;

			if (p == a->node || s->nodes[p].byzantine)
				continue;
			row_add(&k, a->id.b, HF_ID_SIZE);
			row_add(&k, peer->country.s, HF_COUNTRY_SIZE);
			node_look(n);
			has = txn_get(n->txn, TABLE_RECEIPTS, row_bytes(&k),
				  &value) == HF_OK;
			node_look_end(n);
			if (!has)
				continue;
			node_look(peer);
			if (ledger_index_of(peer->engine, &a->id, &index) !=
			    HF_OK)
				sim_fail("%s receipted to %s and has nothing",
				    peer->country.s, n->country.s);
			node_look_end(peer);
		}
	}
}

static bool holding(enum hf_state state)
{
	return state == HF_STATE_ACCEPTED || state == HF_STATE_PRESERVED ||
	       state == HF_STATE_PARTLY_PRESERVED || state == HF_STATE_TRACING;
}

static void check_late(struct sim *s, struct sim_case *k)
{
	struct sim_node *sn = &s->nodes[k->asked];
	uint64_t now = s->f->now.ms;
	struct case_record c;

	if (sn->byzantine || !sn->n->clock_certain ||
	    now < sn->sane_since + LATE_MS || sn->full_until != 0 ||
	    node_case_err(sn->n, &k->id, &c) != HF_OK)
		return;
	k->done = c.erased;
	if (k->done)
		return;
	now += (uint64_t)sn->n->wall_error_ms;
	if (c.hold_until.ms != 0 && holding(c.state) &&
	    now > c.hold_until.ms + LATE_MS)
		sim_fail("%s did not end a hold, %llu ms late",
		    sn->n->country.s,
		    (unsigned long long)(now - c.hold_until.ms));
}

/* An order rests on something, or it is over. */
static bool is_orphan(struct sim *s, const struct sim_case *k)
{
	struct node *n = &s->f->nodes[k->asked];
	struct case_record c, basis;

	if (k->asking != k->asked || s->nodes[k->asked].byzantine ||
	    node_case_err(n, &k->id, &c) != HF_OK || c.basis_count == 0 ||
	    case_is_over(&c))
		return false;
	for (unsigned i = 0; i < c.basis_count; i++)
		if (node_case_err(n, &c.bases[i], &basis) == HF_OK &&
		    !case_is_over(&basis))
			return false;
	return true;
}

/* Later it would lapse by itself, and nobody would see that it was one. */
static void check_orphan(struct sim *s, struct sim_case *k)
{
	const struct sim_node *sn = &s->nodes[k->asked];
	uint64_t now = s->f->now.ms, since;

	if (!is_orphan(s, k)) {
		k->orphan_since = 0;
		return;
	}
	if (k->orphan_since == 0)
		k->orphan_since = now;
	since =
	    k->orphan_since > sn->sane_since ? k->orphan_since : sn->sane_since;
	if (sn->full_until == 0 && now > since + LATE_MS)
		sim_fail("%s: an order rests on nothing for %llu ms",
		    sn->n->country.s, (unsigned long long)(now - since));
}

void sim_check_due(struct sim *s)
{
	for (unsigned i = 0; i < s->case_count; i++) {
		if (s->cases[i].done)
			continue;
		check_late(s, &s->cases[i]);
		check_orphan(s, &s->cases[i]);
	}
}

void sim_check_some(struct sim *s)
{
	for (unsigned i = 0; i < ACKED_AT_ONCE && s->acked_count > 0; i++)
		check_acked(s, &s->acked[s->acked_looked++ % s->acked_count]);
	s->r->checks++;
}

/* ---- at the end ---- */

/* Rows for honest peers. */
static unsigned waiting(struct sim *s, struct node *n, bool tell)
{
	unsigned count = 0;

	node_look(n);
	for (unsigned p = 0; p < s->count; p++) {
		struct outbox_row row;
		uint64_t at = 0;

		if (s->nodes[p].byzantine)
			continue;
		while (outbox_next(n->engine, s->f->nodes[p].country, at, &at,
			   &row) == HF_OK) {
			if (tell)
				sim_note("%s has for %s: sequence %" PRIu64
					 ", kind %u, index %" PRIu64 " of "
					 "%" PRIu64 ", since %" PRIu64 " ms",
				    n->country.s, s->f->nodes[p].country.s, at,
				    row.kind, row.index, n->size,
				    s->f->now.ms - row.since.ms);
			count++;
		}
	}
	node_look_end(n);
	return count;
}

/* By its own broker's clock the opening was entered after its key was revoked,
 * of which that broker had not heard yet: refused there (SPEC 12.6), and its
 * desk was told. */
static bool revoked_on_its_way(struct sim *s, struct node *at,
    const struct node *by, const struct hf_id *id)
{
	const uint8_t revoked[2] = {
	    (uint8_t)(HF_REVOKED >> 8), (uint8_t)HF_REVOKED};
	struct hf_ledger_leaf leaf = {.type = 0};
	struct row_key k = {0};
	struct hf_bytes code;
	bool refused, late = false;
	uint64_t index;

	row_add(&k, id->b, sizeof(id->b));
	row_add(&k, by->country.s, HF_COUNTRY_SIZE);
	row_add(&k, "refused", 7);
	node_look(at);
	refused = txn_get(at->engine->txn, TABLE_RECEIPTS, row_bytes(&k),
		      &code) == HF_OK &&
		  code.size == sizeof(revoked) &&
		  memcmp(code.data, revoked, sizeof(revoked)) == 0 &&
		  ledger_index_of(at->engine, id, &index) == HF_OK &&
		  ledger_leaf(at->engine, index, &leaf) == HF_OK;
	node_look_end(at);
	for (unsigned i = 0; i < s->key_count; i++)
		late |= s->keys[i].node == sim_index(s, at) &&
			s->keys[i].revoked_ms != 0 &&
			leaf.entered.ms >= s->keys[i].revoked_ms;
	return refused && late;
}

static void check_agreement(struct sim *s, struct sim_case *k)
{
	struct node *a = &s->f->nodes[k->asking], *b = &s->f->nodes[k->asked];
	struct case_record at_a, at_b;

	if (a == b || s->nodes[k->asking].byzantine ||
	    s->nodes[k->asked].byzantine)
		return;
	if (revoked_on_its_way(s, a, b, &k->id))
		return;
	if (node_case_err(a, &k->id, &at_a) != HF_OK ||
	    node_case_err(b, &k->id, &at_b) != HF_OK)
		sim_fail("%s and %s: a case is not at both", a->country.s,
		    b->country.s);
	for (unsigned t = 0; t < 2; t++)
		if (at_a.gens[t] != at_b.gens[t])
			sim_fail("%s has %u acts of track %u, %s has %u",
			    a->country.s, at_a.gens[t], t, b->country.s,
			    at_b.gens[t]);
	if (!at_a.erased && !at_b.erased && !same_state(a, b, &k->id))
		sim_fail("%s says state %d, %s says %d", a->country.s,
		    at_a.state, b->country.s, at_b.state);
}

static unsigned all_waiting(struct sim *s, bool tell)
{
	unsigned count = 0;

	for (unsigned i = 0; i < s->count; i++)
		if (!s->nodes[i].byzantine)
			count += waiting(s, &s->f->nodes[i], tell);
	return count;
}

static void check_live(struct sim *s)
{
	/* what a deadline brought just now may still be on its way */
	for (unsigned i = 0; i < 20 && all_waiting(s, false) > 0; i++)
		sim_time(s, 500);
	if (all_waiting(s, true) > 0)
		sim_fail("%u acts still wait %u s after faults stopped",
		    all_waiting(s, false), SIM_SETTLE_MS / 1000 + 10);
}

void sim_check_end(struct sim *s)
{
	check_live(s);
	for (unsigned i = 0; i < s->acked_count; i++)
		check_acked(s, &s->acked[i]);
	for (unsigned i = 0; i < s->case_count; i++)
		s->cases[i].done = false;
	sim_check_due(s);
	check_delivered(s);
	for (unsigned i = 0; i < s->case_count; i++) {
		check_agreement(s, &s->cases[i]);
		if (is_orphan(s, &s->cases[i]))
			sim_fail("%s: an order rests on nothing",
			    s->f->nodes[s->cases[i].asked].country.s);
	}
	for (unsigned i = 0; i < s->count; i++) {
		check_history(&s->nodes[i]);
		if (sim_rows_off)
			check_files(&s->f->nodes[i]);
	}
}
