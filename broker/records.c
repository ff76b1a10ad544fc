#include "broker/records.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Room for some hundred of the largest records, so that a busy reader does
 * not stop a writer at once. */
#define ROOM (8 << 20)

enum hf_err records_pair(int fds[2])
{
	int room = ROOM;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, fds) != 0)
		return HF_FILE;
	for (unsigned i = 0; i < 2; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &room,
			sizeof(room)) != 0)
			(void)setsockopt(
			    fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return HF_OK;
}

static int64_t mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool record_wait(int fd, short events, int ms)
{
	struct pollfd p = {fd, events, 0};
	int64_t end = ms < 0 ? 0 : mono_ms() + ms;
	int n;

	for (;;) {
		n = poll(&p, 1, ms);
		if (n >= 0 || errno != EINTR)
			return n == 1;
		if (ms >= 0) {
			int64_t left = end - mono_ms();

			ms = left > 0 ? (int)left : 0;
		}
	}
}

/* Of room or memory, now: the other end is there, and later it goes. */
static bool is_short_of(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ENOMEM;
}

enum hf_err record_send(
    int fd, const struct record_header *h, const void *payload)
{
	struct iovec parts[2] = {{(void *)(uintptr_t)h, sizeof(*h)},
	    {(void *)(uintptr_t)payload, h->size}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = h->size > 0 ? 2 : 1};
	ssize_t n;

	if (h->size > HF_FRAME_MAX)
		return HF_TOO_BIG;
	do {
		n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return is_short_of(errno) ? HF_BUSY : HF_UNREACHABLE;
	return (size_t)n == sizeof(*h) + h->size ? HF_OK : HF_UNREACHABLE;
}

enum hf_err record_send_fd(int fd, const struct record_header *h, int passed)
{
	struct iovec part = {(void *)(uintptr_t)h, sizeof(*h)};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {{0}};
	struct msghdr m = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &passed, sizeof(passed));
	do {
		n = sendmsg(fd, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*h) ? HF_OK : HF_UNREACHABLE;
}

/* The descriptor that came along, -1 if none or if there are more: alignment
 * leaves room for a second one, which nobody sends. */
static int passed_fd(struct msghdr *m)
{
	int fds[2] = {-1, -1};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len <= CMSG_LEN(sizeof(fds)))
			memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	if (fds[1] < 0)
		return fds[0];
	close(fds[0]);
	close(fds[1]);
	return -1;
}

enum hf_err record_receive_fd(int fd, struct record *r, int *passed)
{
	struct iovec parts[2] = {
	    {&r->h, sizeof(r->h)}, {r->payload, sizeof(r->payload)}};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {{0}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t n;

	if (passed != NULL) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		*passed = -1;
	}
	do {
		n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return is_short_of(errno) ? HF_BUSY : HF_UNREACHABLE;
	if (n == 0)
		return HF_UNREACHABLE;
	if (passed != NULL)
		*passed = passed_fd(&m);
	if ((size_t)n < sizeof(r->h) || (m.msg_flags & MSG_TRUNC) != 0 ||
	    (size_t)n != sizeof(r->h) + r->h.size) {
		if (passed != NULL && *passed >= 0) {
			close(*passed); /* on error nothing is handed over */
			*passed = -1;
		}
		return HF_FRAME;
	}
	return HF_OK;
}

enum hf_err record_receive(int fd, struct record *r)
{
	return record_receive_fd(fd, r, NULL);
}
