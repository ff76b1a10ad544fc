/* The broker's key file, its passphrase from wherever it may come. */
#include "broker/unlock.h"

#include "proto/crypto.h"
#include "tests/support/terminal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];
static struct config config;
static struct secret *made;

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static void set_up(void)
{
	cr_assert_eq(hf_crypto_init(), HF_OK);
	snprintf(dir, sizeof(dir), "/tmp/hf-unlock-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(config.key_file, sizeof(config.key_file), "%s/key", dir);
	unsetenv("CREDENTIALS_DIRECTORY");
	made = secret_new(SECRET_BROKER);
	cr_assert_not_null(made);
}

static void tear_down(void)
{
	static const char *const names[] = {"key", "passphrase", "none"};
	char path[128];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	secret_free(made);
}

TestSuite(unlock, .init = set_up, .fini = tear_down);

/* The key that was made, or why not. */
static int unlocked(void *ctx)
{
	struct secret *s = NULL;
	enum hf_err err = unlock(&s, &config);
	struct hf_key got, wanted = secret_sign_key(made);

	(void)ctx;
	if (err != HF_OK)
		return err == HF_PASSPHRASE ? 1 : err == HF_KEYFILE ? 2 : 3;
	got = secret_sign_key(s);
	secret_free(s);
	return memcmp(&got, &wanted, sizeof(got)) == 0 ? 0 : 4;
}

Test(unlock, an_unprotected_key_asks_nobody)
{
	char seen[256];

	cr_assert_eq(secret_save(made, config.key_file, NULL), HF_OK);
	cr_expect_eq(on_terminal(NULL, unlocked, NULL, seen, sizeof(seen)), 0);
	snprintf(config.key_file, sizeof(config.key_file), "%s/none", dir);
	cr_expect_neq(unlocked(NULL), 0);
	put("none", "no key\n");
	cr_expect_eq(unlocked(NULL), 2);
}

Test(unlock, a_protected_key_takes_its_passphrase_from_where_it_is)
{
	char seen[256];

	cr_assert_eq(
	    secret_save(made, config.key_file, "correct horse"), HF_OK);
	/* nobody to ask */
	cr_expect_eq(on_terminal(NULL, unlocked, NULL, seen, sizeof(seen)), 1);
	/* the terminal, which does not show it */
	cr_expect_eq(
	    on_terminal("correct horse", unlocked, NULL, seen, sizeof(seen)),
	    0);
	cr_expect_not_null(strstr(seen, "passphrase of the broker's key"));
	cr_expect_null(strstr(seen, "horse"), "echoed: %s", seen);
	/* an empty line is none */
	cr_expect_eq(on_terminal("", unlocked, NULL, seen, sizeof(seen)), 1);
	/* systemd's credentials */
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	put("passphrase", "correct horse\nand more\n");
	cr_expect_eq(unlocked(NULL), 0);
	/* a file that is named is the only place; CR LF is an end as well */
	snprintf(config.passphrase_file, sizeof(config.passphrase_file),
	    "%s/none", dir);
	cr_expect_eq(unlocked(NULL), 1);
	put("none", "correct horse\r\n");
	cr_expect_eq(unlocked(NULL), 0);
	put("none", "wrong horse\n");
	cr_expect_eq(unlocked(NULL), 1);
}
