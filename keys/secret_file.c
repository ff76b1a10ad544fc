/*
 * secret_file: secrets at rest: one line of typed text, mode 0600.
 */
#include "keys/secret_internal.h"
#include "proto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TITLE "HOLDFAST-SECRET-KEY-1"
#define FILE_MAX 1024u
#define SALT crypto_pwhash_SALTBYTES
#define BOX_MAX (SALT + HF_NONCE_SIZE + 96 + HF_TAG_SIZE)

static const char *const purposes[] = {
    [SECRET_OFFICER] = "officer",
    [SECRET_BROKER] = "broker",
    [SECRET_REGISTRAR] = "registrar",
    [SECRET_ROOT] = "root",
};

/* The text before the payload; it is bound to the box. */
static size_t head_of(
    char out[64], enum secret_purpose purpose, bool is_protected)
{
	return (size_t)snprintf(out, 64, "%s %s %s ", TITLE, purposes[purpose],
	    is_protected ? "argon2id" : "plain");
}

static enum hf_err derive_key(uint8_t *key, enum secret_purpose purpose,
    const char *passphrase, const uint8_t *salt)
{
	bool root = purpose == SECRET_ROOT;

	return crypto_pwhash(key, HF_KEY_SIZE, passphrase, strlen(passphrase),
		   salt,
		   root ? crypto_pwhash_OPSLIMIT_SENSITIVE
			: crypto_pwhash_OPSLIMIT_MODERATE,
		   root ? crypto_pwhash_MEMLIMIT_SENSITIVE
			: crypto_pwhash_MEMLIMIT_MODERATE,
		   crypto_pwhash_ALG_ARGON2ID13) == 0
		   ? HF_OK
		   : HF_NOMEM;
}

/* The name of a new file is durable only with its directory. */
static bool sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL   ? strdup(".")
		    : slash == path ? strdup("/")
				    : strndup(path, (size_t)(slash - path));
	int fd;
	bool ok;

	if (dir == NULL)
		return false;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

static enum hf_err write_file(const char *path, const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0)
		return HF_FILE;
	ok = write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	ok = ok && sync_directory(path);
	if (!ok)
		unlink(path);
	return ok ? HF_OK : HF_FILE;
}

enum hf_err secret_save(
    const struct secret *s, const char *path, const char *passphrase)
{
	uint8_t raw[96], box[BOX_MAX], key[HF_KEY_SIZE];
	char line[FILE_MAX], head[64];
	enum secret_purpose purpose = secret_purpose(s);
	size_t size = secret_export(s, raw), box_size = size;
	size_t at = head_of(head, purpose, passphrase != NULL);
	enum hf_err err = HF_OK;

	if (passphrase == NULL) {
		memcpy(box, raw, size);
	} else {
		randombytes_buf(box, SALT + HF_NONCE_SIZE);
		err = derive_key(key, purpose, passphrase, box);
		if (err == HF_OK)
			hf_aead_seal(box + SALT + HF_NONCE_SIZE, raw, size,
			    (struct hf_bytes){(const uint8_t *)head, at},
			    box + SALT, key);
		box_size = SALT + HF_NONCE_SIZE + size + HF_TAG_SIZE;
	}
	if (err == HF_OK) {
		memcpy(line, head, at);
		at += hf_base64url(
		    line + at, sizeof(line) - at - 1, box, box_size);
		line[at++] = '\n';
		err = write_file(path, line, at);
	}
	hf_wipe(raw, sizeof(raw));
	hf_wipe(box, sizeof(box));
	hf_wipe(key, sizeof(key));
	hf_wipe(line, sizeof(line));
	return err;
}

/* The whole file if it is a private regular file of this user.  A FIFO must
 * not make us wait, so it is opened without blocking. */
static enum hf_err read_file(
    const char *path, char text[FILE_MAX], size_t *size)
{
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum hf_err err = HF_KEYFILE;

	if (fd < 0)
		return errno == ELOOP ? HF_KEYFILE : HF_FILE;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 077) == 0 && st.st_uid == geteuid() &&
	    st.st_size < (off_t)FILE_MAX) {
		n = read(fd, text, FILE_MAX);
		*size = n < 0 ? 0 : (size_t)n;
		err = n < 0 ? HF_FILE : HF_OK;
	}
	close(fd);
	return err;
}

struct parsed {
	char head[64];
	size_t head_size;
	bool is_protected;
	uint8_t box[BOX_MAX];
	size_t box_size;
};

static enum hf_err parse(
    struct parsed *p, const char *text, size_t n, enum secret_purpose purpose)
{
	if (n == 0 || text[--n] != '\n')
		return HF_KEYFILE;
	for (unsigned i = 0; i < 2; i++) {
		p->is_protected = i == 1;
		p->head_size = head_of(p->head, purpose, p->is_protected);
		if (n < p->head_size ||
		    memcmp(text, p->head, p->head_size) != 0)
			continue;
		return hf_base64url_read(p->box, sizeof(p->box), &p->box_size,
			   text + p->head_size, n - p->head_size) == HF_OK
			   ? HF_OK
			   : HF_KEYFILE;
	}
	return HF_KEYFILE;
}

enum hf_err secret_load(struct secret **s, const char *path,
    enum secret_purpose purpose, const char *passphrase)
{
	struct parsed p;
	char text[FILE_MAX];
	uint8_t raw[96], key[HF_KEY_SIZE];
	size_t size = secret_size(purpose), text_size = 0;
	enum hf_err err = read_file(path, text, &text_size);

	*s = NULL;
	if (err == HF_OK)
		err = parse(&p, text, text_size, purpose);
	if (err != HF_OK)
		goto out;
	if (!p.is_protected) {
		err = p.box_size == size ? HF_OK : HF_KEYFILE;
		if (err == HF_OK)
			memcpy(raw, p.box, size);
	} else if (p.box_size != SALT + HF_NONCE_SIZE + size + HF_TAG_SIZE) {
		err = HF_KEYFILE;
	} else if (passphrase == NULL) {
		err = HF_PASSPHRASE;
	} else {
		err = derive_key(key, purpose, passphrase, p.box);
		if (err == HF_OK &&
		    hf_aead_open(raw, p.box + SALT + HF_NONCE_SIZE,
			size + HF_TAG_SIZE,
			(struct hf_bytes){(const uint8_t *)p.head, p.head_size},
			p.box + SALT, key) != HF_OK)
			err = HF_PASSPHRASE;
	}
	if (err == HF_OK) {
		*s = secret_import(purpose, raw, size);
		err = *s == NULL ? HF_NOMEM : HF_OK;
	}
out:
	hf_wipe(text, sizeof(text));
	hf_wipe(raw, sizeof(raw));
	hf_wipe(key, sizeof(key));
	hf_wipe(&p, sizeof(p));
	return err;
}

enum hf_err secret_is_protected(const char *path, bool *out)
{
	char text[FILE_MAX];
	struct parsed p;
	size_t size = 0;
	enum hf_err err = read_file(path, text, &size);
	unsigned i = SECRET_OFFICER;

	if (err == HF_OK) {
		while (i <= SECRET_ROOT &&
		       parse(&p, text, size, (enum secret_purpose)i) != HF_OK)
			i++;
		if (i <= SECRET_ROOT)
			*out = p.is_protected;
		else
			err = HF_KEYFILE;
	}
	hf_wipe(text, sizeof(text));
	hf_wipe(&p, sizeof(p));
	return err;
}
