/* A signed head: 32 bytes of key, the note.  Its text is the only one of its
 * size and root. */
#include "proto/ledger.h"
#include "proto/note.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char origin[HF_ORIGIN_MAX], text[HF_NOTE_MAX];
	struct hf_bytes note, body, lines;
	struct hf_country c;
	struct hf_key key;
	struct hf_hash root;
	uint32_t epoch;
	uint64_t tree;
	size_t n;

	fuzz_init();
	fuzz_take(&data, &size, key.b, sizeof(key.b));
	note = (struct hf_bytes){data, size};
	if (hf_note_origin(note, &c, &epoch) != HF_OK)
		return 0;
	hf_origin(origin, c, epoch);
	MUST(size > strlen(origin) &&
		 memcmp(data, origin, strlen(origin)) == 0 &&
		 data[strlen(origin)] == '\n',
	    "another origin than it says");
	if (hf_checkpoint_verify(note, origin, &key, &tree, &root) != HF_OK)
		return 0;
	MUST(hf_note_split(note, &body, &lines), "verified, but no note");
	n = hf_checkpoint_text(text, sizeof(text), origin, tree, &root);
	/* lines of extensions may follow */
	MUST(n > 0 && n <= body.size, "a text that is too short");
	fuzz_same(body.data, n, HF_OK, (const uint8_t *)text, n);
	return 0;
}
