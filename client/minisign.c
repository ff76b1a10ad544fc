/*
 * minisign: two lines of text for a key, four for a signature.
 */
#include "client/minisign.h"

#include "proto/crypto.h"
#include "proto/note.h"
#include "proto/text.h"
#include "proto/wire.h"

#include <assert.h>
#include <string.h>

#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "
/* nothing signs this line, so there is one only */
#define SIGNATURE UNTRUSTED "signature of an officer's key"
#define KEY_ID_SIZE 8u
#define PUBLIC_SIZE (2u + KEY_ID_SIZE + HF_KEY_SIZE)
#define BLOB_SIZE (2u + KEY_ID_SIZE + HF_SIG_SIZE)

/* Ours, so that a key has one id: minisign's own are random. */
static void key_id(uint8_t out[KEY_ID_SIZE], const struct hf_key *key)
{
	struct hf_hash h = hf_hash(HF_TAG_MINISIGN, key->b, sizeof(key->b));

	memcpy(out, h.b, KEY_ID_SIZE);
}

static void add_line(struct text *t, const void *data, size_t size)
{
	char base64[(BLOB_SIZE + 2) / 3 * 4 + 1];

	hf_base64(base64, sizeof(base64), data, size);
	text_add(t, base64);
	text_add_char(t, '\n');
}

/* The next line, if it begins with `prefix`; the prefix is taken off. */
static bool take_line(
    struct hf_bytes *rest, const char *prefix, struct hf_bytes *line)
{
	size_t n = strlen(prefix);

	if (!hf_note_line(rest, line) || line->size < n ||
	    memcmp(line->data, prefix, n) != 0)
		return false;
	line->data += n;
	line->size -= n;
	return true;
}

static bool take_base64(struct hf_bytes *rest, uint8_t *out, size_t size)
{
	struct hf_bytes line;
	size_t got;

	return take_line(rest, "", &line) &&
	       hf_base64_read(out, size, &got, (const char *)line.data,
		   line.size) == HF_OK &&
	       got == size;
}

void minisign_public(char out[MINISIGN_TEXT_MAX], size_t *size,
    const struct hf_key *key, const char *comment)
{
	uint8_t blob[PUBLIC_SIZE] = {'E', 'd'};
	struct text t;

	key_id(blob + 2, key);
	memcpy(blob + 2 + KEY_ID_SIZE, key->b, HF_KEY_SIZE);
	text_init(&t, out, MINISIGN_TEXT_MAX);
	text_add(&t, UNTRUSTED);
	text_add(&t, comment);
	text_add_char(&t, '\n');
	add_line(&t, blob, sizeof(blob));
	assert(!t.full);
	*size = t.at;
}

enum hf_err minisign_public_read(struct hf_key *key, struct hf_bytes file)
{
	uint8_t blob[PUBLIC_SIZE], id[KEY_ID_SIZE];
	struct hf_bytes comment;
	struct hf_key read;

	if (file.size >= MINISIGN_TEXT_MAX ||
	    !take_line(&file, UNTRUSTED, &comment) ||
	    !wire_utf8_ok(comment.data, comment.size) ||
	    !take_base64(&file, blob, sizeof(blob)) || file.size != 0 ||
	    memcmp(blob, "Ed", 2) != 0)
		return HF_TYPE;
	memcpy(read.b, blob + 2 + KEY_ID_SIZE, HF_KEY_SIZE);
	key_id(id, &read);
	if (memcmp(id, blob + 2, sizeof(id)) != 0)
		return HF_SIGNATURE;
	*key = read;
	return HF_OK;
}

enum hf_err minisign_sign(char out[MINISIGN_TEXT_MAX], size_t *size,
    struct signer *signer, struct hf_bytes file, const char *trusted)
{
	uint8_t digest[HF_BLAKE2B_SIZE], blob[BLOB_SIZE] = {'E', 'D'};
	struct hf_bytes comment = {(const uint8_t *)trusted, strlen(trusted)};
	struct file_signature s;
	struct text t;
	enum hf_err err;

	if (memchr(trusted, '\n', comment.size) != NULL)
		return HF_RANGE;
	hf_blake2b(digest, file.data, file.size);
	err = signer->sign_file(signer, digest, comment, &s);
	if (err != HF_OK)
		return err;
	key_id(blob + 2, &signer->sign_key);
	memcpy(blob + 2 + KEY_ID_SIZE, s.sig.b, HF_SIG_SIZE);
	text_init(&t, out, MINISIGN_TEXT_MAX);
	text_add(&t, SIGNATURE "\n");
	add_line(&t, blob, sizeof(blob));
	text_add(&t, TRUSTED);
	text_add(&t, trusted);
	text_add_char(&t, '\n');
	add_line(&t, s.global.b, sizeof(s.global.b));
	assert(!t.full);
	*size = t.at;
	return HF_OK;
}

enum hf_err minisign_verify(const struct hf_key *key, struct hf_bytes file,
    struct hf_bytes signature, char trusted[FILE_COMMENT_MAX + 1])
{
	uint8_t digest[HF_BLAKE2B_SIZE], blob[BLOB_SIZE], id[KEY_ID_SIZE];
	uint8_t message[HF_SIG_SIZE + FILE_COMMENT_MAX];
	struct hf_bytes line, comment;
	struct hf_sig sig, global;

	if (signature.size >= MINISIGN_TEXT_MAX ||
	    !take_line(&signature, SIGNATURE, &line) || line.size != 0 ||
	    !take_base64(&signature, blob, sizeof(blob)) ||
	    !take_line(&signature, TRUSTED, &comment) || comment.size == 0 ||
	    comment.size > FILE_COMMENT_MAX ||
	    !wire_utf8_ok(comment.data, comment.size) ||
	    !take_base64(&signature, global.b, sizeof(global.b)) ||
	    signature.size != 0 || memcmp(blob, "ED", 2) != 0)
		return HF_TYPE;
	key_id(id, key);
	memcpy(sig.b, blob + 2 + KEY_ID_SIZE, HF_SIG_SIZE);
	memcpy(message, sig.b, HF_SIG_SIZE);
	memcpy(message + HF_SIG_SIZE, comment.data, comment.size);
	hf_blake2b(digest, file.data, file.size);
	if (memcmp(id, blob + 2, sizeof(id)) != 0 ||
	    hf_verify(key, &sig, digest, sizeof(digest)) != HF_OK ||
	    hf_verify(key, &global, message, HF_SIG_SIZE + comment.size) !=
		HF_OK)
		return HF_SIGNATURE;
	memcpy(trusted, comment.data, comment.size);
	trusted[comment.size] = '\0';
	return HF_OK;
}
