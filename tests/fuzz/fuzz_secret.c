/* A secret file that needs no passphrase; what is taken is saved as the same
 * line.  First byte: the purpose asked for. */
#include "keys/secret.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[160], saved[160];
	uint8_t purpose, again[1024];
	struct secret *s = NULL;
	bool protected = false;
	size_t n;
	FILE *f;

	fuzz_init();
	fuzz_take(&data, &size, &purpose, 1);
	snprintf(
	    path, sizeof(path), "%s", fuzz_file("a.key", data, size, 0600));
	snprintf(saved, sizeof(saved), "%s/b.key", fuzz_dir());
	(void)!secret_is_protected(path, &protected);
	if (secret_load(&s, path, (enum secret_purpose)(purpose % 4), NULL) !=
	    HF_OK) {
		MUST(s == NULL, "refused and given");
		return 0;
	}
	MUST(!protected, "opened without its passphrase");
	unlink(saved);
	MUST(secret_save(s, saved, NULL) == HF_OK, "secret_save");
	secret_free(s);
	f = fopen(saved, "rb");
	MUST(f != NULL, saved);
	n = fread(again, 1, sizeof(again), f);
	fclose(f);
	fuzz_same(data, size, HF_OK, again, n);
	return 0;
}
