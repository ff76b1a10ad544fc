/* Files of an auditor's archive: a byte says which, then its bytes. */
#include "client/archive.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void ledger(struct archive *a)
{
	struct archive_entry e, again;
	uint8_t frame[ARCHIVE_ENTRY_MAX];
	uint64_t count = 0;

	while (archive_next(a, &e) == HF_OK) {
		MUST(e.index == count++, "entries are not counted");
		MUST(archive_at(a, frame, e.index, e.offset, &again) == HF_OK &&
			 again.offset == e.offset && again.index == e.index,
		    "read once, not twice");
	}
}

static void rows(const struct archive *a)
{
	struct archive_rows *r = NULL;
	struct archive_receipt receipt;
	struct archive_state state;

	if (archive_receipts_open(a, &r) == HF_OK)
		while (archive_receipts_next(r, &receipt) == HF_OK)
			MUST(hf_country_ok(receipt.to.s, 2), "no country");
	archive_rows_close(r);
	r = NULL;
	if (archive_states_open(a, &r) == HF_OK)
		while (archive_states_next(r, &state) == HF_OK)
			;
	archive_rows_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {
	    "ledger", "receipts", "states", "head", "pins"};
	struct archive *a = NULL;
	struct roster *pins = NULL;
	char note[HF_NOTE_MAX + 1];
	uint8_t which;

	fuzz_init();
	fuzz_take(&data, &size, &which, 1);
	for (unsigned i = 0; i < 5; i++)
		fuzz_file(names[i], data, i == which % 5 ? size : 0, 0600);
	MUST(archive_open(&a, fuzz_dir()) == HF_OK, "archive_open");
	ledger(a);
	rows(a);
	if (archive_head(a, note) == HF_OK)
		MUST(memchr(note, 0, sizeof(note)) != NULL, "no end");
	(void)!archive_roster(a, &pins);
	roster_free(pins);
	archive_close(a);
	return 0;
}
