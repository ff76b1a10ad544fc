/*
 * core: decide, commit, then act.
 *
 * One loop.  Whatever waits at the gates is decided in one write
 * transaction (natural group commit), which is committed with a sync; then
 * the signer signs the new head; only then do frames leave.  Any failure of
 * a commit but a full map ends the process: the next start looks at what is
 * durable before it serves.
 *
 * Signatures are verified on the deciding thread; engine_preverify exists
 * for moving that off when the load asks for it.
 */
#include "broker/core/core.h"

#include "broker/core/internal.h"
#include "broker/engine/engine.h"
#include "broker/log.h"
#include "keys/secret.h"
#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/ref.h"
#include "proto/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TURN_EVENTS HF_BATCH_MAX
#define SIGNER_MS 10000
#define KEYS_REFRESH_MS 60000u
#define GATE_WAIT_MS 2000

/* ---- events of our own ---- */

static struct event fresh(struct core *c, enum event_type type)
{
	struct event ev = {.type = type,
	    .now = c->clock.now,
	    .mono_ms = c->clock.mono_ms,
	    .bound_ms = c->clock.bound_ms,
	    .clock_certain = c->clock.certain};

	hf_random(ev.chance, sizeof(ev.chance));
	return ev;
}

static enum hf_err step_simple(struct core *c, enum event_type type)
{
	struct event ev = fresh(c, type);

	return engine_step(c->engine, &ev);
}

/* ---- pins and documents of the configuration ---- */

static uint8_t *read_file(const char *path, size_t max, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *data = NULL;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size > 0 && (uint64_t)st.st_size <= max) {
		data = malloc((size_t)st.st_size + 1);
		if (data != NULL &&
		    read(fd, data, (size_t)st.st_size) == st.st_size) {
			*size = (size_t)st.st_size;
			data[*size] = '\0';
		} else {
			free(data);
			data = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return data;
}

static enum hf_err load_pin(struct core *c, const char *path, const char *name)
{
	struct event ev = fresh(c, EVENT_PIN);
	size_t size;
	uint8_t *text = read_file(path, 256, &size);
	enum hf_err err = HF_OK;

	memcpy(ev.country.s, name, HF_COUNTRY_SIZE);
	if (text != NULL)
		text[strcspn((char *)text, "\r\n")] = '\0';
	if (text == NULL || !hf_country_ok(ev.country.s, 2) ||
	    hf_keyline_read(&ev.key, HF_KEY_ROOT, (char *)text) != HF_OK)
		log_line(LOG_WARN, HF_CONFIG, "pin-unreadable file=%s", path);
	else
		err = engine_step(c->engine, &ev);
	free(text);
	return err;
}

static enum hf_err load_document(struct core *c, const char *path)
{
	struct event ev = fresh(c, EVENT_DOCUMENT);
	size_t size = 0;
	uint8_t *data = read_file(path, HF_DOC_MAX, &size);
	enum hf_err err = HF_OK;

	if (data == NULL) {
		log_line(
		    LOG_WARN, HF_FILE, "document-unreadable file=%s", path);
	} else {
		ev.frame = (struct hf_bytes){data, size};
		err = engine_step(c->engine, &ev);
	}
	free(data);
	return err;
}

static enum hf_err load_dir(struct core *c, const char *dir, const char *suffix)
{
	struct dirent **list = NULL;
	int n = dir[0] == '\0' ? 0 : scandir(dir, &list, NULL, alphasort);
	enum hf_err err = HF_OK;

	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		size_t length = strlen(name);
		char path[CONFIG_PATH_MAX + 300];

		snprintf(path, sizeof(path), "%s/%s", dir, name);
		if (err == HF_OK && length > strlen(suffix) &&
		    strcmp(name + length - strlen(suffix), suffix) == 0)
			err = strcmp(suffix, ".pin") == 0
				  ? (length == 6 ? load_pin(c, path, name)
						 : HF_OK)
				  : load_document(c, path);
		free(list[i]);
	}
	free(list);
	return err;
}

static enum hf_err load_configured(struct core *c)
{
	enum hf_err err = load_dir(c, c->config->pins_dir, ".pin");

	return err == HF_OK ? load_dir(c, c->config->documents_dir, ".hfd")
			    : err;
}

/* ---- records of the gates ---- */

static enum hf_err on_frame(
    struct core *c, unsigned gate, const struct record *r)
{
	struct event ev =
	    fresh(c, gate == GATE_DESKS ? EVENT_DESK_FRAME : EVENT_PEER_FRAME);

	ev.conn = r->h.conn;
	memcpy(ev.key.b, r->h.key, sizeof(ev.key.b));
	ev.frame = (struct hf_bytes){r->payload, r->h.size};
	return engine_step(c->engine, &ev);
}

static enum hf_err on_connection(
    struct core *c, enum event_type type, const struct record *r)
{
	struct event ev = fresh(c, type);

	ev.conn = r->h.conn;
	ev.code = r->h.code;
	ev.count = r->h.count;
	memcpy(ev.key.b, r->h.key, sizeof(ev.key.b));
	return engine_step(c->engine, &ev);
}

static enum hf_err on_record(
    struct core *c, unsigned gate, const struct record *r)
{
	static const struct hf_key nobody;

	switch (r->h.type) {
	case RECORD_READY:
		c->port[gate] = (int)r->h.code;
		core_send_keys(c, gate);
		if (gate == GATE_PEERS)
			core_send_dials(c);
		return HF_OK;
	case RECORD_FRAME:
		return on_frame(c, gate, r);
	case RECORD_UP:
		return on_connection(c, EVENT_PEER_UP, r);
	case RECORD_GONE:
		if (gate == GATE_DESKS)
			return on_connection(c, EVENT_DESK_GONE, r);
		/* an accepted connection carries no peer's state */
		if (memcmp(r->h.key, nobody.b, sizeof(nobody.b)) == 0)
			return HF_OK;
		return on_connection(c, EVENT_PEER_DOWN, r);
	case RECORD_DOWN_CAUSE:
		return on_connection(c, EVENT_PEER_DOWN, r);
	case RECORD_ALARM:
		return on_connection(c, EVENT_ALARM, r);
	default:
		log_line(LOG_ERROR, HF_FRAME, "gate-record type=%u", r->h.type);
		return HF_OK;
	}
}

/* The gate died: what it held is gone, senders send again. */
static enum hf_err gate_died(struct core *c, unsigned gate)
{
	log_line(LOG_WARN, HF_OK, "gate-gone gate=%s",
	    gate == GATE_DESKS ? "desks" : "peers");
	close(c->gate[gate]);
	c->gate[gate] = -1;
	return step_simple(
	    c, gate == GATE_DESKS ? EVENT_DESK_GONE : EVENT_PEER_DOWN);
}

static enum hf_err drain_gate(struct core *c, unsigned gate, unsigned *left)
{
	enum hf_err err = HF_OK;

	while (err == HF_OK && *left > 0 && c->gate[gate] >= 0) {
		enum hf_err got = record_receive(c->gate[gate], c->record);

		if (got == HF_BUSY)
			return HF_OK;
		if (got != HF_OK)
			return gate_died(c, gate);
		(*left)--;
		err = on_record(c, gate, c->record);
	}
	return err;
}

/* ---- one turn ---- */

static enum hf_err gather(struct core *c)
{
	unsigned left = TURN_EVENTS;
	enum hf_err err = HF_OK;

	if (c->start) {
		c->start = false;
		err = step_simple(c, EVENT_START);
		if (err == HF_OK)
			err = load_configured(c);
	}
	if (err == HF_OK && c->reload) {
		c->reload = false;
		err = load_configured(c);
	}
	if (err == HF_OK && c->clock_changed) {
		c->clock_changed = false;
		err = step_simple(c, EVENT_CLOCK);
	}
	for (unsigned i = 0; i < c->erased_count && err == HF_OK; i++) {
		struct event ev = fresh(c, EVENT_ERASE_DONE);

		ev.code = c->erased[i];
		err = engine_step(c->engine, &ev);
	}
	if (err == HF_OK && c->stopping)
		return step_simple(c, EVENT_STOP);
	if (err == HF_OK)
		err = drain_gate(c, GATE_DESKS, &left);
	if (err == HF_OK)
		err = drain_gate(c, GATE_PEERS, &left);
	if (err == HF_OK)
		err = step_simple(c, EVENT_TIMER);
	return err;
}

static enum hf_err ask_signer(struct core *c, uint64_t size,
    const struct hf_hash *root, const struct hf_hash *path, unsigned count)
{
	uint8_t request[HF_PROOF_MAX + 128];
	struct record_header h = {.type = RECORD_SIGN};
	struct pollfd wait = {c->signer, POLLIN, 0};
	struct pack p;
	size_t n;
	enum hf_err err;

	pack_init(&p, request, sizeof(request));
	pack_array(&p, 4);
	pack_uint(&p, size);
	pack_bin(&p, root->b, sizeof(root->b));
	pack_uint(&p, c->signed_size);
	pack_bin(&p, path, count * sizeof(*path));
	err = pack_finish(&p, &n);
	h.size = (uint32_t)n;
	if (err == HF_OK)
		err = record_send(c->signer, &h, request);
	if (err != HF_OK)
		return HF_SIGNER;
	if (poll(&wait, 1, SIGNER_MS) != 1 ||
	    record_receive(c->signer, c->record) != HF_OK ||
	    c->record->h.type != RECORD_SIGNED)
		return HF_SIGNER;
	return (enum hf_err)c->record->h.code;
}

/* Sign the new head, keep it, complete what waited for receipts. */
static enum hf_err sign_head(
    struct core *c, uint64_t size, const struct hf_hash *root)
{
	struct hf_hash path[2 * HF_TREE_DEPTH_MAX];
	struct txn *t = NULL;
	unsigned count = 0;
	enum hf_err err = txn_begin(&t, c->store);

	if (err != HF_OK)
		return err;
	err = engine_consistency(
	    c->engine, t, c->signed_size, size, path, &count);
	if (err == HF_OK)
		err = ask_signer(c, size, root, path, count);
	if (err == HF_OK) {
		c->signed_size = size;
		err = engine_receipts(c->engine, t,
		    (struct hf_bytes){c->record->payload, c->record->h.size},
		    c->effects);
	}
	if (err != HF_OK) {
		txn_abort(t);
		return err;
	}
	return txn_commit(t);
}

static enum hf_err full(struct core *c)
{
	if (!engine_can_abandon(c->engine))
		return HF_STORE;
	engine_abandon(c->engine);
	log_line(LOG_ERROR, HF_FULL, "turn-abandoned");
	return HF_OK;
}

static enum hf_err turn(struct core *c)
{
	struct txn *t = NULL;
	struct hf_hash root;
	uint64_t size;
	bool changed = false;
	enum hf_err err = txn_begin(&t, c->store);

	if (err == HF_OK)
		err = engine_begin(c->engine, t, c->effects);
	if (err != HF_OK)
		return err;
	err = gather(c);
	if (err == HF_OK)
		err = engine_end(c->engine, &size, &root, &changed);
	if (err != HF_OK) {
		txn_abort(t);
		return err == HF_FULL ? full(c) : err;
	}
	err = txn_commit(t);
	if (err != HF_OK)
		return err == HF_FULL ? full(c) : err;
	c->erased_count = 0;
	if (changed || size > c->signed_size)
		err = sign_head(c, size, &root);
	return err == HF_OK ? core_effects(c) : err;
}

/* ---- waiting ---- */

static int wait_ms(const struct core *c)
{
	struct instant due = engine_next_due(c->engine);
	uint64_t mono = engine_next_mono(c->engine);
	uint64_t ms = 1000;

	if (c->erased_count > 0 || c->stopping)
		return 0;
	if (due.ms != 0 && due.ms <= c->clock.now.ms)
		ms = 50; /* more than one turn's worth, or clock uncertain */
	else if (due.ms != 0 && due.ms - c->clock.now.ms < ms)
		ms = due.ms - c->clock.now.ms;
	if (mono != 0 && mono <= c->clock.mono_ms)
		ms = ms < 20 ? ms : 20;
	else if (mono != 0 && mono - c->clock.mono_ms < ms)
		ms = mono - c->clock.mono_ms;
	return (int)ms + 1;
}

static enum hf_err from_supervisor(struct core *c)
{
	for (;;) {
		int fd = -1;
		enum hf_err err =
		    record_receive_fd(c->supervisor, c->record, &fd);
		unsigned gate = c->record->h.code;

		if (err == HF_BUSY)
			return HF_OK;
		if (err != HF_OK)
			return HF_UNREACHABLE;
		switch (c->record->h.type) {
		case RECORD_STOP:
			c->stopping = true;
			break;
		case RECORD_RELOAD:
			c->reload = true;
			core_clock_trust(c);
			break;
		case RECORD_RESOLVED:
			core_resolved(c, c->record);
			break;
		case RECORD_GATE:
			if (gate > GATE_PEERS || fd < 0)
				return HF_FRAME;
			if (c->gate[gate] >= 0)
				close(c->gate[gate]);
			c->gate[gate] = fd;
			break;
		default:
			return HF_FRAME;
		}
	}
}

static void tell_ready(struct core *c)
{
	struct record_header h = {.type = RECORD_READY,
	    .code = (uint32_t)c->port[GATE_DESKS],
	    .count = (uint32_t)c->port[GATE_PEERS]};

	if (c->told_ready || c->port[0] == 0 || c->port[1] == 0)
		return;
	c->told_ready = record_send(c->supervisor, &h, NULL) == HF_OK;
	log_line(
	    LOG_INFO, HF_OK, "ready desks=%d peers=%d", c->port[0], c->port[1]);
}

static enum hf_err loop(struct core *c)
{
	uint64_t refreshed = 0, ticked = 0;
	enum hf_err err = HF_OK;

	while (err == HF_OK) {
		struct pollfd fds[3] = {{c->supervisor, POLLIN, 0},
		    {c->gate[0], POLLIN, 0}, {c->gate[1], POLLIN, 0}};
		bool last;

		if (!c->start && poll(fds, 3, wait_ms(c)) < 0 && errno != EINTR)
			return HF_INTERNAL;
		core_clock_read(c);
		err = from_supervisor(c);
		last = c->stopping;
		if (err == HF_OK)
			err = turn(c);
		if (err == HF_OK && last)
			return HF_OK;
		tell_ready(c);
		if (c->clock.mono_ms - refreshed > KEYS_REFRESH_MS) {
			refreshed = c->clock.mono_ms;
			core_send_keys(c, GATE_DESKS);
		}
		if (c->clock.mono_ms - ticked > 10000) {
			ticked = c->clock.mono_ms;
			store_tick(c->store);
		}
	}
	return err;
}

/* ---- start ---- */

static enum hf_err read_last(
    struct core *c, uint64_t *size, struct hf_hash *root)
{
	struct pollfd wait = {c->signer, POLLIN, 0};
	struct wire w;

	if (poll(&wait, 1, SIGNER_MS) != 1 ||
	    record_receive(c->signer, c->record) != HF_OK ||
	    c->record->h.type != RECORD_SIGNED)
		return HF_SIGNER;
	wire_init(&w, c->record->payload, c->record->h.size);
	wire_array(&w, 2, 2);
	*size = wire_uint(&w, UINT64_MAX);
	wire_bin_copy(&w, root->b, sizeof(root->b));
	wire_close(&w);
	return wire_finish(&w);
}

static enum hf_err open_all(
    struct core *c, const struct hf_key *transport, const struct hf_key *ledger)
{
	struct store_options store = {
	    .dir = c->config->data_dir, .map_size = c->config->map_size};
	struct engine_options options = {.country = c->config->country,
	    .epoch = c->config->epoch,
	    .ledger_key = *ledger,
	    .transport_key = *transport,
	    .quota_acts_per_minute = c->config->quota_acts_per_minute};
	struct hf_hash root;
	struct txn *t = NULL;
	enum hf_err err = read_last(c, &c->signed_size, &root);

	if (err == HF_OK)
		err = store_open(&c->store, &store);
	if (err == HF_OK)
		err = txn_begin(&t, c->store);
	if (err != HF_OK)
		return err;
	err = engine_open(&c->engine, &options, t, c->signed_size, &root);
	txn_abort(t);
	return err;
}

static void close_all(struct core *c)
{
	engine_free(c->engine);
	effects_free(c->effects);
	store_close(c->store);
	core_names_free(c);
	free(c->dialled);
	free(c->erased);
	free(c->record);
	free(c);
}

int core_main(const struct config *config, const struct core_fds *fds,
    const struct hf_key *transport, const struct hf_key *ledger)
{
	struct core *c = calloc(1, sizeof(*c));
	enum hf_err err = HF_NOMEM;

	if (c == NULL)
		return 1;
	c->config = config;
	c->gate[GATE_DESKS] = fds->desks;
	c->gate[GATE_PEERS] = fds->peers;
	c->signer = fds->signer;
	c->supervisor = fds->supervisor;
	c->start = true;
	c->effects = effects_new();
	c->record = calloc(1, sizeof(*c->record));
	core_clock_init(c);
	if (c->effects != NULL && c->record != NULL)
		err = open_all(c, transport, ledger);
	if (err == HF_OK)
		err = loop(c);
	if (err != HF_OK)
		log_line(LOG_ERROR, err, "core-stops: %s", hf_err_text(err));
	else
		log_line(LOG_INFO, HF_OK, "stopped");
	close_all(c);
	if (err == HF_ROLLBACK || err == HF_CORRUPT)
		return 6;
	return err == HF_OK ? 0 : 1;
}
