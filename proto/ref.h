/*
 * ref: what people read and say: case references and words (SPEC 2.4, 3.9),
 * typed key lines (SPEC 2.3).
 */
#ifndef HF_PROTO_REF_H
#define HF_PROTO_REF_H

#include "proto/types.h"

/** Reference of the case that this opening act opens. */
void hf_ref(char out[HF_REF_MAX], struct hf_country asking,
    struct instant created, const struct hf_hash *core_digest);
/** Normalise what a person typed; HF_RANGE when the check character or the
 * form is wrong. */
HF_MUST_USE enum hf_err hf_ref_read(char out[HF_REF_MAX], const char *text);

extern const char *const hf_word_list[256];
/** `count` words of H("words", data), separated by spaces. */
void hf_words(
    char *out, size_t capacity, const void *data, size_t size, unsigned count);

enum hf_key_type {
	HF_KEY_OFFICER,   /* hfo1 */
	HF_KEY_TRANSPORT, /* hft1 */
	HF_KEY_UNWRAP,    /* hfu1 */
	HF_KEY_SEALING,   /* hfs1 */
	HF_KEY_BROKER,    /* hfb1 */
	HF_KEY_LEDGER,    /* hfl1 */
	HF_KEY_REGISTRAR, /* hfg1 */
	HF_KEY_ROOT,      /* hfr1 */
	HF_KEY_WITNESS,   /* hfw1 */
};
void hf_keyline(
    char out[HF_KEYLINE_MAX], enum hf_key_type type, const struct hf_key *key);
/** Errors: HF_RANGE (check), HF_TYPE (another type of key) */
HF_MUST_USE enum hf_err hf_keyline_read(
    struct hf_key *key, enum hf_key_type type, const char *text);
/** The 12 words of a key to pin. */
void hf_key_words(char *out, size_t capacity, const struct hf_key *key);

/** RFC 3339 writing and strict reading ("2026-11-21T11:02:03.250+09:00");
 * from 1970 on, no leap second, zones to 14 hours, of a fraction the
 * milliseconds.  Errors: HF_TYPE (form), HF_RANGE (no such date or time) */
void hf_rfc3339(char out[32], struct instant t, int zone_minutes);
HF_MUST_USE enum hf_err hf_rfc3339_read(
    struct instant *t, int *zone_minutes, const char *text);
/** Civil date to ms since 1970 (proleptic Gregorian); false if no such date. */
bool hf_civil_ms(int year, unsigned month, unsigned day, unsigned hour,
    unsigned minute, unsigned second, uint64_t *ms);

#endif
