/* What a broker answers to a desk, as the client reads it: responses and
 * pushed events.  The readers are nobody else's, so the file is taken in
 * whole, under other names. */
#define link_open fuzz_link_open
#define link_close fuzz_link_close
#define link_trouble fuzz_link_trouble
#define link_call fuzz_link_call
#define link_watch fuzz_link_watch
#define link_event fuzz_link_event
#include "client/link.c"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct link l;
	struct answer a = {0};
	enum hf_err code = HF_OK, err;
	bool ours = false;

	if (size > sizeof(l.frame))
		return 0;
	if (l.events == NULL)
		l.events = calloc(EVENTS_MAX, sizeof(*l.events));
	MUST(l.events != NULL, "no memory");
	l.event_count = l.event_first = 0;
	l.unwatched = false;
	if (size > 0)
		memcpy(l.frame, data, size);
	l.frame_size = size;
	/* the number of the request that it may answer */
	l.request = size > 2 ? l.frame[2] : 1;
	err = take_response(&l, &a, &ours, &code);
	if (err == HF_OK && ours) {
		fuzz_msgpack(data, size);
		MUST(a.map.size <= size && a.receipt.size <= size,
		    "parts longer than the whole");
	}
	MUST(l.event_count <= EVENTS_MAX, "events without room");
	return 0;
}
