/*
 * The file of the keys of cases: a byte (bit 0: with the right checks of used
 * slots), the slots.  It has no header: a slot tells by its first byte what it
 * is.  No key but a checked one is given out; a destroyed one stays so; the
 * first good one is handed out.
 */
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static ssize_t fuzz_pread(int fd, void *out, size_t size, off_t at);
static ssize_t fuzz_pwrite(int fd, const void *data, size_t size, off_t at);
static int fuzz_fsync(int fd);
static int fuzz_fstat(int fd, struct stat *st);
static int fuzz_open(const char *path, int flags, ...);
#define pread fuzz_pread
#define pwrite fuzz_pwrite
#define fsync fuzz_fsync
#define fdatasync fuzz_fsync
#define fstat fuzz_fstat
#define open fuzz_open
#define case_keys_open fuzz_case_keys_open
#define case_keys_close fuzz_case_keys_close
#define case_keys_new fuzz_case_keys_new
#define case_keys_get fuzz_case_keys_get
#define case_keys_destroy fuzz_case_keys_destroy
#define case_keys_sync fuzz_case_keys_sync
#define case_keys_keep fuzz_case_keys_keep
#define case_keys_begin fuzz_case_keys_begin
#define case_keys_next fuzz_case_keys_next
#define case_keys_copy fuzz_case_keys_copy
#define case_keys_forget fuzz_case_keys_forget
#include "broker/store/case_keys.c"

#include "tests/fuzz/fuzz.h"

#define SLOTS 32u /* that an input can have */
#define COUNT 64u /* of the file */

static uint8_t file[COUNT * SLOT_SIZE], before[SLOTS * SLOT_SIZE];
static const size_t file_size = sizeof(file);

static ssize_t fuzz_pread(int fd, void *out, size_t size, off_t at)
{
	(void)fd;
	MUST((size_t)at + size <= file_size, "read past the end");
	memcpy(out, file + at, size);
	return (ssize_t)size;
}

static ssize_t fuzz_pwrite(int fd, const void *data, size_t size, off_t at)
{
	(void)fd;
	MUST((size_t)at + size <= file_size, "written past the end");
	memcpy(file + at, data, size);
	return (ssize_t)size;
}

static int fuzz_fsync(int fd)
{
	(void)fd;
	return 0;
}

static int fuzz_fstat(int fd, struct stat *st)
{
	(void)fd;
	memset(st, 0, sizeof(*st));
	st->st_size = (off_t)file_size;
	st->st_mode = S_IFREG | 0600;
	return 0;
}

static int fuzz_open(const char *path, int flags, ...)
{
	(void)path;
	(void)flags;
	return -1;
}

static void mend(uint32_t slots)
{
	for (uint32_t i = 0; i < slots; i++) {
		uint8_t *slot = file + i * SLOT_SIZE, key[HF_KEY_SIZE];

		memcpy(key, slot + 8, sizeof(key));
		if (slot[0] == SLOT_KEY)
			make_slot(slot, SLOT_KEY, i, key);
	}
}

static void look(struct case_keys *k, uint32_t slots)
{
	for (uint32_t i = 0; i < slots; i++) {
		const uint8_t *slot = before + i * SLOT_SIZE;
		uint8_t key[HF_KEY_SIZE] = {0}, good[SLOT_SIZE];
		enum hf_err err = fuzz_case_keys_get(k, i, key);

		MUST(slot[0] != SLOT_DESTROYED || err == HF_ERASED,
		    "a destroyed key is back");
		make_slot(good, SLOT_KEY, i, slot + 8);
		MUST((err == HF_OK) == (memcmp(good, slot, SLOT_SIZE) == 0),
		    "another verdict");
		MUST(err != HF_OK || memcmp(key, slot + 8, sizeof(key)) == 0,
		    "another key");
	}
}

/* The first good slot is handed out, and destroyed for good.  Where there is
 * none, a stock of random keys would be made: no reading of what was there. */
static void take_one(struct case_keys *k)
{
	uint8_t key[HF_KEY_SIZE];
	uint32_t first = 0, slot;

	while (first < k->ready && fuzz_case_keys_get(k, first, key) != HF_OK)
		first++;
	if (first == k->ready)
		return;
	MUST(fuzz_case_keys_new(k, &slot) == HF_OK && slot == first,
	    "another slot than the first good one");
	MUST(fuzz_case_keys_destroy(k, slot) == HF_OK &&
		 fuzz_case_keys_get(k, slot, key) == HF_ERASED,
	    "destroyed, and still there");
	MUST(fuzz_case_keys_sync(k) == HF_OK, "case_keys_sync");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct case_keys k = {.fd = -1, .count = COUNT};
	uint8_t bits;

	fuzz_init();
	fuzz_take(&data, &size, &bits, 1);
	size = size < sizeof(before) ? size : sizeof(before);
	memset(file, 0, sizeof(before));
	if (size > 0)
		memcpy(file, data, size);
	if (bits & 1)
		mend(SLOTS);
	memcpy(before, file, sizeof(before));
	MUST(find_ready(&k) == HF_OK, "find_ready");
	for (uint32_t i = k.ready; i < SLOTS; i++)
		MUST(before[i * SLOT_SIZE] == SLOT_FREE,
		    "a slot that was used is thought free");
	look(&k, SLOTS);
	take_one(&k);
	return 0;
}
