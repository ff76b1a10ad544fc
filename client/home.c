#include "client/home.h"

#include "keys/agent.h"
#include "proto/crypto.h"
#include "proto/ref.h"
#include "proto/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static enum hf_err problem(struct home *h, enum hf_err err, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

static enum hf_err problem(
    struct home *h, enum hf_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(h->problem, sizeof(h->problem), format, args);
	va_end(args);
	return err;
}

enum hf_err home_read(
    const char *path, size_t max, uint8_t **data, size_t *size)
{
	enum hf_err err = HF_FILE;
	struct stat st;
	uint8_t *buffer = NULL;
	size_t at = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		goto out;
	if (st.st_size < 0 || (uint64_t)st.st_size > max) {
		err = HF_TOO_BIG;
		goto out;
	}
	buffer = malloc((size_t)st.st_size + 1);
	if (buffer == NULL) {
		err = HF_NOMEM;
		goto out;
	}
	while (at < (size_t)st.st_size) {
		ssize_t n = read(fd, buffer + at, (size_t)st.st_size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			goto out;
		at += (size_t)n;
	}
	buffer[at] = '\0';
	*data = buffer;
	*size = at;
	buffer = NULL;
	err = HF_OK;
out:
	free(buffer);
	if (fd >= 0)
		close(fd);
	return err;
}

static enum hf_err write_all(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return HF_FILE;
		data += n;
		size -= (size_t)n;
	}
	return HF_OK;
}

static enum hf_err sync_directory_of(const char *path)
{
	char dir[HOME_PATH_MAX];
	char *slash;
	int fd;
	enum hf_err err = HF_FILE;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		snprintf(dir, sizeof(dir), ".");
	else
		*slash = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return HF_FILE;
	if (fsync(fd) == 0)
		err = HF_OK;
	close(fd);
	return err;
}

enum hf_err home_write(
    const char *path, const void *data, size_t size, unsigned mode)
{
	char temporary[HOME_PATH_MAX + 16];
	enum hf_err err = HF_FILE;
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid());
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return HF_FILE;
	err = write_all(fd, data, size);
	if (err == HF_OK && fsync(fd) != 0)
		err = HF_FILE;
	if (close(fd) != 0)
		err = HF_FILE;
	if (err == HF_OK && rename(temporary, path) != 0)
		err = HF_FILE;
	if (err == HF_OK)
		err = sync_directory_of(path);
	if (err != HF_OK)
		unlink(temporary);
	return err;
}

void home_make_dir(const char *path)
{
	mkdir(path, 0700);
}

void home_remove(const char *path)
{
	unlink(path);
}

static enum hf_err find_path(struct home *h, const char *path)
{
	const char *home = getenv("HOME");

	if (path == NULL)
		path = getenv("HOLDFAST_HOME");
	if (path != NULL)
		snprintf(h->path, sizeof(h->path), "%s", path);
	else if (home != NULL)
		snprintf(h->path, sizeof(h->path), "%s/.holdfast", home);
	else
		return problem(
		    h, HF_CONTEXT, "neither --home nor $HOME is set");
	return HF_OK;
}

static const char *member(json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s == NULL ? "" : s;
}

static enum hf_err read_context(struct home *h, const char *name)
{
	char path[HOME_PATH_MAX + 96];
	json_error_t error;
	json_t *object = NULL;
	enum hf_err err = HF_CONTEXT;
	uint8_t *text = NULL;
	size_t size;
	const char *key;

	if (name == NULL) {
		snprintf(path, sizeof(path), "%s/current", h->path);
		if (home_read(path, 63, &text, &size) != HF_OK)
			return problem(
			    h, HF_CONTEXT, "%s: no current context", path);
		text[strcspn((char *)text, "\r\n")] = '\0';
		name = (char *)text;
	}
	snprintf(h->context, sizeof(h->context), "%s", name);
	snprintf(
	    path, sizeof(path), "%s/contexts/%s.json", h->path, h->context);
	free(text);
	object = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL &&
	    json_error_code(&error) == json_error_cannot_open_file) {
		problem(h, err, "%s cannot be read", path);
		goto out;
	}
	if (object == NULL) {
		problem(h, err, "%s:%d: %s", path, error.line, error.text);
		goto out;
	}
	snprintf(h->broker, sizeof(h->broker), "%s", member(object, "broker"));
	snprintf(h->desk.s, sizeof(h->desk.s), "%s", member(object, "desk"));
	snprintf(h->country.s, sizeof(h->country.s), "%s",
	    member(object, "country"));
	key = member(object, "key");
	if (key[0] == '/')
		snprintf(h->key_file, sizeof(h->key_file), "%s", key);
	else
		snprintf(h->key_file, sizeof(h->key_file), "%.900s/%.100s",
		    h->path, key[0] == '\0' ? "officer.key" : key);
	if (!hf_country_ok(h->country.s, strlen(h->country.s)) ||
	    !hf_desk_ok(h->desk.s, strlen(h->desk.s)) ||
	    strncmp(h->broker, "tcp://", 6) != 0 ||
	    hf_keyline_read(&h->broker_key, HF_KEY_BROKER,
		member(object, "broker_key")) != HF_OK)
		problem(h, err,
		    "%s: broker, broker_key, country or desk is missing or "
		    "malformed",
		    path);
	else
		err = HF_OK;
out:
	json_decref(object);
	return err;
}

/* One file of pins/ or docs/: "CC.pin", "CC.hfd". */
static enum hf_err load_one(
    struct home *h, const char *dir, const char *name, bool pins)
{
	char path[HOME_PATH_MAX + 320];
	struct hf_country c = {{0}};
	struct hf_key root;
	uint8_t *data = NULL;
	size_t size;
	uint32_t version;
	enum hf_err err;

	if (strlen(name) != 6 || strcmp(name + 2, pins ? ".pin" : ".hfd") != 0)
		return HF_OK;
	memcpy(c.s, name, 2);
	snprintf(path, sizeof(path), "%s/%s/%s", h->path, dir, name);
	err = home_read(path, HF_DOC_MAX, &data, &size);
	if (err == HF_OK && pins) {
		data[strcspn((char *)data, "\r\n")] = '\0';
		err = hf_keyline_read(&root, HF_KEY_ROOT, (char *)data);
		if (err == HF_OK)
			err = roster_pin(h->roster, c, &root);
	} else if (err == HF_OK) {
		err = roster_add(h->roster, data, size, &c, &version);
		if (err == HF_ROOT_UNKNOWN || err == HF_DOC_OLD ||
		    err == HF_KEY_CLAIMED)
			err = HF_OK; /* a cache: not pinned any more */
	}
	free(data);
	if (err != HF_OK)
		return problem(h, err, "%s: %s", path, hf_err_text(err));
	return HF_OK;
}

static enum hf_err load_dir(struct home *h, const char *name, bool pins)
{
	char path[HOME_PATH_MAX + 16];
	struct dirent *entry;
	enum hf_err err = HF_OK;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", h->path, name);
	dir = opendir(path);
	if (dir == NULL && errno == ENOENT)
		return HF_OK; /* nothing pinned or cached yet */
	if (dir == NULL)
		return problem(h, HF_FILE, "%s", path);
	while (err == HF_OK && (entry = readdir(dir)) != NULL)
		err = load_one(h, name, entry->d_name, pins);
	closedir(dir);
	return err;
}

enum hf_err home_open(struct home *h, const char *path, const char *context)
{
	enum hf_err err;

	memset(h, 0, sizeof(*h));
	if (context == NULL)
		context = getenv("HOLDFAST_CONTEXT");
	err = hf_crypto_init();
	if (err == HF_OK)
		err = find_path(h, path);
	if (err == HF_OK)
		err = read_context(h, context);
	if (err != HF_OK)
		return err;
	h->roster = roster_new();
	if (h->roster == NULL)
		return HF_NOMEM;
	err = load_dir(h, "pins", true);
	if (err == HF_OK)
		err = load_dir(h, "docs", false);
	if (err != HF_OK)
		home_close(h);
	return err;
}

enum hf_err home_pins(struct home *h, const char *path, struct roster **pins)
{
	enum hf_err err = HF_OK;

	memset(h, 0, sizeof(*h));
	h->roster = roster_new();
	if (h->roster == NULL)
		return HF_NOMEM;
	if (find_path(h, path) == HF_OK)
		err = load_dir(h, "pins", true);
	*pins = h->roster;
	h->roster = NULL;
	return err;
}

void home_close(struct home *h)
{
	signer_free(h->signer);
	roster_free(h->roster);
	h->signer = NULL;
	h->roster = NULL;
}

/* Ask on the terminal, without echo. */
static bool prompt(const char *file, char *out, size_t capacity)
{
	struct termios old, quiet;
	FILE *tty = fopen("/dev/tty", "r+");
	bool ok = false;

	if (tty == NULL)
		return false;
	if (tcgetattr(fileno(tty), &old) == 0) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
		fprintf(tty, "Passphrase of %s: ", file);
		fflush(tty);
		ok = fgets(out, (int)capacity, tty) != NULL;
		tcsetattr(fileno(tty), TCSAFLUSH, &old);
		fprintf(tty, "\n");
	}
	fclose(tty);
	if (ok)
		out[strcspn(out, "\r\n")] = '\0';
	return ok;
}

bool home_prompt(const struct home *h, char *out, size_t capacity)
{
	return prompt(h->key_file, out, capacity);
}

enum hf_err home_unlock(struct home *h, bool no_input)
{
	char socket_path[HOME_PATH_MAX + 16], passphrase[256];
	struct secret *secret = NULL;
	bool is_protected = false;
	enum hf_err err;

	if (h->signer != NULL)
		return HF_OK;
	snprintf(socket_path, sizeof(socket_path), "%s/agent.sock", h->path);
	if (access(socket_path, F_OK) == 0 &&
	    agent_connect(&h->signer, socket_path) == HF_OK)
		return HF_OK;
	err = secret_is_protected(h->key_file, &is_protected);
	if (err == HF_OK && !is_protected) {
		err = secret_load(&secret, h->key_file, SECRET_OFFICER, NULL);
	} else if (err == HF_OK) {
		if (no_input ||
		    !prompt(h->key_file, passphrase, sizeof(passphrase)))
			return problem(h, HF_PASSPHRASE,
			    "%s is protected: start holdfast agent, or run on "
			    "a terminal",
			    h->key_file);
		err = secret_load(
		    &secret, h->key_file, SECRET_OFFICER, passphrase);
		hf_wipe(passphrase, sizeof(passphrase));
	}
	if (err != HF_OK)
		return problem(h, err, "%s", h->key_file);
	h->swappable = !secret_is_locked(secret);
	err = signer_from_secret(&h->signer, secret);
	if (err != HF_OK)
		secret_free(secret);
	return err;
}
