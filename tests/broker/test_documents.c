/* Country documents: in force, in the ledger, at the peers, at the gates
 * (SPEC 7). */
#include "tests/broker/wires.h"

#include "broker/engine/link.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define CONN 5000u

static uint32_t version_at(struct wires *w, const char *at, const char *of)
{
	const struct country_doc *d =
	    roster_doc(engine_roster(fed_node(w->f, at)->engine),
		fed_node(w->f, of)->country);

	return d == NULL ? 0 : d->head.version;
}

static struct reply ask(
    struct wires *w, const char *desk, unsigned op, struct hf_bytes args)
{
	return desk_ask(w, fed_officer(w->f, desk), CONN, op, args);
}

/* Bring a document in parts, as a client does.  Returns the last answer. */
static struct reply publish(
    struct wires *w, const char *desk, const uint8_t *bytes, size_t size)
{
	static struct args a;
	unsigned parts = (unsigned)((size + HF_DOC_PART - 1) / HF_DOC_PART);
	struct reply r = {.any = false};

	for (unsigned i = 0; i < parts; i++) {
		size_t at = (size_t)i * HF_DOC_PART;
		size_t n = size - at < HF_DOC_PART ? size - at : HF_DOC_PART;

		args_begin(&a, 3);
		args_uint(&a, 1, i);
		args_uint(&a, 2, parts);
		args_bin(&a, 3, bytes + at, n);
		r = ask(w, desk, HF_OP_PUBLISH, args_end(&a));
		if (r.code != HF_OK)
			break;
	}
	return r;
}

Test(documents, an_operator_publishes_and_the_peers_get_it)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 1);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	const struct country_doc *d;
	struct officer extra;
	struct reply r;

	wires_connect_all(w);
	wires_run(w);
	fed_more_officer(jp, &extra, "jp.ncp", ROLE_DUTY);
	fed_build(jp);
	r = publish(w, "jp.ncp", jp->doc->bytes, jp->doc->size);
	EXPECT("not an operator", r.code, HF_ROLE);
	r = publish(w, "jp.ops", jp->doc->bytes, jp->doc->size);
	EXPECT("operator", r.code, HF_OK);
	cr_assert_eq(reply_uint(&r, 1), 2);
	cr_assert_eq(version_at(w, "JP", "JP"), 2);
	wires_run(w);
	cr_assert_eq(version_at(w, "US", "JP"), 2);
	d = roster_doc(engine_roster(us->engine), jp->country);
	cr_assert_not(d->has_domestic, "abroad it travels without");
	EXPECT("the new officer speaks",
	    desk_ask(w, &extra, CONN + 1, HF_OP_HELLO, nothing).code, HF_OK);
	r = publish(w, "jp.ops", jp->doc->bytes, jp->doc->size);
	EXPECT("again", r.code, HF_DOC_OLD);
	node_restart(us);
	cr_assert_eq(version_at(w, "US", "JP"), 2, "it is stored");
	secret_free(extra.secret);
	wires_free(w);
}

Test(documents, a_peer_that_was_away_gets_the_newest_when_it_is_back)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 2);
	struct node *jp = fed_node(w->f, "JP");

	for (unsigned i = 0; i < 3; i++) {
		fed_build(jp);
		fed_give(jp, jp);
	}
	cr_assert_eq(version_at(w, "US", "JP"), 1);
	wires_connect_all(w);
	wires_run(w);
	cr_assert_eq(version_at(w, "US", "JP"), 4);
	wires_free(w);
}

Test(documents, parts_out_of_order_are_refused)
{
	static const unsigned wrong[][2] = {
	    {1, 2}, {0, 0}, {2, 2}, {0, 100}, {5, 3}};
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", NULL), 3);

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		args_begin(&a, 3);
		args_uint(&a, 1, wrong[i][0]);
		args_uint(&a, 2, wrong[i][1]);
		args_bin(&a, 3, "x", 1);
		EXPECT("part",
		    ask(w, "jp.ops", HF_OP_PUBLISH, args_end(&a)).code,
		    HF_FRAME);
	}
	EXPECT("junk", publish(w, "jp.ops", (const uint8_t *)"junk", 4).code,
	    HF_TYPE);
	wires_free(w);
}

Test(documents, whoever_is_left_out_is_cut)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 4);
	struct node *jp = fed_node(w->f, "JP");
	struct hf_key isp =
	    secret_transport_key(fed_officer(w->f, "jp.isp")->secret);
	struct hf_key ncp =
	    secret_transport_key(fed_officer(w->f, "jp.ncp")->secret);

	for (unsigned i = 0; i < jp->entry_count; i++)
		if (jp->entries[i].type == ENTRY_OFFICER &&
		    strcmp(jp->entries[i].u.officer.desk.s, "jp.isp") == 0)
			jp->entries[i] = jp->entries[--jp->entry_count];
	fed_publish(jp);
	cr_assert(wires_was_cut(w, "JP", &isp));
	cr_assert_not(wires_was_cut(w, "JP", &ncp));
	cr_assert_not(wires_was_cut(w, "US", &isp), "never admitted there");
	wires_free(w);
}

static void sign_other(struct node *n)
{
	struct country_doc *held = n->doc;

	n->doc = NULL; /* as if it had never been published */
	n->fed->now.ms += 1000;
	fed_build(n);
	country_doc_free(held);
}

Test(documents, two_of_one_version_are_kept_as_proof)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 5);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");

	sign_other(jp);
	cr_assert_eq(jp->doc->head.version, 1);
	fed_give(us, jp);
	cr_assert_eq(node_statements(us, HF_ENTRY_CONFLICT, NULL), 1);
	cr_assert_eq(node_rows(us, TABLE_CONFLICTS), 1);
	fed_give(us, jp);
	cr_assert_eq(node_statements(us, HF_ENTRY_CONFLICT, NULL), 1, "once");
	wires_free(w);
}

/* SPEC 7.6: BR says that JP's broker is its own. */
Test(documents, a_broker_key_of_another_country_is_kept_as_proof)
{
	struct wires *w = wires_new(fed_running("BR", "JP", "US", NULL), 7);
	struct node *br = fed_node(w->f, "BR"), *jp = fed_node(w->f, "JP"),
		    *us = fed_node(w->f, "US");
	struct hf_key taken = secret_transport_key(jp->broker);
	uint8_t buffer[HF_PAYLOAD_MAX];
	struct hf_statement s;
	unsigned before = br->doc->head.version;

	for (unsigned i = 0; i < br->entry_count; i++)
		if (br->entries[i].type == ENTRY_BROKER)
			br->entries[i].u.broker.transport = taken;
	fed_build(br);
	fed_give(us, br);
	cr_assert_eq(
	    roster_doc(engine_roster(us->engine), br->country)->head.version,
	    before);
	cr_assert_eq(node_rows(us, TABLE_CONFLICTS), 1);
	cr_assert(node_last_statement(us, HF_ENTRY_CONFLICT, &s, buffer));
	cr_assert_eq(s.code, HF_KEY_CLAIMED);
	cr_assert_eq(s.text.size, 5);
	cr_assert_eq(memcmp(s.text.data, "BR JP", 5), 0);
	fed_give(us, br);
	cr_assert_eq(node_statements(us, HF_ENTRY_CONFLICT, NULL), 1, "once");
	node_restart(us);
	cr_assert_not_null(roster_doc(engine_roster(us->engine), jp->country));
	wires_free(w);
}

Test(documents, a_country_that_is_unpinned_is_cut_until_it_is_pinned_again)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 6);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct hf_key broker = secret_transport_key(us->broker);
	struct event ev = node_event(jp, EVENT_UNPIN);
	unsigned before;

	wires_connect_all(w);
	wires_run(w);
	before = node_statements(jp, HF_ENTRY_ROSTER, NULL);
	ev.country = us->country;
	node_turn(jp, &ev);
	cr_assert(wires_was_cut(w, "JP", &broker));
	cr_assert_eq(version_at(w, "JP", "US"), 0);
	cr_assert_not(link_is_up(jp->engine, us->country));
	wires_inject(w, "US", "JP", "\x92\x0a\x01", 3);
	cr_assert_eq(w->flying_count, 0, "not even a pong");
	ev = node_event(jp, EVENT_PIN);
	ev.country = us->country;
	ev.key = secret_sign_key(us->root);
	node_turn(jp, &ev);
	cr_assert_eq(version_at(w, "JP", "US"), 1, "what is held is valid");
	cr_assert_eq(node_statements(jp, HF_ENTRY_ROSTER, NULL), before + 2);
	ev.key = secret_sign_key(jp->root);
	node_turn(jp, &ev); /* another root of a pinned country: refused */
	cr_assert_eq(node_statements(jp, HF_ENTRY_ROSTER, NULL), before + 2);
	wires_free(w);
}

/* All parts of a document that a desk fetches; version 0: the newest. */
static struct country_doc *fetch(
    struct wires *w, const char *desk, struct node *of, uint32_t version)
{
	static uint8_t bytes[HF_DOC_MAX];
	static struct args a;
	struct hf_key root = secret_sign_key(of->root);
	struct country_doc *d = NULL;
	uint64_t parts = 1;
	unsigned clause;
	size_t size = 0;

	for (unsigned i = 0; i < parts; i++) {
		struct hf_bytes b;
		struct reply r;
		struct wire at;

		args_begin(&a, version == 0 ? 2 : 3);
		pack_uint(&a.p, 1);
		pack_text(&a.p, of->country.s);
		args_uint(&a, 2, i);
		if (version != 0)
			args_uint(&a, 3, version);
		r = ask(w, desk, HF_OP_DOCUMENT, args_end(&a));
		EXPECT("part", r.code, HF_OK);
		parts = reply_uint(&r, 1);
		cr_assert(reply_has(&r, 2, &at));
		b = wire_bin(&at, 1, HF_DOC_PART);
		memcpy(bytes + size, b.data, b.size);
		size += b.size;
	}
	EXPECT("document", country_doc_open(&d, bytes, size, &root, &clause),
	    HF_OK);
	return d;
}

Test(documents, a_desk_fetches_the_roster)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 7);
	struct country_doc *own, *other;
	struct reply r = ask(w, "jp.ncp", HF_OP_ROSTER, nothing);
	struct event ev;
	struct wire at;

	cr_assert(reply_has(&r, 1, &at));
	cr_assert_eq(wire_array(&at, 2, 2), 2);
	wire_array(&at, 6, 6);
	for (unsigned i = 0; i < 5; i++)
		wire_skip(&at);
	cr_assert_eq(wire_time(&at).ms, FED_START_MS, "when it came");
	own = fetch(w, "jp.ncp", fed_node(w->f, "JP"), 0);
	cr_assert(own->has_domestic);
	/* even if configuration brought a foreign one whole */
	ev = node_event(fed_node(w->f, "JP"), EVENT_DOCUMENT);
	ev.frame = bytes_of(
	    fed_node(w->f, "US")->doc->bytes, fed_node(w->f, "US")->doc->size);
	node_turn(fed_node(w->f, "JP"), &ev);
	other = fetch(w, "jp.ncp", fed_node(w->f, "US"), 0);
	cr_assert_not(other->has_domestic);
	country_doc_free(own);
	country_doc_free(other);
	wires_free(w);
}

/* Auditors judge an act by the roster of its time. */
Test(documents, every_version_that_was_in_force_is_there)
{
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 9);
	struct node *us = fed_node(w->f, "US");
	struct event ev = node_event(fed_node(w->f, "JP"), EVENT_DOCUMENT);
	struct country_doc *d;

	ev.frame = bytes_of(us->doc->bytes, us->doc->size);
	node_turn(fed_node(w->f, "JP"), &ev); /* whole, by configuration */
	for (unsigned i = 0; i < 2; i++) {
		fed_publish(fed_node(w->f, "JP"));
		fed_publish(us);
	}
	for (uint32_t version = 0; version <= 3; version++) {
		d = fetch(w, "jp.aud", fed_node(w->f, "JP"), version);
		cr_assert_eq(d->head.version, version == 0 ? 3 : version);
		cr_assert(d->has_domestic);
		country_doc_free(d);
		d = fetch(w, "jp.aud", us, version);
		cr_assert_eq(d->head.version, version == 0 ? 3 : version);
		cr_assert_not(d->has_domestic, "of another country");
		country_doc_free(d);
	}
	for (uint64_t version = 4; version != 0;
	     version = version == 4 ? UINT64_MAX : 0) {
		args_begin(&a, 2);
		pack_uint(&a.p, 1);
		pack_text(&a.p, "US");
		args_uint(&a, 3, version);
		EXPECT("none yet",
		    ask(w, "jp.aud", HF_OP_DOCUMENT, args_end(&a)).code,
		    HF_UNKNOWN_ACT);
	}
	wires_free(w);
}

Test(documents, who_is_not_pinned_is_not_unpinned)
{
	struct federation *f = fed_running("JP", NULL);
	struct node *jp = fed_node(f, "JP");
	struct event ev = node_event(jp, EVENT_UNPIN);
	uint64_t size = jp->size;

	memcpy(ev.country.s, "BR", 3);
	node_turn(jp, &ev);
	cr_assert_eq(jp->size, size, "nothing is on record");
	fed_free(f);
}

/* Nobody is left who may speak. */
Test(documents, who_trusts_not_even_itself_cuts_everybody)
{
	struct wires *w = wires_new(fed_running("JP", NULL), 20);
	struct node *jp = fed_node(w->f, "JP");
	struct event ev = node_event(jp, EVENT_UNPIN);

	ev.country = jp->country;
	node_turn(jp, &ev);
	for (unsigned i = 0; i < FED_DESKS; i++) {
		struct hf_key key =
		    secret_transport_key(jp->officers[i].secret);

		cr_assert(wires_was_cut(w, "JP", &key), "desk %u", i);
	}
	wires_free(w);
}

#define MORE_OFFICERS 190u

Test(documents, a_long_one_travels_in_parts)
{
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 21);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	static struct officer more[MORE_OFFICERS];
	struct country_doc *d;
	struct reply r;

	wires_connect_all(w);
	wires_run(w);
	for (unsigned i = 0; i < MORE_OFFICERS; i++)
		fed_more_officer(jp, &more[i], "jp.ncp", ROLE_DUTY);
	fed_build(jp);
	cr_assert_gt(jp->doc->size, HF_DOC_PART);
	r = publish(w, "jp.ops", jp->doc->bytes, jp->doc->size);
	EXPECT("operator", r.code, HF_OK);
	w->carried[HF_LINK_DOCUMENT] = 0;
	wires_run(w);
	cr_assert_geq(w->carried[HF_LINK_DOCUMENT], 2);
	cr_assert_eq(version_at(w, "US", "JP"), 2);
	cr_assert_not_null(roster_officer(
	    engine_roster(us->engine), jp->country, &more[0].sign));
	d = fetch(w, "jp.ncp", jp, 0);
	cr_assert_eq(d->size, jp->doc->size);
	country_doc_free(d);
	for (unsigned i = 0; i < MORE_OFFICERS; i++)
		secret_free(more[i].secret);
	wires_free(w);
}

/* A broker's key that its country gave up is another's, also after a start. */
Test(documents, a_key_that_changed_hands_stays_with_who_has_it)
{
	struct wires *w = wires_new(fed_running("BR", "JP", "US", NULL), 22);
	struct node *br = fed_node(w->f, "BR"), *jp = fed_node(w->f, "JP"),
		    *us = fed_node(w->f, "US");
	struct hf_key key = secret_transport_key(us->broker);
	const struct broker_entry *b;
	struct hf_country who;

	for (unsigned i = 0; i < us->entry_count; i++)
		if (us->entries[i].type == ENTRY_BROKER)
			us->entries[i].u.broker.transport =
			    secret_transport_key(us->officers[AUD].secret);
	fed_publish(us);
	for (unsigned i = 0; i < jp->entry_count; i++)
		if (jp->entries[i].type == ENTRY_BROKER)
			jp->entries[i].u.broker.transport = key;
	fed_publish(jp);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(version_at(w, "BR", "US"), 2);
		cr_assert_eq(version_at(w, "BR", "JP"), 2);
		b = roster_broker_by_transport(
		    engine_roster(br->engine), &key, &who);
		cr_assert_not_null(b);
		cr_assert_str_eq(who.s, "JP");
		node_restart(br);
	}
	cr_assert_eq(node_statements(br, HF_ENTRY_CONFLICT, NULL), 0);
	wires_free(w);
}

/* A country begins anew under another root: what the old one signed is not
 * shown as its document. */
Test(documents, what_another_root_signed_is_not_there)
{
	static struct args a;
	struct wires *w = wires_new(fed_running("JP", "US", NULL), 23);
	struct node *jp = fed_node(w->f, "JP"), *us = fed_node(w->f, "US");
	struct event ev = node_event(jp, EVENT_UNPIN);
	struct secret *first = us->root;
	struct hf_key registrar = secret_sign_key(us->registrar);
	struct country_doc *d;

	d = fetch(w, "jp.aud", us, 1);
	country_doc_free(d);
	ev.country = us->country;
	node_turn(jp, &ev);
	us->root = secret_new(SECRET_ROOT);
	EXPECT("certify",
	    country_certify(us->country, 1, &registrar, 1,
		(struct instant){w->f->now.ms - 1000},
		(struct instant){w->f->now.ms + 86400000}, 1, us->root,
		us->certificate, sizeof(us->certificate),
		&us->certificate_size),
	    HF_OK);
	country_doc_free(us->doc);
	us->doc = NULL;
	fed_build(us);
	fed_build(us);
	ev = node_event(jp, EVENT_PIN);
	ev.country = us->country;
	ev.key = secret_sign_key(us->root);
	node_turn(jp, &ev);
	fed_give(jp, us);
	for (uint32_t version = 1; version <= 2; version++) {
		args_begin(&a, 2);
		pack_uint(&a.p, 1);
		pack_text(&a.p, "US");
		args_uint(&a, 3, version);
		EXPECT("version",
		    ask(w, "jp.aud", HF_OP_DOCUMENT, args_end(&a)).code,
		    version == 1 ? HF_UNKNOWN_ACT : HF_OK);
	}
	secret_free(first);
	wires_free(w);
}

Test(documents, there_is_room_for_so_many_countries)
{
	struct federation *f = fed_running("JP", NULL);
	struct node *jp = fed_node(f, "JP");
	struct event ev = node_event(jp, EVENT_PIN);

	ev.key = secret_sign_key(jp->root);
	turn_begin(jp);
	for (unsigned i = 1; i <= HF_COUNTRY_MAX; i++) {
		ev.country.s[0] = (char)('A' + i / 26);
		ev.country.s[1] = (char)('A' + i % 26);
		EXPECT("pin", engine_step(jp->engine, &ev),
		    i < HF_COUNTRY_MAX ? HF_OK : HF_TOO_MANY);
	}
	turn_end(jp);
	cr_assert_eq(node_statements(jp, HF_ENTRY_ROSTER, NULL),
	    2 + HF_COUNTRY_MAX - 1, "pin and document of JP, and the others");
	fed_free(f);
}
