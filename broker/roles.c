/*
 * roles: the children's half of the supervisor: what each process of a
 * broker does first, before any input from outside.
 */
#include "broker/confine.h"
#include "broker/core/core.h"
#include "broker/gate/gate.h"
#include "broker/log.h"
#include "broker/records.h"
#include "broker/resolver.h"
#include "broker/signer/process.h"
#include "broker/supervisor.h"
#include "keys/secret.h"
#include "proto/crypto.h"
#include "proto/wire.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define FIRST_FD SUPERVISOR_FIRST_FD
#define HELLO_MS 10000
#define CONFINE_STATUS 9

static enum hf_err wait_record(int fd, struct record *r)
{
	return record_wait(fd, POLLIN, HELLO_MS) ? record_receive(fd, r)
						 : HF_TIMEOUT;
}

/* [secret, public key, peers, endpoint, connections, of one source,
 * handshakes, hours of a session] */
static int child_gate(struct record *r)
{
	struct gate_options o = {0};
	char endpoint[128] = "";
	struct hf_bytes s;
	struct wire w;

	wire_init(&w, r->payload, r->h.size);
	wire_array(&w, 8, 8);
	wire_bin_copy(&w, o.secret, sizeof(o.secret));
	wire_bin_copy(&w, o.public_key.b, sizeof(o.public_key.b));
	o.peers = wire_bool(&w);
	s = wire_str(&w, 1, sizeof(endpoint) - 1);
	if (s.size > 0)
		memcpy(endpoint, s.data, s.size);
	o.connections_max = (unsigned)wire_uint(&w, UINT32_MAX);
	o.source_max = (unsigned)wire_uint(&w, UINT32_MAX);
	o.handshakes_max = (unsigned)wire_uint(&w, UINT32_MAX);
	o.age_ms = wire_uint(&w, UINT32_MAX) * 3600000u;
	wire_close(&w);
	if (wire_finish(&w) != HF_OK)
		return 1;
	o.endpoint = endpoint;
	hf_wipe(r, sizeof(*r));
	if (confine_gate(endpoint, o.peers) != HF_OK)
		return CONFINE_STATUS;
	return gate_main(FIRST_FD, &o);
}

/* [transport key, ledger key, accept rollback] */
static int child_core(struct record *r, const char *config_file)
{
	struct core_fds fds = {
	    FIRST_FD + 1, FIRST_FD + 2, FIRST_FD + 3, FIRST_FD};
	struct hf_key transport, ledger;
	struct config config;
	bool accept_rollback;
	struct wire w;

	wire_init(&w, r->payload, r->h.size);
	wire_array(&w, 3, 3);
	wire_bin_copy(&w, transport.b, sizeof(transport.b));
	wire_bin_copy(&w, ledger.b, sizeof(ledger.b));
	accept_rollback = wire_bool(&w);
	wire_close(&w);
	if (wire_finish(&w) != HF_OK ||
	    config_read(&config, config_file, stderr) != HF_OK) {
		log_line(LOG_ERROR, HF_CONFIG, "core cannot start: %s: %s",
		    config_file, hf_err_info(HF_CONFIG)->cure);
		return 1;
	}
	config.accept_rollback = accept_rollback;
	if (confine_core(&config) != HF_OK)
		return CONFINE_STATUS;
	return core_main(&config, &fds, &transport, &ledger);
}

int supervisor_child(const char *role, const char *config_file)
{
	struct record *r;
	int status = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	confine_harden();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* the supervisor decides */
	signal(SIGHUP, SIG_IGN);
	if (hf_crypto_init() != HF_OK)
		return 1;
	log_open(role);
	if (strcmp(role, "signer") == 0)
		return signer_process(FIRST_FD);
	if (strcmp(role, "resolver") == 0)
		return resolver_process(FIRST_FD);
	r = calloc(1, sizeof(*r));
	if (r == NULL || wait_record(FIRST_FD, r) != HF_OK ||
	    r->h.type != RECORD_SECRETS) {
		log_line(LOG_ERROR, HF_RESOURCES, "%s cannot start: %s: %s",
		    role, hf_err_text(HF_RESOURCES),
		    hf_err_info(HF_RESOURCES)->cure);
		goto out;
	}
	if (strcmp(role, "core") == 0)
		status = child_core(r, config_file);
	else if (strncmp(role, "gate-", 5) == 0)
		status = child_gate(r);
out:
	free(r);
	return status;
}
