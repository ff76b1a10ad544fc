/* What people type: references, key lines, times, hex and base64. */
#include "keys/secret.h"
#include "proto/crypto.h"
#include "proto/ref.h"
#include "proto/text.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void encodings(const char *text, size_t size)
{
	uint8_t out[256];
	char again[1024];
	size_t n = 0;

	if (hf_base64_read(out, sizeof(out), &n, text, size) == HF_OK) {
		size_t m = hf_base64(again, sizeof(again), out, n);

		fuzz_same(
		    (const uint8_t *)text, size, HF_OK, (uint8_t *)again, m);
	}
	if (hf_base64url_read(out, sizeof(out), &n, text, size) == HF_OK) {
		size_t m = hf_base64url(again, sizeof(again), out, n);

		fuzz_same(
		    (const uint8_t *)text, size, HF_OK, (uint8_t *)again, m);
	}
	if (size / 2 <= sizeof(out) &&
	    hf_hex_read(out, size / 2, text, size) == HF_OK) {
		hf_hex(again, out, size / 2);
		MUST(strlen(again) == size &&
			 strncasecmp(again, text, size) == 0,
		    "other hex");
	}
}

static void keys(const char *text)
{
	char again[HF_KEYLINE_MAX], z85[41];
	struct hf_key key;

	for (unsigned t = HF_KEY_OFFICER; t <= HF_KEY_WITNESS; t++)
		if (hf_keyline_read(&key, (enum hf_key_type)t, text) == HF_OK) {
			hf_keyline(again, (enum hf_key_type)t, &key);
			MUST(strcmp(again, text) == 0, "another key line");
		}
	if (key_from_z85(&key, text) == HF_OK) {
		key_z85(z85, &key);
		MUST(strcmp(z85, text) == 0, "another Z85 text");
	}
}

static void times(const char *text)
{
	char again[32];
	struct instant t, back;
	int zone, zone_back;

	if (hf_rfc3339_read(&t, &zone, text) != HF_OK)
		return;
	hf_rfc3339(again, t, zone);
	MUST(hf_rfc3339_read(&back, &zone_back, again) == HF_OK &&
		 back.ms == t.ms && zone_back == zone,
	    "another time");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char ref[HF_REF_MAX], again[HF_REF_MAX], digits[24];
	const char *text = fuzz_text(data, size);
	struct text t;
	uint64_t v;

	fuzz_init();
	encodings(text, size);
	keys(text);
	times(text);
	if (hf_ref_read(ref, text) == HF_OK)
		MUST(
		    hf_ref_read(again, ref) == HF_OK && strcmp(again, ref) == 0,
		    "another reference");
	if (text_read_uint(&v, data, size, UINT64_MAX)) {
		text_init(&t, digits, sizeof(digits));
		text_add_uint(&t, v, 0);
		fuzz_same(data, size, HF_OK, (uint8_t *)digits, t.at);
	}
	return 0;
}
