/* Checkpoints: the C2SP tlog-checkpoint text inside a signed note. */
#include "proto/crypto.h"
#include "proto/ledger.h"
#include "proto/note.h"
#include "proto/text.h"
#include "proto/wire.h"

#include <assert.h>
#include <string.h>

#define ROOT_BASE64_SIZE 44u /* characters of 32 bytes */
#define SIZE_LIMIT (UINT64_C(1) << HF_TREE_DEPTH_MAX)

void hf_origin(char out[HF_ORIGIN_MAX], struct hf_country c, uint32_t epoch)
{
	struct text t;

	text_init(&t, out, HF_ORIGIN_MAX);
	text_add(&t, "holdfast/");
	text_add_bytes(&t, c.s, HF_COUNTRY_SIZE);
	text_add_char(&t, '/');
	text_add_uint(&t, epoch, 0);
	assert(!t.full);
}

enum hf_err hf_note_origin(
    struct hf_bytes note, struct hf_country *c, uint32_t *epoch)
{
	static const char prefix[] = "holdfast/";
	const size_t n = sizeof(prefix) - 1;
	const char *at = (const char *)note.data;
	const char *end =
	    note.size == 0 ? NULL : memchr(note.data, '\n', note.size);
	uint64_t value;

	if (end == NULL || (size_t)(end - at) < n + 4 ||
	    memcmp(at, prefix, n) != 0 ||
	    !hf_country_ok(at + n, HF_COUNTRY_SIZE) || at[n + 2] != '/' ||
	    !text_read_uint(
		&value, at + n + 3, (size_t)(end - at) - n - 3, UINT32_MAX))
		return HF_CHECKPOINT;
	*c = (struct hf_country){{0}};
	memcpy(c->s, at + n, HF_COUNTRY_SIZE);
	*epoch = (uint32_t)value;
	return HF_OK;
}

size_t hf_checkpoint_text(char *out, size_t capacity, const char *origin,
    uint64_t size, const struct hf_hash *root)
{
	char base64[ROOT_BASE64_SIZE + 1];
	struct text t;

	assert(hf_note_name_ok(origin, strlen(origin)));
	assert(size <= SIZE_LIMIT);
	hf_base64(base64, sizeof(base64), root->b, sizeof(root->b));
	text_init(&t, out, capacity);
	text_add(&t, origin);
	text_add_char(&t, '\n');
	text_add_uint(&t, size, 0);
	text_add_char(&t, '\n');
	text_add_bytes(&t, base64, ROOT_BASE64_SIZE);
	text_add_char(&t, '\n');
	return t.full ? 0 : t.at;
}

/* The three lines, and extension lines that C2SP lets stand. */
static bool text_read(struct hf_bytes text, const char *origin, uint64_t *size,
    struct hf_hash *root)
{
	struct hf_bytes line;
	size_t root_size;

	if (!hf_note_line(&text, &line) || line.size != strlen(origin) ||
	    memcmp(line.data, origin, line.size) != 0)
		return false;
	if (!hf_note_line(&text, &line) ||
	    !text_read_uint(size, line.data, line.size, SIZE_LIMIT))
		return false;
	if (!hf_note_line(&text, &line) ||
	    hf_base64_read(root->b, sizeof(root->b), &root_size,
		(const char *)line.data, line.size) != HF_OK ||
	    root_size != sizeof(root->b))
		return false;
	/* the text of a note ends with a line's end */
	while (hf_note_line(&text, &line))
		if (line.size == 0)
			return false;
	return true;
}

enum hf_err hf_checkpoint_read(struct hf_bytes note, const char *origin,
    uint64_t *size, struct hf_hash *root)
{
	struct hf_bytes text, lines;

	return hf_note_split(note, &text, &lines) &&
		       text_read(text, origin, size, root)
		   ? HF_OK
		   : HF_CHECKPOINT;
}

enum hf_err hf_checkpoint_verify(struct hf_bytes note, const char *origin,
    const struct hf_key *key, uint64_t *size, struct hf_hash *root)
{
	struct hf_bytes text;
	uint64_t read_size;
	struct hf_hash read_root;
	enum hf_err err;

	err = hf_note_open(note, origin, key, &text);
	if (err != HF_OK)
		return err;
	if (!text_read(text, origin, &read_size, &read_root))
		return HF_CHECKPOINT;
	*size = read_size;
	*root = read_root;
	return HF_OK;
}
