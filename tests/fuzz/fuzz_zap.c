/*
 * What libzmq asks before it lets a connection in (RFC 27).  A byte (0:
 * peers' gate), then frames, each after a byte of length (255: 600 bytes, or
 * what is left).  The socket is ours; who may enter is decided once more,
 * from the definition.
 */
#include <stddef.h>
#include <zmq.h>

static int fuzz_recv(void *socket, void *out, size_t size, int flags);
static int fuzz_send(void *socket, const void *data, size_t size, int flags);
static int fuzz_more(void *socket, int option, void *value, size_t *size);
#define zmq_recv fuzz_recv
#define zmq_send fuzz_send
#define zmq_getsockopt fuzz_more
#define gate_zap_open fuzz_zap_open
#define gate_admitted fuzz_admitted
#define gate_zap_serve fuzz_zap_serve
#define gate_admit fuzz_admit
#include "broker/gate/zap.c"

#include "tests/fuzz/fuzz.h"

#define FRAMES 16u

static struct {
	const uint8_t *at;
	size_t left;
	bool ended;
	struct {
		const uint8_t *data;
		size_t size;
	} frame[FRAMES]; /* as they were handed out */
	unsigned count, sent;
	uint8_t status[3], user[41], id[256];
	size_t user_size, id_size;
} asked;

static int fuzz_recv(void *socket, void *out, size_t size, int flags)
{
	uint8_t length;
	size_t n;

	(void)socket;
	MUST(flags == ZMQ_DONTWAIT, "it would wait");
	if (asked.ended)
		return -1;
	fuzz_take(&asked.at, &asked.left, &length, 1);
	n = length == 255 ? 600 : length;
	n = n < asked.left ? n : asked.left;
	/* as libzmq does: cut off, and told how long it was */
	if (n > 0)
		memcpy(out, asked.at, n < size ? n : size);
	if (asked.count < FRAMES) {
		asked.frame[asked.count].data = asked.at;
		asked.frame[asked.count].size = n;
	}
	asked.count++;
	asked.at += n;
	asked.left -= n;
	return (int)n;
}

static int fuzz_more(void *socket, int option, void *value, size_t *size)
{
	int more = asked.left > 0;

	(void)socket;
	MUST(option == ZMQ_RCVMORE && *size == sizeof(more), "another option");
	asked.ended = !more;
	memcpy(value, &more, sizeof(more));
	return 0;
}

static int fuzz_send(void *socket, const void *data, size_t size, int flags)
{
	(void)socket;
	MUST((flags == ZMQ_SNDMORE) == (asked.sent < 5), "another form");
	if (asked.sent == 1) {
		MUST(size <= sizeof(asked.id), "a long id");
		memcpy(asked.id, data, size);
		asked.id_size = size;
	} else if (asked.sent == 2) {
		MUST(size == sizeof(asked.status), "a status of 3 digits");
		memcpy(asked.status, data, size);
	} else if (asked.sent == 4) {
		MUST(size < sizeof(asked.user), "a long user");
		memcpy(asked.user, data, size);
		asked.user_size = size;
	}
	asked.sent++;
	return (int)size;
}

static bool frame_is(unsigned i, const void *data, size_t size)
{
	return asked.frame[i].size == size &&
	       memcmp(asked.frame[i].data, data, size) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gate_options options;
	static struct gate g = {.o = &options};
	static struct hf_key key;
	static const char z85[] = "yINZ3yINZ3yINZ3yINZ3yINZ3yINZ3yINZ3yINZ3";
	uint8_t desks;
	bool may;

	if (g.admitted == NULL) {
		memset(key.b, 'k', sizeof(key.b));
		fuzz_admit(&g, key.b, 1);
	}
	memset(&asked, 0, sizeof(asked));
	fuzz_take(&data, &size, &desks, 1);
	options.peers = desks == 0;
	asked.at = data;
	asked.left = size;
	asked.ended = size == 0;
	fuzz_zap_serve(&g);
	if (size == 0)
		return 0;
	MUST(asked.sent == 6, "not answered, or twice");
	may = asked.count == 7 &&
	      frame_is(2, options.peers ? "peers" : "desks", 5) &&
	      frame_is(5, "CURVE", 5) && frame_is(6, key.b, sizeof(key.b));
	MUST(memcmp(asked.status, may ? "200" : "400", 3) == 0,
	    may ? "shut out" : "let in");
	MUST(asked.user_size == (may ? 40u : 0u) &&
		 memcmp(asked.user, z85, asked.user_size) == 0,
	    "another user");
	MUST(asked.count < 2 ||
		 (asked.id_size <= asked.frame[1].size &&
		     memcmp(asked.id, asked.frame[1].data, asked.id_size) == 0),
	    "another id");
	return 0;
}
