/* The brokers of the office, and its people's homes. */
#include "tests/desk/office.h"

#include "broker/engine/intake.h"
#include "proto/crypto.h"
#include "proto/ref.h"
#include "tests/broker/wires.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONN 50u /* the first desk's */

static struct wires *wires;
static char dir[64];
static struct caught *pushed; /* the event that was lent */
static unsigned answered;     /* the frame that was lent, and one more */

const char *office_dir(void)
{
	return dir;
}

const char *office_home(const char *desk)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, desk);
	return path;
}

uint64_t office_now_ms(void)
{
	return wires->f->now.ms;
}

/* ---- documents ---- */

/* A sealing key that the desk's officers have, as `country build` makes it. */
static void wrap_key(struct node *n, struct desk_entry *d)
{
	uint8_t secret[HF_KEY_SIZE], ephemeral[HF_KEY_SIZE];
	unsigned count = n->entry_count;

	sealing_pair(&d->sealing, secret);
	for (unsigned i = 0; i < count; i++) {
		const struct officer_entry *o = &n->entries[i].u.officer;
		struct country_entry e = {.type = ENTRY_WRAP, .domestic = true};

		if (n->entries[i].type != ENTRY_OFFICER ||
		    strcmp(o->desk.s, d->desk.s) != 0)
			continue;
		e.u.wrap.desk = d->desk;
		e.u.wrap.epoch = d->epoch;
		e.u.wrap.officer = o->sign;
		hf_random(ephemeral, sizeof(ephemeral));
		cr_assert_eq(
		    hf_box_seal(e.u.wrap.sealed, secret, &o->unwrap, ephemeral),
		    HF_OK);
		fed_entry(n, &e);
	}
}

static void add_profile(struct node *n, const char *name)
{
	struct country_entry e = {.type = ENTRY_PROFILE};

	e.u.profile = *hf_profile_by_name(name);
	fed_entry(n, &e);
}

static void complete(struct node *n)
{
	unsigned count = n->entry_count;

	for (unsigned i = 0; i < count; i++)
		if (n->entries[i].type == ENTRY_DESK)
			wrap_key(n, &n->entries[i].u.desk);
	add_profile(n, "budapest");
	add_profile(n, "eu");
	add_profile(n, n->country.s[0] == 'J'   ? "japan"
		       : n->country.s[0] == 'U' ? "us-2703f"
						: "domestic");
	fed_build(n);
}

static void write_file(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f, "%s", path);
	cr_assert_eq(fwrite(data, 1, size, f), size);
	cr_assert_eq(fclose(f), 0);
}

void office_document(const char *country, const char *name, bool abroad)
{
	const struct country_doc *d = fed_node(wires->f, country)->doc;
	uint8_t *stripped = NULL;
	size_t size = d->size;
	char path[192];

	if (abroad)
		cr_assert_eq(country_doc_strip(d, &stripped, &size), HF_OK);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	write_file(path, abroad ? stripped : d->bytes, size);
	free(stripped);
}

void office_keys(const char *country, const char *root, const char *registrar)
{
	const struct node *n = fed_node(wires->f, country);

	cr_assert_eq(secret_save(n->root, root, NULL), HF_OK);
	cr_assert_eq(secret_save(n->registrar, registrar, NULL), HF_OK);
}

/* ---- homes ---- */

static void put(const char *desk, const char *name, const char *text)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", office_home(desk), name);
	write_file(path, text, strlen(text));
}

static void make(const char *desk, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", office_home(desk), name);
	cr_assert_eq(mkdir(path, 0700), 0, "%s", path);
}

static void make_home(struct node *n, const struct officer *o)
{
	char text[512], key[HF_KEYLINE_MAX], path[192];
	struct hf_key transport = secret_transport_key(n->broker);

	make(o->desk.s, "");
	make(o->desk.s, "contexts");
	make(o->desk.s, "pins");
	make(o->desk.s, "docs");
	make(o->desk.s, "outbox");
	hf_keyline(key, HF_KEY_BROKER, &transport);
	snprintf(text, sizeof(text),
	    "{\"broker\":\"tcp://127.0.0.1:9\",\"broker_key\":\"%s\","
	    "\"country\":\"%s\",\"desk\":\"%s\"}",
	    key, n->country.s, o->desk.s);
	put(o->desk.s, "contexts/default.json", text);
	put(o->desk.s, "current", "default\n");
	snprintf(path, sizeof(path), "%s/officer.key", office_home(o->desk.s));
	cr_assert_eq(secret_save(o->secret, path, NULL), HF_OK);
	for (unsigned i = 0; i < wires->f->count; i++) {
		const struct node *of = &wires->f->nodes[i];
		struct hf_key root = secret_sign_key(of->root);

		hf_keyline(key, HF_KEY_ROOT, &root);
		snprintf(text, sizeof(text), "%s\n", key);
		snprintf(path, sizeof(path), "pins/%s.pin", of->country.s);
		put(o->desk.s, path, text);
		snprintf(path, sizeof(path), "%s/docs/%s.hfd", o->desk.s,
		    of->country.s);
		office_document(of->country.s, path, of != n);
	}
}

void office_begin(void)
{
	const char *tmp = getenv("TMPDIR");
	struct federation *f = fed_new("JP", "US", "DE", NULL);

	for (unsigned i = 0; i < f->count; i++)
		complete(&f->nodes[i]);
	fed_start(f);
	wires = wires_new(f, 1);
	wires_connect_all(wires);
	wires_run(wires);
	snprintf(
	    dir, sizeof(dir), "%s/hf-desk-XXXXXX", tmp != NULL ? tmp : "/tmp");
	cr_assert_not_null(mkdtemp(dir));
	make("work", "");
	for (unsigned i = 0; i < f->count; i++)
		for (unsigned j = 0; j < FED_DESKS; j++)
			make_home(&f->nodes[i], &f->nodes[i].officers[j]);
}

static int remove_one(
    const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void office_end(void)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	wires_free(wires);
	wires = NULL;
}

void office_wait(uint64_t ms)
{
	wires_run_for(wires, ms, ms > 20000 ? ms / 20 : ms > 1000 ? 1000 : ms);
}

void office_cut(void)
{
	wires_cut(wires, "JP", "US");
}

/* ---- links ---- */

static const struct officer *who(const struct hf_key *key, uint64_t *conn)
{
	for (unsigned i = 0; i < wires->f->count; i++)
		for (unsigned j = 0; j < FED_DESKS; j++) {
			const struct officer *o =
			    &wires->f->nodes[i].officers[j];
			struct hf_key k = secret_transport_key(o->secret);

			*conn = CONN + i * FED_DESKS + j;
			if (same_key(&k, key))
				return o;
		}
	return NULL;
}

static void drop(unsigned at)
{
	free(wires->caught[at].bytes);
	memmove(&wires->caught[at], &wires->caught[at + 1],
	    (wires->caught_count - at - 1) * sizeof(*wires->caught));
	wires->caught_count--;
}

/* What was lent ends. */
static void take_back(void)
{
	if (answered > 0)
		drop(answered - 1);
	answered = 0;
	if (pushed != NULL)
		free(pushed->bytes);
	free(pushed);
	pushed = NULL;
}

enum hf_err office_ask(const struct hf_key *officer, enum hf_op op,
    struct hf_bytes args, struct hf_bytes *map, struct hf_bytes *receipt)
{
	uint64_t conn;
	const struct officer *o = who(officer, &conn);
	struct reply r;

	take_back();
	if (o == NULL)
		return HF_NOT_IN_ROSTER;
	r = desk_ask(wires, o, conn, op, args);
	if (!r.any) /* the connection was cut */
		return HF_NOT_IN_ROSTER;
	for (unsigned i = 0; i < wires->caught_count; i++)
		if (r.map.data >= wires->caught[i].bytes &&
		    r.map.data < wires->caught[i].bytes + wires->caught[i].size)
			answered = i + 1;
	*map = r.map;
	*receipt = r.receipt;
	return r.code;
}

static bool read_event(
    const struct caught *c, uint64_t *sequence, struct hf_bytes *map)
{
	struct wire at;

	wire_init(&at, c->bytes, c->size);
	wire_array(&at, 4, 5);
	if (wire_uint(&at, 255) != HF_EVENT)
		return false;
	wire_skip(&at);
	*sequence = wire_uint(&at, UINT64_MAX);
	*map = wire_skip(&at);
	return at.err == HF_OK;
}

bool office_event(
    const struct hf_key *officer, uint64_t *sequence, struct hf_bytes *map)
{
	uint64_t conn;

	take_back();
	if (who(officer, &conn) == NULL)
		return false;
	for (unsigned i = 0; i < wires->caught_count; i++) {
		if (wires->caught[i].conn != conn ||
		    !read_event(&wires->caught[i], sequence, map))
			continue;
		pushed = malloc(sizeof(*pushed));
		*pushed = wires->caught[i];
		wires->caught[i].bytes = NULL;
		drop(i);
		return true;
	}
	return false;
}
