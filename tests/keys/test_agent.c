/* The agent, in a process of its own. */
#include "keys/agent.h"

#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))
#define OP_KEYS 1u
#define OP_SIGN 2u

static char dir[64], path[96];
static struct secret *secret;

static void set_up(void)
{
	cr_assert_eq(hf_crypto_init(), HF_OK);
	snprintf(dir, sizeof(dir), "/tmp/hf-agent-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/agent.sock", dir);
	secret = secret_new(SECRET_OFFICER);
	cr_assert_not_null(secret);
}

static void tear_down(void)
{
	secret_free(secret);
	unlink(path);
	rmdir(dir);
}

TestSuite(agent, .init = set_up, .fini = tear_down, .timeout = 60);

static void nap(void)
{
	nanosleep(&(struct timespec){0, 10000000}, NULL);
}

/* A child that serves; its exit status is 1 when the path cannot be had. */
static pid_t start(unsigned idle_s)
{
	pid_t pid = fork();
	int listener;

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		if (agent_listen(&listener, path) != HF_OK)
			_exit(1);
		agent_serve(listener, path, secret, idle_s);
		_exit(0);
	}
	return pid;
}

/* Waits by connecting, which an idle time would count as use. */
static struct signer *wait_ready(void)
{
	struct signer *g = NULL;

	for (unsigned i = 0; i < 500 && agent_connect(&g, path) != HF_OK; i++)
		nap();
	cr_assert_not_null(g, "the agent came up");
	return g;
}

static int end_of(pid_t pid)
{
	int status = -1;

	for (unsigned i = 0; i < 1000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
		nap();
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return 101;
}

static int raw_connect(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static size_t frame(
    uint8_t out[256], unsigned number, const void *data, size_t size)
{
	struct pack p;
	size_t n = 0;

	pack_init(&p, out, 256);
	pack_array(&p, 2);
	pack_uint(&p, number);
	pack_bin(&p, data, size);
	cr_assert_eq(pack_finish(&p, &n), HF_OK);
	return n;
}

/* The code answered to a frame, or -1 when the connection is closed. */
static int ask(int fd, const uint8_t *data, size_t size)
{
	uint8_t in[256];
	struct wire w;
	ssize_t n;
	int code;

	cr_assert_eq(send(fd, data, size, MSG_NOSIGNAL), (ssize_t)size);
	n = recv(fd, in, sizeof(in), 0);
	if (n <= 0)
		return -1;
	wire_init(&w, in, (size_t)n);
	wire_array(&w, 2, 2);
	code = (int)wire_uint(&w, 9999);
	wire_bin(&w, 0, 256);
	wire_close(&w);
	cr_assert_eq(wire_finish(&w), HF_OK);
	return code;
}

static void same_as_secret(struct signer *g)
{
	struct hf_hash message;
	struct hf_key keys[3] = {secret_sign_key(secret),
	    secret_transport_key(secret), secret_unwrap_key(secret)};
	struct hf_sig sig, direct;
	uint8_t body_key[32], chance[32], out[32], expected[32];
	uint8_t sealed[HF_SEALED_KEY_SIZE];

	cr_expect_arr_eq(&g->sign_key, &keys[0], sizeof(keys[0]));
	cr_expect_arr_eq(&g->transport_key, &keys[1], sizeof(keys[1]));
	cr_expect_arr_eq(&g->unwrap_key, &keys[2], sizeof(keys[2]));
	hf_random(&message, sizeof(message));
	direct = secret_sign(secret, &message, sizeof(message));
	cr_assert_eq(g->sign(g, &message, &sig), HF_OK);
	cr_expect_arr_eq(&sig, &direct, sizeof(sig));
	cr_expect_eq(
	    hf_verify(&g->sign_key, &sig, &message, sizeof(message)), HF_OK);

	hf_random(body_key, sizeof(body_key));
	hf_random(chance, sizeof(chance));
	cr_assert_eq(
	    hf_box_seal(sealed, body_key, &g->unwrap_key, chance), HF_OK);
	cr_assert_eq(g->unwrap(g, sealed, out), HF_OK);
	cr_expect_arr_eq(out, body_key, sizeof(out));
	sealed[0] ^= 1;
	cr_expect_eq(g->unwrap(g, sealed, out), HF_OPEN);
	secret_transport_secret(secret, expected);
	cr_assert_eq(g->transport_secret(g, out), HF_OK);
	cr_expect_arr_eq(out, expected, sizeof(out));
}

/* A file's two signatures, and nothing but digest and comment for them. */
static void signs_files(struct signer *g)
{
	uint8_t digest[64], message[HF_SIG_SIZE + FILE_COMMENT_MAX];
	uint8_t words[FILE_COMMENT_MAX + 1];
	struct hf_bytes comment = {words, 5};
	struct file_signature s;

	memset(digest, 3, sizeof(digest));
	memset(words, 'w', sizeof(words));
	for (; comment.size <= FILE_COMMENT_MAX;
	     comment.size += FILE_COMMENT_MAX - 5) {
		cr_assert_eq(g->sign_file(g, digest, comment, &s), HF_OK);
		cr_expect_eq(
		    hf_verify(&g->sign_key, &s.sig, digest, sizeof(digest)),
		    HF_OK);
		memcpy(message, s.sig.b, HF_SIG_SIZE);
		memcpy(message + HF_SIG_SIZE, words, comment.size);
		cr_expect_eq(hf_verify(&g->sign_key, &s.global, message,
				 HF_SIG_SIZE + comment.size),
		    HF_OK);
	}
	comment.size = 0;
	cr_expect_eq(g->sign_file(g, digest, comment, &s), HF_RANGE);
	comment.size = FILE_COMMENT_MAX + 1;
	cr_expect_eq(g->sign_file(g, digest, comment, &s), HF_RANGE);
}

Test(agent, speaks_as_the_secret_itself_until_it_is_stopped)
{
	pid_t pid = start(0);
	struct signer *g = wait_ready(), *local = NULL, *late = NULL;
	struct hf_hash message = {{7}};
	uint8_t raw[96];
	struct hf_sig sig;
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	same_as_secret(g);
	cr_assert_eq(
	    signer_from_secret(&local,
		secret_import(SECRET_OFFICER, raw, secret_export(secret, raw))),
	    HF_OK);
	same_as_secret(local);
	signs_files(g);
	signs_files(local);
	signer_free(local);

	cr_expect_eq(agent_stop(path), HF_OK);
	cr_expect_eq(end_of(pid), 0);
	cr_expect_eq(g->sign(g, &message, &sig), HF_AGENT);
	cr_expect_eq(agent_connect(&late, path), HF_AGENT);
	cr_expect_eq(agent_stop(path), HF_AGENT);
	signer_free(g);
	signer_free(NULL);
}

/* Who comes between the two calls waits, and is not sent away. */
Test(agent, answers_whoever_came_before_it_served)
{
	uint8_t out[256], in[256];
	int listener, early;
	size_t size = frame(out, OP_KEYS, NULL, 0);
	pid_t pid;

	cr_assert_eq(agent_listen(&listener, path), HF_OK);
	early = raw_connect();
	cr_assert_geq(early, 0);
	cr_assert_eq(send(early, out, size, MSG_NOSIGNAL), (ssize_t)size);
	pid = fork();
	if (pid == 0) {
		agent_serve(listener, path, secret, 0);
		_exit(0);
	}
	close(listener);
	cr_expect_gt(recv(early, in, sizeof(in), 0), 96);
	close(early);
	cr_expect_eq(agent_stop(path), HF_OK);
	cr_expect_eq(end_of(pid), 0);
}

/* `agent --stop` and `agent` in a row must not meet the old one's socket. */
Test(agent, is_gone_from_its_path_before_stop_returns)
{
	for (unsigned i = 0; i < 20; i++) {
		pid_t pid = start(0);

		signer_free(wait_ready());
		cr_expect_eq(agent_stop(path), HF_OK);
		cr_expect_neq(access(path, F_OK), 0, "round %u", i);
		cr_expect_eq(end_of(pid), 0);
	}
}

Test(agent, ends_on_sigterm_and_when_idle)
{
	struct timespec begin, end;
	pid_t pid = start(0);

	signer_free(wait_ready());
	cr_assert_eq(kill(pid, SIGTERM), 0);
	cr_expect_eq(end_of(pid), 0);
	cr_expect_neq(access(path, F_OK), 0, "cleans up after SIGTERM");

	clock_gettime(CLOCK_MONOTONIC, &begin);
	cr_expect_eq(end_of(start(1)), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	cr_expect_geq(end.tv_sec - begin.tv_sec, 0);
	cr_expect_gt((double)(end.tv_sec - begin.tv_sec) +
			 (double)(end.tv_nsec - begin.tv_nsec) / 1e9,
	    0.9, "not before its time");
	cr_expect_neq(access(path, F_OK), 0, "cleans up when idle");
}

Test(agent, takes_a_dead_ones_place_and_nothing_else)
{
	pid_t pid = start(0);
	struct stat before, after;
	int fd;

	signer_free(wait_ready());
	cr_assert_eq(stat(path, &before), 0);
	cr_expect_eq(end_of(start(0)), 1, "one serves here already");
	cr_assert_eq(stat(path, &after), 0);
	cr_expect_eq(after.st_ino, before.st_ino);
	kill(pid, SIGKILL);
	cr_expect_eq(end_of(pid), 100);
	cr_expect_eq(access(path, F_OK), 0, "the dead one's socket is left");
	pid = start(0);
	signer_free(wait_ready());
	cr_expect_eq(agent_stop(path), HF_OK);
	cr_expect_eq(end_of(pid), 0);

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	cr_assert_geq(fd, 0);
	close(fd);
	cr_expect_eq(end_of(start(0)), 1, "a file is not ours to remove");
	cr_expect_eq(access(path, F_OK), 0);
}

Test(agent, answers_good_frames_and_drops_whoever_sends_others)
{
	static const uint8_t garbage[][4] = {
	    {0xff}, {0x92, 1, 0xc0}, {0x92, 0xcc, 1, 0xc4}, {0x93, 1, 0xc4, 0}};
	uint8_t out[256], big[300] = {0};
	pid_t pid = start(0);
	struct signer *g = wait_ready();
	int fd = raw_connect();

	cr_expect_eq(ask(fd, out, frame(out, OP_KEYS, NULL, 0)), HF_OK);
	cr_expect_eq(ask(fd, out, frame(out, OP_SIGN, big, 32)), HF_OK);
	cr_expect_eq(ask(fd, out, frame(out, OP_SIGN, big, 31)), HF_FRAME);
	cr_expect_eq(ask(fd, out, frame(out, 3, big, 79)), HF_FRAME);
	cr_expect_eq(ask(fd, out, frame(out, 0, NULL, 0)), HF_FRAME);
	cr_expect_eq(ask(fd, out, frame(out, 99, NULL, 0)), HF_FRAME);
	cr_expect_eq(ask(fd, big, sizeof(big)), -1);
	close(fd);
	for (size_t i = 0; i < ROWS(garbage); i++) {
		fd = raw_connect();
		cr_expect_eq(ask(fd, garbage[i], sizeof(garbage[i])), -1);
		close(fd);
	}
	same_as_secret(g);
	signer_free(g);
	cr_expect_eq(agent_stop(path), HF_OK);
	cr_expect_eq(end_of(pid), 0);
}

Test(agent, serves_sixteen_at_once_and_refuses_the_next)
{
	struct signer *g[16], *more = NULL;
	pid_t pid = start(0);

	g[0] = wait_ready();
	for (unsigned i = 1; i < ROWS(g); i++)
		cr_assert_eq(agent_connect(&g[i], path), HF_OK, "%u", i);
	cr_expect_eq(agent_connect(&more, path), HF_AGENT);
	signer_free(g[3]);
	for (unsigned i = 0; i < 100; i++)
		if (agent_connect(&g[3], path) == HF_OK)
			break;
	for (unsigned i = 0; i < ROWS(g); i++) {
		same_as_secret(g[i]);
		signer_free(g[i]);
	}
	kill(pid, SIGTERM);
	cr_expect_eq(end_of(pid), 0);
}

/* As root only can a test be another user; the socket is opened up to show
 * that the peer's uid is looked at as well. */
Test(agent, is_deaf_to_other_users)
{
	uint8_t out[256];
	pid_t pid, other;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	pid = start(0);
	signer_free(wait_ready());
	cr_assert_eq(chmod(dir, 0711), 0);
	for (unsigned mode = 0; mode < 2; mode++) {
		cr_assert_eq(chmod(path, mode == 0 ? 0600 : 0666), 0);
		other = fork();
		if (other == 0) {
			size_t size = frame(out, OP_KEYS, NULL, 0);
			int fd;

			if (setgid(65534) != 0 || setuid(65534) != 0)
				_exit(9);
			fd = raw_connect();
			if (fd < 0)
				_exit(mode == 0 ? 0 : 8);
			(void)!send(fd, out, size, MSG_NOSIGNAL);
			_exit(recv(fd, out, sizeof(out), 0) <= 0 ? 0 : 7);
		}
		cr_expect_eq(end_of(other), 0, "mode %u", mode);
	}
	signer_free(wait_ready());
	kill(pid, SIGTERM);
	cr_expect_eq(end_of(pid), 0);
}

/* A false agent: true keys, then a short answer and a good one behind it. */
static void serve_late(int listener)
{
	uint8_t in[256], out[256], zeros[96] = {0};
	int fd = accept(listener, NULL, NULL);

	if (recv(fd, in, sizeof(in), 0) > 0)
		(void)!send(fd, out, frame(out, 0, zeros, 96), MSG_NOSIGNAL);
	if (recv(fd, in, sizeof(in), 0) > 0) {
		(void)!send(fd, out, frame(out, 0, zeros, 63), MSG_NOSIGNAL);
		(void)!send(fd, out, frame(out, 0, zeros, 64), MSG_NOSIGNAL);
	}
	_exit(recv(fd, in, sizeof(in), 0) > 0 ? 1 : 0);
}

Test(agent, answer_that_comes_late_is_not_taken_for_the_next)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	struct hf_hash message = {{1}};
	struct signer *g = NULL;
	struct hf_sig sig;
	pid_t pid;

	memcpy(a.sun_path, path, strlen(path));
	cr_assert_eq(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(listen(listener, 1), 0);
	pid = fork();
	if (pid == 0)
		serve_late(listener);
	close(listener);
	cr_assert_eq(agent_connect(&g, path), HF_OK);
	cr_expect_eq(g->sign(g, &message, &sig), HF_AGENT);
	cr_expect_eq(g->sign(g, &message, &sig), HF_AGENT);
	signer_free(g);
	cr_expect_eq(end_of(pid), 0);
}
