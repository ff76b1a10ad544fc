/* More rows than memory holds, in the order of their keys. */
#include "client/spill.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS 20000u /* several transactions */

static unsigned files_in(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	cr_assert_not_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static struct hf_bytes be(uint8_t out[4], uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> (24 - 8 * i));
	return (struct hf_bytes){out, 4};
}

Test(spill, gives_back_in_order_what_came_in_any_and_leaves_nothing)
{
	char dir[] = "/tmp/hf-spill-XXXXXX";
	struct hf_bytes key, value;
	struct spill *s;
	uint8_t k[4], v[4];

	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(spill_new(&s, dir, UINT64_C(64) << 20), HF_OK);
	cr_assert_eq(files_in(dir), 0, "whatever ends the process");
	for (uint32_t i = 0; i < ROWS; i++) {
		uint32_t n = i * 7919 % ROWS; /* each once */

		cr_assert_eq(spill_put(s, be(k, n), be(v, i)), HF_OK);
	}
	for (uint32_t i = 0; i < ROWS; i++) {
		cr_assert_eq(spill_next(s, &key, &value), HF_OK);
		cr_assert_eq(key.size, 4);
		cr_assert_eq(memcmp(key.data, be(k, i).data, 4), 0);
		cr_assert_eq(value.size, 4);
	}
	cr_assert_eq(spill_next(s, &key, &value), HF_NOTFOUND);
	spill_free(s);
	cr_assert_eq(files_in(dir), 0);
	cr_assert_eq(rmdir(dir), 0);
}

Test(spill, says_when_there_is_no_room)
{
	char dir[] = "/tmp/hf-spill-XXXXXX";
	uint8_t k[4], big[256] = {0};
	enum hf_err err = HF_OK;
	struct spill *s;

	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(spill_new(&s, dir, UINT64_C(1) << 20), HF_OK);
	for (uint32_t i = 0; err == HF_OK && i < 100000; i++)
		err =
		    spill_put(s, be(k, i), (struct hf_bytes){big, sizeof(big)});
	cr_assert_eq(err, HF_FULL);
	spill_free(s);
	cr_assert_eq(files_in(dir), 0);
	cr_assert_eq(rmdir(dir), 0);
}

/* An archive that cannot be written to is audited all the same. */
Test(spill, goes_elsewhere_when_the_folder_is_closed)
{
	struct hf_bytes key, value;
	struct spill *s;

	cr_assert_eq(
	    spill_new(&s, "/nowhere/at/all", UINT64_C(1) << 20), HF_OK);
	cr_assert_eq(spill_next(s, &key, &value), HF_NOTFOUND);
	spill_free(s);
	cr_assert_eq(setenv("TMPDIR", "/nowhere/at/all", 1), 0);
	cr_assert_eq(
	    spill_new(&s, "/nowhere/at/all", UINT64_C(1) << 20), HF_FILE);
}
