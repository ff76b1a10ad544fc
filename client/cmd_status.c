/*
 * cmd_status: who am I, what waits, how is the broker: status, inbox,
 * deadlines, peers, queue, broker.
 */
#include "client/send.h"

#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"
#include "proto/text.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_MAX 64u /* bytes, packed */

static struct hf_bytes bytes(const void *data, size_t size)
{
	return (struct hf_bytes){data, size};
}

static const char *time_text(char out[32], struct instant t)
{
	if (t.ms == 0)
		return "-";
	hf_rfc3339(out, t, 0);
	return out;
}

static json_t *time_json(struct instant t)
{
	char text[32];

	return t.ms == 0 ? json_null() : json_string(time_text(text, t));
}

static int failed(struct args *a, struct session *s, enum hf_err err)
{
	const struct link_trouble *t = link_trouble(s->link);

	return out_error(&a->out, err, NULL,
	    t->where[0] != '\0' ? t->where : NULL, NULL, NULL);
}

/* ---- status ---- */

struct hello {
	struct hf_key officer;
	unsigned role;
	struct instant previous, now;
	uint32_t document;
	uint64_t ledger_size;
	uint32_t bound;
	char version[32];
	bool certain;
};

static enum hf_err say_hello(struct session *s, struct hello *h)
{
	struct answer a;
	struct wire w;
	int key;
	enum hf_err err = link_call(s->link, HF_OP_HELLO, bytes(NULL, 0), &a);

	memset(h, 0, sizeof(*h));
	if (err != HF_OK)
		return err;
	wire_init(&w, a.map.data, a.map.size);
	wire_map(&w, HF_MAP_MAX);
	while ((key = wire_key(&w)) >= 0) {
		switch (key) {
		case 3:
			wire_bin_copy(&w, &h->officer, sizeof(h->officer));
			break;
		case 4:
			h->role = (unsigned)wire_uint(&w, 255);
			break;
		case 5:
			h->previous = wire_time(&w);
			break;
		case 6:
			h->document = (uint32_t)wire_uint(&w, UINT32_MAX);
			break;
		case 7:
			h->ledger_size = wire_uint(&w, UINT64_MAX);
			break;
		case 8:
			h->now = wire_time(&w);
			break;
		case 9:
			h->bound = (uint32_t)wire_uint(&w, UINT32_MAX);
			break;
		case 10: {
			struct hf_bytes v =
			    wire_str(&w, 0, sizeof(h->version) - 1);

			if (v.size > 0)
				memcpy(h->version, v.data, v.size);
			break;
		}
		case 11:
			h->certain = wire_bool(&w);
			break;
		default:
			wire_skip(&w);
			break;
		}
	}
	wire_close(&w);
	return wire_finish(&w);
}

struct counts {
	unsigned open, unacknowledged, overdue;
};

static enum hf_err count_cases(struct session *s, struct counts *c)
{
	struct summary *rows = NULL;
	unsigned n = 0;
	enum hf_err err =
	    summaries(s->link, HF_OP_CASES, NULL, true, &rows, &n);

	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < n; i++) {
		c->open++;
		c->unacknowledged += rows[i].state == HF_STATE_UNACKNOWLEDGED;
		c->overdue +=
		    rows[i].due.ms != 0 && rows[i].due.ms < out_now().ms;
	}
	free(rows);
	return err;
}

static int run_status(struct args *a)
{
	struct session s;
	struct hello h;
	struct counts c = {0};
	const struct officer_entry *me;
	char text[32];
	enum hf_err err;
	int status = session_open(&s, a, true);

	if (status != HF_EXIT_OK)
		return status;
	err = say_hello(&s, &h);
	if (err == HF_OK) {
		err = count_cases(&s, &c);
		if (err == HF_READ_DENIED)
			err = HF_OK; /* a desk without cases */
	}
	if (err != HF_OK) {
		status = failed(a, &s, err);
		session_close(&s);
		return status;
	}
	me = roster_officer(s.home.roster, s.home.country, &h.officer);
	if (a->out.mode == OUT_JSON) {
		json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i}",
		    "country", s.home.country.s, "desk", s.home.desk.s,
		    "officer", me != NULL ? me->name : "?", "role",
		    hf_code_name(HF_CODES_ROLE, h.role), "open", (int)c.open,
		    "unacknowledged", (int)c.unacknowledged, "overdue",
		    (int)c.overdue);

		json_object_set_new(o, "previous_login", time_json(h.previous));
		json_object_set_new(
		    o, "ledger_size", json_integer((json_int_t)h.ledger_size));
		json_object_set_new(o, "document", json_integer(h.document));
		json_object_set_new(o, "broker_time", time_json(h.now));
		json_object_set_new(
		    o, "clock_certain", json_boolean(h.certain));
		json_object_set_new(o, "broker", json_string(h.version));
		out_json(o);
	} else {
		printf("%s  %s  %s, %s\n", s.home.country.s, s.home.desk.s,
		    me != NULL ? me->name : "?",
		    hf_code_name(HF_CODES_ROLE, h.role));
		printf("previous login  %s\n", time_text(text, h.previous));
		printf("cases           %u open, %u unacknowledged, %u "
		       "overdue\n",
		    c.open, c.unacknowledged, c.overdue);
		printf("broker          %s  %s, ledger %llu entries, country "
		       "document %u\n",
		    h.version, s.home.broker, (unsigned long long)h.ledger_size,
		    h.document);
		printf("clock           %s%s\n", time_text(text, h.now),
		    h.certain ? "" : "  UNCERTAIN: nothing expires");
		printf("next            holdfast inbox\n");
	}
	session_close(&s);
	return HF_EXIT_OK;
}

/* ---- inbox ---- */

static void table_cases(struct args *a, const struct summary *rows, unsigned n,
    const struct home *h)
{
	static const char *const headings[] = {"REFERENCE", "FROM", "KIND",
	    "URGENCY", "STATE", "NEXT DEADLINE", "OWNER", NULL};
	struct table *t = table_new(headings);

	for (unsigned i = 0; i < n; i++) {
		char due[64], deadline[96];
		const struct officer_entry *owner =
		    rows[i].has_assignee ? roster_officer(h->roster, h->country,
					       &rows[i].assignee)
					 : NULL;

		out_due(due, sizeof(due), rows[i].due, out_now());
		snprintf(deadline, sizeof(deadline), "%s %s",
		    rows[i].due.ms == 0 ? ""
					: out_word(&a->out, HF_CODES_DEADLINE,
					      rows[i].due_type),
		    due);
		table_row(
		    t, (const char *[]){rows[i].ref, rows[i].from.s,
			   hf_code_name(HF_CODES_MEASURE, rows[i].measure),
			   out_word(&a->out, HF_CODES_URGENCY, rows[i].urgency),
			   out_word(&a->out, HF_CODES_STATE, rows[i].state),
			   deadline, owner != NULL ? owner->name : "-"});
	}
	table_print(t, &a->out);
}

static bool keep_row(
    const struct args *a, const struct summary *r, const struct signer *me)
{
	if (arg_on(a, "mine") &&
	    (!r->has_assignee ||
		memcmp(&r->assignee, &me->sign_key, HF_KEY_SIZE) != 0))
		return false;
	if (arg_on(a, "unacked") && r->state != HF_STATE_UNACKNOWLEDGED)
		return false;
	if (arg_on(a, "overdue") &&
	    (r->due.ms == 0 || r->due.ms >= out_now().ms))
		return false;
	return true;
}

static enum hf_err print_inbox(struct args *a, struct session *s)
{
	struct summary *rows = NULL;
	unsigned n = 0, kept = 0, unacknowledged = 0, overdue = 0;
	enum hf_err err =
	    summaries(s->link, HF_OP_CASES, NULL, !arg_on(a, "all"), &rows, &n);

	for (unsigned i = 0; err == HF_OK && i < n; i++) {
		if (!keep_row(a, &rows[i], s->home.signer))
			continue;
		unacknowledged += rows[i].state == HF_STATE_UNACKNOWLEDGED;
		overdue += rows[i].due.ms != 0 && rows[i].due.ms < out_now().ms;
		rows[kept++] = rows[i];
	}
	for (unsigned i = 0; a->out.mode == OUT_JSON && i < kept; i++)
		out_json(summary_json(&rows[i]));
	if (err == HF_OK && a->out.mode != OUT_JSON) {
		table_cases(a, rows, kept, &s->home);
		if (a->out.mode == OUT_TABLE)
			printf("%u open, %u unacknowledged, %u overdue.%s%s\n",
			    kept, unacknowledged, overdue,
			    kept > 0 ? "   Next: holdfast request show " : "",
			    kept > 0 ? rows[0].ref : "");
	}
	free(rows);
	return err;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static void print_event(
    struct args *a, struct link *link, uint64_t sequence, struct hf_bytes map)
{
	static struct case_names names;
	struct hf_id case_id = {{0}}, act = {{0}};
	unsigned kind = 0, track = 0, type = 0;
	struct hf_desk from = {{0}};
	struct instant at = {0};
	char hex[2 * HF_ID_SIZE + 1], act_hex[2 * HF_ID_SIZE + 1], when[32];
	struct wire w;
	const char *what, *ref;
	int key;

	wire_init(&w, map.data, map.size);
	wire_map(&w, HF_MAP_MAX);
	while ((key = wire_key(&w)) >= 0) {
		if (key == 1)
			wire_bin_copy(&w, &case_id, sizeof(case_id));
		else if (key == 2)
			wire_bin_copy(&w, &act, sizeof(act));
		else if (key == 3)
			kind = (unsigned)wire_uint(&w, 255);
		else if (key == 4)
			track = (unsigned)wire_uint(&w, 255);
		else if (key == 5)
			from = wire_desk(&w);
		else if (key == 6)
			at = wire_time(&w);
		else if (key == 7)
			type = (unsigned)wire_uint(&w, 255);
		else
			wire_skip(&w);
	}
	wire_close(&w);
	if (wire_finish(&w) != HF_OK)
		return;
	hf_hex(hex, &case_id, sizeof(case_id));
	hf_hex(act_hex, &act, sizeof(act));
	what = type == 0 ? hf_code_name(HF_CODES_KIND, kind)
	       : hf_entry_type_name(type) != NULL ? hf_entry_type_name(type)
						  : "?";
	ref = case_name(&names, link, &case_id);
	if (a->out.mode == OUT_JSON) {
		json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:i}",
		    "sequence", (json_int_t)sequence, "ref", ref, "case", hex,
		    "act", act_hex, "event", what, "from", from.s, "track",
		    (int)track);

		json_object_set_new(o, "time", time_json(at));
		out_json(o);
	} else {
		printf("%s  %-16s  %-20s from %s\n", time_text(when, at), ref,
		    what, from.s);
	}
	fflush(stdout);
}

/* Pushed events until Ctrl-C or --for seconds. */
static enum hf_err watch(
    struct args *a, struct session *s, uint64_t after, uint64_t seconds)
{
	const char *limit = arg(a, "for");
	uint64_t end = out_now().ms + seconds * 1000u;
	enum hf_err err = link_watch(s->link, after);

	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	while (err == HF_OK && !interrupted &&
	       (limit == NULL || out_now().ms < end)) {
		uint64_t sequence;
		struct hf_bytes event;

		err = link_event(s->link, 500, &sequence, &event);
		if (err == HF_OK)
			print_event(a, s->link, sequence, event);
		else if (err == HF_TIMEOUT)
			err = HF_OK;
	}
	return err;
}

/* The number of an option; *n unchanged when it is absent. */
static bool number(
    const struct args *a, const char *option, uint64_t max, uint64_t *n)
{
	const char *text = arg(a, option);

	return text == NULL || text_read_uint(n, text, strlen(text), max);
}

static int run_inbox(struct args *a)
{
	uint64_t after = UINT64_MAX, seconds = 0;
	struct session s;
	enum hf_err err;
	int status;

	if (!number(a, "after", UINT64_MAX - 1, &after) ||
	    !number(a, "for", 365 * 86400u, &seconds))
		return usage_error(a, "--after and --for want a whole number");
	status = session_open(&s, a, true);
	if (status != HF_EXIT_OK)
		return status;
	err = arg_on(a, "watch") ? watch(a, &s, after, seconds)
				 : print_inbox(a, &s);
	if (err != HF_OK)
		status = failed(a, &s, err);
	session_close(&s);
	return status;
}

/* ---- rows of the broker's own tables ---- */

/* Rows of `op`, of a country where one is given, after `cursor` (a packed
 * value; size 0: from the start); the reader stands before the first. */
static enum hf_err call_rows(struct session *s, enum hf_op op,
    const char *country, struct hf_bytes cursor, struct answer *answer,
    struct wire *w, unsigned *rows)
{
	uint8_t args[CURSOR_MAX + 16];
	struct pack p;
	size_t size;
	enum hf_err err;

	*rows = 0;
	pack_init(&p, args, sizeof(args));
	pack_map(&p, (cursor.size > 0 ? 1u : 0u) + (country != NULL ? 1u : 0u));
	if (country != NULL) {
		pack_uint(&p, 1);
		pack_text(&p, country);
	}
	if (cursor.size > 0) {
		pack_uint(&p, 2);
		pack_raw(&p, cursor);
	}
	err = pack_finish(&p, &size);
	if (err == HF_OK)
		err = link_call(s->link, op, bytes(args, size), answer);
	if (err != HF_OK)
		return err;
	wire_init(w, answer->map.data, answer->map.size);
	wire_map(w, HF_MAP_MAX);
	if (wire_key(w) != 1)
		return w->err == HF_OK ? HF_FRAME : w->err;
	*rows = wire_array(w, 0, HF_ARRAY_MAX);
	return w->err;
}

/* Behind the rows: where the next page begins, copied; none: *size is 0. */
static enum hf_err next_page(
    struct wire *w, uint8_t cursor[CURSOR_MAX], size_t *size)
{
	struct hf_bytes next;

	*size = 0;
	wire_close(w);
	if (wire_key(w) != 2)
		return w->err;
	next = wire_skip(w);
	if (w->err != HF_OK || next.size > CURSOR_MAX)
		return w->err != HF_OK ? w->err : HF_FRAME;
	memcpy(cursor, next.data, next.size);
	*size = next.size;
	return HF_OK;
}

struct due_line {
	struct hf_id case_id;
	unsigned type;
	struct instant at;
};

static enum hf_err read_due(struct wire *w, struct due_line *d)
{
	wire_array(w, 4, 4);
	wire_bin_copy(w, &d->case_id, sizeof(d->case_id));
	d->type = (unsigned)wire_uint(w, 255);
	d->at = wire_time(w);
	wire_skip(w);
	wire_close(w);
	return w->err;
}

static void print_due(
    struct args *a, struct table *t, const struct due_line *d, const char *ref)
{
	const char *type = hf_code_name(HF_CODES_DEADLINE, d->type);
	char hex[2 * HF_ID_SIZE + 1], due[64];
	json_t *o;

	out_due(due, sizeof(due), d->at, out_now());
	if (a->out.mode != OUT_JSON) {
		table_row(
		    t, (const char *[]){due,
			   out_word(&a->out, HF_CODES_DEADLINE, d->type), ref});
		return;
	}
	hf_hex(hex, &d->case_id, sizeof(d->case_id));
	o = json_pack("{s:s, s:s, s:s}", "ref", ref, "case", hex, "type", type);
	json_object_set_new(o, "due", time_json(d->at));
	out_json(o);
}

static int run_deadlines(struct args *a)
{
	static const char *const headings[] = {"DUE", "WHAT", "CASE", NULL};
	static struct due_line page[HF_ARRAY_MAX];
	static struct case_names names;
	uint8_t cursor[CURSOR_MAX];
	size_t cursor_size = 0;
	struct session s;
	struct table *t = NULL;
	enum hf_err err;
	int status = session_open(&s, a, true);

	if (status != HF_EXIT_OK)
		return status;
	if (a->out.mode != OUT_JSON)
		t = table_new(headings);
	do {
		struct answer answer;
		struct wire w;
		unsigned rows;

		err = call_rows(&s, HF_OP_DEADLINES, NULL,
		    bytes(cursor, cursor_size), &answer, &w, &rows);
		for (unsigned i = 0; err == HF_OK && i < rows; i++)
			err = read_due(&w, &page[i]);
		if (err == HF_OK)
			err = next_page(&w, cursor, &cursor_size);
		/* names are asked after the answer, which is lent, is read */
		for (unsigned i = 0; err == HF_OK && i < rows; i++)
			print_due(a, t, &page[i],
			    case_name(&names, s.link, &page[i].case_id));
	} while (err == HF_OK && cursor_size > 0);
	table_print(t, &a->out);
	if (err != HF_OK)
		status = failed(a, &s, err);
	session_close(&s);
	return status;
}

static const char *cause_name(unsigned code)
{
	return code == 0 ? "" : hf_err_text((enum hf_err)code);
}

static int run_peers(struct args *a)
{
	static const char *const headings[] = {"COUNTRY", "LINK", "LAST SEEN",
	    "OUTBOX", "DOCUMENT", "ENDPOINT", "CAUSE", NULL};
	struct session s;
	struct answer answer;
	struct wire w;
	struct table *t = NULL;
	unsigned rows;
	enum hf_err err;
	int status = session_open(&s, a, true);

	if (status != HF_EXIT_OK)
		return status;
	err = call_rows(
	    &s, HF_OP_PEERS, NULL, bytes(NULL, 0), &answer, &w, &rows);
	if (err == HF_OK && a->out.mode != OUT_JSON)
		t = table_new(headings);
	for (; err == HF_OK && rows > 0 && w.err == HF_OK; rows--) {
		struct hf_country c;
		struct instant seen;
		bool up;
		uint64_t depth, version, cause;
		struct hf_bytes endpoint;
		char when[32], outbox[24], doc[24], where[128];

		wire_array(&w, 7, 7);
		c = wire_country(&w);
		up = wire_bool(&w);
		seen = wire_time(&w);
		depth = wire_uint(&w, UINT64_MAX);
		version = wire_uint(&w, UINT32_MAX);
		cause = wire_uint(&w, UINT32_MAX);
		endpoint = wire_str(&w, 0, 127);
		wire_close(&w);
		if (w.err != HF_OK)
			break;
		snprintf(where, sizeof(where), "%.*s", (int)endpoint.size,
		    endpoint.size > 0 ? (const char *)endpoint.data : "");
		if (a->out.mode == OUT_JSON) {
			json_t *o = json_pack("{s:s, s:b, s:I, s:I, s:s}",
			    "country", c.s, "up", (int)up, "outbox",
			    (json_int_t)depth, "document", (json_int_t)version,
			    "endpoint", where);

			json_object_set_new(o, "last_seen", time_json(seen));
			json_object_set_new(o, "cause",
			    json_string(cause_name((unsigned)cause)));
			out_json(o);
			continue;
		}
		snprintf(
		    outbox, sizeof(outbox), "%llu", (unsigned long long)depth);
		snprintf(doc, sizeof(doc), "%llu", (unsigned long long)version);
		table_row(t, (const char *[]){c.s, up ? "up" : "DOWN",
				 time_text(when, seen), outbox, doc, where,
				 cause_name((unsigned)cause)});
	}
	table_print(t, &a->out);
	if (err == HF_OK)
		err = w.err;
	if (err != HF_OK)
		status = failed(a, &s, err);
	session_close(&s);
	return status;
}

/* Telephone and other means of a country's contact points: works offline,
 * from the roster of the home. */
static int run_contacts(struct args *a)
{
	struct session s;
	const struct country_doc *d;
	struct hf_country c = {{0}};
	int status = session_open(&s, a, false);

	if (status != HF_EXIT_OK)
		return status;
	if (strlen(a->positional[0]) == 2)
		memcpy(c.s, a->positional[0], 2);
	d = roster_doc(s.home.roster, c);
	if (d == NULL)
		status = out_error(&a->out, HF_UNKNOWN_COUNTRY, NULL,
		    a->positional[0], NULL, NULL);
	for (unsigned i = 0; d != NULL && i < d->entry_count; i++) {
		const struct desk_entry *e = &d->entries[i].u.desk;

		if (d->entries[i].type != ENTRY_DESK ||
		    e->type != DESK_CONTACT_POINT)
			continue;
		if (a->out.mode == OUT_JSON) {
			json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}",
			    "desk", e->desk.s, "name", e->name, "telephone",
			    e->telephone, "hours", e->hours, "zone", e->zone);
			json_t *list = json_array();

			for (unsigned k = 0; k < e->means_count; k++)
				json_array_append_new(
				    list, json_string(e->means[k]));
			json_object_set_new(o, "means", list);
			out_json(o);
			continue;
		}
		printf("%s  %s\n  telephone  %s (%s, %s)\n", e->desk.s, e->name,
		    e->telephone, e->hours, e->zone);
		for (unsigned k = 0; k < e->means_count; k++)
			printf("  also       %s\n", e->means[k]);
	}
	session_close(&s);
	return status;
}

struct queue_line {
	struct hf_id act, case_id;
	uint64_t sequence, tries, code;
	unsigned kind;
	struct instant since;
};

static enum hf_err read_queue(struct wire *w, struct queue_line *q)
{
	wire_array(w, 8, 8);
	(void)wire_country(w);
	q->sequence = wire_uint(w, UINT64_MAX);
	wire_bin_copy(w, &q->act, sizeof(q->act));
	wire_bin_copy(w, &q->case_id, sizeof(q->case_id));
	q->kind = (unsigned)wire_uint(w, 255);
	q->since = wire_time(w);
	q->tries = wire_uint(w, UINT64_MAX);
	q->code = wire_uint(w, UINT32_MAX);
	wire_close(w);
	return w->err;
}

static void print_queue(struct args *a, struct table *t, const char *country,
    const struct queue_line *q, const char *ref)
{
	const char *kind = hf_code_name(HF_CODES_KIND, q->kind);
	const char *last = cause_name((unsigned)q->code);
	char hex[2 * HF_ID_SIZE + 1], when[32], sequence[24], tries[24];
	json_t *o;

	if (a->out.mode != OUT_JSON) {
		snprintf(sequence, sizeof(sequence), "%llu",
		    (unsigned long long)q->sequence);
		snprintf(
		    tries, sizeof(tries), "%llu", (unsigned long long)q->tries);
		table_row(t, (const char *[]){country, sequence, ref, kind,
				 time_text(when, q->since), tries, last});
		return;
	}
	hf_hex(hex, &q->act, sizeof(q->act));
	o = json_pack("{s:s, s:I, s:s, s:s, s:s, s:I, s:s}", "country", country,
	    "sequence", (json_int_t)q->sequence, "ref", ref, "act", hex, "kind",
	    kind, "tries", (json_int_t)q->tries, "last", last);
	json_object_set_new(o, "since", time_json(q->since));
	out_json(o);
}

static enum hf_err queue_of(struct args *a, struct session *s, struct table *t,
    const char *country, unsigned *count)
{
	static struct queue_line page[HF_ARRAY_MAX];
	static struct case_names names;
	uint8_t cursor[CURSOR_MAX];
	size_t cursor_size = 0;
	enum hf_err err;

	do {
		struct answer answer;
		struct wire w;
		unsigned rows;

		err = call_rows(s, HF_OP_QUEUE, country,
		    bytes(cursor, cursor_size), &answer, &w, &rows);
		for (unsigned i = 0; err == HF_OK && i < rows; i++)
			err = read_queue(&w, &page[i]);
		if (err == HF_OK)
			err = next_page(&w, cursor, &cursor_size);
		/* as with the deadlines: names after the answer is read */
		*count += rows;
		for (unsigned i = 0; err == HF_OK && i < rows; i++)
			print_queue(a, t, country, &page[i],
			    case_name(&names, s->link, &page[i].case_id));
	} while (err == HF_OK && cursor_size > 0);
	return err;
}

static int run_queue(struct args *a)
{
	static const char *const headings[] = {"COUNTRY", "SEQUENCE", "CASE",
	    "KIND", "SINCE", "TRIES", "LAST", NULL};
	const struct country_doc *d;
	struct session s;
	struct table *t = NULL;
	unsigned count = 0;
	enum hf_err err = HF_OK;
	int status = session_open(&s, a, true);

	if (status != HF_EXIT_OK)
		return status;
	if (a->out.mode != OUT_JSON)
		t = table_new(headings);
	for (unsigned i = 0;
	     err == HF_OK && (d = roster_at(s.home.roster, i)) != NULL; i++)
		err = queue_of(a, &s, t, d->head.country.s, &count);
	table_print(t, &a->out);
	if (err != HF_OK)
		status = failed(a, &s, err);
	else if (a->out.mode == OUT_TABLE)
		printf("%s\n", count == 0
				   ? "nothing waits to be delivered"
				   : "what stands here is stored and signed; "
				     "delivery goes on by itself");
	session_close(&s);
	return status;
}

static int run_broker(struct args *a)
{
	static const char *const names[] = {NULL, "started", "ledger_size",
	    "acts", "cases", "outbox", "waiting", "clock_certain", "map_used",
	    "map_size", "desks_connected", "next_due", "witnessed_size",
	    "witnessed_at", "desk_connections", "desk_turned_away",
	    "peer_connections", "peer_turned_away", "answered_busy",
	    "store_pressure"};
	const int last = 19;
	struct session s;
	struct answer answer;
	struct wire w;
	json_t *o;
	int key;
	enum hf_err err;
	int status = session_open(&s, a, true);

	if (status != HF_EXIT_OK)
		return status;
	err = link_call(s.link, HF_OP_STATUS, bytes(NULL, 0), &answer);
	if (err != HF_OK) {
		status = failed(a, &s, err);
		session_close(&s);
		return status;
	}
	o = json_object();
	wire_init(&w, answer.map.data, answer.map.size);
	wire_map(&w, HF_MAP_MAX);
	while ((key = wire_key(&w)) >= 0) {
		if (key < 1 || key > last)
			wire_skip(&w);
		else if (key == 7)
			json_object_set_new(
			    o, names[key], json_boolean(wire_bool(&w)));
		else if (key == 1 || key == 11 || key == 13)
			json_object_set_new(
			    o, names[key], time_json(wire_time(&w)));
		else
			json_object_set_new(o, names[key],
			    json_integer((json_int_t)wire_uint(&w, INT64_MAX)));
	}
	wire_close(&w);
	if (a->out.mode == OUT_JSON) {
		out_json(o);
	} else {
		for (int i = 1; i <= last; i++) {
			char *text = json_dumps(
			    json_object_get(o, names[i]), JSON_ENCODE_ANY);

			printf(
			    "%-16s %s\n", names[i], text != NULL ? text : "-");
			free(text);
		}
		json_decref(o);
	}
	session_close(&s);
	return HF_EXIT_OK;
}

/* ---- tables ---- */

#define END \
	{ \
		NULL, 0, false, false, NULL, NULL \
	}
static const struct option_spec inbox_options[] = {
    {"mine", 0, false, false, NULL, "assigned to me"},
    {"unacked", 0, false, false, NULL, "not yet acknowledged"},
    {"overdue", 0, false, false, NULL, "past a deadline"},
    {"all", 0, false, false, NULL, "ended cases too"},
    {"watch", 0, false, false, NULL, "pushed events, until Ctrl-C"},
    {"after", 0, true, false, "SEQUENCE", "watch: also what came after this"},
    {"for", 0, true, false, "SECONDS", "watch: only so long"}, END};

#define NONE \
	{ \
		NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL \
	}

const struct command cmd_status[] = {
    {"status", NULL, "", "Who am I, previous login, what waits", "", CMD_READS,
	0, 0, NULL, run_status},
    NONE,
};
const struct command cmd_inbox[] = {
    {"inbox", NULL, "[--unacked|--overdue|--mine] [--watch]",
	"Cases that wait, or events as they come",
	"  holdfast inbox --overdue\n  holdfast inbox --watch\n", CMD_READS, 0,
	0, inbox_options, run_inbox},
    NONE,
};
const struct command cmd_deadline[] = {
    {"deadline", "ls", "", "Deadlines, soonest first", "", CMD_READS, 0, 0,
	NULL, run_deadlines},
    NONE,
};
const struct command cmd_peer[] = {
    {"peer", "ls", "", "Links to other countries' brokers", "", CMD_READS, 0, 0,
	NULL, run_peers},
    {"peer", "contacts", "CC", "Telephone, fax, mail of a contact point",
	"  holdfast peer contacts BR\n", CMD_READS | CMD_OFFLINE, 1, 1, NULL,
	run_contacts},
    NONE,
};
const struct command cmd_queue[] = {
    {"queue", "ls", "", "What is not yet delivered abroad", "", CMD_READS, 0, 0,
	NULL, run_queue},
    NONE,
};
const struct command cmd_broker[] = {
    {"broker", "status", "", "The own broker in figures", "", CMD_READS, 0, 0,
	NULL, run_broker},
    NONE,
};
