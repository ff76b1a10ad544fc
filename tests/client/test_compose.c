/*
 * compose: what an officer's program signs is what the protocol says.
 */
#include "client/compose.h"
#include "client/view.h"
#include "proto/crypto.h"
#include "proto/seal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct people {
	struct home home;
	struct signer *second;
	uint8_t sealing_secret[HF_KEY_SIZE];
};

static void add_officer(
    struct country_entry *e, const struct signer *s, const char *name)
{
	e->type = ENTRY_OFFICER;
	e->u.officer.sign = s->sign_key;
	e->u.officer.transport = s->transport_key;
	e->u.officer.unwrap = s->unwrap_key;
	e->u.officer.role = ROLE_DUTY;
	e->u.officer.valid_from.ms = 1;
	e->u.officer.valid_until.ms = UINT64_C(1) << 45;
	strcpy(e->u.officer.desk.s, "jp.ncp");
	strcpy(e->u.officer.name, name);
}

static struct signer *new_signer(void)
{
	struct signer *s = NULL;

	cr_assert_eq(signer_from_secret(&s, secret_new(SECRET_OFFICER)), HF_OK);
	return s;
}

/* A country of one desk and two officers. */
static void setup(struct people *p)
{
	static struct country_entry entries[4];
	struct secret *root, *registrar;
	struct hf_key root_key, registrar_key;
	uint8_t certificate[512], *document = NULL;
	struct hf_country jp = {"JP"}, got;
	size_t size, document_size;
	uint32_t version;

	cr_assert_eq(hf_crypto_init(), HF_OK);
	memset(p, 0, sizeof(*p));
	memset(entries, 0, sizeof(entries));
	root = secret_new(SECRET_ROOT);
	registrar = secret_new(SECRET_REGISTRAR);
	root_key = secret_sign_key(root);
	registrar_key = secret_sign_key(registrar);
	p->home.signer = new_signer();
	p->second = new_signer();
	p->home.country = jp;
	strcpy(p->home.desk.s, "jp.ncp");
	entries[0].type = ENTRY_DESK;
	strcpy(entries[0].u.desk.desk.s, "jp.ncp");
	entries[0].u.desk.type = DESK_CONTACT_POINT;
	strcpy(entries[0].u.desk.name, "contact point");
	strcpy(entries[0].u.desk.telephone, "+81");
	entries[0].u.desk.means_count = 1;
	strcpy(entries[0].u.desk.means[0], "fax:+81");
	entries[0].u.desk.epoch = 1;
	sealing_pair(&entries[0].u.desk.sealing, p->sealing_secret);
	add_officer(&entries[1], p->home.signer, "first");
	add_officer(&entries[2], p->second, "second");
	cr_assert_eq(country_certify(jp, 1, &registrar_key, 1,
			 (struct instant){1}, (struct instant){1u << 30}, 1,
			 root, certificate, sizeof(certificate), &size),
	    HF_OK);
	cr_assert_eq(
	    country_build((struct hf_bytes){certificate, size}, NULL, 1,
		entries, 3, (struct instant){1000}, (struct instant){1u << 30},
		&registrar, 1, &document, &document_size),
	    HF_OK);
	p->home.roster = roster_new();
	cr_assert_eq(roster_pin(p->home.roster, jp, &root_key), HF_OK);
	cr_assert_eq(
	    roster_add(p->home.roster, document, document_size, &got, &version),
	    HF_OK);
	free(document);
	secret_free(root);
	secret_free(registrar);
}

static void teardown(struct people *p)
{
	roster_free(p->home.roster);
	signer_free(p->home.signer);
	signer_free(p->second);
}

static void note(struct draft *d)
{
	draft_init(d, HF_KIND_NOTE);
	strcpy(d->envelope.to.s, "jp.ncp");
	d->envelope.track = HF_TRACK_INNER_ASKING;
	d->envelope.gen = 1;
	d->envelope.present = UINT64_C(1) << HF_E_CASE;
	cr_assert_eq(draft_text(d, HF_F_TEXT, "among us", "en", 0), HF_OK);
	cr_assert_eq(draft_uint(d, HF_F_SOURCE_PORT, 443, 0), HF_OK);
}

Test(compose, signs_what_opens_and_roots)
{
	static struct people p;
	static struct draft d;
	static struct signed_act out;
	static struct hf_act act;
	static struct hf_leaves leaves;
	static uint8_t plain[HF_BODY_MAX];
	uint8_t key[HF_KEY_SIZE];
	struct hf_key sealing;
	struct hf_body body;
	struct hf_hash root;
	size_t size;

	setup(&p);
	note(&d);
	cr_assert_eq(compose(&out, &p.home, &d, (struct instant){5000}), HF_OK);
	cr_assert_eq(hf_act_decode(&act, out.frame, out.size), HF_OK);
	cr_expect_eq(hf_act_verify(&act), HF_OK);
	cr_expect_arr_eq(act.id.b, out.id.b, HF_ID_SIZE);
	cr_assert_eq(
	    hf_body_decode(&body, act.body_bytes.data, act.body_bytes.size),
	    HF_OK);
	cr_expect_eq(body.recipient_count, 1, "one desk is named once");
	sealing = sealing_public(p.sealing_secret);
	cr_assert_eq(hf_box_open(key, body.recipients[0].sealed, &sealing,
			 p.sealing_secret),
	    HF_OK);
	cr_assert_eq(hf_body_open(&body, key, &act.core.author,
			 &act.core.envelope, plain, &size),
	    HF_OK);
	cr_assert_eq(hf_leaves_decode(&leaves, plain, size), HF_OK);
	cr_expect_eq(leaves.count, 2);
	cr_expect_eq(leaves.leaf[0].field, HF_F_SOURCE_PORT, "sorted");
	root = hf_leaves_root(&leaves);
	cr_expect_arr_eq(root.b, act.core.root.b, sizeof(root.b));
	/* the same content again: fresh salts, another act */
	struct hf_id first = out.id;

	note(&d);
	cr_assert_eq(compose(&out, &p.home, &d, (struct instant){5000}), HF_OK);
	cr_expect_arr_neq(first.b, out.id.b, HF_ID_SIZE);
	teardown(&p);
}

Test(compose, an_approval_is_a_second_signature_over_the_same_act)
{
	static struct people p;
	static struct draft d;
	static struct signed_act out;
	static struct hf_act act;
	struct hf_id id;

	setup(&p);
	note(&d);
	cr_assert_eq(compose(&out, &p.home, &d, (struct instant){5000}), HF_OK);
	id = out.id;
	cr_assert_eq(compose_approve(&out, p.second), HF_OK);
	cr_assert_eq(hf_act_decode(&act, out.frame, out.size), HF_OK);
	cr_expect_eq(act.signature_count, 2);
	cr_expect_eq(hf_act_verify(&act), HF_OK);
	cr_expect_arr_eq(act.id.b, id.b, HF_ID_SIZE);
	cr_expect_neq(
	    compose_approve(&out, p.second), HF_OK, "nobody approves twice");
	out.frame[out.size - 1] ^= 1;
	cr_expect_neq(
	    compose_approve(&out, p.home.signer), HF_OK, "a spoilt act");
	teardown(&p);
}

Test(compose, a_grant_carries_the_keys_of_what_was_opened)
{
	static struct people p;
	static struct draft d;
	static struct view v;
	static struct view_act acts[2];
	struct hf_desk audit = {"jp.audit"};
	struct wire w;

	setup(&p);
	memset(acts, 0, sizeof(acts));
	acts[0].opened = true;
	acts[0].act.signature_count = 1;
	memset(acts[0].act.id.b, 3, HF_ID_SIZE);
	memset(acts[0].body_key, 4, HF_KEY_SIZE);
	acts[1].act.signature_count = 1; /* not opened: not granted */
	v.acts[HF_TRACK_ASKING] = acts;
	v.count[HF_TRACK_ASKING] = 2;
	draft_init(&d, HF_KIND_GRANT);
	cr_assert_eq(view_grant(&v, &d, &audit), HF_OK);
	cr_expect_str_eq(d.envelope.to.s, "jp.audit");
	cr_assert_eq(d.leaf_count, 1);
	wire_init(&w, d.leaf[0].value.data, d.leaf[0].value.size);
	struct hf_bytes b = wire_bin(&w, 64, 64);

	cr_assert_eq(wire_finish(&w), HF_OK);
	cr_expect_arr_eq(b.data, acts[0].act.id.b, HF_ID_SIZE);
	cr_expect_arr_eq(b.data + HF_ID_SIZE, acts[0].body_key, HF_KEY_SIZE);
	draft_init(&d, HF_KIND_ASSIGN);
	view_assign(&d, &p.home.signer->sign_key);
	cr_expect(HF_HAS(&d.envelope, HF_E_ASSIGNEE));
	teardown(&p);
}
