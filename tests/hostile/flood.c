/*
 * flood: one small message again and again over a CURVE connection that is
 * there already (zmtp.py), as fast as it can be sealed: Python seals about
 * 80,000 a second, and libzmq's own sender is in nobody's way here.
 */
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BLOCK 200u
#define MESSAGE_MAX 64u
#define HEAD 18u /* flags, size, "\x07MESSAGE", nonce */
#define PATIENCE_MS 5000

struct flood {
	uint64_t sent;  /* messages; out */
	double seconds; /* how long; in: at most, out: it was */
};

int hostile_flood(int fd, const uint8_t *shared, uint64_t nonce,
    const uint8_t *message, uint32_t size, int read_answers, struct flood *f);

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One frame: a MESSAGE of one part.  Its size. */
static size_t seal(uint8_t *out, const uint8_t *shared, uint64_t nonce,
    const uint8_t *message, size_t size)
{
	uint8_t plain[1 + MESSAGE_MAX] = {0};
	uint8_t whole[24] = "CurveZMQMESSAGEC";
	size_t body = 8 + 8 + 16 + 1 + size;

	for (unsigned i = 0; i < 8; i++)
		whole[16 + i] = (uint8_t)(nonce >> (56 - 8 * i));
	memcpy(plain + 1, message, size);
	out[0] = 0;
	out[1] = (uint8_t)body;
	memcpy(out + 2, "\x07MESSAGE", 8);
	memcpy(out + 10, whole + 16, 8);
	if (crypto_box_easy_afternm(
		out + HEAD, plain, 1 + size, whole, shared) != 0)
		return 0;
	return 2 + body;
}

/* What came is thrown away.  False: the connection has ended. */
static bool drain(int fd)
{
	static uint8_t rest[262144];
	ssize_t got;

	do
		got = recv(fd, rest, sizeof(rest), MSG_DONTWAIT);
	while (got > 0);
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

static bool send_all(int fd, const uint8_t *data, size_t size, bool answers)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		struct pollfd wait = {
		    fd, (short)(POLLOUT | (answers ? POLLIN : 0)), 0};

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
			continue;
		}
		if (poll(&wait, 1, PATIENCE_MS) <= 0)
			return false;
		if (answers && !drain(fd))
			return false;
	}
	return true;
}

/** 0: time is up; 1: it was cut. */
int hostile_flood(int fd, const uint8_t *shared, uint64_t nonce,
    const uint8_t *message, uint32_t size, int read_answers, struct flood *f)
{
	static uint8_t block[BLOCK * (HEAD + 17 + MESSAGE_MAX)];
	double begin = now(), end = begin + f->seconds;
	bool going = size <= MESSAGE_MAX && sodium_init() >= 0;

	f->sent = 0;
	while (going && now() < end) {
		size_t used = 0;

		for (unsigned i = 0; i < BLOCK; i++)
			used +=
			    seal(block + used, shared, ++nonce, message, size);
		going = send_all(fd, block, used, read_answers != 0) &&
			(!read_answers || drain(fd));
		f->sent += going ? BLOCK : 0;
	}
	f->seconds = now() - begin;
	return going ? 0 : 1;
}
