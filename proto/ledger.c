/* Ledger leaves and the payloads of statements (SPEC 6.1, 6.2). */
#include "proto/ledger.h"

#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <assert.h>
#include <string.h>

#define LEAF_VERSION 1u
#define LEAF_MEMBERS 9u

enum payload_key { /* SPEC 6.2 */
	P_TYPE = 1,
	P_SUBJECT,
	P_TEXT,
	P_CODE,
	P_COUNT,
	P_KEY,
	P_TIME,
	P_DETAIL,
};

const char *hf_entry_type_name(unsigned type)
{
	static const char *const names[] = {
	    [HF_ENTRY_OWN] = "own act entered",
	    [HF_ENTRY_FOREIGN] = "foreign act received",
	    [HF_ENTRY_MACHINE] = "machine act entered",
	    [HF_ENTRY_RECALLED] = "own act fetched back",
	    [HF_ENTRY_DELIVERED] = "delivered",
	    [HF_ENTRY_PENDING] = "pending",
	    [HF_ENTRY_ABSENT] = "absent",
	    [HF_ENTRY_RELEASED] = "released",
	    [HF_ENTRY_ERASED] = "erased",
	    [HF_ENTRY_ROSTER] = "roster change",
	    [HF_ENTRY_READ] = "read access",
	    [HF_ENTRY_REFUSED] = "refusal",
	    [HF_ENTRY_CLOCK] = "clock state",
	    [HF_ENTRY_START] = "start",
	    [HF_ENTRY_STOP] = "stop",
	    [HF_ENTRY_CONFLICT] = "conflict",
	    [HF_ENTRY_UNCONFIRMED] = "outsider unconfirmed",
	    [HF_ENTRY_OUTBOX_ALARM] = "outbox alarm",
	    [HF_ENTRY_FORK] = "fork",
	    [HF_ENTRY_WITHDRAWN] = "withdrawn",
	    [HF_ENTRY_COUNTERSIGNED] = "absence countersigned",
	    [HF_ENTRY_EPOCH] = "new epoch",
	    [HF_ENTRY_SIDES_BACK] = "sides fetched back",
	};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

static bool is_statement(unsigned type)
{
	return type >= HF_ENTRY_DELIVERED && hf_entry_type_name(type) != NULL;
}

static bool is_zero(const void *data, size_t size)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < size; i++)
		if (b[i] != 0)
			return false;
	return true;
}

/* What the form alone does not say; so that both ways agree. */
static enum hf_err leaf_check(const struct hf_ledger_leaf *l)
{
	if (hf_entry_type_name(l->type) == NULL)
		return HF_RANGE;
	if (l->entered.ms >= HF_TIME_LIMIT)
		return HF_RANGE;
	if (!is_statement(l->type))
		return HF_OK;
	return is_zero(&l->envelope, sizeof(l->envelope)) &&
		       is_zero(&l->sigs, sizeof(l->sigs))
		   ? HF_OK
		   : HF_RANGE;
}

enum hf_err hf_ledger_leaf_encode(
    const struct hf_ledger_leaf *l, uint8_t *out, size_t capacity, size_t *size)
{
	struct pack p;
	enum hf_err err;

	err = leaf_check(l);
	if (err != HF_OK)
		return err;
	pack_init(&p, out, capacity);
	pack_array(&p, LEAF_MEMBERS);
	pack_uint(&p, LEAF_VERSION);
	pack_uint(&p, l->type);
	pack_uint(&p, l->epoch);
	pack_uint(&p, l->entered.ms);
	pack_uint(&p, l->bound_ms);
	pack_bin(&p, l->id.b, sizeof(l->id.b));
	pack_bin(&p, l->core.b, sizeof(l->core.b));
	pack_bin(&p, l->envelope.b, sizeof(l->envelope.b));
	pack_bin(&p, l->sigs.b, sizeof(l->sigs.b));
	return pack_finish(&p, size);
}

enum hf_err hf_ledger_leaf_decode(
    struct hf_ledger_leaf *l, const void *data, size_t size)
{
	struct hf_ledger_leaf read = {0};
	struct wire w;
	enum hf_err err;

	if (size > HF_LEDGER_LEAF_MAX)
		return HF_TOO_BIG;
	wire_init(&w, data, size);
	wire_array(&w, LEAF_MEMBERS, LEAF_MEMBERS);
	if (wire_uint(&w, LEAF_VERSION) != LEAF_VERSION)
		wire_fail(&w, HF_RANGE);
	read.type = (unsigned)wire_uint(&w, HF_ENTRY_LAST);
	read.epoch = (uint32_t)wire_uint(&w, UINT32_MAX);
	read.entered = wire_time(&w);
	read.bound_ms = (uint32_t)wire_uint(&w, UINT32_MAX);
	wire_bin_copy(&w, read.id.b, sizeof(read.id.b));
	wire_bin_copy(&w, read.core.b, sizeof(read.core.b));
	wire_bin_copy(&w, read.envelope.b, sizeof(read.envelope.b));
	wire_bin_copy(&w, read.sigs.b, sizeof(read.sigs.b));
	wire_close(&w);
	err = wire_finish(&w);
	if (err == HF_OK)
		err = leaf_check(&read);
	if (err == HF_OK)
		*l = read;
	return err;
}

/* Which keys a statement has: bit n for key n. */
static unsigned payload_keys(const struct hf_statement *s)
{
	unsigned keys = 1u << P_TYPE;

	if (!is_zero(&s->subject, sizeof(s->subject)))
		keys |= 1u << P_SUBJECT;
	if (s->text.size > 0)
		keys |= 1u << P_TEXT;
	if (s->code != 0)
		keys |= 1u << P_CODE;
	if (s->count != 0)
		keys |= 1u << P_COUNT;
	if (!is_zero(&s->key, sizeof(s->key)))
		keys |= 1u << P_KEY;
	if (s->time.ms != 0)
		keys |= 1u << P_TIME;
	if (s->detail.size > 0)
		keys |= 1u << P_DETAIL;
	return keys;
}

static void payload_write(
    struct pack *p, enum payload_key key, const struct hf_statement *s)
{
	pack_uint(p, key);
	switch (key) {
	case P_TYPE:
		pack_uint(p, s->type);
		break;
	case P_SUBJECT:
		pack_bin(p, s->subject.b, sizeof(s->subject.b));
		break;
	case P_TEXT:
		pack_str(p, (const char *)s->text.data, s->text.size);
		break;
	case P_CODE:
		pack_uint(p, s->code);
		break;
	case P_COUNT:
		pack_uint(p, s->count);
		break;
	case P_KEY:
		pack_bin(p, s->key.b, sizeof(s->key.b));
		break;
	case P_TIME:
		pack_uint(p, s->time.ms);
		break;
	case P_DETAIL:
		pack_bin(p, s->detail.data, s->detail.size);
		break;
	}
}

enum hf_err hf_statement_encode(
    const struct hf_statement *s, uint8_t *out, size_t capacity, size_t *size)
{
	unsigned keys = payload_keys(s);
	struct pack p;

	if (!is_statement(s->type) || s->time.ms >= HF_TIME_LIMIT)
		return HF_RANGE;
	if (s->text.size > 0 && !wire_utf8_ok(s->text.data, s->text.size))
		return HF_UTF8;
	pack_init(
	    &p, out, capacity < HF_PAYLOAD_MAX ? capacity : HF_PAYLOAD_MAX);
	pack_map(&p, (unsigned)__builtin_popcount(keys));
	for (unsigned key = P_TYPE; key <= P_DETAIL; key++)
		if (((keys >> key) & 1u) != 0)
			payload_write(&p, (enum payload_key)key, s);
	return pack_finish(&p, size);
}

static void payload_read(struct wire *w, int key, struct hf_statement *s)
{
	switch (key) {
	case P_TYPE:
		s->type = (unsigned)wire_uint(w, HF_ENTRY_LAST);
		break;
	case P_SUBJECT:
		wire_bin_copy(w, s->subject.b, sizeof(s->subject.b));
		break;
	case P_TEXT:
		s->text = wire_str(w, 1, HF_PAYLOAD_MAX);
		break;
	case P_CODE:
		s->code = wire_uint(w, UINT64_MAX);
		break;
	case P_COUNT:
		s->count = wire_uint(w, UINT64_MAX);
		break;
	case P_KEY:
		wire_bin_copy(w, s->key.b, sizeof(s->key.b));
		break;
	case P_TIME:
		s->time = wire_time(w);
		break;
	case P_DETAIL:
		s->detail = wire_bin(w, 1, HF_PAYLOAD_MAX);
		break;
	default:
		wire_fail(w, HF_UNKNOWN_KEY);
	}
}

enum hf_err hf_statement_decode(
    struct hf_statement *s, const void *data, size_t size)
{
	struct hf_statement read = {0};
	unsigned seen = 0;
	struct wire w;
	enum hf_err err;
	int key;

	if (size > HF_PAYLOAD_MAX)
		return HF_TOO_BIG;
	wire_init(&w, data, size);
	wire_map(&w, P_DETAIL);
	while ((key = wire_key(&w)) >= 0) {
		payload_read(&w, key, &read);
		if (key <= P_DETAIL)
			seen |= 1u << key;
	}
	wire_close(&w);
	err = wire_finish(&w);
	if (err != HF_OK)
		return err;
	if ((seen & (1u << P_TYPE)) == 0)
		return HF_MISSING_KEY;
	/* A zero that is there is a second way to write the same. */
	if (!is_statement(read.type) || seen != payload_keys(&read))
		return HF_RANGE;
	*s = read;
	return HF_OK;
}
