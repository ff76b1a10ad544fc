#include "client/show.h"

#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"

#include <stdlib.h>
#include <string.h>

const char *measure_kind(unsigned measure)
{
	if (measure == HF_TRACE_HISTORICAL || measure == HF_TRACE_LIVE)
		return "trace";
	return hf_code_name(HF_CODES_MEASURE, measure);
}

const char *measure_mode(unsigned measure)
{
	return measure == HF_TRACE_LIVE         ? "live"
	       : measure == HF_TRACE_HISTORICAL ? "historical"
						: NULL;
}

const char *trust_name(enum view_trust t)
{
	switch (t) {
	case TRUST_OK:
		return "ok";
	case TRUST_NO_RECEIPT:
		return "no receipt yet";
	case TRUST_BAD_RECEIPT:
		return "RECEIPT DOES NOT VERIFY";
	case TRUST_BAD_SIGNATURE:
		return "SIGNATURE DOES NOT VERIFY";
	case TRUST_UNKNOWN_KEY:
		return "key vouched for by its country only";
	case TRUST_DISPUTED:
		return "DISPUTED: signed with a key reported compromised";
	}
	return "?";
}

const char *desk_phone(const struct home *h, const struct hf_desk *desk)
{
	const struct desk_entry *d = roster_desk(h->roster, desk);

	return d == NULL || d->telephone[0] == '\0' ? NULL : d->telephone;
}

/* ---- summaries ---- */

static void set_time(json_t *o, const char *key, struct instant t)
{
	char text[32];

	if (t.ms == 0) {
		json_object_set_new(o, key, json_null());
		return;
	}
	hf_rfc3339(text, t, 0);
	json_object_set_new(o, key, json_string(text));
}

static void set_id(json_t *o, const char *key, const void *id)
{
	char hex[2 * HF_ID_SIZE + 1];

	hf_hex(hex, id, HF_ID_SIZE);
	json_object_set_new(o, key, json_string(hex));
}

static void set_kind(json_t *o, unsigned kind, unsigned measure)
{
	const char *mode = measure_mode(measure);

	json_object_set_new(o, "kind", json_string(measure_kind(measure)));
	json_object_set_new(
	    o, "mode", mode == NULL ? json_null() : json_string(mode));
	json_object_set_new(
	    o, "opened_by", json_string(hf_code_name(HF_CODES_KIND, kind)));
}

static enum hf_err ask_summary(
    struct link *l, const struct hf_id *id, struct summary *s)
{
	uint8_t args[HF_ID_SIZE + 8];
	struct answer answer;
	struct pack p;
	struct wire w;
	size_t size;
	enum hf_err err;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, 1);
	pack_uint(&p, 1);
	pack_bin(&p, id->b, sizeof(id->b));
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = link_call(
		    l, HF_OP_CASE, (struct hf_bytes){args, size}, &answer);
	if (err != HF_OK)
		return err;
	wire_init(&w, answer.map.data, answer.map.size);
	summary_read(s, &w);
	return wire_finish(&w);
}

const char *case_name(
    struct case_names *n, struct link *l, const struct hf_id *id)
{
	char hex[2 * HF_ID_SIZE + 1];
	struct summary s;
	char *ref;

	for (unsigned i = 0; i < n->count; i++)
		if (memcmp(&n->row[i].id, id, sizeof(*id)) == 0)
			return n->row[i].ref;
	n->row[n->next].id = *id;
	ref = n->row[n->next].ref;
	hf_hex(hex, id, sizeof(*id));
	if (ask_summary(l, id, &s) == HF_OK && s.ref[0] != '\0')
		snprintf(ref, HF_REF_MAX, "%s", s.ref);
	else
		snprintf(ref, HF_REF_MAX, "%.12s...", hex);
	n->next = (n->next + 1) % CASE_NAMES_MAX;
	if (n->count < CASE_NAMES_MAX)
		n->count++;
	return ref;
}

json_t *summary_json(const struct summary *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "ref", json_string(s->ref));
	set_id(o, "id", &s->id);
	set_kind(o, s->kind, s->measure);
	json_object_set_new(o, "from", json_string(s->from.s));
	json_object_set_new(o, "to", json_string(s->to.s));
	json_object_set_new(o, "urgency",
	    json_string(hf_code_name(HF_CODES_URGENCY, s->urgency)));
	json_object_set_new(
	    o, "state", json_string(hf_code_name(HF_CODES_STATE, s->state)));
	set_time(o, "expires_at", s->hold_until);
	set_time(o, "opened", s->opened);
	if (s->kind == HF_KIND_ORDER)
		json_object_set_new(o, "result",
		    s->result != 0
			? json_string(hf_code_name(HF_CODES_RESULT, s->result))
			: json_null());
	set_time(o, "due", s->due);
	if (s->due.ms != 0)
		json_object_set_new(o, "due_type",
		    json_string(hf_code_name(HF_CODES_DEADLINE, s->due_type)));
	json_object_set_new(o, "erased", json_boolean(s->erased));
	json_object_set_new(o, "legal_hold", json_boolean(s->legal_hold));
	json_object_set_new(
	    o, "outside_profile", json_boolean(s->outside_profile));
	json_object_set_new(o, "unproven", json_boolean(s->unproven));
	return o;
}

static enum hf_err one_page(struct link *l, enum hf_op op,
    const struct hf_id *case_id, bool open_only, struct hf_id *after,
    bool *more, struct summary **rows, unsigned *count)
{
	uint8_t args[96];
	struct answer answer;
	struct pack p;
	struct wire w;
	size_t size;
	unsigned n;
	int key;
	enum hf_err err;

	pack_init(&p, args, sizeof(args));
	if (op == HF_OP_ORDERS) {
		pack_map(&p, (*more ? 1u : 0u) + 1);
		pack_uint(&p, 1);
		pack_bin(&p, case_id->b, sizeof(*case_id));
		if (*more) {
			pack_uint(&p, 2);
			pack_bin(&p, after->b, sizeof(*after));
		}
	} else {
		pack_map(&p, (*more ? 1u : 0u) + 1);
		if (*more) {
			pack_uint(&p, 1);
			pack_bin(&p, after->b, sizeof(*after));
		}
		pack_uint(&p, 3);
		pack_bool(&p, open_only);
	}
	*more = false;
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = link_call(l, op, (struct hf_bytes){args, size}, &answer);
	if (err != HF_OK)
		return err;
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, HF_MAP_MAX);
	while ((key = wire_key(&w)) >= 0) {
		if (key == 1) {
			n = wire_array(&w, 0, HF_PAGE_ROWS);
			*rows = out_must(
			    realloc(*rows, (*count + n + 1) * sizeof(**rows)));
			for (; n > 0 && w.err == HF_OK; n--)
				summary_read(&(*rows)[(*count)++], &w);
			wire_close(&w);
		} else if (key == 2 && wire_peek(&w) == WIRE_BIN) {
			wire_bin_copy(&w, after->b, sizeof(*after));
			*more = true;
		} else {
			wire_skip(&w);
		}
	}
	wire_close(&w);
	return wire_finish(&w);
}

enum hf_err summaries(struct link *l, enum hf_op op,
    const struct hf_id *case_id, bool open_only, struct summary **rows,
    unsigned *count)
{
	struct hf_id after = {{0}};
	bool more = false;
	enum hf_err err;

	*rows = NULL;
	*count = 0;
	do {
		err = one_page(
		    l, op, case_id, open_only, &after, &more, rows, count);
	} while (err == HF_OK && more);
	if (err != HF_OK) {
		free(*rows);
		*rows = NULL;
		*count = 0;
	}
	return err;
}

/* ---- hops ---- */

static void add_fields(struct hop *h, const struct hf_leaf *leaf, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct hf_field_info *f = hf_field_info(leaf[i].field);
		struct wire w;

		if (f == NULL || leaf[i].field == HF_F_CITE)
			continue;
		wire_init(&w, leaf[i].value.data, leaf[i].value.size);
		switch (leaf[i].field) {
		case HF_F_NEXT_COUNTRY: {
			struct hf_country c = wire_country(&w);

			memcpy(h->next_country, c.s, sizeof(h->next_country));
			break;
		}
		case HF_F_DIRECTION:
			h->direction = (unsigned)wire_uint(&w, 255);
			break;
		case HF_F_FINDING:
			h->finding = (unsigned)wire_uint(&w, 255);
			break;
		case HF_F_CLOCK_ERROR:
			h->clock_unknown = wire_peek(&w) == WIRE_NIL;
			break;
		case HF_F_WINDOW:
			wire_array(&w, 3, 3);
			h->window_from = wire_uint(&w, UINT64_MAX);
			h->window_until = wire_uint(&w, UINT64_MAX);
			h->has_window = w.err == HF_OK;
			break;
		default:
			break;
		}
		if (json_object_get(h->fields, f->name) == NULL)
			json_array_append_new(h->names, json_string(f->name));
	}
	json_object_update_new(h->fields, form_leaves_json(leaf, n));
	json_object_del(h->fields, "cite");
}

/* Shown leaves of a cite may themselves hold a cite (a hop followed to the
 * third country carries the provider's words inside the contact point's); of
 * those in turn only so many are looked into. */
#define CITE_DEPTH 2u

/* NULL: none that can be read; to be freed. */
static struct hf_cite *cite_within(const struct hf_leaf *leaf)
{
	struct hf_cite *inner = out_must(calloc(1, sizeof(*inner)));
	struct hf_bytes b;
	struct wire w;

	wire_init(&w, leaf->value.data, leaf->value.size);
	b = wire_bin(&w, 1, HF_CITE_MAX);
	if (wire_finish(&w) == HF_OK &&
	    hf_cite_decode(inner, b.data, b.size) == HF_OK)
		return inner;
	free(inner);
	return NULL;
}

static void add_cite(struct hop *h, const struct hf_cite *c, unsigned depth)
{
	add_fields(h, c->shown, c->shown_count);
	h->withheld += c->count - c->shown_count;
	for (unsigned i = 0; i < c->shown_count && depth > 0; i++) {
		struct hf_cite *inner;

		if (c->shown[i].field != HF_F_CITE)
			continue;
		inner = cite_within(&c->shown[i]);
		if (inner != NULL)
			add_cite(h, inner, depth - 1);
		free(inner);
	}
}

static bool is_taken_back(const struct view *v, const struct view_act *hop)
{
	for (unsigned i = 0; i < v->count[HF_TRACK_ASKED]; i++) {
		const struct view_act *a = &v->acts[HF_TRACK_ASKED][i];

		if (a->act.core.kind == HF_KIND_RETRACT && a->clause == 0 &&
		    memcmp(&a->act.envelope.re, &hop->act.id, HF_ID_SIZE) == 0)
			return true;
	}
	return false;
}

static const char *why_closed(const struct view *v, const struct view_act *hop)
{
	if (is_taken_back(v, hop))
		return "taken back";
	if (v->erased)
		return "erased";
	return hop->open_err != HF_OK ? "not open to this desk" : NULL;
}

unsigned hops_of(const struct view *v, struct hop *hops, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < v->count[HF_TRACK_ASKED] && n < max; i++) {
		const struct view_act *a = &v->acts[HF_TRACK_ASKED][i];
		unsigned kind = a->act.core.kind;
		struct hop *h = &hops[n];

		if ((kind != HF_KIND_HOP && kind != HF_KIND_WITHHELD_HOP) ||
		    a->clause != 0)
			continue;
		memset(h, 0, sizeof(*h));
		h->act = a;
		h->withheld_hop = kind == HF_KIND_WITHHELD_HOP;
		h->closed = why_closed(v, a);
		snprintf(h->next_country, sizeof(h->next_country), "ZZ");
		h->fields = json_object();
		h->names = json_array();
		add_fields(h, a->leaves.leaf, a->leaves.count);
		for (unsigned c = 0; c < a->cite_count; c++)
			if (a->cite_err[c] == HF_OK)
				add_cite(h, a->cites[c], CITE_DEPTH);
		h->shown = (unsigned)json_array_size(h->names);
		n++;
	}
	return n;
}

void hops_free(struct hop *hops, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		json_decref(hops[i].fields);
		json_decref(hops[i].names);
	}
}

void hop_next_json(json_t *o, const struct hop *h)
{
	json_object_set_new(o, "next_country",
	    h->closed != NULL ? json_null() : json_string(h->next_country));
	json_object_set_new(o, "closed",
	    h->closed != NULL ? json_string(h->closed) : json_null());
}

static json_t *hop_json(const struct hop *h)
{
	json_t *o = json_object();

	set_id(o, "id", &h->act->act.id);
	hop_next_json(o, h);
	if (h->direction != 0)
		json_object_set_new(o, "direction",
		    json_string(
			hf_code_name(HF_CODES_DIRECTION, h->direction)));
	if (h->finding != 0)
		json_object_set_new(o, "finding",
		    json_string(hf_code_name(HF_CODES_FINDING, h->finding)));
	json_object_set(o, "shown", h->names);
	json_object_set_new(o, "withheld", json_integer(h->withheld));
	json_object_set(o, "fields", h->fields);
	json_object_set_new(o, "withheld_hop", json_boolean(h->withheld_hop));
	if (h->withheld_hop)
		json_object_set_new(o, "ground",
		    json_string(hf_code_name(
			HF_CODES_REASON, h->act->act.envelope.reason)));
	json_object_set_new(
	    o, "clock_error_unknown", json_boolean(h->clock_unknown));
	json_object_set_new(o, "trust", json_string(trust_name(h->act->trust)));
	return o;
}

/* ---- one act ---- */

/* Each cite: whose words, whether its author stood in the roster. */
static json_t *cites_json(const struct view_act *a)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < a->cite_count; i++) {
		const struct officer_entry *who = a->cite_author[i];
		json_t *o = json_object();

		json_object_set_new(
		    o, "verified", json_boolean(a->cite_err[i] == HF_OK));
		json_object_set_new(o, "author",
		    who != NULL ? json_string(who->desk.s) : json_null());
		if (a->cite_err[i] == HF_OK) {
			set_id(o, "act", &a->cites[i]->id);
			json_object_set_new(
			    o, "shown", json_integer(a->cites[i]->shown_count));
			json_object_set_new(o, "withheld",
			    json_integer(
				a->cites[i]->count - a->cites[i]->shown_count));
			json_object_set_new(o, "fields",
			    form_leaves_json(
				a->cites[i]->shown, a->cites[i]->shown_count));
		}
		json_array_append_new(list, o);
	}
	return list;
}

json_t *act_json(const struct view_act *a)
{
	const struct hf_envelope *e = &a->act.envelope;
	json_t *o = json_object(), *receipt;

	set_id(o, "id", &a->act.id);
	json_object_set_new(o, "kind",
	    json_string(hf_code_name(HF_CODES_KIND, a->act.core.kind)));
	json_object_set_new(o, "from", json_string(e->from.s));
	json_object_set_new(o, "to", json_string(e->to.s));
	set_time(o, "created", a->act.core.created);
	json_object_set_new(o, "track", json_integer(e->track));
	json_object_set_new(o, "gen", json_integer(e->gen));
	if (a->author != NULL)
		json_object_set_new(o, "officer", json_string(a->author->name));
	if (a->trust == TRUST_NO_RECEIPT) {
		json_object_set_new(o, "receipt", json_null());
	} else {
		receipt = json_object();
		json_object_set_new(receipt, "verified",
		    json_boolean(a->trust != TRUST_BAD_RECEIPT));
		json_object_set_new(
		    receipt, "index", json_integer((json_int_t)a->index));
		set_time(receipt, "entered", a->entered);
		json_object_set_new(
		    receipt, "size", json_integer((json_int_t)a->receipt_size));
		json_object_set_new(o, "receipt", receipt);
	}
	json_object_set_new(o, "trust", json_string(trust_name(a->trust)));
	if (a->clause != 0) {
		char clause[16];

		snprintf(clause, sizeof(clause), "%u.%u", a->clause / 100,
		    a->clause % 100);
		json_object_set_new(o, "void", json_string(clause));
	}
	if (HF_HAS(e, HF_E_RE))
		set_id(o, "re", &e->re);
	if (HF_HAS(e, HF_E_REASON))
		json_object_set_new(o, "reason",
		    json_string(hf_code_name(HF_CODES_REASON, e->reason)));
	if (HF_HAS(e, HF_E_RESULT))
		json_object_set_new(o, "result",
		    json_string(hf_code_name(HF_CODES_RESULT, e->result)));
	if (HF_HAS(e, HF_E_TERM)) {
		set_time(o, "term_from", e->term_from);
		set_time(o, "term_until", e->term_until);
	}
	if (HF_HAS(e, HF_E_DUE))
		set_time(o, "due", e->due);
	if (HF_HAS(e, HF_E_AT))
		set_time(o, "at", e->at);
	if (HF_HAS(e, HF_E_OUTSIDER))
		json_object_set_new(o, "registered_for",
		    json_stringn((const char *)e->outsider.who.data,
			e->outsider.who.size));
	if (a->cite_count > 0)
		json_object_set_new(o, "cites", cites_json(a));
	if (a->opened)
		json_object_set_new(o, "fields",
		    form_leaves_json(a->leaves.leaf, a->leaves.count));
	else
		json_object_set_new(
		    o, "closed", json_string(hf_err_text(a->open_err)));
	return o;
}

/* ---- the case ---- */

/* The opening's fields; of an order also what its cites show. */
static json_t *case_fields(const struct view *v)
{
	const struct view_act *a = &v->acts[HF_TRACK_ASKING][0];
	json_t *o = form_leaves_json(a->leaves.leaf, a->leaves.count);

	for (unsigned i = 0; i < a->cite_count; i++)
		if (a->cite_err[i] == HF_OK)
			json_object_update_missing_new(
			    o, form_leaves_json(a->cites[i]->shown,
				   a->cites[i]->shown_count));
	return o;
}

static json_t *flags_json(const struct hf_envelope *e)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < e->flag_count; i++)
		json_array_append_new(list,
		    json_string(hf_code_name(HF_CODES_FLAG, e->flags[i].flag)));
	return list;
}

json_t *case_json(const struct view *v, const struct home *h, json_t *orders)
{
	const struct view_act *opening = &v->acts[HF_TRACK_ASKING][0];
	json_t *o = json_object(), *acts = json_array(), *list = json_array();
	struct hop hops[HOPS_MAX];
	unsigned n = hops_of(v, hops, HOPS_MAX);

	json_object_set_new(o, "ref", json_string(v->ref));
	set_id(o, "id", &v->id);
	set_kind(o, v->kind, v->measure);
	json_object_set_new(o, "from", json_string(v->from.s));
	json_object_set_new(o, "to", json_string(v->to.s));
	json_object_set_new(o, "urgency",
	    json_string(hf_code_name(HF_CODES_URGENCY, v->urgency)));
	json_object_set_new(
	    o, "basis", json_string(hf_code_name(HF_CODES_BASIS, v->basis)));
	json_object_set_new(
	    o, "state", json_string(hf_code_name(HF_CODES_STATE, v->state)));
	set_time(o, "expires_at", v->hold_until);
	set_time(o, "opened", v->opened);
	set_time(o, "retain_until", v->retain_until);
	json_object_set_new(o, "suspended", json_boolean(v->suspended));
	json_object_set_new(o, "erased", json_boolean(v->erased));
	json_object_set_new(o, "legal_hold", json_boolean(v->legal_hold));
	json_object_set_new(
	    o, "outside_profile", json_boolean(v->outside_profile));
	json_object_set_new(o, "unproven", json_boolean(v->unproven));
	json_object_set_new(o, "flags", flags_json(&opening->act.envelope));
	for (unsigned t = 0; t < HF_TRACK_COUNT; t++)
		for (unsigned i = 0; i < v->count[t]; i++)
			json_array_append_new(acts, act_json(&v->acts[t][i]));
	json_object_set_new(o, "acts", acts);
	json_object_set_new(o, "fields", case_fields(v));
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, hop_json(&hops[i]));
	hops_free(hops, n);
	json_object_set_new(o, "hops", list);
	json_object_set_new(
	    o, "orders", orders != NULL ? orders : json_array());
	if (desk_phone(h, &v->to) != NULL)
		json_object_set_new(o, "telephone",
		    json_string(desk_phone(h,
			strcmp(v->to.s, h->desk.s) == 0 ? &v->from : &v->to)));
	return o;
}

/* ---- for people ---- */

void summary_state(
    const struct summary *s, const struct out *o, char *out, size_t capacity)
{
	bool told = s->state == HF_STATE_PRESERVED ||
		    s->state == HF_STATE_PARTLY_PRESERVED || s->result == 0;

	snprintf(out, capacity, "%s%s%s", out_word(o, HF_CODES_STATE, s->state),
	    told ? "" : ", ",
	    told ? "" : out_word(o, HF_CODES_RESULT, s->result));
}

static void print_leaves(
    const struct hf_leaf *leaf, unsigned n, const struct args *a, int indent)
{
	for (unsigned i = 0; i < n; i++) {
		const struct hf_field_info *f = hf_field_info(leaf[i].field);
		char text[512];
		const char *name;

		if (leaf[i].field == HF_F_CITE)
			continue;
		name = f == NULL                            ? "unknown field"
		       : strcmp(a->out.language, "ja") == 0 ? f->ja
							    : f->en;
		form_text(text, sizeof(text), leaf[i].field, leaf[i].value,
		    a->out.language);
		printf("%*s%s%*s %s\n", indent, "", name,
		    text_width(name) < 28 ? 28 - text_width(name) : 1, "",
		    text);
	}
}

/* What a cite shows, and what the cites among it show in turn. */
static void print_cite(const struct hf_cite *c,
    const struct officer_entry *author, const struct args *a, unsigned depth)
{
	if (author != NULL)
		printf("      said by %s (%s), signature ok", author->desk.s,
		    author->name);
	else
		printf("      signed by a key that the desk above vouches for");
	printf(": %u of %u fields shown, %u withheld\n", c->shown_count,
	    c->count, c->count - c->shown_count);
	print_leaves(c->shown, c->shown_count, a, 6);
	for (unsigned i = 0; i < c->shown_count && depth > 0; i++) {
		struct hf_cite *inner;

		if (c->shown[i].field != HF_F_CITE)
			continue;
		inner = cite_within(&c->shown[i]);
		if (inner != NULL)
			print_cite(inner, NULL, a, depth - 1);
		else
			printf("      A CITE IN IT DOES NOT VERIFY\n");
		free(inner);
	}
}

static void print_cites(const struct view_act *act, const struct args *a)
{
	for (unsigned i = 0; i < act->cite_count; i++)
		if (act->cite_err[i] != HF_OK)
			printf("      CITE DOES NOT VERIFY: %s\n",
			    hf_err_text(act->cite_err[i]));
		else
			print_cite(act->cites[i], act->cite_author[i], a, 2);
}

static void print_act(const struct view_act *act, const struct args *a)
{
	const struct hf_envelope *e = &act->act.envelope;
	bool named =
	    act->author != NULL && strcmp(act->author->name, e->from.s) != 0;
	char when[32];

	hf_rfc3339(when,
	    act->entered.ms != 0 ? act->entered : act->act.core.created, 0);
	when[19] = 'Z';
	when[20] = '\0';
	printf("  %s  %-20s %s%s%s", when,
	    out_label(&a->out, HF_CODES_KIND, act->act.core.kind), e->from.s,
	    named ? ", " : "", named ? act->author->name : "");
	if (HF_HAS(e, HF_E_REASON))
		printf(
		    "  [%s]", out_label(&a->out, HF_CODES_REASON, e->reason));
	if (HF_HAS(e, HF_E_RESULT))
		printf(
		    "  [%s]", out_label(&a->out, HF_CODES_RESULT, e->result));
	if (HF_HAS(e, HF_E_TERM)) {
		hf_rfc3339(when, e->term_until, 0);
		printf("  until %s", when);
	}
	if (HF_HAS(e, HF_E_OUTSIDER))
		printf("  (registered for %.*s)", (int)e->outsider.who.size,
		    (const char *)e->outsider.who.data);
	if (act->clause != 0)
		printf(
		    "  VOID, SPEC %u.%u", act->clause / 100, act->clause % 100);
	printf("  %s\n",
	    act->trust == TRUST_OK ? "receipt ok" : trust_name(act->trust));
	if (act->opened) {
		print_leaves(act->leaves.leaf, act->leaves.count, a, 6);
		print_cites(act, a);
	} else {
		printf("      (closed: %s)\n", hf_err_text(act->open_err));
	}
}

/* All tracks in the order in which the broker entered them. */
static void print_acts(const struct view *v, const struct args *a)
{
	unsigned at[HF_TRACK_COUNT] = {0};

	for (;;) {
		const struct view_act *first = NULL;
		unsigned track = 0;

		for (unsigned t = 0; t < HF_TRACK_COUNT; t++)
			if (at[t] < v->count[t] &&
			    (first == NULL ||
				v->acts[t][at[t]].index < first->index)) {
				first = &v->acts[t][at[t]];
				track = t;
			}
		if (first == NULL)
			return;
		print_act(first, a);
		at[track]++;
	}
}

static void print_orders(
    const struct summary *orders, unsigned count, const struct args *a)
{
	unsigned preserved = 0;

	for (unsigned i = 0; i < count; i++) {
		char state[160];

		summary_state(&orders[i], &a->out, state, sizeof(state));
		printf(
		    "  %s  %-10s %s\n", orders[i].ref, orders[i].to.s, state);
		preserved += orders[i].state == HF_STATE_PRESERVED ||
			     orders[i].state == HF_STATE_PARTLY_PRESERVED;
	}
	if (count > 0)
		printf("  %u of %u orders preserved something\n", preserved,
		    count);
}

void case_print(const struct view *v, const struct home *h,
    const struct summary *orders, unsigned order_count, const struct args *a)
{
	const char *mode = measure_mode(v->measure);
	bool asked = strcmp(v->to.s, h->desk.s) == 0;
	const struct hf_desk *other = asked ? &v->from : &v->to;
	char text[64];

	printf("%s  %s%s%s  %s -> %s  %s\n", v->ref, measure_kind(v->measure),
	    mode != NULL ? ", " : "", mode != NULL ? mode : "", v->from.s,
	    v->to.s, out_label(&a->out, HF_CODES_URGENCY, v->urgency));
	printf("state    %s%s%s\n",
	    out_label(&a->out, HF_CODES_STATE, v->state),
	    v->outside_profile ? "  (ground outside the profile)" : "",
	    v->unproven ? "  (unproven: registered for an outsider)" : "");
	if (v->hold_until.ms != 0) {
		hf_rfc3339(text, v->hold_until, 0);
		printf("hold     until %s%s\n", text,
		    v->hold_until.ms < out_now().ms ? "  (ending)" : "");
	}
	if (v->suspended)
		printf("hold     suspended until the assistance request is "
		       "decided\n");
	if (v->due.ms != 0) {
		out_due(text, sizeof(text), v->due, out_now());
		printf("next     %s %s\n",
		    out_label(&a->out, HF_CODES_DEADLINE, v->due_type), text);
		if (v->due.ms < out_now().ms && desk_phone(h, other) != NULL)
			printf("call     %s: %s (24 hours)\n", other->s,
			    desk_phone(h, other));
	}
	if (v->erased)
		printf("file     erased; the ledger still proves it\n");
	printf("acts\n");
	print_acts(v, a);
	if (order_count > 0)
		printf("orders\n");
	print_orders(orders, order_count, a);
}
