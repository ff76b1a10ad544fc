/*
 * judge: entries of an archive, one after the other.
 *
 * The roster begins empty.  The statements `roster` of the ledger say when a
 * root was pinned and when a document came into force; the document itself
 * lies in the archive and must be the one whose digest the ledger holds.  So
 * the judge has at every entry the roster that the broker had, without
 * trusting anybody to say which one that was.  Of a country that the auditor
 * has not pinned nothing comes into force, and its acts cannot be judged.
 *
 * What is checked of an act is what the broker had to check: the bytes'
 * digests, signatures, the author's standing at its time of entry at home
 * (for a foreign act its own broker's receipt tells that time), his desk,
 * his role, co-signers and approvals.  Whether the life cycle allowed it is
 * replay's business.
 */
#include "client/judge.h"

#include "proto/cosign.h"
#include "proto/crypto.h"
#include "proto/merkle.h"
#include "proto/note.h"
#include "proto/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PIN 1u
#define UNPIN 2u
#define DOCUMENT 3u

struct judge {
	const struct archive *archive;
	struct judge_base base;
	struct roster *pins;   /* what the auditor pinned */
	struct roster *roster; /* in force after the entries so far */
	struct hf_country country;
	uint32_t epoch;      /* of the head */
	uint32_t leaf_epoch; /* of the entry before */
	/* the version each country had when last it was pinned */
	unsigned known_count;
	struct {
		struct hf_country country;
		uint32_t version;
	} known[HF_COUNTRY_MAX];
	uint64_t witnessed[HF_COSIGNATURE_MAX + 1]; /* receipts */
	char text[JUDGE_TEXT];                      /* lent */
};

static bool same_country(struct hf_country a, struct hf_country b)
{
	return strcmp(a.s, b.s) == 0;
}

/* ---- the head ---- */

enum hf_err judge_head_read(struct judge_head *head,
    const char note[HF_NOTE_MAX + 1], const struct roster *roster)
{
	char origin[HF_ORIGIN_MAX];
	const struct hf_key *key;
	enum hf_err err;

	memset(head, 0, sizeof(*head));
	snprintf(head->note, sizeof(head->note), "%s", note);
	err = hf_note_origin(
	    (struct hf_bytes){(const uint8_t *)head->note, strlen(head->note)},
	    &head->country, &head->epoch);
	if (err != HF_OK)
		return err;
	key = roster_ledger_key(roster, head->country, head->epoch);
	if (key == NULL)
		return HF_CHECKPOINT;
	hf_origin(origin, head->country, head->epoch);
	return hf_checkpoint_verify(
	    (struct hf_bytes){(const uint8_t *)head->note, strlen(head->note)},
	    origin, key, &head->size, &head->root);
}

/* ---- life ---- */

enum hf_err judge_new(struct judge **out, const struct archive *a,
    const struct judge_base *base, const struct judge_head *head)
{
	struct judge *j = calloc(1, sizeof(*j));
	enum hf_err err = HF_NOMEM;

	if (j == NULL)
		return err;
	j->archive = a;
	j->base = *base;
	j->country = head->country;
	j->epoch = head->epoch;
	j->pins = roster_new();
	j->roster = roster_new();
	if (j->pins != NULL && j->roster != NULL)
		err = archive_pins(a, j->pins);
	if (err != HF_OK) {
		judge_free(j);
		return err;
	}
	*out = j;
	return HF_OK;
}

void judge_free(struct judge *j)
{
	if (j == NULL)
		return;
	roster_free(j->pins);
	roster_free(j->roster);
	free(j);
}

struct hf_id judged_case(const struct judged *d)
{
	return HF_HAS(&d->act.envelope, HF_E_CASE) ? d->act.envelope.case_id
						   : d->act.id;
}

static void wrong(struct judged *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first thing that is wrong stands. */
static void wrong(struct judged *d, const char *format, ...)
{
	va_list args;

	if (d->problem[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(d->problem, sizeof(d->problem), format, args);
	va_end(args);
}

/* ---- the roster of the time ---- */

static uint32_t *known_version(struct judge *j, struct hf_country c)
{
	for (unsigned i = 0; i < j->known_count; i++)
		if (same_country(j->known[i].country, c))
			return &j->known[i].version;
	if (j->known_count == HF_COUNTRY_MAX)
		return NULL;
	j->known[j->known_count].country = c;
	j->known[j->known_count].version = 0;
	return &j->known[j->known_count++].version;
}

/* Put a version in force.  *digest: of its head. */
static enum hf_err add_version(struct judge *j, struct hf_country c,
    uint32_t version, const struct hf_hash *digest, struct judged *out)
{
	const struct country_doc *d;
	struct hf_country got;
	uint8_t *data = NULL;
	uint32_t got_version;
	size_t size;
	enum hf_err err =
	    archive_document(j->archive, c, version, &data, &size);

	if (err == HF_NOMEM)
		return err;
	if (err != HF_OK) {
		wrong(out, "the document %s.%u is not in the archive", c.s,
		    (unsigned)version);
		return HF_OK;
	}
	err = roster_add(j->roster, data, size, &got, &got_version);
	free(data);
	if (err == HF_NOMEM)
		return err;
	d = roster_doc(j->roster, c);
	if ((err != HF_OK && err != HF_DOC_OLD) || !same_country(got, c))
		wrong(out, "the document %s.%u: %s", c.s, (unsigned)version,
		    hf_err_text(err != HF_OK ? err : HF_DOC_INVALID));
	else if (d == NULL || d->head.version != version ||
		 memcmp(&d->head_digest, digest, sizeof(*digest)) != 0)
		wrong(out,
		    "the document %s.%u is not the one that came into force",
		    c.s, (unsigned)version);
	return HF_OK;
}

/* Pinned again: what was in force before is again. */
static enum hf_err pin_again(struct judge *j, struct hf_country c)
{
	uint32_t *version = known_version(j, c);
	uint8_t *data = NULL;
	struct hf_country got;
	uint32_t got_version;
	size_t size;
	enum hf_err err;

	if (version == NULL || *version == 0)
		return HF_OK;
	err = archive_document(j->archive, c, *version, &data, &size);
	if (err == HF_OK)
		err = roster_add(j->roster, data, size, &got, &got_version);
	free(data);
	return err == HF_NOMEM ? err : HF_OK; /* of another root: not there */
}

static enum hf_err pin(struct judge *j, struct hf_country c, struct judged *out)
{
	const struct hf_key *root = roster_root(j->pins, c);
	enum hf_err err;

	if (root == NULL)
		return HF_OK; /* the broker trusts it, the auditor does not */
	if (out->statement.detail.size != sizeof(*root) ||
	    memcmp(out->statement.detail.data, root, sizeof(*root)) != 0) {
		wrong(out,
		    "the broker pinned another root of %s than the "
		    "auditor",
		    c.s);
		return HF_OK;
	}
	err = roster_pin(j->roster, c, root);
	return err == HF_OK ? pin_again(j, c) : err;
}

static enum hf_err roster_changed(struct judge *j, struct judged *out)
{
	const struct hf_statement *s = &out->statement;
	struct hf_country c = {{0}};
	struct hf_hash digest;
	uint32_t *version;

	if (s->text.size != HF_COUNTRY_SIZE ||
	    !hf_country_ok((const char *)s->text.data, s->text.size)) {
		wrong(out, "a roster change of no country");
		return HF_OK;
	}
	memcpy(c.s, s->text.data, HF_COUNTRY_SIZE);
	if (s->code == PIN)
		return pin(j, c, out);
	if (s->code == UNPIN) {
		roster_unpin(j->roster, c);
		return HF_OK;
	}
	if (s->code != DOCUMENT || s->count == 0 || s->count > UINT32_MAX ||
	    s->detail.size != sizeof(digest)) {
		wrong(out, "a roster change that says nothing");
		return HF_OK;
	}
	version = known_version(j, c);
	if (version != NULL)
		*version = (uint32_t)s->count;
	if (roster_root(j->roster, c) == NULL)
		return HF_OK; /* its acts cannot be judged; they say so */
	memcpy(&digest, s->detail.data, sizeof(digest));
	return add_version(j, c, (uint32_t)s->count, &digest, out);
}

/* ---- cosignatures ---- */

static struct cosigned cosigned_by(
    const struct judge_base *b, struct hf_bytes note, struct instant entered)
{
	struct cosigned c =
	    cosigners_judge(b->witnesses, note, entered, b->newest);

	if (c.unknown > 0 && c.problem[0] == '\0')
		snprintf(c.problem, sizeof(c.problem),
		    "a cosignature is of a witness that no document names");
	return c;
}

struct cosigned judge_cosigned(
    const struct judge *j, struct hf_bytes note, struct instant entered)
{
	return cosigned_by(&j->base, note, entered);
}

const uint64_t *judge_witnessed(const struct judge *j)
{
	return j->witnessed;
}

/* ---- receipts ---- */

void judge_receipt_prepare(const struct judge_base *b, struct hf_country by,
    struct hf_bytes bytes, struct judged_receipt *out)
{
	const struct hf_receipt *r = &out->receipt;
	const struct hf_key *key;
	struct hf_country named;
	uint64_t size;

	out->verified = false;
	out->err = hf_receipt_decode(&out->receipt, bytes.data, bytes.size);
	if (out->err != HF_OK ||
	    hf_note_origin(r->note, &named, &out->epoch) != HF_OK)
		return;
	key = roster_ledger_key(b->newest, by, out->epoch);
	if (key == NULL ||
	    roster_receipt_check(b->newest, by, r, &size) != HF_OK)
		return;
	out->verified = true;
	out->by = by;
	out->key = *key;
	out->cosigned = cosigned_by(b, r->note, r->leaf.entered);
}

/* With the documents of `r`, whatever was verified with others before. */
static bool receipt_verifies(const struct judge *j, const struct roster *r,
    struct hf_country by, struct judged_receipt *p)
{
	const struct hf_key *key = NULL;
	uint64_t size;

	if (p->verified && same_country(by, p->by))
		key = roster_ledger_key(r, by, p->epoch);
	if (key != NULL && memcmp(key, &p->key, sizeof(*key)) == 0)
		return true;
	if (roster_receipt_check(r, by, &p->receipt, &size) != HF_OK)
		return false;
	p->cosigned =
	    cosigned_by(&j->base, p->receipt.note, p->receipt.leaf.entered);
	return true;
}

/* Of a receipt that verifies.  NULL, or what is wrong with its head. */
static const char *check_cosigned(
    struct judge *j, const struct judged_receipt *p)
{
	const struct cosigned *c = &p->cosigned;

	if (c->problem[0] == '\0') {
		j->witnessed[c->witnesses]++;
		return NULL;
	}
	snprintf(j->text, sizeof(j->text), "%s", c->problem);
	return j->text;
}

/* ---- statements ---- */

/* The proof tells the log; whether it is one, that log's key does. */
static void fork_told(const struct judge *j, struct judged *out)
{
	const struct hf_statement *s = &out->statement;
	struct hf_country c = {{0}};
	struct hf_bytes note = {NULL, 0};
	const struct hf_key *key;
	char origin[HF_ORIGIN_MAX];
	uint32_t epoch;
	uint64_t size;
	struct wire w;

	wire_init(&w, s->detail.data, s->detail.size);
	wire_map(&w, 3);
	if (wire_key(&w) == 1)
		wire_str(&w, 1, HF_ORIGIN_MAX - 1);
	if (wire_key(&w) == 2)
		note = wire_str(&w, 1, HF_NOTE_MAX);
	if (w.err != HF_OK || hf_note_origin(note, &c, &epoch) != HF_OK) {
		wrong(out, "the proof of a fork cannot be read");
		return;
	}
	if (s->text.size != HF_COUNTRY_SIZE ||
	    memcmp(s->text.data, c.s, HF_COUNTRY_SIZE) != 0) {
		wrong(out, "the proof is of a fork of another country");
		return;
	}
	key = roster_ledger_key(j->base.newest, c, epoch);
	hf_origin(origin, c, epoch);
	if (key == NULL)
		wrong(out, "the fork is of a ledger key that no document "
			   "names");
	else if (hf_fork_check(s->detail.data, s->detail.size, origin, key,
		     &size) != HF_OK)
		wrong(out, "the proof of a fork proves none");
	else {
		out->forked = c;
		out->forked_at = size;
	}
}

static enum hf_err judge_statement(
    struct judge *j, const struct archive_entry *e, struct judged *out)
{
	struct hf_hash digest =
	    hf_hash(HF_TAG_STATEMENT, e->payload.data, e->payload.size);

	if (memcmp(&digest, &out->leaf.core, sizeof(digest)) != 0)
		wrong(out, "the statement is not the one hashed");
	else if (e->core.size + e->envelope.size + e->sigs.size > 0)
		wrong(out, "a statement with parts of an act");
	else if (hf_statement_decode(&out->statement, e->payload.data,
		     e->payload.size) != HF_OK)
		wrong(out, "the statement cannot be read");
	else if (out->statement.type != out->leaf.type ||
		 memcmp(&out->statement.subject, &out->leaf.id,
		     sizeof(out->leaf.id)) != 0)
		wrong(out, "the statement is not of the leaf's type or "
			   "subject");
	else if (out->leaf.type == HF_ENTRY_ROSTER)
		return roster_changed(j, out);
	else if (out->leaf.type == HF_ENTRY_FORK)
		fork_told(j, out);
	return HF_OK;
}

/* ---- acts ---- */

static bool is_machine(const struct hf_act *act)
{
	const struct hf_kind_info *info = hf_kind_info(act->core.kind);

	return info != NULL && info->machine;
}

static bool same_digests(
    const struct hf_ledger_leaf *a, const struct hf_ledger_leaf *b)
{
	return hf_entry_is_act(a->type) &&
	       memcmp(&a->id, &b->id, sizeof(a->id)) == 0 &&
	       memcmp(&a->core, &b->core, sizeof(a->core)) == 0 &&
	       memcmp(&a->envelope, &b->envelope, sizeof(a->envelope)) == 0 &&
	       memcmp(&a->sigs, &b->sigs, sizeof(a->sigs)) == 0;
}

/* The time of entry at home, from the receipt that came with the act. */
static const char *came_with(
    struct judge *j, struct hf_country from, struct judged *out)
{
	const struct hf_receipt *r = &out->came.receipt;

	if (out->came.err != HF_OK)
		return "the receipt that it came with cannot be read";
	out->entered = r->leaf.entered;
	/* whose digests are the act's, which was looked at before */
	if (!same_digests(&r->leaf, &out->leaf))
		return "the receipt that it came with is for another act";
	if (r->leaf.type !=
	    (is_machine(&out->act) ? HF_ENTRY_MACHINE : HF_ENTRY_OWN))
		return "the receipt that it came with is of a wrong type";
	if (out->leaf.type == HF_ENTRY_RECALLED &&
	    r->leaf.epoch >= out->leaf.epoch)
		return "the receipt that it came with is of no earlier epoch";
	if (roster_ledger_key(j->roster, from, r->leaf.epoch) == NULL)
		return "the receipt that it came with is of an unknown epoch";
	if (!receipt_verifies(j, j->roster, from, &out->came))
		return "the receipt that it came with does not verify";
	return check_cosigned(j, &out->came);
}

static const char *check_machine(
    const struct judge *j, struct hf_country from, const struct judged *out)
{
	const struct country_doc *d = roster_doc(j->roster, from);

	if (out->act.signature_count != 0)
		return "a machine act with signatures";
	for (unsigned i = 0; i < d->entry_count; i++)
		if (d->entries[i].type == ENTRY_BROKER &&
		    memcmp(&d->entries[i].u.broker.ledger,
			&out->act.core.author, HF_KEY_SIZE) == 0)
			return NULL;
	return "a machine act of no ledger key of its country";
}

/* Standing of the i-th signer; *who is set when it is known. */
static const char *check_standing(const struct judge *j, const struct judged *d,
    unsigned i, const struct officer_entry **who)
{
	enum hf_err err = roster_officer_check(j->roster,
	    hf_desk_country(&d->act.envelope.from), &d->act.signatures[i].key,
	    d->entered, who);

	if (err == HF_REVOKED)
		return i == 0 ? "its officer's key was revoked when it entered"
			      : "a co-signer's key was revoked when it "
				"entered";
	if (err == HF_EXPIRED_KEY)
		return i == 0 ? "its officer's key was not valid when it "
				"entered"
			      : "a co-signer's key was not valid when it "
				"entered";
	if (err != HF_OK)
		return i == 0 ? "its officer was not in the roster when it "
				"entered"
			      : "a co-signer was not in the roster when it "
				"entered";
	return NULL;
}

static const char *check_signers(const struct judge *j, const struct judged *d)
{
	const struct hf_envelope *env = &d->act.envelope;
	const struct officer_entry *who;
	const char *problem;
	unsigned needed;

	if (d->signed_err != HF_OK)
		return "a signature does not verify";
	problem = check_standing(j, d, 0, &who);
	if (problem != NULL)
		return problem;
	if (strcmp(who->desk.s, env->from.s) != 0)
		return "its officer was not of the desk it is from";
	if (env->track <= HF_TRACK_ASKED &&
	    (who->role == ROLE_AUDITOR || who->role == ROLE_OPERATOR))
		return "its officer's role may not write that";
	for (unsigned i = 1; i < d->act.signature_count; i++) {
		problem = check_standing(j, d, i, &who);
		if (problem != NULL)
			return problem;
		if (who->role == ROLE_AUDITOR || who->role == ROLE_OPERATOR)
			return "a co-signer's role may not approve";
	}
	/* approvals by measure are judged of openings, which name it */
	needed = roster_approvals(j->roster, hf_desk_country(&env->from),
	    d->act.core.kind, env->measure);
	if (d->leaf.type == HF_ENTRY_OWN && d->act.signature_count < needed)
		return "approvals are missing";
	return NULL;
}

static const char *check_act(
    struct judge *j, const struct archive_entry *e, struct judged *out)
{
	struct hf_country from = hf_desk_country(&out->act.envelope.from);
	bool ours = same_country(from, j->country);
	const char *problem;

	if (!out->act_hashed)
		return "the act is not the one hashed";
	if (ours != (out->leaf.type != HF_ENTRY_FOREIGN))
		return "the act is not of the country that its type says";
	if (roster_root(j->roster, from) == NULL)
		return "its country's root is not pinned, nothing of it can "
		       "be judged";
	if (roster_doc(j->roster, from) == NULL)
		return "no document of its country was in force when it "
		       "entered";
	if (hf_entry_came(out->leaf.type)) {
		problem = came_with(j, from, out);
		if (problem != NULL)
			return problem;
	} else if (e->payload.size != 0) {
		return "an own act with a payload";
	} else if (is_machine(&out->act) !=
		   (out->leaf.type == HF_ENTRY_MACHINE)) {
		return "the act is not of the kind that its type says";
	}
	return is_machine(&out->act) ? check_machine(j, from, out)
				     : check_signers(j, out);
}

static void judge_act(
    struct judge *j, const struct archive_entry *e, struct judged *out)
{
	const char *problem;

	if (out->act_err != HF_OK) {
		wrong(out, "the act: %s", hf_err_text(out->act_err));
		return;
	}
	problem = check_act(j, e, out);
	if (problem != NULL)
		wrong(out, "%s", problem);
}

/* ---- entries ---- */

/* What hf_receipt_is_for asks; that the envelope is the one which the core
 * names, hf_act_decode has found already. */
static bool leaf_is_of(
    const struct hf_ledger_leaf *leaf, const struct hf_act *act)
{
	struct hf_hash sigs =
	    hf_hash(HF_TAG_SIGS, act->sigs_bytes.data, act->sigs_bytes.size);
	const struct hf_ledger_leaf named = {.type = leaf->type,
	    .id = act->id,
	    .core = act->digest,
	    .envelope = act->core.envelope,
	    .sigs = sigs};

	return same_digests(leaf, &named);
}

static void prepare_act(const struct judge_base *b,
    const struct archive_entry *e, struct judged *out)
{
	size_t size;

	out->entered = out->leaf.entered;
	out->act_err = hf_act_encode(e->core, e->envelope, e->sigs,
	    (struct hf_bytes){NULL, 0}, out->frame, sizeof(out->frame), &size);
	if (out->act_err == HF_OK)
		out->act_err = hf_act_decode(&out->act, out->frame, size);
	if (out->act_err != HF_OK)
		return;
	out->is_act = true;
	out->act_hashed = leaf_is_of(&out->leaf, &out->act);
	if (!out->act_hashed)
		return;
	out->signed_err = hf_act_verify(&out->act);
	if (hf_entry_came(out->leaf.type))
		judge_receipt_prepare(b,
		    hf_desk_country(&out->act.envelope.from), e->payload,
		    &out->came);
}

void judge_prepare(const struct judge_base *b, const struct archive_entry *e,
    struct judged *out)
{
	out->is_act = out->act_hashed = false;
	out->problem[0] = '\0';
	memset(&out->statement, 0, sizeof(out->statement));
	memset(&out->forked, 0, sizeof(out->forked));
	out->forked_at = 0;
	out->hash = hf_merkle_leaf(e->leaf.data, e->leaf.size);
	out->leaf_err =
	    hf_ledger_leaf_decode(&out->leaf, e->leaf.data, e->leaf.size);
	if (out->leaf_err != HF_OK)
		memset(&out->leaf, 0, sizeof(out->leaf));
	else if (hf_entry_is_act(out->leaf.type))
		prepare_act(b, e, out);
}

enum hf_err judge_prepared(
    struct judge *j, const struct archive_entry *e, struct judged *out)
{
	if (out->leaf_err != HF_OK) {
		wrong(out, "the leaf cannot be read");
		return HF_OK;
	}
	if (out->leaf.epoch > j->epoch || out->leaf.epoch < j->leaf_epoch)
		wrong(
		    out, "the leaf is of epoch %u", (unsigned)out->leaf.epoch);
	j->leaf_epoch = out->leaf.epoch;
	if (!hf_entry_is_act(out->leaf.type))
		return judge_statement(j, e, out);
	judge_act(j, e, out);
	return HF_OK;
}

enum hf_err judge_entry(
    struct judge *j, const struct archive_entry *e, struct judged *out)
{
	judge_prepare(&j->base, e, out);
	return judge_prepared(j, e, out);
}

/* ---- peers' receipts ---- */

const char *judge_receipt(struct judge *j, const struct hf_ledger_leaf *leaf,
    struct hf_country to, struct judged_receipt *receipt)
{
	const struct hf_ledger_leaf *theirs = &receipt->receipt.leaf;

	if (receipt->err != HF_OK)
		return "cannot be read";
	if (theirs->type != HF_ENTRY_FOREIGN || !same_digests(theirs, leaf))
		return "is for another act";
	if (roster_ledger_key(j->base.newest, to, theirs->epoch) == NULL)
		return "is by a ledger key that no document names";
	if (!receipt_verifies(j, j->base.newest, to, receipt))
		return "does not verify";
	return check_cosigned(j, receipt);
}

static bool cosigned_problem(const struct cosigners *witnesses,
    const struct roster *newest, const struct hf_receipt *r)
{
	struct cosigned c =
	    cosigners_judge(witnesses, r->note, r->leaf.entered, newest);

	return c.problem[0] != '\0' || c.unknown > 0;
}

const char *judge_certificate(const struct roster *newest,
    const struct cosigners *witnesses, const struct hf_id *case_id,
    struct hf_country by, struct hf_bytes receipt, struct instant *at)
{
	struct hf_receipt r;
	uint64_t size;

	if (hf_receipt_decode(&r, receipt.data, receipt.size) != HF_OK)
		return "cannot be read";
	if (r.leaf.type != HF_ENTRY_ERASED ||
	    memcmp(&r.leaf.id, case_id, sizeof(*case_id)) != 0)
		return "is of something else";
	if (roster_receipt_check(newest, by, &r, &size) != HF_OK)
		return "does not verify";
	if (witnesses != NULL && cosigned_problem(witnesses, newest, &r))
		return "has a false cosignature";
	if (at != NULL)
		*at = r.leaf.entered;
	return NULL;
}
