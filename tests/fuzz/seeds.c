/*
 * seeds DIR: first inputs that need keys: frames of the rig, country
 * documents and their entries, cases' rows, a bundle, an archive.
 */
#include "tests/fuzz/seeds.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/rig.h"

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

static void saw(
    const char *harness, unsigned which, const void *bytes, size_t size)
{
	uint8_t head = (uint8_t)which;
	bool plain =
	    strcmp(harness, "act") == 0 || strcmp(harness, "answer") == 0;

	save(harness, &head, plain ? 0 : 1, bytes, size);
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

int main(int argc, char **argv)
{
	struct wires *w;

	if (argc != 2)
		return 2;
	top = argv[1];
	rig_saw = saw;
	w = rig();
	rig_more(w);
	documents(&w->f->nodes[0]);
	case_rows(&w->f->nodes[0]);
	seeds_client();
	wires_free(w);
	return 0;
}
