/*
 * core: the loop of the process that owns the store and decides.
 *
 * One thread decides; two others verify signatures (arrivals.c).  The loop
 * waits for the gates, the supervisor and the next thing that is due, and
 * then runs one turn over everything that waits: low latency when idle,
 * large batches under load, and no timer between them.
 */
#include "broker/core/core.h"

#include "broker/core/internal.h"
#include "broker/log.h"
#include "proto/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIGNER_START_MS 10000
#define REFRESH_MS 30000u /* keys that come into force or end; names */
#define TICK_MS 10000u
#define IDLE_MS 1000u
#define LATE_MS 50u /* something is due but was left: not a busy loop */

/* ---- waiting ---- */

static int wait_ms(const struct core *c)
{
	struct instant due = engine_next_due(c->engine);
	uint64_t mono = engine_next_mono(c->engine);
	uint64_t ms = IDLE_MS, left;

	if (c->starved) /* what stands below would not be done either */
		return LATE_MS;
	if (c->start || c->stopping || c->erased_count > 0 ||
	    c->cosigned_count > 0 || arrivals_count(c->arrivals) > 0)
		return 0;
	if (due.ms != 0) {
		left = due.ms <= c->clock.now.ms ? LATE_MS
						 : due.ms - c->clock.now.ms;
		ms = left < ms ? left : ms;
	}
	if (mono != 0) {
		left = mono <= c->clock.mono_ms ? LATE_MS
						: mono - c->clock.mono_ms;
		ms = left < ms ? left : ms;
	}
	return (int)ms + 1;
}

static enum hf_err wait_events(struct core *c)
{
	struct pollfd fds[3] = {{c->supervisor, POLLIN, 0}};

	for (unsigned i = 0; i < 2; i++) {
		const struct gate_link *g = &c->gates[i];
		bool room = arrivals_has_room(c->arrivals);

		fds[1 + i].fd = g->fd;
		fds[1 + i].events = (short)((room ? POLLIN : 0) |
					    (g->first != NULL ? POLLOUT : 0));
	}
	if (poll(fds, 3, wait_ms(c)) < 0 && errno != EINTR)
		return HF_INTERNAL;
	gates_flush(c, GATE_DESKS);
	gates_flush(c, GATE_PEERS);
	return HF_OK;
}

/* ---- the supervisor ---- */

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
			return err;
		switch (c->record->h.type) {
		case RECORD_STOP:
			c->stopping = true;
			break;
		case RECORD_RELOAD:
			c->reload = true;
			core_clock_trust(c);
			break;
		case RECORD_RESOLVED:
			dials_resolved(c, c->record);
			break;
		case RECORD_GATE:
			if (gate > GATE_PEERS || fd < 0)
				return HF_FRAME;
			/* the old one's frames come before the new one's */
			err = core_read_gates(c);
			if (err != HF_OK)
				return err;
			gates_set(c, gate, fd);
			break;
		default:
			return HF_FRAME;
		}
	}
}

static void tell_ready(struct core *c)
{
	struct record_header h = {.type = RECORD_READY,
	    .code = (uint32_t)c->gates[GATE_DESKS].port,
	    .count = (uint32_t)c->gates[GATE_PEERS].port};

	if (c->told_ready || h.code == 0 || h.count == 0)
		return;
	c->told_ready = record_send(c->supervisor, &h, NULL) == HF_OK;
	if (c->told_ready)
		log_line(LOG_INFO, HF_OK, "ready desks=%u peers=%u", h.code,
		    h.count);
}

/* ---- the loop ---- */

static void tick(struct core *c)
{
	store_tick(c->store);
}

static enum hf_err loop(struct core *c)
{
	uint64_t refreshed = 0, ticked = 0;
	enum hf_err err = HF_OK;

	while (err == HF_OK) {
		bool last;

		err = wait_events(c);
		core_clock_read(c);
		if (err == HF_OK)
			err = from_supervisor(c);
		if (err == HF_OK)
			err = core_read_gates(c);
		last = c->stopping;
		if (err == HF_OK)
			err = core_turn(c);
		if (err != HF_OK || last)
			break;
		tell_ready(c);
		if (c->clock.mono_ms - refreshed >= REFRESH_MS) {
			refreshed = c->clock.mono_ms;
			gates_send_keys(c, GATE_DESKS);
			gates_send_keys(c, GATE_PEERS);
			dials_send(c);
		}
		if (c->clock.mono_ms - ticked >= TICK_MS) {
			ticked = c->clock.mono_ms;
			tick(c);
		}
	}
	return err;
}

/* ---- start and end ---- */

/* What the signer remembers of this epoch, and of the one before. */
static enum hf_err read_last(
    struct core *c, uint64_t size[2], struct hf_hash root[2])
{
	struct wire w;

	if (!record_wait(c->signer, POLLIN, SIGNER_START_MS) ||
	    record_receive(c->signer, c->record) != HF_OK ||
	    c->record->h.type != RECORD_SIGNED)
		return HF_SIGNER;
	wire_init(&w, c->record->payload, c->record->h.size);
	wire_array(&w, 4, 4);
	for (unsigned i = 0; i < 2; i++) {
		size[i] = wire_uint(&w, UINT64_MAX);
		wire_bin_copy(&w, root[i].b, sizeof(root[i].b));
	}
	wire_close(&w);
	return wire_finish(&w);
}

static void tell_format(const struct core *c, struct txn *t, enum hf_err err)
{
	uint64_t format;

	if ((err == HF_STORE_OLD || err == HF_STORE_NEW) &&
	    engine_format(t, &format) == err)
		log_line(LOG_ERROR, err, "store-format dir=%s is=%llu wants=%u",
		    c->config->data_dir, (unsigned long long)format,
		    STORE_FORMAT);
}

static enum hf_err open_all(
    struct core *c, const struct hf_key *transport, const struct hf_key *ledger)
{
	struct store_options store = {.dir = c->config->data_dir,
	    .map_size = c->config->map_size,
	    .disk_reserve = c->config->disk_reserve};
	struct engine_options options = {.country = c->config->country,
	    .epoch = c->config->epoch,
	    .ledger_key = *ledger,
	    .transport_key = *transport,
	    .quota_acts_per_minute = c->config->quota_acts_per_minute,
	    .admission = c->config->admission,
	    .routine_percent = c->config->routine_percent,
	    .emergency_percent = c->config->emergency_percent,
	    .witness_count = c->config->witness_count,
	    .witness_quorum = c->config->witness_quorum,
	    .witness_max_age_ms = (uint64_t)c->config->witness_max_age_s * 1000,
	    .accept_rollback = c->config->accept_rollback};
	struct hf_hash root[2];
	uint64_t size[2] = {0, 0};
	struct txn *t = NULL;
	enum hf_err err = read_last(c, size, root);

	memcpy(
	    options.witnesses, c->config->witnesses, sizeof(options.witnesses));
	c->signed_size = size[0];
	options.lost_size = size[1];
	if (size[1] > 0)
		options.lost_root = root[1];
	if (err == HF_OK)
		err = store_open(&c->store, &store);
	if (err == HF_OK)
		err = txn_begin(&t, c->store);
	if (err != HF_OK)
		return err;
	err = engine_open(&c->engine, &options, t, size[0], &root[0]);
	tell_format(c, t, err);
	txn_abort(t);
	if (err == HF_OK && !engine_clock_certain(c->engine))
		core_clock_doubt(c);
	return err;
}

static void close_all(struct core *c)
{
	arrivals_free(c->arrivals);
	core_forget_taken(c);
	for (unsigned i = 0; i < 2; i++)
		gates_set(c, i, -1);
	engine_free(c->engine);
	effects_free(c->effects);
	store_close(c->store);
	free(c->names);
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
	uint64_t entry;

	if (c == NULL) {
		log_line(LOG_ERROR, err, "core-stops: %s", hf_err_text(err));
		return 1;
	}
	c->config = config;
	c->gates[GATE_DESKS].fd = fds->desks;
	c->gates[GATE_PEERS].fd = fds->peers;
	c->signer = fds->signer;
	c->supervisor = fds->supervisor;
	c->start = true;
	c->effects = effects_new();
	c->record = calloc(1, sizeof(*c->record));
	c->arrivals = arrivals_new();
	core_clock_init(c);
	if (c->effects != NULL && c->record != NULL && c->arrivals != NULL)
		err = open_all(c, transport, ledger);
	if (err == HF_OK)
		err = loop(c);
	if (err == HF_CORRUPT && c->engine != NULL &&
	    engine_damaged(c->engine, &entry))
		log_line(LOG_ERROR, err, "ledger-damaged entry=%llu",
		    (unsigned long long)entry);
	if (err != HF_OK)
		log_line(LOG_ERROR, err, "core-stops: %s", hf_err_text(err));
	else
		log_line(LOG_INFO, HF_OK, "stopped");
	close_all(c);
	if (err == HF_ROLLBACK || err == HF_EPOCH || err == HF_CORRUPT ||
	    err == HF_STORE_OLD || err == HF_STORE_NEW)
		return 6;
	return err == HF_OK ? 0 : 1;
}
