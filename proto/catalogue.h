/*
 * catalogue: fields and codes with English and Japanese labels (SPEC 9).
 *
 * Source: Budapest Convention art. 16, 17, 29, 30, 33; the ten-point
 * preservation checklist and Annex A (domain.md 2); EU 2023/1543 for
 * non-execution codes.
 */
#ifndef HF_PROTO_CATALOGUE_H
#define HF_PROTO_CATALOGUE_H

#include "proto/types.h"

enum hf_field_type {
	HF_T_TEXT,
	HF_T_ID,
	HF_T_IP,
	HF_T_UINT,
	HF_T_INT,
	HF_T_BOOL,
	HF_T_CODE,
	HF_T_TIME,
	HF_T_WINDOW,
	HF_T_COUNTRY,
	HF_T_CLOCK,
	HF_T_BIN
};

/** F(number, NAME, "name", TYPE, codes or NONE, repeats, "en", "ja")
 * The list is in proto/fields.def. */
struct hf_field_info {
	unsigned number;
	const char *name; /* key of JSON forms: "source_port" */
	enum hf_field_type type;
	unsigned codes; /* enum hf_codes, for HF_T_CODE */
	bool repeats;
	const char *en, *ja;
};

enum hf_codes {
	HF_CODES_NONE,
	HF_CODES_REASON,
	HF_CODES_RESULT,
	HF_CODES_MEASURE,
	HF_CODES_BASIS,
	HF_CODES_URGENCY,
	HF_CODES_FLAG,
	HF_CODES_CATEGORY,
	HF_CODES_RECORD_TYPE,
	HF_CODES_ORIGIN,
	HF_CODES_SERVICE,
	HF_CODES_DIRECTION,
	HF_CODES_FINDING,
	HF_CODES_WAITING,
	HF_CODES_COMPULSION,
	HF_CODES_REIMBURSEMENT,
	HF_CODES_PROTOCOL,
	HF_CODES_KIND,
	HF_CODES_STATE,
	HF_CODES_DESK_TYPE,
	HF_CODES_ROLE,
	HF_CODES_MEANS,
	HF_CODES_VERIFIED,
	HF_CODES_CHANGE,
	HF_CODES_DEADLINE,
	HF_CODES_COUNT
};

/** One code of one list: stable number, stable name, two labels. */
struct hf_code_info {
	enum hf_codes list;
	unsigned code;
	const char *name; /* "de-facto-impossible" */
	const char *en, *ja;
};

const struct hf_field_info *hf_field_info(unsigned number);
const struct hf_field_info *hf_field_by_name(const char *name);
const struct hf_field_info *hf_field_at(unsigned i);
/** Field numbers by name for C code: HF_F_SOURCE_PORT and so on. */
enum hf_field {
#define F(number, NAME, name, type, codes, repeats, en, ja) \
	HF_F_##NAME = (number),
#include "proto/fields.def"
#undef F
};
const struct hf_code_info *hf_code_info(enum hf_codes list, unsigned code);
const struct hf_code_info *hf_code_by_name(enum hf_codes list, const char *n);
const struct hf_code_info *hf_code_at(unsigned i);
const char *hf_codes_name(enum hf_codes list); /* "reason" */
/** Name of a code, or "?". */
const char *hf_code_name(enum hf_codes list, unsigned code);

/** Fields from here on are optional (SPEC 1.6): unknown ones are kept. */
#define HF_FIELD_OPTIONAL 1024u

/** Canonical value bytes fit the field's type (SPEC 3.7).  An unknown
 * optional field is accepted.  Errors: HF_TYPE,
 * HF_RANGE, HF_UNKNOWN_KEY */
HF_MUST_USE enum hf_err hf_field_check(unsigned field, struct hf_bytes value);

/** Mandatory fields of a request by its measure (art. 29(2) a, b, c, e, f,
 * window with zone; the category is in the envelope). */
bool hf_field_mandatory(unsigned field, unsigned measure);

#endif
