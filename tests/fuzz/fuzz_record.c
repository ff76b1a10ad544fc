/* What one process of the broker takes from another: any message of any
 * bytes on the socket.  What is taken is sent as the same bytes. */
#include "broker/records.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/socket.h>

static int fds[2] = {-1, -1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct record r;
	static uint8_t again[RECORD_MAX];
	enum hf_err err;
	bool good;

	if (fds[0] < 0)
		MUST(records_pair(fds) == HF_OK, "records_pair");
	if (size == 0 || size > 2 * RECORD_MAX)
		return 0; /* nothing is the end of a SEQPACKET */
	MUST(send(fds[0], data, size, 0) == (ssize_t)size, "send");
	memset(&r.h, 0, sizeof(r.h));
	err = record_receive(fds[1], &r);
	good = size >= sizeof(r.h) && size <= RECORD_MAX &&
	       size == sizeof(r.h) + r.h.size;
	MUST((err == HF_OK) == good, "taken or refused wrongly");
	if (!good)
		return 0;
	MUST(record_send(fds[1], &r.h, r.payload) == HF_OK, "record_send");
	MUST(recv(fds[0], again, sizeof(again), 0) == (ssize_t)size,
	    "another size");
	fuzz_same(data, size, HF_OK, again, size);
	return 0;
}
