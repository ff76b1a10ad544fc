/*
 * A note is read by its last empty line: what stands before it is the text,
 * every line after it must be a signature.  C2SP says that signatures of
 * unknown keys are ignored, so that a log's own and its witnesses' can stand
 * together; they must still have the form, or one note could be read in two
 * ways by two programs.  A signature that bears our key's name and id and
 * fails spoils the note even beside a good one.
 */
#include "proto/note.h"
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/text.h"
#include "proto/wire.h"

#include <assert.h>
#include <string.h>

#define MARK "\xe2\x80\x94 " /* em dash U+2014 and a space */
#define MARK_SIZE (sizeof(MARK) - 1)

/* The Unicode spaces above ASCII, in UTF-8 (property White_Space). */
static const char *const wide_spaces[] = {
    "\xc2\x85",
    "\xc2\xa0",
    "\xe1\x9a\x80",
    "\xe2\x80\x80",
    "\xe2\x80\x81",
    "\xe2\x80\x82",
    "\xe2\x80\x83",
    "\xe2\x80\x84",
    "\xe2\x80\x85",
    "\xe2\x80\x86",
    "\xe2\x80\x87",
    "\xe2\x80\x88",
    "\xe2\x80\x89",
    "\xe2\x80\x8a",
    "\xe2\x80\xa8",
    "\xe2\x80\xa9",
    "\xe2\x80\xaf",
    "\xe2\x81\x9f",
    "\xe3\x80\x80",
};

bool hf_note_name_ok(const void *name, size_t size)
{
	const uint8_t *s = name;
	bool wide = false;

	if (size == 0 || !wire_utf8_ok(s, size))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (s[i] <= ' ' || s[i] == '+')
			return false;
		wide |= s[i] >= 0x80;
	}
	for (size_t i = 0; wide && i < sizeof(wide_spaces) / sizeof(char *);
	     i++)
		if (memmem(s, size, wide_spaces[i], strlen(wide_spaces[i])))
			return false;
	return true;
}

bool hf_note_line(struct hf_bytes *rest, struct hf_bytes *line)
{
	const uint8_t *end;

	if (rest->size == 0)
		return false;
	end = memchr(rest->data, '\n', rest->size);
	if (end == NULL)
		return false;
	*line = (struct hf_bytes){rest->data, (size_t)(end - rest->data)};
	rest->data += line->size + 1;
	rest->size -= line->size + 1;
	return true;
}

void hf_note_key_id_of(uint8_t out[HF_NOTE_KEY_ID], const char *name,
    enum hf_note_type type, const struct hf_key *key)
{
	uint8_t tail[2 + HF_KEY_SIZE] = {'\n', (uint8_t)type};
	struct hf_hash h;

	memcpy(tail + 2, key->b, HF_KEY_SIZE);
	h = hf_sha256_2((struct hf_bytes){(const uint8_t *)name, strlen(name)},
	    (struct hf_bytes){tail, sizeof(tail)});
	memcpy(out, h.b, HF_NOTE_KEY_ID);
}

void hf_note_key_id(uint8_t out[4], const char *name, const struct hf_key *key)
{
	hf_note_key_id_of(out, name, HF_NOTE_ED25519, key);
}

size_t hf_note_signature_write(
    char *out, size_t capacity, const struct hf_note_signature *s)
{
	uint8_t blob[HF_NOTE_KEY_ID + sizeof(s->payload)];
	char base64[(sizeof(blob) + 2) / 3 * 4 + 1];
	size_t n = HF_NOTE_KEY_ID + s->payload_size;
	struct text t;

	memcpy(blob, s->key_id, HF_NOTE_KEY_ID);
	memcpy(blob + HF_NOTE_KEY_ID, s->payload, s->payload_size);
	text_init(&t, out, capacity);
	text_add(&t, MARK);
	text_add_bytes(&t, s->name.data, s->name.size);
	text_add_char(&t, ' ');
	text_add_bytes(&t, base64, hf_base64(base64, sizeof(base64), blob, n));
	text_add_char(&t, '\n');
	return t.full ? 0 : t.at;
}

enum hf_err hf_checkpoint_note(char *out, size_t capacity, size_t *size,
    const char *text, const char *key_name, const struct hf_key *key,
    const struct hf_sig *sig)
{
	struct hf_note_signature s = {
	    .name = {(const uint8_t *)key_name, strlen(key_name)},
	    .payload_size = HF_SIG_SIZE};
	char line[HF_NOTE_MAX];
	size_t line_size;
	struct text t;

	assert(hf_note_name_ok(key_name, strlen(key_name)));
	assert(text[0] != '\0' && text[strlen(text) - 1] == '\n');
	hf_note_key_id(s.key_id, key_name, key);
	memcpy(s.payload, sig->b, HF_SIG_SIZE);
	line_size = hf_note_signature_write(line, sizeof(line), &s);
	if (capacity == 0 || line_size == 0)
		return HF_TOO_BIG;
	text_init(&t, out, capacity);
	text_add(&t, text);
	text_add_char(&t, '\n');
	text_add_bytes(&t, line, line_size);
	if (t.full || t.at > HF_NOTE_MAX)
		return HF_TOO_BIG;
	*size = t.at;
	return HF_OK;
}

bool hf_note_split(
    struct hf_bytes note, struct hf_bytes *text, struct hf_bytes *lines)
{
	size_t at;

	if (note.size < 4 || note.size > HF_NOTE_MAX)
		return false;
	if (!wire_utf8_ok(note.data, note.size))
		return false;
	/* of the controls that text may have, only this one is none */
	if (memchr(note.data, '\t', note.size) != NULL)
		return false;
	for (at = note.size - 2; at > 0; at--)
		if (note.data[at] == '\n' && note.data[at + 1] == '\n')
			break;
	if (at == 0)
		return false;
	*text = (struct hf_bytes){note.data, at + 1};
	*lines = (struct hf_bytes){note.data + at + 2, note.size - at - 2};
	return true;
}

bool hf_note_signature_read(struct hf_note_signature *s, struct hf_bytes line)
{
	uint8_t blob[HF_NOTE_KEY_ID + sizeof(s->payload)];
	size_t size;
	const uint8_t *space;
	const char *base64;

	if (line.size < MARK_SIZE || memcmp(line.data, MARK, MARK_SIZE) != 0)
		return false;
	line.data += MARK_SIZE;
	line.size -= MARK_SIZE;
	space = memchr(line.data, ' ', line.size);
	if (space == NULL)
		return false;
	s->name = (struct hf_bytes){line.data, (size_t)(space - line.data)};
	if (!hf_note_name_ok(s->name.data, s->name.size))
		return false;
	base64 = (const char *)space + 1;
	if (hf_base64_read(blob, sizeof(blob), &size, base64,
		line.size - s->name.size - 1) != HF_OK ||
	    size <= HF_NOTE_KEY_ID)
		return false;
	memcpy(s->key_id, blob, HF_NOTE_KEY_ID);
	s->payload_size = size - HF_NOTE_KEY_ID;
	memcpy(s->payload, blob + HF_NOTE_KEY_ID, s->payload_size);
	return true;
}

enum hf_err hf_note_open(struct hf_bytes note, const char *key_name,
    const struct hf_key *key, struct hf_bytes *text)
{
	uint8_t id[HF_NOTE_KEY_ID];
	struct hf_bytes body, lines, line;
	bool verified = false;

	if (!hf_note_split(note, &body, &lines))
		return HF_CHECKPOINT;
	hf_note_key_id(id, key_name, key);
	while (lines.size > 0) {
		struct hf_note_signature s;
		struct hf_sig sig;

		if (!hf_note_line(&lines, &line) ||
		    !hf_note_signature_read(&s, line))
			return HF_CHECKPOINT;
		if (s.name.size != strlen(key_name) ||
		    memcmp(s.name.data, key_name, s.name.size) != 0 ||
		    memcmp(s.key_id, id, sizeof(id)) != 0)
			continue;
		if (s.payload_size != HF_SIG_SIZE)
			return HF_CHECKPOINT;
		memcpy(sig.b, s.payload, HF_SIG_SIZE);
		if (hf_verify(key, &sig, body.data, body.size) != HF_OK)
			return HF_CHECKPOINT;
		verified = true;
	}
	if (!verified)
		return HF_CHECKPOINT;
	*text = body;
	return HF_OK;
}
