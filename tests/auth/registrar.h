/*
 * registrar: JP's country document while it changes many times a minute:
 * one contact point a slot, with one officer, beside what ops/federation
 * made.
 */
#ifndef HF_AUTH_REGISTRAR_H
#define HF_AUTH_REGISTRAR_H

#include "keys/country.h"

#define SLOTS 8u

/** How an officer ceases to speak. */
enum ending { STANDS, REVOKED, STRUCK_OFF, TERM_OVER, DESK_GONE, ENDINGS };
extern const char *const ending_names[ENDINGS];

struct registrar {
	struct country_doc *doc; /* newest */
	struct secret *key;
	uint8_t certificate[1024];
	size_t certificate_size;
	unsigned base; /* entries that stay */
	struct country_entry entries[HF_DOC_ENTRIES_MAX];
	struct country_entry desk[SLOTS], officer[SLOTS];
	enum ending how[SLOTS];
	struct instant ended[SLOTS];
};

/** The document and the registrar's key of a federation's JP. */
void registrar_open(struct registrar *r, const char *dir);
void registrar_close(struct registrar *r);
/** The desk of a slot ("jp.s3"). */
struct hf_desk slot_desk(unsigned slot);
/** Who speaks for the slot in the next document. */
void registrar_enter(
    struct registrar *r, unsigned slot, const struct secret *officer);
/** His officer has ended so, from the next document on. */
void registrar_end(struct registrar *r, unsigned slot, enum ending how);
/** The next version; lends its bytes until the next call. */
struct hf_bytes registrar_next(struct registrar *r);

#endif
