#include "tests/bench/acts.h"

#include "client/form.h"
#include "proto/catalogue.h"
#include "proto/pack.h"
#include "proto/profile.h"
#include "tests/bench/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct instant wall_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (struct instant){
	    (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000};
}

static const char form_of_all[] =
    "{\"authority\": \"Metropolitan Police, Cyber Division\","
    " \"offence\": \"Unauthorised access (Act 128/1999, art. 3)\","
    " \"facts\": \"An account at example.jp was used without authority.\","
    " \"relation\": \"The records show who held the address then.\","
    " \"necessity\": \"Records are overwritten after seven days.\","
    " \"mla_intent\": \"A request for assistance will follow.\","
    " \"window\": {\"from\": \"2026-11-21T11:00:00+09:00\","
    "  \"until\": \"2026-11-21T11:10:00+09:00\"},"
    " \"source_ip\": [\"198.51.100.23\"], \"source_port\": [50123],"
    " \"clock_error\": 250, \"record_type\": [\"radius\"]}";

static void has(struct hf_envelope *e, enum hf_envelope_key key)
{
	e->present |= UINT64_C(1) << key;
}

static void fill_envelope(struct draft *d, const struct home *h, const char *to)
{
	struct hf_envelope *e = &d->envelope;
	const struct hf_profile *p;
	struct instant now = wall_now();

	snprintf(e->to.s, sizeof(e->to.s), "%s", to);
	p = roster_profile(
	    h->roster, hf_desk_country(&e->to), HF_BASIS_BUDAPEST);
	if (p == NULL)
		meter_fail("no profile of that country");
	e->measure = HF_PRESERVATION;
	e->basis = HF_BASIS_BUDAPEST;
	e->rules_version = 1;
	e->rules_profile = p->digest;
	e->not_after.ms = now.ms + p->ask_s * 1000u;
	e->track = HF_TRACK_ASKING;
	e->gen = 1;
	e->urgency = HF_ROUTINE;
	e->categories = HF_TRAFFIC;
	e->term_from = now;
	e->term_until.ms = now.ms + p->term_default_s * 1000u;
	has(e, HF_E_MEASURE);
	has(e, HF_E_BASIS);
	has(e, HF_E_RULES);
	has(e, HF_E_NOT_AFTER);
	has(e, HF_E_URGENCY);
	has(e, HF_E_CATEGORIES);
	has(e, HF_E_TERM);
}

void ready_set(struct ready *r, const struct signed_act *act)
{
	static uint8_t args[HF_FRAME_MAX];
	struct pack p;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, 1);
	pack_uint(&p, 1);
	pack_bin(&p, act->frame, act->size);
	meter_must(pack_finish(&p, &r->size), "a submission");
	r->args = malloc(r->size);
	if (r->args == NULL)
		meter_fail("out of memory");
	memcpy(r->args, args, r->size);
	r->id = act->id;
	memcpy(r->ref, act->ref, sizeof(r->ref));
	r->sent = 0;
}

static void make_one(struct ready *r, struct home *h, const char *to,
    json_t *form, unsigned serial)
{
	static struct draft d;
	static struct signed_act act;
	static struct form_report report;
	char reference[32];

	snprintf(reference, sizeof(reference), "BENCH-%u", serial);
	json_object_set_new(form, "own_reference", json_string(reference));
	draft_init(&d, HF_KIND_REQUEST);
	fill_envelope(&d, h, to);
	meter_must(
	    form_read(&d, form, HF_SHARE_PROVIDERS | HF_SHARE_PARTY, &report),
	    "form");
	meter_must(compose(&act, h, &d, wall_now()), "compose");
	ready_set(r, &act);
}

struct ready *acts_make(
    struct desk *desks, unsigned n, const char *to, unsigned count)
{
	struct ready *acts = calloc(count, sizeof(*acts));
	json_t *form = json_loads(form_of_all, 0, NULL);

	if (acts == NULL || form == NULL)
		meter_fail("out of memory");
	for (unsigned i = 0; i < count; i++)
		make_one(&acts[i], &desks[i % n].home, to, form, i);
	json_decref(form);
	return acts;
}

void acts_free(struct ready *acts, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(acts[i].args);
	free(acts);
}
