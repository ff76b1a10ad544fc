/* Files of minisign: 32 bytes of key, a byte (0: a public key), the file. */
#include "client/minisign.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hf_bytes file = {
	    (const uint8_t *)"a manifest\n", 11};
	char out[MINISIGN_TEXT_MAX], said[FILE_COMMENT_MAX + 1];
	struct hf_bytes text;
	struct hf_key key, read;
	const uint8_t *line;
	uint8_t what;
	size_t n, rest;

	fuzz_init();
	fuzz_take(&data, &size, key.b, sizeof(key.b));
	fuzz_take(&data, &size, &what, 1);
	text = (struct hf_bytes){data, size};
	if (what != 0) {
		if (minisign_verify(&key, file, text, said) == HF_OK)
			MUST(
			    said[0] != '\0' && strlen(said) <= FILE_COMMENT_MAX,
			    "no comment");
		return 0;
	}
	if (minisign_public_read(&read, text) != HF_OK)
		return 0;
	minisign_public(out, &n, &read, "any");
	/* but for the comment, the same lines */
	line = memchr(data, '\n', size);
	MUST(line != NULL, "no line");
	rest = size - (size_t)(line - data);
	MUST(rest < n, "longer than what is written");
	fuzz_same(line, rest, HF_OK, (uint8_t *)out + n - rest, rest);
	return 0;
}
