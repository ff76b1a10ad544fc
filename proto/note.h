/*
 * note: C2SP signed notes: a text, a blank line, signature lines.
 *
 * The text of a note means nothing until hf_note_open has said yes.
 */
#ifndef HF_PROTO_NOTE_H
#define HF_PROTO_NOTE_H

#include "proto/types.h"

/** May `name` be a key name: not empty, strict UTF-8, no Unicode space, no
 * plus sign, no control character. */
bool hf_note_name_ok(const void *name, size_t size);

/**
 * Take a note apart and verify it: every line well formed, at least one
 * signature by `key` under `key_name`, and none of that name and key id that
 * does not verify.  Signatures of others are ignored.
 * text     borrows from `note`; its last newline included
 * Errors:  HF_CHECKPOINT
 */
HF_MUST_USE enum hf_err hf_note_open(struct hf_bytes note, const char *key_name,
    const struct hf_key *key, struct hf_bytes *text);

/** The text with its last newline, and the signature lines after the last
 * empty line; false when it has no such form. */
bool hf_note_split(
    struct hf_bytes note, struct hf_bytes *text, struct hf_bytes *lines);

/** C2SP signed-note: types of signatures */
enum hf_note_type { HF_NOTE_ED25519 = 0x01, HF_NOTE_COSIGNATURE = 0x04 };
#define HF_NOTE_KEY_ID 4u
/** Key id: first 4 bytes of SHA-256(name LF type key). */
void hf_note_key_id_of(uint8_t out[HF_NOTE_KEY_ID], const char *name,
    enum hf_note_type type, const struct hf_key *key);

/** One signature line: mark, name, space, base64 of key id and payload. */
struct hf_note_signature {
	struct hf_bytes name; /* borrows */
	uint8_t key_id[HF_NOTE_KEY_ID];
	uint8_t payload[HF_NOTE_MAX];
	size_t payload_size;
};
/** line  without its newline */
bool hf_note_signature_read(struct hf_note_signature *s, struct hf_bytes line);
/** With newline and NUL; returns its size, 0 if it does not fit. */
size_t hf_note_signature_write(
    char *out, size_t capacity, const struct hf_note_signature *s);

/** Take the line at the front of *rest, without its newline, into *line;
 * false if there is no newline left. */
bool hf_note_line(struct hf_bytes *rest, struct hf_bytes *line);

#endif
