/* Every rule of SPEC 1, on bytes. */
#include "tests/proto/chance.h"

#include "proto/pack.h"
#include "proto/wire.h"

#include <criterion/criterion.h>
#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))
#define BYTES(...) {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static enum hf_err any(const void *data, size_t size)
{
	struct wire w;
	struct hf_bytes raw;

	wire_init(&w, data, size);
	raw = wire_skip(&w);
	if (w.err == HF_OK)
		cr_assert_eq(raw.data, data);
	return wire_finish(&w);
}

Test(wire, takes_one_canonical_value_only)
{
	static const struct {
		const char *what;
		uint8_t bytes[24];
		size_t size;
		enum hf_err err;
	} rows[] = {
	    {"0", BYTES(0x00), HF_OK},
	    {"127", BYTES(0x7f), HF_OK},
	    {"128", BYTES(0xcc, 0x80), HF_OK},
	    {"127 in uint 8", BYTES(0xcc, 0x7f), HF_NOT_SHORTEST},
	    {"255 in uint 16", BYTES(0xcd, 0x00, 0xff), HF_NOT_SHORTEST},
	    {"256", BYTES(0xcd, 0x01, 0x00), HF_OK},
	    {"65535 in uint 32", BYTES(0xce, 0, 0, 0xff, 0xff),
		HF_NOT_SHORTEST},
	    {"65536", BYTES(0xce, 0, 1, 0, 0), HF_OK},
	    {"2^32 - 1 in uint 64",
		BYTES(0xcf, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff),
		HF_NOT_SHORTEST},
	    {"2^32", BYTES(0xcf, 0, 0, 0, 1, 0, 0, 0, 0), HF_OK},
	    {"-1", BYTES(0xff), HF_OK},
	    {"-32", BYTES(0xe0), HF_OK},
	    {"-32 in int 8", BYTES(0xd0, 0xe0), HF_NOT_SHORTEST},
	    {"-33", BYTES(0xd0, 0xdf), HF_OK},
	    {"5 in int 8", BYTES(0xd0, 0x05), HF_NOT_SHORTEST},
	    {"-128 in int 16", BYTES(0xd1, 0xff, 0x80), HF_NOT_SHORTEST},
	    {"-129", BYTES(0xd1, 0xff, 0x7f), HF_OK},
	    {"300 in int 16", BYTES(0xd1, 0x01, 0x2c), HF_NOT_SHORTEST},
	    {"-32768 in int 32", BYTES(0xd2, 0xff, 0xff, 0x80, 0),
		HF_NOT_SHORTEST},
	    {"-32769", BYTES(0xd2, 0xff, 0xff, 0x7f, 0xff), HF_OK},
	    {"-2^31 in int 64",
		BYTES(0xd3, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0),
		HF_NOT_SHORTEST},
	    {"-2^63", BYTES(0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0), HF_OK},
	    {"nil", BYTES(0xc0), HF_OK},
	    {"false", BYTES(0xc2), HF_OK},
	    {"true", BYTES(0xc3), HF_OK},
	    {"the unused byte", BYTES(0xc1), HF_TYPE},
	    {"float 32", BYTES(0xca, 0, 0, 0, 0), HF_TYPE},
	    {"float 64", BYTES(0xcb, 0, 0, 0, 0, 0, 0, 0, 0), HF_TYPE},
	    {"ext 8", BYTES(0xc7, 0x00, 0x01), HF_TYPE},
	    {"ext 16", BYTES(0xc8, 0x00, 0x00, 0x01), HF_TYPE},
	    {"ext 32", BYTES(0xc9, 0, 0, 0, 0, 1), HF_TYPE},
	    {"fixext 1", BYTES(0xd4, 1, 0), HF_TYPE},
	    {"a time of 4 bytes", BYTES(0xd6, 0xff, 0, 0, 0, 0), HF_TYPE},
	    {"fixext 16", BYTES(0xd8, 1, 0), HF_TYPE},
	    {"empty bin", BYTES(0xc4, 0x00), HF_OK},
	    {"bin of two", BYTES(0xc4, 0x02, 0xc1, 0xca), HF_OK},
	    {"short bin in bin 16", BYTES(0xc5, 0, 1, 0), HF_NOT_SHORTEST},
	    {"short bin in bin 32", BYTES(0xc6, 0, 0, 0, 1, 0),
		HF_NOT_SHORTEST},
	    {"a bin that is cut", BYTES(0xc4, 0x02, 0x00), HF_TRUNCATED},
	    {"a bin of 4 GiB", BYTES(0xc6, 0xff, 0xff, 0xff, 0xff, 0),
		HF_TRUNCATED},
	    {"empty str", BYTES(0xa0), HF_OK},
	    {"str", BYTES(0xa3, 'a', '\t', '\n'), HF_OK},
	    {"short str in str 8", BYTES(0xd9, 1, 'a'), HF_NOT_SHORTEST},
	    {"short str in str 16", BYTES(0xda, 0, 1, 'a'), HF_NOT_SHORTEST},
	    {"short str in str 32", BYTES(0xdb, 0, 0, 0, 1, 'a'),
		HF_NOT_SHORTEST},
	    {"a str that is cut", BYTES(0xa2, 'a'), HF_TRUNCATED},
	    {"str with a bell", BYTES(0xa1, 0x07), HF_UTF8},
	    {"str in Latin-1", BYTES(0xa2, 0xe9, 'a'), HF_UTF8},
	    {"empty array", BYTES(0x90), HF_OK},
	    {"array", BYTES(0x92, 0x01, 0xc0), HF_OK},
	    {"short array in array 16", BYTES(0xdc, 0, 1, 0), HF_NOT_SHORTEST},
	    {"short array in array 32", BYTES(0xdd, 0, 0, 0, 1, 0),
		HF_NOT_SHORTEST},
	    {"an array that is cut", BYTES(0x92, 0x01), HF_TRUNCATED},
	    {"an array of 2^32 - 1", BYTES(0xdd, 0xff, 0xff, 0xff, 0xff),
		HF_TOO_MANY},
	    {"empty map", BYTES(0x80), HF_OK},
	    {"map to its last key", BYTES(0x82, 0, 0xc0, 0x7f, 0xc0), HF_OK},
	    {"key 128", BYTES(0x81, 0xcc, 0x80, 0xc0), HF_RANGE},
	    {"key -1", BYTES(0x81, 0xff, 0xc0), HF_TYPE},
	    {"a key of text", BYTES(0x81, 0xa1, 'a', 0xc0), HF_TYPE},
	    {"a key of nil", BYTES(0x81, 0xc0, 0xc0), HF_TYPE},
	    {"a key not shortest", BYTES(0x81, 0xcc, 1, 0xc0), HF_NOT_SHORTEST},
	    {"a key twice", BYTES(0x82, 1, 0, 1, 0), HF_KEY_ORDER},
	    {"keys descending", BYTES(0x82, 2, 0, 1, 0), HF_KEY_ORDER},
	    {"a key without value", BYTES(0x81, 1), HF_TRUNCATED},
	    {"short map in map 16", BYTES(0xde, 0, 1, 0, 0), HF_NOT_SHORTEST},
	    {"short map in map 32", BYTES(0xdf, 0, 0, 0, 1, 0, 0),
		HF_NOT_SHORTEST},
	    {"inner keys begin anew", BYTES(0x81, 5, 0x81, 1, 0), HF_OK},
	    {"four deep", BYTES(0x91, 0x91, 0x81, 0, 0x90), HF_OK},
	    {"five deep", BYTES(0x91, 0x91, 0x81, 0, 0x91, 0x90), HF_DEPTH},
	    {"a byte behind", BYTES(0xc0, 0xc0), HF_TRAILING},
	    {"a byte behind an array", BYTES(0x91, 0x01, 0x02), HF_TRAILING},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		cr_expect_eq(any(rows[i].bytes, rows[i].size), rows[i].err,
		    "%s: %s", rows[i].what,
		    hf_err_text(any(rows[i].bytes, rows[i].size)));
	cr_expect_eq(any(NULL, 0), HF_TRUNCATED);
}

/* One value by a head of `width` bytes that counts `count` bytes, members or
 * pairs; what follows is of one byte each. */
static enum hf_err counted(uint8_t first, unsigned width, unsigned count)
{
	static uint8_t in[70000];
	size_t size = 1;

	in[0] = first;
	for (unsigned i = 0; i < width; i++)
		in[size++] = (uint8_t)(count >> 8 * (width - 1 - i));
	for (unsigned i = 0; i < count; i++) {
		bool map = first >= 0xde;

		if (map)
			in[size++] = (uint8_t)i;
		in[size++] = map ? 0xc0 : 'a';
	}
	return any(in, size);
}

Test(wire, wants_the_shortest_form_of_every_count)
{
	static const struct {
		uint8_t first;
		unsigned width, least;
	} rows[] = {
	    {0xc5, 2, 0x100},
	    {0xc6, 4, 0x10000},
	    {0xd9, 1, 32},
	    {0xda, 2, 0x100},
	    {0xdc, 2, 16},
	    {0xde, 2, 16},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t first = rows[i].first;

		cr_expect_eq(counted(first, rows[i].width, rows[i].least),
		    HF_OK, "%02x", first);
		cr_expect_eq(counted(first, rows[i].width, rows[i].least - 1),
		    HF_NOT_SHORTEST, "%02x", first);
	}
}

/* Arrays of `each` nils, within one array. */
static enum hf_err many(unsigned arrays, unsigned each)
{
	static uint8_t out[4096];
	struct pack p;
	size_t size;

	pack_init(&p, out, sizeof(out));
	pack_array(&p, arrays);
	for (unsigned i = 0; i < arrays; i++) {
		pack_array(&p, each);
		for (unsigned k = 0; k < each; k++)
			pack_nil(&p);
	}
	cr_assert_eq(pack_finish(&p, &size), HF_OK);
	return any(out, size);
}

static enum hf_err map_of(unsigned count)
{
	uint8_t out[512];
	struct pack p;
	size_t size;

	pack_init(&p, out, sizeof(out));
	pack_map(&p, count);
	for (unsigned i = 0; i < count; i++) {
		pack_uint(&p, i);
		pack_nil(&p);
	}
	cr_assert_eq(pack_finish(&p, &size), HF_OK);
	return any(out, size);
}

static enum hf_err text_of(size_t count)
{
	static char text[HF_TEXT_MAX + 1];
	static uint8_t out[HF_TEXT_MAX + 8];
	struct pack p;
	size_t size;

	memset(text, 'x', sizeof(text));
	pack_init(&p, out, sizeof(out));
	pack_str(&p, text, count);
	cr_assert_eq(pack_finish(&p, &size), HF_OK);
	return any(out, size);
}

Test(wire, bounds_every_count)
{
	cr_expect_eq(many(1, 256), HF_OK);
	cr_expect_eq(many(1, 257), HF_TOO_MANY);
	cr_expect_eq(many(3, 256), HF_OK);
	/* 1 + 11 * 93 = 1,024 values, one more is too many */
	cr_expect_eq(many(11, 92), HF_OK);
	cr_expect_eq(many(8, 127), HF_TOO_MANY);
	cr_expect_eq(many(4, 256), HF_TOO_MANY);
	cr_expect_eq(map_of(64), HF_OK);
	cr_expect_eq(map_of(65), HF_TOO_MANY);
	cr_expect_eq(text_of(HF_TEXT_MAX), HF_OK);
	cr_expect_eq(text_of(HF_TEXT_MAX + 1), HF_TOO_BIG);
}

static size_t encode_utf8(uint32_t c, uint8_t out[4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

static bool allowed(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} not [] = {{0, 8}, {0x0b, 0x1f}, {0x7f, 0x9f}, {0xd800, 0xdfff},
	    {0x202a, 0x202e}, {0x2066, 0x2069}, {0x110000, UINT32_MAX}};

	for (size_t i = 0; i < ROWS(not ); i++)
		if (c >= not [i].from && c <= not [i].to)
			return false;
	return true;
}

Test(wire, takes_text_of_allowed_characters_only)
{
	static const struct {
		const char *what;
		uint8_t bytes[8];
		size_t size;
	} bad[] = {
	    {"overlong A", BYTES(0xc1, 0x81)},
	    {"overlong NUL", BYTES(0xc0, 0x80)},
	    {"overlong in three", BYTES(0xe0, 0x9f, 0xbf)},
	    {"overlong in four", BYTES(0xf0, 0x8f, 0xbf, 0xbf)},
	    {"five bytes", BYTES(0xf8, 0x88, 0x80, 0x80, 0x80)},
	    {"0xff", BYTES(0xff)},
	    {"a lone continuation", BYTES('a', 0x80)},
	    {"two of three", BYTES(0xe2, 0x82)},
	    {"two of three, then more", BYTES(0xe2, 0x82, 'a')},
	    {"a pair of surrogates", BYTES(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)},
	};
	uint8_t text[4];

	for (uint32_t c = 0; c < 0x1fffff; c++) {
		size_t size = encode_utf8(c, text);

		if (wire_utf8_ok(text, size) != allowed(c))
			cr_expect(false, "U+%04X", c);
		if (size > 1 && wire_utf8_ok(text, size - 1))
			cr_expect(false, "U+%04X cut", c);
	}
	for (size_t i = 0; i < ROWS(bad); i++)
		cr_expect(!wire_utf8_ok(bad[i].bytes, bad[i].size), "%s",
		    bad[i].what);
	cr_expect(wire_utf8_ok(NULL, 0));
}

Test(wire, keeps_the_first_error)
{
	static const uint8_t frame[] = {0x93, 0x05, 0xa1, 'x', 0x07};
	struct wire w;

	wire_init(&w, frame, sizeof(frame));
	cr_assert_eq(wire_array(&w, 3, 3), 3);
	cr_assert_eq(wire_uint(&w, 4), 0);
	cr_assert_eq(w.err, HF_RANGE);
	wire_fail(&w, HF_TYPE);
	cr_expect_eq(wire_str(&w, 0, 9).size, 0);
	cr_expect_eq(wire_uint(&w, 9), 0);
	cr_expect_eq(wire_skip(&w).size, 0);
	cr_expect_eq(wire_key(&w), -1);
	cr_expect_eq(wire_peek(&w), WIRE_BAD);
	wire_close(&w);
	cr_expect_eq(wire_finish(&w), HF_RANGE);
}

/* Calls that do not fit what is there. */
Test(wire, refuses_what_was_not_asked_for)
{
	static const uint8_t two[] = {0x92, 0x01, 0x02};
	static const uint8_t pair[] = {0x81, 0x01, 0x02};
	struct wire w;

	wire_init(&w, two, sizeof(two)); /* a member left */
	wire_array(&w, 0, 9);
	wire_uint(&w, 9);
	wire_close(&w);
	cr_expect_eq(wire_finish(&w), HF_TOO_MANY);

	wire_init(&w, two, sizeof(two)); /* a member too many */
	wire_array(&w, 0, 9);
	for (int i = 0; i < 3; i++)
		wire_uint(&w, 9);
	cr_expect_eq(wire_finish(&w), HF_TRUNCATED);

	wire_init(&w, two, sizeof(two)); /* not closed */
	wire_array(&w, 0, 9);
	wire_uint(&w, 9);
	wire_uint(&w, 9);
	cr_expect_eq(wire_peek(&w), WIRE_END);
	cr_expect_eq(wire_finish(&w), HF_TRUNCATED);

	wire_init(&w, two, sizeof(two));
	wire_array(&w, 3, 9);
	cr_expect_eq(wire_finish(&w), HF_RANGE);
	wire_init(&w, two, sizeof(two));
	wire_array(&w, 0, 1);
	cr_expect_eq(wire_finish(&w), HF_TOO_MANY);
	wire_init(&w, two, sizeof(two));
	wire_map(&w, 9);
	cr_expect_eq(wire_finish(&w), HF_TYPE);

	wire_init(&w, pair, sizeof(pair)); /* a value without its key */
	wire_map(&w, 9);
	wire_uint(&w, 9);
	cr_expect_neq(wire_finish(&w), HF_OK);
	wire_init(&w, pair, sizeof(pair)); /* a key without its value */
	wire_map(&w, 9);
	cr_expect_eq(wire_key(&w), 1);
	cr_expect_eq(wire_key(&w), -1);
	wire_close(&w);
	cr_expect_eq(wire_finish(&w), HF_TOO_MANY);
}

static enum hf_err int_between(int64_t v, int64_t min, int64_t max)
{
	uint8_t out[16];
	struct pack p;
	struct wire w;
	int64_t got;

	pack_init(&p, out, sizeof(out));
	pack_int(&p, v);
	wire_init(&w, out, p.at);
	got = wire_int(&w, min, max);
	cr_expect_eq(got, w.err == HF_OK ? v : 0);
	return wire_finish(&w);
}

Test(wire, holds_typed_values_to_their_range)
{
	static const uint8_t big[] = {
	    0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0}; /* 2^63 */
	static const uint8_t late[] = {0xcf, 0, 1, 0, 0, 0, 0, 0, 0};
	static const uint8_t last[] = {
	    0xcf, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t three[] = {0xc4, 3, 1, 2, 3};
	uint8_t copy[4];
	struct wire w;

	cr_expect_eq(int_between(-840, -840, 840), HF_OK);
	cr_expect_eq(int_between(-841, -840, 840), HF_RANGE);
	cr_expect_eq(int_between(841, -840, 840), HF_RANGE);
	cr_expect_eq(int_between(INT64_MIN, INT64_MIN, 0), HF_OK);
	cr_expect_eq(int_between(INT64_MAX, 0, INT64_MAX), HF_OK);
	wire_init(&w, big, sizeof(big));
	wire_int(&w, INT64_MIN, INT64_MAX);
	cr_expect_eq(wire_finish(&w), HF_RANGE);
	wire_init(&w, late, sizeof(late));
	cr_expect_eq(wire_time(&w).ms, 0);
	cr_expect_eq(wire_finish(&w), HF_RANGE);
	wire_init(&w, last, sizeof(last));
	cr_expect_eq(wire_time(&w).ms, HF_TIME_LIMIT - 1);
	cr_expect_eq(wire_finish(&w), HF_OK);

	wire_init(&w, three, sizeof(three));
	wire_bin_copy(&w, copy, 3);
	cr_expect_eq(wire_finish(&w), HF_OK);
	cr_expect_arr_eq(copy, three + 2, 3);
	wire_init(&w, three, sizeof(three));
	wire_bin_copy(&w, copy, 4);
	cr_expect_eq(wire_finish(&w), HF_RANGE);
	cr_expect_arr_eq(copy, "\0\0\0\0", 4);
	wire_init(&w, three, sizeof(three));
	wire_bin_copy(&w, copy, 2);
	cr_expect_eq(wire_finish(&w), HF_TOO_BIG);
}

Test(wire, knows_desks_and_countries)
{
	static const struct {
		const char *text;
		bool ok;
	} desks[] = {{"jp.ncp", true}, {"cz.a", true}, {"cz.a-1", true},
	    {"jp.abcdefghijklmnopqrstuvwx", true},
	    {"jp.abcdefghijklmnopqrstuvwxy", false}, {"jp.", false},
	    {"jp.1", false}, {"jp.-a", false}, {"JP.ncp", false},
	    {"jp.Ncp", false}, {"j.ncp", false}, {"jpn.ncp", false},
	    {"jp_ncp", false}, {"{p.ncp", false}, {"j{.ncp", false},
	    {"jp.{cp", false}, {"jp.n{p", false}, {"jp.n p", false},
	    {"jp.n.p", false}, {"", false}},
	  countries[] = {{"JP", true}, {"ZZ", true}, {"jp", false},
	      {"J", false}, {"JPN", false}, {"J1", false}, {"", false}};
	struct hf_desk desk = {"cz.ncp"};

	for (size_t i = 0; i < ROWS(desks); i++)
		cr_expect_eq(hf_desk_ok(desks[i].text, strlen(desks[i].text)),
		    desks[i].ok, "%s", desks[i].text);
	for (size_t i = 0; i < ROWS(countries); i++)
		cr_expect_eq(
		    hf_country_ok(countries[i].text, strlen(countries[i].text)),
		    countries[i].ok, "%s", countries[i].text);
	cr_expect_str_eq(hf_desk_country(&desk).s, "CZ");
}

/* What is taken is exactly what pack writes for the same number or head. */
Test(wire, survives_all_inputs_of_two_bytes)
{
	unsigned taken = 0;
	uint8_t in[2], out[16];

	for (unsigned v = 0; v < 0x10000; v++) {
		struct wire w;
		struct pack p;

		in[0] = (uint8_t)(v >> 8);
		in[1] = (uint8_t)v;
		any(in, 1);
		taken += any(in, 2) == HF_OK;
		wire_init(&w, in, 2);
		pack_init(&p, out, sizeof(out));
		switch (wire_peek(&w)) {
		case WIRE_UINT:
			pack_uint(&p, wire_uint(&w, UINT64_MAX));
			break;
		case WIRE_INT:
			pack_int(&p, wire_int(&w, INT64_MIN, 0));
			break;
		default:
			continue;
		}
		cr_assert_eq(w.err, HF_OK);
		cr_expect(
		    p.at == w.at && memcmp(in, out, p.at) == 0, "%04x", v);
	}
	/* uint 8: 128; int 8: 96; bin 8 of none: 1; str of one: 127 less the
	 * 30 controls; array of one scalar or empty container: 128 small, 32
	 * negative, nil, two bools, 3 empty containers */
	cr_expect_eq(taken, 128 + 96 + 1 + 97 + 128 + 32 + 3 + 3, "%u", taken);
}

/* A random tree of at most four levels; its values are counted. */
static void grow(struct chance *c, struct pack *p, unsigned depth)
{
	unsigned shape =
	    (unsigned)chance_below(c, depth < HF_DEPTH_MAX ? 9 : 7);
	uint64_t number = chance_next(c) >> chance_below(c, 64);
	unsigned count = (unsigned)chance_below(c, depth == 0 ? 20 : 4);
	char text[40];

	switch (shape) {
	case 0:
		pack_uint(p, number);
		break;
	case 1:
		pack_int(p, -(int64_t)(number >> 1));
		break;
	case 2:
		pack_bool(p, number & 1);
		break;
	case 3:
		pack_nil(p);
		break;
	case 4:
		chance_fill(c, text, sizeof(text));
		pack_bin(p, text, number % sizeof(text));
		break;
	case 5:
	case 6:
		memset(text, 'a' + (int)(number % 26), sizeof(text));
		pack_str(p, text, number % sizeof(text));
		break;
	case 7:
		pack_array(p, count);
		for (unsigned i = 0; i < count; i++)
			grow(c, p, depth + 1);
		break;
	default:
		pack_map(p, count);
		for (unsigned i = 0; i < count; i++) {
			pack_uint(p, i * 6 + chance_below(c, 6));
			grow(c, p, depth + 1);
		}
	}
}

Test(wire, reads_all_that_pack_writes_and_no_part_of_it)
{
	static uint8_t out[32768];

	for (uint64_t seed = 0; seed < 2000; seed++) {
		struct chance c = {seed};
		struct pack p;
		size_t size;
		enum hf_err err;

		pack_init(&p, out, sizeof(out) - 1);
		grow(&c, &p, 0);
		cr_assert_eq(pack_finish(&p, &size), HF_OK, "seed %lu",
		    (unsigned long)seed);
		err = any(out, size);
		cr_assert(err == HF_OK, "seed %lu: %s", (unsigned long)seed,
		    hf_err_text(err));
		for (size_t n = 0; n < size && n < 300; n++)
			cr_assert_eq(any(out, n), HF_TRUNCATED,
			    "seed %lu cut to %zu", (unsigned long)seed, n);
		out[size] = 0;
		cr_assert_eq(any(out, size + 1), HF_TRAILING, "seed %lu",
		    (unsigned long)seed);
		/* what a flipped bit makes of it is read or refused */
		for (int k = 0; k < 64; k++) {
			size_t at = chance_below(&c, size);
			uint8_t bit = (uint8_t)(1u << chance_below(&c, 8));

			out[at] ^= bit;
			any(out, size);
			out[at] ^= bit;
		}
	}
}

Test(pack, stops_at_the_capacity)
{
	uint8_t out[8] = {0};
	struct pack p;
	size_t size;

	pack_init(&p, out, 4);
	pack_bin(&p, "ab", 2);
	cr_expect_eq(pack_finish(&p, &size), HF_OK);
	cr_expect_eq(size, 4);
	pack_nil(&p);
	cr_expect_eq(pack_finish(&p, &size), HF_TOO_BIG);
	cr_expect_eq(out[4], 0);
	pack_init(&p, out, 4); /* the first error stays */
	pack_bin(&p, "abcdef", 6);
	pack_nil(&p);
	pack_raw(&p, (struct hf_bytes){out, 1});
	cr_expect_eq(pack_finish(&p, &size), HF_TOO_BIG);
}

/* ASCII is looked at eight bytes at a time. */
Test(wire, each_ascii_byte_counts_wherever_it_stands)
{
	for (unsigned at = 0; at < 19; at++)
		for (unsigned c = 0; c < 256; c++) {
			uint8_t text[20];
			bool good =
			    (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\n';

			memset(text, 'a' + (int)at, sizeof(text));
			text[at] = (uint8_t)c;
			cr_assert_eq(wire_utf8_ok(text, sizeof(text)), good,
			    "0x%02x at %u", c, at);
		}
}

Test(wire, tells_the_end_of_what_it_is_in)
{
	static const uint8_t bytes[] = {0x93, 0x91, 0x01, 0x81, 0x02, 0x03, 4};
	struct wire w;

	wire_init(&w, bytes, sizeof(bytes));
	wire_array(&w, 3, 3);
	wire_array(&w, 1, 1);
	cr_expect_eq(wire_peek(&w), WIRE_UINT);
	(void)wire_uint(&w, 9);
	cr_expect_eq(wire_peek(&w), WIRE_END, "though bytes follow");
	wire_close(&w);
	wire_map(&w, 1);
	cr_expect_eq(wire_key(&w), 2);
	cr_expect_eq(wire_peek(&w), WIRE_UINT, "the last value of a map");
	cr_expect_eq(wire_uint(&w, 9), 3);
	cr_expect_eq(wire_peek(&w), WIRE_END);
	cr_expect_eq(wire_key(&w), -1);
	wire_close(&w);
	cr_expect_eq(wire_key(&w), -1, "in an array");
	(void)wire_uint(&w, 9);
	wire_close(&w);
	cr_expect_eq(wire_key(&w), -1, "in nothing");
	cr_expect_eq(wire_finish(&w), HF_OK);
	wire_close(&w);
	cr_expect_eq(w.err, HF_TOO_MANY, "closed once too often");
}

Test(wire, counts_every_value_of_a_frame)
{
	uint8_t bytes[4 * 260];
	struct wire w;
	size_t at = 0;
	unsigned values = 0;

	for (unsigned i = 0; i < 4; i++) {
		bytes[at++] = 0xdc; /* array 16 of 255 negative numbers */
		bytes[at++] = 0;
		bytes[at++] = 255;
		memset(bytes + at, 0xff, 255);
		at += 255;
	}
	memset(bytes + at, 0xff, sizeof(bytes) - at);
	wire_init(&w, bytes, sizeof(bytes));
	for (unsigned i = 0; i < 4; i++) {
		wire_array(&w, 255, 255);
		for (unsigned k = 0; k < 255; k++)
			cr_assert_eq(wire_int(&w, -1, 0), -1);
		wire_close(&w);
		values += 256;
	}
	cr_assert_eq(values, HF_VALUES_MAX);
	cr_expect_eq(wire_int(&w, -1, 0), 0);
	cr_expect_eq(w.err, HF_TOO_MANY);
}
