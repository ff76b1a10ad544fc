/*
 * summary: a case in one row, as a broker lists it (SPEC 11.4).  Unknown keys
 * are passed over: a later broker has more.
 */
#include "client/show.h"

#include <stddef.h>
#include <string.h>

static void read_text(struct wire *w, char *out, size_t capacity)
{
	struct hf_bytes s = wire_str(w, 0, capacity - 1);

	if (s.size > 0)
		memcpy(out, s.data, s.size);
	out[s.size] = '\0';
}

enum plain_type { CODE, GEN, TIME, DESK, FLAG };

#define PLAIN(key, type, member) \
	{ \
		key, type, offsetof(struct summary, member) \
	}
static const struct plain {
	int key;
	enum plain_type type;
	size_t at;
} plain[] = {
    PLAIN(HF_S_FROM, DESK, from),
    PLAIN(HF_S_TO, DESK, to),
    PLAIN(HF_S_MEASURE, CODE, measure),
    PLAIN(HF_S_URGENCY, CODE, urgency),
    PLAIN(HF_S_STATE, CODE, state),
    PLAIN(HF_S_HOLD_UNTIL, TIME, hold_until),
    PLAIN(HF_S_KIND, CODE, kind),
    PLAIN(HF_S_OPENED, TIME, opened),
    PLAIN(HF_S_ASKING_GEN, GEN, asking_gen),
    PLAIN(HF_S_ASKED_GEN, GEN, asked_gen),
    PLAIN(HF_S_DUE_TYPE, CODE, due_type),
    PLAIN(HF_S_DUE, TIME, due),
    PLAIN(HF_S_BASIS, CODE, basis),
    PLAIN(HF_S_RESULT, CODE, result),
    PLAIN(HF_S_ERASED, FLAG, erased),
    PLAIN(HF_S_LEGAL_HOLD, FLAG, legal_hold),
    PLAIN(HF_S_RETAIN_UNTIL, TIME, retain_until),
    PLAIN(HF_S_OUTSIDE_PROFILE, FLAG, outside_profile),
    PLAIN(HF_S_UNPROVEN, FLAG, unproven),
    PLAIN(HF_S_DISPUTED, FLAG, disputed),
};

static void read_plain(void *member, enum plain_type type, struct wire *w)
{
	switch (type) {
	case CODE:
		*(unsigned *)member = (unsigned)wire_uint(w, 255);
		break;
	case GEN:
		*(uint32_t *)member = (uint32_t)wire_uint(w, UINT32_MAX);
		break;
	case TIME:
		*(struct instant *)member = wire_time(w);
		break;
	case DESK:
		*(struct hf_desk *)member = wire_desk(w);
		break;
	case FLAG:
		*(bool *)member = wire_bool(w);
		break;
	}
}

static void read_assignee(struct summary *s, struct wire *w)
{
	s->has_assignee = wire_peek(w) == WIRE_BIN;
	if (s->has_assignee)
		wire_bin_copy(w, &s->assignee, sizeof(s->assignee));
	else
		wire_nil(w);
}

static void read_member(struct summary *s, int key, struct wire *w)
{
	switch (key) {
	case HF_S_CASE:
		wire_bin_copy(w, &s->id, sizeof(s->id));
		return;
	case HF_S_REF:
		read_text(w, s->ref, sizeof(s->ref));
		return;
	case HF_S_ASSIGNEE:
		read_assignee(s, w);
		return;
	case HF_S_SIDE:
		s->side = (unsigned)wire_uint(w, 2) + 1;
		return;
	default:
		break;
	}
	for (unsigned i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (plain[i].key == key) {
			read_plain(
			    (uint8_t *)s + plain[i].at, plain[i].type, w);
			return;
		}
	wire_skip(w);
}

void summary_read(struct summary *s, struct wire *w)
{
	int key;

	memset(s, 0, sizeof(*s));
	wire_map(w, HF_MAP_MAX);
	while ((key = wire_key(w)) >= 0)
		read_member(s, key, w);
	wire_close(w);
}
