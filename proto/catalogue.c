#include "proto/catalogue.h"

#include "proto/act.h"
#include "proto/wire.h"

#include <string.h>

static const struct hf_field_info fields[] = {
#define F(number, NAME, name, type, codes, repeats, en, ja) \
	{number, name, type, codes, repeats, en, ja},
#include "proto/fields.def"
#undef F
};
#define FIELD_COUNT (sizeof(fields) / sizeof(*fields))

static const struct hf_code_info codes[] = {
#define C(list, code, name, en, ja) {HF_CODES_##list, code, name, en, ja},
#include "proto/codes.def"
#undef C
};
#define CODE_COUNT (sizeof(codes) / sizeof(*codes))

static const char *const list_names[HF_CODES_COUNT] = {
    [HF_CODES_NONE] = "none",
    [HF_CODES_REASON] = "reason",
    [HF_CODES_RESULT] = "result",
    [HF_CODES_MEASURE] = "measure",
    [HF_CODES_BASIS] = "basis",
    [HF_CODES_URGENCY] = "urgency",
    [HF_CODES_FLAG] = "flag",
    [HF_CODES_CATEGORY] = "category",
    [HF_CODES_RECORD_TYPE] = "record_type",
    [HF_CODES_ORIGIN] = "origin",
    [HF_CODES_SERVICE] = "service",
    [HF_CODES_DIRECTION] = "direction",
    [HF_CODES_FINDING] = "finding",
    [HF_CODES_WAITING] = "waiting",
    [HF_CODES_COMPULSION] = "compulsion",
    [HF_CODES_REIMBURSEMENT] = "reimbursement",
    [HF_CODES_PROTOCOL] = "protocol",
    [HF_CODES_KIND] = "kind",
    [HF_CODES_STATE] = "state",
    [HF_CODES_DESK_TYPE] = "desk_type",
    [HF_CODES_ROLE] = "role",
    [HF_CODES_MEANS] = "means",
    [HF_CODES_VERIFIED] = "verified",
    [HF_CODES_CHANGE] = "change",
    [HF_CODES_DEADLINE] = "deadline",
};

const struct hf_field_info *hf_field_info(unsigned number)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (fields[i].number == number)
			return &fields[i];
	return NULL;
}

const struct hf_field_info *hf_field_by_name(const char *name)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

const struct hf_field_info *hf_field_at(unsigned i)
{
	return i < FIELD_COUNT ? &fields[i] : NULL;
}

const struct hf_code_info *hf_code_info(enum hf_codes list, unsigned code)
{
	for (size_t i = 0; i < CODE_COUNT; i++)
		if (codes[i].list == list && codes[i].code == code)
			return &codes[i];
	return NULL;
}

const struct hf_code_info *hf_code_by_name(enum hf_codes list, const char *n)
{
	for (size_t i = 0; n != NULL && i < CODE_COUNT; i++)
		if (codes[i].list == list && strcmp(codes[i].name, n) == 0)
			return &codes[i];
	return NULL;
}

const struct hf_code_info *hf_code_at(unsigned i)
{
	return i < CODE_COUNT ? &codes[i] : NULL;
}

const char *hf_codes_name(enum hf_codes list)
{
	return list < HF_CODES_COUNT ? list_names[list] : "none";
}

const char *hf_code_name(enum hf_codes list, unsigned code)
{
	const struct hf_code_info *c = hf_code_info(list, code);

	return c == NULL ? "?" : c->name;
}

/* ---- values (SPEC 3.7) ---- */

static void read_text(struct wire *w)
{
	wire_array(w, 2, 2);
	wire_str(w, 2, 35); /* RFC 5646 */
	wire_str(w, 1, HF_TEXT_MAX);
	wire_close(w);
}

static void read_ip(struct wire *w)
{
	struct hf_bytes b = wire_bin(w, 4, 16);

	if (w->err == HF_OK && b.size != 4 && b.size != 16)
		wire_fail(w, HF_RANGE);
}

static void read_time(struct wire *w, bool window)
{
	struct instant from, until;

	wire_array(w, window ? 3 : 2, window ? 3 : 2);
	from = wire_time(w);
	until = window ? wire_time(w) : from;
	wire_int(w, -840, 840);
	wire_close(w);
	if (from.ms > until.ms)
		wire_fail(w, HF_RANGE);
}

static void read_code(struct wire *w, const struct hf_field_info *f)
{
	unsigned code = (unsigned)wire_uint(w, UINT16_MAX);

	if (w->err == HF_OK &&
	    hf_code_info((enum hf_codes)f->codes, code) == NULL)
		wire_fail(w, HF_RANGE);
}

static void read_value(struct wire *w, const struct hf_field_info *f)
{
	switch (f->type) {
	case HF_T_TEXT:
		read_text(w);
		break;
	case HF_T_ID:
		wire_bin(w, 1, HF_IDENTIFIER_MAX);
		break;
	case HF_T_IP:
		read_ip(w);
		break;
	case HF_T_UINT:
		wire_uint(w, UINT64_MAX);
		break;
	case HF_T_INT:
		wire_int(w, INT64_MIN, INT64_MAX);
		break;
	case HF_T_BOOL:
		wire_bool(w);
		break;
	case HF_T_CODE:
		read_code(w, f);
		break;
	case HF_T_TIME:
		read_time(w, false);
		break;
	case HF_T_WINDOW:
		read_time(w, true);
		break;
	case HF_T_COUNTRY:
		wire_country(w);
		break;
	case HF_T_CLOCK:
		if (wire_peek(w) == WIRE_NIL)
			wire_nil(w);
		else
			wire_uint(w, UINT64_MAX);
		break;
	case HF_T_BIN:
		wire_bin(w, 0, HF_CITE_MAX);
		break;
	}
}

enum hf_err hf_field_check(unsigned field, struct hf_bytes value)
{
	const struct hf_field_info *f = hf_field_info(field);
	struct wire w;

	wire_init(&w, value.data, value.size);
	if (f != NULL)
		read_value(&w, f);
	else if (field >= HF_FIELD_OPTIONAL)
		wire_skip(&w);
	else
		return HF_UNKNOWN_KEY;
	return wire_finish(&w);
}

bool hf_field_mandatory(unsigned field, unsigned measure)
{
	if (measure == HF_CONSULT)
		return field == HF_F_FACTS;
	switch (field) {
	case HF_F_AUTHORITY:
	case HF_F_OFFENCE:
	case HF_F_FACTS:
	case HF_F_RELATION:
	case HF_F_NECESSITY:
	case HF_F_MLA_INTENT:
	case HF_F_WINDOW:
		return true;
	default:
		return false;
	}
}
