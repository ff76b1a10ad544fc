/* A request of a desk: a byte (which officer), the frame, into the engine of
 * a broker that has a case. */
#include "broker/engine/desk.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/rig.h"

static void parts(const struct event *ev)
{
	static struct request r;

	r = (struct request){.ev = ev};
	if (desk_parse(&r, ev->frame) != HF_OK)
		return;
	MUST(r.has_id, "it cannot be answered");
	fuzz_msgpack(ev->frame.data, ev->frame.size);
	for (unsigned i = 0; i < DESK_ARGS; i++)
		MUST(r.arg[i].bytes.size <= ev->frame.size,
		    "an argument longer than the frame");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct node *jp = &rig()->f->nodes[0];
	struct event ev = node_event(jp, EVENT_DESK_FRAME);
	uint8_t who;

	fuzz_take(&data, &size, &who, 1);
	if (size > HF_FRAME_MAX)
		return 0;
	ev.conn = 77u + who % FED_DESKS;
	ev.key = secret_transport_key(jp->officers[who % FED_DESKS].secret);
	ev.frame = (struct hf_bytes){data, size};
	ev.verified = true;
	ev.verify_err = engine_preverify(ev.type, ev.frame);
	parts(&ev);
	rig_step(&ev);
	return 0;
}
