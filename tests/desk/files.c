#include "tests/desk/files.h"

#include "proto/wire.h"
#include "tests/desk/office.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 512u

struct file {
	char path[256];
	bool directory;
	size_t size;
	char *data;
};
struct files {
	unsigned count;
	struct file file[FILES_MAX];
};

static struct files before, after, now;
static struct files *into;
static char home[128];

static const struct file *find(const struct files *f, const char *path)
{
	for (unsigned i = 0; i < f->count; i++)
		if (strcmp(f->file[i].path, path) == 0)
			return &f->file[i];
	return NULL;
}

static int take_one(
    const char *path, const struct stat *st, int type, struct FTW *at)
{
	struct file *f = &into->file[into->count];
	FILE *in;

	(void)at;
	cr_assert_lt(into->count++, FILES_MAX);
	snprintf(f->path, sizeof(f->path), "%s", path);
	f->directory = type != FTW_F;
	f->size = 0;
	f->data = NULL;
	if (!S_ISREG(st->st_mode))
		return 0;
	f->size = (size_t)st->st_size;
	f->data = malloc(f->size + 1);
	in = fopen(path, "r");
	cr_assert(in != NULL && f->data != NULL, "%s", path);
	cr_assert_eq(fread(f->data, 1, f->size, in), f->size, "%s", path);
	fclose(in);
	return 0;
}

static void look(struct files *f)
{
	char path[192];

	for (unsigned i = 0; i < f->count; i++)
		free(f->file[i].data);
	f->count = 0;
	into = f;
	nftw(home, take_one, 16, FTW_PHYS);
	snprintf(path, sizeof(path), "%s/work", office_dir());
	nftw(path, take_one, 16, FTW_PHYS);
}

void files_before(const char *desk)
{
	snprintf(home, sizeof(home), "%s", office_home(desk));
	look(&before);
}

void files_after(void)
{
	look(&after);
}

static bool same(const struct file *a, const struct file *b)
{
	return b != NULL && a->directory == b->directory &&
	       a->size == b->size &&
	       (a->data == NULL || memcmp(a->data, b->data, a->size) == 0);
}

static void make_so(const struct files *f)
{
	look(&now);
	for (unsigned i = now.count; i-- > 0;)
		if (!same(&now.file[i], find(f, now.file[i].path)))
			remove(now.file[i].path);
	for (unsigned i = 0; i < f->count; i++) {
		const struct file *one = &f->file[i];
		FILE *out;

		if (same(one, find(&now, one->path)))
			continue;
		if (one->directory) {
			cr_assert_eq(mkdir(one->path, 0700), 0);
			continue;
		}
		out = fopen(one->path, "w");
		cr_assert_not_null(out, "%s", one->path);
		cr_assert_eq(fwrite(one->data, 1, one->size, out), one->size);
		cr_assert_eq(fclose(out), 0);
		chmod(one->path, 0600);
	}
}

void files_put_back(void)
{
	make_so(&before);
}

void files_go_on(void)
{
	make_so(&after);
}

/* A signed act that waits; what a fetch has so far. */
static bool may_stay(const struct file *f, const struct file *whole)
{
	const char *name = strrchr(f->path, '/') + 1;
	struct wire w;
	size_t n = strlen(name);

	if (strstr(f->path, "/outbox/") != NULL && n > 4 &&
	    strcmp(name + n - 4, ".ref") == 0)
		return f->size > 10;
	if (strstr(f->path, "/outbox/") != NULL && n > 4 &&
	    strcmp(name + n - 4, ".act") == 0) {
		wire_init(&w, (const uint8_t *)f->data, f->size);
		wire_skip(&w);
		return wire_finish(&w) == HF_OK;
	}
	if (strcmp(name, "ledger") == 0 || strcmp(name, "hashes") == 0)
		return f->size == 0 ||
		       (whole != NULL && f->size <= whole->size &&
			   memcmp(f->data, whole->data, f->size) == 0);
	return false;
}

const char *files_wrong(bool other_answers)
{
	static char what[400];

	look(&now);
	for (unsigned i = 0; i < now.count; i++) {
		const struct file *f = &now.file[i];

		if (f->directory || same(f, find(&before, f->path)) ||
		    same(f, find(&after, f->path)) ||
		    may_stay(f, find(&after, f->path)) ||
		    (other_answers && find(&after, f->path) != NULL))
			continue;
		snprintf(what, sizeof(what), "left %s of %zu bytes", f->path,
		    f->size);
		return what;
	}
	for (unsigned i = 0; i < before.count; i++) {
		const struct file *f = &before.file[i];

		if (find(&now, f->path) == NULL &&
		    find(&after, f->path) != NULL) {
			snprintf(what, sizeof(what), "lost %s", f->path);
			return what;
		}
	}
	return NULL;
}
