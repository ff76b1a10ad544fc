/*
 * The description of a country's document (`country build --spec`): a byte
 * (1: beside the rig's document in force), JSON.  An entry that can be encoded
 * is read back as the same.
 */
#include "client/country_build.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/home.h"

#include <stdlib.h>
#include <string.h>

static void again(const struct country_entry *e)
{
	static const uint8_t salt[HF_SALT_SIZE] = {1};
	static struct country_entry back;
	uint8_t out[HF_ENTRY_MAX], twice[HF_ENTRY_MAX];
	size_t size = 0, twice_size = 0;
	enum hf_err err;

	if (country_entry_encode(e, salt, out, sizeof(out), &size) != HF_OK)
		return; /* said so when the document is signed */
	if (country_entry_decode(&back, out, size, e->domestic) != HF_OK)
		return; /* so is this */
	err = country_entry_encode(
	    &back, salt, twice, sizeof(twice), &twice_size);
	fuzz_same(out, size, err, twice, twice_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct country_entry *entries;
	struct building b = {.now = {1790000000000},
	    .until = {1800000000000},
	    .country = {"JP"}};
	uint8_t beside;

	fuzz_init();
	if (entries == NULL)
		entries = calloc(BUILDING_ENTRIES_MAX, sizeof(*entries));
	MUST(entries != NULL, "no memory");
	fuzz_take(&data, &size, &beside, 1);
	b.spec =
	    json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	if (b.spec == NULL)
		return 0;
	b.entries = entries;
	if (beside == 1)
		b.previous = roster_doc(rig_home()->roster, b.country);
	if (building_from_spec(&b)) {
		MUST(b.count > 0 && b.count <= BUILDING_ENTRIES_MAX,
		    "a document of nothing");
		for (unsigned i = 0; i < b.count; i++)
			again(&b.entries[i]);
	} else {
		MUST(b.problem[0] != '\0', "refused without a word");
	}
	json_decref(b.spec);
	return 0;
}
