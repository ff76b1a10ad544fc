/* Cosignatures: 32 bytes of a witness's key, the line, a NUL, the note. */
#include "proto/cosign.h"
#include "proto/note.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define NAME "holdfast/US/witness"

static void add(struct hf_bytes note, struct hf_bytes line)
{
	char once[HF_NOTE_MAX + 1], twice[HF_NOTE_MAX + 1];
	struct hf_bytes name, text, lines;
	size_t n = 0, again = 0;
	unsigned count = 0;
	enum hf_err err;

	if (hf_cosign_add(note, line, once, sizeof(once), &n) != HF_OK)
		return;
	MUST(n <= HF_NOTE_MAX, "longer than a note may be");
	note = (struct hf_bytes){(const uint8_t *)once, n};
	MUST(hf_note_split(note, &text, &lines), "no note any more");
	while (hf_cosign_name(note, count, &name))
		count++;
	MUST(count >= 1 && count <= HF_COSIGNATURE_MAX, "count of names");
	err = hf_cosign_add(note, line, twice, sizeof(twice), &again);
	fuzz_same(note.data, note.size, err, (const uint8_t *)twice, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hf_bytes line, note, name;
	struct hf_key key;
	uint64_t seconds;
	const uint8_t *end;

	fuzz_init();
	fuzz_take(&data, &size, key.b, sizeof(key.b));
	end = size > 0 ? memchr(data, 0, size) : NULL;
	if (end == NULL)
		return 0;
	line = (struct hf_bytes){data, (size_t)(end - data)};
	note = (struct hf_bytes){end + 1, size - line.size - 1};
	(void)!hf_cosign_verify_line(line, note, NAME, &key, &seconds);
	(void)!hf_cosign_verify(note, NAME, &key, &seconds);
	for (unsigned i = 0; hf_cosign_name(note, i, &name); i++)
		MUST(hf_note_name_ok(name.data, name.size), "a bad name");
	add(note, line);
	return 0;
}
