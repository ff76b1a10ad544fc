#include "broker/signer/process.h"

#include "broker/confine.h"
#include "broker/log.h"
#include "broker/records.h"
#include "broker/signer/memory.h"
#include "broker/signer/signer.h"
#include "broker/signer/witness.h"
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REPLY_MS 5000 /* as long as the core waits for one */

static enum hf_err receive(int fd, struct record *r)
{
	for (;;) {
		enum hf_err err = record_receive(fd, r);

		if (err != HF_BUSY)
			return err;
		if (!record_wait(fd, POLLIN, -1))
			return HF_INTERNAL;
	}
}

static enum hf_err reply(
    int fd, enum hf_err code, const void *payload, size_t size)
{
	struct record_header h = {.type = RECORD_SIGNED,
	    .code = (uint32_t)code,
	    .size = (uint32_t)size};
	enum hf_err err;

	do {
		err = record_send(fd, &h, payload);
	} while (err == HF_BUSY && record_wait(fd, POLLOUT, REPLY_MS));
	return err;
}

/** What this process holds. */
struct signing {
	struct secret *ledger, *witness;
	struct signer_state *signer;
	struct witness_state *cosigner;
	struct memory_row before; /* the last head of the epoch before */
};

static void take_text(struct wire *w, char *out, size_t capacity)
{
	struct hf_bytes s = wire_str(w, 0, capacity - 1);

	if (s.size > 0)
		memcpy(out, s.data, s.size);
}

/* What was signed last in an epoch that is over; nothing, if its memory went
 * with the rest. */
static enum hf_err read_before(const char *path, struct memory_row *row)
{
	struct memory *m;
	enum hf_err err;

	*row = (struct memory_row){.size = 0};
	if (path[0] == '\0' || access(path, F_OK) != 0)
		return HF_OK;
	err = memory_open(&m, path, 1);
	if (err != HF_OK)
		return err;
	err = memory_get(m, 0, row);
	memory_close(m);
	return err;
}

/* [ledger seed, witness seed, country, origin, path, witness path, path of
 * the epoch before or empty] */
static enum hf_err begin(struct record *r, struct signing *g)
{
	char origin[HF_ORIGIN_MAX] = "", path[3][1024] = {"", "", ""};
	struct hf_bytes seed[2];
	struct hf_country country;
	struct wire w;
	enum hf_err err;

	wire_init(&w, r->payload, r->h.size);
	wire_array(&w, 7, 7);
	for (unsigned i = 0; i < 2; i++)
		seed[i] = wire_bin(&w, HF_SEED_SIZE, HF_SEED_SIZE);
	country = wire_country(&w);
	take_text(&w, origin, sizeof(origin));
	for (unsigned i = 0; i < 3; i++)
		take_text(&w, path[i], sizeof(path[i]));
	wire_close(&w);
	err = wire_finish(&w);
	if (err != HF_OK || r->h.type != RECORD_SECRETS)
		return HF_FRAME;
	g->ledger = secret_import(SECRET_REGISTRAR, seed[0].data, seed[0].size);
	g->witness =
	    secret_import(SECRET_REGISTRAR, seed[1].data, seed[1].size);
	hf_wipe(r, sizeof(*r));
	if (g->ledger == NULL || g->witness == NULL)
		return HF_NOMEM;
	err = read_before(path[2], &g->before);
	if (err == HF_OK)
		err = signer_open(&g->signer, path[0], origin, g->ledger);
	return err == HF_OK
		   ? witness_open(&g->cosigner, path[1], country, g->witness)
		   : err;
}

static enum hf_err tell_last(int fd, const struct signing *g)
{
	uint8_t out[128];
	struct hf_hash root;
	uint64_t size;
	struct pack p;
	size_t n;
	enum hf_err err;

	signer_last(g->signer, &size, &root);
	pack_init(&p, out, sizeof(out));
	pack_array(&p, 4);
	pack_uint(&p, size);
	pack_bin(&p, root.b, sizeof(root.b));
	pack_uint(&p, g->before.size);
	pack_bin(&p, g->before.root.b, sizeof(g->before.root.b));
	err = pack_finish(&p, &n);
	return err == HF_OK ? reply(fd, HF_OK, out, n) : err;
}

/* [new size, root, old size, path] */
static enum hf_err sign_one(
    int fd, const struct record *r, struct signer_state *state)
{
	struct hf_hash root, path[2 * HF_TREE_DEPTH_MAX];
	char note[HF_NOTE_MAX];
	struct hf_bytes b;
	uint64_t size, old_size;
	size_t note_size = 0;
	struct wire w;
	enum hf_err err;

	wire_init(&w, r->payload, r->h.size);
	wire_array(&w, 4, 4);
	size = wire_uint(&w, UINT64_MAX);
	wire_bin_copy(&w, root.b, sizeof(root.b));
	old_size = wire_uint(&w, UINT64_MAX);
	b = wire_bin(&w, 0, sizeof(path));
	wire_close(&w);
	err = wire_finish(&w);
	if (err != HF_OK || b.size % sizeof(*path) != 0 ||
	    r->h.type != RECORD_SIGN)
		return HF_FRAME;
	if (b.size > 0)
		memcpy(path, b.data, b.size);
	err = signer_sign(state, size, &root, old_size, path,
	    (unsigned)(b.size / sizeof(*path)), note, sizeof(note), &note_size);
	if (err != HF_OK)
		log_line(LOG_ERROR, err, "not-signed size=%llu",
		    (unsigned long long)size);
	return reply(fd, err, note, err == HF_OK ? note_size : 0);
}

static enum hf_err cosign_one(
    int fd, const struct record *r, struct witness_state *cosigner)
{
	char out[HF_COSIGN_LINE_MAX];
	size_t size = 0;
	enum hf_err err =
	    witness_record(cosigner, (struct hf_bytes){r->payload, r->h.size},
		(uint64_t)time(NULL), out, &size);

	return err == HF_FRAME ? err : reply(fd, err, out, size);
}

int signer_process(int fd)
{
	struct record *r = calloc(1, sizeof(*r));
	struct signing g = {.ledger = NULL};
	enum hf_err err = r == NULL ? HF_NOMEM : receive(fd, r);

	if (err == HF_OK)
		err = begin(r, &g);
	if (err == HF_OK)
		err = confine_signer();
	if (err == HF_OK)
		err = tell_last(fd, &g);
	while (err == HF_OK) {
		err = receive(fd, r);
		if (err != HF_OK)
			break;
		err = r->h.type == RECORD_COSIGN ? cosign_one(fd, r, g.cosigner)
						 : sign_one(fd, r, g.signer);
	}
	if (err != HF_UNREACHABLE) /* the core says itself why it ended */
		log_line(LOG_ERROR, err, "signer-ends: %s", hf_err_text(err));
	signer_close(g.signer);
	witness_close(g.cosigner);
	secret_free(g.ledger);
	secret_free(g.witness);
	free(r);
	return err == HF_UNREACHABLE ? 0 : 1;
}
