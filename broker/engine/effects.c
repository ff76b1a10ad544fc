/*
 * effects: what a turn wants done, in order, with the bytes it needs.
 *
 * Frames that carry receipts are templates until the head over their
 * entries is signed; effects_fill then completes them.
 */
#include "broker/engine/internal.h"
#include "proto/crypto.h"

#include <stdlib.h>
#include <string.h>

#define RECEIPTS_MAX 20u /* of one frame: at most 60 KiB of HF_FRAME_MAX */

struct slot {
	struct effect effect;
	uint8_t *bytes;    /* owned */
	uint64_t *indexes; /* owned; entries whose receipts are to follow */
	unsigned index_count;
	bool told;
};

struct effects {
	struct slot *slots;
	unsigned count, capacity;
	bool failed; /* no memory: the turn must be abandoned */
	bool cuts;   /* somebody's key is taken away, or given */
	/* a bit for each connection, or some that share it, on which a frame
	 * waits for its receipts */
	uint64_t waits;
};

struct effects *effects_new(void)
{
	return calloc(1, sizeof(struct effects));
}

void effects_clear(struct effects *e)
{
	for (unsigned i = 0; i < e->count; i++) {
		free(e->slots[i].bytes);
		free(e->slots[i].indexes);
	}
	e->count = 0;
	e->failed = e->cuts = false;
}

void effects_free(struct effects *e)
{
	if (e == NULL)
		return;
	effects_clear(e);
	free(e->slots);
	free(e);
}

unsigned effects_count(const struct effects *e)
{
	return e->count;
}

const struct effect *effects_at(const struct effects *e, unsigned i)
{
	return &e->slots[i].effect;
}

/* Before the head is signed: a frame that needs no receipt and does not
 * overtake another.  Nothing, where a key was taken away: who was cut must get
 * no more. */
static bool may_leave(struct effects *e, const struct slot *s)
{
	uint64_t bit = UINT64_C(1)
		       << (s->effect.conn * UINT64_C(0x9e3779b97f4a7c15) >> 58);
	bool send = s->effect.type == EFFECT_DESK_SEND ||
		    s->effect.type == EFFECT_PEER_SEND;

	if (send && s->index_count > 0)
		e->waits |= bit;
	return send && !e->cuts && (e->waits & bit) == 0;
}

const struct effect *effects_next(
    struct effects *e, unsigned *at, bool head_signed)
{
	if (*at == 0)
		e->waits = 0;
	while (*at < e->count) {
		struct slot *s = &e->slots[(*at)++];

		if (s->told || (!head_signed && !may_leave(e, s)))
			continue;
		s->told = true;
		return &s->effect;
	}
	return NULL;
}

static struct slot *add(struct effects *e, enum effect_type type)
{
	struct slot *s;

	if (e->count == e->capacity) {
		unsigned capacity = e->capacity == 0 ? 64 : 2 * e->capacity;

		s = realloc(e->slots, capacity * sizeof(*s));
		if (s == NULL) {
			e->failed = true;
			return NULL;
		}
		e->slots = s;
		e->capacity = capacity;
	}
	s = &e->slots[e->count++];
	memset(s, 0, sizeof(*s));
	s->effect.type = type;
	e->cuts |= type == EFFECT_CUT || type == EFFECT_KEYS;
	return s;
}

static enum hf_err set_bytes(struct slot *s, struct hf_bytes b)
{
	s->bytes = malloc(b.size + 1);
	if (s->bytes == NULL)
		return HF_NOMEM;
	memcpy(s->bytes, b.data, b.size);
	s->bytes[b.size] = '\0';
	s->effect.bytes = bytes_of(s->bytes, b.size);
	return HF_OK;
}

enum hf_err effect_send(
    struct engine *e, bool peer, uint64_t conn, struct hf_bytes frame)
{
	struct slot *s =
	    add(e->effects, peer ? EFFECT_PEER_SEND : EFFECT_DESK_SEND);

	if (s == NULL)
		return HF_NOMEM;
	s->effect.conn = conn;
	return set_bytes(s, frame);
}

enum hf_err effect_send_pack(
    struct engine *e, bool peer, uint64_t conn, const struct pack *frame)
{
	size_t size;
	enum hf_err err = pack_finish(frame, &size);

	return err == HF_OK
		   ? effect_send(e, peer, conn, bytes_of(frame->data, size))
		   : err;
}

enum hf_err effect_send_receipts(struct engine *e, bool peer, uint64_t conn,
    struct hf_bytes template, const uint64_t *indexes, unsigned count)
{
	struct slot *s;
	enum hf_err err;

	if (count > RECEIPTS_MAX)
		return HF_TOO_MANY;
	err = effect_send(e, peer, conn, template);
	if (err != HF_OK || count == 0)
		return err;
	s = &e->effects->slots[e->effects->count - 1];
	s->indexes = malloc(count * sizeof(*indexes));
	if (s->indexes == NULL)
		return HF_NOMEM;
	memcpy(s->indexes, indexes, count * sizeof(*indexes));
	s->index_count = count;
	return HF_OK;
}

enum hf_err effect_cosign(struct engine *e, struct hf_country c,
    uint64_t entries, struct hf_bytes record)
{
	struct slot *s = add(e->effects, EFFECT_COSIGN);

	if (s == NULL)
		return HF_NOMEM;
	s->effect.country = c;
	s->effect.conn = entries;
	return set_bytes(s, record);
}

void effect_simple(struct engine *e, enum effect_type type,
    const struct hf_key *key, uint32_t slot)
{
	struct slot *s = add(e->effects, type);

	if (s == NULL)
		return;
	if (key != NULL)
		s->effect.key = *key;
	s->effect.slot = slot;
}

static void add_hex(char *line, size_t *at, size_t capacity, const char *name,
    const struct hf_id *id)
{
	char hex[2 * HF_ID_SIZE + 1];
	size_t n = strlen(name);

	if (id == NULL || *at + n + sizeof(hex) + 1 > capacity)
		return;
	hf_hex(hex, id->b, sizeof(id->b));
	memcpy(line + *at, name, n);
	memcpy(line + *at + n, hex, sizeof(hex) - 1);
	*at += n + sizeof(hex) - 1;
}

void effect_log(struct engine *e, enum hf_err code, const char *event,
    const struct hf_id *case_id, const struct hf_id *act, const char *text)
{
	char line[256];
	size_t at = strlen(event);
	struct slot *s = add(e->effects, EFFECT_LOG);

	if (s == NULL)
		return;
	s->effect.code = code;
	if (at > 64)
		at = 64;
	memcpy(line, event, at);
	add_hex(line, &at, sizeof(line), " case=", case_id);
	add_hex(line, &at, sizeof(line), " act=", act);
	if (text != NULL && at + strlen(text) + 8 < sizeof(line)) {
		memcpy(line + at, " note=", 6);
		memcpy(line + at + 6, text, strlen(text));
		at += 6 + strlen(text);
	}
	if (set_bytes(s, bytes_of(line, at)) != HF_OK)
		e->effects->failed = true;
}

/* Template and receipts become the frame. */
static enum hf_err fill(struct engine *e, struct slot *s)
{
	uint8_t receipt[HF_RECEIPT_MAX];
	struct pack p;
	size_t size;
	enum hf_err err = HF_OK;

	pack_init(&p, e->scratch, HF_FRAME_MAX);
	pack_raw(&p, s->effect.bytes);
	for (unsigned i = 0; i < s->index_count && err == HF_OK; i++) {
		err = ledger_receipt(
		    e, s->indexes[i], receipt, sizeof(receipt), &size);
		if (err == HF_OK)
			pack_bin(&p, receipt, size);
	}
	if (err == HF_OK)
		err = pack_finish(&p, &size);
	if (err != HF_OK)
		return err;
	free(s->bytes);
	s->bytes = NULL;
	s->index_count = 0;
	return set_bytes(s, bytes_of(e->scratch, size));
}

enum hf_err effects_fill(struct engine *e, struct effects *f)
{
	for (unsigned i = 0; i < f->count; i++)
		if (f->slots[i].index_count > 0) {
			enum hf_err err = fill(e, &f->slots[i]);

			if (err != HF_OK)
				return err;
		}
	return f->failed ? HF_NOMEM : HF_OK;
}

bool effects_failed(const struct effects *e)
{
	return e->failed;
}
