/*
 * arrivals ROUNDS DIR: the one place where threads share memory, without
 * Criterion, for ThreadSanitizer.  The frames of DIR go in and come out in
 * order while two threads verify them; what they found is what one thread
 * finds.  The queue is filled to its bound and ended half full, too.
 */
#include "broker/core/arrivals.h"
#include "proto/crypto.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 256u

static struct frame {
	unsigned gate;
	size_t size;
	uint8_t *bytes;
	enum hf_err err;
} frames[FRAMES_MAX];
static unsigned frame_count;

static void load(const char *top, const char *name, unsigned gate)
{
	char path[512], file[1024];
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	d = opendir(path);
	assert(d != NULL);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		struct frame *f = &frames[frame_count];
		static uint8_t bytes[HF_FRAME_MAX];
		FILE *in;

		if (e->d_name[0] == '.' || frame_count == FRAMES_MAX)
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		in = fopen(file, "rb");
		assert(in != NULL);
		f->gate = gate;
		(void)getc(in); /* the harness's own byte */
		f->size = fread(bytes, 1, sizeof(bytes), in);
		fclose(in);
		f->bytes = malloc(f->size + 1);
		assert(f->bytes != NULL);
		memcpy(f->bytes, bytes, f->size);
		f->err = engine_preverify(
		    gate == GATE_DESKS ? EVENT_DESK_FRAME : EVENT_PEER_FRAME,
		    (struct hf_bytes){f->bytes, f->size});
		frame_count++;
	}
	closedir(d);
}

static uint64_t put(struct arrivals *b, uint64_t n)
{
	static struct record r;
	const struct frame *f = &frames[n % frame_count];
	enum hf_err err;

	r.h.type = RECORD_FRAME;
	r.h.conn = n;
	r.h.size = (uint32_t)f->size;
	memcpy(r.payload, f->bytes, f->size);
	err = arrivals_put(b, f->gate, &r, NULL);
	assert(err == HF_OK);
	return n + 1;
}

/* The next, or, without waiting, perhaps nothing yet. */
static uint64_t take(struct arrivals *b, uint64_t n, bool wait)
{
	struct arrival *a = arrivals_take(b, wait);
	const struct frame *f = &frames[n % frame_count];

	assert(a != NULL || !wait);
	if (a == NULL)
		return n;
	assert(a->h.conn == n && a->gate == f->gate);
	assert(a->h.size == f->size);
	assert(memcmp(a->payload, f->bytes, f->size) == 0);
	assert(a->verify_err == f->err);
	free(a);
	return n + 1;
}

int main(int argc, char **argv)
{
	unsigned rounds = argc == 3 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	unsigned good = 0;
	uint64_t in = 0, out = 0;

	if (rounds == 0 || hf_crypto_init() != HF_OK)
		return 2;
	load(argv[2], "desk", GATE_DESKS);
	load(argv[2], "link", GATE_PEERS);
	for (unsigned i = 0; i < frame_count; i++)
		good += frames[i].err == HF_OK ? 1 : 0;
	assert(good > 0); /* else nothing is verified */
	for (unsigned round = 0; round < rounds; round++) {
		struct arrivals *b = arrivals_new();

		assert(b != NULL);
		in = out = 0;
		while (arrivals_has_room(b))
			in = put(b, in);
		for (unsigned i = 0; i < 2000; i++) {
			for (unsigned k = i % 7; k > 0 && out < in; k--)
				out = take(b, out, i % 3 > 0);
			for (unsigned k = i % 5; k > 0 && arrivals_has_room(b);
			     k--)
				in = put(b, in);
			if (i % 11 == 0)
				arrivals_leave(b);
		}
		if (round % 2 == 0)
			while (out < in)
				out = take(b, out, true);
		arrivals_free(b);
	}
	printf("ok arrivals %u rounds, %u frames, %u of them with acts\n",
	    rounds, frame_count, good);
	for (unsigned i = 0; i < frame_count; i++)
		free(frames[i].bytes);
	return 0;
}
