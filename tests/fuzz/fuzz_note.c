/* A note of anybody: its parts and its signature lines. */
#include "proto/note.h"
#include "tests/fuzz/fuzz.h"

static void line_again(struct hf_bytes line)
{
	char out[2 * HF_NOTE_MAX];
	struct hf_note_signature s;
	size_t n;

	if (!hf_note_signature_read(&s, line))
		return;
	MUST(hf_note_name_ok(s.name.data, s.name.size), "a bad name");
	n = hf_note_signature_write(out, sizeof(out), &s);
	MUST(n > 0 && out[n - 1] == '\n', "no line");
	fuzz_same(line.data, line.size, HF_OK, (uint8_t *)out, n - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hf_bytes note = {data, size}, text, lines, line;
	struct hf_key key = {{1}};

	fuzz_init();
	MUST(hf_note_open(note, "holdfast/JP/1", &key, &text) != HF_OK,
	    "opened by no key");
	if (!hf_note_split(note, &text, &lines))
		return 0;
	MUST(text.data == data && text.size > 0 &&
		 lines.data == data + text.size + 1 &&
		 text.size + 1 + lines.size == size,
	    "parts that are not the whole");
	while (hf_note_line(&lines, &line))
		line_again(line);
	return 0;
}
