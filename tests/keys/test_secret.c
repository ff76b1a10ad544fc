/* Secrets in memory and at rest. */
#include "keys/secret.h"

#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))
#define LINE_MAX_SIZE 1200u

static char dir[64], path[96];

static void set_up(void)
{
	cr_assert_eq(hf_crypto_init(), HF_OK);
	snprintf(dir, sizeof(dir), "/tmp/hf-secret-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/key", dir);
}

static void tear_down(void)
{
	unlink(path);
	rmdir(dir);
}

TestSuite(secret, .init = set_up, .fini = tear_down);

static const struct {
	enum secret_purpose purpose;
	size_t size;
	bool transport, unwrap;
} purposes[] = {
    {SECRET_OFFICER, 96, true, true},
    {SECRET_BROKER, 96, true, false},
    {SECRET_REGISTRAR, 32, false, false},
    {SECRET_ROOT, 32, false, false},
};

static bool same_key(struct hf_key a, struct hf_key b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

Test(secret, of_every_purpose_signs_and_comes_back_from_its_bytes)
{
	static const char message[] = "what is signed";

	for (size_t i = 0; i < ROWS(purposes); i++) {
		struct secret *s = secret_new(purposes[i].purpose), *back;
		struct secret *other = secret_new(purposes[i].purpose);
		struct hf_key key;
		struct hf_sig sig;
		uint8_t raw[96];
		size_t size;

		cr_assert(s != NULL && other != NULL);
		key = secret_sign_key(s);
		sig = secret_sign(s, message, sizeof(message));
		cr_expect(hf_key_is_valid(&key));
		cr_expect_eq(
		    hf_verify(&key, &sig, message, sizeof(message)), HF_OK);
		cr_expect_eq(
		    hf_verify(&key, &sig, message, sizeof(message) - 1),
		    HF_SIGNATURE);
		cr_expect(!same_key(key, secret_sign_key(other)));

		size = secret_export(s, raw);
		cr_expect_eq(size, purposes[i].size);
		back = secret_import(purposes[i].purpose, raw, size);
		cr_assert_not_null(back);
		cr_expect_eq(secret_purpose(back), purposes[i].purpose);
		cr_expect(same_key(secret_sign_key(back), key));
		cr_expect(same_key(
		    secret_transport_key(back), secret_transport_key(s)));
		cr_expect(
		    same_key(secret_unwrap_key(back), secret_unwrap_key(s)));
		cr_expect_null(
		    secret_import(purposes[i].purpose, raw, size - 1));
		secret_free(s);
		secret_free(other);
		secret_free(back);
	}
	secret_free(NULL);
}

Test(secret, has_the_public_halves_of_its_purpose)
{
	static const struct hf_key none;

	for (size_t i = 0; i < ROWS(purposes); i++) {
		struct secret *s = secret_new(purposes[i].purpose);
		struct hf_key t = secret_transport_key(s);
		struct hf_key u = secret_unwrap_key(s);

		cr_expect_eq(!same_key(t, none), purposes[i].transport);
		cr_expect_eq(!same_key(u, none), purposes[i].unwrap);
		cr_expect_eq(!same_key(secret_witness_key(s), none),
		    purposes[i].purpose == SECRET_BROKER);
		cr_expect(!same_key(secret_witness_key(s), secret_sign_key(s)));
		if (purposes[i].transport) {
			uint8_t transport[HF_KEY_SIZE];

			secret_transport_secret(s, transport);
			cr_expect(same_key(sealing_public(transport), t));
		}
		secret_free(s);
	}
}

Test(secret, unwraps_what_is_sealed_to_it_alone)
{
	uint8_t body_key[HF_KEY_SIZE], chance[HF_KEY_SIZE], out[HF_KEY_SIZE];
	uint8_t sealed[HF_SEALED_KEY_SIZE];
	struct secret *mine = secret_new(SECRET_OFFICER);
	struct secret *other = secret_new(SECRET_OFFICER);
	struct secret *registrar = secret_new(SECRET_REGISTRAR);
	struct hf_key to = secret_unwrap_key(mine);

	hf_random(body_key, sizeof(body_key));
	hf_random(chance, sizeof(chance));
	cr_assert_eq(hf_box_seal(sealed, body_key, &to, chance), HF_OK);
	cr_expect_eq(secret_unwrap(mine, sealed, out), HF_OK);
	cr_expect_arr_eq(out, body_key, sizeof(out));
	cr_expect_eq(secret_unwrap(other, sealed, out), HF_OPEN);
	cr_expect_eq(secret_unwrap(registrar, sealed, out), HF_OPEN);
	sealed[40] ^= 1;
	cr_expect_eq(secret_unwrap(mine, sealed, out), HF_OPEN);
	secret_free(mine);
	secret_free(other);
	secret_free(registrar);
}

/* ZeroMQ RFC 32 has the vector of the first eight bytes: HelloWorld. */
Test(secret, writes_and_reads_z85)
{
	static const char zeros[] = "0000000000000000000000000000000000000000";
	static const uint8_t hello[] = {
	    0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b};
	static const char *const bad[] = {
	    "", "HelloWorld", "000000000000000000000000000000000000000",
	    "00000000000000000000000000000000000000000",
	    "0000000000000000000000000000000000000 00",
	    "00000000000000000000000000000000000\"0000",
	    "#####00000000000000000000000000000000000", /* above 2^32 */
	};
	struct hf_key key = {{0}}, back;
	char text[41];

	key_z85(text, &key);
	cr_expect_str_eq(text, zeros);
	memcpy(key.b, hello, sizeof(hello));
	key_z85(text, &key);
	cr_expect_arr_eq(text, "HelloWorld", 10);
	for (unsigned i = 0; i < 100; i++) {
		hf_random(&key, sizeof(key));
		key_z85(text, &key);
		cr_assert_eq(key_from_z85(&back, text), HF_OK, "%s", text);
		cr_assert(same_key(back, key), "%s", text);
	}
	for (size_t i = 0; i < ROWS(bad); i++) {
		cr_expect_eq(
		    key_from_z85(&back, bad[i]), HF_RANGE, "%s", bad[i]);
		cr_expect(same_key(back, key), "unchanged: %s", bad[i]);
	}
}

/* ---- files ---- */

static size_t read_line(uint8_t out[LINE_MAX_SIZE])
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, out, LINE_MAX_SIZE);

	cr_assert_gt(n, 0);
	close(fd);
	return (size_t)n;
}

static void put_line(const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, data, size), (ssize_t)size);
	close(fd);
}

static enum hf_err load(enum secret_purpose purpose)
{
	struct secret *s = NULL;
	enum hf_err err = secret_load(&s, path, purpose, NULL);

	cr_expect_eq(s != NULL, err == HF_OK);
	secret_free(s);
	return err;
}

Test(secret, plain_file_comes_back_for_its_purpose_only)
{
	for (size_t i = 0; i < ROWS(purposes); i++) {
		struct secret *s = secret_new(purposes[i].purpose), *back;
		bool is_protected = true;
		struct stat st;

		cr_assert_eq(secret_save(s, path, NULL), HF_OK);
		cr_assert_eq(stat(path, &st), 0);
		cr_expect_eq(st.st_mode & 07777, 0600);
		cr_expect_eq(secret_save(s, path, NULL), HF_FILE, "exists");
		cr_expect_eq(secret_is_protected(path, &is_protected), HF_OK);
		cr_expect(!is_protected);
		for (size_t k = 0; k < ROWS(purposes); k++)
			cr_expect_eq(load(purposes[k].purpose),
			    k == i ? HF_OK : HF_KEYFILE);
		cr_assert_eq(
		    secret_load(&back, path, purposes[i].purpose, NULL), HF_OK);
		cr_expect(same_key(secret_sign_key(back), secret_sign_key(s)));
		secret_free(back);
		secret_free(s);
		unlink(path);
	}
}

Test(secret, protected_file_opens_with_its_passphrase_only)
{
	struct secret *s = secret_new(SECRET_OFFICER), *back = NULL;
	uint8_t line[LINE_MAX_SIZE], raw[96];
	char plain[200];
	bool is_protected = false;
	size_t size;

	cr_assert_eq(secret_save(s, path, "correct horse"), HF_OK);
	cr_expect_eq(secret_is_protected(path, &is_protected), HF_OK);
	cr_expect(is_protected);
	cr_expect_eq(load(SECRET_OFFICER), HF_PASSPHRASE, "none given");
	cr_expect_eq(secret_load(&back, path, SECRET_OFFICER, "correct hors"),
	    HF_PASSPHRASE);
	cr_expect_null(back);
	cr_assert_eq(
	    secret_load(&back, path, SECRET_OFFICER, "correct horse"), HF_OK);
	cr_expect(same_key(secret_sign_key(back), secret_sign_key(s)));
	cr_expect(same_key(secret_unwrap_key(back), secret_unwrap_key(s)));

	size = read_line(line);
	secret_export(s, raw);
	hf_base64url(plain, sizeof(plain), raw, 96);
	cr_expect_null(memmem(line, size, plain, 40), "in clear");
	for (size_t n = 0; n < size; n++) {
		put_line(line, n);
		cr_assert_eq(load(SECRET_OFFICER), HF_KEYFILE, "at %zu", n);
	}
	secret_free(s);
	secret_free(back);
}

Test(secret, file_of_another_form_is_refused)
{
	struct secret *s = secret_new(SECRET_OFFICER);
	uint8_t line[LINE_MAX_SIZE], bad[LINE_MAX_SIZE];
	bool is_protected;
	size_t size;

	cr_assert_eq(secret_save(s, path, NULL), HF_OK);
	secret_free(s);
	size = read_line(line);
	for (size_t n = 0; n < size; n++) {
		put_line(line, n);
		cr_assert_eq(load(SECRET_OFFICER), HF_KEYFILE, "at %zu", n);
	}
	/* every byte of the head counts, so does what follows the line */
	for (size_t n = 0; n < strlen("HOLDFAST-SECRET-KEY-1 officer p"); n++) {
		memcpy(bad, line, size);
		bad[n] ^= 1;
		put_line(bad, size);
		cr_assert_eq(load(SECRET_OFFICER), HF_KEYFILE, "byte %zu", n);
		cr_assert_eq(
		    secret_is_protected(path, &is_protected), HF_KEYFILE);
	}
	memcpy(bad, line, size);
	memcpy(bad + size, "\0more", 5);
	put_line(bad, size + 1);
	cr_expect_eq(load(SECRET_OFFICER), HF_KEYFILE, "NUL after the line");
	put_line(bad, size + 5);
	cr_expect_eq(load(SECRET_OFFICER), HF_KEYFILE, "text after the line");
	memset(bad + size, '\n', sizeof(bad) - size);
	put_line(bad, sizeof(bad));
	cr_expect_eq(load(SECRET_OFFICER), HF_KEYFILE, "too long");
	put_line(line, size);
	cr_expect_eq(load(SECRET_OFFICER), HF_OK);
}

Test(secret, file_that_others_may_touch_is_refused)
{
	static const mode_t open_modes[] = {
	    0644, 0640, 0604, 0620, 0610, 0601, 0602};
	struct secret *s = secret_new(SECRET_ROOT);
	char other[120];

	cr_expect_eq(load(SECRET_ROOT), HF_FILE, "not there");
	cr_assert_eq(secret_save(s, path, NULL), HF_OK);
	for (size_t i = 0; i < ROWS(open_modes); i++) {
		cr_assert_eq(chmod(path, open_modes[i]), 0);
		cr_expect_eq(
		    load(SECRET_ROOT), HF_KEYFILE, "%o", open_modes[i]);
	}
	cr_assert_eq(chmod(path, 0600), 0);
	cr_expect_eq(load(SECRET_ROOT), HF_OK);
	if (geteuid() == 0) {
		cr_assert_eq(chown(path, 1, 1), 0);
		cr_expect_eq(load(SECRET_ROOT), HF_KEYFILE, "of another");
		cr_assert_eq(chown(path, 0, 0), 0);
	}
	snprintf(other, sizeof(other), "%s.real", path);
	cr_assert_eq(rename(path, other), 0);
	cr_assert_eq(symlink(other, path), 0);
	cr_expect_eq(load(SECRET_ROOT), HF_KEYFILE, "a link");
	unlink(path);
	unlink(other);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(load(SECRET_ROOT), HF_KEYFILE, "a FIFO, without waiting");
	unlink(path);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(load(SECRET_ROOT), HF_KEYFILE, "a directory");
	rmdir(path);
	snprintf(other, sizeof(other), "%s/none/key", dir);
	cr_expect_eq(secret_save(s, other, NULL), HF_FILE, "no directory");
	secret_free(s);
}

/* In a child that may lock so many bytes and no more, not even as root: is a
 * new secret locked there, and one that was locked before the fork? */
static bool locks_with(rlim_t limit)
{
	struct rlimit l = {limit, limit};
	struct secret *before = secret_new(SECRET_OFFICER), *s;
	int status = 0;
	pid_t child;

	cr_assert(secret_is_locked(before));
	child = fork();
	if (child == 0) {
		if (setrlimit(RLIMIT_MEMLOCK, &l) != 0 ||
		    (geteuid() == 0 && setuid(65534) != 0))
			_exit(2);
		s = secret_new(SECRET_OFFICER);
		secret_lock(before);
		_exit(
		    s != NULL && secret_is_locked(s) == secret_is_locked(before)
			? secret_is_locked(s)
			: 2);
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) < 2, "status %x",
	    (unsigned)status);
	secret_free(before);
	return WEXITSTATUS(status) == 1;
}

Test(secret, that_cannot_be_locked_says_so_and_works)
{
	cr_expect(locks_with(1024 * 1024));
#ifndef __SANITIZE_ADDRESS__ /* under it mlock does nothing and says 0 */
	cr_expect_not(locks_with(0));
#endif
}
