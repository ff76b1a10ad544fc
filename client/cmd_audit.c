/*
 * cmd_audit: an auditor believes nobody.  The ledger is fetched entry by
 * entry, hashed again, compared with the signed head; every act's digests,
 * signatures and the officer's standing at its time of entry are checked
 * against the country documents; the life cycle is replayed from the acts
 * alone and must arrive at the broker's states.
 */
#include "client/show.h"

#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/pack.h"

#include <stdlib.h>
#include <string.h>

#define AUDIT_ACTS_MAX 1000000u
#define REPORT_MAX 20u

/** One fetched entry: its bytes in one block, and what was decoded. */
struct entry {
	uint8_t *block; /* owned */
	struct hf_bytes leaf_bytes, core_bytes, envelope_bytes, sigs_bytes,
	    payload;
	struct hf_ledger_leaf leaf;
	struct hf_core core;
	struct hf_envelope envelope;
	struct hf_hash digest;
	struct instant entered; /* at the author's own broker */
	bool is_act;
};

struct audit {
	struct session session;
	struct args *args;
	struct entry *entries;
	uint64_t count, capacity;
	struct hf_frontier frontier;
	uint64_t acts, verified, divergences, cases;
	json_t *problems; /* first ones, in words */
	char head[HF_NOTE_MAX];
	uint64_t head_size;
};

static void diverges(struct audit *a, uint64_t index, const char *what)
{
	char text[200];

	a->divergences++;
	if (json_array_size(a->problems) >= REPORT_MAX)
		return;
	snprintf(text, sizeof(text), "entry %llu: %s",
	    (unsigned long long)index, what);
	json_array_append_new(a->problems, json_string(text));
}

/* ---- fetch ---- */

static enum hf_err keep_entry(struct audit *a, struct hf_bytes parts[5])
{
	struct entry *e;
	size_t size = 0, at = 0;
	struct hf_bytes *own[5];

	if (a->count == a->capacity) {
		uint64_t capacity = a->capacity == 0 ? 1024 : 2 * a->capacity;
		struct entry *grown =
		    realloc(a->entries, capacity * sizeof(*grown));

		if (grown == NULL || capacity > 4 * AUDIT_ACTS_MAX)
			return HF_NOMEM;
		a->entries = grown;
		a->capacity = capacity;
	}
	e = &a->entries[a->count];
	memset(e, 0, sizeof(*e));
	for (unsigned i = 0; i < 5; i++)
		size += parts[i].size;
	e->block = malloc(size + 1);
	if (e->block == NULL)
		return HF_NOMEM;
	own[0] = &e->leaf_bytes;
	own[1] = &e->core_bytes;
	own[2] = &e->envelope_bytes;
	own[3] = &e->sigs_bytes;
	own[4] = &e->payload;
	for (unsigned i = 0; i < 5; i++) {
		if (parts[i].size > 0)
			memcpy(e->block + at, parts[i].data, parts[i].size);
		*own[i] = (struct hf_bytes){e->block + at, parts[i].size};
		at += parts[i].size;
	}
	a->count++;
	return HF_OK;
}

static enum hf_err fetch_page(struct audit *a, uint64_t *from, bool *more)
{
	uint8_t args[32];
	struct answer answer;
	struct pack p;
	struct wire w;
	size_t size;
	int key;
	enum hf_err err;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, 1);
	pack_uint(&p, 1);
	pack_uint(&p, *from);
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = link_call(a->session.link, HF_OP_ENTRIES,
		    (struct hf_bytes){args, size}, &answer);
	if (err != HF_OK)
		return err;
	*more = false;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, HF_MAP_MAX);
	while (err == HF_OK && (key = wire_key(&w)) >= 0) {
		if (key == 1) {
			unsigned n = wire_array(&w, 0, HF_PAGE_ROWS);

			for (; n > 0 && w.err == HF_OK && err == HF_OK; n--) {
				struct hf_bytes parts[5];

				wire_array(&w, 5, 5);
				for (unsigned i = 0; i < 5; i++)
					parts[i] =
					    wire_bin(&w, 0, HF_RECEIPT_MAX);
				wire_close(&w);
				if (w.err == HF_OK)
					err = keep_entry(a, parts);
			}
			wire_close(&w);
		} else if (key == 2) {
			*from = wire_uint(&w, UINT64_MAX);
			*more = true;
		} else {
			wire_skip(&w);
		}
	}
	if (err != HF_OK)
		return err;
	wire_close(&w);
	return wire_finish(&w);
}

static enum hf_err fetch_head(struct audit *a)
{
	struct answer answer;
	struct hf_bytes note = {NULL, 0};
	struct wire w;
	enum hf_err err = link_call(
	    a->session.link, HF_OP_HEAD, (struct hf_bytes){NULL, 0}, &answer);

	if (err != HF_OK)
		return err;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, 1);
	if (wire_key(&w) == 1)
		note = wire_str(&w, 1, HF_NOTE_MAX - 1);
	wire_close(&w);
	err = wire_finish(&w);
	if (err == HF_OK)
		memcpy(a->head, note.data, note.size);
	return err;
}

/* The head first: entries after it are of later turns. */
static enum hf_err fetch_all(struct audit *a)
{
	uint64_t from = 0;
	bool more = true;
	enum hf_err err = fetch_head(a);

	while (err == HF_OK && more)
		err = fetch_page(a, &from, &more);
	if (err == HF_OK && !a->args->out.quiet &&
	    a->args->out.mode == OUT_TABLE)
		fprintf(stderr, "  fetched %llu entries\n",
		    (unsigned long long)a->count);
	return err;
}

/* ---- verify ---- */

static void check_digests(struct audit *a, uint64_t i, struct entry *e)
{
	struct hf_hash h;

	if (!e->is_act) {
		h = hf_hash(HF_TAG_STATEMENT, e->payload.data, e->payload.size);
		if (memcmp(&h, &e->leaf.core, sizeof(h)) != 0)
			diverges(a, i, "the statement is not the one hashed");
		return;
	}
	h = hf_hash(
	    HF_TAG_ENVELOPE, e->envelope_bytes.data, e->envelope_bytes.size);
	if (memcmp(&h, &e->leaf.envelope, sizeof(h)) != 0 ||
	    memcmp(&h, &e->core.envelope, sizeof(h)) != 0)
		diverges(a, i, "the envelope is not the one signed");
	h = hf_hash(HF_TAG_SIGS, e->sigs_bytes.data, e->sigs_bytes.size);
	if (memcmp(&h, &e->leaf.sigs, sizeof(h)) != 0)
		diverges(a, i, "the signatures are not those hashed");
	if (memcmp(&e->digest, &e->leaf.core, sizeof(e->digest)) != 0)
		diverges(a, i, "the core is not the one hashed");
}

/* The time of entry at home: of a foreign act from its own receipt. */
static bool home_entry(struct audit *a, struct entry *e)
{
	struct hf_country c = hf_desk_country(&e->envelope.from);
	const struct broker_entry *b = roster_broker(a->session.home.roster, c);
	char origin[HF_ORIGIN_MAX];
	struct hf_receipt r;
	uint64_t size;

	e->entered = e->leaf.entered;
	if (e->leaf.type != HF_ENTRY_FOREIGN)
		return true;
	if (b == NULL ||
	    hf_receipt_decode(&r, e->payload.data, e->payload.size) != HF_OK)
		return false;
	hf_origin(origin, c, r.leaf.epoch);
	if (hf_receipt_verify(&r, origin, &b->ledger, &size) != HF_OK ||
	    memcmp(&r.leaf.id, &e->leaf.id, sizeof(e->leaf.id)) != 0 ||
	    memcmp(&r.leaf.core, &e->leaf.core, sizeof(e->leaf.core)) != 0)
		return false;
	e->entered = r.leaf.entered;
	return true;
}

static bool signers_ok(struct audit *a, struct entry *e)
{
	struct hf_signature sigs[HF_SIGNATURE_MAX];
	struct hf_hash message = hf_act_to_sign(&e->digest);
	const struct hf_kind_info *kind = hf_kind_info(e->core.kind);
	struct hf_country c = hf_desk_country(&e->envelope.from);
	const struct broker_entry *b = roster_broker(a->session.home.roster, c);
	const struct officer_entry *o;
	unsigned count;

	if (hf_sigs_decode(
		sigs, &count, e->sigs_bytes.data, e->sigs_bytes.size) != HF_OK)
		return false;
	if (kind != NULL && kind->machine)
		return count == 0 && b != NULL &&
		       memcmp(&b->ledger, &e->core.author, HF_KEY_SIZE) == 0;
	if (count == 0 ||
	    memcmp(&sigs[0].key, &e->core.author, HF_KEY_SIZE) != 0)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (hf_verify(&sigs[i].key, &sigs[i].sig, &message,
			sizeof(message)) != HF_OK)
			return false;
	return roster_officer_check(a->session.home.roster, &e->core.author,
		   e->entered, &o) == HF_OK &&
	       strcmp(o->desk.s, e->envelope.from.s) == 0;
}

static void check_entry(struct audit *a, uint64_t i)
{
	struct entry *e = &a->entries[i];
	struct hf_hash hash =
	    hf_merkle_leaf(e->leaf_bytes.data, e->leaf_bytes.size);

	if (i < a->head_size &&
	    hf_frontier_add(&a->frontier, &hash, NULL, NULL) != HF_OK)
		diverges(a, i, "the tree is too large");
	if (hf_ledger_leaf_decode(
		&e->leaf, e->leaf_bytes.data, e->leaf_bytes.size) != HF_OK) {
		diverges(a, i, "the leaf cannot be read");
		return;
	}
	e->is_act = e->leaf.type <= HF_ENTRY_MACHINE;
	if (e->is_act) {
		a->acts++;
		if (hf_core_decode(&e->core, e->core_bytes.data,
			e->core_bytes.size) != HF_OK ||
		    hf_envelope_decode(&e->envelope, e->envelope_bytes.data,
			e->envelope_bytes.size) != HF_OK) {
			diverges(a, i, "the act cannot be read");
			e->is_act = false;
			return;
		}
		e->digest = hf_core_digest(e->core_bytes);
	}
	check_digests(a, i, e);
	if (!e->is_act)
		return;
	if (!home_entry(a, e))
		diverges(a, i, "the foreign receipt does not verify");
	else if (!signers_ok(a, e))
		diverges(a, i,
		    "the signature, or the officer's standing when it entered");
	else
		a->verified++;
}

static void check_all(struct audit *a)
{
	const struct home *h = &a->session.home;
	const struct broker_entry *b = roster_broker(h->roster, h->country);
	char origin[HF_ORIGIN_MAX];
	struct hf_hash root, got;

	if (b == NULL) {
		diverges(a, 0, "the own country's document names no broker");
		return;
	}
	hf_origin(origin, h->country, b->epoch);
	if (hf_checkpoint_verify(
		(struct hf_bytes){(const uint8_t *)a->head, strlen(a->head)},
		origin, &b->ledger, &a->head_size, &root) != HF_OK)
		diverges(a, 0, "the head's signature does not verify");
	if (a->head_size > a->count)
		diverges(
		    a, a->count, "entries under the signed head are missing");
	for (uint64_t i = 0; i < a->count; i++)
		check_entry(a, i);
	got = hf_frontier_root(&a->frontier);
	if (a->head_size <= a->count && memcmp(&got, &root, sizeof(root)) != 0)
		diverges(a, a->head_size,
		    "the entries do not hash to the signed head");
}

/* ---- replay ---- */

struct replayed {
	struct hf_id id;
	unsigned state;
	struct hf_hash digest;
	bool seen;
};

/* Order acts by case, track, gen; conflicts and waiting ones fall out in
 * the fold, which takes what is contiguous. */
static int compare(const void *x, const void *y)
{
	const struct entry *a = *(const struct entry *const *)x;
	const struct entry *b = *(const struct entry *const *)y;
	const struct hf_id *ia = HF_HAS(&a->envelope, HF_E_CASE)
				     ? &a->envelope.case_id
				     : &a->leaf.id;
	const struct hf_id *ib = HF_HAS(&b->envelope, HF_E_CASE)
				     ? &b->envelope.case_id
				     : &b->leaf.id;
	int order = memcmp(ia, ib, sizeof(*ia));

	if (order == 0)
		order = (int)a->envelope.track - (int)b->envelope.track;
	if (order == 0)
		order = a->envelope.gen < b->envelope.gen
			    ? -1
			    : a->envelope.gen > b->envelope.gen;
	if (order == 0)
		order = a < b ? -1 : a > b; /* the first stands */
	return order;
}

static struct hf_id case_of(const struct entry *e)
{
	return HF_HAS(&e->envelope, HF_E_CASE) ? e->envelope.case_id
					       : e->leaf.id;
}

static enum hf_err fold_case(struct audit *a, struct entry **list, size_t n,
    struct hf_case *work, struct hf_life_act *acts[2], struct replayed *out)
{
	uint32_t counts[2] = {0, 0};

	for (size_t i = 0; i < n; i++) {
		struct entry *e = list[i];
		unsigned t = e->envelope.track;

		if (t > HF_TRACK_ASKED || counts[t] >= HF_TRACK_ACTS_MAX ||
		    e->envelope.gen != counts[t] + 1)
			continue;
		hf_life_act_from(&acts[t][counts[t]++], &e->core, &e->envelope,
		    &e->digest, &e->leaf.id, e->entered);
	}
	if (counts[0] == 0)
		return HF_NOTFOUND;
	work->profile = roster_profile_by_digest(
	    a->session.home.roster, &acts[0][0].envelope.rules_profile);
	work->asking = acts[0];
	work->asked = acts[1];
	work->asking_count = counts[0];
	work->asked_count = counts[1];
	if (hf_case_fold(work) != HF_OK)
		return HF_DIVERGENCE;
	out->id = case_of(list[0]);
	out->state = (unsigned)work->state;
	out->digest = hf_case_digest(work);
	out->seen = false;
	return HF_OK;
}

static struct replayed *replay_cases(struct audit *a, uint64_t *count)
{
	struct entry **list = calloc(a->acts + 1, sizeof(*list));
	struct replayed *out = calloc(a->acts + 1, sizeof(*out));
	struct hf_case *work = calloc(1, sizeof(*work));
	struct hf_life_act *acts[2] = {
	    calloc(HF_TRACK_ACTS_MAX, sizeof(**acts)),
	    calloc(HF_TRACK_ACTS_MAX, sizeof(**acts)),
	};
	size_t n = 0, begin = 0;

	*count = 0;
	if (list == NULL || out == NULL || work == NULL || acts[0] == NULL ||
	    acts[1] == NULL)
		goto out;
	for (uint64_t i = 0; i < a->count; i++)
		if (a->entries[i].is_act)
			list[n++] = &a->entries[i];
	qsort(list, n, sizeof(*list), compare);
	for (size_t i = 1; i <= n; i++) {
		struct hf_id x, y;
		enum hf_err err;

		if (i < n) {
			x = case_of(list[begin]);
			y = case_of(list[i]);
			if (memcmp(&x, &y, sizeof(x)) == 0)
				continue;
		}
		err = fold_case(
		    a, list + begin, i - begin, work, acts, &out[*count]);
		if (err == HF_OK)
			(*count)++;
		else if (err != HF_NOTFOUND)
			diverges(a, (uint64_t)(list[begin] - a->entries),
			    "the case does not fold");
		begin = i;
	}
out:
	free(list);
	free(work);
	free(acts[0]);
	free(acts[1]);
	return out;
}

static void compare_state(struct audit *a, struct replayed *list, uint64_t n,
    const struct hf_id *id, unsigned state, const struct hf_hash *digest)
{
	char hex[2 * HF_ID_SIZE + 1], what[160];

	hf_hex(hex, id, sizeof(*id));
	for (uint64_t i = 0; i < n; i++) {
		if (memcmp(&list[i].id, id, sizeof(*id)) != 0)
			continue;
		list[i].seen = true;
		if (list[i].state == state &&
		    memcmp(&list[i].digest, digest, sizeof(*digest)) == 0)
			return;
		snprintf(what, sizeof(what),
		    "case %.16s: replayed %s, the broker says %s", hex,
		    hf_code_name(HF_CODES_STATE, list[i].state),
		    hf_code_name(HF_CODES_STATE, state));
		diverges(a, 0, what);
		return;
	}
	snprintf(what, sizeof(what),
	    "case %.16s: the broker has it, the ledger has not", hex);
	diverges(a, 0, what);
}

static enum hf_err states_page(struct audit *a, struct replayed *list,
    uint64_t n, struct hf_id *after, bool *more)
{
	uint8_t args[64];
	struct answer answer;
	struct pack p;
	struct wire w;
	size_t size;
	int key;
	enum hf_err err;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, *more ? 1 : 0);
	if (*more) {
		pack_uint(&p, 1);
		pack_bin(&p, after->b, sizeof(*after));
	}
	*more = false;
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = link_call(a->session.link, HF_OP_STATES,
		    (struct hf_bytes){args, size}, &answer);
	if (err != HF_OK)
		return err;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, HF_MAP_MAX);
	while ((key = wire_key(&w)) >= 0) {
		if (key == 1) {
			unsigned rows = wire_array(&w, 0, HF_PAGE_ROWS);

			for (; rows > 0 && w.err == HF_OK; rows--) {
				struct hf_id id;
				struct hf_hash digest;
				unsigned state;

				wire_array(&w, 3, 3);
				wire_bin_copy(&w, &id, sizeof(id));
				state = (unsigned)wire_uint(&w, 255);
				wire_bin_copy(&w, &digest, sizeof(digest));
				wire_close(&w);
				if (w.err == HF_OK)
					compare_state(
					    a, list, n, &id, state, &digest);
			}
			wire_close(&w);
		} else if (key == 2) {
			wire_bin_copy(&w, after, sizeof(*after));
			*more = true;
		} else {
			wire_skip(&w);
		}
	}
	wire_close(&w);
	return wire_finish(&w);
}

static enum hf_err replay(struct audit *a)
{
	struct replayed *list = replay_cases(a, &a->cases);
	struct hf_id after = {{0}};
	bool more = false;
	enum hf_err err = list == NULL ? HF_NOMEM : HF_OK;

	if (err == HF_OK)
		do {
			err = states_page(a, list, a->cases, &after, &more);
		} while (err == HF_OK && more);
	for (uint64_t i = 0; err == HF_OK && i < a->cases; i++)
		if (!list[i].seen)
			diverges(a, 0,
			    "a case of the ledger that the broker does not "
			    "have");
	free(list);
	return err;
}

/* ---- commands ---- */

static void release(struct audit *a)
{
	for (uint64_t i = 0; i < a->count; i++)
		free(a->entries[i].block);
	free(a->entries);
	json_decref(a->problems);
	session_close(&a->session);
	free(a);
}

static int report(struct audit *a, bool replayed)
{
	struct args *args = a->args;
	json_t *text;
	size_t i;

	if (args->out.mode == OUT_JSON) {
		json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I}", "entries",
		    (json_int_t)a->count, "acts", (json_int_t)a->acts,
		    "verified", (json_int_t)a->verified, "divergences",
		    (json_int_t)a->divergences, "head_size",
		    (json_int_t)a->head_size);

		if (replayed)
			json_object_set_new(
			    o, "cases", json_integer((json_int_t)a->cases));
		json_object_set(o, "problems", a->problems);
		out_json(o);
	} else {
		printf("Ledger    %llu entries, signed head over %llu\n",
		    (unsigned long long)a->count,
		    (unsigned long long)a->head_size);
		printf("Signers   %llu of %llu acts verify against the roster "
		       "of their time\n",
		    (unsigned long long)a->verified,
		    (unsigned long long)a->acts);
		if (replayed)
			printf("Replay    %llu cases\n",
			    (unsigned long long)a->cases);
		json_array_foreach (a->problems, i, text)
			printf("  %s\n", json_string_value(text));
		printf("Result    %s\n",
		    a->divergences == 0 ? "intact" : "DIVERGES, see above");
	}
	return a->divergences == 0 ? HF_EXIT_OK : HF_EXIT_VERIFY;
}

static struct audit *open_audit(struct args *args, int *status)
{
	struct audit *a = calloc(1, sizeof(*a));
	enum hf_err err;

	*status = HF_EXIT_FAILED;
	if (a == NULL)
		return NULL;
	a->args = args;
	a->problems = json_array();
	*status = session_open(&a->session, args, true);
	if (*status != HF_EXIT_OK) {
		json_decref(a->problems);
		free(a);
		return NULL;
	}
	err = fetch_all(a);
	if (err != HF_OK) {
		*status = out_error(&args->out, err, NULL, NULL, NULL, NULL);
		release(a);
		return NULL;
	}
	return a;
}

static int run_verify(struct args *args)
{
	int status;
	struct audit *a = open_audit(args, &status);

	if (a == NULL)
		return status;
	check_all(a);
	status = report(a, false);
	release(a);
	return status;
}

static int run_replay(struct args *args)
{
	int status;
	struct audit *a = open_audit(args, &status);
	enum hf_err err;

	if (a == NULL)
		return status;
	check_all(a);
	err = replay(a);
	status = err == HF_OK
		     ? report(a, true)
		     : out_error(&args->out, err, NULL, NULL, NULL, NULL);
	release(a);
	return status;
}

/* The fetched ledger as a file: canonical frames, each preceded by its size
 * in four bytes. */
static int run_fetch(struct args *args)
{
	int status;
	struct audit *a = open_audit(args, &status);
	const char *path = arg(args, "out");
	char fallback[HOME_PATH_MAX + 32];
	FILE *f;

	if (a == NULL)
		return status;
	if (path == NULL) {
		snprintf(fallback, sizeof(fallback), "%s/ledger.hfl",
		    a->session.home.path);
		path = fallback;
	}
	f = fopen(path, "we");
	for (uint64_t i = 0; f != NULL && i < a->count; i++) {
		struct entry *e = &a->entries[i];
		uint8_t frame[16384], size_be[4];
		struct pack p;
		size_t size;

		pack_init(&p, frame, sizeof(frame));
		pack_array(&p, 5);
		pack_bin(&p, e->leaf_bytes.data, e->leaf_bytes.size);
		pack_bin(&p, e->core_bytes.data, e->core_bytes.size);
		pack_bin(&p, e->envelope_bytes.data, e->envelope_bytes.size);
		pack_bin(&p, e->sigs_bytes.data, e->sigs_bytes.size);
		pack_bin(&p, e->payload.data, e->payload.size);
		if (pack_finish(&p, &size) != HF_OK)
			break;
		for (unsigned k = 0; k < 4; k++)
			size_be[k] = (uint8_t)(size >> (24 - 8 * k));
		fwrite(size_be, 1, sizeof(size_be), f);
		fwrite(frame, 1, size, f);
	}
	if (f == NULL || fclose(f) != 0)
		status = out_error(&args->out, HF_FILE, NULL, path, NULL, NULL);
	else if (args->out.mode == OUT_JSON)
		out_json(json_pack("{s:I, s:s}", "entries",
		    (json_int_t)a->count, "file", path));
	else
		printf(
		    "%llu entries in %s\n", (unsigned long long)a->count, path);
	release(a);
	return status;
}

static int run_receipts(struct args *args)
{
	static const char *const headings[] = {
	    "ENTRY", "ACT", "TO", "RECEIPT", NULL};
	struct session s;
	struct table *t = NULL;
	uint64_t from = 0, sent = 0, missing = 0;
	bool more = true, only_missing = arg_on(args, "missing");
	enum hf_err err = HF_OK;
	int status = session_open(&s, args, true);

	if (status != HF_EXIT_OK)
		return status;
	if (args->out.mode != OUT_JSON)
		t = table_new(headings);
	while (err == HF_OK && more) {
		uint8_t packed[32];
		struct answer answer;
		struct pack p;
		struct wire w;
		size_t size;
		int key;

		pack_init(&p, packed, sizeof(packed));
		pack_map(&p, 1);
		pack_uint(&p, 1);
		pack_uint(&p, from);
		err = pack_finish(&p, &size);
		if (err == HF_OK)
			err = link_call(s.link, HF_OP_RECEIPTS,
			    (struct hf_bytes){packed, size}, &answer);
		if (err != HF_OK)
			break;
		more = false;
		wire_init(&w, answer.map.data, answer.map.size);
		wire_map(&w, HF_MAP_MAX);
		while ((key = wire_key(&w)) >= 0) {
			if (key == 2) {
				from = wire_uint(&w, UINT64_MAX);
				more = true;
				continue;
			}
			for (unsigned n = wire_array(&w, 0, HF_PAGE_ROWS);
			     n > 0 && w.err == HF_OK; n--) {
				struct hf_id act;
				struct hf_country to;
				uint64_t index, there;
				char hex[2 * HF_ID_SIZE + 1], entry[24];

				wire_array(&w, 4, 4);
				wire_bin_copy(&w, &act, sizeof(act));
				index = wire_uint(&w, UINT64_MAX);
				to = wire_country(&w);
				there = wire_uint(&w, UINT64_MAX);
				wire_close(&w);
				sent++;
				missing += there == 0;
				if (w.err != HF_OK ||
				    (only_missing && there != 0))
					continue;
				hf_hex(hex, &act, sizeof(act));
				if (args->out.mode == OUT_JSON) {
					out_json(json_pack(
					    "{s:I, s:s, s:s, s:b}", "entry",
					    (json_int_t)index, "act", hex, "to",
					    to.s, "receipt", there != 0));
					continue;
				}
				snprintf(entry, sizeof(entry), "%llu",
				    (unsigned long long)index);
				table_row(
				    t, (const char *[]){entry,
					   hex + 2 * HF_ID_SIZE - 12, to.s,
					   there != 0 ? "ok" : "MISSING"});
			}
			wire_close(&w);
		}
		wire_close(&w);
		err = wire_finish(&w);
	}
	table_print(t, &args->out);
	if (err != HF_OK)
		status = out_error(&args->out, err, NULL, NULL, NULL, NULL);
	else if (args->out.mode == OUT_TABLE)
		printf("%llu sent, %llu receipted, %llu missing\n",
		    (unsigned long long)sent,
		    (unsigned long long)(sent - missing),
		    (unsigned long long)missing);
	session_close(&s);
	return status;
}

#define END \
	{ \
		NULL, 0, false, false, NULL, NULL \
	}
static const struct option_spec fetch_options[] = {
    {"out", 0, true, false, "FILE", "(HOME/ledger.hfl)"}, END};
static const struct option_spec receipts_options[] = {
    {"missing", 0, false, false, NULL, "only what is not proven"}, END};

const struct command cmd_audit[] = {
    {"audit", "fetch", "[--out FILE]", "Fetch the whole ledger", "", CMD_READS,
	0, 0, fetch_options, run_fetch},
    {"audit", "verify", "",
	"Hash, heads, signatures, officers' standing, receipts",
	"  holdfast audit verify\n", CMD_READS, 0, 0, NULL, run_verify},
    {"audit", "replay", "",
	"Replay the life cycle; must reach the broker's states", "", CMD_READS,
	0, 0, NULL, run_replay},
    {"audit", "receipts", "[--missing]",
	"What was sent abroad, and what proves it", "", CMD_READS, 0, 0,
	receipts_options, run_receipts},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL},
};
