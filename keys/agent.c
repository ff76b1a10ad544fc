/*
 * agent: one process, one key, one socket of one user.
 *
 * Frames are canonical [op, bytes] and [error, bytes].  Whoever connects
 * must be the same user (SO_PEERCRED); the socket's mode says so already.
 */
#include "keys/agent.h"

#include "keys/secret_internal.h"
#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/wire.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 256u
#define CLIENTS_MAX 16u
#define REPLY_MS 5000
#define ANSWER_MAX 128u /* bytes: two signatures */
#define DIGEST_SIZE 64u

enum agent_op {
	AGENT_KEYS = 1,
	AGENT_SIGN,
	AGENT_UNWRAP,
	AGENT_TRANSPORT,
	AGENT_STOP,
	AGENT_SIGN_FILE /* digest64 comment: sig64 global64 */
};

static int open_socket(const char *path, struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		return -1;
	memcpy(address->sun_path, path, strlen(path));
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static bool same_user(int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
	       who.uid == geteuid();
}

static size_t make_frame(
    uint8_t out[FRAME_MAX], unsigned number, const void *data, size_t size)
{
	struct pack p;
	size_t n;

	pack_init(&p, out, FRAME_MAX);
	pack_array(&p, 2);
	pack_uint(&p, number);
	pack_bin(&p, data, size);
	return pack_finish(&p, &n) == HF_OK ? n : 0;
}

static enum hf_err read_frame(
    const uint8_t *frame, size_t size, unsigned *number, struct hf_bytes *data)
{
	struct wire w;

	wire_init(&w, frame, size);
	wire_array(&w, 2, 2);
	*number = (unsigned)wire_uint(&w, 9999);
	*data = wire_bin(&w, 0, FRAME_MAX);
	wire_close(&w);
	return wire_finish(&w);
}

/* ---- serving ---- */

struct server {
	const struct secret *secret;
	const char *path;
	bool bound; /* the socket at `path` is ours */
};

static volatile sig_atomic_t stopping;

static void on_stop(int number)
{
	(void)number;
	stopping = 1;
}

static void leave(struct server *v)
{
	if (v->bound)
		unlink(v->path);
	v->bound = false;
}

static enum hf_err answer(struct server *v, unsigned op, struct hf_bytes in,
    uint8_t out[ANSWER_MAX], size_t *out_size)
{
	const struct secret *s = v->secret;
	struct hf_key keys[3];
	struct file_signature file;
	struct hf_sig sig;

	*out_size = 0;
	switch (op) {
	case AGENT_KEYS:
		keys[0] = secret_sign_key(s);
		keys[1] = secret_transport_key(s);
		keys[2] = secret_unwrap_key(s);
		memcpy(out, keys, sizeof(keys));
		*out_size = sizeof(keys);
		return HF_OK;
	case AGENT_SIGN:
		if (in.size != HF_HASH_SIZE)
			return HF_FRAME;
		sig = secret_sign(s, in.data, in.size);
		memcpy(out, &sig, sizeof(sig));
		*out_size = sizeof(sig);
		return HF_OK;
	case AGENT_SIGN_FILE:
		/* the digest and the comment, never a message: what an act
		 * signs has 32 bytes, and cannot be had by this way */
		if (in.size <= DIGEST_SIZE ||
		    in.size > DIGEST_SIZE + FILE_COMMENT_MAX)
			return HF_FRAME;
		file = secret_sign_file(s, in.data,
		    (struct hf_bytes){
			in.data + DIGEST_SIZE, in.size - DIGEST_SIZE});
		memcpy(out, &file, sizeof(file));
		*out_size = sizeof(file);
		return HF_OK;
	case AGENT_UNWRAP:
		if (in.size != HF_SEALED_KEY_SIZE)
			return HF_FRAME;
		*out_size = HF_KEY_SIZE;
		return secret_unwrap(s, in.data, out);
	case AGENT_TRANSPORT:
		secret_transport_secret(s, out);
		*out_size = HF_KEY_SIZE;
		return HF_OK;
	case AGENT_STOP:
		/* before the answer: whoever asked may start the next one */
		leave(v);
		stopping = 1;
		return HF_OK;
	default:
		return HF_FRAME;
	}
}

/* One request of one client; false: drop it. */
static bool serve_one(struct server *v, int fd)
{
	uint8_t in[FRAME_MAX], out[ANSWER_MAX], frame[FRAME_MAX];
	struct hf_bytes data;
	unsigned op;
	size_t out_size = 0, size;
	enum hf_err err;
	ssize_t n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
	bool ok;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0 || read_frame(in, (size_t)n, &op, &data) != HF_OK)
		return false;
	err = answer(v, op, data, out, &out_size);
	size = make_frame(frame, err, out, err == HF_OK ? out_size : 0);
	ok =
	    send(fd, frame, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
	hf_wipe(out, sizeof(out));
	hf_wipe(frame, sizeof(frame));
	return ok;
}

static void accept_one(int listener, struct pollfd *fds, unsigned *count)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (*count == CLIENTS_MAX + 1 || !same_user(fd)) {
		close(fd);
		return;
	}
	fds[*count].fd = fd;
	fds[(*count)++].events = POLLIN;
}

/* Signals come through only while ppoll waits (`open`), so none is missed
 * between the look at `stopping` and the wait. */
static void serve(
    struct server *v, int listener, unsigned idle_s, const sigset_t *open)
{
	struct pollfd fds[CLIENTS_MAX + 1] = {{listener, POLLIN, 0}};
	struct timespec idle = {(time_t)idle_s, 0};
	unsigned count = 1;

	while (!stopping) {
		int n = ppoll(fds, count, idle_s == 0 ? NULL : &idle, open);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* idle */
		for (unsigned i = count; i-- > 1;)
			if (fds[i].revents != 0 && !serve_one(v, fds[i].fd)) {
				close(fds[i].fd);
				fds[i] = fds[--count];
			}
		if (fds[0].revents != 0)
			accept_one(listener, fds, &count);
	}
	while (count-- > 1)
		close(fds[count].fd);
}

static int dial(const char *socket_path)
{
	struct sockaddr_un address;
	int fd = open_socket(socket_path, &address);

	if (fd >= 0 &&
	    (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		!same_user(fd))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The path is free, or holds only what a dead agent left. */
static bool make_room(const char *socket_path)
{
	struct stat st;
	int other;

	if (lstat(socket_path, &st) != 0)
		return errno == ENOENT;
	if (!S_ISSOCK(st.st_mode))
		return false;
	other = dial(socket_path);
	if (other >= 0) {
		close(other);
		return false;
	}
	return unlink(socket_path) == 0;
}

enum hf_err agent_listen(int *listener, const char *socket_path)
{
	struct sockaddr_un address;
	int fd = open_socket(socket_path, &address);
	mode_t old;
	bool bound;

	if (fd < 0)
		return HF_FILE;
	old = umask(0177);
	bound = make_room(socket_path) &&
		bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	umask(old);
	if (!bound || listen(fd, 8) != 0) {
		if (bound)
			unlink(socket_path);
		close(fd);
		return HF_FILE;
	}
	*listener = fd;
	return HF_OK;
}

void agent_serve(
    int listener, const char *socket_path, struct secret *s, unsigned idle_s)
{
	struct sigaction action = {.sa_handler = on_stop}, was[2];
	struct server v = {s, socket_path, true};
	sigset_t stops, open;

	assert(secret_purpose(s) == SECRET_OFFICER);
	secret_lock(s);
	stopping = 0;
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigprocmask(SIG_BLOCK, &stops, &open);
	sigdelset(&open, SIGTERM);
	sigdelset(&open, SIGINT);
	sigaction(SIGTERM, &action, &was[0]);
	sigaction(SIGINT, &action, &was[1]);
	serve(&v, listener, idle_s, &open);
	leave(&v);
	close(listener);
	secret_free(s);
	sigaction(SIGTERM, &was[0], NULL);
	sigaction(SIGINT, &was[1], NULL);
	sigprocmask(SIG_UNBLOCK, &stops, NULL);
}

/* ---- asking ---- */

struct remote {
	int fd;
};

static enum hf_err call(struct remote *r, enum agent_op op, const void *in,
    size_t in_size, void *out, size_t out_size)
{
	uint8_t frame[FRAME_MAX];
	size_t size = make_frame(frame, op, in, in_size);
	struct pollfd p = {r->fd, POLLIN, 0};
	struct hf_bytes data;
	unsigned code;
	ssize_t n;
	enum hf_err err = HF_AGENT;

	if (send(r->fd, frame, size, MSG_NOSIGNAL) != (ssize_t)size ||
	    poll(&p, 1, REPLY_MS) != 1)
		goto out;
	n = recv(r->fd, frame, sizeof(frame), 0);
	if (n > 0 && read_frame(frame, (size_t)n, &code, &data) == HF_OK) {
		err = (enum hf_err)code;
		if (err == HF_OK && data.size != out_size)
			err = HF_AGENT;
		if (err == HF_OK && out_size > 0)
			memcpy(out, data.data, out_size);
	}
out:
	/* an answer that comes late must not be taken for the next one's */
	if (err == HF_AGENT)
		shutdown(r->fd, SHUT_RDWR);
	hf_wipe(frame, sizeof(frame));
	return err;
}

static enum hf_err remote_sign(
    struct signer *g, const struct hf_hash *to_sign, struct hf_sig *sig)
{
	return call(g->ctx, AGENT_SIGN, to_sign->b, sizeof(to_sign->b), sig->b,
	    sizeof(sig->b));
}

static enum hf_err remote_sign_file(struct signer *g, const uint8_t digest[64],
    struct hf_bytes comment, struct file_signature *out)
{
	uint8_t in[DIGEST_SIZE + FILE_COMMENT_MAX];

	if (comment.size == 0 || comment.size > FILE_COMMENT_MAX)
		return HF_RANGE;
	memcpy(in, digest, DIGEST_SIZE);
	memcpy(in + DIGEST_SIZE, comment.data, comment.size);
	return call(g->ctx, AGENT_SIGN_FILE, in, DIGEST_SIZE + comment.size,
	    out, sizeof(*out));
}

static enum hf_err remote_unwrap(struct signer *g,
    const uint8_t sealed[HF_SEALED_KEY_SIZE], uint8_t out[HF_KEY_SIZE])
{
	return call(
	    g->ctx, AGENT_UNWRAP, sealed, HF_SEALED_KEY_SIZE, out, HF_KEY_SIZE);
}

static enum hf_err remote_transport(struct signer *g, uint8_t out[HF_KEY_SIZE])
{
	return call(g->ctx, AGENT_TRANSPORT, NULL, 0, out, HF_KEY_SIZE);
}

static void remote_free(struct signer *g)
{
	struct remote *r = g->ctx;

	close(r->fd);
	free(r);
	free(g);
}

enum hf_err agent_connect(struct signer **out, const char *socket_path)
{
	struct remote *r = calloc(1, sizeof(*r));
	struct signer *g = calloc(1, sizeof(*g));
	struct hf_key keys[3];
	enum hf_err err = HF_NOMEM;

	if (r == NULL || g == NULL)
		goto out;
	err = HF_AGENT;
	r->fd = dial(socket_path);
	if (r->fd < 0)
		goto out;
	err = call(r, AGENT_KEYS, NULL, 0, keys, sizeof(keys));
	if (err != HF_OK) {
		close(r->fd);
		goto out;
	}
	g->sign_key = keys[0];
	g->transport_key = keys[1];
	g->unwrap_key = keys[2];
	g->sign = remote_sign;
	g->sign_file = remote_sign_file;
	g->unwrap = remote_unwrap;
	g->transport_secret = remote_transport;
	g->free = remote_free;
	g->ctx = r;
	*out = g;
	return HF_OK;
out:
	free(r);
	free(g);
	return err;
}

enum hf_err agent_stop(const char *socket_path)
{
	struct remote r = {dial(socket_path)};
	enum hf_err err;

	if (r.fd < 0)
		return HF_AGENT;
	err = call(&r, AGENT_STOP, NULL, 0, NULL, 0);
	close(r.fd);
	return err;
}
