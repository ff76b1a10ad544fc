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

/** Take the line at the front of *rest, without its newline, into *line;
 * false if there is no newline left. */
bool hf_note_line(struct hf_bytes *rest, struct hf_bytes *line);

#endif
