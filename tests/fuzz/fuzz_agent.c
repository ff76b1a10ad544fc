/* Requests to the agent.  Its reader is nobody else's, so the file is taken
 * in whole, under other names. */
#define agent_listen fuzz_agent_listen
#define agent_serve fuzz_agent_serve
#define agent_connect fuzz_agent_connect
#define agent_stop fuzz_agent_stop
#include "keys/agent.c"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct server v = {.path = "/nonexistent/agent"};
	static int fds[2] = {-1, -1};
	uint8_t reply[2 * FRAME_MAX], again[FRAME_MAX];
	struct hf_bytes in;
	unsigned op;
	ssize_t n;
	bool good;

	fuzz_init();
	if (v.secret == NULL) {
		v.secret = secret_new(SECRET_OFFICER);
		MUST(v.secret != NULL &&
			 socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0,
		    "set up");
	}
	if (size == 0 || size > 4096)
		return 0;
	good = read_frame(data, size, &op, &in) == HF_OK;
	if (good) {
		fuzz_msgpack(data, size);
		n = (ssize_t)make_frame(again, op, in.data, in.size);
		MUST(n == 0 ||
			 ((size_t)n == size && memcmp(again, data, size) == 0),
		    "another request");
	}
	MUST(send(fds[0], data, size, 0) == (ssize_t)size, "send");
	if (!serve_one(&v, fds[1])) {
		MUST(!good || size > FRAME_MAX, "a good request dropped");
		return 0;
	}
	n = recv(fds[0], reply, sizeof(reply), MSG_DONTWAIT);
	MUST(n > 0, "no answer");
	MUST(read_frame(reply, (size_t)n, &op, &in) == HF_OK,
	    "an answer that cannot be read");
	fuzz_msgpack(reply, (size_t)n);
	return 0;
}
