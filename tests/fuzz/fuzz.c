/* What the harnesses share (fuzz.h). */
#include "tests/fuzz/fuzz.h"

#include "client/link.h"
#include "proto/crypto.h"

#include <fcntl.h>
#include <msgpack.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fuzz_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

/* ---- chance without chance: keys are the same in every run ---- */

static uint64_t drawn;

static const char *chance_name(void)
{
	return "counter";
}

static void chance_bytes(void *out, size_t size)
{
	uint8_t *at = out;

	for (; size > 0; at++, size--) {
		/* splitmix64 */
		uint64_t z = drawn += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		*at = (uint8_t)(z >> 56);
	}
}

static uint32_t chance_word(void)
{
	uint32_t v;

	chance_bytes(&v, sizeof(v));
	return v;
}

void fuzz_init(void)
{
	static randombytes_implementation chance = {
	    .implementation_name = chance_name,
	    .random = chance_word,
	    .buf = chance_bytes};
	static bool done;

	if (done)
		return;
	randombytes_set_implementation(&chance);
	MUST(hf_crypto_init() == HF_OK, "hf_crypto_init");
	done = true;
}

/* ---- encoded again ---- */

void fuzz_same(const uint8_t *data, size_t size, enum hf_err err,
    const uint8_t *again, size_t again_size)
{
	MUST(err == HF_OK, "accepted, but cannot be encoded again");
	MUST(again_size == size && (size == 0 || !memcmp(again, data, size)),
	    "accepted, but encodes to other bytes");
}

bool fuzz_has_key_from(const uint8_t *data, size_t size, int from)
{
	struct wire w;
	int key;
	bool has = false;

	wire_init(&w, data, size);
	wire_map(&w, HF_MAP_MAX);
	while ((key = wire_key(&w)) >= 0) {
		has = has || key >= from;
		wire_skip(&w);
	}
	return has;
}

/* ---- msgpack-c, who accepts more ---- */

static void same_value(struct wire *w, const msgpack_object *o);

static void same_map(struct wire *w, const msgpack_object *o)
{
	unsigned count = wire_map(w, HF_MAP_MAX);

	MUST(o->type == MSGPACK_OBJECT_MAP, "a map to us only");
	MUST(o->via.map.size == count, "another count of pairs");
	for (unsigned i = 0; i < count; i++) {
		const msgpack_object *key = &o->via.map.ptr[i].key;

		MUST(key->type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
			 (int)key->via.u64 == wire_key(w),
		    "another key");
		same_value(w, &o->via.map.ptr[i].val);
	}
	MUST(wire_key(w) == -1, "a key too many");
	wire_close(w);
}

static void same_array(struct wire *w, const msgpack_object *o)
{
	unsigned count = wire_array(w, 0, HF_ARRAY_MAX);

	MUST(o->type == MSGPACK_OBJECT_ARRAY, "an array to us only");
	MUST(o->via.array.size == count, "another count of members");
	for (unsigned i = 0; i < count; i++)
		same_value(w, &o->via.array.ptr[i]);
	wire_close(w);
}

static void same_bytes(struct hf_bytes b, const char *data, uint32_t size)
{
	MUST(b.size == size && (size == 0 || !memcmp(b.data, data, size)),
	    "other bytes");
}

static void same_value(struct wire *w, const msgpack_object *o)
{
	switch (wire_peek(w)) {
	case WIRE_UINT:
		MUST(o->type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
			 o->via.u64 == wire_uint(w, UINT64_MAX),
		    "another unsigned number");
		break;
	case WIRE_INT:
		MUST(o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER &&
			 o->via.i64 == wire_int(w, INT64_MIN, INT64_MAX),
		    "another negative number");
		break;
	case WIRE_BIN:
		MUST(o->type == MSGPACK_OBJECT_BIN, "a bin to us only");
		same_bytes(
		    wire_bin(w, 0, SIZE_MAX), o->via.bin.ptr, o->via.bin.size);
		break;
	case WIRE_STR:
		MUST(o->type == MSGPACK_OBJECT_STR, "a str to us only");
		same_bytes(
		    wire_str(w, 0, SIZE_MAX), o->via.str.ptr, o->via.str.size);
		break;
	case WIRE_BOOL:
		MUST(o->type == MSGPACK_OBJECT_BOOLEAN &&
			 o->via.boolean == wire_bool(w),
		    "another truth value");
		break;
	case WIRE_NIL:
		wire_nil(w);
		MUST(o->type == MSGPACK_OBJECT_NIL, "a nil to us only");
		break;
	case WIRE_ARRAY:
		same_array(w, o);
		break;
	case WIRE_MAP:
		same_map(w, o);
		break;
	case WIRE_END:
	case WIRE_BAD:
		MUST(false, "taken whole, but not in parts");
	}
}

void fuzz_msgpack(const uint8_t *data, size_t size)
{
	static uint8_t again[1u << 20];
	msgpack_unpacked o;
	msgpack_sbuffer written;
	struct wire w;
	size_t at = 0;

	MUST(size <= sizeof(again), "accepted, and longer than any frame");
	msgpack_unpacked_init(&o);
	MUST(msgpack_unpack_next(&o, (const char *)data, size, &at) ==
		     MSGPACK_UNPACK_SUCCESS &&
		 at == size,
	    "accepted by us, not by msgpack-c");
	wire_init(&w, data, size);
	same_value(&w, &o.data);
	MUST(wire_finish(&w) == HF_OK, "taken whole, but not in parts");
	msgpack_sbuffer_init(&written);
	{
		msgpack_packer p;

		msgpack_packer_init(&p, &written, msgpack_sbuffer_write);
		MUST(msgpack_pack_object(&p, o.data) == 0, "no memory");
	}
	fuzz_same(
	    data, size, HF_OK, (const uint8_t *)written.data, written.size);
	msgpack_sbuffer_destroy(&written);
	msgpack_unpacked_destroy(&o);
}

/* ---- files and texts ---- */

static char dir[64];

static void remove_dir(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command) != 0)
		fprintf(stderr, "fuzz: %s stays\n", dir);
}

const char *fuzz_dir(void)
{
	if (dir[0] != '\0')
		return dir;
	snprintf(dir, sizeof(dir), "/dev/shm/hf-fuzz-XXXXXX");
	if (mkdtemp(dir) == NULL) {
		snprintf(dir, sizeof(dir), "/tmp/hf-fuzz-XXXXXX");
		MUST(mkdtemp(dir) != NULL, "mkdtemp");
	}
	atexit(remove_dir);
	return dir;
}

/* Files stay open, and are written over: making one anew costs more than
 * most readers of it. */
#define OPEN_MAX_FILES 8u

static struct kept {
	char name[32];
	unsigned mode;
	int fd;
} kept[OPEN_MAX_FILES];

static struct kept *kept_of(const char *name)
{
	struct kept *k = kept;

	while (k->name[0] != '\0' && strcmp(k->name, name) != 0)
		MUST(++k < kept + OPEN_MAX_FILES, "too many files");
	return k;
}

static void open_anew(struct kept *k, const char *name, const char *path)
{
	MUST(strlen(name) < sizeof(k->name), name);
	if (k->fd > 0)
		close(k->fd);
	strcpy(k->name, name);
	k->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(k->fd > 0, path);
	k->mode = 0;
}

const char *fuzz_file(
    const char *name, const uint8_t *data, size_t size, unsigned mode)
{
	static char path[128];
	struct kept *k = kept_of(name);
	struct stat st = {0};

	snprintf(path, sizeof(path), "%s/%s", fuzz_dir(), name);
	if (k->fd > 0)
		MUST(fstat(k->fd, &st) == 0, path);
	if (st.st_nlink == 0) /* the first time, or somebody removed it */
		open_anew(k, name, path);
	else if ((size_t)st.st_size > size)
		MUST(ftruncate(k->fd, (off_t)size) == 0, path);
	MUST(size == 0 || pwrite(k->fd, data, size, 0) == (ssize_t)size, path);
	if (k->mode != mode)
		MUST(fchmod(k->fd, mode) == 0, path);
	k->mode = mode;
	return path;
}

void fuzz_gone(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fuzz_dir(), name);
	unlink(path);
}

const char *fuzz_text(const uint8_t *data, size_t size)
{
	static char *text;

	free(text);
	text = malloc(size + 1);
	MUST(text != NULL, "no memory");
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

void fuzz_take(const uint8_t **data, size_t *left, void *out, size_t size)
{
	size_t n = size < *left ? size : *left;

	memset(out, 0, size);
	if (n > 0)
		memcpy(out, *data, n);
	*data += n;
	*left -= n;
}

/* ---- a broker that answers anything ---- */

static struct {
	const uint8_t *at;
	size_t left;
	uint8_t *last; /* exactly its size: lent until the next one */
} answers;

void fuzz_answers(const uint8_t *data, size_t size)
{
	answers.at = data;
	answers.left = size;
}

/* Stands in the place of link_call (-Wl,--wrap). */
enum hf_err __wrap_link_call(
    struct link *l, enum hf_op op, struct hf_bytes args, struct answer *answer);

enum hf_err __wrap_link_call(
    struct link *l, enum hf_op op, struct hf_bytes args, struct answer *answer)
{
	uint8_t length[2];
	size_t size;

	(void)l;
	(void)op;
	if (args.size > 0)
		fuzz_msgpack(args.data, args.size);
	if (answers.left == 0)
		return HF_UNREACHABLE;
	fuzz_take(&answers.at, &answers.left, length, sizeof(length));
	size = (size_t)(length[0] << 8 | length[1]);
	size = size < answers.left ? size : answers.left;
	free(answers.last);
	answers.last = malloc(size > 0 ? size : 1);
	MUST(answers.last != NULL, "no memory");
	fuzz_take(&answers.at, &answers.left, answers.last, size);
	*answer = (struct answer){.map = {answers.last, size}};
	return HF_OK;
}
