#include "client/out.h"

#include "proto/ref.h"
#include "proto/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COLUMNS_MAX 16

struct table {
	unsigned columns, rows, capacity;
	const char *const *headings;
	char **cells; /* rows * columns, owned */
};

static bool errors_as_json;

void *out_must(void *p)
{
	const struct hf_err_info *info = hf_err_info(HF_NOMEM);

	if (p != NULL)
		return p;
	/* nothing here may want memory */
	fprintf(stderr,
	    errors_as_json
		? "{\"error\":\"%s\",\"fix\":\"%s\",\"text\":\"%s\"}\n"
		: "error[%1$s]: %3$s\n  fix    %2$s\n",
	    info->name, info->cure, info->text);
	exit((int)info->exit);
}

static void *must_malloc(size_t size)
{
	return out_must(malloc(size));
}

void out_begin(enum out_mode mode)
{
	errors_as_json = mode == OUT_JSON;
	json_set_alloc_funcs(must_malloc, free);
}

struct instant out_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (struct instant){
	    (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u};
}

/* Next code point of UTF-8 that is known to be valid, or U+FFFD. */
static uint32_t next_point(const unsigned char **p)
{
	const unsigned char *s = *p;
	uint32_t c = *s++;
	unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	if (more > 0)
		c &= 0x3fu >> more;
	while (more-- > 0 && (*s & 0xc0) == 0x80)
		c = c << 6 | (*s++ & 0x3fu);
	*p = s;
	return c;
}

/* East Asian Wide and Fullwidth, as a terminal draws them. */
static int point_width(uint32_t c)
{
	if (c == 0)
		return 0;
	if ((c >= 0x0300 && c <= 0x036f) || c == 0x200b || c == 0xfeff)
		return 0;
	if ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0x303e) ||
	    (c >= 0x3041 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
	    (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) ||
	    (c >= 0xff00 && c <= 0xff60) || (c >= 0xffe0 && c <= 0xffe6) ||
	    (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd))
		return 2;
	return 1;
}

int text_width(const char *utf8)
{
	const unsigned char *p = (const unsigned char *)utf8;
	int width = 0;

	while (*p != '\0')
		width += point_width(next_point(&p));
	return width;
}

void out_safe(char *out, size_t capacity, const char *text, size_t size)
{
	size_t at = 0;

	if (!wire_utf8_ok((const uint8_t *)text, size)) {
		for (size_t i = 0; i < size && at + 5 < capacity; i++) {
			unsigned char c = (unsigned char)text[i];

			if (c >= 0x20 && c < 0x7f && c != '\\')
				out[at++] = (char)c;
			else
				at += (size_t)snprintf(
				    out + at, capacity - at, "\\x%02x", c);
		}
		out[at] = '\0';
		return;
	}
	for (size_t i = 0; i < size && at + 1 < capacity; i++)
		out[at++] = text[i] == '\n' || text[i] == '\t' ? ' ' : text[i];
	out[at] = '\0';
	while (
	    at > 0 && at + 1 == capacity && ((unsigned char)out[at - 1] & 0x80))
		out[--at] = '\0'; /* no half character at the cut */
}

struct table *table_new(const char *const *headings)
{
	struct table *t = out_must(calloc(1, sizeof(*t)));

	t->headings = headings;
	while (headings[t->columns] != NULL && t->columns < COLUMNS_MAX)
		t->columns++;
	return t;
}

void table_row(struct table *t, const char *const *cells)
{
	if (t->rows == t->capacity) {
		t->capacity = t->capacity == 0 ? 16 : 2 * t->capacity;
		t->cells = out_must(realloc(t->cells,
		    (size_t)t->capacity * t->columns * sizeof(*t->cells)));
	}
	for (unsigned i = 0; i < t->columns; i++)
		t->cells[(size_t)t->rows * t->columns + i] =
		    out_must(strdup(cells[i] == NULL ? "" : cells[i]));
	t->rows++;
}

static void csv_cell(const char *s)
{
	if (strcmp(s, "-") == 0) /* for people: nothing is there */
		s = "";
	putchar('"');
	/* a cell that a spreadsheet would run is made text */
	if (s[0] != '\0' && strchr("=+-@\t", s[0]) != NULL)
		putchar('\'');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			putchar('"');
		putchar(*s);
	}
	putchar('"');
}

static void print_csv(const struct table *t)
{
	for (unsigned i = 0; i < t->columns; i++) {
		csv_cell(t->headings[i]);
		putchar(i + 1 < t->columns ? ',' : '\n');
	}
	for (unsigned r = 0; r < t->rows; r++)
		for (unsigned i = 0; i < t->columns; i++) {
			csv_cell(t->cells[(size_t)r * t->columns + i]);
			putchar(i + 1 < t->columns ? ',' : '\n');
		}
}

static void print_line(
    const struct table *t, const char *const *cells, const int *widths)
{
	for (unsigned i = 0; i < t->columns; i++) {
		int pad = widths[i] - text_width(cells[i]);

		printf("  %s", cells[i]);
		for (; i + 1 < t->columns && pad > 0; pad--)
			putchar(' ');
	}
	putchar('\n');
}

void table_print(struct table *t, const struct out *o)
{
	int widths[COLUMNS_MAX] = {0};

	if (t == NULL)
		return;
	for (unsigned i = 0; i < t->columns; i++) {
		widths[i] = text_width(t->headings[i]);
		for (unsigned r = 0; r < t->rows; r++) {
			int w =
			    text_width(t->cells[(size_t)r * t->columns + i]);

			if (w > widths[i])
				widths[i] = w;
		}
	}
	if (o->mode == OUT_CSV) {
		print_csv(t);
	} else {
		if (o->mode != OUT_PLAIN && t->rows > 0)
			print_line(t, t->headings, widths);
		for (unsigned r = 0; r < t->rows; r++)
			print_line(t,
			    (const char *const *)t->cells +
				(size_t)r * t->columns,
			    widths);
	}
	for (size_t i = 0; i < (size_t)t->rows * t->columns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

static void print_json(json_t *object, FILE *file)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

	assert(text != NULL);
	fprintf(file, "%s\n", text);
	free(text);
	json_decref(object);
}

void out_json(json_t *object)
{
	print_json(object, stdout);
}

void out_json_error(json_t *object)
{
	print_json(object, stderr);
}

static int error_json(const struct hf_err_info *info, const char *what,
    const char *where, const char *known, const char *fix)
{
	json_t *o = json_object();

	json_object_set_new(o, "error", json_string(info->name));
	json_object_set_new(o, "text", json_string(info->text));
	json_object_set_new(o, "what", json_string(what));
	if (where != NULL)
		json_object_set_new(o, "where", json_string(where));
	if (known != NULL)
		json_object_set_new(o, "known", json_string(known));
	json_object_set_new(o, "fix", json_string(fix));
	out_json_error(o);
	return (int)info->exit;
}

int out_error(const struct out *o, enum hf_err err, const char *what,
    const char *where, const char *known, const char *fix)
{
	const struct hf_err_info *info = hf_err_info(err);
	bool red = o->colour && isatty(STDERR_FILENO);

	if (what == NULL || what[0] == '\0')
		what = info->text;
	if (fix == NULL)
		fix = info->cure;
	if (o->mode == OUT_JSON)
		return error_json(info, what, where, known, fix);
	fprintf(stderr, "%serror[%s]%s: %s\n", red ? "\033[31m" : "",
	    info->name, red ? "\033[0m" : "", what);
	if (strcmp(what, info->text) != 0)
		fprintf(stderr, "  what   %s\n", info->text);
	if (where != NULL)
		fprintf(stderr, "  where  %s\n", where);
	if (known != NULL)
		fprintf(stderr, "  known  %s\n", known);
	if (fix[0] != '\0')
		fprintf(stderr, "  fix    %s\n", fix);
	fprintf(stderr, "  more   holdfast errors %s\n", info->name);
	return (int)info->exit;
}

void out_warning(const struct out *o, enum hf_err err)
{
	static enum hf_err told;
	const struct hf_err_info *info = hf_err_info(err);

	if (o->quiet || told == err)
		return;
	told = err;
	if (o->mode != OUT_JSON) {
		fprintf(stderr, "warning[%s]: %s\n  fix    %s\n", info->name,
		    info->text, info->cure);
		return;
	}
	out_json_error(json_pack("{s:s, s:s, s:s}", "warning", info->name,
	    "text", info->text, "fix", info->cure));
}

void out_span(char *out, size_t capacity, uint64_t ms)
{
	unsigned long long s = ms / 1000u, m = s / 60, h = m / 60, d = h / 24;

	if (d > 0 && h % 24 == 0)
		snprintf(out, capacity, "%llu d", d);
	else if (d > 0)
		snprintf(out, capacity, "%llu d %llu h", d, h % 24);
	else if (h > 0)
		snprintf(out, capacity, "%llu h %02llu min", h, m % 60);
	else if (m > 0)
		snprintf(out, capacity, "%llu min %02llu s", m, s % 60);
	else
		snprintf(out, capacity, "%llu s", s);
}

const char *out_label(const struct out *o, enum hf_codes list, unsigned code)
{
	const struct hf_code_info *info = hf_code_info(list, code);

	if (info == NULL)
		return "?";
	return strcmp(o->language, "ja") == 0 ? info->ja : info->en;
}

const char *out_word(const struct out *o, enum hf_codes list, unsigned code)
{
	return o->mode == OUT_TABLE ? out_label(o, list, code)
				    : hf_code_name(list, code);
}

void out_due(
    char *text, size_t capacity, struct instant due, struct instant now)
{
	char words[48];

	if (due.ms == 0) {
		snprintf(text, capacity, "-");
		return;
	}
	out_span(words, sizeof(words),
	    due.ms > now.ms ? due.ms - now.ms : now.ms - due.ms);
	snprintf(text, capacity, due.ms > now.ms ? "due in %s" : "OVERDUE %s",
	    words);
}
