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

static void receipts(const struct archive *a)
{
	struct archive_rows *r = NULL;
	struct archive_receipt receipt;

	if (archive_receipts_open(a, &r) == HF_OK)
		while (archive_receipts_next(r, &receipt) == HF_OK)
			MUST(hf_country_ok(receipt.to.s, 2), "no country");
	archive_rows_close(r);
}

static void states(const struct archive *a)
{
	struct archive_rows *r = NULL;
	struct archive_state state;

	if (archive_states_open(a, &r) == HF_OK)
		while (archive_states_next(r, &state) == HF_OK)
			;
	archive_rows_close(r);
}

/* Only the file that the input is: the others are empty. */
static void read_it(struct archive *a, unsigned which)
{
	struct roster *pins = NULL;
	char note[HF_NOTE_MAX + 1];

	switch (which) {
	case 0:
		ledger(a);
		break;
	case 1:
		receipts(a);
		break;
	case 2:
		states(a);
		break;
	case 3:
		if (archive_head(a, note) == HF_OK)
			MUST(memchr(note, 0, sizeof(note)) != NULL, "no end");
		break;
	default:
		(void)!archive_roster(a, &pins);
		roster_free(pins);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {
	    "ledger", "receipts", "states", "head", "pins"};
	static unsigned last = 5;
	struct archive *a = NULL;
	uint8_t which;

	fuzz_init();
	fuzz_take(&data, &size, &which, 1);
	which %= 5;
	for (unsigned i = 0; last == 5 && i < 5; i++)
		fuzz_file(names[i], NULL, 0, 0600);
	if (last != 5 && last != which)
		fuzz_file(names[last], NULL, 0, 0600);
	last = which;
	fuzz_file(names[which], data, size, 0600);
	MUST(archive_open(&a, fuzz_dir()) == HF_OK, "archive_open");
	read_it(a, which);
	archive_close(a);
	return 0;
}
