/*
 * cosigners: a list of witness keys and the notes judged by it.
 *
 * A cosignature bears its own time, so no ledger is needed to tell which
 * document ruled then: one issued by that time names the key, in an entry
 * valid at that time, and no revocation is older.  A key that a later
 * document leaves out was good before, and nobody can tell when a witness far
 * away learned of that document: only a revocation ends it early.
 */
#include "client/cosigners.h"

#include "proto/cosign.h"
#include "proto/note.h"
#include "proto/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKEW_MS 300000u /* SPEC 12.1: how wrong a clock may be */

struct cosigner {
	struct hf_country country;
	struct hf_key key;
	uint8_t id[HF_NOTE_KEY_ID]; /* as a line of a note bears it */
	struct instant from, until;
};
struct cosigners {
	struct cosigner *list;
	size_t count, room;
};

struct cosigners *cosigners_new(void)
{
	return calloc(1, sizeof(struct cosigners));
}

void cosigners_free(struct cosigners *c)
{
	if (c == NULL)
		return;
	free(c->list);
	free(c);
}

/* The id follows from country and key. */
static bool same(const struct cosigner *a, const struct cosigner *b)
{
	return strcmp(a->country.s, b->country.s) == 0 &&
	       memcmp(a->key.b, b->key.b, sizeof(a->key.b)) == 0 &&
	       a->from.ms == b->from.ms && a->until.ms == b->until.ms;
}

static enum hf_err add(struct cosigners *c, const struct cosigner *one)
{
	struct cosigner *grown;

	for (size_t i = 0; i < c->count; i++)
		if (same(&c->list[i], one))
			return HF_OK;
	if (c->count == c->room) {
		c->room = c->room == 0 ? 16 : 2 * c->room;
		grown = realloc(c->list, c->room * sizeof(*grown));
		if (grown == NULL)
			return HF_NOMEM;
		c->list = grown;
	}
	c->list[c->count++] = *one;
	return HF_OK;
}

enum hf_err cosigners_add(
    struct cosigners *c, const struct country_doc *d, bool complete)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; err == HF_OK && i < d->entry_count; i++) {
		const struct broker_entry *b = &d->entries[i].u.broker;
		char name[HF_WITNESS_NAME_MAX];
		struct cosigner one;

		if (d->entries[i].type != ENTRY_BROKER || !b->has_witness)
			continue;
		memset(&one, 0, sizeof(one));
		one.country = d->head.country;
		one.key = b->witness;
		hf_witness_name(name, one.country);
		hf_note_key_id_of(one.id, name, HF_NOTE_COSIGNATURE, &one.key);
		one.from = complete && d->head.issued.ms > b->valid_from.ms
			       ? d->head.issued
			       : b->valid_from;
		one.until = b->valid_until;
		err = add(c, &one);
	}
	return err;
}

static void wrong(struct cosigned *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void wrong(struct cosigned *out, const char *format, ...)
{
	va_list args;

	if (out->problem[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(out->problem, sizeof(out->problem), format, args);
	va_end(args);
}

/* "holdfast/CC/witness" */
static bool witness_country(struct hf_bytes name, struct hf_country *c)
{
	char expected[HF_WITNESS_NAME_MAX];

	memset(c, 0, sizeof(*c));
	if (name.size != HF_WITNESS_NAME_SIZE ||
	    !hf_country_ok(
		(const char *)name.data + HF_WITNESS_NAME_CC, HF_COUNTRY_SIZE))
		return false;
	memcpy(c->s, name.data + HF_WITNESS_NAME_CC, HF_COUNTRY_SIZE);
	hf_witness_name(expected, *c);
	return memcmp(name.data, expected, name.size) == 0;
}

/* *named: one whose key id the line bears; returns whether it was valid. */
static bool find(const struct cosigners *c, struct hf_country country,
    const uint8_t *key_id, const struct instant *at,
    const struct cosigner **named)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct cosigner *one = &c->list[i];

		if (strcmp(one->country.s, country.s) != 0 ||
		    memcmp(one->id, key_id, sizeof(one->id)) != 0)
			continue;
		*named = one;
		if (at != NULL && at->ms + SKEW_MS >= one->from.ms &&
		    at->ms < one->until.ms)
			return true;
	}
	return false;
}

static void judge_line(const struct cosigners *c, struct hf_bytes note,
    struct hf_bytes line, const struct hf_note_signature *s,
    struct hf_country country, struct instant entered,
    const struct roster *revocations, struct cosigned *out)
{
	const struct revocation_entry *gone;
	const struct cosigner *named = NULL;
	char name[HF_WITNESS_NAME_MAX];
	struct instant at;
	uint64_t seconds;

	find(c, country, s->key_id, NULL, &named);
	if (named == NULL) {
		out->unknown++;
		return;
	}
	hf_witness_name(name, country);
	line.size++; /* its newline */
	if (hf_cosign_verify_line(line, note, name, &named->key, &seconds) !=
	    HF_OK) {
		wrong(out, "the cosignature of %s does not verify", country.s);
		return;
	}
	at.ms = seconds * 1000;
	gone = revocations == NULL
		   ? NULL
		   : roster_revocation(revocations, country, &named->key);
	if (!find(c, country, s->key_id, &at, &named))
		wrong(out,
		    "the cosignature of %s is of a time when no document "
		    "named its key",
		    country.s);
	else if (gone != NULL && at.ms >= gone->revoked.ms)
		wrong(out, "the cosignature of %s is by a revoked key",
		    country.s);
	else if (at.ms + 1000 + SKEW_MS < entered.ms)
		wrong(out, "the cosignature of %s is older than what it covers",
		    country.s);
	else
		out->witnesses++;
}

struct cosigned cosigners_judge(const struct cosigners *c, struct hf_bytes note,
    struct instant entered, const struct roster *revocations)
{
	struct cosigned out = {.witnesses = 0};
	struct hf_bytes text, lines, line, origin;
	struct hf_country seen[HF_COSIGNATURE_MAX];
	struct hf_note_signature s;
	unsigned count = 0;

	if (!hf_note_split(note, &text, &lines) ||
	    !hf_note_line(&text, &origin)) {
		wrong(&out, "the note has no form");
		return out;
	}
	while (hf_note_line(&lines, &line)) {
		struct hf_country country;

		if (!hf_note_signature_read(&s, line)) {
			wrong(&out, "a signature line cannot be read");
			break;
		}
		if (s.name.size == origin.size &&
		    memcmp(s.name.data, origin.data, origin.size) == 0)
			continue;
		if (!witness_country(s.name, &country)) {
			wrong(&out, "a signature line is of no witness");
			continue;
		}
		if (count == HF_COSIGNATURE_MAX ||
		    (count > 0 && strcmp(seen[count - 1].s, country.s) >= 0)) {
			wrong(&out, "the cosignatures are out of order");
			break;
		}
		seen[count++] = country;
		judge_line(
		    c, note, line, &s, country, entered, revocations, &out);
	}
	return out;
}
