/* Writing and signing acts as an officer's client would. */
#include "tests/broker/fixture.h"

#include "proto/catalogue.h"
#include "proto/crypto.h"
#include "proto/leaf.h"
#include "proto/seal.h"

#include <criterion/criterion.h>
#include <string.h>

#define UNKNOWN_KEY 100
#define CRITICAL_KEY 63
#define UNKNOWN_FIELD 2000u

static void must(enum hf_err err, const char *what)
{
	cr_assert_eq(err, HF_OK, "fixture: %s: %s %s", what,
	    hf_err_info(err)->name, hf_err_text(err));
}

const struct hf_bytes nothing;

void desk_set(struct hf_desk *desk, const char *name)
{
	cr_assert_leq(strlen(name), HF_DESK_MAX);
	memset(desk, 0, sizeof(*desk));
	memcpy(desk->s, name, strlen(name));
}

void draft_has(struct draft *d, enum hf_envelope_key key)
{
	d->env.present |= UINT64_C(1) << key;
}

static void begin(
    struct draft *d, struct federation *f, const char *author, unsigned kind)
{
	struct hf_country country;

	memset(d, 0, sizeof(*d));
	d->author = fed_officer(f, author);
	country = hf_desk_country(&d->author->desk);
	d->node = fed_node(f, country.s);
	d->kind = kind;
	d->created = f->now;
	d->env.from = d->author->desk;
	d->env.roster = d->node->doc->head.version;
	hf_random(d->env.salt, sizeof(d->env.salt));
	draft_has(d, HF_E_SALT);
	draft_has(d, HF_E_FROM);
	draft_has(d, HF_E_TO);
	draft_has(d, HF_E_TRACK);
	draft_has(d, HF_E_GEN);
	draft_has(d, HF_E_SEEN_GEN);
	draft_has(d, HF_E_POLICY);
	draft_has(d, HF_E_ROSTER);
}

void draft_open(struct draft *d, struct federation *f, const char *author,
    unsigned kind, const char *to)
{
	const struct hf_profile *rules = hf_profile_by_name("test");

	begin(d, f, author, kind);
	memcpy(d->env.to.s, to, strlen(to) + 1);
	d->env.track = HF_TRACK_ASKING;
	d->env.gen = 1;
	d->env.measure = HF_PRESERVATION;
	d->env.basis = rules->basis;
	d->env.rules_version = 1;
	d->env.rules_profile = rules->digest;
	d->env.not_after.ms = f->now.ms + rules->ask_s * 1000;
	d->env.urgency = HF_ROUTINE;
	d->env.categories = HF_TRAFFIC;
	draft_has(d, HF_E_MEASURE);
	draft_has(d, HF_E_BASIS);
	draft_has(d, HF_E_RULES);
	draft_has(d, HF_E_NOT_AFTER);
	draft_has(d, HF_E_URGENCY);
	draft_has(d, HF_E_CATEGORIES);
}

static void digest_at(struct draft *d, const struct hf_id *case_id,
    unsigned track, uint32_t gen, struct hf_hash *out)
{
	struct hf_bytes core, envelope, sigs;
	uint64_t index;

	must(case_place(d->node->engine, case_id, track, gen, &index),
	    "case_place");
	must(ledger_act(d->node->engine, index, &core, &envelope, &sigs),
	    "ledger_act");
	*out = hf_core_digest(core);
}

void draft_next(struct draft *d, struct federation *f, const char *author,
    unsigned kind, unsigned track, const struct hf_id *case_id,
    const struct hf_id *re)
{
	unsigned other = track <= HF_TRACK_ASKED ? track ^ 1u : track - 2u;
	bool asking =
	    track == HF_TRACK_ASKING || track == HF_TRACK_INNER_ASKING;
	struct case_record c;

	begin(d, f, author, kind);
	node_look(d->node);
	must(case_load(d->node->engine, case_id, &c), "case_load");
	d->env.to = asking ? c.to : c.from;
	if (track > HF_TRACK_ASKED)
		d->env.to = d->env.from;
	d->env.case_id = *case_id;
	draft_has(d, HF_E_CASE);
	d->env.track = track;
	d->env.gen = c.gens[track] + 1;
	d->env.seen_gen = c.gens[other];
	if (d->env.gen > 1) {
		digest_at(d, case_id, track, d->env.gen - 1, &d->env.prev);
		draft_has(d, HF_E_PREV);
	}
	if (d->env.seen_gen > 0) {
		digest_at(d, case_id, other, d->env.seen_gen, &d->env.seen);
		draft_has(d, HF_E_SEEN);
	}
	if (re != NULL) {
		d->env.re = *re;
		draft_has(d, HF_E_RE);
	}
	node_look_end(d->node);
}

/** A field of texts that may repeat, so that any number of leaves is one. */
static unsigned text_field(void)
{
	for (unsigned i = 0; hf_field_at(i) != NULL; i++)
		if (hf_field_at(i)->type == HF_T_TEXT &&
		    hf_field_at(i)->repeats)
			return hf_field_at(i)->number;
	cr_assert_fail("fixture: no text field repeats");
	return 0;
}

static void seal_body(const struct draft *d, const struct hf_leaves *leaves,
    const struct hf_hash *commitment, uint8_t *out, size_t capacity,
    size_t *size)
{
	const struct roster *roster = engine_roster(d->node->engine);
	struct hf_recipient to[2] = {
	    {.desk = d->env.to}, {.desk = d->env.from}};
	unsigned count = strcmp(d->env.to.s, d->env.from.s) == 0 ? 1 : 2;
	struct hf_seal_chance chance;
	static uint8_t plain[HF_BODY_MAX];
	size_t plain_size;

	if (d->sealed_to != NULL)
		memcpy(to[0].desk.s, d->sealed_to, strlen(d->sealed_to) + 1);
	for (unsigned i = 0; i < count; i++) {
		const struct desk_entry *desk =
		    roster_desk(roster, &to[i].desk);

		if (desk == NULL)
			desk = roster_desk(roster, &d->author->desk);
		cr_assert_not_null(desk);
		to[i].epoch = desk->epoch;
		to[i].key = desk->sealing;
	}
	hf_random(&chance, sizeof(chance));
	must(hf_leaves_encode(leaves, plain, sizeof(plain), &plain_size),
	    "hf_leaves_encode");
	must(hf_body_seal(plain, plain_size, to, count, &d->author->sign,
		 commitment, &chance, out, capacity, size),
	    "hf_body_seal");
}

static void make_leaves(const struct draft *d, struct hf_leaves *l,
    uint8_t values[HF_LEAF_MAX][HF_TEXT_MAX])
{
	static char text[HF_TEXT_MAX];

	memset(text, 'x', sizeof(text));
	cr_assert_lt(d->leaf_size, sizeof(text) - 16);
	memset(l, 0, sizeof(*l));
	hf_random(l->seed, sizeof(l->seed));
	l->count = d->leaf_count;
	for (unsigned i = 0; i < l->count; i++) {
		struct pack p;
		size_t size;

		pack_init(&p, values[i], sizeof(values[i]));
		pack_array(&p, 2);
		pack_text(&p, "en");
		if (d->text != NULL)
			pack_text(&p, d->text);
		else if (d->leaf_size == 0)
			pack_text(&p, "what was seen");
		else
			pack_str(&p, text, d->leaf_size);
		must(pack_finish(&p, &size), "pack_finish");
		l->leaf[i].field = d->newer ? UNKNOWN_FIELD : text_field();
		l->leaf[i].value = bytes_of(values[i], size);
	}
	hf_leaves_salt(l);
}

static size_t sign_core(
    const struct draft *d, const struct hf_hash *digest, uint8_t *out)
{
	const struct officer *by[2] = {d->author, d->cosigner};
	struct hf_hash to_sign = hf_act_to_sign(digest);
	struct hf_signature sigs[2];
	unsigned count = d->cosigner != NULL ? 2 : 1;
	size_t size;

	for (unsigned i = 0; i < count; i++) {
		sigs[i].key = by[i]->sign;
		sigs[i].sig =
		    secret_sign(by[i]->secret, to_sign.b, sizeof(to_sign.b));
	}
	if (d->break_signature)
		sigs[0].sig.b[5] ^= 1;
	must(hf_sigs_encode(sigs, count, out, HF_SIGS_MAX, &size),
	    "hf_sigs_encode");
	return size;
}

/* One key more at the end of the map, where the highest one stands. */
static size_t add_unknown(uint8_t *envelope, size_t size, uint8_t key)
{
	uint8_t was = envelope[0];

	cr_assert(size + 4 <= HF_ENVELOPE_MAX, "no room for a key");
	if (was == 0x8f) { /* from 16 keys on in three bytes */
		memmove(envelope + 3, envelope + 1, size - 1);
		memcpy(envelope, "\xde\x00\x10", 3);
		size += 2;
	} else {
		envelope[was == 0xde ? 2 : 0]++;
	}
	envelope[size++] = key;
	envelope[size++] = 1;
	return size;
}

void draft_sign(const struct draft *d, struct signed_act *a)
{
	uint8_t envelope[HF_ENVELOPE_MAX], core_bytes[HF_CORE_MAX];
	uint8_t sigs[HF_SIGS_MAX], body[HF_BODY_MAX];
	static uint8_t values[HF_LEAF_MAX][HF_TEXT_MAX];
	struct hf_envelope env = d->env;
	struct hf_core core = {.suite = 1};
	size_t envelope_size, core_size, sigs_size, body_size;
	struct hf_leaves leaves;
	struct hf_act act;

	env.policy = bytes_of(d->policy, d->leaf_count);
	make_leaves(d, &leaves, values);
	must(hf_envelope_encode(
		 &env, envelope, sizeof(envelope), &envelope_size),
	    "hf_envelope_encode");
	if (d->critical)
		envelope_size =
		    add_unknown(envelope, envelope_size, CRITICAL_KEY);
	if (d->newer)
		envelope_size =
		    add_unknown(envelope, envelope_size, UNKNOWN_KEY);
	core.kind = d->kind;
	core.author = d->author->sign;
	core.created = d->created;
	core.root = hf_leaves_root(&leaves);
	core.envelope = hf_hash(HF_TAG_ENVELOPE, envelope, envelope_size);
	seal_body(d, &leaves, &core.envelope, body, sizeof(body), &body_size);
	core.body = hf_hash(HF_TAG_BODY, body, body_size);
	must(hf_core_encode(&core, core_bytes, sizeof(core_bytes), &core_size),
	    "hf_core_encode");
	a->digest = hf_core_digest(bytes_of(core_bytes, core_size));
	a->id = hf_act_id(core.created, &a->digest);
	sigs_size = sign_core(d, &a->digest, sigs);
	must(hf_act_encode(bytes_of(core_bytes, core_size),
		 bytes_of(envelope, envelope_size), bytes_of(sigs, sigs_size),
		 bytes_of(body, body_size), a->frame, sizeof(a->frame),
		 &a->size),
	    "hf_act_encode");
	a->case_id = HF_HAS(&env, HF_E_CASE) ? env.case_id : a->id;
	a->body = nothing;
	if (d->bad_form)
		return;
	must(hf_act_decode(&act, a->frame, a->size), "hf_act_decode");
	a->body = act.body_bytes;
}

enum hf_err draft_submit(
    struct draft *d, struct signed_act *a, struct intake_result *result)
{
	draft_sign(d, a);
	return fed_submit(d->node, d->author, a, bytes_of(NULL, 0), result);
}

struct hf_id must_submit(struct draft *d)
{
	static struct signed_act a;
	struct intake_result result = {0};
	enum hf_err err = draft_submit(d, &a, &result);

	cr_assert_eq(err, HF_OK, "fixture: submit of kind %u: %s %s, SPEC %u",
	    d->kind, hf_err_info(err)->name, hf_err_text(err), result.clause);
	return a.id;
}

struct hf_id fed_request(struct federation *f)
{
	struct draft d;
	struct hf_id id;

	draft_open(&d, f, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	id = must_submit(&d);
	must(fed_carry(fed_node(f, "JP"), fed_node(f, "US"), &id, NULL),
	    "fed_carry");
	return id;
}

void draft_accept(struct draft *d, struct federation *f, const char *author,
    const struct hf_id *id, uint64_t seconds)
{
	draft_next(d, f, author, HF_KIND_ACCEPT, HF_TRACK_ASKED, id, id);
	d->env.categories = HF_TRAFFIC;
	d->env.term_from = f->now;
	d->env.term_until.ms = f->now.ms + seconds * 1000;
	draft_has(d, HF_E_CATEGORIES);
	draft_has(d, HF_E_TERM);
}
