/* First inputs of the client's readers (seeds.h). */
#include "tests/fuzz/seeds.h"

#include "client/minisign.h"
#include "tests/client/bundle_rig.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void bundles(void)
{
	for (unsigned order = 0; order < 2; order++) {
		struct rig *r = rig_new(order == 1);
		struct tar t = {0};
		struct tar_member *manifest, *signature;
		size_t size, at;
		uint8_t *file;

		rig_members(r, &t);
		file = rig_export(r, &t, &size);
		save("tar", "", 0, file, size);
		save("bundle", "", 0, file, size);
		memset(&t, 0, sizeof(t));
		MUST(tar_read(&t, file, size, &at) == HF_OK, "tar_read");
		manifest = tar_find(&t, "manifest");
		signature = tar_find(&t, "manifest.minisig");
		MUST(manifest != NULL && signature != NULL, "no manifest");
		for (unsigned i = 0; i < t.count; i++)
			if (strncmp(t.members[i]->name, "leaves/", 7) == 0)
				save("cite", "", 0, t.members[i]->content.data,
				    t.members[i]->content.size);
		tar_release(&t);
		free(file);
		bundle_rig_free(r);
	}
}

static void signatures(void)
{
	static const struct hf_bytes file = {
	    (const uint8_t *)"a manifest\n", 11};
	struct secret *secret = secret_new(SECRET_OFFICER);
	char text[MINISIGN_TEXT_MAX];
	struct signer *signer;
	uint8_t head[HF_KEY_SIZE + 1] = {0};
	size_t size;

	MUST(signer_from_secret(&signer, secret) == HF_OK, "signer");
	memcpy(head, signer->sign_key.b, HF_KEY_SIZE);
	minisign_public(text, &size, &signer->sign_key, "whose");
	save("minisign", head, sizeof(head), text, size);
	head[HF_KEY_SIZE] = 1;
	MUST(minisign_sign(text, &size, signer, file, "case X") == HF_OK,
	    "minisign_sign");
	save("minisign", head, sizeof(head), text, size);
	signer_free(signer);
}

static void secrets(void)
{
	static const enum secret_purpose all[] = {
	    SECRET_OFFICER, SECRET_BROKER, SECRET_REGISTRAR, SECRET_ROOT};
	char path[160];
	uint8_t text[1024];

	for (unsigned i = 0; i < 4; i++) {
		struct secret *s = secret_new(all[i]);
		uint8_t head = (uint8_t)all[i];
		size_t n;
		FILE *f;

		snprintf(path, sizeof(path), "%s/seed.key", fuzz_dir());
		remove(path);
		MUST(s != NULL && secret_save(s, path, NULL) == HF_OK,
		    "secret_save");
		secret_free(s);
		f = fopen(path, "rb");
		MUST(f != NULL, path);
		n = fread(text, 1, sizeof(text), f);
		fclose(f);
		save("secret", &head, 1, text, n);
	}
}

void seeds_client(void)
{
	bundles();
	signatures();
	secrets();
}
