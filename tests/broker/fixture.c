/* The federation in memory: countries, documents, turns, carrying. */
#include "tests/broker/fixture.h"

#include "broker/engine/intake.h"
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define YEAR_MS (UINT64_C(365) * 86400000)

static const struct {
	const char *name;
	unsigned type, role;
} desks[FED_DESKS] = {
    [NCP] = {"ncp", DESK_CONTACT_POINT, ROLE_DUTY},
    [ISP] = {"isp", DESK_PROVIDER, ROLE_LIAISON},
    [ISP2] = {"isp2", DESK_PROVIDER, ROLE_LIAISON},
    [AUD] = {"aud", DESK_AUDITOR, ROLE_AUDITOR},
    [OPS] = {"ops", DESK_OPERATOR, ROLE_OPERATOR},
    [CA] = {"ca", DESK_CENTRAL_AUTHORITY, ROLE_AUTHORISER},
};

static void must(enum hf_err err, const char *what)
{
	cr_assert_eq(err, HF_OK, "fixture: %s: %s %s", what,
	    hf_err_info(err)->name, hf_err_text(err));
}

static struct instant ms_from(struct instant t, uint64_t ms)
{
	return (struct instant){t.ms + ms};
}

/* ---- countries ---- */

void fed_entry(struct node *n, const struct country_entry *entry)
{
	cr_assert_lt(n->entry_count, FED_ENTRIES);
	n->entries[n->entry_count++] = *entry;
}

static void add_broker(struct node *n)
{
	struct country_entry entry = {.type = ENTRY_BROKER};
	struct broker_entry *b = &entry.u.broker;

	n->broker = secret_new(SECRET_BROKER);
	cr_assert_not_null(n->broker);
	b->transport = secret_transport_key(n->broker);
	b->ledger = secret_sign_key(n->broker);
	n->witness = secret_new(SECRET_REGISTRAR);
	cr_assert_not_null(n->witness);
	b->has_witness = true;
	b->witness = secret_sign_key(n->witness);
	b->epoch = n->epoch = 1;
	b->endpoint_count = 1;
	snprintf(b->endpoints[0], sizeof(b->endpoints[0]), "tcp://127.0.0.1:%u",
	    9000u + (unsigned)(n - n->fed->nodes));
	b->valid_from = ms_from(n->fed->now, 0);
	b->valid_from.ms -= YEAR_MS;
	b->valid_until = ms_from(n->fed->now, YEAR_MS);
	fed_entry(n, &entry);
}

static void desk_name(struct hf_desk *d, const struct node *n, const char *name)
{
	snprintf(d->s, sizeof(d->s), "%c%c.%s", n->country.s[0] | 0x20,
	    n->country.s[1] | 0x20, name);
}

static void add_desk(struct node *n, unsigned i)
{
	struct country_entry entry = {
	    .type = ENTRY_DESK, .domestic = desks[i].type == DESK_PROVIDER};
	struct desk_entry *d = &entry.u.desk;
	uint8_t sealing_secret[HF_KEY_SIZE];

	desk_name(&d->desk, n, desks[i].name);
	d->type = desks[i].type;
	snprintf(d->name, sizeof(d->name), "Desk %s", d->desk.s);
	sealing_pair(&d->sealing, sealing_secret);
	d->epoch = 1;
	d->language_count = 1;
	snprintf(d->languages[0], sizeof(d->languages[0]), "en");
	snprintf(d->telephone, sizeof(d->telephone), "+1 555 0100");
	d->means_count = 1;
	snprintf(d->means[0], sizeof(d->means[0]), "fax:+15550101");
	snprintf(d->hours, sizeof(d->hours), "Mo-Su 00:00-24:00");
	snprintf(d->zone, sizeof(d->zone), "UTC");
	fed_entry(n, &entry);
}

void fed_more_officer(
    struct node *n, struct officer *o, const char *desk, unsigned role)
{
	bool provider = strstr(desk, ".isp") != NULL;
	struct country_entry entry = {
	    .type = ENTRY_OFFICER, .domestic = provider};
	struct officer_entry *oe = &entry.u.officer;

	o->secret = secret_new(SECRET_OFFICER);
	cr_assert_not_null(o->secret);
	snprintf(o->desk.s, sizeof(o->desk.s), "%s", desk);
	o->role = role;
	o->sign = secret_sign_key(o->secret);
	oe->sign = o->sign;
	oe->desk = o->desk;
	oe->role = role;
	oe->valid_from = (struct instant){n->fed->now.ms - YEAR_MS};
	oe->valid_until = ms_from(n->fed->now, YEAR_MS);
	oe->transport = secret_transport_key(o->secret);
	oe->unwrap = secret_unwrap_key(o->secret);
	snprintf(oe->name, sizeof(oe->name), "Officer of %s", desk);
	fed_entry(n, &entry);
}

static void add_profiles(struct node *n)
{
	const struct hf_profile *test = hf_profile_by_name("test");
	struct country_entry entry = {.type = ENTRY_PROFILE};

	cr_assert_not_null(test);
	entry.u.profile = *test;
	fed_entry(n, &entry);
}

void fed_build(struct node *n)
{
	struct secret *signers[1] = {n->registrar};
	struct country_doc *previous = n->doc;
	struct hf_key root = secret_sign_key(n->root);
	uint8_t *bytes = NULL;
	unsigned clause = 0;
	size_t size = 0;

	must(country_build(bytes_of(n->certificate, n->certificate_size),
		 previous, previous == NULL ? 1 : previous->head.version + 1,
		 n->entries, n->entry_count, n->fed->now,
		 ms_from(n->fed->now, YEAR_MS), signers, 1, &bytes, &size),
	    "country_build");
	must(country_doc_open(&n->doc, bytes, size, &root, &clause),
	    "country_doc_open");
	free(bytes);
	country_doc_free(previous);
}

static void make_country(struct federation *f, struct node *n, const char *code)
{
	struct hf_key registrar;

	n->fed = f;
	n->clock_certain = true;
	snprintf(n->country.s, sizeof(n->country.s), "%s", code);
	n->root = secret_new(SECRET_ROOT);
	n->registrar = secret_new(SECRET_REGISTRAR);
	cr_assert(n->root != NULL && n->registrar != NULL);
	registrar = secret_sign_key(n->registrar);
	must(country_certify(n->country, 1, &registrar, 1,
		 (struct instant){f->now.ms - YEAR_MS},
		 ms_from(f->now, YEAR_MS), 1, n->root, n->certificate,
		 sizeof(n->certificate), &n->certificate_size),
	    "country_certify");
	add_broker(n);
	add_profiles(n);
	for (unsigned i = 0; i < FED_DESKS; i++)
		add_desk(n, i);
	for (unsigned i = 0; i < FED_DESKS; i++) {
		struct hf_desk d;

		desk_name(&d, n, desks[i].name);
		fed_more_officer(n, &n->officers[i], d.s, desks[i].role);
	}
	fed_build(n);
}

struct federation *fed_new_of(const char *const *countries, unsigned count)
{
	struct federation *f = calloc(1, sizeof(*f));

	cr_assert_not_null(f);
	cr_assert_leq(count, FED_COUNTRIES);
	must(hf_crypto_init(), "hf_crypto_init");
	f->now.ms = FED_START_MS;
	while (f->count < count) {
		make_country(f, &f->nodes[f->count], countries[f->count]);
		f->count++;
	}
	return f;
}

static struct federation *fed_make(const char *first, va_list more)
{
	const char *countries[FED_COUNTRIES];
	unsigned count = 0;

	for (const char *code = first; code != NULL;
	     code = va_arg(more, const char *)) {
		cr_assert_lt(count, FED_COUNTRIES);
		countries[count++] = code;
	}
	return fed_new_of(countries, count);
}

struct federation *fed_new(const char *first, ...)
{
	struct federation *f;
	va_list more;

	va_start(more, first);
	f = fed_make(first, more);
	va_end(more);
	return f;
}

struct federation *fed_running(const char *first, ...)
{
	struct federation *f;
	va_list more;

	va_start(more, first);
	f = fed_make(first, more);
	va_end(more);
	fed_start(f);
	return f;
}

struct node *fed_node(struct federation *f, const char *country)
{
	for (unsigned i = 0; i < f->count; i++)
		if (strcmp(f->nodes[i].country.s, country) == 0)
			return &f->nodes[i];
	cr_assert_fail("fixture: no country %s", country);
	return NULL;
}

struct officer *fed_officer(struct federation *f, const char *desk)
{
	for (unsigned i = 0; i < f->count; i++)
		for (unsigned j = 0; j < FED_DESKS; j++)
			if (strcmp(f->nodes[i].officers[j].desk.s, desk) == 0)
				return &f->nodes[i].officers[j];
	cr_assert_fail("fixture: no officer at %s", desk);
	return NULL;
}

void fed_wait(struct federation *f, uint64_t seconds)
{
	f->now.ms += seconds * 1000;
}

/* ---- brokers ---- */

void node_open_store(struct node *n)
{
	struct store_options options = {
	    .dir = n->dir, .map_size = 64u << 20, .key_slots = 64};

	if (n->map_size != 0)
		options.map_size = n->map_size;

	must(store_open(&n->store, &options), "store_open");
}

void (*fed_before_turn)(struct node *n, const struct event *ev);
void (*fed_before_part)(
    struct node *n, enum hf_err (*part)(struct node *n, void *ctx), void *ctx);
static bool whole_turn; /* fed_before_turn has seen it */

static enum hf_err do_part(
    struct node *n, enum hf_err (*part)(struct node *n, void *ctx), void *ctx)
{
	if (fed_before_part != NULL && !whole_turn)
		fed_before_part(n, part, ctx);
	return part(n, ctx);
}

struct opening {
	const struct engine_options *options;
	struct txn *txn;
};

static enum hf_err part_open(struct node *n, void *ctx)
{
	struct opening *o = ctx;

	return engine_open(
	    &n->engine, o->options, o->txn, n->size, &n->root_hash);
}

void node_open_engine(struct node *n)
{
	struct engine_options options = {
	    .country = n->country,
	    .epoch = n->epoch,
	    .ledger_key = secret_sign_key(n->broker),
	    .transport_key = secret_transport_key(n->broker),
	    .quota_acts_per_minute = n->quota,
	    .witness_quorum = 1,
	    .witness_max_age_ms = 600000,
	    .accept_rollback = n->lost_size > 0,
	    .lost_size = n->lost_size,
	    .lost_root = n->lost_root,
	};
	struct opening o = {.options = &options};

	must(txn_begin(&o.txn, n->store), "txn_begin");
	must(do_part(n, part_open, &o), "engine_open");
	txn_abort(o.txn);
}

struct event node_event(struct node *n, enum event_type type)
{
	struct event ev = {
	    .type = type,
	    .now = {n->fed->now.ms + (uint64_t)n->wall_error_ms},
	    .mono_ms = n->fed->now.ms - FED_START_MS,
	    .bound_ms = 5,
	    .clock_certain = n->clock_certain,
	};

	put_be64(ev.chance, ++n->fed->chance);
	ev.chance[8] = (uint8_t)n->country.s[0];
	return ev;
}

static enum hf_err part_step(struct node *n, void *ev)
{
	return engine_step(n->engine, ev);
}

static void step(struct node *n, struct event *ev)
{
	must(do_part(n, part_step, ev), "engine_step");
}

void node_turn(struct node *n, const struct event *ev)
{
	struct event mine = *ev;

	if (fed_before_turn != NULL)
		fed_before_turn(n, ev);
	turn_begin(n);
	whole_turn = true;
	step(n, &mine);
	turn_end(n);
	whole_turn = false;
}

static void turn_of(struct node *n, struct event ev)
{
	node_turn(n, &ev);
}

void fed_give(struct node *to, const struct node *from)
{
	struct event ev = node_event(to, EVENT_DOCUMENT);
	uint8_t *stripped = NULL;
	size_t size = 0;

	ev.frame = bytes_of(from->doc->bytes, from->doc->size);
	if (to != from) {
		must(country_doc_strip(from->doc, &stripped, &size),
		    "country_doc_strip");
		ev.frame = bytes_of(stripped, size);
	}
	turn_of(to, ev);
	free(stripped);
}

static void pin(struct node *n, const struct node *other)
{
	struct event ev = node_event(n, EVENT_PIN);

	ev.country = other->country;
	ev.key = secret_sign_key(other->root);
	turn_of(n, ev);
}

static void start_node(struct node *n)
{
	struct federation *f = n->fed;
	const char *tmp = getenv("TMPDIR");

	cr_assert_lt(snprintf(n->dir, sizeof(n->dir), "%s/hf-fed-XXXXXX",
			 tmp != NULL ? tmp : "/tmp"),
	    (int)sizeof(n->dir));
	cr_assert_not_null(mkdtemp(n->dir));
	node_open_store(n);
	node_open_engine(n);
	turn_of(n, node_event(n, EVENT_START));
	for (unsigned i = 0; i < f->count; i++) {
		pin(n, &f->nodes[i]);
		fed_give(n, &f->nodes[i]);
	}
}

void fed_start(struct federation *f)
{
	for (unsigned i = 0; i < f->count; i++)
		start_node(&f->nodes[i]);
}

void fed_publish(struct node *n)
{
	fed_build(n);
	for (unsigned i = 0; i < n->fed->count; i++)
		fed_give(&n->fed->nodes[i], n);
}

void node_close(struct node *n)
{
	witness_close(n->cosigner);
	n->cosigner = NULL;
	signer_close(n->signer);
	n->signer = NULL;
	txn_abort(n->txn);
	effects_free(n->effects);
	engine_free(n->engine);
	store_close(n->store);
	n->txn = NULL;
	n->effects = NULL;
	n->engine = NULL;
	n->store = NULL;
}

void node_restart(struct node *n)
{
	node_close(n);
	node_open_store(n);
	node_open_engine(n);
	turn_of(n, node_event(n, EVENT_START));
	for (unsigned i = 0; i < n->fed->count; i++)
		pin(n, &n->fed->nodes[i]);
}

static void copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	static char block[1u << 16];
	size_t n;

	cr_assert(in != NULL && out != NULL);
	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		cr_assert_eq(fwrite(block, 1, n, out), n);
	fclose(in);
	cr_assert_eq(fclose(out), 0);
}

static void copy_dir(const char *from, const char *to)
{
	char source[512], target[512];
	DIR *dir = opendir(from);

	cr_assert_not_null(dir);
	for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(source, sizeof(source), "%s/%s", from, d->d_name);
		snprintf(target, sizeof(target), "%s/%s", to, d->d_name);
		copy_file(source, target);
	}
	closedir(dir);
}

void node_backup(struct node *n, char dir[NODE_DIR_MAX + 4])
{
	cr_assert_lt(snprintf(dir, NODE_DIR_MAX + 4, "%s-old", n->dir),
	    (int)(NODE_DIR_MAX + 4));
	cr_assert_eq(mkdir(dir, 0700), 0);
	node_close(n);
	copy_dir(n->dir, dir);
	node_open_store(n);
	node_open_engine(n);
	turn_of(n, node_event(n, EVENT_START));
}

/* The same transport and witness keys, another ledger key. */
static void next_epoch(struct node *n)
{
	struct country_entry entry = n->entries[0];
	struct secret *next = secret_next_epoch(n->broker);

	cr_assert_eq(entry.type, ENTRY_BROKER);
	cr_assert_not_null(next);
	secret_free(n->broker);
	n->broker = next;
	entry.u.broker.epoch = ++n->epoch;
	entry.u.broker.ledger = secret_sign_key(n->broker);
	fed_entry(n, &entry);
	fed_build(n);
}

static void remove_dir(const char *path);

void node_lose(struct node *n, const char *dir)
{
	node_close(n);
	copy_dir(dir, n->dir);
	remove_dir(dir);
	n->lost_size = n->size;
	n->lost_root = n->root_hash;
	n->size = 0;
	next_epoch(n);
	node_open_store(n);
	node_open_engine(n);
	turn_of(n, node_event(n, EVENT_START));
	for (unsigned i = 0; i < n->fed->count; i++)
		pin(n, &n->fed->nodes[i]);
	fed_give(n, n);
}

static void remove_dir(const char *path)
{
	char name[512];
	DIR *dir = opendir(path);

	if (dir == NULL)
		return;
	for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		unlink(name);
	}
	closedir(dir);
	rmdir(path);
}

void fed_free(struct federation *f)
{
	for (unsigned i = 0; i < f->count; i++) {
		struct node *n = &f->nodes[i];

		if (n->store != NULL)
			node_close(n);
		if (n->dir[0] != '\0')
			remove_dir(n->dir);
		for (unsigned j = 0; j < FED_DESKS; j++)
			secret_free(n->officers[j].secret);
		secret_free(n->root);
		secret_free(n->registrar);
		secret_free(n->broker);
		secret_free(n->witness);
		country_doc_free(n->doc);
	}
	free(f);
}

/* ---- turns ---- */

static struct event running; /* what direct calls of a turn see */

void turn_begin(struct node *n)
{
	cr_assert_null(n->txn, "fixture: a turn runs already");
	n->effects = effects_new();
	cr_assert_not_null(n->effects);
	must(txn_begin(&n->txn, n->store), "txn_begin");
	must(engine_begin(n->engine, n->txn, n->effects), "engine_begin");
	running = node_event(n, EVENT_TIMER);
	must(engine_step(n->engine, &running), "engine_step");
	n->engine->event = &running;
}

size_t node_note(struct node *n, uint64_t size, const struct hf_hash *root,
    char note[HF_NOTE_MAX])
{
	struct hf_key key = secret_sign_key(n->broker);
	char origin[HF_ORIGIN_MAX], text[HF_NOTE_MAX];
	struct hf_sig sig;
	size_t text_size, note_size;

	hf_origin(origin, n->country, n->epoch);
	text_size = hf_checkpoint_text(text, sizeof(text), origin, size, root);
	cr_assert_gt(text_size, 0);
	sig = secret_sign(n->broker, text, text_size);
	must(hf_checkpoint_note(
		 note, HF_NOTE_MAX, &note_size, text, origin, &key, &sig),
	    "hf_checkpoint_note");
	return note_size;
}

void node_signer(struct node *n)
{
	char origin[HF_ORIGIN_MAX], path[100];

	hf_origin(origin, n->country, 1);
	snprintf(path, sizeof(path), "%s/signer.mem", n->dir);
	must(signer_open(&n->signer, path, origin, n->broker), "signer_open");
	signer_last(n->signer, &n->size, &n->root_hash);
}

/* As the signer process would. */
static size_t remember(struct node *n, struct txn *t, uint64_t size,
    const struct hf_hash *root, char note[HF_NOTE_MAX])
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	unsigned count = 0;
	size_t note_size;

	if (n->signer == NULL)
		node_signer(n);
	if (n->size > 0)
		must(engine_consistency(
			 n->engine, t, n->size, size, path, &count),
		    "engine_consistency");
	must(signer_sign(n->signer, size, root, n->size, path, count, note,
		 HF_NOTE_MAX, &note_size),
	    "signer_sign");
	return note_size;
}

struct receipts {
	struct txn *txn;
	struct hf_bytes note;
};

static enum hf_err part_receipts(struct node *n, void *ctx)
{
	struct receipts *r = ctx;

	return engine_receipts(n->engine, r->txn, r->note, n->effects);
}

static void sign_head(struct node *n, uint64_t size, const struct hf_hash *root)
{
	struct receipts r;
	char note[HF_NOTE_MAX];
	size_t note_size;
	struct txn *t;

	must(txn_begin(&t, n->store), "txn_begin");
	note_size = n->remembers ? remember(n, t, size, root, note)
				 : node_note(n, size, root, note);
	r = (struct receipts){t, bytes_of(note, note_size)};
	must(do_part(n, part_receipts, &r), "engine_receipts");
	txn_abort(t); /* nothing was written */
	n->size = size;
	n->root_hash = *root;
}

static void turn_of(struct node *n, struct event ev);

/* As the signer process would, told in a turn of its own. */
static void cosign(struct node *n, const struct effect *effect)
{
	char out[HF_COSIGN_LINE_MAX], path[100];
	struct event ev = node_event(n, EVENT_COSIGNED);
	size_t size;

	if (n->cosigner == NULL) {
		snprintf(path, sizeof(path), "%s/witness.mem", n->dir);
		must(witness_open(&n->cosigner, path, n->country, n->witness),
		    "witness_open");
	}
	ev.country = effect->country;
	ev.conn = effect->conn;
	ev.code = (uint32_t)witness_record(
	    n->cosigner, effect->bytes, n->fed->now.ms / 1000, out, &size);
	ev.frame = bytes_of(out, size);
	turn_of(n, ev);
}

struct ended {
	uint64_t size;
	struct hf_hash root;
	bool changed;
};

static enum hf_err part_end(struct node *n, void *ctx)
{
	struct ended *end = ctx;

	return engine_end(n->engine, &end->size, &end->root, &end->changed);
}

static unsigned commit_turn(
    struct node *n, uint32_t *slots, unsigned max, bool act)
{
	unsigned count = 0;
	struct effects *done;
	struct ended end;

	must(do_part(n, part_end, &end), "engine_end");
	must(txn_commit(n->txn), "txn_commit");
	n->txn = NULL;
	whole_turn = false; /* what comes of it has turns of its own */
	if (end.changed)
		sign_head(n, end.size, &end.root);
	done = n->effects;
	n->effects = NULL;
	for (unsigned i = 0; i < effects_count(done); i++) {
		const struct effect *effect = effects_at(done, i);

		if (effect->type == EFFECT_ERASE && count < max)
			slots[count++] = effect->slot;
		if (act && effect->type == EFFECT_COSIGN)
			cosign(n, effect);
		if (act && n->carry != NULL)
			n->carry(n, effect, n->carry_ctx);
	}
	effects_free(done);
	return count;
}

void turn_end(struct node *n)
{
	struct event timer = node_event(n, EVENT_TIMER);
	uint32_t slots[HF_BATCH_MAX];
	unsigned count;

	step(n, &timer);
	count = commit_turn(n, slots, HF_BATCH_MAX, true);
	if (count == 0)
		return;
	must(store_keys_destroy(n->store, slots, count), "keys_destroy");
	turn_begin(n);
	for (unsigned i = 0; i < count; i++) {
		struct event ev = node_event(n, EVENT_ERASE_DONE);

		ev.code = slots[i];
		step(n, &ev);
	}
	turn_end(n);
}

void turn_end_crash(struct node *n)
{
	struct event timer = node_event(n, EVENT_TIMER);
	uint32_t slot;

	step(n, &timer);
	commit_turn(n, &slot, 1, false);
}

void turn_abandon(struct node *n)
{
	txn_abort(n->txn);
	n->txn = NULL;
	engine_abandon(n->engine);
	effects_free(n->effects);
	n->effects = NULL;
}

void node_look(struct node *n)
{
	cr_assert_null(n->txn, "fixture: a turn runs already");
	must(txn_begin(&n->txn, n->store), "txn_begin");
	n->engine->txn = n->txn;
}

void node_look_end(struct node *n)
{
	txn_abort(n->txn);
	n->txn = NULL;
	n->engine->txn = NULL;
}

/* ---- carrying ---- */

/* As the core: what is no refusal ends the turn, and nothing of it stays. */
static void turn_done(struct node *n, enum hf_err err)
{
	if (err == HF_OK || is_refusal(err))
		turn_end(n);
	else
		turn_abandon(n);
}

/** What is brought to a broker, and by whom. */
struct brought {
	const struct officer_entry *who; /* of ours, or */
	struct hf_country from;
	struct hf_bytes frame, with; /* the opening, or the receipt */
	struct intake_result *result;
};

static enum hf_err part_brought(struct node *n, void *ctx)
{
	struct brought *b = ctx;

	return b->who != NULL
		   ? intake_own(n->engine, b->who, b->frame, b->with, b->result)
		   : intake_foreign(
			 n->engine, b->from, b->frame, b->with, b->result);
}

enum hf_err fed_submit(struct node *n, const struct officer *who,
    const struct signed_act *a, struct hf_bytes opening,
    struct intake_result *result)
{
	struct intake_result mine;
	struct brought b = {.frame = bytes_of(a->frame, a->size),
	    .with = opening,
	    .result = result != NULL ? result : &mine};
	enum hf_err err;

	turn_begin(n);
	b.who = roster_officer(
	    engine_roster(n->engine), hf_desk_country(&who->desk), &who->sign);
	cr_assert_not_null(b.who);
	err = do_part(n, part_brought, &b);
	turn_done(n, err);
	return err;
}

size_t node_receipt(
    struct node *n, const struct hf_id *act, uint8_t out[HF_RECEIPT_MAX])
{
	uint64_t index;
	size_t size = 0;

	node_look(n);
	must(ledger_index_of(n->engine, act, &index), "ledger_index_of");
	must(ledger_receipt(n->engine, index, out, HF_RECEIPT_MAX, &size),
	    "ledger_receipt");
	node_look_end(n);
	return size;
}

enum hf_err fed_bring(struct node *to, struct hf_country from,
    struct hf_bytes frame, struct hf_bytes receipt,
    struct intake_result *result)
{
	struct intake_result mine;
	struct brought b = {.from = from,
	    .frame = frame,
	    .with = receipt,
	    .result = result != NULL ? result : &mine};
	enum hf_err err;

	turn_begin(to);
	err = do_part(to, part_brought, &b);
	turn_done(to, err);
	return err;
}

enum hf_err fed_carry(struct node *from, struct node *to,
    const struct hf_id *act, struct intake_result *result)
{
	static uint8_t frame[HF_FRAME_MAX];
	uint8_t receipt[HF_RECEIPT_MAX];
	size_t receipt_size = node_receipt(from, act, receipt);
	struct hf_bytes core, envelope, sigs;
	struct hf_envelope env;
	struct case_record c;
	uint64_t index;
	size_t size;

	node_look(from);
	must(ledger_index_of(from->engine, act, &index), "ledger_index_of");
	must(ledger_act(from->engine, index, &core, &envelope, &sigs),
	    "ledger_act");
	must(hf_envelope_decode(&env, envelope.data, envelope.size),
	    "hf_envelope_decode");
	must(case_load(from->engine,
		 HF_HAS(&env, HF_E_CASE) ? &env.case_id : act, &c),
	    "case_load");
	must(case_act_frame(
		 from->engine, &c, index, true, frame, sizeof(frame), &size),
	    "case_act_frame");
	node_look_end(from);
	return fed_bring(to, from->country, bytes_of(frame, size),
	    bytes_of(receipt, receipt_size), result);
}

/* ---- looking ---- */

enum hf_err node_case_err(
    struct node *n, const struct hf_id *id, struct case_record *c)
{
	enum hf_err err;

	node_look(n);
	err = case_load(n->engine, id, c);
	node_look_end(n);
	return err;
}

struct case_record node_case(struct node *n, const struct hf_id *id)
{
	struct case_record c = {0};

	must(node_case_err(n, id, &c), "case_load");
	return c;
}

bool same_state(struct node *a, struct node *b, const struct hf_id *id)
{
	struct case_record at_a = node_case(a, id), at_b = node_case(b, id);

	return at_a.state == at_b.state &&
	       same_hash(&at_a.state_digest, &at_b.state_digest);
}

static const struct hf_life_act *act_at(
    struct node *n, const struct hf_id *id, unsigned track, uint32_t gen)
{
	struct case_record c;

	must(case_load(n->engine, id, &c), "case_load");
	must(case_fold(n->engine, &c), "case_fold");
	if (gen == 0 || gen > c.gens[track])
		return NULL;
	return &n->engine->work_acts[track][gen - 1];
}

unsigned node_clause(
    struct node *n, const struct hf_id *id, unsigned track, uint32_t gen)
{
	const struct hf_life_act *act;
	unsigned clause;

	node_look(n);
	act = act_at(n, id, track, gen);
	clause = act != NULL ? act->clause : UINT32_MAX;
	node_look_end(n);
	return clause;
}

unsigned node_kind_at(
    struct node *n, const struct hf_id *id, unsigned track, uint32_t gen)
{
	const struct hf_life_act *act;
	unsigned kind;

	node_look(n);
	act = act_at(n, id, track, gen);
	kind = act != NULL ? act->kind : 0;
	node_look_end(n);
	return kind;
}

static unsigned find_statements(struct node *n, unsigned type,
    const struct hf_id *subject, struct hf_statement *last, uint8_t *buffer)
{
	unsigned count = 0;

	node_look(n);
	for (uint64_t i = 0; i < n->size; i++) {
		struct hf_bytes leaf, payload;
		struct hf_statement s;

		must(ledger_entry(n->engine, i, &leaf, &payload),
		    "ledger_entry");
		if (payload.size == 0)
			continue;
		must(hf_statement_decode(&s, payload.data, payload.size),
		    "hf_statement_decode");
		if (s.type != type ||
		    (subject != NULL && !same_id(subject, &s.subject)))
			continue;
		count++;
		if (last != NULL) {
			memcpy(buffer, payload.data, payload.size);
			must(hf_statement_decode(last, buffer, payload.size),
			    "hf_statement_decode");
		}
	}
	node_look_end(n);
	return count;
}

unsigned node_statements(
    struct node *n, unsigned type, const struct hf_id *subject)
{
	return find_statements(n, type, subject, NULL, NULL);
}

bool node_last_statement(struct node *n, unsigned type, struct hf_statement *s,
    uint8_t buffer[HF_PAYLOAD_MAX])
{
	return find_statements(n, type, NULL, s, buffer) > 0;
}

unsigned node_rows(struct node *n, enum table table)
{
	struct hf_bytes key, value;
	struct row_key from = {0};
	unsigned count = 0;

	node_look(n);
	while (txn_next(n->txn, table, bytes_of(NULL, 0), row_bytes(&from),
		   count > 0, &key, &value) == HF_OK) {
		cr_assert_leq(key.size, sizeof(from.b));
		memcpy(from.b, key.data, key.size);
		from.size = key.size;
		count++;
	}
	node_look_end(n);
	return count;
}
