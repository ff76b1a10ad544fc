/* What people read, say and type.  Expected texts are from make-acts.py. */
#include "tests/support/vectors.h"

#include "proto/crypto.h"
#include "proto/ref.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))
#define DAY UINT64_C(86400000)

Test(ref, names_a_case_by_country_day_and_digest)
{
	static const struct {
		const char *country;
		uint64_t ms;
		uint8_t digest[4];
		const char *ref;
	} rows[] = {
	    {"JP", UINT64_C(1795258923250), {0, 0x44, 0x32, 0x14},
		"JP-M9A-012345-R"},
	    {"CZ", 0, {0, 0x44, 0x32, 0x14}, "CZ-000-012345-E"},
	    {"US", 32768 * DAY + 5, {0, 0x44, 0x32, 0x17}, "US-000-012345-Y"},
	    {"EU", 32767 * DAY, {0xff, 0xff, 0xff, 0xff}, "EU-ZZZ-ZZZZZZ-S"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct hf_country c = {{0}};
		struct hf_hash digest = {{0}};
		char ref[HF_REF_MAX], again[HF_REF_MAX];

		memcpy(c.s, rows[i].country, 2);
		memcpy(digest.b, rows[i].digest, 4);
		hf_ref(ref, c, (struct instant){rows[i].ms}, &digest);
		cr_expect_str_eq(ref, rows[i].ref);
		cr_expect_eq(hf_ref_read(again, ref), HF_OK);
		cr_expect_str_eq(again, ref);
	}
}

Test(ref, is_read_as_people_type_it)
{
	static const struct {
		const char *typed, *ref; /* NULL: refused */
	} rows[] = {
	    {"JP-M9A-012345-R", "JP-M9A-012345-R"},
	    {"jp-m9a-012345-r", "JP-M9A-012345-R"},
	    {"jp-m9a-oi2345-r", "JP-M9A-012345-R"},
	    {"JP-M9A-OL2345-R", "JP-M9A-012345-R"},
	    {"CZ-OOo-ol2345-e", "CZ-000-012345-E"},
	    {"JP-M9A-012345-S", NULL},
	    {"JP-M9A-012345", NULL},
	    {"JP-M9A-012345-", NULL},
	    {"JP-M9A-012345-RR", NULL},
	    {"JPM9A012345R", NULL},
	    {"JP M9A 012345 R", NULL},
	    {"JP-M9A-01234U-R", NULL},
	    {"J1-M9A-012345-R", NULL},
	    {"J[-M9A-012345-R", NULL},
	    {"J{-M9A-012345-R", NULL},
	    {"JP-M9A-012345-*", NULL},
	    {"JP-M9A-01\xc3\xa9"
	     "45-R",
		NULL},
	    {"", NULL},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		char ref[HF_REF_MAX] = "unchanged";
		enum hf_err err = hf_ref_read(ref, rows[i].typed);

		cr_expect_eq(err, rows[i].ref != NULL ? HF_OK : HF_RANGE, "%s",
		    rows[i].typed);
		cr_expect_str_eq(ref,
		    rows[i].ref != NULL ? rows[i].ref : "unchanged", "%s",
		    rows[i].typed);
	}
}

/* Any one wrong character is seen, and any two neighbours swapped but for
 * the few pairs that ISO 7064 MOD 37,36 lets through. */
Test(ref, shows_a_slip_of_the_pen)
{
	static const char all[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned swapped = 0, missed = 0;

	for (unsigned day = 0; day < 2000; day += 37) {
		struct hf_country c = {"CZ"};
		struct hf_hash digest = hf_hash(HF_TAG_RAND, &day, sizeof(day));
		char ref[HF_REF_MAX], typed[HF_REF_MAX], out[HF_REF_MAX];

		hf_ref(ref, c, (struct instant){day * DAY}, &digest);
		for (unsigned i = 0; i < 15; i++) {
			for (unsigned k = 0; all[k] != '\0'; k++) {
				memcpy(typed, ref, sizeof(ref));
				typed[i] = all[k];
				if (all[k] != ref[i])
					cr_expect_neq(hf_ref_read(out, typed),
					    HF_OK, "%s for %s", typed, ref);
			}
			memcpy(typed, ref, sizeof(ref));
			if (i < 7 || i > 11 || ref[i] == ref[i + 1])
				continue;
			typed[i] = ref[i + 1];
			typed[i + 1] = ref[i];
			swapped++;
			missed += hf_ref_read(out, typed) == HF_OK;
		}
	}
	cr_expect(missed * 50 < swapped, "%u of %u", missed, swapped);
}

Test(words, are_the_list_of_the_vectors)
{
	json_t *list = vectors_load("words.json");

	cr_assert_eq(json_array_size(list), 256);
	for (size_t i = 0; i < 256; i++)
		cr_expect_str_eq(json_string_value(json_array_get(list, i)),
		    hf_word_list[i]);
	json_decref(list);
}

/* Letters to put in, take out or change to make `b` of `a`. */
static unsigned edits(const char *a, const char *b)
{
	unsigned row[16], diagonal, above;

	for (unsigned k = 0; k <= strlen(b); k++)
		row[k] = k;
	for (unsigned i = 0; a[i] != '\0'; i++) {
		diagonal = row[0]++;
		for (unsigned k = 0; b[k] != '\0'; k++) {
			unsigned best = diagonal + (a[i] != b[k]);

			above = row[k + 1];
			best = best < above + 1 ? best : above + 1;
			best = best < row[k] + 1 ? best : row[k] + 1;
			diagonal = above;
			row[k + 1] = best;
		}
	}
	return row[strlen(b)];
}

Test(words, are_short_and_told_apart)
{
	for (unsigned i = 0; i < 256; i++) {
		const char *a = hf_word_list[i];
		size_t size = strlen(a);

		cr_expect(size >= 3 && size <= 8, "%s", a);
		cr_expect_eq(strspn(a, "abcdefghijklmnopqrstuvwxyz"), size);
		for (unsigned k = 0; k < i; k++) {
			const char *b = hf_word_list[k];

			cr_expect(strcmp(b, a) < 0, "%s, %s", b, a);
			cr_expect(edits(a, b) >= 2, "%s, %s", b, a);
			if (size > 4 && strlen(b) > 4)
				cr_expect_str_neq(a + size - 4,
				    b + strlen(b) - 4, "%s rhymes with %s", b,
				    a);
		}
	}
}

Test(words, are_no_more_than_a_digest_gives)
{
	char all[1024], more[1024];

	cr_assert_eq(hf_crypto_init(), HF_OK);
	hf_words(all, sizeof(all), "x", 1, HF_HASH_SIZE);
	hf_words(more, sizeof(more), "x", 1, HF_HASH_SIZE + 8);
	cr_expect_str_eq(more, all);
}

Test(words, are_spoken_for_a_key)
{
	char out[12 * 9], small[12];
	struct hf_key key;

	for (unsigned i = 0; i < sizeof(key.b); i++)
		key.b[i] = (uint8_t)i;
	hf_key_words(out, sizeof(out), &key);
	cr_expect_str_eq(out,
	    "jasmine panda walrus ivory avocado cavern uniform blossom "
	    "lantern carpet parrot blanket");
	hf_words(out, sizeof(out), &key, sizeof(key), 2);
	cr_expect_str_eq(out, "jasmine panda");
	hf_words(small, sizeof(small), &key, sizeof(key), 2);
	cr_expect_str_eq(small, "jasmine ", "what does not fit is left out");
}

static const char *const keylines[] = {
    [HF_KEY_OFFICER] = "hfo1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh94lUCl",
    [HF_KEY_TRANSPORT] =
	"hft1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8yosrR",
    [HF_KEY_UNWRAP] = "hfu1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8E0ZtS",
    [HF_KEY_SEALING] = "hfs1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_WqRm2",
    [HF_KEY_BROKER] = "hfb1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-UM0AI",
    [HF_KEY_LEDGER] = "hfl1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-YvewO",
    [HF_KEY_REGISTRAR] =
	"hfg1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9mJQBi",
    [HF_KEY_ROOT] = "hfr1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh85rIW_",
};

Test(keyline, names_a_key_and_its_type)
{
	struct hf_key key, back;

	for (unsigned i = 0; i < sizeof(key.b); i++)
		key.b[i] = (uint8_t)i;
	for (unsigned t = 0; t < ROWS(keylines); t++) {
		char line[HF_KEYLINE_MAX];

		hf_keyline(line, (enum hf_key_type)t, &key);
		cr_expect_str_eq(line, keylines[t]);
		for (unsigned as = 0; as < ROWS(keylines); as++) {
			memset(&back, 0, sizeof(back));
			cr_expect_eq(
			    hf_keyline_read(&back, (enum hf_key_type)as, line),
			    as == t ? HF_OK : HF_TYPE);
			cr_expect_eq(
			    memcmp(&back, &key, sizeof(key)) == 0, as == t);
		}
	}
}

Test(keyline, is_refused_with_any_character_wrong)
{
	const char *line = keylines[HF_KEY_OFFICER];
	static const char *const bad[] = {"", "hfo1", "hfo1:", "hfo1:AAEC",
	    "hfo1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh94lUCl",
	    "hfo1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh94lUClAA",
	    "hfo1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh94lUCl=",
	    "hfo1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh94lUC"};
	struct hf_key key;
	char typed[HF_KEYLINE_MAX];

	for (size_t i = 0; i < ROWS(bad); i++)
		cr_expect_eq(hf_keyline_read(&key, HF_KEY_OFFICER, bad[i]),
		    HF_RANGE, "%s", bad[i]);
	for (size_t i = 5; line[i] != '\0'; i++) {
		for (int c = '!'; c <= '~'; c++) {
			memcpy(typed, line, strlen(line) + 1);
			typed[i] = (char)c;
			if (c != line[i])
				cr_expect_eq(hf_keyline_read(
						 &key, HF_KEY_OFFICER, typed),
				    HF_RANGE, "%s", typed);
		}
	}
	memcpy(typed, line, strlen(line) + 1);
	typed[3] = '2';
	cr_expect_eq(hf_keyline_read(&key, HF_KEY_OFFICER, typed), HF_TYPE);
}
