/*
 * tar: what we write any program unpacks; what we read is only what we write.
 */
#include "client/tar.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512u
#define HEADERS 3u

static struct tar tar;
static uint8_t *file;
static size_t size;
/* where the contents of the three members begin, and how long they are */
static const size_t content_at[HEADERS] = {BLOCK, 3 * BLOCK, 4 * BLOCK};
static const size_t content_size[HEADERS] = {3, 0, 700};

static void set_up(void)
{
	uint8_t big[700];

	memset(big, 'x', sizeof(big));
	memset(&tar, 0, sizeof(tar));
	cr_assert_eq(tar_add(&tar, "README.txt", "abc", 3), HF_OK);
	cr_assert_eq(tar_add(&tar, "acts/0-1", "", 0), HF_OK);
	cr_assert_eq(tar_add(&tar, "acts/1-12", big, sizeof(big)), HF_OK);
	cr_assert_eq(tar_write(&tar, &file, &size), HF_OK);
	cr_assert_eq(size, 2 * BLOCK + BLOCK + 3 * BLOCK + 2 * BLOCK);
}

static void tear_down(void)
{
	tar_release(&tar);
	free(file);
}

TestSuite(tar, .init = set_up, .fini = tear_down);

static enum hf_err read_it(const uint8_t *data, size_t n)
{
	struct tar got = {0};
	size_t at;
	enum hf_err err = tar_read(&got, data, n, &at);

	cr_expect_leq(at, n);
	tar_release(&got);
	return err;
}

Test(tar, gives_back_what_it_was_given)
{
	struct tar got = {0};
	size_t at;

	cr_assert_eq(tar_read(&got, file, size, &at), HF_OK);
	cr_assert_eq(got.count, 3);
	cr_expect_str_eq(got.members[2]->name, "acts/1-12");
	cr_expect_eq(tar_find(&got, "README.txt")->content.size, 3);
	cr_expect_arr_eq(tar_find(&got, "README.txt")->content.data, "abc", 3);
	cr_expect_eq(tar_find(&got, "acts/0-1")->content.size, 0);
	cr_expect_eq(tar_find(&got, "acts/1-12")->content.size, 700);
	cr_expect_null(tar_find(&got, "acts/1-1"));
	tar_release(&got);
}

/* No bit but those of the contents may be another. */
Test(tar, has_one_form)
{
	for (size_t i = 0; i < size; i++) {
		bool content = false;

		for (unsigned m = 0; m < HEADERS; m++)
			content |= i >= content_at[m] &&
				   i < content_at[m] + content_size[m];
		for (unsigned bit = 0; bit < 8; bit++) {
			file[i] ^= (uint8_t)(1u << bit);
			if (content)
				cr_expect_eq(read_it(file, size), HF_OK);
			else
				cr_expect_neq(read_it(file, size), HF_OK,
				    "byte %zu, bit %u", i, bit);
			file[i] ^= (uint8_t)(1u << bit);
		}
	}
}

Test(tar, ends_where_it_ends)
{
	uint8_t *more = calloc(1, size + BLOCK);

	cr_assert_not_null(more);
	memcpy(more, file, size);
	for (size_t n = 0; n < size; n++) {
		/* a copy of that size, so that a sanitizer sees one byte */
		uint8_t *cut = malloc(n + 1);

		cr_assert_not_null(cut);
		memcpy(cut, file, n);
		cr_expect_neq(read_it(cut, n), HF_OK, "%zu bytes", n);
		free(cut);
	}
	cr_expect_eq(read_it(more, size + 1), HF_TRAILING);
	cr_expect_eq(read_it(more, size + BLOCK), HF_TRAILING);
	free(more);
}

/* The checksum made good again: a header by somebody who means it. */
static void check_sum(uint8_t *header)
{
	unsigned sum = 0;
	char text[8];

	memset(header + 148, ' ', 8);
	for (unsigned i = 0; i < BLOCK; i++)
		sum += header[i];
	snprintf(text, sizeof(text), "%06o", sum & 0777777u);
	memcpy(header + 148, text, 7);
}

Test(tar, refuses_headers_that_lie)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t size;
		enum hf_err err;
	} lies[] = {
	    {0, "../../etc/x", 12, HF_RANGE},
	    {0, "/etc/passwd", 12, HF_RANGE},
	    {0, "a/../b", 7, HF_RANGE},
	    {0, "a//b", 5, HF_RANGE},
	    {0, "a/", 3, HF_RANGE},
	    {0, ".", 2, HF_RANGE},
	    {0, "", 1, HF_RANGE},
	    {0, "a\nb", 4, HF_RANGE},
	    {0, "a b", 4, HF_RANGE},
	    {0, "\xc3\xa9", 3, HF_RANGE},
	    {0, "acts/0-1", 9, HF_TYPE}, /* the rest of README.txt after it */
	    {100, "0000755", 8, HF_TYPE},
	    {108, "0001750", 8, HF_TYPE},
	    {124, "77777777777", 12, HF_TRUNCATED},
	    {124, "00000100000", 12, HF_TRUNCATED},
	    {124, "-0000000003", 12, HF_TYPE},
	    {124, "\x80\0\0\0\0\0\0\0\0\0\0\x03", 12, HF_TYPE},
	    {136, "00000000001", 12, HF_TYPE}, /* a time */
	    {156, "2", 1, HF_TYPE},            /* a link */
	    {156, "x", 1, HF_TYPE},            /* extended header */
	    {157, "/etc/passwd", 11, HF_TYPE},
	    {257, "ustar ", 6, HF_TYPE}, /* GNU's */
	    {265, "root", 4, HF_TYPE},
	    {345, "prefix", 6, HF_TYPE},
	    {500, "x", 1, HF_TYPE},
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		uint8_t *copy = malloc(size);

		cr_assert_not_null(copy);
		memcpy(copy, file, size);
		memcpy(copy + lies[i].at, lies[i].bytes, lies[i].size);
		check_sum(copy);
		cr_expect_eq(read_it(copy, size), lies[i].err, "lie %zu: %d", i,
		    read_it(copy, size));
		free(copy);
	}
}

Test(tar, has_no_name_twice)
{
	uint8_t *copy = malloc(size + BLOCK);

	cr_assert_not_null(copy);
	cr_expect_eq(tar_add(&tar, "acts/0-1", "x", 1), HF_KEY_ORDER);
	/* the empty member once more */
	memcpy(copy, file, 3 * BLOCK);
	memcpy(copy + 3 * BLOCK, file + 2 * BLOCK, size - 2 * BLOCK);
	cr_expect_eq(read_it(copy, size + BLOCK), HF_KEY_ORDER);
	free(copy);
}

Test(tar, has_bounds)
{
	char name[TAR_NAME_MAX + 2];
	uint8_t *big = calloc(1, TAR_SIZE_MAX);
	enum hf_err err = HF_OK;

	cr_assert_not_null(big);
	memset(name, 'a', sizeof(name));
	name[TAR_NAME_MAX + 1] = '\0';
	cr_expect_eq(tar_add(&tar, name, "", 0), HF_RANGE);
	name[TAR_NAME_MAX] = '\0';
	cr_expect_eq(tar_add(&tar, name, "", 0), HF_OK);
	cr_expect_eq(tar_add(&tar, "big", big, TAR_SIZE_MAX), HF_TOO_BIG);
	cr_expect_eq(
	    tar_add(&tar, "big", big, TAR_SIZE_MAX - BLOCK), HF_TOO_BIG);
	cr_expect_eq(read_it(big, TAR_SIZE_MAX), HF_TRAILING);
	for (unsigned i = tar.count; i < TAR_MEMBERS_MAX && err == HF_OK; i++) {
		snprintf(name, sizeof(name), "m/%u", i);
		err = tar_add(&tar, name, "", 0);
	}
	cr_expect_eq(err, HF_OK);
	cr_expect_eq(tar_add(&tar, "more", "", 0), HF_TOO_MANY);
	free(big);
}

Test(tar, names_go_nowhere_else)
{
	static const char *const bad[] = {"", "/", "/a", "a/", "a//b", "..",
	    "a/..", "../a", "a/.", ".", "...", "a/.../b", "a\\b", "a:b", "a b",
	    "a\tb", "~", "a*"};
	static const char *const good[] = {
	    "a", "a/b", "a/b/c", "acts/0-1", "receipts/0-1.US", "..a", "A_z.9"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_not(tar_name_ok(bad[i]), "%s", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		cr_expect(tar_name_ok(good[i]), "%s", good[i]);
}
