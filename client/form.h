/*
 * form: catalogue fields as JSON, both ways, and the checks of a request.
 *
 * Keys are the catalogue's names.  TEXT: "text" or {"lang": "ja", "text":
 * ..}; ID: string; IP: "192.0.2.1"; TIME: RFC 3339 with zone; WINDOW:
 * {"from":, "until":}; CODE: its name; CLOCK: milliseconds or "unknown";
 * repeated fields: arrays.  Also the envelope's "measure", "mode", "basis",
 * "urgency", "categories" (names), "flags", "days", "not_after", "third".
 */
#ifndef HF_CLIENT_FORM_H
#define HF_CLIENT_FORM_H

#include "client/compose.h"
#include "proto/catalogue.h"

#include <jansson.h>

struct form_problem {
	char field[48];
	char what[160];
	bool warning; /* does not stop; `--incomplete` lists it */
};
struct form_report {
	unsigned count, errors;
	struct form_problem problem[64];
};

/** Add all fields of `object` to the draft with policy by default rules
 * (`policy` for every leaf).  The report says what is wrong; the result,
 * HF_OK or HF_FORM, only repeats that.  Unknown or ill-typed fields: errors,
 * all at once.
 */
enum hf_err form_read(struct draft *d, json_t *object, uint8_t policy,
    struct form_report *report);
/** Mandatory and recommended fields of a request. */
void form_check(
    const struct draft *d, bool incomplete, struct form_report *report);
/** One value from text (flags such as --field source_port=443). */
enum hf_err form_value(struct draft *d, unsigned field, json_t *value,
    uint8_t policy, struct form_report *report);
/** A leaf as JSON (new reference); NULL on no memory. */
json_t *form_json(unsigned field, struct hf_bytes value);
/** A leaf for people. */
void form_text(char *out, size_t capacity, unsigned field,
    struct hf_bytes value, const char *language);
/** Disclosed cite leaves are {"cite": {...}} objects. */
json_t *form_leaves_json(const struct hf_leaf *leaf, unsigned count);

#endif
