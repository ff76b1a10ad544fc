/*
 * link_document: the document of a peer, in parts.
 */
#include "broker/engine/link.h"

#include <stdlib.h>
#include <string.h>

static void drop_upload(struct peer *p)
{
	free(p->upload);
	p->upload = NULL;
	p->upload_size = 0;
	p->upload_next = p->upload_parts = 0;
}

enum hf_err link_document_in(struct engine *e, struct peer *p, struct wire *w)
{
	uint64_t part = wire_uint(w, HF_DOC_MAX / HF_DOC_PART + 1);
	uint64_t parts = wire_uint(w, HF_DOC_MAX / HF_DOC_PART + 1);
	struct hf_bytes b = wire_bin(w, 1, HF_DOC_PART);
	uint32_t version;
	uint8_t *grown;
	enum hf_err err;

	wire_close(w);
	err = wire_finish(w);
	if (err != HF_OK)
		return err;
	if (part == 0)
		drop_upload(p);
	if (part != p->upload_next || part >= parts ||
	    (part > 0 && parts != p->upload_parts)) {
		drop_upload(p);
		return HF_OK; /* a part of an earlier try */
	}
	grown = realloc(p->upload, p->upload_size + b.size);
	if (grown == NULL)
		return HF_NOMEM;
	p->upload = grown;
	memcpy(grown + p->upload_size, b.data, b.size);
	p->upload_size += b.size;
	p->upload_next = (uint32_t)part + 1;
	p->upload_parts = (uint32_t)parts;
	if (part + 1 < parts)
		return HF_OK;
	err = documents_add(e, bytes_of(p->upload, p->upload_size), &version);
	drop_upload(p);
	if (err == HF_OK)
		effect_log(
		    e, HF_OK, "document-received", NULL, NULL, p->country.s);
	if (err == HF_DOC_OLD || err == HF_DOC_CONFLICT ||
	    err == HF_KEY_CLAIMED)
		return HF_OK;
	return err;
}
