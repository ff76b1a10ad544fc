/*
 * The files of an officer's home: a byte says which (a context, the name of
 * the current one, a pin, a cached document), then its bytes.
 */
#include "client/home.h"
#include "proto/ref.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char good[] =
    "{\"broker\": \"tcp://127.0.0.1:1\", \"country\": \"JP\", \"desk\": "
    "\"jp.ncp\", \"key\": \"officer.key\", \"broker_key\": \"hfb1:";

static const char *context(void)
{
	static char text[sizeof(good) + HF_KEYLINE_MAX + 8];
	char line[HF_KEYLINE_MAX];
	struct hf_key key = {{1}};

	hf_keyline(line, HF_KEY_BROKER, &key);
	snprintf(text, sizeof(text), "%s%s\"}", good, strchr(line, ':') + 1);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {
	    "contexts/c.json", "current", "pins/JP.pin", "docs/JP.hfd"};
	static const char *rest[4];
	static unsigned dirty = 4;
	static bool made;
	struct home h;
	uint8_t which;
	enum hf_err err;

	fuzz_init();
	fuzz_take(&data, &size, &which, 1);
	which %= 4;
	if (!made) {
		static const char *const dirs[] = {"contexts", "pins", "docs"};
		char path[128];

		for (unsigned i = 0; i < 3; i++) {
			snprintf(
			    path, sizeof(path), "%s/%s", fuzz_dir(), dirs[i]);
			MUST(mkdir(path, 0700) == 0, path);
		}
		rest[0] = context();
		rest[1] = "c\n";
		for (unsigned i = 0; i < 2; i++)
			fuzz_file(names[i], (const uint8_t *)rest[i],
			    strlen(rest[i]), 0600);
		made = true;
	}
	if (dirty < 2 && dirty != which)
		fuzz_file(names[dirty], (const uint8_t *)rest[dirty],
		    strlen(rest[dirty]), 0600);
	else if (dirty < 4 && dirty != which)
		fuzz_gone(names[dirty]);
	dirty = which;
	fuzz_file(names[which], data, size, 0600);
	err = home_open(&h, fuzz_dir(), NULL);
	if (err == HF_OK) {
		MUST(hf_country_ok(h.country.s, strlen(h.country.s)) &&
			 hf_desk_ok(h.desk.s, strlen(h.desk.s)) &&
			 strncmp(h.broker, "tcp://", 6) == 0,
		    "a home without a broker, a country or a desk");
		home_close(&h);
	} else {
		MUST(h.problem[0] != '\0', "refused without a word");
		MUST(h.roster == NULL, "refused, and something is kept");
	}
	return 0;
}
