/* A frame of a peer: a byte (0 accepted, else dialled), the frame, into the
 * engine of a broker that has a case with him. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wires *w = rig();
	struct event ev = node_event(&w->f->nodes[0], EVENT_PEER_FRAME);
	uint8_t way;

	fuzz_take(&data, &size, &way, 1);
	if (size > HF_FRAME_MAX)
		return 0;
	ev.conn = way == 0 ? wire_accepted(1) : wire_dialled(1);
	ev.key = secret_transport_key(w->f->nodes[1].broker);
	ev.frame = (struct hf_bytes){data, size};
	ev.verified = true;
	ev.verify_err = engine_preverify(ev.type, ev.frame);
	rig_step(&ev);
	return 0;
}
