/* holdfastd.conf: never a crash, a line for each refusal, the same twice. */
#include "broker/config.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void surroundings(void)
{
	static bool done;

	if (done)
		return;
	fuzz_file("key", (const uint8_t *)"x\n", 2, 0600);
	MUST(chdir(fuzz_dir()) == 0, "chdir");
	MUST(mkdir("pins", 0700) == 0, "mkdir");
	done = true;
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config c;
	static char said[1u << 16];
	const char *path;
	enum hf_err err;
	FILE *out;

	if (size > 8192)
		return 0;
	surroundings();
	path = fuzz_file("holdfastd.conf", data, size, 0644);
	memset(said, 0, sizeof(said));
	memset(&c, 0, sizeof(c));
	out = fmemopen(said, sizeof(said), "w");
	MUST(out != NULL, "fmemopen");
	err = config_read(&c, path, out);
	fclose(out);
	MUST(err == HF_OK || err == HF_CONFIG, "another error");
	if (err != HF_OK) {
		MUST(said[0] != '\0', "refused without a word");
		return 0;
	}
	MUST(hf_country_ok(c.country.s, strlen(c.country.s)), "country");
	MUST(ends(c.data_dir, sizeof(c.data_dir)) &&
		 ends(c.key_file, sizeof(c.key_file)) &&
		 ends(c.pins_dir, sizeof(c.pins_dir)) &&
		 ends(c.desk_endpoint, sizeof(c.desk_endpoint)) &&
		 ends(c.peer_endpoint, sizeof(c.peer_endpoint)),
	    "a text without an end");
	MUST(c.witness_count <= HF_WITNESSES_MAX, "witnesses");
	return 0;
}
