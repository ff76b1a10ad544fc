/*
 * wire: a pull reader that accepts one form only.
 *
 * The position, the count of open containers and what is left in each are
 * all of its state; containers are not recursed into but counted, so depth
 * is bounded by an array and time by the frame's size.  A head is read by
 * `head` alone, which refuses every form that is not the shortest; each
 * typed function then asks for the kind it wants.
 */
#include "proto/wire.h"

#include <string.h>

struct head {
	enum wire_kind kind;
	uint64_t value; /* number, length, count, bool */
	int64_t negative;
	size_t size; /* bytes of the head itself */
};

void wire_init(struct wire *w, const void *data, size_t size)
{
	static const uint8_t nothing[1];

	memset(w, 0, sizeof(*w));
	w->data = size > 0 ? data : nothing; /* so that it can be added to */
	w->size = size;
}

void wire_fail(struct wire *w, enum hf_err err)
{
	if (w->err == HF_OK)
		w->err = err;
}

static uint64_t big_endian(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* First bytes 0xc0 and up that are not fixed forms: kind and length of the
 * number behind.  `least` is the smallest value that needs this form. */
static const struct form {
	uint8_t first;
	enum wire_kind kind;
	unsigned bytes;
	uint64_t least;
} forms[] = {
    {0xc4, WIRE_BIN, 1, 0},
    {0xc5, WIRE_BIN, 2, 0x100},
    {0xc6, WIRE_BIN, 4, 0x10000},
    {0xcc, WIRE_UINT, 1, 0x80},
    {0xcd, WIRE_UINT, 2, 0x100},
    {0xce, WIRE_UINT, 4, 0x10000},
    {0xcf, WIRE_UINT, 8, UINT64_C(0x100000000)},
    {0xd9, WIRE_STR, 1, 32},
    {0xda, WIRE_STR, 2, 0x100},
    {0xdb, WIRE_STR, 4, 0x10000},
    {0xdc, WIRE_ARRAY, 2, 16},
    {0xdd, WIRE_ARRAY, 4, 0x10000},
    {0xde, WIRE_MAP, 2, 16},
    {0xdf, WIRE_MAP, 4, 0x10000},
};

static enum hf_err negative_head(struct head *h, const uint8_t *p, size_t left)
{
	/* int 8, 16, 32, 64 for values below what the shorter form holds */
	static const int64_t below[] = {-32, INT8_MIN, INT16_MIN, INT32_MIN};
	unsigned form = p[0] - 0xd0u, bytes = 1u << form;
	uint64_t raw;

	if (left < 1 + bytes)
		return HF_TRUNCATED;
	raw = big_endian(p + 1, bytes);
	if (bytes < 8 && (raw & (UINT64_C(1) << (8 * bytes - 1))) != 0)
		raw |= UINT64_MAX << (8 * bytes);
	h->kind = WIRE_INT;
	h->size = 1 + bytes;
	memcpy(&h->negative, &raw, sizeof(raw));
	return h->negative < below[form] ? HF_OK : HF_NOT_SHORTEST;
}

static enum hf_err wide_head(struct head *h, const uint8_t *p, size_t left)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		const struct form *f = &forms[i];

		if (f->first != p[0])
			continue;
		if (left < 1 + f->bytes)
			return HF_TRUNCATED;
		h->kind = f->kind;
		h->value = big_endian(p + 1, f->bytes);
		h->size = 1 + f->bytes;
		return h->value >= f->least ? HF_OK : HF_NOT_SHORTEST;
	}
	return HF_TYPE; /* floats, ext, the unused byte */
}

static enum hf_err read_head(struct head *h, const uint8_t *p, size_t left)
{
	memset(h, 0, sizeof(*h));
	h->kind = WIRE_BAD;
	if (left == 0)
		return HF_TRUNCATED;
	h->size = 1;
	if (p[0] < 0x80) {
		h->kind = WIRE_UINT;
		h->value = p[0];
	} else if (p[0] < 0x90) {
		h->kind = WIRE_MAP;
		h->value = p[0] & 0x0fu;
	} else if (p[0] < 0xa0) {
		h->kind = WIRE_ARRAY;
		h->value = p[0] & 0x0fu;
	} else if (p[0] < 0xc0) {
		h->kind = WIRE_STR;
		h->value = p[0] & 0x1fu;
	} else if (p[0] == 0xc0) {
		h->kind = WIRE_NIL;
	} else if (p[0] == 0xc2 || p[0] == 0xc3) {
		h->kind = WIRE_BOOL;
		h->value = p[0] & 1u;
	} else if (p[0] >= 0xe0) {
		h->kind = WIRE_INT;
		h->negative = (int64_t)p[0] - 0x100;
	} else if (p[0] >= 0xd0 && p[0] <= 0xd3) {
		return negative_head(h, p, left);
	} else {
		return wide_head(h, p, left);
	}
	return HF_OK;
}

enum wire_kind wire_peek(const struct wire *w)
{
	struct head h;

	if (w->err != HF_OK)
		return WIRE_BAD;
	if (w->at == w->size || (w->depth > 0 && w->left[w->depth - 1] == 0 &&
				    !w->has_key[w->depth - 1]))
		return WIRE_END;
	return read_head(&h, w->data + w->at, w->size - w->at) == HF_OK
		   ? h.kind
		   : WIRE_BAD;
}

/* Take the head of the next value, which must be of `kind`. */
static bool take(struct wire *w, enum wire_kind kind, struct head *h)
{
	enum hf_err err;

	memset(h, 0, sizeof(*h));
	if (w->err != HF_OK)
		return false;
	if (w->depth > 0) {
		unsigned d = w->depth - 1;

		/* a map's pair is counted at its key */
		if (w->is_map[d] ? !w->has_key[d] : w->left[d] == 0) {
			wire_fail(w, HF_TRUNCATED);
			return false;
		}
		if (w->is_map[d])
			w->has_key[d] = false;
		else
			w->left[d]--;
	}
	err = read_head(h, w->data + w->at, w->size - w->at);
	if (err == HF_OK && h->kind != kind)
		err = HF_TYPE;
	if (err == HF_OK && ++w->values > HF_VALUES_MAX)
		err = HF_TOO_MANY;
	if (err != HF_OK) {
		wire_fail(w, err);
		memset(h, 0, sizeof(*h));
		return false;
	}
	w->at += h->size;
	return true;
}

uint64_t wire_uint(struct wire *w, uint64_t max)
{
	struct head h;

	if (!take(w, WIRE_UINT, &h))
		return 0;
	if (h.value > max) {
		wire_fail(w, HF_RANGE);
		return 0;
	}
	return h.value;
}

int64_t wire_int(struct wire *w, int64_t min, int64_t max)
{
	struct head h;
	int64_t v;

	if (wire_peek(w) == WIRE_INT) {
		if (!take(w, WIRE_INT, &h))
			return 0;
		v = h.negative;
	} else {
		v = (int64_t)wire_uint(w, INT64_MAX);
	}
	if (w->err == HF_OK && (v < min || v > max))
		wire_fail(w, HF_RANGE);
	return w->err == HF_OK ? v : 0;
}

bool wire_bool(struct wire *w)
{
	struct head h;

	return take(w, WIRE_BOOL, &h) && h.value == 1;
}

void wire_nil(struct wire *w)
{
	struct head h;

	take(w, WIRE_NIL, &h);
}

static struct hf_bytes take_bytes(
    struct wire *w, enum wire_kind kind, size_t min, size_t max)
{
	struct hf_bytes out = {NULL, 0};
	struct head h;

	if (!take(w, kind, &h))
		return out;
	if (h.value > w->size - w->at)
		wire_fail(w, HF_TRUNCATED);
	else if (h.value < min)
		wire_fail(w, HF_RANGE);
	else if (h.value > max)
		wire_fail(w, HF_TOO_BIG);
	if (w->err != HF_OK)
		return out;
	out.data = w->data + w->at;
	out.size = (size_t)h.value;
	w->at += out.size;
	return out;
}

struct hf_bytes wire_bin(struct wire *w, size_t min, size_t max)
{
	return take_bytes(w, WIRE_BIN, min, max);
}

void wire_bin_copy(struct wire *w, void *out, size_t size)
{
	struct hf_bytes b = take_bytes(w, WIRE_BIN, size, size);

	if (b.size == size)
		memcpy(out, b.data, size);
	else
		memset(out, 0, size);
}

struct hf_bytes wire_str(struct wire *w, size_t min, size_t max)
{
	struct hf_bytes b =
	    take_bytes(w, WIRE_STR, min, max < HF_TEXT_MAX ? max : HF_TEXT_MAX);

	if (w->err == HF_OK && !wire_utf8_ok(b.data, b.size))
		wire_fail(w, HF_UTF8);
	return w->err == HF_OK ? b : (struct hf_bytes){NULL, 0};
}

struct instant wire_time(struct wire *w)
{
	return (struct instant){wire_uint(w, HF_TIME_LIMIT - 1)};
}

struct hf_country wire_country(struct wire *w)
{
	struct hf_country c = {{0}};
	struct hf_bytes b = wire_str(w, HF_COUNTRY_SIZE, HF_COUNTRY_SIZE);

	if (w->err != HF_OK)
		return c;
	if (!hf_country_ok((const char *)b.data, b.size))
		wire_fail(w, HF_RANGE);
	else
		memcpy(c.s, b.data, b.size);
	return c;
}

struct hf_desk wire_desk(struct wire *w)
{
	struct hf_desk d = {{0}};
	struct hf_bytes b = wire_str(w, 4, HF_DESK_MAX);

	if (w->err != HF_OK)
		return d;
	if (!hf_desk_ok((const char *)b.data, b.size))
		wire_fail(w, HF_RANGE);
	else
		memcpy(d.s, b.data, b.size);
	return d;
}

static unsigned open_container(
    struct wire *w, enum wire_kind kind, uint64_t min, uint64_t max)
{
	struct head h;

	if (!take(w, kind, &h))
		return 0;
	if (w->depth == HF_DEPTH_MAX)
		wire_fail(w, HF_DEPTH);
	else if (h.value > max)
		wire_fail(w, HF_TOO_MANY);
	else if (h.value < min)
		wire_fail(w, HF_RANGE);
	else if (h.value > w->size - w->at)
		wire_fail(w, HF_TRUNCATED); /* each member has a byte */
	if (w->err != HF_OK)
		return 0;
	w->left[w->depth] = (unsigned)h.value;
	w->is_map[w->depth] = kind == WIRE_MAP;
	w->last_key[w->depth] = -1;
	w->has_key[w->depth] = false;
	w->depth++;
	return (unsigned)h.value;
}

unsigned wire_array(struct wire *w, unsigned min, unsigned max)
{
	return open_container(
	    w, WIRE_ARRAY, min, max < HF_ARRAY_MAX ? max : HF_ARRAY_MAX);
}

unsigned wire_map(struct wire *w, unsigned max)
{
	return open_container(
	    w, WIRE_MAP, 0, max < HF_MAP_MAX ? max : HF_MAP_MAX);
}

int wire_key(struct wire *w)
{
	struct head h;
	unsigned d = w->depth - 1;

	if (w->err != HF_OK || w->depth == 0 || !w->is_map[d] ||
	    w->has_key[d] || w->left[d] == 0)
		return -1;
	w->left[d]--;
	w->has_key[d] = true; /* for the key itself, and then its value */
	if (!take(w, WIRE_UINT, &h))
		return -1;
	if (h.value > 127) {
		wire_fail(w, HF_RANGE);
		return -1;
	}
	if ((int)h.value <= w->last_key[d]) {
		wire_fail(w, HF_KEY_ORDER);
		return -1;
	}
	w->last_key[d] = (int)h.value;
	w->has_key[d] = true;
	return (int)h.value;
}

void wire_close(struct wire *w)
{
	if (w->err != HF_OK)
		return;
	if (w->depth == 0 || w->left[w->depth - 1] != 0 ||
	    w->has_key[w->depth - 1]) {
		wire_fail(w, HF_TOO_MANY); /* members that nobody asked for */
		return;
	}
	w->depth--;
}

/* One scalar value of whatever kind. */
static void skip_scalar(struct wire *w, enum wire_kind kind)
{
	switch (kind) {
	case WIRE_UINT:
		wire_uint(w, UINT64_MAX);
		break;
	case WIRE_INT:
		wire_int(w, INT64_MIN, INT64_MAX);
		break;
	case WIRE_BIN:
		wire_bin(w, 0, SIZE_MAX);
		break;
	case WIRE_STR:
		wire_str(w, 0, HF_TEXT_MAX);
		break;
	case WIRE_BOOL:
		wire_bool(w);
		break;
	case WIRE_NIL:
		wire_nil(w);
		break;
	case WIRE_ARRAY:
	case WIRE_MAP:
	case WIRE_END:
		wire_fail(w, HF_TRUNCATED);
		break;
	case WIRE_BAD: {
		struct head h;

		wire_fail(w, read_head(&h, w->data + w->at, w->size - w->at));
		break;
	}
	}
}

static enum wire_kind kind_here(const struct wire *w)
{
	struct head h;

	if (read_head(&h, w->data + w->at, w->size - w->at) != HF_OK)
		return WIRE_BAD;
	return h.kind;
}

struct hf_bytes wire_skip(struct wire *w)
{
	size_t begin = w->at;
	unsigned depth = w->depth;

	do {
		enum wire_kind kind;

		if (w->depth > depth && w->is_map[w->depth - 1] &&
		    wire_key(w) < 0)
			break;
		kind = kind_here(w);
		if (kind == WIRE_ARRAY)
			wire_array(w, 0, HF_ARRAY_MAX);
		else if (kind == WIRE_MAP)
			wire_map(w, HF_MAP_MAX);
		else
			skip_scalar(w, kind);
		while (w->err == HF_OK && w->depth > depth &&
		       w->left[w->depth - 1] == 0)
			wire_close(w);
	} while (w->err == HF_OK && w->depth > depth);
	if (w->err != HF_OK)
		return (struct hf_bytes){NULL, 0};
	return (struct hf_bytes){w->data + begin, w->at - begin};
}

enum hf_err wire_finish(struct wire *w)
{
	if (w->err == HF_OK && w->depth != 0)
		wire_fail(w, HF_TRUNCATED);
	if (w->err == HF_OK && w->at != w->size)
		wire_fail(w, HF_TRAILING);
	return w->err;
}

/* Code points that no text of ours may hold (SPEC 1.2). */
static bool is_forbidden(uint32_t c)
{
	return (c < 0x20 && c != '\t' && c != '\n') ||
	       (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c <= 0xdfff) ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	       c > 0x10ffff;
}

/* Eight bytes of ASCII that is no control.  Most text is, and notes are read
 * several times. */
static bool is_plain(const uint8_t *text)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t v;

	memcpy(&v, text, sizeof(v));
	/* the top bit of each byte: of one that has it, of one below 0x20, of
	 * 0x7f; no byte borrows or carries while none has it */
	return ((v | (v + ones) | (v - 0x20 * ones)) & 0x80 * ones) == 0;
}

bool wire_utf8_ok(const uint8_t *text, size_t size)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	size_t i = 0;

	while (i < size) {
		uint32_t c = text[i];
		unsigned more;

		if (size - i >= 8 && is_plain(text + i)) {
			i += 8;
			continue;
		}

		if (c < 0x80)
			more = 0;
		else if (c >= 0xc2 && c < 0xe0)
			more = 1;
		else if (c >= 0xe0 && c < 0xf0)
			more = 2;
		else if (c >= 0xf0 && c < 0xf5)
			more = 3;
		else
			return false;
		if (more >= size - i)
			return false;
		if (more > 0)
			c &= 0x3fu >> more;
		for (unsigned k = 1; k <= more; k++) {
			if ((text[i + k] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (text[i + k] & 0x3fu);
		}
		if (c < least[more] || is_forbidden(c))
			return false;
		i += more + 1;
	}
	return true;
}

bool hf_country_ok(const char *s, size_t size)
{
	return size == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' &&
	       s[1] <= 'Z';
}

bool hf_desk_ok(const char *s, size_t size)
{
	if (size < 4 || size > HF_DESK_MAX || s[0] < 'a' || s[0] > 'z' ||
	    s[1] < 'a' || s[1] > 'z' || s[2] != '.' || s[3] < 'a' || s[3] > 'z')
		return false;
	for (size_t i = 4; i < size; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
			(s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
			return false;
	return true;
}

struct hf_country hf_desk_country(const struct hf_desk *desk)
{
	struct hf_country c = {{0}};

	for (unsigned i = 0; i < 2; i++)
		if (desk->s[i] >= 'a' && desk->s[i] <= 'z')
			c.s[i] = (char)(desk->s[i] - 'a' + 'A');
	return c;
}
