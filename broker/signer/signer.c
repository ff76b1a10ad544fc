/*
 * signer: the one place where the ledger key signs.
 *
 * It remembers the last head in two slots of 512 bytes, written in turn
 * with O_DSYNC before the signature leaves.  A torn slot fails its check and
 * the other one still holds the head before, which only makes the signer
 * ask for a longer proof; it never lets it sign an older tree.
 *
 * The file is made whole, with two good slots that say "nothing signed", and
 * renamed into place.  So a slot that does not read is damage, never youth,
 * and a signer that cannot read either of them refuses to forget.
 */
#include "broker/signer/signer.h"

#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT 512u
#define PATH_MAX_BYTES 1100
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

static bool read_slot(int fd, unsigned slot, struct memory *m)
{
	uint8_t bytes[SLOT];
	struct hf_hash check;

	if (pread(fd, bytes, sizeof(bytes), (off_t)(slot * SLOT)) !=
	    (ssize_t)sizeof(bytes))
		return false;
	memcpy(m, bytes, sizeof(*m));
	check = checksum(m);
	return memcmp(m->magic, MAGIC, sizeof(MAGIC)) == 0 &&
	       memcmp(&check, &m->check, sizeof(check)) == 0;
}

static bool write_slot(int fd, unsigned slot, struct memory *m)
{
	uint8_t bytes[SLOT] = {0};

	memcpy(m->magic, MAGIC, sizeof(MAGIC));
	m->check = checksum(m);
	memcpy(bytes, m, sizeof(*m));
	return pwrite(fd, bytes, sizeof(bytes), (off_t)(slot * SLOT)) ==
	       (ssize_t)sizeof(bytes);
}

static bool sync_parent(const char *path)
{
	char dir[PATH_MAX_BYTES];
	char *slash;
	int fd;
	bool ok;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		snprintf(dir, sizeof(dir), ".");
	else
		slash[slash == dir] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* A memory that remembers nothing, under its name only when it is whole. */
static int create(const char *path)
{
	char temporary[PATH_MAX_BYTES];
	struct memory empty = {.count = 0};
	int fd;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >=
	    (int)sizeof(temporary))
		return -1;
	fd = open(
	    temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_DSYNC, 0600);
	if (fd < 0)
		return -1;
	if (write_slot(fd, 0, &empty) && write_slot(fd, 1, &empty) &&
	    fsync(fd) == 0 && rename(temporary, path) == 0 && sync_parent(path))
		return fd;
	close(fd);
	return -1;
}

enum hf_err signer_open(struct signer_state **out, const char *path,
    const char *origin, const struct secret *secret)
{
	struct signer_state *s = calloc(1, sizeof(*s));
	struct memory m[2];
	bool good[2];

	*out = NULL;
	if (s == NULL)
		return HF_NOMEM;
	memset(m, 0, sizeof(m));
	snprintf(s->origin, sizeof(s->origin), "%s", origin);
	s->secret = secret;
	s->fd = open(path, O_RDWR | O_CLOEXEC | O_DSYNC);
	if (s->fd < 0 && errno == ENOENT)
		s->fd = create(path);
	if (s->fd < 0) {
		free(s);
		return HF_FILE;
	}
	for (unsigned i = 0; i < 2; i++)
		good[i] = read_slot(s->fd, i, &m[i]);
	if (!good[0] && !good[1]) {
		signer_close(s);
		return HF_CORRUPT;
	}
	s->slot = good[0] && (!good[1] || m[0].count > m[1].count) ? 1 : 0;
	s->last = m[s->slot ^ 1u];
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

	if (size == 0 || size > UINT64_C(1) << HF_TREE_DEPTH_MAX)
		return HF_RANGE;
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
		if (!write_slot(s->fd, s->slot, &next))
			return HF_FILE;
		s->slot ^= 1u;
		s->last = next;
	}
	sig = secret_sign(s->secret, text, length);
	return hf_checkpoint_note(
	    note, capacity, note_size, text, s->origin, &key, &sig);
}
