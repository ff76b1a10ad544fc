#include "tests/bench/desk.h"

#include "proto/crypto.h"
#include "proto/pack.h"
#include "proto/wire.h"
#include "tests/bench/meter.h"

#include <zmq.h>

static void set_int(void *socket, int option, int value)
{
	if (zmq_setsockopt(socket, option, &value, sizeof(value)) != 0)
		meter_fail("zmq_setsockopt");
}

void desk_open(struct desk *d, void *ctx, const char *path)
{
	uint8_t secret[HF_KEY_SIZE];
	int64_t most = HF_FRAME_MAX + 33;

	meter_must(home_open(&d->home, path, NULL), path);
	meter_must(home_unlock(&d->home, true), path);
	d->socket = zmq_socket(ctx, ZMQ_DEALER);
	if (d->socket == NULL ||
	    d->home.signer->transport_secret(d->home.signer, secret) != HF_OK)
		meter_fail("no socket");
	set_int(d->socket, ZMQ_LINGER, 0);
	set_int(d->socket, ZMQ_SNDHWM, 2048);
	set_int(d->socket, ZMQ_RCVHWM, 65536);
	if (zmq_setsockopt(d->socket, ZMQ_MAXMSGSIZE, &most, sizeof(most)) !=
		0 ||
	    zmq_setsockopt(d->socket, ZMQ_CURVE_PUBLICKEY,
		d->home.signer->transport_key.b, HF_KEY_SIZE) != 0 ||
	    zmq_setsockopt(
		d->socket, ZMQ_CURVE_SECRETKEY, secret, HF_KEY_SIZE) != 0 ||
	    zmq_setsockopt(d->socket, ZMQ_CURVE_SERVERKEY, d->home.broker_key.b,
		HF_KEY_SIZE) != 0 ||
	    zmq_connect(d->socket, d->home.broker) != 0)
		meter_fail("no connection");
	hf_wipe(secret, sizeof(secret));
}

void desk_close(struct desk *d)
{
	zmq_close(d->socket);
	home_close(&d->home);
}

void desk_request(
    struct desk *d, enum hf_op op, uint64_t id, struct hf_bytes args)
{
	static uint8_t frame[HF_FRAME_MAX];
	struct pack p;
	size_t size;

	pack_init(&p, frame, sizeof(frame));
	pack_array(&p, 3);
	pack_uint(&p, op);
	pack_uint(&p, id);
	if (args.size == 0)
		pack_map(&p, 0);
	else
		pack_raw(&p, args);
	meter_must(pack_finish(&p, &size), "a request");
	if (zmq_send(d->socket, frame, size, 0) < 0)
		meter_fail("zmq_send");
}

bool desk_read(struct desk *d, struct reply *r)
{
	static uint8_t frame[HF_FRAME_MAX];
	int size = zmq_recv(d->socket, frame, sizeof(frame), ZMQ_DONTWAIT);
	struct wire w;
	int key;

	if (size < 0)
		return false;
	*r = (struct reply){0};
	wire_init(&w, frame, (size_t)size);
	wire_array(&w, 4, 5);
	r->type = wire_uint(&w, 1);
	if (r->type == 0) {
		r->request = wire_uint(&w, UINT64_MAX);
		r->code = wire_uint(&w, UINT32_MAX);
		return true;
	}
	wire_skip(&w); /* desk */
	wire_skip(&w); /* sequence */
	wire_map(&w, HF_MAP_MAX);
	while ((key = wire_key(&w)) >= 0) {
		if (key == 2)
			wire_bin_copy(&w, r->act.b, sizeof(r->act.b));
		else
			wire_skip(&w);
	}
	return true;
}

void desk_wait(struct desk *d, uint64_t id)
{
	double begin = meter_now();
	struct reply r;

	for (;;) {
		zmq_pollitem_t item = {d->socket, 0, ZMQ_POLLIN, 0};

		zmq_poll(&item, 1, 100);
		while (desk_read(d, &r)) {
			if (r.type != 0 || r.request != id)
				continue;
			meter_must((enum hf_err)r.code, "the broker");
			return;
		}
		if (meter_now() - begin > QUIET_SECONDS)
			meter_fail("the broker does not answer");
	}
}

void desk_hello(struct desk *d)
{
	desk_request(d, HF_OP_HELLO, 1, (struct hf_bytes){NULL, 0});
	desk_wait(d, 1);
}

void desk_watch(struct desk *d)
{
	uint8_t args[16];
	struct pack p;
	size_t size;

	pack_init(&p, args, sizeof(args));
	pack_map(&p, 1);
	pack_uint(&p, 1);
	pack_uint(&p, UINT64_MAX);
	meter_must(pack_finish(&p, &size), "watch");
	desk_request(d, HF_OP_WATCH, 1, (struct hf_bytes){args, size});
	desk_wait(d, 1);
}
