#include "proto/cosign.h"

#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/note.h"
#include "proto/pack.h"
#include "proto/text.h"
#include "proto/wire.h"

#include <assert.h>
#include <string.h>

#define TIME_SIZE 8u
#define PAYLOAD_SIZE (TIME_SIZE + HF_SIG_SIZE)
#define SECONDS_MAX UINT64_C(253402300799) /* 9999-12-31T23:59:59Z */

void hf_witness_name(char out[HF_WITNESS_NAME_MAX], struct hf_country c)
{
	struct text t;

	text_init(&t, out, HF_WITNESS_NAME_MAX);
	text_add(&t, "holdfast/");
	text_add(&t, c.s);
	text_add(&t, "/witness");
	assert(!t.full);
}

size_t hf_cosign_message(uint8_t out[HF_COSIGN_MESSAGE_MAX], uint64_t seconds,
    struct hf_bytes note_text)
{
	struct text t;

	text_init(&t, (char *)out, HF_COSIGN_MESSAGE_MAX);
	text_add(&t, "cosignature/v1\ntime ");
	text_add_uint(&t, seconds, 0);
	text_add_char(&t, '\n');
	text_add_bytes(&t, note_text.data, note_text.size);
	return t.full ? 0 : t.at;
}

size_t hf_cosign_line(char out[HF_COSIGN_LINE_MAX], const char *name,
    const struct hf_key *key, uint64_t seconds, const struct hf_sig *sig)
{
	struct hf_note_signature s = {
	    .name = {(const uint8_t *)name, strlen(name)},
	    .payload_size = PAYLOAD_SIZE};

	hf_note_key_id_of(s.key_id, name, HF_NOTE_COSIGNATURE, key);
	for (unsigned i = 0; i < TIME_SIZE; i++)
		s.payload[i] = (uint8_t)(seconds >> (56 - 8 * i));
	memcpy(s.payload + TIME_SIZE, sig->b, HF_SIG_SIZE);
	return hf_note_signature_write(out, HF_COSIGN_LINE_MAX, &s);
}

static bool is_cosignature(const struct hf_note_signature *s)
{
	static const char end[] = "/witness";
	size_t n = sizeof(end) - 1;

	return s->payload_size == PAYLOAD_SIZE && s->name.size > n &&
	       memcmp(s->name.data + s->name.size - n, end, n) == 0;
}

static enum hf_err verify(const struct hf_note_signature *s,
    struct hf_bytes text, const struct hf_key *key, uint64_t *seconds)
{
	uint8_t message[HF_COSIGN_MESSAGE_MAX];
	struct hf_sig sig;
	uint64_t at = 0;
	size_t size;

	if (s->payload_size != PAYLOAD_SIZE)
		return HF_CHECKPOINT;
	for (unsigned i = 0; i < TIME_SIZE; i++)
		at = at << 8 | s->payload[i];
	if (at > SECONDS_MAX)
		return HF_CHECKPOINT;
	memcpy(sig.b, s->payload + TIME_SIZE, HF_SIG_SIZE);
	size = hf_cosign_message(message, at, text);
	if (size == 0 || hf_verify(key, &sig, message, size) != HF_OK)
		return HF_CHECKPOINT;
	*seconds = at;
	return HF_OK;
}

static bool is_by(const struct hf_note_signature *s, const char *name,
    const struct hf_key *key)
{
	uint8_t id[HF_NOTE_KEY_ID];

	hf_note_key_id_of(id, name, HF_NOTE_COSIGNATURE, key);
	return s->name.size == strlen(name) &&
	       memcmp(s->name.data, name, s->name.size) == 0 &&
	       memcmp(s->key_id, id, sizeof(id)) == 0;
}

enum hf_err hf_cosign_verify_line(struct hf_bytes line, struct hf_bytes note,
    const char *name, const struct hf_key *key, uint64_t *seconds)
{
	struct hf_bytes text, lines, one;
	struct hf_note_signature s;

	if (!hf_note_split(note, &text, &lines) || !hf_note_line(&line, &one) ||
	    line.size != 0 || !hf_note_signature_read(&s, one) ||
	    !is_by(&s, name, key))
		return HF_CHECKPOINT;
	return verify(&s, text, key, seconds);
}

enum hf_err hf_cosign_verify(struct hf_bytes note, const char *name,
    const struct hf_key *key, uint64_t *seconds)
{
	enum hf_err err = HF_NOTFOUND;
	struct hf_bytes text, lines, line;
	struct hf_note_signature s;
	uint64_t at = 0;

	if (!hf_note_split(note, &text, &lines))
		return HF_CHECKPOINT;
	while (lines.size > 0) {
		if (!hf_note_line(&lines, &line) ||
		    !hf_note_signature_read(&s, line))
			return HF_CHECKPOINT;
		if (!is_by(&s, name, key))
			continue;
		err = verify(&s, text, key, &at);
		if (err != HF_OK)
			return err;
	}
	if (err == HF_OK)
		*seconds = at;
	return err;
}

bool hf_cosign_name(struct hf_bytes note, unsigned i, struct hf_bytes *name)
{
	struct hf_bytes text, lines, line;
	struct hf_note_signature s;

	if (!hf_note_split(note, &text, &lines))
		return false;
	while (hf_note_line(&lines, &line) && hf_note_signature_read(&s, line))
		if (is_cosignature(&s) && i-- == 0) {
			*name = s.name;
			return true;
		}
	return false;
}

static int compare(struct hf_bytes a, struct hf_bytes b)
{
	size_t n = a.size < b.size ? a.size : b.size;
	int order = memcmp(a.data, b.data, n);

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

enum hf_err hf_cosign_add(struct hf_bytes note, struct hf_bytes line, char *out,
    size_t capacity, size_t *size)
{
	struct hf_note_signature fresh, s;
	struct hf_bytes text, lines, one, rest = line;
	unsigned count = 1;
	bool placed = false;
	struct text t;

	if (!hf_note_split(note, &text, &lines) || !hf_note_line(&rest, &one) ||
	    rest.size != 0 || !hf_note_signature_read(&fresh, one) ||
	    !is_cosignature(&fresh))
		return HF_CHECKPOINT;
	text_init(
	    &t, out, capacity < HF_NOTE_MAX + 1 ? capacity : HF_NOTE_MAX + 1);
	text_add_bytes(&t, text.data, text.size);
	text_add_char(&t, '\n');
	while (lines.size > 0) {
		if (!hf_note_line(&lines, &one) ||
		    !hf_note_signature_read(&s, one))
			return HF_CHECKPOINT;
		if (is_cosignature(&s)) {
			int order = compare(s.name, fresh.name);

			if (order == 0)
				continue;
			count++;
			if (order > 0 && !placed) {
				text_add_bytes(&t, line.data, line.size);
				placed = true;
			}
		}
		text_add_bytes(&t, one.data, one.size);
		text_add_char(&t, '\n');
	}
	if (!placed)
		text_add_bytes(&t, line.data, line.size);
	if (count > HF_COSIGNATURE_MAX)
		return HF_TOO_MANY;
	if (t.full)
		return HF_TOO_BIG;
	*size = t.at;
	return HF_OK;
}

/* ---- forks ---- */

/* The note with the log's own signatures only. */
static enum hf_err bare(
    struct hf_bytes note, char out[HF_NOTE_MAX + 1], struct hf_bytes *stripped)
{
	struct hf_bytes text, lines, line;
	struct hf_note_signature s;
	struct text t;

	if (!hf_note_split(note, &text, &lines))
		return HF_CHECKPOINT;
	text_init(&t, out, HF_NOTE_MAX + 1);
	text_add_bytes(&t, text.data, text.size);
	text_add_char(&t, '\n');
	while (lines.size > 0) {
		if (!hf_note_line(&lines, &line) ||
		    !hf_note_signature_read(&s, line))
			return HF_CHECKPOINT;
		if (is_cosignature(&s))
			continue;
		text_add_bytes(&t, line.data, line.size);
		text_add_char(&t, '\n');
	}
	assert(!t.full); /* it is no longer than the note */
	*stripped = (struct hf_bytes){(const uint8_t *)out, t.at};
	return HF_OK;
}

static enum hf_err fork_of(const char *origin, const struct hf_key *key,
    struct hf_bytes a, struct hf_bytes b, uint64_t *entries, bool *swapped)
{
	struct hf_hash x, y;
	uint64_t n, m;
	int order;

	if (hf_checkpoint_verify(a, origin, key, &n, &x) != HF_OK ||
	    hf_checkpoint_verify(b, origin, key, &m, &y) != HF_OK)
		return HF_CHECKPOINT;
	order = memcmp(&x, &y, sizeof(x));
	if (n != m || order == 0)
		return HF_CHECKPOINT;
	*entries = n;
	*swapped = order > 0;
	return HF_OK;
}

/* Most heads do not: seen before a signature is looked at. */
static bool contradict(const char *origin, struct hf_bytes a, struct hf_bytes b)
{
	struct hf_hash x, y;
	uint64_t n, m;

	return hf_checkpoint_read(a, origin, &n, &x) == HF_OK &&
	       hf_checkpoint_read(b, origin, &m, &y) == HF_OK && n == m &&
	       memcmp(&x, &y, sizeof(x)) != 0;
}

enum hf_err hf_fork_encode(const char *origin, const struct hf_key *key,
    struct hf_bytes a, struct hf_bytes b, uint8_t out[HF_FORK_MAX],
    size_t *size)
{
	char text[2][HF_NOTE_MAX + 1];
	struct hf_bytes note[2];
	uint64_t entries;
	bool swapped;
	struct pack p;
	enum hf_err err = contradict(origin, a, b) ? HF_OK : HF_CHECKPOINT;

	if (err == HF_OK)
		err = bare(a, text[0], &note[0]);
	if (err == HF_OK)
		err = bare(b, text[1], &note[1]);
	if (err == HF_OK)
		err =
		    fork_of(origin, key, note[0], note[1], &entries, &swapped);
	if (err != HF_OK)
		return err;
	pack_init(&p, out, HF_FORK_MAX);
	pack_map(&p, 3);
	pack_uint(&p, 1);
	pack_text(&p, origin);
	for (unsigned i = 0; i < 2; i++) {
		struct hf_bytes n = note[swapped ? 1 - i : i];

		pack_uint(&p, 2 + i);
		pack_str(&p, (const char *)n.data, n.size);
	}
	return pack_finish(&p, size);
}

enum hf_err hf_fork_check(const void *data, size_t size, const char *origin,
    const struct hf_key *key, uint64_t *entries)
{
	/* nothing yet, but nowhere NULL: memcmp is asked below */
	struct hf_bytes named = {data, 0}, note[2] = {{data, 0}, {data, 0}};
	char text[HF_NOTE_MAX + 1];
	uint64_t size_of_both = 0;
	bool swapped;
	struct wire w;
	int k;
	enum hf_err err;

	if (size > HF_FORK_MAX)
		return HF_TOO_BIG;
	wire_init(&w, data, size);
	wire_map(&w, 3);
	while ((k = wire_key(&w)) >= 0) {
		if (k == 1)
			named = wire_str(&w, 1, HF_ORIGIN_MAX);
		else if (k == 2 || k == 3)
			note[k - 2] = wire_str(&w, 1, HF_NOTE_MAX);
		else
			wire_fail(&w, HF_RANGE);
	}
	wire_close(&w);
	err = wire_finish(&w);
	if (err != HF_OK)
		return err;
	/* three different keys of three: each is there */
	if (named.size != strlen(origin) ||
	    memcmp(named.data, origin, named.size) != 0)
		return HF_CHECKPOINT;
	for (unsigned i = 0; i < 2; i++) {
		struct hf_bytes stripped;

		err = bare(note[i], text, &stripped);
		if (err != HF_OK)
			return err;
		if (stripped.size != note[i].size ||
		    memcmp(text, note[i].data, stripped.size) != 0)
			return HF_CHECKPOINT;
	}
	err = fork_of(origin, key, note[0], note[1], &size_of_both, &swapped);
	if (err == HF_OK && swapped)
		err = HF_CHECKPOINT;
	if (err == HF_OK)
		*entries = size_of_both;
	return err;
}
