/*
 * The file in which the signer, or a witness, remembers what it signed last:
 * a byte (bit 0: with the right checks), the file.  What is taken is what a
 * good slot says, and what is put is found again.
 */
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

static ssize_t fuzz_pread(int fd, void *out, size_t size, off_t at);
static ssize_t fuzz_pwrite(int fd, const void *data, size_t size, off_t at);
#define pread fuzz_pread
#define pwrite fuzz_pwrite
#define memory_path fuzz_memory_path
#define memory_open fuzz_memory_open
#define memory_close fuzz_memory_close
#define memory_pairs fuzz_memory_pairs
#define memory_get fuzz_memory_get
#define memory_put fuzz_memory_put
#include "broker/signer/memory.c"

#include "tests/fuzz/fuzz.h"

#define PAIRS 3u

static uint8_t file[2 * PAIRS * SLOT];
static size_t file_size;

static ssize_t fuzz_pread(int fd, void *out, size_t size, off_t at)
{
	size_t n = (size_t)at < file_size ? file_size - (size_t)at : 0;

	(void)fd;
	n = n < size ? n : size;
	memcpy(out, file + (n > 0 ? at : 0), n);
	return (ssize_t)n;
}

static ssize_t fuzz_pwrite(int fd, const void *data, size_t size, off_t at)
{
	(void)fd;
	MUST((size_t)at + size <= sizeof(file), "written past the end");
	memcpy(file + at, data, size);
	if (file_size < (size_t)at + size)
		file_size = (size_t)at + size;
	return (ssize_t)size;
}

static void mend(void)
{
	for (size_t at = 0; at + SLOT <= file_size; at += SLOT) {
		struct slot s;

		memcpy(&s, file + at, sizeof(s));
		s.check = checksum(&s);
		memcpy(file + at, &s, sizeof(s));
	}
}

/* A pair that cannot be read has no slot whose check is right. */
static bool has_good(unsigned pair)
{
	bool good = false;

	for (unsigned k = 0; k < 2; k++) {
		size_t at = (size_t)place(pair, k);
		struct slot s;
		struct hf_hash check;

		if (at + SLOT > file_size)
			continue;
		memcpy(&s, file + at, sizeof(s));
		check = checksum(&s);
		good |= s.count < UINT64_MAX &&
			memcmp(s.magic, MAGIC, sizeof(s.magic)) == 0 &&
			s.pair == pair &&
			memchr(s.row.name, 0, sizeof(s.row.name)) != NULL &&
			memcmp(&check, &s.check, sizeof(check)) == 0;
	}
	return good;
}

static void put_and_get(struct memory *m, unsigned pair)
{
	struct memory_row row = {.name = "holdfast/JP/1", .size = 7}, back;
	struct memory again = {.count = PAIRS};
	struct pair pairs[PAIRS] = {{0}};
	bool full = m->pairs[pair].last.count == UINT64_MAX - 1;

	MUST(fuzz_memory_put(m, pair, &row) == (full ? HF_FILE : HF_OK),
	    "memory_put");
	if (full)
		return;
	again.pairs = pairs;
	MUST(load(&again) == HF_OK, "load");
	MUST(fuzz_memory_get(&again, pair, &back) == HF_OK &&
		 memcmp(&row, &back, sizeof(row)) == 0,
	    "what was put is not there after a restart");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair pairs[PAIRS] = {{0}};
	struct memory m = {.fd = -1, .count = PAIRS, .pairs = pairs};
	struct memory_row row;
	uint8_t bits;

	fuzz_init();
	fuzz_take(&data, &size, &bits, 1);
	file_size = size < sizeof(file) ? size : sizeof(file);
	memset(file, 0, sizeof(file));
	if (file_size > 0)
		memcpy(file, data, file_size);
	if (bits & 1)
		mend();
	MUST(load(&m) == HF_OK, "load");
	for (unsigned i = 0; i < PAIRS; i++) {
		enum hf_err err = fuzz_memory_get(&m, i, &row);

		MUST((err == HF_OK) == has_good(i), "another verdict");
		MUST(err != HF_OK ||
			 memchr(row.name, 0, sizeof(row.name)) != NULL,
		    "a name without an end");
	}
	put_and_get(&m, bits >> 1 & 1);
	return 0;
}
