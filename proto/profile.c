/*
 * profile: treaty rules as data, never constants in code (SPEC 8).
 */
#include "proto/profile.h"

#include "proto/act.h"
#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <assert.h>
#include <string.h>

static void pack_times(struct pack *p, const uint64_t s[3])
{
	pack_array(p, 3);
	for (unsigned i = 0; i < 3; i++)
		pack_uint(p, s[i]);
}

static void pack_pair(struct pack *p, unsigned key, uint64_t v)
{
	pack_uint(p, key);
	pack_uint(p, v);
}

enum hf_err hf_profile_encode(
    const struct hf_profile *f, uint8_t *out, size_t capacity, size_t *size)
{
	struct pack p;

	pack_init(&p, out, capacity);
	pack_map(&p, 21);
	pack_uint(&p, 1);
	pack_text(&p, f->name);
	pack_pair(&p, 2, f->version);
	pack_pair(&p, 3, f->basis);
	pack_pair(&p, 4, f->term_default_s);
	pack_pair(&p, 5, f->term_min_s);
	pack_pair(&p, 6, f->term_max_s);
	pack_pair(&p, 7, f->total_max_s);
	pack_pair(&p, 8, f->extensions_max);
	pack_uint(&p, 9);
	pack_times(&p, f->acknowledge_s);
	pack_uint(&p, 10);
	pack_times(&p, f->decide_s);
	pack_pair(&p, 11, f->pending_s);
	pack_pair(&p, 12, f->hop_s);
	pack_pair(&p, 13, f->reply_s);
	pack_pair(&p, 14, f->ask_s);
	pack_pair(&p, 15, f->retain_s);
	pack_pair(&p, 16, f->live_ttl_max_s);
	pack_pair(&p, 17, f->measures);
	pack_pair(&p, 18, f->categories);
	pack_uint(&p, 19);
	pack_bin(&p, f->grounds, f->ground_count);
	pack_pair(&p, 20, f->confirm_s);
	pack_uint(&p, 21);
	pack_bool(&p, f->suspends);
	return pack_finish(&p, size);
}

/* Seconds of any term stay below a thousand years, so that adding them to a
 * time of 48 bits never wraps. */
#define SECONDS_MAX (UINT64_C(1000) * 366 * 86400)

static uint64_t read_number(struct wire *w, int key, uint64_t max)
{
	if (wire_key(w) != key)
		wire_fail(w, HF_MISSING_KEY);
	return wire_uint(w, max);
}

static uint64_t read_seconds(struct wire *w, int key)
{
	return read_number(w, key, SECONDS_MAX);
}

static void read_times(struct wire *w, int key, uint64_t s[3])
{
	if (wire_key(w) != key)
		wire_fail(w, HF_MISSING_KEY);
	wire_array(w, 3, 3);
	for (unsigned i = 0; i < 3; i++)
		s[i] = wire_uint(w, SECONDS_MAX);
	wire_close(w);
}

static void read_name(struct wire *w, struct hf_profile *f)
{
	struct hf_bytes name;

	if (wire_key(w) != 1)
		wire_fail(w, HF_MISSING_KEY);
	name = wire_str(w, 1, sizeof(f->name) - 1);
	if (name.size > 0)
		memcpy(f->name, name.data, name.size);
}

static void read_grounds(struct wire *w, struct hf_profile *f)
{
	struct hf_bytes b;

	if (wire_key(w) != 19)
		wire_fail(w, HF_MISSING_KEY);
	b = wire_bin(w, 0, HF_GROUND_MAX);
	for (size_t i = 0; i < b.size; i++) {
		if (b.data[i] == 0 || (i > 0 && b.data[i] <= b.data[i - 1]))
			wire_fail(w, HF_KEY_ORDER);
		f->grounds[i] = b.data[i];
	}
	f->ground_count = (unsigned)b.size;
}

enum hf_err hf_profile_decode(
    struct hf_profile *f, const void *data, size_t size)
{
	struct wire w;

	memset(f, 0, sizeof(*f));
	if (size > HF_PROFILE_MAX)
		return HF_TOO_BIG;
	wire_init(&w, data, size);
	wire_map(&w, 21);
	read_name(&w, f);
	f->version = (uint32_t)read_number(&w, 2, UINT32_MAX);
	f->basis = (unsigned)read_number(&w, 3, 255);
	f->term_default_s = read_seconds(&w, 4);
	f->term_min_s = read_seconds(&w, 5);
	f->term_max_s = read_seconds(&w, 6);
	f->total_max_s = read_seconds(&w, 7);
	f->extensions_max = (unsigned)read_number(&w, 8, 255);
	read_times(&w, 9, f->acknowledge_s);
	read_times(&w, 10, f->decide_s);
	f->pending_s = read_seconds(&w, 11);
	f->hop_s = read_seconds(&w, 12);
	f->reply_s = read_seconds(&w, 13);
	f->ask_s = read_seconds(&w, 14);
	f->retain_s = read_seconds(&w, 15);
	f->live_ttl_max_s = read_number(&w, 16, UINT32_MAX);
	f->measures = (unsigned)read_number(&w, 17, 255);
	f->categories = (unsigned)read_number(&w, 18, 15);
	read_grounds(&w, f);
	f->confirm_s = read_seconds(&w, 20);
	if (wire_key(&w) != 21)
		wire_fail(&w, HF_MISSING_KEY);
	f->suspends = wire_bool(&w);
	wire_close(&w);
	if (f->basis == 0 || f->term_min_s > f->term_default_s ||
	    f->term_default_s > f->term_max_s)
		wire_fail(&w, HF_RANGE);
	if (wire_finish(&w) != HF_OK)
		return w.err;
	f->digest = hf_hash(HF_TAG_PROFILE, data, size);
	return HF_OK;
}

bool hf_profile_has_ground(const struct hf_profile *f, unsigned reason)
{
	for (unsigned i = 0; i < f->ground_count; i++)
		if (f->grounds[i] == reason)
			return true;
	return false;
}

/* ---- the built-in ones ---- */

#define MINUTE UINT64_C(60)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MEASURES \
	(1u << HF_PRESERVATION | 1u << HF_TRACE_HISTORICAL | \
	    1u << HF_TRACE_LIVE | 1u << HF_CONSULT)
#define CATEGORIES (HF_SUBSCRIBER | HF_TRAFFIC | HF_CONTENT | HF_OTHER)
/* Reasons that are no grounds of substance but may always be given: the
 * request cannot be read, is not for us, is too broad or unclear. */
#define FORMAL 30, 31, 32, 33, 36, 37, 38, 39
#define FORMAL_COUNT 8u

static const struct hf_profile builtin[] = {
    /* art. 29(5), 29(4), 29(7), 16(2), 30(2) */
    {.name = "budapest",
	.version = 1,
	.basis = HF_BASIS_BUDAPEST,
	.term_default_s = 60 * DAY,
	.term_min_s = 60 * DAY,
	.term_max_s = 90 * DAY,
	.total_max_s = 0,
	.extensions_max = 255,
	.acknowledge_s = {4 * HOUR, HOUR, 15 * MINUTE},
	.decide_s = {72 * HOUR, 24 * HOUR, 8 * HOUR},
	.pending_s = 120,
	.hop_s = 10 * DAY,
	.reply_s = 72 * HOUR,
	.ask_s = 14 * DAY,
	.retain_s = 365 * DAY,
	.live_ttl_max_s = 7 * DAY,
	.measures = MEASURES,
	.categories = CATEGORIES,
	.ground_count = 5 + FORMAL_COUNT,
	.grounds = {1, 2, 3, 4, 5, FORMAL},
	.confirm_s = 7 * DAY,
	.suspends = true},
    /* Regulation 2023/1543: 60 days, once 30 more; ten codes */
    {.name = "eu",
	.version = 1,
	.basis = HF_BASIS_EU,
	.term_default_s = 60 * DAY,
	.term_min_s = 60 * DAY,
	.term_max_s = 60 * DAY,
	.total_max_s = 90 * DAY,
	.extensions_max = 1,
	.acknowledge_s = {4 * HOUR, HOUR, 15 * MINUTE},
	.decide_s = {10 * DAY, 24 * HOUR, 8 * HOUR},
	.pending_s = 120,
	.hop_s = 10 * DAY,
	.reply_s = 5 * DAY,
	.ask_s = 10 * DAY,
	.retain_s = 365 * DAY,
	.live_ttl_max_s = 7 * DAY,
	.measures = MEASURES,
	.categories = CATEGORIES,
	.ground_count = 10 + FORMAL_COUNT,
	.grounds = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, FORMAL},
	.confirm_s = 5 * DAY,
	.suspends = true},
    /* 18 USC 2703(f): 90 days, 90 more on request */
    {.name = "us-2703f",
	.version = 1,
	.basis = HF_BASIS_DOMESTIC,
	.term_default_s = 90 * DAY,
	.term_min_s = DAY,
	.term_max_s = 90 * DAY,
	.total_max_s = 180 * DAY,
	.extensions_max = 1,
	.acknowledge_s = {24 * HOUR, 4 * HOUR, HOUR},
	.decide_s = {10 * DAY, 48 * HOUR, 8 * HOUR},
	.pending_s = 120,
	.hop_s = 10 * DAY,
	.reply_s = 5 * DAY,
	.ask_s = 14 * DAY,
	.retain_s = 365 * DAY,
	.live_ttl_max_s = 60 * DAY,
	.measures = MEASURES,
	.categories = CATEGORIES,
	.ground_count = 6 + FORMAL_COUNT,
	.grounds = {13, 14, 15, 17, 18, 19, FORMAL},
	.confirm_s = 7 * DAY,
	.suspends = false},
    /* Code of Criminal Procedure art. 197(3), (4): 30 days, 60 in all */
    {.name = "japan",
	.version = 1,
	.basis = HF_BASIS_DOMESTIC,
	.term_default_s = 30 * DAY,
	.term_min_s = DAY,
	.term_max_s = 30 * DAY,
	.total_max_s = 60 * DAY,
	.extensions_max = 1,
	.acknowledge_s = {24 * HOUR, 4 * HOUR, HOUR},
	.decide_s = {10 * DAY, 48 * HOUR, 8 * HOUR},
	.pending_s = 120,
	.hop_s = 10 * DAY,
	.reply_s = 5 * DAY,
	.ask_s = 14 * DAY,
	.retain_s = 365 * DAY,
	.live_ttl_max_s = 10 * DAY,
	.measures = MEASURES,
	.categories = HF_TRAFFIC,
	.ground_count = 6 + FORMAL_COUNT,
	.grounds = {13, 14, 15, 17, 18, 19, FORMAL},
	.confirm_s = 7 * DAY,
	.suspends = false},
    /* art. 16(2): up to 90 days, renewable */
    {.name = "domestic",
	.version = 1,
	.basis = HF_BASIS_DOMESTIC,
	.term_default_s = 90 * DAY,
	.term_min_s = DAY,
	.term_max_s = 90 * DAY,
	.total_max_s = 0,
	.extensions_max = 255,
	.acknowledge_s = {24 * HOUR, 4 * HOUR, HOUR},
	.decide_s = {10 * DAY, 48 * HOUR, 8 * HOUR},
	.pending_s = 120,
	.hop_s = 10 * DAY,
	.reply_s = 5 * DAY,
	.ask_s = 14 * DAY,
	.retain_s = 365 * DAY,
	.live_ttl_max_s = 60 * DAY,
	.measures = MEASURES,
	.categories = CATEGORIES,
	.ground_count = 6 + FORMAL_COUNT,
	.grounds = {13, 14, 15, 17, 18, 19, FORMAL},
	.confirm_s = 7 * DAY,
	.suspends = true},
    /* exercises and tests: terms of seconds */
    {.name = "test",
	.version = 1,
	.basis = HF_BASIS_EXERCISE,
	.term_default_s = 20,
	.term_min_s = 2,
	.term_max_s = 60,
	.total_max_s = 0,
	.extensions_max = 255,
	.acknowledge_s = {5, 5, 5},
	.decide_s = {5, 5, 5},
	.pending_s = 2,
	.hop_s = 30,
	.reply_s = 10,
	.ask_s = 10,
	.retain_s = 3,
	.live_ttl_max_s = 60,
	.measures = MEASURES,
	.categories = CATEGORIES,
	.ground_count = 5 + FORMAL_COUNT,
	.grounds = {1, 2, 3, 4, 5, FORMAL},
	.confirm_s = 10,
	.suspends = true},
};
#define BUILTIN_COUNT (sizeof(builtin) / sizeof(*builtin))

const struct hf_profile *hf_profile_at(unsigned i)
{
	/* digests are computed once a thread, from the encoded bytes */
	static _Thread_local struct hf_profile ready[BUILTIN_COUNT];
	uint8_t bytes[HF_PROFILE_MAX];
	size_t size;

	if (i >= BUILTIN_COUNT)
		return NULL;
	if (ready[i].basis == 0) {
		enum hf_err err =
		    hf_profile_encode(&builtin[i], bytes, sizeof(bytes), &size);

		assert(err == HF_OK);
		(void)err;
		ready[i] = builtin[i];
		ready[i].digest = hf_hash(HF_TAG_PROFILE, bytes, size);
	}
	return &ready[i];
}

const struct hf_profile *hf_profile_by_name(const char *name)
{
	for (unsigned i = 0; i < BUILTIN_COUNT; i++)
		if (strcmp(builtin[i].name, name) == 0)
			return hf_profile_at(i);
	return NULL;
}
