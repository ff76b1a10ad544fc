/*
 * proto/vectors/lifecycle.json: scripts of acts with the clauses, the
 * results, both facets (SPEC 5.14) and their digest that they must give.
 */
#include "proto/crypto.h"
#include "tests/proto/life_rig.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

static uint64_t number(const json_t *object, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(object, key));

	cr_assert_geq(v, 0);
	return (uint64_t)v;
}

static unsigned small(const json_t *object, const char *key)
{
	return (unsigned)number(object, key);
}

static uint64_t at(const json_t *array, size_t i)
{
	return (uint64_t)json_integer_value(json_array_get(array, i));
}

static void read_profile(struct hf_profile *p, const json_t *j)
{
	p->term_min_s = number(j, "term_min");
	p->term_max_s = number(j, "term_max");
	p->total_max_s = number(j, "total_max");
	p->extensions_max = small(j, "extensions_max");
	p->live_ttl_max_s = number(j, "live_ttl_max");
	p->measures = small(j, "measures");
	p->suspends = json_is_true(json_object_get(j, "suspend"));
	p->ground_count = 0;
	for (size_t i = 0; i < json_array_size(json_object_get(j, "grounds"));
	     i++)
		p->grounds[p->ground_count++] =
		    (uint8_t)at(json_object_get(j, "grounds"), i);
}

static struct hf_life_act read_act(struct rig *r, const json_t *j)
{
	const json_t *re = json_object_get(j, "re");
	struct hf_life_act act =
	    rig_make(r, small(j, "track"), small(j, "kind"));
	struct hf_envelope *e = &act.envelope;

	rig_seen(r, &act, small(j, "seen"));
	act.entered.ms = number(j, "entered");
	if (re != NULL)
		e->re = r->acts[at(re, 0)][at(re, 1) - 1].id;
	e->measure = small(j, "measure");
	e->rules_version = small(j, "rules_version");
	e->rules_profile.b[0] =
	    json_is_true(json_object_get(j, "other_profile"));
	e->categories = small(j, "categories");
	e->not_after.ms = number(j, "not_after");
	e->term_from.ms = at(json_object_get(j, "term"), 0);
	e->term_until.ms = at(json_object_get(j, "term"), 1);
	e->change = small(j, "change");
	e->choice = small(j, "choice");
	e->result = small(j, "result");
	e->reason = small(j, "reason");
	e->urgency = small(j, "urgency");
	e->ttl_s = small(j, "ttl");
	e->at.ms = number(j, "at");
	if (e->at.ms != 0)
		e->present |= UINT64_C(1) << HF_E_AT;
	e->unknown_critical =
	    json_is_true(json_object_get(j, "unknown_critical"));
	if (json_is_true(json_object_get(j, "outsider")))
		e->present |= UINT64_C(1) << HF_E_OUTSIDER;
	return act;
}

/** Both facets as the JSON of the arrays of SPEC 5.14. */
static void facets_text(const struct hf_case *c, char *out, size_t size)
{
	const struct hf_asking_facet *a = &c->a[c->asking_folded];
	const struct hf_asked_facet *s = &c->s[c->asked_folded];
	int n = snprintf(out, size,
	    "[[%u,%u,%u,%u,%u,%u,%u],"
	    "[%u,%u,%s,%llu,%llu,%u,%u,%u,%u,%u,%u,%llu,%u,%u,[",
	    a->gen, a->phase, a->ended_gen, a->urgency, a->asks,
	    a->last_follow_up, a->answered_advise, s->gen, s->phase,
	    s->confirmed_rules ? "true" : "false",
	    (unsigned long long)s->hold_from.ms,
	    (unsigned long long)s->hold_until.ms, s->categories, s->scope_re,
	    s->extensions, s->suspended_by, s->advise, s->live,
	    (unsigned long long)s->live_since.ms, s->live_ttl_s, s->result);

	for (uint32_t i = 0; i < s->ask_count; i++)
		n += snprintf(out + n, size - (size_t)n, "%s[%u,%s]",
		    i == 0 ? "" : ",", s->answered[i].gen,
		    s->answered[i].accepted ? "true" : "false");
	n += snprintf(out + n, size - (size_t)n, "]]]");
	cr_assert_lt((size_t)n, size);
}

static void check_results(
    const struct hf_case *c, const json_t *j, const char *name)
{
	char text[2048], hex[2 * HF_HASH_SIZE + 1];
	struct hf_hash digest = hf_case_digest(c);
	char *facets = json_dumps(json_object_get(j, "facets"), JSON_COMPACT);

	facets_text(c, text, sizeof(text));
	hf_hex(hex, digest.b, sizeof(digest.b));
	cr_assert_not_null(facets);
	cr_expect_str_eq(text, facets, "%s: %s", name, text);
	cr_expect_str_eq(
	    hex, json_string_value(json_object_get(j, "digest")), "%s", name);
	cr_expect_eq(c->state, small(j, "state"), "%s: %u", name, c->state);
	cr_expect_eq(c->scope, small(j, "scope"), "%s: %u", name, c->scope);
	cr_expect_eq(c->hold_until.ms, number(j, "hold_until"), "%s", name);
	cr_expect_eq(
	    c->suspended, json_is_true(json_object_get(j, "suspended")));
	cr_expect_eq(c->outside_profile,
	    json_is_true(json_object_get(j, "outside_profile")), "%s", name);
	cr_expect_eq(c->unproven, json_is_true(json_object_get(j, "unproven")),
	    "%s", name);
	free(facets);
}

static void run_script(struct rig *r, const json_t *profile, const json_t *j)
{
	const char *name = json_string_value(json_object_get(j, "name"));
	const json_t *act;
	size_t i;

	rig_reset(r);
	read_profile(&r->profile, profile);
	if (json_is_true(json_object_get(j, "profile_unknown")))
		r->c.profile = NULL;
	json_array_foreach (json_object_get(j, "acts"), i, act) {
		struct hf_life_act next = read_act(r, act);
		unsigned clause = rig_enter(r, &next);

		cr_expect_eq(clause, small(act, "clause"),
		    "%s: act %zu: clause %u", name, i, clause);
	}
	check_results(&r->c, json_object_get(j, "expect"), name);
}

Test(life_vectors, give_what_they_say)
{
	json_error_t error;
	json_t *root = json_load_file(
	    "proto/vectors/lifecycle.json", JSON_REJECT_DUPLICATES, &error);
	json_t *scripts = json_object_get(root, "scripts"), *script;
	struct rig *r = rig_new();
	size_t i;

	cr_assert_not_null(root, "line %d: %s", error.line, error.text);
	cr_assert_eq(hf_crypto_init(), HF_OK);
	cr_assert_geq(json_array_size(scripts), 12u);
	json_array_foreach (scripts, i, script)
		run_script(r, json_object_get(root, "profile"), script);
	json_decref(root);
	free(r);
}
