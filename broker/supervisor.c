/*
 * supervisor: one process a duty, started by fork and a new exec, so that
 * no child holds another's secrets or memory layout.
 *
 * It unlocks the broker's keys once; each child gets its own by the first
 * record on its socket pair.  A gate that dies is started again and its new
 * descriptor is passed to the core; when the core or the signer dies all
 * are started anew, and after ten times in a minute not any more.
 */
#include "broker/supervisor.h"

#include "broker/core/core.h"
#include "broker/gate/gate.h"
#include "broker/log.h"
#include "broker/notify.h"
#include "broker/records.h"
#include "broker/signer/process.h"
#include "keys/secret.h"
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIRST_FD 3
#define RESTARTS_MAX 10u
#define STOP_MS 10000
#define RESOLVERS_MAX 8u

enum role { ROLE_DESKS, ROLE_PEERS, ROLE_SIGNER, ROLE_CORE, ROLE_COUNT };
static const char *const role_names[ROLE_COUNT] = {
    "gate-desks", "gate-peers", "signer", "core"};

struct supervisor {
	struct config *config;
	struct secret *secret;
	pid_t pid[ROLE_COUNT];
	int core_fd; /* our end towards the core */
	int signals;
	bool stopping, give_up;
	int exit_status;
	unsigned restarts;
	uint64_t restart_window_ms;
	unsigned resolvers;
	uint64_t stop_by_ms;
};

static uint64_t mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* ---- children ---- */

static void harden(void)
{
	struct rlimit none = {0, 0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

static enum hf_err wait_record(int fd, struct record *r)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, 10000) == 1 ? record_receive(fd, r) : HF_TIMEOUT;
}

/* [secret, public key, peers, endpoint] */
static int child_gate(struct record *r)
{
	struct gate_options o = {0};
	char endpoint[128] = "";
	struct hf_bytes s;
	struct wire w;

	wire_init(&w, r->payload, r->h.size);
	wire_array(&w, 4, 4);
	wire_bin_copy(&w, o.secret, sizeof(o.secret));
	wire_bin_copy(&w, o.public_key.b, sizeof(o.public_key.b));
	o.peers = wire_bool(&w);
	s = wire_str(&w, 1, sizeof(endpoint) - 1);
	if (s.size > 0)
		memcpy(endpoint, s.data, s.size);
	wire_close(&w);
	if (wire_finish(&w) != HF_OK)
		return 1;
	o.endpoint = endpoint;
	hf_wipe(r, sizeof(*r));
	return gate_main(FIRST_FD, &o);
}

/* [transport key, ledger key] */
static int child_core(struct record *r, const char *config_file)
{
	struct core_fds fds = {
	    FIRST_FD + 1, FIRST_FD + 2, FIRST_FD + 3, FIRST_FD};
	struct hf_key transport, ledger;
	struct config config;
	struct wire w;

	wire_init(&w, r->payload, r->h.size);
	wire_array(&w, 2, 2);
	wire_bin_copy(&w, transport.b, sizeof(transport.b));
	wire_bin_copy(&w, ledger.b, sizeof(ledger.b));
	wire_close(&w);
	if (wire_finish(&w) != HF_OK ||
	    config_read(&config, config_file, stderr) != HF_OK)
		return 1;
	return core_main(&config, &fds, &transport, &ledger);
}

int supervisor_child(const char *role, const char *config_file)
{
	struct record *r;
	int status = 1;

	harden();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* the supervisor decides */
	signal(SIGHUP, SIG_IGN);
	if (hf_crypto_init() != HF_OK)
		return 1;
	log_open(role);
	if (strcmp(role, "signer") == 0)
		return signer_process(FIRST_FD);
	r = calloc(1, sizeof(*r));
	if (r == NULL || wait_record(FIRST_FD, r) != HF_OK ||
	    r->h.type != RECORD_SECRETS)
		goto out;
	if (strcmp(role, "core") == 0)
		status = child_core(r, config_file);
	else if (strncmp(role, "gate-", 5) == 0)
		status = child_gate(r);
out:
	free(r);
	return status;
}

/* Fork and exec ourselves with `fds` from 3 on. */
static pid_t spawn(
    const char *role, const char *config_file, const int *fds, unsigned count)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	/* out of the way first, so that no dup2 overwrites another */
	int high[8];

	for (unsigned i = 0; i < count; i++)
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
	for (unsigned i = 0; i < count; i++)
		if (dup2(high[i], FIRST_FD + (int)i) < 0)
			_exit(127);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl("/proc/self/exe", "holdfastd", "--role", role, "-c", config_file,
	    (char *)NULL);
	_exit(127);
}

static enum hf_err hand_over(int fd, struct pack *p)
{
	struct record_header h = {.type = RECORD_SECRETS};
	size_t size;
	enum hf_err err = pack_finish(p, &size);

	h.size = (uint32_t)size;
	if (err == HF_OK)
		err = record_send(fd, &h, p->data);
	hf_wipe(p->data, p->size);
	return err;
}

static enum hf_err give_gate(struct supervisor *s, int fd, bool peers)
{
	struct hf_key key = secret_transport_key(s->secret);
	uint8_t data[512], secret[HF_KEY_SIZE];
	struct pack p;

	secret_transport_secret(s->secret, secret);
	pack_init(&p, data, sizeof(data));
	pack_array(&p, 4);
	pack_bin(&p, secret, sizeof(secret));
	pack_bin(&p, key.b, sizeof(key.b));
	pack_bool(&p, peers);
	pack_text(
	    &p, peers ? s->config->peer_endpoint : s->config->desk_endpoint);
	hf_wipe(secret, sizeof(secret));
	return hand_over(fd, &p);
}

static enum hf_err give_signer(struct supervisor *s, int fd)
{
	uint8_t data[1400], raw[96];
	char origin[HF_ORIGIN_MAX], path[CONFIG_PATH_MAX + 32];
	struct pack p;

	hf_origin(origin, s->config->country, s->config->epoch);
	snprintf(path, sizeof(path), "%s/signer.mem", s->config->data_dir);
	secret_export(s->secret, raw);
	pack_init(&p, data, sizeof(data));
	pack_array(&p, 3);
	/* of a broker's secrets the second 32 bytes are the ledger's seed */
	pack_bin(&p, raw + HF_KEY_SIZE, HF_SEED_SIZE);
	pack_text(&p, origin);
	pack_text(&p, path);
	hf_wipe(raw, sizeof(raw));
	return hand_over(fd, &p);
}

static enum hf_err give_core(struct supervisor *s, int fd)
{
	struct hf_key transport = secret_transport_key(s->secret);
	struct hf_key ledger = secret_sign_key(s->secret);
	uint8_t data[128];
	struct pack p;

	pack_init(&p, data, sizeof(data));
	pack_array(&p, 2);
	pack_bin(&p, transport.b, sizeof(transport.b));
	pack_bin(&p, ledger.b, sizeof(ledger.b));
	return hand_over(fd, &p);
}

/* A gate and the core's end of its pair, -1 on failure. */
static int start_gate(struct supervisor *s, enum role role)
{
	int pair[2];

	if (records_pair(pair) != HF_OK)
		return -1;
	if (give_gate(s, pair[0], role == ROLE_PEERS) == HF_OK)
		s->pid[role] =
		    spawn(role_names[role], s->config->file, &pair[1], 1);
	close(pair[1]);
	if (s->pid[role] > 0)
		return pair[0];
	close(pair[0]);
	return -1;
}

static void close_pairs(int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static bool start_all(struct supervisor *s)
{
	int core[2] = {-1, -1}, signer[2] = {-1, -1};
	int fds[4] = {-1, -1, -1, -1};
	bool ok = false;

	if (records_pair(core) != HF_OK || records_pair(signer) != HF_OK)
		goto out;
	if (give_signer(s, signer[0]) != HF_OK ||
	    give_core(s, core[0]) != HF_OK)
		goto out;
	s->pid[ROLE_SIGNER] =
	    spawn(role_names[ROLE_SIGNER], s->config->file, &signer[1], 1);
	fds[0] = core[1];
	fds[1] = start_gate(s, ROLE_DESKS);
	fds[2] = start_gate(s, ROLE_PEERS);
	fds[3] = signer[0];
	if (fds[1] < 0 || fds[2] < 0 || s->pid[ROLE_SIGNER] <= 0)
		goto out;
	s->pid[ROLE_CORE] =
	    spawn(role_names[ROLE_CORE], s->config->file, fds, 4);
	s->core_fd = core[0];
	core[0] = -1;
	ok = s->pid[ROLE_CORE] > 0;
out:
	close_pairs(core, 2);
	close_pairs(signer, 2);
	close_pairs(fds + 1, 2);
	return ok;
}

/* ---- the ready file, for scripts ---- */

static void ready_path(
    const struct supervisor *s, char out[CONFIG_PATH_MAX + 32])
{
	snprintf(out, CONFIG_PATH_MAX + 32, "%s/ready", s->config->data_dir);
}

static void write_ready(struct supervisor *s, unsigned desks, unsigned peers)
{
	char path[CONFIG_PATH_MAX + 32], temporary[CONFIG_PATH_MAX + 40];
	FILE *f;

	ready_path(s, path);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	f = fopen(temporary, "we");
	if (f == NULL)
		return;
	fprintf(f,
	    "{\"supervisor\": %d, \"gate-desks\": %d, \"gate-peers\": %d, "
	    "\"signer\": %d, \"core\": %d, \"desk_port\": %u, "
	    "\"peer_port\": %u}\n",
	    (int)getpid(), (int)s->pid[ROLE_DESKS], (int)s->pid[ROLE_PEERS],
	    (int)s->pid[ROLE_SIGNER], (int)s->pid[ROLE_CORE], desks, peers);
	if (fclose(f) == 0)
		rename(temporary, path);
}

/* A port the kernel picked is kept when the gate is started again. */
static void keep_port(char *endpoint, size_t capacity, unsigned port)
{
	char *colon = strrchr(endpoint, ':');

	if (colon != NULL)
		snprintf(
		    colon, capacity - (size_t)(colon - endpoint), ":%u", port);
}

/* ---- resolving ---- */

static void resolve_child(int fd, const char *endpoint)
{
	char host[128], literal[64], answer[300];
	const char *colon = strrchr(endpoint, ':');
	struct addrinfo hints = {
	    .ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	struct record_header h = {.type = RECORD_RESOLVED};

	alarm(20);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - endpoint - 6),
	    endpoint + 6);
	if (getaddrinfo(host, NULL, &hints, &list) == 0 &&
	    getnameinfo(list->ai_addr, list->ai_addrlen, literal,
		sizeof(literal), NULL, 0, NI_NUMERICHOST) == 0) {
		h.size = (uint32_t)snprintf(answer, sizeof(answer),
		    "%s tcp://%s%s", endpoint, literal, colon);
		if (h.size < sizeof(answer))
			(void)record_send(fd, &h, answer);
	}
	_exit(0);
}

static void resolve(struct supervisor *s, const struct record *r)
{
	char endpoint[128];
	pid_t pid;

	if (r->h.size >= sizeof(endpoint) || r->h.size < 8 ||
	    s->resolvers >= RESOLVERS_MAX)
		return;
	memcpy(endpoint, r->payload, r->h.size);
	endpoint[r->h.size] = '\0';
	if (strncmp(endpoint, "tcp://", 6) != 0 ||
	    strrchr(endpoint, ':') < endpoint + 6)
		return;
	pid = fork();
	if (pid == 0)
		resolve_child(s->core_fd, endpoint);
	if (pid > 0)
		s->resolvers++;
}

/* ---- events ---- */

static void from_core(struct supervisor *s, struct record *r)
{
	while (record_receive(s->core_fd, r) == HF_OK) {
		if (r->h.type == RECORD_RESOLVE) {
			resolve(s, r);
		} else if (r->h.type == RECORD_READY) {
			keep_port(s->config->desk_endpoint,
			    sizeof(s->config->desk_endpoint), r->h.code);
			keep_port(s->config->peer_endpoint,
			    sizeof(s->config->peer_endpoint), r->h.count);
			write_ready(s, r->h.code, r->h.count);
			notify("READY=1");
		}
	}
}

static void tell_core(struct supervisor *s, enum record_type type)
{
	struct record_header h = {.type = type};

	if (s->core_fd >= 0)
		(void)record_send(s->core_fd, &h, NULL);
}

static void begin_stop(struct supervisor *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->stop_by_ms = mono_ms() + STOP_MS;
	notify("STOPPING=1");
	tell_core(s, RECORD_STOP);
}

static bool may_restart(struct supervisor *s)
{
	uint64_t now = mono_ms();

	if (now - s->restart_window_ms > 60000) {
		s->restart_window_ms = now;
		s->restarts = 0;
	}
	return ++s->restarts <= RESTARTS_MAX;
}

static void restart_gate(struct supervisor *s, enum role role)
{
	struct record_header h = {
	    .type = RECORD_GATE, .code = role == ROLE_PEERS};
	int fd;

	if (!may_restart(s)) {
		s->give_up = true;
		return;
	}
	fd = start_gate(s, role);
	if (fd < 0) {
		s->give_up = true;
		return;
	}
	(void)record_send_fd(s->core_fd, &h, fd);
	close(fd);
	log_line(LOG_WARN, HF_OK, "restarted %s pid=%d", role_names[role],
	    (int)s->pid[role]);
	{
		const char *d = strrchr(s->config->desk_endpoint, ':');
		const char *p = strrchr(s->config->peer_endpoint, ':');

		write_ready(s, (unsigned)atoi(d + 1), (unsigned)atoi(p + 1));
	}
}

static void kill_all(struct supervisor *s)
{
	for (unsigned i = 0; i < ROLE_COUNT; i++)
		if (s->pid[i] > 0) {
			kill(s->pid[i], SIGKILL);
			waitpid(s->pid[i], NULL, 0);
			s->pid[i] = 0;
		}
	if (s->core_fd >= 0)
		close(s->core_fd);
	s->core_fd = -1;
}

static void restart_all(struct supervisor *s)
{
	kill_all(s);
	if (!may_restart(s) || !start_all(s)) {
		log_line(LOG_ERROR, HF_OK, "giving up");
		s->give_up = true;
	}
}

static void on_death(struct supervisor *s, pid_t pid, int status)
{
	enum role role = ROLE_COUNT;

	for (unsigned i = 0; i < ROLE_COUNT; i++)
		if (s->pid[i] == pid)
			role = (enum role)i;
	if (role == ROLE_COUNT) {
		if (s->resolvers > 0)
			s->resolvers--;
		return;
	}
	s->pid[role] = 0;
	if (role == ROLE_CORE && s->stopping && WIFEXITED(status)) {
		s->exit_status = WEXITSTATUS(status);
		return;
	}
	if (s->stopping)
		return;
	log_line(LOG_ERROR, HF_OK, "%s died (%s %d)", role_names[role],
	    WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (WIFEXITED(status) &&
	    (WEXITSTATUS(status) == 6 || WEXITSTATUS(status) == 3)) {
		/* a ledger that does not verify, a gate that lets anyone in:
		 * starting again does not help */
		s->exit_status = WEXITSTATUS(status);
		s->give_up = true;
	} else if (role == ROLE_DESKS || role == ROLE_PEERS) {
		restart_gate(s, role);
	} else {
		restart_all(s);
	}
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGHUP:
			log_line(LOG_INFO, HF_OK, "reload");
			tell_core(s, RECORD_RELOAD);
			break;
		case SIGCHLD:
			while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
				on_death(s, pid, status);
			break;
		default:
			begin_stop(s);
			break;
		}
	}
}

static void loop(struct supervisor *s, struct record *r)
{
	while (!s->give_up) {
		struct pollfd fds[2] = {
		    {s->signals, POLLIN, 0}, {s->core_fd, POLLIN, 0}};

		if (s->stopping &&
		    (s->pid[ROLE_CORE] == 0 || mono_ms() > s->stop_by_ms))
			return;
		if (poll(fds, s->core_fd >= 0 ? 2 : 1, 500) < 0 &&
		    errno != EINTR)
			return;
		if (s->core_fd >= 0 && (fds[1].revents & POLLIN) != 0)
			from_core(s, r);
		on_signal(s);
	}
}

/* ---- start ---- */

static bool read_passphrase(const char *path, char out[256])
{
	FILE *f = fopen(path, "re");
	bool ok = f != NULL && fgets(out, 256, f) != NULL;

	if (f != NULL)
		fclose(f);
	if (ok)
		out[strcspn(out, "\r\n")] = '\0';
	return ok;
}

static enum hf_err unlock(struct supervisor *s)
{
	const struct config *c = s->config;
	char passphrase[256] = "";
	bool has = c->passphrase_file[0] != '\0';
	enum hf_err err;

	if (has && !read_passphrase(c->passphrase_file, passphrase))
		return HF_FILE;
	err = secret_load(
	    &s->secret, c->key_file, SECRET_BROKER, has ? passphrase : NULL);
	hf_wipe(passphrase, sizeof(passphrase));
	return err;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int supervisor_run(struct config *config)
{
	struct supervisor s = {.config = config, .core_fd = -1};
	struct record *r = calloc(1, sizeof(*r));
	char path[CONFIG_PATH_MAX + 32];
	struct rlimit none = {0, 0};
	enum hf_err err = hf_crypto_init();

	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	ready_path(&s, path);
	unlink(path);
	if (err == HF_OK && mkdir(config->data_dir, 0700) != 0 &&
	    errno != EEXIST)
		err = HF_FILE;
	if (err == HF_OK)
		err = unlock(&s);
	if (err != HF_OK || r == NULL) {
		log_line(LOG_ERROR, err, "cannot start: %s: %s",
		    config->key_file, hf_err_text(err));
		free(r);
		return (int)hf_err_info(err)->exit;
	}
	s.signals = open_signals();
	if (s.signals < 0 || !start_all(&s))
		s.give_up = true;
	loop(&s, r);
	if (s.give_up && s.exit_status == 0)
		s.exit_status = 1;
	kill_all(&s);
	secret_free(s.secret);
	unlink(path);
	free(r);
	return s.exit_status;
}
