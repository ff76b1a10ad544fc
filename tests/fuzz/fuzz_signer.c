/*
 * What the core asks of the signer, who does not trust it: a byte (0: a head
 * of ours, else one of another country to cosign), the record.  Whatever
 * comes, nothing is signed that is smaller than, or inconsistent with, what
 * was signed last.
 */
#include "broker/log.h"
#include "broker/records.h"

static enum hf_err fuzz_record_send(
    int fd, const struct record_header *h, const void *payload);
#define record_send fuzz_record_send
#define log_line(...) ((void)0) /* a line for each refusal */
#define signer_process fuzz_signer_process
#include "broker/signer/process.c"

#include "proto/cosign.h"
#include "proto/note.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tree.h"

#include <stdio.h>
#include <string.h>

static struct {
	unsigned count;
	enum hf_err code;
	uint8_t payload[HF_NOTE_MAX + 1];
	size_t size;
} answer;

static enum hf_err fuzz_record_send(
    int fd, const struct record_header *h, const void *payload)
{
	(void)fd;
	MUST(h->type == RECORD_SIGNED && h->size <= sizeof(answer.payload),
	    "another answer");
	answer.count++;
	answer.code = (enum hf_err)h->code;
	answer.size = h->size;
	if (h->size > 0)
		memcpy(answer.payload, payload, h->size);
	return HF_OK;
}

/* A signer and a witness that have both seen TREE_BASE entries. */
static struct signing *made(bool anew)
{
	static struct signing g;
	char path[160], origin[HF_ORIGIN_MAX];
	struct hf_country jp = {"JP"};
	struct record r = {.h = {.type = RECORD_COSIGN}};

	if (g.signer != NULL && !anew)
		return &g;
	signer_close(g.signer);
	witness_close(g.cosigner);
	if (g.ledger == NULL) {
		g.ledger = tree_secret();
		g.witness = tree_secret();
	}
	snprintf(path, sizeof(path), "%s/signer.mem", fuzz_dir());
	unlink(path);
	hf_origin(origin, jp, 1);
	MUST(signer_open(&g.signer, path, origin, g.ledger) == HF_OK,
	    "signer_open");
	r.h.type = RECORD_SIGN;
	r.h.size = (uint32_t)tree_sign_record(r.payload, 0, TREE_BASE);
	MUST(sign_one(-1, &r, g.signer) == HF_OK && answer.code == HF_OK,
	    "the first head");
	snprintf(path, sizeof(path), "%s/witness.mem", fuzz_dir());
	unlink(path);
	MUST(witness_open(&g.cosigner, path, jp, g.witness) == HF_OK,
	    "witness_open");
	r.h.type = RECORD_COSIGN;
	r.h.size = (uint32_t)tree_cosign_record(r.payload, 0, TREE_BASE);
	MUST(cosign_one(-1, &r, g.cosigner) == HF_OK && answer.code == HF_OK,
	    "the first cosignature");
	return &g;
}

static void signed_right(const struct signing *g)
{
	struct hf_bytes note = {answer.payload, answer.size};
	struct hf_key key = secret_sign_key(g->ledger);
	struct hf_hash root, last;
	char origin[HF_ORIGIN_MAX];
	uint64_t size, last_size;

	hf_origin(origin, (struct hf_country){"JP"}, 1);
	MUST(hf_checkpoint_verify(note, origin, &key, &size, &root) == HF_OK,
	    "a head that does not verify");
	MUST(size >= TREE_BASE, "a smaller head");
	signer_last(g->signer, &last_size, &last);
	MUST(last_size == size && memcmp(&last, &root, sizeof(root)) == 0,
	    "signed, and not remembered");
	if (size != TREE_BASE)
		return;
	last = tree_root(TREE_BASE);
	MUST(memcmp(&last, &root, sizeof(root)) == 0, "another head");
}

static bool moved(const struct signing *g)
{
	struct hf_hash root;
	uint64_t size;

	signer_last(g->signer, &size, &root);
	return size != TREE_BASE ||
	       witness_size(g->cosigner, "holdfast/US/1") != TREE_BASE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct record r;
	struct signing *g;
	enum hf_err err;
	uint8_t what;

	fuzz_init();
	g = made(false);
	fuzz_take(&data, &size, &what, 1);
	if (size > sizeof(r.payload))
		return 0;
	r.h = (struct record_header){
	    .type = what == 0 ? RECORD_SIGN : RECORD_COSIGN,
	    .size = (uint32_t)size};
	if (size > 0)
		memcpy(r.payload, data, size);
	answer.count = 0;
	err = what == 0 ? sign_one(-1, &r, g->signer)
			: cosign_one(-1, &r, g->cosigner);
	MUST(err == HF_OK || err == HF_FRAME, "another error");
	MUST(answer.count == (err == HF_OK ? 1 : 0), "not answered, or twice");
	if (err != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	if (what == 0 && answer.code == HF_OK)
		signed_right(g);
	if (moved(g))
		(void)made(true);
	return 0;
}
