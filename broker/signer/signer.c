/*
 * signer: the one place where the ledger key signs.
 *
 * It remembers the last head in two slots of 512 bytes, written in turn
 * with O_DSYNC before the signature leaves.  A torn slot fails its check and
 * the other one still holds the head before, which only makes the signer
 * ask for a longer proof; it never lets it sign an older tree.
 */
#include "broker/signer/signer.h"

#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT 512u
#define MAGIC "HFSIGN1"

struct memory {
	char magic[8];
	uint64_t count; /* of writes: the larger is the newer */
	uint64_t size;
	struct hf_hash root;
	struct hf_hash check; /* over all before it */
};

struct signer_state {
	int fd;
	unsigned slot; /* to be written next */
	struct memory last;
	char origin[HF_ORIGIN_MAX];
	const struct secret *secret;
};

static struct hf_hash checksum(const struct memory *m)
{
	return hf_hash(HF_TAG_STATE, m, offsetof(struct memory, check));
}

/* -1 damaged, 0 empty, 1 good */
static int read_slot(int fd, unsigned slot, struct memory *m)
{
	uint8_t bytes[SLOT] = {0};
	static const uint8_t zeros[SLOT];
	struct hf_hash check;
	ssize_t n = pread(fd, bytes, sizeof(bytes), (off_t)(slot * SLOT));

	if (n < 0)
		return -1;
	if (memcmp(bytes, zeros, sizeof(zeros)) == 0)
		return 0;
	memcpy(m, bytes, sizeof(*m));
	check = checksum(m);
	return memcmp(m->magic, MAGIC, sizeof(MAGIC)) == 0 &&
		       memcmp(&check, &m->check, sizeof(check)) == 0
		   ? 1
		   : -1;
}

static enum hf_err write_slot(struct signer_state *s, struct memory *m)
{
	uint8_t bytes[SLOT] = {0};

	memcpy(m->magic, MAGIC, sizeof(MAGIC));
	m->check = checksum(m);
	memcpy(bytes, m, sizeof(*m));
	if (pwrite(s->fd, bytes, sizeof(bytes), (off_t)(s->slot * SLOT)) !=
	    (ssize_t)sizeof(bytes))
		return HF_FILE;
	s->slot ^= 1u;
	s->last = *m;
	return HF_OK;
}

enum hf_err signer_open(struct signer_state **out, const char *path,
    const char *origin, const struct secret *secret)
{
	struct signer_state *s = calloc(1, sizeof(*s));
	struct memory m[2];
	int state[2];
	enum hf_err err = HF_OK;

	*out = NULL;
	if (s == NULL)
		return HF_NOMEM;
	memset(m, 0, sizeof(m));
	snprintf(s->origin, sizeof(s->origin), "%s", origin);
	s->secret = secret;
	s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_DSYNC, 0600);
	if (s->fd < 0) {
		free(s);
		return HF_FILE;
	}
	for (unsigned i = 0; i < 2; i++)
		state[i] = read_slot(s->fd, i, &m[i]);
	if (state[0] == 1 && (state[1] != 1 || m[0].count > m[1].count)) {
		s->last = m[0];
		s->slot = 1;
	} else if (state[1] == 1) {
		s->last = m[1];
		s->slot = 0;
	} else if (state[0] == -1 || state[1] == -1) {
		err = HF_CORRUPT;
	}
	if (err != HF_OK) {
		signer_close(s);
		return err;
	}
	*out = s;
	return HF_OK;
}

void signer_close(struct signer_state *s)
{
	if (s == NULL)
		return;
	close(s->fd);
	free(s);
}

void signer_last(
    const struct signer_state *s, uint64_t *size, struct hf_hash *root)
{
	*size = s->last.size;
	*root = s->last.root;
}

enum hf_err signer_sign(struct signer_state *s, uint64_t size,
    const struct hf_hash *root, uint64_t old_size, const struct hf_hash *path,
    unsigned path_count, char *note, size_t capacity, size_t *note_size)
{
	struct memory next = s->last;
	char text[256];
	size_t length;
	struct hf_sig sig;
	struct hf_key key = secret_sign_key(s->secret);
	enum hf_err err;

	if (size < s->last.size || old_size != s->last.size)
		return HF_ROLLBACK;
	if (s->last.size > 0 &&
	    hf_merkle_verify_consistency(s->last.size, &s->last.root, size,
		root, path, path_count) != HF_OK)
		return HF_ROLLBACK;
	length = hf_checkpoint_text(text, sizeof(text), s->origin, size, root);
	if (length == 0)
		return HF_TOO_BIG;
	if (size != s->last.size) {
		next.count++;
		next.size = size;
		next.root = *root;
		err = write_slot(s, &next);
		if (err != HF_OK)
			return err;
	}
	sig = secret_sign(s->secret, text, length);
	return hf_checkpoint_note(
	    note, capacity, note_size, text, s->origin, &key, &sig);
}
