/*
 * supervisor: one process a duty, started by fork and a new exec, so that
 * no child holds another's secrets or memory layout.
 *
 * It unlocks the broker's keys once; each child gets its own by the first
 * record on its socket pair.  A gate that dies is started again and its new
 * descriptor is passed to the core; when the core or the signer dies all
 * are started anew; more often than restarts_per_minute means that something
 * else is wrong, and it gives up.  What the
 * children do first is in roles.c.
 */
#include "broker/supervisor.h"

#include "broker/confine.h"
#include "broker/gate/gate.h"
#include "broker/log.h"
#include "broker/notify.h"
#include "broker/records.h"
#include "broker/resolver.h"
#include "broker/signer/memory.h"
#include "broker/unlock.h"
#include "keys/secret.h"
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIRST_FD SUPERVISOR_FIRST_FD
#define STOP_MS 10000
#define CORE_ENDS_MS 5000u
#define RESOLVERS_MAX 4u
#define GATE_DELAY_MS 100u
#define GATE_DELAY_MAX_MS 5000u
#define GATE_STEADY_MS 60000u /* after that it begins with no delay */

enum role { ROLE_DESKS, ROLE_PEERS, ROLE_SIGNER, ROLE_CORE, ROLE_COUNT };
static const char *const role_names[ROLE_COUNT] = {
    "gate-desks", "gate-peers", "signer", "core"};

struct resolver {
	pid_t pid; /* 0: none */
	int fd;
};

struct supervisor {
	struct config *config;
	struct secret *secret;
	pid_t pid[ROLE_COUNT];
	int core_fd; /* our end towards the core */
	int signals;
	bool stopping, told_stop, give_up;
	int exit_status;
	unsigned restarts;
	uint64_t restart_window_ms;
	struct resolver resolvers[RESOLVERS_MAX];
	struct record *record; /* receive space */
	uint64_t again_ms[2];  /* a gate is started again then; 0: it runs */
	uint64_t delay_ms[2], started_ms[2];
	unsigned port[2];
	uint64_t stop_by_ms;
};

static uint64_t mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* ---- children ---- */

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
	pack_array(&p, 8);
	pack_bin(&p, secret, sizeof(secret));
	pack_bin(&p, key.b, sizeof(key.b));
	pack_bool(&p, peers);
	pack_text(
	    &p, peers ? s->config->peer_endpoint : s->config->desk_endpoint);
	pack_uint(&p, s->config->connections_max);
	pack_uint(&p, s->config->source_connections_max);
	pack_uint(&p, s->config->handshakes_max);
	pack_uint(&p, s->config->session_hours_max);
	hf_wipe(secret, sizeof(secret));
	return hand_over(fd, &p);
}

static enum hf_err give_signer(struct supervisor *s, int fd)
{
	uint8_t data[4096], raw[96];
	char origin[HF_ORIGIN_MAX], path[CONFIG_PATH_MAX + 32];
	char before[CONFIG_PATH_MAX + 32] = "", witness[CONFIG_PATH_MAX + 32];
	uint32_t epoch = s->config->epoch;
	struct pack p;

	hf_origin(origin, s->config->country, epoch);
	memory_path(path, sizeof(path), s->config->data_dir, epoch);
	if (epoch > 1)
		memory_path(
		    before, sizeof(before), s->config->data_dir, epoch - 1);
	snprintf(
	    witness, sizeof(witness), "%s/witness.mem", s->config->data_dir);
	secret_export(s->secret, raw);
	pack_init(&p, data, sizeof(data));
	pack_array(&p, 7);
	/* of a broker's secrets the second 32 bytes are the ledger's seed, the
	 * third the witness's */
	pack_bin(&p, raw + HF_KEY_SIZE, HF_SEED_SIZE);
	pack_bin(&p, raw + HF_KEY_SIZE + HF_SEED_SIZE, HF_SEED_SIZE);
	pack_text(&p, s->config->country.s);
	pack_text(&p, origin);
	pack_text(&p, path);
	pack_text(&p, witness);
	pack_text(&p, before);
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
	pack_array(&p, 3);
	pack_bin(&p, transport.b, sizeof(transport.b));
	pack_bin(&p, ledger.b, sizeof(ledger.b));
	pack_bool(&p, s->config->accept_rollback);
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
	if (s->pid[role] > 0) {
		s->started_ms[role] = mono_ms();
		return pair[0];
	}
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

static void write_ready(struct supervisor *s)
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
	    (int)s->pid[ROLE_SIGNER], (int)s->pid[ROLE_CORE],
	    s->port[ROLE_DESKS], s->port[ROLE_PEERS]);
	if (fclose(f) == 0)
		rename(temporary, path);
}

static void forget_ready(const struct supervisor *s)
{
	char path[CONFIG_PATH_MAX + 32];

	ready_path(s, path);
	unlink(path);
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

static void resolve(struct supervisor *s, const struct record *question)
{
	struct resolver *free_slot = NULL;
	int pair[2];

	for (unsigned i = 0; i < RESOLVERS_MAX; i++)
		if (s->resolvers[i].pid == 0)
			free_slot = &s->resolvers[i];
	/* the core asks again later */
	if (free_slot == NULL || !resolver_asks(question) ||
	    records_pair(pair) != HF_OK)
		return;
	if (record_send(pair[0], &question->h, question->payload) == HF_OK)
		free_slot->pid =
		    spawn("resolver", s->config->file, &pair[1], 1);
	close(pair[1]);
	if (free_slot->pid > 0) {
		free_slot->fd = pair[0];
		return;
	}
	free_slot->pid = 0;
	close(pair[0]);
}

/* A resolver has ended; its answer, if it has one, goes to the core. */
static bool resolver_ended(struct supervisor *s, pid_t pid)
{
	for (unsigned i = 0; i < RESOLVERS_MAX; i++) {
		struct resolver *v = &s->resolvers[i];

		if (v->pid != pid)
			continue;
		if (record_receive(v->fd, s->record) == HF_OK &&
		    resolver_answers(s->record) && s->core_fd >= 0)
			(void)record_send(
			    s->core_fd, &s->record->h, s->record->payload);
		close(v->fd);
		*v = (struct resolver){0, -1};
		return true;
	}
	return false;
}

/* ---- events ---- */

static void on_ready(struct supervisor *s, unsigned desks, unsigned peers)
{
	s->port[ROLE_DESKS] = desks;
	s->port[ROLE_PEERS] = peers;
	keep_port(
	    s->config->desk_endpoint, sizeof(s->config->desk_endpoint), desks);
	keep_port(
	    s->config->peer_endpoint, sizeof(s->config->peer_endpoint), peers);
	write_ready(s);
	notify("READY=1");
}

static void from_core(struct supervisor *s)
{
	struct record *r = s->record;

	while (record_receive(s->core_fd, r) == HF_OK) {
		if (r->h.type == RECORD_RESOLVE)
			resolve(s, r);
		else if (r->h.type == RECORD_READY)
			on_ready(s, r->h.code, r->h.count);
	}
}

static bool tell_core(struct supervisor *s, enum record_type type)
{
	struct record_header h = {.type = type};

	return s->core_fd >= 0 && record_send(s->core_fd, &h, NULL) == HF_OK;
}

static void begin_stop(struct supervisor *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->stop_by_ms = mono_ms() + STOP_MS;
	notify("STOPPING=1");
}

static bool may_restart(struct supervisor *s)
{
	uint64_t now = mono_ms();

	if (now - s->restart_window_ms > 60000) {
		s->restart_window_ms = now;
		s->restarts = 0;
	}
	return ++s->restarts <= s->config->restarts_per_minute;
}

/* A gate without a core ends too, and may be seen to end first: what the core
 * says of itself counts more.  0: it lives. */
static int status_of_core(struct supervisor *s)
{
	uint64_t end = mono_ms() + CORE_ENDS_MS;
	int status;

	do {
		if (s->pid[ROLE_CORE] <= 0)
			return 0;
		if (waitpid(s->pid[ROLE_CORE], &status, WNOHANG) ==
		    s->pid[ROLE_CORE]) {
			s->pid[ROLE_CORE] = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
		}
		usleep(5000);
	} while (mono_ms() < end);
	return 0;
}

/* At once when it ran well, later and later when it does not. */
static void gate_later(struct supervisor *s, enum role role, int status)
{
	uint64_t now = mono_ms();

	if (s->give_up)
		return;
	if (s->port[role] == 0) { /* it has never been ready */
		int core = status <= 1 ? status_of_core(s) : 0;

		s->exit_status = core != 0 ? core : status;
		s->give_up = true;
		return;
	}
	if (now - s->started_ms[role] > GATE_STEADY_MS)
		s->delay_ms[role] = 0;
	s->again_ms[role] = now + s->delay_ms[role];
	s->delay_ms[role] =
	    s->delay_ms[role] == 0 ? GATE_DELAY_MS : 2 * s->delay_ms[role];
	if (s->delay_ms[role] > GATE_DELAY_MAX_MS)
		s->delay_ms[role] = GATE_DELAY_MAX_MS;
}

static void restart_gate(struct supervisor *s, enum role role)
{
	struct record_header h = {
	    .type = RECORD_GATE, .code = role == ROLE_PEERS};
	int fd;

	s->again_ms[role] = 0;
	fd = start_gate(s, role);
	if (fd < 0) {
		gate_later(s, role, 1);
		return;
	}
	(void)record_send_fd(s->core_fd, &h, fd);
	close(fd);
	log_line(LOG_WARN, HF_OK, "restarted %s pid=%d", role_names[role],
	    (int)s->pid[role]);
	write_ready(s);
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
	forget_ready(s);
	s->again_ms[ROLE_DESKS] = s->again_ms[ROLE_PEERS] = 0;
	if (!may_restart(s) || !start_all(s)) {
		log_line(LOG_ERROR, HF_OK, "giving up");
		s->give_up = true;
	}
}

static bool is_gate(enum role role)
{
	return role == ROLE_DESKS || role == ROLE_PEERS;
}

/* A ledger that does not verify, a gate that lets anyone in, a kernel that
 * does not confine: starting again does not help.  What a gate could not get
 * at its start it may get a little later, if it has had it before. */
static bool is_for_good(enum role role, int code)
{
	return code == 6 || code == GATE_OPEN ||
	       (code == HF_EXIT_CONFIG && !is_gate(role));
}

static void on_death(struct supervisor *s, pid_t pid, int status)
{
	enum role role = ROLE_COUNT;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;

	if (resolver_ended(s, pid))
		return;
	for (unsigned i = 0; i < ROLE_COUNT; i++)
		if (s->pid[i] == pid)
			role = (enum role)i;
	if (role == ROLE_COUNT)
		return;
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
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_line(LOG_ERROR, HF_CONFINE,
		    "forbidden-call process=%s: an attack, or a library that "
		    "is not known here",
		    role_names[role]);
	if (is_for_good(role, code)) {
		s->exit_status = code;
		s->give_up = true;
	} else if (is_gate(role)) {
		gate_later(s, role, code);
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
			(void)tell_core(s, RECORD_RELOAD);
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

static int restart_due_gates(struct supervisor *s)
{
	uint64_t now = mono_ms(), wait = 500;

	for (unsigned i = ROLE_DESKS; i <= ROLE_PEERS; i++) {
		if (s->again_ms[i] == 0 || s->stopping)
			continue;
		if (s->again_ms[i] <= now)
			restart_gate(s, (enum role)i);
		else if (s->again_ms[i] - now < wait)
			wait = s->again_ms[i] - now;
	}
	return (int)wait;
}

/* An error of the machine's: what, and the end.  Whoever started us starts us
 * again. */
static void cannot_go_on(struct supervisor *s, const char *what)
{
	log_line(LOG_ERROR, HF_RESOURCES, "%s: %s: %s", what, strerror(errno),
	    hf_err_info(HF_RESOURCES)->cure);
	s->give_up = true;
}

static void loop(struct supervisor *s)
{
	while (!s->give_up) {
		int wait = restart_due_gates(s);
		struct pollfd fds[2] = {
		    {s->signals, POLLIN, 0}, {s->core_fd, POLLIN, 0}};

		if (s->stopping && s->pid[ROLE_CORE] == 0)
			return;
		if (s->stopping && !s->told_stop)
			s->told_stop = tell_core(s, RECORD_STOP);
		if (s->stopping && mono_ms() > s->stop_by_ms) {
			log_line(LOG_ERROR, HF_RESOURCES,
			    "core does not end within %d s and is killed; what "
			    "it acknowledged is durable",
			    STOP_MS / 1000);
			s->exit_status = 1;
			return;
		}
		if (poll(fds, s->core_fd >= 0 ? 2 : 1, wait) < 0 &&
		    errno != EINTR) {
			cannot_go_on(s, "cannot wait");
			return;
		}
		if (s->core_fd >= 0 && (fds[1].revents & POLLIN) != 0)
			from_core(s);
		on_signal(s);
	}
}

/* ---- start ---- */

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

/* What the kernel lacks is an alarm, or the end before anything began. */
static enum hf_err confinement(const struct config *c)
{
	struct confine_offer offer = confine_probe();

	if (!confine_is_whole(&offer)) {
		log_line(c->confinement_required ? LOG_ERROR : LOG_WARN,
		    HF_CONFINE, "%s (seccomp=%s landlock=%d): %s",
		    hf_err_text(HF_CONFINE), offer.seccomp ? "yes" : "no",
		    offer.landlock, hf_err_info(HF_CONFINE)->cure);
		if (c->confinement_required)
			return HF_CONFINE;
	}
	return confine_supervisor();
}

static enum hf_err prepare(struct supervisor *s)
{
	enum hf_err err = hf_crypto_init();

	signal(SIGPIPE, SIG_IGN);
	confine_harden();
	if (err == HF_OK)
		err = confinement(s->config);
	if (err != HF_OK)
		return err;
	s->record = calloc(1, sizeof(*s->record));
	if (s->record == NULL)
		return HF_NOMEM;
	if (err == HF_OK && mkdir(s->config->data_dir, 0700) != 0 &&
	    errno != EEXIST) {
		log_line(
		    LOG_ERROR, HF_FILE, "cannot make %s", s->config->data_dir);
		return HF_FILE;
	}
	forget_ready(s);
	if (err == HF_OK)
		err = unlock(&s->secret, s->config);
	if (err == HF_OK && !secret_is_locked(s->secret))
		log_line(LOG_WARN, HF_MEMLOCK, "%s: %s; goes on without",
		    hf_err_text(HF_MEMLOCK), hf_err_info(HF_MEMLOCK)->cure);
	if (err != HF_OK)
		log_line(LOG_ERROR, err, "cannot start: %s: %s",
		    s->config->key_file, hf_err_text(err));
	return err;
}

int supervisor_run(struct config *config)
{
	struct supervisor s = {.config = config, .core_fd = -1};
	enum hf_err err = prepare(&s);

	if (err != HF_OK) {
		s.exit_status = (int)hf_err_info(err)->exit;
		goto out;
	}
	s.signals = open_signals();
	if (s.signals < 0 || !start_all(&s))
		cannot_go_on(&s, "cannot start the broker's processes");
	loop(&s);
	if (s.give_up && s.exit_status == 0)
		s.exit_status = 1;
	kill_all(&s);
	forget_ready(&s);
out:
	secret_free(s.secret);
	free(s.record);
	return s.exit_status;
}
