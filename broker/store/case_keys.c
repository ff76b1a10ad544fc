/*
 * case_keys: a stock of random keys is written and synced ahead, a thousand
 * at a time, and handed out in order, so that a transaction that opens cases
 * costs no sync of this file.  What is handed out is durable already; which
 * keys are in use is the store's to know: `next` is a row of its own, in the
 * transaction that uses the keys, and what was not committed is handed out
 * again.
 *
 * Who was ended while he wrote a stock leaves slots that read well but may not
 * be durable, so opening syncs.  Slots that are torn, never written or
 * destroyed are passed over: the store may be an older one than this file.
 */
#include "broker/store/case_keys.h"

#include "keys/secret.h"
#include "proto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOT_SIZE 64u
#define CHECK_SIZE 24u
#define GROW 4096u /* slots */
#define LOOK 256u  /* slots read or written at once */
#define STOCK 1024u
#define SLOTS_MAX (1u << 26)

enum slot_state { SLOT_FREE = 0, SLOT_KEY = 1, SLOT_DESTROYED = 2 };

struct case_keys {
	int fd;
	uint32_t count; /* slots in the file */
	uint32_t ready; /* no slot from here on was ever written */
	uint32_t next;  /* to be handed out, and what was committed of it */
	uint32_t kept;
	bool dirty; /* overwritten, not synced */
};

static bool full_write(int fd, const void *data, size_t size, off_t at)
{
	const uint8_t *p = data;

	while (size > 0) {
		ssize_t n = pwrite(fd, p, size, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

static off_t offset(uint32_t slot)
{
	return (off_t)slot * (off_t)SLOT_SIZE;
}

static void make_slot(uint8_t out[SLOT_SIZE], enum slot_state state,
    uint32_t slot, const uint8_t *key)
{
	struct hf_hash check;
	uint8_t number[4] = {(uint8_t)(slot >> 24), (uint8_t)(slot >> 16),
	    (uint8_t)(slot >> 8), (uint8_t)slot};

	memset(out, 0, SLOT_SIZE);
	out[0] = (uint8_t)state;
	if (key != NULL)
		memcpy(out + 8, key, HF_KEY_SIZE);
	check = hf_hash2(HF_TAG_STATE, (struct hf_bytes){number, 4},
	    (struct hf_bytes){out, 8 + HF_KEY_SIZE});
	memcpy(out + 8 + HF_KEY_SIZE, check.b, CHECK_SIZE);
}

static enum hf_err grow(struct case_keys *k, uint32_t slots)
{
	static const uint8_t zeros[GROW];
	uint64_t at = (uint64_t)k->count * SLOT_SIZE;
	uint64_t end = (uint64_t)slots * SLOT_SIZE;

	if (slots > SLOTS_MAX)
		return HF_FULL;
	for (; at < end; at += sizeof(zeros))
		if (!full_write(k->fd, zeros, sizeof(zeros), (off_t)at))
			return errno == ENOSPC ? HF_FULL : HF_KEYSLOT;
	if (fsync(k->fd) != 0)
		return HF_KEYSLOT;
	k->count = slots;
	return HF_OK;
}

/* Where the never-written part begins: slots are written in order.  Only
 * states are looked at; keys that were read beside them are wiped. */
static enum hf_err find_ready(struct case_keys *k)
{
	uint8_t slots[LOOK][SLOT_SIZE];
	enum hf_err err = HF_OK;
	bool found = false;

	for (k->ready = k->count; k->ready > 0 && !found && err == HF_OK;) {
		uint32_t n = k->ready < LOOK ? k->ready : LOOK;

		if (pread(k->fd, slots, n * SLOT_SIZE, offset(k->ready - n)) !=
		    (ssize_t)n * SLOT_SIZE)
			err = HF_KEYSLOT;
		for (; n > 0 && !found && err == HF_OK; n--) {
			found = slots[n - 1][0] != SLOT_FREE;
			k->ready -= !found;
		}
	}
	hf_wipe(slots, sizeof(slots));
	return err;
}

enum hf_err case_keys_open(
    struct case_keys **out, const char *dir, uint32_t slots)
{
	struct case_keys *k = calloc(1, sizeof(*k));
	char path[1100];
	struct stat st;
	enum hf_err err = HF_NOMEM;

	*out = NULL;
	if (k == NULL)
		return err;
	snprintf(path, sizeof(path), "%s/case.keys", dir);
	k->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	err = k->fd < 0 || fstat(k->fd, &st) != 0 ? HF_FILE : HF_OK;
	if (err == HF_OK && (st.st_mode & 077) != 0)
		err = HF_KEYFILE;
	if (err == HF_OK) {
		k->count = (uint32_t)((uint64_t)st.st_size / SLOT_SIZE);
		if (slots < GROW)
			slots = GROW;
		if (k->count < slots)
			err = grow(k, slots);
	}
	if (err == HF_OK)
		err = find_ready(k);
	if (err == HF_OK && fdatasync(k->fd) != 0)
		err = HF_KEYSLOT;
	k->next = k->kept = k->ready;
	if (err == HF_OK) {
		*out = k;
		k = NULL;
	}
	case_keys_close(k);
	return err;
}

void case_keys_close(struct case_keys *k)
{
	if (k == NULL)
		return;
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

/* Random keys in the next slots, durable. */
static enum hf_err stock(struct case_keys *k)
{
	uint8_t slots[LOOK][SLOT_SIZE], keys[LOOK][HF_KEY_SIZE];
	enum hf_err err = HF_OK;

	if (k->count < k->ready + STOCK)
		err = grow(k, k->count + GROW);
	for (uint32_t at = k->ready; err == HF_OK && at < k->ready + STOCK;
	     at += LOOK) {
		hf_random(keys, sizeof(keys));
		for (uint32_t i = 0; i < LOOK; i++)
			make_slot(slots[i], SLOT_KEY, at + i, keys[i]);
		if (!full_write(k->fd, slots, sizeof(slots), offset(at)))
			err = errno == ENOSPC ? HF_FULL : HF_KEYSLOT;
	}
	hf_wipe(slots, sizeof(slots));
	hf_wipe(keys, sizeof(keys));
	if (err == HF_OK && fdatasync(k->fd) != 0)
		err = HF_KEYSLOT;
	if (err == HF_OK)
		k->ready += STOCK;
	return err;
}

void case_keys_begin(struct case_keys *k, uint32_t next)
{
	k->next = k->kept = next;
	if (k->ready < next) /* an older file than the store: they are lost */
		k->ready = next;
}

uint32_t case_keys_next(const struct case_keys *k)
{
	return k->next;
}

enum hf_err case_keys_new(struct case_keys *k, uint32_t *slot)
{
	uint8_t key[HF_KEY_SIZE];

	for (;;) {
		bool fresh = k->next == k->ready;
		enum hf_err err = fresh ? stock(k) : HF_OK;

		if (err != HF_OK)
			return err;
		*slot = k->next++;
		err = case_keys_get(k, *slot, key);
		hf_wipe(key, sizeof(key));
		if (err == HF_OK || fresh) /* else it is passed over */
			return err == HF_OK ? HF_OK : HF_KEYSLOT;
	}
}

enum hf_err case_keys_get(
    struct case_keys *k, uint32_t slot, uint8_t key[HF_KEY_SIZE])
{
	uint8_t bytes[SLOT_SIZE], good[SLOT_SIZE];
	enum hf_err err = HF_OK;

	if (slot >= k->count || pread(k->fd, bytes, sizeof(bytes),
				    offset(slot)) != (ssize_t)sizeof(bytes))
		return HF_KEYSLOT;
	if (bytes[0] == SLOT_DESTROYED) {
		err = HF_ERASED;
	} else if (bytes[0] != SLOT_KEY) {
		err = HF_KEYSLOT;
	} else {
		make_slot(good, SLOT_KEY, slot, bytes + 8);
		err = hf_equal(good, bytes, sizeof(good)) ? HF_OK : HF_KEYSLOT;
	}
	if (err == HF_OK)
		memcpy(key, bytes + 8, HF_KEY_SIZE);
	hf_wipe(bytes, sizeof(bytes));
	hf_wipe(good, sizeof(good));
	return err;
}

enum hf_err case_keys_destroy(struct case_keys *k, uint32_t slot)
{
	uint8_t bytes[SLOT_SIZE];

	if (slot >= k->count)
		return HF_KEYSLOT;
	make_slot(bytes, SLOT_DESTROYED, slot, NULL);
	if (!full_write(k->fd, bytes, sizeof(bytes), offset(slot)))
		return HF_KEYSLOT;
	k->dirty = true;
	return HF_OK;
}

enum hf_err case_keys_sync(struct case_keys *k)
{
	if (k->dirty && fdatasync(k->fd) != 0)
		return HF_KEYSLOT;
	k->dirty = false;
	return HF_OK;
}

void case_keys_keep(struct case_keys *k)
{
	k->kept = k->next;
}

void case_keys_forget(struct case_keys *k)
{
	k->next = k->kept;
}

/* ---- copies ---- */

/* Slots go as they are: whether a key is whole is asked of those in use. */

static int open_keys(const char *dir, int flags, uint32_t *slots)
{
	char path[1100];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/case.keys", dir);
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0 && (fstat(fd, &st) != 0 || (st.st_mode & 077) != 0)) {
		close(fd);
		return -1;
	}
	if (fd >= 0)
		*slots = (uint32_t)((uint64_t)st.st_size / SLOT_SIZE);
	return fd;
}

/* `count` slots from `at` on; only what differs is written. */
static enum hf_err copy_slots(int from, int to, uint32_t at, uint32_t count,
    bool (*wanted)(void *ctx, uint32_t slot), void *ctx)
{
	uint8_t want[LOOK][SLOT_SIZE], held[LOOK][SLOT_SIZE];
	ssize_t size = (ssize_t)count * SLOT_SIZE;
	enum hf_err err = HF_OK;

	if (pread(from, want, (size_t)size, offset(at)) != size ||
	    pread(to, held, (size_t)size, offset(at)) != size)
		err = HF_FILE;
	for (uint32_t i = 0; i < count && err == HF_OK; i++) {
		if (want[i][0] != SLOT_FREE && wanted != NULL &&
		    !wanted(ctx, at + i))
			make_slot(want[i], SLOT_DESTROYED, at + i, NULL);
		if (memcmp(want[i], held[i], SLOT_SIZE) != 0 &&
		    !full_write(to, want[i], SLOT_SIZE, offset(at + i)))
			err = HF_FILE;
	}
	hf_wipe(want, sizeof(want));
	hf_wipe(held, sizeof(held));
	return err;
}

enum hf_err case_keys_copy(const char *from, const char *to,
    bool (*wanted)(void *ctx, uint32_t slot), void *ctx)
{
	uint32_t count = 0, held = 0;
	int in = open_keys(from, O_RDONLY, &count);
	int out = open_keys(to, O_RDWR | O_CREAT, &held);
	enum hf_err err = HF_OK;

	/* a shorter one is of another broker; keys that it does not know stay
	 * where they are */
	if (in < 0 || out < 0 || held > count ||
	    ftruncate(out, offset(count)) != 0)
		err = HF_FILE;
	for (uint32_t at = 0; at < count && err == HF_OK; at += LOOK)
		err = copy_slots(in, out, at,
		    count - at < LOOK ? count - at : LOOK, wanted, ctx);
	if (out >= 0 && fsync(out) != 0 && err == HF_OK)
		err = HF_FILE;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return err;
}
