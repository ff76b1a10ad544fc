/*
 * configured: pins and documents that the configuration names, given to the
 * engine at the start and at every reload.
 *
 * A pin whose file is gone is taken back, but only while the directory can
 * be read and holds at least one pin: a file system that is not mounted must
 * not empty the roster.
 */
#include "broker/core/internal.h"
#include "broker/log.h"
#include "proto/ref.h"
#include "proto/wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIN_FILE_MAX 256u
#define COUNTRIES (26u * 26u)

static uint8_t *read_file(const char *path, size_t max, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t *data = NULL;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size > 0 && (uint64_t)st.st_size <= max) {
		data = malloc((size_t)st.st_size + 1);
		if (data != NULL &&
		    read(fd, data, (size_t)st.st_size) == st.st_size) {
			*size = (size_t)st.st_size;
			data[*size] = '\0';
		} else {
			free(data);
			data = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return data;
}

static unsigned index_of(const char *code)
{
	return (unsigned)(code[0] - 'A') * 26u + (unsigned)(code[1] - 'A');
}

/* What a walk through one directory needs. */
struct walk {
	struct core *core;
	unsigned pins;
	bool pinned[COUNTRIES];
};

/* "JP.pin": one hfr1: line. */
static enum hf_err load_pin(
    struct walk *w, const char *path, const char *name, size_t length)
{
	struct event ev = core_event(w->core, EVENT_PIN);
	size_t size;
	uint8_t *text;
	enum hf_err err = HF_OK;

	if (length != HF_COUNTRY_SIZE || !hf_country_ok(name, length)) {
		log_line(LOG_WARN, HF_CONFIG, "pin-name file=%s", path);
		return HF_OK;
	}
	/* even if it cannot be read, it is not meant to be taken back */
	w->pinned[index_of(name)] = true;
	memcpy(ev.country.s, name, HF_COUNTRY_SIZE);
	text = read_file(path, PIN_FILE_MAX, &size);
	if (text != NULL)
		text[strcspn((char *)text, "\r\n")] = '\0';
	if (text == NULL ||
	    hf_keyline_read(&ev.key, HF_KEY_ROOT, (char *)text) != HF_OK) {
		log_line(LOG_WARN, HF_CONFIG, "pin-unreadable file=%s", path);
	} else {
		w->pins++;
		err = engine_step(w->core->engine, &ev);
	}
	free(text);
	return err;
}

static enum hf_err load_document(
    struct walk *w, const char *path, const char *name, size_t length)
{
	struct event ev = core_event(w->core, EVENT_DOCUMENT);
	size_t size = 0;
	uint8_t *data = read_file(path, HF_DOC_MAX, &size);
	enum hf_err err = HF_OK;

	(void)name;
	(void)length;
	if (data == NULL) {
		log_line(
		    LOG_WARN, HF_FILE, "document-unreadable file=%s", path);
	} else {
		ev.frame = (struct hf_bytes){data, size};
		err = engine_step(w->core->engine, &ev);
	}
	free(data);
	return err;
}

/* Every file NAME + suffix of a directory, in the order of names. */
static enum hf_err load_dir(struct walk *w, const char *dir, const char *suffix,
    enum hf_err (*load)(
	struct walk *w, const char *path, const char *name, size_t length))
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, NULL, alphasort);
	size_t tail = strlen(suffix);
	enum hf_err err = HF_OK;

	if (n < 0)
		log_line(LOG_WARN, HF_FILE, "directory-unreadable dir=%s", dir);
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		size_t length = strlen(name);
		char path[CONFIG_PATH_MAX + 300];

		snprintf(path, sizeof(path), "%s/%s", dir, name);
		if (err == HF_OK && length > tail &&
		    strcmp(name + length - tail, suffix) == 0)
			err = load(w, path, name, length - tail);
		free(list[i]);
	}
	free(list);
	return err;
}

static enum hf_err take_back(struct walk *w)
{
	const struct roster *roster = engine_roster(w->core->engine);
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < COUNTRIES && err == HF_OK; i++) {
		struct event ev = core_event(w->core, EVENT_UNPIN);

		ev.country.s[0] = (char)('A' + i / 26u);
		ev.country.s[1] = (char)('A' + i % 26u);
		if (w->pinned[i] || roster_root(roster, ev.country) == NULL)
			continue;
		log_line(LOG_WARN, HF_OK, "unpinned country=%s", ev.country.s);
		err = engine_step(w->core->engine, &ev);
	}
	return err;
}

enum hf_err core_configured(struct core *c)
{
	struct walk w = {.core = c};
	enum hf_err err = load_dir(&w, c->config->pins_dir, ".pin", load_pin);

	if (err == HF_OK && w.pins > 0)
		err = take_back(&w);
	if (err == HF_OK && c->config->documents_dir[0] != '\0')
		err = load_dir(
		    &w, c->config->documents_dir, ".hfd", load_document);
	return err;
}
