/*
 * entry: one entry of a country document, [salt, type, map] (SPEC 7.3).
 */
#include "keys/country.h"
#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/text.h"
#include "proto/wire.h"

#include <assert.h>
#include <string.h>

/* ---- writing ---- */

static void put_bin(struct pack *p, unsigned key, const void *data, size_t size)
{
	pack_uint(p, key);
	pack_bin(p, data, size);
}

static void put_text(struct pack *p, unsigned key, const char *text)
{
	pack_uint(p, key);
	pack_text(p, text);
}

static void put_uint(struct pack *p, unsigned key, uint64_t v)
{
	pack_uint(p, key);
	pack_uint(p, v);
}

static void write_broker(struct pack *p, const struct broker_entry *e)
{
	assert(e->endpoint_count <= ENDPOINT_MAX);
	pack_map(p, e->has_witness ? 7 : 6);
	put_bin(p, 1, e->transport.b, HF_KEY_SIZE);
	put_bin(p, 2, e->ledger.b, HF_KEY_SIZE);
	put_uint(p, 3, e->epoch);
	pack_uint(p, 4);
	pack_array(p, e->endpoint_count);
	for (unsigned i = 0; i < e->endpoint_count; i++)
		pack_text(p, e->endpoints[i]);
	put_uint(p, 5, e->valid_from.ms);
	put_uint(p, 6, e->valid_until.ms);
	if (e->has_witness)
		put_bin(p, 7, e->witness.b, HF_KEY_SIZE);
}

static void write_desk(struct pack *p, const struct desk_entry *e)
{
	assert(
	    e->language_count <= LANGUAGE_MAX && e->means_count <= MEANS_MAX);
	pack_map(p, 10);
	put_text(p, 1, e->desk.s);
	put_uint(p, 2, e->type);
	put_text(p, 3, e->name);
	put_bin(p, 4, e->sealing.b, HF_KEY_SIZE);
	put_uint(p, 5, e->epoch);
	pack_uint(p, 6);
	pack_array(p, e->language_count);
	for (unsigned i = 0; i < e->language_count; i++)
		pack_text(p, e->languages[i]);
	put_text(p, 7, e->telephone);
	pack_uint(p, 8);
	pack_array(p, e->means_count);
	for (unsigned i = 0; i < e->means_count; i++)
		pack_text(p, e->means[i]);
	put_text(p, 9, e->hours);
	put_text(p, 10, e->zone);
}

static void write_officer(struct pack *p, const struct officer_entry *e)
{
	pack_map(p, 8);
	put_bin(p, 1, e->sign.b, HF_KEY_SIZE);
	put_text(p, 2, e->desk.s);
	put_uint(p, 3, e->role);
	put_uint(p, 4, e->valid_from.ms);
	put_uint(p, 5, e->valid_until.ms);
	put_bin(p, 6, e->transport.b, HF_KEY_SIZE);
	put_bin(p, 7, e->unwrap.b, HF_KEY_SIZE);
	put_text(p, 8, e->name);
}

static void write_revocation(struct pack *p, const struct revocation_entry *e)
{
	pack_map(p, 4);
	put_bin(p, 1, e->key.b, HF_KEY_SIZE);
	put_uint(p, 2, e->since.ms);
	put_uint(p, 3, e->revoked.ms);
	put_uint(p, 4, e->reason);
}

static enum hf_err write_profile(struct pack *p, const struct hf_profile *f)
{
	uint8_t bytes[HF_PROFILE_MAX];
	size_t size;
	enum hf_err err = hf_profile_encode(f, bytes, sizeof(bytes), &size);

	if (err != HF_OK)
		return err;
	pack_map(p, 2);
	put_uint(p, 1, f->basis);
	put_bin(p, 2, bytes, size);
	return HF_OK;
}

static void write_wrap(struct pack *p, const struct wrap_entry *e)
{
	pack_map(p, 4);
	put_text(p, 1, e->desk.s);
	put_uint(p, 2, e->epoch);
	put_bin(p, 3, e->officer.b, HF_KEY_SIZE);
	put_bin(p, 4, e->sealed, HF_SEALED_KEY_SIZE);
}

static void write_approval(struct pack *p, const struct approval_entry *e)
{
	pack_map(p, 3);
	put_uint(p, 1, e->kind);
	put_uint(p, 2, e->measure);
	put_uint(p, 3, e->needed);
}

enum hf_err country_entry_encode(const struct country_entry *e,
    const uint8_t salt[HF_SALT_SIZE], uint8_t *out, size_t capacity,
    size_t *size)
{
	struct country_entry back;
	struct pack p;
	enum hf_err err = HF_OK;

	pack_init(&p, out, capacity < HF_ENTRY_MAX ? capacity : HF_ENTRY_MAX);
	pack_array(&p, 3);
	pack_bin(&p, salt, HF_SALT_SIZE);
	pack_uint(&p, e->type);
	switch (e->type) {
	case ENTRY_BROKER:
		write_broker(&p, &e->u.broker);
		break;
	case ENTRY_DESK:
		write_desk(&p, &e->u.desk);
		break;
	case ENTRY_OFFICER:
		write_officer(&p, &e->u.officer);
		break;
	case ENTRY_REVOCATION:
		write_revocation(&p, &e->u.revocation);
		break;
	case ENTRY_PROFILE:
		err = write_profile(&p, &e->u.profile);
		break;
	case ENTRY_WRAP:
		write_wrap(&p, &e->u.wrap);
		break;
	case ENTRY_APPROVAL:
		write_approval(&p, &e->u.approval);
		break;
	default:
		return HF_RANGE;
	}
	if (err == HF_OK)
		err = pack_finish(&p, size);
	return err == HF_OK
		   ? country_entry_decode(&back, out, *size, e->domestic)
		   : err;
}

/* ---- reading ---- */

static void expect(struct wire *w, int key)
{
	if (wire_key(w) != key)
		wire_fail(w, HF_MISSING_KEY);
}

static void get_key(struct wire *w, int key, struct hf_key *out)
{
	expect(w, key);
	wire_bin_copy(w, out->b, HF_KEY_SIZE);
}

static void take_text(struct wire *w, char *out, size_t capacity, size_t min)
{
	struct hf_bytes s = wire_str(w, min, capacity - 1);

	if (s.size > 0)
		memcpy(out, s.data, s.size);
	out[s.size] = '\0';
}

static void get_text(
    struct wire *w, int key, char *out, size_t capacity, size_t min)
{
	expect(w, key);
	take_text(w, out, capacity, min);
}

static uint64_t get_uint(struct wire *w, int key, uint64_t max)
{
	expect(w, key);
	return wire_uint(w, max);
}

static struct instant get_time(struct wire *w, int key)
{
	expect(w, key);
	return wire_time(w);
}

/* tcp://host:port */
static bool endpoint_ok(const char *s)
{
	const char *colon = strrchr(s, ':');
	uint64_t port;

	return strncmp(s, "tcp://", 6) == 0 && colon > s + 6 &&
	       text_read_uint(&port, colon + 1, strlen(colon + 1), 65535) &&
	       port > 0;
}

static void read_broker(struct wire *w, struct broker_entry *e)
{
	unsigned keys = wire_map(w, 7);

	get_key(w, 1, &e->transport);
	get_key(w, 2, &e->ledger);
	e->epoch = (uint32_t)get_uint(w, 3, UINT32_MAX);
	expect(w, 4);
	e->endpoint_count = wire_array(w, 1, ENDPOINT_MAX);
	for (unsigned i = 0; i < e->endpoint_count; i++) {
		take_text(w, e->endpoints[i], ENDPOINT_TEXT_MAX, 8);
		if (!endpoint_ok(e->endpoints[i]))
			wire_fail(w, HF_RANGE);
	}
	wire_close(w);
	e->valid_from = get_time(w, 5);
	e->valid_until = get_time(w, 6);
	e->has_witness = keys == 7;
	if (e->has_witness)
		get_key(w, 7, &e->witness);
	wire_close(w);
	if (e->valid_from.ms >= e->valid_until.ms)
		wire_fail(w, HF_RANGE);
	if (w->err == HF_OK && !hf_key_is_valid(&e->ledger))
		wire_fail(w, HF_RANGE);
	/* one key, one use */
	if (w->err == HF_OK && e->has_witness &&
	    (!hf_key_is_valid(&e->witness) ||
		memcmp(&e->witness, &e->ledger, sizeof(e->ledger)) == 0))
		wire_fail(w, HF_RANGE);
}

static void read_desk(struct wire *w, struct desk_entry *e)
{
	wire_map(w, 10);
	expect(w, 1);
	e->desk = wire_desk(w);
	e->type = (unsigned)get_uint(w, 2, DESK_OPERATOR);
	get_text(w, 3, e->name, sizeof(e->name), 1);
	get_key(w, 4, &e->sealing);
	e->epoch = (uint32_t)get_uint(w, 5, UINT32_MAX);
	expect(w, 6);
	e->language_count = wire_array(w, 0, LANGUAGE_MAX);
	for (unsigned i = 0; i < e->language_count; i++)
		take_text(w, e->languages[i], sizeof(e->languages[i]), 2);
	wire_close(w);
	get_text(w, 7, e->telephone, sizeof(e->telephone), 1);
	expect(w, 8);
	e->means_count = wire_array(w, 1, MEANS_MAX);
	for (unsigned i = 0; i < e->means_count; i++)
		take_text(w, e->means[i], sizeof(e->means[i]), 1);
	wire_close(w);
	get_text(w, 9, e->hours, sizeof(e->hours), 0);
	get_text(w, 10, e->zone, sizeof(e->zone), 0);
	wire_close(w);
	if (e->type == 0)
		wire_fail(w, HF_RANGE);
}

static void read_officer(struct wire *w, struct officer_entry *e)
{
	wire_map(w, 8);
	get_key(w, 1, &e->sign);
	expect(w, 2);
	e->desk = wire_desk(w);
	e->role = (unsigned)get_uint(w, 3, ROLE_OPERATOR);
	e->valid_from = get_time(w, 4);
	e->valid_until = get_time(w, 5);
	get_key(w, 6, &e->transport);
	get_key(w, 7, &e->unwrap);
	get_text(w, 8, e->name, sizeof(e->name), 1);
	wire_close(w);
	if (e->role == 0 || e->valid_from.ms >= e->valid_until.ms)
		wire_fail(w, HF_RANGE);
	if (w->err == HF_OK && !hf_key_is_valid(&e->sign))
		wire_fail(w, HF_RANGE);
}

static void read_revocation(struct wire *w, struct revocation_entry *e)
{
	wire_map(w, 4);
	get_key(w, 1, &e->key);
	e->since = get_time(w, 2);
	e->revoked = get_time(w, 3);
	e->reason = (unsigned)get_uint(w, 4, 255);
	wire_close(w);
	if (e->since.ms > e->revoked.ms)
		wire_fail(w, HF_RANGE);
}

static void read_profile(struct wire *w, struct hf_profile *f)
{
	struct hf_bytes b;
	uint64_t basis;

	wire_map(w, 2);
	basis = get_uint(w, 1, 255);
	expect(w, 2);
	b = wire_bin(w, 1, HF_PROFILE_MAX);
	wire_close(w);
	if (w->err == HF_OK)
		wire_fail(w, hf_profile_decode(f, b.data, b.size));
	if (w->err == HF_OK && f->basis != basis)
		wire_fail(w, HF_RANGE);
}

static void read_wrap(struct wire *w, struct wrap_entry *e)
{
	wire_map(w, 4);
	expect(w, 1);
	e->desk = wire_desk(w);
	e->epoch = (uint32_t)get_uint(w, 2, UINT32_MAX);
	get_key(w, 3, &e->officer);
	expect(w, 4);
	wire_bin_copy(w, e->sealed, HF_SEALED_KEY_SIZE);
	wire_close(w);
}

static void read_approval(struct wire *w, struct approval_entry *e)
{
	wire_map(w, 3);
	e->kind = (unsigned)get_uint(w, 1, 191);
	e->measure = (unsigned)get_uint(w, 2, 255);
	e->needed = (unsigned)get_uint(w, 3, HF_SIGNATURE_MAX);
	wire_close(w);
	if (e->needed == 0)
		wire_fail(w, HF_RANGE);
}

enum hf_err country_entry_decode(
    struct country_entry *e, const void *data, size_t size, bool domestic)
{
	struct wire w;

	memset(e, 0, sizeof(*e));
	e->domestic = domestic;
	if (size > HF_ENTRY_MAX)
		return HF_TOO_BIG;
	wire_init(&w, data, size);
	wire_array(&w, 3, 3);
	wire_bin(&w, HF_SALT_SIZE, HF_SALT_SIZE);
	e->type = (unsigned)wire_uint(&w, 255);
	switch (e->type) {
	case ENTRY_BROKER:
		read_broker(&w, &e->u.broker);
		break;
	case ENTRY_DESK:
		read_desk(&w, &e->u.desk);
		break;
	case ENTRY_OFFICER:
		read_officer(&w, &e->u.officer);
		break;
	case ENTRY_REVOCATION:
		read_revocation(&w, &e->u.revocation);
		break;
	case ENTRY_PROFILE:
		read_profile(&w, &e->u.profile);
		break;
	case ENTRY_WRAP:
		read_wrap(&w, &e->u.wrap);
		if (!domestic)
			wire_fail(&w, HF_RANGE);
		break;
	case ENTRY_APPROVAL:
		read_approval(&w, &e->u.approval);
		break;
	default:
		wire_fail(&w, HF_RANGE);
		break;
	}
	wire_close(&w);
	return wire_finish(&w);
}
