/*
 * seeds DIR: first inputs that need keys: frames of the rig, country
 * documents and their entries, cases' rows, a bundle, an archive.
 */
#include "tests/fuzz/seeds.h"

#include "proto/frames.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/rig.h"
#include "tests/fuzz/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *top;

void save(const char *harness, const void *head, size_t head_size,
    const void *bytes, size_t size)
{
	static unsigned count;
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, harness);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/rig-%04u", top, harness, count++);
	f = fopen(path, "wb");
	MUST(f != NULL, path);
	MUST(fwrite(head, 1, head_size, f) == head_size &&
		 fwrite(bytes, 1, size, f) == size && fclose(f) == 0,
	    path);
}

/* ---- answers as an officer's program reads them ---- */

static struct {
	uint8_t bytes[4 * HF_FRAME_MAX];
	size_t size;
	unsigned op; /* of the request before */
} talk;

static void end_talk(void)
{
	if (talk.size > 1)
		save("view", "", 0, talk.bytes, talk.size);
	talk.size = 0;
}

static void add_answer(uint8_t what, struct hf_bytes map)
{
	MUST(talk.size + map.size + 3 <= sizeof(talk.bytes), "a long talk");
	if (talk.size == 0)
		talk.bytes[talk.size++] = what;
	talk.bytes[talk.size++] = (uint8_t)(map.size >> 8);
	talk.bytes[talk.size++] = (uint8_t)map.size;
	memcpy(talk.bytes + talk.size, map.data, map.size);
	talk.size += map.size;
}

/* [0, request, code, map, ...]: what is asked next tells whether it goes on */
static void answered(const void *bytes, size_t size)
{
	struct hf_bytes map;
	struct wire w;
	uint64_t type, code;

	wire_init(&w, bytes, size);
	wire_array(&w, 4, 5);
	type = wire_uint(&w, UINT64_MAX);
	wire_uint(&w, UINT64_MAX);
	code = wire_uint(&w, UINT64_MAX);
	map = wire_skip(&w);
	if (w.err != HF_OK || type != HF_RESPONSE || code != HF_OK)
		return;
	switch (talk.op) {
	case HF_OP_CASE:
		end_talk();
		add_answer(5, map);
		end_talk();
		add_answer(6, map); /* its acts come */
		break;
	case HF_OP_ACTS:
		if (talk.size > 0)
			add_answer(6, map);
		break;
	case HF_OP_CASES:
	case HF_OP_ORDERS:
		end_talk();
		add_answer(talk.op == HF_OP_CASES ? 0 : 1, map);
		break;
	case HF_OP_DOCUMENT:
	case HF_OP_ROSTER:
	case HF_OP_STATES:
	case HF_OP_RECEIPTS:
		end_talk();
		add_answer(talk.op == HF_OP_DOCUMENT ? 2
			   : talk.op == HF_OP_ROSTER ? 3
						     : 4,
		    map);
		break;
	default:
		end_talk();
	}
}

static void asked(const void *bytes, size_t size)
{
	struct wire w;

	wire_init(&w, bytes, size);
	wire_array(&w, 3, 3);
	talk.op = (unsigned)wire_uint(&w, UINT16_MAX);
	if (talk.op != HF_OP_ACTS)
		end_talk();
}

static void saw(
    const char *harness, unsigned which, const void *bytes, size_t size)
{
	uint8_t head = (uint8_t)which;
	bool plain =
	    strcmp(harness, "act") == 0 || strcmp(harness, "answer") == 0;

	save(harness, &head, plain ? 0 : 1, bytes, size);
	if (strcmp(harness, "desk") == 0)
		asked(bytes, size);
	if (strcmp(harness, "answer") == 0)
		answered(bytes, size);
}

static void documents(struct node *n)
{
	struct hf_key root = secret_sign_key(n->root);
	uint8_t entry[HF_ENTRY_MAX], salt[HF_SALT_SIZE] = {1};
	uint8_t *abroad = NULL;
	size_t size = 0;

	save("document", root.b, sizeof(root.b), n->doc->bytes, n->doc->size);
	MUST(country_doc_strip(n->doc, &abroad, &size) == HF_OK, "strip");
	save("document", root.b, sizeof(root.b), abroad, size);
	free(abroad);
	for (unsigned i = 0; i < n->doc->entry_count; i++) {
		const struct country_entry *e = &n->doc->entries[i];
		uint8_t domestic = e->domestic ? 1 : 0;

		MUST(country_entry_encode(
			 e, salt, entry, sizeof(entry), &size) == HF_OK,
		    "entry");
		save("entry", &domestic, 1, entry, size);
	}
}

static void case_rows(struct node *n)
{
	struct hf_bytes prefix = {0}, from = {0}, key, value;
	uint8_t last[HF_ID_SIZE];
	bool after = false;

	node_look(n);
	while (txn_next(n->txn, TABLE_CASES, prefix, from, after, &key,
		   &value) == HF_OK) {
		save("case_record", "", 0, value.data, value.size);
		MUST(key.size == sizeof(last), "a case's key");
		memcpy(last, key.data, sizeof(last));
		from = (struct hf_bytes){last, sizeof(last)};
		after = true;
	}
	node_look_end(n);
}

/* What the core asks of the signer: grown, the same, and from nothing. */
static void signer_records(void)
{
	static const uint64_t sizes[][2] = {{TREE_BASE, TREE_BASE + 3},
	    {TREE_BASE, TREE_MAX}, {TREE_BASE, TREE_BASE}, {0, 7}, {3, 4}};
	static uint8_t record[HF_FRAME_MAX];

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint64_t old = sizes[i][0], size = sizes[i][1];

		save("signer", "\0", 1, record,
		    tree_sign_record(record, old, size));
		save("signer", "\1", 1, record,
		    tree_cosign_record(record, old, size));
	}
}

int main(int argc, char **argv)
{
	struct wires *w;

	if (argc != 2)
		return 2;
	top = argv[1];
	rig_saw = saw;
	w = rig();
	rig_more(w);
	end_talk();
	documents(&w->f->nodes[0]);
	case_rows(&w->f->nodes[0]);
	signer_records();
	seeds_client();
	wires_free(w);
	return 0;
}
