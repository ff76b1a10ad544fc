/*
 * form: JSON forms to leaves and back.  Every problem of a form is reported
 * at once, each with its field.
 */
#include "client/form.h"

#include "client/out.h"
#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"
#include "proto/wire.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX (HF_TEXT_MAX + 64)

static void complain(struct form_report *r, const char *field, bool warning,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void complain(struct form_report *r, const char *field, bool warning,
    const char *format, ...)
{
	struct form_problem *p;
	va_list args;

	if (!warning)
		r->errors++;
	if (r->count == sizeof(r->problem) / sizeof(*r->problem))
		return;
	p = &r->problem[r->count++];
	p->warning = warning;
	snprintf(p->field, sizeof(p->field), "%s", field);
	va_start(args, format);
	vsnprintf(p->what, sizeof(p->what), format, args);
	va_end(args);
}

/* ---- one value each ---- */

static const char *pack_text_value(struct pack *p, json_t *v)
{
	const char *language = "en", *text = json_string_value(v);

	if (json_is_object(v)) {
		const char *given =
		    json_string_value(json_object_get(v, "lang"));

		text = json_string_value(json_object_get(v, "text"));
		if (given != NULL)
			language = given;
	}
	if (text == NULL || text[0] == '\0')
		return "a text, or {\"lang\": .., \"text\": ..}";
	if (!wire_utf8_ok((const uint8_t *)text, strlen(text)))
		return "a text without control characters";
	pack_array(p, 2);
	pack_text(p, language);
	pack_text(p, text);
	return NULL;
}

static const char *pack_id(struct pack *p, json_t *v)
{
	size_t size = json_string_length(v);

	if (!json_is_string(v) || size == 0 || size > HF_IDENTIFIER_MAX)
		return "a string of 1 to 1024 bytes";
	/* else it would be shown as hex, which is not read again */
	if (!wire_utf8_ok((const uint8_t *)json_string_value(v), size))
		return "a string without control characters";
	pack_bin(p, json_string_value(v), size);
	return NULL;
}

static const char *pack_ip(struct pack *p, json_t *v)
{
	const char *s = json_string_value(v);
	uint8_t address[16];

	if (s != NULL && inet_pton(AF_INET, s, address) == 1)
		pack_bin(p, address, 4);
	else if (s != NULL && inet_pton(AF_INET6, s, address) == 1)
		pack_bin(p, address, 16);
	else
		return "an IPv4 or IPv6 address";
	return NULL;
}

static const char *pack_number(struct pack *p, json_t *v, bool is_signed)
{
	if (!json_is_integer(v) || (!is_signed && json_integer_value(v) < 0))
		return is_signed ? "a whole number" : "a whole number from 0";
	if (is_signed)
		pack_int(p, json_integer_value(v));
	else
		pack_uint(p, (uint64_t)json_integer_value(v));
	return NULL;
}

static const char *pack_time(struct pack *p, json_t *v)
{
	struct instant t;
	int zone;

	if (!json_is_string(v) ||
	    hf_rfc3339_read(&t, &zone, json_string_value(v)) != HF_OK)
		return "a time with zone, such as 2026-11-21T11:02:03+09:00";
	pack_array(p, 2);
	pack_uint(p, t.ms);
	pack_int(p, zone);
	return NULL;
}

static const char *pack_window(struct pack *p, json_t *v)
{
	static const char *wanted =
	    "{\"from\": .., \"until\": ..}, times with one zone";
	const char *from = json_string_value(json_object_get(v, "from"));
	const char *until = json_string_value(json_object_get(v, "until"));
	struct instant a, b;
	int zone, other;

	if (from == NULL || until == NULL ||
	    hf_rfc3339_read(&a, &zone, from) != HF_OK ||
	    hf_rfc3339_read(&b, &other, until) != HF_OK || zone != other)
		return wanted;
	if (a.ms > b.ms)
		return "a window whose end is not before its begin";
	pack_array(p, 3);
	pack_uint(p, a.ms);
	pack_uint(p, b.ms);
	pack_int(p, zone);
	return NULL;
}

static const char *pack_clock(struct pack *p, json_t *v)
{
	const char *s = json_string_value(v);

	if (json_is_integer(v) && json_integer_value(v) >= 0)
		pack_uint(p, (uint64_t)json_integer_value(v));
	else if (s != NULL && strcmp(s, "unknown") == 0)
		pack_nil(p);
	else
		return "milliseconds, or \"unknown\"";
	return NULL;
}

static const char *pack_code(
    struct pack *p, const struct hf_field_info *f, json_t *v)
{
	static _Thread_local char wanted[200];
	const struct hf_code_info *c = NULL;
	size_t at = 0;

	if (json_is_string(v))
		c = hf_code_by_name(
		    (enum hf_codes)f->codes, json_string_value(v));
	if (c != NULL) {
		pack_uint(p, c->code);
		return NULL;
	}
	at = (size_t)snprintf(wanted, sizeof(wanted), "one of");
	for (unsigned i = 0; (c = hf_code_at(i)) != NULL; i++)
		if (c->list == f->codes && at + 40 < sizeof(wanted))
			at += (size_t)snprintf(
			    wanted + at, sizeof(wanted) - at, " %s", c->name);
	return wanted;
}

static const char *pack_country(struct pack *p, json_t *v)
{
	const char *s = json_string_value(v);

	if (s == NULL || !hf_country_ok(s, strlen(s)))
		return "a country, such as JP (ZZ: unknown)";
	pack_text(p, s);
	return NULL;
}

static const char *pack_hex(struct pack *p, json_t *v)
{
	const char *s = json_string_value(v);
	uint8_t data[1024];
	size_t size = s == NULL ? 0 : strlen(s) / 2;

	if (s == NULL || size == 0 || size > sizeof(data) ||
	    hf_hex_read(data, size, s, 2 * size) != HF_OK)
		return "bytes in hex";
	pack_bin(p, data, size);
	return NULL;
}

/* NULL, or what the field wants. */
static const char *pack_value(
    struct pack *p, const struct hf_field_info *f, json_t *v)
{
	switch (f->type) {
	case HF_T_TEXT:
		return pack_text_value(p, v);
	case HF_T_ID:
		return pack_id(p, v);
	case HF_T_IP:
		return pack_ip(p, v);
	case HF_T_UINT:
		return pack_number(p, v, false);
	case HF_T_INT:
		return pack_number(p, v, true);
	case HF_T_BOOL:
		if (!json_is_boolean(v))
			return "true or false";
		pack_bool(p, json_is_true(v));
		return NULL;
	case HF_T_CODE:
		return pack_code(p, f, v);
	case HF_T_TIME:
		return pack_time(p, v);
	case HF_T_WINDOW:
		return pack_window(p, v);
	case HF_T_COUNTRY:
		return pack_country(p, v);
	case HF_T_CLOCK:
		return pack_clock(p, v);
	case HF_T_BIN:
		return pack_hex(p, v);
	}
	return "a value of a known type";
}

static enum hf_err one_value(struct draft *d, const struct hf_field_info *f,
    json_t *v, uint8_t policy, struct form_report *r)
{
	uint8_t value[VALUE_MAX];
	struct pack p;
	const char *wanted;
	size_t size;
	enum hf_err err;

	pack_init(&p, value, sizeof(value));
	wanted = pack_value(&p, f, v);
	if (wanted != NULL) {
		complain(r, f->name, false, "wants %s", wanted);
		return HF_FORM;
	}
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = draft_add(
		    d, f->number, (struct hf_bytes){value, size}, policy);
	if (err != HF_OK)
		complain(r, f->name, false, "%s", hf_err_text(err));
	return err == HF_OK ? HF_OK : HF_FORM;
}

enum hf_err form_value(struct draft *d, unsigned field, json_t *value,
    uint8_t policy, struct form_report *report)
{
	const struct hf_field_info *f = hf_field_info(field);
	enum hf_err err = HF_OK, one;
	json_t *item;
	size_t i;

	if (f == NULL)
		return HF_FORM;
	if (!json_is_array(value))
		return one_value(d, f, value, policy, report);
	if (!f->repeats) {
		complain(report, f->name, false, "stands once, not in a list");
		return HF_FORM;
	}
	json_array_foreach (value, i, item) {
		one = one_value(d, f, item, policy, report);
		if (one != HF_OK)
			err = one;
	}
	return err;
}

enum hf_err form_read(
    struct draft *d, json_t *object, uint8_t policy, struct form_report *report)
{
	const struct hf_field_info *f;
	const char *key;
	json_t *value;

	if (!json_is_object(object)) {
		complain(report, "form", false, "is not a JSON object");
		return HF_FORM;
	}
	json_object_foreach (object, key, value) {
		f = hf_field_by_name(key);
		if (f == NULL)
			complain(
			    report, key, false, "is no field of the catalogue");
		else
			(void)form_value(d, f->number, value, policy, report);
	}
	return report->errors > 0 ? HF_FORM : HF_OK;
}

/* ---- completeness ---- */

static bool has(const struct draft *d, unsigned field)
{
	for (unsigned i = 0; i < d->leaf_count; i++)
		if (d->leaf[i].field == field)
			return true;
	return false;
}

/* What most requests that came back for questions lacked (domain.md 8). */
static const struct {
	unsigned field;
	const char *why;
} recommended[] = {
    {HF_F_LEGAL_BASIS, "checklist 2: the law that gives the power"},
    {HF_F_PROPORTIONALITY, "checklist 3: propriety and scope"},
    {HF_F_RECORD_TYPE, "checklist 6: which records"},
    {HF_F_MLA_EXPECTED, "checklist 10: when the assistance request follows"},
    {HF_F_OWN_REFERENCE, "your own reference, for telephone and letters"},
    {HF_F_CALL_BACK, "a number for call-back"},
};

static void check_port(const struct draft *d, struct form_report *r)
{
	if ((has(d, HF_F_SOURCE_IP) && !has(d, HF_F_SOURCE_PORT)) ||
	    (has(d, HF_F_CLIENT_IP) && !has(d, HF_F_SOURCE_PORT)))
		complain(r, "source_port", true,
		    "addresses are shared: without the port the subscriber "
		    "may not be found");
	if ((has(d, HF_F_EVENT_TIME) || has(d, HF_F_WINDOW)) &&
	    !has(d, HF_F_CLOCK_ERROR))
		complain(r, "clock_error", true,
		    "how far the clock may have been wrong (\"unknown\" is an "
		    "answer)");
}

void form_check(
    const struct draft *d, bool incomplete, struct form_report *report)
{
	const struct hf_field_info *f;
	unsigned measure = d->envelope.measure;

	for (unsigned i = 0; (f = hf_field_at(i)) != NULL; i++)
		if (hf_field_mandatory(f->number, measure) &&
		    !has(d, f->number))
			complain(report, f->name, incomplete,
			    "is mandatory: %s", f->en);
	if (measure >= HF_PRESERVATION && measure <= HF_TRACE_LIVE &&
	    d->envelope.categories == 0)
		complain(report, "categories", incomplete,
		    "is mandatory: subscriber, traffic, content or other");
	if (measure == HF_CONSULT)
		return;
	for (unsigned i = 0; i < sizeof(recommended) / sizeof(*recommended);
	     i++)
		if (!has(d, recommended[i].field))
			complain(report,
			    hf_field_info(recommended[i].field)->name, true,
			    "%s", recommended[i].why);
	check_port(d, report);
}

/* ---- leaves to JSON ---- */

static json_t *time_json(struct wire *w, bool window)
{
	char text[32];
	uint64_t from, until = 0;
	int zone;
	json_t *o;

	wire_array(w, 2, 3);
	from = wire_uint(w, HF_TIME_LIMIT - 1);
	if (window)
		until = wire_uint(w, HF_TIME_LIMIT - 1);
	zone = (int)wire_int(w, -840, 840);
	wire_close(w);
	if (w->err != HF_OK)
		return NULL;
	hf_rfc3339(text, (struct instant){from}, zone);
	if (!window)
		return json_string(text);
	o = json_object();
	json_object_set_new(o, "from", json_string(text));
	hf_rfc3339(text, (struct instant){until}, zone);
	json_object_set_new(o, "until", json_string(text));
	return o;
}

static json_t *bytes_json(struct hf_bytes b)
{
	char hex[2 * HF_IDENTIFIER_MAX + 1];

	if (wire_utf8_ok(b.data, b.size))
		return json_stringn((const char *)b.data, b.size);
	if (b.size > HF_IDENTIFIER_MAX)
		b.size = HF_IDENTIFIER_MAX;
	hf_hex(hex, b.data, b.size);
	return json_pack("{s:s}", "hex", hex);
}

static json_t *ip_json(struct hf_bytes b)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(b.size == 4 ? AF_INET : AF_INET6, b.data, text,
		sizeof(text)) == NULL)
		return json_null();
	return json_string(text);
}

static json_t *text_json(struct wire *w)
{
	struct hf_bytes language, text;
	json_t *o;

	wire_array(w, 2, 2);
	language = wire_str(w, 1, 35);
	text = wire_str(w, 0, HF_TEXT_MAX);
	wire_close(w);
	if (w->err != HF_OK)
		return NULL;
	if (language.size == 2 && memcmp(language.data, "en", 2) == 0)
		return json_stringn((const char *)text.data, text.size);
	o = json_object();
	json_object_set_new(o, "lang",
	    json_stringn((const char *)language.data, language.size));
	json_object_set_new(
	    o, "text", json_stringn((const char *)text.data, text.size));
	return o;
}

static json_t *cite_json(struct hf_bytes b)
{
	struct hf_cite *cite = out_must(calloc(1, sizeof(*cite)));
	char id[2 * HF_ID_SIZE + 1];
	json_t *o = json_object();

	if (hf_cite_decode(cite, b.data, b.size) == HF_OK) {
		hf_hex(id, &cite->id, sizeof(cite->id));
		json_object_set_new(o, "act", json_string(id));
		json_object_set_new(o, "verified", json_true());
		json_object_set_new(
		    o, "shown", json_integer(cite->shown_count));
		json_object_set_new(o, "withheld",
		    json_integer(cite->count - cite->shown_count));
		json_object_set_new(o, "fields",
		    form_leaves_json(cite->shown, cite->shown_count));
	} else {
		json_object_set_new(o, "verified", json_false());
	}
	free(cite);
	return o;
}

json_t *form_json(unsigned field, struct hf_bytes value)
{
	const struct hf_field_info *f = hf_field_info(field);
	json_t *o = NULL;
	struct wire w;

	wire_init(&w, value.data, value.size);
	switch (f == NULL ? HF_T_BIN : f->type) {
	case HF_T_TEXT:
		o = text_json(&w);
		break;
	case HF_T_ID:
		o = bytes_json(wire_bin(&w, 0, HF_IDENTIFIER_MAX));
		break;
	case HF_T_IP:
		o = ip_json(wire_bin(&w, 4, 16));
		break;
	case HF_T_UINT:
		o = json_integer((json_int_t)wire_uint(&w, INT64_MAX));
		break;
	case HF_T_INT:
		o = json_integer(wire_int(&w, INT64_MIN, INT64_MAX));
		break;
	case HF_T_BOOL:
		o = json_boolean(wire_bool(&w));
		break;
	case HF_T_CODE:
		o = json_string(hf_code_name((enum hf_codes)f->codes,
		    (unsigned)wire_uint(&w, UINT32_MAX)));
		break;
	case HF_T_TIME:
		o = time_json(&w, false);
		break;
	case HF_T_WINDOW:
		o = time_json(&w, true);
		break;
	case HF_T_COUNTRY: {
		struct hf_bytes s = wire_str(&w, 2, 2);

		o = json_stringn((const char *)s.data, s.size);
		break;
	}
	case HF_T_CLOCK:
		if (wire_peek(&w) == WIRE_NIL)
			o = json_string("unknown");
		else
			o = json_integer((json_int_t)wire_uint(&w, INT64_MAX));
		break;
	case HF_T_BIN:
		if (wire_peek(&w) == WIRE_BIN) {
			struct hf_bytes b = wire_bin(&w, 0, HF_BODY_MAX);

			o = field == HF_F_CITE ? cite_json(b) : bytes_json(b);
		}
		break;
	}
	return o == NULL ? json_null() : o;
}

json_t *form_leaves_json(const struct hf_leaf *leaf, unsigned count)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < count; i++) {
		const struct hf_field_info *f = hf_field_info(leaf[i].field);
		json_t *v = form_json(leaf[i].field, leaf[i].value);
		char number[16];
		const char *name;

		snprintf(number, sizeof(number), "%u", leaf[i].field);
		name = f == NULL ? number : f->name;
		if (f == NULL || !f->repeats) {
			json_object_set_new(o, name, v);
			continue;
		}
		if (json_object_get(o, name) == NULL)
			json_object_set_new(o, name, json_array());
		json_array_append_new(json_object_get(o, name), v);
	}
	return o;
}

void form_text(char *out, size_t capacity, unsigned field,
    struct hf_bytes value, const char *language)
{
	const struct hf_field_info *f = hf_field_info(field);
	json_t *o = form_json(field, value);
	const struct hf_code_info *code = NULL;
	char *text = NULL;

	if (f != NULL && f->type == HF_T_CODE)
		code = hf_code_by_name(
		    (enum hf_codes)f->codes, json_string_value(o));
	if (code != NULL)
		snprintf(out, capacity, "%s",
		    strcmp(language, "ja") == 0 ? code->ja : code->en);
	else if (json_is_string(o))
		out_safe(
		    out, capacity, json_string_value(o), json_string_length(o));
	else if (json_string_value(json_object_get(o, "text")) != NULL)
		out_safe(out, capacity,
		    json_string_value(json_object_get(o, "text")),
		    json_string_length(json_object_get(o, "text")));
	else if (json_string_value(json_object_get(o, "from")) != NULL)
		snprintf(out, capacity, "%s to %s",
		    json_string_value(json_object_get(o, "from")),
		    json_string_value(json_object_get(o, "until")));
	else if ((text = json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY)) != NULL)
		out_safe(out, capacity, text, strlen(text));
	free(text);
	json_decref(o);
}
